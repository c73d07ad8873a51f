"""A frame of any library -> lists of numbers by metric, without anything being computed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import narwhals as nw
from narwhals.exceptions import DuplicateError

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.arrays.columns import Column, UnsoundError
from metrictree.engines.arrays.memory import open_data
from metrictree.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metrictree.resolved import ResolvedTree

__all__ = ["read_lists"]


def read_lists(
    tree: ResolvedTree, frame: Any, metrics: Iterable[str]
) -> tuple[dict[str, list[float | None]], list[str]]:
    """Return the columns that are named as ``metrics``, and the days of the first column of times.

    Raises:
        UsageError: it is no frame, two columns have one name, a column holds something else than
            numbers, or the oldest row is not the first.
    """
    try:
        wrapped = nw.from_native(frame)
    except TypeError:
        message = f"the history is a {shown(type(frame).__name__)}, of which nothing can be read"
        advice = "give lists by metric id, a frame, or the result of a run by period"
        raise UsageError([Diagnostic("VAL110", message, fix=advice)]) from None
    except DuplicateError:
        message = "the history has two columns with the same name"
        advice = "rename or drop all but one"
        raise UsageError([Diagnostic("VAL101", message, fix=advice)]) from None
    if isinstance(wrapped, nw.LazyFrame):
        wrapped = wrapped.collect()
    data = open_data(wrapped.to_native())
    found: dict[str, list[float | None]] = {}
    problems: list[Diagnostic] = []
    for metric in metrics:
        if metric not in data.names:
            continue
        cells = data.cells(metric)
        if isinstance(cells, str):
            message = f"the column '{metric}' of the history holds {shown(cells)}, no numbers"
            problems.append(Diagnostic("VAL104", message, metric=metric, fix="give numbers"))
            continue
        column = Column(tree, metric, metric, cells)
        try:
            values = column.read(0, data.rows).tolist()
        except UnsoundError:
            problems += column.problems(data.rows)
            continue
        found[metric] = [None if value != value else value for value in values]  # noqa: PLR0124
    if problems:
        raise UsageError(problems)
    return found, _days(wrapped)


def _days(frame: nw.DataFrame[Any]) -> list[str]:
    """Return the days of the first column of times, if there is one."""
    name = next((name for name, kind in frame.schema.items() if kind.is_temporal()), None)
    if name is None:
        return []
    times = [time for time in frame[name].to_list() if time is not None]
    for before, after in pairwise(times):
        if after < before:
            message = f"in the history {shown(after)} stands below {shown(before)}"
            advice = f"sort it by '{shown(name)}', oldest first"
            raise UsageError([Diagnostic("VAL113", message, fix=advice)])
    return [str(time)[:10] for time in times]
