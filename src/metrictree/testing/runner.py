"""Cases -> outcomes: each kind of case is handed to the module that runs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, overload

from metrictree.errors import DefinitionError, MetricTreeError
from metrictree.testing.case import Failure, Kind, Outcome, Status
from metrictree.testing.collect import collect
from metrictree.testing.rows import run_rows
from metrictree.testing.values import evaluation_of, given_place, run_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from metrictree.diagnostics import Diagnostic
    from metrictree.resolved import ResolvedTree
    from metrictree.testing.case import Case
    from metrictree.testing.evaluation import Evaluation

__all__ = ["TestReport", "run_case", "run_tests"]


@dataclass(frozen=True, slots=True, repr=False)
class TestReport(Sequence[Outcome]):
    """How the cases of a tree ended, in the order of the file; ``str`` of it tells the failures.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="double",
    ...     metrics={"double": "2 * x", "x": None},
    ...     tests=[{"name": "twice", "given": {"x": 2}, "expect": {"double": 4}}],
    ... )
    >>> tree.test()
    TestReport(passed=1, failed=0, broken=0, skipped=0)
    """

    outcomes: tuple[Outcome, ...]
    seconds: float

    __test__ = False  # pytest: this is no test class

    @property
    def ok(self) -> bool:
        """Whether nothing failed or was broken."""
        return not any(self.of(status) for status in (Status.FAILED, Status.BROKEN))

    def of(self, status: Status) -> tuple[Outcome, ...]:
        """Return the outcomes with one status."""
        return tuple(outcome for outcome in self.outcomes if outcome.status is status)

    @property
    def counts(self) -> dict[str, int]:
        """How many cases ended in which way."""
        found = Counter(outcome.status for outcome in self.outcomes)
        return {status.value: found[status] for status in Status}

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, ready for JSON."""
        return {
            "counts": self.counts,
            "seconds": round(self.seconds, 6),
            "tests": [outcome.to_dict() for outcome in self.outcomes],
        }

    def __repr__(self) -> str:
        counted = ", ".join(f"{status}={count}" for status, count in self.counts.items())
        return f"{type(self).__name__}({counted})"

    def __str__(self) -> str:
        from metrictree.render.outcomes import render_outcomes

        return render_outcomes(self.outcomes, self.seconds)

    def __len__(self) -> int:
        return len(self.outcomes)

    @overload
    def __getitem__(self, index: int) -> Outcome: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Outcome, ...]: ...

    def __getitem__(self, index: int | slice) -> Outcome | tuple[Outcome, ...]:
        return self.outcomes[index]


def run_tests(
    tree: ResolvedTree,
    cases: Iterable[Case] | None = None,
    *,
    today: date | None = None,
    watch: Callable[[Case, Evaluation], None] | None = None,
) -> TestReport:
    """Return how the cases of a tree end, all of them if none are chosen.

    Raises:
        DefinitionError: a test has mistakes.
    """
    started = perf_counter()
    if cases is None:
        collected = collect(tree)
        if collected.problems:
            raise DefinitionError(collected.problems)
        cases = collected.cases
    outcomes = tuple(run_case(tree, case, today=today, watch=watch) for case in cases)
    return TestReport(outcomes, perf_counter() - started)


def run_case(
    tree: ResolvedTree,
    case: Case,
    *,
    today: date | None = None,
    watch: Callable[[Case, Evaluation], None] | None = None,
) -> Outcome:
    """Return how a case ends; what a user did wrong makes it broken, and is never raised."""
    if case.skip is not None:
        return Outcome(case, Status.SKIPPED)
    started = perf_counter()
    try:
        outcome = _RUN[case.kind](tree, case, today, watch)
    except MetricTreeError as error:
        problems = tuple(_in_test(tree, case, found) for found in error.diagnostics)
        outcome = Outcome(case, Status.BROKEN, problems=problems)
    return replace(outcome, seconds=perf_counter() - started)


def _in_test(tree: ResolvedTree, case: Case, found: Diagnostic) -> Diagnostic:
    """Return what is wrong with a value that a case gives, with the place where it does."""
    if found.code in _OF_VALUES and found.metric in case.given:
        return replace(found, span=given_place(tree, case, str(found.metric)) or found.span)
    return found


def _values(tree: ResolvedTree, case: Case, _: date | None, watch: Any) -> Outcome:
    evaluation = evaluation_of(tree, case)
    outcome = run_values(tree, case, evaluation)
    if watch is not None:
        watch(case, evaluation)
    return outcome


def _rows(tree: ResolvedTree, case: Case, *_: Any) -> Outcome:
    return run_rows(tree, case)


def _property(tree: ResolvedTree, case: Case, *_: Any) -> Outcome:
    from metrictree.testing.properties import run_property  # heavy

    return run_property(tree, case)


def _error(tree: ResolvedTree, case: Case, today: date | None, watch: Any) -> Outcome:
    """Return whether a diagnostic is found as expected."""
    code = case.error
    assert code is not None
    from metrictree.lint.rules import RULES  # heavy

    if code in RULES:
        return _finding(tree, case, code, today)
    if case.test.given_rows is not None:
        return run_rows(tree, case)
    found: Sequence[Diagnostic] = ()
    try:
        evaluation = evaluation_of(tree, case)
        evaluation.value(tree.north_star)
    except MetricTreeError as error:
        found = error.diagnostics
    else:
        if watch is not None:
            watch(case, evaluation)
    if any(one.code == code for one in found):
        return Outcome(case, Status.PASSED)
    told = "what is given is computed without an error"
    if found:
        told = f"what is told is {found[0].code}, {found[0].message}"
    return _not_found(tree, case, code, told, "give what it refuses, or expect what it tells")


def _finding(tree: ResolvedTree, case: Case, code: str, today: date | None) -> Outcome:
    """Return whether a rule finds something; what the tree sets aside counts as well."""
    from metrictree.lint import lint
    from metrictree.lint.manual import manual
    from metrictree.lint.rules import RULES

    values: Any = case.given or None
    report = lint(tree, select=[code], today=today, values=values)
    if any(one.code == code for one in (*report, *(entry.finding for entry in report.suppressed))):
        return Outcome(case, Status.PASSED)
    told = f"the rule ({RULES[code].title}) has no finding"
    looks_for = " ".join(manual(RULES[code]).why.partition("\n\n")[0].split())
    fix = (
        f"it looks for this: {looks_for} If the tree has been mended, take "
        f"the test out; `metrictree rule {code}` tells more"
    )
    return _not_found(tree, case, code, told, fix)


def _not_found(tree: ResolvedTree, case: Case, code: str, told: str, fix: str) -> Outcome:
    row = case.test.cases[int(case.path[3])] if case.test.cases is not None else None
    path = case.path if row is not None and row.error is not None else case.path[:2]
    span = tree.places.span((*path, "error"))
    return Outcome(case, Status.FAILED, (Failure(f"{code} is expected: {told}", span, fix=fix),))


_OF_VALUES = frozenset(("VAL104", "VAL105", "VAL106"))
"""What is said of values that are no good."""
_RUN = {
    Kind.VALUES: _values,
    Kind.SERIES: _values,
    Kind.ROWS: _rows,
    Kind.PROPERTY: _property,
    Kind.ERROR: _error,
}
