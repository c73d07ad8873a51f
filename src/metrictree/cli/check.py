"""The verb `check`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from metrictree.cli.common import format_option, path, root_option, style_of

if TYPE_CHECKING:
    from pathlib import Path

    from metrictree.diagnostics import Diagnostic


@click.command("check")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=path)
@root_option
@format_option("text", "json")
@click.pass_context
def command(ctx: click.Context, files: tuple[Path, ...], root: Path | None, form: str) -> None:
    """Find every problem of a tree, with its place.

    Files that FILE includes are checked with it; sources are not opened, `run` reads them. Exits
    with 1 if there are errors; warnings alone do not count.

    \b
    Examples:
      metrictree check tree.yml
      metrictree check teams/*.yml --format json
    """  # noqa: D301 - click takes \b for text that is not wrapped
    from metrictree.diagnostics import Severity
    from metrictree.errors import DefinitionError
    from metrictree.render.findings import diagnostics_json, render_diagnostic, summary
    from metrictree.tree import MetricTree

    found: list[Diagnostic] = []
    metrics = 0
    for file in files:
        try:
            tree = MetricTree.load(file, root=root)
        except DefinitionError as error:
            found += error.diagnostics
        else:
            found += tree.warnings
            metrics += len(tree.metrics)
    if form == "json":
        click.echo(diagnostics_json(found))
    else:
        style = style_of(sys.stdout)
        for one in found:
            click.echo(render_diagnostic(one, style) + "\n")
        click.echo(summary(found, metrics))
    ctx.exit(any(one.severity is Severity.ERROR for one in found))
