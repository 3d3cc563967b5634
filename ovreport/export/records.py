"""A run as plain records for JSON and CSV.

A field's name carries its unit (``latency_ms``, ``size_bytes``); an estimate is a record of
``point``, ``low`` and ``high``; an unknown value is None.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np

from ovreport.computed.figures import figures
from ovreport.computed.layers import attribute, executed_layers, fates, skipped_layers
from ovreport.computed.phases import sequence_figures
from ovreport.computed.settings import settings
from ovreport.outputs.agreement import JudgedOutput, agreement
from ovreport.run import Cell, CellResult, ModelFile, Run
from ovreport.stats.estimate import Estimate
from ovreport.text.csv import Field
from ovreport.text.labels import difference

JsonObject: TypeAlias = "dict[str, Json]"
Json: TypeAlias = "str | int | float | bool | list[Json] | JsonObject | None"


def model_record(model: ModelFile) -> JsonObject:
    """Return the record of a version of a model."""
    return {
        "model": model.model,
        "version": model.version,
        "path": model.path,
        "format": model.format,
        "size_bytes": model.size_bytes,
        "sha256": model.sha256,
        "made": None if model.made is None else model.made.model_dump(mode="json"),
        "inputs": [f"{'/'.join(p.names)}{p.shape} {p.precision}" for p in model.inputs],
        "outputs": [f"{'/'.join(p.names)}{p.shape} {p.precision}" for p in model.outputs],
    }


def cell_records(run: Run) -> Iterator[JsonObject]:
    """Yield all cells in the order of the plan: measured, failed and pending."""
    for result in run.results:
        yield _measured(result) if result.ok else _failed(result)
    for cell in run.pending:
        yield {**_cell_fields(cell), "status": "pending"}


def _cell_fields(cell: Cell) -> JsonObject:
    return {"cell": cell.id, **cell.model_dump(mode="json")}


def _failed(result: CellResult) -> JsonObject:
    assert result.failure is not None
    return {
        **_cell_fields(result.cell),
        "status": "failed",
        "failed_stage": result.failure.stage,
        "failure": result.failure.reason,
    }


def _measured(result: CellResult) -> JsonObject:
    cell_figures, resolved, launches = figures(result), result.resolved, result.launches
    latency = cell_figures.latency
    percentiles = {
        name: _estimate_ms(getattr(latency, name))
        for name in ("mean", "median", "p90", "p95", "p99", "p999", "deviation")
    }
    return {
        **_cell_fields(result.cell),
        "status": "measured",
        "stopped": result.stopped,
        "resolved": {
            "streams": resolved.streams,
            "requests": resolved.requests,
            "batch": resolved.batch,
            "threads": resolved.threads,
            "precision": resolved.precision,
            "execution_devices": list(resolved.execution_devices),
            "input_data": resolved.input_data,
        }
        if resolved
        else None,
        "throughput_fps": _estimate(cell_figures.throughput_fps),
        "cpu_cores": _estimate(cell_figures.cores),
        "latency_ms": {
            **percentiles,
            "min": _ms(latency.low),
            "max": _ms(latency.high),
        },
        "requests_counted": latency.count,
        "sequence": _sequence(result),
        "read_ms": _estimate_ms(cell_figures.read_s),
        "compile_ms": _estimate_ms(cell_figures.compile_s),
        "cached_compile_ms": _estimate_ms(cell_figures.cached_compile_s),
        "first_inference_ms": _estimate_ms(cell_figures.first_inference_s),
        "memory_bytes": {
            phase: max(getattr(launch.memory, f"{phase}_bytes") for launch in launches)
            for phase in ("start", "read", "compile", "inference")
        },
        "harness_cost_ms": result.harness.cost_ns / 1e6 if result.harness else None,
        "profile_failure": result.profile_failure.reason if result.profile_failure else None,
        "launches": len(launches),
    }


def _sequence(result: CellResult) -> JsonObject | None:
    """Return the record of a decoder's sequences; None if a request is a single inference."""
    known = sequence_figures(result)
    if known is None:
        return None
    names = ("mean", "median", "p95", "p99")
    times: JsonObject = {
        f"{phase}_ms": {name: _estimate_ms(getattr(latency, name)) for name in names}
        for phase, latency in (
            ("first_token", known.first_token),
            ("token", known.token),
            ("request", known.request),
        )
    }
    return {
        **known.sequence.model_dump(mode="json"),
        **times,
        "prefill_tokens_per_s": _estimate(known.prefill),
        "decode_tokens_per_s": _estimate(known.decode),
    }


def slice_records(result: CellResult) -> Iterator[JsonObject]:
    """Yield every slice of a cell, warm-up included; only the run file has single requests."""
    for number, launch in enumerate(result.launches):
        for place, measured in enumerate(launch.slices):
            yield {
                "cell": result.cell.id,
                "launch": number,
                "slice": place,
                "warmup": measured.warmup,
                "start_ms": measured.start_ns / 1e6,
                "wall_ms": measured.wall_ns / 1e6,
                "cpu_ms": measured.cpu_ns / 1e6,
                "other_load_cores": measured.other_load,
                "requests": measured.requests,
                "latency_median_ms": float(np.median(measured.latencies_ns)) / 1e6,
            }


def layer_records(run: Run, result: CellResult) -> Iterator[JsonObject]:
    """Yield the layers of a profiled cell: executed ones in their order, then the others.

    ``layer_time_ms`` is the median with the quartiles over the profiled inferences.
    """
    nodes = run.graphs[result.runtime_graph].nodes if result.runtime_graph else ()
    original = run.graphs[result.model_graph].nodes if result.model_graph else ()
    for layer in executed_layers(run, result):
        node = nodes[layer.index]
        yield {
            "cell": result.cell.id,
            "layer": layer.name,
            "execution_order": layer.order,
            "type": layer.type,
            "kernel": layer.kernel,
            "precision": layer.precision,
            "weights_precision": layer.weights,
            "status": "executed",
            "layer_time_ms": {
                "point": _ms(layer.median_s),
                "low": _ms(layer.low_s),
                "high": _ms(layer.high_s),
            },
            "share": layer.share,
            "output_shapes": list(layer.shapes),
            "output_layouts": layer.layouts,
            "output_precisions": attribute(node, "outputPrecisions"),
            "executes": [original[index].name for index in layer.originals],
            "fused_into": None,
        }
    for skipped in skipped_layers(run, result):
        yield {
            "cell": result.cell.id,
            "layer": skipped.name,
            "execution_order": None,
            "type": skipped.type,
            "kernel": "",
            "precision": "",
            "weights_precision": "",
            "status": "not executed",
            "layer_time_ms": None,
            "share": None,
            "output_shapes": [],
            "output_layouts": "",
            "output_precisions": "",
            "executes": [],
            "fused_into": None if skipped.into is None else nodes[skipped.into].name,
        }


def operator_records(run: Run, result: CellResult) -> Iterator[JsonObject]:
    """Yield the operators of the model, without constants, and what became of each."""
    nodes = run.graphs[result.runtime_graph].nodes if result.runtime_graph else ()
    original = run.graphs[result.model_graph].nodes if result.model_graph else ()
    for index, fate in fates(run, result).items():
        yield {
            "cell": result.cell.id,
            "operator": original[index].name,
            "type": original[index].type,
            "output_shapes": [port.shape for port in original[index].outputs],
            "attributes": json.dumps(original[index].attributes),
            "fate": fate.kind,
            "layer": None if fate.layer is None else nodes[fate.layer].name,
        }


def answer_records(run: Run) -> Iterator[JsonObject]:
    """Yield how far two versions with the same inputs differ, with their outputs and layers.

    Errors are those of the other version against the base, in the unit of the output; similarity,
    relative error and shares are fractions of 1.
    """
    for answers in run.answers:
        base, other = difference(answers.base, answers.other)
        judged = agreement(run, answers, settings(run).outputs)
        yield {
            "model": answers.base.model,
            "base_cell": answers.base.id,
            "other_cell": answers.other.id,
            "base": base,
            "other": other,
            "samples": answers.samples,
            "samples_left_out": answers.left_out,
            "input_data": answers.input_data,
            "labels": answers.labels,
            "failure": answers.failure.reason if answers.failure else None,
            "agreement": None if answers.failure else judged.outcome,
            "outputs": [_output(output) for output in judged.outputs],
            "layers": [
                {
                    "layer": layer.name,
                    "type": layer.type,
                    "cosine_similarity": layer.cosine,
                    "max_absolute_error": layer.max_abs,
                    "relative_error": layer.relative,
                }
                for layer in answers.layers
            ],
        }


def _output(judged: JudgedOutput) -> Json:
    output = judged.drift
    part = output.worst_part
    compared = output.compared or (None, None)
    accuracy, accuracy5 = output.accuracy or (None, None), output.accuracy5 or (None, None)
    return {
        "output": output.name,
        "other_output": output.other_name or output.name,
        "base_shape": output.shapes[0],
        "other_shape": output.shapes[1],
        "base_type": output.types[0],
        "other_type": output.types[1],
        "outcome": judged.outcome,
        "reason": output.reason,
        "same": output.same,
        "cosine_similarity": output.cosine,
        "max_absolute_error": output.max_abs,
        "mean_absolute_error": output.mean_abs,
        "relative_error": output.relative,
        "worst_part": part.where if part else None,
        "worst_part_relative_error": part.relative if part else None,
        "worst_input_set": output.worst_set[0] if output.worst_set else None,
        "worst_input_set_relative_error": output.worst_set[1] if output.worst_set else None,
        "differing_elements": output.differing,
        "not_finite": output.not_finite,
        "not_finite_in_one": output.unequal_not_finite,
        "distance_of_base_from_itself": output.itself,
        "distance_of_other_from_itself": output.other_itself,
        "top1_agreement": output.top1,
        "top5_agreement": output.top5,
        "base_accuracy": accuracy[0],
        "other_accuracy": accuracy[1],
        "base_top5_accuracy": accuracy5[0],
        "other_top5_accuracy": accuracy5[1],
        "elements_compared": compared[0],
        "elements": compared[1],
    }


# ---------------------------------------------------------------------------- values


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 6)  # to 1 ns, the resolution of the measurement


def _estimate(estimate: Estimate | None) -> JsonObject | None:
    if estimate is None:
        return None
    if not estimate.confidence and estimate.low == estimate.high:
        # Without an interval or range, a width of 0 would say that the figure is exact.
        return {"point": round(estimate.point, 6), "low": None, "high": None}
    return {name: round(getattr(estimate, name), 6) for name in ("point", "low", "high")}


def _estimate_ms(estimate: Estimate | None) -> JsonObject | None:
    return _estimate(estimate.scaled(1e3) if estimate else None)


def flat(record: Mapping[str, Json]) -> dict[str, Field]:
    """Return a record without nesting: ``latency_ms.median``, ``….low`` and ``….high``.

    Lists become one text, joined by ``; ``.
    """
    fields: dict[str, Field] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            for inner, content in flat(value).items():
                fields[name if inner == "point" else f"{name}.{inner}"] = content
        elif isinstance(value, list):
            fields[name] = "; ".join(map(str, value))
        else:
            fields[name] = value
    return fields
