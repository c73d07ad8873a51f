"""How many of one unit another is: minutes of an hour, grams of a kilogram, months of a year."""

from __future__ import annotations

import functools
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from metrictree.units.names import CURRENCIES

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["conversions", "factors", "made_of"]

_Powers = tuple[tuple[str, int], ...]

_SIZES: Final[Mapping[_Powers, Mapping[str, str]]] = {
    # A month is no fixed number of days, so days and months are never converted.
    (("second", 1),): {
        "millisecond": "1/1000",
        "second": "1",
        "minute": "60",
        "hour": "3600",
        "day": "86400",
        "week": "604800",
    },
    (("month", 1),): {"month": "1", "quarter": "3", "year": "12"},
    (("meter", 1),): {
        "millimeter": "1/1000",
        "centimeter": "1/100",
        "meter": "1",
        "kilometer": "1000",
    },
    (("gram", 1),): {"milligram": "1/1000", "gram": "1", "kilogram": "1000", "tonne": "1000000"},
    (("liter", 1),): {"milliliter": "1/1000", "liter": "1"},
    (("byte", 1),): {
        "byte": "1",
        "kB": "1000",
        "MB": "1000000",
        "GB": "1000000000",
        "TB": "1000000000000",
    },
    (("joule", 1),): {
        "joule": "1",
        "J": "1",
        "kJ": "1000",
        "MJ": "1000000",
        "Wh": "3600",
        "kWh": "3600000",
        "MWh": "3600000000",
        "GWh": "3600000000000",
    },
    (("joule", 1), ("second", -1)): {
        "W": "1",
        "watt": "1",
        "kW": "1000",
        "MW": "1000000",
        "GW": "1000000000",
    },
}
_MADE_OF: Final = {
    name: (Fraction(size), powers)
    for powers, sizes in _SIZES.items()
    for name, size in sizes.items()
}
_MULTIPLES: Final = {"": 1, "k": 1_000, "M": 1_000_000}
"""What may stand before the code of a currency: 3 kEUR are 3,000 EUR."""
_ONE: Final = Fraction(1)


@functools.lru_cache(4096)
def made_of(name: str) -> tuple[Fraction, _Powers]:
    """Return how many of its base units a unit is, and what these are.

    >>> made_of("hour")
    (Fraction(3600, 1), (('second', 1),))
    >>> made_of("order")
    (Fraction(1, 1), (('order', 1),))
    """
    found = _MADE_OF.get(name)
    if found is None and name[:1] in _MULTIPLES and name[1:] in CURRENCIES:
        found = Fraction(_MULTIPLES[name[0]]), ((name[1:], 1),)
    return found or (_ONE, ((name, 1),))


@functools.lru_cache(4096)
def conversions(name: str, power: int = 1) -> Mapping[Fraction, str]:
    """Return what a number is multiplied by to be in other units, with their names; often none.

    >>> {str(factor): name for factor, name in conversions("month").items()}
    {'1/3': 'quarter', '1/12': 'year'}
    >>> {str(factor): name for factor, name in conversions("month", -1).items()}
    {'3': 'quarter', '12': 'year'}
    """
    own, powers = made_of(name)
    sizes: dict[str, Fraction] = {}
    if powers in _SIZES:
        sizes = {one: Fraction(size) for one, size in _SIZES[powers].items()}
    elif powers[0][0] in CURRENCIES:
        sizes = {prefix + powers[0][0]: Fraction(size) for prefix, size in _MULTIPLES.items()}
    return MappingProxyType(
        {(own / size) ** power: other for other, size in sizes.items() if size != own}
    )


@functools.lru_cache(4096)
def factors(name: str, power: int) -> frozenset[Fraction]:
    """Return the factors of `conversions`."""
    return frozenset(conversions(name, power))
