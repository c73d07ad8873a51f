"""Plan -> the text of one SELECT statement, for a warehouse.

Nothing can be looked at when the text is made, so whatever could make a wrong number makes NULL:
input that is not finite, and functions over time where a period is missing or there twice.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.naming import find_columns
from metrictree.engines.sql.dialects import find_dialect, is_written
from metrictree.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metrictree.engines.base import FrameRequest
    from metrictree.engines.sql.dialects import Dialect
    from metrictree.plan import Plan
    from metrictree.resolved import ResolvedTree

__all__ = ["require_sql", "to_sql"]


def to_sql(
    tree: ResolvedTree, plan: Plan, *, dialect: object, table: object, request: FrameRequest
) -> str:
    """Return the statement that selects dimensions, the time and the plan's targets from a table.

    Raises:
        ComputeError: something that the targets need is not in the dialect.
        MissingExtraError: Ibis is not installed.
        UsageError: an argument has no meaning here.
    """
    require_sql()
    chosen = find_dialect(dialect)
    _refuse(tree, plan, chosen, request)
    from metrictree.engines.sql.statement import Statement, Table

    metrics = map(chosen.column, (*plan.leaves, *plan.formulas))
    named = Table.of(table, chosen, (*metrics, *_columns(request)))
    return Statement(tree, plan, chosen, named, request).text()


def _columns(request: FrameRequest) -> Iterable[str]:
    """Return the names of columns that a caller gave."""
    return (
        *request.by,
        *((request.time,) if request.time is not None else ()),
        *request.columns.values(),
    )


def require_sql() -> None:
    """Make sure that Ibis and sqlglot are there.

    Raises:
        MissingExtraError: one is not; the message holds the command that installs it.
    """
    # Ibis writes what DuckDB understands; sqlglot reads that and writes all dialects.
    if not all(find_spec(name) for name in ("duckdb", "ibis", "sqlglot")):
        message = "SQL is written with Ibis and sqlglot, which are not installed"
        raise MissingExtraError(
            [Diagnostic("VAL118", message, fix='pip install "metrictree[sql]"')]
        )


# --- what is asked for


def _refuse(tree: ResolvedTree, plan: Plan, dialect: Dialect, request: FrameRequest) -> None:
    """Raise an error for arguments without a meaning, all of them at once."""
    column: Any  # a caller may ignore the types
    for metric, column in request.columns.items():
        if not isinstance(column, str):
            advice = "give {metric id: column name}"
            message = f"the column of '{shown(metric)}' is {shown(repr(column))}, no name"
            raise UsageError([Diagnostic("VAL110", message, fix=advice)])
    unwritten = [
        Diagnostic(
            "VAL110",
            f"the column '{shown(name)}' has a name that no text of a statement can hold",
            fix="it has a NUL, or half of a character; give the column another name",
        )
        for name in dict.fromkeys(_columns(request))
        if not is_written(name)
    ]
    if unwritten:
        raise UsageError(unwritten)
    _refuse_computed(tree, plan, request)
    leaves = [metric for metric in plan.leaves if tree.metrics[metric].value is None]
    given = {request.columns.get(metric, metric) for metric in leaves}
    keys = {*request.by, *((request.time,) if request.time is not None else ())}
    _, found = find_columns(tree, plan, given | keys | {*request.columns.values()}, request)
    if plan.over_time and request.time is not None and request.grain is None:
        message = "functions over time need the length of a period, which no SQL text can find out"
        found.append(Diagnostic("VAL108", message, fix="say grain='month', or what it is"))
    if not found:
        found = [*_names_without_meaning(plan, dialect, request)]
    if found:
        raise UsageError(found)


def _refuse_computed(tree: ResolvedTree, plan: Plan, request: FrameRequest) -> None:
    """Raise an error for columns to read that have the name of a metric to compute."""
    named = [("by", name) for name in request.by]
    named += [("time", name) for name in (request.time,) if name is not None]
    named += [("columns", name) for name in request.columns.values()]
    found = [
        Diagnostic(
            "VAL102",
            f"`{argument}` names '{shown(name)}', a metric that is computed by its formula",
            tree.places.span(("metrics", name), key=True),
            metric=name,
            fix="name a column of the table, or choose targets that do not need the metric",
        )
        for argument, name in named
        if name in plan.formulas
    ]
    if found:
        raise UsageError(found)


def _names_without_meaning(
    plan: Plan, dialect: Dialect, request: FrameRequest
) -> Iterable[Diagnostic]:
    """Find names that the result would hold twice, and those that the dialect would cut."""
    seen: dict[str, str] = {}
    metrics = {metric: f"the metric '{shown(metric)}'" for metric in (*plan.leaves, *plan.formulas)}
    for name, what in (
        *((dialect.column(metric), what) for metric, what in metrics.items()),
        *((name, f"the dimension '{shown(name)}'") for name in request.by),
        *((name, f"the time '{shown(name)}'") for name in (request.time,) if name is not None),
    ):
        other = seen.setdefault(name.lower(), what)
        if other is not what:
            yield Diagnostic(
                "VAL110",
                f"{other} and {what} would be columns of one name in {dialect.name}",
                fix="give one of them another name",
            )
        if not name or (dialect.longest is not None and len(name.encode()) > dialect.longest):
            yield Diagnostic(
                "VAL110",
                f"{what} has a name that {dialect.name} would cut",
                fix=f"a name has 1 to {dialect.longest} bytes there",
            )
