"""The array engine: a plan over columns, block by block of rows that stay in the cache.

Memory is bounded by the inputs, the results and the buffers of one block, not by the number of
metrics. The steps are interpreted: over blocks of thousands of rows that measures as fast as
generated code, and a plan of 100,000 metrics needs no compiler. Threads over blocks measure no
faster, since every few microseconds one waits for the other.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from metrictree.engines.arrays.steps import stages_of
from metrictree.engines.arrays.ufuncs import finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metrictree.engines.arrays.steps import Stage, Step
    from metrictree.plan import Plan

    Floats = NDArray[np.float64]

__all__ = ["Periods", "Read", "evaluate"]

BLOCK: Final = 8_192
"""Rows of a block: from here on calls cost little, and operands still stay in a core's cache."""
LEAST: Final = 1_024
"""Rows of the smallest block, for plans that keep very many values at a time."""
BUFFERS: Final = 24 * 2**20
"""Memory of a block's buffers."""
SLAB: Final = 32 * 2**20
"""Results share memory up to this size: large pages cost less than many small ones."""


class Read(Protocol):
    """Reads rows of a column."""

    def __call__(self, low: int, high: int, /) -> Floats:
        """Return the rows from ``low`` up to ``high``: NaN is missing, none is infinite."""
        ...


class Periods(Protocol):
    """Which row is which period."""

    def previous(self, periods: int, /) -> NDArray[np.int64]:
        """Return for each row that of so many periods before in its group; -1 for none."""
        ...

    def cumulative(self, values: Floats, /) -> Floats:
        """Return the sums so far of each group, in the order of periods."""
        ...


def evaluate(
    plan: Plan,
    leaves: Sequence[Read],
    rows: int,
    targets: Sequence[str],
    *,
    periods: Periods | None = None,
    into: Sequence[Floats] | None = None,
    block: int | None = None,
) -> dict[str, Floats]:
    """Return the columns of ``targets``; NaN is missing.

    ``leaves`` read those of the plan, in its order. Every leaf is read, even if no formula needs
    it. What a reader raises comes out. ``targets`` are the plan's, of which leaves may be left out.
    ``periods`` is needed by functions over time. ``into`` is memory for the columns.
    """
    stages = plan.engines.get(__name__)
    if stages is None:
        stages = plan.engines[__name__] = stages_of(plan)
    instructions = plan.instructions
    columns: dict[int, Floats] = {}
    results = dict(zip(targets, into or _allocate(len(targets), rows), strict=True))
    copies: list[tuple[int, Floats]] = []
    for target, result in results.items():
        position = plan.positions[target]
        op, _, value = instructions[position]
        if op == "constant":
            result.fill(math.nan if value is None else value + 0.0)
        elif op == "input":
            copies.append((position, result))
        else:
            columns.setdefault(position, result)
    run = _Run(plan, leaves, rows, columns, periods=periods)
    for number, stage in enumerate(stages):
        run.stage(stage, copies if number == 0 else [], block)
    for target, result in results.items():
        column = columns.get(plan.positions[target], result)
        if column is not result:  # the same formula under another name
            result[:] = column
    return results


def _allocate(count: int, rows: int) -> list[Floats]:
    together = min(max(SLAB // (8 * max(rows, 1)), 1), max(count, 1))
    found: list[Floats] = []
    while len(found) < count:
        found.extend(np.empty((min(together, count - len(found)), rows)))
    return found


class _Run:
    """One run of a plan: the columns that are whole while it goes on."""

    def __init__(
        self,
        plan: Plan,
        leaves: Sequence[Read],
        rows: int,
        columns: dict[int, Floats],
        *,
        periods: Periods | None,
    ) -> None:
        self.plan = plan
        self.leaves = leaves
        self.rows = rows
        self.columns = columns
        self.periods = periods

    def whole(self, position: int) -> Floats:
        """Return all of a column."""
        column = self.columns.get(position)
        if column is not None:
            return column
        op, _, value = self.plan.instructions[position]
        if op == "constant":
            return np.full(self.rows, value)
        return np.broadcast_to(self.leaves[position](0, self.rows), self.rows)

    def stage(self, stage: Stage, copies: Sequence[tuple[int, Floats]], block: int | None) -> None:
        """Compute one stage, and free what no later one needs."""
        before: list[tuple[int, NDArray[Any]]] = []
        if self.periods is not None:
            for position in stage.sums:
                self._sum(position, self.plan.instructions[position].args[0])
            before = [(slot, self.periods.previous(count)) for slot, count in stage.before]
        for position in stage.kept:
            if position not in self.columns:
                self.columns[position] = np.empty(self.rows)
        columns = [(slot, self.columns[position]) for slot, position in stage.columns]
        wholes = [(slot, self.whole(position)) for slot, position in stage.wholes]
        size = block or _block_size(self.rows, len(stage.numbers))
        buffers = _Buffers(stage, min(size, self.rows), wholes)
        slots = buffers.slots
        slot_of = {position: slot for slot, position in stage.leaves}
        with np.errstate(
            divide="call", over="call", under="ignore", invalid="ignore", call=buffers.note
        ):
            for low in range(0, self.rows, size):
                high = min(low + size, self.rows)
                buffers.resize(high - low)
                for slot, position in stage.leaves:
                    slots[slot] = self.leaves[position](low, high)
                for slot, column in (*columns, *before):
                    slots[slot] = column[low:high]
                for position, result in copies:
                    np.add(slots[slot_of[position]], 0.0, result[low:high])  # no -0.0
                buffers.run(stage.steps if _signed(stage, slots) else stage.unsigned_steps)
        buffers.give_back()
        for position in stage.freed:
            del self.columns[position]

    def _sum(self, position: int, arg: int) -> None:
        assert self.periods is not None
        with np.errstate(all="ignore"):
            sums = self.periods.cumulative(self.whole(arg))
            sums = np.add(sums, 0.0, out=self.columns.get(position))  # no -0.0
            finite(sums)
        self.columns[position] = sums


class _Buffers:
    """What the steps of a stage work on, for one block after the other."""

    def __init__(self, stage: Stage, rows: int, fixed: Sequence[tuple[int, Any]]) -> None:
        self.slots: list[Any] = [None] * stage.size
        for slot, value in (*stage.constants, *fixed):
            self.slots[slot] = value
        self._rows = -1
        count = len(stage.numbers)
        self._memory = _take(count * rows)
        self._buffers = [
            *zip(stage.numbers, self._memory[: count * rows].reshape(count, rows), strict=True),
            *zip(stage.conditions, np.empty((len(stage.conditions), rows), np.bool_), strict=True),
        ]
        self._raised: list[str] = []

    def give_back(self) -> None:
        """Let the next run have the memory."""
        _SPARE[:] = [self._memory]

    def note(self, kind: str, _: int) -> None:
        """Note that the processor met a division by zero or an overflow."""
        self._raised.append(kind)

    def resize(self, rows: int) -> None:
        """Make the buffers as long as the block."""
        if rows != self._rows:
            self._rows = rows
            for slot, buffer in self._buffers:
                self.slots[slot] = buffer[:rows]

    def run(self, steps: Sequence[Step]) -> None:
        """Run the steps on the block."""
        slots, raised = self.slots, self._raised
        raised.clear()  # reading may convert
        for function, first, second, out in steps:
            if second >= 0:
                function(slots[first], slots[second], slots[out])
            elif second == -1:
                function(slots[first], slots[out])
            else:
                function(*[slots[slot] for slot in first], slots[out])
            if raised:
                finite(slots[out])
                raised.clear()


def _signed(stage: Stage, slots: Sequence[Any]) -> bool:
    """Whether a leaf has a sign in the block, -0.0 included; or it does not pay to know."""
    if len(stage.steps) - len(stage.unsigned_steps) <= len(stage.leaves):
        return True
    # The bits of a float are a negative integer if it has a sign.
    return any(slots[slot].view(np.int64).min() < 0 for slot, _ in stage.leaves)


_SPARE: Final[list[Floats]] = []
"""The buffers of the last run: memory that is new to a process costs more than computing in it."""


def _take(size: int) -> Floats:
    try:
        memory = _SPARE.pop()
    except IndexError:  # another thread has it
        return np.empty(size)
    return memory if len(memory) >= size else np.empty(size)


def _block_size(rows: int, buffers: int) -> int:
    """Return how many rows to compute at a time, so that all blocks are of about one size."""
    size = min(max(BUFFERS // (8 * max(buffers, 1)), LEAST), BLOCK)
    return max(-(-rows // max(round(rows / size), 1)), 1)
