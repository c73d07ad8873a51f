"""What a failed test tells: how far off it is, how it came about, and what would repair it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import assume, example, given, settings, strategies as st

from metrictree import MetricTree
from metrictree.diagnostics import Span
from metrictree.engines.scalar import evaluate
from metrictree.formula import parse
from metrictree.render.outcomes import (
    outcome_summary,
    outcomes_github,
    outcomes_json,
    outcomes_junit,
    render_outcome,
    render_outcomes,
)
from metrictree.render.style import Style, text_width
from metrictree.render.tree import draw_steps
from metrictree.testing.case import Outcome, Status, Step
from metrictree.testing.explain import (
    describe,
    steps_below,
    steps_below_series,
    with_numbers,
)
from metrictree.testing.hints import hint
from metrictree.testing.repair import with_repairs
from metrictree.testing.runner import run_tests
from tests.strategies import NAMES, Drawn, formulas, inputs, text_of, values

if TYPE_CHECKING:
    from pathlib import Path

    from metrictree.resolved import ResolvedTree

TREE = """\
north_star: weekly_jobs_done_well
metrics:
  weekly_jobs_done_well:
    formula: active_customers * jobs_per_customer * done_well_rate
    unit: job/week
  active_customers: { unit: customer }
  jobs_per_customer: { formula: jobs * active_customers, unit: job/customer/week }
  jobs: { unit: job/week }
  done_well_rate: { unit: ratio, range: [0, 1] }
tests:
  - name: jobs per customer
    given: { jobs: 300, active_customers: 200, done_well_rate: 0.9 }
    expect: { weekly_jobs_done_well: 270, jobs_per_customer: 1.5 }
  - name: no customers, no rate
    given: { jobs: 0, active_customers: 0 }
    expect: { jobs_per_customer: missing }
  - name: next year
    given: { jobs: 0 }
    expect: { weekly_jobs_done_well: 1 }
    skip: the rate is not decided
  - name: too little given
    given: { jobs: 3 }
    expect: { jobs_per_customer: 1 }
"""
FAILED = """\
tree.yml:11:11: failed: jobs per customer
jobs_per_customer is 60,000 job/customer/week, expected 1.5 job/customer/week: 59,998.5 more \
(40,000 times as much)
   |
13 |     expect: { weekly_jobs_done_well: 270, jobs_per_customer: 1.5 }
   |                                                              ^^^

   metric                 value  unit               how it came about
   jobs_per_customer     60,000  job/customer/week  = jobs * active_customers (tree.yml:7:33)
   │                                                = 300 * 200
   ├── jobs                 300  job/week           given
   └── active_customers     200  customer           given

   = fix: this test and 1 more pass if `jobs * active_customers` (tree.yml:7:33) is \
`jobs / active_customers`

weekly_jobs_done_well is 10,800,000 job/week, expected 270 job/week: 10,799,730 more \
(40,000 times as much); this follows from jobs_per_customer"""
_A = Drawn("ref", ("a",))
NARROW = """\
tree.yml:14:11: failed: no customers, no rate
jobs_per_customer is 0 job/customer/week,
  expected missing
   |
16 | ...ect: { jobs_per_customer: missing }
   |                              ^^^^^^^

   metric                value
   jobs_per_customer         0
   |   = jobs * active_customers
   |     (tree.yml:7:33)
   |   = 0 * 0
   |-- jobs                  0
   |       given
   `-- active_customers      0
           given"""


@pytest.fixture
def outcomes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Outcome, ...]:
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("tree.yml").write_text(TREE, encoding="utf-8")
    return MetricTree.load("tree.yml").test().outcomes


def tree_of(**metrics: Any) -> ResolvedTree:
    return MetricTree(north_star=next(iter(metrics)), metrics=metrics).resolved


def run_of(metrics: dict[str, Any], *tests: dict[str, Any]) -> tuple[Outcome, ...]:
    named = [{"name": f"test {number}", **test} for number, test in enumerate(tests)]
    tree = MetricTree(north_star=next(iter(metrics)), metrics=metrics, tests=named)
    return tree.test().outcomes


# --- texts


def test_a_failed_test_tells_everything_that_it_takes_to_repair_the_formula(outcomes):
    assert render_outcome(outcomes[0]) == FAILED


def test_a_narrow_terminal_without_box_characters_gets_all_of_it_too(outcomes):
    (failed,) = run_tests(MetricTree.load("tree.yml").resolved)[1:2]
    assert render_outcome(failed, Style(encoding="ascii", width=46)) == NARROW


@pytest.mark.parametrize("width", [46, 60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(outcomes, width):
    lines = render_outcomes(outcomes, 0.5, Style(width=width)).split("\n")
    assert max(map(text_width, lines)) <= width


def test_colours_change_nothing_else(outcomes):
    import re

    colored = render_outcomes(outcomes, 0.5, Style(color=True, width=80))
    assert "\x1b[1;31mfailed:\x1b[0m" in colored
    plain = render_outcomes(outcomes, 0.5, Style(width=80))
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain


def test_what_cannot_run_and_what_is_skipped_is_told_with_the_reason(outcomes):
    text = render_outcomes(outcomes, 0.5)
    assert "tree.yml:21:11: broken: too little given\ntree.yml:23:34: error VAL103:" in text
    assert "tree.yml:17:11: skipped: next year (the rate is not decided)" in text
    assert text.endswith("\n\n2 failed, 1 broken, 1 skipped in 0.50 s")


def test_a_run_without_failures_is_one_line():
    (outcome,) = run_of({"x": "1 * y", "y": None}, {"given": {"y": 2}, "expect": {"x": 2}})
    assert render_outcomes([outcome], 0.014) == "1 passed in 0.01 s"
    assert render_outcome(outcome) == "passed: test 0"
    assert outcome_summary([outcome] * 1200) == "1,200 passed"


def test_a_name_cannot_write_to_the_terminal():
    metrics = {"x": "1 * y", "y": None}
    test = {"name": "red \x1b[31m\u202e", "given": {"y": 2}, "expect": {"x": 3}}
    found = run_of(metrics, test)
    texts = [render_outcomes(found, 0.0), outcomes_junit(found), outcomes_github(found)]
    for text in texts:
        assert "\\x1b[31m\\u202e" in text
        assert text.replace("\n", "").isprintable()


def test_an_example_stands_in_full_lines_to_be_pasted(outcomes):
    from dataclasses import replace

    example = "- name: " + "long " * 30 + "\n  given: {x: 1}\n"
    failure = replace(outcomes[1].failures[0], example=example)
    text = render_outcome(replace(outcomes[1], failures=(failure,)), Style(width=60))
    assert "   = as a test:\n- name: " + "long " * 30 + "\n  given: {x: 1}" in text


@settings(max_examples=50, deadline=None)
@given(formulas, inputs, values)
@example(  # one change of it cannot be spelled
    Drawn("%", (Drawn("+", (Drawn("number", (0.0,)), _A)), Drawn("neg", (_A,)))),
    dict.fromkeys(NAMES),
    0.0,
)
def test_whatever_a_formula_gives_a_failure_can_be_told(drawn, known, wanted):
    metrics = {"x": text_of(drawn), **dict.fromkeys(NAMES)}
    test = {"given": known, "expect": {"x": "missing" if wanted is None else wanted}}
    found = run_of(metrics, test)
    assert found[0].status in (Status.PASSED, Status.FAILED)
    for style in (Style(), Style(encoding="ascii", width=50)):
        text = render_outcomes(found, 0.1, style)
        assert ("how it came about" in text or "= " in text) == bool(found[0].failures)
    assert json.loads(outcomes_json(found))[0]["status"] == found[0].status
    assert outcomes_github(found).count("::error") == len(found[0].failures)
    assert len(ET.fromstring(outcomes_junit(found)).findall(".//failure")) == len(found[0].failures)  # noqa: S314


# --- for programs


def test_json_has_every_fact_of_the_text(outcomes):
    failed, _, skipped, broken = json.loads(outcomes_json(outcomes))
    assert (failed["name"], failed["status"], failed["line"]) == ("jobs per customer", "failed", 11)
    first = failed["failures"][0]
    assert (first["metric"], first["line"], first["column"]) == ("jobs_per_customer", 13, 62)
    assert first["steps"][0] == {
        "metric": "jobs_per_customer",
        "depth": 0,
        "value": 60000.0,
        "unit": "job/customer/week",
        "origin": "computed",
        "formula": "jobs * active_customers",
        "numbers": "300 * 200",
        "why": None,
        "file": "tree.yml",
        "line": 7,
        "column": 33,
    }
    assert "`jobs / active_customers`" in first["fix"]
    assert (skipped["status"], skipped["skip"]) == ("skipped", "the rate is not decided")
    assert broken["problems"][0]["code"] == "VAL103"


def test_junit_counts_and_places_each_test(outcomes):
    suite = ET.fromstring(outcomes_junit(outcomes, 1.5)).find("testsuite")  # noqa: S314 - written here
    assert suite is not None
    counts = [suite.get(key) for key in ("tests", "failures", "errors", "skipped", "time")]
    assert counts == ["4", "2", "1", "1", "1.500"]
    places = [(case.get("file"), case.get("line"), case.get("name")) for case in suite]
    assert places[0] == ("tree.yml", "11", "jobs per customer")
    inner = [[child.tag for child in case] for case in suite]
    assert inner == [["failure"], ["failure"], ["skipped"], ["error"]]
    assert suite[0][0].text == render_outcome(outcomes[0])
    assert suite[2][0].get("message") == "the rate is not decided"


def test_github_shows_each_failure_beside_its_line(outcomes):
    lines = outcomes_github(outcomes).split("\n")
    assert len(lines) == 5
    assert lines[0].startswith("::error file=tree.yml,line=13,endLine=13,col=62,endColumn=65,")
    assert "jobs_per_customer: jobs * active_customers = 300 * 200 (tree.yml:7:33)" in lines[0]
    assert lines[-1] == "2 failed, 1 broken, 1 skipped"


# --- formulas with the numbers put in

THIRD = "0.3333333333333333"


@pytest.mark.parametrize(
    ("formula", "known", "text"),
    [
        ("a * b * c", {"a": 200.0, "b": 1.5, "c": 0.9}, "200 * 1.5 * 0.9"),
        ("a - b", {"a": 1.0, "b": -2.0}, "1 - (-2)"),
        ("a ** 2", {"a": -2.0}, "(-2) ** 2"),
        ("-a", {"a": -2.0}, "--2"),
        ("a / (b + c)", {"a": 1.0, "b": 2.0, "c": None}, "1 / (2 + missing)"),
        ("a if a > b else null", {"a": 1.0, "b": 0.0}, "1 if 1 > 0 else null"),
        ("coalesce(a, b)", {"a": None, "b": 3.0}, "coalesce(missing, 3)"),
        ("a * 3", {"a": 1 / 3}, "0.3333333 * 3"),
        ("a + b", {"a": 0.1 + 0.2, "b": 123456789.123}, "0.3 + 123456789"),
        ("a - b", {"a": 1 / 3, "b": 0.3333333}, f"{THIRD} - 0.3333333"),  # more digits decide
        ("1 if a == b else 0", {"a": 1 / 3, "b": 0.3333333}, f"1 if {THIRD} == 0.3333333 else 0"),
        ("a + 0", {"a": 1e300}, "1e+300 + 0"),
        ("a + 0", {"a": 5e-324}, "5e-324 + 0"),
    ],
)
def test_numbers_stand_in_place_of_names(formula, known, text):
    assert with_numbers(parse(formula), known) == text


@settings(deadline=None)
@given(
    drawn=formulas,
    known=st.fixed_dictionaries(
        dict.fromkeys(
            NAMES,
            st.one_of(
                st.sampled_from([0.0, 1.0, -1.0, 1 / 3, -2.5]),
                st.floats(allow_nan=False, allow_infinity=False),
            ),
        )
    ),
)
def test_a_formula_with_numbers_has_the_value_of_the_formula(drawn, known):
    formula = parse(text_of(drawn))
    value = evaluate(formula, known)
    text = with_numbers(formula, known)
    assume("% -" not in text)  # a percent sign behind a number, as the parser sees it
    found = evaluate(parse(text), {})
    if value is None or found is None:
        assert found is value
    else:
        assert math.isclose(found, value, rel_tol=1e-6)


JOBS = tuple(float(number) for number in range(10))


@pytest.mark.parametrize(
    ("formula", "period", "text"),
    [
        ("lag(jobs)", 3, "lag([2, 3])"),
        ("lag(jobs, 2)", 1, "lag([no period, 0, 1], 2)"),
        ("growth(jobs) * 2", 3, "growth([2, 3]) * 2"),
        ("jobs - change(-jobs, 3)", 4, "4 - change([-1, -2, -3, -4], 3)"),
        ("rolling_mean(jobs, 2)", 4, "rolling_mean([3, 4], 2)"),
        ("rolling_sum(jobs, 8)", 9, "rolling_sum([2, 3, 4, ..., 7, 8, 9], 8)"),
        ("cumulative(jobs)", 2, "cumulative([0, 1, 2])"),
        ("cumulative(rate)", 2, "cumulative([0.5, missing, 0.5])"),
        ("lag(lag(jobs))", 2, "lag([0, 1])"),
    ],
)
def test_functions_over_time_show_the_values_that_they_look_at(formula, period, text):
    tree = tree_of(x=formula, jobs=None, rate=None)
    values = {"jobs": JOBS, "rate": (0.5, None, *[0.5] * 8)}
    from metrictree.engines.series import evaluate_series

    known = {**values, "x": tuple(evaluate_series(tree.formulas["x"], values, 10))}
    step = steps_below_series(tree, "x", known, values, period)[0]
    assert (step.numbers, step.value) == (text, known["x"][period])


def test_a_missing_period_tells_where_it_broke():
    tree = tree_of(x="y + 1", y="lag(z)", z="a / b", a=None, b=None)
    known: dict[str, Any] = {"a": (1.0, 1.0), "b": (0.0, 1.0), "z": (None, 1.0)}
    known |= {"y": (None, None), "x": (None, None)}
    steps = {step.metric: step.why for step in steps_below_series(tree, "x", known, ["a", "b"], 1)}
    assert steps["x"] == "because z is missing 1 period before"
    assert steps["y"] == "because z is missing 1 period before"
    assert steps["z"] is None


# --- steps


def test_a_shared_driver_is_told_once_and_what_is_given_is_not_computed():
    tree = tree_of(top="a + b + a", a="c * 2", b="a - c", c="d", d=None, e=5)
    known = {"top": 14.0, "a": 6.0, "b": 2.0, "c": 3.0}
    steps = steps_below(tree, "top", known, ["c"])
    assert [(step.depth, step.metric, step.origin) for step in steps] == [
        (0, "top", "computed"),
        (1, "a", "computed"),
        (2, "c", "given"),
        (1, "b", "computed"),
        (2, "a", "shown above"),
        (2, "c", "given"),
    ]


def test_steps_tell_constants_and_measures_and_why_a_value_is_missing():
    tree = MetricTree(
        north_star="x",
        metrics={
            "x": "y + fee",
            "y": "n / z",
            "n": {"measure": {"source": "jobs", "aggregate": "count()", "where": "ok == 'y'"}},
            "z": None,
            "fee": {"value": 0},
        },
        sources={"jobs": {"path": "jobs.csv"}},
    ).resolved
    known = {"x": None, "y": None, "n": 3.0, "z": 0.0, "fee": 0.0}
    steps = {step.metric: step for step in steps_below(tree, "x", known, ["z"])}
    assert {name: step.origin for name, step in steps.items()} == {
        "x": "computed",
        "y": "computed",
        "n": "measured",
        "z": "given",
        "fee": "constant",
    }
    assert steps["n"].formula == "count() of jobs where ok == 'y'"
    assert steps["x"].why == "because y is missing"
    assert steps["y"].why == "division by zero (n is 3, z is 0)"


def test_a_value_outside_of_its_declared_range_is_marked():
    tree = tree_of(x="rate * 2", rate={"formula": "a / b", "range": [0, 1]}, a=None, b=None)
    known = {"x": 4.0, "rate": 2.0, "a": 2.0, "b": 1.0}
    steps = steps_below(tree, "x", known, ["a", "b"])
    assert [step.why for step in steps] == [None, "outside of its range [0, 1]", None, None]
    assert "= 2 / 1\n    │             outside of its range [0, 1]\n" in draw_steps(steps)


def test_a_place_of_a_shorthand_formula_is_that_of_its_text():
    tree = MetricTree.from_yaml("north_star: x\nmetrics:\n  x: y * 2\n  y:\n").resolved
    steps = steps_below(tree, "x", {"x": 4.0, "y": 2.0}, ["y"])
    assert [str(step.span) for step in steps] == ["<text>:3:6", "<text>:4:3"]


def made_steps(depths: list[int]) -> list[Step]:
    return [Step(f"m{number}", depth, 1.0, None, "given") for number, depth in enumerate(depths)]


def test_many_steps_are_cut_where_they_are_deepest_and_counted():
    chain = draw_steps(made_steps(list(range(100))))
    assert len(chain.split("\n")) == 1 + 13
    assert "(and 87 more below)" in chain
    wide = draw_steps(made_steps([0, *[1, 2, 2] * 30]))
    assert wide.count("(and 2 more below)") == 30


@given(st.lists(st.integers(1, 4), max_size=30))
def test_branches_lead_from_each_step_to_the_one_above_it(jumps):
    depths = [0]
    for jump in jumps:
        depths.append(max(1, min(depths[-1] + 1, depths[-1] + 3 - jump, 12)))
    lines = draw_steps(made_steps(depths), Style(encoding="ascii")).split("\n")[1:]
    columns = [line.index("m") // 4 for line in lines]
    assert columns == depths
    for row, (line, depth) in enumerate(zip(lines, depths, strict=True)):
        if depth:
            last = next((d for d in depths[row + 1 :] if d <= depth), 0) < depth
            assert line[4 * (depth - 1)] == ("`" if last else "|")


# --- sentences


PRICE = "price is 1,234.5 USD/order, expected 1 USD/order: 1,233.5 more (1,234.5 times as much)"
PAST = "plain is 1e+308, expected -1e+308: the difference is past float64"
UNITS = {
    "jobs": {"unit": "job/week"},
    "share": {"unit": "%"},
    "rate": {"unit": "ratio"},
    "wait": {"unit": "hour", "display": "duration"},
    "price": {"unit": "USD/order"},
    "plain": None,
}


@pytest.mark.parametrize(
    ("metric", "actual", "expected", "text"),
    [
        ("jobs", 270.0, 300.0, "jobs is 270 job/week, expected 300 job/week: 30 less (-10 %)"),
        ("share", 0.85, 0.9, "share is 0.85 (85 %), expected 0.9 (90 %): 0.05 less (-5.56 %)"),
        ("rate", 0.9, 0.99999, "rate is 0.9, expected 0.99999: 0.09999 less (-10 %)"),
        ("wait", 2.5, 3.0, "wait is 2.5 (2 h 30 min), expected 3 (3 h): 0.5 less (-16.7 %)"),
        ("price", 1234.5, 1.0, PRICE),
        ("plain", 1 / 3, 0.25, "plain is 0.333333, expected 0.25: 0.08333333 more (+33.3 %)"),
        ("plain", 300.0000001, 300.0, "plain is 300.0000001, expected 300: 1e-07 more"),
        ("plain", 1e-13, 0.0, "plain is 1e-13, expected 0: 1e-13 more"),
        ("plain", -3.0, 3.0, "plain is -3, expected 3: 6 less (-200 %)"),
        ("plain", 3.0, -1.0, "plain is 3, expected -1: 4 more (+400 %)"),
        ("plain", 0.0, 5.0, "plain is 0, expected 5: 5 less (-100 %)"),
        ("plain", 1e308, -1e308, PAST),
        ("plain", 3.0, None, "plain is 3, expected missing"),
        ("jobs", None, 3.0, "jobs is missing (division by zero), expected 3 job/week"),
    ],
)  # fmt: skip
def test_a_sentence_says_how_far_off_a_value_is(metric, actual, expected, text):
    tree = tree_of(**UNITS)
    assert describe(tree, metric, actual, expected, why="division by zero") == text


def test_a_period_is_counted_from_one():
    assert describe(tree_of(x=None), "x", 1.0, 2.0, period=2).startswith("x in period 3 is 1, ")


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite, finite)
@example(1 / 3, 0.3333333333333333 + 5.6e-17)
@example(12345678.123456, 12345678.123455)
@example(1e10, 1e10 + 0.1)
def test_two_numbers_that_differ_look_different(actual, expected):
    assume(actual != expected)
    text = describe(tree_of(x=None), "x", actual, expected)
    told, _, rest = text.removeprefix("x is ").partition(", expected ")
    assert told != rest.partition(": ")[0]
    shown = [float(number.replace(",", "")) for number in (told, rest.partition(": ")[0])]
    assert (shown[0] < shown[1]) == (actual < expected)


@pytest.mark.parametrize(
    ("formula", "actual", "expected", "words"),
    [
        ("a / b", 4.0, 0.25, "are the operands of `/` swapped?"),
        ("a * b", 4.0, 0.25, None),
        ("a / b", 25.0, 0.25, "the value is 100 times what is expected: a percent is a ratio"),
        ("a / b", 0.25, 25.0, "what is expected is 100 times the value: a percent is a ratio"),
        ("a - b", -3.0, 3.0, "are the operands of `-` swapped?"),
        ("a * b", -3.0, 3.0, "is a sign wrong?"),
        ("a * b * 7", 70.0, 10.0, "there are 7 days in a week"),
        ("a * b / 52", 10.0, 520.0, "there are 52 weeks in a year"),
        ("a * b", 70.0, 10.0, None),
        ("a * b", 5.0, 5000.0, "kUSD"),
        ("a * b", 5.0, 5.1, None),
        ("a / b", 1 / 3, 0.33, "`tolerance: {absolute: 0.005}` allows that"),
        ("a / b", 1 / 3, 0.333, "`tolerance: {absolute: 0.0005}` allows that"),
        ("a / b", 1 / 3, 0.34, None),
        ("a / b", 0.06, 0.1, None),
        ("a * b", 0.0, 5.0, None),
        ("a * b", 5.0, 0.0, None),
        ("coalesce(a, 0) + b", 5.0, None, None),
        ("a * b", 5.0, None, None),
    ],
)
def test_a_telling_ratio_gives_a_hint(formula, actual, expected, words):
    tree = tree_of(x=formula, a=None, b=None)
    steps = steps_below(tree, "x", {"x": actual, "a": 1.0, "b": 1.0}, ["a", "b"])
    found = hint(tree, steps, actual, expected)
    assert (found is None) if words is None else (words in str(found))


@pytest.mark.parametrize(
    ("formula", "known", "words"),
    [
        ("a / b", {"a": 1.0, "b": 0.0}, "write `safe_div(a, b, 1)` for `a / b`"),
        ("a / b + 1", {"a": 1.0, "b": 0.0}, "write `safe_div(a, b, otherwise)` for `a / b`"),
        ("sqrt(a) + b", {"a": -1.0, "b": 0.0}, "with `clip` or `if`"),
        ("a + b", {"a": None, "b": 0.0}, "write `coalesce(a, 0)` for `a`"),
    ],
)
def test_a_missing_value_that_shall_be_there_tells_how_to_write_that(formula, known, words):
    tree = tree_of(x=formula, a=None, b=None)
    steps = steps_below(tree, "x", {"x": None, **known}, ["a", "b"])
    assert words in str(hint(tree, steps, None, 1.0))


# --- repairs


@pytest.mark.parametrize(
    ("wrong", "right", "inputs"),
    [
        ("a * b", "a / b", [{"a": 6, "b": 3}, {"a": 1, "b": 0}]),
        ("b / a", "a / b", [{"a": 6, "b": 3}, {"a": 1, "b": 4}]),
        ("b - a", "a - b", [{"a": 6, "b": 3}]),
        ("a + b + c", "a + b - c", [{"a": 6, "b": 3, "c": 2}]),
        ("max(a, b)", "min(a, b)", [{"a": 6, "b": 3}]),
        ("a if b > 0 else c", "c if b > 0 else a", [{"a": 1, "b": n, "c": 2} for n in (1, -1)]),
        ("a if b > 1 else c", "a if b >= 1 else c", [{"a": 1, "b": n, "c": 2} for n in (1, 0)]),
        ("a if b > 1 else c", "a if b >= 1 else c", [{"a": 1, "b": 1, "c": 2}]),
        ("a * b * c", "a * b", [{"a": 6, "b": 3, "c": 7}]),
        ("rolling_sum(a, 3)", "rolling_sum(a, 2)", [{"a": [1, 2, 3, 5]}]),
        ("lag(a)", "lag(a, 2)", [{"a": [1, 2, 3, 5]}]),
        ("a * 7", "a * 8", [{"a": 3}]),
    ],
)  # fmt: skip
def test_one_small_mistake_is_named_with_its_repair(wrong, right, inputs):
    from metrictree.testing.evaluation import Evaluation, SeriesEvaluation

    names = ["a", "b", "c"]
    sound = tree_of(top="x + 0", x=right, **dict.fromkeys(names))
    tests = []
    for row in inputs:
        values = {name: tuple(map(float, v)) if isinstance(v, list) else float(v)
                  for name, v in row.items()}  # fmt: skip
        periods = [len(value) for value in values.values() if isinstance(value, tuple)]
        evaluation = (
            SeriesEvaluation(sound, values, periods[0]) if periods else Evaluation(sound, values)
        )
        found = evaluation.value("top")
        wanted: Any = "missing" if found is None else found
        if isinstance(found, tuple):
            wanted = ["missing" if one is None else one for one in found]
        tests.append({"given": row, "expect": {"top": wanted}})
    failed = [
        outcome
        for outcome in run_of({"top": "x + 0", "x": wrong, **dict.fromkeys(names)}, *tests)
        if outcome.status is Status.FAILED
    ]
    assert failed
    for outcome in failed:
        fix = str(outcome.failures[0].fix)
        assert f" if `{wrong}` of x is `{right}`" in fix


def test_a_repair_is_none_if_another_test_fails_with_it():
    metrics = {"x": "a * b", "a": None, "b": None}
    wrong = {"given": {"a": 6, "b": 3}, "expect": {"x": 2}}
    sound = {"given": {"a": 6, "b": 2}, "expect": {"x": 12}}
    (alone,) = run_of(metrics, wrong)
    assert "is `a / b`" in str(alone.failures[0].fix)
    outcome, passed = run_of(metrics, wrong, sound)
    assert passed.status is Status.PASSED
    assert outcome.failures[0].fix is None


def test_several_repairs_that_do_as_well_are_told_as_one_of_them():
    (outcome,) = run_of(
        {"x": "a - b - c", "a": None, "b": None, "c": None},
        {"given": {"a": 6, "b": 2, "c": 2}, "expect": {"x": 6}},
    )
    assert "this test passes, for one, if `a - b - c` of x is" in str(outcome.failures[0].fix)


def test_formulas_that_the_test_does_not_compute_are_left_alone():
    (outcome,) = run_of(
        {"x": "y * 2", "y": "a * b", "a": None, "b": None},
        {"given": {"y": 5}, "expect": {"x": 1.25}},
    )
    assert outcome.failures[0].fix is None


def test_a_repair_is_looked_for_in_the_first_failures_only():
    metrics = {"x": "a * b", "a": None, "b": None}
    tests = [{"given": {"a": n, "b": 2}, "expect": {"x": n / 2}} for n in range(1, 15)]
    fixes = [outcome.failures[0].fix for outcome in run_of(metrics, *tests)]
    assert fixes[:10] == ["this test and 13 more pass if `a * b` of x is `a / b`"] * 10
    assert fixes[10:] == [None] * 4


@pytest.mark.parametrize(("periods", "found"), [(4, True), (40_000, False)])
def test_no_repair_is_looked_for_in_a_case_of_very_many_values(periods, found):
    (outcome,) = run_of(
        {"x": "a * b", "a": None, "b": None},
        {"given": {"a": [6] * periods, "b": 2}, "expect": {"x": 3}},
    )
    assert ("is `a / b`" in str(outcome.failures[0].fix)) is found


def test_what_did_not_fail_stays_as_it_is(outcomes):
    tree = MetricTree.load("tree.yml").resolved
    assert with_repairs(tree, outcomes[2:]) == outcomes[2:]
    assert isinstance(outcomes[0].failures[0].span, Span)


MONEY = {"unit": "EUR"}


def fix_of(metrics: dict[str, Any], *tests: dict[str, Any]) -> str | None:
    """Return the fix of the first test."""
    first = run_of({"top": "x * 1", **metrics}, *tests)[0]
    return (first.problems or first.failures)[0].fix


@pytest.mark.parametrize(
    ("formula", "unit", "inputs", "expected"),
    [
        ("net / days", "EUR/day", {"net": 100, "days": 5}, 100),  # `net` is in EUR
        ("net / days", None, {"net": 100, "days": 5}, 500),  # another unit than before
        ("net / days", None, {"net": 100, "days": 5}, 100),  # `net` would define nothing
    ],
)
def test_a_repair_that_breaks_units_or_is_another_name_is_none(formula, unit, inputs, expected):
    metrics = {"x": {"formula": formula, "unit": unit}, "net": MONEY, "days": {"unit": "day"}}
    fix = fix_of(metrics, {"given": inputs, "expect": {"x": expected}})
    assert fix is None


def test_a_repair_that_removes_a_contradiction_of_units_comes_first():
    metrics = {
        "x": {"formula": "done * all", "unit": "%"},
        "done": {"unit": "job"},
        "all": {"unit": "job"},
    }
    fix = fix_of(metrics, {"given": {"done": 1, "all": 1}, "expect": {"x": 2}})
    assert str(fix).startswith("check x, UNI102: 'x' is declared as %")
    fix = fix_of(metrics, {"given": {"done": 2, "all": 4}, "expect": {"x": 0.5}})
    assert str(fix).endswith("`done * all` of x is `done / all`")


def test_a_test_of_rows_has_a_say_in_which_repair_is_right():
    pytest.importorskip("polars")
    metrics: dict[str, Any] = {
        "x": "a * n",
        "a": None,
        "n": {"measure": {"source": "s", "aggregate": "count()"}},
    }
    failing = {"name": "one", "given": {"a": 6, "n": 3}, "expect": {"x": 2}}
    rows = {"name": "two", "given": {"a": 6}, "given_rows": {"s": [{}, {}]}, "expect": {"x": 12}}
    for tests, found in (([failing], True), ([failing, rows], False)):
        tree = MetricTree(
            north_star="x", metrics=metrics, sources={"s": {"path": "s.csv"}}, tests=tests
        )
        assert (tree.test().outcomes[0].failures[0].fix is not None) is found


def test_a_share_that_is_given_as_a_percentage_is_told_before_all_else():
    metrics = {"x": {"formula": "net * vat", "unit": "EUR"}, "net": MONEY, "vat": {"unit": "%"}}
    fix = fix_of(metrics, {"given": {"net": 100, "vat": 19}, "expect": {"x": 19}})
    assert fix == "vat is in %, and a percent is a ratio here: give 0.19"
    fix = fix_of(metrics, {"given": {"net": 100, "vat": 1.5}, "expect": {"x": 151.5}})
    assert "percent" not in str(fix)


@pytest.mark.parametrize(
    ("formula", "inputs", "expected", "words"),
    [
        ("a / b", {"a": 1, "b": 0}, 0, "write `safe_div(a, b, 0)` for `a / b`"),
        ("a + c / b", {"a": 1, "b": 0, "c": 1}, 1, "write `safe_div(c, b, otherwise)` for `c / b`"),
        ("a + b", {"a": "missing", "b": 5}, 5, "write `coalesce(a, 0)` for `a`"),
        ("a - b if b > 0 else a", {"a": 9, "b": "missing"}, "missing",
         "`b > 0` is missing, so that `if` takes `a` of x: write `null` in that branch, or"),
        ("coalesce(a, 0) + b", {"a": "missing", "b": 5}, "missing",
         "`a` is missing, and `coalesce(a, 0)` gives a value of x: write `a` alone, or expect 5"),
    ],
)  # fmt: skip
def test_what_is_missing_or_not_is_told_where_it_comes_from(formula, inputs, expected, words):
    metrics = {"x": formula, "a": None, "b": None, "c": None}
    assert words in str(fix_of(metrics, {"given": inputs, "expect": {"x": expected}}))


def test_a_factor_in_one_period_alone_is_a_coincidence():
    test = {"given": {"n": [100, 110, 99]}, "expect": {"x": ["missing", 0.1, -0.1]}}
    (outcome,) = run_of({"top": "x * 1", "x": "n - lag(n)", "n": None}, test)
    (failure,) = outcome.failures
    assert failure.fix is None
    assert failure.message.endswith(
        "; in all periods [missing, 10, -11], expected [missing, 0.1, -0.1]"
    )


def test_a_factor_of_time_takes_a_unit_of_time():
    test = {"given": {"a": 300, "b": 400}, "expect": {"x": 100}}
    for unit, found in (("EUR", False), ("EUR/week", True)):
        body = {"unit": unit}
        fix = fix_of({"x": {"formula": "a + b", **body}, "a": body, "b": body}, test)
        assert ("days in a week" in str(fix)) is found


def test_what_follows_from_another_failure_is_one_line():
    metrics = {"x": "y + a", "y": "a * b", "a": None, "b": None}
    test = {"given": {"a": 6, "b": 3}, "expect": {"x": 8, "y": 2}}
    (outcome,) = run_of(metrics, test)
    text = render_outcome(outcome).split("\n")
    assert text[-1] == "x is 24, expected 8: 16 more (+200 %); this follows from y"
    (outcome,) = run_of(metrics, {**test, "expect": {"x": 9, "y": 2}})
    assert [failure.follows for failure in outcome.failures] == [False, False]


def test_what_is_given_for_nothing_asks_whether_the_formula_names_the_right_metrics():
    metrics = {"x": "a / b", "y": "d + 1", "a": None, "b": None, "c": None, "d": None}
    told = "`c` is given and used by nothing: does the formula of x, `a / b`, name the right"
    absent = run_of({"top": "x * y", **metrics}, {"given": {"a": 1, "c": 4}, "expect": {"x": 9}})
    (problem,) = absent[0].problems
    assert problem.message == "'x' needs 'b', which is not given: x = a / b"
    assert str(problem.fix).startswith(told)
    fix = fix_of({"y": "0 * x", **metrics}, {"given": {"a": 1, "c": 4}, "expect": {"x": 0.25}})
    assert fix == "this test passes if `a / b` of x is `a / c`"
    fix = fix_of(metrics, {"given": {"a": 1, "b": 4, "c": 4}, "expect": {"x": 7}})
    assert str(fix).startswith(told)


def test_all_that_is_absent_is_told_at_once():
    test = {"given": {"a": 1}, "expect": {"x": 9, "y": 9}}
    (outcome,) = run_of({"x": "a / b + y", "y": "c + d", **dict.fromkeys("abcd")}, test)
    (problem,) = outcome.problems
    assert problem.message.startswith("'x' needs 'b', 'c' and 'd', which are not given: ")


def test_the_tests_of_a_tree_have_a_say_in_what_a_test_in_python_is_told():
    from metrictree.testing import assert_metric

    sound = {"name": "sound", "given": {"a": 1, "b": 2, "n": 9}, "expect": {"x": 1}}
    for tests, found in (([], True), ([sound], False)):
        tree = MetricTree(
            north_star="x",
            metrics={"x": "a if n > 5 else b", **dict.fromkeys("abn")},
            tests=tests,
        )
        with pytest.raises(AssertionError) as caught:
            assert_metric(tree, "x", given={"a": 10, "b": 9, "n": 7}, expect=9)
        assert ("= fix: this test passes" in str(caught.value)) is found
