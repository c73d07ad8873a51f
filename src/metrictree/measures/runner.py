"""A run: measures are aggregated, then formulas computed, for each period and group."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.base import Rule
from metrictree.engines.compute import absent_value, needs_time
from metrictree.engines.scalar import evaluate
from metrictree.errors import ComputeError, SourceError, UsageError
from metrictree.measures.aggregate import aggregate
from metrictree.measures.periods import GRAINS, period_of, periods_between
from metrictree.measures.request import Aggregated, Request, empty_result, too_many_rows
from metrictree.measures.result import Origins, Partial, RunResult
from metrictree.measures.sources import require_duckdb, source_paths
from metrictree.names import Suggester, did_you_mean
from metrictree.plan import make_plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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

    Raises:
        UsageError: an argument has no meaning here.
        ComputeError: a target needs an input, or a function over time.
        MissingExtraError: DuckDB is not installed.
        SourceError: every problem of the sources and their measures.
    """
    request = _request(grain, by, since, until)
    plan = make_plan(tree, targets)
    _check_columns(plan, request)
    _check_leaves(tree, plan)
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


def _check_leaves(tree: ResolvedTree, plan: Plan) -> None:
    """Refuse targets that need more than sources and constants."""
    absent = [metric for metric in plan.leaves if tree.metrics[metric].kind == "input"]
    advice = "give it a `measure` or a `value`, or choose targets that do not need it"
    problems = [absent_value(tree, metric, advice) for metric in absent]
    problems += [needs_time(tree, metric) for metric in plan.formulas if metric in tree.overtime]
    if problems:
        raise ComputeError(problems)


# --- periods and groups


def _compute(
    tree: ResolvedTree, plan: Plan, request: Request, found: Mapping[str, Aggregated]
) -> RunResult:
    constants = {
        metric: constant + 0.0
        for metric in plan.leaves
        if (constant := tree.metrics[metric].value) is not None
    }
    measures = {metric: tree.measures[metric] for metric in plan.leaves if metric in tree.measures}
    rows: list[tuple[Any, ...]] = []
    known_of: dict[int, Mapping[str, float | None]] = {}
    rules: dict[tuple[int, str], Rule] = {}
    for key in _keys(tree, request, found):
        known: dict[str, float | None] = dict(constants)
        for metric, measure in measures.items():
            values = found[measure.source].values.get(key)
            value = empty_result(measure) if values is None else values[metric]
            if isinstance(value, Rule):
                rules[len(rows), metric] = value
                known[metric] = None
            else:
                known[metric] = value
        for metric in plan.formulas:
            known[metric] = evaluate(tree.formulas[metric], known)
        if None in known.values():
            known_of[len(rows)] = known
        place = key[1:] if request.grain == "all" else key
        rows.append((*place, *(known[metric] for metric in plan.targets)))
    origins = Origins(
        {metric: tree.formulas[metric] for metric in plan.formulas},
        {metric: str(measure.aggregate) for metric, measure in measures.items()},
        known_of,
        rules,
    )
    protected = dict.fromkeys(source_paths(tree), "a source") | dict.fromkeys(tree.files, "a file")
    partial = tuple(_partial(request)) if rows else ()
    return RunResult(
        request.grain, request.by, plan.targets, tuple(rows), origins, partial, protected
    )


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


def _keys(
    tree: ResolvedTree, request: Request, found: Mapping[str, Aggregated]
) -> Iterator[tuple[Any, ...]]:
    """Return every period with every group of the sources."""
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
    return ((period, *group) for period in periods for group in groups)


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
