"""The linter: rules that say whether a North Star is a good one, with evidence."""

from __future__ import annotations

from metrictree.lint.report import LintReport, Suppressed
from metrictree.lint.runner import lint
from metrictree.lint.scorecard import Judgement, Scorecard, Verdict, scorecard

__all__ = [
    "Judgement",
    "LintReport",
    "Scorecard",
    "Suppressed",
    "Verdict",
    "lint",
    "scorecard",
]
