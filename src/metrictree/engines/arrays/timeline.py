"""Rows with times and dimensions -> series of periods without gaps, one for each group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.arrays.times import number_values, read_times
from metrictree.errors import ComputeError
from metrictree.periods import find_grain, first_days, period_name, period_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from metrictree.engines.arrays.times import Times

__all__ = ["Timeline", "doubled_periods", "make_timeline", "missing_periods", "read_periods"]

_GROUPS_TOLD: Final = 100
_LONG: Final = 64
"""A group of more periods is added up by itself."""
_PERIODS_TOLD: Final = 3
_ADD: Final = "add rows for them, or let `fill=True` do it"
_AGGREGATE: Final = (
    "aggregate to one row for each period, or name in `by` what tells the rows apart"
)


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """Which row is which period: each group holds every one from its first to its last, once.

    Rows are named by their position; those that `fill` adds come after all that were given.
    """

    grain: str | None
    """``None``: the times are whole numbers, and each is a period."""
    order: NDArray[np.intp]
    """The rows by group, and in each group from the first period to the last."""
    starts: NDArray[np.intp]
    """Where each group begins in ``order``."""
    added_like: NDArray[np.intp]
    """For each row that was added: a row of the same group, to take its dimensions from."""
    added_times: list[Any]
    """The time of each row that was added, as the column holds them: a date, a datetime (with the
    time zone of the column), a whole number or a text."""

    def previous(self, periods: int) -> NDArray[np.intp]:
        """Return the row that is ``periods`` earlier in the group of each row; -1 if there is none.

        >>> make_timeline("year", np.array([2025, 2024, 2026]), {}).previous(1).tolist()
        [1, -1, 0]
        """
        rows = len(self.order)
        found = np.full(rows, -1, np.intp)
        if periods >= rows:
            return found
        lengths = np.diff(self.starts, append=rows)
        begins = np.repeat(self.starts, lengths)
        there = np.arange(periods, rows) - periods >= begins[periods:]
        found[self.order[periods:][there]] = self.order[: rows - periods][there]
        return found

    def until(self, row: int) -> NDArray[np.intp]:
        """Return the rows of the group of a row, from the first period to that of the row.

        >>> make_timeline("year", np.array([2025, 2024, 2026]), {}).until(0).tolist()
        [1, 0]
        """
        at = int(np.flatnonzero(self.order == row)[0])
        start = self.starts[np.searchsorted(self.starts, at, side="right") - 1]
        return self.order[start : at + 1]

    def cumulative(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of all periods so far, in their order; NaN from where one is missing.

        >>> timeline = make_timeline("year", np.array([2025, 2024, 2026]), {})
        >>> timeline.cumulative(np.array([2.0, 1.0, 3.0])).tolist()
        [3.0, 1.0, 6.0]
        """
        sums = values[self.order]
        lengths = np.diff(self.starts, append=len(sums))
        long = lengths > _LONG
        starts, short = self.starts[~long], lengths[~long]
        with np.errstate(over="ignore", invalid="ignore"):
            for start, length in zip(
                self.starts[long].tolist(), lengths[long].tolist(), strict=True
            ):
                series = sums[start : start + length]
                np.cumsum(series, out=series)
            # Of short groups the second period of all of them, then the third.
            for period in range(1, int(short.max(initial=0))):
                at = starts[short > period] + period
                sums[at] += sums[at - 1]
        found = np.empty_like(sums)
        found[self.order] = np.where(np.isfinite(sums), sums + 0.0, np.nan)
        return found


def make_timeline(
    name: str,
    column: Any,
    by: Mapping[str, Any],
    *,
    grain: str | None = None,
    fill: bool = False,
    most: int | None = None,
) -> Timeline:
    """Return the timeline of a column of times and columns of dimensions, all of one length.

    They are NumPy arrays, series of pandas or Polars, or chunked arrays of PyArrow; a dimension
    that is null is a group of its own. With ``fill`` rows are added for the periods that are
    missing between the first and the last of a group, ``most`` at most.

    Raises:
        ComputeError: a time is missing or none, the grain cannot be found, or a group lacks a
            period or holds one twice.
    """
    times = read_times(name, column)
    numbers, grain = read_periods(name, times, grain)
    groups = _Groups(by, len(numbers))
    order = _sorted(groups.numbers, numbers)
    series = _Series(name, grain, groups, order, numbers[order])
    problems = list(series.doubled())
    lacking = int(series.lacking.sum(dtype=np.float64))  # int64 might overflow
    if not fill:
        problems += series.gaps()
    elif most is not None and lacking > most:
        problems.append(_too_many(name, grain, lacking, most))
    if problems:
        raise ComputeError(problems)
    if not lacking:
        return Timeline(grain, order, series.starts, order[:0], [])
    like, added = series.added()
    regular = added if grain is None else _regular_times(times.values, numbers, added, grain)
    groups_of_all = np.concatenate((groups.numbers, groups.numbers[like]))
    order = _sorted(groups_of_all, np.concatenate((numbers, added)))
    starts = _starts(groups_of_all[order])
    return Timeline(grain, order, starts, like, list(map(times.write, regular.tolist())))


def read_periods(
    name: str, times: Times, grain: str | None
) -> tuple[NDArray[np.int64], str | None]:
    """Return the number of the period of each time, and the grain, found if it is not given.

    Raises:
        ComputeError: the grain cannot be found, or is given for whole numbers.
    """
    if times.are_numbers:
        if grain is not None:
            raise ComputeError([_grain_of_numbers(name, grain)])
        return times.values, None
    days = times.values.astype("datetime64[D]")
    grain = grain or times.grain or find_grain(np.unique(days))
    if grain is None:
        raise ComputeError([_unclear_grain(name)])
    return period_numbers(days, grain), grain


# --- groups, and the periods of each


class _Groups:
    """A number for the group of each row."""

    def __init__(self, by: Mapping[str, Any], rows: int) -> None:
        self.numbers = np.zeros(rows, np.int64)
        self.by = {name: number_values(name, _listed(column)) for name, column in by.items()}
        count = 1
        for numbers, distinct in self.by.values():
            if count * len(distinct) > 2**62:
                _, self.numbers = np.unique(self.numbers, return_inverse=True)
                count = rows
            self.numbers = self.numbers * len(distinct) + numbers
            count *= len(distinct)

    def of(self, row: int) -> dict[str, Any]:
        """Return the group of a row: a value for each dimension."""
        return {name: distinct[numbers[row]] for name, (numbers, distinct) in self.by.items()}


def _listed(column: Any) -> Sequence[Any]:
    if isinstance(column, np.ndarray):
        # Times become no integers that way.
        return list(column) if column.dtype.kind in "mM" else column.tolist()
    import narwhals as nw

    values: list[Any] = nw.from_native(column, series_only=True).to_list()
    return values


def _sorted(groups: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the rows by group and period; NumPy sorts 16 bits ten times as fast as 64."""
    keys = [numbers, groups]
    if len(groups):
        least = [key - key.min() for key in keys]
        keys = [key.astype(np.min_scalar_type(int(key.max()))) for key in least]
    return np.lexsort(keys)


def _starts(groups: NDArray[np.int64]) -> NDArray[np.intp]:
    return np.flatnonzero(np.diff(groups, prepend=groups[:1] - 1))


class _Series:
    """The periods of each group in their order, and what is wrong with them."""

    def __init__(
        self,
        name: str,
        grain: str | None,
        groups: _Groups,
        order: NDArray[np.intp],
        numbers: NDArray[np.int64],
    ) -> None:
        self.name, self.grain, self.groups = name, grain, groups
        self.order, self.numbers = order, numbers
        self.starts = _starts(groups.numbers[order])
        self.steps = np.diff(numbers)
        """From each row to the next one; of the last row of a group it is 1."""
        self.steps[self.starts[1:] - 1] = 1
        self.lacking = np.maximum(self.steps - 1, 0)
        """Periods that are missing after each row."""

    def _by_group(self, positions: NDArray[np.intp]) -> tuple[list[NDArray[np.intp]], int]:
        """Return the positions of each of the first groups, and how many groups are left."""
        if not len(positions):
            return [], 0
        group = np.searchsorted(self.starts, positions, side="right")
        cuts = np.flatnonzero(np.diff(group)) + 1
        left = max(len(cuts) + 1 - _GROUPS_TOLD, 0)
        return np.split(positions, cuts[:_GROUPS_TOLD])[:_GROUPS_TOLD], left

    def doubled(self) -> Iterator[Diagnostic]:
        """Yield what is said of periods that stand twice in their group."""
        groups, left = self._by_group(np.flatnonzero(self.steps == 0))
        for found in groups:
            number = int(self.numbers[found[0]])
            same = found[self.numbers[found] == number]
            rows = self.order[[*same, same[-1] + 1]].tolist()
            group = self.groups.of(rows[0])
            periods = len(np.unique(self.numbers[found]))
            yield doubled_periods(self.name, group, number, periods, self.grain, rows=rows)
        if left:
            message = f"the column '{shown(self.name)}' holds periods more than once"
            yield Diagnostic("VAL113", _in_more_groups(message, left), fix=_AGGREGATE)

    def gaps(self) -> Iterator[Diagnostic]:
        """Yield what is said of periods that are missing in their group."""
        groups, left = self._by_group(np.flatnonzero(self.lacking))
        for found in groups:
            missing = [
                int(self.numbers[position]) + nth
                for position in found[:_PERIODS_TOLD].tolist()
                for nth in range(1, min(int(self.lacking[position]), _PERIODS_TOLD) + 1)
            ]
            group = self.groups.of(int(self.order[found[0]]))
            count = int(self.lacking[found].sum())
            yield missing_periods(self.name, group, missing, count, self.grain)
        if left:
            message = f"the column '{shown(self.name)}' lacks periods"
            yield Diagnostic("VAL112", _in_more_groups(message, left), fix=_ADD)

    def added(self) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Return the missing periods, each with a row of its group."""
        counts = self.lacking[self.lacking > 0]
        before = np.repeat(np.flatnonzero(self.lacking), counts)
        nth = np.arange(len(before)) - np.repeat(np.cumsum(counts) - counts, counts)
        return self.order[before], self.numbers[before] + nth + 1


def _regular_times(
    values: NDArray[Any], numbers: NDArray[np.int64], added: NDArray[np.int64], grain: str
) -> NDArray[np.datetime64]:
    """Return a time in each added period, at the place where all others stand in theirs.

    Month ends stay month ends, Sundays Sundays and noon noon; if others stand at different places,
    it is the first of the period.
    """
    days = values.astype("datetime64[D]")
    clock = _common(values - days)
    first = first_days(added, grain)
    regular: NDArray[np.datetime64]
    if grain in ("day", "week"):
        regular = first + _common(days - first_days(numbers, grain))
    else:
        months = days.astype("datetime64[M]")
        month = _common(months - first_days(numbers, grain).astype("datetime64[M]"))
        regular_months: NDArray[np.datetime64] = first.astype("datetime64[M]") + month
        last = (regular_months + 1).astype("datetime64[D]") - 1
        if (days + 1 == (months + 1).astype("datetime64[D]")).all():
            regular = last
        else:
            day = _common(days - months.astype("datetime64[D]"))
            regular = np.minimum(regular_months.astype("datetime64[D]") + day, last)
    regular = regular.astype("datetime64[us]") + clock
    return regular


def _common(spans: NDArray[np.timedelta64]) -> Any:
    """Return the span that all of them are; nothing if they differ."""
    first = spans[0]
    return first if (spans == first).all() else first - first


# --- messages: a group is a value for each dimension, a period its number


def missing_periods(
    name: str, group: Mapping[str, Any], missing: Sequence[int], count: int, grain: str | None
) -> Diagnostic:
    """Return what is said of a group that lacks ``count`` periods, of which ``missing`` come first.

    >>> missing_periods("month", {"country": "DE"}, [671, 672], 5, "month").message
    "the column 'month' lacks 5 months of country 'DE': 2025-12, 2026-01 and 3 more"
    """
    told = [period_name(number, grain) for number in missing[:_PERIODS_TOLD]]
    periods = ", ".join(told) + (f" and {count - len(told):,} more" if count > len(told) else "")
    advice = _ADD
    if grain is not None and grain != "year":
        advice += f"; if a period is longer than a {grain}, name its `grain`"
    of_group = _told(group)
    return Diagnostic(
        "VAL112",
        f"the column '{shown(name)}' lacks {_counted(count, grain)}"
        + (f" of {of_group}" if of_group else "")
        + f": {periods}",
        fix=advice,
    )


def doubled_periods(
    name: str,
    group: Mapping[str, Any],
    first: int,
    count: int,
    grain: str | None,
    *,
    rows: Sequence[int] = (),
) -> Diagnostic:
    """Return what is said of a group in which ``count`` periods stand in several rows.

    ``first`` is one of them, and stands in ``rows``, if rows have an order.

    >>> doubled_periods("month", {"country": None}, 671, 1, "month", rows=[2, 7]).message
    "the column 'month' holds 2025-12 more than once for country null: in the rows 2 and 7"
    """
    of_group = _told(group)
    told = ", ".join(map(str, rows[:_PERIODS_TOLD]))
    if len(rows) > _PERIODS_TOLD:
        told += ", ..."
    elif rows:
        told = " and ".join(told.rsplit(", ", 1))
    more = f", and so {_counted(count - 1, grain, 'other')}" if count > 1 else ""
    return Diagnostic(
        "VAL113",
        f"the column '{shown(name)}' holds {period_name(first, grain)} more than once"
        + (f" for {of_group}" if of_group else "")
        + (f": in the rows {told}" if rows else "")
        + more,
        fix=_AGGREGATE,
    )


def _unclear_grain(name: str) -> Diagnostic:
    return Diagnostic(
        "VAL115",
        f"the times in the column '{shown(name)}' do not tell whether they are days, weeks, "
        "months, quarters or years",
        fix="name the `grain`, and which periods are missing will be told",
    )


def _grain_of_numbers(name: str, grain: str) -> Diagnostic:
    return Diagnostic(
        "VAL115",
        f"the column '{shown(name)}' holds whole numbers, of which each is a period: they have no "
        f"{grain}",
        fix="leave `grain` out, or give dates",
    )


def _too_many(name: str, grain: str | None, count: int, most: int) -> Diagnostic:
    return Diagnostic(
        "VAL112",
        f"the column '{shown(name)}' lacks {_counted(count, grain)}, and no more than {most:,} "
        "rows are added",
        fix="look for a wrong time, choose a longer grain, or raise the limit `rows`",
    )


def _in_more_groups(message: str, left: int) -> str:
    return f"{message} in {left:,} more group" + ("s" if left > 1 else "")


def _told(group: Mapping[str, Any]) -> str:
    return " and ".join(
        f"{shown(name)} " + ("null" if value is None else f"'{shown(value)}'")
        for name, value in group.items()
    )


def _counted(count: int, grain: str | None, which: str = "") -> str:
    words = f"{count:,} {which} {grain or 'period'}".replace("  ", " ")
    return words if count == 1 else words + "s"
