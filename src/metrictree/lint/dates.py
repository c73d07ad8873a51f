"""Days and how far they lie apart; imports nothing from the package."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

__all__ = ["ago", "months_after"]


def ago(day: date, today: date) -> str:
    """Return how long a day is past.

    >>> ago(date(2026, 1, 30), date(2026, 2, 1))
    '2 days ago'
    """
    days = (today - day).days
    return f"{days:,} {'day' if days == 1 else 'days'} ago"


def months_after(day: date, months: int) -> date:
    """Return the same day some months later, or the last one of a shorter month.

    >>> str(months_after(date(2025, 11, 30), 3))
    '2026-02-28'
    """
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    if year > date.max.year:
        return date.max  # later than any day that can be written
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
