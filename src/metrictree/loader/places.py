"""Where each part of a merged tree stands in its files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from metrictree.formula.parser import span_in
from metrictree.schema_errors import dotted

if TYPE_CHECKING:
    from metrictree.diagnostics import Span
    from metrictree.documents import Document, Path as DataPath

__all__ = ["Places"]

_WORD: Final = re.compile(r"[A-Za-z0-9_.]+")


class Places:
    """Where each part of a tree stands; knows nothing of a tree that was built in Python."""

    def __init__(self, document: Document | None = None) -> None:
        self._document = document
        self._moved: dict[tuple[str, str | int], tuple[Document, str | int]] = {}
        """Parts that came from an included file, with the name that they have there."""

    def moved(self, block: str, name: str | int, document: Document, original: str | int) -> None:
        """Remember that ``block.name`` stands in another document under another name."""
        self._moved[block, name] = (document, original)

    def _find(self, path: DataPath) -> tuple[Document | None, DataPath]:
        if self._moved and len(path) > 1 and isinstance(path[0], str):
            found = self._moved.get((path[0], path[1]))
            if found is not None:
                return found[0], (path[0], found[1], *path[2:])
        return self._document, path

    def span(self, path: DataPath, *, key: bool = False) -> Span | None:
        """Return the span of the value, or the key, at a path of the merged tree."""
        document, path = self._find(path)
        return document.span(path, key=key) if document is not None else None

    def span_within(self, path: DataPath, text: str, start: int, end: int) -> Span:
        """Return the span of characters ``start`` to ``end`` of the text at ``path``."""
        document, path = self._find(path)
        if document is not None:
            if path[0] == "tests" and document is not self._document:
                words = _WORD.findall(document.written(path))
                start, end = (_in_written(text, words, at) for at in (start, end))
            return document.span_within(path, start, end)
        return span_in(text, start, end, dotted(path))

    def ends_at_comma(self, path: DataPath) -> bool:
        """Return whether a comma ended the text at ``path``, as in `{a: max(b, c)}`."""
        document, path = self._find(path)
        return document is not None and document.ends_at_comma(path)


def _in_written(text: str, words: list[str], at: int) -> int:
    """Return where a place in a text is in the same text with other words, as many of them.

    A test of an included file is read with full ids, and written with short ones.

    >>> _in_written("shop.visits + shop.vists", ["visits", "vists"], 14)
    9
    """
    found = list(_WORD.finditer(text))
    shift = 0
    for ours, word in zip(found, words, strict=True) if len(found) == len(words) else ():
        if at <= ours.start():
            break
        longer = len(ours.group()) - len(word)
        if at < ours.end():
            return max(at - shift - longer, ours.start() - shift)
        shift += longer
    return at - shift
