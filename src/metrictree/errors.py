"""The one root of all errors, and its kinds; each one carries its facts as diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metrictree.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ComputeError",
    "DefinitionError",
    "MetricTreeError",
    "MissingExtraError",
    "SourceError",
    "UsageError",
]

PRINTED = 5
"""Diagnostics that the text of an error shows; all of them are in ``.diagnostics``."""


class MetricTreeError(Exception):
    """Root of every error that metrictree raises on purpose; ``.diagnostics`` holds the facts.

    >>> from metrictree import Diagnostic, MetricTreeError
    >>> MetricTreeError([Diagnostic("DOC101", "the document is empty")]).diagnostics[0].code
    'DOC101'
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        ranked = sorted(self.diagnostics, key=lambda found: found.severity is not Severity.ERROR)
        lines = [str(found) for found in ranked[:PRINTED]]
        if len(ranked) > PRINTED:
            lines.append(f"... and {len(ranked) - PRINTED:,} more, all of them in .diagnostics")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.diagnostics,)


class DefinitionError(MetricTreeError):
    """A tree is not sound: its document, schema, formulas or graph."""


class ComputeError(MetricTreeError):
    """Values cannot be computed: inputs are wrong, or ``strict`` met a missing value."""


class SourceError(MetricTreeError):
    """Raw data cannot be read or aggregated as the tree asks."""


class MissingExtraError(MetricTreeError):
    """A package that belongs to an extra is not installed; the message holds the command."""


class UsageError(MetricTreeError):
    """An argument of a function or a command has no meaning here."""
