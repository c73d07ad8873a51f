"""Tests of rows: their mistakes, and their runs; what it takes to run is imported on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrictree.diagnostics import Diagnostic
    from metrictree.documents import Path
    from metrictree.resolved import ResolvedTree
    from metrictree.schema import TestCase
    from metrictree.testing.case import Case, Outcome

__all__ = ["check_rows", "run_rows"]


def check_rows(tree: ResolvedTree, test: TestCase, path: Path) -> Iterator[Diagnostic]:
    """Yield what is wrong with what a test says of rows; nothing is run."""
    if test.given_rows is not None or test.grain is not None or test.by:
        from metrictree.testing.rows.checks import check

        yield from check(tree, test, path)


def run_rows(tree: ResolvedTree, case: Case) -> Outcome:
    """Return how a case ends that gives rows; only what it expects is computed.

    >>> from metrictree import MetricTree
    >>> from metrictree.testing.collect import collect
    >>> tree = MetricTree(
    ...     north_star="jobs",
    ...     metrics={"jobs": {"measure": {"source": "jobs", "aggregate": "count()"}}},
    ...     sources={"jobs": {"path": "jobs.csv"}},
    ...     tests=[{"name": "two", "given_rows": {"jobs": [{}, {}]}, "expect": {"jobs": 3}}],
    ... )
    >>> outcome = run_rows(tree.resolved, collect(tree.resolved).cases[0])
    >>> print(outcome.status, outcome.failures[0].message, sep=": ")
    failed: jobs is 2, expected 3: 1 less (-33.3 %)
    """
    from metrictree.testing.rows.runs import outcome_of

    return outcome_of(tree, case)
