"""Figures against numpy and against worlds whose truth is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovreport.run import Run, Slice
from ovreport.stats.bootstrap import interval, medians, weights
from ovreport.stats.estimate import Estimate
from ovreport.stats.figures import figures, supported
from ovreport.stats.pool import Pool
from ovreport.stats.ratio import launch_ratio, ratio, verdict
from ovreport.stats.stopping import SliceSummary, ratio_precision, relative_precision
from ovreport_plugins.configurations.choice import pareto, sweet_spot


def make_slice(latencies_ns: np.ndarray) -> Slice:  # type: ignore[type-arg]
    values = latencies_ns.astype(np.int64)
    return Slice(start_ns=0, wall_ns=int(values.sum()), cpu_ns=0, latencies_ns=values)


def test_each_replicate_draws_as_many_slices_as_its_launches_hold() -> None:
    drawn = weights([4, 4], seed=1, replicates=50)
    assert drawn.shape == (50, 8)
    assert (drawn.sum(axis=1) == 8).all()


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(7)
    covered = 0
    for _ in range(200):
        slices = [make_slice(random.normal(1e6, 5e4, 30)) for _ in range(20)]
        pool = Pool([slices], batch=1)
        low, high = interval(pool.throughput(weights(pool.sizes, seed=0, replicates=400)))
        covered += low <= 1e3 <= high
    assert 0.86 <= covered / 200 <= 0.99


@given(
    st.lists(st.tuples(st.floats(-10, 10), st.integers(0, 4)), min_size=1, max_size=20).filter(
        lambda drawn: any(count for _, count in drawn)
    )
)
def test_medians_of_replicates_are_those_of_the_repeated_values(
    drawn: list[tuple[float, int]],
) -> None:
    values, counts = (np.array(column, dtype=np.float64) for column in zip(*drawn, strict=True))
    expected = np.median(np.repeat(values, counts.astype(int)))
    assert medians(values, counts[None, :])[0] == pytest.approx(expected)


def test_quantiles_of_replicates_agree_with_numpy() -> None:
    random = np.random.default_rng(3)
    slices = [make_slice(random.lognormal(14, 0.2, 500)) for _ in range(6)]
    pool = Pool([slices], batch=1)
    twice = np.array([[2.0, 0, 1, 1, 1, 1]])
    drawn = np.concatenate([slices[i].latencies_ns for i in (0, 0, 2, 3, 4, 5)]) / 1e9
    levels = (0.5, 0.9, 0.99)
    for q, found in zip(levels, pool.quantiles(levels, twice), strict=True):
        assert found[0] == pytest.approx(np.quantile(drawn, q), rel=0.01)


def test_a_percentile_without_samples_beyond_it_is_refused() -> None:
    assert not supported(0.999, 200)
    assert supported(0.95, 200)


def test_figures_of_a_real_cell_agree_with_numpy(run: Run) -> None:
    for result in run.done:
        latencies = np.concatenate([s.latencies_ns for s in result.slices]) / 1e9
        wall = sum(s.wall_ns for s in result.slices) / 1e9
        known = figures(result)
        assert known.throughput_fps.point == pytest.approx(len(latencies) / wall)
        assert known.latency.median is not None
        assert known.latency.median.point == pytest.approx(float(np.median(latencies)))
        assert known.latency.mean.point == pytest.approx(float(latencies.mean()))
        assert known.latency.deviation is not None
        assert known.latency.deviation.point == pytest.approx(float(latencies.std(ddof=1)))
        assert known.cores.point == pytest.approx(sum(s.cpu_ns for s in result.slices) / 1e9 / wall)


def test_deviations_of_replicates_agree_with_numpy() -> None:
    random = np.random.default_rng(5)
    slices = [make_slice(random.lognormal(14 + i / 10, 0.2, 50 + i)) for i in range(4)]
    pool = Pool([slices], batch=1)
    drawn = np.concatenate([slices[i].latencies_ns for i in (0, 0, 2, 3)]) / 1e9
    (found,) = pool.deviation(np.array([[2.0, 0, 1, 1]]))
    assert found == pytest.approx(drawn.std(ddof=1))


def test_another_unit_keeps_the_interval_in_order() -> None:
    loss = Estimate(2, 1, 4, 0.95, "told").scaled(-0.5)
    assert loss == Estimate(-1, -2, -0.5, 0.95, "told")


def test_the_ratio_of_means_is_that_of_numpy(run: Run) -> None:
    a, b = (run.of_version("squeezenet", version)[0] for version in ("parent", "optimized"))
    means = [np.concatenate([s.latencies_ns for s in r.slices]).mean() for r in (a, b)]
    change = ratio(a, b, "mean")
    assert change is not None
    assert change.point == pytest.approx(means[1] / means[0])
    assert change.low <= change.point <= change.high


def test_steady_slices_are_known_and_few_slices_are_not() -> None:
    steady = [SliceSummary(100, 0.25, 0.0025)] * 10
    assert relative_precision([steady], seed=0).worst == pytest.approx(0, abs=1e-9)
    assert relative_precision([steady[:3]], seed=0).worst == float("inf")


def test_a_ratio_of_cells_in_turn_is_known_where_their_drift_is_shared() -> None:
    drift = np.linspace(1, 2, 20)
    a = [[SliceSummary(100, 0.1 * by, 0.001 * by) for by in drift]]
    b = [[SliceSummary(100, 0.103 * by, 0.00103 * by) for by in drift]]
    assert relative_precision(a, seed=0).worst > 0.05
    assert ratio_precision(a, b, seed=0).worst == pytest.approx(0, abs=1e-9)
    assert ratio_precision([a[0][:3]], [b[0][:3]], seed=0).worst == float("inf")


def test_what_disturbs_one_slice_of_a_pair_does_not_move_a_ratio(run: Run) -> None:
    a, b = (run.of_version("squeezenet", version)[0] for version in ("parent", "optimized"))
    first = b.launches[0]
    slow = first.slices[-1].model_copy(update={"wall_ns": 50 * first.slices[-1].wall_ns})
    launch = first.model_copy(update={"slices": (*first.slices[:-1], slow)})
    disturbed = b.model_copy(update={"launches": (launch, *b.launches[1:])})
    rates = [np.array([s.requests / s.wall_ns for s in r.slices if s.counted]) for r in (a, b)]
    pairs = np.sort(rates[1] / rates[0])
    before, after = ratio(a, b, "throughput"), ratio(a, disturbed, "throughput")
    assert before is not None
    assert before.point == pytest.approx(np.median(pairs))
    assert after is not None
    middle = len(pairs) // 2
    assert pairs[middle - 2] <= after.point <= pairs[middle + 1]


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (1.02, 1.05, "faster"),
        (0.9, 0.95, "slower"),
        (0.995, 1.004, "same"),
        (0.98, 1.03, "inconclusive"),
    ],
)
def test_a_verdict_needs_the_whole_interval(low: float, high: float, word: str) -> None:
    change = Estimate((low + high) / 2, low, high, 0.95, "by hand")
    assert verdict(change, 0.01, higher_is_better=True) == word


def test_sweet_spot_and_front_by_hand() -> None:
    points = [(5.0, 190.0), (9.0, 220.0), (17.0, 227.0), (10.0, 200.0)]
    assert sweet_spot(points, None) == 2
    assert sweet_spot(points, 10.0) == 1
    assert sweet_spot(points, 1.0) is None
    assert pareto(points) == {0, 1, 2}


def test_what_is_seen_once_a_launch_is_judged_by_the_order_of_launches() -> None:
    """2 of C(4, 2) = 6 orders put two launches before two others: a confidence of 2 / 3."""
    change = launch_ratio([1.0, 1.1], [2.2, 2.0])
    assert (change.point, change.low, change.high) == pytest.approx((2.0, 2.0 / 1.1, 2.2))
    assert change.confidence == pytest.approx(2 / 3)
    assert verdict(change, 0.1, higher_is_better=False) == "slower"
    once = launch_ratio([1.0], [2.0])
    assert verdict(once, 0.1, higher_is_better=False) == "inconclusive"
