"""Typed columns -> a frame of the first library that is installed; all give the same values."""

from __future__ import annotations

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
        return make(columns, *modules)
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
    cells = []
    for number, (name, column) in enumerate(columns.items(), 1):
        quoted = name.replace('"', '""')
        cells.append(f'unnest(${number}::{_SQL_TYPES[column.kind]}[]) as "{quoted}"')
    return duckdb.connect().sql(
        f"select {', '.join(cells)}",
        params=[list(column.values) for column in columns.values()],
    )


def _pandas(columns: Mapping[str, Column], pd: Any, pa: Any) -> Any:
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
"""What a frame of each library takes, the quickest first; PyArrow alone aggregates nothing."""
