"""Pairs the outputs of two versions that are compared with each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ovreport.run import OutputDrift, Port, Reason, counterparts

T = TypeVar("T")


@dataclass(frozen=True)
class OutputPair:
    """An output of A and its counterpart in B; one of them may be missing."""

    first: int | None
    """Index in A."""
    second: int | None
    """Index in B."""
    ports: tuple[Port | None, Port | None]

    @property
    def name(self) -> str:
        """The output's name in A, or in B if A has no such output."""
        index = self.second if self.first is None else self.first
        return next(iter(self._names), str(index))

    @property
    def _names(self) -> tuple[str, ...]:
        return next((port.names for port in self.ports if port is not None), ())

    @property
    def other_name(self) -> str:
        """The output's name in B; empty if it is the same as in A."""
        a, b = self.ports
        if a is None or b is None or a.own_names & b.own_names:
            return ""
        return next(iter(sorted(b.own_names)), "")

    @property
    def types(self) -> tuple[str, str]:
        """Element types in A and B; empty where the output is missing."""
        a, b = (port.precision if port else "" for port in self.ports)
        return a, b

    def of(self, first: Sequence[T], second: Sequence[T]) -> tuple[T | None, T | None]:
        """Return the pair's items of two series, one for each side; None where it is missing."""
        return (
            None if self.first is None else first[self.first],
            None if self.second is None else second[self.second],
        )

    def drift(self, reason: Reason) -> OutputDrift:
        """Return the record of an output that was not compared.

        Args:
            reason: why it was not, if both versions have the output.
        """
        if self.first is None:
            reason = "additional"
        elif self.second is None:
            reason = "missing"
        a, b = (port.shape if port else "" for port in self.ports)
        return OutputDrift(
            name=self.name,
            other_name=self.other_name,
            shapes=(a, b),
            types=self.types,
            reason=reason,
        )


def paired(first: Sequence[Port], second: Sequence[Port]) -> Iterator[OutputPair]:
    """Yield all outputs of A with their counterparts, then those that only B has."""
    partners = counterparts(first, second)
    for index, other in enumerate(partners):
        ports = first[index], None if other is None else second[other]
        yield OutputPair(index, other, ports)
    for index, port in enumerate(second):
        if index not in partners:
            yield OutputPair(None, index, (None, port))
