"""What ``run`` and ``compare`` share: limits, and the files that a CI server reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ovreport.config.load import Source
    from ovreport.gate.checks import Gate
    from ovreport.gate.rules import Rule
    from ovreport.run import Cell, Run

EXIT_CODE = 3


def gate_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that can fail a CI job; they reach it as ``gate_…``."""
    path = click.Path(dir_okay=False, path_type=Path)
    for option in (
        click.option(
            "--markdown", "gate_markdown", metavar="FILE", type=path,
            help="Write verdicts and limits as Markdown, such as for a job summary.",
        ),
        click.option(
            "--junit", "gate_junit", metavar="FILE", type=path,
            help="Write the outcome of every limit as JUnit XML.",
        ),
        click.option(
            "--inconclusive", "gate_inconclusive", type=click.Choice(("pass", "fail")),
            help="How a limit counts that the intervals leave open.  [default: pass]",
        ),
        click.option(
            "--fail-on", "gate_rules", multiple=True, metavar="RULE",
            help="Exit with code 3 if this is so beyond the interval: 'throughput<-5%' against "
            "the base, 'p95>10ms where hint=latency' as such. Repeat for several.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


@dataclass(frozen=True)
class GateJob:
    """The limits of one command, and where their outcome is written."""

    rules: tuple[Rule, ...]
    inconclusive_fails: bool
    junit: Path | None
    markdown: Path | None

    @classmethod
    def of(cls, source: Source, options: dict[str, Any]) -> GateJob:
        """From the options given, else the config's ``[gate]``.

        Raises:
            UserError: a rule that is none, or a file that cannot be written.
        """
        from ovreport.files import check_writable
        from ovreport.gate.rules import parse

        given, config = options["gate_rules"], source.config.gate
        rules = [parse(text, "--fail-on") for text in given] if given else [
            parse(text, f"{source.name}: `gate.fail_on`") for text in config.fail_on
        ]  # fmt: skip
        for name in ("junit", "markdown"):
            if options[f"gate_{name}"] is not None:
                check_writable(options[f"gate_{name}"], f"--{name}")
        counts = options["gate_inconclusive"] or config.inconclusive
        return cls(tuple(rules), counts == "fail", options["gate_junit"], options["gate_markdown"])

    @property
    def files(self) -> dict[str, Path | None]:
        """What is written, by option."""
        return {"--junit": self.junit, "--markdown": self.markdown}

    def check_comparable(self, source: Source) -> None:
        """Fails before anything is measured.

        Raises:
            UserError: a rule compares, and the config has nothing to compare.
        """
        from ovreport.errors import UserError

        config = source.config
        versions = Counter(entry.name for entry in config.model)
        most = max(*versions.values(), len(config.runtime), len(config.matrix.device))
        relative = next((rule for rule in self.rules if rule.relative), None)
        if relative and most < 2:
            raise UserError(
                f"{source.name}: limit {relative.text!r} compares, and there is one version only",
                "Add a second [[model]] of the same name, or limit the figure itself: p95>10ms.",
            )

    def check_scopes(self, cells: Iterable[Cell], where: str) -> None:
        """Fails where a limit is narrowed to what no cell has.

        Args:
            cells: all that limits may hold for, by every name they go by.

        Raises:
            UserError: names the value, and those that there are.
        """
        from ovreport.gate.rules import check_scopes

        check_scopes(self.rules, cells, where)

    def hold(self, run: Run, source: Source) -> int:
        """Checks the run, says and writes what came of it; 3 if a limit is broken, else 0."""
        from ovreport.computed.pairs import ComparisonOptions, comparisons
        from ovreport.export.junit import junit
        from ovreport.export.markdown import markdown
        from ovreport.files import write_whole
        from ovreport.gate.checks import check
        from ovreport.outputs.agreement import OutputOptions

        options = ComparisonOptions.model_validate(source.config.analyzer.get("versions", {}))
        compared = comparisons(run, options.baseline)
        gate = check(run, compared, self.rules, options.thresholds)
        if self.junit is not None:
            text = junit(gate, run.header, inconclusive_fails=self.inconclusive_fails)
            write_whole(self.junit, text)
        if self.markdown is not None:
            outputs = OutputOptions.model_validate(source.config.analyzer.get("outputs", {}))
            text = markdown(run, compared, gate, options.thresholds, outputs)
            write_whole(self.markdown, text)
        self._say(gate)
        return EXIT_CODE if gate.fails(inconclusive=self.inconclusive_fails) else 0

    def _say(self, gate: Gate) -> None:
        from ovreport.text.terminal import printable

        for warning in gate.warnings:
            click.echo(f"Warning: {printable(warning)}.", err=True)
        for outcome in gate.outcomes:
            if outcome.status != "passed":
                head = f"{outcome.status.capitalize()}: {outcome.rule}: {outcome.model}"
                click.echo(printable(f"{head}, {outcome.cell}: {outcome.text}."), err=True)
        if gate.outcomes:
            counts = [f"{gate.count(s)} {s}" for s in ("passed", "broken", "inconclusive")]
            click.echo(f"Limits:   {', '.join(counts)}")
