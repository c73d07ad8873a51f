"""The verb `run`."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

import click

from metrictree.cli.common import (
    format_option,
    grain_option,
    helped,
    path,
    root_option,
    style_of,
    targets_option,
    tree_argument,
)

if TYPE_CHECKING:
    from pathlib import Path

_PERIODS = (
    "name the length of a period, such as --grain month, or choose targets that do not need it "
    "with --target"
)


@click.command("run")
@tree_argument
@grain_option
@click.option(
    "--by", multiple=True, metavar="DIMENSION", help="Group by a dimension; may be repeated."
)
@click.option("--since", metavar="DATE", help="The first day that counts, such as 1997-01-01.")
@click.option("--until", metavar="DATE", help="The last day that counts.")
@targets_option
@click.option(
    "--out", type=path, metavar="FILE.csv", help="Write CSV to this file, in place of a table."
)
@root_option
@format_option("text", "csv", "json")
def command(  # noqa: PLR0917 - click passes them by name
    file: Path,
    grain: str,
    by: tuple[str, ...],
    since: str | None,
    until: str | None,
    targets: tuple[str, ...],
    out: Path | None,
    root: Path | None,
    form: str,
) -> None:
    """Compute a tree from its sources, for each period and group.

    Measures are aggregated from raw rows at just that grain and those dimensions, then formulas are
    computed; functions over time look at the periods of the table and at none before them. The
    table is rounded for reading; CSV and JSON hold the values as they are. In CSV a text that
    begins with one of =+-@ is written with an apostrophe before it, so that no spreadsheet computes
    it.

    \b
    Examples:
      metrictree run tree.yml --grain month
      metrictree run tree.yml --grain week --by country --out weeks.csv
      metrictree run tree.yml --grain month --since 2026-01-01 --until 2026-06-30
    """  # noqa: D301 - click takes \b for text that is not wrapped
    from metrictree.tree import MetricTree

    if out is not None and (form == "json" or out.suffix.lower() != ".csv"):
        raise click.UsageError(
            "--out writes CSV, to a file whose name ends in .csv; "
            "send JSON to a file with `--format json > FILE`."
        )
    tree = MetricTree.load(file, root=root)
    with helped("VAL108", _PERIODS):
        result = tree.run(targets or None, grain=grain, by=by, since=since, until=until)
    if out is not None:
        from metrictree.render.findings import counted

        result.write_csv(out)
        click.echo(
            f"wrote {counted(len(result), 'row')} to {style_of(sys.stderr).show(out)}", err=True
        )
    elif form == "csv":
        text = io.StringIO()
        result.write_csv(text)
        click.echo(text.getvalue().encode(), nl=False)  # UTF-8 and line ends as in a file
    elif form == "json":
        click.echo(json.dumps(result.to_dicts(), indent=2, default=str))
    else:
        from metrictree.render.table import render_run

        click.echo(render_run(tree, result, style_of(sys.stdout)))
        for period, first, last in result.partial:
            days = "" if first is None else f" from {first}"
            days += "" if last is None else f" to {last}"
            click.echo(f"note: the {grain} {period} holds only the days{days}")
