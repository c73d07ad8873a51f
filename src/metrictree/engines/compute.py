"""A plan on single numbers: inputs are checked, then formulas are computed in order."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.base import Reason, Rule, Values
from metrictree.engines.scalar import evaluate, explain
from metrictree.errors import ComputeError
from metrictree.formula.printer import number_text
from metrictree.names import Suggester, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrictree.formula import Formula
    from metrictree.plan import Plan
    from metrictree.resolved import ResolvedTree

__all__ = ["Why", "absent_value", "compute", "needs_time"]


def compute(
    tree: ResolvedTree, plan: Plan, inputs: Mapping[str, Any], *, strict: bool = False
) -> Values:
    """Return the values of the plan's targets for single numbers.

    Raises:
        ComputeError: inputs are unknown, absent or unusable; or, if ``strict``, a value is missing.
    """
    given: Any = inputs  # a caller may ignore the types
    if not isinstance(given, Mapping):
        message = f"the inputs are a {shown(type(given).__name__)}, no mapping"
        raise ComputeError([Diagnostic("VAL101", message, help="give {metric id: number}")])
    problems = list(_check_names(tree, inputs))
    known: dict[str, float | None] = {}
    absent = []
    for metric in plan.leaves:
        if metric in inputs:
            known[metric] = _checked(tree, metric, inputs[metric], problems)
        elif (constant := tree.metrics[metric].value) is not None:
            known[metric] = constant + 0.0
        else:
            absent.append(metric)
    needed = known.keys()
    for metric, value in inputs.items():  # what no target needs is checked as well
        if metric in tree.metrics and metric not in needed and metric not in tree.formulas:
            _checked(tree, metric, value, problems)
    advice = "give it, None for missing, or choose targets that do not need it"
    problems += [absent_value(tree, metric, advice) for metric in absent]
    for metric in plan.formulas:
        if metric in tree.overtime:
            problems.append(needs_time(tree, metric))
    if problems:
        raise ComputeError(problems)
    for metric in plan.formulas:
        known[metric] = evaluate(tree.formulas[metric], known)
    values = Values({metric: known[metric] for metric in plan.targets}, Why(tree.formulas, known))
    if strict and values.missing:
        raise ComputeError(_missing_errors(tree, values))
    return values


class Why:
    """Finds the reason for a missing value, from the values of all that was computed."""

    def __init__(self, formulas: Mapping[str, Formula], known: Mapping[str, float | None]) -> None:
        self.formulas = formulas
        self.known = known
        self.found: dict[str, Reason] = {}  # a long chain is walked once, not from each metric

    def __call__(self, metric: str) -> Reason:
        """Return why a metric is missing, from where it broke first."""
        passed = []
        while metric not in self.found:
            passed.append(metric)
            formula = self.formulas.get(metric)
            if formula is None:
                self.found[metric] = Reason(metric, Rule.INPUT_MISSING, None, {})
                break
            reason = explain(metric, formula, self.known)
            if reason.rule is not Rule.INPUT_MISSING:
                self.found[metric] = reason
                break
            metric = next(iter(reason.operands))
        reason = self.found[metric]
        self.found.update(dict.fromkeys(passed, reason))
        return reason


def _check_names(tree: ResolvedTree, inputs: Mapping[Any, Any]) -> Iterator[Diagnostic]:
    suggester = Suggester(tree.metrics)
    for metric in inputs:
        if metric not in tree.metrics:
            yield Diagnostic(
                "VAL101",
                f"the input '{shown(metric)}' is no metric of the tree",
                metric=metric if isinstance(metric, str) else None,
                help=did_you_mean(suggester.near(shown(metric, 100))) or "inputs go by metric id",
            )
        elif metric in tree.formulas:
            yield Diagnostic(
                "VAL102",
                f"the metric '{metric}' is computed by its formula and cannot be given",
                tree.places.span(("metrics", metric), key=True),
                metric=metric,
                help="give its inputs: " + shown(", ".join(tree.formulas[metric].references), 120),
            )


def _checked(
    tree: ResolvedTree, metric: str, given: Any, problems: list[Diagnostic]
) -> float | None:
    """Return an input as a float; note why it cannot be one."""

    def refuse(code: str, why: str, help: str) -> None:  # noqa: A002
        problems.append(
            Diagnostic(
                code,
                f"the input '{metric}' {why}",
                tree.places.span(("metrics", metric), key=True),
                metric=metric,
                help=help,
            )
        )

    if given is None:
        return None
    if isinstance(given, (bool, complex)) or not _is_real(given):
        what = f"a {shown(type(given).__name__)}"
        if isinstance(given, str):
            what = f"the text '{shown(given)}'"
        elif type(given) in (bool, complex):
            what = repr(given)
        refuse("VAL104", f"is {what}, not a number", "give a number, or None for missing")
        return None
    try:
        value = float(given)
    except OverflowError:
        value = math.inf
    except Exception as error:  # noqa: BLE001 - a class from elsewhere may raise anything
        why = f"is a {shown(type(given).__name__)} that gives no number ({type(error).__name__})"
        refuse("VAL104", why, "give a number, or None for missing")
        return None
    if not math.isfinite(value):
        refuse("VAL105", f"is not finite ({shown(given)})", "give a number, or None for missing")
        return None
    if isinstance(given, numbers.Integral) and abs(int(given)) > 2**53 and int(value) != int(given):
        refuse(
            "VAL105",
            f"is {shown(given)}: a float64 loses its last digits",
            "give a float, or count in a larger unit",
        )
        return None
    low, high = tree.metrics[metric].range or (None, None)
    if (low is not None and value < low) or (high is not None and value > high):
        ends = [number_text(end) if end is not None else "any" for end in (low, high)]
        refuse(
            "VAL106",
            f"is {number_text(value)}, outside of its range [{', '.join(ends)}]",
            "check the number, or widen `range`",
        )
        return None
    return value + 0.0


def _is_real(given: Any) -> bool:
    """Whether ``given`` is one real number; decimals and NumPy's scalars are."""
    if isinstance(given, numbers.Real):  # NumPy counts its spans of time among the integers
        return getattr(getattr(given, "dtype", None), "kind", "f") in "iuf"
    return type(given).__name__ == "Decimal" and hasattr(given, "as_tuple")


def absent_value(tree: ResolvedTree, metric: str, advice: str) -> Diagnostic:
    """Return what is said of a metric that nothing gives a value to."""
    measure = tree.metrics[metric].measure is not None
    return Diagnostic(
        "VAL103",
        f"the {'measure' if measure else 'input'} '{metric}' has no value",
        tree.places.span(("metrics", metric), key=True),
        metric=metric,
        help=advice + ("; `run` computes measures from their sources" if measure else ""),
    )


def needs_time(tree: ResolvedTree, metric: str) -> Diagnostic:
    """Return what is said of a formula that looks at other periods, which nothing computes yet."""
    return Diagnostic(
        "VAL108",
        f"the formula of '{metric}' uses {tree.overtime[metric]}(), which needs periods",
        tree.places.span(("metrics", metric), key=True),
        metric=metric,
        help="this version does not compute over time: choose targets that do not need it",
    )


def _missing_errors(tree: ResolvedTree, values: Values) -> Iterator[Diagnostic]:
    for metric in values.missing:
        reason = values.why(metric)
        assert reason is not None
        chain = "" if reason.metric == metric else f"metric '{metric}' is missing because "
        yield Diagnostic(
            "VAL109",
            f"{chain}{reason}",
            tree.places.span(("metrics", reason.metric), key=True),
            metric=reason.metric,
            help="give other inputs, handle the case in the formula, or compute without strict",
        )
