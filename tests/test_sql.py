"""SQL text: the values of the scalar engine in real databases, and text that people can read."""

# ruff: noqa: E501 - SQL stands here as it is written

from __future__ import annotations

import datetime as dt
import functools
import itertools
import math
import re
import sqlite3
import sys
from typing import TYPE_CHECKING, Any

import pytest

import metrictree
from metrictree import ComputeError, MetricTree, MissingExtraError, UsageError
from metrictree.engines.sql.dialects import DIALECTS
from tests import fixed_cases, servers

duckdb = pytest.importorskip("duckdb")
pa = pytest.importorskip("pyarrow")
pytest.importorskip("ibis")
sqlglot = pytest.importorskip("sqlglot")
exp = sqlglot.exp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

NO_REMAINDER = [name for name, dialect in DIALECTS.items() if not dialect.remainder]
PORTABLE = {name: text for name, text in fixed_cases.FORMULAS.items() if "%" not in text}

# --- databases


class Database:
    """A real database, in which tables of numbers can be made."""

    dialect = ""

    def execute(self, text: str) -> list[dict[str, Any]]:
        raise NotImplementedError

    def fill(self, name: str, types: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        raise NotImplementedError


class DuckDB(Database):
    dialect = "duckdb"

    def __init__(self) -> None:
        self.connection = duckdb.connect()

    def execute(self, text: str) -> list[dict[str, Any]]:
        cursor = self.connection.execute(text)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def fill(self, name: str, types: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        columns = ", ".join(f"{column} {kind}" for column, kind in types.items())
        self.connection.execute(f"create or replace table {name} ({columns})")
        marks = ", ".join("?" * len(types))
        if rows:
            self.connection.executemany(f"insert into {name} values ({marks})", rows)  # noqa: S608


class Postgres(Database):
    dialect = "postgres"

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def execute(self, text: str) -> list[dict[str, Any]]:
        cursor = self.connection.execute(text)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def fill(self, name: str, types: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        kinds = {"double": "double precision"}
        columns = ", ".join(f"{column} {kinds.get(kind, kind)}" for column, kind in types.items())
        self.connection.execute(f"drop table if exists {name}")
        self.connection.execute(f"create table {name} ({columns})")
        with self.connection.cursor().copy(f"copy {name} from stdin") as copy:
            for row in rows:
                copy.write_row(row)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with servers.postgres() as connection:
        yield Postgres(connection)


@pytest.fixture(params=["duckdb", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    if request.param == "duckdb":
        return DuckDB()
    found = request.getfixturevalue("postgres")
    assert isinstance(found, Postgres)
    return found


def fill_cases(database: Database, rows: Sequence[Mapping[str, Any]]) -> None:
    types = dict.fromkeys(("row", *fixed_cases.LEAVES), "double")
    types = {'"row"' if name == "row" else name: kind for name, kind in types.items()}
    database.fill("cases", types, [*zip(*fixed_cases.columns(rows).values(), strict=True)])


def check(
    found: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], formulas: Sequence[str]
) -> None:
    """Compare rows of a database with what the scalar engine gives."""
    assert len(found) == len(rows)
    wrong = [
        (formula, row, one[formula], right)
        for one in found
        for row in [rows[int(one["row"])]]
        for formula in formulas
        for right in [fixed_cases.expected(fixed_cases.FORMULAS[formula], row)]
        if not fixed_cases.agrees(one[formula], right)
    ]
    assert not wrong


# --- values


def test_duckdb_gives_the_values_of_the_scalar_engine() -> None:
    rows = fixed_cases.rows()
    database = DuckDB()
    fill_cases(database, rows)
    text = fixed_cases.tree().to_sql(table="cases", by="row")
    assert len(rows) * len(fixed_cases.FORMULAS) > 40_000
    check(database.execute(text), rows, [*fixed_cases.FORMULAS])


@pytest.mark.parametrize("formula", PORTABLE)
def test_postgres_gives_the_values_of_the_scalar_engine(postgres: Postgres, formula: str) -> None:
    text = fixed_cases.FORMULAS[formula]
    rows = [row for row in fixed_cases.rows() if not fixed_cases.past_float64(text, row)]
    assert len(rows) > 400
    fill_cases(postgres, rows)
    tree = fixed_cases.tree({formula: text})
    statement = tree.to_sql([formula], table="cases", by="row", dialect="postgres")
    check(postgres.execute(statement), rows, [formula])


def test_postgres_gives_all_values_at_once(postgres: Postgres) -> None:
    rows = [
        row
        for row in fixed_cases.rows()
        if not any(fixed_cases.past_float64(text, row) for text in PORTABLE.values())
    ]
    assert len(rows) > 100
    fill_cases(postgres, rows)
    statement = fixed_cases.tree(PORTABLE).to_sql(table="cases", by="row", dialect="postgres")
    check(postgres.execute(statement), rows, [*PORTABLE])


@pytest.mark.parametrize(
    ("formula", "a"), [("a * 10", 1e308), ("a / 1e200", 1e-200), ("2 ** a", 1e4), ("a * a", 1e-200)]
)
def test_postgres_stops_with_an_error_where_a_result_leaves_float64(
    postgres: Postgres, formula: str, a: float
) -> None:
    from psycopg.errors import NumericValueOutOfRange

    postgres.fill("cases", {"a": "double"}, [(a,)])
    tree = MetricTree(north_star="top", metrics={"top": formula, "a": None})
    with pytest.raises(NumericValueOutOfRange):
        postgres.execute(tree.to_sql(table="cases", dialect="postgres"))


def test_e_to_the_power_of_a_very_negative_number_is_zero(database: Database) -> None:
    database.fill("cases", {"a": "double"}, [(-1000.0,), (None,), (1000.0,)])
    tree = MetricTree(north_star="top", metrics={"top": "exp(a)", "a": None})
    found = database.execute(tree.to_sql(["top"], table="cases", dialect=database.dialect))
    assert [row["top"] for row in found] == [0.0, None, None]


@pytest.mark.parametrize("kind", ["integer", "bigint", "decimal(12, 2)", "real", "double"])
def test_columns_of_any_type_of_numbers_are_computed_as_float64(
    database: Database, kind: str
) -> None:
    database.fill("cases", {"a": kind, "b": kind}, [(7, 2), (1, 0), (None, 1)])
    tree = MetricTree(north_star="top", metrics={"top": "a / b", "a": None, "b": None})
    found = database.execute(tree.to_sql(table="cases", dialect=database.dialect))
    assert [row["top"] for row in found] == [3.5, None, None]
    assert all(type(row["a"]) in (float, type(None)) for row in found)


def test_input_that_is_not_finite_is_missing(database: Database) -> None:
    rows = [(math.inf,), (-math.inf,), (math.nan,), (1.0,)]
    database.fill("cases", {"a": "double"}, rows)
    tree = MetricTree(north_star="top", metrics={"top": "1 if is_missing(a) else a", "a": None})
    found = database.execute(tree.to_sql(table="cases", dialect=database.dialect))
    assert [row["top"] for row in found] == [1.0, 1.0, 1.0, 1.0]
    assert [row["a"] for row in found] == [None, None, None, 1.0]


def test_a_table_without_rows_gives_none(database: Database) -> None:
    fill_cases(database, [])
    tree = fixed_cases.tree(PORTABLE)
    assert database.execute(tree.to_sql(table="cases", dialect=database.dialect)) == []


def test_constants_are_floats_in_every_row(database: Database) -> None:
    database.fill("cases", {"a": "double"}, [(1.0,), (2.0,)])
    metrics = {"top": "1 / 3 + k", "k": 7, "choice": "1 if a > 1 else 3", "none": "null", "a": None}
    tree = MetricTree(north_star="top", metrics=metrics)
    found = database.execute(tree.to_sql(table="cases", dialect=database.dialect))
    top = 1 / 3 + 7
    assert found == [
        {"top": top, "k": 7.0, "choice": 3.0, "none": None, "a": 1.0},
        {"top": top, "k": 7.0, "choice": 1.0, "none": None, "a": 2.0},
    ]
    assert type(found[0]["choice"]) is float


def test_negative_constants_are_floats_too(database: Database) -> None:
    database.fill("cases", {"a": "double"}, [(1.0,)])
    metrics = {"top": "-0.1", "k": 3, "less": "-k", "choice": "-(1 if a > 0 else 2)", "a": None}
    tree = MetricTree(north_star="top", metrics=metrics)
    targets = ["top", "less", "choice"]
    (found,) = database.execute(tree.to_sql(targets, table="cases", dialect=database.dialect))
    assert found == {"top": -0.1, "less": -3.0, "choice": -1.0}
    assert {type(value) for value in found.values()} == {float}


@pytest.mark.parametrize("digits", [-400, -309, -308, -300, -293, -292, -5, 0, 2, 308])
def test_sqlite_rounds_to_any_number_of_digits(digits: int) -> None:
    tree = MetricTree(north_star="top", metrics={"top": f"round(x, {digits})", "x": None})
    values = [-4.0, 0.0, 2.5, 123_456.789, 6e292, 4e299, 1e308, 1.7e308, None]
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("create table numbers (x real)")
        connection.executemany("insert into numbers values (?)", [(x,) for x in values])
        text = tree.to_sql(table="numbers", dialect="sqlite")
        found = [row[0] for row in connection.execute(text)]
    finally:
        connection.close()
    right = [tree.compute({"x": x})["top"] for x in values]
    assert all(itertools.starmap(fixed_cases.agrees, zip(found, right, strict=True))), (
        found,
        right,
    )


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_literal_is_infinite(dialect: str) -> None:
    for digits in (-308, -293):
        tree = MetricTree(north_star="top", metrics={"top": f"round(x, {digits})", "x": None})
        assert "inf'" not in tree.to_sql(table="numbers", dialect=dialect).lower()


def test_a_tree_of_constants_needs_no_column(database: Database) -> None:
    database.fill("cases", {"z": "integer"}, [(1,), (2,)])
    tree = MetricTree(north_star="top", metrics={"top": "k * 2", "k": 7})
    found = database.execute(tree.to_sql(["top"], table="cases", dialect=database.dialect))
    assert found == [{"top": 14.0}, {"top": 14.0}]


def test_a_constant_may_be_read_from_a_column(database: Database) -> None:
    database.fill("cases", {"seats": "double"}, [(40.0,), (50.0,)])
    tree = MetricTree(north_star="top", metrics={"top": "k * 2", "k": 7})
    statement = tree.to_sql(columns={"k": "seats"}, table="cases", dialect=database.dialect)
    assert database.execute(statement) == [{"top": 80.0, "k": 40.0}, {"top": 100.0, "k": 50.0}]


def test_a_formula_may_be_long_and_a_tree_deep(database: Database) -> None:
    database.fill("cases", {"a": "double"}, [(1.0,)])
    metrics: dict[str, Any] = {"a": None, "long": " + ".join(["a"] * 1_000)}
    before = "a"
    for position in range(60):
        metrics[f"m{position}"] = f"{before} * 0.5 + {before} * 0.4 - {before} / 3"
        before = f"m{position}"
    metrics["conditions"] = f"1 if {' and '.join(['a > 0'] * 400)} else 0"
    tree = MetricTree(north_star=before, metrics=metrics)
    (found,) = database.execute(tree.to_sql(table="cases", dialect=database.dialect))
    right = tree.compute({"a": 1.0})
    assert all(fixed_cases.agrees(value, right[name]) for name, value in found.items())


# --- functions over time


SERIES = {"day": "date", "shop": "varchar", "a": "double", "b": "double"}


@functools.cache
def time_sql(dialect: str, grain: str = "month") -> str:
    return fixed_cases.time_tree().to_sql(
        [*fixed_cases.TIMES],
        table="history",
        time="day",
        by="shop",
        grain=grain,
        dialect=dialect,
    )


def test_functions_over_time_are_computed_for_each_group(database: Database) -> None:
    rows = fixed_cases.series_rows()
    database.fill("history", SERIES, [*rows[1::2], *rows[::2]])
    fixed_cases.check_series(database.execute(time_sql(database.dialect)))


@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter", "year"])
def test_periods_are_counted_by_every_grain(database: Database, grain: str) -> None:
    firsts = {
        "day": [dt.date(2024, 2, 28) + dt.timedelta(at) for at in range(4)],
        "week": [dt.date(2024, 12, 18) + dt.timedelta(7 * at) for at in range(4)],
        "month": [dt.date(2024, 11, 30), dt.date(2024, 12, 31), dt.date(2025, 1, 31)],
        "quarter": [dt.date(2024, 7, 1), dt.date(2024, 10, 1), dt.date(2025, 1, 1)],
        "year": [dt.date(2023, 12, 31), dt.date(2024, 12, 31), dt.date(2025, 12, 31)],
    }[grain]
    database.fill("history", SERIES, [(day, "x", at + 1.0, 1.0) for at, day in enumerate(firsts)])
    found = sorted(database.execute(time_sql(database.dialect, grain)), key=lambda row: row["day"])
    assert [row["before"] for row in found] == [None, 1.0, 2.0, 3.0][: len(found)]
    assert [row["so_far"] for row in found] == [1.0, 3.0, 6.0, 10.0][: len(found)]


def test_a_period_is_found_in_a_timestamp(database: Database) -> None:
    times = [dt.datetime.fromisoformat(text) for text in ("2025-01-05 23:59", "2025-02-10 00:01")]
    rows = [(time, "x", 1.0 + at, 1.0) for at, time in enumerate(times)]
    database.fill("history", {**SERIES, "day": "timestamp"}, rows)
    found = sorted(database.execute(time_sql(database.dialect)), key=lambda row: row["day"])
    assert [row["step"] for row in found] == [None, 1.0]


@pytest.mark.parametrize("dialect", [None, "redshift"])
@pytest.mark.parametrize(
    "left",
    [*itertools.combinations(range(1, 6), 1), *itertools.combinations(range(1, 6), 2)],
)
def test_a_missing_or_doubled_period_never_gives_a_wrong_number(
    database: Database, left: tuple[int, ...], dialect: str | None
) -> None:
    """Whatever is there equals what it is without the gap; the same with the period twice.

    Both databases understand Redshift's text, which finds periods by counting rows.
    """
    months = fixed_cases.MONTHS[:6]
    values = [3.0, 50.0, 700.0, 2_000.0, 11_000.0, 130_000.0]
    whole = [(month, "x", value, 1.0) for month, value in zip(months, values, strict=True)]
    right = fixed_cases.time_tree().compute_series({"a": values, "b": [1.0] * 6})
    without = [row for place, row in enumerate(whole) if place not in left]
    doubled = [*whole, *(whole[place] for place in left)]
    both = [*without, without[0]]
    undated = [*whole, (None, "x", 9.0, 1.0)]
    for rows in (without, doubled, both, undated):
        database.fill("history", SERIES, rows)
        for row in database.execute(time_sql(dialect or database.dialect)):
            for metric in set(fixed_cases.TIMES) - {"known"}:
                at = row["day"]
                assert row[metric] is None or (
                    at is not None
                    and fixed_cases.agrees(row[metric], right[metric][months.index(at)])
                ), (metric, rows)


def test_a_gap_gives_missing_values_after_it(database: Database) -> None:
    months = [month for place, month in enumerate(fixed_cases.MONTHS[:6]) if place != 2]
    database.fill("history", SERIES, [(month, "x", 1.0, 1.0) for month in months])
    found = sorted(database.execute(time_sql(database.dialect)), key=lambda row: row["day"])
    assert [row["before"] for row in found] == [None, 1.0, None, 1.0, 1.0]
    assert [row["so_far"] for row in found] == [1.0, 2.0, None, None, None]


OF_ROWS = ("twice", "running")
"""What they compute in a period on the way is lost with its row."""


@pytest.mark.parametrize("hole", range(len(fixed_cases.MONTHS)))
def test_a_missing_period_takes_values_only_from_the_rows_that_need_it(
    database: Database, hole: int
) -> None:
    (_, columns), *_ = fixed_cases.series()
    whole = zip(fixed_cases.MONTHS, columns["a"], columns["b"], strict=True)
    rows = [(month, "x", a, b) for place, (month, a, b) in enumerate(whole) if place != hole]
    database.fill("history", SERIES, rows)
    days, shops, a, b = map(list, zip(*rows, strict=True))
    table = pa.table({"day": days, "shop": shops, "a": a, "b": b})
    metrics = [*fixed_cases.TIMES]
    filled = fixed_cases.time_tree().compute(
        table, metrics, time="day", by="shop", grain="month", fill=True
    )
    right = {row["day"]: row for row in filled.to_pylist()}
    found = database.execute(time_sql(database.dialect))
    assert len(found) == len(rows)
    for row in found:
        for metric in metrics:
            lost = metric in OF_ROWS and row[metric] is None
            assert lost or fixed_cases.agrees(row[metric], right[row["day"]][metric]), metric


def test_a_doubled_period_takes_values_only_from_the_rows_that_need_it(
    database: Database,
) -> None:
    months = [*fixed_cases.MONTHS[:6], fixed_cases.MONTHS[2]]
    rows = [(month, "x", 1.0 + at, 1.0) for at, month in enumerate(months)]
    database.fill("history", SERIES, [*rows, (None, "x", 9.0, 1.0)])
    found = sorted(
        (row for row in database.execute(time_sql(database.dialect)) if row["day"]),
        key=lambda row: row["day"],
    )
    assert [row["before"] for row in found] == [None, 1.0, None, None, None, 4.0, 5.0]
    assert [row["quarter_before"] for row in found] == [None] * 4 + [1.0, 2.0, None]


def test_a_condition_may_compare_what_is_computed_over_time(database: Database) -> None:
    rows = [(month, "x", 1.0 + at, 1.0) for at, month in enumerate(fixed_cases.MONTHS[:4])]
    database.fill("history", SERIES, rows)
    metrics = {
        "of_lag": "1 if lag(a) == 2 else 0",
        "of_sum": "1 if cumulative(a) == 3 else 0",
        "chosen": "cumulative(a) if lag(a) == 2 else cumulative(b)",
        "zero": "cumulative(a) if cumulative(b) == 0 else -1",
    }
    tree = MetricTree(north_star="of_lag", metrics={**metrics, "a": None, "b": None})
    text = tree.to_sql(
        [*metrics], table="history", time="day", grain="month", dialect=database.dialect
    )
    found = sorted(database.execute(text), key=lambda row: row["day"])
    right = tree.compute_series(
        {name: [row[at] for row in rows] for at, name in ((2, "a"), (3, "b"))}
    )
    for metric in metrics:
        assert [row[metric] for row in found] == [*right[metric]], metric


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_period_is_found_by_its_number_where_the_dialect_can(dialect: str) -> None:
    text = shop_sql(dialect)
    by_number = "RANGE BETWEEN 12 PRECEDING AND 12 PRECEDING" in text
    assert by_number != ("LAG(" in text)
    assert by_number == (dialect not in {"mssql", "redshift"})


# --- text

METRICS = {
    "net_revenue": "orders * average_value - refunds",
    "average_value": "revenue / orders",
    "orders": None,
    "revenue": None,
    "refunds": None,
    "growth.signups": None,
    "order": "orders + growth.signups",
    "trend": "change(net_revenue, 12) if orders > 0 and not refunds > revenue else 0",
}


def shop() -> MetricTree:
    return MetricTree(north_star="net_revenue", metrics=METRICS)


def shop_sql(dialect: str, table: str = "shop.orders") -> str:
    return shop().to_sql(
        table=table, dialect=dialect, time="month", by=["country", "Sales Channel"], grain="month"
    )


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_text_is_of_its_dialect_with_a_common_table_expression_for_each_layer(
    dialect: str,
) -> None:
    grammar = DIALECTS[dialect].grammar
    (parsed,) = sqlglot.parse(shop_sql(dialect), read=grammar)
    names = [cte.alias for cte in parsed.ctes]
    levels = [f"level_{number}" for number in range(1, len(names) - 2)]
    assert names == ["source", "inputs", "periods", *levels]
    assert len(levels) >= 3
    assert parsed.args["from_"].this.name == names[-1]
    assert not list(parsed.find_all(exp.Subquery))
    columns = [DIALECTS[dialect].column(metric) for metric in METRICS]
    found = [name.lower() for name in parsed.named_selects]
    assert found == ["country", "sales channel", "month", *columns]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_operation_is_written_in_every_dialect(dialect: str) -> None:
    formulas = PORTABLE if dialect in NO_REMAINDER else fixed_cases.FORMULAS
    text = fixed_cases.tree(formulas).to_sql(table="cases", dialect=dialect)
    (parsed,) = sqlglot.parse(text, read=DIALECTS[dialect].grammar)
    assert not list(parsed.find_all(exp.Command))
    assert {"LN", "LOG"} & set(re.findall(r"[A-Z0-9]+(?=\()", text))
    assert not re.search(r"(?i)\bi(s)?_?(nan|inf|finite)\b|\bnan\b|infinity", text)


@pytest.mark.parametrize("dialect", NO_REMAINDER)
def test_a_dialect_without_remainders_says_so(dialect: str) -> None:
    tree = MetricTree(north_star="top", metrics={"top": "a % 3", "a": None})
    with pytest.raises(ComputeError) as caught:
        tree.to_sql(table="cases", dialect=dialect)
    assert [found.code for found in caught.value.diagnostics] == ["VAL117"]
    assert dialect in str(caught.value)


def test_the_text_reads_like_written_by_hand() -> None:
    text = shop().to_sql(
        ["net_revenue", "trend"],
        table="shop.orders",
        dialect="postgres",
        time="month",
        by=["country", "Sales Channel"],
        grain="month",
    )
    header, text = text.split("\n", 1)
    assert header == f"-- metrictree {metrictree.__version__}: the metric tree of net_revenue"
    assert (
        text
        == """\
WITH source AS (
  SELECT
    country,
    "Sales Channel",
    month,
    CAST(orders AS DOUBLE PRECISION) AS orders,
    CAST(revenue AS DOUBLE PRECISION) AS revenue,
    CAST(refunds AS DOUBLE PRECISION) AS refunds
  FROM shop.orders
), inputs AS (
  SELECT
    country,
    "Sales Channel",
    month,
    CASE WHEN ABS(orders) <= 1.7976931348623157e308 THEN orders END AS orders,
    CASE WHEN ABS(revenue) <= 1.7976931348623157e308 THEN revenue END AS revenue,
    CASE WHEN ABS(refunds) <= 1.7976931348623157e308 THEN refunds END AS refunds,
    EXTRACT(YEAR FROM CAST(month AS DATE)) * 12 + EXTRACT(MONTH FROM CAST(month AS DATE)) AS period_number
  FROM source
), periods AS (
  SELECT
    *,
    CASE
      WHEN COUNT(*) OVER (PARTITION BY country, "Sales Channel", period_number) = 1
      THEN period_number
    END AS period
  FROM inputs
), level_1 AS (
  SELECT
    *,
    revenue / NULLIF(orders, 0) AS average_value
  FROM periods
), level_2 AS (
  SELECT
    *,
    orders * average_value - refunds AS net_revenue
  FROM level_1
), level_3 AS (
  SELECT
    *,
    CASE
      WHEN orders > 0.0 AND refunds <= revenue
      THEN net_revenue - CASE
        WHEN MAX(period) OVER (
          PARTITION BY country, "Sales Channel"
          ORDER BY period
          RANGE BETWEEN 12 PRECEDING AND 12 PRECEDING
        ) = period - 12
        THEN MAX(net_revenue) OVER (
          PARTITION BY country, "Sales Channel"
          ORDER BY period
          RANGE BETWEEN 12 PRECEDING AND 12 PRECEDING
        )
      END
      ELSE 0.0
    END AS trend
  FROM level_2
)
SELECT
  country,
  "Sales Channel",
  month,
  net_revenue,
  trend
FROM level_3"""
    )


def test_the_same_tree_gives_the_same_text() -> None:
    assert shop_sql("snowflake") == shop_sql("snowflake")


def test_a_statement_fits_into_a_dbt_model() -> None:
    text = shop_sql("snowflake", "{{ ref('stg_orders', v=2) }}")
    assert "FROM {{ ref('stg_orders', v=2) }}\n" in text
    assert ";" not in text
    assert text == text.strip()
    nested = shop_sql("snowflake", "{{ target.database }}.{{ target.schema }}.orders")
    assert "FROM {{ target.database }}.{{ target.schema }}.orders\n" in nested


@pytest.mark.parametrize(
    ("dialect", "table", "written"),
    [
        ("postgres", "orders", "orders"),
        ("postgres", "Shop.Orders", "Shop.Orders"),
        ("postgres", '"my shop"."Orders"', '"my shop"."Orders"'),
        ("bigquery", "`my-project.shop.orders`", "`my-project.shop.orders`"),
        ("bigquery", "my-project.shop.orders", "my-project.shop.orders"),
        ("mssql", "[my shop].orders", "[my shop].orders"),
        ("snowflake", "db.shop.orders", "db.shop.orders"),
        ("duckdb", "source", "source"),
        ("duckdb", "level_1", "level_1"),
    ],
)
def test_a_table_is_named_as_sql_names_it(dialect: str, table: str, written: str) -> None:
    tree = MetricTree(north_star="top", metrics={"top": "a / 2", "a": None})
    text = tree.to_sql(table=table, dialect=dialect)
    assert re.search(rf"FROM {re.escape(written)}\n", text)


def test_a_table_may_have_the_name_of_a_layer(database: Database) -> None:
    tree = MetricTree(north_star="top", metrics={"top": "a / 2", "a": None})
    for name in ("source", "inputs", "level_1"):
        database.fill(name, {"a": "double"}, [(3.0,)])
        text = tree.to_sql(["top"], table=name, dialect=database.dialect)
        assert database.execute(text) == [{"top": 1.5}]


@pytest.mark.parametrize(
    "table",
    [
        "orders; drop table orders",
        "orders -- x",
        "orders /*",
        "(select 1)",
        "orders o",
        "orders join x",
        "",
        " ",
        "{{ ref('a') }} x",
        "{{ ref('a')\n}}",
        "read_csv('x')",
        "a..b",
        None,
        7,
    ],
)
def test_what_is_no_name_of_a_table_is_refused(table: Any) -> None:
    with pytest.raises(UsageError, match="no name of a table") as caught:
        shop().to_sql(["orders"], table=table)
    assert [found.code for found in caught.value.diagnostics] == ["VAL110"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "table",
    [
        "(" * 3_000 + "x" + ")" * 3_000,
        "(" * 1_000 + "x",
        "[" * 1_000,
        "- " * 1_000 + "x",
        "not " * 900 + "x",
        "x join " * 500 + "x",
        "x" * 5_000,
        "{{" * 100_000,
        '"a\0b"',
        "a\ud800",
    ],
    ids=lambda table: table[:8].encode("unicode_escape").decode(),
)
def test_a_table_of_a_hostile_name_is_refused(dialect: str, table: str) -> None:
    with pytest.raises(UsageError, match="no name of a table"):
        shop().to_sql(["orders"], table=table, dialect=dialect)


@pytest.mark.parametrize(
    "arguments",
    [{"by": ["\ud800"]}, {"by": "a\0b"}, {"columns": {"orders": "\ud800"}}, {"time": "a\0b"}],
)
def test_a_name_that_no_text_can_hold_is_refused(arguments: Any) -> None:
    for dialect in DIALECTS:
        with pytest.raises(UsageError, match="no text of a statement can hold") as caught:
            shop().to_sql(["orders"], table="orders", dialect=dialect, **arguments)
        assert [found.code for found in caught.value.diagnostics] == ["VAL110"]


@pytest.mark.parametrize(
    "table",
    [
        "".join(f"{{{{t{number}}}}}" for number in range(12)),
        "{{a}}.metrictree_template_0",
        "{{a}}.metrictree_template_0_",
        "{{a}}1.x{{b}}_{{c}}2",
        '"{{ a }}".{{ metrictree_template_0_ }}',
    ],
)
def test_templates_stay_as_they_are(table: str) -> None:
    tree = MetricTree(north_star="top", metrics={"top": "a / 2", "a": None})
    column = "metrictree_template_0_"
    text = tree.to_sql(table=table, by="metrictree_template__1_", columns={"a": column})
    assert f"FROM {table}\n" in text
    assert f"CAST({column} AS DOUBLE) AS a" in text
    assert text.count("metrictree_template__1_") == tree.to_sql(
        table="t", by="metrictree_template__1_", columns={"a": column}
    ).count("metrictree_template__1_")


@pytest.mark.parametrize(
    ("dialect", "help_"),
    [
        ("snowflak", "snowflake"),
        ("postgresql", "postgres"),
        ("tsql", "mssql"),
        ("x", "duckdb,"),
        (None, "duckdb,"),
    ],
)
def test_an_unknown_dialect_is_told_with_the_nearest(dialect: Any, help_: str) -> None:
    with pytest.raises(UsageError) as caught:
        shop().to_sql(["orders"], table="orders", dialect=dialect)
    (found,) = caught.value.diagnostics
    assert found.code == "VAL110"
    assert help_ in str(found.fix)


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        ({"columns": {"ordrs": "a"}}, ["VAL101"]),
        ({"columns": {"average_value": "a"}}, ["VAL102"]),
        ({"columns": {"orders": 7}}, ["VAL110"]),
        ({"by": "orders"}, ["VAL110"]),
        ({"by": "Orders"}, ["VAL110"]),
        ({"by": "net_revenue"}, ["VAL102"]),
        ({"targets": None}, ["VAL108"]),
        ({"targets": None, "time": "month"}, ["VAL108"]),
        ({"grain": "month"}, ["VAL110"]),
        ({"targets": ["nope"]}, ["VAL107"]),
    ],
)
def test_arguments_without_a_meaning_are_refused(arguments: Any, codes: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        shop().to_sql(**{"targets": ["net_revenue"], "table": "orders", **arguments})
    assert [found.code for found in caught.value.diagnostics] == codes


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"by": "net_revenue"}, "by"),
        ({"time": "net_revenue"}, "time"),
        ({"columns": {"orders": "net_revenue"}}, "columns"),
    ],
)
def test_a_column_named_like_a_computed_metric_is_told_by_its_argument(
    arguments: Any, argument: str
) -> None:
    with pytest.raises(UsageError) as caught:
        shop().to_sql(["net_revenue"], table="orders", **arguments)
    (found,) = caught.value.diagnostics
    assert found.code == "VAL102"
    assert f"`{argument}` names 'net_revenue', a metric that is computed" in found.message
    assert "frame" not in str(found)


def test_a_name_that_a_dialect_would_cut_is_refused() -> None:
    name = "a" * 64
    tree = MetricTree(north_star=name, metrics={name: "b", "b": None})
    with pytest.raises(UsageError, match="postgres would cut"):
        tree.to_sql(table="orders", dialect="postgres")
    assert name in tree.to_sql(table="orders", dialect="snowflake")


def test_dots_of_a_metric_id_are_written_otherwise_where_no_column_may_have_one() -> None:
    assert "AS growth__signups" in shop_sql("bigquery")
    tree = MetricTree(north_star="a.b", metrics={"a.b": None, "a__b": "a.b"})
    assert 'AS "a.b"' in tree.to_sql(table="orders", dialect="postgres")
    with pytest.raises(UsageError, match="columns of one name in bigquery"):
        tree.to_sql(table="orders", dialect="bigquery")


def test_columns_of_the_statement_s_own_keep_away_from_those_of_the_tree(
    database: Database,
) -> None:
    metrics = {"period": "lag(a)", "part_1": "a / b + a / b", "a": None, "b": None}
    tree = MetricTree(north_star="period", metrics=metrics)
    rows = [(month, 1.0 + at, 2.0) for at, month in enumerate(fixed_cases.MONTHS[:2])]
    database.fill("history", {"period_number": "date", "a": "double", "b": "double"}, rows)
    text = tree.to_sql(
        table="history", time="period_number", grain="month", dialect=database.dialect
    )
    found = sorted(database.execute(text), key=lambda row: row["period_number"])
    assert [row["period"] for row in found] == [None, 1.0]
    assert [row["part_1"] for row in found] == [1.0, 2.0]


def test_a_missing_package_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ibis", None)
    with pytest.raises(MissingExtraError, match=r'pip install "metrictree\[sql\]"'):
        shop().to_sql(["orders"], table="orders")


# --- the command


def test_the_command_prints_the_statement_and_nothing_else(tmp_path: Path) -> None:
    pytest.importorskip("click")
    from click.testing import CliRunner

    from metrictree.cli.program import program

    path = tmp_path / "tree.yml"
    path.write_text(shop().to_yaml(), encoding="utf-8")
    words = ["sql", str(path), "--table", "{{ ref('orders') }}", "--dialect", "snowflake"]
    words += ["--by", "country", "--by", "Sales Channel", "--time", "month", "--grain", "month"]
    done = CliRunner().invoke(program, words)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == shop_sql("snowflake", "{{ ref('orders') }}") + "\n"
    done = CliRunner().invoke(
        program, ["sql", str(path), "--table", "t", "--target", "orders", "--column", "orders=A b"]
    )
    assert done.stdout == shop().to_sql(["orders"], table="t", columns={"orders": "A b"}) + "\n"


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ([], 2, "Missing option '--table'"),
        (["--table", "a b c", "--target", "orders"], 2, "no name of a table"),
        (["--table", "a", "--dialect", "oracl"], 2, "is not one of"),
        (["--table", "a", "--column", "orders"], 2, "write METRIC=NAME"),
        (["--table", "a", "--column", "orders=a", "--column", "orders=b"], 2, "given twice"),
        (["--table", "a"], 2, "VAL108"),
        (["--table", "a"], 2, "such as --time month --grain month"),
        (["--table", "a", "--time", "month"], 2, "their length with --grain"),
        (["--table", "a", "--grain", "mont"], 2, "did you mean month?"),
    ],
)
def test_the_command_tells_what_is_wrong(
    tmp_path: Path, words: list[str], code: int, sentence: str
) -> None:
    pytest.importorskip("click")
    from click.testing import CliRunner

    from metrictree.cli.program import program

    path = tmp_path / "tree.yml"
    path.write_text(shop().to_yaml(), encoding="utf-8")
    done = CliRunner().invoke(program, ["sql", str(path), *words])
    assert (done.exit_code, done.stdout) == (code, "")
    assert sentence in done.stderr


@pytest.mark.parametrize("words", [["run"], ["compute"], ["sql", "--table", "t"]])
def test_the_commands_name_their_own_options_where_periods_are_needed(
    tmp_path: Path, words: list[str]
) -> None:
    pytest.importorskip("click")
    from click.testing import CliRunner

    from metrictree.cli.program import program

    (tmp_path / "orders.csv").write_text("day\n2026-01-05\n", encoding="utf-8")
    path = tmp_path / "tree.yml"
    path.write_text(
        "north_star: trend\n"
        "metrics:\n"
        "  trend: growth(orders)\n"
        "  orders: {measure: {source: orders, aggregate: count()}}\n"
        "sources: {orders: {path: orders.csv, time: day}}\n",
        encoding="utf-8",
    )
    given = ["orders=3"] if words == ["compute"] else []
    done = CliRunner().invoke(program, [words[0], str(path), *words[1:], *given])
    assert "VAL108" in done.stderr
    assert "--grain month" in done.stderr
    assert "--target" in done.stderr
    assert not re.search(r"compute_series|time=|grain=", done.stderr)


def test_the_command_knows_every_dialect() -> None:
    pytest.importorskip("click")
    from metrictree.cli.sql import command

    (option,) = [option for option in command.params if option.name == "dialect"]
    assert [*option.type.choices] == [*DIALECTS]  # type: ignore[attr-defined]
