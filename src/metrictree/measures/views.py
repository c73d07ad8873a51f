"""What was found of the sources of a run in some periods, and the values computed of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from metrictree.diagnostics import Diagnostic, shown
from metrictree.errors import SourceError
from metrictree.formula.meaning import Rule
from metrictree.measures.parts import empty_result
from metrictree.measures.request import ALL, too_many_rows
from metrictree.measures.spans import too_early

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from metrictree.engines.arrays.program import Read
    from metrictree.measures.aggregate import Sources
    from metrictree.measures.request import Aggregated, Request
    from metrictree.measures.result import Period
    from metrictree.measures.spans import Against
    from metrictree.plan import Plan
    from metrictree.resolved import ResolvedTree

__all__ = ["Progress", "Views"]

Progress: TypeAlias = Callable[[str, float | None], None]
"""Is told the source that is read, and the share of the work that is done, if that is known."""


class View(NamedTuple):
    """What was found for periods that follow each other."""

    periods: Sequence[date | None]
    skipped: int
    """Periods at the beginning that are there for functions over time only."""
    found: Mapping[str, Aggregated]


class Computed(NamedTuple):
    """The values of a view: the rows are its periods, in each one all groups."""

    columns: Sequence[Sequence[float | None]]
    """The targets."""
    leaves: Mapping[str, Sequence[float | None]]
    rules: Mapping[tuple[int, str], Rule]
    """By row and measure: why there is no value."""


class Views:
    """Reads the sources of a run for the periods that are needed, and computes with them."""

    def __init__(
        self,
        tree: ResolvedTree,
        plan: Plan,
        request: Request,
        sources: Sources,
        progress: Progress | None,
    ) -> None:
        self.tree = tree
        self.plan = plan
        self.request = request
        self.sources = sources
        self.progress = progress

    def main(self, periods: Sequence[Period]) -> View:
        """Return the view of the periods of the run."""
        request = self.request
        if request.grain == "all":
            return View([None], 0, self._aggregated(request.since, self._until(request.until)))
        if not periods:
            return View([], 0, {})
        until = self._until(request.until)
        return self._view(periods[0].start, periods[-1].start, request.since, until)

    def _until(self, until: date | None) -> date | None:
        """Return the last day that counts: where sources end on different days, the first of them.

        A ratio of two sources needs the same days of both.
        """
        end = self.request.as_of
        if end is None and len(set(self.sources.ends.values())) > 1:
            end = self.sources.end
        days = [day for day in (until, end) if day is not None]
        return min(days, default=None)

    def compared(self, against: Sequence[Against | None]) -> dict[Any, View]:
        """Return a view for all whole periods that others are compared with, and one for each cut.

        They are found by `Against.view`.
        """
        views: dict[Any, View] = {}
        whole = [one for one in against if one is not None and not one.cut]
        if whole and self.request.grain != "all":
            first, last = min(one.start for one in whole), max(one.start for one in whole)
            until = self._until(self.request.calendar.last_day(last, self.request.grain))
            views[None] = self._view(first, last, first, until)
        for one in against:
            if one is None or (not one.cut and self.request.grain != "all"):
                continue
            if self.request.grain == "all":
                views[one.view] = View([None], 0, self._aggregated(one.first, one.last))
            else:
                views[one.view] = self._view(one.start, one.start, one.first, one.last)
        return views

    def _view(self, first: date, last: date, since: date | None, until: date | None) -> View:
        """Return a view of periods, of which only days from ``since`` to ``until`` count."""
        grain, calendar = self.request.grain, self.request.calendar
        periods: Sequence[date] = calendar.periods_between(first, last, grain)
        earlier: Sequence[date] = []
        if since is not None and self.plan.over_time and self.sources.first is not None:
            before = calendar.period_number(first, grain)
            before -= calendar.period_number(self.sources.first, grain)
            reach = _reach(self.plan)
            count = max(before if reach is None else min(before, reach), 0)
            try:
                earlier = [calendar.shifted(first, grain, at) for at in range(-count, 0)]
            except ValueError:
                raise too_early() from None
        found = self._aggregated(since, until)
        if earlier:
            more = self._aggregated(earlier[0], first - timedelta(days=1))
            found = {
                name: replace(one, values={**more[name].values, **one.values})
                for name, one in found.items()
            }
        return View([*earlier, *periods], len(earlier), found)

    def _aggregated(self, since: date | None, until: date | None) -> dict[str, Aggregated]:
        count = len(self.sources.parts)

        def told(name: str) -> None:
            if self.progress is not None:
                self.progress(name, list(self.sources.parts).index(name) / count)

        return self.sources.aggregated(since, until, told)

    def groups(self, views: Sequence[View]) -> list[tuple[Any, ...]]:
        """Return every group of the sources, those of all values of dimensions last."""
        if not self.request.by:
            return [()]
        for view in views:
            _check_kinds(self.request, view.found)
        seen = {key[1:] for view in views for one in view.found.values() for key in one.values}
        groups = sorted(seen, key=_in_order)
        for view in views:
            self._check_size(len(view.periods), len(groups))
        return groups

    def _check_size(self, periods: int, groups: int) -> None:
        count, most = periods * groups, self.tree.limits.rows
        if count > most:
            message = (
                f"the result has {count:,} rows ({periods:,} periods of {groups:,} groups), "
                f"more than {most:,}"
            )
            raise SourceError([too_many_rows(message)])

    # --- values

    def computed(self, view: View, groups: Sequence[tuple[Any, ...]]) -> Computed:
        """Return the values of a view."""
        tree = self.tree
        self._check_size(len(view.periods), len(groups))
        keys = [(period, *group) for period in view.periods for group in groups]
        leaves: dict[str, list[float | None]] = {
            metric: [_constant(tree, metric)] * len(keys)
            for metric in self.plan.leaves
            if metric not in tree.measures
        }
        rules: dict[tuple[int, str], Rule] = {}
        for metric in self.plan.leaves:
            if metric not in tree.measures:
                continue
            measure = tree.measures[metric]
            column = leaves[metric] = []
            found = view.found.get(measure.source)
            values = found.values if found is not None else {}
            empty = empty_result(measure.aggregate.root.value)
            for row, key in enumerate(keys):
                value = values[key][metric] if key in values else empty
                if isinstance(value, Rule):
                    rules[row, metric] = value
                column.append(None if isinstance(value, Rule) else value)
        columns = _values(self.plan, leaves, len(view.periods), len(groups))
        return Computed(columns, leaves, rules)


def _reach(plan: Plan) -> int | None:
    """Return how many periods before its own a value may look at; ``None`` if at all of them."""
    reach: list[int] = []
    for op, args, value in plan.instructions:
        if op == "cumulative":
            return None
        back = value if op == "lag" else 0
        reach.append(back + max((reach[arg] for arg in args), default=0))
    return max(reach, default=0)


# --- values


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


# --- groups


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
                        fix="store it the same way in all sources",
                    )
                ]
            )


def _in_order(group: tuple[Any, ...]) -> tuple[Any, ...]:
    """Sort by value, null last; rows of totals behind all others."""
    totals = [value is ALL for value in group]
    values = [(value is None, 0 if value is None or value is ALL else value) for value in group]
    return sum(totals), totals, values
