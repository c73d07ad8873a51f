"""Measures and dimensions of one source -> the columns that a scan of it has to compute."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import narwhals as nw

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.frames.rows import Kind, Lowering
from metrictree.formula import Node
from metrictree.measures.cells import first_cell, is_number
from metrictree.measures.sources import Table, reading
from metrictree.names import Suggester, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metrictree.engines.frames.rows import Cell
    from metrictree.formula import Formula
    from metrictree.measures.request import Request
    from metrictree.resolved import ResolvedMeasure, ResolvedTree

__all__ = ["Output", "Preparation"]

_IN_OWN_TYPE: Final = ("sum", "mean", "min", "max")
"""Aggregates of a bare column that DuckDB computes best in the column's own data type: decimals
and integers are then summed exactly, and rounded to float64 once."""


class Output(NamedTuple):
    """A measure in the scan: its column of values, and the one of the rows that count."""

    metric: str
    measure: ResolvedMeasure
    column: str
    rows: str
    decimals: str | None
    """The column of the same values as decimals, for a sum or mean that is exact."""
    ordered: bool
    """Whether floats are added up, of which the last digits depend on the order."""


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
    ) -> None:
        self.tree = tree
        self.name = name
        self.source = tree.spec.sources[name]
        self.table = table
        self.request = request
        self.problems: list[Diagnostic] = []
        # The file is looked through only when it is known that something is wrong.
        self.lowering = Lowering(table.columns, cache(self._no_number) if look else _unknown)
        self.outputs: list[Output] = []
        self.dimensions: list[str] = []

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
        self.outputs.append(Output(metric, measure, column, rows, decimals, ordered))

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
            self.problem(
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
            self.problem(
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
        if file.delimiter is None or column.kind is not Kind.TEXT:
            return None
        return first_cell(file, list(self.table.columns).index(name), fits)

    def problem(
        self,
        code: str,
        message: str,
        help: str,  # noqa: A002
        at: tuple[str | int, ...],
        *,
        key: bool = False,
    ) -> None:
        """Note a problem at a place of the tree."""
        span = self.tree.places.span(at, key=key)
        path = ".".join(str(step) for step in at)
        self.problems.append(Diagnostic(code, message, span, path=path, help=help))


def _unknown(_: str) -> None:
    """Tell no cell."""
