"""Markdown that no text of a user can break: escapes, tables and fences, and findings in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from metrictree.diagnostics import Severity, visible
from metrictree.render.files import file_name
from metrictree.render.findings import because, confidence_note, counted, summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from metrictree.diagnostics import Diagnostic

__all__ = ["escaped", "fenced", "findings_markdown", "markdown_code", "markdown_table", "prose"]

_MARKS: Final = re.compile(r"([\\`*{}\[\]<>~&$#]|(?<!\w)_|_(?!\w))")
"""What Markdown might take for more than a character; not the underscores inside of a name."""
_CODE: Final = re.compile(r"`([^`]+)`")
_TITLES: Final = {
    Severity.ERROR: "Errors",
    Severity.WARNING: "Warnings",
    Severity.ADVICE: "Hints",
}


def escaped(text: str) -> str:
    r"""Return text that Markdown shows as it is, on one line.

    >>> print(escaped("*<b>*"))
    \*\<b\>\*
    """
    return _MARKS.sub(r"\\\1", visible(text))


def findings_markdown(
    findings: Sequence[Diagnostic],
    metrics: int,
    titles: Mapping[str, str],
    *,
    ignored: int = 0,
) -> str:
    """Return findings as a comment on a pull request: a table for each severity.

    ``titles`` has that of every code. Advice of one code is told once.
    """
    parts = [f"### metrictree: {summary(findings, metrics, ignored=ignored)}"]
    for severity in (Severity.ERROR, Severity.WARNING):
        rows = [
            (_place(one), f"{one.code}: {prose(titles[one.code])}", _finding(one), _fix(one))
            for one in findings
            if one.severity is severity
        ]
        if rows:
            head = ("where", "code", "finding", "what to do")
            parts += [f"#### {_TITLES[severity]}", markdown_table(head, rows)]
    alike: dict[str, list[Diagnostic]] = {}
    for one in findings:
        if one.severity is Severity.ADVICE:
            alike.setdefault(one.code, []).append(one)
    if alike:
        items = [_item(titles[code], group) for code, group in alike.items()]
        count = counted(sum(map(len, alike.values())), "piece of advice", "pieces of advice")
        parts += [f"<details><summary>{count}</summary>", "\n".join(items), "</details>"]
    return "\n\n".join(parts) + "\n"


def _item(title: str, group: Sequence[Diagnostic]) -> str:
    first, *others = group
    more = f" ({counted(len(group), 'place')})" if others else ""
    fix = f"; {prose(first.fix)}" if first.fix else ""
    return f"- {first.code}, {prose(title)}{more}: {prose(first.message)}{fix}"


def _place(found: Diagnostic) -> str:
    if found.span is not None:
        return markdown_code(f"{file_name(found.span.file)}:{found.span.line}")
    return markdown_code(found.path) if found.path is not None else ""


def _finding(found: Diagnostic) -> str:
    lines = [found.message, *(f"because: {reason}" for reason in because(found))]
    note = confidence_note(found)
    if note is not None:
        lines.append(f"confidence: {note}")
    return "<br>".join(map(prose, lines))


def _fix(found: Diagnostic) -> str:
    return prose(found.fix or "")


def prose(text: str) -> str:
    """Return a sentence in which only back-quotes mean something; nobody is mentioned by it."""
    pieces = _CODE.split(visible(text))
    return "".join(
        markdown_code(piece) if position % 2 else escaped(piece).replace("@", "@&#8203;")
        for position, piece in enumerate(pieces)
    )


def markdown_code(text: str) -> str:
    """Return text as code inside of a line.

    >>> markdown_code("a`b")
    '``a`b``'
    """
    text = visible(text)
    if "\\|" in text:  # a table would be divided there
        return escaped(text)
    ticks = "`"
    while ticks in text:
        ticks += "`"
    blank = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{blank}{text}{blank}{ticks}"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Return a table; its cells are Markdown already, but for the lines between them.

    >>> print(markdown_table(("code", "text"), [("NS101", "a|b")]))
    | code | text |
    | --- | --- |
    | NS101 | a\|b |
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def fenced(text: str, language: str = "") -> str:
    """Return text as a block of code, whatever it holds."""
    fence = "```"
    while fence in text:
        fence += "`"
    newline = "\n"
    return f"{fence}{language}\n{text.strip(newline)}\n{fence}"
