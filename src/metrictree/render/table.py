"""Rows of values as a table for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from metrictree.render.numbers import format_value
from metrictree.render.style import PLAIN, Style, text_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from metrictree.engines.base import Reason
    from metrictree.render.tree import Tree
    from metrictree.schema import Metric

__all__ = ["render_run", "render_table"]

_REASONS = 5
_WIDEST = 40
_NARROWEST = 10


class Result(Protocol):
    """What a run gives: a row for each period and group."""

    @property
    def columns(self) -> Sequence[str]: ...
    @property
    def rows(self) -> Sequence[Sequence[Any]]: ...
    def why(self, row: int, metric: str) -> Reason | None: ...


def render_run(tree: Tree, result: Result, style: Style = PLAIN) -> str:
    """Return the table of a run, and below it why values are missing."""
    metrics = tree.metrics
    lines = [render_table(result.columns, result.rows, metrics, style)]
    keys = [position for position, name in enumerate(result.columns) if name not in metrics]
    values = [position for position, name in enumerate(result.columns) if name in metrics]
    gaps = [
        number
        for number, row in enumerate(result.rows)
        if any(row[position] is None for position in values)
    ]
    lines += [""] if gaps else []
    for number in gaps[:_REASONS]:
        row = result.rows[number]
        where = " ".join(style.show(_key(row[position])) for position in keys)
        missing = [result.columns[position] for position in values if row[position] is None]
        reasons = [str(result.why(number, metric)) for metric in missing]
        for reason in dict.fromkeys(reasons):  # one cause may empty several columns
            text = f"{where}: {reason}" if where else reason
            lines.append(style.paint(style.show(text), "yellow"))
    if len(gaps) > _REASONS:
        lines.append(f"... and {len(gaps) - _REASONS:,} more rows")
    return "\n".join(lines)


def render_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    metrics: Mapping[str, Metric],
    style: Style = PLAIN,
) -> str:
    """Return a table; columns named like a metric hold its values, the others come first.

    Where the table is too wide, long names are broken over several lines.

    >>> from metrictree import Metric
    >>> metrics = {"orders": Metric(), "rate": Metric(unit="%")}
    >>> print(render_table(["month", "orders", "rate"], [("1997-03", 11598.0, 0.375)], metrics))
    month    orders    rate
    1997-03  11,598  37.5 %
    """
    texts = [
        [
            format_value(metrics[column], value)
            if column in metrics
            else style.cut(style.show(_key(value)), _WIDEST)
            for column, value in zip(columns, row, strict=True)
        ]
        for row in rows
    ]
    widths = [max(map(text_width, cells), default=0) for cells in zip(*texts, strict=True)]
    widths = widths or [0] * len(columns)
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
    numeric = [column in metrics for column in columns]
    lines = [style.paint(_line(head, widths, numeric), "bold") for head in zip(*heads, strict=True)]
    lines += [_line(row, widths, numeric) for row in texts]
    return "\n".join(lines)


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
