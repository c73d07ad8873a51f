"""How tests ended, as text, as JSON, as JUnit's XML and as commands of GitHub's workflows.

A text tells what failed and why: what was expected, and the values down to what was given.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from metrictree.diagnostics import visible
from metrictree.render.files import file_name
from metrictree.render.findings import (
    broken_up,
    headed,
    note,
    place,
    quoted,
    render_diagnostic,
)
from metrictree.render.github import command
from metrictree.render.style import PLAIN, Style
from metrictree.render.tree import draw_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metrictree.testing.case import Failure, Outcome, Step

__all__ = [
    "outcome_summary",
    "outcomes_github",
    "outcomes_json",
    "outcomes_junit",
    "render_outcome",
    "render_outcomes",
]

_COLORS: Final = {"passed": "green", "failed": "red", "broken": "red", "skipped": "yellow"}
_STEM: Final = "tests"


def render_outcomes(
    outcomes: Sequence[Outcome], seconds: float | None = None, style: Style = PLAIN
) -> str:
    """Return what a run of tests prints: failed ones in full, why some were skipped, the count.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="double",
    ...     metrics={"double": "x + x + x", "x": None},
    ...     tests=[{"name": "twice", "given": {"x": 2}, "expect": {"double": 4}}],
    ... )
    >>> print(render_outcomes(tree.test().outcomes))
    failed: twice
    double is 6, expected 4: 2 more (+50 %)
    <BLANKLINE>
      metric  value  how it came about
      double      6  = x + x + x
      │              = 2 + 2 + 2
      └── x       2  given
    <BLANKLINE>
      = fix: this test passes if `x + x + x` of double is `x + x`
    <BLANKLINE>
    1 failed
    """
    blocks = [render_outcome(one, style) for one in outcomes if one.status in ("failed", "broken")]
    skipped = [_skipped(one, style) for one in outcomes if one.status == "skipped"]
    if skipped:
        blocks.append("\n".join(skipped))
    return "\n\n".join([*blocks, outcome_summary(outcomes, seconds, style)])


def render_outcome(outcome: Outcome, style: Style = PLAIN) -> str:
    """Return one outcome in full: the test, and each thing that it did not find as expected."""
    status, case = outcome.status.value, outcome.case
    head = headed(place(case.span, style), f"{status}:", case.name, _COLORS[status], style)
    blocks = [render_diagnostic(found, style) for found in outcome.problems]
    told: set[str] = set()
    for failure in outcome.failures:
        blocks.append("\n".join(_failure(failure, told, style)))
        told.add(failure.metric or "")
    if not blocks:
        return head if case.skip is None else _skipped(outcome, style)
    blocks[0] = f"{head}\n{blocks[0]}"
    return "\n\n".join(blocks)


def _failure(failure: Failure, told: set[str], style: Style) -> Iterator[str]:
    """Yield what a test did not find, and how it came about; ``told`` has stood above."""
    for line in broken_up(style.show(failure.message), style, 0):
        yield style.paint(line, "bold", "red")
    if failure.follows:
        return
    gutter, lines = quoted(failure.span, style, "red")
    yield from lines
    indent = f"{gutter} " if gutter else "  "
    if failure.steps:
        width = None if style.width is None else style.width - len(indent)
        drawn = draw_steps(list(_new(failure.steps, told)), replace(style, width=width))
        yield ""
        yield from (indent + line for line in drawn.split("\n"))
        yield from [""] if failure.fix or failure.example else []
    if failure.fix is not None:
        yield from note("fix", failure.fix, indent, style)
    if failure.example is not None:  # in full lines, to be pasted
        yield indent + style.paint("= as a test:", "bold")
        yield from map(style.show, failure.example.rstrip().split("\n"))


def _new(steps: Sequence[Step], told: set[str]) -> Iterator[Step]:
    """Yield the steps without those below metrics that stood above."""
    hidden: int | None = None
    for step in steps:
        if hidden is not None and step.depth > hidden:
            continue
        hidden = None
        if step.depth and step.metric in told and step.origin == "computed":
            hidden = step.depth
            step = replace(step, origin="shown above")  # noqa: PLW2901 - the same, in short
        yield step


def _skipped(outcome: Outcome, style: Style) -> str:
    case = outcome.case
    text = f"{case.name} ({case.skip})" if case.skip else case.name
    return headed(place(case.span, style), "skipped:", text, _COLORS["skipped"], style)


def outcome_summary(
    outcomes: Sequence[Outcome], seconds: float | None = None, style: Style = PLAIN
) -> str:
    """Return the last line of a run of tests.

    >>> outcome_summary([], 0.02)
    'no tests in 0.02 s'
    """
    counts = Counter(outcome.status.value for outcome in outcomes)
    told = [
        style.paint(f"{counts[status]:,} {status}", "bold", color)
        for status, color in _COLORS.items()
        if counts[status]
    ]
    took = "" if seconds is None else f" in {seconds:,.2f} s"
    return (", ".join(told) or "no tests") + took


# --- for programs


def outcomes_json(outcomes: Sequence[Outcome]) -> str:
    """Return outcomes as a JSON list, in ASCII."""
    return json.dumps([outcome.to_dict() for outcome in outcomes], indent=2)


def outcomes_junit(outcomes: Sequence[Outcome], seconds: float = 0.0) -> str:
    """Return outcomes as XML in the form of JUnit, with the file and line of each test."""
    counts = Counter(outcome.status.value for outcome in outcomes)
    numbers = {
        "tests": str(len(outcomes)),
        "failures": str(counts["failed"]),
        "errors": str(counts["broken"]),
        "skipped": str(counts["skipped"]),
        "time": f"{seconds:.3f}",
    }
    root = ET.Element("testsuites", {"name": "metrictree", **numbers})
    suite = ET.SubElement(root, "testsuite", {"name": "metrictree", **numbers})
    for outcome in outcomes:
        _junit(suite, outcome)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _junit(suite: ET.Element, outcome: Outcome) -> None:
    case = outcome.case
    told = {"name": visible(case.name), "classname": _STEM}
    if case.span is not None:
        name = visible(file_name(case.span.file))
        told |= {"classname": name, "file": name, "line": str(case.span.line)}
    entry = ET.SubElement(suite, "testcase", {**told, "time": f"{outcome.seconds:.6f}"})
    if outcome.status == "skipped":
        ET.SubElement(entry, "skipped", {"message": visible(case.skip or "")})
    elif outcome.status in ("failed", "broken"):
        tag = "failure" if outcome.status == "failed" else "error"
        lines = _messages(outcome)
        found = ET.SubElement(entry, tag, {"message": "; ".join(lines), "type": outcome.status})
        found.text = render_outcome(outcome)


def outcomes_github(outcomes: Sequence[Outcome], seconds: float | None = None) -> str:
    """Return a command for each test that failed or is broken, and a last line with the count."""
    lines = []
    for outcome in outcomes:
        title = f"{outcome.status.value}: {outcome.case.name}"
        for found in outcome.problems:
            told = [str(found.message), *([f"fix: {found.fix}"] if found.fix else [])]
            lines.append(command("error", title, told, found.span or outcome.case.span))
        for failure in outcome.failures:
            told = [failure.message]
            told += [f"{step.metric}: {_in_short(step)}" for step in failure.steps if step.numbers]
            told += [f"fix: {failure.fix}"] if failure.fix else []
            lines.append(command("error", title, told, failure.span or outcome.case.span))
    return "\n".join([*lines, outcome_summary(outcomes, seconds)])


def _in_short(step: Step) -> str:
    place = f" ({step.span})" if step.span is not None else ""
    return f"{step.formula} = {step.numbers}{place}"


def _messages(outcome: Outcome) -> list[str]:
    found = [failure.message for failure in outcome.failures]
    return [visible(text) for text in (*found, *(one.message for one in outcome.problems))]
