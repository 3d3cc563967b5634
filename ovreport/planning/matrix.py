"""Expands a config into the ordered list of cells."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from ovreport.config.schema import Config, Entry, Measure
from ovreport.errors import UserError
from ovreport.planning.overrides import check_properties
from ovreport.run import Cell

# Time of a launch in addition to its counted slices: start, read, compile, first inference and
# warm-up, as measured for SqueezeNet on two cores.
LAUNCH_OVERHEAD_S = 0.8
# Start, planning and rendering: 3.5 s of CPU time for MiniLM and for MediaPipe's pose model, more
# for larger models.
AROUND_S = 5.0
# The least time from the first slice to the last of a cell that is measured alone. If a machine
# changes every third of it on average, 95 % of such runs see a change: exp(-3) = 5 %.
LEAST_SPAN_S = 10.0
# The shortest time and the fewest arrivals of a slice at a fixed rate.
_PACED_S = 1.0
_PACED_ARRIVALS = 10
# OpenVINO's names of devices: CPU, GPU.1, MULTI:GPU,CPU(4).
_DEVICE = re.compile(r"(CPU|GPU|NPU|AUTO|MULTI|HETERO|BATCH|TEMPLATE)([.:].*)?$")
# For one device and one number of threads; most runs have no more.
SECONDS_FOR_ROOFS = 6.0
# The least and the most time of passes with a launch of their own: one times the layers of some
# inferences, for 10 s at most; one collects the outputs of each version.
_PROFILING_S = _OUTPUTS_S = (1.5, 11.0)


def expand(config: Config, name: str = "config") -> tuple[Cell, ...]:
    """Return each cell of the matrix once: combinations without ``exclude``, plus ``include``.

    With ``search``, return only the cells that searches start from: the device chooses streams and
    the model its batch. Cells that take turns follow one another, and within a turn those of one
    configuration.

    Raises:
        UserError: no cell is left, an entry or a table has an unknown name, a raw property
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
            f"{name}: `matrix.search` needs a hint that runs several requests at once",
            "Add the hint throughput (--hint).",
        )
    check_properties(config, unique, name)
    return _together(unique, config.measure.interleave)


def is_excluded(cell: Cell, config: Config) -> bool:
    """Return whether an entry of ``[[matrix.exclude]]`` matches the cell."""
    return any(_matches(cell, entry) for entry in config.matrix.exclude)


def is_search_start(cell: Cell) -> bool:
    """Return whether a search starts from the cell.

    Several requests run at once, the device chooses the streams, and the batch is the model's.
    """
    return cell.hint != "latency" and cell.streams == "auto" and cell.batch is None


def turns_key(cell: Cell, interleave: Literal["versions", "model"]) -> tuple[Any, ...]:
    """Return a key that is equal for cells that take turns while they are measured."""
    if interleave == "model":
        return (cell.model,)
    return cell.model_copy(update={"runtime": ""}).configuration


def _together(cells: Sequence[Cell], interleave: Literal["versions", "model"]) -> tuple[Cell, ...]:
    """Sort cells so that those that take turns, and those of one configuration, are neighbours."""
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
    """Return the length of a slice at a fixed rate, long enough for a queue to build up."""
    return max(_PACED_S, _PACED_ARRIVALS / rate)


def estimated_seconds(
    cells: Sequence[Cell], measure: Measure, outputs: int = 0
) -> tuple[float, float]:
    """Estimate the least and the most seconds up to the report, on a quiet machine.

    Compiling of large models is left out.

    Args:
        cells: cells of the plan.
        measure: settings of the run.
        outputs: how often the outputs of a version are collected.
    """
    once_s = AROUND_S + (SECONDS_FOR_ROOFS if measure.roofs and cells else 0.0)
    profiled = len(cells) if measure.profile_iterations else 0
    passes_s = [
        once_s + profiled * profiling + outputs * collecting
        for profiling, collecting in zip(_PROFILING_S, _OUTPUTS_S, strict=True)
    ]
    least_s = measure.duration or (0.0 if measure.iterations else measure.min_time)
    most_s = measure.duration or measure.max_time
    overhead_s = LAUNCH_OVERHEAD_S * measure.launches
    is_fixed = measure.duration is not None or measure.iterations is not None
    # Starting further launches may take as long as measuring may.
    most_overhead_s = overhead_s if is_fixed else max(overhead_s, measure.max_time)
    # Every launch has at least one slice.
    paced_s = [measure.launches * paced_seconds(cell.rate) if cell.rate else 0.0 for cell in cells]
    least_total_s = sum(max(least_s, slices_s) + overhead_s for slices_s in paced_s)
    if len(cells) == 1 and not is_fixed:
        least_total_s = max(least_total_s, min(LEAST_SPAN_S, measure.max_time))
    return (
        passes_s[0] + least_total_s,
        passes_s[1] + sum(max(most_s, slices_s) + most_overhead_s for slices_s in paced_s),
    )


def _combinations(config: Config) -> Iterator[Cell]:
    matrix = config.matrix
    streams_values = ("auto",) if matrix.search else matrix.streams
    batches = (None,) if matrix.search else matrix.batch or (None,)
    flows = tuple(itertools.product(matrix.requests or (None,), matrix.rate or (None,)))
    sequences = tuple(itertools.product(matrix.prompt or (None,), matrix.new_tokens or (None,)))
    for (
        entry,
        device,
        hint,
        streams,
        batch,
        precision,
        threads,
        (requests, rate),
        (prompt, new_tokens),
        runtime,
    ) in itertools.product(
        config.model,
        matrix.device,
        matrix.hint,
        streams_values,
        batches,
        matrix.precision or (None,),
        matrix.threads or (None,),
        flows,
        sequences,
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
            prompt=prompt,
            new_tokens=new_tokens,
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
    names_by_key = {
        "model": {version.name for version in config.model},
        "version": {version.version for version in config.model},
        "runtime": set(_runtimes(config)),
    }
    for list_name, entries in (
        ("exclude", config.matrix.exclude),
        ("include", config.matrix.include),
    ):
        for place, entry in enumerate(entries):
            for key, names in names_by_key.items():
                if (value := getattr(entry, key)) is not None and value not in names:
                    raise UserError(
                        f"{name}: `matrix.{list_name}[{place}].{key}` is {value!r}",
                        f"Known {key}s: {', '.join(sorted(names))}.",
                    )


def _check_devices(config: Config, name: str) -> None:
    """Check the names of devices outside the matrix; the command line may choose another device.

    Raises:
        UserError: OpenVINO has no device of such a name.
    """
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
