"""Random trees for the benchmarks: formulas of 3.5 inputs on average, taken from all before."""

from __future__ import annotations

import random


def random_metrics(count: int) -> dict[str, str | None]:
    """Return about ``count`` metrics, of which the last is made of all others.

    A tenth are inputs. No value is missing or past float64 while these are between 1 and 2: all
    numbers are positive, and only inputs are multiplied with.
    """
    chance = random.Random(1)
    inputs = [f"x{number}" for number in range(count // 10)]
    metrics: dict[str, str | None] = dict.fromkeys(inputs)
    names = list(inputs)
    unused = dict.fromkeys(inputs)

    def add(formula: str, used: list[str]) -> None:
        name = f"m{len(metrics)}"
        for below in used:
            unused.pop(below, None)
        metrics[name] = formula
        unused[name] = None
        names.append(name)

    while len(metrics) + len(unused) / 3 < count:
        formula, *others = used = [chance.choice(names) for _ in range(chance.choice((2, 3, 4, 5)))]
        for at, other in enumerate(others, 1):
            operator = chance.choice("+++*/")
            if operator == "*":
                used[at] = chance.choice(inputs)
                formula = f"({formula}) * {used[at]}"
            elif operator == "/":
                formula = f"({formula}) / ({other} + 1)"
            else:
                formula = f"{formula} + {other}"
        add(formula, used)
    while len(unused) > 1:
        used = list(unused)[:4]
        add(" + ".join(used), used)
    return metrics


def random_inputs(metrics: dict[str, str | None]) -> dict[str, float]:
    """Return numbers between 1 and 2 for the inputs."""
    chance = random.Random(2)
    return {name: chance.uniform(1, 2) for name, text in metrics.items() if text is None}
