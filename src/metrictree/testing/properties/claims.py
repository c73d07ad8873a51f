"""What a sentence claims, judged at one example by the reference engine."""

from __future__ import annotations

from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from metrictree.engines.gradient import Tape
from metrictree.engines.scalar import evaluate
from metrictree.engines.series import evaluate_series
from metrictree.testing.domains import Domain, domain_of
from metrictree.testing.evaluation import Evaluation, SeriesEvaluation, order_below
from metrictree.testing.properties.sentences import Form, Sentence, below
from metrictree.testing.values import ABSOLUTE, RELATIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from metrictree.formula import Formula
    from metrictree.resolved import ResolvedTree
    from metrictree.schema import Tolerance
    from metrictree.testing.case import Case, TestValue

__all__ = ["Claim", "Example", "Verdict"]

_FEWEST: Final = 3
"""Periods of which a running sum is looked at."""
_CONSTANTS: Final = 20
"""Numbers of formulas next to which inputs are tried at most."""


class Example(NamedTuple):
    """One try: a value of each metric that is free, and another one of the driver if there is."""

    values: Mapping[str, TestValue]
    moved: TestValue = None


class Verdict(Enum):
    """What an example says of a claim."""

    ELSEWHERE = "the condition is not met"
    SILENT = "a value is missing"
    STILL = "it holds, and nothing moves"
    HOLDS = "it holds"
    BROKEN = "it does not hold"


class Claim:
    """A sentence about one tree, with what a case gives."""

    def __init__(self, tree: ResolvedTree, case: Case, sentence: Sentence) -> None:
        self.tree = tree
        self.case = case
        self.sentence = sentence
        self.driver = sentence.driver
        names = dict.fromkeys(name for part in sentence.parts for name in part.references)
        cut = {**case.given, **({self.driver: None} if self.driver else {})}
        self.order, leaves = order_below(tree.formulas, names, cut)
        free = [leaf for leaf in leaves if tree.metrics[leaf].value is None]
        if self.driver is not None:
            free.append(self.driver)
        self.free: dict[str, Domain] = {one: domain_of(tree.metrics[one]) for one in free}
        """What is tried, the driver last."""
        self.reaches = self.driver in below(tree, sentence.subjects[0].references, case.given)
        """Whether the driver can move anything at all."""
        self.may_miss = _asked_missing(sentence)
        lengths = [len(value) for value in case.given.values() if isinstance(value, tuple)]
        self.periods = lengths[0] if lengths else self._periods(names)
        """How many there are in each example; 0 for single numbers."""
        evaluation = (
            SeriesEvaluation(tree, case.given, self.periods)
            if self.periods
            else Evaluation(tree, case.given)
        )
        constants = {
            leaf: (constant + 0.0,) * self.periods if self.periods else constant + 0.0
            for leaf in leaves
            if (constant := tree.metrics[leaf].value) is not None
        }
        self.fixed: dict[str, TestValue] = {**constants, **evaluation.known}
        self.relative, self.absolute = _tolerance(case.tolerance)

    def _periods(self, names: Mapping[str, None]) -> int:
        """Return how many periods show what looks back furthest, 0 if nothing looks back."""
        parts = self.sentence.parts
        if not self.sentence.over_time and self.tree.overtime.keys().isdisjoint(self.order):
            return 0
        formulas = {metric: self.tree.formulas[metric] for metric in self.order}
        roots = {f" {number}": part for number, part in enumerate(parts)}  # no metric's id
        used = {name for one in (*formulas.values(), *parts) for name in one.references}
        leaves = [name for name in (*names, *sorted(used)) if name not in formulas]
        looks = [Tape(root, leaves, {**formulas, root: part}) for root, part in roots.items()]
        running = any(tape.cumulative for tape in looks)
        return max([tape.look_back + 1 for tape in looks] + [_FEWEST if running else 2])

    @property
    def constants(self) -> tuple[float, ...]:
        """The numbers that stand in formulas, or are given: something may change there."""
        formulas = [self.tree.formulas[metric] for metric in self.order]
        found = {
            float(node.value)
            for formula in (*formulas, *self.sentence.parts)
            for node in formula.nodes
            if node.op == "number"
        }
        found |= {one for one in self.case.given.values() if isinstance(one, float)}
        return tuple(sorted(found, key=lambda one: (abs(one) > 1e6, one)))[:_CONSTANTS]

    # --- values

    def known(self, values: Mapping[str, TestValue]) -> dict[str, Any]:
        """Return the values of all metrics that it needs."""
        known: dict[str, Any] = {**self.fixed, **values}
        formulas, periods = self.tree.formulas, self.periods
        if periods:
            for metric in self.order:
                known[metric] = tuple(evaluate_series(formulas[metric], known, periods))
        else:
            for metric in self.order:
                known[metric] = evaluate(formulas[metric], known)
        return known

    def value_of(self, formula: Formula, known: Mapping[str, Any]) -> float | None:
        """Return the value of a part; in the last period, if there are any."""
        if formula.root.op == "ref":
            value = known[formula.root.value]
            return value[-1] if self.periods else value  # type: ignore[no-any-return]
        if self.periods:
            return evaluate_series(formula, known, self.periods)[-1]
        return evaluate(formula, known)

    def subject_value(self, known: Mapping[str, Any]) -> float | None:
        """Return the value of what it speaks about: of a sum, all together."""
        return self._together(partial(self.value_of, known=known))

    def _together(self, value_of: Callable[[Formula], float | None]) -> float | None:
        values = [value_of(part) for part in self.sentence.subjects]
        return None if None in values else sum(value for value in values if value is not None)

    # --- the verdict

    def judge(self, example: Example) -> Verdict:
        """Return what an example says."""
        known = self.known(example.values)
        return self.judge_values(
            example,
            partial(self.value_of, known=known),
            lambda: partial(self.value_of, known=self.known(self.moved(example))),
        )

    def judge_values(
        self,
        example: Example,
        value_of: Callable[[Formula], float | None],
        moved: Callable[[], Callable[[Formula], float | None]],
    ) -> Verdict:
        """Return what an example says with these values of the parts of its sentence.

        ``moved`` has those after the driver has moved.
        """
        condition = self.sentence.condition
        if condition is not None and value_of(condition) != 1:
            return Verdict.ELSEWHERE
        value = self._together(value_of)
        if self.driver is not None:
            after = moved()
            if condition is not None and after(condition) != 1:
                return Verdict.ELSEWHERE
            return self._judge_move(example, value, self._together(after))
        form = self.sentence.form
        if form is Form.THERE:
            return Verdict.BROKEN if value is None else Verdict.HOLDS
        others = [value_of(other) for other in self.sentence.others]
        if value is None or None in others:
            return Verdict.SILENT
        ends = [other for other in others if other is not None]
        low = ends[0] if form is not Form.AT_MOST else None
        high = ends[-1] if form is not Form.AT_LEAST else None
        below = low is not None and self.is_less(value, low)
        above = high is not None and self.is_less(high, value)
        return Verdict.BROKEN if below or above else Verdict.HOLDS

    def is_against(self, example: Example) -> bool:
        """Whether the claim does not hold there."""
        return self.judge(example) is Verdict.BROKEN

    def _judge_move(self, example: Example, first: float | None, second: float | None) -> Verdict:
        form = self.sentence.form
        if form is Form.INDEPENDENT:
            if first is None or second is None:
                return Verdict.HOLDS if first is second else Verdict.BROKEN
            return Verdict.HOLDS if self._same(first, second) else Verdict.BROKEN
        if first is None or second is None:
            return Verdict.SILENT
        if form is Form.PROPORTIONAL:
            before = self.last(example.values[self.driver or ""])
            behind = self.last(example.moved)
            if not before or behind is None:
                return Verdict.SILENT
            if not self._same(second, first * (behind / before)):
                return Verdict.BROKEN
            return Verdict.STILL if first == second else Verdict.HOLDS
        if form is Form.DECREASES:
            first, second = second, first
        if self.is_less(second, first):
            return Verdict.BROKEN
        return Verdict.HOLDS if self.is_less(first, second) else Verdict.STILL

    def last(self, value: TestValue) -> float | None:
        """Return a value in the last period, if there are any."""
        return value[-1] if isinstance(value, tuple) else value

    def moved(self, example: Example) -> dict[str, TestValue]:
        """Return the values of an example after the driver has moved."""
        assert self.driver is not None
        return {**example.values, self.driver: example.moved}

    def constant(self, value: float | None) -> TestValue:
        """Return a value as examples have it: the same in each period, if there are any."""
        return (value,) * self.periods if self.periods else value

    def fitted(self, example: Example, ordinary: Mapping[str, TestValue]) -> Example:
        """Return an example of another tree, which may look at more periods, or at fewer."""
        values = {name: self._fitted(value) for name, value in example.values.items()}
        moved = self._fitted(example.moved)
        if self.sentence.form in (Form.INCREASES, Form.DECREASES) and isinstance(moved, tuple):
            before = values[self.driver or ""]
            assert isinstance(before, tuple)
            moved = (*before[:-1], moved[-1])
        return Example({**ordinary, **values}, moved)

    def _fitted(self, value: TestValue) -> TestValue:
        """Return a value of the last periods; what is before the first one is as that one."""
        if not isinstance(value, tuple):
            return self.constant(value)
        if not self.periods:
            return value[-1]
        return (value[0],) * (self.periods - len(value)) + value[-self.periods :]

    def example(self, values: Mapping[str, TestValue], to: float | None) -> Example | None:
        """Return an example in which the driver moves, or ``None`` if it would not or cannot.

        ``to`` is where it goes, in proportion how many times as much it becomes. Over time it goes
        there in the last period; in proportion, and where nothing may follow it, in each one.
        """
        if self.driver is None:
            return Example(values)
        before = values[self.driver]
        assert to is not None
        moved: TestValue
        form, domain = self.sentence.form, self.free[self.driver]
        if form is Form.PROPORTIONAL:
            several = before if isinstance(before, tuple) else (before,)
            times = [None if one is None else one * to for one in several]
            if any(not one or one not in domain for one in times):
                return None
            moved = tuple(times) if self.periods else times[0]
        elif not isinstance(before, tuple):
            moved = to
        elif form is Form.INDEPENDENT:
            moved = (to,) * self.periods
        else:
            moved = (*before[:-1], to)
        first, second = self.last(before), self.last(moved)
        if first is None or second is None or first == second:
            return None
        if first not in domain or second not in domain:
            return None
        if first > second and form in (Form.INCREASES, Form.DECREASES):
            values = {**values, self.driver: moved}
            moved = before
        return Example(values, moved)

    def is_less(self, a: float, b: float) -> bool:
        """Whether a number is less than another one by more than the tolerance."""
        return a < b and not self._same(a, b)

    def _same(self, a: float, b: float) -> bool:
        return abs(a - b) <= max(self.relative * max(abs(a), abs(b)), self.absolute)


def _tolerance(tolerance: Tolerance | None) -> tuple[float, float]:
    if tolerance is None:
        return RELATIVE, ABSOLUTE
    return tolerance.relative or 0.0, tolerance.absolute or 0.0


def _asked_missing(sentence: Sentence) -> frozenset[str]:
    """Return the metrics of which the condition asks whether they are missing."""
    condition = sentence.condition
    if condition is None:
        return frozenset()
    return frozenset(
        condition.nodes[node.args[0]].value
        for node in condition.nodes
        if node.op == "call"
        and node.value == "is_missing"
        and condition.nodes[node.args[0]].op == "ref"
    )
