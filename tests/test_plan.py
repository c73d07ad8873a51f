"""The plan: only what is needed, each operation once, constants computed, and in order."""

from __future__ import annotations

import dataclasses
import math
import sys
from typing import Any

import pytest
from hypothesis import given, settings

from metrictree import MetricTree, UsageError
from metrictree.formula import FUNCTIONS
from metrictree.formula.meaning import apply, over_time
from metrictree.plan import KEPT, make_plan
from tests import strategies


def plan_of(metrics, targets=None):
    return make_plan(MetricTree(north_star=next(iter(metrics)), metrics=metrics)._tree, targets)


def operations(plan):
    return [(op, args, value) for op, args, value in plan.instructions if op != "input"]


# --- what a plan is made of


def test_inputs_come_first_and_everything_comes_after_what_it_uses():
    plan = plan_of({"top": "half + b", "half": "a / 2", "a": None, "b": None, "c": 3})
    assert [value for op, _, value in plan.instructions if op == "input"] == list(plan.leaves)
    assert [op for op, _, _ in plan.instructions[: len(plan.leaves)]] == ["input"] * 3
    assert sorted(plan.leaves) == ["a", "b", "c"]
    assert plan.formulas == ("half", "top")
    for position, (_, args, _) in enumerate(plan.instructions):
        assert all(arg < position for arg in args)
    assert plan.instructions[plan.positions["top"]].op == "+"
    assert plan.instructions[plan.positions["half"]].op == "/"
    assert plan.instructions[plan.positions["c"]] == ("input", (), "c")


def test_only_what_the_targets_need_is_planned():
    metrics = {"top": "half + b", "half": "a / 2", "a": None, "b": None, "far": {"role": "health"}}
    plan = plan_of(metrics, ["half", "half"])
    assert plan.targets == ("half",)
    assert plan.leaves == ("a",)
    assert plan.formulas == ("half",)
    assert set(plan.positions) == {"a", "half"}
    assert [op for op, _, _ in plan.instructions] == ["input", "constant", "/"]
    assert plan.outputs == (2,)
    assert plan_of(metrics).targets == tuple(metrics)


def test_what_several_formulas_share_is_computed_once():
    plan = plan_of(
        {"top": "(a + b) * c", "other": {"formula": "c * (b + a)", "role": "health"}}
        | dict.fromkeys("abc")
    )
    assert plan.positions["top"] == plan.positions["other"]
    assert [op for op, _, _ in operations(plan)] == ["+", "*"]


@pytest.mark.parametrize(
    ("left", "right"),
    [("a - b", "b - a"), ("a / b", "b / a"), ("min(a, b)", "max(a, b)"), ("a < b", "a <= b")],
)
def test_what_differs_is_not_shared(left, right):
    choose = "1 if {} else 2" if "<" in left else "{}"
    plan = plan_of(
        {"top": choose.format(left), "other": choose.format(right), "a": None, "b": None}
    )
    assert plan.positions["top"] != plan.positions["other"]


def test_a_number_and_a_truth_are_different_constants():
    plan = plan_of({"top": "1 if a > b or is_missing(b) else 1 * 1", "a": None, "b": None})
    constants = [value for op, _, value in plan.instructions if op == "constant"]
    assert [type(value) for value in constants] == [float]


FOLDED = [
    ("2 * 3 + 4", [("constant", 10.0)]),
    ("1 / 0", [("constant", None)]),
    ("a + null", [("constant", None)]),
    ("a if 1 < 2 else b", [("input", "a")]),
    ("a if 1 > 2 else b", [("input", "b")]),
    ("coalesce(null, a)", [("input", "a")]),
    ("coalesce(2, a)", [("constant", 2.0)]),
    ("1 if is_missing(null) else a", [("constant", 1.0)]),
    ("1 if a > 0 or 2 > 1 else 2", [("constant", 1.0)]),
    ("1 if a > 0 and 2 < 1 else 2", [("constant", 2.0)]),
    ("clip(a, 2, 1)", [("constant", None)]),
    ("lag(null, 3)", [("constant", None)]),
    ("growth(2)", None),
]


@pytest.mark.parametrize(("formula", "expected"), FOLDED)
def test_constants_are_computed_by_the_plan(formula, expected):
    plan = plan_of({"top": formula, "a": None, "b": None}, ["top"])
    op, _, value = plan.instructions[plan.positions["top"]]
    if expected is None:  # the first period has nothing before it
        assert op == "-"
    else:
        assert [(op, value)] == expected
        used = {position for _, args, _ in plan.instructions for position in args}
        assert used == set()  # and nothing is left of what was folded


def test_missing_comes_out_where_a_constant_shows_that_a_value_must_be():
    plan = plan_of(
        {"top": "coalesce(a, null)", "other": "a if b > null * 1 else 3"} | dict.fromkeys("ab")
    )
    assert plan.instructions[plan.positions["top"]].op == "coalesce"
    assert plan.instructions[plan.positions["other"]] == ("constant", (), 3.0)


def test_the_last_use_of_each_instruction_is_known():
    plan = plan_of({"top": "(a + b) * (a - b)", "a": None, "b": None}, ["top", "a"])
    count = len(plan.instructions)
    last = plan.last_uses()
    assert len(last) == count
    for position in range(count):
        users = [at for at, (_, args, _) in enumerate(plan.instructions) if position in args]
        expected = count if position in plan.outputs else max(users, default=position)
        assert last[position] == expected


# --- kept and shared


def test_the_plan_of_the_same_targets_is_made_once():
    tree = MetricTree(north_star="top", metrics={"top": "a + 1", "a": None})._tree
    assert make_plan(tree) is make_plan(tree)
    assert make_plan(tree, ["top"]) is make_plan(tree, "top")
    assert make_plan(tree, iter(["top"])) is not make_plan(tree)


def test_a_tree_remembers_the_last_plans_only():
    names = [f"m{number}" for number in range(3 * KEPT)]
    tree = MetricTree(north_star="top", metrics={"top": " + ".join(names), **dict.fromkeys(names)})
    first = make_plan(tree._tree, names[:1])
    for name in names:
        make_plan(tree._tree, [name])
    assert len(tree._tree.plans) == KEPT
    assert make_plan(tree._tree, names[:1]) is not first


def test_a_plan_cannot_be_changed():
    plan = plan_of({"top": "a + 1", "a": None})
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.targets = ()
    with pytest.raises(TypeError):
        plan.positions["top"] = 0
    with pytest.raises(AttributeError):
        plan.instructions[0].op = "+"


@pytest.mark.parametrize("targets", ["tpo", ["tpo"], [None], 3])
def test_a_target_that_is_no_metric_is_refused(targets):
    with pytest.raises(UsageError, match="VAL107"):
        plan_of({"top": "a + 1", "a": None}, targets)


# --- meaning: a few lines run a plan, and give what the formulas mean


def run(plan, series):
    """Return the values of each instruction by period."""
    count = len(next(iter(series.values())))
    rows: list[list[Any]] = []
    for op, args, value in plan.instructions:
        operands = [rows[arg] for arg in args]
        if op == "input":
            rows.append(series[value])
        elif op == "constant":
            rows.append([value] * count)
        elif op in ("lag", "cumulative"):
            rows.append(over_time(op, operands[0], value or 0))
        else:
            cells = [[operand[at] for operand in operands] for at in range(count)]
            rows.append([apply(op, cell, value) for cell in cells])
    return rows


def meant(formula, series):
    """Return the values of a formula by period, node by node."""
    count = len(next(iter(series.values())))
    rows: list[list[Any]] = []
    for op, args, value, *_ in formula.nodes:
        operands = [rows[arg] for arg in args]
        if op == "ref":
            rows.append(series[value])
        elif op in ("number", "null"):
            rows.append([value if value is None else float(value)] * count)
        elif op == "call" and FUNCTIONS[value].over_time:
            periods = int(formula.nodes[args[1]].value) if len(args) > 1 else 1
            rows.append(over_time(value, operands[0], periods))
        else:
            name = value if op == "call" else op
            cells = [[operand[at] for operand in operands] for at in range(count)]
            rows.append([apply(name, cell, value) for cell in cells])
    return rows[-1]


@settings(max_examples=100)
@given(strategies.time_cases())
def test_a_plan_means_what_its_formulas_mean(case):
    tree = MetricTree(north_star="m0", metrics=case.metrics)._tree
    columns = {leaf: case.table.columns[case.renamed.get(leaf, leaf)] for leaf in strategies.LEAVES}
    for group in [*case.groups, []]:
        known: dict[str, list[float | None]] = {"k": [2.5] * len(group)}
        for leaf, cells in columns.items():
            known[leaf] = [
                None if cells[row] is None or math.isnan(cells[row]) else float(cells[row])
                for row in group
            ]
        for targets in (None, ["m1", "m7"]):
            plan = make_plan(tree, targets)
            rows = run(plan, {leaf: known[leaf] for leaf in plan.leaves} or known)
            expected = dict(known)
            for metric in plan.formulas:
                expected[metric] = meant(tree.formulas[metric], expected)
            for target in plan.targets:
                assert rows[plan.positions[target]] == expected[target], target


@pytest.mark.parametrize("function", ["rolling_sum", "rolling_mean", "rolling_min", "rolling_max"])
@pytest.mark.parametrize("periods", [1, 2, 3, 4, 5, 7, 8, 12, 13, 31])
def test_windows_are_made_of_few_operations_and_add_as_the_reference_does(function, periods):
    plan = plan_of({"top": f"{function}(a, {periods})", "a": None})
    series = [None if at == 5 else math.sin(at) * 10.0 ** (at % 7) for at in range(60)]
    found = run(plan, {"a": series})[plan.positions["top"]]
    assert found == over_time(function, series, periods)
    assert len(plan.instructions) <= 4 * periods.bit_length() + 3
    assert plan.over_time is (periods > 1)


def test_windows_share_what_they_have_in_common():
    plan = plan_of({"top": "rolling_sum(a, 8) / rolling_mean(a, 4)", "a": None})
    assert sum(op == "lag" for op, _, _ in plan.instructions) == 3


def test_metrics_are_planned_whatever_their_depth():
    count = 10 * sys.getrecursionlimit()
    metrics = {f"m{i}": f"m{i + 1} * 2 + a" for i in range(count)} | {f"m{count}": None, "a": None}
    plan = plan_of(metrics)
    assert len(plan.formulas) == count
    assert len(plan.instructions) == 2 * count + 3
    assert plan.instructions[plan.positions["m0"]].op == "+"
    assert plan.last_uses()[plan.positions["a"]] == len(plan.instructions)
