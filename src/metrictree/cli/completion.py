"""The verb `completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from metrictree.cli.common import Choice


@click.command("completion")
@click.argument("shell", type=Choice(("bash", "zsh", "fish")))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script by which a shell completes this command.

    \b
    Examples:
      metrictree completion bash >> ~/.bashrc
      metrictree completion zsh >> ~/.zshrc
      metrictree completion fish > ~/.config/fish/completions/metrictree.fish
    """  # noqa: D301 - click takes \b for text that is not wrapped
    kind = get_completion_class(shell)
    assert kind is not None  # the choices are shells that click knows
    program = ctx.find_root().command
    click.echo(kind(program, {}, "metrictree", "_METRICTREE_COMPLETE").source())
