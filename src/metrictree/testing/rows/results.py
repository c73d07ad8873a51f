"""What came out of a run of rows -> what of it a test does not expect, in words and to paste."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

from metrictree import documents
from metrictree.diagnostics import legible
from metrictree.engines.scalar import evaluate
from metrictree.engines.series import evaluate_series
from metrictree.formula.printer import number_text
from metrictree.measures.flows import metrics_of_run
from metrictree.plan import make_plan
from metrictree.render.tree import reason_note
from metrictree.testing.case import Failure
from metrictree.testing.explain import describe, steps_below, steps_below_series
from metrictree.testing.hints import hint
from metrictree.testing.rows.cells import moment_of
from metrictree.testing.values import expected_place, is_near
from metrictree.units import parse_unit
from metrictree.units.names import PERIODS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from metrictree.diagnostics import Span
    from metrictree.measures import RunResult
    from metrictree.resolved import ResolvedTree
    from metrictree.testing.case import Case, Step
    from metrictree.testing.rows.cells import Column
    from metrictree.testing.rows.checks import ExpectedRow

__all__ = ["Compared"]

_SHOWN: Final = 20
"""Rows of those that came out that are shown."""
_FURTHER: Final = 5
"""Rows that are told each by itself, of those that are not expected."""
_PERIOD: Final = re.compile(rf" ?/ ?({'|'.join(PERIODS)})\b")
_SEPARATES: Final = re.compile(r"[,\[\]{}\n]")
"""What ends a text between braces that stands without quotes."""


class Compared:
    """What came out of a run, beside what was expected."""

    def __init__(  # noqa: PLR0917 - what came out, and what was asked for
        self,
        tree: ResolvedTree,
        cut: ResolvedTree,
        case: Case,
        result: RunResult,
        columns: Mapping[str, Mapping[str, Column]],
        expected: Sequence[ExpectedRow],
    ) -> None:
        self.case = case
        self.result = result
        self.expected = expected
        self.timed = {
            name
            for name in result.dimensions
            if any(found[name].kind == "time" for found in columns.values() if name in found)
        }
        """The dimensions that hold moments."""
        self.tree = tree
        self.cut = cut
        """The tree that ran: what is given has no formula and no measure."""

    @cached_property
    def shown(self) -> ResolvedTree:
        """The tree with the units of the run, of all that it is made of, for messages."""
        tree, origins, grain = self.tree, self.result.origins, self.result.grain
        names = [name for name in (*origins.leaves, *origins.formulas) if name in tree.metrics]
        found = metrics_of_run(self.cut, make_plan(self.cut, names), grain)
        for name, body in found.items():
            text = _as_written(tree.metrics[name].unit, body.unit, grain)
            found[name] = tree.metrics[name].model_copy(update={"unit": text})
        return replace(tree, metrics={**tree.metrics, **found}, plans={})

    def failures(self) -> Iterator[Failure]:
        """Yield what is not as expected: rows that do not come out, values, further rows."""
        found = {self._key(row): number for number, row in enumerate(self.result.rows)}
        wanted = set()
        listed = self.case.test.expect_rows is not None
        told = False  # what came out is shown once
        for row in self.expected:
            key = (row.period, *(_plain(self._expected_cell(*it)) for it in self._cells(row)))
            wanted.add(key)
            if key not in found:
                span = self.tree.places.span(row.place)
                message = f"no row comes out for {self._told(row.period, row.group)}"
                example = None if told else self._example()
                yield Failure(message, span, fix=self._why_absent(row), example=example)
                told = True
                continue
            wrong: dict[str, float | None] = {}
            order = (*self.result.origins.leaves, *self.result.origins.formulas)
            for metric in sorted(row.values, key=order.index):  # causes before what follows
                for failure in self._value(found[key], row, metric, wrong):
                    wrong[metric] = row.values[metric]
                    yield failure
        further = [number for key, number in found.items() if listed and key not in wanted]
        for number in further[:_FURTHER]:
            yield self._further(number, None if told else self._example())
            told = True
        if len(further) > _FURTHER:
            count = len(further) - _FURTHER
            more = (
                "1 more row comes out that is"
                if count == 1
                else f"{count:,} more rows come out that are"
            )
            yield Failure(f"{more} not expected", self._place_of_rows())

    def _cells(self, row: ExpectedRow) -> Iterable[tuple[str, Any]]:
        return zip(self.result.dimensions, row.group, strict=True)

    def _expected_cell(self, name: str, value: Any) -> Any:
        moment = moment_of(value) if name in self.timed else None
        if moment is not None and not isinstance(moment, datetime):
            return datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001 - of UTC
        return value if moment is None else moment

    def _key(self, row: Sequence[Any]) -> tuple[Any, ...]:
        period, group = self._parts(row)
        return (period, *map(_plain, group))

    def _parts(self, row: Sequence[Any]) -> tuple[date | None, tuple[Any, ...]]:
        timed = self.result.grain != "all"
        first = 1 if timed else 0
        return row[0] if timed else None, tuple(row[first : first + len(self.result.dimensions)])

    def _told(self, period: date | None, group: Sequence[Any]) -> str:
        parts = [] if period is None else [f"{self.result.grain} {period}"]
        parts += [
            f"{legible(name)} {legible(_text(value))}"
            for name, value in zip(self.result.dimensions, group, strict=True)
        ]
        return ", ".join(parts) or "all time"

    # --- values

    def _value(
        self, number: int, row: ExpectedRow, metric: str, wrong: Mapping[str, float | None]
    ) -> Iterator[Failure]:
        """Yield a value that is not as expected; ``wrong`` has what was expected of others."""
        expected = row.values[metric]
        result = self.result
        actual = result.rows[number][result.columns.index(metric)]
        if is_near(actual, expected, self.case.tolerance):
            return
        tree = self.shown
        why = reason_note(metric, result.why(number, metric)) if actual is None else None
        told = describe(tree, metric, actual, expected, why=why)
        period, group = self._parts(result.rows[number])
        where = f"{self._told(period, group)}: " if period is not None or group else ""
        span: Span | None
        if row.place:
            span = tree.places.span((*row.place, metric))
        else:
            span = expected_place(tree, self.case, metric)
        causes = self._causes(number, metric, expected, wrong)
        if causes:
            message = f"{where}{told}; this follows from {' and '.join(causes)}"
            yield Failure(message, span, metric, follows=True)
            return
        steps = self._steps(number, metric)
        fix = hint(tree, steps, actual, expected)
        yield Failure(f"{where}{told}", span, metric, steps, fix)

    def _causes(
        self,
        number: int,
        metric: str,
        expected: float | None,
        wrong: Mapping[str, float | None],
    ) -> list[str]:
        """Return the metrics that are wrong, if with what is expected of them this one is not."""
        origins, formulas = self.result.origins, self.result.origins.formulas
        causes = [name for name in wrong if name in self.cut.graph.below([metric])]
        if not causes or origins.over_time or metric not in formulas:
            return []
        row = number + origins.skipped
        known = {leaf: column[row] for leaf, column in origins.leaves.items()} | dict(wrong)
        for name, formula in formulas.items():
            if name not in wrong:
                known[name] = evaluate(formula, known)
        near = is_near(known[metric], expected, self.case.tolerance)
        return [
            name
            for name in causes
            if near
            and not any(one != name and name in self.cut.graph.below([one]) for one in causes)
        ]

    def _steps(self, number: int, metric: str) -> tuple[Step, ...]:
        """Return the values below one that surprises, computed of those of its row's measures."""
        origins, given = self.result.origins, self.case.given
        row = number + origins.skipped
        if not origins.over_time:
            known = {leaf: column[row] for leaf, column in origins.leaves.items()}
            for name, formula in origins.formulas.items():
                known[name] = evaluate(formula, known)
            return steps_below(self.shown, metric, known, given)
        position, group = divmod(row, origins.groups)
        series = {
            leaf: tuple(column[group :: origins.groups]) for leaf, column in origins.leaves.items()
        }
        for name, formula in origins.formulas.items():
            series[name] = tuple(evaluate_series(formula, series, origins.periods))
        return steps_below_series(self.shown, metric, series, given, position)

    # --- rows

    def _why_absent(self, row: ExpectedRow) -> str:
        """Return why a row cannot come out, as far as that can be told."""
        result = self.result
        periods = [one.start for one in result.periods]
        if not result.rows:
            return "no row came out at all: the rows that are given have no times"
        if row.period is not None and row.period not in periods:
            return (
                f"the {result.grain}s go from {periods[0]} to {periods[-1]}, those of the first "
                "and the last row that is given"
            )
        return "the groups are those of the rows that are given: correct it, or give such a row"

    def _further(self, number: int, example: str | None) -> Failure:
        result = self.result
        period, group = self._parts(result.rows[number])
        row = self._row(number)
        values = ", ".join(f"{metric} {_text(row[metric])}" for metric in result.metrics)
        message = f"a row comes out for {self._told(period, group)} that is not expected: {values}"
        fix = f"if it is right, add `- {legible(_line(row), 200)}`"
        starts = {row.period for row in self.expected}
        if period is not None and period not in starts:
            fix += "; every period from the first to the last row comes out"
        elif group and all(_plain_group(group) != _plain_group(row.group) for row in self.expected):
            fix += "; every group comes out"
        elif group:
            fix += f"; every group comes out in every {result.grain}"
        return Failure(message, self._place_of_rows(), fix=fix, example=example)

    def _place_of_rows(self) -> Span | None:
        return self.tree.places.span((*self.case.path[:2], "expect_rows"), key=True)

    def _row(self, number: int) -> dict[str, Any]:
        """Return a row as a test would expect it."""
        result, row = self.result, self.result.rows[number]
        period, group = self._parts(row)
        found: dict[str, Any] = {} if period is None else {result.grain: period}
        found |= zip(result.dimensions, group, strict=True)
        for metric in result.metrics:
            value = row[result.columns.index(metric)]
            found[metric] = "missing" if value is None else value
        return found

    def _example(self) -> str | None:
        """Return what came out as a test would expect it."""
        count = len(self.result.rows)
        if not count:
            return None
        lines = [f"  - {_line(self._row(number))}" for number in range(min(count, _SHOWN))]
        if count > _SHOWN:
            lines.append(f"  # and {count - _SHOWN:,} more rows")
        return "\n".join(["expect_rows:", *lines])


def _as_written(declared: str | None, unit: str | None, grain: str) -> str | None:
    """Return the unit of a run in the words of the tree, where only the period is another one."""
    if declared is None or unit is None:
        return unit
    meant = parse_unit(unit)
    text = _PERIOD.sub("" if grain == "all" else f"/{grain}", declared)
    return next((one for one in (declared, text) if one and parse_unit(one) == meant), unit)


def _plain(value: Any) -> Any:
    """Return what tells values apart: true is not 1."""
    return (bool, value) if isinstance(value, bool) else value


def _plain_group(group: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(map(_plain, group))


def _line(row: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{_text(name)}: {_text(value)}" for name, value in row.items()) + "}"


def _text(value: Any) -> str:
    """Return a name or a cell as a test writes it between braces."""
    if isinstance(value, datetime):
        return f'"{value}"'
    if isinstance(value, str):
        return _quoted(value)
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return number_text(value) if isinstance(value, float) else str(value)


@lru_cache(maxsize=256)
def _quoted(value: str) -> str:
    """Return a text, in quotes if it needs them."""
    text = documents.dump({"x": value}).rstrip().removeprefix("x: ")
    if text[:1] not in ('"', "'") and _SEPARATES.search(text):
        return json.dumps(value, ensure_ascii=False)
    return text
