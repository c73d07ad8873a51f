"""What a lint of a tree gives back: findings, the worst first, and what was set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from metrictree.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LintReport", "Suppressed"]


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that the author set aside, with the reason that the tree holds."""

    finding: Diagnostic
    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class LintReport(Sequence[Diagnostic]):
    """The findings of a lint, the worst first; ``str`` of it is what `metrictree check` prints.

    >>> from metrictree import MetricTree
    >>> report = MetricTree(
    ...     north_star="mrr", metrics={"mrr": {"unit": "USD/month", "label": "MRR"}}
    ... ).lint(select=["NS101"])
    >>> report
    LintReport(errors=1, warnings=0, advice=0)
    >>> [finding.code for finding in report]
    ['NS101']
    """

    findings: tuple[Diagnostic, ...]
    suppressed: tuple[Suppressed, ...]
    """What `ignore` set aside."""
    metrics: int
    """How many metrics the tree has."""

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that are errors."""
        return self._of(Severity.ERROR)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The findings that are warnings."""
        return self._of(Severity.WARNING)

    @property
    def advice(self) -> tuple[Diagnostic, ...]:
        """The findings that are advice."""
        return self._of(Severity.ADVICE)

    def _of(self, severity: Severity) -> tuple[Diagnostic, ...]:
        return tuple(found for found in self.findings if found.severity is severity)

    def statistics(self) -> dict[str, int]:
        """Return how many findings each code has, the most frequent first."""
        return dict(Counter(found.code for found in self.findings).most_common())

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain data, ready for JSON."""
        return {
            "metrics": self.metrics,
            "findings": [found.to_dict() for found in self.findings],
            "suppressed": [
                {**entry.finding.to_dict(), "reason": entry.reason} for entry in self.suppressed
            ],
        }

    @overload
    def __getitem__(self, index: int) -> Diagnostic: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Diagnostic, ...]: ...

    def __getitem__(self, index: int | slice) -> Diagnostic | tuple[Diagnostic, ...]:
        return self.findings[index]

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self.findings)

    def __repr__(self) -> str:
        counts = f"errors={len(self.errors)}, warnings={len(self.warnings)}"
        return f"LintReport({counts}, advice={len(self.advice)})"

    def __str__(self) -> str:
        from metrictree.render.findings import render_findings

        return render_findings(self.findings, self.metrics)

    def _repr_html_(self) -> str:
        from metrictree.render.findings import findings_html

        return findings_html(self.findings, self.metrics)
