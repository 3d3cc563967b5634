"""The environment section shows every condition of the figures once."""

from __future__ import annotations

from dataclasses import replace

from builders import cell_result, run_of, section_of

from ovreport.run import Cell, Device, Run
from ovreport.section import Facts
from ovreport_plugins.environment.analyzer import EnvironmentFacts


def run_with(**changes: object) -> Run:
    run = run_of([cell_result(Cell(model="net"), 5)])
    environment = run.header.environment.model_copy(update=changes)
    return replace(run, header=run.header.model_copy(update={"environment": environment}))


def facts(run: Run, id: str) -> dict[str, object]:
    block = section_of(EnvironmentFacts(), run).groups[0].block(id)
    assert isinstance(block, Facts)
    names = [name for name, _, _ in block.facts]
    assert len(names) == len({*names})
    return {name: value for name, value, _ in block.facts}


def test_the_machine_is_not_listed_as_software_and_the_processor_is_named_once() -> None:
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


def test_usable_cores_and_existing_cores_are_named() -> None:
    run = run_with(logical_cores=8, cpu_affinity=(0, 1, 2, 5))
    assert facts(run, "machine")["Logical cores that the process may use"] == (
        "4 of 8 (numbers 0–2, 5)"
    )
    findings = EnvironmentFacts().analyze(run).findings
    assert [finding.id for finding in findings] == ["environment.affinity"]
    assert facts(run_with(), "machine")["Logical cores that the process may use"] == "all"


def test_a_run_on_fewer_cores_has_another_environment() -> None:
    everywhere = run_with().header.environment
    pinned = run_with(cpu_affinity=(0,)).header.environment
    assert everywhere.changes(pinned) == ("CPUs allowed was all, now 0",)
    assert pinned.changes(everywhere) == ("CPUs allowed was 0, now all",)
    assert everywhere.id != pinned.id


def test_no_more_cores_are_usable_than_affinity_and_quota_allow() -> None:
    assert run_with(logical_cores=8).header.environment.usable_cores == 8
    assert run_with(logical_cores=8, cpu_affinity=(3, 4)).header.environment.usable_cores == 2
    both = run_with(logical_cores=8, cpu_affinity=(3, 4), cpu_quota=1.5)
    assert both.header.environment.usable_cores == 1.5
