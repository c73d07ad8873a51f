"""Diagnostics as text, with the line they speak of and a caret below it, and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from metrictree.diagnostics import Severity
from metrictree.render.style import PLAIN, Style, character_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from metrictree.diagnostics import Diagnostic, Span

__all__ = ["counted", "diagnostics_json", "render_diagnostic", "render_diagnostics", "summary"]

_TAB: Final = "    "
_NARROWEST = 40
_CUT: Final = "DOC114"
"""Says that problems are left out, and is none itself."""
_COLORS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.ADVICE: "cyan"}


def render_diagnostics(diagnostics: Iterable[Diagnostic], style: Style = PLAIN) -> str:
    """Return diagnostics one below the other, an empty line between them."""
    return "\n\n".join(render_diagnostic(found, style) for found in diagnostics)


def render_diagnostic(found: Diagnostic, style: Style = PLAIN) -> str:
    """Return one diagnostic: place, severity, code and sentence, then the line with a caret.

    >>> from metrictree import Diagnostic, Span
    >>> span = Span("tree.yml", 7, 11, 7, 16, "  orders: vists * rate")
    >>> print(
    ...     render_diagnostic(
    ...         Diagnostic("GRA101", "unknown metric 'vists'", span, help="did you mean visits?")
    ...     )
    ... )
    tree.yml:7:11: error GRA101: unknown metric 'vists'
      |
    7 |   orders: vists * rate
      |           ^^^^^
      = help: did you mean visits?
    """
    span = found.span
    color = _COLORS[found.severity]
    where = ""
    if span is not None:
        where = style.paint(f"{style.show(span.file)}:{span.line}:{span.column}:", "bold") + " "
    elif found.path is not None:
        where = style.paint(f"{style.show(found.path)}:", "bold") + " "
    severity = style.paint(f"{found.severity.value} {found.code}:", "bold", color)
    lines = [f"{where}{severity} {style.show(found.message)}"]
    gutter = ""
    if span is not None and span.text and span.column - span.text_column <= len(span.text) + 2:
        number = str(span.line)
        gutter = " " * len(number)
        bar = style.paint("|", "dim")
        line, caret = excerpt(span, style, (style.width or 100) - len(number) - 3)
        lines += [
            f"{gutter} {bar}",
            f"{style.paint(number, 'dim')} {bar} {line}".rstrip(),
            f"{gutter} {bar} {style.paint(caret, 'bold', color)}",
        ]
    if found.help is not None:
        lines.append(f"{gutter} {style.paint('= help:', 'bold')} {style.show(found.help)}")
    return "\n".join(lines)


def excerpt(span: Span, style: Style, width: int) -> tuple[str, str]:
    """Return the line of a span and the carets below it, both at most about ``width`` cells.

    What cannot be shown is escaped, tabs become spaces unless the carets mean one, and of a long
    line the part around the caret is left; the carets stay below the characters that they mean.
    """
    pieces = [_TAB if character == "\t" else style.show(character) for character in span.text]
    start = min(max(span.column - span.text_column, 0), len(pieces))
    if span.text[start : start + 1] == "\t":  # carets below nothing would say nothing
        pieces[start] = style.show("\t")
    edges = [0]  # the cell at which each piece begins, and the one after the last
    for piece in pieces:
        edges.append(edges[-1] + sum(map(character_width, piece)))
    stop = len(pieces)
    if span.end_line == span.line:
        stop = min(max(span.end_column - span.text_column, start), len(pieces))
    caret, caret_end = edges[start], max(edges[stop], edges[start] + 1)

    width = max(width, _NARROWEST)
    first, last = 0, len(pieces)
    if edges[-1] > width:
        room = width - 6  # dots on both sides
        begin = max(min(caret - room // 3, edges[-1] - room), 0)
        first = next(at for at in range(len(pieces)) if edges[at] >= begin)
        last = next(
            (at for at in range(first, len(pieces)) if edges[at + 1] - edges[first] > room), last
        )
    before = "..." if first or span.text_column > 1 else ""
    after = "..." if last < len(pieces) else ""
    line = before + "".join(pieces[first:last]) + after
    caret_end = min(caret_end, max(edges[last], caret + 1))
    indent = len(before) + caret - edges[first]
    return line, " " * indent + "^" * (caret_end - caret)


def diagnostics_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Return diagnostics as a JSON list, in ASCII; an entry is ``Diagnostic.to_dict()``."""
    return json.dumps([found.to_dict() for found in diagnostics], indent=2)


def summary(diagnostics: Sequence[Diagnostic], metrics: int) -> str:
    """Return the last line of a check.

    >>> from metrictree import Diagnostic
    >>> summary([Diagnostic("GRA101", "unknown metric 'vists'")], 0)
    '1 error'
    >>> summary([], 12)
    'no problems in 12 metrics'
    >>> summary([Diagnostic("SCH101", "unknown field 'x'")] * 2 + [Diagnostic("DOC114", "cut")], 0)
    'more than 2 errors'
    """
    counts = dict.fromkeys(Severity, 0)
    for found in diagnostics:
        counts[found.severity] += found.code != _CUT
    words = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "hint"}
    told = [counted(count, words[severity]) for severity, count in counts.items() if count]
    if told and any(found.code == _CUT for found in diagnostics):
        told[0] = f"more than {told[0]}"
    return ", ".join(told) or f"no problems in {counted(metrics, 'metric')}"


def counted(count: int, thing: str) -> str:
    """Return a number of things.

    >>> counted(1, "error"), counted(2000, "metric")
    ('1 error', '2,000 metrics')
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
