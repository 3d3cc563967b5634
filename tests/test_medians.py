"""Medians and differences in simulations with known true values."""

import numpy as np
import pytest

from ovreport.stats.estimate import Estimate
from ovreport.stats.medians import difference, is_beyond_zero, median_of


def test_the_interval_of_a_median_covers_the_truth() -> None:
    random = np.random.default_rng(1)
    estimate = [median_of(random.normal(5, 1, 25)) for _ in range(500)]
    assert 0.9 <= np.mean([one.low <= 5 <= one.high for one in estimate]) <= 0.98


def test_two_modes_are_not_reported_by_chance() -> None:
    """Every second inference interrupts a layer, so its median jumps between two modes."""
    random = np.random.default_rng(2)

    def measured() -> Estimate:
        return median_of(np.where(random.random(20) < 0.5, 25.0, 0.9) + random.random(20) / 10)

    differ = [is_beyond_zero(difference(measured(), measured())) for _ in range(500)]
    assert np.mean(differ) < 0.05


@pytest.mark.parametrize(("number", "rank"), [(6, 1), (10, 2), (20, 6), (25, 8)])
def test_the_interval_of_a_median_agrees_with_tables(number: int, rank: int) -> None:
    """Conover, Practical Nonparametric Statistics, table A3."""
    estimate = median_of(np.arange(1.0, number + 1))
    assert (estimate.low, estimate.high) == (rank, number + 1 - rank)


def test_one_value_has_no_interval() -> None:
    assert not is_beyond_zero(median_of(np.array([3.0])))


def test_errors_of_a_difference_add_in_squares() -> None:
    estimate = difference(Estimate(5, 2, 8, 0.95, ""), Estimate(1, -3, 5, 0.95, ""))
    assert (estimate.point, estimate.low, estimate.high) == (4, -1, 9)
    assert not is_beyond_zero(estimate)
