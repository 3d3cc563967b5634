"""The machine, the software, the models, and how the cells were measured."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from ovreport.computed.anchors import MEMORY
from ovreport.plugin import Analyzer
from ovreport.run import Environment, ModelFile, Run, number_ranges, was_busy_before
from ovreport.section import Block, Column, Facts, Finding, Group, Row, Section, Table
from ovreport.text.labels import ENDED_BY, count, ended_by, label
from ovreport.text.numbers import show
from ovreport.text.values import Kind, Value


class EnvironmentFacts(Analyzer):
    """List the machine, software and settings that the figures depend on."""

    id = "environment"
    title = "Environment"
    reading = "Figures hold for this machine, this software and these settings."
    order = 900

    def analyze(self, run: Run) -> Section:
        environment = run.header.environment
        blocks: list[Block] = [_machine(environment), _software(environment)]
        if len(environment.runtimes) > 1:
            blocks.append(_runtimes(environment))
        blocks.append(_models(run))
        if run.done:
            blocks += [_cells(run), _memory(run)]
        blocks += [
            Facts(
                f"device-{number}",
                f"Properties of {device.name} before a model is compiled for it",
                [(name, value, "text") for name, value in device.properties.items()],
                collapsed=True,
            )
            for number, device in enumerate(environment.devices)
        ]
        return Section([Group("", blocks)], _findings(run))


def _machine(environment: Environment) -> Facts:
    cores: Value = environment.logical_cores
    facts: list[tuple[str, Value, Kind]] = [
        ("Host", environment.host, "text"),
        ("User", environment.user, "text"),
        ("Processor", environment.cpu, "text"),
        ("Physical cores", environment.physical_cores, "count"),
        ("Logical cores", cores, "count"),
        ("Logical cores that the process may use", _allowed(environment), "text"),
        ("Instruction sets", ", ".join(environment.isa), "text"),
        ("Memory", environment.memory_bytes, "bytes"),
        ("Frequency policy", environment.governor or "not reported by the system", "text"),
        ("Busy cores before the run", environment.load, "number"),
        ("Container", environment.container or "none", "text"),
        *_quota(environment),
        *(
            (device.name, device.full_name, "text")
            for device in environment.devices
            if device.full_name
            != environment.cpu  # a CPU device with this name is the processor above
        ),
    ]
    return Facts("machine", "Machine", facts)


def _quota(environment: Environment) -> Iterator[tuple[str, Value, Kind]]:
    """Return the cores that a container allows the process, if it limits them."""
    if environment.cpu_quota is not None:
        yield "Cores allowed by the container", environment.cpu_quota, "number"


def _allowed(environment: Environment) -> str:
    """Return the cores that the process may use: ``1 of 8 (number 3)``."""
    allowed = set(environment.cpu_affinity)
    if not allowed:
        return "all"
    noun = "number" if len(allowed) == 1 else "numbers"
    return f"{len(allowed)} of {environment.logical_cores} ({noun} {number_ranges([*allowed])})"


def _software(environment: Environment) -> Facts:
    facts: list[tuple[str, Value, Kind]] = [
        ("Operating system", environment.os, "text"),
        ("OpenVINO", environment.openvino, "text"),
        ("Python", environment.python, "text"),
        *(
            (name, version, "text")
            for name, version in environment.packages.items()
            if name != "openvino"  # the line above has its release and build
        ),
    ]
    return Facts("software", "Software", facts)


def _runtimes(environment: Environment) -> Table:
    rows = [
        Row(
            {
                "name": runtime.name,
                "openvino": runtime.openvino,
                "python": runtime.python,
                "devices": ", ".join(device.name for device in runtime.devices),
            }
        )
        for runtime in environment.runtimes
    ]
    columns = [
        Column("name", "Runtime"),
        Column("openvino", "OpenVINO"),
        Column("python", "Python"),
        Column("devices", "Devices"),
    ]
    return Table("runtimes", "Runtimes", columns, rows, "Their cells were measured in turns.")


def _models(run: Run) -> Table:
    rows = [
        Row(
            {
                "model": f"{file.model} · {file.version}",
                "path": file.path,
                "format": file.format,
                "size": file.size_bytes,
                "inputs": "; ".join(_inputs(file)),
                "sha": file.sha256[:16],
            }
        )
        for file in run.header.models
    ]
    columns = [
        Column("model", "Model"),
        Column("path", "File", "code"),
        Column("format", "Format"),
        Column("size", "Size", "bytes"),
        Column("inputs", "Inputs", "code"),
        Column("sha", "SHA-256", "code", help="The first 16 digits."),
    ]
    return Table("model-files", "Models", columns, rows)


def _inputs(file: ModelFile) -> Iterator[str]:
    """Return the inputs, with a layout if the file has one: ``data [1,3,8,8] f32 [N,C,H,W]``."""
    for port, layout in zip_longest(file.inputs, file.layouts[: len(file.inputs)]):
        yield " ".join(
            part for part in (", ".join(port.names), port.shape, port.precision, layout) if part
        )


def _cells(run: Run) -> Table:
    cells = [result.cell for result in run.results]
    rows = []
    for result in run.done:
        assert result.resolved is not None
        rows.append(
            Row(
                {
                    "cell": label(result.cell, cells, version=True),
                    "devices": ", ".join(result.resolved.execution_devices),
                    "threads": result.resolved.threads,
                    "input": result.resolved.input_data,
                    "launches": len(result.launches),
                    "cached": sum(bool(launch.from_cache) for launch in result.launches) or None,
                    "slices": len(result.slices),
                    "time": sum(slice_.wall_ns for slice_ in result.slices) / 1e9,
                    "stopped": ended_by(result.stopped),
                    "harness": result.harness.cost_ns / 1e9 if result.harness else None,
                    "python": result.harness.reason if result.harness else "",
                }
            )
        )
    columns = [
        Column("cell", "Cell"),
        Column("devices", "Executed on"),
        Column("threads", "Threads", "count"),
        Column("input", "Input"),
        Column("launches", "Launches", "count", help="Worker processes."),
        Column(
            "cached",
            "From cache",
            "count",
            help="Launches that loaded the model from the device's cache (CACHE_DIR); the "
            "others compiled it.",
        ),
        Column("slices", "Slices", "count"),
        Column("time", "Measured", "number", "s"),
        Column("stopped", "Ended by", help=ENDED_BY),
        Column(
            "harness",
            "Harness",
            "duration",
            help="The time to start a request, without the inference.",
        ),
        Column("python", "Reason for the Python API"),
    ]
    return Table("measured-cells", "How the cells were measured", columns, rows)


def _memory(run: Run) -> Table:
    cells = [result.cell for result in run.results]
    rows = [
        Row(
            {
                "cell": label(result.cell, cells, version=True),
                **{
                    phase: max(
                        getattr(launch.memory, f"{phase}_bytes") for launch in result.launches
                    )
                    for phase in ("start", "read", "compile", "inference")
                },
            }
        )
        for result in run.done
    ]
    columns = [
        Column("cell", "Cell"),
        Column("start", "Before", "bytes"),
        Column("read", "Reading", "bytes"),
        Column("compile", "Compiling", "bytes"),
        Column("inference", "Inference", "bytes"),
    ]
    note = "Peak resident memory of the worker in each phase."
    return Table(MEMORY, "Memory", columns, rows, note)


def _findings(run: Run) -> list[Finding]:
    findings = []
    environment = run.header.environment
    if was_busy_before(environment.load):
        findings.append(
            Finding(
                "environment.load",
                "warning",
                f"{show(environment.load, 'number')} cores were busy before the run began.",
                "Close other programs and run again.",
                topic="disturbance",
            )
        )
    if environment.cpu_affinity:
        findings.append(
            Finding(
                "environment.affinity",
                "info",
                f"Logical cores that the process may use: {_allowed(environment)}. The figures "
                f"hold for these only.",
                "Run without taskset, or with more cores in the container, to use the others.",
            )
        )
    if environment.governor not in (None, "performance"):
        findings.append(
            Finding(
                "environment.governor",
                "info",
                f"The frequency policy is {environment.governor}: the clock may change during a "
                "short run.",
                "Set it to performance while measuring.",
            )
        )
    for other in run.other_environments:
        others = [result for result in run.results if run.environment_of(result) is other]
        cells = [result.cell for result in run.results]
        names = ", ".join(label(result.cell, cells, version=True) for result in others[:3])
        names += f" and {len(others) - 3} more" if len(others) > 3 else ""
        findings.append(
            Finding(
                "environment.several",
                "warning",
                f"{count(len(others), 'cell')} of {len(run.results)} ({names}) were measured "
                f"in another environment: {'; '.join(other.changes(environment))}.",
                "Compare cells across environments with care, or measure all of them again.",
            )
        )
    return findings
