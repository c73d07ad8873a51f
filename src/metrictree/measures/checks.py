"""What no row of a source may be: asked in the same scan, told with the first one found."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import narwhals as nw

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.frames.rows import Kind
from metrictree.measures.cells import is_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from metrictree.measures.prepare import Preparation

__all__ = ["Check", "checks"]

_OTHER_ZONE: Final = re.compile(r"\d{4}-\d\d-\d\d[ T][\d:.]+ ?[+-]\d\d(:?\d\d)?")


class Check(NamedTuple):
    """What no row may be: an aggregate that is null or false if none is, and what is said else."""

    name: str
    found: nw.Expr
    told: Callable[[Any], Diagnostic]


def checks(prepared: Preparation) -> Iterator[Check]:
    """Return what no row may be."""
    where = ("sources", prepared.name)
    span = prepared.tree.places.span(where, key=True)
    path = f"sources.{prepared.name}"

    def fixed(message: str, advice: str) -> Callable[[Any], Diagnostic]:
        return lambda _: Diagnostic("SRC112", message, span, path=path, help=advice)

    for name, column in prepared.lowering.finite.items():
        values = nw.col(name)
        yield Check(
            f"infinite_{name}",
            (~values.is_finite() & ~values.is_nan()).any(),
            fixed(f"the column '{shown(column)}' holds infinite numbers", "leave them empty"),
        )
    for name, column in prepared.lowering.exact.items():
        values = nw.col(name)
        what = "decimals" if prepared.table.columns[column].dtype == nw.Decimal else "integers"
        yield Check(
            f"inexact_{name}",
            ((values > 2**53) | (values < -(2**53))).any(),
            fixed(
                f"the column '{shown(column)}' holds {what} past 2**53",
                "computing would lose their last digits; compare them with integers, count "
                "them, or store them in a larger unit",
            ),
        )
    for name, column in prepared.lowering.lost.items():
        yield Check(
            f"lost_{name}",
            nw.col(name).any(),
            fixed(
                f"the column '{shown(column)}' holds integers past 2**53",
                "computing would lose their last digits; compare them with texts, such as "
                f"`{shown(column, 40)} == '12345678901234567890'`, or count them",
            ),
        )
    for name, dimension in zip(prepared.dimensions, prepared.request.by, strict=False):
        at = prepared.table.columns[dimension]
        if at.kind is not Kind.TIME:
            continue
        what = f"the dimension '{shown(dimension)}' holds times"
        values = nw.col(name)
        if at.type_name == "TIMESTAMP_NS":
            values = values.cast(nw.Datetime("us"))
            yield Check(
                f"finer_{name}",
                (values != nw.col(name)).any(),
                fixed(f"{what} finer than microseconds", "store them in microseconds, or as text"),
            )
        yield Check(
            f"far_{name}",
            _is_far(values, date if at.dtype == nw.Date else datetime).any(),
            fixed(f"{what} outside of the years 1 to 9999", "leave them empty"),
        )
    time = prepared.source.time
    if prepared.request.needs_time and time is not None:
        column_ = prepared.table.columns[time]
        yield Check(
            "far_day",
            _is_far(nw.col("day"), date).any(),
            fixed(
                f"the time column '{shown(time)}' holds days outside of the years 1 to 9999",
                "leave them empty",
            ),
        )
        if column_.kind is Kind.TEXT:
            text = nw.col(column_.name)
            no_day = nw.when(nw.col("day").is_null()).then(text)
            yield Check("no_day", no_day.min(), partial(_no_day, prepared))


def _no_day(prepared: Preparation, text: str) -> Diagnostic:
    """Return what is said of a text in the time column, of the first one where it can be."""
    assert prepared.source.time is not None
    cell = prepared.first_cell(prepared.source.time, is_day)
    text, where = (text, "") if cell is None else (cell.text, f" in line {cell.line}")
    what = "texts that are no days"
    advice = "write days as 2026-01-31 or 2026-01-31 10:00:00, without a time zone or in UTC"
    if _OTHER_ZONE.fullmatch(text):
        what = "times of another zone than UTC"
        advice = "write them in UTC, such as 2026-01-31T10:00:00Z; a later version converts"
    at = ("sources", prepared.name, "time")
    return Diagnostic(
        "SRC107",
        f"the time column '{shown(prepared.source.time)}' holds {what}: '{shown(text)}'{where}",
        prepared.tree.places.span(at),
        path=".".join(at),
        help=advice,
    )


def _is_far(values: nw.Expr, kind: type[date]) -> nw.Expr:
    """Whether Python has no such day; it would make the last one of infinity."""
    return (values > nw.lit(kind.max)) | (values < nw.lit(kind.min))
