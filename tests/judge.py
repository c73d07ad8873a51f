"""What a tree gives by the scalar engine's rules, and how far another engine may be from it.

Every cell is a value and a bound, which is 0 as long as only operations were used that float64
defines to the last bit. Libraries differ in the last bits of ``exp``, ``log``, ``log10``, powers;
and databases add up a whole history in an order of their own; from there on the bound is carried
through every operation. It is infinite where such a difference decides, as between two branches
of which one is missing: then the cell says nothing.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from metrictree import parse_formula
from metrictree.formula import FUNCTIONS, meaning
from tests import strategies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LAST_BITS = 1e-14
"""The relative error of a function of which float64 does not define the last bits."""
INEXACT = ("exp", "log", "log10", "**", "pow")
OPEN = math.inf


class Cell(NamedTuple):
    """A number, a truth or ``None``, and how far off another engine may be."""

    value: Any
    bound: float = 0.0


MISSING = Cell(None)


def judge(case: strategies.Case) -> dict[str, list[Cell]]:
    """Return the cells of every metric of a case, by row."""
    rows = case.table.rows
    known: dict[str, list[Cell]] = {"k": [Cell(2.5)] * rows}
    for leaf in strategies.LEAVES:
        cells = case.table.columns[case.renamed.get(leaf, leaf)]
        known[leaf] = [_given(cell) for cell in cells]
    groups = case.groups if isinstance(case, strategies.TimeCase) else [list(range(rows))]
    for metric, drawn in case.formulas.items():
        known[metric] = _formula(strategies.text_of(drawn), known, groups, rows)
    return known


def _given(cell: float | None) -> Cell:
    return MISSING if cell is None or math.isnan(cell) else Cell(float(cell) + 0.0)


def _formula(
    text: str, known: Mapping[str, list[Cell]], groups: Iterable[Sequence[int]], rows: int
) -> list[Cell]:
    made: list[list[Cell]] = []
    for op, operands, value, *_ in parse_formula(text).nodes:
        args = [made[index] for index in operands]
        if op == "ref":
            made.append(known[value])
        elif op == "number":
            made.append([Cell(float(value))] * rows)
        elif op == "null":
            made.append([MISSING] * rows)
        elif op == "call" and FUNCTIONS[value].over_time:
            cells = [MISSING] * rows
            periods = int(args[1][0].value) if len(args) > 1 and rows else 1
            for group in groups:
                series = _over_time(value, [args[0][row] for row in group], periods)
                for row, cell in zip(group, series, strict=True):
                    cells[row] = cell
            made.append(cells)
        else:
            name = value if op == "call" else op
            made.append(
                [_operation(name, [arg[row] for arg in args], value) for row in range(rows)]
            )
    return [Cell(None if v is None else v + 0.0, bound) for v, bound in made[-1]]


# --- operations of one period


def _operation(op: str, args: list[Cell], value: Any) -> Cell:
    if op == "if":
        return _choice(*args)
    if op == "coalesce":
        found = next((arg for arg in args if arg.bound == OPEN or arg.value is not None), MISSING)
        return found if found.value is not None else Cell(None, found.bound)
    if op == "is_missing":
        return Cell(args[0].value is None, OPEN if args[0].bound == OPEN else 0.0)
    if op == "compare":
        pairs = zip(value, args, args[1:], strict=False)
        return _joined("and", [_comparison(symbol, a, b) for symbol, a, b in pairs])
    if op in ("and", "or"):
        return _joined(op, args)
    if op == "not":
        return Cell(meaning.apply(op, [args[0].value]), args[0].bound)
    return _arithmetic(op, args)


def _choice(condition: Cell, then: Cell, otherwise: Cell) -> Cell:
    chosen, other = (then, otherwise) if condition.value else (otherwise, then)
    if condition.bound == 0 or chosen == other == MISSING:
        return chosen
    if chosen.value is None or other.value is None:
        return Cell(chosen.value, OPEN)
    apart = abs(chosen.value - other.value)
    return Cell(chosen.value, max(chosen.bound, apart + other.bound))


def _comparison(symbol: str, a: Cell, b: Cell) -> Cell:
    if MISSING in (a, b):
        return MISSING
    if a.value is None or b.value is None:
        return Cell(None, OPEN)
    truth = meaning.apply("compare", [a.value, b.value], (symbol,))
    bound = a.bound + b.bound
    return Cell(truth, OPEN if bound and abs(a.value - b.value) <= bound else 0.0)


def _joined(op: str, args: Sequence[Cell]) -> Cell:
    decided = op == "or"
    if any(arg.value is decided and arg.bound == 0 for arg in args):
        return Cell(decided)
    result = args[0].value
    for arg in args[1:]:
        result = meaning.apply(op, [result, arg.value])
    return Cell(result, max(arg.bound for arg in args))


def _arithmetic(op: str, args: list[Cell]) -> Cell:
    if MISSING in args:
        return MISSING
    value: Any = meaning.apply(op, [arg.value for arg in args])
    bounds = [arg.bound for arg in args]
    if OPEN in bounds or (any(bounds) and _is_open(op, args)):
        return Cell(value, OPEN)
    bound = 0.0
    if any(bounds):
        ends = [(a.value, a.value - a.bound, a.value + a.bound) for a in args]
        near: list[Any] = [meaning.apply(op, corner) for corner in itertools.product(*ends)]
        if any((other is None) != (value is None) for other in near):
            return Cell(value, OPEN)
        if value is not None:
            bound = max(abs(other - value) for other in near) * (1 + 1e-9)
    if value is None:
        return MISSING
    if op in INEXACT:
        bound += LAST_BITS * abs(value) + (5e-323 if value else 0.0)
        if abs(value) > 1e308:
            return Cell(value, OPEN)
    return Cell(value, bound)


def _is_open(op: str, args: Sequence[Cell]) -> bool:
    """Whether what a small difference makes of the result cannot be told from its ends."""
    a, b = args[0], args[-1]
    if op in ("/", "%", "safe_div"):
        b = args[1]
        if abs(b.value) <= b.bound:
            return True
    if op == "%":
        rest: Any = meaning.apply("%", [a.value, b.value])
        apart = a.bound + abs(a.value / b.value) * b.bound
        return bool(apart > abs(b.value) / 2 or min(abs(rest), abs(b.value)) <= a.bound)
    if op in ("**", "pow"):
        return bool(abs(a.value) <= a.bound or (a.value < 0 and b.bound > 0))
    return False


# --- functions over time


def _over_time(name: str, series: Sequence[Cell], periods: int) -> list[Cell]:
    values = meaning.over_time(name, [cell.value for cell in series], periods)
    if name == "cumulative":
        return [_total(values[end], series[: end + 1]) for end in range(len(series))]
    if name.startswith("rolling"):
        return [
            _window(name, values[end], series[max(end + 1 - periods, 0) : end + 1], periods)
            for end in range(len(series))
        ]
    before = [*[MISSING] * min(periods, len(series)), *series[: max(len(series) - periods, 0)]]
    if name == "lag":
        return before
    if name == "change":
        return [_arithmetic("-", list(pair)) for pair in zip(series, before, strict=True)]
    ratios = [_arithmetic("/", list(pair)) for pair in zip(series, before, strict=True)]
    return [_arithmetic("-", [ratio, Cell(1.0)]) for ratio in ratios]


def _total(value: float | None, terms: Sequence[Cell]) -> Cell:
    """Return a sum of a whole history, which may be added up in any order."""
    if MISSING in terms:
        return MISSING
    bound = sum(term.bound for term in terms)
    if len(terms) < 3 and bound == 0:
        return Cell(value)
    size = sum(abs(term.value or 0.0) / 32 for term in terms)
    if value is None or bound == OPEN or size > 5e306:
        return Cell(value, OPEN)
    return Cell(value, 32 * size * LAST_BITS + bound)


def _window(name: str, value: float | None, terms: Sequence[Cell], periods: int) -> Cell:
    if MISSING in terms or len(terms) < periods:
        return MISSING
    bound = sum(term.bound for term in terms)
    if bound == 0:
        return Cell(value)
    size = sum(abs(term.value or 0.0) / 32 for term in terms)
    if value is None or bound == OPEN or size > 5e306:
        return Cell(value, OPEN)
    return Cell(value, 32 * size * LAST_BITS + bound)
