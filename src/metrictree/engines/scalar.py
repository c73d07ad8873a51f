"""The scalar engine: the reference for what a formula means, written to be read.

It applies the operations of ``formula.meaning`` node by node. All other engines must agree with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from metrictree.engines.base import Reason
from metrictree.formula.meaning import Rule, Value, apply, broken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metrictree.formula import Formula
    from metrictree.formula.nodes import Node

__all__ = ["evaluate", "explain", "node_values", "operands_of", "why_here"]


def _node_value(node: Node, args: Sequence[Value], lookup: Mapping[str, float | None]) -> Value:
    op, _, value, *_ = node
    if op == "ref":
        return lookup[value]
    if op == "number":
        return float(value)
    if op == "null":
        return None
    return apply(value if op == "call" else op, args, value)


def node_values(formula: Formula, lookup: Mapping[str, float | None]) -> list[Value]:
    """Return the value of every node."""
    values: list[Value] = []
    for node in formula.nodes:
        values.append(_node_value(node, [values[index] for index in node.args], lookup))
    return values


def evaluate(formula: Formula, lookup: Mapping[str, float | None]) -> float | None:
    """Return the value of a formula for the values of its references; ``None`` is missing.

    >>> from metrictree.formula import parse
    >>> evaluate(parse("orders / visits"), {"orders": 5.0, "visits": 20.0})
    0.25
    >>> evaluate(parse("orders / visits"), {"orders": 5.0, "visits": 0.0}) is None
    True
    """
    result = node_values(formula, lookup)[-1]
    return None if result is None else result + 0.0  # -0.0 becomes 0.0


def explain(metric: str, formula: Formula, lookup: Mapping[str, float | None]) -> Reason:
    """Return why the value of a formula is missing: the operation at which it broke.

    >>> from metrictree.formula import parse
    >>> print(explain("rate", parse("orders / visits"), {"orders": 5.0, "visits": 0.0}))
    rate = orders / visits is missing: division by zero (orders is 5, visits is 0)
    """
    values = node_values(formula, lookup)
    index = len(values) - 1
    while not isinstance(found := why_here(formula, values, index), Rule):
        index = found
    return Reason(metric, found, str(formula), operands_of(formula, values, index))


def why_here(formula: Formula, values: Sequence[Value], index: int) -> int | Rule:
    """Return why a node of one period is missing: the node that made it so, or the rule."""
    node = formula.nodes[index]
    args = node.args
    if node.op == "if":
        return args[1] if values[args[0]] else args[2]
    if node.op == "ref":
        return Rule.INPUT_MISSING
    if node.op == "null":
        return Rule.NULL
    missing = [arg for arg in args if values[arg] is None]
    if missing and node.op == "call" and node.value == "coalesce":
        return args[-1]  # all of them are missing: the last one decides
    if missing:
        return missing[0]
    return broken(node.value if node.op == "call" else node.op, [values[arg] for arg in args])


def operands_of(formula: Formula, values: Sequence[Value], index: int) -> dict[str, float | None]:
    """Return the operands of a node by their text, numbers as they are written left out."""
    operands: dict[str, float | None] = {}
    node = formula.nodes[index]
    for arg in node.args if node.op != "ref" else (index,):
        node, value = formula.nodes[arg], values[arg]
        if node.op != "number" and not isinstance(value, bool):
            name = node.value if node.op == "ref" else formula.text[node.start : node.end]
            operands[str(name)] = value
    return operands
