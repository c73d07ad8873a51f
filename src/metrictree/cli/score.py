"""The verb `score`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from metrictree.cli.common import (
    Choice,
    day_option,
    format_option,
    history_option,
    read_facts,
    root_option,
    style_of,
    tree_argument,
    values_option,
)

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@click.command("score")
@tree_argument
@click.option(
    "--fail-on",
    type=Choice(("fail", "unknown", "never")),
    default="never",
    show_default=True,
    help="Exit with 1 if a criterion fails, or if one fails or is unknown.",
)
@values_option
@history_option
@day_option
@root_option
@format_option("text", "json", "markdown")
@click.pass_context
def command(  # noqa: PLR0917 - click passes them by name
    ctx: click.Context,
    file: Path,
    fail_on: str,
    values: Path | None,
    history: Path | None,
    today: datetime | None,
    root: Path | None,
    form: str,
) -> None:
    """Judge a North Star by nine criteria.

    Each one passes, fails or is unknown, with its reasons. An unknown says what would settle it: a
    field to declare, or a person who vouches for it in `north_star.attestations`. A criterion never
    passes only because nothing was found against it.

    \b
    Examples:
      metrictree score tree.yml
      metrictree score tree.yml --history months.csv --format markdown
    """  # noqa: D301 - click takes \b for text that is not wrapped
    from metrictree.lint.scorecard import Verdict
    from metrictree.render.scorecard import render_scorecard, scorecard_markdown
    from metrictree.tree import MetricTree

    tree = MetricTree.load(file, root=root)
    card = tree.scorecard(**read_facts(tree.resolved, values, history, today))
    if form == "json":
        click.echo(json.dumps(card.to_dict(), indent=2))
    elif form == "markdown":
        click.echo(scorecard_markdown(card), nl=False)
    else:
        click.echo(render_scorecard(card, style_of(sys.stdout)))
    failing = {"fail": [Verdict.FAIL], "unknown": [Verdict.FAIL, Verdict.UNKNOWN], "never": []}
    ctx.exit(any(card.count(verdict) for verdict in failing[fail_on]))
