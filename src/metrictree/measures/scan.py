"""One scan of a source: its measures for each period and group, all at once."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from metrictree.diagnostics import shown
from metrictree.engines.frames.rows import Kind
from metrictree.errors import SourceError
from metrictree.formula.meaning import Rule
from metrictree.formula.printer import number_text
from metrictree.measures.checks import checks
from metrictree.measures.request import Aggregated, Key, Result, empty_result, too_many_rows
from metrictree.measures.sources import reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from metrictree.measures.prepare import Output, Preparation

__all__ = ["Scan"]

_ONE: Final = date(2000, 1, 1)
"""Stands for all time, where rows without a time are told from the rest."""
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


class Scan:
    """Reads the rows of a source that was prepared, and makes values of what comes back."""

    def __init__(self, prepared: Preparation) -> None:
        self.prepared = prepared
        self.unplaced: Counter[str] = Counter()
        """Rows that a metric counts and that have no time."""

    def run(self) -> Aggregated:
        """Read the rows of the source, once."""
        found = list(checks(self.prepared))
        keys = [f"k{position}" for position in range(len(self.prepared.dimensions))]
        if self.prepared.request.needs_time:
            keys.insert(0, "period")
        exprs = []
        for position, output in enumerate(self.prepared.outputs):
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
        exprs += [check.found.alias(check.name) for check in found]
        repeatable = not any(one.ordered and one.decimals is None for one in self.prepared.outputs)
        rows = self._fetched(keys, exprs, threads=repeatable)
        if repeatable and not self._all_exact(rows):
            rows = self._fetched(keys, exprs, threads=False)
        for check in found:
            wrong = next((row[check.name] for row in rows if row[check.name]), None)
            if wrong is not None:
                self.prepared.problems.append(check.told(wrong))
        self._refuse()
        values: dict[Key, Mapping[str, Result]] = {}
        for row in rows:
            key = self._key(row, keys)
            if key in values:  # whatever was done to tell groups apart, no row may vanish
                self.prepared.problem(
                    "SRC112",
                    f"two groups of the source '{shown(self.prepared.name)}' look the same: "
                    f"{shown(', '.join(map(str, key[1:])), 200)}",
                    "store the dimension as text",
                    ("sources", self.prepared.name),
                    key=True,
                )
                break
            if key is not None:
                values[key] = {
                    output.metric: self._value(output, position, row)
                    for position, output in enumerate(self.prepared.outputs)
                }
        self._check_unplaced()
        self._refuse()
        return Aggregated(values, tuple(self._kinds()))

    def _fetched(
        self, keys: Sequence[str], exprs: Sequence[nw.Expr], *, threads: bool
    ) -> list[dict[str, Any]]:
        """Return the groups; without threads, floats are added in the order of the rows."""
        most = self.prepared.tree.limits.rows
        with reading(self.prepared.tree, self.prepared.name, self.prepared.table.file):
            if not threads:
                self.prepared.table.connection.execute("set threads = 1")
            frame = self._rows()
            grouped = frame.group_by(keys).agg(*exprs) if keys else frame.select(*exprs)
            native = nw.to_native(grouped.head(most + 1))
            rows = [dict(zip(native.columns, row, strict=True)) for row in native.fetchall()]
        if len(rows) > most:
            message = f"the source '{shown(self.prepared.name)}' gives more than {most:,} rows"
            raise SourceError([too_many_rows(message)])
        return rows

    def _all_exact(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Whether all floats that were added up are decimals, which have no order."""
        return all(
            row[f"values{position}"] == row[f"decimals{position}"]
            for position, output in enumerate(self.prepared.outputs)
            if output.ordered and output.decimals is not None
            for row in rows
        )

    def _rows(self) -> nw.LazyFrame[Any]:
        """Return the rows of the time span, with all columns that the scan looks at."""
        request, lowering = self.prepared.request, self.prepared.lowering
        used = {*lowering.used, "day"} if request.needs_time else lowering.used
        frame = self.prepared.table.frame.select(*(sorted(used) or ["c0"]))
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
                nw.col(name).alias(f"k{position}")
                for position, name in enumerate(self.prepared.dimensions)
            )
            if self.prepared.dimensions
            else frame
        )

    def _wanted(self) -> Iterator[str]:
        """Return the columns that aggregates, groups and checks look at."""
        for output in self.prepared.outputs:
            yield from (output.column, output.rows)
            if output.decimals is not None:
                yield output.decimals
        lowering = self.prepared.lowering
        yield from (*self.prepared.dimensions, *lowering.finite, *lowering.exact, *lowering.lost)
        if self.prepared.request.needs_time:
            assert self.prepared.source.time is not None
            yield from (
                "period",
                "day",
                self.prepared.table.columns[self.prepared.source.time].name,
            )

    def _key(self, row: Mapping[str, Any], keys: Sequence[str]) -> Key | None:
        """Return the period and the group of a row; ``None`` if it has no place in time."""
        group = [row[key] for key in keys if key != "period"]
        if not self.prepared.request.needs_time:
            return (None, *group)
        period = row["period"]
        if period is None:
            for position, output in enumerate(self.prepared.outputs):
                self.unplaced[output.metric] += row[f"rows{position}"]
            return None
        return (None if self.prepared.request.grain == "all" else period, *group)

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

    def _value(self, output: Output, position: int, row: Mapping[str, Any]) -> Result:
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
            self.prepared.problem(
                "SRC112",
                f"'{output.metric}' is the {what} {value}: a float64 loses its last digits",
                f"count in a larger unit, for example {output.measure.aggregate.root.value}(x / "
                f"{number_text(1000.0)})",
                ("metrics", output.metric, "measure"),
            )
            return Rule.NO_VALUES  # never seen: the run is refused
        return number

    def _exact(self, output: Output, position: int, row: Mapping[str, Any]) -> float | None:
        """Return the sum or mean of decimals, rounded once, if all values are some."""
        if output.decimals is None or not row[f"values{position}"]:
            return None
        count = row[f"values{position}"]
        if count != row[f"decimals{position}"]:
            return None
        total = Fraction(row[f"exact{position}"])
        return float(total / count if output.measure.aggregate.root.value == "mean" else total)

    def _kinds(self) -> Iterator[Any]:
        for dimension in self.prepared.request.by:
            column = self.prepared.table.columns[dimension]
            if column.label:  # texts of a file tell more than their numbers
                yield Kind.TEXT
            elif column.kind is Kind.TIME:
                yield column.type_name
            else:  # a decimal is mostly no float: 0.1 is not
                yield "decimals" if column.dtype == nw.Decimal else column.kind

    def _refuse(self) -> None:
        if self.prepared.problems:
            raise SourceError(self.prepared.problems)


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


def _as_float(value: float | Decimal) -> Result | None:
    """Return what an aggregate gives as a float64; ``None`` if it loses digits before the point."""
    number = float(value)
    if not math.isfinite(number):
        return Rule.OVERFLOW
    if not isinstance(value, float) and abs(value) > 2**53 and value != number:
        return None
    return number + 0.0
