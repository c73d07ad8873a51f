"""What there is to touch in a formula: branches, and rules of the missing-value table it can meet.

Whether something is touched is told by the values of the formula's nodes, after the fact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from metrictree.formula.meaning import OVER_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from metrictree.formula import Formula
    from metrictree.formula.meaning import Value
    from metrictree.formula.nodes import Node
    from metrictree.resolved import ResolvedTree

__all__ = ["Look", "Point", "active_nodes", "points_of"]


class Look(NamedTuple):
    """The values of all nodes of a formula in one period."""

    formula: Formula
    values: Sequence[Value]
    series: Sequence[Sequence[Any]] = ()
    """Those of all periods, if there are several."""
    period: int = 0

    def args(self, node: int) -> list[Value]:
        """Return the values of the operands of a node."""
        return [self.values[arg] for arg in self.formula.nodes[node].args]


@dataclass(frozen=True, slots=True)
class Point:
    """Something that the values of a formula may touch."""

    node: int
    label: str
    kind: str
    touches: Callable[[Look], bool]
    always: bool = False
    """Whether it counts in a branch that is not taken as well: a guard is there to avoid it."""


def points_of(tree: ResolvedTree, formula: Formula) -> Iterator[Point]:
    """Yield what can be touched, what holds for the whole formula first."""
    values = {name: tree.metrics[name].value for name in formula.references}
    constants = {name: value for name, value in values.items() if value is not None}
    yield from _whole(formula, constants)
    for at, node in enumerate(formula.nodes):
        name = node.value if node.op == "call" else node.op
        spot = _Spot(formula, at, node, constants)
        yield from _BY_NAME.get(name, _nothing)(spot)
        if name in OVER_TIME:
            yield from _over_time(spot)


def _whole(formula: Formula, constants: Collection[str]) -> Iterator[Point]:
    references = [
        at
        for at, node in enumerate(formula.nodes)
        if node.op == "ref" and node.value not in constants
    ]
    if references:
        yield Point(
            len(formula.nodes) - 1,
            "an operand is missing",
            "rule",
            lambda look: any(look.values[at] is None for at in references),
        )


class _Spot(NamedTuple):
    """A node of a formula with its operands."""

    formula: Formula
    at: int
    node: Node
    constants: Mapping[str, float]
    """The metrics of it that have a value of their own: a test need not try another one."""

    def text(self, place: int | None = None) -> str:
        """Return what is written for the node, or for one of its operands."""
        node = self.node if place is None else self.formula.nodes[self.node.args[place]]
        return f"`{' '.join(self.formula.text[node.start : node.end].split())}`"

    def number(self, place: int) -> float | None:
        """Return the number that an operand is, if it is always the same."""
        node = self.formula.nodes[self.node.args[place]]
        if node.op == "ref":
            return self.constants.get(node.value)
        if node.op == "neg":
            inner = self.formula.nodes[node.args[0]]
            return -inner.value if inner.op == "number" else None
        return float(node.value) if node.op == "number" else None

    def branch(self, label: str, touches: Callable[[list[Value]], bool]) -> Point:
        """Return a way that the node may go, by the values of its operands."""
        return Point(self.at, label, "branch", lambda look: touches(look.args(self.at)))

    def rule(self, label: str, touches: Callable[[list[Any]], bool]) -> Point:
        """Return a rule by which the node is missing, by the values of its operands."""
        return Point(self.at, label, "rule", lambda look: touches(look.args(self.at)), always=True)

    def undefined(self, label: str, touches: Callable[..., bool]) -> Point:
        """Return a rule by which the node is missing, though its operands are there."""
        return self.rule(label, lambda args: None not in args and touches(*args))


def _nothing(_: _Spot) -> Iterator[Point]:
    return iter(())


def _choice(spot: _Spot) -> Iterator[Point]:
    yield spot.branch(f"{spot.text(0)} is true", lambda args: args[0] is True)
    yield spot.branch(f"{spot.text(0)} is false", lambda args: args[0] is False)
    if _may_be_missing(spot.formula, spot.node.args[0]):
        label = f"{spot.text(0)} is missing"
        yield Point(spot.at, label, "rule", lambda look: look.values[spot.node.args[0]] is None)


def _may_be_missing(formula: Formula, at: int) -> bool:
    """Whether a condition asks for more than `is_missing`, which always has an answer."""
    waiting = [at]
    while waiting:
        node = formula.nodes[waiting.pop()]
        if node.op == "ref":
            return True
        if (node.op, node.value) != ("call", "is_missing"):
            waiting += node.args
    return False


def _both(spot: _Spot) -> Iterator[Point]:
    return _deciding(spot, truth=False)


def _either(spot: _Spot) -> Iterator[Point]:
    return _deciding(spot, truth=True)


def _deciding(spot: _Spot, *, truth: bool) -> Iterator[Point]:
    """Yield for each side of `and` or `or` that it alone decides."""
    word = "true" if truth else "false"

    def alone(one: int, other: int) -> Callable[[list[Value]], bool]:
        return lambda args: args[one] is truth and args[other] is not truth

    for one, other in ((0, 1), (1, 0)):
        yield spot.branch(f"only {spot.text(one)} is {word} in {spot.text()}", alone(one, other))


def _first_there(spot: _Spot) -> Iterator[Point]:
    def used(place: int) -> Callable[[list[Value]], bool]:
        return lambda args: args[place] is not None and set(args[:place]) <= {None}

    for place in range(len(spot.node.args)):
        yield spot.branch(f"{spot.text(place)} is used in {spot.text()}", used(place))
        if spot.number(place) is not None:
            return  # what comes after a number is never used
    yield spot.rule(f"nothing is there in {spot.text()}", lambda args: set(args) == {None})


def _there(test: Callable[..., bool]) -> Callable[[list[Any]], bool]:
    """Return a test of operands that are all there."""
    return lambda args: None not in args and test(*args)


def _extreme(spot: _Spot) -> Iterator[Point]:
    name = spot.node.value
    for place in range(len(spot.node.args)):

        def decides(*args: float, place: int = place) -> bool:
            others = [*args[:place], *args[place + 1 :]]
            return bool(args[place] < min(others) if name == "min" else args[place] > max(others))

        word = "smallest" if name == "min" else "largest"
        yield spot.branch(f"{spot.text(place)} is the {word} in {spot.text()}", _there(decides))


def _clipped(spot: _Spot) -> Iterator[Point]:
    x = spot.text(0)
    yield spot.branch(f"{x} is below {spot.text(1)}", _there(lambda x, low, high: x < low <= high))
    yield spot.branch(f"{x} is inside of its limits", _there(lambda x, low, high: low <= x <= high))
    yield spot.branch(f"{x} is above {spot.text(2)}", _there(lambda x, low, high: low <= high < x))
    if None in (spot.number(1), spot.number(2)):
        label = f"{spot.text(1)} is above {spot.text(2)}"
        yield spot.undefined(label, lambda _, low, high: low > high)


def _safe_division(spot: _Spot) -> Iterator[Point]:
    yield spot.branch(f"{spot.text(1)} is not zero", _there(lambda _, b, __: b != 0))
    yield spot.branch(f"{spot.text(1)} is zero", _there(lambda _, b, __: b == 0))


def _division(spot: _Spot) -> Iterator[Point]:
    if not spot.number(1):
        yield spot.undefined(f"{spot.text(1)} is zero", lambda _, b: b == 0)


def _power(spot: _Spot) -> Iterator[Point]:
    base, exponent = spot.number(0), spot.number(1)
    if not base and (exponent is None or exponent < 0):
        label = f"{spot.text(0)} is zero in {spot.text()}"
        yield spot.undefined(label, lambda a, b: a == 0 and b < 0)
    if (base is None or base < 0) and (exponent is None or not exponent.is_integer()):
        label = f"{spot.text(0)} is negative in {spot.text()}"
        yield spot.undefined(label, lambda a, b: a < 0 and not b.is_integer())


def _root(spot: _Spot) -> Iterator[Point]:
    yield spot.undefined(f"{spot.text(0)} is negative", lambda x: x < 0)


def _logarithm(spot: _Spot) -> Iterator[Point]:
    yield spot.undefined(f"{spot.text(0)} is zero or negative", lambda x: x <= 0)


def _rounding(spot: _Spot) -> Iterator[Point]:
    if len(spot.node.args) > 1 and spot.number(1) is None:
        label = f"{spot.text(1)} is no whole number"
        yield spot.undefined(label, lambda _, digits: not digits.is_integer())


def _sign(spot: _Spot) -> Iterator[Point]:
    x = spot.text(0)
    yield spot.branch(f"{x} is negative", _there(lambda x: x < 0))
    yield spot.branch(f"{x} is zero or positive", _there(lambda x: x >= 0))


def _over_time(spot: _Spot) -> Iterator[Point]:
    name = spot.node.value
    if name == "cumulative":
        return
    count = spot.number(1) if len(spot.node.args) > 1 else 1.0
    before = int(count or 1) - (name.startswith("rolling_"))
    if before:
        label = f"there are not enough periods before for {spot.text()}"
        yield Point(spot.at, label, "rule", lambda look: look.period < before)
    label = f"{spot.text()} has a value"
    yield Point(spot.at, label, "branch", lambda look: look.values[spot.at] is not None)
    if name == "growth":
        operand = spot.node.args[0]

        def zero_before(look: Look) -> bool:
            earlier = look.period - before
            return earlier >= 0 and bool(look.series[operand][earlier] == 0)

        yield Point(spot.at, f"{spot.text(0)} was zero before", "rule", zero_before, always=True)


_BY_NAME: Final[Mapping[str, Callable[[_Spot], Iterator[Point]]]] = {
    "if": _choice,
    "and": _both,
    "or": _either,
    "coalesce": _first_there,
    "min": _extreme,
    "max": _extreme,
    "clip": _clipped,
    "safe_div": _safe_division,
    "/": _division,
    "%": _division,
    "**": _power,
    "pow": _power,
    "sqrt": _root,
    "log": _logarithm,
    "log10": _logarithm,
    "round": _rounding,
    "abs": _sign,
    "sign": _sign,
}


def active_nodes(look: Look) -> set[int]:
    """Return the nodes that had a part in the value: no branch that was not taken."""
    nodes, values = look.formula.nodes, look.values
    found: set[int] = set()
    waiting = [len(nodes) - 1]
    while waiting:
        at = waiting.pop()
        found.add(at)
        node = nodes[at]
        args = node.args
        if node.op == "if":
            args = (args[0], args[1] if values[args[0]] else args[2])
        elif node.op == "call" and node.value == "coalesce":
            there = [place for place, arg in enumerate(args) if values[arg] is not None]
            args = args[: there[0] + 1] if there else args
        waiting += args
    return found
