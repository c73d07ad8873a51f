"""The option -k: words of tests, such as ``visits and not slow``, as pytest understands them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import click

from metrictree.diagnostics import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

__all__ = ["matcher"]

_TOKEN: Final = re.compile(r"[()]|[^\s()]+")
_DEPTH: Final = 100
"""Brackets inside each other, and `not` after `not`, at most."""


def matcher(expression: str) -> Callable[[str], bool]:
    """Return what tells whether a text holds words, joined with ``and``, ``or``, ``not`` and ().

    Raises:
        BadParameter: the expression has no meaning.

    >>> fits = matcher("visits and not (slow or rows)")
    >>> fits("no Visits, no rate"), fits("slow visits")
    (True, False)
    """
    return _Expression(expression).read()


class _Expression:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _TOKEN.findall(text)
        self.position = 0
        self.depth = 0

    def read(self) -> Callable[[str], bool]:
        fits = self._either()
        if self.position < len(self.tokens):
            self._refuse(f"write `and` or `or` before '{shown(self.tokens[self.position])}'")
        return fits

    def _refuse(self, why: str) -> NoReturn:
        raise click.BadParameter(f"'{shown(self.text)}': {why}.", param_hint="'-k'")

    def _next(self, word: str) -> bool:
        """Return whether a word is next, and go on if it is."""
        found = self.tokens[self.position : self.position + 1] == [word]
        self.position += found
        return found

    def _either(self) -> Callable[[str], bool]:
        return self._joined("or", any, lambda: self._joined("and", all, self._one))

    def _joined(
        self,
        word: str,
        holds: Callable[[list[bool]], bool],
        part: Callable[[], Callable[[str], bool]],
    ) -> Callable[[str], bool]:
        parts = [part()]
        while self._next(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else lambda text: holds([fits(text) for fits in parts])

    def _one(self) -> Callable[[str], bool]:
        self.depth += 1
        if self.depth > _DEPTH:
            self._refuse("the brackets go too deep")
        found = self._negated() if self._next("not") else self._inner()
        self.depth -= 1
        return found

    def _negated(self) -> Callable[[str], bool]:
        fits = self._one()
        return lambda text: not fits(text)

    def _inner(self) -> Callable[[str], bool]:
        if self._next("("):
            fits = self._either()
            if not self._next(")"):
                self._refuse("a bracket is not closed")
            return fits
        word = (self.tokens[self.position :] or ["its end"])[0].casefold()
        if word in {")", "and", "or", "its end"}:
            self._refuse(f"a word is absent before {word}")
        self.position += 1
        return lambda text: word in text.casefold()
