"""The two reports of the Deep Learning Workbench, for scripts that read them.

The separator is ``;``, times are in ms, throughput is in FPS. A layer that was not executed has
time 0, as in the Workbench.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ovreport.computed.figures import figures
from ovreport.computed.layers import attribute, executed_layers, execution_order
from ovreport.computed.precision import precision_name
from ovreport.run import CellResult, Run
from ovreport.text.csv import csv_text

LAYER_COLUMNS = (
    "Execution Order", "Layer Name", "Layer Type", "Execution Time", "Runtime Precision",
)  # fmt: skip
INFERENCE_COLUMNS = ("Stream", "Batch size", "Throughput", "Latency")


def layer_report(run: Run, result: CellResult) -> str:
    """Return a row for each node of the runtime graph, without constants, in execution order."""
    assert result.runtime_graph is not None
    nodes = run.graphs[result.runtime_graph].nodes
    executed = {layer.index: layer for layer in executed_layers(run, result)}
    in_order = sorted(range(len(nodes)), key=lambda index: execution_order(nodes[index], index))
    rows = [
        (
            execution_order(nodes[index], index),
            nodes[index].name,
            nodes[index].type,
            executed[index].median_s * 1e3 if index in executed else 0.0,
            _precision(
                executed[index].precision
                if index in executed
                else attribute(nodes[index], "runtimePrecision")
            ),
        )
        for index in in_order
        if nodes[index].type not in ("Const", "Constant")
    ]
    return csv_text(LAYER_COLUMNS, rows, ";")


def inference_report(results: Sequence[CellResult]) -> str:
    """Return a row for each measured cell: resolved streams and batch, median latency."""
    rows = []
    for result in results:
        assert result.resolved is not None
        cell_figures = figures(result)
        latency = cell_figures.latency.median or cell_figures.latency.mean
        streams = result.resolved.streams or result.resolved.requests
        rows.append(
            (
                streams,
                result.resolved.batch,
                cell_figures.throughput_fps.point,
                latency.point * 1e3,
            )
        )
    return csv_text(INFERENCE_COLUMNS, rows, ";")


def _precision(text: str) -> str:
    """Return a precision's name in the Workbench: ``FP32``, ``BF16``, ``U8``."""
    return re.sub(r"^f(?=\d)", "fp", precision_name(text)).upper()


def workbench_files(run: Run) -> dict[str, str]:
    """Return a layer report for each profiled cell, an inference report per version and device."""
    files: dict[str, str] = {}
    groups: dict[tuple[str, ...], list[CellResult]] = {}
    for result in run.done:
        cell = result.cell
        groups.setdefault((cell.model, cell.version, cell.runtime, cell.device), []).append(result)
        if result.profile is not None and result.runtime_graph is not None:
            name = file_name("layers", cell.model, cell.version, cell.id) + ".csv"
            files[name] = layer_report(run, result)
    for (model, version, *_), results in groups.items():
        name = file_name("inference", model, version, results[0].cell.id) + ".csv"
        files[name] = inference_report(results)
    return files


def file_name(*parts: str) -> str:
    """Return a file name that is safe on every file system and never hidden."""
    name = "-".join(re.sub(r"[^A-Za-z0-9._]+", "_", part)[:60] for part in parts)
    return re.sub(r"^\.", "_", name)
