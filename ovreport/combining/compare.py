"""Combine two runs into one, in which the cells of each pair are two versions of one model.

What works for versions of a model (verdicts, matched layers, graphs) then works for runs of
different times, machines or releases, too.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ovreport import __version__
from ovreport.combining.recorded_outputs import answers_between
from ovreport.computed.pairs import NOISE_APART
from ovreport.computed.settings import config_with, settings
from ovreport.config.schema import Compare
from ovreport.errors import UserError
from ovreport.run import (
    Answers,
    Cell,
    CellResult,
    Environment,
    Header,
    ModelFile,
    Origin,
    Recording,
    Run,
    SearchStep,
)
from ovreport.text.labels import FIELDS, count, field_text
from ovreport.text.numbers import shorten, unique_names

# Names that users give: they may differ if each side has only one.
_NAMES = ("model", "version", "runtime")
_LONGEST_NAME = 200  # what a config allows

CellPair = tuple[Cell, Cell]


@dataclass(frozen=True)
class Side:
    """One of the runs to compare.

    ``pins`` narrows it to the cells with these values, by field of :class:`Cell`: ``{"version":
    "optimized"}``; a value that the device or the model chooses is ``auto``. A field that is pinned
    on either side may differ between the sides.
    """

    name: str
    file: str
    run: Run
    pins: Mapping[str, str] = field(default_factory=dict)

    @property
    def cells(self) -> list[Cell]:
        """Planned cells that the pins leave."""
        return [
            cell
            for cell in self.run.header.plan
            if all(field_text(cell, name) == value for name, value in self.pins.items())
        ]


def compare(base: Side, candidate: Side) -> Run:
    """Return a run with the cells that both sides have; each pair is two versions of one model.

    Raises:
        UserError: no configuration was measured on both sides, or several cells of a side fit.
    """
    for side in (base, candidate):
        _check_pins(side)
    pairs = _matched(base, candidate)
    _check_measured(base, candidate, pairs)
    renamed = _renamed(pairs, base.name, candidate.name)
    roofs = (*base.run.roofs, *candidate.run.roofs)  # each names its environment
    return Run(
        _header(base, candidate, pairs, renamed),
        _results(base, candidate, pairs, renamed),
        {**base.run.graphs, **candidate.run.graphs},
        search=tuple(_search(base, candidate, pairs, renamed)),
        answers=tuple(_answers(base, candidate, pairs, renamed)),
        roofs=tuple({r.conditions.model_dump_json(): r for r in roofs}.values()),
        recordings=tuple(_recordings(base, candidate, pairs, renamed)),
    )


# ---------------------------------------------------------------------------- which cells


def _values(cells: Sequence[Cell], name: str) -> list[str]:
    return list(dict.fromkeys(field_text(cell, name) for cell in cells))


def _check_pins(side: Side) -> None:
    if side.cells:
        return
    for name, value in side.pins.items():
        values = _values(side.run.header.plan, name)
        if value not in values:
            raise UserError(
                f"{side.file}: no cell has {name}={value}",
                f"Its cells have {name}={' or '.join(values)}.",
            )
    pinned = ", ".join(f"{name}={value}" for name, value in side.pins.items())
    raise UserError(f"{side.file}: no cell has {pinned} together", "Leave one of them out.")


def _matched(base: Side, candidate: Side) -> list[CellPair]:
    """Return pairs that agree in all fields except pinned ones and names that may differ."""
    sides = (base, candidate)
    may_differ = {*base.pins, *candidate.pins}
    may_differ |= {n for n in _NAMES if all(len(_values(side.cells, n)) == 1 for side in sides)}
    fields = [name for name in FIELDS if name not in may_differ]
    by_key = [_by_key(side, fields) for side in sides]
    pairs = [(cell, by_key[1][key]) for key, cell in by_key[0].items() if key in by_key[1]]
    if not pairs:
        raise _nothing_common(base, candidate, fields)
    return pairs


def _by_key(side: Side, fields: Sequence[str]) -> dict[tuple[str, ...], Cell]:
    cells: dict[tuple[str, ...], Cell] = {}
    for cell in side.cells:
        other = cells.setdefault(tuple(field_text(cell, name) for name in fields), cell)
        if other is not cell:
            name = next(n for n in FIELDS if getattr(other, n) != getattr(cell, n))
            raise UserError(
                f"{side.file}: more than one cell fits: {name} is {field_text(other, name)} or "
                f"{field_text(cell, name)}",
                f"Choose by --{side.name} {name}={field_text(other, name)}.",
            )
    return cells


def _nothing_common(base: Side, candidate: Side, fields: Sequence[str]) -> UserError:
    values = {name: (_values(base.cells, name), _values(candidate.cells, name)) for name in fields}
    name = next((n for n, (a, b) in values.items() if not {*a} & {*b}), None)
    head = f"{base.file} and {candidate.file} have no configuration in common"
    if name is None:
        return UserError(head, "Choose cells by --base KEY=VALUE and --candidate KEY=VALUE.")
    a, b = values[name]
    return UserError(
        f"{head}: {name} is {' or '.join(a)} in one and {' or '.join(b)} in the other",
        f"Compare across it by --base {name}={a[0]} --candidate {name}={b[0]}.",
    )


def _check_measured(base: Side, candidate: Side, pairs: Sequence[CellPair]) -> None:
    done = [{result.cell.id for result in side.run.done} for side in (base, candidate)]
    if not any(a.id in done[0] and b.id in done[1] for a, b in pairs):
        raise UserError(
            f"{base.file} and {candidate.file} have {count(len(pairs), 'configuration')} in "
            "common, and none was measured in both: cells failed or are missing",
            "`ovreport render` shows why; `ovreport run --resume` continues an unfinished run.",
        )


# ---------------------------------------------------------------------------- the run of both


def _renamed(pairs: Sequence[CellPair], first: str, second: str) -> list[CellPair]:
    """Return each pair as two versions of one model.

    Versions get the names of the sides. If several versions of a model are compared, each becomes a
    model, ``squeezenet · optimized``. If the versions of a pair have different names, the new names
    hold them, ``int8 (candidate)``.
    """
    versions = {(a.model, b.model): set[tuple[str, str]]() for a, b in pairs}
    for a, b in pairs:
        versions[a.model, b.model].add((a.version, b.version))

    def subject(a: Cell, b: Cell) -> Hashable:
        """Return a key that is equal for all cells that become one model."""
        models = a.model, b.model
        return (*models, a.version, b.version) if len(versions[models]) > 1 else models

    def name(a: Cell, b: Cell) -> str:
        model = a.model if a.model == b.model else f"{a.model} → {b.model}"
        if len(versions[a.model, b.model]) > 1:
            model += f" · {a.version}" + (f" → {b.version}" if b.version != a.version else "")
        return model

    # Cut names, and names that hold such arrows and points, must not become equal.
    models = unique_names({subject(a, b): name(a, b) for a, b in pairs}, _LONGEST_NAME)

    def renamed(a: Cell, b: Cell) -> CellPair:
        names = [first, second]
        if a.version != b.version:
            names = [f"{a.version} ({first})", f"{b.version} ({second})"]
        base, candidate = (shorten(name, _LONGEST_NAME) for name in names)
        model = models[subject(a, b)]
        return (
            a.model_copy(update={"model": model, "version": base}),
            b.model_copy(update={"model": model, "version": candidate}),
        )

    return [renamed(a, b) for a, b in pairs]


def _results(
    base: Side, candidate: Side, pairs: Sequence[CellPair], renamed: Sequence[CellPair]
) -> tuple[CellResult, ...]:
    """Return both sides' results under their new names, in the order of the plan.

    If both sides are one run, cells that took turns still count as such, each with itself, too.
    """
    new = [
        {pair[side].id: now[side] for pair, now in zip(pairs, renamed, strict=True)}
        for side in (0, 1)
    ]
    same_run = base.run.header == candidate.run.header
    renamed_results = {}
    for side, run in enumerate((base.run, candidate.run)):
        for result in run.results:
            if (old := result.cell.id) in new[side]:
                interleaved = [new[side].get(id) for id in result.interleaved_with]
                if same_run:
                    interleaved += [new[1 - side].get(id) for id in (old, *result.interleaved_with)]
                cell = new[side][old]
                renamed_results[cell.id] = result.model_copy(
                    update={
                        "cell": cell,
                        "interleaved_with": tuple(c.id for c in interleaved if c is not None),
                    }
                )
    return tuple(
        renamed_results[cell.id] for pair in renamed for cell in pair if cell.id in renamed_results
    )


def _answers(
    base: Side, candidate: Side, pairs: Sequence[CellPair], renamed: Sequence[CellPair]
) -> Iterator[Answers]:
    """Yield one comparison for each pair of versions, runtimes, devices or precisions."""
    done = [{result.cell.id for result in side.run.done} for side in (base, candidate)]
    compared_points = set()
    for (a, b), (now_a, now_b) in zip(pairs, renamed, strict=True):
        if a.id in done[0] and b.id in done[1] and (a.point, b.point) not in compared_points:
            compared_points.add((a.point, b.point))
            answers = answers_between((base.file, base.run, a), (candidate.file, candidate.run, b))
            yield answers.model_copy(update={"base": now_a, "other": now_b})


def _recordings(
    base: Side, candidate: Side, pairs: Sequence[CellPair], renamed: Sequence[CellPair]
) -> Iterator[Recording]:
    """Return the recordings of both sides, so that this comparison can itself be compared."""
    for side, run in enumerate((base.run, candidate.run)):
        names = {old[side].point: new[side] for old, new in zip(pairs, renamed, strict=True)}
        for recording in run.recordings:
            if (cell := names.get(recording.cell.point)) is not None:
                yield recording.model_copy(update={"cell": cell})


def _search(
    base: Side, candidate: Side, pairs: Sequence[CellPair], renamed: Sequence[CellPair]
) -> Iterator[SearchStep]:
    """Yield the steps of both sides' searches; cells of one side alone have no result."""
    for side, run in enumerate((base.run, candidate.run)):
        new = {old[side].id: now[side] for old, now in zip(pairs, renamed, strict=True)}
        for step in run.search:
            if (start := new.get(step.start)) is None:
                continue
            cell = step.cell
            if cell is not None:
                names = {"model": start.model, "version": start.version}
                cell = new.get(cell.id, cell.model_copy(update=names))
            yield step.model_copy(update={"start": start.id, "cell": cell})


def _header(
    base: Side, candidate: Side, pairs: Sequence[CellPair], renamed: Sequence[CellPair]
) -> Header:
    models: dict[tuple[str, str], ModelFile] = {}
    for pair, now in zip(pairs, renamed, strict=True):
        for side, old, cell in zip((base, candidate), pair, now, strict=True):
            name = {"model": cell.model, "version": cell.version}
            file = side.run.model_file(old.model, old.version)
            models[cell.model, cell.version] = file.model_copy(update=name)
    latest = candidate.run.header
    return Header(
        ovreport=__version__,
        created=latest.created,
        config=_config(candidate.run, tuple(models.values()), base.run.header == latest),
        environment=latest.environment,
        models=tuple(models.values()),
        plan=tuple(cell for pair in renamed for cell in pair),
        made="compare",
        origins=tuple(
            Origin(name=side.name, file=side.file, header=side.run.header)
            for side in (base, candidate)
        ),
        paired=tuple((a.id, b.id) for a, b in renamed),
        renamed={
            now.id: old
            for pair, new in zip(pairs, renamed, strict=True)
            for old, now in zip(pair, new, strict=True)
        },
        other_environments=_other_environments(base, candidate),
    )


def _other_environments(base: Side, candidate: Side) -> tuple[Environment, ...]:
    """Return all environments of results except the candidate's."""
    others = [e for side in (base, candidate) for e in side.run.other_environments]
    by_id = {e.id: e for e in (base.run.header.environment, *others)}
    by_id.pop(candidate.run.header.environment.id, None)
    return tuple(by_id.values())


def _config(candidate: Run, models: Sequence[ModelFile], same_run: bool) -> dict[str, Any]:
    """Return the candidate's config with the compared models and all sections of the report."""
    title = f"Comparison: {', '.join(dict.fromkeys(file.model for file in models))}"
    measured = settings(candidate)
    # The base is listed first, which makes it the baseline, whatever the candidate's was.
    changes = {"baseline": Compare().baseline} | ({} if same_run else {"noise": NOISE_APART})
    return config_with(
        candidate,
        models,
        report=measured.report.model_copy(
            update={"title": title, "analyzers": None, "plugins": ()}
        ),
        compare=measured.compare.model_copy(update=changes),
    )
