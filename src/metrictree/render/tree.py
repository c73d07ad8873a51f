"""A metric tree drawn with branches; a shared driver is drawn in full once, then named again.

Every edge is drawn once and nothing recurses, so that time and text grow with the tree, whatever
its shape: diamonds have more paths than can be counted, and a chain may be as long as it likes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from metrictree.formula.meaning import Rule
from metrictree.formula.printer import number_text
from metrictree.render.columns import WIDEST, Cell, Column, Line, draw_columns
from metrictree.render.numbers import MISSING, format_number, format_value
from metrictree.render.style import PLAIN, Style

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from metrictree.engines.base import Reason
    from metrictree.graph import Graph
    from metrictree.render.columns import Piece
    from metrictree.schema import Influence, Metric, TreeSpec
    from metrictree.testing.case import Step

__all__ = ["Tree", "definition_text", "draw_steps", "draw_tree", "draw_values", "reason_note"]

_DEEPEST: Final = 24
_SHALLOWEST: Final = 6
"""Levels of branches; what is deeper starts again at the margin, so that lines stay short."""
_ID: Final = 40
"""Cells that branches leave for an id on a terminal."""
_BRANCHES: Final = (("├── ", "└── "), ("├┄┄ ", "└┄┄ "), "│   ")
_ASCII: Final = (("|-- ", "`-- "), ("|.. ", "`.. "), "|   ")
"""Edges of a formula and of an influence, each between others and at the end; what passes by."""
_SECTIONS: Final = (
    ("Outcomes", "outcome"),
    ("Guardrails", "guardrail"),
    ("Focus metrics", "focus"),
    ("Health metrics", "health"),
)


class Tree(Protocol):
    """What is drawn: a `MetricTree` or a resolved tree."""

    @property
    def spec(self) -> TreeSpec: ...  # noqa: D102 - as of a tree
    @property
    def metrics(self) -> Mapping[str, Metric]: ...  # noqa: D102 - as of a tree
    @property
    def graph(self) -> Graph: ...  # noqa: D102 - as of a tree


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a drawing: a metric below the one that it is an input of."""

    branches: str
    metric: str
    influence: Influence | None
    """The influence by which it is below, or ``None`` for a formula."""
    mark: str
    first: bool
    """Whether the metric is drawn here for the first time."""
    below: str
    """The branches that pass by below this line."""


_TREE_COLUMNS: Final = (
    Column("label", optional=True),
    Column("unit"),
    Column("owner"),
    Column("definition"),
)
_STEP_COLUMNS: Final = (
    Column("value", right=True),
    Column("unit", optional=True),
    Column("how it came about"),
)
_STEPS: Final = 40
_DEEPEST_STEP: Final = 12
"""Rows and levels that show how a value came about."""
_ABOVE: Final = "shown above"
_VALUE_COLUMNS: Final = (
    Column("value", right=True),
    Column("unit"),
    Column("label", optional=True),
    Column("note"),
)


def draw_tree(tree: Tree, style: Style = PLAIN, *, depth: int | None = None) -> str:
    """Return the tree from the North Star down, then the metrics that do not lead to it.

    ``depth`` leaves out what is more levels below. No definition is cut: on a terminal, labels are
    left out where lines would be too long for it, and a definition goes on below.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="orders",
    ...     metrics={
    ...         "orders": "buyers * per_buyer",
    ...         "buyers": {"unit": "customer"},
    ...         "per_buyer": {"unit": "order/customer"},
    ...     },
    ... )
    >>> print(draw_tree(tree))
    North Star     unit            definition
    orders                         = buyers * per_buyer
    ├── buyers     customer        input
    └── per_buyer  order/customer  input
    """

    def describe(row: _Row) -> list[Cell]:
        metric = tree.metrics[row.metric]
        words = [definition_text(metric)] if row.first else []
        if row.influence is not None:
            words.append(_influence(row.influence))
        said = (metric.label, metric.unit, metric.owner) if row.first else (None, None, None)
        return [
            *(Cell(style.cut(style.show(text or ""), WIDEST)) for text in said),
            Cell(style.show("; ".join(words)), ("dim",)),
        ]

    drawing = _Drawing(tree, style, depth)
    sections = [
        (title, [_line(row, describe(row)) for row in drawing.rows(tops)])
        for title, tops in _sections(tree)
    ]
    blocks = draw_columns(sections, _TREE_COLUMNS, style)
    return "\n\n".join([*_heading(tree.spec, style), *blocks])


def draw_values(
    tree: Tree,
    values: Mapping[str, float | None],
    why: Callable[[str], Reason | None],
    style: Style = PLAIN,
) -> str:
    """Return the tree with its values; of a missing one, why. Without the North Star: a list.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="rate",
    ...     metrics={
    ...         "rate": {"formula": "orders / visits", "unit": "%"},
    ...         "orders": None,
    ...         "visits": None,
    ...     },
    ... )
    >>> values = tree.compute({"orders": 5, "visits": 0})
    >>> print(draw_values(tree, values, values.why))
    North Star    value  note
    rate        missing  division by zero (orders is 5, visits is 0)
    ├── orders        5
    └── visits        0
    """

    def describe(row: _Row) -> list[Cell]:
        metric, value = tree.metrics[row.metric], values[row.metric]
        unit = "" if metric.unit in ("%", "percent") else metric.unit or ""  # the value says it
        label = metric.label or "" if row.first else ""
        note = reason_note(row.metric, why(row.metric)) if value is None and row.first else ""
        return [
            Cell(format_value(metric, value), ("bold",) if value is not None else ("yellow",)),
            Cell(style.show(unit)),
            Cell(style.cut(style.show(label), WIDEST), ("dim",)),
            Cell(style.show(note), ("yellow",)),
        ]

    if len(values) < len(tree.metrics):  # some targets, perhaps without what they are made of
        rows = [_Row("", metric, None, "", first=True, below="    ") for metric in values]
        sections = [("Targets", rows)]
    else:
        drawing = _Drawing(tree, style, None)
        sections = [(title, list(drawing.rows(tops))) for title, tops in _sections(tree)]
    lines = [(title, [_line(row, describe(row)) for row in rows]) for title, rows in sections]
    return "\n\n".join(draw_columns(lines, _VALUE_COLUMNS, style))


def draw_steps(steps: Sequence[Step], style: Style = PLAIN) -> str:
    """Return how a value came about: its formula, the numbers put in, and all that is below.

    Where there are too many for one look, those deepest down are left out.

    >>> from metrictree import MetricTree
    >>> from metrictree.testing.explain import steps_below
    >>> tree = MetricTree(
    ...     north_star="rate", metrics={"rate": "orders / visits", "orders": None, "visits": None}
    ... ).resolved
    >>> known = {"rate": 0.25, "orders": 5.0, "visits": 20.0}
    >>> print(draw_steps(steps_below(tree, "rate", known, ["orders", "visits"])))
    metric      value  how it came about
    rate         0.25  = orders / visits
    │                  = 5 / 20
    ├── orders      5  given
    └── visits     20  given
    """
    lines = [_line(row, _told(step, style)) for row, step in _step_rows(steps, style)]
    return next(draw_columns([("metric", lines)], _STEP_COLUMNS, style))


def _told(step: Step, style: Style) -> list[Cell]:
    unit = "" if step.unit in ("%", "percent", None) else step.unit  # the value says it
    return [
        Cell(
            format_number(step.value, unit=step.unit),
            ("yellow",) if step.value is None else ("bold",),
        ),
        Cell(style.show(unit)),
        Cell("\n".join(map(style.show, _came_about(step)))),
    ]


def _came_about(step: Step) -> Iterator[str]:
    place = f" ({step.span})" if step.span is not None else ""
    if step.origin == "computed":
        yield f"= {step.formula}{place}"
        if step.numbers != step.formula:
            yield f"= {step.numbers}"
        if step.why is not None and step.value is not None:
            yield step.why
        elif step.why is not None:
            colon = "" if step.why.startswith("because ") else ":"
            yield f"{MISSING}{colon} {step.why}"
    elif step.origin == "measured":
        yield f"{step.formula}{place}"
    else:
        yield step.origin + (place if step.origin == "constant" else "")


def _step_rows(steps: Sequence[Step], style: Style) -> Iterator[tuple[_Row, Step]]:
    """Yield a row for each step that is drawn, with the branches that lead to it."""
    deepest = _DEEPEST_STEP
    while deepest > 1 and sum(step.depth <= deepest for step in steps) > _STEPS:
        deepest -= 1
    edges, _, pipe = _BRANCHES if style.draws else _ASCII
    rows: list[tuple[_Row, Step]] = []
    more: set[int] = set()
    """Depths at which another step follows below."""
    hidden = 0
    for at in range(len(steps) - 1, -1, -1):
        step = steps[at]
        depth = step.depth
        if depth > deepest:
            hidden += 1
            continue
        passing = "".join(pipe if level in more else "    " for level in range(1, depth))
        branch = edges[depth not in more] if depth else ""
        inside = depth + 1 in more
        mark = f"(and {hidden:,} more below)" if hidden else ""
        below = passing + (pipe if depth in more else "    ") if depth else ""
        below += pipe if inside else "    "
        first = step.origin != _ABOVE
        rows.append((_Row(passing + branch, step.metric, None, mark, first, below), step))
        more = {level for level in more if level <= depth} | {depth}
        hidden = 0
    yield from reversed(rows)


# --- what stands where


class _Drawing:
    """Walks a tree along its edges, each one once, and remembers what was drawn."""

    def __init__(self, tree: Tree, style: Style, depth: int | None) -> None:
        self.inputs_of = tree.graph.inputs_of
        self.causes = _causes(tree.spec)
        self.depth = depth
        self.deepest = _DEEPEST
        if style.width is not None:
            self.deepest = min(max((style.width - _ID) // 4, _SHALLOWEST), _DEEPEST)
        self.formula_edge, self.influence_edge, self.pipe = _BRANCHES if style.draws else _ASCII
        self.expanded: set[str] = set()
        self.named: set[str] = set()

    def rows(self, tops: Iterable[str]) -> Iterator[_Row]:
        """Yield the rows of ``tops`` and all that is below them."""
        waiting = deque((top, False) for top in tops)
        while waiting:
            top, continued = waiting.popleft()
            if top in (self.expanded if continued else self.named):
                continue
            stack: list[tuple[str, Influence | None, str, str, int]] = [(top, None, "", "", 0)]
            while stack:
                metric, influence, branches, below, level = stack.pop()
                edges: list[tuple[str, Influence | None]] = []
                mark = ""
                if metric in self.expanded:
                    mark = "(shown above)"
                else:
                    edges = [(name, None) for name in self.inputs_of(metric)]
                    edges += [(cause.from_, cause) for cause in self.causes.get(metric, ())]
                    if edges and self.depth is not None and level >= self.depth:
                        mark, edges = f"(and {_inputs(len(edges))})", []
                    elif edges and level >= self.deepest:
                        waiting.append((metric, True))
                        mark, edges = "(continued below)", []
                    else:
                        self.expanded.add(metric)
                if continued and level == 0:
                    mark = "(continued)"
                first = metric not in self.named
                passing = below + (self.pipe if edges else "    ")
                yield _Row(branches, metric, influence, mark, first, passing)
                self.named.add(metric)
                for position in range(len(edges) - 1, -1, -1):
                    name, cause = edges[position]
                    last = position == len(edges) - 1
                    stack.append(
                        (
                            name,
                            cause,
                            below + (self.influence_edge if cause else self.formula_edge)[last],
                            below + ("    " if last else self.pipe),
                            level + 1,
                        )
                    )


def _inputs(count: int) -> str:
    return f"{count:,} more input{'' if count == 1 else 's'}"


def _causes(spec: TreeSpec) -> dict[str, list[Influence]]:
    causes: dict[str, list[Influence]] = {}
    for influence in spec.influences:
        causes.setdefault(influence.to, []).append(influence)
    return causes


def _sections(tree: Tree) -> Iterator[tuple[str, list[str]]]:
    """Yield titles, and the metrics on top below each of them; together they reach every metric."""
    causes = _causes(tree.spec)
    covered: set[str] = set()

    def cover(tops: Iterable[str]) -> None:
        waiting = [top for top in tops if top not in covered]
        covered.update(waiting)
        while waiting:
            metric = waiting.pop()
            below = [
                *tree.graph.inputs_of(metric),
                *(cause.from_ for cause in causes.get(metric, ())),
            ]
            new = [name for name in dict.fromkeys(below) if name not in covered]
            covered.update(new)
            waiting += new

    star = tree.spec.north_star.metric
    yield "North Star", [star]
    cover([star])
    for title, role in _SECTIONS:
        tops = [name for name, metric in tree.metrics.items() if metric.role == role]
        tops = [name for name in tops if name not in covered]
        if tops:
            yield title, tops
            cover(tops)
    rest = [name for name in tree.metrics if name not in covered]
    if rest:
        used = {name for metric in rest for name in tree.graph.inputs_of(metric)}
        used |= {cause.from_ for metric in rest for cause in causes.get(metric, ())}
        tops = [name for name in rest if name not in used]
        cover(tops)
        for name in rest:  # what is left is a circle of influences
            if name not in covered:
                tops.append(name)
                cover([name])
        yield "Other metrics", tops


# --- what a row says


def _heading(spec: TreeSpec, style: Style) -> Iterator[str]:
    title = style.paint(style.show(spec.name), "bold") if spec.name else ""
    product = style.show(spec.product) if spec.product else ""
    if title or product:
        yield ": ".join(filter(None, (title, product)))


def definition_text(metric: Metric) -> str:
    """Return in words where the value of a metric comes from."""
    if metric.formula is not None:
        return "= " + " ".join(metric.formula.split())
    if metric.measure is not None:
        measure = metric.measure
        where = f" where {' '.join(measure.where.split())}" if measure.where else ""
        return f"{measure.aggregate} of {measure.source}{where}"
    return "input" if metric.value is None else f"constant {number_text(metric.value)}"


def reason_note(metric: str, reason: Reason | None) -> str:
    """Return why a metric is missing, in few words to stand beside it."""
    if reason is None:
        return ""
    before, _, rule = str(reason).partition(" is missing")[2].partition(": ")
    if reason.metric != metric:
        return f"because {reason.metric} is missing{before}"
    if reason.rule is Rule.INPUT_MISSING:
        return "no value was given"
    return f"{before.strip()}: {rule}" if before else rule


def _influence(influence: Influence) -> str:
    """Return an influence in words: ``influence +0.4 with lag 8 (experiment)``."""
    size = ""
    if influence.elasticity is not None:
        size = f" {'+' if influence.elasticity > 0 else ''}{number_text(influence.elasticity)}"
    elif influence.direction is not None:
        size = f" {influence.direction}"
    lag = f" with lag {influence.lag}" if influence.lag else ""
    return f"influence{size}{lag} ({influence.confidence})"


def _line(row: _Row, cells: list[Cell]) -> Line:
    name: list[Piece] = [
        (row.branches, ("dim",)),
        (row.metric, ("bold",) if row.first else ()),
        (f" {row.mark}" if row.mark else "", ("dim",)),
    ]
    return Line(name, cells, row.below)
