"""A fixed table of nasty values and a tree that uses every operator and function on them.

For engines that are too slow for generated cases; what is right says the scalar engine.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import math
from typing import TYPE_CHECKING, Any

from metrictree import MetricTree
from metrictree.engines.scalar import evaluate
from metrictree.formula import parse
from metrictree.formula.meaning import Rule, apply, broken
from metrictree.plan import make_plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from metrictree.formula import Formula
    from metrictree.plan import Plan

Value = float | None

NASTY: tuple[Value, ...] = (
    *(None, math.nan, 0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 3.0, 0.5, -0.5, 1.5, -8.0, 0.1, 1 / 3),
    *(2.5, 0.125, 1234.5678, -1234.5678, 709.9, -745.2, 2.0**53, 1e16, -1e16),
    *(1e308, -1e308, 5e-324, 1e-300, 4503599627370497.5),
)

FORMULAS = {
    "plus": "a + b",
    "minus": "a - b",
    "times": "a * b",
    "quotient": "a / b",
    "remainder": "a % b",
    "remainder_of_three": "a % 3",
    "of_seven": "7 % b",
    "to_the_power": "a ** b",
    "squared": "a ** 2",
    "root": "a ** 0.5",
    "inverse": "a ** -1",
    "powers_of_two": "2 ** b",
    "power": "pow(a, b)",
    "negative": "-a",
    "distance": "abs(a - b)",
    "least": "min(a, b, c)",
    "most": "max(a, b, c)",
    "total": "sum(a, b, c)",
    "average": "mean(a, b, c)",
    "square_root": "sqrt(a)",
    "exponential": "exp(a)",
    "logarithm": "log(a)",
    "decimal_logarithm": "log10(a)",
    "below": "floor(a)",
    "above": "ceil(a)",
    "rounded": "round(a)",
    "cents": "round(a, 2)",
    "hundreds": "round(a, -2)",
    "to_digits": "round(a, c)",
    "clipped": "clip(a, b, c)",
    "direction": "sign(a)",
    "safe": "safe_div(a, b, c)",
    "safe_zero": "safe_div(a, b, 0)",
    "first": "coalesce(a, b, c)",
    "or_zero": "coalesce(a / b, 0)",
    "absent": "1 if is_missing(a / b) else 0",
    "equal": "1 if a == b else 2",
    "unequal": "1 if a != b else 2",
    "less": "1 if a < b else 2",
    "at_most": "1 if a <= b else 2",
    "more": "1 if a > b else 2",
    "at_least": "1 if a >= b else 2",
    "between": "1 if 0 <= a < b else 2",
    "denied": "1 if not a < b else 2",
    "both": "1 if a < b and b < c else 2",
    "either": "1 if a < b or b < c else 2",
    "neither": "1 if not (a < b or is_missing(c)) else 2",
    "branch": "a if b > 0 else c",
    "nested": "(a if b > 0 else null) if c > 0 else -b",
    "nothing": "null",
    "shared": "(a + b) / (a + b)",
    "grouped": "a - (b - c) - (a / (b / c))",
    "constant": "k * a",
}
LEAVES = ("a", "b", "c")


def tree(formulas: Mapping[str, str] = FORMULAS) -> MetricTree:
    """Return a tree of formulas over a, b and c, and a constant k."""
    return MetricTree(
        north_star=next(iter(formulas)), metrics={**formulas, **dict.fromkeys(LEAVES), "k": 2.5}
    )


def rows() -> list[dict[str, Value]]:
    """Return every pair of nasty values as a and b, each with another c."""
    third = itertools.cycle(NASTY)
    return [{"a": a, "b": b, "c": next(third)} for a, b in itertools.product(NASTY, repeat=2)]


def columns(table: Sequence[Mapping[str, Value]]) -> dict[str, list[Value]]:
    """Return the table by column, with the position of each row."""
    found: dict[str, list[Value]] = {leaf: [row[leaf] for row in table] for leaf in LEAVES}
    return {"row": [float(position) for position in range(len(table))], **found}


def expected(text: str, row: Mapping[str, Value]) -> Value:
    """Return the value of a formula for a row."""
    known = {name: None if x is None or math.isnan(x) else x for name, x in row.items()}
    value = evaluate(_parsed(text), {**known, "k": 2.5})
    assert not isinstance(value, bool)
    return value


@functools.cache
def _parsed(text: str) -> Formula:
    return parse(text)


def past_float64(text: str, row: Mapping[str, Value]) -> bool:
    """Return whether an operation leaves float64, upwards or down to zero: some databases stop."""
    made: list[float | bool | None] = []
    for op, args, value in _plan(text).instructions:
        if op == "input":
            given = row.get(value, 2.5)
            made.append(None if given is None or math.isnan(given) else given)
            continue
        operands = [made[arg] for arg in args]
        made.append(value if op == "constant" else apply(op, operands, value))
        if op in ("+", "-", "*", "/", "**", "exp", "safe_div") and None not in operands:
            if made[-1] is None:
                if broken(op, operands) is Rule.OVERFLOW:
                    return True
            elif made[-1] == 0 and op in ("*", "/", "**", "safe_div") and operands[0] != 0:
                return True
        if op == "round" and None not in operands:
            x, digits = map(float, operands)  # type: ignore[arg-type]
            if abs(digits) <= 308 and x != 0 and x * 10.0**digits == 0:
                return True
    return False


@functools.cache
def _plan(text: str) -> Plan:
    return make_plan(tree({"top": text})._tree, ["top"])


def agrees(found: object, right: Value) -> bool:
    """Return whether a value of an engine is that of the scalar engine."""
    if right is None or found is None:
        return found is right
    return isinstance(found, (int, float)) and math.isclose(found, right, rel_tol=1e-12)


# --- functions over time

TIMES = {
    "before": "lag(a)",
    "quarter_before": "lag(a, 3)",
    "step": "change(a)",
    "year_step": "change(a, 12)",
    "rate": "growth(a)",
    "three": "rolling_sum(a, 3)",
    "five": "rolling_mean(a, 5)",
    "low": "rolling_min(a, 4)",
    "high": "rolling_max(a, 7)",
    "so_far": "cumulative(a)",
    "ratio_before": "lag(a / b, 2)",
    "twice": "lag(lag(a), 2)",
    "of_sums": "cumulative(a) / cumulative(coalesce(b, 0))",
    "known": "coalesce(lag(a), a)",
    "running": "cumulative(coalesce(a, 0) + k)",
}
MONTHS = tuple(dt.date(2024 + at // 12, at % 12 + 1, 1) for at in range(20))
SHOPS = ("north", "south", None)


def time_tree() -> MetricTree:
    """Return a tree of functions over time of a and b, and a constant k."""
    return MetricTree(north_star="before", metrics={**TIMES, "a": None, "b": None, "k": 2.5})


def series() -> Iterator[tuple[str | None, dict[str, list[Value]]]]:
    """Yield the values of each shop, by month."""
    whole = (3.0, 5.0, 0.0, -2.0, 8.0, 1.0, 13.0)
    for place, shop in enumerate(SHOPS):
        a: list[Value] = [whole[(at + place) % 7] * (place + 1) for at in range(len(MONTHS))]
        b: list[Value] = [whole[at * 3 % 7] / 4 for at in range(len(MONTHS))]
        if place == 1:
            a[13] = None
            b[4] = math.nan
        yield shop, {"a": a, "b": b}


def series_rows() -> list[tuple[dt.date, str | None, Value, Value]]:
    """Return the series as rows of month, shop, a and b."""
    return [
        (month, shop, a, b)
        for shop, columns in series()
        for month, a, b in zip(MONTHS, columns["a"], columns["b"], strict=True)
    ]


def check_series(found: Iterable[Mapping[str, Any]]) -> None:
    """Compare rows of day, shop and every function over time with the values of the series."""
    rows = list(found)
    by_place = {(row["shop"], row["day"]): row for row in rows}
    assert len(rows) == len(by_place) == len(SHOPS) * len(MONTHS)
    for shop, columns in series():
        inputs = {
            name: [None if x is None or math.isnan(x) else x for x in values]
            for name, values in columns.items()
        }
        right = time_tree().compute_series(inputs)
        for place, month in enumerate(MONTHS):
            for metric in TIMES:
                value = by_place[shop, month][metric]
                assert agrees(value, right[metric][place]), (metric, shop, month)
