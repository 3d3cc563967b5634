"""Running means of whole microseconds are converted to single times as far as possible."""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovreport.measuring.worker.means import singles
from ovreport.measuring.worker.profiling import Profiling


def means_of(times: list[int]) -> list[int]:
    return [total // (n + 1) for n, total in enumerate(accumulate(times))]


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=40))
def test_sums_are_within_the_rounding_of_the_means(times: list[int]) -> None:
    times_found = singles(means_of(times))
    assert len(times_found) == len(times) - 1
    assert all(time >= 0 for time in times_found)
    sums = list(accumulate([times[0], *times_found]))
    for n, (ours, true) in enumerate(zip(sums, accumulate(times), strict=True)):
        assert abs(ours - true) <= n + 1e-6


@given(st.integers(1, 10**4), st.integers(5, 60), st.integers(1, 20))
def test_a_slow_first_inference_does_not_affect_the_others(
    time: int, number: int, slow: int
) -> None:
    times_found = singles(means_of([time * slow, *[time] * number]))
    assert np.median(times_found) == pytest.approx(time, abs=1)


def test_an_inference_that_was_disturbed_stands_out() -> None:
    times_found = singles(means_of([300, *[100] * 10, 5000, *[100] * 10]))
    assert np.median(times_found) == pytest.approx(100, abs=1)
    assert np.argmax(times_found) == 10
    assert max(times_found) > 4000


def test_a_time_is_kept_when_the_mean_rounds_to_zero() -> None:
    times_found = singles([1, 1, 1, 0, 0])
    assert 3 <= 1 + sum(times_found[:2]) <= 4
    assert sum(times_found) <= 3


def test_a_layer_without_time_stays_without_time() -> None:
    assert singles([0] * 9) == [0] * 8
    assert singles([7, 3, 2, 1, 1, 1, 1, 0])[-1] == 0
    assert singles([5]) == []


class Counted:
    """A request with one layer, whose counter is the mean since compiling, as in the CPU plugin."""

    def __init__(self, times_us: list[int]) -> None:
        self.means = iter(means_of(times_us))
        self.mean = 0

    def feed(self, turn: int) -> None:
        pass

    def reset(self) -> None:
        pass

    def infer(self) -> None:
        self.mean = next(self.means)

    def latency_ns(self) -> int:
        return 1000

    def layers(self) -> list[Any]:
        real_time = timedelta(microseconds=self.mean)
        return [
            SimpleNamespace(
                node_name="conv", node_type="Convolution", exec_type="jit", status="EXECUTED",
                real_time=real_time,
            )
        ]  # fmt: skip


@pytest.mark.parametrize("turns", [(6,), (1, 2, 3), (3, 3), (1,) * 6])
def test_times_are_the_same_however_many_inferences_make_a_turn(turns: tuple[int, ...]) -> None:
    model: Any = SimpleNamespace(counters=lambda: "means of one stream")
    request: Any = Counted([900, 100, 120, 100, 300, 100, 110])
    profiling = Profiling(model, request, "CPU", {})
    assert [profiling.run(count, 10) for count in turns] == list(turns)
    times = profiling.times()
    assert len(times["latencies_ns"]) == 6
    (layer,) = times["layers"]
    whole = singles(means_of([900, 100, 120, 100, 300, 100, 110]))
    assert layer["times_ns"] == [round(1000 * time) for time in whole]
