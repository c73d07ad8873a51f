"""Targets -> what has to be computed, in order: the one program that every engine runs."""

from __future__ import annotations

import functools
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from metrictree.diagnostics import Diagnostic, shown
from metrictree.errors import UsageError
from metrictree.formula.meaning import apply
from metrictree.loader import quiet_collector
from metrictree.names import Suggester, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from metrictree.formula import Formula
    from metrictree.resolved import ResolvedTree

__all__ = ["LETS_THROUGH", "LOOK_AT_MISSING", "Builder", "Instruction", "Plan", "make_plan"]

KEPT: Final = 16
"""Plans that a tree remembers."""

LOOK_AT_MISSING: Final = frozenset({"and", "or", "if", "coalesce", "is_missing"})
"""Operations that may have a result although an operand is missing."""

LETS_THROUGH: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "+": (0, 1),
        "-": (0, 1),
        "*": (0, 1),
        "/": (0,),
        "%": (0,),
        **dict.fromkeys(("neg", "abs", "sqrt", "log", "log10", "floor", "ceil"), (0,)),
    }
)
"""Operands by position of which infinity or NaN in floating point always gives infinity or NaN.

An engine may leave such a result as it is and take everything that is not finite for missing,
until an operation looks at it that is not here (``x / inf`` is 0), or it is asked for.
"""


class Instruction(NamedTuple):
    """One operation; what it makes is named by its position among the instructions.

    | op | args | value |
    |---|---|---|
    | `input` | | the metric id |
    | `constant` | | a float, true or false, or ``None`` for missing |
    | `+ - * / % ** neg` | operands | |
    | `abs sqrt exp log log10 floor ceil sign` | operand | |
    | `min`, `max` | two operands | |
    | `round` | operand, digits | |
    | `safe_div` | a, b, otherwise | |
    | `compare` | two operands | one operator |
    | `and`, `or`, `not`, `is_missing` | operands | |
    | `if` | condition, value, otherwise | |
    | `coalesce` | two operands | |
    | `lag` | operand | periods |
    | `cumulative` | operand | |
    """

    op: str
    args: tuple[int, ...]
    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What the targets need: inputs first, then each instruction after all that it uses."""

    targets: tuple[str, ...]
    leaves: tuple[str, ...]
    """Inputs, measures and constant values: the first instructions, in this order."""
    formulas: tuple[str, ...]
    """The metrics with a formula, each after all that it uses."""
    instructions: tuple[Instruction, ...]
    """Every operation once, whatever number of formulas it stands in."""
    positions: Mapping[str, int]
    """The instruction that makes each metric; several metrics may share one."""
    over_time: bool
    """Whether an instruction looks at other periods."""
    engines: dict[Any, Any] = field(default_factory=dict, repr=False)
    """What engines have made of this plan, to use again."""

    @property
    def outputs(self) -> tuple[int, ...]:
        """The instruction that makes each target."""
        return tuple(self.positions[target] for target in self.targets)

    def last_uses(self) -> Sequence[int]:
        """Return the position of the last instruction that uses each one; the end for outputs."""
        last = array("q", range(len(self.instructions)))
        for position, (_, args, _) in enumerate(self.instructions):
            for arg in args:
                last[arg] = position
        for output in self.outputs:
            last[output] = len(self.instructions)
        return last


def make_plan(tree: ResolvedTree, targets: Iterable[str] | None = None) -> Plan:
    """Return the plan for ``targets``, or for every metric; the tree remembers the last ones.

    Raises:
        UsageError: a target is no metric of the tree.
    """
    chosen = None if targets is None else _chosen(tree, targets)
    plan = tree.plans.get(chosen)
    if plan is None:
        with quiet_collector():
            plan = _make(tree, chosen)
        while len(tree.plans) >= KEPT:
            tree.plans.pop(next(iter(tree.plans)), None)
        tree.plans[chosen] = plan
    return plan


def _chosen(tree: ResolvedTree, targets: Any) -> tuple[str, ...]:
    if isinstance(targets, str) or not isinstance(targets, Iterable):
        targets = [targets]  # a caller may ignore the types
    names = list(targets)
    unknown = [name for name in names if not isinstance(name, str) or name not in tree.metrics]
    if unknown:
        suggester = Suggester(tree.metrics)
        raise UsageError(
            Diagnostic(
                "VAL107",
                f"the target '{shown(name)}' is no metric of the tree",
                fix="name each target by itself"
                if "," in shown(name, 100)
                else did_you_mean(suggester.near(shown(name, 100))) or "targets are metric ids",
            )
            for name in unknown
        )
    return tuple(dict.fromkeys(names))


def _make(tree: ResolvedTree, chosen: tuple[str, ...] | None) -> Plan:
    needed: Iterable[str] = tree.graph.order
    if chosen is None:
        chosen = tuple(tree.metrics)
    else:
        below = tree.graph.below(chosen)
        needed = [metric for metric in needed if metric in below]
    leaves = tuple(metric for metric in needed if metric not in tree.formulas)
    formulas = tuple(metric for metric in needed if metric in tree.formulas)
    builder = Builder()
    positions = {metric: builder.add("input", (), metric) for metric in leaves}
    for metric in formulas:
        positions[metric] = builder.formula(tree.formulas[metric], positions)[-1]
    return builder.plan(positions, leaves, formulas, chosen)


def _used(
    instructions: list[Instruction],
    positions: dict[str, int],
    leaves: tuple[str, ...],
    targets: tuple[str, ...],
) -> tuple[Instruction, ...]:
    """Leave out what folding has made superfluous; ``positions`` then holds what is left."""
    used = bytearray(len(instructions))
    for metric in (*leaves, *targets):
        used[positions[metric]] = 1
    for position in range(len(instructions) - 1, -1, -1):
        if used[position]:
            for arg in instructions[position].args:
                used[arg] = 1
    if 0 not in used:
        return tuple(instructions)
    kept: list[Instruction] = []
    moved: list[int] = []
    for position, (op, args, value) in enumerate(instructions):
        moved.append(len(kept))
        if used[position]:
            kept.append(Instruction(op, tuple([moved[arg] for arg in args]), value))
    for metric, position in list(positions.items()):
        if used[position]:
            positions[metric] = moved[position]
        else:
            del positions[metric]
    return tuple(kept)


class Builder:
    """Instructions made of formulas: what is the same is made once, constants are computed.

    >>> from metrictree.formula import parse
    >>> builder = Builder()
    >>> a = builder.add("input", (), "a")
    >>> builder.formula(parse("(a + 6) * (6 + a)"), {"a": a})[-1]
    3
    >>> for instruction in builder.instructions:
    ...     print(*instruction)
    input () a
    constant () 6.0
    + (0, 1) None
    * (2, 2) None
    """

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        self._known: dict[tuple[Any, ...], int] = {}

    def add(self, op: str, args: tuple[int, ...], value: Any = None) -> int:
        """Return the position of an instruction, which is made if there is none like it."""
        if op in ("+", "*") and args[0] > args[1]:
            args = (args[1], args[0])  # the same float64 either way
        key = (op, args, value, value.__class__)
        position = self._known.get(key)
        if position is None:
            position = self._known[key] = len(self.instructions)
            self.instructions.append(Instruction(op, args, value))
        return position

    def formula(self, formula: Formula, positions: Mapping[str, int]) -> list[int]:
        """Return the position of what each node of a formula makes."""
        made: list[int] = []
        nodes = formula.nodes
        for op, operands, value, *_ in nodes:
            if op == "ref":
                made.append(positions[value])
            elif op == "number":
                made.append(self.add("constant", (), float(value)))
            elif op == "null":
                made.append(self.add("constant", (), None))
            elif op != "call":
                args = tuple([made[index] for index in operands])
                made.append(self._compare(args, value) if op == "compare" else self.of(op, *args))
            elif value in _OVER_TIME:
                periods = int(nodes[operands[1]].value) if len(operands) > 1 else 1
                made.append(_OVER_TIME[value](self, made[operands[0]], periods))
            else:
                args = tuple([made[index] for index in operands])
                composed = _COMPOSED.get(value)
                made.append(composed(self, *args) if composed else self.of(value, *args))
        return made

    def plan(
        self,
        positions: Mapping[str, int],
        leaves: tuple[str, ...],
        formulas: tuple[str, ...],
        targets: tuple[str, ...],
    ) -> Plan:
        """Return the plan of what the targets need; ``leaves`` are the first instructions."""
        kept = dict(positions)
        instructions = _used(self.instructions, kept, leaves, targets)
        return Plan(
            targets,
            leaves,
            formulas,
            instructions,
            MappingProxyType(kept),
            any(instruction.op in ("lag", "cumulative") for instruction in instructions),
        )

    def constant(self, value: float | bool | None) -> int:  # noqa: FBT001 - a value
        """Return a constant."""
        return self.add("constant", (), value)

    def of(self, op: str, *args: int, value: Any = None) -> int:
        """Return an operation, computed at once as far as its operands are constants."""
        instructions = self.instructions
        for arg in args:
            if instructions[arg].op == "constant":
                return self._folded(op, args, value)
        return self.add(op, args, value)

    def _folded(self, op: str, args: tuple[int, ...], value: Any) -> int:
        operands = [self.instructions[arg] for arg in args]
        constants = [operand.value for operand in operands if operand.op == "constant"]
        if op == "if" and operands[0].op == "constant":
            return args[1] if operands[0].value else args[2]
        if op == "coalesce" and operands[0].op == "constant":
            return args[0] if operands[0].value is not None else args[1]
        if op in ("and", "or") and (op == "or") in constants:
            return self.constant(op == "or")  # whatever the other one is, even missing
        if len(constants) == len(operands):
            return self.constant(apply(op, constants, value))
        if None in constants and op not in LOOK_AT_MISSING:
            return self.constant(None)
        return self.add(op, args, value)

    def _compare(self, args: tuple[int, ...], operators: Sequence[str]) -> int:
        result = -1
        for symbol, left, right in zip(operators, args, args[1:], strict=False):
            one = self.of("compare", left, right, value=(symbol,))
            result = one if result < 0 else self.of("and", result, one)
        return result


# --- functions in terms of other operations


def _chain(op: str) -> Callable[..., int]:
    """Return a function of many operands in terms of one of two, from left to right."""

    def chained(builder: Builder, *args: int) -> int:
        return functools.reduce(functools.partial(builder.of, op), args)

    return chained


_sum = _chain("+")


def _mean(builder: Builder, *args: int) -> int:
    return builder.of("/", _sum(builder, *args), builder.constant(float(len(args))))


def _coalesce(builder: Builder, *args: int) -> int:
    *first, result = args
    for arg in reversed(first):
        result = builder.of("coalesce", arg, result)
    return result


def _clip(builder: Builder, x: int, low: int, high: int) -> int:
    ordered = builder.of("compare", low, high, value=("<=",))
    clipped = builder.of("min", builder.of("max", x, low), high)
    return builder.of("if", ordered, clipped, builder.constant(None))


def _round(builder: Builder, x: int, digits: int | None = None) -> int:
    return builder.of("round", x, builder.constant(0.0) if digits is None else digits)


_COMPOSED: Final[Mapping[str, Callable[..., int]]] = {
    "min": _chain("min"),
    "max": _chain("max"),
    "sum": _sum,
    "mean": _mean,
    "coalesce": _coalesce,
    "clip": _clip,
    "round": _round,
    "pow": _chain("**"),
}


# --- functions over time in terms of `lag`: of an operand and a number of periods


def _lag(builder: Builder, x: int, periods: int) -> int:
    missing = builder.instructions[x] == ("constant", (), None)
    return x if missing else builder.add("lag", (x,), periods)


def _cumulative(builder: Builder, x: int, _: int) -> int:
    missing = builder.instructions[x] == ("constant", (), None)
    return x if missing else builder.add("cumulative", (x,))


def _window(builder: Builder, op: str, x: int, periods: int) -> int:
    """Return ``op`` over the last periods, made of windows about half as long.

    Sums are made as `formula.meaning` adds; windows of minima and maxima may overlap.
    """
    if periods == 1:
        return x
    half = 1 << (periods - 1).bit_length() - 1
    newest = _window(builder, op, x, half)
    if op == "+":
        before = _lag(builder, _window(builder, op, x, periods - half), half)
    else:
        before = _lag(builder, newest, periods - half)
    return builder.of(op, before, newest)


def _growth(builder: Builder, x: int, periods: int) -> int:
    return builder.of("-", builder.of("/", x, _lag(builder, x, periods)), builder.constant(1.0))


def _rolling_mean(builder: Builder, x: int, periods: int) -> int:
    total = _window(builder, "+", x, periods)
    return builder.of("/", total, builder.constant(float(periods)))


_OVER_TIME: Final[Mapping[str, Callable[[Builder, int, int], int]]] = {
    "lag": _lag,
    "change": lambda builder, x, periods: builder.of("-", x, _lag(builder, x, periods)),
    "growth": _growth,
    "rolling_sum": lambda builder, x, periods: _window(builder, "+", x, periods),
    "rolling_mean": _rolling_mean,
    "rolling_min": lambda builder, x, periods: _window(builder, "min", x, periods),
    "rolling_max": lambda builder, x, periods: _window(builder, "max", x, periods),
    "cumulative": _cumulative,
}
