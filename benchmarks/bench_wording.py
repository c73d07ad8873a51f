"""How well words tell good North Stars from bad ones: terms alone, a model alone, and both.

python benchmarks/bench_wording.py CASES.jsonl [TRAINING.jsonl]

All three learn from the training cases (those of the repository unless a file is given), and are
asked about the cases of the first file; those that the training cases hold too are left out.
"""

from __future__ import annotations

import sys
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

from train_wording import DATA, LABELS, SHARE, is_short, learn, read_cases, read_vocabulary

from metrictree.lint.wording.text import spans
from metrictree.lint.wording.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Case = dict[str, Any]
    Flags = NDArray[np.bool_]

# What a reviewer would write down who had the vocabulary and no model: a label is suspected where
# a kind of the first list is named and none of the second.
RULES: Final = {
    "revenue": (
        "income kept gift charge",
        "served saving outgoing cost rival foresee right done ledger",
    ),
    "external": (
        "nature disease economy commodity rival authority ranking official",
        "foresee right shield done own income",
    ),
    "vanity": ("size", "done income nature official"),
    "lagging": ("income kept gift retained", "served saving outgoing cost foresee right done"),
    "internal": ("effort outgoing crew", "served client done income"),
    "gameable": ("gather", "done right"),
    "unmeasurable": ("slogan", "done change amount size"),
}


def by_terms(cases: Sequence[Case], vocabulary: Vocabulary) -> Flags:
    flags = np.zeros((len(cases), len(LABELS)), bool)
    for row, case in enumerate(cases):
        named = 0
        for key in ("name", "description"):
            for _, _, bits in vocabulary.of_text([word for word, _, _ in spans(case[key])]):
                named |= bits
        for column, label in enumerate(LABELS):
            wants, lifts = (
                sum(1 << vocabulary.kinds.index(kind) for kind in kinds.split())
                for kinds in RULES[label]
            )
            flags[row, column] = bool(named & wants) and not named & lifts
    return flags


def between(part: int, whole: int) -> str:
    """A share and its interval of 95 % (Wilson, 1927)."""
    if not whole:
        return "   -"
    share, z = part / whole, 1.96
    middle = (share + z * z / (2 * whole)) / (1 + z * z / whole)
    reach = z * sqrt(share * (1 - share) / whole + z * z / (4 * whole**2)) / (1 + z * z / whole)
    return f"{share:.3f} [{max(0.0, middle - reach):.2f}, {min(1.0, middle + reach):.2f}]"


def show(title: str, cases: Sequence[Case], flags: Flags) -> None:
    print(f"\n{title}")
    for column, label in enumerate(LABELS):
        wanted = np.array([label in case["labels"] for case in cases])
        flagged = flags[:, column]
        right = int((wanted & flagged).sum())
        print(
            f"  {label:13} {wanted.sum():5d}  precision {between(right, int(flagged.sum())):22}"
            f"  recall {between(right, int(wanted.sum()))}"
        )
    good = np.array([not case["labels"] for case in cases])
    print(f"  good with any {good.sum():5d}  {between(int(flags[good].any(1).sum()), good.sum())}")
    for language in sorted({case["lang"] for case in cases}):
        those = np.array([case["lang"] == language for case in cases])
        parts = []
        for column, label in enumerate(("revenue", "external")):
            wanted = np.array([label in case["labels"] for case in cases]) & those
            flagged = flags[:, column] & those
            right = int((wanted & flagged).sum())
            parts.append(f"{label} {right} right of {flagged.sum()} flagged, {wanted.sum()} wanted")
        print(f"    {language} {those.sum():5d}  {';  '.join(parts)}")


def main() -> None:
    training = read_cases(Path(sys.argv[2]) if len(sys.argv) > 2 else DATA)
    known = {(case["name"], case["description"], case["product"]) for case in training}
    cases = [
        case
        for case in read_cases(Path(sys.argv[1]))
        if (case["name"], case["description"], case["product"]) not in known
    ]
    if not cases:
        sys.exit("all of these cases are training cases")
    print(f"{len(training)} training cases, {len(cases)} others")
    vocabulary = Vocabulary(*read_vocabulary())
    show("terms alone", cases, by_terms(cases, vocabulary))
    for title, sorts in (
        ("model alone", [sort for sort in SHARE if not sort.startswith("kind")]),
        ("terms and model", list(SHARE)),
    ):
        learned = learn(training, vocabulary, sorts)
        limits = learned.threshold[1 - is_short(cases).astype(int), : len(LABELS)]
        show(title, cases, learned.chances(cases)[:, : len(LABELS)] >= limits)


if __name__ == "__main__":
    main()
