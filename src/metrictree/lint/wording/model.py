"""The model: weights of words, of parts of words and of the vocabulary's kinds, read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from itertools import combinations, pairwise
from math import exp, sqrt
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

import numpy as np

from metrictree.lint.wording.assessment import LABELS, MONEY, Assessment, Suspicion
from metrictree.lint.wording.text import (
    FILLERS,
    pair_features,
    spans,
    unit_features,
    word_features,
)
from metrictree.lint.wording.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from metrictree.lint.wording.assessment import Money

    Row = tuple[NDArray[np.float32], int]

__all__ = ["BLOCKS", "COLUMNS", "Model", "kind_features", "model"]

COLUMNS: Final = (*LABELS, *MONEY)
BLOCKS: Final = ("text", "product", "unit", "kinds")
"""Groups of features; each weighs the same, however many features a text has in it."""

_FILE: Final = "model.npz"
_MOST_KNOWN: Final = 20_000
_MOST_TERMS: Final = 4


def kind_features(kinds: Sequence[str], text: int, name: int, product: int, unit: str) -> list[str]:
    """Return the features of the vocabulary: kinds, and which of them stand together."""
    said = [kind for bit, kind in enumerate(kinds) if text >> bit & 1]
    sold = [kind for bit, kind in enumerate(kinds) if product >> bit & 1]
    found = [f"k:{kind}" for kind in said]
    found += [f"kn:{kind}" for bit, kind in enumerate(kinds) if name >> bit & 1]
    found += [f"kp:{kind}" for kind in sold]
    found += [f"k:{left}+{right}" for left, right in combinations(said, 2)]
    found += [f"k:{kind}@{where}" for kind in said for where in sold]
    found += [f"k:{kind}/{unit}" for kind in said]
    return found or ["k:"]


class Model:
    """Weights by feature, a column for each label and each owner of money."""

    def __init__(self, data: Mapping[str, NDArray[Any]]) -> None:
        self._row = dict(zip(data["keys"].tolist(), range(len(data["keys"])), strict=True))
        self._weights = data["weights"].astype(np.float32) * data["scale"]
        self._nothing: Row = np.zeros(len(COLUMNS), np.float32), 0
        self._bias = data["bias"]
        self._slope = data["slope"].tolist()
        self._offset = data["offset"].tolist()
        self._threshold = data["threshold"].tolist()
        names = bytes(data["terms"]).decode().split("\n")
        self.vocabulary = Vocabulary(
            bytes(data["kinds"]).decode().split("\n"),
            dict(zip(names, data["bits"].tolist(), strict=True)),
        )
        self._money_kinds = int(data["money_kinds"])
        self._customer_kinds = int(data["customer_kinds"])
        self._known: dict[tuple[int | str | None, ...], Row] = {}

    def _sum(self, key: tuple[int | str | None, ...], features: Iterable[str]) -> Row:
        """Return the summed weights of features and how many are known; kept under ``key``."""
        row = self._row
        rows = [
            found for feature in features if (found := row.get(crc32(feature.encode()))) is not None
        ]
        total = (self._weights[rows].sum(0), len(rows)) if rows else self._nothing
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        self._known[key] = total
        return total

    def _word(self, word: str, field: str) -> Row:
        key = (word, field)
        return self._known.get(key) or self._sum(key, word_features(word, field))

    def _pairs(self, words: Sequence[str], group: str) -> list[Row]:
        return [
            self._known.get((left, right, group))
            or self._sum((left, right, group), pair_features((left, right), group))
            for left, right in pairwise(words)
        ]

    def assess(
        self, name: str, description: str | None, unit: str | None, product: str | None
    ) -> Assessment:
        """Return what the words of a metric suggest."""
        fields = {"n": spans(name), "d": spans(description), "p": spans(product)}
        words = {field: [word for word, _, _ in found] for field, found in fields.items()}
        single = {field: [self._word(word, field) for word in words[field]] for field in fields}
        paired = {
            field: self._pairs(words[field], "p" if field == "p" else "t") for field in fields
        }
        of_unit = unit_features(unit)
        hits = {field: self.vocabulary.of_text(words[field]) for field in fields}
        bits = {field: _all(hit[2] for hit in hits[field]) for field in fields}
        said = bits["n"] | bits["d"]
        kinds_key = (said, bits["n"], bits["p"], of_unit[0])
        kinds = self._known.get(kinds_key) or self._sum(
            kinds_key,
            kind_features(self.vocabulary.kinds, said, bits["n"], bits["p"], of_unit[0]),
        )
        text = _mean([*single["n"], *single["d"], *paired["n"], *paired["d"]], self._nothing)[0]
        of_its_unit = self._known.get((unit,)) or self._sum((unit,), of_unit)
        in_unit = _mean([of_its_unit], self._nothing)[0]
        total = (
            self._bias
            + text
            + _mean([*single["p"], *paired["p"]], self._nothing)[0]
            + in_unit
            + _mean([kinds], self._nothing)[0]
        ).tolist()
        described = bool(description and description.strip())
        limits = self._threshold[described]
        suspicions = {}
        for column, label in enumerate(LABELS):
            score = _chance(self._slope[column] * total[column] + self._offset[column])
            if score >= limits[column]:
                weighed = [
                    (weight, which, start, end)
                    for which, field in enumerate("nd")
                    for weight, start, end in self._weighed(
                        column, fields[field], single[field], paired[field], hits[field]
                    )
                ]
                terms = _phrases((name, description or ""), weighed)
                if unit and 2 * in_unit[column] > text[column]:
                    terms = (*terms[:_MOST_TERMS], unit.strip()[:40])
                suspicions[label] = Suspicion(label, score, terms)
        return Assessment(
            MappingProxyType(suspicions),
            self._money(total, said, bits["p"], of_unit[0], described=described),
        )

    def _money(
        self, total: list[float], said: int, sold: int, unit: str, *, described: bool
    ) -> Money | None:
        if not (unit.startswith("u=money") or said & self._money_kinds):
            return None
        first = len(LABELS)
        scores = total[first:]
        best = max(range(len(MONEY)), key=scores.__getitem__)
        is_named = (said | sold) & self._customer_kinds
        if MONEY[best] == "customer" and not described and not is_named:
            return None  # no word names the customer: it is only that nothing else fits
        chance = _chance(self._slope[first + best] * scores[best] + self._offset[first + best])
        return MONEY[best] if chance >= self._threshold[described][first + best] else None

    def _weighed(
        self,
        column: int,
        found: list[tuple[str, int, int]],
        single: list[Row],
        paired: list[Row],
        hits: list[tuple[int, int, int]],
    ) -> list[tuple[float, int, int]]:
        """Return the words of a text that speak for a column: weight, start and end."""
        weights = [float(row[0][column]) for row in single]
        for at, (pair, _) in enumerate(paired):
            weights[at] += float(pair[column]) / 2
            weights[at + 1] += float(pair[column]) / 2
        for first, after, bits in hits:
            names = [
                f"k:{kind}" for bit, kind in enumerate(self.vocabulary.kinds) if bits >> bit & 1
            ]
            kinds = self._known.get(("kinds", bits)) or self._sum(("kinds", bits), names)
            for at in range(first, after):
                weights[at] += float(kinds[0][column]) / (after - first)
        return [
            (weight, start, end)
            for weight, (word, start, end) in zip(weights, found, strict=True)
            if weight > 0 and word not in FILLERS
        ]


def _phrases(texts: tuple[str, str], weighed: list[tuple[float, int, int, int]]) -> tuple[str, ...]:
    """Return the words that weighed most as they are written, neighbours as one phrase."""
    most = sorted(weighed, reverse=True)[:_MOST_TERMS]
    kept = sorted(place for weight, *place in most if weight >= most[0][0] / 4)
    phrases: list[list[int]] = []
    for which, start, end in kept:
        if phrases and phrases[-1][0] == which and start - phrases[-1][2] == 1:
            phrases[-1][2] = end
        else:
            phrases.append([which, start, end])
    return tuple(dict.fromkeys(texts[which][start:end] for which, start, end in phrases))


def _all(bits: Iterable[int]) -> int:
    total = 0
    for one in bits:
        total |= one
    return total


def _mean(rows: list[Row], nothing: Row) -> tuple[NDArray[np.float32], float]:
    known = [row for row in rows if row[1]]
    if not known:
        return nothing[0], 0.0
    size = sqrt(sum(row[1] for row in known))
    total = known[0][0] if len(known) == 1 else np.add.reduce([row[0] for row in known])
    return total / size, size


def _chance(score: float) -> float:
    return 1 / (1 + exp(-max(-50.0, min(50.0, score))))


@cache
def model() -> Model:
    """Return the model that the package carries."""
    with files(__package__).joinpath(_FILE).open("rb") as file, np.load(file) as data:
        return Model(dict(data))
