"""When measuring of a cell stops: simulations with known scatter, without a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ovreport.config.schema import Measure
from ovreport.measuring import cell_state as member_module
from ovreport.measuring.cell_state import Member
from ovreport.measuring.stopping import LaunchProgress, launch_is_done, reason_to_stop
from ovreport.run import Slice, StopReason
from ovreport.stats.half_widths import SliceSummary


def turn(request_ns: float) -> Slice:
    times = np.full(round(1e8 / request_ns), round(request_ns), np.int64)
    return Slice(start_ns=0, wall_ns=int(times.sum()), cpu_ns=0, latencies_ns=times)


def begun(launches: int) -> Member:
    nothing: Any = None
    member = Member(nothing)
    for _ in range(launches):
        member.begin_launch({"memory": {"inference_bytes": 0}})
    return member


def measured(
    effect: float, noise: float, launch_s: float, settings: Measure, typical: float = 0.0
) -> tuple[list[int], StopReason]:
    """Simulate a cell; return the slices of each launch and the reason for stopping."""
    random = np.random.default_rng(1)
    member, launches = begun(0), 0
    member.typical = typical
    while True:
        launches += 1
        speed = 1e6 * (1 + random.normal(0, effect))
        member.begin_launch({"memory": {"inference_bytes": 0}})
        for number in range(1, 1000):
            member.take(turn(speed * (1 + random.normal(0, noise))))
            member.count([False] * number)
            standing = LaunchProgress(launches, launch_s, number)
            if stopped := reason_to_stop([member], settings, standing):
                return [len(launch) for launch in member.summaries], stopped
            if launch_is_done([member], settings, standing):
                break


def test_few_launches_that_agree_suffice_if_those_of_other_cells_agree() -> None:
    sizes, stopped = measured(0, 0.002, 0.15, Measure(), typical=0.002)
    assert stopped == "target"
    assert len(sizes) == 3


def test_a_single_cell_needs_launches_that_show_their_scatter() -> None:
    """With one slow launch in four, three launches contain none of them in two cases of five."""
    sizes, stopped = measured(0, 0.002, 0.15, Measure())
    assert stopped == "target"
    assert len(sizes) == 11
    assert min(sizes) == 2
    assert sum(sizes) == pytest.approx(25, abs=3)


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
        def of(cls, wall_ns: int, latencies_ns: NDArray[np.int64]) -> SliceSummary:
            summed.append(wall_ns)
            return SliceSummary.of(wall_ns, latencies_ns)

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
