"""What the doors for third parties promise: every plugin, ours included, uses the same ones."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import ovreport
from ovreport.analysis import installed

PACKAGE = Path(ovreport.__file__).parent


def texts(path: Path) -> Iterator[str]:
    """Every string in a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_module_outside_the_plugins_names_a_finding_of_one() -> None:
    finding = re.compile(rf"({'|'.join(installed())})\.(?!html|csv|json)[a-z-]+")
    named = [
        (path.name, text)
        for path in PACKAGE.rglob("*.py")
        for text in texts(path)
        if finding.fullmatch(text)
    ]
    assert named == []
