"""The oracle for functions over time: formulas over lists of values, one for each period.

It applies ``formula.meaning`` node by node. All other engines must agree with it.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.base import Reason
from metrictree.engines.compute import absent_value, check_names, checked, missing_advice
from metrictree.engines.scalar import operands_of, why_here
from metrictree.errors import ComputeError
from metrictree.formula.meaning import OVER_TIME, Rule, apply, over_time
from metrictree.formula.printer import number_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from metrictree.formula import Formula
    from metrictree.formula.nodes import Node
    from metrictree.plan import Plan
    from metrictree.resolved import ResolvedTree

__all__ = ["SeriesValues", "WhySeries", "compute_series", "evaluate_series", "node_series"]

_SHOWN: Final = 5
"""Periods and metrics that a text shows."""

Series = Sequence[float | None]


class SeriesValues(Mapping[str, tuple[float | None, ...]]):
    """Values of metrics by id, each a tuple of one for each period; ``None`` is missing.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(north_star="trend", metrics={"trend": "growth(orders)", "orders": None})
    >>> values = tree.compute_series({"orders": [0, 4, 5]})
    >>> values
    SeriesValues(3 periods: trend=(missing, missing, 0.25), orders=(0, 4, 5))
    >>> print(values.why("trend", 1))
    trend = growth(orders) is missing: division by zero (orders is 4, lag(orders) is 0)
    """

    __slots__ = ("_reason", "_values", "periods")

    def __init__(
        self,
        periods: int,
        values: Mapping[str, tuple[float | None, ...]],
        reason: Callable[[str, int], Reason],
    ) -> None:
        self.periods = periods
        """How many there are."""
        self._values = dict(values)
        self._reason = reason

    def __getitem__(self, metric: str) -> tuple[float | None, ...]:
        return self._values[metric]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        texts = [f"{metric}=({_told(self[metric])})" for metric in list(self)[:_SHOWN]]
        if len(self) > _SHOWN:
            texts.append(f"... {len(self) - _SHOWN:,} more")
        periods = "1 period" if self.periods == 1 else f"{self.periods:,} periods"
        return f"SeriesValues({periods}: {', '.join(texts)})"

    def __reduce__(self) -> tuple[Any, ...]:
        reasons = {
            (metric, position): self._reason(metric, position)
            for metric, values in self._values.items()
            for position, value in enumerate(values)
            if value is None
        }
        return _restored, (self.periods, self._values, reasons)

    def why(self, metric: str, position: int) -> Reason | None:
        """Return why a value is missing, from where it broke first; ``None`` if it is there.

        Raises:
            KeyError: the metric was not computed.
            IndexError: there is no such period.
        """
        missing = self._values[metric][position] is None
        return self._reason(metric, range(self.periods)[position]) if missing else None

    def to_dict(self) -> dict[str, list[float | None]]:
        """Return the values as plain data."""
        return {metric: list(values) for metric, values in self._values.items()}


def _told(values: Series) -> str:
    texts = ["missing" if value is None else number_text(value) for value in values[:_SHOWN]]
    return ", ".join(texts) + (", ..." if len(values) > _SHOWN else "")


def _restored(
    periods: int,
    values: Mapping[str, tuple[float | None, ...]],
    reasons: Mapping[tuple[str, int], Reason],
) -> SeriesValues:
    return SeriesValues(periods, values, lambda metric, position: reasons[metric, position])


def compute_series(
    tree: ResolvedTree, plan: Plan, inputs: Mapping[str, Any], *, strict: bool = False
) -> SeriesValues:
    """Return the values of the plan's targets for series of numbers, one for each period.

    Raises:
        ComputeError: inputs are unknown, absent, unusable or of several lengths; or, if
            ``strict``, a value is missing.
    """
    given: Any = inputs  # a caller may ignore the types
    if not isinstance(given, Mapping):
        message = f"the inputs are a {shown(type(given).__name__)}, no mapping"
        raise ComputeError([Diagnostic("VAL101", message, fix="give {metric id: numbers}")])
    problems = list(check_names(tree, inputs))
    columns = {
        metric: column
        for metric, given in inputs.items()
        if metric in tree.metrics and (column := sequence_of(given)) is not None
    }
    lengths = {metric: len(values) for metric, values in columns.items()}
    periods = next(iter(lengths.values()), 1)
    if len(set(lengths.values())) > 1:
        problems.append(_of_several_lengths(lengths))
    known: dict[str, Series] = {}
    for metric, one in inputs.items():  # what no target needs is checked as well
        if metric not in tree.metrics or metric in tree.formulas:
            continue
        if metric in columns:
            known[metric] = [
                checked(tree, metric, number, problems, f" in period {position}")
                for position, number in enumerate(columns[metric])
            ]
        else:
            known[metric] = [checked(tree, metric, one, problems)] * periods
    advice = "give it, None for missing, or choose targets that do not need it"
    for metric in plan.leaves:
        if metric not in known:
            constant = tree.metrics[metric].value
            if constant is None:
                problems.append(absent_value(tree, metric, advice))
            else:
                known[metric] = [constant + 0.0] * periods
    if problems:
        raise ComputeError(problems)
    for metric in plan.formulas:
        known[metric] = evaluate_series(tree.formulas[metric], known, periods)
    found = {metric: tuple(known[metric]) for metric in plan.targets}
    values = SeriesValues(periods, found, WhySeries(tree.formulas, known, periods))
    missing = [metric for metric in plan.targets if None in values[metric]] if strict else []
    if missing:
        raise ComputeError([_missing_error(tree, values, metric) for metric in missing])
    return values


def sequence_of(given: Any) -> Sequence[Any] | None:
    """Return the numbers of a list, or of a column such as NumPy's; ``None`` for anything else.

    As in frames, NaN is missing in a column; in a list it is a number that is refused.
    """
    if isinstance(given, (list, tuple)):
        return given
    if getattr(given, "shape", None) and len(given.shape) == 1:
        return [None if _is_null(value) else value for value in given]
    return None


def _is_null(value: Any) -> bool:
    if type(value).__name__ == "NAType":
        return True
    return isinstance(value, numbers.Real) and value != value  # noqa: PLR0124 - NaN


def _of_several_lengths(lengths: Mapping[str, int]) -> Diagnostic:
    first, length = next(iter(lengths.items()))
    other, another = next(item for item in lengths.items() if item[1] != length)
    return Diagnostic(
        "VAL116",
        f"'{first}' has {length:,} periods and '{other}' has {another:,}",
        metric=other,
        fix="give each one as many values, None where one is missing",
    )


def _missing_error(tree: ResolvedTree, values: SeriesValues, metric: str) -> Diagnostic:
    first = values[metric].index(None)
    reason = values.why(metric, first)
    count = values[metric].count(None)
    return Diagnostic(
        "VAL109",
        f"metric '{metric}' is missing in {count:,} of {values.periods:,} periods, first in period "
        f"{first} because {reason}",
        tree.places.span(("metrics", metric), key=True),
        metric=metric,
        fix=missing_advice(reason),
    )


# --- formulas over lists


def evaluate_series(formula: Formula, lookup: Mapping[str, Series], periods: int) -> Series:
    """Return the values of a formula for those of its references, which are gapless series.

    >>> from metrictree.formula import parse
    >>> evaluate_series(parse("orders + lag(orders)"), {"orders": [1.0, 2.0, 5.0]}, 3)
    [None, 3.0, 7.0]
    """
    result: Series = node_series(formula, lookup, periods)[-1]
    return [None if value is None else value + 0.0 for value in result]  # -0.0 becomes 0.0


def node_series(
    formula: Formula, lookup: Mapping[str, Series], periods: int
) -> list[Sequence[Any]]:
    """Return the values of every node, for every period."""
    made: list[Sequence[Any]] = []
    for op, operands, value, *_ in formula.nodes:
        args = [made[index] for index in operands]
        if op == "ref":
            made.append(lookup[value])
        elif op == "number":
            made.append([float(value)] * periods)
        elif op == "null":
            made.append([None] * periods)
        elif op == "call" and value in OVER_TIME:
            made.append(over_time(value, args[0], _window(formula, operands)))
        else:
            name = value if op == "call" else op
            made.append([apply(name, one, value) for one in zip(*args, strict=True)])
    return made


def _window(formula: Formula, operands: Sequence[int]) -> int:
    """Return the number of periods that is written as second argument."""
    return int(formula.nodes[operands[1]].value) if len(operands) > 1 else 1


# --- reasons


class WhySeries:
    """Finds the reason for a missing value, from the values of all that was computed."""

    def __init__(
        self, formulas: Mapping[str, Formula], known: Mapping[str, Series], periods: int
    ) -> None:
        self.formulas = formulas
        self.known = known
        self.periods = periods
        self.nodes: dict[str, list[Sequence[Any]]] = {}
        # A long chain is walked once, not from each metric and period.
        self.found: dict[tuple[str, int], tuple[Reason, int]] = {}

    def __call__(self, metric: str, position: int) -> Reason:
        """Return why a metric is missing in a period, from where it broke first."""
        asked = position
        passed = []
        while (metric, position) not in self.found:
            passed.append((metric, position))
            if metric not in self.formulas:
                reason = Reason(metric, Rule.INPUT_MISSING, None, {})
                self.found[metric, position] = reason, position
                break
            reason, position = self._explain(metric, position)
            if reason.rule is not Rule.INPUT_MISSING:
                self.found[passed[-1]] = reason, position
                metric, position = passed[-1]
                break
            metric = next(iter(reason.operands))
        reason, broke = self.found[metric, position]
        self.found.update(dict.fromkeys(passed, (reason, broke)))
        return replace(reason, before=asked - broke)

    def _explain(self, metric: str, position: int) -> tuple[Reason, int]:
        """Return the operation at which a formula broke, and the period in which it did."""
        formula = self.formulas[metric]
        if metric not in self.nodes:
            self.nodes[metric] = node_series(formula, self.known, self.periods)
        nodes = self.nodes[metric]
        index = len(nodes) - 1
        while True:
            node = formula.nodes[index]
            found: int | Rule
            if node.op == "call" and node.value in OVER_TIME:
                back = _window(formula, node.args)
                found = _look_back(node.value, nodes[node.args[0]], back, position)
                if not isinstance(found, Rule):
                    index, position = node.args[0], found
                    continue
                operands = {}
                if node.value in ("change", "growth") and found is not Rule.NO_HISTORY:
                    operands = _compared(formula, node, nodes[node.args[0]], position)
            else:
                values = [series[position] for series in nodes]
                found = why_here(formula, values, index)
                if not isinstance(found, Rule):
                    index = found
                    continue
                operands = operands_of(formula, values, index)
            return Reason(metric, found, str(formula), operands), position


def _look_back(name: str, series: Series, periods: int, position: int) -> int | Rule:
    """Return why a function over time is missing: the period in which its operand is, or the rule.

    >>> _look_back("rolling_sum", [1.0, None, 3.0], 2, 2)
    1
    """
    looked_at: Sequence[int] = range(position - periods + 1, position + 1)
    if name == "lag":
        looked_at = [position - periods]
    elif name in ("change", "growth"):
        looked_at = [position, position - periods]
    elif name == "cumulative":
        looked_at = range(position + 1)
    for at in looked_at:
        if at < 0:
            return Rule.NO_HISTORY
        if series[at] is None:
            return at
    if name == "growth" and series[position - periods] == 0:
        return Rule.ZERO_DIVISION
    return Rule.OVERFLOW


def _compared(
    formula: Formula, node: Node, series: Series, position: int
) -> dict[str, float | None]:
    """Return the two values that ``change`` or ``growth`` compares, by their text."""
    operand = formula.nodes[node.args[0]]
    name = formula.text[operand.start : operand.end]
    back = _window(formula, node.args)
    lagged = f"lag({name}, {back})" if back > 1 else f"lag({name})"
    return {name: series[position], lagged: series[position - back]}
