"""The raw tables of a tree, wherever they are -> tables that are ready to be aggregated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metrictree.measures.sources.duckdb import open_files, open_query, require_duckdb
from metrictree.measures.sources.files import find, source_paths
from metrictree.measures.sources.problems import reading

if TYPE_CHECKING:
    from metrictree.measures.table import Table
    from metrictree.resolved import ResolvedTree

__all__ = ["open_table", "reading", "require_duckdb", "source_paths"]


def open_table(
    tree: ResolvedTree,
    name: str,
    *,
    given: Any = None,
    connection: Any = None,
    engine: str = "duckdb",
) -> Table:
    """Return the table of a source: of the frame that is given, or of what the tree declares.

    A connection that the source names itself is used before the one that is given. ``engine``
    reads the files of a `path`; a `query` is always DuckDB's, and a `table` its database's.

    Raises:
        SourceError: there is no such thing, or it cannot be read.
        MissingExtraError: a package that reads it is not installed.
    """
    if given is not None:
        from metrictree.measures.sources.frames import open_frame

        return open_frame(tree, name, given)
    source = tree.spec.sources[name]
    if source.query is not None:
        return open_query(tree, name)
    if source.table is not None:
        from metrictree.measures.sources.connections import open_database

        return open_database(tree, name, connection, engine)
    files = find(tree, name)
    if engine == "spark":
        from metrictree.measures.sources.connections import spark_session
        from metrictree.measures.sources.spark import open_spark_files

        return open_spark_files(tree, name, files, spark_session(tree, name, connection))
    if engine == "polars" and files.kind == "parquet":
        from metrictree.measures.sources.frames import scan_polars

        return scan_polars(tree, name, files)
    table = open_files(tree, name, files)
    if engine == "duckdb":
        return table
    from metrictree.measures.sources.frames import handed_over

    return handed_over(tree, name, table, engine)
