"""One source -> the values of its measures for each period and group, in one scan."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import narwhals as nw

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.base import Rule
from metrictree.engines.frame import Kind, Lowering
from metrictree.errors import SourceError
from metrictree.formula import Node
from metrictree.formula.printer import number_text
from metrictree.measures.cells import first_cell, is_day, is_number
from metrictree.measures.sources import Table, open_table, reading
from metrictree.names import Suggester, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from metrictree.engines.frame import Cell
    from metrictree.formula import Formula
    from metrictree.resolved import ResolvedMeasure, ResolvedTree

__all__ = ["Aggregated", "Request", "aggregate", "empty_result", "too_many_rows"]

Key = tuple[Any, ...]
"""A period (``None`` for all time), then the values of the dimensions."""
Result = float | Rule
"""A value, or why there is none."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a run asks for."""

    grain: str
    by: tuple[str, ...]
    since: date | None
    until: date | None

    @property
    def needs_time(self) -> bool:
        """Whether rows have to be placed in time."""
        return self.grain != "all" or self.since is not None or self.until is not None


@dataclass(frozen=True, slots=True)
class Aggregated:
    """The measures of one source."""

    values: Mapping[Key, Mapping[str, Result]]
    kinds: tuple[Any, ...]
    """What each dimension holds."""


_ONE: Final = date(2000, 1, 1)
"""Stands for all time, where rows without a time are told from the rest."""
_OTHER_ZONE: Final = re.compile(r"\d{4}-\d\d-\d\d[ T][\d:.]+ ?[+-]\d\d(:?\d\d)?")
_COMPUTED: Final = (None, "UTC", "Etc/UTC")
"""The time zones in which days are computed."""
_METRICS_SHOWN: Final = 3
_UNITS: Final = {"month": "1mo", "quarter": "1q", "year": "1y"}
_AGGREGATES: Final[Mapping[str, Callable[[nw.Expr, float], nw.Expr]]] = {
    "count": lambda x, _: x.count(),
    "count_distinct": lambda x, _: x.n_unique(),
    "sum": lambda x, _: x.sum(),
    "mean": lambda x, _: x.mean(),
    "min": lambda x, _: x.min(),
    "max": lambda x, _: x.max(),
    "median": lambda x, _: x.quantile(0.5, interpolation="linear"),
    "quantile": lambda x, q: x.quantile(q, interpolation="linear"),
    "std": lambda x, _: x.std(ddof=1),
}
_IN_OWN_TYPE: Final = ("sum", "mean", "min", "max")
"""Aggregates of a bare column that DuckDB computes best in the column's own data type: decimals
and integers are then summed exactly, and rounded to float64 once."""


class _Output(NamedTuple):
    """A measure in the scan: its column of values, and the one of the rows that count."""

    metric: str
    measure: ResolvedMeasure
    column: str
    rows: str
    decimals: str | None
    """The column of the same values as decimals, for a sum or mean that is exact."""
    ordered: bool
    """Whether floats are added up, of which the last digits depend on the order."""


class _Check(NamedTuple):
    """What no row may be: an aggregate that is null or false if none is, and what is said else."""

    name: str
    found: nw.Expr
    told: Callable[[Any], Diagnostic]


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
    scan = _Scan(tree, name, table, request)
    scan.prepare(metrics)
    if scan.problems:
        empty = scan.columns_without_values()
        columns = {
            column: found._replace(kind=Kind.NULL) if column in empty else found
            for column, found in table.columns.items()
        }
        scan = _Scan(tree, name, replace(table, columns=columns), request, look=True)
        scan.prepare(metrics)
    problems += scan.problems
    if problems:
        raise SourceError(problems)
    return scan.run()


def too_many_rows(message: str) -> Diagnostic:
    """Return what is said of a result that is too large."""
    return Diagnostic(
        "SRC115",
        message,
        help="check the first and the last day, choose a larger grain or fewer dimensions, or "
        "raise the limit `rows`",
    )


def empty_result(measure: ResolvedMeasure) -> Result:
    """Return the value of a measure over no rows at all."""
    name = measure.aggregate.root.value
    return 0.0 if name in ("count", "count_distinct", "sum") else Rule.NO_VALUES


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


class _Scan:
    """Gathers what one scan of a source has to compute, then runs it."""

    def __init__(
        self,
        tree: ResolvedTree,
        name: str,
        table: Table,
        request: Request,
        *,
        look: bool = False,
    ) -> None:
        self.tree = tree
        self.name = name
        self.source = tree.spec.sources[name]
        self.table = table
        self.request = request
        self.problems: list[Diagnostic] = []
        # The file is looked through only when it is known that something is wrong.
        self.lowering = Lowering(table.columns, cache(self._no_number) if look else _unknown)
        self.outputs: list[_Output] = []
        self.dimensions: list[str] = []
        self.unplaced: Counter[str] = Counter()
        """Rows that a metric counts and that have no time."""

    # --- what has to be computed

    def prepare(self, metrics: Sequence[str]) -> None:
        """Lower the measures; note all that is wrong with them, and with what is declared."""
        at = ("sources", self.name)
        if self.source.time is not None:
            self._check_column(self.source.time, (*at, "time"))
        for position, dimension in enumerate(self.source.dimensions):
            self._check_column(dimension, (*at, "dimensions", position))
        if self.request.needs_time:
            self._check_time()
        for dimension in self.request.by:
            self._add_dimension(dimension)
        for metric in metrics:
            self._add_measure(metric, self.tree.measures[metric])

    def columns_without_values(self) -> set[str]:
        """Return the text columns without a single value: a CSV file cannot tell their type."""
        texts = {
            name: column
            for name, column in self.table.columns.items()
            if column.kind is Kind.TEXT and column.name in self.lowering.used
        }
        if not texts:
            return set()
        with reading(self.tree, self.name, self.table.file):
            counts = self.table.frame.select(nw.col(c.name).count() for c in texts.values())
            (row,) = nw.to_native(counts).fetchall()
        return {name for name, count in zip(texts, row, strict=True) if not count}

    def _add_measure(self, metric: str, measure: ResolvedMeasure) -> None:
        lowering = self.lowering
        condition = None
        if measure.where is not None:
            condition = lowering.lower(measure.where, Kind.CONDITION)
            self._note_faults(metric, "where", measure.where)
        formula = measure.aggregate
        name, args = formula.root.value, formula.root.args
        bare = bool(args) and formula.nodes[args[0]].op == "ref"
        if name in ("count", "count_distinct") and args:
            node = formula.nodes[args[0]]
            found = lowering.column if name == "count" else lowering.told_apart
            operand = found(node.value, node)
        elif not args:
            operand = lowering.one
        elif bare and name in _IN_OWN_TYPE:
            node = formula.nodes[args[0]]
            operand = lowering.measured(node.value, node)
        else:
            operand = lowering.lower(formula, Kind.NUMBER, root=args[0])
        rows = lowering.kept(lowering.one, condition)
        column = lowering.kept(operand, condition)
        decimals = None
        if bare and name in ("sum", "mean"):
            exact = lowering.decimals(formula.nodes[args[0]].value)
            decimals = exact and lowering.kept(exact, condition)
        ordered = name == "std" or (name in ("sum", "mean") and not bare)
        if bare and name in ("sum", "mean"):
            source = self.table.columns.get(formula.nodes[args[0]].value)
            ordered = source is not None and source.dtype.is_float()
        self._note_faults(metric, "aggregate", formula)
        self.outputs.append(_Output(metric, measure, column, rows, decimals, ordered))

    def _note_faults(self, metric: str, part: str, formula: Formula) -> None:
        path = ("metrics", metric, "measure", part)
        for fault in self.lowering.faults:
            self.problems.append(
                Diagnostic(
                    fault.code,
                    fault.message,
                    self.tree.places.span_within(path, formula.text, fault.start, fault.end),
                    metric=metric,
                    path=".".join(path),
                    help=fault.help,
                )
            )
        self.lowering.faults.clear()

    def _add_dimension(self, dimension: str) -> None:
        declared = self.source.dimensions
        path = ("sources", self.name)
        if dimension not in declared:
            near = did_you_mean(Suggester(declared).near(dimension))
            listed = f"it has {shown(', '.join(declared), 200)}" if declared else "it has none"
            self._problem(
                "SRC108",
                f"the source '{shown(self.name)}' has no dimension '{shown(dimension)}'",
                near or f"{listed}; list the column under `dimensions`",
                path,
                key=True,
            )
            return
        at = (*path, "dimensions", declared.index(dimension))
        column = self.table.columns.get(dimension)
        if column is None:  # told already
            return
        if column.kind is Kind.OTHER:
            self._problem(
                "SRC107",
                f"the dimension '{shown(dimension)}' has the type {shown(column.type_name)}",
                "rows are grouped by text, numbers, dates, true and false",
                at,
            )
            return
        operand = self.lowering.told_apart(dimension, Node("ref", (), dimension, 0, 0))
        self.dimensions.append(self.lowering.kept(operand, None))

    def _check_time(self) -> None:
        time = self.source.time
        if time is None:
            self._problem(
                "SRC109",
                f"the source '{shown(self.name)}' has no time column",
                "name the column as its `time`, or ask for all time without since and until",
                ("sources", self.name),
                key=True,
            )
            return
        at = ("sources", self.name, "time")
        column = self.table.columns.get(time)
        if column is None:  # told already
            return
        self.lowering.used.add(column.name)
        if column.kind not in (Kind.TIME, Kind.TEXT, Kind.NULL):
            self._problem(
                "SRC107",
                f"the time column '{shown(time)}' has the type {shown(column.type_name)}",
                "it must be a date, a time, or text such as 2026-01-31",
                at,
            )

    def _check_column(self, name: str, at: tuple[str | int, ...]) -> None:
        columns = self.table.columns
        if name not in columns:
            self._problem(
                "SRC106",
                f"the source '{shown(self.name)}' has no column '{shown(name)}'",
                did_you_mean(Suggester(columns).near(name))
                or f"the columns are {shown(', '.join(columns), 200)}",
                at,
            )

    def _no_number(self, name: str) -> Cell | None:
        return self._first_cell(name, is_number)

    def _first_cell(self, name: str, fits: Callable[[str], bool]) -> Cell | None:
        """Return the first cell of a column of a CSV file that does not fit."""
        file, column = self.table.file, self.table.columns[name]
        if file.delimiter is None or column.kind is not Kind.TEXT:
            return None
        return first_cell(file, list(self.table.columns).index(name), fits)

    def _problem(
        self,
        code: str,
        message: str,
        help: str,  # noqa: A002
        at: tuple[str | int, ...],
        *,
        key: bool = False,
    ) -> None:
        span = self.tree.places.span(at, key=key)
        path = ".".join(str(step) for step in at)
        self.problems.append(Diagnostic(code, message, span, path=path, help=help))

    # --- the scan

    def run(self) -> Aggregated:
        """Read the rows of the source, once."""
        checks = list(self._checks())
        keys = [f"k{position}" for position in range(len(self.dimensions))]
        if self.request.needs_time:
            keys.insert(0, "period")
        exprs = []
        for position, output in enumerate(self.outputs):
            root = output.measure.aggregate.root
            x = nw.col(output.column)
            q = output.measure.aggregate.nodes[root.args[1]].value if len(root.args) > 1 else 0.0
            exprs += [
                _AGGREGATES[root.value](x, q).alias(f"v{position}"),
                x.is_null().any().alias(f"null{position}"),
                nw.col(output.rows).count().alias(f"rows{position}"),
                x.count().alias(f"values{position}"),
            ]
            if output.decimals is not None:
                decimals = nw.col(output.decimals)
                exprs += [
                    decimals.sum().alias(f"exact{position}"),
                    decimals.count().alias(f"decimals{position}"),
                ]
        exprs += [check.found.alias(check.name) for check in checks]
        repeatable = not any(one.ordered and one.decimals is None for one in self.outputs)
        rows = self._fetched(keys, exprs, threads=repeatable)
        if repeatable and not self._all_exact(rows):
            rows = self._fetched(keys, exprs, threads=False)
        for check in checks:
            wrong = next((row[check.name] for row in rows if row[check.name]), None)
            if wrong is not None:
                self.problems.append(check.told(wrong))
        self._refuse(self.problems)
        values: dict[Key, Mapping[str, Result]] = {}
        for row in rows:
            key = self._key(row, keys)
            if key in values:  # whatever was done to tell groups apart, no row may vanish
                self._problem(
                    "SRC112",
                    f"two groups of the source '{shown(self.name)}' look the same: "
                    f"{shown(', '.join(map(str, key[1:])), 200)}",
                    "store the dimension as text",
                    ("sources", self.name),
                    key=True,
                )
                break
            if key is not None:
                values[key] = {
                    output.metric: self._value(output, position, row)
                    for position, output in enumerate(self.outputs)
                }
        self._check_unplaced()
        self._refuse(self.problems)
        return Aggregated(values, tuple(self._kinds()))

    def _fetched(
        self, keys: Sequence[str], exprs: Sequence[nw.Expr], *, threads: bool
    ) -> list[dict[str, Any]]:
        """Return the groups; without threads, floats are added in the order of the rows."""
        most = self.tree.limits.rows
        with reading(self.tree, self.name, self.table.file):
            if not threads:
                self.table.connection.execute("set threads = 1")
            frame = self._rows()
            grouped = frame.group_by(keys).agg(*exprs) if keys else frame.select(*exprs)
            native = nw.to_native(grouped.head(most + 1))
            rows = [dict(zip(native.columns, row, strict=True)) for row in native.fetchall()]
        if len(rows) > most:
            message = f"the source '{shown(self.name)}' gives more than {most:,} rows"
            raise SourceError([too_many_rows(message)])
        return rows

    def _all_exact(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Whether all floats that were added up are decimals, which have no order."""
        return all(
            row[f"values{position}"] == row[f"decimals{position}"]
            for position, output in enumerate(self.outputs)
            if output.ordered and output.decimals is not None
            for row in rows
        )

    def _rows(self) -> nw.LazyFrame[Any]:
        """Return the rows of the time span, with all columns that the scan looks at."""
        request, lowering = self.request, self.lowering
        used = {*lowering.used, "day"} if request.needs_time else lowering.used
        frame = self.table.frame.select(*(sorted(used) or ["c0"]))
        if request.needs_time:
            day = nw.col("day")
            # Rows without a time stay: whether one of them counts is asked afterwards.
            if request.since is not None:
                frame = frame.filter(day.is_null() | (day >= nw.lit(request.since)))
            if request.until is not None:
                frame = frame.filter(day.is_null() | (day <= nw.lit(request.until)))
            frame = frame.with_columns(_period(day, request.grain).alias("period"))
        frame = lowering.apply(frame, self._wanted())
        return (
            frame.with_columns(
                nw.col(name).alias(f"k{position}") for position, name in enumerate(self.dimensions)
            )
            if self.dimensions
            else frame
        )

    def _wanted(self) -> Iterator[str]:
        """Return the columns that aggregates, groups and checks look at."""
        for output in self.outputs:
            yield from (output.column, output.rows)
            if output.decimals is not None:
                yield output.decimals
        lowering = self.lowering
        yield from (*self.dimensions, *lowering.finite, *lowering.exact, *lowering.lost)
        if self.request.needs_time:
            assert self.source.time is not None
            yield from ("period", "day", self.table.columns[self.source.time].name)

    def _checks(self) -> Iterator[_Check]:
        """Return what no row may be."""
        where = ("sources", self.name)
        span = self.tree.places.span(where, key=True)
        path = f"sources.{self.name}"

        def fixed(message: str, advice: str) -> Callable[[Any], Diagnostic]:
            return lambda _: Diagnostic("SRC112", message, span, path=path, help=advice)

        for name, column in self.lowering.finite.items():
            values = nw.col(name)
            yield _Check(
                f"infinite_{name}",
                (~values.is_finite() & ~values.is_nan()).any(),
                fixed(f"the column '{shown(column)}' holds infinite numbers", "leave them empty"),
            )
        for name, column in self.lowering.exact.items():
            values = nw.col(name)
            what = "decimals" if self.table.columns[column].dtype == nw.Decimal else "integers"
            yield _Check(
                f"inexact_{name}",
                ((values > 2**53) | (values < -(2**53))).any(),
                fixed(
                    f"the column '{shown(column)}' holds {what} past 2**53",
                    "computing would lose their last digits; compare them with integers, count "
                    "them, or store them in a larger unit",
                ),
            )
        for name, column in self.lowering.lost.items():
            yield _Check(
                f"lost_{name}",
                nw.col(name).any(),
                fixed(
                    f"the column '{shown(column)}' holds integers past 2**53",
                    "computing would lose their last digits; compare them with texts, such as "
                    f"`{shown(column, 40)} == '12345678901234567890'`, or count them",
                ),
            )
        for name, dimension in zip(self.dimensions, self.request.by, strict=False):
            at = self.table.columns[dimension]
            if at.kind is not Kind.TIME:
                continue
            what = f"the dimension '{shown(dimension)}' holds times"
            values = nw.col(name)
            if at.type_name == "TIMESTAMP_NS":
                values = values.cast(nw.Datetime("us"))
                yield _Check(
                    f"finer_{name}",
                    (values != nw.col(name)).any(),
                    fixed(
                        f"{what} finer than microseconds", "store them in microseconds, or as text"
                    ),
                )
            yield _Check(
                f"far_{name}",
                _is_far(values, date if at.dtype == nw.Date else datetime).any(),
                fixed(f"{what} outside of the years 1 to 9999", "leave them empty"),
            )
        time = self.source.time
        if self.request.needs_time and time is not None:
            column_ = self.table.columns[time]
            yield _Check(
                "far_day",
                _is_far(nw.col("day"), date).any(),
                fixed(
                    f"the time column '{shown(time)}' holds days outside of the years 1 to 9999",
                    "leave them empty",
                ),
            )
            if column_.kind is Kind.TEXT:
                text = nw.col(column_.name)
                no_day = nw.when(nw.col("day").is_null()).then(text)
                yield _Check("no_day", no_day.min(), self._no_day)

    def _no_day(self, text: str) -> Diagnostic:
        """Return what is said of a text in the time column, of the first one where it can be."""
        assert self.source.time is not None
        cell = self._first_cell(self.source.time, is_day)
        text, where = (text, "") if cell is None else (cell.text, f" in line {cell.line}")
        what = "texts that are no days"
        advice = "write days as 2026-01-31 or 2026-01-31 10:00:00, without a time zone or in UTC"
        if _OTHER_ZONE.fullmatch(text):
            what = "times of another zone than UTC"
            advice = "write them in UTC, such as 2026-01-31T10:00:00Z; a later version converts"
        at = ("sources", self.name, "time")
        return Diagnostic(
            "SRC107",
            f"the time column '{shown(self.source.time)}' holds {what}: '{shown(text)}'{where}",
            self.tree.places.span(at),
            path=".".join(at),
            help=advice,
        )

    def _key(self, row: Mapping[str, Any], keys: Sequence[str]) -> Key | None:
        """Return the period and the group of a row; ``None`` if it has no place in time."""
        group = [row[key] for key in keys if key != "period"]
        if not self.request.needs_time:
            return (None, *group)
        period = row["period"]
        if period is None:
            for position, output in enumerate(self.outputs):
                self.unplaced[output.metric] += row[f"rows{position}"]
            return None
        return (None if self.request.grain == "all" else period, *group)

    def _check_unplaced(self) -> None:
        found = [f"{count:,} in '{metric}'" for metric, count in self.unplaced.items() if count]
        if not found:
            return
        time = shown(self.source.time)
        more = len(found) - _METRICS_SHOWN
        self._problem(
            "SRC110",
            f"rows that count have no '{time}': {', '.join(found[:_METRICS_SHOWN])}"
            + (f" and some in {more:,} more" if more > 0 else ""),
            f"leave them out with `where: not is_missing({time})`, or ask for all time",
            ("sources", self.name, "time"),
        )

    def _value(self, output: _Output, position: int, row: Mapping[str, Any]) -> Result:
        value = row[f"v{position}"]
        if value is None:
            return Rule.TOO_FEW if row[f"values{position}"] else empty_result(output.measure)
        if output.measure.aggregate.root.value == "count_distinct" and row[f"null{position}"]:
            value -= 1  # null counts as a value there, and not here
        exact = self._exact(output, position, row)
        if exact is not None:
            return exact
        number = _as_float(value)
        if number is None:
            what = "integer" if isinstance(value, int) else "decimal"
            self._problem(
                "SRC112",
                f"'{output.metric}' is the {what} {value}: a float64 loses its last digits",
                f"count in a larger unit, for example {output.measure.aggregate.root.value}(x / "
                f"{number_text(1000.0)})",
                ("metrics", output.metric, "measure"),
            )
            return Rule.NO_VALUES  # never seen: the run is refused
        return number

    def _exact(self, output: _Output, position: int, row: Mapping[str, Any]) -> float | None:
        """Return the sum or mean of decimals, rounded once, if all values are some."""
        if output.decimals is None or not row[f"values{position}"]:
            return None
        count = row[f"values{position}"]
        if count != row[f"decimals{position}"]:
            return None
        total = Fraction(row[f"exact{position}"])
        return float(total / count if output.measure.aggregate.root.value == "mean" else total)

    def _kinds(self) -> Iterator[Any]:
        for dimension in self.request.by:
            column = self.table.columns[dimension]
            if column.label:  # texts of a file tell more than their numbers
                yield Kind.TEXT
            elif column.kind is Kind.TIME:
                yield column.type_name
            else:  # a decimal is mostly no float: 0.1 is not
                yield "decimals" if column.dtype == nw.Decimal else column.kind

    def _refuse(self, problems: Sequence[Diagnostic]) -> None:
        if problems:
            raise SourceError(problems)


def _unknown(_: str) -> None:
    """Tell no cell."""


def _period(day: nw.Expr, grain: str) -> nw.Expr:
    """Return the first day of the period that a day lies in."""
    if grain == "day":
        return day
    if grain == "all":
        return nw.when(~day.is_null()).then(nw.lit(_ONE))
    if grain == "week":  # narwhals does not truncate to weeks on DuckDB; a date less days is a date
        return day - (day.dt.weekday() - 1).cast(nw.Int32)
    # Some versions of DuckDB truncate a date to a timestamp.
    return day.dt.truncate(_UNITS[grain]).cast(nw.Date)


def _is_far(values: nw.Expr, kind: type[date]) -> nw.Expr:
    """Whether Python has no such day; it would make the last one of infinity."""
    return (values > nw.lit(kind.max)) | (values < nw.lit(kind.min))


def _as_float(value: float | Decimal) -> Result | None:
    """Return what an aggregate gives as a float64; ``None`` if it loses digits before the point."""
    number = float(value)
    if not math.isfinite(number):
        return Rule.OVERFLOW
    if not isinstance(value, float) and abs(value) > 2**53 and value != number:
        return None
    return number + 0.0
