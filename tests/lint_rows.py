"""Rows of the tables of rules: a tree in YAML, in which `>>` marks the place of the finding."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from metrictree import MetricTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metrictree import Diagnostic

DAY = "2026-03-31"


def found(code: str, text: str, day: str = DAY, history: object = None) -> list[Diagnostic]:
    """Return what a rule finds in a tree on a day; every finding is fit to be read."""
    tree = MetricTree.from_yaml(text.replace(">>", ""))
    findings = list(tree.lint(select=[code], today=date.fromisoformat(day), history=history))
    for finding in findings:
        assert finding.code == code
        assert finding.fix
        assert finding.message.isprintable()
        assert finding.confidence is not None
    return findings


def places(marked: str) -> list[tuple[int, int]]:
    """Return the line and the column of each mark."""
    before: Sequence[str] = marked.split(">>")[:-1]
    text = ""
    marks = []
    for piece in before:
        text += piece
        marks.append((text.count("\n") + 1, len(text) - text.rfind("\n")))
    return marks


def agrees(code: str, marked: str, day: str, severity: str, words: str) -> Diagnostic:
    """Assert that a rule finds one thing, at the mark, with a severity and words; return it."""
    (finding,) = found(code, marked, day)
    assert finding.span is not None
    assert [(finding.span.line, finding.span.column)] == places(marked)
    assert finding.severity == severity
    assert words in "; ".join([finding.message, finding.fix or "", *map(str, finding.evidence)])
    return finding
