"""Rules about the place of a North Star: what follows from it, what competes, the stage it fits."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from metrictree.diagnostics import Confidence, Diagnostic, Evidence, Severity, legible
from metrictree.lint.alike import alike
from metrictree.lint.reach import steps
from metrictree.lint.rule import Rule
from metrictree.lint.telling import listed, quoted, star_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metrictree.documents import Path
    from metrictree.lint.facts import Facts
    from metrictree.schema import Metric

__all__ = ["STANDING"]

Lifecycle = Literal["awareness", "acquisition", "activation", "retention", "revenue", "referral"]

_SHOWN: Final = 5
"""Reasons that a finding carries."""


class LeadsNowhere(Rule):
    """The North Star predicts no result of the business, or only results that are made of it.

    ## Why

    A North Star is worth following because something else follows from it: customers stay, and pay.
    A result that is nothing but the North Star times a constant, or that is a part of it, moves
    with it by arithmetic. That it does proves nothing.

    The results are those in `leads`, those that the North Star influences, and those with
    `role: outcome` whose formula uses it together with something else.

    ## Reported

    ```yaml
    north_star: {metric: weekly_orders, leads: [yearly_orders]}
    metrics:
      weekly_orders: buyers * orders_per_buyer
      buyers:
      orders_per_buyer:
      yearly_orders: {formula: weekly_orders * 52, role: outcome}
    ```

    ## Accepted

    ```yaml
    north_star: {metric: weekly_orders, leads: [retention]}
    metrics:
      weekly_orders: buyers * orders_per_buyer
      buyers:
      orders_per_buyer:
      retention: {unit: ratio, role: outcome, lifecycle: retention}
    ```

    ## What to do

    Add the result as a metric of its own, such as the share of customers who stay or the revenue
    per quarter, with `role: outcome`, and name it in `leads`. Then look whether customers with more
    of the North Star stay longer.

    ## Source

    Guides on choosing a North Star: it is a leading indicator of revenue and retention, and the
    test of a candidate is whether customers with more of it leave less and buy more.
    """

    code: ClassVar[str] = "NS115"
    title: ClassVar[str] = "Leads to nothing"
    severity: ClassVar[Severity] = Severity.WARNING

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding if no result is there, or every one is made of the North Star."""
        star, leads = facts.star, facts.north_star.leads
        made = _made_of_star(facts)
        below = facts.tree.graph.below([star])
        results = leads or tuple(_results(facts, made, below))
        evidence = []
        for metric in results:
            formula = facts.metrics[metric].formula
            if metric == star:
                text = "it is the North Star itself"
            elif made[metric] == "wholly":
                text = f"'{metric}' is the North Star and constants: {legible(formula)}"
            elif metric in below:
                text = f"'{metric}' is a part of the North Star"
            else:
                return
            evidence.append(Evidence(text, metric, "formula", formula))
        others = [
            metric
            for metric, body in facts.metrics.items()
            if metric not in below
            and made[metric] != "wholly"
            and (body.role == "outcome" or body.lifecycle in ("retention", "revenue"))
        ]
        if not results or (not leads and others):
            yield self._nothing(facts, others)
            return
        yield self.found(
            facts,
            star,
            f"{star_of(facts)} is said to predict {quoted(results)}, which moves with it by "
            "arithmetic: that proves nothing, for so it would be with any metric",
            at=("north_star", "leads") if leads else ("north_star",),
            key=True,
            fix="lead to a result with a life of its own, such as the share of customers who stay "
            "or the revenue per quarter",
            confidence=Confidence.DERIVED,
            evidence=evidence,
        )

    def _nothing(self, facts: Facts, others: list[str]) -> Diagnostic:
        fix = "add a result such as the share of customers who stay, and name it in `leads`"
        if others:
            fix = f"name it in `leads`; the tree has {quoted(others)}"
        return self.found(
            facts,
            facts.star,
            f"nothing says which result {star_of(facts)} should predict, such as "
            "customers who stay or revenue",
            at=("north_star",),
            key=True,
            fix=fix,
            severity=Severity.ADVICE,
        )


_CLAIM: Final = re.compile(
    r"\b(?:north ?star(?: metric)?|nsm|nordstern|polarstern|estrella polar|etoile polaire"
    r"|estrela do norte|estrela polar|stella polare)\b"
)
_NO_CLAIM: Final = re.compile(
    r"\b(inputs?|drivers?|levers?|guardrails?|counter|former|old|previous|past|target|goal|share"
    r"|proxy|candidate|change|growth|to|per|vs|versus)\b"
)


class Competes(Rule):
    """The tree has a second North Star, or a team has several metrics that matter most.

    ## Why

    One North Star settles which of two ideas is better. With two, each team follows the one that
    suits it, and nobody decides between them. The same holds for the one metric that matters to a
    team for a time.

    A metric counts as another North Star if its label, id or a tag calls it one and no `role` says
    what it is; or if it has the same formula or measure as the North Star. Several are fine where
    one is made of the others, or another metric is made of all of them: that one joins them.
    `role: focus` metrics of one team count together as long as their day in `until` has not passed.

    ## Reported

    ```yaml
    north_star: weekly_orders
    metrics:
      weekly_orders: buyers * orders_per_buyer
      buyers:
      orders_per_buyer:
      weekly_visits: {label: Marketing North Star}
    ```

    ## Accepted

    ```yaml
    north_star: weekly_orders
    metrics:
      weekly_orders: online_orders + shop_orders
      online_orders: {label: North Star online}
      shop_orders: {label: North Star in shops}
    ```

    ## What to do

    Choose one, and make the others its inputs: a formula such as `online_orders + shop_orders`, or
    influences on it. Give a team one focus, and the next one when it has ended.

    ## Source

    Guides on choosing a North Star: with several priorities teams work against each other; a
    company with many businesses may have several North Stars, made into one.
    """

    code: ClassVar[str] = "NS116"
    title: ClassVar[str] = "Competes with another metric"
    severity: ClassVar[Severity] = Severity.WARNING

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding for every other North Star, and every focus of a team but the first."""
        yield from self._twins(facts)
        yield from self._claims(facts)
        yield from self._focus(facts)

    def _twins(self, facts: Facts) -> Iterator[Diagnostic]:
        star = facts.star
        kind = facts.metrics[star].kind
        for metric in next((group for group in alike(facts.tree) if star in group), ()):
            if metric != star:
                yield self.found(
                    facts,
                    metric,
                    f"'{metric}' has the same {kind} as {star_of(facts)}: there are two of it",
                    at=("metrics", metric, kind),
                    fix=f"remove it, and use '{star}' in its place",
                    confidence=Confidence.DERIVED,
                    evidence=[Evidence(f"the same {kind} as '{star}'", metric, kind)],
                )

    def _claims(self, facts: Facts) -> Iterator[Diagnostic]:
        spec = facts.tree.spec
        if _CLAIM.search(_plain(f"{spec.name} {spec.product}")):
            return  # the company is called so
        claims = [
            (metric, place, text)
            for metric, body in facts.metrics.items()
            if metric != facts.star and body.role is None
            for place, text in _claim(metric, body)
        ]
        if not claims:
            return
        joined = _joined_with_star(facts)
        for metric, place, text in claims:
            if metric in joined:
                continue
            at: Path = ("metrics", metric, *([place] if place != "id" else []))
            tagged = place == "tags"
            yield self.found(
                facts,
                metric,
                f"the {'tag' if tagged else place} of '{metric}' calls it a North Star "
                f"(\"{legible(text)}\"), and the tree's is '{facts.star}': two of them compete",
                at=at,
                key=place == "id",
                fix=f"make it an input of '{facts.star}', or name it for what it counts",
                confidence=Confidence.DECLARED if tagged else Confidence.NAMED,
                evidence=[Evidence(f"{place}: {legible(text)}", metric, "words", text)],
            )

    def _focus(self, facts: Facts) -> Iterator[Diagnostic]:
        first: dict[str | None, str] = {}
        for metric, body in facts.metrics.items():
            if body.role != "focus" or (body.until is not None and body.until < facts.today):
                continue
            team = body.team.strip().casefold() if body.team is not None else None
            other = first.setdefault(team, metric)
            if other == metric:
                continue
            evidence = [
                Evidence(
                    f"'{one}' is a focus"
                    + (f" until {facts.metrics[one].until}" if facts.metrics[one].until else ""),
                    one,
                    "until",
                    str(facts.metrics[one].until or ""),
                )
                for one in (other, metric)
            ]
            if body.team is None:
                message = f"'{other}' and '{metric}' both are a focus, and nothing says of whom"
                fix = "add `team:` to both"
            else:
                message = (
                    f"the team '{legible(body.team)}' has '{other}' and '{metric}' as its focus at "
                    "the same time"
                )
                fix = (
                    "choose one; the other gets `role: input`, or becomes the focus when the first "
                    "has ended"
                )
            yield self.found(
                facts,
                metric,
                message,
                at=("metrics", metric, "role"),
                fix=fix,
                evidence=evidence,
                severity=Severity.ADVICE if body.team is None else None,
            )


_ABOUT: Final[Mapping[str, str]] = {
    "awareness": "people who hear of the product",
    "acquisition": "people who come to the product",
    "activation": "customers who reach its value for the first time",
    "retention": "customers who come back and use it",
    "revenue": "what customers pay",
    "referral": "customers who bring others",
}
_STAGES: Final[Mapping[str, tuple[str, str]]] = {
    "early": (
        "an early product first has to bring new customers to its value",
        "count new customers who did the core action, such as households with a first order",
    ),
    "growth": (
        "a growing product looks at how much its customers use it",
        "count how much customers use what the product is for, such as orders of active customers",
    ),
    "mature": (
        "a mature product looks at customers who stay, and at the value that they pay for",
        "count customers who stay, or what they get for their money",
    ),
}


class WrongStage(Rule):
    """The North Star belongs to another stage of the product.

    ## Why

    Before customers reach the value of a product for the first time, there is nothing that they
    could come back to; when they do, counting first times says little about whether it lasts. So an
    early product follows activation, a growing one engagement, and a mature one retention or the
    value that customers pay for.

    The `lifecycle` of the North Star tells, or that of the metrics that it is made of. There is no
    part of the journey called engagement: `retention` stands for customers who come back and use
    the product. A tree that declares no `stage` is left alone. Where only some of the inputs have a
    `lifecycle`, the finding is advice.

    ## Reported

    ```yaml
    north_star: {metric: new_buyers, stage: mature}
    metrics:
      new_buyers: {formula: visitors * first_order_rate, lifecycle: activation}
      visitors:
      first_order_rate:
    ```

    ## Accepted

    ```yaml
    north_star: {metric: new_buyers, stage: early}
    metrics:
      new_buyers: {formula: visitors * first_order_rate, lifecycle: activation}
      visitors:
      first_order_rate:
    ```

    ## What to do

    Choose the metric of the stage, or correct `stage` or `lifecycle`. A product that works
    otherwise says so: `lint: {options: {NS117: {early: [activation, retention]}}}`.

    ## Source

    Guides on choosing a North Star: young companies take a metric of activation, growing ones of
    engagement, mature ones of monetisation or retention.
    """

    code: ClassVar[str] = "NS117"
    title: ClassVar[str] = "Does not fit the stage"
    severity: ClassVar[Severity] = Severity.WARNING

    early: tuple[Lifecycle, ...] = ("activation",)
    """Parts of the customer's journey that fit an early product."""
    growth: tuple[Lifecycle, ...] = ("retention",)
    """Parts that fit a growing product."""
    mature: tuple[Lifecycle, ...] = ("retention", "revenue")
    """Parts that fit a mature product."""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding if no declared part of the journey fits the declared stage."""
        star, stage = facts.star, facts.north_star.stage
        if stage is None:
            return
        fitting: tuple[str, ...] = getattr(self, stage)
        own = facts.metrics[star].lifecycle
        parts, complete = ({star: own}, True) if own is not None else _journey(facts)
        need, example = _STAGES[stage]
        if not parts:
            yield self.found(
                facts,
                star,
                f"nothing says which part of the customer's journey {star_of(facts)} is "
                f"about, so it cannot be compared with `stage: {stage}`",
                fix=f"add `lifecycle: {fitting[0]}` to it if that is so; {need}",
                severity=Severity.ADVICE,
            )
        elif not set(fitting) & set(parts.values()):
            counted = Counter(parts.values()).most_common()
            about = listed(f"{part} ({_ABOUT[part]})" for part, _ in counted)
            place: Path = ("metrics", star, "lifecycle")
            yield self.found(
                facts,
                star,
                f"{star_of(facts)} is about {about}, and {need}",
                at=place if own is not None else ("north_star", "stage"),
                fix=f"{example}; or correct `stage: {stage}` or the `lifecycle`",
                confidence=Confidence.DERIVED if own is None else Confidence.DECLARED,
                evidence=[
                    Evidence(f"'{metric}' has lifecycle: {part}", metric, "lifecycle", part)
                    for metric, part in list(parts.items())[:_SHOWN]
                ],
                severity=None if complete else Severity.ADVICE,
            )


# --- how metrics hang together


def _made_of_star(facts: Facts) -> dict[str, str]:
    """Return for every metric whether the North Star makes it "wholly", "partly" or "not".

    What is wholly made of it uses constants besides, and nothing else.
    """
    made: dict[str, str] = {}
    for metric in facts.tree.graph.order:
        if metric == facts.star:
            made[metric] = "wholly"
            continue
        inputs = facts.tree.graph.inputs_of(metric)
        kinds = {made[part] for part in inputs}
        if not inputs:
            constant = facts.metrics[metric].kind in ("value", "formula")
            made[metric] = "constant" if constant else "not"
        elif kinds == {"constant"}:
            made[metric] = "constant"
        elif kinds <= {"wholly", "constant"}:
            made[metric] = "wholly"
        else:
            made[metric] = "partly" if kinds & {"wholly", "partly"} else "not"
    return made


def _results(facts: Facts, made: Mapping[str, str], below: set[str]) -> Iterator[str]:
    """Yield the results that follow where none are declared."""
    for influence in facts.tree.spec.influences:
        role = facts.metrics[influence.to].role
        if (
            influence.from_ == facts.star
            and influence.to not in below  # a growth loop
            and role not in ("input", "guardrail", "health")
        ):
            yield influence.to
    for metric, body in facts.metrics.items():
        if body.role == "outcome" and metric != facts.star and made[metric] in ("wholly", "partly"):
            yield metric


def _joined_with_star(facts: Facts) -> set[str]:
    """Return what the North Star, or anything that is made of it, is made of or influenced by."""
    graph = facts.tree.graph
    seen = {facts.star}
    waiting = [facts.star]
    for metric in waiting:
        waiting.extend(user for user in graph.users_of(metric) if user not in seen)
        seen.update(graph.users_of(metric))
    waiting = list(seen)
    for metric in waiting:
        waiting.extend(cause for cause in facts.causes[metric] if cause not in seen)
        seen.update(facts.causes[metric])
    return seen


def _plain(text: str) -> str:
    """Return lower-case words with one blank between them, without accents."""
    text = text.casefold().replace("é", "e")
    return " ".join(re.findall(r"[^\W_]+", text))


def _claim(metric: str, body: Metric) -> Iterator[tuple[str, str]]:
    """Yield the place and the text by which a metric calls itself a North Star, if it does."""
    for tag in body.tags:
        if _CLAIM.fullmatch(_plain(tag)):
            yield "tags", tag
            return
    for place, text in (("label", body.label or ""), ("id", metric.rpartition(".")[2])):
        words = _plain(text)
        found = _CLAIM.search(words)
        if found is not None and _NO_CLAIM.search(words) is None:
            yield place, text
            return


def _journey(facts: Facts) -> tuple[dict[str, str], bool]:
    """Return the lifecycles of what leads to the North Star, and whether each leaf has one."""
    parts: dict[str, str] = {}
    complete = True
    for metric in steps(facts):
        body = facts.metrics[metric]
        if body.role in ("guardrail", "health", "outcome") or body.kind == "value":
            continue
        if body.lifecycle is not None:
            parts[metric] = body.lifecycle
        elif body.kind != "formula":
            complete = False
    return parts, complete


STANDING: Final[tuple[type[Rule], ...]] = (LeadsNowhere, Competes, WrongStage)
