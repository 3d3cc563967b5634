"""Files that are fed to a model hold what it takes, or are refused."""

from pathlib import Path

import numpy as np
import pytest

from ovreport.errors import UserError
from ovreport.measuring.inputs import prepare_inputs
from ovreport.run import Port

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
