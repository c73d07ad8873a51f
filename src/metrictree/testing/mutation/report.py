"""What came of the mutants of a tree: which ones its tests noticed, and which ones they did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrictree.testing.coverage import Coverage
    from metrictree.testing.mutation.mutants import Mutant

__all__ = ["Fate", "MutationReport", "Verdict"]


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    """A test noticed it."""
    SURVIVED = "survived"
    """All tests pass, although the definition means something else."""
    EQUIVALENT = "equivalent"
    """It has the same values as the original, so that no test can notice."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A mutant, and what became of it."""

    mutant: Mutant
    fate: Fate
    killed_by: str | None = None
    """The name of the case that noticed it."""
    seen_by: tuple[str, ...] = ()
    """The cases that compute the metric and still pass, if it survived."""
    case: str | None = None
    """A test in YAML that would notice it, if it survived; ``None`` if none was found."""
    why: str | None = None
    """Why it is taken for equivalent."""

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain data, ready for JSON."""
        mutant = self.mutant
        span = mutant.span
        return {
            "metric": mutant.metric,
            "part": mutant.part,
            "kind": mutant.kind,
            "change": mutant.words,
            "before": mutant.before,
            "after": mutant.after,
            "file": span.file if span else None,
            "line": span.line if span else None,
            "column": span.column if span else None,
            "end_line": span.end_line if span else None,
            "end_column": span.end_column if span else None,
            "status": self.fate.value,
            "killed_by": self.killed_by,
            "seen_by": list(self.seen_by),
            "case": self.case,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True, repr=False)
class MutationReport(Sequence[Verdict]):
    """The verdicts on all mutants, in the order of the tree; ``str`` of it tells the survivors.

    >>> from metrictree import MetricTree
    >>> from metrictree.testing.mutation import mutate
    >>> tree = MetricTree(
    ...     north_star="rate",
    ...     metrics={"rate": "orders / visits", "orders": None, "visits": None},
    ...     tests=[
    ...         {"name": "all", "given": {"orders": 1, "visits": 1}, "expect": {"rate": 1}},
    ...     ],
    ... )
    >>> report = mutate(tree.resolved)
    >>> report
    MutationReport(killed=0, survived=5, equivalent=0, score=0)
    >>> print(report.survivors[2])
    rate: `/` becomes `*`
    """

    verdicts: tuple[Verdict, ...]
    metrics: int
    """How many definitions were changed."""
    tests: int
    """How many cases the tree has; those that are skipped do not count."""
    coverage: Coverage
    """What the tests touch of the definitions that were changed."""
    seconds: float = 0.0

    def of(self, fate: Fate) -> tuple[Verdict, ...]:
        """Return the verdicts of one kind."""
        return tuple(verdict for verdict in self.verdicts if verdict.fate is fate)

    @property
    def survivors(self) -> tuple[Mutant, ...]:
        """The mutants that no test notices."""
        return tuple(verdict.mutant for verdict in self.of(Fate.SURVIVED))

    @property
    def score(self) -> float | None:
        """The share of mutants that tests notice, from 0 to 1; ``None`` if there are none."""
        killed = len(self.of(Fate.KILLED))
        all_of_them = killed + len(self.of(Fate.SURVIVED))
        return killed / all_of_them if all_of_them else None

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, ready for JSON."""
        return {
            "score": self.score,
            "counts": {fate.value: len(self.of(fate)) for fate in Fate},
            "metrics": self.metrics,
            "tests": self.tests,
            "coverage": {"items": self.coverage.total, "touched": self.coverage.touched},
            "mutants": [verdict.to_dict() for verdict in self.verdicts],
        }

    @overload
    def __getitem__(self, index: int) -> Verdict: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Verdict, ...]: ...

    def __getitem__(self, index: int | slice) -> Verdict | tuple[Verdict, ...]:
        return self.verdicts[index]

    def __len__(self) -> int:
        return len(self.verdicts)

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __repr__(self) -> str:
        counts = ", ".join(f"{fate}={len(self.of(fate))}" for fate in Fate)
        score = "None" if self.score is None else f"{self.score:.3g}"
        return f"{type(self).__name__}({counts}, score={score})"

    def __str__(self) -> str:
        from metrictree.render.mutation import render_mutation

        return render_mutation(self)
