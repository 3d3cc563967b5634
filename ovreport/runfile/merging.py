"""Builds a run from the lines of a run file; later lines replace earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ovreport.run import (
    Answers,
    Cell,
    CellResult,
    Conditions,
    Environment,
    Graph,
    Header,
    ModelFile,
    PartialLaunches,
    Recording,
    Roof,
    Run,
    SearchStep,
)
from ovreport.runfile.lines import Stored, line_of


@dataclass
class _RunState:
    """One run of the file: its last header, and its results by id."""

    header: Header
    results: dict[str, CellResult] = field(default_factory=dict)
    partial_launches: list[PartialLaunches] = field(default_factory=list)
    steps: list[SearchStep] = field(default_factory=list)
    answers: dict[tuple[str, str], Answers] = field(default_factory=dict)
    """Comparisons of outputs by the ids of both cells."""
    recordings: dict[tuple[object, ...], Recording] = field(default_factory=dict)
    """Kept outputs by :attr:`Cell.point`."""

    def resume(self, resumed: Header) -> None:
        self.steps.clear()
        for id in resumed.superseded or ():
            self.results.pop(id, None)
        before = self.header
        self.header = resumed.model_copy(
            update={
                "created": before.created,
                "superseded": None,
                "other_environments": (*before.other_environments, before.environment),
            }
        )


class Merger:
    """Collects records in the order of their lines; the first is a header."""

    def __init__(self) -> None:
        self._parts: list[_RunState] = []
        self._graphs: dict[str, Graph] = {}
        self._roofs: dict[Conditions, Roof] = {}
        self._described: set[tuple[str, str]] = set()
        """(model, version) of the versions that the last header describes."""

    def add(self, record: Stored) -> None:
        """Add the record of the next line.

        Raises:
            ValueError: it refers to something that no earlier line holds.
        """
        match record:
            case Header():
                self._add_header(record)
            case Graph():
                self._graphs[record.id] = record
            case PartialLaunches():
                self._parts[-1].partial_launches.append(record)
            case CellResult():
                self._check_graph(record.runtime_graph, "runtime")
                self._check_graph(record.model_graph, "model")
                self._parts[-1].results[record.cell.id] = record
            case SearchStep():
                self._check_described(record.cell)
                self._parts[-1].steps.append(record)
            case Answers():
                self._parts[-1].answers[record.base.id, record.other.id] = record
            case Recording():
                self._parts[-1].recordings[record.cell.point] = record
            case Roof():
                # A later roof under the same conditions succeeded, or is as good.
                self._roofs.pop(record.conditions, None)
                self._roofs[record.conditions] = record

    def _add_header(self, header: Header) -> None:
        if self._parts and {self._parts[0].header.made, header.made} != {"run"}:
            raise ValueError("a comparison or a trend cannot be joined with other runs")
        if header.superseded is None or not self._parts:
            self._parts.append(_RunState(header))
        else:
            self._parts[-1].resume(header)
        self._described = header.described

    def _check_described(self, cell: Cell | None) -> None:
        if cell is not None and (cell.model, cell.version) not in self._described:
            raise ValueError(f"a search tried {cell.version!r}, which is not described")

    def _check_graph(self, id: str | None, kind: str) -> None:
        if id is not None and (id not in self._graphs or self._graphs[id].kind != kind):
            raise ValueError(f"a cell names the {kind} graph {id!r}, which no earlier line has")

    def run(self) -> Run:
        """Return all added records as one run."""
        return _merge(self._parts, self._graphs, tuple(self._roofs.values()))


def _merge(parts: Sequence[_RunState], graphs: dict[str, Graph], roofs: tuple[Roof, ...]) -> Run:
    """Merge parts into one run, and leave out records that refer to missing cells."""
    plan: dict[str, Cell] = {}
    models: dict[tuple[str, str], ModelFile] = {}
    environments: dict[str, Environment] = {}
    results: dict[str, CellResult] = {}
    answers: dict[tuple[str, str], Answers] = {}
    recordings: dict[tuple[object, ...], Recording] = {}
    for part in parts:
        header = part.header
        searched = (step.cell for step in part.steps if step.cell is not None)
        planned = {cell.id: cell for cell in (*header.plan, *searched)}
        plan |= planned
        models |= {(m.model, m.version): m for m in header.models}
        environments |= {e.id: e for e in (*header.other_environments, header.environment)}
        results |= {id: part.results[id] for id in planned if id in part.results}
    for part in parts:
        answers |= {ids: x for ids, x in part.answers.items() if results.keys() >= {*ids}}
        recordings |= part.recordings
    steps = (step for part in parts for step in part.steps if step.start in plan)
    ordered = tuple(results[id] for id in plan if id in results)
    first = parts[0].header
    elsewhere = {r.provenance.environment for r in ordered if r.provenance} - {first.environment.id}
    merged = first.model_copy(
        update={
            "plan": tuple(plan.values()),
            "models": tuple(models.values()),
            "other_environments": tuple(e for id, e in environments.items() if id in elsewhere),
        }
    )
    named = {id for result in ordered for id in (result.runtime_graph, result.model_graph)}
    points = {result.cell.point for result in ordered}
    unfinished = (
        partial
        for part in parts
        for partial in part.partial_launches
        if not results.keys() & partial.provenances.keys()
    )
    return Run(
        merged,
        ordered,
        {id: graph for id, graph in graphs.items() if id in named},
        # In a file that was concatenated with itself, every step and launch is there twice.
        search=tuple(dict.fromkeys(steps)),
        answers=tuple(answers.values()),
        roofs=tuple(roof for roof in roofs if roof.conditions.environment in environments),
        recordings=tuple(r for point, r in recordings.items() if point in points),
        partial_launches=tuple({line_of(partial): partial for partial in unfinished}.values()),
    )
