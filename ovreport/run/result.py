"""Measurements of a cell."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AliasChoices, Field, model_validator

from ovreport.run.cell import Cell, NewTokens
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


class TokenSequence(Record):
    """What a request to a decoder is."""

    prompt: Parallel
    """Tokens that are read first, in one inference, which produces the first new token."""
    new_tokens: NewTokens
    """Tokens that are produced; each but the first takes another inference."""


class Slice(Record):
    """A period of uninterrupted inferences of one worker."""

    start_ns: Nanoseconds
    """Time since the start of the run."""
    wall_ns: Annotated[Nanoseconds, Field(ge=1)]
    cpu_ns: Nanoseconds
    """CPU time of the worker process in the slice; far below ``wall_ns × threads`` = disturbed."""
    latencies_ns: Durations
    """Shape [requests], in order of completion."""
    warmup: bool = False
    """Measured but not counted."""
    disturbed: bool = False
    """Measured but not counted, as other programs left the worker too little CPU time."""
    arrived: Whole | None = None
    """Requests that arrived in the slice at a fixed rate; ``latencies_ns`` are of those served."""
    other_load: Cores | None = None
    """CPU time of everything else on the machine during the slice, in cores."""
    reference_ns: Positive | None = None
    """Time of a fixed computation around the slice, which shows the speed of the machine."""
    prefill_ns: Durations | None = None
    """Shape [requests]: times to the first token, if a request is a sequence of tokens."""
    steps_ns: Durations | None = None
    """Shape [requests × (new tokens − 1)]: times of all further tokens."""

    @model_validator(mode="after")
    def _served(self) -> Slice:
        if not len(self.latencies_ns) or self.latencies_ns.min() < 1:
            raise ValueError("a slice needs at least one latency, and latencies above zero")
        for times in (self.prefill_ns, self.steps_ns):
            if times is not None and (not len(times) or times.min() < 1):
                raise ValueError("the times of a sequence's tokens are above zero")
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
    """Resident memory of a worker: the highest value in each phase."""

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
    """Whether the device loaded the compiled model from its cache (``LOADED_FROM_CACHE``), so that
    ``compile_ns`` is the time of loading. None: the device does not report it."""

    @model_validator(mode="after")
    def _counts(self) -> Launch:
        if not any(slice.counted for slice in self.slices):
            raise ValueError("a launch has no slice that counts")
        return self


class Harness(Record):
    """How requests were started, and how long starting them takes."""

    api: Literal["python", "c"]
    cost_ns: Nanoseconds
    """Wall time that the measuring loop adds to one request."""
    reason: str = ""
    """Why the C API was not used although there is one."""


class ProfiledLayer(Record):
    """One executed or skipped layer, as ``get_profiling_info`` reports it."""

    name: str
    type: str
    kernel: str
    """``exec_type``: the primitive, such as ``brgconv_avx2_1x1_f32``."""
    status: Literal["executed", "not_run", "optimized_out"]
    times_ns: Durations
    """Shape [profiled inferences]; empty if it was never executed. Each time is of one inference or
    a running mean (:attr:`Profile.means`)."""


class Profile(Record):
    """A separate pass with performance counters; latencies are never reported from it."""

    latencies_ns: Durations
    """Latencies of the same inferences with counters, shape [profiled inferences]."""
    layers: Many[ProfiledLayer]
    means: bool | None = None
    """Each layer time is a mean over all inferences of a stream so far, as the CPU plugin reports
    them, and times of single inferences could not be recovered. None: not recorded."""
    other_load: Cores | None = None
    """CPU time of everything else on the machine during the pass, in cores."""


class Resolved(Record):
    """Settings that the compiled model reports: what the device made of a cell."""

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
    """Inputs of the compiled model; empty, as are ``outputs``, if profiling failed."""
    outputs: Many[Port]
    properties: dict[str, str]
    """All readable properties of the compiled model, as text."""
    input_data: str
    """The input in words: ``random, seed 0: f32 in [0, 1)``, or the file."""
    sequence: TokenSequence | None = None
    """What a request is, if it is a sequence of tokens and not a single inference."""


class Provenance(Record):
    """Everything except the cell that a result depends on.

    A resumed run keeps results whose provenance has not changed.
    """

    model: str
    """SHA-256 of the model's files."""
    inputs: str
    """SHA-256 of the inputs: shapes and values."""
    properties: dict[str, str | int | float | bool]
    """Properties that were requested of the device, by OpenVINO's names."""
    openvino: str
    """OpenVINO release of the cell's runtime."""
    measure: ConfigPart
    """``[measure]`` of the config."""
    environment: str
    """:attr:`Environment.id`."""


Stage = Literal["start", "read", "reshape", "compile", "input", "inference", "state", "profile"]


class Failure(Record):
    """Why a cell has no result."""

    stage: Stage
    reason: str
    """One sentence."""
    detail: str = ""
    """Everything that OpenVINO or the worker printed."""


StopReason = Literal["target", "max_time", "duration", "iterations", "interrupted"]


class ModelCache(Record):
    """A second compilation, from the device's cache (``CACHE_DIR``), if compiling is slow."""

    compile_ns: Nanoseconds
    size_bytes: Whole
    """Size of the cache; 0: the device caches nothing."""
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
    """:attr:`Graph.id` of the executed graph."""
    model_graph: str | None = None
    """:attr:`Graph.id` of the model as read and reshaped."""
    interleaved_with: Many[str] = ()
    """Ids of the cells that took turns with this one."""
    stopped: StopReason | None = None
    launch_deviation: Amount | None = None
    """Usual relative standard deviation of throughput between launches, over the run's cells. It
    keeps intervals wide enough if few launches agree by chance."""
    failure: Failure | None = None
    profile_failure: Failure | None = None
    """Why the layers of a measured cell could not be profiled."""
    model_cache: ModelCache | None = None
    """None: compiling is fast, a cache is in use already, or the cell was not profiled."""
    # Run files of development versions name it "basis".
    provenance: Provenance | None = Field(
        default=None, validation_alias=AliasChoices("provenance", "basis")
    )

    @model_validator(mode="after")
    def _measured(self) -> CellResult:
        if self.ok and not (self.launches and self.resolved):
            raise ValueError("a cell that did not fail has no measurements")
        return self

    @property
    def ok(self) -> bool:
        """Whether the cell was measured."""
        return self.failure is None

    @property
    def slices(self) -> tuple[Slice, ...]:
        """Slices of all launches that count, in order."""
        return tuple(s for launch in self.launches for s in launch.slices if s.counted)


class PartialLaunches(Record):
    """A finished launch of cells that need more launches. An interrupted run resumes from it."""

    # Run files of development versions name it "bases".
    provenances: dict[str, Provenance] = Field(
        validation_alias=AliasChoices("provenances", "bases")
    )
    """Provenances by the ids of the cells that took turns."""
    launches: dict[str, Launch]
    """Launches by the same ids."""
    resolved: dict[str, Resolved] = Field(default_factory=dict)
    """Resolved settings by the same ids; empty in files of older releases."""

    @model_validator(mode="after")
    def _of_the_same(self) -> PartialLaunches:
        if self.provenances.keys() != self.launches.keys():
            raise ValueError("provenances and launches belong to different cells")
        if self.resolved and self.resolved.keys() != self.launches.keys():
            raise ValueError("launches and resolved settings belong to different cells")
        return self
