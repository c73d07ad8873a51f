"""What is found in a tree without tests: planted faults, each once, and nothing in good trees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metrictree import MetricTree
from metrictree.testing.generated import generate

COUNT = {"range": [0, None]}
SHARE = {"unit": "ratio", "range": [0, 1]}


def tree_of(metrics: dict[str, Any], **document: Any) -> MetricTree:
    return MetricTree(north_star=next(iter(metrics)), metrics=metrics, **document)


def found(tree: MetricTree) -> list[str]:
    return [one.message for one in generate(tree.resolved)]


PLANTED: list[tuple[str, dict[str, Any], dict[str, Any], list[str]]] = [
    (
        "a division by zero",
        {"top": "2 * rate", "rate": "orders / visits", "orders": COUNT, "visits": COUNT},
        {},
        ["rate is missing when orders is 1 and visits is 0: division by zero"],
    ),
    (
        "each of two divisions",
        {"x": "a / b + c / d", "a": COUNT, "b": COUNT, "c": COUNT, "d": COUNT},
        {},
        [
            "x is missing when a is 1, b is 0, c is 1 and d is 1: division by zero",
            "x is missing when a is 1, b is 1, c is 1 and d is 0: division by zero",
        ],
    ),
    (
        "a zero that no formula names",
        {"x": "10 / (2 * a - 7)", "a": {"range": [0, 10]}},
        {},
        ["x is missing when a is 3.5: division by zero"],
    ),
    (
        "a range that is left in one corner only",
        {
            "x": {"formula": "a * (1 - b) * c * (1 - d)", "range": [0, 0.9]},
            "a": SHARE,
            "b": SHARE,
            "c": SHARE,
            "d": SHARE,
        },
        {},
        ["x is 1, outside of its range [0, 0.9], when a is 1, b is 0, c is 1 and d is 0"],
    ),
    (
        "a root of what may be negative",
        {"x": "sqrt(a - b)", "a": COUNT, "b": COUNT},
        {},
        ["x is missing when a is 1 and b is 2: outside of the function's domain"],
    ),
    (
        "growth from nothing",
        {"x": "growth(a)", "a": COUNT},
        {},
        ["x is missing when a is 0: division by zero"],
    ),
    (
        "a division by zero below what looks back",
        {"top": "growth(kept)", "kept": "a + a / b", "a": COUNT, "b": COUNT},
        {},
        [
            "kept is missing when a is 1 and b is 0: division by zero",
            "top is missing when kept is 0: division by zero",
        ],
    ),
    (
        "a sum of shares that is more than all",
        {"x": {"formula": "a + b", **SHARE}, "a": SHARE, "b": SHARE},
        {},
        ["x is 2, outside of its range [0, 1], when a is 1 and b is 1"],
    ),
    (
        "a ratio that may be negative, and does not say so",
        {
            "margin": {"formula": "profit / revenue", "unit": "ratio"},
            "profit": "revenue - cost",
            "revenue": {"range": [1, None]},
            "cost": COUNT,
        },
        {},
        ["margin has the unit ratio, and is -1 when revenue is 1 and cost is 2"],
    ),
    (
        "a sum named as a share",
        {"pay_share": "a_share + b_share", "a_share": SHARE, "b_share": SHARE},
        {},
        ["pay_share is named as a share, and is 2 when a_share is 1 and b_share is 1"],
    ),
    (
        "a metric below zero",
        {"x": {"formula": "a - b", **COUNT}, "a": COUNT, "b": COUNT},
        {},
        ["x is -1, outside of its range [0, any], when a is 1 and b is 2"],
    ),
    (
        "a choice without its condition",
        {"x": "10 if share > 0.5 else 0", "share": SHARE},
        {},
        [
            (
                "x is 0 when share is missing: a condition that is missing takes `else`, as if it "
                "were known"
            )
        ],
    ),
    (
        "units that cannot be added",
        {
            "x": {"formula": "a + b", "unit": "EUR"},
            "a": {"unit": "EUR", **COUNT},
            "b": {"unit": "USD", **COUNT},
        },
        {},
        ["EUR and USD cannot be added (UNI101)"],
    ),
    (
        "an influence against the formula",
        {"x": "a * b", "a": COUNT, "b": COUNT},
        {"influences": [{"from": "a", "to": "x", "elasticity": -1}]},
        [
            (
                "the influence of 'a' on 'x' is said to be negative, and by the formulas more 'a' "
                "means more 'x' (IM208)"
            )
        ],
    ),
    (
        "a cost that is added",
        {
            "profit": {"formula": "revenue + cost", "improves": "up"},
            "revenue": {"improves": "up", **COUNT},
            "cost": {"improves": "down", **COUNT},
        },
        {},
        [
            "less of cost is said to be good, and more of profit; but profit falls when cost falls",
        ],
    ),
    (
        "a share that is taken off two formulas below",
        {
            "kept": {"formula": "orders * rest", "improves": "up"},
            "rest": "1 - well_packed",
            "well_packed": {"improves": "up", **SHARE},
            "orders": {"improves": "up", **COUNT},
        },
        {},
        [
            (
                "more of well_packed is said to be good, and more of kept; but kept falls when "
                "well_packed rises"
            )
        ],
    ),
    (
        "a division by a share that should be a product",
        {
            "orders": {"formula": "visits / bought", "improves": "up"},
            "visits": {"improves": "up", **COUNT},
            "bought": {"improves": "up", "range": [0.01, 1], "unit": "ratio"},
        },
        {},
        [
            (
                "more of bought is said to be good, and more of orders; but orders falls when "
                "bought rises"
            )
        ],
    ),
    (
        "counts that may be negative",
        {"x": "a + b", "a": {"unit": "order"}, "b": {"unit": "order"}, "c": {"unit": "EUR"}},
        {},
        ["a counts things (order) and takes negative numbers; so do b"],
    ),
]


@pytest.mark.parametrize(
    ("metrics", "more", "told"), [p[1:] for p in PLANTED], ids=[p[0] for p in PLANTED]
)
def test_a_planted_fault_is_found_once_and_nothing_else_is(metrics, more, told):
    assert found(tree_of(metrics, **more)) == told


GOOD = {
    "a product": {"x": "a * b", "a": COUNT, "b": SHARE},
    "a share whose whole is never zero": {
        "x": {"formula": "a / b", **SHARE},
        "a": COUNT,
        "b": {"range": [1, None]},
    },
    "a division that is safe": {"x": "safe_div(a, b, 0)", "a": COUNT, "b": COUNT},
    "what is left of a share": {"x": {"formula": "1 - a", **SHARE}, "a": SHARE},
    "what is left of a quotient": {
        "x": {"formula": "1 - lost / all_of_them", **SHARE},
        "lost": COUNT,
        "all_of_them": {"range": [1, None]},
    },
    "a growth rate": {
        "x": {"formula": "growth(a)", "unit": "ratio"},
        "a": {"range": [1, None]},
    },
    "a difference that may be negative": {
        "x": {"formula": "a - b", "range": [None, None]},
        "a": COUNT,
        "b": COUNT,
    },
    "an end that only inputs could keep": {
        "x": {"formula": "a + b", "range": [0, 500]},
        "a": COUNT,
        "b": COUNT,
    },
    "a default for what is missing": {"x": "coalesce(a, 0) + 1", "a": COUNT},
    "a choice that looks whether it is missing": {
        "x": "null if is_missing(a) else (10 if a > 5 else 0)",
        "a": COUNT,
    },
    "an average that more customers dilute": {
        "x": {"formula": "orders / customers", "improves": "up", "unit": "order/customer"},
        "orders": {"improves": "up", "unit": "order", **COUNT},
        "customers": {"improves": "up", "unit": "customer", "range": [1, None]},
    },
    "an average over a sum": {
        "x": {"formula": "revenue / (first + repeated)", "improves": "up"},
        "revenue": COUNT,
        "first": {"improves": "up", "range": [1, None]},
        "repeated": {"improves": "up", "range": [1, None]},
    },
    "an average that they dilute two formulas below": {
        "x": {"formula": "rate * basket", "improves": "up"},
        "rate": SHARE,
        "basket": "revenue / orders",
        "revenue": COUNT,
        "orders": "first + repeated",
        "first": {"improves": "up", "range": [1, None]},
        "repeated": {"improves": "up", "range": [1, None]},
    },
    "a cost that is taken off": {
        "profit": {"formula": "revenue - cost", "improves": "up", "range": [None, None]},
        "revenue": {"improves": "up", **COUNT},
        "cost": {"improves": "down", **COUNT},
    },
    "a driver that helps another way": {
        "top": {"formula": "visits * rate", "improves": "up"},
        "rate": {"formula": "baskets / visits", "improves": "up"},
        "visits": {"improves": "up", "range": [1, None]},
        "baskets": COUNT,
    },
    "no formula at all": {"x": None},
}


@pytest.mark.parametrize("metrics", GOOD.values(), ids=GOOD)
def test_in_a_good_tree_nothing_is_found(metrics):
    assert found(tree_of(metrics)) == []


SAYS_SO = ("missing when", "is 0 when", "(UNI101)", "(IM208)")
"""What a pasted test says is meant so; other tests fail until it is repaired."""


@pytest.mark.parametrize(
    ("metrics", "more"), [p[1:3] for p in PLANTED], ids=[p[0] for p in PLANTED]
)
def test_each_finding_comes_with_a_test_that_runs_when_it_is_pasted(metrics, more):
    tree = tree_of(metrics, **more)
    for one in generate(tree.resolved):
        pasted = MetricTree.from_yaml(f"{tree.to_yaml()}tests:\n{one.test}\n")
        (outcome,) = pasted.test()
        passes = any(words in one.message for words in SAYS_SO)
        assert (outcome.status == "passed") == passes, outcome
        assert outcome.status != "broken"
        assert one.message not in found(pasted), "what a test speaks about is known"


def test_the_finding_stands_at_the_formula():
    tree = MetricTree.from_yaml("north_star: x\nmetrics:\n  x: a / b\n  a:\n  b:\n")
    (one,) = generate(tree.resolved)
    assert one.span is not None
    assert (one.metric, one.span.line, one.span.column) == ("x", 3, 6)
    assert "safe_div(a, b, 0)" in one.fix


def test_a_sentence_about_the_metric_is_knowledge_too():
    metrics = {"x": "a / b", "a": COUNT, "b": COUNT}
    tests = [{"name": "there", "property": "x is never missing when b > 0"}]
    assert found(tree_of(metrics, tests=tests)) == []


def test_rows_that_are_expected_to_be_missing_are_knowledge_too():
    metrics = {"rate": "10 / jobs", "jobs": {"measure": {"source": "s", "aggregate": "count()"}}}
    rows = {"given_rows": {"s": [{"day": "2026-01-05"}]}, "given": {"jobs": 0}}
    test = {"name": "none", **rows, "expect_rows": [{"rate": "missing"}]}
    sources = {"s": {"path": "s.csv", "time": "day"}}
    assert len(found(tree_of(metrics, sources=sources))) == 1
    assert found(tree_of(metrics, sources=sources, tests=[test])) == []


def test_what_spoils_a_metric_below_is_not_told_of_those_above():
    metrics = {
        "top": {"formula": "1 / both", "unit": "ratio"},
        "both": {"formula": "a + b", **SHARE},
        "a": {"unit": "ratio", "range": [0.5, 1]},
        "b": {"unit": "ratio", "range": [0.6, 1]},
    }
    assert [one.metric for one in generate(tree_of(metrics).resolved)] == ["both"]


def test_a_formula_of_one_period_stands_beside_one_that_looks_back():
    metrics = {"x": "a / b", "a": COUNT, "b": COUNT, "late": "rolling_sum(a, 5) + lag(x, 2)"}
    assert found(tree_of(metrics)) == [
        "x is missing when a is 1 and b is 0: division by zero",
    ]


def test_the_same_tree_gives_the_same_findings():
    tree = tree_of(PLANTED[1][1])
    assert generate(tree.resolved) == generate(tree.resolved)


EXAMPLES = [
    path
    for path in sorted(Path(__file__).parent.parent.glob("examples/**/*.yml"))
    if "inputs" not in path.parts and not path.name.endswith(".metrictest.yml")
]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_can_be_looked_through(path):
    for one in generate(MetricTree.load(path).resolved):
        assert one.metric in one.message
        assert one.test.startswith("  - name: ")
