"""The tables of all sections as records: what the page shows, unrounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ovreport.analysis import Analysis
from ovreport.export.records import Json, JsonObject
from ovreport.section import Column, Section, Table
from ovreport.stats.estimate import Estimate
from ovreport.text.numbers import number_of
from ovreport.text.values import Kind, Link, Tag, Value

# The units in which sections give figures of these kinds: see ovreport/section.py.
_SUFFIXES: Mapping[Kind, str] = {
    "duration": "_s",
    "bytes": "_bytes",
    "rate": "_fps",
    "tokens": "_tokens_per_s",
}


def section_records(analyses: Sequence[Analysis]) -> Iterator[JsonObject]:
    """Yield a record for each section: its tables, with their ids on the page."""
    for analysis in analyses:
        if isinstance(analysis.outcome, Section):
            yield {
                "analyzer": analysis.analyzer.id,
                "title": analysis.analyzer.title,
                "tables": [
                    record
                    for group in analysis.outcome.groups
                    for block in group.blocks
                    if isinstance(block, Table)
                    for record in _tables(block, group.heading)
                ],
            }


def _tables(table: Table, heading: str, inside: JsonObject | None = None) -> Iterator[JsonObject]:
    """Yield the table, then the tables that open below its rows.

    Args:
        heading: the heading of the table's group, such as a version.
        inside: the table and row below which it opens.
    """
    names = _names(table.columns)
    yield {
        "id": table.id,
        "group": heading,
        "title": table.title,
        "inside": inside,
        "columns": [
            {"name": names[c.key], "label": c.label, "kind": c.kind, "unit": c.unit}
            for c in table.columns
        ],
        "rows": [{names[k]: _value(v) for k, v in row.values.items()} for row in table.rows],
    }
    for place, row in enumerate(table.rows):
        for part in row.details:
            if isinstance(part, Table):
                yield from _tables(part, heading, {"table": table.id, "row": place})


def _names(columns: Sequence[Column]) -> dict[str, str]:
    """Return column names by key: with the unit, unless another column has that name."""
    keys = {column.key for column in columns}
    names = {}
    for column in columns:
        suffix = _SUFFIXES.get(column.kind, "")
        has_unit = f"_{column.key}".endswith(suffix)
        name = column.key if has_unit else column.key + suffix
        names[column.key] = column.key if name in keys else name
    return names


def _value(value: Value) -> Json:
    """Return the value of a cell of a table; None if it is missing or not finite."""
    if isinstance(value, Estimate):
        has_interval = value.confidence or value.low != value.high
        return {
            "point": number_of(value),
            "low": number_of(value.low) if has_interval else None,
            "high": number_of(value.high) if has_interval else None,
        }
    if isinstance(value, Link):
        return value.spelled
    if isinstance(value, tuple):
        return [link.spelled for link in value]
    if isinstance(value, Tag):
        return value.text
    if isinstance(value, (bool, int, str)):
        return value
    return number_of(value)
