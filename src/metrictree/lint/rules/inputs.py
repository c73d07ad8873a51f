"""Rules about the metrics below and beside the North Star: inputs, guardrails and duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from metrictree.diagnostics import Confidence, Diagnostic, Evidence, Severity, legible
from metrictree.lint.alike import alike
from metrictree.lint.reach import steps
from metrictree.lint.rule import Rule
from metrictree.lint.rules.influences import INFLUENCES
from metrictree.schema import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrictree.lint.facts import Facts

__all__ = ["INPUTS"]


class NoOwner(Rule):
    """An input metric has no owner.

    ## Why

    What nobody answers for, nobody improves, and nobody notices when it falls.

    An input metric is one that leads to the North Star, by formula or influence, and has no formula
    itself, or has `role: input`. A constant `value`, a guardrail, an outcome and what is watched
    for its own sake are none.

    ## Reported

    ```yaml
    north_star: weekly_orders
    metrics:
      weekly_orders: buyers * orders_per_buyer
      buyers: {owner: growth}
      orders_per_buyer:
    ```

    ## Accepted

    ```yaml
    north_star: weekly_orders
    metrics:
      weekly_orders: buyers * orders_per_buyer
      buyers: {owner: growth}
      orders_per_buyer: {owner: shop}
    ```

    ## What to do

    Agree on a team or a person who answers for it, and name them in `owner`.

    ## Source

    Guides on choosing a North Star: it is followed where teams own the inputs that drive it.
    """

    code: ClassVar[str] = "IM201"
    title: ClassVar[str] = "An input without owner"
    severity: ClassVar[Severity] = Severity.ADVICE

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding for each input metric that nobody answers for."""
        for metric in _inputs(facts):
            if facts.metrics[metric].owner is None:
                yield self.found(
                    facts,
                    metric,
                    f"the input '{metric}' has no owner",
                    fix="add `owner:` with the team or person who answers for it",
                    evidence=[Evidence("there is no `owner`", metric, "owner")],
                )


class NoUnit(Rule):
    """Nothing says what an input metric counts.

    ## Why

    A number without a unit is read differently by everybody who sees it. With units, formulas are
    checked, and values are shown as what they are.

    Which metrics are inputs is said at IM201.

    ## Reported

    ```yaml
    north_star: weekly_orders
    metrics:
      weekly_orders: buyers * orders_per_buyer
      buyers: {unit: customer/week}
      orders_per_buyer:
    ```

    ## Accepted

    ```yaml
    north_star: weekly_orders
    metrics:
      weekly_orders: buyers * orders_per_buyer
      buyers: {unit: customer/week}
      orders_per_buyer: {unit: order/customer}
    ```

    ## What to do

    Declare what it counts, and per what: `unit: order`, `unit: order/customer`, `unit: ratio`,
    `unit: USD`.

    ## Source

    Guides on choosing a North Star: it can be measured, and everybody understands it the same way.
    """

    code: ClassVar[str] = "IM202"
    title: ClassVar[str] = "An input without unit"
    severity: ClassVar[Severity] = Severity.ADVICE

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding for each input metric whose unit is not known."""
        units = facts.units.units
        for metric in _inputs(facts):
            if facts.metrics[metric].unit is None and units.get(metric) is None:
                yield self.found(
                    facts,
                    metric,
                    f"nothing says what the input '{metric}' counts",
                    fix="add `unit:`, such as order, order/customer, ratio or USD",
                    evidence=[Evidence("there is no `unit`", metric, "unit")],
                )


class NoControllability(Rule):
    """Nothing says how far a team can move an input metric.

    ## Why

    Teams work on what they can move. Which inputs are theirs, which they can only influence, and
    which come from outside, decides whether the North Star is driven from inside.

    Which metrics are inputs is said at IM201; measures count too, for where a value
    comes from says nothing about who moves it.

    ## Reported

    ```yaml
    north_star: weekly_orders
    metrics:
      weekly_orders: buyers * orders_per_buyer
      buyers: {controllability: influenced}
      orders_per_buyer:
    ```

    ## Accepted

    ```yaml
    north_star: weekly_orders
    metrics:
      weekly_orders: buyers * orders_per_buyer
      buyers: {controllability: influenced}
      orders_per_buyer: {controllability: direct}
    ```

    ## What to do

    Declare `controllability: direct` for what a team decides itself, `influenced` for what follows
    from its work, `external` for what others decide.

    ## Source

    Guides on choosing a North Star: teams can move it by their work, and outside forces do not.
    """

    code: ClassVar[str] = "IM203"
    title: ClassVar[str] = "An input of unknown control"
    severity: ClassVar[Severity] = Severity.ADVICE

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding for each input metric without a declared controllability."""
        for metric in _inputs(facts):
            if facts.metrics[metric].controllability is None:
                yield self.found(
                    facts,
                    metric,
                    f"nothing says how far a team can move the input '{metric}'",
                    fix="add `controllability: direct`, `influenced` or `external`",
                    evidence=[Evidence("there is no `controllability`", metric, "controllability")],
                )


class Duplicate(Rule):
    """Two metrics are the same by their formula or their measure.

    ## Why

    Two names for one number drift apart as soon as somebody changes one of them, and people who
    quote the one cannot find the other.

    The order of sums, products and conditions does not count: `a * b / c` is `b / c * a`. Another
    one of the North Star is told as NS116.

    ## Reported

    ```yaml
    north_star: weekly_orders
    metrics:
      weekly_orders: buyers * order_rate + returning * purchase_rate
      order_rate: orders / visits
      purchase_rate: orders / visits
      buyers:
      returning:
      orders:
      visits:
    ```

    ## Accepted

    ```yaml
    north_star: weekly_orders
    metrics:
      weekly_orders: (buyers + returning) * order_rate
      order_rate: orders / visits
      buyers:
      returning:
      orders:
      visits:
    ```

    ## What to do

    Keep one of them and use it in place of the other; a second name can go into its `label` or
    `tags`.

    ## Source

    One definition for each number, as in semantic layers and in style guides for code.
    """

    code: ClassVar[str] = "IM204"
    title: ClassVar[str] = "The same metric twice"
    severity: ClassVar[Severity] = Severity.WARNING

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding for each metric that another one before it is the same as."""
        for first, *others in alike(facts.tree):
            if facts.star in (first, *others):
                continue  # a second North Star
            for metric in others:
                kind = facts.metrics[metric].kind
                body = facts.metrics[metric]
                text = body.formula or (body.measure.aggregate if body.measure else "")
                yield self.found(
                    facts,
                    metric,
                    f"'{metric}' has the same {kind} as '{first}': {legible(text)}",
                    at=("metrics", metric, kind),
                    fix=f"use '{first}' in its place, and remove it",
                    confidence=Confidence.DERIVED,
                    evidence=[Evidence(f"the same {kind} as '{first}'", metric, kind, text)],
                )


class Unused(Rule):
    """A metric leads nowhere: neither to the North Star nor to an outcome or guardrail.

    ## Why

    Moving it moves nothing that counts. Often a formula has forgotten it.

    A metric leads somewhere by formulas and influences; outcomes are those with `role: outcome` and
    those in `leads`.

    ## Reported

    ```yaml
    north_star: weekly_orders
    metrics:
      weekly_orders: buyers * orders_per_buyer
      buyers:
      orders_per_buyer:
      page_views:
    ```

    ## Accepted

    ```yaml
    north_star: weekly_orders
    metrics:
      weekly_orders: buyers * orders_per_buyer
      buyers:
      orders_per_buyer:
      page_views: {role: health}
    ```

    ## What to do

    Use it in a formula or an influence; give it `role: outcome`, `guardrail` or `health`; or remove
    it.

    ## Source

    Linters of programming languages report names that nothing uses.
    """

    code: ClassVar[str] = "IM205"
    title: ClassVar[str] = "A metric that leads nowhere"
    severity: ClassVar[Severity] = Severity.WARNING

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding for each metric that no way leads on from."""
        star, metrics = facts.star, facts.metrics
        reached = {
            metric: None
            for metric, body in metrics.items()
            if metric == star or body.role in ("outcome", "guardrail")
        } | dict.fromkeys(facts.north_star.leads)
        waiting = list(reached)
        for metric in waiting:
            new = [cause for cause in facts.causes[metric] if cause not in reached]
            reached.update(dict.fromkeys(new))
            waiting += new
        for metric, body in metrics.items():
            if metric in reached or body.role == "health":
                continue
            fix = "use it in a formula or influence, give it `role: outcome`, or remove it"
            if metric in Metric.model_fields:
                fix = (
                    f"`{metric}` is a field of a metric: indent it below the metric that it "
                    "belongs to"
                )
            yield self.found(
                facts,
                metric,
                f"metric '{metric}' leads neither to the North Star '{star}' nor to an outcome or "
                "guardrail",
                fix=fix,
                confidence=Confidence.DERIVED,
            )


class OrphanGuardrail(Rule):
    """Nobody would notice if a guardrail broke: it has no owner, or no limit.

    ## Why

    A guardrail is there so that the North Star does not grow at the cost of something else. Without
    somebody who watches it, and a number from which on it is too much, it guards nothing.

    A `range` or a `target` counts as the limit. What a guardrail guards is not asked for: it stands
    beside the North Star, and need not share a formula with it.

    ## Reported

    ```yaml
    north_star: weekly_orders
    metrics:
      weekly_orders: buyers * orders_per_buyer
      buyers:
      orders_per_buyer:
      complaint_rate: {role: guardrail, unit: ratio}
    ```

    ## Accepted

    ```yaml
    north_star: weekly_orders
    metrics:
      weekly_orders: buyers * orders_per_buyer
      buyers:
      orders_per_buyer:
      complaint_rate: {role: guardrail, unit: ratio, owner: support, target: {value: 0.02}}
    ```

    ## What to do

    Name who watches it in `owner`, and from where on it is too much in `range` or `target`.

    ## Source

    Guides on choosing a North Star: people optimise the number that they are given, so what must
    not suffer needs a metric of its own.
    """

    code: ClassVar[str] = "IM206"
    title: ClassVar[str] = "A guardrail that nobody watches"
    severity: ClassVar[Severity] = Severity.ADVICE

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding for each guardrail that lacks an owner or a limit."""
        for metric, body in facts.metrics.items():
            if body.role != "guardrail":
                continue
            missing = [] if body.owner is not None else ["owner"]
            unlimited = body.range is None or body.range == (None, None)
            if unlimited and body.target is None:
                missing.append("limit")
            if not missing:
                continue
            advice = {
                "owner": "add `owner:` with the team or person who watches it",
                "limit": "add a `range` or a `target` beyond which it is too much",
            }
            yield self.found(
                facts,
                metric,
                f"the guardrail '{metric}' has no {' and no '.join(missing)}: nobody would notice "
                "if it broke",
                fix="; ".join(advice[name] for name in missing),
                evidence=[Evidence(f"there is no {name}", metric, name) for name in missing],
            )


def _inputs(facts: Facts) -> Iterator[str]:
    """Yield the metrics that drive the North Star, in document order."""
    leading = steps(facts)
    for metric, body in facts.metrics.items():
        if metric not in leading or body.role in ("outcome", "guardrail", "health"):
            continue
        if body.role == "input" or body.kind in ("input", "measure"):
            yield metric


INPUTS: Final[tuple[type[Rule], ...]] = (
    NoOwner,
    NoUnit,
    NoControllability,
    Duplicate,
    Unused,
    OrphanGuardrail,
    *INFLUENCES,
)
