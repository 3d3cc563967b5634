"""Run the tests on every Python that is promised, and with the lowest versions of dependencies.

    nox                       # all of it; `nox -l` lists the sessions
    nox -s tests-3.12 -- tests/test_gate.py

A Python that is not installed is skipped. pyenv or uv installs them.
"""

from __future__ import annotations

import re
from pathlib import Path

import nox

QUICK = ("-m", "not browser and not measures")

nox.options.error_on_missing_interpreters = False


@nox.session(python=["3.10", "3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """The tests without browsers and measurements, or those that are named after ``--``."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", *(session.posargs or QUICK))


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """The same tests with each dependency at the lowest version that pyproject.toml allows."""
    dependencies = nox.project.load_toml("pyproject.toml")["project"]["dependencies"]
    bounds = [re.match(r"([\w-]+)>=([\d.]+)$", dependency) for dependency in dependencies]
    constraints = Path(session.create_tmp(), "lowest.txt")
    constraints.write_text("\n".join(f"{bound[1]}=={bound[2]}" for bound in bounds if bound))
    session.install("-e", ".[test]", "-c", str(constraints))
    session.run("python", "-m", "pytest", *(session.posargs or QUICK))
