"""The shape of ``ovreport.toml``. Docstrings of fields are its reference and its JSON Schema."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic_core import core_schema

from ovreport.run import Hint, Streams
from ovreport.run.cell import Rate
from ovreport.run.record import Parallel, Positive

Seconds = Annotated[float, Field(gt=0)]
Scalar = str | int | float | bool


def _ascending(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("the lowest value is above the highest")
    return bounds


Bounds = Annotated[tuple[float, float], AfterValidator(_ascending)]


class _OneOrMany:
    """Of a list: one value may stand for a list of one."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(_as_list, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        several = handler(schema)
        return {"anyOf": [several["items"], several]}


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


_T = TypeVar("_T")
Some = Annotated[tuple[_T, ...], Field(min_length=1), _OneOrMany()]


class Settings(BaseModel):
    """Base of all tables of the config."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


class Version(Settings):
    """One version of a model: entries with the same ``name`` are versions of one model."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """What the model is called in the report."""
    version: Annotated[str, Field(min_length=1, max_length=200)] = "parent"
    """``parent``, ``optimized`` or any other word; unique for the model."""
    path: Annotated[str, Field(min_length=1)]
    """ONNX, IR (.xml), TFLite, Paddle or TensorFlow file or folder, relative to the config;
    ``package:NAME/FILE`` is a file of an installed Python package."""
    extensions: Annotated[tuple[str, ...], _OneOrMany()] = ()
    """Libraries with operations of the model's own (``.so``, ``.dll``), which OpenVINO loads to
    read and run it, relative to the config. They are programs: name only those you trust."""
    shape: str | None = None
    """Shapes of inputs the model leaves open: ``[1,3,224,224]`` or ``x[1,8],y[1]``."""
    layout: str | None = None
    """Where the batch is: ``[HWCN]``, ``[N...]`` or ``x[NCHW],y[CN]``; a layout without N has none.
    Without it the model's file may say it; else it is a first dimension that is open or 1."""
    input: str | dict[str, str] | None = None
    """Real input: an ``.npy`` file (of numbers, or of strings as numpy's ``str``), an ``.npz`` file
    with an array for each input, an image or a folder of images (extra ``images``); or one such
    path for each input by name. Without it inputs are random, seeded by ``measure.seed``."""
    range: Bounds | dict[str, Bounds] | None = None
    """Bounds of random input, the upper one left out: ``[0, 255]`` for all inputs, or
    ``{ ids = [0, 30000], mask = [0, 2] }`` by input name. Without it: [0, 1) for floating-point
    inputs, [0, 256) for u8, [0, 2) for other integers; indices lie within the tensor that they
    index, where the graph shows it. Strings are random text, whatever the range."""
    labels: str | None = None
    """The right class of each sample of ``input``, in order, for the accuracy: an ``.npy`` of
    integers, or a text file with one in each line."""


class Runtime(Settings):
    """A Python environment whose OpenVINO runs the cells; each is a value of the matrix."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """What the runtime is called in the report."""
    python: Annotated[str, Field(min_length=1)] | None = None
    """Path to that environment's Python, relative to the config; without it the environment that
    ovreport is installed in. It needs openvino 2024.0 or newer, and nothing of ovreport."""


class Entry(Settings):
    """Values that a cell must have to be excluded, or that an included cell has."""

    model: str | None = None
    """Name of the model."""
    version: str | None = None
    """Version of the model."""
    runtime: str | None = None
    """Name of the runtime."""
    device: str | None = None
    """OpenVINO device string."""
    hint: Hint | None = None
    """Performance hint."""
    streams: Streams | None = None
    """Number of streams or ``auto``."""
    batch: Positive | None = None
    """Batch size."""
    precision: str | None = None
    """Inference precision."""
    threads: Parallel | None = None
    """Inference threads."""
    requests: Parallel | None = None
    """Infer requests in flight."""
    rate: Rate | None = None
    """Requests a second."""


StreamsValue = Parallel | Literal["auto"]


class Matrix(Settings):
    """Every combination of these values is a cell."""

    device: Some[str] = ("CPU",)
    """OpenVINO device strings: ``CPU``, ``GPU.1``, ``AUTO``, ``MULTI:GPU,CPU``, ``HETERO:…``."""
    hint: Some[Hint] = ("latency", "throughput")
    """Performance hints. ``latency`` runs one request at a time, the others several."""
    streams: Some[StreamsValue] = ("auto",)
    """Numbers of streams; ``auto`` leaves the choice to the hint."""
    batch: Some[Positive] | None = None
    """Batch sizes; without it the model's own."""
    precision: Some[str] | None = None
    """Inference precisions (``f32``, ``bf16``, ``f16``); without it the device's choice."""
    threads: Some[Parallel] | None = None
    """Numbers of inference threads (CPU); without it the device's choice."""
    requests: Some[Parallel] | None = None
    """Infer requests in flight; without it one for latency, the device's optimum otherwise."""
    rate: Some[Rate] | None = None
    """Requests a second that arrive at a fixed pace, whether or not the ones before are done;
    latency then counts from arrival. Without it each request follows on another."""
    search: bool = False
    """Look for the best throughput (within ``report.latency_threshold_ms``, if given) over
    ``streams`` and ``batch`` instead of measuring every combination of them. Without them:
    streams up to the number of cores that may be used, batches from 1 to 32."""
    exclude: tuple[Entry, ...] = ()
    """Cells that match all values of an entry are left out."""
    include: tuple[Entry, ...] = ()
    """Cells added to the combinations; what an entry leaves open is taken from every model,
    and otherwise is the default."""

    @model_validator(mode="after")
    def _search_at_full_rate(self) -> Matrix:
        if self.search and self.rate:
            raise ValueError(
                "search looks for the best throughput, which a fixed rate does not have"
            )
        return self


_MIN_TIME = 2.0


class Measure(Settings):
    """How long and how well to measure."""

    target: Annotated[float, Field(gt=0, le=0.5)] = 0.01
    """A cell is done when the confidence intervals of its throughput and median latency are
    within this fraction on either side."""
    min_time: Seconds = _MIN_TIME
    """A cell is measured for at least so many seconds. The default is at most ``max_time``."""
    max_time: Seconds = 20.0
    """A cell is measured for at most so many seconds."""
    duration: Seconds | None = None
    """Measure for exactly so many seconds, whatever the interval."""
    iterations: Positive | None = None
    """Measure exactly so many requests, whatever the interval."""
    slice: Annotated[float, Field(ge=0.05, le=10)] = 0.1
    """Seconds of one uninterrupted period; cells that are compared take turns by slices."""
    interleave: Literal["versions", "model"] = "versions"
    """Which cells take turns by slices: those that differ in version or runtime only, or all of
    a model, whose workers then are in memory at once."""
    launches: Annotated[int, Field(ge=1, le=20)] = 3
    """Worker processes started one after another for each cell at least, since memory layout
    alone can move a result by a percent. More follow where launches differ by more than the
    target, unless ``duration`` or ``iterations`` is given."""
    profile_iterations: Annotated[int, Field(ge=0, le=10_000)] = 20
    """Inferences with performance counters on, for the layer times; 0 leaves them out."""
    roofs: bool = True
    """Measure what each device can reach, which the roofline compares layers with: some seconds,
    once for each device, runtime and number of threads."""
    inference_limit: Seconds = 60.0
    """Seconds after which a single inference counts as hung."""
    compile_limit: Seconds = 600.0
    """Seconds that reading and compiling a model may take."""
    memory_limit_mib: Positive | None = None
    """Resident memory at which a worker is stopped; without it only the system's own limit."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    """Seed of random inputs and of the order of slices."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, values: Any) -> Any:
        """Lower ``min_time`` to a ``max_time`` that is below the default ``min_time``."""
        if isinstance(values, dict) and "min_time" not in values and "max_time" in values:
            longest = values["max_time"]
            if isinstance(longest, int | float) and 0 < longest < _MIN_TIME:
                return {**values, "min_time": longest}
        return values

    @model_validator(mode="after")
    def _consistent(self) -> Measure:
        if self.min_time > self.max_time:
            raise ValueError(
                f"min_time, {self.min_time:g} s, is longer than max_time, {self.max_time:g} s"
            )
        if self.duration is not None and self.iterations is not None:
            raise ValueError("duration and iterations exclude each other")
        return self


class OutputSettings(Settings):
    """Run versions on the same inputs, compare their outputs and keep them for other runs."""

    compare: bool = True
    """False: do not compare and keep outputs."""
    samples: Annotated[int, Field(ge=1, le=1000)] = 8
    """Number of random inputs; given inputs are all used."""
    layers: bool = False
    """Also compare the outputs of matching layers, to see where versions begin to differ."""


class Compare(Settings):
    """How versions, runtimes and devices are judged: in sections, in the gate and in exports."""

    baseline: str = "parent"
    """Version, runtime or device that the others are compared with; where there is none of this
    name, the first."""
    noise: Annotated[float, Field(ge=0, le=0.5)] = 0.01
    """Differences of throughput, latency and size that do not matter, as a fraction; two processes
    of the very same model differ by near 0.8 %."""
    launch_noise: Annotated[float, Field(ge=0, le=1)] = 0.1
    """The same for what each launch shows once: compile time, first inference and memory, and for
    layer times. Reading from disk, compiling and the first touch of memory scatter by several
    percent."""


class Report(Settings):
    """What the report says and shows."""

    title: str | None = None
    """Heading of the report."""
    notes: str = ""
    """Plain text under the heading."""
    logo: str | None = None
    """PNG or SVG picture beside the heading, at most 100 KiB, relative to the config."""
    css: str | None = None
    """CSS file whose rules follow the page's own, at most 64 KiB, relative to the config."""
    templates: str | None = None
    """Folder with Jinja templates ``ID.html`` that arrange the section of the analyzer with this
    id, relative to the config."""
    latency_threshold_ms: Annotated[float, Field(gt=0)] | None = None
    """The sweet spot is the highest throughput whose median latency is within it."""
    analyzers: tuple[str, ...] | None = None
    """Ids of the analyzers to run, in this order; without it all that are installed."""
    plugins: tuple[str, ...] = ()
    """Python files with further analyzers, relative to the config."""
    suppress: tuple[str, ...] = ()
    """Ids of findings to hide."""


class Gate(Settings):
    """Limits for continuous integration: exit code 3 where one is broken."""

    fail_on: Annotated[tuple[str, ...], _OneOrMany()] = ()
    """What must not be: ``throughput<-5%`` (against the base), ``p95>10ms`` (the figure itself),
    ``p95>10ms where hint=latency`` (in some cells only)."""
    inconclusive: Literal["pass", "fail"] = "pass"
    """How to count a limit that the intervals do not decide."""


class Config(Settings):
    """A whole config."""

    model: Annotated[tuple[Version, ...], Field(min_length=1)]
    """One entry for each version of a model."""
    matrix: Matrix = Matrix()
    """The cells."""
    measure: Measure = Measure()
    """The measuring budget."""
    runtime: tuple[Runtime, ...] = ()
    """OpenVINO releases to measure with, in turns; without it the one that ovreport is installed
    with."""
    properties: dict[str, dict[str, Scalar]] = {}
    """Raw OpenVINO properties by device: ``[properties.CPU]``. What the matrix decides (hint,
    streams, threads, precision, requests, device) is refused here."""
    outputs: OutputSettings = OutputSettings()
    """How the outputs of versions are compared."""
    compare: Compare = Compare()
    """By what versions are judged."""
    report: Report = Report()
    """The report."""
    gate: Gate = Gate()
    """Limits that make a run fail."""
    analyzer: dict[str, dict[str, Any]] = {}
    """Options of analyzers by id: ``[analyzer.latency]``."""
