"""Any frame -> the same kind of frame with a column for each target: finds who computes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from metrictree.diagnostics import Diagnostic, shown
from metrictree.errors import UsageError

if TYPE_CHECKING:
    from metrictree.engines.base import FrameRequest
    from metrictree.plan import Plan
    from metrictree.resolved import ResolvedTree

__all__ = ["compute_frame"]

_KINDS: Final = (
    "give a mapping of numbers or of NumPy arrays, or a frame: pandas.DataFrame, polars.DataFrame, "
    "polars.LazyFrame, pyarrow.Table, a DuckDB relation, a PySpark DataFrame or an Ibis table"
)


def compute_frame(tree: ResolvedTree, plan: Plan, frame: Any, request: FrameRequest) -> Any:
    """Return a frame with the plan's targets, of the kind that was given.

    Raises:
        UsageError: what is given is no frame, or an argument has no meaning for it.
        ComputeError: columns are unknown, absent or unusable, or periods are missing or doubled;
            or, if asked for, a value is missing.
    """
    if isinstance(frame, Mapping):
        return _in_memory(tree, plan, frame, request)
    import narwhals as nw
    from narwhals import dependencies as kinds

    if isinstance(frame, (nw.DataFrame, nw.LazyFrame)):
        raise _no_frame(frame, "give what it wraps: `frame.to_native()`")
    if (
        kinds.is_pandas_dataframe(frame)  # narwhals itself takes no two columns of one name
        or kinds.is_polars_dataframe(frame)
        or kinds.is_pyarrow_table(frame)
    ):
        return _in_memory(tree, plan, frame, request)
    try:
        wrapped = nw.from_native(frame)
    except TypeError:
        raise _no_frame(frame) from None
    library = wrapped.implementation.value
    if isinstance(wrapped, nw.LazyFrame):
        from metrictree.engines.frames.libraries import LIBRARIES

        if library in LIBRARIES:
            from metrictree.engines.frames.lazy import compute_lazy

            return compute_lazy(tree, plan, wrapped, request)
    raise _no_frame(frame)


def _in_memory(tree: ResolvedTree, plan: Plan, frame: Any, request: FrameRequest) -> Any:
    from metrictree.engines.arrays.memory import compute_memory

    return compute_memory(tree, plan, frame, request)


def _no_frame(given: Any, advice: str = "") -> UsageError:
    kind = type(given)
    name = f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"
    what = name.removeprefix("builtins.")
    if not advice and isinstance(given, (list, tuple)):
        advice = "give columns, not rows: {metric id: NumPy array}, or a frame made of the rows"
    elif not advice and kind.__name__ == "ndarray":
        advice = "an array has no names of columns: give {metric id: array} of one dimension each"
    elif not advice and kind.__name__ == "Series":
        advice = "a series is one column: give `series.to_frame()`, or {metric id: array}"
    elif not advice and "GroupBy" in kind.__name__:
        advice = "aggregate the groups first, and give the frame that this makes"
    elif not advice and (isinstance(given, (str, bytes)) or hasattr(given, "__fspath__")):
        advice = "read the file first, and give the frame; `run` reads the sources of the tree"
    message = f"the inputs are a {shown(what)}, of which no metrics can be computed"
    return UsageError([Diagnostic("VAL110", message, fix=advice or _KINDS)])
