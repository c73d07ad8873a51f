"""What the operations of a formula mean: each rule of the missing-value table, written once.

Numbers are Python floats, ``None`` is missing. The scalar engine applies these functions node by
node, and every other engine must agree with it.
"""

from __future__ import annotations

import enum
import functools
import math
import operator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Rule", "Value", "apply", "broken", "over_time"]

Value = float | bool | None
"""Of an operation: a number, the truth of a condition, or missing."""


class Rule(enum.StrEnum):
    """The rule by which a value is missing."""

    INPUT_MISSING = "an input is missing"
    NO_VALUES = "there are no values to aggregate"
    TOO_FEW = "there are too few values to aggregate"
    NULL = "the formula says null"
    ZERO_DIVISION = "division by zero"
    DOMAIN = "outside of the function's domain"
    OVERFLOW = "the result is past float64"
    NO_HISTORY = "there are not enough periods before"


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
"""Operators and functions of which every operand must be there."""

COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _number(function: Callable[..., float], args: Sequence[Value]) -> float | Rule:
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


def apply(op: str, args: Sequence[Value], value: Any = None) -> Value:
    """Return the result of an operator or of a function by its name, of one period.

    >>> apply("/", [1.0, 4.0])
    0.25
    >>> apply("/", [1.0, 0.0]) is None
    True
    """
    function = ARITHMETIC.get(op)
    if function is not None:
        if None in args:
            return None
        result = _number(function, args)
        return result if isinstance(result, float) else None
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
    if op == "coalesce":
        return next((arg for arg in args if arg is not None), None)
    assert op == "is_missing", op
    return args[0] is None


def broken(op: str, args: Sequence[Value]) -> Rule:
    """Return the rule by which arithmetic has no result for operands that are there."""
    rule = _number(ARITHMETIC[op], args)
    assert isinstance(rule, Rule)
    return rule


# --- over time: a value for each period of a gapless series


def _lag(values: Sequence[float | None], periods: int) -> list[float | None]:
    return [*[None] * min(periods, len(values)), *values[: max(len(values) - periods, 0)]]


def _before(op: str) -> Callable[[Sequence[float | None], int], list[float | None]]:
    """Return a function that compares each value with that of ``n`` periods before."""

    def compared(values: Sequence[float | None], periods: int) -> list[float | None]:
        found = []
        for value, earlier in zip(values, _lag(values, periods), strict=True):
            result = apply(op, [value, earlier])
            if op == "/":
                result = apply("-", [result, 1.0])
            found.append(result)
        return found

    return compared


def _pairwise(values: Sequence[float]) -> float:
    """Add up in pairs, the newest block being the largest power of two that is not all.

    The error grows with the logarithm of the count, and each engine can add in this order.
    """
    if len(values) == 1:
        return values[0]
    newest = 1 << (len(values) - 1).bit_length() - 1
    return _pairwise(values[:-newest]) + _pairwise(values[-newest:])


def _rolling(
    function: Callable[[Sequence[float]], float],
) -> Callable[[Sequence[float | None], int], list[float | None]]:
    def rolled(values: Sequence[float | None], periods: int) -> list[float | None]:
        found: list[float | None] = []
        for end in range(1, len(values) + 1):
            window = values[max(end - periods, 0) : end]
            there = [value for value in window if value is not None]
            full = len(there) == periods
            result = _number(lambda *window: function(window), there) if full else None
            found.append(result if isinstance(result, float) else None)
        return found

    return rolled


def _cumulative(values: Sequence[float | None], _: int) -> list[float | None]:
    found: list[float | None] = []
    so_far: Value = 0.0
    for value in values:
        so_far = apply("+", [so_far, value])
        found.append(so_far)
    return found


OVER_TIME: Final[Mapping[str, Callable[[Sequence[float | None], int], list[float | None]]]] = {
    "lag": _lag,
    "change": _before("-"),
    "growth": _before("/"),
    "rolling_sum": _rolling(_pairwise),
    "rolling_mean": _rolling(lambda window: _pairwise(window) / len(window)),
    "rolling_min": _rolling(min),
    "rolling_max": _rolling(max),
    "cumulative": _cumulative,
}


def over_time(name: str, values: Sequence[float | None], periods: int) -> list[float | None]:
    """Return what a function over time makes of a series without gaps, oldest first.

    ``periods`` is its second argument; ``cumulative`` has none.

    >>> over_time("change", [1.0, 3.0, None, 4.0], 1)
    [None, 2.0, None, None]
    >>> over_time("rolling_sum", [1.0, 2.0, 3.0], 2)
    [None, 3.0, 5.0]
    """
    return OVER_TIME[name](values, periods)
