"""What disturbed a cell is said in words, with what to do."""

import numpy as np
from test_plugin_summary import result, run_of

from ovreport.run import Cell, CellResult, Launch
from ovreport_plugins.latency.steadiness import findings

RANDOM = np.random.default_rng(2)


def cell(*launches: list[float], **changes: object) -> CellResult:
    """One slice of 20 requests, 1 % apart, for each median in ms."""
    base = result(Cell(model="net"), 1)

    def launch(medians: list[float]) -> Launch:
        slices = tuple(
            base.launches[0].slices[0].model_copy(
                update={
                    "start_ns": place,
                    "latencies_ns": np.round(RANDOM.normal(m, m / 100, 20) * 1e6).astype(int),
                    **changes,
                }
            )
            for place, m in enumerate(medians)
        )  # fmt: skip
        return base.launches[0].model_copy(update={"slices": slices})

    return base.model_copy(update={"launches": tuple(map(launch, launches))})


def told(measured: CellResult) -> dict[str, str]:
    return {f.id: f"{f.text} {f.remedy}" for f in findings(run_of([measured]))}


def test_a_steady_cell_needs_no_words() -> None:
    assert told(cell([1.0] * 10, [1.0] * 10)) == {}


def test_drift_names_its_size_and_the_governor() -> None:
    words = told(cell(np.linspace(1, 1.1, 20).tolist()))["latency.drift"]
    assert "rose by" in words
    assert "governor" in words


def test_groups_are_explained_by_what_parts_them() -> None:
    launches = told(cell([1.0] * 10, [1.2] * 10))["latency.groups"]
    assert "Launches differ" in launches
    slices = told(cell([1.0, 1.2] * 10))["latency.groups"]
    assert "slice to slice" in slices


def test_load_of_other_programs_is_named() -> None:
    assert "Close other programs" in told(cell([1.0] * 10, other_load=0.5))["latency.disturbed"]
