"""The first screen: how fast, what makes it faster, where the time goes, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.computed.pairs import comparisons
from ovreport.outputs.agreement import OutputOptions
from ovreport.plugin import Analyzer
from ovreport.run import Run
from ovreport.section import Group, Section, Text
from ovreport.text.labels import count

from . import batch_doubt, comparison_lines, confidence, key_figures, rates, version_sentence

# More sentences than this of either kind are no verdict; the table of key figures has the rest.
_SENTENCES = 3


class Summary(Analyzer):
    """The answer in words and a few figures, for each model version."""

    id = "summary"
    title = "Summary"
    needs = frozenset({"measurements"})
    order = 100

    def analyze(self, run: Run) -> Section:
        compared = comparisons(run)
        versions = [pair for pair in run.versions if run.of_version(*pair)]
        paced = [pair for pair in run.versions if run.paced(*pair) and pair not in versions]
        lines = comparison_lines.lines(run, compared, self.options_of(OutputOptions))
        leading = _shortened(lines, "The section Versions", "comparison")
        each = [
            *_shortened(
                [version_sentence.sentence(run, *pair) for pair in versions], "The table", "version"
            ),
            *_shortened([rates.sentence(run, *pair) for pair in paced], "The table", "version"),
        ]
        if not leading:  # nothing is compared: the versions themselves are the answer
            leading, each = each, []
        blocks = [
            *(Text(f"version-{place}", sentence) for place, sentence in enumerate(each)),
            *key_figures.blocks(run, versions, comparison_lines.by_version(run, compared)),
            *rates.blocks(run, paced),
            Text("sure", confidence.text(run)),
        ]
        found = [*confidence.findings(run), *batch_doubt.findings(run)]
        return Section([Group("", blocks)], found, "\n".join(leading))


def _shortened(sentences: Sequence[str], rest: str, noun: str) -> list[str]:
    """Return the first sentences, and one that says where the rest is.

    Args:
        rest: the place that holds the sentences that are left out.
    """
    left = len(sentences) - _SENTENCES
    more = [f"{rest} has {count(left, f'more {noun}')}."] if left > 0 else []
    return [*sentences[:_SENTENCES], *more]
