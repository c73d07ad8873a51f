"""A lazy frame of any library -> the table of a source: its columns, and what tells the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw

from metrictree.engines.frames.libraries import LIBRARIES, NULL_TYPES
from metrictree.engines.frames.rows import Column, Kind, kind_of
from metrictree.measures.table import Table
from metrictree.measures.times import day_of, in_duckdb, moment_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metrictree.measures.cells import File

__all__ = ["cells_of", "table_of"]


def cells_of(position: int, type_name: str, kind: str) -> tuple[str, str, str]:
    """Return the names of what is known of a cell of a text file besides its value, or nothing.

    Numbers in CSV files are texts as well, as people wrote them; in JSON they are numbers.
    """
    number = type_name == "DOUBLE"
    lost = f"l{position}" if number else ""
    if kind != "csv":
        return "", "", lost
    return f"r{position}" if type_name != "VARCHAR" else "", f"t{position}" if number else "", lost


def table_of(
    frame: nw.LazyFrame[Any],
    names: Sequence[str],
    types: Sequence[str],
    *,
    time: str | None,
    origin: str,
    file: File | None = None,
    cells: str = "",
    keep: Any = None,
) -> Table:
    """Return the table of a frame whose columns are called c and their position.

    ``cells`` is the kind of a text file, if it is one: then there is what ``cells_of`` names.
    """
    schema = frame.collect_schema()
    texts = [
        nw.col(f"c{position}").cast(nw.String)
        for position in range(len(names))
        if schema[f"c{position}"] in (nw.Categorical, nw.Enum)
    ]
    if texts:
        frame = frame.with_columns(*texts)
        schema = frame.collect_schema()
    columns = {}
    for position, (name, type_name) in enumerate(zip(names, types, strict=True)):
        dtype = schema[f"c{position}"]
        kind = Kind.NULL if type_name in NULL_TYPES else kind_of(dtype)
        if cells and type_name == "JSON":  # lists and objects
            kind = Kind.OTHER
        extra = cells_of(position, type_name, cells) if cells else ("", "", "")
        columns[name] = Column(f"c{position}", kind, dtype, type_name, *extra)
    library = LIBRARIES[frame.implementation.value]
    told_by = columns.get(time) if time is not None else None
    moment, day, made = _told_by(told_by)
    if made and told_by is not None and told_by.kind is Kind.TEXT and library.title == "DuckDB":
        frame = nw.from_native(in_duckdb(nw.to_native(frame), told_by.name))
    elif made:
        frame = frame.with_columns(*made)
    return Table(frame, columns, moment, day, library, origin, file, keep)


def _told_by(column: Column | None) -> tuple[str | None, str | None, list[nw.Expr]]:
    """Return what tells moments and days: columns of the frame, and how new ones are made."""
    if column is None:
        return None, None, []
    x = nw.col(column.name)
    if column.kind is Kind.NULL:
        return None, "day", [nw.lit(None, dtype=nw.Date).alias("day")]
    if column.kind is Kind.TEXT:
        made = [day_of(x).alias("day"), moment_of(x).alias("moment")]
        return "moment", "day", made
    if column.kind is not Kind.TIME:
        return None, None, []
    if column.dtype == nw.Date:
        return None, column.name, []
    if column.dtype == nw.Datetime("us"):  # the column itself: a filter on it reaches the file
        return column.name, None, []
    return "moment", None, [x.cast(nw.Datetime("us")).alias("moment")]
