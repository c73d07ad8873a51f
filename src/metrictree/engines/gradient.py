"""Reverse-mode derivatives of one metric by all metrics below it, at many points at once.

The formulas become one row of operations, those of `plan`, in groups of the same kind and depth: a
group is computed at once for all points. One walk goes forward through the groups and one back, so
time grows with the size of the tree, and points are taken in blocks, so memory does not grow with
their number.

What has no derivative, or one that says nothing, is treated so:

| operation | treatment |
|---|---|
| `floor`, `ceil`, `round` | as x: a staircase goes up with its input |
| `sign` | as the condition `x > 0`, with a jump of 2 |
| `if` | the branch taken, and the condition: how near it is to flipping times the jump |
| comparisons | how far both sides are apart, relative to their size; `==` is a band |
| `and`, `or` | the side that is nearer to flipping the result |
| `min`, `max`, `clip` | every operand, by far most the one chosen, unless both are close |
| `%` | x moves with 1, the divisor with minus the number of times that it fits |
| `safe_div` | the division, or `otherwise` where the divisor is zero |
| `coalesce` | the operand that is taken; `is_missing` has no effect |
| over time | every period is a variable of its own: `change(x)` moves with x now and x before |

Terms that cancel up to rounding (a billionth of their size) cancel.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from metrictree.loader import quiet_collector
from metrictree.plan import Builder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from metrictree.formula import Formula
    from metrictree.plan import Instruction

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]

__all__ = ["Block", "Slopes", "Tape"]

CELLS: Final = 4_000_000
"""Numbers of one array that are held at a time."""
_ROUNDING: Final = 1e-9
_ROOM: Final = 2.0**-64
"""Makes movements small, so that their sum stays inside of float64."""
_FLOOD: Final = 2.0**900
"""The most that flows on one way at one point, so that the sum stays inside of float64."""
_WIDTH: Final = 0.1
"""How near, relative to their size, two sides of a comparison must be to be likely to swap."""


class Block(NamedTuple):
    """Some points at which derivatives are asked for."""

    values: Floats
    """Of each leaf, at each point, in each period."""
    moves: Floats | None = None
    """How far each leaf moved; without, each period moves by a share of its value."""
    at: int | Indices = -1
    """The period in which the metric is looked at."""


class _Group(NamedTuple):
    op: str
    value: Any
    low: int
    high: int
    operands: tuple[Indices, ...]
    uses: tuple[Indices, ...]
    """Where each operand's use stands among all uses."""


@dataclass(frozen=True, slots=True)
class Slopes:
    """How a metric moves with those below it."""

    effects: Mapping[str, float]
    """How much of its movement each leaf brings; all zero if nothing moves."""
    signs: Mapping[str, int | None]
    """Of each metric below: 1 or -1 if it moves it one way only, 0 if not at all, else ``None``;
    ``None`` too if the metric was missing at all points."""
    through: Mapping[str, float]
    """How much of the movement passes through each metric below."""
    inputs: Mapping[str, float]
    """How much of it comes in by each metric that its own formula uses."""
    parents: Mapping[str, str]
    """The metric over which each one moves it most."""


class Tape:
    """The operations that make a metric, as arrays."""

    def __init__(self, root: str, leaves: Iterable[str], formulas: Mapping[str, Formula]) -> None:
        """Take the formulas, each after all that it uses; ``root`` is the last of them."""
        with quiet_collector():
            instructions = _instructions(root, leaves, formulas)
            self._arrange(instructions)

    def _arrange(self, instructions: list[Instruction]) -> None:
        kinds: dict[tuple[str, Any], int] = {("input", None): 0}
        levels: list[int] = []
        kind_of: list[int] = []
        look_back: list[int] = []
        self.cumulative = False
        """Whether something looks at all periods before."""
        for op, args, value in instructions:
            levels.append(max([levels[arg] for arg in args]) + 1 if args else 0)
            back = max([look_back[arg] for arg in args]) if args else 0
            if op == "lag":
                back += value
            elif op == "cumulative":
                self.cumulative = True
            look_back.append(back)
            key = (op, value if op in ("lag", "compare") else None)
            kind_of.append(kinds.setdefault(key, len(kinds)))
        self.look_back = look_back[-1]
        """How many periods before the first one is that it looks at, running sums left out."""
        level_of, kind_at = np.array(levels), np.array(kind_of)
        order = np.lexsort((kind_at, level_of))
        self.nodes = [instructions[position] for position in order.tolist()]
        place = np.empty(len(order), np.intp)
        place[order] = np.arange(len(order))
        self._wire(instructions, order, place)
        self._group(level_of[order], kind_at[order], list(kinds))
        self.metrics = {
            node.value: position
            for position, node in enumerate(self.nodes)
            if node.op in ("input", "=")
        }
        """Where each metric stands among the nodes."""
        self.leaves = [node.value for node in self.nodes if node.op == "input"]
        """Those that can move it; they are the first nodes."""

    def _wire(self, instructions: list[Instruction], order: Indices, place: Indices) -> None:
        """Number the uses of every node so that those of one node stand together."""
        padded = [(*node.args, -1, -1, -1)[:3] for node in instructions]
        args = np.array(padded, np.intp).reshape(-1, 3)[order]
        users, operands = np.nonzero(args >= 0)
        sources = place[args[users, operands]]
        by_source = np.argsort(sources, kind="stable")
        self._sources = sources[by_source]
        self._users = users[by_source]
        self._first = np.searchsorted(self._sources, np.arange(len(order) + 1))
        self._args = np.full_like(args, -1)
        self._args[users, operands] = sources
        self._uses = np.full_like(args, -1)
        self._uses[users[by_source], operands[by_source]] = np.arange(len(by_source))

    def _group(self, levels: Indices, kinds: Indices, names: list[tuple[str, Any]]) -> None:
        changes = (np.diff(levels) != 0) | (np.diff(kinds) != 0)
        ends = [0, *(np.flatnonzero(changes) + 1).tolist(), len(levels)]
        self.groups = []
        for low, high in pairwise(ends):
            op, value = names[kinds[low]]
            count = len(self.nodes[low].args)
            operands = tuple(self._args[low:high, position] for position in range(count))
            uses = tuple(self._uses[low:high, position] for position in range(count))
            self.groups.append(_Group(op, value, low, high, operands, uses))

    @property
    def size(self) -> int:
        """How many numbers a point in one period takes."""
        return len(self.nodes) + len(self._users)

    def slopes(self, blocks: Iterable[Block], *, alike: bool, wraps: bool) -> Slopes:
        """Return the effects of all metrics, added up over points.

        Points at which something that is needed is missing or not finite are left out. If ``alike``
        every point counts the same, however far it moves. If ``wraps`` the periods go round in a
        circle, else there is nothing before the first.
        """
        count = len(self.leaves)
        effects = np.zeros(count)
        flows = np.zeros(len(self._users))
        up, down = np.zeros((2, len(self.nodes)), np.bool_)
        is_known = False
        with np.errstate(all="ignore"):
            for block in blocks:
                values = self._forward(block.values, wraps=wraps)
                slopes, parts = self._backward(values, block.at, wraps=wraps)
                own = slopes[:count]
                if block.moves is None:
                    moved = np.abs(own * block.values).sum(axis=2)
                else:
                    moved = np.abs(np.where(own == 0, 0.0, own * block.moves).sum(axis=2))
                total = moved.sum(axis=0)
                known = np.isfinite(total) & slopes[-1].any(axis=1)
                is_known = is_known or bool(known.any())
                good = known & (total > 0)
                scale = np.where(good, total if alike else 1.0 / _ROOM, np.inf)
                effects += (np.where(good, moved, 0.0) / scale).sum(axis=1)
                passed = np.abs(parts * values[self._sources])
                passed[~np.isfinite(passed)] = 0.0
                np.minimum(passed, _FLOOD, out=passed)
                flows += np.minimum(passed.sum(axis=2) / scale, _FLOOD).sum(axis=1)
                up |= (slopes > 0)[:, good].any(axis=(1, 2))
                down |= (slopes < 0)[:, good].any(axis=(1, 2))
        if not is_known:  # nothing can be told of what is missing at all points
            up[:] = down[:] = True
        return self._told(effects, flows, up, down)

    # --- there and back

    def _forward(self, leaves: Floats, *, wraps: bool) -> Floats:
        values = np.empty((len(self.nodes), *leaves.shape[1:]))
        for op, value, low, high, operands, _ in self.groups:
            if op == "input":
                values[low:high] = leaves
            elif op == "constant":
                constants = [_constant(node.value) for node in self.nodes[low:high]]
                values[low:high] = np.array(constants)[:, None, None]
            else:
                args = [values[operand] for operand in operands]
                if op == "lag":
                    result = _lag(args[0], value, wraps=wraps)
                elif op == "compare":
                    result = _margin(value[0], *args)
                else:
                    result = _VALUES[op](*args)
                values[low:high] = result
                if op in _MAY_OVERFLOW:
                    part = values[low:high]
                    part[np.isinf(part)] = np.nan
        return values

    def _backward(self, values: Floats, at: int | Indices, *, wraps: bool) -> tuple[Floats, Floats]:
        """Return the slope of the root by every node, and the part of it that each use brings."""
        slopes = np.zeros_like(values)
        parts = np.empty((len(self._users), *values.shape[1:]))
        points = np.arange(values.shape[1])
        slopes[-1, points, at] = np.where(np.isfinite(values[-1, points, at]), 1.0, 0.0)
        for op, value, low, high, operands, uses in reversed(self.groups):
            first, last = self._first[low], self._first[high]
            if last > first:  # the root has no uses
                slopes[low:high] = _sums(parts[first:last], self._first[low:high] - first)
            if not operands:
                continue
            slope = slopes[low:high]
            if op == "lag":
                found: tuple[Any, ...] = (_lag_back(slope, value, wraps=wraps),)
            else:
                args = [values[operand] for operand in operands]
                if op == "compare":
                    found = _margin_back(value[0], slope, *args)
                else:
                    found = _SLOPES[op](slope, values[low:high], *args)
                if op not in _LINEAR:
                    still = slope == 0
                    found = tuple(np.where(still, 0.0, part) for part in found)
            for use, part in zip(uses, found, strict=True):
                parts[use] = part
        return slopes, parts

    # --- what is told

    def _told(
        self,
        effects: Floats,
        flows: Floats,
        up: NDArray[np.bool_],
        down: NDArray[np.bool_],
    ) -> Slopes:
        signs = {
            metric: None if up[place] and down[place] else int(up[place]) - int(down[place])
            for metric, place in self.metrics.items()
        }
        largest = effects.max(initial=0.0)
        shares = effects / largest if largest > 0 else effects  # their sum might be past float64
        shares = shares / shares.sum() if largest > 0 else shares
        fractions = self._fractions(flows)
        mass = self._mass(shares, fractions)
        return Slopes(
            dict(zip(self.leaves, shares.tolist(), strict=True)),
            signs,
            {metric: float(mass[place]) for metric, place in self.metrics.items()},
            self._inputs(mass, fractions),
            self._parents(flows),
        )

    def _fractions(self, flows: Floats) -> Floats:
        """Return what part of a node's movement goes up by each of its uses: by their flow."""
        starts = self._first[:-2]  # the root, which is last, has no uses
        whole = np.add.reduceat(flows, starts)[self._sources]
        counts = np.diff(self._first)[self._sources]
        flowing = whole > 0
        return np.where(flowing, flows / np.where(flowing, whole, 1.0), 1.0 / counts)

    def _mass(self, shares: Floats, fractions: Floats) -> Floats:
        """Return how much of the movement passes through each node on its way up."""
        mass = np.zeros(len(self.nodes))
        mass[: len(shares)] = shares
        for _, _, low, high, operands, uses in self.groups:
            for operand, use in zip(operands, uses, strict=True):
                mass[low:high] += mass[operand] * fractions[use]
        return mass

    def _inputs(self, mass: Floats, fractions: Floats) -> dict[str, float]:
        """Return what comes in by the metrics that the root's own formula uses."""
        root = len(self.nodes) - 1
        found: dict[str, float] = {}
        arriving = {root: 1.0}  # of what reaches a node, what goes on to the root
        waiting = [-root]
        while waiting:
            place = -heapq.heappop(waiting)  # each node after all that use it
            node = self.nodes[place]
            if node.op in ("input", "=") and place != root:
                found[node.value] = float(mass[place]) * arriving[place]
                continue
            for position in range(len(node.args)):
                below = int(self._args[place, position])
                part = arriving[place] * float(fractions[self._uses[place, position]])
                if below not in arriving:
                    heapq.heappush(waiting, -below)
                arriving[below] = arriving.get(below, 0.0) + part
        return found

    def _parents(self, flows: Floats) -> dict[str, str]:
        """Return by which metric each one reaches the root most strongly."""
        strongest = np.lexsort((-flows, self._sources))[self._first[:-2]]
        above = self._users[strongest].tolist()
        for place in range(len(above) - 1, -1, -1):
            user = above[place]
            if self.nodes[user].op != "=":
                above[place] = above[user]  # the nearest metric on the strongest way
        last = len(self.nodes) - 1
        return {
            metric: self.nodes[above[place]].value
            for metric, place in self.metrics.items()
            if place != last
        }


def _instructions(
    root: str, leaves: Iterable[str], formulas: Mapping[str, Formula]
) -> list[Instruction]:
    """Return what makes the root, each metric with a formula being an operation of its own."""
    builder = Builder()
    positions = {leaf: builder.add("input", (), leaf) for leaf in leaves}
    for metric, formula in formulas.items():
        made = builder.formula(formula, positions)[-1]
        positions[metric] = builder.add("=", (made,), metric)
    instructions = builder.instructions
    used = bytearray(len(instructions))
    used[positions[root]] = 1
    for position in range(positions[root], -1, -1):
        if used[position]:
            for arg in instructions[position].args:
                used[arg] = 1
    if 0 not in used:
        return instructions
    kept: list[Instruction] = []
    moved: list[int] = []
    for position, node in enumerate(instructions[: positions[root] + 1]):
        moved.append(len(kept))
        if used[position]:
            kept.append(node._replace(args=tuple([moved[arg] for arg in node.args])))
    return kept


def _constant(value: float | bool | None) -> float:  # noqa: FBT001 - a value
    if value is None:
        return math.nan
    if isinstance(value, bool):
        return math.inf if value else -math.inf  # a condition that never flips
    return value


def _sums(parts: Floats, starts: Indices) -> Floats:
    """Add up the parts of each node; what cancels up to rounding is zero."""
    if len(parts) == len(starts):
        return parts
    found: Floats = np.add.reduceat(parts, starts)
    sizes = np.add.reduceat(np.abs(parts), starts)
    found[np.abs(found) <= _ROUNDING * sizes] = 0.0
    return found


# --- values; a condition is how far it is from flipping, positive where it is true


def _margin(symbol: str, a: Floats, b: Floats) -> Floats:
    """Return how far a comparison is from flipping, relative to the size of both sides."""
    apart = (b - a) / _size(a, b)
    if symbol in (">", ">="):
        apart = -apart
    elif symbol in ("==", "!="):
        apart = np.abs(apart) * (-1.0 if symbol == "==" else 1.0)
    edge = 5e-324 if symbol in ("<=", ">=", "==") else -5e-324
    return np.where(apart == 0, edge, apart)


def _margin_back(symbol: str, slope: Floats, a: Floats, b: Floats) -> tuple[Floats, Floats]:
    part = slope / _size(a, b)
    if symbol in (">", ">="):
        part = -part
    elif symbol in ("==", "!="):
        part = part * np.where(b >= a, 1.0, -1.0) * (-1.0 if symbol == "==" else 1.0)
    return -part, part


def _size(a: Floats, b: Floats) -> Floats:
    size = np.abs(a) + np.abs(b)
    return np.where(size == 0, 1.0, size)


def _bump(margin: Floats) -> Floats:
    """Return how likely a condition is to flip: the slope of a smooth step."""
    tail = np.exp(-np.abs(margin) / _WIDTH)
    return np.asarray(tail / (_WIDTH * (1.0 + tail) ** 2))


def _step(apart: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-apart / _WIDTH)))


def _both(a: Floats, b: Floats) -> Floats:
    least = np.fmin(a, b)
    return np.where((least < 0) | ~np.isnan(a + b), least, np.nan)


def _either(a: Floats, b: Floats) -> Floats:
    most = np.fmax(a, b)
    return np.where((most > 0) | ~np.isnan(a + b), most, np.nan)


def _round(x: Floats, digits: Floats) -> Floats:
    scale = 10.0 ** np.rint(digits)  # drawn digits are never whole
    return np.asarray(np.rint(x * scale) / scale)


def _power(a: Floats, b: Floats) -> Floats:
    return np.asarray(a**b + 0.0 * a + 0.0 * b)


def _running_back(slope: Floats) -> Floats:
    return np.asarray(np.cumsum(slope[:, :, ::-1], axis=2)[:, :, ::-1])


def _folded(periods: int, count: int) -> int:
    """Return a lag that fits into a circle of periods, and never leads back to the same one."""
    return 1 + (periods - 1) % (count - 1) if count > 1 else 0


def _lag(x: Floats, periods: int, *, wraps: bool) -> Floats:
    count = x.shape[2]
    if wraps:
        return np.roll(x, _folded(periods, count), axis=2)
    found = np.full_like(x, np.nan)
    found[:, :, periods:] = x[:, :, : max(count - periods, 0)]
    return found


def _lag_back(slope: Floats, periods: int, *, wraps: bool) -> Floats:
    count = slope.shape[2]
    if wraps:
        return np.roll(slope, -_folded(periods, count), axis=2)
    found = np.zeros_like(slope)
    found[:, :, : max(count - periods, 0)] = slope[:, :, periods:]
    return found


_VALUES: Final[Mapping[str, Callable[..., Any]]] = {
    "=": lambda x: x,
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.remainder,
    "**": _power,
    "neg": np.negative,
    "abs": np.absolute,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "log10": np.log10,
    "floor": np.floor,
    "ceil": np.ceil,
    "sign": np.sign,
    "round": _round,
    "min": np.minimum,
    "max": np.maximum,
    "safe_div": lambda a, b, otherwise: (
        np.where(b == 0, otherwise, a / b) + 0.0 * (a + b + otherwise)
    ),
    "coalesce": lambda a, b: np.where(np.isnan(a), b, a),
    "is_missing": lambda x: np.where(np.isnan(x), np.inf, -np.inf),
    "if": lambda margin, then, otherwise: np.where(margin > 0, then, otherwise),
    "and": _both,
    "or": _either,
    "not": np.negative,
    "cumulative": lambda x: np.cumsum(x, axis=2),
}
_MAY_OVERFLOW: Final = frozenset(("+", "-", "*", "/", "**", "exp", "log", "log10", "round"))


# --- slopes: of the slope by the result, the result and the operands


def _power_back(slope: Floats, result: Floats, a: Floats, b: Floats) -> tuple[Floats, Floats]:
    base = slope * b * a ** (b - 1.0)
    return np.where(b == 0, 0.0, base), np.where(a > 0, slope * result * np.log(a), 0.0)


def _extreme_back(which: float) -> Callable[..., tuple[Floats, Floats]]:
    def back(slope: Floats, result: Floats, a: Floats, b: Floats) -> tuple[Floats, Floats]:
        first = _step(which * (a - b) / _size(a, b))
        return slope * first * _held(result, a), slope * (1.0 - first) * _held(result, b)

    return back


def _held(result: Floats, operand: Floats) -> Floats:
    """Keep an operand that is far past the result from counting by its mere size."""
    size = np.abs(operand)
    return np.clip(np.abs(result) / np.where(size == 0, 1.0, size), 1e-6, 1.0)


def _if_back(
    slope: Floats, _: Floats, margin: Floats, then: Floats, otherwise: Floats
) -> tuple[Floats, Floats, Floats]:
    jump = then - otherwise
    near = np.where(np.isfinite(jump) & ~np.isnan(margin), slope * jump * _bump(margin), 0.0)
    taken = margin > 0
    return near, np.where(taken, slope, 0.0), np.where(taken, 0.0, slope)


def _safe_div_back(
    slope: Floats, result: Floats, _: Floats, b: Floats, __: Floats
) -> tuple[Floats, Floats, Floats]:
    zero = b == 0
    return (
        np.where(zero, 0.0, slope / b),
        np.where(zero, 0.0, -slope * result / b),
        np.where(zero, slope, 0.0),
    )


_SLOPES: Final[Mapping[str, Callable[..., Any]]] = {
    "=": lambda slope, _, x: (slope,),  # noqa: ARG005 - one shape for all
    "+": lambda slope, _, a, b: (slope, slope),  # noqa: ARG005
    "-": lambda slope, _, a, b: (slope, -slope),  # noqa: ARG005
    "*": lambda slope, _, a, b: (slope * b, slope * a),
    "/": lambda slope, result, a, b: (slope / b, -slope * result / b),  # noqa: ARG005
    "%": lambda slope, _, a, b: (slope, -slope * np.floor(a / b)),
    "**": _power_back,
    "neg": lambda slope, _, x: (-slope,),  # noqa: ARG005
    "abs": lambda slope, _, x: (slope * np.sign(x),),
    "sqrt": lambda slope, result, x: (slope / (2.0 * result),),  # noqa: ARG005
    "exp": lambda slope, result, x: (slope * result,),  # noqa: ARG005
    "log": lambda slope, _, x: (slope / x,),
    "log10": lambda slope, _, x: (slope / (x * math.log(10.0)),),
    "floor": lambda slope, _, x: (slope,),  # noqa: ARG005
    "ceil": lambda slope, _, x: (slope,),  # noqa: ARG005
    "sign": lambda slope, _, x: (2.0 * slope * _bump(np.sign(x)) / _size(x, 0.0 * x),),
    "round": lambda slope, _, x, digits: (slope, 0.0 * slope),  # noqa: ARG005
    "min": _extreme_back(-1.0),
    "max": _extreme_back(1.0),
    "safe_div": _safe_div_back,
    "coalesce": lambda slope, _, a, b: (  # noqa: ARG005
        np.where(np.isnan(a), 0.0, slope),
        np.where(np.isnan(a), slope, 0.0),
    ),
    "is_missing": lambda slope, _, x: (0.0 * slope,),  # noqa: ARG005
    "if": _if_back,
    "and": lambda slope, _, a, b: (np.where(a <= b, slope, 0.0), np.where(a <= b, 0.0, slope)),
    "or": lambda slope, _, a, b: (np.where(a >= b, slope, 0.0), np.where(a >= b, 0.0, slope)),
    "not": lambda slope, _, x: (-slope,),  # noqa: ARG005
    "cumulative": lambda slope, _, x: (_running_back(slope),),  # noqa: ARG005
}
_LINEAR: Final = frozenset(("=", "+", "-", "neg", "floor", "ceil", "round", "not", "cumulative"))
"""Operations of which a slope of zero gives zero, whatever the operands are."""
