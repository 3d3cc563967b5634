"""What was measured: the immutable types that a run file stores and analyzers read.

Durations are nanoseconds (``_ns``, integers), sizes are bytes. A :class:`Run` is read-only; the
run file (:mod:`ovreport.runfile`) is how it is stored.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from ovreport.samples_codec import Samples

Hint = Literal["latency", "throughput", "cumulative_throughput", "none"]
Streams = int | Literal["auto"]


class Record(BaseModel):
    """Base of all stored types: frozen, and strict about what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


# ---------------------------------------------------------------------------- the matrix


class Cell(Record):
    """One point of the matrix: what to run and how."""

    model: str
    version: str = "parent"
    runtime: str = "default"
    device: str = "CPU"
    hint: Hint = "latency"
    streams: Streams = "auto"
    batch: int | None = None
    """None: as the model is."""
    precision: str | None = None
    """Inference precision hint; None: the device's own choice."""
    threads: int | None = None
    requests: int | None = None
    """Infer requests kept in flight; None: one for latency, the device's optimum otherwise."""
    rate: float | None = None
    """Requests a second, which arrive at a fixed pace; None: as many as are done."""

    @property
    def id(self) -> str:
        """Short, stable and safe in a file name or an anchor; equal for equal cells."""
        return _cell_id(self)

    @property
    def point(self) -> tuple[Any, ...]:
        """All that its answers depend on: cells that agree in it give the same."""
        return self.model, self.version, self.runtime, self.device, self.precision

    @property
    def configuration(self) -> tuple[Any, ...]:
        """Everything but the model's version: cells that agree in it are compared."""
        values = self.model_dump(mode="json")
        del values["version"]
        return tuple(values.values())


@lru_cache(maxsize=10_000)
def _cell_id(cell: Cell) -> str:
    # Remembered beside the cell and not in it, where a changed copy would take it along.
    values = cell.model_dump(mode="json")
    if cell.rate is None:  # as it was before there were rates
        del values["rate"]
    return _digest(values)[:10]


# ---------------------------------------------------------------------------- graphs


class Port(Record):
    """An input or output of a model or layer; ``shape`` as OpenVINO prints it: ``[?,3,8]``."""

    names: tuple[str, ...] = ()
    shape: str
    precision: str


def counterparts(first: Sequence[Port], second: Sequence[Port]) -> list[int | None]:
    """For each port of the first the index of its counterpart: by a common name, else by place."""
    found: list[int | None] = []
    for index, port in enumerate(first):
        same = (i for i, other in enumerate(second) if {*port.names} & {*other.names})
        found.append(next(same, index if index < len(second) else None))
    return found


class Node(Record):
    """One operation of a graph.

    ``inputs`` holds, for each input port in order, the producer as (node index, its output port).
    ``attributes`` holds everything OpenVINO tells: in a model graph the operator's attributes, in
    a runtime graph the runtime information (``execOrder``, ``originalLayersNames``, …) as text.
    ``bodies`` are the graphs inside ``If``, ``Loop`` and ``TensorIterator``.
    """

    name: str
    type: str
    inputs: tuple[tuple[int, int], ...] = ()
    outputs: tuple[Port, ...] = ()
    attributes: dict[str, JsonValue] = {}
    bodies: tuple[Graph, ...] = ()


class Graph(Record):
    """Nodes in topological order. A runtime graph carries no times: those are in the profile."""

    kind: Literal["model", "runtime"]
    nodes: tuple[Node, ...]

    @model_validator(mode="after")
    def _ordered(self) -> Graph:
        for index, node in enumerate(self.nodes):
            for source, port in node.inputs:
                if not (0 <= source < index and 0 <= port < len(self.nodes[source].outputs)):
                    raise ValueError(f"node {index} reads from {source}:{port}, which is not there")
        return self

    @property
    def id(self) -> str:
        """Address by content: equal graphs are stored once."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


# ---------------------------------------------------------------------------- measurements


class Slice(Record):
    """One uninterrupted stretch of inferences of one worker."""

    start_ns: int
    """Since the start of the run."""
    wall_ns: int
    cpu_ns: int
    """CPU time of the worker process in the slice; far below ``wall_ns × threads`` = disturbed."""
    latencies_ns: Samples
    """Shape [requests], in order of completion."""
    warmup: bool = False
    """Measured but not counted."""
    disturbed: bool = False
    """Measured but not counted: other programs left too little of the processor meanwhile."""
    arrived: int | None = None
    """Requests that a fixed rate made due in the slice; those of ``latencies_ns`` were served."""
    other_load: float | None = None
    """CPU time of everything else on the machine during the slice, in cores."""

    @property
    def counted(self) -> bool:
        return not (self.warmup or self.disturbed)

    @property
    def requests(self) -> int:
        return len(self.latencies_ns)


class Memory(Record):
    """Resident memory of a worker: highest value seen in each phase."""

    start_bytes: int
    read_bytes: int
    compile_bytes: int
    inference_bytes: int


class Launch(Record):
    """One worker process: from reading the model to its last slice."""

    read_ns: int
    compile_ns: int
    first_inference_ns: int
    memory: Memory
    slices: tuple[Slice, ...]


class Harness(Record):
    """How requests were started, and what that costs by itself."""

    api: Literal["python", "c"]
    cost_ns: int
    """Wall time that the loop adds to one request."""


class ProfiledLayer(Record):
    """One executed or skipped layer, as ``get_profiling_info`` reports it."""

    name: str
    type: str
    kernel: str
    """``exec_type``: the primitive, such as ``brgconv_avx2_1x1_f32``."""
    status: Literal["executed", "not_run", "optimized_out"]
    times_ns: Samples
    """Shape [profiled inferences]; empty if it was never executed. On a CPU with several streams
    each is a mean over all inferences of a stream so far."""


class Profile(Record):
    """A pass of its own with performance counters on; never the source of a latency."""

    latencies_ns: Samples
    """Shape [profiled inferences]: the same inferences as a whole, counters on."""
    layers: tuple[ProfiledLayer, ...]


class Resolved(Record):
    """What the request turned into: read back from the compiled model."""

    batch: int
    """Samples in one request; throughput = batch × requests / time."""
    streams: int | None
    requests: int
    threads: int | None
    precision: str | None
    execution_devices: tuple[str, ...]
    inputs: tuple[Port, ...]
    """Of the compiled model; empty, as are ``outputs``, where profiling failed."""
    outputs: tuple[Port, ...]
    properties: dict[str, str]
    """Every property of the compiled model that could be read, as text."""
    input_data: str
    """What was fed, in words: ``random, seed 0: f32 in [0, 1)`` or the file."""


class Basis(Record):
    """What a result depends on beside its cell, so that a resumed run knows what still holds."""

    model: str
    """SHA-256 of the model's files."""
    inputs: str
    """SHA-256 of what was fed: shapes and values."""
    properties: dict[str, str | int | float | bool]
    """What the device was asked for, as OpenVINO names it."""
    openvino: str
    """Release that the cell's runtime holds."""
    measure: dict[str, JsonValue]
    """``[measure]`` of the config: how long and how well."""
    environment: str
    """:attr:`Environment.id` of where it was measured."""


Stage = Literal["start", "read", "reshape", "compile", "input", "inference", "profile"]


class Failure(Record):
    """Why a cell has no result."""

    stage: Stage
    reason: str
    """One sentence."""
    detail: str = ""
    """All that OpenVINO or the worker printed."""


StopReason = Literal["target", "max_time", "duration", "iterations"]


class ModelCache(Record):
    """Compiling once more from what the device kept (``CACHE_DIR``), where compiling is slow."""

    compile_ns: int
    size_bytes: int
    """Of what it kept; 0: it keeps nothing."""
    failure: str = ""
    """Why it could not be tried."""


class CellResult(Record):
    """One finished cell: measurements, or the reason why there are none."""

    cell: Cell
    launches: tuple[Launch, ...] = ()
    resolved: Resolved | None = None
    harness: Harness | None = None
    profile: Profile | None = None
    runtime_graph: str | None = None
    """:attr:`Graph.id` of what the device executed."""
    model_graph: str | None = None
    """:attr:`Graph.id` of the model as read and reshaped."""
    interleaved_with: tuple[str, ...] = ()
    """Ids of the cells that took turns with this one."""
    stopped: StopReason | None = None
    failure: Failure | None = None
    profile_failure: Failure | None = None
    """The cell was measured but its layers could not be profiled."""
    model_cache: ModelCache | None = None
    """None: compiling is fast, a cache is in use already, or the cell was not profiled."""
    basis: Basis | None = None

    @property
    def ok(self) -> bool:
        return self.failure is None

    @property
    def slices(self) -> tuple[Slice, ...]:
        """Counted slices of all launches, in order."""
        return tuple(s for launch in self.launches for s in launch.slices if s.counted)


class Begun(Record):
    """A launch of cells that take turns and need more of them: here a killed run goes on."""

    bases: dict[str, Basis]
    """Of all the cells that took turns, by their ids."""
    launches: dict[str, Launch]
    """The same cells'."""


class Conditions(Record):
    """What a device's reach depends on: cells that agree in it have the same roofs."""

    environment: str
    """:attr:`Environment.id` of where it was."""
    runtime: str
    device: str
    """The one that executed."""
    threads: int | None
    """That work on one request; None: the device does not tell."""


class Roof(Record):
    """What a device reaches under some conditions, measured on small models through OpenVINO.

    Each is the fastest of several inferences, and so what layers can come near to.
    """

    conditions: Conditions
    operations: dict[str, float] = {}
    """Operations a second by precision (``f32``, ``bf16``, ``f16``, ``i8``)."""
    memory_bandwidth: float = 0.0
    """Bytes a second, of tensors far larger than the caches."""
    cache_bandwidth: float | None = None
    """Bytes a second, of tensors that fit into the last-level cache."""
    cache_bytes: int | None = None
    """Of the last-level cache, as the system tells."""
    other_load: float | None = None
    """CPU time of everything else on the machine meanwhile, in cores."""
    failure: str = ""
    """Why it could not be measured."""


# ---------------------------------------------------------------------------- the run


class ModelFile(Record):
    """A version of a model, as it was when the run began."""

    model: str
    version: str
    path: str
    """As given in the config."""
    format: str
    """ONNX, OpenVINO IR, TensorFlow Lite, …"""
    size_bytes: int
    sha256: str
    """Of the model's files, in a fixed order."""
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


class Device(Record):
    name: str
    full_name: str
    properties: dict[str, str] = {}


class RuntimeFacts(Record):
    """One OpenVINO release that measured: a value of the matrix's ``runtime``."""

    name: str
    openvino: str
    python: str
    devices: tuple[Device, ...] = ()


class Environment(Record):
    """The machine and the software that a run was made with.

    ``openvino`` and ``devices`` are the first runtime's.
    """

    host: str
    user: str
    os: str
    cpu: str
    physical_cores: int | None
    logical_cores: int
    memory_bytes: int
    python: str
    openvino: str
    packages: dict[str, str] = {}
    governor: str | None = None
    """Frequency policy of the CPUs, where the system tells."""
    max_mhz: float | None = None
    isa: tuple[str, ...] = ()
    """Instruction sets that decide about inference speed: avx2, avx512_vnni, amx_int8, …"""
    load: float | None = None
    """Busy cores just before the run."""
    container: str | None = None
    cpu_quota: float | None = None
    """Cores that a container may use, where it is limited."""
    devices: tuple[Device, ...] = ()
    runtimes: tuple[RuntimeFacts, ...] = ()
    """All runtimes, in the order of the config."""

    @property
    def release(self) -> str:
        """OpenVINO's, without its build: ``2026.4.1``."""
        return self.openvino.split("-")[0]

    @property
    def id(self) -> str:
        """Equal where figures may be compared: what varies from day to day is left out."""
        return _digest(self._facts)

    def changes(self, now: Environment) -> tuple[str, ...]:
        """What differs, in words: ``governor was powersave, now performance``."""
        then = self._facts
        return tuple(
            f"{name} was {then[name] or 'unknown'}, now {value or 'unknown'}"
            for name, value in now._facts.items()
            if value != then[name]
        )

    @property
    def _facts(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "operating system": self.os,
            "CPU": self.cpu,
            "cores": self.logical_cores,
            "cores allowed": self.cpu_quota,
            "governor": self.governor,
            "container": self.container,
            "OpenVINO": self.openvino,
        }


# A logo and style rules are carried in every report.
MAX_LOGO, MAX_CSS = 100 << 10, 64 << 10
_DATA_ADDRESS = re.compile(r"data:image/(?:png|svg\+xml);base64,[A-Za-z0-9+/]*={0,2}")


class Appearance(Record):
    """What its maker added to the look of a report; bounded, as a run file may be a stranger's."""

    logo: str = Field("", max_length=2 * MAX_LOGO)
    """``data:`` address of a PNG or SVG picture."""
    css: str = Field("", max_length=MAX_CSS)
    """Style rules after the page's own."""

    @field_validator("logo")
    @classmethod
    def _is_picture(cls, logo: str) -> str:
        if logo and not _DATA_ADDRESS.fullmatch(logo):
            raise ValueError("not the data: address of a PNG or SVG picture")
        return logo


class Header(Record):
    """First line of a run file: all that was known before the first cell."""

    ovreport: str
    created: str
    """ISO 8601, UTC."""
    config: dict[str, JsonValue]
    environment: Environment
    models: tuple[ModelFile, ...]
    plan: tuple[Cell, ...]
    made: Literal["run", "compare", "trend"] = "run"
    """The command that put it together; all but ``run`` have ``origins``."""
    origins: tuple[Origin, ...] = ()
    """The runs it was put together from, in their order."""
    paired: tuple[tuple[str, str], ...] = ()
    """Ids of cells to compare, (base, candidate), where configurations need not agree."""
    renamed: dict[str, Cell] = {}
    """What cells are called in the runs they are from, by their ids."""
    superseded: tuple[str, ...] | None = None
    """None: a run of its own. Else it goes on with the run above it in the file: its config, plan
    and models replace those, and earlier results of these cells (ids) no longer count."""
    other_environments: tuple[Environment, ...] = ()
    """Where kept parts of a resumed or merged run were measured."""
    appearance: Appearance = Appearance()

    @property
    def begun(self) -> str:
        """``created`` to the minute, for readers: ``2026-01-31 08:00``."""
        return self.created[:16].replace("T", " ")


class Origin(Record):
    """A run that became a part of another."""

    name: str
    """What it is called there: ``base``."""
    file: str
    """As the user named it."""
    header: Header


class SearchStep(Record):
    """A step of a version's search for its best throughput; they are kept in their order."""

    start: str
    """Id of the cell that leaves streams and batch as they are, where the search began."""
    cell: Cell | None
    """What was looked at; None: the search ended."""
    why: str


# ---------------------------------------------------------------------------- answers


class OutputDrift(Record):
    """One output of two versions that were fed the same; figures are None where shapes differ."""

    name: str
    shapes: tuple[str, str]
    """Of A and of B."""
    cosine: float | None = None
    """Cosine similarity, the lowest of all input sets."""
    max_abs: float | None = None
    mean_abs: float | None = None
    relative: float | None = None
    """‖B − A‖ / ‖A‖ over all elements."""
    not_finite: int = 0
    """Elements that are infinite or no number in either; they are left out of the figures."""
    probabilities: bool = False
    """The output holds scores that sum to one."""
    top1: float | None = None
    """Share of samples with the same best class; None where it does not look like class scores."""
    top5: float | None = None
    """Share of the five best classes that both have, in any order."""
    accuracy: tuple[float, float] | None = None
    """Of A and of B against given labels: the best class is the right one."""
    accuracy5: tuple[float, float] | None = None
    """The right class is among the five best."""
    compared: tuple[int, int] | None = None
    """Elements of one input set that were compared, and that there are; None: all were."""
    differs_elsewhere: bool = False
    """Elements that were not compared are not all the same, as their digests tell."""

    @property
    def same(self) -> bool:
        """To the bit, as far as it was compared."""
        return self.max_abs == 0 and not self.differs_elsewhere


class LayerDrift(Record):
    """What a layer of both versions puts out, compared as an output is."""

    name: str
    """The operator's, in both models."""
    type: str
    cosine: float
    relative: float
    max_abs: float


class Answers(Record):
    """Two versions that were fed the same inputs, and how far their answers are apart."""

    base: Cell
    other: Cell
    models: tuple[str, str]
    """SHA-256 of both models' files."""
    inputs: str
    """SHA-256 of what both were fed."""
    input_data: str
    """The same in words."""
    samples: int
    """Input sets × batch."""
    labels: str = ""
    """The file with the right classes, if one was given."""
    outputs: tuple[OutputDrift, ...] = ()
    layers: tuple[LayerDrift, ...] = ()
    """In execution order of the base; only on request."""
    asked_layers: bool = False
    failure: Failure | None = None
    """Why there is no comparison."""
    layers_failure: Failure | None = None


class RecordedOutput(Record):
    """One output of a version for all input sets, as much of it as a run file keeps."""

    names: tuple[str, ...]
    shape: str
    elements: int = Field(ge=1)
    """Of one set."""
    kept: int = Field(ge=1)
    """Of these, at the places that :func:`ovreport.stats.recorded.kept_places` tells."""
    digests: tuple[str, ...]
    """Of all elements of each set: which answers are equal to the bit is told from these."""
    bits: Samples
    """The kept elements as f32, bit by bit as integers, shape [sets × kept]."""
    classes: int = 0
    """Columns of an output that looks like class scores; 0 for any other."""
    best: tuple[tuple[int, ...], ...] = ()
    """The classes with the highest scores of each sample, the best first."""
    probabilities: bool = False

    @model_validator(mode="after")
    def _whole(self) -> RecordedOutput:
        if self.kept > self.elements or len(self.bits) != len(self.digests) * self.kept:
            raise ValueError("elements are missing")
        if len({len(row) for row in self.best}) > 1:
            raise ValueError("samples have different numbers of best classes")
        return self


class Recording(Record):
    """What one version answered, so that versions of different runs can be compared."""

    cell: Cell
    """The first of its version, runtime, device and precision."""
    model: str
    """SHA-256 of the model's files."""
    inputs: tuple[str, ...]
    """Digest of each input set, as it was fed."""
    input_data: str
    """The same in words."""
    batch: int
    """Samples in a set."""
    labels: tuple[int, ...] = ()
    """The right class of each sample, if they were given."""
    labels_file: str = ""
    outputs: tuple[RecordedOutput, ...] = ()
    failure: Failure | None = None


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
    begun: tuple[Begun, ...] = ()
    """Of cells that have no result: the run was interrupted."""

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
        return here if result.basis is None else known.get(result.basis.environment, here)

    @property
    def done(self) -> tuple[CellResult, ...]:
        return tuple(r for r in self.results if r.ok)

    @property
    def failed(self) -> tuple[CellResult, ...]:
        return tuple(r for r in self.results if not r.ok)

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
        measured = self.of_version(model, version) or self.paced(model, version)
        profiled = [r for r in measured if r.profile]
        return next((r for r in profiled if r.cell.hint == "latency"), next(iter(profiled), None))

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
        return next(m for m in self.header.models if (m.model, m.version) == (model, version))
