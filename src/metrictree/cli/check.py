"""The verb `check`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from metrictree.cli.common import (
    Choice,
    codes,
    day_option,
    format_option,
    history_option,
    path,
    read_facts,
    root_option,
    style_of,
    values_option,
)

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from metrictree.diagnostics import Diagnostic

_RANKS = ("error", "warning", "advice")


@click.command("check")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=path)
@click.option(
    "--select",
    multiple=True,
    metavar="CODES",
    help="Only these rules, such as NS101 or all of NS,UNI; may be repeated.",
)
@click.option("--ignore", multiple=True, metavar="CODES", help="Not these rules; may be repeated.")
@click.option(
    "--fail-on",
    type=Choice((*_RANKS, "never")),
    default="error",
    show_default=True,
    help="Exit with 1 from this severity on.",
)
@click.option("--statistics", is_flag=True, help="Only how many findings each code has.")
@values_option
@history_option
@day_option
@root_option
@format_option("text", "json", "sarif", "github", "markdown")
@click.pass_context
def command(  # noqa: PLR0917 - click passes them by name
    ctx: click.Context,
    files: tuple[Path, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fail_on: str,
    statistics: bool,  # noqa: FBT001 - a flag
    values: Path | None,
    history: Path | None,
    today: datetime | None,
    root: Path | None,
    form: str,
) -> None:
    """Find every mistake of a tree, and judge its North Star.

    Mistakes of a document and of its tests are always told; a file of tests, *.metrictest.yml, has
    no other. Where the document has none, the rules look at the tree:
    `metrictree rule` lists them, `metrictree rule NS101` explains one. With --values or --history
    they see what really moves the North Star. Sources are not opened.

    Exits with 1 if there is a finding at or above --fail-on.

    \b
    Examples:
      metrictree check tree.yml
      metrictree check teams/*.yml --select NS,UNI --fail-on warning
      metrictree check tree.yml --history months.csv
      metrictree check tree.yml --format sarif > metrictree.sarif
    """  # noqa: D301 - click takes \b for text that is not wrapped
    from metrictree.errors import DefinitionError
    from metrictree.lint import lint
    from metrictree.lint.runner import codes_of
    from metrictree.testing import load
    from metrictree.testing.discovery import is_test_file

    if statistics and form not in ("text", "json"):
        raise click.UsageError("--statistics are written as text or as --format json.")
    if len(files) > 1 and (values or history):
        raise click.UsageError("--values and --history belong to one tree: check one FILE.")
    selected, left_out = codes_of(codes(select) or None), codes_of(codes(ignore)) or ()
    found: list[Diagnostic] = []
    ignored: list[tuple[Diagnostic, str]] = []
    metrics = broken = 0
    for file in files:
        try:
            tree = load(file, root=root)
        except DefinitionError as error:
            found += error.diagnostics
            broken += 1
            continue
        if tree.spec.tests:
            from metrictree.testing.collect import collect

            found += collect(tree).problems
        metrics += len(tree.metrics)
        if is_test_file(file):
            continue  # its tree is judged where it is named itself
        facts = read_facts(tree, values, history, today)
        report = lint(tree, select=selected, ignore=left_out, **facts)
        found += report
        ignored += [(entry.finding, entry.reason) for entry in report.suppressed]
    if broken:
        metrics = 0  # nobody can tell how many there are
    if statistics:
        click.echo(_statistics(found, metrics, len(ignored), form))
    else:
        click.echo(_written(found, ignored, metrics, form))
    counted = _RANKS[: _RANKS.index(fail_on) + 1] if fail_on in _RANKS else ()
    ctx.exit(any(one.severity.value in counted for one in found))


def _written(
    found: list[Diagnostic], ignored: list[tuple[Diagnostic, str]], metrics: int, form: str
) -> str:
    from metrictree.render.findings import diagnostics_json, render_findings

    count = len(ignored)
    if form == "json":
        return diagnostics_json(found)
    if form == "github":
        from metrictree.render.github import findings_github

        return findings_github(found, metrics, ignored=count)
    if form == "text":
        return render_findings(found, metrics, style_of(sys.stdout), ignored=count)
    from metrictree.lint.manual import pages

    manual = pages()
    if form == "sarif":
        from metrictree.render.sarif import findings_sarif

        return findings_sarif(found, ignored, manual)
    from metrictree.render.markdown import findings_markdown

    titles = {code: page.title for code, page in manual.items()}
    return findings_markdown(found, metrics, titles, ignored=count).rstrip("\n")


def _statistics(found: list[Diagnostic], metrics: int, ignored: int, form: str) -> str:
    from collections import Counter

    from metrictree.lint.manual import pages
    from metrictree.render.findings import render_statistics, summary

    manual = pages()
    counts = dict(Counter(one.code for one in found).most_common())
    if form == "json":
        listed: list[dict[str, Any]] = [
            {"code": code, "count": count, "title": manual[code].title}
            for code, count in counts.items()
        ]
        return json.dumps(listed, indent=2)
    titles = {code: manual[code].title for code in counts}
    table = render_statistics(counts, titles, style_of(sys.stdout))
    return "\n\n".join([*([table] if table else []), summary(found, metrics, ignored=ignored)])
