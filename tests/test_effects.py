from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import assume, given, settings, strategies as st

from metrictree import MetricTree, UsageError
from metrictree.engines import gradient
from metrictree.lint.effects import Effects, effects_on


def effects(
    star: str, metrics: dict[str, Any], influences: list[dict[str, Any]] | None = None, **given: Any
) -> Effects:
    tree = MetricTree(north_star=star, metrics=metrics, influences=influences or [])
    return effects_on(tree._tree, star, **given)


def of(formula: str, **given: Any) -> Effects:
    """The effects on a metric `y` whose formula uses metrics of one letter, all of them inputs."""
    letters = {one for one in "abcdepqwxz" if one in formula_words(formula)}
    return effects("y", {"y": formula, **dict.fromkeys(sorted(letters))}, **given)


def formula_words(formula: str) -> set[str]:
    return set("".join(one if one.isalnum() or one == "_" else " " for one in formula).split())


def near(shares: Any, expected: dict[str, float], within: float = 1e-9) -> bool:
    assert shares.keys() == expected.keys()
    return all(math.isclose(shares[one], expected[one], abs_tol=within) for one in expected)


# --- properties

PARTS = st.recursive(
    st.sampled_from(["a", "b", "c", "d", "2", "0.5"]),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+*/"), inner),
        st.builds("({} - 0.1 * {})".format, inner, inner),
        st.builds("sqrt({})".format, inner),
        st.builds("log(3 + {})".format, inner),
        st.builds("log10(3 + {})".format, inner),
        st.builds("exp(-abs({}))".format, inner),
        st.builds("pow({}, 1.5)".format, inner),
        st.builds("(2 ** (0.1 * {}))".format, inner),
        st.builds("mean({}, {}, 1)".format, inner, inner),
        st.builds("safe_div({}, {}, 7)".format, inner, inner),
        st.builds("coalesce({}, 7)".format, inner),
    ),
    max_leaves=8,
)
SIZES = st.fixed_dictionaries({one: st.floats(0.5, 3) for one in "abcd"})


@settings(deadline=None, max_examples=150)
@given(PARTS, PARTS, SIZES)
def test_slopes_are_the_central_differences_of_the_reference_engine(
    inner: str, outer: str, values: dict[str, float]
) -> None:
    metrics = {"y": f"{outer} + m * m", "m": inner, **dict.fromkeys("abcd")}
    tree = MetricTree(north_star="y", metrics=metrics)

    def value(leaf: str, factor: float) -> float:
        found = tree.compute({**values, leaf: values[leaf] * factor}, ["y"])["y"]
        assume(found is not None and abs(found) < 1e6)
        assert found is not None
        return found

    step = 1e-5
    moved = {leaf: (value(leaf, 1 + step) - value(leaf, 1 - step)) / (2 * step) for leaf in values}
    size = sum(map(abs, moved.values()))
    assume(size > 1e-3)
    found = effects_on(tree._tree, "y", values=values)
    for leaf, change in moved.items():
        share = found.shares.get(leaf, 0.0)
        assert share == pytest.approx(abs(change) / size, abs=1e-4)
        if abs(change) > 1e-3 * size:
            assert found.signs[leaf] == (1 if change > 0 else -1)


@settings(deadline=None, max_examples=40)
@given(PARTS)
def test_shares_sum_to_one_or_are_empty(formula: str) -> None:
    found = effects("y", {"y": f"{formula} + 0 * a", **dict.fromkeys("abcd")})
    assert not found.shares or sum(found.shares.values()) == pytest.approx(1)
    assert bool(found.inputs) is bool(found.shares)
    assert not found.inputs or sum(found.inputs.values()) == pytest.approx(1)
    assert all(0 <= share <= 1 + 1e-12 for share in found.through.values())


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 9))
def test_each_of_n_independent_factors_has_one_nth(count: int) -> None:
    leaves = [f"x{number}" for number in range(count)]
    found = effects("y", {"y": " * ".join(leaves), **dict.fromkeys(leaves)})
    assert near(found.shares, dict.fromkeys(leaves, 1 / count))
    assert near(found.inputs, dict.fromkeys(leaves, 1 / count))


@settings(deadline=None, max_examples=30)
@given(st.floats(1e-3, 1e3), st.floats(0.1, 10), st.floats(0.1, 10), st.floats(0.1, 10))
def test_the_unit_in_which_a_leaf_is_counted_does_not_matter(
    scale: float, a: float, b: float, c: float
) -> None:
    plain = of("a * b + c", values={"a": a, "b": b, "c": c})
    scaled = of(f"a * b / {scale!r} + c", values={"a": a, "b": b * scale, "c": c})
    assert near(plain.shares, dict(scaled.shares))
    ranged = {"y": "a + b", "a": {"range": [1, 9]}, "b": {"range": [2, 3]}}
    other = {**ranged, "y": f"a + b / {scale!r}", "b": {"range": [2 * scale, 3 * scale]}}
    assert near(effects("y", ranged).shares, dict(effects("y", other).shares), 1e-6)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a * (b + c)", "a * b + a * c"),
        ("(a + b) / c", "a / c + b / c"),
        ("a - (b - c)", "a - b + c"),
        ("(a * b) ** 2", "a * a * b * b"),
        ("exp(log(a) + log(b)) + c", "a * b + c"),
        ("mean(a, b, c)", "(a + b + c) / 3"),
        ("sum(a, b, c)", "c + b + a"),
        ("change(a) + b", "a - lag(a) + b"),
        ("growth(a, 2) + b", "a / lag(a, 2) - 1 + b"),
        ("rolling_sum(a, 3) + b", "a + lag(a) + lag(a, 2) + b"),
        ("rolling_mean(a, 2) * b", "(a + lag(a)) / 2 * b"),
    ],
)
def test_the_same_formula_in_other_words_has_the_same_effects(one: str, other: str) -> None:
    assert near(of(one).shares, dict(of(other).shares), 1e-6)


@pytest.mark.parametrize(
    ("formula", "without"),
    [
        ("(a * p) / p", "p"),
        ("a + b - b", "b"),
        ("a + 0 * w", "w"),
        ("a / (1 + 0 * w)", "w"),
        ("a * exp(log(p) - log(p))", "p"),
        ("growth((a * p) / p)", "p"),
        ("rolling_sum(a + b - b, 5)", "b"),
        ("a if 2 > 1 else b", "b"),
        ("sqrt(p * p) / p * a", "p"),
        ("a + 1e12 * (p - p)", "p"),
        ("a if b > 3 else a", "b"),
        ("coalesce(a, b)", "b"),
        ("a + safe_div(0 * b, b, 5)", "b"),
    ],
)
def test_what_has_no_weight_or_cancels_has_no_effect(formula: str, without: str) -> None:
    found = of(formula)
    assert found.shares[without] == 0
    assert found.signs[without] == 0
    assert found.shares["a"] == pytest.approx(1)


def test_what_cancels_over_several_formulas_has_no_effect() -> None:
    metrics = {"y": "up / down", "up": "a * p", "down": "p * 2", "a": None, "p": None}
    found = effects("y", metrics)
    assert near(found.shares, {"a": 1, "p": 0})
    assert found.way("p") in {("y", "up", "p"), ("y", "down", "p")}


# --- what has no derivative


@pytest.mark.parametrize(
    "formula",
    [
        "1 if x > 5 else 0",
        "floor(x / 100)",
        "ceil(x)",
        "round(x, 0)",
        "sign(x - 5)",
        "sign(x)",
        "clip(x, 1000, 2000)",
        "clip(x, 2, 3)",
        "min(x, 0.1)",
        "max(x, 500)",
        "x % 3",
        "abs(x - 5)",
        "1 if x == 3 else 0",
        "1 if not (x > 1 and x < 9 or x != 4) else 0",
        "safe_div(1, x, 5)",
        "coalesce(null, x)",
        "3 if is_missing(x) else x",
        "lag(x, 400)",
        "rolling_min(x, 7)",
        "rolling_max(x, 90)",
        "change(x)",
        "growth(x, 12)",
        "cumulative(x)",
        "change(cumulative(x))",
        "lag(rolling_mean(x, 7), 365)",
    ],
)
def test_no_operation_hides_its_input(formula: str) -> None:
    assert of(formula).shares == {"x": 1.0}


def test_a_condition_counts_by_its_jump() -> None:
    small, large = of("a if c > 3 else 1.01 * a"), of("a if c > 3 else 50 * a")
    assert 0 < small.shares["c"] < 0.01
    assert large.shares["c"] > 0.05
    assert small.signs["c"] == -1
    assert of("50 * a if c > 3 else a").signs["c"] == 1


def test_a_condition_that_cannot_flip_soon_counts_little() -> None:
    far = of("a if c > 3 else 2 * a", values={"a": 1, "c": 3000})
    close = of("a if c > 3 else 2 * a", values={"a": 1, "c": 3.1})
    assert far.shares["c"] < 0.001
    assert close.shares["c"] > 0.5


def test_of_a_minimum_the_chosen_operand_counts() -> None:
    found = of("min(a, b)", values={"a": 10, "b": 100})
    assert found.shares["a"] > 0.99
    assert 0.4 < of("min(a, b)").shares["a"] < 0.6


def test_over_time_each_period_counts_by_its_magnitude() -> None:
    at = {"x": 10, "z": 30}
    assert near(of("change(x) + z", values=at).shares, {"x": 0.4, "z": 0.6})
    assert near(of("rolling_mean(x, 12) + z", values=at).shares, {"x": 0.25, "z": 0.75})
    assert near(of("rolling_sum(x, 3) + z", values=at).shares, {"x": 0.5, "z": 0.5})
    assert near(of("lag(x, 7) + z", values=at).shares, {"x": 0.25, "z": 0.75})
    assert of("change(x)").signs["x"] is None
    assert of("rolling_sum(x, 4)").signs["x"] == 1


def test_lags_too_long_for_the_points_still_do_not_cancel() -> None:
    leaves = {f"x{number}": None for number in range(3_000)}
    total = " + ".join(leaves)
    found = effects(
        "y", {"y": f"lag(t, 4000) - t + lag(z, {10**5})", "t": total, "z": None, **leaves}
    )
    assert found.shares["z"] > 0
    assert sum(found.shares.values()) == pytest.approx(1)
    assert min(found.shares.values()) > 0


def test_points_in_which_something_is_missing_are_left_out() -> None:
    found = of("sqrt(a - 5) * b")  # where a is above 5, its share is a / (a - 5) / 2 of b's
    assert 0.5 < found.shares["a"] < 1
    assert near(of("exp(a * 500) * 0 + b").shares, {"a": 0, "b": 1})


@pytest.mark.parametrize("formula", ["0 * a", "0 * a + 3", "null + a"])
def test_where_nothing_moves_there_are_no_shares(formula: str) -> None:
    found = of(formula)
    assert found.shares == {}
    assert found.inputs == {}
    assert found.signs["a"] == 0
    assert found.way("a") == ("y", "a")


@pytest.mark.parametrize(
    "formula", ["sqrt(-a)", "log(0 * a)", "a / 0", "log(a - 100)", "exp(1000 * a)"]
)
def test_what_is_missing_at_all_points_has_no_known_effect(formula: str) -> None:
    found = of(formula)
    assert found.shares == {}
    assert found.signs["a"] is None
    assert found.way("a") == ("y", "a")


def test_a_metric_of_numbers_only_has_no_effects() -> None:
    found = effects("y", {"y": "2 * 3", "a": None})
    assert found.shares == {}
    assert found.way("a") == ()


# --- where points are


def test_points_lie_inside_of_the_ranges() -> None:
    inside = effects("y", {"y": "sqrt(5 - a) + 0 * b", "a": {"range": [0, 5]}, "b": None})
    assert near(inside.shares, {"a": 1, "b": 0})
    outside = effects("y", {"y": "sqrt(5 - a) + 0 * b", "a": {"range": [6, 9]}, "b": None})
    assert outside.shares == {}
    half = effects(
        "y",
        {
            "y": "sqrt(a - 50) * sqrt(-1 - b)",
            "a": {"range": [50, None]},
            "b": {"range": [None, -1]},
        },
    )
    assert near(half.shares, {"a": 0.5, "b": 0.5}, 0.2)
    assert effects("y", {"y": "sqrt(1 - a)", "a": {"unit": "ratio"}}).shares == {"a": 1.0}


def test_a_constant_is_a_leaf_and_a_number_is_none() -> None:
    found = effects("y", {"y": "a * price * 3", "a": None, "price": 49})
    assert near(found.shares, {"a": 0.5, "price": 0.5})
    fixed = effects("y", {"y": "a + price", "a": {"range": [100, 101]}, "price": 1e-6})
    assert fixed.shares["price"] < 1e-6


def test_numbers_at_the_end_of_float64_are_no_trouble() -> None:
    huge = 1.7e308
    metrics = {"y": "a + b", "a": {"range": [-huge, huge]}, "b": {"range": [0, 0]}}
    assert near(effects("y", metrics).shares, {"a": 1, "b": 0})
    history = {"a": [0, huge, 0, huge], "b": [0, 0, 0, 0]}
    assert near(of("a / 2 + b", history=history).shares, {"a": 1, "b": 0})
    assert of("a * b", history={"a": [huge, -huge], "b": [3, 4]}).shares == {}


def test_movements_too_small_to_divide_by_give_shares_all_the_same() -> None:
    found = of("a + b", values={"a": 5e-324, "b": 5e-324})
    assert near(found.shares, {"a": 0.5, "b": 0.5})
    assert near(found.inputs, {"a": 0.5, "b": 0.5})


def test_flows_that_cancel_past_the_end_of_float64_are_split_all_the_same() -> None:
    metrics = {"y": "(m - m) * 1e300 + a", "m": "a * 1e300", "a": {"range": [1e-300, 1e-299]}}
    found = effects("y", metrics)
    assert found.shares == {"a": 1.0}
    assert math.isclose(sum(found.inputs.values()), 1.0)


def test_the_digits_of_a_rounding_may_be_a_metric() -> None:
    assert effects("y", {"y": "round(a, d)", "a": None, "d": 2}).shares == {"a": 1.0, "d": 0.0}


def test_sides_that_are_equal_count_in_an_equation() -> None:
    found = of("1 if a == b else 2", values={"a": 3, "b": 3})
    assert near(found.shares, {"a": 0.5, "b": 0.5})


def test_points_are_the_same_every_time() -> None:
    assert of("a * b + c / a").shares == of("a * b + c / a").shares


# --- direct inputs, signs and ways


def test_a_driver_of_several_inputs_is_split_among_them() -> None:
    metrics = {"y": "web + shop", "web": "visits * p", "shop": "visits * q"}
    at = {"visits": 10, "p": 3, "q": 1}
    found = effects("y", {**metrics, **dict.fromkeys(at)}, values=at)
    assert near(found.shares, {"visits": 0.5, "p": 0.375, "q": 0.125})
    assert near(found.inputs, {"web": 0.75, "shop": 0.25})
    assert found.way("visits") == ("y", "web", "visits")
    assert near(found.through, {"y": 1, "web": 0.75, "shop": 0.25, **found.shares})


def test_an_input_used_directly_and_below_is_split() -> None:
    at = {"a": 2, "b": 6}
    found = effects("y", {"y": "a + m", "m": "a * 3 + b", "a": None, "b": None}, values=at)
    assert near(found.shares, {"a": 4 / 7, "b": 3 / 7})
    assert near(found.inputs, {"a": 1 / 7, "m": 6 / 7})
    assert list(found.inputs) == ["a", "m"]


def test_signs_tell_one_way_none_or_mixed() -> None:
    found = of("a - b + (c - 5) ** 2 + 0 * d + x * z - x * z")
    assert found.signs == {"a": 1, "b": -1, "c": None, "d": 0, "x": 0, "z": 0, "y": 1}
    deep = effects("y", {"y": "100 - m", "m": "a / b", "a": None, "b": None})
    assert deep.signs == {"y": 1, "m": -1, "a": -1, "b": 1}


@pytest.mark.parametrize("formula", ["a{}", "a{} + 1 - 1", "-(-a{})"])
def test_chains_of_any_length_are_walked(formula: str) -> None:
    count = 10_000
    metrics: dict[str, Any] = {f"a{at}": formula.format(at + 1) for at in range(count)}
    found = effects("a0", {**metrics, f"a{count}": None})
    assert found.shares == {f"a{count}": 1.0}
    assert found.signs[f"a{count}"] == 1
    assert found.way(f"a{count}") == tuple(f"a{at}" for at in range(count + 1))


def test_blocks_of_points_give_the_same_as_all_points(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = of("a * b + rolling_sum(c, 3) / a")
    monkeypatch.setattr("metrictree.lint.effects.CELLS", 500)
    blocks = of("a * b + rolling_sum(c, 3) / a")
    assert near(plain.shares, dict(blocks.shares), 0.1)  # other draws
    columns = {one: [float(n * n % 7) for n in range(30)] for one in "abc"}
    monkeypatch.undo()
    whole = of("a * b + rolling_sum(c, 3)", history=columns)
    monkeypatch.setattr("metrictree.lint.effects.CELLS", 50)
    assert near(whole.shares, dict(of("a * b + rolling_sum(c, 3)", history=columns).shares))


# --- values


def test_at_values_by_hand() -> None:
    found = of("a * b + c", values={"a": 2, "b": 3, "c": 4})  # 6, 6 and 4 of 16
    assert near(found.shares, {"a": 0.375, "b": 0.375, "c": 0.25})
    assert found.basis == "values"


def test_a_constant_keeps_its_value_unless_another_is_given() -> None:
    metrics = {"y": "a + k", "a": None, "k": 30}
    assert near(effects("y", metrics, values={"a": 10}).shares, {"a": 0.25, "k": 0.75})
    assert near(
        effects("y", metrics, values={"a": 10, "k": 10, "y": 7}).shares, {"a": 0.5, "k": 0.5}
    )


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"a": 1}, "VAL103"),
        ({"a": 1, "b": 2, "zzz": 3}, "VAL101"),
        ({"a": "1", "b": 2}, "VAL104"),
        ({"a": math.inf, "b": 2}, "VAL105"),
        ([1, 2], "VAL101"),
    ],
)
def test_values_that_do_not_fit_are_refused(values: Any, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        of("a + b", values=values)
    assert caught.value.diagnostics[0].code == code


def test_a_missing_value_leaves_nothing_that_moves() -> None:
    assert of("a + b", values={"a": 1, "b": None}).shares == {}


# --- history


def test_history_by_hand() -> None:
    # From (10, 5) to (20, 5): 5 * 10 by a. Then to (20, 10): 20 * 5 by b.
    found = of("a * b", history={"a": [10, 20, 20], "b": [5, 5, 10]})
    assert near(found.shares, {"a": 1 / 3, "b": 2 / 3})
    assert found.basis == "history"
    # A ratio at the midpoint (15, 4): 10 / 4 by a, and 15 / 16 * 2 by b.
    found = of("a / b", history={"a": [10, 20], "b": [3, 5]})
    assert near(found.shares, {"a": 4 / 7, "b": 3 / 7})
    assert found.signs["b"] == -1


def test_history_over_time_by_hand() -> None:
    # The change of a grows by 0 and then by 2, b by 1 each time.
    found = of("change(a) + b", history={"a": [1, 2, 3, 6], "b": [1, 2, 3, 4]})
    assert near(found.shares, {"a": 0.5, "b": 0.5})
    # Two periods summed: a moves by 1 + 2, then 2 + 3; before, a period is missing.
    found = of("rolling_sum(a, 2) + b", history={"a": [0, 1, 3, 6], "b": [0, 1, 2, 3]})
    assert near(found.shares, {"a": 0.8, "b": 0.2})
    # A running sum grows by a's value: 2, 3 and 4, b by 1 each time.
    found = of("cumulative(a) + b", history={"a": [1, 2, 3, 4], "b": [1, 2, 3, 4]})
    assert near(found.shares, {"a": 0.75, "b": 0.25})
    found = of("lag(a) + b", history={"a": [1, 2, 4, 9], "b": [5, 5, 6, 7]})
    assert near(found.shares, {"a": 0.6, "b": 0.4})


def test_periods_that_are_missing_are_left_out() -> None:
    found = of("a + b", history={"a": [1, 2, None, 9, 10], "b": [1, 1, 50, 3, 6]})
    assert near(found.shares, {"a": 0.4, "b": 0.6})  # a: 1 and 1; b: 0 and 3


def test_of_a_history_too_long_for_its_size_some_periods_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steady = {"a": [3.0 + step % 2 for step in range(40)], "b": [1.0] * 40}
    metrics = {"y": "cumulative(a) + 2 * cumulative(b)", "a": {"range": [0, 9]}, "b": None}
    whole = effects("y", metrics, history=steady)
    monkeypatch.setattr("metrictree.lint.effects._MOST_CELLS", 1)
    few = effects("y", metrics, history=steady)
    assert near(few.shares, dict(whole.shares), 0.1)
    assert few.signs == whole.signs


def test_history_in_which_nothing_moved_has_no_shares() -> None:
    assert of("a + b", history={"a": [1, 1], "b": [2, 2]}).shares == {}


HISTORY = {"month": ["2025-01-01", "2025-02-01", "2025-03-01"], "a": [10, 20, 20], "b": [5, 5, 10]}


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(HISTORY).assign(month=lambda frame: pd.to_datetime(frame["month"])),
        pl.DataFrame(HISTORY).with_columns(pl.col("month").str.to_date()),
        pl.LazyFrame(HISTORY).with_columns(pl.col("month").str.to_date()),
        pa.table(pl.DataFrame(HISTORY).with_columns(pl.col("month").str.to_date()).to_arrow()),
    ],
    ids=["pandas", "polars", "polars lazy", "pyarrow"],
)
def test_a_frame_of_any_library_is_a_history(frame: Any) -> None:
    found = of("a * b", history=frame)
    assert near(found.shares, {"a": 1 / 3, "b": 2 / 3})
    assert (found.since, found.until) == ("2025-01-01", "2025-03-01")


def test_a_duckdb_relation_is_a_history() -> None:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        relation = connection.sql(
            "select * from (values (1, 10, 5), (2, 20, 5), (3, 20, 10)) t(n, a, b) order by n"
        )
        assert near(of("a * b", history=relation).shares, {"a": 1 / 3, "b": 2 / 3})


def test_lists_arrays_and_series_are_a_history() -> None:
    columns = {"a": np.array([10, 20, 20.0]), "b": pl.Series([5, 5, 10]), "y": [50, 100, 200]}
    assert near(of("a * b", history=columns).shares, {"a": 1 / 3, "b": 2 / 3})
    columns["a"] = pd.array([10, 20, 20, None], dtype="Int64")
    columns["b"] = pd.Series([5, 5, 10, math.nan])
    columns["y"] = [50, 100, 200, None]
    assert near(of("a * b", history=columns).shares, {"a": 1 / 3, "b": 2 / 3})


def test_the_result_of_a_run_is_a_history() -> None:
    days = ["2025-01-05", "2025-01-31", "2025-02-05", "2025-03-01", "2025-03-31"]
    rows = pl.DataFrame({"at": days, "price": [5.0, 5.0, 5.0, 4.0, 4.0], "kind": list("ababa")})
    rows = rows.with_columns(pl.col("at").str.to_date())
    tree = MetricTree(
        north_star="sold",
        metrics={
            "sold": "orders * price",
            "orders": {"measure": {"source": "orders", "aggregate": "count()"}},
            "price": {"measure": {"source": "orders", "aggregate": "mean(price)"}},
        },
        sources={"orders": {"path": "orders.parquet", "time": "at", "dimensions": ["kind"]}},
    )
    # Orders 2, 1, 2 and prices 5, 5, 4: by orders 5 + 4.5, by price 1.5.
    run = tree.run(grain="month", sources={"orders": rows})
    found = effects_on(tree._tree, "sold", history=run)
    assert near(found.shares, {"orders": 9.5 / 11, "price": 1.5 / 11})
    assert (found.since, found.until) == ("2025-01", "2025-03")
    cut = tree.run(grain="month", sources={"orders": rows}, until="2025-03-15")
    found = effects_on(tree._tree, "sold", history=cut)  # half a March is no month
    assert near(found.shares, {"orders": 1, "price": 0})
    assert (found.since, found.until) == ("2025-01", "2025-02")
    with pytest.raises(UsageError, match="of all time"):
        effects_on(tree._tree, "sold", history=tree.run(sources={"orders": rows}))
    grouped = tree.run(grain="month", by=["kind"], sources={"orders": rows})
    with pytest.raises(UsageError, match="2 groups"):
        effects_on(tree._tree, "sold", history=grouped)


@pytest.mark.parametrize(
    ("history", "says"),
    [
        ({"a": [1, 2]}, "'b' has no value"),
        ({"a": [1, 2], "b": [1, 2], "zzz": [1, 2]}, "'zzz' is no metric"),
        ({"a": [1, 2], "b": [1, 2, 3]}, "'a' has 2 periods and 'b' has 3"),
        ({"a": [1], "b": [1]}, "needs two"),
        ({}, "needs two"),
        ({"a": [1, 2], "b": 3}, "of type int"),
        ({"a": [1, 2], "b": ["x", 2]}, "in period 0 of the history"),
        ("a,b", "is a str"),
        (pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}), "'b' of the history"),
        (pl.DataFrame({"a": [1, 2]}), "'b' has no value"),
        (pd.DataFrame([[1, 2, 3]] * 2, columns=["a", "b", "b"]), "two columns"),
        (
            pl.DataFrame({"day": [date(2026, 2, 1), date(2026, 1, 1)], "a": [1, 2], "b": [1, 2]}),
            "2026-01-01 stands below 2026-02-01",
        ),
    ],
)
def test_a_history_that_does_not_fit_is_refused(history: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        of("a + b", history=history)


# --- influences


def influence(source: str, to: str, **more: Any) -> dict[str, Any]:
    return {"from": source, "to": to, **more}


def test_a_leaf_passes_its_share_on_by_elasticity() -> None:
    metrics = {"y": "a * b", "a": None, "b": None, "u": None, "v": None, "w": None}
    told = [influence("u", "b", elasticity=0.3), influence("v", "b", elasticity=-0.1)]
    found = effects("y", metrics, told)
    assert near(found.shares, {"a": 0.5, "u": 0.375, "v": 0.125})
    assert (found.signs["u"], found.signs["v"]) == (1, -1)
    assert found.way("v") == ("y", "b", "v")
    assert near(found.inputs, {"a": 0.5, "b": 0.5})


def test_without_an_elasticity_all_influences_count_the_same() -> None:
    found = effects(
        "y",
        {"y": None, "u": None, "m": "p * q", "p": None, "q": None},
        [influence("u", "y"), influence("m", "y", lag=3)],
    )
    assert near(found.shares, {"u": 1 / 3, "p": 1 / 3, "q": 1 / 3})
    assert near(found.inputs, {"u": 1 / 3, "m": 2 / 3})
    assert found.signs["u"] is None
    assert found.way("p") == ("y", "m", "p")


def test_influences_are_followed_over_several_steps() -> None:
    steps = [influence(f"a{at + 1}", f"a{at}", direction="negative") for at in range(50)]
    found = effects("a0", {f"a{at}": None for at in range(51)}, steps)
    assert near(found.shares, {"a50": 1.0})
    assert found.signs["a49"] == -1
    assert len(found.way("a50")) == 51


def test_a_declared_controllability_keeps_the_share() -> None:
    metrics = {"y": "a * b", "a": None, "b": {"controllability": "direct"}, "u": None}
    assert near(effects("y", metrics, [influence("u", "b")]).shares, {"a": 0.5, "b": 0.5})


@pytest.mark.parametrize("driver", [{"range": [0, 0]}, {"formula": "0 * u"}, 0])
def test_what_is_influenced_by_what_cannot_move_keeps_its_share(driver: Any) -> None:
    metrics = {"y": "a * b", "a": None, "b": None, "d": driver, "u": None}
    found = effects("y", metrics, [influence("d", "b")])
    assert near(found.shares, {"a": 0.5, "b": 0.5})
    assert sum(found.inputs.values()) == pytest.approx(1)
    alone = effects("b", metrics, [influence("d", "b")])
    assert alone.shares == {"b": 1.0}


def test_an_elasticity_of_zero_is_no_influence() -> None:
    metrics = {"y": "a * b", "a": None, "b": None, "u": None}
    found = effects("y", metrics, [influence("u", "b", elasticity=0)])
    assert near(found.shares, {"a": 0.5, "b": 0.5})


def test_in_a_growth_loop_the_lagged_influence_is_left_out() -> None:
    metrics = {"y": "a * b", "a": None, "b": None, "w": None}
    loop = [influence("y", "a", lag=1), influence("w", "b", lag=1)]
    found = effects("y", metrics, loop)
    assert near(found.shares, {"a": 0.5, "w": 0.5})
    assert effects(
        "y", {"y": None, "a": None}, [influence("y", "a", lag=1), influence("a", "y", lag=1)]
    ).shares == {"y": 1.0}


def test_history_and_influences_go_together() -> None:
    metrics = {"y": "a + b", "a": None, "b": None, "w": None}
    history = {"a": [1, 2], "b": [1, 4]}
    found = effects("y", metrics, [influence("w", "b")], history=history)
    assert near(found.shares, {"a": 0.25, "w": 0.75})


def test_a_metric_without_formula_is_its_own_leaf() -> None:
    found = effects("y", {"y": None, "a": None})
    assert found.shares == {"y": 1.0}
    assert found.way("y") == ("y",)


def test_every_operation_of_a_plan_has_a_slope() -> None:
    assert gradient._VALUES.keys() == gradient._SLOPES.keys()
