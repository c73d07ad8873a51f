"""A parsed document: its data, and where each part of it stands in the text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from metrictree.diagnostics import Diagnostic, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Document", "Path", "Places", "split_entry"]

Path: TypeAlias = "tuple[str | int, ...]"
"""Keys and list positions that lead from the top of a document to a value."""

# A position is one integer, (start << 32 | end), of offsets in the text. Positions mirror the
# data: a scalar has its integer; a list has [own position, item positions...]; a mapping has
# {None: own position, key: (position of the key, positions of the value)}, where the two of a
# scalar value are one integer, (key << 64 | value): it takes a quarter of the memory.
Places: TypeAlias = "int | list[Any] | dict[str | None, Any]"

_STRIDE = 4_096
"""Characters between two entries of the index of lines: it stays small whatever the text is."""


class Document:
    r"""A parsed document: ``data``, and where each part of it stands.

    >>> from metrictree.documents import parse
    >>> document = parse("north_star: orders\nmetrics: {orders: }\n", "tree.yml")
    >>> document.data
    {'north_star': 'orders', 'metrics': {'orders': None}}
    >>> str(document.span(("metrics", "orders"), key=True))
    'tree.yml:2:11'
    """

    __slots__ = ("_lines", "_places", "_scalar", "data", "file", "problems", "size", "text")

    def __init__(
        self,
        file: str,
        text: str,
        data: Any,
        places: Places,
        problems: Sequence[Diagnostic] = (),
    ) -> None:
        self.file = file
        self.text = text
        self.data = data
        self.problems: tuple[Diagnostic, ...] = tuple(problems)
        self.size = 0
        """Keys and values, aliases counted each time they are used."""
        self._places = places
        self._lines: list[tuple[int, int]] = []
        self._scalar: tuple[int, list[int]] = -1, []

    def span(self, path: Path, *, key: bool = False) -> Span:
        """Return where the value at ``path`` stands, or its key; the nearest parent if absent."""
        here = key_place = self._places
        for step in path:
            if isinstance(here, dict) and step in here and isinstance(step, str):
                key_place, here = split_entry(here[step])
            elif isinstance(here, list) and isinstance(step, int) and 0 <= step < len(here) - 1:
                key_place = here = here[step + 1]
            else:
                if not isinstance(here, int):  # absent: point at what would hold it
                    here = key_place
                break  # a shorthand is a scalar that stands for the mapping around it
        chosen = key_place if key else here
        if isinstance(chosen, dict):
            chosen = chosen[None]
        elif isinstance(chosen, list):
            chosen = chosen[0]
        return self.span_of(chosen >> 32, chosen & 0xFFFFFFFF)

    def span_within(self, path: Path, start: int, end: int) -> Span:
        """Return where characters ``start`` to ``end`` of the text value at ``path`` stand."""
        here = self._scalar_at(path)
        known, offsets = self._scalar
        most = max(end, start + 1)
        if known != here or len(offsets) <= most:  # a text may hold a thousand mistakes
            offsets = _offsets(self.text[here >> 32 : here & 0xFFFFFFFF], 2 * most)
            self._scalar = here, offsets
        first = offsets[min(start, len(offsets) - 1)]
        last = offsets[min(max(end - 1, start), len(offsets) - 1)] + 1
        return self.span_of((here >> 32) + first, (here >> 32) + max(last, first + 1))

    def written(self, path: Path) -> str:
        """Return the text value at ``path`` as it is written, with quotes and line breaks."""
        here = self._scalar_at(path)
        return self.text[here >> 32 : here & 0xFFFFFFFF]

    def ends_at_comma(self, path: Path) -> bool:
        """Return whether a comma follows the text at ``path``, as in `{a: max(b, c)}`."""
        end = self._scalar_at(path) & 0xFFFFFFFF
        return self.text.startswith(",", end)

    def _scalar_at(self, path: Path) -> int:
        here: Any = self._places
        for step in path:
            if isinstance(here, int):
                break  # a shorthand is a scalar that stands for the mapping around it
            here = split_entry(here[step])[1] if isinstance(step, str) else here[step + 1]
        return int(here)

    def span_of(self, start: int, end: int) -> Span:
        """Return the span of the characters from ``start`` to ``end`` of the whole text."""
        end = max(end, start)
        line, begin = self._line_of(start)
        end_line, end_begin = self._line_of(end)
        stop = self.text.find("\n", start)
        stop = len(self.text) if stop < 0 else stop
        first = begin if start - begin < 1_500 else start - 500  # of a long line, what is near
        text = self.text[first : min(stop, first + 2_000)]
        column, end_column = start - begin + 1, end - end_begin + 1
        return Span(self.file, line, column, end_line, end_column, text, first - begin + 1)

    def _line_of(self, offset: int) -> tuple[int, int]:
        """Return the number of the line that holds an offset, and where that line begins."""
        text = self.text
        if not self._lines:
            lines = []
            line, begin = 1, 0
            for at in range(0, len(text) + 1, _STRIDE):
                lines.append((line, begin))
                line += text.count("\n", at, at + _STRIDE)
                begin = max(begin, text.rfind("\n", at, at + _STRIDE) + 1)
            self._lines = lines  # whole, for another thread may look for it
        at = min(offset // _STRIDE, len(self._lines) - 1)
        line, begin = self._lines[at]
        line += text.count("\n", at * _STRIDE, offset)
        return line, max(begin, text.rfind("\n", at * _STRIDE, offset) + 1)


def split_entry(entry: Any) -> tuple[int, Any]:
    """Return the position of a mapping's key, and the positions of its value."""
    return (entry >> 64, entry & 0xFFFFFFFFFFFFFFFF) if isinstance(entry, int) else entry


# --- from the characters of a value back to the characters of the file


_ESCAPE = re.compile(r"\\(?:x..|u.{4}|U.{8}|\n[ \t]*|.)", re.DOTALL)
_BLANKS = re.compile(r"[ \t\n]+")


def _offsets(raw: str, most: int) -> list[int]:
    """Return, for the first characters of a scalar's value, their offsets in the scalar as written.

    One more entry stands for the end. Folding and chomping follow YAML closely enough for a
    caret: a folded line break counts as one character.
    """
    style = raw[:1]
    if style in ("|", ">"):
        return _block_offsets(raw, most)
    quoted = style in ('"', "'")
    at, stop = (1, len(raw) - 1) if quoted else (0, len(raw))
    offsets: list[int] = []
    while at < stop and len(offsets) < most:
        character = raw[at]
        if style == "'" and raw.startswith("''", at):
            offsets.append(at)
            at += 2
        elif style == '"' and character == "\\":
            found = _ESCAPE.match(raw, at)
            width = found.end() - at if found else 1
            if raw[at + 1 : at + 2] != "\n":
                offsets.append(at)
            at += width
        elif (found := _BLANKS.match(raw, at)) is not None:
            breaks = found.group().count("\n")
            offsets.extend([at] * max(1, breaks - 1) if breaks else range(at, found.end()))
            at = found.end()
        else:
            offsets.append(at)
            at += 1
    offsets.append(at)
    return offsets


def _block_offsets(raw: str, most: int) -> list[int]:
    at = raw.find("\n") + 1
    lines = raw[at:].split("\n")
    indent = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
    offsets: list[int] = []
    for line in lines:
        offsets.extend(range(at + min(indent, len(line)), at + len(line)))
        offsets.append(at + len(line))  # the line break, or the blank that it folds to
        at += len(line) + 1
        if len(offsets) > most:
            break
    return offsets
