"""Tables of Ibis: of any database that it knows, in which they stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw

from metrictree.measures.sources.making import table_of
from metrictree.measures.sources.problems import missing

if TYPE_CHECKING:
    from metrictree.measures.table import Table
    from metrictree.resolved import ResolvedTree

__all__ = ["of_relation", "open_ibis"]


def open_ibis(tree: ResolvedTree, name: str, native: Any, origin: str, keep: Any = None) -> Table:
    """Return the table of an Ibis table."""
    import ibis  # type: ignore[import-untyped]

    names = list(native.columns)
    in_duckdb = native.get_backend().name == "duckdb"
    dtypes = native.schema().types
    cells = {}
    for position, (column, dtype) in enumerate(zip(names, dtypes, strict=True)):
        cell = native[column]
        if dtype.is_timestamp() and dtype.timezone is not None:
            # Ibis talks to databases in UTC.
            cell = cell.cast("timestamp(6)" if (dtype.scale or 6) <= 6 else "timestamp")
        elif dtype.is_uuid():
            cell = cell.cast("string")
        elif dtype.is_floating() and in_duckdb:  # for NaN, as in `open_relation`
            cell = ibis.udf.scalar.builtin(_itself, name="try", signature=((dtype,), dtype))(cell)
        cells[f"c{position}"] = cell
    frame: nw.LazyFrame[Any] = nw.from_native(native.select(**cells))
    time = tree.spec.sources[name].time
    return table_of(
        frame, names, list(map(str, dtypes)), time=time, origin=origin, keep=(native, keep)
    )


def _itself(x: Any) -> Any:
    """Stand for a function of the database that returns what it is given."""


def of_relation(relation: Any, keep: Any) -> tuple[Any, Any]:
    """Return a relation of a connection that is ours as a table of Ibis, and what it needs.

    Raises:
        MissingExtraError: Ibis is not installed.
    """
    try:
        import ibis
    except ImportError:
        raise missing("files are read", "Ibis", 'pip install "metrictree[sql]"') from None

    relation.create_view("source_")
    connection = keep[-1] if isinstance(keep, tuple) else keep
    backend = ibis.duckdb.from_connection(connection)
    return backend.table("source_"), (keep, backend)
