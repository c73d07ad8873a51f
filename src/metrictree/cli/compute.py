"""The verb `compute`."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from metrictree.cli.common import (
    echo_findings,
    format_option,
    path,
    root_option,
    style_of,
    targets_option,
    tree_argument,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from metrictree.diagnostics import Diagnostic
    from metrictree.documents import Document

_NO_PERIODS = (
    "`metrictree run` computes periods from sources, with --grain month; or choose targets that "
    "do not need it with --target"
)


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
@targets_option
@click.option("--strict", is_flag=True, help="Let a missing value be an error.")
@root_option
@format_option("text", "json")
@click.pass_context
def command(  # noqa: PLR0917 - click passes them by name
    ctx: click.Context,
    file: Path,
    inputs: tuple[str, ...],
    inputs_file: Path | None,
    targets: tuple[str, ...],
    strict: bool,  # noqa: FBT001 - a flag
    root: Path | None,
    form: str,
) -> None:
    """Compute a tree for single numbers.

    Give METRIC=NUMBER for every input and measure, or METRIC= for a missing one (METRIC=null means
    the same); what then has no value either is shown with the reason.

    \b
    Examples:
      metrictree compute tree.yml buyers=200 orders_per_buyer=1.5
      metrictree compute tree.yml --inputs week.json --target weekly_orders
    """  # noqa: D301 - click takes \b for text that is not wrapped
    from metrictree.errors import ComputeError
    from metrictree.loader import load_inputs
    from metrictree.render.tree import draw_values
    from metrictree.tree import MetricTree

    given = _numbers(inputs)
    tree = MetricTree.load(file, root=root)
    document = load_inputs(inputs_file) if inputs_file is not None else None
    try:
        values = tree.compute(
            (document.data if document is not None else {}) | given, targets or None, strict=strict
        )
    except ComputeError as error:
        found = [
            _in_shell(one if one.metric in given else _placed(one, document))
            for one in error.diagnostics
        ]
        echo_findings(found)
        wrong = {one.metric for one in found}
        absent = [str(one.metric) for one in found if one.code == "VAL103"]
        if absent:
            good = [f"{metric}={word}" for metric, word in _split(inputs) if metric not in wrong]
            line = _command(ctx, [*good, *(f"{metric}=NUMBER" for metric in absent)])
            click.echo(
                "\nGive each input a number, or null for a missing one:\n"
                f"  {style_of(sys.stderr).show(line)}",
                err=True,
            )
        ctx.exit(1)
    if form == "json":
        missing = {metric: str(values.why(metric)) for metric in values.missing}
        click.echo(json.dumps({"values": values.to_dict(), "missing": missing}, indent=2))
    else:
        click.echo(draw_values(tree, values, values.why, style_of(sys.stdout)))


def _placed(found: Diagnostic, document: Document | None) -> Diagnostic:
    """Return a finding with its place in the file of inputs, if it has none in the tree."""
    metric = found.metric
    if document is None or found.span is not None or metric is None or metric not in document.data:
        return found
    return replace(found, span=document.span((metric,), key=True))


def _in_shell(found: Diagnostic) -> Diagnostic:
    """Return a finding whose fix is in words of the command line."""
    if found.code == "VAL108":
        return replace(found, fix=_NO_PERIODS)
    return replace(found, fix=found.fix and found.fix.replace("None for", "null for"))


def _command(ctx: click.Context, inputs: list[str]) -> str:
    """Return the command that was given, with other inputs."""
    words = [ctx.command_path, str(ctx.params["file"]), *inputs]
    for option in ctx.command.params:
        given = ctx.params.get(option.name or "")
        if isinstance(option, click.Option) and given and given != option.default:
            values = given if option.multiple else [given]
            for value in values:
                words += option.opts[:1] if option.is_flag else [option.opts[0], str(value)]
    return " ".join([*words[:1], shlex.join(words[1:])])


def _split(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the metric and the number of ``METRIC=NUMBER`` arguments."""
    for word in words:
        metric, _, text = word.partition("=")
        yield metric.strip(), text.strip()


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
