"""Periods of the calendar, each named by its first day.

Imports nothing from the package.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

__all__ = ["GRAINS", "period_of", "periods_between"]

_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
GRAINS: Final = ("day", "week", *_MONTHS, "all")


def period_of(day: date, grain: str) -> date:
    """Return the first day of the period that holds a day; weeks begin on Monday.

    >>> str(period_of(date(2025, 1, 1), "week")), str(period_of(date(2025, 5, 20), "quarter"))
    ('2024-12-30', '2025-04-01')
    """
    if grain == "day":
        return day
    if grain == "week":
        return day - timedelta(days=day.weekday())
    return _month(_number(day) // _MONTHS[grain] * _MONTHS[grain])


def periods_between(first: date, last: date, grain: str) -> list[date]:
    """Return every period from one to another, both included.

    >>> [str(month) for month in periods_between(date(2024, 12, 1), date(2025, 2, 1), "month")]
    ['2024-12-01', '2025-01-01', '2025-02-01']
    """
    if grain in _MONTHS:
        return [_month(at) for at in range(_number(first), _number(last) + 1, _MONTHS[grain])]
    step = 7 if grain == "week" else 1
    return [date.fromordinal(at) for at in range(first.toordinal(), last.toordinal() + 1, step)]


def _number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _month(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)
