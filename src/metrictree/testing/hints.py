"""What a value beside the one that a test expects tells of a mistake, where there is evidence."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from metrictree.diagnostics import shown
from metrictree.engines.scalar import node_values, why_here
from metrictree.formula.meaning import OVER_TIME, Rule
from metrictree.formula.printer import number_text
from metrictree.render.numbers import MISSING, format_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metrictree.formula import Formula
    from metrictree.resolved import ResolvedTree
    from metrictree.testing.case import Step

__all__ = ["SHARES", "Pair", "hint"]

Pair = tuple[float | None, float | None]
"""A value, and what is expected of it."""

_CLOSE: Final = 1e-6
_SLIGHT: Final = 0.05
"""How much rounding changes what people round, as a share."""
_QUOTED: Final = 60
"""Characters of a part of a formula that a sentence quotes."""
SHARES: Final = ("%", "percent", "percentage", "pp", "ratio")
"""Units in which 1 is the whole."""
_PERCENT: Final = 100.0
_MULTIPLES: Final = {
    _PERCENT: "a percent is a ratio here, 0.05 for 5 %",
    1000.0: "is a unit such as kUSD meant, or a rate per 1,000?",
    1e6: "is a unit such as MUSD meant, or a rate per million?",
}
_TIMES: Final = {
    7.0: "days in a week",
    12.0: "months in a year",
    24.0: "hours in a day",
    52.0: "weeks in a year",
    60.0: "minutes in an hour",
    365.0: "days in a year",
    3600.0: "seconds in an hour",
}
"""Factors between a value and what was expected, and what they tell."""
_OF_TIME: Final = re.compile(
    r"(?i)(?<![a-z])(s|sec|min|h|hr|d|wk|mo|yr|(second|minute|hour|day|week|month|quarter|year)s?)"
    r"(?![a-z])"
)
_ADVICE: Final = {
    Rule.NO_HISTORY: "write `coalesce(x, otherwise)` around the function over time",
    Rule.DOMAIN: "keep its argument inside with `clip` or `if`",
}
"""What to write so that a rule does not make a value missing."""
_OTHER: Final = "write `coalesce(x, otherwise)` around what may be missing"


def hint(
    tree: ResolvedTree,
    steps: Sequence[Step],
    actual: float | None,
    expected: float | None,
    pairs: Sequence[Pair] = (),
) -> str | None:
    """Return what a value beside what was expected tells of a mistake, if it does.

    ``pairs`` has all periods of a series: what they do not agree on is a coincidence.

    >>> from metrictree import MetricTree
    >>> from metrictree.testing.explain import steps_below
    >>> tree = MetricTree(
    ...     north_star="rate", metrics={"rate": "orders / visits", "orders": None, "visits": None}
    ... ).resolved
    >>> steps = steps_below(tree, "rate", {"rate": 4.0, "orders": 8.0, "visits": 2.0}, ["orders"])
    >>> hint(tree, steps, 4.0, 0.25)
    'the value is 1 / what is expected: are the operands of `/` swapped?'
    >>> hint(tree, steps, 25.0, 0.25)
    'the value is 100 times what is expected: a percent is a ratio here, 0.05 for 5 %'
    """
    if actual is None:
        return None if expected is None else _missing_hint(tree, steps, expected)
    if expected is None:
        return _filled_hint(tree, steps, actual)
    if not actual or not expected:
        return None
    pairs = pairs or [(actual, expected)]
    formulas = [tree.formulas[step.metric] for step in steps if step.origin == "computed"]
    nodes = [node for formula in formulas for node in formula.nodes]
    used = {node.op for node in nodes}
    if "/" in used and all(_agrees(value, wanted, None) for value, wanted in pairs):
        return "the value is 1 / what is expected: are the operands of `/` swapped?"
    if all(_agrees(value, wanted, -1.0) for value, wanted in pairs):
        question = "are the operands of `-` swapped?" if "-" in used else "is a sign wrong?"
        return f"the value is what is expected with the other sign: {question}"
    numbers = {node.value for node in nodes if node.op == "number"}
    numbers |= {step.value for step in steps if step.origin == "constant"}
    units = [step.unit for step in steps]
    for factor, told in (*_MULTIPLES.items(), *_TIMES.items()):
        evidence = any(_same(one, factor) or _same(one, 1 / factor) for one in numbers)
        if factor in _TIMES:
            evidence |= any(_OF_TIME.search(unit or "") for unit in units)
            told = f"there are {factor:,.0f} {told}, so check what each value is per"  # noqa: PLW2901
        elif factor == _PERCENT:
            evidence |= any(unit in SHARES for unit in units) or not any(units)
        else:
            evidence = True
        if not evidence:
            continue
        if all(_agrees(value, wanted, factor) for value, wanted in pairs):
            return f"the value is {format_number(factor)} times what is expected: {told}"
        if all(_agrees(wanted, value, factor) for value, wanted in pairs):
            return f"what is expected is {format_number(factor)} times the value: {told}"
    return _rounded_hint(pairs)


def _rounded_hint(pairs: Sequence[Pair]) -> str | None:
    """Return what to do where values, rounded, are what is expected."""
    written = [number_text(wanted) for _, wanted in pairs if wanted is not None]
    digits = max((len(one.partition(".")[2]) for one in written if "e" not in one), default=0)
    if not digits or not all(
        value is wanted is None
        or (
            value is not None
            and wanted is not None
            and round(value, digits) == wanted
            and abs(value - wanted) <= _SLIGHT * abs(wanted)
        )
        for value, wanted in pairs
    ):
        return None
    allowed = number_text(float(f"5e-{digits + 1}"))
    return f"the value rounds to what is expected: `tolerance: {{absolute: {allowed}}}` allows that"


def _agrees(one: float | None, other: float | None, factor: float | None) -> bool:
    """Return whether a value is another one times a factor, or 1 / it if there is none."""
    if one is None or other is None:
        return one is other
    return _same(one * other, 1.0) if factor is None else _same(one, other * factor)


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=_CLOSE)


# --- missing, or not


def _missing_hint(tree: ResolvedTree, steps: Sequence[Step], expected: float) -> str:
    """Return what to do where a value is missing and none was expected to be."""
    return f"if there shall be a value, {_filling(tree, steps, expected)}; if not, expect `missing`"


def _filling(tree: ResolvedTree, steps: Sequence[Step], expected: float) -> str:
    """Return what to write at the place where a value is missing first."""
    known = {step.metric: step for step in steps if step.origin != "shown above"}
    rules = [rule for rule in _ADVICE if any(rule.value in (step.why or "") for step in steps)]
    if rules:
        return _ADVICE[rules[0]]
    metric, is_last = steps[0].metric, True
    while True:
        formula = tree.formulas.get(metric)
        values = None if formula is None else _node_values(formula, steps)
        if formula is None or values is None or values[-1] is not None:
            return _OTHER  # a function over time: the values of one period do not tell
        index = len(values) - 1
        while not isinstance(found := why_here(formula, values, index), Rule):
            is_last &= formula.nodes[found].op == "ref"
            index = found
        node, place = formula.nodes[index], _place(known[metric])
        if found is Rule.ZERO_DIVISION and node.op == "/":
            above, below = (_text(formula, arg) for arg in node.args)
            otherwise = number_text(expected) if is_last else "otherwise"
            return (
                f"write `safe_div({above}, {below}, {otherwise})` for "
                f"`{_text(formula, index)}`{place}"
            )
        if node.op != "ref":
            return _OTHER
        if known[node.value].origin != "computed":
            return f"write `coalesce({node.value}, 0)` for `{node.value}`{place}"
        metric = node.value


def _filled_hint(tree: ResolvedTree, steps: Sequence[Step], actual: float) -> str | None:
    """Return what gave a value where none was expected, the likeliest first."""
    found = sorted(
        told
        for number, step in enumerate(steps)
        if step.origin == "computed"
        for told in _fillings(tree.formulas[step.metric], steps, number)
    )
    if not found:
        return None
    expect = f"or expect {number_text(actual)}"
    return f"{found[0][2]}, {expect}"


def _fillings(
    formula: Formula, steps: Sequence[Step], number: int
) -> Iterator[tuple[int, int, str]]:
    values = _node_values(formula, steps)
    place = _place(steps[number])
    for index, node in enumerate(formula.nodes if values is not None else ()):
        assert values is not None
        args = [values[arg] for arg in node.args]
        texts = [f"`{_text(formula, arg)}`" for arg in node.args]
        whole = f"`{_text(formula, index)}`"
        if node.op == "if":
            branch = texts[1 if args[0] else 2]
            told = "true" if args[0] else "missing" if args[0] is None else "false"
            first = f"{texts[0]} is {told}, so that `if` takes {branch}{place}"
            yield 0 if args[0] is None else 3, number, f"{first}: write `null` in that branch"
        elif node.op == "call" and node.value == "coalesce" and args[0] is None:
            first = f"{texts[0]} is {MISSING}, and {whole} gives a value{place}"
            yield 1, number, f"{first}: write {texts[0]} alone"
        elif node.op == "call" and node.value == "safe_div" and args[1] == 0:
            first = f"{texts[1]} is 0, and {whole} gives a value{place}"
            above, below = (text.strip("`") for text in texts[:2])
            yield 2, number, f"{first}: write `{above} / {below}`"


def _node_values(formula: Formula, steps: Sequence[Step]) -> list[Any] | None:
    """Return the value of each node; ``None`` if it takes more than one period."""
    if any(node.op == "call" and node.value in OVER_TIME for node in formula.nodes):
        return None
    return node_values(formula, {step.metric: step.value for step in steps})


def _text(formula: Formula, index: int) -> str:
    node = formula.nodes[index]
    return shown(" ".join(formula.text[node.start : node.end].split()), _QUOTED)


def _place(step: Step) -> str:
    return f" ({step.span})" if step.span is not None else f" of {step.metric}"
