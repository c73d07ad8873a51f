"""A plan on single numbers: inputs are checked, then formulas are computed in order."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.base import Reason, Values
from metrictree.engines.compile import compile_plan
from metrictree.engines.scalar import evaluate, explain
from metrictree.errors import ComputeError
from metrictree.formula.meaning import Rule
from metrictree.formula.printer import number_text
from metrictree.names import Suggester, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metrictree.engines.compile import Program
    from metrictree.formula import Formula
    from metrictree.plan import Plan
    from metrictree.resolved import ResolvedTree

__all__ = [
    "Why",
    "absent_value",
    "check_names",
    "checked",
    "compute",
    "is_real",
    "missing_advice",
    "needs_time",
]

_KEPT: Final = 8
"""Programs of a plan, one for each set of missing inputs."""


def compute(
    tree: ResolvedTree, plan: Plan, inputs: Mapping[str, Any], *, strict: bool = False
) -> Values:
    """Return the values of the plan's targets for single numbers.

    Raises:
        ComputeError: inputs are unknown, absent or unusable; or, if ``strict``, a value is missing.
    """
    scalar = plan.engines.get(_Scalar)
    if scalar is None:
        scalar = plan.engines[_Scalar] = _Scalar(tree, plan)
    row = scalar.good_row(inputs)
    values: Values
    if row is not None:
        values = scalar.compute(row, ())
    else:
        row = _checked_row(tree, plan, inputs)
        missing = [leaf for leaf, value in zip(plan.leaves, row, strict=True) if value is None]
        values = scalar.compute(row, tuple(missing))
    if strict and values.missing:
        raise ComputeError(_missing_errors(tree, values))
    return values


class _Scalar:
    """A plan made ready for single numbers."""

    def __init__(self, tree: ResolvedTree, plan: Plan) -> None:
        self.tree = tree
        self.plan = plan
        leaves = plan.leaves
        metrics = [tree.metrics[leaf] for leaf in leaves]
        self.defaults = {
            leaf: metric.value + 0.0
            for leaf, metric in zip(leaves, metrics, strict=True)
            if metric.value is not None
        }
        self.ranges = [
            (slot, -math.inf if low is None else low, math.inf if high is None else high)
            for slot, metric in enumerate(metrics)
            for low, high in [metric.range or (None, None)]
            if (low, high) != (None, None)
        ]
        over_time = any(metric in tree.overtime for metric in plan.formulas)
        self.pick = itemgetter(*leaves) if len(leaves) > 1 and not over_time else None
        self.slots = {target: slot for slot, target in enumerate(plan.targets)}
        self.programs: dict[tuple[str, ...], Program | None] = {}

    def good_row(self, inputs: Any) -> list[float | None] | None:
        """Return the leaves' values if exactly these are given and all are good floats.

        ``None`` means that somebody has to look closer.
        """
        if type(inputs) is not dict or self.pick is None:
            return None
        given = self.defaults | inputs if self.defaults else inputs
        if len(given) != len(self.plan.leaves):
            return None
        try:
            row = list(self.pick(given))
        except KeyError:
            return None
        if set(map(type, row)) != {float}:
            return None
        total = sum(row)
        if total - total != 0:  # infinity or NaN, which any one makes of the sum
            return None
        for slot, low, high in self.ranges:
            if not low <= row[slot] <= high:
                return None
        return row

    def compute(self, row: list[float | None], missing: tuple[str, ...]) -> Values:
        """Return the values of the targets for the values of the leaves."""
        program = self._program(missing)
        if program is not None and program.run(row):
            return Values(program.slots, row, _WhyLater(self, row))
        known = self.walk(row)
        found = [known[target] for target in self.plan.targets]
        return Values(self.slots, found, Why(self.tree.formulas, known))

    def _program(self, missing: tuple[str, ...]) -> Program | None:
        """Return the program for inputs of which these are missing, from its second use on.

        To compile costs as much as to walk through the formulas some times.
        """
        programs = self.programs
        if missing not in programs:
            while len(programs) >= _KEPT:
                programs.pop(next(iter(programs)), None)
            programs[missing] = None
            return None
        program = programs[missing]
        if program is None:
            program = programs[missing] = compile_plan(self.plan, missing)
        return program

    def walk(self, row: Sequence[float | None]) -> dict[str, float | None]:
        """Return the value of every metric by the reference, formula by formula."""
        known = {
            leaf: None if value is None else value + 0.0
            for leaf, value in zip(self.plan.leaves, row, strict=False)
        }
        formulas = self.tree.formulas
        for metric in self.plan.formulas:
            known[metric] = evaluate(formulas[metric], known)
        return known


class _WhyLater:
    """Computes everything by the reference when a first reason is asked for."""

    __slots__ = ("row", "scalar", "why")

    def __init__(self, scalar: _Scalar, row: Sequence[float | None]) -> None:
        self.scalar = scalar
        self.row = row
        self.why: Why | None = None

    def __call__(self, metric: str) -> Reason:
        if self.why is None:
            self.why = Why(self.scalar.tree.formulas, self.scalar.walk(self.row))
        return self.why(metric)


def _checked_row(tree: ResolvedTree, plan: Plan, inputs: Any) -> list[float | None]:
    """Return the values of the leaves; every input is looked at, and all problems are told."""
    if not isinstance(inputs, Mapping):
        message = f"the inputs are a {shown(type(inputs).__name__)}, no mapping"
        raise ComputeError([Diagnostic("VAL101", message, fix="give {metric id: number}")])
    problems = list(check_names(tree, inputs))
    known: dict[str, float | None] = {}
    absent = []
    for metric in plan.leaves:
        if metric in inputs:
            known[metric] = checked(tree, metric, inputs[metric], problems)
        elif (constant := tree.metrics[metric].value) is not None:
            known[metric] = constant + 0.0
        else:
            absent.append(metric)
    needed = known.keys()
    for metric, value in inputs.items():  # what no target needs is checked as well
        if metric in tree.metrics and metric not in needed and metric not in tree.formulas:
            checked(tree, metric, value, problems)
    advice = "give it, None for missing, or choose targets that do not need it"
    problems += [absent_value(tree, metric, advice) for metric in absent]
    for metric in plan.formulas:
        if metric in tree.overtime:
            problems.append(needs_time(tree, metric))
    if problems:
        raise ComputeError(problems)
    return [known[metric] for metric in plan.leaves]


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


def check_names(tree: ResolvedTree, inputs: Mapping[Any, Any]) -> Iterator[Diagnostic]:
    """Yield what is said of inputs that no metric takes."""
    suggester = Suggester(tree.metrics)
    for metric in inputs:
        if metric not in tree.metrics:
            yield Diagnostic(
                "VAL101",
                f"the input '{shown(metric)}' is no metric of the tree",
                metric=metric if isinstance(metric, str) else None,
                fix=did_you_mean(suggester.near(shown(metric, 100))) or "inputs go by metric id",
            )
        elif metric in tree.formulas:
            yield Diagnostic(
                "VAL102",
                f"the metric '{metric}' is computed by its formula and cannot be given",
                tree.places.span(("metrics", metric), key=True),
                metric=metric,
                fix="give its inputs: " + shown(", ".join(tree.formulas[metric].references), 120),
            )


def checked(
    tree: ResolvedTree, metric: str, given: Any, problems: list[Diagnostic], where: str = ""
) -> float | None:
    """Return an input as a float; note why it cannot be one, and ``where`` it is."""
    if tree.metrics[metric].range is None and (
        (type(given) is float and math.isfinite(given))
        or (type(given) is int and -(2**53) <= given <= 2**53)
    ):
        return given + 0.0  # as most are, without ado

    def refuse(code: str, why: str, fix: str) -> None:
        problems.append(
            Diagnostic(
                code,
                f"the input '{metric}'{where} {why}",
                tree.places.span(("metrics", metric), key=True),
                metric=metric,
                fix=fix,
            )
        )

    if given is None:
        return None
    if isinstance(given, (bool, complex)) or not is_real(given):
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


def is_real(given: Any) -> bool:
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
        fix=advice + ("; `run` computes measures from their sources" if measure else ""),
    )


def needs_time(tree: ResolvedTree, metric: str) -> Diagnostic:
    """Return what is said of a formula that looks at other periods, where there are none."""
    return Diagnostic(
        "VAL108",
        f"the formula of '{metric}' uses {tree.overtime[metric]}(), which needs periods",
        tree.places.span(("metrics", metric), key=True),
        metric=metric,
        fix="use `compute_series`, a frame with a column of times (`time=`) or a run with a "
        "grain, or choose targets that do not need it",
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
            fix=missing_advice(reason),
        )


def missing_advice(reason: Reason | None) -> str:
    """Return what to do if a value is missing and ``strict`` refuses that."""
    if reason is not None and reason.rule is Rule.NO_HISTORY:
        return "write `coalesce(...)` around it, choose other targets, or compute without strict"
    return "give other inputs, handle the case in the formula, or compute without strict"
