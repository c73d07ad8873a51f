"""What several verbs share: arguments, and how output is written."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from metrictree.diagnostics import Diagnostic
    from metrictree.render.style import Style

__all__ = ["echo_findings", "format_option", "path", "root_option", "style_of", "tree_argument"]

path = click.Path(path_type=Path)
tree_argument = click.argument("file", type=path)
root_option = click.option(
    "--root",
    type=path,
    metavar="FOLDER",
    help="Includes and sources must lie in this folder.  [default: the folder of FILE]",
)


def format_option(*formats: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option that chooses how results are written; the first format is the default."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(formats),
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


def echo_findings(diagnostics: Iterable[Diagnostic]) -> None:
    """Write diagnostics to standard error."""
    from metrictree.render.findings import render_diagnostics

    click.echo(render_diagnostics(diagnostics, style_of(sys.stderr)), err=True)
