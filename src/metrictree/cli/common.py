"""What several verbs share: arguments, and how output is written."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from metrictree.diagnostics import Diagnostic
    from metrictree.render.style import Style
    from metrictree.resolved import ResolvedTree

__all__ = [
    "Choice",
    "codes",
    "day_option",
    "echo_findings",
    "format_option",
    "grain_option",
    "history_option",
    "path",
    "read_facts",
    "root_option",
    "style_of",
    "targets_option",
    "tree_argument",
    "values_option",
    "with_fix",
]

path = click.Path(path_type=Path)
tree_argument = click.argument("file", type=path)
targets_option = click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="METRIC",
    help="Only this metric; may be repeated.",
)
root_option = click.option(
    "--root",
    type=path,
    metavar="FOLDER",
    help="Includes and sources must lie in this folder.  [default: the folder of FILE]",
)


class Choice(click.Choice[str]):
    """One of some words; a wrong one is told with the nearest."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Return what is wrong, and what may have been meant."""
        from metrictree.names import Suggester, did_you_mean

        message = super().get_invalid_choice_message(value, ctx)
        question = did_you_mean(Suggester(self.choices).near(str(value)))
        return f"{message.rstrip('.')}: {question}" if question else message


grain_option = click.option(
    "--grain",
    # As in periods, which --help need not load; a test compares.
    type=Choice(("day", "week", "month", "quarter", "year", "all")),
    default="all",
    show_default=True,
    help="The length of a period.",
)


values_option = click.option(
    "--values",
    type=path,
    metavar="FILE",
    help="A YAML or JSON file of inputs, at which to see what moves the North Star.",
)
history_option = click.option(
    "--history",
    type=path,
    metavar="FILE",
    help="A CSV file of past values, as `run --format csv` writes it: what really moved it.",
)
day_option = click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The day by which dates are judged.  [default: today]",
)


def codes(given: Iterable[str]) -> list[str]:
    """Return the codes of an option that may be repeated and may hold lists with commas."""
    return [code.strip() for text in given for code in text.split(",")]


def read_facts(
    tree: ResolvedTree, values: Path | None, history: Path | None, today: datetime | None
) -> dict[str, Any]:
    """Return what the rules are given besides the tree, as arguments of `lint`."""
    from metrictree.loader import load_history, load_inputs

    leaves = [metric for metric, body in tree.metrics.items() if body.kind != "formula"]
    return {
        "today": today.date() if today is not None else None,
        "values": load_inputs(values).data if values is not None else None,
        "history": load_history(history, leaves) if history is not None else None,
    }


def format_option(*formats: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option that chooses how results are written; the first format is the default."""
    return click.option(
        "--format",
        "form",
        type=Choice(formats),
        default=formats[0],
        show_default=True,
        help="How results are written.",
    )


def style_of(stream: TextIO | None) -> Style:
    """Return what a stream can show; colours are for terminals, and NO_COLOR turns them off."""
    from metrictree.render.style import PLAIN, Style

    if stream is None:  # as Python has it where the shell closed it
        return PLAIN
    terminal = stream.isatty()
    color = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Style(
        color=color,
        encoding=stream.encoding or "utf-8",
        width=shutil.get_terminal_size().columns if terminal else None,
    )


@contextmanager
def with_fix(code: str, fix: str) -> Iterator[None]:
    """Give errors of a code a fix in words of the command line, in place of those for Python."""
    from metrictree.errors import MetricTreeError

    try:
        yield
    except MetricTreeError as error:
        raise type(error)(
            replace(found, fix=fix) if found.code == code else found for found in error.diagnostics
        ) from None


def echo_findings(diagnostics: Iterable[Diagnostic]) -> None:
    """Write diagnostics to standard error; how many they are, if they are several."""
    from metrictree.render.findings import render_diagnostics, summary

    diagnostics = tuple(diagnostics)
    click.echo(render_diagnostics(diagnostics, style_of(sys.stderr)), err=True)
    if len(diagnostics) > 1:
        click.echo("\n" + summary(diagnostics, 0), err=True)
