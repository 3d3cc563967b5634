"""The latency section explains disturbances and their remedies."""

from dataclasses import replace

import numpy as np
import pytest
from builders import cell_result, paced, run_of, section_of, spaced

from ovreport.run import Cell, CellResult, Graph, Launch, Node
from ovreport.section import Chart, Section, Table, Text
from ovreport_plugins.latency.analyzer import Latency
from ovreport_plugins.latency.steadiness import findings

RANDOM = np.random.default_rng(2)


def cell(*launches: list[float], **changes: object) -> CellResult:
    """Return a cell with one slice of 20 requests, 1 % apart, for each median in ms."""
    base = cell_result(Cell(model="net"), 1)

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


def analyzed(*results: CellResult, **report: object) -> Section:
    return section_of(Latency(), run_of(results, **report))


def table(section: Section, id: str) -> Table:
    found = section.groups[0].block(id)
    assert isinstance(found, Table)
    return found


def findings_of(measured: CellResult) -> dict[str, str]:
    return {f.id: f"{f.text} {f.remedy}" for f in findings(run_of([measured]))}


def test_a_steady_cell_has_no_finding() -> None:
    assert findings_of(cell([1.0] * 10, [1.0] * 10)) == {}


@pytest.mark.parametrize(("kind", "is_told"), [("ReadValue", True), ("Relu", False)])
def test_states_that_change_the_time_within_each_slice_are_named(kind: str, is_told: bool) -> None:
    measured = cell([1.0] * 8).model_copy(update={"model_graph": "of the model"})
    rising = np.repeat([1_000_000, 3_000_000], 10)
    slices = tuple(
        s.model_copy(update={"latencies_ns": rising}) for s in measured.launches[0].slices
    )
    launch = measured.launches[0].model_copy(update={"slices": slices})
    measured = measured.model_copy(update={"launches": (launch,)})
    inner = Graph(kind="model", nodes=(Node(name="state", type=kind),))
    choice = Node(name="choice", type="If", bodies=(inner,))
    graph = Graph(kind="model", nodes=(choice,))
    run = replace(run_of([measured]), graphs={"of the model": graph})
    words = {finding.id: finding.text for finding in findings(run)}
    assert (
        "second half of a slice take 200\u202f% longer" in words.get("latency.states", "")
    ) is is_told


def test_drift_names_its_size_and_the_governor() -> None:
    sentence = findings_of(cell(np.linspace(1, 1.1, 20).tolist()))["latency.drift"]
    assert "rose by" in sentence
    assert "governor" in sentence


def test_groups_are_explained_by_what_distinguishes_them() -> None:
    launches = findings_of(cell([1.0] * 10, [1.2] * 10))["latency.groups"]
    assert "Launches differ" in launches
    slices = findings_of(cell([1.0, 1.2] * 10))["latency.groups"]
    assert "slice to slice" in slices


def test_load_of_other_programs_is_named() -> None:
    assert (
        "Close other programs" in findings_of(cell([1.0] * 10, other_load=0.5))["latency.disturbed"]
    )


def test_load_and_left_out_slices_agree_in_findings_and_table() -> None:
    measured = cell([1.0] * 10, other_load=0.5)
    launch = measured.launches[0]
    slices = [s.model_copy(update={"disturbed": n < 3}) for n, s in enumerate(launch.slices)]
    update = {"launches": (launch.model_copy(update={"slices": tuple(slices)}),)}
    measured = measured.model_copy(update=update)
    text = findings_of(measured)["latency.disturbed"]
    assert "more than 0.1 cores in 10 of 10 slices" in text
    assert "3 of them were left out" in text
    (row,) = table(analyzed(measured), "effort").rows
    assert (row.values["disturbed"], row.values["load"]) == (3, 0.5)
    quiet = table(analyzed(cell([1.0] * 10)), "effort")
    assert "load" not in {column.key for column in quiet.filled.columns}


@pytest.mark.parametrize("launches", [([1.0, 1.2] * 10,), ([1.0] * 10, [1.2] * 10)])
def test_constant_load_of_another_program_explains_groups(launches: tuple[list[float]]) -> None:
    sentence = findings_of(cell(*launches, other_load=0.7))["latency.groups"]
    assert "Other programs used 0.7 cores" in sentence
    assert "Pin" not in sentence
    assert "Launches differ" not in sentence


def test_a_rate_that_is_not_reached_has_no_latency_anywhere() -> None:
    section = analyzed(paced(200, 10), paced(400, 20))
    rows = table(section, "latencies").rows
    assert [row.values["mean"] is None for row in rows] == [False, True]
    assert [row.values["max"] is None for row in rows] == [False, True]
    assert [row.values["count"] for row in rows] == [100, 100]
    assert len(section.groups) == 2  # the tables, and the charts of the rate that is reached


def test_the_distribution_of_a_growing_wait_is_not_described() -> None:
    measured = cell([1.0, 1.2] * 10, arrived=20)
    assert "latency.groups" in findings_of(measured)
    assert not findings_of(cell([1.0, 1.2] * 10, arrived=40))


def histogram(requests: int) -> Chart:
    """Return the histogram of this many requests, the last of which is late."""
    measured = cell_result(Cell(model="net"), 1)
    latencies = np.linspace(1e6, 1.1e6, requests).astype(int)
    latencies[-1] = 9 * 10**6
    one = measured.launches[0].slices[0].model_copy(update={"latencies_ns": latencies})
    launch = measured.launches[0].model_copy(update={"slices": (one,)})
    section = analyzed(measured.model_copy(update={"launches": (launch,)}))
    chart = section.groups[1].blocks[0]
    assert isinstance(chart, Chart)
    return chart


def test_only_a_histogram_of_many_requests_leaves_out_its_tail() -> None:
    assert "drawn" not in histogram(6).title
    assert "; 1 beyond " in histogram(200).title
    assert histogram(200).title.endswith("is not drawn")
    assert histogram(600).title.endswith("are not drawn")


def test_cells_of_the_summary_are_drawn_first_and_the_others_are_counted() -> None:
    hints = ("throughput", "none")
    cells = [Cell(model="net", hint=hint, threads=n) for hint in hints for n in (1, 2, 3)]
    results = [cell_result(cell, 5 + n) for n, cell in enumerate(cells)]
    quick = cell_result(Cell(model="net"), 4)
    best = cell_result(Cell(model="net", hint="throughput", streams=2), 9, streams=4)
    section = analyzed(*results, quick, best)
    charts = [b.id for group in section.groups for b in group.blocks if isinstance(b, Chart)]
    drawn = [id.removeprefix("course-") for id in charts if id.startswith("course-")]
    assert drawn == [r.cell.id for r in (quick, best, *results[:2])]
    (note,) = (b for b in section.groups[0].blocks if isinstance(b, Text))
    assert "4 of 8 cells" in note.text
    assert not [b for b in analyzed(quick).groups[0].blocks if isinstance(b, Text)]


def machine_of(*factors: float) -> CellResult:
    """Return a cell with a constant model on a machine whose speed changes."""
    steady = cell([1.0] * len(factors))
    slices = tuple(
        one.model_copy(update={"reference_ns": round(2e5 * factor)})
        for one, factor in zip(steady.slices, factors, strict=True)
    )
    launch = steady.launches[0].model_copy(update={"slices": slices})
    return steady.model_copy(update={"launches": (launch,)})


def test_two_speeds_of_the_machine_are_distinguished_from_the_model() -> None:
    random = np.random.default_rng(0)
    noise = random.normal(1, 0.003, 100)
    slow = np.where(np.arange(100) % 10 < 4, 1.07, 1.0)
    sentence = spaced(findings_of(machine_of(*(noise * slow)))["latency.machine"])
    assert sentence.startswith("This machine ran at two speeds that differ by 6.9 %")
    assert "39.8 % of the time at the slower one" in sentence
    assert not findings_of(machine_of(*noise))


def test_a_slowing_machine_is_distinguished_from_the_model() -> None:
    sentence = findings_of(machine_of(*np.linspace(1.0, 1.05, 40)))
    assert list(sentence) == ["latency.machine"]
    assert spaced(sentence["latency.machine"]).startswith("This machine became 5.0 % slower")


def test_a_machine_that_scatters_says_by_how_much() -> None:
    factors = np.random.default_rng(0).lognormal(0, 0.2, 60)
    words = spaced(findings_of(machine_of(*factors))["latency.machine"])
    assert "changed its speed: in the slowest quarter of the time it was at least " in words
    assert " slower than in the quickest quarter. A fixed computation" in words


@pytest.mark.parametrize(
    ("load", "words"),
    [(1.4, "Other programs used 1.4 cores meanwhile"), (0.0, "governor to performance")],
)
def test_the_remedy_for_an_unsteady_machine_depends_on_its_load(load: float, words: str) -> None:
    measured = machine_of(*np.linspace(1.0, 1.05, 40))
    slices = tuple(s.model_copy(update={"other_load": load}) for s in measured.launches[0].slices)
    launch = measured.launches[0].model_copy(update={"slices": slices})
    loaded = measured.model_copy(update={"launches": (launch,)})
    assert words in findings_of(loaded)["latency.machine"]


@pytest.mark.parametrize(("other", "is_reported"), [(0.1, True), (1.2, False)])
def test_cells_measured_beside_different_loads_are_named(other: float, is_reported: bool) -> None:
    busy = cell([1.0] * 10, other_load=1.5)
    quiet = cell([1.0] * 10, other_load=other).model_copy(
        update={"cell": Cell(model="net", hint="throughput")}
    )
    found = {f.id: f.text for f in findings(run_of([busy, quiet]))}
    assert ("latency.unequal-load" in found) is is_reported
    if is_reported:
        assert found["latency.unequal-load"].startswith(
            "Other programs used 1.5 cores while latency hint was measured, and 0.1 cores while "
            "throughput hint was"
        )


def test_a_sentence_about_one_cell_counts_no_cells() -> None:
    words = findings_of(cell(np.linspace(1, 1.1, 20).tolist()))["latency.drift"]
    assert "cell" not in words


def test_a_drift_says_whether_the_machine_drifted_as_well() -> None:
    drifting = cell(np.linspace(1, 1.1, 20).tolist())
    for factors, message in (
        (np.linspace(1, 1.1, 20), "the cause is the machine, not the model"),
        (np.ones(20), "the cause is not the processor's clock"),
    ):
        slices = tuple(
            one.model_copy(update={"reference_ns": round(2e5 * factor)})
            for one, factor in zip(drifting.slices, factors, strict=True)
        )
        launch = drifting.launches[0].model_copy(update={"slices": slices})
        sentence = findings_of(drifting.model_copy(update={"launches": (launch,)}))
        assert message in sentence["latency.drift"]
    assert "fixed computation" not in findings_of(drifting)["latency.drift"]


def test_drift_on_a_busy_machine_is_not_blamed_on_heat() -> None:
    sentence = findings_of(cell(np.linspace(1, 1.1, 20).tolist(), other_load=1.5))["latency.drift"]
    assert "Other programs used 1.5 cores" in sentence
    assert "heat" not in sentence
