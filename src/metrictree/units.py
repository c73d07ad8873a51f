"""Unit expressions: what a number counts, and per what.

Here units are read and printed; imports only what stands below it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["Unit", "parse_unit"]

_FACTOR = re.compile(r"\s*(?:([^\W\d_]\w*|%|1)(?:\s*(?:\^|\*\*)\s*(-?[0-9]{1,2}))?)\s*")
_RATIO: Final = frozenset(("ratio", "1", "%", "percent"))


@dataclass(frozen=True, slots=True)
class Unit:
    """A product of powers of named units; a ratio has none.

    >>> str(parse_unit("USD / order"))
    'USD/order'
    >>> parse_unit("order/customer").powers
    (('order', 1), ('customer', -1))
    """

    powers: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        above = [name + (f"^{n}" if n > 1 else "") for name, n in self.powers if n > 0]
        below = [name + (f"^{-n}" if n < -1 else "") for name, n in self.powers if n < 0]
        if not above and not below:
            return "ratio"
        return "/".join(["*".join(above) or "1", *below])


def parse_unit(text: str) -> Unit:
    """Return the unit that ``text`` spells: names, ``*``, ``/``, and ``^2`` for powers.

    Raises:
        ValueError: the text is no unit expression.

    >>> parse_unit("%").powers
    ()
    """
    powers: dict[str, int] = {}
    at, sign = 0, 1
    while True:
        found = _FACTOR.match(text, at)
        if found is None:
            raise ValueError(f"a unit name is expected at character {at + 1}")
        name, power = found.groups()
        if name not in _RATIO:
            powers[name] = powers.get(name, 0) + sign * int(power or 1)
        at = found.end()
        if at == len(text):
            return Unit(tuple((name, power) for name, power in powers.items() if power))
        if text[at] not in "*/":
            raise ValueError(f"`*` or `/` is expected at character {at + 1}")
        sign = -1 if text[at] == "/" else 1
        at += 1
