"""The profiling pass of a group: layer times and graphs, after all slices.

It is a separate pass because counters slow small models down. The members take turns as in slices.
Two copies of SqueezeNet on a busy machine show why: profiled one after the other, their total layer
times differed by 5.6 % on average of 16 runs and by 31 % at most; in turns by 3.7 % and 11 %.
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

# Profiling a slow model ends after this time, but not before this number of inferences.
_PROFILE_S = 10.0
_MIN_INFERENCES = 3
# The length of a turn; for a slow model it is one inference. The first inference of a turn runs
# with cold caches (7 % slower at 2 ms), so a turn has more, and the median is not affected.
_TURN_INFERENCES = 3
_TURN_S = 0.25


def profile(members: Sequence[tuple[Member, WorkerSession]], settings: Measure) -> None:
    """Set the profile of each member, or its failure."""
    with ExitStack() as stack:
        passes = [_Pass(member, worker, settings, stack) for member, worker in members]
        for member_pass in passes:
            member_pass.begin()
        for turn in itertools.count():
            unfinished = [member_pass for member_pass in passes if member_pass.is_unfinished]
            if not unfinished:
                break
            # Every second turn reverses the order, so that each of a pair is first equally often.
            for member_pass in unfinished if turn % 2 == 0 else unfinished[::-1]:
                member_pass.turn()
        for member_pass in passes:
            member_pass.end()


class _Pass:
    """The profiling pass of one member; after a failure it does nothing."""

    def __init__(
        self, member: Member, worker: WorkerSession, settings: Measure, stack: ExitStack
    ) -> None:
        self.member, self.worker, self.settings = member, worker, settings
        self.stack = stack
        # The layers of a sequence belong to inferences of two kinds, whose times do not mix.
        self.wanted = 0 if member.planned.sequence else settings.profile_iterations
        self.inferences = 0
        self.seconds = 0.0
        self.load = LoadMeter(worker.pid)

    @property
    def is_unfinished(self) -> bool:
        is_timed_out = self.seconds >= _PROFILE_S and self.inferences >= _MIN_INFERENCES
        is_complete = self.inferences >= self.wanted
        return self.member.profile_failure is None and not is_complete and not is_timed_out

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
        left = self.wanted - self.inferences
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
