"""Rows of a test -> columns of one type each; what no column can hold is told where it stands."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from metrictree.diagnostics import Diagnostic, shown
from metrictree.measures.times import is_day
from metrictree.schema_errors import dotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from metrictree.documents import Path
    from metrictree.formula import Formula
    from metrictree.resolved import ResolvedTree

__all__ = ["Column", "columns_of", "moment_of", "used_columns"]

_TIME: Final = re.compile(r"(.{10})[ T]([0-9:.]+) ?(.*)")
_WORDS: Final = {
    "bool": "a truth value",
    "number": "a number",
    "text": "text",
    "date": "a date",
}
_LARGEST: Final = 2**63


class Column(NamedTuple):
    """A column of rows that people wrote."""

    kind: str
    """null, bool, int, float, text, date, or time (moments in UTC)."""
    values: Sequence[Any]
    moments: Sequence[date | datetime | None] = ()
    """When each row happened, of the time column."""


# --- what the measures use


def used_columns(tree: ResolvedTree, source: str) -> dict[str, None]:
    """Return the columns of a source that the tree names: time, dimensions, those of measures.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="jobs",
    ...     metrics={
    ...         "jobs": {
    ...             "measure": {
    ...                 "source": "jobs",
    ...                 "aggregate": "sum(size)",
    ...                 "where": "status == 'done'",
    ...             }
    ...         }
    ...     },
    ...     sources={"jobs": {"path": "jobs.csv", "time": "at", "dimensions": ["country"]}},
    ... )
    >>> list(used_columns(tree.resolved, "jobs"))
    ['at', 'country', 'size', 'status']
    """
    declared = tree.spec.sources[source]
    found = {} if declared.time is None else {declared.time: None}
    found |= dict.fromkeys(declared.dimensions)
    for formula in _formulas(tree, source):
        found |= dict.fromkeys(formula.references)
    return found


def _formulas(tree: ResolvedTree, source: str) -> Iterator[Formula]:
    for measure in tree.measures.values():
        if measure.source == source:
            yield measure.aggregate
            if measure.where is not None:
                yield measure.where


def _dated_columns(tree: ResolvedTree, source: str, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the columns that hold days, and those that are compared with these, or with a day."""
    time = tree.spec.sources[source].time
    dated = {name for row in rows for name, value in row.items() if isinstance(value, date)}
    dated |= set() if time is None else {time}
    alike: list[set[str]] = []
    for formula in _formulas(tree, source):
        for node in formula.nodes:
            if node.op == "compare":
                compared = [formula.nodes[index] for index in node.args]
                columns = {one.value for one in compared if one.op == "ref"}
                alike.append(columns)
                if any(one.op == "text" and is_day(one.value) for one in compared):
                    dated |= columns
    found = -1
    while len(dated) > found:
        found = len(dated)
        for columns in alike:
            if dated & columns:
                dated |= columns
    return dated


# --- columns


def columns_of(
    tree: ResolvedTree,
    source: str,
    rows: Sequence[Mapping[str, Any]],
    path: Path,
    problems: list[Diagnostic],
) -> dict[str, Column]:
    """Return the columns of rows, and those that the tree uses besides, without any values.

    ``path`` is the place of the rows. Cells that their columns cannot hold are noted.
    """
    names = dict.fromkeys((*(name for row in rows for name in row), *used_columns(tree, source)))
    reading = _Reading(tree, path, problems)
    time, dated = tree.spec.sources[source].time, _dated_columns(tree, source, rows)
    return {
        name: reading.column(
            name, [row.get(name) for row in rows], dated=name in dated, time=name == time
        )
        for name in names
    }


class _Reading:
    def __init__(self, tree: ResolvedTree, path: Path, problems: list[Diagnostic]) -> None:
        self.tree = tree
        self.path = path
        self.problems = problems

    def column(self, name: str, values: Sequence[Any], *, dated: bool, time: bool) -> Column:
        """Return a column of the values of all rows; ``None`` stands where there is none."""
        if time:
            return self._times(name, values)
        moments = [moment_of(value) for value in values] if dated else ()
        if moments and all(
            value is None or moment is not None
            for value, moment in zip(values, moments, strict=True)
        ):
            return _of_moments(moments)
        kinds = [None if value is None else _kind(value) for value in values]
        first = next((kind for kind in kinds if kind is not None), None)
        if first is None:
            return Column("null", values)
        for number, kind in enumerate(kinds):
            if kind == "other" or kind not in (first, None):
                self._tell_kind(name, number, values[number], kind, first)
                return Column("null", [None] * len(values))
        if first == "date":
            return _of_moments([moment_of(value) for value in values])
        if first == "number":
            return self._numbers(name, values)
        return Column(first, values)

    def _tell_kind(self, name: str, number: int, value: Any, kind: str | None, first: str) -> None:
        other = _WORDS.get(kind or "")
        if other is None:
            self._tell(name, number, f"a cell of '{shown(name)}' is no single value", _ADVICE)
            return
        text = str(value).lower() if isinstance(value, bool) else value
        message = f"'{shown(text)}' is {other}, and '{shown(name)}' holds {_WORDS[first]} above"
        advice = "write values of one kind, numbers without quotes; null where there is none"
        self._tell(name, number, message, advice)

    def _times(self, name: str, values: Sequence[Any]) -> Column:
        """Return the time column: days, moments, or texts of both, of which none is shifted."""
        moments = [moment_of(value) for value in values]
        for number, (value, moment) in enumerate(zip(values, moments, strict=True)):
            if value is not None and moment is None:
                message = (
                    f"'{shown(value)}' is no day and no time, and '{shown(name)}' is the time "
                    "column"
                )
                advice = "write 2026-01-31, or in quotes '2026-01-31 10:00' in UTC or with +02:00"
                self._tell(name, number, message, advice)
                return Column("null", [None] * len(values), [None] * len(values))
        column = _of_moments(moments)
        if column.kind == "time" and any(type(moment) is date for moment in moments):
            # A day is one in the time zone of the source, a moment is one in UTC.
            texts = [None if moment is None else str(moment) for moment in moments]
            column = Column("text", texts)
        return column._replace(moments=moments)

    def _numbers(self, name: str, values: Sequence[Any]) -> Column:
        whole = all(value is None or isinstance(value, int) for value in values)
        for number, value in enumerate(values):
            if isinstance(value, int) and (
                not -_LARGEST <= value < _LARGEST if whole else abs(value) > 2**53
            ):
                message = f"{shown(value)} has more digits than '{shown(name)}' can hold"
                advice = "choose a smaller number, or write text if it is an id"
                self._tell(name, number, message, advice)
                return Column("null", [None] * len(values))
        if whole:
            return Column("int", [None if value is None else int(value) for value in values])
        return Column("float", [None if value is None else float(value) for value in values])

    def _tell(self, name: str, number: int, message: str, fix: str) -> None:
        path = (*self.path, number, name)
        span = self.tree.places.span(path)
        self.problems.append(Diagnostic("TST130", message, span, path=dotted(path), fix=fix))


_ADVICE: Final = "write a number, text, a date, true, false or null"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "text"
    return "date" if isinstance(value, date) else "other"


def _of_moments(moments: Iterable[date | datetime | None]) -> Column:
    """Return a column of days; of moments, if some are, with days as midnights."""
    moments = list(moments)
    if not any(isinstance(moment, datetime) for moment in moments):
        there = any(moment is not None for moment in moments)
        return Column("date" if there else "null", moments)
    return Column(
        "time",
        [
            datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001 - of UTC
            if type(moment) is date
            else moment
            for moment in moments
        ],
    )


def moment_of(value: Any) -> date | datetime | None:
    """Return the day, or the moment in UTC, that a cell tells; ``None`` if it tells none.

    >>> print(moment_of("2026-01-31"), moment_of("2026-01-31 00:30+02:00"), moment_of("soon"))
    2026-01-31 2026-01-30 22:30:00 None
    """
    if isinstance(value, str):
        if not is_day(value):
            return None
        found = _TIME.fullmatch(value)
        if found is None:
            return date.fromisoformat(value)
        day, clock, zone = found.groups()
        value = datetime.fromisoformat(f"{day} {clock}{'Z' if zone == 'UTC' else zone}")
    if isinstance(value, datetime) and value.tzinfo is not None:
        try:
            return value.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:  # of the first or the last day of the calendar
            return None
    return value if isinstance(value, date) else None
