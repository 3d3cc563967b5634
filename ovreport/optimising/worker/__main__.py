"""Make an optimised version of a model, as one command says, and answer when it is on the disk.

The command is a JSON line on standard input, the arguments of :func:`make`. Lines before the
answer, ``{"progress": 12}``, count the input sets that were read. Standard output itself is
redirected to standard error, so that what nncf prints is never read as an answer.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Started by path: the folder that holds ovreport, in place of this folder.
sys.path[0] = str(Path(__file__).resolve().parents[3])

from ovreport.measuring.worker.system import peak_memory, prepare_process  # noqa: E402

del sys.path[0]

if TYPE_CHECKING:
    import nncf
    import openvino as ov

NncfSettings = dict[str, Any]
Progress = Callable[[int], None]


def make(
    path: str,
    extensions: Sequence[str],
    optimise: str,
    settings: NncfSettings,
    calibration: str | None,
    target: str,
    progress: Progress,
) -> dict[str, Any]:
    """Make a version of the model at ``path`` and save it as ``target``, an IR (.xml).

    Args:
        path: the model's file.
        extensions: libraries with the model's own operations.
        optimise: the recipe, as in the config.
        settings: the recipe's other keys, as in the config.
        calibration: an ``.npz`` with arrays named ``<set>_<input>``.
        target: where the version goes, with its weights in a ``.bin`` file of the same name.
        progress: is called with the number of input sets that were read.
    """
    import openvino as ov

    core = ov.Core()
    for library in extensions:
        core.add_extension(library)
    model = core.read_model(path)
    if optimise == "int8":
        assert calibration is not None
        model = _quantised(model, settings, Path(calibration), progress)
    elif optimise != "f16":
        model = _with_small_weights(model, optimise, settings)
    # As OpenVINO's converter does, this stores the weights that are still FP32 in FP16.
    ov.save_model(model, target, compress_to_fp16=True)
    return {"peak_memory_bytes": peak_memory()}


def _quantised(
    model: ov.Model, settings: NncfSettings, calibration: Path, progress: Progress
) -> ov.Model:
    import nncf
    import numpy as np

    arrays = np.load(calibration, allow_pickle=False)
    inputs = len(model.inputs)
    sets = len(arrays.files) // inputs
    read = 0

    def input_set(number: int) -> list[Any]:
        nonlocal read
        read += 1
        progress(read)
        return [arrays[f"{number}_{index}"] for index in range(inputs)]

    preset, model_type = settings.get("preset"), settings.get("model_type")
    return nncf.quantize(
        model,
        nncf.Dataset(range(sets), input_set),
        subset_size=sets,
        preset=None if preset is None else nncf.QuantizationPreset(preset),
        model_type=None if model_type is None else nncf.ModelType(model_type),
        ignored_scope=_ignored_scope(settings),
    )


def _with_small_weights(model: ov.Model, optimise: str, settings: NncfSettings) -> ov.Model:
    import nncf

    mode = nncf.CompressWeightsMode
    given = {key: settings[key] for key in ("group_size", "ratio") if key in settings}
    return nncf.compress_weights(
        model,
        mode=mode.INT8_ASYM if optimise == "int8-weights" else mode.INT4_SYM,
        ignored_scope=_ignored_scope(settings),
        **given,
    )


def _ignored_scope(settings: NncfSettings) -> nncf.IgnoredScope | None:
    import nncf

    scope = settings.get("ignored_scope")
    return None if scope is None else nncf.IgnoredScope(**scope)


def _serve() -> None:
    prepare_process()
    # Without this package, nncf does not report over the network how it is used.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def write(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    command = json.loads(sys.stdin.readline())
    assert command.pop("do") == "make"
    try:
        made = make(**command, progress=lambda read: write({"progress": read}))
    except Exception as error:  # nncf and OpenVINO raise many; the traceback goes to the log
        traceback.print_exc()
        write({"error": {"stage": "start", "text": str(error)}})
    else:
        write({"ok": made})


if __name__ == "__main__":
    _serve()
