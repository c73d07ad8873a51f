"""Cases of rows: a real run over the rows that a test gives, compared with what it expects.

What the tree's sources name is never opened. The rows are all that there are, so a source that
ends before another one has no rows in the periods after it, and nothing is cut off.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from metrictree.diagnostics import shown
from metrictree.engines.compute import absent_value, checked
from metrictree.errors import ComputeError, MetricTreeError
from metrictree.formula import parse
from metrictree.graph import Graph
from metrictree.measures import run
from metrictree.plan import make_plan
from metrictree.schema import FrozenDict
from metrictree.schema_errors import dotted
from metrictree.testing.case import Failure, Kind, Outcome, Status
from metrictree.testing.rows.cells import columns_of
from metrictree.testing.rows.checks import ExpectedRow, absent_sources, expected_rows, grain_of
from metrictree.testing.rows.frames import frame_of
from metrictree.testing.rows.results import Compared
from metrictree.testing.values import given_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from metrictree.diagnostics import Diagnostic
    from metrictree.measures import RunResult
    from metrictree.resolved import ResolvedTree
    from metrictree.testing.case import Case
    from metrictree.testing.rows.cells import Column

__all__ = ["outcome_of", "values_of"]

_ADVICE: Final = {
    "VAL108": "give the test a grain, such as `grain: week`",
    "VAL110": "correct `grain`, `by` or the metrics that are expected",
    "SRC121": "a run takes that for a load that has failed: give the metrics that are measured "
    "from it below `given:`, such as `given: {%s: 0}`, or expect `error: SRC121`",
}
"""What to do about what a run says, in a test."""
_NUMBER_INSIDE: Final = re.compile(r"\s*([+-]?[0-9]+(?:\.[0-9]+)?)(?:\s*[^\W\d]+)?\s*")


def outcome_of(tree: ResolvedTree, case: Case) -> Outcome:
    """Return how a case ends that gives rows; only what it expects is computed."""
    rows = _Rows(tree, case)
    if case.kind is Kind.ERROR:
        return rows.error()
    try:
        return rows.compared()
    except MetricTreeError as error:
        problems = tuple(rows.told(found) for found in error.diagnostics)
        return Outcome(case, Status.BROKEN, problems=problems)


def values_of(
    tree: ResolvedTree, case: Case, metrics: Sequence[str]
) -> Iterator[Mapping[str, float | None]]:
    """Yield the values of some metrics in each row that comes out of a case.

    Raises:
        MetricTreeError: nothing comes out.
    """
    result, _ = _Rows(tree, case).run(metrics)
    for row in result.to_dicts():
        yield {metric: row[metric] for metric in metrics}


class _Rows:
    """The rows of one case."""

    def __init__(self, tree: ResolvedTree, case: Case) -> None:
        self.case = case
        self.test = case.test
        self.path = case.path[:2]
        """Of the test: a case of its table gives no rows of its own."""
        self.whole = tree
        self.tree = tree
        """The tree in which what is given has no formula and no measure."""
        self.leaves: Sequence[str] = ()
        """What the last run needed."""

    def error(self) -> Outcome:
        """Return whether running raises the diagnostic that is expected."""
        code = self.case.error
        came: list[dict[str, Diagnostic]] = []
        for targets in self._attempts():
            found: dict[str, Diagnostic] = {}
            try:
                self.run(targets)
            except MetricTreeError as error:
                found = {one.code: one for one in error.diagnostics}
            if code in found:
                return Outcome(self.case, Status.PASSED)
            came.append(found)
        message = f"{code} was expected, and the rows gave values without it"
        if came and came[0]:  # the others ask for more than there may be
            first, *others = came[0].values()
            more = f" (and {', '.join(one.code for one in others)})" if others else ""
            message = f"{code} was expected, and {first.code} came: {first.message}{more}"
        steps = (*self.case.path, "error")
        if self.test.cases is not None and self.test.error is not None:
            steps = (*self.path, "error")
        failure = Failure(message, self.whole.places.span(steps))
        return Outcome(self.case, Status.FAILED, (failure,))

    def _attempts(self) -> Iterator[tuple[str, ...]]:
        """Yield targets that may raise it, ever more of the tree.

        The measures alone come first, since a formula may be refused before a source is read.
        """
        tree = self.whole
        here = self.test.given_rows or {}
        leaves = {
            metric
            for metric in tree.metrics
            if metric not in tree.formulas
            and (
                metric in self.case.given
                or tree.metrics[metric].value is not None
                or (metric in tree.measures and tree.measures[metric].source in here)
            )
        }
        there = set(self.case.given) | leaves
        for metric in tree.graph.order:
            if metric in tree.formulas and there.issuperset(tree.formulas[metric].references):
                there.add(metric)
        attempts = (
            tuple(metric for metric in tree.measures if metric in leaves),
            tuple(metric for metric in tree.metrics if metric in there),
            tuple(tree.metrics),
        )
        yield from dict.fromkeys(targets for targets in attempts if targets)

    def compared(self) -> Outcome:
        """Return whether the rows that come out are those that are expected.

        Raises:
            MetricTreeError: nothing comes out.
        """
        case, test = self.case, self.test
        if test.expect_rows is None:
            numbers = {
                metric: value
                for metric, value in case.expect.items()
                if not isinstance(value, tuple)  # told by `check`
            }
            expected = [ExpectedRow(None, (), numbers, ())]
        else:
            expected = expected_rows(self.whole, test, self.path)
        targets = tuple(dict.fromkeys(metric for row in expected for metric in row.values))
        result, columns = self.run(targets)
        compared = Compared(self.whole, self.tree, case, result, columns, expected)
        failures = tuple(compared.failures())
        return Outcome(case, Status.FAILED if failures else Status.PASSED, failures)

    def run(self, targets: Sequence[str]) -> tuple[RunResult, Mapping[str, Mapping[str, Column]]]:
        """Return what a run of the rows gives, and the columns that were made of them."""
        case, test = self.case, self.test
        problems: list[Diagnostic] = []
        given = {
            metric: checked(self.whole, metric, value, problems)
            for metric, value in case.given.items()
        }
        if problems:
            raise ComputeError(
                replace(found, span=given_place(self.whole, case, str(found.metric)))
                for found in problems
            )
        tree = self.tree = _cut(self.whole, given)
        plan = make_plan(tree, targets)
        self.leaves = plan.leaves
        sources = {tree.measures[leaf].source for leaf in plan.leaves if leaf in tree.measures}
        problems = absent_sources(self.whole, test, self.path, targets, given)
        problems += [
            absent_value(tree, metric, f"add `{metric}:` below `given:`")
            for metric in plan.leaves
            if tree.metrics[metric].kind == "input"
        ]
        columns = {
            source: columns_of(tree, source, rows, (*self.path, "given_rows", source), problems)
            for source, rows in (test.given_rows or {}).items()
            if source in sources
        }
        if problems:
            raise ComputeError(problems)
        frames = {
            source: frame_of(found, len((test.given_rows or {})[source]))
            for source, found in columns.items()
        }
        grain = grain_of(test)
        # Otherwise the source that ends first would end the run.
        end = _last_day(tree, columns) if len(sources) > 1 and grain != "all" else None
        result = run(tree, targets, grain=grain, by=test.by, sources=frames, as_of=end)
        return result, columns

    def told(self, found: Diagnostic) -> Diagnostic:
        """Return what a run says, with advice for a test, and in the test if nowhere else."""
        fix = _ADVICE.get(found.code, found.fix)
        span = found.span
        if found.code == "SRC121" and found.path is not None and fix is not None:
            source = found.path.partition("sources.")[2]
            span = self.whole.places.span((*self.path, "given_rows", source), key=True)
            measures = self.tree.measures.items()
            alike = [metric for metric, measure in measures if measure.source == source]
            fix %= next((metric for metric in alike if metric in self.leaves), alike[0])
        elif found.code == "SRC107":
            return self._text_for_number(found)
        return replace(found, span=span or self.case.span, fix=fix)

    def _text_for_number(self, found: Diagnostic) -> Diagnostic:
        """Return what a run says of a column of text, at the first such cell of the test."""
        for source, rows in (self.test.given_rows or {}).items():
            for number, row in enumerate(rows):
                for name, cell in row.items():
                    if not isinstance(cell, str) or not found.message.startswith(f"'{name}' is "):
                        continue
                    place = (*self.path, "given_rows", source, number, name)
                    number_inside = _NUMBER_INSIDE.fullmatch(cell)
                    fix = "write a number, without quotes and without a unit"
                    if number_inside:
                        fix = f"write {number_inside[1]}, without quotes and without a unit"
                    return replace(
                        found,
                        message=f"'{shown(cell)}' is text, and '{shown(name)}' is used as a number",
                        span=self.whole.places.span(place),
                        path=dotted(place),
                        fix=fix,
                    )
        return found


# --- the tree and the rows of a run


def _cut(tree: ResolvedTree, given: Mapping[str, float | None]) -> ResolvedTree:
    """Return the tree in which metrics have the values that are given, and no others."""
    if not given:
        return tree
    metrics, formulas = dict(tree.metrics), dict(tree.formulas)
    measures, overtime = dict(tree.measures), dict(tree.overtime)
    for metric, value in given.items():
        formulas.pop(metric, None)
        measures.pop(metric, None)
        overtime.pop(metric, None)
        body: dict[str, Any] = {"formula": None, "measure": None, "value": value}
        if value is None:
            body["formula"] = "null"
            formulas[metric] = parse("null")
        metrics[metric] = metrics[metric].model_copy(update=body)
    inputs = {metric: formula.references for metric, formula in formulas.items()}
    return replace(
        tree,
        spec=tree.spec.model_copy(update={"metrics": FrozenDict(metrics)}),
        metrics=metrics,
        formulas=formulas,
        measures=measures,
        overtime=overtime,
        graph=Graph(metrics, inputs),
        plans={},
    )


def _last_day(tree: ResolvedTree, columns: Mapping[str, Mapping[str, Column]]) -> date | None:
    """Return the day of the last row of all sources, each as its own clock shows it."""
    days = []
    for source, found in columns.items():
        declared = tree.spec.sources[source]
        zone = declared.timezone or tree.spec.timezone
        column = found.get(declared.time or "")
        for moment in () if column is None else column.moments:
            if isinstance(moment, datetime):
                there = moment.replace(tzinfo=UTC)
                with suppress(OverflowError):  # past the ends of the calendar: the day of UTC
                    there = there.astimezone(ZoneInfo(zone or "UTC"))
                days.append(there.date())
            elif moment is not None:
                days.append(moment)
    return max(days, default=None)
