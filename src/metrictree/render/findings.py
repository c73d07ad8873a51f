"""Diagnostics as text, with the line they speak of and a caret below it, as JSON and as HTML."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Final

from metrictree.diagnostics import Confidence, Severity, visible
from metrictree.render.style import PLAIN, Style, character_width, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from metrictree.diagnostics import Diagnostic, Span

__all__ = [
    "because",
    "broken_up",
    "confidence_note",
    "counted",
    "diagnostics_json",
    "findings_html",
    "headed",
    "note",
    "place",
    "quoted",
    "render_diagnostic",
    "render_diagnostics",
    "render_findings",
    "render_statistics",
    "summary",
]

_TAB: Final = "    "
_NARROWEST = 40
_CUT: Final = "DOC114"
"""Says that problems are left out, and is none itself."""
_WORDS: Final[Mapping[Severity, tuple[str, ...]]] = {
    Severity.ERROR: ("error",),
    Severity.WARNING: ("warning",),
    Severity.ADVICE: ("piece of advice", "pieces of advice"),
}
_COLORS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.ADVICE: "cyan"}
_CONFIDENCE: Final = {
    Confidence.DECLARED: "the tree says so",
    Confidence.DERIVED: "it follows from what the tree says",
    Confidence.NAMED: "only the words suggest it; what the tree declares counts more",
}
_REASONS: Final = 5
"""Reasons that a text tells of one finding; JSON has them all."""
_ALIKE: Final = 8
"""Metrics that a text names for one piece of advice."""
_QUOTED: Final = re.compile(r"'[^']*'")


def render_findings(
    findings: Sequence[Diagnostic], metrics: int, style: Style = PLAIN, *, ignored: int = 0
) -> str:
    """Return what a check prints: errors and warnings in full, advice in short, and the count.

    Advice that is the same for several metrics is given once, with their names.

    >>> from metrictree import Diagnostic
    >>> advice = [
    ...     Diagnostic(
    ...         "IM201", f"'{metric}' has no owner", None, Severity.ADVICE, metric, fix="name one"
    ...     )
    ...     for metric in ("visits", "orders")
    ... ]
    >>> print(render_findings(advice, 3))
    advice IM201: 'visits' has no owner
     = also: orders
     = fix: name one
    <BLANKLINE>
    2 pieces of advice in 3 metrics
    """
    grave = [found for found in findings if found.severity is not Severity.ADVICE]
    blocks = [render_diagnostic(found, style) for found in grave]
    alike: dict[tuple[str, str], list[Diagnostic]] = {}
    for found in findings:
        if found.severity is Severity.ADVICE:
            key = (found.code, _QUOTED.sub("", found.message))
            alike.setdefault(key, []).append(found)
    if alike:
        blocks.append("\n".join(_advice(group, style) for group in alike.values()))
    return "\n\n".join([*blocks, summary(findings, metrics, ignored=ignored)])


def _advice(group: Sequence[Diagnostic], style: Style) -> str:
    """Return one piece of advice without the line that it speaks of."""
    first, *others = group
    lines = [_head(first, style)]
    if others:
        names = [_told(found, first, style) for found in others[:_ALIKE]]
        if len(others) > _ALIKE:
            names.append(f"{len(others) - _ALIKE:,} more")
        lines += note("also", ", ".join(names), " ", style)
    if first.fix is not None:
        lines += note("fix", first.fix, " ", style)
    return "\n".join(lines)


def _told(found: Diagnostic, first: Diagnostic, style: Style) -> str:
    """Return the metric of a finding and its place, in few words."""
    name = style.show(found.metric or found.path or "the tree")
    if found.span is None:
        return name
    if first.span is not None and found.span.file == first.span.file:
        return f"{name} (line {found.span.line})"
    return f"{name} ({style.show(found.span.file)}:{found.span.line})"


def render_diagnostics(diagnostics: Iterable[Diagnostic], style: Style = PLAIN) -> str:
    """Return diagnostics one below the other, an empty line between them."""
    return "\n\n".join(render_diagnostic(found, style) for found in diagnostics)


def render_diagnostic(found: Diagnostic, style: Style = PLAIN) -> str:
    """Return one diagnostic: place, severity, code and sentence, then the line with a caret.

    >>> from metrictree import Diagnostic, Span
    >>> span = Span("tree.yml", 7, 11, 7, 16, "  orders: vists * rate")
    >>> print(
    ...     render_diagnostic(
    ...         Diagnostic("GRA101", "unknown metric 'vists'", span, fix="did you mean visits?")
    ...     )
    ... )
    tree.yml:7:11: error GRA101: unknown metric 'vists'
      |
    7 |   orders: vists * rate
      |           ^^^^^
      = fix: did you mean visits?
    """
    gutter, lines = quoted(found.span, style, _COLORS[found.severity])
    lines.insert(0, _head(found, style))
    for reason in because(found):
        lines += note("because", reason, f"{gutter} ", style)
    confidence = confidence_note(found)
    if confidence is not None:
        lines += note("confidence", confidence, f"{gutter} ", style)
    if found.fix is not None:
        lines += note("fix", found.fix, f"{gutter} ", style)
    return "\n".join(lines)


def quoted(span: Span | None, style: Style, color: str) -> tuple[str, list[str]]:
    """Return the line of a place with a caret below, and the blanks before what is said of it."""
    if span is None or not span.text or span.column - span.text_column > len(span.text) + 2:
        return "", []
    number = str(span.line)
    gutter = " " * len(number)
    bar = style.paint("|", "dim")
    line, caret = excerpt(span, style, (style.width or 100) - len(number) - 3)
    return gutter, [
        f"{gutter} {bar}",
        f"{style.paint(number, 'dim')} {bar} {line}".rstrip(),
        f"{gutter} {bar} {style.paint(caret, 'bold', color)}",
    ]


def because(found: Diagnostic) -> Iterator[str]:
    """Yield the reasons that a text tells of a finding, the strongest first."""
    for reason in found.evidence[:_REASONS]:
        yield reason.text
    if len(found.evidence) > _REASONS:
        yield f"and {len(found.evidence) - _REASONS:,} more reasons"


def confidence_note(found: Diagnostic) -> str | None:
    """Return in words how well a finding is known; nothing where that goes without saying.

    >>> from metrictree import Diagnostic
    >>> confidence_note(Diagnostic("NS101", "it is revenue", confidence=Confidence.NAMED))
    'named: only the words suggest it; what the tree declares counts more'
    """
    if found.confidence is None:
        return None
    absent = not found.evidence or found.severity is Severity.ADVICE  # no field, nothing declared
    if found.confidence is Confidence.DECLARED and absent:
        return None
    return f"{found.confidence.value}: {_CONFIDENCE[found.confidence]}"


def _head(found: Diagnostic, style: Style) -> str:
    """Return the place, the severity, the code and the sentence."""
    where = place(found.span, style)
    if found.span is None and found.path is not None:
        where = f"{style.show(found.path)}: "
    label = f"{found.severity.value} {found.code}:"
    return headed(where, label, found.message, _COLORS[found.severity], style)


def place(span: Span | None, style: Style) -> str:
    """Return a place as the beginning of a line."""
    return "" if span is None else f"{style.show(span.file)}:{span.line}:{span.column}: "


def headed(where: str, label: str, text: str, color: str, style: Style) -> str:
    """Return a text behind its place and a coloured label."""
    first, *others = broken_up(f"{where}{label} {style.show(text)}", style, 0)
    if first.startswith(where + label):
        painted = style.paint(label, "bold", color)
        first = style.paint(where, "bold") + painted + first[len(where + label) :]
    return "\n".join([first, *others])


def note(label: str, text: str, indent: str, style: Style) -> list[str]:
    """Return the lines of what is said below a finding."""
    label = f"= {label}:"
    first, *others = broken_up(f"{label} {style.show(text)}", style, len(indent))
    first = style.paint(label, "bold") + first[len(label) :]
    return [indent + line for line in (first, *others)]


def broken_up(text: str, style: Style, indent: int) -> list[str]:
    """Break a text on a terminal, at its blanks."""
    if style.width is None:
        return [text]
    return wrapped(text, max(style.width, _NARROWEST) - indent)


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


def findings_html(findings: Sequence[Diagnostic], metrics: int) -> str:
    """Return findings as a table in HTML, the count above it."""
    rows = [
        f"<tr>{_cells(found.severity.value, found.code, found.metric or '', _reasoned(found))}"
        f"{_cells(found.fix or '')}</tr>"
        for found in findings
    ]
    if not rows:
        return f"<p>{html.escape(summary(findings, metrics))}</p>"
    heads = "".join(f"<th>{head}</th>" for head in ("", "code", "metric", "finding", "what to do"))
    return "\n".join(
        [
            f"<p>{html.escape(summary(findings, metrics))}</p>",
            '<table class="dataframe">',
            f"<thead><tr>{heads}</tr></thead>",
            *["<tbody>", *rows, "</tbody>"],
            "</table>",
        ]
    )


def _reasoned(found: Diagnostic) -> str:
    reasons = "; ".join(because(found))
    return f"{found.message} (because {reasons})" if reasons else found.message


def _cells(*texts: str) -> str:
    return "".join(
        f'<td style="text-align: left">{html.escape(visible(text))}</td>' for text in texts
    )


def render_statistics(
    counts: Mapping[str, int], titles: Mapping[str, str], style: Style = PLAIN
) -> str:
    """Return how many findings each code has, the most frequent first.

    >>> print(render_statistics({"IM201": 12, "NS110": 1}, {"IM201": "No owner", "NS110": "Bare"}))
    12  IM201  No owner
     1  NS110  Bare
    """
    width = max((len(f"{count:,}") for count in counts.values()), default=0)
    return "\n".join(
        f"{count:>{width},}  {style.paint(code, 'bold')}  {titles[code]}"
        for code, count in counts.items()
    )


def summary(diagnostics: Sequence[Diagnostic], metrics: int, *, ignored: int = 0) -> str:
    """Return the last line of a check; without a number of metrics where a tree did not load.

    >>> from metrictree import Diagnostic
    >>> summary([Diagnostic("GRA101", "unknown metric 'vists'")], 0)
    '1 error'
    >>> summary([], 12)
    'no problems in 12 metrics'
    >>> summary([Diagnostic("NS110", "no vision", severity=Severity.ADVICE)], 12, ignored=2)
    '1 piece of advice in 12 metrics; 2 findings are ignored with a reason'
    >>> summary([Diagnostic("SCH101", "unknown field 'x'")] * 2 + [Diagnostic("DOC114", "cut")], 0)
    'more than 2 errors'
    """
    counts = dict.fromkeys(Severity, 0)
    for found in diagnostics:
        counts[found.severity] += found.code != _CUT
    told = [counted(count, *_WORDS[severity]) for severity, count in counts.items() if count]
    if told and any(found.code == _CUT for found in diagnostics):
        told[0] = f"more than {told[0]}"
    text = ", ".join(told) or "no problems"
    if metrics or not told:
        text += f" in {counted(metrics, 'metric')}"
    if ignored:
        are = "is" if ignored == 1 else "are"
        text += f"; {counted(ignored, 'finding')} {are} ignored with a reason"
    return text


def counted(count: int, thing: str, things: str | None = None) -> str:
    """Return a number of things; their plural, if it is not made with an s.

    >>> counted(1, "error"), counted(2000, "metric")
    ('1 error', '2,000 metrics')
    """
    return f"{count:,} {thing if count == 1 else things or f'{thing}s'}"
