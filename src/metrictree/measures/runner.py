"""A run: measures are aggregated, then formulas computed, for each period and group."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict, Unpack

from metrictree.diagnostics import shown
from metrictree.engines.compute import absent_value, needs_time
from metrictree.errors import ComputeError
from metrictree.measures.aggregate import Sources
from metrictree.measures.explain import explain
from metrictree.measures.flows import metrics_of_run
from metrictree.measures.parts import empty_result
from metrictree.measures.request import ALL, Request, usage
from metrictree.measures.result import Origins, RunResult
from metrictree.measures.sources import open_table, source_paths
from metrictree.measures.spans import Comparison, periods_of
from metrictree.measures.survey import outlook, survey
from metrictree.measures.views import Views
from metrictree.names import Suggester, did_you_mean
from metrictree.plan import make_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from metrictree.measures.explain import RunPlan
    from metrictree.measures.prepare import Preparation
    from metrictree.measures.result import Period
    from metrictree.measures.reuse import Shelf
    from metrictree.measures.spans import Against
    from metrictree.measures.survey import Extent
    from metrictree.measures.table import Table
    from metrictree.measures.views import Progress, View
    from metrictree.plan import Plan
    from metrictree.resolved import ResolvedTree

__all__ = ["ENGINES", "Run", "RunOptions", "run", "run_plan"]

ENGINES: Final = ("duckdb", "polars", "pandas", "spark", "ibis")


class RunOptions(TypedDict, total=False):
    """The arguments of a run besides its targets; `MetricTree.run` says what they are."""

    grain: str
    by: Iterable[str]
    since: date | str | None
    until: date | str | None
    where: str | None
    totals: bool
    as_of: date | str | None
    compare: str | None
    like_for_like: bool
    sources: Mapping[str, Any] | None
    connection: Any
    engine: str
    reuse: str | Path | None


def run(
    tree: ResolvedTree,
    targets: Iterable[str] | None = None,
    progress: Progress | None = None,
    **options: Unpack[RunOptions],
) -> RunResult:
    """Return the values of ``targets`` (every metric), a row for each period and group.

    The periods are those from the first to the last row of the sources used, or from ``since`` to
    ``until``, and the groups are those of their rows, each with every period: without rows, counts
    and sums are 0 and the rest is missing. A row without a time has no place in a period: it is an
    error if a measure counts it. Functions over time look at the periods before ``since`` too.

    Raises:
        UsageError: an argument has no meaning here.
        ComputeError: a target needs an input, or, at the grain `all`, periods; or it mixes what is
            counted per period of the run with what is given per another one.
        MissingExtraError: a library that reads a source is not installed.
        SourceError: every problem of the sources and their measures.
    """
    made, comparison = _made(tree, targets, options, progress)
    return made.result(comparison)


def run_plan(
    tree: ResolvedTree, targets: Iterable[str] | None = None, **options: Unpack[RunOptions]
) -> RunPlan:
    """Return what `run` would read and compute; sources are opened, and not looked through.

    Raises:
        MetricTreeError: what `run` raises of arguments, targets, and columns.
    """
    made, comparison = _made(tree, targets, options, None, look=outlook)
    return explain(made, compares=comparison is not None)


def _made(
    tree: ResolvedTree,
    targets: Iterable[str] | None,
    options: RunOptions,
    progress: Progress | None,
    look: Callable[[Preparation], Extent] = survey,
) -> tuple[Run, Comparison | None]:
    """Return the run that arguments ask for, and how its periods are compared."""
    engine = options.get("engine", "duckdb")
    if engine not in ENGINES:
        near = did_you_mean(Suggester(ENGINES).near(str(engine)))
        raise usage(f"'{shown(str(engine))}' is no engine", near or f"give {', '.join(ENGINES)}")
    request = Request.of(
        tree,
        grain=options.get("grain", "all"),
        by=options.get("by", ()),
        since=options.get("since"),
        until=options.get("until"),
        where=options.get("where"),
        as_of=options.get("as_of"),
        totals=options.get("totals", False),
    )
    compare = options.get("compare")
    comparison = Comparison.of(compare, request, like_for_like=options.get("like_for_like", True))
    plan = make_plan(tree, targets)
    _check_columns(plan, request, compare)
    opened = _opener(tree, options.get("sources"), options.get("connection"), engine)
    shelf = _shelf(tree, request, options, look=look is survey)
    run = Run(tree, plan, request, opened, progress=progress, look=look, shelf=shelf)
    return run, comparison


def _shelf(
    tree: ResolvedTree, request: Request, options: RunOptions, *, look: bool
) -> Shelf | None:
    """Return where values are kept, if that is asked for."""
    folder, engine = options.get("reuse"), options.get("engine", "duckdb")
    if folder is None:
        return None
    if not isinstance(folder, (str, Path)):
        raise usage(f"reuse is {shown(repr(folder))}, no folder", "give its path")
    if engine != "duckdb":
        raise usage(f"reuse keeps what DuckDB reads, not {engine}", "leave out reuse or the engine")
    from metrictree.measures.reuse import Shelf

    given = frozenset(options.get("sources") or ())
    return Shelf(Path(folder), tree, request, given, writes=look)


def _opener(
    tree: ResolvedTree, sources: Mapping[str, Any] | None, connection: Any, engine: str
) -> Callable[[str], Table]:
    """Return what opens a source by its name."""
    given = {} if sources is None else sources
    if not isinstance(given, Mapping):
        raise usage(f"sources is {shown(repr(given))}, no mapping", "give frames by source")
    for name in given:
        if name not in tree.spec.sources:
            near = did_you_mean(Suggester(tree.spec.sources).near(str(name)))
            raise usage(f"the tree has no source '{shown(name)}'", near or "declare it")
        if given[name] is None:  # what was meant to be a frame is not one
            message = f"what is given for the source '{shown(name)}' is None, no frame"
            raise usage(message, "leave it out to read what the tree declares")
    return lambda name: open_table(
        tree, name, given=given.get(name), connection=connection, engine=engine
    )


class Run:
    """One run: its sources are opened once, and read for each view that is needed."""

    def __init__(
        self,
        tree: ResolvedTree,
        plan: Plan,
        request: Request,
        tables: Callable[[str], Table],
        *,
        progress: Progress | None = None,
        look: Callable[[Preparation], Extent] = survey,
        shelf: Shelf | None = None,
    ) -> None:
        self.tree = tree
        self.plan = plan
        self.request = request
        _check_leaves(tree, plan, request.grain)
        self.shown = metrics_of_run(tree, plan, request.grain)
        measured: dict[str, list[str]] = {}
        for metric in plan.leaves:
            if metric in tree.measures:
                measured.setdefault(tree.measures[metric].source, []).append(metric)
        if not measured and (request.by or request.needs_time or request.where is not None):
            message = "no target is measured from a source"
            raise usage(message, "leave grain, by, since, until and where out")
        self._check_since()
        self.sources = Sources(tree, measured, request, tables, look=look, shelf=shelf)
        self.end = request.as_of or self.sources.end
        """Up to this day there may be rows of all sources; later ones do not count."""
        over = request.as_of is not None or not any(
            self.sources.ends[name] == self.end for name in self.sources.cut
        )
        self.periods = periods_of(request, self.sources.first, self.end, over=over)
        self.views = Views(tree, plan, request, self.sources, progress)

    def _check_since(self) -> None:
        """Refuse to cut a period that functions over time would look back at from whole ones."""
        request = self.request
        if not self.plan.over_time or request.since is None or request.grain == "all":
            return
        try:
            start = request.calendar.period_of(request.since, request.grain)
        except ValueError:
            return  # told where rows are placed
        if start != request.since:
            told = next(name for name in self.plan.formulas if name in self.tree.overtime)
            raise usage(
                f"since {request.since} lies inside of a {request.grain}, and "
                f"{self.tree.overtime[told]}() in '{told}' compares whole ones",
                f"begin with {start}, or choose targets that do not need it",
            )

    def result(self, comparison: Comparison | None = None) -> RunResult:
        """Return the result of the run, compared with other periods if that is asked for."""
        request, periods, tree = self.request, self.periods, self.tree
        against: list[Against | None] = [None] * max(len(periods), 1)
        if comparison is not None:
            against = [comparison.against(one, self.sources.first, self.end) for one in periods]
            periods = tuple(
                one._replace(
                    compared=(other.first, other.last),
                    like_for_like=other.cut,
                    lacks=other.lacks,
                )
                if other is not None
                else one
                for one, other in zip(periods, against, strict=True)
            )
        main, others = self.views.main(self.periods), self.views.compared(against)
        groups = self.views.groups([main, *others.values()])
        computed = self.views.computed(main, groups)
        before = {key: self.views.computed(view, groups).columns for key, view in others.items()}
        rows = []
        for at, other in enumerate(against[: len(main.periods) - main.skipped]):
            line = (main.skipped + at) * len(groups)
            place = 0
            if other is not None:
                start = None if request.grain == "all" else other.start
                place = others[other.view].periods.index(start) * len(groups)
            for number, group in enumerate(groups):
                cells = self._keys(periods[at] if periods else None, group)
                values = [column[line + number] for column in computed.columns]
                if comparison is None:
                    rows.append((*cells, *values))
                    continue
                cells += (None, None) if other is None else (other.first, other.last)
                were: Sequence[float | None] = [None] * len(values)
                if other is not None:
                    were = [column[place + number] for column in before[other.view]]
                for value, was in zip(values, were, strict=True):
                    cells += (value, was, *_change(value, was))
                rows.append(tuple(cells))
        origins = Origins(
            {metric: tree.formulas[metric] for metric in self.plan.formulas},
            {
                metric: str(tree.measures[metric].aggregate)
                for metric in self.plan.leaves
                if metric in tree.measures
            },
            computed.leaves,
            computed.rules,
            len(main.periods),
            len(groups),
            self.plan.over_time,
            main.skipped * len(groups),
        )
        protected = dict.fromkeys(source_paths(tree), "a source")
        ends = self.sources.ends
        return RunResult(
            request.grain,
            request.by,
            self.plan.targets,
            tuple(rows),
            origins,
            totals=request.totals,
            compare=None if comparison is None else comparison.kind,
            periods=() if request.grain == "all" else periods,
            ends=ends if request.as_of is None and len(set(ends.values())) > 1 else {},
            idle=self._idle(main),
            protected=protected | dict.fromkeys(tree.files, "a file"),
            shown=self.shown,
        )

    def _idle(self, view: View) -> tuple[str, ...]:
        """Return the sources of which nothing counts, if something was chosen that may be wrong."""
        request = self.request
        if request.where is None and request.since is None and request.until is None:
            return ()
        empty = {
            metric: empty_result(self.tree.measures[metric].aggregate.root.value)
            for metric in self.plan.leaves
            if metric in self.tree.measures
        }
        return tuple(
            source
            for source, one in view.found.items()
            if all(
                value == empty[metric]
                for values in one.values.values()
                for metric, value in values.items()
            )
        )

    def _keys(self, period: Period | None, group: tuple[Any, ...]) -> list[Any]:
        """Return what tells a row: its period, its group, and what they are."""
        request = self.request
        timed = request.grain != "all" and period is not None
        cells: list[Any] = [period.start] if timed and period is not None else []
        cells += [None if value is ALL else value for value in group]
        if request.totals:
            over = zip(request.by, group, strict=True)
            cells.append(",".join(name for name, value in over if value is ALL) or None)
        return [*cells, period.complete] if timed and period is not None else cells


def _change(value: float | None, before: float | None) -> tuple[float | None, float | None]:
    """Return by how much a value has changed, and the share of what it was before."""
    if value is None or before is None:
        return None, None
    change = value - before
    growth = change / abs(before) if before else None
    return tuple(  # type: ignore[return-value]
        None if it is None or not math.isfinite(it) else it + 0.0 for it in (change, growth)
    )


# --- arguments


def _check_columns(plan: Plan, request: Request, compare: str | None) -> None:
    """Refuse a result in which two columns would have one name."""
    empty: Any = None
    names = RunResult(
        request.grain, request.by, plan.targets, (), empty, request.totals, compare
    ).columns
    for position, name in enumerate(names):
        if name in names[:position]:
            raise usage(
                f"two columns of the result would be named '{shown(name)}'",
                "a dimension, a metric and the grain need different names: choose another grain, "
                "other dimensions or targets",
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
