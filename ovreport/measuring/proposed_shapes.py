"""A shape to offer where a model leaves its own open: one that the model was seen to take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ovreport.measuring.worker_session import WorkerError, WorkerSession
from ovreport.planning.shapes import PartialShape, guesses, written
from ovreport.run import Port

# Reading and reshaping a large model a few times.
_LIMIT_S = 120.0


def propose(
    model: Path,
    inputs: Sequence[Port],
    known: Sequence[PartialShape],
    extensions: Sequence[Path] = (),
    *,
    python: Path,
) -> str | None:
    """The likeliest shape that the model can be reshaped to, or None where no guess fits.

    Args:
        known: what is known of each input's shape.
        extensions: libraries with operations of the model's own.
        python: the runtime whose OpenVINO is asked.
    """
    shapes = list(dict.fromkeys(guesses(inputs, known)))
    try:
        with WorkerSession(python) as worker:
            told = worker.ask(
                "reshape",
                _LIMIT_S,
                "first_fitting",
                path=str(model),
                shapes=shapes,
                extensions=[str(path) for path in extensions],
            )
    except WorkerError:
        return None  # the model was read before: what fails here is a guess
    place = told["place"]
    return None if place is None else written(inputs, shapes[place])
