"""What words suggest about a metric: plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LABELS", "MONEY", "Assessment", "Label", "Money", "Suspicion"]

Label: TypeAlias = Literal[
    "revenue", "external", "vanity", "lagging", "internal", "gameable", "unmeasurable"
]
Money: TypeAlias = Literal["own", "cost", "customer", "outside"]

LABELS: Final[tuple[Label, ...]] = get_args(Label)
MONEY: Final[tuple[Money, ...]] = get_args(Money)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A weakness that the words of a metric suggest."""

    label: Label
    score: float
    """How sure, from 0 to 1."""
    terms: tuple[str, ...]
    """The words of the text that weighed most, as they are written there."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the words of a metric suggest: the weaknesses that are likely, and whose money it is."""

    suspicions: Mapping[Label, Suspicion]
    money: Money | None
    """Whose money it is; None where the words speak of no money, or leave it open."""
