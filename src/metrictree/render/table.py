"""Rows of values as a table for reading."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from metrictree.render.findings import counted
from metrictree.render.numbers import format_column
from metrictree.render.style import PLAIN, Style, text_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from metrictree.engines.base import Reason
    from metrictree.formula.meaning import Rule
    from metrictree.render.tree import Tree
    from metrictree.schema import Metric

__all__ = ["render_run", "render_table"]

_REASONS = 10
_WIDEST = 40
_NARROWEST = 10


class Result(Protocol):
    """What a run gives: a row for each period and group; its last columns are its metrics."""

    @property
    def columns(self) -> Sequence[str]: ...
    @property
    def metrics(self) -> Sequence[str]: ...
    @property
    def rows(self) -> Sequence[Sequence[Any]]: ...
    def why(self, row: int, metric: str) -> Reason | None: ...


def render_run(tree: Tree, result: Result, style: Style = PLAIN) -> str:
    """Return the table of a run, and below it why values are missing: a line for each cause."""
    metrics = [tree.metrics[name] for name in result.metrics]
    lines = [render_table(result.columns, result.rows, metrics, style)]
    if not result.rows:
        lines.append("no rows")
    keys = len(result.columns) - len(metrics)
    causes: dict[tuple[str, Rule], _Cause] = {}
    for number, row in enumerate(result.rows):
        values = zip(result.metrics, row[keys:], strict=True)
        empty = [name for name, value in values if value is None]
        reasons = [reason for name in empty if (reason := result.why(number, name)) is not None]
        # One cause may empty several columns.
        for kind, reason in {(reason.metric, reason.rule): reason for reason in reasons}.items():
            causes.setdefault(kind, _Cause(number, reason)).rows += 1
    lines += [""] if causes else []
    for cause in islice(causes.values(), _REASONS):
        row = result.rows[cause.first]
        where = " ".join(style.show(_key(value)) for value in row[:keys])
        if cause.rows > 1:
            where += f" and {counted(cause.rows - 1, 'more row')}"
        text = f"{where}: {cause.reason}" if where else str(cause.reason)
        lines.append(style.paint(style.show(text), "yellow"))
    if len(causes) > _REASONS:
        lines.append(f"... and {counted(len(causes) - _REASONS, 'more cause')}")
    return "\n".join(lines)


@dataclass
class _Cause:
    """Why values are missing, in all rows in which a metric broke by the same rule."""

    first: int
    reason: Reason
    """In the first row."""
    rows: int = 0


def render_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    metrics: Sequence[Metric],
    style: Style = PLAIN,
) -> str:
    """Return a table; the last columns hold values of ``metrics``, those before them are keys.

    Where the table is too wide, long names are broken over several lines; what is too wide for a
    terminal even so is split into several tables, each with the columns that come first.

    >>> from metrictree import Metric
    >>> metrics = [Metric(), Metric(unit="%")]
    >>> print(render_table(["month", "orders", "rate"], [("1997-03", 11598.0, 0.375)], metrics))
    month    orders    rate
    1997-03  11,598  37.5 %
    """
    cells = list(zip(*rows, strict=True)) or [()] * len(columns)
    keys = len(columns) - len(metrics)
    texts = [
        [style.cut(style.show(_key(value)), _WIDEST) for value in values] for values in cells[:keys]
    ]
    texts += [
        format_column(metric, values) for metric, values in zip(metrics, cells[keys:], strict=True)
    ]
    widths = [max(map(text_width, column), default=0) for column in texts]
    names = [[style.show(column)] for column in columns]
    room = style.width or 100
    if sum(max(width, len(name[0])) + 2 for width, name in zip(widths, names, strict=True)) > room:
        names = [
            _broken(name[0], max(width, _NARROWEST))
            for width, name in zip(widths, names, strict=True)
        ]
    widths = [max(width, *map(len, name)) for width, name in zip(widths, names, strict=True)]
    height = max(map(len, names), default=0)
    heads = [[""] * (height - len(name)) + name for name in names]
    blocks = []
    for block in _blocks(widths, keys, style.width):
        right, wide = [at >= keys for at in block], [widths[at] for at in block]
        head = zip(*(heads[at] for at in block), strict=True)
        body = zip(*(texts[at] for at in block), strict=True)
        lines = [style.paint(_line(row, wide, right), "bold") for row in head]
        lines += [_line(row, wide, right) for row in body]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _blocks(widths: Sequence[int], keys: int, room: int | None) -> Iterator[list[int]]:
    """Yield the columns that stand beside each other: the keys, and metrics while there is room."""
    block = list(range(keys))
    for at in range(keys, len(widths)):
        fits = room is None or sum(widths[one] + 2 for one in [*block, at]) - 2 <= room
        if not fits and len(block) > keys:
            yield block
            block = list(range(keys))
        block.append(at)
    yield block


def _key(value: object) -> str:
    """Return a period or the value of a dimension."""
    return "(none)" if value is None else str(value)


def _broken(name: str, width: int) -> list[str]:
    """Break a name behind underscores and points into lines of at most ``width``, if it can be."""
    lines = [""]
    for piece in name.replace("_", "_\n").replace(".", ".\n").split("\n"):
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("")
        lines[-1] += piece
    return lines


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    padded = []
    for cell, width, right in zip(cells, widths, numeric, strict=True):
        blank = " " * (width - text_width(cell))
        padded.append(blank + cell if right else cell + blank)
    return "  ".join(padded).rstrip()
