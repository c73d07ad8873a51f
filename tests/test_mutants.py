"""What is changed in a definition, what is the same by algebra, and which values tell it apart."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings, strategies as st

from metrictree import MetricTree
from metrictree.engines.scalar import evaluate
from metrictree.formula import FUNCTIONS, Formula, Mode, parse, read
from metrictree.formula.meaning import ARITHMETIC, apply
from metrictree.testing.mutation.canonical import canonical
from metrictree.testing.mutation.changes import changes
from metrictree.testing.mutation.code import (
    Code,
    Parts,
    Token,
    code_of,
    formula_of,
    text_of,
    without_text,
)
from metrictree.testing.mutation.mutants import mutants_of, tree_with
from metrictree.testing.mutation.samples import same, tell_apart
from tests.strategies import NAMES, formulas, text_of as drawn_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNWRITTEN = {"FML114", "FML116"}
"""Formulas that nobody can write: `5 % -x` looks like a percent, `null == x` is always missing."""
METRICS = MetricTree(north_star="a", metrics=dict.fromkeys(NAMES)).metrics

# --- what is changed

KINDS = {
    "a + b": [
        ("operator", "`+` becomes `-`", "a - b"),
        ("dropped", "`a +` is dropped", "b"),
        ("dropped", "`+ b` is dropped", "a"),
    ],
    "a - b": [
        ("operator", "`-` becomes `+`", "a + b"),
        ("operands", "`a - b` becomes `b - a`", "b - a"),
        ("dropped", "`a` is dropped", "-b"),
        ("dropped", "`- b` is dropped", "a"),
    ],
    "a / b": [
        ("operator", "`/` becomes `*`", "a * b"),
        ("operands", "`a / b` becomes `b / a`", "b / a"),
        ("dropped", "`/ b` is dropped", "a"),
    ],
    "a % b": [
        ("operator", "`%` becomes `/`", "a / b"),
        ("operands", "`a % b` becomes `b % a`", "b % a"),
        ("dropped", "`% b` is dropped", "a"),
    ],
    "a ** b": [
        ("operator", "`**` becomes `*`", "a * b"),
        ("operands", "`a ** b` becomes `b ** a`", "b ** a"),
        ("dropped", "`** b` is dropped", "a"),
    ],
    "pow(a, b)": [("operands", "`pow(a, b)` becomes `pow(b, a)`", "pow(b, a)")],
    "a * 100": [
        ("constant", "`100` becomes `110`", "a * 110"),
        ("operator", "`*` becomes `/`", "a / 100"),
    ],
    "a * 0.5": [
        ("constant", "`0.5` becomes `0.55`", "a * 0.55"),
        ("operator", "`*` becomes `/`", "a / 0.5"),
    ],
    "a + 1": [
        ("constant", "`1` becomes `2`", "a + 2"),
        ("operator", "`+` becomes `-`", "a - 1"),
    ],
    "-a": [("dropped", "`-` is dropped", "a")],
    "abs(a)": [("dropped", "`abs` is dropped around `a`", "a")],
    "floor(a)": [
        ("function", "`floor` becomes `ceil`", "ceil(a)"),
        ("dropped", "`floor` is dropped around `a`", "a"),
    ],
    "round(a, 2)": [
        ("constant", "`2` becomes `3`", "round(a, 3)"),
        ("dropped", "`round` is dropped around `a`", "a"),
    ],
    "min(a, b)": [
        ("function", "`min` becomes `max`", "max(a, b)"),
        ("dropped", "`a` is dropped from `min`", "b"),
        ("dropped", "`b` is dropped from `min`", "a"),
    ],
    "mean(a, b, c)": [
        ("function", "`mean` becomes `sum`", "sum(a, b, c)"),
        ("dropped", "`a` is dropped from `mean`", "mean(b, c)"),
        ("dropped", "`b` is dropped from `mean`", "mean(a, c)"),
        ("dropped", "`c` is dropped from `mean`", "mean(a, b)"),
    ],
    "clip(a, b, c)": [
        ("dropped", "`b` is dropped from `clip`", "min(a, c)"),
        ("dropped", "`c` is dropped from `clip`", "max(a, b)"),
    ],
    "safe_div(a, b, c)": [
        ("operands", "`safe_div(a, b, c)` becomes `safe_div(b, a, c)`", "safe_div(b, a, c)"),
        ("dropped", "`c` is dropped from `safe_div`", "a / b"),
    ],
    "coalesce(a, b)": [
        ("dropped", "`a` is dropped from `coalesce`", "b"),
        ("dropped", "`b` is dropped from `coalesce`", "a"),
    ],
    "lag(a)": [
        ("dropped", "`lag` is dropped around `a`", "a"),
        ("periods", "`lag(a)` becomes `lag(a, 2)`", "lag(a, 2)"),
    ],
    "rolling_sum(a, 4)": [
        ("function", "`rolling_sum` becomes `rolling_mean`", "rolling_mean(a, 4)"),
        ("dropped", "`rolling_sum` is dropped around `a`", "a"),
        ("periods", "`rolling_sum(a, 4)` becomes `rolling_sum(a, 5)`", "rolling_sum(a, 5)"),
        ("periods", "`rolling_sum(a, 4)` becomes `rolling_sum(a, 3)`", "rolling_sum(a, 3)"),
    ],
    "rolling_mean(a, 1)": [
        ("function", "`rolling_mean` becomes `rolling_sum`", "rolling_sum(a, 1)"),
        ("function", "`rolling_mean` becomes `rolling_max`", "rolling_max(a, 1)"),
        ("dropped", "`rolling_mean` is dropped around `a`", "a"),
        ("periods", "`rolling_mean(a, 1)` becomes `rolling_mean(a, 2)`", "rolling_mean(a, 2)"),
    ],
    "a if b > 5 else c": [
        ("constant", "`5` becomes `6`", "a if b > 6 else c"),
        ("constant", "`5` becomes `4`", "a if b > 4 else c"),
        ("comparison", "`>` becomes `>=`", "a if b >= 5 else c"),
        ("branches", "`a` and `c` are swapped", "c if b > 5 else a"),
        ("branches", "it is always `a`, whatever the condition", "a"),
        ("branches", "it is always `c`, whatever the condition", "c"),
    ],
    "a if is_missing(b) and c == 0 else b": [
        (
            "condition",
            "`is_missing(b)` becomes `not is_missing(b)`",
            "a if not is_missing(b) and c == 0 else b",
        ),
        ("constant", "`0` becomes `1`", "a if is_missing(b) and c == 1 else b"),
        ("constant", "`0` becomes `-1`", "a if is_missing(b) and c == -1 else b"),
        ("comparison", "`==` becomes `!=`", "a if is_missing(b) and c != 0 else b"),
        ("operator", "`and` becomes `or`", "a if is_missing(b) or c == 0 else b"),
        ("dropped", "`is_missing(b) and` is dropped", "a if c == 0 else b"),
        ("dropped", "`and c == 0` is dropped", "a if is_missing(b) else b"),
        ("branches", "`a` and `b` are swapped", "b if is_missing(b) and c == 0 else a"),
        ("branches", "it is always `a`, whatever the condition", "a"),
        ("branches", "it is always `b`, whatever the condition", "b"),
    ],
}


@pytest.mark.parametrize("text", KINDS)
def test_a_formula_has_these_changes_and_no_others(text: str) -> None:
    found = [(one.kind, one.words, text_of(one.code)) for one in changes(parse(text))]
    assert found == KINDS[text]


MEASURES = {
    ("sum(a)", Mode.AGGREGATE): ["mean(a)", "count()"],
    ("mean(a)", Mode.AGGREGATE): ["sum(a)", "median(a)"],
    ("min(a)", Mode.AGGREGATE): ["max(a)"],
    ("median(a)", Mode.AGGREGATE): ["mean(a)"],
    ("count()", Mode.AGGREGATE): [],
    ("count(a)", Mode.AGGREGATE): ["count_distinct(a)", "count()"],
    ("count_distinct(a)", Mode.AGGREGATE): ["count(a)"],
    ("quantile(a, 0.95)", Mode.AGGREGATE): ["quantile(a, 0.855)", "median(a)"],
    ("std(a)", Mode.AGGREGATE): ["mean(a)"],
    ("max(a - b)", Mode.AGGREGATE): ["max(a + b)", "max(b - a)", "max(-b)", "max(a)", "min(a - b)"],
    ("status == 'paid'", Mode.WHERE): ["status != 'paid'"],
    ("status in ('paid', 'free')", Mode.WHERE): [
        "status not in ('paid', 'free')",
        "status in ('free')",
        "status in ('paid')",
    ],
    ("not test == 1 and amount >= 10", Mode.WHERE): [
        "not test == 2 and amount >= 10",
        "not test == 0 and amount >= 10",
        "not test != 1 and amount >= 10",
        "test == 1 and amount >= 10",
        "not test == 1 and amount >= 11",
        "not test == 1 and amount >= 9",
        "not test == 1 and amount > 10",
        "not test == 1 and amount < 10",
        "not test == 1 or amount >= 10",
        "amount >= 10",
        "not test == 1",
    ],
}


@pytest.mark.parametrize(("text", "mode"), MEASURES)
def test_a_measure_has_these_changes_and_no_others(text: str, mode: Mode) -> None:
    found = [text_of(one.code) for one in changes(parse(text, mode), mode)]
    assert found == MEASURES[text, mode]


def mutants(metrics: Mapping[str, Any], of: str) -> list[str]:
    return [
        one.after for one in mutants_of(MetricTree(north_star=of, metrics=metrics).resolved, of)
    ]


def test_a_measure_becomes_one_of_another_column_and_a_count_one_of_what_differs() -> None:
    sources = {"jobs": {"path": "jobs.csv"}}
    bodies = {
        "km": "sum(km)",
        "price": "sum(price)",
        "jobs": "count()",
        "people": "count_distinct(person)",
    }
    metrics = {
        name: {"measure": {"source": "jobs", "aggregate": aggregate}}
        for name, aggregate in bodies.items()
    }

    def after(of: str, leave_out: str = "") -> list[str]:
        kept = {name: body for name, body in metrics.items() if name != leave_out}
        tree = MetricTree(north_star=of, metrics=kept, sources=sources).resolved
        return [one.after for one in mutants_of(tree, of)]

    assert after("km") == ["mean(km)", "count()", "sum(price)"]
    assert after("jobs") == ["count_distinct(person)"]
    assert after("jobs", leave_out="people") == ["count(km)"]
    assert after("people") == ["count(person)"]


def test_a_reference_becomes_its_sibling_with_the_same_unit() -> None:
    metrics = {
        "rate": "orders / visits",
        "orders": {"unit": "order"},
        "visits": {"unit": "visit"},
        "all_orders": "orders + gifts",
        "gifts": {"unit": "order"},
    }
    assert "gifts / visits" in mutants(metrics, "rate")
    assert "orders / orders" in mutants(metrics, "rate")  # visits have no other sibling


def test_no_reference_becomes_one_that_forms_a_cycle() -> None:
    metrics = {
        "top": "base + extra",
        "base": "x * 2",
        "extra": "base + y",
        "x": None,
        "y": None,
    }
    assert "extra + y" not in mutants(metrics, "extra")
    assert not any("extra" in one for one in mutants(metrics, "base"))
    for metric in ("top", "base", "extra"):
        tree = MetricTree(north_star="top", metrics=metrics).resolved
        for mutant in mutants_of(tree, metric):
            assert not tree_with(tree, mutant).graph.cycles


def test_a_mutant_tells_where_it_is_changed() -> None:
    tree = MetricTree(
        north_star="rate", metrics={"rate": "(a + b)/c", "a": None, "b": None, "c": 1}
    )
    (mutant,) = [one for one in mutants_of(tree.resolved, "rate") if one.after == "(a + b) * c"]
    assert mutant.span is not None
    assert (mutant.span.column, mutant.span.end_column) == (8, 9)
    assert (str(mutant), mutant.before) == ("rate: `/` becomes `*`", "(a + b)/c")


def test_a_metric_without_a_definition_has_no_mutants() -> None:
    assert mutants({"visits": None}, "visits") == []
    assert mutants({"seats": 40}, "seats") == []


@given(formulas)
@settings(max_examples=60)
def test_every_change_is_a_formula_and_marks_a_part_of_the_text(drawn: Any) -> None:
    formula = parse(drawn_text(drawn))
    for change in changes(formula):
        spelled, faults = read(text_of(change.code))
        if spelled is None:  # such as `5 % -x`: no mutant, for nobody can write it
            assert {fault.code for fault in faults} <= UNWRITTEN
            continue
        made = formula_of(change.code)
        assert code_of(made) == change.code or str(made) == text_of(change.code)
        assert 0 <= change.start < change.end <= len(formula.text)


@given(formulas)
@settings(max_examples=60)
def test_the_code_of_a_formula_is_the_formula(drawn: Any) -> None:
    formula = parse(drawn_text(drawn))
    assert text_of(code_of(formula)) == str(formula)
    parts = Parts(formula)
    assert parts.with_other(len(formula.nodes) - 1, parts.code) == parts.code


# --- what is the same by algebra

SAME = [
    ("a + b", "b + a"),
    ("a - -b", "b + a"),
    ("a * 1 + 0", "a"),
    ("a * (b + c)", "c * a + b * a"),
    ("a / 2", "0.5 * a"),
    ("a / b / c", "a / (c * b)"),
    ("(a + b) / (2 * c + 2 * orders)", "0.5 * (b + a) / (orders + c)"),
    ("a ** 2", "a * a"),
    ("sqrt(a)", "a ** 0.5"),
    ("mean(a, b)", "(a + b) / 2"),
    ("max(a, max(0, b))", "max(b, a, 0, 0)"),
    ("clip(a, 0, 1)", "min(1, max(a, 0))"),
    ("abs(a - b)", "abs(b - a)"),
    ("coalesce(a, coalesce(b, 0), c)", "coalesce(a, b, 0)"),
    ("a if b > c else orders", "a if c < b else orders"),
    ("a if not b > c else orders", "a if b <= c else orders"),
    ("a if not (b > 0 and c > 0) else 1", "a if c <= 0 or b <= 0 else 1"),
    ("a if b == c else a", "a"),
    ("growth(a)", "a / lag(a) - 1"),
    ("change(a, 3)", "a - lag(a, 3)"),
    ("lag(lag(a), 2)", "lag(a, 3)"),
    ("rolling_mean(a, 4)", "rolling_sum(a, 4) / 4"),
    ("rolling_max(a, 1)", "a"),
    ("null + a", "null"),
    ("a / (b - b)", "null"),
]
OTHER = [
    ("a - b", "b - a"),
    ("a - a", "b - b"),  # each one is missing without its own input
    ("a * 0", "0"),
    ("a * b / b", "a"),  # missing where b is zero
    ("a if b > c else orders", "orders if b <= c else a"),  # where b is missing
    ("coalesce(a, b)", "coalesce(b, a)"),
    ("lag(a, 2)", "lag(a)"),
    ("sqrt(a) ** 2", "a"),
    ("log(a)", "log10(a)"),
    ("a if b < c else 0", "a if b <= c else 0"),
    ("abs(a)", "a"),
    ("a * 1e300 * 1e300", "a"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_these_are_the_same_by_algebra(one: str, other: str) -> None:
    assert canonical(code_of(parse(one))) == canonical(code_of(parse(other)))


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_these_are_not_the_same(one: str, other: str) -> None:
    assert canonical(code_of(parse(one))) != canonical(code_of(parse(other)))


def test_an_aggregate_of_rows_is_not_the_function_of_one_value() -> None:
    one, other = (code_of(parse(text, Mode.AGGREGATE)) for text in ("sum(a)", "mean(a)"))
    assert canonical(one, Mode.AGGREGATE) != canonical(other, Mode.AGGREGATE)


def exact(formula: Formula, given: Mapping[str, Fraction | None]) -> Any:
    """Return the value of a formula without any rounding, as far as there are fractions."""
    values: list[Any] = []
    for op, operands, value, *_ in formula.nodes:
        args = [values[at] for at in operands]
        name = value if op == "call" else op
        if op == "ref":
            made: Any = given[value]
        elif op in ("number", "null"):
            made = None if op == "null" else Fraction(value)
        elif name in ("+", "-", "*", "neg", "abs", "min", "max", "sum", "mean", "sign"):
            made = None if None in args else Fraction(ARITHMETIC[name](*args))
        elif name == "/":
            made = None if None in args or args[1] == 0 else args[0] / args[1]
        elif name == "safe_div":
            made = None if None in args else args[2] if args[1] == 0 else args[0] / args[1]
        elif name == "clip":
            made = None if None in args or args[1] > args[2] else min(max(*args[:2]), args[2])
        elif name in ("**", "pow") and None not in args and args[1] in (1, 2, 3, 4):
            made = args[0] ** int(args[1])
        else:
            numbers = [float(arg) if isinstance(arg, Fraction) else arg for arg in args]
            made = apply(name, args if op in ("if", "compare") else numbers, value)
            if name == "coalesce":
                made = next((arg for arg in args if arg is not None), None)
            made = Fraction(made) if isinstance(made, float) else made
        values.append(made)
    return values[-1]


def tame(code: Code) -> Code:
    """Return a formula with small numbers in place of large ones, so that nothing overflows."""
    return tuple(
        Token("number", 0, float(int(token.value) % 7) / 2) if token.op == "number" else token
        for token in code
    )


def shuffled(formula: Formula) -> Code:
    """Return the formula with the operands of all that has no order turned around."""
    codes: list[Code] = []
    for node in formula.nodes:
        args = [codes[at] for at in node.args]
        name = node.value if node.op == "call" else node.op
        if name in ("+", "*", "and", "or", "min", "max", "sum", "mean"):
            args.reverse()
        if name == "-":
            args = [*args[::-1]]
        made = (*sum(args, ()), Token(node.op, len(args), node.value))
        codes.append((*made, Token("neg", 1, None)) if name == "-" else made)
    return codes[-1]


small = st.one_of(
    st.none(),
    st.integers(-6, 12).map(Fraction),
    st.fractions(-4, 4, max_denominator=8),
)


@given(formulas, st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES, small)), min_size=8))
@settings(max_examples=50, deadline=None)
def test_what_is_the_same_by_algebra_has_the_same_values(
    drawn: Any, points: Sequence[Mapping[str, Fraction | None]]
) -> None:
    bare = without_text(tame(code_of(parse(drawn_text(drawn)))))
    original, faults = read(str(bare))
    if original is None:
        assert {fault.code for fault in faults} <= UNWRITTEN
        return
    text = canonical(code_of(original))
    others = [shuffled(original), *(change.code for change in changes(original))]
    for code in others:
        if canonical(code) != text:
            continue
        other = without_text(code)
        for point in points:
            one, two = exact(original, point), exact(other, point)
            if one is None or two is None:
                assert one is two, f"{original} and {other} at {point}"
            else:
                assert math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-9)


# --- values that tell mutants apart


@pytest.mark.parametrize(
    ("text", "ranges", "mutant"),
    [
        ("max(a, 0)", {"a": [0, None]}, "a"),
        ("max(a, 0)", {"a": [0, None]}, "max(a, -1)"),
        ("abs(a)", {"a": [0, None]}, "a"),
        ("clip(a, 0, 1)", {"a": [0, 1]}, "a"),
        ("a / b", {"b": [1, 1]}, "a * b"),
        ("a / b if b > 0 else null", {}, "a / b if b >= 0 else null"),
        ("a if a > b else b", {}, "a if a >= b else b"),
        ("round(a, 3)", {"a": [5, 5]}, "a"),
        ("min(a, 10)", {"a": [0, 5]}, "a"),
    ],
)
def test_inside_of_the_ranges_no_value_tells_these_apart(
    text: str, ranges: Mapping[str, Any], mutant: str
) -> None:
    metrics = {name: {"range": ranges[name]} if name in ranges else None for name in NAMES}
    tree = MetricTree(north_star="a", metrics=metrics)
    assert tell_apart(parse(text), parse(mutant), tree.metrics) is None


@pytest.mark.parametrize(
    ("text", "mutant", "given", "expect"),
    [
        ("a / b", "a * b", {"a": 8.0, "b": 4.0}, 2.0),
        ("a if b / c >= 1.2 else 0", "a if b / c > 1.2 else 0", None, None),
        ("a if b - 2 * c > 0 else 0", "a if b - 2 * c >= 0 else 0", None, None),
        ("a if a / b > 1000 else 0", "a if a / b > 1100 else 0", None, None),
        ("min(a / b, 0.37)", "min(a / b, 0.407)", None, None),
        ("round(a, 4)", "round(a, 5)", None, None),
        ("coalesce(a, 0)", "a", {"a": None}, 0.0),
        ("abs(a)", "a", {"a": -5.0}, 5.0),
        ("lag(a, 3)", "lag(a, 4)", None, None),
        ("rolling_mean(a, 28)", "rolling_mean(a, 29)", None, None),
        ("cumulative(coalesce(a, 0))", "cumulative(a)", None, None),
    ],
)
def test_a_simple_sample_tells_these_apart(
    text: str, mutant: str, given: Mapping[str, float | None] | None, expect: float | None
) -> None:
    sample = tell_apart(parse(text), parse(mutant), METRICS)
    assert sample is not None
    if given is not None:
        assert sample == (given, expect)


@given(formulas)
@settings(max_examples=25, deadline=None)
def test_a_sample_has_the_value_of_the_original_and_not_of_the_mutant(drawn: Any) -> None:
    original = parse(drawn_text(drawn))
    for change in list(changes(original))[:8]:
        mutant = without_text(change.code)
        sample = tell_apart(original, mutant, METRICS)
        if sample is None:
            continue
        numbers: Any = sample.given
        assert evaluate(original, numbers) == sample.expect
        assert not same(evaluate(mutant, numbers), sample.expect)


numbers_or_missing = st.one_of(
    st.none(), st.integers(-20, 200).map(float), st.floats(-100, 100, allow_nan=False)
)


@given(
    st.sampled_from(
        [
            "max(a, b) - min(a, b)",
            "a / b if b > 0 else c",
            "coalesce(a / b, 0) * c",
            "clip(a / b, 0, 1)",
            "a if a > b else b",
            "abs(a - b) / b",
            "round(a / 12) * 12",
            "a if b >= 10 and c < 5 else -a",
            "a - a % 7",
        ]
    ),
    st.lists(
        st.fixed_dictionaries(dict.fromkeys(NAMES, numbers_or_missing)), min_size=30, max_size=60
    ),
)
@settings(max_examples=20, deadline=None)
def test_what_is_taken_for_equivalent_has_the_same_values_elsewhere(
    text: str, points: Sequence[Mapping[str, float | None]]
) -> None:
    original = parse(text)
    for change in changes(original):
        mutant = without_text(change.code)
        if tell_apart(original, mutant, METRICS) is None:
            for point in points:
                one, other = evaluate(original, point), evaluate(mutant, point)
                assert same(one, other), f"{mutant} at {point}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_of_the_language_is_changed_in_some_way(name: str) -> None:
    function = FUNCTIONS[name]
    args = ["a", "b", "c"][: function.at_least]
    if function.counts is not None and function.at_least > function.counts:
        args[function.counts] = "3"
    call = f"{name}({', '.join(args)})"
    text = f"a if {call} else b" if function.condition else call
    assert [text_of(one.code) for one in changes(parse(text)) if text_of(one.code) != text]
