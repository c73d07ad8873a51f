"""What is given as history -> a list of checked numbers for each metric, oldest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.compute import absent_value, check_names, checked
from metrictree.engines.series import sequence_of
from metrictree.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from metrictree.resolved import ResolvedTree

__all__ = ["History", "read_history", "read_values"]


@dataclass(frozen=True, slots=True)
class History:
    """The values of leaves in a row of periods."""

    columns: Mapping[str, Sequence[float | None]]
    """By metric, oldest first; ``None`` is missing."""
    periods: int
    since: str | None = None
    """The first period, if it is known."""
    until: str | None = None
    """The last one."""


def read_history(
    tree: ResolvedTree, given: Any, leaves: Iterable[str], *, whole: bool = True
) -> History:
    """Return the history of ``leaves``; a constant that is not given stands still.

    Every leaf has to be there if it is to be ``whole``; else those that are not are left out.

    ``given`` is a mapping of lists, oldest first, a frame with a row for each period, oldest first,
    or the result of a run by period. Metrics with a formula are passed over, for they follow from
    the others, and so are columns of a frame that are no metrics; in a mapping an unknown id is a
    mistake. Periods of a run that are not complete are missing.

    Raises:
        UsageError: something does not fit; all that does not is told.
    """
    problems: list[Diagnostic] = []
    columns, since, until = _columns(tree, given, problems)
    if problems:
        raise UsageError(problems)
    lengths = {metric: len(column) for metric, column in columns.items()}
    periods = next(iter(lengths.values()), 0)
    for metric, length in lengths.items():
        if length != periods:
            message = (
                f"of the history '{next(iter(lengths))}' has {periods:,} periods and "
                f"'{metric}' has {length:,}"
            )
            advice = "give each one as many values, None where one is missing"
            raise UsageError([Diagnostic("VAL116", message, metric=metric, fix=advice)])
    if periods < 2:
        message = f"a movement needs two periods, and the history has {periods}"
        advice = "give lists of values by metric id, oldest first"
        raise UsageError([Diagnostic("VAL110", message, fix=advice)])
    found: dict[str, Sequence[float | None]] = {}
    for metric in leaves:
        constant = tree.metrics[metric].value
        if metric in columns:
            found[metric] = [
                checked(tree, metric, value, problems, f" in period {position} of the history")
                for position, value in enumerate(columns[metric])
            ]
        elif constant is not None:
            found[metric] = [constant] * periods
        elif whole:
            advice = "add its values to the history, oldest first"
            problems.append(absent_value(tree, metric, advice))
    if problems:
        raise UsageError(problems)
    return History(found, periods, since, until)


def read_values(tree: ResolvedTree, given: Any, leaves: Iterable[str]) -> dict[str, float | None]:
    """Return the values of ``leaves``; metrics with a formula are passed over.

    Raises:
        UsageError: something does not fit; all that does not is told.
    """
    if not isinstance(given, Mapping):
        message = f"the values are a {shown(type(given).__name__)}, no mapping"
        raise UsageError([Diagnostic("VAL101", message, fix="give {metric id: number}")])
    inputs = {metric: value for metric, value in given.items() if metric not in tree.formulas}
    problems = list(check_names(tree, inputs))
    found: dict[str, float | None] = {}
    for metric in leaves:
        if metric in inputs:
            found[metric] = checked(tree, metric, inputs[metric], problems)
        elif (constant := tree.metrics[metric].value) is not None:
            found[metric] = constant
        else:
            problems.append(
                absent_value(
                    tree, metric, "give it; a missing one is None in Python, null in a file"
                )
            )
    if problems:
        raise UsageError(problems)
    return found


def _columns(
    tree: ResolvedTree, given: Any, problems: list[Diagnostic]
) -> tuple[dict[str, Sequence[Any]], str | None, str | None]:
    """Return the columns of metrics without a formula, and the first and the last period."""
    if isinstance(given, Mapping):
        inputs = {metric: value for metric, value in given.items() if metric not in tree.formulas}
        problems += check_names(tree, inputs)
        columns = {}
        for metric, value in inputs.items():
            column = sequence_of(value)
            if column is None:
                message = (
                    f"the history of '{shown(metric)}' is of type {shown(type(value).__name__)}"
                )
                advice = "give a list of numbers, oldest first"
                problems.append(Diagnostic("VAL104", message, metric=str(metric), fix=advice))
            else:
                columns[metric] = column
        return columns, None, None
    from metrictree.measures.result import RunResult

    if isinstance(given, RunResult):
        return _of_run(tree, given)
    from metrictree.engines.frames.reading import read_lists

    wanted = [metric for metric in tree.metrics if metric not in tree.formulas]
    lists, times = read_lists(tree, given, wanted)
    return lists, *((times[0], times[-1]) if times else (None, None))


def _of_run(
    tree: ResolvedTree, result: Any
) -> tuple[dict[str, Sequence[Any]], str | None, str | None]:
    if not result.periods:
        message = "the history is a run of all time, and a movement needs periods"
        raise UsageError(
            [Diagnostic("VAL110", message, fix='run with a grain, as `grain="month"`')]
        )
    if result.groups != 1:
        message = f"the history is a run with {result.groups:,} groups in each period"
        raise UsageError([Diagnostic("VAL110", message, fix="run without `by` and `totals`")])
    columns = {
        metric: [
            row[result.columns.index(metric)] if period.complete else None
            for period, row in zip(result.periods, result.rows, strict=True)
        ]
        for metric in result.metrics
        if metric not in tree.formulas
    }
    whole = [str(period.start) for period in result.periods if period.complete]
    cut = {"year": 4, "quarter": 7, "month": 7}.get(result.grain, 10)
    return columns, *((whole[0][:cut], whole[-1][:cut]) if whole else (None, None))
