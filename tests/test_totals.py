"""What is said of running totals holds for the numbers that formulas give."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given, strategies as st

from metrictree import MetricTree
from metrictree.lint.totals import STILL, Course, Sure, course_of

RANGES: dict[str, Any] = {"a": [0, 9], "b": [0, 1], "c": [-9, 9]}

_leaves = st.sampled_from(["a", "b", "c", "0", "2", "0.5", "7"])
_formulas = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        inner.map("cumulative({})".format),
        st.builds(
            "({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", "%", "**"]), inner
        ),
        st.builds(
            "{}({})".format,
            st.sampled_from(
                ["abs", "sqrt", "exp", "log", "floor", "ceil", "sign", "round", "lag", "change",
                 "growth", "-"]
            ),
            inner,
        ),
        st.builds("{}({}, 2)".format, st.sampled_from(["rolling_sum", "rolling_min"]), inner),
        st.builds(
            "{}({}, {})".format,
            st.sampled_from(["max", "min", "sum", "mean", "coalesce", "pow"]),
            inner,
            inner,
        ),
        st.builds("clip({}, 1, 5)".format, inner),
        st.builds("safe_div({}, {}, 1)".format, inner, inner),
        st.builds("({} if {} > 1 else {})".format, inner, inner, inner),
    ),
    max_leaves=8,
)  # fmt: skip


def _rows(low: int, high: int) -> st.SearchStrategy[list[float]]:
    return st.lists(st.floats(low, high).map(lambda x: round(x, 2)), min_size=6, max_size=6)


def courses(formula: str) -> tuple[MetricTree, Course]:
    metrics: dict[str, Any] = {name: {"range": limits} for name, limits in RANGES.items()}
    tree = MetricTree(north_star="star", metrics={"star": formula, **metrics})
    return tree, course_of(tree._tree, "star")["star"]


@given(_formulas, st.fixed_dictionaries({name: _rows(*ends) for name, ends in RANGES.items()}))
def test_what_is_said_to_rise_never_falls_and_what_is_said_to_be_positive_is(formula, rows):
    tree, course = courses(formula)
    values = [value for value in tree.compute_series(rows, "star")["star"] if value is not None]
    if course.never_negative is Sure.YES:
        assert all(value >= 0 for value in values)
    if course.never_falls is Sure.YES:
        for before, after in itertools.pairwise(values):
            assert after >= before or math.isclose(before, after, rel_tol=1e-9)
    if not course.moves:
        assert len(set(values)) < 2


@pytest.mark.parametrize(
    ("formula", "falls", "negative"),
    [
        ("cumulative(a)", Sure.YES, Sure.YES),
        ("cumulative(c)", Sure.NO, Sure.NO),
        ("cumulative(a) - 5", Sure.YES, Sure.NO),
        ("cumulative(1 - b)", Sure.UNKNOWN, Sure.UNKNOWN),
        ("change(cumulative(a))", Sure.NO, Sure.YES),
        ("cumulative(change(cumulative(a)))", Sure.YES, Sure.YES),
        ("a", Sure.NO, Sure.YES),
        ("2 - 7", Sure.YES, Sure.UNKNOWN),
    ],
)
def test_the_course_of_a_formula(formula, falls, negative):
    assert courses(formula)[1] == Course(formula != "2 - 7", falls, negative)


def test_what_is_known_otherwise_goes_before():
    tree, _ = courses("cumulative(a) + c")
    known = course_of(tree._tree, "star", lambda metric, course: STILL if metric == "c" else course)
    assert known["star"].never_falls is Sure.YES
