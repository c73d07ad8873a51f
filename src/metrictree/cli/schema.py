"""The verb `schema`."""

from __future__ import annotations

import json

import click


@click.command("schema")
@click.option("--tests", is_flag=True, help="The schema of files of tests, *.metrictest.yml.")
def command(tests: bool) -> None:  # noqa: FBT001 - a flag
    """Print the JSON Schema of tree documents.

    Editors that know it complete fields and mark mistakes while you type.

    \b
    Examples:
      metrictree schema > metrictree.schema.json
      metrictree schema --tests > metrictest.schema.json
    """  # noqa: D301 - click takes \b for text that is not wrapped
    from metrictree.schema import json_schema

    click.echo(json.dumps(json_schema("tests" if tests else "tree"), indent=2))
