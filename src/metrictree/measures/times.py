"""Texts of days and times -> days, and moments in UTC: one grammar for every library.

What no calendar has never reaches a library, of which each makes something else of 2026-02-30.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any, Final

import narwhals as nw

__all__ = ["day_of", "in_duckdb", "is_day", "moment_of"]

_DAY: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?"
_ZONE: Final = "(?: ?(?:Z|UTC|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?))?"
_TIME: Final = re.compile(f"({_DAY})(?:[ T]{_CLOCK}{_ZONE})?")

_YEAR: Final = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_LEAP: Final = (
    "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29"
)
_REAL: Final = (
    f"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    f"|{_LEAP})"
)
"""The days of the calendar, years 1 to 9999: no library is asked, since each errs differently."""


def is_day(text: str) -> bool:
    """Return whether a text tells a day, or a time.

    >>> is_day("2026-01-31"), is_day("2026-01-31T10:00:00+02:00"), is_day("2026-02-30")
    (True, True, False)
    """
    found = _TIME.fullmatch(text)
    if found is None:
        return False
    try:
        date.fromisoformat(found[1])
    except ValueError:
        return False
    return True


def day_of(text: nw.Expr) -> nw.Expr:
    """Return the days that texts tell; null for those that tell a time, or nothing."""
    fits = (text.str.len_chars() == 10) & text.str.contains(f"^{_REAL}$")
    return nw.when(fits).then(text).str.to_date("%Y-%m-%d")


def moment_of(text: nw.Expr) -> nw.Expr:
    """Return the times that texts tell, in UTC and whole seconds; null for the others.

    A text without a time zone is in UTC already.
    """
    ends = ~text.str.contains("\n", literal=True)  # `$` may stand before the last line's end
    fits = text.str.contains(f"^{_REAL}[ T]{_CLOCK}{_ZONE}$") & ends
    known = nw.when(fits).then(text)
    tail = known.str.slice(16)  # behind the minutes
    second = nw.when(tail.str.starts_with(":")).then(tail.str.slice(1, 2))
    # `+0530`, `+02`: looked for where there is one only, since that takes its time.
    zone = nw.when(tail.str.contains("[+-]")).then(tail).str.replace_all("^[^+-]*|:", "")
    zone_minute = nw.when(zone.str.len_chars() > 3).then(zone.str.slice(3, 2))
    ahead = _number(zone.str.slice(1, 2)) * 3600 + _number(zone_minute) * 60
    clock = _number(known.str.slice(11, 2)) * 3600 + _number(known.str.slice(14, 2)) * 60
    clock = clock + _number(second)
    seconds = nw.when(zone.str.starts_with("-")).then(clock + ahead).otherwise(clock - ahead)
    midnight = known.str.slice(0, 10).str.to_date("%Y-%m-%d").cast(nw.Datetime("us"))
    return midnight + nw.lit(timedelta(seconds=1)) * seconds


def in_duckdb(relation: Any, name: str) -> Any:
    """Return a relation with the columns ``day`` and ``moment`` of the texts of a column.

    The same as ``day_of`` and ``moment_of``, in a third of the time.
    """
    known = f"not starts_with({name}, '0000')"
    day = f"length({name}) = 10 and regexp_full_match({name}, '{_DAY}') and {known}"
    plain = f"regexp_full_match({name}, '{_DAY}[ T]{_CLOCK}') and {known}"
    zoned = f"regexp_full_match({name}, '{_TIME.pattern}') and {known}"
    tail = f"{name}[17:]"  # behind the minutes
    zone = f"replace({tail}[strpos({tail}, '+') + strpos({tail}, '-'):], ':', '')"
    minutes = f"cast({zone}[2:3] as int) * 60 + cast('0' || {zone}[4:5] as int)"
    sign = f"case when {zone}[1:1] = '-' then 1 else -1 end"
    ahead = f"case when regexp_matches({tail}, '[+-]') then {sign} * ({minutes}) else 0 end"
    local = f"case when {tail}[1:1] = ':' then {name}[1:19] else {name}[1:16] end"
    return relation.project(
        f"*, case when {day} then try_cast({name} as date) end as day, "
        f"case when length({name}) <= 10 then null "
        f"when {plain} then try_cast({name}[1:19] as timestamp) "
        f"when {zoned} then try_cast({local} as timestamp) + to_minutes({ahead}) end as moment"
    )


def _number(text: nw.Expr) -> nw.Expr:
    """Return the number that two digits write, 0 for null."""
    return nw.coalesce(text.cast(nw.Int64), nw.lit(0))
