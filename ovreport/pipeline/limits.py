"""The limits of ``run`` and ``compare``, and the files about them that a CI server reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ovreport.config.load import Source
    from ovreport.gate.checks import GateResult
    from ovreport.gate.rules import GateRule
    from ovreport.run import Cell, Run


@dataclass(frozen=True)
class Limits:
    """The limits that a caller gives; the config's ``[gate]`` fills in what is omitted."""

    rules: tuple[str, ...] = ()
    """Such as ``throughput<-5%`` or ``p95>10ms where hint=latency``; empty: those of the config."""
    inconclusive: Literal["pass", "fail"] | None = None
    """How to count a limit that the intervals do not decide; None: as in the config."""
    junit: Path | None = None
    """Where the outcome of every limit is written as JUnit XML."""
    markdown: Path | None = None
    """Where verdicts and limits are written as Markdown."""


NO_LIMITS = Limits()


@dataclass(frozen=True)
class LimitCheck:
    """The limits that hold for one run, and where their outcome is written."""

    rules: tuple[GateRule, ...]
    inconclusive_fails: bool
    junit: Path | None
    markdown: Path | None

    @classmethod
    def choose(cls, limits: Limits, source: Source) -> LimitCheck:
        """Take the limits of the caller, or else those of the config.

        Raises:
            UserError: a limit is not a rule, or a file cannot be written.
        """
        from ovreport.files import check_writable
        from ovreport.gate.rules import parse

        config = source.config.gate
        rules = [parse(text, "--fail-on") for text in limits.rules] or [
            parse(text, f"{source.name}: `gate.fail_on`") for text in config.fail_on
        ]
        for option, path in (("--junit", limits.junit), ("--markdown", limits.markdown)):
            if path is not None:
                check_writable(path, option)
        counts = limits.inconclusive or config.inconclusive
        return cls(tuple(rules), counts == "fail", limits.junit, limits.markdown)

    @property
    def files(self) -> dict[str, Path | None]:
        """The files to write, by the option that names them."""
        return {"--junit": self.junit, "--markdown": self.markdown}

    def check_comparable(self, source: Source) -> None:
        """Check, before anything is measured, that relative limits have versions to compare.

        Raises:
            UserError: a limit compares versions, and the config has only one.
        """
        from ovreport.errors import UserError

        config = source.config
        versions = Counter(entry.name for entry in config.model)
        most_variants = max(*versions.values(), len(config.runtime), len(config.matrix.device))
        relative = next((rule for rule in self.rules if rule.relative), None)
        if relative and most_variants < 2:
            raise UserError(
                f"{source.name}: limit {relative.text!r} compares versions, and there is only one "
                f"version",
                "Add a second [[model]] of the same name, or limit the figure itself: p95>10ms.",
            )

    def check_scopes(self, cells: Iterable[Cell], where: str) -> None:
        """Check that every value after ``where`` is the value of some cell.

        Args:
            cells: all cells that limits may cover, under each of their names.
            where: the file, for the message.

        Raises:
            UserError: names the value and those that cells have.
        """
        from ovreport.gate.rules import check_scopes

        check_scopes(self.rules, cells, where)

    def check(self, run: Run) -> GateResult:
        """Check the run and write the files about it."""
        from ovreport.export.junit import junit
        from ovreport.export.markdown import markdown
        from ovreport.files import write_whole
        from ovreport.gate.checks import check

        gate = check(run, self.rules)
        if self.junit is not None:
            text = junit(gate, run.header, inconclusive_fails=self.inconclusive_fails)
            write_whole(self.junit, text)
        if self.markdown is not None:
            text = markdown(run, gate)
            write_whole(self.markdown, text)
        return gate

    def is_broken(self, gate: GateResult) -> bool:
        """Return whether the outcome fails a CI job."""
        return gate.fails(inconclusive=self.inconclusive_fails)
