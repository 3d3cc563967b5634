"""The statistics of ovreport against scipy, which only the tests need."""

from __future__ import annotations

from math import expm1

import numpy as np
import pytest
from scipy import stats

from ovreport.computed.ratio import launch_ratio
from ovreport.stats.bootstrap import medians, weights
from ovreport.stats.medians import median_intervals, median_of
from ovreport.stats.steady import drift, outliers
from ovreport.stats.uncertainty import (
    CONFIDENCE,
    Error,
    between_launches,
    mixture_half_width,
    student,
    within_launch,
)

SEEDS = range(20)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 7, 10, 19, 50, 200, 5000])
def test_students_t_is_the_quantile_of_scipy(freedom: int) -> None:
    """The cited expansion is off by 0.1 % at three degrees of freedom, and less above."""
    expected = stats.t.ppf((1 + CONFIDENCE) / 2, freedom)
    exact = 1e-9 if freedom < 3 else 1.5e-3 if freedom < 5 else 2e-4
    assert student(freedom) == pytest.approx(expected, rel=exact)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_interval_of_a_mixture_of_students_distributions(seed: int) -> None:
    random = np.random.default_rng(seed)
    deviations, shares = random.lognormal(0, 2, 20), random.dirichlet(np.ones(20))
    freedom = int(random.integers(5, 40))
    half_width = mixture_half_width(deviations, shares, freedom)
    outside = 2 * stats.t.sf(half_width / deviations, freedom) @ shares
    assert outside == pytest.approx(1 - CONFIDENCE, rel=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_interval_of_equal_launches_is_that_of_students_t(seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(5, 1, size=int(random.integers(2, 12)))
    error = between_launches(values, [7] * len(values))
    low, high = stats.t.interval(
        CONFIDENCE, len(values) - 1, loc=values.mean(), scale=stats.sem(values)
    )
    assert 2 * error.half_width == pytest.approx(high - low, rel=1.5e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_error_of_a_difference_is_that_of_welch(seed: int) -> None:
    """Degrees of freedom are rounded down, which only widens an interval."""
    random = np.random.default_rng(seed)
    a, b = (random.normal(0, scale, size=int(random.integers(3, 9))) for scale in (1, 3))
    errors = [Error(float(stats.sem(side)), len(side) - 1) for side in (a, b)]
    both = errors[1].with_independent(errors[0])
    expected = stats.ttest_ind(b, a, equal_var=False)
    assert both.deviation == pytest.approx((b.mean() - a.mean()) / expected.statistic)
    assert both.freedom == int(expected.df)
    low, high = expected.confidence_interval(CONFIDENCE)
    assert both.half_width >= (high - low) / 2 * (1 - 1.5e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_bootstrap_of_slices_agrees_with_scipy(seed: int) -> None:
    """With 2,000 replicates each is precise to 1.6 %; the tolerance is five standard deviations."""
    values = np.random.default_rng(seed).lognormal(0, 0.3, size=15)
    replicates = medians(values, weights(len(values)))
    expected = stats.bootstrap(
        (values,), np.median, n_resamples=2000, method="percentile",
        rng=np.random.default_rng(seed),
    )  # fmt: skip
    assert np.std(replicates) == pytest.approx(expected.standard_error, rel=5 * 0.016 * 2**0.5)
    error = within_launch(replicates, len(values))
    assert error is not None
    assert error.freedom == len(values) - 1


@pytest.mark.parametrize("count", [6, 7, 8, 9, 20, 51, 300])
def test_the_interval_of_a_median_is_that_of_the_quantile_test(count: int) -> None:
    values = np.random.default_rng(count).exponential(size=count)
    estimate = median_of(values)
    expected = stats.quantile_test(values, q=0, p=0.5).confidence_interval(CONFIDENCE)
    assert (estimate.low, estimate.high) == pytest.approx(expected)


@pytest.mark.parametrize("slices", [5, 8, 15])
def test_medians_of_resamples_are_those_of_the_repeated_values(slices: int) -> None:
    values = np.random.default_rng(slices).normal(size=slices)
    counts = weights(slices, replicates=50)
    expected = [np.median(np.repeat(values, row.astype(int))) for row in counts]
    assert medians(values, counts) == pytest.approx(expected)


@pytest.mark.parametrize("size", [(2, 2), (3, 3), (2, 4), (5, 3)])
def test_separated_launches_have_the_confidence_of_the_rank_sum_test(
    size: tuple[int, int],
) -> None:
    first, second = np.arange(1.0, size[0] + 1), np.arange(101.0, 101 + size[1])
    p = stats.mannwhitneyu(first, second, method="exact").pvalue
    assert launch_ratio(first.tolist(), second.tolist()).confidence == pytest.approx(1 - p)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_drift_is_the_theil_sen_slope_if_kendalls_tau_is_significant(seed: int) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(8, 60))
    trend = random.choice([0.0, 0.02])
    logs = np.arange(count) * trend + random.normal(0, 0.05, size=count)
    tau = stats.kendalltau(np.arange(count), logs)
    slope = stats.theilslopes(logs).slope
    found = drift(np.exp(logs).tolist())
    # Both tests are approximations, so the test ignores values near the limit of 1 %.
    if tau.pvalue < 0.005:
        assert found == pytest.approx(expm1(slope * (count - 1)))
    elif tau.pvalue > 0.02:
        assert found == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_outliers_are_three_interquartile_ranges_above_the_quartile(seed: int) -> None:
    values = np.random.default_rng(seed).pareto(2, size=200) + 1
    fence = np.quantile(values, 0.75) + 3 * stats.iqr(values)
    found = outliers(values)
    assert found.fence == pytest.approx(fence)
    assert found.count == int((values > fence).sum())


@pytest.mark.parametrize("number", [6, 20, 999, 1000, 1001, 1024, 5_000, 100_000])
def test_the_interval_of_a_median_agrees_with_the_binomial_distribution(number: int) -> None:
    ((low, high),) = median_intervals(np.arange(1.0, number + 1)[None]).tolist()
    assert low + high == number + 1
    assert low == pytest.approx(stats.binom.ppf(0.025, number, 0.5), abs=1)
