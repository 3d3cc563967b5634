"""The page: sections and their templates become one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import inspect
import re
import traceback
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ovreport.analysis import Analysis
from ovreport.plugin import Analyzer
from ovreport.rendering import cells, packing
from ovreport.rendering.charts.process import draw_here
from ovreport.rendering.diagrams.correspondence import Correspondence
from ovreport.rendering.diagrams.diagram import DiagramSvg, render_diagram
from ovreport.rendering.glossary import Glossary
from ovreport.rendering.highlights import Highlight, highlights, worst_first
from ovreport.rendering.script import page_script
from ovreport.run import Run
from ovreport.runfile import pack
from ovreport.section import (
    Block,
    Chart,
    Crashed,
    Diagram,
    Download,
    Facts,
    KeyFigures,
    Section,
    Skipped,
    Table,
    Text,
    column_units,
)
from ovreport.text import numbers as formatting
from ovreport.text.html import css_in_html, csv_address, normalised
from ovreport.text.labels import count, label

_TEMPLATES = "ovreport_templates"
# Characters of a section; those of usual models are smaller.
_LARGE = 200_000


@dataclass(frozen=True)
class PagePart:
    """One analyzer's place in the page: its section as HTML, or why there is none."""

    analyzer: Analyzer
    body: Markup | Skipped | Crashed
    alarms: int = 0
    """Findings that ask for attention, counted in the navigation."""
    others: tuple[Analyzer, ...] = ()
    """Analyzers after this one that have nothing to show for the same reason."""

    @property
    def is_large(self) -> bool:
        """Whether a browser takes a noticeable time to lay it out."""
        return isinstance(self.body, Markup) and len(self.body) > _LARGE


def render(
    run: Run,
    analyses: Sequence[Analysis],
    *,
    with_data: bool = True,
    templates: Mapping[str, Path] | None = None,
    draw: Callable[[Chart], str] | None = None,
) -> str:
    """The whole page. The same run and sections give the same bytes.

    Args:
        with_data: embed the run, so that the report can be rendered and compared again.
        templates: files that arrange sections instead of the analyzers' own, by analyzer id.
        draw: makes an ``<svg>`` element of a chart; by default here and now.
    """
    with ThreadPoolExecutor(max_workers=1) as executor:
        # Compressing leaves the interpreter to the rest.
        packed = executor.submit(pack, run) if with_data else None
        return _page(run, analyses, templates or {}, draw or draw_here, packed)


def _page(
    run: Run,
    analyses: Sequence[Analysis],
    templates: Mapping[str, Path],
    draw: Callable[[Chart], str],
    packed: Future[str] | None,
) -> str:
    rules: list[str] = []
    together = Correspondence()
    glossary = Glossary()
    environment = _environment(rules, together, glossary, draw)
    first = highlights(analyses)
    parts = []
    for analysis in analyses:
        glossary.new_section()
        own = templates.get(analysis.analyzer.id) or _own_template(analysis.analyzer)
        parts.append(_part(analysis, environment, own, first))
    terms = list(glossary.used())
    parts = _folded(parts)
    parts = _without_dead_links(parts, {anchor for anchor, _, _ in terms})
    style = "".join(
        [
            _resource("style.css"),
            _resource("diagram.css"),
            cells.rules(),
            *rules,
            together.css(),
            css_in_html(run.header.appearance.css),
        ]
    )
    style = normalised(style)
    script = page_script()
    page = environment.get_template("report.html").render(
        run=run,
        parts=parts,
        glossary=terms,
        title=_title(run),
        notes=_report_setting(run, "notes") or "",
        style=Markup(style),
        script=Markup(script),
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
        data=packed.result() if packed else None,
    )
    return normalised(page)


# ---------------------------------------------------------------------------- sections


def _part(
    analysis: Analysis, environment: Environment, own: Path | None, first: Sequence[Highlight]
) -> PagePart:
    outcome = analysis.outcome
    if not isinstance(outcome, Section):
        return PagePart(analysis.analyzer, outcome)
    try:
        body = _body(outcome, analysis.analyzer, environment, own, first)
    except Exception as error:  # whatever a plugin's data or template makes of it; shown as a card
        summary = traceback.format_exception_only(error)[-1].strip()
        return PagePart(
            analysis.analyzer, Crashed(summary, "".join(traceback.format_exception(error)))
        )
    alarms = sum(finding.severity in ("problem", "warning") for finding in outcome.findings)
    return PagePart(analysis.analyzer, body, alarms)


def _body(
    section: Section,
    analyzer: Analyzer,
    environment: Environment,
    own: Path | None,
    first: Sequence[Highlight],
) -> Markup:
    template = (
        environment.get_template("section.html")
        if own is None
        else environment.from_string(own.read_text(encoding="utf-8"))
    )
    page = template.render(section=section, analyzer=analyzer, highlights=first)
    return Markup(normalised(page))


def _folded(parts: Sequence[PagePart]) -> list[PagePart]:
    """Sections that are left out for the same reason stand together, where the first would be."""
    alike: dict[str, list[Analyzer]] = defaultdict(list)
    for part in parts:
        if isinstance(part.body, Skipped):
            alike[part.body.reason].append(part.analyzer)
    return [
        replace(part, others=tuple(alike[part.body.reason][1:]))
        if isinstance(part.body, Skipped)
        else part
        for part in parts
        if not isinstance(part.body, Skipped) or alike[part.body.reason][0] is part.analyzer
    ]


_ID = re.compile(r' id="([^"]+)"')
_HREF = re.compile(r' href="#([^"]*)"')
_LINK = re.compile(r'(<a(?: class="[a-z ]*")?) href="#([^"]*)"')


def _without_dead_links(parts: Sequence[PagePart], elsewhere: Set[str]) -> list[PagePart]:
    """Links to what this page does not hold become plain text.

    Args:
        elsewhere: ids outside of the sections.

    A section cannot know whether another one is shown, or a diagram was too large to draw.
    """
    bodies = [part.body for part in parts if isinstance(part.body, Markup)]
    shown = (analyzer for part in parts for analyzer in (part.analyzer, *part.others))
    there = {analyzer.id for analyzer in shown}.union(elsewhere, *map(_ID.findall, bodies))

    def keep(link: re.Match[str]) -> str:
        return link[0] if link[2] in there else link[1]

    def alive(body: str) -> str:
        # Most sections have none that is dead, and may have ten thousand links.
        return body if there.issuperset(_HREF.findall(body)) else _LINK.sub(keep, body)

    return [
        replace(part, body=Markup(packing.pack_parts(alive(part.body))))
        if isinstance(part.body, Markup)
        else part
        for part in parts
    ]


def _own_template(analyzer: Analyzer) -> Path | None:
    """``section.html`` beside the module of the analyzer's class, if there is one."""
    path = Path(inspect.getfile(type(analyzer))).with_name("section.html")
    return path if path.is_file() else None


# ---------------------------------------------------------------------------- templates


def _environment(
    rules: list[str],
    together: Correspondence,
    glossary: Glossary,
    draw: Callable[[Chart], str],
) -> Environment:
    """The templates' surroundings; drawing a diagram adds its CSS to ``rules``.

    A policy that knows one style element by its hash wants all rules in that one.
    """

    def draw_diagram(diagram: Diagram) -> DiagramSvg:
        drawn = render_diagram(diagram, together)
        rules.append(drawn.css)
        return drawn

    environment = Environment(
        loader=PackageLoader(_TEMPLATES, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        block_kind=_block_kind,
        draw=lambda chart: Markup(draw(chart)),
        data_url=csv_address,
        draw_diagram=draw_diagram,
        explained=glossary.linked,
        facts_list=cells.facts_list,
        label=label,
        link=cells.link,
        range_of=formatting.span,
        folded_table=packing.folded_table,
        picture=packing.picture,
        rows=cells.rows,
        show=formatting.show,
        sureness=cells.sureness,
        units_of=column_units,
        worst_first=worst_first,
    )
    environment.filters["count"] = count
    return environment


_BLOCK_KINDS: dict[type[Block], str] = {
    Text: "text",
    KeyFigures: "key_figures",
    Facts: "facts",
    Table: "table",
    Chart: "chart",
    Diagram: "diagram",
    Download: "download",
}


def _block_kind(block: Block) -> str:
    return _BLOCK_KINDS[type(block)]


# ---------------------------------------------------------------------------- the page's frame


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
