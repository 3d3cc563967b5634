"""The key figures: large figures for one version, a table for several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ovreport.computed.anchors import MEMORY, anchor
from ovreport.computed.criteria import Criterion, word
from ovreport.computed.figures import figures
from ovreport.computed.ranking import rivals
from ovreport.computed.speed import latency_threshold_s, median_s
from ovreport.computed.sweet_spot import best, in_latency_mode
from ovreport.run import CellResult, Run
from ovreport.section import Block, Column, KeyFigure, KeyFigures, Row, Table
from ovreport.text.labels import count, label
from ovreport.text.numbers import shorten, show
from ovreport.text.values import Link, Role, Tag, Value

from .naming import resolved_to


def blocks(
    run: Run,
    versions: Sequence[tuple[str, str]],
    compared: Mapping[str, tuple[str, Criterion]],
) -> list[Block]:
    """Return the key figures of versions that were measured at full rate.

    Args:
        compared: the name of the baseline and the criterion of throughput, by the id of a cell.
    """
    if not versions:
        return []
    return (
        [_key_figures(run, *versions[0])]
        if len(versions) == 1
        else [_table(run, versions, compared)]
    )


def _key_figures(run: Run, model: str, version: str) -> KeyFigures:
    results = run.of_version(model, version)
    latency_cell, fastest = in_latency_mode(results), best(run, results)
    cells = [result.cell for result in run.results]

    def settings(result: CellResult) -> str:
        return f"{label(result.cell, cells)}: {', '.join(resolved_to(result))}"

    shown = [
        KeyFigure("Median latency", median_s(latency_cell), "duration", settings(latency_cell),
                  link=anchor("cell", latency_cell)),
    ]  # fmt: skip
    if fastest is not None:
        threshold = latency_threshold_s(run)
        title = (
            f"Throughput within {show(threshold, 'duration')}"
            if threshold
            else "Highest throughput"
        )
        shown.append(
            KeyFigure(title, figures(fastest).throughput_fps, "rate",
                      f"{settings(fastest)}{_rivals_note(fastest, results)}",
                      link=anchor("cell", fastest))
        )  # fmt: skip
    return KeyFigures("key-figures", [*shown, *ready(latency_cell)])


def _rivals_note(fastest: CellResult, results: Sequence[CellResult]) -> str:
    """Say how many configurations may be as good."""
    number = len(rivals(fastest, results))
    return f"; {count(number, 'other')} may reach as much" if number else ""


def ready(result: CellResult) -> list[KeyFigure]:
    """Return the key figures of start-up time and memory."""
    estimates = figures(result)
    step, compile_s = _compiled(result)
    return [
        KeyFigure("Ready after", ready_s(result), "duration",
                  f"reading {show(estimates.read_s.point, 'duration')}, {step} "
                  f"{show(compile_s, 'duration')}, first inference "
                  f"{show(estimates.first_inference_s.point, 'duration')}"),
        KeyFigure("Peak memory", memory_bytes(result), "bytes", "resident, of the whole process",
                  link=MEMORY),
    ]  # fmt: skip


def _table(
    run: Run,
    versions: Sequence[tuple[str, str]],
    compared: Mapping[str, tuple[str, Criterion]],
) -> Table:
    several_models = len({model for model, _ in versions}) > 1
    rows = []
    bases: list[str] = []
    for model, version in versions:
        results = run.of_version(model, version)
        latency_cell, fastest = in_latency_mode(results), best(run, results)
        values: dict[str, Value] = {
            "version": Tag(
                f"{model} · {version}" if several_models else version, Role("version", version)
            ),
            "latency": median_s(latency_cell),
            "fps": figures(latency_cell).throughput_fps,
            "best": figures(fastest).throughput_fps if fastest else None,
            "with": _as_link(run, fastest) if fastest else None,
            "ready": ready_s(latency_cell),
            "memory": memory_bytes(latency_cell),
            "size": run.model_file(model, version).size_bytes,
        }
        if compared:
            base, criterion = compared.get(latency_cell.cell.id, ("", None))
            bases += [base] if base else []
            values["change"] = criterion.ratio if criterion else None
            values["verdict"] = word(criterion) if criterion else None
        rows.append(Row(values, anchor=anchor("key", latency_cell)))
    base_name = shorten(bases[0], 24) if len(set(bases)) == 1 else "baseline"
    comparison_columns = [
        Column("change", f"Over {base_name}", "ratio",
               help=f"Throughput over that of {base_name} in the same configuration."),
        Column("verdict", "Verdict", help="The verdict of the section Versions on this ratio."),
    ]  # fmt: skip
    columns = [
        Column("version", "Model and version" if several_models else "Version"),
        Column("latency", "Median latency", "duration", help="In latency mode."),
        Column("fps", "Throughput", "rate", help="In latency mode."),
        *(comparison_columns if compared else ()),
        Column("best", "Highest throughput", "rate", help="Within the latency threshold, if any."),
        Column("with", "Configuration", help="The configuration with the highest throughput."),
        Column("ready", "Ready after", "duration",
               help="Reading, compiling and the first inference."),
        Column("memory", "Peak memory", "bytes", help="Resident memory of the whole process."),
        Column("size", "File", "bytes"),
    ]  # fmt: skip
    return Table("key-figures", "Key figures", columns, rows)


def _as_link(run: Run, result: CellResult) -> Link:
    return Link(label(result.cell, [listed.cell for listed in run.results]), anchor("cell", result))


def ready_s(result: CellResult) -> float:
    """Return the seconds from the start of reading to the first answer."""
    estimates = figures(result)
    return estimates.read_s.point + _compiled(result)[1] + estimates.first_inference_s.point


def _compiled(result: CellResult) -> tuple[str, float]:
    """Return how the device prepared the model, and its seconds: compiling, if any launch did."""
    estimates = figures(result)
    if estimates.compile_s is not None:
        return "compiling", estimates.compile_s.point
    assert estimates.cached_compile_s is not None
    return "loading from the device's cache", estimates.cached_compile_s.point


def memory_bytes(result: CellResult) -> int:
    """Return the peak of resident memory over all launches."""
    return max(launch.memory.inference_bytes for launch in result.launches)
