"""From formulas to a program: against Python's own compiler, and how the time grows.

Ours is everything from a dictionary of formulas to a function that computes all metrics: check the
document, parse, resolve, plan, generate code and compile it. Python's is ``ast.parse`` and
``compile`` of each formula alone.
"""

from __future__ import annotations

import ast
from functools import partial
from typing import TYPE_CHECKING

from random_tree import random_inputs, random_metrics
from side_by_side import compare, print_machine, seconds

from metrictree import MetricTree
from metrictree.engines.compile import compile_plan
from metrictree.loader import load_data
from metrictree.plan import make_plan
from metrictree.resolved import resolve

if TYPE_CHECKING:
    from metrictree.engines.compile import Program


def ours(metrics: dict[str, str | None]) -> Program:
    tree = resolve(load_data({"north_star": list(metrics)[-1], "metrics": metrics}))
    return compile_plan(make_plan(tree))


def python(metrics: dict[str, str | None]) -> None:
    for text in metrics.values():
        if text is not None:
            compile(ast.parse(text, mode="eval"), "<formula>", "eval")


print_machine()
trees = {count: random_metrics(count) for count in (1_000, 10_000, 100_000)}
compare(
    "build, 10,000 metrics / ast.parse and compile",
    lambda: seconds(partial(ours, trees[10_000])),
    lambda: seconds(partial(python, trees[10_000])),
    4,
)
for small, large in ((1_000, 10_000), (10_000, 100_000)):
    compare(
        f"build, {large:,} metrics / {small:,}",
        lambda large=large: seconds(partial(ours, trees[large])),
        lambda small=small: seconds(partial(ours, trees[small])),
        12,
        rounds=3,
    )
for small, large in ((1_000, 10_000), (10_000, 100_000)):
    works = []
    for count in (large, small):
        tree = MetricTree(north_star=list(trees[count])[-1], metrics=trees[count])
        work = partial(tree.compute, random_inputs(trees[count]))
        for _ in range(2):  # from the second time on it is compiled
            work()
        works.append(work)
    compare(
        f"compute, {large:,} metrics / {small:,}",
        partial(seconds, works[0]),
        lambda work=works[1]: seconds(lambda: [work() for _ in range(10)]) / 10,
        12,
        rounds=9,
    )
