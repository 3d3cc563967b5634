"""The key figures: large ones of a single version, a table of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ovreport.anchors import anchor
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
    """Of versions that were measured at full rate.

    Args:
        compared: baseline and throughput against it, by the id of a cell.
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
    quick, chosen = in_latency_mode(results), best(run, results)
    cells = [result.cell for result in run.results]

    def ran(result: CellResult) -> str:
        return f"{label(result.cell, cells)}: {', '.join(resolved_to(result))}"

    shown = [
        KeyFigure("Median latency", median_s(quick), "duration", ran(quick),
                  link=anchor("cell", quick)),
    ]  # fmt: skip
    if chosen is not None:
        within = latency_threshold_s(run)
        title = f"Throughput within {show(within, 'duration')}" if within else "Highest throughput"
        shown.append(
            KeyFigure(title, figures(chosen).throughput_fps, "rate",
                      f"{ran(chosen)}{_not_told(chosen, results)}",
                      link=anchor("cell", chosen))
        )  # fmt: skip
    return KeyFigures("key-figures", [*shown, *ready(quick)])


def _not_told(chosen: CellResult, results: Sequence[CellResult]) -> str:
    """How many configurations may be as good."""
    number = len(rivals(chosen, results))
    return f"; {count(number, 'other')} may reach as much" if number else ""


def ready(result: CellResult) -> list[KeyFigure]:
    """What a start takes, and the memory."""
    known = figures(result)
    what, compiling = _compiled(result)
    return [
        KeyFigure("Ready after", ready_s(result), "duration",
                  f"reading {show(known.read_s.point, 'duration')}, {what} "
                  f"{show(compiling, 'duration')}, first inference "
                  f"{show(known.first_inference_s.point, 'duration')}"),
        KeyFigure("Peak memory", memory_bytes(result), "bytes", "resident, of the whole process",
                  link="memory"),
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
        quick, chosen = in_latency_mode(results), best(run, results)
        values: dict[str, Value] = {
            "version": Tag(
                f"{model} · {version}" if several_models else version, Role("version", version)
            ),
            "latency": median_s(quick),
            "fps": figures(quick).throughput_fps,
            "best": figures(chosen).throughput_fps if chosen else None,
            "with": _as_link(run, chosen) if chosen else None,
            "ready": ready_s(quick),
            "memory": memory_bytes(quick),
            "size": run.model_file(model, version).size_bytes,
        }
        if compared:
            base, criterion = compared.get(quick.cell.id, ("", None))
            bases += [base] if base else []
            values["change"] = criterion.ratio if criterion else None
            values["verdict"] = word(criterion) if criterion else None
        rows.append(Row(values, anchor=anchor("key", quick)))
    same = shorten(bases[0], 24) if len(set(bases)) == 1 else "baseline"
    against = [
        Column("change", f"To {same}", "ratio",
               help=f"Throughput over that of {same} in the same configuration."),
        Column("verdict", "Verdict", help="What the section Versions says of this ratio."),
    ]  # fmt: skip
    columns = [
        Column("version", "Model and version" if several_models else "Version"),
        Column("latency", "Median latency", "duration", help="In latency mode."),
        Column("fps", "Throughput", "rate", help="In latency mode."),
        *(against if compared else ()),
        Column("best", "Highest throughput", "rate", help="Within the latency threshold, if any."),
        Column("with", "Configuration", help="That gives it."),
        Column("ready", "Ready after", "duration",
               help="Reading, compiling and the first inference."),
        Column("memory", "Peak memory", "bytes", help="Resident, of the whole process."),
        Column("size", "File", "bytes"),
    ]  # fmt: skip
    return Table("key-figures", "Key figures", columns, rows)


def _as_link(run: Run, result: CellResult) -> Link:
    return Link(label(result.cell, [r.cell for r in run.results]), anchor("cell", result))


def ready_s(result: CellResult) -> float:
    """From nothing to the first answer."""
    known = figures(result)
    return known.read_s.point + _compiled(result)[1] + known.first_inference_s.point


def _compiled(result: CellResult) -> tuple[str, float]:
    """What the device did to get ready, and its seconds: compiling, if any launch did."""
    known = figures(result)
    if known.compile_s is not None:
        return "compiling", known.compile_s.point
    assert known.cached_compile_s is not None
    return "loading from the device's cache", known.cached_compile_s.point


def memory_bytes(result: CellResult) -> int:
    """The peak of all launches."""
    return max(launch.memory.inference_bytes for launch in result.launches)
