"""What was measured of a cell."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AliasChoices, Field, model_validator

from ovreport.run.cell import Cell
from ovreport.run.graph import Port
from ovreport.run.record import (
    Amount,
    ConfigPart,
    Cores,
    Durations,
    Many,
    Nanoseconds,
    Parallel,
    Positive,
    Record,
    Whole,
)


class Slice(Record):
    """One uninterrupted stretch of inferences of one worker."""

    start_ns: Nanoseconds
    """Since the start of the run."""
    wall_ns: Annotated[Nanoseconds, Field(ge=1)]
    cpu_ns: Nanoseconds
    """CPU time of the worker process in the slice; far below ``wall_ns × threads`` = disturbed."""
    latencies_ns: Durations
    """Shape [requests], in order of completion."""
    warmup: bool = False
    """Measured but not counted."""
    disturbed: bool = False
    """Measured but not counted: other programs left too little of the processor meanwhile."""
    arrived: Whole | None = None
    """Requests that a fixed rate made due in the slice; those of ``latencies_ns`` were served."""
    other_load: Cores | None = None
    """CPU time of everything else on the machine during the slice, in cores."""
    reference_ns: Positive | None = None
    """Time of a fixed computation around the slice, which shows the speed of the machine."""

    @model_validator(mode="after")
    def _served(self) -> Slice:
        if not len(self.latencies_ns) or self.latencies_ns.min() < 1:
            raise ValueError("a slice holds one latency at least, and none of no time")
        return self

    @property
    def counted(self) -> bool:
        """Whether the slice is part of the results."""
        return not (self.warmup or self.disturbed)

    @property
    def requests(self) -> int:
        """Requests that the slice completed."""
        return len(self.latencies_ns)


class Memory(Record):
    """Resident memory of a worker: highest value seen in each phase."""

    start_bytes: Whole
    read_bytes: Whole
    compile_bytes: Whole
    inference_bytes: Whole


class Launch(Record):
    """One worker process: from reading the model to its last slice."""

    read_ns: Nanoseconds
    compile_ns: Nanoseconds
    first_inference_ns: Nanoseconds
    memory: Memory
    slices: Many[Slice]
    from_cache: bool | None = None
    """Whether the device loaded what it had compiled before (``LOADED_FROM_CACHE``); ``compile_ns``
    then is the time of that. None: the device does not tell."""

    @model_validator(mode="after")
    def _counts(self) -> Launch:
        if not any(one.counted for one in self.slices):
            raise ValueError("no slice of a launch counts")
        return self


class Harness(Record):
    """How requests were started, and what that costs by itself."""

    api: Literal["python", "c"]
    cost_ns: Nanoseconds
    """Wall time that the loop adds to one request."""
    reason: str = ""
    """Why it is not the C API, where there is one."""


class ProfiledLayer(Record):
    """One executed or skipped layer, as ``get_profiling_info`` reports it."""

    name: str
    type: str
    kernel: str
    """``exec_type``: the primitive, such as ``brgconv_avx2_1x1_f32``."""
    status: Literal["executed", "not_run", "optimized_out"]
    times_ns: Durations
    """Shape [profiled inferences]; empty if it was never executed. Of one inference each, or
    running means: :attr:`Profile.means`."""


class Profile(Record):
    """A pass of its own with performance counters on; never the source of a latency."""

    latencies_ns: Durations
    """Shape [profiled inferences]: the same inferences as a whole, counters on."""
    layers: Many[ProfiledLayer]
    means: bool | None = None
    """Each layer time is a mean over all inferences of a stream so far, as the CPU plugin keeps
    them, and could not be taken apart. None: not recorded."""
    other_load: Cores | None = None
    """CPU time of everything else on the machine during the pass, in cores."""


class Resolved(Record):
    """What the request turned into: read back from the compiled model."""

    batch: Positive
    """Samples in one request; throughput = batch × requests / time."""
    batch_doubt: str = ""
    """Why ``batch`` is 1 although a request may hold more samples."""
    streams: Parallel | Literal[0] | None
    requests: Parallel
    threads: Parallel | Literal[0] | None
    precision: str | None
    execution_devices: Many[str]
    inputs: Many[Port]
    """Of the compiled model; empty, as are ``outputs``, where profiling failed."""
    outputs: Many[Port]
    properties: dict[str, str]
    """Every property of the compiled model that could be read, as text."""
    input_data: str
    """What was fed, in words: ``random, seed 0: f32 in [0, 1)`` or the file."""


class Provenance(Record):
    """What a result depends on besides its cell.

    A resumed run keeps results whose provenance has not changed.
    """

    model: str
    """SHA-256 of the model's files."""
    inputs: str
    """SHA-256 of what was fed: shapes and values."""
    properties: dict[str, str | int | float | bool]
    """What the device was asked for, as OpenVINO names it."""
    openvino: str
    """Release that the cell's runtime holds."""
    measure: ConfigPart
    """``[measure]`` of the config: how long and how well."""
    environment: str
    """:attr:`Environment.id` of where it was measured."""


Stage = Literal["start", "read", "reshape", "compile", "input", "inference", "state", "profile"]


class Failure(Record):
    """Why a cell has no result."""

    stage: Stage
    reason: str
    """One sentence."""
    detail: str = ""
    """All that OpenVINO or the worker printed."""


StopReason = Literal["target", "max_time", "duration", "iterations", "interrupted"]


class ModelCache(Record):
    """Compiling once more from what the device kept (``CACHE_DIR``), where compiling is slow."""

    compile_ns: Nanoseconds
    size_bytes: Whole
    """Of what it kept; 0: it keeps nothing."""
    failure: str = ""
    """Why it could not be tried."""


class CellResult(Record):
    """One finished cell: measurements, or the reason why there are none."""

    cell: Cell
    launches: Many[Launch] = ()
    resolved: Resolved | None = None
    harness: Harness | None = None
    profile: Profile | None = None
    runtime_graph: str | None = None
    """:attr:`Graph.id` of what the device executed."""
    model_graph: str | None = None
    """:attr:`Graph.id` of the model as read and reshaped."""
    interleaved_with: Many[str] = ()
    """Ids of the cells that took turns with this one."""
    stopped: StopReason | None = None
    launch_deviation: Amount | None = None
    """How far launches of the run's cells usually lie apart: the relative standard deviation of
    throughput, which bounds what may be made of few launches that agree."""
    failure: Failure | None = None
    profile_failure: Failure | None = None
    """The cell was measured but its layers could not be profiled."""
    model_cache: ModelCache | None = None
    """None: compiling is fast, a cache is in use already, or the cell was not profiled."""
    # Run files of development versions name it "basis".
    provenance: Provenance | None = Field(
        default=None, validation_alias=AliasChoices("provenance", "basis")
    )

    @model_validator(mode="after")
    def _measured(self) -> CellResult:
        if self.ok and not (self.launches and self.resolved):
            raise ValueError("a cell that did not fail holds no measurements")
        return self

    @property
    def ok(self) -> bool:
        """Whether the cell was measured."""
        return self.failure is None

    @property
    def slices(self) -> tuple[Slice, ...]:
        """Counted slices of all launches, in order."""
        return tuple(s for launch in self.launches for s in launch.slices if s.counted)


class PartialLaunches(Record):
    """A launch of cells that take turns and need more launches. A killed run resumes from it."""

    # Run files of development versions name it "bases".
    provenances: dict[str, Provenance] = Field(
        validation_alias=AliasChoices("provenances", "bases")
    )
    """Of all the cells that took turns, by their ids."""
    launches: dict[str, Launch]
    """The same cells'."""
    resolved: dict[str, Resolved] = Field(default_factory=dict)
    """The same cells'; empty where an older release wrote it."""

    @model_validator(mode="after")
    def _of_the_same(self) -> PartialLaunches:
        if self.provenances.keys() != self.launches.keys():
            raise ValueError("provenances and launches are not of the same cells")
        if self.resolved and self.resolved.keys() != self.launches.keys():
            raise ValueError("launches and what their cells resolved to are not of the same cells")
        return self
