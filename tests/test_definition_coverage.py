"""What tests touch of definitions: metrics, branches, and rules of the missing-value table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from metrictree import MetricTree
from metrictree.formula import parse
from metrictree.render.coverage import coverage_json, render_coverage
from metrictree.render.style import Style, text_width
from metrictree.testing.collect import collect
from metrictree.testing.coverage import Coverage, coverage_of
from tests.strategies import NAMES, formulas, inputs, text_of

if TYPE_CHECKING:
    from pathlib import Path


def covered(formula: str, *given: dict[str, Any], **metrics: Any) -> Coverage:
    """Return what one test with several lines touches of one formula."""
    metrics = {"x": formula, **dict.fromkeys("abcd"), **metrics}
    tests = [{"name": "x", "cases": [{"given": one} for one in given], "expect": {"x": 1}}]
    tree = MetricTree(north_star="x", metrics=metrics, tests=tests if given else []).resolved
    return coverage_of(tree, collect(tree).cases)


def labels(coverage: Coverage, metric: str = "x") -> dict[str, bool]:
    (found,) = [one for one in coverage.metrics if one.metric == metric]
    return {item.label: item.touched for item in found.items}


ALL = {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0}


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("1", []),
        ("a * 2", ["an operand is missing"]),
        ("a / b", ["an operand is missing", "`b` is zero"]),
        ("a / 2 % 3", ["an operand is missing"]),
        ("a / 0", ["an operand is missing", "`0` is zero"]),
        ("a / fee", ["an operand is missing"]),
        ("fee * 2", []),
        ("a % (b - c)", ["an operand is missing", "`(b - c)` is zero"]),
        ("a ** 2", ["an operand is missing"]),
        ("a ** 0.5", ["an operand is missing", "`a` is negative in `a ** 0.5`"]),
        ("a ** -1", ["an operand is missing", "`a` is zero in `a ** -1`"]),
        ("2 ** a", ["an operand is missing"]),
        ("sqrt(a)", ["an operand is missing", "`a` is negative"]),
        ("log10(a)", ["an operand is missing", "`a` is zero or negative"]),
        ("round(a, 2) + round(a)", ["an operand is missing"]),
        ("round(2, a)", ["an operand is missing", "`a` is no whole number"]),
        (
            "a if b > 0 else c",
            [
                "an operand is missing",
                "`b > 0` is true",
                "`b > 0` is false",
                "`b > 0` is missing",
            ],
        ),
        (
            "0 if is_missing(a) else a",
            ["an operand is missing", "`is_missing(a)` is true", "`is_missing(a)` is false"],
        ),
        (
            "coalesce(a, b, 0, c)",
            [
                "an operand is missing",
                "`a` is used in `coalesce(a, b, 0, c)`",
                "`b` is used in `coalesce(a, b, 0, c)`",
                "`0` is used in `coalesce(a, b, 0, c)`",
            ],
        ),
        (
            "coalesce(a, b)",
            [
                "an operand is missing",
                "`a` is used in `coalesce(a, b)`",
                "`b` is used in `coalesce(a, b)`",
                "nothing is there in `coalesce(a, b)`",
            ],
        ),
        (
            "max(a, 0)",
            [
                "an operand is missing",
                "`a` is the largest in `max(a, 0)`",
                "`0` is the largest in `max(a, 0)`",
            ],
        ),
        (
            "clip(a, 0, 1)",
            [
                "an operand is missing",
                "`a` is below `0`",
                "`a` is inside of its limits",
                "`a` is above `1`",
            ],
        ),
        (
            "safe_div(a, b, 0)",
            ["an operand is missing", "`b` is not zero", "`b` is zero"],
        ),
        ("abs(a)", ["an operand is missing", "`a` is negative", "`a` is zero or positive"]),
        ("cumulative(a)", ["an operand is missing"]),
        (
            "growth(a, 2)",
            [
                "an operand is missing",
                "there are not enough periods before for `growth(a, 2)`",
                "`growth(a, 2)` has a value",
                "`a` was zero before",
            ],
        ),
        ("rolling_sum(a, 1)", ["an operand is missing", "`rolling_sum(a, 1)` has a value"]),
    ],
)
def test_there_is_an_item_for_each_way_that_a_formula_can_go(formula, expected):
    assert list(labels(covered(formula, fee=3))) == ["it is computed", *expected]


@pytest.mark.parametrize(
    ("formula", "values", "touched"),
    [
        ("a / b", {"b": 0}, ["`b` is zero"]),
        ("a / b", {"a": None, "b": 0}, ["an operand is missing"]),
        ("a ** b", {"a": 0, "b": -1}, ["`a` is zero in `a ** b`"]),
        ("a ** b", {"a": -8, "b": 0.5}, ["`a` is negative in `a ** b`"]),
        ("a ** b", {"a": -8, "b": 2}, []),
        ("sqrt(a)", {"a": -1}, ["`a` is negative"]),
        ("log(a)", {"a": 0}, ["`a` is zero or negative"]),
        ("a if b > 0 else c", {"b": 1}, ["`b > 0` is true"]),
        ("a if b > 0 else c", {"b": 0}, ["`b > 0` is false"]),
        ("a if b > 0 else c", {"b": None}, ["an operand is missing", "`b > 0` is missing"]),
        # A branch that is not taken is not touched, but a guard that is met is.
        ("a if b > 0 else (c if d > 0 else 0)", {"b": 1, "d": 1}, ["`b > 0` is true"]),
        ("a / b if b != 0 else 0", {"b": 0}, ["`b` is zero", "`b != 0` is false"]),
        (
            "a if b > 0 and c > 0 else 0",
            {"b": 0, "c": 1},
            ["only `b > 0` is false in `b > 0 and c > 0`", "`b > 0 and c > 0` is false"],
        ),
        ("a if b > 0 and c > 0 else 0", {"b": 0, "c": 0}, ["`b > 0 and c > 0` is false"]),
        (
            "a if b > 0 or c > 0 else 0",
            {"b": 0, "c": 1},
            ["only `c > 0` is true in `b > 0 or c > 0`", "`b > 0 or c > 0` is true"],
        ),
        ("a if b > 0 or c > 0 else 0", {}, ["`b > 0 or c > 0` is true"]),
        (
            "coalesce(a, b, 0)",
            {"a": None},
            ["an operand is missing", "`b` is used in `coalesce(a, b, 0)`"],
        ),
        (
            "coalesce(a, sqrt(b))",
            {"b": -1},
            ["`b` is negative", "`a` is used in `coalesce(a, sqrt(b))`"],
        ),
        ("min(a, b)", {"a": 0}, ["`a` is the smallest in `min(a, b)`"]),
        ("min(a, b)", {}, []),  # a tie shows nothing
        ("min(a, b)", {"a": None, "b": 0}, ["an operand is missing"]),
        ("clip(a, 0, 2)", {"a": -1}, ["`a` is below `0`"]),
        ("clip(a, 0, 2)", {"a": 2}, ["`a` is inside of its limits"]),
        ("clip(a, 0, 2)", {"a": 3}, ["`a` is above `2`"]),
        ("clip(a, b, c)", {"b": 3}, ["`b` is above `c`"]),
        ("safe_div(a, b, 7)", {"b": 0}, ["`b` is zero"]),
        ("safe_div(a, b, 7)", {}, ["`b` is not zero"]),
        ("sign(a)", {"a": -2}, ["`a` is negative"]),
        ("lag(a)", {"a": [1]}, ["there are not enough periods before for `lag(a)`"]),
        (
            "lag(a)",
            {"a": [1, 2]},
            ["there are not enough periods before for `lag(a)`", "`lag(a)` has a value"],
        ),
        (
            "growth(a)",
            {"a": [0, 2]},
            ["there are not enough periods before for `growth(a)`", "`a` was zero before"],
        ),
        (
            "rolling_max(a, 2)",
            {"a": [1, None, 2]},
            [
                "an operand is missing",
                "there are not enough periods before for `rolling_max(a, 2)`",
            ],
        ),
    ],
)
def test_values_touch_what_they_meet(formula, values, touched):
    found = labels(covered(formula, {**ALL, **values}))
    assert found.pop("it is computed")
    assert [label for label, hit in found.items() if hit] == touched


def test_cases_add_up_and_nothing_is_touched_without_any():
    formula = "a if b > 0 else c"
    assert not any(labels(covered(formula)).values())
    rows = [{**ALL, "b": value} for value in (1, 0, None)]
    coverage = covered(formula, *rows)
    assert all(labels(coverage).values())
    assert (coverage.percent, coverage.total, coverage.touched) == (100.0, 5, 5)
    assert covered(formula, *rows[:1]).percent == 40.0


def test_a_metric_may_be_seen_through_others_only_and_a_given_one_is_not_computed():
    tests = [{"name": "t", "given": {"z": 1}, "expect": {"x": 3}}]
    metrics = {"x": "y + 1", "y": "z * 2", "z": "w * 2", "w": None}
    tree = MetricTree(north_star="x", metrics=metrics, tests=tests).resolved
    coverage = coverage_of(tree, collect(tree).cases)
    found = [(one.metric, one.computed, one.expected) for one in coverage.metrics]
    assert found == [("x", True, True), ("y", True, False), ("z", False, False)]


def test_what_is_skipped_or_broken_touches_nothing():
    tests: list[dict[str, Any]] = [
        {"name": "skipped", "given": {"y": 1}, "expect": {"x": 3}, "skip": "later"},
        {"name": "broken", "given": {}, "expect": {"x": 3}},
    ]
    tree = MetricTree(north_star="x", metrics={"x": "y", "y": None}, tests=tests).resolved
    assert not coverage_of(tree, collect(tree).cases).touched


def test_a_tree_without_definitions_is_covered():
    tree = MetricTree(north_star="x", metrics={"x": None}).resolved
    assert coverage_of(tree, ()).percent == 100.0


def test_the_examples_of_a_property_count():
    metrics = {"x": "a / b if a > 0 else 0", "a": {"range": [-1, 5]}, "b": {"range": [1, 5]}}
    tests = [{"name": "p", "property": "x is at least 0"}]
    tree = MetricTree(north_star="x", metrics=metrics, tests=tests).resolved
    found = labels(coverage_of(tree, collect(tree).cases))
    assert found["`a > 0` is true"]
    assert found["`a > 0` is false"]
    assert not found["`b` is zero"]


def test_what_a_property_moves_counts_too_and_what_it_need_not_look_at_does_not():
    metrics = {
        "x": "1 if a > 3 else 0",
        "a": {"range": [0, 5]},
        "y": {"formula": "b + 1", "role": "health"},
        "b": None,
    }
    tests = [
        {"name": "moved", "property": "x increases with a"},
        {"name": "apart", "property": "y does not depend on a"},
        {"name": "found", "error": "NS101"},
    ]
    tree = MetricTree(north_star="x", metrics=metrics, tests=tests).resolved
    coverage = coverage_of(tree, collect(tree).cases)
    found = labels(coverage)
    assert found["`a > 3` is true"]
    assert found["`a > 3` is false"]
    assert labels(coverage, "y") == {"it is computed": True, "an operand is missing": False}


def test_a_property_over_time_counts_with_its_periods():
    metrics = {"x": "rolling_sum(a, 2)", "a": {"range": [0, 5]}}
    tests = [{"name": "p", "property": "x increases with a"}]
    tree = MetricTree(north_star="x", metrics=metrics, tests=tests).resolved
    assert labels(coverage_of(tree, collect(tree).cases)) == {
        "it is computed": True,
        "an operand is missing": False,
        "there are not enough periods before for `rolling_sum(a, 2)`": True,
        "`rolling_sum(a, 2)` has a value": True,
    }


def test_a_property_that_does_not_hold_computes_all_the_same():
    metrics = {"x": "a / 2", "a": {"range": [-1, 5]}}
    tests = [{"name": "p", "property": "x is at least 0"}]
    tree = MetricTree(north_star="x", metrics=metrics, tests=tests).resolved
    found = labels(coverage_of(tree, collect(tree).cases))
    assert found == {"it is computed": True, "an operand is missing": False}


def test_rows_touch_measures_and_the_formulas_over_them():
    tree = MetricTree(
        north_star="x",
        metrics={
            "x": "1 if n > 1 else n / m",
            "n": {"measure": {"source": "jobs", "aggregate": "count()"}},
            "m": {"measure": {"source": "jobs", "aggregate": "max(v)"}},
            "other": {"measure": {"source": "jobs", "aggregate": "min(v)"}, "role": "health"},
        },
        sources={"jobs": {"path": "jobs.csv", "time": "at"}},
        tests=[
            {
                "name": "r",
                "given_rows": {"jobs": [{"at": "2026-01-05", "v": 4}]},
                "expect": {"x": 1},
            },
        ],
    ).resolved
    coverage = coverage_of(tree, collect(tree).cases)
    measured = "it is measured, from `given_rows`"
    assert [labels(coverage, name)[measured] for name in ("n", "m", "other")] == [True, True, False]
    found = labels(coverage)
    assert (found["`n > 1` is true"], found["`n > 1` is false"]) == (False, True)


@settings(max_examples=50, deadline=None)
@given(formulas, inputs)
def test_any_formula_has_items_with_places_inside_of_it(drawn, known):
    text = text_of(drawn)
    metrics = {"x": text, **dict.fromkeys(NAMES)}
    tests = [{"name": "t", "given": known, "expect": {"x": 1}}]
    tree = MetricTree(north_star="x", metrics=metrics, tests=tests).resolved
    (found,) = coverage_of(tree, collect(tree).cases).metrics
    assert found.items[0].touched
    named = {name: known[name] for name in parse(text).references}
    missing = [item.touched for item in found.items if item.label == "an operand is missing"]
    assert missing == ([None in named.values()] if named else [])


# --- the report

TREE = """\
north_star: profit
metrics:
  profit: sales - costs
  costs: sales * 0.8 if sales > 0 else 0
  sales: {measure: {source: orders, aggregate: sum(amount)}}
  later: costs / sales
sources: {orders: {path: orders.csv}}
tests:
  - {name: costs, given: {sales: 10}, expect: {costs: 8}}
  - {name: profit, given: {sales: 10}, expect: {profit: 2}}
"""
TABLE = """\
metric  items  missed  touched  not touched by any test (line)
profit      2       1     50 %  an operand is missing (3)
costs       5       3     40 %  an operand is missing (4)
                                `sales > 0` is false (4)
                                `sales > 0` is missing (4)
sales       1       1      0 %  no test gives rows to it (5)
later       3       3      0 %  it is never computed (6)
all        11       8     27 %"""


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Coverage:
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("tree.yml").write_text(TREE, encoding="utf-8")
    tree = MetricTree.load("tree.yml").resolved
    return coverage_of(tree, collect(tree).cases)


def test_the_table_says_for_each_metric_what_is_not_touched(report):
    assert str(report) == render_coverage(report) == TABLE
    assert repr(report) == "Coverage(27.3 %: 3 of 11 items)"


@pytest.mark.parametrize("width", [40, 60, 100])
def test_the_table_fits_a_terminal(report, width):
    lines = render_coverage(report, Style(width=width)).split("\n")
    assert max(map(text_width, lines)) <= width
    assert any("`sales > 0` is missing" in line for line in lines)


def test_a_metric_that_no_test_expects_is_named_even_if_all_of_it_is_touched():
    tests = [{"name": "t", "cases": [{"given": {"z": one}} for one in (1, None)],
              "expect": {"x": 3}}]  # fmt: skip
    metrics = {"x": "y + 1", "y": "z * 2", "z": None}
    tree = MetricTree(north_star="x", metrics=metrics, tests=tests).resolved
    lines = render_coverage(coverage_of(tree, collect(tree).cases)).split("\n")
    assert lines[1].endswith("100 %")
    assert lines[2].endswith("100 %  no test expects a value of it")


def test_metrics_of_several_files_are_told_with_their_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("tree.yml").write_text(
        "north_star: x\ninclude: {team: team.yml}\nmetrics: {x: team.y * 2}\n", encoding="utf-8"
    )
    tmp_path.joinpath("team.yml").write_text("metrics: {y: z * 2, z: }\n", encoding="utf-8")
    text = render_coverage(coverage_of(MetricTree.load("tree.yml").resolved, ()))
    assert "it is never computed (tree.yml:3:14)" in text
    assert "it is never computed (team.yml:1:14)" in text


def test_json_has_every_item(report):
    data = json.loads(coverage_json(report))
    assert (data["percent"], data["items"], data["touched"]) == (27.27, 11, 3)
    costs = data["metrics"][1]
    assert (costs["metric"], costs["computed"], costs["expected"]) == ("costs", True, True)
    assert costs["items"][2] == {
        "label": "`sales > 0` is true",
        "kind": "branch",
        "touched": True,
        "file": "tree.yml",
        "line": 4,
        "column": 10,
    }
