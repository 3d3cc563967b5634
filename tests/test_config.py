"""Configs: which are valid, which cells they expand to, and errors of wrong ones."""

import itertools
import json
from math import inf
from pathlib import Path
from typing import Literal

import pytest
from conftest import ovreport

from ovreport.config.load import Source, load, model_name, validate
from ovreport.config.schema import Compare, Config, Measure, OutputSettings
from ovreport.errors import UserError
from ovreport.planning.matrix import estimated_seconds, expand, turns_key
from ovreport.planning.overrides import unused_properties

MODEL = {"name": "m", "path": "m.onnx"}


def test_every_combination_is_a_cell_and_versions_are_adjacent() -> None:
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


def test_cells_that_take_turns_are_adjacent() -> None:
    values = {
        "model": [MODEL, {**MODEL, "name": "other"}, {**MODEL, "version": "optimized"}],
        "runtime": [{"name": "a"}, {"name": "b"}],
        "matrix": {"batch": [1, 2], "include": [{"hint": "latency", "batch": 4}]},
    }
    counts: dict[Literal["versions", "model"], int] = {"versions": 2 * 5, "model": 2}
    for interleave, groups in counts.items():
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
    ("values", "message"),
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
        ({"model": [{**MODEL, "range": {"x": [3, 1]}}]}, "`model[0].range.x`: the lowest value"),
        ({"model": [{**MODEL, "range": {"x": [1]}}]}, "`model[0].range.x[1]` has too few values"),
        ({"model": MODEL}, "a list of tables, each under [[model]]"),
        ({"model": [MODEL], "matrix": {"device": []}}, "`matrix.device` is []. Expected at least"),
        ({"model": [MODEL], "matrix": {"streams": "many"}}, "a valid integer or 'auto'"),
        ({"model": [MODEL], "properties": {"CPU": 3}}, "`properties.CPU` is 3. Expected a table"),
        ({"model": [MODEL], "properties": {"CPU": {"X": inf}}}, "`properties.CPU.X` is inf"),
        ({"model": [MODEL], "measure": {"min_time": 9, "max_time": 1}}, "longer than max_time"),
    ],
)
def test_a_wrong_config_is_explained_with_its_key(values: dict[str, object], message: str) -> None:
    with pytest.raises(UserError) as error:
        validate(values, "c.toml")
    assert message in str(error.value)
    assert str(error.value).startswith("c.toml")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"matrix": {"exclude": [{"version": "old"}]}}, "`matrix.exclude[0].version` is 'old'"),
        ({"matrix": {"include": [{"runtime": "nope"}]}}, "`matrix.include[0].runtime` is 'nope'"),
        ({"matrix": {"exclude": [{"device": "gpu"}]}}, "no device 'gpu'"),
        ({"properties": {"cpu": {}}}, "`properties.cpu`: OpenVINO has no device 'cpu'"),
        ({"matrix": {"rate": 0.01}}, "10 requests arrive in 1000 s"),
    ],
)
def test_impossible_values_of_the_matrix_are_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(UserError) as error:
        expand(validate({"model": [MODEL], **values}, "c"), "c")
    assert message in str(error.value)


@pytest.mark.parametrize("path", ["~nobody-of-this-name/m.onnx", "a\0b", "a" * 5000])
def test_texts_that_cannot_be_paths_are_refused(path: str) -> None:
    source = Source(validate({"model": [MODEL]}, "c"), Path.cwd(), "c.toml")
    with pytest.raises(UserError, match=r"c\.toml: .* cannot be a path"):
        source.resolve(path)


def test_a_device_that_only_the_config_names_is_accepted() -> None:
    values = {"model": [MODEL], "properties": {"GPU.1": {}}, "matrix": {"device": "CPU"}}
    assert expand(validate(values, "c"))


CPU_AND_GPU = {"device": "MULTI:GPU,CPU", "hint": "none"}


@pytest.mark.parametrize(
    ("device", "properties", "remedy"),
    [
        ("CPU", {"NUM_STREAMS": 2}, "Write streams = [2] under [matrix]"),
        ("CPU", {"num_streams": "AUTO"}, 'Write streams = ["auto"]'),
        # What the matrix would refuse is not proposed.
        ("CPU", {"NUM_STREAMS": True}, "Use `matrix.streams` instead, such as streams = [2]."),
        ("CPU", {"NUM_STREAMS": -1}, "such as streams = [2]"),
        ("CPU", {"NUM_STREAMS": 0}, "such as streams = [2]"),
        ("CPU", {"NUM_STREAMS": "NUMA"}, "such as streams = [2]"),
        ("CPU", {"PERFORMANCE_HINT": ""}, 'such as hint = ["throughput"]'),
        ("CPU", {"PERFORMANCE_HINT": "UNDEFINED"}, 'such as hint = ["throughput"]'),
        ("CPU", {"INFERENCE_NUM_THREADS": 0}, "such as threads = [4]"),
        ("CPU", {"INFERENCE_NUM_THREADS": 10**9}, "such as threads = [4]"),
        ("CPU", {"INFERENCE_PRECISION_HINT": "FP32"}, 'such as precision = ["f32"]'),
        ("CPU", {"PERFORMANCE_HINT_NUM_REQUESTS": False}, "such as requests = [4]"),
        ("CPU", {"PERFORMANCE_HINT": "LATENCY"}, 'Write hint = ["latency"]'),
        ("CPU", {"INFERENCE_NUM_THREADS": 4}, "Write threads = [4]"),
        ("CPU", {"INFERENCE_PRECISION_HINT": "f32"}, 'Write precision = ["f32"]'),
        ("CPU", {"PERFORMANCE_HINT_NUM_REQUESTS": 1}, "Write requests = [1]"),
        ("CPU", {"PERF_COUNT": True}, "`profile_iterations` under [measure]"),
        ("GPU", {"DEVICE_ID": "1"}, 'Write device = ["GPU.1"]'),
        ("AUTO", {"MULTI_DEVICE_PRIORITIES": "CPU"}, "Write device"),
        ("CPU", {"DEVICE_PROPERTIES": "{CPU:{NUM_STREAMS:2}}"}, "Write streams = [2]"),
        ("CPU", {"DEVICE_PROPERTIES_CPU": "{NUM_STREAMS:2}"}, "Write streams = [2]"),
        ("AUTO:CPU", {"DEVICE_PROPERTIES": "{CPU:{NUM_STREAMS:2}}"}, "Write streams = [2]"),
        ("AUTO:CPU", {"device_properties": '{"CPU": {"num_streams": "2"}}'}, "streams = [2]"),
        ("AUTO:CPU,-GPU", {"DEVICE_PROPERTIES": "{CPU:{NUM_STREAMS:2}}"}, "streams = [2]"),
        # Of several devices behind one: as the matrix has a hint, which would not be so.
        ("AUTO", {"DEVICE_PROPERTIES": "{CPU:{PERFORMANCE_HINT:LATENCY}}"}, 'hint = ["latency"]'),
        ("AUTO", {"DEVICE_PROPERTIES": "{CPU:{PERF_COUNT:YES}}"}, "profile_iterations"),
    ],
)
def test_a_property_that_would_override_the_matrix_is_refused_with_the_key_to_use(
    device: str, properties: dict[str, object], remedy: str
) -> None:
    values = {"model": [MODEL], "matrix": {"device": device}, "properties": {device: properties}}
    with pytest.raises(UserError) as error:
        expand(validate(values, "c"), "c.toml")
    key = next(iter(properties))
    shown = device if device in ("CPU", "GPU", "AUTO") else f'"{device}"'
    assert f"c.toml: `properties.{shown}.{key}" in str(error.value)
    assert remedy in str(error.value)


@pytest.mark.parametrize(
    ("matrix", "properties"),
    [
        ({"device": "CPU"}, {"ENABLE_CPU_PINNING": True, "CACHE_DIR": "NUM_STREAMS:2"}),
        ({"device": "CPU"}, {"EXECUTION_MODE_HINT": "ACCURACY", "NOT_A_PROPERTY": 3}),
        # Each device may have its own value of a property that the matrix does not set.
        (CPU_AND_GPU, {"DEVICE_PROPERTIES": "{GPU:{NUM_STREAMS:2},CPU:{NUM_STREAMS:4}}"}),
        (CPU_AND_GPU, {"DEVICE_PROPERTIES": "{GPU:{PERFORMANCE_HINT:LATENCY}}"}),
    ],
)
def test_a_property_that_the_matrix_does_not_set_is_passed_on(
    matrix: dict[str, object], properties: dict[str, object]
) -> None:
    device = str(matrix["device"])
    values = {"model": [MODEL], "matrix": matrix, "properties": {device: properties}}
    assert expand(validate(values, "c"))


def test_the_minimum_time_does_not_exceed_the_requested_maximum() -> None:
    assert validate({"model": [MODEL], "measure": {"max_time": 1}}, "c").measure.min_time == 1
    assert validate({"model": [MODEL], "measure": {"max_time": 9}}, "c").measure.min_time == 2


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--duration -1", "--duration is -1.0. Expected greater than 0."),
        ("--threads 99999999", "--threads is 99999999. Expected less than or equal to 65536."),
    ],
)
def test_a_wrong_option_is_named_as_it_was_typed(option: str, message: str) -> None:
    result = ovreport("run", "m.onnx", *option.split(), "--dry-run")
    assert result.exit_code == 2
    assert f"Error: {message}" in result.stderr


def test_the_schema_takes_one_value_for_a_list() -> None:
    hint = Config.model_json_schema()["$defs"]["Matrix"]["properties"]["hint"]
    assert [one["type"] for one in hint["anyOf"]] == ["string", "array"]


def test_a_slow_rate_is_included_in_the_plan() -> None:
    (cell,) = expand(validate({"model": [MODEL], "matrix": {"rate": 1, "hint": "none"}}, "c"))
    measure = Measure(duration=0.3, launches=2, roofs=False)
    assert estimated_seconds([cell], measure)[0] >= 2 * 10


def test_the_estimate_includes_everything_that_takes_time() -> None:
    (cell,) = expand(validate({"model": [MODEL], "matrix": {"hint": "latency"}}, "c"))
    bare = Measure(duration=1, roofs=False, profile_iterations=0)
    least, most = estimated_seconds([cell], bare)
    assert least == most
    for more in (
        estimated_seconds([cell], bare, outputs=1),
        estimated_seconds([cell], bare.model_copy(update={"roofs": True})),
        estimated_seconds([cell], bare.model_copy(update={"profile_iterations": 20})),
    ):
        assert more[0] > least
        assert more[1] > most


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
        (f"models/{'x' * 240}.onnx", "x" * 200),
    ],
)
def test_a_model_is_named_after_its_file_or_else_its_folder(path: str, name: str) -> None:
    assert model_name(Path(path)) == name


def test_a_setting_in_its_former_place_keeps_its_meaning_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        '[[model]]\nname = "net"\npath = "net.onnx"\n'
        '[analyzer.versions]\nnoise = 0.2\nbaseline = "int8"\n[compare]\nbaseline = "int4"\n'
    )
    source = load(path, {})
    assert source.config.compare == Compare(noise=0.2, baseline="int4")
    assert source.config.analyzer == {"versions": {}}
    (note,) = source.notes
    assert note == (
        f"{path}: [analyzer.versions] baseline and noise: these options have moved to [compare]; "
        "the old place still works"
    )


def test_limits_of_outputs_keep_their_meaning_in_their_former_place(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        '[[model]]\nname = "net"\npath = "net.onnx"\n'
        "[analyzer.outputs]\ncosine = 0.9\n[outputs]\nsamples = 3\n"
    )
    source = load(path, {})
    assert source.config.outputs == OutputSettings(samples=3, cosine=0.9)
    (note,) = source.notes
    assert note == (
        f"{path}: [analyzer.outputs] cosine: this option has moved to [outputs]; the old place "
        "still works"
    )


@pytest.mark.parametrize("values", [{"analyzer": 1}, {"analyzer": {"versions": 1}}, {"compare": 1,
                         "analyzer": {"versions": {"noise": 0.1}}}])  # fmt: skip
def test_a_value_in_place_of_a_table_is_named(values: dict[str, object]) -> None:
    with pytest.raises(UserError, match=r"`(analyzer|compare)"):
        validate({"model": [MODEL], **values}, "c")


def test_properties_that_no_cell_uses_are_named_with_the_place_for_them() -> None:
    values = {
        "model": [MODEL],
        "matrix": {"device": "AUTO:CPU"},
        "properties": {"CPU": {"ENABLE_CPU_PINNING": True}, "GPU": {}, "AUTO:CPU": {}},
    }
    config = validate(values, "c")
    cpu, gpu = unused_properties(config, expand(config), "c.toml")
    assert cpu.startswith("c.toml: [properties.CPU] is not used: cells run on AUTO:CPU")
    assert cpu.endswith("DEVICE_PROPERTIES = '{CPU:{KEY:VALUE}}' under [properties.\"AUTO:CPU\"]")
    assert gpu.endswith("go by the device as the matrix names it")


def test_a_wrong_value_in_its_former_place_is_named_there() -> None:
    for former, key in (({"noise": "much"}, "noise"), ({"baseline": 3}, "baseline")):
        with pytest.raises(UserError) as error:
            validate({"model": [MODEL], "analyzer": {"versions": former}}, "c.toml")
        assert str(error.value).startswith(f"c.toml: `analyzer.versions.{key}` ")
    both = {"analyzer": {"versions": {"noise": 0.1}}, "compare": {"noise": "much"}}
    with pytest.raises(UserError, match=r"`compare\.noise`"):
        validate({"model": [MODEL], **both}, "c.toml")


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ([1.0, 0.0], "--range: the lowest value is above the highest"),
        ([inf, 1.0], "--range is inf"),
        ({"x": [1.0]}, "--range has too few values"),
        ({"x": [0.0, 1.0, 2.0]}, "--range is [0.0, 1.0, 2.0]"),
    ],
)
def test_a_wrong_value_of_an_option_for_the_model_is_named_by_the_option(
    bounds: object, words: str
) -> None:
    with pytest.raises(UserError) as error:
        load(Path("net.onnx"), {"model": {"range": bounds}})
    assert str(error.value).startswith(words)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("package:nope/x.onnx", "package:nope/x.onnx: the package 'nope' is not installed"),
        ("package:", "package:: names no package. Write package:NAME/FILE."),
        ("package:/etc/x.onnx", "package:/etc/x.onnx: names no package"),
        ("package:a.b/x.onnx", "'a.b' is not the name of a package. Write package:a/b/FILE."),
    ],
)
def test_a_path_in_a_package_that_is_not_there_is_refused(path: str, words: str) -> None:
    source = load(Path(path), {})
    with pytest.raises(UserError) as error:
        source.resolve(path)
    assert words in str(error.value)
    with pytest.raises(UserError, match=r"^c\.toml: `package:"):
        Source(source.config, Path.cwd(), "c.toml").resolve(path)
