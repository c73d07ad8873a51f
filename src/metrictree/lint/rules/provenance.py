"""Rules about what moves a North Star: the organisation's own money, forces from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Final

from pydantic import Field

from metrictree.diagnostics import Confidence, Diagnostic, Severity, legible
from metrictree.lint.provenance import outside_of, percent, period_of, revenue_of
from metrictree.lint.rule import Rule
from metrictree.lint.telling import listed, star_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metrictree.lint.facts import Facts
    from metrictree.lint.provenance import Found, Outside

__all__ = ["PROVENANCE"]

_EVIDENCE: Final = 5
"""Reasons that a finding holds at most."""


class BasedOnRevenue(Rule):
    """The North Star is the organisation's own money, or is made of it.

    It is found by the North Star's own unit, by the units of what moves it (also where the currency
    cancels, as in a margin), or, if nothing is declared, by words. A metric counts by its effect:
    one that cancels or has no weight does not count, and neither does revenue above the North Star
    or beside it, nor a price that only influences what is counted. Money that belongs to the
    customers, such as what they save, is no revenue.

    ## Why

    Revenue follows from the value that customers get, and comes late. A team that is asked to move
    money can do it at the customers' cost for a while, by prices, discounts and pressure, and sees
    what that does to them only when they leave. A North Star says what customers gain, and predicts
    revenue.

    ## Reported

    ```yaml
    north_star: growth_index
    metrics:
      growth_index: {formula: customers * arpu, label: Growth index}
      customers: {unit: customer, controllability: influenced}
      arpu: {unit: USD/customer, controllability: influenced}
    ```

    ## Accepted

    ```yaml
    north_star: {metric: weekly_jobs_done_well, leads: [revenue]}
    metrics:
      weekly_jobs_done_well: {formula: jobs * done_well_rate, unit: job/week}
      jobs: {unit: job/week, controllability: influenced}
      done_well_rate: {unit: ratio, controllability: direct}
      revenue: {formula: weekly_jobs_done_well * fee, unit: USD/week, role: outcome}
      fee: {unit: USD/job, controllability: direct}
    ```

    ## What to do

    Choose what customers get, at the moment they get it: jobs done well, nights stayed, projects
    finished per customer. Keep revenue as a metric with `role: outcome`, and name it in `leads` of
    the North Star. If the money is the customers' own, say so in the metric's description, or set
    the metric aside with `ignore: {NS101: the reason}`.

    ## Source

    "Navigating Success with the North Star Metric", a guide for customer success teams, rules
    revenue out; Sean Ellis and Morgan Brown, "Hacking Growth" (2017), ask for the value that
    customers experience. Others offer recurring revenue or customer lifetime value as North Stars,
    as Fabian Kersten in "Designing a North Star for a B2B Company"; here they are outcomes.
    """

    code: ClassVar[str] = "NS101"
    title: ClassVar[str] = "Based on revenue"
    severity: ClassVar[Severity] = Severity.ERROR

    least_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    """The least share of the North Star's movement with which a metric counts; many smaller ones
    count if they bring a quarter of it together."""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding if the North Star is one of revenue."""
        found = sorted(revenue_of(facts, self.least_share), key=_strength)
        if not found:
            return
        first = found[0]
        yield self.found(
            facts,
            facts.star,
            _revenue_message(facts, first, found),
            fix=_revenue_fix(facts, first),
            at=first.at,
            key=first.key,
            confidence=first.confidence,
            evidence=[one.evidence for one in found[:_EVIDENCE]],
        )


class DrivenFromOutside(Rule):
    """The North Star moves mostly by forces that the team does not steer.

    How much of its movement each metric brings is found from the formulas, or, with a history, from
    what happened; a constant moves nothing, unless it says who steers it. A metric counts as
    outside if it is declared `controllability: external`, if its unit is an exchange rate, or,
    where nothing is declared, if its words say so: weather, market prices, rankings and ratings
    that others award.

    ## Why

    If the weather, the market or other companies move the number, it goes up without merit and down
    without fault. Nobody learns from it what worked, and teams stop looking at it.

    ## Reported

    ```yaml
    north_star: readiness
    metrics:
      readiness: {formula: 0.8 * snow_depth + 0.2 * lift_uptime, label: Readiness}
      snow_depth: {unit: index, controllability: external}
      lift_uptime: {unit: index, controllability: direct}
    ```

    ## Accepted

    ```yaml
    north_star: weather_adjusted_yield
    metrics:
      weather_adjusted_yield: {formula: energy_made / energy_possible}
      energy_made: energy_possible * site_efficiency
      energy_possible: {unit: kWh, controllability: external}
      site_efficiency: {unit: ratio, controllability: direct}
    ```

    ## What to do

    Measure your own part: what you reached of what the outside force allowed, how well you forecast
    it or shield customers from it, or another metric that your decisions move. If your teams do
    steer a metric, declare it as `controllability: influenced` or `direct`.

    ## Source

    "Navigating Success with the North Star Metric", a guide for customer success teams, sends teams
    back to the drawing board if external factors keep moving it: five-star ratings of a tour
    operator are its case. The "North Star Playbook" of Amplitude (2019) asks for inputs that teams
    can influence.
    """

    code: ClassVar[str] = "NS102"
    title: ClassVar[str] = "Driven from outside"
    severity: ClassVar[Severity] = Severity.ERROR

    most_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The share of the movement that may come from outside."""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding if most of the movement comes from outside."""
        outside = outside_of(facts, self.most_share)
        if outside is None:
            return
        first = outside.found[0]
        yield self.found(
            facts,
            facts.star,
            _outside_message(facts, outside),
            fix=_outside_fix(facts, first, outside.confidence),
            at=first.at,
            key=first.key,
            confidence=outside.confidence,
            evidence=[one.evidence for one in outside.found[:_EVIDENCE]],
        )


_STRENGTHS: Final = (Confidence.DECLARED, Confidence.DERIVED, Confidence.NAMED)


def _strength(found: Found) -> tuple[int, float]:
    return _STRENGTHS.index(found.confidence), -found.share


def _revenue_message(facts: Facts, first: Found, found: list[Found]) -> str:
    star = star_of(facts)
    if first.metric == facts.star:
        if first.confidence is Confidence.NAMED:
            return f"{star} sounds like revenue, by {_words(first)}"
        if first.evidence.fact == "unit":
            return f"{star} is money of your organisation: it is in {legible(first.evidence.value)}"
        return f"{star} is declared as revenue, by its `lifecycle`"
    strong = [one for one in found if one.confidence is first.confidence]
    kind = "is made of your organisation's own money"
    if first.confidence is Confidence.NAMED:
        kind = "is made of what sounds like revenue"
    return f"{star} {kind}: {_movement(facts, 'its movement', strong)}"


def _revenue_fix(facts: Facts, first: Found) -> str:
    choose = (
        "choose what customers gain, such as finished jobs or active projects per customer, and "
        "keep revenue as an outcome that it leads to (`role: outcome`, `leads`)"
    )
    if first.confidence is Confidence.NAMED:
        return f"{choose}; if it is no revenue, declare the `unit` of {_what(facts, first)}"
    if first.metric == facts.star:
        return choose
    return (
        f"{choose}; if this is the customers' money or a cost, say so in the description of "
        f"{_what(facts, first)}, or write `ignore: {{NS101: the reason}}` there"
    )


def _outside_message(facts: Facts, outside: Outside) -> str:
    star = star_of(facts)
    first = outside.found[0]
    if first.metric == facts.star:
        if outside.confidence is Confidence.NAMED:
            return f"{star} sounds like what nature or others decide, by {_words(first)}"
        return f"{star} is declared as external: nobody in your organisation steers it"
    kind = "marked external"
    if outside.confidence is Confidence.NAMED:
        kind = "that sound like outside forces"
    elif any(one.evidence.fact == "unit" for one in outside.found):
        kind = "outside your control"
    return _movement(facts, f"the movement of {star}", outside.found, f" metrics {kind}:")


def _outside_fix(facts: Facts, first: Found, confidence: Confidence) -> str:
    own = (
        "measure your own part, such as what you reached of what the outside force allowed, or "
        "choose a metric that your decisions move"
    )
    if confidence is Confidence.NAMED:
        declare = "`controllability: influenced` or `direct`"
        return f"{own}; if your teams do steer {_what(facts, first)}, declare it as {declare}"
    return own


def _movement(facts: Facts, of: str, found: Sequence[Found], kind: str = "") -> str:
    """Return how much of a movement comes from which metrics."""
    verb = "came" if facts.effects.basis == "history" else "comes"
    names = [f"'{legible(facts.name(one.metric))}'" for one in found]
    if len(found) > 1:
        names = [f"{name} ({percent(one.share)})" for name, one in zip(names, found, strict=True)]
    whole = percent(sum(one.share for one in found))
    return f"{whole} of {of}{period_of(facts)} {verb} from{kind} {listed(names)}"


def _what(facts: Facts, found: Found) -> str:
    return f"'{legible(facts.name(found.metric))}'"


def _words(found: Found) -> str:
    value = found.evidence.value
    return f"'{value}'" if value is not None else "its words"


PROVENANCE: Final[tuple[type[Rule], ...]] = (BasedOnRevenue, DrivenFromOutside)
