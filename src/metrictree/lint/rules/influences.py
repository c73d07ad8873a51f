"""Rules about influences: those past their day, and those that something else contradicts."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING, Annotated, ClassVar, Final

from pydantic import Field

from metrictree.diagnostics import Confidence, Diagnostic, Evidence, Severity
from metrictree.lint.dates import ago
from metrictree.lint.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from metrictree.documents import Path
    from metrictree.lint.effects import Effects
    from metrictree.lint.facts import Facts
    from metrictree.schema import Influence

__all__ = ["INFLUENCES"]

Pair = tuple[float | None, float | None]

_WORK: Final = 10_000
"""Metrics below others than the North Star that are looked at; effects count as some more."""
_EFFECTS: Final = 100
_STILL: Final = 1e-12
"""A movement, as a share of the value, that is no more than its last digits."""
_SAID: Final = {1: "positive", -1: "negative"}
_MORE: Final = {1: "more", -1: "less"}
_UP: Final = {"up": 1, "down": -1}


class ExpiredInfluence(Rule):
    """The day is past by which an influence was to be tested again.

    ## Why

    An influence is a belief, and beliefs about customers go out of date. A day in `until` makes
    sure that somebody tests it again; after it, everything that builds on the influence builds on
    what nobody has looked at. The day itself is in time.

    ## Reported

    ```yaml
    north_star: weekly_orders
    metrics: {weekly_orders: buyers * orders_per_buyer, buyers: , orders_per_buyer: , speed: }
    influences:
      - {from: speed, to: orders_per_buyer, confidence: hypothesis, until: 2020-06-30}
    ```

    ## Accepted

    ```yaml
    north_star: weekly_orders
    metrics: {weekly_orders: buyers * orders_per_buyer, buyers: , orders_per_buyer: , speed: }
    influences:
      - {from: speed, to: orders_per_buyer, confidence: experiment, evidence: EXP-42,
         until: 2099-06-30}
    ```

    ## What to do

    Test it, with an experiment or on past data. Write down what came out in `confidence` and
    `evidence`, and the next day in `until`; or remove the influence.

    ## Source

    Guides on choosing a North Star: test your hypotheses about what predicts what, and go on
    testing them.
    """

    code: ClassVar[str] = "IM207"
    title: ClassVar[str] = "An influence past its day"
    severity: ClassVar[Severity] = Severity.WARNING

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding for each influence whose day is past."""
        for position, influence in enumerate(facts.tree.spec.influences):
            until = influence.until
            if until is None or until >= facts.today:
                continue
            what = "is a hypothesis that" if influence.confidence == "hypothesis" else "is one that"
            yield self.found(
                facts,
                influence.to,
                f"the influence of '{influence.from_}' on '{influence.to}' {what} was to be tested "
                f"again by {until}, {ago(until, facts.today)}",
                at=("influences", position, "until"),
                fix="test it, then write down what came out (`confidence`, `evidence`) and the "
                "next day in `until`; or remove it",
                evidence=[Evidence(f"until: {until}", influence.to, "until", str(until))],
            )


class ContradictedInfluence(Rule):
    """Something else in the tree, or in its history, says the opposite of an influence.

    ## Why

    If the tree says two opposite things about the same pair of metrics, one of them is wrong, and
    teams will quote the one that suits them. An influence counts if it has a `direction` or an
    `elasticity`. It is contradicted

    - by formulas, if `to` is made of `from` and by arithmetic moves the other way;
    - by what `improves`, if more of `from` is said to be good, and all that the tree says it leads
      to gets worse by it. A trade-off, which helps one metric and harms another, is none, and
      neither is an influence of or on a guardrail;
    - by the history that was given, if the two moved against the direction for long enough, `lag`
      periods apart. An influence known from an experiment outweighs that.

    In large trees with very many influences on metrics with a formula, formulas are compared only
    for the first ones.

    ## Reported

    ```yaml
    north_star: weekly_orders
    metrics: {weekly_orders: buyers * orders_per_buyer, buyers: , orders_per_buyer: }
    influences:
      - {from: buyers, to: weekly_orders, direction: negative}
    ```

    ## Accepted

    ```yaml
    north_star: weekly_orders
    metrics: {weekly_orders: buyers * orders_per_buyer, buyers: , orders_per_buyer: , speed: }
    influences:
      - {from: speed, to: orders_per_buyer, direction: positive}
    ```

    ## What to do

    Find out which of the two is right, and correct the `direction`, `elasticity`, formula or
    `improves`. An influence that a formula says already can go.

    ## Source

    Guides on choosing a North Star: test a hypothesis by correlating one metric with the other.
    """

    code: ClassVar[str] = "IM208"
    title: ClassVar[str] = "A contradicted influence"
    severity: ClassVar[Severity] = Severity.WARNING

    least_periods: Annotated[int, Field(ge=3)] = 12
    """Periods of history that a comparison needs, the lag not counted."""
    least_correlation: Annotated[float, Field(gt=0, le=1)] = 0.6
    """From where on a correlation of the other sign contradicts."""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding for each influence that is contradicted, by the strongest reason."""
        signed = {
            position: (influence, sign)
            for position, influence in enumerate(facts.tree.spec.influences)
            if (sign := _sign(influence))
        }
        if not signed:
            return
        arithmetic = _Arithmetic(facts)
        by_formula = arithmetic.between(influence for influence, _ in signed.values())
        by_aim = _aims(facts, signed, arithmetic)
        past = _past(facts, [influence for influence, _ in signed.values()])
        for position, (influence, sign) in signed.items():
            known = by_formula.get((influence.from_, influence.to))
            if known is not None and known.signs.get(influence.from_) == -sign:
                way = known.way(influence.from_)
                yield self._by_formula(facts, position, influence, sign, way)
            elif position in by_aim:
                yield self._by_aim(facts, position, influence, sign, good=by_aim[position])
            elif influence.confidence != "experiment":
                yield from self._by_history(facts, position, influence, sign, past)

    def _by_formula(
        self, facts: Facts, position: int, influence: Influence, sign: int, way: tuple[str, ...]
    ) -> Diagnostic:
        source, target = influence.from_, influence.to
        chain = " <- ".join(way) if len(way) <= 8 else f"{way[0]} <- ... <- {way[-1]}"
        return self.found(
            facts,
            target,
            f"the influence of '{source}' on '{target}' is said to be {_SAID[sign]}, and by the "
            f"formulas more '{source}' means {_MORE[-sign]} '{target}'",
            at=_place(influence, position),
            fix="correct the sign or the formula; if the formula is right, it says all, and the "
            "influence can go",
            confidence=Confidence.DERIVED,
            evidence=[Evidence(chain, source, "formula", -sign, way)],
        )

    def _by_aim(
        self, facts: Facts, position: int, influence: Influence, sign: int, *, good: int
    ) -> Diagnostic:
        source, target = influence.from_, influence.to
        aim = facts.metrics[source].improves or "up"
        told = facts.metrics[target].improves
        wanted = _MORE[good]
        return self.found(
            facts,
            target,
            f"{_MORE[_UP[aim]]} '{source}' is said to be better, and its influence on '{target}' "
            f"is said to be {_SAID[sign]}, where {wanted} is better: nothing in the tree gets "
            "better by it",
            at=_place(influence, position),
            fix=f"correct the sign, or `improves` of '{source}' or of what it leads to",
            confidence=Confidence.DERIVED if told is None else Confidence.DECLARED,
            evidence=[
                Evidence(f"'{source}' improves {aim}", source, "improves", aim),
                Evidence(f"{wanted} '{target}' is better", target, "improves", told),
            ],
        )

    def _by_history(
        self,
        facts: Facts,
        position: int,
        influence: Influence,
        sign: int,
        past: Mapping[str, Sequence[float | None]],
    ) -> Iterator[Diagnostic]:
        source, target, lag = influence.from_, influence.to, influence.lag
        if source not in past or target not in past or lag >= len(past[source]):
            return
        before = past[source][: len(past[source]) - lag]
        pairs = list(zip(before, past[target][lag:], strict=True))
        level, count = _correlation(pairs)
        if count < self.least_periods or level is None or -sign * level < self.least_correlation:
            return
        moves = [_move(first, second) for first, second in pairwise(pairs)]
        change, _ = _correlation(moves)
        if change is not None and change * sign > 0:
            return  # what moved from period to period speaks for it: levels only drifted apart
        later = f", {lag} {'period' if lag == 1 else 'periods'} later" if lag else ""
        yield self.found(
            facts,
            target,
            f"the influence of '{source}' on '{target}' is said to be {_SAID[sign]}, and in "
            f"{count} periods of the history more '{source}' went with {_MORE[-sign]} "
            f"'{target}'{later} (correlation {level:.2f})",
            at=_place(influence, position),
            fix="test it with an experiment, and write down what came out; or correct the sign or "
            "the `lag`",
            confidence=Confidence.DERIVED,
            evidence=[
                Evidence(f"correlation {level:.2f}", target, "correlation", level),
                Evidence(f"{count} periods", target, "periods", count),
            ],
        )


def _sign(influence: Influence) -> int:
    if influence.elasticity:
        return 1 if influence.elasticity > 0 else -1
    return {"positive": 1, "negative": -1}.get(influence.direction or "", 0)


def _place(influence: Influence, position: int) -> Path:
    field = "direction" if influence.direction is not None else "elasticity"
    return ("influences", position, field)


class _Arithmetic:
    """How formulas alone lead from one metric to another, influences left out."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        spec = facts.tree.spec.model_copy(update={"influences": ()})
        self.tree = replace(facts.tree, spec=spec)
        self.left = _WORK

    @cached_property
    def on_star(self) -> Effects:
        from metrictree.lint.effects import effects_on

        return effects_on(self.tree, self.facts.star)

    @cached_property
    def signs(self) -> Mapping[str, int]:
        """Return the sign of each metric that the North Star is made of, where it has one."""
        below = self.tree.graph.below([self.facts.star]) - {self.facts.star}
        signs = self.on_star.signs
        known = ((metric, signs.get(metric)) for metric in self.facts.metrics if metric in below)
        return {metric: sign for metric, sign in known if sign}

    def between(self, influences: Iterable[Influence]) -> dict[tuple[str, str], Effects]:
        """Return the effects by which formulas lead from one end of influences to the other."""
        from metrictree.lint.effects import effects_on

        graph, star = self.tree.graph, self.facts.star
        sources: dict[str, list[str]] = {}
        for influence in influences:
            if influence.to in self.tree.formulas:
                sources.setdefault(influence.to, []).append(influence.from_)
        found = {}
        for target, causes in sources.items():
            if target != star and self.left <= 0:
                continue
            reached = graph.below([target]) - {target}
            inside = [source for source in causes if source in reached]
            if target != star:
                self.left -= len(reached) + (_EFFECTS if inside else 0)
            if inside:
                effects = self.on_star if target == star else effects_on(self.tree, target)
                found.update({(source, target): effects for source in inside})
        return found


def _aims(
    facts: Facts, signed: Mapping[int, tuple[Influence, int]], arithmetic: _Arithmetic
) -> dict[int, int]:
    """Return the influences that make worse what their metric is said to improve.

    The value is the direction that is good for `to`: as declared; else as the formulas of the North
    Star, or further influences, ask for it.
    """
    metrics = facts.metrics
    aims = {metric: _UP[body.improves] for metric, body in metrics.items() if body.improves}
    declared = dict(aims)
    if not any(influence.from_ in declared for influence, _ in signed.values()):
        return {}
    star = declared.get(facts.star)
    helps = {}
    if star is not None:
        helps = {metric: sign * star for metric, sign in arithmetic.signs.items()}
        aims = {**helps, **aims}
    causes: dict[str, list[tuple[str, int]]] = {}
    for influence, sign in signed.values():
        causes.setdefault(influence.to, []).append((influence.from_, sign))
    waiting = list(aims)
    for metric in waiting:  # against the arrows; what is asked for both ways becomes 0, once
        for source, sign in causes.get(metric, ()):
            asked = sign * aims[metric]
            if source in declared or source in helps or aims.get(source, 2) in (asked, 0):
                continue
            aims[source] = asked if source not in aims else 0
            waiting.append(source)
    against: dict[int, int] = {}
    supported = {metric for metric, good in helps.items() if good == declared.get(metric)}
    for position, (influence, sign) in signed.items():
        source, target = influence.from_, influence.to
        good = aims.get(target, 0)
        if source not in declared or not good:
            continue
        if "guardrail" in (metrics[source].role, metrics[target].role):
            continue
        if sign * declared[source] == good:
            supported.add(source)
        else:
            against[position] = good
    return {
        position: good
        for position, good in against.items()
        if signed[position][0].from_ not in supported
    }


def _past(facts: Facts, influences: Sequence[Influence]) -> Mapping[str, Sequence[float | None]]:
    """Return the history of the ends of influences, of those that it tells."""
    if facts.history is None:
        return {}
    from metrictree.engines.series import compute_series
    from metrictree.lint.history import read_history
    from metrictree.plan import make_plan

    tree = facts.tree
    ends = dict.fromkeys(end for one in influences for end in (one.from_, one.to))
    below = tree.graph.below(ends)
    order = [metric for metric in tree.graph.order if metric in below]
    leaves = [metric for metric in order if metric not in tree.formulas]
    history = read_history(tree, facts.history, leaves, whole=False)
    known = set(history.columns)
    for metric in order:
        if metric in tree.formulas and known.issuperset(tree.formulas[metric].references):
            known.add(metric)
    wanted = [end for end in ends if end in known]
    if not wanted:
        return {}
    plan = make_plan(tree, wanted)
    return compute_series(tree, plan, {leaf: history.columns[leaf] for leaf in plan.leaves})


def _move(first: Pair, second: Pair) -> Pair:
    """Return how far both sides moved."""
    if first[0] is None or first[1] is None or second[0] is None or second[1] is None:
        return None, None
    return second[0] / 2 - first[0] / 2, second[1] / 2 - first[1] / 2  # halves do not overflow


def _correlation(
    pairs: Sequence[Pair],
) -> tuple[float | None, int]:
    """Return the correlation of the pairs without a missing value, and how many these are.

    It is none where a side stands still.
    """
    known = [(x, y) for x, y in pairs if x is not None and y is not None]
    if len(known) < 3:
        return None, len(known)
    first, second = (_centred(side) for side in zip(*known, strict=True))
    size = sqrt(sum(x * x for x in first)) * sqrt(sum(y * y for y in second))
    both = sum(x * y for x, y in zip(first, second, strict=True))
    return (both / size if size else None), len(known)


def _centred(values: Sequence[float]) -> list[float]:
    """Return values less their mean, in a size that can be squared; 0 where they stand still."""
    largest = max(map(abs, values)) or 1.0
    scaled = [value / largest for value in values]
    mean = sum(scaled) / len(scaled)
    moved = [value - mean for value in scaled]
    return moved if max(map(abs, moved)) > _STILL else [0.0] * len(moved)


INFLUENCES: Final[tuple[type[Rule], ...]] = (ExpiredInfluence, ContradictedInfluence)
