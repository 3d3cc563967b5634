"""Steady states and disturbances in simulated series."""

import tracemalloc

import numpy as np
import pytest

from ovreport.stats.steady import _batches, drift, modes, outliers, warm_up

RANDOM = np.random.default_rng(5)


def test_an_exponential_warm_up_is_cut_at_its_end() -> None:
    series = 1 + np.exp(-np.arange(200) / 8) + RANDOM.normal(0, 0.03, 200)
    cut = warm_up(series)
    assert cut is not None
    assert 15 <= cut <= 60


def test_a_steady_series_is_kept_whole_and_a_rising_one_is_not_steady() -> None:
    assert warm_up(RANDOM.normal(1, 0.03, 500)) == 0
    assert warm_up(np.linspace(2, 1, 100)) is None
    assert warm_up([1.0, 1.0]) is None


def test_one_interruption_is_not_a_warm_up() -> None:
    series = RANDOM.normal(1, 0.01, 1000)
    series[700] = 50
    assert warm_up(series) == 0


def test_drift_is_distinguished_from_noise() -> None:
    noise = RANDOM.normal(0, 0.01, 40)
    assert drift((1 + noise).tolist()) == 0
    assert drift((np.linspace(1, 1.2, 40) + noise).tolist()) == pytest.approx(0.2, abs=0.04)
    assert drift([1.0, 2.0, 3.0]) == 0


@pytest.mark.parametrize("change", [-0.9, -0.5, 0.5, 9.0])
def test_a_drift_by_any_factor_is_reported_and_stays_above_minus_100_percent(change: float) -> None:
    series = np.geomspace(1, 1 + change, 21)
    assert drift(series.tolist()) == pytest.approx(change)
    # A few slow slices at the start, from another program's load, are not a drift of the rest.
    series[:2] *= 30
    assert -1 < drift(series.tolist()) == pytest.approx(change, abs=0.2 * abs(change))


def test_drift_is_sen_s_slope_of_logarithms() -> None:
    series = np.geomspace(9, 2, 12) * RANDOM.lognormal(0, 0.05, 12)
    slopes = [
        (np.log(series[j]) - np.log(series[i])) / (j - i)
        for i in range(12)
        for j in range(i + 1, 12)
    ]
    assert drift(series.tolist()) == pytest.approx(np.exp(np.median(slopes)) ** 11 - 1)


def test_outliers_are_beyond_tukeys_outer_fence() -> None:
    found = outliers([*range(100, 200), 1000])
    lower, upper = np.quantile([*range(100, 200), 1000], [0.25, 0.75])
    assert found.count == 1
    assert found.fence == pytest.approx(upper + 3 * (upper - lower))
    assert found.share == pytest.approx((1000 - 150) / (sum(range(100, 200)) + 1000))


@pytest.mark.parametrize("deviation", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("size", [60, 500, 5000])
def test_one_group_is_not_reported_as_two(deviation: float, size: int) -> None:
    assert all(modes(RANDOM.lognormal(0, deviation, size)) is None for _ in range(20))


def test_two_groups_are_found_with_their_sizes() -> None:
    found = modes(np.concatenate([RANDOM.normal(1, 0.02, 300), RANDOM.normal(1.2, 0.03, 150)]))
    assert found is not None
    assert found.low == pytest.approx(1, rel=0.02)
    assert found.high == pytest.approx(1.2, rel=0.02)
    assert found.high_share == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.parametrize("count", [101, 199, 250, 1099])
def test_a_long_series_is_cut_into_at_most_a_hundred_parts(count: int) -> None:
    batches, size = _batches(np.arange(count, dtype=np.float64), 100)
    assert len(batches) <= 100
    assert len(batches) == count // size


def test_the_drift_of_an_hour_needs_little_memory() -> None:
    rising = np.linspace(1, 1.2, 36_000) + np.random.default_rng(1).normal(0, 0.01, 36_000)
    tracemalloc.start()
    found = drift(rising.tolist())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == pytest.approx(0.2, abs=0.01)
    assert most < 50 << 20
