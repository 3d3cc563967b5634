"""What an analyzer returns: findings, tables, charts and diagrams as data, no HTML yet.

Everything here is frozen and plain, so that one renderer shows all sections alike and another
program can read them. Durations are in seconds, shares are fractions of one, sizes are bytes: the
renderer chooses the unit a reader sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from ovreport.stats.estimate import Estimate
from ovreport.text.numbers import Series, Unit, common_units
from ovreport.text.values import Kind, Link, Role, Value

# ---------------------------------------------------------------------------- values


# ---------------------------------------------------------------------------- blocks


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column. ``key`` is looked up in every row; ``unit`` is shown in the heading."""

    key: str
    label: str
    kind: Kind = "text"
    unit: str = ""
    help: str = ""
    """A glossary term's explanation, shown at the heading."""
    optional: bool = False
    """Put away at first where scripts can show it again, so that the others fit a screen."""
    kept: bool = False
    """Shown even if no row has a value, as the page's script writes into it."""


@dataclass(frozen=True, slots=True)
class Row:
    """Values by column key. ``anchor`` makes the row a link target; ``details`` open below it."""

    values: Mapping[str, Value]
    anchor: str = ""
    details: Sequence[Facts | Table] = ()
    emphasis: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns.

    Raises:
        ValueError: a row lacks a column or has one that no column names.
    """

    id: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    note: str = ""
    """One sentence on how to read it."""
    collapsed: bool = False
    leave_out: bool = False
    """A reader may take rows out of the distribution; the shares of the others follow. Needs the
    columns ``time`` and ``share``."""

    def __post_init__(self) -> None:
        keys = {column.key for column in self.columns}
        if self.leave_out and not keys >= {"time", "share"}:
            raise ValueError(f"table {self.id!r}: leave_out needs columns 'time' and 'share'")
        for row in self.rows:
            if row.values.keys() != keys:
                odd = sorted(keys.symmetric_difference(row.values.keys()))
                raise ValueError(f"table {self.id!r}: columns and a row differ in {odd}")

    @property
    def filled(self) -> Table:
        """The table without columns that hold nothing in any row; the first names the rows."""
        columns = [
            column
            for place, column in enumerate(self.columns)
            if place == 0
            or column.kept
            or any(row.values[column.key] not in (None, "", ()) for row in self.rows)
        ]
        if len(columns) == len(self.columns):
            return self
        keys = [column.key for column in columns]
        rows = [replace(row, values={key: row.values[key] for key in keys}) for row in self.rows]
        leave_out = self.leave_out and {"time", "share"}.issubset(keys)
        return replace(self, columns=columns, rows=rows, leave_out=leave_out)


def column_units(table: Table) -> dict[str, Unit]:
    """The unit of each column, by key; durations of a table share one, so that they compare."""
    columns = [
        Series(c.kind, [row.values[c.key] for row in table.rows], c.optional) for c in table.columns
    ]
    return dict(zip((c.key for c in table.columns), common_units(columns), strict=True))


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values, one a line."""

    id: str
    title: str
    facts: Sequence[tuple[str, Value, Kind]]
    collapsed: bool = False


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """A figure for the eye: large, with its unit and a line below.

    ``link`` is the anchor of its evidence.
    """

    label: str
    value: Value
    kind: Kind
    note: str = ""
    unit: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """Some figures that a reader sees first."""

    id: str
    figures: Sequence[KeyFigure]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph of plain text."""

    id: str
    text: str


# ---------------------------------------------------------------------------- charts


@dataclass(frozen=True, slots=True)
class Axis:
    """``kind`` gives unit and digits; ``categories`` makes it an axis of names instead."""

    label: str
    kind: Kind = "number"
    unit: str = ""
    from_zero: bool = True
    log: bool = False
    categories: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Points:
    """Marks at (x, y), with the intervals of either coordinate and an optional label each.

    ``links`` are anchors that the marks lead to. ``sizes`` are the marks' areas, the largest as
    one. ``id`` lets the page's script find the series.
    """

    x: Sequence[float | Estimate]
    y: Sequence[float | Estimate]
    role: Role
    label: str = ""
    """Of the series, for the legend."""
    names: Sequence[str] = ()
    joined: bool = False
    emphasis: bool = False
    links: Sequence[str] = ()
    sizes: Sequence[float] = ()
    id: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points, without marks: ``name`` before it, ``label`` in the legend."""

    x: Sequence[float]
    y: Sequence[float]
    role: Role
    label: str = ""
    name: str = ""
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """One bar a category; ``roles`` is one for all or one each. Bars of several marks stack.

    ``starts`` is where each bar begins, as in a waterfall; without it all begin at zero.
    """

    values: Sequence[float | Estimate]
    roles: Sequence[Role]
    label: str = ""
    horizontal: bool = True
    starts: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts between ascending edges: ``len(edges) == len(counts) + 1``."""

    edges: Sequence[float]
    counts: Sequence[float]
    role: Role
    label: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """The area between two curves, such as a 5th and a 95th percentile over time."""

    x: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    role: Role
    label: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the chart at one value, with a word on it; ``id`` is for scripts."""

    value: float
    label: str
    vertical: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """``values[row][column]``; None is an empty field. Both axes need categories.

    ``bare`` fields, (row, column), have their number and no part in the colours.
    """

    values: Sequence[Sequence[float | None]]
    kind: Kind
    label: str = ""
    bare: frozenset[tuple[int, int]] = frozenset()


Mark: TypeAlias = "Points | Line | Bars | Histogram | Band | Rule | HeatMap"


@dataclass(frozen=True, slots=True)
class Chart:
    """Marks over two axes. ``title`` states what is seen; ``alt`` says it without the picture."""

    id: str
    title: str
    x: Axis
    y: Axis
    marks: Sequence[Mark]
    alt: str
    height: float = 3.2
    """Inches; the width is the page's."""


# ---------------------------------------------------------------------------- diagrams


@dataclass(frozen=True, slots=True)
class DiagramNode:
    """A box. ``fills`` gives its colour in each colouring: a role, or a share of one for scales."""

    id: str
    """Also its anchor in the report."""
    lines: Sequence[str]
    """What it is, such as a layer's type; then up to two more, such as a name and a time."""
    tooltip: str
    """Lines: the whole name, then one fact each, as ``what: value``."""
    fills: Mapping[str, Role | float]
    link: str = ""
    """Anchor that a click leads to, such as the layer's table row. Nodes with the same link, in
    whatever diagram, show the same thing."""
    emphasis: bool = False
    duration_s: float = 0.0
    name: str = ""
    """Whole; a block of nodes is called by what their names share."""


@dataclass(frozen=True, slots=True)
class DiagramEdge:
    """An arrow between node ids; ``marked`` draws it apart (a change of precision).

    ``label``, such as a tensor's shape, is written beside the arrow, once for each source.
    """

    source: str
    target: str
    label: str = ""
    marked: bool = False
    critical: bool = False
    """On the path that takes longest."""


@dataclass(frozen=True, slots=True)
class Colouring:
    """One way to colour all nodes.

    ``scale`` makes it a continuous one: labels of its steps, in even distances from 0 to 1.
    """

    id: str
    label: str
    scale: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Diagram:
    """A graph to be drawn by Graphviz, top to bottom."""

    id: str
    title: str
    nodes: Sequence[DiagramNode]
    edges: Sequence[DiagramEdge]
    colourings: Sequence[Colouring]
    alt: str
    collapsed: bool = False
    name: str = ""
    """In a word or two, for links from other diagrams."""
    inner: Sequence[Diagram] = ()
    """What nodes hold inside, such as the branches of an ``If``."""
    inside: str = ""
    """Id of the node, in another diagram, that holds this one."""

    @property
    def duration_s(self) -> float:
        """Of all nodes."""
        return sum(node.duration_s for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Download:
    """A file inside the report, which a reader can save without scripts."""

    id: str
    text: str
    """What is clicked on."""
    name: str
    """Of the file; ends in ``.csv``."""
    content: str


Block: TypeAlias = "Text | KeyFigures | Facts | Table | Chart | Diagram | Download"


# ---------------------------------------------------------------------------- findings

Severity = Literal["good", "info", "warning", "problem"]
Topic = Literal[
    "verdict",  # whether a version is better, or still the same model: what a run is made to learn
    "disturbance",  # what a busy or unsteady machine did to the run
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a reader should know.

    ``id`` is stable, so that a config can suppress it (``[report] suppress = ["…"]``). ``gain`` is
    the most that acting on it could save, as a fraction of the latency (Amdahl), so that readers
    start with what pays.
    """

    id: str
    severity: Severity
    text: str
    """One sentence with its figures."""
    remedy: str = ""
    evidence: Sequence[Link] = ()
    gain: float | None = None
    check: str = ""
    """How a reader sees whether the remedy helped."""
    topic: Topic | None = None
    """The first screen always shows one verdict of each section, and all disturbances as one."""


@dataclass(frozen=True, slots=True)
class Section:
    """One analyzer's part of the report.

    ``groups`` split it, for instance by model version: (heading, blocks). A heading may be empty.
    """

    groups: Sequence[Group]
    findings: Sequence[Finding] = ()
    verdict: str = ""
    """The section's answer in one sentence, shown under its title."""


@dataclass(frozen=True, slots=True)
class Group:
    """Blocks under one heading of a section."""

    heading: str
    blocks: Sequence[Block]
    id: str = ""

    def block(self, id: str) -> Block:
        """The block with this id, for templates that arrange blocks by hand."""
        return next(block for block in self.blocks if block.id == id)


@dataclass(frozen=True, slots=True)
class Skipped:
    """The analyzer had nothing to work with; ``reason`` says what was missing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """The analyzer raised; the rest of the report is whole."""

    error: str
    trace: str = field(repr=False)
