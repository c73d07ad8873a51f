"""The verb `compute`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from metrictree.cli.common import format_option, path, root_option, style_of, tree_argument

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@click.command("compute")
@tree_argument
@click.argument("inputs", metavar="[METRIC=NUMBER]...", nargs=-1)
@click.option(
    "--inputs",
    "inputs_file",
    type=path,
    metavar="FILE",
    help="A YAML or JSON file of inputs; METRIC=NUMBER wins over it.",
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="METRIC",
    help="Only this metric; may be repeated.",
)
@click.option("--strict", is_flag=True, help="Let a missing value be an error.")
@root_option
@format_option("text", "json")
def command(  # noqa: PLR0917 - click passes them by name
    file: Path,
    inputs: tuple[str, ...],
    inputs_file: Path | None,
    targets: tuple[str, ...],
    strict: bool,  # noqa: FBT001 - a flag
    root: Path | None,
    form: str,
) -> None:
    """Compute a tree for single numbers.

    Give a number for every input and measure. METRIC= and METRIC=null stand for a missing one; what
    then has no value either is shown with the reason.

    \b
    Examples:
      metrictree compute tree.yml buyers=200 orders_per_buyer=1.5
      metrictree compute tree.yml --inputs week.json --target weekly_orders
    """  # noqa: D301 - click takes \b for text that is not wrapped
    from metrictree.loader import load_inputs
    from metrictree.render.tree import draw_values
    from metrictree.tree import MetricTree

    given = _numbers(inputs)
    tree = MetricTree.load(file, root=root)
    if inputs_file is not None:
        given = load_inputs(inputs_file) | given
    values = tree.compute(given, targets or None, strict=strict)
    if form == "json":
        missing = {metric: str(values.why(metric)) for metric in values.missing}
        click.echo(json.dumps({"values": values.to_dict(), "missing": missing}, indent=2))
    else:
        click.echo(draw_values(tree, values, values.why, style_of(sys.stdout)))


def _numbers(words: Iterable[str]) -> dict[str, float | None]:
    """Read ``METRIC=NUMBER`` arguments; a number is written as in a document."""
    from metrictree.diagnostics import shown
    from metrictree.documents import Surprise, read_scalar

    given: dict[str, float | None] = {}
    for word in words:
        metric, equals, text = (part.strip() for part in word.partition("="))
        if not metric or not equals:
            raise click.UsageError(f"'{shown(word)}' is no input: write METRIC=NUMBER.")
        if metric in given:
            raise click.UsageError(f"The input '{shown(metric)}' is given twice.")
        value = read_scalar(text)
        if isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
            why = f" ({value.meaning})" if isinstance(value, Surprise) else ""
            raise click.UsageError(
                f"'{shown(word)}': {shown(text)} is no number{why}; "
                "write plain digits such as 1200 or 0.05, or null for missing."
            )
        given[metric] = value
    return given
