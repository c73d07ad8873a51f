"""Periods, series and functions over time mean the same however the data is given."""

from __future__ import annotations

import itertools
import math
import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from metrictree import ComputeError, MetricTree
from metrictree.engines.arrays.timeline import Timeline, make_timeline
from metrictree.engines.arrays.times import read_times
from metrictree.formula.meaning import Rule
from metrictree.periods import (
    GRAINS,
    Calendar,
    find_grain,
    first_days,
    period_name,
    period_numbers,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from metrictree.engines.series import SeriesValues

CALENDAR = GRAINS[:-1]
Rows = list[tuple[str | None, int]]


def days(*texts: str) -> Any:
    return np.array(texts, "datetime64[D]")


def refused(call: Callable[[], Any]) -> list[tuple[str, str]]:
    with pytest.raises(ComputeError) as caught:
        call()
    return [(found.code, found.message) for found in caught.value.diagnostics]


# --- numbers of periods


@pytest.mark.parametrize("grain", CALENDAR)
@given(day=st.dates())
def test_the_number_of_a_period_leads_back_to_its_first_day(grain: str, day: date) -> None:
    number = period_numbers(np.array([day], "datetime64[D]"), grain)
    assert first_days(number, grain).tolist() == [Calendar().period_of(day, grain)]


@pytest.mark.parametrize("grain", CALENDAR)
@given(day=st.dates(date(2, 1, 1), date(9990, 1, 1)), count=st.integers(1, 30))
def test_consecutive_periods_have_consecutive_numbers(grain: str, day: date, count: int) -> None:
    calendar = Calendar()
    first = calendar.period_of(day, grain)
    span = {"day": 1, "week": 7, "month": 28, "quarter": 90, "year": 365}[grain] * count
    last = calendar.period_of(day + timedelta(span), grain)
    periods = calendar.periods_between(first, last, grain)
    numbers = period_numbers(np.array(periods, "datetime64[D]"), grain)
    assert (np.diff(numbers) == 1).all()


@given(day=st.dates(date(1, 1, 8)))
def test_a_week_is_that_of_iso_8601(day: date) -> None:
    """The years of ISO weeks begin and end elsewhere than those of the calendar."""
    same = [day + timedelta(step) for step in range(-7, 8) if step < (date.max - day).days]
    numbers = period_numbers(np.array(same, "datetime64[D]"), "week").tolist()
    weeks = [other.isocalendar()[:2] for other in same]
    for (a, week_a), (b, week_b) in itertools.pairwise(zip(numbers, weeks, strict=True)):
        assert (a == b) == (week_a == week_b)


@pytest.mark.parametrize(
    ("day", "grain", "name"),
    [
        ("2024-02-29", "day", "2024-02-29"),
        ("2021-01-03", "week", "the week of 2020-12-28"),
        ("2024-12-31", "month", "2024-12"),
        ("2024-12-31", "quarter", "2024-Q4"),
        ("1969-12-31", "quarter", "1969-Q4"),
        ("0001-01-01", "week", "the week of 0001-01-01"),
        ("0987-06-05", "year", "0987"),
    ],
)
def test_a_period_has_a_name(day: str, grain: str, name: str) -> None:
    assert period_name(int(period_numbers(days(day), grain)[0]), grain) == name


FOUND = [
    ("every day", ["2024-02-28", "2024-02-29", "2024-03-01"], "day"),
    ("working days", ["2025-01-03", "2025-01-06", "2025-01-07"], "day"),
    ("Sundays, one left out", ["2025-01-05", "2025-01-12", "2025-01-26"], "week"),
    ("year ends", ["2022-12-31", "2023-12-31", "2024-12-31"], "year"),
    ("years", ["2022-01-01", "2023-01-01", "2024-01-01"], "year"),
    ("first days, a leap February", ["2024-01-01", "2024-02-01", "2024-03-01"], "month"),
    ("the 15th, June left out", ["2025-04-15", "2025-05-15", "2025-07-15"], "month"),
    ("month ends", ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"], "month"),
    ("quarters", ["2024-10-01", "2025-01-01", "2025-04-01"], "quarter"),
    ("quarter ends", ["2024-09-30", "2024-12-31", "2025-03-31"], "quarter"),
    ("one time", ["2025-07-04"], "day"),
    ("no time", [], "day"),
    ("two days, a week apart", ["2025-01-06", "2025-01-13"], None),
    ("two first days of months", ["2025-02-01", "2025-03-01"], None),
    ("two first days of quarters", ["2026-01-01", "2026-04-01"], None),
    ("two first days of years", ["2025-01-01", "2026-01-01"], None),
    ("quarters with a hole", ["2024-10-01", "2025-01-01", "2025-04-01", "2025-10-01"], None),
    ("years with a hole", ["2021-12-31", "2022-12-31", "2024-12-31"], None),
    ("every third month, not of the calendar", ["2024-11-01", "2025-02-01", "2025-05-01"], None),
    ("every third 15th", ["2024-10-15", "2025-01-15", "2025-04-15"], None),
    ("years from July", ["2023-07-01", "2024-07-01", "2025-07-01"], None),
    ("leap month ends a year apart", ["2023-02-28", "2024-02-29", "2025-02-28"], None),
    ("every other day", ["2025-01-01", "2025-01-03", "2025-01-05"], None),
    ("every fortnight", ["2025-01-06", "2025-01-20", "2025-02-03"], None),
    ("weeks that move", ["2025-01-06", "2025-01-13", "2025-01-21"], None),
    ("every other month", ["2025-01-01", "2025-03-01", "2025-05-01"], None),
    ("quarters that move", ["2025-01-01", "2025-04-01", "2025-08-01"], None),
    ("half years", ["2025-01-01", "2025-07-01"], None),
    ("every other year", ["2021-01-01", "2023-01-01"], None),
    ("days of a month that differ", ["2025-01-30", "2025-02-28", "2025-03-30"], None),
]


@pytest.mark.parametrize(("texts", "grain"), [row[1:] for row in FOUND], ids=[r[0] for r in FOUND])
def test_a_grain_is_found_where_all_times_agree(texts: list[str], grain: str | None) -> None:
    assert find_grain(days(*texts)) == grain


@pytest.mark.parametrize("grain", CALENDAR)
@given(data=st.data())
def test_the_grain_of_regular_times_is_found(grain: str, data: st.DataObject) -> None:
    first = data.draw(st.dates(date(1900, 1, 1), date(2100, 1, 1)))
    count = data.draw(st.integers(3, 40))
    start = int(period_numbers(np.array([first], "datetime64[D]"), grain)[0])
    times = first_days(np.arange(start, start + count), grain)
    assert find_grain(times) == grain
    assert find_grain(first_days(np.arange(start, start + count) + 1, grain) - 1) == grain  # ends


# --- timelines


@st.composite
def gapless(draw: st.DrawFn) -> Rows:
    """Rows of groups and months without gaps, in any order."""
    groups = draw(st.lists(st.sampled_from(["DE", "FR", None]), unique=True, max_size=3))
    rows = [
        (group, first + step)
        for group in groups
        for first in [draw(st.integers(-30, 30))]
        for step in range(draw(st.integers(1, 8)))
    ]
    return draw(st.permutations(rows))


def timeline_of(rows: Rows, **options: Any) -> Timeline:
    months = first_days(np.array([month for _, month in rows], np.int64), "month")
    country = np.array([group for group, _ in rows], object)
    return make_timeline("month", months, {"country": country}, grain="month", **options)


@given(rows=gapless(), periods=st.integers(1, 10))
def test_the_previous_row_is_that_of_the_period_before_in_the_group(
    rows: Rows, periods: int
) -> None:
    place = {row: position for position, row in enumerate(rows)}
    expected = [place.get((group, month - periods), -1) for group, month in rows]
    assert timeline_of(rows).previous(periods).tolist() == expected


@given(rows=gapless(), data=st.data())
def test_cumulative_sums_run_from_the_first_period_of_the_group(
    rows: Rows, data: st.DataObject
) -> None:
    numbers = st.floats(-1e9, 1e9) | st.just(math.nan) | st.just(1.7e308)
    values = data.draw(st.lists(numbers, min_size=len(rows), max_size=len(rows)))
    found = timeline_of(rows).cumulative(np.array(values, np.float64))
    of = dict(zip(rows, values, strict=True))
    for (group, month), sum_found in zip(rows, found.tolist(), strict=True):
        months = sorted(other for same, other in rows if same == group and other <= month)
        expected = 0.0
        for other in months:
            expected = expected + of[group, other] if math.isfinite(expected) else math.nan
        if math.isfinite(expected):
            assert sum_found == expected
        else:
            assert math.isnan(sum_found)


@given(rows=gapless(), data=st.data())
def test_every_gap_is_told_or_filled(rows: Rows, data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.sampled_from(rows), unique=True)) if rows else []
    ends: dict[str | None, list[int]] = {}
    for group, month in kept:
        ends.setdefault(group, []).append(month)
    missing = {
        (group, month)
        for group, months in ends.items()
        for month in range(min(months), max(months))
        if (group, month) not in kept
    }
    filled = timeline_of(kept, fill=True)
    added = [
        (kept[like][0], (time.year - 1970) * 12 + time.month - 1)
        for like, time in zip(filled.added_like.tolist(), filled.added_times, strict=True)
    ]
    assert sorted(map(repr, added)) == sorted(map(repr, missing))
    everything = [*kept, *added]
    place = {row: position for position, row in enumerate(everything)}
    expected = [place.get((group, month - 1), -1) for group, month in everything]
    assert filled.previous(1).tolist() == expected
    if missing:
        told = refused(lambda: timeline_of(kept))
        assert {code for code, _ in told} == {"VAL112"}
        assert len(told) == len({group for group, _ in missing})
        for group, month in sorted(missing, key=repr):
            (text,) = [text for _, text in told if f"country {_quoted(group)}:" in text]
            months = sorted(other for same, other in missing if same == group)
            assert (period_name(month, "month") in text) == (month in months[:3])
    else:
        timeline_of(kept)


def _quoted(group: str | None) -> str:
    return "null" if group is None else f"'{group}'"


def test_a_gap_names_the_group_and_the_first_periods() -> None:
    def call() -> Any:
        months = days("2025-01-01", "2025-07-01", "2025-02-01", "2025-03-01", "2025-03-01")
        by = {"country": np.array(["DE", "DE", None, None, "DE"], object)}
        return make_timeline("at", months, by, grain="month")

    assert refused(call) == [
        (
            "VAL112",
            "the column 'at' lacks 4 months of country 'DE': 2025-02, 2025-04, 2025-05 and 1 more",
        )
    ]


def test_a_doubled_period_names_the_group_and_the_rows() -> None:
    def call() -> Any:
        by = {
            "country": np.array(["DE", "DE", None, "DE", None]),
            "plan": np.array([1, 1, 1, 1, 1]),
        }
        times = days("2025-01-01", "2025-01-31", "2025-01-01", "2025-02-01", "2025-02-15")
        return make_timeline("at", times, by, grain="month")

    ((code, message),) = refused(call)
    assert code == "VAL113"
    assert message == (
        "the column 'at' holds 2025-01 more than once for country 'DE' and plan '1': in the rows "
        "0 and 1"
    )


def test_of_many_doubled_periods_the_first_is_told_and_the_others_are_counted() -> None:
    years = np.array([2025, 2024, 2025, 2024, 2024, 2024, 2026, 2026])
    ((code, message),) = refused(lambda: make_timeline("at", years, {}))
    assert code == "VAL113"
    assert message == (
        "the column 'at' holds 2024 more than once: in the rows 1, 3, 4, ..., and so 2 other "
        "periods"
    )


def test_gaps_and_doubled_periods_are_told_at_once() -> None:
    years = np.array([2020, 2022, 2022])
    assert [code for code, _ in refused(lambda: make_timeline("year", years, {}))] == [
        "VAL113",
        "VAL112",
    ]


def test_of_very_many_groups_with_gaps_the_first_are_told_and_the_others_are_counted() -> None:
    shops, years = np.repeat(np.arange(150), 2), np.tile([2020, 2022], 150)
    told = refused(lambda: make_timeline("year", years, {"shop": shops}))
    assert len(told) == 101
    assert told[-1][1] == "the column 'year' lacks periods in 50 more groups"
    doubled = refused(lambda: make_timeline("year", np.repeat(years[::2], 2), {"shop": shops}))
    assert doubled[-1][1] == "the column 'year' holds periods more than once in 50 more groups"


def test_groups_begin_and_end_when_they_like() -> None:
    years, shops = np.array([2020, 2021, 2025, 2026]), np.array(["a", "a", "b", "b"])
    assert make_timeline("year", years, {"shop": shops}).previous(1).tolist() == [-1, 0, -1, 2]


def test_all_that_is_null_is_one_group() -> None:
    shops = np.array([None, math.nan, "a", float("nan")], object)
    timeline = make_timeline("year", np.array([1, 2, 3, 3]), {"shop": shops})
    assert timeline.previous(1).tolist() == [-1, 0, -1, 1]


def test_very_many_dimensions_do_not_run_into_each_other() -> None:
    by = {f"d{at}": np.arange(1000) for at in range(9)}  # 10**27 groups are possible
    timeline = make_timeline("year", np.zeros(1000, np.int64), by)
    assert len(timeline.starts) == 1000


@pytest.mark.parametrize("rows", [0, 1])
def test_a_single_period_or_none_has_no_previous_one(rows: int) -> None:
    timeline = make_timeline("day", days(*["2025-01-01"] * rows), {"a": np.zeros(rows)})
    assert timeline.previous(1).tolist() == [-1] * rows
    assert timeline.cumulative(np.ones(rows)).tolist() == [1.0] * rows


def test_more_periods_than_may_be_added_are_refused() -> None:
    def call() -> Any:
        return make_timeline("at", np.array([1, 2**50]), {}, fill=True, most=1000)

    ((code, message),) = refused(call)
    assert code == "VAL112"
    assert message.endswith("and no more than 1,000 rows are added")


def test_a_grain_that_cannot_be_found_is_asked_for() -> None:
    times = days("2025-01-01", "2025-01-03")
    ((code, message),) = refused(lambda: make_timeline("at", times, {}))
    assert code == "VAL115"
    assert message.endswith("do not tell whether they are days, weeks, months, quarters or years")


def test_whole_numbers_have_no_grain() -> None:
    numbers = np.array([2501, 2502])
    ((code, _),) = refused(lambda: make_timeline("at", numbers, {}, grain="month"))
    assert code == "VAL115"


OF_THEMSELVES = [
    ("month", ["2026-01", "2026-04"], "2026-02, 2026-03"),
    ("month", ["2025-01", "2025-02", "2025-04"], "2025-03"),
    ("month", np.array(["2026-01", "2026-04"], "datetime64[M]"), "2026-02, 2026-03"),
    ("year", np.array(["2020", "2022"], "datetime64[Y]"), "2021"),
]


@pytest.mark.parametrize(("grain", "times", "missing"), OF_THEMSELVES)
def test_times_that_say_their_grain_keep_it_over_a_gap(
    grain: str, times: Any, missing: str
) -> None:
    column = arrays(times) if isinstance(times, list) else times
    count = missing.count(",") + 1
    lacks = f"lacks {count} {grain}{'s' if count > 1 else ''}: {missing}"
    assert refused(lambda: make_timeline("at", column, {})) == [
        ("VAL112", f"the column 'at' {lacks}")
    ]
    assert make_timeline("at", column[:1], {}).grain == grain


def test_a_grain_that_is_named_counts_more_than_what_texts_say() -> None:
    assert make_timeline("at", arrays(["2026-01", "2026-04"]), {}, grain="quarter").previous(
        1
    ).tolist() == [-1, 0]


@pytest.mark.parametrize("lazy", [False, True])
def test_months_as_text_are_months_in_frames(lazy: bool) -> None:
    pl = pytest.importorskip("polars")
    tree = MetricTree(north_star="x", metrics={"x": "change(a)", "a": None})
    frame = pl.DataFrame({"at": ["2026-01", "2026-04"], "a": [1, 2]})
    told = refused(lambda: tree.compute(frame.lazy() if lazy else frame, "x", time="at"))
    assert told == [("VAL112", "the column 'at' lacks 2 months: 2026-02, 2026-03")]


FILLED = [
    ("month", ["2025-01-31", "2025-02-28", "2025-04-30"], "2025-03-31"),
    ("month", ["2025-01-15", "2025-02-15", "2025-04-15"], "2025-03-15"),
    ("month", ["2025-01-15", "2025-02-16", "2025-04-17"], "2025-03-01"),
    ("month", ["2025-01-30", "2025-03-30"], "2025-02-28"),
    ("week", ["2025-01-05", "2025-01-12", "2025-01-26"], "2025-01-19"),
    ("week", ["2025-01-05", "2025-01-11", "2025-01-26"], "2025-01-13"),
    ("quarter", ["2024-09-30", "2025-03-31", "2025-06-30"], "2024-12-31"),
    ("quarter", ["2024-02-01", "2024-08-01", "2024-11-01"], "2024-05-01"),
    ("year", ["2024-02-29", "2026-02-28", "2027-02-28"], "2025-02-28"),
    ("day", ["2024-02-28", "2024-03-01"], "2024-02-29"),
]


@pytest.mark.parametrize(("grain", "texts", "expected"), FILLED)
def test_an_added_time_stands_where_the_others_do(
    grain: str, texts: list[str], expected: str
) -> None:
    timeline = make_timeline("at", days(*texts), {}, grain=grain, fill=True)
    assert timeline.added_times == [date.fromisoformat(expected)]


# --- columns of times


def arrays(values: list[Any]) -> Any:
    return np.array(values, object)


def pandas_series(values: list[Any]) -> Any:
    return pytest.importorskip("pandas").Series(values)


def polars_series(values: list[Any]) -> Any:
    return pytest.importorskip("polars").Series(values)


def arrow_column(values: list[Any]) -> Any:
    pa = pytest.importorskip("pyarrow")
    return pa.chunked_array([pa.array(values)])


COLUMNS = [arrays, pandas_series, polars_series, arrow_column]
every_library = pytest.mark.parametrize("column", COLUMNS)

TIMES = [
    [date(2025, 1, 31), date(2025, 2, 28), date(2025, 4, 30)],
    [datetime(2025, 1, 1, 8), datetime(2025, 2, 1, 8), datetime(2025, 4, 1, 8)],  # noqa: DTZ001
    ["2025-01-01", "2025-02-01", "2025-04-01"],
    ["2025-01", "2025-02", "2025-04"],
    ["2025-01-01 08:30", "2025-01-02 08:30", "2025-01-04 08:30"],
    ["2025-01-01T00:00:00", "2025-01-02T00:00:00", "2025-01-04T00:00:00"],
    ["2025-01-01 00:00:00.000", "2025-01-02 00:00:00.000", "2025-01-04 00:00:00.000"],
    [10, 11, 13],
]
ADDED = [
    date(2025, 3, 31),
    datetime(2025, 3, 1, 8),  # noqa: DTZ001 - the wall's clock
    "2025-03-01",
    "2025-03",
    "2025-01-03 08:30",
    "2025-01-03T00:00:00",
    "2025-01-03 00:00:00.000",
    12,
]


@every_library
@pytest.mark.parametrize(("values", "added"), list(zip(TIMES, ADDED, strict=True)))
def test_times_are_read_and_written_as_the_column_holds_them(
    column: Callable[[list[Any]], Any], values: list[Any], added: Any
) -> None:
    timeline = make_timeline("at", column(values), {}, fill=True)
    assert timeline.added_times == [added]
    assert [type(time) for time in timeline.added_times] == [type(added)]
    assert timeline.previous(1).tolist() == [-1, 0, 3, 1]


@pytest.mark.parametrize("unit", ["Y", "M", "D", "h", "s", "ms", "ns"])
def test_times_of_numpy_are_read_in_every_unit(unit: str) -> None:
    values = np.array(["2025-01-01", "2027-01-01", "2026-01-01"], f"datetime64[{unit}]")
    assert make_timeline("at", values, {}, grain="year").previous(1).tolist() == [-1, 2, 0]


@every_library
def test_the_day_is_that_of_the_time_zone_through_the_changes_of_its_clocks(
    column: Callable[[list[Any]], Any],
) -> None:
    """In UTC these midnights are 23:00 and 22:00 of the days before."""
    berlin = ZoneInfo("Europe/Berlin")
    values = [datetime(2025, 3, day, tzinfo=berlin) for day in (29, 30, 31)]
    values += [datetime(2025, 4, 2, tzinfo=berlin)]
    given_column = column(values)
    if column is polars_series:
        given_column = given_column.dt.convert_time_zone("Europe/Berlin")
    timeline = make_timeline("at", given_column, {}, fill=True)
    assert timeline.grain == "day"
    assert timeline.previous(1).tolist() == [-1, 0, 1, 4, 2]
    assert timeline.added_times == [datetime(2025, 4, 1, tzinfo=berlin)]
    assert timeline.added_times[0].utcoffset() == timedelta(hours=2)


def test_the_day_of_a_fixed_offset_is_that_of_its_own_clock() -> None:
    pa = pytest.importorskip("pyarrow")
    east = timezone(timedelta(hours=9))
    values = [datetime(2025, 1, day, tzinfo=east) for day in (1, 2, 4)]
    column = pa.chunked_array([pa.array(values, pa.timestamp("us", "+09:00"))])
    timeline = make_timeline("at", column, {}, fill=True)
    assert timeline.added_times == [datetime(2025, 1, 3, tzinfo=east)]


def test_times_in_utc_are_read() -> None:
    pl = pytest.importorskip("polars")
    column = pl.Series([datetime(2025, 1, day, tzinfo=UTC) for day in (1, 2, 4)])
    timeline = make_timeline("at", column, {}, fill=True)
    assert timeline.added_times == [datetime(2025, 1, 3, tzinfo=UTC)]


def test_periods_of_pandas_are_read_and_written() -> None:
    pd = pytest.importorskip("pandas")
    column = pd.Series(pd.PeriodIndex(["2025Q1", "2025Q2", "2025Q4"], freq="Q"))
    timeline = make_timeline("at", column, {}, fill=True)
    assert timeline.grain == "quarter"
    assert timeline.added_times == [pd.Period("2025Q3", freq="Q")]


@pytest.mark.parametrize(
    ("freq", "grain"),
    [("D", "day"), ("W", "week"), ("M", "month"), ("Q-JAN", "quarter"), ("Y", "year")],
)
def test_periods_of_pandas_say_their_grain(freq: str, grain: str) -> None:
    pd = pytest.importorskip("pandas")
    column = pd.Series(pd.period_range("2025-01-01", periods=4, freq=freq))
    assert make_timeline("at", column[:2], {}).grain == grain
    ((code, message),) = refused(lambda: make_timeline("at", column[[0, 3]], {}))
    assert (code, f"lacks 2 {grain}s" in message) == ("VAL112", True)


def test_other_types_of_pandas_are_read() -> None:
    pd = pytest.importorskip("pandas")
    pa = pytest.importorskip("pyarrow")
    dates = [date(2025, 1, 1), date(2025, 1, 2)]
    for column in (
        pd.Series(dates, dtype=pd.ArrowDtype(pa.date32())),
        pd.Series(dates, dtype="object"),
        pd.Series(["2025-01", "2025-02"], dtype="category"),
        pd.Series([4, 5], dtype="Int64"),
        pd.Series([4, 5], dtype="uint8"),
    ):
        assert make_timeline("at", column, {}).previous(1).tolist() == [-1, 0]


def test_categories_take_no_added_times() -> None:
    pd = pytest.importorskip("pandas")
    column = pd.Series(["2025-01", "2025-02", "2025-04"], dtype="category")
    told = refused(lambda: make_timeline("at", column, {}, fill=True))
    assert told == [("VAL114", "the column 'at' holds categories, which take no other times")]


NO_TIMES = [
    (["2025-01-01", "01/02/2025"], "the text '01/02/2025' in row 1"),
    (["2025-01-01", "2025-13"], "the text '2025-13' in row 1"),
    (["2025-01-01", "2025-1-2"], "the text '2025-1-2' in row 1"),
    (["2025-01-01T00:00", "2025-01-02T00"], "the text '2025-01-02T00' in row 1"),
    (["2025-01-01T00:00", "2025-01-02T25:00"], "the text '2025-01-02T25:00' in row 1"),
    (["2025-01-01T00:00:00Z"], "the text '2025-01-01T00:00:00Z' in row 0"),
    (["2025-01-01 00:00:00+01:00"], "the text '2025-01-01 00:00:00+01:00' in row 0"),
    (["2026-Q1", "2026-Q2"], "the text '2026-Q1' in row 0"),
    (["2026-W01", "2026-W02"], "the text '2026-W01' in row 0"),
    (["2026", "2027"], "the text '2026' in row 0"),
    (["2025-01-01", "today"], "the text 'today' in row 1"),
    ([2025.0, 2026.0], "a float in row 0"),
    ([True, False], "a bool in row 0"),
    ([timedelta(1), timedelta(2)], "a timedelta in row 0"),
    ([0, 2**53 + 1], "a number past 2**53 in row 1"),
    ([0, -(2**53) - 1], "a number past 2**53 in row 1"),
]


@every_library
@pytest.mark.parametrize(("values", "sentence"), NO_TIMES)
def test_what_is_no_time_is_refused(
    column: Callable[[list[Any]], Any], values: list[Any], sentence: str
) -> None:
    if isinstance(values[0], timedelta) and column is pandas_series:
        sentence = "a Timedelta in row 0"
    (told,) = refused(lambda: read_times("at", column(values)))
    assert told == ("VAL114", f"the column 'at' holds {sentence}, which is no time")


MIXED = [
    ([date(2025, 1, 1), 5], "'2025-01-01' in row 0 and '5' in row 1"),
    (["2025-01-01", "2025-01-01", "2025-01"], "'2025-01-01' in row 0 and '2025-01' in row 2"),
    (["2025-01-01", "2025-01-02 00:00"], "'2025-01-01' in row 0 and '2025-01-02 00:00' in row 1"),
    (
        ["2025-01-01 00:00", "2025-01-02T00:00"],
        "'2025-01-01 00:00' in row 0 and '2025-01-02T00:00' in row 1",
    ),
]


@pytest.mark.parametrize(("values", "sentence"), MIXED)
def test_kinds_of_times_are_not_mixed(values: list[Any], sentence: str) -> None:
    told = refused(lambda: read_times("at", arrays(values)))
    assert told == [("VAL114", f"the column 'at' holds times of two kinds: {sentence}")]


def test_a_lazy_frame_has_no_rows_to_name() -> None:
    pl = pytest.importorskip("polars")
    tree = MetricTree(north_star="x", metrics={"x": "lag(a)", "a": None})
    for times, sentence in (
        (["2025-01-01", "today"], "holds the text 'today', which is no time"),
        (["2025-01", "2025-01-02"], "holds times of two kinds: '2025-01"),
    ):
        frame = pl.LazyFrame({"at": times, "a": [1, 2]})
        ((code, message),) = refused(lambda: tree.compute(frame, "x", time="at"))  # noqa: B023
        assert code == "VAL114"
        assert sentence in message
        assert "row" not in message


CALENDAR_NUMBERS = [
    ([202512, 202601], "such as 202512, which do not count periods, but seem to write a month"),
    ([202601], "such as 202601, which do not count periods, but seem to write a month"),
    ([20251231, 20260101], "such as 20251231, which do not count periods, but seem to write a day"),
]


@every_library
@pytest.mark.parametrize(("values", "sentence"), CALENDAR_NUMBERS)
def test_numbers_that_write_months_or_days_count_no_periods(
    column: Callable[[list[Any]], Any], values: list[int], sentence: str
) -> None:
    with pytest.raises(ComputeError, match="convert them to dates, or to texts such as 202") as got:
        make_timeline("at", column(values), {}, fill=True)
    (told,) = got.value.diagnostics
    assert (told.code, sentence in told.message) == ("VAL114", True)


def test_other_numbers_count_periods() -> None:
    for first in (2026, 202600, 202612, 189912, 300001, 45_000, 739_000, 20251231):
        timeline = make_timeline("at", np.array([first, first + 1]), {})
        assert timeline.previous(1).tolist() == [-1, 0]
    assert make_timeline("at", np.array([], np.int64), {}).grain is None


@every_library
@pytest.mark.parametrize("value", [date(2025, 1, 1), datetime(2025, 1, 1), "2025-01-01", 3])  # noqa: DTZ001
def test_a_row_without_a_time_is_refused(column: Callable[[list[Any]], Any], value: Any) -> None:
    told = refused(lambda: read_times("at", column([value, None, value, None])))
    assert told == [("VAL114", "the column 'at' has no time in 2 rows, first in row 1")]


def test_nat_is_no_time() -> None:
    told = refused(lambda: read_times("at", np.array(["NaT", "2025-01-01"], "datetime64[ns]")))
    assert told == [("VAL114", "the column 'at' has no time in 1 row, first in row 0")]


def test_a_time_outside_of_the_calendar_is_refused() -> None:
    told = refused(lambda: read_times("at", np.array(["2025", "12025"], "datetime64[Y]")))
    assert told == [("VAL114", "the column 'at' holds 12025 in row 1, which is no time")]


def test_a_dimension_of_lists_is_refused() -> None:
    column = arrays([None, None])
    column[0] = [1]
    told = refused(lambda: make_timeline("at", np.array([1, 2]), {"tags": column}))
    assert told[0][0] == "VAL114"
    assert "the column 'tags' holds values that cannot be compared" in told[0][1]


@every_library
def test_dimensions_of_every_kind_tell_groups_apart(column: Callable[[list[Any]], Any]) -> None:
    for values in (["a", "b", "a"], [1, 2, 1], [True, False, True], [1.5, None, 1.5]):
        timeline = make_timeline("at", np.array([1, 2, 2]), {"d": column(values)})
        assert timeline.previous(1).tolist() == [-1, -1, 0]


def test_times_are_dimensions_too() -> None:
    cohorts = np.array(["2025-01", "2025-02", "2025-01", "NaT", "NaT"], "datetime64[M]")
    timeline = make_timeline("at", np.array([1, 1, 2, 1, 2]), {"cohort": cohorts})
    assert timeline.previous(1).tolist() == [-1, -1, 0, -1, 3]


# --- series of numbers

SALES = [5.0, 0.0, None, 4.0, 6.0, 9.0, 1.0]


def series_of(formula: str, **inputs: Any) -> SeriesValues:
    metrics = {"x": formula, **dict.fromkeys(inputs)}
    return MetricTree(north_star="x", metrics=metrics).compute_series(inputs)


TABLE = [
    ("lag(a)", [None, 5, 0, None, 4, 6, 9]),
    ("lag(a, 3)", [None, None, None, 5, 0, None, 4]),
    ("lag(a, 7)", [None] * 7),
    ("lag(a, 100)", [None] * 7),
    ("change(a)", [None, -5, None, None, 2, 3, -8]),
    ("change(a, 3)", [None, None, None, -1, 6, None, -3]),
    ("growth(a)", [None, -1, None, None, 0.5, 0.5, 1 / 9 - 1]),
    ("growth(a, 3)", [None, None, None, 4 / 5 - 1, None, None, 1 / 4 - 1]),
    ("rolling_sum(a, 2)", [None, 5, None, None, 10, 15, 10]),
    ("rolling_mean(a, 2)", [None, 2.5, None, None, 5, 7.5, 5]),
    ("rolling_min(a, 2)", [None, 0, None, None, 4, 6, 1]),
    ("rolling_max(a, 2)", [None, 5, None, None, 6, 9, 9]),
    ("rolling_sum(a, 1)", [5, 0, None, 4, 6, 9, 1]),
    ("cumulative(a)", [5, 5, None, None, None, None, None]),
    ("cumulative(coalesce(a, 0))", [5, 5, 5, 9, 15, 24, 25]),
    ("coalesce(lag(a), -1)", [-1, 5, 0, -1, 4, 6, 9]),
    ("lag(lag(a))", [None, None, 5, 0, None, 4, 6]),
    ("a - lag(3)", [None, -3, None, 1, 3, 6, -2]),
    ("1 if is_missing(lag(a)) else 0", [1, 0, 0, 1, 0, 0, 0]),
    ("sum(a, lag(a), lag(a, 2))", [None, None, None, None, None, 19, 16]),
]


@pytest.mark.parametrize(("formula", "expected"), TABLE)
def test_functions_over_time_look_at_periods(formula: str, expected: list[Any]) -> None:
    assert list(series_of(formula, a=SALES)["x"]) == expected


@pytest.mark.parametrize(("formula", "expected"), TABLE)
def test_a_frame_has_the_values_of_its_series(formula: str, expected: list[Any]) -> None:
    """Two groups, their rows mixed; one begins later and has its values doubled."""
    pd = pytest.importorskip("pandas")
    order = [9, 2, 0, 13, 4, 1, 7, 11, 3, 12, 5, 8, 6, 10]
    frame = pd.DataFrame(
        {
            "at": [date(2024 + at // 12, at % 12 + 1, 1) for at in [*range(7), *range(8, 15)]],
            "plan": ["a"] * 7 + [None] * 7,
            "a": [*SALES, *SALES],
        }
    ).iloc[order]
    tree = MetricTree(north_star="x", metrics={"x": formula, "a": None})
    found = tree.compute(frame, "x", time="at", by="plan").loc[range(14), "x"].tolist()
    assert [None if math.isnan(value) else value for value in found] == pytest.approx(expected * 2)


@settings(max_examples=60)
@given(
    values=st.lists(st.none() | st.integers(-100, 100), min_size=1, max_size=30),
    periods=st.integers(1, 12),
)
def test_pandas_gives_the_same(values: list[int | None], periods: int) -> None:
    pd = pytest.importorskip("pandas")
    column = pd.Series(values, dtype="float64")
    lagged = column.shift(periods)
    window = column.rolling(periods)
    expected = {
        f"lag(a, {periods})": lagged,
        f"change(a, {periods})": column - lagged,
        f"growth(a, {periods})": column / lagged.replace(0, math.nan) - 1,
        f"rolling_sum(a, {periods})": window.sum(),
        f"rolling_mean(a, {periods})": window.mean(),
        f"rolling_min(a, {periods})": window.min(),
        f"rolling_max(a, {periods})": window.max(),
        "cumulative(a)": column.cumsum(skipna=False),
    }
    metrics = {f"m{at}": formula for at, formula in enumerate(expected)}
    tree = MetricTree(north_star="m0", metrics={**metrics, "a": None})
    found = tree.compute_series({"a": values})
    for metric, other in zip(metrics, expected.values(), strict=True):
        numbers = [math.nan if value is None else value for value in found[metric]]
        assert numbers == pytest.approx(other.tolist(), rel=1e-9, abs=1e-9, nan_ok=True)


def test_plain_numbers_stand_for_every_period() -> None:
    tree = MetricTree(
        north_star="x", metrics={"x": "a * k + lag(c)", "a": None, "k": None, "c": 10}
    )
    values = tree.compute_series({"a": [1, 2, 3], "k": 2})
    assert values.to_dict() == {
        "x": [None, 14, 16],
        "a": [1, 2, 3],
        "k": [2, 2, 2],
        "c": [10, 10, 10],
    }
    assert values.periods == 3
    assert tree.compute_series({"a": 1, "k": 2})["x"] == (None,)
    assert tree.compute_series({"a": [], "k": 2})["x"] == ()
    assert tree.compute_series({"a": [1, 2], "k": 2, "c": [7, 8]})["x"] == (None, 11)


@pytest.mark.parametrize("name", ["numpy", "pandas", "polars"])
def test_columns_are_series_too(name: str) -> None:
    library = pytest.importorskip(name)
    column = library.array([1, 2, 4]) if name == "numpy" else library.Series([1, 2, 4])
    assert series_of("change(a)", a=column)["x"] == (None, 1, 2)


def test_nan_is_missing_in_a_column_and_refused_in_a_list() -> None:
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    for column in (
        np.array([1, math.nan, 2]),
        np.array([1, math.nan, 2], "float32"),
        pd.Series([1, None, 2]),
        pd.Series([1, None, 2], dtype="Int64"),
        pl.Series([1.0, math.nan, 2.0]),
        pl.Series([1, None, 2]),
    ):
        assert series_of("a", a=column)["x"] == (1, None, 2)
    ((code, message),) = refused(lambda: series_of("a", a=[1, math.nan, 2]))
    assert (code, message) == ("VAL105", "the input 'a' in period 1 is not finite (nan)")


WRONG = [
    ({"a": [1, 2], "b": [1]}, "VAL116", "'a' has 2 periods and 'b' has 1"),
    ({"a": [1, "2"], "b": 1}, "VAL104", "the input 'a' in period 1 is the text '2', not a number"),
    ({"a": [1, math.inf], "b": 1}, "VAL105", "the input 'a' in period 1 is not finite (inf)"),
    ({"a": [2, 1], "b": [0, -3]}, "VAL106", "the input 'b' in period 1 is -3, outside of its"),
    ({"a": [1, True], "b": 1}, "VAL104", "the input 'a' in period 1 is True"),
    ({"a": "12", "b": 1}, "VAL104", "the input 'a' is the text '12'"),
    ({"a": {1, 2}, "b": 1}, "VAL104", "the input 'a' is a set"),
    ({"a": [1]}, "VAL103", "the input 'b' has no value"),
    ({"a": [1], "b": [2], "aa": [3]}, "VAL101", "the input 'aa' is no metric"),
    ({"a": [1], "b": [2], "x": [3]}, "VAL102", "the metric 'x' is computed by its formula"),
    ({"a": [1], "b": [2], "unused": ["3"]}, "VAL104", "the input 'unused' in period 0 is the text"),
    ([1, 2], "VAL101", "the inputs are a list, no mapping"),
]


@pytest.mark.parametrize(("inputs", "code", "sentence"), WRONG)
def test_a_wrong_series_is_an_error_that_names_the_period(
    inputs: Any, code: str, sentence: str
) -> None:
    tree = MetricTree(
        north_star="x",
        metrics={"x": "lag(a) * b", "a": None, "b": {"range": [0, None]}, "unused": None},
    )
    ((found, message),) = refused(lambda: tree.compute_series(inputs, "x"))
    assert found == code
    assert message.startswith(sentence)


REASONS = [
    ("lag(a)", 0, Rule.NO_HISTORY, 0, "x = lag(a) is missing: there are not enough periods before"),
    ("lag(a)", 3, Rule.INPUT_MISSING, 1, "a is missing 1 period before: no value was given"),
    ("lag(a, 2)", 4, Rule.INPUT_MISSING, 2, "a is missing 2 periods before: no value was given"),
    ("change(a)", 2, Rule.INPUT_MISSING, 0, "a is missing: no value was given"),
    ("change(a)", 0, Rule.NO_HISTORY, 0, "x = change(a) is missing: there are not enough periods"),
    ("change(a, 4) + 1", 3, Rule.NO_HISTORY, 0, "x = change(a, 4) + 1 is missing: there are not"),
    (
        "growth(2 * a, 3)",
        4,
        Rule.ZERO_DIVISION,
        0,
        "x = growth(2 * a, 3) is missing: division by zero (2 * a is 12, lag(2 * a, 3) is 0)",
    ),
    ("rolling_sum(a, 3)", 1, Rule.NO_HISTORY, 0, "x = rolling_sum(a, 3) is missing: there are not"),
    ("rolling_sum(a, 3)", 4, Rule.INPUT_MISSING, 2, "a is missing 2 periods before"),
    ("cumulative(a)", 6, Rule.INPUT_MISSING, 4, "a is missing 4 periods before"),
    (
        "rolling_max(a * 1e+308, 2)",
        1,
        Rule.OVERFLOW,
        1,
        "x = rolling_max(a * 1e+308, 2) is missing 1",
    ),
    (
        "rolling_sum(1.7e+308 + 0 * b, 2)",
        4,
        Rule.OVERFLOW,
        0,
        "x = rolling_sum(1.7e+308 + 0 * b, 2)",
    ),
    (
        "cumulative(1.7e+308 + 0 * b)",
        4,
        Rule.OVERFLOW,
        0,
        "x = cumulative(1.7e+308 + 0 * b) is miss",
    ),
    (
        "change(1.7e+308 * b)",
        2,
        Rule.OVERFLOW,
        0,
        "x = change(1.7e+308 * b) is missing: the result",
    ),
    ("lag(1 / a)", 2, Rule.ZERO_DIVISION, 1, "x = lag(1 / a) is missing 1 period before: division"),
    ("lag(rate)", 2, Rule.ZERO_DIVISION, 1, "rate = b / a is missing 1 period before: division by"),
    ("lag(lag(rate))", 3, Rule.ZERO_DIVISION, 2, "rate = b / a is missing 2 periods before"),
    (
        "5 if a > 0 else lag(a, 6)",
        1,
        Rule.NO_HISTORY,
        0,
        "x = 5 if a > 0 else lag(a, 6) is missing",
    ),
    ("coalesce(lag(a), null)", 0, Rule.NULL, 0, "x = coalesce(lag(a), null) is missing: the form"),
]


@pytest.mark.parametrize(("formula", "position", "rule", "before", "text"), REASONS)
def test_a_missing_value_says_where_and_when_it_broke(
    formula: str, position: int, rule: Rule, before: int, text: str
) -> None:
    metrics = {"x": formula, "rate": "b / a", "a": None, "b": None}
    tree = MetricTree(north_star="x", metrics=metrics)
    values = tree.compute_series({"a": SALES, "b": [1, -1, 1, -1, 1, -1, 1]})
    assert values["x"][position] is None
    reason = values.why("x", position)
    assert reason is not None
    assert (reason.rule, reason.before) == (rule, before)
    assert str(reason).startswith(text)
    assert values.why("x", position - 7) == reason


def test_a_value_that_is_there_needs_no_reason() -> None:
    values = series_of("lag(a)", a=[1, 2])
    assert values.why("x", 1) is None
    with pytest.raises(KeyError):
        values.why("y", 0)
    with pytest.raises(IndexError):
        values.why("x", 2)


def test_the_reason_of_a_very_long_chain_is_found() -> None:
    metrics: dict[str, Any] = {f"m{at}": f"m{at - 1} + 1" for at in range(2, 2_000)}
    tree = MetricTree(north_star="m1999", metrics={**metrics, "m1": "lag(m0)", "m0": None})
    values = tree.compute_series({"m0": [2, 1]})
    reason = values.why("m1999", 0)
    assert reason is not None
    assert (reason.metric, reason.rule) == ("m1", Rule.NO_HISTORY)


def test_values_of_series_survive_pickling() -> None:
    values = series_of("growth(a)", a=[0, 1, 2])
    again = pickle.loads(pickle.dumps(values))
    assert again == values
    assert again.why("x", 1) == values.why("x", 1)
    assert repr(again) == "SeriesValues(3 periods: x=(missing, missing, 1), a=(0, 1, 2))"


def test_strict_series_name_the_metric_the_count_and_the_first_period() -> None:
    tree = MetricTree(north_star="x", metrics={"x": "lag(a)", "a": None})
    ((code, message),) = refused(lambda: tree.compute_series({"a": [1, None, 2]}, "x", strict=True))
    assert code == "VAL109"
    assert message == (
        "metric 'x' is missing in 2 of 3 periods, first in period 0 because x = lag(a) is missing: "
        "there are not enough periods before"
    )
    assert tree.compute_series({"a": [1, 2]}, "a", strict=True)["a"] == (1, 2)


def test_strict_frames_say_why_the_first_row_is_missing() -> None:
    metrics = {"x": "growth(a)", "y": "coalesce(lag(lag(a)), 1) * x", "a": None}
    tree = MetricTree(north_star="y", metrics={**metrics, "z": "lag(y) if a > 1 else 0"})
    times = days("2026-01-02", "2026-01-01", "2026-01-02", "2026-01-01", "2026-01-03")
    by = np.array(["b", "a", "a", "b", "a"])

    def told(values: list[float], target: str) -> tuple[str, str | None]:
        data = {"at": times, "by": by, "a": np.array(values)}
        with pytest.raises(ComputeError) as caught:
            tree.compute(data, target, time="at", by="by", strict=True)
        (found,) = caught.value.diagnostics
        return found.message, found.fix

    message, advice = told([5, 1, 2, 3, 4], "x")
    assert message == (
        "metric 'x' is missing in 2 rows, first in row 1, because x = growth(a) is missing: there "
        "are not enough periods before"
    )
    assert advice is not None
    assert advice.startswith("write `coalesce(...)` around it, choose other targets")
    message, advice = told([5, 1, 0, 0, 4], "z")
    assert message == (
        "metric 'z' is missing in row 0, because x = growth(a) is missing 1 period before: there "
        "are not enough periods before"
    )
    message, advice = told([1, math.nan, 2, 3, 1], "a")
    assert message == "metric 'a' is missing in row 1, because a is missing: no value was given"
    assert advice is not None
    assert advice.startswith("give other inputs")
