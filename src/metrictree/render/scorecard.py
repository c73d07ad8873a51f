"""Scorecards as text, as Markdown and as HTML."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from metrictree.diagnostics import visible
from metrictree.render.markdown import escaped, fenced, markdown_table, prose
from metrictree.render.style import PLAIN, Style, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrictree.lint.scorecard import Judgement, Scorecard

__all__ = ["render_scorecard", "scorecard_html", "scorecard_markdown"]

_TITLES: Final = {
    "customer_value": "Customer value",
    "strategy": "Strategy",
    "leading": "Leading",
    "actionable": "Actionable",
    "understandable": "Understandable",
    "measurable": "Measurable",
    "not_vanity": "Not vanity",
    "not_revenue": "Not revenue",
    "not_external": "Not external",
}
_COLORS: Final = {"pass": "green", "fail": "red", "unknown": "yellow"}
_NARROWEST: Final = 30
_INDENT: Final = 9 + 16
"""Cells of the verdict and of the criterion."""


def render_scorecard(card: Scorecard, style: Style = PLAIN) -> str:
    """Return a scorecard for reading: a block for each criterion, then the count."""
    room = None if style.width is None else max(style.width - _INDENT, _NARROWEST)
    title = f"North Star: {style.show(_named(card))}"
    titles = [title] if style.width is None else wrapped(title, max(style.width, _NARROWEST))
    lines = [*(style.paint(line, "bold") for line in titles), ""]
    for judgement in card:
        verdict = judgement.verdict.value
        head = style.paint(f"{verdict:9}", "bold", _COLORS[verdict])
        head += f"{_TITLES[judgement.criterion]:16}"
        for text in _told(judgement):
            shown = style.show(text)
            for line in wrapped(shown, room) if room is not None else [shown]:
                lines.append((head + line).rstrip())
                head = " " * _INDENT
    lines += ["", _count(card)]
    vouching = _vouching(card)
    if vouching:
        lines += ["", "What only people can tell, one of them vouches for in the tree:", ""]
        lines += [f"  {line}" for line in vouching]
    return "\n".join(lines)


def scorecard_markdown(card: Scorecard) -> str:
    """Return a scorecard as a table in Markdown."""
    rows = [
        (
            f"**{judgement.verdict.value}**",
            _TITLES[judgement.criterion],
            "<br>".join(map(prose, _told(judgement))),
        )
        for judgement in card
    ]
    parts = [
        f"### North Star: {escaped(_named(card))}",
        markdown_table(("", "criterion", "because"), rows),
        _count(card),
    ]
    vouching = _vouching(card)
    if vouching:
        told = "What only people can tell, one of them vouches for in the tree:"
        parts += [told, fenced("\n".join(vouching), "yaml")]
    return "\n\n".join(parts) + "\n"


def scorecard_html(card: Scorecard) -> str:
    """Return a scorecard as a table in HTML."""

    def cell(text: str) -> str:
        return f'<td style="text-align: left">{text}</td>'

    rows = [
        "<tr>"
        + cell(judgement.verdict.value)
        + cell(_TITLES[judgement.criterion])
        + cell("<br>".join(html.escape(visible(text)) for text in _told(judgement)))
        + "</tr>"
        for judgement in card
    ]
    return "\n".join(
        [
            f"<p>North Star: {html.escape(visible(_named(card)))}</p>",
            '<table class="dataframe">',
            "<thead><tr><th></th><th>criterion</th><th>because</th></tr></thead>",
            *["<tbody>", *rows, "</tbody>"],
            "</table>",
            f"<p>{html.escape(_count(card))}</p>",
        ]
    )


def _named(card: Scorecard) -> str:
    name = card.name if card.name == card.metric else f"{card.name} ({card.metric})"
    return f"{name}, on {card.today}"


def _told(judgement: Judgement) -> Iterator[str]:
    yield from (reason.text for reason in judgement.evidence)
    if not judgement.evidence:
        yield "nothing in the tree tells"
    if judgement.settle is not None:
        what = "to settle it" if judgement.verdict.value == "unknown" else "to do"
        yield f"{what}: {judgement.settle}"


def _count(card: Scorecard) -> str:
    """Return how many criteria pass, fail, and are unknown."""
    counts = card.to_dict()["counts"]
    assert isinstance(counts, dict)
    fail = f"{counts['fail']} {'fails' if counts['fail'] == 1 else 'fail'}"
    unknown = f"{counts['unknown']} {'is' if counts['unknown'] == 1 else 'are'} unknown"
    return f"{counts['pass']} of {len(card)} criteria pass, {fail}, {unknown}"


def _vouching(card: Scorecard) -> list[str]:
    """Return the lines by which a person vouches for what no other field would settle."""
    unknown = [one.criterion for one in card if "attestations:" in (one.declare or "")]
    if not unknown:
        return []
    return [
        "north_star:",
        f"  metric: {card.metric}",
        "  attestations:",
        *(
            f"    {criterion}: {{by: NAME, since: {card.today}, note: WHAT IT RESTS ON}}"
            for criterion in unknown
        ),
    ]
