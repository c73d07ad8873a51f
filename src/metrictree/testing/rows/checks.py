"""What a test says of rows: mistakes that show without a run, and the rows that it expects."""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from metrictree.diagnostics import Diagnostic, shown
from metrictree.names import Suggester, did_you_mean
from metrictree.periods import WEEKDAYS, Calendar
from metrictree.schema_errors import dotted, instead_of_text
from metrictree.testing.evaluation import order_below
from metrictree.testing.rows.cells import columns_of, used_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from metrictree.documents import Path
    from metrictree.resolved import ResolvedTree
    from metrictree.schema import TestCase

__all__ = ["ExpectedRow", "absent_sources", "check", "expected_rows", "grain_of", "text_meant"]

_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


class ExpectedRow(NamedTuple):
    """A row that a test expects."""

    period: date | None
    """Its first day; ``None`` at the grain `all`."""
    group: tuple[Any, ...]
    """The values of its dimensions."""
    values: Mapping[str, float | None]
    """What metrics are expected to be."""
    place: Path
    """Where it stands in the tree."""


def grain_of(test: TestCase) -> str:
    """Return the length of the periods of a test's rows."""
    return test.grain or "all"


def check(tree: ResolvedTree, test: TestCase, path: Path) -> list[Diagnostic]:
    """Return what is wrong with what a test says of rows; nothing is run."""
    return _Checking(tree, test, path).check()


def expected_rows(tree: ResolvedTree, test: TestCase, path: Path) -> list[ExpectedRow]:
    """Return the rows that a test without mistakes expects."""
    return list(_Checking(tree, test, path).expected())


def absent_sources(
    tree: ResolvedTree, test: TestCase, path: Path, targets: Iterable[str], given: Iterable[str]
) -> list[Diagnostic]:
    """Return what is said of sources that targets are measured from, and that have no rows."""
    _, leaves = order_below(tree.formulas, targets, dict.fromkeys(given))
    absent: dict[str, str] = {}
    for leaf in leaves:
        if leaf in tree.measures:
            absent.setdefault(tree.measures[leaf].source, leaf)
    place = (*path, "given_rows")
    return [
        Diagnostic(
            "TST139",
            f"the source '{shown(source)}' has no rows here, and '{metric}' is measured from it",
            tree.places.span(place, key=True),
            metric=metric,
            path=dotted(place),
            fix=f"add `{shown(source)}:` with its rows, or give '{metric}' below `given:`",
        )
        for source, metric in absent.items()
        if source not in (test.given_rows or ())
    ]


def text_meant(tree: ResolvedTree, test: TestCase) -> str | None:
    """Return what is said of a text in the rows that is nearly one that a measure looks for.

    >>> from metrictree import MetricTree
    >>> measure = {"source": "jobs", "aggregate": "count()", "where": "status == 'done'"}
    >>> tree = MetricTree(
    ...     north_star="jobs",
    ...     metrics={"jobs": {"measure": measure}},
    ...     sources={"jobs": {"path": "jobs.csv"}},
    ...     tests=[{"name": "a", "given_rows": {"jobs": [{"status": "Done"}]}}],
    ... )
    >>> text_meant(tree.resolved, tree.spec.tests[0])
    "'Done' in row 1 of jobs is not 'done', which the measure of jobs looks for"
    """
    for source, rows in (test.given_rows or {}).items():
        looked_for = _texts_of(tree, source)
        for number, row in enumerate(rows, 1):
            for name, cell in row.items():
                texts = looked_for.get(name)
                if not texts or not isinstance(cell, str) or cell in texts:
                    continue
                alike = next((text for text in texts if _is_slip(cell, text)), None)
                if alike is not None:
                    return (
                        f"'{shown(cell)}' in row {number} of {shown(source)} is not "
                        f"'{shown(alike)}', which the measure of {texts[alike]} looks for"
                    )
    return None


def _texts_of(tree: ResolvedTree, source: str) -> dict[str, dict[str, str]]:
    """Return the texts that columns of a source are compared with, and a metric that does it."""
    found: dict[str, dict[str, str]] = {}
    for metric, measure in tree.measures.items():
        if measure.source != source or measure.where is None:
            continue
        for node in measure.where.nodes:
            parts = [measure.where.nodes[index] for index in node.args]
            for name in (str(one.value) for one in parts if one.op == "ref"):
                texts = found.setdefault(name, {})
                for text in (str(one.value) for one in parts if one.op == "text"):
                    texts.setdefault(text, metric)
    return found


def _is_slip(text: str, meant: str) -> bool:
    """Whether a text differs from another one as a slip does; `unpaid` is no slip for `paid`."""
    one, other = text.strip().lower(), meant.strip().lower()
    if one == other:
        return True
    return one not in other and other not in one and bool(get_close_matches(one, [other], 1, 0.85))


class _Checking:
    def __init__(self, tree: ResolvedTree, test: TestCase, path: Path) -> None:
        self.tree = tree
        self.test = test
        self.path = path
        self.problems: list[Diagnostic] = []

    def check(self) -> list[Diagnostic]:
        test = self.test
        if test.given_rows is None:
            for part in ("grain", "by"):
                if getattr(test, part):
                    message = f"`{part}` stands without `given_rows`"
                    fix = f"it is how rows are aggregated: add `given_rows`, or leave out `{part}`"
                    self._tell("TST102", message, (part,), fix, key=True)
            return self.problems
        self._check_given(test.given_rows)
        self._check_dimensions(test.given_rows)
        self._check_lists()
        if test.expect_rows is not None:
            self._check_expected(test.expect_rows)
        elif test.expect is not None or any(row.expect for row in test.cases or ()):
            self._check_one_row()
        if not self.problems:
            self._check_sources()
        return self.problems

    def _tell(self, code: str, message: str, steps: Path, fix: str, *, key: bool = False) -> None:
        path = (*self.path, *steps)
        span = self.tree.places.span(path, key=key)
        self.problems.append(Diagnostic(code, message, span, path=dotted(path), fix=fix))

    # --- what is given

    def _check_given(self, given: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        sources = self.tree.spec.sources
        for source, rows in given.items():
            steps = ("given_rows", source)
            if source not in sources:
                near = did_you_mean(Suggester(sources).near(source))
                listed = f"its sources are {_names(sources)}" if sources else "it has no sources"
                message = f"the tree has no source '{shown(source)}'"
                self._tell("TST128", message, steps, near or listed, key=True)
                continue
            self._check_columns(source, rows)
            columns_of(self.tree, source, rows, (*self.path, *steps), self.problems)

    def _check_columns(self, source: str, rows: Sequence[Mapping[str, Any]]) -> None:
        used = used_columns(self.tree, source)
        suggester, told = Suggester(used), set()
        for number, row in enumerate(rows):
            for name in row:
                if name in used or name in told:
                    continue
                told.add(name)  # once, however many rows
                near = did_you_mean(suggester.near(name))
                known = f"the tree uses {_names(used)}" if used else "the tree uses none of them"
                self._tell(
                    "TST129",
                    f"no measure uses the column '{shown(name)}' of '{shown(source)}'",
                    ("given_rows", source, number, name),
                    near or f"leave it out; {known}",
                    key=True,
                )

    def _check_dimensions(self, given: Iterable[str]) -> None:
        sources = self.tree.spec.sources
        for position, name in enumerate(self.test.by):
            for source in given:
                declared = sources[source].dimensions if source in sources else (name,)
                if name not in declared:
                    near = did_you_mean(Suggester(declared).near(name))
                    listed = f"it has {_names(declared)}" if declared else "it has none"
                    self._tell(
                        "TST131",
                        f"the source '{shown(source)}' has no dimension '{shown(name)}'",
                        ("by", position),
                        near or f"{listed}; list the column under its `dimensions`",
                    )
                    break

    def _check_lists(self) -> None:
        test = self.test
        parts: list[tuple[Path, Mapping[Any, Any] | None]] = [
            (("given",), test.given),
            (("expect",), test.expect),
        ]
        for number, row in enumerate(test.cases or ()):
            parts += [
                (("cases", number, "given"), row.given),
                (("cases", number, "expect"), row.expect),
            ]
        for metric, tried in (test.matrix or {}).items():
            parts.append((("matrix", metric), dict(enumerate(tried))))
        for steps, values in parts:
            for metric, value in (values or {}).items():
                if isinstance(value, tuple):
                    self._tell(
                        "TST138",
                        "a list has a value for each period, and rows have periods of their own",
                        (*steps, metric),
                        "expect them with `grain` and `expect_rows`"
                        if "expect" in steps
                        else "give one number, which counts in every period",
                    )

    def _check_one_row(self) -> None:
        for part in ("grain", "by"):
            value = getattr(self.test, part)
            if value and value != "all":
                message = f"`expect` is about one row for all time, and `{part}` makes several"
                fix = f"expect them with `expect_rows`, or leave out `{part}`"
                self._tell("TST102", message, (part,), fix, key=True)

    def _check_sources(self) -> None:
        """Tell the sources that no case can do without."""
        test = self.test
        given = {*(test.given or ()), *(test.matrix or ())}
        for row in test.cases or ():
            given |= (row.given or {}).keys()
        expected = dict.fromkeys(test.expect or ())
        for row in test.cases or ():
            expected |= dict.fromkeys(row.expect or ())
        for one in self.expected():
            expected |= dict.fromkeys(one.values)
        self.problems += absent_sources(self.tree, test, self.path, expected, given)

    # --- what is expected

    def expected(self) -> Iterator[ExpectedRow]:
        """Yield the rows that are expected; note the mistakes in them."""
        grain, by = grain_of(self.test), self.test.by
        for number, row in enumerate(self.test.expect_rows or ()):
            steps: Path = ("expect_rows", number)
            period = None
            if grain != "all" and grain in row:
                period = self._period(row[grain], (*steps, grain))
            values = {
                name: self._value(value, (*steps, name))
                for name, value in row.items()
                if name in self.tree.metrics and name not in by and name != grain
            }
            group = tuple(row.get(name) for name in by)
            yield ExpectedRow(period, group, values, (*self.path, *steps))

    def _check_expected(self, rows: Sequence[Mapping[str, Any]]) -> None:
        told = len(self.problems)
        if not rows:
            message = "`expect_rows` is empty, and at least one row comes out"
            fix = "name every row that comes out"
            self._tell("TST137", message, ("expect_rows",), fix, key=True)
            return
        grain, by = grain_of(self.test), self.test.by
        keys = (*((grain,) if grain != "all" else ()), *by)
        for number, row in enumerate(rows):
            self._check_names(number, row, keys)
        expected = list(self.expected())
        if len(self.problems) > told:
            return
        if not any(row.values for row in expected):
            message = "no row of `expect_rows` names a metric, so that they check no value"
            self._tell("TST137", message, ("expect_rows",), "add metrics with values", key=True)
        first: dict[Any, int] = {}
        for number, one in enumerate(expected):
            key = repr((one.period, one.group))
            if key in first:
                what = f"is that of row {first[key] + 1}" if keys else "is one for all time"
                message = f"row {number + 1} of `expect_rows` {what}"
                self._tell("TST134", message, ("expect_rows", number), "keep one of them")
            first.setdefault(key, number)

    def _check_names(self, number: int, row: Mapping[str, Any], keys: Sequence[str]) -> None:
        tree, steps = self.tree, ("expect_rows", number)
        grain = grain_of(self.test)
        for name in keys:
            if name not in row:
                what = f"the first day of its {grain}" if name == grain else "null for none"
                message = f"this row does not say its {shown(name)}"
                self._tell("TST132", message, steps, f"add `{shown(name)}:`, {what}")
        given = {*(self.test.given or ()), *(self.test.matrix or ())}
        given |= {name for line in self.test.cases or () for name in line.given or ()}
        for name in row:
            if name in keys:
                continue
            if name not in tree.metrics:
                near = Suggester([*keys, *tree.metrics]).near(name)
                advice = did_you_mean(near) or _meant(self.test, name)
                message = f"'{shown(name)}' is no metric, no grain and no dimension of this test"
                self._tell("TST133", message, (*steps, name), advice, key=True)
            elif name in given:
                message = f"'{name}' is given, so that its value proves nothing"
                fix = "leave it out of `given`, or out of `expect_rows`"
                self._tell("TST103", message, (*steps, name), fix, key=True)

    def _value(self, value: Any, steps: Path) -> float | None:
        if value == "missing" and isinstance(value, str):
            return None
        number = math.nan
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
        if not math.isfinite(number):
            what = "nothing is expected" if value is None else f"'{shown(value)}' is no number"
            fix = "write a number, or `missing` where there is no value"
            if isinstance(value, str):
                fix = instead_of_text(value) or fix
            self._tell("TST136", f"{what}, and not `missing`", steps, fix)
        return number

    def _period(self, value: Any, steps: Path) -> date | None:
        grain, day = grain_of(self.test), value
        if isinstance(value, str) and _DAY.fullmatch(value):
            try:
                day = date.fromisoformat(value)
            except ValueError:
                day = None
        calendar = calendar_of(self.tree)
        if not isinstance(day, date) or isinstance(day, datetime):
            first = calendar.period_of(date(2026, 3, 1), grain)
            message = f"'{shown(value)}' is no day, and a {grain} is named by its first one"
            self._tell("TST135", message, steps, f"write it as {first}")
            return None
        try:
            first = calendar.period_of(day, grain)
        except ValueError:  # before the calendar begins
            first = day
        if first != day:
            message = f"no {grain} begins on {day}"
            self._tell("TST135", message, steps, f"the {grain} that holds it begins on {first}")
        return day


def calendar_of(tree: ResolvedTree) -> Calendar:
    """Return when the weeks and years of a tree begin."""
    spec = tree.spec
    return Calendar(WEEKDAYS.index(spec.week_start or "monday"), spec.fiscal_year_start or 1)


def _meant(test: TestCase, name: str) -> str:
    if name in ("day", "week", "month", "quarter", "year"):
        has = f"`grain: {test.grain}`" if test.grain else "no `grain`"
        return f"the test has {has}: write `grain: {name}`"
    return "check the spelling, or name the dimension under `by:`"


def _names(names: Iterable[str]) -> str:
    return shown(", ".join(names), 200)
