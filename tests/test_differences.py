"""What differs between the two runs of a comparison, besides their figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import section_of

from ovreport.combining.compare import Side, compare
from ovreport.computed.differences import (
    Difference,
    of_cells,
    of_environments,
    of_models,
    of_settings,
)
from ovreport.run import Run
from ovreport.runfile import read_run
from ovreport.section import Section, Table
from ovreport_plugins.differences.analyzer import Differences


@pytest.fixture(scope="module")
def recorded() -> Run:
    return read_run(Path(__file__).with_name("data") / "versions.jsonl")


def elsewhere(run: Run, config: dict[str, Any] | None = None, **environment: object) -> Run:
    """Return the run as if it was measured in another environment or with other settings."""
    changed = run.header.environment.model_copy(update=environment)
    update = {"environment": changed, "config": {**run.header.config, **(config or {})}}
    return replace(run, header=run.header.model_copy(update=update))


def section(base: Run, candidate: Run) -> Section:
    return section_of(
        Differences(), compare(Side("base", "a", base), Side("candidate", "b", candidate))
    )


def test_equal_values_and_values_that_always_vary_are_no_differences(recorded: Run) -> None:
    here = recorded.header.environment
    assert list(of_environments(here, here.model_copy(update={"load": 1.5, "max_mhz": 9.0}))) == []
    assert list(of_settings(recorded.header, recorded.header)) == []
    assert [list(of_cells(result, result)) for result in recorded.done] == [[]] * len(recorded.done)


def test_a_difference_names_its_topic_its_property_and_both_values(recorded: Run) -> None:
    here = recorded.header.environment
    there = here.model_copy(
        update={
            "memory_bytes": 3 << 29, "cpu_affinity": (0, 1, 2, 8), "isa": (),
            "packages": {**here.packages, "openvino": "twice", "nncf": "9.9"},
        }
    )  # fmt: skip
    found = {difference.what: difference for difference in of_environments(here, there)}
    assert found["Memory"].now == "1.5 GiB"
    assert found["Cores that the process may use"] == Difference(
        "machine", "Cores that the process may use", "all", "0–2, 8"
    )
    assert found["Instruction sets"].now == "–"
    assert (found["nncf"].topic, found["nncf"].now) == ("software", "9.9")
    # OpenVINO's own release is compared instead of that of its package.
    assert "openvino" not in found


def test_settings_of_nested_tables_are_named_by_their_path(recorded: Run) -> None:
    other = elsewhere(
        recorded, {"properties": {"CPU": {"NUM_STREAMS": 2}}, "measure": {"launches": 7}}
    )
    found = {d.what: (d.was, d.now) for d in of_settings(recorded.header, other.header)}
    assert found["properties.CPU.NUM_STREAMS"] == ("–", "2")
    assert found["measure.launches"][1] == "7"


def test_another_file_of_a_model_is_a_difference(recorded: Run) -> None:
    file = recorded.header.models[0]
    other = file.model_copy(update={"sha256": "0" * 64, "size_bytes": 5})
    assert [(d.what, d.now) for d in of_models(file, other)] == [
        ("Content (SHA-256)", "0" * 16),
        ("Size", "5 bytes"),
    ]


def test_a_run_and_itself_have_no_differences_and_no_findings(recorded: Run) -> None:
    both = section(recorded, recorded)
    assert both.findings == []
    assert both.verdict == "Both sides are parts of one run."


def test_what_differs_is_listed_and_weakens_the_verdict(recorded: Run) -> None:
    made = section(
        recorded, elsewhere(recorded, {"measure": {"launches": 7}}, cpu="Other CPU", host="there")
    )
    table = made.groups[0].blocks[-1]
    assert isinstance(table, Table)
    rows = {row.values["what"]: row.values["now"] for row in table.rows}
    assert rows["Processor"] == "Other CPU"
    assert rows["measure.launches"] == "7"
    assert "Processor and Host differ, too" in made.verdict
    found = {finding.id: finding.text for finding in made.findings}
    # The name of the host alone does not change a figure.
    assert "the machines differ (Processor)" in found["differences.machine"]
    assert "measure.launches" in found["differences.settings"]
    assert "differences.same_model" in found
    assert "differences.cells" not in found
