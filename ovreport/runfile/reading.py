"""Reads run files and reports, which may be untrusted."""

from __future__ import annotations

import io
import json
from pathlib import Path

from pydantic import ValidationError

from ovreport.errors import UserError
from ovreport.run import Run
from ovreport.run.samples import Budget
from ovreport.runfile.embedding import unpack
from ovreport.runfile.lines import FORMAT, parse
from ovreport.runfile.merging import Merger

# The largest real run so far (50 cells of a 5,000-layer model) has about 200 MB as text.
_MAX_BYTES = 2 << 30
# Each cell takes a few lines.
_MAX_LINES = 1_000_000

# A file may unpack to these bytes plus these multiples of its size, so that a small file cannot
# fill the memory. In real reports, text is at most 8 times as large as its packed form; latencies
# are 2 to 6 times as large as their text, and about 20 times if the clock is coarse.
_FREE_TEXT, _TIMES_TEXT = 16 << 20, 16
_FREE_SAMPLES, _TIMES_SAMPLES = 32 << 20, 32

# Bytes in which the page must begin, as blanks may precede it.
_PAGE_START = 1000
_HEADER_START = b'{"kind":"header"'
# Characters of an error message, which may quote the file.
_LONGEST_PROBLEM = 300


def read_run(path: Path) -> Run:
    """Read a run file, or the run inside a report.

    Raises:
        UserError: the file cannot be read, is neither a run file nor a report, is damaged, or was
            written by a newer ovreport.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UserError(
                f"{path}: larger than {_MAX_BYTES >> 30} GiB, which is too large for a run file"
            )
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read: {error.strerror}",
            "Name a run file (.jsonl) or a report (.html) that ovreport wrote.",
        ) from error
    budget = Budget(_FREE_SAMPLES + _TIMES_SAMPLES * len(content))
    if _is_page(content):
        content = _embedded(path, content, _FREE_TEXT + _TIMES_TEXT * len(content))
    return parsed(path, content, budget)


def is_empty_run(path: Path) -> bool:
    """Return whether the run was killed before its first line was whole."""
    try:
        with path.open("rb") as file:
            line = file.readline(_MAX_BYTES)
    except OSError:
        return False
    short = line.startswith(_HEADER_START) or _HEADER_START.startswith(line)
    return short and not line.endswith(b"\n")


def is_report(path: Path) -> bool:
    """Return whether the file is a report, which holds the run inside a page."""
    with path.open("rb") as file:
        return _is_page(file.read(_PAGE_START))


def _is_page(content: bytes) -> bool:
    return content[:_PAGE_START].lstrip()[:1] == b"<"


def _embedded(path: Path, page: bytes, most: int) -> bytes:
    try:
        content = unpack(page, most)
    except ValueError as error:
        raise UserError(
            f"{path}: the run inside the report is damaged: {error}",
            "Use the run file (.jsonl) or an undamaged copy of the report.",
        ) from error
    if content is None:
        raise UserError(
            f"{path}: an HTML file without a run inside",
            "Name a report that ovreport wrote without --no-data, or a run file (.jsonl).",
        )
    return content


def parsed(path: Path, content: bytes, budget: Budget) -> Run:
    """Parse the text of a run file.

    Args:
        path: the path that messages name.
        content: the text.
        budget: bytes that compressed samples may unpack to.

    Raises:
        UserError: the text is not a run file; names the first wrong line and the reason.
    """
    lines = io.BytesIO(content)
    _check_first(path, lines.readline())
    lines.seek(0)
    merger = Merger()
    for number, line in enumerate(lines, 1):
        if number > _MAX_LINES:
            raise UserError(
                f"{path}: more than {_MAX_LINES} lines, which is too many for a run file"
            )
        if line.isspace():
            continue
        try:
            merger.add(parse(line, budget))
        except ValueError as error:
            kind, message = _problem(error)
            if kind == "json_invalid" and not line.endswith(b"\n"):
                break  # the writer was killed in the middle of the line
            raise UserError(
                f"{path}, line {number}: not a line of a run file: {message[:_LONGEST_PROBLEM]}",
                "The file was damaged or edited; use an undamaged copy.",
            ) from error
    return merger.run()


def _check_first(path: Path, line: bytes) -> None:
    """Check that this is a run file of a known format.

    Raises:
        UserError: it is not a run file, or has another format.
    """
    try:
        first = json.loads(line)
    except (ValueError, RecursionError):
        first = None
    if not isinstance(first, dict) or first.get("kind") != "header":
        raise UserError(
            f"{path}: not a run file, or one whose first line is cut short",
            "Name a run file (.jsonl) or a report (.html) that ovreport wrote.",
        )
    if (format := first.get("format")) != FORMAT:
        raise UserError(
            f"{path}: run file format {str(format)[:_LONGEST_PROBLEM]}, this ovreport reads "
            f"{FORMAT}",
            "Use the ovreport that wrote it, or a newer one.",
        )


def _problem(error: ValueError) -> tuple[str, str]:
    """Return the first problem of a line: pydantic's name of it, and a message."""
    if not isinstance(error, ValidationError):
        return "", str(error)
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return first["type"], f"{where} {first['msg'].removeprefix('Value error, ')}".lstrip()
