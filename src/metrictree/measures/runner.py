"""A run: measures are aggregated, then formulas computed, for each period and group."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.compute import absent_value, needs_time
from metrictree.errors import ComputeError, SourceError, UsageError
from metrictree.formula.meaning import Rule
from metrictree.measures.aggregate import aggregate
from metrictree.measures.request import Aggregated, Request, empty_result, too_many_rows
from metrictree.measures.result import Origins, Partial, RunResult
from metrictree.measures.sources import require_duckdb, source_paths
from metrictree.names import Suggester, did_you_mean
from metrictree.periods import GRAINS, period_of, periods_between
from metrictree.plan import make_plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from metrictree.engines.arrays.program import Read
    from metrictree.plan import Plan
    from metrictree.resolved import ResolvedTree

__all__ = ["run"]


def run(
    tree: ResolvedTree,
    targets: Iterable[str] | None = None,
    *,
    grain: str = "all",
    by: Iterable[str] = (),
    since: date | str | None = None,
    until: date | str | None = None,
) -> RunResult:
    """Return the values of ``targets`` (every metric), a row for each period and group.

    The periods are those from the first to the last row of the sources used, or from ``since`` to
    ``until``, and the groups are those of their rows, each with every period: without rows, counts
    and sums are 0 and the rest is missing. The first and the last period hold the days inside of
    ``since`` and ``until`` only. A row without a time has no place in a period: it is an error if
    a measure counts it.

    Functions over time look at the periods of the result and at none before it, so they are
    missing in the first ones: let the span begin earlier to have them.

    Raises:
        UsageError: an argument has no meaning here.
        ComputeError: a target needs an input, or, at the grain `all`, periods.
        MissingExtraError: DuckDB is not installed.
        SourceError: every problem of the sources and their measures.
    """
    request = _request(grain, by, since, until)
    plan = make_plan(tree, targets)
    _check_columns(plan, request)
    _check_leaves(tree, plan, request.grain)
    measured: dict[str, list[str]] = {}
    for metric in plan.leaves:
        if metric in tree.measures:
            measured.setdefault(tree.measures[metric].source, []).append(metric)
    if measured:
        require_duckdb()
    elif request.by or request.needs_time:
        raise _usage("no target is measured from a source", "leave grain, by, since and until out")
    found: dict[str, Aggregated] = {}
    problems: list[Diagnostic] = []
    for source, metrics in measured.items():
        try:
            found[source] = aggregate(tree, source, metrics, request)
        except SourceError as error:
            problems += error.diagnostics
    if problems:
        raise SourceError(problems)
    return _compute(tree, plan, request, found)


# --- arguments


def _usage(message: str, help: str) -> UsageError:  # noqa: A002
    return UsageError([Diagnostic("VAL110", message, help=help)])


def _request(
    grain: str, by: Iterable[str], since: date | str | None, until: date | str | None
) -> Request:
    if grain not in GRAINS:
        near = did_you_mean(Suggester(GRAINS).near(str(grain)))
        raise _usage(f"'{shown(grain)}' is no grain", near or f"the grains are {', '.join(GRAINS)}")
    given: Any = by  # a caller may ignore the types
    if not isinstance(given, Iterable):
        raise _usage(f"by is {shown(repr(given))}, no names of dimensions", "give a list of texts")
    names = tuple([by] if isinstance(by, str) else by)
    for name in names:
        if not isinstance(name, str):
            raise _usage(f"{shown(repr(name))} is no name of a dimension", "give texts")
    names = tuple(dict.fromkeys(names))
    first, last = _day("since", since), _day("until", until)
    if first is not None and last is not None and first > last:
        raise _usage(f"since {first} is after until {last}", "exchange them")
    return Request(grain, names, first, last)


def _day(name: str, given: date | str | None) -> date | None:
    if given is None or (isinstance(given, date) and not isinstance(given, datetime)):
        return given
    if isinstance(given, str) and len(given) == 10:
        try:
            return date.fromisoformat(given)
        except ValueError:
            pass
    raise _usage(f"{name} is {shown(repr(given))}, which is no day", "give one such as 2026-01-31")


def _check_columns(plan: Plan, request: Request) -> None:
    """Refuse a result in which two columns would have one name."""
    names = [*request.by, *plan.targets]
    if request.grain != "all":
        names.insert(0, request.grain)
    for position, name in enumerate(names):
        if name in names[:position]:
            raise _usage(
                f"two columns of the result would be named '{shown(name)}'",
                "a dimension, a metric and the grain need different names; choose targets",
            )


def _check_leaves(tree: ResolvedTree, plan: Plan, grain: str) -> None:
    """Refuse targets that need more than sources and constants, or periods where there is one."""
    absent = [metric for metric in plan.leaves if tree.metrics[metric].kind == "input"]
    advice = "give it a `measure` or a `value`, or choose targets that do not need it"
    problems = [absent_value(tree, metric, advice) for metric in absent]
    if grain == "all":
        over_time = [metric for metric in plan.formulas if metric in tree.overtime]
        problems += [needs_time(tree, metric) for metric in over_time]
    if problems:
        raise ComputeError(problems)


# --- periods and groups


def _compute(
    tree: ResolvedTree, plan: Plan, request: Request, found: Mapping[str, Aggregated]
) -> RunResult:
    periods, groups = _periods_and_groups(tree, request, found)
    keys = [(period, *group) for period in periods for group in groups]
    measures = [metric for metric in plan.leaves if metric in tree.measures]
    leaves: dict[str, list[float | None]] = {
        metric: [_constant(tree, metric)] * len(keys)
        for metric in plan.leaves
        if metric not in tree.measures
    }
    rules: dict[tuple[int, str], Rule] = {}
    for metric in measures:
        measure = tree.measures[metric]
        column = leaves[metric] = []
        values, empty = found[measure.source].values, empty_result(measure)
        for row, key in enumerate(keys):
            value = values[key][metric] if key in values else empty
            if isinstance(value, Rule):
                rules[row, metric] = value
            column.append(None if isinstance(value, Rule) else value)
    columns = _values(plan, leaves, len(periods), len(groups))
    places = [key[1:] for key in keys] if request.grain == "all" else keys
    rows = tuple((*place, *(column[row] for column in columns)) for row, place in enumerate(places))
    origins = Origins(
        {metric: tree.formulas[metric] for metric in plan.formulas},
        {metric: str(tree.measures[metric].aggregate) for metric in measures},
        leaves,
        rules,
        len(periods),
        len(groups),
        plan.over_time,
    )
    protected = dict.fromkeys(source_paths(tree), "a source") | dict.fromkeys(tree.files, "a file")
    partial = tuple(_partial(request)) if rows else ()
    return RunResult(request.grain, request.by, plan.targets, rows, origins, partial, protected)


def _constant(tree: ResolvedTree, metric: str) -> float:
    value = tree.metrics[metric].value
    assert value is not None, metric
    return value + 0.0


def _values(
    plan: Plan, leaves: Mapping[str, list[float | None]], periods: int, groups: int
) -> list[list[float | None]]:
    """Return the columns of the targets: the rows are the periods, in each one all groups."""
    import numpy as np

    from metrictree.engines.arrays.program import evaluate
    from metrictree.engines.arrays.timeline import Timeline

    def reader(column: list[float | None]) -> Read:
        array = np.array(column, np.float64)  # None becomes NaN
        return lambda low, high: array[low:high]

    rows = periods * groups
    timeline = Timeline(
        None,
        np.arange(rows).reshape(periods, groups).T.ravel(),
        np.arange(groups) * periods if periods else np.empty(0, np.intp),
        np.empty(0, np.intp),
        [],
    )
    reads = [reader(leaves[metric]) for metric in plan.leaves]
    found = evaluate(plan, reads, rows, plan.targets, periods=timeline)
    return [
        [None if value != value else value for value in found[target].tolist()]  # noqa: PLR0124 - NaN
        for target in plan.targets
    ]


def _partial(request: Request) -> Iterator[Partial]:
    """Return the periods of which the time span holds some days only."""
    grain, since, until = request.grain, request.since, request.until
    if grain == "all":
        return
    first = last = None
    if since is not None and since != period_of(since, grain):
        first = since
    if until is not None and until != date.max:
        after = period_of(until + timedelta(days=1), grain)
        last = until if after == period_of(until, grain) else None
    for period in dict.fromkeys(period_of(day, grain) for day in (first, last) if day is not None):
        yield Partial(
            period,
            first if first is not None and period_of(first, grain) == period else None,
            last if last is not None and period_of(last, grain) == period else None,
        )


def _periods_and_groups(
    tree: ResolvedTree, request: Request, found: Mapping[str, Aggregated]
) -> tuple[Sequence[date | None], Sequence[tuple[Any, ...]]]:
    """Return every period of the span and every group of the sources."""
    _check_kinds(request, found)
    seen = [key for one in found.values() for key in one.values]
    groups: Sequence[tuple[Any, ...]] = [()]
    if request.by:
        groups = sorted({key[1:] for key in seen}, key=_in_order)
    first = last = None
    if request.grain != "all":
        days = [key[0] for key in seen]
        first = min(days, default=None)
        last = max(days, default=None)
        if request.since is not None:
            first = period_of(request.since, request.grain)
        if request.until is not None:
            last = period_of(request.until, request.grain)
    periods: Sequence[date | None] = [None]
    if request.grain != "all":
        periods = []
        if first is not None and last is not None:
            periods = periods_between(first, last, request.grain)
    count, most = len(periods) * len(groups), tree.limits.rows
    if count > most:
        message = (
            f"the result has {count:,} rows ({len(periods):,} periods of {len(groups):,} "
            f"groups), more than {most:,}"
        )
        raise SourceError([too_many_rows(message)])
    return periods, groups


def _check_kinds(request: Request, found: Mapping[str, Aggregated]) -> None:
    for position, dimension in enumerate(request.by):
        kinds = {source: one.kinds[position] for source, one in found.items() if one.values}
        if len(set(kinds.values())) > 1:
            told = ", ".join(
                f"{shown(kind)} in '{shown(source)}'" for source, kind in kinds.items()
            )
            raise SourceError(
                [
                    Diagnostic(
                        "SRC107",
                        f"the dimension '{shown(dimension)}' has no one type: it is {told}",
                        help="store it the same way in all sources",
                    )
                ]
            )


def _in_order(group: tuple[Any, ...]) -> list[tuple[bool, Any]]:
    """Sort by value, null last."""
    return [(value is None, 0 if value is None else value) for value in group]
