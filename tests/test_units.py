"""Units are read, printed, multiplied and compared."""

from __future__ import annotations

from fractions import Fraction

import pytest

from metrictree.units import CURRENCIES, RATIO, parse_unit
from metrictree.units.names import one_spelling


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order", "orders"),
        ("delivery", "deliveries"),
        ("movie", "movies"),
        ("box", "boxes"),
        ("class", "classes"),
        ("match", "matches"),
        ("purchase", "purchases"),
        ("person", "people"),
        ("ad", "ads"),
        ("active_user", "active_users"),
        ("index", "indices"),
        ("pedido", "pedidos"),
        ("hour", "h"),
        ("hour", "hrs"),
        ("minute", "min"),
        ("second", "s"),
        ("second", "secs"),
        ("day", "d"),
        ("month", "mo"),
        ("year", "yrs"),
        ("kg", "kilograms"),
        ("meter", "metres"),
        ("EUR", "euros"),
        ("USD", "usd"),
        ("ratio", "%"),
        ("ratio", "1"),
        ("ratio", "percent"),
        ("ratio", "pp"),
        ("order/customer/week", "orders / week / customers"),
        ("USD*order", "order*USD"),
        ("order", "order*customer/customer"),
        ("1/hour", "h^-1"),
        ("m^2", "m*m"),
    ],
)
def test_two_spellings_are_one_unit(one: str, other: str) -> None:
    assert parse_unit(one) == parse_unit(other)
    assert hash(parse_unit(one)) == hash(parse_unit(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ALL", "all"),
        ("TRY", "try"),
        ("TOP", "top"),
        ("MAD", "mad"),
        ("CUP", "cup"),
        ("USD", "EUR"),
        ("USD", "dollar"),
        ("user", "customer"),
        ("minute", "hour"),
        ("kW", "kWh"),
        ("MW", "mW"),
        ("order/week", "week/order"),
        ("status", "statu"),
        ("news", "new"),
        ("ratio", "index"),
    ],
)
def test_two_units_are_not_the_same(one: str, other: str) -> None:
    assert parse_unit(one) != parse_unit(other)


@pytest.mark.parametrize(
    "name",
    ["status", "business", "analysis", "news", "gas", "lens", "sms", "s", "ms", "GPS", "bus"],
)
def test_a_word_that_ends_in_s_may_be_one_thing(name: str) -> None:
    assert parse_unit(name) == parse_unit(str(parse_unit(name)))
    assert one_spelling(name) in (name, "second", "millisecond")


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("USD / order", "USD/order"),
        ("orders/week/customer", "order/customer/week"),
        ("1/h", "1/hour"),
        ("%", "ratio"),
        ("b*a/e/c", "a*b/c/e"),
        ("m^2/s^2", "meter^2/second^2"),
        ("b*a", "a*b"),
    ],
)
def test_a_unit_is_printed_in_one_way(text: str, printed: str) -> None:
    assert str(parse_unit(text)) == printed
    assert repr(parse_unit(text)) == f"Unit('{printed}')"


@pytest.mark.parametrize(
    "text", ["", "a per b", "a - b", "a  b", "a//b", "a/", "2", "a^", "a^100", "a^60*a^60", "$"]
)
def test_what_is_no_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"character|power"):
        parse_unit(text)


def test_units_multiply_divide_and_cancel() -> None:
    order, customer = parse_unit("order"), parse_unit("customer")
    per_customer = order / customer
    assert per_customer * customer == order
    assert per_customer.inverse() == customer / order
    assert (order / order).is_ratio
    assert order**0 == RATIO
    assert (per_customer**-2).powers == (("customer", 2), ("order", -2))


@pytest.mark.parametrize(
    ("text", "currencies", "is_money"),
    [
        ("USD", ("USD",), True),
        ("EUR/order", ("EUR",), True),
        ("kEUR/month", ("EUR",), True),
        ("order/USD", ("USD",), False),
        ("USD/EUR", ("USD", "EUR"), False),
        ("USD/kUSD", ("USD",), True),
        ("order", (), False),
        ("all", (), False),
        ("XXX", (), False),
        ("ABC", (), False),
    ],
)
def test_currencies_are_known(text: str, currencies: tuple[str, ...], is_money: bool) -> None:
    assert parse_unit(text).currencies == currencies
    assert parse_unit(text).is_money == is_money


def test_currencies_are_codes_of_three_capitals() -> None:
    assert all(len(code) == 3 and code.isupper() and code.isascii() for code in CURRENCIES)
    assert {"USD", "EUR", "JPY", "BRL", "INR", "XCG", "ZWG"} <= CURRENCIES
    assert not {"XXX", "XTS", "DEM", "HRK", "usd"} & CURRENCIES


def test_periods_are_what_stands_below_the_line() -> None:
    assert parse_unit("order/month").periods == ("month",)
    assert parse_unit("job/customer/week").periods == ("week",)
    assert parse_unit("day/order").periods == ()
    assert parse_unit("USD/hour").periods == ()


@pytest.mark.parametrize(
    ("one", "other", "factor"),
    [
        ("hour", "minute", 60),
        ("day", "hour", 24),
        ("week", "day", 7),
        ("second", "ms", 1000),
        ("year", "month", 12),
        ("quarter", "month", 3),
        ("kg", "g", 1000),
        ("t", "kg", 1000),
        ("km", "m", 1000),
        ("GB", "MB", 1000),
        ("kWh", "Wh", 1000),
        ("kWh", "kW*h", 1),
        ("kUSD", "USD", 1000),
        ("job/minute", "job/hour", 60),
        ("km/hour", "m/s", Fraction(5, 18)),
        ("m^2", "cm^2", 10_000),
    ],
)
def test_a_unit_is_so_many_of_another(one: str, other: str, factor: Fraction) -> None:
    left, right = parse_unit(one), parse_unit(other)
    assert left.base == right.base
    assert left.size / right.size == factor


@pytest.mark.parametrize(("one", "other"), [("month", "day"), ("year", "week"), ("USD", "EUR")])
def test_what_has_no_fixed_factor_is_never_converted(one: str, other: str) -> None:
    assert parse_unit(one).base != parse_unit(other).base


def test_a_unit_after_a_conversion_is_found_by_its_name() -> None:
    assert parse_unit("USD/month").converted(Fraction(12)) == parse_unit("USD/year")
    assert parse_unit("order").converted(Fraction(60)) is None
    assert parse_unit("hour").may_convert(frozenset((Fraction(7), Fraction(60))))
    assert not parse_unit("hour").may_convert(frozenset((Fraction(1), Fraction(7))))
