"""From a config to the ordered list of cells."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from ovreport.config.schema import Config, Entry, Measure
from ovreport.errors import UserError
from ovreport.planning.overrides import check_properties
from ovreport.run import Cell

# Start, read, compile, first inference and warm-up of a launch beside its counted slices: as seen
# for SqueezeNet on two cores.
SECONDS_BESIDE_SLICES = 0.8
# Least time and arrivals of a slice at a fixed rate.
_PACED_S = 1.0
_PACED_ARRIVALS = 10
# How OpenVINO calls its devices: CPU, GPU.1, MULTI:GPU,CPU(4).
_DEVICE = re.compile(r"(CPU|GPU|NPU|AUTO|MULTI|HETERO|BATCH|TEMPLATE)([.:].*)?$")
# For one device and number of threads, which most runs keep to.
SECONDS_FOR_ROOFS = 6.0
# Least and most of passes that have a launch of their own: layers are timed for some inferences, at
# most 10 s, and so are outputs collected of each version.
_PROFILING_S = _OUTPUTS_S = (1.5, 11.0)


def expand(config: Config, name: str = "config") -> tuple[Cell, ...]:
    """All cells of the matrix, each once: combinations, less ``exclude``, plus ``include``.

    With ``search``, those of them that are known before: streams and batch as they are.

    Cells that take turns stand together, and among them those of one configuration.

    Raises:
        UserError: no cell is left, an entry or a table names what is not there, a raw property
            contradicts the matrix, or a rate is too low to be measured.
    """
    _check_entries(config, name)
    _check_devices(config, name)
    _check_rates(config, name)
    cells = [cell for cell in _combinations(config) if not is_excluded(cell, config)]
    for entry in config.matrix.include:
        cells.extend(_included(config, entry))
    unique = tuple(dict.fromkeys(cells))
    if not unique:
        raise UserError(
            f"{name}: the matrix is empty: `matrix.exclude` removes every cell",
            "Remove or narrow an `exclude` entry.",
        )
    if config.matrix.search and not any(map(is_search_start, unique)):
        raise UserError(
            f"{name}: `matrix.search` looks for throughput, and no hint runs several requests",
            "Add the hint throughput.",
        )
    check_properties(config, unique, name)
    return _together(unique, config.measure.interleave)


def is_excluded(cell: Cell, config: Config) -> bool:
    """Whether an entry of ``[[matrix.exclude]]`` matches the cell."""
    return any(_matches(cell, entry) for entry in config.matrix.exclude)


def is_search_start(cell: Cell) -> bool:
    """Whether it leaves streams and batch as they are, where several requests run at once."""
    return cell.hint != "latency" and cell.streams == "auto" and cell.batch is None


def turns_key(cell: Cell, interleave: Literal["versions", "model"]) -> tuple[Any, ...]:
    """Equal for cells that take turns while they are measured."""
    if interleave == "model":
        return (cell.model,)
    return cell.model_copy(update={"runtime": ""}).configuration


def _together(cells: Sequence[Cell], interleave: Literal["versions", "model"]) -> tuple[Cell, ...]:
    """In the order in which turns, and within them configurations, first appear."""
    turns: dict[tuple[Any, ...], int] = {}
    configurations: dict[tuple[Any, ...], int] = {}
    for place, cell in enumerate(cells):
        turns.setdefault(turns_key(cell, interleave), place)
        configurations.setdefault(cell.configuration, place)
    return tuple(
        sorted(
            cells,
            key=lambda c: (turns[turns_key(c, interleave)], configurations[c.configuration]),
        )
    )


def paced_seconds(rate: float) -> float:
    """Length of a slice at a fixed rate: it takes time and some arrivals for a queue to show."""
    return max(_PACED_S, _PACED_ARRIVALS / rate)


def estimated_seconds(
    cells: Sequence[Cell], measure: Measure, outputs: int = 0
) -> tuple[float, float]:
    """Least and most time that a run takes up to its report, compiling of large models aside.

    Args:
        outputs: how often outputs of a version are collected.
    """
    once = SECONDS_FOR_ROOFS if measure.roofs and cells else 0.0
    profiled = len(cells) if measure.profile_iterations else 0
    passes = [
        once + profiled * profiling + outputs * collecting
        for profiling, collecting in zip(_PROFILING_S, _OUTPUTS_S, strict=True)
    ]
    least = measure.duration or (0.0 if measure.iterations else measure.min_time)
    most = measure.duration or measure.max_time
    beside = SECONDS_BESIDE_SLICES * measure.launches
    fixed = measure.duration is not None or measure.iterations is not None
    # As many launches may follow as can be started in the time that measuring may take.
    starting = beside if fixed else max(beside, measure.max_time)
    # Every launch has at least one slice.
    paced = [measure.launches * paced_seconds(cell.rate) if cell.rate else 0.0 for cell in cells]
    return (
        passes[0] + sum(max(least, slices) + beside for slices in paced),
        passes[1] + sum(max(most, slices) + starting for slices in paced),
    )


def _combinations(config: Config) -> Iterator[Cell]:
    matrix = config.matrix
    streams_values = ("auto",) if matrix.search else matrix.streams
    batches = (None,) if matrix.search else matrix.batch or (None,)
    for (
        entry,
        device,
        hint,
        streams,
        batch,
        precision,
        threads,
        requests,
        rate,
        runtime,
    ) in itertools.product(
        config.model,
        matrix.device,
        matrix.hint,
        streams_values,
        batches,
        matrix.precision or (None,),
        matrix.threads or (None,),
        matrix.requests or (None,),
        matrix.rate or (None,),
        _runtimes(config),
    ):
        yield Cell(
            model=entry.name,
            version=entry.version,
            runtime=runtime,
            device=device,
            hint=hint,
            streams=streams,
            batch=batch,
            precision=precision,
            threads=threads,
            requests=requests,
            rate=rate,
        )


def _runtimes(config: Config) -> tuple[str, ...]:
    return tuple(runtime.name for runtime in config.runtime) or ("default",)


def _included(config: Config, entry: Entry) -> Iterator[Cell]:
    given = entry.model_dump(exclude_none=True)
    for version in config.model:
        for runtime in _runtimes(config):
            cell = Cell.model_validate(
                {"runtime": runtime, **given, "model": version.name, "version": version.version}
            )
            if _matches(cell, entry):
                yield cell


def _matches(cell: Cell, entry: Entry) -> bool:
    values = cell.model_dump()
    return all(values[key] == value for key, value in entry.model_dump(exclude_none=True).items())


def _check_entries(config: Config, name: str) -> None:
    known = {
        "model": {version.name for version in config.model},
        "version": {version.version for version in config.model},
        "runtime": set(_runtimes(config)),
    }
    for list_name, entries in (
        ("exclude", config.matrix.exclude),
        ("include", config.matrix.include),
    ):
        for place, entry in enumerate(entries):
            for key, names in known.items():
                if (value := getattr(entry, key)) is not None and value not in names:
                    raise UserError(
                        f"{name}: `matrix.{list_name}[{place}].{key}` is {value!r}",
                        f"Known {key}s: {', '.join(sorted(names))}.",
                    )


def _check_devices(config: Config, name: str) -> None:
    """Of what the matrix need not hold, as the command line may choose another device."""
    used = {*config.matrix.device, *(e.device for e in config.matrix.include if e.device)}
    places = [(f"properties.{device}", device) for device in config.properties]
    places += [("matrix.exclude.device", e.device) for e in config.matrix.exclude if e.device]
    for key, device in places:
        if device not in used and not _DEVICE.match(device):
            raise UserError(
                f"{name}: `{key}`: OpenVINO has no device {device!r}",
                f"Devices of the matrix: {', '.join(sorted(used))}; `ovreport devices` lists those "
                "of this machine.",
            )


def _check_rates(config: Config, name: str) -> None:
    given = {"max_time": config.measure.max_time, "duration": config.measure.duration or 0.0}
    key = max(given, key=lambda key: given[key])
    longest = given[key]
    rates = (*(config.matrix.rate or ()), *(e.rate for e in config.matrix.include if e.rate))
    for rate in rates:
        if config.measure.iterations is None and (needed := paced_seconds(rate)) > longest:
            raise UserError(
                f"{name}: `matrix.rate` is {rate:g}: {_PACED_ARRIVALS} requests arrive in "
                f"{needed:g} s, and `measure.{key}` is {longest:g} s",
                f"Raise measure.{key} (--{key.replace('_', '-')}) or the rate.",
            )
