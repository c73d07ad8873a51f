"""Why a value is not what a test expects: the values below it with their formulas, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from metrictree.engines.compute import Why
from metrictree.engines.scalar import evaluate
from metrictree.engines.series import WhySeries, evaluate_series, node_series
from metrictree.formula import Formula
from metrictree.formula.meaning import OVER_TIME
from metrictree.formula.nodes import Node
from metrictree.formula.printer import number_text
from metrictree.render.numbers import MISSING, format_number, format_value, unit_beside
from metrictree.render.tree import definition_text, reason_note
from metrictree.testing.case import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from metrictree.diagnostics import Span
    from metrictree.engines.base import Reason
    from metrictree.resolved import ResolvedTree
    from metrictree.schema import Metric

__all__ = ["describe", "steps_below", "steps_below_series", "with_numbers"]

Series = tuple[float | None, ...]

_DIGITS: Final = 7
"""Digits that count of a number in a formula, where more would change nothing."""
_ARITHMETIC: Final = frozenset(("+", "-", "*", "/", "%", "**"))
_CLOSE: Final = 1e-6
_LONG: Final = 12
"""Characters of a number that a sentence holds at most, where fewer show what differs."""
_WINDOW: Final = 7
"""Values that a function over time is shown with at most."""
_ORIGINS: Final = {"value": "constant", "measure": "measured"}


# --- the values below


def steps_below(
    tree: ResolvedTree,
    metric: str,
    known: Mapping[str, float | None],
    given: Collection[str],
) -> tuple[Step, ...]:
    """Return the values from a metric down to what was given, each with how it came about.

    ``known`` has all that was computed for the metric. What stands in ``given`` was not computed.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="rate", metrics={"rate": "orders / visits", "orders": None, "visits": None}
    ... ).resolved
    >>> known = {"rate": 0.25, "orders": 5.0, "visits": 20.0}
    >>> [(step.metric, step.numbers) for step in steps_below(tree, "rate", known, known)][:1]
    [('rate', None)]
    >>> steps = steps_below(tree, "rate", known, ["orders", "visits"])
    >>> [(step.metric, step.origin, step.numbers) for step in steps]
    [('rate', 'computed', '5 / 20'), ('orders', 'given', None), ('visits', 'given', None)]
    """
    why = Why(_computed(tree, metric, given), known)

    def numbers(formula: Formula) -> str:
        return with_numbers(formula, known)

    return _steps(tree, metric, given, value_of=known.__getitem__, numbers=numbers, why=why)


def steps_below_series(
    tree: ResolvedTree,
    metric: str,
    known: Mapping[str, Series],
    given: Collection[str],
    position: int,
) -> tuple[Step, ...]:
    """Return the values of one period from a metric down to what was given.

    A function over time is shown with the values that it looks at, the oldest first.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="trend", metrics={"trend": "growth(orders)", "orders": None}
    ... ).resolved
    >>> known = {"trend": (None, 0.25, 0.2), "orders": (4.0, 5.0, 6.0)}
    >>> steps_below_series(tree, "trend", known, ["orders"], 2)[0].numbers
    'growth([5, 6])'
    """
    periods = len(known[metric])
    why = WhySeries(_computed(tree, metric, given), known, periods)

    def numbers(formula: Formula) -> str:
        return _series_numbers(formula, known, position)

    return _steps(
        tree,
        metric,
        given,
        value_of=lambda name: known[name][position],
        numbers=numbers,
        why=lambda name: why(name, position),
    )


def _computed(tree: ResolvedTree, metric: str, given: Collection[str]) -> dict[str, Formula]:
    """Return the formulas by which a metric came about."""
    found: dict[str, Formula] = {}
    waiting = [metric]
    while waiting:
        name = waiting.pop()
        formula = None if name in given or name in found else tree.formulas.get(name)
        if formula is not None:
            found[name] = formula
            waiting += formula.references
    return found


def _steps(
    tree: ResolvedTree,
    metric: str,
    given: Collection[str],
    *,
    value_of: Callable[[str], float | None],
    numbers: Callable[[Formula], str],
    why: Callable[[str], Reason],
) -> tuple[Step, ...]:
    steps: list[Step] = []
    told: set[str] = set()
    waiting = [(metric, 0)]
    while waiting:
        name, depth = waiting.pop()
        body, value = tree.metrics[name], value_of(name)
        formula = None if name in given else tree.formulas.get(name)
        if formula is None:
            origin = "given" if name in given else _ORIGINS.get(body.kind, "given")
            text = definition_text(body) if origin == "measured" else None
            step = Step(name, depth, value, body.unit, origin, text, span=_place(tree, name))
        elif name in told:
            step = Step(name, depth, value, body.unit, "shown above")
        else:
            told.add(name)
            step = Step(
                name,
                depth,
                value,
                body.unit,
                "computed",
                str(formula),
                numbers(formula),
                reason_note(name, why(name)) if value is None else _odd(body, value),
                _place(tree, name),
            )
            waiting += [(below, depth + 1) for below in reversed(formula.references)]
        steps.append(step)
    return tuple(steps)


def _odd(metric: Metric, value: float) -> str | None:
    """Return what the tree itself says against a value, if it does."""
    low, high = metric.range or (None, None)
    if (low is None or low <= value) and (high is None or value <= high):
        return None
    ends = ["any" if end is None else number_text(end) for end in (low, high)]
    return f"outside of its range [{', '.join(ends)}]"


def _place(tree: ResolvedTree, metric: str) -> Span | None:
    """Return where the formula or the measure of a metric stands, else its name."""
    body = tree.metrics[metric]
    for field in ("formula", "measure", "value"):
        if getattr(body, field) is not None:
            return tree.places.span(("metrics", metric, field))
    return tree.places.span(("metrics", metric), key=True)


# --- formulas with the numbers put in


def with_numbers(formula: Formula, known: Mapping[str, float | None]) -> str:
    """Return a formula with values in place of its references, brackets as they are needed.

    A number has seven digits that count where the value of the formula does not need more.

    >>> from metrictree.formula import parse
    >>> with_numbers(parse("(a - b) ** 2 / c"), {"a": 1.0, "b": -2.0, "c": 1 / 3})
    '(1 - (-2)) ** 2 / 0.3333333'
    >>> with_numbers(parse("a * b"), {"a": -1.5, "b": None})
    '-1.5 * missing'
    """
    values = {name: known[name] for name in formula.references}
    short = {name: _short(value) for name, value in values.items()}
    if short != values and _same(evaluate(formula, short), evaluate(formula, values)):
        values = short
    return _with_texts(formula, {}, values)


def _series_numbers(formula: Formula, known: Mapping[str, Series], position: int) -> str:
    values: Mapping[str, Series] = {name: known[name] for name in formula.references}
    periods = position + 1
    short = {name: tuple(map(_short, value)) for name, value in values.items()}
    exact = evaluate_series(formula, values, len(next(iter(known.values()), (None,) * periods)))
    if short != values and _same(
        evaluate_series(formula, short, len(exact))[position], exact[position]
    ):
        values = short
    nodes = node_series(formula, values, len(exact))
    texts = {
        index: _over_time(formula, node, nodes[node.args[0]], position)
        for index, node in enumerate(formula.nodes)
        if node.op == "call" and node.value in OVER_TIME
    }
    return _with_texts(formula, texts, {name: values[name][position] for name in values})


def _over_time(formula: Formula, node: Node, series: Sequence[Any], position: int) -> str:
    """Return a call of a function over time with the values that it looks at."""
    count = int(formula.nodes[node.args[1]].value) if len(node.args) > 1 else 1
    reach = count if node.value in ("lag", "change", "growth") else count - 1
    first = 0 if node.value == "cumulative" else position - reach
    looked_at = list(range(first, position + 1))
    shown: list[int | None] = list(looked_at)
    if len(shown) > _WINDOW:
        shown = [*looked_at[:3], None, *looked_at[-3:]]
    texts = [
        "..."
        if at is None
        else "no period"
        if at < 0
        else MISSING
        if series[at] is None
        else number_text(_short(series[at]) + 0.0)
        for at in shown
    ]
    tail = f", {count}" if len(node.args) > 1 else ""
    return f"{node.value}([{', '.join(texts)}]{tail})"


def _with_texts(
    formula: Formula, texts: Mapping[int, str], values: Mapping[str, float | None]
) -> str:
    behind = {node.args[1] for node in formula.nodes if node.op in _ARITHMETIC}
    nodes = []
    for index, node in enumerate(formula.nodes):
        if index in texts:
            nodes.append(Node("ref", (), texts[index], 0, 0))
        elif node.op == "ref":
            value = values[node.value]
            if value is None:
                nodes.append(Node("ref", (), MISSING, 0, 0))
            elif value < 0 and index in behind:  # two signs in a row are hard to read
                nodes.append(Node("ref", (), f"({number_text(value)})", 0, 0))
            else:
                nodes.append(Node("number", (), value + 0.0, 0, 0))
        else:
            nodes.append(node)
    return str(Formula(tuple(nodes), ""))


def _short(value: Any) -> Any:
    """Return a number with few digits that count."""
    if value is None or value == 0 or not math.isfinite(value) or float(value).is_integer():
        return value
    rounded = round(value, max(_DIGITS - 1 - math.floor(math.log10(abs(value))), 0))
    return rounded or value  # the smallest ones would become zero


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=_CLOSE)


# --- in words


def describe(
    tree: ResolvedTree,
    metric: str,
    actual: float | None,
    expected: float | None,
    *,
    why: str | None = None,
    period: int | None = None,
) -> str:
    """Return in a sentence what a metric is, what was expected, and how far apart they are.

    ``why`` is the reason for a missing value, ``period`` the place of a period, 0 for the first.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="rate",
    ...     metrics={
    ...         "rate": {"formula": "orders / visits", "unit": "%"},
    ...         "visits": None,
    ...         "orders": {"unit": "order"},
    ...     },
    ... )
    >>> describe(tree, "orders", 270.0, 300.0)
    'orders is 270 order, expected 300 order: 30 less (-10 %)'
    >>> describe(tree, "rate", 0.25, 0.3)
    'rate is 0.25 (25 %), expected 0.3 (30 %): 0.05 less (-16.7 %)'
    """
    body = tree.metrics[metric]
    head = metric if period is None else f"{metric} in period {period + 1}"
    if actual is None or expected is None:
        because = f" ({why})" if actual is None and why else ""
        told = f"{head} is {_told(body, actual)}{because}"
        return f"{told}, expected {_told(body, expected)}"
    one, other = _apart(actual, expected)
    message = f"{head} is {_told(body, actual, one)}, expected {_told(body, expected, other)}"
    return f"{message}: {_difference(actual, expected)}" if actual != expected else message


def _told(metric: Metric, value: float | None, text: str | None = None) -> str:
    """Return a value as a test writes it, and as the tree shows it if that is something else."""
    if value is None:
        return MISSING
    text = text or _written(value)
    unit = unit_beside(metric)
    if unit is None and metric.unit is not None:  # a percent or a duration
        return f"{text} ({format_value(metric, value)})"
    return text if unit is None or unit == "ratio" else f"{text} {unit}"


def _written(value: float) -> str:
    """Return a number with all of its digits, grouped."""
    return f"{value + 0.0:,}".removesuffix(".0")


def _apart(actual: float, expected: float) -> tuple[str, str]:
    """Return two numbers with all digits if these are few, else with enough to see the difference.

    >>> _apart(1 / 3, 0.25), _apart(1 / 3, 0.3333333)
    (('0.333333', '0.25'), ('0.3333333333', '0.3333333'))
    """
    apart = abs(actual - expected)
    for digits in (6, 8, 10, 12, 15):
        numbers = [
            value if len(repr(value)) <= _LONG else float(f"{value:.{digits}g}")
            for value in (actual, expected)
        ]
        if abs(abs(numbers[0] - numbers[1]) - apart) <= 0.01 * apart:
            return _written(numbers[0]), _written(numbers[1])
    return _written(actual), _written(expected)


def _difference(actual: float, expected: float) -> str:
    apart = actual - expected
    if not math.isfinite(apart):
        return "the difference is past float64"
    text = f"{_written(float(f'{abs(apart):.7g}'))} {'more' if apart > 0 else 'less'}"
    share = apart / abs(expected) if expected else math.nan
    if not 1e-6 <= abs(share) < math.inf:
        return text
    if actual / expected >= 10:
        return f"{text} ({format_number(actual / expected)} times as much)"
    return f"{text} ({'+' if share > 0 else ''}{format_number(share, form='percent')})"
