"""Builders of cells, runs, graphs, sections and models for tests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino as ov
import openvino.opset13 as op
from onnx import TensorProto, helper
from openvino.op.util import Variable, VariableInfo

from ovreport.plugin import Analyzer
from ovreport.run import (
    Cell,
    CellResult,
    Environment,
    Failure,
    Graph,
    Header,
    Launch,
    Memory,
    ModelFile,
    Node,
    Port,
    Profile,
    ProfiledLayer,
    Resolved,
    Run,
    Slice,
)
from ovreport.section import (
    Axis,
    Band,
    Bars,
    Block,
    Chart,
    Colouring,
    Column,
    Diagram,
    DiagramEdge,
    DiagramNode,
    Facts,
    Finding,
    Group,
    HeatMap,
    Histogram,
    KeyFigure,
    KeyFigures,
    Points,
    Row,
    Rule,
    Section,
    Table,
    Text,
)
from ovreport.stats.estimate import Estimate
from ovreport.text.values import Kind, Link, Role, Tag, Value

Array = np.ndarray[Any, np.dtype[Any]]


def save_inputs(path: Path, *sets: Array) -> None:
    """Save what the only input of a model is fed in turn, as a worker reads it."""
    arrays: dict[str, Any] = {f"{number}_0": array for number, array in enumerate(sets)}
    np.savez(path, **arrays)


def section_of(analyzer: Analyzer[Any], run: Run) -> Section:
    """Return the section that the analyzer makes of a run."""
    section = analyzer.analyze(run)
    assert isinstance(section, Section)
    return section


# ---------------------------------------------------------------- measured cells and runs


MEMORY = Memory(start_bytes=1, read_bytes=2, compile_bytes=3, inference_bytes=1 << 20)


def quiet(run: Run, factor: float = 1.0) -> Run:
    """Return the run as if measured on a quiet machine, with its roofs multiplied by ``factor``."""
    roofs = tuple(
        roof.model_copy(
            update={
                "other_load": 0.0,
                "operations": {name: rate * factor for name, rate in roof.operations.items()},
                "memory_bandwidth": roof.memory_bandwidth * factor,
                "cache_bandwidth": roof.cache_bandwidth and roof.cache_bandwidth * factor,
            }
        )
        for roof in run.roofs
    )
    results = tuple(
        result.model_copy(update={"profile": result.profile.model_copy(update={"other_load": 0.0})})
        if result.profile
        else result
        for result in run.results
    )
    return replace(run, roofs=roofs, results=results)


def cell_result(
    cell: Cell,
    latency_ms: float,
    *,
    streams: int = 1,
    batch: int = 1,
    slices: int = 10,
    arrived: int | None = None,
    other_load: float | None = None,
) -> CellResult:
    """Return a result with slices of ten requests each, one request in flight for each stream."""
    latency_ns = round(latency_ms * 1e6)
    taken = tuple(
        Slice(
            start_ns=number * 10 * latency_ns,
            wall_ns=10 * latency_ns // streams,
            cpu_ns=1,
            latencies_ns=np.full(10, latency_ns, dtype=np.int64),
            arrived=arrived,
            other_load=other_load,
        )
        for number in range(slices)
    )
    launch = Launch(
        read_ns=10**6, compile_ns=2 * 10**6, first_inference_ns=10**6, memory=MEMORY, slices=taken
    )
    resolved = Resolved(
        batch=batch, streams=streams, requests=streams, threads=2, precision="f32",
        execution_devices=("CPU",), inputs=(), outputs=(), properties={}, input_data="random",
    )  # fmt: skip
    return CellResult(cell=cell, launches=(launch,), resolved=resolved, stopped="target")


def run_of(results: Sequence[CellResult], **report: object) -> Run:
    """Return a run of these cells, with these settings of its report."""
    versions = dict.fromkeys((r.cell.model, r.cell.version) for r in results)
    models = tuple(
        ModelFile(
            model=model, version=version, path="m.onnx", format="ONNX", size_bytes=1, sha256="",
            inputs=(), outputs=(),
        )
        for model, version in versions
    )  # fmt: skip
    plan = tuple(r.cell for r in results)
    header = run_named("net").header.model_copy(
        update={"config": {"report": report}, "models": models, "plan": plan}
    )
    return Run(header, tuple(results))


def configured(run: Run, **tables: dict[str, Any]) -> Run:
    """Return the run as if its config had these values in these tables."""
    config = dict(run.header.config)
    for name, values in tables.items():
        table = config.get(name)
        config[name] = {**(table if isinstance(table, dict) else {}), **values}
    return replace(run, header=run.header.model_copy(update={"config": config}))


def spaced(text: str) -> str:
    """Return a text with common spaces where numbers have narrow ones."""
    return text.replace("\N{NARROW NO-BREAK SPACE}", " ")


def paced(rate: float, arrived: int) -> CellResult:
    """Return ten slices that serve ten requests each, of the number that arrived."""
    measured = cell_result(Cell(model="net", rate=rate), 5)
    launch = measured.launches[0]
    slices = tuple(s.model_copy(update={"arrived": arrived}) for s in launch.slices)
    return measured.model_copy(update={"launches": (launch.model_copy(update={"slices": slices}),)})


SLOWER = "block1/expand/conv"


def twice_as_expensive(run: Run) -> Run:
    """Return the run of ``data/versions.jsonl`` with the parent, and a copy as version "again"."""
    (parent,) = run.of_version("mobilenet", "parent")
    (again,) = run.of_version("mobilenet", "again")
    pair = with_layer(parent, parent.cell, 400_000), with_layer(parent, again.cell, 800_000)
    return replace(run, results=pair)


def with_layer(result: CellResult, cell: Cell, layer_ns: int) -> CellResult:
    """Return a copy whose layer ``SLOWER`` takes ``layer_ns``; its latencies change with it."""
    assert result.profile is not None

    def layer(item: ProfiledLayer) -> ProfiledLayer:
        times = np.full(len(item.times_ns), layer_ns, np.int64)
        return item.model_copy(update={"times_ns": times}) if item.name == SLOWER else item

    def slice(item: Slice) -> Slice:
        latencies, wall_ns = item.latencies_ns + layer_ns, item.wall_ns + item.requests * layer_ns
        return item.model_copy(update={"latencies_ns": latencies, "wall_ns": wall_ns})

    def launch(item: Launch) -> Launch:
        return item.model_copy(update={"slices": tuple(map(slice, item.slices))})

    layers = tuple(map(layer, result.profile.layers))
    return result.model_copy(
        update={
            "cell": cell,
            "profile": result.profile.model_copy(update={"layers": layers}),
            "launches": tuple(map(launch, result.launches)),
        }
    )


# ---------------------------------------------------------------- graphs and layers


MODEL, RUNTIME = "model", "runtime"


def node(
    name: str,
    type: str,
    *sources: int,
    shape: str = "[1,8]",
    precision: str = "f32",
    layout: str = "ab",
    order: int | None = None,
    originals: str = "",
) -> Node:
    """Return a node that reads the first output of each source."""
    attributes = {"runtimePrecision": precision, "outputLayouts": layout}
    attributes["originalLayersNames"] = originals
    if order is not None:
        attributes["execOrder"] = str(order)
    return Node(
        name=name,
        type=type,
        inputs=tuple((source, 0) for source in sources),
        outputs=(Port(shape=shape, precision=precision),),
        attributes=dict(attributes),
    )


def timed(name: str, type: str, *microseconds: float) -> ProfiledLayer:
    """Return a profile entry, executed if it has times."""
    times = np.array([round(1000 * time) for time in microseconds], np.int64)
    status = "executed" if microseconds else "not_run"
    return ProfiledLayer(name=name, type=type, kernel="jit_uni", status=status, times_ns=times)


def measured(
    runtime: Sequence[Node], profile: Sequence[ProfiledLayer], model: Sequence[Node] = ()
) -> tuple[Run, CellResult]:
    """Return a run of one cell with these graphs and layers."""
    profiled = {
        "profile": Profile(latencies_ns=np.array([1000]), layers=tuple(profile)),
        "runtime_graph": RUNTIME,
        "model_graph": MODEL,
    }
    result = cell_result(Cell(model="m"), 0.001).model_copy(update=profiled)
    environment = Environment(
        host="", user="", os="", cpu="", physical_cores=1, logical_cores=1, memory_bytes=1,
        python="", openvino="",
    )  # fmt: skip
    header = Header(ovreport="", created="", config={}, environment=environment, models=(), plan=())
    graphs = {
        RUNTIME: Graph(kind="runtime", nodes=tuple(runtime)),
        MODEL: Graph(kind="model", nodes=tuple(model)),
    }
    return Run(header, (result,), graphs), result


# ---------------------------------------------------------------- sections, charts and diagrams


LATENCY = Estimate(0.0369, 0.0366, 0.0372, 0.95, "bootstrap over 3 launches")


class Demo(Analyzer):
    """An analyzer for tests of the page, which give its outcome themselves."""

    id = "demo"
    title = "Demo"

    def analyze(self, run: Run) -> Section:
        raise NotImplementedError


def run_named(text: str) -> Run:
    """Return a run with a failed and a pending cell, and with this text in every name."""
    cells = (Cell(model=text, version=text), Cell(model=text, version=text, hint="throughput"))
    environment = Environment(
        host=text, user=text, os=text, cpu=text, physical_cores=2, logical_cores=2,
        memory_bytes=1 << 33, python="3.11", openvino=text,
    )  # fmt: skip
    model = ModelFile(
        model=text, version=text, path=text, format=text, size_bytes=1, sha256="", inputs=(),
        outputs=(),
    )  # fmt: skip
    report = {"title": text, "notes": text}
    header = Header(
        ovreport="0", created="2026-01-02T03:04:05+00:00", config={"report": report},
        environment=environment, models=(model,), plan=cells,
    )  # fmt: skip
    failure = Failure(stage="compile", reason=text, detail=text)
    return Run(header, (CellResult(cell=cells[0], failure=failure),))


def table_of(rows: int, text: str = "layer", id: str = "table") -> Table:
    """Return a table of names, types, times from 0.1 ms upwards and shares, the longest last."""
    columns = [
        Column("name", text, "code", help=text),
        Column("type", "Type"),
        Column("time", "Time", "duration"),
        Column("share", "Share", "share"),
    ]
    kinds = ("Convolution", "Pooling", "Reorder")
    body = [
        Row(
            {
                "name": f"{text} {number}",
                "type": Tag(kinds[number % 3], Role("type", kinds[number % 3])),
                "time": number / 1e4 if number else None,
                "share": number / rows,
            },
            anchor=f"{id}-{number}",
            details=[Facts(f"{id}-{number}-facts", text, [(text, text, "code")])],
        )
        for number in range(rows)
    ]
    return Table(id, text, columns, body, note=text)


def charts(text: str) -> list[Chart]:
    """Return a chart for each kind of mark."""
    name, time = Axis("", categories=[text, "b"]), Axis("time", "duration")
    role, other = Role("type", text), Role("series", "other")
    main = Role("series", "main")
    return [
        Chart("points", text, time, Axis(text, "rate"),
              [Points([LATENCY, 0.05], [27.0, 30.0], main, text, [text, "b"], emphasis=True),
               Points([0.04], [20.0], other, "other", joined=True)], text),
        Chart("bars", text, Axis("share", "share"), name,
              [Bars([0.5, 0.2], [role], text), Bars([0.1, 0.2], [other], "other")], text),
        Chart("histogram", text, time, Axis("requests", "count"),
              [Histogram([0.01, 0.02, 0.03], [3, 4], main, text), Rule(0.025, text, True)], text),
        Chart("band", text, Axis("time", "duration"), time,
              [Band([0, 1, 2], [1, 1, 1], [2, 3, 2], main, text), Rule(2.5, text)], text),
        Chart("heat", text, name, Axis(text, categories=["x", "y"]),
              [HeatMap([[1.0, 2.0], [None, 3.0]], "rate", text)], text),
    ]  # fmt: skip


def section(text: str) -> Section:
    """Return a section with every kind of block, finding and value, and this text everywhere."""
    figure = KeyFigure(text, LATENCY, "duration", note=text)
    facts: list[tuple[str, Value, Kind]] = [
        (text, text, "code"), ("link", Link(text, "demo"), "text"), ("none", None, "text"),
        ("out", Link(text, url="https://docs.openvino.ai/?a=1&b=2"), "text"),
        ("links", (Link("one", "demo"), Link("two", "demo")), "text"), ("yes", True, "text"),
        ("estimate", LATENCY, "duration"), ("memory", 1 << 30, "bytes"), ("ratio", 1.02, "ratio"),
    ]  # fmt: skip
    diagram = Diagram(
        "graph",
        text,
        [DiagramNode(f"node-{n}", [text], text, {"type": Role("type", text)}) for n in "ab"],
        [DiagramEdge("node-a", "node-b", text)],
        [Colouring("type", text)],
        text,
    )
    findings = [
        Finding("demo-1", "good", text),
        Finding("demo-2", "problem", text, text, [Link(text, "demo")], gain=0.25),
    ]
    blocks: list[Block] = [
        KeyFigures("figures", [figure, figure]),
        Text("text", text),
        Facts("facts", text, facts),
        Facts("more-facts", text, facts, collapsed=True),
        table_of(8, text),
        *charts(text),
        diagram,
    ]
    return Section([Group(text, blocks, "group")], findings, text)


HOSTILE = [
    "'\"quotes' \"", "back\\slash\\", "\\N \\G \\E \\l", "<b>bold</b>", "]]>", "-->", "<!--",
    "<script>alert(1)</script>", "&lt;&amp;&#65;", "<<i>html</i>>", "line\nbreak\r\n",
    "\u202eright to left\u2066", "emoji \U0001f600\U0001f468\u200d\U0001f469", "模型/卷积" * 9,
    "x" * 10_000, "", " ", "\x00\x07\x1b[31m", "\ufffe\uffff", "\ud800", "{{ 7*7 }}", "a,b;c->d",
    "style=\"x\" onload='y'", "digraph{}", "%s %d", "\\\\\"];evil[label=\"",
]  # fmt: skip


def diagram_of(*names: str) -> Diagram:
    """Return a chain of nodes with these names, and with the names in every text."""
    return Diagram(
        "graph",
        names[0],
        [
            DiagramNode(
                f"node-{at}",
                [name, name, "1.0 ms"],
                f"{name}\ntype: {name}",
                {"type": Role("type", name), "time": 0.5},
                link=f"row-{at}",
                name=name,
            )
            for at, name in enumerate(names)
        ],
        [
            DiagramEdge(f"node-{at}", f"node-{at + 1}", name, marked=at % 2 == 0)
            for at, name in enumerate(names[:-1])
        ],
        [Colouring("type", names[0]), Colouring("time", "time", ["0", names[0]])],
        names[0],
    )


def layers(count: int, template: str, *, extra: bool = False) -> Diagram:
    """Residual blocks: a norm, three branches, and an addition; with ``extra``, in the first a
    mask that all of them read."""
    names: list[str] = ["input"]
    edges: list[tuple[int, int]] = []

    def add(name: str, *sources: int) -> int:
        names.append(name)
        edges.extend((source, len(names) - 1) for source in sources)
        return len(names) - 1

    x, mask = 0, -1
    for number in range(count):
        at = template.format(number)
        norm = add(f"{at}norm", x)
        if extra and number == 0:
            mask = add("mask")
        branches = [add(f"{at}{name}", norm) for name in ("query", "key", "value")]
        x = add(f"{at}sum", x, *branches, *([mask] if extra else []))
        inner = add(f"{at}inner", x)
        x = add(f"{at}out", x, inner)
    kinds = [re.sub(r".*[^a-z]", "", name) for name in names]
    return Diagram(
        "graph", "",
        [
            DiagramNode(f"n{at}", [kind, name], name, {}, duration_s=0.001, name=name)
            for at, (kind, name) in enumerate(zip(kinds, names, strict=True))
        ],
        [DiagramEdge(f"n{a}", f"n{b}") for a, b in edges],
        [Colouring("type", "type")], "",
    )  # fmt: skip


# ---------------------------------------------------------------- models


_MAP, _STATE = [1, 4, 16, 16], [4, 16]


def _value(name: str, shape: list[int], kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def _constant(name: str, value: object) -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(np.asarray(value), name)


def _branch(name: str, activation: str) -> onnx.GraphProto:
    weights = np.full((4, 4, 3, 3), 0.1, np.float32)
    nodes = [
        helper.make_node("Conv", ["x", f"{name}_w"], [f"{name}_c"], pads=[1, 1, 1, 1]),
        helper.make_node(activation, [f"{name}_c"], [f"{name}_y"]),
    ]
    outputs = [_value(f"{name}_y", _MAP)]
    return helper.make_graph(nodes, name, [], outputs, [_constant(f"{name}_w", weights)])


def save_branches(path: Path) -> None:
    """Save an ONNX model with an ``If``, another ``If`` in its else branch, and a ``Loop``."""
    otherwise = helper.make_graph(
        [
            helper.make_node("ReduceMax", ["x"], ["largest"], keepdims=0),
            helper.make_node("Greater", ["largest", "two"], ["large"]),
            helper.make_node(
                "If", ["large"], ["deep"], name="deep", then_branch=_branch("deep_then", "Relu"),
                else_branch=_branch("deep_else", "Sigmoid"),
            ),
        ],
        "else", [], [_value("deep", _MAP)], [_constant("two", np.float32(2))],
    )  # fmt: skip
    step = helper.make_graph(
        [
            helper.make_node("MatMul", ["state", "w"], ["product"]),
            helper.make_node("Tanh", ["product"], ["bounded"]),
            helper.make_node("Add", ["bounded", "s"], ["next"]),
            helper.make_node("Identity", ["go_in"], ["go_out"]),
        ],
        "step",
        [_value("i", [], TensorProto.INT64), _value("go_in", [], TensorProto.BOOL),
         _value("state", _STATE)],
        [_value("go_out", [], TensorProto.BOOL), _value("next", _STATE)],
    )  # fmt: skip
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["x"], ["mean"], keepdims=0),
            helper.make_node("Greater", ["mean", "zero"], ["positive"]),
            helper.make_node(
                "If", ["positive"], ["chosen"], name="branches",
                then_branch=_branch("then", "Relu"), else_branch=otherwise,
            ),
            helper.make_node("Relu", ["chosen"], ["y"]),
            helper.make_node("Loop", ["seven", "go", "s"], ["last"], name="loop", body=step),
            helper.make_node("Softmax", ["last"], ["z"]),
        ],
        "branches", [_value("x", _MAP), _value("s", _STATE)],
        [_value("y", _MAP), _value("z", _STATE)],
        [_constant("zero", np.float32(0)), _constant("seven", np.int64(7)),
         _constant("go", np.bool_(True)), _constant("w", np.eye(16, dtype=np.float32))],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def save_recurrent(path: Path) -> None:
    """Save an IR with a ``TensorIterator`` over the steps of a sequence, around a GRU cell."""
    sequence = op.parameter([4, 10, 16], np.float32, name="sequence")
    start = op.parameter([4, 16], np.float32, name="start")
    step = op.parameter([4, 1, 16], np.float32, name="step")
    before = op.parameter([4, 16], np.float32, name="before")
    cell = op.gru_cell(
        op.squeeze(step, np.array([1]), name="one_step"), before,
        op.constant(np.full((48, 16), 0.1, np.float32)),
        op.constant(np.full((48, 16), 0.1, np.float32)),
        op.constant(np.zeros(48, np.float32)), 16, name="gru_cell",
    )  # fmt: skip
    state, row = op.result(cell), op.result(op.unsqueeze(op.relu(cell), np.array([1])))
    iterator = op.tensor_iterator()
    iterator.set_friendly_name("gru")
    iterator.set_body(ov.Model([state, row], [step, before], "body"))
    iterator.set_sliced_input(step, sequence.output(0), 0, 1, 1, -1, 1)
    iterator.set_merged_input(before, start.output(0), state.output(0))
    iterator.get_iter_value(state.output(0), -1)
    rows = iterator.get_concatenated_slices(row.output(0), 0, 1, 1, -1, 1)
    ov.save_model(ov.Model([op.result(op.tanh(rows))], [sequence, start], "recurrent"), path)


_HEADS = 4


def transformer(layers: int, width: int = 64, tokens: int = 16) -> ov.Model:
    """Return pre-normalised self-attention, whose mask all layers read, and feed-forward parts."""
    random = np.random.default_rng(0)
    hidden = op.parameter([1, tokens, width], np.float32, name="hidden_states")
    mask = op.parameter([1, 1, 1, tokens], np.float32, name="attention_mask")
    hidden.output(0).set_names({"hidden_states"})
    mask.output(0).set_names({"attention_mask"})
    bias = op.multiply(
        op.subtract(np.float32(1), mask, name="mask/sub"), np.float32(-1e4), name="mask/mul"
    )

    def linear(x: ov.Node, size: int, name: str) -> ov.Node:
        weights = random.standard_normal((size, x.shape[-1]), np.float32) / width
        product = op.matmul(x, weights, False, True, name=f"{name}/MatMul")
        return op.add(product, np.zeros(size, np.float32), name=f"{name}/Add")

    def normal(x: ov.Node, name: str) -> ov.Node:
        return op.multiply(
            op.mvn(x, np.array([-1]), True, 1e-5, "inside_sqrt", name=f"{name}/mvn"),
            np.linspace(0.5, 1.5, width, dtype=np.float32),
            name=f"{name}/scale",
        )

    def heads(x: ov.Node, name: str) -> ov.Node:
        split = op.reshape(
            x, np.array([0, 0, _HEADS, width // _HEADS]), True, name=f"{name}/Reshape"
        )
        return op.transpose(split, np.array([0, 2, 1, 3]), name=f"{name}/Transpose")

    x: ov.Node = hidden
    for number in range(layers):
        at = f"encoder/layer.{number}"
        before = normal(x, f"{at}/attention/LayerNorm")
        query, key, value = (
            heads(linear(before, width, f"{at}/attention/{name}"), f"{at}/attention/{name}")
            for name in ("query", "key", "value")
        )
        scores = op.matmul(query, key, False, True, name=f"{at}/attention/scores")
        scaled = op.divide(scores, np.float32((width / _HEADS) ** 0.5), name=f"{at}/attention/div")
        masked = op.add(scaled, bias, name=f"{at}/attention/masked")
        context = op.matmul(
            op.softmax(masked, 3, name=f"{at}/attention/Softmax"), value, False, False,
            name=f"{at}/attention/context",
        )  # fmt: skip
        merged = op.reshape(
            op.transpose(context, np.array([0, 2, 1, 3]), name=f"{at}/attention/Transpose"),
            np.array([0, 0, width]), True, name=f"{at}/attention/Reshape",
        )  # fmt: skip
        x = op.add(x, linear(merged, width, f"{at}/attention/output"), name=f"{at}/attention/sum")
        before = normal(x, f"{at}/output/LayerNorm")
        inner = op.gelu(linear(before, 4 * width, f"{at}/intermediate"), "erf", name=f"{at}/Gelu")
        x = op.add(x, linear(inner, width, f"{at}/output"), name=f"{at}/output/sum")
    result = op.result(normal(x, "pooler"), name="last_hidden_state")
    return ov.Model([result], [hidden, mask], "transformer")


def save_transformer(path: Path, layers: int) -> None:
    """Save a transformer as OpenVINO IR."""
    ov.save_model(transformer(layers), path, compress_to_fp16=False)


# ---------------------------------------------------------------- decoders


def save_decoder(
    path: Path, *, layers: int = 2, width: int = 64, vocabulary: int = 100, positions: int = 512
) -> None:
    """Save a language model as optimum-intel writes it, with random weights and few layers.

    Each layer is an attention over all tokens so far, whose keys and values are states.
    """
    heads, rng = 2, np.random.default_rng(0)
    inputs = {
        name: op.parameter([-1] * rank, kind, name=name)
        for name, rank, kind in (
            ("input_ids", 2, np.int64),
            ("attention_mask", 2, np.int64),
            ("position_ids", 2, np.int64),
            ("beam_idx", 1, np.int32),
        )
    }
    for name, node in inputs.items():
        node.output(0).set_names({name})

    def weights(*shape: int) -> Any:
        return op.constant((rng.standard_normal(shape) / 8).astype(np.float32))

    def integers(*values: int) -> Any:
        return op.constant(np.array(values, np.int64))

    axis = op.constant(np.int64(0))
    hidden = op.gather(weights(vocabulary, width), inputs["input_ids"], axis)
    hidden = op.add(hidden, op.gather(weights(positions, width), inputs["position_ids"], axis))
    mask = op.multiply(
        op.subtract(op.convert(inputs["attention_mask"], "f32"), op.constant(np.float32(1))),
        op.constant(np.float32(1e4)),
    )
    mask = op.unsqueeze(mask, integers(1, 2))
    batch = op.gather(op.shape_of(inputs["input_ids"]), integers(0), axis)
    empty = op.concat([batch, integers(heads, 0, width // heads)], 0)
    assigned = []

    def split(tokens: Any) -> Any:
        parted = op.reshape(
            op.matmul(tokens, weights(width, width), False, False),
            integers(0, 0, heads, width // heads),
            True,
        )
        return op.transpose(parted, integers(0, 2, 1, 3))

    def cached(tokens: Any, name: str) -> Any:
        info = VariableInfo()
        info.data_shape = ov.PartialShape([-1, heads, -1, width // heads])
        info.data_type, info.variable_id = ov.Type.f32, name
        variable = Variable(info)
        begin = op.broadcast(op.constant(np.float32(0)), empty)
        past = op.gather(op.read_value(begin, variable), inputs["beam_idx"], axis)
        whole = op.concat([past, split(tokens)], 2)
        assigned.append(op.assign(whole, variable))
        return whole

    for layer in range(layers):
        keys, values = (cached(hidden, f"past.{layer}.{kind}") for kind in ("key", "value"))
        read = op.scaled_dot_product_attention(split(hidden), keys, values, mask)
        read = op.reshape(op.transpose(read, integers(0, 2, 1, 3)), integers(0, 0, width), True)
        hidden = op.add(hidden, read)
    logits = op.result(op.matmul(hidden, weights(width, vocabulary), False, False))
    logits.output(0).set_names({"logits"})
    model = ov.Model([logits], assigned, list(inputs.values()), "decoder")
    ov.save_model(model, path, compress_to_fp16=False)
