"""Plan -> straight-line Python for single numbers: numbered slots, and no text of a user.

The code computes with plain floats as if nothing could be missing, and says so where something is:
a division by zero or a domain error is Python's own exception, and infinity or NaN goes through
the operations of `plan.LETS_THROUGH` until it reaches a value that is checked. Checked is what is
asked for and what any other operation looks at, but not what would make something infinite or NaN
that is checked already. The checked values are added up and the sum is
looked at once: infinity or NaN in one makes the sum so. A sum that overflows by itself is a false
alarm, and costs only the slow way.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from metrictree.formula.meaning import apply
from metrictree.loader import quiet_collector
from metrictree.plan import LETS_THROUGH, Builder, Instruction

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from metrictree.plan import Plan

__all__ = ["Program", "compile_plan", "source"]

WHOLE: Final = 30_000
"""Instructions that are one function at most: exchanging values takes a third of the time."""
CHUNK: Final = 3_000
"""Instructions of a function where there are more: CPython takes longer and more memory for a
large one, and all of it would not stay in the cache anyway."""
WINDOW: Final = 64
"""How far before its `if` an instruction of a branch may stand, which bounds a branch."""
NESTED: Final = 8
"""Branches in branches; deeper ones are computed whether taken or not."""
INLINED: Final = 120
"""Characters of an expression in an expression, which bounds the depth of brackets."""
TOGETHER: Final = 16
"""Values in one line of a sum, or it would be nested too deeply for CPython's compiler."""


@dataclass(frozen=True, slots=True)
class Program:
    """What computes a plan in place: a row begins with the leaves and grows by what is computed."""

    steps: tuple[Callable[[list[Any]], tuple[float, ...]], ...]
    """Functions of the row so far, which return what comes next."""
    constants: tuple[float | None, ...]
    """Targets that are the same for all numbers stand after the leaves."""
    slots: Mapping[str, int]
    """Where the row holds each target; a zero there may be negative."""

    def run(self, row: list[Any]) -> bool:
        """Compute; tell whether all of it holds: ``False`` is for the explaining way to compute."""
        row += self.constants
        try:
            for step in self.steps:
                row += step(row)
        except (ArithmeticError, ValueError):
            return False
        return True


def compile_plan(plan: Plan, missing: Collection[str] = ()) -> Program:
    """Return the program of a plan in which the leaves ``missing`` have no value.

    >>> from metrictree import MetricTree
    >>> from metrictree.plan import make_plan
    >>> tree = MetricTree(
    ...     north_star="rate", metrics={"rate": "orders / visits", "orders": None, "visits": None}
    ... )
    >>> program = compile_plan(make_plan(tree._tree, ["rate"]))
    >>> row = [5.0, 20.0]
    >>> program.run(row), row[program.slots["rate"]]
    (True, 0.25)
    """
    with quiet_collector():
        writer = _Writer(plan, missing)
        steps = []
        for text in writer.write():
            namespace = dict(_NAMES)
            exec(compile(text, "<plan>", "exec"), namespace)  # noqa: S102 - our own numbers
            steps.append(namespace["step"])
        slots = {target: writer.slots[at] for target, at in writer.outputs.items()}
        return Program(tuple(steps), tuple(writer.constants), slots)


def source(plan: Plan, missing: Collection[str] = ()) -> str:
    """Return the text that `compile_plan` compiles, to look at."""
    return "\n".join(_Writer(plan, missing).write())


# --- what the code is made of


def _rounded(x: float, digits: float) -> float:
    result = apply("round", (x, digits))
    if result is None:
        raise ArithmeticError
    return result


def _unknown() -> bool:
    """Stand for a condition that is missing, where it matters."""
    raise ArithmeticError


_NAMES: Final[Mapping[str, Any]] = {
    "__builtins__": {},
    "abs": abs,
    "round": round,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "log10": math.log10,
    "pow": math.pow,
    "nan": math.nan,
    "rounded": _rounded,
    "unknown": _unknown,
    "missing": ArithmeticError,
}

_TEXTS: Final[Mapping[str, str]] = {
    "**": "pow({0},{1})",
    "neg": "-{0}",
    "abs": "abs({0})",
    "sqrt": "sqrt({0})",
    "exp": "exp({0})",
    "log": "log({0})",
    "log10": "log10({0})",
    "floor": "{0}//1.0",
    "ceil": "-(-{0}//1.0)",
    "sign": "1.0 if {0}>0.0 else -1.0 if {0}<0.0 else 0.0",
    "min": "{1} if {1}<{0} else {0}",
    "max": "{1} if {1}>{0} else {0}",
    "safe_div": "{0}/{1} if {1} else {2}",
    "and": "{0} and {1}",
    "or": "{0} or {1}",
    "not": "not {0}",
}

_BINDING: Final[Mapping[str, int]] = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2}
"""How tightly an operator holds its operands; all that is not here stands in brackets."""
_TIGHT: Final = 3
_TWICE: Final = frozenset({"sign", "min", "max", "safe_div", "round"})
"""Operations that write an operand more than once, which then has to be a name."""
_CONDITIONS: Final = frozenset({"and", "or", "not"})
"""Operations on conditions, which are true or false as long as all that is compared is there."""
_FINITE: Final = frozenset({"min", "max", "sign", "exp", "**", "input", "constant"})
"""Operations whose result is finite if they have one, since their operands are checked."""
_GUARDS: Final[Mapping[str, tuple[int, str]]] = {
    "/": (1, "!="),
    "%": (1, "!="),
    "sqrt": (0, ">="),
    "log": (0, ">"),
    "log10": (0, ">"),
}
"""How an operand compares with zero where the operation has a result."""


# --- what is missing, and what is looked at for being missing


def _without_missing(
    plan: Plan, missing: Collection[str]
) -> tuple[list[Instruction], list[int], list[tuple[int, bool]]]:
    """Return instructions in which nothing is missing but what must be.

    Leaves that are ``missing`` are constants, and what follows from that is folded. Everything else
    is there, or else the row is computed in the explaining way: so `is_missing` is false, and
    `coalesce` is its first operand. Also returned are where the instructions of the plan are among
    the new ones, and which ones were looked at so: the value that `coalesce` takes is seen where it
    is used, but that of `is_missing` nowhere, so it has to be computed in any case.
    """
    builder = Builder()
    moved: list[int] = []
    looked_at: list[tuple[int, bool]] = []
    for op, old, value in plan.instructions:
        args = tuple([moved[arg] for arg in old])
        if op == "input":
            at = builder.constant(None) if value in missing else builder.add(op, (), value)
        elif op == "constant":
            at = builder.constant(value)
        elif op not in ("coalesce", "is_missing") or (
            builder.instructions[args[0]].op == "constant"
        ):
            at = builder.of(op, *args, value=value)
        else:
            looked_at.append((args[0], op == "is_missing"))
            at = builder.constant(False) if op == "is_missing" else _first(builder, *args)  # noqa: FBT003 - a value
        moved.append(at)
    return builder.instructions, moved, looked_at


def _first(builder: Builder, x: int, otherwise: int) -> int:
    """Return ``coalesce(x, otherwise)`` where ``x`` is there unless its domain says no."""
    op, args, _ = builder.instructions[x]
    if op not in _GUARDS:
        return x
    position, symbol = _GUARDS[op]
    there = builder.of("compare", args[position], builder.constant(0.0), value=(symbol,))
    return builder.of("if", there, x, otherwise)


# --- writing

_AT_ROOT: Final = 0
_LOCAL, _KEPT, _LEAF = range(3)


class _Writer:
    """Decides where each instruction is computed and which ones are checked, then writes them.

    A region is where instructions are computed: the root, or a branch of an `if`. What only one
    branch uses is computed in it, so that ``a / b if b > 0 else 0`` has no trouble with zero.
    A chunk is a function; what another chunk uses, or is asked for, is kept in the row.
    """

    def __init__(self, plan: Plan, missing: Collection[str]) -> None:
        looked_at: Sequence[tuple[int, bool]] = ()
        moved: Sequence[int] = range(len(plan.instructions))
        self.instructions: Sequence[Instruction] = plan.instructions
        if missing or any(op in ("coalesce", "is_missing") for op, _, _ in plan.instructions):
            self.instructions, moved, looked_at = _without_missing(plan, missing)
        self.outputs = {target: moved[plan.positions[target]] for target in plan.targets}
        # Of each instruction; arrays and not lists, as 100,000 metrics should stay in the cache.
        count = len(self.instructions)
        self.length = CHUNK if count > WHOLE else max(count, 1)
        self.regions = array("i", [-1]) * count
        self.uses = bytearray(count)  # 0, 1 or more
        self.checked = bytearray(count)
        self.kept = bytearray(count)
        self.slots = array("i", [-1]) * count  # where the row holds it
        # Of each region.
        self.parents = [_AT_ROOT]
        self.roots = [-1]  # the `if` at the root in which it lies
        self.depths = [0]
        self.branches: dict[int, tuple[int, int]] = {}
        self._place(looked_at)

        for slot, leaf in enumerate(plan.leaves):
            if leaf not in missing:
                self.slots[moved[plan.positions[leaf]]] = slot
        self.constants: list[float | None] = []
        for at in self.outputs.values():
            if self.slots[at] < 0 and self.instructions[at].op == "constant":
                self.slots[at] = len(plan.leaves) + len(self.constants)
                self.constants.append(self.instructions[at].value)
        self.size = len(plan.leaves) + len(self.constants)

    # --- regions, uses and checks: from the last instruction to the first

    def _place(self, looked_at: Sequence[tuple[int, bool]]) -> None:  # noqa: C901 - one loop, whole for speed
        instructions, regions, uses, kept = self.instructions, self.regions, self.uses, self.kept
        count, length = len(instructions), self.length
        wanted = bytearray(count)  # has to be finite
        covered = bytearray(count)  # is seen to be finite, as something else at the root is checked
        covered_in: dict[int, int] = {}  # or in a branch, wherever that is computed
        for at in self.outputs.values():
            regions[at] = _AT_ROOT
            uses[at] = 2
            kept[at] = _KEPT
            wanted[at] = 1
        for at, everywhere in looked_at:
            wanted[at] = 1
            if everywhere:  # even if no branch that is taken computes it
                regions[at] = _AT_ROOT
                uses[at] = 2
        for at in range(count - 1, -1, -1):
            op, args, _ = instructions[at]
            if not args:
                continue
            region = regions[at]
            if region < 0:
                if not wanted[at]:
                    continue
                region = regions[at] = _AT_ROOT
            if region == _AT_ROOT:
                chunk = at // length
                is_covered = covered[at] != 0
            else:
                chunk = self.roots[region] // length
                kept[at] = _LOCAL  # all its users are in the same `if`
                is_covered = covered_in.get(at) == region
            if wanted[at] and not is_covered and op not in _FINITE:
                self.checked[at] = 1
                uses[at] = 2
                is_covered = True
            if op == "if":
                self._place_branches(at, chunk, covered_in if is_covered else {})
                continue
            through = LETS_THROUGH.get(op, ())
            for position, arg in enumerate(args):
                uses[arg] = 2 if uses[arg] else 1
                if arg // length != chunk:
                    kept[arg] = _KEPT
                if region == _AT_ROOT:
                    regions[arg] = _AT_ROOT
                else:
                    self._place_at(arg, region)
                if position in through:
                    if is_covered:
                        if region == _AT_ROOT:
                            covered[arg] = 1
                        else:
                            covered_in[arg] = min(region, covered_in.get(arg, region))
                elif op not in _CONDITIONS:
                    wanted[arg] = 1
                    if op in _TWICE:
                        uses[arg] = 2

    def _place_branches(self, at: int, chunk: int, covered_in: dict[int, int]) -> None:
        """Make the regions of the branches of an `if`, and place its operands."""
        region = self.regions[at]
        depth = self.depths[region] + 1
        branches = (region, region)
        if depth <= NESTED:
            branches = (len(self.parents), len(self.parents) + 1)
            self.parents += (region, region)
            root = at if region == _AT_ROOT else self.roots[region]
            self.roots += (root, root)
            self.depths += (depth, depth)
        self.branches[at] = branches
        for arg, where in zip(self.instructions[at].args, (region, *branches), strict=True):
            self.uses[arg] = 2 if self.uses[arg] else 1
            if arg // self.length != chunk:
                self.kept[arg] = _KEPT
            self._place_at(arg, where)
            if where != region:
                covered_in[arg] = min(where, covered_in.get(arg, where))

    def _place_at(self, arg: int, region: int) -> None:
        """Place an operand where all that uses it can see it."""
        placed = self.regions[arg]
        if arg < self.roots[region] - WINDOW:
            region = _AT_ROOT
        parents = self.parents
        while placed >= 0 and placed != region:  # a region is numbered after what it lies in
            if placed > region:
                placed = parents[placed]
            else:
                region = parents[region]
        self.regions[arg] = region

    # --- text: from the first instruction to the last

    def write(self) -> Iterator[str]:
        """Yield the text of each function, in order."""
        self.texts = [""] * len(self.instructions)
        self.bindings = bytearray([_TIGHT]) * len(self.instructions)
        self.members: dict[int, list[int]] = {}
        self.chunk = 0
        self._open()
        for at, (op, args, value) in enumerate(self.instructions):
            region = self.regions[at]
            if args:
                if region == _AT_ROOT:
                    if at // self.length != self.chunk:
                        if self.lines:
                            yield self._close()
                        self._open()
                        self.chunk = at // self.length
                    self._emit(at, self.lines, " ")
                elif region > 0:
                    self.members.setdefault(region, []).append(at)
            elif op == "constant":
                self.texts[at] = "nan" if value is None else repr(value)
                self.kept[at] = _LOCAL
            elif self.uses[at] == 1:
                self.texts[at] = f"r[{self.slots[at]}]"
                self.kept[at] = _LOCAL
            else:
                self.texts[at] = f"v{at}"
                self.kept[at] = _LEAF
        if self.lines:
            yield self._close()

    def _open(self) -> None:
        self.loaded: set[int] = set()
        self.lines: list[str] = []
        self.sums: list[str] = []
        self.results: list[str] = []

    def _close(self) -> str:
        self._add_up()
        return "\n".join(
            [
                "def step(r):",
                *[f" v{at}=r[{self.slots[at]}]" for at in sorted(self.loaded)],
                " s=0.0",
                *self.lines,
                " if s-s!=0.0:raise missing",
                f" return({''.join(self.results)})\n",
            ]
        )

    def _add_up(self) -> None:
        if self.sums:
            self.lines.append(f" s+={'+'.join(self.sums)}")
            self.sums.clear()

    def _read(self, at: int, binding: int = 0) -> str:
        """Return how an operand is written: in brackets, by its name, or where the row holds it."""
        kept = self.kept[at]
        if kept == _KEPT and at // self.length != self.chunk:
            return f"r[{self.slots[at]}]"
        if kept == _LEAF:
            self.loaded.add(at)
        return f"({self.texts[at]})" if self.bindings[at] < binding else self.texts[at]

    def _emit(self, at: int, lines: list[str], indent: str) -> None:
        """Write an instruction: as a line, or as an expression in the only one that uses it."""
        op, args, value = self.instructions[at]
        binding = _BINDING.get(op, 0)
        if binding:
            left, right = args
            if self.bindings[right] <= binding and op in "+*":
                left, right = right, left  # the same float64, and fewer brackets
            text = f"{self._read(left, binding)}{op}{self._read(right, binding + 1)}"
        elif op == "if":
            if self._fork_text(at, lines, indent):
                return
            condition, then, otherwise = [self._read(arg, 1) for arg in args]
            text = f"{then} if {condition} else {otherwise}"
        else:
            texts = [self._read(arg, _TIGHT) for arg in args]
            if op in _CONDITIONS:
                texts = ["unknown()" if text == "nan" else text for text in texts]
            if op == "compare":
                text = f"{texts[0]}{value[0]}{texts[1]}"
            elif op == "round":
                text = self._round_text(args, texts)
            else:
                text = _TEXTS[op].format(*texts)
        if self.uses[at] == 1 and not self.kept[at] and len(text) <= INLINED:
            self.texts[at] = text
            self.bindings[at] = binding
        else:
            lines.append(f"{indent}v{at}={text}")
            self._stored(at, lines, indent)

    def _stored(self, at: int, lines: list[str], indent: str) -> None:
        name = self.texts[at] = f"v{at}"
        if self.kept[at]:
            self.slots[at] = self.size
            self.size += 1
            self.results.append(f"{name},")
        if self.checked[at]:
            if self.regions[at] == _AT_ROOT:
                self.sums.append(name)
                if len(self.sums) >= TOGETHER:
                    self._add_up()
            else:
                lines.append(f"{indent}s+={name}")

    def _fork_text(self, at: int, lines: list[str], indent: str) -> bool:
        """Write an `if` with instructions in its branches as a statement, if there are such."""
        blocks: list[list[str]] = []
        for branch in self.branches[at]:
            block: list[str] = []
            for member in self.members.pop(branch, ()) if branch != self.regions[at] else ():
                self._emit(member, block, indent + " ")
            blocks.append(block)
        if not any(blocks):
            return False
        condition, then, otherwise = map(self._read, self.instructions[at].args)
        lines += [f"{indent}if {condition}:", *blocks[0], f"{indent} v{at}={then}"]
        lines += [f"{indent}else:", *blocks[1], f"{indent} v{at}={otherwise}"]
        self._stored(at, lines, indent)
        return True

    def _round_text(self, args: Sequence[int], texts: Sequence[str]) -> str:
        op, _, digits = self.instructions[args[1]]
        if op != "constant" or not digits.is_integer() or abs(digits) > 308:
            return f"rounded({texts[0]},{texts[1]})"
        scale = repr(math.pow(10.0, digits))
        whole = f"{-(2.0**52)!r}<(t:={texts[0]}*{scale})<{2.0**52!r}"
        return f"round(t)/{scale} if {whole} else {texts[0]}"
