"""Models whose files are links, as in model stores, and models of several files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import onnx
import openvino as ov
import pytest
from conftest import ovreport, tiny_model

from ovreport.config.load import load, model_name
from ovreport.files import absolute
from ovreport.measuring.inspection import inspect
from ovreport.measuring.worker.model_files import identity, model_files
from ovreport.runfile import read_run

QUICK = ("--hint", "latency", "--duration", "0.1", "--no-roofs")


def stored(folder: Path, *files: Path) -> Path:
    """Make a folder of named links to files named after their content."""
    blobs, names = folder / "blobs", folder / "snapshots/1f3c"
    blobs.mkdir(parents=True, exist_ok=True)
    names.mkdir(parents=True, exist_ok=True)
    for number, file in enumerate(files):
        blob = file.rename(blobs / f"{number:08x}")
        (names / file.name).symlink_to(blob)
    return names


def test_a_pipe_is_not_read_as_a_model(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a\nb.onnx")
    done = ovreport("run", tmp_path / "a\nb.onnx", "--dry-run")
    assert done.exit_code == 2
    assert done.output.endswith(
        "a\N{REPLACEMENT CHARACTER}b.onnx: not a regular file. "
        "Save its content to a file, and name that.\n"
    )


def ir(path: Path) -> Path:
    tiny_model(path.with_suffix(".onnx"), 1)
    ov.save_model(ov.convert_model(path.with_suffix(".onnx")), path)
    return path


@pytest.mark.measures
def test_a_linked_model_keeps_the_name_of_its_link(tmp_path: Path) -> None:
    model = ir(tmp_path / "net.xml")
    names = stored(tmp_path / "hub", model, model.with_suffix(".bin"), model.with_suffix(".onnx"))
    found = inspect([names / "net.xml", names / "net.onnx"], python=Path(sys.executable)).models
    assert [info.format for info in found] == ["OpenVINO IR", "ONNX"]
    size = sum((names / name).stat().st_size for name in ("net.xml", "net.bin"))
    assert found[0].size_bytes == size


@pytest.mark.measures
def test_a_linked_model_and_a_linked_input_run(tmp_path: Path) -> None:
    model = ir(tmp_path / "net.xml")
    np.save(tmp_path / "x.npy", np.ones((1, 4), np.float32))
    names = stored(tmp_path / "hub", model, model.with_suffix(".bin"), tmp_path / "x.npy")
    target = tmp_path / "r.html"
    result = ovreport("run", names / "net.xml", "--input", names / "x.npy", *QUICK, "-o", target)
    assert result.exit_code == 0, result.output
    run = read_run(target)
    assert run.header.models[0].path == str(names / "net.xml")
    assert run.results[0].cell.model == "net"


def test_paths_in_a_linked_config_start_at_the_link(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('model = [{ name = "net", path = "net.xml" }]')
    names = stored(tmp_path / "hub", config)
    assert load(names / "c.toml", {}).models == [names / "net.xml"]


@pytest.mark.measures
def test_init_keeps_the_name_of_a_link(tmp_path: Path) -> None:
    model = ir(tmp_path / "net.xml")
    names = stored(tmp_path / "hub", model, model.with_suffix(".bin"))
    result = ovreport("init", names / "net.xml", "-o", names / "c.toml")
    assert result.exit_code == 0, result.output
    assert 'path = "net.xml"' in (names / "c.toml").read_text()
    assert ovreport("run", names / "c.toml", "--dry-run").exit_code == 0


def test_a_model_in_the_hub_is_named_after_its_repository() -> None:
    hub = Path("/home/anna/.cache/huggingface/hub")
    folder = hub / "models--OpenVINO--bert-base-int8-ov/snapshots/6ec57f84c680d3a3778b"
    assert model_name(folder / "openvino_model.xml") == "bert-base-int8-ov"
    assert model_name(folder / "onnx/model.onnx") == "bert-base-int8-ov"
    assert model_name(folder / "onnx/decoder.onnx") == "decoder"


def test_a_step_up_from_a_linked_folder_is_resolved_as_by_the_system(tmp_path: Path) -> None:
    (tmp_path / "real/inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real/inner")
    (tmp_path / "real/net.onnx").touch()
    assert absolute(tmp_path / "link/../net.onnx").exists()
    assert absolute(tmp_path / "real/inner/../net.onnx") == tmp_path / "real/net.onnx"


@pytest.mark.parametrize("length", [1, 127, 128, 200, 300])
def test_weights_in_a_file_with_a_path_of_any_length_are_part_of_a_model(
    tmp_path: Path, length: int
) -> None:
    location = "w/" * (length // 2 - 1) + "w" * (2 + length % 2) if length > 2 else "w"
    assert len(location) == length
    (tmp_path / location).parent.mkdir(parents=True, exist_ok=True)
    tiny_model(tmp_path / "net.onnx", 1)
    onnx.save(
        onnx.load(tmp_path / "net.onnx"), tmp_path / "net.onnx",
        save_as_external_data=True, location=location, size_threshold=0,
    )  # fmt: skip
    assert set(model_files(tmp_path / "net.onnx")) == {".onnx", location}
    before = identity(tmp_path / "net.onnx")
    (tmp_path / location).write_bytes(bytes(64))
    assert identity(tmp_path / "net.onnx")[1] != before[1]


def external(name: str, location: str) -> onnx.TensorProto:
    tensor = onnx.numpy_helper.from_array(np.ones(4, np.float32), name)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def test_weights_are_found_everywhere_in_a_model(tmp_path: Path) -> None:
    make = onnx.helper
    inner = make.make_graph([], "inner", [], [], [external("a", "branch.bin")])
    sparse = onnx.SparseTensorProto(
        values=external("b", "values.bin"), indices=external("c", "indices.bin"), dims=[9]
    )
    graph = make.make_graph(
        [
            make.make_node("If", ["x"], ["y"], then_branch=inner),
            make.make_node("Constant", [], ["z"], value=external("d", "constant.bin")),
        ],
        "outer", [], [], [external("e", "weights/0.bin"), external("f", "weights/1.bin")],
        sparse_initializer=[sparse],
    )  # fmt: skip
    body = [make.make_node("Constant", [], ["v"], value=external("g", "function.bin"))]
    function = make.make_function("own", "f", [], ["v"], body, [make.make_opsetid("", 16)])
    model = make.make_model(graph, functions=[function])
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    names = ["branch", "values", "indices", "constant", "weights/0", "weights/1", "function"]
    (tmp_path / "weights").mkdir()
    for name in names:
        (tmp_path / f"{name}.bin").touch()
    found = model_files(tmp_path / "net.onnx")
    assert set(found) == {".onnx", *(f"{name}.bin" for name in names)}


def test_weights_outside_the_folder_are_ignored_and_odd_paths_are_harmless(
    tmp_path: Path,
) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "out.bin").touch()
    places = ["../out.bin", str(tmp_path / "out.bin"), "w" * 300, "nul\0", ".", "/dev/zero"]
    tensors = [external(str(n), place) for n, place in enumerate(places)]
    model = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], tensors))
    (tmp_path / "m/net.onnx").write_bytes(model.SerializeToString())
    assert set(model_files(tmp_path / "m/net.onnx")) == {".onnx"}


def test_weights_behind_a_link_are_part_of_a_model(tmp_path: Path) -> None:
    model = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], [external("w", "w")]))
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    (tmp_path / "w").write_bytes(bytes(16))
    names = stored(tmp_path / "hub", tmp_path / "net.onnx", tmp_path / "w")
    assert set(model_files(names / "net.onnx")) == {".onnx", "w"}


def test_files_of_a_folder_are_found_behind_links_that_may_be_cyclic(
    tmp_path: Path,
) -> None:
    saved, variables = tmp_path / "saved", tmp_path / "elsewhere"
    saved.mkdir()
    variables.mkdir()
    (saved / "saved_model.pb").touch()
    (variables / "variables.index").touch()
    (saved / "variables").symlink_to(variables)
    (variables / "again").symlink_to(saved)
    assert set(model_files(saved)) == {"saved_model.pb", "variables/variables.index"}


@pytest.mark.parametrize("target", ["never-fetched", "net.onnx"], ids=["dangling", "circle"])
def test_a_broken_link_is_named_with_the_command_that_fetches_its_target(
    tmp_path: Path, target: str
) -> None:
    link = tmp_path / "net.onnx"
    link.symlink_to(target)
    result = ovreport("run", link, "-o", tmp_path / "r.html")
    assert result.exit_code == 2
    assert f"net.onnx: a link to {target}, which does not exist" in result.output.replace("\n", " ")
    assert "git annex get" in result.output
