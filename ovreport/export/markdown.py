"""Verdicts and limits as Markdown, short enough for the summary of a CI job."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.computed.certainty import certainty
from ovreport.computed.criteria import word
from ovreport.computed.figures import figures
from ovreport.computed.matching import matched
from ovreport.computed.pairs import Comparison, comparisons, judged
from ovreport.computed.settings import settings
from ovreport.gate.checks import GateResult, Status
from ovreport.outputs.agreement import AGREE, agreements
from ovreport.outputs.words import in_words
from ovreport.run import Environment, Header, Run
from ovreport.text.labels import label
from ovreport.text.markdown import literal
from ovreport.text.numbers import interval, show

# A job summary must be short; the report has the rest.
_CELLS = 12
_LAYERS = 5
_SENTENCE = 600

# Signs of limits that are listed; kept limits are only counted.
_SIGNS: dict[Status, str] = {"broken": "❌", "inconclusive": "❔"}
# These criteria are always listed, others only if they changed.
_ALWAYS = frozenset({"throughput", "median"})


def markdown(
    run: Run,
    gate: GateResult,
) -> str:
    """Return the document: verdicts if versions were compared, otherwise figures."""
    names = ", ".join(dict.fromkeys(model for model, _ in run.versions))
    parts = [f"## {literal(names)}", _measured(run.header), *_limits(gate)]
    compared = comparisons(run)
    for comparison in compared:
        parts += [_verdicts(run, comparison), *_answers(run, comparison)]
        parts += [*_layers(run, comparison)]
    if not compared:
        parts.append(_figures(run))
    return "\n\n".join(parts) + "\n"


def _measured(header: Header) -> str:
    """Return processor and release, of both sides if the run compares two runs."""
    base, *others = [
        f"{literal(side.environment.cpu)}, OpenVINO {literal(_releases(side.environment))}"
        for side in ([o.header for o in header.origins] or [header])
    ]
    if not others or header.origins[0].header == header.origins[1].header:
        return base
    return f"Not measured side by side. Base: {base}. Candidate: {others[0]}."


def _releases(environment: Environment) -> str:
    """Return the releases of all runtimes: ``2025.4.1 and 2026.4.1``."""
    releases = [runtime.openvino.split("-")[0] for runtime in environment.runtimes]
    return " and ".join(dict.fromkeys(releases)) or environment.release


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: int) -> str:
    """Return a table whose last ``numbers`` columns are aligned to the right."""
    marks = ["---"] * (len(heads) - numbers) + ["---:"] * numbers
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, marks, *rows))


def _limits(gate: GateResult) -> list[str]:
    if not gate.outcomes:
        return []
    rows = [
        (sign, literal(o.rule), literal(f"{o.model}, {o.cell}"), literal(o.text, _SENTENCE))
        for status, sign in _SIGNS.items()
        for o in gate.outcomes
        if o.status == status
    ]
    counts = [f"{gate.count(status)} {status}" for status in (*_SIGNS, "passed")]
    parts = [f"### Limits: {', '.join(counts)}"]
    if rows:
        parts.append(_table(("", "Limit", "Where", "What"), rows, 0))
    return parts + [f"⚠️ {literal(warning, _SENTENCE)}" for warning in gate.warnings]


def _verdicts(run: Run, comparison: Comparison) -> str:
    cells = [a.cell for a, _ in comparison.pairs]
    rows = []
    for pair in comparison.pairs[:_CELLS]:
        for criterion in judged(run, *pair).shown:
            if criterion.name not in _ALWAYS and criterion.verdict not in ("faster", "slower"):
                continue
            rows.append(
                (
                    literal(label(pair[0].cell, cells)),
                    literal(criterion.label),
                    literal(word(criterion)),
                    show(criterion.a, criterion.kind),
                    show(criterion.b, criterion.kind),
                    f"{show(criterion.ratio, 'ratio')} {interval(criterion.ratio, 'ratio')}",
                )
            )
    heads = (
        "Configuration", "Criterion", "Verdict", literal(comparison.base),
        literal(comparison.other), "Ratio",
    )  # fmt: skip
    left = len(comparison.pairs) - _CELLS
    more = f"\n\n{left} more configurations are in the report." if left > 0 else ""
    return f"### {literal(comparison.heading)}\n\n{_table(heads, rows, 3)}{more}"


def _answers(run: Run, comparison: Comparison) -> list[str]:
    """Return sentences on the answers, as a faster version with other answers is not better."""
    judged_answers = agreements(run, comparison.pairs, settings(run).outputs)
    sentences = dict.fromkeys(
        f"{'' if x.outcome in AGREE else '⚠️ '}{literal(comparison.other)}: "
        f"{literal(in_words(x), _SENTENCE)}."
        for x in judged_answers
    )
    return list(sentences)


def _layers(run: Run, comparison: Comparison) -> list[str]:
    """Return the layers that changed beyond the noise, the largest change first."""
    if comparison.shown is None:
        return []
    groups = matched(run, *comparison.shown)
    layer_certainty = certainty(run, comparison, comparison.shown, groups)
    changed = [group for group in groups if layer_certainty.beyond_noise(group)]
    top = sorted(changed, key=lambda group: -abs(group.change_s))[:_LAYERS]
    if not top:
        return []
    rows = [
        (
            literal(group.main.label),
            literal(group.main.type),
            show(group.a_s, "duration"),
            show(group.b_s, "duration"),
            show(group.change_s, "duration"),
        )
        for group in top
    ]
    heads = ("Layer", "Type", literal(comparison.base), literal(comparison.other), "Change")
    return ["Layers that changed most:", _table(heads, rows, 3)]


def _figures(run: Run) -> str:
    cells = [result.cell for result in run.done]
    rows = []
    for result in run.done[:_CELLS]:
        cell_figures = figures(result)
        fps = cell_figures.throughput_fps
        rows.append(
            (
                literal(f"{result.cell.model} ({result.cell.version})"),
                literal(label(result.cell, cells)),
                f"{show(fps, 'rate')} {interval(fps, 'rate')}",
                show(cell_figures.latency.median, "duration"),
                show(cell_figures.latency.p95, "duration"),
            )
        )
    return _table(("Model", "Configuration", "Throughput", "Median", "p95"), rows, 3)
