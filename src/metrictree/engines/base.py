"""What all engines share: values as they come out, and why one is missing."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metrictree.diagnostics import shown
from metrictree.formula.printer import number_text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Reason", "Rule", "Values"]


class Rule(enum.StrEnum):
    """The rule by which a value is missing."""

    INPUT_MISSING = "an input is missing"
    NO_VALUES = "there are no values to aggregate"
    TOO_FEW = "there are too few values to aggregate"
    NULL = "the formula says null"
    ZERO_DIVISION = "division by zero"
    DOMAIN = "outside of the function's domain"
    OVERFLOW = "the result is past float64"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a value is missing: the metric in which it broke, the rule, and the operands there.

    >>> print(Reason("rate", Rule.ZERO_DIVISION, "orders / visits", {"visits": 0.0}))
    rate = orders / visits is missing: division by zero (visits is 0)
    """

    metric: str
    rule: Rule
    formula: str | None
    operands: Mapping[str, float | None]

    def __str__(self) -> str:
        if self.formula is None:
            return f"{self.metric} is missing: no value was given"
        facts = ", ".join(
            f"{shown(name, 40)} is {'missing' if value is None else number_text(value + 0.0)}"
            for name, value in self.operands.items()
        )
        because = f"{self.rule.value} ({facts})" if facts else self.rule.value
        return f"{self.metric} = {shown(self.formula)} is missing: {because}"


class Values(Mapping[str, float | None]):
    """Values of metrics by id, in document order; ``None`` is missing, and ``why`` says why.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="rate", metrics={"rate": "orders / visits", "orders": None, "visits": None}
    ... )
    >>> values = tree.compute({"orders": 5, "visits": 0})
    >>> values
    Values(rate=missing, orders=5, visits=0)
    >>> print(values.why("rate"))
    rate = orders / visits is missing: division by zero (orders is 5, visits is 0)
    """

    __slots__ = ("_reason", "_values")

    def __init__(self, values: Mapping[str, float | None], reason: Callable[[str], Reason]) -> None:
        self._values = dict(values)
        self._reason = reason

    def __getitem__(self, metric: str) -> float | None:
        return self._values[metric]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        shown_values = [
            f"{metric}={'missing' if value is None else number_text(value)}"
            for metric, value in list(self._values.items())[:20]
        ]
        if len(self) > 20:
            shown_values.append(f"... {len(self) - 20:,} more")
        return f"Values({', '.join(shown_values)})"

    def __reduce__(self) -> tuple[Any, ...]:
        reasons = {metric: self._reason(metric) for metric in self.missing}
        return Values, (self._values, reasons.__getitem__)

    @property
    def missing(self) -> tuple[str, ...]:
        """The metrics without a value."""
        return tuple(metric for metric, value in self._values.items() if value is None)

    def why(self, metric: str) -> Reason | None:
        """Return why a metric is missing, from where it broke first; ``None`` if it is there.

        Raises:
            KeyError: the metric was not computed.
        """
        return self._reason(metric) if self._values[metric] is None else None

    def to_dict(self) -> dict[str, float | None]:
        """Return the values as a plain dictionary."""
        return dict(self._values)
