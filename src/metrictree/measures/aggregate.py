"""The sources of a run, opened and prepared -> their measures in any span of time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from metrictree.engines.frames.rows import Kind
from metrictree.errors import SourceError
from metrictree.measures.prepare import Preparation
from metrictree.measures.request import Aggregated
from metrictree.measures.scan import Scan
from metrictree.measures.sources import reading
from metrictree.measures.survey import check_rows, survey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from metrictree.diagnostics import Diagnostic
    from metrictree.measures.request import Key, Request, Result
    from metrictree.measures.reuse import Shelf
    from metrictree.measures.survey import Extent
    from metrictree.measures.table import Table
    from metrictree.resolved import ResolvedTree

__all__ = ["Sources"]


class Sources:
    """The sources that a run reads.

    Raises:
        SourceError: every problem of the sources and of their measures.
    """

    def __init__(
        self,
        tree: ResolvedTree,
        measured: Mapping[str, Sequence[str]],
        request: Request,
        tables: Callable[[str], Table],
        *,
        look: Callable[[Preparation], Extent] = survey,
        shelf: Shelf | None = None,
    ) -> None:
        self.parts: dict[str, list[Scan]] = {}
        """What is read of each source; each part finds values of other measures."""

        opened = cache(tables)  # what is kept is made of the same table

        def prepared(name: str, request: Request, metrics: Sequence[str]) -> Preparation:
            return _prepared(tree, name, opened(name), request, metrics)

        def read(name: str) -> None:
            metrics = list(measured[name])
            self.parts[name] = []
            kept = None
            if shelf is not None:
                kept = shelf.kept(name, metrics, lambda finest: prepared(name, finest, metrics))
            if kept is not None:
                self.parts[name].append(kept)
                metrics = [metric for metric in metrics if metric not in kept.prepared.metrics]
            if not metrics:
                return
            table = opened(name)
            with reading(tree, name, table.origin, table.file):
                one = prepared(name, request, metrics)
                extent = look(one) if request.needs_time else None
                if not request.needs_time and look is survey:
                    check_rows(one)
                self.parts[name].append(Scan(one, extent))

        _each(measured, read)

    @property
    def first(self) -> date | None:
        """The day of the first row of all sources; ``None`` if there is none."""
        days = [extent.first for extent in self._extents()]
        return min((day for day in days if day is not None), default=None)

    @property
    def ends(self) -> dict[str, date]:
        """The day of the last row of each source that has times."""
        found: dict[str, date] = {}
        for name, parts in self.parts.items():
            days = [part.extent.last for part in parts if part.extent is not None]
            last = max((day for day in days if day is not None), default=None)
            if last is not None:
                found[name] = last
        return found

    @property
    def end(self) -> date | None:
        """The last day that counts: where sources end on different days, the first of these.

        A ratio of two sources needs the same days of both. A source that ends at some time of a day
        has all of the day before only, if others go on.
        """
        ends = self.ends
        latest = max(ends.values(), default=None)
        days = [
            last - timedelta(days=1) if last != latest and name in self.cut else last
            for name, last in ends.items()
        ]
        return min(days, default=None)

    @property
    def cut(self) -> set[str]:
        """The sources that end at some time of a day, which may not be over."""
        return {
            name
            for name, parts in self.parts.items()
            for part in parts
            if part.extent is not None and part.extent.cut
        }

    def _extents(self) -> list[Extent]:
        return [part.extent for parts in self.parts.values() for part in parts if part.extent]

    def aggregated(
        self, since: date | None, until: date | None, progress: Callable[[str], None]
    ) -> dict[str, Aggregated]:
        """Return the measures of each source for each period and group of the rows of a span."""
        found: dict[str, Aggregated] = {}

        def aggregate(name: str) -> None:
            progress(name)
            values: dict[Key, dict[str, Result]] = {}
            for part in self.parts[name]:
                table = part.prepared.table
                with reading(part.prepared.tree, name, table.origin, table.file):
                    one = part.run(since, until)
                for key, results in one.values.items():
                    values.setdefault(key, {}).update(results)
            found[name] = Aggregated(values, one.kinds)

        _each(self.parts, aggregate)
        return found


def _each(names: Mapping[str, Any], work: Callable[[str], None]) -> None:
    """Do something with each source, and tell the problems of all."""
    problems: list[Diagnostic] = []
    for name in names:
        try:
            work(name)
        except SourceError as error:
            problems += error.diagnostics
    if problems:
        raise SourceError(dict.fromkeys(problems))


def _prepared(
    tree: ResolvedTree, name: str, table: Table, request: Request, metrics: Sequence[str]
) -> Preparation:
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
    if prepared.problems:
        raise SourceError(prepared.problems)
    return prepared
