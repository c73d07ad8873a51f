"""The verb `run`."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from metrictree.cli.common import (
    Choice,
    grain_option,
    path,
    root_option,
    style_of,
    targets_option,
    tree_argument,
    with_fix,
)

if TYPE_CHECKING:
    from pathlib import Path

    from metrictree.measures import RunResult

_PERIODS: Final = (
    "name the length of a period, such as --grain month, or choose targets that do not need it "
    "with --target"
)
_SHOWN: Final = ("text", "json")
"""The formats that are for standard output only."""


@click.command("run")
@tree_argument
@targets_option
@grain_option
@click.option(
    "--by", multiple=True, metavar="DIMENSION", help="Group by a dimension; may be repeated."
)
@click.option("--since", metavar="DATE", help="The first day that counts, such as 1997-01-01.")
@click.option("--until", metavar="DATE", help="The last day that counts.")
@click.option(
    "--where",
    metavar="CONDITION",
    help="Count only rows of the sources for which this holds, such as \"country == 'DE'\".",
)
@click.option(
    "--totals", is_flag=True, help="Add rows for all values of each dimension, from the raw rows."
)
@click.option(
    "--as-of",
    metavar="DATE",
    help="The last day for which the data is complete.  [default: as the data tells]",
)
@click.option(
    "--compare",
    metavar="PERIOD",
    help="Compare each period with the `previous` one, with the same one `year_ago`, or with one "
    "such as 1997-04.",
)
@click.option(
    "--whole-periods",
    is_flag=True,
    help="Compare a period that is not complete with a whole one, not with as many days of it.",
)
@click.option(
    "--engine",
    # As in measures, which --help need not load; a test compares.
    type=Choice(("duckdb", "polars", "pandas", "spark", "ibis")),
    default="duckdb",
    show_default=True,
    help="What reads and aggregates the sources.",
)
@click.option(
    "--connection",
    metavar="TEXT",
    help="Where tables and the engine are: shop.duckdb, postgres://..., local[4] or "
    "spark://host:7077; ${NAME} stands for an environment variable.",
)
@click.option(
    "--reuse",
    type=path,
    metavar="FOLDER",
    help="Keep what was aggregated here, and read it again where that gives the same values.",
)
@click.option(
    "--out",
    type=path,
    metavar="FILE",
    help="Write to a file whose name ends in .csv, .parquet, .jsonl or .md.",
)
@click.option(
    "--format",
    "form",
    # As in measures, too.
    type=Choice(("text", "csv", "json", "jsonl", "markdown", "parquet")),
    help="How results are written.  [default: text, or as FILE ends]",
)
@click.option("--explain-plan", is_flag=True, help="Show what would be read, and run nothing.")
@root_option
def command(  # noqa: PLR0917 - click passes them by name
    file: Path,
    targets: tuple[str, ...],
    grain: str,
    by: tuple[str, ...],
    since: str | None,
    until: str | None,
    where: str | None,
    totals: bool,  # noqa: FBT001 - a flag
    as_of: str | None,
    compare: str | None,
    whole_periods: bool,  # noqa: FBT001 - a flag
    engine: str,
    connection: str | None,
    reuse: Path | None,
    out: Path | None,
    form: str | None,
    explain_plan: bool,  # noqa: FBT001 - a flag
    root: Path | None,
) -> None:
    """Compute a tree from its sources, for each period and group.

    Measures are aggregated from raw rows at just that grain and those dimensions, then formulas are
    computed; functions over time look at periods before --since, too. The notes below a table say
    which periods are not complete, and what is compared with what.

    Text and Markdown are rounded for reading; CSV, JSON and Parquet hold the values as they are. In
    CSV a text that begins with one of =+-@ is written with an apostrophe before it, so that no
    spreadsheet computes it. A file is written in whole or not at all.

    \b
    Examples:
      metrictree run tree.yml --grain month
      metrictree run tree.yml --grain week --by country --totals --out weeks.parquet
      metrictree run tree.yml --grain month --since 2026-01-01 --compare previous
      metrictree run tree.yml --where "country in ('DE', 'FR')" --format markdown
      metrictree run tree.yml --grain day --engine spark --connection "local[4]" --out days.csv
    """  # noqa: D301 - click takes \b for text that is not wrapped
    from metrictree.cli.progress import progress_bar
    from metrictree.tree import MetricTree

    if whole_periods and compare is None:
        raise click.UsageError("--whole-periods says how to compare: name what with --compare.")
    written = _written(out, form, explain=explain_plan)
    tree = MetricTree.load(file, root=root)
    arguments: dict[str, Any] = {
        "grain": grain, "by": by, "since": since, "until": until, "where": where,
        "totals": totals, "as_of": as_of, "compare": compare,
        "like_for_like": not whole_periods, "engine": engine, "connection": connection,
        "reuse": reuse,
    }  # fmt: skip
    with with_fix("VAL108", _PERIODS):
        if explain_plan:
            plan = tree.run_plan(targets or None, **arguments)
            text = json.dumps(plan.to_dict(), indent=2) if written == "json" else str(plan)
            click.echo(text)
            return
        with progress_bar() as progress:
            result = tree.run(targets or None, **arguments, progress=progress)
    if out is None:
        _print(result, written)
        return
    from metrictree.render.findings import counted

    result.write(out, written)
    click.echo(f"wrote {counted(len(result), 'row')} to {style_of(sys.stderr).show(out)}", err=True)


def _written(out: Path | None, form: str | None, *, explain: bool) -> str:
    """Return how results are written; refuse, before anything is read, what cannot be done."""
    if explain:
        if out is not None or form not in (None, *_SHOWN):
            raise click.UsageError("--explain-plan writes text or --format json, and no file.")
        return form or "text"
    if out is None:
        if form == "parquet":
            raise click.UsageError("Parquet is written to a file: name it with --out.")
        return form or "text"
    from metrictree.measures.writing import FORMATS

    if form in _SHOWN:
        raise click.UsageError(
            f"--out writes {', '.join(FORMATS.values())}; "
            f"send {form} to a file with `--format {form} > FILE`."
        )
    if form is None and out.suffix.lower() not in FORMATS:
        raise click.UsageError(
            f"--out takes a file whose name ends in {', '.join(FORMATS)}; "
            "for another name, say the --format."
        )
    if not out.absolute().parent.is_dir():
        folder = style_of(sys.stderr).show(out.parent)
        raise click.UsageError(f"--out: the folder {folder} is not there.")
    return form or FORMATS[out.suffix.lower()]


def _print(result: RunResult, form: str) -> None:
    if form == "text":
        from metrictree.render.table import render_run

        click.echo(render_run(result, style_of(sys.stdout)))
    elif form == "json":
        click.echo(json.dumps(result.to_dicts(), indent=2, default=str))
    else:
        text = io.StringIO()
        result.write(text, form)
        click.echo(text.getvalue().encode(), nl=False)  # UTF-8 and line ends as in a file
