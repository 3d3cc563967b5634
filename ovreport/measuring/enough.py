"""When a group of cells has been measured enough, and when its launch has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ovreport.config.schema import Measure
from ovreport.measuring.member import Member
from ovreport.run import StopReason
from ovreport.stats.stopping import (
    Precision,
    Series,
    by_slice,
    log_ratios,
    ratio_precision,
    slices_per_launch,
)

# More launches than this are not started to reach the target.
_MOST_LAUNCHES = 20


def reason_to_stop(
    members: Sequence[Member], settings: Measure, launches: int
) -> StopReason | None:
    """Why measuring ends after this turn, if it does.

    Versions that take turns are there to be compared: they are known well enough when their ratio
    is as well.

    Args:
        members: those that have not failed, at least one.
        launches: with the current one.
    """
    if settings.iterations is not None:
        done = all(member.requests >= settings.iterations for member in members)
        return "iterations" if done else None
    if launches < settings.launches:
        return None
    seconds = _seconds(members)
    if settings.duration is not None:
        return "duration" if seconds >= settings.duration else None
    if seconds < settings.min_time:
        return None
    if all(known.worst <= settings.target for known in _precisions(members, settings)):
        return "target"
    return "max_time" if seconds >= settings.max_time else None


def launch_is_done(
    members: Sequence[Member], settings: Measure, launches: int, launch_s: float, turns: int
) -> bool:
    """Whether the next slice is better taken in a further launch.

    The launches that a cell has at least share the least time; any that follow are as long as
    pays for what is known worst.

    Args:
        launch_s: seconds from the start of the launch to its first turn.
        turns: of the current launch.
    """
    if settings.iterations is not None:
        return True
    if launches < settings.launches or settings.duration is not None:
        whole = settings.duration or settings.min_time
        return _seconds(members) >= whole * launches / settings.launches
    if launches >= _MOST_LAUNCHES or launches * launch_s > settings.max_time:
        return False
    turn_s = sum(one.wall_ns for member in members for one in member.turns) / 1e9 / turns
    wanted = min(
        slices_per_launch(series, launch_s / turn_s) for series in _series(members, settings)
    )
    return len(members[0].summaries[-1]) >= wanted


def _seconds(members: Sequence[Member]) -> float:
    """Counted time of the member that has least of it."""
    return min(member.seconds for member in members)


def _precisions(members: Sequence[Member], settings: Measure) -> Iterator[Precision]:
    yield from (member.known for member in members)
    for base, other in _compared(members, settings):
        yield ratio_precision(base.summaries, other.summaries, settings.seed)


def _series(members: Sequence[Member], settings: Measure) -> Iterator[Series]:
    compared = _compared(members, settings)
    for base, other in compared:
        yield from log_ratios(base.summaries, other.summaries)
    if not compared:
        for member in members:
            yield from by_slice(member.summaries)


def _compared(members: Sequence[Member], settings: Measure) -> list[tuple[Member, Member]]:
    """The pairs of the group that differ in nothing but version or runtime."""
    if settings.interleave != "versions":
        return []
    return [(members[0], other) for other in members[1:]]
