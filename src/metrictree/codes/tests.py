"""TST: tests of definitions."""

from __future__ import annotations

from typing import Final

from metrictree.codes.entry import Code
from metrictree.diagnostics import Severity

__all__ = ["TESTS"]

_TREE: Final = "north_star: rate\nmetrics:\n  rate: orders / visits\n  orders:\n  visits:\ntests:\n"

_ROWS_TREE: Final = """\
north_star: jobs
metrics:
  jobs: {measure: {source: jobs, aggregate: count(), where: status == 'done'}}
  visits: {measure: {source: visits, aggregate: count()}}
  rate: jobs / visits
sources:
  jobs: {path: jobs.csv, time: at, dimensions: [country]}
  visits: {path: visits.csv, time: at}
tests:
  - name: one job
"""
_ROW: Final = "    given_rows: {jobs: [{at: 2026-01-05, status: done, country: DE}]}\n"
_ONE: Final = "    expect: {jobs: 1}\n"
_WEEKLY: Final = "    grain: week\n    expect_rows: [{week: 2026-01-05, jobs: 1}]\n"
_BY: Final = "    by: [country]\n    expect_rows: [{country: DE, jobs: 1}]\n"

_MUTATED: Final = """\
from metrictree import MetricTree

tree = MetricTree(
    north_star="rate",
    metrics={"rate": "orders / visits", "orders": None, "visits": None},
    tests=[{"name": "a rate", "given": {"orders": 8, "visits": 4}, "expect": {"rate": %d}}],
)
mutate(tree.resolved)
"""

TESTS: Final = (
    Code(
        "TST101",
        "A test that checks nothing",
        Severity.ERROR,
        "It would pass whatever the tree does.",
        _TREE + "  - name: a rate\n    given: {orders: 5, visits: 20}\n",
        _TREE + "  - name: a rate\n    given: {orders: 5, visits: 20}\n    expect: {rate: 0.25}\n",
        "Say what is expected: `expect:` with values of metrics, `expect_rows:` with rows, "
        "`property:` with a sentence, or `error:` with the code of a diagnostic.",
    ),
    Code(
        "TST102",
        "Parts of a test that do not go together",
        Severity.ERROR,
        "A test looks at one thing, so that its name tells what broke.",
        _TREE + "  - name: a rate\n    given: {orders: 5, visits: 20}\n    expect: {rate: 0.25}\n"
        "    property: rate is at least 0\n",
        _TREE + "  - name: a rate\n    given: {orders: 5, visits: 20}\n    expect: {rate: 0.25}\n"
        "  - name: no rate below zero\n    property: rate is at least 0\n",
        "Make two tests of it, or leave out what does not belong to it.",
    ),
    Code(
        "TST103",
        "A metric that is given and expected",
        Severity.ERROR,
        "What is given is not computed, so the test would compare a number with itself.",
        _TREE + "  - name: a rate\n    given: {rate: 0.25}\n    expect: {rate: 0.25}\n",
        _TREE + "  - name: a rate\n    given: {orders: 5, visits: 20}\n    expect: {rate: 0.25}\n",
        "Give the metrics that it is made of.",
    ),
    Code(
        "TST104",
        "Two tests with one name",
        Severity.ERROR,
        "Tests are selected and reported by their names.",
        _TREE + "  - {name: a rate, given: {orders: 5, visits: 20}, expect: {rate: 0.25}}\n"
        "  - {name: a rate, given: {orders: 5, visits: 0}, expect: {rate: missing}}\n",
        _TREE + "  - {name: a rate, given: {orders: 5, visits: 20}, expect: {rate: 0.25}}\n"
        "  - {name: no visits, given: {orders: 5, visits: 0}, expect: {rate: missing}}\n",
        "Let each name say what is special about its test.",
    ),
    Code(
        "TST105",
        "Lists of different lengths",
        Severity.ERROR,
        "A list has one value for each period. Periods that are left out cannot be guessed.",
        _TREE + "  - name: two weeks\n    given: {orders: [5, 6], visits: [20, 20, 30]}\n"
        "    expect: {rate: [0.25, 0.3]}\n",
        _TREE + "  - name: two weeks\n    given: {orders: [5, 6], visits: 20}\n"
        "    expect: {rate: [0.25, 0.3]}\n",
        "Give each list as many values, `missing` where there is none. A single number stands for "
        "every period.",
    ),
    Code(
        "TST106",
        "A test of too many cases",
        Severity.ERROR,
        "A matrix multiplies: past 10,000 cases it costs time and shows nothing that fewer would "
        "not show.",
        _TREE + "  - name: a rate\n    matrix:\n"
        f"      orders: {list(range(101))}\n      visits: {list(range(101))}\n"
        "    property: rate is at least 0\n",
        _TREE + "  - name: a rate\n    matrix: {orders: [0, 5], visits: [1, 20]}\n"
        "    property: rate is at least 0\n",
        "Try the values at which the definition changes, or state a property, which is tried with "
        "many values.",
    ),
    Code(
        "TST107",
        "An expected code that no test can find",
        Severity.ERROR,
        "The test could never pass.",
        _TREE + "  - {name: based on revenue, error: NS190}\n",
        _TREE + "  - {name: based on revenue, error: NS101}\n",
        "Expect a code of a rule (`metrictree rule` lists them), or one of the families VAL and "
        "SRC. A tree with a mistake of another family does not load.",
    ),
    Code(
        "TST121",
        "A property that is no sentence",
        Severity.ERROR,
        "Only sentences of a known form can be tested, each with one claim.",
        _TREE + "  - name: more orders, more rate\n    property: rate grows with orders\n",
        _TREE + "  - name: more orders, more rate\n    property: rate increases with orders\n",
        "Write one of `A increases with B`, `A decreases with B`, `A is proportional to B`, `A "
        "does not depend on B`, `A is between LOW and HIGH`, `A is at least B`, `A is at most B`, "
        "`A, B and C add up to D` and `A is never missing`. Each may end in `when CONDITION`, a "
        "condition as in formulas. A and the others are metrics, numbers or formulas; what "
        "something moves with is one metric.",
    ),
    Code(
        "TST122",
        "A property of a metric that cannot move the other",
        Severity.ERROR,
        "The sentence could not hold, whatever the numbers are.",
        _TREE + "  - name: more orders, more visits\n    property: visits increases with orders\n",
        _TREE + "  - name: more orders, more rate\n    property: rate increases with orders\n",
        "Name a metric that the other one is made of, and do not hold it at one value with "
        "`given`.",
    ),
    Code(
        "TST128",
        "Rows of a source that the tree does not have",
        Severity.ERROR,
        "No measure would read them.",
        _ROWS_TREE + _ROW.replace("{jobs:", "{job:") + _ONE,
        _ROWS_TREE + _ROW + _ONE,
        "Write the name as it stands under `sources:`.",
    ),
    Code(
        "TST129",
        "Rows with a column that the tree does not use",
        Severity.ERROR,
        "It is a typing error most of the time, and the column that is meant would be empty.",
        _ROWS_TREE + _ROW.replace("status", "state") + _ONE,
        _ROWS_TREE + _ROW + _ONE,
        "Write the column as measures, `time` and `dimensions` do. Leave out those that no measure "
        "looks at: they show nothing.",
    ),
    Code(
        "TST130",
        "A cell that its column cannot hold",
        Severity.ERROR,
        "The column of a table has one type, and the time column holds days and times. Nothing is "
        "converted, so that the test runs as the data would.",
        _ROWS_TREE + _ROW.replace("2026-01-05", "yesterday") + _ONE,
        _ROWS_TREE + _ROW + _ONE,
        "Write values of one kind: numbers without quotes, days as 2026-01-31, and times in "
        "quotes, as '2026-01-31 10:00' in UTC or '2026-01-31 10:00+02:00'. `null`, or no entry at "
        "all, is a cell without a value.",
    ),
    Code(
        "TST131",
        "A dimension that a source of the test does not have",
        Severity.ERROR,
        "Every source of a run is grouped by the same dimensions.",
        _ROWS_TREE + _ROW + _BY.replace("[country]", "[region]").replace("{country", "{region"),
        _ROWS_TREE + _ROW + _BY,
        "Name one of the source's `dimensions`, or list the column there.",
    ),
    Code(
        "TST132",
        "An expected row that does not say which one it is",
        Severity.ERROR,
        "A row is found by the first day of its period and by its dimensions.",
        _ROWS_TREE + _ROW + _WEEKLY.replace("week: 2026-01-05, ", ""),
        _ROWS_TREE + _ROW + _WEEKLY,
        "Add the first day of the period under the name of the grain, such as `week: 2026-01-05`, "
        "and each dimension of `by`, `null` for the rows that have none.",
    ),
    Code(
        "TST133",
        "An expected row with an unknown name",
        Severity.ERROR,
        "It would check nothing.",
        _ROWS_TREE + _ROW + _WEEKLY.replace("jobs: 1", "job: 1"),
        _ROWS_TREE + _ROW + _WEEKLY,
        "Name the grain, the dimensions of `by`, and ids of metrics.",
    ),
    Code(
        "TST134",
        "An expected row that stands twice",
        Severity.ERROR,
        "Each period has one row for each group.",
        _ROWS_TREE + _ROW + _WEEKLY.replace("1}]", "1}, {week: 2026-01-05, jobs: 2}]"),
        _ROWS_TREE + _ROW + _WEEKLY,
        "Keep one of them, with all metrics that it checks.",
    ),
    Code(
        "TST135",
        "A period that does not begin on that day",
        Severity.ERROR,
        "A period is named by its first day, as in results of runs. The tree's `week_start` and "
        "`fiscal_year_start` say which day that is.",
        _ROWS_TREE + _ROW + _WEEKLY.replace("week: 2026-01-05", "week: 2026-01-07"),
        _ROWS_TREE + _ROW + _WEEKLY,
        "Write the first day, such as `week: 2026-01-05` or `month: 2026-01-01`.",
    ),
    Code(
        "TST136",
        "An expected value that is no number",
        Severity.ERROR,
        "Metrics are numbers. Nothing can be equal to no value at all, so that is written as a "
        "word.",
        _ROWS_TREE + _ROW + _WEEKLY.replace("jobs: 1", "jobs: one"),
        _ROWS_TREE + _ROW + _WEEKLY,
        "Write a number, or `missing` where there is no value.",
    ),
    Code(
        "TST137",
        "Expected rows that check nothing",
        Severity.ERROR,
        "They would show that rows come out, and no value of them.",
        _ROWS_TREE + _ROW + _WEEKLY.replace(", jobs: 1", ""),
        _ROWS_TREE + _ROW + _WEEKLY,
        "Add metrics with the values that they should have.",
    ),
    Code(
        "TST138",
        "A list of values beside rows",
        Severity.ERROR,
        "A list has one value for each period, and the periods of a run follow from its rows.",
        _ROWS_TREE + _ROW + "    expect: {jobs: [1, 0]}\n",
        _ROWS_TREE + _ROW + _WEEKLY,
        "Expect values of periods with `grain` and `expect_rows`. What is given beside rows is one "
        "number for every period.",
    ),
    Code(
        "TST139",
        "A source that a test needs and that has no rows in it",
        Severity.ERROR,
        "Files and tables that the tree names are never opened in a test.",
        _ROWS_TREE + _ROW + "    expect: {rate: 0.5}\n",
        _ROWS_TREE + "    given: {visits: 2}\n" + _ROW + "    expect: {rate: 0.5}\n",
        "Add rows of that source, or give the metrics that are measured from it below `given:`.",
    ),
    Code(
        "TST151",
        "A test that does not pass before anything is changed",
        Severity.ERROR,
        "Mutants are judged by tests that pass for the tree as it is: one that fails already would "
        "seem to notice every change.",
        "from metrictree.testing.mutation import mutate\n" + _MUTATED % 4,
        "from metrictree.testing.mutation import mutate\n" + _MUTATED % 2,
        "Run `metrictree test` and repair the test or the formula, or skip the test with a reason.",
        shown_by="python",
    ),
)
