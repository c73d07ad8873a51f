"""Single numbers, computed again and again: against Python by hand and two other packages.

By hand means: one function that takes the dictionary of inputs, computes every metric in a line of
its own, and returns the dictionary of all metrics. It knows nothing of missing values, checks no
input, and raises an exception at a division by zero.
"""

from __future__ import annotations

import sys
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from random_tree import random_inputs, random_metrics
from side_by_side import compare, print_machine, seconds

from metrictree import MetricTree, parse_formula

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (1_000, 10_000)


def by_hand(metrics: dict[str, str | None], targets: list[str]) -> Callable[[Any], Any]:
    """Return straight-line Python for ``targets``."""
    tree = MetricTree(north_star=targets[-1], metrics=metrics)
    needed = tree.graph.below(targets)
    lines = [
        f"    {name} = {metrics[name] or f'inputs[{name!r}]'}"
        for name in tree.graph.order
        if name in needed
    ]
    results = ", ".join(f"{target!r}: {target}" for target in targets)
    text = "\n".join(["def compute(inputs):", *lines, f"    return {{{results}}}"])
    namespace: dict[str, Any] = {}
    exec(text, namespace)  # noqa: S102 - our own text
    return namespace["compute"]


def repeated(work: Callable[[], object], metrics: int) -> Callable[[], float]:
    """Return what times one run of ``work``, as the mean of many."""
    times = max(300_000 // metrics, 1)

    def run() -> None:
        for _ in range(times):
            work()

    return lambda: seconds(run) / times


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    if found != expected:
        sys.exit("the two do not compute the same values")


def with_simpleeval(metrics: dict[str, str | None], inputs: dict[str, float]) -> Any:
    """Return a function that evaluates formulas that simpleeval has parsed once."""
    from simpleeval import SimpleEval

    parsed = [(name, text, SimpleEval.parse(text)) for name, text in metrics.items() if text]

    def work() -> dict[str, float]:
        names = dict(inputs)
        evaluator = SimpleEval(names=names)
        for name, text, node in parsed:
            names[name] = evaluator.eval(text, previously_parsed=node)
        return names

    return work


def with_hamilton(metrics: dict[str, str | None], inputs: dict[str, float]) -> Any:
    """Return a function that executes a driver of Hamilton, which is built once."""
    from hamilton import ad_hoc_utils, driver

    functions: dict[str, Any] = {}
    for name, text in metrics.items():
        if text is not None:
            parameters = ", ".join(f"{used}: float" for used in parse_formula(text).references)
            exec(f"def {name}({parameters}) -> float:\n    return {text}", functions)  # noqa: S102 - our own text
    made = [functions[name] for name, text in metrics.items() if text is not None]
    module = ad_hoc_utils.create_temporary_module(*made)
    built = driver.Builder().with_modules(module).build()
    names = [name for name, text in metrics.items() if text is not None]
    return lambda: {**inputs, **built.execute(names, inputs=inputs)}


print_machine()
for count in SIZES:
    metrics = random_metrics(count)
    inputs = random_inputs(metrics)
    last = list(metrics)[-1]
    tree = MetricTree(north_star=last, metrics=metrics)
    for what, targets in (("all of them", None), ("the North Star", [last])):
        hand = by_hand(metrics, targets or list(metrics))
        for _ in range(3):
            same(tree.compute(inputs, targets).to_dict(), hand(inputs))
        ours = partial(tree.compute, inputs, targets)
        compare(
            f"{count:,} metrics, {what} / by hand",
            repeated(ours, count),
            repeated(partial(hand, inputs), count),
            1.5,
            rounds=15,
        )
        compare(
            "the same, every value read",
            repeated(lambda ours=ours: ours().to_dict(), count),
            repeated(partial(hand, inputs), count),
            1.5,
            rounds=15,
        )

metrics = random_metrics(1_000)
inputs = random_inputs(metrics)
tree = MetricTree(north_star=list(metrics)[-1], metrics=metrics)
for package, make, at_most in (
    ("simpleeval", with_simpleeval, 1 / 15),
    ("sf-hamilton", with_hamilton, 1 / 100),
):
    try:
        installed = version(package)
    except PackageNotFoundError:
        print(f"{package} is not installed: not compared")
        continue
    other = make(metrics, inputs)
    same(tree.compute(inputs).to_dict(), other())
    compare(
        f"1,000 metrics, all of them / {package} {installed}",
        repeated(partial(tree.compute, inputs), 1_000),
        partial(seconds, other),
        at_most,
        rounds=9,
    )
