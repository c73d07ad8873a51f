"""The parts of groups of rows: aggregated at once, or in smaller groups that are put together.

A part with conditions is one of a column that is missing where they do not hold, made for it. Where
many parts have few conditions, it takes less time to group the rows by what holds as well, to
aggregate each column once, and to put the parts of a group together from those of smaller groups.
"""

from __future__ import annotations

import math
from decimal import Context, localcontext
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from metrictree.measures.parts import MERGED, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["Rolling", "grouped", "rolls", "with_values"]

_LARGE: Final = 2**20
"""A small part of the sizes that matter."""
_EXACT: Final = Context(prec=100)
"""Decimals of databases have 38 digits at most, or 76, and here are few of them."""


def grouped(
    frame: nw.LazyFrame[Any], keys: Sequence[str], parts: Sequence[Part], flags: Iterable[str] = ()
) -> nw.LazyFrame[Any]:
    """Return a row for each group: the keys, the parts, and whether a row has each of the flags."""
    exprs = [part.expr for part in parts]
    exprs += [nw.col(flag).any() for flag in flags]
    if keys and frame.implementation.is_pandas() and frame.to_native().empty:
        return frame.select(*keys)  # narwhals refuses most aggregates of no rows there
    frame = with_values(frame, parts)
    return frame.group_by(*keys).agg(*exprs) if keys else frame.select(*exprs)


def with_values(frame: nw.LazyFrame[Any], parts: Sequence[Part]) -> nw.LazyFrame[Any]:
    """Return the frame with the values of each part, missing where its conditions do not hold."""
    made = {}
    for part in parts:
        if part.values == part.column:
            continue
        values = nw.col(part.column or part.where[0])
        if part.op == "size":  # pandas aggregates no expression, but columns
            values = _sized(values, whole=frame.collect_schema()[part.column].is_integer())
        if part.where:
            values = nw.when(reduce(and_, map(nw.col, part.where))).then(values)
        made[part.values] = values
    if not made:
        return frame
    return frame.with_columns(*(expr.alias(name) for name, expr in made.items()))


def _sized(values: nw.Expr, *, whole: bool) -> nw.Expr:
    """Return numbers as float64, about: pandas refuses to round large integers."""
    if not whole:
        return values.cast(nw.Float64)
    return (values // _LARGE).cast(nw.Float64) * float(_LARGE)


def rolls(parts: Iterable[Part]) -> bool:
    """Whether parts can be put together."""
    return all(part.op in _TOGETHER for part in parts)


class Rolling:
    """How parts are put together from those of groups in which the same conditions hold."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self.parts = list(parts)
        self.conditions = list(dict.fromkeys(name for part in self.parts for name in part.where))
        self.smaller = list(dict.fromkeys(one for part in self.parts for one in _needs(part)))
        """The parts of the smaller groups."""
        self._steps = [
            (
                part,
                [self.conditions.index(name) for name in part.where],
                _TOGETHER[part.op],
                [self.smaller.index(one) for one in _needs(part)],
            )
            for part in self.parts
        ]

    @property
    def saves(self) -> bool:
        """Whether two parts or more have each condition: one costs about as much as a key does."""
        return len({part for part in self.parts if part.where}) >= 2 * len(self.conditions) > 0

    def frame(
        self, frame: nw.LazyFrame[Any], keys: Sequence[str], flags: Iterable[str] = ()
    ) -> nw.LazyFrame[Any]:
        """Return a row for each smaller group: the keys, what holds, its parts and the flags."""
        return grouped(frame, [*keys, *self.conditions], self.smaller, flags)

    def together(self, groups: Sequence[Sequence[Any]]) -> dict[Part, Any]:
        """Return the parts of a group; those of its smaller ones follow on what holds in each."""
        width = len(self.conditions)
        found = {}
        for part, holds, together, places in self._steps:
            cells = [
                [group[width + place] for place in places]
                for group in groups
                if all(group[place] for place in holds)
            ]
            found[part] = together(*zip(*cells, strict=True)) if cells else _NOTHING.get(part.op, 0)
        return found


def _needs(part: Part) -> list[Part]:
    """Return the parts of smaller groups that one is put together from."""
    column = part.column
    if part.op == "std":
        return [Part("count", column), Part("sum", column), Part("var", column)]
    return [Part(part.op, column)]


def _sum(values: Sequence[Any]) -> Any:
    if None in values:
        return None
    with localcontext(_EXACT):
        return sum(values)


def _least(values: Sequence[Any]) -> Any:
    return min((x for x in values if x is not None), default=None)


def _most(values: Sequence[Any]) -> Any:
    return max((x for x in values if x is not None), default=None)


def _std(
    counts: Sequence[int], sums: Sequence[float | None], variances: Sequence[float | None]
) -> float | None:
    """Return the deviation of a sample, by what groups deviate and by how far they are apart.

    Chan, Golub and LeVeque 1983, "Algorithms for Computing the Sample Variance"; sums of squares
    would lose digits.
    """
    groups: list[Any] = [one for one in zip(counts, sums, variances, strict=True) if one[0]]
    count = sum(counts)
    if count < 2 or any(None in one for one in groups):  # which is what some make of NaN
        return None
    mean = sum(total for _, total, _ in groups) / count
    within = sum(n * variance for n, _, variance in groups)
    apart = (total / n - mean for n, total, _ in groups)
    between = sum(n * x * x for (n, *_), x in zip(groups, apart, strict=True))
    return math.sqrt((within + between) / (count - 1))


_ALIKE: Final[Mapping[str, Callable[..., Any]]] = {"sum": _sum, "min": _least, "max": _most}
_TOGETHER: Final[Mapping[str, Callable[..., Any]]] = {
    **{op: _ALIKE[how] for op, how in MERGED.items()},
    "size": _sum,
    "std": _std,
}
_NOTHING: Final = dict.fromkeys(("min", "max", "std"))
"""What is found in no rows at all; all others are 0."""
