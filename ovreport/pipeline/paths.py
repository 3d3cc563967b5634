"""Where a run is written, and the checks that nothing there is lost."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from ovreport.errors import UserError
from ovreport.files import check_writable
from ovreport.runfile import RunFile, is_empty_run, read_run


@dataclass(frozen=True)
class Paths:
    """Where the report and the run file go; ``resume`` is set if the run file is continued."""

    report: Path
    run_file: Path
    resume: Path | None

    @classmethod
    def choose(cls, report: Path, run_file: Path | None, resume: Path | None) -> Paths:
        """Return the paths for the given options."""
        if run_file is not None and resume is not None:
            raise UserError(
                "--run-file and --resume exclude each other",
                "--resume continues the file that it names.",
            )
        return cls(report, resume or run_file or report.with_suffix(".jsonl"), resume)

    def check(self) -> None:
        """Check all paths before anything is measured and before anything is lost.

        Raises:
            UserError: a path cannot be written or is being written by another process, or the run
                file holds data that would be lost.
        """
        check_writable(self.report, "-o")
        check_writable(self.run_file, "--run-file")
        if self.run_file.exists():
            with RunFile(self.run_file):  # fails if another process is writing it
                self.check_replaceable()

    def check_replaceable(self) -> None:
        """Check that the run file is continued or holds nothing that would be lost.

        Raises:
            UserError: it holds an unfinished run, or is no run file.
        """
        if self.resume is not None or is_empty_run(self.run_file):
            return
        try:
            existing = read_run(self.run_file)
        except UserError as error:
            raise UserError(
                f"{self.run_file}: exists already and is not a run file that may be replaced",
                "Move it away or choose another place with --run-file.",
                detail=str(error),
            ) from error
        if existing.pending and (existing.results or existing.partial_launches):
            raise UserError(
                f"{self.run_file}: holds an unfinished run, {len(existing.results)} of "
                f"{len(existing.header.plan)} cells are measured",
                f"Continue it with --resume {shlex.quote(str(self.run_file))}, delete it, or "
                "choose another place with --run-file.",
            )
