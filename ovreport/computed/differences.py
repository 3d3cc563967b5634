"""Differences between two runs other than their figures: machine, software, settings, models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ovreport.computed.settings import header_settings
from ovreport.run import CellResult, Environment, Header, ModelFile, number_ranges

DifferenceTopic = Literal["machine", "software", "settings", "model", "cell"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between two runs; ``was`` and ``now`` are the values in each, as text."""

    topic: DifferenceTopic
    what: str
    was: str
    now: str


_NOTHING = "–"


def of_environments(a: Environment, b: Environment) -> Iterator[Difference]:
    """Yield differences of machine and software, without load and clocks, which always vary."""
    yield from _unequal("machine", _machine(a), _machine(b))
    yield from _unequal("software", _software(a), _software(b))


def of_settings(a: Header, b: Header) -> Iterator[Difference]:
    """Yield differences of ``[measure]``, ``[properties]`` and the program itself."""
    yield from _unequal("settings", _measuring(a), _measuring(b))
    yield from _unequal("settings", {"ovreport": a.ovreport}, {"ovreport": b.ovreport})


def _measuring(header: Header) -> dict[str, Any]:
    tables = header_settings(header).model_dump(mode="json", include={"measure", "properties"})
    return {key: value for name, table in tables.items() for key, value in _flat(table, name)}


def of_models(a: ModelFile, b: ModelFile) -> Iterator[Difference]:
    """Yield differences between the files of a model."""
    yield from _unequal("model", _model(a), _model(b))


def of_cells(a: CellResult, b: CellResult) -> Iterator[Difference]:
    """Yield differences between the settings that the device resolved, and between the inputs."""
    yield from _unequal("cell", _resolved(a), _resolved(b))


def _machine(e: Environment) -> dict[str, Any]:
    return {
        "Processor": e.cpu,
        "Physical cores": e.physical_cores,
        "Logical cores": e.logical_cores,
        "Memory": f"{e.memory_bytes / 2**30:.1f} GiB",
        "Instruction sets": ", ".join(e.isa),
        "Frequency policy": e.governor,
        "Container": e.container,
        "Cores that the process may use": number_ranges(e.cpu_affinity) or "all",
        "Cores allowed by the container": e.cpu_quota,
        "Host": e.host,
        "Devices": "; ".join(f"{d.name}: {d.full_name}" for d in e.devices),
    }


def _software(e: Environment) -> dict[str, Any]:
    packages = {name: version for name, version in e.packages.items() if name != "openvino"}
    return {"OpenVINO": e.openvino, "Operating system": e.os, "Python": e.python, **packages}


def _model(file: ModelFile) -> dict[str, Any]:
    return {
        "Model": file.model,
        "Version": file.version,
        "Format": file.format,
        "Content (SHA-256)": file.sha256[:16],
        "Size": f"{file.size_bytes} bytes",
        "Inputs": "; ".join(f"{p.shape} {p.precision}" for p in file.inputs),
        "Outputs": "; ".join(f"{p.shape} {p.precision}" for p in file.outputs),
    }


def _resolved(result: CellResult) -> dict[str, Any]:
    r = result.resolved
    if r is None:
        return {}
    return {
        "Executed on": ", ".join(r.execution_devices),
        "Batch": r.batch,
        "Streams": r.streams,
        "Requests": r.requests,
        "Threads": r.threads,
        "Inference precision": r.precision,
        "Input data": r.input_data,
        "Input shapes": "; ".join(p.shape for p in r.inputs),
        "Measured through": result.harness.api if result.harness else None,
    }


def _flat(value: object, name: str) -> Iterator[tuple[str, object]]:
    """Yield nested values by dotted names: ``{"CPU": {"X": 1}}`` → ``properties.CPU.X``, 1."""
    if not isinstance(value, Mapping):
        if value is not None:
            yield name, value
        return
    for key, inner in value.items():
        yield from _flat(inner, f"{name}.{key}")


def _unequal(
    topic: DifferenceTopic, was: Mapping[str, object], now: Mapping[str, object]
) -> Iterator[Difference]:
    for key in dict.fromkeys((*was, *now)):
        before, after = was.get(key), now.get(key)
        if before != after:
            yield Difference(topic, key, _text(before), _text(after))


def _text(value: object) -> str:
    return _NOTHING if value in (None, "", ()) else str(value)
