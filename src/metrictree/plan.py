"""Targets -> what has to be computed, in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metrictree.diagnostics import Diagnostic, shown
from metrictree.errors import UsageError
from metrictree.names import Suggester, did_you_mean

if TYPE_CHECKING:
    from metrictree.resolved import ResolvedTree

__all__ = ["Plan", "make_plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the targets need: leaves first, then formulas, each after all that it uses."""

    targets: tuple[str, ...]
    leaves: tuple[str, ...]
    """Inputs, measures and constant values."""
    formulas: tuple[str, ...]


def make_plan(tree: ResolvedTree, targets: Iterable[str] | None = None) -> Plan:
    """Return the plan for ``targets``, or for every metric.

    Raises:
        UsageError: a target is no metric of the tree.
    """
    order = tree.graph.order
    if targets is None:
        chosen = tuple(tree.metrics)
        needed = order
    else:
        given: Any = targets  # a caller may ignore the types
        if isinstance(given, str) or not isinstance(given, Iterable):
            given = [given]
        names = list(given)
        unknown = [name for name in names if not isinstance(name, str) or name not in tree.metrics]
        if unknown:
            suggester = Suggester(tree.metrics)
            raise UsageError(
                Diagnostic(
                    "VAL107",
                    f"the target '{shown(name)}' is no metric of the tree",
                    help=did_you_mean(suggester.near(shown(name, 100))) or "targets are metric ids",
                )
                for name in unknown
            )
        chosen = tuple(dict.fromkeys(names))
        below = tree.graph.below(chosen)
        needed = tuple(metric for metric in order if metric in below)
    return Plan(
        chosen,
        tuple(metric for metric in needed if metric not in tree.formulas),
        tuple(metric for metric in needed if metric in tree.formulas),
    )
