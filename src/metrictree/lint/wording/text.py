"""Text -> words -> the features that a model weighs; imports nothing from the package."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "FILLERS",
    "LONGEST",
    "pair_features",
    "spans",
    "spelling",
    "unit_features",
    "word_features",
]

LONGEST: Final = 2_000
"""Characters of a field that are looked at: no name or description that people read is longer."""

_FILLERS: Final = """
    a an and are as at be been by each every for from had has have in into is it its more
    most of off on one or our out over per than that the then this those to two up us was we
    were what when where which while who will with whole after before all any not no how al
    con cada de del el en es la las lo los más para por que se sin su sus un una uno y nos
    aus bei das dem den der des die ein eine einem einen einer für im in ist je mit nach pro
    sich um und uns unser unsere vom von vor was wie zu zum zur am an auf au aux avec ce ces
    dans des du et la le les leur ont par pas pour qu que qui sa ses son sur un une l d com
    da das do dos em na nas no nos o os à às ao e um uma alla alle che dal dalla degli dei
    del della delle di gli i il le nel nella per su tra un una
"""
FILLERS: Final = frozenset(_FILLERS.split())
"""Words that explain nothing by themselves."""

_WORD: Final = re.compile(r"[^\W_]+")
_MARKS: Final = re.compile("[\u0300-\u036f]+")


def spelling(word: str) -> str:
    """Return a word without case and accents, so that hurried spellings meet careful ones.

    >>> spelling("Événements"), spelling("Größe")
    ('evenements', 'grosse')
    """
    if word.isascii():
        return word.lower()
    return _MARKS.sub("", unicodedata.normalize("NFKD", word.casefold()))


def spans(text: str | None) -> list[tuple[str, int, int]]:
    """Return the words of a text in one spelling, each with where it stands.

    >>> spans("Net MRR")
    [('net', 0, 3), ('mrr', 4, 7)]
    """
    if not text:
        return []
    return [
        (spelling(found.group()), found.start(), found.end())
        for found in _WORD.finditer(text[:LONGEST])
    ]


def word_features(word: str, field: str) -> Iterator[str]:
    """Yield the features of one word: itself, in its field, and its parts of 3 to 5 characters."""
    yield f"{field}:{word}"
    group = "p" if field == "p" else "t"
    if field != "p":
        yield f"t:{word}"
    whole = f"<{word[:40]}>"
    for size in (3, 4, 5):
        for start in range(len(whole) - size + 1):
            yield f"{group}~{whole[start : start + size]}"


def pair_features(words: Sequence[str], group: str) -> list[str]:
    """Return a feature for each two words that stand side by side."""
    return [f"{group}:{left} {right}" for left, right in pairwise(words)]


_CURRENCY: Final = re.compile(r"[A-Z]{3}|[$€£¥₹]")
_PERCENTS: Final = """
    % percent percentage pct prozent pourcent pourcentage porcentaje porciento porcento percentuale
    percentual porcentagem ratio share
"""
_PERCENT: Final = frozenset(_PERCENTS.split())


def unit_features(unit: str | None) -> list[str]:
    """Return the features of a unit: its kind first, then its words above and below the line.

    >>> unit_features("USD/user")
    ['u=money/', 'u:usd', 'u/user']
    >>> unit_features(None)
    ['u=none']
    """
    if not unit or not unit.strip():
        return ["u=none"]
    above, line, below = unit.strip()[:LONGEST].partition("/")
    if _CURRENCY.fullmatch(above.strip()):
        kind = "u=money"
    elif spelling(above.strip()).replace(" ", "") in _PERCENT:
        kind = "u=percent"
    else:
        kind = "u=other"
    found = [kind + line]
    found += (f"u:{word}" for word, _, _ in spans(above))
    found += (f"u/{word}" for word, _, _ in spans(below))
    return found
