"""What the figures depend on is told once."""

from __future__ import annotations

from dataclasses import replace

from test_plugin_summary import result, run_of

from ovreport.run import Cell, Device, Run
from ovreport.section import Facts
from ovreport_plugins.environment.analyzer import EnvironmentFacts


def run_with(**changes: object) -> Run:
    run = run_of([result(Cell(model="net"), 5)])
    environment = run.header.environment.model_copy(update=changes)
    return replace(run, header=run.header.model_copy(update={"environment": environment}))


def facts(run: Run, id: str) -> dict[str, object]:
    block = EnvironmentFacts().analyze(run).groups[0].block(id)
    assert isinstance(block, Facts)
    names = [name for name, _, _ in block.facts]
    assert len(names) == len({*names})
    return {name: value for name, value, _ in block.facts}


def test_the_machine_is_no_software_and_the_processor_is_named_once() -> None:
    run = run_with(
        host="vm", user="me", cpu="A CPU", openvino="2026.4.1-22982-e213",
        packages={"openvino": "2026.4.1", "numpy": "2.4.6"},
        devices=(Device(name="CPU", full_name="A CPU"), Device(name="GPU.0", full_name="A GPU")),
    )  # fmt: skip
    machine, software = facts(run, "machine"), facts(run, "software")
    assert (machine["Host"], machine["User"], machine["GPU.0"]) == ("vm", "me", "A GPU")
    assert list(machine.values()).count("A CPU") == 1
    assert software.keys() == {"Operating system", "OpenVINO", "Python", "numpy"}
    assert software["OpenVINO"] == "2026.4.1-22982-e213"
