"""The scalar engine: the table "one meaning on every engine", against NumPy by hand."""

from __future__ import annotations

import math
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from metrictree import ComputeError, MetricTree, Rule, UsageError, parse_formula
from metrictree.engines.scalar import evaluate, explain
from metrictree.formula import FUNCTIONS, meaning
from tests import strategies


@settings(max_examples=500)
@given(strategies.formulas, strategies.inputs)
def test_the_value_of_a_formula_is_what_numpy_makes_of_it(drawn, known):
    expected = strategies.numpy_value(drawn, known)
    found = evaluate(parse_formula(strategies.text_of(drawn)), known)
    if not strategies.is_steady(drawn, known):
        return
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert math.isfinite(found)
        assert math.isclose(found, expected, rel_tol=1e-12, abs_tol=0) or found == expected
        assert math.copysign(1, found) == 1 or found != 0  # -0 never leaves


@given(strategies.formulas, strategies.inputs)
def test_every_missing_value_has_a_reason_that_names_its_operands(drawn, known):
    formula = parse_formula(strategies.text_of(drawn))
    if evaluate(formula, known) is not None:
        return
    reason = explain("top", formula, known)
    text = str(reason)
    assert reason.metric == "top"
    assert reason.rule in Rule
    assert text.isascii()
    assert text.isprintable()
    if reason.rule is Rule.INPUT_MISSING:
        (name,) = reason.operands
        assert known[name] is None


CASES = [
    # the table, row by row
    ("a + b", {"a": None, "b": 1}, None),
    ("coalesce(a, b)", {"a": None, "b": 1}, 1),
    ("1 if is_missing(a) else 2", {"a": None}, 1),
    ("a if b > 0 else c", {"a": 1, "b": 1, "c": None}, 1),
    ("a / b", {"a": 1, "b": 0}, None),
    ("a / b", {"a": 0, "b": 0}, None),
    ("a / b", {"a": 1, "b": -0.0}, None),
    ("a ** -1", {"a": 0}, None),
    ("a % 0", {"a": 1}, None),
    ("0 ** 0", {}, 1),
    ("sqrt(a)", {"a": -1e-18}, None),
    ("log(a)", {"a": 0}, None),
    ("log10(a)", {"a": -1}, None),
    ("(-8) ** (1/3)", {}, None),
    ("(-8) ** 3", {}, -512),
    ("a * b", {"a": 1e200, "b": 1e200}, None),
    ("a + b", {"a": 1e308, "b": 1e308}, None),
    ("exp(a)", {"a": 1000}, None),
    ("a / b", {"a": 1e308, "b": 1e-10}, None),
    ("2 ** 1024", {}, None),
    ("2 ** 1023", {}, 2.0**1023),
    ("a if b > 0 else c", {"a": 1, "b": None, "c": 3}, 3),
    ("1 if b > 0 and a > 0 else 2", {"a": 0, "b": None}, 2),
    ("1 if b > 0 or a > 0 else 2", {"a": 1, "b": None}, 1),
    ("1 if not b > 0 else 2", {"b": None}, 2),
    ("1 if not (b > 0 and a > 0) else 2", {"a": 0, "b": None}, 1),
    ("1 if 0 < a < b else 2", {"a": -1, "b": None}, 2),
    ("1 if not 0 < a < b else 2", {"a": -1, "b": None}, 1),
    ("min(a, b)", {"a": None, "b": 1}, None),
    ("max(a, b, 7)", {"a": 3, "b": 1}, 7),
    ("sum(a, b, 1)", {"a": 3, "b": None}, None),
    ("mean(a, b, 2)", {"a": 3, "b": 1}, 2),
    ("a % 3", {"a": -7}, 2),
    ("a % -3", {"a": 7}, -2),
    ("a % 0.3", {"a": 1}, 1 % 0.3),
    ("round(a)", {"a": 0.5}, 0),
    ("round(a)", {"a": 1.5}, 2),
    ("round(a)", {"a": -2.5}, -2),
    ("round(2.675, 2)", {}, 2.68),  # 267.5 in float64, half to even
    ("round(2.665, 2)", {}, 2.66),
    ("round(a, 2)", {"a": 1.005}, 1.0),
    ("round(a, -2)", {"a": 1250}, 1200),
    ("round(a, 0.5)", {"a": 1}, None),
    ("round(a, 10 ** 9)", {"a": 5.5}, 5.5),
    ("round(a, -10 ** 9)", {"a": 5.5}, 0),
    ("round(a, 400)", {"a": 1e300}, 1e300),
    ("round(1.7e308, -308)", {}, None),
    ("floor(a)", {"a": -0.5}, -1),
    ("ceil(a)", {"a": -0.5}, 0),
    ("floor(a)", {"a": 1e308}, 1e308),
    ("sign(a)", {"a": -3}, -1),
    ("sign(a)", {"a": -0.0}, 0),
    ("clip(a, 0, 1)", {"a": 7}, 1),
    ("clip(a, 1, 0)", {"a": 7}, None),
    ("safe_div(a, b, 9)", {"a": 1, "b": 0}, 9),
    ("safe_div(a, b, 9)", {"a": 1, "b": 4}, 0.25),
    ("safe_div(a, b, 9)", {"a": None, "b": 0}, None),
    ("coalesce(a, b)", {"a": None, "b": None}, None),
    ("null", {}, None),
    ("pow(a, 2)", {"a": -3}, 9),
    ("-2 ** 2", {}, -4),
    ("abs(a)", {"a": -3}, 3),
    ("0 * -1", {}, 0),
    ("9223372036854775807 + 1", {}, 2.0**63),
]


@pytest.mark.parametrize(("text", "known", "expected"), CASES)
def test_the_table_of_missing_values_is_law(text, known, expected):
    inputs = {name: None if value is None else float(value) for name, value in known.items()}
    found = evaluate(parse_formula(text), inputs)
    assert found == expected
    assert found is None or math.copysign(1, found) == math.copysign(1, expected)


def test_every_function_of_one_period_has_its_meaning_here():
    words = {name for name in meaning.ARITHMETIC if name.isidentifier()} - {"neg"}
    handled = words | {"coalesce", "is_missing"}
    assert handled == {name for name, function in FUNCTIONS.items() if not function.over_time}
    assert meaning.OVER_TIME.keys() == FUNCTIONS.keys() - handled


REASONS = [
    (
        "orders / visits",
        {"orders": 5, "visits": 0},
        Rule.ZERO_DIVISION,
        "(orders is 5, visits is 0)",
    ),
    ("orders / (visits - 3)", {"orders": 5, "visits": 3}, Rule.ZERO_DIVISION, "(visits - 3) is 0"),
    ("sqrt(orders)", {"orders": -1, "visits": 0}, Rule.DOMAIN, "(orders is -1)"),
    ("orders * visits", {"orders": 1e300, "visits": 1e300}, Rule.OVERFLOW, "orders is 1e+300"),
    ("orders + visits", {"orders": None, "visits": 0}, Rule.INPUT_MISSING, "no value was given"),
    ("null", {"orders": 1, "visits": 0}, Rule.NULL, "the formula says null"),
    ("orders if visits > 0 else null", {"orders": 1, "visits": 0}, Rule.NULL, "null"),
    ("coalesce(null, 1 / visits)", {"orders": 1, "visits": 0}, Rule.ZERO_DIVISION, "visits is 0"),
]


@pytest.mark.parametrize(("formula", "inputs", "rule", "words"), REASONS)
def test_a_missing_value_says_why(formula, inputs, rule, words):
    metrics = {"top": "rate * 2", "rate": formula, "orders": None, "visits": None}
    values = MetricTree(north_star="top", metrics=metrics).compute(inputs)
    assert values["top"] is None
    reason = values.why("top")
    assert reason is not None
    assert reason.rule is rule
    assert words in str(reason)
    assert reason.metric == ("orders" if rule is Rule.INPUT_MISSING else "rate")


def test_what_is_there_has_no_reason_and_what_was_not_computed_is_an_error():
    values = MetricTree(north_star="a", metrics={"a": 1}).compute({})
    assert values.why("a") is None
    with pytest.raises(KeyError):
        values.why("b")


TREE = MetricTree(
    north_star="rate",
    metrics={
        "rate": "orders / visits * factor",
        "orders": None,
        "visits": {"range": [0, 1000]},
        "factor": 2,
        "other": {"role": "health"},
        "paid": {"measure": {"source": "s", "aggregate": "count()"}, "role": "health"},
        "trend": {"formula": "growth(orders)", "role": "health"},
    },
    sources={"s": {"path": "s.csv"}},
)


def test_values_come_in_the_order_of_the_document_and_targets_in_their_own():
    values = TREE.compute({"orders": 5, "visits": 20}, ["rate", "visits"])
    assert list(values) == ["rate", "visits"]
    assert values == {"rate": 0.5, "visits": 20}
    assert repr(values) == "Values(rate=0.5, visits=20)"
    assert TREE.compute({"orders": 5, "visits": 20}, "rate").to_dict() == {"rate": 0.5}
    assert pickle.loads(pickle.dumps(values)) == values


def test_missing_values_keep_their_reasons_when_pickled():
    values = TREE.compute({"orders": 5, "visits": 0}, ["rate"])
    assert str(pickle.loads(pickle.dumps(values)).why("rate")) == str(values.why("rate"))
    assert repr(values) == "Values(rate=missing)"


def test_a_constant_may_be_given_another_value():
    assert TREE.compute({"orders": 5, "visits": 20, "factor": 4}, ["rate"])["rate"] == 1


@pytest.mark.parametrize(
    "number", [5, 5.0, Decimal(5), Fraction(5), np.int64(5), np.float32(5), np.float64(5)]
)
def test_all_kinds_of_real_numbers_are_inputs(number):
    assert TREE.compute({"orders": number, "visits": 10}, ["rate"]) == {"rate": 1.0}


@pytest.mark.parametrize(
    ("inputs", "code", "metric", "words"),
    [
        ({"ordrs": 5, "orders": 5, "visits": 1}, "VAL101", "ordrs", "did you mean orders?"),
        ({"rate": 5, "orders": 5, "visits": 1}, "VAL102", "rate", "orders, visits, factor"),
        ({"orders": 5}, "VAL103", "visits", "has no value"),
        ({"orders": "5", "visits": 1}, "VAL104", "orders", "the text '5'"),
        ({"orders": True, "visits": 1}, "VAL104", "orders", "True"),
        ({"orders": 1j, "visits": 1}, "VAL104", "orders", "1j"),
        ({"orders": [1], "visits": 1}, "VAL104", "orders", "a list"),
        ({"orders": np.array(1.0), "visits": 1}, "VAL104", "orders", "array"),
        ({"orders": math.nan, "visits": 1}, "VAL105", "orders", "not finite"),
        ({"orders": math.inf, "visits": 1}, "VAL105", "orders", "not finite"),
        ({"orders": Decimal("NaN"), "visits": 1}, "VAL105", "orders", "not finite"),
        ({"orders": 10**400, "visits": 1}, "VAL105", "orders", "not finite"),
        ({"orders": 2**53 + 1, "visits": 1}, "VAL105", "orders", "last digits"),
        ({"orders": np.int64(2**53 + 1), "visits": 1}, "VAL105", "orders", "last digits"),
        ({"orders": 1, "visits": 1001}, "VAL106", "visits", "[0, 1000]"),
        ({"orders": 1, "visits": -1}, "VAL106", "visits", "[0, 1000]"),
        ({"orders": 1, "visits": 1, "other": "x"}, "VAL104", "other", "text"),
    ],
)
def test_a_wrong_input_is_an_error_that_names_the_metric(inputs, code, metric, words):
    with pytest.raises(ComputeError) as caught:
        TREE.compute(inputs, ["rate"])
    (found,) = caught.value.diagnostics
    assert (found.code, found.metric) == (code, metric)
    assert words in f"{found.message}: {found.fix}"


def test_all_wrong_inputs_are_told_at_once():
    with pytest.raises(ComputeError) as caught:
        TREE.compute({"visits": "x", "nope": 1, "rate": 2}, ["rate"])
    told = [found.code for found in caught.value.diagnostics]
    assert told == ["VAL101", "VAL102", "VAL104", "VAL103"]


def test_unknown_targets_are_refused_with_near_names():
    with pytest.raises(UsageError, match=r"VAL107 .*'rat'.* did you mean rate"):
        TREE.compute({}, ["rat"])


def test_measures_may_be_given_and_are_named_when_absent():
    inputs = {"orders": 5, "visits": 20}
    assert TREE.compute({**inputs, "paid": 3}, ["paid"])["paid"] == 3
    with pytest.raises(ComputeError, match="the measure 'paid' has no value"):
        TREE.compute(inputs, ["paid"])


def test_functions_over_time_are_refused_for_single_numbers():
    with pytest.raises(ComputeError, match=r"VAL108 .*'trend' uses growth\(\)"):
        TREE.compute({"orders": 5}, ["trend"])


def test_strict_turns_a_missing_value_into_an_error_that_says_the_same():
    with pytest.raises(ComputeError) as caught:
        TREE.compute({"orders": 5, "visits": 0}, ["rate"], strict=True)
    (found,) = caught.value.diagnostics
    assert (found.code, found.metric) == ("VAL109", "rate")
    assert "division by zero (orders is 5, visits is 0)" in found.message
    assert TREE.compute({"orders": 5, "visits": 1}, ["rate"], strict=True)["rate"] == 10


def test_exactly_representable_large_integers_are_accepted():
    assert TREE.compute({"orders": 2**60, "visits": 1}, ["rate"])["rate"] == 2.0**61


def test_deep_and_shared_trees_compute():
    chain = {f"m{i}": f"m{i + 1} + 1" for i in range(20_000)} | {"m20000": 0}
    assert MetricTree(north_star="m0", metrics=chain).compute({})["m0"] == 20_000
    shared = {f"d{i}": f"d{i + 1} / 2 + d{i + 1} / 2" for i in range(1_000)} | {"d1000": 1}
    assert MetricTree(north_star="d0", metrics=shared).compute({})["d0"] == 1


def test_many_values_have_a_short_repr():
    metrics = {"a": " + ".join(f"x{i}" for i in range(30)), **{f"x{i}": 1 for i in range(30)}}
    assert repr(MetricTree(north_star="a", metrics=metrics).compute({})).endswith("... 11 more)")
