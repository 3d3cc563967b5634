"""Makes the versions of a config that have a recipe, each once."""

from __future__ import annotations

import importlib.metadata
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ovreport.config.load import MadeFile, Source
from ovreport.config.made_versions import parents, recipe
from ovreport.config.schema import Version
from ovreport.errors import UserError
from ovreport.measuring.planner import Calibration, Planner, Runtimes
from ovreport.measuring.worker_session import WorkerError, WorkerSession
from ovreport.optimising.kept import keep, kept, place
from ovreport.run import Cell, Environment, Making
from ovreport.run.record import digest

WORKER = Path(__file__).with_name("worker")

# Part of every key: raise it if the worker makes another file from the same recipe.
_EDITION = 1
# A large model takes hours; the limit only ends a process that hangs.
_LIMIT_S = 7 * 86400.0


@dataclass(frozen=True)
class MakingStarted:
    """ovreport begins to make a version."""

    model: str
    version: str
    parent: str
    optimise: str


@dataclass(frozen=True)
class MakingProgress:
    """How many input sets the calibration has read; it may read a set several times."""

    sets: int


@dataclass(frozen=True)
class VersionMade:
    """A version is made and kept, or was kept already."""

    model: str
    version: str
    making: Making
    path: Path
    is_new: bool


MakingEvent = MakingStarted | MakingProgress | VersionMade


class MakingDisplay(Protocol):
    """Shows the progress of making versions."""

    def show(self, event: MakingEvent) -> None:
        """Show one step."""

    def making(self, started: MakingStarted) -> AbstractContextManager[object]:
        """Return a context that is open while a version is made."""


@dataclass(frozen=True)
class _Recipe:
    """All that a version depends on, and where it is kept."""

    version: Version
    parent: Path
    calibration: Calibration | None
    nncf: str
    openvino: str
    key: str


def make_versions(
    source: Source,
    inspected: Runtimes,
    environment: Environment,
    scratch: Path,
    folder: Path,
    display: MakingDisplay | None,
) -> Source:
    """Return the source with all versions that are kept or, with a display, can be made.

    Args:
        source: the config; the models that it was made of stand in for versions not made yet.
        inspected: what each runtime says of these models.
        environment: the machine.
        scratch: a folder for temporary files.
        folder: where versions are kept.
        display: shows the progress; None: make nothing.

    Raises:
        UserError: nncf is missing, calibration data does not fit, or a version cannot be made.
    """
    keys = {
        (version.name, version.version): info.sha256
        for version, info in zip(source.config.model, inspected.default.models, strict=True)
    }
    made_versions = [version for version in source.config.model if version.from_ is not None]
    releases = {id(version): _nncf_release(source, version) for version in made_versions}
    # A version comes after the one that it is made of.
    for version in sorted(made_versions, key=lambda version: len(parents(source.config, version))):
        planner = Planner(source, inspected, environment, scratch)
        name = (version.name, version.version)
        parent_key = keys[version.name, str(version.from_)]
        planned = _planned_recipe(planner, version, parent_key, releases[id(version)])
        keys[name] = planned.key
        target = place(folder, *name, planned.key)
        if made := kept(target):
            if display is not None:
                display.show(VersionMade(*name, made.making, made.path, is_new=False))
        elif display is not None:
            made = _make(source, planned, target, display)
        if made is not None:
            source = replace(source, made={**source.made, name: made})
    return source


def _planned_recipe(planner: Planner, version: Version, parent_key: str, nncf: str) -> _Recipe:
    source = planner.source
    calibration = None
    if version.optimise == "int8":
        runtime = next(iter(planner.runtimes.pythons))
        cell = Cell(model=version.name, version=version.version, runtime=runtime)
        calibration = planner.calibration(planner.plan(cell))
    openvino = importlib.metadata.version("openvino")
    key = digest(
        {
            "edition": _EDITION,
            "parent": parent_key,
            "optimise": version.optimise,
            "settings": _settings(version),
            "calibration": None if calibration is None else calibration.sha256,
            "nncf": nncf,
            "openvino": openvino,
        }
    )
    parent = parents(source.config, version)[0]
    return _Recipe(version, source.file(parent), calibration, nncf, openvino, key)


def _settings(version: Version) -> dict[str, object]:
    """Return the keys of the recipe for nncf, without those of the calibration data."""
    given = recipe(version)
    return {k: v for k, v in given.items() if k not in ("optimise", "calibration", "subset")}


def _nncf_release(source: Source, version: Version) -> str:
    """Return the release of nncf; empty if a recipe does not need it.

    Raises:
        UserError: it is not installed.
    """
    if version.optimise == "f16":
        return ""
    try:
        return importlib.metadata.version("nncf")
    except importlib.metadata.PackageNotFoundError as error:
        raise UserError(
            f'{_named(source, version)}: optimise = "{version.optimise}" needs nncf, which is not '
            "installed",
            "Install it: pip install 'ovreport[quantize]'.",
        ) from error


def _named(source: Source, version: Version) -> str:
    return f"{source.name}: model {version.name!r}, version {version.version!r}"


def _make(source: Source, planned: _Recipe, target: Path, display: MakingDisplay) -> MadeFile:
    version = planned.version
    started = MakingStarted(
        version.name, version.version, str(version.from_), str(version.optimise)
    )
    display.show(started)
    with display.making(started):
        made = keep(target, lambda path: _made(source, planned, path, display))
    display.show(VersionMade(version.name, version.version, made.making, made.path, is_new=True))
    return made


def _made(source: Source, planned: _Recipe, path: Path, display: MakingDisplay) -> Making:
    """Make a version in a worker process: nncf is large, and a crash must not end the run."""
    version, calibration = planned.version, planned.calibration
    start = time.monotonic()
    try:
        with WorkerSession(Path(sys.executable), script=WORKER) as worker:
            worker.send(
                "start",
                "make",
                path=str(planned.parent),
                extensions=[str(library) for library in source.extensions(version)],
                optimise=version.optimise,
                settings=_settings(version),
                calibration=None if calibration is None else str(calibration.path),
                target=str(path),
            )
            answer = worker.answer(
                "start", _LIMIT_S, lambda sets: display.show(MakingProgress(sets))
            )
    except WorkerError as error:
        raise UserError(
            f"{_named(source, version)}: cannot be made: {error.failure.reason}",
            "Change the recipe, or make the version yourself and give its `path`.",
            detail=error.failure.detail,
        ) from error
    return Making(
        parent=str(version.from_),
        optimise=str(version.optimise),
        settings={key: value for key, value in recipe(version).items() if key != "optimise"},
        calibration="" if calibration is None else calibration.description,
        is_random=calibration is not None and calibration.is_random,
        nncf=planned.nncf,
        openvino=planned.openvino,
        duration_s=time.monotonic() - start,
        peak_memory_bytes=answer["peak_memory_bytes"],
    )
