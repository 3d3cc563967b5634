"""Medians and differences against worlds whose truth is known."""

import numpy as np

from ovreport.stats.estimate import Estimate
from ovreport.stats.medians import difference, is_beyond_zero, median_of


def test_the_interval_of_a_median_covers_the_truth() -> None:
    random = np.random.default_rng(1)
    found = [median_of(random.normal(5, 1, 25)) for _ in range(500)]
    assert 0.9 <= np.mean([one.low <= 5 <= one.high for one in found]) <= 0.98


def test_of_one_value_nothing_is_known() -> None:
    assert not is_beyond_zero(median_of(np.array([3.0])))


def test_errors_of_a_difference_add_in_squares() -> None:
    found = difference(Estimate(5, 2, 8, 0.95, ""), Estimate(1, -3, 5, 0.95, ""))
    assert (found.point, found.low, found.high) == (4, -1, 9)
    assert not is_beyond_zero(found)
