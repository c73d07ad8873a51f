"""The values that a metric may have where a test does not give it: from its range and its unit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from metrictree.units import parse_unit
from metrictree.units.scales import conversions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metrictree.schema import Metric

__all__ = ["Domain", "domain_of"]

_FAR: Final = 1_000_000.0
"""How far a range goes that has no end."""
_COUNTS: Final = (10.0, 20.0, 5.0, 40.0, 8.0, 100.0, 12.0, 30.0)
_PARTS: Final = (0.5, 0.25, 0.75, 0.4, 0.6, 0.2, 0.8, 0.3)


@dataclass(frozen=True, slots=True)
class Domain:
    """The values of one metric: from ``low`` to ``high``, whole numbers only if ``whole``.

    >>> from metrictree import Metric
    >>> domain_of(Metric(unit="order/week"))
    Domain(low=0.0, high=1000000.0, whole=True)
    >>> domain_of(Metric(unit="%"))
    Domain(low=0.0, high=1.0, whole=False)
    """

    low: float
    high: float
    whole: bool = False

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high and (not self.whole or float(value).is_integer())

    def corners(self, more: Iterable[float] = ()) -> tuple[float, ...]:
        """Return the values that show the most: ends, 0, 1, ``more``, and next to these."""
        step = 1.0 if self.whole or self.high - self.low > 2 else (self.high - self.low) / 10
        near = [at for one in more for at in (one, one + step, one - step)]
        found = [*self.ends, 0.0, 1.0, -1.0, *near]
        return tuple(dict.fromkeys(value + 0.0 for value in found if value in self))

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends; where there is none, as far as numbers still read well."""
        near = self._nearest_zero
        low = self.low if near - self.low < _FAR else near - 1_000.0
        return low, self.high if self.high - near < _FAR else near + 1_000.0

    @property
    def _nearest_zero(self) -> float:
        return min(max(self.low, 0.0), self.high)

    @property
    def bit(self) -> float:
        """A small step, which stays on the same side of what formulas compare with."""
        return 1.0 if self.whole else min(self.high - self.low, 1.0) / 1000

    def beside(self, numbers: Iterable[float]) -> tuple[float, ...]:
        """Return what lies just below and above of numbers: ``<`` ends there, not at them."""
        near = [at for one in numbers for at in (one - self.bit, one + self.bit)]
        return tuple(dict.fromkeys(value + 0.0 for value in near if value in self))

    def uneven(self, position: int) -> float:
        """Return a value with more digits than formulas round to; not so of whole numbers."""
        low, high = self.ends
        value = low + (high - low) * (0.1234567 + 0.7 * (position % 8) / 8)
        return float(math.ceil(value)) if self.whole else value

    def typical(self, position: int) -> float:
        """Return an ordinary value; metrics at other positions have others.

        >>> Domain(0.0, 1.0).typical(0), Domain(0.0, 1e6).typical(1)
        (0.5, 20.0)
        """
        near, count = self._nearest_zero, _COUNTS[position % len(_COUNTS)]
        if self.high - near >= _FAR:
            return near + count
        if near - self.low >= _FAR:
            return near - count
        value = self.low + (self.high - self.low) * _PARTS[position % len(_PARTS)]
        for digits in range(2, 17):
            rounded = round(value, 0 if self.whole else digits)
            if rounded in self:
                return rounded + 0.0
        return self.low


def domain_of(metric: Metric) -> Domain:
    """Return the values of a metric by its ``range``, or else by its unit.

    Shares go from 0 to 1, all else from 0 on: what may be negative says so in its range.
    """
    low, high = metric.range or (0.0, None)
    unit = parse_unit(metric.unit) if metric.unit is not None else None
    if metric.range is None and unit is not None and unit.is_ratio:
        return Domain(0.0, 1.0)
    if low is None:
        low = -_FAR if high is None or high >= 0 else high - _FAR
    if high is None:
        high = max(low, 0.0) + _FAR
    whole = unit is not None and _counts(unit.powers) and math.ceil(low) <= math.floor(high)
    if whole:
        low, high = float(math.ceil(low)), float(math.floor(high))
    return Domain(float(low), float(high), whole)


def _counts(powers: tuple[tuple[str, int], ...]) -> bool:
    """Whether a unit counts things, per period at most: neither time nor money, no score."""
    above = [(name, power) for name, power in powers if power > 0]
    if len(above) != 1 or above[0][1] != 1:
        return False
    unit = parse_unit(above[0][0])
    if unit.is_money or unit.is_score or conversions(above[0][0], 1):
        return False
    below = {name for name, power in powers if power < 0}
    return below <= {"day", "week", "month", "quarter", "year"}
