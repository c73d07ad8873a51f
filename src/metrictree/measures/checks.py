"""What no row of a source may be: asked in the same scan, told if there is one."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import narwhals as nw

from metrictree.diagnostics import shown
from metrictree.engines.frames.rows import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrictree.engines.frames.layers import Engine
    from metrictree.measures.prepare import Preparation

__all__ = ["Check", "checks", "is_far"]

_LARGEST: Final = 1.7976931348623157e308
_DIGITS: Final = 15
"""Digits of integers below 2**53."""


class Check(NamedTuple):
    """What no row may be, and what is said if one is."""

    found: nw.Expr
    """Whether a row is such a one."""
    message: str
    fix: str


def checks(prepared: Preparation) -> Iterator[Check]:
    """Return what no row may be that a scan looks at."""
    for name, column in prepared.lowering.finite.items():
        if column in prepared.unfit:  # infinity fits no decimal
            continue
        values = nw.col(name)
        yield Check(
            (values.abs() > _LARGEST) & ~values.is_nan(),
            f"the column '{shown(column)}' holds infinite numbers",
            "leave them empty",
        )
    for name, column in prepared.lowering.exact.items():
        if prepared.table.columns[column].dtype == nw.Decimal and _is_small(
            prepared.table.columns[column].type_name
        ):
            continue
        values = nw.col(name)
        what = "decimals" if prepared.table.columns[column].dtype == nw.Decimal else "integers"
        yield Check(
            (values > 2**53) | (values < -(2**53)),
            f"the column '{shown(column)}' holds {what} past 2**53",
            "computing would lose their last digits; compare them with integers, count "
            "them, or store them in a larger unit",
        )
    for name, column in prepared.lowering.lost.items():
        yield Check(
            nw.col(name),
            f"the column '{shown(column)}' holds integers past 2**53",
            "computing would lose their last digits; compare them with texts, such as "
            f"`{shown(column, 40)} == '12345678901234567890'`, or count them",
        )
    engine = prepared.table.library.engine
    for name, dimension in zip(prepared.dimensions, prepared.request.by, strict=True):
        at = prepared.table.columns[dimension]
        if at.kind is not Kind.TIME:
            continue
        what = f"the dimension '{shown(dimension)}' holds times"
        values = nw.col(name)
        if at.type_name == "TIMESTAMP_NS":
            values = values.cast(nw.Datetime("us"))
            advice = "store them in microseconds, or as text"
            yield Check(values != nw.col(name), f"{what} finer than microseconds", advice)
        yield Check(
            is_far(values, date if at.dtype == nw.Date else datetime, engine),
            f"{what} outside of the years 1 to 9999",
            "leave them empty",
        )


def _is_small(type_name: str) -> bool:
    """Whether decimals of a type have so few digits before the point that float64 has them all."""
    digits = [int(one) for one in re.findall("[0-9]+", type_name)]
    return len(digits) == 2 and digits[0] - digits[1] <= _DIGITS


def is_far(values: nw.Expr, kind: type[date], engine: Engine) -> nw.Expr:
    """Whether Python has no such day; it would make the last one of infinity."""
    return (values > engine.time(kind.max)) | (values < engine.time(kind.min))
