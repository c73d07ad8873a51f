"""A column in memory -> its times, or numbers for what groups it; what is no time is refused."""

from __future__ import annotations

import re
from datetime import date, datetime, time, tzinfo
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from metrictree.diagnostics import Diagnostic, shown
from metrictree.errors import ComputeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["Times", "no_time", "null_time", "number_values", "read_times"]

_TEXT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}(-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.([0-9]{3}){1,2})?)?)?)?"
)
_CLOCKS: Final = {16: "minutes", 19: "seconds", 23: "milliseconds", 26: "microseconds"}
"""What the last digits of a text of such a length are."""
_OFFSET: Final = re.compile(r"[+-][0-9]{2}:?[0-9]{2}")
_CALENDAR: Final = (np.datetime64(date.min), np.datetime64(date.max))
_LARGEST: Final = 2**53
"""Of a whole number that is a period: differences of such numbers still fit."""
_PERIODS: Final = {"D": "day", "W": "week", "M": "month", "Q": "quarter", "Y": "year", "A": "year"}
"""The grains of pandas' periods."""


class Times(NamedTuple):
    """The times of a column, in its order."""

    values: NDArray[Any]
    """datetime64, as the clock on the wall shows it; or int64, each number a period by itself."""
    write: Callable[[Any], Any]
    """Makes a value such as the column holds of a datetime, or of the number of a period."""
    grain: str | None = None
    """The grain that the values say themselves: a text such as 2026-01 is a month."""

    @property
    def are_numbers(self) -> bool:
        """Whether the column counts periods itself."""
        return bool(self.values.dtype.kind == "i")


def read_times(name: str, column: Any, *, ordered: bool = True) -> Times:
    """Return the times of a NumPy array, a pandas or Polars series or a PyArrow chunked array.

    Dates, timestamps (their day is that of their own time zone), whole numbers, pandas' periods,
    and texts such as 2026-01-31, 2026-01 or 2026-01-31 12:00:00 are times. Errors name rows if
    those of the column are ``ordered``.

    Raises:
        ComputeError: a time is missing or is none.
    """
    read = _of_array if isinstance(column, np.ndarray) else _of_series
    times = read(name, column, ordered=ordered)
    if times.are_numbers:
        wrong = np.abs(times.values) > _LARGEST
    else:
        days = times.values.astype("datetime64[D]")
        wrong = (days < _CALENDAR[0]) | (days > _CALENDAR[1])
    if wrong.any():
        row = int(wrong.argmax())
        what = "a number past 2**53" if times.are_numbers else f"{times.values[row]}"
        raise ComputeError([no_time(name, row if ordered else None, what)])
    if times.are_numbers and len(times.values) and (written := _as_written(times.values)):
        raise ComputeError([_calendar_in_numbers(name, int(times.values[0]), *written)])
    return times


def _as_written(numbers: NDArray[np.int64]) -> tuple[str, str] | None:
    """Return what numbers such as 202601 or 20260131 are instead of periods, and as a text."""
    for what, months, days in (("a month", numbers, 1), ("a day", numbers // 100, numbers % 100)):
        years, month = np.divmod(months, 100)
        in_calendar = (years >= 1900) & (years < 3000) & (month >= 1) & (month <= 12)
        if (in_calendar & (days >= 1) & (days <= 31)).all():
            text = f"{years[0]}-{month[0]:02}"
            return what, text if what == "a month" else f"{text}-{numbers[0] % 100:02}"
    return None


def _of_array(name: str, column: NDArray[Any], *, ordered: bool) -> Times:
    if column.dtype.kind == "M":
        _refuse_null(name, np.isnat(column))
        unit, count = np.datetime_data(column.dtype)
        write = datetime.date if unit in ("Y", "M", "W", "D") else _as_it_is
        return Times(column, write, {"M": "month", "Y": "year"}.get(unit) if count == 1 else None)
    if column.dtype.kind in "iu":
        return _counted(column)
    return _one_by_one(name, column.tolist(), ordered=ordered)


def _of_series(name: str, column: Any, *, ordered: bool) -> Times:
    import narwhals as nw

    series: Any = nw.from_native(column, series_only=True)
    dtype = series.dtype
    zone = getattr(dtype, "time_zone", None)
    # PyArrow before 22 knows no zone that is an offset.
    if not (dtype.is_integer() or dtype in (nw.Date, nw.Datetime)) or _OFFSET.search(zone or ""):
        times = _one_by_one(name, series.to_list(), ordered=ordered)
        if dtype in (nw.Categorical, nw.Enum):
            return times._replace(write=_no_category(name))
        return times
    _refuse_null(name, series.is_null().to_numpy())
    if dtype.is_integer():
        return _counted(series.to_numpy())
    write: Callable[[Any], Any] = datetime.date if dtype == nw.Date else _as_it_is
    if zone is not None:
        series = series.dt.replace_time_zone(None)
        write = _in_zone(ZoneInfo(zone))
    return Times(series.cast(nw.Datetime("us")).to_numpy(), write)


def _counted(column: NDArray[Any]) -> Times:
    return Times(np.clip(column, -_LARGEST - 1, _LARGEST + 1).astype("int64"), int)


def _as_it_is(value: Any) -> Any:
    return value


def _in_zone(zone: tzinfo | None) -> Callable[[datetime], datetime]:
    return lambda wall: wall.replace(tzinfo=zone)


def _no_category(name: str) -> Callable[[Any], Any]:
    def refuse(_: Any) -> Any:
        message = f"the column '{shown(name)}' holds categories, which take no other times"
        raise ComputeError([Diagnostic("VAL114", message, fix="convert it to texts or dates")])

    return refuse


# --- values of any kind: each is read once, however often it stands there


def _one_by_one(name: str, values: list[Any], *, ordered: bool) -> Times:
    codes, distinct = number_values(name, values)
    if None in distinct:
        _refuse_null(name, codes == distinct.index(None))
    read: list[_Read] = []
    for code, value in enumerate(distinct):
        one = _read(value)
        row = int((codes == code).argmax()) if ordered else None
        if one is None:
            text = isinstance(value, str)
            what = f"the text '{shown(value)}'" if text else f"a {shown(type(value).__name__)}"
            raise ComputeError([no_time(name, row, what)])
        if read and one.kind != read[0].kind:
            raise ComputeError([_of_two_kinds(name, row, value, distinct[0])])
        read.append(one)
    if not read:
        return Times(np.empty(0, "datetime64[us]"), _as_it_is)
    first = read[0]
    dtype = "int64" if first.kind == "number" else "datetime64[us]"
    return Times(np.array([one.time for one in read], dtype)[codes], first.write, first.grain)


class _Read(NamedTuple):
    kind: str
    """The same for all times of a column; of texts, the way they are written."""
    time: datetime | int
    write: Callable[[Any], Any]
    grain: str | None = None


def _read(value: Any) -> _Read | None:
    """Return what one value says; ``None`` if it is no time."""
    if isinstance(value, str):
        return _read_text(value)
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return _Read("number", max(min(int(value), _LARGEST + 1), -_LARGEST - 1), int)
    if isinstance(value, datetime):
        return _Read("timestamp", value.replace(tzinfo=None), _in_zone(value.tzinfo))
    if isinstance(value, date):
        return _Read("date", datetime.combine(value, time.min), datetime.date)
    if hasattr(value, "to_timestamp") and hasattr(value, "freq"):  # a period of pandas
        kind, freq = type(value), value.freq
        grain = _PERIODS.get(value.freqstr.split("-")[0])
        first = value.to_timestamp().to_pydatetime()
        return _Read(f"{freq}", first, lambda wall: kind(wall, freq), grain)
    return None


def _read_text(text: str) -> _Read | None:
    if not _TEXT.fullmatch(text):
        return None
    month = len(text) == 7
    try:
        time = datetime.fromisoformat(f"{text}-01" if month else text)
    except ValueError:
        return None
    if month:
        return _Read("month", time, lambda wall: wall.date().isoformat()[:7], "month")
    if len(text) == 10:
        return _Read("day", time, lambda wall: wall.date().isoformat())
    sep, clock = text[10], _CLOCKS[len(text)]
    return _Read(sep + clock, time, lambda wall: wall.isoformat(sep, clock))


class _Numbering(dict[Any, int]):
    def __missing__(self, key: Any) -> int:
        self[key] = number = len(self)
        return number


def number_values(name: str, values: Sequence[Any]) -> tuple[NDArray[np.int64], list[Any]]:
    """Return a number for each value, and the value of each number; null and NaN are ``None``.

    Raises:
        ComputeError: a value can be in no group, such as a list.

    >>> numbers, distinct = number_values("country", ["DE", None, "FR", float("nan"), "DE"])
    >>> numbers.tolist(), distinct
    ([0, 1, 2, 1, 0], ['DE', None, 'FR'])
    """
    numbering = _Numbering()
    try:
        numbers = np.fromiter(map(numbering.__getitem__, values), np.int64, len(values))
    except TypeError:
        message = f"the column '{shown(name)}' holds values that cannot be compared, such as lists"
        raise ComputeError([Diagnostic("VAL114", message, fix="choose another column")]) from None
    distinct = [None if _is_null(value) else value for value in numbering]
    if distinct.count(None) > 1:  # each NaN is another one
        again = _Numbering()
        merged = np.array([again[value] for value in distinct])
        return merged[numbers], list(again)
    return numbers, distinct


def _is_null(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.generic)) and bool(value != value)  # noqa: PLR0124 - NaN


def _refuse_null(name: str, null: NDArray[np.bool_]) -> None:
    if null.any():
        raise ComputeError([null_time(name, int(null.argmax()), int(null.sum()))])


# --- messages


def null_time(name: str, row: int | None, count: int) -> Diagnostic:
    """Return what is said of rows without a time; ``row`` is the first, if rows have an order."""
    rows = "1 row" if count == 1 else f"{count:,} rows"
    where = "" if row is None else f", first in row {row}"
    return Diagnostic(
        "VAL114",
        f"the column '{shown(name)}' has no time in {rows}{where}",
        fix="leave those rows out, or give them a time",
    )


def no_time(name: str, row: int | None, what: str) -> Diagnostic:
    """Return what is said of a column of times that holds something else."""
    where = "" if row is None else f" in row {row}"
    return Diagnostic(
        "VAL114",
        f"the column '{shown(name)}' holds {what}{where}, which is no time",
        fix="give dates, timestamps, texts such as 2026-01-31 or 2026-01 (of a week, quarter or "
        "year its first day), or whole numbers that count periods",
    )


def _of_two_kinds(name: str, row: int | None, value: Any, first: Any) -> Diagnostic:
    where = ("", "") if row is None else (" in row 0", f" in row {row}")
    return Diagnostic(
        "VAL114",
        f"the column '{shown(name)}' holds times of two kinds: '{shown(first)}'{where[0]} and "
        f"'{shown(value)}'{where[1]}",
        fix="write all of them in one way",
    )


def _calendar_in_numbers(name: str, number: int, what: str, text: str) -> Diagnostic:
    return Diagnostic(
        "VAL114",
        f"the column '{shown(name)}' holds whole numbers such as {number}, which do not count "
        f"periods, but seem to write {what} each",
        fix=f"convert them to dates, or to texts such as {text}",
    )
