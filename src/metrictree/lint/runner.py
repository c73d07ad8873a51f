"""Runs the rules that are selected, sets aside what is ignored with a reason, sorts the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from metrictree.codes import CODES
from metrictree.diagnostics import Confidence, Diagnostic, Severity, shown
from metrictree.errors import UsageError
from metrictree.lint.facts import Facts
from metrictree.lint.report import LintReport, Suppressed
from metrictree.lint.rules import RULES
from metrictree.lint.rules.settings import SETTINGS
from metrictree.names import Suggester, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from metrictree.lint.rule import Rule
    from metrictree.resolved import ResolvedTree
    from metrictree.schema import Criterion, Lint

__all__ = ["codes_of", "lint", "made"]

_ATTESTED: Final[Mapping[str, Criterion]] = {
    "NS101": "not_revenue",
    "NS102": "not_external",
    "NS103": "not_vanity",
}
"""Criteria of the scorecard: who vouches for one knows more than the words of a metric."""
_RANK: Final = {severity: rank for rank, severity in enumerate(Severity)}


def lint(
    tree: ResolvedTree,
    *,
    select: Iterable[str] | None = None,
    ignore: Iterable[str] = (),
    today: date | None = None,
    values: Mapping[str, float | None] | None = None,
    history: Mapping[str, Sequence[float | None]] | None = None,
) -> LintReport:
    """Return the findings of the rules; ``select`` and ``ignore`` hold codes or their beginnings.

    Raises:
        UsageError: a code that is asked for is none, or what is given does not fit the tree.
    """
    facts = Facts(tree, today, RULES, values=values, history=history)
    _ = facts.given  # refused if it does not fit, whatever rules run
    return _Run(facts, codes_of(select), codes_of(ignore) or ()).report()


def codes_of(asked: Iterable[str] | None) -> tuple[str, ...] | None:
    """Return the codes, or their beginnings, that an argument asks for.

    Raises:
        UsageError: one of them is none.
    """
    if asked is None:
        return None
    given: Any = asked  # a caller may ignore the types
    one = isinstance(given, str) or not isinstance(given, Iterable)
    codes = (given,) if one else tuple(given)
    suggester = Suggester(RULES)
    for code in codes:
        if not isinstance(code, str):
            message = f"{shown(repr(code))} is no code of a rule"
            raise UsageError([Diagnostic("VAL110", message, fix="give texts such as 'NS101'")])
        if not any(known.startswith(code) for known in RULES) or not code:
            message = f"there is no rule '{shown(code)}'"
            near = did_you_mean(suggester.near(code.upper()))
            advice = near or "`metrictree rule` lists them"
            if code in CODES:
                advice = "it is a mistake of the document, which is always told"
            raise UsageError([Diagnostic("VAL110", message, fix=advice)])
    return codes


def made(rule: type[Rule], settings: Lint | None) -> Rule:
    """Return a rule with the options that a tree gives it; LNT102 tells of wrong ones."""
    options = settings.options.get(rule.code, {}) if settings else {}
    try:
        return rule.model_validate(options)
    except ValidationError:
        return rule()


class _Run:
    def __init__(
        self, facts: Facts, select: tuple[str, ...] | None, ignore: tuple[str, ...]
    ) -> None:
        self.facts = facts
        self.settings = facts.tree.spec.lint
        if select is None and self.settings is not None and self.settings.select is not None:
            # What the tree says of rules is looked at, else a wrong code would select nothing.
            select = (*self.settings.select, *(rule.code for rule in SETTINGS))
        self.select = select
        self.ignore = ignore
        self.findings: list[Diagnostic] = []
        self.suppressed: list[Suppressed] = []

    def report(self) -> LintReport:
        facts = self.facts
        for code, rule in RULES.items():  # those about settings come last, and see what was used
            if self._runs(code):
                facts.ran.add(code)
                for found in made(rule, self.settings).check(facts):
                    self._keep(found)
        self.findings.sort(key=_rank)
        return LintReport(tuple(self.findings), tuple(self.suppressed), len(facts.metrics))

    def _runs(self, code: str) -> bool:
        if code.startswith(self.ignore):
            return False
        return self.select is None or code.startswith(self.select)

    def _keep(self, found: Diagnostic) -> None:
        facts, settings = self.facts, self.settings
        if found.metric is not None:
            reason = facts.metrics[found.metric].ignore.get(found.code)
            if reason is not None:
                facts.used.add((found.metric, found.code))
                self.suppressed.append(Suppressed(found, reason))
                return
        criterion = _ATTESTED.get(found.code)
        if criterion is not None and found.confidence is Confidence.NAMED:
            word = facts.vouched(criterion)
            if word is not None:  # a person outweighs words, and never a fact
                reason = f"{word.by} vouches for `{criterion}` since {word.since}"
                self.suppressed.append(Suppressed(found, reason))
                return
        if settings is not None:
            for beginning, reason in settings.ignore.items():
                if found.code.startswith(beginning):
                    facts.used.add((None, beginning))
                    self.suppressed.append(Suppressed(found, reason))
                    return
            severity = settings.severity.get(found.code)
            if severity is not None:
                found = replace(found, severity=Severity(severity))
        self.findings.append(found)


def _rank(found: Diagnostic) -> tuple[int, str, int, int, str]:
    """The worst first, then by place, then by code."""
    span = found.span
    place = (span.file, span.line, span.column) if span else ("", 0, 0)
    return (_RANK[found.severity], *place, found.code)
