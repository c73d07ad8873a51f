"""Laws of units that hold whatever the units are."""

from __future__ import annotations

import functools
from typing import Any

from hypothesis import assume, given, strategies as st

from metrictree import MetricTree
from metrictree.unit_inference import InferredUnits, infer_units
from metrictree.units import RATIO, Unit, parse_unit
from tests.strategies import NAMES, formulas, text_of

WORDS = ("USD", "EUR", "order", "customer", "hour", "minute", "kg", "week", "month", "index", "kWh")
units = st.lists(st.tuples(st.sampled_from(WORDS), st.integers(-3, 3)), max_size=4).map(
    lambda powers: functools.reduce(
        lambda unit, one: unit * parse_unit(one[0]) ** one[1], powers, RATIO
    )
)
UNITS = ("%", "USD", "order", "order/USD", "score", "hour", "minute", "index", "kg")
declared = st.fixed_dictionaries(dict.fromkeys(NAMES, st.one_of(st.none(), st.sampled_from(UNITS))))


def units_of(formula: str, declared: dict[str, str | None]) -> InferredUnits:
    metrics: dict[str, Any] = {name: {"unit": unit} for name, unit in declared.items()}
    return infer_units(MetricTree(north_star="top", metrics={"top": formula, **metrics})._tree)


def outcome(formula: str, declared: dict[str, str | None]) -> tuple[Unit | None, bool]:
    """Return the unit of a formula, and whether it has a fault."""
    found = units_of(formula, declared)
    return found.inferred["top"], bool(found.faults)


@given(units, units, units)
def test_products_of_units_may_be_taken_in_any_order(a: Unit, b: Unit, c: Unit) -> None:
    assert a * b == b * a
    assert (a * b) * c == a * (b * c)
    assert a / (b * c) == a / b / c


@given(units, units)
def test_what_stands_above_and_below_the_line_cancels(a: Unit, b: Unit) -> None:
    assert a * b / b == a
    assert (a / a).is_ratio
    assert a.inverse().inverse() == a
    assert a * RATIO == a


@given(units, st.integers(-3, 3), st.integers(-3, 3))
def test_powers_multiply_and_add_up(a: Unit, m: int, n: int) -> None:
    assert a**m * a**n == a ** (m + n)
    assert (a**m) ** n == a ** (m * n)


@given(units)
def test_a_unit_is_read_as_it_was_printed(unit: Unit) -> None:
    assert parse_unit(str(unit)) == unit


@given(units, units)
def test_sizes_multiply_as_units_do(a: Unit, b: Unit) -> None:
    assert (a * b).size == a.size * b.size
    assert (a * b).base == a.base * b.base
    assert a.base.size == 1


@st.composite
def _sums(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Draw terms, and bracketings of their sum as texts."""
    simple = st.sampled_from(
        [*NAMES, "a / 60", "60 * b", "0 * c", "1", "visits_2 / 3600", "a * b", "2 * orders / 60"]
    )
    terms = draw(st.lists(simple, min_size=3, max_size=5))
    shuffled = draw(st.permutations(terms))
    right = functools.reduce(lambda after, term: f"{term} + ({after})", reversed(shuffled[:-1]),
                             shuffled[-1])  # fmt: skip
    middle = len(terms) // 2
    return terms, [
        " + ".join(shuffled),
        right,
        f"({' + '.join(terms[:middle])}) + ({' + '.join(terms[middle:])})",
        f"sum({', '.join(shuffled)})",
        f"max({', '.join(shuffled)})",
    ]


@given(_sums(), declared)
def test_the_order_and_the_brackets_of_a_sum_do_not_matter(
    sums: tuple[list[str], list[str]], declared: dict[str, str | None]
) -> None:
    terms, others = sums
    expected = outcome(" + ".join(terms), declared)
    assert [outcome(other, declared) for other in others] == [expected] * len(others)


@given(st.lists(st.sampled_from([*NAMES, "60", "(a / 24)"]), min_size=3, max_size=5), declared)
def test_the_order_and_the_brackets_of_a_product_do_not_matter(
    factors: list[str], declared: dict[str, str | None]
) -> None:
    first, *rest = factors
    expected = outcome(" * ".join(factors), declared)
    assert outcome(" * ".join(reversed(factors)), declared) == expected
    assert outcome(f"{first} * ({' * '.join(rest)})", declared) == expected


@given(formulas, declared)
def test_multiplying_and_dividing_by_the_same_metric_changes_no_unit(
    drawn: Any, declared: dict[str, str | None]
) -> None:
    declared = declared | {"a": "order"}
    formula = text_of(drawn)
    before = units_of(formula, declared)
    assume(before.inferred["top"] is not None)
    after = units_of(f"({formula}) * a / a", declared)
    assert after.inferred["top"] == before.inferred["top"]
    assert len(after.faults) == len(before.faults)


@given(
    st.sampled_from([("minute", "hour", 60), ("kg", "t", 1000), ("month", "year", 12),
                     ("day", "week", 7), ("USD", "kUSD", 1000), ("second", "minute", 60)]),
    st.sampled_from(["", "/order", "*customer"]),
)  # fmt: skip
def test_a_conversion_there_and_back_makes_one_unit(units: tuple[str, str, int], rest: str) -> None:
    small, large, factor = units
    given: dict[str, str | None] = {"a": small + rest, "b": large + rest}
    assert outcome(f"a / {factor} + b", given) == (parse_unit(large + rest), False)
    assert outcome(f"b * {factor} + a", given) == (parse_unit(small + rest), False)
    assert outcome(f"a / {factor} * {factor} + a", given)[1] is False
    assert outcome("a + b", given) == (None, True)
    assert outcome(f"a / {factor + 1} + b", given) == (None, True)


@given(formulas, declared, st.sampled_from(NAMES), st.sampled_from(["USD", "hour", "%", "score"]))
def test_declaring_one_more_unit_makes_no_known_unit_another_one(
    drawn: Any, declared: dict[str, str | None], name: str, unit: str
) -> None:
    formula = text_of(drawn)
    before = units_of(formula, declared | {name: None})
    after = units_of(formula, declared | {name: unit})
    known = before.inferred["top"]
    assert known is None or after.inferred["top"] in (known, None)
    assert len(before.faults) == 0 or len(after.faults) > 0
