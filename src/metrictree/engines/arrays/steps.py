"""A plan as steps of NumPy: functions from few buffers into buffers, for one block of rows.

A buffer is used again after the last use of what it held. Of a condition, where it is known to be
true and where it is known to be false are computed apart, as far as they are asked for: of a
comparison with NaN neither is.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from metrictree.engines.arrays.ufuncs import (
    APART,
    COMPARE,
    IN_PLACE,
    MAY_OVERWRITE,
    choose,
    lag,
    power,
    present,
    rounding,
    zero,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from metrictree.plan import Instruction, Plan

Step = tuple["Callable[..., Any]", Any, int, int]
"""A function, its operands, and where to: two slots, one and -1, or a tuple of them and -2."""

__all__ = ["Stage", "Step", "stages_of"]

_CONDITIONS: Final = frozenset(("compare", "and", "or", "not", "is_missing"))


class Stage(NamedTuple):
    """What can be computed block by block; each list says what stands in which slot."""

    steps: list[Step]
    unsigned_steps: list[Step]
    """Those that are left if no leaf has a sign: fewer results can be -0.0 then."""
    size: int
    """The number of slots."""
    constants: list[tuple[int, Any]]
    numbers: list[int]
    """Slots of buffers of float64, which steps write and use again."""
    conditions: list[int]
    """Those of booleans."""
    leaves: list[tuple[int, int]]
    """The block of a leaf, by its position; the first stage reads all, needed or not."""
    columns: list[tuple[int, int]]
    """The block of a whole column: of a target, or of what another stage makes or needs."""
    wholes: list[tuple[int, int]]
    """All of a whole column."""
    before: list[tuple[int, int]]
    """The block of rows of so many periods before."""
    sums: list[int] = []  # noqa: RUF012 - never changed
    """Running sums of all periods, which are made as whole columns before the steps run."""
    kept: list[int] = []  # noqa: RUF012
    """What is made as a whole column for later stages, targets left out."""
    freed: list[int] = []  # noqa: RUF012
    """Those columns that no later stage needs."""


class _Stages:
    """In which stage each instruction is computed: a lag needs its operand as a whole column.

    An instruction waits for the first stage that uses it, so that few columns are kept whole.
    Conditions are made again where they are needed, numbers never.
    """

    def __init__(self, plan: Plan) -> None:
        instructions = plan.instructions
        earliest: list[int] = []
        for op, args, _ in instructions:
            after = 1 if op in ("lag", "cumulative") else 0
            earliest.append(max([earliest[arg] for arg in args], default=0) + after)
        self.count = max(earliest, default=0) + 1
        self.of = list(earliest)
        """For numbers: the stage; for conditions of no meaning."""
        self.last = [-1] * len(instructions)
        """The last stage that uses it."""
        self.asked: defaultdict[int, set[int]] = defaultdict(set)
        """For conditions: the stages that use it, in each of which it is computed."""
        self.truths = _truths(instructions)
        # A later stage reads columns of other blocks too, which may have signs.
        self.unsigned = _unsigned(instructions) if self.count == 1 else [0] * len(instructions)
        self.whole: set[int] = set()
        """What a later stage needs all of."""
        latest = [self.count] * len(instructions)
        for position in range(len(instructions) - 1, -1, -1):
            op, args, _ = instructions[position]
            if latest[position] < self.count:
                self.of[position] = latest[position]
            if op in _CONDITIONS:
                stages = self.asked[position]
                first = min(stages)
            else:
                first = self.of[position]
                stages = {first}
                if op in ("lag", "cumulative"):
                    first -= 1
                    self.whole.update(args)
            for arg in args:
                self.last[arg] = max(self.last[arg], *stages)
                latest[arg] = min(latest[arg], first)
                if instructions[arg].op in _CONDITIONS:
                    self.asked[arg] |= stages

    def kept(self, position: int) -> bool:
        """Whether a number is needed after the stage that makes it."""
        return position in self.whole or self.last[position] > self.of[position]


class _Lowering:
    """Makes the steps of one stage: first with values without end, then with few buffers."""

    def __init__(self, plan: Plan, stages: _Stages) -> None:
        self.plan = plan
        self.stages = stages
        self.steps: list[Step] = []
        self.superfluous: set[int] = set()
        """Steps that change nothing if no leaf has a sign."""
        self.origins: list[tuple[str, Any]] = []
        self.known: dict[Any, int] = {}

    def value(self, kind: str, what: Any) -> int:
        """Return a value that is there before the steps run, once."""
        key = (kind, repr(what))
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = len(self.origins)
            self.origins.append((kind, what))
        return found

    def new(self, kind: str, what: Any = None) -> int:
        self.origins.append((kind, what))
        return len(self.origins) - 1

    def number(self, position: int) -> int:
        """Return the value of a number."""
        found = self.known.get(position)
        if found is None:
            op, _, value = self.plan.instructions[position]
            if op == "constant":
                found = self.value("constant", math.nan if value is None else value)
            elif op == "input":
                found = self.value("leaf", position)
            else:
                found = self.value("column", position)
            self.known[position] = found
        return found

    def truth(self, position: int, *, wanted: bool) -> int:
        """Return where a condition is known to be true, or known to be false."""
        instruction = self.plan.instructions[position]
        if instruction.op == "constant":
            return self.value("constant", instruction.value is wanted)
        if instruction.op == "not":
            return self.truth(instruction.args[0], wanted=not wanted)
        return self.known[position, wanted]

    def lower(
        self, leaves: Iterable[int], positions: Iterable[int], outputs: frozenset[int]
    ) -> Stage:
        """Return the stage that computes the instructions at ``positions`` and reads ``leaves``."""
        for position in leaves:
            self.number(position)
        for position in positions:
            instruction = self.plan.instructions[position]
            if instruction.op in _CONDITIONS:
                self._condition(position, instruction)
                continue
            self._number(position, instruction, position in outputs)
        return _allocate(self.steps, self.origins, self.superfluous)

    def _condition(self, position: int, instruction: Instruction) -> None:
        op, args, value = instruction
        if op == "not":
            return
        for wanted in (True, False):
            if not self.stages.truths[position] & (1 if wanted else 2):
                continue
            out = self.known[position, wanted] = self.new("condition")
            if op == "compare":
                a, b = map(self.number, args)
                self.steps.append((COMPARE[value[0], wanted], a, b, out))
            elif op == "is_missing":
                self.steps.append((np.isnan if wanted else present, self.number(args[0]), -1, out))
            else:
                step = np.logical_and if (op == "and") is wanted else np.logical_or
                a, b = [self.truth(arg, wanted=wanted) for arg in args]
                self.steps.append((step, a, b, out))

    def _number(self, position: int, instruction: Instruction, output: bool) -> None:  # noqa: FBT001
        op, args, value = instruction
        operands: tuple[int, ...]
        if op == "lag":
            function: Callable[..., Any] = lag
            operands = self.value("whole", args[0]), self.value("before", value)
        elif op == "if":
            function = choose
            operands = self.truth(args[0], wanted=True), *map(self.number, args[1:])
        else:
            function, operands = self._arithmetic(op, args)
        column = output or self.stages.kept(position)
        out = self.value("column", position) if column else self.new("number")
        self.known[position] = out
        if len(operands) == 3:
            self.steps.append((function, operands, -2, out))
        else:
            self.steps.append((function, operands[0], (*operands, -1)[1], out))
        if output:
            if self.stages.unsigned[position]:
                self.superfluous.add(len(self.steps))
            self.steps.append((np.add, out, self.value("constant", 0.0), out))  # no -0.0

    def _arithmetic(self, op: str, args: Sequence[int]) -> tuple[Callable[..., Any], Any]:
        operands = tuple(map(self.number, args))
        exponent = self.plan.instructions[args[-1]]
        if exponent.op == "constant" and op in ("**", "round"):
            given = exponent.value
            if op == "**":
                simple = {2.0: np.square, 0.5: np.sqrt}.get(given)
                return (simple, operands[:1]) if simple else (power, operands)
            if not given.is_integer():
                return np.add, (operands[0], self.value("constant", math.nan))
            if given > 308:
                return np.positive, operands[:1]
            if given < -308:
                return zero, operands[:1]
            return np.rint if given == 0 else rounding(given), operands[:1]
        return IN_PLACE.get(op) or APART[op], operands


def _allocate(steps: list[Step], origins: list[tuple[str, Any]], superfluous: set[int]) -> Stage:
    """Put values into slots; a buffer is free again after the last use of what it holds."""
    last: dict[int, int] = {}
    for at, (_, a, b, out) in enumerate(steps):
        for value in a if b == -2 else (a, b):
            last[value] = at
        last[out] = at
    slots: dict[int, int] = {}
    filled: dict[str, list[tuple[int, Any]]] = defaultdict(list)
    for value, (kind, what) in enumerate(origins):
        if kind not in ("number", "condition"):
            slots[value] = size = len(slots)
            filled[kind].append((size, what))
    size = len(slots)
    free: dict[str, list[int]] = {"number": [], "condition": []}
    buffers: dict[str, list[int]] = {"number": [], "condition": []}
    placed: list[Step] = []
    for at, (function, a, b, out) in enumerate(steps):
        operands = a if b == -2 else (a, b)
        done = [
            value
            for value in dict.fromkeys(operands)
            if value >= 0 and last[value] == at and origins[value][0] in free and value != out
        ]
        if function in MAY_OVERWRITE:
            for value in done:
                free[origins[value][0]].append(slots[value])
        if out not in slots:
            kind = origins[out][0]
            if not free[kind]:
                free[kind].append(size)
                buffers[kind].append(size)
                size += 1
            slots[out] = free[kind].pop()
        if function not in MAY_OVERWRITE:
            for value in done:
                free[origins[value][0]].append(slots[value])
        first = tuple([slots[value] for value in a]) if b == -2 else slots[a]
        placed.append((function, first, slots[b] if b >= 0 else b, slots[out]))
    return Stage(
        placed,
        [step for at, step in enumerate(placed) if at not in superfluous],
        size,
        [(slot, np.array(value)) for slot, value in filled["constant"]],
        buffers["number"],
        buffers["condition"],
        filled["leaf"],
        filled["column"],
        filled["whole"],
        filled["before"],
    )


def _truths(instructions: Sequence[Instruction]) -> dict[int, int]:
    """Return for each condition whether its being true (1) or false (2) is asked for."""
    asked: dict[int, int] = defaultdict(int)
    for position in range(len(instructions) - 1, -1, -1):
        op, args, _ = instructions[position]
        if op == "if":
            asked[args[0]] |= 1
        elif op == "not":
            asked[args[0]] |= (asked[position] & 1) << 1 | asked[position] >> 1
        elif op in ("and", "or"):
            for arg in args:
                asked[arg] |= asked[position]
    return asked


def _unsigned(instructions: Sequence[Instruction]) -> list[int]:
    """Return what each number can be where no leaf has a sign.

    2 has no sign, 1 is perhaps negative but never -0.0, 0 may be -0.0.
    """
    found: list[int] = []
    for op, args, value in instructions:
        of = [found[arg] for arg in args]
        if op == "constant":
            negative = isinstance(value, float) and math.copysign(1.0, value) < 0
            known = 2 if not negative else 1 if value else 0
        elif op in ("input", "abs", "exp"):
            known = 2
        elif op == "+":
            known = 2 if min(of) == 2 else min(max(of), 1)
        elif op == "-":
            known = min(of[0], 1)
        elif op in ("*", "/", "safe_div", "ceil", "round"):
            known = 2 if min(of) == 2 else 0
        elif op in ("sqrt", "floor", "sign"):
            known = of[0]
        elif op in ("min", "max", "coalesce"):
            known = min(of)
        elif op == "if":
            known = min(of[1:])
        else:
            known = 0
        found.append(known)
    return found


def stages_of(plan: Plan) -> list[Stage]:
    """Return what computes the plan's targets, except those that are leaves or constants."""
    instructions = plan.instructions
    outputs = frozenset(plan.outputs)
    stages = _Stages(plan)
    members: list[list[int]] = [[] for _ in range(stages.count)]
    sums: list[list[int]] = [[] for _ in range(stages.count)]
    kept: list[list[int]] = [[] for _ in range(stages.count)]
    freed: list[list[int]] = [[] for _ in range(stages.count)]
    for position, (op, _, _) in enumerate(instructions):
        if op in ("input", "constant"):
            continue
        if op in _CONDITIONS:
            for stage in stages.asked[position]:
                members[stage].append(position)
            continue
        stage = stages.of[position]
        (sums if op == "cumulative" else members)[stage].append(position)
        if position not in outputs and (op == "cumulative" or stages.kept(position)):
            kept[stage].append(position)
            freed[max(stages.last[position], stage)].append(position)
    leaves = range(len(plan.leaves))
    made = []
    for stage, positions in enumerate(members):
        lowering = _Lowering(plan, stages)
        steps = lowering.lower(() if stage else leaves, positions, outputs)
        made.append(steps._replace(sums=sums[stage], kept=kept[stage], freed=freed[stage]))
    return made
