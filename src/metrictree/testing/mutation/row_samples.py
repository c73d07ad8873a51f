"""Rows by which two measures can be told apart: several that count, and some that do not.

Where no such table does, odd ones are tried, and as few of their rows are kept as will do. All are
computed by a real run, as tests of rows are.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
from datetime import date, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from metrictree.errors import MetricTreeError
from metrictree.formula import Mode
from metrictree.testing.mutation.code import call, formula_of, numeric, ref
from metrictree.testing.mutation.samples import same

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence, Set as AbstractSet

    from metrictree.formula import Formula
    from metrictree.resolved import ResolvedMeasure, ResolvedTree

__all__ = ["RowSample", "rows_differ", "tell_rows_apart"]

_SIZES: Final = (6, 12, *[1] * 24, *[2] * 8, *[3] * 4, 24, 48)
"""Rows of the tables that are tried; in large ones what few rows show may be lost."""
_NUMBERS: Final = (10, 20, 5, 40, 2, 0, -3, 7.5)
_TABLES: Final = 16
"""Tables in which several rows count and some do not, of which a few are looked at closely."""
_CLOSELY: Final = 4
_PLAIN: Final = (24, 60, 12, 96, 36, 84, 48, 120)
"""Numbers of different rows: their sum, mean, median and ends all differ."""
_RIVALS: Final = ("sum", "mean", "median", "min", "max", "count", "count_distinct")
"""Aggregates that a table should tell from each other, whether they are mutants or not."""


class RowSample(NamedTuple):
    """Rows of a source, and the value that they give."""

    source: str
    rows: list[dict[str, Any]]
    expect: float | None
    counted: int | None = None
    """How many of the rows count, if some do and some do not."""


def tell_rows_apart(
    original: ResolvedTree,
    mutant: ResolvedTree,
    metric: str,
    others: Sequence[ResolvedTree] = (),
) -> tuple[RowSample | None, bool]:
    """Return a few rows for which a measure differs, and whether any table could be compared.

    Of what is found, they are the rows for which most of ``others`` differ as well. A table that a
    run refuses, because it holds what the measure does not take, says nothing.
    """
    measures = [original.measures[metric], mutant.measures[metric]]
    chance = random.Random(0)  # noqa: S311 - the same rows each time
    strong = _Strong(original, metric, [mutant, *others], chance).find()
    if strong is not None:
        return strong, True
    pools = _pools(measures, _of_source(original, metric))
    compared = False
    for size in _SIZES:
        rows = [
            {name: chance.choice(values) for name, values in pools.items()} for _ in range(size)
        ]
        expect, other = (_value(tree, metric, rows) for tree in (original, mutant))
        if expect is _REFUSED:
            continue
        compared = True
        if _same(expect, other):
            continue
        return _fewest(original, mutant, metric, rows), True
    return None, compared


class _Strong:
    """Looks for rows of which several count, with values of their own, and some do not."""

    def __init__(
        self,
        original: ResolvedTree,
        metric: str,
        mutants: Sequence[ResolvedTree],
        chance: random.Random,
    ) -> None:
        self.original = original
        self.metric = metric
        self.measure = original.measures[metric]
        self.mutants = mutants
        self.chance = chance
        self.count = self._with(formula_of(call("count"), Mode.AGGREGATE))
        root, column = self.measure.aggregate.root, next(numeric(self.measure.aggregate), None)
        self.rivals = [
            self._with(formula_of(call(name, ref(column)), Mode.AGGREGATE))
            for name in _RIVALS
            if column is not None and len(root.args) == 1 and name != root.value
        ]

    def _with(self, aggregate: Formula) -> ResolvedTree:
        measure = dataclasses.replace(self.measure, aggregate=aggregate)
        measures = MappingProxyType({**self.original.measures, self.metric: measure})
        return dataclasses.replace(self.original, measures=measures, plans={})

    def find(self) -> RowSample | None:
        found: list[tuple[tuple[int, int], list[dict[str, Any]]]] = []
        for rows in self._tables():
            if self._counted(rows) is None:
                continue
            told = self._told(rows)
            if told is not None:
                absent = sum(value is None for row in rows for value in row.values())
                found.append(((-len(told), absent), rows))
                if len(found) == _CLOSELY:
                    break
        return self._fewer(min(found, key=lambda one: one[0])[1]) if found else None

    def _tables(self) -> Iterator[list[dict[str, Any]]]:
        measures = [tree.measures[self.metric] for tree in (self.original, self.mutants[0])]
        pools = _plain_pools(measures, _of_source(self.original, self.metric))
        size = min(max([3, *map(len, pools.values())]) + 2, 7)
        for _ in range(_TABLES):
            columns = {}
            for name, pool in pools.items():
                cells = self.chance.sample(pool, min(size, len(pool)))
                cells += [self.chance.choice(pool) for _ in range(size - len(cells))]
                columns[name] = cells
            yield [{name: cells[at] for name, cells in columns.items()} for at in range(size)]

    def _counted(self, rows: Sequence[dict[str, Any]]) -> int | None:
        """Return how many rows count, if two do, and one does not where there is a condition."""
        counted = _value(self.count, self.metric, rows)
        if not isinstance(counted, float):
            return None
        most = len(rows) - (self.measure.where is not None)
        return int(counted) if 2 <= counted <= most else None

    def _told(self, rows: Sequence[dict[str, Any]]) -> set[int] | None:
        """Return which mutants and rivals have another value; nothing if the first has not."""
        expect = self._expect(rows)
        if expect is None or not self._other(expect, 0, rows):
            return None
        every = range(len(self.mutants) + len(self.rivals))
        return {at for at in every if self._other(expect, at, rows)}

    def _tells(self, rows: Sequence[dict[str, Any]], these: Collection[int]) -> bool:
        """Whether these mutants and rivals have another value."""
        expect = self._expect(rows)
        return expect is not None and all(self._other(expect, at, rows) for at in these)

    def _expect(self, rows: Sequence[dict[str, Any]]) -> float | None:
        """Return the value of rows, unless it hides how it came about."""
        expect = _value(self.original, self.metric, rows)
        return expect if isinstance(expect, float) and expect > 0 and expect != 1 else None

    def _other(self, expect: float, at: int, rows: Sequence[dict[str, Any]]) -> bool:
        tree = (*self.mutants, *self.rivals)[at]
        return not _same(expect, _value(tree, self.metric, rows))

    def _fewer(self, rows: list[dict[str, Any]]) -> RowSample:
        """Leave out rows as long as the others tell as much apart."""
        told = self._told(rows) or set()
        rows = sorted(rows, key=lambda row: None not in row.values())  # these are left out first
        for size in (1, 2, 1):
            for out in itertools.combinations(list(rows), size):
                fewer = [row for row in rows if not any(row is one for one in out)]
                smaller = 2 < len(fewer) < len(rows)
                if smaller and self._counted(fewer) is not None and self._tells(fewer, told):
                    rows = fewer
        rows = sorted(rows, key=lambda row: _value(self.count, self.metric, [row]) == 0)
        expect = _value(self.original, self.metric, rows)
        assert not isinstance(expect, str)
        return RowSample(self.measure.source, rows, expect, self._counted(rows))


def rows_differ(sample: RowSample, mutant: ResolvedTree, metric: str) -> bool:
    """Whether rows that were found for one mutant tell another one apart, too."""
    return not _same(sample.expect, _value(mutant, metric, sample.rows))


_REFUSED: Final = "refused"


def _same(one: float | str | None, other: float | str | None) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return same(one, other)


def _fewest(
    original: ResolvedTree, mutant: ResolvedTree, metric: str, rows: list[dict[str, Any]]
) -> RowSample:
    """Leave out rows as long as the others still tell the measures apart."""
    expect = _value(original, metric, rows)
    part = len(rows) // 2
    while part:
        at = 0
        while at < len(rows):
            fewer = [*rows[:at], *rows[at + part :]]
            found = _value(original, metric, fewer) if fewer else _REFUSED
            if found != _REFUSED and not _same(found, _value(mutant, metric, fewer)):
                rows, expect = fewer, found
            else:
                at += part
        part //= 2
    assert not isinstance(expect, str)
    return RowSample(original.measures[metric].source, rows, expect)


def _value(tree: ResolvedTree, metric: str, rows: Sequence[dict[str, Any]]) -> float | str | None:
    """Return the value of a measure for rows of its source, or that the rows are refused."""
    from metrictree.measures import run
    from metrictree.testing.rows.cells import columns_of
    from metrictree.testing.rows.frames import frame_of

    source = tree.measures[metric].source
    problems: list[Any] = []
    columns = columns_of(tree, source, rows, (), problems)
    if problems:
        return _REFUSED
    try:
        result = run(tree, [metric], sources={source: frame_of(columns, len(rows))})
    except MetricTreeError:
        return _REFUSED
    value: float | None = result.to_dicts()[0][metric]
    return value


# --- what stands in the columns


def _of_source(tree: ResolvedTree, metric: str) -> set[str]:
    """Return the columns that measures of the same source compute with: they hold numbers."""
    source = tree.measures[metric].source
    alike = [measure for measure in tree.measures.values() if measure.source == source]
    return {name for formula in _formulas(alike) for name in numeric(formula)}


def _pools(measures: Sequence[ResolvedMeasure], also: AbstractSet[str]) -> dict[str, list[Any]]:
    """Return some values for each column, by how it is used; null is among them."""
    found: dict[str, list[Any]] = {}
    for formula in _formulas(measures):
        for name in formula.references:
            found.setdefault(name, [])
        for name, values in _compared(formula):
            found.setdefault(name, []).extend(values)
    numbers = {name for formula in _formulas(measures) for name in numeric(formula)} | also
    truths = {name for formula in _formulas(measures) for name in _truths(formula)}
    pools: dict[str, list[Any]] = {}
    for name, values in found.items():
        texts = [value for value in values if isinstance(value, str)]
        if texts:
            pools[name] = [*_beside(texts), None]
        elif values or name in numbers:
            around = [value + step for value in values for step in (0, -1, 1, -0.5, 0.5)]
            pools[name] = [*around, *_NUMBERS, None]
        elif name in truths:
            pools[name] = [True, False, None]
        else:
            pools[name] = [*"abcdefgh", None]  # it is only counted
        pools[name] = list(dict.fromkeys(pools[name]))
    return pools


def _plain_pools(
    measures: Sequence[ResolvedMeasure], also: AbstractSet[str]
) -> dict[str, list[Any]]:
    """Return values that nobody wonders at; null only where it is counted or asked for."""
    whole = _pools(measures, also)
    numbers = {name for formula in _formulas(measures) for name in numeric(formula)}
    pools: dict[str, list[Any]] = {}
    for name, values in whole.items():
        compared = [value for one in _formulas(measures) for value in _limits(one, name)]
        if compared:
            around = [value + step for value in compared for step in (0, 1, 5, -1, 12)]
            pools[name] = list(dict.fromkeys([one for one in around if one >= 0]))
        elif name in numbers:
            pools[name] = list(_PLAIN)
        elif name in also:  # it is only counted, here
            pools[name] = [*_PLAIN[:3], None]
        else:
            letters = values[:1] == ["a"]
            pools[name] = ["a", "b", "c", None] if letters else values[:-1]
        if any(node.value == "is_missing" for one in _formulas(measures) for node in one.nodes):
            pools[name] = [*pools[name][:4], None]
    return pools


def _limits(formula: Formula, name: str) -> list[float]:
    """Return the numbers that a column is compared with."""
    found = [value for column, values in _compared(formula) if column == name for value in values]
    return [value for value in found if isinstance(value, (int, float))]


def _formulas(measures: Sequence[ResolvedMeasure]) -> Iterator[Formula]:
    for measure in measures:
        yield measure.aggregate
        if measure.where is not None:
            yield measure.where


def _compared(formula: Formula) -> Iterator[tuple[str, list[Any]]]:
    """Yield columns with what they are compared with."""
    nodes = formula.nodes
    for node in nodes:
        if node.op in ("in", "not in") and nodes[node.args[0]].op == "ref":
            yield nodes[node.args[0]].value, list(node.value)
        elif node.op == "compare":
            values = [nodes[arg].value for arg in node.args if nodes[arg].op in ("text", "number")]
            for arg in node.args:
                if nodes[arg].op == "ref":
                    yield nodes[arg].value, values


def _truths(formula: Formula) -> Iterator[str]:
    """Yield columns that are conditions themselves."""
    nodes = formula.nodes
    for node in nodes:
        places = {"and": (0, 1), "or": (0, 1), "not": (0,), "if": (0,)}.get(node.op, ())
        for place in places:
            if nodes[node.args[place]].op == "ref":
                yield nodes[node.args[place]].value
    if formula.root.op == "ref":  # all of a `where`
        yield formula.root.value


def _beside(texts: Sequence[str]) -> list[Any]:
    """Return texts, and another one; or days, and those before and after."""
    try:
        days = [date.fromisoformat(text) for text in texts]
    except ValueError:
        return [*texts, "other"]
    return [day + timedelta(days=step) for day in days for step in (0, -1, 1)]
