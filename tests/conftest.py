"""Real models, recorded and real runs that many tests share, and the rules of the markers.

``browser`` and ``measures`` are set by fixture where a fixture opens a browser or measures, and by
hand elsewhere. A test that starts a browser or measures without its marker fails, so that the
quick loop stays quick.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import onnx
import pytest
from browser import chromium, missing_programs
from builders import save_branches, save_recurrent
from click.testing import CliRunner, Result
from recorded import pack_all
from selenium.webdriver import Chrome

from ovreport.cli import main
from ovreport.measuring.worker_session import WORKER
from ovreport.optimising.making import WORKER as MAKER
from ovreport.run import CellResult, Run
from ovreport.runfile import read_run

# Fixtures that give their marker to every test that uses them.
MARKER_OF = {"report": "measures", "nested_report": "measures", "chrome": "browser"}
_running = pytest.StashKey[pytest.Item | None]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-browsers", action="store_true",
        help="fail browser tests where a browser or its driver is missing, instead of skipping",
    )  # fmt: skip
    parser.addoption(
        "--renew-golden", action="store_true", help="write the texts of tests/golden anew"
    )


def pytest_configure(config: pytest.Config) -> None:
    pack_all()
    _heed_signals()
    # A deadline would be an assertion of time, which a busy machine breaks.
    hypothesis.settings.register_profile("ovreport", deadline=None)
    hypothesis.settings.load_profile("ovreport")
    config.stash[_running] = None

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        item = config.stash[_running]
        if event == "subprocess.Popen" and item is not None:
            _refuse_unmarked(item, arguments[1])

    sys.addaudithook(watch)


def _heed_signals() -> None:
    """Let signals end programs that tests start, as from a terminal.

    ``nohup`` and a shell's ``&`` ignore some, and whatever is started from there ignores them, too.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in MARKER_OF:
                item.add_marker(MARKER_OF[fixture])


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("browser"):
        if missing := missing_programs(*marker.args):
            reason = f"not installed: {', '.join(missing)}"
            required = item.config.getoption("--require-browsers")
            (pytest.fail if required else pytest.skip)(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    item.config.stash[_running] = item
    try:
        return (yield)
    finally:
        item.config.stash[_running] = None


def _refuse_unmarked(item: pytest.Item, command: object) -> None:
    """Fail a test that starts a worker, a run or a browser without the marker."""
    parts = command if isinstance(command, (list, tuple)) else [command]
    words = [os.fsdecode(word) for word in parts if isinstance(word, (str, bytes, os.PathLike))]
    program = Path(words[0]).name if words else ""
    marker = None
    if {str(WORKER), str(MAKER)} & set(words) or ("ovreport" in words and "run" in words):
        marker = "measures"
    elif program in {"chromedriver", "firefox-esr"}:
        marker = "browser"
    if marker is not None and item.get_closest_marker(marker) is None:
        pytest.fail(f"starts {program}: mark it with @pytest.mark.{marker}")


def light_model(name: str) -> Path:
    """Return the path of a model of the ``onnx`` package."""
    spec = importlib.util.find_spec("onnx")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "backend/test/data/light" / f"light_{name}.onnx"


def tiny_model(path: Path, value: float) -> None:
    """Save ``x [N, 4] → x @ w`` with one value in all weights."""
    tensor = onnx.helper.make_tensor_value_info
    weights = onnx.numpy_helper.from_array(np.full((4, 4), value, np.float32), "w")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])], "tiny",
        [tensor("x", onnx.TensorProto.FLOAT, ["N", 4])],
        [tensor("y", onnx.TensorProto.FLOAT, ["N", 4])], [weights],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
    onnx.save(model, path)


def ovreport(*words: object) -> Result:
    """Run a command line in this process."""
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture(scope="session")
def squeezenet() -> Path:
    return light_model("squeezenet")


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory, squeezenet: Path) -> Path:
    """The report of a real run of two versions (the same file) in two cells each."""
    folder = tmp_path_factory.mktemp("run")
    config = folder / "config.toml"
    config.write_text(
        f"""
        model = [
            {{ name = "squeezenet", version = "parent", path = '{squeezenet}' }},
            {{ name = "squeezenet", version = "optimized", path = '{squeezenet}' }},
        ]
        measure = {{ duration = 1.5, launches = 1, profile_iterations = 5 }}
        [report]
        title = "<script>alert(1)</script> & 'quotes'"
        latency_threshold_ms = 100
        """
    )
    target = folder / "report.html"
    result = ovreport("run", config, "-o", target)
    assert result.exit_code == 0, result.output
    return target


@pytest.fixture(scope="session")
def run(report: Path) -> Run:
    return read_run(report.with_suffix(".jsonl"))


@pytest.fixture(scope="session")
def bottlenecks() -> Run:
    """The recorded run of a model with known bottlenecks, in floating point and in INT8."""
    return read_run(Path(__file__).with_name("data") / "bottlenecks.jsonl")


@pytest.fixture(scope="session")
def int8(bottlenecks: Run) -> CellResult:
    """The INT8 version in the recorded run with known bottlenecks."""
    result = bottlenecks.focus("bottlenecks", "int8")
    assert result is not None
    return result


@pytest.fixture(scope="session")
def nested_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a short real run of models with graphs inside of operators."""
    folder = tmp_path_factory.mktemp("nested")
    save_branches(folder / "branches.onnx")
    save_recurrent(folder / "recurrent.xml")
    config = folder / "config.toml"
    config.write_text(
        """
        model = [
            { name = "branches", path = "branches.onnx" },
            { name = "recurrent", path = "recurrent.xml" },
        ]
        matrix = { hint = ["latency"] }
        measure = { duration = 0.2, launches = 1, profile_iterations = 5, roofs = false }
        """
    )
    target = folder / "report.html"
    result = ovreport("run", config, "-o", target)
    assert result.exit_code == 0, result.output
    return target


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver
