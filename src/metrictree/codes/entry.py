"""What the manual says of one diagnostic code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from metrictree.diagnostics import Severity

__all__ = ["Code"]


@dataclass(frozen=True, slots=True)
class Code:
    """The manual page of one code; ``bad`` gives the finding and ``good`` gives none.

    >>> from metrictree.codes import CODES
    >>> CODES["DOC105"].title
    'A key stands twice'
    """

    code: str
    title: str
    severity: Severity
    why: str
    """The reason behind the rule."""
    bad: str
    """An example that gives the finding."""
    good: str
    """The same without it."""
    fix: str
    """What to do."""
    shown_by: Literal["document", "formula", "python"] = "document"
    """What the examples are: a tree document, one formula, or Python.

    A document of several files has a line ``# file: name`` above each; the first one is the tree.
    """
    comes_with: str | None = None
    """The code of the findings that it never comes without."""
    source: str = ""
    """Where the idea comes from."""
    options: tuple[tuple[str, str, str], ...] = ()
    """Name, default (as YAML) and meaning of each option."""
