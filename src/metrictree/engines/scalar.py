"""The scalar engine: the reference for what a formula means, written to be read.

It computes with Python floats, ``None`` is missing, and every rule of the missing-value table
stands here once. All other engines must agree with it.
"""

from __future__ import annotations

import functools
import math
import operator
from typing import TYPE_CHECKING, Any, Final

from metrictree.engines.base import Reason, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from metrictree.formula import Formula
    from metrictree.formula.nodes import Node

__all__ = ["evaluate", "explain"]

Value = float | bool | None
"""Of a node: a number, the truth of a condition, or missing."""


class _Undefined(Exception):  # noqa: N818 - caught where it is raised for: the value is missing
    """An operation has no value for these operands, by a rule of the table."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule)
        self.rule = rule


# --- arithmetic on numbers that are there


def _divide(a: float, b: float) -> float:
    if b == 0:
        raise _Undefined(Rule.ZERO_DIVISION)
    return a / b


def _modulo(a: float, b: float) -> float:
    if b == 0:
        raise _Undefined(Rule.ZERO_DIVISION)
    return a % b


def _power(a: float, b: float) -> float:
    if a == 0 and b < 0:
        raise _Undefined(Rule.ZERO_DIVISION)
    if a < 0 and not b.is_integer():
        raise _Undefined(Rule.DOMAIN)
    return math.pow(a, b)


def _sqrt(x: float) -> float:
    if x < 0:
        raise _Undefined(Rule.DOMAIN)
    return math.sqrt(x)


def _logarithm(function: Callable[[float], float]) -> Callable[[float], float]:
    def logarithm(x: float) -> float:
        if x <= 0:
            raise _Undefined(Rule.DOMAIN)
        return function(x)

    return logarithm


def _round(x: float, digits: float = 0.0) -> float:
    if not digits.is_integer():
        raise _Undefined(Rule.DOMAIN)
    if digits > 308:
        return x  # no float64 has a digit there
    if digits < -308:
        return 0.0
    scale = math.pow(10.0, digits)
    scaled = x * scale
    if abs(scaled) >= 2**52:
        return x  # no float64 of this size has a digit there
    return round(scaled) / scale


def _clip(x: float, low: float, high: float) -> float:
    if low > high:
        raise _Undefined(Rule.DOMAIN)
    return min(max(x, low), high)


def _sum(*values: float) -> float:
    # As a + b + c; Python's own sum() carries a correction from 3.12 on.
    return functools.reduce(operator.add, values)


ARITHMETIC: Final[Mapping[str, Callable[..., float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": _modulo,
    "**": _power,
    "neg": operator.neg,
}

FUNCTIONS: Final[Mapping[str, Callable[..., float]]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "sum": _sum,
    "mean": lambda *values: _sum(*values) / len(values),
    "sqrt": _sqrt,
    "exp": math.exp,
    "log": _logarithm(math.log),
    "log10": _logarithm(math.log10),
    "floor": lambda x: float(math.floor(x)),
    "ceil": lambda x: float(math.ceil(x)),
    "round": _round,
    "clip": _clip,
    "sign": lambda x: float((x > 0) - (x < 0)),
    "safe_div": lambda a, b, otherwise: otherwise if b == 0 else a / b,
    "pow": _power,
}
"""Functions of which every argument must be there; `coalesce` and `is_missing` look at missing."""

COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _number(function: Callable[..., float], args: Sequence[Value]) -> float | None:
    """Apply arithmetic: missing in, missing out; what is undefined or past float64 is missing."""
    if None in args:
        return None
    result = _finite(function, args)
    return result if isinstance(result, float) else None


def _finite(function: Callable[..., float], args: Sequence[Value]) -> float | Rule:
    """Apply arithmetic to numbers that are there; give the rule by which there is no result."""
    try:
        result = function(*args)
    except _Undefined as undefined:
        return undefined.rule
    except OverflowError:
        return Rule.OVERFLOW
    return float(result) if math.isfinite(result) else Rule.OVERFLOW


def _and(a: Value, b: Value) -> bool | None:
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def _or(a: Value, b: Value) -> bool | None:
    if a is True or b is True:
        return True
    return None if a is None or b is None else False


def _compare(operators: Sequence[str], args: Sequence[Value]) -> bool | None:
    result: bool | None = True
    for symbol, left, right in zip(operators, args, args[1:], strict=False):
        one = None if left is None or right is None else COMPARISONS[symbol](left, right)
        result = _and(result, one)
    return result


def _node_value(node: Node, args: Sequence[Value], lookup: Mapping[str, float | None]) -> Value:
    op, _, value, *_ = node
    if op == "ref":
        return lookup[value]
    if op == "number":
        return float(value)
    if op == "null":
        return None
    if op in ARITHMETIC:
        return _number(ARITHMETIC[op], args)
    if op == "compare":
        return _compare(value, args)
    if op == "and":
        return _and(*args)
    if op == "or":
        return _or(*args)
    if op == "not":
        return None if args[0] is None else not args[0]
    if op == "if":
        condition, then, otherwise = args
        return then if condition else otherwise  # a missing condition takes the else branch
    if value == "coalesce":
        return next((arg for arg in args if arg is not None), None)
    if value == "is_missing":
        return args[0] is None
    return _number(FUNCTIONS[value], args)


def _values(formula: Formula, lookup: Mapping[str, float | None]) -> list[Value]:
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
    result = _values(formula, lookup)[-1]
    return None if result is None else result + 0.0  # -0.0 becomes 0.0


def explain(metric: str, formula: Formula, lookup: Mapping[str, float | None]) -> Reason:
    """Return why the value of a formula is missing: the operation at which it broke.

    >>> from metrictree.formula import parse
    >>> print(explain("rate", parse("orders / visits"), {"orders": 5.0, "visits": 0.0}))
    rate = orders / visits is missing: division by zero (orders is 5, visits is 0)
    """
    values = _values(formula, lookup)
    nodes = formula.nodes
    index = len(nodes) - 1
    while True:
        node = nodes[index]
        args = node.args
        if node.op == "if":
            index = args[1] if values[args[0]] else args[2]
            continue
        missing = [arg for arg in args if values[arg] is None]
        if node.op == "ref":
            return Reason(metric, Rule.INPUT_MISSING, str(formula), {node.value: None})
        if node.op == "null":
            return Reason(metric, Rule.NULL, str(formula), {})
        if missing and not (node.op == "call" and node.value == "coalesce"):
            index = missing[0]
            continue
        if missing:  # coalesce, and all of them are missing: the last one decides
            index = args[-1]
            continue
        function = ARITHMETIC.get(node.op) or FUNCTIONS[node.value]
        rule = _finite(function, [values[arg] for arg in args])
        assert isinstance(rule, Rule)
        return Reason(metric, rule, str(formula), _operands(formula, values, index))


def _operands(formula: Formula, values: Sequence[Value], index: int) -> dict[str, float | None]:
    """Return the operands of a node by their text, numbers as they are written left out."""
    operands: dict[str, float | None] = {}
    for arg in formula.nodes[index].args:
        node, value = formula.nodes[arg], values[arg]
        if node.op != "number" and not isinstance(value, bool):
            name = node.value if node.op == "ref" else formula.text[node.start : node.end]
            operands[str(name)] = value
    return operands
