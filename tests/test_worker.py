"""Workers fail separately, with an understandable reason."""

import os
import signal
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import psutil
import pytest
from builders import save_inputs
from conftest import tiny_model

from ovreport.measuring import worker_session as session
from ovreport.measuring.worker import c_api
from ovreport.measuring.worker_session import WorkerError, WorkerSession
from ovreport.run import ModelCache

PYTHON = Path(sys.executable)


@pytest.fixture(scope="module")
def squeezenet_inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save two input sets, which requests use alternately."""
    path = tmp_path_factory.mktemp("inputs") / "inputs.npz"
    arrays = np.random.default_rng(0).random((2, 1, 3, 224, 224), dtype=np.float32)
    save_inputs(path, *arrays)
    return path


def model_of(path: Path, inputs: Path, hint: str = "LATENCY", **properties: str) -> dict[str, Any]:
    return {
        "path": str(path),
        "device": "CPU",
        "shapes": [[1, 3, 224, 224]],
        "inputs": str(inputs),
        "properties": {"PERFORMANCE_HINT": hint, **properties},
    }


def load(
    worker: WorkerSession,
    path: Path,
    inputs: Path,
    *,
    hint: str = "LATENCY",
    requests: int | None = None,
    api: str | None = None,
    properties: dict[str, str] | None = None,
) -> dict[str, Any]:
    model = model_of(path, inputs, hint, **(properties or {}))
    requests = requests or (1 if hint == "LATENCY" else None)
    return worker.ask("compile", 60, "load", **model, requests=requests, api=api)


def profile(
    worker: WorkerSession, model: dict[str, Any], *turns: int, cached: bool = False
) -> dict[str, Any]:
    """Return the answer to a profiling pass with these numbers of inferences in each turn."""
    worker.ask("profile", 60, "begin_profile", **model)
    for iterations in turns:
        reply = worker.ask("profile", 60, "profile", iterations=iterations, seconds=10)
        assert reply == {"inferences": iterations}
    return worker.ask("profile", 60, "end_profile", cached=cached)


@pytest.mark.measures
def test_a_killed_worker_is_named_by_its_signal() -> None:
    with WorkerSession(PYTHON) as worker:
        worker.ask("start", 60, "devices")
        os.kill(worker.pid, signal.SIGSEGV)
        with pytest.raises(WorkerError, match="SIGSEGV"):
            worker.ask("inference", 10, "devices")


@pytest.mark.measures
def test_a_worker_that_dies_is_blamed_on_the_stage_that_it_had_begun(tmp_path: Path) -> None:
    """Loading reads, compiles and runs a model in one command."""
    dying = tmp_path / "python"
    echoes = "".join(f'echo \'{{"stage": "{x}"}}\'\n' for x in ("compile", "inference"))
    dying.write_text(f"#!/bin/sh\nread command\n{echoes}kill -SEGV $$\n")
    dying.chmod(0o755)
    with WorkerSession(dying) as worker, pytest.raises(WorkerError, match="SIGSEGV") as error:
        worker.ask("compile", 60, "load")
    assert error.value.failure.stage == "inference"


@pytest.mark.measures
def test_a_worker_that_takes_too_long_is_stopped(squeezenet: Path) -> None:
    with WorkerSession(PYTHON) as worker, pytest.raises(WorkerError, match="took longer than"):
        worker.ask("read", 0.01, "inspect", path=str(squeezenet))


@pytest.mark.measures
def test_a_worker_over_its_memory_limit_is_stopped(squeezenet: Path) -> None:
    with (
        WorkerSession(PYTHON, memory_limit_mib=1) as worker,
        pytest.raises(WorkerError, match="over the limit of 1 MiB"),
    ):
        worker.ask("read", 60, "inspect", path=str(squeezenet))


def test_garbage_from_a_worker_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "worker.py"
    script.write_text("print('hello', flush=True); input()")
    monkeypatch.setattr(session, "WORKER", script)
    with WorkerSession(PYTHON) as worker, pytest.raises(WorkerError, match="no proper answer"):
        worker.ask("start", 10, "devices")


@pytest.mark.measures
@pytest.mark.parametrize("hint", ["LATENCY", "THROUGHPUT"])
def test_both_apis_load_and_run_a_model(
    hint: str, squeezenet: Path, squeezenet_inputs: Path
) -> None:
    by_api = {}
    for api in ("c", "python"):
        with WorkerSession(PYTHON) as worker:
            loaded = load(worker, squeezenet, squeezenet_inputs, hint=hint, api=api)
            measured = worker.ask("inference", 60, "slice", seconds=0.1, iterations=6)
            cost = worker.ask("inference", 60, "calibrate")["cost_ns"]
        assert loaded["api"] == api
        assert len(measured["latencies_ns"]) == 6
        assert cost > 0
        by_api[api] = loaded["requests"], loaded["properties"]["NUM_STREAMS"], loaded["outputs"]
    assert by_api["c"] == by_api["python"]


@pytest.mark.measures
@pytest.mark.parametrize("api", ["c", "python"])
def test_the_requested_number_of_requests_is_in_flight(
    api: str, squeezenet: Path, squeezenet_inputs: Path
) -> None:
    """By Little's law: the mean number in flight is rate times mean latency."""
    with WorkerSession(PYTHON) as worker:
        load(worker, squeezenet, squeezenet_inputs, hint="THROUGHPUT", requests=3, api=api)
        measured = worker.ask("inference", 60, "slice", seconds=0.5)
    assert 2.5 < sum(measured["latencies_ns"]) / measured["wall_ns"] < 3.1


@pytest.mark.measures
def test_the_c_api_is_used_if_it_exists(squeezenet: Path, squeezenet_inputs: Path) -> None:
    with WorkerSession(PYTHON) as worker:
        assert load(worker, squeezenet, squeezenet_inputs)["api"] == "c"


@pytest.mark.measures
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGBUS"])
def test_a_worker_killed_in_a_slice_is_named_by_its_signal(
    name: str, squeezenet: Path, squeezenet_inputs: Path
) -> None:
    with WorkerSession(PYTHON) as worker:
        load(worker, squeezenet, squeezenet_inputs, hint="THROUGHPUT")
        worker.send("inference", "slice", seconds=30)
        os.kill(worker.pid, signal.Signals[name])
        with pytest.raises(WorkerError, match=name) as caught:
            worker.answer("inference", 20)
        assert caught.value.failure.stage == "inference"


@pytest.mark.measures
def test_a_slice_that_hangs_is_stopped_with_its_threads(
    squeezenet: Path, squeezenet_inputs: Path
) -> None:
    with WorkerSession(PYTHON) as worker:
        load(worker, squeezenet, squeezenet_inputs, hint="THROUGHPUT")
        with pytest.raises(WorkerError, match=r"took longer than 0\.2 s"):
            worker.ask("inference", 0.2, "slice", seconds=30)
        assert not psutil.pid_exists(worker.pid)


@pytest.mark.measures
def test_output_of_libraries_is_not_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "openvino"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import os, sys\n"
        "os.write(1, b'a library prints\\n')\n"
        f"sys.path.remove({str(tmp_path)!r})\n"
        "del sys.modules['openvino']\n"
        "import openvino\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with WorkerSession(PYTHON) as worker:
        assert worker.ask("start", 60, "devices")["devices"]
        with pytest.raises(WorkerError) as caught:
            worker.ask("read", 60, "inspect", path="missing.onnx")
    assert "a library prints" in caught.value.failure.detail


@pytest.mark.measures
def test_a_rate_below_the_throughput_is_fully_served(
    squeezenet: Path, squeezenet_inputs: Path
) -> None:
    with WorkerSession(PYTHON) as worker:
        load(worker, squeezenet, squeezenet_inputs, hint="THROUGHPUT")
        calm = worker.ask("inference", 60, "slice", seconds=1, rate=5)
        rushed = worker.ask("inference", 60, "slice", seconds=0.3, rate=50_000)
    assert calm["arrived"] == len(calm["latencies_ns"]) == 5
    assert calm["wall_ns"] == 1_000_000_000
    assert rushed["arrived"] == 15_000 > len(rushed["latencies_ns"])
    # Latencies of arrivals that wait behind others grow.
    assert rushed["latencies_ns"][-1] > rushed["latencies_ns"][0]


@pytest.mark.measures
def test_both_apis_give_the_same_errors(squeezenet: Path, squeezenet_inputs: Path) -> None:
    for properties, stage in (({"FOO": "1"}, "compile"), ({"NUM_STREAMS": "many"}, "compile")):
        reasons = set()
        for api in ("c", "python"):
            with WorkerSession(PYTHON) as worker, pytest.raises(WorkerError) as caught:
                load(worker, squeezenet, squeezenet_inputs, api=api, properties=properties)
            assert caught.value.failure.stage == stage
            reasons.add(caught.value.failure.reason)
        assert len(reasons) == 1, reasons


@pytest.mark.measures
def test_a_model_is_profiled_after_it_was_measured(
    squeezenet: Path, squeezenet_inputs: Path
) -> None:
    with WorkerSession(PYTHON) as worker:
        load(worker, squeezenet, squeezenet_inputs)
        reply = profile(worker, model_of(squeezenet, squeezenet_inputs), 1, 2)
    executed = [layer for layer in reply["profile"]["layers"] if layer["status"] == "executed"]
    assert {len(layer["times_ns"]) for layer in executed} == {3}
    assert reply["inputs"] == [{"names": ["data_0"], "shape": "[1,3,224,224]", "precision": "f32"}]


@pytest.mark.measures
def test_a_turn_of_profiling_has_at_least_one_inference_and_ends_in_time(
    squeezenet: Path, squeezenet_inputs: Path
) -> None:
    with WorkerSession(PYTHON) as worker:
        worker.ask("profile", 60, "begin_profile", **model_of(squeezenet, squeezenet_inputs))
        reply = worker.ask("profile", 60, "profile", iterations=5, seconds=0)
        answer = worker.ask("profile", 60, "end_profile")
    assert reply == {"inferences": 1} == {"inferences": len(answer["profile"]["latencies_ns"])}


@pytest.mark.measures
def test_compiling_from_a_cache_is_timed_on_request(
    squeezenet: Path, squeezenet_inputs: Path, tmp_path: Path
) -> None:
    with WorkerSession(PYTHON) as worker:
        model = model_of(squeezenet, squeezenet_inputs, CACHE_DIR=str(tmp_path))
        reply = profile(worker, model, 1, cached=True)
    kept = ModelCache.model_validate(reply["model_cache"])
    assert kept.failure == ""
    assert kept.compile_ns > 0
    assert kept.size_bytes > 4 * 1_000_000  # its weights


def identity_of(path: Path) -> tuple[int, str]:
    with WorkerSession(PYTHON) as worker:
        reply = worker.ask("read", 60, "inspect", path=str(path))
    return reply["size_bytes"], reply["sha256"]


@pytest.mark.measures
def test_weights_in_other_files_are_part_of_a_model(squeezenet: Path, tmp_path: Path) -> None:
    def save(folder: str, value: float) -> Path:
        path = tmp_path / folder / f"{folder}.onnx"
        path.parent.mkdir()
        tiny_model(path, 0)
        model = onnx.load(path)
        weights = np.full((4, 4), value, np.float32)
        model.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(weights, "w"))
        onnx.save(
            model, path, save_as_external_data=True, location="weights.data", size_threshold=0
        )
        return path

    first, same, other = save("a", 1), save("b", 1), save("c", 2)
    size = sum(file.stat().st_size for file in first.parent.iterdir())
    assert size > 4 * 4 * 4
    assert identity_of(first) == identity_of(same)
    assert identity_of(first)[0] == identity_of(other)[0] == size
    assert identity_of(first)[1] != identity_of(other)[1]
    # A file next to the model that it does not name is not part of it.
    (first.parent / "a.data").write_bytes(b"notes")
    assert identity_of(first) == identity_of(same)
    assert identity_of(squeezenet)[0] == squeezenet.stat().st_size


@pytest.mark.parametrize(
    "array",
    [
        np.float32(2.5),
        np.zeros((0, 3), dtype=np.int64),
        np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3)),
        np.arange(24, dtype=np.float16).reshape(2, 3, 4)[:, ::2],
    ],
)
def test_the_c_api_reads_the_values_that_numpy_wrote(array: Any, tmp_path: Path) -> None:
    save_inputs(tmp_path / "inputs.npz", np.asarray(array, order="C"))
    with zipfile.ZipFile(tmp_path / "inputs.npz") as archive:
        assert c_api.CModel.values(archive, "0_0.npy") == np.asarray(array).tobytes(order="C")


@pytest.mark.measures
def test_layers_of_an_inference_take_no_longer_than_the_inference(
    squeezenet: Path, squeezenet_inputs: Path
) -> None:
    with WorkerSession(PYTHON) as worker:
        reply = profile(worker, model_of(squeezenet, squeezenet_inputs), 10)["profile"]
    times = [layer["times_ns"] for layer in reply["layers"] if layer["times_ns"]]
    together = np.sum(times, axis=0) / np.array(reply["latencies_ns"])
    # Counters are in whole µs, and their differences off by as many as there were inferences.
    assert np.all(together < 1.1)
    assert np.median(together) > 0.5
