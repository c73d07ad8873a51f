"""What is counted is per period of the run, whatever period the tree declares."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from metrictree import ComputeError, MetricTree
from tests.small_trees import tree_in

if TYPE_CHECKING:
    from pathlib import Path

GRAINS = ("day", "week", "month", "quarter", "year", "all")


def measured(aggregate: str, unit: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {"measure": {"source": "orders", "aggregate": aggregate}}
    return body | ({"unit": unit} if unit else {})


def shop(folder: Path, **more: Any) -> MetricTree:
    metrics: dict[str, dict[str, Any]] = {
        "orders": measured("count()", "order/month"),
        "revenue": measured("sum(amount)", "USD/month"),
        "countries": measured("count_distinct(country)", "country/month"),
        "largest": measured("max(amount)", "USD/month"),
        "usual": measured("median(amount)", "USD/month"),
        "amounts": measured("count(amount)", "order"),
        "lines": measured("count()", None),
        "order_value": {"formula": "revenue / orders", "unit": "USD/order"},
        "net": {"formula": "0.8 * revenue", "unit": "USD/month"},
        "plan": {"value": 100, "unit": "order/month"},
        **more,
    }
    for name, body in metrics.items():
        if name != "orders":
            body["role"] = "health"
    tree = {
        "north_star": "orders",
        "sources": {"orders": {"path": "orders.csv", "time": "day", "dimensions": ["country"]}},
        "metrics": metrics,
    }
    return tree_in(folder, json.dumps(tree))


def unit_in_run(tree: MetricTree, metric: str, grain: str) -> str | None:
    return tree.run([metric], grain=grain).shown[metric].unit


def refused(tree: MetricTree, metric: str, grain: str) -> Any:
    with pytest.raises(ComputeError) as caught:
        tree.run([metric], grain=grain)
    (problem,) = caught.value.diagnostics
    assert problem.code == "SRC122"
    return problem


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize(
    ("metric", "counted"),
    [("orders", "order"), ("revenue", "USD"), ("countries", "country"), ("net", "USD")],
)
def test_what_is_counted_or_added_up_is_per_period_of_the_run(
    tmp_path: Path, metric: str, counted: str, grain: str
) -> None:
    expected = counted if grain == "all" else f"{counted}/{grain}"
    assert unit_in_run(shop(tmp_path), metric, grain) == expected


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize(
    ("metric", "unit"),
    [
        ("largest", "USD/month"),
        ("usual", "USD/month"),
        ("amounts", "order"),
        ("lines", None),
        ("order_value", "USD/order"),
    ],
)
def test_other_units_stay_as_they_are(
    tmp_path: Path, metric: str, unit: str | None, grain: str
) -> None:
    assert unit_in_run(shop(tmp_path), metric, grain) == unit


@pytest.mark.parametrize(
    ("formula", "declared", "by_quarter"),
    [
        ("orders * 2", "order/month", "order/quarter"),
        ("orders * 2", None, None),
        ("orders / countries", "order/country", "order/country"),
        ("net / revenue", "%", "%"),
        ("revenue / 1000", "kUSD/month", "kUSD/quarter"),
        ("orders * share", "parcel/month", "parcel/quarter"),
        ("orders / customers", "order/customer/month", "order/customer/quarter"),
        ("orders / plan_by_quarter", "score", "score"),
        ("orders * guess", "order/month", None),
        ("orders * guess", "%", "%"),
        ("lines * 2", "line/month", None),
        ("lines * 2", "line/quarter", "line/quarter"),
        ("lines / amounts", "ratio", "ratio"),
        ("amounts * 2", "order/month", None),
        ("amounts * per_month", "USD/month", "USD/month"),
        ("plan * 2 + 0 * orders", "order/month", "order/month"),
        ("growth(orders)", "%", "%"),
        ("rolling_sum(orders, 3)", "order/quarter", "order/quarter"),
        ("rolling_sum(orders, 3)", "order/month", None),
        ("rolling_mean(orders, 2)", "order/month", "order/quarter"),
    ],
)
def test_a_formula_has_the_unit_that_it_has_at_the_grain(
    tmp_path: Path, formula: str, declared: str | None, by_quarter: str | None
) -> None:
    tree = shop(
        tmp_path,
        made={"formula": formula} | ({"unit": declared} if declared else {}),
        share={"value": 0.5, "unit": "ratio"},
        customers={"value": 10, "unit": "customer"},
        plan_by_quarter={"value": 300, "unit": "order/quarter"},
        per_month={"value": 3, "unit": "USD/order/month"},
        guess={"value": 3},
    )
    assert unit_in_run(tree, "made", "quarter") == by_quarter


@pytest.mark.parametrize(
    ("formula", "declared", "marked", "said"),
    [
        ("orders - plan", None, "plan", "order/quarter and order/month cannot be subtracted"),
        ("orders - plan", "order/month", "plan", "order/quarter and order/month"),
        ("max(0, orders, plan)", None, "plan", "max() cannot choose between order/quarter and"),
        ("1 if orders > plan else 0", None, "plan", "cannot be compared"),
        ("orders / plan", "%", "orders / plan", "its formula gives month/quarter"),
        ("orders / plan", None, "orders / plan", "its formula gives month/quarter"),
        ("orders * months", "order", "orders * months", "its formula gives month*order/quarter"),
        ("orders * 12", "order/year", "orders * 12", "it is declared as order/year"),
    ],
)
def test_a_run_does_not_mix_its_period_with_another_one(
    tmp_path: Path, formula: str, declared: str | None, marked: str, said: str
) -> None:
    body = {"formula": formula} | ({"unit": declared} if declared else {})
    tree = shop(tmp_path, made=body, months={"value": 3, "unit": "month"})
    problem = refused(tree, "made", "quarter")
    assert problem.message.startswith(
        "the run counts 'orders' per quarter (order/quarter), and 'made' is made for order/month: "
    )
    assert said in problem.message
    assert problem.fix.startswith("choose the grain month, give and declare per quarter what")
    assert (problem.metric, problem.path) == ("made", "metrics.made.formula")
    span = problem.span
    assert span.text[span.column - span.text_column : span.end_column - span.text_column] == marked
    assert tree.run(["made"], grain="month").shown["made"].unit == declared


def test_over_all_time_a_plan_per_month_is_mixed_too(tmp_path: Path) -> None:
    tree = shop(tmp_path, made={"formula": "orders / plan", "unit": "%"})
    problem = refused(tree, "made", "all")
    assert "over all time (order)" in problem.message
    assert problem.fix == "choose the grain month, or choose other targets"


def test_every_formula_that_mixes_periods_is_told_and_what_is_made_of_it_is_not(
    tmp_path: Path,
) -> None:
    tree = shop(
        tmp_path,
        gap={"formula": "orders - plan", "unit": "order/month"},
        share={"formula": "orders / plan", "unit": "%"},
        twice={"formula": "gap * 2 + share * plan", "unit": "order/month"},
    )
    with pytest.raises(ComputeError) as caught:
        tree.run(grain="week")
    assert [problem.metric for problem in caught.value.diagnostics] == ["gap", "share"]


def test_a_plan_of_a_run_is_refused_as_the_run_is(tmp_path: Path) -> None:
    tree = shop(tmp_path, made={"formula": "orders - plan"})
    with pytest.raises(ComputeError, match="SRC122"):
        tree.run_plan(["made"], grain="quarter")


def test_other_targets_of_the_tree_can_be_run(tmp_path: Path) -> None:
    tree = shop(tmp_path, made={"formula": "orders - plan"})
    assert unit_in_run(tree, "net", "quarter") == "USD/quarter"


def test_what_is_mixed_in_the_tree_may_be_right_at_a_grain(tmp_path: Path) -> None:
    tree = shop(
        tmp_path,
        made={"formula": "orders - plan_by_quarter"},
        plan_by_quarter={"value": 300, "unit": "order/quarter"},
    )
    assert [row[-1] for row in tree.run(["made"], grain="quarter").rows] == [-299.0, -296.0]


def test_a_table_shows_the_unit_at_the_grain(tmp_path: Path) -> None:
    result = shop(tmp_path).run(["orders", "net"], grain="quarter")
    result.write(tmp_path / "out.md")
    head = (tmp_path / "out.md").read_text(encoding="utf-8").splitlines()[0]
    assert "orders (order/quarter)" in head
    assert "net (USD/quarter)" in head
    assert "orders (order/quarter)" in result._repr_html_()
