"""Values at which formulas turn, beyond the ends of ranges and the numbers that they name.

Corners of several inputs at once, inputs that are as large as another one, what is divided by at
zero, and the jump on the way from one end of a range to the other.
"""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any, Final

from metrictree.engines.scalar import node_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from metrictree.testing.properties.claims import Claim

__all__ = ["HALVES", "ends_together", "steepest", "ties", "zeros"]

_TOGETHER: Final = 64
"""Examples in which each input is at one of its ends."""
_PAIRS: Final = 60
"""Pairs of inputs of which one is as large as the other: all of eight inputs."""
_SEED: Final = 1
HALVES: Final = 60
"""How often the way between two numbers is halved."""
_COMPUTED: Final = 2_000
"""Formulas that are computed to see whether a divisor changes its sign: fewer in large trees."""

Numbers = dict[str, float]


def ends_together(claim: Claim) -> Iterator[Numbers]:
    """Yield inputs at their ends, each at either one: all of these if they are few."""
    ends = {name: domain.ends for name, domain in claim.free.items()}
    if 2 ** len(ends) <= _TOGETHER:
        for chosen in itertools.product(*ends.values()):
            yield dict(zip(ends, chosen, strict=True))
        return
    chance = random.Random(_SEED)  # noqa: S311 - the same examples each time, no secret
    for _ in range(_TOGETHER):
        yield {name: chance.choice(both) for name, both in ends.items()}


def ties(claim: Claim, typical: Mapping[str, float]) -> Iterator[Numbers]:
    """Yield ordinary inputs, one of them as large as another one, a bit more, and a bit less."""
    pairs = itertools.permutations(claim.free, 2)
    for one, other in itertools.islice(pairs, _PAIRS):
        domain, value = claim.free[one], typical[other]
        for near in (value, value + domain.bit, value - domain.bit):
            if near in domain:
                yield {**typical, one: near}


def zeros(claim: Claim, typical: Mapping[str, float]) -> Iterator[Numbers]:
    """Yield ordinary inputs, one of them where something is 0 that a formula divides by."""
    if claim.periods:
        return
    ways = list(itertools.islice(_divisors(claim), _COMPUTED // max(len(claim.order), 1)))
    for metric, at, name in ways:
        formula, domain = claim.tree.formulas[metric], claim.free[name]

        def divisor(number: float) -> Any:
            known = claim.known({**typical, name: number})  # noqa: B023 - called at once
            return node_values(formula, known)[at]  # noqa: B023 - the same

        root = _root(divisor, *domain.ends)
        if root is not None and root in domain:
            yield {**typical, name: root}


def _divisors(claim: Claim) -> Iterator[tuple[str, int, str]]:
    """Yield what formulas divide by, other than one metric, and each input that it is made of."""
    for metric in claim.order:
        formula = claim.tree.formulas[metric]
        for at in sorted({node.args[1] for node in formula.nodes if node.op in ("/", "%")}):
            divisor = formula.nodes[at]
            if divisor.op == "ref" and divisor.value in claim.free:
                continue  # it is at 0 in one of the corners
            made_of = {
                node.value
                for node in formula.nodes
                if node.op == "ref" and divisor.start <= node.start and node.end <= divisor.end
            }
            below = claim.tree.graph.below(made_of)
            yield from ((metric, at, name) for name in claim.free if name in below)


def _root(function: Callable[[float], Any], low: float, high: float) -> float | None:
    """Return where a function is 0 between two numbers of which it has different signs."""
    first, last = function(low), function(high)
    if first is None or last is None or not first * last < 0:
        return None
    for _ in range(HALVES):
        middle = low + (high - low) / 2
        value = function(middle)
        if value is None:
            return None
        if value * first <= 0:
            high = middle
        else:
            low = middle
    readable = (round(high, digits) for digits in range(13))
    return next((number for number in (*readable, low, high) if function(number) == 0), None)


def steepest(
    function: Callable[[float], float | None], low: float, high: float
) -> Iterator[tuple[float, float]]:
    """Yield the parts of a way that fall, each in the half of the last one that rises least."""
    first, last = function(low), function(high)
    for _ in range(HALVES):
        middle = low + (high - low) / 2
        value = function(middle)
        if first is None or value is None or last is None or not low < middle < high:
            return
        if value - first <= last - value:
            high, last = middle, value
        else:
            low, first = middle, value
        if last < first:
            yield low, high
