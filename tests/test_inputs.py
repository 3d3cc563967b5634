"""Input files: values that the model accepts are read, others are refused."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ovreport, tiny_model
from numpy.typing import NDArray
from PIL import Image

from ovreport.errors import UserError
from ovreport.measuring import planner as planning
from ovreport.measuring.compare_outputs import read_labels
from ovreport.measuring.inputs import prepare_inputs
from ovreport.run import Port
from ovreport.runfile import read_run

PIXELS = Port(names=("x",), shape="[2]", precision="u8")


def fed(file: Path, target: Path) -> list[int]:
    prepare_inputs(target, [PIXELS], [(2,)], file, None, 0)
    return [int(value) for value in np.load(target)["0_0"]]


def test_integers_that_the_type_cannot_hold_are_refused(tmp_path: Path) -> None:
    file, target = tmp_path / "x.npy", tmp_path / "inputs.npz"
    np.save(file, np.array([0, 255], np.int64))
    assert fed(file, target) == [0, 255]
    np.save(file, np.array([0, 300], np.int64))
    with pytest.raises(UserError, match=r"x\.npy: values from 0 to 300, the model takes u8"):
        fed(file, target)


def port(precision: str = "f32") -> Port:
    return Port(names=("x",), shape="[?,4]", precision=precision)


@pytest.mark.parametrize("batch", [10**12, 10**23, 10**400])
def test_inputs_larger_than_the_memory_are_refused_before_they_are_made(
    tmp_path: Path, batch: int
) -> None:
    with pytest.raises(UserError) as error:
        prepare_inputs(tmp_path / "x.npz", [port()], [(batch, 4)], None, None, 0)
    needed = rf"input x, \[{batch}, 4\] of f32: needs [\d,]+ GiB, and [\d,]+ .iB of memory are free"
    assert re.match(rf"{needed}. Set a smaller `batch` or `shape`.", str(error.value))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("precision", ["f16", "f32", "f64"])
def test_random_input_in_pieces_equals_that_in_one_piece(tmp_path: Path, precision: str) -> None:
    shape = (3, 50_000)
    prepare_inputs(tmp_path / "x.npz", [port(precision)], [shape], None, (-1.5, 2), 7)
    made = np.load(tmp_path / "x.npz")["0_0"]
    whole = (-1.5 + 3.5 * np.random.default_rng(7).random(shape)).astype(made.dtype)
    assert made.dtype.itemsize * 8 == int(precision[1:])
    assert np.array_equal(made, whole)


def test_a_temporary_folder_without_room_is_named(tmp_path: Path) -> None:
    program = (
        "import resource; from pathlib import Path; from ovreport.run import Port\n"
        "from ovreport.errors import UserError\n"
        "from ovreport.measuring.inputs import prepare_inputs\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "port = Port(names=('x',), shape='[?]', precision='f32')\n"
        f"path = Path({str(tmp_path)!r}) / 'x.npz'\n"
        "try: prepare_inputs(path, [port], [(1 << 20,)], None, None, 0)\n"
        "except UserError as error: print(error)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == (
        f"{tmp_path}: cannot store inputs of 4 MiB: File too large. Free some space, or set "
        "TMPDIR to a folder with enough space.\n"
    )


def damaged(path: Path) -> None:
    """Save an archive whose only compressed array has a wrong byte."""
    np.savez_compressed(path, x=np.arange(4000, dtype=np.float32))
    raw = bytearray(path.read_bytes())
    raw[60:90] = b"\xff" * 30
    path.write_bytes(raw)


def without_array(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "no array")


def endless(path: Path) -> None:
    """Save an array whose header claims more than any memory."""
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (1 << 55,)}
        np.lib.format.write_array_header_1_0(file, header)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("x.npz", damaged, "Error -3 while decompressing data"),
        ("x.npz", without_array, "it does not hold an array"),
        ("x.npy", endless, "Unable to allocate"),
    ],
)
def test_damaged_files_are_refused(
    tmp_path: Path, name: str, make: Callable[[Path], None], message: str
) -> None:
    make(tmp_path / name)
    with pytest.raises(UserError) as error:
        prepare_inputs(tmp_path / "i.npz", [port()], [(1000, 4)], tmp_path / name, None, 0)
    assert str(error.value).startswith(f"input {tmp_path / name}: cannot be read: {message}")


def test_labels_larger_than_an_integer_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("1\n99999999999999999999999\n")
    with pytest.raises(UserError, match=r"labels .*labels\.txt: cannot be read: .*too large"):
        read_labels(file)


def config(folder: Path) -> Path:
    """Write a config of two versions with two cells each and the same inputs."""
    tiny_model(folder / "a.onnx", 1.0)
    tiny_model(folder / "b.onnx", 1.1)
    path = folder / "config.toml"
    path.write_text("""
        model = [
            { name = "tiny", version = "parent", path = "a.onnx", shape = "[2,4]" },
            { name = "tiny", version = "optimized", path = "b.onnx", shape = "[2,4]" },
        ]
        measure = { duration = 0.1, launches = 1, profile_iterations = 1, roofs = false }
        """)
    return path


@pytest.mark.measures
def test_a_plan_creates_the_common_inputs_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []

    def counted(target: Path, *rest: Any) -> str:
        made.append(target)
        return prepare_inputs(target, *rest)

    monkeypatch.setattr(planning, "prepare_inputs", counted)
    assert ovreport("run", config(tmp_path), "--dry-run").exit_code == 0
    assert [path.name for path in made] == ["inputs-0.npz"]


@pytest.mark.measures
def test_a_full_disk_while_comparing_answers_keeps_the_measurements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(target: Path, *rest: Any) -> str:
        if target.name.startswith("samples"):
            raise UserError(f"{target.parent}: full")
        return prepare_inputs(target, *rest)

    monkeypatch.setattr(planning, "prepare_inputs", full)
    result = ovreport("run", config(tmp_path), "-o", tmp_path / "x.html")
    assert result.exit_code == 0, result.output
    (answers,) = read_run(tmp_path / "x.jsonl").answers
    assert answers.failure is not None
    assert answers.failure.reason.endswith(": full")


def picture(path: Path, channels: int = 1) -> NDArray[Any]:
    """Return the input for a model of 32 × 32 pixels, without batch and single channels."""
    target = path.with_suffix(".npz")
    ports = [Port(names=("x",), shape=f"[1,32,32,{channels}]", precision="u8")]
    prepare_inputs(target, ports, [(1, 32, 32, channels)], path, None, 0)
    return np.asarray(np.load(target)["0_0"]).squeeze()


def test_grey_with_16_bits_equals_grey_with_8_bits(tmp_path: Path) -> None:
    grey = np.tile(np.arange(32, dtype=np.uint16) * 8, (32, 1))
    Image.fromarray(grey.astype(np.uint8)).save(tmp_path / "g8.png")
    for name, samples in (("g16.png", grey * 257), ("g16.tiff", grey * 257)):
        Image.fromarray(samples).save(tmp_path / name)
        assert np.array_equal(picture(tmp_path / name), picture(tmp_path / "g8.png"))
        assert np.array_equal(
            picture(tmp_path / name, channels=3)[..., 1], picture(tmp_path / "g8.png")
        )


def test_a_picture_is_rotated_by_its_exif_orientation(tmp_path: Path) -> None:
    white, black = np.full((16, 32), 255, np.uint8), np.zeros((16, 32), np.uint8)
    image = Image.fromarray(np.concatenate([white, black]))
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: the camera was held upright, turned to the right
    image.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    turned = picture(tmp_path / "turned.jpg")
    assert turned[:, :16].mean() < 10
    assert turned[:, 16:].mean() > 245


def test_pictures_whose_white_is_not_known_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.linspace(0, 1, 1024, dtype=np.float32).reshape(32, 32)).save(
        tmp_path / "f.tiff"
    )
    Image.fromarray(np.full((32, 32), 1 << 20, np.int32)).save(tmp_path / "i.tiff")
    for name in ("f.tiff", "i.tiff"):
        with pytest.raises(
            UserError, match=rf"{name}: samples of type .*value of white is unknown"
        ):
            picture(tmp_path / name)


def test_pictures_that_cannot_be_converted_are_refused(tmp_path: Path) -> None:
    Image.new("LAB", (32, 32)).save(tmp_path / "lab.tiff")
    with pytest.raises(UserError, match=r"lab\.tiff: cannot be read as an image"):
        picture(tmp_path / "lab.tiff")


def test_a_text_a_broken_link_and_a_pipe_are_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("hello")
    with pytest.raises(UserError, match=r"text\.jpg: its content is not that of an image\."):
        picture(tmp_path / "text.jpg")
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "a.png").symlink_to(tmp_path / "not fetched")
    with pytest.raises(UserError, match=r"a\.png: a link to a file that does not exist\."):
        picture(folder)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UserError, match=r"pipe\.png: not a regular file"):
        picture(tmp_path / "pipe.png")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.float64(1e300), np.int64(10**6)])
def test_values_beyond_the_float_type_of_the_model_are_refused(
    tmp_path: Path, value: np.generic
) -> None:
    np.save(tmp_path / "large.npy", np.full((1, 4), value))
    with pytest.raises(UserError, match=r"large\.npy: values too large for f16"):
        prepare_inputs(
            tmp_path / "in.npz", [port("f16")], [(1, 4)], tmp_path / "large.npy", None, 0
        )
