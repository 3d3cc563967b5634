"""The page: sections and their templates become one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, DictLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ovreport.analysis import Analysis
from ovreport.labels import count, label
from ovreport.plugin import Analyzer
from ovreport.rendering import format as formatting
from ovreport.rendering.charts import draw
from ovreport.rendering.diagram import DiagramSvg, render_diagram
from ovreport.rendering.palette import colour
from ovreport.run import Run
from ovreport.runfile import pack
from ovreport.section import (
    Chart,
    Crashed,
    Diagram,
    Facts,
    Group,
    KeyFigures,
    Section,
    Severity,
    Skipped,
    Table,
    Text,
)
from ovreport.stats.estimate import Estimate

_TEMPLATES = "ovreport_templates"
_RANK: dict[Severity, int] = {"problem": 0, "warning": 1, "info": 2, "good": 3}


@dataclass(frozen=True)
class Part:
    """One analyzer's place in the page."""

    analyzer: Analyzer
    section: Section | None
    skipped: Skipped | None
    crashed: Crashed | None
    template: str

    @property
    def alarms(self) -> int:
        """Findings that ask for attention, shown in the navigation."""
        found = self.section.findings if self.section else ()
        return sum(finding.severity in ("problem", "warning") for finding in found)


def render(run: Run, analyses: Sequence[Analysis], *, with_data: bool = True) -> str:
    """The whole page. The same run and sections give the same bytes.

    Args:
        with_data: embed the run, so that the report can be rendered and compared again.
    """
    plugin_templates: dict[str, str] = {}
    parts = [_part(analysis, plugin_templates) for analysis in analyses]
    environment = _environment(plugin_templates)
    diagrams = _draw_diagrams(parts)
    style = _resource("style.css") + "".join(drawn.css for drawn in diagrams.values())
    script = _resource("report.js")
    template = environment.get_template("report.html")
    return template.render(
        run=run,
        parts=parts,
        title=_title(run),
        notes=_report_setting(run, "notes") or "",
        diagrams=diagrams,
        style=Markup(style),
        script=Markup(script),
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
        data=pack(run) if with_data else None,
    )


def _part(analysis: Analysis, plugin_templates: dict[str, str]) -> Part:
    outcome = analysis.outcome
    name = "section.html"
    own = _own_template(analysis.analyzer)
    if own is not None:
        name = f"{analysis.analyzer.id}/section.html"
        plugin_templates[name] = own
    return Part(
        analyzer=analysis.analyzer,
        section=outcome if isinstance(outcome, Section) else None,
        skipped=outcome if isinstance(outcome, Skipped) else None,
        crashed=outcome if isinstance(outcome, Crashed) else None,
        template=name,
    )


def _own_template(analyzer: Analyzer) -> str | None:
    """``section.html`` beside the module of the analyzer's class, if there is one."""
    path = Path(inspect.getfile(type(analyzer))).with_name("section.html")
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _environment(plugin_templates: dict[str, str]) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([DictLoader(plugin_templates), PackageLoader(_TEMPLATES, "")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        units_of=_units_of,
        show=formatting.show,
        interval=formatting.interval,
        explain=formatting.explain,
        number_of=formatting.number_of,
        label=label,
        draw=lambda chart: Markup(draw(chart)),
        colour=colour,
        block_kind=_block_kind,
        worst_first=lambda found: sorted(found, key=lambda f: (_RANK[f.severity], -(f.gain or 0))),
        is_estimate=lambda value: isinstance(value, Estimate),
    )
    environment.filters["count"] = count
    return environment


def _units_of(table: Table) -> dict[str, formatting.Unit]:
    """One unit for each column, by key."""
    return {
        column.key: formatting.unit_for(column.kind, (row.values[column.key] for row in table.rows))
        for column in table.columns
    }


_BLOCK_KINDS = {
    Text: "text",
    KeyFigures: "key_figures",
    Facts: "facts",
    Table: "table",
    Chart: "chart",
    Diagram: "diagram",
}


def _block_kind(block: Any) -> str:
    return _BLOCK_KINDS[type(block)]


def _draw_diagrams(parts: Sequence[Part]) -> dict[str, DiagramSvg]:
    """All diagrams by id; drawn first, as their rules belong into the page's one style element."""
    groups: list[Group] = [group for part in parts if part.section for group in part.section.groups]
    diagrams = [block for group in groups for block in group.blocks if isinstance(block, Diagram)]
    return {diagram.id: render_diagram(diagram) for diagram in diagrams}


def _title(run: Run) -> str:
    names = list(dict.fromkeys(model for model, _ in run.versions))
    return str(_report_setting(run, "title") or ", ".join(names))


def _report_setting(run: Run, key: str) -> Any:
    report = run.header.config.get("report")
    return report.get(key) if isinstance(report, dict) else None


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _resource(name: str) -> str:
    return files(_TEMPLATES).joinpath(name).read_text(encoding="utf-8").strip()
