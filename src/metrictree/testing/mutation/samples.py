"""Values by which two formulas can be told apart, the simplest ones first.

A formula is looked at on its own: what it refers to may have any value inside of its declared
range, since a test may give any metric.
"""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from metrictree.engines.scalar import evaluate
from metrictree.engines.series import evaluate_series
from metrictree.formula import FUNCTIONS
from metrictree.formula.printer import number_text
from metrictree.testing.mutation.code import Parts, without_text
from metrictree.units import parse_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from metrictree.formula import Formula
    from metrictree.schema import Metric
    from metrictree.testing.case import TestValue

__all__ = ["Sample", "can_compare", "differs", "same", "tell_apart"]

_POINTS: Final = 400
"""Samples of one kind that are looked at."""
_FEWER: Final = 100
"""Samples in which the same ones are missing."""
_SERIES: Final = 120
_RELATIVE: Final = 1e-9
_ABSOLUTE: Final = 1e-12
"""As tests compare when they do not say otherwise."""
_PLAIN: Final = (20.0, 10.0, 5.0, 4.0, 8.0, 50.0, 2.0, 3.0, 100.0, 40.0, 6.0, 7.0)
_SHARES: Final = (0.5, 0.2, 0.4, 0.25, 0.1, 0.8, 0.75, 0.6, 0.05, 0.9)
_UNEVEN: Final = (0.123, 0.4567, 0.987654321, 2.3, 7.8912, 123.45678)
"""Values that rounding changes."""
_UNUSUAL: Final = (-25.0654, 29.5149, 93.6226, 0.03487, -0.5555, 61.9949, 7.00501, 0.00005)
_LARGE: Final = (1_000.0, 12_345.0, 1e6, 1e9)
_SHORT: Final = 8
"""Periods that may all be different."""
_CANDIDATES: Final = 40
"""Samples, the easiest to read, of which the one is taken that tells most mutants apart."""
_OTHERS: Final = 60
"""Mutants that these samples are tried on."""
_LOOKED_AT: Final = 24
"""Periods up to which each series is quickly looked at."""
_MOST_PERIODS: Final = 800
_PIECES: Final = 16
"""Parts of a series that may differ in the end."""
_TRIED: Final = 6
"""Plain values that are tried instead of others."""
_SIDES: Final = 12
"""Comparisons of which the edges are looked for."""
_WORK: Final = 60_000
_FEWEST: Final = 500
"""Operations of a formula that samples of one kind may take, and how many there are at least."""
_ROOTS: Final = 12
"""Points from which to look for the edge of a comparison."""


class Sample(NamedTuple):
    """Values of what a formula refers to, and the value that it has for them."""

    given: dict[str, TestValue]
    expect: TestValue


def can_compare(original: Formula, mutant: Formula) -> bool:
    """Whether both look back so few periods that samples can be made of them."""
    return max(_look_back(original), _look_back(mutant)) <= _MOST_PERIODS


class _Found(NamedTuple):
    """A sample that tells two formulas apart, and how good it is: less is better."""

    odd: int
    """How many values contradict what is declared, or are negative."""
    cost: int
    """How hard it is to read, and how much it may hide."""
    sample: Sample


def tell_apart(
    original: Formula,
    mutant: Formula,
    metrics: Mapping[str, Metric],
    *,
    others: Sequence[Formula] = (),
    metric: Metric | None = None,
) -> Sample | None:
    """Return values for which two formulas differ; nothing if they never do.

    Of what is found, it is the sample for which most of ``others`` differ as well, then the
    simplest one. ``metric`` is the one that is defined: its values stay in its range if they can.

    >>> from metrictree import MetricTree
    >>> from metrictree.formula import parse
    >>> metrics = MetricTree(north_star="a", metrics={"a": {"range": [0, None]}}).metrics
    >>> tell_apart(parse("max(a, 0)"), parse("a"), metrics) is None
    True
    >>> tell_apart(parse("max(a, 0)"), parse("min(a, 0)"), metrics)
    Sample(given={'a': 5.0}, expect=5.0)
    """
    kind = _Series if _needs_periods(original) or _needs_periods(mutant) else _Numbers
    return kind(original, mutant, metrics, others[:_OTHERS], metric).find()


def differs(sample: Sample, mutant: Formula) -> bool:
    """Whether a formula has another value for a sample that holds all that it refers to."""
    given: Any = sample.given
    if not given.keys() >= {*mutant.references}:
        return False
    if isinstance(sample.expect, tuple):
        found = evaluate_series(mutant, given, len(sample.expect))
        return not all(map(same, sample.expect, found))
    return not same(sample.expect, evaluate(mutant, given))


def _needs_periods(formula: Formula) -> bool:
    return any(node.op == "call" and FUNCTIONS[node.value].over_time for node in formula.nodes)


def same(one: float | None, other: float | None) -> bool:
    """Whether no test could see a difference."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= max(_RELATIVE * max(abs(one), abs(other)), _ABSOLUTE)


class _Pools:
    """What each reference may be, by how odd it is."""

    def __init__(
        self, formulas: Sequence[Formula], names: Sequence[str], metrics: Mapping[str, Metric]
    ) -> None:
        near = list(_around(_numbers(formulas)))
        many = [value * times for value in _numbers(formulas) if value > 10 for times in (2, 5)]
        self.plain = {
            name: list(dict.fromkeys([*_plain(metrics[name]), *_inside(metrics[name], many)]))
            for name in names
        }
        self.edge = {name: _inside(metrics[name], _edges(metrics[name], near)) for name in names}
        negative = [-value for value in (*_PLAIN[:4], 1.0, 0.5, *near, *_LARGE)]
        odd = [*_UNUSUAL, *_LARGE, *negative]
        self.odd = {name: _inside(metrics[name], odd) for name in names}


def _plain(metric: Metric) -> list[float]:
    """Return values that nobody wonders at."""
    found: list[float] = []
    if metric.value is not None:
        return [metric.value]  # a test that does not give it notices another value
    low, high = metric.range or (None, None)
    is_ratio = metric.unit is not None and parse_unit(metric.unit).is_ratio
    if low is not None and high is not None:
        share = _SHARES if high - low <= 1 else (*_SHARES[:4], *_SHARES[4:])
        found += [float(f"{low + (high - low) * part:.3g}") for part in share]
    elif is_ratio:
        found += _SHARES
    inside = _inside(metric, [*found, *(() if is_ratio and found else _PLAIN)])
    if len(inside) < 4:
        base = low if low is not None else high if high is not None else 0.0
        sign = 1.0 if low is not None else -1.0
        inside += _inside(metric, [base + sign * value for value in _PLAIN])
    return inside or _inside(metric, [end for end in (low, high) if end is not None])


def _edges(metric: Metric, near: Sequence[float]) -> list[float]:
    low, high = metric.range or (None, None)
    ends = [end for end in (low, high) if end is not None]
    uneven = list(_UNEVEN)
    if low is not None and high is not None:
        uneven += [low + (high - low) * part for part in _UNEVEN if part < 1]
    return [*near, 0.0, 1.0, 0.5, 1.5, 2.5, *ends, *uneven]


def _inside(metric: Metric, values: Iterable[float]) -> list[float]:
    low, high = metric.range or (-math.inf, math.inf)
    low = -math.inf if low is None else low
    high = math.inf if high is None else high
    return [value + 0.0 for value in dict.fromkeys(values) if low <= value <= high]


def _numbers(formulas: Sequence[Formula]) -> set[float]:
    return {node.value for formula in formulas for node in formula.nodes if node.op == "number"}


def _around(numbers: Iterable[float]) -> Iterator[float]:
    """Yield numbers at and beside those of a formula, and what their fractions are made of."""
    for number in sorted(numbers):
        step = 1.0 if number.is_integer() and abs(number) <= 10 else abs(number) / 10
        for value in (number, number - step / 2, number + step / 2, number - step, number + step):
            yield float(f"{value:.12g}")
        if not number.is_integer():
            fraction = Fraction(number).limit_denominator(1_000)
            yield float(fraction.numerator)
            yield float(fraction.denominator)


class _Search:
    """What looking for numbers and for series have in common."""

    def __init__(
        self,
        original: Formula,
        mutant: Formula,
        metrics: Mapping[str, Metric],
        others: Sequence[Formula],
        metric: Metric | None,
    ) -> None:
        self.original = original
        self.mutant = mutant
        self.names = list(dict.fromkeys([*original.references, *mutant.references]))
        self.metrics = metrics
        self.others = others
        self.ends = _usual(metric)
        self.pools = _Pools([original, mutant], self.names, metrics)
        self.chance = random.Random(0)  # noqa: S311 - the same samples each time

    def _rank(self, found: _Found) -> tuple[int, int, int]:
        told = sum(differs(found.sample, other) for other in self.others)
        return found.odd, -told, found.cost

    def _best(self, found: list[_Found]) -> _Found:
        found.sort(key=lambda one: one[:2])
        return min(found[:_CANDIDATES], key=self._rank)

    def _odd_values(self, given: Iterable[float | None], expect: Iterable[float | None]) -> int:
        low, high = self.ends
        outside = sum(value is not None and not low <= value <= high for value in expect)
        return outside + sum(value is not None and value < 0 for value in given)


def _usual(metric: Metric | None) -> tuple[float, float]:
    """Return between which ends nobody wonders at the values of a metric."""
    if metric is None:
        return -math.inf, math.inf
    if metric.range is None:
        is_ratio = metric.unit is not None and parse_unit(metric.unit).is_ratio
        return (0.0, 1.0) if is_ratio else (-math.inf, math.inf)
    low, high = metric.range
    return -math.inf if low is None else low, math.inf if high is None else high


class _Numbers(_Search):
    """Looks for single numbers."""

    def find(self) -> Sample | None:
        most = max(_WORK // len(self.original.nodes), _FEWEST)
        for points in (self._plain, self._edges, self._odd, self._missing):
            looked = map(self._look, itertools.islice(points(), most))
            found = [one for one in looked if one is not None]
            if found:
                return self._simpler(self._best(found))
        return None

    def _simpler(self, best: _Found) -> Sample:
        """Return the sample with plain values where those do as well."""
        rank = self._rank(best)
        for position, name in enumerate(self.names):
            for value in self.pools.plain[name][:_TRIED]:
                point: list[Any] = list(best.sample.given.values())
                if value not in point and point[position] is not None:
                    point[position] = value
                    found = self._look(point)
                    if found is not None and (other := self._rank(found)) < rank:
                        best, rank = found, other
        return best.sample

    def _look(self, point: Sequence[float | None]) -> _Found | None:
        """Return a sample, and how good it is, if it tells the formulas apart."""
        given = dict(zip(self.names, point, strict=True))
        expect = evaluate(self.original, given)
        if same(expect, evaluate(self.mutant, given)):
            return None
        told = sum(len(_told(value)) for value in (*point, expect))
        special = 2 * sum(value in (0.0, 1.0) for value in point)
        special += 3 * (len(point) - len(set(point)))  # equal values hide which one is meant
        special += 6 * (expect in point)  # as if there was nothing to compute
        odd = self._odd_values(point, [expect])
        return _Found(odd, told + special + _hides(expect), Sample(dict(given), expect))

    # --- points, by kind

    def _plain(self) -> Iterator[tuple[float | None, ...]]:
        pools = [self.pools.plain[name] for name in self.names]
        for point in self._points(pools):
            if len(set(point)) == len(point):
                yield point

    def _edges(self) -> Iterator[tuple[float | None, ...]]:
        plain, edge = self.pools.plain, self.pools.edge
        yield from self._points([plain[name] + edge[name] for name in self.names])
        yield from self._solved(list(itertools.islice(self._plain(), _ROOTS)))

    def _odd(self) -> Iterator[tuple[float | None, ...]]:
        pools = self.pools
        every = [pools.plain[name][:6] + pools.edge[name] + pools.odd[name] for name in self.names]
        yield from self._points(every)
        yield from self._solved(list(itertools.islice(self._points(every), _ROOTS)))

    def _missing(self) -> Iterator[tuple[float | None, ...]]:
        pools = self.pools
        for absent in range(1, min(len(self.names), 3) + 1):
            for gone in itertools.islice(itertools.combinations(self.names, absent), 50):
                every: list[list[float | None]] = [
                    [None]
                    if name in gone
                    else [*pools.plain[name][:3], *pools.edge[name], *pools.odd[name][:3]]
                    for name in self.names
                ]
                yield from self._points(every, _FEWER)
        yield tuple([None] * len(self.names))

    def _points(
        self, pools: Sequence[Sequence[float | None]], most: int = _POINTS
    ) -> Iterator[tuple[float | None, ...]]:
        """Yield all combinations, or as many as are looked at."""
        if math.prod(map(len, pools)) <= most:
            yield from itertools.product(*pools)
        else:
            for _ in range(most):
                yield tuple([self.chance.choice(pool) for pool in pools])

    def _solved(
        self, points: Sequence[tuple[float | None, ...]]
    ) -> Iterator[tuple[float | None, ...]]:
        """Yield points at, and just beside, where two sides of a comparison are the same."""
        for left, right in _sides([self.original, self.mutant]):
            for position, name in enumerate(self.names):
                if name not in (*left.references, *right.references):
                    continue
                for point in points:
                    root = self._root(left, right, position, point)
                    for value in () if root is None else (root, root * 1.05, root * 0.95, root + 1):
                        nice = _inside(self.metrics[name], [float(f"{value:.10g}")])
                        if nice:
                            yield (*point[:position], nice[0], *point[position + 1 :])

    def _root(
        self, left: Formula, right: Formula, position: int, point: Sequence[float | None]
    ) -> float | None:
        """Return where two sides meet, if their distance is a straight line."""

        def distance(value: float) -> float | None:
            given = dict(zip(self.names, point, strict=True))
            given[self.names[position]] = value
            one, other = evaluate(left, given), evaluate(right, given)
            return None if one is None or other is None else one - other

        at_one, at_two = distance(1.0), distance(2.0)
        if at_one is None or at_two is None or at_one == at_two:
            return None
        return 1.0 - at_one / (at_two - at_one)


def _sides(formulas: Sequence[Formula]) -> list[tuple[Formula, Formula]]:
    """Return what is compared with each other, and what `min`, `max` and `clip` choose from."""
    found: dict[tuple[Formula, Formula], None] = {}
    for formula in formulas:
        parts = Parts(formula)
        for at, node in enumerate(formula.nodes):
            if node.op == "compare" or (node.op == "call" and node.value in ("min", "max", "clip")):
                sides = [without_text(code) for code in parts.args(at)]
                found.update(dict.fromkeys(itertools.pairwise(sides)))
                if node.op == "call" and len(sides) > 2:
                    found[sides[0], sides[-1]] = None
    nearest = sorted(found, key=lambda sides: sum(len(one.nodes) for one in sides))
    return nearest[:_SIDES]  # simple ones first; there may be many in a deep formula


def _hides(expect: TestValue) -> int:
    """Return by how many characters a test reads worse: zero and one hide how they came about."""
    values = set(expect if isinstance(expect, tuple) else (expect,)) - {None}
    return (0 if values - {0.0, 1.0} else 4) + 8 * any(value < 0 for value in values if value)


def _told(value: TestValue) -> str:
    if value is None:
        return "missing"
    if isinstance(value, tuple):
        return ", ".join(map(_told, value))
    return number_text(value)


class _Series(_Search):
    """Looks for short series."""

    def find(self) -> Sample | None:
        longest = max(_look_back(self.original), _look_back(self.mutant)) + 2
        first = [self._first(one, longest) for one in (self.original, self.mutant)]
        # Two values of a short one show how it moves on.
        least = first[0] + (2 if first[0] + 2 <= _SHORT else 1)
        ends = {one + more for one in first for more in (1, 2)}
        lengths = sorted(one for one in {3, *ends, longest} if one >= min(least, longest))
        for kind in ("plain", "edge", "odd", "missing"):
            found: list[_Found] = []
            for periods in lengths:
                tries = _SERIES // (4 if kind == "plain" else 1)
                if periods > _LOOKED_AT:
                    tries = max(tries * _LOOKED_AT // periods, 12)
                for _ in range(tries):
                    one = self._look([self._drawn(name, kind, periods) for name in self.names])
                    found += [one] if one is not None else []
                if found:
                    return self._simpler(self._best(found))
        return None

    def _simpler(self, best: _Found) -> Sample:
        """Return a long sample with the same value in as many periods as will do."""
        periods = len(best.sample.expect) if isinstance(best.sample.expect, tuple) else 1
        rank = self._rank(best)
        for name in self.names if periods > _SHORT else ():
            size = periods // 2
            while size and size >= periods // _PIECES:
                for begin in range(0, periods, size):
                    before: Mapping[str, Any] = best.sample.given
                    given = {one: list(values) for one, values in before.items()}
                    series = given[name]
                    end = min(begin + size, periods)
                    series[begin:end] = [series[max(begin - 1, 0)]] * (end - begin)
                    found = self._look(list(given.values()))
                    if found is None or _changes(found.sample) >= _changes(best.sample):
                        continue
                    if (other := self._rank(found))[:2] <= rank[:2]:
                        best, rank = found, other
                size //= 2
        return best.sample

    def _first(self, formula: Formula, periods: int) -> int:
        """Return how many periods are missing before the first one with a value."""
        ramp = {name: [2.0 + period for period in range(periods)] for name in self.names}
        found = evaluate_series(formula, ramp, periods)
        return next((at for at, value in enumerate(found) if value is not None), 2)

    def _drawn(self, name: str, kind: str, periods: int) -> list[float | None]:
        pools = self.pools
        pool: list[float | None] = [*pools.plain[name]]
        if kind != "plain":
            pool = [*pool[:4], *pools.edge[name]]
        if kind in ("odd", "missing"):
            pool += pools.odd[name]
        if kind == "missing":
            pool += [None] * (len(pool) // 2 + 1)
        if kind == "plain" and periods <= min(len(pool), _SHORT):
            return self.chance.sample(pool, periods)
        if kind == "plain" and periods > _SHORT:  # few different values are easier to look at
            pool = self.chance.sample(pool[:6], min(len(pool), 2))
        return [self.chance.choice(pool) for _ in range(periods)]

    def _look(self, drawn: Sequence[Sequence[float | None]]) -> _Found | None:
        periods = len(drawn[0]) if drawn else 1
        given = dict(zip(self.names, map(list, drawn), strict=True))
        expect = evaluate_series(self.original, given, periods)
        other = evaluate_series(self.mutant, given, periods)
        if all(map(same, expect, other)):
            return None
        sample = Sample({name: tuple(values) for name, values in given.items()}, tuple(expect))
        told = sum(len(_told(value)) for value in (*sample.given.values(), sample.expect))
        values = [value for series in drawn for value in series]
        for series in drawn:  # what is in order, or equal, hides which period is meant
            there = [value for value in series if value is not None]
            told += 8 * (sorted(there) in (there, there[::-1]))
        told += 3 * (len(values) - len(set(values))) if periods <= _SHORT else 0
        told += 3 * sum(value in values for value in expect if value is not None)
        return _Found(self._odd_values(values, expect), told + _hides(sample.expect), sample)


def _changes(sample: Sample) -> int:
    """Return how often a value is not that of the period before, nothing expected counting most."""
    expect = sample.expect
    assert isinstance(expect, tuple)
    hidden = 0 if set(expect) - {None} else 1_000
    return hidden + sum(
        one != other
        for values in sample.given.values()
        if isinstance(values, tuple)
        for one, other in itertools.pairwise(values)
    )


def _look_back(formula: Formula) -> int:
    """Return the sum of all periods that a formula looks back."""
    periods = 0
    for node in formula.nodes:
        if node.op == "call" and FUNCTIONS[node.value].over_time:
            counts = FUNCTIONS[node.value].counts is not None and len(node.args) > 1
            periods += int(formula.nodes[node.args[1]].value) if counts else 1
    return periods
