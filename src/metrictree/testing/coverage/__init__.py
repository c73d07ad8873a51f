"""What tests touch of a tree's definitions: metrics, branches, and rules of missing values.

Nothing is instrumented: the cases' values tell afterwards which way each formula went.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metrictree.engines.scalar import node_values
from metrictree.engines.series import node_series
from metrictree.errors import MetricTreeError
from metrictree.render.tree import definition_text
from metrictree.testing.case import Kind, Status
from metrictree.testing.coverage.points import Look, active_nodes, points_of
from metrictree.testing.evaluation import Evaluation, order_below
from metrictree.testing.values import evaluation_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from metrictree.diagnostics import Span
    from metrictree.resolved import ResolvedTree
    from metrictree.testing.case import Case, TestValue
    from metrictree.testing.properties import Examples

__all__ = ["Coverage", "CoverageItem", "CoverageRecorder", "MetricCoverage", "coverage_of"]


@dataclass(frozen=True, slots=True)
class CoverageItem:
    """Something that a test can touch."""

    label: str
    """In words: ``b is zero in `a / b` ``."""
    kind: str
    """``computed``, ``branch`` or ``rule``: one of the missing-value table."""
    span: Span | None
    touched: bool


@dataclass(frozen=True, slots=True)
class MetricCoverage:
    """What tests touch of one metric with a formula or a measure."""

    metric: str
    definition: str
    expected: bool
    """Whether a test says what it shall be; otherwise it is seen through others at most."""
    items: tuple[CoverageItem, ...]

    @property
    def missed(self) -> tuple[CoverageItem, ...]:
        """What no test touches."""
        return tuple(item for item in self.items if not item.touched)

    @property
    def computed(self) -> bool:
        """Whether a test computes it."""
        return self.items[0].touched


@dataclass(frozen=True, slots=True, repr=False)
class Coverage:
    """What tests touch of the definitions of a tree; ``str`` of it is a table.

    >>> from metrictree import MetricTree
    >>> from metrictree.testing.collect import collect
    >>> tree = MetricTree(
    ...     north_star="rate",
    ...     metrics={"rate": "orders / visits", "orders": None, "visits": None},
    ...     tests=[{"name": "a", "given": {"orders": 1, "visits": 4}, "expect": {"rate": 0.25}}],
    ... )
    >>> coverage = coverage_of(tree.resolved, collect(tree.resolved).cases)
    >>> coverage
    Coverage(33.3 %: 1 of 3 items)
    >>> [item.label for item in coverage.metrics[0].missed]
    ['an operand is missing', '`visits` is zero']
    """

    metrics: tuple[MetricCoverage, ...]
    """Those with a formula or a measure, in the order of the tree."""

    @property
    def total(self) -> int:
        """How many items there are."""
        return sum(len(one.items) for one in self.metrics)

    @property
    def touched(self) -> int:
        """How many of them tests touch."""
        return self.total - sum(len(one.missed) for one in self.metrics)

    @property
    def percent(self) -> float:
        """The share of touched items, in percent; 100 where there is nothing to touch."""
        return 100 * self.touched / self.total if self.total else 100.0

    def to_dict(self) -> dict[str, Any]:
        """Return the coverage as plain data, ready for JSON."""
        return {
            "percent": round(self.percent, 2),
            "items": self.total,
            "touched": self.touched,
            "metrics": [
                {
                    "metric": one.metric,
                    "definition": one.definition,
                    "computed": one.computed,
                    "expected": one.expected,
                    "items": [
                        {
                            "label": item.label,
                            "kind": item.kind,
                            "touched": item.touched,
                            "file": item.span.file if item.span else None,
                            "line": item.span.line if item.span else None,
                            "column": item.span.column if item.span else None,
                        }
                        for item in one.items
                    ],
                }
                for one in self.metrics
            ],
        }

    def __repr__(self) -> str:
        return f"Coverage({self.percent:.1f} %: {self.touched:,} of {self.total:,} items)"

    def __str__(self) -> str:
        from metrictree.render.coverage import render_coverage

        return render_coverage(self)


def coverage_of(tree: ResolvedTree, cases: Iterable[Case]) -> Coverage:
    """Return what cases touch; those that cannot be computed, or are skipped, touch nothing."""
    recorder = CoverageRecorder(tree)
    for case in cases:
        if case.skip is None:
            try:
                recorder.see(case)
            except MetricTreeError:
                continue  # a broken case, which its outcome tells of
    return recorder.coverage()


class CoverageRecorder:
    """Collects what values touch, for one tree."""

    def __init__(self, tree: ResolvedTree) -> None:
        self.tree = tree
        self.expected: set[str] = set()
        self.computed: set[str] = set()
        self.points = {metric: list(points_of(tree, one)) for metric, one in tree.formulas.items()}
        self.open = {metric: set(range(len(one))) for metric, one in self.points.items()}
        """The points of each formula that nothing has touched yet."""

    def see(self, case: Case, examples: Examples | None = None) -> None:
        """Look at the values of a case; of a property, at ``examples`` if it was searched already.

        Raises:
            MetricTreeError: it cannot be computed.
        """
        if case.kind in (Kind.VALUES, Kind.SERIES):
            self.expected.update(case.expect)
            self.see_values(evaluation_of(self.tree, case), case.expect)
        elif case.kind is Kind.ROWS:
            self._see_rows(case)
        elif case.kind is Kind.PROPERTY:
            self._see_examples(case, examples)

    def see_values(self, evaluation: Evaluation, targets: Iterable[str]) -> None:
        """Look at what it takes to compute some metrics.

        Raises:
            ComputeError: they cannot be computed.
        """
        for target in targets:
            evaluation.value(target)
        for metric in evaluation.computed:
            self._see_formula(metric, evaluation.known, evaluation.periods)

    def _see_formula(
        self, metric: str, known: Mapping[str, TestValue], periods: int | None
    ) -> None:
        self.computed.add(metric)
        waiting = self.open[metric]
        if not waiting:
            return
        formula = self.tree.formulas[metric]
        values: Any = known
        looks: Iterator[Look]
        if periods is None:
            looks = iter([Look(formula, node_values(formula, values))])
        else:
            nodes = node_series(formula, values, periods)
            looks = (
                Look(formula, [series[period] for series in nodes], nodes, period)
                for period in range(periods)
            )
        points = self.points[metric]
        for look in looks:
            active = active_nodes(look)
            for at in tuple(waiting):
                point = points[at]
                if (point.always or point.node in active) and point.touches(look):
                    waiting.discard(at)

    def _see_rows(self, case: Case) -> None:
        from metrictree.testing.rows.runs import values_of

        expected = set(case.expect)
        for row in case.test.expect_rows or ():
            expected |= row.keys() & self.tree.metrics.keys()
        self.expected |= expected
        order, leaves = order_below(self.tree.formulas, expected, case.given)
        self.computed.update(leaf for leaf in leaves if leaf in self.tree.measures)
        for known in values_of(self.tree, case, (*order, *leaves)):
            for metric in order:
                if metric not in self.tree.overtime:  # a row does not know those before it
                    self._see_formula(metric, {**case.given, **known}, None)
        self.computed.update(order)

    def _see_examples(self, case: Case, examples: Examples | None) -> None:
        from metrictree.testing.properties import search
        from metrictree.testing.properties.claims import Claim
        from metrictree.testing.properties.sentences import read_sentence

        assert case.test.property is not None
        sentence, _ = read_sentence(case.test.property, self.tree, given=case.given)
        if sentence is None:
            return
        claim = Claim(self.tree, case, sentence)
        self.expected.update(name for part in sentence.subjects for name in part.references)
        if examples is None:
            outcome, examples = search(self.tree, case)
            if outcome.status is Status.BROKEN:
                return
        self.computed.update(claim.order)  # a search that found something does not tell how it went
        for example in examples.tried:
            if not claim.free.keys() <= example.values.keys():
                continue  # it holds without a look at values
            tried = [dict(example.values)]
            if claim.driver is not None and example.moved is not None:
                tried.append({**example.values, claim.driver: example.moved})
            for values in tried:
                known = claim.known(values)
                for metric in claim.order:
                    self._see_formula(metric, known, claim.periods or None)

    def coverage(self) -> Coverage:
        """Return what has been touched so far."""
        return Coverage(
            tuple(
                self._of_metric(metric)
                for metric in self.tree.metrics
                if metric in self.points or metric in self.tree.measures
            )
        )

    def _of_metric(self, metric: str) -> MetricCoverage:
        tree = self.tree
        field = "formula" if metric in tree.formulas else "measure"
        items = [
            CoverageItem(
                "it is computed" if field == "formula" else "it is measured, from `given_rows`",
                "computed",
                tree.places.span(("metrics", metric, field)),
                metric in self.computed,
            )
        ]
        formula = tree.formulas.get(metric)
        for at, point in enumerate(self.points.get(metric, ())):
            assert formula is not None
            node = formula.nodes[point.node]
            span = tree.places.span_within(
                ("metrics", metric, "formula"), formula.text, node.start, node.end
            )
            items.append(CoverageItem(point.label, point.kind, span, at not in self.open[metric]))
        definition = definition_text(tree.metrics[metric])
        return MetricCoverage(metric, definition, metric in self.expected, tuple(items))
