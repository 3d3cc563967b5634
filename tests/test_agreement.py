"""The judgement of answers: equal, alike, different, or not compared at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders import Array, run_named

from ovreport.config.schema import OutputSettings
from ovreport.outputs.agreement import AGREE, JudgedOutput, Outcome, agreement, judged
from ovreport.outputs.drift import output_drift
from ovreport.outputs.parts import channel_axes
from ovreport.outputs.recording import record, recorded_drift
from ovreport.outputs.words import equality, in_words, likeness, obstacle
from ovreport.run import Answers, Cell, OutputDrift, Port, RecordedOutput, counterparts

random = np.random.default_rng(0)
BOXES = np.concatenate(
    [random.uniform(0, 320, (1, 4, 600)), random.uniform(0, 0.03, (1, 8, 600))], axis=1
).astype(np.float32)
LOGITS = random.normal(0, 3, (8, 1000)).astype(np.float32)
# The best class of each sample stands out.
SURE = LOGITS + 20 * np.eye(8, 1000, dtype=np.float32)
PICTURE = random.normal(0, 1, (1, 24, 16, 16)).astype(np.float32)


def noise(like: Array, share: float) -> Array:
    """Return noise like that of rounding: a share of the size."""
    size = np.sqrt(np.mean(like.astype(np.float64) ** 2))
    added: Array = random.normal(0, share * size, like.shape).astype(np.float32)
    return added


def changed(array: Array, index: Any, by: float) -> Array:
    copy: Array = array.copy()
    copy[index] *= by
    return copy


def both(a: Array, b: Array, kind: str = "f32") -> list[OutputDrift]:
    """Compare two arrays within a run and through run files."""
    base, other = (
        RecordedOutput.model_validate_json(
            record(Port(names=("y",), shape="", precision=kind), [x], 1).model_dump_json()
        )
        for x in (a, b)
    )
    return [
        output_drift("y", [a], [b], types=(kind, kind)),
        recorded_drift("y", base, other, [(0, 0)]),
    ]


def outcomes(a: Array, b: Array, kind: str = "f32", samples: int = 8) -> set[str]:
    return {judged(drift, samples, OutputSettings()).outcome for drift in both(a, b, kind)}


# ---------------------------------------------------------------------------- wrong models


@pytest.mark.parametrize("array", [BOXES, LOGITS, PICTURE], ids=["boxes", "logits", "picture"])
@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("a scale", lambda x: x * 1.5),
        ("a small scale", lambda x: x * 1.05),
        ("a sign", lambda x: -x),
        ("an offset", lambda x: x + 0.3 * x.std()),
        ("a small offset", lambda x: x + 0.05 * x.std()),
        ("zeros", lambda x: x * 0),
        ("another order", lambda x: np.roll(x, 1, axis=1)),
        ("the order of all", lambda x: x[..., ::-1]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_version_is_never_alike(array: Array, name: str, wrong: Any) -> None:
    assert not outcomes(array, wrong(array).astype(np.float32)) & AGREE, name


@pytest.mark.parametrize("by", [1.5, -1.0, 0.0, 1.2])
@pytest.mark.parametrize(
    ("array", "index"),
    [(BOXES, np.s_[:, 9]), (PICTURE, np.s_[:, 5]), (LOGITS, np.s_[:, 412])],
    ids=["scores", "channel", "class"],
)
def test_one_wrong_channel_is_never_alike(array: Array, index: object, by: float) -> None:
    wrong = changed(array, index, by)
    assert not outcomes(array, wrong) & AGREE
    part = output_drift("y", [array], [wrong]).worst_part
    assert part is not None
    assert part.where.startswith(f"[:,{index[1]}")  # type: ignore[index]


@pytest.mark.parametrize(
    "array",
    [BOXES, BOXES.transpose(0, 2, 1), BOXES.reshape(1, 12, 20, 30)],
    ids=["[1,C,N]", "[1,N,C]", "[1,C,H,W]"],
)
def test_wrong_scores_next_to_large_boxes_are_found(array: Array) -> None:
    """Scores are a ten-thousandth of the boxes, and all are 50 % too large."""
    wrong = np.where(array < 0.03, array * 2.0, array).astype(np.float32)
    (drift, _) = both(array, wrong)
    assert drift.cosine is not None
    assert drift.cosine > 0.9999
    assert judged(drift, 1, OutputSettings()).outcome == "deviating"
    assert drift.worst_part is not None
    assert drift.worst_part.relative == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize(
    ("array", "share"),
    [(SURE, 0.07), (PICTURE, 0.07), (random.normal(0, 1, (8, 1)).astype(np.float32), 0.02)],
    ids=["logits", "picture", "regression"],
)
def test_rounding_is_alike(array: Array, share: float) -> None:
    assert outcomes(array, array + noise(array, share)) == {"alike"}


def tied(samples: int, ties: int) -> tuple[Array, Array]:
    """Return scores of two versions; in ``ties`` samples the two best classes are swapped."""
    scores = np.random.default_rng(5).normal(size=(samples, 50)).astype(np.float32)
    scores[:, 7] = scores[:, 8] = 6
    scores[:, 8] -= 0.001
    others = scores.copy()
    others[:ties, 8] += 0.002
    return scores, others


def test_a_tie_within_rounding_is_the_same_answer() -> None:
    assert outcomes(*tied(64, 1), samples=64) == {"alike"}
    assert outcomes(*tied(64, 8), samples=64) != {"alike"}


def test_small_channels_are_not_outliers_of_common_rounding() -> None:
    sizes = np.geomspace(0.1, 10, 24).reshape(1, 24, 1, 1).astype(np.float32)
    assert outcomes(PICTURE * sizes, PICTURE * sizes + noise(PICTURE, 0.03)) == {"alike"}


def test_rounding_in_each_channel_is_alike() -> None:
    rounded = np.concatenate(
        [BOXES[:, :4] + noise(BOXES[:, :4], 0.02), BOXES[:, 4:] + noise(BOXES[:, 4:], 0.1)], axis=1
    )
    assert outcomes(BOXES, rounded) == {"alike"}


def test_classes_that_are_not_in_a_picture_need_not_agree() -> None:
    """Probabilities have one scale: 0.00003 is as good as 0.00001."""
    scores = np.full((1, 21, 16, 16), 1e-5, np.float32)
    scores[:, 3] = 1 - scores.sum(axis=1) + scores[:, 3]
    other = scores.copy()
    other[:, 7] *= 3
    assert output_drift("y", [scores], [other]).worst_part is not None
    assert judged(output_drift("y", [scores], [other]), 1, OutputSettings()).outcome == "alike"


def test_one_wrong_sample_of_many_is_reported() -> None:
    a = [random.normal(0, 1, (1, 64)) for _ in range(100)]
    b = [*a[:40], a[40] * 1.5, *a[41:]]
    drift = output_drift("y", a, b)
    assert drift.relative is not None
    assert drift.relative < 0.1
    assert drift.worst_set is not None
    assert drift.worst_set[0] == 40
    assert judged(drift, 100, OutputSettings()).outcome == "different"


# ---------------------------------------------------------------------------- element types


@pytest.mark.parametrize(
    ("kind", "dtype", "a", "b"),
    [
        ("i32", "i4", 2**24, 2**24 + 1),
        ("i64", "i8", 2**53, 2**53 + 1),
        ("i64", "i8", -(2**63), 2**63 - 1),
        ("u64", "u8", 2**64 - 1, 2**64 - 2),
        ("boolean", "?", True, False),
        ("string", "S3", b"cat", b"dog"),
    ],
)
def test_values_that_are_names_are_equal_or_different(
    kind: str, dtype: str, a: Any, b: Any
) -> None:
    x, y = (np.array([side] * 8, dtype) for side in (a, b))
    assert outcomes(x, x, kind) == {"identical"}
    assert outcomes(x, y, kind) == {"different"}
    one_of_eight = np.array([*x[:7], y[0]], x.dtype)
    assert outcomes(x, one_of_eight, kind) == {"deviating"}
    for drift in both(x, one_of_eight, kind):
        assert (drift.differing, drift.elements) == (1, 8)


def test_doubles_are_compared_as_doubles() -> None:
    a = np.array([[1.0, 2.0, 3.0]])
    for drift in both(a, a * (1 + 1e-12), "f64"):
        assert drift.differing == 3
        assert drift.max_abs == pytest.approx(3e-12, rel=0.1)
        assert judged(drift, 1, OutputSettings()).outcome == "alike"


def test_equal_values_of_other_types_are_equal_but_not_identical() -> None:
    half = random.normal(0, 1, (1, 8)).astype(np.float16)
    drift = output_drift("y", [half], [half.astype(np.float32)], types=("f16", "f32"))
    assert judged(drift, 1, OutputSettings()).outcome == "equal"
    zeros = np.zeros((1, 4), np.float32)
    assert outcomes(zeros, -zeros) == {"equal"}
    large = np.array([[2**53 + 1]])
    drift = output_drift("y", [large], [large.astype(np.float64)], types=("i64", "f64"))
    assert drift.differing == 1


def test_texts_and_numbers_are_not_compared() -> None:
    drift = output_drift("y", [np.array([b"1"])], [np.array([1.0])], types=("string", "f32"))
    assert (drift.reason, judged(drift, 1, OutputSettings()).outcome) == ("type", "incomparable")


def test_values_that_are_not_finite_are_equal_only_in_the_same_places() -> None:
    a = np.array([[1.0, -np.inf, np.nan, np.inf]], np.float32)
    assert outcomes(a, a.copy()) == {"identical"}
    for place, value in ((1, np.inf), (2, 0.0), (0, np.nan)):
        b = a.copy()
        b[0, place] = value
        assert outcomes(a, b) == {"different"}
    near = a.copy()
    near[0, 0] = 1.001
    assert outcomes(a, near) == {"alike"}


def test_nan_in_elements_that_a_run_file_does_not_keep_is_found() -> None:
    a = random.normal(0, 1, (1, 3, 200, 200)).astype(np.float32)
    b = a.copy()
    b[0, 0, 0, 1] = np.nan
    drift = both(a, b)[1]
    assert drift.compared is not None
    assert judged(drift, 1, OutputSettings()).outcome == "different"


def test_values_whose_squares_overflow_do_not_have_zero_error() -> None:
    a = np.array([[1e200, 2e200]])
    assert outcomes(a, a * 1.5, "f64") == {"different"}


# ---------------------------------------------------------------------------- earlier releases


def earlier(array: Array) -> RecordedOutput:
    """Return a recording of an earlier release, which holds all types as f32."""
    kept = record(Port(names=("y",), shape="", precision="f32"), [array], 1)
    new = {"type", "shapes", "not_finite", "itself"}
    return RecordedOutput.model_validate(kept.model_dump(exclude=new))


def test_recordings_of_earlier_releases_are_compared_as_far_as_possible() -> None:
    a = random.normal(0, 1, (1, 16)).astype(np.float32)
    for b, outcome in ((a, "identical"), (a + noise(a, 0.01), "alike"), (-a, "different")):
        drift = recorded_drift("y", earlier(a), earlier(b), [(0, 0)], types=("f32", "f32"))
        assert judged(drift, 1, OutputSettings()).outcome == outcome


def test_integers_that_an_earlier_release_rounded_are_not_equal() -> None:
    a, b = (np.array([[value]], np.int32) for value in (2**24, 2**24 + 1))
    types = ("i32", "i32")
    same = recorded_drift("y", earlier(a), earlier(a), [(0, 0)], types=types)
    assert judged(same, 1, OutputSettings()).outcome == "identical"
    drift = recorded_drift("y", earlier(a), earlier(b), [(0, 0)], types=types)
    unkept = judged(drift, 1, OutputSettings())
    assert (unkept.outcome, unkept.drift.reason) == ("incomparable", "not_kept")


def test_outputs_that_differ_only_in_digests_are_not_alike() -> None:
    a = random.normal(0, 1, (1, 3, 200, 200)).astype(np.float32)
    b = a.copy()
    b[0, 0, 0, 1] += 100
    drift = both(a, b)[1]
    assert drift.differing == 0
    assert judged(drift, 1, OutputSettings()).outcome == "incomparable"


# ---------------------------------------------------------------------------- nothing


def test_empty_comparisons_are_not_equal() -> None:
    empty = np.zeros((0, 6), np.float32)
    assert outcomes(empty, empty) == {"empty"}
    run = run_named("m")
    base, other = Cell(model="m"), Cell(model="m", version="b")
    answers = Answers(base=base, other=other, models=("", ""), inputs="", input_data="", samples=8)
    judgement = agreement(run, answers, OutputSettings())
    assert judgement.outcome == "incomparable"
    assert in_words(judgement) == "answers not compared"


def test_outputs_that_vary_in_length_are_compared_set_by_set() -> None:
    a = [random.normal(0, 1, (rows, 6)).astype(np.float32) for rows in (3, 0, 17)]
    same = output_drift("y", a, [x.copy() for x in a])
    assert (same.shapes, same.empty_sets) == (("[?,6]", "[?,6]"), 1)
    assert judged(same, 3, OutputSettings()).outcome == "identical"
    shorter = output_drift("y", a, [a[0], a[1], a[2][:5]])
    assert (shorter.sets, shorter.shapes) == ((2, 3), ("[17,6]", "[5,6]"))
    assert judged(shorter, 3, OutputSettings()).outcome == "incomparable"
    wrong = output_drift("y", a, [a[0] * -1, a[1], a[2][:5]])
    assert judged(wrong, 3, OutputSettings()).outcome == "different"


def test_outputs_that_vary_in_length_are_kept_for_comparisons() -> None:
    port = Port(names=("y",), shape="[?,6]", precision="f32")
    a = [random.normal(0, 1, (rows, 6)).astype(np.float32) for rows in (3, 0, 17)]
    b = [x * np.float32(-10) for x in a]
    sets = [(0, 0), (1, 1), (2, 2)]
    kept, other = (
        RecordedOutput.model_validate_json(record(port, side, 1).model_dump_json())
        for side in (a, b)
    )
    for second, drift in ((kept, output_drift("y", a, a)), (other, output_drift("y", a, b))):
        found = recorded_drift("y", kept, second, sets)
        assert found.model_copy(update={"types": ("", "")}) == drift


def test_a_model_is_as_good_as_its_worst_output() -> None:
    array = np.ones((1, 4), np.float32)
    good = output_drift("good", [array], [array])
    empty = output_drift("empty", [array[:0]], [array[:0]])
    missing = OutputDrift(name="gone", shapes=("[1,4]", ""), reason="missing")
    wrong = output_drift("wrong", [array], [-array])
    run = run_named("m")
    cells = Cell(model="m"), Cell(model="m", version="b")
    for outputs, outcome, words in (
        ([good], "identical", "answers identical bit for bit"),
        ([empty], "empty", "output empty is empty in both"),
        ([good, empty], "identical", "identical bit for bit; output empty is empty in both"),
        ([wrong, empty], "different", "200\u202f%); output empty is empty in both"),
        ([good, missing, empty], "incomparable", "output gone is missing; 1 of 3 outputs"),
        ([good, missing, wrong], "different", "answers differ"),
    ):
        answers = Answers(
            base=cells[0], other=cells[1], models=("", ""), inputs="", input_data="", samples=1,
            outputs=tuple(outputs),
        )  # fmt: skip
        judgement = agreement(run, answers, OutputSettings())
        assert judgement.outcome == outcome
        assert words in in_words(judgement)
    some = replace(judgement, answers=answers.model_copy(update={"left_out": 4, "samples": 4}))
    assert in_words(some).endswith("over 4 of 8 samples, which both versions were given")


def test_equal_outputs_name_what_they_leave_out() -> None:
    drift = OutputDrift(name="y", shapes=("[2]", "[2]"))
    assert equality(JudgedOutput(drift, "identical")) == "identical bit for bit"
    gaps = drift.model_copy(update={"types": ("f32", "f16"), "not_finite": 1, "empty_sets": 2})
    assert equality(JudgedOutput(gaps, "equal")) == (
        "equal in value (f32 and f16); 1 element infinite or not a number, in the same places; "
        "without elements in 2 input sets"
    )


@pytest.mark.parametrize(
    ("fields", "outcome", "predicate"),
    [
        ({"reason": "missing"}, "incomparable", "is missing"),
        ({"reason": "additional"}, "incomparable", "has no counterpart in the base"),
        ({"reason": "type", "types": ("string", "f32")}, "incomparable",
         "is text in one and numbers in the other (string and f32)"),
        ({"reason": "not_kept"}, "incomparable", "was not kept in a run file"),
        ({"reason": "not_kept", "identical": False}, "incomparable",
         "is not identical, and the run files do not keep the elements that differ"),
        ({"reason": "shape", "shapes": ("[2]", "[3]")}, "incomparable",
         "is [3] and [2] in the base"),
        ({"reason": "shape", "shapes": ("[2]", "[3]"), "sets": (3, 4)}, "incomparable",
         "has another shape in 1 of 4 input sets, such as [3] and [2] in the base"),
        ({"itself": 0.5}, "random",
         "is random: two inferences with the same input differ by 50.0\u202f%"),
    ],
)  # fmt: skip
def test_an_output_that_was_not_compared_says_why(
    fields: dict[str, Any], outcome: Outcome, predicate: str
) -> None:
    drift = OutputDrift.model_validate({"name": "y", "shapes": ("[2]", "[2]"), **fields})
    assert obstacle(JudgedOutput(drift, outcome)) == predicate


# ---------------------------------------------------------------------------- random models


def test_a_version_that_differs_no_more_than_the_base_from_itself_is_random() -> None:
    a, b, again = (random.uniform(0, 1, (1, 256)) for _ in range(3))
    drift = output_drift("y", [a], [b])
    itself = output_drift("y", [a], [again]).distance
    unknown, repeated, other = (
        drift.model_copy(update={"itself": value}) for value in (None, itself, 0.0)
    )
    options = OutputSettings()
    assert judged(repeated, 1, options).outcome == "random"
    assert judged(other, 1, options, ["RandomUniform"]).outcome == "different"
    assert judged(unknown, 1, options, ["RandomUniform"]).outcome == "random"
    assert judged(unknown, 1, options).outcome == "different"
    far = output_drift("y", [a], [b * 100]).model_copy(update={"itself": itself})
    assert judged(far, 1, options).outcome == "different"


# ---------------------------------------------------------------------------- what belongs together


def ports(*names: tuple[str, ...]) -> list[Port]:
    return [Port(names=each, shape="[1]", precision="f32") for each in names]


def test_outputs_are_matched_once_by_name_then_by_position() -> None:
    a = ports(("x",), ("y",))
    assert counterparts(a, ports(("y",), ("x",))) == [1, 0]
    assert counterparts(a, ports(("y",), ("z",))) == [1, 0]
    assert counterparts(a, ports(("y",))) == [None, 0]
    assert counterparts(a, ports(("u",), ("v",), ("w",))) == [0, 1]
    assert counterparts(ports(), a) == []


def test_names_that_openvino_generates_match_nothing() -> None:
    a, b = ports(("Result_10",), ("Result_12",)), ports(("Result_12",), ("Result_14",))
    assert counterparts(a, b) == [0, 1]


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((1, 1000), (1,)),
        ((1, 84, 8400), (1,)),
        ((1, 25200, 85), (2,)),
        ((1, 512, 7, 7), (1,)),
        ((1, 80, 80, 255), (3,)),
        ((1, 17, 64, 48), (1,)),
        ((1, 3, 80, 80, 85), (1, 4)),
        ((7,), ()),
        ((), ()),
    ],
)
def test_channels_are_found_by_the_shape(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    assert channel_axes(shape) == axes


@pytest.mark.parametrize(
    ("shape", "axis", "index", "where"),
    [
        ((64, 20000), 0, 37, "[37,:]"),
        ((1, 20000, 8), 2, 3, "[:,:,3]"),
        ((1, 1000, 768), 1, 3, "[:,3,:]"),
    ],
)
def test_a_wrong_part_of_a_large_output_is_named_from_the_kept_elements(
    shape: tuple[int, ...], axis: int, index: int, where: str
) -> None:
    generator = np.random.default_rng(1)
    factors: Array = np.ones(shape[axis], np.float32)
    factors[index] = -1
    factors = factors.reshape([-1 if n == axis else 1 for n in range(len(shape))])
    arrays = [generator.random(shape, np.float32) for _ in range(2)]
    port = Port(names=("y",), precision="f32", shape=str(list(shape)))
    a, b = record(port, arrays, 1), record(port, [array * factors for array in arrays], 1)
    part = recorded_drift("y", a, b, [(0, 0), (1, 1)]).worst_part
    assert part is not None
    assert part.where == where


def test_some_outputs_that_agree_are_not_called_not_compared() -> None:
    one, none = np.ones((1, 4), np.float32), np.ones((0, 6), np.float32)
    answers = Answers(
        base=Cell(model="m"),
        other=Cell(model="m", version="b"),
        models=("", ""),
        inputs="",
        input_data="",
        samples=1,
        outputs=tuple(output_drift(name, [x], [x]) for name, x in (("y", one), ("boxes", none))),
    )
    assert in_words(agreement(run_named("m"), answers, OutputSettings())) == (
        "answers identical bit for bit; output boxes is empty in both"
    )


def test_a_version_that_is_random_unlike_its_base_is_reported_so() -> None:
    rng = np.random.default_rng(0)
    a, b, again = (rng.normal(size=(1, 64)).astype(np.float32) for _ in range(3))
    itself = output_drift("y", [b], [again]).distance
    drift = output_drift("y", [a], [b]).model_copy(update={"itself": 0.0, "other_itself": itself})
    found = judged(drift, 1, OutputSettings())
    assert found.outcome == "different"
    assert "random, unlike the base: two inferences with the same input" in likeness(found)
