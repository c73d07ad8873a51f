"""One source -> the values of its measures for each period and group, in one scan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.frames.rows import Kind
from metrictree.errors import SourceError
from metrictree.measures.prepare import Preparation
from metrictree.measures.scan import Scan
from metrictree.measures.sources import open_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metrictree.measures.request import Aggregated, Request
    from metrictree.resolved import ResolvedTree

__all__ = ["aggregate"]

_COMPUTED: Final = (None, "UTC", "Etc/UTC")
"""The time zones in which days are computed."""


def aggregate(
    tree: ResolvedTree, name: str, metrics: Sequence[str], request: Request
) -> Aggregated:
    """Return the measures of a source for each period and group of its rows.

    Raises:
        SourceError: every problem of the source and its measures.
    """
    problems = list(_check_settings(tree, name, request))
    try:
        table = open_table(tree, name)
    except SourceError as error:
        raise SourceError([*problems, *error.diagnostics]) from None
    prepared = Preparation(tree, name, table, request)
    prepared.prepare(metrics)
    if prepared.problems:
        empty = prepared.columns_without_values()
        columns = {
            column: found._replace(kind=Kind.NULL) if column in empty else found
            for column, found in table.columns.items()
        }
        table = replace(table, columns=columns)
        prepared = Preparation(tree, name, table, request, look=True)
        prepared.prepare(metrics)
    problems += prepared.problems
    if problems:
        raise SourceError(problems)
    return Scan(prepared).run()


def _check_settings(tree: ResolvedTree, name: str, request: Request) -> Iterator[Diagnostic]:
    """Refuse what the tree asks for and this version cannot do yet."""
    spec = tree.spec
    source = spec.sources[name]
    asked: list[tuple[tuple[str, ...], str]] = []
    if request.needs_time and source.timezone not in _COMPUTED:
        asked.append((("sources", name, "timezone"), f"timezone: {shown(source.timezone)}"))
    elif request.needs_time and source.timezone is None and spec.timezone not in _COMPUTED:
        asked.append((("timezone",), f"timezone: {shown(spec.timezone)}"))
    if request.grain == "week" and spec.week_start not in (None, "monday"):
        asked.append((("week_start",), f"week_start: {spec.week_start}"))
    if request.grain in ("quarter", "year") and spec.fiscal_year_start not in (None, 1):
        asked.append((("fiscal_year_start",), f"fiscal_year_start: {spec.fiscal_year_start}"))
    for path, setting in asked:
        yield Diagnostic(
            "SRC111",
            f"`{setting}` cannot be taken into account yet",
            tree.places.span(path),
            path=".".join(path),
            help="remove it, or choose a grain for which it does not matter",
        )
