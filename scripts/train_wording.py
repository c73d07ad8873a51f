"""Train the model of the linter's wording on training/north_stars.jsonl; it needs numpy only.

Run it after a change of the cases or of the vocabulary: ``python scripts/train_wording.py``.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from zlib import crc32

import numpy as np

from metrictree.documents import parse
from metrictree.lint.wording.assessment import LABELS, MONEY
from metrictree.lint.wording.model import BLOCKS, COLUMNS, kind_features
from metrictree.lint.wording.text import pair_features, spans, unit_features, word_features
from metrictree.lint.wording.vocabulary import Vocabulary, terms_by_kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Flags: TypeAlias = NDArray[np.bool_]

Case: TypeAlias = dict[str, Any]

ROOT: Final = Path(__file__).resolve().parent.parent
DATA: Final = ROOT / "training" / "north_stars.jsonl"
HOME: Final = ROOT / "src" / "metrictree" / "lint" / "wording"

SHARE: Final = {
    "words": 2.0,
    "parts": 1.0,
    "product": 0.5,
    "unit": 0.5,
    "kind": 1.4,
    "kinds": 1.0,
}
"""How much features of one sort may weigh beside the others."""
RARE: Final = 2
"""A feature that fewer cases have says nothing about others."""
SOFTNESS: Final = 0.3
"""How gladly a case may stay on the wrong side."""
SLIGHTEST: Final = 3
"""A feature that weighs less than this, of 127, in every column is left out of the file."""
MONEY_KINDS: Final = ("income", "charge", "amount", "gift", "cost", "kept", "outgoing")
"""A text that names none of these, under a unit that is no money, speaks of no money."""
CUSTOMER_KINDS: Final = ("client", "their", "saving", "served", "ledger", "promoter")
"""Where neither the text nor the product names one of these, money is not the customers'."""
PRIMARY: Final = ("revenue", "external")
ASKED: Final = {
    "short": dict.fromkeys(LABELS, (0.92, 0.004))
    | {"revenue": (0.95, 0.02), "external": (0.9, 0.04)},
    "whole": {label: (0.97, 0.01) if label in PRIMARY else (0.92, 0.003) for label in LABELS},
}
"""For texts without and with a description, and each label: the least precision, and the most good
cases that may get it, as a share. Short texts are mostly inputs, of which several must agree."""


def read_cases(file: Path = DATA) -> list[Case]:
    """Return the labelled cases of a file, but for those that are marked as ambiguous."""
    lines = file.read_text("utf-8").splitlines()
    return [case for case in map(json.loads, lines) if not case.get("ambiguous")]


def read_vocabulary() -> tuple[list[str], dict[str, int]]:
    """Return the kinds and the terms of the vocabulary."""
    file = HOME / "vocabulary.yml"
    document = parse(file.read_text("utf-8"), file.name)
    if document.problems:
        raise SystemExit("\n".join(str(problem) for problem in document.problems))
    return terms_by_kind(document.data)


# --- from cases to numbers


def features(case: Case, vocabulary: Vocabulary) -> dict[str, list[str]]:
    """Return the features of a case by group, as often as they occur."""
    found: dict[str, list[str]] = {block: [] for block in BLOCKS}
    bits = dict.fromkeys("ndp", 0)
    for field, key in (("n", "name"), ("d", "description"), ("p", "product")):
        words = [word for word, _, _ in spans(case[key])]
        block = found["product" if field == "p" else "text"]
        for word in words:
            block.extend(word_features(word, field))
        block.extend(pair_features(words, "p" if field == "p" else "t"))
        for _, _, kinds in vocabulary.of_text(words):
            bits[field] |= kinds
    found["unit"] = unit_features(case["unit"])
    found["kinds"] = kind_features(
        vocabulary.kinds, bits["n"] | bits["d"], bits["n"], bits["p"], found["unit"][0]
    )
    return found


def sort_of(feature: str) -> str:
    """Return the sort that a feature is of."""
    if feature.startswith("k"):
        return "kinds" if any(sign in feature for sign in "+@/") else "kind"
    if feature.startswith("u"):
        return "unit"
    if feature.startswith("p"):
        return "product"
    return "parts" if feature[1] == "~" else "words"


class Table:
    """The features that occur often enough, and how much each may weigh."""

    def __init__(
        self, cases: Sequence[Case], vocabulary: Vocabulary, sorts: Sequence[str] = tuple(SHARE)
    ) -> None:
        self.vocabulary = vocabulary
        occurs = Counter(
            feature
            for case in cases
            for feature in {one for block in features(case, vocabulary).values() for one in block}
        )
        self.names = sorted(
            name for name, times in occurs.items() if times >= RARE and sort_of(name) in sorts
        )
        self.column = {name: at for at, name in enumerate(self.names)}
        self.lean = np.array(
            [SHARE[sort_of(name)] * np.log(len(cases) / occurs[name]) for name in self.names]
        )

    def matrix(self, cases: Sequence[Case]) -> NDArray[np.float32]:
        """Return the features of cases, a row each."""
        found = np.zeros((len(cases), len(self.names)), np.float32)
        for row, case in enumerate(cases):
            for names in features(case, self.vocabulary).values():
                known = [self.column[name] for name in names if name in self.column]
                if known:
                    np.add.at(found[row], known, 1 / np.sqrt(len(known)))
        return found * self.lean.astype(np.float32)


def speaks_of_money(case: Case, vocabulary: Vocabulary) -> bool:
    """Whether a case is about money, by its unit or its words."""
    if unit_features(case["unit"])[0].startswith("u=money"):
        return True
    wanted = sum(1 << vocabulary.kinds.index(kind) for kind in MONEY_KINDS)
    texts = [[word for word, _, _ in spans(case[key])] for key in ("name", "description")]
    return any(kinds & wanted for words in texts for _, _, kinds in vocabulary.of_text(words))


def owner(case: Case) -> str:
    """Return whose money a case that speaks of money is about; its labels say it."""
    for label, whose in (("revenue", "own"), ("external", "outside"), ("internal", "cost")):
        if label in case["labels"]:
            return whose
    return "customer"


def targets(cases: Sequence[Case], vocabulary: Vocabulary) -> tuple[Flags, Floats]:
    """Return what each column should say of each case, and whether the case counts for it."""
    wanted = [
        [label in case["labels"] for label in LABELS] + [owner(case) == whose for whose in MONEY]
        for case in cases
    ]
    counts = [
        [1.0] * len(LABELS) + [float(speaks_of_money(case, vocabulary))] * len(MONEY)
        for case in cases
    ]
    return np.array(wanted), np.array(counts)


# --- learning


def fit(kernel: Floats, wanted: Flags, counts: Floats) -> tuple[Floats, float]:
    """Return the weights of the cases and the bias of a linear machine with squared hinge loss.

    Newton's method on the cases inside the margin, until they stay the same; after Chapelle,
    "Training a Support Vector Machine in the Primal" (2007).
    """
    target = np.where(wanted, 1.0, -1.0)
    inside = counts > 0
    alpha = np.zeros(len(target))
    bias = 0.0
    for _ in range(50):
        use = np.flatnonzero(inside)
        system = np.ones((len(use) + 1, len(use) + 1))
        system[-1, -1] = 0.0
        system[:-1, :-1] = kernel[np.ix_(use, use)]
        system[np.arange(len(use)), np.arange(len(use))] += SOFTNESS
        solved = np.linalg.solve(system, np.append(target[use], 0.0))
        alpha = np.zeros(len(target))
        alpha[use] = solved[:-1]
        bias = float(solved[-1])
        now = (counts > 0) & (target * (kernel @ alpha + bias) < 1)
        if (now == inside).all():
            break
        inside = now
    return alpha, bias


def fit_all(kernel: Floats, wanted: Flags, counts: Floats) -> tuple[Floats, Floats]:
    """Return the weights of the cases and the biases, a column for each column wanted."""
    fitted = [fit(kernel, wanted[:, at], counts[:, at]) for at in range(wanted.shape[1])]
    return np.stack([alpha for alpha, _ in fitted], 1), np.array([bias for _, bias in fitted])


def held_out(kernel: Floats, wanted: Flags, counts: Floats, folds: int = 5) -> Floats:
    """Return the scores of every case by a machine that has not seen it."""
    scores = np.zeros(wanted.shape)
    part = np.random.default_rng(5).permutation(len(wanted)) % folds
    for fold in range(folds):
        seen, unseen = np.flatnonzero(part != fold), np.flatnonzero(part == fold)
        alpha, bias = fit_all(kernel[np.ix_(seen, seen)], wanted[seen], counts[seen])
        scores[unseen] = kernel[np.ix_(unseen, seen)] @ alpha + bias
    return scores


def calibrate(score: Floats, wanted: Flags) -> tuple[float, float]:
    """Return slope and offset that turn scores into chances; after Platt (1999)."""
    slope, offset = 2.0, 0.0
    for _ in range(100):
        chance = 1 / (1 + np.exp(-(slope * score + offset)))
        spread = chance * (1 - chance) + 1e-6
        gap = wanted - chance
        curve = np.array(
            [
                [(spread * score**2).sum(), (spread * score).sum()],
                [(spread * score).sum(), spread.sum()],
            ]
        )
        step = np.linalg.solve(curve, np.array([(gap * score).sum(), gap.sum()]))
        slope, offset = slope + step[0], offset + step[1]
    return float(slope), float(offset)


def is_short(cases: Sequence[Case]) -> Flags:
    """Return for each case whether it has no description."""
    return np.array([not (case["description"] or "").strip() for case in cases])


def threshold(chance: Floats, wanted: Flags, good: Flags, precision: float, most: float) -> float:
    """Return the lowest threshold that is precise enough and flags few enough good cases."""
    for limit in np.arange(0.3, 0.98, 0.01):
        flagged = chance >= limit
        right = (flagged & wanted).sum() / max(flagged.sum(), 1)
        if right >= precision and (flagged & good).sum() <= most * good.sum():
            return float(limit)
    return 0.98


@dataclass(frozen=True)
class Learned:
    """What was learned: weights by feature, and how scores become chances and findings."""

    table: Table
    weights: Floats
    bias: Floats
    slope: Floats
    offset: Floats
    threshold: Floats
    """A row for texts without description, and one for those that have one."""
    unseen: Floats
    """The chances of the training cases, each by a machine that had not seen it."""

    def chances(self, cases: Sequence[Case]) -> Floats:
        """Return the chance of each column for each case."""
        scores = self.table.matrix(cases) @ self.weights + self.bias
        return np.asarray(1 / (1 + np.exp(-(scores * self.slope + self.offset))))


def learn(
    cases: Sequence[Case], vocabulary: Vocabulary, sorts: Sequence[str] = tuple(SHARE)
) -> Learned:
    """Learn from cases, with the features of some sorts."""
    table = Table(cases, vocabulary, sorts)
    matrix = table.matrix(cases)
    kernel = (matrix @ matrix.T).astype(np.float64)
    wanted, counts = targets(cases, vocabulary)
    scores = held_out(kernel, wanted, counts)
    lines = [
        calibrate(scores[counts[:, at] > 0, at], wanted[counts[:, at] > 0, at])
        for at in range(len(COLUMNS))
    ]
    slope, offset = np.array(lines).T
    unseen = 1 / (1 + np.exp(-(scores * slope + offset)))
    good = np.array([not case["labels"] for case in cases])
    limits = []
    short = is_short(cases)
    for those, asked in ((short, ASKED["short"]), (~short, ASKED["whole"])):
        found = [
            threshold(unseen[those, at], wanted[those, at], good[those], *asked[label])
            for at, label in enumerate(LABELS)
        ]
        limits.append([*found, *[0.5] * len(MONEY)])
    alpha, bias = fit_all(kernel, wanted, counts)
    return Learned(
        table,
        (matrix.T @ alpha.astype(np.float32)).astype(np.float64),
        bias,
        slope,
        offset,
        np.array(limits),
        unseen,
    )


# --- the file


def write(learned: Learned, kinds: Sequence[str], terms: dict[str, int]) -> str:
    """Write the model that the package carries and return a sentence about it."""
    weights = learned.weights * learned.table.lean[:, None]
    scale = np.abs(weights).max(0) / 127
    small = np.round(weights / scale).astype(np.int8)
    keep = np.flatnonzero((np.abs(small) >= SLIGHTEST).any(1))
    keys = np.array([crc32(learned.table.names[at].encode()) for at in keep], np.uint32)
    assert len(set(keys.tolist())) == len(keys), "two features share a key"
    order = np.argsort(keys)
    np.savez_compressed(
        HOME / "model.npz",
        keys=keys[order],
        weights=small[keep][order],
        scale=scale.astype(np.float32),
        bias=learned.bias.astype(np.float32),
        slope=learned.slope,
        offset=learned.offset,
        threshold=learned.threshold,
        kinds=np.frombuffer("\n".join(kinds).encode(), np.uint8),
        terms=np.frombuffer("\n".join(terms).encode(), np.uint8),
        bits=np.array(list(terms.values()), np.uint64),
        money_kinds=bits_of(kinds, MONEY_KINDS),
        customer_kinds=bits_of(kinds, CUSTOMER_KINDS),
    )
    return f"{len(keys)} features, {(HOME / 'model.npz').stat().st_size} bytes"


def bits_of(kinds: Sequence[str], names: Sequence[str]) -> Any:
    """Return kinds as bits."""
    return np.uint64(sum(1 << list(kinds).index(name) for name in names))


def main() -> None:
    """Train on all cases, write the model and say how well unseen cases are told apart."""
    cases = read_cases()
    kinds, terms = read_vocabulary()
    vocabulary = Vocabulary(kinds, terms)
    learned = learn(cases, vocabulary)
    wanted, counts = targets(cases, vocabulary)
    short = is_short(cases)
    good = np.array([not case["labels"] for case in cases])
    for title, those, limits in (
        ("without description", short, learned.threshold[0]),
        ("with description", ~short, learned.threshold[1]),
    ):
        flagged = (learned.unseen[those] >= limits) & (counts[those] > 0)
        print(f"{title}: {those.sum()} cases")
        for at, column in enumerate(COLUMNS):
            right = int((flagged[:, at] & wanted[those, at]).sum())
            print(
                f"  {column:13} threshold {limits[at]:.2f}"
                f"  precision {right / max(1, flagged[:, at].sum()):.3f}"
                f"  recall {right / (wanted[those, at] & (counts[those, at] > 0)).sum():.3f}"
            )
        spoiled = flagged[good[those], : len(LABELS)].any(1).mean()
        print(f"  good cases with any label {spoiled:.3f}")
    print(write(learned, kinds, terms))


if __name__ == "__main__":
    main()
