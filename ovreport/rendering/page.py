"""Render sections with their templates as one self-contained HTML file."""

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

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ovreport.analysis import Analysis
from ovreport.computed.settings import settings
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
# Characters of a section; sections of usual models have fewer.
_LARGE = 200_000


@dataclass(frozen=True)
class PagePart:
    """One analyzer's part of the page: its section as HTML, or why there is none."""

    analyzer: Analyzer
    body: Markup | Skipped | Crashed
    alarms: int = 0
    """The number of problems and warnings, shown in the navigation."""
    others: tuple[Analyzer, ...] = ()
    """Later analyzers that have nothing to show for the same reason."""

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
    """Render the whole page. The same run and sections give the same bytes.

    Args:
        with_data: embed the run, so that the report can be rendered and compared again.
        templates: files that replace the analyzers' templates, by analyzer id.
        draw: makes an ``<svg>`` element of a chart; by default in this process.
    """
    with ThreadPoolExecutor(max_workers=1) as executor:
        # zlib releases the interpreter lock, so that rendering continues meanwhile.
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
    correspondence = Correspondence()
    glossary = Glossary(name for version in run.versions for name in version)
    environment = _environment(rules, correspondence, glossary, draw)
    first_screen = highlights(analyses)
    parts = []
    for analysis in analyses:
        glossary.new_section()
        template_file = templates.get(analysis.analyzer.id) or _template_of(analysis.analyzer)
        parts.append(_part(analysis, environment, template_file, first_screen))
    terms = list(glossary.used())
    parts = _folded(parts)
    parts = _without_dead_links(parts, {anchor for anchor, _, _ in terms})
    style = "".join(
        [
            _resource("style.css"),
            _resource("diagram.css"),
            cells.rules(),
            *rules,
            correspondence.css(),
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
        notes=settings(run).report.notes,
        style=Markup(style),
        script=Markup(script),
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
        data=packed.result() if packed else None,
    )
    return normalised(page)


# ---------------------------------------------------------------------------- sections


def _part(
    analysis: Analysis,
    environment: Environment,
    template_file: Path | None,
    first_screen: Sequence[Highlight],
) -> PagePart:
    outcome = analysis.outcome
    if not isinstance(outcome, Section):
        return PagePart(analysis.analyzer, outcome)
    try:
        body = _body(outcome, analysis.analyzer, environment, template_file, first_screen)
    except Exception as error:  # any fault of a plugin's data or template; the page shows it
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
    template_file: Path | None,
    first_screen: Sequence[Highlight],
) -> Markup:
    template = (
        environment.get_template("section.html")
        if template_file is None
        else environment.from_string(template_file.read_text(encoding="utf-8"))
    )
    page = template.render(section=section, analyzer=analyzer, highlights=first_screen)
    return Markup(normalised(page))


def _folded(parts: Sequence[PagePart]) -> list[PagePart]:
    """Join sections that are left out for the same reason, at the place of the first."""
    same_reason: dict[str, list[Analyzer]] = defaultdict(list)
    for part in parts:
        if isinstance(part.body, Skipped):
            same_reason[part.body.reason].append(part.analyzer)
    return [
        replace(part, others=tuple(same_reason[part.body.reason][1:]))
        if isinstance(part.body, Skipped)
        else part
        for part in parts
        if not isinstance(part.body, Skipped) or same_reason[part.body.reason][0] is part.analyzer
    ]


_ID = re.compile(r' id="([^"]+)"')
_HREF = re.compile(r' href="#([^"]*)"')
_LINK = re.compile(r'(<a(?: class="[a-z ]*")?) href="#([^"]*)"')


def _without_dead_links(parts: Sequence[PagePart], other_ids: Set[str]) -> list[PagePart]:
    """Turn links to anchors that this page does not have into plain text.

    A section cannot know whether another one is shown, or whether a diagram was too large to draw.

    Args:
        other_ids: ids outside of the sections.
    """
    bodies = [part.body for part in parts if isinstance(part.body, Markup)]
    shown = (analyzer for part in parts for analyzer in (part.analyzer, *part.others))
    all_ids = {analyzer.id for analyzer in shown}.union(other_ids, *map(_ID.findall, bodies))

    def keep(link: re.Match[str]) -> str:
        return link[0] if link[2] in all_ids else link[1]

    def without_dead(body: str) -> str:
        # Most sections have no dead link, but may have ten thousand links.
        return body if all_ids.issuperset(_HREF.findall(body)) else _LINK.sub(keep, body)

    return [
        replace(part, body=Markup(packing.pack_parts(without_dead(part.body))))
        if isinstance(part.body, Markup)
        else part
        for part in parts
    ]


def _template_of(analyzer: Analyzer) -> Path | None:
    """Return ``section.html`` next to the module of the analyzer's class, if it exists."""
    path = Path(inspect.getfile(type(analyzer))).with_name("section.html")
    return path if path.is_file() else None


# ---------------------------------------------------------------------------- templates


def _environment(
    rules: list[str],
    correspondence: Correspondence,
    glossary: Glossary,
    draw: Callable[[Chart], str],
) -> Environment:
    """Return the environment of the templates; drawing a diagram adds its CSS to ``rules``.

    All rules go into one style element, because the page's policy allows one by its hash.
    """

    def draw_diagram(diagram: Diagram) -> DiagramSvg:
        drawn = render_diagram(diagram, correspondence)
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
    return settings(run).report.title or ", ".join(names)


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _resource(name: str) -> str:
    return files(_TEMPLATES).joinpath(name).read_text(encoding="utf-8").strip()
