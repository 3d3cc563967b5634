"""The page's script: modules that Node tests one by one, joined to one that a page holds."""

from __future__ import annotations

import re
from importlib.resources import files

TEMPLATES = "ovreport_templates"
# Each after those that it imports from. All share one scope, so that no two may use a name.
MODULES = ("filter.mjs", "csv.mjs", "sorting.mjs", "report.mjs", "diagram.mjs")

_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=function|const)", re.MULTILINE)


def page_script() -> str:
    """Return one script without imports, as the page's policy knows it by one hash."""
    folder = files(TEMPLATES)
    sources = [folder.joinpath(name).read_text(encoding="utf-8").strip() for name in MODULES]
    body = "\n".join(_EXPORT.sub("", _IMPORT.sub("", source)).strip() for source in sources)
    return f'"use strict";\n(() => {{\n{body}\n}})();'
