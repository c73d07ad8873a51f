"""What tests touch of a tree's definitions, as a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from metrictree.render.columns import Cell, Column, Line, draw_columns
from metrictree.render.style import PLAIN, Style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrictree.testing.coverage import Coverage, MetricCoverage

__all__ = ["coverage_json", "render_coverage"]

_COLUMNS: Final = (
    Column("items", right=True),
    Column("missed", right=True),
    Column("touched", right=True),
    Column("not touched by any test (line)"),
)


def render_coverage(coverage: Coverage, style: Style = PLAIN) -> str:
    """Return a line for each metric with a formula or a measure, and one for all.

    >>> from metrictree import MetricTree
    >>> from metrictree.testing.collect import collect
    >>> from metrictree.testing.coverage import coverage_of
    >>> tree = MetricTree.from_yaml('''
    ... north_star: profit
    ... metrics:
    ...   profit: sales - costs
    ...   costs: sales * 0.8
    ...   sales:
    ... tests:
    ...   - {name: costs, given: {sales: 10}, expect: {costs: 8}}
    ... ''').resolved
    >>> print(render_coverage(coverage_of(tree, collect(tree).cases)))
    metric  items  missed  touched  not touched by any test (line)
    profit      2       2      0 %  it is never computed (4)
    costs       2       1     50 %  an operand is missing (5)
    all         4       3     25 %
    """
    file = _only_file(coverage)
    lines = [_line(one, style, file) for one in coverage.metrics]
    total = Line(
        [("all", ("bold",))],
        [
            Cell(f"{coverage.total:,}", ("bold",)),
            Cell(f"{coverage.total - coverage.touched:,}", ("bold",)),
            Cell(_percent(coverage.touched, coverage.total), ("bold",)),
            Cell(""),
        ],
    )
    return next(draw_columns([("metric", [*lines, total])], _COLUMNS, style))


def coverage_json(coverage: Coverage) -> str:
    """Return a coverage as JSON, in ASCII."""
    return json.dumps(coverage.to_dict(), indent=2)


def _only_file(coverage: Coverage) -> str | None:
    """Return the file that all definitions stand in, if it is one."""
    spans = [item.span for one in coverage.metrics for item in one.items]
    files = {span.file for span in spans if span is not None}
    return files.pop() if len(files) == 1 else None


def _line(one: MetricCoverage, style: Style, file: str | None) -> Line:
    items, missed = len(one.items), len(one.missed)
    return Line(
        [(style.show(one.metric), ())],
        [
            Cell(f"{items:,}"),
            Cell(f"{missed:,}"),
            Cell(_percent(items - missed, items), ("yellow",) if missed else ("green",)),
            Cell("\n".join(map(style.show, _missed(one, file)))),
        ],
        "    ",
    )


def _missed(one: MetricCoverage, file: str | None) -> Iterator[str]:
    items = one.missed if one.computed else one.items[:1]  # then nothing else is touched either
    for item in items:
        label = item.label if one.computed else _NEVER[one.definition.startswith("=")]
        span = item.span
        if span is None:
            yield label
        else:
            yield f"{label} ({span.line if span.file == file else span})"
    if one.computed and not one.expected:
        yield "no test expects a value of it"


_NEVER: Final = ("no test gives rows to it", "it is never computed")


def _percent(part: int, whole: int) -> str:
    """Return a share, rounded down: 100 % is all.

    >>> _percent(999, 1000), _percent(1000, 1000), _percent(0, 0)
    ('99 %', '100 %', '100 %')
    """
    return f"{100 * part // whole if whole else 100} %"
