"""Devices made of other devices: accepted strings, and the properties that are read."""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from builders import save_inputs
from conftest import ovreport
from openvino import opset13 as ops

from ovreport.computed.layers import executed_layers, unplaced_s
from ovreport.computed.speed import batch_wait_s
from ovreport.measuring.devices import problem
from ovreport.measuring.worker.virtual import behind, executing, nested, of_executing
from ovreport.measuring.worker_session import WorkerSession
from ovreport.run import CellResult, Run
from ovreport.runfile import read_run
from ovreport.section import Text
from ovreport.text.numbers import show
from ovreport_plugins.bottlenecks.analyzer import Bottlenecks
from ovreport_plugins.latency.analyzer import Latency
from ovreport_plugins.layers.analyzer import Layers

NVIDIA_FREE = ["CPU", "GPU.0", "GPU.1"]


@pytest.mark.parametrize(
    ("device", "available"),
    [
        ("CPU", ["CPU"]),
        ("GPU", NVIDIA_FREE),
        ("GPU.1", NVIDIA_FREE),
        ("AUTO", ["CPU"]),
        ("AUTO:-GPU", ["CPU"]),
        ("HETERO:CPU, CPU", ["CPU"]),
        ("AUTO:CPU,-GPU", ["CPU"]),
        ("AUTO:GPU,CPU", ["CPU"]),  # AUTO goes on without the GPU
        ("AUTO:-GPU.0", NVIDIA_FREE),
        ("MULTI:GPU.1,CPU(4)", NVIDIA_FREE),
        ("HETERO:GPU,CPU", NVIDIA_FREE),
        ("BATCH:GPU(16)", NVIDIA_FREE),
        ("BATCH:AUTO", ["CPU"]),
        ("BATCH:AUTO:CPU(4)", ["CPU"]),
        ("BATCH:HETERO:CPU", ["CPU"]),
        ("TPU", ["CPU", "TPU"]),  # a plugin of somebody else
    ],
)
def test_device_strings_that_openvino_accepts_are_accepted(
    device: str, available: list[str]
) -> None:
    assert problem(device, available) == ""


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("TPU", "finds no 'TPU'"),
        ("GPU", "finds no 'GPU'"),
        ("AUTO:-CPU", "leaves none"),
        ("AUTO:GPU", "leaves none"),
        ("AUTO:CPU,-GUP", "finds no 'GUP'"),
        ("MULTI:-CPU,-GPU", "leaves none"),
        ("HETERO:GPU,CPU", "finds no 'GPU'"),
        ("HETERO", "names no device behind HETERO; write HETERO:CPU"),
        ("MULTI:", "names no device behind MULTI"),
        ("BATCH:GPU(16)", "finds no 'GPU'"),
        # What OpenVINO refuses, crashes with, or reads as another number than was written.
        ("BATCH:CPU(0)", "batch of 'CPU(0)' is not a number from 1 to 65536; write CPU(4)"),
        ("BATCH:CPU()", "batch of 'CPU()' is not a number"),
        ("BATCH:CPU(-1)", "batch of 'CPU(-1)' is not a number"),
        ("BATCH:CPU(2.5)", "batch of 'CPU(2.5)' is not a number"),
        ("BATCH:CPU(4x)", "batch of 'CPU(4x)' is not a number"),
        ("BATCH:CPU(99999999999)", "is not a number from 1 to 65536"),
        ("BATCH:CPU(4", "the brackets of 'CPU(4'"),
        ("BATCH:CPU(2)x", "the brackets of 'CPU(2)x'"),
        ("BATCH:CPU,CPU", "BATCH runs on one device"),
        ("BATCH:HETERO:CPU,CPU", "BATCH runs on one device"),
        ("BATCH:MULTI", "names no device behind MULTI"),
        ("BATCH:BATCH:CPU", "finds no 'BATCH:CPU'"),
        ("AUTO: CPU", "space around a device; write AUTO:CPU"),
        ("MULTI:CPU ", "space around a device; write MULTI:CPU"),
        ("AUTO:CPU ,-GPU", "space around a device; write AUTO:CPU,-GPU"),
        ("MULTI:CPU(0)", "number of requests of 'CPU(0)' is not a number"),
        ("AUTO:CPU(many)", "number of requests of 'CPU(many)' is not a number"),
        ("HETERO:CPU(4)", "HETERO takes no number after a device; write CPU"),
    ],
)
def test_device_strings_that_cannot_work_are_refused(device: str, words: str) -> None:
    assert words in problem(device, ["CPU"])


def test_properties_of_the_devices_behind_a_virtual_one_are_read() -> None:
    text = (
        "{CPU:{NUM_STREAMS:2,CACHE_DIR:/a,b:c,EXECUTION_DEVICES:CPU,INFERENCE_PRECISION_HINT:f32},"
        "GPU.0:{NUM_STREAMS:4,INNER:{A:1,B:2},INFERENCE_PRECISION_HINT:f32}}"
    )
    properties = {"DEVICE_PROPERTIES": text, "EXECUTION_DEVICES": "(CPU)"}
    assert behind(properties)["CPU"]["CACHE_DIR"] == "/a,b:c"
    assert nested(behind(properties)["GPU.0"]["INNER"]) == {"A": "1", "B": "2"}
    assert executing(properties) == ["CPU"]
    assert of_executing(properties, "NUM_STREAMS") == "2"
    both = {**properties, "EXECUTION_DEVICES": "CPU GPU.0"}
    assert of_executing(both, "NUM_STREAMS") is None  # there is no single answer
    assert of_executing(both, "INFERENCE_PRECISION_HINT") == "f32"


def test_hostile_texts_of_nested_properties_are_read_completely() -> None:
    for text in ("", "{", "{{{{", "CPU:{", ":,:,", "{A:}}}}", "," * 1000, "A:" + "{" * 1000):
        assert isinstance(nested(text), dict)
        assert isinstance(behind({"DEVICE_PROPERTIES": text}), dict)


DEVICES = ("CPU", "HETERO:CPU", "AUTO:CPU", "MULTI:CPU", "BATCH:CPU(2)")


def save_two_parts(path: Path) -> None:
    """Save two independent networks in one model; HETERO makes a part of each."""
    inputs, results = [], []
    for name in "ab":
        x = ops.parameter([1, 3, 32, 32], np.float32, name=name)
        weights = ops.constant(np.full((8, 3, 3, 3), 0.01, np.float32))
        y = ops.convolution(x, weights, [1, 1], [1, 1], [1, 1], [1, 1], name=f"{name}-conv")
        inputs.append(x)
        results.append(ops.result(ops.relu(y, name=f"{name}-relu")))
    ov.save_model(ov.Model(results, inputs, "parts"), path, compress_to_fp16=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("devices")
    save_two_parts(folder / "parts.xml")
    (folder / "config.toml").write_text(
        f"""
        model = [ {{ name = "parts", path = "parts.xml" }} ]
        matrix = {{ hint = ["latency", "throughput"], device = {list(DEVICES)} }}
        measure = {{ iterations = 4, launches = 1, profile_iterations = 4, roofs = false }}
        outputs = {{ compare = false }}
        [properties."BATCH:CPU(2)"]
        AUTO_BATCH_TIMEOUT = 50
        """
    )
    target = folder / "report.html"
    result = ovreport("run", folder / "config.toml", "-o", target)
    assert result.exit_code == 0, result.output
    return read_run(target.with_suffix(".jsonl"))


def of(run: Run, device: str, hint: str = "latency") -> CellResult:
    return next(r for r in run.done if (r.cell.device, r.cell.hint) == (device, hint))


@pytest.mark.measures
@pytest.mark.parametrize("device", DEVICES)
def test_layers_are_those_of_the_executing_device(run: Run, device: str) -> None:
    layers = {layer.name for layer in executed_layers(run, of(run, device))}
    expected = {layer.name for layer in executed_layers(run, of(run, "CPU"))}
    assert {"a-conv", "b-conv"} <= expected
    assert layers == expected
    assert unplaced_s(run, of(run, device)) == 0


@pytest.mark.measures
def test_layers_of_several_parts_have_one_order(run: Run) -> None:
    layers = executed_layers(run, of(run, "HETERO:CPU"))
    orders = [layer.order for layer in layers]
    assert orders == sorted(set(orders))
    parts = [layer.name[0] for layer in layers]
    assert parts in (sorted(parts), sorted(parts, reverse=True))  # one part after the other


@pytest.mark.measures
@pytest.mark.parametrize(
    ("device", "hint"),
    [
        ("HETERO:CPU", "latency"),  # for throughput it gives parts of a model a stream each
        *itertools.product(("AUTO:CPU", "MULTI:CPU"), ("latency", "throughput")),
    ],
)
def test_a_virtual_device_has_the_properties_of_the_executing_device(
    run: Run, device: str, hint: str
) -> None:
    plain, virtual = of(run, "CPU", hint).resolved, of(run, device, hint).resolved
    assert plain is not None
    assert virtual is not None
    assert plain.streams is not None
    for name in ("streams", "threads", "precision", "execution_devices"):
        assert getattr(virtual, name) == getattr(plain, name)


@pytest.mark.measures
def test_times_of_single_inferences_are_distinguished_from_running_means(run: Run) -> None:
    def means(device: str, hint: str) -> bool | None:
        profile = of(run, device, hint).profile
        return profile.means if profile else None

    for device in DEVICES[:-1]:
        assert means(device, "latency") is False
        resolved = of(run, device, "throughput").resolved
        assert resolved is not None
        assert means(device, "throughput") is (resolved.streams != 1)
    # BATCH does not tell how many streams the device behind it has.
    assert means("BATCH:CPU(2)", "latency") is True


@pytest.mark.measures
@pytest.mark.parametrize("device", DEVICES)
def test_both_apis_give_the_same_properties_of_a_device(
    device: str, tmp_path: Path, squeezenet: Path
) -> None:
    save_inputs(tmp_path / "in.npz", np.zeros((1, 3, 224, 224), np.float32))
    by_api: dict[str, list[object]] = {}
    for api in ("c", "python"):
        with WorkerSession(Path(sys.executable)) as worker:
            loaded = worker.ask(
                "compile", 60, "load", path=str(squeezenet), device=device,
                shapes=[[1, 3, 224, 224]], inputs=str(tmp_path / "in.npz"), requests=1, api=api,
                properties={"AUTO_BATCH_TIMEOUT": 1} if device.startswith("BATCH") else {},
            )  # fmt: skip
        names = ("NUM_STREAMS", "INFERENCE_NUM_THREADS", "INFERENCE_PRECISION_HINT")
        properties = loaded["properties"]
        by_api[api] = [of_executing(properties, name) for name in names]
        by_api[api] += [executing(properties), loaded["from_cache"]]
    assert by_api["c"] == by_api["python"]
    assert by_api["c"][-2:] == [["CPU"], False]


@pytest.mark.measures
def test_a_wait_for_a_batch_is_neither_work_nor_start_of_threads(run: Run) -> None:
    """The timeout is 50 ms, and one request never fills a batch of two."""
    result = of(run, "BATCH:CPU(2)")
    assert min(s.latencies_ns.min() for s in result.slices) > 45e6
    (finding,) = (f for f in Latency().analyze(run).findings if f.id == "latency.batching")
    assert f"wait {show(0.05, 'duration')} for others" in finding.text
    assert batch_wait_s(result) == 0.05
    assert batch_wait_s(of(run, "CPU")) == 0
    alone = replace(run, results=(result,))
    gap = next(f for f in Bottlenecks().analyze(alone).findings if f.id == "bottlenecks.gap")
    assert "waits for others to fill a batch" in gap.text
    assert "threads" not in gap.text


@pytest.mark.measures
def test_means_are_called_means(run: Run) -> None:
    def texts(device: str) -> str:
        (group,) = Layers().analyze(replace(run, results=(of(run, device),))).groups
        return " ".join(block.text for block in group.blocks if isinstance(block, Text))

    assert "Behind BATCH:CPU(2)" in texts("BATCH:CPU(2)")
    assert "means" not in texts("AUTO:CPU")
