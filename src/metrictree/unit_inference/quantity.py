"""What is known of the unit of one number in a formula, and what arithmetic makes of it.

A quantity is one of five: of a known unit; a number that is written out; anything (zero and null
fit to every unit); unknown; or broken, of which a fault is told already.

Nobody can say of ``minutes / 60`` alone whether it is hours or a sixtieth of the minutes. So a
quantity keeps the factors that may have been conversions, and what it is used with decides.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import Final

from metrictree.units import RATIO, Unit, parse_unit

__all__ = [
    "ANYTHING",
    "BROKEN",
    "PURE",
    "UNKNOWN",
    "Quantity",
    "joined",
    "literal",
    "over",
    "power",
    "root",
    "times",
]

_ONE: Final = frozenset((Fraction(1),))
_MOST_FACTORS: Final = 32
_MOST_BITS: Final = 4_096
"""Of a factor: more than numbers have, so that powers of powers come to an end."""
_MOST_NAMES: Final = 16
_HIGHEST: Final = 99
_INDEX: Final = parse_unit("index")


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """A number in a formula."""

    unit: Unit
    factors: frozenset[Fraction] | None = _ONE
    """By which of these it may have been converted from its unit; ``None`` if they are too many."""
    written: bool = False
    """Whether it is made of numbers that are written out, and takes the unit of what it meets."""
    open: bool = False
    """Whether something unknown was added to it or compared with it."""

    @property
    def known(self) -> bool:
        """Whether it has a unit of its own."""
        return not self.written and self not in _SPECIAL

    @property
    def sizes(self) -> frozenset[Fraction] | None:
        """How many base units one of it may be; ``None`` if it may be any number."""
        if self.factors is None:
            return None
        size = self.unit.size
        return frozenset([size / factor for factor in self.factors])

    @property
    def certain(self) -> Unit | None:
        """The unit, unless it may be another one."""
        if not self.known or (self.open and _is_pure(self.unit) and self.unit != _INDEX):
            return None
        if self.factors is _ONE:
            return self.unit
        if self.factors is None or self.unit.may_convert(self.factors):
            return None
        return self.unit


PURE: Final = Quantity(RATIO)
"""A number without unit that is no literal: a share, a sign, a growth."""
ANYTHING: Final = Quantity(RATIO)
"""Zero and null."""
UNKNOWN: Final = Quantity(RATIO)
BROKEN: Final = Quantity(RATIO)
_SPECIAL: Final = frozenset((ANYTHING, UNKNOWN, BROKEN))


@functools.lru_cache(4096)
def literal(value: float) -> Quantity:
    """Return the quantity of a number that is written out."""
    if value == 0:
        return ANYTHING
    size = abs(Fraction(repr(value)))
    return Quantity(RATIO, _ONE if size == 1 else _ONE | {size}, written=True)


def times(left: Quantity, right: Quantity) -> Quantity:
    """Return the product."""
    return _multiplied(left, right, 1)


def over(left: Quantity, right: Quantity) -> Quantity:
    """Return the quotient."""
    return _multiplied(left, right, -1)


def _multiplied(left: Quantity, right: Quantity, sign: int) -> Quantity:
    if left in _SPECIAL or right in _SPECIAL:
        return _strongest(left, right)
    if left.open or right.open:
        left, right = _settled(left), _settled(right)
        if left is UNKNOWN or right is UNKNOWN:
            return UNKNOWN
    unit = left.unit * right.unit if sign > 0 else left.unit / right.unit
    factors = left.factors
    if right.factors is not _ONE:
        factors = _several(left.factors, right.factors, sign)
    return _checked(Quantity(unit, factors, left.written and right.written))


def _strongest(left: Quantity, right: Quantity) -> Quantity:
    """Return what a product is of which one factor has no unit: zero times unknown is zero."""
    return next(one for one in (BROKEN, ANYTHING, UNKNOWN) if one is left or one is right)


def _settled(quantity: Quantity) -> Quantity:
    """Return a quantity that can be multiplied: what was added must not matter any more."""
    if not quantity.open:
        return quantity
    return UNKNOWN if quantity.certain is None else replace(quantity, open=False)


@functools.lru_cache(4096)
def _several(
    left: frozenset[Fraction] | None, right: frozenset[Fraction] | None, sign: int
) -> frozenset[Fraction] | None:
    if left is None or right is None:
        return None
    found = frozenset([a * b if sign > 0 else a / b for a, b in product(left, right)])
    return found if len(found) <= _MOST_FACTORS and _bits(found) <= _MOST_BITS else None


def _bits(factors: frozenset[Fraction]) -> int:
    return max(one.numerator.bit_length() + one.denominator.bit_length() for one in factors)


def _checked(quantity: Quantity) -> Quantity:
    """Give up on a unit that has grown without end, as products of thousands of metrics do."""
    powers = quantity.unit.powers
    if len(powers) > _MOST_NAMES or any(abs(power) > _HIGHEST for _, power in powers):
        return UNKNOWN
    return quantity


def power(base: Quantity, exponent: int) -> Quantity:
    """Return a whole power."""
    if exponent == 0:
        return Quantity(RATIO, written=True)
    if base in _SPECIAL:
        return base
    base = _settled(base)
    if base is UNKNOWN:
        return UNKNOWN
    factors = base.factors
    if factors is not None and factors is not _ONE:
        fits = _bits(factors) * abs(exponent) <= _MOST_BITS
        factors = frozenset([factor**exponent for factor in factors]) if fits else None
    return _checked(Quantity(base.unit**exponent, factors, base.written))


def root(square: Quantity) -> Quantity:
    """Return the square root."""
    if square in _SPECIAL:
        return square
    square = _settled(square)
    unit = square.unit.root()
    if unit is None or square is UNKNOWN or (square.factors != _ONE and not square.written):
        return UNKNOWN
    return Quantity(unit, written=square.written)


def joined(left: Quantity, right: Quantity) -> Quantity:
    """Return what is of one unit with both: their sum, or the one that is chosen.

    It is broken if they have no unit in common. The order in which many are joined is all the same.
    """
    if left is BROKEN or right is BROKEN:
        return BROKEN
    if left is ANYTHING or right is ANYTHING:
        return right if left is ANYTHING else left
    if left is UNKNOWN or right is UNKNOWN:
        other = right if left is UNKNOWN else left
        return replace(other, open=True) if other.known else UNKNOWN
    if left.written or right.written:
        if left.written and right.written:
            return Quantity(RATIO, written=True)
        return right if left.written else left
    is_open = left.open or right.open
    if left.unit == right.unit:
        return Quantity(left.unit, _common(left.factors, right.factors), open=is_open)
    if left.unit.base == right.unit.base:
        return _in_one_size(left, right, is_open=is_open)
    if _is_pure(left.unit) and _is_pure(right.unit):
        return Quantity(_INDEX, open=is_open)
    return BROKEN


def _is_pure(unit: Unit) -> bool:
    """Whether numbers of a unit may be mixed with shares and scores, and then make an index."""
    return unit.is_ratio or unit.is_score


def _common(
    left: frozenset[Fraction] | None, right: frozenset[Fraction] | None
) -> frozenset[Fraction] | None:
    if left is right or right is None:
        return left
    if left is None:
        return right
    both = left & right
    return both if len(both) > 1 else _ONE


def _in_one_size(left: Quantity, right: Quantity, *, is_open: bool) -> Quantity:
    """Join hours and minutes that a factor has made hours."""
    if left.sizes is None or right.sizes is None:
        return replace(left if right.sizes is None else right, open=is_open)
    sizes = left.sizes & right.sizes
    units = [one.unit for one in (left, right) if one.unit.size in sizes]
    if not units and sizes:
        found = left.unit.converted(left.unit.size / min(sizes))
        if found is None:
            return UNKNOWN
        units = [found]
    if not units:
        return BROKEN
    unit = min(units, key=lambda unit: (unit.size, len(unit.powers), str(unit)))
    return Quantity(unit, frozenset([unit.size / size for size in sizes]), open=is_open)
