"""What a user adds to the look of a report: a logo, style rules, section templates."""

from __future__ import annotations

import base64
from collections.abc import Collection
from pathlib import Path
from xml.etree import ElementTree

from ovreport.config.load import Source
from ovreport.errors import UserError
from ovreport.run import MAX_CSS, MAX_LOGO, Appearance

_PNG = b"\x89PNG\r\n\x1a\n"


def appearance(source: Source) -> Appearance:
    """Read the files under ``[report] logo`` and ``css``, which the run file then carries.

    Raises:
        UserError: a file cannot be read, is too large, or has the wrong format.
    """
    report = source.config.report
    return Appearance(
        logo=_logo(source, report.logo) if report.logo else "",
        css=_css(source, report.css) if report.css else "",
    )


def templates(source: Source, analyzers: Collection[str]) -> dict[str, Path]:
    """Return the section templates under ``[report] templates``, by the analyzer's id.

    Raises:
        UserError: the folder has no templates, or a file in it is not named after an analyzer.
    """
    given = source.config.report.templates
    if given is None:
        return {}
    folder = source.resolve(given)
    templates_by_id = {path.stem: path for path in sorted(folder.glob("*.html"))}
    if not templates_by_id:
        raise UserError(
            f"{source.name}: `report.templates` is {given!r}: not a folder with templates",
            "Put files ID.html there, where ID is the analyzer whose section they arrange.",
        )
    for id, template in templates_by_id.items():
        if id not in analyzers:
            raise UserError(
                f"{source.name}: `report.templates`: {template.name} is not named after an "
                "analyzer",
                f"Analyzers: {', '.join(analyzers)}.",
            )
    return templates_by_id


def _read(source: Source, key: str, given: str, limit: int) -> bytes:
    try:
        content = source.resolve(given).read_bytes()
    except OSError as error:
        raise UserError(
            f"{source.name}: `report.{key}` is {given!r}: cannot be read: {error.strerror}"
        ) from error
    if len(content) > limit:
        raise UserError(
            f"{source.name}: `report.{key}` is {given!r}: larger than {limit >> 10} KiB",
            "Every report carries it; make it smaller.",
        )
    return content


def _logo(source: Source, given: str) -> str:
    content = _read(source, "logo", given, MAX_LOGO)
    if content.startswith(_PNG):
        kind = "png"
    elif _is_svg(content):
        kind = "svg+xml"
    else:
        raise UserError(
            f"{source.name}: `report.logo` is {given!r}: neither PNG nor SVG",
            "Save the picture as one of these.",
        )
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _is_svg(content: bytes) -> bool:
    """Return whether this is SVG without a DTD, whose entities could expand endlessly."""
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        return False
    try:
        return ElementTree.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"
    except ElementTree.ParseError:
        return False


def _css(source: Source, given: str) -> str:
    try:
        return _read(source, "css", given, MAX_CSS).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{source.name}: `report.css` is {given!r}: not UTF-8 text") from error
