"""Periods of the calendar: as first days, and as numbers of which consecutive ones are consecutive.

Imports nothing from the package.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "GRAINS",
    "WEEKDAYS",
    "Calendar",
    "a_year_before",
    "find_grain",
    "first_days",
    "period_name",
    "period_numbers",
]

_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
GRAINS: Final = ("day", "week", *_MONTHS, "all")
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_MONDAY: Final = 3
"""Days from the Monday before it to 1970-01-01, a Thursday."""


# --- first days


class Calendar(NamedTuple):
    """When weeks and years begin; a period is named by its first day.

    >>> str(Calendar().period_of(date(2025, 1, 1), "week"))
    '2024-12-30'
    >>> fiscal = Calendar(year_start=2)
    >>> [str(fiscal.period_of(date(2025, 1, 31), grain)) for grain in ("quarter", "year")]
    ['2024-11-01', '2024-02-01']
    """

    week_start: int = 0
    """The first day of a week: 0 is Monday."""
    year_start: int = 1
    """The month in which years, and with them quarters, begin."""

    def period_number(self, day: date, grain: str) -> int:
        """Return the number of the period that holds a day; consecutive ones are consecutive."""
        if grain in _MONTHS:
            return (_number(day) - self.year_start + 1) // _MONTHS[grain]
        return (day.toordinal() - 1 - self.week_start) // 7 if grain == "week" else day.toordinal()

    def first_day(self, number: int, grain: str) -> date:
        """Return the first day of a period.

        Raises:
            ValueError: it lies outside of the years 1 to 9999.
        """
        if grain in _MONTHS:
            return _month(number * _MONTHS[grain] + self.year_start - 1)
        try:
            return date.fromordinal(number * 7 + 1 + self.week_start if grain == "week" else number)
        except OverflowError:
            raise ValueError(number) from None

    def period_of(self, day: date, grain: str) -> date:
        """Return the first day of the period that holds a day.

        Raises:
            ValueError: it lies before the year 1.
        """
        return self.first_day(self.period_number(day, grain), grain)

    def last_day(self, start: date, grain: str) -> date:
        """Return the last day of the period that begins on a day; 9999-12-31 ends all periods."""
        number = self.period_number(start, grain)
        try:
            return self.first_day(number + 1, grain) - timedelta(days=1)
        except ValueError:
            return date.max

    def periods_between(self, first: date, last: date, grain: str) -> list[date]:
        """Return every period from one to another, both included.

        >>> months = Calendar().periods_between(date(2024, 12, 1), date(2025, 2, 1), "month")
        >>> [str(month) for month in months]
        ['2024-12-01', '2025-01-01', '2025-02-01']
        """
        low, high = self.period_number(first, grain), self.period_number(last, grain)
        return [self.first_day(number, grain) for number in range(low, high + 1)]

    def shifted(self, start: date, grain: str, periods: int) -> date:
        """Return the first day of the period that lies some periods later, or before.

        Raises:
            ValueError: it lies outside of the years 1 to 9999.
        """
        return self.first_day(self.period_number(start, grain) + periods, grain)


def a_year_before(day: date) -> date:
    """Return the same day of the year before; February 28 for a day that only leap years have.

    Raises:
        ValueError: that is before the year 1.
    """
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        if (day.month, day.day) != (2, 29):
            raise
        return day.replace(year=day.year - 1, day=28)


def _number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _month(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)


# --- numbers: whole days, weeks, months, quarters or years since the one that holds 1970-01-01


def period_numbers(days: NDArray[np.datetime64], grain: str) -> NDArray[np.int64]:
    """Return the number of the period that holds each day; none of them is NaT.

    >>> import numpy as np
    >>> days = np.array(["2024-12-30", "2025-01-05", "2025-01-06"], "datetime64[D]")
    >>> period_numbers(days, "week").tolist(), period_numbers(days, "year").tolist()
    ([2870, 2870, 2871], [54, 55, 55])
    """
    if grain in _MONTHS:
        return days.astype("datetime64[M]").astype("int64") // _MONTHS[grain]
    numbers = days.astype("datetime64[D]").astype("int64")
    return (numbers + _MONDAY) // 7 if grain == "week" else numbers


def first_days(numbers: NDArray[np.int64], grain: str) -> NDArray[np.datetime64]:
    """Return the first day of each period.

    >>> import numpy as np
    >>> first_days(np.array([2870, 2871]), "week").astype(str).tolist()
    ['2024-12-30', '2025-01-06']
    """
    if grain in _MONTHS:
        months = (numbers * _MONTHS[grain]).astype("datetime64[M]")
        return months.astype("datetime64[D]")
    step, start = (7, _MONDAY) if grain == "week" else (1, 0)
    return (numbers * step - start).astype("datetime64[D]")


def period_name(number: int, grain: str | None) -> str:
    """Return what a message calls a period; without a grain, periods are whole numbers.

    >>> period_name(670, "month"), period_name(2870, "week"), period_name(7, None)
    ('2025-11', 'the week of 2024-12-30', '7')
    """
    if grain is None:
        return str(number)
    if grain in _MONTHS:
        year, month = divmod(number * _MONTHS[grain], 12)
        month_of = {"month": f"-{month + 1:02}", "quarter": f"-Q{month // 3 + 1}", "year": ""}
        return f"{year + 1970:04}{month_of[grain]}"
    first = date(1970, 1, 1).toordinal() + (number * 7 - _MONDAY if grain == "week" else number)
    day = date.fromordinal(first)
    return f"the week of {day}" if grain == "week" else str(day)


def find_grain(days: NDArray[np.datetime64]) -> str | None:
    """Return the grain of which all days, sorted and distinct, are regular times; ``None`` if none.

    A grain that is found never passes over a plausible hole; if in doubt, none is. Days that follow
    each other are days, and one day alone agrees with any grain. All else takes three days or more:
    weeks lie on one weekday and months on one day (or are month ends), and two of them follow each
    other; quarters and years of the calendar are their first days, or their last, without any hole.

    >>> import numpy as np
    >>> find_grain(np.array(["2025-01-31", "2025-02-28", "2025-05-31"], "datetime64[D]"))
    'month'
    >>> find_grain(np.array(["2025-01-01", "2025-04-01"], "datetime64[D]")) is None
    True
    """
    import numpy as np

    numbers = days.astype("datetime64[D]").astype("int64")
    if len(numbers) < 2 or np.diff(numbers).min() == 1:
        return "day"
    if len(numbers) == 2:
        return None
    steps = np.diff(numbers)
    if steps.min() == 7 and not (steps % 7).any():
        return "week"
    after = (numbers + 1).astype("datetime64[D]")
    for times in (days.astype("datetime64[D]"), after):  # the day after an end is a first one
        months = times.astype("datetime64[M]")
        in_month = (times - months.astype("datetime64[D]")).astype("int64")
        if (in_month != in_month[0]).any():
            continue
        if np.diff(months.astype("int64")).min() == 1:
            return "month"
        for grain in ("quarter", "year"):
            periods = period_numbers(times, grain)
            if (first_days(periods, grain) == times).all() and (np.diff(periods) == 1).all():
                return grain
    return None
