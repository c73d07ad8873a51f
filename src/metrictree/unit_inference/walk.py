"""A formula and the quantities it names -> the quantity it gives, and where units clash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from metrictree.unit_inference.quantity import (
    ANYTHING,
    BROKEN,
    PURE,
    UNKNOWN,
    Quantity,
    joined,
    literal,
    over,
    power,
    root,
    times,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from metrictree.formula import Formula, Node

__all__ = ["Clash", "quantity_of"]


class Clash(NamedTuple):
    """Two operands of different units, where they need one."""

    op: str
    """The operator, `if`, or the name of the function."""
    left: Quantity
    right: Quantity
    start: int
    """Where the second operand stands in the formula's text."""
    end: int


def quantity_of(formula: Formula, known: Mapping[str, Quantity]) -> tuple[Quantity, list[Clash]]:
    """Return what a formula gives; ``known`` has every metric that it names."""
    walk = _Walk(formula.nodes)
    found = walk.found
    for op, args, value, *_ in formula.nodes:
        if op == "ref":
            found.append(known[value])
        elif op == "number":
            found.append(literal(value))
        elif op == "*":
            found.append(times(found[args[0]], found[args[1]]))
        elif op == "/":
            found.append(over(found[args[0]], found[args[1]]))
        else:
            function = _OPS.get(value if op == "call" else op, _nothing)
            found.append(function(walk, value if op == "call" else op, args))
    return found[-1], walk.clashes


class _Walk:
    """The quantities of a formula's nodes so far."""

    __slots__ = ("clashes", "found", "nodes")

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = nodes
        self.found: list[Quantity] = []
        self.clashes: list[Clash] = []

    def join(self, op: str, args: Iterable[int]) -> Quantity:
        """Return what several operands of one unit give."""
        first, *others = args
        result = self.found[first]
        for index in others:
            result = self.join_with(op, result, index)
        return result

    def join_with(self, op: str, left: Quantity, index: int) -> Quantity:
        """Return what an operand gives with what stands before it."""
        right = self.found[index]
        result = joined(left, right)
        if result is BROKEN and left is not BROKEN and right is not BROKEN:
            self.clashes.append(Clash(op, left, right, *self.nodes[index][3:]))
        return result

    def number(self, index: int) -> float | None:
        """Return the number that a node writes out, if it does."""
        op, args, value, *_ = self.nodes[index]
        if op == "neg" and self.nodes[args[0]].op == "number":
            return -float(self.nodes[args[0]].value)
        return float(value) if op == "number" else None


_Args = tuple[int, ...]


def _nothing(_: _Walk, __: str, ___: _Args) -> Quantity:
    """What `and`, `or`, `not` and is_missing() give is no number."""
    return UNKNOWN


def _same(walk: _Walk, _: str, args: _Args) -> Quantity:
    return walk.found[args[0]]


def _choice(walk: _Walk, op: str, args: _Args) -> Quantity:
    return walk.join(op, args[1:])


def _comparison(walk: _Walk, op: str, args: _Args) -> Quantity:
    walk.join(op, args)
    return UNKNOWN


def _safe_div(walk: _Walk, op: str, args: _Args) -> Quantity:
    return walk.join_with(op, over(walk.found[args[0]], walk.found[args[1]]), args[2])


def _total(walk: _Walk, _: str, args: _Args) -> Quantity:
    """Add up periods: orders per month, added up, are not orders per month any more."""
    found = walk.found[args[0]]
    return UNKNOWN if found.known and found.unit.periods else found


def _share(_: _Walk, __: str, ___: _Args) -> Quantity:
    return PURE


def _root(walk: _Walk, _: str, args: _Args) -> Quantity:
    return root(walk.found[args[0]])


def _pure(walk: _Walk, _: str, args: _Args) -> Quantity:
    """Return what exp() and log() give, which have a meaning for numbers without unit only."""
    found = walk.found[args[0]]
    return found if found.written or _is_ratio(found) else UNKNOWN


def _power(walk: _Walk, _: str, args: _Args) -> Quantity:
    base, exponent = walk.found[args[0]], walk.found[args[1]]
    number = walk.number(args[1])
    if number is not None and number.is_integer() and abs(number) < 100:
        return power(base, int(number))
    if number == 0.5:
        return root(base)
    if base.written and exponent.written:
        return Quantity(base.unit, written=True)
    if (base.written or _is_ratio(base)) and (exponent.written or exponent.known):
        return PURE
    return UNKNOWN


def _is_ratio(quantity: Quantity) -> bool:
    certain = quantity.certain
    return certain is not None and certain.is_ratio


_OPS: Final[Mapping[Any, Callable[[_Walk, str, _Args], Quantity]]] = {
    **dict.fromkeys(("+", "-", "%", "min", "max", "sum", "mean", "coalesce", "clip"), _Walk.join),
    **dict.fromkeys(("neg", "abs", "floor", "ceil", "round", "lag", "change"), _same),
    **dict.fromkeys(("rolling_mean", "rolling_min", "rolling_max"), _same),
    **dict.fromkeys(("rolling_sum", "cumulative"), _total),
    **dict.fromkeys(("sign", "growth"), _share),
    **dict.fromkeys(("exp", "log", "log10"), _pure),
    **dict.fromkeys(("**", "pow"), _power),
    "null": lambda _, __, ___: ANYTHING,
    "compare": _comparison,
    "if": _choice,
    "safe_div": _safe_div,
    "sqrt": _root,
}
