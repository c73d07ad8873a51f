"""The verb `sql`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from metrictree.cli.common import Choice, root_option, targets_option, tree_argument, with_fix

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_PERIODS = (
    "name the column of periods with --time and their length with --grain, such as "
    "--time month --grain month, or choose targets that do not need it with --target"
)


@click.command("sql")
@tree_argument
@click.option(
    "--table",
    required=True,
    metavar="NAME",
    help="The table of inputs, as SQL writes its name, or a template for it.",
)
@click.option(
    "--dialect",
    # As in engines.dialects, which --help need not load; a test compares.
    type=Choice(
        (
            *("athena", "bigquery", "clickhouse", "databricks", "duckdb", "mssql", "mysql"),
            *("postgres", "redshift", "snowflake", "spark", "sqlite", "trino"),
        )
    ),
    default="duckdb",
    show_default=True,
    help="What the database speaks.",
)
@targets_option
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="METRIC=NAME",
    help="The column of an input that is not named by its id; may be repeated.",
)
@click.option(
    "--by", multiple=True, metavar="COLUMN", help="A dimension, or another column to keep."
)
@click.option("--time", metavar="COLUMN", help="The column of periods, of dates or of timestamps.")
@click.option(
    "--grain",
    type=Choice(("day", "week", "month", "quarter", "year")),
    help="The length of a period, for functions over time.",
)
@root_option
def command(  # noqa: PLR0917 - click passes them by name
    file: Path,
    table: str,
    dialect: str,
    targets: tuple[str, ...],
    columns: tuple[str, ...],
    by: tuple[str, ...],
    time: str | None,
    grain: str | None,
    root: Path | None,
) -> None:
    """Write a tree as one SELECT statement, for a warehouse.

    The table has a column of numbers for each input and measure, and a row for each period and
    group. The result has the columns of --by and --time, and one for each metric. The statement
    ends without a semicolon, so that a dbt model can hold it.

    \b
    Examples:
      metrictree sql tree.yml --table shop.weeks --dialect postgres
      metrictree sql tree.yml --table "{{ ref('weeks') }}" --dialect snowflake \\
        --by country --time week --grain week > models/metrics.sql
    """  # noqa: D301 - click takes \b for text that is not wrapped
    from metrictree.tree import MetricTree

    tree = MetricTree.load(file, root=root)
    with with_fix("VAL108", _PERIODS):
        text = tree.to_sql(
            targets or None,
            table=table,
            dialect=dialect,
            columns=_mapping(columns),
            time=time,
            by=by,
            grain=grain,
        )
    click.echo(text)


def _mapping(words: Iterable[str]) -> dict[str, str]:
    """Read ``METRIC=NAME`` options."""
    from metrictree.diagnostics import shown

    given: dict[str, str] = {}
    for word in words:
        metric, _, name = word.partition("=")
        if not metric or not name:
            raise click.UsageError(f"'{shown(word)}' names no column: write METRIC=NAME.")
        if metric in given:
            raise click.UsageError(f"The column of '{shown(metric)}' is given twice.")
        given[metric] = name
    return given
