"""Mutants that no test notices: the lines with what is changed in them, and tests to paste."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Final

from metrictree.diagnostics import legible
from metrictree.render.findings import counted, excerpt
from metrictree.render.github import command
from metrictree.render.style import PLAIN, Style, text_width, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metrictree.diagnostics import Span
    from metrictree.testing.mutation import MutationReport, Verdict

__all__ = ["mutation_github", "mutation_json", "render_mutation"]

_NAMED: Final = 3
"""Tests that a text names."""
_CHANGES: Final = 12
_CHANGES_UNSEEN: Final = 3
"""Changes that a text shows which one test would notice; few, if no test looks at the metric."""


def render_mutation(report: MutationReport, style: Style = PLAIN) -> str:
    """Return what a mutation run prints: the survivors by metric, tests for them, and the score.

    >>> from metrictree import MetricTree
    >>> from metrictree.testing.mutation import mutate
    >>> tree = MetricTree(
    ...     north_star="rate",
    ...     metrics={"rate": "orders / visits", "orders": None, "visits": None},
    ...     tests=[
    ...         {"name": "half", "given": {"orders": 2, "visits": 4}, "expect": {"rate": 0.5}},
    ...         {"name": "none", "given": {"orders": 0, "visits": 4}, "expect": {"rate": 0}},
    ...     ],
    ... )
    >>> print(render_mutation(mutate(tree.resolved)))
    the tests touch 33 % of definitions, ...
    every change is noticed: 2 tests kill all 5 mutants of 1 metric, score 100 %
    """
    survivors = [verdict for verdict in report if verdict.fate == "survived"]
    blocks = [
        _metric(report, metric, list(group), style)
        for metric, group in groupby(survivors, key=lambda verdict: verdict.mutant.metric)
    ]
    last = summary(report, style)
    if report.coverage.total:
        last = f"{_touched(report)}\n{last}"
    return "\n\n".join([*blocks, last])


def _touched(report: MutationReport) -> str:
    """Return how much the tests look at, whatever they notice."""
    coverage = report.coverage
    touched = (
        f"the tests touch {_percent(coverage.percent / 100)} of definitions, branches and ways to "
        f"be missing ({coverage.touched:,} of {coverage.total:,})"
    )
    if coverage.touched == coverage.total:
        return touched
    return f"{touched}; `metrictree test --coverage` tells the others"


def summary(report: MutationReport, style: Style = PLAIN) -> str:
    """Return the last line: how many mutants the tests kill."""
    killed, survived, equivalent = (
        sum(verdict.fate == fate for verdict in report)
        for fate in ("killed", "survived", "equivalent")
    )
    alike = ""
    if equivalent:
        means = "means" if equivalent == 1 else "mean"
        alike = f"; {equivalent:,} more {means} the same as the original and cannot be noticed"
    of = f"of {counted(report.metrics, 'metric')}"
    if report.score is None:
        return f"there is nothing to change: no formula or measure {of} can be mutated{alike}"
    score = f"score {_percent(report.score)}"
    tests = counted(report.tests, "test")
    if not survived:
        kill = "kills" if report.tests == 1 else "kill"
        all_of_them = "the only mutant" if killed == 1 else f"all {killed:,} mutants"
        text = f"every change is noticed: {tests} {kill} {all_of_them} {of}, {score}"
        return style.paint(text, "green") + alike
    kill = "kills" if report.tests == 1 else "kill"
    text = f"{tests} {kill} {killed:,} of {counted(killed + survived, 'mutant')} {of}, {score}"
    return style.paint(text, "bold") + alike


def _percent(share: float) -> str:
    """Return a share, never rounded up to all of it.

    >>> _percent(0.999), _percent(1.0), _percent(0.6)
    ('99 %', '100 %', '60 %')
    """
    return f"{int(share * 100 + 1e-9)} %"


def _metric(report: MutationReport, metric: str, survivors: Sequence[Verdict], style: Style) -> str:
    """Return what is told of one metric."""
    made = sum(v.mutant.metric == metric and v.fate != "equivalent" for v in report)
    changes = f"{len(survivors):,} of {counted(made, 'change')}"
    if len(survivors) == made:
        changes = "the only change" if made == 1 else f"none of {made:,} changes is noticed"
    go = "goes" if len(survivors) == 1 else "go"
    told = changes if changes.endswith("noticed") else f"{changes} {go} unnoticed"
    lines = _wrapped(f"{style.show(metric)}: {told}; {_seen(survivors[0], style)}", style)
    lines[0] = style.paint(metric, "bold") + lines[0].removeprefix(metric)
    for case in dict.fromkeys(verdict.case for verdict in survivors):
        alike = [verdict for verdict in survivors if verdict.case == case]
        lines += _places(alike, style)
        if case is None:
            lines.append("  = test: none was found that would notice")
            continue
        them = {1: "it", 2: "both"}.get(len(alike), f"all {len(alike):,}")
        label = style.paint("= test:", "bold")
        lines.append(f"  {label} add this below `tests:` to notice {them}")
        lines += [style.paint(style.show(line), "green") for line in case.splitlines()]
    return "\n".join(lines)


def _seen(survivor: Verdict, style: Style) -> str:
    """Return by which tests a metric is computed."""
    names = [f"'{style.show(legible(name))}'" for name in survivor.seen_by[:_NAMED]]
    if not names:
        return "no test computes it"
    more = len(survivor.seen_by) - _NAMED
    if more > 0:
        names.append(f"{more:,} more")
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    compute = "computes it and still passes" if len(names) == 1 else "compute it and still pass"
    return f"{listed} {compute}"


def _places(survivors: Sequence[Verdict], style: Style) -> Iterator[str]:
    """Yield each line that is changed, and below it each change with its caret."""
    width = style.width or 100
    most = _CHANGES if survivors[0].seen_by else _CHANGES_UNSEEN
    last: tuple[str, int, str] | None = None
    indent = "  "
    for verdict in survivors[:most]:
        span, words = verdict.mutant.span, style.show(verdict.mutant.words)
        if span is None or not span.text:
            yield f"  {words}"
            continue
        number = str(span.line)
        gutter, bar = " " * len(number), style.paint("|", "dim")
        indent = f"{gutter} {bar} "
        line, caret = excerpt(span, style, width - len(number) - 3)
        if (span.file, span.line, line) != last:
            last = span.file, span.line, line
            yield style.paint(f"{style.show(span.file)}:{span.line}:{span.column}", "bold")
            yield indent.rstrip()
            yield f"{style.paint(number, 'dim')} {bar} {line}".rstrip()
        words = _beside_caret(words, span)
        marked = indent + style.paint(caret, "bold", "yellow")
        if style.width and text_width(caret) + len(gutter) + 4 + text_width(words) > style.width:
            yield marked
            for part in wrapped(words, max(width - len(gutter) - 5, 20)):
                yield f"{indent}  {part}"
        else:
            yield f"{marked} {words}"
    if len(survivors) > most:
        yield f"{indent}... and {counted(len(survivors) - most, 'more change')}"


def _beside_caret(words: str, span: Span) -> str:
    """Return what is changed without the words that the caret stands below."""
    if span.line == span.end_line:
        start = span.column - span.text_column
        marked = " ".join(span.text[start : span.end_column - span.text_column].split())
        begin = f"`{marked}` "
        if words.startswith(begin) and (" becomes " in words or " dropped" in words):
            return words.removeprefix(begin)
    return words


def _wrapped(text: str, style: Style) -> list[str]:
    return [text] if style.width is None else wrapped(text, max(style.width, 40))


def mutation_json(report: MutationReport) -> str:
    """Return a report as JSON, in ASCII; it is ``MutationReport.to_dict()``."""
    return json.dumps(report.to_dict(), indent=2)


def mutation_github(report: MutationReport) -> str:
    """Return a warning for each survivor as a command of GitHub's workflows, and the last line."""
    lines = []
    for verdict in report:
        if verdict.fate == "survived":
            mutant = verdict.mutant
            told = [f"no test notices if in '{mutant.metric}' {mutant.words}"]
            told.append(_seen(verdict, PLAIN))
            if verdict.case is not None:
                told += ["add this below `tests:`", *verdict.case.splitlines()]
            lines.append(command("warning", "mutant", told, mutant.span))
    return "\n".join([*lines, summary(report)])
