"""Columns of data in memory -> checked float64, block by block: the one reader of their cells.

It imports none of pandas, Polars and PyArrow: whoever has a column of them has imported them. Where
the cells are float64 without nulls already, a block is a view.
"""

from __future__ import annotations

import math
import numbers
import struct
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from metrictree.diagnostics import Diagnostic, shown
from metrictree.formula.printer import number_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from metrictree.resolved import ResolvedTree

    Floats = NDArray[np.float64]
    Truths = NDArray[np.bool_]
    Fetch = Callable[[int, int], "Cells"]

__all__ = [
    "Cells",
    "Column",
    "UnsoundError",
    "arrow_cells",
    "numpy_cells",
    "pandas_cells",
    "polars_cells",
]

EXACT: Final = 2**53
"""The whole numbers up to here are numbers of float64."""
BLOCK: Final = 65_536
"""Rows that are looked at together when problems are told."""


class UnsoundError(Exception):
    """A block holds what is no number for its metric; `Column.problems` tells all of it."""


class Cells(NamedTuple):
    """Cells as they are given: floats, integers or objects."""

    values: NDArray[Any]
    missing: Truths | None = None
    """Those that are missing, whatever stands in ``values``; NaN and ``None`` are missing too."""


class _Problem(NamedTuple):
    code: str
    says: str
    fix: str


class Column:
    """The column of a metric: reads it, and knows what may stand in it."""

    def __init__(self, tree: ResolvedTree, metric: str, name: str, fetch: Fetch) -> None:
        self.tree = tree
        self.metric = metric
        self.name = name
        self._fetch = fetch
        low, high = tree.metrics[metric].range or (None, None)
        self._low = -math.inf if low is None else low
        self._high = math.inf if high is None else high
        # Floats without a sign are ordered as their bits, and NaN and what has a sign come after
        # them: for most columns one look tells that all is well.
        most = min(self._high, sys.float_info.max)
        bits = int.from_bytes(struct.pack("<d", most), "little")
        self._top = bits if self._low <= 0 <= most else -1

    def read(self, low: int, high: int) -> Floats:
        """Return the rows from ``low`` up to ``high`` as float64, NaN for missing.

        Raises:
            UnsoundError: there is something else in them than finite numbers of the range.
        """
        values, missing = self._fetch(low, high)
        if values.dtype.kind == "f":
            block = np.ascontiguousarray(values, dtype=np.float64)
        elif values.dtype.kind == "O":
            block, problems = _numbers(values, missing)
            if problems:
                raise UnsoundError
        else:
            if _inexact(values) is not None:
                raise UnsoundError
            block = values.astype(np.float64)
        if missing is not None and missing.any():
            block = np.where(missing, np.nan, block)
        if not self._is_sound(block):
            raise UnsoundError
        return block

    def _is_sound(self, block: Floats) -> bool:
        if not len(block) or int(np.maximum.reduce(block.view(np.uint64))) <= self._top:
            return True
        least, most = np.fmin.reduce(block), np.fmax.reduce(block)  # NaN if all are missing
        return not (
            least < self._low or most > self._high or least == -math.inf or most == math.inf
        )

    # --- what is wrong with it

    def problems(self, rows: int) -> Iterator[Diagnostic]:
        """Yield each kind of problem once: in how many rows it is, and where it is first."""
        counts: Counter[_Problem] = Counter()
        first: dict[_Problem, tuple[int, str]] = {}
        for low in range(0, rows, BLOCK):
            for problem, row, cell in self._problems(low, min(low + BLOCK, rows)):
                counts[problem] += 1
                first.setdefault(problem, (row, cell))
        for problem, count in counts.items():
            row, cell = first[problem]
            where = f"in row {row}" if count == 1 else f"in {count:,} rows, first in row {row}"
            yield self.diagnostic(problem.code, f"{problem.says} {where} ({cell})", problem.fix)

    def _problems(self, low: int, high: int) -> Iterator[tuple[_Problem, int, str]]:
        values, missing = self._fetch(low, high)
        if missing is None:
            missing = np.zeros(len(values), np.bool_)
        if values.dtype.kind == "O":
            block, problems = _numbers(values, missing)
            for problem, row in problems:
                yield problem, low + row, _cell_text(values[row])
        else:
            inexact = None if values.dtype.kind == "f" else _inexact(values)
            with np.errstate(over="ignore"):
                block = values.astype(np.float64)
            if inexact is not None:
                block[inexact] = np.nan
                for row in np.flatnonzero(inexact & ~missing).tolist():
                    yield _LOST, low + row, shown(values[row])
        block[missing] = np.nan
        infinite = np.isinf(block)
        for row in np.flatnonzero(infinite).tolist():
            yield _INFINITE, low + row, shown(values[row])
        ends = [
            number_text(end) if math.isfinite(end) else "any" for end in (self._low, self._high)
        ]
        outside = _Problem(
            "VAL106",
            f"is outside of its range [{', '.join(ends)}]",
            "check the numbers, or widen `range`",
        )
        for row in np.flatnonzero(
            ((block < self._low) | (block > self._high)) & ~infinite
        ).tolist():
            yield outside, low + row, number_text(float(block[row]))

    def diagnostic(self, code: str, says: str, fix: str) -> Diagnostic:
        """Return what is said of this column."""
        message = f"the column '{shown(self.name)}' {says}"
        span = self.tree.places.span(("metrics", self.metric), key=True)
        return Diagnostic(code, message, span, metric=self.metric, fix=fix)


_GIVE: Final = "give finite numbers, or null for missing"
_NO_NUMBER: Final = _Problem("VAL104", "holds no number", _GIVE)
_INFINITE: Final = _Problem("VAL105", "is not finite", _GIVE)
_LOST: Final = _Problem(
    "VAL105",
    "holds a whole number of which float64 loses the last digits",
    "give floats, or count in a larger unit",
)


def _inexact(values: NDArray[Any]) -> Truths | None:
    """Return which integers are none of float64; ``None`` if all are."""
    if values.dtype.itemsize < 8 or not len(values):
        return None
    if values.max() <= EXACT and values.min() >= -EXACT:
        return None
    size = values if values.dtype.kind == "u" else np.absolute(values)
    size = size.astype(np.uint64)
    last_bit = np.maximum(size & (~size + np.uint64(1)), np.uint64(1))
    wrong: Truths = size // last_bit > EXACT
    return wrong if wrong.any() else None


def _numbers(
    values: NDArray[Any], missing: Truths | None
) -> tuple[Floats, list[tuple[_Problem, int]]]:
    """Return objects as numbers, and the rows of those that are none."""
    block = np.full(len(values), np.nan)
    problems: list[tuple[_Problem, int]] = []
    for row, cell in enumerate(values.tolist()):
        if cell is None or (missing is not None and missing[row]):
            continue
        number = _number(cell)
        if isinstance(number, _Problem):
            problems.append((number, row))
        else:
            block[row] = number
    return block, problems


def _number(cell: Any) -> float | _Problem:
    if isinstance(cell, float):
        return cell
    if type(cell).__name__ in ("NAType", "NaTType"):
        return math.nan
    if type(cell) is bool:
        return _NO_NUMBER
    if isinstance(cell, numbers.Real):
        if getattr(getattr(cell, "dtype", None), "kind", "f") not in "iuf":
            return _NO_NUMBER  # NumPy counts its spans of time among the integers
    elif type(cell).__name__ != "Decimal" or not hasattr(cell, "as_tuple"):
        return _NO_NUMBER
    try:
        number = float(cell)
    except OverflowError:
        return _INFINITE
    except Exception:  # noqa: BLE001 - a class from elsewhere may raise anything
        return _NO_NUMBER
    if isinstance(cell, numbers.Integral) and abs(number) >= EXACT and int(number) != int(cell):
        return _LOST
    return number


def _cell_text(cell: Any) -> str:
    if isinstance(cell, str):
        return f"the text '{shown(cell)}'"
    if isinstance(cell, (bool, complex, int)):
        return shown(cell)
    return f"a {shown(type(cell).__name__)}"


# --- the cells of each library; a text is the type of a column that is not of numbers


def numpy_cells(values: NDArray[Any]) -> Fetch | str:
    """Return what reads an array."""
    if values.dtype.kind not in "fiuO":
        return str(values.dtype)
    if isinstance(values, np.ma.MaskedArray):
        masked = np.ma.getmaskarray(values)
        return lambda low, high: Cells(values[low:high].filled(0), masked[low:high])
    plain = np.asarray(values)
    return lambda low, high: Cells(plain[low:high])


def pandas_cells(series: Any) -> Fetch | str:
    """Return what reads a pandas.Series."""
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return numpy_cells(series.to_numpy())
    array = series.array
    if type(dtype).__name__ == "ArrowDtype":
        return arrow_cells(array.__arrow_array__(), str(dtype))
    if type(dtype).__name__ == "SparseDtype":
        return numpy_cells(np.asarray(array))
    if dtype.kind not in "fiu" or not hasattr(dtype, "numpy_dtype"):
        return str(dtype)

    def fetch(low: int, high: int) -> Cells:
        part = array[low:high]
        return Cells(part.to_numpy(dtype.numpy_dtype, na_value=0), part.isna())

    return fetch


def polars_cells(series: Any) -> Fetch | str:
    """Return what reads a polars.Series."""
    dtype = series.dtype
    if str(dtype) == "Null":
        return _all_missing
    if dtype.is_decimal():
        return lambda low, high: Cells(series[low:high].cast(float).to_numpy())
    if not dtype.is_numeric():
        return str(dtype)
    if str(dtype).endswith("Int128"):
        return lambda low, high: Cells(np.array(series[low:high].to_list(), dtype=object))
    if not series.has_nulls() and series.n_chunks() == 1:
        return numpy_cells(series.to_numpy())
    if dtype.is_float():
        return lambda low, high: Cells(series[low:high].to_numpy())

    def fetch(low: int, high: int) -> Cells:
        part = series[low:high]
        return Cells(part.fill_null(0).to_numpy(), part.is_null().to_numpy())

    return fetch


def arrow_cells(column: Any, type_name: str = "") -> Fetch | str:
    """Return what reads a pyarrow.ChunkedArray."""
    pa = sys.modules["pyarrow"]
    dtype = column.type
    if pa.types.is_null(dtype):
        return _all_missing
    if pa.types.is_decimal(dtype):
        return lambda low, high: Cells(column[low:high].cast(pa.float64()).to_numpy())
    if not pa.types.is_integer(dtype) and not pa.types.is_floating(dtype):
        return type_name or str(dtype)
    if not column.null_count and column.num_chunks == 1:
        return numpy_cells(column.chunk(0).to_numpy())
    if pa.types.is_floating(dtype):
        return lambda low, high: Cells(column[low:high].to_numpy())

    def fetch(low: int, high: int) -> Cells:
        part = column[low:high]
        return Cells(part.fill_null(0).to_numpy(), part.is_null().to_numpy())

    return fetch


def _all_missing(low: int, high: int) -> Cells:
    return Cells(np.full(high - low, np.nan))
