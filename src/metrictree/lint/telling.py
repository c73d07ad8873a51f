"""How findings name things: the North Star, and lists of metrics that stay short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metrictree.diagnostics import legible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metrictree.lint.facts import Facts

__all__ = ["MOST", "listed", "quoted", "star_of"]

MOST: Final = 5
"""Things that a finding names at most."""


def star_of(facts: Facts) -> str:
    """Return the North Star as a message names it."""
    return f"the North Star '{legible(facts.name(facts.star))}'"


def listed(texts: Iterable[str]) -> str:
    """Return texts as a sentence lists them; of many the first ones, and how many more.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    >>> listed(str(number) for number in range(1_000))
    '0, 1, 2, 3, 4 and 995 more'
    """
    texts = list(texts)
    if len(texts) > MOST:
        texts[MOST:] = [f"{len(texts) - MOST:,} more"]
    *first, last = texts or [""]
    return f"{', '.join(first)} and {last}" if first else last


def quoted(names: Iterable[str]) -> str:
    """Return names as a sentence lists them, in quotes.

    >>> quoted(["visits", "orders"])
    "'visits' and 'orders'"
    """
    return listed(f"'{legible(name)}'" for name in names)
