"""Findings as commands of GitHub's workflows, which show them beside the lines of a change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metrictree.diagnostics import Severity, visible
from metrictree.render.files import file_name
from metrictree.render.findings import because, confidence_note, summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from metrictree.diagnostics import Diagnostic, Span

__all__ = ["command", "findings_github"]

_COMMANDS: Final = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.ADVICE: "notice",
}


def findings_github(findings: Sequence[Diagnostic], metrics: int, *, ignored: int = 0) -> str:
    """Return one command for each finding, and a last line with their number.

    >>> from metrictree import Diagnostic, Span
    >>> span = Span("a,b.yml", 7, 11, 7, 16)
    >>> print(findings_github([Diagnostic("GRA101", "100% unknown", span)], 0))
    ::error file=a%2Cb.yml,line=7,endLine=7,col=11,endColumn=16,title=GRA101::100%25 unknown
    1 error
    """
    lines = [_command(found) for found in findings]
    return "\n".join([*lines, summary(findings, metrics, ignored=ignored)])


def _command(found: Diagnostic) -> str:
    note = confidence_note(found)
    lines = [
        found.message,
        *(f"because: {reason}" for reason in because(found)),
        *([f"confidence: {note}"] if note else []),
        *([f"fix: {found.fix}"] if found.fix else []),
    ]
    return command(_COMMANDS[found.severity], found.code, lines, found.span)


def command(name: str, title: str, lines: Iterable[str], span: Span | None) -> str:
    """Return a command that shows some lines beside a place.

    >>> command("error", "a: b", ["100%"], None)
    '::error title=a%3A b::100%25'
    """
    properties: dict[str, object] = {}
    if span is not None:
        properties |= {"file": file_name(span.file), "line": span.line, "endLine": span.end_line}
        if span.line == span.end_line:  # columns mean nothing on several lines
            properties |= {"col": span.column, "endColumn": span.end_column}
    properties["title"] = title
    told = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{name} {told}::{_data(chr(10).join(map(visible, lines)))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")
