"""Single numbers the fast way: generated code gives what the reference gives, to the last bit."""

from __future__ import annotations

import io
import math
import re
import tokenize

import pytest
from hypothesis import given, settings, strategies as st

from metrictree import ComputeError, MetricTree, Rule
from metrictree.engines import compile as compiling
from metrictree.engines.compile import compile_plan, source
from metrictree.engines.scalar import evaluate
from metrictree.plan import make_plan
from tests import strategies


def tree_of(metrics):
    return MetricTree(north_star=next(iter(metrics)), metrics=metrics)._tree


def program_values(tree, known, targets=None):
    """Return what generated code makes of the inputs, or ``None`` if it gives up."""
    plan = make_plan(tree, targets)
    row = [known[leaf] for leaf in plan.leaves]
    program = compile_plan(plan, [leaf for leaf in plan.leaves if known[leaf] is None])
    if not program.run(row):
        return None
    values = {metric: row[slot] for metric, slot in program.slots.items()}
    return {metric: value if value is None else value + 0.0 for metric, value in values.items()}


def reference_values(tree, known):
    values = dict(known)
    for metric in make_plan(tree).formulas:
        values[metric] = evaluate(tree.formulas[metric], values)
    return values


def same(found, expected):
    """Whether two values have the same bits, or both are missing."""
    return found == expected and repr(found) == repr(expected)


# --- agreement with the reference

BOUNDS = st.fixed_dictionaries(
    {
        "WHOLE": st.sampled_from([0, 30_000]),
        "CHUNK": st.sampled_from([1, 3, 10]),
        "WINDOW": st.sampled_from([1, 3, 64]),
        "NESTED": st.sampled_from([0, 1, 8]),
        "INLINED": st.sampled_from([0, 20, 120]),
        "TOGETHER": st.sampled_from([1, 16]),
    }
)


@settings(max_examples=150)
@given(strategies.cases(), BOUNDS, st.sets(st.integers(0, 9)))
def test_generated_code_gives_up_or_agrees_with_the_reference(case, bounds, asked):
    targets = [f"m{number}" for number in sorted(asked)] or None
    tree = tree_of(case.metrics)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in bounds.items():
            patch.setattr(compiling, name, value)
        for row in range(case.table.rows):
            known: dict[str, float | None] = {"k": 2.5}
            for leaf in strategies.LEAVES:
                cell = case.table.columns[case.renamed.get(leaf, leaf)][row]
                missing = cell is None or math.isnan(cell)
                known[leaf] = None if missing else float(cell) + 0.0
            found = program_values(tree, known, targets)
            if found is not None:
                expected = reference_values(tree, known)
                assert all(same(value, expected[metric]) for metric, value in found.items())


HUGE = st.sampled_from(
    [0.0, 1.0, -1.0, 2.0, 3.0, 0.5, 710.0, -745.0, 1e154, 1e200, -1e200, 1e308, -1e308, 1e-300]
)


@settings(max_examples=250)
@given(
    st.lists(strategies.formulas, min_size=3, max_size=3),
    st.fixed_dictionaries(dict.fromkeys(strategies.NAMES, HUGE)),
)
def test_a_result_past_float64_never_becomes_a_wrong_number(drawn, known):
    first, second, third = map(strategies.text_of, drawn)
    metrics = {
        "top": third,
        "m1": {"formula": second, "role": "health"},
        "m2": {"formula": first, "role": "health"},
        "m3": {"formula": "(m1 * m2 - top) / (m1 + m2)", "role": "health"},
        **{name: {"role": "health"} for name in strategies.NAMES},
    }
    tree = tree_of(metrics)
    expected = reference_values(tree, known)
    for targets in (None, ["m3"], ["top"]):
        found = program_values(tree, known, targets)
        if found is not None:
            assert all(same(value, expected[metric]) for metric, value in found.items())


FRONTIER = [
    # what is infinite in `a * b` meets an operation that gives a number for it
    ("1 / (a * b)", "a quotient by infinity is 0"),
    ("exp(-(a * b))", "e to the power of minus infinity is 0"),
    ("min(a * b, 3)", "the smallest is not the infinite one"),
    ("max(-(a * b), 3)", "nor the largest"),
    ("clip(a * b, 0, 3)", "nor what lies in bounds"),
    ("1 if a * b > 3 else 2", "infinity is larger than 3"),
    ("1 if a * b != a * b else 2", "and like itself"),
    ("1 if a * b - a * b > 3 else 2", "NaN is not larger than 3"),
    ("1 if not a * b - a * b > 3 else 2", "nor is that false"),
    ("1 if a > 0 or a * b - a * b > 3 else 2", "but another condition may decide"),
    ("(a * b) ** 0", "infinity to the power of 0 is 1"),
    ("(a * b - a * b) ** 0", "and so is NaN to the power of 0"),
    ("1 ** (a * b)", "and 1 to any power"),
    ("5 % (a * b)", "the remainder by infinity is the dividend"),
    ("sign(a * b)", "infinity has a sign"),
    ("safe_div(a * b, 0 * c, 5)", "the dividend is not looked at"),
    ("safe_div(5, a * b, 5)", "a quotient by infinity is 0"),
    ("safe_div(5, c, a * b)", "what is not chosen counts as well"),
    ("round(c, a * b)", "digits without end"),
    ("coalesce(a * b, 3)", "infinity is missing"),
    ("1 if is_missing(a * b) else 2", "and can be asked for"),
    ("(a * b) * 0", "infinity by 0 is NaN"),
    ("c + a * b - a * b", "infinity less infinity is NaN"),
    ("sqrt(a * b) + log(a * b) + abs(floor(a * b)) - ceil(a * b)", "functions let it through"),
    ("3 if c > 0 else a * b", "a branch that is not taken"),
    ("a * b if c > 0 else 3", "a branch that is taken"),
    ("min(a * b if c > 0 else 3, 5)", "which is looked at"),
    ("1 / (a * b if c > 0 else 3)", "or divides"),
]


@pytest.mark.parametrize(("formula", "why"), FRONTIER)
@pytest.mark.parametrize("use", ["x", "x * 2 + 1", "1 / (x + 1)", "x if c > 0 else 0"])
def test_what_is_not_finite_is_noticed_where_it_would_get_lost(formula, why, use):
    metrics = {"top": use, "x": formula, "a": None, "b": None, "c": None}
    known = {"a": 1e200, "b": 1e200, "c": 1.0}
    tree = MetricTree(north_star="top", metrics=metrics)
    expected = reference_values(tree._tree, known)
    for targets in (None, ["top"]):
        found = program_values(tree._tree, known, targets)
        if found is not None:
            assert all(same(value, expected[metric]) for metric, value in found.items()), why
    for _ in range(3):
        assert tree.compute(known) == expected, why


# --- speed is there where it should be: these compute without the explaining way

FAST = [
    ("a / b if b > 0 else 0", {"a": 1.0, "b": 0.0}, 0.0),
    ("0 if b == 0 else (a / b - 1) * log(a / b)", {"a": 1.0, "b": 0.0}, 0.0),
    ("sqrt(a) + 1 if a >= 0 else log(-a) if a < -1 else 5", {"a": -0.5, "b": 0.0}, 5.0),
    ("safe_div(a, b, 9)", {"a": 1.0, "b": 0.0}, 9.0),
    ("coalesce(a / b, 7)", {"a": 1.0, "b": 0.0}, 7.0),
    ("coalesce(sqrt(a), b)", {"a": -1.0, "b": 2.0}, 2.0),
    ("coalesce(a, b)", {"a": None, "b": 2.0}, 2.0),
    ("coalesce(a, b)", {"a": 1.0, "b": None}, 1.0),
    ("1 if is_missing(a) else b", {"a": None, "b": 2.0}, 1.0),
    ("a + 1 if b > 0 else 3", {"a": None, "b": 0.0}, 3.0),
    ("a + b", {"a": None, "b": 2.0}, None),
    ("2 if a > 0 and b > 0 else 3", {"a": None, "b": 0.0}, 3.0),
    ("2 if a > 0 else 3", {"a": None, "b": 0.0}, 3.0),
    ("-a * 0", {"a": 1.0, "b": 0.0}, 0.0),
    ("ceil(-0.5) + a * 0", {"a": 1.0, "b": 0.0}, 0.0),
    ("null", {"a": 1.0, "b": 0.0}, None),
    ("floor(a) - ceil(b) + sign(-a) + a % b + -abs(-a)", {"a": 2.5, "b": 0.75}, -2.25),
    ("min(a, b, 9) / max(b, a) * clip(a, 0, 2)", {"a": 2.5, "b": 0.5}, 0.4),
    ("sqrt(a) ** 2 + exp(log(b)) + log10(a) * mean(a, b)", {"a": 100.0, "b": 4.0}, 208.0),
    ("1 if 0 < a <= b and not (a != b or b < 0) else 2", {"a": 4.0, "b": 4.0}, 1.0),
    ("round(a, 1) + round(a) + round(b, a)", {"a": 2.0, "b": 0.125}, 4.12),
]


@pytest.mark.parametrize(("formula", "known", "expected"), FAST)
def test_ordinary_formulas_need_no_explaining_way(formula, known, expected):
    metrics = {"top": formula, "a": {"role": "health"}, "b": {"role": "health"}}
    metrics["c"] = {"formula": "a + b", "role": "health"}  # so that both are needed
    metrics["d"] = {"formula": "b", "role": "health"}
    found = program_values(tree_of(metrics), known)
    if formula.startswith("2 if a > 0 and"):  # a condition with a missing part is left to it
        assert found is None
        return
    assert found is not None
    assert same(found["top"], expected)
    assert same(found["c"], None if None in known.values() else known["a"] + known["b"])


# --- what is compiled

NAMES = {"abs", "round", "sqrt", "exp", "log", "log10", "pow", "nan", "rounded", "unknown"}
WORDS = NAMES | {"def", "step", "if", "else", "raise", "missing", "return", "and", "or", "not"}


@given(strategies.cases(), st.booleans())
def test_generated_code_holds_nothing_but_numbers_and_words_of_ours(case, given_up):
    tree = MetricTree(north_star="m0", metrics=case.metrics)._tree
    text = source(make_plan(tree), strategies.LEAVES[:2] if given_up else ())
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            assert token.string in WORDS or re.fullmatch(r"v\d+|[rst]|True|False", token.string)
        assert token.type not in (tokenize.STRING, tokenize.COMMENT)


def test_generated_code_can_reach_no_builtins():
    assert compiling._NAMES["__builtins__"] == {}


def test_a_chain_of_100_000_metrics_computes():
    count = 100_000
    metrics: dict[str, str | None] = {f"m{i}": f"m{i + 1} + 1" for i in range(count)}
    metrics[f"m{count}"] = None
    tree = MetricTree(north_star="m0", metrics=metrics)
    for _ in range(3):
        values = tree.compute({f"m{count}": 0.0})
        assert values["m0"] == count
        assert len(values) == count + 1
    assert tree.compute({f"m{count}": 0.5}, ["m0"])["m0"] == count + 0.5


def test_nested_choices_beyond_what_can_be_indented_compute():
    metrics: dict[str, str | None] = {"m150": "0 * a", "a": None}
    metrics |= {f"m{i}": f"log(a) + {i} if a > {i} else m{i + 1}" for i in range(150)}
    tree = tree_of(metrics)
    for a in (0.5, 99.5, 1000.0):
        found = program_values(tree, {"a": a}, ["m0"])
        expected = reference_values(tree, {"a": a})
        assert found is not None
        assert same(found["m0"], expected["m0"])


def test_brackets_in_brackets_beyond_what_python_reads_compute():
    metrics = {f"m{i}": f"a - m{i + 1} / 2" for i in range(1_000)} | {"m1000": "a * a", "a": None}
    tree = tree_of(metrics)
    found = program_values(tree, {"a": 3.0}, ["m0"])
    assert found == {"m0": reference_values(tree, {"a": 3.0})["m0"]}


# --- compute: the first time by the reference, then by generated code

TREE = MetricTree(
    north_star="rate",
    metrics={
        "rate": "orders / visits * factor",
        "orders": {"range": [0, None]},
        "visits": None,
        "factor": 2,
        "share": {"formula": "coalesce(orders, 1) / 4", "role": "health"},
    },
)
ASKED = [None, ["rate"], ["share"], ["factor"], ["visits", "rate"]]


@pytest.mark.parametrize("targets", ASKED)
@pytest.mark.parametrize(
    "inputs",
    [
        {"orders": 5.0, "visits": 20.0},
        {"visits": 20, "orders": 5},
        {"orders": 5.0, "visits": 20.0, "factor": 3.0},
        {"orders": None, "visits": 20.0},
        {"orders": 5.0, "visits": 0.0},
        {"orders": -0.0, "visits": -20.0},
        {"orders": None, "visits": None, "factor": None},
    ],
)
def test_the_first_and_any_later_time_give_the_same(targets, inputs):
    tree = MetricTree._of(TREE._tree)
    tree._tree.plans.clear()
    first, *later = [tree.compute(inputs, targets) for _ in range(4)]
    for values in later:
        assert list(values) == list(first)
        assert repr(values) == repr(first)
        assert values.to_dict() == first.to_dict() == dict(values)
        assert values.missing == first.missing
        assert [str(values.why(name)) for name in values] == [
            str(first.why(name)) for name in first
        ]
        assert "-0" not in repr(values)


BAD = [
    ({"orders": -1.0, "visits": 1.0}, "VAL106"),
    ({"orders": math.nan, "visits": 1.0}, "VAL105"),
    ({"orders": math.inf, "visits": -math.inf}, "VAL105"),
    ({"orders": True, "visits": 1.0}, "VAL104"),
    ({"orders": "1", "visits": 1.0}, "VAL104"),
    ({"orders": 2**53 + 1, "visits": 1.0}, "VAL105"),
    ({"orders": 1.0}, "VAL103"),
    ({"orders": 1.0, "factor": 1.0}, "VAL103"),
    ({"orders": 1.0, "visit": 1.0}, "VAL101"),
    ({"orders": 1.0, "visits": 1.0, "visit": 1.0}, "VAL101"),
    ({"orders": 1.0, "visits": 1.0, "rate": 1.0}, "VAL102"),
]


@pytest.mark.parametrize(("inputs", "code"), BAD)
def test_inputs_are_checked_every_time(inputs, code):
    for _ in range(3):
        TREE.compute({"orders": 5.0, "visits": 20.0})
        with pytest.raises(ComputeError) as caught:
            TREE.compute(inputs)
        assert code in {found.code for found in caught.value.diagnostics}


def test_inputs_that_no_target_needs_are_checked_as_well():
    for _ in range(3):
        assert TREE.compute({"orders": 5, "visits": 20.0}, ["share"])["share"] == 1.25
        with pytest.raises(ComputeError, match="VAL105"):
            TREE.compute({"orders": 5, "visits": math.inf}, ["share"])


def test_reasons_and_strictness_are_the_same_however_it_was_computed():
    for _ in range(3):
        values = TREE.compute({"orders": None, "visits": 20.0})
        assert values["share"] == 0.25
        reason = values.why("rate")
        assert reason is not None
        assert (reason.metric, reason.rule) == ("orders", Rule.INPUT_MISSING)
        with pytest.raises(ComputeError, match=r"VAL109 .*'rate' is missing because orders"):
            TREE.compute({"orders": None, "visits": 20.0}, strict=True)


def test_values_do_not_change_with_the_inputs_or_with_later_computations():
    inputs = {"orders": 5.0, "visits": 20.0}
    for _ in range(3):
        values = TREE.compute(inputs)
        inputs["orders"] = 6.0
        TREE.compute(inputs)
        assert values["rate"] == 0.5
        inputs["orders"] = 5.0


def test_programs_for_missing_inputs_are_few():
    names = [f"x{number}" for number in range(6)]
    formula = " + ".join(f"coalesce({name}, 1)" for name in names)
    tree = MetricTree(north_star="top", metrics={"top": formula, **dict.fromkeys(names)})
    for _ in range(3):
        for pattern in range(64):
            inputs = {name: None if pattern >> at & 1 else 2.0 for at, name in enumerate(names)}
            assert tree.compute(inputs)["top"] == 12 - pattern.bit_count()
    (made,) = make_plan(tree._tree).engines.values()
    assert len(made.programs) <= 8


def test_what_is_asked_for_being_missing_is_computed_even_where_only_a_branch_uses_it():
    metrics = {
        "asks": "1 if is_missing(x / y) else 2",
        "uses": "x / y if x > 0 else 0",
        "x": None,
        "y": None,
    }
    tree = MetricTree(north_star="asks", metrics=metrics)
    for inputs, expected in (({"x": 0, "y": 0}, 1), ({"x": 0, "y": 1}, 2), ({"x": 1, "y": 0}, 1)):
        assert [tree.compute(inputs)["asks"] for _ in range(4)] == [expected] * 4
    overflow = {"asks": "1 if is_missing(x * y) else 2", "uses": "x * y if x < 0 else 0"}
    tree = MetricTree(north_star="asks", metrics=overflow | {"x": None, "y": None})
    assert [tree.compute({"x": 1e300, "y": 1e300})["asks"] for _ in range(4)] == [1] * 4
