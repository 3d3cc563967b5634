"""Versions with the same inputs: drift against numpy, labels, layers, and refusals."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from builders import Array, run_named
from conftest import ovreport
from openvino import opset13 as op

from ovreport.combining.compare import Side, compare
from ovreport.measuring.compare_outputs import fitted_inputs
from ovreport.run import Answers, Cell, Failure, OutputDrift, Run
from ovreport.runfile import lines_of, read_run
from ovreport.section import Chart, Table
from ovreport_plugins.outputs.analyzer import Outputs

CLASSES, FEATURES = 8, 16


# ---------------------------------------------------------------------------- real runs


def classifier(path: Path, *, second_times: float = 1.0) -> None:
    """Save three layers named after their position; weights of the second may be multiplied."""
    random = np.random.default_rng(0)

    def dense(data: ov.Output, rows: int, columns: int, times: float, name: str) -> ov.Output:
        weights = random.normal(0, rows**-0.5, (rows, columns)).astype(np.float32) * times
        return op.matmul(data, op.constant(weights), False, False, name=name)

    data = op.parameter([2, FEATURES], np.float32, name="features")
    data.set_layout(ov.Layout("NC"))
    flow = op.tanh(dense(data, FEATURES, 32, 1.0, "first"), name="first/tanh")
    flow = op.tanh(dense(flow, 32, 32, second_times, "second"), name="second/tanh")
    scores = op.softmax(dense(flow, 32, CLASSES, 1.0, "third"), 1, name="scores")
    ov.save_model(ov.Model([op.result(scores)], [data], "classifier"), path, False)


def reference(path: Path, features: Array) -> Array:
    """Return the best class of every sample, computed by OpenVINO without ovreport."""
    compiled = ov.Core().compile_model(path, "CPU")
    best: Array = np.asarray(compiled(features)[0]).argmax(axis=1)
    return best


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


@pytest.mark.measures
def test_versions_get_the_inputs_and_labels_of_the_base(folder: Path, answered: Run) -> None:
    (answers,) = answered.answers
    (output,) = answers.outputs
    features = np.load(folder / "features.npy")
    best = [reference(folder / f"{version}.xml", features) for version in ("parent", "changed")]
    assert (answers.samples, answers.labels) == (2, "labels.txt")
    assert output.top1 == pytest.approx(np.mean(best[0] == best[1]))
    assert output.accuracy == pytest.approx((1, np.mean(best[0] == best[1])))


@pytest.mark.measures
def test_the_layer_that_was_changed_is_where_versions_begin_to_deviate(answered: Run) -> None:
    (answers,) = answered.answers
    drift = {layer.name.partition("/")[0]: layer.relative for layer in answers.layers}
    assert drift["first"] == 0
    assert drift["second"] > 0.5
    section = Outputs().analyze(answered)
    (finding,) = (f for f in section.findings if f.id == "outputs.layers")
    assert "second" in finding.text.partition("first beyond")[2]
    assert {type(block) for block in section.groups[0].blocks} >= {Table, Chart}


@pytest.fixture(scope="module")
def separate_runs(folder: Path) -> list[Path]:
    """Measure each version in a separate run."""
    files = []
    for version in ("parent", "changed"):
        config = folder / f"{version}.toml"
        config.write_text(
            f"""
            matrix = {{ hint = "latency" }}
            measure = {{ iterations = 5, launches = 1, profile_iterations = 0, roofs = false }}
            [[model]]
            name = "m"
            version = "{version}"
            path = "{version}.xml"
            input = "features.npy"
            labels = "labels.txt"
            """
        )
        files.append(folder / f"{version}.jsonl")
        result = ovreport("run", config, "-o", files[-1].with_suffix(".html"))
        assert result.exit_code == 0, result.output
    return files


@pytest.mark.measures
def test_separate_runs_are_compared_like_versions_of_one_run(
    answered: Run, separate_runs: list[Path], tmp_path: Path
) -> None:
    target = tmp_path / "compare.html"
    reports = [file.with_suffix(".html") for file in separate_runs]
    assert ovreport("compare", *reports, "-o", target).exit_code == 0
    (answers,) = read_run(target).answers
    (whole,) = answered.answers[0].outputs
    assert whole.itself == 0, "the base repeats itself"
    assert answers.outputs == (whole.model_copy(update={"itself": None}),)
    assert (answers.samples, answers.labels) == (2, "labels.txt")
    # The page of a comparison can itself be compared.
    pins = ("--base", "version=parent (base)", "--candidate", "version=parent (base)")
    again = ovreport("compare", target, target, *pins, "-o", tmp_path / "again.html")
    assert again.exit_code == 0, again.output
    assert all(x.same for x in read_run(tmp_path / "again.html").answers[0].outputs)


@pytest.mark.measures
def test_runs_with_different_inputs_say_so(separate_runs: list[Path]) -> None:
    base, candidate = (read_run(file) for file in separate_runs)
    (kept,) = candidate.recordings
    fed = kept.model_copy(update={"inputs": ("0" * 16,), "input_data": "others (seed 7)"})
    failed = kept.model_copy(update={"failure": Failure(stage="inference", reason="too deep")})
    for recordings, message in (
        ((fed,), "did not get the same inputs: features: features.npy"),
        ((), "b does not hold the outputs of m (changed)"),
        ((failed,), "too deep"),
    ):
        other = replace(candidate, recordings=recordings)
        both = compare(Side("base", "a", base), Side("candidate", "b", other))
        (finding,) = Outputs().analyze(both).findings
        assert message in finding.text
        assert finding.severity == "info"


@pytest.mark.measures
def test_outputs_of_a_single_version_are_not_collected_again(
    folder: Path, separate_runs: list[Path]
) -> None:
    arguments = (
        "run",
        folder / "parent.toml",
        "-o",
        folder / "again.html",
        "--resume",
        separate_runs[0],
    )
    before = separate_runs[0].read_bytes().count(b'"kind":"recording"')
    assert ovreport(*arguments).exit_code == 0
    assert separate_runs[0].read_bytes().count(b'"kind":"recording"') == before == 1


@pytest.mark.measures
def test_a_resumed_run_does_not_collect_outputs_again(folder: Path, answered: Run) -> None:
    result = ovreport(
        "run", folder / "config.toml", "-o", folder / "r2.html", "--resume", folder / "r.jsonl"
    )
    assert result.exit_code == 0, result.output
    assert "Comparing the answers" not in result.output
    assert read_run(folder / "r.jsonl").answers == answered.answers


def test_the_same_file_gives_bitwise_equal_answers(run: Run) -> None:
    """SqueezeNet is compared with itself on eight random inputs."""
    (answers,) = run.answers
    assert answers.samples == 8
    for output in answers.outputs:
        assert (output.max_abs, output.relative, output.cosine, output.top1) == (0, 0, 1, 1)
    section = Outputs().analyze(run)
    assert "identical" in section.verdict
    (table,) = (block for block in section.groups[0].blocks if isinstance(block, Table))
    assert [row.values["equal"] for row in table.rows] == [1]
    assert [finding.id for finding in section.findings] == ["outputs.same"]


@pytest.mark.measures
def test_answers_survive_the_run_file(answered: Run, tmp_path: Path) -> None:
    path = tmp_path / "again.jsonl"
    path.write_text("\n".join(lines_of(answered)) + "\n")
    assert read_run(path).answers == answered.answers


@pytest.mark.measures
def test_answers_are_exported_as_the_run_holds_them(
    folder: Path, answered: Run, tmp_path: Path
) -> None:
    target = tmp_path / "run.json"
    assert (
        ovreport("export", folder / "r.jsonl", "--json", target, "--csv", tmp_path).exit_code == 0
    )
    (answers,) = json.loads(target.read_text())["answers"]
    (known,) = answered.answers
    assert (answers["base"], answers["other"]) == (known.base.version, known.other.version)
    rows = list(csv.DictReader((tmp_path / "answers.csv").open()))
    for found, row, output in zip(answers["outputs"], rows, known.outputs, strict=True):
        assert found["cosine_similarity"] == output.cosine
        assert float(row["relative_error"]) == pytest.approx(output.relative)
        assert (row["output"], row["base_cell"]) == (output.name, known.base.id)
    layers = list(csv.DictReader((tmp_path / "answer_layers.csv").open()))
    assert [row["layer"] for row in layers] == [layer.name for layer in known.layers]


def test_pictures_are_converted_to_the_layout_of_each_version() -> None:
    picture = np.arange(24, dtype=np.float32).reshape(1, 3, 2, 4)
    (fitted,) = fitted_inputs({0: picture}, {0: np.zeros((1, 2, 4, 3), np.uint8)}, [0]).values()
    assert fitted.dtype == np.uint8
    assert (fitted == picture.transpose(0, 2, 3, 1)).all()


@pytest.mark.measures
@pytest.mark.parametrize(
    ("labels", "message"),
    [("1\n2\n3", "3 labels for 2 samples"), ("cat\ndog", "cannot be read")],
)
def test_labels_that_do_not_fit_are_reported_before_measuring(
    folder: Path, tmp_path: Path, labels: str, message: str
) -> None:
    wrong = tmp_path / "labels.txt"
    wrong.write_text(labels)
    text = (folder / "config.toml").read_text()
    config = folder / f"wrong-{len(labels)}.toml"
    config.write_text(text.replace("labels.txt", str(wrong)))
    result = ovreport("run", config, "-o", tmp_path / "r.html")
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "r.jsonl").exists()


@pytest.mark.measures
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


@pytest.mark.parametrize(
    ("cosine_similarity", "top1", "severity"),
    [
        (0.9987, 1.0, "good"),
        (0.9987, 0.875, "warning"),  # one of eight may be tied
        (0.9987, 0.75, "problem"),
        (0.95, None, "warning"),
        (0.09, None, "problem"),
        (0.09, 1.0, "problem"),
    ],
)
def test_different_answers_are_a_problem_and_rounding_is_not(
    cosine_similarity: float, top1: float | None, severity: str
) -> None:
    output = OutputDrift(
        name="y", shapes=("[1,10]", "[1,10]"), cosine=cosine_similarity, max_abs=0.1, top1=top1
    )
    cells = Cell(model="m"), Cell(model="m", version="int8")
    answers = Answers(
        base=cells[0], other=cells[1], models=("", ""), inputs="", input_data="", samples=8,
        outputs=(output,),
    )  # fmt: skip
    (finding,) = Outputs().analyze(replace(run_named("m"), answers=(answers,))).findings
    assert finding.severity == severity
