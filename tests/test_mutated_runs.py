"""Run files with random changes: each is refused in a sentence, or read without harm.

More of them by hand: ``python tests/test_mutated_runs.py SEED COUNT`` prints every run that fails.
"""

from __future__ import annotations

import copy
import json
import random
import re
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pages import undrawn

from ovreport.analysis import analyze
from ovreport.combining.compare import Side, compare
from ovreport.errors import UserError
from ovreport.pipeline.report import chosen_analyzers, report_settings
from ovreport.rendering.page import render
from ovreport.run import Run
from ovreport.runfile import read_run

FILES = [Path(__file__).with_name("data") / f"{name}.jsonl" for name in ("bottlenecks", "versions")]
INTEGERS = (-1, 0, 1, 2, 7, 255, 1 << 16, 1 << 31, 1 << 40, 1 << 53, (1 << 63) - 1, 10**20, 10**400)
FLOATS = (0.0, -1.0, 5e-324, 1e-9, 0.5, 1e9, 1e18, 1e150, 1.7e308, float("inf"), float("nan"))
TEXTS = (
    "", " ", "x", "1", "9" * 24, "[1,2,3]", "[?,3]", "[]", f"[{'9' * 19},{'9' * 19}]", "f32", "i8",
    "a\0b", "a\rb", "\u202e", "n" * 300, "CPU", "GPU.0", "#", "%zz", "inf", "Convolution", "parent",
)  # fmt: skip
OTHERS: tuple[object, ...] = (None, True, [], {}, [None], [[]], {"x": 1})

Place = tuple[Any, ...]


def places(value: Any, above: Place = ()) -> Iterator[Place]:
    yield above
    if isinstance(value, list):
        value = dict(enumerate(value))
    for key, item in value.items() if isinstance(value, dict) else ():
        yield from places(item, (*above, key))


@dataclass
class Recorded:
    """A recorded run and the values in it that can be changed, grouped by kind."""

    lines: list[Any]
    kinds: dict[Place, list[Place]]

    @classmethod
    def read(cls, path: Path) -> Recorded:
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        kinds: dict[Place, list[Place]] = {}
        for place in places(lines):
            if len(place) > 2:
                kind = tuple("*" if isinstance(step, int) else step for step in place[1:])
                kinds.setdefault(kind, []).append(place)
        return cls(lines, kinds)

    def mutated(self, chosen: random.Random) -> list[Any]:
        """Return the lines with up to three changes, each of one place or all places of a kind."""
        lines = copy.deepcopy(self.lines)
        for _ in range(chosen.choice((1, 1, 1, 2, 3))):
            kind = chosen.choice(sorted(self.kinds))
            alike = self.kinds[kind]
            changed = alike if chosen.random() < 0.1 else [chosen.choice(alike)]
            for place in changed:
                change(lines, place, chosen, at(lines, chosen.choice(alike)))
        return lines


def at(value: Any, place: Place) -> Any:
    """Return the value at a place; None if an earlier change removed it."""
    try:
        for step in place:
            value = value[step]
    except (KeyError, IndexError, TypeError):
        return None
    return value


def change(lines: list[Any], place: Place, chosen: random.Random, like: Any) -> None:
    """Replace a value by one of its type, any type, or a similar place, or remove it."""
    holder, old = at(lines, place[:-1]), at(lines, place)
    if old is None:
        return
    match chosen.choice(("same", "same", "same", "any", "like", "shorter", "longer", "gone")):
        case "same":
            of_type = {int: INTEGERS, float: FLOATS, str: TEXTS}
            holder[place[-1]] = chosen.choice(of_type.get(type(old), OTHERS))
        case "any":
            holder[place[-1]] = chosen.choice((*INTEGERS, *FLOATS, *TEXTS, *OTHERS))
        case "like":
            holder[place[-1]] = copy.deepcopy(like)
        case "shorter" if isinstance(old, list):
            del old[-1:]
        case "longer" if isinstance(old, list):
            old.extend(copy.deepcopy(old[-1:]))
        case "gone" if isinstance(holder, dict):
            del holder[place[-1]]


ID = re.compile(r'<[a-z][^<>]*? id="?([^"\s>]+)', re.IGNORECASE)
LINK = re.compile(r'<a\b[^<>]*? href="#([^"]*)"')


def faults(run: Run) -> list[str]:
    """Return the faults of a run's page."""
    analyses = analyze(run, chosen_analyzers(report_settings(run, "run")))
    page = render(run, analyses, with_data=False, draw=undrawn)
    page = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    ids = Counter(ID.findall(page))
    return [
        *re.findall(r'class="crash".*?</pre>', page, re.DOTALL),
        *(f"the id {id} stands {count} times" for id, count in ids.items() if count > 1),
        *(f"a link to {link} leads nowhere" for link in LINK.findall(page) if link not in ids),
        *(f"{character!r} in the page" for character in "\0\r" if character in page),
    ]


def failures(lines: Sequence[Any], recorded: Run, path: Path) -> list[str]:
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
    try:
        run = read_run(path)
        found = faults(run)
        sides = Side("base", "a", recorded), Side("candidate", "b", run)
        return found + faults(compare(*sides))
    except UserError:
        return []


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_mutated_run_is_refused_or_gives_a_complete_page(path: Path, tmp_path: Path) -> None:
    chosen, recorded = random.Random(path.stem), Recorded.read(path)
    run = read_run(path)
    for _ in range(10):
        lines = recorded.mutated(chosen)
        assert failures(lines, run, tmp_path / "mutated.jsonl") == []


def main(seed: str, count: int) -> None:
    chosen, files = random.Random(seed), [(Recorded.read(path), read_run(path)) for path in FILES]
    folder = Path(tempfile.mkdtemp(prefix="mutated-runs-"))
    for number in range(count):
        recorded, run = chosen.choice(files)
        path = folder / f"{seed}-{number}.jsonl"
        try:
            found = failures(recorded.mutated(chosen), run, path)
        except Exception:  # what a user would see as a traceback
            found = [traceback.format_exc()]
        if found:
            print(path, *found[:3], sep="\n", flush=True)
        else:
            path.unlink()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
