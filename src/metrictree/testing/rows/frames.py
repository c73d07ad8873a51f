"""Typed columns -> a frame of the first library that is installed; all give the same values."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from metrictree.measures.sources.problems import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from metrictree.testing.rows.cells import Column

__all__ = ["LIBRARIES", "frame_of"]

_NO_COLUMN: Final = "row"
"""The column of rows that have none: they are counted all the same."""


def frame_of(columns: Mapping[str, Column], rows: int) -> Any:
    """Return the frame of columns.

    Raises:
        MissingExtraError: no library of frames is installed.
    """
    from metrictree.testing.rows.cells import Column

    columns = columns or {_NO_COLUMN: Column("int", range(rows))}
    for needed, make in LIBRARIES.values():
        try:
            modules = [import_module(name) for name in needed]
        except ImportError:
            continue
        frame = make(columns, *modules)
        if frame is not None:
            return frame
    raise missing("rows of a test are read", "Polars", 'pip install "metrictree[polars]"')


def _polars(columns: Mapping[str, Column], pl: Any) -> Any:
    types = {
        "null": pl.Null,
        "bool": pl.Boolean,
        "int": pl.Int64,
        "float": pl.Float64,
        "text": pl.String,
        "date": pl.Date,
        "time": pl.Datetime("us"),
    }
    return pl.DataFrame(
        [pl.Series(name, list(values), types[kind]) for name, (kind, values, _) in columns.items()]
    )


_SQL_TYPES: Final = {
    "null": '"NULL"',
    "bool": "BOOLEAN",
    "int": "BIGINT",
    "float": "DOUBLE",
    "text": "VARCHAR",
    "date": "DATE",
    "time": "TIMESTAMP",
}


def _duckdb(columns: Mapping[str, Column], duckdb: Any) -> Any:
    connection = _connection(duckdb)
    untyped = any(column.kind == "null" for column in columns.values())
    if untyped and str(connection.sql("select null").types[0]) == "INTEGER":
        return None  # DuckDB 1.3 takes what is always null for whole numbers
    cells = []
    for number, (name, column) in enumerate(columns.items(), 1):
        quoted = name.replace('"', '""')
        cells.append(f'unnest(${number}::{_SQL_TYPES[column.kind]}[]) as "{quoted}"')
    return connection.sql(
        f"select {', '.join(cells)}",
        params=[list(column.values) for column in columns.values()],
    )


@cache
def _connection(duckdb: Any) -> Any:
    """Return a database that stays open: older versions close it under what was made in it."""
    return duckdb.connect()


def _pandas(columns: Mapping[str, Column], pd: Any, pa: Any) -> Any:
    if int(pd.__version__.partition(".")[0]) < 3:
        return None  # it compares no nanoseconds with years that these do not have
    types = {
        "null": pa.null(),
        "bool": pa.bool_(),
        "int": pa.int64(),
        "float": pa.float64(),
        "text": pa.string(),
        "date": pa.date32(),
        "time": pa.timestamp("us"),
    }
    arrays = [pa.array(list(values), types[kind]) for kind, values, _ in columns.values()]
    return pa.table(arrays, list(columns)).to_pandas(types_mapper=pd.ArrowDtype)


LIBRARIES: Final[Mapping[str, tuple[tuple[str, ...], Callable[..., Any]]]] = {
    "polars": (("polars",), _polars),
    "duckdb": (("duckdb",), _duckdb),
    "pandas": (("pandas", "pyarrow"), _pandas),
}
"""What a frame of each library takes, the quickest first; PyArrow alone aggregates nothing.

A maker returns ``None`` where the version that is installed would read something else.
"""
