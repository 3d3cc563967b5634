"""One type for a measured figure with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ovreport.stats.uncertainty import student


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, its interval, and the method of the interval.

    ``low`` and ``high`` bound the confidence interval at level ``confidence``. If the data do not
    support an interval, they equal ``point``, and ``method`` gives the reason.
    """

    point: float
    low: float
    high: float
    confidence: float
    method: str
    """The method in words: ``scatter of 3 launches, 21 slices``."""
    freedom: int = 0
    """Degrees of freedom of the interval of a ratio; 0: it is not Student's."""

    @property
    def relative_half_width(self) -> float:
        """Half the interval's width over the point: 0.01 means ±1 %."""
        return (self.high - self.low) / 2 / abs(self.point) if self.point else 0.0

    @property
    def arms(self) -> tuple[float, float]:
        """Lengths of the interval below and above the point, over the point."""
        if not self.point:
            return 0.0, 0.0
        return (self.point - self.low) / abs(self.point), (self.high - self.point) / abs(self.point)

    def at(self, confidence: float) -> Estimate:
        """Return a ratio with the interval at another confidence, if the interval is Student's."""
        if not self.freedom:
            return self
        factor = student(self.freedom, confidence) / student(self.freedom, self.confidence)
        low, high = (self.point * (end / self.point) ** factor for end in (self.low, self.high))
        return replace(self, low=low, high=high, confidence=confidence)

    def scaled(self, factor: float) -> Estimate:
        """Return the same figure in another unit."""
        low, high = sorted((self.low * factor, self.high * factor))
        return replace(self, point=self.point * factor, low=low, high=high)

    @classmethod
    def exact(cls, value: float, method: str = "single value") -> Estimate:
        """Return a figure without an interval, such as a size or a count."""
        return cls(value, value, value, 1.0, method)
