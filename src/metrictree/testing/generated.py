"""A tree -> what contradicts its own declarations, without any test written.

Every finding comes with a test to paste: one that says that things are meant so, or one that fails
until they are repaired.
"""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from metrictree.engines.compute import Why
from metrictree.engines.scalar import node_values
from metrictree.engines.series import WhySeries
from metrictree.formula import parse
from metrictree.formula.meaning import Rule
from metrictree.formula.printer import number_text
from metrictree.lint import lint
from metrictree.lint.effects import effects_on
from metrictree.schema import TestCase
from metrictree.testing.case import Case, Kind
from metrictree.testing.domains import domain_of
from metrictree.testing.properties import corner_rows, simplest
from metrictree.testing.properties.claims import Claim, Example
from metrictree.testing.properties.sentences import Form, Sentence, read_sentence
from metrictree.testing.properties.words import shortest, told, told_periods
from metrictree.testing.values import RELATIVE
from metrictree.testing.yaml_case import yaml_case
from metrictree.units import parse_unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metrictree.diagnostics import Diagnostic, Span
    from metrictree.formula import Formula
    from metrictree.resolved import ResolvedTree
    from metrictree.testing.case import TestValue

__all__ = ["Generated", "generate"]

_RANDOM: Final = 150
"""Examples that are drawn at random."""
_EVALUATIONS: Final = 200_000
"""Formulas that are computed at most."""
_FEWEST: Final = 40
_SEED: Final = 1
_LINTED: Final = ("UNI", "IM208")
"""Rules about units, and about influences that formulas contradict."""
_UP: Final = {"up": 1, "down": -1}
_SHARE: Final = re.compile(r"(?:^|[_.])(?:share|percent|percentage|pct)$")
_LOOKS_AT_MISSING: Final = frozenset(("coalesce", "is_missing"))


@dataclass(frozen=True, slots=True)
class Generated:
    """Something that contradicts what a tree declares, or that it leaves open."""

    metric: str
    message: str
    fix: str
    test: str
    """A test in YAML, ready to paste below `tests:`."""
    span: Span | None = None
    """The formula, or the metric, in the file of the tree."""


def generate(tree: ResolvedTree) -> tuple[Generated, ...]:
    """Return what can be found without a test, the nearest to the inputs first.

    A formula that is missing for inputs inside of their ranges; a share, or a metric with a range,
    that leaves it; a choice that takes its `else` because an input is missing; directions of
    `improves`, influences and units that contradict the formulas; counts that may be negative. What
    the tests of the tree speak about is left out.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="rate",
    ...     metrics={"rate": "orders / visits", "orders": None, "visits": {"range": [0, None]}},
    ... )
    >>> for finding in generate(tree.resolved):
    ...     print(finding.message)
    ...     print(finding.test)
    rate is missing when orders is 1 and visits is 0: division by zero
      - name: rate is missing when orders is 1 and visits is 0
        given: {orders: 1, visits: 0}
        expect: {rate: missing}
    """
    spoken = _Spoken(tree)
    found = list(_values(tree, spoken))
    found += _directions(tree, spoken)
    found += _linted(tree, spoken)
    found += _negative_counts(tree, spoken)
    return tuple(found)


class _Spoken:
    """What the tests of a tree speak about: the author knows of it."""

    def __init__(self, tree: ResolvedTree) -> None:
        self.missing: set[str] = set()
        """Metrics that are said to be missing, or never missing."""
        self.values: set[str] = set()
        """Metrics whose values are bounded."""
        self.moves: set[tuple[str, str]] = set()
        """Metrics and what they are said to move with."""
        self.without: set[str] = set()
        """Metrics that are expected from something that is missing."""
        self.errors: set[str] = set()
        self.refused: set[str] = set()
        """Metrics of which a value is expected to be refused."""
        for test in tree.spec.tests:
            for part in (test, *(test.cases or ())):
                given, expect = {**(test.given or {}), **(part.given or {})}, part.expect or {}
                self.missing |= {name for name, value in expect.items() if _is_missing(value)}
                if any(_is_missing(value) for value in (*given.values(), *_all(test.matrix))):
                    self.without |= {*expect, *(test.expect or {})}
                if part.error is not None:
                    self.errors.add(part.error)
                    self.refused |= {*given}
            for row in test.expect_rows or ():
                self.missing |= {name for name, value in row.items() if _is_missing(value)}
            if test.property is not None:
                sentence, _ = read_sentence(test.property, tree, given=test.given or ())
                if sentence is not None:
                    self._sentence(sentence)

    def _sentence(self, sentence: Sentence) -> None:
        subjects = {name for subject in sentence.subjects for name in subject.references}
        if sentence.form is Form.THERE:
            self.missing |= subjects
        elif sentence.driver is not None:
            self.moves |= {(subject, sentence.driver) for subject in subjects}
        else:
            self.values |= subjects | {
                name for other in sentence.others for name in other.references
            }


def _is_missing(value: Any) -> bool:
    return "missing" in value if isinstance(value, tuple) else value == "missing"


def _all(matrix: Mapping[str, tuple[Any, ...]] | None) -> list[Any]:
    return [value for values in (matrix or {}).values() for value in values]


# --- values: missing, and out of their range


class _Ends(NamedTuple):
    low: float | None
    high: float | None
    declared: bool


class _Problem(NamedTuple):
    """What is wrong with a value; two of one cause are equal."""

    kind: str
    rule: Rule | None = None
    operands: tuple[str, ...] = ()


class _Values:
    """The values of some formulas, each judged only where all below it are as they should be."""

    def __init__(self, tree: ResolvedTree, claim: Claim) -> None:
        self.tree = tree
        self.claim = claim
        self.formulas = {metric: tree.formulas[metric] for metric in claim.order}
        self.ends = {metric: _ends(tree, metric, claim) for metric in claim.order}
        self.shares = {
            metric: _quotients(formula)
            for metric, formula in self.formulas.items()
            if (ends := self.ends[metric]) is not None and ends.high is not None and ends.high <= 1
        }

    def problems(self, values: Mapping[str, TestValue]) -> Iterator[tuple[str, _Problem]]:
        """Yield the metrics with a problem of their own."""
        claim = self.claim
        known = claim.known(values)
        late: dict[str, Any] = known
        if claim.periods:
            late = {name: value[-1] for name, value in known.items()}
        spoiled = {name for name in values if late[name] is None}
        for metric, formula in self.formulas.items():
            if not spoiled.isdisjoint(formula.references):
                spoiled.add(metric)
                without = self._without(metric, late)
                if without is not None:
                    yield metric, without
                continue
            problem = self._problem(metric, known, late)
            if problem is not None:
                spoiled.add(metric)
                if problem.kind != "impossible":
                    yield metric, problem

    def _problem(
        self, metric: str, known: Mapping[str, Any], late: Mapping[str, Any]
    ) -> _Problem | None:
        value = late[metric]
        if any(late[part] > late[of] >= 0 for part, of in self.shares.get(metric, ())):
            return _Problem("impossible")  # what a share divides by is the whole
        if value is None:
            why: Any = (
                WhySeries(self.formulas, known, self.claim.periods)(metric, self.claim.periods - 1)
                if self.claim.periods
                else Why(self.formulas, known)(metric)
            )
            if why.metric != metric or why.rule in (Rule.OVERFLOW, Rule.NULL):
                return _Problem("impossible")
            return _Problem("missing", why.rule, tuple(why.operands))
        ends = self.ends[metric]
        if ends is None:
            return None
        slack = RELATIVE * max(abs(value), 1.0)
        if ends.low is not None and value < ends.low - slack:
            return _Problem("low")
        if ends.high is not None and value > ends.high + slack:
            return _Problem("high")
        return None

    def _without(self, metric: str, late: Mapping[str, Any]) -> _Problem | None:
        """Return the problem of a choice that has a value because its condition is missing."""
        formula = self.formulas[metric]
        calls = {node.value for node in formula.nodes if node.op == "call"}
        if late[metric] is None or self.claim.periods or not calls.isdisjoint(_LOOKS_AT_MISSING):
            return None
        made = node_values(formula, late)
        for node in formula.nodes:
            if node.op == "if" and made[node.args[0]] is None:
                return _Problem("without")
        return None


def _ends(tree: ResolvedTree, metric: str, claim: Claim) -> _Ends | None:
    """Return where the values of a formula should lie, as far as its inputs can tell."""
    body = tree.metrics[metric]
    if body.range is not None:
        low, high = body.range
        leaves = tree.graph.below([metric]) & claim.free.keys()
        if not all(_is_bounded(tree, leaf) for leaf in leaves):
            # What has no ends itself can lead anywhere: only 0 and 1 are told by arithmetic.
            low = low if low in (0, None) else None
            high = high if high in (0, 1, None) else None
        return _Ends(low, high, declared=True)
    named = body.unit is None and _SHARE.search(metric) is not None
    if not named and (body.unit is None or not parse_unit(body.unit).is_ratio):
        return None
    formula = tree.formulas[metric]
    root = formula.root
    grows = root.op == "call" and root.value in ("growth", "change")
    less_one = root.op == "-" and formula.nodes[root.args[1]][:3] == ("number", (), 1.0)
    return None if grows or less_one else _Ends(0.0, 1.0, declared=False)


def _is_bounded(tree: ResolvedTree, leaf: str) -> bool:
    low, high = tree.metrics[leaf].range or (None, None)
    domain = domain_of(tree.metrics[leaf])
    return (low is not None and high is not None) or (domain.low, domain.high) == (0, 1)


def _quotients(formula: Formula) -> tuple[tuple[str, str], ...]:
    """Return the pairs of metrics of which a formula divides one by the other."""
    nodes = formula.nodes
    return tuple(
        (nodes[node.args[0]].value, nodes[node.args[1]].value)
        for node in nodes
        if node.op == "/" and all(nodes[arg].op == "ref" for arg in node.args)
    )


def _values(tree: ResolvedTree, spoken: _Spoken) -> Iterator[Generated]:
    order = [metric for metric in tree.graph.order if metric in tree.formulas]
    if not order:
        return
    whole = _Values(tree, _claim(tree, order))
    found: dict[tuple[str, _Problem], Mapping[str, TestValue]] = {}
    for row in _rows(whole.claim):
        for metric, problem in whole.problems(row):
            found.setdefault((metric, problem), row)
    rank = {metric: number for number, metric in enumerate(order)}
    for (metric, problem), row in sorted(found.items(), key=lambda item: rank[item[0][0]]):
        known_of = {"missing": spoken.missing, "without": spoken.without}
        if metric not in known_of.get(problem.kind, spoken.values):
            yield _told(tree, metric, problem, row)


def _claim(tree: ResolvedTree, metrics: list[str]) -> Claim:
    """Return what computes metrics from all that they need."""
    sentence = Sentence(Form.THERE, tuple(parse(metric) for metric in metrics), ())
    case = Case("", Kind.PROPERTY, TestCase(name="generated"), ("tests",), None)
    return Claim(tree, case, sentence)


def _rows(claim: Claim) -> Iterator[Mapping[str, TestValue]]:
    """Yield values of the inputs: at corners, at random, and with one of them missing."""
    constants = claim.constants
    corners = {name: domain.corners(constants) for name, domain in claim.free.items()}
    typical = {name: domain.typical(at) for at, (name, domain) in enumerate(claim.free.items())}
    most = max(_EVALUATIONS // len(claim.order) // max(claim.periods, 1), _FEWEST)
    without = [
        {name: claim.constant(value) for name, value in {**typical, missing: None}.items()}
        for missing in typical
    ]
    chance = random.Random(_SEED)  # noqa: S311 - the same examples each time, no secret

    def drawn(name: str) -> float:
        if chance.random() < 0.5:
            return chance.choice(corners[name])
        return claim.free[name].typical(chance.randrange(8))

    def at_random() -> dict[str, TestValue]:
        if not claim.periods:
            return {name: drawn(name) for name in claim.free}
        return {name: tuple(drawn(name) for _ in range(claim.periods)) for name in claim.free}

    yield from itertools.islice(
        itertools.chain(corner_rows(claim, corners), (at_random() for _ in range(_RANDOM))), most
    )
    yield from itertools.islice(without, most)


def _told(
    tree: ResolvedTree, metric: str, problem: _Problem, row: Mapping[str, TestValue]
) -> Generated:
    """Return a finding, with the simplest example that shows it."""
    claim = _claim(tree, [metric])
    here = _Values(tree, claim)

    def shows(example: Example) -> bool:
        return (metric, problem) in set(here.problems(example.values))

    example = Example({name: value for name, value in row.items() if name in claim.free})
    example = simplest(claim, claim.fitted(example, {}), shows)
    known = claim.known(example.values)
    value = claim.last(known[metric])
    nearest = {name: known[name] for name in tree.formulas[metric].references}
    if problem.kind in ("missing", "without") and len(nearest) < len(example.values):
        example = Example(nearest)
    listed = [f"{name} is {told_periods(value)}" for name, value in example.values.items()]
    inputs = " and ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)
    span = tree.places.span(("metrics", metric, "formula"))
    span = span or tree.places.span(("metrics", metric), key=True)
    if problem.kind in ("missing", "without"):
        name = f"{metric} is {told(value)} when {inputs}"
        given = {name: shortest(value) for name, value in example.values.items()}
        test = yaml_case({"name": name, "given": given, "expect": {metric: known[metric]}})
        if problem.kind == "missing":
            assert problem.rule is not None
            message = f"{name}: {problem.rule.value}"
            return Generated(metric, message, _missing_fix(tree, metric, problem), test, span)
        message = f"{name}: a condition that is missing takes `else`, as if it were known"
        fix = "handle it with `is_missing(...)` or coalesce(), or keep the test if it is meant so"
        return Generated(metric, message, fix, test, span)
    ends = here.ends[metric]
    assert ends is not None
    ends_told = [number_text(end) if end is not None else "any" for end in ends[:2]]
    limits = f"[{', '.join(ends_told)}]"
    if ends.declared:
        message = f"{metric} is {told(value)}, outside of its range {limits}, when {inputs}"
        fix = "correct the formula, widen its `range`, or narrow the ranges of its inputs; if only "
        fix += "some inputs go together, keep the test, with `when` and what holds for them"
    else:
        unit = tree.metrics[metric].unit
        called = f"has the unit {unit}" if unit is not None else "is named as a share"
        message = f"{metric} {called}, and is {told(value)} when {inputs}"
        fix = "correct the formula; or declare how far it goes, such as `range: [0, null]`, or "
        fix += "`range: [null, null]` if it may be negative"
    return Generated(metric, message, fix, _range_test(metric, ends), span)


def _range_test(metric: str, ends: _Ends) -> str:
    low, high = (None if end is None else number_text(end) for end in ends[:2])
    claim = f"is at least {low}" if high is None else f"is at most {high}"
    if low is not None and high is not None:
        claim = f"is between {low} and {high}"
    return yaml_case({"name": f"{metric} stays in its range", "property": f"{metric} {claim}"})


def _missing_fix(tree: ResolvedTree, metric: str, problem: _Problem) -> str:
    advice = "keep the test if that is right"
    if problem.rule is not Rule.ZERO_DIVISION:
        return f"{advice}; else narrow the `range` of an input, or handle the case in the formula"
    formula = tree.formulas[metric]
    for left, right in _quotients(formula):
        if set(problem.operands) == {left, right}:
            instead = f"safe_div({left}, {right}, 0)"
            return f"{advice}; else write {instead}, or a `range` of {right} without 0"
    return f"{advice}; else give what it divides by a `range` without 0, or handle the case"


# --- directions


def _directions(tree: ResolvedTree, spoken: _Spoken) -> Iterator[Generated]:
    """Yield metrics that improve one way and push all that is made of them the other way."""
    aims = {name: _UP[body.improves] for name, body in tree.metrics.items() if body.improves}
    signs: dict[tuple[str, str], int | None] = {}
    users: dict[str, list[str]] = {}
    between: dict[str, list[str]] = {}
    for above in tree.formulas:
        if above not in aims:
            continue
        between[above], reached = _nearest(tree, above, aims)
        effects = effects_on(tree, above) if reached else None
        for below in reached:
            users.setdefault(below, []).append(above)
            signs[below, above] = effects.signs.get(below) if effects is not None else None
    for below in filter(users.__contains__, aims):
        aim = aims[below]
        against = [one for one in users[below] if signs[below, one] == -aim * aims[one]]
        if len(against) < len(users[below]) or (against[0], below) in spoken.moves:
            continue
        above = against[0]
        through = (above, *between[above])
        counted = any(_is_counted_by(tree, one, below) for one in through)
        if tree.metrics[below].role == "guardrail" or counted:
            continue
        good, moves = ("more", "rises") if aim > 0 else ("less", "falls")
        better, worsens = ("more", "falls") if aims[above] > 0 else ("less", "rises")
        verb = Form.INCREASES if aim == aims[above] else Form.DECREASES
        yield Generated(
            above,
            f"{good} of {below} is said to be good, and {better} of {above}; but {above} {worsens} "
            f"when {below} {moves}",
            "correct the formula, or one of the two `improves`",
            yaml_case(
                {
                    "name": f"a better {below} makes a better {above}",
                    "property": f"{above} {verb.value} {below}",
                }
            ),
            tree.places.span(("metrics", above, "formula"))
            or tree.places.span(("metrics", above), key=True),
        )


def _nearest(
    tree: ResolvedTree, above: str, aims: Mapping[str, int]
) -> tuple[list[str], list[str]]:
    """Return the formulas below a metric down to the first that improve, and these themselves."""
    between, reached = [], []
    waiting = list(tree.formulas[above].references)
    seen = {*waiting}
    for metric in waiting:  # which grows
        if metric in aims:
            reached.append(metric)
        elif metric in tree.formulas:
            between.append(metric)
            new = [name for name in tree.formulas[metric].references if name not in seen]
            seen |= {*new}
            waiting += new
    return between, reached


def _is_counted_by(tree: ResolvedTree, above: str, below: str) -> bool:
    """Whether a metric is an average over another one, which grows by itself and dilutes it."""
    formula = tree.formulas[above]
    divisors = [formula.nodes[node.args[1]] for node in formula.nodes if node.op == "/"]
    made_of = {
        node.value
        for node in formula.nodes
        if node.op == "ref" and any(one.start <= node.start < one.end for one in divisors)
    }
    divides = below in tree.graph.below(made_of)
    unit = tree.metrics[below].unit
    body = tree.metrics[below]
    share = (unit is not None and parse_unit(unit).is_ratio) or body.range == (0.0, 1.0)
    return divides and not share


# --- what rules find, and counts that may be negative


def _linted(tree: ResolvedTree, spoken: _Spoken) -> Iterator[Generated]:
    for finding in lint(tree, select=_LINTED):
        if finding.code not in spoken.errors:
            yield _of_rule(tree, finding)


def _of_rule(tree: ResolvedTree, finding: Diagnostic) -> Generated:
    metric = finding.metric or tree.north_star
    code = finding.code
    name = f"the units of {metric} do not agree ({code})"
    if code == "IM208":
        name = f"an influence on {metric} contradicts its formula"
    return Generated(
        metric,
        f"{finding.message} ({code})",
        f"{finding.fix}; keep the test only if it is meant so",
        yaml_case({"name": name, "error": code}),
        finding.span,
    )


def _negative_counts(tree: ResolvedTree, spoken: _Spoken) -> Iterator[Generated]:
    """Yield inputs that count things and of which a negative number would be computed."""
    open_counts = [
        name
        for name, body in tree.metrics.items()
        if name not in tree.formulas
        and body.measure is None
        and body.value is None
        and body.range is None
        and domain_of(body).whole
        and name not in spoken.refused
    ]
    if not open_counts:
        return
    first, *others = open_counts
    also = f"; so do {', '.join(others)}" if others else ""
    yield Generated(
        first,
        f"{first} counts things ({tree.metrics[first].unit}) and takes negative numbers{also}",
        f"declare `range: [0, null]`{' on each' if others else ''}, so that a negative number is "
        "refused",
        yaml_case({"name": f"no negative {first}", "given": {first: -1}, "error": "VAL106"}),
        tree.places.span(("metrics", first), key=True),
    )
