"""Cases of single numbers and of periods: what they give is computed, and compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from metrictree.diagnostics import shown
from metrictree.errors import ComputeError
from metrictree.render.numbers import MISSING, format_number
from metrictree.testing.case import Failure, Outcome, Status
from metrictree.testing.evaluation import Evaluation, SeriesEvaluation, order_below
from metrictree.testing.explain import describe, steps_below, steps_below_series
from metrictree.testing.hints import hint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metrictree.diagnostics import Diagnostic, Span
    from metrictree.resolved import ResolvedTree
    from metrictree.schema import Tolerance
    from metrictree.testing.case import Case, Step, TestValue
    from metrictree.testing.hints import Pair

__all__ = [
    "evaluation_of",
    "expected_place",
    "given_place",
    "is_near",
    "run_values",
    "unused",
    "unused_hint",
]

_LISTED: Final = 8
"""Periods that a sentence lists."""
_NAMED: Final = 6
"""Metrics that a sentence names."""
RELATIVE: Final = 1e-9
ABSOLUTE: Final = 1e-12
"""How far a value may be from what is expected, where a test does not say."""


def is_near(actual: float | None, expected: float | None, tolerance: Tolerance | None) -> bool:
    """Return whether a value is what is expected; missing is near to nothing but missing.

    >>> is_near(0.1 + 0.2, 0.3, None), is_near(0.31, 0.3, None), is_near(None, 0.0, None)
    (True, False, False)
    """
    if actual is None or expected is None:
        return actual is expected
    relative, absolute = RELATIVE, ABSOLUTE
    if tolerance is not None:
        relative, absolute = tolerance.relative or 0.0, tolerance.absolute or 0.0
    return abs(actual - expected) <= max(relative * abs(expected), absolute)


def evaluation_of(tree: ResolvedTree, case: Case) -> Evaluation:
    """Return what computes the values of a case.

    Raises:
        ComputeError: what it gives is outside of its range.
    """
    given_and_expected = (*case.given.values(), *case.expect.values())
    lengths = [len(value) for value in given_and_expected if isinstance(value, tuple)]
    try:
        if lengths:
            return SeriesEvaluation(tree, case.given, lengths[0])
        return Evaluation(tree, case.given)
    except ComputeError as error:
        raise ComputeError(
            replace(found, span=given_place(tree, case, str(found.metric)))
            for found in error.diagnostics
        ) from None


def run_values(tree: ResolvedTree, case: Case, evaluation: Evaluation) -> Outcome:
    """Return how a case of values or periods ends; what it needs is computed by ``evaluation``."""
    try:
        evaluation.values(tuple(case.expect))
    except ComputeError as error:
        problems = tuple(_in_case(tree, case, found) for found in error.diagnostics)
        return Outcome(case, Status.BROKEN, problems=problems)
    order = {metric: number for number, metric in enumerate(evaluation.known)}
    failures: list[Failure] = []
    for metric in sorted(case.expect, key=order.__getitem__):
        failures += _compared(tree, case, evaluation, metric, failures)
    return Outcome(case, Status.FAILED if failures else Status.PASSED, tuple(failures))


def _in_case(tree: ResolvedTree, case: Case, found: Diagnostic) -> Diagnostic:
    """Return what a case cannot compute, at what it expects; what it gives in vain may tell why."""
    fix = found.fix
    if found.code == "VAL103":
        told = unused_hint(tree, case)
        fix = fix if told is None else f"{told} if so, {fix}"
    metric = found.metric if found.metric in case.expect else next(iter(case.expect))
    return replace(found, span=expected_place(tree, case, str(metric)), fix=fix)


def _compared(
    tree: ResolvedTree,
    case: Case,
    evaluation: Evaluation,
    metric: str,
    before: Sequence[Failure],
) -> Iterator[Failure]:
    actual, expected = evaluation.known[metric], case.expect[metric]
    period = _first_difference(actual, expected, case.tolerance)
    if period is None:
        return
    values, number = evaluation.known, period if isinstance(actual, tuple) else None
    if number is None:
        steps = steps_below(tree, metric, values, case.given)  # type: ignore[arg-type]
    else:
        steps = steps_below_series(tree, metric, values, case.given, number)  # type: ignore[arg-type]
    found, wanted = _at(actual, period), _at(expected, period)
    place = expected_place(tree, case, metric, number)
    told = describe(tree, metric, found, wanted, why=steps[0].why, period=number)
    causes = _causes(tree, case, metric, steps, before)
    if causes:
        yield Failure(f"{told}; this follows from {causes}", place, metric, follows=True)
        return
    pairs: list[Pair] = []
    if isinstance(actual, tuple):
        several = expected if isinstance(expected, tuple) else (expected,) * len(actual)
        pairs = list(zip(actual, several, strict=True))
        if len(pairs) > 1:
            told += f"; in all periods {_listed(actual)}, expected {_listed(several)}"
    yield Failure(told, place, metric, steps, hint(tree, steps, found, wanted, pairs))


def _listed(values: Sequence[float | None]) -> str:
    """Return the values of periods in short."""
    texts = [MISSING if one is None else format_number(one) for one in values[:_LISTED]]
    return f"[{', '.join(texts)}{', ...' if len(values) > _LISTED else ''}]"


def _causes(
    tree: ResolvedTree, case: Case, metric: str, steps: Sequence[Step], before: Sequence[Failure]
) -> str | None:
    """Return the metrics that failed before, if with what is expected of them this one passes."""
    below = {step.metric for step in steps[1:] if step.origin != "given"}
    causes = [str(failure.metric) for failure in before if failure.metric in below]
    if not causes:
        return None
    given = {**case.given, **{cause: case.expect[cause] for cause in causes}}
    try:
        actual = evaluation_of(tree, replace(case, given=given)).value(metric)
    except ComputeError:
        return None
    if _first_difference(actual, case.expect[metric], case.tolerance) is not None:
        return None
    own = [name for name in causes if not any(_is_below(tree, name, one) for one in causes)]
    return " and ".join(own)


def _is_below(tree: ResolvedTree, metric: str, other: str) -> bool:
    return metric != other and metric in tree.graph.below([other])


def unused(tree: ResolvedTree, case: Case) -> list[str]:
    """Return the metrics that a case gives and that nothing it expects is made of."""
    order, _ = order_below(tree.formulas, case.expect, case.given)
    used = {name for metric in order for name in tree.formulas[metric].references}
    return [metric for metric in case.given if metric not in used]


def unused_hint(tree: ResolvedTree, case: Case) -> str | None:
    """Return the question that values pose which are given and used by nothing."""
    names = unused(tree, case)
    order, leaves = order_below(tree.formulas, case.expect, case.given)
    if not names or not order:
        return None
    listed = " and ".join(f"`{name}`" for name in names[:_NAMED])
    absent = {leaf for leaf in leaves if tree.metrics[leaf].value is None}
    metric = next(
        (one for one in order if not absent.isdisjoint(tree.formulas[one].references)), order[-1]
    )
    span = tree.places.span(("metrics", metric, "formula"))
    place = f" ({span})" if span is not None else ""
    formula = shown(" ".join(tree.formulas[metric].text.split()), 120)
    verb = "is" if len(names) == 1 else "are"
    return (
        f"{listed} {verb} given and used by nothing: does the formula of {metric}{place}, "
        f"`{formula}`, name the right metrics?"
    )


def given_place(tree: ResolvedTree, case: Case, metric: str) -> Span | None:
    """Return where a case gives a value of a metric; in a matrix, all of its values."""
    row = case.test.cases[int(case.path[3])] if case.test.cases is not None else None
    path = (*case.path[:2], "given", metric)
    if case.test.matrix is not None and metric in case.test.matrix:
        path = (*case.path[:2], "matrix", metric)
    elif row is not None and metric in (row.given or ()):
        path = (*case.path, "given", metric)
    return tree.places.span(path)


def expected_place(
    tree: ResolvedTree, case: Case, metric: str, period: int | None = None
) -> Span | None:
    """Return where a case says what it expects of a metric, or of one of its periods."""
    row = case.test.cases[int(case.path[3])] if case.test.cases is not None else None
    inside = row is not None and metric in (row.expect or ())
    path = (*(case.path if inside else case.path[:2]), "expect", metric)
    return tree.places.span(path if period is None else (*path, period))


def _at(value: TestValue, period: int) -> float | None:
    return value[period] if isinstance(value, tuple) else value


def _first_difference(
    actual: TestValue, expected: TestValue, tolerance: Tolerance | None
) -> int | None:
    """Return the first period in which a value is not what is expected; 0 of a single number."""
    if not isinstance(actual, tuple):
        assert not isinstance(expected, tuple)
        return None if is_near(actual, expected, tolerance) else 0
    wanted = expected if isinstance(expected, tuple) else (expected,) * len(actual)
    return next(
        (
            period
            for period, (found, one) in enumerate(zip(actual, wanted, strict=True))
            if not is_near(found, one, tolerance)
        ),
        None,
    )
