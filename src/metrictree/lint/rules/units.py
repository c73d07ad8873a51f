"""Rules about units: what cannot be added, and what a formula gives other than it declares."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from metrictree.diagnostics import Confidence, Diagnostic, Evidence, Severity, legible
from metrictree.lint.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrictree.lint.facts import Facts

__all__ = ["UNITS"]


class _OfUnits(Rule):
    """Tells the faults of units that have its code."""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding for each fault, at its place inside of the formula or at the `unit`."""
        for fault in facts.units.faults:
            if fault.code != self.code:
                continue
            metric = fault.metric
            inside = fault.start is not None and fault.end is not None
            told = ("one side is", "the other is") if inside else ("declared:", "found:")
            evidence = [
                Evidence(f"{what} {legible(str(unit))}", metric, "unit", str(unit))
                for what, unit in zip(told, (fault.expected, fault.inferred), strict=True)
                if unit is not None
            ]
            path = ("metrics", metric, "formula" if inside else "unit")
            found = self.found(
                facts,
                metric,
                fault.message,
                at=path,
                fix=fault.fix,
                confidence=Confidence.DERIVED,
                evidence=evidence,
            )
            if fault.start is not None and fault.end is not None:
                text = facts.tree.formulas[metric].text
                span = facts.tree.places.span_within(path, text, fault.start, fault.end)
                found = replace(found, span=span)
            yield found


class MixedUnits(_OfUnits):
    """A formula adds, compares or chooses between things of different units.

    ## Why

    Dollars and euros, or dollars and customers, have no sum. The number that comes out means
    nothing, however right it looks. What has no declared unit, and none that follows from a
    formula, fits everything.

    ## Reported

    ```yaml
    north_star: balance
    metrics:
      balance: sales - refunds
      sales: {unit: USD}
      refunds: {unit: EUR}
    ```

    ## Accepted

    ```yaml
    north_star: balance
    metrics:
      balance: sales - refunds * dollars_per_euro
      sales: {unit: USD}
      refunds: {unit: EUR}
      dollars_per_euro: {unit: USD/EUR}
    ```

    ## What to do

    Bring both to one unit, by a price, a rate or a factor that has a unit itself; or correct the
    unit that is wrong.

    ## Source

    Dimensional analysis, as in physics and in languages with units of measure.
    """

    code: ClassVar[str] = "UNI101"
    title: ClassVar[str] = "Units that do not mix"
    severity: ClassVar[Severity] = Severity.ERROR


class ContradictedUnit(_OfUnits):
    """The declared unit is not what the formula or the measure gives.

    ## Why

    Either the formula computes something else than its author thinks, or everybody who reads the
    unit is misled. Periods count: what is counted per week is not what is counted per month.

    ## Reported

    ```yaml
    north_star: price
    metrics:
      price: {formula: orders / sales, unit: USD/order}
      sales: {unit: USD}
      orders: {unit: order}
    ```

    ## Accepted

    ```yaml
    north_star: price
    metrics:
      price: {formula: sales / orders, unit: USD/order}
      sales: {unit: USD}
      orders: {unit: order}
    ```

    ## What to do

    Correct the formula if it is wrong, else declare the unit that the message shows. Another unit
    of the same kind, such as hours for minutes, needs the factor in the formula.

    ## Source

    Dimensional analysis, as in physics and in languages with units of measure.
    """

    code: ClassVar[str] = "UNI102"
    title: ClassVar[str] = "A unit that the formula contradicts"
    severity: ClassVar[Severity] = Severity.ERROR


class RenamedUnit(_OfUnits):
    """A share turns one thing into another, and its unit does not say so.

    ## Why

    Visits times a share are visits; they become orders only if the share is one of orders per
    visit. People read `ratio` as that, so nothing is wrong with the number. But where units follow,
    a formula that takes the wrong share is told, and here it is not.

    ## Reported

    ```yaml
    north_star: orders
    metrics:
      orders: {formula: visits * order_rate, unit: order}
      visits: {unit: visit}
      order_rate: {unit: ratio}
    ```

    ## Accepted

    ```yaml
    north_star: orders
    metrics:
      orders: {formula: visits * order_rate, unit: order}
      visits: {unit: visit}
      order_rate: {unit: order/visit, display: percent}
    ```

    ## What to do

    Declare the share as what it is of what; `display: percent` still shows it in percent.

    ## Source

    Dimensional analysis, as in physics and in languages with units of measure.
    """

    code: ClassVar[str] = "UNI105"
    title: ClassVar[str] = "A share without what it is of"
    severity: ClassVar[Severity] = Severity.ADVICE


class HundredfoldShare(_OfUnits):
    """A percentage is counted from 0 to 100, which showing it does as well.

    ## Why

    A percentage is a ratio everywhere: 0.05 is shown as 5 %. A formula that multiplies by 100 is
    shown as 500 %, and every formula that uses it is a hundred times too large. The same holds for
    a percentage whose `range` ends at 100.

    ## Reported

    ```yaml
    north_star: order_rate
    metrics:
      order_rate: {formula: 100 * orders / visits, unit: "%"}
      orders: {unit: visit}
      visits: {unit: visit}
    ```

    ## Accepted

    ```yaml
    north_star: order_rate
    metrics:
      order_rate: {formula: orders / visits, unit: "%"}
      orders: {unit: visit}
      visits: {unit: visit}
    ```

    ## What to do

    Leave the 100 out of the formula, and write `range: [0, 1]`.

    ## Source

    How spreadsheets keep percentages.
    """

    code: ClassVar[str] = "UNI106"
    title: ClassVar[str] = "A percentage times 100"
    severity: ClassVar[Severity] = Severity.ERROR

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding for each formula, and for each range, that is times 100."""
        yield from super().check(facts)
        for metric, body in facts.metrics.items():
            if body.unit in _PERCENT and body.range is not None and body.range[1] == _HUNDRED:
                yield self.found(
                    facts,
                    metric,
                    f"the range of '{metric}' ends at 100, which is 10,000 %: a percentage is a "
                    "ratio, 0.05 is shown as 5 %",
                    at=("metrics", metric, "range"),
                    fix="write `range: [0, 1]`, and give its values as ratios",
                    evidence=[Evidence(f"unit: {body.unit}", metric, "unit", body.unit)],
                )


_PERCENT: Final = ("%", "percent", "percentage")
_HUNDRED: Final = 100

UNITS: Final[tuple[type[Rule], ...]] = (
    MixedUnits,
    ContradictedUnit,
    RenamedUnit,
    HundredfoldShare,
)
