"""Which output of one version is compared with which of the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ovreport.run import OutputDrift, Port, Reason, counterparts

T = TypeVar("T")


@dataclass(frozen=True)
class OutputPair:
    """An output of A and its counterpart in B, by index; None: there is none."""

    first: int | None
    second: int | None
    ports: tuple[Port | None, Port | None]

    @property
    def name(self) -> str:
        """In A, or in B where A has no such output."""
        index = self.second if self.first is None else self.first
        return next(iter(self._names), str(index))

    @property
    def _names(self) -> tuple[str, ...]:
        return next((port.names for port in self.ports if port is not None), ())

    @property
    def other_name(self) -> str:
        """In B, where it has another name there."""
        a, b = self.ports
        if a is None or b is None or a.own_names & b.own_names:
            return ""
        return next(iter(sorted(b.own_names)), "")

    @property
    def types(self) -> tuple[str, str]:
        """Element types of both sides; empty where there is no such output."""
        a, b = (port.precision if port else "" for port in self.ports)
        return a, b

    def of(self, first: Sequence[T], second: Sequence[T]) -> tuple[T | None, T | None]:
        """What two series, one for each side, hold of the pair."""
        return (
            None if self.first is None else first[self.first],
            None if self.second is None else second[self.second],
        )

    def drift(self, reason: Reason) -> OutputDrift:
        """Of an output that was not compared.

        Args:
            reason: why, if both versions have the output.
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
    """All outputs of A with their counterparts, then those that only B has."""
    others = counterparts(first, second)
    for index, other in enumerate(others):
        ports = first[index], None if other is None else second[other]
        yield OutputPair(index, other, ports)
    for index, port in enumerate(second):
        if index not in others:
            yield OutputPair(None, index, (None, port))
