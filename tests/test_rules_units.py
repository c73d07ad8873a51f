"""Rules about units: at their place in the formula, with the units as data."""

from __future__ import annotations

import pytest

from metrictree import MetricTree
from tests.lint_rows import DAY, agrees, found, places


def tree(formula: str, units: str, unit: str | None = None) -> str:
    """Return a tree whose North Star has a formula, and whose inputs have units."""
    star = (
        f'{{formula: "{formula}"}}' if unit is None else f'{{formula: "{formula}", unit: {unit}}}'
    )
    inputs = "".join(
        f"  {name}:{f' {{unit: {known!r}}}' if known else ''}\n"
        for name, _, known in (pair.partition("=") for pair in units.split())
    )
    return f"north_star: x\nmetrics:\n  x: {star}\n{inputs}"


REPORTED = [
    ("UNI101", "error", "USD and EUR cannot be added", tree("a + >>b", "a=USD b=EUR")),
    ("UNI101", "error", "USD and user cannot be added", tree("a * 2 + >>b", "a=USD b=user")),
    ("UNI101", "error", "ratio and user cannot be subtracted", tree("a - >>b", "a=ratio b=user")),
    ("UNI101", "error", "cannot be compared", tree("1 if a > >>b else 0", "a=USD b=EUR")),
    ("UNI101", "error", "an exchange rate", tree("sum(a, a, >>b)", "a=USD b=EUR")),
    ("UNI102", "error", "its formula gives USD/order", tree("a / b", "a=USD b=order", ">>USD")),
    ("UNI102", "error", "declare `unit: order/USD`", tree("b / a", "a=USD b=order", ">>USD/order")),
    ("UNI102", "error", "divide the formula by 60", tree("a", "a=minute", ">>hour")),
    ("UNI102", "error", "gives order/week", tree("a", "a=order/week", ">>order/month")),
    ("UNI102", "error", "found: USD/order", tree("a / b", "a=USD b=order", ">>ratio")),
    (
        "UNI102",
        "error",
        "its measure counts rows",
        (
            "north_star: x\nsources: {s: {path: s.csv}}\nmetrics:\n"
            "  x: {measure: {source: s, aggregate: count()}, unit: >>USD}\n"
        ),
    ),
    ("UNI105", "advice", "gives visit", tree("a * b", "a=visit b=ratio", ">>order")),
    ("UNI105", "advice", "gives visit/week", tree("a * b", "a=visit/week b=%", ">>order/week")),
    ("UNI105", "advice", "display: percent", tree("a / b", "a=order b=visit", ">>'%'")),
    ("UNI105", "advice", "display: percent", tree("a / b", "a=order b=visit", ">>ratio")),
    ("UNI105", "advice", "`unit: order/visit`", tree("b * a", "a=visit b=ratio", ">>order")),
    ("UNI106", "error", "leave out the 100", tree("100 * a / b", "a=visit b=visit", ">>'%'")),
    ("UNI106", "error", "multiplies by 100", tree("a / b * 100", "a=visit b=visit", ">>'%'")),
    ("UNI106", "error", "5 %", tree("a * 100", "a=ratio", ">>'%'")),
    ("UNI106", "error", "5 %", tree("100 * a / b", "a=order b=visit", ">>percent")),
    ("UNI106", "error", "5 %", tree("100 * (a / b)", "a=visit b=visit", ">>percentage")),
]

ACCEPTED = [
    ("UNI101", tree("a + b", "a=USD b=USD")),
    ("UNI101", tree("a + b * c", "a=USD b=EUR c=USD/EUR")),
    ("UNI101", tree("a + b", "a=USD b=")),
    ("UNI101", tree("1 - a", "a=ratio")),
    ("UNI101", tree("a + b", "a= b=")),
    ("UNI102", tree("a / b", "a=USD b=order", "USD/order")),
    ("UNI102", tree("a / b", "a=USD b=", "USD/order")),
    ("UNI102", tree("a / 60", "a=minute", "hour")),
    ("UNI105", tree("a * b", "a=visit b=order/visit", "order")),
    ("UNI106", tree("a / b", "a=visit b=visit", "'%'")),
    ("UNI106", tree("100 * a / b", "a=visit b=order")),
]


@pytest.mark.parametrize(("code", "severity", "words", "marked"), REPORTED)
def test_units_that_contradict_each_other_are_told_at_their_place(code, severity, words, marked):
    finding = agrees(code, marked, DAY, severity, words)
    assert (finding.metric, finding.confidence) == ("x", "derived")


@pytest.mark.parametrize(("code", "text"), ACCEPTED)
def test_units_that_agree_or_are_not_known_are_left_alone(code, text):
    assert found(code, text) == []


def test_every_clash_of_a_formula_is_told():
    marked = tree("(a + >>b) / (c - >>d)", "a=USD b=EUR c=user d=order")
    spans = [one.span for one in found("UNI101", marked)]
    assert [(span.line, span.column) for span in spans if span] == places(marked)


def test_units_are_told_as_data():
    (finding,) = found("UNI102", tree("a / b", "a=USD b=order", "USD"))
    assert [(one.fact, one.value) for one in finding.evidence] == [
        ("unit", "USD"),
        ("unit", "USD/order"),
    ]


def test_a_tree_made_in_python_has_places_too():
    made = MetricTree(
        north_star="x", metrics={"x": "a + b", "a": {"unit": "USD"}, "b": {"unit": "EUR"}}
    )
    (finding,) = made.lint(select="UNI")
    assert str(finding.span) == "metrics.x.formula:1:5"


def test_a_formula_of_an_included_file_is_marked_there(tmp_path):
    tmp_path.joinpath("y.yml").write_text(
        "metrics: {s: p + q, p: {unit: USD}, q: {unit: EUR}}\n", encoding="utf-8"
    )
    tmp_path.joinpath("tree.yml").write_text(
        "include: {y: y.yml}\nnorth_star: x\nmetrics: {x: y.s}\n", encoding="utf-8"
    )
    (finding,) = MetricTree.load(tmp_path / "tree.yml").lint(select="UNI101")
    assert finding.metric == "y.s"
    assert str(finding.span) == f"{tmp_path / 'y.yml'}:1:18"


@pytest.mark.parametrize(
    ("unit", "high", "count"), [("%", 100, 1), ("percent", 100, 1), ("%", 1, 0), ("ratio", 100, 0)]
)
def test_a_percentage_whose_range_ends_at_100_is_counted_wrongly(unit, high, count):
    share = {"unit": unit, "range": [0, high]}
    tree = MetricTree(north_star="a", metrics={"a": "share * 2", "share": share})
    assert len(tree.lint(select=["UNI106"])) == count
