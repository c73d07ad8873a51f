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

    from metrictree.diagnostics import Diagnostic
    from metrictree.render.style import Style

__all__ = [
    "Choice",
    "echo_findings",
    "format_option",
    "grain_option",
    "helped",
    "path",
    "root_option",
    "style_of",
    "targets_option",
    "tree_argument",
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


def style_of(stream: TextIO) -> Style:
    """Return what a stream can show; colours are for terminals, and NO_COLOR turns them off."""
    from metrictree.render.style import Style

    terminal = stream.isatty()
    color = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Style(
        color=color,
        encoding=stream.encoding or "utf-8",
        width=shutil.get_terminal_size().columns if terminal else None,
    )


@contextmanager
def helped(code: str, help_: str) -> Iterator[None]:
    """Give errors of a code a help in words of the command line, in place of those for Python."""
    from metrictree.errors import MetricTreeError

    try:
        yield
    except MetricTreeError as error:
        raise type(error)(
            replace(found, help=help_) if found.code == code else found
            for found in error.diagnostics
        ) from None


def echo_findings(diagnostics: Iterable[Diagnostic]) -> None:
    """Write diagnostics to standard error; how many they are, if they are several."""
    from metrictree.render.findings import render_diagnostics, summary

    diagnostics = tuple(diagnostics)
    click.echo(render_diagnostics(diagnostics, style_of(sys.stderr)), err=True)
    if len(diagnostics) > 1:
        click.echo("\n" + summary(diagnostics, 0), err=True)
