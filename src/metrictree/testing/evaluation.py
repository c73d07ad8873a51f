"""The values of metrics for what a test gives, by the reference engine: only what is asked for.

What is given is not computed, so a test may cut the tree at any metric.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.compute import checked
from metrictree.engines.scalar import evaluate
from metrictree.engines.series import evaluate_series
from metrictree.errors import ComputeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from metrictree.formula import Formula
    from metrictree.resolved import ResolvedTree
    from metrictree.testing.case import TestValue

__all__ = ["Evaluation", "SeriesEvaluation", "order_below"]

_NAMED: Final = 6
"""Inputs that a message names."""
_QUOTED: Final = 120
"""Characters of a formula that a message quotes."""


def order_below(
    formulas: Mapping[str, Formula], targets: Iterable[str], known: Mapping[str, object]
) -> tuple[list[str], list[str]]:
    """Return the formulas that targets need beyond what is known, inputs first, and the leaves.

    >>> from metrictree.formula import parse
    >>> formulas = {"top": parse("a * mid"), "mid": parse("a + b")}
    >>> order_below(formulas, ["top"], {"b": 1})
    (['mid', 'top'], ['a'])
    """
    order: list[str] = []
    leaves: list[str] = []
    done = set(known)
    waiting: list[tuple[str, bool]] = [(target, False) for target in reversed(tuple(targets))]
    while waiting:
        metric, ready = waiting.pop()
        if ready:
            order.append(metric)
            continue
        if metric in done:
            continue
        done.add(metric)
        formula = formulas.get(metric)
        if formula is None:
            leaves.append(metric)
            continue
        waiting.append((metric, True))
        waiting += [(name, False) for name in reversed(formula.references) if name not in done]
    return order, leaves


class Evaluation:
    """The values of metrics for single numbers.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="sales",
    ...     metrics={
    ...         "sales": "orders * price",
    ...         "orders": "visits * rate",
    ...         "visits": None,
    ...         "rate": None,
    ...         "price": 4,
    ...     },
    ... )
    >>> evaluation = Evaluation(tree.resolved, {"orders": 5.0})
    >>> evaluation.value("sales"), evaluation.computed
    (20.0, ['sales'])
    """

    periods: int | None = None
    """How many periods there are; ``None`` for single numbers."""

    def __init__(self, tree: ResolvedTree, given: Mapping[str, TestValue]) -> None:
        self.tree = tree
        self.given = given
        problems: list[Diagnostic] = []
        self.known: dict[str, TestValue] = {
            metric: self._checked(metric, value, problems) for metric, value in given.items()
        }
        """What was given, and what has been computed."""
        self.computed: list[str] = []
        """The metrics that have been computed by their formulas, inputs first."""
        if problems:
            raise ComputeError(problems)

    def _checked(self, metric: str, value: TestValue, problems: list[Diagnostic]) -> TestValue:
        return checked(self.tree, metric, value, problems)

    def value(self, metric: str) -> TestValue:
        """Return the value of a metric.

        Raises:
            ComputeError: it needs inputs that are not given, or periods.
        """
        if metric not in self.known:
            self._compute([metric])
        return self.known[metric]

    def values(self, metrics: Sequence[str]) -> None:
        """Compute several metrics at once, so that what they need is told together.

        Raises:
            ComputeError: they need inputs that are not given, or periods.
        """
        self._compute([metric for metric in metrics if metric not in self.known])

    def _compute(self, targets: Sequence[str]) -> None:
        tree, known = self.tree, self.known
        order, leaves = order_below(tree.formulas, targets, known)
        absent = [leaf for leaf in leaves if tree.metrics[leaf].value is None]
        problems = [_absent(tree, absent, targets, order)] if absent else []
        if self.periods is None:
            problems += [
                _needs_periods(tree, metric) for metric in order if metric in tree.overtime
            ]
        if problems:
            raise ComputeError(problems)
        for leaf in leaves:
            constant = tree.metrics[leaf].value
            assert constant is not None
            known[leaf] = self._constant(constant + 0.0)
        for metric in order:
            known[metric] = self._evaluate(tree.formulas[metric])
            self.computed.append(metric)

    def _constant(self, value: float) -> TestValue:
        return value

    def _evaluate(self, formula: Formula) -> TestValue:
        return evaluate(formula, self.known)  # type: ignore[arg-type]


class SeriesEvaluation(Evaluation):
    """The values of metrics for each of a row of periods; a single number stands for all."""

    def __init__(self, tree: ResolvedTree, given: Mapping[str, TestValue], periods: int) -> None:
        self.periods: int = periods
        super().__init__(tree, given)

    def _checked(self, metric: str, value: TestValue, problems: list[Diagnostic]) -> TestValue:
        if not isinstance(value, tuple):
            return (checked(self.tree, metric, value, problems),) * self.periods
        return tuple(
            checked(self.tree, metric, one, problems, f" in period {number}")
            for number, one in enumerate(value, 1)
        )

    def _constant(self, value: float) -> TestValue:
        return (value,) * self.periods

    def _evaluate(self, formula: Formula) -> TestValue:
        return tuple(evaluate_series(formula, self.known, self.periods))  # type: ignore[arg-type]


def _absent(
    tree: ResolvedTree, metrics: Sequence[str], targets: Sequence[str], order: Sequence[str]
) -> Diagnostic:
    named = [f"'{metric}'" for metric in metrics[:_NAMED]]
    if len(metrics) > _NAMED:
        named.append(f"{len(metrics) - _NAMED:,} more")
    listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    which = "which is not given" if len(metrics) == 1 else "which are not given"
    user = next((name for name in order if metrics[0] in tree.formulas[name].references), None)
    target = metrics[0] if user is None else _user(tree, targets, user)
    if user is None:
        listed, which = "a value", "for it has no formula and is not given"
    else:
        span = tree.places.span(("metrics", user, "formula"))
        place = f" ({span})" if span is not None else ""
        text = shown(" ".join(tree.formulas[user].text.split()), _QUOTED)
        which += f": {user} = {text}{place}"
    several = ", ".join(f"`{metric}: NUMBER`" for metric in metrics[:_NAMED])
    return Diagnostic(
        "VAL103",
        f"'{target}' needs {listed}, {which}",
        tree.places.span(("metrics", target), key=True),
        metric=target,
        fix=f"add {several} below `given:`, or `{metrics[0]}: missing`",
    )


def _user(tree: ResolvedTree, targets: Sequence[str], user: str) -> str:
    """Return the first of what is asked for that needs a metric."""
    return next(target for target in targets if user in tree.graph.below([target]))


def _needs_periods(tree: ResolvedTree, metric: str) -> Diagnostic:
    return Diagnostic(
        "VAL108",
        f"'{metric}' looks at earlier periods ({tree.overtime[metric]})",
        tree.places.span(("metrics", metric), key=True),
        metric=metric,
        fix="give a list of values, one for each period, such as `[100, 110, 121]`",
    )
