"""The scorecard: what speaks for and against a North Star, and what would settle what is open.

A criterion fails by what a rule finds, and passes by a fact: nothing passes because nobody found
anything. Where no fact can tell, a person can: an attestation has a name and a day, and it ends.
It outweighs words, and never a fact.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date  # noqa: TC003 - a field of a dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

from metrictree.diagnostics import Confidence, Diagnostic, Evidence, Severity, legible
from metrictree.lint.facts import Facts, last_day
from metrictree.lint.provenance import moving_shares
from metrictree.lint.reach import parts, steps
from metrictree.lint.rules import RULES
from metrictree.lint.runner import made
from metrictree.lint.telling import quoted
from metrictree.lint.totals import Sure, course_of
from metrictree.schema import Criterion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from metrictree.resolved import ResolvedTree
    from metrictree.schema import Attestation, Influence

__all__ = ["Judgement", "Scorecard", "Verdict", "scorecard"]

_AGAINST: Final[Mapping[Criterion, tuple[str, ...]]] = {
    "customer_value": ("NS108", "NS109"),
    "strategy": ("NS116", "NS117"),
    "leading": ("NS104", "NS115", "IM208"),
    "actionable": ("NS105",),
    "understandable": ("NS107",),
    "measurable": ("NS106",),
    "not_vanity": ("NS103",),
    "not_revenue": ("NS101",),
    "not_external": ("NS102",),
}
"""The rules whose findings speak against each criterion."""
_LEAST: Final = 0.1
"""The share of the movement that teams must be able to bring themselves."""
_NOTICED: Final = 0.005
"""A smaller share of the movement does not count."""
_HALF: Final = 0.5


class Verdict(enum.StrEnum):
    """What is known of a criterion.

    >>> Verdict.UNKNOWN.value
    'unknown'
    """

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is known of one criterion, and why."""

    criterion: Criterion
    verdict: Verdict
    evidence: tuple[Evidence, ...]
    """What it rests on; of an unknown what is known so far."""
    settle: str | None = None
    """What would settle an unknown, or repair a failure."""
    declare: str | None = None
    """What to write into the tree to settle an unknown, as YAML."""

    def to_dict(self) -> dict[str, object]:
        """Return the judgement as plain data, ready for JSON."""
        return {
            "criterion": self.criterion,
            "verdict": self.verdict.value,
            "evidence": [reason.to_dict() for reason in self.evidence],
            "settle": self.settle,
            "declare": self.declare,
        }


@dataclass(frozen=True, slots=True, repr=False)
class Scorecard:
    """The judgements on a North Star; ``str`` of it is what `metrictree score` prints.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(north_star="mrr", metrics={"mrr": {"unit": "USD/month", "label": "MRR"}})
    >>> card = tree.scorecard()
    >>> card["not_revenue"].verdict, card["strategy"].verdict
    (<Verdict.FAIL: 'fail'>, <Verdict.UNKNOWN: 'unknown'>)
    """

    metric: str
    name: str
    """What people call it."""
    today: date
    """The day by which dates were judged."""
    judgements: tuple[Judgement, ...]

    def __getitem__(self, criterion: Criterion) -> Judgement:
        for judgement in self.judgements:
            if judgement.criterion == criterion:
                return judgement
        raise KeyError(criterion)

    def __iter__(self) -> Iterator[Judgement]:
        return iter(self.judgements)

    def __len__(self) -> int:
        return len(self.judgements)

    def count(self, verdict: Verdict) -> int:
        """Return how many criteria have a verdict."""
        return sum(judgement.verdict is verdict for judgement in self.judgements)

    def to_dict(self) -> dict[str, object]:
        """Return the scorecard as plain data, ready for JSON."""
        return {
            "metric": self.metric,
            "name": self.name,
            "today": self.today.isoformat(),
            "counts": {verdict.value: self.count(verdict) for verdict in Verdict},
            "criteria": [judgement.to_dict() for judgement in self.judgements],
        }

    def __repr__(self) -> str:
        counts = ", ".join(f"{verdict.value}={self.count(verdict)}" for verdict in Verdict)
        return f"Scorecard({self.metric!r}, {counts})"

    def __str__(self) -> str:
        from metrictree.render.scorecard import render_scorecard

        return render_scorecard(self)

    def _repr_html_(self) -> str:
        from metrictree.render.scorecard import scorecard_html

        return scorecard_html(self)


def scorecard(
    tree: ResolvedTree,
    *,
    today: date | None = None,
    values: Mapping[str, float | None] | None = None,
    history: Any = None,
) -> Scorecard:
    """Return what is known of each criterion."""
    facts = Facts(tree, today, RULES, values=values, history=history)
    judging = _Judging(facts)
    return Scorecard(
        facts.star,
        facts.name(facts.star),
        facts.today,
        tuple(judging.judge(criterion) for criterion in get_args(Criterion)),
    )


class _For(NamedTuple):
    """What speaks for a criterion."""

    proof: tuple[Evidence, ...] = ()
    """Facts by which it passes."""
    clues: tuple[Evidence, ...] = ()
    """Facts that prove nothing."""
    settle: str = ""
    """What would settle it, besides an attestation."""
    declare: str = ""


class _Judging:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.star = facts.star
        self.body = facts.metrics[facts.star]
        self.advice: dict[str, Diagnostic] = {}
        """Advice by code: what is not declared."""
        self.positive: Mapping[Criterion, Callable[[], _For]] = {
            "customer_value": self._customer_value,
            "strategy": self._strategy,
            "leading": self._leading,
            "actionable": self._actionable,
            "understandable": self._understandable,
            "measurable": self._measurable,
            "not_vanity": self._not_vanity,
            "not_revenue": self._not_revenue,
            "not_external": self._not_external,
        }

    def judge(self, criterion: Criterion) -> Judgement:
        against = list(self._against(criterion))
        facts = [found for found in against if found.confidence is not Confidence.NAMED]
        word = self.facts.north_star.attestations.get(criterion)
        vouched = self.facts.vouched(criterion) is not None
        told = () if word is None else (self._told(criterion, word),)
        if facts or (against and not vouched):
            evidence = tuple(reason for found in against for reason in _reasons(found))
            if vouched:
                contrary = "a fact outweighs an attestation"
                evidence = (*evidence, *told, Evidence(contrary, fact="attestation"))
            else:
                evidence = (*evidence, *told)
            settle = against[0].fix
            if not facts:
                settle = f"{settle}; or, if the words mislead, let somebody vouch for it"
            return Judgement(criterion, Verdict.FAIL, evidence, settle)
        speaks = self.positive[criterion]()
        if speaks.proof:
            return Judgement(criterion, Verdict.PASS, (*speaks.proof, *told))
        if vouched:
            words = tuple(reason for found in against for reason in _reasons(found))
            return Judgement(criterion, Verdict.PASS, (*told, *words, *speaks.clues))
        declare = speaks.declare or self._attestation(criterion)
        return Judgement(criterion, Verdict.UNKNOWN, (*speaks.clues, *told), speaks.settle, declare)

    # --- what speaks against

    def _against(self, criterion: Criterion) -> Iterator[Diagnostic]:
        """Yield the findings against a criterion; words that the author set aside do not count."""
        facts = self.facts
        for code in _AGAINST[criterion]:
            rule = RULES.get(code)
            if rule is None:
                continue
            for found in made(rule, facts.tree.spec.lint).check(facts):
                if code == "NS107":
                    if any(map(_is_hard, found.evidence)):
                        yield found
                elif found.severity is Severity.ADVICE:
                    self.advice.setdefault(code, found)
                elif found.confidence is not Confidence.NAMED or not self._set_aside(found):
                    yield found

    def _set_aside(self, found: Diagnostic) -> bool:
        settings = self.facts.tree.spec.lint
        beginnings = tuple(settings.ignore) if settings is not None else ()
        if found.metric is not None and found.code in self.facts.metrics[found.metric].ignore:
            return True
        return found.code.startswith(beginnings)

    # --- people

    def _told(self, criterion: Criterion, word: Attestation) -> Evidence:
        by, end = legible(word.by), last_day(word)
        note = f": {legible(word.note, 200)}" if word.note else ""
        if self.facts.vouched(criterion) is not None:
            text = f"{by} vouches for it since {word.since}, until {end}{note}"
        elif word.since > self.facts.today:
            text = f"{by} vouches for it from {word.since} on, which is still to come{note}"
        else:
            text = f"the attestation of {by} of {word.since} ended on {end}{note}"
        return Evidence(text, fact="attestation", value=criterion)

    def _attestation(self, criterion: Criterion) -> str:
        return (
            f"north_star:\n  metric: {self.star}\n  attestations:\n"
            f"    {criterion}: {{by: NAME, since: {self.facts.today}, note: WHAT IT RESTS ON}}\n"
        )

    # --- what speaks for each criterion

    def _customer_value(self) -> _For:
        moment = self.facts.north_star.value_moment
        if moment is None:
            settle = (
                "say in `value_moment` what a customer does or gets when it counts; then let "
                "somebody who knows the customers vouch for it"
            )
            return _For(settle=settle)
        clue = Evidence(
            f"the value moment is declared: {legible(moment, 200)}",
            self.star,
            "value_moment",
            legible(moment, 200),
        )
        settle = (
            "whether customers get their value then, only people can tell: let one vouch for it"
        )
        return _For(clues=(clue,), settle=settle)

    def _strategy(self) -> _For:
        star, spec = self.facts.north_star, self.facts.tree.spec
        given = {"vision": spec.vision, "rationale": star.rationale}
        clues = tuple(
            Evidence(
                f"the {field} is declared: {legible(text, 200)}", None, field, legible(text, 200)
            )
            for field, text in given.items()
            if text is not None
        )
        missing = [f"`{field}`" for field, text in given.items() if text is None]
        settle = "whether it stands for the strategy, only people can tell: let one vouch for it"
        if missing:
            settle = f"declare {' and '.join(missing)}; then let a leader vouch for it"
        return _For(clues=clues, settle=settle)

    def _leading(self) -> _For:
        facts, spec, graph = self.facts, self.facts.tree.spec, self.facts.tree.graph
        outcomes = [name for name, body in facts.metrics.items() if body.role == "outcome"]
        outcomes = list(dict.fromkeys((*facts.north_star.leads, *outcomes)))
        outcomes = [name for name in outcomes if name != self.star]
        onwards: dict[str, list[Influence]] = {}
        for influence in spec.influences:
            onwards.setdefault(influence.from_, []).append(influence)
        below = {name: outcome for outcome in outcomes for name in graph.below([outcome])}
        proof: list[Evidence] = []
        clues: list[Evidence] = []
        waiting, seen = [self.star], {self.star}
        for metric in waiting:
            for influence in onwards.get(metric, ()):
                ended = influence.until is not None and influence.until < facts.today
                known = influence.confidence != "hypothesis" and not ended
                first = influence.confidence == "experiment" or influence.lag > 0
                if influence.to in below:
                    shows = known and first
                    (proof if shows else clues).append(_effect(influence, ended=ended))
                if known and influence.to not in seen:
                    seen.add(influence.to)
                    waiting.append(influence.to)
        if self.body.timing is not None:
            text = f"its timing is declared: {self.body.timing}"
            clues.append(Evidence(text, self.star, "timing", self.body.timing))
        if not outcomes:
            settle = (
                "name in `leads` the outcome that it should predict, such as retention; then test "
                "whether it moves first, and declare the influence"
            )
            return _For(tuple(proof), tuple(clues), settle, _influence(self.star, "OUTCOME"))
        settle = (
            f"test whether {quoted(outcomes[:1])} follows it, and declare the influence: with "
            "`confidence: experiment`, or with `correlated` and the `lag` after which past data "
            "shows it"
        )
        return _For(tuple(proof), tuple(clues), settle, _influence(self.star, outcomes[0]))

    def _actionable(self) -> _For:
        facts, metrics = self.facts, self.facts.metrics
        advice = self.advice.get("NS105")
        settle = "declare `controllability: direct` and an `owner` on what a team moves by itself"
        if advice is not None:
            clue = Evidence(advice.message, advice.metric, "finding", advice.code)
            return _For(clues=(clue,), settle=advice.fix or settle, declare=self._control())
        effects = facts.effects
        shares = {**effects.inputs, **moving_shares(facts)}
        proof: list[Evidence] = []
        brought: dict[str, float] = {}
        for metric, away in steps(facts).items():
            if metrics[metric].controllability != "direct":
                continue
            share = shares.get(metric)
            text = f"'{metric}' is under direct control"
            if metrics[metric].owner is not None:
                text += f" of {legible(metrics[metric].owner)}"
            if share is not None:
                text += f" and brings {_percent(share)} of the movement"
                brought[metric] = share
            else:
                text += f", {away} {'step' if away == 1 else 'steps'} below"
            proof.append(Evidence(text, metric, "controllability", "direct", effects.way(metric)))
        if proof and (not brought or len(brought) < len(proof) or sum(brought.values()) >= _LEAST):
            return _For(tuple(proof))
        if proof:
            settle = "find an input that teams move by themselves and that brings more"
        return _For(clues=tuple(proof), settle=settle, declare=self._control())

    def _understandable(self) -> _For:
        description = self.body.description
        if description is None:
            settle = "say in `description` what it counts, as you would say it to a new colleague"
            declare = f"metrics:\n  {self.star}:\n    description: WHAT IT COUNTS, IN PLAIN WORDS\n"
            return _For(settle=settle, declare=declare)
        text = legible(description, 200)
        inputs = parts(self.facts)
        made_of = f"it is made of {quoted(inputs)}" if inputs else "it stands for itself"
        return _For(
            (
                Evidence(f"it says what it counts: {text}", self.star, "description", text),
                Evidence(made_of, self.star, "inputs", len(inputs)),
            )
        )

    def _measurable(self) -> _For:
        facts, metrics = self.facts, self.facts.metrics
        # Whoever gives values or a history gives them for all that the North Star is made of.
        given = facts.has_values
        below = facts.tree.graph.below([self.star])
        leaves = [name for name in metrics if name in below and metrics[name].kind != "formula"]
        sourced = tuple(
            Evidence(
                f"'{name}' is measured: {legible(measure.aggregate)} of {legible(measure.source)}",
                name,
                "measure",
                legible(measure.aggregate),
            )
            for name in leaves
            if (measure := metrics[name].measure) is not None
        )
        known = tuple(
            Evidence(f"'{name}' has given values", name, "values")
            for name in leaves
            if metrics[name].kind == "input" and given
        )
        loose = [name for name in leaves if metrics[name].kind == "input" and not given]
        if not loose and (sourced or known):
            return _For((*sourced, *known))
        if not loose:
            settle = "all that it is made of are assumptions: measure them from a source"
            loose = leaves
        else:
            settle = f"give {quoted(loose)} a `measure` of a source, or give values or a history"
        lines = [f"  {name}: {{measure: {{source: TABLE, aggregate: count()}}}}" for name in loose]
        return _For(clues=sourced, settle=settle, declare=_block("metrics:", lines))

    def _not_vanity(self) -> _For:
        moment = self.facts.north_star.value_moment
        course = course_of(self.facts.tree, self.star)[self.star]
        if moment is not None and self.facts.metrics[self.star].description is None:
            # Of a bare name nobody can tell whether it counts that moment or only who was there.
            return _For(
                settle="say in `description` what is counted",
                declare=_block(
                    "metrics:", [f"  {self.star}: {{description: WHAT IT COUNTS, IN A SENTENCE}}"]
                ),
            )
        if moment is not None and course.never_falls is Sure.NO:
            text = legible(moment, 200)
            return _For(
                (
                    Evidence(
                        f"it counts a moment of value: {text}", self.star, "value_moment", text
                    ),
                    Evidence("it can fall: it is no running total", self.star, "formula"),
                )
            )
        if moment is None:
            settle = "say in `value_moment` what a customer does or gets when it counts"
            declare = (
                f"north_star:\n  metric: {self.star}\n"
                "  value_moment: WHAT A CUSTOMER DOES OR GETS WHEN IT COUNTS\n"
            )
            return _For(settle=settle, declare=declare)
        settle = "nothing says that it can fall: let somebody vouch that it is no running total"
        return _For(settle=settle)

    def _not_revenue(self) -> _For:
        facts = self.facts
        units = facts.units.units
        own = units[self.star]
        if own is not None and not (own.currencies or own.is_ratio or own.is_score):
            text = f"it is in {own}, which is no money"
            return _For((Evidence(text, self.star, "unit", str(own)),))
        moving = [name for name, share in facts.effects.shares.items() if share > _NOTICED]
        moving = moving or [self.star]
        unknown = [name for name in moving if units[name] is None]
        money = [name for name in moving if (unit := units[name]) is not None and unit.currencies]
        seen = tuple(
            Evidence(f"'{name}' is in {units[name]}", name, "unit", str(units[name]))
            for name in moving
            if units[name] is not None
        )
        if not unknown and not money and (own is None or not own.currencies):
            return _For(seen)
        if unknown:
            settle = f"declare the `unit` of {quoted(unknown)}"
            lines = [f"  {name}: {{unit: UNIT}}" for name in unknown]
            return _For(clues=seen, settle=settle, declare=_block("metrics:", lines))
        settle = "whose money it is, only people can tell: let one vouch that you do not earn it"
        return _For(clues=seen, settle=settle)

    def _not_external(self) -> _For:
        facts, metrics = self.facts, self.facts.metrics
        shares = dict(moving_shares(facts)) or {self.star: 1.0}
        sums = {"direct": 0.0, "influenced": 0.0, "external": 0.0, None: 0.0}
        for name, share in shares.items():
            sums[metrics[name].controllability] += share
        steered = sums["direct"] + sums["influenced"]
        text = f"{_percent(steered)} of its movement comes from what teams control or influence"
        told: tuple[Evidence, ...] = (Evidence(text, self.star, "share", steered),)
        if steered > _HALF:
            return _For(told)
        if sums[None] > 1 - _NOTICED:
            told = ()
        open_ = [name for name, share in shares.items() if share > _NOTICED]
        open_ = [name for name in open_ if metrics[name].controllability is None]
        settle = "let somebody vouch that teams bring more of its movement than outside forces"
        if not open_:
            return _For(clues=told, settle=settle)
        settle = f"declare the `controllability` of {quoted(open_)}: direct, influenced or external"
        lines = [f"  {name}: {{controllability: influenced}}" for name in open_]
        return _For(clues=told, settle=settle, declare=_block("metrics:", lines))

    def _control(self) -> str:
        facts = self.facts
        leaves = [name for name in steps(facts) if not facts.causes[name]] or [self.star]
        return _block("metrics:", [f"  {leaves[0]}: {{controllability: direct, owner: TEAM}}"])


def _reasons(found: Diagnostic) -> Iterator[Evidence]:
    """Yield the sentence of a finding, and then its own reasons."""
    yield Evidence(f"{found.message} ({found.code})", found.metric, "finding", found.code)
    yield from found.evidence


def _is_hard(reason: Evidence) -> bool:
    """Whether a reason of NS107 makes a metric hard to understand; few inputs do not."""
    if reason.fact == "inputs":
        return isinstance(reason.value, (int, float)) and reason.value > 2
    return reason.fact in ("operations", "depth", "words")


def _effect(influence: Influence, *, ended: bool) -> Evidence:
    kind = {
        "experiment": "the tree says: an experiment shows that",
        "correlated": "the tree says: past data shows that",
        "hypothesis": "it is believed, and not tested, that",
    }[influence.confidence]
    lag = influence.lag
    later = f", {lag:,} {'period' if lag == 1 else 'periods'} later" if lag else ""
    moves = "follows" if lag or influence.confidence == "experiment" else "moves together with"
    text = f"{kind} '{influence.to}' {moves} '{influence.from_}'{later}"
    if influence.evidence is not None:
        text += f" ({legible(influence.evidence, 200)})"
    if ended:
        text += f"; that was to be tested again by {influence.until}"
    return Evidence(text, influence.to, "influence", influence.confidence)


def _influence(star: str, outcome: str) -> str:
    return (
        "influences:\n"
        f"  - {{from: {star}, to: {outcome}, lag: 1, confidence: correlated, evidence: WHERE}}\n"
    )


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _block(head: str, lines: list[str]) -> str:
    return "\n".join([head, *lines]) + "\n"
