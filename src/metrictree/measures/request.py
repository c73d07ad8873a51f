"""What a run asks of a source, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metrictree.diagnostics import Diagnostic
from metrictree.formula.meaning import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from metrictree.resolved import ResolvedMeasure

__all__ = ["Aggregated", "Key", "Request", "Result", "empty_result", "too_many_rows"]

Key = tuple[Any, ...]
"""A period (``None`` for all time), then the values of the dimensions."""
Result = float | Rule
"""A value, or why there is none."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a run asks for."""

    grain: str
    by: tuple[str, ...]
    since: date | None
    until: date | None

    @property
    def needs_time(self) -> bool:
        """Whether rows have to be placed in time."""
        return self.grain != "all" or self.since is not None or self.until is not None


@dataclass(frozen=True, slots=True)
class Aggregated:
    """The measures of one source."""

    values: Mapping[Key, Mapping[str, Result]]
    kinds: tuple[Any, ...]
    """What each dimension holds."""


def too_many_rows(message: str) -> Diagnostic:
    """Return what is said of a result that is too large."""
    return Diagnostic(
        "SRC115",
        message,
        help="check the first and the last day, choose a larger grain or fewer dimensions, or "
        "raise the limit `rows`",
    )


def empty_result(measure: ResolvedMeasure) -> Result:
    """Return the value of a measure over no rows at all."""
    name = measure.aggregate.root.value
    return 0.0 if name in ("count", "count_distinct", "sum") else Rule.NO_VALUES
