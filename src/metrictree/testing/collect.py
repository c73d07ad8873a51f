"""The tests of a tree -> its cases: tables and matrices spread out, every mistake told at once."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from metrictree.codes import CODES
from metrictree.diagnostics import Diagnostic, Problems, legible, shown
from metrictree.formula.printer import number_text
from metrictree.names import Suggester, did_you_mean
from metrictree.schema_errors import dotted
from metrictree.testing.case import Case, Kind
from metrictree.testing.rows import check_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metrictree.documents import Path
    from metrictree.resolved import ResolvedTree
    from metrictree.schema import TestCase, TestRow
    from metrictree.testing.case import TestValue

__all__ = ["CASES_OF_A_TEST", "Collected", "collect"]

CASES_OF_A_TEST: Final = 10_000
"""Cases that one test may spread out to."""
_COUNTED: Final = 10**12
"""Cases that are counted: what multiplies further has more digits than anybody reads."""
_CHECKS: Final = ("expect", "expect_rows", "property", "error")
_FOUND_BY_TESTS: Final = ("VAL", "SRC")
"""Families of codes that computing can report; a tree with others does not load."""


@dataclass(frozen=True, slots=True)
class Collected:
    """The cases of a tree, and what is wrong with its tests."""

    cases: tuple[Case, ...]
    problems: Problems


def collect(tree: ResolvedTree) -> Collected:
    """Return the cases of the tests of a tree; of a test with mistakes there are none.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="double",
    ...     metrics={"double": "2 * x", "x": None},
    ...     tests=[{"name": "twice", "matrix": {"x": [0, None]}, "expect": {"double": 0}}],
    ... )
    >>> [case.name for case in collect(tree.resolved).cases]
    ['twice [x=0]', 'twice [x=missing]']
    """
    return _Collecting(tree).collect()


class _Collecting:
    def __init__(self, tree: ResolvedTree) -> None:
        self.tree = tree
        self.problems = Problems()

    def collect(self) -> Collected:
        cases: list[Case] = []
        first: dict[str, Path] = {}
        for position, test in enumerate(self.tree.spec.tests):
            path: Path = ("tests", position)
            if test.name in first:
                where = self.tree.places.span((*first[test.name], "name"))
                what = f"there is a test '{legible(test.name)}' already"
                self._tell("TST104", f"{what}, in {where}" if where else what, (*path, "name"))
            first.setdefault(test.name, path)
            told = len(self.problems)
            self._check(test, path)
            if len(self.problems) == told:
                cases += self._spread(test, path)
        return Collected(tuple(cases), self.problems)

    def _tell(self, code: str, message: str, path: Path, fix: str | None = None) -> None:
        span = self.tree.places.span(path)
        advice = fix or _ADVICE[code]
        self.problems.add(Diagnostic(code, message, span, path=dotted(path), fix=advice))

    # --- what a test may hold

    def _check(self, test: TestCase, path: Path) -> None:
        checks = {check for check in _CHECKS if _says(test, check)}
        for row in test.cases or ():
            checks |= {check for check in ("expect", "error") if _says(row, check)}
        ordered = [check for check in _CHECKS if check in checks]
        if not checks:
            self._tell("TST101", f"'{legible(test.name)}' checks nothing", (*path, "name"))
        # In a table one line may expect a value and another one an error.
        several = test.cases is None or checks - {"expect", "error"} or test.error is not None
        if len(ordered) > 1 and several:
            self._together(path, ordered[1], f"`{ordered[1]}` stands beside `{ordered[0]}`")
        for number, row in enumerate(test.cases or ()):
            self._check_row(test, row, (*path, "cases", number))
        if test.given_rows is None and test.expect_rows is not None:
            self._together(path, "expect_rows", "`expect_rows` stands without `given_rows`")
        if test.given_rows is not None and test.property is not None:
            self._together(path, "property", "`property` stands beside `given_rows`")
        self._check_error(test.error, path)
        self.problems.add(*check_rows(self.tree, test, path))
        if test.property is not None:
            from metrictree.testing.properties import check_property  # heavy

            self.problems.add(*check_property(self.tree, test, path))

    def _check_row(self, test: TestCase, row: TestRow, path: Path) -> None:
        if row.error is not None and (row.expect is not None or test.expect is not None):
            self._together(path, "error", "this case expects values and an error")
        checks = row.expect or row.error or any(_says(test, check) for check in _CHECKS)
        if not checks and any(other.expect or other.error for other in test.cases or ()):
            self._tell("TST101", "this case checks nothing", path)
        self._check_error(row.error, path)

    def _together(self, path: Path, part: str, message: str) -> None:
        self._tell("TST102", message, (*path, part))

    def _check_error(self, code: str | None, path: Path) -> None:
        if code is None:
            return
        from metrictree.lint.rules import RULES  # heavy

        if code in RULES or (code in CODES and code[:3] in _FOUND_BY_TESTS):
            return
        message = f"no test can find {shown(code)}: a tree with it does not load"
        advice = "expect a code of a rule, or one of the families VAL and SRC"
        if code not in CODES:
            message = f"there is no code {shown(code)}"
            known = [*RULES, *(name for name in CODES if name[:3] in _FOUND_BY_TESTS)]
            advice = did_you_mean(Suggester(known).near(code)) or advice
        self._tell("TST107", message, (*path, "error"), advice)

    # --- tables and matrices

    def _spread(self, test: TestCase, path: Path) -> Iterator[Case]:
        lines: list[tuple[TestRow | None, Path]] = [(None, path)]
        if test.cases is not None:
            lines = [(row, (*path, "cases", number)) for number, row in enumerate(test.cases)]
        matrix = test.matrix or {}
        count = len(lines)
        for values in matrix.values():
            if count < _COUNTED:
                count *= len(values)
        if count > CASES_OF_A_TEST:
            told = f"{count:,} cases" if count < _COUNTED else "very many cases"
            message = f"'{legible(test.name)}' has {told}, more than {CASES_OF_A_TEST:,}"
            self._tell("TST106", message, (*path, "matrix" if matrix else "cases"))
            return
        names: dict[str, int] = {}
        for number, (row, where) in enumerate(lines, 1):
            for values in itertools.product(*matrix.values()):
                combination = dict(zip(matrix, values, strict=True))
                case = self._case(test, row, where, number, combination)
                if case is None:
                    return
                names[case.name] = names.get(case.name, 0) + 1
                if names[case.name] > 1:  # two lines of a table with one name
                    message = f"there is a case '{legible(case.name)}' already"
                    self._tell("TST104", message, where)
                    return
                yield case

    def _case(
        self,
        test: TestCase,
        row: TestRow | None,
        path: Path,
        number: int,
        combination: Mapping[str, Any],
    ) -> Case | None:
        given = {**(test.given or {}), **((row and row.given) or {}), **combination}
        expect = {**(test.expect or {}), **((row and row.expect) or {})}
        both = [metric for metric in expect if metric in given]
        if both:
            message = f"'{both[0]}' is given, so that its value proves nothing"
            within = path if row is not None and both[0] in (row.expect or ()) else path[:2]
            self._tell("TST103", message, (*within, "expect", both[0]))
            return None
        lengths = {
            metric: len(value)
            for metric, value in (*given.items(), *expect.items())
            if isinstance(value, tuple)
        }
        if len(set(lengths.values())) > 1:
            (first, length), *others = lengths.items()
            other, another = next(item for item in others if item[1] != length)
            message = f"'{first}' has {_periods(length)} and '{other}' has {_periods(another)}"
            part = "given" if other in given else "expect"
            within = path if row is not None and other in (getattr(row, part) or ()) else path[:2]
            self._tell("TST105", message, (*within, part, other))
            return None
        error = (row and row.error) or test.error
        kind = Kind.SERIES if lengths else Kind.VALUES
        if error is not None:
            kind = Kind.ERROR
        elif test.property is not None:
            kind = Kind.PROPERTY
        elif test.given_rows is not None:
            kind = Kind.ROWS
        return Case(
            test.name + _variant(row, number, combination),
            kind,
            test,
            path,
            self.tree.places.span((*path, "name") if row is None else path),
            {metric: _missing_as_none(value) for metric, value in given.items()},
            {metric: _missing_as_none(value) for metric, value in expect.items()},
            error,
            (row and row.tolerance) or test.tolerance,
        )


_ADVICE: Final = {
    "TST101": "add `expect:` with values, `property:` with a sentence, or `error:` with a code",
    "TST102": "make two tests of it, or leave one of them out",
    "TST103": "leave it out of `given`, or out of `expect`",
    "TST104": "give each one a name of its own",
    "TST105": "give each list as many values, `missing` where there is none",
    "TST106": "try fewer values, or make several tests of it",
}


def _says(test: TestCase | TestRow, check: str) -> bool:
    """Return whether a test holds a check; to expect no metrics is to check nothing."""
    found = getattr(test, check)
    return bool(found) if check == "expect" else found is not None


def _periods(count: int) -> str:
    return "1 period" if count == 1 else f"{count:,} periods"


def _missing_as_none(value: Any) -> TestValue:
    if isinstance(value, tuple):
        return tuple(None if one == "missing" else one for one in value)
    return None if value == "missing" else value


def _variant(row: TestRow | None, number: int, combination: Mapping[str, Any]) -> str:
    """Return what tells a case from the others of its test, in brackets."""
    parts = [] if row is None else [row.name or str(number)]
    parts += [f"{metric}={_told(value)}" for metric, value in combination.items()]
    return f" [{', '.join(parts)}]" if parts else ""


def _told(value: Any) -> str:
    if isinstance(value, tuple):
        return "(" + " ".join(_told(one) for one in value) + ")"
    return value if isinstance(value, str) else number_text(value)
