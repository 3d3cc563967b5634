"""Versions that are made of others: recipes in the config, making, and keeping what was made."""

from __future__ import annotations

import importlib.metadata
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any, get_args

import numpy as np
import openvino as ov
import pytest
from conftest import ovreport, tiny_model
from PIL import Image

from ovreport.cli.option_types import RECIPES
from ovreport.config.load import from_values, validate
from ovreport.config.made_versions import recipe
from ovreport.config.schema import Optimisation
from ovreport.errors import UserError
from ovreport.measuring.inputs import prepare_inputs
from ovreport.optimising.kept import MODEL, keep, kept
from ovreport.pipeline import optimise
from ovreport.run import Making, Port, Run
from ovreport.runfile import read_run
from ovreport.section import Table
from ovreport_plugins.versions.analyzer import Versions

PARENT = {"name": "m", "path": "m.onnx"}
INT8 = {"name": "m", "version": "int8", "from": "parent", "optimise": "int8"}
MAKING = Making(parent="parent", optimise="f16", openvino="2026.4.1", duration_s=1.5)


def config(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"model": [PARENT, *entries]}


# ---------------------------------------------------------------------------- config


def test_the_command_line_offers_every_recipe_of_the_config() -> None:
    assert tuple(RECIPES) == get_args(Optimisation)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({**INT8, "path": "x.xml"}, "c: `model[1]` has both `path` and `from`. Keep `path`"),
        ({**INT8, "from": "old"}, "`from` names the unknown version 'old'. Versions of this model"),
        ({**INT8, "from": "int8"}, "`from` leads in a circle: int8 → int8. Give one"),
        ({**INT8, "name": "n"}, "unknown version 'parent'. Add a [[model]] entry with this name"),
        ({**INT8, "optimise": "int9"}, "`model[1].optimise` is 'int9'. Expected 'f16', 'int8'"),
        ({**INT8, "fom": "x"}, "unknown key `model[1].fom`. Did you mean `from`?"),
        ({"name": "m", "version": "a", "from": "parent"}, "`model[1].optimise` is missing. Exp"),
        ({"name": "m", "version": "a", "preset": "mixed"}, "`model[1].preset` says how the"),
        ({"name": "m", "version": "a"}, "`model[1].path` is missing. Give a model file; or `from`"),
        ({**INT8, "ratio": 0.8}, 'does not belong to optimise = "int8". It belongs to "int4-wei'),
        ({**INT8, "optimise": "f16", "calibration": "x"}, "`model[1].calibration` does not belong"),
        ({**INT8, "subset": 0}, "`model[1].subset` is 0"),
        ({**INT8, "preset": "fast"}, "`model[1].preset` is 'fast'. Expected 'performance' or"),
        ({**INT8, "ignored_scope": {"patterns": "("}}, ".patterns[0]`: '(' is not a regular exp"),
        ({**INT8, "ignored_scope": {"kinds": "X"}}, "unknown key `model[1].ignored_scope.kinds`"),
    ],
)
def test_a_wrong_recipe_is_explained_in_one_sentence(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as error:
        validate(config(entry), "c")
    assert message in str(error.value)


def test_a_circle_of_several_versions_is_named() -> None:
    there = {**INT8, "version": "a", "from": "b"}
    back = {**INT8, "version": "b", "from": "a"}
    with pytest.raises(UserError, match="version 'a': `from` leads in a circle: a → b → a"):
        validate(config(there, back), "c")


def test_a_made_version_has_the_keys_of_its_parent_unless_it_has_its_own() -> None:
    parent = {**PARENT, "shape": "[1,4]", "range": [0, 9], "extensions": "ops.so"}
    second = {**INT8, "version": "second", "from": "int8", "range": [0, 1], "optimise": "f16"}
    made = validate({"model": [second, INT8, parent]}, "c").model
    assert [version.shape for version in made] == ["[1,4]"] * 3
    assert [version.range for version in made] == [(0, 1), (0, 9), (0, 9)]
    assert {version.extensions for version in made} == {("ops.so",)}


def test_a_config_with_recipes_can_be_read_from_a_run_file() -> None:
    entry = {**INT8, "subset": 10, "ignored_scope": {"types": "Add"}}
    first = validate(config(entry), "c")
    again = validate(first.model_dump(mode="json", by_alias=True), "c")
    assert again == first
    scope = {"types": ["Add"]}
    assert recipe(again.model[1]) == {"optimise": "int8", "subset": 10, "ignored_scope": scope}


def test_options_add_versions_to_a_single_model() -> None:
    options = {"model": {"optimise": ["int8", "f16"], "calibration": "photos"}}
    versions = from_values({"model": [PARENT]}, options, Path.cwd(), "c").config.model
    assert [v.version for v in versions] == ["parent", "int8", "f16"]
    assert [v.from_ for v in versions] == [None, "parent", "parent"]
    assert [v.calibration for v in versions] == [None, "photos", None]
    with pytest.raises(UserError, match="--calibration is for int8, and --optimise is"):
        from_values({"model": [PARENT]}, {"model": {"calibration": "x"}}, Path.cwd(), "c")


# ---------------------------------------------------------------------------- calibration data


PORT = Port(names=("x",), shape="[2,4]", precision="f32")


def calibrated(folder: Path, array: np.ndarray[Any, Any], most: int) -> list[np.ndarray[Any, Any]]:
    np.save(folder / "x.npy", array)
    target = folder / "sets.npz"
    prepare_inputs(target, [PORT], [(2, 4)], folder / "x.npy", None, 0, most_sets=most)
    with np.load(target) as sets:
        return [sets[name] for name in sets.files]


def test_an_array_may_hold_several_sets_one_after_another(tmp_path: Path) -> None:
    rows = np.arange(24, dtype=np.float32).reshape(6, 4)
    assert np.array_equal(calibrated(tmp_path, rows, 300), rows.reshape(3, 2, 4))
    assert np.array_equal(calibrated(tmp_path, rows.reshape(3, 2, 4), 2), rows.reshape(3, 2, 4)[:2])


def test_random_calibration_data_differs_from_set_to_set(tmp_path: Path) -> None:
    words = prepare_inputs(tmp_path / "x.npz", [PORT], [(2, 4)], None, None, 0, most_sets=5)
    with np.load(tmp_path / "x.npz") as sets:
        assert len({sets[name].tobytes() for name in sets.files}) == 5
    assert "random" in words


def test_all_images_of_a_folder_calibrate_up_to_the_subset(tmp_path: Path) -> None:
    folder, target = tmp_path / "photos", tmp_path / "sets.npz"
    folder.mkdir()
    for number in range(70):
        Image.new("RGB", (2, 2), (number, 0, 0)).save(folder / f"{number:02}.png")
    port = Port(names=("x",), shape="[1,3,2,2]", precision="f32")
    for most, count in ((300, 70), (3, 3)):
        words = prepare_inputs(target, [port], [(1, 3, 2, 2)], folder, None, 0, most_sets=most)
        assert words == f"x: photos, {count} sets"
        with np.load(target) as sets:
            reds = sorted(float(sets[name][0, 0, 0, 0]) for name in sets.files)
        assert reds == list(range(count))


@pytest.mark.parametrize("shape", [(3, 4), (2, 5), (6, 5), (4,), (0, 4)])
def test_calibration_data_of_another_shape_is_refused(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    with pytest.raises(UserError, match=r"x takes \[2, 4\]. Give samples of that shape, one after"):
        calibrated(tmp_path, np.zeros(shape, np.float32), 300)


# ---------------------------------------------------------------------------- keeping


def _save(model: Path) -> Making:
    model.write_text("model")
    model.with_suffix(".bin").write_bytes(b"weights")
    return MAKING


def _save_half(model: Path) -> Making:
    model.write_text("half a model")
    os.kill(os.getpid(), signal.SIGKILL)
    return MAKING


def test_a_kill_leaves_nothing_half_made(tmp_path: Path) -> None:
    target = tmp_path / "versions" / "m-f16-0"
    killed = multiprocessing.get_context("fork").Process(target=keep, args=(target, _save_half))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert kept(target) is None
    assert not target.exists()

    made = keep(target, _save)
    assert kept(target) == made
    assert made.making == MAKING
    assert list(target.parent.iterdir()) == [target]  # what the killed process left is removed


@pytest.mark.parametrize("lost", [MODEL, "model.bin", "making.json"])
def test_a_version_that_lost_a_file_is_made_anew(tmp_path: Path, lost: str) -> None:
    target = tmp_path / "m-f16-0"
    keep(target, _save)
    (target / lost).unlink()
    assert kept(target) is None
    keep(target, _save)
    assert kept(target) is not None


def test_what_another_process_made_meanwhile_is_used(tmp_path: Path) -> None:
    target = tmp_path / "m-f16-0"

    def overtaken(model: Path) -> Making:
        keep(target, _save)
        return _save(model)

    keep(target, overtaken)
    assert kept(target) is not None
    assert list(tmp_path.iterdir()) == [target]


# ---------------------------------------------------------------------------- making


CALIBRATION = (np.random.default_rng(0).random((20, 4)) * 3.5 - 1).astype(np.float32)
RUN = """
    model = [
        { name = "tiny", path = "tiny.onnx", shape = "[2,4]" },
        { name = "tiny", version = "int8", from = "parent", optimise = "int8", calibration = CAL },
        { name = "tiny", version = "f16", from = "parent", optimise = "f16" },
        { name = "tiny", version = "both", from = "f16", optimise = "int8", subset = 2 },
    ]
    matrix = { hint = ["latency"] }
    measure = { iterations = 5, launches = 1, profile_iterations = 2, roofs = false }
    outputs = { samples = 1 }
    report = { analyzers = ["versions"] }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    tiny_model(folder / "tiny.onnx", 0.3)
    np.save(folder / "cal.npy", CALIBRATION)
    np.save(folder / "wrong.npy", CALIBRATION[:, :3])
    (folder / "c.toml").write_text(RUN.replace("CAL", '"cal.npy"'))
    return folder


@pytest.fixture(scope="module")
def made(folder: Path) -> Run:
    result = ovreport("run", folder / "c.toml", "-o", folder / "r.html")
    assert result.exit_code == 0, result.output
    assert "Making tiny · int8: int8 of parent" in result.output
    assert "tiny · both was calibrated with random input" in result.stderr
    return read_run(folder / "r.jsonl")


def model_of(folder: Path, run: Run, version: str) -> ov.Model:
    return ov.Core().read_model(folder / run.model_file("tiny", version).path)


def constants(model: ov.Model) -> dict[str, ov.Node]:
    return {op.friendly_name: op for op in model.get_ops() if op.get_type_name() == "Constant"}


@pytest.mark.measures
def test_int8_has_the_range_of_its_calibration_data(folder: Path, made: Run) -> None:
    high = next(
        constant.data
        for name, constant in constants(model_of(folder, made, "int8")).items()
        if name.endswith("input_high")
    )
    # nncf: the mean over all input sets of the largest magnitude in each.
    expected = np.abs(CALIBRATION.reshape(10, 8)).max(1).mean()
    assert float(high.item()) == pytest.approx(expected)


@pytest.mark.measures
def test_f16_stores_the_weights_rounded_to_f16(folder: Path, made: Run) -> None:
    stored = [op.data for op in constants(model_of(folder, made, "f16")).values()]
    assert [values.dtype for values in stored] == [np.float16]
    assert np.array_equal(stored[0], np.full((4, 4), np.float16(0.3)))


@pytest.mark.measures
def test_the_run_file_says_how_a_version_was_made(made: Run) -> None:
    int8, f16, both = (made.model_file("tiny", v).made for v in ("int8", "f16", "both"))
    assert int8 is not None
    assert f16 is not None
    assert both is not None
    assert (int8.parent, f16.parent, both.parent) == ("parent", "parent", "f16")
    assert (int8.nncf, f16.nncf) == (importlib.metadata.version("nncf"), "")
    assert int8.calibration == "x: cal.npy, 10 sets"
    assert (int8.is_random, f16.is_random, both.is_random) == (False, False, True)
    assert both.settings == {"subset": 2}
    assert int8.duration_s > 0
    assert int8.peak_memory_bytes > 1 << 20
    assert made.model_file("tiny", "parent").made is None


@pytest.mark.measures
@pytest.mark.usefixtures("made")
def test_a_version_is_not_made_twice_but_anew_if_its_recipe_changes(folder: Path) -> None:
    versions = folder / "r-versions"
    before = {path.name: path.stat().st_mtime_ns for path in versions.iterdir()}
    changed = RUN.replace("CAL", '"cal.npy", preset = "mixed"').replace(
        "samples = 1", "compare = false"
    )
    (folder / "changed.toml").write_text(changed)
    plan = ovreport("run", folder / "changed.toml", "-o", folder / "r.html", "--dry-run")
    assert plan.exit_code == 0, plan.output
    assert "tiny · int8 is not made yet" in plan.stderr
    assert "f16 is not made yet" not in plan.stderr
    run = ovreport("run", folder / "changed.toml", "-o", folder / "r.html")
    assert run.exit_code == 0, run.output
    assert "Making tiny · int8" in run.output
    assert "Made by an earlier run: tiny · f16" in run.output
    after = {path.name: path.stat().st_mtime_ns for path in versions.iterdir()}
    assert after.items() > before.items()
    assert len(after) == len(before) + 1


@pytest.mark.measures
@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('"wrong.npy"', "calibration: input {0}/wrong.npy: shape [20, 3], x takes [2, 4]"),
        ('"none.npy"', "calibration: input {0}/none.npy: no such file or folder"),
        ('{ z = "cal.npy" }', "names the unknown input 'z'"),
        ('"cal.npy", ignored_scope = { names = ["nothing"] }', "int8': cannot be made: "),
    ],
)
def test_what_cannot_be_made_is_one_sentence(folder: Path, entry: str, message: str) -> None:
    (folder / "wrong.toml").write_text(RUN.replace("CAL", entry))
    result = ovreport("run", folder / "wrong.toml", "-o", folder / "wrong.html")
    assert result.exit_code == 2
    assert message.format(folder) in result.stderr
    assert not (folder / "wrong.jsonl").exists()


@pytest.mark.measures
def test_a_missing_nncf_is_named_with_the_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = importlib.metadata.version

    def version(name: str) -> str:
        if name == "nncf":
            raise importlib.metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    result = ovreport("run", folder / "c.toml", "-o", folder / "missing.html")
    assert result.exit_code == 2
    assert "version 'int8': optimise = \"int8\" needs nncf, which is not installed" in result.stderr
    assert "pip install 'ovreport[quantize]'" in result.stderr


@pytest.mark.measures
def test_the_report_shows_recipes_and_warns_of_random_calibration(folder: Path, made: Run) -> None:
    section = Versions().analyze(made)
    assert isinstance(section.groups[-1].blocks[0], Table)
    rows = {row.values["version"]: row.values for row in section.groups[-1].blocks[0].rows}
    assert rows["int8"]["calibration"] == "x: cal.npy, 10 sets"
    assert rows["f16"]["tool"] == f"OpenVINO {importlib.metadata.version('openvino')}"
    warned = [f for f in section.findings if f.id == "versions.random_calibration"]
    assert [finding.severity for finding in warned] == ["warning"]
    assert warned[0].text.startswith("tiny · both was calibrated with random input")
    assert "How versions were made" in (folder / "r.html").read_text()


# ---------------------------------------------------------------------------- ovreport optimise


@pytest.mark.measures
def test_one_command_writes_what_a_run_would_make(folder: Path, made: Run, tmp_path: Path) -> None:
    target = tmp_path / "out" / "tiny-int8.xml"
    result = ovreport(
        "optimise", folder / "tiny.onnx", "--int8", "--calibration", folder / "cal.npy",
        "--shape", "[2,4]", "-o", target,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert f"Wrote {target} and tiny-int8.bin" in result.output
    assert {path.name for path in target.parent.iterdir()} == {"tiny-int8.xml", "tiny-int8.bin"}
    kept_model = folder / made.model_file("tiny", "int8").path
    assert target.with_suffix(".bin").read_bytes() == kept_model.with_suffix(".bin").read_bytes()


@pytest.mark.measures
def test_the_function_returns_how_a_version_was_made(folder: Path, tmp_path: Path) -> None:
    optimised = optimise(folder / "tiny.onnx", tmp_path / "m.xml", "f16")
    assert (optimised.making.optimise, optimised.making.nncf) == ("f16", "")
    assert optimised.size_bytes == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert optimised.parent_size_bytes == (folder / "tiny.onnx").stat().st_size


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "no recipe: give one of --f16, --int8"),
        (["--f16", "--int8"], "--f16 and --int8: give one of"),
        (["--f16", "--preset", "mixed"], "--preset is for int8, not for f16. Remove it."),
        (["--int8", "--ratio", "0.5"], "--ratio is for int4-weights, not for int8. Remove it."),
        (["--f16", "-o", "m.onnx"], "an IR has the ending .xml"),
        (["--int8", "--subset", "0"], "`model[1].subset` is 0"),
    ],
)
def test_wrong_options_of_one_version_are_explained(
    tmp_path: Path, options: list[str], message: str
) -> None:
    tiny_model(tmp_path / "m.onnx", 1.0)
    result = ovreport("optimise", tmp_path / "m.onnx", *options)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.measures
def test_the_parent_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    ovreport("optimise", folder / "tiny.onnx", "--f16", "-o", tmp_path / "m.xml")
    before = (tmp_path / "m.xml").read_bytes()
    result = ovreport("optimise", tmp_path / "m.xml", "--f16", "-o", tmp_path / "m.xml")
    assert result.exit_code == 2
    assert "is also an input" in result.stderr
    assert (tmp_path / "m.xml").read_bytes() == before
