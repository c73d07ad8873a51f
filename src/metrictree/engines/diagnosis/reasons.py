"""What is told of missing values of a frame: how many by metric and rule, each with an example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, overload

from metrictree.diagnostics import shown
from metrictree.formula.printer import number_text

if TYPE_CHECKING:
    from metrictree.formula.meaning import Rule

__all__ = ["Diagnosed", "Example", "MissingRows", "Reasons"]

FrameT = TypeVar("FrameT")


@dataclass(frozen=True, slots=True)
class Example:
    """A row in which a metric is missing by some rule."""

    row: int | None
    """Its position, counted from 0; ``None`` where rows have no order."""
    at: Mapping[str, Any]
    """Its time and its dimensions."""
    inputs: Mapping[str, float | None]
    """The values that the metric's formula works on; of an input, its own."""

    def __str__(self) -> str:
        place = [] if self.row is None else [f"row {self.row:,}"]
        place += [f"{shown(name, 40)} {_cell(value)}" for name, value in self.at.items()]
        facts = [f"{name} is {_cell(value)}" for name, value in self.inputs.items()]
        if len(facts) > 4:
            facts = [*facts[:3], f"{len(facts) - 3} more"]
        return ": ".join(", ".join(part) for part in (place, facts) if part)


def _cell(value: Any) -> str:
    if value is None:
        return "missing"
    return number_text(value) if isinstance(value, float) else shown(str(value), 40)


@dataclass(frozen=True, slots=True)
class MissingRows:
    """Rows in which a target is missing because one metric broke by one rule."""

    metric: str
    """The metric that broke first."""
    rule: Rule
    rows: int
    """How many there are."""
    example: Example
    formula: str | None
    """What the metric is made of; ``None`` is nothing, it was to be given."""


class Reasons(Sequence[MissingRows]):
    """Why targets are missing in some rows of a frame: most rows first.

    A row counts once for each place at which a target of it broke.
    """

    __slots__ = ("_rows",)

    def __init__(self, rows: Sequence[MissingRows]) -> None:
        self._rows = tuple(rows)

    @overload
    def __getitem__(self, index: int) -> MissingRows: ...

    @overload
    def __getitem__(self, index: slice) -> Reasons: ...

    def __getitem__(self, index: int | slice) -> MissingRows | Reasons:
        return Reasons(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __eq__(self, other: object) -> bool:
        return self._rows == other._rows if isinstance(other, Reasons) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        if not self._rows:
            return "no target is missing"
        lines = [("metric", "rule", "rows", "example")]
        lines += [
            (line.metric, line.rule.value, f"{line.rows:,}", str(line.example))
            for line in self._rows[:20]
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        texts = [
            f"{metric:{widths[0]}}  {rule:{widths[1]}}  {rows:>{widths[2]}}  {example}".rstrip()
            for metric, rule, rows, example in lines
        ]
        more = len(self) - 20
        return "\n".join([*texts, f"... {more:,} more"] if more > 0 else texts)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return a dictionary for each line, of plain values."""
        return [
            {
                "metric": line.metric,
                "rule": line.rule.value,
                "rows": line.rows,
                "example": {
                    "row": line.example.row,
                    "at": dict(line.example.at),
                    "inputs": dict(line.example.inputs),
                },
                "formula": line.formula,
            }
            for line in self._rows
        ]


class Diagnosed(NamedTuple, Generic[FrameT]):
    """A frame with its targets, and the reasons for those that are missing."""

    frame: FrameT
    reasons: Reasons
