"""Where each part of a merged tree stands in its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metrictree.formula.parser import span_in
from metrictree.schema_errors import dotted

if TYPE_CHECKING:
    from metrictree.diagnostics import Span
    from metrictree.documents import Document, Path as DataPath

__all__ = ["Places"]


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
            return document.span_within(path, start, end)
        return span_in(text, start, end, dotted(path))
