"""What tests in Python say of one metric; what surprises is told as for tests in YAML."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.compute import check_names, is_real
from metrictree.errors import ComputeError, UsageError
from metrictree.names import Suggester, did_you_mean
from metrictree.resolved import ResolvedTree
from metrictree.schema import TestCase, Tolerance
from metrictree.testing.case import Case, Kind, Status
from metrictree.testing.runner import run_case
from metrictree.testing.yaml_case import yaml_case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrictree.testing.case import TestValue
    from metrictree.tree import MetricTree

__all__ = ["assert_metric"]


def assert_metric(
    tree: MetricTree | ResolvedTree,
    metric: str,
    *,
    given: Mapping[str, Any],
    expect: Any,
    tolerance: float | None = None,
) -> None:
    """Assert the value of a metric for what is given: inputs, or any metrics below it.

    A value is a number, ``None`` or ``"missing"``, or a list of these with one for each period.
    ``tolerance`` is the largest difference that passes, as a share of what is expected; 1e-9 if
    absent.

    Raises:
        AssertionError: the value is another one; its text tells how the value came about.
        ComputeError: an input is absent, unknown, no finite number, or outside of its range.
        UsageError: what is expected has no meaning.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="rate", metrics={"rate": "orders / visits", "orders": None, "visits": None}
    ... )
    >>> assert_metric(tree, "rate", given={"orders": 5, "visits": 20}, expect=0.25)
    >>> assert_metric(tree, "rate", given={"orders": 5, "visits": 0}, expect="missing")
    """
    __tracebackhide__ = True
    resolved = tree if isinstance(tree, ResolvedTree) else getattr(tree, "resolved", None)
    if not isinstance(resolved, ResolvedTree):
        raise UsageError([_no_tree(tree)])
    case = _case(resolved, metric, given, expect, tolerance)
    outcome = run_case(resolved, case)
    if outcome.status is Status.BROKEN:
        raise ComputeError(_in_python(found) for found in outcome.problems)
    if outcome.status is Status.FAILED:
        from metrictree.render.outcomes import render_outcome
        from metrictree.testing.collect import collect
        from metrictree.testing.repair import Repairs

        # The tests of the tree have a say in which change is right.
        outcome = Repairs(resolved, [case, *collect(resolved).cases]).of(outcome)
        example = _as_test(case)
        failures = tuple(
            replace(failure, span=None, example=example) for failure in outcome.failures
        )
        _, _, text = render_outcome(replace(outcome, failures=failures)).partition("\n")
        raise AssertionError(text)


def _as_test(case: Case) -> str:
    """Return the call as a test in YAML, to keep what was found."""

    def written(value: TestValue) -> Any:
        if isinstance(value, tuple):
            return [written(one) for one in value]
        return "missing" if value is None else value

    test: dict[str, Any] = {"name": f"{case.name} as asserted"}
    if case.given:
        test["given"] = {name: written(value) for name, value in case.given.items()}
    test["expect"] = {name: written(value) for name, value in case.expect.items()}
    if case.tolerance is not None:
        test["tolerance"] = case.tolerance.relative
    return yaml_case(test)


def _no_tree(tree: Any) -> Diagnostic:
    what = f"a {shown(type(tree).__name__)}"
    fix = "give a MetricTree, such as the fixture `metric_tree`"
    if isinstance(tree, (str, PurePath)):
        what = f"'{shown(str(tree))}'"
        fix = f"load it first: MetricTree.load({what})"
    return Diagnostic("VAL110", f"the tree is {what}, no MetricTree", fix=fix)


def _in_python(found: Diagnostic) -> Diagnostic:
    """Return what is wrong with a case in the words of a call."""
    fix = found.fix
    absent = _ABSENT.findall(fix or "") if found.code == "VAL103" else []
    if absent:
        listed = ", ".join(f"'{name}': NUMBER" for name in absent)
        fix = f"write given={{..., {listed}}}, or None for missing"
    return replace(found, span=None, fix=fix)


_ABSENT: Final = re.compile(r"`([^:`]+): NUMBER`")
"""What is advised in YAML."""


def _case(
    tree: ResolvedTree, metric: str, given: Any, expect: Any, tolerance: float | None
) -> Case:
    __tracebackhide__ = True
    if not isinstance(given, Mapping):
        message = f"`given` is a {shown(type(given).__name__)}, no mapping"
        raise ComputeError([Diagnostic("VAL101", message, fix="give {metric id: number}")])
    problems = [found for found in check_names(tree, given) if found.code == "VAL101"]
    if problems:
        raise ComputeError(problems)
    values = {name: _periods(value) for name, value in given.items()}
    expected = _periods(expect)
    problems = list(_misunderstood(tree, metric, values, expected, tolerance))
    if problems:
        raise UsageError(problems)
    series = any(isinstance(value, tuple) for value in (*values.values(), expected))
    return Case(
        metric,
        Kind.SERIES if series else Kind.VALUES,
        TestCase(name=metric),
        ("tests", -1),
        None,
        values,
        {metric: _floats(expected)},
        tolerance=None if tolerance is None else Tolerance(relative=float(tolerance)),
    )


def _periods(value: Any) -> Any:
    """Return a value as cases have it; what is no number is left to those who check it."""
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray, memoryview)):
        return tuple(_missing_as_none(one) for one in value)
    return _missing_as_none(value)


def _floats(value: Any) -> TestValue:
    if isinstance(value, tuple):
        return tuple(None if one is None else float(one) for one in value)
    return None if value is None else float(value)


def _missing_as_none(value: Any) -> Any:
    return None if isinstance(value, str) and value == "missing" else value


def _misunderstood(
    tree: ResolvedTree,
    metric: Any,
    given: Mapping[str, TestValue],
    expected: TestValue,
    tolerance: Any,
) -> Iterator[Diagnostic]:
    if not isinstance(metric, str) or metric not in tree.metrics:
        advice = did_you_mean(Suggester(tree.metrics).near(shown(metric, 100)))
        message = f"'{shown(metric)}' is no metric of the tree"
        yield Diagnostic("VAL107", message, fix=advice or "give the id of a metric")
    elif metric in given:
        message = f"'{metric}' is given, so that its value proves nothing"
        yield Diagnostic("TST103", message, metric=metric, fix="leave it out of `given`")
    for one in expected if isinstance(expected, tuple) else (expected,):
        if one is not None and not _is_finite(one):
            message = f"'{shown(one)}' is expected, which is no finite number"
            fix = "expect a number, None for missing, or a list with one for each period"
            yield Diagnostic("VAL110", message, metric=metric, fix=fix)
    if tolerance is not None and not (_is_finite(tolerance) and 0 <= tolerance < 1):
        message = f"the tolerance is {shown(tolerance)}, not a share of what is expected"
        yield Diagnostic("VAL110", message, fix="give a number such as 0.01 for 1 %")
    periods = {
        name: len(value)
        for name, value in (*given.items(), (metric, expected))
        if isinstance(value, tuple)
    }
    if len(set(periods.values())) > 1 or 0 in periods.values():
        told = ", ".join(f"{shown(name)}: {count}" for name, count in periods.items())
        message = f"the lists have different numbers of periods, or none ({told})"
        yield Diagnostic("TST105", message, fix="give each one as many values, None for missing")


def _is_finite(value: Any) -> bool:
    """Whether a value is one finite number; texts, booleans and arrays are none."""
    try:
        return not isinstance(value, bool) and is_real(value) and math.isfinite(value)
    except Exception:  # noqa: BLE001 - a class from elsewhere may raise anything
        return False
