"""What a test is when it runs: one concrete case, and what came of it. Frozen values."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metrictree.diagnostics import Diagnostic, Span
    from metrictree.documents import Path
    from metrictree.schema import TestCase, Tolerance

__all__ = ["Case", "Failure", "Kind", "Outcome", "Status", "Step", "TestValue"]

TestValue = float | None | tuple[float | None, ...]
"""A number, ``None`` for missing, or one of these for each period."""


class Kind(enum.StrEnum):
    """What a case looks at."""

    VALUES = "values"
    """Values for single numbers."""
    SERIES = "series"
    """Values for each of a row of periods."""
    ROWS = "rows"
    """What sources give for rows."""
    ERROR = "error"
    """A diagnostic that must be found."""
    PROPERTY = "property"
    """A sentence that holds for all inputs."""


@dataclass(frozen=True, slots=True)
class Case:
    """One check: a test of the tree, or one line of its table or combination of its matrix."""

    name: str
    """Unlike that of every other case: ``name``, ``name [2]`` or ``name [x=1, y=2]``."""
    kind: Kind
    test: TestCase
    path: Path
    """Where it stands in the tree: ``("tests", 3)`` or ``("tests", 3, "cases", 0)``."""
    span: Span | None
    """The place of its name; ``None`` for trees made in Python."""
    given: Mapping[str, TestValue] = field(default_factory=dict)
    """By full metric id."""
    expect: Mapping[str, TestValue] = field(default_factory=dict)
    """By full metric id."""
    error: str | None = None
    tolerance: Tolerance | None = None

    __test__ = False  # pytest: this is no test class

    @property
    def tags(self) -> tuple[str, ...]:
        """The words to select it by."""
        return self.test.tags

    @property
    def skip(self) -> str | None:
        """Why it does not run."""
        return self.test.skip


class Status(enum.StrEnum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    """The tree does not do what the test says."""
    BROKEN = "broken"
    """The test cannot run: something that it needs is not given, or is no good."""
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """A metric below one that surprises: its value, and how it came about."""

    metric: str
    depth: int
    """0 is the metric that surprises."""
    value: float | None
    unit: str | None
    origin: str
    """``given``, ``constant``, ``measured`` or ``computed``; ``shown above`` if it was already."""
    formula: str | None = None
    numbers: str | None = None
    """The formula with the numbers put in: ``5 / 20``."""
    why: str | None = None
    """Why the value is missing, or what the tree says against it."""
    span: Span | None = None
    """The formula, or the metric, in the file of the tree."""

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain data, ready for JSON."""
        return {
            "metric": self.metric,
            "depth": self.depth,
            "value": self.value,
            "unit": self.unit,
            "origin": self.origin,
            "formula": self.formula,
            "numbers": self.numbers,
            "why": self.why,
            **_place(self.span),
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that a case did not find as it expects."""

    message: str
    """In a sentence: ``rate is 0.25, expected 0.3: 0.05 less (-16.7 %)``."""
    span: Span | None = None
    """What the test expects."""
    metric: str | None = None
    steps: tuple[Step, ...] = ()
    """From the metric down to what was given."""
    fix: str | None = None
    example: str | None = None
    """YAML to paste: a test that fails until this holds; of rows, those that came out."""
    follows: bool = False
    """Whether it is gone as soon as a failure before it is: no more than its message is shown."""

    def to_dict(self) -> dict[str, Any]:
        """Return the failure as plain data, ready for JSON."""
        return {
            "message": self.message,
            "metric": self.metric,
            "fix": self.fix,
            "example": self.example,
            **_place(self.span),
            "steps": [step.to_dict() for step in self.steps],
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a case ended, and what it found."""

    case: Case
    status: Status
    failures: tuple[Failure, ...] = ()
    """If it failed; in order of dependency: the first is nearest to the inputs."""
    problems: tuple[Diagnostic, ...] = ()
    """If it is broken."""
    seconds: float = 0.0

    __test__ = False

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as plain data, ready for JSON."""
        case = self.case
        return {
            "name": case.name,
            "kind": case.kind.value,
            "status": self.status.value,
            **_place(case.span),
            "tags": list(case.tags),
            "skip": case.skip,
            "seconds": round(self.seconds, 6),
            "failures": [failure.to_dict() for failure in self.failures],
            "problems": [found.to_dict() for found in self.problems],
        }


def _place(span: Span | None) -> dict[str, Any]:
    if span is None:
        return {"file": None, "line": None, "column": None}
    return {"file": span.file, "line": span.line, "column": span.column}
