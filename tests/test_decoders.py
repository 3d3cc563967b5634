"""Decoders: requests that are sequences of tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from builders import cell_result, save_decoder
from conftest import ovreport

from ovreport.computed.criteria import figure_of
from ovreport.computed.phases import sequence_figures
from ovreport.gate.rules import parse
from ovreport.measuring.worker.python_api import PythonModel
from ovreport.measuring.worker.sequences import phases, sequence_requests
from ovreport.planning.decoders import as_decoder
from ovreport.run import Cell, CellResult, Port, Run, TokenSequence
from ovreport.runfile import read_run

_IDS = Port(names=("input_ids",), shape="[?,?]", precision="i64")
_MASK = Port(names=("attention_mask",), shape="[?,?]", precision="i64")
_BEAMS = Port(names=("beam_idx",), shape="[?]", precision="i32")
_EMBEDS = Port(names=("inputs_embeds",), shape="[?,?,64]", precision="f32")
_GROWING = "[?,8,?,64]"


@pytest.mark.parametrize(
    ("inputs", "states"),
    [((_IDS, _MASK, _BEAMS), (_GROWING,)), ((_EMBEDS, _MASK), ("[1,8]", _GROWING))],
)
def test_a_decoder_is_recognised_by_its_inputs_and_a_growing_state(
    inputs: tuple[Port, ...], states: tuple[str, ...]
) -> None:
    decoder = as_decoder(inputs, states)
    assert decoder is not None
    assert decoder.prompt_shapes(5, 2)[1] == (2, 5)


@pytest.mark.parametrize(
    ("inputs", "states"),
    [
        ((_IDS, _MASK), ()),
        ((_IDS, _MASK), ("[?,8]",)),
        ((_MASK, _BEAMS), (_GROWING,)),
        ((_IDS, _EMBEDS), (_GROWING,)),
        ((_IDS, Port(names=("pixels",), shape="[?,3,8,8]", precision="f32")), (_GROWING,)),
        ((Port(names=("input_ids",), shape="[1,16]", precision="i64"),), (_GROWING,)),
    ],
)
def test_other_models_are_no_decoders(inputs: tuple[Port, ...], states: tuple[str, ...]) -> None:
    assert as_decoder(inputs, states) is None


def test_a_sequence_gives_the_logits_of_the_same_inferences_made_by_hand(tmp_path: Path) -> None:
    save_decoder(tmp_path / "m.xml")
    prompt: list[Any] = [
        np.array([[7, 1, 5]]), np.ones((1, 3), np.int64), np.arange(3)[None],
        np.zeros(1, np.int32),
    ]  # fmt: skip
    model = PythonModel(str(tmp_path / "m.xml"))
    model.compile("CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    roles = ("tokens", "mask", "positions", "beams")
    request = sequence_requests(model.requests, 1, prompt, roles, 3)[0]
    for _ in range(2):  # the second sequence does not see the first
        request.infer()
    last = model_logits(request)

    whole = ov.Core().compile_model(model.model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    # The steps read the first tokens of the prompt again.
    tokens = np.array([[7, 1, 5, 7, 1]])
    expected = step_by_step(whole, tokens)
    np.testing.assert_allclose(last, expected, rtol=1e-4, atol=1e-5)


def model_logits(request: Any) -> Any:
    return request._request.outputs()[0].data[0, -1].copy()


def step_by_step(compiled: Any, tokens: Any) -> Any:
    """Read three tokens and then one at a time, without any code of ovreport."""
    request, length = compiled.create_infer_request(), 0
    for part in (tokens[:, :3], tokens[:, 3:4], tokens[:, 4:5]):
        places = np.arange(length, length + part.shape[1])[None]
        length += part.shape[1]
        request.infer(
            {
                "input_ids": part,
                "attention_mask": np.ones((1, length), np.int64),
                "position_ids": places,
                "beam_idx": np.zeros(1, np.int32),
            }
        )
    return request.get_output_tensor(0).data[0, -1].copy()


def test_every_sequence_ends_with_states_of_the_same_size(tmp_path: Path) -> None:
    save_decoder(tmp_path / "m.xml", layers=1)
    prompt: list[Any] = [np.zeros((1, 4), np.int64), np.ones((1, 4), np.int64), np.arange(4)[None],
              np.zeros(1, np.int32)]  # fmt: skip
    model = PythonModel(str(tmp_path / "m.xml"))
    model.compile("CPU", {})
    roles = ("tokens", "mask", "positions", "beams")
    requests = sequence_requests(model.requests, 1, prompt, roles, 5)
    for _ in range(1000):
        requests[0].infer()
        requests[0].latency_ns()
    # 4 tokens of the prompt and 4 of the steps; the fifth new token is never read.
    assert {size[2] for size in requests[0]._request.states().values()} == {8}
    times = phases(requests)
    assert len(times["prefill_ns"]) == 1000
    assert len(times["steps_ns"]) == 4000


# ---------------------------------------------------------------------------- figures


def decoder_result() -> CellResult:
    """Return two slices of ten sequences: 100 ms of prefill, then three steps of 20 ms each."""
    result = cell_result(Cell(model="m"), 160.0, slices=2, batch=2)
    prefill = np.full(10, 100_000_000, np.int64)
    steps = np.full(30, 20_000_000, np.int64)
    launch = result.launches[0]
    slices = tuple(
        one.model_copy(update={"prefill_ns": prefill, "steps_ns": steps}) for one in launch.slices
    )
    assert result.resolved is not None
    sequence = TokenSequence(prompt=50, new_tokens=4)
    return result.model_copy(
        update={
            "launches": (launch.model_copy(update={"slices": slices}),),
            "resolved": result.resolved.model_copy(update={"sequence": sequence}),
        }
    )


def test_the_figures_of_a_sequence_are_those_of_its_phases() -> None:
    known = sequence_figures(decoder_result())
    assert known is not None
    assert known.first_token.median is not None
    assert known.token.median is not None
    assert known.request.median is not None
    assert known.first_token.median.point == pytest.approx(0.1)
    assert known.token.median.point == pytest.approx(0.02)
    assert known.request.median.point == pytest.approx(0.16)
    assert known.prefill.point == pytest.approx(2 * 50 / 0.1)
    assert known.decode.point == pytest.approx(2 / 0.02)
    assert known.token.count == 60


def test_a_single_inference_has_no_figures_of_a_sequence() -> None:
    assert sequence_figures(cell_result(Cell(model="m"), 10.0)) is None


def test_a_limit_can_be_set_to_each_figure_of_a_sequence() -> None:
    for text in ("first_token>200ms", "token>5%", "prefill<-5%", "decode<30tps", "request>2s"):
        assert parse(text, "fail_on").text == text


# ---------------------------------------------------------------------------- runs


def run_decoder(folder: Path, *options: str) -> Run:
    arguments = ("--iterations", "9", "--no-roofs", "-o", folder / "r.html")
    done = ovreport("run", folder / "m.xml", *arguments, *options)
    assert done.exit_code == 0, done.output
    return read_run(folder / "r.jsonl")


@pytest.mark.measures
def test_a_decoder_is_measured_without_any_option(tmp_path: Path) -> None:
    save_decoder(tmp_path / "m.xml")
    run = run_decoder(tmp_path, "--hint", "latency")
    (result,) = run.results
    assert result.resolved is not None
    assert result.resolved.sequence == TokenSequence(prompt=128, new_tokens=64)
    assert all(len(s.steps_ns) == 63 * s.requests for s in result.slices if s.steps_ns is not None)
    for one in result.slices:
        assert one.prefill_ns is not None
        assert one.steps_ns is not None
        assert one.prefill_ns.sum() + one.steps_ns.sum() == one.latencies_ns.sum()
    assert figure_of(run, result, "first_token") is not None
    page = (tmp_path / "r.html").read_text()
    assert "the C API cannot reset the states of a model" in page
    assert "tokens/s" in page
    assert "Give the model fixed shapes" not in page


@pytest.mark.measures
def test_prompts_and_new_tokens_are_axes_of_the_matrix(tmp_path: Path) -> None:
    save_decoder(tmp_path / "m.xml")
    run = run_decoder(
        tmp_path, "--prompt", "8,16", "--new-tokens", "4", "--batch", "2", "--hint", "throughput",
        "--requests", "2",
    )  # fmt: skip
    assert [result.cell.prompt for result in run.results] == [8, 16]
    for result in run.results:
        assert result.resolved is not None
        assert result.resolved.batch == 2
        for one in result.slices:
            assert one.prefill_ns is not None
            assert len(one.prefill_ns) == one.requests
    done = ovreport("export", tmp_path / "r.html", "--json", "-")
    cells = json.loads(done.output)["cells"]
    assert [cell["sequence"]["prompt"] for cell in cells] == [8, 16]


@pytest.mark.measures
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--prompt", "500"), "need 563 positions, and the model has 512"),
        (("--shape", "input_ids[1,8]"), "follow from its prompt"),
        (("--rate", "5"), "sequences of tokens cannot arrive at a fixed rate"),
        (("--new-tokens", "1"), "--new-tokens is 1"),
    ],
)
def test_a_sequence_that_a_decoder_cannot_produce_is_refused_in_one_sentence(
    tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    save_decoder(tmp_path / "m.xml")
    done = ovreport("run", tmp_path / "m.xml", *options, "--dry-run")
    assert done.exit_code == 2, done.output
    assert message in " ".join(done.output.split())


@pytest.mark.measures
def test_tokens_of_a_model_without_a_state_are_refused(tmp_path: Path) -> None:
    x = ov.opset13.parameter([1, 8], np.float32, name="x")
    ov.save_model(ov.Model([ov.opset13.relu(x)], [x], "m"), tmp_path / "m.xml")
    done = ovreport("run", tmp_path / "m.xml", "--new-tokens", "8", "--dry-run")
    assert done.exit_code == 2
    assert "it keeps no state" in " ".join(done.output.split())
