"""Running Graphviz: the system's ``dot``, else the one that the graphviz-pure wheel carries."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Literal


class LayoutError(Exception):
    """No picture: the engine is missing, failed, or took too long."""


class LayoutTimeoutError(LayoutError):
    """The engine took too long for what it was given."""


@cache
def engine() -> Path | None:
    """The executable that lays graphs out."""
    if found := shutil.which("dot"):
        return Path(found)
    try:
        installed = files("graphviz-pure") or []
    except PackageNotFoundError:
        return None
    return next((Path(str(f.locate())) for f in installed if f.stem == "graphviz-pure"), None)


def graphviz(
    source: str, output: Literal["plain", "png"], limit_s: float, *, placed: bool = False
) -> bytes:
    """What Graphviz makes of a DOT source.

    Args:
        source: one or more graphs, each beginning on a line of its own.
        placed: positions in the source are kept, none are sought.

    Raises:
        LayoutError: says why there is none.
    """
    command = engine()
    if command is None:
        raise LayoutError("Graphviz is not installed: `pip install graphviz-pure` brings it.")
    how = ["-Kneato", "-n2"] if placed else ["-Kdot"]
    try:
        done = subprocess.run(
            [str(command), *how, f"-T{output}"],
            input=source.encode(),
            capture_output=True,
            timeout=limit_s,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        said = f"Graphviz took longer than {limit_s:.3g} s for this graph."
        raise LayoutTimeoutError(said) from error
    except (OSError, subprocess.CalledProcessError) as error:
        raise LayoutError(f"Graphviz failed: {error}") from error
    return done.stdout
