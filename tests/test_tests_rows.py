"""Cases of rows: a real run over what a test gives, compared row by row; every mistake located."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from datetime import date, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings, strategies as st

from metrictree import MetricTree
from metrictree.documents import parse
from metrictree.testing.case import Outcome, Status
from metrictree.testing.collect import collect
from metrictree.testing.rows import run_rows
from metrictree.testing.rows.cells import Column, moment_of
from metrictree.testing.rows.frames import LIBRARIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metrictree.diagnostics import Diagnostic

pytest.importorskip("polars")
pytest.importorskip("duckdb")
pytest.importorskip("pandas")
pytest.importorskip("pyarrow")


def _frame(library: str) -> Any:
    needed, make = LIBRARIES[library]
    return make({"x": Column("null", [None])}, *map(import_module, needed))


USED = [library for library in LIBRARIES if _frame(library) is not None]
"""Those of which the version that is installed reads all rows: pandas 2 and DuckDB 1.3 do not."""

TREE = """\
north_star: jobs
metrics:
  jobs: {measure: {source: jobs, aggregate: count(), where: status == 'done'}}
  all_jobs: {measure: {source: jobs, aggregate: count()}}
  revenue: {measure: {source: jobs, aggregate: sum(price)}}
  mean_price: {measure: {source: jobs, aggregate: mean(price)}}
  visits: {measure: {source: visits, aggregate: count()}}
  rate: jobs / visits
  before: lag(jobs)
  grown: growth(jobs)
  fee: {unit: USD/job}
  fees: fee * jobs
sources:
  jobs: {path: no/such/jobs.parquet, time: at, dimensions: [country, channel]}
  visits: {path: no/such/visits.parquet, time: at, dimensions: [country]}
"""


def outcomes(tests: str, tree: str = TREE) -> list[Outcome]:
    """Return how the cases of tests end that have no mistakes."""
    text = tree + "tests:\n" + "\n".join(f"  {line}" for line in tests.strip("\n").splitlines())
    resolved = MetricTree.from_yaml(text + "\n").resolved
    collected = collect(resolved)
    assert not collected.problems, "\n".join(map(str, collected.problems))
    return [run_rows(resolved, case) for case in collected.cases]


def outcome(test: str, tree: str = TREE) -> Outcome:
    (found,) = outcomes("- name: a test\n" + test, tree)
    return found


def messages(test: str, tree: str = TREE) -> list[str]:
    found = outcome(test, tree)
    assert found.status is Status.FAILED
    return [failure.message for failure in found.failures]


def broken(test: str, tree: str = TREE) -> Diagnostic:
    found = outcome(test, tree)
    assert found.status is Status.BROKEN
    (problem,) = found.problems
    return problem


def check(test: str, tree: str = TREE) -> None:
    found = outcome(test, tree)
    assert found.status is Status.PASSED, [one.message for one in found.failures] or found.problems


def one_measure(aggregate: str, rows: Sequence[Mapping[str, Any]], where: str | None = None) -> Any:
    """Return what a measure is of rows for all time."""
    measure = {"source": "s", "aggregate": aggregate} | ({"where": where} if where else {})
    tree = MetricTree(
        north_star="x",
        metrics={"x": {"measure": measure}},
        sources={"s": {"path": "no.csv"}},
        tests=[{"name": "t", "given_rows": {"s": rows}, "expect": {"x": -123456}}],
    ).resolved
    collected = collect(tree)
    assert not collected.problems
    found = run_rows(tree, collected.cases[0])
    assert found.status is Status.FAILED, found.problems
    return found.failures[0].steps[0].value


# --- aggregates and conditions

PRICES: list[dict[str, Any]] = [{"price": 4}, {"price": 1.5}, {"price": None}, {"price": 4}, {}]


@pytest.mark.parametrize(
    ("aggregate", "value"),
    [
        ("count(price)", 3.0),
        ("count_distinct(price)", 2.0),
        ("sum(price)", 9.5),
        ("sum(price * 2)", 19.0),
        ("mean(price)", 9.5 / 3),
        ("min(price)", 1.5),
        ("max(price)", 4.0),
        ("median(price)", 4.0),
        ("quantile(price, 0.25)", 2.75),
        ("std(price)", (2 * (4 - 9.5 / 3) ** 2 / 2 + (1.5 - 9.5 / 3) ** 2 / 2) ** 0.5),
    ],
)
def test_every_aggregate_is_computed_of_the_rows(aggregate: str, value: float) -> None:
    assert one_measure(aggregate, PRICES) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("where", "rows", "count"),
    [
        ("a >= '2026-01-05'", [{"a": "2026-01-05"}, {"a": "never"}], 2),  # texts, as in a file
        ("a == 'x'", [{"a": "x"}, {"a": "y"}, {}], 1),
        ("a in ('x', 'y')", [{"a": "x"}, {"a": "y"}, {"a": "z"}], 2),
        ("a > 1", [{"a": 1}, {"a": 2}, {"a": None}], 1),
        ("a > 1", [{"a": 1.0}, {"a": 1.5}], 1),
        ("flag", [{"flag": True}, {"flag": False}, {}], 1),
        ("not flag", [{"flag": True}, {"flag": False}, {}], 1),
        ("a >= '2026-01-05'", [{"a": date(2026, 1, 5)}, {"a": date(2026, 1, 4)}], 1),
        ("a >= '2026-01-05'", [{"a": "2026-01-05"}, {"a": "2026-01-04"}], 1),
        ("a > '2026-01-05 10:00'", [{"a": "2026-01-05 10:00"}, {"a": "2026-01-05 10:01"}], 1),
        ("a == '2026-01-05 10:00'", [{"a": "2026-01-05 12:00+02:00"}, {"a": "2026-01-05"}], 1),
        ("a < b", [{"a": date(2026, 1, 5), "b": "2026-01-05 10:00"}, {"a": "2026-01-06"}], 1),
        ("is_missing(a)", [{"a": 1}, {}], 1),
        ("is_missing(a)", [{}, {}], 2),
        ("a == 'x'", [{}, {}], 0),
        ("a > 0", [{"a": None}], 0),
    ],
)
def test_a_condition_counts_the_rows_that_fulfil_it(
    where: str, rows: list[dict[str, Any]], count: int
) -> None:
    assert one_measure("count()", rows, where) == count


def test_a_column_that_no_row_has_is_missing_in_all() -> None:
    assert one_measure("sum(price)", [{}, {}]) == 0
    assert one_measure("mean(price)", [{}, {}]) is None


def test_integers_of_nine_quadrillion_are_told_apart() -> None:
    large = 2**60
    rows = [{"id": large}, {"id": large + 1}, {"id": large}]
    assert one_measure("count_distinct(id)", rows) == 2


# --- periods


@pytest.mark.parametrize(
    ("grain", "expected"),
    [
        ("day", "[{day: 2025-12-31, all_jobs: 2}, {day: 2026-01-01, all_jobs: 1}]"),
        ("week", "[{week: 2025-12-29, all_jobs: 3}]"),
        ("month", "[{month: 2025-12-01, all_jobs: 2}, {month: 2026-01-01, all_jobs: 1}]"),
        ("quarter", "[{quarter: 2025-10-01, all_jobs: 2}, {quarter: 2026-01-01, all_jobs: 1}]"),
        ("year", "[{year: 2025-01-01, all_jobs: 2}, {year: 2026-01-01, all_jobs: 1}]"),
        ("all", "[{all_jobs: 3}]"),
    ],
)
def test_rows_are_counted_at_every_grain(grain: str, expected: str) -> None:
    check(
        f"""
  given_rows: {{jobs: [{{at: 2025-12-31}}, {{at: 2025-12-31}}, {{at: 2026-01-01}}]}}
  grain: {grain}
  expect_rows: {expected}
"""
    )


def test_a_period_may_be_written_in_quotes_and_rows_in_any_order() -> None:
    check(
        """
  given_rows: {jobs: [{at: 2026-01-05}, {at: 2026-01-12}]}
  grain: week
  expect_rows: [{all_jobs: 1, week: 2026-01-12}, {week: "2026-01-05", all_jobs: 1}]
"""
    )


def test_weeks_and_years_begin_as_the_tree_says() -> None:
    tree = TREE + "week_start: sunday\nfiscal_year_start: 2\n"
    rows = "{jobs: [{at: 2026-01-04}, {at: 2026-01-31}]}"
    check(
        f"\n  given_rows: {rows}\n  grain: year\n"
        "  expect_rows: [{year: 2025-02-01, all_jobs: 2}]",
        tree,
    )
    check(
        "\n  given_rows: {jobs: [{at: 2026-01-04}]}\n  grain: week\n"
        "  expect_rows: [{week: 2026-01-04, all_jobs: 1}]",
        tree,
    )


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("'2026-03-29 00:30'", "2026-03-29"),  # 01:30 in Berlin, before the clock is changed
        ("'2026-03-28 23:30'", "2026-03-29"),
        ("'2026-03-28 22:30'", "2026-03-28"),
        ("'2026-03-29 22:30'", "2026-03-30"),  # summer time: two hours ahead
        ("'2026-03-29T00:30:00+02:00'", "2026-03-28"),  # 22:30 in UTC, and 23:30 in Berlin
        ("'2026-03-29 00:30 UTC'", "2026-03-29"),
        ("2026-03-29", "2026-03-29"),  # a day is one in the zone, and never shifted
    ],
)
@pytest.mark.parametrize("others", ["", ", {at: 2026-03-29}"], ids=["alone", "beside_a_day"])
def test_a_moment_lies_on_the_day_that_the_clock_shows(at: str, day: str, others: str) -> None:
    tree = TREE + "timezone: Europe/Berlin\n"
    rows = json.dumps({"at": at.strip("'")}) if at.startswith("'") else f"{{at: {at}}}"
    found = outcome(
        f"\n  given_rows: {{jobs: [{rows}{others}]}}\n  grain: day\n"
        f"  expect_rows: [{{day: 1999-01-01, all_jobs: 1}}]",
        tree,
    )
    example = found.failures[0].example
    assert example is not None
    count = 2 if others and day == "2026-03-29" else 1
    assert f"  - {{day: {day}, all_jobs: {count}}}" in example.splitlines()


def test_a_source_has_a_zone_of_its_own() -> None:
    tree = TREE.replace("time: at, dimensions: [country]", "time: at, timezone: Asia/Tokyo")
    check(
        """
  given_rows: {visits: [{at: "2026-01-04 16:00"}, {at: "2026-01-04 14:00"}]}
  grain: day
  expect_rows: [{day: 2026-01-04, visits: 1}, {day: 2026-01-05, visits: 1}]
""",
        tree,
    )


def test_a_gap_is_zero_for_counts_and_sums_and_missing_for_the_rest() -> None:
    check(
        """
  given_rows: {jobs: [{at: 2026-01-05, price: 3}, {at: 2026-01-19, price: 4}]}
  grain: week
  expect_rows:
    - {week: 2026-01-05, all_jobs: 1, revenue: 3, mean_price: 3}
    - {week: 2026-01-12, all_jobs: 0, revenue: 0, mean_price: missing}
    - {week: 2026-01-19, all_jobs: 1, revenue: 4, mean_price: 4}
"""
    )


def test_functions_over_time_look_at_the_weeks_before() -> None:
    check(
        """
  given_rows:
    jobs:
      - {at: 2026-01-05, status: done}
      - {at: 2026-01-06, status: done}
      - {at: 2026-01-19, status: done}
  grain: week
  expect_rows:
    - {week: 2026-01-05, jobs: 2, before: missing, grown: missing}
    - {week: 2026-01-12, jobs: 0, before: 2, grown: -1}
    - {week: 2026-01-19, jobs: 1, before: 0, grown: missing}
"""
    )


# --- dimensions


def test_null_is_a_group_of_its_own_and_no_text() -> None:
    check(
        """
  given_rows: {jobs: [{country: DE}, {country: null}, {}, {country: "null"}]}
  by: [country]
  expect_rows:
    - {country: DE, all_jobs: 1}
    - {country: null, all_jobs: 2}
    - {country: "null", all_jobs: 1}
"""
    )


@pytest.mark.parametrize(
    ("given_cells", "expected"),
    [
        ("1, 2.0", "1.0, 2"),
        ("true, false", "false, true"),
        ("2026-01-05, 2026-01-06", "2026-01-06, 2026-01-05"),
        ("'1', x", "'1', x"),
    ],
)
def test_a_dimension_holds_numbers_texts_dates_or_truth(given_cells: str, expected: str) -> None:
    def rows(cells: str, tail: str = "") -> str:
        return ", ".join(f"{{country: {cell}{tail}}}" for cell in cells.split(", "))

    check(
        f"\n  given_rows: {{jobs: [{rows(given_cells)}]}}\n  by: [country]\n"
        f"  expect_rows: [{rows(expected, ', all_jobs: 1')}]"
    )


def test_a_number_is_not_the_text_that_looks_like_it() -> None:
    found = messages(
        """
  given_rows: {jobs: [{country: 1}]}
  by: [country]
  expect_rows: [{country: "1", all_jobs: 1}]
"""
    )
    assert found == [
        'no row comes out for country "1"',
        "a row comes out for country 1 that is not expected: all_jobs 1",
    ]


def test_true_is_not_one() -> None:
    found = messages(
        "\n  given_rows: {jobs: [{country: true}]}\n  by: [country]\n"
        "  expect_rows: [{country: 1, all_jobs: 1}]"
    )
    assert found[0] == "no row comes out for country 1"


def test_a_dimension_may_be_the_time_itself() -> None:
    tree = TREE.replace("dimensions: [country, channel]", "dimensions: [at]")
    check(
        """
  given_rows: {jobs: [{at: "2026-01-05 10:00+01:00"}, {at: "2026-01-05 11:00"}]}
  by: [at]
  expect_rows: [{at: "2026-01-05 09:00", all_jobs: 1}, {at: "2026-01-05 11:00", all_jobs: 1}]
""",
        tree,
    )


def test_every_group_comes_out_in_every_period() -> None:
    found = outcome(
        """
  given_rows: {jobs: [{at: 2026-01-05, country: DE}, {at: 2026-01-12, country: FR}]}
  grain: week
  by: [country]
  expect_rows: [{week: 2026-01-05, country: DE, all_jobs: 1},
                {week: 2026-01-12, country: FR, all_jobs: 1}]
"""
    )
    tail = "; every group comes out in every week"
    assert [failure.fix for failure in found.failures] == [
        "if it is right, add `- {week: 2026-01-05, country: FR, all_jobs: 0}`" + tail,
        "if it is right, add `- {week: 2026-01-12, country: DE, all_jobs: 0}`" + tail,
    ]


# --- several sources, and what is given


def test_sources_meet_in_a_ratio_and_the_rows_are_all_that_there_are() -> None:
    check(
        """
  given_rows:
    jobs: [{at: 2026-01-05, status: done}, {at: 2026-01-12, status: done}]
    visits: [{at: 2026-01-05}, {at: 2026-01-06}]
  grain: week
  expect_rows:
    - {week: 2026-01-05, rate: 0.5}
    - {week: 2026-01-12, jobs: 1, visits: 0, rate: missing}
"""
    )


def test_sources_end_on_the_day_that_the_clock_shows() -> None:
    tree = TREE + "timezone: Europe/Berlin\n"
    check(
        """
  given_rows:
    jobs: [{at: 2026-01-05, status: done}, {at: "2026-01-06 23:30", status: done}]
    visits: [{at: 2026-01-05}]
  grain: day
  expect_rows:
    - {day: 2026-01-05, rate: 1}
    - {day: 2026-01-06, jobs: 0, rate: missing}
    - {day: 2026-01-07, jobs: 1, rate: missing}
""",
        tree,
    )


def test_sources_need_no_times_for_all_time() -> None:
    check("\n  given_rows: {jobs: [{status: done}], visits: [{}, {}]}\n  expect: {rate: 0.5}")


def test_what_is_not_expected_needs_no_rows_and_no_inputs() -> None:
    check("\n  given_rows: {jobs: [{status: done}]}\n  expect: {jobs: 1}")


def test_rows_of_a_source_that_nothing_expected_needs_do_not_count() -> None:
    check("\n  given_rows: {jobs: [{status: done}], visits: []}\n  expect: {jobs: 1}")


def test_inputs_are_given_as_constants() -> None:
    check("\n  given: {fee: 2.5}\n  given_rows: {jobs: [{status: done}]}\n  expect: {fees: 2.5}")


@pytest.mark.parametrize(
    ("value", "rate"),
    [("4", "0.25"), ("0", "missing"), ("missing", "missing"), ("null", "missing")],
)
def test_a_measure_that_is_given_is_cut_off(value: str, rate: str) -> None:
    check(
        f"\n  given: {{visits: {value}}}\n"
        "  given_rows: {jobs: [{at: 2026-01-05, status: done}]}\n"
        f"  grain: week\n  expect_rows: [{{week: 2026-01-05, rate: {rate}}}]"
    )


def test_a_formula_that_is_given_is_cut_off() -> None:
    tree = TREE + "fiscal_year_start: 1\n"
    check(
        """
  given: {rate: 0.5}
  given_rows: {jobs: [{status: done}]}
  expect: {score: 0.5}
""",
        tree.replace("  rate: jobs / visits\n", "  rate: jobs / visits\n  score: rate * jobs\n"),
    )


def test_a_table_of_cases_runs_over_the_same_rows() -> None:
    found = outcomes(
        """
- name: fees
  given_rows: {jobs: [{status: done}, {status: done}]}
  cases:
    - {given: {fee: 2}, expect: {fees: 4}}
    - {given: {fee: 3}, expect: {fees: 4}}
"""
    )
    assert [one.status for one in found] == [Status.PASSED, Status.FAILED]
    (failure,) = found[1].failures
    assert failure.message == "fees is 6, expected 4: 2 more (+50 %)"
    assert failure.span is not None
    assert failure.span.text[failure.span.column - 1 :].startswith("4}}")


# --- values that differ


def test_a_value_that_differs_is_told_with_its_row_and_what_it_is_made_of() -> None:
    found = outcome(
        """
  given_rows:
    jobs: [{at: 2026-01-05, status: done, country: DE}]
    visits: [{at: 2026-01-05, country: DE}, {at: 2026-01-05, country: DE}]
  grain: week
  by: [country]
  expect_rows: [{week: 2026-01-05, country: DE, rate: 2}]
"""
    )
    (failure,) = found.failures
    assert failure.message == (
        "week 2026-01-05, country DE: rate is 0.5, expected 2: 1.5 less (-75 %)"
    )
    assert failure.metric == "rate"
    assert failure.span is not None
    assert failure.span.text[failure.span.column - 1 :] == "2}]"
    assert failure.fix == "the value is 1 / what is expected: are the operands of `/` swapped?"
    assert [(step.metric, step.value, step.origin) for step in failure.steps] == [
        ("rate", 0.5, "computed"),
        ("jobs", 1.0, "measured"),
        ("visits", 2.0, "measured"),
    ]
    assert failure.steps[0].numbers == "1 / 2"


def test_a_value_over_time_is_told_with_the_periods_of_its_group() -> None:
    found = outcome(
        """
  given_rows:
    jobs:
      - {at: 2026-01-05, status: done, country: DE}
      - {at: 2026-01-05, status: done, country: FR}
      - {at: 2026-01-06, status: done, country: FR}
      - {at: 2026-01-12, status: done, country: FR}
  grain: week
  by: [country]
  expect_rows:
    - {week: 2026-01-05, country: DE, jobs: 1}
    - {week: 2026-01-05, country: FR, jobs: 2}
    - {week: 2026-01-12, country: DE, jobs: 0}
    - {week: 2026-01-12, country: FR, grown: 0.5}
"""
    )
    (failure,) = found.failures
    assert failure.message.startswith("week 2026-01-12, country FR: grown is -0.5, expected 0.5")
    assert failure.steps[0].numbers == "growth([2, 1])"


def test_a_missing_value_is_told_with_its_reason() -> None:
    (message,) = messages(
        "\n  given: {visits: 0}\n  given_rows: {jobs: [{status: done}]}\n  expect: {rate: 1}"
    )
    assert message == ("rate is missing (division by zero (jobs is 1, visits is 0)), expected 1")
    (message,) = messages("\n  given_rows: {jobs: [{}]}\n  expect: {mean_price: 1}")
    assert message == "mean_price is missing (there are no values to aggregate), expected 1"


def test_missing_is_expected_exactly() -> None:
    (message,) = messages("\n  given_rows: {jobs: [{}]}\n  expect: {jobs: missing}")
    assert message == "jobs is 0, expected missing"


@pytest.mark.parametrize(
    ("tolerance", "expected", "status"),
    [
        ("", "0.3333333333", Status.PASSED),
        ("", "0.33333333", Status.FAILED),
        ("  tolerance: 0.01\n", "0.331", Status.PASSED),
        ("  tolerance: 0.01\n", "0.32", Status.FAILED),
        ("  tolerance: {absolute: 0.1}\n", "0.4", Status.PASSED),
    ],
)
def test_values_are_compared_with_the_tolerance(
    tolerance: str, expected: str, status: Status
) -> None:
    found = outcome(
        f"\n{tolerance}  given: {{visits: 3}}\n  given_rows: {{jobs: [{{status: done}}]}}\n"
        f"  expect: {{rate: {expected}}}"
    )
    assert found.status is status


def test_units_are_those_of_the_run() -> None:
    tree = TREE.replace("status == 'done'}}", "status == 'done'}, unit: job/week}", 1)
    (message,) = messages(
        "\n  given_rows: {jobs: [{at: 2026-01-05, status: done}]}\n  grain: month\n"
        "  expect_rows: [{month: 2026-01-01, jobs: 2}]",
        tree,
    )
    assert message.startswith("month 2026-01-01: jobs is 1 job/month, expected 2 job/month")


def test_units_are_those_of_the_run_in_all_of_a_table_and_spelled_as_in_the_tree() -> None:
    tree = """\
north_star: per_km
metrics:
  per_km: {formula: price / km, unit: EUR/km}
  price: {measure: {source: loads, aggregate: sum(price)}, unit: EUR/week}
  km: {measure: {source: loads, aggregate: sum(km)}, unit: km/week}
sources:
  loads: {path: loads.csv}
"""
    test = "\n  given_rows: {loads: [{price: 8, km: 4}]}\n  expect: "
    for expected in ("{per_km: 3}", "{per_km: 3, price: 8, km: 4}"):
        (failure,) = outcome(test + expected, tree).failures
        assert [step.unit for step in failure.steps] == ["EUR/km", "EUR", "km"]


# --- repairs


@pytest.mark.parametrize(
    ("measure", "expected", "fix"),
    [
        ("count(), where: status == 'paid'", 1, "if `status == 'paid'` of x is `status != 'paid'`"),
        ("count(), where: price > 2", 2, "if `price > 2` of x is `price >= 2`"),
        ("count(), where: status == 'paid'", 3, "without the `where` `status == 'paid'` of x"),
        ("median(price), where: price > 0", 10, "if `median(price)` of x is `mean(price)`"),
        ("count(), where: \"status in ('paid', 'due')\"", 3,
         "`status in ('paid', 'due')` of x is `status in ('paid', 'due', 'open')`"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_measure_is_named_with_its_repair(
    measure: str, expected: int, fix: str
) -> None:
    aggregate, _, where = measure.partition(", where: ")
    tree = MetricTree(
        north_star="top",
        metrics={
            "top": "x + other",
            "other": {
                "measure": {"source": "s", "aggregate": "sum(price)", "where": "status == 'paid'"}
            },
            "x": {"measure": {"source": "s", "aggregate": aggregate, "where": where.strip('"')}},
        },
        sources={"s": {"path": "s.csv"}},
        tests=[
            {
                "name": "a",
                "given_rows": {
                    "s": [
                        {"status": "paid", "price": 1},
                        {"status": "paid", "price": 2},
                        {"status": "open", "price": 27},
                    ]
                },
                "expect": {"x": expected},
            }
        ],
    )
    (found,) = tree.test().outcomes
    assert fix in str(found.failures[0].fix)


def test_of_several_wrong_measures_each_is_told_its_repair() -> None:
    tree = TREE.replace("sum(price)", "mean(price)").replace("== 'done'", "!= 'done'")
    text = (
        tree
        + """\
tests:
  - name: two mistakes
    given_rows: {jobs: [{at: 2026-01-05, status: done, price: 3}, {at: 2026-01-05, price: 5},
                        {at: 2026-01-05, status: done, price: 5}]}
    expect: {revenue: 13, jobs: 2}
"""
    )
    (found,) = MetricTree.from_yaml(text).test().outcomes
    told = {failure.metric: failure.fix for failure in found.failures}
    assert str(told["revenue"]).startswith("revenue is as expected if `mean(price)`")
    assert str(told["revenue"]).endswith("is `sum(price)`")
    assert str(told["jobs"]).startswith("jobs is as expected if `status != 'done'`")


@pytest.mark.parametrize(
    ("cell", "told"),
    [("Done", True), (" done", True), ("donne", True), ("undone", False), ("open", False)],
)
def test_a_slip_in_a_text_of_a_row_is_told_and_no_repair_of_the_measure(
    cell: str, told: bool
) -> None:
    test = f"{{name: a, given_rows: {{jobs: [{{status: '{cell}'}}]}}, expect: {{jobs: 1}}}}"
    (found,) = MetricTree.from_yaml(f"{TREE}tests: [{test}]\n").test().outcomes
    text = f"'{cell}' in row 1 of jobs is not 'done', which the measure of jobs looks for"
    assert (found.failures[0].fix == text) is told


def test_a_text_where_a_number_is_needed_is_told_at_its_cell() -> None:
    for cell, advice in (("5 km", "write 5, without"), ("5", "write 5, without"), ("x", "write a")):
        row = f"{{status: done, price: '{cell}'}}"
        found = broken(f"\n  given_rows: {{jobs: [{row}]}}\n  expect: {{revenue: 5}}")
        assert (found.code, found.message) == (
            "SRC107",
            f"'{cell}' is text, and 'price' is used as a number",
        )
        assert found.span is not None
        assert "given_rows" in found.span.text
        assert (found.fix or "").startswith(advice)


def test_a_source_without_rows_names_the_metric_that_is_expected() -> None:
    found = broken("\n  given_rows: {jobs: []}\n  expect: {revenue: missing}")
    assert "such as `given: {revenue: 0}`" in (found.fix or "")


def test_a_formula_above_a_wrong_measure_is_one_line() -> None:
    rows = "\n  given_rows: {jobs: [{status: done}], visits: [{}, {}]}\n  expect: "
    first, second = outcome(rows + "{rate: 1, jobs: 2}").failures
    assert first.metric == "jobs"
    assert second.follows
    assert second.message.endswith("; this follows from jobs")


# --- rows that differ


def test_a_row_that_does_not_come_out_is_told_with_all_that_do() -> None:
    found = outcome(
        """
  given_rows: {jobs: [{at: 2026-01-05, country: "a, b"}]}
  grain: week
  by: [country]
  expect_rows: [{week: 2026-01-05, country: "a, b", all_jobs: 1},
                {week: 2026-02-02, country: "a, b", all_jobs: 1},
                {week: 2026-01-05, country: b, all_jobs: 1}]
"""
    )
    late, other = found.failures
    assert late.message == 'no row comes out for week 2026-02-02, country "a, b"'
    assert late.fix == (
        "the weeks go from 2026-01-05 to 2026-01-05, those of the first and the last row that is "
        "given"
    )
    assert late.example == 'expect_rows:\n  - {week: 2026-01-05, country: "a, b", all_jobs: 1}'
    assert other.fix is not None
    assert other.fix.startswith("the groups are those of the rows that are given")
    assert other.example is None, "once is enough"
    assert [failure.span and failure.span.line for failure in found.failures] == [23, 24]


def test_a_row_that_is_not_expected_is_told_ready_to_paste() -> None:
    found = outcome(
        """
  given_rows: {jobs: [{at: 2026-01-05}, {at: 2026-01-19, status: done}]}
  grain: week
  expect_rows: [{week: 2026-01-05, all_jobs: 1, mean_price: missing},
                {week: 2026-01-19, all_jobs: 1}]
"""
    )
    (failure,) = found.failures
    assert failure.message == (
        "a row comes out for week 2026-01-12 that is not expected: all_jobs 0, mean_price missing"
    )
    assert failure.fix == (
        "if it is right, add `- {week: 2026-01-12, all_jobs: 0, mean_price: missing}`; every "
        "period from the first to the last row comes out"
    )


def test_what_came_out_can_be_pasted_and_passes() -> None:
    rows = """
  given_rows:
    jobs:
      - {at: 2026-01-05, country: "a, b", channel: 1, price: 0.1}
      - {at: 2026-01-12, country: "yes", channel: 2, price: 0.2}
      - {at: 2026-01-12, country: "2026-01-05", channel: 2}
      - {at: 2026-01-12, country: "{x}"}
      - {at: 2026-01-12, country: "it's: #1"}
  grain: week
  by: [country, channel]
"""
    absent = (
        "  expect_rows: [{week: 1999-01-04, country: x, channel: 1, revenue: 1, mean_price: 1}]"
    )
    example = outcome(rows + absent).failures[0].example
    assert example is not None
    assert len(parse(example, "rows.yml").data["expect_rows"]) == 10
    check(rows + "\n".join(f"  {line}" for line in example.splitlines()))


def test_of_many_rows_that_are_not_expected_some_are_told() -> None:
    days = ", ".join(f"{{at: 2026-01-{day:02}}}" for day in range(1, 32))
    found = outcome(
        f"\n  given_rows: {{jobs: [{days}]}}\n  grain: day\n"
        "  expect_rows: [{day: 2026-01-01, all_jobs: 1}]"
    )
    assert len(found.failures) == 6
    assert found.failures[-1].message == "25 more rows come out that are not expected"
    assert found.failures[0].example is not None
    assert found.failures[0].example.endswith("# and 11 more rows")


# --- what cannot run


def test_a_source_that_is_needed_is_named() -> None:
    text = (
        TREE + "tests:\n  - name: t\n    given_rows: {jobs: [{}]}\n    expect: {rate: 1, jobs: 0}\n"
    )
    (problem,) = collect(MetricTree.from_yaml(text).resolved).problems
    assert (problem.code, problem.metric) == ("TST139", "visits")
    assert problem.message == (
        "the source 'visits' has no rows here, and 'visits' is measured from it"
    )
    assert problem.fix == "add `visits:` with its rows, or give 'visits' below `given:`"


def test_an_input_that_is_needed_is_named() -> None:
    problem = broken("\n  given_rows: {jobs: [{}]}\n  expect: {fees: 1}")
    assert (problem.code, problem.metric) == ("VAL103", "fee")
    assert problem.fix == "add `fee:` below `given:`"


def test_a_source_without_rows_is_refused_as_by_a_run() -> None:
    problem = broken("\n  given_rows: {visits: [], jobs: [{}]}\n  expect: {rate: missing}")
    assert problem.code == "SRC121"
    assert problem.fix is not None
    assert "`given: {visits: 0}`" in problem.fix
    assert problem.span is not None
    assert problem.span.text[problem.span.column - 1 :].startswith("visits: []")


def test_functions_over_time_need_a_grain() -> None:
    problem = broken("\n  given_rows: {jobs: [{}]}\n  expect: {before: missing}")
    assert problem.code == "VAL108"
    assert problem.fix == "give the test a grain, such as `grain: week`"


def test_a_row_without_a_time_is_refused_as_by_a_run() -> None:
    problem = broken(
        "\n  given_rows: {jobs: [{}, {at: 2026-01-05}]}\n  grain: week\n"
        "  expect_rows: [{week: 2026-01-05, all_jobs: 1}]"
    )
    assert problem.code == "SRC110"


def test_rows_without_any_time_give_no_row() -> None:
    found = outcome(
        "\n  given_rows: {jobs: [{}]}\n  grain: week\n"
        "  expect_rows: [{week: 2026-01-05, all_jobs: 1}]"
    )
    (failure,) = found.failures
    assert failure.fix == "no row came out at all: the rows that are given have no times"
    assert failure.example is None


def test_a_value_outside_of_its_range_is_refused() -> None:
    tree = TREE.replace("fee: {unit: USD/job}", "fee: {range: [0, 1]}")
    problem = broken("\n  given: {fee: 2}\n  given_rows: {jobs: [{}]}\n  expect: {fees: 1}", tree)
    assert problem.code == "VAL106"
    assert problem.span is not None
    assert problem.span.text.strip() == "given: {fee: 2}"


# --- expected errors


@pytest.mark.parametrize(
    "test",
    [
        "given_rows: {jobs: []}\n  error: SRC121",
        "given_rows: {jobs: [{status: 3}]}\n  error: SRC107",
        "given_rows: {jobs: [{}]}\n  error: VAL103",
        "given_rows: {jobs: [{}]}\n  error: VAL108",
        "given_rows: {jobs: [{}, {at: 2026-01-05}]}\n  grain: week\n  error: SRC110",
        "given: {visits: 3}\n  given_rows: {jobs: [{price: 9007199254740993}]}\n  error: SRC112",
    ],
)
def test_an_error_of_the_run_can_be_expected(test: str) -> None:
    text = (
        TREE
        + "tests:\n  - name: t\n"
        + "\n".join(
            f"  {line}" if number else f"    {line}"
            for number, line in enumerate(test.splitlines())
        )
    )
    tree = MetricTree.from_yaml(text).resolved
    (case,) = collect(tree).cases
    assert run_rows(tree, case).status is Status.PASSED


def test_an_error_that_does_not_come_is_told() -> None:
    found = outcome("\n  given_rows: {jobs: [{}]}\n  error: SRC121")
    (failure,) = found.failures
    assert failure.message == "SRC121 was expected, and the rows gave values without it"
    assert failure.span is not None
    assert failure.span.text[failure.span.column - 1 :] == "SRC121"


def test_another_error_than_expected_is_told() -> None:
    found = outcome("\n  given_rows: {jobs: [{status: 3}]}\n  error: SRC121")
    (failure,) = found.failures
    assert failure.message.startswith(
        "SRC121 was expected, and SRC107 came: these cannot be compared"
    )


# --- mistakes, each at its place

MISTAKES: list[tuple[str, list[str]]] = [
    (
        "given_rows: {job: [{}]}\nexpect: {jobs: 1}",
        [
            "TST128 1:14 the tree has no source 'job': did you mean jobs?",
        ],
    ),
    (
        "given_rows: {jobs: [{}, {statu: done}, {statu: x}]}\nexpect: {jobs: 1}",
        [
            "TST129 1:26 no measure uses the column 'statu' of 'jobs': did you mean status?",
        ],
    ),
    (
        "given_rows: {visits: [{quite_another: 1}]}\nexpect: {visits: 1}",
        [
            (
                "TST129 1:24 no measure uses the column 'quite_another' of 'visits': leave it out; "
                "the tree uses at, country"
            ),
        ],
    ),
    (
        "given_rows: {jobs: [{at: 2026-01-05}, {at: soon}]}\nexpect: {jobs: 1}",
        [
            (
                "TST130 1:44 'soon' is no day and no time, and 'at' is the time column: write "
                "2026-01-31, or in quotes '2026-01-31 10:00' in UTC or with +02:00"
            ),
        ],
    ),
    (
        "given_rows: {jobs: [{at: 20260105}]}\nexpect: {jobs: 1}",
        [
            (
                "TST130 1:26 '20260105' is no day and no time, and 'at' is the time column: write "
                "2026-01-31, or in quotes '2026-01-31 10:00' in UTC or with +02:00"
            ),
        ],
    ),
    (
        "given_rows: {jobs: [{price: 1}, {price: 2}, {price: three}]}\nexpect: {jobs: 1}",
        [
            (
                "TST130 1:53 'three' is text, and 'price' holds a number above: write values of "
                "one kind, numbers without quotes; null where there is none"
            ),
        ],
    ),
    (
        (
            "given_rows: {jobs: [{status: x}, {status: true}, {country: 1}, "
            "{country: 2026-01-05}]}\nexpect: {jobs: 1}"
        ),
        [
            (
                "TST130 1:43 'true' is a truth value, and 'status' holds text above: write values "
                "of one kind, numbers without quotes; null where there is none"
            ),
            (
                "TST130 1:74 '2026-01-05' is a date, and 'country' holds a number above: write "
                "values of one kind, numbers without quotes; null where there is none"
            ),
        ],
    ),
    (
        "given_rows: {jobs: [{price: [1, 2]}]}\nexpect: {jobs: 1}",
        [
            (
                "TST130 1:29 a cell of 'price' is no single value: write a number, text, a date, "
                "true, false or null"
            ),
        ],
    ),
    (
        "given_rows: {jobs: [{price: 9223372036854775808}]}\nexpect: {jobs: 1}",
        [
            (
                "TST130 1:29 9223372036854775808 has more digits than 'price' can hold: choose a "
                "smaller number, or write text if it is an id"
            ),
        ],
    ),
    (
        "given_rows: {jobs: [{price: 0.5}, {price: 9007199254740993}]}\nexpect: {jobs: 1}",
        [
            (
                "TST130 1:43 9007199254740993 has more digits than 'price' can hold: choose a "
                "smaller number, or write text if it is an id"
            ),
        ],
    ),
    (
        (
            "given_rows: {jobs: [{}]}\n"
            "by: [country, chanel]\n"
            "expect_rows: [{country: x, chanel: y, jobs: 1}]"
        ),
        [
            "TST131 2:15 the source 'jobs' has no dimension 'chanel': did you mean channel?",
        ],
    ),
    (
        (
            "given_rows: {jobs: [{}], visits: [{}]}\n"
            "by: [channel]\n"
            "expect_rows: [{channel: y, rate: 1}]"
        ),
        [
            (
                "TST131 2:6 the source 'visits' has no dimension 'channel': it has country; list "
                "the column under its `dimensions`"
            ),
        ],
    ),
    (
        "given_rows: {jobs: [{}]}\ngrain: week\nby: [country]\nexpect_rows: [{jobs: 1}]",
        [
            "TST132 4:15 this row does not say its week: add `week:`, the first day of its week",
            "TST132 4:15 this row does not say its country: add `country:`, null for none",
        ],
    ),
    (
        "given_rows: {jobs: [{}]}\nexpect_rows: [{job: 1}]",
        [
            (
                "TST133 2:16 'job' is no metric, no grain and no dimension of this test: did you "
                "mean jobs?"
            ),
        ],
    ),
    (
        "given_rows: {jobs: [{}]}\nexpect_rows: [{week: 2026-01-05, jobs: 1}]",
        [
            (
                "TST133 2:16 'week' is no metric, no grain and no dimension of this test: the test "
                "has no `grain`: write `grain: week`"
            ),
        ],
    ),
    (
        "given_rows: {jobs: [{}]}\nexpect_rows: [{country: DE, jobs: 1}]",
        [
            (
                "TST133 2:16 'country' is no metric, no grain and no dimension of this test: check "
                "the spelling, or name the dimension under `by:`"
            ),
        ],
    ),
    (
        (
            "given_rows: {jobs: [{}]}\n"
            "by: [country]\n"
            "expect_rows: [{country: DE, jobs: 1}, {country: FR, jobs: 1}, {country: DE, jobs: 2}]"
        ),
        [
            "TST134 3:63 row 3 of `expect_rows` is that of row 1: keep one of them",
        ],
    ),
    (
        "given_rows: {jobs: [{}]}\nexpect_rows: [{jobs: 1}, {jobs: 1}]",
        [
            "TST134 2:26 row 2 of `expect_rows` is one for all time: keep one of them",
        ],
    ),
    (
        "given_rows: {jobs: [{}]}\ngrain: week\nexpect_rows: [{week: 2026-01-07, jobs: 1}]",
        [
            "TST135 3:22 no week begins on 2026-01-07: the week that holds it begins on 2026-01-05",
        ],
    ),
    (
        "given_rows: {jobs: [{}]}\ngrain: month\nexpect_rows: [{month: 2026-01, jobs: 1}]",
        [
            (
                "TST135 3:23 '2026-01' is no day, and a month is named by its first one: write it "
                "as 2026-03-01"
            ),
        ],
    ),
    (
        "given_rows: {jobs: [{}]}\nexpect_rows: [{jobs: null}, {jobs: two}]",
        [
            (
                "TST136 2:22 nothing is expected, and not `missing`: write a number, or `missing` "
                "where there is no value"
            ),
            (
                "TST136 2:36 'two' is no number, and not `missing`: write a number, or `missing` "
                "where there is no value"
            ),
        ],
    ),
    (
        "given_rows: {jobs: [{}]}\nexpect_rows: []",
        [
            (
                "TST137 2:1 `expect_rows` is empty, and at least one row comes out: name every row "
                "that comes out"
            ),
        ],
    ),
    (
        "given_rows: {jobs: [{}]}\ngrain: week\nexpect_rows: [{week: 2026-01-05}]",
        [
            (
                "TST137 3:1 no row of `expect_rows` names a metric, so that they check no value: "
                "add metrics with values"
            ),
        ],
    ),
    (
        "given: {fee: [1, 2]}\ngiven_rows: {jobs: [{}]}\nexpect: {fees: [1, 2]}",
        [
            (
                "TST138 1:14 a list has a value for each period, and rows have periods of their "
                "own: give one number, which counts in every period"
            ),
            (
                "TST138 3:16 a list has a value for each period, and rows have periods of their "
                "own: expect them with `grain` and `expect_rows`"
            ),
        ],
    ),
    (
        "given_rows: {jobs: [{}]}\ncases:\n- {given: {fee: [1, 2]}, expect: {fees: 1}}",
        [
            (
                "TST138 3:17 a list has a value for each period, and rows have periods of their "
                "own: give one number, which counts in every period"
            ),
        ],
    ),
    (
        "given_rows: {jobs: [{}]}\nexpect: {rate: 1}",
        [
            (
                "TST139 1:1 the source 'visits' has no rows here, and 'visits' is measured from "
                "it: add `visits:` with its rows, or give 'visits' below `given:`"
            ),
        ],
    ),
    (
        "given: {jobs: 1}\ngiven_rows: {jobs: [{}]}\nexpect_rows: [{jobs: 1}]",
        [
            (
                "TST103 3:16 'jobs' is given, so that its value proves nothing: leave it out of "
                "`given`, or out of `expect_rows`"
            ),
        ],
    ),
    (
        "given_rows: {jobs: [{}]}\ncases: [{given: {jobs: 1}}]\nexpect_rows: [{jobs: 1}]",
        [
            (
                "TST103 3:16 'jobs' is given, so that its value proves nothing: leave it out of "
                "`given`, or out of `expect_rows`"
            ),
        ],
    ),
    (
        "given: {fee: 1, jobs: 1}\ngrain: week\nby: [country]\nexpect: {fees: 1}",
        [
            (
                "TST102 2:1 `grain` stands without `given_rows`: it is how rows are aggregated: "
                "add `given_rows`, or leave out `grain`"
            ),
            (
                "TST102 3:1 `by` stands without `given_rows`: it is how rows are aggregated: add "
                "`given_rows`, or leave out `by`"
            ),
        ],
    ),
    (
        "given_rows: {jobs: [{at: 2026-01-05}]}\ngrain: week\nexpect: {jobs: 1}",
        [
            (
                "TST102 2:1 `expect` is about one row for all time, and `grain` makes several: "
                "expect them with `expect_rows`, or leave out `grain`"
            ),
        ],
    ),
]


@pytest.mark.parametrize(("test", "told"), MISTAKES, ids=[told[0][:12] for _, told in MISTAKES])
def test_a_mistake_is_told_where_it_stands(test: str, told: list[str]) -> None:
    head = TREE + "tests:\n  - name: a test\n"
    text = head + "".join(f"    {line}\n" for line in test.splitlines())
    problems = collect(MetricTree.from_yaml(text).resolved).problems
    first = head.count("\n")
    assert [
        f"{one.code} {one.span.line - first}:{one.span.column - 4} {one.message}: {one.fix}"
        for one in problems
        if one.span is not None
    ] == told
    assert len(problems) == len(told)


# --- libraries

ANY_LIBRARY = """
- name: all kinds of columns
  given_rows:
    jobs:
      - {at: "2026-01-04 23:30", status: done, price: 10.5, country: DE, channel: 1}
      - {at: "2026-01-07 10:00+02:00", status: open, price: 4, country: null, channel: 2}
      - {at: "2026-01-18 22:30", status: done, country: DE, channel: 2}
    visits: [{at: 2026-01-05, country: DE}, {at: 2026-01-06}]
  grain: week
  by: [country]
  expect_rows:
    - {week: 2026-01-05, country: DE, rate: 1, revenue: 10.5, mean_price: 10.5, grown: missing}
    - {week: 2026-01-05, country: null, jobs: 0, rate: 0, revenue: 4, mean_price: 4}
    - {week: 2026-01-12, country: DE, jobs: 1, rate: missing, revenue: 0, grown: 0}
    - {week: 2026-01-12, country: null, jobs: 1, rate: missing, revenue: 0, mean_price: missing}
- name: days and moments
  given_rows: {jobs: [{at: 2026-01-05}, {at: "2026-01-04 23:30"}, {at: "2026-01-04 22:30"}]}
  grain: day
  expect_rows: [{day: 2026-01-05, all_jobs: 2}]
- name: columns without values
  given_rows: {jobs: [{}, {country: null}]}
  by: [country, channel]
  expect_rows:
    - {country: null, channel: null, all_jobs: 2, jobs: 0, revenue: 0, mean_price: missing}
- name: dates and truth
  given_rows: {jobs: [{country: 2026-01-05, channel: true}, {channel: false}]}
  by: [country, channel]
  expect_rows:
    - {country: 2026-01-05, channel: true, all_jobs: 1}
    - {country: null, channel: true, all_jobs: 0}
- name: no columns
  given_rows: {visits: [{}, {}]}
  expect: {visits: 3}
- name: no rows
  given_rows: {jobs: []}
  grain: week
  expect_rows: [{week: 2026-01-05, jobs: 3}]
- name: no rows expected
  given_rows: {jobs: []}
  error: SRC121
- name: a wrong type
  given_rows: {jobs: [{price: x}]}
  error: SRC107
"""


def as_told(library: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return how cases end where a library is the only one."""
    for other in {"polars", "duckdb", "pandas"} - {library}:
        monkeypatch.setitem(sys.modules, other, None)
    if library != "pandas":
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    return [
        (one.case.name, one.status, one.failures, [told.code for told in one.problems])
        for one in outcomes(ANY_LIBRARY, TREE + "timezone: Europe/Berlin\n")
    ]


@pytest.mark.parametrize("library", USED)
def test_every_library_gives_the_same_outcome(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as only:
        found = as_told(library, only)
    with monkeypatch.context() as only:
        polars = as_told("polars", only)
    assert found == polars
    assert {name: status.value for name, status, *_ in found} == {
        "all kinds of columns": "failed",
        "days and moments": "failed",
        "columns without values": "passed",
        "dates and truth": "failed",
        "no columns": "failed",
        "no rows": "broken",
        "no rows expected": "passed",
        "a wrong type": "passed",
    }


@pytest.mark.parametrize("library", USED)
@pytest.mark.parametrize("where", ["a >= '2026-01-05'", "a < '2026-01-05 10:00'", "a < b"])
def test_days_are_compared_with_moments_in_every_library(
    library: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in LIBRARIES.keys() - {library}:
        monkeypatch.setitem(sys.modules, other, None)
    rows: list[dict[str, Any]] = [
        {"a": date(2026, 1, 5), "b": "2026-01-05 10:00"},
        {"b": "2026-01-05"},
    ]
    assert one_measure("count()", rows, f"{where} and not is_missing(b)") == 1


def test_the_last_moment_of_the_calendar_is_refused_as_by_a_run() -> None:
    found = outcome(
        """
  given_rows:
    jobs: [{at: "9999-12-31 23:30", status: done}]
    visits: [{at: "9999-12-31 23:30"}]
  grain: year
  expect_rows: [{year: 9999-01-01, rate: 1}]
""",
        TREE + "timezone: Europe/Berlin\n",
    )
    assert {problem.code for problem in found.problems} == {"SRC112"}


def test_without_a_library_a_case_is_broken_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for library in USED:
        monkeypatch.setitem(sys.modules, library, None)
    problem = broken("\n  given_rows: {jobs: [{}]}\n  expect: {jobs: 0}")
    assert problem.code == "SRC101"
    assert problem.fix == 'pip install "metrictree[polars]"'


# --- properties

MEASURED = MetricTree(
    north_star="events",
    metrics={
        "events": {"measure": {"source": "events", "aggregate": "count()"}},
        "amount": {"measure": {"source": "events", "aggregate": "sum(amount)"}},
        "people": {"measure": {"source": "events", "aggregate": "count_distinct(person)"}},
    },
    sources={"events": {"path": "no.csv", "time": "at", "dimensions": ["kind"]}},
).spec.to_data()
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.dates(date(2025, 12, 20), date(2026, 1, 20)),
            "amount": st.none() | st.integers(-1000, 1000),
            "person": st.none() | st.sampled_from("abc"),
            "kind": st.none() | st.sampled_from(["x", "y", "1"]),
        }
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
def test_weeks_and_groups_are_what_plain_python_counts(rows: list[dict[str, Any]]) -> None:
    found: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["at"] - timedelta(days=row["at"].weekday()), row["kind"]].append(row)
    first, last = min(week for week, _ in found), max(week for week, _ in found)
    weeks = [first + timedelta(weeks=number) for number in range((last - first).days // 7 + 1)]
    expected = [
        {
            "week": week,
            "kind": kind,
            "events": len(found[week, kind]),
            "amount": sum(row["amount"] or 0 for row in found[week, kind]),
            "people": len({row["person"] for row in found[week, kind]} - {None}),
        }
        for week in weeks
        for kind in {row["kind"] for row in rows}
    ]
    test = {
        "name": "t",
        "given_rows": {"events": rows},
        "grain": "week",
        "by": ["kind"],
        "expect_rows": expected,
    }
    tree = MetricTree(**{**MEASURED, "tests": [test]}).resolved
    (case,) = collect(tree).cases
    assert run_rows(tree, case).status is Status.PASSED
    test["expect_rows"] = [expected[0] | {"events": -1}, *expected[1:]]
    tree = MetricTree(**{**MEASURED, "tests": [test]}).resolved
    (case,) = collect(tree).cases
    (failure,) = run_rows(tree, case).failures
    assert failure.metric == "events"


@given(st.datetimes().map(str) | st.dates().map(str) | st.text(max_size=30))
def test_a_text_is_a_moment_or_none(text: str) -> None:
    moment = moment_of(text)
    assert moment is None or text.startswith(str(moment)[:10])
