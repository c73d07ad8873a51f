"""The example of visits and orders: its script makes its data, and SQL by hand gives its values."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from metrictree import MetricTree

duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")

if TYPE_CHECKING:
    from types import ModuleType

EXAMPLE = Path(__file__).parents[1] / "examples" / "visits_and_orders"
LEAVES = ("visits", "visitors", "orders", "late_orders", "revenue")


def script() -> ModuleType:
    """Return the script that makes the data."""
    spec = importlib.util.spec_from_file_location("make_data", EXAMPLE / "make_data.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sql(query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query over `visits` and `orders`, whose `clock` is that of Berlin."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for table, file, time in (
            ("visits", "visits.parquet", "started_at"),
            ("orders", "orders.csv", "ordered_at::timestamptz"),
        ):
            connection.execute(
                f"create view {table} as select *, {time} at time zone 'Europe/Berlin' as clock "  # noqa: S608 - our own
                f"from '{(EXAMPLE / file).as_posix()}'"
            )
        rows: list[tuple[Any, ...]] = connection.sql(query).fetchall()
        return rows


@pytest.fixture(scope="module")
def tree() -> MetricTree:
    return MetricTree.load(EXAMPLE / "tree.yml")


# --- the data


def test_the_script_makes_the_same_orders_byte_for_byte_and_the_same_visits(tmp_path: Path) -> None:
    script().write(tmp_path)
    assert (tmp_path / "orders.csv").read_bytes() == (EXAMPLE / "orders.csv").read_bytes()
    # How Parquet is packed depends on the version of DuckDB.
    made, kept = ((folder / "visits.parquet").as_posix() for folder in (tmp_path, EXAMPLE))
    for one, other in ((made, kept), (kept, made)):
        assert sql(f"(from '{one}') except all (from '{other}')") == []
    assert sql(f"describe from '{made}'") == sql(f"describe from '{kept}'")


def test_the_files_are_small() -> None:
    assert max(path.stat().st_size for path in EXAMPLE.iterdir() if path.is_file()) < 500_000


def test_an_order_has_the_channel_of_a_visit_of_its_customer() -> None:
    visits, orders = script().make()
    channels = {(visit.visitor_id, visit.channel) for visit in visits}
    assert {(order.customer_id, order.channel) for order in orders} <= channels
    assert {visit.channel for visit in visits} == {"search", "ads", "email", "social", None}


# --- the values


@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter", "year"])
@pytest.mark.parametrize("by", [(), ("channel",)])
def test_values_are_those_of_sql_by_hand(tree: MetricTree, grain: str, by: tuple[str, ...]) -> None:
    dimension = "channel" if by else "null::varchar"
    expected = {
        (period, channel): dict(zip(LEAVES, values, strict=True))
        for period, channel, *values in sql(f"""
            with v as (
                select date_trunc('{grain}', clock)::date as period, {dimension} as channel,
                    count(*) as visits, count(distinct visitor_id) as visitors
                from visits group by 1, 2
            ), o as (
                select date_trunc('{grain}', clock)::date as period, {dimension} as channel,
                    count(*) as orders, count(*) filter (late) as late_orders,
                    sum(amount_eur::decimal(18, 2))::double as revenue
                from orders group by 1, 2
            )
            select coalesce(v.period, o.period), coalesce(v.channel, o.channel),
                coalesce(visits, 0), coalesce(visitors, 0), coalesce(orders, 0),
                coalesce(late_orders, 0), coalesce(revenue, 0)
            from v full join o
                on v.period = o.period and v.channel is not distinct from o.channel
            """)  # noqa: S608 - our own
    }
    result = tree.run(grain=grain, by=by)
    found = {(row[grain], row.get("channel")): row for row in result.to_dicts()}
    assert set(found) == set(expected)
    for key, right in expected.items():
        row = found[key]
        assert {leaf: row[leaf] for leaf in LEAVES} == right
        if right["visits"]:
            assert row["conversion"] == right["orders"] / right["visits"]
        if right["orders"]:
            assert row["on_time_share"] == 1 - right["late_orders"] / right["orders"]
            assert row["order_value"] == right["revenue"] / right["orders"]
            in_time = right["orders"] - right["late_orders"]
            assert row["on_time_orders"] == pytest.approx(in_time, rel=1e-12)


def test_the_row_of_all_channels_is_that_of_a_run_without_channels(tree: MetricTree) -> None:
    alone = tree.run(grain="quarter").to_dicts()
    totals = [
        row
        for row in tree.run(grain="quarter", by=["channel"], totals=True).to_dicts()
        if row["total"] == "channel"
    ]
    assert [{name: row[name] for name in alone[0]} for row in totals] == alone


def test_the_month_that_is_not_over_is_compared_with_as_many_days(tree: MetricTree) -> None:
    june = tree.run(
        ["visits", "orders"], grain="month", as_of="2026-06-17", compare="previous"
    ).to_dicts()[-1]
    ((visits, orders),) = sql("""
        select (select count(*) from visits where clock >= '2026-05-01' and clock < '2026-05-18'),
            (select count(*) from orders where clock >= '2026-05-01' and clock < '2026-05-18')
        """)
    ((visits_now, orders_now),) = sql("""
        select (select count(*) from visits where clock >= '2026-06-01' and clock < '2026-06-18'),
            (select count(*) from orders where clock >= '2026-06-01' and clock < '2026-06-18')
        """)
    assert june["complete"] is False
    assert [str(june[name]) for name in ("compared_from", "compared_to")] == [
        "2026-05-01",
        "2026-05-17",
    ]
    assert (june["visits"], june["visits_before"]) == (visits_now, visits)
    assert (june["orders"], june["orders_before"]) == (orders_now, orders)
    assert june["visits_growth"] == (visits_now - visits) / visits


def test_what_lies_before_the_time_span_is_compared_by_the_same_clock(tree: MetricTree) -> None:
    march = tree.run(["visits"], grain="month", since="2026-03-01", until="2026-03-31").rows
    april = tree.run(
        ["visits"], grain="month", since="2026-04-01", until="2026-04-30", compare="previous"
    ).to_dicts()
    assert april[0]["visits_before"] == march[0][-1]


def test_the_mean_of_daily_rates_would_rank_two_months_wrongly(tree: MetricTree) -> None:
    april, may = (
        row["conversion"]
        for row in tree.run(
            ["conversion"], grain="month", since="2026-04-01", until="2026-05-31"
        ).to_dicts()
    )
    assert april < may
    days = tree.run(["conversion"], grain="day", since="2026-04-01", until="2026-05-31").to_dicts()
    means = [
        sum(rates) / len(rates)
        for month in (4, 5)
        for rates in [[day["conversion"] for day in days if day["day"].month == month]]
    ]
    assert means[0] > means[1]
