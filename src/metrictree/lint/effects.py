"""What moves a metric: how much of its movement each metric below brings, and on which way."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from metrictree.engines.gradient import CELLS, Block, Slopes, Tape
from metrictree.formula import Formula, Node
from metrictree.graph import Graph
from metrictree.lint.history import read_history, read_values
from metrictree.units import parse_unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from metrictree.lint.history import History
    from metrictree.resolved import ResolvedTree
    from metrictree.schema import Influence, Metric

    Floats = NDArray[np.float64]

__all__ = ["Effects", "effects_on"]

Basis: TypeAlias = Literal["structure", "values", "history"]
_MOST_POINTS: Final = 200
_FEWEST_POINTS: Final = 8
_ALL_CELLS: Final = 2_000_000
"""Numbers of all points together: fewer points for larger trees."""
_MOST_CELLS: Final = 1_000_000_000
"""The same of a history: beyond it, periods are looked at that lie evenly apart."""
_RUNNING: Final = 12
"""Periods of which a running sum is looked at."""
_SEED: Final = 20_170_401
_TOP: Final = ""
"""Stands above all metrics that hang on influences; no metric has this id."""


@dataclass(frozen=True)
class Effects:
    """What moves a metric, and how much of its movement each metric below brings.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="kept",
    ...     metrics={"kept": "(orders * price) / price", "orders": None, "price": None},
    ... )
    >>> effects_on(tree._tree, "kept").shares
    {'orders': 1.0, 'price': 0.0}
    """

    metric: str
    shares: Mapping[str, float]
    """By leaf, a metric without formula: its share; all together 1, or empty if nothing moves."""
    inputs: Mapping[str, float]
    """By direct input: the share that comes in by it; a driver of several is split among them."""
    signs: Mapping[str, int | None]
    """Of each metric below: 1 or -1 if both move one way only, 0 without effect, else ``None``,
    which it is too where ``metric`` is missing at all points."""
    through: Mapping[str, float]
    """By metric below, leaves too: the share that passes through it on its way up."""
    basis: Basis
    """What the shares rest on."""
    since: str | None = None
    """The first period of the history, if it is known."""
    until: str | None = None
    """The last one."""
    parents: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By metric below: the one over which it has most of its effect."""

    def way(self, metric: str) -> tuple[str, ...]:
        """Return the metrics from the top down to one, along the strongest effects; none if none.

        >>> from metrictree import MetricTree
        >>> tree = MetricTree(north_star="a", metrics={"a": "b", "b": "2 * c", "c": None})
        >>> effects_on(tree._tree, "a").way("c")
        ('a', 'b', 'c')
        """
        passed = [metric]
        while metric != self.metric:
            above = self.parents.get(metric)
            if above is None:
                return ()
            metric = above
            passed.append(metric)
        return tuple(reversed(passed))


def effects_on(
    tree: ResolvedTree,
    metric: str,
    *,
    values: Mapping[str, float | None] | None = None,
    history: Any = None,
) -> Effects:
    """Return what moves ``metric``.

    From the structure alone: at random points inside of the declared ranges (else from 1 to 10,
    ratios up to 0.95, constants near their value), how much a leaf's change by one percent moves
    it; every point counts the same. With ``values``: at that point. With ``history``: how much of
    what moved came from each leaf, period by period. So a leaf without weight, or one that cancels,
    has no share. A constant counts as a leaf, for an assumption can change; a number in a formula
    does not.

    A leaf whose controllability is not declared passes its share on to what influences it, by the
    size of the elasticity, or 1 where none is given; of influences in a growth loop those with a
    lag are left out. Influences are always taken by structure.

    Raises:
        UsageError: the values or the history do not fit the tree.
    """
    basis: Basis = "structure"
    span: tuple[str | None, str | None] = (None, None)
    if metric not in tree.formulas:
        # It is its own leaf; the history of one that hangs on influences says nothing of these.
        sign = 1 if _has_value(tree, metric, values, history) else None
        made = Slopes({metric: 1.0}, {metric: sign}, {metric: 1.0}, {}, {})
    else:
        below = tree.graph.below([metric])
        order = [one for one in tree.graph.order if one in below]
        leaves = [one for one in order if one not in tree.formulas]
        formulas = {one: tree.formulas[one] for one in order if one in tree.formulas}
        tape = Tape(metric, leaves, formulas)
        if history is not None:
            basis = "history"
            known = read_history(tree, history, leaves)
            span = known.since, known.until
            made = tape.slopes(_moved(tape, known), alike=False, wraps=False)
        elif values is not None:
            basis = "values"
            here = read_values(tree, values, leaves)
            made = tape.slopes(_here(tape, here), alike=True, wraps=True)
        else:
            made = tape.slopes(_drawn(tape, tree), alike=True, wraps=True)
        effects = {leaf: made.effects.get(leaf, 0.0) for leaf in leaves}
        signs = {one: made.signs.get(one, 0) for one in order}
        parents = {**_first_users(tree, metric, below, made.parents), **made.parents}
        inputs = {one: made.inputs.get(one, 0.0) for one in tree.graph.inputs_of(metric)}
        made = Slopes(effects, signs, made.through, inputs, parents)
    return _passed_on(tree, metric, made, basis, span)


def _has_value(
    tree: ResolvedTree, leaf: str, values: Mapping[str, float | None] | None, history: Any
) -> bool:
    """Whether a leaf has a value in what is given, which is checked; with nothing given it has."""
    found: Sequence[float | None] = [1.0]
    if history is not None:
        found = read_history(tree, history, [leaf], whole=False).columns.get(leaf, ())
    elif values is not None:
        found = list(read_values(tree, values, [leaf]).values())
    return any(value is not None for value in found)


def _first_users(
    tree: ResolvedTree, top: str, below: set[str], known: Mapping[str, str]
) -> dict[str, str]:
    """Return a user of each metric that folding constants has left without any effect."""
    return {
        one: next(user for user in tree.graph.users_of(one) if user in below)
        for one in below
        if one not in known and one != top
    }


def _shares(effects: Mapping[str, float]) -> dict[str, float]:
    return dict(effects) if any(effects.values()) else {}


# --- points


def _drawn(tape: Tape, tree: ResolvedTree) -> Iterator[Block]:
    """Yield random points: the same ones for the same tree."""
    periods = max(tape.look_back + 1, _RUNNING if tape.cumulative else 1)
    if periods > 1:
        periods = min(periods, max(4, _ALL_CELLS // (tape.size * _FEWEST_POINTS)))
    points = _ALL_CELLS // (tape.size * periods)
    points = min(max(points, _FEWEST_POINTS), _MOST_POINTS)
    spreads = [_spread(tree.metrics[leaf]) for leaf in tape.leaves]
    start, size, grows = np.array(spreads).reshape(-1, 3).T[:, :, None, None]
    chance = np.random.default_rng(_SEED)
    # Of as many equal parts of its spread each leaf has one draw in each: far less is left to luck.
    parts = np.empty((len(spreads), points, periods))
    parts[:] = np.arange(points)[:, None]
    drawn = (chance.permuted(parts, axis=1) + chance.random(parts.shape)) / points
    begin = 0
    for count in _blocks(tape, points, periods):
        part = drawn[:, begin : begin + count]
        begin += count
        yield Block(start + size * np.where(grows > 0, 10.0**part, part))


def _spread(body: Metric) -> tuple[float, float, bool]:
    """Return where draws begin, how far they go, and whether they go over an order of size."""
    low, high = body.range or (None, None)
    if body.value is not None:
        first, last = sorted((0.8 * body.value, 1.2 * body.value))
        first = first if low is None else max(first, low)
        last = last if high is None else min(last, high)
        return first, last - first, False
    if low is not None and high is not None and math.isfinite(high - low):
        return low, high - low, False
    if low is not None and low > 0:
        return 0.0, low, True
    if high is not None:
        return (0.0, high, False) if high > 0 else (high, -1.0, True)
    if body.unit is not None and parse_unit(body.unit).is_ratio:
        return 0.05, 0.9, False
    return 0.0, 1.0, True


def _here(tape: Tape, values: Mapping[str, float | None]) -> Iterator[Block]:
    """Yield the one point of the values, the same in each period."""
    periods = max(tape.look_back + 1, _RUNNING if tape.cumulative else 1)
    periods = min(periods, max(4, CELLS // tape.size))
    column = np.array([values[leaf] for leaf in tape.leaves], np.float64)
    yield Block(np.broadcast_to(column[:, None, None], (len(column), 1, periods)))


def _moved(tape: Tape, history: History) -> Iterator[Block]:
    """Yield a point between each two periods, with how far each leaf moved in and before it.

    What a running sum grows by in a period is all of the period's value: to it, a leaf moves from
    nothing to its first value before the history begins.
    """
    rows = np.array([history.columns[leaf] for leaf in tape.leaves], np.float64)
    rows = rows.reshape(len(tape.leaves), history.periods)
    if tape.cumulative:
        still = (rows == rows[:, :1]).all(axis=1)
        rows = np.concatenate([np.where(still, rows[:, 0], 0.0)[:, None], rows], axis=1)
    middles = (rows[:, :-1] + rows[:, 1:]) / 2
    moves = np.nan_to_num(np.diff(rows, axis=1))
    steps = middles.shape[1]
    begin = tape.look_back + 1 if tape.cumulative else 0
    window = steps if tape.cumulative else min(tape.look_back + 1, steps)
    looked_at = np.arange(begin, steps)
    most = max(_MOST_CELLS // (tape.size * window), _FEWEST_POINTS)
    if len(looked_at) > most:  # each running sum needs all periods before it
        looked_at = looked_at[np.linspace(0, len(looked_at) - 1, most).astype(np.intp)]
    begin = 0
    for count in _blocks(tape, len(looked_at), window):
        ends = looked_at[begin : begin + count]
        begin += count
        if tape.cumulative:  # all from the first period on
            places, at = np.broadcast_to(np.arange(steps), (count, steps)), ends
        else:
            places, at = ends[:, None] + np.arange(1 - window, 1), np.full(count, window - 1)
        before = places < 0
        yield Block(
            np.where(before, np.nan, middles[:, places]),
            np.where(before, 0.0, moves[:, places]),
            at,
        )


def _blocks(tape: Tape, points: int, periods: int) -> Iterator[int]:
    """Yield how many points to take at a time."""
    most = max(CELLS // (tape.size * periods), 1)
    for begin in range(0, points, most):
        yield min(most, points - begin)


# --- influences


def _passed_on(
    tree: ResolvedTree,
    metric: str,
    made: Slopes,
    basis: Basis,
    span: tuple[str | None, str | None],
) -> Effects:
    """Pass the shares of leaves on to what influences them."""
    driven = _driven(tree)
    moved = {leaf: share for leaf, share in made.effects.items() if share and leaf in driven}
    shares = _shares(made.effects)
    own = Effects(
        metric,
        shares,
        made.inputs if shares else {},
        made.signs,
        made.through if shares else {},
        basis,
        *span,
        parents=made.parents,
    )
    if not moved:
        return own
    drives, graph = _without_loops(tree, driven)
    formulas = dict(tree.formulas)
    formulas.update({leaf: _product(causes) for leaf, causes in drives.items() if causes})
    below = graph.below(moved)
    order = [one for one in graph.order if one in below]
    tops = [(leaf, share * (made.signs[leaf] or 1)) for leaf, share in moved.items()]
    tape = Tape(
        _TOP,
        [one for one in order if one not in formulas],
        {one: formulas[one] for one in order if one in formulas} | {_TOP: _product(tops)},
    )
    passed = tape.slopes(_drawn(tape, tree), alike=True, wraps=True)
    if not any(passed.effects.values()):
        return own  # what influences them cannot move, by its range or its formula
    whole = sum(moved.values())
    shares = {leaf: share for leaf, share in made.effects.items() if leaf not in moved}
    for leaf, share in passed.effects.items():
        shares[leaf] = shares.get(leaf, 0.0) + whole * share
    known = all(
        _sign(influence) is not None for influence in tree.spec.influences if influence.to in below
    )
    signs = dict(made.signs)
    for one, sign in passed.signs.items():
        if one == _TOP:
            continue
        told = sign if known and None not in (made.signs[leaf] for leaf in moved) else None
        told = told if sign else 0
        before = signs.get(one, 0)
        if one not in moved:
            signs[one] = told if not before or told == before else before if not told else None
    parents = {one: above for one, above in passed.parents.items() if above != _TOP}
    parents.update(made.parents)
    parents.pop(metric, None)
    inputs = made.inputs
    if metric in moved:  # it has no formula, and hangs on influences itself
        inputs = _inputs_of_driven(passed, drives[metric], shares)
    through = {one: whole * part for one, part in passed.through.items() if one != _TOP}
    for one, part in made.through.items():
        through[one] = part if one in moved else part + through.get(one, 0.0)
    return Effects(metric, shares, inputs, signs, through, basis, *span, parents=parents)


def _inputs_of_driven(
    passed: Slopes, causes: Sequence[tuple[str, float]], shares: Mapping[str, float]
) -> dict[str, float]:
    """Return what comes in by each influence: the shares of the leaves that lead to it."""
    direct = {source for source, _ in causes}
    found = dict.fromkeys(direct, 0.0)
    for leaf, share in shares.items():
        at = leaf
        while at not in direct and at in passed.parents:
            at = passed.parents[at]
        if at in direct:
            found[at] += share
    return found


def _driven(tree: ResolvedTree) -> dict[str, list[Influence]]:
    """Return the influences on each leaf whose controllability is not declared."""
    found: defaultdict[str, list[Influence]] = defaultdict(list)
    for influence in tree.spec.influences:
        of = influence.to
        if of in tree.formulas or tree.metrics[of].controllability is not None:
            continue
        if influence.elasticity != 0:
            found[of].append(influence)
    return found


def _sign(influence: Influence) -> int | None:
    if influence.elasticity is not None:
        return -1 if influence.elasticity < 0 else 1
    return {"positive": 1, "negative": -1}.get(influence.direction or "")


def _without_loops(
    tree: ResolvedTree, driven: Mapping[str, Sequence[Influence]]
) -> tuple[dict[str, list[tuple[str, float]]], Graph]:
    """Return the weights of the influences on each leaf, and the graph with them in it."""

    def graph_of(chosen: Mapping[str, Sequence[Influence]]) -> Graph:
        inputs = {one: formula.references for one, formula in tree.formulas.items()}
        inputs |= {one: tuple(by.from_ for by in found) for one, found in chosen.items()}
        return Graph(tree.metrics, inputs)

    graph = graph_of(driven)
    if graph.cycles:
        above: defaultdict[str, list[str]] = defaultdict(list)
        for one in tree.metrics:
            for below in graph.inputs_of(one):
                above[below].append(one)
        # What lies neither wholly below nor wholly above all loops.
        tied = set(tree.metrics) - set(graph.order) - set(Graph(tree.metrics, above).order)
        driven = {
            one: [by for by in found if not by.lag or not {one, by.from_} <= tied]
            for one, found in driven.items()
        }
        graph = graph_of(driven)
    weights = {}
    for one, found in driven.items():
        sizes = [abs(1.0 if by.elasticity is None else by.elasticity) for by in found]
        whole = sum(sizes)
        weights[one] = [
            (by.from_, (_sign(by) or 1) * size / whole)
            for by, size in zip(found, sizes, strict=True)
        ]
    return weights, graph


def _product(parts: Sequence[tuple[str, float]]) -> Formula:
    """Return the formula in which each metric has the elasticity that is given."""
    nodes: list[Node] = []
    last = -1
    for metric, power in parts:
        at = len(nodes)
        nodes.append(Node("ref", (), metric, 0, 0))
        nodes.append(Node("call", (at,), "abs", 0, 0))  # a power needs a base with no sign
        nodes.append(Node("number", (), power, 0, 0))
        nodes.append(Node("**", (at + 1, at + 2), None, 0, 0))
        if last >= 0:
            nodes.append(Node("*", (last, at + 3), None, 0, 0))
        last = len(nodes) - 1
    return Formula(tuple(nodes), "")
