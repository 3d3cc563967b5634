"""Where a run is written, and what must not be lost there."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from ovreport.errors import UserError
from ovreport.files import check_writable
from ovreport.runfile import RunFile, is_unbegun, read_run


@dataclass(frozen=True)
class Paths:
    """Where the report and the run file go; ``resume`` is set where the run file is continued."""

    report: Path
    run_file: Path
    resume: Path | None

    @classmethod
    def choose(cls, report: Path, run_file: Path | None, resume: Path | None) -> Paths:
        """Return where the report and the run file lie."""
        if run_file is not None and resume is not None:
            raise UserError(
                "--run-file and --resume exclude each other",
                "--resume continues the file that it names.",
            )
        return cls(report, resume or run_file or report.with_suffix(".jsonl"), resume)

    def check(self) -> None:
        """Fails before anything is measured, and before anything is lost.

        Raises:
            UserError: a path cannot be written or is being written by another process, or the run
                file holds something of its own.
        """
        check_writable(self.report, "-o")
        check_writable(self.run_file, "--run-file")
        if self.run_file.exists():
            with RunFile(self.run_file):  # is refused if another process writes it
                self.check_replaceable()

    def check_replaceable(self) -> None:
        """What the run file holds can be replaced, or goes on.

        Raises:
            UserError: it holds something of its own.
        """
        if self.resume is not None or is_unbegun(self.run_file):
            return
        try:
            there = read_run(self.run_file)
        except UserError as error:
            raise UserError(
                f"{self.run_file}: exists already and is not a run file that may be replaced",
                "Move it away or choose another place with --run-file.",
                detail=str(error),
            ) from error
        if there.pending and (there.results or there.partial_launches):
            raise UserError(
                f"{self.run_file}: holds an unfinished run, {len(there.results)} of "
                f"{len(there.header.plan)} cells are measured",
                f"Continue it with --resume {shlex.quote(str(self.run_file))}, delete it, or "
                "choose another place with --run-file.",
            )
