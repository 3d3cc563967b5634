"""The schema of ``ovreport.toml``. The fields' docstrings are its reference and its JSON Schema."""

from __future__ import annotations

import re
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
from ovreport.run.cell import NewTokens, Rate
from ovreport.run.record import Parallel, Positive

Seconds = Annotated[float, Field(gt=0)]
Scalar = str | int | float | bool


def _ascending(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("the lowest value is above the highest")
    return bounds


def _compiling(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
    return pattern


Bounds = Annotated[tuple[float, float], AfterValidator(_ascending)]


class _ListOrValue:
    """Annotation of a list: a single value may stand for a list of one."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(_as_list, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        list_schema = handler(schema)
        return {"anyOf": [list_schema["items"], list_schema]}


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


_T = TypeVar("_T")
OneOrMore = Annotated[tuple[_T, ...], Field(min_length=1), _ListOrValue()]


# Characters. Longer names fit neither a table nor a heading of the report.
LONGEST_NAME = 200


class Settings(BaseModel):
    """Base of all tables of the config."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


Optimisation = Literal["f16", "int8", "int8-weights", "int4-weights"]


class IgnoredScope(Settings):
    """Layers that an optimisation leaves as they are, in nncf's words."""

    names: Annotated[tuple[str, ...], _ListOrValue()] = ()
    """Names of layers."""
    patterns: Annotated[tuple[Annotated[str, AfterValidator(_compiling)], ...], _ListOrValue()] = ()
    """Regular expressions that names of layers match."""
    types: Annotated[tuple[str, ...], _ListOrValue()] = ()
    """Types of layers, such as ``MatMul``."""


class Version(Settings):
    """One version of a model: entries with the same ``name`` are versions of one model."""

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    """The model's name in the report."""
    version: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)] = "parent"
    """``parent``, ``optimized`` or any other word. No two versions of a model have the same."""
    path: Annotated[str, Field(min_length=1)] | None = None
    """ONNX, IR (.xml), TFLite, Paddle or TensorFlow file or folder, relative to the config.
    ``package:NAME/FILE`` is a file of an installed Python package. A version with ``from`` has no
    path."""
    extensions: Annotated[tuple[str, ...], _ListOrValue()] = ()
    """Libraries with the model's own operations (``.so``, ``.dll``), relative to the config.
    OpenVINO loads and executes them: name only those you trust."""
    shape: str | None = None
    """Shapes of inputs whose shape the model leaves open: ``[1,3,224,224]`` or ``x[1,8],y[1]``."""
    layout: str | None = None
    """Where the batch dimension N is: ``[HWCN]``, ``[N...]`` or ``x[NCHW],y[CN]``. An input whose
    layout has no N has no batch. Default: the layout in the model's file; if it has none, the first
    dimension is the batch if it is open or 1."""
    input: str | dict[str, str] | None = None
    """Real input: an ``.npy`` file (of numbers, or of strings as numpy's ``str``), an ``.npz`` file
    with an array for each input, an image or a folder of images (extra ``images``); or such a path
    for each input by name. Default: random input, seeded by ``measure.seed``."""
    range: Bounds | dict[str, Bounds] | None = None
    """Bounds of random input, without the upper one: ``[0, 255]`` for all inputs, or
    ``{ ids = [0, 30000], mask = [0, 2] }`` by input name. Default: [0, 1) for floating-point
    inputs, [0, 256) for u8, [0, 2) for other integers; indices lie within the tensor that they
    index if the graph shows which it is. Strings are random text, whatever the range."""
    labels: str | None = None
    """The right class of each sample of ``input``, in order, for the accuracy: an ``.npy`` file of
    integers, or a text file with one integer in each line."""
    from_: Annotated[str, Field(min_length=1)] | None = Field(default=None, alias="from")
    """The version of the same model that this version is made of, as ``optimise`` says, in place of
    ``path``. Its keys from ``extensions`` to ``labels`` are also this version's, unless it has its
    own. The result is kept in a folder next to the run file."""
    optimise: Optimisation | None = None
    """``f16`` stores the weights in FP16. nncf (extra ``quantize``) makes the others: ``int8``
    calculates in INT8 with ranges from ``calibration``; ``int8-weights`` and ``int4-weights`` store
    the weights in INT8 or INT4 and calculate in floating point."""
    calibration: str | dict[str, str] | None = None
    """For ``int8``: typical input, as in ``input``. An array may hold several samples one after
    another. Default: random input, with which the outputs may be far from the parent's."""
    subset: Positive | None = None
    """For ``int8``: the largest number of input sets to calibrate with. Default: 300, and 8 if the
    input is random."""
    preset: Literal["performance", "mixed"] | None = None
    """For ``int8``: ``performance`` quantises all values symmetrically, ``mixed`` activations
    asymmetrically. Default: nncf's, which depends on ``model_type``."""
    model_type: Literal["transformer"] | None = None
    """For ``int8``: what nncf takes care of specially."""
    ignored_scope: IgnoredScope = IgnoredScope()
    """For all but ``f16``: layers that stay as they are."""
    group_size: Annotated[int, Field(ge=-1, le=1 << 16)] | None = None
    """For ``int4-weights``: number of weights that share a scale; -1: all of a channel. Default:
    nncf's."""
    ratio: Annotated[float, Field(gt=0, le=1)] | None = None
    """For ``int4-weights``: share of the weights in INT4; the others are in INT8. Default: 1."""


class Runtime(Settings):
    """A Python environment whose OpenVINO runs the cells. The matrix is measured with each."""

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    """The runtime's name in the report."""
    python: Annotated[str, Field(min_length=1)] | None = None
    """Path to that environment's Python, relative to the config. The environment needs openvino
    2024.0 or newer, but not ovreport. Default: the environment that ovreport is installed in."""


class Entry(Settings):
    """Values of a cell to exclude or include."""

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
    """Requests per second."""
    prompt: Parallel | None = None
    """Tokens of the prompt."""
    new_tokens: NewTokens | None = None
    """Tokens to produce."""


StreamsValue = Parallel | Literal["auto"]


class Matrix(Settings):
    """Every combination of these values is a cell."""

    device: OneOrMore[str] = ("CPU",)
    """OpenVINO device strings: ``CPU``, ``GPU.1``, ``AUTO``, ``MULTI:GPU,CPU``, ``HETERO:…``."""
    hint: OneOrMore[Hint] = ("latency", "throughput")
    """Performance hints. ``latency`` runs one request at a time, the others several."""
    streams: OneOrMore[StreamsValue] = ("auto",)
    """Numbers of streams. ``auto``: the hint decides."""
    batch: OneOrMore[Positive] | None = None
    """Batch sizes. Default: the model's own."""
    precision: OneOrMore[str] | None = None
    """Inference precisions (``f32``, ``bf16``, ``f16``). Default: the device decides."""
    threads: OneOrMore[Parallel] | None = None
    """Numbers of inference threads (CPU). Default: the device decides."""
    requests: OneOrMore[Parallel] | None = None
    """Infer requests in flight. Default: one for the latency hint, otherwise the number that the
    device calls optimal."""
    rate: OneOrMore[Rate] | None = None
    """Requests per second that arrive at a fixed pace, even while earlier ones still run; latency
    then counts from the arrival. Default: a request starts as soon as another ends."""
    prompt: OneOrMore[Parallel] | None = None
    """For decoders, that is, language models with the inputs ``input_ids`` or ``inputs_embeds`` and
    a growing state: numbers of tokens that are read first. A request is then a sequence. The
    state is reset; one inference reads the prompt and gives the first new token; each further
    inference gives one more. Default: 128."""
    new_tokens: OneOrMore[NewTokens] | None = None
    """For decoders: numbers of tokens to produce, the first one included; at least 2. Default:
    64."""
    search: bool = False
    """Search for the best throughput (within ``report.latency_threshold_ms``, if given) over
    ``streams`` and ``batch``, instead of measuring every combination of them. Default range:
    streams up to the number of cores that may be used, batches from 1 to 32."""
    exclude: tuple[Entry, ...] = ()
    """Leave out cells that have all values of an entry."""
    include: tuple[Entry, ...] = ()
    """Cells to add to the combinations. An entry without a model, version or runtime adds a
    cell for each; other keys that it lacks have their default."""

    @model_validator(mode="after")
    def _search_at_full_rate(self) -> Matrix:
        if self.search and self.rate:
            raise ValueError(
                "search looks for the best throughput, which a fixed rate does not have"
            )
        return self


_MIN_TIME = 2.0


class Measure(Settings):
    """How long and how precisely to measure."""

    target: Annotated[float, Field(gt=0, le=0.5)] = 0.01
    """Relative half-width of the confidence intervals of throughput and median latency at which a
    cell is done: 0.01 is ±1 %."""
    min_time: Seconds = _MIN_TIME
    """Seconds for which a cell is measured at least. The default is at most ``max_time``."""
    max_time: Seconds = 20.0
    """Seconds for which a cell is measured at most."""
    duration: Seconds | None = None
    """Measure for exactly this number of seconds, whatever the interval."""
    iterations: Positive | None = None
    """Measure exactly this number of requests, whatever the interval."""
    slice: Annotated[float, Field(ge=0.05, le=10)] = 0.1
    """Seconds of a slice, a period of uninterrupted measuring. Compared cells take turns, slice by
    slice."""
    interleave: Literal["versions", "model"] = "versions"
    """Which cells take turns: ``versions``, those that differ only in version or runtime;
    ``model``, all cells of a model, whose workers are then in memory at the same time."""
    launches: Annotated[int, Field(ge=1, le=20)] = 3
    """Least number of worker processes that measure each cell, one after another, since memory
    layout alone can change a result by a percent. More follow if launches differ by more than
    ``target``, unless ``duration`` or ``iterations`` is given."""
    profile_iterations: Annotated[int, Field(ge=0, le=10_000)] = 20
    """Inferences with performance counters, for the layer times; 0: no layer times."""
    roofs: bool = True
    """Measure the speed and the memory bandwidth that each device reaches, for the roofline. It
    takes some seconds for each device, runtime and number of threads."""
    inference_limit: Seconds = 60.0
    """Seconds after which a single inference counts as hung."""
    compile_limit: Seconds = 600.0
    """Seconds that reading and compiling a model may take."""
    memory_limit_mib: Positive | None = None
    """Resident memory (MiB) at which a worker is stopped. Default: only the system's limit."""
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
    """Run versions on the same inputs, compare their outputs and keep them for other runs.

    The limits hold wherever outputs are judged: in all sections, on the terminal and in exports.
    """

    compare: bool = True
    """False: outputs are neither compared nor kept."""
    samples: Annotated[int, Field(ge=1, le=1000)] = 8
    """Number of random inputs. Real input (``model.input``) is used whole."""
    layers: bool = False
    """Also compare the outputs of matching layers, to see where versions begin to differ."""
    cosine: Annotated[float, Field(ge=-1, le=1)] = 0.99
    """Outputs of a lower cosine similarity differ."""
    relative: Annotated[float, Field(ge=0)] = 0.15
    """Outputs with a larger relative error, over all input sets or in one of them, differ."""
    top1: Annotated[float, Field(ge=0, le=1)] = 0.99
    """Outputs differ if a lower share of samples has the same best class or, where elements are no
    quantities (indices, tokens, flags, texts), a lower share of elements is equal."""
    layer_error: Annotated[float, Field(gt=0)] = 0.1
    """Relative error from which on a layer counts as deviating."""


class Compare(Settings):
    """How versions, runtimes and devices are judged: in sections, in the gate and in exports."""

    baseline: str = "parent"
    """Version, runtime or device that the others are compared with. If none has this name, it is
    the first."""
    noise: Annotated[float, Field(ge=0, le=0.5)] = 0.01
    """Differences of throughput, latency and size that do not matter, as a fraction. Two processes
    of the same model differ by about 0.8 %."""
    launch_noise: Annotated[float, Field(ge=0, le=1)] = 0.1
    """The same for layer times and for figures that each launch gives once: compile time, first
    inference and memory. They vary by several percent, as they depend on the disk and on the first
    use of memory."""


class Report(Settings):
    """Contents and look of the report."""

    title: str | None = None
    """Heading of the report."""
    notes: str = ""
    """Plain text under the heading."""
    logo: str | None = None
    """PNG or SVG picture next to the heading, at most 100 KiB, relative to the config."""
    css: str | None = None
    """CSS file whose rules follow the page's own, at most 64 KiB, relative to the config."""
    templates: str | None = None
    """Folder with Jinja templates, relative to the config. ``ID.html`` arranges the section of the
    analyzer with this id."""
    latency_threshold_ms: Annotated[float, Field(gt=0)] | None = None
    """Median latency (ms) that the sweet spot, the configuration of the highest throughput, must
    not exceed."""
    analyzers: tuple[str, ...] | None = None
    """Ids of the analyzers to run, in this order. Default: all that are installed."""
    plugins: tuple[str, ...] = ()
    """Python files with further analyzers, relative to the config."""
    suppress: tuple[str, ...] = ()
    """Ids of findings to hide."""


class Gate(Settings):
    """Limits for continuous integration. If one is broken, the exit code is 3."""

    fail_on: Annotated[tuple[str, ...], _ListOrValue()] = ()
    """Conditions that fail a run: ``throughput<-5%`` (change from the base), ``p95>10ms`` (the
    figure itself), ``p95>10ms where hint=latency`` (only in these cells)."""
    inconclusive: Literal["pass", "fail"] = "pass"
    """How a limit counts that the intervals do not decide."""


class Config(Settings):
    """A whole config."""

    model: Annotated[tuple[Version, ...], Field(min_length=1)]
    """One entry for each version of a model."""
    matrix: Matrix = Matrix()
    """The cells."""
    measure: Measure = Measure()
    """How long and how precisely cells are measured."""
    runtime: tuple[Runtime, ...] = ()
    """OpenVINO releases to measure with, in turns. Default: the one that ovreport is installed
    with."""
    properties: dict[str, dict[str, Scalar]] = {}
    """Raw OpenVINO properties by device: ``[properties.CPU]``. Properties that the matrix sets
    (hint, streams, threads, precision, requests, device) are refused here."""
    outputs: OutputSettings = OutputSettings()
    """How the outputs of versions are compared."""
    compare: Compare = Compare()
    """How versions are judged."""
    report: Report = Report()
    """Settings of the report."""
    gate: Gate = Gate()
    """Limits for continuous integration."""
    analyzer: dict[str, dict[str, Any]] = {}
    """Options of analyzers by id: ``[analyzer.latency]``."""
