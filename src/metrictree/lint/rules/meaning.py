"""Rules about what the North Star counts: whether it shows value, early, and in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from pydantic import Field

from metrictree.diagnostics import Confidence, Diagnostic, Evidence, Severity, legible
from metrictree.lint.provenance import percent, period_of, told_way
from metrictree.lint.reach import behind_aliases
from metrictree.lint.rule import Rule
from metrictree.lint.telling import MOST, quoted, star_of
from metrictree.lint.totals import FREE, STILL, Course, Sure, course_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrictree.documents import Path
    from metrictree.lint.facts import Facts
    from metrictree.lint.wording import Label, Suspicion

__all__ = ["MEANING"]


class _AboutMeaning(Rule):
    """A rule that asks what the words of the North Star suggest."""

    def suspicion(self, facts: Facts, label: Label) -> Suspicion | None:
        """Return why the words suggest ``label``, if they do."""
        return facts.assess(facts.star).suspicions.get(label)

    def named(
        self,
        facts: Facts,
        why: Suspicion,
        message: str,
        fix: str,
        severity: Severity | None = None,
    ) -> Diagnostic:
        """Return a finding that rests on words, at the field where they stand."""
        return self.found(
            facts,
            facts.star,
            message,
            fix=fix,
            at=_place_of(facts, why),
            confidence=Confidence.NAMED,
            evidence=[_words(facts, why)],
            severity=severity,
        )


def _words(facts: Facts, why: Suspicion) -> Evidence:
    return Evidence(
        f"its words say so: {quoted(why.terms)}"
        if why.terms
        else "its name and description say so",
        metric=facts.star,
        fact="words",
        value=", ".join(why.terms),
    )


def _place_of(facts: Facts, why: Suspicion) -> Path | None:
    """Return the field in which the strongest word stands; none for the id."""
    body = facts.metrics[facts.star]
    for term in why.terms[:1]:
        for field, text in (("label", body.label), ("description", body.description)):
            if text is not None and term.casefold() in text.casefold():
                return ("metrics", facts.star, field)
    return None


class Vanity(_AboutMeaning):
    """The North Star shows how large something is, and not that anybody got value.

    ## Why

    Registered users, page views, downloads or followers grow while customers leave, so a team that
    raises them may help nobody. A running total is the plainest case: built with `cumulative`, it
    goes up after the worst week too. It is known for certain where what is added up cannot be
    negative (a count, or a metric with a `range` from 0 up); otherwise it is advice. Numbers that
    are divided by something that moves are not taken for totals.

    ## Reported

    ```yaml
    north_star: learners_so_far
    metrics:
      learners_so_far: {formula: cumulative(new_learners), unit: learner}
      new_learners: {unit: learner/week, range: [0, null]}
    ```

    ## Accepted

    ```yaml
    north_star: lessons_finished
    metrics:
      lessons_finished: {formula: learners * lessons_per_learner, unit: lesson/week}
      learners: {unit: learner, range: [0, null]}
      lessons_per_learner: {unit: lesson/learner/week}
    ```

    ## What to do

    Count what is valuable to a customer and happens within a period: finished lessons per week
    instead of learners so far, customers with a first finished order instead of registered users.
    Where only the words mislead, say in `description` which act of value is counted.

    ## Source

    Guides to North Star metrics reject registered users, logos won and bare daily active users, for
    they say nothing of what customers value.
    """

    code: ClassVar[str] = "NS103"
    title: ClassVar[str] = "Vanity"
    severity: ClassVar[Severity] = Severity.WARNING

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding if it is a running total, or if its words speak of size alone."""
        why = self.suspicion(facts, "vanity")
        total = self._total(facts)
        words = [_words(facts, why)] if why is not None else []
        if total is not None:
            way, added, sure = total
            advice = (
                "count what happens within a period instead: take out `cumulative`, or look at the "
                "last weeks, such as rolling_sum(finished_orders, 4)"
            )
            message = f"{star_of(facts)} can only rise: it adds up all periods so far"
            if not sure:
                message = (
                    f"{star_of(facts)} adds up all periods so far; unless '{legible(added)}' can "
                    "be negative, it can only rise"
                )
            message += ", and so goes up after a bad week too"
            text = told_way(facts, way, f"cumulative({added})")
            yield self.found(
                facts,
                facts.star,
                message,
                fix=advice,
                at=("metrics", way[-1], "formula"),
                confidence=Confidence.DERIVED,
                evidence=[
                    Evidence(text, metric=way[-1], fact="formula", value=added, way=way),
                    *words,
                ],
                severity=None if sure or why is not None else Severity.ADVICE,
            )
        elif why is not None:
            yield self.named(
                facts,
                why,
                f"{star_of(facts)} says how large or busy something is, not that anybody got value "
                "from it",
                "count an act of value within a period, such as customers who finish a first order "
                "in a week instead of registered users; if this is such an act, say so in "
                "`description`",
            )

    def _total(self, facts: Facts) -> tuple[tuple[str, ...], str, bool] | None:
        """Return the way to the running total, what it adds up, and whether that is certain."""
        tree, star = facts.tree, facts.star
        if not any(_adds_up(facts, metric) is not None for metric in tree.overtime):
            return None
        signs = {name: sign for name, sign in facts.structure.signs.items() if name != star}
        if signs and not any(sign != 0 for sign in signs.values()):
            return None  # nothing moves it, which NS106 tells

        def known(metric: str, course: Course) -> Course:
            if signs.get(metric) == 0:
                return STILL
            rises = course.moves and course.never_falls > Sure.NO
            if rises and metric != star and facts.is_exempt(metric, self.code):
                return FREE
            return course

        courses = course_of(tree, star, known)
        top = courses[star]
        if not top.moves or top.never_falls is Sure.NO:
            return None
        way = [star]
        while (added := _adds_up(facts, way[-1])) is None:
            below = (
                name
                for name in tree.graph.inputs_of(way[-1])
                if courses[name].moves and courses[name].never_falls > Sure.NO
            )
            way.append(next(below))
        return tuple(way), added, top.never_falls is Sure.YES


def _adds_up(facts: Facts, metric: str) -> str | None:
    """Return what a formula adds up over all periods so far, if it does."""
    formula = facts.tree.formulas.get(metric)
    if formula is None:
        return None
    for node in formula.nodes:
        if node.op == "call" and node.value == "cumulative":
            added = formula.nodes[node.args[0]]
            return formula.text[added.start : added.end]
    return None


class Lags(_AboutMeaning):
    """The North Star tells of success only when it is over.

    ## Why

    Churn, renewals and results of a year show what was decided long ago: by the time they move, it
    is too late to act. A North Star runs ahead of them. It lags when it is declared so, or when
    more than half of what moves it comes from metrics that are declared so; words count only where
    `timing` is not declared. Money that comes in lags too, and is told by NS101.

    ## Reported

    ```yaml
    north_star: renewals
    metrics:
      renewals: {formula: contracts_due * renewal_rate, unit: contract/month}
      contracts_due: {unit: contract/month}
      renewal_rate: {formula: renewed / asked, unit: ratio, timing: lagging}
      renewed: {unit: contract, timing: lagging}
      asked: {unit: contract, timing: lagging}
    ```

    ## Accepted

    ```yaml
    north_star: lessons_finished
    metrics:
      lessons_finished: {formula: learners * lessons_per_learner, unit: lesson/week}
      learners: {unit: learner, timing: leading}
      lessons_per_learner: {unit: lesson/learner/week, timing: leading}
      renewal_rate: {unit: ratio, timing: lagging, role: outcome}
    ```

    ## What to do

    Ask what customers do weeks before: those who renew finished something, came back or brought
    colleagues. Make that the North Star, and keep this metric as an outcome that it should predict
    (`role: outcome`, listed in `north_star.leads`).

    ## Source

    Guides to North Star metrics ask for a leading indicator that foretells revenue and retention.
    """

    code: ClassVar[str] = "NS104"
    title: ClassVar[str] = "Lags behind"
    severity: ClassVar[Severity] = Severity.WARNING

    most_share: float = Field(default=0.5, ge=0, le=1)
    """The share of its movement that lagging metrics may bring."""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding for what is declared, else for what it is made of, else for words."""
        star, timing = facts.star, facts.metrics[facts.star].timing
        advice = (
            "make what customers do weeks before it the North Star, such as finished first "
            "projects, and keep this one as an outcome (`role: outcome`, named in "
            "`north_star.leads`)"
        )
        if timing == "lagging":
            yield self.found(
                facts,
                star,
                f"{star_of(facts)} is declared lagging: it tells of success when it is over",
                fix=advice,
                at=("metrics", star, "timing"),
                evidence=[Evidence(f"{star} is lagging", star, "timing", "lagging", (star,))],
            )
            return
        late = _late(facts, self.code)
        share = sum(late.values())
        if share > self.most_share:
            yield self.found(
                facts,
                star,
                f"{percent(share)} of the movement of {star_of(facts)}{period_of(facts)} comes "
                "from metrics that are declared lagging, so it tells of success when it is over",
                fix=advice,
                confidence=Confidence.DERIVED,
                evidence=[
                    Evidence(
                        told_way(facts, way, f"lagging, brings {percent(part)}"),
                        metric,
                        "timing",
                        "lagging",
                        way,
                    )
                    for metric, part in sorted(late.items(), key=lambda item: -item[1])[:MOST]
                    for way in [facts.effects.way(metric)]
                ],
            )
            return
        why = self.suspicion(facts, "lagging")
        if why is not None and timing is None and not _is_revenue(facts):
            message = f"{star_of(facts)} tells of success only when it is over"
            yield self.named(
                facts, why, message, f"{advice}; if it moves early, declare `timing: leading`"
            )


def _late(facts: Facts, code: str) -> dict[str, float]:
    """Return the metrics that are declared lagging, with what they bring of the movement.

    What says nothing of its timing has that of the metric over which it has most of its effect.
    """
    metrics = facts.metrics
    if not any(body.timing == "lagging" for body in metrics.values()):
        return {}
    effects = facts.effects
    source: dict[str, str | None] = {facts.star: None}
    late: dict[str, float] = {}
    for leaf, share in effects.shares.items():
        passed = []
        at = leaf
        while at not in source and metrics[at].timing is None:
            passed.append(at)
            at = effects.parents.get(at, facts.star)
        if at not in source:
            is_late = metrics[at].timing == "lagging" and not facts.is_exempt(at, code)
            source[at] = at if is_late else None
        reason = source[at]
        source.update(dict.fromkeys(passed, reason))
        if reason is not None and share:
            late[reason] = late.get(reason, 0.0) + share
    return late


def _is_revenue(facts: Facts) -> bool:
    """Whether it is revenue, which NS101 tells: that it lags is then the same finding."""
    assessment = facts.assess(facts.star)
    if "revenue" in assessment.suspicions or assessment.money == "own":
        return True
    unit = facts.units.units[facts.star]
    return unit is not None and unit.is_money


class Unmeasurable(_AboutMeaning):
    """The North Star cannot be measured.

    ## Why

    What has no number cannot be steered by: a wish such as to delight customers is met or missed in
    everybody's own opinion, and a formula of constants gives the same number for ever. A metric
    that has a formula or a measure is not judged by its words, and one without a description gets
    advice only: a name alone may leave out what is counted.

    ## Reported

    ```yaml
    north_star: quality_index
    metrics: {quality_index: 0.6 * 5 + 0.4 * 3}
    ```

    ## Accepted

    ```yaml
    north_star: quality_index
    metrics:
      quality_index: {formula: 0.6 * on_time_rate + 0.4 * first_fix_rate, unit: ratio}
      on_time_rate: {unit: ratio, range: [0, 1]}
      first_fix_rate: {unit: ratio, range: [0, 1]}
    ```

    ## What to do

    Name a number that shows it and the way to get it: the share of customers who order again within
    30 days instead of delight. Then bind it: a `measure` over a source, a formula of metrics that
    are measured, or an input that somebody reads off.

    ## Source

    Guides to North Star metrics ask that the moments of success can be measured, from data that is
    reliably collected.
    """

    code: ClassVar[str] = "NS106"
    title: ClassVar[str] = "Cannot be measured"
    severity: ClassVar[Severity] = Severity.ERROR

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding if nothing measured stands below it, or if it names no quantity."""
        star, metrics = facts.star, facts.metrics
        kind = metrics[star].kind
        if kind == "input":
            why = self.suspicion(facts, "unmeasurable")
            if why is not None and why.terms:
                has_only_a_name = metrics[star].description is None
                yield self.named(
                    facts,
                    why,
                    f"{star_of(facts)} says what to strive for, and not what is counted",
                    "name a number that shows it, such as the share of customers who order again "
                    "within 30 days, and say in `description` how it is counted",
                    Severity.ADVICE if has_only_a_name else None,
                )
        elif kind == "value":
            yield self._fixed(facts, "it is a fixed number", "value")
        elif kind == "formula":
            cone = facts.tree.graph.below([star])
            ends = [name for name in metrics if name in cone and metrics[name].kind != "formula"]
            measured = [metric for metric in ends if metrics[metric].kind != "value"]
            if not ends and not facts.tree.overtime:
                yield self._fixed(facts, "its formula holds numbers only", "formula")
            elif not measured:
                yield self.found(
                    facts,
                    star,
                    f"nothing that {star_of(facts)} is made of is measured: all of it is assumed "
                    "as fixed numbers",
                    fix="give at least one of them a `measure`, or leave out its number so that "
                    "it is given when the tree is computed",
                    at=("metrics", star, "formula"),
                    confidence=Confidence.DERIVED,
                    evidence=_assumed(facts, ends),
                    severity=Severity.ADVICE,
                )
            elif all(facts.structure.signs.get(metric) == 0 for metric in measured):
                verb = "have" if len(measured) > 1 else "has"
                reason = f"in its formula {quoted(measured)} {verb} no effect"
                yield self._fixed(facts, reason, "formula")
            elif not facts.structure.shares:
                yield self.found(
                    facts,
                    star,
                    f"{star_of(facts)} is missing at all the numbers that were tried for "
                    f"{quoted(measured)}: nobody can tell what moves it",
                    fix=f"declare the `range` in which {quoted(measured)} can lie, or correct the "
                    "formula if it divides by zero or takes the root or logarithm of a negative "
                    "number",
                    at=("metrics", star, "formula"),
                    confidence=Confidence.DERIVED,
                    severity=Severity.ADVICE,
                )

    def _fixed(self, facts: Facts, why: str, field: str) -> Diagnostic:
        return self.found(
            facts,
            facts.star,
            f"{star_of(facts)} can never change: {why}",
            fix="give it a `measure`, or a formula of metrics that are measured or given",
            at=("metrics", facts.star, field),
            confidence=Confidence.DERIVED,
        )


def _assumed(facts: Facts, metrics: list[str]) -> list[Evidence]:
    values = ((metric, facts.metrics[metric].value) for metric in metrics[:MOST])
    return [
        Evidence(f"{legible(metric)} is {value:g}", metric, "value", value)
        for metric, value in values
        if value is not None
    ]


class LooksInward(_AboutMeaning):
    """The North Star measures the organisation itself, and not what a customer gains.

    ## Why

    Hours billed, features shipped, tickets closed or costs saved can all improve while customers
    get nothing, or less. A metric whose `lifecycle` is activation, retention or referral counts
    what customers do, and is not judged by its words.

    ## Reported

    ```yaml
    north_star: features_shipped
    product: A project management app
    metrics:
      features_shipped:
        label: Features shipped
        description: New features that our engineers release in a quarter
        unit: feature/quarter
    ```

    ## Accepted

    ```yaml
    north_star: projects_finished
    product: A project management app
    metrics:
      projects_finished:
        label: Projects that customers finish on time
        description: Projects that a customer completes by the day that was planned
        unit: project/quarter
    ```

    ## What to do

    Ask what a customer has from it, and count that: tickets become problems that are solved at the
    first contact, hours billed become the share of the client's people who are well used. The
    inward number may stay in the tree as an input or with `role: health`.

    ## Source

    Guides to North Star metrics contrast customer value with feature adoption and cost reduction,
    and tell of a consulting platform that gave up hours billed.
    """

    code: ClassVar[str] = "NS108"
    title: ClassVar[str] = "Looks inward"
    severity: ClassVar[Severity] = Severity.WARNING

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding if the words speak of the organisation's own effort."""
        why = self.suspicion(facts, "internal")
        if why is None or facts.metrics[facts.star].lifecycle in _CUSTOMER_ACTS:
            return
        yield self.named(
            facts,
            why,
            f"{star_of(facts)} measures what the organisation itself does, spends or offers, not "
            "what a customer gains",
            "count what customers have from it, such as problems solved at the first contact "
            "instead of tickets closed, and keep this one as an input or with `role: health`",
        )


_CUSTOMER_ACTS: Final = ("activation", "retention", "referral")


class Gameable(_AboutMeaning):
    """The North Star can be raised without helping anybody, and nothing would show it.

    ## Why

    What is cheap to raise and confirmed by nobody gets raised: endorsements for strangers, job
    posts that nobody fills, tickets closed unsolved. It is accepted beside something that would
    show it: a share in its formula (the part done well), or a metric with `role: guardrail` that
    says when it is bad (`improves`, a `range` or a `target`).

    ## Reported

    ```yaml
    north_star: tickets_closed
    product: A telephone company
    metrics:
      tickets_closed:
        label: Support tickets closed
        description: Tickets that our agents set to solved in a week
        unit: ticket/week
    ```

    ## Accepted

    ```yaml
    north_star: tickets_closed
    product: A telephone company
    metrics:
      tickets_closed:
        label: Support tickets closed
        description: Tickets that our agents set to solved in a week
        unit: ticket/week
      opened_again:
        description: Share of closed tickets that the customer opens again
        role: guardrail
        improves: down
        unit: ratio
    ```

    ## What to do

    Count the result that the other side confirms: answers that were accepted, posts that were
    filled, jobs that the customer rated well. Or multiply by the share that is good, or watch a
    guardrail that gets worse when people only push the number.

    ## Source

    Guides to North Star metrics tell how forged endorsements ended one, and how job posts gave way
    to placements.
    """

    code: ClassVar[str] = "NS109"
    title: ClassVar[str] = "Can be gamed"
    severity: ClassVar[Severity] = Severity.WARNING

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding if the words speak of a raw count, and nothing watches it."""
        why = self.suspicion(facts, "gameable")
        if why is None or _has_quality_beside(facts):
            return
        guards = [name for name, body in facts.metrics.items() if body.role == "guardrail"]
        if any(_would_show(facts, guard) for guard in guards):
            return
        message = f"{star_of(facts)} can be raised without helping anybody"
        if guards:
            yield self.named(
                facts,
                why,
                f"{message}, and its guardrail '{legible(guards[0])}' does not say when it is bad",
                f"give '{legible(guards[0])}' the direction that is good (`improves`) or a "
                "`target`",
            )
            return
        yield self.named(
            facts,
            why,
            f"{message}, and nothing beside it would show that",
            "count what somebody else confirms, such as answers that were accepted; or multiply "
            "by the share that is good; or add a metric with `role: guardrail` and `improves` "
            "that gets worse when people only push the number",
        )


def _has_quality_beside(facts: Facts) -> bool:
    """Whether a direct input is a share: the part that is good."""
    for part in facts.tree.graph.inputs_of(behind_aliases(facts)):
        unit = facts.units.units.get(part)
        limits = facts.metrics[part].range
        if (unit is not None and not unit.powers) or limits == (0, 1):
            return True
    return False


def _would_show(facts: Facts, guard: str) -> bool:
    body = facts.metrics[guard]
    return body.improves is not None or body.range is not None or body.target is not None


MEANING: Final[tuple[type[Rule], ...]] = (Vanity, Lags, Unmeasurable, LooksInward, Gameable)
