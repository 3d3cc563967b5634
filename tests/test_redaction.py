"""A redacted run hides where and by whom it was made, and keeps all measurements."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import numpy as np
import pytest
from conftest import ovreport
from numpy.typing import NDArray
from pydantic import JsonValue

from ovreport.computed.layers import executed_layers
from ovreport.rendering import packing
from ovreport.run import (
    Answers,
    Appearance,
    Cell,
    CellResult,
    Conditions,
    Failure,
    Graph,
    Header,
    Node,
    Origin,
    PartialLaunches,
    Provenance,
    Record,
    RecordedOutput,
    Recording,
    Roof,
    Run,
    SearchStep,
    TokenSequence,
)
from ovreport.runfile import lines_of, read_run
from ovreport.runfile.redaction import redacted

DATA = Path(__file__).with_name("data") / "bottlenecks.jsonl"
SECRETS = ("buildhost7", "alice", "/srv/secret", "Secret Corp", "C:\\Users")


@pytest.fixture(scope="module")
def telling() -> Run:
    """Return a run with secrets in every place where one was ever found."""
    run = read_run(DATA)
    environment = run.header.environment.model_copy(
        update={"host": "buildhost7", "user": "alice", "container": "docker on buildhost7"}
    )
    config = {
        **run.header.config,
        "model": [{"name": "bottlenecks", "path": "/srv/secret/models/net.xml"}],
        "report": {"title": "Net on buildhost7", "notes": "By alice, see /srv/secret/notes.txt"},
        "runtime": [{"name": "old", "python": "/home/alice/env/bin/python"}],
    }
    models = tuple(
        model.model_copy(update={"path": "/srv/secret/models/net.xml"})
        for model in run.header.models
    )
    first, *others = run.results
    assert first.resolved is not None
    properties = {"CACHE_DIR": "/home/alice/.cache/ov", "NAME": "net"}
    resolved = first.resolved.model_copy(
        update={"properties": properties, "input_data": "file '/srv/secret/Secret Corp/a b.npy'"}
    )
    failed = others[0].model_copy(
        update={
            "launches": (), "resolved": None, "profile": None,
            "failure": Failure(
                stage="read", reason="Cannot open C:\\Users\\alice\\net.xml",
                detail='File "/home/alice/env/x.py", line 3: src/core/node.cpp:12 on buildhost7',
            ),
        }
    )  # fmt: skip
    graphs = dict(run.graphs)
    id = first.runtime_graph
    assert id is not None
    node, *rest = graphs[id].nodes
    node = node.model_copy(update={"attributes": {**node.attributes, "w": "/srv/secret/models/w"}})
    moved = graphs.pop(id).model_copy(update={"nodes": (node, *rest)})
    results = [first.model_copy(update={"resolved": resolved}), failed, *others[1:]]
    results = [
        r.model_copy(update={"runtime_graph": moved.id}) if r.runtime_graph == id else r
        for r in results
    ]
    provenance = Provenance(
        model="", inputs="", properties={"CACHE_DIR": "/home/alice/.cache/ov"}, openvino="",
        measure={}, environment=environment.id,
    )  # fmt: skip
    results[0] = results[0].model_copy(update={"provenance": provenance})
    failure = Failure(stage="read", reason="no /srv/secret/labels.txt")
    cells = results[0].cell, results[1].cell
    answers = Answers(
        base=cells[0], other=cells[1], models=("", ""), inputs="", samples=1,
        input_data="file '/srv/secret/Secret Corp/a b.npy'", labels="/srv/secret/labels.txt",
        failure=failure,
    )  # fmt: skip
    recording = Recording(
        cell=cells[0], model="", inputs=(), input_data="/srv/secret/x.npy", batch=1,
        labels_file="/srv/secret/labels.txt", failure=failure,
    )  # fmt: skip
    conditions = Conditions(environment=environment.id, runtime="", device="CPU", threads=1)
    roof = Roof(conditions=conditions, failure="worker died on buildhost7")
    step = SearchStep(start=cells[0].id, cell=None, why="no room in /srv/secret")
    header = run.header.model_copy(
        update={"environment": environment, "config": config, "models": models}
    )
    run = replace(run, search=(step,), answers=(answers,), roofs=(roof,), recordings=(recording,))
    return replace(run, header=header, results=tuple(results), graphs={**graphs, moved.id: moved})


def test_redaction_leaves_no_secret(telling: Run) -> None:
    before, after = ("\n".join(lines_of(run)) for run in (telling, redacted(telling)))
    for secret in SECRETS:
        assert secret.replace("\\", "\\\\") in before
        assert secret.replace("\\", "\\\\") not in after
    for kept in ("net.xml", "a b.npy", "src/core/node.cpp:12", "notes.txt"):
        assert kept in after


def test_redaction_keeps_measurements(telling: Run) -> None:
    after = redacted(telling)
    for one, other in zip(telling.done, after.done, strict=True):
        assert one.launches == other.launches
        layers = [executed_layers(run, r) for run, r in ((telling, one), (after, other))]
        assert [x.name for x in layers[0]] == [x.name for x in layers[1]]
    assert redacted(after) == after
    here = after.header.environment.id
    assert here != telling.header.environment.id
    assert after.roofs[0].conditions.environment == here
    assert after.environment_of(after.results[0]) == after.header.environment
    assert after.results[0].provenance is not None
    assert after.results[0].provenance.environment == here


@pytest.mark.slow
def test_a_redacted_report_contains_redacted_data(
    telling: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("ROW_DETAILS", "FOLDED_TABLE"):
        monkeypatch.setattr(packing, part, 1000)
    run_file, report = tmp_path / "run.jsonl", tmp_path / "report.html"
    run_file.write_text("\n".join(lines_of(telling)) + "\n", "utf-8")
    assert ovreport("render", run_file, "-o", report, "--redact").exit_code == 0
    page = report.read_text("utf-8")
    packed = re.findall(r'<script type="application/x-deflate">([^<]*)</script>', page)
    unpacked = [zlib.decompress(base64.b64decode(part), -15).decode("utf-8") for part in packed]
    assert packed
    content = "\n".join([page, *unpacked, *lines_of(read_run(report))])
    assert not [secret for secret in SECRETS if secret in content]
    again = tmp_path / "again.html"
    assert ovreport("render", report, "-o", again).exit_code == 0
    assert again.read_bytes() == report.read_bytes()


SECRET = "/home/alice/secret/name"


def filled(annotation: Any) -> Any:
    """Return a value of a type, with a secret in every text that it can hold."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if annotation in (str, JsonValue):
        return SECRET
    if isinstance(annotation, type) and issubclass(annotation, Record):
        given = GIVEN.get(annotation, {})
        types = {name: field.annotation for name, field in annotation.model_fields.items()}
        left = types.keys() - given.keys()
        made = {name: filled(types[name]) for name in left}
        return annotation.model_validate(given | made)
    if origin is Literal:
        return parts[0]
    if origin is Annotated:
        return filled(parts[0])
    if origin in (Union, UnionType):
        return filled(parts[0])
    if origin is tuple:
        items = parts[:1] if parts[-1] is Ellipsis else parts
        return tuple(filled(item) for item in items)
    if origin is dict:
        return {"key": filled(parts[1])}
    if origin in (np.ndarray, NDArray):  # which of the two depends on the release of numpy
        return [1]
    return {int: 1, float: 1.0, bool: False}[annotation]


GIVEN: dict[type[Record], dict[str, Any]] = {
    Cell: {"prompt": 1, "new_tokens": 2},
    Appearance: {"logo": "data:image/png;base64,AAAA"},
    Node: {"inputs": (), "bodies": ()},
    Header: {"origins": (), "paired": ()},
    RecordedOutput: {"shape": "[1]", "shapes": ()},
    TokenSequence: {"new_tokens": 2},
}


def secrets_in(value: Any, place: str = "") -> Iterator[str]:
    if isinstance(value, str) and "secret" in value:
        yield place
    if isinstance(value, Record):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name), f"{type(value).__name__}.{name}")
    elif isinstance(value, tuple | list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from secrets_in(item, place)


def test_texts_of_all_fields_are_redacted() -> None:
    graph = filled(Graph)
    result = filled(CellResult).model_copy(
        update={"runtime_graph": graph.id, "model_graph": graph.id}
    )
    header = filled(Header)
    origin = Origin(name=SECRET, file=SECRET, header=header)
    run = Run(
        header.model_copy(update={"origins": (origin,)}), (result,), {graph.id: graph},
        (filled(SearchStep),), (filled(Answers),), (filled(Roof),), (filled(Recording),),
        (filled(PartialLaunches),),
    )  # fmt: skip
    everything = [getattr(run, field.name) for field in fields(run) if field.name != "graphs"]
    before = {*secrets_in([*everything, graph])}
    assert before >= {"ModelCache.failure", "Provenance.measure", "Node.attributes", "Origin.file"}
    after = redacted(run)
    everything = [getattr(after, field.name) for field in fields(after)]
    everything[2] = [*after.graphs.values()]
    assert {*secrets_in(everything)} == {
        "Cell.model", "Cell.version", "Cell.runtime", "Cell.device", "Cell.precision",
        "ModelFile.model", "ModelFile.version", "Making.parent", "RuntimeFacts.name", "Device.name",
        "Conditions.runtime", "Conditions.device", "Appearance.css",
    }  # fmt: skip
