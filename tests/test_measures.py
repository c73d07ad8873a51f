"""Measures: real data against judges of their own, small tables by hand, and every mistake."""

from __future__ import annotations

import csv
import io
import json
import math
import pickle
import statistics
import sys
from collections import defaultdict
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies

from metrictree import (
    ComputeError,
    Limits,
    MetricTree,
    MissingExtraError,
    Rule,
    RunResult,
    SourceError,
    UsageError,
)
from metrictree.periods import period_of, periods_between

duckdb = pytest.importorskip("duckdb")

EXAMPLES = Path(__file__).parent.parent / "examples"
CDNOW = EXAMPLES / "cdnow"


# --- real data


@pytest.fixture(scope="module")
def cdnow() -> MetricTree:
    return MetricTree.load(CDNOW / "tree.yml")


@pytest.fixture(scope="module")
def orders() -> list[dict[str, str]]:
    with (CDNOW / "orders.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_all_time_gives_the_known_totals(cdnow: MetricTree) -> None:
    (row,) = cdnow.run(["orders", "active_customers", "revenue"]).to_dicts()
    assert row["orders"] == 69_659
    assert row["active_customers"] == 23_570
    assert round(row["revenue"], 2) == 2_500_315.63


def test_march_1997_has_11598_orders(cdnow: MetricTree) -> None:
    (row,) = cdnow.run(grain="month", since="1997-03-01", until=date(1997, 3, 31)).to_dicts()
    assert row["month"] == date(1997, 3, 1)
    assert row["orders"] == 11_598


def test_months_and_cohorts_agree_with_python_by_hand(
    cdnow: MetricTree, orders: list[dict[str, str]]
) -> None:
    groups: dict[Any, list[dict[str, str]]] = defaultdict(list)
    for order in orders:
        groups[date.fromisoformat(order["ordered_at"]).replace(day=1), order["cohort"]].append(
            order
        )
    result = cdnow.run(grain="month", by="cohort")
    assert len(result) == 18 * 3
    for row in result.to_dicts():
        mine = groups[row["month"], row["cohort"]]
        paid = sum((Decimal(order["amount_usd"]) for order in mine), Decimal(0))
        first = sum(order["order_number"] == "1" for order in mine)
        customers = len({order["customer_id"] for order in mine})
        assert row["orders"] == len(mine)
        assert row["first_orders"] == first
        assert row["active_customers"] == customers
        assert round(row["revenue"], 2) == float(paid)
        if mine:
            assert math.isclose(row["average_order_value"], float(paid / len(mine)), rel_tol=1e-12)
            assert math.isclose(row["orders_per_customer"], len(mine) / customers, rel_tol=1e-12)
            assert math.isclose(row["repeat_share"], 1 - first / len(mine), rel_tol=1e-12)
            assert math.isclose(row["repeat_orders"], len(mine) - first, abs_tol=1e-9)
        else:
            assert row["average_order_value"] is row["repeat_orders"] is None


def test_quarters_agree_with_sql_by_hand(cdnow: MetricTree) -> None:
    path = str(CDNOW / "orders.csv")
    expected = duckdb.execute(
        "select date_trunc('quarter', ordered_at)::date, count(*), count(distinct customer_id), "
        "sum(amount_usd::decimal(12, 2)) / count(*) from read_csv(?) group by 1 order by 1",
        [path],
    ).fetchall()
    targets = ["orders", "active_customers", "average_order_value"]
    found = cdnow.run(targets, grain="quarter").rows
    assert [row[:3] for row in found] == [row[:3] for row in expected]
    for mine, theirs in zip(found, expected, strict=True):
        assert math.isclose(mine[3], theirs[3], rel_tol=1e-12)


def test_weeks_agree_with_polars_by_hand(cdnow: MetricTree) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.read_csv(CDNOW / "orders.csv", try_parse_dates=True)
    expected = (
        frame.with_columns(polars.col("ordered_at").dt.truncate("1w"))
        .group_by("ordered_at")
        .agg(polars.len(), polars.col("customer_id").n_unique(), polars.col("amount_usd").mean())
        .sort("ordered_at")
    )
    targets = ["orders", "active_customers", "average_order_value"]
    found = cdnow.run(targets, grain="week").rows
    assert len(found) == 79
    for mine, theirs in zip(found, expected.rows(), strict=True):
        assert mine[:3] == theirs[:3]
        assert math.isclose(mine[3], theirs[3], rel_tol=1e-12)


# --- small tables by hand


ORDERS = """\
id,day,country,status,amount
1,2024-12-30,de,paid,10.5
2,2025-01-01,de,paid,4.5
3,2025-01-01,,open,
4,2025-01-06,fr,paid,20
5,2025-03-31,de,open,7
"""
TREE = """\
north_star: mean_amount
sources:
  orders: {path: orders.csv, time: day, dimensions: [country, status]}
metrics:
  mean_amount: revenue / orders
  revenue: {measure: {source: orders, aggregate: sum(amount)}}
  orders: {measure: {source: orders, aggregate: count()}}
  with_amount: {measure: {source: orders, aggregate: count(amount)}, role: health}
  countries: {measure: {source: orders, aggregate: count_distinct(country)}, role: health}
  paid: {measure: {source: orders, aggregate: count(), where: status == 'paid'}, role: health}
  paid_mean: {measure: {source: orders, aggregate: mean(amount), where: status == 'paid'},
              role: health}
  fee: {value: 0.25, role: health}
"""


def tree_in(folder: Path, text: str = TREE, **files: str | bytes) -> MetricTree:
    """Return the tree of a folder; file names have `__` for the point."""
    for name, content in {"orders__csv": ORDERS, **files}.items():
        raw = content.encode() if isinstance(content, str) else content
        folder.joinpath(name.replace("__", ".")).write_bytes(raw)
    folder.joinpath("tree.yml").write_text(text, encoding="utf-8")
    return MetricTree.load(folder / "tree.yml")


def one_measure(
    aggregate: str, where: str | None = None, path: str = "orders.csv", **source: Any
) -> str:
    """Return a tree with one measure over one source, which has a day and a country."""
    source = source or {"time": "day", "dimensions": ["country"]}
    measure = {"source": "orders", "aggregate": aggregate} | ({"where": where} if where else {})
    return json.dumps(
        {
            "north_star": "x",
            "sources": {"orders": {"path": path, **source}},
            "metrics": {"x": {"measure": measure}},
        }
    )


def parquet(folder: Path, query: str, name: str = "orders.parquet") -> None:
    with duckdb.connect() as connection:
        connection.sql(query).write_parquet(str(folder / name))


def found(folder: Path, aggregate: str, where: str | None = None, **files: str | bytes) -> Any:
    """Return the value of one measure over all time."""
    path = "orders.parquet" if (folder / "orders.parquet").exists() else "orders.csv"
    text = one_measure(aggregate, where, path, dimensions=[])
    ((value,),) = tree_in(folder, text, **files).run().rows
    return value


def test_months_have_gaps_filled_and_nulls_grouped(tmp_path: Path) -> None:
    result = tree_in(tmp_path).run(["orders", "revenue", "paid_mean"], grain="month", by="country")
    assert result.columns == ("month", "country", "orders", "revenue", "paid_mean")
    assert [(str(month)[:7], *rest) for month, *rest in result.rows] == [
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


def test_all_time_is_one_row_of_every_metric(tmp_path: Path) -> None:
    (row,) = tree_in(tmp_path).run().to_dicts()
    assert row == {
        "mean_amount": 8.4, "revenue": 42, "orders": 5, "with_amount": 4, "countries": 2,
        "paid": 3, "paid_mean": 35 / 3, "fee": 0.25,
    }  # fmt: skip


def test_a_ratio_is_the_ratio_of_aggregates_and_not_the_mean_of_ratios(tmp_path: Path) -> None:
    result = tree_in(tmp_path).run(["mean_amount"], by=["status"])
    assert result.rows == (("open", 3.5), ("paid", 35 / 3))


def test_a_distinct_count_is_not_summed(tmp_path: Path) -> None:
    tree = tree_in(tmp_path)
    by_month = [row[1] for row in tree.run(["countries"], grain="month").rows]
    assert by_month == [1, 2, 0, 1]
    assert tree.run(["countries"], grain="all").rows == ((2,),)


def test_weeks_begin_on_monday_also_over_new_year(tmp_path: Path) -> None:
    result = tree_in(tmp_path).run(["orders"], grain="week", until="2025-01-12")
    assert result.rows == ((date(2024, 12, 30), 3), (date(2025, 1, 6), 1))


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
    rows = tree_in(tmp_path).run(["orders"], grain="day", until=date(2025, 1, 2)).rows
    assert [(str(day), count) for day, count in rows] == [
        ("2024-12-30", 1), ("2024-12-31", 0), ("2025-01-01", 2), ("2025-01-02", 0),
    ]  # fmt: skip


def test_since_and_until_are_inclusive_and_widen_the_span(tmp_path: Path) -> None:
    tree = tree_in(tmp_path)
    result = tree.run(["orders"], grain="month", since="2024-11-15", until="2025-01-05")
    assert [row[1] for row in result.rows] == [0, 1, 2]
    assert tree.run(["orders"], since="2025-01-01", until="2025-01-01").rows == ((2,),)
    assert tree.run(["orders"], since="2030-01-01").rows == ((0,),)
    assert tree.run(["orders"], grain="day", since="2030-01-01").rows == ()


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
    assert [(row[0].month, *row[1:]) for row in result.rows] == [
        (1, "de", 0.25, 1, 4),
        (1, "fr", None, 1, 0),
        (1, "it", None, 0, 0),
        (1, None, None, 1, 0),
        (2, "de", None, 0, 0),
        (2, "fr", None, 0, 0),
        (2, "it", 0, 0, 5),
        (2, None, None, 0, 0),
    ]
    assert [row[0].month for row in tree.run(grain="month").rows] == [12, 1, 2, 3]


def test_sources_that_no_target_needs_are_not_opened(tmp_path: Path) -> None:
    text = TREE.replace("sources:\n", "sources:\n  lost: {path: lost.csv}\n")
    text += "  lost: {measure: {source: lost, aggregate: count()}, role: health}\n"
    tree = tree_in(tmp_path, text)
    assert tree.run(["orders"]).rows == ((5,),)
    with pytest.raises(SourceError, match="there is no such file"):
        tree.run(["lost"])


VALUES = [3.0, 1.0, None, 7.5, 1.0]
BY_HAND = [
    ("count()", 5),
    ("count(v)", 4),
    ("count_distinct(v)", 3),
    ("sum(v)", 12.5),
    ("mean(v)", 3.125),
    ("min(v)", 1),
    ("max(v)", 7.5),
    ("median(v)", 2),
    ("quantile(v, 0.25)", 1),
    ("quantile(v, 1)", 7.5),
    ("std(v)", statistics.stdev([3.0, 1.0, 7.5, 1.0])),
    ("sum(v * 2 + 1)", 29),
    ("sum(coalesce(v, 100))", 112.5),
    ("sum(1)", 5),
    ("sum(1 / (v - 1))", 0.5 + 1 / 6.5),
    ("mean(1 if v > 2 else 0)", 0.4),
    ("sum(v / 0)", 0),
    ("mean(v / 0)", None),
    ("sum(1e300 * 1e300)", 0),
]


@pytest.mark.parametrize(("aggregate", "expected"), BY_HAND)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_aggregate_is_what_it_is_by_hand(
    tmp_path: Path, aggregate: str, expected: Any, form: str
) -> None:
    if form == "csv":
        text = "v,w\n" + "".join(f"{'' if v is None else v},1\n" for v in VALUES)
        value = found(tmp_path, aggregate, orders__csv=text)
    else:
        rows = ", ".join(f"({'null' if v is None else v}::double, 1)" for v in VALUES)
        parquet(tmp_path, f"select * from (values {rows}) as t(v, w)")  # noqa: S608 - our own
        value = found(tmp_path, aggregate)
    if expected is None or value is None:
        assert value is expected
    else:
        assert value == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [("count()", 0), ("count(amount)", 0), ("count_distinct(amount)", 0), ("sum(amount)", 0),
     ("mean(amount)", None), ("min(amount)", None), ("median(amount)", None),
     ("std(amount)", None)],
)  # fmt: skip
@pytest.mark.parametrize("where", [None, "amount > 1e9", "1 > 2", "is_missing(null) and null"])
def test_without_rows_counts_and_sums_are_zero_and_the_rest_is_missing(
    tmp_path: Path, aggregate: str, expected: Any, where: str | None
) -> None:
    content = ORDERS if where else "id,day,country,status,amount\n"
    assert found(tmp_path, aggregate, where, orders__csv=content) == expected


def test_the_deviation_of_one_value_is_missing_since_there_are_too_few(tmp_path: Path) -> None:
    for where, rule in (("id == 1", Rule.TOO_FEW), ("id == 0", Rule.NO_VALUES)):
        text = one_measure("std(amount)", where, dimensions=[])
        result = tree_in(tmp_path, text).run()
        reason = result.why(0, "x")
        assert result.rows == ((None,),)
        assert reason is not None
        assert reason.rule is rule


def test_a_column_without_values_counts_as_missing_numbers(tmp_path: Path) -> None:
    content = "day,discount,note\n2025-01-01,,a\n2025-01-02,,b\n"
    assert found(tmp_path, "sum(discount)", "note == 'a'", orders__csv=content) == 0
    assert found(tmp_path, "sum(coalesce(discount, 2))", orders__csv=content) == 4


def test_decimals_and_large_integers_are_summed_exactly(tmp_path: Path) -> None:
    parquet(
        tmp_path,
        "select case when i % 2 = 0 then 0.1 else 90071992547409.92 end::decimal(18, 2) as d, "
        "9007199254740993 * (case when i % 2 = 0 then 1 else -1 end) + i as n "
        "from range(10) as t(i)",
    )
    assert found(tmp_path, "sum(d)") == float(Decimal("90071992547409.92") * 5 + Decimal("0.5"))
    assert found(tmp_path, "sum(n)") == 45


def test_nan_in_a_file_is_missing(tmp_path: Path) -> None:
    parquet(tmp_path, "select unnest([1, 'nan'::double, null, 2]) as v")
    assert found(tmp_path, "count(v)") == 2
    assert found(tmp_path, "count_distinct(v)") == 2
    assert found(tmp_path, "mean(v)") == 1.5
    assert found(tmp_path, "median(v)") == 1.5
    assert found(tmp_path, "count()", "is_missing(v)") == 2


def test_a_sum_past_float64_is_missing_with_its_reason(tmp_path: Path) -> None:
    parquet(tmp_path, "select unnest([1e308, 1e308]::double[]) as v")
    result = tree_in(tmp_path, one_measure("sum(v)", path="orders.parquet", dimensions=[])).run()
    reason = result.why(0, "x")
    assert result.rows == ((None,),)
    assert str(reason) == "x = sum(v) is missing: the result is past float64"


def test_any_type_of_column_can_be_counted(tmp_path: Path) -> None:
    parquet(
        tmp_path,
        "select uuid() as u, [1, 2] as list, 'a'::blob as b, time '10:00:00' as t, true as f, "
        "date '2025-01-01' as d, 's' as s from range(3)",
    )
    for column in ("u", "list", "b", "t", "f", "d", "s"):
        assert found(tmp_path, f"count({column})") == 3
        assert found(tmp_path, f"count_distinct({column})") == (3 if column == "u" else 1)


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


def test_a_decimal_dimension_is_written_as_a_number(tmp_path: Path) -> None:
    parquet(tmp_path, "select unnest([-1.50, 0.25])::decimal(9, 2) as country")
    text = one_measure("count()", path="orders.parquet", dimensions=["country"])
    stream = io.StringIO()
    tree_in(tmp_path, text).run(by="country").write_csv(stream)
    assert stream.getvalue() == "country,x\n-1.50,1\n0.25,1\n"


LONG_IDS = "id,n\n12345678901234567890,1\n12345678901234567891,2\n5,3\n"


def test_long_ids_in_a_csv_file_are_told_apart(tmp_path: Path) -> None:
    files = {"orders__csv": LONG_IDS}
    assert found(tmp_path, "count_distinct(id)", **files) == 3
    assert found(tmp_path, "sum(n)", "id == '12345678901234567891'", **files) == 2
    assert found(tmp_path, "sum(n)", "id != '12345678901234567891'", **files) == 4
    ids = "('12345678901234567890', '5')"
    assert found(tmp_path, "sum(n)", f"id in {ids}", **files) == 4
    assert found(tmp_path, "sum(n)", f"id not in {ids}", **files) == 2
    text = one_measure("sum(n)", dimensions=["id"])
    assert tree_in(tmp_path, text, **files).run(by="id").rows == (
        ("12345678901234567890", 1), ("12345678901234567891", 2), ("5", 3),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("aggregate", "where"),
    [("sum(id)", None), ("max(id)", None), ("mean(id / 2)", None), ("count()", "id == 5")],
)
def test_long_ids_in_a_csv_file_are_not_computed_with(
    tmp_path: Path, aggregate: str, where: str | None
) -> None:
    text = one_measure(aggregate, where, dimensions=[])
    ((code, told),) = refused(tree_in(tmp_path, text, orders__csv=LONG_IDS))
    assert code == "SRC112"
    assert "the column 'id' holds integers past 2**53" in told
    assert "compare them with texts" in told


WORDS = [
    (["NO", "NO"], 1),
    (["t", "f", "T"], 3),
    (["yes", "no", "Yes"], 3),
    (["Nan", "Inf", "nan", "-inf"], 4),
    (["1e2", "100", "10e1"], 3),
    (["1.0", "1.00"], 2),
    (["007", "7"], 2),
]


@pytest.mark.parametrize(("cells", "distinct"), WORDS)
def test_different_texts_in_a_csv_file_are_never_the_same(
    tmp_path: Path, cells: list[str], distinct: int
) -> None:
    content = "country,n\n" + "".join(f"{cell},1\n" for cell in cells)
    assert found(tmp_path, "count_distinct(country)", orders__csv=content) == distinct
    assert found(tmp_path, "count(country)", orders__csv=content) == len(cells)
    where = f"country == '{cells[0]}'"
    assert found(tmp_path, "count()", where, orders__csv=content) == cells.count(cells[0])
    text = one_measure("count()", dimensions=["country"])
    rows = tree_in(tmp_path, text, orders__csv=content).run(by="country").rows
    assert {name for name, _ in rows} == set(cells)


def test_true_and_false_in_a_csv_file_are_truth_values_in_any_case(tmp_path: Path) -> None:
    content = "paid,n\nTrue,1\nFALSE,2\ntrue,4\n,8\n"
    assert found(tmp_path, "sum(n)", "paid", orders__csv=content) == 5
    assert found(tmp_path, "sum(n)", "paid == 'True'", orders__csv=content) == 1


def test_numbers_among_nan_are_numbers(tmp_path: Path) -> None:
    content = "v,n\n" + "nan,1\n" * 3_000 + "1.5,1\n"
    assert found(tmp_path, "sum(v)", orders__csv=content) == 1.5
    assert found(tmp_path, "count_distinct(v)", orders__csv=content) == 1


@pytest.mark.parametrize("dtype", ["bigint", "decimal(38, 0)", "ubigint"])
def test_integers_are_compared_with_integers_exactly(tmp_path: Path, dtype: str) -> None:
    cells = "[5, 9007199254740992, 9007199254740993, 9007199254740994]"
    parquet(tmp_path, f"select unnest({cells})::{dtype} as id")
    for where, count in [
        ("id == 5", 1), ("id != 5", 3), ("id == 9007199254740992", 1), ("id > -5", 4),
        ("id == -5", 0), ("id > 9007199254740992", 2), ("5 < id < 9007199254740994", 2),
        ("id in (5, 9007199254740994)", 2), ("id not in (9007199254740992, 5)", 2),
        ("not is_missing(id)", 4), ("id == id", 4),
    ]:  # fmt: skip
        assert found(tmp_path, "count()", where) == count, where
    for where in ("id == 5.5", "id + 0 == 5", "coalesce(id, 0) == 5", "id == 1e30"):
        text = one_measure("count()", where, "orders.parquet", dimensions=[])
        ((code, _),) = refused(tree_in(tmp_path, text))
        assert code == "SRC112"


@pytest.mark.parametrize("aggregate", ["max(d)", "min(d)", "sum(d)", "mean(d * 1)", "median(d)"])
def test_decimals_lose_no_digits_before_the_point(tmp_path: Path, aggregate: str) -> None:
    parquet(tmp_path, "select 9007199254740993::decimal(38, 0) as d")
    text = one_measure(aggregate, path="orders.parquet", dimensions=[])
    ((code, told),) = refused(tree_in(tmp_path, text))
    assert code == "SRC112"
    assert "decimal 9007199254740993" in told or "holds decimals past 2**53" in told


def test_a_sum_past_all_decimals_is_told(tmp_path: Path) -> None:
    parquet(tmp_path, "select unnest([9e37, 9e37, 9e37])::decimal(38, 0) as d")
    text = one_measure("sum(d)", path="orders.parquet", dimensions=[])
    ((code, told),) = refused(tree_in(tmp_path, text))
    assert code == "SRC112"
    assert "a number of the source 'orders' is past what DuckDB can hold" in told


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


@pytest.mark.parametrize("aggregate", ["sum(v)", "mean(v)", "std(v)", "sum(v * 2)"])
def test_floats_are_added_in_the_order_of_the_rows(tmp_path: Path, aggregate: str) -> None:
    parquet(tmp_path, "select sin(range) as v from range(500_000)")
    assert len({found(tmp_path, aggregate) for _ in range(4)}) == 1


def test_times_with_a_zone_in_parquet_lie_on_their_day_in_utc(tmp_path: Path) -> None:
    parquet(
        tmp_path,
        "select unnest(['2025-01-01 00:30:00+01', '2025-01-01 23:00:00-05'])::timestamptz as day",
    )
    tree = tree_in(tmp_path, one_measure("count()", path="orders.parquet", time="day"))
    assert tree.run(grain="day").rows == (
        (date(2024, 12, 31), 1), (date(2025, 1, 1), 0), (date(2025, 1, 2), 1),
    )  # fmt: skip
    assert found(tmp_path, "count()", "day < '2025-01-01'") == 1


def test_a_result_knows_the_periods_that_are_cut(tmp_path: Path) -> None:
    tree = tree_in(tmp_path)
    first, last = date(2025, 1, 2), date(2025, 3, 30)
    result = tree.run(["orders"], grain="month", since=first, until=last)
    assert result.partial == (
        (date(2025, 1, 1), first, None), (date(2025, 3, 1), None, last),
    )  # fmt: skip
    january = date(2025, 1, 1)
    result = tree.run(["orders"], grain="month", since=first, until="2025-01-30")
    assert result.partial == ((january, first, date(2025, 1, 30)),)
    assert tree.run(["orders"], grain="month", since=january, until="2025-01-31").partial == ()
    assert tree.run(["orders"], since=first, until=last).partial == ()
    assert tree.run(["orders"], grain="day", since=first, until=last).partial == ()


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
    assert [count for _, count in tree.run(grain="month").rows] == [1, 1, 1]
    assert [count for _, count in tree.run(grain="week").rows][:2] == [2, 0]


def test_rows_without_time_count_in_all_time_and_nowhere_else_if_no_measure_wants_them(
    tmp_path: Path,
) -> None:
    content = "day,country,status\n2025-01-01,de,paid\n,de,open\n,fr,open\n"
    everything = tree_in(tmp_path, one_measure("count()"), orders__csv=content)
    assert everything.run().rows == ((3,),)
    paid = tree_in(tmp_path, one_measure("count()", "status == 'paid'"), orders__csv=content)
    assert paid.run(grain="month").rows == ((date(2025, 1, 1), 1),)
    with pytest.raises(SourceError) as caught:
        everything.run(grain="month")
    (problem,) = caught.value.diagnostics
    assert problem.code == "SRC110"
    assert problem.message == "rows that count have no 'day': 2 in 'x'"
    assert problem.help == ("leave them out with `where: not is_missing(day)`, or ask for all time")
    with pytest.raises(SourceError, match="SRC110"):
        everything.run(since="2025-01-01")
    with_time = tree_in(
        tmp_path, one_measure("count()", "not is_missing(day)"), orders__csv=content
    )
    assert with_time.run(grain="year").rows == ((date(2025, 1, 1), 1),)


def test_constants_need_no_source(tmp_path: Path) -> None:
    tree = MetricTree(north_star="b", metrics={"b": "a / 0", "a": 3})
    result = tree.run()
    assert result.rows == ((None, 3),)
    reason = result.why(0, "b")
    assert reason is not None
    assert (reason.metric, reason.rule) == ("b", Rule.ZERO_DIVISION)


def test_paths_of_included_files_start_at_their_own_folder(tmp_path: Path) -> None:
    teams = tmp_path / "teams" / "shop"
    teams.mkdir(parents=True)
    teams.joinpath("data.csv").write_text("a\n1\n2\n", encoding="utf-8")
    teams.joinpath("shop.yml").write_text(
        "sources: {rows: {path: data.csv}, up: {path: ../../orders.csv}}\n"
        "metrics:\n  rows: {measure: {source: rows, aggregate: count()}}\n"
        "  up: {measure: {source: up, aggregate: count()}}\n",
        encoding="utf-8",
    )
    text = (
        "north_star: x\ninclude: {shop: teams/shop/shop.yml}\nmetrics: {x: shop.rows + shop.up}\n"
    )
    tree = tree_in(tmp_path, text)
    assert tree.run().rows == ((7, 2, 5),)
    again = tmp_path / "again.yml"
    again.write_text(tree.to_yaml(), encoding="utf-8")
    assert MetricTree.load(again).run().rows == ((7, 2, 5),)


def test_trees_from_python_and_text_read_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree_in(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert MetricTree.from_yaml(TREE).run(["orders"]).rows == ((5,),)


def test_a_pickled_tree_still_finds_its_sources(tmp_path: Path) -> None:
    tree = pickle.loads(pickle.dumps(tree_in(tmp_path)))
    assert tree.run(["orders"]).rows == ((5,),)


def test_a_root_allows_sources_above_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "trees"
    folder.mkdir()
    tree_in(tmp_path)
    text = one_measure("count()", path="../orders.csv")
    folder.joinpath("tree.yml").write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match="outside of the tree's folder"):
        MetricTree.load(folder / "tree.yml").run()
    assert MetricTree.load(folder / "tree.yml", root=tmp_path).run().rows == ((5,),)


@pytest.mark.skipif(sys.platform == "win32", reason="no file can have such a name there")
def test_names_of_files_and_columns_are_never_patterns_or_sql(tmp_path: Path) -> None:
    odd = "a[1]*?'; drop table x;--.csv"
    tmp_path.joinpath("country=it").mkdir()
    content = 'day,country,"a.b","q""uote","x y"\n2025-01-01,de,1,2,3\n'
    tmp_path.joinpath("country=it", odd).write_text(content, encoding="utf-8")
    tmp_path.joinpath("country=it", "a1b.csv").write_text("day\n", encoding="utf-8")
    text = one_measure("sum(a.b)", "country == 'de'", f"country=it/{odd}")
    text = text.replace('["country"]', '["q\\"uote", "x y", "country"]')
    tree = tree_in(tmp_path, text)
    assert tree.run(by=['q"uote', "x y", "country"], grain="day").rows == (
        (date(2025, 1, 1), 2, 3, "de", 1),
    )


CSV_FILES = [
    ("a;b\n1;2\n", "sum(b)", 2),
    ("a\tb\n1\t2\n", "sum(b)", 2),
    ("a|b\n1|2\n", "sum(b)", 2),
    ("\ufeffa,b\r\n1,2\r\n", "sum(a)", 1),
    ('a,b\n"x, y\nz",2\n"q""q",3\n', "sum(b)", 5),
    ("a,b\n1,2\n\n3,4\n", "count()", 2),
    ("a,b\n#1,2\n#3,4\n5,6\n", "count()", 3),
    ("a\n1\n\n3\n", "count()", 3),
    ("a,b\n1,true\n2,false\n", "sum(1 if b else 0)", 1),
    ("a,b\n1,1.5\n2,3\n", "sum(b)", 4.5),
    ("a,b\n" + "1,2\n" * 30_000 + "x,2\n", "count_distinct(a)", 2),
]


@pytest.mark.parametrize(("content", "aggregate", "expected"), CSV_FILES)
def test_a_csv_file_is_read_whole_and_without_guessing(
    tmp_path: Path, content: str, aggregate: str, expected: Any
) -> None:
    assert found(tmp_path, aggregate, orders__csv=content) == expected


def test_csv_lines_may_end_in_several_ways(tmp_path: Path) -> None:
    lines = "".join(f"{n},x{n}{end}" for n in range(40_000) for end in ("\n", "\r\n"))
    content = f'a,b\r\n{lines}7,"y\nz"\n'
    assert found(tmp_path, "sum(a)", orders__csv=content) == 2 * sum(range(40_000)) + 7
    assert found(tmp_path, "count_distinct(b)", orders__csv=content) == 40_001
    assert found(tmp_path, "count()", "b == 'x3'", orders__csv=content) == 2


def test_cdnow_money_is_the_sum_of_its_decimals_to_the_last_digit(
    cdnow: MetricTree, orders: list[dict[str, str]]
) -> None:
    paid: dict[str, Decimal] = defaultdict(Decimal)
    for order in orders:
        paid[order["ordered_at"]] += Decimal(order["amount_usd"])
    ((total,),) = cdnow.run(["revenue"]).rows
    assert total == float(sum(paid.values())) == 2_500_315.63
    found = {str(day): value for day, value in cdnow.run(["revenue"], grain="day").rows if value}
    assert found == {day: float(amount) for day, amount in paid.items() if amount}
    stream = io.StringIO()
    cdnow.run(["revenue"], grain="month").write_csv(stream)
    assert all(len(line.partition(".")[2]) <= 2 for line in stream.getvalue().split())


MONEY = [
    ["0.1", "0.2"],
    ["58.78", "76.50", "79.90"],
    ["-0.07", "1.10", "1e2", "12345678.1234", "0.123456789", "999999.999999999"],
    ["9999999999999.99", "0.01", "-9999999999999.99"],
    [f"{n / 100:.2f}" for n in range(1, 2_000, 7)],
]


@pytest.mark.parametrize("cells", MONEY)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_sums_and_means_of_written_decimals_are_rounded_once(
    tmp_path: Path, cells: list[str], form: str
) -> None:
    content = "v,w\n" + "".join(f"{cell},1\n,2\n{cell},3\n" for cell in cells)
    if form == "parquet":
        rows = content.replace("'", "").split()[1:]
        texts = ", ".join(f"({row.split(',')[0] or 'null'}::double)" for row in rows)
        parquet(tmp_path, f"select *, 1 as w from (values {texts}) as t(v)")  # noqa: S608 - our own
    total = sum(map(Decimal, cells)) * 2
    exact = Fraction(total)
    files = {"orders__csv": content}
    assert found(tmp_path, "sum(v)", **files) == float(exact)
    assert found(tmp_path, "mean(v)", **files) == float(exact / (2 * len(cells)))
    if form == "csv":
        assert found(tmp_path, "sum(v)", "w == 1", **files) == float(exact / 2)


@pytest.mark.parametrize(
    "cells", [["0.1", "0.1234567891234"], ["1e15", "0.3"], ["1e300", "0.5"], ["1e-10", "0.25"]]
)
def test_floats_that_are_no_short_decimals_are_summed_as_floats(
    tmp_path: Path, cells: list[str]
) -> None:
    content = "v,w\n" + "".join(f"{cell},1\n" for cell in cells)
    assert found(tmp_path, "sum(v)", orders__csv=content) == math.fsum(map(float, cells))


def test_without_values_a_sum_of_decimals_is_zero_and_a_mean_is_missing(tmp_path: Path) -> None:
    content = "v,w\n1.5,1\n"
    assert found(tmp_path, "sum(v)", "w == 2", orders__csv=content) == 0
    assert found(tmp_path, "mean(v)", "w == 2", orders__csv=content) is None


UTC = ["2026-01-02T23:45:00Z", "2026-01-02 23:45:00+00:00", "2026-01-02 23:45:00.123 UTC",
       "2026-01-02T23:45:00+0000", "2026-01-02 23:45+00", "2026-01-02 23:45:00.1 Z"]  # fmt: skip


@pytest.mark.parametrize("text", UTC)
def test_a_time_in_utc_lies_on_its_day_in_utc(tmp_path: Path, text: str) -> None:
    content = f"day,country\n{text},de\n2026-01-03,de\n"
    tree = tree_in(tmp_path, one_measure("count()"), orders__csv=content)
    assert tree.run(grain="day").rows == ((date(2026, 1, 2), 1), (date(2026, 1, 3), 1))


# --- mistakes


def refused(tree: MetricTree, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
    with pytest.raises(SourceError) as caught:
        tree.run(*args, **kwargs)
    for problem in caught.value.diagnostics:
        assert problem.help
        assert problem.message.isascii()
        assert problem.path or problem.code == "SRC115"
    return [(problem.code, str(problem)) for problem in caught.value.diagnostics]


PATHS = [
    ("/etc/passwd", "SRC103", "is no relative path"),
    ("~/orders.csv", "SRC103", "is no relative path"),
    ("https://example.org/orders.csv", "SRC103", "is no relative path"),
    ("s3://bucket/orders.parquet", "SRC103", "is no relative path"),
    ("C:/orders.csv", "SRC103", "is no relative path"),
    ("data\\orders.csv", "SRC103", "is no relative path"),
    ("orders.csv\0", "SRC103", "is no relative path"),
    ("../orders.csv", "SRC103", "is outside of the tree's folder"),
    ("a/../../orders.csv", "SRC103", "is outside of the tree's folder"),
    ("link.csv", "SRC103", "is outside of the tree's folder"),
    ("folder/orders.csv", "SRC103", "is outside of the tree's folder"),
    ("lost.csv", "SRC104", "there is no such file: check the path"),
    ("*.csv", "SRC104", "there is no such file: a later version reads several files"),
    ("a" * 300 + ".csv", "SRC104", "cannot read aaa"),
    ("loop.csv", "SRC104", "cannot read loop.csv"),
    ("inner.csv", "SRC104", "it is no file"),
    ("empty.csv", "SRC104", "it is empty"),
    ("orders.xlsx", "SRC102", "is no file that this version reads"),
    ("orders", "SRC102", "is no file that this version reads"),
    ("fake.parquet", "SRC105", "cannot be read: "),
    ("binary.csv", "SRC105", "binary.csv is not UTF-8, see line 3"),
    ("ragged.csv", "SRC105", "cannot read ragged.csv: line 3 has 1 cell, the header 3: repair"),
    ("late.csv", "SRC105", "cannot read late.csv: line 40002 has 3 cells, the header 2"),
    ("quoted.csv", "SRC105", "cannot read quoted.csv: line 5 has 3 cells, the header 2"),
    ("bare.csv", "SRC105", "cannot read bare.csv: the quotes do not match, see line 3"),
    ("open.csv", "SRC105", "cannot read open.csv: the quotes do not match, see line 3"),
    ("latin.csv", "SRC105", "latin.csv is not UTF-8, see line 3: save it as UTF-8"),
    ("title.csv", "SRC105", "cannot read title.csv: line 3 has 2 cells, the header 1"),
    ("twice.csv", "SRC105", "the header of twice.csv names 'a' twice"),
    ("long.csv", "SRC105", "the header of long.csv cannot be read: field larger"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outside = tmp_path_factory.mktemp("outside")
    outside.joinpath("orders.csv").write_text(ORDERS, encoding="utf-8")
    inside = outside / "inside"
    inside.mkdir()
    inside.joinpath("inner.csv").mkdir()
    if sys.platform != "win32":
        inside.joinpath("link.csv").symlink_to(outside / "orders.csv")
        inside.joinpath("folder").symlink_to(outside)
        inside.joinpath("loop.csv").symlink_to(inside / "loop.csv")
    files = {
        "empty.csv": b"",
        "fake.parquet": b"PAR1 no, it is not",
        "binary.csv": bytes(range(256)) * 10,
        "ragged.csv": b"a,b,c\n1,2,3\n3\n4,5,6\n",
        "late.csv": b"a,b\n" + b"1,2\n" * 40_000 + b"1,2,3\n",
        "quoted.csv": b'a,b\n"x\ny",2\n\n1,2,3\n',
        "bare.csv": b'a,b\n1,2\n"1"x,2\n',
        "open.csv": b'a,b\n1,2\n"1,2\n3,4\n',
        "latin.csv": "a,b\nz,0\n\xe9,1\n".encode("latin-1"),
        "title.csv": b"A report\n\na,b\n1,2\n",
        "twice.csv": b"a,b,a\n1,2,3\n",
        "long.csv": b"a" * 200_000 + b",b\n1,2\n",
    }
    for name, raw in files.items():
        inside.joinpath(name).write_bytes(raw)
    return inside


@pytest.mark.parametrize(("path", "code", "sentence"), PATHS)
def test_a_path_that_cannot_be_read_is_refused(
    folder: Path, path: str, code: str, sentence: str
) -> None:
    if sys.platform == "win32" and ("link" in path or "folder" in path or "loop" in path):
        pytest.skip("links need rights there")
    tree = tree_in(folder, one_measure("count()", path=path, dimensions=[]))
    ((found_code, text),) = refused(tree)
    assert found_code == code
    assert sentence in text


def test_a_path_is_shown_with_its_place_in_the_tree(tmp_path: Path) -> None:
    tree = tree_in(tmp_path, TREE.replace("orders.csv", "lost.csv"))
    ((_, text),) = refused(tree, ["orders"])
    assert text.startswith(f"{tmp_path / 'tree.yml'}:3:18: SRC104 cannot read lost.csv")


@pytest.mark.parametrize("kind", ["query: select 1", "table: shop.orders"])
def test_queries_and_tables_come_later(tmp_path: Path, kind: str) -> None:
    tree = tree_in(tmp_path, TREE.replace("path: orders.csv", kind))
    ((code, text),) = refused(tree, ["orders"])
    assert code == "SRC102"
    assert f"is a {kind[:5]}, which a later version reads" in text


COLUMNS = [
    ("sum(amuont)", None, "SRC106", "no column 'amuont': did you mean amount?", "amuont"),
    ("count(AMOUNT)", None, "SRC106", "no column 'AMOUNT': did you mean amount?", "AMOUNT"),
    ("count(zzz)", None, "SRC106", "the columns are id, day, country, status, amount", "zzz"),
    ("sum(status)", None, "SRC107", "'status' holds text: 'paid' in line 2, where a", "status"),
    ("median(day)", None, "SRC107", "'day' holds text: '2024-12-30' in line 2", "day"),
    ("sum(amount + status)", None, "SRC107", "or choose another column", "status"),
    ("count()", "status or id > 1", "SRC107", "compare it: `status == 'text'`", "status"),
    ("count()", "statsu == 'x'", "SRC106", "no column 'statsu': did you mean status?", "statsu"),
    ("count()", "status == 1", "SRC107", "'status' (text of type VARCHAR) and '1' (a number)", ""),
    ("count()", "amount < '1'", "SRC107", "'amount' (a number of type DOUBLE) and '1' (text)", ""),
    ("count()", "status", "SRC107", "'status' is text of type VARCHAR, where a condition", ""),
    ("count()", "abs(amount) in ('a', 'b')", "SRC107", "the list of `in` holds texts", ""),
    ("sum(round(id, id))", None, "SRC113", "digits of round() must be written", "round(id, id)"),
    ("sum(" + "id + " * 100 + "id)", None, "SRC114", "more than 100 operations", "s"),
]


@pytest.mark.parametrize(("aggregate", "where", "code", "sentence", "marked"), COLUMNS)
def test_a_measure_that_does_not_fit_its_source_is_refused(  # noqa: PLR0917 - a row of a table
    tmp_path: Path, aggregate: str, where: str | None, code: str, sentence: str, marked: str
) -> None:
    condition = f", where: {json.dumps(where)}" if where else ""
    text = f"""\
north_star: x
sources: {{orders: {{path: orders.csv}}}}
metrics:
  x: {{measure: {{source: orders, aggregate: "{aggregate}"{condition}}}}}
"""
    tree = tree_in(tmp_path, text)
    with pytest.raises(SourceError) as caught:
        tree.run()
    (problem,) = caught.value.diagnostics
    span = problem.span
    assert problem.code == code
    assert sentence in str(problem)
    assert problem.metric == "x"
    assert problem.path == f"metrics.x.measure.{'where' if where else 'aggregate'}"
    assert span is not None
    assert span.line == 4
    assert span.text[span.column - 1 : span.end_column - 1] == (marked or where)


CELLS = [
    ("n/a", "n/a"),
    ("\u20ac58.78", "\\u20ac58.78"),
    ('"1,200.00"', "1,200.00"),
    ('"12,5"', "12,5"),
    ("+5", "+5"),
    ("007", "007"),
    ("1_000", "1_000"),
    ("true", "true"),
    ("7 ", "7 "),
]


@pytest.mark.parametrize(("cell", "told"), CELLS)
@pytest.mark.parametrize(
    ("aggregate", "where"),
    [("sum(amount)", None), ("max(2 * amount)", None), ("count()", "amount > 3"),
     ("count()", "amount in (1, 2)")],
)  # fmt: skip
def test_the_first_cell_that_is_no_number_is_told_with_its_line(
    tmp_path: Path, cell: str, told: str, aggregate: str, where: str | None
) -> None:
    content = f'day,country,amount\n,"d\ne",.5\n\n2025-01-01,de,-1e3\n,,\n,,{cell}\n,,lost\n'
    tree = tree_in(tmp_path, one_measure(aggregate, where), orders__csv=content)
    with pytest.raises(SourceError) as caught:
        tree.run()
    (problem,) = caught.value.diagnostics
    assert problem.code == "SRC107"
    assert problem.message == f"'amount' holds text: '{told}' in line 7, where a number is needed"
    assert problem.help == "repair the cell, or leave it empty"


@pytest.mark.parametrize(
    ("text", "what"),
    [("2026-02-30", "texts that are no days"), ("31.01.2026", "texts that are no days"),
     ("soon", "texts that are no days"), ("2026-01-31T25:00", "texts that are no days"),
     ("2026-01-31T10:00:00+02:00", "times of another zone than UTC")],
)  # fmt: skip
def test_the_first_cell_that_is_no_day_is_told_with_its_line(
    tmp_path: Path, text: str, what: str
) -> None:
    content = f'day,country\r\n2026-01-01,"a\nb"\r\n,\r\n{text},de\r\n0,de\r\n'
    tree = tree_in(tmp_path, one_measure("count()"), orders__csv=content)
    ((code, told),) = refused(tree, since="2026-01-01")
    assert code == "SRC107"
    assert f"the time column 'day' holds {what}: '{text}' in line 5: write" in told


def test_rows_without_time_are_one_problem_of_their_source(tmp_path: Path) -> None:
    text = TREE.replace("time: day", "time: at")
    content = ORDERS.replace("id,day", "id,at").replace("2025-01-01,,open", ",,open")
    tree = tree_in(tmp_path, text, orders__csv=content.replace("2025-03-31", ""))
    ((code, told),) = refused(tree, grain="month", by=["country"])
    assert code == "SRC110"
    assert "rows that count have no 'at': 2 in 'revenue', 2 in 'orders', 2 in 'with_amount'" in told


def test_columns_that_differ_in_case_only_are_told_apart(tmp_path: Path) -> None:
    content = "day,country,a,B\n2025-01-01,de,1,2\n"
    assert found(tmp_path, "sum(B)", orders__csv=content) == 2
    tree = tree_in(tmp_path, one_measure("sum(b)"), orders__csv=content)
    ((code, _),) = refused(tree)
    assert code == "SRC106"


def test_all_problems_of_all_sources_are_told_at_once(tmp_path: Path) -> None:
    text = """\
north_star: x
sources:
  orders: {path: orders.csv, time: dya, dimensions: [country]}
  visits: {path: visits.csv, time: at}
  lost: {path: lost.csv}
metrics:
  x: a + b + c + d
  a: {measure: {source: orders, aggregate: sum(status), where: amuont > 1 and contry == 'de'}}
  b: {measure: {source: orders, aggregate: sum(amount)}}
  c: {measure: {source: visits, aggregate: count()}}
  d: {measure: {source: lost, aggregate: count()}}
"""
    tree = tree_in(tmp_path, text, visits__csv="at\n2025-01-01\n")
    codes = [code for code, _ in refused(tree, grain="month", by="country")]
    assert codes == ["SRC106", "SRC106", "SRC106", "SRC107", "SRC108", "SRC104"]


SETTINGS = [
    ("timezone: Europe/Berlin\n", {"grain": "day"}, "timezone: Europe/Berlin"),
    ("timezone: Europe/Berlin\n", {"since": "2025-01-01"}, "timezone: Europe/Berlin"),
    ("week_start: sunday\n", {"grain": "week"}, "week_start: sunday"),
    ("fiscal_year_start: 4\n", {"grain": "year"}, "fiscal_year_start: 4"),
    ("fiscal_year_start: 4\n", {"grain": "quarter"}, "fiscal_year_start: 4"),
]


@pytest.mark.parametrize(("line", "arguments", "setting"), SETTINGS)
def test_a_setting_that_would_be_ignored_is_refused_where_it_matters(
    tmp_path: Path, line: str, arguments: dict[str, Any], setting: str
) -> None:
    tree = tree_in(tmp_path, line + TREE)
    ((code, text),) = refused(tree, ["orders"], **arguments)
    assert code == "SRC111"
    assert f"`{setting}` cannot be taken into account yet" in text
    assert tree.run(["orders"]).rows == ((5,),)
    if "timezone" not in line:
        assert len(tree.run(["orders"], grain="month")) == 4


def test_the_time_zone_of_a_source_is_refused(tmp_path: Path) -> None:
    tree = tree_in(tmp_path, TREE.replace("time: day,", "time: day, timezone: Asia/Tokyo,"))
    assert [code for code, _ in refused(tree, ["orders"], grain="day")] == ["SRC111"]


def test_the_time_zone_utc_is_what_is_computed(tmp_path: Path) -> None:
    tree = tree_in(tmp_path, TREE.replace("time: day,", "time: day, timezone: UTC,"))
    assert len(tree.run(["orders"], grain="year")) == 2
    text = "timezone: UTC\n" + TREE
    assert len(tree_in(tmp_path, text).run(["orders"], grain="year")) == 2
    both = "timezone: Asia/Tokyo\n" + TREE.replace("time: day,", "time: day, timezone: UTC,")
    assert len(tree_in(tmp_path, both).run(["orders"], grain="year")) == 2


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


def test_a_time_without_a_column_is_named_also_for_all_time(tmp_path: Path) -> None:
    tree = tree_in(tmp_path, TREE.replace("time: day", "time: date"))
    ((code, text),) = refused(tree, ["orders"])
    assert code == "SRC106"
    assert "the source 'orders' has no column 'date'" in text


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


TIMES = [
    ("integer", "1", "SRC107", "the time column 'day' has the type INTEGER"),
    ("timestamptz", "'infinity'", "SRC112", "outside of the years 1 to 9999"),
    ("date", "'-infinity'", "SRC112", "outside of the years 1 to 9999"),
    ("timestamp", "'infinity'", "SRC112", "outside of the years 1 to 9999"),
    ("varchar", "'01/02/2025'", "SRC107", "holds texts that are no days: '01/02/2025'"),
    ("varchar", "'2025-02-30'", "SRC107", "holds texts that are no days: '2025-02-30'"),
    ("varchar", "'2025-01-01 24:00'", "SRC107", "holds texts that are no days"),
    ("varchar", "'2025-01-01Z'", "SRC107", "holds texts that are no days"),
    ("varchar", "'2025-01-01T10:00:00+01:00'", "SRC107", "holds times of another zone than UTC"),
    ("varchar", "'2025-01-01 10:00:00.5 -08'", "SRC107", "holds times of another zone than UTC"),
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


def test_days_of_a_csv_file_are_never_guessed(tmp_path: Path) -> None:
    content = "day,country\n01/02/2025,de\n03/04/2025,de\n"
    tree = tree_in(tmp_path, one_measure("count()"), orders__csv=content)
    ((code, text),) = refused(tree, grain="month")
    assert code == "SRC107"
    assert "write days as 2026-01-31" in text


@pytest.mark.parametrize("arguments", [{"grain": "day"}, {"since": "2025-01-01"}])
def test_a_source_without_time_has_no_periods(tmp_path: Path, arguments: dict[str, Any]) -> None:
    tree = tree_in(tmp_path, TREE.replace("time: day, ", ""))
    ((code, text),) = refused(tree, ["orders"], **arguments)
    assert code == "SRC109"
    assert "the source 'orders' has no time column" in text


@pytest.mark.parametrize(
    ("query", "aggregate", "sentence"),
    [
        ("select 'inf'::double as v", "sum(v)", "the column 'v' holds infinite numbers"),
        ("select '-inf'::float as v", "mean(v + 1)", "the column 'v' holds infinite numbers"),
        ("select 9007199254740993 as v", "sum(v * 1)", "the column 'v' holds integers past 2**53"),
        ("select -9007199254740993 as v", "std(v)", "the column 'v' holds integers past 2**53"),
        ("select 18446744073709551615::ubigint as v", "mean(v / 2)", "integers past 2**53"),
        ("select 9007199254740993 as v", "sum(v)", "is the integer 9007199254740993"),
    ],
)
def test_numbers_that_float64_cannot_hold_are_refused(
    tmp_path: Path, query: str, aggregate: str, sentence: str
) -> None:
    parquet(tmp_path, query)
    tree = tree_in(tmp_path, one_measure(aggregate, path="orders.parquet", dimensions=[]))
    ((code, text),) = refused(tree)
    assert code == "SRC112"
    assert sentence in text


def test_integers_past_2_to_53_can_be_counted_and_told_apart(tmp_path: Path) -> None:
    parquet(tmp_path, "select unnest([9007199254740992, 9007199254740993]) as v")
    assert found(tmp_path, "count_distinct(v)") == 2


def test_a_result_of_too_many_rows_is_refused(tmp_path: Path) -> None:
    tree_in(tmp_path)
    tree = MetricTree.load(tmp_path / "tree.yml", limits=Limits(rows=12))
    assert len(tree.run(["orders"], grain="month", by="country")) == 12
    ((code, text),) = refused(tree, ["orders"], grain="month", by="country", since="2024-11-01")
    assert code == "SRC115"
    assert "the result has 15 rows (5 periods of 3 groups), more than 12" in text


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
    ({"targets": ["ordres"]}, "did you mean orders?"),
]


@pytest.mark.parametrize(("arguments", "sentence"), ARGUMENTS)
def test_an_argument_without_a_meaning_is_refused(
    tmp_path: Path, arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError) as caught:
        tree_in(tmp_path).run(**arguments)
    assert sentence in str(caught.value)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    text = TREE.replace("fee:", "month:").replace("paid:", "country:")
    tree = tree_in(tmp_path, text)
    for arguments in ({"grain": "month"}, {"by": "country"}):
        with pytest.raises(UsageError, match="two columns of the result would be named"):
            tree.run(**arguments)


def test_periods_without_a_source_are_refused() -> None:
    tree = MetricTree(north_star="a", metrics={"a": 3})
    with pytest.raises(UsageError, match="no target is measured from a source"):
        tree.run(grain="month")


def test_without_duckdb_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tree_in(tmp_path)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError) as caught:
        tree.run()
    assert caught.value.diagnostics[0].help == 'pip install "metrictree[duckdb]"'


# --- results


@pytest.fixture
def result(tmp_path: Path) -> RunResult:
    return tree_in(tmp_path).run(["orders", "paid_mean", "mean_amount"], grain="month")


def test_a_result_reads_as_a_table(result: RunResult) -> None:
    assert repr(result) == (
        "month       orders  paid_mean  mean_amount\n"
        "2024-12-01       1       10.5         10.5\n"
        "2025-01-01       3      12.25  8.166666667\n"
        "2025-02-01       0    missing      missing\n"
        "2025-03-01       1    missing            7"
    )


def test_a_long_result_is_cut_at_20_rows(tmp_path: Path) -> None:
    result = tree_in(tmp_path).run(["orders"], grain="day")
    lines = repr(result).split("\n")
    assert len(lines) == 22
    assert lines[-1] == "... 72 more rows"
    assert len(result) == 92


def test_an_empty_result_says_so(tmp_path: Path) -> None:
    assert repr(tree_in(tmp_path).run(["orders"], grain="day", since="2030-01-01")) == (
        "day  orders\nno rows"
    )
    only_header = tree_in(tmp_path, orders__csv=ORDERS.partition("\n")[0] + "\n")
    for arguments in ({"grain": "month"}, {"by": "country"}):
        assert repr(only_header.run(["orders"], **arguments)).endswith("\nno rows")


def test_a_result_shows_text_as_it_is_and_escapes_what_cannot_be_seen(tmp_path: Path) -> None:
    content = "day,country\n,K\u00f6ln\n,\u6771\u4eac\n,a\u202eb\x1b[2J\n,\n,\n"
    result = tree_in(tmp_path, one_measure("count()"), orders__csv=content).run(by="country")
    assert [line.split() for line in repr(result).split("\n")] == [
        ["country", "x"], ["K\u00f6ln", "1"], ["a\\u202eb\\x1b[2J", "1"],
        ["\u6771\u4eac", "1"], ["(none)", "2"],
    ]  # fmt: skip


def test_a_missing_value_has_its_reason(result: RunResult) -> None:
    assert result.why(0, "orders") is None
    reason = result.why(2, "paid_mean")
    assert reason is not None
    assert reason.rule is Rule.NO_VALUES
    assert str(reason) == ("paid_mean = mean(amount) is missing: there are no values to aggregate")
    assert str(result.why(-2, "mean_amount")) == (
        "mean_amount = revenue / orders is missing: division by zero (revenue is 0, orders is 0)"
    )
    with pytest.raises(KeyError):
        result.why(0, "revenue")
    with pytest.raises(IndexError):
        result.why(4, "orders")


def test_a_reason_is_found_below_the_metric(tmp_path: Path) -> None:
    text = TREE.replace("mean_amount: revenue / orders", "mean_amount: 2 * paid_mean")
    result = tree_in(tmp_path, text).run(["mean_amount"], grain="month")
    reason = result.why(2, "mean_amount")
    assert reason is not None
    assert (reason.metric, reason.rule) == ("paid_mean", Rule.NO_VALUES)


def test_a_result_is_a_value(result: RunResult, tmp_path: Path) -> None:
    again = tree_in(tmp_path).run(["orders", "paid_mean", "mean_amount"], grain="month")
    assert result == again
    assert hash(result) == hash(again)
    assert result != tree_in(tmp_path).run(["orders"], grain="month")
    restored = pickle.loads(pickle.dumps(result))
    assert restored == result
    assert restored.why(2, "paid_mean") == result.why(2, "paid_mean")
    with pytest.raises(AttributeError):
        result.grain = "day"  # type: ignore[misc]


def test_csv_holds_every_digit_and_an_empty_cell_for_missing(
    result: RunResult, tmp_path: Path
) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old", encoding="utf-8")
    result.write_csv(path)
    assert path.read_bytes().decode() == (
        "month,orders,paid_mean,mean_amount\n"
        "2024-12-01,1,10.5,10.5\n"
        "2025-01-01,3,12.25,8.166666666666666\n"
        "2025-02-01,0,,\n"
        "2025-03-01,1,,7\n"
    )
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "orders.csv", "out.csv", "tree.yml",
    ]  # fmt: skip
    stream = io.StringIO()
    result.write_csv(stream)
    assert stream.getvalue() == path.read_text(encoding="utf-8")


ACTIVE = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "  =1", "\n=1", "\u00a0=1"]
HARMLESS = ["a=1", "1-1", "", " x", "'=1", "\u00e9"]


def test_csv_neutralises_what_a_spreadsheet_would_compute(tmp_path: Path) -> None:
    rows = [[text, -1.5] for text in [*ACTIVE, *HARMLESS]]
    literal = ", ".join("(?, ?)" for _ in rows)
    connection = duckdb.connect()
    connection.execute("create table t (country varchar, v double)")
    connection.execute(f"insert into t values {literal}", [cell for row in rows for cell in row])  # noqa: S608
    connection.table("t").write_parquet(str(tmp_path / "orders.parquet"))
    text = one_measure("sum(v)", path="orders.parquet", dimensions=["country"])
    result = tree_in(tmp_path, text).run(by="country")
    stream = io.StringIO()
    result.write_csv(stream)
    stream.seek(0)
    _, *cells = csv.reader(stream)
    expected = {f"'{text}" for text in ACTIVE} | set(HARMLESS)
    assert {text for text, _ in cells} == expected
    assert {number for _, number in cells} == {"-1.5"}


def test_truth_values_and_days_are_written_plainly(tmp_path: Path) -> None:
    parquet(tmp_path, "select true as country")
    text = one_measure("count()", path="orders.parquet", dimensions=["country"])
    result = tree_in(tmp_path, text).run(by="country")
    stream = io.StringIO()
    result.write_csv(stream)
    assert stream.getvalue() == "country,x\ntrue,1\n"


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing(
    result: RunResult, tmp_path: Path
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    for path in (tmp_path / "lost" / "out.csv", inner, str(tmp_path / "a\0b.csv")):
        with pytest.raises(UsageError) as caught:
            result.write_csv(path)
        assert caught.value.diagnostics[0].code == "VAL111"
    assert list(inner.iterdir()) == []
    assert not [entry for entry in tmp_path.iterdir() if entry.suffix == ".part"]


@pytest.mark.parametrize("target", [None, 5, b"out.csv"])
def test_what_is_no_file_cannot_be_written_to(result: RunResult, target: Any) -> None:
    with pytest.raises(UsageError) as caught:
        result.write_csv(target)
    assert caught.value.diagnostics[0].code == "VAL111"


@pytest.fixture
def protected(tmp_path: Path) -> Path:
    """Return a folder with a tree of two files and two sources, one of which is not there."""
    inner = tmp_path / "team"
    inner.mkdir()
    inner.joinpath("team.yml").write_text(
        "sources: {visits: {path: Visits.csv}}\n"
        "metrics: {visits: {measure: {source: visits, aggregate: count()}, role: health}}\n",
        encoding="utf-8",
    )
    tree_in(tmp_path, f"include: [team/team.yml]\n{TREE}")
    return tmp_path


@pytest.mark.parametrize(
    ("target", "what"),
    [("orders.csv", "a source"), ("./team/../orders.csv", "a source"), ("tree.yml", "a file"),
     ("team/team.yml", "a file"), ("team/Visits.csv", "a source"), ("link.csv", "a source"),
     ("hard.csv", "a source")],
)  # fmt: skip
def test_a_result_never_replaces_what_the_tree_is_made_of(
    protected: Path, monkeypatch: pytest.MonkeyPatch, target: str, what: str
) -> None:
    if target in ("link.csv", "hard.csv"):
        if sys.platform == "win32":
            pytest.skip("links need rights there")
        protected.joinpath("link.csv").symlink_to(protected / "orders.csv")
        protected.joinpath("hard.csv").hardlink_to(protected / "orders.csv")
    monkeypatch.chdir(protected)
    tree = MetricTree.load("tree.yml")
    again = pickle.loads(pickle.dumps(tree))
    before = {path: path.read_bytes() for path in protected.rglob("*") if path.is_file()}
    for one in (tree.run(["orders"]), again.run(["fee"])):
        with pytest.raises(UsageError) as caught:
            one.write_csv(target)
        (problem,) = caught.value.diagnostics
        assert problem.code == "VAL111"
        assert f"{problem.message}: {problem.help}" == (
            f"{target} is {what} of this tree: choose another file"
        )
    assert {path: path.read_bytes() for path in protected.rglob("*") if path.is_file()} == before


def test_a_source_is_known_by_another_case_where_the_disk_says_so(protected: Path) -> None:
    result = MetricTree.load(protected / "tree.yml").run(["orders"])
    other = protected / "ORDERS.csv"
    if other.exists():
        with pytest.raises(UsageError, match="is a source of this tree"):
            result.write_csv(other)
    else:
        result.write_csv(other)
    assert protected.joinpath("orders.csv").read_text(encoding="utf-8") == ORDERS


def test_nothing_is_written_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    tree = tree_in(tmp_path)
    monkeypatch.chdir(empty)
    tree.run(grain="day", by="country")
    assert list(empty.iterdir()) == []


# --- the calendar


@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter", "year"])
def test_periods_follow_each_other_to_the_ends_of_the_calendar(grain: str) -> None:
    for first, last in ((date.min, date(3, 1, 1)), (date(9997, 1, 1), date.max)):
        periods = periods_between(period_of(first, grain), period_of(last, grain), grain)
        assert periods[0] <= first
        assert periods[-1] <= last
        assert periods == sorted(set(periods))
        assert all(period_of(period, grain) == period for period in periods)
        if len(periods) > 1:
            assert {(b - a).days for a, b in pairwise(periods)} <= {
                "day": {1}, "week": {7}, "month": {28, 29, 30, 31},
                "quarter": {90, 91, 92}, "year": {365, 366},
            }[grain]  # fmt: skip
