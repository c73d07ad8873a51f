"""Frames in memory and mappings of arrays: the array engine between their columns.

All rows are computed at once and come back in their order, beside the caller's own columns.
"""

from __future__ import annotations

import abc
import functools
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.arrays.columns import (
    Cells,
    Column,
    UnsoundError,
    arrow_cells,
    numpy_cells,
    pandas_cells,
    polars_cells,
)
from metrictree.engines.arrays.program import evaluate
from metrictree.engines.compute import check_names, missing_advice
from metrictree.engines.naming import find_columns, no_numbers
from metrictree.engines.series import compute_series
from metrictree.errors import ComputeError, UsageError
from metrictree.plan import make_plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from metrictree.engines.arrays.columns import Fetch
    from metrictree.engines.arrays.timeline import Timeline
    from metrictree.engines.base import FrameRequest, Reason
    from metrictree.plan import Plan
    from metrictree.resolved import ResolvedTree

    Floats = NDArray[np.float64]

__all__ = ["compute_memory", "open_data"]


def compute_memory(tree: ResolvedTree, plan: Plan, frame: Any, request: FrameRequest) -> Any:
    """Return ``frame`` with a column for each target; of a mapping of arrays the targets only.

    ``frame`` is a pandas.DataFrame, a polars.DataFrame, a pyarrow.Table, or a mapping in which at
    least one value is a NumPy array.

    Raises:
        ComputeError: columns are unknown, absent, or hold what is no number for their metric;
            periods are missing or doubled; or, if asked for, a value is missing.
        UsageError: an argument has no meaning for this kind of frame.
    """
    data = open_data(frame)
    names, problems = data.find(tree, plan, request)
    if problems:
        raise ComputeError(problems)
    timeline = None
    if request.time is not None and (plan.over_time or request.fill):
        timeline = _timeline(tree, data, request)
        if len(timeline.added_like):
            data.extend(timeline, request.time, request.by)
    columns, problems = _columns(tree, data, names)
    if problems:
        raise ComputeError(problems)
    kept = data.kept()
    wanted = [target for target in plan.targets if request.strict or target not in kept]
    leaves = [
        columns[metric].read
        if metric in columns
        else functools.partial(_constant, tree.metrics[metric].value)
        for metric in plan.leaves
    ]
    into = data.allocate(len(wanted))
    try:
        with np.errstate(all="ignore"):
            found = evaluate(plan, leaves, data.rows, wanted, periods=timeline, into=into)
            for metric in columns.keys() - set(plan.leaves):  # as for single numbers
                _read_all(columns[metric], data.rows)
    except UnsoundError:
        told = [problem for column in columns.values() for problem in column.problems(data.rows)]
        raise ComputeError(told) from None
    if request.strict:
        missing = {target: np.isnan(values) for target, values in found.items()}
        if any(rows.any() for rows in missing.values()):
            raise ComputeError(_missing_errors(tree, columns, timeline, missing))
    return data.result({name: values for name, values in found.items() if name not in kept})


def _constant(value: float | None, _low: int, _high: int) -> Any:
    return np.array(value)  # of no dimension: each row has it


def _read_all(column: Column, rows: int, block: int = 65_536) -> None:
    for low in range(0, rows, block):
        column.read(low, min(low + block, rows))


def _timeline(tree: ResolvedTree, data: _Data, request: FrameRequest) -> Timeline:
    from metrictree.engines.arrays.timeline import make_timeline

    assert request.time is not None
    by = {name: data.column(name) for name in request.by}
    return make_timeline(
        request.time,
        data.column(request.time),
        by,
        grain=request.grain,
        fill=request.fill,
        most=tree.limits.rows,
    )


def _columns(
    tree: ResolvedTree, data: _Data, names: Mapping[str, str]
) -> tuple[dict[str, Column], list[Diagnostic]]:
    columns = {}
    problems = []
    for metric, name in names.items():
        cells = data.cells(name)
        if isinstance(cells, str):
            problems.append(no_numbers(tree, metric, name, cells))
        else:
            columns[metric] = Column(tree, metric, name, cells)
    return columns, problems


def _missing_errors(
    tree: ResolvedTree,
    columns: Mapping[str, Column],
    timeline: Timeline | None,
    missing: Mapping[str, NDArray[np.bool_]],
) -> Iterator[Diagnostic]:
    for metric, rows in missing.items():
        if not rows.any():
            continue
        count, first = int(rows.sum()), int(rows.argmax())
        where = f"row {first}" if count == 1 else f"{count:,} rows, first in row {first}"
        reason = _reason(tree, metric, columns, timeline, first)
        yield Diagnostic(
            "VAL109",
            f"metric '{metric}' is missing in {where}, because {reason}",
            tree.places.span(("metrics", metric), key=True),
            metric=metric,
            fix=missing_advice(reason),
        )


def _reason(
    tree: ResolvedTree,
    metric: str,
    columns: Mapping[str, Column],
    timeline: Timeline | None,
    row: int,
) -> Reason | None:
    """Return why a metric is missing in a row, from the periods of its group up to it."""
    plan = make_plan(tree, [metric])
    rows = np.array([row])
    if timeline is not None and plan.over_time:
        rows = timeline.until(row)
    low, high = int(rows.min()), int(rows.max()) + 1
    leaves = [leaf for leaf in plan.leaves if leaf in columns]
    series = {leaf: columns[leaf].read(low, high)[rows - low] for leaf in leaves}
    return compute_series(tree, plan, series).why(metric, -1)


# --- the kinds of data


def open_data(frame: Any) -> _Data:
    """Return what reads a frame in memory, or a mapping of arrays."""
    if isinstance(frame, Mapping):
        return _Arrays(frame)
    for library, kind in (("pandas", _Pandas), ("polars", _Polars), ("pyarrow", _Arrow)):
        module = sys.modules.get(library)
        if module is not None and isinstance(frame, (getattr(module, kind.kind, ()))):
            return kind(frame)
    message = f"a {shown(type(frame).__name__)} is no frame in memory"
    raise UsageError([Diagnostic("VAL110", message, fix="give a frame or a mapping of arrays")])


class _Data(abc.ABC):
    """What is asked of each kind of data."""

    kind: ClassVar[str]
    """The name of its class."""
    names: Sequence[Any]
    """All columns."""
    rows: int

    @abc.abstractmethod
    def column(self, name: str) -> Any:
        """Return a column as its library holds it."""

    @abc.abstractmethod
    def cells(self, name: str) -> Fetch | str:
        """Return what reads a column, or its type if that is none of numbers."""

    @abc.abstractmethod
    def extend(self, timeline: Timeline, time: str, by: Sequence[str]) -> None:
        """Add the rows that the timeline adds."""

    @abc.abstractmethod
    def result(self, found: Mapping[str, Floats]) -> Any:
        """Return what the caller gets, with the columns that were computed."""

    def allocate(self, count: int) -> Sequence[Floats] | None:  # noqa: ARG002
        """Return memory for the columns, if it matters where they are."""
        return None

    def kept(self) -> set[Any]:
        """Return the columns that the caller gets back as they are."""
        return set(self.names)

    def find(
        self, tree: ResolvedTree, plan: Plan, request: FrameRequest
    ) -> tuple[dict[str, str], list[Diagnostic]]:
        """Return the columns of metrics, and what is wrong with their names."""
        return find_columns(tree, plan, self.names, request)


class _Arrays(_Data):
    """A mapping of arrays; single numbers in it are the same in each row."""

    kind = "Mapping"

    def __init__(self, given: Mapping[Any, Any]) -> None:
        self.given = given
        self.names = list(given)
        self.arrays = {
            name: value
            for name, value in given.items()
            if isinstance(value, np.ndarray) and value.ndim
        }
        self.rows = max(map(len, self.arrays.values()), default=1)

    def column(self, name: str) -> Any:
        return self.arrays.get(name, np.full(self.rows, self.given[name]))

    def cells(self, name: str) -> Fetch | str:
        if name in self.arrays:
            return numpy_cells(self.arrays[name])
        value = self.given[name]
        one = np.empty(1, object)
        if isinstance(value, np.ndarray):
            value = None if np.ma.is_masked(value) else value.item()
        one[0] = value
        return lambda low, high: Cells(np.broadcast_to(one, high - low))

    def extend(self, timeline: Timeline, time: str, by: Sequence[str]) -> None:  # noqa: ARG002
        message = "`fill` adds rows, and a mapping of arrays has no place to tell which ones"
        raise UsageError([Diagnostic("VAL110", message, fix="give a frame, or add the rows")])

    def result(self, found: Mapping[str, Floats]) -> dict[str, Floats]:
        return dict(found)

    def kept(self) -> set[Any]:
        return set()

    def find(
        self, tree: ResolvedTree, plan: Plan, request: FrameRequest
    ) -> tuple[dict[str, str], list[Diagnostic]]:
        known = {*request.by, *request.columns.values()}
        if request.time is not None:
            known.add(request.time)
        inputs = {
            name: value
            for name, value in self.given.items()
            if name in tree.metrics or name not in known
        }
        problems = [*check_names(tree, inputs), *self._shapes(tree)]
        self.names = [name for name in self.names if name not in tree.formulas]
        names, wrong = find_columns(tree, plan, self.names, request)
        names.update({name: name for name in inputs if name in tree.metrics})
        return {metric: names[metric] for metric in names if metric not in tree.formulas}, [
            *problems,
            *wrong,
        ]

    def _shapes(self, tree: ResolvedTree) -> Iterator[Diagnostic]:
        first = next(iter(self.arrays), None)
        for name, value in self.given.items():
            array = self.arrays.get(name)
            if array is None:
                if not hasattr(value, "__len__") or isinstance(value, (str, bytes, np.ndarray)):
                    continue  # one for all rows
                says = f"'{shown(name)}' is a {shown(type(value).__name__)}, no NumPy array"
                advice = "give `np.array(...)` of it"
                if hasattr(value, "to_numpy"):
                    advice = "give what its `.to_numpy()` returns, or a frame of all columns"
            elif array.ndim > 1:
                says = f"the array '{shown(name)}' has {array.ndim} dimensions"
                advice = "give arrays of one dimension"
            elif len(array) != len(self.arrays[first]):
                says = (
                    f"'{shown(first)}' has {len(self.arrays[first]):,} rows "
                    f"and '{shown(name)}' has {len(array):,}"
                )
                advice = "give arrays of one length, NaN where a value is missing"
            else:
                continue
            metric = name if name in tree.metrics else None
            code = "VAL104" if array is None else "VAL116"
            yield Diagnostic(code, says, metric=metric, fix=advice)


class _Pandas(_Data):
    """A pandas.DataFrame."""

    kind = "DataFrame"

    def __init__(self, frame: Any) -> None:
        if frame.columns.nlevels > 1:
            message = "the columns of the frame have names of several levels"
            raise UsageError([Diagnostic("VAL110", message, fix="flatten `frame.columns`")])
        self.frame = frame
        self.names = frame.columns.tolist()
        self.rows = len(frame)

    def column(self, name: str) -> Any:
        return self.frame[name]

    def cells(self, name: str) -> Fetch | str:
        return pandas_cells(self.frame[name])

    def find(
        self, tree: ResolvedTree, plan: Plan, request: FrameRequest
    ) -> tuple[dict[str, str], list[Diagnostic]]:
        return find_columns(tree, plan, self.names, request, index=self.frame.index.names)

    def allocate(self, count: int) -> Sequence[Floats]:
        self.block = np.empty((count, self.rows))  # pandas takes it as it is
        return list(self.block)

    def extend(self, timeline: Timeline, time: str, by: Sequence[str]) -> None:
        pd = sys.modules["pandas"]
        frame = self.frame
        first = np.arange(self.rows)
        copied = np.concatenate((first, timeline.added_like))
        nulls = np.concatenate((first, np.full(len(timeline.added_like), -1)))
        arrays = {}
        for at, name in enumerate(self.names):
            series = frame.iloc[:, at]
            if name == time:
                added = pd.Series(timeline.added_times, dtype=series.dtype)
                arrays[at] = pd.concat([series, added], ignore_index=True).array
            elif name in by:
                arrays[at] = series.array.take(copied)
            else:  # what is whole or true stays so beside null
                if isinstance(series.dtype, np.dtype) and series.dtype.kind in "iub":
                    series = series.convert_dtypes()
                arrays[at] = series.array.take(nulls, allow_fill=True)
        index = self._index(frame.index, len(nulls))
        self.frame = pd.DataFrame(arrays, index=index, copy=False).set_axis(frame.columns, axis=1)
        self.rows = len(nulls)

    def _index(self, index: Any, rows: int) -> Any:
        if index.nlevels > 1 or index.dtype.kind not in "iu":
            message = "`fill` adds rows, for which the index of the frame has no labels"
            advice = "call `frame.reset_index()` first"
            raise UsageError([Diagnostic("VAL110", message, fix=advice)])
        pd = sys.modules["pandas"]
        if isinstance(index, pd.RangeIndex) and (index.start, index.step) == (0, 1):
            return pd.RangeIndex(rows, name=index.name)
        new = index.max() + 1 + np.arange(rows - len(index))
        return index.append(pd.Index(new, dtype=index.dtype, name=index.name))

    def result(self, found: Mapping[str, Floats]) -> Any:
        pd = sys.modules["pandas"]
        if not found:
            return self.frame.copy(deep=False)
        block = self.block
        if len(found) < len(block):  # strict computes what the caller has already, too
            block = np.stack(list(found.values()))
        added = pd.DataFrame(block.T, index=self.frame.index, columns=list(found), copy=False)
        return pd.concat([self.frame, added], axis=1)


class _Polars(_Data):
    """A polars.DataFrame."""

    kind = "DataFrame"

    def __init__(self, frame: Any) -> None:
        self.frame = frame
        self.names = frame.columns
        self.rows = frame.height

    def column(self, name: str) -> Any:
        return self.frame[name]

    def cells(self, name: str) -> Fetch | str:
        return polars_cells(self.frame[name])

    def extend(self, timeline: Timeline, time: str, by: Sequence[str]) -> None:
        pl = sys.modules["polars"]
        added = [self.frame[name][timeline.added_like] for name in by]
        added.append(pl.Series(time, timeline.added_times, dtype=self.frame.schema[time]))
        self.frame = pl.concat([self.frame, pl.DataFrame(added)], how="diagonal")
        self.rows = self.frame.height

    def result(self, found: Mapping[str, Floats]) -> Any:
        pl = sys.modules["polars"]
        return self.frame.hstack(
            [pl.Series(name, values, nan_to_null=True) for name, values in found.items()]
        )


class _Arrow(_Data):
    """A pyarrow.Table."""

    kind = "Table"

    def __init__(self, table: Any) -> None:
        self.table = table
        self.names = table.column_names
        self.rows = table.num_rows

    def column(self, name: str) -> Any:
        return self.table[name]

    def cells(self, name: str) -> Fetch | str:
        return arrow_cells(self.table[name])

    def extend(self, timeline: Timeline, time: str, by: Sequence[str]) -> None:
        pa = sys.modules["pyarrow"]
        schema = self.table.schema
        added = self.table.select(by).take(pa.array(timeline.added_like))
        times = pa.array(timeline.added_times, schema.field(time).type)
        columns = [
            times
            if name == time
            else added[name]
            if name in by
            else pa.nulls(len(times), schema.field(at).type)
            for at, name in enumerate(self.names)
        ]
        more = pa.Table.from_arrays(columns, schema=schema)
        self.table = pa.concat_tables([self.table, more])
        self.rows = self.table.num_rows

    def result(self, found: Mapping[str, Floats]) -> Any:
        pa = sys.modules["pyarrow"]

        def of(values: Floats) -> Any:
            missing = np.isnan(values)
            bits = None
            if missing.any():
                bits = pa.py_buffer(np.packbits(~missing, bitorder="little"))
            return pa.Array.from_buffers(pa.float64(), len(values), [bits, pa.py_buffer(values)])

        schema = self.table.schema
        for name in found:
            schema = schema.append(pa.field(name, pa.float64()))
        columns = [*self.table.columns, *map(of, found.values())]
        return pa.Table.from_arrays(columns, schema=schema)
