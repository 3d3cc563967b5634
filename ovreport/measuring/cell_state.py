"""The state of a cell while it is measured, and its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ovreport.measuring.worker.virtual import executing, of_executing
from ovreport.planning.planned_cell import PlannedCell
from ovreport.planning.ports import name_of
from ovreport.run import (
    CellResult,
    Failure,
    Graph,
    Harness,
    Launch,
    Memory,
    Profile,
    Resolved,
    Slice,
    StopReason,
)
from ovreport.stats.half_widths import (
    UNKNOWN,
    HalfWidths,
    SliceSummary,
    machine_half_width,
    relative_precision,
)

# Users notice a start as slow as this, so a model cache is tried; it costs little compared with it.
SLOW_COMPILE_NS = 1_000_000_000

_RANDOM = (
    "The input was random: if that does not suit the model, give its bounds with `range` "
    "(--range) or real input with `input` (--input)."
)


@dataclass(frozen=True)
class Measured:
    """A finished cell and the graphs that its result names."""

    result: CellResult
    graphs: tuple[Graph, ...]


@dataclass
class Member:
    """A cell of a group while it is measured."""

    planned: PlannedCell
    python_because: str = ""
    """Why the Python API runs it; empty: the C API does, where there is one."""
    launches: list[Launch] = field(default_factory=list)
    warm_up: list[Slice] = field(default_factory=list)
    """Slices of the current launch that warm up."""
    turns: list[Slice] = field(default_factory=list)
    """Slices of the current launch that may count."""
    turn_summaries: list[SliceSummary] = field(default_factory=list)
    """The summary of each slice of ``turns``."""
    summaries: list[list[SliceSummary]] = field(default_factory=list)
    """Summaries of the slices that count, by launch; the last list grows."""
    half_widths: HalfWidths = UNKNOWN
    """Precision of the cell's figures, by the slices that count so far."""
    launch_deviation: float = 0.0
    """Relative standard deviation of launches of the run's cells; 0 while it is not known."""
    _machine: float | None = field(default=None, init=False, repr=False)
    seconds: float = 0.0
    """Measured time of all launches, without warm-up."""
    requests: int = 0
    loaded: dict[str, Any] = field(default_factory=dict)
    """The worker's answer to the last ``load``."""
    peak_bytes: int = 0
    cost_ns: int = 0
    profiled: dict[str, Any] = field(default_factory=dict)
    """The worker's answer to ``profile``; empty if it failed."""
    profile_load: float | None = None
    """Cores that other programs used during the profiling pass."""
    profile_failure: Failure | None = None
    failure: Failure | None = None

    def take_over(self, launch: Launch) -> None:
        """Add a launch of a run that was killed."""
        self.launches.append(launch)
        turns = [turn for turn in launch.slices if not turn.warmup]
        self.summaries.append([_summary(turn) for turn in turns if turn.counted])
        self.seconds += sum(turn.wall_ns for turn in turns) / 1e9
        self.requests += sum(turn.requests for turn in turns)

    def begin_launch(self, loaded: dict[str, Any]) -> None:
        """Start to collect the slices of a new launch."""
        self.loaded = loaded
        self.peak_bytes = loaded["memory"]["inference_bytes"]
        self.warm_up, self.turns, self.turn_summaries = [], [], []
        self.summaries.append([])

    def take(self, turn: Slice) -> None:
        """Add a turn to the current launch."""
        self.turns.append(turn)
        self.turn_summaries.append(_summary(turn))
        self.seconds += turn.wall_ns / 1e9
        self.requests += turn.requests

    def count(self, left_out: Sequence[bool]) -> None:
        """Count the turns of the current launch, without those left out."""
        pairs = zip(self.turn_summaries, left_out, strict=True)
        self.summaries[-1] = [summary for summary, is_left_out in pairs if not is_left_out]
        self.half_widths = relative_precision(self.summaries, self.launch_deviation)
        self._machine = None

    @property
    def machine(self) -> float:
        """Half-width of the part of the interval that the machine's changing speed causes.

        Computing it takes some milliseconds, so it is computed on demand.
        """
        if self._machine is None:
            self._machine = machine_half_width(self.summaries)
        return self._machine

    def end_launch(self, left_out: Sequence[bool], cost_ns: int) -> None:
        """Add the current launch; turns that were left out are kept and marked as disturbed."""
        self.cost_ns = cost_ns
        memory = {**self.loaded["memory"], "inference_bytes": self.peak_bytes}
        turns = (
            turn.model_copy(update={"disturbed": is_left_out})
            for turn, is_left_out in zip(self.turns, left_out, strict=True)
        )
        self.launches.append(
            Launch(
                read_ns=self.loaded["read_ns"],
                compile_ns=self.loaded["compile_ns"],
                from_cache=self.loaded["from_cache"],
                first_inference_ns=self.loaded["first_inference_ns"],
                memory=Memory.model_validate(memory),
                slices=(*self.warm_up, *turns),
            )
        )

    def fail(self, failure: Failure) -> None:
        """End the cell with a failure; add the request, which OpenVINO's message does not name."""
        cause = failure.reason.rstrip(".")
        if failure.stage == "reshape":
            cell = self.planned.cell
            requested = f"batch {cell.batch}" if cell.batch else "the given shape"
            reason = f"the model cannot be reshaped to {requested}: {cause}{self._reshaped()}"
            failure = failure.model_copy(update={"reason": reason})
        elif failure.stage == "inference" and (remedy := self._remedy()):
            failure = failure.model_copy(update={"reason": f"{cause}. {remedy}"})
        self.failure = failure

    def _remedy(self) -> str:
        """Return what may help a model that fails while it runs."""
        batch = self.planned.cell.batch
        if self.planned.stateful and batch is not None and batch > 1:
            return (
                f"The model keeps states, which need not follow batch {batch}: leave `batch` "
                "(--batch) out, or export the model for this batch."
            )
        return _RANDOM if self.planned.is_random else ""

    def _reshaped(self) -> str:
        """Describe the first input whose requested shape differs from the model's, as a clause."""
        ports = self.planned.ports
        for index, (port, shape) in enumerate(zip(ports, self.planned.shapes, strict=True)):
            requested = f"[{','.join(map(str, shape))}]"
            if requested != port.shape:
                name = f" {name_of(ports, index)}" if len(ports) > 1 else ""
                return f"; the model's input{name} is {port.shape}, {requested} was asked for"
        return ""

    @property
    def worth_a_cache(self) -> bool:
        """Whether compiling is slow and the device does not cache the compiled model yet."""
        compiling = min((launch.compile_ns for launch in self.launches), default=0)
        cached = "CACHE_DIR" in self.planned.setting["properties"]
        return compiling >= SLOW_COMPILE_NS and not cached

    def finished(
        self, *, interleaved_with: Sequence[str], stopped: StopReason | None, layers: bool
    ) -> Measured:
        """Return the cell's result.

        Args:
            interleaved_with: ids of the cells that took turns with this one.
            layers: whether the profile holds layer times.
        """
        planned = self.planned
        if self.failure is not None:
            failed = CellResult(
                cell=planned.cell, failure=self.failure, provenance=planned.provenance
            )
            return Measured(failed, ())
        graphs = tuple(
            Graph.model_validate(self.profiled[kind])
            for kind in ("runtime_graph", "model_graph")
            if self.profiled
        )
        profile = None
        if layers and self.profiled and planned.sequence is None:
            profile = {**self.profiled["profile"], "other_load": self.profile_load}
        result = CellResult(
            cell=planned.cell,
            launches=tuple(self.launches),
            resolved=self.resolved(),
            harness=Harness(
                api=self.loaded["api"], cost_ns=self.cost_ns, reason=self.python_because
            ),
            profile=Profile.model_validate(profile) if profile else None,
            runtime_graph=graphs[0].id if graphs else None,
            model_graph=graphs[1].id if graphs else None,
            interleaved_with=tuple(interleaved_with),
            stopped=stopped,
            launch_deviation=self.launch_deviation or None,
            profile_failure=self.profile_failure,
            model_cache=self.profiled.get("model_cache"),
            provenance=planned.provenance,
        )
        return Measured(result, graphs)

    def resolved(self) -> Resolved:
        """Return the settings that the device chose for the request."""
        planned, properties = self.planned, self.loaded["properties"]
        count = planned.count.confirmed(planned.outputs, self.loaded["outputs"])
        return Resolved(
            batch=count.samples,
            batch_doubt=count.doubt,
            streams=_number(of_executing(properties, "NUM_STREAMS")),
            requests=self.loaded["requests"],
            threads=_number(of_executing(properties, "INFERENCE_NUM_THREADS")),
            precision=of_executing(properties, "INFERENCE_PRECISION_HINT"),
            execution_devices=tuple(executing(properties)),
            inputs=self.profiled.get("inputs", ()),
            outputs=self.profiled.get("outputs", ()),
            properties=properties,
            input_data=planned.input_data,
            sequence=planned.sequence,
        )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _summary(turn: Slice) -> SliceSummary:
    return SliceSummary.of(turn.wall_ns, turn.latencies_ns, turn.start_ns, turn.reference_ns)
