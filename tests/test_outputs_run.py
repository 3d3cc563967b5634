"""Real models whose answers are hard to compare, in one run and in separate runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from conftest import ovreport
from openvino import opset13 as op

from ovreport.config.schema import OutputSettings
from ovreport.measuring.worker.element_types import values_of
from ovreport.outputs.agreement import agreement
from ovreport.run import Run
from ovreport.runfile import lines_of, read_run
from ovreport_plugins.outputs.analyzer import Outputs

Build = Callable[[ov.Output], ov.Output]
ZERO, ONE = (op.constant(np.array(n, np.int64)) for n in (0, 1))


def save(path: Path, *outputs: tuple[str, Build]) -> None:
    """Save a model with one input, x of [1,100,6], and these outputs."""
    data = op.parameter([1, 100, 6], np.float32, name="x")
    data.output(0).set_names({"x"})
    results = []
    for name, build in outputs:
        flow = build(data.output(0))
        flow.set_names({name})
        results.append(op.result(flow))
    ov.save_model(ov.Model(results, [data], "m"), path, compress_to_fp16=False)


def scaled(factor: float) -> Build:
    return lambda x: op.multiply(x, op.constant(np.float32(factor))).output(0)


def rows(threshold: float, factor: float = 1.0) -> Build:
    """Return the rows whose fifth value exceeds a threshold."""

    def build(x: ov.Output) -> ov.Output:
        boxes = op.squeeze(x, op.constant(np.array([0], np.int64)))
        score = op.gather(boxes, op.constant(np.array(4, np.int64)), ONE)
        passed = op.non_zero(op.greater(score, op.constant(np.float32(threshold))), "i64")
        index = op.squeeze(passed, op.constant(np.array([0], np.int64)))
        return scaled(factor)(op.gather(boxes, index, ZERO).output(0))

    return build


def drawn(x: ov.Output) -> ov.Output:
    shape = op.constant(np.array([1, 100, 6], np.int64))
    low, high = (op.constant(np.float32(n)) for n in (0, 1))
    return op.add(x, op.random_uniform(shape, low, high, "f32", 0, 0)).output(0)


def infinite(x: ov.Output) -> ov.Output:
    return op.log(op.relu(op.subtract(x, op.constant(np.float32(0.5))))).output(0)


def tokens(add: int) -> Build:
    """Return indices of the largest values, shifted to where f32 has no odd numbers."""

    def build(x: ov.Output) -> ov.Output:
        index = op.topk(x, ONE, 1, "max", "value", "i32").output(1)
        return op.add(index, op.constant(np.int32((1 << 26) + add))).output(0)

    return build


def f8(x: ov.Output) -> ov.Output:
    return op.convert(x, "f8e4m3").output(0)


# Two versions of each model, and the outcome of their comparison.
PAIRS: dict[str, tuple[list[tuple[str, Build]], list[tuple[str, Build]], str]] = {
    "scale": ([("y", scaled(1))], [("y", scaled(1.5))], "different"),
    "swapped": (
        [("y", scaled(1)), ("z", scaled(2))], [("z", scaled(2)), ("y", scaled(1))], "identical"
    ),
    "missing": ([("y", scaled(1)), ("z", scaled(2))], [("y", scaled(1))], "incomparable"),
    "more": ([("y", scaled(1))], [("y", scaled(1)), ("z", scaled(2))], "incomparable"),
    "empty": ([("y", rows(2))], [("y", rows(2))], "empty"),
    "rows": ([("y", rows(0.9))], [("y", rows(0.9, -10))], "different"),
    "same_rows": ([("y", rows(0.9))], [("y", rows(0.9))], "identical"),
    "other_rows": ([("y", rows(0.5))], [("y", rows(0.6))], "incomparable"),
    "random": ([("y", drawn), ("z", scaled(1))], [("y", drawn), ("z", scaled(1))], "random"),
    "half_random": (
        [("y", drawn), ("z", scaled(1))], [("y", drawn), ("z", scaled(9))], "different"
    ),
    "infinite": ([("y", infinite)], [("y", infinite)], "identical"),
    "tokens": ([("y", tokens(0))], [("y", tokens(1))], "different"),
    "f8": ([("y", f8)], [("y", f8)], "identical"),
}  # fmt: skip
# The least that such a run needs: no test checks times, layers or charts.
MEASURE = (
    'matrix = { hint = "latency" }\n'
    "measure = { iterations = 1, launches = 1, profile_iterations = 0, roofs = false }\n"
    'report = { analyzers = ["outputs"] }\n'
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outputs")
    for name, (base, other, _) in PAIRS.items():
        save(folder / f"{name}-parent.xml", *base)
        save(folder / f"{name}-other.xml", *other)
    return folder


def measured(folder: Path, name: str, models: Iterable[str], versions: Iterable[str]) -> Run:
    entries = "".join(
        f'[[model]]\nname = "{model}"\nversion = "{version}"\npath = "{model}-{version}.xml"\n'
        for model in models
        for version in versions
    )
    (folder / f"{name}.toml").write_text(MEASURE + entries)
    result = ovreport("run", folder / f"{name}.toml", "-o", folder / f"{name}.html")
    assert result.exit_code == 0, result.output
    return read_run(folder / f"{name}.jsonl")


@pytest.fixture(scope="module")
def together(folder: Path) -> Run:
    return measured(folder, "together", PAIRS, ("parent", "other"))


@pytest.mark.measures
def test_outputs_are_compared_with_the_baseline_of_the_config(folder: Path) -> None:
    entries = "".join(
        f'[[model]]\nname = "scale"\nversion = "{version}"\npath = "scale-{version}.xml"\n'
        for version in ("parent", "other")
    )
    config = folder / "turned.toml"
    config.write_text(f'{MEASURE}compare = {{ baseline = "other" }}\n{entries}')
    result = ovreport("run", config, "-o", folder / "turned.html")
    assert result.exit_code == 0, result.output
    (answers,) = read_run(folder / "turned.jsonl").answers
    assert (answers.base.version, answers.other.version) == ("other", "parent")


def save_version(run: Run, version: str, path: Path) -> Path:
    """Write the run file of a run with only this version."""
    header = run.header.model_copy(
        update={
            "plan": tuple(cell for cell in run.header.plan if cell.version == version),
            "models": tuple(file for file in run.header.models if file.version == version),
        }
    )
    results = tuple(result for result in run.results if result.cell.version == version)
    recordings = tuple(kept for kept in run.recordings if kept.cell.version == version)
    alone = replace(run, header=header, results=results, recordings=recordings, answers=())
    path.write_text("".join(f"{line}\n" for line in lines_of(alone)))
    return path


def compared(base: Path, candidate: Path, target: Path) -> str:
    """Compare two runs into a report, and return what is printed."""
    config = target.with_suffix(".toml")
    config.write_text('report = { analyzers = ["outputs"] }\n')
    result = ovreport("compare", base, candidate, "-o", target, "--config", config)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def separate_runs(folder: Path, together: Run) -> Run:
    parent = save_version(together, "parent", folder / "parent.jsonl")
    other = save_version(together, "other", folder / "other.jsonl")
    output = compared(parent, other, folder / "apart.html")
    assert "scale, other (candidate) against parent (base): answers differ" in output
    return read_run(folder / "apart.html")


def judged(run: Run) -> dict[str, str]:
    return {x.base.model: agreement(run, x, OutputSettings()).outcome for x in run.answers}


@pytest.mark.measures
def test_versions_of_one_run_are_judged_by_their_outputs(together: Run) -> None:
    assert judged(together) == {name: outcome for name, (_, _, outcome) in PAIRS.items()}


@pytest.mark.measures
def test_versions_of_two_runs_are_judged_in_the_same_way(separate_runs: Run) -> None:
    assert judged(separate_runs) == {name: outcome for name, (_, _, outcome) in PAIRS.items()}


@pytest.mark.measures
def test_random_models_of_separate_runs_are_judged_in_the_same_way(
    folder: Path, together: Run
) -> None:
    """Separate runs run them twice with the same inputs, because they draw random numbers."""
    names = ("random", "half_random")
    measured(folder, "alone", names, ["parent"])
    other = save_version(together, "other", folder / "others.jsonl")
    compared(folder / "alone.jsonl", other, folder / "random.html")
    expected = {name: PAIRS[name][2] for name in names}
    assert judged(read_run(folder / "random.html")) == expected


@pytest.mark.measures
def test_no_finding_is_good_unless_answers_are_known_to_agree(separate_runs: Run) -> None:
    good = {"swapped", "same_rows", "infinite", "f8"}
    for finding in Outputs().analyze(separate_runs).findings:
        assert (finding.text.split()[0] in good) == (finding.severity == "good"), finding.text


@pytest.mark.measures
def test_a_random_model_is_reported_as_random(together: Run) -> None:
    findings = {f.text.split()[0]: f for f in Outputs().analyze(together).findings}
    assert "by RandomUniform" in findings["random"].text
    assert findings["random"].severity == "info"
    assert findings["infinite"].text.endswith("infinite or not a number, in the same places.")


@pytest.mark.measures
def test_exports_hold_the_outcome_of_every_output(folder: Path, separate_runs: Run) -> None:
    assert separate_runs.answers
    target = folder / "apart.json"
    assert ovreport("export", folder / "apart.html", "--json", target).exit_code == 0
    answers = {x["model"]: x for x in json.loads(target.read_text())["answers"]}
    assert {name: x["agreement"] for name, x in answers.items()} == judged(separate_runs)
    outcomes = [x["outcome"] for x in answers["half_random"]["outputs"]]
    assert outcomes == ["random", "different"]
    assert answers["missing"]["outputs"][1]["reason"] == "missing"


@pytest.mark.parametrize(
    ("kind", "bits"),
    [
        ("f8e4m3", 8), ("f8e5m2", 8), ("f8e8m0", 8), ("f4e2m1", 4), ("nf4", 4), ("u4", 4),
        ("i4", 4), ("u2", 2),
    ],
)  # fmt: skip
def test_small_element_types_are_read_as_openvino_reads_them(kind: str, bits: int) -> None:
    """Every code is compared with OpenVINO's conversion to f32."""
    if not hasattr(ov.Type, kind):
        pytest.skip(f"this release of OpenVINO has no {kind}")
    elements = 2**bits - (bits < 8)
    tensor = ov.Tensor(getattr(ov.Type, kind), ov.Shape([elements]))
    tensor.data.view(np.uint8).reshape(-1)[:] = _packed(bits, elements)
    convert = op.convert(op.constant(tensor), "f32")
    model = ov.Model([op.result(convert)], [], "m")
    reference = ov.Core().compile_model(model, "CPU")({})[0]
    values = values_of(tensor)
    assert values is not None
    # The device treats values below 2^-126 as zero.
    np.testing.assert_allclose(values, reference, rtol=0, atol=2.0**-126)


def _packed(bits: int, elements: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    codes = np.zeros(-(-elements * bits // 8) * 8 // bits, np.uint8)
    codes[:elements] = np.arange(elements)
    places = codes.reshape(-1, 8 // bits).astype(np.uint16)
    shifted = places << np.arange(0, 8, bits, dtype=np.uint16)
    return np.asarray(shifted.sum(axis=1), np.uint8)


def test_texts_are_read_as_bytes() -> None:
    values = values_of(ov.Tensor(np.array(["cat", "bé"])))
    assert values is not None
    assert values.tolist() == [b"cat", "bé".encode()]
