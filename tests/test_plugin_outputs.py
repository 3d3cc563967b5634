"""Versions that are fed the same: drift as numpy tells it, labels, layers, and what cannot be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from conftest import ovreport
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from openvino import opset13 as op

from ovreport.measuring.answers import fitted_inputs
from ovreport.run import Run
from ovreport.runfile import lines_of, read_run
from ovreport.section import Chart, Table
from ovreport.stats.drift import accuracy, agreement, cosine, output_drift
from ovreport_plugins.outputs.analyzer import Outputs

CLASSES, FEATURES = 8, 16


# ---------------------------------------------------------------------------- figures


def test_errors_are_as_worked_by_hand() -> None:
    a, b = np.array([[3.0, 4.0]]), np.array([[3.0, 4.5]])
    drift = output_drift("y", [a], [b])
    assert (drift.max_abs, drift.mean_abs, drift.relative) == pytest.approx((0.5, 0.25, 0.1))
    assert drift.cosine == pytest.approx((9 + 18) / (5 * np.hypot(3, 4.5)))


def test_the_lowest_cosine_of_all_inputs_counts() -> None:
    ones, turned = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    assert output_drift("y", [ones, ones], [ones, turned]).cosine == 0


@given(arrays(np.float32, (3, 12), elements=st.floats(-1e3, 1e3, width=32)))
def test_equal_answers_have_no_drift_at_all(values: np.ndarray) -> None:  # type: ignore[type-arg]
    drift = output_drift("y", [values], [values.copy()])
    assert (drift.max_abs, drift.mean_abs, drift.relative, drift.cosine) == (0, 0, 0, 1)
    assert (drift.top1, drift.top5) == (1, 1)


def test_best_classes_agree_in_any_order() -> None:
    a = np.array([[9.0, 8, 7, 6, 5, 4], [9.0, 8, 7, 6, 5, 4]])
    b = np.array([[8.0, 9, 7, 6, 5, 4], [9.0, 8, 7, 6, 4, 5]])
    assert agreement(a, b, 1) == 0.5
    assert agreement(a, b, 5) == pytest.approx((1 + 4 / 5) / 2)


def test_accuracy_is_the_share_of_right_classes() -> None:
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    assert accuracy(scores, np.array([0, 0, 0]), 1) == pytest.approx(2 / 3)


def test_what_is_no_vector_of_scores_has_no_best_class() -> None:
    pictures = [np.ones((1, 3, 8, 8))]
    assert output_drift("y", pictures, pictures).top1 is None
    boxes = [np.array([[12.0, 40.0]])]
    assert output_drift("y", boxes, boxes).top1 is None


def test_values_that_are_no_numbers_are_counted_and_left_out() -> None:
    a, b = np.array([[1.0, np.nan, 2.0]]), np.array([[1.0, 5.0, np.inf]])
    drift = output_drift("y", [a], [b])
    assert drift.not_finite == 2
    assert np.isfinite([drift.max_abs, drift.cosine, drift.relative]).all()  # type: ignore[list-item]


def test_other_shapes_are_not_compared() -> None:
    drift = output_drift("y", [np.ones((1, 3))], [np.ones((1, 4))])
    assert (drift.shapes, drift.cosine) == (("[1,3]", "[1,4]"), None)


def test_cosine_of_nothing_is_defined() -> None:
    assert cosine(np.zeros(3), np.zeros(3)) == 1
    assert cosine(np.zeros(3), np.ones(3)) == 0


# ---------------------------------------------------------------------------- real runs


def classifier(path: Path, *, second_times: float = 1.0) -> None:
    """Three layers named after their place; the second's weights may be multiplied."""
    random = np.random.default_rng(0)

    def dense(data: ov.Output, rows: int, columns: int, times: float, name: str) -> ov.Output:
        weights = random.normal(0, rows**-0.5, (rows, columns)).astype(np.float32) * times
        return op.matmul(data, op.constant(weights), False, False, name=name)

    data = op.parameter([2, FEATURES], np.float32, name="features")
    flow = op.tanh(dense(data, FEATURES, 32, 1.0, "first"), name="first/tanh")
    flow = op.tanh(dense(flow, 32, 32, second_times, "second"), name="second/tanh")
    scores = op.softmax(dense(flow, 32, CLASSES, 1.0, "third"), 1, name="scores")
    ov.save_model(ov.Model([op.result(scores)], [data], "classifier"), path, False)


def reference(path: Path, features: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """Best class of every sample as OpenVINO tells it here, without ovreport."""
    compiled = ov.Core().compile_model(path, "CPU")
    return np.asarray(compiled(features)[0]).argmax(axis=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("answers")
    classifier(folder / "parent.xml")
    classifier(folder / "changed.xml", second_times=-1.5)
    features = np.random.default_rng(1).normal(0, 2, (2, FEATURES)).astype(np.float32)
    np.save(folder / "features.npy", features)
    right = reference(folder / "parent.xml", features)
    (folder / "labels.txt").write_text("\n".join(map(str, right)))
    (folder / "config.toml").write_text(
        """
        matrix = { hint = "latency" }
        measure = { iterations = 5, launches = 1, profile_iterations = 3, roofs = false }
        outputs = { layers = true }

        [[model]]
        name = "m"
        path = "parent.xml"
        input = "features.npy"
        labels = "labels.txt"

        [[model]]
        name = "m"
        version = "changed"
        path = "changed.xml"
        """
    )
    return folder


@pytest.fixture(scope="module")
def answered(folder: Path) -> Run:
    result = ovreport("run", folder / "config.toml", "-o", folder / "r.html")
    assert result.exit_code == 0, result.output
    return read_run(folder / "r.jsonl")


def test_versions_are_fed_the_base_s_inputs_and_scored_by_its_labels(
    folder: Path, answered: Run
) -> None:
    (answers,) = answered.answers
    (output,) = answers.outputs
    features = np.load(folder / "features.npy")
    best = [reference(folder / f"{version}.xml", features) for version in ("parent", "changed")]
    assert (answers.samples, answers.labels) == (2, "labels.txt")
    assert output.top1 == pytest.approx(np.mean(best[0] == best[1]))
    assert output.accuracy == pytest.approx((1, np.mean(best[0] == best[1])))


def test_the_layer_that_was_changed_is_where_versions_begin_to_deviate(answered: Run) -> None:
    (answers,) = answered.answers
    drift = {layer.name.partition("/")[0]: layer.relative for layer in answers.layers}
    assert drift["first"] == 0
    assert drift["second"] > 0.5
    section = Outputs().analyze(answered)
    (finding,) = (f for f in section.findings if f.id == "outputs.layers")
    assert "second" in finding.text.partition("first beyond")[2]
    assert {type(block) for block in section.groups[0].blocks} >= {Table, Chart}


def test_a_resumed_run_does_not_ask_again(folder: Path, answered: Run) -> None:
    result = ovreport(
        "run", folder / "config.toml", "-o", folder / "r2.html", "--resume", folder / "r.jsonl"
    )
    assert result.exit_code == 0, result.output
    assert "Comparing the answers" not in result.output
    assert read_run(folder / "r.jsonl").answers == answered.answers


def test_the_same_file_answers_the_same_to_the_bit(run: Run) -> None:
    """SqueezeNet against itself, over eight random inputs."""
    (answers,) = run.answers
    assert answers.samples == 8
    for output in answers.outputs:
        assert (output.max_abs, output.relative, output.cosine, output.top1) == (0, 0, 1, 1)
    section = Outputs().analyze(run)
    assert "the same to the bit" in section.verdict
    assert [finding.id for finding in section.findings] == ["outputs.same"]


def test_answers_survive_the_run_file(answered: Run, tmp_path: Path) -> None:
    path = tmp_path / "again.jsonl"
    path.write_text("\n".join(lines_of(answered)) + "\n")
    assert read_run(path).answers == answered.answers


def test_pictures_are_turned_to_the_layout_that_a_version_takes() -> None:
    picture = np.arange(24, dtype=np.float32).reshape(1, 3, 2, 4)
    (fitted,) = fitted_inputs({0: picture}, {0: np.zeros((1, 2, 4, 3), np.uint8)}, [0]).values()
    assert fitted.dtype == np.uint8
    assert (fitted == picture.transpose(0, 2, 3, 1)).all()


@pytest.mark.parametrize(
    ("labels", "said"),
    [("1\n2\n3", "3 labels for 2 samples"), ("cat\ndog", "cannot be read")],
)
def test_labels_that_do_not_fit_are_told_before_measuring(
    folder: Path, tmp_path: Path, labels: str, said: str
) -> None:
    wrong = tmp_path / "labels.txt"
    wrong.write_text(labels)
    text = (folder / "config.toml").read_text()
    config = folder / f"wrong-{len(labels)}.toml"
    config.write_text(text.replace("labels.txt", str(wrong)))
    result = ovreport("run", config, "-o", tmp_path / "r.html")
    assert result.exit_code == 2
    assert said in result.output
    assert not (tmp_path / "r.jsonl").exists()


def test_versions_with_other_inputs_say_why_they_are_not_compared(
    folder: Path, tmp_path: Path
) -> None:
    data = op.parameter([2, 4], np.float32, name="features")
    ov.save_model(ov.Model([op.result(op.tanh(data))], [data], "small"), tmp_path / "small.xml")
    config = tmp_path / "config.toml"
    config.write_text(
        f"""
        model = [
            {{ name = "m", version = "parent", path = '{folder / "parent.xml"}' }},
            {{ name = "m", version = "small", path = 'small.xml' }},
        ]
        matrix = {{ hint = "latency" }}
        measure = {{ iterations = 5, launches = 1, profile_iterations = 0, roofs = false }}
        """
    )
    result = ovreport("run", config, "-o", tmp_path / "r.html")
    assert result.exit_code == 0, result.output
    run = read_run(tmp_path / "r.jsonl")
    (answers,) = run.answers
    assert answers.failure is not None
    assert "[2, 16] and [2, 4]" in answers.failure.reason
    assert "not compared" in Outputs().analyze(run).verdict
