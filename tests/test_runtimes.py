"""Several Python environments, each with its OpenVINO, in one run."""

import shutil
import sys
from pathlib import Path

import pytest
from conftest import ovreport

from ovreport.runfile import read_run

CONFIG = """
model = [{{ name = "squeezenet", path = '{model}' }}]
matrix = {{ hint = "latency" }}
measure = {{ duration = 0.3, launches = 1, profile_iterations = 1, roofs = false }}
report = {{ analyzers = ["environment", "latency"] }}
runtime = [{{ name = "installed" }}, {{ name = "other", python = '{python}' }}]
"""


@pytest.mark.measures
def test_runtimes_take_turns_and_are_named(
    squeezenet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # PYTHONPATH of this environment must not affect the other.
    (tmp_path / "first").mkdir()
    (tmp_path / "first/sitecustomize.py").write_text(
        "import sys\nif 'environment' in sys.executable: sys.exit('misled')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "first"))
    # A link, as in virtual environments: following it would leave the environment.
    other = tmp_path / "environment/bin/python"
    other.parent.mkdir(parents=True)
    other.symlink_to(sys.executable)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", other.parents[1])
    (other.parents[1] / "lib").symlink_to(Path(sys.prefix) / "lib")
    config, target = tmp_path / "config.toml", tmp_path / "report.html"
    config.write_text(CONFIG.format(model=squeezenet, python="environment/bin/python"))

    result = ovreport("run", config, "-o", target)

    assert result.exit_code == 0, result.output
    run = read_run(target)
    assert [r.cell.runtime for r in run.done] == ["installed", "other"]
    first, second = run.done
    assert first.interleaved_with == (second.cell.id,)
    facts = run.header.environment.runtimes
    assert [runtime.name for runtime in facts] == ["installed", "other"]
    assert all(runtime.openvino == run.header.environment.openvino for runtime in facts)
    assert all(runtime.devices for runtime in facts)
    assert "other · latency" in result.output
    assert 'id="runtimes"' in target.read_text()


def test_a_missing_runtime_is_named(squeezenet: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(model=squeezenet, python="nowhere/bin/python"))
    result = ovreport("run", config, "--dry-run")
    assert result.exit_code == 2
    assert "runtime 'other'" in result.stderr
    assert "nowhere/bin/python is not a file" in result.stderr


@pytest.mark.measures
def test_a_runtime_without_openvino_is_named(squeezenet: Path, tmp_path: Path) -> None:
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho No module named openvino >&2\nexit 1\n")
    script.chmod(0o755)
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(model=squeezenet, python=script))
    result = ovreport("run", config, "--dry-run")
    assert result.exit_code == 2
    assert f"{script}: OpenVINO does not start" in result.stderr
