"""The examples of the README work as they are."""

import re
import sys
from pathlib import Path

from conftest import ovreport

from ovreport.config.load import validate

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    match = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert match is not None
    return match[1]


def test_the_config_reference_is_a_valid_config() -> None:
    validate(tomllib.loads(block("toml")), "README.md")


def test_the_analyzer_in_the_readme_makes_a_section(report: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(block("python"))
    config = tmp_path / "config.toml"
    config.write_text(
        '[[model]]\nname = "m"\npath = "m.onnx"\n[report]\nplugins = ["mine.py"]\n'
        'analyzers = ["compile_time"]\n'
    )
    target = tmp_path / "report.html"
    result = ovreport("render", report, "--config", config, "-o", target)
    assert result.exit_code == 0, result.output
    assert "Compile time" in target.read_text()
