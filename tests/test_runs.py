"""Runs: periods, groups, spans, calendars, functions over time, comparisons, and mistakes."""

from __future__ import annotations

import json
import pickle
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings, strategies

from metrictree import ComputeError, Limits, MetricTree, Rule, SourceError, UsageError
from metrictree.periods import Calendar
from tests.small_trees import (
    ORDERS,
    TREE,
    column,
    found,
    one_measure,
    parquet,
    plain,
    refused,
    tree_in,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from metrictree import RunResult

duckdb = pytest.importorskip("duckdb")


# --- periods and groups


def test_months_have_gaps_filled_and_nulls_grouped(tmp_path: Path) -> None:
    result = tree_in(tmp_path).run(["orders", "revenue", "paid_mean"], grain="month", by="country")
    assert result.columns == ("month", "country", "complete", "orders", "revenue", "paid_mean")
    assert [(str(month)[:7], *rest) for month, *rest in plain(result)] == [
        ("2024-12", "de", 1, 10.5, 10.5),
        ("2024-12", "fr", 0, 0, None),
        ("2024-12", None, 0, 0, None),
        ("2025-01", "de", 1, 4.5, 4.5),
        ("2025-01", "fr", 1, 20, 20),
        ("2025-01", None, 1, 0, None),
        ("2025-02", "de", 0, 0, None),
        ("2025-02", "fr", 0, 0, None),
        ("2025-02", None, 0, 0, None),
        ("2025-03", "de", 1, 7, None),
        ("2025-03", "fr", 0, 0, None),
        ("2025-03", None, 0, 0, None),
    ]


def test_weeks_begin_on_monday_also_over_new_year(tmp_path: Path) -> None:
    result = tree_in(tmp_path).run(["orders"], grain="week", until="2025-01-12")
    assert plain(result) == ((date(2024, 12, 30), 3), (date(2025, 1, 6), 1))


@pytest.mark.parametrize(
    ("grain", "first_days"),
    [
        ("quarter", ["2024-10-01", "2025-01-01"]),
        ("year", ["2024-01-01", "2025-01-01"]),
        ("month", ["2024-12-01", "2025-01-01", "2025-02-01", "2025-03-01"]),
    ],
)
def test_a_period_is_named_by_its_first_day(
    tmp_path: Path, grain: str, first_days: list[str]
) -> None:
    result = tree_in(tmp_path).run(["orders"], grain=grain)
    assert [str(row[0]) for row in result.rows] == first_days
    assert all(type(row[0]) is date for row in result.rows)


def test_days_are_every_day(tmp_path: Path) -> None:
    rows = plain(tree_in(tmp_path).run(["orders"], grain="day", until=date(2025, 1, 2)))
    assert [(str(day), count) for day, count in rows] == [
        ("2024-12-30", 1), ("2024-12-31", 0), ("2025-01-01", 2), ("2025-01-02", 0),
    ]  # fmt: skip


def test_since_and_until_are_inclusive_and_widen_the_span(tmp_path: Path) -> None:
    tree = tree_in(tmp_path)
    result = tree.run(["orders"], grain="month", since="2024-11-15", until="2025-01-05")
    assert column(result, "orders") == [0, 1, 2]
    assert tree.run(["orders"], since="2025-01-01", until="2025-01-01").rows == ((2,),)
    assert tree.run(["orders"], since="2030-01-01").rows == ((0,),)
    assert tree.run(["orders"], grain="day", since="2030-01-01").rows == ()


def test_a_result_knows_the_periods_that_are_cut(tmp_path: Path) -> None:
    tree = tree_in(tmp_path)

    def cut(since: str, until: str, grain: str = "month") -> list[tuple[str, str, str]]:
        result = tree.run(["orders"], grain=grain, since=since, until=until)
        assert [row["complete"] for row in result.to_dicts()] == [
            one.complete for one in result.periods
        ]
        return [
            (str(one.start), str(one.first), str(one.last))
            for one in result.periods
            if not one.complete
        ]

    assert cut("2025-01-02", "2025-03-30") == [
        ("2025-01-01", "2025-01-02", "2025-01-31"), ("2025-03-01", "2025-03-01", "2025-03-30"),
    ]  # fmt: skip
    assert cut("2025-01-02", "2025-01-30") == [("2025-01-01", "2025-01-02", "2025-01-30")]
    assert cut("2025-01-01", "2025-01-31") == []
    assert cut("2025-01-02", "2025-03-30", "day") == []
    assert cut("2025-01-01", "2025-01-12", "week") == [("2024-12-30", "2025-01-01", "2025-01-05")]
    assert tree.run(["orders"], since="2025-01-02", until="2025-03-30").periods == ()


def test_several_sources_join_by_period_and_group(tmp_path: Path) -> None:
    text = """\
north_star: rate
sources:
  orders: {path: orders.csv, time: day, dimensions: [country]}
  visits: {path: visits.csv, time: at, dimensions: [country]}
metrics:
  rate: orders / visits
  orders: {measure: {source: orders, aggregate: count()}}
  visits: {measure: {source: visits, aggregate: sum(n)}}
"""
    visits = "at,country,n\n2025-01-03 10:00:00,de,4\n2025-02-01T00:00:00,it,5\n"
    tree = tree_in(tmp_path, text, visits__csv=visits)
    result = tree.run(grain="month", by=["country"], since="2025-01-01", until="2025-02-28")
    assert [(row[0].month, *row[1:]) for row in plain(result)] == [
        (1, "de", 0.25, 1, 4),
        (1, "fr", None, 1, 0),
        (1, "it", None, 0, 0),
        (1, None, None, 1, 0),
        (2, "de", None, 0, 0),
        (2, "fr", None, 0, 0),
        (2, "it", 0, 0, 5),
        (2, None, None, 0, 0),
    ]
    assert [row[0].month for row in tree.run(grain="month").rows] == [12, 1, 2]
    assert [row[0].month for row in tree.run(["orders"], grain="month").rows] == [12, 1, 2, 3]


def test_sources_that_no_target_needs_are_not_opened(tmp_path: Path) -> None:
    text = TREE.replace("sources:\n", "sources:\n  lost: {path: lost.csv}\n")
    text += "  lost: {measure: {source: lost, aggregate: count()}, role: health}\n"
    tree = tree_in(tmp_path, text)
    assert tree.run(["orders"]).rows == ((5,),)
    with pytest.raises(SourceError, match="there is no such file"):
        tree.run(["lost"])


def test_constants_need_no_source(tmp_path: Path) -> None:
    tree = MetricTree(north_star="b", metrics={"b": "a / 0", "a": 3})
    result = tree.run()
    assert result.rows == ((None, 3),)
    reason = result.why(0, "b")
    assert reason is not None
    assert (reason.metric, reason.rule) == ("b", Rule.ZERO_DIVISION)


def test_dimensions_of_many_types_are_sorted_with_null_last(tmp_path: Path) -> None:
    text = """\
north_star: x
sources:
  orders: {path: orders.parquet, dimensions: [f, n, m, d, t, v]}
metrics:
  x: {measure: {source: orders, aggregate: count()}}
"""
    parquet(
        tmp_path,
        "select * from (values (true, 2, 1.50::decimal(5, 2), date '2025-01-02', "
        "timestamp '2025-01-01 10:00:00', 'nan'::double), (false, 1, 0.25, '2025-01-01', "
        "'2025-01-01', 2.5), (null, null, null, null, null, null)) as t(f, n, m, d, t, v)",
    )
    tree = tree_in(tmp_path, text)
    assert tree.run(by="f").rows == ((False, 1), (True, 1), (None, 1))
    assert tree.run(by="n").rows == ((1, 1), (2, 1), (None, 1))
    assert tree.run(by="m").rows == ((0.25, 1), (1.5, 1), (None, 1))
    assert tree.run(by="d").rows == ((date(2025, 1, 1), 1), (date(2025, 1, 2), 1), (None, 1))
    assert tree.run(by="v").rows == ((2.5, 1), (None, 2))
    assert len(tree.run(by=["f", "n", "t"])) == 3


CELL_TYPES: dict[str, list[str | None]] = {
    "decimal(38, 0)": ["9007199254740992", "9007199254740993", "-1", "0", None],
    "decimal(38, 20)": ["0.1", "0.10000000000000000001", "1e15", None],
    "hugeint": ["170141183460469231731687303715884105727", "9007199254740993", None],
    "ubigint": ["18446744073709551615", "18446744073709551614", "0"],
    "double": ["0.0", "-0.0", "nan", "inf", "-inf", "1e-320", "0.1", None],
    "float": ["0.1", "0.10000001", "16777216", "nan"],
    "timestamp": ["2025-01-01 10:00:00.123456", "2025-01-01 10:00:00.123457", None],
    "timestamptz": ["2025-01-01 10:00:00+02", "2025-01-01 08:00:00Z", None],
    "date": ["0001-01-01", "9999-12-31", None],
    "varchar": ["", " ", "a", "A", "a ", "1", "1.0", "\u00e9", "e\u0301", None],
    "boolean": ["true", "false", None],
}


@pytest.mark.parametrize("dtype", CELL_TYPES)
@given(data=strategies.data())
@settings(max_examples=10, deadline=None)
def test_no_row_is_lost_in_groups(tmp_path_factory: Any, dtype: str, data: Any) -> None:
    cells = data.draw(strategies.lists(strategies.sampled_from(CELL_TYPES[dtype]), min_size=1))
    folder = tmp_path_factory.mktemp("groups")
    connection = duckdb.connect()
    connection.execute(f"create table t (country {dtype})")
    connection.execute(f"insert into t values {', '.join('(?)' for _ in cells)}", cells)  # noqa: S608
    connection.table("t").write_parquet(str(folder / "orders.parquet"))
    (groups,) = connection.execute("select count(*) from (select distinct * from t)").fetchone()
    tree = tree_in(folder, one_measure("count()", path="orders.parquet", dimensions=["country"]))
    rows = tree.run(by="country").rows
    assert sum(count for _, count in rows) == len(cells) == tree.run().rows[0][0]
    nan = dtype in ("double", "float") and {"nan", None} <= set(cells)  # one group: missing
    assert len(rows) == groups - nan


def test_a_group_that_is_there_in_one_source_only_has_rows_of_all(tmp_path: Path) -> None:
    tree = two_sources(tmp_path)
    assert tree.run(by="country", since="2025-02-01").rows == (
        ("de", 0.1, 1, 10), ("fr", None, 1, 0), ("it", 0, 0, 1),
    )  # fmt: skip


# --- calendars and clocks


@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter", "year"])
def test_periods_follow_each_other_to_the_ends_of_the_calendar(grain: str) -> None:
    for first, last in ((date.min, date(3, 1, 1)), (date(9997, 1, 1), date.max)):
        periods = Calendar().periods_between(first, last, grain)
        assert periods[0] <= first
        assert periods[-1] <= last
        assert periods == sorted(set(periods))
        assert all(Calendar().period_of(period, grain) == period for period in periods)
        if len(periods) > 1:
            assert {(b - a).days for a, b in pairwise(periods)} <= {
                "day": {1}, "week": {7}, "month": {28, 29, 30, 31},
                "quarter": {90, 91, 92}, "year": {365, 366},
            }[grain]  # fmt: skip


def test_weeks_begin_on_the_day_that_the_tree_names(tmp_path: Path) -> None:
    tree = tree_in(tmp_path, "week_start: sunday\n" + TREE)
    result = tree.run(["orders"], grain="week", until="2025-01-11")
    assert plain(result) == ((date(2024, 12, 29), 3), (date(2025, 1, 5), 1))


@pytest.mark.parametrize(
    ("start", "grain", "expected"),
    [
        (4, "year", [("2024-04-01", 5)]),
        (1, "year", [("2024-01-01", 1), ("2025-01-01", 4)]),
        (3, "year", [("2024-03-01", 4), ("2025-03-01", 1)]),
        (2, "quarter", [("2024-11-01", 4), ("2025-02-01", 1)]),
        (12, "quarter", [("2024-12-01", 4), ("2025-03-01", 1)]),
        (12, "month", [("2024-12-01", 1), ("2025-01-01", 3), ("2025-02-01", 0), ("2025-03-01", 1)]),
    ],
)
def test_years_and_their_quarters_begin_in_the_month_that_the_tree_names(
    tmp_path: Path, start: int, grain: str, expected: list[tuple[str, int]]
) -> None:
    tree = tree_in(tmp_path, f"fiscal_year_start: {start}\n" + TREE)
    result = tree.run(["orders"], grain=grain)
    assert [(str(day), count) for day, count in plain(result)] == expected


MOMENTS = """\
day,country
2025-03-29 22:59:59,a
2025-03-29 23:00:00,b
2025-03-30T21:59:59Z,c
2025-03-30T22:00:00Z,d
2025-03-31T00:30:00+02:00,e
2025-03-30T20:00:00-05:00,f
2025-03-31,g
"""
ZONED = {
    "UTC": {"29": "ab", "30": "cde", "31": "fg"},
    "Europe/Berlin": {"29": "a", "30": "bc", "31": "defg"},
    "Asia/Kolkata": {"30": "ab", "31": "cdefg"},
    "America/New_York": {"29": "ab", "30": "cdef", "31": "g"},
}


@pytest.mark.parametrize("zone", ZONED)
@pytest.mark.parametrize("place", ["tree", "source"])
def test_a_moment_lies_on_the_day_of_the_clock_and_a_day_stays(
    tmp_path: Path, zone: str, place: str
) -> None:
    source: dict[str, Any] = {"time": "day", "dimensions": ["country"]}
    if place == "source":
        source["timezone"] = zone
    whole = {"timezone": zone if place == "tree" else "Asia/Tokyo"}
    text = json.dumps(whole | json.loads(one_measure("count()", **source)))
    tree = tree_in(tmp_path, text, orders__csv=MOMENTS)
    lies: dict[str, str] = {}
    for row in tree.run(grain="day", by="country").to_dicts():
        if row["x"]:
            lies[f"{row['day']:%d}"] = lies.get(f"{row['day']:%d}", "") + row["country"]
    assert lies == ZONED[zone]
    last = ZONED[zone].get("31", "")
    assert tree.run(since="2025-03-31", until="2025-03-31").rows == ((len(last),),)


def test_the_days_of_a_span_and_where_the_data_ends_are_those_of_the_clock(tmp_path: Path) -> None:
    content = "day,country\n2025-01-31 23:30:00,de\n2025-03-31 21:30:00,de\n"
    text = one_measure("count()", time="day", dimensions=["country"], timezone="Europe/Berlin")
    tree = tree_in(tmp_path, text, orders__csv=content)
    result = tree.run(grain="month")
    assert result.rows == ((date(2025, 2, 1), True, 1), (date(2025, 3, 1), True, 1))
    assert tree.run(grain="month", until="2025-01-31").rows == ()


@pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")  # Ibis calls it
@pytest.mark.parametrize("engine", ["duckdb", "polars", "ibis"])
def test_a_clock_behind_utc_is_read_by_every_engine(tmp_path: Path, engine: str) -> None:
    if engine != "duckdb":
        pytest.importorskip(engine)
    parquet(tmp_path, "select unnest(['1850-01-01', '2025-07-01 03:59'])::timestamp as day")
    text = one_measure("count()", path="orders.parquet", time="day", timezone="America/New_York")
    tree = tree_in(tmp_path, text)
    result = tree.run(grain="day", since="2025-06-30", until="2025-07-01", engine=engine)
    assert column(result, "x") == [1, 0]


@pytest.mark.parametrize(
    ("zone", "moment", "span"),
    [
        ("America/New_York", "0001-01-01", {"since": "2025-01-01"}),
        ("Asia/Tokyo", "9999-12-31 23:00:00", {"until": "2025-01-31"}),
    ],
)
def test_moments_at_the_ends_of_the_calendar_need_no_clock_outside_of_the_span(
    tmp_path: Path, zone: str, moment: str, span: dict[str, Any]
) -> None:
    parquet(tmp_path, f"select unnest(['{moment}', '2025-01-10'])::timestamp as day")
    text = one_measure("count()", path="orders.parquet", time="day", timezone=zone)
    tree = tree_in(tmp_path, text)
    assert sum(column(tree.run(grain="month", **span), "x")) == 1
    ((code, told),) = refused(tree, grain="month")
    assert code == "SRC112"
    assert f"of which nobody knows the clocks of {zone}" in told


@pytest.mark.parametrize(
    ("setting", "grain"),
    [("fiscal_year_start: 2", "year"), ("fiscal_year_start: 3", "quarter"),
     ("week_start: sunday", "week")],
)  # fmt: skip
def test_a_period_that_begins_before_the_calendar_is_refused(
    tmp_path: Path, setting: str, grain: str
) -> None:
    content = "day,country,status,amount\n0001-01-02,de,paid,1\n0001-03-09,de,paid,1\n"
    text = f"{setting}\n{TREE}  sum: {{formula: cumulative(paid), role: health}}\n"
    tree = tree_in(tmp_path, text, orders__csv=content)
    for since in (None, "0001-01-02"):
        with pytest.raises(SourceError, match="the first period would begin before the year 1"):
            tree.run(["paid"], grain=grain, since=since)
    with pytest.raises(SourceError, match="the first period would begin before the year 1"):
        tree.run(["sum"], grain=grain)
    result = tree.run(["paid"], grain=grain, since="0001-03-09", compare="year_ago")
    assert column(result, "paid_before") == [None]


@pytest.mark.parametrize(
    "dtype", ["date", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns", "varchar"]
)
def test_a_time_column_is_a_date_a_time_or_text(tmp_path: Path, dtype: str) -> None:
    parquet(
        tmp_path,
        f"select day::{dtype} as day, 'de' as country from (values ('2024-12-31'), "  # noqa: S608 - our own types
        "('2025-01-01'), ('2025-02-28')) as t(day)",
    )
    tree = tree_in(tmp_path, one_measure("count()", path="orders.parquet"))
    assert column(tree.run(grain="month"), "x") == [1, 1, 1]
    assert column(tree.run(grain="week"), "x")[:2] == [2, 0]


def test_times_with_a_zone_in_parquet_lie_on_their_day_in_utc(tmp_path: Path) -> None:
    parquet(
        tmp_path,
        "select unnest(['2025-01-01 00:30:00+01', '2025-01-01 23:00:00-05'])::timestamptz as day",
    )
    tree = tree_in(tmp_path, one_measure("count()", path="orders.parquet", time="day"))
    assert plain(tree.run(grain="day")) == (
        (date(2024, 12, 31), 1), (date(2025, 1, 1), 0), (date(2025, 1, 2), 1),
    )  # fmt: skip
    assert found(tmp_path, "count()", "day < '2025-01-01'") == 1


UTC = ["2026-01-02T23:45:00Z", "2026-01-02 23:45:00+00:00", "2026-01-02 23:45:00.123 UTC",
       "2026-01-02T23:45:00+0000", "2026-01-02 23:45+00", "2026-01-02 23:45:00.1 Z"]  # fmt: skip


@pytest.mark.parametrize("text", UTC)
def test_a_time_in_utc_lies_on_its_day_in_utc(tmp_path: Path, text: str) -> None:
    content = f"day,country\n{text},de\n2026-01-03,de\n"
    tree = tree_in(tmp_path, one_measure("count()"), orders__csv=content)
    assert plain(tree.run(grain="day")) == ((date(2026, 1, 2), 1), (date(2026, 1, 3), 1))


def test_the_time_zone_utc_is_what_is_computed(tmp_path: Path) -> None:
    tree = tree_in(tmp_path, TREE.replace("time: day,", "time: day, timezone: UTC,"))
    assert len(tree.run(["orders"], grain="year")) == 2
    text = "timezone: UTC\n" + TREE
    assert len(tree_in(tmp_path, text).run(["orders"], grain="year")) == 2
    both = "timezone: Asia/Tokyo\n" + TREE.replace("time: day,", "time: day, timezone: UTC,")
    assert len(tree_in(tmp_path, both).run(["orders"], grain="year")) == 2


def test_rows_without_time_count_in_all_time_and_nowhere_else_if_no_measure_wants_them(
    tmp_path: Path,
) -> None:
    content = "day,country,status\n2025-01-01,de,paid\n,de,open\n,fr,open\n"
    everything = tree_in(tmp_path, one_measure("count()"), orders__csv=content)
    assert everything.run().rows == ((3,),)
    paid = tree_in(tmp_path, one_measure("count()", "status == 'paid'"), orders__csv=content)
    assert plain(paid.run(grain="month")) == ((date(2025, 1, 1), 1),)
    with pytest.raises(SourceError) as caught:
        everything.run(grain="month")
    (problem,) = caught.value.diagnostics
    assert problem.code == "SRC110"
    assert problem.message == "rows that count have no 'day': 2 in 'x'"
    assert problem.fix == ("leave them out with `where: not is_missing(day)`, or ask for all time")
    with pytest.raises(SourceError, match="SRC110"):
        everything.run(since="2025-01-01")
    with_time = tree_in(
        tmp_path, one_measure("count()", "not is_missing(day)"), orders__csv=content
    )
    assert plain(with_time.run(grain="year")) == ((date(2025, 1, 1), 1),)


# --- complete periods


def two_sources(folder: Path) -> MetricTree:
    """Return a tree over two sources: of visits are some each day, and longer than of orders."""
    text = """\
north_star: rate
sources:
  orders: {path: orders.csv, time: day, dimensions: [country]}
  visits: {path: visits.csv, time: day, dimensions: [country]}
metrics:
  rate: orders / visits
  orders: {measure: {source: orders, aggregate: count()}}
  visits: {measure: {source: visits, aggregate: count()}}
"""
    orders = "day,country\n2025-01-05,de\n2025-01-20,de\n2025-02-03,de\n2025-02-10,fr\n"
    visits = "".join(f"2025-{month:02}-{day:02},de\n" for month in (1, 2) for day in range(1, 29))
    visits = f"day,country\n{visits}2025-02-05,it\n2025-03-01,it\n"
    return tree_in(folder, text, orders__csv=orders, visits__csv=visits)


def days(result: RunResult) -> list[str]:
    """Return the days of each period that count, and whether they are all."""
    return [
        f"{one.first:%m-%d}..{one.last:%m-%d}{'' if one.complete else ' cut'}"
        for one in result.periods
    ]


def test_a_period_is_complete_if_the_data_goes_on_to_its_end(tmp_path: Path) -> None:
    result = tree_in(tmp_path).run(["orders"], grain="month")
    assert column(result, "complete") == [True, True, True, True]
    result = tree_in(tmp_path).run(["orders"], grain="year")
    assert column(result, "complete") == [True, False]
    assert days(result)[1] == "01-01..03-31 cut"


def test_days_count_up_to_where_the_first_source_ends(tmp_path: Path) -> None:
    tree = two_sources(tmp_path)
    result = tree.run(grain="month")
    assert days(result) == ["01-01..01-31", "02-01..02-10 cut"]
    assert [one.days for one in result.periods] == [31, 10]
    assert column(result, "orders") == [2, 2]
    assert column(result, "visits") == [28, 11]
    assert result.ends == {"orders": date(2025, 2, 10), "visits": date(2025, 3, 1)}
    assert tree.run(["orders", "visits"], until="2025-12-31").rows == ((4, 39),)
    alone = tree.run(["visits"], grain="month")
    assert column(alone, "visits") == [28, 29, 1]
    assert column(alone, "complete") == [True, True, False]
    assert alone.ends == {}


STOPPED = "day,country\n2025-01-01 08:00:00,de\n2025-02-10 10:00:00,de\n"


def test_a_source_that_stops_within_a_day_counts_up_to_the_day_before_if_others_go_on(
    tmp_path: Path,
) -> None:
    tree = two_sources(tmp_path)
    source = (tmp_path / "tree.yml").read_text(encoding="utf-8")
    ends = dict(tree.run(grain="month").ends)
    first = min(ends, key=ends.__getitem__)
    path = tmp_path / tree.spec.sources[first].path  # type: ignore[operator]
    path.write_text(
        path.read_text(encoding="utf-8").replace("2025-02-10", "2025-02-10 10:00:00"),
        encoding="utf-8",
    )
    result = MetricTree.load(tmp_path / "tree.yml").run(grain="month")
    assert days(result) == ["01-01..01-31", "02-01..02-09 cut"], source
    assert "days to 2025-02-09" in repr(result)
    assert "--as-of says up to which day it is complete" in repr(result)


def test_a_day_that_may_not_be_over_is_marked_by_day_and_taken_for_whole_else(
    tmp_path: Path,
) -> None:
    tree = tree_in(tmp_path, one_measure("count()"), orders__csv=STOPPED)
    result = tree.run(grain="day", since="2025-02-08")
    assert column(result, "complete") == [True, True, False]
    assert "2025-02-10 is not complete (the day may not be over)" in repr(result)
    kept = tree.run(grain="day", since="2025-02-08", reuse=tmp_path / "kept")
    assert kept == tree.run(grain="day", since="2025-02-08", reuse=tmp_path / "kept") == result
    result = tree.run(grain="day", since="2025-02-08", as_of="2025-02-10")
    assert column(result, "complete") == [True, True, True]
    assert tree.run(grain="month").periods[-1].last == date(2025, 2, 10)
    midnight = STOPPED.replace("10:00:00", "00:00:00")  # a day that was written as a time
    tree = tree_in(tmp_path, one_measure("count()"), orders__csv=midnight)
    assert column(tree.run(grain="day", since="2025-02-08"), "complete") == [True, True, True]


@pytest.mark.parametrize(
    "chosen", [{"where": "country == 'De'"}, {"until": "2020-01-31", "since": "2020-01-01"}]
)
@pytest.mark.parametrize("grain", ["month", "all"])
def test_a_source_of_which_nothing_counts_is_named(
    tmp_path: Path, chosen: dict[str, Any], grain: str
) -> None:
    result = tree_in(tmp_path).run(["revenue", "orders"], grain=grain, **chosen)
    assert result.idle == ("orders",)
    assert "nothing of the source orders counts: look at --where" in repr(result)
    assert tree_in(tmp_path).run(["orders"], grain=grain, where="amount > 5").idle == ()


def test_a_comparison_with_what_the_data_has_a_part_of_says_so(tmp_path: Path) -> None:
    result = tree_in(tmp_path).run(["orders"], grain="month", compare="previous")
    assert [one.lacks for one in result.periods] == [False, True, False, False]
    told = "2025-01-01 is compared with 2024-12-01 to 2024-12-31, of which the data has not all"
    assert told in repr(result)
    result = tree_in(tmp_path).run(["orders"], grain="quarter", compare="2025-Q1")
    assert "compared with 2025-Q1 (2025-01-01 to 2025-03-31)" in repr(result)
    span = {"since": "2025-01-01", "until": "2025-01-31"}
    result = tree_in(tmp_path).run(["orders"], compare="previous", **span)  # type: ignore[arg-type]
    assert "note: compared with 2024-12-01 to 2024-12-31" in repr(result)


def test_large_integers_of_pandas_are_exact_or_refused(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"v": [2**53 + 1, 1]})

    def tree(aggregate: str) -> MetricTree:
        return tree_in(tmp_path, one_measure(aggregate, dimensions=["v"]))

    assert tree("sum(v)").run(sources={"orders": frame}).rows == ((float(2**53 + 2),),)
    assert tree("mean(v)").run(sources={"orders": frame}).rows == ((2**52 + 1.0,),)
    for aggregate in ("std(v)", "median(v)"):
        with pytest.raises(SourceError, match="integers past 2"):
            tree(aggregate).run(sources={"orders": frame})
    with pytest.raises(SourceError):
        tree("sum(v)").run(sources={"orders": frame.astype("uint64") + 2**63})
    zeros = pd.DataFrame({"v": [-0.0, 0.0, None]})
    assert tree("count_distinct(v)").run(sources={"orders": zeros}).rows == ((1.0,),)
    assert tree("count()").run(by="v", sources={"orders": zeros}).rows == ((0.0, 2.0), (None, 1.0))


def test_periods_after_the_end_of_the_data_are_there_if_they_are_asked_for(tmp_path: Path) -> None:
    result = two_sources(tmp_path).run(grain="month", since="2025-02-01", until="2025-03-31")
    assert days(result) == ["02-01..02-10 cut", "03-01..02-10 cut"]
    assert [one.days for one in result.periods] == [10, 0]
    assert column(result, "visits") == [11, 0]


def test_what_is_known_of_the_data_counts_more_than_its_last_row(tmp_path: Path) -> None:
    tree = two_sources(tmp_path)
    result = tree.run(grain="month", as_of="2025-02-28")
    assert days(result) == ["01-01..01-31", "02-01..02-28"]
    assert column(result, "visits") == [28, 29]
    result = tree.run(["orders"], grain="month", as_of="2025-04-01")
    assert days(result) == ["01-01..01-31", "02-01..02-28", "03-01..03-31", "04-01..04-01 cut"]
    assert column(result, "orders") == [2, 2, 0, 0]


def test_rows_after_the_day_that_the_data_is_known_for_do_not_count(tmp_path: Path) -> None:
    tree = two_sources(tmp_path)
    result = tree.run(grain="month", as_of=date(2025, 2, 9))
    assert days(result) == ["01-01..01-31", "02-01..02-09 cut"]
    assert column(result, "orders") == [2, 1]
    assert column(result, "visits") == [28, 10]
    assert tree.run(["orders", "visits"], as_of="2025-02-09").rows == ((3, 38),)
    assert tree.run(grain="month", as_of="2025-02-09", until="2025-03-31").rows == result.rows
    with pytest.raises(UsageError, match="since 2025-03-01 is after as_of 2025-02-09: choose an"):
        tree.run(since="2025-03-01", as_of="2025-02-09")


# --- functions over time

SHOP = """\
day,country,amount
2025-01-05,de,10
2025-01-20,fr,20
2025-02-10,de,5
2025-03-03,de,7
2025-03-20,it,1
2025-05-10,de,4
2025-05-10,,3
"""
OVER_TIME = """\
north_star: trend
sources:
  orders: {path: orders.csv, time: day, dimensions: [country]}
metrics:
  trend: growth(revenue)
  before: lag(revenue, 2)
  two: rolling_sum(revenue, 2)
  smooth: lag(two)
  so_far: cumulative(orders)
  price: change(value)
  value: revenue / orders
  revenue: {measure: {source: orders, aggregate: sum(amount)}}
  orders: {measure: {source: orders, aggregate: count()}}
"""


def shop(folder: Path, text: str = OVER_TIME, rows: str = SHOP) -> MetricTree:
    return tree_in(folder, text, orders__csv=rows)


def test_functions_over_time_look_at_the_periods_before(tmp_path: Path) -> None:
    targets = ["revenue", "trend", "before", "two", "smooth", "so_far", "price"]
    result = shop(tmp_path).run(targets, grain="month")
    assert [(day.month, *values) for day, *values in plain(result)] == [
        (1, 30, None, None, None, None, 2, None),
        (2, 5, pytest.approx(-25 / 30), None, 35, None, 3, -10),
        (3, 8, pytest.approx(0.6), 30, 13, 35, 5, -1),
        (4, 0, -1, 5, 8, 13, 5, None),
        (5, 7, None, 8, 7, 8, 7, None),
    ]
    reasons = [str(result.why(row, "trend")) for row in (0, 4)]
    assert reasons[0].endswith("there are not enough periods before")
    assert reasons[1].endswith("division by zero (revenue is 7, lag(revenue) is 0)")
    assert str(result.why(4, "price")).startswith(
        "value = revenue / orders is missing 1 period before"
    )


def test_each_group_is_a_series_of_its_own(tmp_path: Path) -> None:
    result = shop(tmp_path).run(["revenue", "trend", "so_far"], grain="month", by="country")
    query = """
        with months as (
            select unnest(range(date '2025-01-01', date '2025-06-01', interval 1 month))::date as m
        ), cells as (
            select m, s.country, coalesce(sum(amount), 0)::double as revenue,
                count(amount) as orders
            from months cross join (select distinct country from rows) s
            left join rows
            on date_trunc('month', day) = m and rows.country is not distinct from s.country
            group by all
        )
        select m, country, revenue,
            revenue / nullif(lag(revenue) over w, 0) - 1, sum(orders) over w
        from cells window w as (partition by country order by m) order by m, country nulls last
    """
    with duckdb.connect() as connection:
        connection.read_csv(str(tmp_path / "orders.csv")).create_view("rows")
        assert list(plain(result)) == connection.sql(query).fetchall()


@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter"])
@pytest.mark.parametrize("by", [(), ("country",)])
def test_periods_have_the_values_that_they_have_without_a_first_day(
    tmp_path: Path, grain: str, by: tuple[str, ...]
) -> None:
    tree = shop(tmp_path)
    everything = tree.run(grain=grain, by=by, until="2025-05-31")
    for period in everything.periods[:: len(everything.periods) // 10 or 1]:
        result = tree.run(grain=grain, by=by, since=period.start, until="2025-05-31")
        assert result.rows == tuple(row for row in everything.rows if row[0] >= period.start)


def test_only_the_periods_that_are_looked_at_bring_groups(tmp_path: Path) -> None:
    tree = shop(tmp_path)

    def countries(target: str) -> list[Any]:
        return column(
            tree.run([target], grain="month", by="country", since="2025-05-01"), "country"
        )

    assert countries("revenue") == ["de", None]
    assert countries("two") == ["de", None]
    assert countries("before") == ["de", "it", None]
    assert countries("smooth") == ["de", "it", None]
    assert countries("so_far") == ["de", "fr", "it", None]


def test_functions_over_time_begin_with_a_whole_period(tmp_path: Path) -> None:
    tree = shop(tmp_path)
    with pytest.raises(UsageError, match="since 2025-03-10 lies inside of a month") as caught:
        tree.run(["revenue", "before", "two", "trend"], grain="month", since="2025-03-10")
    (problem,) = caught.value.diagnostics
    assert problem.fix is not None
    assert problem.fix.startswith("begin with 2025-03-01")
    assert len(tree.run(["revenue"], grain="month", since="2025-03-10")) == 3
    assert len(tree.run(["revenue", "two"], grain="month", since="2025-03-01")) == 3


def test_before_the_first_row_nothing_is_known(tmp_path: Path) -> None:
    tree = shop(tmp_path)
    for since in ("2024-12-01", "2025-01-01"):
        result = tree.run(["trend", "so_far"], grain="month", since=since, until="2025-01-31")
        reason = result.why(0, "trend")
        assert reason is not None
        assert reason.rule is Rule.NO_HISTORY
    result = tree.run(["orders", "before"], grain="month", since="2024-11-01", until="2025-01-31")
    assert plain(result)[1:] == ((date(2024, 12, 1), 0, None), (date(2025, 1, 1), 2, 0))


def test_a_reason_may_lie_before_the_first_day(tmp_path: Path) -> None:
    text = OVER_TIME.replace("sum(amount)", "max(amount)")
    result = shop(tmp_path, text).run(["two"], grain="month", by="country", since="2025-03-01")
    row = next(at for at, one in enumerate(result.rows) if one[1] == "it")
    reason = result.why(row, "two")
    assert reason is not None
    assert (reason.metric, reason.rule, reason.before) == ("revenue", Rule.NO_VALUES, 1)
    assert str(reason).startswith("revenue = max(amount) is missing 1 period before: there are no")
    assert pickle.loads(pickle.dumps(result)).why(row, "two") == reason


def test_all_time_has_no_functions_over_time(tmp_path: Path) -> None:
    tree = shop(tmp_path)
    with pytest.raises(ComputeError) as caught:
        tree.run(["trend"])
    assert {problem.code for problem in caught.value.diagnostics} == {"VAL108"}
    assert tree.run(["value"]).rows == ((50 / 7,),)


# --- comparisons


def compared(result: RunResult, metric: str = "revenue") -> list[tuple[Any, ...]]:
    """Return with which days each row is compared, and what came out."""
    ends = ("", "_before", "_change", "_growth")
    return [
        (
            row["compared_from"] and f"{row['compared_from']:%m-%d}..{row['compared_to']:%m-%d}",
            *(row[metric + end] for end in ends),
        )
        for row in result.to_dicts()
    ]


def test_each_period_is_compared_with_the_one_before(tmp_path: Path) -> None:
    result = shop(tmp_path).run(["revenue"], grain="month", compare="previous", until="2025-05-31")
    assert compared(result) == [
        (None, 30, None, None, None),
        ("01-01..01-31", 5, 30, -25, -25 / 30),
        ("02-01..02-28", 8, 5, 3, 3 / 5),
        ("03-01..03-31", 0, 8, -8, -1),
        ("04-01..04-10", 7, 0, 7, None),
    ]
    assert result.periods[1].compared == (date(2025, 1, 1), date(2025, 1, 31))
    assert [one.like_for_like for one in result.periods] == [False, False, False, False, True]


def test_growth_is_measured_by_the_size_of_what_was_before(tmp_path: Path) -> None:
    rows = "day,country,amount\n2025-01-05,de,-10\n2025-02-28,de,5\n"
    result = shop(tmp_path, rows=rows).run(["revenue", "value"], grain="month", compare="previous")
    assert compared(result)[1] == ("01-01..01-31", 5, -10, 15, 1.5)
    assert compared(result, "value")[1][1:] == (5, -10, 15, 1.5)


MARCH = "2025-03-31"
LIKE = [
    # Cut at its end, its beginning, both; and longer than the month before.
    ({"until": "2025-03-15"}, ("02-01..02-15", 7, 5), ("02-01..02-28", 7, 5)),
    ({"until": "2025-03-04"}, ("02-01..02-04", 7, 0), ("02-01..02-28", 7, 5)),
    ({"since": "2025-03-11", "until": MARCH}, ("02-11..02-28", 1, 0), ("02-01..02-28", 1, 5)),
    ({"since": "2025-03-02", "until": MARCH}, ("02-02..02-28", 8, 5), ("02-01..02-28", 8, 5)),
    ({"until": "2025-03-30"}, ("02-01..02-28", 8, 5), ("02-01..02-28", 8, 5)),
    ({"since": "2025-03-30", "until": MARCH}, ("02-28..02-28", 0, 0), ("02-01..02-28", 0, 5)),
    ({"since": "2025-03-03", "until": "2025-03-05"},
     ("02-03..02-05", 7, 0),
     ("02-01..02-28", 7, 5)),
]  # fmt: skip


@pytest.mark.parametrize(("span", "like", "whole"), LIKE)
def test_a_period_that_is_cut_is_compared_with_as_many_days_or_with_all(
    tmp_path: Path, span: dict[str, Any], like: tuple[Any, ...], whole: tuple[Any, ...]
) -> None:
    tree = shop(tmp_path)
    result = tree.run(["revenue"], grain="month", compare="previous", **span)
    assert compared(result)[-1][:3] == like
    assert result.periods[-1].like_for_like
    given: dict[str, Any] = {"grain": "month", "compare": "previous", "like_for_like": False}
    result = tree.run(["revenue"], **given, **span)
    assert compared(result)[-1][:3] == whole
    assert not result.periods[-1].like_for_like


def test_a_year_ago_is_the_same_period_of_the_year_before(tmp_path: Path) -> None:
    rows = "day,country,amount\n2023-12-31,de,1\n" + "".join(
        f"{date(2024, 1, 1) + timedelta(days=n)},de,{n}\n" for n in range(600)
    )
    tree = shop(tmp_path, rows=rows)

    def before(grain: str, since: str, until: str) -> tuple[Any, ...]:
        (row,) = tree.run(
            ["orders"], grain=grain, since=since, until=until, compare="year_ago"
        ).to_dicts()
        return str(row["compared_from"]), str(row["compared_to"]), row["orders_before"]

    assert before("day", "2025-03-01", "2025-03-01") == ("2024-03-01", "2024-03-01", 1)
    assert before("week", "2025-03-03", "2025-03-09") == ("2024-03-04", "2024-03-10", 7)
    assert before("month", "2025-02-01", "2025-02-28") == ("2024-02-01", "2024-02-29", 29)
    assert before("month", "2025-02-01", "2025-02-10") == ("2024-02-01", "2024-02-10", 10)
    assert before("quarter", "2025-01-01", "2025-03-31") == ("2024-01-01", "2024-03-31", 91)
    assert before("year", "2025-01-01", "2025-03-31") == ("2024-01-01", "2024-03-30", 90)
    # No other year has the 29th of February.
    rows = "day,country,amount\n2023-02-28,de,1\n2024-02-29,de,1\n"
    tree = shop(tmp_path, rows=rows)
    assert before("day", "2024-02-29", "2024-02-29") == ("2023-02-28", "2023-02-28", 1)


@pytest.mark.parametrize(
    ("grain", "period", "starts"),
    [
        ("day", "2025-01-20", "2025-01-20"),
        ("week", "2025-01-08", "2025-01-05"),
        ("month", "2025-02", "2025-02-01"),
        ("quarter", "2024-Q4", "2025-01-01"),
        ("quarter", "2024-q3", None),
        ("year", "2024", "2024-04-01"),
        ("month", "2024-12", None),
        ("month", "2025-06", None),
    ],
)
def test_every_period_can_be_compared_with_the_same(
    tmp_path: Path, grain: str, period: str, starts: str | None
) -> None:
    text = f"fiscal_year_start: 4\nweek_start: sunday\n{OVER_TIME}"
    result = shop(tmp_path, text).run(["revenue"], grain=grain, compare=period)
    assert result.compare == period
    found = {one.compared[0] for one in result.periods if one.compared}
    assert found == ({date.fromisoformat(starts)} if starts else set())
    assert len({one[2] for one in compared(result)}) <= 2  # of whole periods, and of one cut


def test_what_lies_beyond_the_data_is_compared_with_nothing(tmp_path: Path) -> None:
    tree = shop(tmp_path)
    for like in (True, False):
        result = tree.run(["revenue"], grain="month", compare="2025-05", like_for_like=like)
        assert compared(result)[0] == ("05-01..05-10", 30, 7, 23, 23 / 7)
        given: dict[str, Any] = {"grain": "month", "compare": "2025-06", "like_for_like": like}
        assert {row[:1] + row[2:] for row in compared(tree.run(["revenue"], **given))} == {
            (None, None, None, None)
        }


def test_a_span_of_all_time_is_compared_with_the_span_before(tmp_path: Path) -> None:
    tree = shop(tmp_path)

    def told(kind: str, since: str, until: str, **given: Any) -> tuple[Any, ...]:
        (row,) = compared(tree.run(["revenue"], since=since, until=until, compare=kind, **given))
        return row[:3]

    assert told("previous", "2025-03-01", "2025-03-31") == ("01-29..02-28", 8, 5)
    assert told("previous", "2025-05-01", "2025-05-20") == ("04-11..04-20", 7, 0)
    assert told("previous", "2025-05-01", "2025-05-20", like_for_like=False)[0] == "04-11..04-30"
    assert told("previous", "2025-01-01", "2025-01-31") == (None, 30, None)
    assert told("year_ago", "2025-03-01", "2025-03-31") == (None, 8, None)
    assert told("year_ago", "2026-02-01", "2026-03-31", as_of="2026-03-31") == (
        "02-01..03-31",
        0,
        13,
    )


def test_groups_that_were_there_before_only_have_rows(tmp_path: Path) -> None:
    tree = shop(tmp_path)
    given: dict[str, Any] = {
        "grain": "month",
        "by": "country",
        "since": "2025-02-01",
        "until": "2025-02-28",
    }
    result = tree.run(["revenue", "value"], **given, compare="previous")
    assert column(result, "country") == ["de", "fr"]
    assert [row[1:4] for row in compared(result)] == [(5, 10, -5), (0, 20, -20)]
    assert [row[1:4] for row in compared(result, "value")] == [(5, 10, -5), (None, 20, None)]
    assert column(tree.run(["revenue"], **given), "country") == ["de"]


@pytest.mark.parametrize("like", [True, False])
@pytest.mark.parametrize("compare", ["previous", "year_ago", "fixed"])
@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter", "year"])
def test_what_was_before_is_what_a_run_of_those_days_gives(
    tmp_path: Path, grain: str, compare: str, like: bool
) -> None:
    rows = "day,country,amount\n" + "".join(
        f"{date(2023, 11, 5) + timedelta(days=n * n)},{'de' if n % 3 else 'fr'},{n}\n"
        for n in range(28)
    )
    tree = shop(tmp_path, rows=rows)
    targets = ["revenue", "orders", "value"]
    few: dict[str, Any] = {"since": "2025-09-05", "until": "2025-09-26"}
    fixed = {"day": "2024-01-25", "week": "2024-01-25", "month": "2024-01", "quarter": "2024-Q1"}
    result = tree.run(
        targets,
        grain=grain,
        by="country",
        totals=True,
        **(few if grain in ("day", "week") else {}),
        compare=fixed.get(grain, "2024") if compare == "fixed" else compare,
        like_for_like=like,
    )
    runs: dict[Any, Mapping[Any, Any]] = {}
    seen = 0
    for row in result.to_dicts():
        span = row["compared_from"], row["compared_to"]
        if span == (None, None):
            assert {row[f"{name}_before"] for name in targets} == {None}
            continue
        if span not in runs:
            other = tree.run(
                targets, by="country", totals=True, since=span[0], until=span[1]
            ).to_dicts()
            runs[span] = {(one["country"], one["total"]): one for one in other}
        nothing = {"revenue": 0, "orders": 0, "value": None}
        right = runs[span].get((row["country"], row["total"]), nothing)
        for name in targets:
            now, before = row[name], row[f"{name}_before"]
            assert before == right[name]
            known = now is not None and before is not None
            assert row[f"{name}_change"] == (now - before if known else None)
            assert row[f"{name}_growth"] == (
                pytest.approx((now - before) / abs(before)) if known and before else None
            )
            seen += bool(before)
    assert seen


def test_functions_over_time_are_compared_too(tmp_path: Path) -> None:
    tree = shop(tmp_path)
    result = tree.run(["two", "so_far"], grain="month", compare="previous")
    two = column(result, "two")
    assert column(result, "two_before")[:-1] == [None, *two[:-2]]
    assert column(result, "so_far_before")[:-1] == [None, *column(result, "so_far")[:-2]]
    # April up to the 10th, as May is known; and March before it, in whole.
    assert column(result, "two_before")[-1] == 8


# --- totals


def test_rows_of_totals_go_over_all_values_and_null_is_a_group(tmp_path: Path) -> None:
    result = tree_in(tmp_path).run(
        ["orders", "mean_amount", "countries"], by="country", totals=True
    )
    assert result.columns == ("country", "total", "orders", "mean_amount", "countries")
    assert result.rows == (
        ("de", None, 3, 22 / 3, 1),
        ("fr", None, 1, 20, 1),
        (None, None, 1, 0, 0),
        (None, "country", 5, 8.4, 2),
    )


def test_two_dimensions_have_totals_of_each_and_of_both(tmp_path: Path) -> None:
    result = tree_in(tmp_path).run(["orders"], by=["country", "status"], totals=True)
    assert result.rows == (
        ("de", "open", None, 1), ("de", "paid", None, 2), ("fr", "paid", None, 1),
        (None, "open", None, 1),
        ("de", None, "status", 3), ("fr", None, "status", 1), (None, None, "status", 1),
        (None, "open", "country", 2), (None, "paid", "country", 3),
        (None, None, "country,status", 5),
    )  # fmt: skip


@pytest.mark.parametrize("since", [None, "2025-03-01"])
def test_functions_over_time_of_totals_are_those_of_all_rows(
    tmp_path: Path, since: str | None
) -> None:
    tree = shop(tmp_path)
    result = tree.run(grain="month", by="country", totals=True, since=since)
    everything = tree.run(grain="month", since=since)
    totals = [row for row in result.to_dicts() if row["total"]]
    assert [{**row} for row in everything.to_dicts()] == [
        {name: value for name, value in row.items() if name not in ("country", "total")}
        for row in totals
    ]
    assert result.groups == 5
    assert [row["total"] for row in result.to_dicts()][:5] == [None] * 4 + ["country"]


# --- conditions of a run


def test_rows_that_do_not_fulfil_the_condition_count_nowhere(tmp_path: Path) -> None:
    tree = tree_in(tmp_path)
    assert tree.run(["orders", "paid", "revenue"], where="country == 'de'").rows == ((3, 2, 22),)
    assert tree.run(["orders"], where="amount > 5 and status != 'open'").rows == ((2,),)
    assert tree.run(["orders"], where="is_missing(country)", by="country").rows == ((None, 1),)
    assert tree.run(["orders"], where="country == 'xx'").rows == ((0,),)


def test_periods_do_not_depend_on_the_condition(tmp_path: Path) -> None:
    tree = tree_in(tmp_path)
    result = tree.run(["orders"], grain="month", where="country == 'fr'")
    assert column(result, "orders") == [0, 1, 0, 0]
    result = tree.run(["orders"], grain="month", where="country == 'fr'", compare="previous")
    assert column(result, "orders_before") == [None, 0, 1, 0]


def test_a_condition_may_leave_out_rows_without_a_time(tmp_path: Path) -> None:
    content = "day,country\n2025-01-01,de\n,de\n,fr\n"
    tree = tree_in(tmp_path, one_measure("count()"), orders__csv=content)
    result = tree.run(grain="month", where="not is_missing(day)")
    assert plain(result) == ((date(2025, 1, 1), 1),)
    ((code, told),) = refused(tree, grain="month", where="country == 'de'")
    assert code == "SRC110"
    assert "1 in 'x'" in told


WHERES = [
    ("cuontry == 'de'", SourceError, "SRC106", "'cuontry' (in the source 'orders'): did you mean"),
    ("country == 3", SourceError, "SRC107", "'country' (text of type VARCHAR) and '3' (a number)"),
    ("amount > 'x'", SourceError, "SRC107", "and 'x' (text)"),
    ("amount", SourceError, "SRC107", "'amount' is a number of type DOUBLE, where a condition"),
    ("country", SourceError, "SRC107", "where a condition is needed"),
    ("amount + country > 1", SourceError, "SRC107", "'country' holds text"),
    ("country = 'de'", UsageError, "FML104", "write == to compare"),
    ("", UsageError, "FML101", "the condition is empty"),
    ("country ==", UsageError, "FML105", ""),
    (3, UsageError, "VAL110", "where is 3, no text: write a condition such as"),
    (["country == 'de'"], UsageError, "VAL110", "no text"),
]


@pytest.mark.parametrize(("where", "kind", "code", "sentence"), WHERES)
def test_a_condition_that_cannot_be_asked_is_refused(
    tmp_path: Path, where: Any, kind: type[Exception], code: str, sentence: str
) -> None:
    with pytest.raises((SourceError, UsageError)) as caught:
        tree_in(tmp_path).run(["orders"], where=where)
    assert type(caught.value) is kind
    (problem,) = caught.value.diagnostics
    assert problem.code == code
    assert sentence in str(problem)
    assert problem.fix


def test_the_place_in_a_condition_is_marked(tmp_path: Path) -> None:
    tree = tree_in(tmp_path)
    for where, marked in (("amount > 1 and cuontry == 'de'", "cuontry"), ("id = 3", "=")):
        with pytest.raises((SourceError, UsageError)) as caught:
            tree.run(["orders"], where=where)
        (problem,) = caught.value.diagnostics
        span = problem.span
        assert span is not None
        assert str(problem).startswith(f"where:1:{span.column}: ")
        assert span.text[span.column - 1 : span.end_column - 1] == marked


def test_a_condition_names_columns_of_every_source(tmp_path: Path) -> None:
    tree = two_sources(tmp_path)
    (tmp_path / "visits.csv").write_text("day,country,bot\n2025-01-01,de,true\n", encoding="utf-8")
    ((code, told),) = refused(tree, where="not bot")
    assert code == "SRC106"
    assert "(in the source 'orders')" in told
    assert tree.run(["visits"], where="not bot").rows == ((0,),)


# --- sources from Python


def test_frames_take_the_place_of_sources(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    tree = two_sources(tmp_path)
    frame = polars.DataFrame({"day": [date(2025, 1, 7)], "country": ["xx"]})
    result = tree.run(["orders", "visits"], by="country", sources={"orders": frame})
    assert result.rows == (("de", 0, 56), ("it", 0, 2), ("xx", 1, 0))
    (tmp_path / "orders.csv").unlink()
    assert tree.run(["orders"], sources={"orders": frame}).rows == ((1,),)


@pytest.mark.parametrize(
    ("sources", "sentence"),
    [
        ({"order": 3}, "the tree has no source 'order': did you mean orders?"),
        ({3: 3}, "the tree has no source '3': declare it"),
        ([3], "sources is [3], no mapping: give frames by source"),
        ({"orders": None}, "what is given for the source 'orders' is None, no frame: leave it out"),
    ],
)
def test_what_cannot_be_a_source_is_refused(tmp_path: Path, sources: Any, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        tree_in(tmp_path).run(["orders"], sources=sources)
    assert sentence in str(caught.value)


# --- mistakes


ARGUMENTS = [
    ({"grain": "monht"}, "'monht' is no grain: did you mean month?"),
    ({"grain": "hour"}, "the grains are day, week, month, quarter, year, all"),
    ({"by": [3]}, "3 is no name of a dimension"),
    ({"by": [[]]}, "[] is no name of a dimension"),
    ({"by": 5}, "by is 5, no names of dimensions"),
    ({"by": None}, "by is None, no names of dimensions"),
    ({"since": "2025-13-01"}, "since is '2025-13-01', which is no day"),
    ({"until": "20250101"}, "until is '20250101', which is no day"),
    ({"until": 3}, "until is 3, which is no day"),
    ({"since": "2025-01-02", "until": "2025-01-01"}, "since 2025-01-02 is after until 2025-01-01"),
    ({"since": "2025-W01-1"}, "since is '2025-W01-1', which is no day"),
    ({"as_of": "soon"}, "as_of is 'soon', which is no day"),
    ({"totals": True}, "totals go over dimensions, and there are none"),
    ({"engine": "polrs"}, "'polrs' is no engine: did you mean polars?"),
    ({"engine": None}, "'None' is no engine: give duckdb, polars, pandas, spark, ibis"),
    ({"targets": ["ordres"]}, "did you mean orders?"),
]


@pytest.mark.parametrize(("arguments", "sentence"), ARGUMENTS)
def test_an_argument_without_a_meaning_is_refused(
    tmp_path: Path, arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError) as caught:
        tree_in(tmp_path).run(**arguments)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("month", {"grain": "month"}),
        ("complete", {"grain": "month"}),
        ("country", {"by": "country"}),
        ("total", {"by": "country", "totals": True}),
        ("orders_before", {"grain": "month", "compare": "previous"}),
        ("compared_from", {"grain": "month", "compare": "previous"}),
    ],
)
def test_two_columns_of_one_name_are_refused(
    tmp_path: Path, name: str, arguments: dict[str, Any]
) -> None:
    tree = tree_in(tmp_path, TREE.replace("fee:", f"{name}:"))
    assert tree.run(["orders", name]).rows == ((5, 0.25),)
    with pytest.raises(UsageError, match=f"two columns of the result would be named '{name}'"):
        tree.run(["orders", name], **arguments)


def test_periods_without_a_source_are_refused() -> None:
    tree = MetricTree(north_star="a", metrics={"a": 3})
    with pytest.raises(UsageError, match="no target is measured from a source"):
        tree.run(grain="month")


def test_inputs_and_functions_over_time_are_named(tmp_path: Path) -> None:
    text = TREE.replace("fee: {value: 0.25, role: health}", "seats:\n  trend: growth(orders)")
    with pytest.raises(ComputeError) as caught:
        tree_in(tmp_path, text).run()
    assert [(problem.code, problem.metric) for problem in caught.value.diagnostics] == [
        ("VAL103", "seats"),
        ("VAL108", "trend"),
    ]
    assert "choose targets that do not need it" in str(caught.value)
    assert tree_in(tmp_path, text).run(["orders"]).rows == ((5,),)


def test_a_result_of_too_many_rows_is_refused(tmp_path: Path) -> None:
    tree_in(tmp_path)
    tree = MetricTree.load(tmp_path / "tree.yml", limits=Limits(rows=12))
    assert len(tree.run(["orders"], grain="month", by="country")) == 12
    ((code, text),) = refused(tree, ["orders"], grain="month", by="country", since="2024-11-01")
    assert code == "SRC115"
    assert "the result has 15 rows (5 periods of 3 groups), more than 12" in text


def test_groups_past_the_limit_are_not_fetched(tmp_path: Path) -> None:
    parquet(tmp_path, "select range as country from range(50)")
    tree_in(tmp_path, one_measure("count()", path="orders.parquet", dimensions=["country"]))
    allowed = MetricTree.load(tmp_path / "tree.yml", limits=Limits(rows=50))
    assert len(allowed.run(by="country")) == 50
    ((code, told),) = refused(
        MetricTree.load(tmp_path / "tree.yml", limits=Limits(rows=49)), by="country"
    )
    assert code == "SRC115"
    assert "the source 'orders' gives more than 49 rows" in told


def test_a_dimension_that_a_source_does_not_declare_is_named(tmp_path: Path) -> None:
    tree = tree_in(tmp_path)
    ((code, text),) = refused(tree, ["orders"], by="contry")
    assert code == "SRC108"
    assert "the source 'orders' has no dimension 'contry': did you mean country?" in text
    ((_, text),) = refused(tree, ["orders"], by=["amount"])
    assert "it has country, status; list the column under `dimensions`" in text


def test_a_dimension_without_a_column_is_named(tmp_path: Path) -> None:
    tree = tree_in(tmp_path, TREE.replace("[country, status]", "[country, stat]"))
    for arguments in ({}, {"by": "country"}, {"by": "stat"}):
        ((code, text),) = refused(tree, ["orders"], **arguments)
        assert code == "SRC106"
        assert ":3:63: SRC106 the source 'orders' has no column 'stat': did you mean" in text


def test_a_dimension_of_an_odd_type_is_refused(tmp_path: Path) -> None:
    parquet(tmp_path, "select [1] as country, '' as day")
    tree = tree_in(tmp_path, one_measure("count()", path="orders.parquet"))
    ((code, text),) = refused(tree, by="country")
    assert code == "SRC107"
    assert "the dimension 'country' has the type INTEGER[]" in text


def test_a_dimension_of_two_types_is_refused(tmp_path: Path) -> None:
    text = """\
north_star: x
sources:
  orders: {path: orders.csv, dimensions: [country]}
  visits: {path: visits.csv, dimensions: [country]}
metrics:
  x: a + b
  a: {measure: {source: orders, aggregate: count()}}
  b: {measure: {source: visits, aggregate: count()}}
"""
    tree = tree_in(tmp_path, text, visits__csv="country,n\n49,1\n")
    with pytest.raises(SourceError) as caught:
        tree.run(by="country")
    assert caught.value.diagnostics[0].message == (
        "the dimension 'country' has no one type: it is text in 'orders', a number in 'visits'"
    )


@pytest.mark.parametrize(
    ("dtype", "cell", "sentence"),
    [
        ("timestamp_ns", "2025-01-01 10:00:00.123456789", "finer than microseconds"),
        ("date", "infinity", "outside of the years 1 to 9999"),
        ("date", "12025-01-01", "outside of the years 1 to 9999"),
        ("date", "0044-01-01 (BC)", "outside of the years 1 to 9999"),
        ("timestamp", "-infinity", "outside of the years 1 to 9999"),
        ("timestamp", "12025-01-01", "outside of the years 1 to 9999"),
        ("timestamp_s", "12025-01-01", "outside of the years 1 to 9999"),
    ],
)
def test_a_dimension_of_times_that_python_has_not_is_refused(
    tmp_path: Path, dtype: str, cell: str, sentence: str
) -> None:
    rows = f"('{cell}'), ('2025-01-01')"
    parquet(tmp_path, f"select country::{dtype} as country from (values {rows}) as t(country)")  # noqa: S608
    text = one_measure("count()", path="orders.parquet", dimensions=["country"])
    ((code, told),) = refused(tree_in(tmp_path, text), by="country")
    assert code == "SRC112"
    assert f"the dimension 'country' holds times {sentence}" in told


@pytest.mark.parametrize("arguments", [{"grain": "day"}, {"since": "2025-01-01"}])
def test_a_source_without_time_has_no_periods(tmp_path: Path, arguments: dict[str, Any]) -> None:
    tree = tree_in(tmp_path, TREE.replace("time: day, ", ""))
    ((code, text),) = refused(tree, ["orders"], **arguments)
    assert code == "SRC109"
    assert "the source 'orders' has no time column" in text


def test_a_time_without_a_column_is_named_also_for_all_time(tmp_path: Path) -> None:
    tree = tree_in(tmp_path, TREE.replace("time: day", "time: date"))
    ((code, text),) = refused(tree, ["orders"])
    assert code == "SRC106"
    assert "the source 'orders' has no column 'date'" in text


TIMES = [
    ("integer", "1", "SRC107", "the time column 'day' has the type INTEGER"),
    ("timestamptz", "'infinity'", "SRC112", "outside of the years 1 to 9999"),
    ("date", "'-infinity'", "SRC112", "outside of the years 1 to 9999"),
    ("timestamp", "'infinity'", "SRC112", "outside of the years 1 to 9999"),
    ("varchar", "'01/02/2025'", "SRC107", "holds texts that are no days: '01/02/2025'"),
    ("varchar", "'2025-02-30'", "SRC107", "holds texts that are no days: '2025-02-30'"),
    ("varchar", "'2025-01-01 24:00'", "SRC107", "holds texts that are no days"),
    ("varchar", "'2025-01-01Z'", "SRC107", "holds texts that are no days"),
    ("varchar", "'2025-01-01T10:00:00+1:00'", "SRC107", "holds texts that are no days"),
    ("varchar", "'2025-01-01 10:00:00.5 PST'", "SRC107", "holds texts that are no days"),
    ("date", "'12025-01-01'", "SRC112", "outside of the years 1 to 9999"),
    ("date", "'0044-03-15 (BC)'", "SRC112", "outside of the years 1 to 9999"),
]


@pytest.mark.parametrize(("dtype", "value", "code", "sentence"), TIMES)
@pytest.mark.parametrize("grain", ["day", "week", "month", "year"])
def test_a_time_column_that_tells_no_day_is_refused(  # noqa: PLR0917 - a row of a table
    tmp_path: Path, dtype: str, value: str, code: str, sentence: str, grain: str
) -> None:
    parquet(tmp_path, f"select {value}::{dtype} as day, 'de' as country")
    tree = tree_in(tmp_path, one_measure("count()", path="orders.parquet"))
    ((found_code, text),) = refused(tree, grain=grain)
    assert found_code == code
    assert sentence in text
    assert tree.run().rows == ((1,),)


@pytest.mark.parametrize(
    ("text", "what"),
    [("2026-02-30", "texts that are no days"), ("31.01.2026", "texts that are no days"),
     ("soon", "texts that are no days"), ("2026-01-31T25:00", "texts that are no days"),
     ("2026-01-31T10:00:00+24:00", "texts that are no days")],
)  # fmt: skip
def test_the_first_cell_that_is_no_day_is_told_with_its_line(
    tmp_path: Path, text: str, what: str
) -> None:
    content = f'day,country\r\n2026-01-01,"a\nb"\r\n,\r\n{text},de\r\n0,de\r\n'
    tree = tree_in(tmp_path, one_measure("count()"), orders__csv=content)
    ((code, told),) = refused(tree, since="2026-01-01")
    assert code == "SRC107"
    assert f"the time column 'day' holds {what}: '{text}' in line 5: write" in told


def test_days_of_a_csv_file_are_never_guessed(tmp_path: Path) -> None:
    content = "day,country\n01/02/2025,de\n03/04/2025,de\n"
    tree = tree_in(tmp_path, one_measure("count()"), orders__csv=content)
    ((code, text),) = refused(tree, grain="month")
    assert code == "SRC107"
    assert "write days as 2026-01-31" in text


def test_rows_without_time_are_one_problem_of_their_source(tmp_path: Path) -> None:
    text = TREE.replace("time: day", "time: at")
    content = ORDERS.replace("id,day", "id,at").replace("2025-01-01,,open", ",,open")
    tree = tree_in(tmp_path, text, orders__csv=content.replace("2025-03-31", ""))
    ((code, told),) = refused(tree, grain="month", by=["country"])
    assert code == "SRC110"
    assert "rows that count have no 'at': 2 in 'revenue', 2 in 'orders', 2 in 'with_amount'" in told


COMPARISONS = [
    ({"compare": "previos"}, "'previos' is nothing to compare a month with: did you mean previous"),
    ({"compare": "2025"}, "give previous, year_ago or a month such as 1997-04"),
    ({"compare": "2025-Q1"}, "give previous, year_ago or a month such as 1997-04"),
    ({"compare": "2025-1"}, "nothing to compare a month with"),
    ({"compare": 3}, "'3' is nothing to compare a month with"),
    ({"compare": "2025-13"}, "'2025-13' is no month of the calendar"),
    ({"compare": "2025-00"}, "'2025-00' is no month of the calendar"),
    ({"compare": "0000-01"}, "'0000-01' is no month of the calendar"),
    ({"compare": "2025-02-30", "grain": "week"}, "'2025-02-30' is no week of the calendar"),
    ({"compare": "2025-Q5", "grain": "quarter"}, "'2025-Q5' is nothing to compare a quarter with"),
    ({"compare": "previous", "grain": "all"}, "all time has nothing to be compared with"),
    (
        {"compare": "2025-01", "grain": "all", "since": "2025-01-01", "until": "2025-01-31"},
        "'2025-01' is nothing to compare all time with: give previous, year_ago",
    ),
]


@pytest.mark.parametrize(("arguments", "sentence"), COMPARISONS)
def test_a_comparison_without_a_meaning_is_refused(
    tmp_path: Path, arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError) as caught:
        tree_in(tmp_path).run(["orders"], **{"grain": "month", **arguments})
    assert sentence in str(caught.value)
