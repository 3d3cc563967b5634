"""Figures against numpy and against simulations with known true values."""

from dataclasses import replace

import numpy as np
import pytest
from builders import Array, cell_result
from hypothesis import given, settings
from hypothesis import strategies as st

from ovreport.computed.figures import figures, over_launches, supported
from ovreport.computed.pool import Pool
from ovreport.computed.ratio import in_turn, launch_ratio, ratio, verdict
from ovreport.computed.sweet_spot import pareto, sweet_spot, sweet_spots
from ovreport.run import Cell, CellResult, Run, Slice
from ovreport.stats.bootstrap import medians, weights
from ovreport.stats.estimate import Estimate
from ovreport.stats.half_widths import SliceSummary, ratio_precision, relative_precision
from ovreport.stats.machine_speed import latency_slope, speed_error
from ovreport.stats.tail import heavy_tail
from ovreport.stats.uncertainty import (
    Error,
    between_launches,
    mean_of_medians,
    student,
    typical_deviation,
)


def make_slice(latencies_ns: Array) -> Slice:
    values = latencies_ns.astype(np.int64)
    return Slice(start_ns=0, wall_ns=int(values.sum()), cpu_ns=0, latencies_ns=values)


def measured(like: CellResult, launches: Array, partner: str) -> CellResult:
    """Return a cell with slices of ten requests of these times each, [launches, slices] in ns."""
    first = like.launches[0]
    return like.model_copy(
        update={
            "launches": tuple(
                first.model_copy(
                    update={"slices": tuple(make_slice(np.full(10, time)) for time in launch)}
                )
                for launch in launches
            ),
            "interleaved_with": (partner,),
        }
    )


def test_each_replicate_draws_as_many_slices_as_the_launch_has() -> None:
    drawn = weights(8, replicates=50)
    assert drawn.shape == (50, 8)
    assert (drawn.sum(axis=1) == 8).all()


def test_students_t_agrees_with_tables() -> None:
    table = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 9: 2.262, 19: 2.093, 1000: 1.962}
    assert {n: student(n) for n in table} == pytest.approx(table, rel=2e-3)


def test_the_error_of_a_difference_has_degrees_of_freedom_of_welch() -> None:
    both = Error(3.0, 4).with_independent(Error(4.0, 4))
    assert both == Error(5.0, int(5**4 / (3**4 / 4 + 4**4 / 4)))
    assert Error(0.0, 2).with_independent(Error(1.0, 3)) == Error(1.0, 3)
    assert Error(0.0, 2).with_independent(Error(0.0, 3)) == Error(0.0, 5)


@pytest.mark.parametrize("launches", [2, 3, 5, 20])
@pytest.mark.parametrize("effect", [0.0, 0.008, 0.02])
@pytest.mark.parametrize("noise", [0.005, 0.03])
def test_intervals_have_their_nominal_coverage(launches: int, effect: float, noise: float) -> None:
    """Launches of one model differ by about 0.8 %, and three launches are usual."""
    random = np.random.default_rng(launches)
    worlds, slices = 400, 7
    means = random.normal(0, effect, (worlds, launches, 1))
    series = means + random.normal(0, noise, (worlds, launches, slices))
    singles = [between_launches(one.mean(axis=1), [slices] * launches) for one in series]
    pairs = [mean_of_medians(list(one)) for one in series]
    covered = np.mean(np.abs(series.mean(axis=(1, 2))) <= [e.half_width for e in singles])
    assert 0.92 <= covered <= 0.98
    covered = np.mean([abs(middle) <= error.half_width for middle, error in pairs if error])
    assert 0.92 <= covered <= 0.98


def test_few_launches_that_agree_by_chance_do_not_make_a_narrow_interval() -> None:
    """The scatter of other cells' launches counts like eight more launches."""
    alike = np.array([0.0, 0.001, -0.001])
    own, both = (between_launches(alike, [7] * 3, typical) for typical in (0.0, 0.01))
    assert both.freedom == 10
    assert both.deviation == pytest.approx(np.sqrt((2 * 1e-6 + 8 * 1e-4) / 10 / 3))
    assert both.half_width > 2 * own.half_width
    separate = np.array([0.0, 0.1, -0.1])
    assert between_launches(separate, [7] * 3, 0.01) == between_launches(separate, [7] * 3)


def test_one_cell_with_scattered_launches_does_not_widen_the_others() -> None:
    assert typical_deviation([0.008, 0.5, 0.01, 0.009, 0.007]) == 0.009
    assert typical_deviation([0.008, 0.5, 0.01]) == 0


def machine(random: np.random.Generator, times: Array, memory: float) -> Array:
    """Return an Ornstein-Uhlenbeck process of 2 % at these times, observed with noise of 0.3 %."""
    separate = np.abs(times[:, None] - times[None, :])
    root = np.linalg.cholesky(np.exp(-separate / memory) + 1e-9 * np.eye(len(times)))
    values = 0.02 * root @ random.normal(size=len(times))
    return np.asarray(values + random.normal(0, 0.003, len(times)))


@pytest.mark.parametrize(("memory", "least"), [(0.5, 0.9), (2.0, 0.9), (6.0, 0.9), (20.0, 0.85)])
def test_the_error_of_a_machines_mean_speed_covers_it(memory: float, least: float) -> None:
    """The deviation over the root of the number covers it in a third of these simulations.

    The longest memory is two thirds of the simulated time.
    """
    random = np.random.default_rng(1)
    times = np.sort(random.uniform(0, 30, 120))
    worlds = [machine(random, times, memory) for _ in range(60)]
    errors = [speed_error(times, world) for world in worlds]
    covered = np.mean(
        [abs(w.mean()) <= e.half_width for w, e in zip(worlds, errors, strict=True) if e]
    )
    assert covered >= least


def test_a_steady_machine_adds_almost_nothing() -> None:
    random = np.random.default_rng(1)
    error = speed_error(np.arange(60.0), random.normal(0, 0.003, 60))
    assert error is not None
    assert error.deviation < 0.001
    assert speed_error(np.arange(60.0), np.zeros(60)) is None
    assert speed_error(np.arange(3.0), random.normal(0, 0.003, 3)) is None


def test_a_short_drift_may_continue() -> None:
    """A machine becomes 1 % slower in six seconds. The same values in a random order are noise."""
    random = np.random.default_rng(1)
    times, noise = np.arange(0, 6, 0.2), random.normal(0, 0.003, 30)
    rising = np.linspace(0, 0.01, 30) + noise
    drift, scatter = (speed_error(times, logs) for logs in (rising, random.permutation(rising)))
    assert drift is not None
    assert scatter is not None
    assert drift.half_width > 0.01
    assert scatter.half_width < drift.half_width / 2


def test_the_slope_of_latencies_is_one_unless_the_data_differ() -> None:
    random = np.random.default_rng(1)
    steady, changing = random.normal(0, 1e-4, 40), np.repeat([0.0, 0.1], 20)
    unrelated, half = random.normal(0, 0.02, 40), 0.5 * changing + random.normal(0, 0.001, 40)
    assert latency_slope(steady, unrelated) == pytest.approx(1, abs=0.05)
    assert latency_slope(changing, half) == pytest.approx(0.5, abs=0.01)
    assert latency_slope(changing, -changing) == 0
    assert latency_slope(changing[:3], changing[:3]) == 1


def test_an_interval_includes_the_drift_of_the_machine() -> None:
    """A model follows a machine of two speeds, and three launches had the same speed."""
    speeds = np.repeat([1.0, 1.07, 1.07, 1.0, 1.0, 1.07, 1.07, 1.07], 7).reshape(8, 7)
    random = np.random.default_rng(2)
    like = measured(cell_result(Cell(model="m"), 1), 1e6 * speeds, "")
    launches, start = [], 0
    for launch, factors in zip(like.launches, speeds, strict=True):
        slices = []
        for one, factor in zip(launch.slices, factors, strict=True):
            reference = round(2e5 * factor * (1 + random.normal(0, 0.003)))
            slices.append(one.model_copy(update={"start_ns": start, "reference_ns": reference}))
            start += 10**8
        launches.append(launch.model_copy(update={"slices": tuple(slices)}))
    seen = figures(like.model_copy(update={"launches": tuple(launches)}))
    plain = figures(like)
    assert seen.throughput_fps.relative_half_width > plain.throughput_fps.relative_half_width
    assert "the machine's speed changed meanwhile" in seen.throughput_fps.method
    assert "meanwhile" not in plain.throughput_fps.method


def test_a_mean_of_few_very_slow_requests_may_be_higher_and_says_so() -> None:
    random = np.random.default_rng(3)
    tame = 1e6 * random.lognormal(0, 0.02, 2000)
    heavy = np.where(random.random(2000) < 0.01, tame * (1 + random.pareto(1.5, 2000)), tame)
    assert heavy_tail(tame) is None
    tail = heavy_tail(heavy)
    assert tail is not None
    assert heavy.mean() * np.exp(tail.above) > tame.mean() * 1.02
    pool = [make_slice(part) for part in np.split(heavy, 20)]
    like = cell_result(Cell(model="m"), 1)
    launches = tuple(
        like.launches[0].model_copy(update={"slices": tuple(pool[at : at + 5])})
        for at in range(0, 20, 5)
    )
    cell_figures = figures(like.model_copy(update={"launches": launches}))
    assert "rare slow requests dominate it" in cell_figures.throughput_fps.method
    assert cell_figures.latency.median is not None
    assert "rare" not in cell_figures.latency.median.method


def test_a_bounded_group_of_slow_requests_is_not_a_heavy_tail() -> None:
    random = np.random.default_rng(3)
    groups = np.where(random.random(5000) < 0.05, 2e6, 1e6) * random.lognormal(0, 0.01, 5000)
    tail = heavy_tail(groups)
    assert tail is None or tail.above < 0.01


def test_a_median_between_two_groups_of_launches_may_be_in_either() -> None:
    times = np.repeat([1.0, 1.0, 1.07, 1.0, 1.07, 1.07, 1.0], 7).reshape(7, 7) * 1e6
    median = figures(measured(cell_result(Cell(model="m"), 1), times, "")).latency.median
    assert median is not None
    assert median.low <= 1e-3
    assert median.high >= 1.07e-3


def test_figures_and_ratios_of_three_launches_cover_the_truth(run: Run) -> None:
    """A bootstrap covered the true value in 85 % of such simulations."""
    random = np.random.default_rng(4)
    cells = [run.of_version("squeezenet", version)[0] for version in ("parent", "optimized")]
    covered = {"throughput": 0, "latency": 0, "ratio": 0, "separate": 0}
    worlds = 200
    for _ in range(worlds):
        a, b = (
            measured(
                like,
                1e6 * (1 + random.normal(0, 0.008, (3, 1)) + random.normal(0, 0.01, (3, 7))),
                partner.cell.id,
            )
            for like, partner in zip(cells, reversed(cells), strict=True)
        )
        cell_figures = figures(a)
        found = {
            "throughput": cell_figures.throughput_fps.scaled(1e-3),
            "latency": cell_figures.latency.mean.scaled(1e3),
            "ratio": ratio(a, b, "throughput"),
            "separate": ratio(a, b.model_copy(update={"interleaved_with": ()}), "throughput"),
        }
        for name, one in found.items():
            assert one is not None
            covered[name] += one.low <= 1 <= one.high
    assert all(0.92 <= number / worlds <= 0.985 for number in covered.values()), covered


def test_the_interval_of_one_launch_covers_its_own_speed_and_says_so(run: Run) -> None:
    random = np.random.default_rng(7)
    (like, *_), covered = run.done, 0
    for _ in range(200):
        cell_figures = figures(measured(like, random.normal(1e6, 1e4, (1, 7)), "")).throughput_fps
        covered += cell_figures.low <= 1e3 <= cell_figures.high
        assert cell_figures.method.startswith("within one launch, 7 slices")
    assert 0.92 <= covered / 200 <= 0.99
    few = figures(measured(like, random.normal(1e6, 1e4, (1, 4)), "")).throughput_fps
    assert (few.confidence, few.method) == (0, "no interval: only 1 launch, 4 slices")


def test_launches_of_single_requests_have_an_interval_but_no_deviation(run: Run) -> None:
    (like, *_) = run.done
    result = measured(like, np.array([[1e6], [1.1e6], [1.2e6]]), "")
    launches = [
        launch.model_copy(update={"slices": (make_slice(launch.slices[0].latencies_ns[:1]),)})
        for launch in result.launches
    ]
    cell_figures = figures(result.model_copy(update={"launches": tuple(launches)}))
    assert (
        cell_figures.throughput_fps.low
        < cell_figures.throughput_fps.point
        < cell_figures.throughput_fps.high
    )
    assert cell_figures.latency.deviation is not None
    assert cell_figures.latency.deviation.confidence == 0
    assert cell_figures.latency.deviation.point == pytest.approx(1e-4)
    assert cell_figures.latency.deviation.method == "no interval: a launch holds a single request"


@settings(deadline=None)
@given(st.lists(st.floats(3, 9), min_size=2, max_size=5), st.integers(0, 99))
def test_no_interval_contains_impossible_values(powers: list[float], seed: int) -> None:
    """With one of two launches a hundred times as fast, the median was "0.001 to 0.567 ms"."""
    random = np.random.default_rng(seed)
    cell = Cell(model="m")
    series = 10 ** np.array(powers)[:, None] * random.lognormal(0, 0.1, (len(powers), 5))
    cell_figures = figures(measured(cell_result(cell, 1), series, ""))
    latency = cell_figures.latency
    assert latency.median is not None
    for one in (latency.mean, latency.median):
        assert latency.low <= one.low <= one.point <= one.high
    assert (
        0
        < cell_figures.throughput_fps.low
        <= cell_figures.throughput_fps.point
        <= cell_figures.throughput_fps.high
    )


def test_only_cells_that_name_each_other_took_turns(run: Run) -> None:
    """A cell that was measured again no longer names the other."""
    a, b = (run.of_version("squeezenet", version)[0] for version in ("parent", "optimized"))
    again = b.model_copy(update={"interleaved_with": ()})
    shorter = b.model_copy(update={"launches": b.launches[:-1]})
    assert in_turn(a, b)
    assert not in_turn(a, again)
    assert not in_turn(again, a)
    assert not in_turn(a, shorter)
    together, separate = ratio(a, b, "throughput"), ratio(a, again, "throughput")
    assert together is not None
    assert "in turn" in together.method
    assert separate is not None
    assert "not measured side by side" in separate.method


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
    assert supported(0.5, 3)
    for q, fewest in ((0.9, 100), (0.95, 200), (0.99, 1000), (0.999, 10_000)):
        assert supported(q, fewest)
        assert not supported(q, fewest - 1)


def test_figures_of_a_real_cell_agree_with_numpy(run: Run) -> None:
    for result in run.done:
        latencies = np.concatenate([s.latencies_ns for s in result.slices]) / 1e9
        wall = sum(s.wall_ns for s in result.slices) / 1e9
        cell_figures = figures(result)
        assert cell_figures.throughput_fps.point == pytest.approx(len(latencies) / wall)
        assert cell_figures.latency.median is not None
        assert cell_figures.latency.median.point == pytest.approx(float(np.median(latencies)))
        assert cell_figures.latency.mean.point == pytest.approx(float(latencies.mean()))
        assert cell_figures.latency.deviation is not None
        assert cell_figures.latency.deviation.point == pytest.approx(float(latencies.std(ddof=1)))
        assert cell_figures.cores.point == pytest.approx(
            sum(s.cpu_ns for s in result.slices) / 1e9 / wall
        )


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


def test_steady_slices_are_precise_and_few_slices_are_not() -> None:
    steady = [SliceSummary(100, 0.25, 0.0025)] * 10
    assert relative_precision([steady]).worst == pytest.approx(0, abs=1e-9)
    assert relative_precision([steady[:3]]).worst == float("inf")


def test_a_ratio_of_interleaved_cells_is_precise_under_common_drift() -> None:
    drift = np.linspace(1, 2, 20)
    a = [[SliceSummary(100, 0.1 * by, 0.001 * by) for by in drift]]
    b = [[SliceSummary(100, 0.103 * by, 0.00103 * by) for by in drift]]
    assert relative_precision(a).worst > 0.05
    assert ratio_precision(a, b).worst == pytest.approx(0, abs=1e-9)
    assert ratio_precision([a[0][:3]], [b[0][:3]]).worst == float("inf")


def test_a_disturbed_slice_of_a_pair_does_not_change_a_ratio(run: Run) -> None:
    a, b = (run.of_version("squeezenet", version)[0] for version in ("parent", "optimized"))
    first = b.launches[0]
    slow = first.slices[-1].model_copy(update={"wall_ns": 50 * first.slices[-1].wall_ns})
    launch = first.model_copy(update={"slices": (*first.slices[:-1], slow)})
    disturbed = b.model_copy(update={"launches": (launch, *b.launches[1:])})
    rates = [np.array([s.requests / s.wall_ns for s in r.slices if s.counted]) for r in (a, b)]
    pairs = np.sort(rates[1] / rates[0])
    before, after = ratio(a, b, "throughput"), ratio(a, disturbed, "throughput")
    assert before is not None
    assert before.point == pytest.approx(np.exp(np.median(np.log(pairs))))
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
def test_a_verdict_requires_the_whole_interval(low: float, high: float, word: str) -> None:
    change = Estimate((low + high) / 2, low, high, 0.95, "by hand")
    assert verdict(change, 0.01, higher_is_better=True) == word


def test_equality_uses_two_one_sided_tests_and_difference_a_higher_confidence() -> None:
    """The interval ends at 1.0105, that of 90 % at 1.0086, and that of 99 % begins below 1."""
    alike = Estimate(1.0, 0.9896, 1.0105, 0.95, "by hand", freedom=10)
    assert verdict(alike, 0.01, higher_is_better=True) == "same"
    assert verdict(replace(alike, freedom=0), 0.01, higher_is_better=True) == "inconclusive"
    chance = Estimate(1.05, 1.011, 1.0905, 0.95, "by hand", freedom=10)
    assert chance.at(0.99).low == pytest.approx(1.05 * (1.011 / 1.05) ** (3.169 / 2.228), rel=1e-4)
    assert (
        verdict(replace(chance, low=1.0101, point=1.04), 0.01, higher_is_better=True)
        == "inconclusive"
    )
    assert verdict(replace(chance, low=1.03), 0.01, higher_is_better=True) == "faster"


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1), st.integers(0, 10))
def test_sweet_spots_apply_from_their_latency_upwards(
    points: list[tuple[int, int]], threshold: int
) -> None:
    spots = [i for i in sweet_spots(points) if points[i][0] <= threshold]
    within = [(latency, fps) for latency, fps in points if latency <= threshold]
    best = max(within, key=lambda point: (point[1], -point[0]), default=None)
    assert (points[spots[-1]] if spots else None) == best


def test_sweet_spot_and_front_agree_with_a_calculation_by_hand() -> None:
    points = [(5.0, 190.0), (9.0, 220.0), (17.0, 227.0), (10.0, 200.0)]
    assert sweet_spot(points, None) == 2
    assert sweet_spot(points, 10.0) == 1
    assert sweet_spot(points, 1.0) is None
    assert pareto(points) == {0, 1, 2}


def test_figures_once_a_launch_are_judged_by_ranks_of_launches() -> None:
    """In 2 of C(4, 2) = 6 orders the launches of two cells are separated: a confidence of 2 / 3."""
    change = launch_ratio([1.0, 1.1], [2.2, 2.0])
    assert (change.point, change.low, change.high) == pytest.approx((2.0, 2.0 / 1.1, 2.2))
    assert change.confidence == pytest.approx(2 / 3)
    assert verdict(change, 0.1, higher_is_better=False) == "slower"
    assert launch_ratio([1.0, 1.1], [2.0]).confidence == 0  # one launch does not show its scatter
    once = launch_ratio([1.0], [2.0])
    assert verdict(once, 0.1, higher_is_better=False) == "inconclusive"


def test_a_single_launch_does_not_show_the_scatter_of_launches() -> None:
    assert over_launches([2.5]).confidence == 0
    assert over_launches([2.5]).method == "one launch, no interval"
    several = over_launches([2.5, 2.1, 3.0])
    assert (several.point, several.low, several.high, several.confidence) == (2.5, 2.1, 3.0, 0)
