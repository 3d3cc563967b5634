"""Figures of two versions' answers, complete or as a run file keeps them, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from builders import Array
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ovreport.outputs.classes import accuracy, best_classes, same_best
from ovreport.outputs.drift import LayerSums, output_drift
from ovreport.outputs.recording import KEPT_VALUES, kept_places, record, recorded_drift
from ovreport.run import Port, RecordedOutput

# ---------------------------------------------------------------------------- figures


def test_errors_agree_with_a_calculation_by_hand() -> None:
    a, b = np.array([[3.0, 4.0]]), np.array([[3.0, 4.5]])
    drift = output_drift("y", [a], [b])
    assert (drift.max_abs, drift.mean_abs, drift.relative) == pytest.approx((0.5, 0.25, 0.1))
    assert drift.cosine == pytest.approx((9 + 18) / (5 * np.hypot(3, 4.5)))


def test_the_lowest_cosine_of_all_inputs_is_used() -> None:
    ones, turned = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    assert output_drift("y", [ones, ones], [ones, turned]).cosine == 0


@given(arrays(np.float32, (3, 12), elements=st.floats(-1e3, 1e3, width=32)))
def test_equal_answers_have_no_drift_at_all(values: Array) -> None:
    drift = output_drift("y", [values], [values.copy()])
    assert (drift.max_abs, drift.mean_abs, drift.relative, drift.cosine) == (0, 0, 0, 1)
    assert (drift.top1, drift.top5) == (1, 1)


def test_best_classes_agree_in_any_order() -> None:
    a = np.array([[9.0, 8, 7, 6, 5, 4], [9.0, 8, 7, 6, 5, 4]])
    b = np.array([[8.0, 9, 7, 6, 5, 4], [9.0, 8, 7, 6, 4, 5]])
    assert same_best(best_classes(a), best_classes(b), 1) == 0.5
    assert same_best(best_classes(a), best_classes(b), 5) == pytest.approx((1 + 4 / 5) / 2)


def test_accuracy_is_the_share_of_right_classes() -> None:
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    assert accuracy(best_classes(scores), np.array([0, 0, 0]), 1) == pytest.approx(2 / 3)


def test_outputs_that_are_not_scores_have_no_best_class() -> None:
    pictures = [np.ones((1, 3, 8, 8))]
    assert output_drift("y", pictures, pictures).top1 is None
    boxes = [np.array([[12.0, 40.0]])]
    assert output_drift("y", boxes, boxes).top1 is None


def test_values_that_are_not_numbers_are_counted_and_left_out() -> None:
    a, b = np.array([[1.0, np.nan, 2.0]]), np.array([[1.0, 5.0, np.inf]])
    drift = output_drift("y", [a], [b])
    assert drift.not_finite == 2
    for figure in (drift.max_abs, drift.cosine, drift.relative):
        assert figure is not None
        assert np.isfinite(figure)
    assert (drift.max_abs, drift.relative, drift.cosine) == (0, 0, 1)
    a, b = np.array([[np.inf, 1.0, 2.0, 2.0]]), np.array([[5.0, 1.0, 2.0, 3.0]])
    drift = output_drift("y", [a], [b])
    assert (drift.not_finite, drift.max_abs) == (1, 1)
    assert drift.relative == pytest.approx(1 / 3)
    assert drift.cosine == pytest.approx(11 / 3 / 14**0.5)
    sums = LayerSums("y", "Add")
    sums.add(a, b)
    layer = sums.drift()
    assert layer is not None
    assert (layer.relative, layer.max_abs, layer.cosine) == pytest.approx(
        (drift.relative, drift.max_abs, drift.cosine)
    )


def test_outputs_without_common_numbers_have_no_error() -> None:
    a, b = np.array([[1.0, 2.0]]), np.array([[np.nan, np.inf]])
    drift = output_drift("y", [a], [b])
    assert (drift.not_finite, drift.unequal_not_finite) == (2, 2)
    assert (drift.max_abs, drift.relative, drift.cosine) == (None, None, 0)
    assert output_drift("y", [b], [b]).cosine == 1
    sums = LayerSums("y", "Add")
    sums.add(a, b)
    assert sums.drift() is None


def test_other_shapes_are_not_compared() -> None:
    drift = output_drift("y", [np.ones((1, 3))], [np.ones((1, 4))])
    assert (drift.shapes, drift.cosine) == (("[1,3]", "[1,4]"), None)


def test_the_cosine_of_zeros_is_defined() -> None:
    zeros, ones = [np.zeros((1, 3))], [np.ones((1, 3))]
    assert output_drift("y", zeros, zeros).cosine == 1
    assert output_drift("y", zeros, ones).cosine == 0


# ---------------------------------------------------------------------------- kept answers


@given(st.integers(1, 100_000), st.integers(1, 300), st.integers(1, 300))
def test_a_smaller_sample_is_the_start_of_a_larger_one(
    elements: int, fewer: int, more: int
) -> None:
    fewer, more = sorted((fewer, more))
    if more < elements:
        assert (kept_places(elements, fewer) == kept_places(elements, more)[:fewer]).all()
    assert kept_places(elements, more).max() < elements


def recorded(*arrays: Array, outputs: int = 1) -> RecordedOutput:
    kept = record(Port(names=("y",), shape="", precision="f32"), arrays, outputs)
    assert kept is not None
    return RecordedOutput.model_validate_json(kept.model_dump_json())


def test_complete_recordings_are_compared_like_the_answers() -> None:
    random = np.random.default_rng(0)
    a = [random.normal(0, 1, (4, 40)).astype(np.float32) for _ in range(3)]
    b = [x + random.normal(0, 0.3, x.shape).astype(np.float32) for x in a]
    labels = np.arange(12)
    sets = [(0, 2), (2, 0)]
    drift = recorded_drift("y", recorded(*a), recorded(*b[::-1]), sets, labels.tolist())
    right = labels.reshape(3, 4)[[0, 2]].ravel()
    whole = output_drift("y", [a[0], a[2]], [b[0], b[2]], right, ("f32", "f32"))
    assert drift == whole


def test_large_answers_are_compared_by_a_sample_and_by_digests() -> None:
    random = np.random.default_rng(0)
    a = random.normal(0, 1, (1, 3, 200, 200)).astype(np.float32)
    b = a + random.normal(0, 0.1, a.shape).astype(np.float32)
    drift = recorded_drift("y", recorded(a), recorded(b), [(0, 0)])
    assert drift.compared == (KEPT_VALUES, a.size)
    assert drift.relative == pytest.approx(0.1, rel=0.05)
    assert len(recorded(a).model_dump_json()) < 100_000
    same = recorded_drift("y", recorded(a), recorded(a, a), [(0, 1)])
    assert same.same
    unseen = a.copy()
    unseen.ravel()[np.setdiff1d(np.arange(a.size), kept_places(a.size, KEPT_VALUES))[0]] += 1
    other = recorded_drift("y", recorded(a), recorded(unseen), [(0, 0)])
    assert other.max_abs == 0
    assert not other.same


def test_damaged_recordings_are_refused() -> None:
    kept = recorded(np.ones((2, 3), np.float32))
    for damage in ({"kept": 5}, {"elements": 2}, {"best": ((1,), (1, 2))}, {"bits": [1]}):
        with pytest.raises(ValueError, match=r"elements are missing|different numbers"):
            RecordedOutput.model_validate({**kept.model_dump(), **damage})


@pytest.mark.parametrize(
    "name", ["sentence_embedding", "image_embeds", "pooler_output", "d_vector"]
)
def test_an_embedding_has_no_best_class(name: str) -> None:
    rows = np.random.default_rng(0).normal(size=(4, 384)).astype(np.float32)
    assert output_drift(name, [rows], [rows]).top1 is None
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert output_drift("output", [unit], [unit]).top1 is None, "rows of length 1"
    for scores in ("logits", "output", "class_scores", "pooled_logits", ""):
        assert output_drift(scores, [rows], [rows]).top1 == 1
    hot = np.eye(12, dtype=np.float32)[:4]
    assert output_drift("y", [hot], [hot]).top1 == 1, "one class that is certain"
