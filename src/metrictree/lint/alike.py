"""Finds metrics that take their value in the same way, whatever the order of sums and products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrictree.formula import Formula
    from metrictree.formula.nodes import Node
    from metrictree.resolved import ResolvedTree

__all__ = ["alike"]

_CHAINS: Final = {"+": "+", "-": "+", "*": "*", "/": "*", "and": "and", "or": "or"}
"""Operators whose operands may stand in any order, each with its sign."""
_ANY_ORDER: Final = frozenset(("min", "max", "sum", "mean"))
_TURNED: Final = {">": "<", ">=": "<=", "==": "==", "!=": "!="}

Chain = list[tuple[int, int]]
"""Operands by number, each with 1, or -1 where it is subtracted or divided by."""


def alike(tree: ResolvedTree) -> Iterator[tuple[str, ...]]:
    """Yield the groups of metrics with the same formula, or the same measure, in document order.

    >>> from metrictree import MetricTree
    >>> metrics = {"rate": "paid / 2 * orders", "paid": None, "orders": None, "x": "orders*paid/2"}
    >>> tree = MetricTree(north_star="rate", metrics=metrics)
    >>> list(alike(tree._tree))
    [('rate', 'x')]
    """
    rough: dict[Any, list[str]] = {}
    for metric, formula in tree.formulas.items():
        if formula.references:
            rough.setdefault(frozenset(formula.references), []).append(metric)
    for metric, measure in tree.measures.items():
        columns = frozenset(measure.aggregate.references)
        rough.setdefault((measure.source, columns), []).append(metric)
    numbers = _Numbers()
    for metrics in rough.values():
        if len(metrics) > 1:
            groups: dict[tuple[int, ...], list[str]] = {}
            for metric in metrics:
                groups.setdefault(_key(tree, metric, numbers), []).append(metric)
            yield from (tuple(group) for group in groups.values() if len(group) > 1)


def _key(tree: ResolvedTree, metric: str, numbers: _Numbers) -> tuple[int, ...]:
    measure = tree.measures.get(metric)
    if measure is None:
        return (numbers.of(tree.formulas[metric]),)
    return tuple(
        numbers.of(part) for part in (measure.aggregate, measure.where) if part is not None
    )


class _Numbers:
    """Gives every formula a number; those that say the same have the same one."""

    def __init__(self) -> None:
        self._known: dict[Any, int] = {}

    def of(self, formula: Formula) -> int:
        """Return the number of a formula; no recursion, however deep it is."""
        parts: list[int | tuple[str, Chain]] = []
        for node in formula.nodes:
            kind = _CHAINS.get(node.op)
            if kind is None:
                parts.append(self._number(self._plain(node, parts)))
            else:
                left = self._chain(parts[node.args[0]], kind)
                if node.op in ("-", "/"):
                    right = [(self._closed(parts[node.args[1]]), -1)]
                else:
                    right = self._chain(parts[node.args[1]], kind)
                if len(left) < len(right):  # the longer list takes the shorter one in
                    left, right = right, left
                left += right
                parts.append((kind, left))
        return self._closed(parts[-1])

    def _chain(self, part: int | tuple[str, Chain], kind: str) -> Chain:
        if isinstance(part, tuple) and part[0] == kind:
            return part[1]
        return [(self._closed(part), 1)]

    def _closed(self, part: int | tuple[str, Chain]) -> int:
        if isinstance(part, int):
            return part
        kind, operands = part
        return self._number((kind, *sorted(operands)))

    def _plain(self, node: Node, parts: list[int | tuple[str, Chain]]) -> tuple[Any, ...]:
        args = [self._closed(parts[position]) for position in node.args]
        value = node.value
        if node.op == "call" and value in _ANY_ORDER:
            args.sort()
        elif node.op == "compare" and len(value) == 1 and value[0] in _TURNED:
            value = (_TURNED[value[0]],)
            args = sorted(args) if value[0] in ("==", "!=") else args[::-1]
        elif node.op in ("in", "not in"):
            value = frozenset(value)
        return (node.op, value, *args)

    def _number(self, key: tuple[Any, ...]) -> int:
        return self._known.setdefault(key, len(self._known))
