"""Versions that were made, in a folder next to the run file: each is there whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from ovreport.config.load import MadeFile
from ovreport.errors import UserError
from ovreport.files import absolute, write_whole
from ovreport.measuring.scratch import scratch_folder
from ovreport.run import Making

MODEL = "model.xml"
_MAKING = "making.json"
_LONGEST_NAME = 60


def kept_folder(run_file: Path) -> Path:
    """Return the folder of the versions that are made for a run file."""
    return absolute(run_file).with_name(f"{run_file.stem}-versions")


def place(folder: Path, model: str, version: str, key: str) -> Path:
    """Return where a version is kept; ``key`` is a digest of all that it depends on."""
    names = (re.sub(r"[^\w.-]+", "_", name)[:_LONGEST_NAME] for name in (model, version))
    return folder / f"{'-'.join(names)}-{key}"


def kept(target: Path) -> MadeFile | None:
    """Return the version that is kept in a place, if it is there whole."""
    model = target / MODEL
    try:
        making = Making.model_validate_json((target / _MAKING).read_bytes())
    except (OSError, ValidationError):
        return None
    is_whole = model.is_file() and model.with_suffix(".bin").is_file()
    return MadeFile(model, making) if is_whole else None


def keep(target: Path, make: Callable[[Path], Making]) -> MadeFile:
    """Make a version in a temporary folder next to ``target``, and move it there when it is whole.

    A process that is killed meanwhile leaves only a temporary folder, which the next one removes.

    Args:
        target: where the version is kept; what is there is not whole.
        make: writes the model to the given path.

    Raises:
        UserError: the folder cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(target.parent) as folder:
            new = folder / "new"
            new.mkdir()
            making = make(new / MODEL)
            write_whole(new / _MAKING, making.model_dump_json(indent=1))
            for file in new.iterdir():
                _flush(file)
            _replace(target, new)
    except OSError as error:
        raise UserError(
            f"{target.parent}: versions cannot be kept there: {error.strerror}",
            "Choose another place for the run file with --run-file.",
        ) from error
    return MadeFile(target / MODEL, making)


def _replace(target: Path, new: Path) -> None:
    """Move a folder to its place, unless another process has put the same version there."""
    if target.exists() and kept(target) is None:
        shutil.rmtree(target)
    try:
        new.rename(target)
    except OSError:
        if kept(target) is None:
            raise


def _flush(file: Path) -> None:
    """Have a file on the disk before it gets the name under which it counts as whole."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move(made: Path, target: Path) -> None:
    """Move a made model and its weights to a user's place on the same file system.

    A model never stands there with the weights of another, even if the program is killed meanwhile.

    Raises:
        UserError: the place cannot be written.
    """
    try:
        target.unlink(missing_ok=True)
        made.with_suffix(".bin").replace(target.with_suffix(".bin"))
        made.replace(target)
    except OSError as error:
        raise UserError(
            f"-o {target}: cannot be written: {error.strerror}", "Choose another place."
        ) from error
