"""What the North Star rests on: its direct inputs, and how many steps away each metric is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metrictree.lint.facts import Facts

__all__ = ["behind_aliases", "depth", "parts", "steps"]


def behind_aliases(facts: Facts) -> str:
    """Return the metric that the North Star is another name of, or itself."""
    formulas = facts.tree.formulas
    metric = facts.star
    while metric in formulas and formulas[metric].root.op == "ref":
        metric = formulas[metric].references[0]
    return metric


def parts(facts: Facts) -> tuple[str, ...]:
    """Return the direct inputs of the North Star.

    A lone input stands for the North Star in another form (another name, a mean over some weeks):
    its inputs count instead, as long as it has any.
    """
    metric, inputs = facts.star, _inputs(facts, facts.star)
    seen = {metric}
    while len(inputs) == 1 and inputs[0] not in seen:
        (metric,) = inputs
        seen.add(metric)
        below = _inputs(facts, metric)
        if not below:
            break
        inputs = below
    return inputs


def _inputs(facts: Facts, metric: str) -> tuple[str, ...]:
    """Return what a metric is made of; where that is one metric or none, its influences too."""
    made_of = facts.tree.graph.inputs_of(metric)
    return made_of if len(made_of) > 1 else facts.causes[metric]


def steps(facts: Facts) -> dict[str, int]:
    """Return all that leads to the North Star, by formula or influence, the nearest first.

    What has no effect in a formula (a weight of zero, terms that cancel) leads nowhere.
    """
    made_of, signs = facts.tree.graph.inputs_of, facts.structure.signs
    away = {facts.star: 0}
    waiting = [facts.star]
    for metric in waiting:
        idle = {part for part in made_of(metric) if signs.get(part) == 0}
        for cause in facts.causes[metric]:
            if cause not in away and cause not in idle:
                away[cause] = away[metric] + 1
                waiting.append(cause)
    del away[facts.star]
    return away


def depth(facts: Facts) -> tuple[int, tuple[str, ...]]:
    """Return how many formulas stand on top of each other, and the longest way down through them.

    Another name for a metric is no level of its own.
    """
    tree, star = facts.tree, facts.star
    cone = tree.graph.below([star])
    levels: dict[str, int] = {}
    deepest: dict[str, str] = {}
    for metric in tree.graph.order:
        inputs = tree.graph.inputs_of(metric) if metric in cone else ()
        if inputs:
            deepest[metric] = max(inputs, key=levels.__getitem__)
            is_alias = tree.formulas[metric].root.op == "ref"
            levels[metric] = levels[deepest[metric]] + (not is_alias)
        else:
            levels[metric] = int(metric in tree.formulas)
    way = [star]
    while way[-1] in deepest:
        way.append(deepest[way[-1]])
    return levels[star], tuple(way)
