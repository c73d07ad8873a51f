"""The verbs, loaded on use, and what is said when one of them fails."""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from metrictree._version import __version__
from metrictree.diagnostics import shown
from metrictree.errors import MetricTreeError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["program"]

VERBS = (
    "new",
    "check",
    "test",
    "mutate",
    "score",
    "rule",
    "show",
    "compute",
    "run",
    "sql",
    "schema",
    "demo",
    "completion",
)


class Program(click.Group):
    """A group of verbs, each one a module of this package that is imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        """Return the verbs, in the order of a first use."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a verb."""
        if cmd_name not in VERBS:
            from metrictree.names import Suggester, did_you_mean

            question = did_you_mean(Suggester(VERBS).near(cmd_name))
            if question and not ctx.resilient_parsing:
                ctx.fail(f"No such command '{shown(cmd_name)}': {question}")
            return None
        command = import_module(f"metrictree.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; tell on standard error what goes wrong, without a traceback."""
        try:
            return super().invoke(ctx)
        except MetricTreeError as error:
            from metrictree.cli.common import echo_findings

            echo_findings(error.diagnostics)
            ctx.exit(2 if isinstance(error, (UsageError, MissingExtraError)) else 1)
        except KeyboardInterrupt:
            ctx.exit(130)
        except OSError as error:
            _stop(error)


def _stop(error: OSError) -> NoReturn:
    """Exit after a file or the output failed; quietly if only nobody reads the output any more."""
    if error.errno != errno.EPIPE:
        name = f"{click.format_filename(error.filename)}: " if error.filename else ""
        click.echo(f"Error: {name}{error.strerror or error}", err=True)
    if error.filename is None:  # the output: what waits in its buffer would fail again at the exit
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the exit
    sys.exit(1)


@click.command(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `metrictree demo`, or with `metrictree new`. COMMAND --help has examples.",
)
@click.version_option(__version__, prog_name="metrictree")
def program() -> None:
    """Metric trees as code: declare a North Star and its inputs once, then check and compute."""
