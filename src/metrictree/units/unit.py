"""The algebra of units: they are read, printed, multiplied, divided, cancelled and compared."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from metrictree.units.names import CURRENCIES, PERIODS, SCORES, one_spelling
from metrictree.units.scales import conversions, factors, made_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["RATIO", "Unit", "parse_unit"]

_FACTOR = re.compile(
    r"\s*(?:([^\W\d_]\w*(?:[- ][^\W\d_]\w*)*|%|1)(?:\s*(?:\^|\*\*)\s*(-?[0-9]{1,2}))?)\s*"
)
_JOINT: Final = re.compile("[- ]")
_RATIO: Final = frozenset(("ratio", "1", "%", "percent", "percentage", "pp"))
_LARGEST: Final = 99
"""The highest power of a name that can be written."""
_PERIODS: Final = frozenset(PERIODS)


@dataclass(frozen=True, slots=True)
class Unit:
    """A product of powers of named units; a ratio has none.

    Units are equal when they are the same after their spelling is made one, whatever the order in
    which they were written. An hour and 60 minutes are two units that have one `base`.

    >>> str(parse_unit("USD / order"))
    'USD/order'
    >>> parse_unit("orders/customer").powers
    (('order', 1), ('customer', -1))
    >>> parse_unit("customer") * parse_unit("order/customer")
    Unit('order')
    """

    powers: tuple[tuple[str, int], ...]
    """What stands above the line comes first; below it, periods come last."""

    def __str__(self) -> str:
        above = [name + (f"^{n}" if n > 1 else "") for name, n in self.powers if n > 0]
        below = [name + (f"^{-n}" if n < -1 else "") for name, n in self.powers if n < 0]
        if not above and not below:
            return "ratio"
        return "/".join(["*".join(above) or "1", *below])

    def __repr__(self) -> str:
        return f"Unit({str(self)!r})"

    def __mul__(self, other: Unit) -> Unit:
        return _product(self, other, 1)

    def __truediv__(self, other: Unit) -> Unit:
        return _product(self, other, -1)

    def __pow__(self, exponent: int) -> Unit:
        return _ordered((name, power * exponent) for name, power in self.powers)

    def inverse(self) -> Unit:
        """Return what a number per this unit has.

        >>> parse_unit("USD/EUR").inverse()
        Unit('EUR/USD')
        """
        return RATIO / self

    def root(self) -> Unit | None:
        """Return the unit whose square this is, if there is one.

        >>> parse_unit("m^2").root(), parse_unit("USD").root()
        (Unit('meter'), None)
        """
        if any(power % 2 for _, power in self.powers):
            return None
        return _ordered((name, power // 2) for name, power in self.powers)

    @property
    def is_ratio(self) -> bool:
        """Whether nothing is left: a share, a percentage, a plain number."""
        return not self.powers

    @property
    def is_score(self) -> bool:
        """Whether it is a number on a scale that its author made: an index, a score, points."""
        return len(self.powers) == 1 and self.powers[0][1] == 1 and self.powers[0][0] in SCORES

    @property
    def currencies(self) -> tuple[str, ...]:
        """The codes of the currencies in it, above the line or below it.

        >>> parse_unit("kEUR/order").currencies, parse_unit("USD/EUR").currencies
        (('EUR',), ('USD', 'EUR'))
        """
        names = (made_of(name)[1][0][0] for name, _ in self.powers)
        return tuple(dict.fromkeys(name for name in names if name in CURRENCIES))

    @property
    def is_money(self) -> bool:
        """Whether it is an amount of one currency, for whatever it is: not an exchange rate.

        >>> [parse_unit(text).is_money for text in ("USD", "USD/order", "order/USD", "USD/EUR")]
        [True, True, False, False]
        """
        found = self.currencies
        return len(found) == 1 and any(
            power == 1 and made_of(name)[1][0][0] == found[0] for name, power in self.powers
        )

    @property
    def periods(self) -> tuple[str, ...]:
        """The periods below the line: what the number is counted per.

        >>> parse_unit("job/week").periods, parse_unit("day/order").periods
        (('week',), ())
        """
        return tuple(name for name, power in self.powers if power < 0 and name in _PERIODS)

    @property
    def base(self) -> Unit:
        """The same in base units: minutes, hours and days are all seconds."""
        return _based(self)[0]

    @property
    def size(self) -> Fraction:
        """How many of its base units it is.

        >>> parse_unit("km/hour").size
        Fraction(5, 18)
        """
        return _based(self)[1]

    def may_convert(self, found: frozenset[Fraction]) -> bool:
        """Whether multiplying a number by one of the factors found makes it one of another unit."""
        return any(not factors(*factor).isdisjoint(found) for factor in self.powers)

    def converted(self, factor: Fraction) -> Unit | None:
        """Return the unit of a number that was multiplied by a factor in order to convert it.

        >>> parse_unit("job/minute").converted(Fraction(60))
        Unit('job/hour')
        """
        for name, power in self.powers:
            other = conversions(name, power).get(factor)
            if other is not None:
                return self / Unit(((name, power),)) * Unit(((other, power),))
        return None


RATIO: Final = Unit(())
"""The unit of shares, percentages and plain numbers."""


def parse_unit(text: str) -> Unit:
    """Return the unit that ``text`` spells: names, ``*``, ``/``, and ``^2`` for powers.

    A name may have several words, with one blank, hyphen or underscore between them.

    Raises:
        ValueError: the text is no unit expression.

    >>> parse_unit("%").powers
    ()
    >>> parse_unit("jobs/week") == parse_unit("job / week")
    True
    >>> str(parse_unit("EUR/bed-days"))
    'EUR/bed_day'
    """
    powers: dict[str, int] = {}
    at, sign = 0, 1
    while True:
        found = _FACTOR.match(text, at)
        if found is None:
            raise ValueError(f"a unit name is expected at character {at + 1}")
        name, power = found.groups()
        if name not in _RATIO:
            words = _JOINT.split(name)
            if "per" in words:
                raise ValueError(f"write / in place of per at character {found.start(1) + 1}")
            name = one_spelling("_".join(words))
            powers[name] = powers.get(name, 0) + sign * int(power or 1)
            if abs(powers[name]) > _LARGEST:
                raise ValueError(f"a power is at most {_LARGEST}")
        at = found.end()
        if at == len(text):
            return _ordered(powers.items())
        if text[at] not in "*/":
            raise ValueError(f"`*` or `/` is expected at character {at + 1}")
        sign = -1 if text[at] == "/" else 1
        at += 1


def _order(factor: tuple[str, int]) -> tuple[bool, bool, str]:
    name, power = factor
    return power < 0, power < 0 and name in _PERIODS, name


def _ordered(powers: Iterable[tuple[str, int]]) -> Unit:
    return Unit(tuple(sorted(((name, power) for name, power in powers if power), key=_order)))


@functools.lru_cache(8192)
def _product(left: Unit, right: Unit, sign: int) -> Unit:
    powers = dict(left.powers)
    for name, power in right.powers:
        powers[name] = powers.get(name, 0) + sign * power
    return _ordered(powers.items())


@functools.lru_cache(8192)
def _based(unit: Unit) -> tuple[Unit, Fraction]:
    base, size = RATIO, Fraction(1)
    for name, power in unit.powers:
        one, powers = made_of(name)
        base *= Unit(powers) ** power
        size *= one**power
    return base, size
