"""The verb `new`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from metrictree.cli.common import path, style_of

STARTER = Path(__file__).with_name("starter.yml")


@click.command("new")
@click.argument("file", type=path, default="tree.yml", required=False)
@click.option(
    "--from",
    "data",
    type=path,
    metavar="DATA",
    help="Draft the tree from the columns of a CSV, Parquet or JSON lines file.",
)
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@click.pass_context
def command(ctx: click.Context, file: Path, data: Path | None, force: bool) -> None:  # noqa: FBT001 - a flag
    """Write a first tree to start from, with comments.

    FILE is tree.yml, unless you give another name; its folder is made if it is not there. With
    --from, the tree counts and adds up the rows of a file of yours, which has to lie in the folder
    of FILE or below: its names, and its first 1,000 rows, say what to count. Without, it is an
    example to be computed with numbers that you give.

    \b
    Examples:
      metrictree new
      metrictree new --from orders.csv
      metrictree new teams/growth.yml --from teams/data/signups.parquet
    """  # noqa: D301 - click takes \b for text that is not wrapped
    name = style_of(sys.stdout).show(file)
    _check(file, data)
    if not force and os.path.lexists(file):
        click.echo(f"Error: {name} exists already; --force overwrites it.", err=True)
        ctx.exit(1)
    text = STARTER.read_bytes() if data is None else _draft(ctx, file, data)
    # Another program sees the old file or the whole new one, never a half.
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        part.write_bytes(text)
        part.replace(file)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from None  # not the part's name
    finally:
        part.unlink(missing_ok=True)
    if data is None:
        last = (
            f"compute {name} new_learners=1200 learners_last_week=8000"
            " weekly_retention=0.65 lessons_per_learner=4.5"
        )
    else:
        timed = b"\n    time: " in text
        last = f"run {name} --grain month" if timed else f"run {name}"
    click.echo(
        f"Wrote {name}. Next:\n"
        f"  metrictree check {name}\n"
        f"  metrictree show {name}\n"
        f"  metrictree {last}"
    )


def _check(file: Path, data: Path | None) -> None:
    """Refuse to write over what may be no tree."""
    from metrictree.measures.sources.files import KINDS

    show = style_of(sys.stderr).show
    if data is not None and data.exists() and file.exists() and file.samefile(data):
        raise click.UsageError(f"FILE and --from are the same file: {show(file)}.")
    if file.suffix not in (".yml", ".yaml"):
        message = f"FILE has to end in .yml or .yaml, and {show(file)} does not"
        if data is None and file.name.endswith(tuple(KINDS)):
            raise click.UsageError(f"{message}: did you mean --from {show(file)}?")
        raise click.UsageError(f"{message}.")


def _draft(ctx: click.Context, file: Path, data: Path) -> bytes:
    """Return the tree of a file of data, which lies in the folder of the tree."""
    from metrictree.measures.draft import draft, look

    try:
        target = Path(os.path.abspath(data)).relative_to(Path(os.path.abspath(file.parent)))  # noqa: PTH100 - links stay
    except ValueError:
        show = style_of(sys.stderr).show
        beside = data.parent / file.name
        click.echo(
            f"Error: {show(data)} lies outside of the folder of {show(file)}, and a tree reads "
            f"only below its own. Write the tree beside it:\n"
            f"  metrictree new {show(beside)} --from {show(data)}",
            err=True,
        )
        ctx.exit(1)
    columns = look(target.as_posix(), file.parent)
    return draft(data.name.partition(".")[0], target.as_posix(), columns).encode()
