"""The page's scripts in Node: syntax, filter grammar, CSV, sorting."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from ovreport.rendering.script import MODULES, TEMPLATES, page_script

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")
TESTS = sorted(Path(__file__).with_name("scripts").glob("*.test.mjs"))


def node(*arguments: str) -> None:
    done = subprocess.run([str(NODE), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_node
def test_scripts_pass_their_own_tests() -> None:
    assert len(TESTS) == 3
    node("--test", *map(str, TESTS))


@needs_node
@pytest.mark.parametrize("name", MODULES)
def test_a_module_of_the_page_is_valid(name: str) -> None:
    node("--check", str(files(TEMPLATES) / name))


@needs_node
def test_the_joined_script_is_valid_and_no_two_modules_use_a_name(tmp_path: Path) -> None:
    joined = tmp_path / "page.js"
    joined.write_text(page_script(), encoding="utf-8")
    node("--check", str(joined))


def test_what_a_module_imports_is_exported_by_one_before_it() -> None:
    exported: dict[str, set[str]] = {}
    for name in MODULES:
        source = (files(TEMPLATES) / name).read_text(encoding="utf-8")
        for names, origin in re.findall(r'^import \{ (.*?) \} from "\./(.*?)";$', source, re.M):
            assert set(names.split(", ")) <= exported[origin]
        exported[name] = set(re.findall(r"^export function (\w+)", source, re.M))
    assert not re.search(r"^(import|export) ", page_script(), re.M)
