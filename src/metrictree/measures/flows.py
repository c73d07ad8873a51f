"""The units of a run: what is counted or added up is per period of the run.

A measure that is declared as orders per month gives, by quarter, orders per quarter: that is what
the result has to say, and formulas must not mix it with what is given per month.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metrictree.diagnostics import Diagnostic
from metrictree.errors import ComputeError
from metrictree.unit_inference.faults import clash_message, unit_text
from metrictree.unit_inference.inference import declared_quantities
from metrictree.unit_inference.quantity import BROKEN, UNKNOWN, Quantity
from metrictree.unit_inference.walk import quantity_of
from metrictree.units import RATIO, Unit, parse_unit
from metrictree.units.names import PERIODS

if TYPE_CHECKING:
    from metrictree.plan import Plan
    from metrictree.resolved import ResolvedTree
    from metrictree.schema import Metric

__all__ = ["metrics_of_run"]

_FLOWS: Final = frozenset(("count", "count_distinct", "sum"))


def metrics_of_run(tree: ResolvedTree, plan: Plan, grain: str) -> dict[str, Metric]:
    """Return the targets with the units that they have in a run.

    Raises:
        ComputeError: a formula mixes what is per period of the run with what is per another one.
    """
    units = _Flows(tree, plan, grain).units
    return {
        metric: tree.metrics[metric].model_copy(
            update={"unit": None if units[metric] is None else str(units[metric])}
        )
        if metric in units
        else tree.metrics[metric]
        for metric in plan.targets
    }


class _Flows:
    """What changes with the grain: the measures that count, and all that is made of them."""

    def __init__(self, tree: ResolvedTree, plan: Plan, grain: str) -> None:
        self.tree = tree
        self.grain = grain
        self.units: dict[str, Unit | None] = {}
        """The units that are not those of the tree; ``None`` where nobody can tell."""
        self.problems: list[Diagnostic] = []
        declared = declared_quantities(tree)
        self.before = {metric: declared.get(metric, UNKNOWN) for metric in plan.leaves}
        """What the tree says."""
        self.now: dict[str, Quantity] = {}
        """What it is in this run, of metrics for which that is something else."""
        self.counting: set[str] = set()
        """The measures that count, and what is made of them."""
        if not any(quantity.unit.periods for quantity in declared.values()):
            return
        for metric in plan.leaves:
            self._leaf(metric)
        for metric in plan.formulas:
            self._formula(metric, declared.get(metric))
        if self.problems:
            raise ComputeError(self.problems)

    def _leaf(self, metric: str) -> None:
        measure, unit = self.tree.measures.get(metric), self.before[metric].unit
        if measure is None or measure.aggregate.root.value not in _FLOWS:
            return
        self.counting.add(metric)
        periods = [period for period in unit.periods if (period, -1) in unit.powers]
        if len(periods) != 1 or periods == [self.grain]:
            return
        changed = unit * parse_unit(periods[0])
        if self.grain != "all":
            changed /= parse_unit(self.grain)
        self.units[metric] = changed
        self.now[metric] = Quantity(changed)

    def _formula(self, metric: str, declared: Quantity | None) -> None:
        formula = self.tree.formulas[metric]
        before, clashes = quantity_of(formula, self.before)
        self.before[metric] = declared or (UNKNOWN if before.written else before)
        if self.counting.isdisjoint(formula.references):
            return
        self.counting.add(metric)
        now, found = before, clashes
        if not self.now.keys().isdisjoint(formula.references):
            now, found = quantity_of(formula, {**self.before, **self.now})
        both = before.known and now.known
        if found and not clashes:
            self._refuse(metric, clash_message(found[0]), found[0].start, found[0].end)
            self.now[metric] = BROKEN
        elif both and _mixes(before.unit, now.unit):
            self._refuse(metric, f"its formula gives {unit_text(now.unit)}")
            self.now[metric] = BROKEN
        elif declared is None:
            if now is not before:
                self.now[metric] = UNKNOWN if now.written else now
        elif both and now.unit != before.unit:
            self._declared(metric, declared.unit, now.unit / before.unit)
        elif not self._is_told(declared.unit, now.unit if both else RATIO):
            self.units[metric] = None
            self.now[metric] = UNKNOWN

    def _is_told(self, declared: Unit, given: Unit) -> bool:
        """Whether the periods of a declared unit are those of the run or of the formula."""
        others = set(declared.periods) - {self.grain} - _periods(given)
        return not others or declared.base == given.base

    def _declared(self, metric: str, declared: Unit, change: Unit) -> None:
        """Change a declared unit as the formula below it has changed."""
        if declared.is_score or not declared.periods:
            return
        changed = declared * change
        if _mixes(declared, changed):  # 12 months are a year only where values are per month
            self._refuse(metric, f"it is declared as {unit_text(declared)}")
            changed = RATIO
        self.units[metric] = changed
        self.now[metric] = Quantity(changed)

    def _refuse(self, metric: str, what: str, start: int = 0, end: int | None = None) -> None:
        tree, text = self.tree, self.tree.formulas[metric].text
        below = tree.graph.below([metric])
        name = next(name for name in self.units if name in tree.measures and name in below)
        is_all = self.grain == "all"
        how = "over all time" if is_all else f"per {self.grain}"
        period = next(iter(self.before[name].unit.periods))
        counted, declared = unit_text(self.now[name].unit), unit_text(self.before[name].unit)
        advice = "" if is_all else f"give and declare per {self.grain} what is not measured, "
        self.problems.append(
            Diagnostic(
                "SRC122",
                f"the run counts '{name}' {how} ({counted}), and '{metric}' is made for "
                f"{declared}: {what}",
                tree.places.span_within(
                    ("metrics", metric, "formula"), text, start, len(text) if end is None else end
                ),
                metric=metric,
                path=f"metrics.{metric}.formula",
                fix=f"choose the grain {period}, {advice}or choose other targets",
            )
        )


def _mixes(before: Unit, now: Unit) -> bool:
    """Whether periods that were one, or cancelled, are several now."""
    return len(_periods(now)) > len(_periods(before))


def _periods(unit: Unit) -> set[str]:
    return {name for name, _ in unit.powers if name in PERIODS}
