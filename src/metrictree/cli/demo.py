"""The verb `demo`."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import click

from metrictree.cli.common import style_of

HERE = Path(__file__).parents[1]
FOLDERS = (HERE / "_demo" / "cdnow", HERE.parents[1] / "examples" / "cdnow")
"""Where the data is: in an installed package, and in a checkout."""
DAY = date(2000, 1, 1)
"""The day by which dates are judged, so that the demo says the same on every day."""


@click.command("demo")
def command() -> None:
    """Compute and check a real tree: the orders of a music shop.

    The orders come with the package; nothing is downloaded and nothing is written.
    """
    from metrictree.render.findings import render_findings
    from metrictree.render.scorecard import render_scorecard
    from metrictree.render.table import render_run
    from metrictree.render.tree import draw_values
    from metrictree.tree import MetricTree

    folder = next((folder for folder in FOLDERS if folder.is_dir()), FOLDERS[0])
    style = style_of(sys.stdout)
    tree = MetricTree.load(folder / "tree.yml")

    click.echo("The metric tree of a music shop, on 69,659 real orders (CDNOW, 1997 to 1998).")
    click.echo(f"Its files: {style.show(folder)}")

    click.echo(f"\n{style.paint(f'$ metrictree check tree.yml --today {DAY}', 'bold')}\n")
    report = tree.lint(today=DAY)
    ignored = len(report.suppressed)
    click.echo(render_findings(report, report.metrics, style, ignored=ignored))

    click.echo(f"\n{style.paint(f'$ metrictree score tree.yml --today {DAY}', 'bold')}\n")
    click.echo(render_scorecard(tree.scorecard(today=DAY), style))

    click.echo(f"\n{style.paint('The tree in March 1997', 'bold')}\n")
    march = tree.run(grain="month", since="1997-03-01", until="1997-03-31")
    row = dict(zip(march.columns, march.rows[0], strict=True))
    values = {metric: row[metric] for metric in tree.metrics}
    click.echo(draw_values(tree, values, lambda metric: march.why(0, metric), style))

    click.echo(f"\n{style.paint('$ metrictree run tree.yml --grain month', 'bold')}\n")
    click.echo(render_run(tree.run(grain="month"), style))

    click.echo("\nYour own tree: `metrictree new` writes a first one.")
