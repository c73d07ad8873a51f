"""The verb `mutate`."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import click

from metrictree.cli.common import format_option, path, root_option, style_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from metrictree.testing.mutation import MutationReport


@click.command("mutate")
@click.argument("paths", metavar="[FILE or FOLDER]...", nargs=-1, required=True, type=path)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="METRIC",
    help="Change only this definition; may be repeated.",
)
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    default=0,
    metavar="PERCENT",
    help="Exit with 1 if the score is below this.",
)
@root_option
@format_option("text", "json", "github")
@click.pass_context
def command(  # noqa: PLR0917 - click passes them by name
    ctx: click.Context,
    paths: tuple[Path, ...],
    metrics: tuple[str, ...],
    fail_under: float,
    root: Path | None,
    form: str,
) -> None:
    """Find out whether the tests would notice a mistake.

    Each formula and each measure is changed in small ways: an operator, a term, a constant, a
    condition, a reference. Then the tests that compute it are run. A change that all of them pass
    is shown with a test that would notice it, ready to paste. Changes that mean the same as the
    original are recognised and do not count.

    FILE is a tree; tests in files beside it count as well as its own. Or it is such a file,
    *.metrictest.yml, whose tests count alone. Of a FOLDER, all trees in it are meant. The score is
    the share of changes that the tests notice. Exits with 1 if it is below --fail-under, or if a
    test fails to begin with.

    \b
    Examples:
      metrictree mutate tree.yml
      metrictree mutate tree.yml --metric conversion_rate
      metrictree mutate trees --fail-under 80 --format github
    """  # noqa: D301 - click takes \b for text that is not wrapped
    from metrictree.cli.progress import progress_bar
    from metrictree.testing.loading import load_whole
    from metrictree.testing.mutation import mutate

    if math.isnan(fail_under):
        raise click.BadParameter("nan is no percentage.", param_hint="'--fail-under'")
    files = _found(paths)
    if len(files) > 1 and metrics:
        raise click.UsageError("--metric belongs to one tree: give one FILE.")
    if len(files) > 1 and form == "json":
        raise click.UsageError("--format json tells of one tree: give one FILE.")
    below = False
    for number, file in enumerate(files):
        tree = load_whole(file, root=root)
        with progress_bar("mutating") as progress:
            report = mutate(tree, metrics=metrics or None, progress=progress)
        text = _written(report, form)
        if len(files) > 1 and form == "text":  # each with its own score
            style = style_of(sys.stdout)
            click.echo(("\n" if number else "") + style.paint(f"--- {style.show(file)}", "bold"))
        click.echo(text)
        if report.score is not None and report.score * 100 < fail_under:
            below = True
            click.echo(f"Error: the score is below {fail_under:g} %.", err=True)
    ctx.exit(below)


def _found(paths: Sequence[Path]) -> list[Path]:
    """Return the files that are named, and the trees in folders, in the order given."""
    from metrictree.testing.discovery import find_files, is_test_file, may_hold_tree

    files: list[Path] = []
    for each in paths:
        if not each.is_dir():
            files.append(each)
            continue
        trees = [one for one in find_files(each) if may_hold_tree(one) and not is_test_file(one)]
        if not trees:
            raise click.UsageError(f"There is no tree in {each}: write one with `metrictree new`.")
        files += trees
    return list(dict.fromkeys(files))


def _written(report: MutationReport, form: str) -> str:
    from metrictree.render.mutation import mutation_github, mutation_json, render_mutation

    if form == "json":
        return mutation_json(report)
    if form == "github":
        return mutation_github(report)
    return render_mutation(report, style_of(sys.stdout))
