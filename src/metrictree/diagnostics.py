"""What can be said about a tree: where, how bad, what, and what to do.

Frozen values without input or output; imports nothing from the package.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Confidence",
    "Diagnostic",
    "Evidence",
    "Problems",
    "Severity",
    "Span",
    "legible",
    "shown",
    "visible",
]

SHOWN_LIMIT = 60
"""Characters of user text that a message quotes at most."""


class Severity(enum.StrEnum):
    """How bad a finding is.

    >>> Severity.ERROR.value
    'error'
    """

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


class Confidence(enum.StrEnum):
    """How well a finding about the choice of a metric is known.

    >>> Confidence.DECLARED.value
    'declared'
    """

    DECLARED = "declared"
    """The author wrote the fact down."""
    DERIVED = "derived"
    """It follows from what is written down: formulas, units, values."""
    NAMED = "named"
    """Only words suggest it."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text in a file; lines and columns count characters from 1, the end is exclusive.

    >>> str(Span("tree.yml", 3, 12, 3, 18, "  orders: visits * rate"))
    'tree.yml:3:12'
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str = ""
    """The first line of the stretch, as it stands in the file; of a long line, a part."""
    text_column: int = 1
    """The column at which ``text`` begins."""

    def __str__(self) -> str:
        return f"{shown(self.file, 200)}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for a finding: a sentence, and the fact behind it as data.

    >>> print(Evidence("arpu has the unit USD/customer", metric="arpu", fact="unit"))
    arpu has the unit USD/customer
    """

    text: str
    """The reason as a sentence, without a full stop."""
    metric: str | None = None
    """The metric that it is about."""
    fact: str | None = None
    """The field or measure that it rests on: `unit`, `controllability`, `words`, `share`, ..."""
    value: str | float | None = None
    """What the fact is: the unit, the words, the share."""
    way: tuple[str, ...] = ()
    """The metrics from the North Star down to ``metric``."""

    def __str__(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, object]:
        """Return the reason as plain data, ready for JSON."""
        return {
            "text": self.text,
            "metric": self.metric,
            "fact": self.fact,
            "value": self.value,
            "way": list(self.way),
        }


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: a stable code, a sentence, and the place where it was found.

    >>> print(Diagnostic("GRA101", "unknown metric 'vists'", fix="did you mean visits?"))
    GRA101 unknown metric 'vists': did you mean visits?
    """

    code: str
    message: str
    span: Span | None = None
    severity: Severity = Severity.ERROR
    metric: str | None = None
    path: str | None = None
    """The place in the document's structure, such as ``metrics.orders.formula``."""
    fix: str | None = None
    """What to do about it."""
    confidence: Confidence | None = None
    """How well a finding about the choice of a metric is known; a mistake is simply there."""
    evidence: tuple[Evidence, ...] = ()
    """The reasons, the strongest first."""

    def __str__(self) -> str:
        where = str(self.span) if self.span else shown(self.path, 200) if self.path else ""
        sentence = f"{self.code} {self.message}" + (f": {self.fix}" if self.fix else "")
        return f"{where}: {sentence}" if where else sentence

    def to_dict(self) -> dict[str, object]:
        """Return the finding as plain data, ready for JSON.

        >>> Diagnostic("DOC101", "the document is empty").to_dict()["severity"]
        'error'
        """
        span = self.span
        return {
            "code": self.code,
            "severity": self.severity.value,
            "confidence": self.confidence.value if self.confidence else None,
            "message": self.message,
            "fix": self.fix,
            "metric": self.metric,
            "path": self.path,
            "file": span.file if span else None,
            "line": span.line if span else None,
            "column": span.column if span else None,
            "end_line": span.end_line if span else None,
            "end_column": span.end_column if span else None,
            "evidence": [reason.to_dict() for reason in self.evidence],
        }


class Problems(list[Diagnostic]):
    """The problems of a tree as they are found: the first thousand, and a note if there are more.

    >>> problems = Problems()
    >>> problems.add(Diagnostic("DOC101", "the document is empty"))
    >>> len(problems), problems.full
    (1, False)
    """

    MOST = 1_000
    full = False
    """Whether there are more; whoever looks for problems may stop then."""

    def add(self, *found: Diagnostic) -> None:
        """Keep what was found, while there is room."""
        for one in found:
            if len(self) < self.MOST:
                self.append(one)
            else:
                self.leave_out()

    def leave_out(self) -> None:
        """Note once that there are more problems than are told."""
        if not self.full:
            self.full = True
            message = f"of the problems only the first {len(self):,} are told"
            advice = "repair those, and check again"
            self.append(Diagnostic("DOC114", message, fix=advice))


def visible(text: str, can_show: Callable[[str], bool] = str.isprintable) -> str:
    r"""Return text on one line: characters that cannot be seen, or reorder text, are escaped.

    >>> visible("K\u00f6ln\x1b[2J") == "K\u00f6ln" + chr(92) + "x1b[2J"
    True
    """
    if text.isprintable() and can_show(text):
        return text
    return "".join(
        character
        if character.isprintable() and can_show(character)
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def shown(value: object, limit: int = SHOWN_LIMIT) -> str:
    r"""Return ``value`` as a message may quote it: printable ASCII, cut to ``limit`` characters.

    >>> shown("caf\u00e9\x1b[2J")
    'caf\\xe9\\x1b[2J'
    >>> shown("x" * 100, 10)
    'xxxxxxx...'
    """
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 200:
        return f"an integer of {value.bit_length()} bits"  # str() refuses the largest ones
    text = str.__str__(value) if isinstance(value, str) else str(value)
    if text.isascii() and text.isprintable():  # the common case
        return text if len(text) <= limit else text[: limit - 3] + "..."
    cut = len(text) > limit
    text = text[:limit].encode("unicode_escape").decode("ascii")
    if len(text) > limit or cut:
        text = text[: limit - 3] + "..."
    return text


def legible(value: object, limit: int = SHOWN_LIMIT) -> str:
    r"""Return ``value`` as findings quote the names of people: in any script, printable, cut.

    Whoever writes it where that script cannot be shown escapes it there.

    >>> legible("K\u00fcndigung\x1b[2J") == "K\u00fcndigung" + chr(92) + "x1b[2J"
    True
    """
    text = str(value)
    if len(text) > limit:
        text = text[: limit - 3] + "..."
    return visible(text)
