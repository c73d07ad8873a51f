"""Measures and dimensions of one source -> the columns that a scan of it has to compute."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.frames.rows import MOST_WHOLE, Kind, Lowering
from metrictree.formula import Node
from metrictree.formula.parser import span_in
from metrictree.measures.cells import first_cell, is_number
from metrictree.measures.parts import DIGITS, Output, is_short
from metrictree.measures.sources import reading
from metrictree.names import Suggester, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from metrictree.engines.frames.rows import Cell, Operand
    from metrictree.formula import Formula
    from metrictree.measures.request import Request
    from metrictree.measures.table import Table
    from metrictree.resolved import ResolvedMeasure, ResolvedTree

__all__ = ["Preparation"]

_IN_OWN_TYPE: Final = ("sum", "mean", "min", "max")
"""Aggregates of a bare column that are best computed in the column's own data type: decimals and
integers are then added exactly, and rounded to float64 once."""
_SEEN: Final = 1_000
"""Rows that tell how the floats of a column were written."""


class Preparation:
    """What one scan of a source has to compute, and what is wrong with it."""

    def __init__(
        self,
        tree: ResolvedTree,
        name: str,
        table: Table,
        request: Request,
        *,
        look: bool = False,
        digits: Mapping[str, tuple[int, ...]] | None = None,
        trusting: bool = True,
    ) -> None:
        self.tree = tree
        self.name = name
        self.source = tree.spec.sources[name]
        self.table = table
        self.request = request
        self.problems: list[Diagnostic] = []
        # The file is looked through only when it is known that something is wrong.
        no_number = cache(self._no_number) if look else _unknown
        self.lowering = Lowering(table.columns, table.library.engine, no_number)
        self.outputs: list[Output] = []
        self.dimensions: list[str] = []
        self.digits = dict(digits or {})
        """The decimal places that columns of floats are added up with; one is sure to do."""
        self.trusting = trusting
        """Whether floats are supposed to be neither infinite nor NaN, and to be written like the
        first ones. If they are not, it shows in what a scan finds, and rows are read `again`."""
        self.unfit: dict[str, tuple[str, str]] = {}
        """For columns that are added up with one place: the values, and those that fit, by the
        name in the source."""
        self.few: int | None = None
        """Groups of the dimensions among the first rows; ``None`` if nobody has looked."""
        self.metrics: Sequence[str] = ()
        self.where: str | None = None
        """The column of what the run says that rows must fulfil."""

    def prepare(self, metrics: Sequence[str]) -> None:
        """Lower the measures; note all that is wrong with them, and with what is declared."""
        self.metrics = metrics
        at = ("sources", self.name)
        if self.source.time is not None:
            self._check_column(self.source.time, (*at, "time"))
        for position, dimension in enumerate(self.source.dimensions):
            self._check_column(dimension, (*at, "dimensions", position))
        if self.request.needs_time:
            self._check_time()
        for dimension in self.request.by:
            self._add_dimension(dimension)
        if self.request.where is not None:
            self._add_where(self.request.where)
        self._look_at_first_rows()
        self.lowering.trusting = self.trusting
        for metric in metrics:
            self._add_measure(metric, self.tree.measures[metric])

    def again(self) -> Preparation:
        """Return the same for floats of any kind."""
        digits = {**self.digits, **dict.fromkeys(self.unfit, DIGITS)}
        again = Preparation(
            self.tree, self.name, self.table, self.request, digits=digits, trusting=False
        )
        again.prepare(self.metrics)
        return again

    def columns_without_values(self) -> set[str]:
        """Return the text columns without a single value: a CSV file cannot tell their type."""
        texts = {
            name: column
            for name, column in self.table.columns.items()
            if column.kind is Kind.TEXT and column.name in self.lowering.used
        }
        if not texts:
            return set()
        counts = self.table.frame.select(nw.col(c.name).count() for c in texts.values())
        (row,) = self.fetched(counts)
        return {name for name, count in zip(texts, row, strict=True) if not count}

    def fetched(self, frame: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
        """Run the query of a frame that was made of the source's."""
        with reading(self.tree, self.name, self.table.origin, self.table.file):
            return self.table.library.rows(frame.to_native())

    def _add_where(self, where: Formula) -> None:
        condition = self.lowering.lower(where, Kind.CONDITION)
        for fault in self.lowering.faults:
            span = span_in(where.text, fault.start, fault.end, "where")
            message = f"{fault.message} (in the source '{shown(self.name)}')"
            self.problems.append(Diagnostic(fault.code, message, span, fix=fault.fix))
        self.lowering.faults.clear()
        self.where = self.lowering.kept(condition)

    def _add_measure(self, metric: str, measure: ResolvedMeasure) -> None:
        lowering = self.lowering
        where = () if measure.where is None else self._conditions(metric, measure.where)
        formula = measure.aggregate
        name, args = formula.root.value, formula.root.args
        bare = bool(args) and formula.nodes[args[0]].op == "ref"
        whole = False
        places: tuple[int, ...] = ()
        operand: Operand | None = None
        if name in ("count", "count_distinct") and args:
            node = formula.nodes[args[0]]
            found = lowering.column if name == "count" else lowering.told_apart
            operand = found(node.value, node)
        elif bare and name in _IN_OWN_TYPE:
            node = formula.nodes[args[0]]
            operand = lowering.measured(node.value, node)
            column = self.table.columns.get(node.value)
            if column is not None and column.kind is Kind.NUMBER:
                whole = not column.dtype.is_float()
                places = self.digits.get(node.value, ()) if name in ("sum", "mean") else ()
        elif args:
            operand = lowering.lower(formula, Kind.NUMBER, root=args[0])
        self._note_faults(metric, "aggregate", formula)
        values = "" if operand is None else lowering.kept(operand)
        wholes = []
        left = operand
        for digits in places:
            assert left is not None
            fits = lowering.whole(left, digits)
            wholes.append((digits, lowering.kept(fits)))
            left = lowering.unless(left, fits)
        if len(wholes) == 1:
            self.unfit[formula.nodes[args[0]].value] = values, wholes[0][1]
        self.outputs.append(
            Output(
                metric,
                name,
                formula.nodes[args[1]].value if len(args) > 1 else 0.5,
                values,
                where,
                whole,
                tuple(wholes),
                certain=len(wholes) == 1,
            )
        )

    def _conditions(self, metric: str, where: Formula) -> tuple[str, ...]:
        """Return the columns that hold, all of them, in the rows that count."""
        lowering = self.lowering
        lowering.lower(where, Kind.CONDITION)
        if lowering.faults:
            self._note_faults(metric, "where", where)
            return ()
        last = len(where.nodes) - 1
        parts = (lowering.lower(where, Kind.CONDITION, root=root) for root in _joined(where, last))
        return tuple(dict.fromkeys(map(lowering.kept, parts)))

    def _look_at_first_rows(self) -> None:
        """Find out which floats that are added up were written as short decimals, such as money.

        The first rows tell how many groups there may be as well.
        """
        added = {}
        for metric in self.metrics:
            formula = self.tree.measures[metric].aggregate
            name, args = formula.root.value, formula.root.args
            node = formula.nodes[args[0]] if args else None
            if name in ("sum", "mean") and node is not None and node.op == "ref":
                column = self.table.columns.get(node.value)
                if column is not None and column.dtype == nw.Float64:
                    added[node.value] = column.name
        unknown = [name for name in added if name not in self.digits]
        columns = [added[name] for name in unknown]
        known = self.table.columns
        keys = [known[name].name for name in self.request.by if name in known]
        conditional = any(self.tree.measures[metric].where is not None for metric in self.metrics)
        if not columns and not (keys and conditional):
            return
        if self.table.library.stays:
            for name, seen in zip(unknown, self._counted(columns), strict=True):
                self.digits[name] = _places(*seen)
            return
        wanted = dict.fromkeys([*columns, *keys])
        rows = self.fetched(self.table.frame.select(*wanted).head(_SEEN))
        found = dict(zip(wanted, zip(*rows, strict=True), strict=True)) if rows else {}
        for name, values in zip(unknown, columns, strict=True):
            self.digits[name] = _written([x for x in found.get(values, ()) if x is not None])
        self.few = len(set(zip(*(found.get(key, ()) for key in keys), strict=True))) if keys else 1

    def _counted(self, columns: Sequence[str]) -> Iterator[Sequence[int]]:
        """Count floats of the first rows where they are: all, those of two digits, those of few."""
        if not columns:
            return
        counts: list[nw.Expr] = []
        for column in columns:
            x = nw.col(column)
            short = [
                (x.abs() < MOST_WHOLE / 10.0**digits)
                & ((x * 10.0**digits).round(0) / 10.0**digits == x)
                for digits in DIGITS
            ]
            any_short = nw.any_horizontal(*short, ignore_nulls=True)
            found = (x, nw.when(short[0]).then(x), nw.when(any_short).then(x))
            counts += [one.alias(f"n{len(counts) + at}") for at, one in enumerate(found)]
        frame = self.table.frame.select(*dict.fromkeys(columns)).head(_SEEN).select(*counts)
        (row,) = self.fetched(frame.select(nw.col(f"n{at}").count() for at in range(len(counts))))
        for at in range(0, len(row), 3):
            yield row[at : at + 3]

    def rows(self, frame: nw.LazyFrame[Any], wanted: Iterable[str]) -> nw.LazyFrame[Any]:
        """Return rows of the source with the columns that are wanted: its own, and computed ones.

        Rows that the run does not want are left out.
        """
        if self.where is None:
            return self.lowering.apply(frame, wanted)
        return self.lowering.apply(frame, (*wanted, self.where)).filter(nw.col(self.where))

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
                    fix=fault.fix,
                )
            )
        self.lowering.faults.clear()

    def _add_dimension(self, dimension: str) -> None:
        declared = self.source.dimensions
        path = ("sources", self.name)
        if dimension not in declared:
            near = did_you_mean(Suggester(declared).near(dimension))
            listed = f"it has {shown(', '.join(declared), 200)}" if declared else "it has none"
            self.problem(
                "SRC108",
                f"the source '{shown(self.name)}' has no dimension '{shown(dimension)}'",
                "name each dimension by itself: --by a --by b"
                if "," in dimension
                else near or f"{listed}; list the column under `dimensions`",
                path,
                key=True,
            )
            return
        at = (*path, "dimensions", declared.index(dimension))
        column = self.table.columns.get(dimension)
        if column is None:  # told already
            return
        if column.kind is Kind.OTHER:
            self.problem(
                "SRC107",
                f"the dimension '{shown(dimension)}' has the type {shown(column.type_name)}",
                "rows are grouped by text, numbers, dates, true and false",
                at,
            )
            return
        operand = self.lowering.told_apart(dimension, Node("ref", (), dimension, 0, 0))
        self.dimensions.append(self.lowering.kept(operand))

    def _check_time(self) -> None:
        time = self.source.time
        if time is None:
            self.problem(
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
            self.problem(
                "SRC107",
                f"the time column '{shown(time)}' has the type {shown(column.type_name)}",
                "it must be a date, a time, or text such as 2026-01-31",
                at,
            )

    def _check_column(self, name: str, at: tuple[str | int, ...]) -> None:
        columns = self.table.columns
        if name not in columns:
            self.problem(
                "SRC106",
                f"the source '{shown(self.name)}' has no column '{shown(name)}'",
                did_you_mean(Suggester(columns).near(name))
                or f"the columns are {shown(', '.join(columns), 200)}",
                at,
            )

    def _no_number(self, name: str) -> Cell | None:
        return self.first_cell(name, is_number)

    def first_cell(self, name: str, fits: Callable[[str], bool]) -> Cell | None:
        """Return the first cell of a column of a CSV file that does not fit."""
        file, column = self.table.file, self.table.columns[name]
        if file is None or column.kind is not Kind.TEXT:
            return None
        return first_cell(file, name, fits)

    def problem(
        self,
        code: str,
        message: str,
        fix: str,
        at: tuple[str | int, ...],
        *,
        key: bool = False,
    ) -> None:
        """Note a problem at a place of the tree."""
        span = self.tree.places.span(at, key=key)
        path = ".".join(str(step) for step in at)
        self.problems.append(Diagnostic(code, message, span, path=path, fix=fix))


def _written(values: Sequence[float]) -> tuple[int, ...]:
    """Return the decimal places of floats that are written as these are; none if few are short."""
    cents = sum(is_short(x, 2) for x in values)
    if cents * 2 >= len(values):  # most often; the rest need not be looked at
        return _places(len(values), cents, cents)
    short = sum(any(is_short(x, place) for place in DIGITS) for x in values)
    return _places(len(values), cents, short)


def _places(count: int, cents: int, short: int) -> tuple[int, ...]:
    """Return decimal places for floats of which some have two digits, or few."""
    if cents * 2 >= count:  # as most money
        return (2,)
    return DIGITS if short * 2 >= count else ()


def _joined(formula: Formula, root: int) -> Iterator[int]:
    """Yield the nodes that must all hold for a node to hold."""
    waiting = [root]
    while waiting:
        node = formula.nodes[waiting[-1]]
        if node.op == "and":
            waiting[-1:] = reversed(node.args)
        else:
            yield waiting.pop()


def _unknown(_: str) -> None:
    """Tell no cell."""
