"""Decides when a group of cells, and when one of its launches, has been measured enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from ovreport.config.schema import Measure
from ovreport.measuring.cell_state import Member
from ovreport.planning.matrix import LEAST_SPAN_S
from ovreport.run import StopReason
from ovreport.stats.half_widths import (
    ValuesByLaunch,
    by_slice,
    is_decided,
    log_ratios,
    ratio_precision,
    slices_per_launch,
    span_s,
)

# More launches than this are not started to reach the target: it would take ten times as many to
# see three times as much.
_MOST_LAUNCHES = 50
# Number of differences between launches that show how much launches scatter. If a quarter of all
# launches is slow, eleven launches hold no slow one in one case of 24, and three in two of five.
_LEAST_DIFFERENCES = 10
# Share of the maximum time that starting these launches may take.
_LAUNCH_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class LaunchProgress:
    """The launches of a group so far."""

    launches: int
    """Number of launches, with the current one."""
    launch_s: float
    """Seconds from the start of the current launch to its first turn."""
    turns: int
    """Number of turns in the current launch."""


def reason_to_stop(
    members: Sequence[Member], settings: Measure, progress: LaunchProgress
) -> StopReason | None:
    """Return why measuring ends after this turn; None if it continues.

    Versions that take turns are compared, so the precision of their ratio must reach the target,
    too. This is tested only when the launch has had its share of slices: a launch of one or two
    slices says little, and testing after every slice inflates false stops.

    Args:
        members: members that have not failed, at least one.
    """
    if settings.iterations is not None:
        done = all(member.requests >= settings.iterations for member in members)
        return "iterations" if done else None
    if progress.launches < least_launches(members, settings, progress):
        return None
    seconds = _seconds(members)
    if settings.duration is not None:
        return "duration" if seconds >= settings.duration else None
    if seconds < settings.min_time:
        return None
    if seconds >= settings.max_time:
        return "target" if _reach_target(members, settings) else "max_time"
    enough_slices = _slices(members) >= _wanted(members, settings, progress)
    return "target" if enough_slices and _reach_target(members, settings) else None


def launch_is_done(members: Sequence[Member], settings: Measure, progress: LaunchProgress) -> bool:
    """Return whether the next slice should be measured in a new launch.

    The least number of launches share the least time. The length of further launches is the best
    for the least precise figure. Starting launches may take no longer than measuring; if only a few
    can be started, these share the remaining time.
    """
    if settings.iterations is not None:
        return True
    least = least_launches(members, settings, progress)
    if progress.launches < least or settings.duration is not None:
        whole = settings.duration or settings.min_time
        shared = _seconds(members) >= whole * progress.launches / least
        return shared and (least == settings.launches or _slices(members) > 1)
    most = min(_MOST_LAUNCHES, settings.max_time / progress.launch_s)
    if progress.launches >= most:
        return False
    slice_s = _turn_s(members, progress) / len(members)
    left_s = settings.max_time - _seconds(members) + progress.turns * slice_s
    share = left_s / (most - progress.launches + 1) / slice_s
    return _slices(members) >= max(share, _wanted(members, settings, progress))


def least_launches(members: Sequence[Member], settings: Measure, progress: LaunchProgress) -> int:
    """Return how many launches are made in any case: the ``launches`` of the settings, or more.

    More are made to see how much launches scatter, unless other cells have shown it already, or
    starting them would take too much of the time.
    """
    is_known = members[0].launch_deviation > 0 or settings.launches == 1
    if is_known or settings.duration is not None or progress.launch_s == 0:
        return settings.launches
    to_see_scatter = ceil(_LEAST_DIFFERENCES / len(members)) + 1
    affordable = int(settings.max_time * _LAUNCH_SHARE / progress.launch_s)
    return max(settings.launches, min(to_see_scatter, affordable))


def part_done(members: Sequence[Member], settings: Measure) -> float:
    """Return an estimate of the part of the measuring that is done, from 0 to 1.

    Half the width of an interval takes four times as long.

    Args:
        members: members that have not failed, at least one.
    """
    if settings.iterations is not None:
        return min(1.0, min(member.requests for member in members) / settings.iterations)
    if settings.duration is not None:
        return min(1.0, _seconds(members) / settings.duration)
    least = min(1.0, _seconds(members) / settings.min_time)
    worst = max(member.half_widths.worst for member in members)
    if _is_alone(members):
        least = min(least, span_s(members[0].summaries) / LEAST_SPAN_S)
        worst = max(worst, members[0].machine)
    precision = (settings.target / max(settings.target, worst)) ** 2
    return min(1.0, max(_seconds(members) / settings.max_time, least * precision))


def _wanted(members: Sequence[Member], settings: Measure, progress: LaunchProgress) -> int:
    """Return how many slices of the current launch pay off."""
    cost = progress.launch_s / _turn_s(members, progress)
    return min(slices_per_launch(series, cost) for series in _series(members, settings))


def _slices(members: Sequence[Member]) -> int:
    """Return the number of slices of the current launch that count."""
    return len(members[0].summaries[-1])


def _turn_s(members: Sequence[Member], progress: LaunchProgress) -> float:
    return sum(turn.wall_ns for member in members for turn in member.turns) / 1e9 / progress.turns


def _seconds(members: Sequence[Member]) -> float:
    """Return the measured time of the member with the least."""
    return min(member.seconds for member in members)


def _reach_target(members: Sequence[Member], settings: Measure) -> bool:
    """Return whether all figures, ratios and verdicts of the group have reached the target."""
    return (
        all(member.half_widths.worst <= settings.target for member in members)
        and all(
            ratio_precision(base.summaries, other.summaries).worst <= settings.target
            and is_decided(base.summaries, other.summaries, settings.target)
            for base, other in _compared(members, settings)
        )
        and _machine_is_known(members, settings)
    )


def _is_alone(members: Sequence[Member]) -> bool:
    """Return whether the figures of a single cell depend on the machine's speed at the moment.

    If a run has other cells, the launches of a cell are spread over the run; versions that take
    turns have the same speed.
    """
    return len(members) == 1 and members[0].launch_deviation == 0


def _machine_is_known(members: Sequence[Member], settings: Measure) -> bool:
    """Return whether a single cell ran long enough to show changes of the machine's speed."""
    if not _is_alone(members):
        return True
    return span_s(members[0].summaries) >= LEAST_SPAN_S and members[0].machine <= settings.target


def _series(members: Sequence[Member], settings: Measure) -> Iterator[ValuesByLaunch]:
    compared = _compared(members, settings)
    for base, other in compared:
        yield from log_ratios(base.summaries, other.summaries)
    if not compared:
        for member in members:
            yield from by_slice(member.summaries)


def _compared(members: Sequence[Member], settings: Measure) -> list[tuple[Member, Member]]:
    """Return the pairs of the group that differ only in version or runtime."""
    if settings.interleave != "versions":
        return []
    return [(members[0], other) for other in members[1:]]
