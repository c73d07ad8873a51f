"""Aligned columns behind names, for terminals of any width.

No cell of the last column is cut: it goes on below, or stands there where no room is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from metrictree.render.style import Style, clip, text_width, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["WIDEST", "Cell", "Column", "Line", "Piece", "draw_columns"]

WIDEST: Final = 60
"""Cells that a column is widened to; what is longer pushes the rest of its line."""
_NARROWEST: Final = 30
"""Cells of the last column; where fewer are left, it stands below its name instead."""
_SHORTEST: Final = 10
"""Cells that it is wrapped to at least."""

Piece: TypeAlias = tuple[str, tuple[str, ...]]
"""Text and its colours."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a column; in the last one it may have several lines."""

    text: str
    colors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column beside the names."""

    title: str
    right: bool = False
    optional: bool = False
    """Whether it is left out where lines would be too long for the terminal."""


@dataclass(frozen=True, slots=True)
class Line:
    """A name with its cells."""

    name: Sequence[Piece]
    cells: Sequence[Cell]
    below: str = ""
    """What stands before the last cell where it goes on below."""

    @property
    def width(self) -> int:
        """The cells that the name takes."""
        return sum(text_width(text) for text, _ in self.name)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the columns of a drawing stand."""

    style: Style
    columns: Sequence[Column]
    first: int
    """The width of the first column, which has the names."""
    kept: tuple[int, ...]
    widths: tuple[int, ...]
    room: int | None
    """The cells for the last column; ``None`` if it is as wide as it likes."""
    below: bool = False
    """Whether the last column stands below the names."""


def draw_columns(
    sections: Sequence[tuple[str, Sequence[Line]]], columns: Sequence[Column], style: Style
) -> Iterator[str]:
    """Yield each section as lines of aligned columns; columns without a word are left out.

    >>> lines = [Line([("orders", ())], [Cell("5"), Cell("given")])]
    >>> print(
    ...     *draw_columns([("metric", lines)], [Column("value", right=True), Column("")], Style())
    ... )
    metric  value
    orders      5  given
    """
    layout = _layout(sections, columns, style)
    heads = [Cell(column.title, ("dim",)) for column in columns]
    if layout.below:
        heads[-1] = Cell("")
    for title, lines in sections:
        rendered = list(_lines(Line([(title, ("bold",))], heads), layout))
        heads = [Cell("")] * len(columns)  # the first section says it for all
        for line in lines:
            rendered += _lines(line, layout)
        yield "\n".join(rendered)


def _layout(
    sections: Sequence[tuple[str, Sequence[Line]]], columns: Sequence[Column], style: Style
) -> _Layout:
    """Return the columns that fit; the last one is wrapped where it does not, or stands below."""
    first = 0
    widths = [0] * len(columns)
    last = len(columns) - 1
    for title, lines in sections:
        first = max(first, len(title))
        for line in lines:
            first = max(first, min(line.width, WIDEST))
            for position, cell in enumerate(line.cells):
                wide = max(map(text_width, cell.text.split("\n")))
                most = wide if position == last else WIDEST
                widths[position] = max(widths[position], min(wide, most))
    kept = tuple(position for position, width in enumerate(widths) if width)
    widths = [max(width, len(column.title)) for width, column in zip(widths, columns, strict=True)]
    if style.width is None:
        return _Layout(style, columns, first, kept, tuple(widths), None)

    width = style.width

    def left(kept: Sequence[int]) -> int:
        return width - first - sum(widths[at] + 2 for at in kept if at != last) - 2

    if last not in kept or left(kept) < widths[last]:
        kept = tuple(at for at in kept if not columns[at].optional)
    room = left(kept)
    if last in kept and room < min(widths[last], _NARROWEST):
        return _Layout(style, columns, first, kept, tuple(widths), room, below=True)
    return _Layout(style, columns, first, kept, tuple(widths), room)


def _lines(line: Line, layout: _Layout) -> Iterator[str]:
    """Yield a line, and those on which its last column goes on."""
    columns, style, below = layout.columns, layout.style, line.below
    pieces = list(line.name)
    at = line.width
    end = layout.first
    rest: list[str] = []
    for position in layout.kept:
        cell, width = line.cells[position], layout.widths[position]
        start, end = end + 2, end + 2 + width
        text = cell.text
        if position == len(columns) - 1:
            rest = text.split("\n")
            fits = True
            if layout.room is not None:
                start = text_width(below) if layout.below else start
                room = layout.room if not layout.below else (style.width or 0) - start
                rest = [line for part in rest for line in wrapped(part, max(room, _SHORTEST))]
                fits = not layout.below and at + 2 <= start
            text = rest.pop(0) if fits else ""
        if not text:
            continue
        target = start + (max(width - text_width(text), 0) if columns[position].right else 0)
        gap = max(target - at, 2)
        pieces += [(" " * gap, ()), (text, cell.colors)]
        at += gap + text_width(text)
    yield _painted(pieces, at, style)
    for text in filter(None, rest):
        gap = max(start - text_width(below), 0)
        width = text_width(below) + gap + text_width(text)
        yield _painted([(below + " " * gap, ("dim",)), (text, cell.colors)], width, style)


def _painted(pieces: list[Piece], width: int, style: Style) -> str:
    """Return pieces as a line; on a terminal it is cut to its width."""
    if style.width is not None and width > style.width:
        pieces = list(_clipped(pieces, style.width))
    return "".join(style.paint(text, *colors) if colors else text for text, colors in pieces)


def _clipped(pieces: list[Piece], width: int) -> Iterator[Piece]:
    """Yield pieces of a line that is too long, up to a width, with dots at the end."""
    left = width - 3
    for text, colors in pieces:
        part = clip(text, left)
        yield part, colors
        left -= text_width(part)
        if part != text:
            break
    yield "...", ("dim",)
