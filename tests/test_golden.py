"""The text of every section for the recorded runs, compared with the last reviewed text.

After an intended change of words or figures, renew the files and read their git diff::

    python -m pytest tests/test_golden.py --renew-golden
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ovreport.analysis import Analysis, analyze, installed
from ovreport.runfile import read_run
from ovreport.section import (
    Block,
    Chart,
    Diagram,
    Facts,
    Finding,
    KeyFigures,
    Section,
    Skipped,
    Table,
    Text,
    column_units,
)
from ovreport.stats.estimate import Estimate
from ovreport.text.numbers import Unit, interval, show
from ovreport.text.values import Kind, Value

FOLDER = Path(__file__).with_name("golden")
RUNS = sorted(Path(__file__).with_name("data").glob("*.jsonl"))
# Enough rows of a table to see the content of each column and the order of rows.
_ROWS = 3


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_sections_have_their_golden_text(path: Path, request: pytest.FixtureRequest) -> None:
    """Compare the text of each section with its file in ``golden/``."""
    analyses = analyze(read_run(path), [kind() for kind in installed().values()])
    texts = {f"{analysis.analyzer.id}.txt": _text(analysis) for analysis in analyses}
    folder = FOLDER / path.stem
    if request.config.getoption("--renew-golden"):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.txt"):
            old.unlink()
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    assert sorted(file.name for file in folder.glob("*.txt")) == sorted(texts)
    for name, text in texts.items():
        assert text == (folder / name).read_text(encoding="utf-8"), f"{name}: --renew-golden?"


def _text(analysis: Analysis) -> str:
    return "".join(f"{line.rstrip()}\n" for line in _lines(analysis))


def _lines(analysis: Analysis) -> Iterator[str]:
    yield f"# {analysis.analyzer.title}"
    section = analysis.outcome
    if isinstance(section, Skipped):
        yield f"skipped: {section.reason}"
        return
    assert isinstance(section, Section), section
    if section.verdict:
        yield section.verdict
    for finding in section.findings:
        yield from _finding(finding)
    for group in section.groups:
        yield ""
        yield f"## {group.heading}"
        for block in group.blocks:
            yield from _block(block)


def _finding(finding: Finding) -> Iterator[str]:
    yield ""
    gain = "" if finding.gain is None else f" (gain {show(finding.gain, 'share')})"
    yield f"[{finding.severity}] {finding.id}{gain}: {finding.text}"
    if finding.remedy:
        yield f"  remedy: {finding.remedy}"
    if finding.check:
        yield f"  check: {finding.check}"
    if finding.evidence:
        yield f"  evidence: {', '.join(link.text for link in finding.evidence)}"


def _block(block: Block) -> Iterator[str]:
    yield ""
    match block:
        case Table():
            yield from _table(block)
        case Facts():
            yield f"facts: {block.title}"
            for name, value, kind in block.facts:
                yield f"  {name}: {_shown(value, kind)}"
        case KeyFigures():
            yield f"figures: {block.title}"
            for figure in block.figures:
                shown = f"{_shown(figure.value, figure.kind)} {figure.unit}".rstrip()
                yield f"  {figure.label}: {shown}; {figure.note}"
        case Text():
            yield block.text
        case Chart():
            yield f"chart: {block.title}"
        case Diagram():
            yield f"diagram: {block.title}, {len(block.nodes)} nodes, {len(block.edges)} edges"
        case _:
            yield f"file: {block.name}"


def _table(table: Table) -> Iterator[str]:
    yield f"table: {table.title}, {len(table.rows)} rows"
    if table.note:
        yield f"  note: {table.note}"
    units = column_units(table)
    yield "  " + " | ".join(column.label for column in table.columns)
    for row in table.rows[:_ROWS]:
        yield "  " + " | ".join(
            _shown(row.values[column.key], column.kind, units[column.key])
            for column in table.columns
        )


def _shown(value: Value, kind: Kind, unit: Unit | None = None) -> str:
    """Return a value as the page shows it, an estimate with its interval."""
    text = show(value, kind, unit)
    return f"{text} {interval(value, kind, unit)}" if isinstance(value, Estimate) else text
