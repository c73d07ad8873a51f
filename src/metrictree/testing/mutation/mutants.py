"""The mutants of a tree: trees in which one definition has one small mistake."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from metrictree.errors import DefinitionError
from metrictree.formula import FUNCTIONS, Mode
from metrictree.graph import Graph
from metrictree.testing.mutation.canonical import canonical
from metrictree.testing.mutation.changes import changes
from metrictree.testing.mutation.code import call, code_of, formula_of, numeric, ref, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metrictree.diagnostics import Span
    from metrictree.documents import Path
    from metrictree.formula import Formula
    from metrictree.resolved import ResolvedTree
    from metrictree.testing.mutation.changes import Change
    from metrictree.testing.mutation.code import Code

__all__ = ["Mutant", "mutants_of", "tree_with"]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One definition with one small change."""

    metric: str
    kind: str
    """``operator``, ``operands``, ``dropped``, ``constant``, ``comparison``, ``condition``,
    ``branches``, ``function``, ``periods``, ``reference``, ``aggregate`` or ``where``."""
    words: str
    """What is changed: ``"`/` becomes `*`"``."""
    before: str
    """The formula, aggregate or ``where`` as the author wrote it, on one line."""
    after: str
    """What it has become; empty if it is gone."""
    part: str
    """The field that is changed: ``formula``, ``aggregate`` or ``where``."""
    span: Span | None
    """The characters that are changed; of a tree made in Python, those of the formula."""
    formula: Formula | None = None
    """The changed part, parsed; ``None`` for a ``where`` that is gone."""
    same: bool = False
    """Whether it is the same by algebra."""

    def __str__(self) -> str:
        return f"{self.metric}: {self.words}"


def mutants_of(tree: ResolvedTree, metric: str) -> Iterator[Mutant]:
    """Yield the mutants of one metric, no two of them the same by algebra.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="rate", metrics={"rate": "orders / visits", "orders": None, "visits": None}
    ... )
    >>> for mutant in mutants_of(tree.resolved, "rate"):
    ...     print(mutant.after)
    visits / visits
    visits / orders
    orders * visits
    orders
    orders / orders
    """
    formula, measure = tree.formulas.get(metric), tree.measures.get(metric)
    if formula is not None:
        path = ("metrics", metric, "formula")
        yield from _of(tree, path, formula, Mode.FORMULA, _siblings(tree, metric, formula))
    elif measure is not None:
        path = ("metrics", metric, "measure")
        siblings, counting = _columns(tree, metric)
        yield from _of(
            tree,
            (*path, "aggregate"),
            measure.aggregate,
            Mode.AGGREGATE,
            siblings,
            counting=counting,
        )
        if measure.where is not None:
            where = measure.where
            span = tree.places.span_within((*path, "where"), where.text, 0, len(where.text))
            before = " ".join(where.text.split())
            yield Mutant(metric, "where", "`where` is dropped", before, "", "where", span)
            yield from _of(tree, (*path, "where"), where, Mode.WHERE, {})


def _of(
    tree: ResolvedTree,
    path: Path,
    formula: Formula,
    mode: Mode,
    siblings: Mapping[str, str],
    *,
    counting: Code = (),
) -> Iterator[Mutant]:
    original = canonical(code_of(formula), mode)
    seen: set[str] = set()
    before = " ".join(formula.text.split())
    made = sorted(
        changes(formula, mode, siblings, counting), key=lambda change: (change.start, change.end)
    )
    for change in made:  # in reading order
        text = canonical(change.code, mode)
        if text in seen:
            continue
        seen.add(text)
        try:
            spelled = formula_of(change.code, mode)
        except DefinitionError:
            continue  # nobody can write it, such as `5 % -x`, where a percent sign is meant
        yield Mutant(
            str(path[1]),
            change.kind,
            change.words,
            before,
            text_of(change.code),
            str(path[-1]),
            _place(tree, path, formula, change),
            spelled,
            same=text == original,
        )


def _place(tree: ResolvedTree, path: Path, formula: Formula, change: Change) -> Span:
    return tree.places.span_within(path, formula.text, change.start, change.end)


def _siblings(tree: ResolvedTree, metric: str, formula: Formula) -> dict[str, str]:
    """Return for each reference the metric that is most easily mistaken for it, if there is one.

    It has the same unit and stands in the same formula, or beside it in another one; or it only
    stands in the same formula. Of several it is the nearest one.
    """
    found = {}
    for name in formula.references:
        unit = tree.metrics[name].unit
        here = [other for other in formula.references if other != name]
        beside = [
            other
            for user in tree.graph.users_of(name)
            if user != metric
            for other in tree.graph.inputs_of(user)
        ]
        alike = [other for other in (*here, *beside) if tree.metrics[other].unit == unit]
        if unit is None:
            alike = here
        for other in (*alike, *here):
            if other not in (name, metric) and metric not in tree.graph.below([other]):
                found[name] = other
                break
    return found


def _columns(tree: ResolvedTree, metric: str) -> tuple[dict[str, str], Code]:
    """Return which column may be mistaken for another, and what may be counted instead of rows.

    Both are made of columns that the tree uses of the same source: numbers for numbers, and, of a
    count without a condition, what differs in a column or has a number there.
    """
    measure = tree.measures[metric]
    alike = [one for one in tree.measures.values() if one.source == measure.source]
    numbers = list(dict.fromkeys(name for one in alike for name in numeric(one.aggregate)))
    siblings = {}
    for name in numeric(measure.aggregate):
        others = [other for other in numbers if other not in measure.aggregate.references]
        if others:
            siblings[name] = others[0]
    if measure.where is not None:
        return siblings, ()
    used = [name for one in alike for name in one.aggregate.references]
    for name in (one for one in used if one not in numbers):
        return siblings, call("count_distinct", ref(name))
    return siblings, call("count", ref(used[0])) if used else ()


def tree_with(tree: ResolvedTree, mutant: Mutant) -> ResolvedTree:
    """Return the tree with one definition changed."""
    metric, formula = mutant.metric, mutant.formula
    if mutant.part != "formula":
        measure = tree.measures[metric]
        if mutant.part == "where":
            measure = dataclasses.replace(measure, where=formula)
        else:
            assert formula is not None, "only a `where` can be gone"
            measure = dataclasses.replace(measure, aggregate=formula)
        measures = MappingProxyType({**tree.measures, metric: measure})
        return dataclasses.replace(tree, measures=measures, plans={})
    assert formula is not None, "only a `where` can be gone"
    overtime = dict(tree.overtime)
    overtime.pop(metric, None)
    for node in formula.nodes:
        if node.op == "call" and FUNCTIONS[node.value].over_time:
            overtime[metric] = node.value
            break
    formulas = {**tree.formulas, metric: formula}
    graph = tree.graph
    if set(formula.references) != set(tree.formulas[metric].references):
        graph = Graph(tree.metrics, {one: each.references for one, each in formulas.items()})
    return dataclasses.replace(
        tree,
        formulas=MappingProxyType(formulas),
        overtime=MappingProxyType(overtime),
        graph=graph,
        plans={},
    )
