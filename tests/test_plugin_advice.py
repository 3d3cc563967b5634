"""Advice on a model with known bottlenecks, and on runs with changed figures."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from builders import section_of

from ovreport.computed.flow import quantisers
from ovreport.computed.fusion import unfused
from ovreport.computed.layer_contents import contents, is_elementwise
from ovreport.computed.layers import ExecutedLayer, executed_layers
from ovreport.run import CellResult, ModelCache, Node, Port, Roof, Run
from ovreport.section import Finding, Table
from ovreport_plugins.advice.analyzer import Advice
from ovreport_plugins.advice.rules import RULES


def findings(run: Run, version: str) -> dict[str, Finding]:
    """Return the findings on a version by id."""
    section_findings = Advice().analyze(run).findings
    return {f.id: f for f in section_findings if f.text.startswith(f"bottlenecks ({version})")}


def answers(run: Run, version: str) -> dict[str, str]:
    """Return the answer of every rule, by id."""
    (table,) = section_of(Advice(), run).groups[0].blocks
    assert isinstance(table, Table)
    name = f"bottlenecks ({version})"
    rows = [row.values for row in table.rows if row.values["version"] == name]
    return {str(values["id"]): str(values["answer"]) for values in rows}


def with_isa(run: Run, *isa: str) -> Run:
    """Return the run as if on a processor with these instruction sets, all used by the plugin."""
    environment = run.header.environment.model_copy(update={"isa": isa})
    results = []
    for result in run.results:
        assert result.resolved is not None
        properties = {**result.resolved.properties, "RUNTIME_REQUIREMENTS": ""}
        resolved = result.resolved.model_copy(update={"properties": properties})
        results.append(result.model_copy(update={"resolved": resolved}))
    header = run.header.model_copy(update={"environment": environment})
    return replace(run, header=header, results=tuple(results))


def changed(run: Run, version: str, **update: object) -> Run:
    """Return the run with some fields of one version's result replaced."""

    def change(result: CellResult) -> CellResult:
        return result.model_copy(update=update) if result.cell.version == version else result

    return replace(run, results=tuple(change(result) for result in run.results))


def with_latency(run: Run, version: str, factor: float) -> Run:
    """Return the run with one version's inferences slowed by a factor, with enough slices."""
    results = []
    for result in run.results:
        scale = factor if result.cell.version == version else 1.0
        launches = tuple(
            launch.model_copy(
                update={
                    "slices": 5
                    * tuple(
                        s.model_copy(update={"latencies_ns": (s.latencies_ns * scale).astype(int)})
                        for s in launch.slices
                    )
                }
            )
            for launch in result.launches
        )
        results.append(result.model_copy(update={"launches": launches}))
    return replace(run, results=tuple(results))


def test_the_needless_pair_of_transposes_is_named(bottlenecks: Run) -> None:
    finding = findings(bottlenecks, "int8")["advice.transposes"]
    assert {link.text for link in finding.evidence} == {"there", "back"}
    assert (finding.gain or 0) > 0


def test_int8_is_advised_only_if_the_processor_has_dot_products(bottlenecks: Run) -> None:
    alone = replace(
        bottlenecks, results=tuple(r for r in bottlenecks.results if r.cell.version == "parent")
    )
    assert "advice.int8-unused" not in findings(with_isa(alone, "avx2"), "parent")
    assert "advice.int8-unused" in findings(with_isa(alone, "avx512_vnni"), "parent")


def test_int8_is_not_advised_if_the_run_has_an_int8_version(bottlenecks: Run) -> None:
    there = with_isa(bottlenecks, "avx512_vnni")
    assert "advice.int8-unused" not in findings(there, "parent")
    assert "measured in this run: int8 takes" in answers(there, "parent")["advice.int8-unused"]


def test_slower_int8_is_reported_with_the_layers_that_take_the_time(bottlenecks: Run) -> None:
    finding = findings(with_latency(bottlenecks, "parent", 0.1), "int8")["advice.int8-slower"]
    assert "does not pay" in finding.text
    assert "Convolution" in finding.text
    assert "quantise or dequantise" in finding.text
    assert "parent" in finding.remedy
    assert "advice.int8-slower" not in findings(with_latency(bottlenecks, "parent", 10), "int8")


def test_cores_count_as_idle_only_on_a_quiet_machine(bottlenecks: Run) -> None:
    result = bottlenecks.focus("bottlenecks", "parent")
    assert result is not None
    assert result.resolved is not None

    def with_load(load: float) -> Run:
        launches = []
        for launch in result.launches:
            slices = tuple(
                s.model_copy(update={"cpu_ns": s.wall_ns, "other_load": load})
                for s in launch.slices
            )
            launches.append(launch.model_copy(update={"slices": slices}))
        resolved = result.resolved and result.resolved.model_copy(update={"threads": 2})
        return changed(bottlenecks, "parent", launches=tuple(launches), resolved=resolved)

    assert "1.0 of 2 threads" in findings(with_load(0.0), "parent")["advice.idle-cores"].text
    assert "advice.idle-cores" not in findings(with_load(1.0), "parent")


def test_every_rule_has_a_result_for_every_version(bottlenecks: Run) -> None:
    for version in ("parent", "int8"):
        assert list(answers(bottlenecks, version)) == [f"advice.{rule.id}" for rule in RULES]
        assert all(answers(bottlenecks, version).values())


def test_every_piece_of_advice_says_what_to_do_and_how_to_check_it(bottlenecks: Run) -> None:
    section_findings = Advice().analyze(bottlenecks).findings
    assert section_findings
    assert all(finding.remedy and finding.check for finding in section_findings)
    assert all(re.search(r"\d", finding.text) for finding in section_findings)
    assert all(0 < f.gain <= 1 for f in section_findings if f.gain is not None)


def test_advice_without_layer_times_is_given_without_them(bottlenecks: Run) -> None:
    bare = replace(
        bottlenecks,
        results=tuple(r.model_copy(update={"profile": None}) for r in bottlenecks.results),
    )
    assert answers(bare, "int8")["advice.transposes"] == "no layer times"
    assert "no layer times" not in answers(bare, "int8")["advice.memory"]


def test_quantising_layers_are_counted_with_their_time(bottlenecks: Run) -> None:
    result = bottlenecks.focus("bottlenecks", "int8")
    assert result is not None
    assert result.runtime_graph is not None
    assert result.model_graph is not None
    nodes, model = (bottlenecks.graphs[g].nodes for g in (result.runtime_graph, result.model_graph))
    found = quantisers(nodes, executed_layers(bottlenecks, result), model)
    assert found
    for layer, _ in found:
        ports = {nodes[layer.index].outputs[0].precision}
        ports |= {nodes[s].outputs[p].precision for s, p in nodes[layer.index].inputs}
        rounds = any(model[index].type == "FakeQuantize" for index in layer.originals)
        assert rounds or ports & {"u8", "i8"}
    assert quantisers(nodes, [], model) == []


def test_convolutions_in_floating_point_are_named_in_a_quantised_model_only(
    bottlenecks: Run,
) -> None:
    finding = findings(bottlenecks, "int8")["advice.float-in-int8"]
    assert "island" in {link.text for link in finding.evidence}
    assert "2 layers (Convolution) with weights in floating point" in finding.text
    assert answers(bottlenecks, "parent")["advice.float-in-int8"] == "this version is not quantised"


def test_f16_is_advised_for_a_gpu_that_computes_in_f32(bottlenecks: Run) -> None:
    assert answers(bottlenecks, "parent")["advice.gpu-float32"] == "not on a GPU"
    result = bottlenecks.focus("bottlenecks", "parent")
    assert result is not None
    assert result.resolved is not None
    there = result.resolved.model_copy(update={"execution_devices": ("GPU.0",)})
    assert "f16" in findings(changed(bottlenecks, "parent", resolved=there), "parent")[
        "advice.gpu-float32"
    ].remedy  # fmt: skip


def matrix(run: Run, sizes: dict[int, tuple[float, float]]) -> Run:
    """Return throughput cells by streams: (requests in a slice of 1 s, latency in s)."""
    result = run.focus("bottlenecks", "parent")
    assert result is not None
    assert result.resolved is not None
    one = result.slices[0]
    cells = []
    for streams, (requests, latency) in sizes.items():
        latencies = np.full(int(requests), int(latency * 1e9))
        slices = tuple(
            one.model_copy(update={"wall_ns": 10**9 + n, "latencies_ns": latencies + n})
            for n in range(10)
        )
        cells.append(
            result.model_copy(
                update={
                    "cell": result.cell.model_copy(
                        update={"hint": "throughput", "streams": streams}
                    ),
                    "resolved": result.resolved.model_copy(update={"streams": streams}),
                    "launches": (result.launches[0].model_copy(update={"slices": slices}),) * 2,
                }
            )
        )
    return replace(run, results=tuple(cells))


def test_streams_that_only_cost_latency_are_advised_against(bottlenecks: Run) -> None:
    no_more = matrix(bottlenecks, {1: (100, 0.01), 2: (180, 0.011), 4: (181, 0.022)})
    finding = findings(no_more, "parent")["advice.streams"]
    assert "more than 2 streams" in finding.text
    assert "180\N{NARROW NO-BREAK SPACE}FPS" in finding.text
    assert "grows from 11.0\N{NARROW NO-BREAK SPACE}ms to 22.0" in finding.text
    assert (
        finding.gain is None
    )  # from another configuration, so it is not a share of this one's layers
    rising = matrix(bottlenecks, {1: (100, 0.01), 2: (180, 0.011), 4: (300, 0.013)})
    assert "still rises up to 4 streams" in answers(rising, "parent")["advice.streams"]


def test_a_size_that_the_sweet_spot_does_not_have_is_not_advised_against(bottlenecks: Run) -> None:
    falling = matrix(bottlenecks, {1: (100, 0.01), 2: (180, 0.011), 4: (150, 0.022)})
    assert "advice.streams" not in findings(falling, "parent")
    assert "2 streams, the sweet spot" in answers(falling, "parent")["advice.streams"]
    report = {"report": {"latency_threshold_ms": 15}}
    config = bottlenecks.header.model_copy(
        update={"config": {**bottlenecks.header.config, **report}}
    )
    limited = replace(matrix(bottlenecks, {2: (180, 0.011), 4: (300, 0.022)}), header=config)
    answer = answers(limited, "parent")["advice.streams"]
    assert "the latency threshold keeps the sweet spot at 2" in answer


def test_the_gain_of_int8_is_estimated_from_measured_rates(bottlenecks: Run) -> None:
    alone = with_isa(
        replace(
            bottlenecks, results=tuple(r for r in bottlenecks.results if r.cell.version == "parent")
        ),
        "avx512_vnni",
    )
    blind = findings(alone, "parent")["advice.int8-unused"]
    assert blind.gain is not None
    assert "at most all of these layers' time" in blind.text
    conditions = alone.conditions(alone.results[0])
    assert conditions is not None

    def reaching(**operations: float) -> Run:
        return replace(alone, roofs=(Roof(conditions=conditions, operations=operations),))

    finding = findings(reaching(f32=100e9, i8=250e9), "parent")["advice.int8-unused"]
    assert finding.gain == pytest.approx(blind.gain * (1 - 100 / 250))
    assert "250 billion operations a second in i8 against 100 in f32" in finding.text
    # Rates count more than instructions: this processor has none for INT8.
    bare = with_isa(reaching(f32=100e9, i8=220e9), "avx2")
    assert "220 billion operations" in findings(bare, "parent")["advice.int8-unused"].text
    slow = reaching(f32=100e9, i8=90e9)
    assert "advice.int8-unused" not in findings(slow, "parent")
    assert "hardly gain" in answers(slow, "parent")["advice.int8-unused"]


def test_missing_int8_convolutions_of_a_quantised_model_are_reported_once(bottlenecks: Run) -> None:
    result = bottlenecks.focus("bottlenecks", "int8")
    assert result is not None
    assert result.runtime_graph is not None

    def floating(node: Node) -> Node:
        if node.type != "Convolution":
            return node
        return node.model_copy(
            update={"attributes": {**node.attributes, "runtimePrecision": "f32"}}
        )

    graph = bottlenecks.graphs[result.runtime_graph]
    nodes = tuple(map(floating, graph.nodes))
    graphs = {**bottlenecks.graphs, "floating": graph.model_copy(update={"nodes": nodes})}
    assert result.profile is not None
    layers = tuple(
        layer.model_copy(update={"kernel": "brgconv_avx2_f32"})
        if layer.type == "Convolution"
        else layer
        for layer in result.profile.layers
    )
    profile = result.profile.model_copy(update={"layers": layers})
    there = changed(bottlenecks, "int8", runtime_graph="floating", profile=profile)
    there = replace(there, graphs=graphs)
    by_id = findings(there, "int8")
    assert "the file is INT8" in by_id["advice.int8-not-executed"].text
    assert "executes its products in f32 (3 layers)" in by_id["advice.int8-not-executed"].text
    assert "advice.float-in-int8" not in by_id
    assert "advice.int8-slower" not in by_id


def test_advice_on_reorders_omits_causes_without_time(bottlenecks: Run) -> None:
    text = findings(bottlenecks, "parent")["advice.reorders"].text
    assert "3 layers only change the layout, 13.1\N{NARROW NO-BREAK SPACE}% of the" in text
    assert "precision" not in text


def test_the_two_neighbours_that_cause_most_reorders_are_named(bottlenecks: Run) -> None:
    reorders = findings(bottlenecks, "int8")["advice.reorders"]
    assert "between Subgraph FakeQuantize_108" in reorders.text
    assert "and Softmax back" in reorders.text
    assert "Subgraph writes acdb and Softmax reads abcd" in reorders.remedy
    assert "channels last" in findings(bottlenecks, "parent")["advice.reorders"].remedy


def test_memory_close_to_that_of_the_machine_is_a_problem(bottlenecks: Run) -> None:
    environment = bottlenecks.header.environment.model_copy(update={"memory_bytes": 1 << 20})
    small = replace(
        bottlenecks, header=bottlenecks.header.model_copy(update={"environment": environment})
    )
    assert findings(small, "parent")["advice.memory"].severity == "problem"
    assert "advice.memory" not in findings(bottlenecks, "parent")


def test_a_cache_and_a_first_inference_are_advised_for_a_slow_start(bottlenecks: Run) -> None:
    result = bottlenecks.focus("bottlenecks", "parent")
    assert result is not None
    slow = tuple(
        launch.model_copy(update={"compile_ns": 3 * 10**9, "first_inference_ns": 10**9})
        for launch in result.launches
    )
    kept = ModelCache(compile_ns=10**9, size_bytes=1 << 20)
    by_id = findings(changed(bottlenecks, "parent", launches=slow, model_cache=kept), "parent")
    assert "CACHE_DIR" in by_id["advice.model-cache"].remedy
    assert "from a cache of 1.00" in by_id["advice.model-cache"].text
    assert "1000\N{NARROW NO-BREAK SPACE}ms" in by_id["advice.first-inference"].text


def test_a_slow_start_of_another_cell_is_advised_on_and_named(bottlenecks: Run) -> None:
    result = bottlenecks.focus("bottlenecks", "parent")
    assert result is not None
    slow = tuple(x.model_copy(update={"first_inference_ns": 10**9}) for x in result.launches)
    cell = result.cell.model_copy(update={"hint": "throughput"})
    other = result.model_copy(update={"cell": cell, "launches": slow})
    header = bottlenecks.header.model_copy(update={"plan": (*bottlenecks.header.plan, cell)})
    several = replace(bottlenecks, header=header, results=(*bottlenecks.results, other))
    assert "advice.first-inference" not in findings(bottlenecks, "parent")
    text = findings(several, "parent")["advice.first-inference"].text
    assert "with throughput" in text


def test_a_cache_is_advised_only_if_it_was_measured_to_be_faster(bottlenecks: Run) -> None:
    result = bottlenecks.focus("bottlenecks", "parent")
    assert result is not None
    slow = tuple(x.model_copy(update={"compile_ns": 3 * 10**9}) for x in result.launches)

    def answer(kept: ModelCache | None) -> str:
        there = changed(bottlenecks, "parent", launches=slow, model_cache=kept)
        assert "advice.model-cache" not in findings(there, "parent")
        return answers(there, "parent")["advice.model-cache"]

    assert "no cache was tried" in answer(None)
    assert "does not pay" in answer(ModelCache(compile_ns=29 * 10**8, size_bytes=1))
    assert "keeps nothing" in answer(ModelCache(compile_ns=10**9, size_bytes=0))
    assert "no room" in answer(ModelCache(compile_ns=0, size_bytes=1, failure="no room"))


def test_the_reason_why_a_layer_was_not_fused_is_given() -> None:
    def node(kind: str, *inputs: int) -> Node:
        port = Port(shape="[1,8]", precision="f32")
        return Node(name=kind.lower(), type=kind, inputs=tuple((i, 0) for i in inputs),
                    outputs=(port,))  # fmt: skip

    nodes = [
        node("Input"), node("Convolution", 0), node("Transpose", 1), node("Subgraph", 2),
        node("Convolution", 3), node("Eltwise", 4), node("Pooling", 4),
    ]  # fmt: skip
    layers = [
        ExecutedLayer(i, i, n.name, n.type, "", "f32", 1.0, 1.0, 1.0, 0.2, (), "", ())
        for i, n in enumerate(nodes)
        if i
    ]
    model = [node("Relu")]
    layers = [replace(x, originals=(0,)) for x in layers]
    moved, shared = unfused(nodes, layers, model)
    assert moved.reason == ("Transpose transpose stands between it and Convolution convolution")
    assert shared.others == (6,)
    assert "Pooling pooling reads" in shared.reason


@pytest.mark.parametrize(
    ("operators", "holds"),
    [
        (["Add", "Multiply", "Sigmoid"], "element-wise"),
        (["Gelu", "Reshape"], "element-wise"),
        (["FakeQuantize", "Convert"], "element-wise"),
        (["MatMul", "Transpose", "Softmax", "MatMul"], "attention"),
        (["ScaledDotProductAttention"], "attention"),
        (["MatMul", "Add"], "product"),
        (["Softmax"], "softmax"),
        (["MVN", "Multiply", "Add"], "normalisation"),
        (["ReduceMean", "Subtract", "Power"], "reduction"),
        (["CumSum"], "other"),
        ([], "unknown"),
    ],
)
def test_a_subgraph_is_named_by_its_operators(operators: list[str], holds: str) -> None:
    port = Port(shape="[1,8]", precision="f32")
    model = [Node(name=kind, type=kind, inputs=(), outputs=(port,)) for kind in operators]
    originals = tuple(range(len(model)))
    layer = ExecutedLayer(
        3, 3, "x", "Subgraph", "", "f32", 1.0, 1.0, 1.0, 0.2, (), "", originals
    )  # fmt: skip
    assert contents(layer, model) == holds
    assert is_elementwise(layer, model) == (holds == "element-wise")


def test_shapes_that_are_still_open_are_named(bottlenecks: Run) -> None:
    result = bottlenecks.focus("bottlenecks", "parent")
    assert result is not None
    assert result.model_graph is not None
    graph = bottlenecks.graphs[result.model_graph]
    open_ = tuple(
        n.model_copy(update={"outputs": tuple(p.model_copy(update={"shape": "[?,8]"}) for p in
                                              n.outputs)})
        for n in graph.nodes
    )  # fmt: skip
    graphs = {**bottlenecks.graphs, "open": graph.model_copy(update={"nodes": open_})}
    dynamic = replace(changed(bottlenecks, "parent", model_graph="open"), graphs=graphs)
    finding = findings(dynamic, "parent")["advice.dynamic-shapes"]
    assert "known only while" in finding.text
    assert finding.remedy == "Give the model fixed shapes (`shape`): input is open."
    assert "advice.dynamic-shapes" not in findings(bottlenecks, "parent")


def test_fixed_inputs_are_not_advised_to_be_fixed(bottlenecks: Run) -> None:
    result = bottlenecks.focus("bottlenecks", "parent")
    assert result is not None
    assert result.model_graph is not None
    graph = bottlenecks.graphs[result.model_graph]
    inside = tuple(
        node.model_copy(update={"outputs": (Port(shape="[?,8]", precision="f32"),)})
        if node.type == "Softmax"
        else node
        for node in graph.nodes
    )
    graphs = {**bottlenecks.graphs, "open": graph.model_copy(update={"nodes": inside})}
    dynamic = replace(changed(bottlenecks, "parent", model_graph="open"), graphs=graphs)
    assert "advice.dynamic-shapes" not in findings(dynamic, "parent")
    answer = answers(dynamic, "parent")["advice.dynamic-shapes"]
    assert "The inputs have fixed shapes already" in answer
    assert "from Softmax on" in answer
