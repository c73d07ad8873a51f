"""A metric tree drawn with branches; a shared driver is drawn in full once, then named again.

Every edge is drawn once and nothing recurses, so that time and text grow with the tree, whatever
its shape: diamonds have more paths than can be counted, and a chain may be as long as it likes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from metrictree.formula.meaning import Rule
from metrictree.formula.printer import number_text
from metrictree.render.numbers import format_value
from metrictree.render.style import PLAIN, Style, clip, text_width, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from metrictree.engines.base import Reason
    from metrictree.graph import Graph
    from metrictree.schema import Influence, Metric, TreeSpec

__all__ = ["Tree", "draw_tree", "draw_values"]

_DEEPEST: Final = 24
_SHALLOWEST: Final = 6
"""Levels of branches; what is deeper starts again at the margin, so that lines stay short."""
_ID: Final = 40
"""Cells that branches leave for an id on a terminal."""
_WIDEST: Final = 60
"""Cells that a column is widened to; what is longer pushes the rest of its line."""
_NARROWEST: Final = 30
"""Cells of the last column; where fewer are left, it stands below its metric instead."""
_SHORTEST: Final = 10
"""Cells that it is wrapped to at least."""
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


_Piece: TypeAlias = tuple[str, tuple[str, ...]]
"""Text and its colours."""


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    colors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    right: bool = False
    optional: bool = False
    """Whether it is left out where lines would be too long for the terminal."""


_TREE_COLUMNS: Final = (
    _Column("label", optional=True),
    _Column("unit"),
    _Column("owner"),
    _Column("definition"),
)
_VALUE_COLUMNS: Final = (
    _Column("value", right=True),
    _Column("unit"),
    _Column("label", optional=True),
    _Column("note"),
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

    def describe(row: _Row) -> list[_Cell]:
        metric = tree.metrics[row.metric]
        words = [_definition(metric)] if row.first else []
        if row.influence is not None:
            words.append(_influence(row.influence))
        said = (metric.label, metric.unit, metric.owner) if row.first else (None, None, None)
        return [
            *(_Cell(style.cut(style.show(text or ""), _WIDEST)) for text in said),
            _Cell(style.show("; ".join(words)), ("dim",)),
        ]

    drawing = _Drawing(tree, style, depth)
    sections = [(title, list(drawing.rows(tops))) for title, tops in _sections(tree)]
    blocks = _table(sections, _TREE_COLUMNS, describe, style)
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

    def describe(row: _Row) -> list[_Cell]:
        metric, value = tree.metrics[row.metric], values[row.metric]
        unit = "" if metric.unit in ("%", "percent") else metric.unit or ""  # the value says it
        label = metric.label or "" if row.first else ""
        note = _reason(row.metric, why(row.metric)) if value is None and row.first else ""
        return [
            _Cell(format_value(metric, value), ("bold",) if value is not None else ("yellow",)),
            _Cell(style.show(unit)),
            _Cell(style.cut(style.show(label), _WIDEST), ("dim",)),
            _Cell(style.show(note), ("yellow",)),
        ]

    if len(values) < len(tree.metrics):  # some targets, perhaps without what they are made of
        rows = [_Row("", metric, None, "", first=True, below="    ") for metric in values]
        sections = [("Targets", rows)]
    else:
        drawing = _Drawing(tree, style, None)
        sections = [(title, list(drawing.rows(tops))) for title, tops in _sections(tree)]
    return "\n\n".join(_table(sections, _VALUE_COLUMNS, describe, style))


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


def _definition(metric: Metric) -> str:
    if metric.formula is not None:
        return "= " + " ".join(metric.formula.split())
    if metric.measure is not None:
        measure = metric.measure
        where = f" where {' '.join(measure.where.split())}" if measure.where else ""
        return f"{measure.aggregate} of {measure.source}{where}"
    return "input" if metric.value is None else f"constant {number_text(metric.value)}"


def _reason(metric: str, reason: Reason | None) -> str:
    if reason is None:
        return ""
    if reason.metric != metric:
        return f"because {reason.metric} is missing"
    if reason.rule is Rule.INPUT_MISSING:
        return "no value was given"
    return str(reason).partition(" is missing: ")[2]


def _influence(influence: Influence) -> str:
    """Return an influence in words: ``influence +0.4 with lag 8 (experiment)``."""
    size = ""
    if influence.elasticity is not None:
        size = f" {'+' if influence.elasticity > 0 else ''}{number_text(influence.elasticity)}"
    elif influence.direction is not None:
        size = f" {influence.direction}"
    lag = f" with lag {influence.lag}" if influence.lag else ""
    return f"influence{size}{lag} ({influence.confidence})"


# --- columns


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the columns of a drawing stand."""

    style: Style
    columns: Sequence[_Column]
    first: int
    """The width of the first column, which has the names."""
    kept: tuple[int, ...]
    widths: tuple[int, ...]
    room: int | None
    """The cells for the last column; ``None`` if it is as wide as it likes."""
    below: bool = False
    """Whether the last column stands below the names."""


def _table(
    sections: list[tuple[str, list[_Row]]],
    columns: Sequence[_Column],
    describe: Callable[[_Row], list[_Cell]],
    style: Style,
) -> Iterator[str]:
    """Yield each section as lines of aligned columns; columns without a word are left out."""
    described = [(title, [(row, describe(row)) for row in rows]) for title, rows in sections]
    layout = _layout(described, columns, style)
    heads = [_Cell(column.title, ("dim",)) for column in columns]
    if layout.below:
        heads[-1] = _Cell("")
    for title, lines in described:
        rendered = list(_lines([(title, ("bold",))], "", heads, layout))
        heads = [_Cell("")] * len(columns)  # the first section says it for all
        for row, cells in lines:
            branches, metric, mark = _name(row)
            name: list[_Piece] = [
                (branches, ("dim",)),
                (metric, ("bold",) if row.first else ()),
                (mark, ("dim",)),
            ]
            rendered += _lines(name, row.below, cells, layout)
        yield "\n".join(rendered)


def _layout(
    described: list[tuple[str, list[tuple[_Row, list[_Cell]]]]],
    columns: Sequence[_Column],
    style: Style,
) -> _Layout:
    """Return the columns that fit; the last one is wrapped where it does not, or stands below."""
    first = 0
    widths = [0] * len(columns)
    last = len(columns) - 1
    for title, lines in described:
        first = max(first, len(title))
        for row, cells in lines:
            first = max(first, min(sum(map(text_width, _name(row))), _WIDEST))
            for position, cell in enumerate(cells):
                wide = text_width(cell.text)
                most = wide if position == last else _WIDEST
                widths[position] = max(widths[position], min(wide, most))
    kept = tuple(position for position, width in enumerate(widths) if width)
    widths = [max(width, len(column.title)) for width, column in zip(widths, columns, strict=True)]
    if style.width is None:
        return _Layout(style, columns, first, kept, tuple(widths), None)

    width = style.width

    def left(kept: Sequence[int]) -> int:
        return width - first - sum(widths[at] + 2 for at in kept if at != last) - 2

    if last not in kept or left(kept) < widths[last]:
        kept = tuple(at for at in kept if not columns[at].optional)
    room = left(kept)
    if last in kept and room < min(widths[last], _NARROWEST):
        return _Layout(style, columns, first, kept, tuple(widths), room, below=True)
    return _Layout(style, columns, first, kept, tuple(widths), room)


def _name(row: _Row) -> tuple[str, str, str]:
    return row.branches, row.metric, f" {row.mark}" if row.mark else ""


def _lines(
    name: Sequence[_Piece],
    below: str,
    cells: Sequence[_Cell],
    layout: _Layout,
) -> Iterator[str]:
    """Yield the line of a row, and those on which its last column goes on."""
    columns, style = layout.columns, layout.style
    pieces = list(name)
    at = sum(text_width(text) for text, _ in name)
    end = layout.first
    rest: list[str] = []
    for position in layout.kept:
        cell, width = cells[position], layout.widths[position]
        start, end = end + 2, end + 2 + width
        text = cell.text
        if position == len(columns) - 1 and layout.room is not None:
            start = text_width(below) if layout.below else start
            room = layout.room if not layout.below else (style.width or 0) - start
            rest = wrapped(text, max(room, _SHORTEST))
            text = rest.pop(0) if not layout.below and at + 2 <= start else ""
        if not text:
            continue
        target = start + (max(width - text_width(text), 0) if columns[position].right else 0)
        gap = max(target - at, 2)
        pieces += [(" " * gap, ()), (text, cell.colors)]
        at += gap + text_width(text)
    yield _painted(pieces, at, style)
    for text in filter(None, rest):
        gap = max(start - text_width(below), 0)
        width = text_width(below) + gap + text_width(text)
        yield _painted([(below + " " * gap, ("dim",)), (text, cell.colors)], width, style)


def _painted(pieces: list[_Piece], width: int, style: Style) -> str:
    """Return pieces as a line; on a terminal it is cut to its width."""
    if style.width is not None and width > style.width:
        pieces = list(_clipped(pieces, style.width))
    return "".join(style.paint(text, *colors) if colors else text for text, colors in pieces)


def _clipped(pieces: list[_Piece], width: int) -> Iterator[_Piece]:
    """Yield pieces of a line that is too long, up to a width, with dots at the end."""
    left = width - 3
    for text, colors in pieces:
        part = clip(text, left)
        yield part, colors
        left -= text_width(part)
        if part != text:
            break
    yield "...", ("dim",)
