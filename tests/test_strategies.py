"""Strategies for people who test their trees: inputs, frames, whole trees, and tests as YAML."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import find, given, settings, strategies as st

from metrictree import Metric, MetricTree, MissingExtraError, UsageError, documents
from metrictree.schema import TestCase
from metrictree.testing import strategies
from metrictree.testing.domains import domain_of
from metrictree.testing.strategies import frames, inputs, trees
from metrictree.testing.yaml_case import yaml_case

SHOP = MetricTree(
    north_star="sales",
    metrics={
        "sales": "orders * price * share + bonus",
        "orders": {"unit": "order/week"},
        "price": {"unit": "EUR/order", "range": [0.5, 200]},
        "share": {"unit": "%"},
        "balance": {"unit": "EUR", "range": [None, None]},
        "late": {"unit": "hour/order"},
        "bonus": 5,
        "growing": {"formula": "growth(orders)", "role": "health"},
    },
)


# --- inputs


@settings(deadline=None)
@given(inputs(SHOP, ["sales", "late", "balance"]))
def test_inputs_lie_in_their_ranges_and_have_what_their_units_ask_for(values):
    assert sorted(values) == ["balance", "late", "orders", "price", "share"]
    assert values["orders"] >= 0
    assert values["orders"].is_integer()
    assert 0.5 <= values["price"] <= 200
    assert 0 <= values["share"] <= 1
    assert values["late"] >= 0
    assert SHOP.compute(values, ["sales"])["sales"] is not None


def test_a_range_without_ends_gives_negative_numbers_too():
    assert find(inputs(SHOP, ["balance"]), lambda values: values["balance"] < 0)["balance"] == -1


@pytest.mark.parametrize("ends", [[1e308, 1.7e308], [-1.7e308, 1.7e308], [None, -1.7e308]])
def test_a_range_up_to_the_largest_numbers_is_drawn_from(ends):
    tree = MetricTree(
        north_star="double",
        metrics={"double": "x / 2 + 1", "x": {"range": ends}},
        tests=[{"name": "it", "property": "double increases with x"}],
    )
    value = find(inputs(tree, ["x"]), lambda _: True, settings=settings(database=None))["x"]
    assert value is not None
    assert (ends[0] or -math.inf) <= value <= ends[1]
    assert tree.test().counts["broken"] == 0


def test_inputs_are_only_what_the_targets_need():
    assert find(inputs(SHOP, ["late"]), lambda _: True) == {"late": 0}


def test_inputs_may_be_missing_if_that_is_asked_for():
    def all_missing(values: dict[str, Any]) -> bool:
        return set(values.values()) == {None}

    tree = MetricTree(north_star="x", metrics={"x": "a + b", "a": None, "b": None})
    assert find(inputs(tree, missing=True), all_missing) == {"a": None, "b": None}
    assert find(inputs(tree, missing=True), lambda _: True) == {"a": 0, "b": 0}
    assert None not in find(inputs(tree), lambda _: True).values()


def test_what_fails_is_shown_with_simple_numbers():
    def is_against(values: dict[str, Any]) -> bool:
        return bool(values["orders"] * values["price"] > 100 and values["share"] > 0.5)

    found: dict[str, Any] = find(inputs(SHOP, ["sales"]), is_against)
    assert found["share"] == 1
    assert found["price"].is_integer()
    assert found["orders"] * found["price"] <= 200


def test_numbers_are_those_that_people_write():
    @settings(max_examples=200, deadline=None)
    @given(inputs(SHOP, ["sales", "late"]))
    def check(values: dict[str, float]) -> None:
        for value in values.values():
            assert value == round(value, 2)

    check()


@pytest.mark.parametrize(
    ("body", "domain"),
    [
        ({"unit": "order"}, (0, 1e6, True)),
        ({"unit": "customer/month"}, (0, 1e6, True)),
        ({"unit": "order/customer"}, (0, 1e6, False)),
        ({"unit": "EUR"}, (0, 1e6, False)),
        ({"unit": "hour"}, (0, 1e6, False)),
        ({"unit": "point"}, (0, 1e6, False)),
        ({"unit": "ratio"}, (0, 1, False)),
        ({"unit": "ratio", "range": [0, None]}, (0, 1e6, False)),
        ({"unit": "order", "range": [2.5, 7.5]}, (3, 7, True)),
        ({"unit": "order", "range": [0.2, 0.8]}, (0.2, 0.8, False)),
        ({"range": [None, -5]}, (-1e6 - 5, -5, False)),
        ({"range": [None, 5]}, (-1e6, 5, False)),
        ({}, (0, 1e6, False)),
    ],
    ids=str,
)
def test_a_range_or_else_a_unit_says_what_values_a_metric_has(body, domain):
    found = domain_of(Metric(**body))
    assert (found.low, found.high, found.whole) == domain
    assert all(corner in found for corner in found.corners([0.5, 100, 3]))
    assert all(found.typical(position) in found for position in range(8))


@settings(deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.booleans(), st.data())
def test_drawn_numbers_are_in_any_domain(low, size, whole, data):
    domain = domain_of(Metric(range=(low, low + size), unit="order" if whole else None))
    assert domain.typical(0) in domain
    assert data.draw(strategies.numbers(domain)) in domain


# --- frames


@pytest.mark.parametrize(
    "library", ["pandas", "polars", "polars-lazy", "pyarrow", "duckdb", "ibis"]
)
def test_frames_of_every_library_can_be_computed_on(library):
    pytest.importorskip(library.partition("-")[0])

    @settings(max_examples=8, deadline=None)
    @given(frames(SHOP, library, ["sales"], missing=True))
    def plain(frame: Any) -> None:
        assert "sales" in _columns(SHOP.compute(frame, ["sales"]))

    @settings(max_examples=8, deadline=None)
    @given(frames(SHOP, library, time="day", by=["shop"]))
    def over_time(frame: Any) -> None:
        made = SHOP.compute(frame, time="day", by=["shop"], grain="day")
        assert {"growing", "shop", "day"} <= _columns(made)

    plain()
    over_time()


def _columns(frame: Any) -> set[str]:
    if hasattr(frame, "collect_schema"):
        return set(frame.collect_schema().names())
    names = getattr(frame, "column_names", None)  # PyArrow has its columns elsewhere
    return set(frame.columns if names is None else names)


def test_frames_without_times_are_refused_where_formulas_look_back():
    with pytest.raises(UsageError, match="'growing' looks at earlier periods") as caught:
        frames(SHOP)
    assert 'time="day"' in str(caught.value)


def test_frames_without_a_column_are_refused():
    tree = MetricTree(north_star="double", metrics={"double": "2 * x", "x": 4})
    with pytest.raises(UsageError, match="need no input"):
        frames(tree)


def test_an_unknown_library_is_refused_with_those_that_there_are():
    with pytest.raises(UsageError, match="did you mean polars"):
        frames(SHOP, "polar")
    with pytest.raises(
        UsageError, match="pandas, polars, polars-lazy, pyarrow, duckdb, ibis, pyspark"
    ):
        frames(SHOP, "excel")


def test_a_library_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingExtraError, match="pip install polars"):
        frames(SHOP, "polars", ["sales"])


def test_without_hypothesis_the_extra_is_named():
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "from metrictree import MetricTree, MissingExtraError\n"
        "tree = MetricTree(north_star='x', metrics={'x': 'a', 'a': None},\n"
        "                  tests=[{'name': 'n', 'property': 'x increases with a'}])\n"
        "print(*[str(problem) for problem in tree.test()[0].problems])\n"
        "try:\n"
        "    import metrictree.testing.strategies\n"
        "except MissingExtraError as error:\n"
        "    print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.count('pip install "metrictree[test]"') == 2


# --- trees


@settings(deadline=None)
@given(trees(over_time=True))
def test_drawn_trees_are_sound_and_survive_being_written(document):
    tree = MetricTree(**document)
    assert MetricTree.from_yaml(tree.to_yaml()).spec == tree.spec
    assert tree.graph.below([tree.north_star.metric])


@settings(deadline=None)
@given(trees(), st.data())
def test_drawn_trees_can_be_computed_on_drawn_inputs(document, data):
    tree = MetricTree(**document)
    values = data.draw(inputs(tree, missing=True))
    assert set(tree.compute(values)) == set(tree.metrics)


@settings(max_examples=50, deadline=None)
@given(trees(), st.data())
def test_drawn_trees_mean_the_same_on_drawn_frames_and_on_their_rows(document, data):
    pytest.importorskip("polars")
    tree = MetricTree(**document)
    frame = data.draw(frames(tree, "polars", missing=True))
    star = tree.north_star.metric
    for row, value in zip(frame.to_dicts(), tree.compute(frame, [star])[star], strict=True):
        needed = {name: cell for name, cell in row.items() if name in tree.metrics}
        alone = tree.compute(needed, [star])[star]
        assert alone == (value if value is None else pytest.approx(value, rel=1e-12))


# --- tests as YAML

_number = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))
_value = st.one_of(
    _number, st.none(), st.lists(st.one_of(_number, st.none()), min_size=1, max_size=4)
)
_values = st.dictionaries(st.sampled_from(["a", "b", "shop.orders"]), _value, min_size=1)
_text = st.text(min_size=1, max_size=30).filter(str.strip)
_tests = st.fixed_dictionaries(
    {"name": _text},
    optional={
        "given": _values,
        "expect": _values,
        "property": _text,
        "error": st.just("VAL106"),
        "tags": st.lists(_text, max_size=2, unique=True),
        "cases": st.lists(st.fixed_dictionaries({"given": _values}), min_size=1, max_size=2),
        "given_rows": st.dictionaries(
            _text,
            st.lists(st.dictionaries(_text, st.one_of(_number, _text, st.none(), st.dates()))),
            min_size=1,
            max_size=2,
        ),
    },
)


def _without_null(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_null(one) for one in value]
    return "missing" if value is None else value


@settings(deadline=None)
@given(st.lists(_tests, min_size=1, max_size=3))
def test_a_test_is_read_back_from_its_yaml(tests):
    text = "tests:\n" + "\n".join(map(yaml_case, tests)) + "\n"
    read = documents.parse(text, "tests.yml")
    wanted = []
    for test in tests:
        plain = dict(test)
        for part in (plain, *plain.get("cases", ())):
            for field in ("given", "expect"):
                if field in part:
                    part[field] = {name: _without_null(one) for name, one in part[field].items()}
        wanted.append(TestCase.model_validate(plain))
    assert [TestCase.model_validate(one) for one in read.data["tests"]] == wanted


def test_a_test_is_written_as_people_write_it():
    text = yaml_case(
        {
            "expect": {"rate": None, "sales": 12000.0},
            "name": "no visits, no rate",
            "given": {"visits": 0.0, "orders": 2.5},
            "tags": ("daily",),
        }
    )
    assert text.splitlines() == [
        "  - name: no visits, no rate",
        "    given: {visits: 0, orders: 2.5}",
        "    expect: {rate: missing, sales: 12000}",
        "    tags: [daily]",
    ]
