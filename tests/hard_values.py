"""Numbers and formulas on which engines differ."""

from __future__ import annotations

import functools

from metrictree import parse_formula
from metrictree.engines.scalar import evaluate

VALUES = [
    None, 0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, 1.5, 2.5, -2.5, 3.0, -7.0, 0.1, 1e-20, -1e-20,
    1.005, 0.49999999999999994, -0.49999999999999994, 4503599627370497.0, 4503599627370496.5, 1e16,
    1e300, -1e300, 5e-324, -5e-324, 1e308, -1e308, 710.0, -750.0, 2.675, 1234.5678, 1e-310, -745.2,
    309.0,
]  # fmt: skip
PAIRS = [{"a": a, "b": b} for a in VALUES for b in VALUES]
TEXTS = [
    "-a", "a + b", "a - b", "a * b", "a / b", "a % b", "a ** b", "pow(a, b)", "abs(a)", "min(a, b)",
    "max(a, b)", "sum(a, b, a)", "mean(a, b)", "sqrt(a)", "exp(a)", "log(a)", "log10(a)",
    "floor(a)", "ceil(a)", "round(a)", "round(a, 2)", "round(a, -2)", "round(a, 308)",
    "round(a, -308)", "round(a, 400)", "round(a, -400)", "round(a, 0.5)", "clip(a, b, 2)",
    "clip(a, 2, b)", "clip(a, 2, 1)", "clip(1, a, b)", "sign(a)", "safe_div(a, b, 1)",
    "safe_div(a, 0, b)", "safe_div(1, a, b)", "safe_div(a, b, null)", "safe_div(a, b, a)",
    "coalesce(a, b)", "coalesce(null, a, 1)", "coalesce(a, null)", "1 if is_missing(a) else 2",
    "1 if is_missing(null) else 0", "a if b > 0 else 1", "a if 1 < 2 else b",
    "null if a > 0 else b", "1 if a < b <= 2 else 0", "1 if a != b else 0", "1 if not a > b else 0",
    "1 if a == b else b", "1 if not a == b else b", "1 if not a != b else b",
    "1 if not a <= b else 0", "1 if not a < b else 0", "1 if not a >= b else 0",
    "1 if not (a > 0 and not is_missing(b)) else 0", "1 if not (a > 0 or not b > 0) else 0",
    "1 if a > 0 and b > 0 else 0", "1 if a > 0 or b > 0 else 0", "1 if a > 0 and 1 / 0 > 1 else 2",
    "1 if not (a > 0 and 1 / 0 > 1) else 2", "1 if a > 0 or 1 / 0 > 1 else 2", "a % 3", "a % -3",
    "7 % a", "10 % 4 * a", "a + null", "1 / 0", "2 + 3 * 4", "null", "a ** 2", "a ** 0.5",
    "a ** -1", "a ** 0", "a ** 3", "1 ** a", "2 ** a", "0 ** a", "a / 4", "a - a", "a",
]  # fmt: skip
DIGITS = ["round(a, b)", "round(a * 3, b)", "round(2.5, b)", "round(2.675, a)"]
"""Rounding that each row does otherwise, which the rows of a measure's source cannot."""
PASSED_ON = [
    "1 / (a / b)", "a / (b / a)", "-(a * b) + 1", "abs(a / b)", "floor(a / b)", "ceil(b / a)",
    "sign(a / b)", "sqrt(a / b)", "exp(a * b)", "exp(-(a / b))", "log(a / b)", "(a / b) ** 2",
    "(a / b) ** 0", "2 ** (a / b)", "(a / b) % 3", "3 % (a / b)", "(a / b) % (b / a)",
    "min(a / b, b)", "max(a * 1e300, b)", "clip(a / b, -1, b * 1e300)", "round(a / b, 1)",
    "safe_div(a / b, b, 1)", "safe_div(a, b / a, 1)", "safe_div(1, b, a / b)",
    "coalesce(a / b, b / a, 7)", "1 if is_missing(a / b) else 2", "1 if a / b == b / a else 0",
    "a if not (a / b < 1) else b", "0.5 if a * 1e300 * 1e300 > 0 else 1", "b if a > b / a else a",
    "(a / b if a > 0 else b / a) + 1", "1 if is_missing(a / b) and a > 0 else a",
]  # fmt: skip
"""Operations on what may be infinite or NaN where it should be missing."""
CONSTANTS = [
    "a / 10", "a / 3 + b / 7", "mean(a, b, 1)", "floor(a / 10 * 10)", "safe_div(a, 3, b)", "k * a",
    "a / k", "k / a", "a if k > 2 else b", "round(a, k)", "k + 1", "min(k, a)", "coalesce(k, a)",
]  # fmt: skip
"""Operations on constants; ``k`` is a metric with the value 3."""


@functools.cache
def right_values(text: str) -> list[float | None]:
    """Return what the scalar engine gives for each pair, with 3 as ``k``."""
    formula = parse_formula(text)
    return [evaluate(formula, {**pair, "k": 3.0}) for pair in PAIRS]
