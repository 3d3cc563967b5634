"""Builds synthetic runs of any size, with graphs like those of real convolutional networks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ovreport.run import (
    Cell,
    CellResult,
    Environment,
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

LAUNCHES, SLICES, REQUESTS, PROFILED = 2, 20, 50, 20
# The layers of a convolutional block on a CPU: the type of each, its kernel, and its typical share
# of the time.
_BLOCK = (
    ("Convolution", "brgconv_avx2_1x1_f32", 6.0),
    ("Convolution", "brgconv_avx2_f32", 12.0),
    ("Reorder", "jit_uni_f32", 1.0),
    ("Subgraph", "jit_avx2_f32", 2.0),
    ("Convolution", "brgconv_avx2_1x1_f32", 6.0),
    ("Pooling", "jit_avx2_f32", 1.5),
    ("Concatenation", "unknown_f32", 1.0),
    ("Eltwise", "jit_avx2_f32", 1.0),
)
_SHAPE = "[1,256,28,28]"


@dataclass
class _Builder:
    """Collects the nodes of a graph."""

    nodes: list[Node] = field(default_factory=list)

    def add(self, name: str, type: str, inputs: list[int], **attributes: str) -> int:
        port = Port(names=(name,), shape=_SHAPE, precision="f32")
        self.nodes.append(
            Node(
                name=name, type=type, inputs=tuple((source, 0) for source in inputs),
                outputs=(port,), attributes=attributes,
            )
        )  # fmt: skip
        return len(self.nodes) - 1


def _name(place: int, kind: str) -> str:
    return f"/backbone/stage{place // 64}/block{place // 8}/{kind.lower()}.{place}/output_0"


def graphs(layers: int) -> tuple[Graph, Graph]:
    """Return a runtime graph with this number of executed layers, and the model's graph."""
    runtime, model = _Builder(), _Builder()

    def executed(name: str, kind: str, kernel: str, inputs: list[int], originals: str) -> int:
        return runtime.add(
            name, kind, inputs, execOrder=str(len(runtime.nodes)), layerType=kind,
            originalLayersNames=originals, outputLayouts="acdb", outputPrecisions="f32",
            primitiveType=kernel, runtimePrecision="f32",
        )  # fmt: skip

    before = [executed("input", "Input", "unknown_f32", [], "input")]
    source = model.add("input", "Parameter", [])
    for place in range(layers):
        kind, kernel, _ = _BLOCK[place % len(_BLOCK)]
        name = _name(place, kind)
        inputs, originals = [before[-1]], name
        if kind == "Convolution":
            constant = f"{name}/weights"
            inputs.append(executed(constant, "Const", "unknown_f32", [], constant))
            weights = model.add(constant, "Constant", [])
            model.add(
                name, "Convolution", [source, weights], strides="1, 1", dilations="1, 1",
                pads_begin="1, 1", pads_end="1, 1", auto_pad="explicit",
            )  # fmt: skip
            bias = model.add(f"{name}/bias", "Constant", [])
            model.add(f"{name}/add", "Add", [len(model.nodes) - 2, bias], auto_broadcast="numpy")
            source = model.add(f"{name}/relu", "Relu", [len(model.nodes) - 1])
            originals = f"{name},{name}/add,{name}/relu"
        elif kind == "Reorder":
            originals = ""
        else:
            source = model.add(name, kind, [source])
        if kind == "Eltwise" and len(before) > len(_BLOCK):
            inputs.append(before[-len(_BLOCK)])
        before.append(executed(name, kind, kernel, inputs, originals))
    executed("output", "Output", "unknown_f32", [before[-1]], "output")
    model.add("output", "Result", [source])
    return (
        Graph(kind="runtime", nodes=tuple(runtime.nodes)),
        Graph(kind="model", nodes=tuple(model.nodes)),
    )


def run_of(layers: int, cells: int, random: np.random.Generator) -> Run:
    """Return a finished run of one model with these numbers of layers and cells."""
    runtime, model = graphs(layers)
    plan = _plan(cells)
    header = Header(
        ovreport="0.1.0", created="2026-01-02T03:04:05+00:00", config={"model": [
            {"name": "synthetic", "path": "synthetic.xml"}]},
        environment=Environment(
            host="host", user="user", os="Linux", cpu="Synthetic CPU", physical_cores=8,
            logical_cores=16, memory_bytes=1 << 34, python="3.11", openvino="2026.4.1",
            isa=("avx2",),
        ),
        models=(
            ModelFile(model="synthetic", version="parent", path="synthetic.xml",
                      format="OpenVINO IR", size_bytes=1 << 27, sha256="0" * 64, inputs=(),
                      outputs=()),
        ),
        plan=plan,
    )  # fmt: skip
    results = tuple(
        _result(cell, _profile(runtime, random), runtime, model, random) for cell in plan
    )
    return Run(header, results, {runtime.id: runtime, model.id: model})


def _plan(cells: int) -> tuple[Cell, ...]:
    hints = ("latency", "throughput")
    return tuple(
        Cell(model="synthetic", hint=hints[n % 2], streams=n // 2 % 5 + 1, batch=n // 10 + 1)
        for n in range(cells)
    )


def _profile(graph: Graph, random: np.random.Generator) -> Profile:
    weight = {kind: share for kind, _, share in _BLOCK}
    layers = []
    for node in graph.nodes:
        share = weight.get(node.type, 0.0) * random.lognormal(0, 1)
        times = random.lognormal(0, 0.05, PROFILED) * share * 2e4
        layers.append(
            ProfiledLayer(
                name=node.name, type=node.type, kernel=str(node.attributes["primitiveType"]),
                status="executed" if share else "not_run",
                times_ns=(times if share else times[:0]).astype(np.int64) // 1000 * 1000,
            )
        )  # fmt: skip
    totals = sum((layer.times_ns for layer in layers if len(layer.times_ns)), start=np.int64(0))
    return Profile(latencies_ns=np.asarray(totals, dtype=np.int64), layers=tuple(layers))


def _result(
    cell: Cell, profile: Profile, runtime: Graph, model: Graph, random: np.random.Generator
) -> CellResult:
    typical = float(np.median(profile.latencies_ns)) * (cell.batch or 1) * 1.05

    def make_slice(number: int) -> Slice:
        latencies = (random.lognormal(0, 0.05, REQUESTS) * typical).astype(np.int64)
        return Slice(
            start_ns=int(number * typical * REQUESTS), wall_ns=int(latencies.sum()),
            cpu_ns=int(latencies.sum()), latencies_ns=latencies, warmup=number == 0,
            other_load=0.01,
        )  # fmt: skip

    memory = Memory(
        start_bytes=1 << 26, read_bytes=1 << 27, compile_bytes=1 << 28, inference_bytes=1 << 28
    )
    launches = tuple(
        Launch(
            read_ns=10**7, compile_ns=10**9, first_inference_ns=10**8, memory=memory,
            slices=tuple(make_slice(number) for number in range(SLICES)),
        )
        for _ in range(LAUNCHES)
    )  # fmt: skip
    streams = cell.streams if isinstance(cell.streams, int) else 1
    resolved = Resolved(
        batch=cell.batch or 1, streams=streams, requests=streams, threads=8, precision="f32",
        execution_devices=("CPU",), inputs=(), outputs=(),
        properties={f"PROPERTY_{n}": str(n) for n in range(20)},
        input_data="random, seed 0: f32 in [0, 1)",
    )  # fmt: skip
    return CellResult(
        cell=cell, launches=launches, resolved=resolved, profile=profile, stopped="target",
        runtime_graph=runtime.id, model_graph=model.id,
    )  # fmt: skip
