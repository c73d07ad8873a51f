"""Where missing values come from: rows are walked down together, from targets to where they broke.

A row goes the way that `engines.scalar` and `engines.series` would explain it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from metrictree.engines.arrays.program import evaluate
from metrictree.engines.diagnosis.reasons import Example, MissingRows, Reasons
from metrictree.formula import FUNCTIONS
from metrictree.formula.meaning import Rule, broken
from metrictree.plan import Builder, make_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from metrictree.engines.arrays.program import Read
    from metrictree.engines.arrays.timeline import Timeline
    from metrictree.formula import Formula
    from metrictree.formula.nodes import Node
    from metrictree.plan import Plan
    from metrictree.resolved import ResolvedTree

    Floats = NDArray[np.float64]
    Rows = NDArray[np.int64]

__all__ = ["Origins", "Part", "reading"]


class Origins:
    """Counts of rows by where they broke, over the parts of one frame."""

    def __init__(self, tree: ResolvedTree, plan: Plan) -> None:
        self.tree = tree
        self.targets = plan.targets
        self.plan = make_plan(tree, (*plan.formulas, *plan.leaves))
        """Every metric on the way: the caller's plan may have folded some of them away."""
        self.counts: dict[tuple[str, Rule], int] = {}
        self.examples: dict[tuple[str, Rule], Example] = {}

    def add(self, part: Part) -> None:
        """Count the rows of a part in which a target is missing."""
        found: defaultdict[tuple[str, Rule], list[tuple[Rows, Rows]]] = defaultdict(list)
        waiting: defaultdict[str, list[tuple[Rows, Rows]]] = defaultdict(list)
        for target in self.targets:
            rows = np.flatnonzero(np.isnan(part.values[target]))
            if len(rows):
                waiting[target].append((rows, rows))
        for metric in reversed(self.plan.formulas):
            if metric in waiting:
                at, row = _distinct(waiting.pop(metric))
                walk = _Walk(self.tree.formulas[metric], part, at, row)
                for rule, ats, rows in walk.ends:
                    found[metric, rule].append((ats, rows))
                for below, ats, rows in walk.below:
                    waiting[below].append((ats, rows))
        for leaf, pairs in waiting.items():
            found[leaf, Rule.INPUT_MISSING] += pairs
        for key, pairs in found.items():
            at, row = _distinct(pairs)
            self.counts[key] = self.counts.get(key, 0) + len(np.unique(row))
            if key not in self.examples:
                formula = self.tree.formulas.get(key[0])
                names = formula.references if formula is not None else (key[0],)
                self.examples[key] = part.example(int(at.min()), names)

    def reasons(self) -> Reasons:
        """Return the counts, most rows first."""
        order = {metric: number for number, metric in enumerate(self.tree.metrics)}
        keys = sorted(self.counts, key=lambda key: (-self.counts[key], order[key[0]], key[1]))
        formulas = self.tree.formulas
        return Reasons(
            [
                MissingRows(
                    metric,
                    rule,
                    self.counts[metric, rule],
                    self.examples[metric, rule],
                    str(formulas[metric]) if metric in formulas else None,
                )
                for metric, rule in keys
            ]
        )


def _distinct(pairs: Sequence[tuple[Rows, Rows]]) -> tuple[Rows, Rows]:
    """Return every pair once: where to look, and the row that counts."""
    if len(pairs) == 1:
        return pairs[0]
    at = np.concatenate([pair[0] for pair in pairs])
    row = np.concatenate([pair[1] for pair in pairs])
    both = np.unique(np.stack((at, row)), axis=1)
    return both[0], both[1]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows with the values of every metric that their targets need."""

    values: Mapping[str, Floats]
    rows: int
    timeline: Timeline | None
    place: Callable[[int], tuple[int | None, Mapping[str, Any]]]
    """Gives the position of a row in the frame, its time and its dimensions."""

    def example(self, row: int, names: Sequence[str]) -> Example:
        """Return a row as an example, with the values of some metrics."""
        number, at = self.place(row)
        values = [float(self.values[name][row]) for name in names]
        inputs = {
            name: None if value != value else value + 0.0  # noqa: PLR0124 - NaN is missing
            for name, value in zip(names, values, strict=True)
        }
        return Example(number, dict(at), inputs)


class _Walk:
    """The way down a formula of all rows in which it is missing, as `engines.scalar` explains one.

    ``at`` are the rows to look at and ``row`` those that count: over time they may differ.
    """

    def __init__(self, formula: Formula, part: Part, at: Rows, row: Rows) -> None:
        self.nodes = formula.nodes
        self.timeline = part.timeline
        self.values = _node_values(formula, part)
        self.ends: list[tuple[Rule, Rows, Rows]] = []
        """By which rule it broke here, and in which rows."""
        self.below: list[tuple[str, Rows, Rows]] = []
        """The metrics that were missing already, and in which rows."""
        self.waiting = [(len(self.nodes) - 1, at, row)]
        while self.waiting:
            index, at, row = self.waiting.pop()
            if len(at):
                self._step(index, at, row)

    def _step(self, index: int, at: Rows, row: Rows) -> None:
        """Go on from a node that is missing in all these rows."""
        node = self.nodes[index]
        if node.op == "ref":
            self.below.append((node.value, at, row))
        elif node.op == "null":
            self._end(Rule.NULL, at, row)
        elif node.op == "if":
            condition, then, otherwise = node.args
            taken = self.values[condition][at] == 1
            self.waiting.append((then, at[taken], row[taken]))
            self.waiting.append((otherwise, at[~taken], row[~taken]))
        elif node.op == "call" and node.value == "coalesce":
            self.waiting.append((node.args[-1], at, row))  # all are missing: the last one decides
        elif node.op == "call" and FUNCTIONS[node.value].over_time:
            self._over_time(node, at, row)
        else:
            for arg in node.args:
                at, row = self._missing_goes_to(arg, at, row)
            op = node.value if node.op == "call" else node.op
            self._broken(op, [self.values[arg][at] for arg in node.args], at, row)

    def _end(self, rule: Rule, at: Rows, row: Rows) -> None:
        if len(at):
            self.ends.append((rule, at, row))

    def _missing_goes_to(self, index: int, at: Rows, row: Rows) -> tuple[Rows, Rows]:
        """Go on from a node in the rows in which it is missing, and return the others."""
        missing = np.isnan(self.values[index][at])
        self.waiting.append((index, at[missing], row[missing]))
        return at[~missing], row[~missing]

    def _broken(self, op: str, operands: Sequence[Floats], at: Rows, row: Rows) -> None:
        """Tell by which rule an operation has no result for operands that are there.

        Rules look at the sign of an operand and at whether it is whole, or there is only one; so
        one row stands for all that are alike.
        """
        if not len(at):
            return
        alike = np.zeros(len(at), np.int64)
        for operand in operands:
            alike = alike * 6 + (np.sign(operand) + 1) * 2 + (np.floor(operand) == operand)
        _, firsts, groups = np.unique(alike, return_index=True, return_inverse=True)
        for group, first in enumerate(firsts.tolist()):
            rule = broken(op, [float(operand[first]) for operand in operands])
            self._end(rule, at[groups == group], row[groups == group])

    # --- over time

    def _over_time(self, node: Node, at: Rows, row: Rows) -> None:
        name, x = node.value, node.args[0]
        if name == "cumulative":
            self._cumulative(x, at, row)
            return
        periods = int(self.nodes[node.args[1]].value) if len(node.args) > 1 else 1
        if name.startswith("rolling"):
            self._window(x, periods, at, row)
            return
        here = at
        if name != "lag":
            here, row = self._missing_goes_to(x, here, row)
        before, here, row = self._before(periods, here, row)
        missing = np.isnan(self.values[x][before])
        self.waiting.append((x, before[missing], row[missing]))
        now, then = self.values[x][here[~missing]], self.values[x][before[~missing]]
        self._broken("/" if name == "growth" else "-", [now, then], here[~missing], row[~missing])

    def _before(self, periods: int, at: Rows, row: Rows) -> tuple[Rows, Rows, Rows]:
        """Return the rows so many periods before, and the rows that have one."""
        assert self.timeline is not None
        before = self.timeline.previous(periods)[at]
        there = before >= 0
        self._end(Rule.NO_HISTORY, at[~there], row[~there])
        return before[there], at[there], row[there]

    def _window(self, x: int, periods: int, at: Rows, row: Rows) -> None:
        _, at, row = self._before(periods - 1, at, row)
        assert self.timeline is not None
        for back in range(periods - 1, -1, -1):  # the oldest one first
            before = self.timeline.previous(back)[at]
            missing = np.isnan(self.values[x][before])
            self.waiting.append((x, before[missing], row[missing]))
            at, row = at[~missing], row[~missing]
        self._end(Rule.OVERFLOW, at, row)

    def _cumulative(self, x: int, at: Rows, row: Rows) -> None:
        """Go on from the first period that is missing; without one, the sum is past float64."""
        timeline = self.timeline
        assert timeline is not None
        rank = np.empty(len(timeline.order), np.int64)
        rank[timeline.order] = np.arange(len(timeline.order))
        missing = np.isnan(self.values[x])[timeline.order]
        starts = np.searchsorted(timeline.starts, rank[at], side="right") - 1
        places = np.append(np.flatnonzero(missing), len(missing))
        first = places[np.searchsorted(places, timeline.starts[starts])]
        broke = first <= rank[at]
        self.waiting.append((x, timeline.order[first[broke]], row[broke]))
        self._end(Rule.OVERFLOW, at[~broke], row[~broke])


def reading(values: Floats) -> Read:
    """Return what reads a column that is there already."""
    return lambda low, high: values[low:high]


_CONDITIONS: Final = frozenset({"compare", "and", "or", "not", "is_missing"})


def _node_values(formula: Formula, part: Part) -> dict[int, Floats]:
    """Return the value of each node that is a number, and 1 where a choice takes ``then``."""
    nodes = formula.nodes
    builder = Builder()
    positions = {name: builder.add("input", (), name) for name in formula.references}
    made = builder.formula(formula, positions)
    one, zero = builder.constant(1.0), builder.constant(0.0)
    for node in nodes:
        if node.op == "if":
            made[node.args[0]] = builder.of("if", made[node.args[0]], one, zero)
    chosen = {node.args[0] for node in nodes if node.op == "if"}
    wanted = {
        str(index): made[index]
        for index, (op, _, value, *_) in enumerate(nodes)
        if index in chosen or (value if op == "call" else op) not in _CONDITIONS
    }
    plan = builder.plan(positions | wanted, formula.references, (), tuple(wanted))
    readers = [reading(part.values[name]) for name in formula.references]
    values = evaluate(plan, readers, part.rows, plan.targets, periods=part.timeline)
    return {int(index): column for index, column in values.items()}
