"""The vocabulary: which kinds of things the words of a text name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metrictree.lint.wording.text import spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Vocabulary", "terms_by_kind"]

_SHORTEST: Final = 3
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
"""As ids write them, which are ASCII."""


class Vocabulary:
    """Terms of one or more words, each of some kinds, looked up in a list of words.

    A star stands for any characters: ``invoic*`` is invoice and invoicing, ``*umsatz`` is every
    compound that ends so. In a term of several words, only the last may end in a star.
    """

    def __init__(self, kinds: Sequence[str], terms: Mapping[str, int]) -> None:
        self.kinds = tuple(kinds)
        """The kinds; the bit at the position of a kind stands for it."""
        self._exact: dict[str, int] = {}
        self._starts: dict[str, int] = {}
        self._ends: dict[str, int] = {}
        self._parts: dict[str, int] = {}
        self._phrases: dict[str, list[tuple[tuple[str, ...], int]]] = {}
        for term, bits in terms.items():
            if " " in term:
                first, *rest = term.split()
                self._phrases.setdefault(first, []).append((tuple(rest), bits))
                continue
            bare = term.strip("*")
            if term.startswith("*"):
                home = self._parts if term.endswith("*") else self._ends
            else:
                home = self._starts if term.endswith("*") else self._exact
            home[bare] = home.get(bare, 0) | bits
        self._known: dict[str, int] = {}

    def of_word(self, word: str) -> int:
        """Return the kinds of a single word, as bits."""
        bits = self._known.get(word)
        if bits is None:
            bits = self._look_up(word[:60])
            if len(self._known) > 20_000:
                self._known.clear()
            self._known[word] = bits
        return bits

    def _look_up(self, word: str) -> int:
        bits = self._exact.get(word, 0)
        length = len(word)
        for end in range(_SHORTEST, length + 1):
            bits |= self._starts.get(word[:end], 0)
        for start in range(length - _SHORTEST + 1):
            bits |= self._ends.get(word[start:], 0)
            for end in range(start + _SHORTEST, length + 1):
                bits |= self._parts.get(word[start:end], 0)
        return bits

    def of_text(self, words: Sequence[str]) -> list[tuple[int, int, int]]:
        """Return what is found: first word, the word after the last one, and the kinds as bits."""
        found = []
        for at, word in enumerate(words):
            bits = self.of_word(word)
            if bits:
                found.append((at, at + 1, bits))
            for rest, kinds in self._phrases.get(word, ()):
                end = at + 1 + len(rest)
                if end <= len(words) and _agree(words, at + 1, rest):
                    found.append((at, end, kinds))
        return found


def _agree(words: Sequence[str], at: int, rest: tuple[str, ...]) -> bool:
    for offset, want in enumerate(rest):
        have = words[at + offset]
        if have != want and not (want.endswith("*") and have.startswith(want[:-1])):
            return False
    return True


def terms_by_kind(
    data: Mapping[str, Mapping[str, Iterable[str]]],
) -> tuple[list[str], dict[str, int]]:
    """Return the kinds of a vocabulary and the kinds of each of its terms, as bits."""
    kinds = list(data)
    terms: dict[str, int] = {}
    for bit, kind in enumerate(kinds):
        for listed in data[kind].values():
            for term in listed:
                for written in {term, term.translate(_UMLAUTS)}:
                    words = written.split("*")
                    plain = "*".join(" ".join(word for word, _, _ in spans(part)) for part in words)
                    terms[plain] = terms.get(plain, 0) | 1 << bit
    return kinds, dict(sorted(terms.items()))
