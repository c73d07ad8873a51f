"""The periods of a run, the days of each that count, and what they are compared with."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from metrictree.diagnostics import Diagnostic, shown
from metrictree.errors import SourceError
from metrictree.measures.request import usage
from metrictree.measures.result import Period
from metrictree.names import Suggester, did_you_mean
from metrictree.periods import a_year_before

if TYPE_CHECKING:
    from metrictree.measures.request import Request

__all__ = ["Against", "Comparison", "periods_of", "too_early"]

_DAY: Final = timedelta(days=1)
_WEEKS: Final = 52
"""Weeks in a year of comparison, which begins on the same day of the week."""
_KINDS: Final = ("previous", "year_ago")
_WRITTEN: Final[dict[str, re.Pattern[str]]] = {
    "year": re.compile("([0-9]{4})"),
    "quarter": re.compile("([0-9]{4})-[Qq]([1-4])"),
    "month": re.compile("([0-9]{4})-([0-9]{2})"),
    "week": re.compile("([0-9]{4})-([0-9]{2})-([0-9]{2})"),
    "day": re.compile("([0-9]{4})-([0-9]{2})-([0-9]{2})"),
}
_EXAMPLES: Final = {
    "year": "1997",
    "quarter": "1997-Q2",
    "month": "1997-04",
    "week": "1997-04-07",
    "day": "1997-04-07",
}


def periods_of(
    request: Request, first: date | None, end: date | None, *, over: bool = True
) -> tuple[Period, ...]:
    """Return every period of a run, oldest first; all time is one if it has a first and a last day.

    ``first`` is the day of the first row, and ``end`` the last day that counts, which may not be
    ``over``.
    """
    since, until, calendar = request.since, request.until, request.calendar
    if request.grain == "all":
        if since is None or until is None:
            return ()
        last_day = min(until, end or until)
        return (Period(since, since, last_day, complete=last_day == until),)
    begin, stop = since or first, until or end
    if begin is None or stop is None:
        return ()
    try:
        starts = calendar.periods_between(begin, stop, request.grain)
    except ValueError:
        raise too_early() from None
    found = []
    for start in starts:
        close = calendar.last_day(start, request.grain)
        first_day = max(start, since or start)
        last_day = min(close, until or close, end or close)
        complete = first_day == start and last_day == close
        if request.grain == "day" and start == end and not over:
            complete = False
        found.append(Period(start, first_day, last_day, complete=complete))
    return tuple(found)


def too_early() -> SourceError:
    """Return the error of a period that begins before the calendar does."""
    message = "the first period would begin before the year 1"
    advice = "leave such times empty, or choose a later first day with since"
    return SourceError([Diagnostic("SRC112", message, fix=advice)])


class Against(NamedTuple):
    """What a period is compared with: another one, or some days of it."""

    start: date
    first: date
    last: date
    cut: bool
    """Whether only as many days of it count as of the period that is compared."""
    lacks: bool = False
    """Whether the data has not all days of it, although none was to be left out."""

    @property
    def view(self) -> tuple[date, date] | None:
        """By what its view is found: one for all whole periods, and one for each that is cut."""
        return (self.first, self.last) if self.cut else None


class Comparison:
    """How periods are compared."""

    def __init__(self, request: Request, kind: str, period: date | None, *, like: bool) -> None:
        self.request = request
        self.kind = kind
        self.period = period
        """The first day of the period with which all are compared, if it is always the same."""
        self.like = like
        """Whether a period that is not complete is compared with as many days."""

    @classmethod
    def of(cls, compare: str | None, request: Request, *, like_for_like: bool) -> Comparison | None:
        """Return how periods are compared; ``None`` if they are not.

        Raises:
            UsageError: there is no such comparison.
        """
        if compare is None:
            return None
        if request.grain == "all" and (request.since is None or request.until is None):
            raise usage(
                "all time has nothing to be compared with",
                "choose a grain, or name the days with since and until",
            )
        period = None
        if compare not in _KINDS:
            period = _period(compare, request)
        return cls(request, compare, period, like=like_for_like)

    def against(self, period: Period, first: date | None, end: date | None) -> Against | None:
        """Return what a period is compared with; ``None`` if that lies before the first row."""
        calendar, grain = self.request.calendar, self.request.grain
        if period.days == 0:
            return None
        try:
            start, close = self._bounds(period)
        except (ValueError, OverflowError):
            return None
        if first is None or close < first:
            return None
        if grain != "all":
            earliest = calendar.period_number(first, grain)
            if calendar.period_number(start, grain) < earliest:
                return None
        skipped = period.first - period.start
        if period.complete or not self.like:
            last = close if end is None else min(close, end)
            lacks = start < first or last < close
            return Against(start, start, last, cut=False, lacks=lacks) if start <= last else None
        begin = min(start + skipped, close)
        last = min(begin + timedelta(days=period.days - 1), close, end or close)
        return Against(start, begin, last, cut=True) if begin <= last else None

    def _bounds(self, period: Period) -> tuple[date, date]:
        """Return the first and the last day of the period that another one is compared with."""
        calendar, grain = self.request.calendar, self.request.grain
        if grain == "all":
            assert self.request.until is not None
            length = self.request.until - period.start
            if self.kind == "previous":
                return period.start - length - _DAY, period.start - _DAY
            return a_year_before(period.start), a_year_before(self.request.until)
        if self.period is not None:
            start = self.period
        elif self.kind == "previous":
            start = calendar.shifted(period.start, grain, -1)
        elif grain == "day":
            start = a_year_before(period.start)
        else:
            in_year = {"week": _WEEKS, "month": 12, "quarter": 4, "year": 1}
            start = calendar.shifted(period.start, grain, -in_year[grain])
        return start, calendar.last_day(start, grain)


def _period(text: str, request: Request) -> date:
    """Return the first day of the period that a text names."""
    grain = request.grain
    found = _WRITTEN[grain].fullmatch(text) if grain in _WRITTEN and isinstance(text, str) else None
    if found is None:
        example = f" or a {grain} such as {_EXAMPLES[grain]}" if grain in _EXAMPLES else ""
        near = did_you_mean(Suggester(_KINDS).near(str(text)))
        advice = near or f"give previous, year_ago{example}"
        what = "all time" if grain == "all" else f"a {grain}"
        raise usage(f"'{shown(str(text))}' is nothing to compare {what} with", advice)
    numbers = [int(part) for part in found.groups()]
    try:
        if grain in ("week", "day"):
            return request.calendar.period_of(date(*numbers), grain)
        # Years of a calendar of their own are named by the year in which they begin.
        year, part = numbers[0], numbers[1] if len(numbers) > 1 else 1
        if grain == "month":
            return date(year, part, 1)
        start = date(year, request.calendar.year_start, 1)
        return request.calendar.shifted(start, "quarter", part - 1)
    except ValueError:
        raise usage(f"'{shown(text)}' is no {grain} of the calendar", "correct it") from None
