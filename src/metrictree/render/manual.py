"""The manual page of a code: for a terminal, as Markdown and as data; from it the docs are made."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

from metrictree.render.markdown import fenced, markdown_table
from metrictree.render.style import PLAIN, Style

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metrictree.codes import Code

__all__ = ["manual_data", "manual_list", "manual_markdown", "manual_text"]

_WIDEST: Final = 88
_LANGUAGES: Final = {"document": "yaml", "formula": "text", "python": "python"}


def manual_list(pages: Iterable[Code], style: Style = PLAIN) -> str:
    """Return one line for each page: its code, its severity and its title.

    >>> from metrictree.codes import CODES
    >>> print(manual_list([CODES["DOC105"]]))
    DOC105  error  A key stands twice
    """
    pages = list(pages)
    width = max((len(page.severity.value) for page in pages), default=0)
    return "\n".join(
        f"{style.paint(page.code, 'bold')}  {page.severity.value:{width}}  {page.title}"
        for page in pages
    )


def manual_text(page: Code, style: Style = PLAIN) -> str:
    """Return a page for reading in a terminal."""
    width = min(style.width or _WIDEST, _WIDEST)

    def section(title: str, text: str) -> str:
        return f"{style.paint(title, 'bold')}\n{text}"

    def prose(text: str) -> str:
        return _filled(text, width, "  ")

    parts = [
        style.paint(
            _filled(f"{page.code}: {page.title} ({page.severity.value})", width, ""), "bold"
        ),
        _filled(page.why, width, ""),
        section("Reported", textwrap.indent(page.bad.rstrip(), "  ")),
        section("Accepted", textwrap.indent(page.good.rstrip(), "  ")),
        section("What to do", prose(page.fix)),
    ]
    if page.options:
        told = [
            prose(f"- {name} (default {default}): {meaning}")
            for name, default, meaning in page.options
        ]
        parts.append(section("Options", "\n".join(told)))
    if page.source:
        parts.append(section("Source", prose(page.source)))
    return "\n\n".join(parts)


def manual_markdown(page: Code, output: str | None = None) -> str:
    """Return a page as Markdown; ``output`` is what is said about its first example."""
    language = _LANGUAGES[page.shown_by]
    parts = [
        f"# {page.code}: {page.title}",
        f"Severity: **{page.severity.value}**",
        page.why,
        "## Reported",
        fenced(page.bad, language),
        *([fenced(output, "text")] if output is not None else []),
        "## Accepted",
        fenced(page.good, language),
        "## What to do",
        page.fix,
    ]
    if page.options:
        name = page.options[0][0]
        example = f"lint:\n  options:\n    {page.code}: {{{name}: {page.options[0][1]}}}"
        rows = [(f"`{name}`", f"`{default}`", meaning) for name, default, meaning in page.options]
        table = markdown_table(("option", "default", "meaning"), rows)
        parts += ["## Options", table, fenced(example, "yaml")]
    if page.source:
        parts += ["## Source", page.source]
    return "\n\n".join(parts) + "\n"


def manual_data(page: Code) -> dict[str, Any]:
    """Return a page as plain data, ready for JSON."""
    return {
        "code": page.code,
        "title": page.title,
        "severity": page.severity.value,
        "why": page.why,
        "reported": page.bad,
        "accepted": page.good,
        "what_to_do": page.fix,
        "options": [
            {"name": name, "default": default, "meaning": meaning}
            for name, default, meaning in page.options
        ],
        "source": page.source or None,
    }


def _filled(text: str, width: int, indent: str) -> str:
    """Fill the lines of every paragraph; the items of a list stay below each other."""
    blocks = []
    for block in text.split("\n\n"):
        items: list[str] = []
        for line in block.splitlines():
            if items and not line.startswith("- "):
                items[-1] += f" {line.strip()}"
            else:
                items.append(line.strip())
        blocks.append(
            "\n".join(
                textwrap.fill(
                    item,
                    width,
                    initial_indent=indent,
                    subsequent_indent=indent + ("  " if item.startswith("- ") else ""),
                    break_long_words=False,
                    break_on_hyphens=False,
                )
                for item in items
            )
        )
    return "\n\n".join(blocks)
