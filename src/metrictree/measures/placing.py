"""Rows -> the periods that they lie in, on every engine the same."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import narwhals as nw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrictree.engines.frames.layers import Engine
    from metrictree.measures.zones import Clock
    from metrictree.periods import Calendar

__all__ = ["Placing", "midnight", "period_number"]

_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


def period_number(when: nw.Expr, grain: str, calendar: Calendar) -> nw.Expr:
    """Return the number of the period of a day or time, as the calendar counts them."""
    year = when.dt.year().cast(nw.Int64)
    if grain == "all":  # rows without a time are told from the rest
        return year * 0
    if grain in _MONTHS:
        month = year * 12 + when.dt.month().cast(nw.Int64) - calendar.year_start
        return month if grain == "month" else month // _MONTHS[grain]
    before = year - 1
    day = before * 365 + before // 4 - before // 100 + before // 400
    day = day + when.dt.ordinal_day().cast(nw.Int64)
    return (day - 1 - calendar.week_start) // 7 if grain == "week" else day


class Placing(NamedTuple):
    """How the rows of a table tell when they happened."""

    moment: str | None
    """The column of moments in UTC, and that of days, as in a `Table`; one of them is there."""
    day: str | None
    clock: Clock | None
    engine: Engine

    @property
    def when(self) -> nw.Expr:
        """The time of a row as its clock shows it: a day, or a day and a time."""
        if self.moment is None:
            assert self.day is not None
            return nw.col(self.day)
        moment = nw.col(self.moment)
        when = self.clock.shown(moment, self.engine) if self.clock else moment
        if self.day is None:
            return when
        return nw.coalesce(nw.col(self.day).cast(nw.Datetime("us")), when)

    def inside(self, since: date | None, until: date | None) -> Iterator[nw.Expr]:
        """Yield what the rows of a span of days fulfil."""
        after = until + timedelta(days=1) if until is not None and until < date.max else None
        when, time = self.when, self.engine.time
        if self.moment is None:
            if since is not None:
                yield when >= time(since)
            if until is not None:
                yield when <= time(until)
            return
        if self.clock and self.day is None:
            # A condition on the column itself lets files be skipped; a clock that was set back over
            # midnight shows a day twice, so the day itself is asked for as well.
            moment, room = nw.col(self.moment), timedelta(days=1)
            if since is not None and since > date.min + 2 * room:
                yield moment >= time(self.clock.moment(since) - room)
            if after is not None and after < date.max - 2 * room:
                yield moment < time(self.clock.moment(after) + room)
        if since is not None:
            yield when >= time(midnight(since))
        if after is not None:
            yield when < time(midnight(after))


def midnight(day: date) -> datetime:
    """Return the time at which a day begins, on the clock that is meant."""
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - of a clock
