"""Reasons at scale: in how many rows a target is missing, where it broke first, and by which rule.

Here the rows are read in which a target is missing, and every metric on the way is computed for
them; `engines.origins` finds out where they broke.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from metrictree.engines.arrays.columns import EXACT, Column
from metrictree.engines.arrays.memory import open_data
from metrictree.engines.arrays.program import evaluate
from metrictree.engines.arrays.timeline import make_timeline
from metrictree.engines.diagnosis.origins import Origins, Part, reading
from metrictree.engines.diagnosis.reasons import Diagnosed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import narwhals as nw
    from numpy.typing import NDArray

    from metrictree.engines.arrays.program import Read
    from metrictree.engines.arrays.timeline import Timeline
    from metrictree.engines.base import FrameRequest
    from metrictree.plan import Plan
    from metrictree.resolved import ResolvedTree

    Floats = NDArray[np.float64]
    Rows = NDArray[np.int64]

__all__ = ["Diagnosed", "diagnose"]

CELLS: Final = 2**22
"""Values of metrics that are kept at a time, except over time."""
BATCH: Final = 65_536
"""Rows that are read together at most."""


def diagnose(
    tree: ResolvedTree, plan: Plan, frame: Any, request: FrameRequest, result: Any
) -> Diagnosed[Any]:
    """Return ``result``, which was computed from ``frame``, with the reasons for missing targets.

    A lazy frame is asked for the inputs of the rows in which a target is missing. With functions
    over time all rows are read, and every metric on the way is kept in memory.
    """
    origins = Origins(tree, plan)
    for part in _rows(tree, plan, frame, request, result).parts(tree, origins.plan, request):
        origins.add(part)
    return Diagnosed(result, origins.reasons())


# --- reading


class _Rows:
    """Some rows of a frame: the inputs of metrics, and what rows are told apart by."""

    def __init__(
        self,
        rows: int,
        leaves: Mapping[str, Read],
        keys: Mapping[str, Any],
        missing: Callable[[int, int], NDArray[np.bool_]],
        *,
        numbered: bool,
    ) -> None:
        self.rows = rows
        self.leaves = leaves
        self.keys = keys
        """The columns of time and dimensions."""
        self.missing = missing
        """Tells in which rows a target is missing."""
        self.numbered = numbered

    def parts(self, tree: ResolvedTree, plan: Plan, request: FrameRequest) -> Iterator[Part]:
        """Yield the rows in which a target is missing, with the values of all metrics."""
        if self.keys and any(metric in tree.overtime for metric in plan.formulas):
            time, *by = self.keys
            dimensions = {name: self.keys[name] for name in by}
            timeline = make_timeline(time, self.keys[time], dimensions, grain=request.grain)
            yield self._part(plan, 0, np.arange(self.rows), timeline)
            return
        size = max(min(CELLS // max(len(plan.positions), 1), BATCH), 1)
        for low in range(0, self.rows, size):
            found = np.flatnonzero(self.missing(low, min(low + size, self.rows)))
            if len(found):
                yield self._part(plan, low, found, None)

    def _part(self, plan: Plan, low: int, found: Rows, timeline: Timeline | None) -> Part:
        high = low + int(found[-1]) + 1 if len(found) else low
        values = {metric: self.leaves[metric](low, high)[found] for metric in plan.leaves}
        readers = [reading(values[metric]) for metric in plan.leaves]
        values |= evaluate(plan, readers, len(found), plan.formulas, periods=timeline)

        def place(row: int) -> tuple[int | None, Mapping[str, Any]]:
            at = low + int(found[row])
            keys = {name: _cell(column, at) for name, column in self.keys.items()}
            return at if self.numbered else None, keys

        return Part(values, len(found), timeline, place)


def _cell(column: Any, row: int) -> Any:
    """Return one cell of a column of any library."""
    part = column[row : row + 1]
    if not isinstance(part, np.ndarray):
        import narwhals as nw

        part = nw.from_native(part, series_only=True)
    (value,) = part.tolist() if isinstance(part, np.ndarray) else part.to_list()
    return value if (value == value) is True else None  # noqa: PLR0124 - NaN and pandas.NA differ


def _rows(tree: ResolvedTree, plan: Plan, frame: Any, request: FrameRequest, result: Any) -> _Rows:
    """Return the rows of a frame with its targets."""
    if isinstance(result, Mapping):
        return _in_memory(tree, plan, {**frame, **result}, request)
    import narwhals as nw

    wrapped = nw.from_native(result)
    if isinstance(wrapped, nw.LazyFrame):
        return _lazily(tree, plan, wrapped, request)
    return _in_memory(tree, plan, result, request)


def _in_memory(tree: ResolvedTree, plan: Plan, result: Any, request: FrameRequest) -> _Rows:
    data = open_data(result)

    def reader(metric: str) -> Read:
        name = request.columns.get(metric, metric)
        if name not in data.names:
            return functools.partial(_constant, tree.metrics[metric].value)
        cells = data.cells(name)
        assert not isinstance(cells, str), "a column of inputs holds numbers"
        return Column(tree, metric, name, cells).read

    leaves = {metric: reader(metric) for metric in plan.leaves}
    formulas = [data.cells(metric) for metric in plan.targets if metric not in leaves]

    def missing(low: int, high: int) -> NDArray[np.bool_]:
        found = np.zeros(high - low, np.bool_)
        for metric in plan.targets:
            if metric in leaves:
                found |= np.isnan(leaves[metric](low, high))
        for fetch in formulas:
            assert not isinstance(fetch, str), "a column of results holds numbers"
            values, null = fetch(low, high)
            found |= np.isnan(values) if null is None else np.isnan(values) | null
        return found

    names = (request.time, *request.by) if request.time is not None else ()
    keys = {name: data.column(name) for name in names}
    return _Rows(data.rows, leaves, keys, missing, numbered=True)


def _constant(value: float | None, low: int, high: int) -> Floats:
    assert value is not None, "an input without a column has a constant value"
    return np.full(high - low, value)


def _lazily(tree: ResolvedTree, plan: Plan, wrapped: Any, request: FrameRequest) -> _Rows:
    """Return the rows of a lazy frame in which a target is missing; over time, all of them."""
    import narwhals as nw

    from metrictree.engines.frames.libraries import LIBRARIES, rows_of

    library = LIBRARIES[wrapped.implementation.value]
    names = library.names(wrapped.to_native())
    columns = names
    if library.rename is not None:  # narwhals does not take any name
        columns = [f"column_{place}" for place in range(len(names))]
        wrapped = nw.from_native(library.rename(wrapped.to_native(), columns))

    def folded(name: str) -> str:
        return name.lower() if library.folds else name

    of = {folded(name): column for name, column in zip(names, columns, strict=True)}
    types = dict(zip(columns, wrapped.collect_schema().values(), strict=True))
    inputs = {metric: folded(request.columns.get(metric, metric)) for metric in plan.leaves}
    inputs = {metric: of[name] for metric, name in inputs.items() if name in of}
    keys = {name: of[folded(name)] for name in (request.time, *request.by) if name is not None}
    if not any(metric in tree.overtime for metric in plan.formulas):
        asked = [of[folded(target)] for target in plan.targets]
        wrapped = wrapped.filter(_any([_is_missing(column, types[column]) for column in asked]))
    read = list(dict.fromkeys([*inputs.values(), *keys.values()])) or columns[:1]
    rows = rows_of(wrapped.select(*read))
    cells = dict(zip(read, zip(*rows, strict=True), strict=True)) if rows else {}
    leaves: dict[str, Read] = {}
    for metric in plan.leaves:
        if metric in inputs:
            column = inputs[metric]
            leaves[metric] = reading(_floats(cells.get(column, ()), types[column]))
        else:
            leaves[metric] = functools.partial(_constant, tree.metrics[metric].value)
    columns_of_keys = {name: _objects(cells.get(column, ())) for name, column in keys.items()}
    return _Rows(len(rows), leaves, columns_of_keys, _all, numbered=False)


def _all(low: int, high: int) -> NDArray[np.bool_]:
    return np.ones(high - low, np.bool_)


def _is_missing(column: str, dtype: Any) -> nw.Expr:
    """Return whether a cell is what lazy engines take for missing, as `_floats` does."""
    import narwhals as nw

    value = nw.col(column)
    if dtype.is_float():
        return value.is_null() | ~value.is_finite()
    if dtype.is_integer():
        return value.is_null() | (value > EXACT) | (value < -EXACT)
    return value.is_null()


def _any(conditions: Sequence[nw.Expr]) -> nw.Expr:
    """Return whether one of many conditions is true, in no deep expression."""
    parts = list(conditions)
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2], strict=False)
        parts = [*(a | b for a, b in pairs), *parts[len(parts) // 2 * 2 :]]
    return parts[0]


def _floats(cells: Sequence[Any], dtype: Any) -> Floats:
    """Return cells as numbers, where what lazy engines take for missing is missing."""
    values = np.array(cells, np.float64)
    values[~np.isfinite(values)] = np.nan
    if dtype.is_integer():
        values[np.abs(values) > EXACT] = np.nan
    return values


def _objects(cells: Sequence[Any]) -> NDArray[Any]:
    array = np.empty(len(cells), object)
    array[:] = cells
    return array
