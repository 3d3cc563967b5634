"""The profiling pass of a group: layer times and graphs, after all slices.

It is a pass of its own, since counters distort small models. Members take turns here as they do in
slices: the layers of the very same SqueezeNet twice, profiled one after the other on a busy
machine, differed as a whole by 5.6 % in the mean of 16 runs and by 31 % at worst; in turns by 3.7
and 11 %.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from ovreport.config.schema import Measure
from ovreport.measuring.background_load import LoadMeter
from ovreport.measuring.cell_state import Member
from ovreport.measuring.scratch import scratch_folder
from ovreport.measuring.worker_session import WorkerError, WorkerSession

# Inferences of a slow model stop after this, when there are at least so many.
_PROFILE_S = 10.0
_LEAST_INFERENCES = 3
# A turn; of a slow model it is one inference. The first of a turn finds caches cold (7 % slower
# at 2 ms) and must not be alone: then medians leave it out.
_TURN_INFERENCES = 3
_TURN_S = 0.25


def profile(members: Sequence[tuple[Member, WorkerSession]], settings: Measure) -> None:
    """Gives each member its profile, or the failure that it met."""
    with ExitStack() as stack:
        passes = [_Pass(member, worker, settings, stack) for member, worker in members]
        for one in passes:
            one.begin()
        for turn in itertools.count():
            going = [one for one in passes if one.goes_on]
            if not going:
                break
            # The order and then its reverse: every pair is seen both ways round.
            for one in going if turn % 2 == 0 else going[::-1]:
                one.turn()
        for one in passes:
            one.end()


class _Pass:
    """One member's part; after a failure it takes no more."""

    def __init__(
        self, member: Member, worker: WorkerSession, settings: Measure, stack: ExitStack
    ) -> None:
        self.member, self.worker, self.settings = member, worker, settings
        self.stack = stack
        self.inferences = 0
        self.seconds = 0.0
        self.load = LoadMeter(worker.pid)

    @property
    def goes_on(self) -> bool:
        wanted = self.settings.profile_iterations
        enough = self.seconds >= _PROFILE_S and self.inferences >= _LEAST_INFERENCES
        return self.member.profile_failure is None and self.inferences < wanted and not enough

    def begin(self) -> None:
        properties = dict(self.member.planned.setting["properties"])
        if self.member.worth_a_cache:
            properties["CACHE_DIR"] = str(self.stack.enter_context(scratch_folder()))
        with self._failing():
            self.worker.ask(
                "profile",
                2 * self.settings.compile_limit + self.settings.inference_limit,
                "begin_profile",
                **{**self.member.planned.setting, "properties": properties},
            )

    def turn(self) -> None:
        left = self.settings.profile_iterations - self.inferences
        started = time.monotonic()
        with self._failing(), self.load:
            self.inferences += self.worker.ask(
                "profile",
                _TURN_S + 2 * self.settings.inference_limit,
                "profile",
                iterations=min(_TURN_INFERENCES, left),
                seconds=_TURN_S,
            )["inferences"]
        self.seconds += time.monotonic() - started

    def end(self) -> None:
        if self.member.profile_failure is not None:
            return
        with self._failing():
            self.member.profiled = self.worker.ask(
                "profile",
                2 * self.settings.compile_limit,
                "end_profile",
                cached=self.member.worth_a_cache,
            )
            self.member.profile_load = self.load.cores

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except WorkerError as error:
            self.member.profile_failure = error.failure
