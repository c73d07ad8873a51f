"""The units of a tree: declared where they are declared, else inferred, and all contradictions."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from metrictree.loader import quiet_collector
from metrictree.unit_inference.faults import clash_fault, declared_fault
from metrictree.unit_inference.quantity import UNKNOWN, Quantity
from metrictree.unit_inference.walk import quantity_of
from metrictree.units import CURRENCIES, Unit, parse_unit
from metrictree.units.names import PERIODS
from metrictree.units.scales import conversions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metrictree.formula import Formula
    from metrictree.resolved import ResolvedTree
    from metrictree.unit_inference.faults import UnitFault

__all__ = ["InferredUnits", "declared_quantities", "infer_units"]

_COUNTS: Final = frozenset(("count", "count_distinct"))
_PERCENT: Final = frozenset(("%", "percent", "percentage", "pp"))
_HUNDRED: Final = Fraction(100)


@dataclass(frozen=True, slots=True)
class InferredUnits:
    """What is known of the units of a tree; ``None`` is unknown."""

    units: Mapping[str, Unit | None]
    """Of every metric: as declared, else what the formula gives."""
    inferred: Mapping[str, Unit | None]
    """Of every formula: what it gives of the units of its metrics, whatever is declared."""
    faults: tuple[UnitFault, ...]
    """In document order."""


def infer_units(tree: ResolvedTree) -> InferredUnits:
    """Return the units of a tree, in one pass over its formulas."""
    with quiet_collector():
        return _infer(tree)


def _infer(tree: ResolvedTree) -> InferredUnits:
    declared = declared_quantities(tree)
    known: dict[str, Quantity] = {}
    inferred: dict[str, Unit | None] = {}
    faults: dict[str, list[UnitFault]] = {}
    for metric in tree.graph.order:
        formula = tree.formulas.get(metric)
        if formula is None:
            known[metric] = declared.get(metric, UNKNOWN)
            fault = _count_fault(tree, metric, declared.get(metric))
        else:
            found, clashes = quantity_of(formula, known)
            inferred[metric] = found.certain
            if clashes:
                faults[metric] = [clash_fault(metric, clash) for clash in clashes]
            fault = None
            if metric in declared:
                fault = _declared_fault(tree, metric, declared[metric].unit, found, known)
            known[metric] = declared.get(metric) or (UNKNOWN if found.written else found)
        if fault is not None:
            faults.setdefault(metric, []).append(fault)
    return InferredUnits(
        MappingProxyType({metric: known[metric].certain for metric in tree.metrics}),
        MappingProxyType({metric: inferred[metric] for metric in tree.formulas}),
        tuple(fault for metric in tree.metrics for fault in faults.get(metric, ())),
    )


def declared_quantities(tree: ResolvedTree) -> dict[str, Quantity]:
    """Return the declared unit of each metric that has one."""
    read: dict[str, Quantity] = {}  # most trees have few units, and many metrics of each
    declared: dict[str, Quantity] = {}
    for metric, body in tree.metrics.items():
        text = body.unit
        if text is not None:
            if text not in read:
                read[text] = Quantity(parse_unit(text))
            declared[metric] = read[text]
    return declared


def _count_fault(tree: ResolvedTree, metric: str, declared: Quantity | None) -> UnitFault | None:
    """Return the fault of a number of rows that is declared as an amount of money."""
    measure = tree.measures.get(metric)
    if measure is None or declared is None or measure.aggregate.root.value not in _COUNTS:
        return None
    if not any(power > 0 and name in CURRENCIES for name, power in declared.unit.base.powers):
        return None
    text = tree.metrics[metric].unit or ""
    return declared_fault("UNI102", metric, text, declared.unit, None)


def _declared_fault(
    tree: ResolvedTree,
    metric: str,
    declared: Unit,
    found: Quantity,
    known: Mapping[str, Quantity],
) -> UnitFault | None:
    """Return the fault of a declared unit that its formula contradicts, if it does."""
    if not found.known or declared.is_score:  # an index is whatever its formula makes of it
        return None
    text, unit = tree.metrics[metric].unit or "", found.unit
    if text in _PERCENT and _is_share(unit) and _is_hundredfold(found):
        return declared_fault("UNI106", metric, text, declared, unit)
    if unit == declared:
        return None
    if unit.base == declared.base:
        sizes = found.sizes
        if sizes is None or declared.size in sizes:
            return None
    elif unit.is_score and declared.is_ratio:
        return None  # a score may be a share of its highest value
    elif _is_renamed(declared, unit, tree.formulas[metric], known):
        return declared_fault("UNI105", metric, text, declared, unit)
    return declared_fault("UNI102", metric, text, declared, unit)


def _is_hundredfold(found: Quantity) -> bool:
    factors = found.factors or frozenset()
    return _HUNDRED in factors and 1 / _HUNDRED not in factors


def _is_renamed(
    declared: Unit, inferred: Unit, formula: Formula, known: Mapping[str, Quantity]
) -> bool:
    """Whether one thing is called another because of a share: visits * conversion is orders."""
    if declared.is_ratio:
        return bool(inferred.powers) and _is_share(inferred)
    change = declared / inferred
    if not _is_share(change):
        return False
    left = change.powers[1][0]  # of the formula's things, the one that the declaration has not
    return dict(inferred.powers).get(left, 0) > 0 and any(
        known[name].known and known[name].unit.is_ratio for name in formula.references
    )


def _is_share(unit: Unit) -> bool:
    """Whether it is a ratio, or things of one kind per things of another."""
    if unit.is_ratio:
        return True
    if [power for _, power in unit.powers] != [1, -1]:
        return False
    return all(_is_thing(name) for name, _ in unit.powers)


def _is_thing(name: str) -> bool:
    """Whether a name is of things that are counted: no money, no time, no measure."""
    return not conversions(name) and name not in PERIODS and not Unit(((name, 1),)).is_score
