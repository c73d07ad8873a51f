"""Runs against SQL by hand: all grains, dimensions, aggregates, clocks, engines and frames."""

# ruff: noqa: S608 - SQL by hand, of constants

from __future__ import annotations

import importlib.util
import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from metrictree import MetricTree, SourceError
from tests import run_tables, servers, sql_by_hand
from tests.sql_by_hand import GRAINS, WEEKDAYS, Asked, Condition, Measure, added, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from metrictree import RunResult

duckdb = pytest.importorskip("duckdb")

# Ibis calls what DuckDB deprecates; PySpark does not know the newest pandas yet.
pytestmark = [
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support:FutureWarning"),
]

ORDERS = Path(__file__).parent.parent / "examples" / "cdnow" / "orders.csv"
DIMENSIONS = ("country", "channel", "size", "member")
CLOCK = {
    "seen": added("count()", "count(*) {only}"),
    "value": added("sum(value)", "sum(value) {only}"),
    "first": exact("min(value)", "min(value) {only}"),
}


@pytest.fixture(scope="module")
def hand() -> Iterator[Any]:
    """Return the connection in which the SQL by hand runs."""
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any, hand: Any) -> Path:
    """Return a folder with the shop, as CSV and as Parquet."""
    folder: Path = tmp_path_factory.mktemp("tables")
    run_tables.write_csv(folder / "shop.csv", run_tables.SHOP, run_tables.shop_rows())
    run_tables.write_parquet(hand, folder / "shop.parquet", folder / "shop.csv", run_tables.SHOP)
    folder.joinpath("orders.csv").write_bytes(ORDERS.read_bytes())
    return folder


def shop_sql(folder: Path, file: str = "shop.parquet") -> str:
    """Return SQL of the rows of the shop; what is NaN is missing."""
    known = "* replace (case when isnan(score) then null else score end as score)"
    if file.endswith(".parquet"):
        return f"select {known} from '{folder / file}'"
    return f"select {known} from {csv_sql(folder / file, run_tables.SHOP)}"


def csv_sql(path: Path, types: Mapping[str, str]) -> str:
    columns = ", ".join(f"'{name}': '{dtype}'" for name, dtype in types.items())
    return f"read_csv('{path}', header = true, columns = {{{columns}}})"


@cache
def tree_of(
    folder: Path,
    file: str,
    time: str | None,
    *,
    dimensions: tuple[str, ...] = DIMENSIONS,
    table: str = "shop",
    **given: Any,
) -> MetricTree:
    """Return a tree of all measures over one file."""
    measures, formulas = tables()[table]
    metrics: dict[str, Any] = {
        name: {
            "role": "health",
            "measure": {"source": "rows", "aggregate": one.aggregate}
            | ({"where": one.on.tree} if one.on else {}),
        }
        for name, one in measures.items()
    }
    metrics |= {
        name: {"formula": formula, "role": "health"} for name, (formula, _) in formulas.items()
    }
    source = {"path": file, "dimensions": list(dimensions)} | ({"time": time} if time else {})
    spec = {
        "north_star": next(iter(metrics)),
        "sources": {"rows": source},
        "metrics": metrics,
        **given,
    }
    path = folder / "tree.yml"
    path.write_text(json.dumps(spec), encoding="utf-8")
    return MetricTree.load(path)


def cells(result: RunResult) -> dict[tuple[Any, ...], list[Any]]:
    """Return the values of a run by period, dimensions and what a total goes over."""
    found: dict[tuple[Any, ...], list[Any]] = {}
    for row in result.to_dicts():
        period = () if result.grain == "all" else (row[result.grain],)
        key = (*period, *(row[name] for name in result.dimensions), row.get("total"))
        assert key not in found
        found[key] = [row[name] for name in result.metrics]
    return found


def compare(hand: Any, tree: MetricTree, rows: str, asked: Asked, **given: Any) -> None:
    """Run a tree, and compare all that it gives with the SQL by hand."""
    names = [*asked.measures, *asked.formulas]
    result = tree.run(
        names,
        grain=asked.grain,
        by=asked.by,
        since=asked.since,
        until=asked.until,
        totals=asked.totals,
        **given,
    )
    right = sql_by_hand.expected(hand, rows, asked)
    assert right or asked.by
    sure = [name for name, one in asked.measures.items() if one.exact]
    wrong = sql_by_hand.disagreements(cells(result), right, names, sure)
    assert not wrong, "\n".join(wrong)


def some(*names: str) -> dict[str, Any]:
    """Return some measures, where what is asked for is not how rows are aggregated."""
    names = names or ("rows_paid", "customers", "revenue", "price_mean_paid", "score_std", "signed")
    return {"measures": {name: sql_by_hand.SHOP[name] for name in names}, "formulas": {}}


# --- the shop: grains, dimensions, aggregates

GROUPS = ((), ("country",), ("country", "size"))


@pytest.mark.parametrize("file", ["shop.parquet", "shop.csv"])
@pytest.mark.parametrize("by", GROUPS, ids=str)
@pytest.mark.parametrize("grain", GRAINS)
def test_every_aggregate_is_what_sql_by_hand_gives(
    hand: Any, folder: Path, grain: str, by: tuple[str, ...], file: str
) -> None:
    until = "2024-02-09" if grain == "day" and by else None  # else very many rows
    asked = Asked("day", grain, by, until=until)
    compare(hand, tree_of(folder, file, "day"), shop_sql(folder, file), asked)


@pytest.mark.parametrize("by", [("member",), ("size",), ("member", "channel"), DIMENSIONS], ids=str)
def test_rows_are_grouped_by_values_of_any_type_and_by_null(
    hand: Any, folder: Path, by: tuple[str, ...]
) -> None:
    for file in ("shop.parquet", "shop.csv"):
        asked = Asked("day", "year", by)
        compare(hand, tree_of(folder, file, "day"), shop_sql(folder, file), asked)


SPANS = [
    ("2024-02-14", "2024-08-15"),  # inside, on no border
    ("2024-01-01", "2024-12-31"),
    ("2023-10-05", None),  # before the first row
    (None, "2025-04-30"),  # after the last one
    ("2024-06-03", "2024-07-18"),  # without a row
    ("2024-09-30", "2024-09-30"),
]


@pytest.mark.parametrize(("since", "until"), SPANS)
@pytest.mark.parametrize("grain", GRAINS)
def test_a_span_holds_its_days_and_all_of_its_periods(
    hand: Any, folder: Path, grain: str, since: str | None, until: str | None
) -> None:
    tree = tree_of(folder, "shop.parquet", "day")
    for by in ((), ("channel",)):
        asked = Asked("day", grain, by, since, until, **some())
        compare(hand, tree, shop_sql(folder), asked)


@pytest.mark.parametrize("time", ["day", "moment", "zoned", "written"])
@pytest.mark.parametrize("file", ["shop.parquet", "shop.csv"])
def test_a_row_lies_on_its_day_whatever_tells_it(
    hand: Any, folder: Path, file: str, time: str
) -> None:
    day = sql_by_hand.written_day(time, "UTC") if time == "written" else f"cast({time} as date)"
    for grain in ("day", "quarter"):
        asked = Asked(day, grain, since="2024-02-14", until="2024-04-15", **some())
        compare(hand, tree_of(folder, file, time), shop_sql(folder, file), asked)


# --- the example

CDNOW_TYPES = {
    "customer_id": "integer",
    "ordered_at": "date",
    "order_number": "integer",
    "cohort": "varchar",
    "cds": "integer",
    "amount_usd": "decimal(12, 2)",
}
REPEATED = Condition("order_number > 1", "order_number > 1")
AMOUNT = "cast(amount_usd as double)"
CDNOW = {
    "orders": added("count()", "count(*) {only}"),
    "repeated": added("count()", "count(*) {only}", REPEATED),
    "customers": added("count_distinct(customer_id)", "count(distinct customer_id) {only}"),
    "revenue": added("sum(amount_usd)", "sum(amount_usd) {only}"),
    "repeated_mean": exact(
        "mean(amount_usd)", "[sum(amount_usd) {only}, count(*) {only}]", REPEATED
    ),
    "per_cd": Measure("mean(amount_usd / cds)", f"avg({AMOUNT} / nullif(cds, 0)) {{only}}"),
    "most_cds": exact("max(cds)", "max(cds) {only}"),
    "low": exact("min(amount_usd)", "min(amount_usd) {only}", REPEATED),
    "middle": Measure("median(amount_usd)", f"quantile_cont({AMOUNT}, 0.5) {{only}}"),
    "high": Measure("quantile(amount_usd, 0.99)", f"quantile_cont({AMOUNT}, 0.99) {{only}}"),
    "spread": Measure("std(amount_usd)", f"stddev_samp({AMOUNT}) {{only}}"),
}
CDNOW_FORMULAS = {
    "order_value": ("revenue / orders", "cast(revenue as double) / nullif(orders, 0)")
}


def tables() -> Mapping[str, tuple[Mapping[str, Measure], Mapping[str, tuple[str, str]]]]:
    """Return the measures and formulas over each table."""
    return {
        "shop": (sql_by_hand.SHOP, sql_by_hand.FORMULAS),
        "cdnow": (CDNOW, CDNOW_FORMULAS),
        "clock": (CLOCK, {}),
        "money": (MONEY_MEASURES, {}),
    }


@pytest.mark.parametrize("by", [(), ("cohort",), ("cohort", "cds")], ids=str)
@pytest.mark.parametrize("grain", GRAINS)
def test_cdnow_is_what_sql_by_hand_gives(
    hand: Any, folder: Path, grain: str, by: tuple[str, ...]
) -> None:
    if grain == "day" and len(by) == 2:
        pytest.skip("very many rows")
    tree = tree_of(folder, "orders.csv", "ordered_at", table="cdnow", dimensions=("cohort", "cds"))
    asked = Asked("ordered_at", grain, by, measures=CDNOW, formulas=CDNOW_FORMULAS)
    compare(hand, tree, f"from {csv_sql(folder / 'orders.csv', CDNOW_TYPES)}", asked)


# --- conditions and totals


WHERES = [
    Condition("country == 'de'", "country = 'de'"),
    Condition("country != 'de' and quantity > 1", "country <> 'de' and quantity > 1"),
    Condition("is_missing(country) or score > 30", "country is null or score > 30"),
    Condition(
        "channel in ('web', 'app') and not member", "channel in ('web', 'app') and not member"
    ),
    Condition("price / quantity > 100", "cast(price as double) / nullif(quantity, 0) > 100"),
]


@pytest.mark.parametrize(("where", "sql"), WHERES)
def test_only_rows_that_fulfil_the_condition_of_a_run_count(
    hand: Any, folder: Path, where: str, sql: str
) -> None:
    for file in ("shop.parquet", "shop.csv"):
        for by in ((), ("country",)):
            asked = Asked("day", "quarter", by, where=sql, **some())
            compare(hand, tree_of(folder, file, "day"), shop_sql(folder, file), asked, where=where)


def test_no_group_is_there_of_which_no_row_counts(hand: Any, folder: Path) -> None:
    tree = tree_of(folder, "shop.parquet", "day")
    result = tree.run(["rows_all"], by="country", where="country in ('fr', 'no such')")
    assert [row["country"] for row in result.to_dicts()] == ["fr"]


@pytest.mark.parametrize("by", [("country",), ("country", "size"), DIMENSIONS[:3]], ids=str)
@pytest.mark.parametrize("grain", ["month", "year", "all"])
def test_totals_are_computed_from_raw_rows(
    hand: Any, folder: Path, grain: str, by: tuple[str, ...]
) -> None:
    file = "shop.csv" if grain == "year" else "shop.parquet"
    given = some() if len(by) == 3 else {}
    asked = Asked("day", grain, by, "2024-02-14", totals=True, **given)
    compare(hand, tree_of(folder, file, "day"), shop_sql(folder, file), asked)


# --- several sources, and rows without a time


def test_sources_of_other_spans_and_groups_join(hand: Any, folder: Path) -> None:
    shop, visits = (f"'{folder / name}'" for name in ("shop.parquet", "visits.parquet"))
    hand.execute(
        f"""
        copy (
            select day + 150 as day, if(country = 'fr', 'FR', country) as country,
                quantity as visits
            from {shop} where (country in ('de', 'fr') or country is null) and month(day) < 11
        ) to {visits}
        """
    )
    metrics = {
        "rate": "sold / seen",
        "sold": {"measure": {"source": "shop", "aggregate": "count()"}},
        "seen": {"measure": {"source": "visits", "aggregate": "sum(visits)"}},
        "most": {"measure": {"source": "visits", "aggregate": "max(visits)"}, "role": "health"},
    }
    sources = {
        name: {"path": f"{name}.parquet", "time": "day", "dimensions": ["country"]}
        for name in ("shop", "visits")
    }
    spec = {"north_star": "rate", "sources": sources, "metrics": metrics}
    folder.joinpath("joined.yml").write_text(json.dumps(spec), encoding="utf-8")
    tree = MetricTree.load(folder / "joined.yml")
    right = hand.execute(
        f"""
        with pairs as (
            select date_trunc('month', day)::date as month, country, 1 as sold, null as visits
            from {shop}
            union all
            select date_trunc('month', day)::date, country, 0, visits from {visits}
        ),
        found as (
            select month, country, grouping(country) as whole, sum(sold) as sold,
                coalesce(sum(visits), 0) as seen, max(visits) as most
            from pairs group by month, cube (country)
        ),
        spine as (
            select unnest(generate_series(min(month), max(month), interval 1 month))::date as month
            from pairs
        ),
        groups as (select distinct country, whole from found)
        select spine.month, groups.country, if(groups.whole = 1, 'country', null),
            sold / nullif(seen, 0), coalesce(sold, 0), coalesce(seen, 0), most
        from spine cross join groups left join found
        on found.month = spine.month and found.whole = groups.whole
            and found.country is not distinct from groups.country
        order by 1, groups.whole, groups.country is null, groups.country
        """
    ).fetchall()
    assert len({row[1] for row in right}) == 8
    ((last,),) = hand.execute(f"select max(day)::date from {visits}").fetchall()
    for by in ((), ("country",)):
        # The shop ends first: how far both are complete has to be said.
        result = tree.run([*metrics], grain="month", by=by, totals=bool(by), as_of=str(last))
        found = cells(result)
        wanted = {
            (month, *([country] if by else []), total if by else None): values
            for month, country, total, *values in right
            if by or total
        }
        wrong = sql_by_hand.disagreements(found, wanted, [*metrics], ["sold", "seen", "most"])
        assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("file", ["gaps.parquet", "gaps.csv"])
@pytest.mark.parametrize("time", ["moment", "written"])
def test_rows_without_a_time_count_in_all_time_only(
    hand: Any, folder: Path, file: str, time: str
) -> None:
    rows = [
        ("", "", "", "", *row[4:]) if number % 7 == 0 else row
        for number, row in enumerate(run_tables.shop_rows())
    ]
    run_tables.write_csv(folder / "gaps.csv", run_tables.SHOP, rows)
    run_tables.write_parquet(hand, folder / "gaps.parquet", folder / "gaps.csv", run_tables.SHOP)
    tree = tree_of(folder, file, time)
    day = sql_by_hand.written_day(time, "UTC") if time == "written" else f"cast({time} as date)"
    compare(hand, tree, shop_sql(folder, file), Asked(day, "all", ("channel",)))
    with pytest.raises(SourceError, match="SRC110"):
        tree.run("rows_all", grain="month")
    asked = Asked(day, "month", ("channel",), where=f"{time} is not null")
    where = f"not is_missing({time})"
    compare(hand, tree, shop_sql(folder, file), asked, where=where)


# --- periods that are cut, and what they are compared with


@pytest.mark.parametrize("as_of", [None, "2024-10-20", "2024-12-31"])
@pytest.mark.parametrize(("since", "until"), [(None, None), *SPANS])
def test_a_period_is_complete_if_all_of_its_days_are_there(
    hand: Any, folder: Path, since: str | None, until: str | None, as_of: str | None
) -> None:
    tree = tree_of(folder, "shop.parquet", "day")
    for grain in ("day", "week", "quarter"):
        # The data ends where it does, whatever the condition leaves of it.
        result = tree.run(
            "rows_all", grain=grain, since=since, until=until, as_of=as_of, where="fee > 1"
        )
        months = {"quarter": "3 months"}
        right = hand.execute(
            f"""
            select period, period >= coalesce(?::date, period) and ends <= coalesce(?::date, ends)
                and ends <= coalesce(?::date, (select max(day) from '{folder / "shop.parquet"}'))
            from (
                select unnest(?)::date as period,
                    (period + interval {months.get(grain, f"1 {grain}")})::date - 1 as ends
            ) order by 1
            """,
            [since, until, as_of, [row[grain] for row in result.to_dicts()] or [None]],
        ).fetchall()
        found = [(row[grain], row["complete"]) for row in result.to_dicts()]
        assert found == [row for row in right if row[0] is not None]


COMPARED = ("rows_all", "revenue", "customers", "score_median")


@pytest.mark.parametrize("like_for_like", [True, False])
@pytest.mark.parametrize(
    ("compare", "since"),
    [("previous", "2024-08-01"), ("year_ago", "2025-01-01"), ("2024-02", "2024-08-01")],
)
def test_a_month_is_compared_with_as_many_days_of_another(
    hand: Any, folder: Path, compare: str, since: str, *, like_for_like: bool
) -> None:
    tree = tree_of(folder, "shop.parquet", "day")
    result = tree.run(
        COMPARED,
        grain="month",
        by="country",
        since=since,
        until="2025-01-17",
        compare=compare,
        like_for_like=like_for_like,
    )
    other = {
        "previous": "month - interval 1 month",
        "year_ago": "month - interval 1 year",
        "2024-02": "date '2024-02-01'",
    }[compare]
    # Only the last month is cut: 17 days of it count.
    cut = "if(month = date '2025-01-01', other + 16, ends)" if like_for_like else "ends"
    right = hand.execute(
        f"""
        with rows_ as ({shop_sql(folder)}),
        months as (
            select unnest(generate_series(date '{since}', date '2025-01-01', interval 1 month))
                ::date as month, ({other})::date as other, last_day(other) as ends
        ),
        groups as (
            select distinct country from rows_, months
            where day between '{since}' and '2025-01-17' or day between other and {cut}
        )
        select month, groups.country, other, {cut}, count(day), coalesce(sum(price), 0),
            count(distinct customer), quantile_cont(score, 0.5)
        from months cross join groups left join rows_
        on day between other and {cut} and rows_.country is not distinct from groups.country
        group by all order by 1, 2 nulls last
        """
    ).fetchall()
    found = {
        (row["month"], row["country"], row["compared_from"], row["compared_to"]): [
            row[f"{name}_before"] for name in COMPARED
        ]
        for row in result.to_dicts()
    }
    wanted = {
        tuple(row[:4]): [None if value is None else float(value) for value in row[4:]]
        for row in right
    }
    wrong = sql_by_hand.disagreements(found, wanted, COMPARED, COMPARED[:3])
    assert not wrong, "\n".join(wrong)
    plain = cells(tree.run(COMPARED, grain="month", by="country", since=since, until="2025-01-17"))
    for row in result.to_dicts():
        now = plain.get((row["month"], row["country"], None))
        for place, name in enumerate(COMPARED):
            mine, before = row[name], row[f"{name}_before"]
            assert now is None or mine == now[place]
            change = None if None in (mine, before) else mine - before
            assert row[f"{name}_change"] == change
            growth = None if change is None or before == 0 else change / abs(before)
            assert sql_by_hand.agree(row[f"{name}_growth"], growth, exact=False)


# --- calendars


@pytest.mark.parametrize("start", range(7))
def test_a_week_begins_on_any_weekday(hand: Any, folder: Path, start: int) -> None:
    tree = tree_of(folder, "shop.parquet", "day", week_start=WEEKDAYS[start])
    for since, until in (("2023-12-22", "2024-03-07"), (None, None)):
        asked = Asked("day", "week", (), since, until, week_start=start, **some())
        compare(hand, tree, shop_sql(folder), asked)
    assert {row["week"].weekday() for row in tree.run("rows_all", grain="week").to_dicts()} == {
        start
    }


@pytest.mark.parametrize("start", range(1, 13))
def test_a_year_begins_in_any_month(hand: Any, folder: Path, start: int) -> None:
    tree = tree_of(folder, "shop.parquet", "day", fiscal_year_start=start)
    for grain in ("quarter", "year"):
        for since, until in (("2023-12-22", "2024-11-07"), (None, None)):
            asked = Asked("day", grain, (), since, until, year_start=start, **some())
            compare(hand, tree, shop_sql(folder), asked)


def test_months_and_days_are_the_same_in_every_year_and_week(hand: Any, folder: Path) -> None:
    tree = tree_of(folder, "shop.parquet", "day", week_start="sunday", fiscal_year_start=7)
    for grain in ("day", "month", "all"):
        compare(hand, tree, shop_sql(folder), Asked("day", grain, **some()))


# --- clocks


@pytest.fixture(scope="module")
def clocks(folder: Path, hand: Any) -> Path:
    """Return a folder with a file of moments for each zone."""
    for zone, years in run_tables.ZONES.items():
        path = folder / clock_file(zone, "csv")
        run_tables.write_csv(path, run_tables.CLOCK, run_tables.clock_rows(zone, years))
        run_tables.write_parquet(hand, path.with_suffix(".parquet"), path, run_tables.CLOCK)
    return folder


def clock_file(zone: str, suffix: str) -> str:
    return f"{zone.replace('/', '_')}.{suffix}"


def compare_clock(hand: Any, folder: Path, zone: str, suffix: str, time: str, **asked: Any) -> None:
    file = clock_file(zone, suffix)
    tree = tree_of(folder, file, time, dimensions=(), table="clock", timezone=zone)
    day = {
        "moment": sql_by_hand.local_day("moment", zone),
        "zoned": f"cast(timezone('{zone}', zoned) as date)",
        "day": "day",
    }[time]
    rows = f"from '{folder / clock_file(zone, 'parquet')}'"
    engine = {"engine": asked.pop("engine")} if "engine" in asked else {}
    compare(hand, tree, rows, Asked(day, measures=CLOCK, formulas={}, **asked), **engine)


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("zone", run_tables.ZONES)
def test_days_begin_by_the_clock_of_the_zone(
    hand: Any, clocks: Path, zone: str, grain: str
) -> None:
    compare_clock(hand, clocks, zone, "parquet", "moment", grain=grain)


@pytest.mark.parametrize("zone", run_tables.ZONES)
@pytest.mark.parametrize(
    ("suffix", "time"),
    [("parquet", "zoned"), ("csv", "moment"), ("csv", "zoned"), ("parquet", "day"), ("csv", "day")],
)
def test_moments_of_any_type_are_shown_by_the_clock_and_days_never_move(
    hand: Any, clocks: Path, zone: str, suffix: str, time: str
) -> None:
    compare_clock(hand, clocks, zone, suffix, time, grain="day")


@pytest.mark.parametrize("zone", run_tables.ZONES)
def test_a_span_holds_the_days_of_the_zone(hand: Any, clocks: Path, zone: str) -> None:
    first, last = run_tables.ZONES[zone]
    spans = [(f"{first}-03-31", f"{last}-04-06"), (f"{first}-12-30", f"{last}-12-31")]
    for since, until in [*spans, (f"{first}-12-30", f"{first}-12-30")]:
        for grain in ("day", "month", "all"):
            asked = {"grain": grain, "since": since, "until": until}
            compare_clock(hand, clocks, zone, "parquet", "moment", **asked)


def test_the_day_that_apia_skipped_has_no_rows(clocks: Path) -> None:
    file = clock_file("Pacific/Apia", "parquet")
    tree = tree_of(clocks, file, "moment", dimensions=(), table="clock", timezone="Pacific/Apia")
    result = tree.run(["seen", "first"], grain="day", since="2011-12-29", until="2011-12-31")
    seen = [row["seen"] for row in result.to_dicts()]
    assert seen[1] == 0
    assert seen[0] > 100
    assert seen[2] > 100
    assert result.to_dicts()[1]["first"] is None


@pytest.mark.parametrize(
    ("zone", "moments"),
    [
        # Before clocks agreed: the mean time of the place, to the second.
        ("Europe/Berlin", ["1893-03-31 23:06:31", "1893-03-31 23:06:32", "1893-04-01 22:59:59"]),
        ("America/New_York", ["1883-11-18 04:56:01", "1883-11-18 04:56:02", "1883-11-19 04:59:59"]),
        # The later moments are on the day before.
        ("America/St_Johns", ["2010-11-07 02:30:30", "2010-11-07 03:00:00"]),
        ("America/St_Johns", ["2010-11-05 12:00", "2010-11-07 02:30:30", "2010-11-07 03:00:00"]),
        ("America/St_Johns", ["2010-11-07 02:30:30", "2010-11-07 03:00:00", "2010-11-09 12:00"]),
        # By rules for years that nobody knows yet.
        ("Europe/Berlin", ["2150-07-01 21:59:59", "2150-07-01 22:00:00", "2150-12-01 23:00:00"]),
    ],
)
def test_clocks_of_long_ago_of_years_to_come_and_set_back_over_midnight(
    hand: Any, tmp_path: Path, zone: str, moments: Sequence[str]
) -> None:
    rows = [(moment, f"{moment}+00", moment[:10], str(n)) for n, moment in enumerate(moments)]
    path = tmp_path / clock_file(zone, "csv")
    run_tables.write_csv(path, run_tables.CLOCK, rows)
    run_tables.write_parquet(hand, path.with_suffix(".parquet"), path, run_tables.CLOCK)
    compare_clock(hand, tmp_path, zone, "parquet", "moment", grain="day")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/New_York"])
@pytest.mark.parametrize("file", ["shop.parquet", "shop.csv"])
def test_the_shop_in_a_zone_is_what_sql_by_hand_gives(
    hand: Any, folder: Path, file: str, zone: str
) -> None:
    times = {
        "moment": sql_by_hand.local_day("moment", zone),
        "written": sql_by_hand.written_day("written", zone),
        "day": "day",
    }
    for time, day in times.items():
        asked = Asked(day, "month", ("country",), "2023-12-31", totals=True, **some())
        tree = tree_of(folder, file, time, timezone=zone)
        compare(hand, tree, shop_sql(folder, file), asked)


def test_a_source_has_a_clock_of_its_own(hand: Any, clocks: Path) -> None:
    file = clock_file("Europe/Berlin", "parquet")
    path = clocks / "own.yml"
    measure = {"aggregate": "count()", "role": "health"}
    source = {"path": file, "time": "moment"}
    spec = {
        "north_star": "here",
        "timezone": "Europe/Berlin",
        "sources": {"here": source, "there": source | {"timezone": "Australia/Lord_Howe"}},
        "metrics": {
            name: {"measure": {"source": name, "aggregate": measure["aggregate"]}, "role": "health"}
            for name in ("here", "there")
        },
    }
    path.write_text(json.dumps(spec), encoding="utf-8")
    found = MetricTree.load(path).run(grain="day")
    seen = {row["day"]: (row["here"], row["there"]) for row in found.to_dicts()}
    for position, zone in enumerate(("Europe/Berlin", "Australia/Lord_Howe")):
        right = hand.execute(
            f"select {sql_by_hand.local_day('moment', zone)}, count(*) "
            f"from '{clocks / file}' group by 1"
        ).fetchall()
        assert {day: row[position] for day, row in seen.items() if row[position]} == dict(right)
    days = sorted(seen)
    assert all(after - before == timedelta(days=1) for before, after in pairwise(days))


# --- engines


def engines(*names: str) -> list[Any]:
    """Return engines as parameters, those that are not installed skipped."""
    return [
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                importlib.util.find_spec(name) is None, reason=f"{name} is not installed"
            ),
        )
        for name in names
    ]


ENGINES = engines("duckdb", "polars", "pandas", "ibis")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("file", ["shop.parquet", "shop.csv"])
@pytest.mark.parametrize("by", GROUPS, ids=str)
def test_every_engine_gives_what_sql_by_hand_gives(
    hand: Any, folder: Path, by: tuple[str, ...], file: str, engine: str
) -> None:
    tree = tree_of(folder, file, "day")
    for grain in ("month", "all"):
        compare(hand, tree, shop_sql(folder, file), Asked("day", grain, by), engine=engine)


@pytest.mark.parametrize("engine", ENGINES[1:])
@pytest.mark.parametrize("grain", ["day", "week", "quarter", "year"])
def test_every_engine_has_the_same_periods(
    hand: Any, folder: Path, grain: str, engine: str
) -> None:
    settings = {"week_start": "saturday", "fiscal_year_start": 5}
    tree = tree_of(folder, "shop.parquet", "moment", **settings)
    asked = Asked(
        "cast(moment as date)",
        grain,
        ("member",),
        "2024-02-14",
        "2024-05-11",
        WHERES[1].sql,
        totals=True,
        week_start=5,
        year_start=5,
    )
    compare(hand, tree, shop_sql(folder), asked, where=WHERES[1].tree, engine=engine)


@pytest.mark.parametrize("engine", ENGINES[1:])
@pytest.mark.parametrize("zone", ["Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia"])
def test_every_engine_has_the_same_clocks(hand: Any, clocks: Path, zone: str, engine: str) -> None:
    for suffix, time in (("parquet", "moment"), ("parquet", "zoned"), ("csv", "zoned")):
        compare_clock(hand, clocks, zone, suffix, time, grain="day", engine=engine)


@pytest.mark.parametrize("engine", ENGINES[1:])
def test_every_engine_reads_texts_of_times_alike(hand: Any, folder: Path, engine: str) -> None:
    zone = "America/New_York"
    for file in ("shop.parquet", "shop.csv"):
        tree = tree_of(folder, file, "written", timezone=zone)
        asked = Asked(sql_by_hand.written_day("written", zone), "week", ("channel",))
        compare(hand, tree, shop_sql(folder, file), asked, engine=engine)


# --- money


MONEY = {
    "shop": "varchar",
    "cents": "double",
    "mills": "double",
    "tiny": "double",
    "written": "decimal(18, 4)",
    "large": "decimal(38, 2)",
    "pieces": "bigint",
}
"""The digits of ``cents``, ``mills`` and ``tiny`` show late: nearly all rows are whole numbers."""
MONEY_MEASURES = {
    f"{name}_{short}": found
    for name in list(MONEY)[1:]
    for short, found in (
        (
            "sum",
            added(f"sum({name})", f"sum(cast({name} as decimal(38, 9))) {{only}}"),
        ),
        (
            "mean",
            exact(
                f"mean({name})",
                f"[sum(cast({name} as decimal(38, 9))) {{only}}, count({name}) {{only}}]",
            ),
        ),
        ("high", exact(f"max({name})", f"max({name}) {{only}}")),
        ("seen", added(f"count_distinct({name})", f"count(distinct {name}) {{only}}")),
    )
}


@pytest.fixture(scope="module")
def money(folder: Path, hand: Any) -> Path:
    rows = run_tables.money_rows()
    run_tables.write_csv(folder / "money.csv", MONEY, rows)
    run_tables.write_parquet(hand, folder / "money.parquet", folder / "money.csv", MONEY)
    return folder


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("file", ["money.parquet", "money.csv"])
def test_money_is_exact_whatever_its_digits_and_whenever_they_show(
    hand: Any, money: Path, file: str, engine: str
) -> None:
    tree = tree_of(money, file, None, dimensions=("shop",), table="money")
    asked = Asked(
        "date '1970-01-01'", "all", ("shop",), totals=True, measures=MONEY_MEASURES, formulas={}
    )
    compare(hand, tree, f"from {csv_sql(money / 'money.csv', MONEY)}", asked, engine=engine)


# --- frames


def _arrow(path: Path) -> Any:
    return pytest.importorskip("pyarrow.parquet").read_table(path)


def _pandas(path: Path) -> Any:
    pytest.importorskip("pandas")
    return _arrow(path).to_pandas()


def _pandas_of_arrow(path: Path) -> Any:
    pandas = pytest.importorskip("pandas")
    return _arrow(path).to_pandas(types_mapper=pandas.ArrowDtype)


def _polars(path: Path) -> Any:
    return pytest.importorskip("polars").read_parquet(path)


def _polars_lazy(path: Path) -> Any:
    return pytest.importorskip("polars").scan_parquet(path)


def _duckdb(path: Path) -> Any:
    return duckdb.read_parquet(str(path))


def _ibis(path: Path) -> Any:
    ibis = pytest.importorskip("ibis")
    return ibis.duckdb.connect().read_parquet(path)


FRAMES: list[Callable[[Path], Any]] = [
    _arrow,
    _pandas,
    _pandas_of_arrow,
    _polars,
    _polars_lazy,
    _duckdb,
    _ibis,
]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda one: one.__name__.strip("_"))
@pytest.mark.parametrize("by", GROUPS, ids=str)
def test_every_frame_gives_what_sql_by_hand_gives(
    hand: Any, folder: Path, by: tuple[str, ...], frame: Callable[[Path], Any]
) -> None:
    tree = tree_of(folder, "none.csv", "day")
    given = frame(folder / "shop.parquet")
    for grain in ("month", "all"):
        asked = Asked("day", grain, by, totals=bool(by))
        compare(hand, tree, shop_sql(folder), asked, sources={"rows": given})


@pytest.mark.parametrize("frame", FRAMES, ids=lambda one: one.__name__.strip("_"))
def test_every_frame_has_the_same_clocks(
    hand: Any, folder: Path, frame: Callable[[Path], Any]
) -> None:
    pandas = pytest.importorskip("pandas") if "pandas" in frame.__name__ else None
    if pandas is not None and pandas.__version__ < "3":
        pytest.skip("pandas 2 compares no nanoseconds with years that these do not have")
    zone = "Australia/Lord_Howe"
    given = frame(folder / "shop.parquet")
    times = {
        "moment": sql_by_hand.local_day("moment", zone),
        "zoned": f"cast(timezone('{zone}', zoned) as date)",
        "written": sql_by_hand.written_day("written", zone),
    }
    for time, day in times.items():
        tree = tree_of(folder, "none.csv", time, timezone=zone, week_start="sunday")
        asked = Asked(day, "week", ("size",), week_start=6)
        compare(hand, tree, shop_sql(folder), asked, sources={"rows": given})


# --- Spark


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    with servers.spark("local[2]") as session:
        yield session


@pytest.mark.parametrize("by", GROUPS[2:], ids=str)
def test_spark_gives_what_sql_by_hand_gives(
    hand: Any, folder: Path, spark: Any, by: tuple[str, ...]
) -> None:
    tree = tree_of(folder, "shop.parquet", "day", week_start="sunday")
    asked = Asked("day", "week", by, "2024-02-14", "2024-05-11", week_start=6)
    compare(hand, tree, shop_sql(folder), asked, engine="spark", connection=spark)


def test_spark_reads_texts_as_all_others_do(hand: Any, folder: Path, spark: Any) -> None:
    names = ["rows_members", "customers", "fees", "price_mean", "score_median_paid", "score_known"]
    tree = tree_of(folder, "shop.csv", "written")
    day = sql_by_hand.written_day("written", "UTC")
    asked = Asked(day, "quarter", ("member", "size"), totals=True, **some(*names))
    compare(hand, tree, shop_sql(folder, "shop.csv"), asked, engine="spark", connection=spark)


def test_spark_has_the_same_clocks(hand: Any, folder: Path, spark: Any) -> None:
    zone = "Australia/Lord_Howe"
    given = spark.read.parquet(str(folder / "shop.parquet"))
    times = {
        "moment": sql_by_hand.local_day("moment", zone),
        "zoned": f"cast(timezone('{zone}', zoned) as date)",
        "written": sql_by_hand.written_day("written", zone),
    }
    for time, day in times.items():
        names = ["rows_paid", "revenue", "score_tenth", "score_std"]
        asked = Asked(day, "quarter", ("country",), totals=True, year_start=4, **some(*names))
        tree = tree_of(folder, "shop.csv", time, timezone=zone, fiscal_year_start=4)
        compare(hand, tree, shop_sql(folder), asked, sources={"rows": given})


# --- properties

ROWS = st.lists(
    st.tuples(
        st.datetimes(datetime.fromisoformat("2023-11-20"), datetime.fromisoformat("2025-02-10")),
        st.sampled_from(["a", "b", None]),
        st.sampled_from([1, 2, None]),
        st.one_of(st.none(), st.integers(-10_000, 1_000_000).map(lambda n: Decimal(n) / 100)),
        st.one_of(st.none(), st.integers(0, 5)),
    ),
    min_size=1,
    max_size=25,
)
SMALL = {
    "time": "moment",
    "dimensions": ["country", "size"],
}
SMALL_TREE = {
    "rows_all": "count()",
    "priced": "count(price)",
    "revenue": "sum(price)",
    "buyers": "count_distinct(customer)",
    "dearest": "max(price)",
    "middle": "median(price)",
    "average": "mean(price)",
    "spread": "std(price)",
}
GRAIN = st.sampled_from(GRAINS[1:])
few = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: Any) -> Callable[..., MetricTree]:
    """Return what makes a tree over the rows that were drawn."""
    folder: Path = tmp_path_factory.mktemp("small")

    def tree(rows: Any, shift: timedelta = timedelta(0), **given: Any) -> MetricTree:
        texts = [
            (str(moment + shift), *("" if one is None else str(one) for one in others))
            for moment, *others in rows
        ]
        names = ("moment", "country", "size", "price", "customer")
        run_tables.write_csv(folder / "rows.csv", names, texts)
        spec = {
            "north_star": "rows_all",
            "sources": {"rows": {"path": "rows.csv", **SMALL}},
            "metrics": {
                name: {"measure": {"source": "rows", "aggregate": text}, "role": "health"}
                for name, text in SMALL_TREE.items()
            },
            **given,
        }
        folder.joinpath("tree.yml").write_text(json.dumps(spec), encoding="utf-8")
        return MetricTree.load(folder / "tree.yml")

    return tree


@few
@given(rows=ROWS, grain=GRAIN, by=st.sampled_from(["country", "size"]))
def test_counts_and_sums_of_groups_add_up_to_those_of_all_rows(
    small: Any, rows: Any, grain: str, by: str
) -> None:
    tree = small(rows)
    added = ["rows_all", "priced", "revenue"]
    whole = cells(tree.run(added, grain=grain))
    parts: dict[Any, list[Any]] = {}
    for (*period, _, _), values in cells(tree.run(added, grain=grain, by=by)).items():
        parts.setdefault((*period, None), []).append([Decimal(repr(value)) for value in values])
    sums = {
        period: [float(sum(column)) for column in zip(*rows, strict=True)]
        for period, rows in parts.items()
    }
    assert sums == whole


@few
@given(rows=ROWS, grain=GRAIN, by=st.sampled_from([["country"], ["size", "country"]]))
def test_a_total_is_what_a_run_without_the_dimension_gives(
    small: Any, rows: Any, grain: str, by: list[str]
) -> None:
    tree = small(rows)
    everything = cells(tree.run(grain=grain, by=by, totals=True))
    for kept in ([], by[1:], by[:1]):
        over = ",".join(name for name in by if name not in kept) or None
        mine = {
            (*key[: len(key) - len(by) - 1], *_only(key, by, kept)): values
            for key, values in everything.items()
            if key[-1] == over
        }
        assert mine == {key[:-1]: v for key, v in cells(tree.run(grain=grain, by=kept)).items()}


def _only(key: tuple[Any, ...], by: list[str], kept: list[str]) -> Iterator[Any]:
    group = key[-len(by) - 1 : -1]
    return (value for name, value in zip(by, group, strict=True) if name in kept)


@few
@given(
    rows=ROWS,
    grain=st.sampled_from(GRAINS[:-1]),
    calendar=st.fixed_dictionaries(
        {"week_start": st.sampled_from(WEEKDAYS), "fiscal_year_start": st.integers(1, 12)}
    ),
    span=st.tuples(
        st.one_of(st.none(), st.dates(date(2023, 9, 1), date(2024, 3, 1))),
        st.one_of(st.none(), st.dates(date(2024, 3, 1), date(2025, 4, 1))),
    ),
)
def test_periods_follow_each_other_and_hold_every_row_once(
    small: Any, rows: Any, grain: str, calendar: dict[str, Any], span: Any
) -> None:
    tree = small(rows, **calendar)
    since, until = span
    found = tree.run(["rows_all"], grain=grain, since=since, until=until).to_dicts()
    periods = [row[grain] for row in found]
    lengths = {
        "day": (1, 1),
        "week": (7, 7),
        "month": (28, 31),
        "quarter": (90, 92),
        "year": (365, 366),
    }
    low, high = lengths[grain]
    assert all(low <= (after - before).days <= high for before, after in pairwise(periods))
    days = [row[0].date() for row in rows]
    inside = [
        day for day in days if (since is None or day >= since) and (until is None or day <= until)
    ]
    assert sum(row["rows_all"] for row in found) == len(inside)
    if periods and inside:
        assert periods[0] <= (since or min(inside))
        assert (until or max(inside)) <= periods[-1] + timedelta(days=high - 1)


@few
@given(rows=ROWS, by=st.sampled_from([[], ["country"]]))
def test_all_time_is_one_period_over_all_rows(small: Any, rows: Any, by: list[str]) -> None:
    tree = small(rows, fiscal_year_start=1)
    years = sorted({row[0].year for row in rows})
    span = {"since": f"{years[0]}-01-01", "until": f"{years[-1]}-12-31"}
    whole = cells(tree.run(by=by))
    assert cells(tree.run(by=by, **span)) == whole
    if len(years) == 1:
        yearly = cells(tree.run(grain="year", by=by))
        assert {key[1:]: values for key, values in yearly.items()} == whole


@few
@given(rows=ROWS, grain=GRAIN)
def test_the_zone_utc_is_no_zone(small: Any, rows: Any, grain: str) -> None:
    plain = small(rows).run(grain=grain, by="size")
    for zone in ("UTC", "Etc/GMT"):
        assert cells(small(rows, timezone=zone).run(grain=grain, by="size")) == cells(plain)


@few
@given(
    rows=ROWS,
    grain=GRAIN,
    zone=st.sampled_from(
        [
            ("Asia/Kolkata", timedelta(hours=5, minutes=30)),
            ("Etc/GMT+12", timedelta(hours=-12)),
            ("Pacific/Kiritimati", timedelta(hours=14)),
            ("Asia/Kathmandu", timedelta(hours=5, minutes=45)),
        ]
    ),
)
def test_a_clock_that_is_never_changed_shifts_all_times(
    small: Any, rows: Any, grain: str, zone: tuple[str, timedelta]
) -> None:
    name, ahead = zone
    there = cells(small(rows, timezone=name).run(grain=grain))
    assert there == cells(small(rows, shift=ahead).run(grain=grain))
