"""The published limits of what is read; every number is tested at the limit and one past it.

Imports nothing from the package.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFAULT_LIMITS", "Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a tree may hold before it is refused; pass your own to ``MetricTree.load``.

    >>> Limits(metrics=10).metrics
    10
    """

    bytes: int = 64 * 2**20
    """Size of all files of a tree together, in bytes."""
    values: int = 3_000_000
    """Keys and values of all files together, aliases counted each time they are used."""
    metrics: int = 250_000
    """Metrics of a tree."""
    entries: int = 250_000
    """Entries of one list or mapping."""
    depth: int = 100
    """Nesting of lists and mappings in a document."""
    formula_length: int = 100_000
    """Characters of one formula, aggregate or where."""
    formula_depth: int = 250
    """Brackets and operators of a formula that wait for their right-hand side at one time."""
    formula_nodes: int = 1_000_000
    """Numbers, names, operators and calls of all formulas of a tree together."""
    files: int = 1_000
    """Files of a tree, the first one included."""
    include_depth: int = 20
    """Files that include each other in a chain, the first one included."""
    rows: int = 1_000_000
    """Rows of the result of one run: its periods times its groups."""


DEFAULT_LIMITS = Limits()
