"""When measuring of a cell stops: simulations with known scatter, without a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ovreport.config.schema import Measure
from ovreport.measuring import cell_state as member_module
from ovreport.measuring.cell_state import Member
from ovreport.measuring.stopping import LaunchProgress, launch_is_done, part_done, reason_to_stop
from ovreport.planning.matrix import LEAST_SPAN_S
from ovreport.run import Slice, StopReason
from ovreport.stats.half_widths import SliceSummary


def turn(request_ns: float, start_s: float = 0.0, reference_ns: int | None = None) -> Slice:
    times = np.full(round(1e8 / request_ns), round(request_ns), np.int64)
    return Slice(
        start_ns=round(start_s * 1e9), wall_ns=int(times.sum()), cpu_ns=0, latencies_ns=times,
        reference_ns=reference_ns,
    )  # fmt: skip


def begun(launches: int) -> Member:
    nothing: Any = None
    member = Member(nothing)
    for _ in range(launches):
        member.begin_launch({"memory": {"inference_bytes": 0}})
    return member


def measured(
    effect: float,
    noise: float,
    launch_s: float,
    settings: Measure,
    typical: float = 0.0,
    machine: Callable[[float], float] = lambda _: 1.0,
) -> tuple[list[int], StopReason]:
    """Simulate a cell; return the slices of each launch and the reason for stopping.

    Args:
        machine: the factor of all times, by seconds since the start.
    """
    random = np.random.default_rng(1)
    member, launches, now_s = begun(0), 0, 0.0
    member.launch_deviation = typical
    while True:
        launches += 1
        now_s += launch_s
        speed = 1e6 * (1 + random.normal(0, effect))
        member.begin_launch({"memory": {"inference_bytes": 0}})
        for number in range(1, 1000):
            slow = machine(now_s)
            request_ns = slow * speed * (1 + random.normal(0, noise))
            reference_ns = round(1e6 * slow * (1 + random.normal(0, 0.003)))
            member.take(turn(request_ns, now_s, reference_ns))
            member.count([False] * number)
            now_s += 0.1
            progress = LaunchProgress(launches, launch_s, number)
            if stopped := reason_to_stop([member], settings, progress):
                return [len(launch) for launch in member.summaries], stopped
            if launch_is_done([member], settings, progress):
                break


def test_few_launches_that_agree_suffice_if_those_of_other_cells_agree() -> None:
    sizes, stopped = measured(0, 0.002, 0.15, Measure(), typical=0.002)
    assert stopped == "target"
    assert len(sizes) == 3


def test_a_single_cell_needs_launches_that_show_their_scatter() -> None:
    """With one slow launch in four, three launches contain none of them in two cases of five."""
    sizes, stopped = measured(0, 0.002, 0.15, Measure())
    assert stopped == "target"
    assert len(sizes) >= 11
    assert min(sizes[:10]) == 2
    assert sum(sizes[:10]) == pytest.approx(23, abs=3)


def test_a_single_cell_has_a_least_span() -> None:
    """On a steady machine, launches agree after five seconds."""
    sizes, _ = measured(0, 0.002, 0.15, Measure())
    among_others, _ = measured(0, 0.002, 0.15, Measure(), typical=0.002)
    most_slices_of_a_launch_s = 2.0
    seconds = len(sizes) * 0.15 + sum(sizes) * 0.1
    assert LEAST_SPAN_S <= seconds <= LEAST_SPAN_S + most_slices_of_a_launch_s + 0.5
    assert sum(among_others) * 0.1 < LEAST_SPAN_S / 2


def test_a_single_cell_on_a_changing_machine_is_measured_for_max_time() -> None:
    """The machine's part of its interval is wider than the target."""

    def two_speeds(seconds: float) -> float:
        return 1.07 if seconds % 8 > 4 else 1.0

    settings = Measure(max_time=10.0, target=0.02)
    for typical, stopped in ((0.0, "max_time"), (0.002, "target")):
        changing = measured(0, 0.002, 0.15, settings, typical, two_speeds)
        assert changing[1] == stopped
    assert measured(0, 0.002, 0.15, settings)[1] == "target"


def test_the_progress_of_a_single_cell_includes_the_least_span() -> None:
    member, settings = begun(1), Measure()
    for number in range(30):
        member.take(turn(1e6, 0.1 * number))
    member.count([False] * 30)
    assert member.half_widths.worst <= settings.target
    assert part_done([member], settings) == pytest.approx(3 / LEAST_SPAN_S)
    member.launch_deviation = 0.01
    assert part_done([member], settings) == 1


def test_launches_that_differ_are_followed_by_more_of_full_length() -> None:
    sizes, stopped = measured(0.03, 0.01, 0.15, Measure(), typical=0.02)
    assert stopped == "target"
    assert len(sizes) > 3
    assert min(sizes) >= 3


def test_few_affordable_launches_share_the_remaining_time() -> None:
    """Starting takes 5 s, so there is time for four launches, which last equally long."""
    sizes, stopped = measured(0.05, 0.01, 5.0, Measure())
    assert stopped == "max_time"
    assert len(sizes) == 4
    assert sizes[2] == pytest.approx(sizes[3], abs=2)


def test_left_out_turns_can_be_included_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each turn is summarised only once."""
    summed = []

    class Counting(SliceSummary):
        @classmethod
        def of(
            cls,
            wall_ns: int,
            latencies_ns: NDArray[np.int64],
            start_ns: int = 0,
            reference_ns: int | None = None,
        ) -> SliceSummary:
            summed.append(wall_ns)
            return SliceSummary.of(wall_ns, latencies_ns, start_ns, reference_ns)

    monkeypatch.setattr(member_module, "SliceSummary", Counting)
    member = begun(1)
    for number in range(1, 41):
        member.take(turn(1e6 + number))
        member.count([one % 2 == 1 for one in range(number)])
    assert len(summed) == 40
    assert [one.median_s for one in member.summaries[0]] == [
        (1e6 + number) / 1e9 for number in range(1, 41, 2)
    ]
    member.count([False] * 40)
    assert len(member.summaries[0]) == 40
    assert member.seconds == pytest.approx(4, rel=0.02)
