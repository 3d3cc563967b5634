"""Write the records of a run as whole files: one JSON document or a folder of CSV."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Literal

from ovreport.analysis import Analysis
from ovreport.export.records import (
    JsonObject,
    answer_records,
    cell_records,
    flat,
    layer_records,
    model_record,
    operator_records,
    slice_records,
)
from ovreport.export.tables import section_records
from ovreport.run import Run
from ovreport.section import Crashed, Section
from ovreport.text.csv import csv_text


def json_text(run: Run, analyses: Sequence[Analysis]) -> str:
    """Return the JSON document of a run.

    It holds environments, models, cells with figures, layers and operators, answers, findings, and
    the tables of all sections.
    """
    results = {result.cell.id: result for result in run.results}
    cells: list[JsonObject] = []
    for record in cell_records(run):
        result = results.get(str(record["cell"]))
        if result is not None and result.profile is not None:
            record["layers"] = [_without_cell(x) for x in layer_records(run, result)]
            record["operators"] = [_without_cell(x) for x in operator_records(run, result)]
        cells.append(record)
    document = {
        "ovreport": run.header.ovreport,
        "created": run.header.created,
        "environment": run.header.environment.model_dump(mode="json"),
        "other_environments": [x.model_dump(mode="json") for x in run.other_environments],
        "models": [model_record(model) for model in run.header.models],
        "cells": cells,
        "answers": list(answer_records(run)),
        "findings": list(_findings(analyses)),
        "sections": list(section_records(analyses)),
    }
    # Only ASCII, so that names cannot control a terminal.
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _without_cell(record: JsonObject) -> JsonObject:
    """Return a record without the cell that encloses it."""
    return {name: value for name, value in record.items() if name != "cell"}


def csv_files(run: Run, analyses: Sequence[Analysis]) -> dict[str, str]:
    """Return CSV files by name, one for each kind of record."""
    profiled = [result for result in run.done if result.profile is not None]
    answers = list(answer_records(run))
    tables: dict[str, Iterable[JsonObject]] = {
        "models": map(model_record, run.header.models),
        "cells": cell_records(run),
        "slices": chain.from_iterable(map(slice_records, run.done)),
        "layers": chain.from_iterable(layer_records(run, result) for result in profiled),
        "operators": chain.from_iterable(operator_records(run, result) for result in profiled),
        "answers": _rows_of(answers, "outputs"),
        "answer_layers": _rows_of(answers, "layers"),
        "findings": _findings(analyses),
        "environment": (
            {"name": name, "value": str(value)}
            for name, value in run.header.environment.model_dump(mode="json").items()
        ),
    }
    return {f"{name}.csv": _csv(records) for name, records in tables.items()}


def _rows_of(
    answers: Sequence[JsonObject], part: Literal["outputs", "layers"]
) -> Iterator[JsonObject]:
    """Yield a row for each output, or layer, of each pair of versions.

    A pair without outputs has one row with the reason.
    """
    for record in answers:
        inner = record[part]
        assert isinstance(inner, list)
        shared = {k: v for k, v in record.items() if k not in ("outputs", "layers")}
        for values in inner or ([{}] if part == "outputs" else []):
            assert isinstance(values, dict)
            yield {**shared, **values}


def _csv(records: Iterable[JsonObject]) -> str:
    """Return CSV with a column for every field of any record, bounds next to their figure."""
    rows = [flat(record) for record in records]
    place = {name: at for at, name in enumerate(dict.fromkeys(chain.from_iterable(rows)))}
    columns = sorted(place, key=lambda name: place.get(re.sub(r"\.(low|high)$", "", name), 0))
    return csv_text(columns, ([row.get(name) for name in columns] for row in rows))


def _findings(analyses: Sequence[Analysis]) -> Iterator[JsonObject]:
    for analysis in analyses:
        if isinstance(analysis.outcome, Crashed):
            yield {
                "analyzer": analysis.analyzer.id,
                "id": "crashed",
                "severity": "problem",
                "topic": None,
                "text": analysis.outcome.error,
            }
        elif isinstance(analysis.outcome, Section):
            for finding in analysis.outcome.findings:
                yield {
                    "analyzer": analysis.analyzer.id,
                    "id": finding.id,
                    "severity": finding.severity,
                    "topic": finding.topic,
                    "text": finding.text,
                    "remedy": finding.remedy,
                    "check": finding.check,
                    "gain": finding.gain,
                    "evidence": [link.spelled for link in finding.evidence],
                }
