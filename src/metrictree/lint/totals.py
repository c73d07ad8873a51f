"""Running totals: whether a metric can only rise, by how its formula is built.

What is not known for certain stays unknown; what can be negative is never taken for a count.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metrictree.formula import Formula, Node
    from metrictree.resolved import ResolvedTree
    from metrictree.schema import Metric

__all__ = ["FREE", "STILL", "Course", "Sure", "course_of"]


class Sure(enum.IntEnum):
    """How well something is known; of several that must all hold, the least counts."""

    NO = 0
    UNKNOWN = 1
    YES = 2


class Course(NamedTuple):
    """What can be said of a value from one period to the next."""

    moves: bool
    """Whether it changes at all."""
    never_falls: Sure
    never_negative: Sure


FREE: Final = Course(moves=True, never_falls=Sure.NO, never_negative=Sure.NO)
"""Of a value that may do anything."""
STILL: Final = Course(moves=False, never_falls=Sure.YES, never_negative=Sure.YES)
"""Of a value that does not matter."""
_COUNTS: Final = ("count", "count_distinct")
_SMOOTH: Final = ("lag", "rolling_sum", "rolling_mean", "rolling_min", "rolling_max")
_MONOTONE: Final = ("sqrt", "exp", "log", "log10", "floor", "ceil", "round", "clip", "sign")
_JOINED: Final = ("+", "sum", "mean", "min", "max", "coalesce")


def course_of(
    tree: ResolvedTree,
    metric: str,
    known: Callable[[str, Course], Course] = lambda _, course: course,
) -> dict[str, Course]:
    """Return the courses of a metric and of all that it is made of.

    ``known`` takes a metric with its course, and returns the course to go on with.

    >>> from metrictree import MetricTree
    >>> metrics = {"so_far": "cumulative(orders)", "orders": {"range": [0, None]}}
    >>> tree = MetricTree(north_star="so_far", metrics=metrics)
    >>> course_of(tree._tree, "so_far")["so_far"].never_falls
    <Sure.YES: 2>
    """
    cone = tree.graph.below([metric])
    courses: dict[str, Course] = {}
    for name in tree.graph.order:
        if name not in cone:
            continue
        formula = tree.formulas.get(name)
        course = _of_leaf(tree, name) if formula is None else _of_formula(formula, courses)
        courses[name] = known(name, _within_range(tree.metrics[name], course))
    return courses


def _of_leaf(tree: ResolvedTree, metric: str) -> Course:
    body = tree.metrics[metric]
    if body.value is not None:
        return _constant(body.value)
    measure = tree.measures.get(metric)
    if measure is not None and measure.aggregate.root.value in _COUNTS:
        return Course(moves=True, never_falls=Sure.NO, never_negative=Sure.YES)
    return Course(moves=True, never_falls=Sure.NO, never_negative=Sure.UNKNOWN)


def _within_range(body: Metric, course: Course) -> Course:
    low = body.range[0] if body.range is not None else None
    if low is None:
        return course
    if low >= 0:
        return course._replace(never_negative=Sure.YES)
    if course.never_negative is Sure.UNKNOWN:
        return course._replace(never_negative=Sure.NO)
    return course


def _constant(value: float) -> Course:
    never_negative = Sure.YES if value >= 0 else Sure.NO
    return Course(moves=False, never_falls=Sure.YES, never_negative=never_negative)


def _of_formula(formula: Formula, courses: dict[str, Course]) -> Course:
    found: list[Course] = []
    for node in formula.nodes:
        if node.op == "number":
            found.append(_constant(node.value))
        elif node.op == "null":
            found.append(STILL)
        elif node.op == "ref":
            found.append(courses[node.value])
        else:
            found.append(_of_node(node, [found[position] for position in node.args]))
    return found[-1]


def _of_node(node: Node, args: Sequence[Course]) -> Course:
    """Return the course of an operation from the courses of its operands."""
    name = node.value if node.op == "call" else node.op
    moves = name == "cumulative" or any(arg.moves for arg in args)
    never_falls, never_negative = _signs(name, args)
    return Course(moves, never_falls if moves else Sure.YES, never_negative)


def _signs(name: str, args: Sequence[Course]) -> tuple[Sure, Sure]:
    """Return whether the result of an operation never falls, and whether it is never negative."""
    first, *others = args
    moving = sum(arg.moves for arg in args)
    still = not any(other.moves for other in others)
    no_fall = min(arg.never_falls for arg in args)
    no_negative = min(arg.never_negative for arg in args)
    if name == "cumulative":
        return first.never_negative, first.never_negative
    if name in _JOINED:
        if name == "max":
            return no_fall, max(arg.never_negative for arg in args)
        return no_fall, no_negative
    if name == "*":  # a lone factor that moves may be negative, if the others are not
        factors = [arg for arg in args if not arg.moves or moving > 1]
        return min(no_fall, *(arg.never_negative for arg in factors)), no_negative
    if name in ("/", "safe_div"):
        never_falls = min(no_fall, *(other.never_negative for other in others))
        return never_falls if still else Sure.NO, no_negative
    if name in ("**", "pow"):
        return min(no_fall, no_negative) if still else Sure.NO, no_negative
    if name == "-":  # `1 - share` may well be a share; `joined - left` may well be negative
        return first.never_falls if still else Sure.NO, Sure.NO if first.moves else Sure.UNKNOWN
    if name == "abs":
        return min(no_fall, no_negative), Sure.YES
    if name in _SMOOTH:
        return first.never_falls, first.never_negative
    if name in _MONOTONE:
        sign = {"exp": Sure.YES, "sqrt": Sure.YES, "log": Sure.UNKNOWN, "log10": Sure.UNKNOWN}
        return first.never_falls if still else Sure.NO, sign.get(name, first.never_negative)
    if name == "change":
        return Sure.NO, first.never_falls
    if name == "growth":
        return Sure.NO, min(first.never_falls, first.never_negative)
    if name == "%":
        return Sure.NO, others[0].never_negative
    if name == "if":
        condition, *branches = args
        return no_fall if not condition.moves else Sure.NO, min(
            branch.never_negative for branch in branches
        )
    return Sure.NO, Sure.NO  # minus, conditions
