"""Faulty plugins: errors are reported when a plugin is loaded, or fail only its section."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ovreport
from pages import undrawn

from ovreport.analysis import analyze, installed
from ovreport.errors import UserError
from ovreport.rendering.page import render
from ovreport.run import Appearance, Run
from ovreport.runfile import lines_of, read_run
from ovreport.section import Crashed, Section

RUN = Path(__file__).with_name("data") / "bottlenecks.jsonl"
HEAD = """
import sys
from ovreport.plugin import Analyzer, Options
from ovreport.section import Finding, Group, Section
"""
WHOLE = """
class Own(Analyzer):
    id = "own"
    title = "Own"
    def analyze(self, run):
        return Section([])
"""


@pytest.fixture(scope="module")
def measured() -> Run:
    return read_run(RUN)


def plugin(folder: Path, text: str) -> Path:
    path = folder / "own.py"
    path.write_text(HEAD + text)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WHOLE.replace('id = "own"', ""), "the analyzer Own has no `id`. Give the class a text"),
        (WHOLE.replace('title = "Own"', ""), "the analyzer Own has no `title`. Give the class"),
        (WHOLE.replace('"Own"', "5"), "the analyzer Own has no `title`. Give the class a text"),
        (WHOLE.replace("analyze(", "analyse("), "the analyzer Own has no `analyze`. Give the"),
        ("sys.exit(5)", "cannot be loaded: SystemExit: 5. Correct the file"),
        ("1 / 0", "cannot be loaded: ZeroDivisionError: division by zero. Correct the file"),
    ],
)
def test_missing_parts_of_a_plugin_are_named_when_it_is_loaded(
    tmp_path: Path, text: str, message: str
) -> None:
    path = plugin(tmp_path, text)
    with pytest.raises(UserError) as error:
        installed([path])
    assert str(error.value).startswith(f"{path}: {message}")


def test_a_base_class_is_not_an_analyzer(tmp_path: Path) -> None:
    base = "class Base(Analyzer):\n    order = 1\n"
    path = plugin(tmp_path, base + WHOLE.replace("(Analyzer)", "(Base)"))
    assert installed([path])["own"].order == 1


@pytest.mark.parametrize(
    ("returned", "error"),
    [
        ("5", "TypeError: analyze returned 5, not a Section or Skipped"),
        ("None", "TypeError: analyze returned None, not a Section or Skipped"),
        ("Section([5])", "TypeError: the section's groups hold 5, not a Group"),
        ("Section([Group('', 5)])", "TypeError: 'int' object is not iterable"),
        ("Section([], [5])", "TypeError: the section's findings hold 5, not a Finding"),
        ("Section([], [Finding('x', 'bad', '')])", "TypeError: finding 'x' has the severity 'bad'"),
        (
            "Section([], [Finding('x', 'info', '', topic='bad')])",
            "TypeError: finding 'x' has the topic 'bad'",
        ),
        ("sys.exit(7)", "SystemExit: 7"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_wrong_result_of_a_plugin_loses_only_its_section(
    tmp_path: Path, measured: Run, returned: str, error: str
) -> None:
    path = plugin(tmp_path, WHOLE.replace("Section([])", returned))
    found = installed([path])
    first, second = analyze(measured, [found["own"](), found["summary"]()])
    assert isinstance(first.outcome, Crashed)
    assert first.outcome.error == error
    assert isinstance(second.outcome, Section)
    page = render(measured, [first, second], with_data=False, draw=undrawn)
    assert error.replace("'", "&#39;") in page


@pytest.mark.slow
def test_a_config_that_names_a_crashing_plugin_still_gives_a_report(tmp_path: Path) -> None:
    plugin(tmp_path, WHOLE.replace("Section([])", "1 / 0"))
    config, report = tmp_path / "x.toml", tmp_path / "x.html"
    config.write_text("model = [{name = 'x', path = 'x'}]\nreport = {plugins = ['own.py']}\n")
    assert ovreport("render", RUN, "--config", config, "-o", report).exit_code == 0
    assert "ZeroDivisionError: division by zero" in report.read_text()


@pytest.fixture
def strangers_run(tmp_path: Path, measured: Run) -> Path:
    """A run file whose config names a plugin file, style rules, a logo and an option."""
    marker = tmp_path / "executed"
    files = {
        "plugins": [str(plugin(tmp_path, f"open({str(marker)!r}, 'w')\n{WHOLE}"))],
        "css": str(tmp_path / "private.css"),
        "logo": str(tmp_path / "private.svg"),
        "analyzers": ["environment", "own"],
    }
    (tmp_path / "private.css").write_text("p { --secret: 1 }")
    (tmp_path / "private.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    config = {**measured.header.config, "report": files, "analyzer": {"own": {"x": 1}}}
    header = measured.header.model_copy(update={"config": config})
    path = tmp_path / "run.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines_of(replace(measured, header=header))))
    return path


@pytest.mark.parametrize("own", [None, "[compare]\nnoise = 0.02\n"])
def test_files_that_a_run_file_names_stay_closed_whatever_config_is_given(
    tmp_path: Path, strangers_run: Path, own: str | None
) -> None:
    report, options = tmp_path / "x.html", []
    if own is not None:
        (tmp_path / "c.toml").write_text(own)
        options = ["--config", tmp_path / "c.toml"]
    result = ovreport("render", strangers_run, *options, "-o", report)
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "executed").exists()
    assert "secret" not in report.read_text()
    assert read_run(report).header.appearance == Appearance()


READS_FILE = """
from ovreport.plugin import ConfigFile
from ovreport.section import Text
class OwnOptions(Options):
    table: ConfigFile = None
    'A CSV file.'
class Own(Analyzer[OwnOptions]):
    id = "own"
    title = "Own"
    def analyze(self, run):
        table = self.options.table
        return Section([Group("", [Text("t", table.read_text() if table else "no table")])])
"""


@pytest.fixture
def reads_file(tmp_path: Path) -> Path:
    """A config in a folder of its own, whose analyzer reads a file beside the config."""
    folder = tmp_path / "configs"
    folder.mkdir()
    plugin(folder, READS_FILE)
    (folder / "table.csv").write_text("own figures 471")
    config = folder / "c.toml"
    config.write_text(
        "[report]\nplugins = ['own.py']\nanalyzers = ['own']\n[analyzer.own]\ntable = 'table.csv'\n"
    )
    return config


def test_an_option_names_a_file_relative_to_the_config(tmp_path: Path, reads_file: Path) -> None:
    report = tmp_path / "x.html"
    result = ovreport("render", RUN, "--config", reads_file, "-o", report)
    assert result.exit_code == 0, result.output
    assert "own figures 471" in report.read_text()


def test_a_file_that_an_option_names_must_be_there(tmp_path: Path, reads_file: Path) -> None:
    reads_file.with_name("table.csv").unlink()
    result = ovreport("render", RUN, "--config", reads_file, "-o", tmp_path / "x.html")
    assert result.exit_code == 2
    missing = reads_file.with_name("table.csv")
    assert f"c.toml: `analyzer.own.table`: {missing} is not a file. Name a file" in result.output


def test_a_file_option_of_a_run_file_stays_closed(tmp_path: Path, reads_file: Path) -> None:
    report, again = tmp_path / "x.html", tmp_path / "y.html"
    assert ovreport("render", RUN, "--config", reads_file, "-o", report).exit_code == 0
    reads_file.write_text("[report]\nplugins = ['own.py']\nanalyzers = ['own']\n")
    result = ovreport("render", report, "--config", reads_file, "-o", again)
    assert result.exit_code == 0, result.output
    assert "no table" in again.read_text()


def test_a_file_option_without_none_as_default_is_refused(tmp_path: Path) -> None:
    path = plugin(tmp_path, READS_FILE.replace("ConfigFile = None", "ConfigFile"))
    with pytest.raises(UserError, match=r"OwnOptions.table: an option of type ConfigFile needs"):
        installed([path])


def test_an_unknown_need_loses_only_the_section(tmp_path: Path, measured: Run) -> None:
    path = plugin(tmp_path, WHOLE + "    needs = frozenset({'x'})\n")
    (analysis,) = analyze(measured, [installed([path])["own"]()])
    assert isinstance(analysis.outcome, Crashed)


def test_every_option_is_explained() -> None:
    for kind in installed().values():
        for name, field in kind.options_type.model_fields.items():
            assert field.description, f"{kind.id}.{name}"
