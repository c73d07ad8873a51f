"""The verb `rule`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from metrictree.cli.common import format_option, style_of

if TYPE_CHECKING:
    from metrictree.codes import Code


@click.command("rule")
@click.argument("codes", metavar="[CODE]...", nargs=-1)
@format_option("text", "json", "markdown")
def command(codes: tuple[str, ...], form: str) -> None:
    """Explain a rule.

    Its page says why it exists and what to do, with an example of what it reports and one that it
    accepts. Without CODE, all rules are listed. The codes of mistakes, such as GRA101, have a page
    too.

    \b
    Examples:
      metrictree rule
      metrictree rule NS101
    """  # noqa: D301 - click takes \b for text that is not wrapped
    from metrictree.render.manual import manual_data, manual_list, manual_markdown, manual_text

    style = style_of(sys.stdout)
    chosen = _pages(codes)
    if form == "json":
        click.echo(json.dumps([manual_data(page) for page in chosen], indent=2))
    elif form == "markdown":
        click.echo("\n".join(map(manual_markdown, chosen)), nl=False)
    elif codes:
        click.echo("\n\n\n".join(manual_text(page, style) for page in chosen))
    else:
        click.echo(manual_list(chosen, style))
        click.echo("\n`metrictree rule CODE` explains one.")


def _pages(codes: tuple[str, ...]) -> list[Code]:
    """Return the pages of codes; those of all rules without any."""
    from metrictree.diagnostics import shown
    from metrictree.lint.manual import manual, pages
    from metrictree.lint.rules import RULES
    from metrictree.names import Suggester, did_you_mean

    if not codes:
        return [manual(rule) for rule in RULES.values()]
    known = pages()
    for code in codes:
        if code.upper() not in known:
            advice = did_you_mean(Suggester(known).near(code)) or "`metrictree rule` lists all."
            raise click.UsageError(f"There is no rule '{shown(code)}': {advice}")
    return [known[code.upper()] for code in codes]
