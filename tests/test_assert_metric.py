"""`assert_metric`: what tests in Python say of one metric."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from metrictree import ComputeError, MetricTree, MetricTreeError, UsageError
from metrictree.testing import assert_metric

TREE = MetricTree.from_yaml(
    """\
north_star: sales
metrics:
  sales: {formula: orders * price, unit: USD}
  orders: {formula: visits * rate, unit: order}
  trend: growth(orders)
  visits: {unit: visit}
  rate: {unit: order/visit, range: [0, 1]}
  price: {value: 30, unit: USD/order}
  share: orders / visits
"""
)
VISITS = {"visits": 200, "rate": 0.05}


class Fails(Fraction):
    """A number that gives none."""

    def __float__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("metric", "given", "expect", "tolerance"),
    [
        ("sales", VISITS, 300, None),
        ("sales", VISITS | {"price": 1}, 10, None),
        ("sales", {"orders": 5}, 150, None),
        ("sales", {"orders": 5}, Decimal(150), None),
        ("sales", {"orders": Fraction(1, 2), "price": np.float64(4)}, np.int64(2), None),
        ("sales", {"orders": None}, None, None),
        ("sales", {"orders": "missing"}, "missing", None),
        ("share", {"orders": 0, "visits": 0}, None, None),
        ("trend", {"orders": [4, 5, 6]}, [None, 0.25, 0.2], None),
        ("trend", {"orders": [4, "missing"]}, ("missing", None), None),
        ("sales", {"orders": [1, 2], "price": [3, None]}, [3, None], None),
        ("sales", {"orders": [1, 1], "price": 2}, 2, None),
        ("sales", {"orders": 5}, 151, 0.01),
        ("sales", {"orders": 5}, 150 + 1e-8, None),
        ("price", {}, 30, None),
    ],
)
def test_a_value_that_is_as_expected_passes(metric, given, expect, tolerance):
    assert_metric(TREE, metric, given=given, expect=expect, tolerance=tolerance)
    assert_metric(TREE.resolved, metric, given=given, expect=expect, tolerance=tolerance)


@pytest.mark.parametrize(
    ("metric", "given", "expect", "tolerance", "told"),
    [
        ("sales", VISITS, 301, None, "sales is 300 USD, expected 301 USD"),
        ("sales", {"orders": 5}, 155, 0.01, "sales is 150 USD, expected 155 USD"),
        ("sales", {"orders": 5}, 150.001, 0, "sales is 150"),
        ("sales", {"orders": 5}, None, None, "sales is 150 USD, expected missing"),
        ("sales", {"orders": None}, 0, None, "sales is missing"),
        ("trend", {"orders": [4, 5]}, [None, 0.5], None, "trend in period 2 is 0.25"),
    ],
)
def test_another_value_is_told_with_how_it_came_about(metric, given, expect, tolerance, told):
    with pytest.raises(AssertionError) as caught:
        assert_metric(TREE, metric, given=given, expect=expect, tolerance=tolerance)
    first, *others = str(caught.value).splitlines()
    assert first.startswith(told)
    assert any("how it came about" in line for line in others)
    assert "north_star: sales" not in str(caught.value)  # no line of the tree is quoted for it


@pytest.mark.parametrize(
    ("metric", "given", "expect", "kind", "code"),
    [
        ("sales", {}, 1, ComputeError, "VAL103"),
        ("sales", {"visits": 1}, 1, ComputeError, "VAL103"),
        ("sales", {"vists": 1, "rate": 1}, 1, ComputeError, "VAL101"),
        ("sales", {"visits": 1, "rate": 2}, 1, ComputeError, "VAL106"),
        ("sales", {"orders": "5"}, 1, ComputeError, "VAL104"),
        ("sales", {"orders": float("nan")}, 1, ComputeError, "VAL105"),
        ("sales", {"orders": [1, "2"]}, 1, ComputeError, "VAL104"),
        ("trend", {"orders": 5}, 1, ComputeError, "VAL108"),
        ("sales", [("orders", 5)], 1, ComputeError, "VAL101"),
        ("sale", {"orders": 5}, 1, UsageError, "VAL107"),
        (["sales"], {"orders": 5}, 1, UsageError, "VAL107"),
        ("sales", {"orders": 5}, np.bool_(True), UsageError, "VAL110"),
        ("sales", {"orders": 5}, b"1", UsageError, "VAL110"),
        ("sales", {"orders": 5}, Fails(), UsageError, "VAL110"),
        (3, {"orders": 5}, 1, UsageError, "VAL107"),
        ("sales", {"sales": 5}, 5, UsageError, "TST103"),
        ("sales", {"orders": 5}, "150", UsageError, "VAL110"),
        ("sales", {"orders": 5}, True, UsageError, "VAL110"),
        ("sales", {"orders": 5}, float("inf"), UsageError, "VAL110"),
        ("sales", {"orders": 5}, {"sales": 150}, UsageError, "VAL110"),
        ("sales", {"orders": [1, 2]}, [1, 2, 3], UsageError, "TST105"),
        ("sales", {"orders": [1, 2], "price": [1]}, 3, UsageError, "TST105"),
        ("sales", {"orders": []}, [], UsageError, "TST105"),
    ],
)
def test_a_call_without_meaning_is_refused(metric, given, expect, kind, code):
    with pytest.raises(MetricTreeError) as caught:
        assert_metric(TREE, metric, given=given, expect=expect)
    assert type(caught.value) is kind
    assert caught.value.diagnostics[0].code == code


@pytest.mark.parametrize("tolerance", [-0.1, 1, 5.0, float("nan"), "1 %", True])
def test_a_tolerance_is_a_share(tolerance):
    with pytest.raises(UsageError, match="the tolerance is"):
        assert_metric(TREE, "sales", given={"orders": 5}, expect=150, tolerance=tolerance)


def test_what_is_absent_is_named_with_what_to_do():
    with pytest.raises(ComputeError, match=r"'visits'.*'rate'") as caught:
        assert_metric(TREE, "sales", given={}, expect=1)
    fix = caught.value.diagnostics[0].fix
    assert fix == "write given={..., 'visits': NUMBER, 'rate': NUMBER}, or None for missing"


@pytest.mark.parametrize(
    ("tree", "advice"),
    [
        ("video.yml", "load it first: MetricTree.load('video.yml')"),
        (Path("video.yml"), "load it first: MetricTree.load('video.yml')"),
        (3, "give a MetricTree"),
        (None, "give a MetricTree"),
    ],
)
def test_what_is_no_tree_is_refused_with_what_to_do(tree, advice):
    with pytest.raises(UsageError, match="the tree is") as caught:
        assert_metric(tree, "sales", given={}, expect=1)
    assert advice in (caught.value.diagnostics[0].fix or "")


def test_a_misspelt_metric_shows_no_line_of_the_package(pytester):
    pytester.makepyfile(
        """
        from metrictree import MetricTree
        from metrictree.testing import assert_metric

        def test_it():
            tree = MetricTree(north_star="a", metrics={"a": 1})
            assert_metric(tree, "b", given={}, expect=1)
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(["*VAL107 'b' is no metric of the tree*"])
    result.stdout.no_fnmatch_line("*asserting.py*")


def test_what_fails_is_told_as_a_test_to_paste_that_fails_too() -> None:
    tree = MetricTree(
        north_star="rate",
        metrics={"rate": "orders * visits", "orders": None, "visits": None, "trend": "lag(orders)"},
    )
    for metric, given, expect in (
        ("rate", {"orders": 5, "visits": None}, 0.25),
        ("trend", {"orders": [1, 2]}, [None, 3]),
    ):
        with pytest.raises(AssertionError) as caught:
            assert_metric(tree, metric, given=given, expect=expect, tolerance=0.1)
        _, _, text = str(caught.value).partition("= as a test:\n")
        again = MetricTree.from_yaml(f"{tree.to_yaml()}tests:\n{text}\n").test()
        assert again.counts == {"passed": 0, "failed": 1, "broken": 0, "skipped": 0}
