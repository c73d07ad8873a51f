"""A plan on a lazy frame: columns are found by their names, and layers computed over them.

No query is run unless ``strict`` or functions over time ask for one. Without a query nobody can see
what stands in a column: there an infinite number, and an integer of which float64 may lose digits
(past 2**53), is missing, and the `range` of a metric is not looked at. With ``strict`` they are
errors as everywhere.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import narwhals as nw

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.frames.layers import EXACT, Periods, Term, lower, number
from metrictree.engines.frames.libraries import LIBRARIES, NULL_TYPES, rows_of
from metrictree.engines.frames.periods import on_periods
from metrictree.engines.naming import find_columns, no_numbers
from metrictree.errors import ComputeError
from metrictree.formula.printer import number_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from metrictree.engines.base import FrameRequest
    from metrictree.engines.frames.layers import Lowered, Selection
    from metrictree.engines.frames.libraries import Library
    from metrictree.plan import Plan
    from metrictree.resolved import ResolvedTree

__all__ = ["compute_lazy"]

KEPT: Final = 8
"""Sets of columns for which a plan remembers its layers."""


def compute_lazy(
    tree: ResolvedTree, plan: Plan, frame: nw.LazyFrame[Any], request: FrameRequest
) -> Any:
    """Return a native lazy frame with a column for each target beside its own.

    Raises:
        ComputeError: columns are unknown, absent or of another type than numbers; periods are
            missing or doubled; the engine cannot compute this; or, if asked for, a value is
            missing or an input out of bounds.
    """
    return _Computation(tree, plan, frame, request).result()


class _Layers:
    """The layers of a plan, ready for any frame of the same columns."""

    def __init__(
        self, library: Library, native: Any, lowered: Lowered, selections: list[Selection]
    ) -> None:
        self.lowered = lowered
        # All columns are kept, so the first one selects all that the frame has.
        self.selections = selections[1:]
        self.exprs: list[Sequence[Any]] = []
        if library.exprs is not None:
            self.exprs = [library.exprs(native, one.exprs()) for one in self.selections]

    def of(self, frame: nw.LazyFrame[Any]) -> Any:
        """Return a native frame."""
        for selection, exprs in zip_longest(self.selections, self.exprs):
            if exprs is None:
                frame = selection.of(frame)
            else:
                native = selection.prepared(frame).to_native()
                frame = nw.from_native(native.select(*exprs))
        return frame.to_native()


class _Computation:
    """One plan on one frame."""

    def __init__(
        self, tree: ResolvedTree, plan: Plan, frame: nw.LazyFrame[Any], request: FrameRequest
    ) -> None:
        self.tree = tree
        self.plan = plan
        self.library = LIBRARIES[frame.implementation.value]
        self.names = self.library.names(frame.to_native())
        """The columns as the caller names them."""
        self.called = _Called(tree.metrics if self.library.folds else ())
        """What a name is called, whatever its case."""
        called = [self.called[name] for name in self.names]
        self.request = replace(
            request,
            columns={metric: self.called[name] for metric, name in request.columns.items()},
            time=request.time and self.called[request.time],
            by=tuple(dict.fromkeys(self.called[name] for name in request.by)),
        )
        self.frame, self.columns = self._with_plain_names(frame)
        """The frame to compute on, and its columns in order."""
        self.types = dict(zip(self.columns, self.frame.collect_schema().values(), strict=True))
        native_types = self.library.types(self.frame.to_native())
        self.native_types = dict(zip(self.columns, native_types, strict=True))
        self.of = dict(zip(called, self.columns, strict=True))
        """The columns by what they are called."""
        self.groups: dict[str, str] = {}
        """Dimensions of floats by the column in which NaN is null."""

    def result(self) -> Any:
        """Return the frame with what is computed, under the names that the caller knows."""
        found, problems = find_columns(
            self.tree, self.plan, [self.called[name] for name in self.names], self.request
        )
        problems += self._check_types(found)
        if problems:
            raise ComputeError(problems)
        inputs = {metric: self.of[name] for metric, name in found.items()}
        periods = self._periods()
        if periods is not None:
            self.frame = self._on_periods(periods)
        key = (tuple(inputs.items()), *map(tuple, (self.columns, self.names)), periods)
        types = tuple(str(self.types[column]) for column in inputs.values())
        known = self.plan.engines.setdefault(("lazy", self.library.title), {})
        layers = known.get((key, types))
        if layers is None:
            while len(known) >= KEPT:
                known.pop(next(iter(known)), None)
            layers = known[key, types] = self._layers(found, inputs, periods)
        if self.request.strict:
            self._check_values(inputs, layers.lowered)
        native = layers.of(self.frame)
        if self.columns is self.names:
            return native
        assert self.library.rename is not None
        added = [target for target in self.plan.targets if found.get(target) != target]
        return self.library.rename(native, [*self.names, *added])

    # --- names

    def _with_plain_names(self, frame: nw.LazyFrame[Any]) -> tuple[nw.LazyFrame[Any], list[str]]:
        """Give the columns other names, if these cannot be used in expressions."""
        names = [*self.names, *self.plan.targets]
        folded = {name.lower() for name in self.names} if self.library.folds else self.names
        distinct, plain = len(folded) == len(self.names), self.library.plain.fullmatch
        if self.library.rename is None or (distinct and all(map(plain, names))):
            return frame, self.names
        names = [f"column_{place}" for place in range(len(self.names))]
        return nw.from_native(self.library.rename(frame.to_native(), names)), names

    # --- inputs

    def _check_types(self, found: Mapping[str, str]) -> Iterator[Diagnostic]:
        for metric, name in found.items():
            column = self.of[name]
            if not self.types[column].is_numeric() and self.native_types[column] not in NULL_TYPES:
                yield no_numbers(self.tree, metric, name, self.native_types[column])

    def _terms(self, inputs: Mapping[str, str]) -> dict[str, Term]:
        """Return what each leaf is."""
        terms = {}
        for metric in self.plan.leaves:
            column = inputs.get(metric)
            if column is None:
                terms[metric] = Term(self.tree.metrics[metric].value)
            elif self.types[column].is_numeric():
                terms[metric] = number(column, self.types[column])
            else:
                terms[metric] = Term(None)
        return terms

    def _layers(
        self, found: Mapping[str, str], inputs: Mapping[str, str], periods: Periods | None
    ) -> _Layers:
        """Return the plan in layers, which are made once for all frames of the same columns."""
        dots = not self.library.folds or self.library.rename is None
        lowered = lower(
            self.plan,
            self._terms(inputs),
            names=lambda metric: metric if dots else metric.replace(".", "__"),
            taken=(*self.columns, *self.groups),
            engine=self.library.engine,
            periods=periods,
            inline=True,
        )
        added = [target for target in self.plan.targets if found.get(target) != target]
        outputs = {
            target if self.columns is self.names else f"target_{place}": lowered.outputs[target]
            for place, target in enumerate(added)
        }
        depth = len(lowered.layers)
        if depth > self.library.most_layers:
            raise ComputeError(
                [
                    Diagnostic(
                        "VAL117",
                        f"these targets are {depth:,} operations on top of each other, and "
                        f"{self.library.title} takes no more than {self.library.most_layers:,}",
                        fix="give the data as a frame in memory, or choose targets that need less",
                    )
                ]
            )
        selections = lowered.layers.selections(self.columns, outputs)
        return _Layers(self.library, self.frame.to_native(), lowered, selections)

    # --- time

    def _periods(self) -> Periods | None:
        request = self.request
        if request.time is None or not (self.plan.over_time or request.fill):
            return None
        by = [self.of[name] for name in request.by]
        return Periods(self.of[request.time], tuple(map(self._dimension, by)))

    def _dimension(self, column: str) -> str:
        """Return the column that groups go by: of floats another one, in which NaN is null."""
        if not self.types[column].is_float():
            return column
        taken = {name.lower() for name in (*self.columns, *self.plan.targets)}
        name = f"group_of_{self.columns.index(column)}"
        while name in taken:
            name += "_"
        self.groups[name] = column
        return name

    def _on_periods(self, periods: Periods) -> nw.LazyFrame[Any]:
        """Return the frame with groups of floats, and rows for periods that are to be filled."""
        floats = [(name, nw.col(column)) for name, column in self.groups.items()]
        there = [nw.when(~column.is_nan()).then(column).alias(name) for name, column in floats]
        frame = self.frame.with_columns(*there) if there else self.frame
        called = dict(zip(self.columns, self.names, strict=True))
        names = {key: called[self.groups.get(key, key)] for key in (periods.time, *periods.by)}
        frame = on_periods(frame, periods, names, self.request, self.tree.limits.rows)
        if floats and self.request.fill:  # the groups of rows that were added
            frame = frame.with_columns(
                *(nw.coalesce(nw.col(column), nw.col(name)) for name, column in self.groups.items())
            )
        return frame

    # --- strict

    def _check_values(self, inputs: Mapping[str, str], lowered: Lowered) -> None:
        """Refuse inputs out of bounds, and missing values: one query tells the first of all."""
        checks = [*self._input_checks(inputs)]
        targets = list(self.plan.targets)
        outputs = {f"target_{place}": lowered.outputs[it] for place, it in enumerate(targets)}
        keep = dict.fromkeys(check.column for check in checks)
        frame = self.frame
        for selection in lowered.layers.selections(keep, outputs):
            frame = selection.of(frame)
        counts = [_count(nw.col(name).is_null()).alias(name) for name in outputs]
        wrong = [_count(check.wrong).alias(f"check_{at}") for at, check in enumerate(checks)]
        (row,) = rows_of(frame.select(*counts, *wrong))
        problems = [
            replace(check.told, message=f"{check.told.message} in {_rows(count)}")
            for check, count in zip(checks, row[len(counts) :], strict=True)
            if count
        ]
        problems = problems or [
            Diagnostic(
                "VAL109",
                f"the metric '{target}' is missing in {_rows(count)}",
                self.tree.places.span(("metrics", target), key=True),
                metric=target,
                fix="`diagnose=True` tells why; handle the case in the formula, or compute "
                "without strict",
            )
            for target, count in zip(targets, row, strict=False)
            if count
        ]
        if problems:
            raise ComputeError(problems)

    def _input_checks(self, inputs: Mapping[str, str]) -> Iterator[_Check]:
        """Yield what no input may be."""
        for metric, name in inputs.items():
            dtype, column = self.types[name], nw.col(name)
            if not dtype.is_numeric():
                continue
            value = column.cast(nw.Float64)
            if dtype.is_float():
                value = nw.when(~value.is_nan()).then(value)
                told = ("VAL105", "is not finite", "give finite numbers, or null for missing")
                yield self._check((metric, name), ~value.is_finite(), *told)
            elif dtype in (nw.Int64, nw.Int128, nw.UInt64, nw.UInt128):
                lost = column > EXACT
                if dtype in (nw.Int64, nw.Int128):
                    lost |= column < -EXACT
                told = ("VAL105", "holds a whole number past 2**53", "count in a larger unit")
                yield self._check((metric, name), lost, *told)
            low, high = self.tree.metrics[metric].range or (None, None)
            outside = [] if low is None else [value < low]
            outside += [] if high is None else [value > high]
            if outside:
                ends = [number_text(end) if end is not None else "any" for end in (low, high)]
                what = f"is outside of its range [{', '.join(ends)}]"
                wrong = nw.any_horizontal(*outside, ignore_nulls=True)
                told = ("VAL106", what, "check the numbers, or widen `range`")
                yield self._check((metric, name), wrong, *told)

    def _check(
        self, at: tuple[str, str], wrong: nw.Expr, code: str, what: str, advice: str
    ) -> _Check:
        metric, name = at
        called = self.names[self.columns.index(name)]
        span = self.tree.places.span(("metrics", metric), key=True)
        message = f"the column '{shown(called)}' {what}"
        return _Check(name, wrong, Diagnostic(code, message, span, metric=metric, fix=advice))


class _Check(NamedTuple):
    """What no row may be."""

    column: str
    wrong: nw.Expr
    told: Diagnostic


class _Called(dict[str, str]):
    """What names are called: a metric by its id, whatever its case, and all others as they are."""

    def __init__(self, metrics: Iterable[str] = ()) -> None:
        super().__init__((metric.lower(), metric) for metric in metrics)

    def __missing__(self, name: Any) -> Any:
        return self.setdefault(name.lower(), name) if self and isinstance(name, str) else name


def _count(condition: nw.Expr) -> nw.Expr:
    return condition.cast(nw.Int64).sum()


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
