"""Rules about what the North Star rests on: whether it can be moved, told, and moved in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from pydantic import Field

from metrictree.diagnostics import Confidence, Diagnostic, Evidence, Severity, legible
from metrictree.lint.provenance import percent, period_of, told_way
from metrictree.lint.reach import behind_aliases, depth, parts, steps
from metrictree.lint.rule import Rule
from metrictree.lint.telling import MOST, listed, quoted, star_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrictree.documents import Path
    from metrictree.lint.facts import Facts

__all__ = ["SHAPE"]

_NO_OPERATION: Final = ("number", "text", "null", "ref", "neg")
_JOURNEY: Final = ("awareness", "acquisition", "activation", "retention", "revenue", "referral")


class NotActionable(Rule):
    """No team can move the North Star: nothing near it is directly controllable and owned.

    ## Why

    A North Star is there to be moved. Somebody must be able to say: this metric is mine, what we do
    changes it (`controllability: direct`), and it leads to the North Star within a few formulas or
    influences. A metric with a weight of zero leads nowhere. Where nothing is declared, this is
    advice.

    ## Reported

    ```yaml
    north_star: harvest
    metrics:
      harvest: {formula: fields * yield_per_field, unit: ton}
      fields: {unit: field, controllability: influenced}
      yield_per_field: {unit: ton/field, controllability: external}
    ```

    ## Accepted

    ```yaml
    north_star: jobs_done_well
    metrics:
      jobs_done_well: {formula: jobs * done_well_rate, unit: job/week}
      jobs: {unit: job/week, controllability: influenced}
      done_well_rate: {unit: ratio, controllability: direct, owner: quality}
    ```

    ## What to do

    Split the inputs until there is one that a team moves by its own work, declare it
    `controllability: direct` and give it an `owner`. If there is none, the North Star is not yours
    to move: choose one that is.

    ## Source

    Guides to North Star metrics ask that teams can influence it directly through their work.
    """

    code: ClassVar[str] = "NS105"
    title: ClassVar[str] = "Cannot be acted on"
    severity: ClassVar[Severity] = Severity.WARNING

    steps: int = Field(default=3, ge=1)
    """How many formulas or influences away the input may be."""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding if no direct and owned metric is within reach."""
        star, metrics = facts.star, facts.metrics
        if not facts.causes[star]:
            if metrics[star].kind in ("input", "measure"):  # NS106 tells of the others
                yield self._alone(facts)
            return
        away = steps(facts)
        ends = [name for name in away if not facts.causes[name] and metrics[name].value is None]
        direct = [name for name in away if metrics[name].controllability == "direct"]
        near = [name for name in direct if away[name] <= self.steps]
        if any(metrics[name].owner is not None for name in near) or not (ends or near):
            return
        undeclared = [name for name in ends if metrics[name].controllability is None]
        if near:
            yield self._without_owner(facts, near)
        elif direct:
            yield self._far(facts, direct[0], away[direct[0]], is_sure=not undeclared)
        elif undeclared:
            yield self._undeclared(facts, undeclared)
        else:
            yield self._out_of_hands(facts, ends)

    def _alone(self, facts: Facts) -> Diagnostic:
        return self.found(
            facts,
            facts.star,
            f"nothing leads to {star_of(facts)}: no formula and no influence says what moves it",
            fix="give it a formula of the metrics that it is made of, or list `influences` on it, "
            "so that teams see what they can do for it",
            confidence=Confidence.DERIVED,
            severity=Severity.ADVICE,
        )

    def _without_owner(self, facts: Facts, near: list[str]) -> Diagnostic:
        names = quoted(near)
        is_one = len(near) == 1
        return self.found(
            facts,
            facts.star,
            f"{names} {'is' if is_one else 'are'} under direct control and near "
            f"{star_of(facts)}, but nobody owns {'it' if is_one else 'any of them'}",
            fix=f"name the team that answers for '{legible(near[0])}' in its `owner`",
            at=("metrics", near[0], "controllability"),
            confidence=Confidence.DERIVED,
            evidence=_controls(facts, near),
            severity=Severity.ADVICE,
        )

    def _far(self, facts: Facts, metric: str, away: int, *, is_sure: bool) -> Diagnostic:
        return self.found(
            facts,
            facts.star,
            f"the nearest metric that a team controls directly, '{legible(metric)}', is {away} "
            f"steps away from {star_of(facts)}: its effect is lost on the way",
            fix=f"find an input within {self.steps} steps that a team moves by its own work, and "
            "declare it `controllability: direct` with an `owner`; or choose a North Star nearer "
            "to what teams do",
            confidence=Confidence.DERIVED,
            evidence=_controls(facts, [metric]),
            severity=None if is_sure else Severity.ADVICE,
        )

    def _undeclared(self, facts: Facts, undeclared: list[str]) -> Diagnostic:
        return self.found(
            facts,
            facts.star,
            f"nothing says who can move {star_of(facts)}: no metric that leads to it is declared "
            "to be under a team's direct control",
            fix="declare `controllability` (direct, influenced or external) on "
            f"{quoted(undeclared)}, and an `owner` on what is direct",
            confidence=Confidence.DERIVED,
            severity=Severity.ADVICE,
        )

    def _out_of_hands(self, facts: Facts, ends: list[str]) -> Diagnostic:
        kinds = [f"'{legible(end)}' is {facts.metrics[end].controllability}" for end in ends]
        return self.found(
            facts,
            facts.star,
            f"no team can move {star_of(facts)} directly: of what leads to it, {listed(kinds)}",
            fix="split one of them until a part of it is a team's own work, and declare that "
            "`controllability: direct` with an `owner`; or choose a North Star that teams can move",
            confidence=Confidence.DERIVED,
            evidence=_controls(facts, ends),
        )


def _controls(facts: Facts, metrics: list[str]) -> list[Evidence]:
    return [
        Evidence(
            f"{legible(metric)} is declared {facts.metrics[metric].controllability}",
            metric,
            "controllability",
            facts.metrics[metric].controllability,
        )
        for metric in metrics[:MOST]
    ]


class NotSimple(Rule):
    """The North Star is hard to tell, or to work with.

    ## Why

    Everybody in the company should be able to say what the North Star counts and what it hangs on.
    That takes a short name, a description in plain words, a formula that can be read in one go, and
    a handful of inputs: with one alone there is nothing to choose between, with many nobody keeps
    them in mind. Another name for a metric is no level and no input of its own.

    ## Reported

    ```yaml
    north_star: lessons_finished
    metrics:
      lessons_finished: a + b + c + d + e + f + g
      a:
      b:
      c:
      d:
      e:
      f:
      g:
    ```

    ## Accepted

    ```yaml
    north_star: lessons_finished
    metrics:
      lessons_finished:
        description: Lessons that learners work through to the last page in a week
        formula: learners * lessons_per_learner
      learners:
      lessons_per_learner:
    ```

    ## What to do

    Name parts of a long formula as metrics of their own, so that the North Star is made of two to
    six inputs. Shorten the name, and put what it leaves out into `description`, as you would say it
    to a new colleague.

    ## Source

    Guides to North Star metrics ask for a metric that the whole company understands and can
    explain.
    """

    code: ClassVar[str] = "NS107"
    title: ClassVar[str] = "Is not simple"
    severity: ClassVar[Severity] = Severity.ADVICE

    most_operations: int = Field(default=8, ge=0)
    """Operations and functions in its formula."""
    most_depth: int = Field(default=6, ge=1)
    """Formulas on top of each other."""
    most_words: int = Field(default=10, ge=1)
    """Words in its name."""
    most_inputs: int = Field(default=6, ge=1)
    """Direct inputs: what its formula names, or what influences it."""
    least_inputs: int = Field(default=2, ge=0)
    """Direct inputs that it should have, if it has any."""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield one finding with all that is not simple."""
        reasons = list(self._reasons(facts))
        if not reasons:
            return
        star = star_of(facts)
        told = [reason.evidence.text for reason in reasons]
        yield self.found(
            facts,
            facts.star,
            f"{star} is hard to explain or to work with: {listed(told)}",
            fix="; ".join(reason.fix for reason in reasons),
            at=reasons[0].at,
            confidence=Confidence.DERIVED,
            evidence=[reason.evidence for reason in reasons],
        )

    def _reasons(self, facts: Facts) -> Iterator[_Reason]:
        star = facts.star
        itself = behind_aliases(facts)
        formula = facts.tree.formulas.get(itself)
        if formula is not None:
            count = sum(node.op not in _NO_OPERATION for node in formula.nodes)
            if count > self.most_operations:
                yield _Reason(
                    Evidence(
                        f"its formula has {count:,} operations (more than {self.most_operations})",
                        itself,
                        "operations",
                        count,
                    ),
                    "name parts of the formula as metrics of their own",
                    ("metrics", itself, "formula"),
                )
        inputs = parts(facts)
        if len(inputs) > self.most_inputs:
            text = f"it has {len(inputs):,} direct inputs (more than {self.most_inputs})"
            yield _Reason(
                Evidence(text, star, "inputs", len(inputs)), "join inputs that belong together"
            )
        elif inputs and len(inputs) < self.least_inputs:
            few = "one input" if len(inputs) == 1 else f"{len(inputs)} inputs"
            yield _Reason(
                Evidence(
                    f"it rests on {few} alone ({quoted(inputs)})", star, "inputs", len(inputs)
                ),
                f"say what {quoted(inputs)} is made of, or what else moves the North Star "
                "(`influences`)",
            )
        levels, way = depth(facts)
        if levels > self.most_depth:
            text = f"its formulas are {levels:,} levels deep (more than {self.most_depth})"
            yield _Reason(
                Evidence(text, way[-1], "depth", levels, way),
                "leave out levels that nobody looks at",
            )
        words = len(facts.name(star).split())
        if words > self.most_words:
            has_label = facts.metrics[star].label is not None
            yield _Reason(
                Evidence(
                    f"its name has {words} words (more than {self.most_words})",
                    star,
                    "words",
                    words,
                ),
                "give it a short `label`, and put the rest into `description`",
                ("metrics", star, "label") if has_label else None,
            )
        if facts.metrics[star].description is None:
            yield _Reason(
                Evidence("it has no description in plain words", star, "description"),
                "say in `description` what it counts, in a sentence that a new colleague "
                "understands",
            )


class _Reason(NamedTuple):
    """One thing that is not simple: what, what to do, and where."""

    evidence: Evidence
    fix: str
    at: Path | None = None


class OneSided(Rule):
    """A part of the customer's journey has no input, or one input brings nearly all movement.

    ## Why

    Customers become aware of a product, arrive, find its value, come back, pay, and bring others
    (awareness, acquisition, activation, retention, revenue, referral). A part without an input is a
    part that nobody works on. Revenue is met by an outcome, for it should not be an input. This is
    judged once an input declares its `lifecycle`. And where one of several inputs brings over 90 %
    of the movement, the others are there for show.

    ## Reported

    ```yaml
    north_star: lessons_finished
    metrics:
      lessons_finished: {formula: learners * lessons_per_learner}
      learners: {lifecycle: acquisition}
      lessons_per_learner: {lifecycle: retention}
    ```

    ## Accepted

    ```yaml
    north_star: {metric: lessons_finished, leads: [income]}
    metrics:
      lessons_finished: {formula: learners * lessons_per_learner}
      learners: {formula: (reached * arrival_rate + invited) * first_lesson_rate}
      reached: {lifecycle: awareness}
      arrival_rate: {lifecycle: acquisition}
      invited: {lifecycle: referral}
      first_lesson_rate: {lifecycle: activation}
      lessons_per_learner: {lifecycle: retention}
      income: {lifecycle: revenue, role: outcome}
    ```

    ## What to do

    Declare `lifecycle` on the input that serves the missing part, add such an input, or ignore the
    finding with the reason why that part does not matter. Split an input that brings everything
    into what it is made of, or leave out those that bring nothing.

    ## Source

    The pirate metrics (AAARRR), to which guides to North Star metrics relate its inputs.
    """

    code: ClassVar[str] = "NS118"
    title: ClassVar[str] = "Is one-sided"
    severity: ClassVar[Severity] = Severity.ADVICE

    most_share: float = Field(default=0.9, ge=0, le=1)
    """The share of the movement that one input may bring."""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding for the parts that are missing, and one for an input that rules."""
        yield from self._journey(facts)
        if len(parts(facts)) > 1:
            yield from self._ruler(facts)

    def _journey(self, facts: Facts) -> Iterator[Diagnostic]:
        star, metrics = facts.star, facts.metrics
        inputs = steps(facts)
        if not any(metrics[name].lifecycle is not None for name in inputs):
            return
        outcomes = [name for name, body in metrics.items() if body.role == "outcome"]
        outcomes += facts.north_star.leads
        served = {metrics[name].lifecycle for name in (star, *inputs, *outcomes)}
        if not outcomes:  # NS115 tells
            served.add("revenue")
        missing = [part for part in _JOURNEY if part not in served]
        if not missing:
            return
        gaps = []
        worked_on = [part for part in missing if part != "revenue"]
        if worked_on:
            gaps.append(f"no input of {star_of(facts)} serves {listed(worked_on)}")
            advice = f"declare `lifecycle: {worked_on[0]}` on the input that serves it, or add one"
        else:
            advice = "declare `lifecycle: revenue` on the outcome that shows it, or add one"
        if "revenue" in missing:
            gaps.append("no outcome shows revenue")
        yield self.found(
            facts,
            star,
            f"the customer's journey has gaps: {', and '.join(gaps)}",
            fix=f"{advice}; or ignore NS118 with the reason why it does not matter",
            confidence=Confidence.DERIVED,
            evidence=[
                Evidence(
                    f"no input and no outcome has `lifecycle: {part}`", fact="lifecycle", value=part
                )
                for part in missing
            ],
        )

    def _ruler(self, facts: Facts) -> Iterator[Diagnostic]:
        effects = facts.effects
        shares = effects.inputs if len(effects.inputs) > 1 else effects.shares
        if not shares:
            return
        ruler = max(shares, key=shares.__getitem__)
        share = shares[ruler]
        if share <= self.most_share:
            return
        graph = facts.tree.graph
        made_of = graph.below([ruler])
        if any(made_of & graph.below([other]) for other in shares if other != ruler):
            return  # visitors * (orders / visitors): steps of one way, not two inputs
        if facts.is_exempt(ruler, self.code):
            return
        way = effects.way(ruler)
        yield self.found(
            facts,
            facts.star,
            f"{percent(share)} of the movement of {star_of(facts)}{period_of(facts)} comes from "
            f"one of its inputs, '{legible(ruler)}'",
            fix=f"split '{legible(ruler)}' into what it is made of, or leave out the inputs that "
            "hardly count",
            at=("metrics", behind_aliases(facts), "formula"),
            confidence=Confidence.DERIVED,
            evidence=[
                Evidence(
                    told_way(facts, way, f"brings {percent(share)}"),
                    ruler,
                    "share",
                    share,
                    way,
                )
            ],
        )


SHAPE: Final[tuple[type[Rule], ...]] = (NotActionable, NotSimple, OneSided)
