"""The periods of a lazy frame: small queries tell whether each group has each of them once.

What they give is as large as the number of distinct times, and the number of distinct spans of
groups. Only if two times lie in one period (groups that report on different days of a month) are
all times read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw
import numpy as np

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.arrays.timeline import (
    doubled_periods,
    make_timeline,
    missing_periods,
    read_periods,
)
from metrictree.engines.arrays.times import null_time, read_times
from metrictree.engines.frames.libraries import LIBRARIES, rows_of
from metrictree.errors import ComputeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from metrictree.engines.base import FrameRequest
    from metrictree.engines.frames.layers import Periods

__all__ = ["on_periods"]

_GROUPS_TOLD: Final = 20
_MOST_ADDED: Final = 1_000
"""Periods that no row of the frame has: each one that is added is a query of its own."""


def on_periods(
    frame: nw.LazyFrame[Any],
    periods: Periods,
    names: Mapping[str, str],
    request: FrameRequest,
    most: int,
) -> nw.LazyFrame[Any]:
    """Return the frame if each group has each period once; or with rows for those that lack.

    ``names`` is what messages call the columns; no more than ``most`` times are looked at, and no
    more rows are added.

    Raises:
        ComputeError: a time is missing or none, the grain cannot be found, or a group lacks a
            period or holds one twice.
    """
    return _Rows(frame, periods, names, request, most).checked()


class _Rows:
    """The rows of a frame as series of periods."""

    def __init__(
        self,
        frame: nw.LazyFrame[Any],
        periods: Periods,
        names: Mapping[str, str],
        request: FrameRequest,
        most: int,
    ) -> None:
        self.frame = frame
        self.time, self.by = periods
        self.names = names
        self.name = names[self.time]
        self.fill = request.fill
        self.most = most
        self.grain = request.grain
        self.numbers: dict[Any, int] = {}
        """The period of each distinct time."""
        self.times = 0
        """Distinct times in the frame; two moments may be one time of a clock."""
        schema = frame.collect_schema()
        zoned = getattr(schema[self.time], "time_zone", None) is not None
        engine = LIBRARIES[frame.implementation.value].engine
        self.written = nw.lit if zoned else engine.time
        """Makes a time of the frame an expression."""
        taken = set(schema.names())
        self.first, self.last, self.rows, self.distinct, self.added = (
            _free(name, taken) for name in ("first", "last", "rows", "distinct", "added")
        )

    def checked(self) -> nw.LazyFrame[Any]:
        self._read_times()
        if len(set(self.numbers.values())) < self.times:
            if self.fill:
                message = f"the column '{shown(self.name)}' holds several times of one period"
                advice = "give each period one time in all groups, or a frame in memory"
                raise ComputeError([Diagnostic("VAL117", message, fix=advice)])
            groups = defaultdict(list)
            for *group, time in rows_of(self._sorted(self.frame.select(*self.by, self.time))):
                groups[tuple(group)].append(self.numbers[time])
            self._refuse(groups)
            return self.frame
        exprs = [
            nw.col(self.time).min().alias(self.first),
            nw.col(self.time).max().alias(self.last),
            nw.len().alias(self.rows),
            nw.col(self.time).n_unique().alias(self.distinct),
        ]
        spans = self.frame.group_by(*self.by).agg(*exprs) if self.by else self.frame.select(*exprs)
        keys = [self.first, self.last, self.rows, self.distinct]
        found = rows_of(spans.group_by(*keys).agg(nw.len().alias(self.added)))
        lacking = 0
        wrong = []
        for first, last, rows, distinct, count in found:
            if first is None:  # no rows at all
                continue
            lacks = self.numbers[last] - self.numbers[first] + 1 - distinct
            lacking += lacks * count
            if rows != distinct or (lacks and not self.fill):
                wrong.append((first, last, rows, distinct))
        if wrong:
            here = [
                nw.all_horizontal(
                    *(
                        nw.col(key) == self._literal(value)
                        for key, value in zip(keys, one, strict=True)
                    ),
                    ignore_nulls=True,
                )
                for one in wrong[:_GROUPS_TOLD]
            ]
            of_wrong = spans.filter(nw.any_horizontal(*here, ignore_nulls=True))
            self._refuse({group: self._periods_of(group) for group in self._some(of_wrong)})
        return self._filled(spans, lacking) if lacking else self.frame

    def _literal(self, value: Any) -> nw.Expr:
        return self.written(value) if isinstance(value, date) else nw.lit(value)

    # --- times

    def _read_times(self) -> None:
        """Read the distinct times, and find out which periods they are."""
        time = nw.col(self.time)
        values = [value for (value,) in rows_of(self._times_once().head(self.most))]
        if None in values:
            ((count,),) = rows_of(self.frame.filter(time.is_null()).select(nw.len()))
            raise ComputeError([null_time(self.name, None, count)])
        if len(values) == self.most:
            message = f"the column '{shown(self.name)}' holds {self.most:,} different times or more"
            advice = "aggregate to one row for each period, or raise the limit `rows`"
            raise ComputeError([Diagnostic("VAL115", message, fix=advice)])
        times = read_times(self.name, _array(values), ordered=False)
        numbers, self.grain = read_periods(self.name, times, self.grain)
        self.numbers = dict(zip(values, numbers.tolist(), strict=True))
        self.times = len(values)

    def _times_once(self) -> nw.LazyFrame[Any]:
        """Return the distinct times; `unique` of narwhals 2.0 puts no quotes around names."""
        return (
            self.frame.group_by(self.time).agg(nw.len().alias(self.rows)).select(nw.col(self.time))
        )

    # --- problems

    def _some(self, spans: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
        """Return the first groups."""
        if not self.by:
            return [()]
        return rows_of(self._sorted(spans.select(nw.col(*self.by))).head(_GROUPS_TOLD))

    def _sorted(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Return a frame by its groups, so that problems have one order."""
        return frame.sort(*self.by, nulls_last=True) if self.by else frame

    def _periods_of(self, group: tuple[Any, ...]) -> list[int]:
        frame = self.frame
        for column, value in zip(self.by, group, strict=True):
            same = nw.col(column)
            frame = frame.filter(same.is_null() if value is None else same == self._literal(value))
        return [
            self.numbers[time]
            for (time,) in rows_of(frame.select(nw.col(self.time)).head(self.most))
        ]

    def _refuse(self, groups: Mapping[tuple[Any, ...], list[int]]) -> None:
        """Refuse groups that hold a period twice or lack one."""
        problems = list(self._problems(groups))
        if problems:
            raise ComputeError(problems)

    def _problems(self, groups: Mapping[tuple[Any, ...], list[int]]) -> Iterator[Diagnostic]:
        for values, numbers in groups.items():
            group = {self.names[by]: value for by, value in zip(self.by, values, strict=True)}
            counts = Counter(numbers)
            doubled = sorted(number for number, count in counts.items() if count > 1)
            if doubled:
                yield doubled_periods(self.name, group, doubled[0], len(doubled), self.grain)
            first, last = min(counts), max(counts)
            count = last - first + 1 - len(counts)
            if count and not self.fill:
                found = sorted(counts)
                missing = [
                    number
                    for before, after in pairwise(found)
                    for number in range(before + 1, min(after, before + 4))
                ]
                yield missing_periods(self.name, group, missing, count, self.grain)

    # --- fill

    def _filled(self, spans: nw.LazyFrame[Any], lacking: int) -> nw.LazyFrame[Any]:
        """Return the frame with a row for each missing period between the first and the last."""
        numbers = self.numbers.values()
        unknown = max(numbers) - min(numbers) + 1 - len(numbers)
        if unknown > _MOST_ADDED:
            message = (
                f"the column '{shown(self.name)}' lacks {unknown:,} periods in all groups, and no "
                f"more than {_MOST_ADDED:,} of them are added to a lazy frame"
            )
            advice = "look for a wrong time, choose a longer grain, or give a frame in memory"
            raise ComputeError([Diagnostic("VAL112", message, fix=advice)])
        times_given = _array(list(self.numbers))
        timeline = make_timeline(self.name, times_given, {}, grain=self.grain, fill=True)
        if lacking > self.most:
            message = (
                f"the column '{shown(self.name)}' lacks {lacking:,} periods, and no more than "
                f"{self.most:,} rows are added"
            )
            advice = "look for a wrong time, choose a longer grain, or raise the limit `rows`"
            raise ComputeError([Diagnostic("VAL112", message, fix=advice)])
        schema = self.frame.collect_schema()
        times = self.frame.select(nw.col(self.time))
        dtype = schema[self.time]
        calendar = nw.concat(
            [self._times_once()]
            + [
                times.head(1).select(self._literal(value).cast(dtype).alias(self.time))
                for value in timeline.added_times
            ]
        )
        time = nw.col(self.time)
        wanted = calendar.join(spans.select(nw.col(*self.by, self.first, self.last)), how="cross")
        wanted = wanted.filter(time >= nw.col(self.first), time <= nw.col(self.last))
        columns = [
            nw.col(name) if name in (self.time, *self.by) else _null(kind).alias(name)
            for name, kind in schema.items()
        ]
        rows = nw.concat(
            [
                self.frame.with_columns(nw.lit(0).alias(self.added)),
                wanted.select(*columns, nw.lit(1).alias(self.added)),
            ]
        )
        # A join would not find the rows of a null dimension.
        least = nw.col(self.added).min().over(*self.by, self.time).alias(self.first)
        rows = rows.with_columns(least).filter(nw.col(self.added) == nw.col(self.first))
        return rows.select(nw.col(*schema.names()))


def _free(name: str, taken: Iterable[str]) -> str:
    """Return a name that no column has."""
    while any(name == other.lower() for other in taken):
        name += "_"
    return name


def _array(values: list[Any]) -> Any:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _null(dtype: Any) -> nw.Expr:
    return nw.lit(None) if dtype == nw.Unknown else nw.lit(None, dtype=dtype)
