"""The first screen: speed, faster configurations, where the time goes, and confidence."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.computed.pairs import comparisons
from ovreport.plugin import Analyzer
from ovreport.run import Run
from ovreport.section import Group, Section, Text
from ovreport.text.labels import count

from . import batch_doubt, comparison_lines, confidence, key_figures, rates, version_sentence

# Of comparisons, and of versions. The sections and tables have the others.
_MOST_SENTENCES = 3


class Summary(Analyzer):
    """Give the answer for each model version in words and a few figures."""

    id = "summary"
    title = "Summary"
    needs = frozenset({"measurements"})
    order = 100

    def analyze(self, run: Run) -> Section:
        compared = comparisons(run)
        versions = [pair for pair in run.versions if run.of_version(*pair)]
        paced = [pair for pair in run.versions if run.paced(*pair) and pair not in versions]
        lines = comparison_lines.lines(run, compared)
        answer = _shortened(lines, "The section Versions", "comparison")
        version_sentences = [
            *_shortened(
                [version_sentence.sentence(run, *pair) for pair in versions], "The table", "version"
            ),
            *_shortened([rates.sentence(run, *pair) for pair in paced], "The table", "version"),
        ]
        if not answer:  # nothing is compared, so the sentences about versions are the answer
            answer, version_sentences = version_sentences, []
        blocks = [
            *(
                Text(f"version-{number}", sentence)
                for number, sentence in enumerate(version_sentences)
            ),
            *key_figures.blocks(run, versions, comparison_lines.by_version(run, compared)),
            *rates.blocks(run, paced),
            Text("sure", confidence.text(run)),
        ]
        findings = [*confidence.findings(run), *batch_doubt.findings(run)]
        return Section([Group("", blocks)], findings, "\n".join(answer))


def _shortened(sentences: Sequence[str], rest: str, noun: str) -> list[str]:
    """Return the first sentences, and one that says where the rest is.

    Args:
        rest: the place that holds the sentences that are left out.
    """
    left_out = len(sentences) - _MOST_SENTENCES
    pointer = [f"{rest} has {count(left_out, f'more {noun}')}."] if left_out > 0 else []
    return [*sentences[:_MOST_SENTENCES], *pointer]
