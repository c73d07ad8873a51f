"""What the words of a metric suggest: its name, description, unit and product, and nothing else."""

from __future__ import annotations

from metrictree.lint.wording.assessment import LABELS, Assessment, Label, Money, Suspicion

__all__ = ["LABELS", "Assessment", "Label", "Money", "Suspicion", "assess"]


def assess(
    name: str, description: str | None = None, unit: str | None = None, product: str | None = None
) -> Assessment:
    """Return the weaknesses that the words of a metric suggest, and whose money it is.

    >>> found = assess("Takings per shop", "Money in the till at closing time.", "EUR/shop")
    >>> sorted(found.suspicions), found.money
    (['lagging', 'revenue'], 'own')
    """
    # The weights are read on first use: most commands never ask for them.
    from metrictree.lint.wording.model import model

    return model().assess(name, description, unit, product)
