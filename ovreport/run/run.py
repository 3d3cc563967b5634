"""A run: all that was measured together."""

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
    """Everything that was measured; what analyzers are given."""

    header: Header
    results: tuple[CellResult, ...]
    graphs: Mapping[str, Graph] = field(default_factory=dict)
    search: tuple[SearchStep, ...] = ()
    answers: tuple[Answers, ...] = ()
    roofs: tuple[Roof, ...] = ()
    recordings: tuple[Recording, ...] = ()
    partial_launches: tuple[PartialLaunches, ...] = ()
    """Of cells that have no result: the run was interrupted."""

    def so_far(self) -> Run:
        """The run with what was measured of cells that an interruption left unfinished."""
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
        """What the reach of a measured cell's layers depends on; None if several devices ran it."""
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
        """What the device could reach for a cell, if that was measured or tried."""
        wanted = self.conditions(result)
        return next((roof for roof in self.roofs if roof.conditions == wanted), None)

    @property
    def other_environments(self) -> tuple[Environment, ...]:
        """Where parts of it were measured elsewhere: a resumed or merged run."""
        return self.header.other_environments

    def environment_of(self, result: CellResult) -> Environment:
        """Where a cell was measured."""
        known = {e.id: e for e in self.other_environments}
        here = self.header.environment
        return here if result.provenance is None else known.get(result.provenance.environment, here)

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
        """Measured cells whose layers were to be timed, and could not be."""
        return tuple(r for r in self.done if r.profile_failure)

    @property
    def pending(self) -> tuple[Cell, ...]:
        """Planned cells without a result: the run was interrupted."""
        seen = {r.cell.id for r in self.results}
        return tuple(c for c in self.header.plan if c.id not in seen)

    @property
    def versions(self) -> tuple[tuple[str, str], ...]:
        """(model, version) pairs in the order of the config."""
        return tuple((m.model, m.version) for m in self.header.models)

    def of_version(self, model: str, version: str) -> tuple[CellResult, ...]:
        """Measured cells of one version at full rate, in the order of the plan."""
        return tuple(r for r in self._of(model, version) if r.cell.rate is None)

    def paced(self, model: str, version: str) -> tuple[CellResult, ...]:
        """Measured cells of one version whose requests arrive at a fixed rate."""
        return tuple(r for r in self._of(model, version) if r.cell.rate is not None)

    def _of(self, model: str, version: str) -> tuple[CellResult, ...]:
        return tuple(r for r in self.done if (r.cell.model, r.cell.version) == (model, version))

    def focus(self, model: str, version: str) -> CellResult | None:
        """The cell whose layers the report shows for a version.

        The first latency cell with a profile, as layers disturb each other least there; else the
        first cell with a profile.
        """
        return next(iter(self.leading(model, version)), None)

    def leading(self, model: str, version: str) -> tuple[CellResult, ...]:
        """The :meth:`focus` of a version, and likewise of each other point that it was run at.

        Points differ in runtime, device or precision, and so in what their layers are executed as.
        """
        measured = self.of_version(model, version) or self.paced(model, version)
        profiled = [r for r in measured if r.profile]
        first: dict[tuple[Any, ...], CellResult] = {}
        for result in sorted(profiled, key=lambda r: r.cell.hint != "latency"):
            first.setdefault(result.cell.point, result)
        return tuple(first.values())

    def pairs(self, model: str, base: str, other: str) -> tuple[tuple[CellResult, CellResult], ...]:
        """Measured cells of two versions that are compared: those of one configuration.

        Where the run was put together from others, the pairs chosen then.
        """
        first, second = self.of_version(model, base), self.of_version(model, other)
        if self.header.paired:
            by_id = {r.cell.id: r for r in second}
            partner = {a: by_id[b] for a, b in self.header.paired if b in by_id}
            return tuple((a, partner[a.cell.id]) for a in first if a.cell.id in partner)
        by_configuration = {r.cell.configuration: r for r in second}
        return tuple(
            (a, by_configuration[a.cell.configuration])
            for a in first
            if a.cell.configuration in by_configuration
        )

    def model_file(self, model: str, version: str) -> ModelFile:
        """Return the file of a version."""
        return next(m for m in self.header.models if (m.model, m.version) == (model, version))
