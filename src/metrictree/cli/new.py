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
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@click.pass_context
def command(ctx: click.Context, file: Path, force: bool) -> None:  # noqa: FBT001 - a flag
    """Write a first tree to start from, with comments.

    FILE is tree.yml, unless you give another name; its folder is made if it is not there.

    \b
    Examples:
      metrictree new
      metrictree new teams/growth.yml
    """  # noqa: D301 - click takes \b for text that is not wrapped
    name = style_of(sys.stdout).show(file)
    if not force and os.path.lexists(file):
        click.echo(f"Error: {name} exists already; --force overwrites it.", err=True)
        ctx.exit(1)
    # Another program sees the old file or the whole new one, never a half.
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_bytes(STARTER.read_bytes())
        draft.replace(file)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from None  # not the draft's name
    finally:
        draft.unlink(missing_ok=True)
    click.echo(
        f"Wrote {name}. Next:\n"
        f"  metrictree check {name}\n"
        f"  metrictree show {name}\n"
        f"  metrictree compute {name} new_learners=1200 learners_last_week=8000"
        " weekly_retention=0.65 lessons_per_learner=4.5"
    )
