"""Numbers for reading: rounded, grouped, in the form that the metric asks for."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from metrictree.units import parse_unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metrictree.schema import Metric

__all__ = ["MISSING", "format_column", "format_number", "format_value", "unit_beside"]

MISSING: Final = "missing"
_CURRENCY = re.compile("[A-Z]{3}")
_NO_CENTS = re.compile("BIF|CLP|DJF|GNF|ISK|JPY|KMF|KRW|PYG|RWF|UGX|VND|VUV|XAF|XOF|XPF")
_SECONDS: Final = {
    name: seconds
    for names, seconds in (
        ("ms millisecond milliseconds", 0.001),
        ("s sec second seconds", 1),
        ("min minute minutes", 60),
        ("h hour hours", 3_600),
        ("d day days", 86_400),
    )
    for name in names.split()
}
_PARTS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))


def format_value(metric: Metric, value: float | None) -> str:
    """Return a value of a metric as it is read: by the metric's ``display``, else by its unit.

    >>> from metrictree import Metric
    >>> format_value(Metric(unit="USD/order"), 1234.5)
    '1,234.50'
    >>> format_value(Metric(unit="%"), 0.05), format_value(Metric(), None)
    ('5 %', 'missing')
    """
    display = metric.display
    return format_number(
        value,
        unit=metric.unit,
        form=display.format if display is not None else None,
        digits=display.digits if display is not None else None,
    )


def format_column(metric: Metric, values: Sequence[float | None]) -> list[str]:
    """Return values of a metric as they are read below each other: with the same digits.

    Unless ``display`` says how many, these are the fewest with which each value has all that it
    would have alone, but no more than give the largest its four digits that count and the smallest
    two.

    >>> from metrictree import Metric
    >>> format_column(Metric(unit="%"), [0.5, 0.41234, None])
    ['50.0 %', '41.2 %', 'missing']
    >>> format_column(Metric(), [1.0, 1.8333333]), format_column(Metric(), [11598.0, 0.0376])
    (['1.000', '1.833'], ['11,598.000', '0.038'])
    """
    display = metric.display
    form = _form(metric.unit, display.format if display is not None else None)
    if form in ("currency", "duration") or (display is not None and display.digits is not None):
        return [format_value(metric, value) for value in values]
    scale, significant = (100, 3) if form == "percent" else (1, 4)
    sizes = [abs(value) * scale for value in values if value]
    plain = [size for size in sizes if _is_plain(size)]
    digits = 0
    if plain:
        alone = max(len(_number(size, None, significant).partition(".")[2]) for size in plain)
        digits = min(alone, max(_digits(max(plain), significant), _digits(min(plain), 2)))
    return [
        format_number(
            value,
            unit=metric.unit,
            form=form,
            digits=digits if value is not None and _is_plain(value * scale) else None,
        )
        for value in values
    ]


def unit_beside(metric: Metric) -> str | None:
    """Return the unit of a metric, unless its values show it themselves.

    >>> from metrictree import Metric
    >>> unit_beside(Metric(unit="USD/order")), unit_beside(Metric(unit="%"))
    ('USD/order', None)
    """
    asked = metric.display.format if metric.display is not None else None
    told = _form(metric.unit, asked) in ("percent", "duration")
    return None if told else metric.unit


def format_number(
    value: float | None,
    *,
    unit: str | None = None,
    form: str | None = None,
    digits: int | None = None,
) -> str:
    """Return a number as number, percent, currency or duration; without ``form`` by its unit.

    Without ``digits`` a number keeps at least four digits that count, and no zeros at its end. A
    duration has its two largest parts; with ``digits`` only the largest, with that many. What
    cannot be in its form is a plain number: a duration whose unit is no time or that is huge.

    >>> format_number(11598.0), format_number(0.375065), format_number(-0.0)
    ('11,598', '0.3751', '0')
    >>> format_number(0.375065, form="percent"), format_number(0.375065, form="percent", digits=2)
    ('37.5 %', '37.51 %')
    >>> format_number(2.5, unit="hour", form="duration")
    '2 h 30 min'
    >>> format_number(2.5, unit="hour/job", form="duration", digits=1)
    '2.5 h'
    """
    if value is None:
        return MISSING
    form = _form(unit, form)
    if form == "percent" and math.isfinite(value * 100):
        return f"{_number(value * 100, digits, 3)} %"
    if form == "duration" and abs(value) < 1e13:
        return _duration(value * _SECONDS[_above(unit)], digits)
    if form == "currency" and digits is None and abs(value) < 1e15:
        digits = 0 if _NO_CENTS.fullmatch(_above(unit)) else 2
    return _number(value, digits, 4)


def _form(unit: str | None, asked: str | None) -> str:
    """Return the form in which a number of a unit is shown."""
    if asked is None:
        if unit in ("%", "percent"):
            return "percent"
        return "currency" if _CURRENCY.fullmatch(_above(unit)) else "number"
    return "number" if asked == "duration" and _above(unit) not in _SECONDS else asked


def _above(unit: str | None) -> str:
    """Return the name that stands alone above the line of a unit; empty if none does."""
    above = [one for one in parse_unit(unit).powers if one[1] > 0] if unit is not None else []
    return above[0][0] if len(above) == 1 and above[0][1] == 1 else ""


def _number(value: float, digits: int | None, significant: int) -> str:
    size = abs(value)
    if size >= 1e15 or (digits is None and 0 < size < 1e-6):
        return f"{value:.{significant - 1}e}"
    if digits is not None:
        return _unsigned_zero(f"{value:,.{digits}f}")
    if value.is_integer():
        return _unsigned_zero(f"{value:,.0f}")
    text = f"{value:,.{_digits(size, significant)}f}"
    return _unsigned_zero(text.rstrip("0").rstrip("."))


def _digits(size: float, significant: int) -> int:
    """Return how many digits after the point give a number so many that count."""
    exponent = math.floor(math.log10(size))
    return max(significant - 1 - exponent, significant - 2, 0)


def _is_plain(number: float) -> bool:
    """Whether a number is written without an exponent."""
    return number == 0 or 1e-6 <= abs(number) < 1e15


def _unsigned_zero(text: str) -> str:
    return text.lstrip("-") if text.strip("-0.") == "" else text


def _duration(seconds: float, digits: int | None) -> str:
    """Return the two largest parts of a duration; with ``digits`` the largest, with so many."""
    sign = "-" if seconds < 0 else ""
    rest = abs(seconds)
    for position, (size, name) in enumerate(_PARTS):
        smaller, smaller_name = _PARTS[position + 1] if position + 1 < len(_PARTS) else (1, "s")
        if digits is not None:
            if round(rest / smaller, digits) * smaller >= size:  # 59.96 s are 1.0 min, not 60.0 s
                return f"{sign}{_number(rest / size, digits, 3)} {name}"
            continue
        count = round(rest / smaller)
        if count * smaller >= size:
            whole, left = divmod(count, size // smaller)
            tail = f" {left} {smaller_name}" if left else ""
            return f"{sign}{whole:,} {name}{tail}"
    return f"{_unsigned_zero(sign + _number(rest, digits, 3))} s"
