"""What an analyzer returns: findings, tables, charts and diagrams as data, not as HTML.

All types are frozen and plain, so that one renderer shows all sections alike and other programs
can read them. Durations are in seconds, shares are fractions of one, sizes are in bytes; the
renderer chooses the unit that a reader sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from ovreport.stats.estimate import Estimate
from ovreport.text.numbers import Series, Unit, common_units
from ovreport.text.values import Kind, Link, Role, Value

# ---------------------------------------------------------------------------- blocks


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: ``key`` finds its value in each row; ``unit`` stands in the heading."""

    key: str
    label: str
    kind: Kind = "text"
    unit: str = ""
    help: str = ""
    """A glossary term's explanation, shown at the heading."""
    optional: bool = False
    """Hidden at first if scripts can show it again, so that the other columns fit a screen."""
    kept: bool = False
    """Shown even if no row has a value, because the page's script fills it."""


@dataclass(frozen=True, slots=True)
class Row:
    """Values by column key; links lead to ``anchor``, and ``details`` open below the row."""

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
    """One sentence on how to read the table."""
    collapsed: bool = False
    leave_out: bool = False
    """Readers may leave rows out, and the shares of the others are computed again. Needs the
    columns ``time`` and ``share``."""

    def __post_init__(self) -> None:
        keys = {column.key for column in self.columns}
        if self.leave_out and not keys >= {"time", "share"}:
            raise ValueError(f"table {self.id!r}: leave_out needs columns 'time' and 'share'")
        for row in self.rows:
            if row.values.keys() != keys:
                differing = sorted(keys.symmetric_difference(row.values.keys()))
                raise ValueError(f"table {self.id!r}: columns and a row differ in {differing}")

    @property
    def filled(self) -> Table:
        """The table without empty columns; the first column names the rows and always stays."""
        columns = [
            column
            for index, column in enumerate(self.columns)
            if index == 0
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
    """Return the unit of each column by key; all durations of a table share one unit."""
    columns = [
        Series(c.kind, [row.values[c.key] for row in table.rows], c.optional) for c in table.columns
    ]
    return dict(zip((c.key for c in table.columns), common_units(columns), strict=True))


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and their values, one pair on each line."""

    id: str
    title: str
    facts: Sequence[tuple[str, Value, Kind]]
    collapsed: bool = False


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """A figure in large type with its unit and a note below; ``link`` is its evidence's anchor."""

    label: str
    value: Value
    kind: Kind
    note: str = ""
    unit: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """The figures that a reader should see first."""

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
    """An axis of numbers, whose ``kind`` sets unit and digits, or of names (``categories``)."""

    label: str
    kind: Kind = "number"
    unit: str = ""
    from_zero: bool = True
    log: bool = False
    categories: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Points:
    """Marks at (x, y), with intervals of both coordinates and an optional name for each mark.

    ``links`` are the anchors that the marks lead to. ``sizes`` are relative areas of the marks,
    the largest being 1. ``id`` lets the page's script find the series.
    """

    x: Sequence[float | Estimate]
    y: Sequence[float | Estimate]
    role: Role
    label: str = ""
    """The name of the series in the legend."""
    names: Sequence[str] = ()
    joined: bool = False
    emphasis: bool = False
    links: Sequence[str] = ()
    sizes: Sequence[float] = ()
    id: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points: ``name`` stands at its start, ``label`` in the legend."""

    x: Sequence[float]
    y: Sequence[float]
    role: Role
    label: str = ""
    name: str = ""
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """One bar for each category; bars of several marks are stacked.

    ``roles`` holds one role for all bars or one for each. ``starts`` is where each bar begins, as
    in a waterfall chart; without it all begin at zero.
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
    """A labelled line across the chart at one value; ``id`` lets the page's script find it."""

    value: float
    label: str
    vertical: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Coloured fields ``values[row][column]``; None is an empty field. Both axes need categories.

    Fields (row, column) in ``bare`` show their number without a colour.
    """

    values: Sequence[Sequence[float | None]]
    kind: Kind
    label: str = ""
    bare: frozenset[tuple[int, int]] = frozenset()


Mark: TypeAlias = "Points | Line | Bars | Histogram | Band | Rule | HeatMap"


@dataclass(frozen=True, slots=True)
class Chart:
    """Marks over two axes; ``title`` states what the chart shows, ``alt`` describes it in words."""

    id: str
    title: str
    x: Axis
    y: Axis
    marks: Sequence[Mark]
    alt: str
    height: float = 3.2
    """The height in inches; the page sets the width."""


# ---------------------------------------------------------------------------- diagrams


@dataclass(frozen=True, slots=True)
class DiagramNode:
    """A box of a diagram."""

    id: str
    """Also the node's anchor in the report."""
    lines: Sequence[str]
    """The kind of node, such as a layer's type; then up to two more, such as a name and a time."""
    tooltip: str
    """The full name, then one fact on each line, as ``name: value``."""
    fills: Mapping[str, Role | float]
    """The node's colour in each colouring: a role, or a position from 0 to 1 on a scale."""
    link: str = ""
    """The anchor that a click leads to, such as the layer's table row. Nodes of any diagrams with
    the same link show the same thing."""
    emphasis: bool = False
    duration_s: float = 0.0
    name: str = ""
    """The full name; a block of nodes is named by what their names share."""


@dataclass(frozen=True, slots=True)
class DiagramEdge:
    """An arrow between node ids; ``marked`` draws it differently (a change of precision).

    ``label``, such as a tensor's shape, is written at the arrow, once for each source.
    """

    source: str
    target: str
    label: str = ""
    marked: bool = False
    critical: bool = False
    """Whether the edge is on the path that takes longest."""


@dataclass(frozen=True, slots=True)
class Colouring:
    """One way to colour all nodes.

    ``scale`` makes it continuous: it holds the labels of the steps, at even distances from 0 to 1.
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
    """One or two words for links from other diagrams."""
    inner: Sequence[Diagram] = ()
    """Diagrams of what nodes contain, such as the branches of an ``If``."""
    inside: str = ""
    """The id of the node, in another diagram, that contains this diagram."""

    @property
    def duration_s(self) -> float:
        """The total duration of all nodes."""
        return sum(node.duration_s for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Download:
    """A file inside the report, which a reader can save even without scripts."""

    id: str
    text: str
    """The words of the link."""
    name: str
    """The file's name, which ends in ``.csv``."""
    content: str


Block: TypeAlias = "Text | KeyFigures | Facts | Table | Chart | Diagram | Download"


# ---------------------------------------------------------------------------- findings

Severity = Literal["good", "info", "warning", "problem"]
Topic = Literal[
    "verdict",  # answers the run's question: is a version better, is it still the same model?
    "disturbance",  # says how a busy or unsteady machine disturbed the run
    "unit",  # says what the figures count, without which they cannot be read
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact that a reader should know.

    ``id`` is stable, so that a config can suppress it (``[report] suppress = ["…"]``). ``gain`` is
    the most that acting on it could save, as a fraction of the latency (Amdahl), so that readers
    can start with the largest gain.
    """

    id: str
    severity: Severity
    text: str
    """One sentence with the figures."""
    remedy: str = ""
    evidence: Sequence[Link] = ()
    gain: float | None = None
    check: str = ""
    """How a reader sees whether the remedy helped."""
    topic: Topic | None = None
    """The first screen always shows one verdict of each section, all disturbances as one, and units
    before all else."""


@dataclass(frozen=True, slots=True)
class Section:
    """One analyzer's part of the report.

    ``groups`` divide it, for instance by model version. A group's heading may be empty.
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
        """Return the block with this id, for templates that arrange blocks themselves."""
        return next(block for block in self.blocks if block.id == id)


@dataclass(frozen=True, slots=True)
class Skipped:
    """The outcome of an analyzer without data to work with; ``reason`` says what was missing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """The outcome of an analyzer that raised an error; the rest of the report is complete."""

    error: str
    trace: str = field(repr=False)
