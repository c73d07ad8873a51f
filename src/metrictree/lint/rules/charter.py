"""Rules about how a North Star was chosen: why, by whom, with which target, and how it is kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

from pydantic import Field

from metrictree.diagnostics import Diagnostic, Evidence, Severity, legible
from metrictree.lint.dates import ago, months_after
from metrictree.lint.rule import Rule
from metrictree.lint.rules.standing import STANDING
from metrictree.lint.telling import listed, star_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metrictree.documents import Path
    from metrictree.lint.facts import Facts
    from metrictree.schema import HistoryEntry, Metric, Target

__all__ = ["CHARTER"]

Stretch = Literal["month", "quarter", "half_year", "year"]

_MONTHS: Final[Mapping[str, int]] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


class NoStory(Rule):
    """Nothing says what the North Star is for: no vision, value moment or rationale.

    ## Why

    A North Star stands for the value that customers get. Which moment that is, where it leads to in
    the end, and why more of it means that customers stay, cannot be read from a formula. Without it
    nobody can tell later whether the metric still fits, and teams read it each in their own way.

    ## Reported

    ```yaml
    north_star: weekly_orders
    metrics: {weekly_orders: buyers * orders_per_buyer, buyers: , orders_per_buyer: }
    ```

    ## Accepted

    ```yaml
    vision: Every household eats fresh food
    north_star:
      metric: weekly_orders
      value_moment: A household cooks what it has ordered
      rationale: Households with two orders in the first month stay twice as long
    metrics: {weekly_orders: buyers * orders_per_buyer, buyers: , orders_per_buyer: }
    ```

    ## What to do

    Write a sentence for each: `vision` at the top of the tree, `value_moment` and `rationale` at
    the North Star. If they stand in another paper, say so: `ignore: {NS110: see the strategy}`.

    ## Source

    Guides on choosing a North Star: it is a vision of the product together with the metric that
    measures the strategy, it captures the moment in which a customer gets the value, and everybody
    can say why it matters. The "North Star Playbook" of Amplitude (2019) has the same parts.
    """

    code: ClassVar[str] = "NS110"
    title: ClassVar[str] = "No vision, value moment or rationale"
    severity: ClassVar[Severity] = Severity.ADVICE

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield one finding for all that is missing."""
        star = facts.north_star
        asked = (
            ("vision", facts.tree.spec.vision, "what it leads to in the end"),
            ("value_moment", star.value_moment, "what a customer does or gets when it counts"),
            ("rationale", star.rationale, "why more of it means that customers stay"),
        )
        missing = [(name, meaning) for name, text, meaning in asked if text is None]
        if missing:
            names = listed(f"a {name.replace('_', ' ')}" for name, _ in missing)
            fix = "write down " + listed(f"`{name}` ({meaning})" for name, meaning in missing)
            yield self.found(
                facts,
                facts.star,
                f"{star_of(facts)} lacks {names}",
                at=("north_star",),
                key=True,
                fix=fix,
                evidence=[Evidence(f"there is no `{name}`", fact=name) for name, _ in missing],
            )


class NoTarget(Rule):
    """The North Star has no target, or one that is past, or on the wrong side of where it began.

    ## Why

    Without a number and a day nobody can say whether the work is enough. A day that is past guides
    nobody any more. A target that is worse than the baseline, in the direction that the metric
    `improves`, is a slip of the pen, and every report against it is wrong. The same goes for one
    outside of the metric's `range`.

    A target that is missing, or has no `by`, is advice; so is one below the baseline where nothing
    says which direction is good. Reaching the target by the day itself is in time.

    ## Reported

    ```yaml
    north_star: weekly_orders
    metrics:
      weekly_orders:
        formula: buyers * orders_per_buyer
        target: {value: 12000, by: 2020-12-31}
      buyers:
      orders_per_buyer:
    ```

    ## Accepted

    ```yaml
    north_star: weekly_orders
    metrics:
      weekly_orders:
        formula: buyers * orders_per_buyer
        improves: up
        target: {value: 12000, by: 2099-12-31, baseline: 9100}
      buyers:
      orders_per_buyer:
    ```

    ## What to do

    Set the next target: `target: {value: 12000, by: 2099-12-31, baseline: 9100}` at the metric, and
    `improves: down` if less of it is better.

    ## Source

    "Navigating Success with the North Star Metric", a guide for customer success teams: it can be
    measured, and a level to reach can be set for it.
    """

    code: ClassVar[str] = "NS111"
    title: ClassVar[str] = "No target, or a wrong one"
    severity: ClassVar[Severity] = Severity.WARNING

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield what is wrong with the target of the North Star."""
        star = facts.star
        body = facts.metrics[star]
        target = body.target
        if target is None:
            yield self.found(
                facts,
                star,
                f"{star_of(facts)} has no target: nobody can say whether it grows enough",
                fix="add `target: {value: ..., by: ..., baseline: ...}`: where it should be, by "
                "which day, and where it is now",
                severity=Severity.ADVICE,
            )
            return
        if target.by is None:
            yield self.found(
                facts,
                star,
                f"the target of {star_of(facts)} has no day by which to reach it",
                at=("metrics", star, "target"),
                key=True,
                fix="add `by:` and the day to the target",
                severity=Severity.ADVICE,
            )
        elif target.by < facts.today:
            yield self.found(
                facts,
                star,
                f"the target of {star_of(facts)} was to be reached by {target.by}, "
                f"{ago(target.by, facts.today)}",
                at=("metrics", star, "target", "by"),
                fix="set the next target, with a new `value` and a new day in `by`",
                evidence=[Evidence(f"by: {target.by}", star, "target.by", str(target.by))],
            )
        yield from self._value(facts, body, target)

    def _value(self, facts: Facts, body: Metric, target: Target) -> Iterator[Diagnostic]:
        """Yield what is wrong with the number, the strongest reason first."""
        star, at = facts.star, ("metrics", facts.star, "target", "value")
        value = _number(target.value)
        low, high = body.range or (None, None)
        if (low is not None and target.value < low) or (high is not None and target.value > high):
            ends = f"{'...' if low is None else _number(low)} to " + (
                "..." if high is None else _number(high)
            )
            yield self.found(
                facts,
                star,
                f"the target of {star_of(facts)} is {value}, and its range is {ends}: it "
                "can never be reached",
                at=at,
                fix="correct the target or the `range`; a percentage is a ratio, 5 % is 0.05",
                evidence=[Evidence(f"range: {ends}", star, "range", ends)],
                severity=Severity.ERROR,
            )
            return
        if target.baseline is None:
            return
        gain = target.value - target.baseline
        begin = _number(target.baseline)
        evidence = [Evidence(f"baseline: {begin}", star, "target.baseline", target.baseline)]
        if gain == 0:
            yield self.found(
                facts,
                star,
                f"the target of {star_of(facts)} is {value}, and it began there: nothing "
                "has to change",
                at=at,
                fix="aim at more than the baseline, or correct the `baseline`",
                evidence=evidence,
                severity=Severity.ADVICE,
            )
        elif body.improves is None:
            if gain < 0:
                yield self.found(
                    facts,
                    star,
                    f"the target of {star_of(facts)} is {value}, less than the {begin} "
                    "from which it began, and nothing says that less is better",
                    at=at,
                    fix="say `improves: down` if less is better, else correct the target",
                    evidence=evidence,
                    severity=Severity.ADVICE,
                )
        elif (gain > 0) != (body.improves == "up"):
            better, worse = ("more", "below") if body.improves == "up" else ("less", "above")
            evidence.append(Evidence(f"improves: {body.improves}", star, "improves", body.improves))
            yield self.found(
                facts,
                star,
                f"the target of {star_of(facts)} is {value}, {worse} the {begin} from which "
                f"it began, and {better} is better: who reaches it has made it worse",
                at=at,
                fix="correct `value`, `baseline` or `improves`",
                evidence=evidence,
                severity=Severity.ERROR,
            )


class OverdueReview(Rule):
    """Nobody has looked at the choice of the North Star for longer than was agreed.

    ## Why

    Products and markets change, and a metric that fitted last year may steer teams past what
    customers want today. A day for the next look makes sure that somebody asks.

    A review is due a month, a quarter, half a year or a year after the last one, as `review.every`
    says; the day itself is in time. The choice of another North Star, in the `history`, is a review
    too. Where nothing tells of any review, that is advice. The examples are judged on 2026-03-31.

    ## Reported

    ```yaml
    north_star: {metric: weekly_orders, review: {every: quarter, last: 2020-10-01}}
    metrics: {weekly_orders: buyers * orders_per_buyer, buyers: , orders_per_buyer: }
    ```

    ## Accepted

    ```yaml
    north_star: {metric: weekly_orders, review: {every: quarter, last: 2026-01-15}}
    metrics: {weekly_orders: buyers * orders_per_buyer, buyers: , orders_per_buyer: }
    ```

    ## What to do

    Ask those who agreed to it whether it still predicts that customers stay, and whether teams can
    move it; then write the day into `review.last`.

    ## Source

    Guides on choosing a North Star ask for a review every quarter; Fabian Kersten, "Designing a
    North Star for a B2B Company", for what teams say of it, and readiness to adapt it.
    """

    code: ClassVar[str] = "NS112"
    title: ClassVar[str] = "Overdue for review"
    severity: ClassVar[Severity] = Severity.WARNING

    every: Stretch = "quarter"
    """How often the choice is looked at where `review` does not say."""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding if the day of the next review is past, or unknown."""
        star, today = facts.star, facts.today
        review = facts.north_star.review
        last = review.last if review is not None else None
        stated = review is not None and "every" in review.model_fields_set
        every = review.every if review is not None and stated else self.every
        at: Path = ("north_star", "review", "last")
        if last is not None and last > today:
            yield self.found(
                facts,
                star,
                f"the last review of {star_of(facts)} is said to have been on {last}, and "
                f"today is {today}",
                at=at,
                fix="correct the day in `review.last`; the next review follows from `every`",
            )
            return
        chosen = max((entry.until for entry in _past(facts)), default=None)
        days = [day for day in (last, chosen) if day is not None]
        if not days:
            yield self.found(
                facts,
                star,
                f"nothing says when the choice of {star_of(facts)} was last looked at",
                at=("north_star",),
                key=True,
                fix=f"add `review: {{every: {every}, last: ...}}` with the day of the last review",
                severity=Severity.ADVICE,
            )
            return
        day = max(days)
        due = months_after(day, _MONTHS[every])
        if due < today:
            word = every.replace("_", " ")
            what = "reviewed" if day == last else "chosen"
            yield self.found(
                facts,
                star,
                f"{star_of(facts)} was last {what} on {day}, and a review every {word} was "
                f"due by {due}, {ago(due, today)}",
                at=at if review is not None else ("north_star",),
                key=review is None,
                fix="ask those who agreed to it whether it still fits, then write the day into "
                "`review.last`",
                evidence=[
                    Evidence(f"last {what}: {day}", star, "review.last", str(day)),
                    Evidence(f"every {word}", star, "review.every", every),
                ],
            )


class Restless(Rule):
    """The North Star changes so often that nobody can follow, or has never been questioned.

    ## Why

    With each change teams start again, and what they learned about the last metric is lost. But a
    metric that nobody has questioned for years may miss that the product, its customers or its
    market have become others.

    The `history` of the North Star tells. A metric without a history may be new, and is left alone.
    So is one whose fit to the strategy somebody vouches for, in `attestations`. The examples are
    judged on 2026-03-31.

    ## Reported

    ```yaml
    north_star:
      metric: weekly_orders
      history:
        - {metric: weekly_visits, until: 2025-09-30, why: Visits did not predict orders}
        - {metric: weekly_carts, until: 2026-01-31, why: Carts were left behind}
    metrics: {weekly_orders: buyers * orders_per_buyer, buyers: , orders_per_buyer: }
    ```

    ## Accepted

    ```yaml
    north_star:
      metric: weekly_orders
      history:
        - {metric: weekly_visits, until: 2025-09-30, why: Visits did not predict orders}
    metrics: {weekly_orders: buyers * orders_per_buyer, buyers: , orders_per_buyer: }
    ```

    ## What to do

    After many changes, keep the metric for a year at least and write down what would have to happen
    for another change. After none in years, ask whether customers still get their value in the same
    moment; if so, say who vouches for it: `attestations: {strategy: {by: ana, since: 2026-03-01}}`.

    ## Source

    Guides on choosing a North Star: changed too often it makes heads spin, changed too rarely it
    misses the signs that the strategy has to change; without a new product there is no reason to.
    """

    code: ClassVar[str] = "NS113"
    title: ClassVar[str] = "Changed too often, or never"
    severity: ClassVar[Severity] = Severity.ADVICE

    most_changes: Annotated[int, Field(ge=0, le=100)] = 1
    """Changes within twelve months that are not too many."""
    years: Annotated[int, Field(ge=1, le=100)] = 2
    """Years after which a North Star that did not change is questioned."""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding if the changes are too many, or too long ago."""
        star, today = facts.star, facts.today
        past = _past(facts)
        for position, entry in enumerate(facts.north_star.history):
            if entry.until > today:
                yield self.found(
                    facts,
                    star,
                    f"'{legible(entry.metric)}' is said to have been the North Star until "
                    f"{entry.until}, and today is {today}",
                    at=("north_star", "history", position, "until"),
                    fix="`history` lists what was the North Star before: correct the day",
                )
        if not past:
            return
        at: Path = ("north_star", "history")
        recent = [entry for entry in past if months_after(entry.until, 12) > today]
        latest = max(entry.until for entry in past)
        if len(recent) > self.most_changes:
            times = "once" if len(recent) == 1 else f"{len(recent)} times"
            yield self.found(
                facts,
                star,
                f"the North Star has changed {times} within twelve months: teams cannot follow",
                at=at,
                key=True,
                fix=f"keep '{star}' for a year at least, and write down what would have to happen "
                "for another change",
                evidence=[
                    Evidence(
                        f"'{legible(entry.metric)}' until {entry.until}: {legible(entry.why)}",
                        fact="history",
                        value=str(entry.until),
                    )
                    for entry in recent
                ],
            )
        elif months_after(latest, 12 * self.years) < today and facts.vouched("strategy") is None:
            years = "a year" if self.years == 1 else f"{self.years} years"
            yield self.found(
                facts,
                star,
                f"'{star}' has been the North Star since {latest}, for more than {years}",
                at=at,
                key=True,
                fix="ask whether it still fits what the product has become; if it does, say who "
                "vouches for it: `attestations: {strategy: {by: ..., since: ...}}`",
                evidence=[Evidence(f"last change: {latest}", star, "history", str(latest))],
            )


_LEADERS: Final = re.compile(
    r"leaders?|leadership(_team)?|exec(utive)?s?|executive_(team|leadership)|c[efot]o|president"
    r"|(co_?)?founders?|((senior|top)_)?management|(general_manager|managing_director)s?|directors?"
    r"|board(_of_directors)?|owners?|chief_executive(_officer)?|c_level|c_suite|vorstand|gerencia"
    r"|geschäftsführ(ung|er|erin)|direc(tora?|ción|ção)|direct(ion|eur|rice)|diretoria?"
    r"|dire(zione|ttore|ttrice)"
)
"""The whole role, since an account executive and a product owner are no leaders."""
_WORDS: Final[Mapping[str, frozenset[str]]] = {
    role: frozenset(words.split())
    for role, words in {
        "product": "product products cpo pm producto produkt produit produto prodotto",
        "sales": "sales selling cro partnerships ventas vertrieb verkauf ventes vendas vendite",
        "marketing": "marketing growth brand cmo mercadotecnia mercadeo",
        "customer_success": "success support service services care cs cx atención kundenservice "
        "kundendienst kundenbetreuung clientèle atendimento assistenza",
    }.items()
}
"""Words by which a role is known, in the languages that the linter reads."""


class FewStakeholders(Rule):
    """The North Star was set without some of those who have to follow it.

    ## Why

    A metric that one department has chosen is followed by that department. Sales, marketing and
    those who help customers know things that product people do not, and they pull in another
    direction if nobody asked them.

    The keys of `stakeholders` are roles. They count by their words, in any case, with blanks or
    hyphens: `Head of Product` is product. The same as

    - `leadership` are executive, management, founder, owner, board, director, president, CEO and
      the like;
    - `product` are CPO and PM;
    - `sales` are CRO and partnerships;
    - `marketing` are growth, brand and CMO;
    - `customer_success` are support, service, care, CS, CX and customer experience.

    A role of the option that is none of these is looked for word by word.

    ## Reported

    ```yaml
    north_star: {metric: weekly_orders, stakeholders: {executive: ana, product: bo}}
    metrics: {weekly_orders: buyers * orders_per_buyer, buyers: , orders_per_buyer: }
    ```

    ## Accepted

    ```yaml
    north_star:
      metric: weekly_orders
      stakeholders: {CEO: ana, Head of Product: bo, sales: cy, growth: di, customer support: ed}
    metrics: {weekly_orders: buyers * orders_per_buyer, buyers: , orders_per_buyer: }
    ```

    ## What to do

    Show the tree to those who are missing and write their names into `stakeholders`. A company
    without one of the roles says so: `lint: {options: {NS114: {roles: [product, leadership]}}}`.

    ## Source

    Fabian Kersten, "Designing a North Star for a B2B Company": executives, product managers, sales,
    marketing and customer success agree on it together.
    """

    code: ClassVar[str] = "NS114"
    title: ClassVar[str] = "Set without those who follow it"
    severity: ClassVar[Severity] = Severity.ADVICE

    roles: tuple[str, ...] = ("product", "sales", "marketing", "customer_success", "leadership")
    """The roles that have to be among the stakeholders."""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield one finding for all roles that are missing."""
        stakeholders = facts.north_star.stakeholders
        there = [_role(role) for role in stakeholders]
        missing = [role for role in self.roles if not any(_is_role(given, role) for given in there)]
        if not missing:
            return
        names = listed(legible(role.replace("_", " ")) for role in missing)
        if stakeholders:
            message = f"among those who agreed to {star_of(facts)} nobody is named for {names}"
        else:
            message = f"nothing says who agreed to {star_of(facts)}"
        entries = ", ".join(f"{legible(role)}: ..." for role in missing)
        yield self.found(
            facts,
            facts.star,
            message,
            at=("north_star", "stakeholders") if stakeholders else ("north_star",),
            key=True,
            fix=f"agree on it with them, and add `stakeholders: {{{entries}}}` with their names",
            evidence=[
                Evidence(f"{legible(role)}: {legible(name)}", fact="stakeholders", value=role)
                for role, name in stakeholders.items()
            ],
        )


# --- what several rules ask


def _past(facts: Facts) -> list[HistoryEntry]:
    """Return the entries of the history that are not in the future."""
    return [entry for entry in facts.north_star.history if entry.until <= facts.today]


def _number(value: float) -> str:
    return f"{value:,.10g}"


# --- roles of people


def _role(text: str) -> str:
    """Return a role as words joined by `_`."""
    return "_".join(re.findall(r"\w+", text.replace("_", " ").casefold()))


def _is_role(given: str, role: str) -> bool:
    wanted = _role(role)
    if given == wanted:
        return True
    if wanted == "leadership":
        return _LEADERS.fullmatch(given) is not None
    if wanted == "customer_success" and given == "customer_experience":
        return True
    words = set(given.split("_"))
    if wanted in _WORDS:
        return not words.isdisjoint(_WORDS[wanted])
    return words.issuperset(wanted.split("_"))


CHARTER: Final[tuple[type[Rule], ...]] = (
    NoStory,
    NoTarget,
    OverdueReview,
    Restless,
    FewStakeholders,
    *STANDING,
)
