"""When the rows of a source happened: looked at before they are placed into periods."""

from __future__ import annotations

from datetime import date, datetime, time as time_of_day, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import narwhals as nw

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.frames.rows import Kind
from metrictree.errors import SourceError
from metrictree.measures.cells import is_day
from metrictree.measures.checks import is_far
from metrictree.measures.placing import midnight
from metrictree.measures.zones import LAST_YEAR, Clock, is_utc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metrictree.measures.prepare import Preparation

__all__ = ["Extent", "check_rows", "outlook", "survey"]

_DAY: Final = timedelta(days=1)


class Extent(NamedTuple):
    """What is known of the times of a source."""

    first: date | None
    """The day of the first row, as its clock shows it; ``None`` if no row has a time."""
    last: date | None
    unplaced: bool
    """Whether a row has no time."""
    clock: Clock | None
    """What moments are read from; ``None`` for UTC."""
    rows: int = 0
    """How many there are; 0 if nobody has counted them."""
    cut: bool = False
    """Whether the last row has a time of its day, so that the day may not be over."""


def survey(prepared: Preparation) -> Extent:
    """Return when the rows of a source happened.

    Raises:
        SourceError: a time is none, or cannot be placed.
    """
    table, request = prepared.table, prepared.request
    columns = [name for name in (table.moment, table.day) if name is not None]
    time = prepared.source.time
    assert time is not None
    column = table.columns[time]
    if not columns:
        check_rows(prepared)
        return Extent(None, None, unplaced=True, clock=None)
    is_text = column.kind is Kind.TEXT
    found = None if is_text or len(columns) > 1 else _told_soon(prepared, columns[0])
    rows, unplaced, ends, far = found or _looked_through(prepared, columns, column.name)
    if far and (request.since is None or request.until is None):
        message = f"the time column '{shown(time)}' holds days outside of the years 1 to 9999"
        _refuse(prepared, message, "leave them empty, or choose days with since and until")
    days: list[date] = []
    clock, high = None, None
    if table.moment is not None and ends[table.moment][0] is not None:
        low, high = ends[table.moment]
        zone = prepared.source.timezone or prepared.tree.spec.timezone
        if zone is not None and not is_utc(zone):
            clock = _clock(prepared, zone, low, high)
            days += _days(prepared, clock, low, high)
        else:
            days += [low.date(), high.date()]
    if table.day is not None and ends[table.day][0] is not None:
        days += ends[table.day]
    if not days and not unplaced:
        check_rows(prepared)
    first, last = min(days, default=None), max(days, default=None)
    cut = False
    if high is not None:
        shown_last = clock.time(high) if clock is not None else high
        cut = shown_last.date() == last and shown_last.time() != time_of_day.min
    return Extent(first, last, unplaced, clock, rows, cut)


_Times = tuple[int, bool, "dict[str, tuple[Any, Any]]", bool]
"""How many rows there are, whether one has no time, the first and the last time of each column that
tells some, and whether there are others that are too far away."""


def _told_soon(prepared: Preparation, name: str) -> _Times | None:
    """Return the times of a column, as many a file tells them without being read.

    ``None`` if some are too far away.
    """
    x = nw.col(name)
    ends = prepared.table.frame.select(
        x.min().alias("low"),
        x.max().alias("high"),
        x.count().alias("count"),
        nw.len().alias("rows"),
    )
    far = _is_far(prepared, "low", name) | _is_far(prepared, "high", name)
    near = (nw.when(~far).then(nw.col(end)).alias(end) for end in ("low", "high"))
    ((low, high, count, rows),) = prepared.fetched(ends.select(*near, "count", "rows"))
    if low is None and count:
        return None
    return rows, count < rows, {name: (low, high)}, False


def _looked_through(prepared: Preparation, columns: Sequence[str], text: str) -> _Times:
    """Return the times of all rows.

    Raises:
        SourceError: a text is no time.
    """
    is_text = prepared.table.columns[prepared.source.time or ""].kind is Kind.TEXT
    wanted = dict.fromkeys([*columns, *([text] if is_text else [])])
    none = nw.all_horizontal(*(nw.col(name).is_null() for name in columns), ignore_nulls=True)
    exprs = [none.alias("none")]
    for name in columns:
        far = _is_far(prepared, name, name)
        near = nw.when(~far).then(nw.col(name))
        exprs += [near.alias(f"near_{name}"), far.alias(f"far_{name}")]
    if is_text:
        exprs.append(nw.when(none).then(nw.col(text)).alias("text"))
    found = [nw.len().alias("rows"), nw.col("none").any()]
    for name in columns:
        found += [
            nw.col(f"near_{name}").min().alias(f"low_{name}"),
            nw.col(f"near_{name}").max().alias(f"high_{name}"),
            nw.col(f"far_{name}").any(),
        ]
    if is_text:
        found.append(nw.col("text").min())
    frame = prepared.table.frame.select(*wanted).select(*exprs).select(*found)
    ((rows, unplaced, *values),) = prepared.fetched(frame)
    if is_text and values[-1] is not None:
        raise SourceError([_no_day(prepared, values[-1])])
    ends: dict[str, tuple[Any, Any]] = {}
    are_far = False
    for place, name in enumerate(columns):
        low, high, some = values[place * 3 : place * 3 + 3]
        ends[name] = low, high
        are_far = are_far or bool(some)
    return rows, bool(unplaced), ends, are_far


def _is_far(prepared: Preparation, values: str, name: str) -> nw.Expr:
    """Whether Python has no such time as the values of a column, of the kind of another one."""
    kind = date if name == prepared.table.day else datetime
    return is_far(nw.col(values), kind, prepared.table.library.engine)


def _days(prepared: Preparation, clock: Clock, low: datetime, high: datetime) -> Sequence[date]:
    """Return the first and the last day that a clock shows at the moments of rows."""
    if not any(abs(at - end) <= _DAY for at, _ in clock.changes for end in (low, high)):
        return clock.time(low).date(), clock.time(high).date()
    # Where a clock is set back over midnight, a later moment may be on the day before.
    assert prepared.table.moment is not None
    moment = nw.col(prepared.table.moment)
    engine = prepared.table.library.engine
    known = (moment >= engine.time(low)) & (moment <= engine.time(high))
    when = clock.shown(nw.when(known).then(moment), engine)
    frame = prepared.table.frame.select(when.min().alias("low"), when.max().alias("high"))
    ((first, last),) = prepared.fetched(frame)
    return first.date(), last.date()


def outlook(prepared: Preparation) -> Extent:
    """Return what is supposed of the times of a source that nobody has looked at, for a plan."""
    zone = prepared.source.timezone or prepared.tree.spec.timezone
    clock = None
    if zone is not None and not is_utc(zone) and prepared.table.moment is not None:
        high = prepared.request.until or date.today()  # noqa: DTZ011 - which day matters little
        low = prepared.request.since or high.replace(month=1, day=1)
        clock = Clock(zone, midnight(low), midnight(max(low, high)))
    return Extent(None, None, unplaced=False, clock=clock)


def check_rows(prepared: Preparation) -> None:
    """Refuse a source without a single row: its zeros would be no facts.

    Raises:
        SourceError: there is no row.
    """
    if not prepared.fetched(prepared.table.frame.select(nw.col("c0").is_null()).head(1)):
        name = prepared.name
        span = prepared.tree.places.span(("sources", name), key=True)
        advice = f"check {prepared.table.origin}: a source has rows, or its load has failed"
        message = f"the source '{shown(name)}' has no rows"
        raise SourceError([Diagnostic("SRC121", message, span, path=f"sources.{name}", fix=advice)])


def _clock(prepared: Preparation, zone: str, low: datetime, high: datetime) -> Clock:
    """Return the clock for all rows: a comparison looks at days outside of the time span too."""
    request = prepared.request
    if request.since is not None:  # the years that nobody knows do not count
        low = max(low, midnight(date.min + _DAY))
    if request.until is not None and request.until.year < LAST_YEAR:
        high = min(high, midnight(date(LAST_YEAR, 12, 31)))
    if high.year > LAST_YEAR or low < midnight(date.min + _DAY):
        _refuse(
            prepared,
            f"the time column holds times of the year {max(high.year, low.year):,}, of which "
            f"nobody knows the clocks of {shown(zone)}",
            f"leave them empty, or choose days up to {LAST_YEAR} with until",
        )
    return Clock(zone, low, high)


def _refuse(prepared: Preparation, message: str, advice: str) -> None:
    at = ("sources", prepared.name, "time")
    span = prepared.tree.places.span(at)
    raise SourceError([Diagnostic("SRC112", message, span, path=".".join(at), fix=advice)])


def _no_day(prepared: Preparation, text: str) -> Diagnostic:
    """Return what is said of a text in the time column, of the first one where it can be."""
    assert prepared.source.time is not None
    cell = prepared.first_cell(prepared.source.time, is_day)
    text, where = (text, "") if cell is None else (cell.text, f" in {cell.place}")
    at = ("sources", prepared.name, "time")
    return Diagnostic(
        "SRC107",
        f"the time column '{shown(prepared.source.time)}' holds texts that are no days: "
        f"'{shown(text)}'{where}",
        prepared.tree.places.span(at),
        path=".".join(at),
        fix="write days as 2026-01-31, and times as 2026-01-31 10:00:00 in UTC or with an offset "
        "such as +02:00",
    )
