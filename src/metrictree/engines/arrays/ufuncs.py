"""Operations of formulas as functions of NumPy, the result last; the array engine's words.

Missing is NaN and no operand is infinite. Whoever calls a function of ``IN_PLACE`` makes NaN of a
result for which the processor noted an overflow or a division by zero; the others do so themselves
where a library computes, which may not note it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "APART",
    "COMPARE",
    "IN_PLACE",
    "MAY_OVERWRITE",
    "choose",
    "finite",
    "lag",
    "power",
    "present",
    "rounding",
    "zero",
]


def _minimum(a: Floats, b: Floats, out: Floats) -> None:
    np.minimum(a, b, out=out)


def _maximum(a: Floats, b: Floats, out: Floats) -> None:
    np.maximum(a, b, out=out)


def finite(x: Floats) -> None:
    """Make NaN of what is infinite: 0 times infinity is NaN, and x + 0 is x."""
    np.add(x, np.multiply(x, 0.0), x)


def _checked(function: np.ufunc) -> Callable[[Floats, Floats], None]:
    """Return a function that may be past float64 and need not note it."""

    def applied(x: Floats, out: Floats) -> None:
        function(x, out)
        finite(out)

    return applied


def power(a: Floats, b: Floats, out: Floats) -> None:
    """Raise to a power; what is missing stays so."""
    np.power(a, b, out)
    # 1 to the power of NaN is 1, and so is NaN to the power of 0: here they are missing.
    np.add(out, np.add(np.multiply(a, 0.0), np.multiply(b, 0.0)), out)
    finite(out)


_HALF_ULP: Final = 2.0**52
"""From here on a float64 has no digits after the point."""


def rounding(digits: float) -> Callable[[Floats, Floats], None]:
    """Return a function that rounds to a fixed number of digits, within those of a float64."""
    scale = math.pow(10.0, digits)

    def rounded(x: Floats, out: Floats) -> None:
        np.multiply(x, scale, out)
        exact = ~(np.absolute(out) < _HALF_ULP)
        np.rint(out, out)
        np.divide(out, scale, out)
        if exact.any():
            np.putmask(out, exact, x)

    return rounded


_SCALES: Final = np.array([math.pow(10.0, digits) for digits in range(-308, 309)])


def _round(x: Floats, digits: Floats, out: Floats) -> None:
    known = np.floor(digits) == digits
    scale = _SCALES[np.where(known, np.clip(digits, -308, 308), 0.0).astype(np.intp) + 308]
    np.multiply(x, scale, out)
    exact = ~(np.absolute(out) < _HALF_ULP) | (digits > 308)
    np.rint(out, out)
    np.divide(out, scale, out)
    np.copyto(out, x, where=exact)
    np.copyto(out, np.multiply(x, 0.0), where=digits < -308)
    np.copyto(out, np.nan, where=~known)


def zero(x: Floats, out: Floats) -> None:
    """Make zero of what is there."""
    np.multiply(x, 0.0, out)


def _safe_div(a: Floats, b: Floats, otherwise: Floats, out: Floats) -> None:
    np.divide(a, b, out)
    zero = np.equal(b, 0.0)
    if zero.any():
        np.copyto(out, np.add(np.multiply(a, 0.0), otherwise), where=zero)
    np.add(out, np.multiply(otherwise, 0.0), out)  # missing if any of them is


def choose(condition: NDArray[np.bool_], then: Floats, otherwise: Floats, out: Floats) -> None:
    """Choose one of two where a condition is known to be true, else the other."""
    np.copyto(out, otherwise)
    np.putmask(out, condition, then)


def _coalesce(a: Floats, b: Floats, out: Floats) -> None:
    np.copyto(out, a)
    missing = np.isnan(out)
    if missing.any():
        np.putmask(out, missing, b)


def lag(column: Floats, rows: NDArray[np.int64], out: Floats) -> None:
    """Take values from other rows, -1 for none."""
    np.take(column, rows, out=out, mode="clip")  # other modes copy
    np.putmask(out, rows < 0, np.nan)


def present(x: Floats, out: NDArray[np.bool_]) -> None:
    """Find what is not missing."""
    np.equal(x, x, out)


def _unequal(a: Floats, b: Floats, out: NDArray[np.bool_]) -> None:
    np.less(a, b, out)
    np.logical_or(out, np.greater(a, b), out)  # of NaN neither is true


IN_PLACE: Final[Mapping[str, Callable[..., Any]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.remainder,
    "neg": np.negative,
    "abs": np.absolute,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "ceil": np.ceil,
    "sign": np.sign,
    "min": _minimum,
    "max": _maximum,
    "exp": _checked(np.exp),
    "log": _checked(np.log),
    "log10": _checked(np.log10),
}
"""Operations whose result may take the place of an operand."""

APART: Final[Mapping[str, Callable[..., Any]]] = {
    "**": power,
    "round": _round,
    "safe_div": _safe_div,
    "coalesce": _coalesce,
}
"""Operations that look at their operands again after they began to write."""

COMPARE: Final[Mapping[tuple[str, bool], Callable[..., Any]]] = {
    ("==", True): np.equal,
    ("==", False): _unequal,
    ("!=", True): _unequal,
    ("!=", False): np.equal,
    ("<", True): np.less,
    ("<", False): np.greater_equal,
    ("<=", True): np.less_equal,
    ("<=", False): np.greater,
    (">", True): np.greater,
    (">", False): np.less_equal,
    (">=", True): np.greater_equal,
    (">=", False): np.less,
}
"""Whether a comparison is known to be true, and whether it is known to be false."""

MAY_OVERWRITE: Final = frozenset(
    (
        *IN_PLACE.values(),
        *COMPARE.values(),
        *(np.square, np.rint, np.positive, zero, np.isnan, present),
        *(np.logical_and, np.logical_or),
    )
)
"""Functions that may write over an operand; a condition is never in the place of a number."""
