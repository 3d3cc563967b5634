"""Prepares the inputs of models: seeded random numbers, arrays, or images.

The worker reads the arrays from an ``.npz`` file, one array for each set and input, named
``<set>_<input>``. Element types that numpy lacks (bf16, u4, …) are written as their bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, prod
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from ovreport.errors import UserError
from ovreport.files import check_regular
from ovreport.planning.decoders import Decoder
from ovreport.planning.ports import index_of, name_of
from ovreport.run import Port

Array = NDArray[np.generic]
Range = tuple[float, float]

_NUMPY: dict[str, np.dtype[Any]] = {
    **{f"f{bits}": np.dtype(f"f{bits // 8}") for bits in (16, 32, 64)},
    "boolean": np.dtype(np.bool_),
    **{
        f"{sign}{bits}": np.dtype(f"{sign}{bits // 8}") for sign in "iu" for bits in (8, 16, 32, 64)
    },
}

_STRING = "string"
# Random text is as long as a short sentence, with letters and the spaces that tokenizers split at.
_TEXT_LENGTH = 32
_UNICODE = np.dtype("U1")
_TEXT = "abcdefghijklmnopqrstuvwxyz      "
_ARRAYS = (".npy", ".npz")
_FEWER_IMAGES = "Name a folder with fewer images, or set a smaller `shape`."
_IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
# Random numbers are drawn in pieces of this size: in one piece they would need triple the memory.
_PIECE = 1 << 16
# More images than this do not improve a measurement, and all of them are held in memory.
_MAX_IMAGES = 64
# The highest value of a 16-bit sample.
_WHITE = 0xFFFF


@dataclass(frozen=True)
class ComputedInput:
    """The values of an input, and what they are in words."""

    array: Array
    words: str


def decoder_inputs(decoder: Decoder, shapes: Sequence[tuple[int, ...]]) -> dict[int, ComputedInput]:
    """Return the inputs of a decoder that follow from its prompt: all but the tokens."""
    computed = {}
    for index, (port, role, shape) in enumerate(
        zip(decoder.inputs, decoder.roles, shapes, strict=True)
    ):
        kind = _NUMPY.get(port.precision, np.dtype(np.int64))
        if role == "mask":
            computed[index] = ComputedInput(np.ones(shape, kind), "ones")
        elif role != "tokens":
            places = np.broadcast_to(np.arange(shape[-1]).astype(kind), shape)
            computed[index] = ComputedInput(np.ascontiguousarray(places), "0, 1, 2, …")
    return computed


def prepare_inputs(
    target: Path,
    ports: Sequence[Port],
    shapes: Sequence[tuple[int, ...]],
    given: Path | Mapping[str, Path] | None,
    value_range: Range | Mapping[str, Range] | None,
    seed: int,
    indices: Mapping[int, Range] | None = None,
    most_sets: int | None = None,
    computed: Mapping[int, ComputedInput] | None = None,
) -> str:
    """Write the input file and describe its content in words.

    Args:
        target: the file to write.
        ports: inputs of the model.
        shapes: shapes of the inputs.
        given: a file for the only input, an ``.npz`` of all, or a file for each input by name;
            inputs without a file are random.
        value_range: lowest and highest random value, for all inputs or by name.
        seed: seed of the random numbers.
        indices: for inputs that index tensors: the lowest valid index, and the highest plus one.
        most_sets: the largest number of sets to calibrate with: arrays may hold several, one after
            another, and random inputs are made for all sets. None: for a measurement.
        computed: inputs whose values follow from their meaning, unless a file is given.

    Raises:
        UserError: a file cannot be read or does not fit its input; the inputs are larger than the
            memory or the temporary folder.
    """
    _check_sizes(ports, shapes)
    generator = np.random.default_rng(seed)
    files = _files(given, ports)
    ranges = _ranges(value_range, ports)
    loaded = {
        index: _loaded(path, ports[index], name_of(ports, index), index, shapes[index], most_sets)
        for index, path in files.items()
    }
    random_sets = 1
    if most_sets is not None:
        random_sets = max(map(len, loaded.values()), default=most_sets)
        _check_sizes(ports, shapes, random_sets)
    sets: list[list[Array]] = []
    descriptions: list[str] = []
    for index, (port, shape) in enumerate(zip(ports, shapes, strict=True)):
        name = name_of(ports, index)
        if index in files:
            sets.append(loaded[index])
            descriptions.append(f"{name}: {files[index].name}")
        elif computed is not None and index in computed and index not in ranges:
            sets.append([computed[index].array] * random_sets)
            descriptions.append(f"{name}: {computed[index].words}")
        else:
            is_index = indices is not None and index in indices and index not in ranges
            low, high = {**(indices or {}), **ranges}.get(index, _usual_range(port))
            sets.append(
                [_random(generator, port.precision, shape, low, high) for _ in range(random_sets)]
            )
            note = ", an index" if is_index else ""
            descriptions.append(f"{name}: random {port.precision}, {_span(port, low, high)}{note}")
    count = max((len(arrays) for arrays in sets), default=1)
    arrays_by_name = {
        f"{turn}_{index}": arrays[turn % len(arrays)]
        for index, arrays in enumerate(sets)
        for turn in range(count)
    }
    write_arrays(target, arrays_by_name)
    if not descriptions:
        return "nothing: the model has no inputs"
    sets_note = f", {count} sets" if count > 1 else ""
    if sets_note and most_sets is None:
        sets_note += " in turn"
    seed_note = f" (seed {seed})" if len(files) < len(descriptions) else ""
    return "; ".join(descriptions) + sets_note + seed_note


def write_arrays(target: Path, arrays: Mapping[str, Array]) -> None:
    """Write an uncompressed ``.npz``.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        np.savez(target, **arrays)  # type: ignore[arg-type]
    except OSError as error:
        size = _binary(sum(array.nbytes for array in arrays.values()))
        raise UserError(
            f"{target.parent}: cannot store inputs of {size}: {error.strerror or error}",
            "Free some space, or set TMPDIR to a folder with enough space.",
        ) from error


def file_digest(paths: Sequence[Path], head: bytes = b"") -> str:
    """Return the SHA-256 of ``head`` followed by the content of the files."""
    content = hashlib.sha256(head)
    for path in paths:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                content.update(piece)
    return content.hexdigest()


def check_memory(size: int, what: str, remedy: str) -> None:
    """Check for free memory first, as the system may kill a program that uses too much.

    Raises:
        UserError: fewer than ``size`` bytes of memory are free.
    """
    available = psutil.virtual_memory().available
    if size > available:
        raise UserError(
            f"{what}: needs {_binary(size)}, and {_binary(available)} of memory are free", remedy
        )


def _check_sizes(ports: Sequence[Port], shapes: Sequence[tuple[int, ...]], count: int = 1) -> None:
    sizes = [_bytes(port.precision, shape) for port, shape in zip(ports, shapes, strict=True)]
    if sizes:
        at = sizes.index(max(sizes))
        what = f"input {name_of(ports, at)}, {list(shapes[at])} of {ports[at].precision}"
        what += ", and the others" if len(sizes) > 1 else ""
        what += f", {count} sets" if count > 1 else ""
        smaller = "`subset`, `batch` or `shape`" if count > 1 else "`batch` or `shape`"
        check_memory(count * sum(sizes), what, f"Set a smaller {smaller}.")


def _bytes(precision: str, shape: tuple[int, ...]) -> int:
    if precision == _STRING:
        return prod(shape) * _TEXT_LENGTH * _UNICODE.itemsize
    bits = re.search(r"\d+", precision)
    return -(-prod(shape) * (int(bits[0]) if bits else 8) // 8)


def _binary(size: int) -> str:
    """Show a size in bytes; a shift, because dividing a huge integer could overflow a float."""
    for unit, bits in (("GiB", 30), ("MiB", 20)):
        if size >> bits:
            return f"{size >> bits:,} {unit}"
    return f"{size:,} bytes"


# ---------------------------------------------------------------------------- random


def _ranges(
    value_range: Range | Mapping[str, Range] | None, ports: Sequence[Port]
) -> dict[int, Range]:
    """Return the given ranges by the index of the input."""
    if isinstance(value_range, Mapping):
        return {_index(name, ports, "range"): bounds for name, bounds in value_range.items()}
    return {} if value_range is None else dict.fromkeys(range(len(ports)), value_range)


def _usual_range(port: Port) -> Range:
    if port.precision == "u8":
        return 0, 256
    return (0, 1) if _is_float(port.precision) else (0, 2)


def _is_float(precision: str) -> bool:
    return precision.startswith(("f", "bf", "nf"))


def _span(port: Port, low: float, high: float) -> str:
    if port.precision == _STRING:
        return f"{_TEXT_LENGTH} letters and spaces each"
    return f"[{low:g}, {high:g})" if port.precision != "boolean" else "both values"


def _random(
    generator: np.random.Generator, precision: str, shape: tuple[int, ...], low: float, high: float
) -> Array:
    if precision == _STRING:
        letters = generator.choice(np.array(list(_TEXT)), (*shape, _TEXT_LENGTH))
        return letters.view(f"U{_TEXT_LENGTH}").reshape(shape)
    if precision == "boolean":
        return generator.integers(0, 2, shape).astype(np.bool_)
    if precision in _NUMPY:
        kind = _NUMPY[precision]
        if _is_float(precision):
            return _floats(generator, kind, shape, low, high)
        limits = np.iinfo(kind)
        bottom, top = max(int(low), limits.min), min(ceil(high), limits.max + 1)
        return generator.integers(bottom, max(top, bottom + 1), shape, dtype=kind)
    if precision == "bf16":
        # bf16 is the upper half of f32.
        single = _floats(generator, np.dtype("<f4"), shape, low, high)
        upper: Array = single.view("<u2").reshape(*shape, 2)[..., 1].copy()
        return upper.view(np.uint8).reshape(-1)
    bits = re.search(r"\d+", precision)
    if bits is None:
        raise UserError(
            f"input of type {precision!r} cannot be filled with random numbers",
            "Give a file with `input`.",
        )
    return generator.integers(0, 256, _bytes(precision, shape), dtype=np.uint8)


def _floats(
    generator: np.random.Generator,
    kind: np.dtype[Any],
    shape: tuple[int, ...],
    low: float,
    high: float,
) -> Array:
    values = np.empty(prod(shape), kind)
    for start in range(0, values.size, _PIECE):
        piece = values[start : start + _PIECE]
        piece[:] = low + (high - low) * generator.random(piece.size)
    return values.reshape(shape)


# ---------------------------------------------------------------------------- files


def _files(given: Path | Mapping[str, Path] | None, ports: Sequence[Port]) -> dict[int, Path]:
    """Return the file of each input, by index; an ``.npz`` is used for all inputs."""
    if given is None:
        return {}
    if isinstance(given, Path):
        if given.suffix == ".npz":
            return dict.fromkeys(range(len(ports)), given)
        if len(ports) > 1:
            raise UserError(
                f"{given}: one file was given, and the model has {len(ports)} inputs",
                "Give an .npz with an array for each, or a file for each input by name.",
            )
        return {0: given}
    return {_index(name, ports, "input"): path for name, path in given.items()}


def _index(name: str, ports: Sequence[Port], key: str) -> int:
    if (index := index_of(ports, name)) is None:
        names = ", ".join(name_of(ports, i) for i in range(len(ports)))
        raise UserError(f"`{key}` names the unknown input {name!r}", f"Inputs: {names}.")
    return index


def _loaded(
    path: Path, port: Port, name: str, index: int, shape: tuple[int, ...], most_sets: int | None
) -> list[Array]:
    if not path.exists():
        raise UserError(f"input {path}: no such file or folder", "Check the path.")
    if not path.is_dir():
        check_regular(path)
    if path.is_dir() or path.suffix.lower() in _IMAGES:
        pictures = _pictures(path)[: most_sets or _MAX_IMAGES]
        size = len(pictures) * _bytes(port.precision, shape)
        check_memory(size, f"input {path}, {len(pictures)} of its images", _FEWER_IMAGES)
        return [_as_input(_picture(file, shape), port, shape, file) for file in pictures]
    if path.suffix.lower() not in _ARRAYS:
        raise UserError(
            f"input {path}: ovreport cannot read this kind of file",
            f"Give one of {', '.join((*_ARRAYS, *_IMAGES))}, or a folder of images.",
        )
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.lib.npyio.NpzFile):
            loaded = loaded[_member(path, loaded.files, (*port.names, name, str(index)))]
        if not isinstance(loaded, np.ndarray):
            raise ValueError("it does not hold an array")
    except UserError:
        raise
    except Exception as error:  # numpy, zipfile and zlib raise many errors for damaged files
        raise UserError(
            f"input {path}: cannot be read: {error}",
            "Give a complete .npy or .npz file without pickles.",
        ) from error
    sets = [loaded] if loaded.shape == shape else _sets(loaded, shape, most_sets)
    if not sets:
        raise UserError(
            f"input {path}: shape {list(loaded.shape)}, {name} takes {list(shape)}",
            "Give an array of that shape, or set `shape` and `batch` to the array's."
            if most_sets is None
            else "Give samples of that shape, one after another along the first dimension.",
        )
    return [_as_input(array, port, shape, path) for array in sets]


def _sets(array: Array, shape: tuple[int, ...], most: int | None) -> list[Array]:
    """Split an array that holds several input sets one after another; empty if it does not."""
    if most is None or not array.size:
        return []
    if array.shape[1:] == shape:
        return list(array[:most])
    if shape and array.shape[1:] == shape[1:] and not len(array) % shape[0]:
        return [array[start : start + shape[0]] for start in range(0, len(array), shape[0])][:most]
    return []


def _member(path: Path, members: list[str], names: Sequence[str]) -> str:
    for name in names:
        if name in members:
            return name
    raise UserError(
        f"input {path}: no array for {names[0]!r}",
        f"It holds: {', '.join(members)}. Name its arrays like the model's inputs.",
    )


def _as_input(array: Array, port: Port, shape: tuple[int, ...], path: Path) -> Array:
    if port.precision == _STRING:
        return _as_text(array, path)
    if port.precision not in _NUMPY:
        raise UserError(f"input {path}: the model takes {port.precision}, which files cannot hold")
    wanted = _NUMPY[port.precision]
    if not np.can_cast(array.dtype, wanted, "same_kind") and array.dtype.kind not in "ui":
        raise UserError(
            f"input {path}: element type {array.dtype}, the model takes {port.precision}",
            "Convert the array first: values would be lost.",
        )
    if array.dtype.kind in "ui" and np.dtype(wanted).kind in "ui" and array.size:
        limits = np.iinfo(wanted)
        if array.min() < limits.min or array.max() > limits.max:
            raise UserError(
                f"input {path}: values from {array.min()} to {array.max()}, the model takes "
                f"{port.precision}, which holds {limits.min} to {limits.max}",
                "Give values in that range.",
            )
    with np.errstate(over="ignore"):  # checked below
        converted = np.broadcast_to(array, shape).astype(wanted, order="C")
    if np.dtype(wanted).kind == "f" and np.isfinite(array).all() > np.isfinite(converted).all():
        raise UserError(
            f"input {path}: values too large for {port.precision}, which the model takes",
            f"Give values up to {np.finfo(wanted).max:g}.",
        )
    return converted


def _as_text(array: Array, path: Path) -> Array:
    """Return an array of strings; bytes are decoded as UTF-8."""
    remedy = "Save text, as numpy.array([…], dtype=str)."
    if array.dtype.kind not in "US":
        raise UserError(
            f"input {path}: element type {array.dtype}, the model takes strings", remedy
        )
    try:
        return array if array.dtype.kind == "U" else np.char.decode(array.astype("S"), "utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"input {path}: not UTF-8: {error}", remedy) from error


def _pictures(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in _IMAGES)
    if not files:
        raise UserError(
            f"input {path}: the folder holds no images", f"Give files of {', '.join(_IMAGES)}."
        )
    return files


def _picture(path: Path, shape: tuple[int, ...]) -> Array:
    """Read an image at the input's size, with channels first or last like the input."""
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError as error:
        raise UserError(
            f"input {path}: images need Pillow", "Install it: pip install 'ovreport[images]'."
        ) from error
    if len(shape) != 4 or not {shape[1], shape[3]} & {1, 3}:
        raise UserError(
            f"input {path}: an image, and the input is {list(shape)}",
            "Images fit inputs of the form NCHW or NHWC with 1 or 3 channels.",
        )
    first = shape[1] in (1, 3)
    channels, height, width = (shape[1], *shape[2:]) if first else (shape[3], *shape[1:3])
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith(("I", "F")):  # Pillow would clip them at 255
                upright = Image.fromarray(_scaled(np.asarray(upright), path))
            pixels = np.asarray(
                upright.convert("RGB" if channels == 3 else "L").resize((width, height))
            )
    except UnidentifiedImageError as error:  # its text names the path a second time
        raise UserError(
            f"input {path}: its content is not that of an image", "Give a PNG or JPEG file."
        ) from error
    except FileNotFoundError as error:
        raise UserError(
            f"input {path}: a link to a file that does not exist",
            "Fetch the image, or remove the link from the folder.",
        ) from error
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(
            f"input {path}: cannot be read as an image: {error}", "Save it again as PNG or JPEG."
        ) from error
    pixels = pixels.reshape(height, width, channels)
    return pixels.transpose(2, 0, 1) if first else pixels


def _scaled(samples: Array, path: Path) -> NDArray[np.uint8]:
    """Convert 16-bit grey to bytes.

    Raises:
        UserError: the samples are wider or not integers, so that the value of white is unknown.
    """
    values = np.asarray(samples, np.float64)
    if samples.dtype.kind == "f" or values.min() < 0 or values.max() > _WHITE:
        raise UserError(
            f"input {path}: samples of type {samples.dtype}, whose value of white is unknown",
            "Save it with 8 or 16 bits per sample, or save its values as .npy.",
        )
    return np.round(values * (255 / _WHITE)).astype(np.uint8)
