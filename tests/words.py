"""A few words that stand for what the linter knows of language, so that tests see only the rules.

It has the shape of `metrictree.lint.wording.assess`.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

TERMS = {
    "own": ("arpu", "basket", "fare", "fee", "fees", "income", "mrr", "price", "revenue", "sales"),
    "cost": ("cost", "costs", "spend"),
    "customer": ("bill", "bills", "household", "saved", "saving", "savings"),
    "outside": ("exchange", "market", "oil", "tag", "translation"),
    "external": ("rain", "rainfall", "rank", "snow", "sun", "weather"),
}


def few_words(
    name: str,
    description: str | None = None,
    unit: str | None = None,
    product: str | None = None,
) -> Any:
    """Return what the words suggest, in the shape of an assessment."""
    words = [name, description or "", unit or "", product or ""]
    said = " ".join(words[:2]).lower().replace("-", " ").split()
    found = {kind: tuple(word for word in said if word in terms) for kind, terms in TERMS.items()}
    money = next((kind for kind in ("customer", "outside", "cost", "own") if found[kind]), None)
    suspicions = {}
    if money == "own":
        score = 0.7 if found["own"] == ("fare",) else 0.95
        suspicions["revenue"] = SimpleNamespace(label="revenue", score=score, terms=found["own"])
    outside = found["external"] or (found["outside"] if money == "outside" else ())
    if outside:
        score = 0.7 if outside == ("tag",) else 0.95
        suspicions["external"] = SimpleNamespace(label="external", score=score, terms=outside)
    return SimpleNamespace(suspicions=suspicions, money=money)
