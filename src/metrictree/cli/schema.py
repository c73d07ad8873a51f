"""The verb `schema`."""

from __future__ import annotations

import json

import click


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of tree documents.

    Editors that know it complete fields and mark mistakes while you type.

    \b
    Example:
      metrictree schema > metrictree.schema.json
    """  # noqa: D301 - click takes \b for text that is not wrapped
    from metrictree.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
