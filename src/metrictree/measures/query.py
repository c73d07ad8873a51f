"""What a scan of a source asks for: the rows that count, and how their parts are computed."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from metrictree.measures.checks import checks
from metrictree.measures.grouping import Rolling, grouped, rolls, with_values
from metrictree.measures.parts import Part, parts_of
from metrictree.measures.placing import Placing, period_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from metrictree.measures.parts import Output
    from metrictree.measures.prepare import Preparation
    from metrictree.measures.survey import Extent

__all__ = ["MOST_SMALLER", "PERIOD", "Query"]

PERIOD: Final = "period"
MOST_SMALLER: Final = 20_000
"""Smaller groups that are put together here: more of them take longer than the engine gains."""
_ROWS_EACH: Final = 500
"""Rows that a smaller group has to save the time of: Python takes as long for one group."""
_MOST_BITMAPS: Final = 2**29
"""Bytes of bitmaps."""
_DAYS: Final = {"day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}


class Query:
    """What is asked for by some dimensions, in one query or in two.

    Its main query finds all parts of each group. Those that take a way of their own are found
    apart, where rows are soon read once more: distinct counts of integers, and what cannot be put
    together from smaller groups.
    """

    def __init__(
        self,
        prepared: Preparation,
        extent: Extent | None,
        kept: Sequence[int],
        since: date | None,
        until: date | None,
        *,
        may_roll: bool,
    ) -> None:
        self.prepared = prepared
        self.extent = extent
        timed = prepared.request.grain != "all" or self.may_be_unplaced
        self.keys = [PERIOD] if timed else []
        self.keys += [f"k{position}" for position in kept]
        self.flags = [f"check{at}" for at, _ in enumerate(checks(prepared))]
        near = prepared.table.file is None and prepared.source.query is None  # no long way to rows
        self._whole = self._whole_columns() if near else frozenset()
        self.rolling: Rolling | None = None
        self.apart = self._distinct(prepared.outputs)
        """Measures that the main query does not find."""
        self.parts = self._parts()
        """What it finds of each group, or what is put together from what it finds."""
        if may_roll:
            self._roll(kept, near=near)
        self.rows = self._rows(since, until)

    @property
    def may_be_unplaced(self) -> bool:
        """Whether rows may have no time."""
        return self.extent is not None and self.extent.unplaced

    @property
    def main(self) -> nw.LazyFrame[Any]:
        """A row for each group, or smaller group."""
        if self.rolling is not None:
            return self.rolling.frame(self.rows, self.keys, self.flags)
        return grouped(self.rows, self.keys, self.parts, self.flags)

    def frames_apart(
        self, groups: int | None = None
    ) -> Iterator[tuple[Sequence[Part], nw.LazyFrame[Any]]]:
        """Yield the other queries, and the parts that they find of so many groups.

        Without a number, no row is looked at.
        """
        ranges = {} if groups is None else self._ranges(groups)
        rest = [part for one in self.apart if one not in ranges for part in self._needs(one)]
        if rest:
            rest = list(dict.fromkeys(rest))
            yield rest, grouped(self.rows, self.keys, rest)
        if ranges:
            distinct = self.prepared.table.library.distinct
            assert distinct is not None
            parts = [one.part("distinct") for one in ranges]
            columns = dict(zip((part.values for part in parts), ranges.values(), strict=True))
            native = with_values(self.rows, parts).to_native()
            yield list(dict.fromkeys(parts)), nw.from_native(distinct(native, self.keys, columns))

    @property
    def telling(self) -> list[Part]:
        """The parts that tell whether floats are what they were supposed to be."""
        return [*(part for both in self._counts() for part in both), *self._sums()]

    def is_as_supposed(self, groups: Iterable[Mapping[Part, Any]]) -> bool:
        """Whether floats are what they were supposed to be."""
        counts, sums = list(self._counts()), list(self._sums())
        return all(
            all(group[a] == group[b] for a, b in counts)
            and all(group[one] is not None and math.isfinite(group[one]) for one in sums)
            for group in groups
        )

    # --- parts

    def _needs(self, output: Output) -> list[Part]:
        return parts_of(output, self.prepared.table.library.engine)

    def _parts(self) -> list[Part]:
        """Return the parts that the main query finds."""
        outputs = self.prepared.outputs
        parts = [part for one in outputs if one not in self.apart for part in self._needs(one)]
        if self.may_be_unplaced:  # whether they count
            parts += [Part("rows", "", one.where) for one in outputs]
        return list(dict.fromkeys([*parts, *self.telling])) or [Part("rows")]

    def _counts(self) -> Iterator[tuple[Part, Part]]:
        """Yield the number of values of a column, and of those that are short decimals."""
        for values, fits in self.prepared.unfit.values():
            yield Part("count", values), Part("count", fits)

    def _sums(self) -> Iterator[Part]:
        """Yield sums of floats that were taken as they are."""
        for name, column in self.prepared.lowering.trusted.items():
            if column not in self.prepared.unfit:  # what is not finite fits no decimal
                yield Part("sum", name)

    def _roll(self, kept: Sequence[int], *, near: bool) -> None:
        """Put the parts together from smaller groups, if that saves time."""
        extent, few = self.extent, self.prepared.few if kept else 1
        if extent is None or extent.first is None or extent.last is None or few is None:
            return
        if not self.prepared.trusting:  # sums and deviations might not be finite
            return
        before = self.apart, self.parts
        outputs = self.prepared.outputs
        self.apart = [one for one in outputs if one in self.apart or not rolls(self._needs(one))]
        self.parts = self._parts()
        rolling = Rolling(self.parts)
        days = (extent.last - extent.first).days
        periods = 1 + days // _DAYS.get(self.prepared.request.grain, days + 1)
        smaller = few * periods * 2 ** len(rolling.conditions)  # or 3, if many a cell is empty
        most = min(MOST_SMALLER, extent.rows // _ROWS_EACH)
        if rolling.saves and smaller <= most and (near or not self.apart):
            self.rolling = rolling
        else:
            self.apart, self.parts = before

    # --- distinct counts

    def _whole_columns(self) -> frozenset[str]:
        """Return the columns of integers of which different values are counted in bitmaps."""
        table = self.prepared.table
        if table.library.distinct is None:
            return frozenset()
        return frozenset(
            column.name
            for column in table.columns.values()
            if column.dtype.is_integer() and column.dtype not in (nw.Int128, nw.UInt128, nw.UInt64)
        )

    def _distinct(self, outputs: Iterable[Output]) -> list[Output]:
        """Return the measures that may be counted in bitmaps."""
        return [
            one
            for one in outputs
            if one.aggregate == "count_distinct" and one.column in self._whole
        ]

    def _ranges(self, groups: int) -> dict[Output, tuple[int, int]]:
        """Return the ends of what is counted in bitmaps, as far as there is room for these."""
        counted = self._distinct(self.apart)
        if not counted:
            return {}
        names = list(dict.fromkeys(one.column for one in counted))
        ends = [nw.col(name).min().alias(f"low_{name}") for name in names]
        ends += [nw.col(name).max().alias(f"high_{name}") for name in names]
        (row,) = self.prepared.fetched(self.prepared.table.frame.select(*ends))
        known = dict(zip(names, zip(row, row[len(names) :], strict=False), strict=True))
        found = {}
        room = _MOST_BITMAPS * 8 // (max(groups, 1) * (os.cpu_count() or 1))
        for one in counted:
            low, high = known[one.column]
            if low is not None and high - low < room:
                room -= high - low
                found[one] = low, high
        return found

    # --- rows

    def _rows(self, since: date | None, until: date | None) -> nw.LazyFrame[Any]:
        """Return the rows of a span, with all that is looked at."""
        prepared = self.prepared
        lowering = prepared.lowering
        parts = [*self.parts, *(part for one in self.apart for part in self._needs(one))]
        wanted = [name for part in parts for name in (part.column, *part.where) if name]
        wanted += [*prepared.dimensions, *lowering.finite, *lowering.exact, *lowering.lost]
        if self.extent is not None:
            wanted.append(PERIOD)
        rows = prepared.rows(self._placed(since, until), dict.fromkeys(wanted))
        more = [nw.col(name).alias(f"k{at}") for at, name in enumerate(prepared.dimensions)]
        more += [
            check.found.alias(flag)
            for flag, check in zip(self.flags, checks(prepared), strict=True)
        ]
        return rows.with_columns(*more) if more else rows

    def _placed(self, since: date | None, until: date | None) -> nw.LazyFrame[Any]:
        """Return the rows of a span, with the number of the period of each."""
        table = self.prepared.table
        used = dict.fromkeys(sorted(self.prepared.lowering.used))
        if self.extent is None:
            return table.frame.select(*(used or ["c0"]))
        times = [name for name in (table.moment, table.day) if name is not None]
        frame = table.frame.select(*dict.fromkeys([*used, *times]) or ["c0"])
        if not times:
            return frame.with_columns(nw.lit(None, dtype=nw.Int64).alias(PERIOD))
        placing = Placing(table.moment, table.day, self.extent.clock, table.library.engine)
        for condition in placing.inside(since, until):
            # Rows without a time stay: whether one of them counts is asked afterwards.
            inside = condition | placing.when.is_null() if self.may_be_unplaced else condition
            frame = frame.filter(inside)
        request = self.prepared.request
        number = period_number(placing.when, request.grain, request.calendar)
        return frame.with_columns(number.alias(PERIOD))
