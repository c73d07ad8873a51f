"""What every rule is: a code, a severity, options, a manual page, and a check that yields findings.

A rule never prints and never changes anything; what it looks at are the facts of one tree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict

from metrictree.diagnostics import Confidence, Diagnostic, Evidence, Severity
from metrictree.schema_errors import dotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from metrictree.documents import Path
    from metrictree.lint.facts import Facts

__all__ = ["Rule"]


class Rule(BaseModel):
    """A check of a tree; its fields are its options, its docstring is its manual page.

    The docstring begins with a sentence, and has the sections ``## Why``, ``## Reported`` and
    ``## Accepted`` (each a tree in YAML, tested), ``## What to do`` and ``## Source``.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        defer_build=True,
    )

    code: ClassVar[str]
    title: ClassVar[str]
    """A few words, as they stand in a list of rules."""
    severity: ClassVar[Severity]
    """How bad it is where it is declared or derived; a name alone is at most a warning."""

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield what is wrong."""
        raise NotImplementedError

    def found(
        self,
        facts: Facts,
        metric: str | None,
        message: str,
        *,
        fix: str,
        at: Path | None = None,
        key: bool = False,
        confidence: Confidence = Confidence.DECLARED,
        evidence: Iterable[Evidence] = (),
        severity: Severity | None = None,
    ) -> Diagnostic:
        """Return a finding about ``metric``, or about the tree as a whole, at a place of it.

        Without ``at`` the place is the metric's id, or the North Star's block.
        """
        severity = severity or self.severity
        if confidence is Confidence.NAMED and severity is Severity.ERROR:
            severity = Severity.WARNING
        path = at or (("north_star",) if metric is None else ("metrics", metric))
        return Diagnostic(
            self.code,
            message,
            facts.tree.places.span(path, key=key or at is None),
            severity,
            metric=metric,
            path=dotted(path),
            fix=fix,
            confidence=confidence,
            evidence=tuple(evidence),
        )
