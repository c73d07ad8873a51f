"""Small changes of one formula with which tests pass that failed: the mutants, used the other way.

Only formulas that the failed test computes are changed, and only so many, so that it takes
milliseconds.
"""

from __future__ import annotations

import itertools
from collections import ChainMap, Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from metrictree.diagnostics import shown
from metrictree.errors import MetricTreeError
from metrictree.formula import Formula, parse
from metrictree.formula.meaning import Rule
from metrictree.formula.printer import number_text
from metrictree.testing.case import Kind, Status
from metrictree.testing.evaluation import order_below
from metrictree.testing.hints import SHARES
from metrictree.testing.rows import run_rows
from metrictree.testing.rows.checks import text_meant
from metrictree.testing.values import evaluation_of, is_near, unused, unused_hint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metrictree.resolved import ResolvedTree
    from metrictree.testing.case import Case, Failure, Outcome, TestValue
    from metrictree.testing.mutation.mutants import Mutant
    from metrictree.unit_inference import InferredUnits

__all__ = ["Repairs", "with_repairs"]

_REPAIRED: Final = 10
"""Failed tests that get a repair at most."""
_TRIED: Final = 200
"""Changes that are tried for one of them."""
_OTHERS: Final = 100
"""Other tests that have a say in which change is right."""
_REPAIRED_ROWS: Final = 3
_TRIED_ROWS: Final = 40
"""Of tests of rows: how many get a repair, and how many changes are tried for one of them."""
_OTHER_ROWS: Final = 4
"""Tests of rows that have a say in which change is right."""
_CHECKED: Final = 12
"""Changes of which the units are checked, and the tests of rows."""
_LARGE: Final = 2_000
"""Metrics of a tree of which the units are inferred only a few times."""
_GIVEN: Final = 20
"""Metrics that are tried in place of those that a formula names."""
_VALUES: Final = 100_000
"""Values that are computed for one of them: fewer changes and tests of large trees."""
_LIKELY: Final = ("operator", "operands", "comparison", "branches", "function")
"""Kinds of changes that are mistakes rather than another opinion, the likeliest first."""
_FORMULA: Final = 120
"""Characters of a formula that a sentence quotes."""


def with_repairs(tree: ResolvedTree, outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Return outcomes, failed ones with a change of one formula that makes them pass.

    A change with which another test fails that has passed is none.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="rate",
    ...     metrics={"rate": "orders * visits", "orders": None, "visits": None},
    ...     tests=[{"name": "a", "given": {"orders": 1, "visits": 4}, "expect": {"rate": 0.25}}],
    ... )
    >>> with_repairs(tree.resolved, tree.test())[0].failures[0].fix
    'this test passes if `orders * visits` of rate is `orders / visits`'
    """
    repairs = Repairs(tree, [outcome.case for outcome in outcomes])
    return tuple(repairs.of(outcome) for outcome in outcomes)


class Repairs:
    """Looks for repairs of the first tests of a tree that fail; ``cases`` are all its tests."""

    def __init__(self, tree: ResolvedTree, cases: Sequence[Case]) -> None:
        self.tree = tree
        self.cases = [case for case in cases if _is_quick(case)]
        self.rows = [case for case in cases if case.kind is Kind.ROWS and case.skip is None]
        self.tried = 0
        self.tried_rows = 0
        self._more_faults: dict[tuple[str, str, str], int | None] = {}
        self._known: tuple[InferredUnits, Counter[tuple[str, str]]] | None = None

    def of(self, outcome: Outcome) -> Outcome:
        """Return an outcome, with what repairs it if it failed and one change does."""
        case = outcome.case
        if case.skip is not None or outcome.status not in (Status.FAILED, Status.BROKEN):
            return outcome
        if case.kind is Kind.ROWS:
            if outcome.status is Status.BROKEN or self.tried_rows >= _REPAIRED_ROWS:
                return outcome
            self.tried_rows += 1
            return self._of_rows(outcome)
        if not _is_quick(case):
            return outcome
        fix = self._fix(outcome)
        if fix is None:
            return outcome
        if outcome.status is Status.BROKEN:
            problem, *others = outcome.problems
            return replace(outcome, problems=(replace(problem, fix=fix), *others))
        first, *rest = outcome.failures
        return replace(outcome, failures=(replace(first, fix=fix), *rest))

    def _fix(self, outcome: Outcome) -> str | None:
        """Return what to do about a failed test of values, the likeliest alone."""
        case, broken = outcome.case, outcome.status is Status.BROKEN
        if broken:
            absent = all(found.code == "VAL103" for found in outcome.problems)
            return self._one_change(outcome) if absent else None
        percent = _percent_meant(self.tree, case)
        if percent is not None:
            return percent
        first = outcome.failures[0]
        if _is_missing_here(first):
            return None  # what makes it missing is told, and anything else is a coincidence
        fix = self._one_change(outcome)
        if fix is not None or first.fix is not None:
            return fix
        return unused_hint(self.tree, case) or self._contradiction(outcome)

    def _contradiction(self, outcome: Outcome) -> str | None:
        """Return the first contradiction of units in a formula that a test computes."""
        steps = [step for failure in outcome.failures for step in failure.steps]
        computed = {step.metric: step for step in steps if step.origin == "computed"}
        for fault in self._known_units()[0].faults if self.tried <= _REPAIRED else ():
            if fault.metric in computed:
                step = computed[fault.metric]
                place = f" ({step.span})" if step.span is not None else ""
                return f"check {step.metric}{place}, {fault.code}: {fault.message}"
        return None

    def _one_change(self, outcome: Outcome) -> str | None:
        """Return in words what makes a test pass, if one small change does."""
        if self.tried >= _REPAIRED:
            return None
        self.tried += 1
        tree = self.tree
        others = itertools.islice((one for one in self.cases if one is not outcome.case), _OTHERS)
        passed: list[Case] = []
        failed: list[Case] = []
        cost, all_others = _cost(tree, outcome.case), 0
        for case in others:
            all_others += _cost(tree, case)
            if all_others > _VALUES // 10:
                break
            (passed if _passes(tree, case) else failed).append(case)
        left = _VALUES
        ways: list[_Way] = []
        mutants = itertools.chain(_renamed(tree, outcome.case), _mutants(tree, outcome))
        for mutant in itertools.islice(mutants, min(_TRIED, _VALUES // cost)):
            changed = _changed(tree, mutant)
            if not _passes(changed, outcome.case):
                continue
            left -= all_others
            if left < 0:
                break
            if all(_passes(changed, case) for case in passed):
                more = sum(_passes(changed, case) for case in failed)
                ways.append(_Way(more, 0, -_rank(mutant), mutant))
        return self._told(ways, outcome.case)

    def _of_rows(self, outcome: Outcome) -> Outcome:
        """Return a failed test of rows with what repairs it, or single metrics of it."""
        from metrictree.testing.mutation.mutants import tree_with

        tree, case = self.tree, outcome.case
        meant = text_meant(tree, case.test)
        if meant is not None:  # what repairs a formula for a slip in the rows is a coincidence
            first, *rest = outcome.failures
            return replace(outcome, failures=(replace(first, fix=meant), *rest))
        ways: list[_Way] = []
        parts: dict[str, list[_Way]] = {}
        messages = {failure.message for failure in outcome.failures}
        causes = [str(failure.metric) for failure in outcome.failures if not failure.follows]
        for mutant in itertools.islice(_mutants_of_rows(tree, outcome), _TRIED_ROWS):
            changed = _run(tree_with(tree, mutant), case)
            way = _Way(0, 0, -_rank(mutant), mutant)
            if changed is None:
                continue
            left = [failure for failure in changed.failures if not failure.follows]
            still = {failure.metric for failure in left}
            gone = [one for one in causes if one not in still]
            if changed.status is Status.PASSED:
                ways.append(way)
            elif gone and messages.issuperset(failure.message for failure in left):
                parts.setdefault(gone[0], []).append(way)
        failures = list(outcome.failures)
        told = self._told(ways, case)
        if told is not None:
            failures[0] = replace(failures[0], fix=told)
            return replace(outcome, failures=tuple(failures))
        metrics = [failure.metric for failure in failures]
        for metric, found in parts.items():
            told = (
                self._told(found, case, f"{metric} is as expected") if metric in metrics else None
            )
            if told is not None:
                number = metrics.index(metric)
                failures[number] = replace(failures[number], fix=told)
        return replace(outcome, failures=tuple(failures))

    def _told(self, ways: list[_Way], case: Case, what: str = "this test passes") -> str | None:
        """Return the best way in words, if one is no coincidence."""
        ways.sort(key=lambda way: way[:3], reverse=True)
        sound = []
        few = len(self.tree.metrics) > _LARGE
        for way in ways[: 2 if few else _CHECKED]:
            key = way.mutant.metric, way.mutant.part, way.mutant.after
            if key not in self._more_faults:
                self._more_faults[key] = self._new_faults(way.mutant)
            more_faults = self._more_faults[key]
            if more_faults is not None and self._others_agree(way.mutant, case):
                sound.append(way._replace(fewer=-more_faults))
        if not sound:
            return None
        best = max(sound, key=lambda way: way[:3])
        several = sum(way[:3] == best[:3] for way in sound) > 1
        mutant = best.mutant
        tests = what if not best.more else f"this test and {best.more:,} more pass"
        path = ("formula",) if mutant.part == "formula" else ("measure", mutant.part)
        span = self.tree.places.span(("metrics", mutant.metric, *path))
        place = f" ({span})" if span is not None else f" of {mutant.metric}"
        before, after = (f"`{shown(text, _FORMULA)}`" for text in (mutant.before, mutant.after))
        one = ", for one," if several else ""
        if not mutant.after:
            return f"{tests}{one} without the `where` {before}{place}"
        return f"{tests}{one} if {before}{place} is {after}"

    def _new_faults(self, mutant: Mutant) -> int | None:
        """Return how many contradictions of units a change adds; ``None`` if it is unsound."""
        from metrictree.testing.mutation.mutants import tree_with
        from metrictree.unit_inference import infer_units

        if mutant.part != "formula":
            return 0
        tree, metric = self.tree, mutant.metric
        formula = mutant.formula
        if formula is None or (formula.root.op == "ref" and tree.formulas[metric].root.op != "ref"):
            return None  # another name for a metric defines nothing
        units, before = self._known_units()
        changed = infer_units(tree_with(tree, mutant))
        after = _counted(changed)
        if after - before:
            return None
        one, other = units.inferred[metric], changed.inferred[metric]
        was_sound = all(name != metric for _, name in before)
        if was_sound and one is not None and other is not None and one != other:
            return None
        return after.total() - before.total()

    def _known_units(self) -> tuple[InferredUnits, Counter[tuple[str, str]]]:
        """Return the units of the tree, and its contradictions by code and metric."""
        from metrictree.unit_inference import infer_units

        if self._known is None:
            units = infer_units(self.tree)
            self._known = units, _counted(units)
        return self._known

    def _others_agree(self, mutant: Mutant, case: Case) -> bool:
        """Return whether tests that pass still do so with a change; tests of values, for rows."""
        from metrictree.testing.mutation.mutants import tree_with

        tree, checked = self.tree, 0
        if case.kind is Kind.ROWS and mutant.part == "formula":
            changed = _changed(tree, mutant)
            few = [one for one in self.cases[:_OTHERS] if _cost(tree, one) < _VALUES // _OTHERS]
            if any(_passes(tree, one) and not _passes(changed, one) for one in few):
                return False
        for other in self.rows:
            if other is case or checked >= _OTHER_ROWS:
                continue
            if mutant.metric not in tree.graph.below(_expected(tree, other)):
                continue
            checked += 1
            if _runs(tree, other) and not _runs(tree_with(tree, mutant), other):
                return False
        return True


class _Way(NamedTuple):
    """A change with which a failed test passes; the more of each number, the better."""

    more: int
    """Further tests that pass with it."""
    fewer: int
    """Contradictions of units that are gone with it."""
    likely: int
    mutant: Mutant


def _is_missing_here(failure: Failure) -> bool:
    """Return whether it is told what is missing, or what stands for it where it shall be."""
    if failure.fix is None or all(step.value is not None for step in failure.steps):
        return False
    return not any(Rule.NO_HISTORY.value in (step.why or "") for step in failure.steps)


def _counted(units: InferredUnits) -> Counter[tuple[str, str]]:
    return Counter((fault.code, fault.metric) for fault in units.faults)


def _is_quick(case: Case) -> bool:
    return case.kind in (Kind.VALUES, Kind.SERIES) and case.skip is None


def _run(tree: ResolvedTree, case: Case) -> Outcome | None:
    """Return how a test of rows ends; ``None`` if nothing comes out."""
    try:
        outcome = run_rows(tree, case)
    except MetricTreeError:
        return None
    return None if outcome.status is Status.BROKEN else outcome


def _runs(tree: ResolvedTree, case: Case) -> bool:
    """Return whether a test of rows passes."""
    outcome = _run(tree, case)
    return outcome is not None and outcome.status is Status.PASSED


def _expected(tree: ResolvedTree, case: Case) -> list[str]:
    rows = case.test.expect_rows or ()
    names = dict.fromkeys((*case.expect, *(str(name) for row in rows for name in row)))
    return [name for name in names if name in tree.metrics]


def _percent_meant(tree: ResolvedTree, case: Case) -> str | None:
    """Return that a share was given as a percentage, if the test passes with the share."""
    for metric, value in case.given.items():
        values = value if isinstance(value, tuple) else (value,)
        unit = tree.metrics[metric].unit
        if unit not in SHARES or not any(one is not None and one > 1 for one in values):
            continue
        shares = tuple(None if one is None else one / 100 for one in values)
        meant = shares if isinstance(value, tuple) else shares[0]
        if _passes(tree, replace(case, given={**case.given, metric: meant})):
            first = next(one for one in shares if one is not None)
            is_a = "is a ratio" if unit == "ratio" else f"is in {unit}, and a percent is a ratio"
            return f"{metric} {is_a} here: give {number_text(float(f'{first:.12g}'))}"
    return None


def _renamed(tree: ResolvedTree, case: Case) -> Iterator[Mutant]:
    """Yield formulas that name another metric which is given: one in vain, or of the same unit."""
    from metrictree.testing.mutation.mutants import Mutant

    vain = unused(tree, case)
    order, _ = order_below(tree.formulas, case.expect, case.given)
    given = [*vain, *(name for name in case.given if name not in vain)][:_GIVEN]
    for metric in order[:_TRIED]:
        formula = tree.formulas[metric]
        for reference, name in itertools.product(formula.references, given):
            unit = tree.metrics[name].unit
            alike = unit is not None and unit == tree.metrics[reference].unit
            if name in formula.references or not (alike or name in vain):
                continue
            if metric == name or metric in tree.graph.below([name]):
                continue
            nodes = tuple(
                node._replace(value=name) if node.op == "ref" and node.value == reference else node
                for node in formula.nodes
            )
            text = str(Formula(nodes, ""))
            before = " ".join(formula.text.split())
            words = f"`{reference}` becomes `{name}`"
            made = parse(text)
            yield Mutant(metric, "operands", words, before, text, "formula", None, made)


def _mutants(tree: ResolvedTree, outcome: Outcome) -> Iterator[Mutant]:
    """Yield the changes of what a test computed, the metric that surprised first."""
    from metrictree.testing.mutation.mutants import mutants_of  # heavy, and few tests fail

    steps = [step for failure in outcome.failures for step in failure.steps]
    for origin in ("measured", "computed"):
        for metric in dict.fromkeys(step.metric for step in steps if step.origin == origin):
            for mutant in mutants_of(tree, metric):
                # A number alone would make this test pass, and define nothing.
                formula, part = mutant.formula, mutant.part
                nothing = part == "formula" and (formula is None or not formula.references)
                if not mutant.same and not nothing:
                    yield mutant


def _mutants_of_rows(tree: ResolvedTree, outcome: Outcome) -> Iterator[Mutant]:
    """Yield as well the conditions whose lists hold one more text of the rows."""
    from metrictree.testing.mutation.mutants import Mutant

    steps = [step for failure in outcome.failures for step in failure.steps]
    for metric in dict.fromkeys(step.metric for step in steps if step.origin == "measured"):
        measure = tree.measures[metric]
        rows = (outcome.case.test.given_rows or {}).get(measure.source, ())
        where = measure.where
        for index, node in enumerate(where.nodes if where is not None else ()):
            if where is None or node.op != "in" or where.nodes[node.args[0]].op != "ref":
                continue
            found = dict.fromkeys(row.get(where.nodes[node.args[0]].value) for row in rows)
            for text in [one for one in found if isinstance(one, str) and one not in node.value]:
                nodes = list(where.nodes)
                nodes[index] = node._replace(value=(*node.value, text))
                after = str(Formula(tuple(nodes), ""))
                before = " ".join(where.text.split())
                path = ("metrics", metric, "measure", "where")
                span = tree.places.span_within(path, where.text, 0, len(where.text))
                longer = Formula(tuple(nodes), after)
                yield Mutant(metric, "where", "longer", before, after, "where", span, longer)
    yield from _mutants(tree, outcome)


def _changed(tree: ResolvedTree, mutant: Mutant) -> ResolvedTree:
    """Return a tree to evaluate formulas in; nothing else of it has changed."""
    assert mutant.formula is not None, "only a `where` can be gone"
    unchanged: Any = tree.formulas  # which is only read
    return replace(tree, formulas=ChainMap({mutant.metric: mutant.formula}, unchanged))


def _cost(tree: ResolvedTree, case: Case) -> int:
    """Return how many values a case has."""
    order, leaves = order_below(tree.formulas, case.expect, case.given)
    several = (*case.given.values(), *case.expect.values())
    periods = max((len(value) for value in several if isinstance(value, tuple)), default=1)
    return (len(order) + len(leaves) + len(case.given)) * periods


def _passes(tree: ResolvedTree, case: Case) -> bool:
    try:
        evaluation = evaluation_of(tree, case)
        return all(_is_met(evaluation.value(metric), case, metric) for metric in case.expect)
    except MetricTreeError:
        return False  # it needs what the test does not give


def _is_met(actual: TestValue, case: Case, metric: str) -> bool:
    expected = case.expect[metric]
    if not isinstance(actual, tuple):
        return not isinstance(expected, tuple) and is_near(actual, expected, case.tolerance)
    wanted = expected if isinstance(expected, tuple) else (expected,) * len(actual)
    return all(
        is_near(value, one, case.tolerance) for value, one in zip(actual, wanted, strict=True)
    )


def _rank(mutant: Mutant) -> int:
    return _LIKELY.index(mutant.kind) if mutant.kind in _LIKELY else len(_LIKELY)
