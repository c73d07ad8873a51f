"""The one table of the language's functions and aggregates; the docs' tables are made from it.

Imports nothing from the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AGGREGATES", "FUNCTIONS", "Aggregate", "Function"]


@dataclass(frozen=True, slots=True)
class Function:
    """A function that formulas may call."""

    name: str
    parameters: str
    """As they are written, an optional one with its default: ``x, digits=0``."""
    at_least: int
    at_most: int | None
    """Arguments; ``None`` is any number."""
    summary: str
    missing: str = ""
    """When the value is missing although no argument is."""
    over_time: bool = False
    """Whether it needs a time column."""
    condition: bool = False
    """Whether it gives a condition and not a number."""
    counts: int | None = None
    """Position of an argument that must be a whole number of periods, written out."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A way to make one value of many rows."""

    name: str
    parameters: str
    at_least: int
    at_most: int
    summary: str
    empty: str
    """The value of a period without rows."""


def _table(*functions: Function) -> Mapping[str, Function]:
    return MappingProxyType({function.name: function for function in functions})


FUNCTIONS: Final = _table(
    Function("abs", "x", 1, 1, "the distance from zero"),
    Function("min", "a, b, ...", 2, None, "the smallest of several values"),
    Function("max", "a, b, ...", 2, None, "the largest of several values"),
    Function("sum", "a, b, ...", 2, None, "the sum of several values"),
    Function("mean", "a, b, ...", 2, None, "the arithmetic mean of several values"),
    Function("sqrt", "x", 1, 1, "the square root", "x is negative"),
    Function("exp", "x", 1, 1, "e to the power of x", "the result is past float64"),
    Function("log", "x", 1, 1, "the natural logarithm", "x is zero or negative"),
    Function("log10", "x", 1, 1, "the logarithm to base 10", "x is zero or negative"),
    Function("floor", "x", 1, 1, "the largest whole number that is not above x"),
    Function("ceil", "x", 1, 1, "the smallest whole number that is not below x"),
    Function(
        "round",
        "x, digits=0",
        1,
        2,
        "x rounded to digits after the point: x·10^digits half to even in float64",
        "digits is not a whole number",
    ),
    Function("clip", "x, lo, hi", 3, 3, "x, but not below lo and not above hi", "lo is above hi"),
    Function("sign", "x", 1, 1, "-1, 0 or 1"),
    Function("safe_div", "a, b, otherwise", 3, 3, "a / b, or otherwise where b is zero"),
    Function("pow", "x, y", 2, 2, "x ** y", "as for `**`"),
    Function("coalesce", "a, b, ...", 2, None, "the first value that is not missing", "all are"),
    Function("is_missing", "x", 1, 1, "whether x is missing", condition=True),
    Function(
        "lag", "x, n=1", 1, 2, "x of n periods ago", "first n periods", over_time=True, counts=1
    ),
    Function(
        "change", "x, n=1", 1, 2, "x - lag(x, n)", "first n periods", over_time=True, counts=1
    ),
    Function(
        "growth", "x, n=1", 1, 2, "x / lag(x, n) - 1", "first n periods", over_time=True, counts=1
    ),
    Function(
        "rolling_sum", "x, n", 2, 2, "sum of n periods", "window not full", over_time=True, counts=1
    ),
    Function(
        "rolling_mean",
        "x, n",
        2,
        2,
        "mean of n periods",
        "window not full",
        over_time=True,
        counts=1,
    ),
    Function(
        "rolling_min",
        "x, n",
        2,
        2,
        "least of n periods",
        "window not full",
        over_time=True,
        counts=1,
    ),
    Function(
        "rolling_max",
        "x, n",
        2,
        2,
        "most of n periods",
        "window not full",
        over_time=True,
        counts=1,
    ),
    Function("cumulative", "x", 1, 1, "sum of all periods so far", over_time=True),
)

AGGREGATES: Final[Mapping[str, Aggregate]] = MappingProxyType(
    {
        aggregate.name: aggregate
        for aggregate in (
            Aggregate("count", "column?", 0, 1, "rows, or rows in which the column is there", "0"),
            Aggregate("count_distinct", "column", 1, 1, "different values, null not counted", "0"),
            Aggregate("sum", "expression", 1, 1, "the sum of the values that are there", "0"),
            Aggregate("mean", "expression", 1, 1, "their arithmetic mean", "missing"),
            Aggregate("min", "expression", 1, 1, "the smallest of them", "missing"),
            Aggregate("max", "expression", 1, 1, "the largest of them", "missing"),
            Aggregate("median", "expression", 1, 1, "the middle one, interpolated", "missing"),
            Aggregate("quantile", "expression, q", 2, 2, "the q-quantile, interpolated", "missing"),
            Aggregate("std", "expression", 1, 1, "their sample standard deviation", "missing"),
        )
    }
)
