"""One scan of a source: its measures for each period and group, all at once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from metrictree.diagnostics import shown
from metrictree.engines.frames.rows import Kind
from metrictree.errors import SourceError
from metrictree.formula.meaning import Rule
from metrictree.formula.printer import number_text
from metrictree.measures.checks import checks
from metrictree.measures.parts import Lost, Part, finish
from metrictree.measures.query import MOST_SMALLER, PERIOD, Query
from metrictree.measures.request import ALL, Aggregated, Key, Result, sets_of, too_many_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from metrictree.measures.parts import Output
    from metrictree.measures.prepare import Preparation
    from metrictree.measures.survey import Extent

__all__ = ["Scan", "kinds_of"]

_METRICS_SHOWN: Final = 3


class Scan:
    """Reads the rows of a source that was prepared, and makes values of what comes back."""

    def __init__(self, prepared: Preparation, extent: Extent | None) -> None:
        self.prepared = prepared
        self.extent = extent
        """When rows happened; ``None`` if nobody asks."""
        self.unplaced: Counter[str] = Counter()
        """Rows that a metric counts and that have no time."""
        self._may_roll = True

    def run(self, since: date | None, until: date | None) -> Aggregated:
        """Read the rows of a time span, once for each set of dimensions that is asked for."""
        values: dict[Key, Mapping[str, Result]] = {}
        for kept in sets_of(self.prepared.request):
            values |= self._grouped(kept, since, until)
            self._refuse()
        self._check_unplaced()
        self._refuse()
        return Aggregated(values, tuple(kinds_of(self.prepared)))

    def queries(
        self, since: date | None, until: date | None
    ) -> Iterator[tuple[str, nw.LazyFrame[Any]]]:
        """Yield each query of a run, and what it finds."""
        request = self.prepared.request
        for kept in sets_of(request):
            names = [] if request.grain == "all" else [request.grain]
            names += [request.by[place] for place in kept]
            by = f"by {', '.join(names)}" if names else "all rows"
            query = self._query(kept, since, until)
            yield by, query.main
            for _, frame in query.frames_apart():
                yield f"distinct values {by}" if names else "distinct values", frame

    # --- what comes back

    def _query(self, kept: Sequence[int], since: date | None, until: date | None) -> Query:
        return Query(self.prepared, self.extent, kept, since, until, may_roll=self._may_roll)

    def _grouped(
        self, kept: Sequence[int], since: date | None, until: date | None
    ) -> dict[Key, Mapping[str, Result]]:
        query = self._query(kept, since, until)
        try:
            found = self._found(query)
        except SourceError:  # some engines end where a float is not finite
            if not self.prepared.trusting:
                raise
            self.prepared = self.prepared.again()
            return self._grouped(kept, since, until)
        if found is None:  # there are too many smaller groups
            self._may_roll = False
            return self._grouped(kept, since, until)
        if not query.is_as_supposed(found.values()):
            self.prepared = self.prepared.again()
            return self._grouped(kept, since, until)
        for parts, frame in query.frames_apart(len(found)):
            for cells, more in self._told_apart(query, parts, self._fetched(frame)).items():
                if found:  # where there is no row at all, all of them still have a size
                    found[cells].update(more)
        values: dict[Key, Mapping[str, Result]] = {}
        for cells, group in found.items():
            key = self._key(dict(zip(query.keys, cells, strict=True)), kept, group)
            if key is not None:
                values[key] = {
                    one.metric: self._told(one, finish(one, group)) for one in self.prepared.outputs
                }
        return values

    def _found(self, query: Query) -> dict[tuple[Any, ...], dict[Part, Any]] | None:
        """Return the parts of each group; ``None`` if they come from too many smaller groups."""
        rolling, width = query.rolling, len(query.keys)
        if rolling is None:
            rows = self._fetched(query.main)
            self._check(query, rows)
            return self._told_apart(query, query.parts, rows)
        rows = self.prepared.fetched(query.main.head(MOST_SMALLER + 1))
        if len(rows) > MOST_SMALLER:
            return None
        self._check(query, rows)
        groups: dict[tuple[Any, ...], list[Sequence[Any]]] = {}
        for row in rows:
            groups.setdefault(row[:width], []).append(row[width:])
        return {cells: rolling.together(smaller) for cells, smaller in groups.items()}

    def _told_apart(
        self, query: Query, parts: Sequence[Part], rows: Sequence[tuple[Any, ...]]
    ) -> dict[tuple[Any, ...], dict[Part, Any]]:
        """Return the parts of each group: whatever was done to tell them apart, none may vanish."""
        width = len(query.keys)
        found = {}
        for row in rows:
            cells = row[:width]
            if cells in found:
                self.prepared.problem(
                    "SRC112",
                    f"two groups of the source '{shown(self.prepared.name)}' look the same: "
                    f"{shown(', '.join(map(str, cells)), 200)}",
                    "store the dimension as text",
                    ("sources", self.prepared.name),
                    key=True,
                )
                self._refuse()
            found[cells] = dict(zip(parts, row[width:], strict=False))
        return found

    def _fetched(self, frame: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
        """Return the rows of a frame, unless they are too many."""
        prepared = self.prepared
        most = prepared.tree.limits.rows
        rows = prepared.fetched(frame.head(most + 1))
        if len(rows) > most:
            message = f"the source '{shown(prepared.name)}' gives more than {most:,} rows"
            raise SourceError([too_many_rows(message)])
        return rows

    def _check(self, query: Query, rows: Sequence[tuple[Any, ...]]) -> None:
        """Refuse what no row may be; whether one is so is told last in each row."""
        where = ("sources", self.prepared.name)
        count = len(query.flags)
        for check, found in zip(
            checks(self.prepared), zip(*(row[-count:] for row in rows), strict=True), strict=False
        ):
            if any(found):
                self.prepared.problem("SRC112", check.message, check.fix, where, key=True)
        self._refuse()

    def _key(
        self, cells: Mapping[str, Any], kept: Sequence[int], parts: Mapping[Part, Any]
    ) -> Key | None:
        """Return the period and the group of a row; ``None`` if it has no place in time."""
        group: list[Any] = [ALL] * len(self.prepared.dimensions)
        for place in kept:
            group[place] = cells[f"k{place}"]
        request = self.prepared.request
        if PERIOD not in cells:
            return (None, *group)
        number = cells[PERIOD]
        if number is None:
            if ALL not in group:
                for output in self.prepared.outputs:
                    self.unplaced[output.metric] += parts[Part("rows", "", output.where)]
            return None
        if request.grain == "all":
            return (None, *group)
        try:
            return (request.calendar.first_day(int(number), request.grain), *group)
        except ValueError:
            self.prepared.problem(
                "SRC112",
                f"the period of a row begins before the year 1, in the source "
                f"'{shown(self.prepared.name)}'",
                "leave its time empty, or choose days with since",
                ("sources", self.prepared.name, "time"),
            )
            raise SourceError(self.prepared.problems) from None

    def _check_unplaced(self) -> None:
        found = [f"{count:,} in '{metric}'" for metric, count in self.unplaced.items() if count]
        if not found:
            return
        time = shown(self.prepared.source.time)
        more = len(found) - _METRICS_SHOWN
        self.prepared.problem(
            "SRC110",
            f"rows that count have no '{time}': {', '.join(found[:_METRICS_SHOWN])}"
            + (f" and some in {more:,} more" if more > 0 else ""),
            f"leave them out with `where: not is_missing({time})`, or ask for all time",
            ("sources", self.prepared.name, "time"),
        )

    def _told(self, output: Output, result: Result | Lost) -> Result:
        if not isinstance(result, Lost):
            return result
        what = "integer" if isinstance(result.value, int) else "decimal"
        self.prepared.problem(
            "SRC112",
            f"'{output.metric}' is the {what} {result.value}: a float64 loses its last digits",
            f"count in a larger unit, for example {output.aggregate}(x / {number_text(1000.0)})",
            ("metrics", output.metric, "measure"),
        )
        return Rule.NO_VALUES  # never seen: the run is refused

    def _refuse(self) -> None:
        if self.prepared.problems:
            raise SourceError(self.prepared.problems)


def kinds_of(prepared: Preparation) -> Iterator[str]:
    """Yield what each dimension holds, in words."""
    for dimension in prepared.request.by:
        column = prepared.table.columns[dimension]
        if column.label:  # texts of a file tell more than their numbers
            yield Kind.TEXT.value
        elif column.kind is Kind.TIME:
            yield "days" if column.dtype == nw.Date else "times"
        else:  # a decimal is mostly no float: 0.1 is not
            yield "decimals" if column.dtype == nw.Decimal else column.kind.value
