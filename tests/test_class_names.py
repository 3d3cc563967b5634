"""A name means one thing: no two classes, and no two types with a name, share theirs."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
# One type, written where it is used: of an array, whatever its elements are.
SAME_MEANING = {"Array", "Numbers", "FloatArray"}
# The worker mirrors OpenVINO's structs under their own names and imports nothing of ours.
OF_OPENVINO = {"Shape", "PartialShape"}


def named_types(path: Path) -> Iterator[str]:
    """Classes and aliases of a module, without the underscore of private ones."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.ClassDef(name=name):
                yield name.lstrip("_")
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                plain = name.lstrip("_")
                if plain[:1].isupper() and not plain.isupper():
                    yield plain


def test_no_two_classes_or_aliases_share_a_name() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for folder in ("ovreport", "plugins"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for name in named_types(path):
                places[name].append(str(path.relative_to(ROOT)))
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert {k: v for k, v in twice.items() if k not in SAME_MEANING | OF_OPENVINO} == {}


# A command has a module of its name; both ends of the pipe to a worker have one name; so have a
# record in `run/` and what fills it, what a rule of the advice or a part of a section is about and
# where that is computed, and a text format that is written in `export/` and escaped in `text/`.
SAME_SUBJECT = {
    "__main__", "analyzer", "compare", "environment", "machine", "markdown", "matrix", "optimise",
    "precision", "profiling", "roofs", "run", "search", "shapes", "states", "svg", "trend",
}  # fmt: skip


def test_modules_of_one_name_have_one_subject() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for folder in ("ovreport", "plugins"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.stem != "__init__":
                places[path.stem].append(str(path.relative_to(ROOT)))
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert {name: found for name, found in twice.items() if name not in SAME_SUBJECT} == {}
