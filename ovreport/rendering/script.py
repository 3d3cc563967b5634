"""The script of the page, joined from modules that Node tests one by one."""

from __future__ import annotations

import re
from importlib.resources import files

TEMPLATES = "ovreport_templates"
# Each module follows those it imports from. All share one scope, so their names must differ.
MODULES = ("filter.mjs", "csv.mjs", "sorting.mjs", "report.mjs", "diagram.mjs")

_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=function|const)", re.MULTILINE)


def page_script() -> str:
    """Return one script without imports: the page's policy allows one script by its hash."""
    folder = files(TEMPLATES)
    sources = [folder.joinpath(name).read_text(encoding="utf-8").strip() for name in MODULES]
    body = "\n".join(_EXPORT.sub("", _IMPORT.sub("", source)).strip() for source in sources)
    return f'"use strict";\n(() => {{\n{body}\n}})();'
