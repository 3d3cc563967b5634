"""Two runs become one, in which their cells are two versions of the same model.

Everything that is made for versions of a model (verdicts, matched layers, graphs) then serves runs
that were made at different times, on different machines or with different releases as well.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from ovreport import __version__
from ovreport.combining.recorded_outputs import answers_between
from ovreport.computed.pairs import NOISE_APART
from ovreport.config.moved import current
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

# Names that users give: they need not agree where each side has one alone.
_NAMES = ("model", "version", "runtime")
_LONGEST_NAME = 200  # what a config allows

CellPair = tuple[Cell, Cell]


@dataclass(frozen=True)
class Side:
    """One of the runs to compare.

    ``pins`` narrows it to the cells with these values, by field of :class:`Cell`: ``{"version":
    "optimized"}``; what is left to the device or the model is ``auto``. A field that is pinned on
    either side need not agree with the other.
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
    """A run with the cells that both sides have; each pair is two versions of one model.

    Raises:
        UserError: no configuration was measured on both sides, or which cells to compare is open.
    """
    for side in (base, candidate):
        _check_pins(side)
    pairs = _matched(base, candidate)
    _check_measured(base, candidate, pairs)
    renamed = _renamed(pairs, base.name, candidate.name)
    roofs = (*base.run.roofs, *candidate.run.roofs)  # each says of which environment it is
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
        there = _values(side.run.header.plan, name)
        if value not in there:
            raise UserError(
                f"{side.file}: no cell has {name}={value}",
                f"Its cells have {name}={' or '.join(there)}.",
            )
    pinned = ", ".join(f"{name}={value}" for name, value in side.pins.items())
    raise UserError(f"{side.file}: no cell has {pinned} together", "Leave one of them out.")


def _matched(base: Side, candidate: Side) -> list[CellPair]:
    """Pairs that agree in all fields but those pinned, and names that each side has one of."""
    sides = (base, candidate)
    free = {*base.pins, *candidate.pins}
    free |= {n for n in _NAMES if all(len(_values(side.cells, n)) == 1 for side in sides)}
    kept = [name for name in FIELDS if name not in free]
    by_key = [_by_key(side, kept) for side in sides]
    pairs = [(cell, by_key[1][key]) for key, cell in by_key[0].items() if key in by_key[1]]
    if not pairs:
        raise _nothing_common(base, candidate, kept)
    return pairs


def _by_key(side: Side, kept: Sequence[str]) -> dict[tuple[str, ...], Cell]:
    found: dict[tuple[str, ...], Cell] = {}
    for cell in side.cells:
        other = found.setdefault(tuple(field_text(cell, name) for name in kept), cell)
        if other is not cell:
            name = next(n for n in FIELDS if getattr(other, n) != getattr(cell, n))
            raise UserError(
                f"{side.file}: more than one cell fits: {name} is {field_text(other, name)} or "
                f"{field_text(cell, name)}",
                f"Choose by --{side.name} {name}={field_text(other, name)}.",
            )
    return found


def _nothing_common(base: Side, candidate: Side, kept: Sequence[str]) -> UserError:
    values = {name: (_values(base.cells, name), _values(candidate.cells, name)) for name in kept}
    name = next((n for n, (a, b) in values.items() if not {*a} & {*b}), None)
    head = f"{base.file} and {candidate.file} have no configuration in common"
    if name is None:
        return UserError(head, "Choose cells by --base KEY=VALUE and --candidate KEY=VALUE.")
    a, b = values[name]
    return UserError(
        f"{head}: {name} is {' or '.join(a)} in the one and {' or '.join(b)} in the other",
        f"Compare across it by --base {name}={a[0]} --candidate {name}={b[0]}.",
    )


def _check_measured(base: Side, candidate: Side, pairs: Sequence[CellPair]) -> None:
    done = [{result.cell.id for result in side.run.done} for side in (base, candidate)]
    if not any(a.id in done[0] and b.id in done[1] for a, b in pairs):
        raise UserError(
            f"{base.file} and {candidate.file} have {count(len(pairs), 'configuration')} in "
            "common, and none was measured in both: cells failed or are missing",
            "`ovreport render` shows why; `ovreport run --resume` goes on with an unfinished run.",
        )


# ---------------------------------------------------------------------------- the run of both


def _renamed(pairs: Sequence[CellPair], first: str, second: str) -> list[CellPair]:
    """Each pair as two versions of one model.

    The sides name the versions. Where more than one version of a model is compared with its own
    counterpart, each is a model of its own, ``squeezenet · optimized``; where the counterparts are
    called differently, the versions say so, ``int8 (candidate)``.
    """
    versions = {(a.model, b.model): set[tuple[str, str]]() for a, b in pairs}
    for a, b in pairs:
        versions[a.model, b.model].add((a.version, b.version))

    def subject(a: Cell, b: Cell) -> Hashable:
        """What becomes one model."""
        models = a.model, b.model
        return (*models, a.version, b.version) if len(versions[models]) > 1 else models

    def name(a: Cell, b: Cell) -> str:
        model = a.model if a.model == b.model else f"{a.model} → {b.model}"
        if len(versions[a.model, b.model]) > 1:
            model += f" · {a.version}" + (f" → {b.version}" if b.version != a.version else "")
        return model

    # Long names, and names that hold such arrows and points, must not become those of others.
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
    """Both sides' results under their new names, in the order of the plan.

    Within one run, cells that took turns still did; a cell is also in step with itself.
    """
    new = [
        {pair[side].id: now[side] for pair, now in zip(pairs, renamed, strict=True)}
        for side in (0, 1)
    ]
    same_run = base.run.header == candidate.run.header
    found = {}
    for side, run in enumerate((base.run, candidate.run)):
        for result in run.results:
            if (old := result.cell.id) in new[side]:
                together = [new[side].get(id) for id in result.interleaved_with]
                if same_run:
                    together += [new[1 - side].get(id) for id in (old, *result.interleaved_with)]
                cell = new[side][old]
                found[cell.id] = result.model_copy(
                    update={
                        "cell": cell,
                        "interleaved_with": tuple(c.id for c in together if c is not None),
                    }
                )
    return tuple(found[cell.id] for pair in renamed for cell in pair if cell.id in found)


def _answers(
    base: Side, candidate: Side, pairs: Sequence[CellPair], renamed: Sequence[CellPair]
) -> Iterator[Answers]:
    """Once for each two versions, runtimes, devices or precisions that were measured."""
    done = [{result.cell.id for result in side.run.done} for side in (base, candidate)]
    seen = set()
    for (a, b), (now_a, now_b) in zip(pairs, renamed, strict=True):
        if a.id in done[0] and b.id in done[1] and (a.point, b.point) not in seen:
            seen.add((a.point, b.point))
            known = answers_between((base.file, base.run, a), (candidate.file, candidate.run, b))
            yield known.model_copy(update={"base": now_a, "other": now_b})


def _recordings(
    base: Side, candidate: Side, pairs: Sequence[CellPair], renamed: Sequence[CellPair]
) -> Iterator[Recording]:
    """Return the recordings of both sides, so that this comparison can itself be compared."""
    for side, run in enumerate((base.run, candidate.run)):
        names = {old[side].point: new[side] for old, new in zip(pairs, renamed, strict=True)}
        for known in run.recordings:
            if (cell := names.get(known.cell.point)) is not None:
                yield known.model_copy(update={"cell": cell})


def _search(
    base: Side, candidate: Side, pairs: Sequence[CellPair], renamed: Sequence[CellPair]
) -> Iterator[SearchStep]:
    """Steps of both sides' searches; what only one side came to is named, and has no result."""
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
        config=_config(latest.config, tuple(models.values()), base.run.header == latest),
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
        other_environments=_elsewhere(base, candidate),
    )


def _elsewhere(base: Side, candidate: Side) -> tuple[Environment, ...]:
    """Where results were measured, beside the candidate's own environment."""
    known = [e for side in (base, candidate) for e in side.run.other_environments]
    found = {e.id: e for e in (base.run.header.environment, *known)}
    found.pop(candidate.run.header.environment.id, None)
    return tuple(found.values())


def _config(
    config: Mapping[str, JsonValue], models: Sequence[ModelFile], same_run: bool
) -> dict[str, Any]:
    """The candidate's config with the compared models, and all sections in the report."""
    names = ", ".join(dict.fromkeys(file.model for file in models))
    config = current(config)
    compared = _table(config.get("compare"))
    compared.pop("baseline", None)  # the base is listed first, which makes it the baseline
    if not same_run:
        compared["noise"] = NOISE_APART
    return {
        **config,
        "model": [{"name": m.model, "version": m.version, "path": m.path} for m in models],
        "report": {
            **_table(config.get("report")),
            "title": f"Comparison: {names}",
            "analyzers": None,
            "plugins": [],
        },
        "compare": compared,
    }


def _table(value: JsonValue) -> dict[str, JsonValue]:
    return dict(value) if isinstance(value, dict) else {}
