"""A run: everything that was measured together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ovreport.run.answers import Answers, Recording
from ovreport.run.cell import Cell
from ovreport.run.environment import Environment
from ovreport.run.graph import Graph
from ovreport.run.header import Header, ModelFile, SearchStep
from ovreport.run.result import CellResult, PartialLaunches
from ovreport.run.roof import Conditions, Roof


@dataclass(frozen=True)
class Run:
    """Everything that was measured; analyzers receive it."""

    header: Header
    results: tuple[CellResult, ...]
    graphs: Mapping[str, Graph] = field(default_factory=dict)
    search: tuple[SearchStep, ...] = ()
    answers: tuple[Answers, ...] = ()
    roofs: tuple[Roof, ...] = ()
    recordings: tuple[Recording, ...] = ()
    partial_launches: tuple[PartialLaunches, ...] = ()
    """Launches of cells without a result, as the run was interrupted."""

    def so_far(self) -> Run:
        """Return the run with results of the cells that an interruption left unfinished."""
        results = {result.cell.id: result for result in self.results}
        results |= {r.cell.id: r for cell in self.pending if (r := self._unfinished(cell))}
        ordered = (results[cell.id] for cell in self.header.plan if cell.id in results)
        return replace(self, results=tuple(ordered), partial_launches=())

    def _unfinished(self, cell: Cell) -> CellResult | None:
        parts = [part for part in self.partial_launches if cell.id in part.resolved]
        if not parts:
            return None
        last = parts[-1]
        provenance = last.provenances[cell.id]
        return CellResult(
            cell=cell,
            launches=tuple(
                part.launches[cell.id] for part in parts if part.provenances[cell.id] == provenance
            ),
            resolved=last.resolved[cell.id],
            interleaved_with=tuple(id for id in last.provenances if id != cell.id),
            stopped="interrupted",
            provenance=provenance,
        )

    def conditions(self, result: CellResult) -> Conditions | None:
        """Return the conditions of a measured cell's roofs; None if several devices executed it."""
        resolved = result.resolved
        devices = [d.strip("()") for d in resolved.execution_devices] if resolved else []
        if resolved is None or len(devices) != 1:
            return None
        threads, streams = resolved.threads, resolved.streams
        return Conditions(
            environment=self.environment_of(result).id,
            runtime=result.cell.runtime,
            device=devices[0],
            threads=max(1, threads // streams) if threads and streams else threads,
        )

    def roof(self, result: CellResult) -> Roof | None:
        """Return a cell's roofs; None if they were not measured."""
        conditions = self.conditions(result)
        return next((roof for roof in self.roofs if roof.conditions == conditions), None)

    @property
    def other_environments(self) -> tuple[Environment, ...]:
        """Environments of parts that were measured elsewhere, in a resumed or merged run."""
        return self.header.other_environments

    def environment_of(self, result: CellResult) -> Environment:
        """Return the environment in which a cell was measured."""
        others = {e.id: e for e in self.other_environments}
        here = self.header.environment
        if result.provenance is None:
            return here
        return others.get(result.provenance.environment, here)

    @property
    def done(self) -> tuple[CellResult, ...]:
        """Results of the measured cells."""
        return tuple(r for r in self.results if r.ok)

    @property
    def failed(self) -> tuple[CellResult, ...]:
        """Results of the cells that failed."""
        return tuple(r for r in self.results if not r.ok)

    @property
    def untimed(self) -> tuple[CellResult, ...]:
        """Results of measured cells whose layers could not be timed."""
        return tuple(r for r in self.done if r.profile_failure)

    @property
    def pending(self) -> tuple[Cell, ...]:
        """Planned cells without a result, as the run was interrupted."""
        finished = {r.cell.id for r in self.results}
        return tuple(c for c in self.header.plan if c.id not in finished)

    @property
    def versions(self) -> tuple[tuple[str, str], ...]:
        """(model, version) pairs in the order of the config."""
        return tuple((m.model, m.version) for m in self.header.models)

    def of_version(self, model: str, version: str) -> tuple[CellResult, ...]:
        """Return the measured cells of a version without a fixed rate, in the order of the plan."""
        return tuple(r for r in self._of(model, version) if r.cell.rate is None)

    def paced(self, model: str, version: str) -> tuple[CellResult, ...]:
        """Return the measured cells of a version whose requests arrive at a fixed rate."""
        return tuple(r for r in self._of(model, version) if r.cell.rate is not None)

    def _of(self, model: str, version: str) -> tuple[CellResult, ...]:
        return tuple(r for r in self.done if (r.cell.model, r.cell.version) == (model, version))

    def focus(self, model: str, version: str) -> CellResult | None:
        """Return the cell whose layers the report shows for a version.

        It is the first latency cell with a profile, as layers disturb each other least there, else
        the first cell with a profile.
        """
        return next(iter(self.focus_by_point(model, version)), None)

    def focus_by_point(self, model: str, version: str) -> tuple[CellResult, ...]:
        """Return the :meth:`focus` of a version for each point that it was run at.

        Points differ in runtime, device or precision, and so in how their layers are executed.
        """
        measured = self.of_version(model, version) or self.paced(model, version)
        profiled = [r for r in measured if r.profile]
        first: dict[tuple[Any, ...], CellResult] = {}
        for result in sorted(profiled, key=lambda r: r.cell.hint != "latency"):
            first.setdefault(result.cell.point, result)
        return tuple(first.values())

    def pairs(self, model: str, base: str, other: str) -> tuple[tuple[CellResult, CellResult], ...]:
        """Return the pairs of measured cells of two versions that are compared.

        They have equal configurations, unless the run combines others and names the pairs.
        """
        first, second = self.of_version(model, base), self.of_version(model, other)
        if self.header.paired:
            by_id = {r.cell.id: r for r in second}
            partners = {a: by_id[b] for a, b in self.header.paired if b in by_id}
            return tuple((a, partners[a.cell.id]) for a in first if a.cell.id in partners)
        by_configuration = {r.cell.configuration: r for r in second}
        return tuple(
            (a, by_configuration[a.cell.configuration])
            for a in first
            if a.cell.configuration in by_configuration
        )

    def model_file(self, model: str, version: str) -> ModelFile:
        """Return the file of a version."""
        return next(m for m in self.header.models if (m.model, m.version) == (model, version))
