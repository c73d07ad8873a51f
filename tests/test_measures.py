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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from metrictree import (
    MetricTree,
    MissingExtraError,
    Rule,
    SourceError,
)
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
    from collections.abc import Callable

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
    found = plain(cdnow.run(targets, grain="quarter"))
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
    found = plain(cdnow.run(targets, grain="week"))
    assert len(found) == 79
    for mine, theirs in zip(found, expected.rows(), strict=True):
        assert mine[:3] == theirs[:3]
        assert math.isclose(mine[3], theirs[3], rel_tol=1e-12)


# --- small tables by hand


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
    assert column(tree.run(["countries"], grain="month"), "countries") == [1, 2, 0, 1]
    assert tree.run(["countries"], grain="all").rows == ((2,),)


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
@pytest.mark.parametrize("where", ["amount > 1e9", "1 > 2", "is_missing(null) and null"])
def test_without_rows_counts_and_sums_are_zero_and_the_rest_is_missing(
    tmp_path: Path, aggregate: str, expected: Any, where: str
) -> None:
    assert found(tmp_path, aggregate, where) == expected


@pytest.mark.parametrize("arguments", [{}, {"grain": "month"}, {"by": "country"}])
def test_a_source_without_a_row_is_refused(tmp_path: Path, arguments: dict[str, Any]) -> None:
    tree = tree_in(tmp_path, orders__csv="id,day,country,status,amount\n")
    ((code, text),) = refused(tree, ["orders"], **arguments)
    assert code == "SRC121"
    assert "the source 'orders' has no rows: check orders.csv" in text


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
    for name in ("u", "list", "b", "t", "f", "d", "s"):
        assert found(tmp_path, f"count({name})") == 3
        assert found(tmp_path, f"count_distinct({name})") == (3 if name == "u" else 1)


def test_a_decimal_dimension_is_written_as_a_number(tmp_path: Path) -> None:
    parquet(tmp_path, "select unnest([-1.50, 0.25])::decimal(9, 2) as country")
    text = one_measure("count()", path="orders.parquet", dimensions=["country"])
    stream = io.StringIO()
    tree_in(tmp_path, text).run(by="country").write(stream, "csv")
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


@pytest.mark.parametrize(
    ("aggregate", "exact"),
    [
        ("sum(v)", math.fsum),
        ("mean(v)", lambda values: math.fsum(values) / len(values)),
        ("std(v)", statistics.stdev),
        ("sum(v * 2)", lambda values: 2 * math.fsum(values)),
    ],
)
def test_floats_are_added_in_any_order_and_all_but_the_last_digits_are_right(
    tmp_path: Path, aggregate: str, exact: Callable[[list[float]], float]
) -> None:
    parquet(tmp_path, "select 2 + sin(range) as v from range(300_000)")
    values = [2 + math.sin(number) for number in range(300_000)]
    assert found(tmp_path, aggregate) == pytest.approx(exact(values), rel=1e-12)


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
    result = tree.run(by=['q"uote', "x y", "country"], grain="day")
    assert plain(result) == ((date(2025, 1, 1), 2, 3, "de", 1),)


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
    found = {str(day): value for day, value in plain(cdnow.run(["revenue"], grain="day")) if value}
    assert found == {day: float(amount) for day, amount in paid.items() if amount}
    stream = io.StringIO()
    cdnow.run(["revenue"], grain="month").write(stream, "csv")
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


# --- mistakes


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
    ("lost.csv", "SRC104", "there is no such file: did you mean "),
    ("*.csv", "SRC103", "link.csv is outside of the tree's folder, and *.csv matches it"),
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
    assert problem.fix == "repair the cell, or leave it empty"


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


def test_without_duckdb_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tree_in(tmp_path)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError) as caught:
        tree.run()
    assert caught.value.diagnostics[0].fix == 'pip install "metrictree[duckdb]"'
