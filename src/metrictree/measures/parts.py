"""What the aggregates of measures are made of: parts that a scan computes, and values of them.

A part is one aggregate of one column where conditions hold, computed once for all measures that
need it. Sums and means
of integers and decimals are exact, and rounded to float64 once, whatever the engine; so are those
of floats that were written as short decimals, such as money: they are added as whole numbers of
hundredths. Floats that are no such decimals are added as floats, of which the last digits depend on
the order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import narwhals as nw

from metrictree.engines.frames.rows import MOST_WHOLE
from metrictree.formula.meaning import Rule

if TYPE_CHECKING:
    from metrictree.engines.frames.layers import Engine
    from metrictree.measures.request import Result

__all__ = [
    "DIGITS",
    "MERGED",
    "Lost",
    "Output",
    "Part",
    "Values",
    "empty_result",
    "finish",
    "is_short",
    "parts_of",
]

DIGITS: Final = (2, 4, 9)
"""Digits behind the point that short decimals may have."""
_WRAPS: Final = 2.0**62
"""Sums of integers of 64 bits are right below, whatever the order."""

Values = Mapping["Part", Any]
"""What a scan found for one group."""


class Part(NamedTuple):
    """An aggregate of a column of the scan."""

    op: str
    """rows, count, sum, size (a sum as float64), min, max, n_unique, quantile, std, var (of all
    values, not of a sample), or distinct (n_unique without null)."""
    column: str = ""
    where: tuple[str, ...] = ()
    """Columns that all hold in the rows that count."""
    q: float = 0.0

    @property
    def values(self) -> str:
        """The name of the column that is aggregated: missing in rows that do not count."""
        name = f"size_of_{self.column}" if self.op == "size" else self.column
        return "_if_".join([name, *self.where])

    @property
    def name(self) -> str:
        """The name of the part in the result of a scan."""
        # narwhals puts no quotes around names in Spark, where a point ends the name of a table.
        q = f"_{self.q}".replace(".", "_") if self.op == "quantile" else ""
        return f"{self.op}_{self.values}{q}"

    @property
    def expr(self) -> nw.Expr:
        """The aggregate."""
        found = nw.len() if not self.values else _AGGREGATES[self.op](nw.col(self.values), self.q)
        return found.alias(self.name)


_AGGREGATES: Final[Mapping[str, Callable[[nw.Expr, float], nw.Expr]]] = {
    "rows": lambda x, _: x.count(),
    "count": lambda x, _: x.count(),
    "sum": lambda x, _: x.sum(),
    "size": lambda x, _: x.sum(),
    "min": lambda x, _: x.min(),
    "max": lambda x, _: x.max(),
    "n_unique": lambda x, _: x.n_unique(),
    "quantile": lambda x, q: x.quantile(q, interpolation="linear"),
    "std": lambda x, _: x.std(ddof=1),
    "var": lambda x, _: x.var(ddof=0),
}
_ROWS: Final = Part("rows")
MERGED: Final = {"rows": "sum", "count": "sum", "sum": "sum", "min": "min", "max": "max"}
"""How parts of several groups become the part of all of them, where that is exact."""


class Lost(NamedTuple):
    """A value of which float64 would lose digits before the point."""

    value: Any


@dataclass(frozen=True, slots=True)
class Output:
    """A measure in the scan."""

    metric: str
    aggregate: str
    q: float
    column: str
    """The values that are aggregated; empty if just rows are counted."""
    where: tuple[str, ...] = ()
    """Columns that all hold in the rows that count."""
    whole: bool = False
    """Whether the column holds integers or decimals, of which the sum is exact."""
    wholes: tuple[tuple[int, str], ...] = ()
    """Columns of the same values as whole numbers of decimal places, each for the rows that the
    ones before do not fit: how a sum of floats that are short decimals is exact."""
    certain: bool = False
    """Whether each row is known to fit one of them."""

    def part(self, op: str, column: str | None = None, q: float = 0.0) -> Part:
        """Return a part of a column, its own if none is named, over the rows that count."""
        return Part(op, self.column if column is None else column, self.where, q)

    @property
    def count(self) -> Part:
        """The number of values, or of rows if there are none."""
        return self.part("count" if self.column else "rows")


def parts_of(output: Output, engine: Engine) -> list[Part]:
    """Return what a measure needs from a scan."""
    name, count = output.aggregate, output.count
    if name == "count":
        return [count]
    if name == "count_distinct":
        return [output.part("n_unique"), count, _ROWS]
    if name in ("median", "quantile"):
        return [output.part("quantile", q=output.q)]
    if name == "std":
        return [output.part("std"), count]
    if name in ("min", "max"):
        return [output.part(name)]
    parts = [] if output.certain else [output.part("sum")]
    for _, whole in output.wholes:
        parts.append(output.part("sum", whole))
        if engine.wraps:
            parts.append(output.part("size", whole))
        if not output.certain:
            parts.append(output.part("count", whole))
    if output.whole and engine.wraps:
        parts.append(output.part("size"))
    doubtful = (output.whole and engine.wraps) or (output.wholes and not output.certain)
    return [*parts, count] if name == "mean" or doubtful else parts


def empty_result(aggregate: str) -> Result:
    """Return the value of an aggregate over no rows at all."""
    return 0.0 if aggregate in ("count", "count_distinct", "sum") else Rule.NO_VALUES


def finish(output: Output, values: Values) -> Result | Lost:
    """Return the value of a measure."""
    name = output.aggregate
    if name == "count":
        return float(values[output.count])
    if name == "count_distinct":
        distinct = output.part("distinct")
        if distinct in values:
            return float(values[distinct])
        found = values[output.part("n_unique")]  # null counts as a value there, and not here
        missing = values[output.count] < values[_ROWS]
        return float(found - missing) if found else 0.0
    if name in ("sum", "mean"):
        return _added(output, values)
    part = output.part(name)
    if name in ("median", "quantile"):
        part = output.part("quantile", q=output.q)
    value = values[part]
    if value is None:
        few = name == "std" and values[output.count] == 1
        return Rule.TOO_FEW if few else Rule.NO_VALUES
    return _as_float(value)


def _added(output: Output, values: Values) -> Result | Lost:
    mean = output.aggregate == "mean"
    count: Any = values.get(output.count)
    if count == 0:
        return Rule.NO_VALUES if mean else 0.0
    total = _exact(output, values)
    if total is not None:
        return float(total / count if mean else total) + 0.0
    value = values[output.part("sum")]
    if not output.whole:
        return _as_float((value or 0.0) / (count if mean else 1))
    size = values.get(output.part("size"))
    if size is not None and (abs(size) >= _WRAPS or value is None):
        return Lost(f"of about {size:.3g}")
    value = value or 0
    return _as_float(Fraction(value) / count) if mean else _as_float(value)


def _exact(output: Output, values: Values) -> Fraction | None:
    """Return the sum of floats that are all short decimals; ``None`` if they are not."""
    if not output.wholes:
        return None
    total, count = Fraction(0), 0
    for digits, whole in output.wholes:
        size = values.get(output.part("size", whole)) or 0.0
        if abs(size) >= _WRAPS:
            return Fraction(size) / 10**digits if output.certain else None
        total += Fraction(int(values[output.part("sum", whole)] or 0), 10**digits)
        count += values.get(output.part("count", whole), 0)
    return total if output.certain or count == values[output.count] else None


def is_short(x: float, digits: int) -> bool:
    """Return whether a float was written as a decimal of so many digits behind the point, or fewer.

    >>> is_short(0.07, 2), is_short(0.075, 2), is_short(0.1 + 0.2, 2)
    (True, False, False)
    """
    scale = 10.0**digits
    return abs(x) < MOST_WHOLE / scale and round(x * scale) / scale == x


def _as_float(value: Any) -> Result | Lost:
    """Return what an aggregate gives as a float64, unless it loses digits before the point."""
    try:
        number = float(value)
    except OverflowError:
        return Rule.OVERFLOW
    if not math.isfinite(number):
        return Rule.OVERFLOW
    if not isinstance(value, float) and abs(value) > 2**53 and value != number:
        if isinstance(value, Fraction):  # a mean is rounded in any case
            return number
        return Lost(value)
    return number + 0.0
