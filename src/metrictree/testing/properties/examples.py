"""What a search of a property has looked at, and what it says of other trees.

Where there are no periods the array engine computes all examples at once: a mutant of a tree looks
at hundreds of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from metrictree.plan import Builder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from metrictree.formula import Formula
    from metrictree.testing.case import TestValue
    from metrictree.testing.properties.claims import Claim, Example, Verdict

    Floats = NDArray[np.float64]

__all__ = ["Examples"]


@dataclass(frozen=True)
class Examples:
    """Examples to look at: those of a search that found nothing serve a changed tree again."""

    tried: tuple[Example, ...] = ()

    def __len__(self) -> int:
        return len(self.tried)

    def verdicts(self, claim: Claim) -> Iterator[Verdict]:
        """Yield what each example says; what only this tree needs has an ordinary value."""
        ordinary = {
            name: claim.constant(domain.typical(position))
            for position, (name, domain) in enumerate(claim.free.items())
        }
        if claim.periods or self._of_periods:
            for example in self.tried:
                yield claim.judge(claim.fitted(example, ordinary))
            return
        rest: dict[str, TestValue] = {**ordinary, **claim.fixed}
        before = after = _values(claim, self._columns, rest, len(self))
        if claim.driver is not None:
            after = _values(claim, {**self._columns, claim.driver: self._moved}, rest, len(self))
        for row, example in enumerate(self.tried):
            yield claim.judge_values(
                example, partial(_in_row, before, row), partial(partial, _in_row, after, row)
            )

    @cached_property
    def _of_periods(self) -> bool:
        return any(isinstance(value, tuple) for one in self.tried for value in one.values.values())

    @cached_property
    def _columns(self) -> dict[str, Floats]:
        names = self.tried[0].values if self.tried else ()
        return {name: _column(one.values[name] for one in self.tried) for name in names}

    @cached_property
    def _moved(self) -> Floats:
        return _column(one.moved for one in self.tried)


def _column(values: Iterator[TestValue]) -> Floats:
    import numpy as np

    return np.array(list(values), dtype=np.float64)  # missing is NaN there


def _in_row(columns: Mapping[int, Sequence[float | None]], row: int, part: Formula) -> float | None:
    return columns[id(part)][row]


def _values(
    claim: Claim, columns: Mapping[str, Floats], rest: Mapping[str, TestValue], rows: int
) -> dict[int, list[float | None]]:
    """Return the values of each part of the sentence, by its identity."""
    import numpy as np

    from metrictree.engines.arrays.program import evaluate

    leaves = tuple(dict.fromkeys([*claim.fixed, *claim.free]))
    builder = Builder()
    positions = {leaf: builder.add("input", (), leaf) for leaf in leaves}
    for metric in claim.order:
        positions[metric] = builder.formula(claim.tree.formulas[metric], positions)[-1]
    parts = {f" {number}": part for number, part in enumerate(claim.sentence.parts)}  # no ids
    for name, part in parts.items():
        positions[name] = builder.formula(part, positions)[-1]
    plan = builder.plan(positions, leaves, (*claim.order, *parts), tuple(parts))
    known = [
        columns[leaf] if leaf in columns else np.full(rows, rest[leaf], dtype=np.float64)
        for leaf in leaves
    ]
    found = evaluate(plan, [partial(_read, column) for column in known], rows, tuple(parts))
    return {
        id(part): [None if value != value else value + 0.0 for value in found[name].tolist()]  # noqa: PLR0124 - NaN
        for name, part in parts.items()
    }


def _read(column: Floats, low: int, high: int) -> Floats:
    return column[low:high]
