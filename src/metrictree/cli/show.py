"""The verb `show`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from metrictree.cli.common import root_option, style_of, tree_argument

if TYPE_CHECKING:
    from pathlib import Path


@click.command("show")
@tree_argument
@click.option(
    "--depth", type=click.IntRange(min=0), metavar="N", help="Leave out what is more levels below."
)
@root_option
def command(file: Path, depth: int | None, root: Path | None) -> None:
    """Draw a tree, from the North Star down.

    A solid branch is a part of the formula above, a dashed one an influence. A metric that is used
    in several places is drawn in full the first time. In a terminal too narrow for all columns
    labels are left out first; a definition goes on in the next line and is never cut.

    \b
    Examples:
      metrictree show tree.yml
      metrictree show tree.yml --depth 2
    """  # noqa: D301 - click takes \b for text that is not wrapped
    from metrictree.render.tree import draw_tree
    from metrictree.tree import MetricTree

    click.echo(draw_tree(MetricTree.load(file, root=root), style_of(sys.stdout), depth=depth))
