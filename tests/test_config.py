"""Configs: what is valid, what cells it makes, and what is said of wrong ones."""

import itertools
import json
from math import inf
from pathlib import Path

import pytest
from conftest import ovreport

from ovreport.config.load import load, model_name, validate
from ovreport.errors import UserError
from ovreport.plan import expand, turns_key

MODEL = {"name": "m", "path": "m.onnx"}


def test_every_combination_is_a_cell_and_versions_stand_together() -> None:
    config = validate(
        {
            "model": [MODEL, {**MODEL, "version": "optimized"}],
            "matrix": {"hint": ["latency", "throughput"], "batch": [1, 2]},
        },
        "c",
    )
    cells = expand(config)
    assert len(cells) == 8
    assert [c.version for c in cells] == ["parent", "optimized"] * 4


def test_cells_that_take_turns_stand_together() -> None:
    values = {
        "model": [MODEL, {**MODEL, "name": "other"}, {**MODEL, "version": "optimized"}],
        "runtime": [{"name": "a"}, {"name": "b"}],
        "matrix": {"batch": [1, 2], "include": [{"hint": "latency", "batch": 4}]},
    }
    for interleave, groups in (("versions", 2 * 5), ("model", 2)):
        cells = expand(validate({**values, "measure": {"interleave": interleave}}, "c"))
        keys = [turns_key(cell, interleave) for cell in cells]
        assert len(list(itertools.groupby(keys))) == len(set(keys)) == groups
        configurations = [cell.configuration for cell in cells]
        assert len(list(itertools.groupby(configurations))) == len(set(configurations))


def test_exclude_and_include_trim_the_matrix() -> None:
    matrix = {
        "hint": ["latency", "throughput"],
        "batch": [1, 2],
        "exclude": [{"hint": "latency", "batch": 2}],
        "include": [{"hint": "throughput", "batch": 8, "streams": 1}],
    }
    cells = expand(validate({"model": [MODEL], "matrix": matrix}, "c"))
    assert [(c.hint, c.batch, c.streams) for c in cells] == [
        ("latency", 1, "auto"),
        ("throughput", 1, "auto"),
        ("throughput", 2, "auto"),
        ("throughput", 8, 1),
    ]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model": [{**MODEL, "pth": "x"}]}, "unknown key `model[0].pth`. Did you mean `path`?"),
        ({"model": [MODEL], "matrx": {}}, "unknown key `matrx`. Did you mean `matrix`?"),
        ({"model": [{"name": "m"}]}, "`model[0].path` is missing"),
        ({"model": []}, "`model`"),
        ({"model": [MODEL], "measure": {"duration": "long"}}, "`measure.duration` is 'long'"),
        ({"model": [MODEL], "matrix": {"hint": "fast"}}, "`matrix.hint[0]` is 'fast'"),
        ({"model": [MODEL, MODEL]}, "has the version 'parent' twice"),
        (
            {"model": [{**MODEL, "range": [0, inf]}]},
            "`model[0].range[1]` is inf. Expected a finite",
        ),
        ({"model": [{**MODEL, "range": {"x": [3, 1]}}]}, "`model[0].range`: the lowest value is"),
        ({"model": [MODEL], "measure": {"min_time": 9, "max_time": 1}}, "longer than max_time"),
    ],
)
def test_a_wrong_config_is_explained_with_its_key(values: dict[str, object], said: str) -> None:
    with pytest.raises(UserError) as error:
        validate(values, "c.toml")
    assert said in str(error.value)
    assert str(error.value).startswith("c.toml")


def test_an_empty_matrix_is_refused() -> None:
    values = {"model": [MODEL], "matrix": {"exclude": [{}]}}
    with pytest.raises(UserError, match="matrix is empty"):
        expand(validate(values, "c"))


def test_samples_are_valid_configs() -> None:
    samples = Path(__file__).parents[1] / "samples"
    for path in samples.glob("*.toml"):
        assert expand(load(path, {}).config)


def test_the_schema_describes_every_key() -> None:
    result = ovreport("schema")
    schema = json.loads(result.output)
    for table in (schema, *schema["$defs"].values()):
        assert all("description" in field for field in table["properties"].values())


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("models/resnet50.onnx", "resnet50"),
        ("models/PP-OCRv4_det/inference.pdmodel", "PP-OCRv4_det"),
        ("package:magika/models/standard_v3_3/model.onnx", "standard_v3_3"),
    ],
)
def test_a_model_is_named_after_its_file_or_else_its_folder(path: str, name: str) -> None:
    assert model_name(Path(path)) == name
