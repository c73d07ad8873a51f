"""Frames that are given from Python, and files as the frames of other libraries than DuckDB."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from metrictree.diagnostics import shown
from metrictree.engines.frames.libraries import LIBRARIES
from metrictree.measures.sources.duckdb import open_arrow, open_relation
from metrictree.measures.sources.making import table_of
from metrictree.measures.sources.problems import missing, reading, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metrictree.measures.sources.files import Files
    from metrictree.measures.table import Table
    from metrictree.resolved import ResolvedTree

__all__ = ["handed_over", "open_frame", "scan_polars"]

_KINDS: Final = (
    "give a frame of pandas, Polars, PyArrow, Spark or narwhals, a DuckDB relation or an Ibis table"
)


def open_frame(tree: ResolvedTree, name: str, given: Any) -> Table:
    """Return the table of a frame, which stays in its library; PyArrow's is looked at by DuckDB.

    Raises:
        SourceError: it is no frame, or two of its columns have one name.
    """
    native = nw.to_native(given, pass_through=True)
    library = _library(native)
    if library is None:
        kind = type(given)
        what = f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}".removeprefix("builtins.")
        message = f"what is given for the source '{shown(name)}' is no frame but a {shown(what)}"
        raise refused(tree, name, "SRC116", message, _KINDS)
    origin = f"{_TITLES[library]}"
    with reading(tree, name, origin):
        names = [str(column) for column in _names(native, library)]
        twice = [column for column, count in Counter(names).items() if count > 1]
        if twice:
            message = f"the {origin} given for '{shown(name)}' has two columns '{shown(twice[0])}'"
            raise refused(tree, name, "SRC116", message, "rename one of them")
        if not names:
            message = f"the {origin} given for '{shown(name)}' has no columns"
            raise refused(tree, name, "SRC116", message, _KINDS)
        return _OPENERS[library](tree, name, native, names)


def _library(native: Any) -> str | None:
    """Return the library of a frame; ``None`` if it is none that can be aggregated."""
    from narwhals import dependencies as kinds

    known: dict[str, Callable[[Any], bool]] = {
        "pandas": kinds.is_pandas_dataframe,
        "polars": lambda one: kinds.is_polars_dataframe(one) or kinds.is_polars_lazyframe(one),
        "pyarrow": kinds.is_pyarrow_table,
        "duckdb": kinds.is_duckdb_relation,
        "ibis": kinds.is_ibis_table,
        "pyspark": kinds.is_pyspark_dataframe,
        "pyspark[connect]": kinds.is_pyspark_connect_dataframe,
    }
    return next((library for library, fits in known.items() if fits(native)), None)


def _names(native: Any, library: str) -> Sequence[Any]:
    if library == "polars":
        return list(native.collect_schema().names())
    return list(native.column_names if library == "pyarrow" else native.columns)


_TITLES: Final = {
    "pandas": "pandas frame",
    "polars": "Polars frame",
    "pyarrow": "PyArrow table",
    "duckdb": "DuckDB relation",
    "ibis": "Ibis table",
    "pyspark": "Spark frame",
    "pyspark[connect]": "Spark frame",
}


# --- Polars


def _open_polars(tree: ResolvedTree, name: str, native: Any, names: Sequence[str]) -> Table:
    return _of_polars(tree, name, native.lazy(), names, _TITLES["polars"])


def _of_polars(
    tree: ResolvedTree, name: str, native: Any, names: Sequence[str], origin: str
) -> Table:
    types = list(map(str, native.collect_schema().dtypes()))
    own = [f"c{position}" for position in range(len(names))]
    rename = LIBRARIES["polars"].rename
    assert rename is not None
    frame: nw.LazyFrame[Any] = nw.from_native(rename(native, own))
    halves = [column for column, one in zip(own, types, strict=True) if one == "Float16"]
    if halves:  # their sums are soon past what they can hold
        frame = frame.with_columns(nw.col(*halves).cast(nw.Float32))
    zoned = [column for column, one in zip(own, types, strict=True) if "time_zone='" in one]
    if zoned:
        x = nw.col(*zoned)
        frame = frame.with_columns(x.dt.convert_time_zone("UTC").dt.replace_time_zone(None))
    return table_of(
        frame, names, types, time=tree.spec.sources[name].time, origin=origin, keep=native
    )


def scan_polars(tree: ResolvedTree, name: str, files: Files) -> Table:
    """Return the table of Parquet files that Polars reads, what is needed of them only.

    Raises:
        SourceError: they cannot be read, or have not the same columns.
        MissingExtraError: Polars is not installed.
    """
    try:
        import polars as pl
    except ImportError:
        raise missing("files are read", "Polars", 'pip install "metrictree[polars]"') from None
    with reading(tree, name, files.origin):
        first, *others = (
            dict(pl.scan_parquet(path, glob=False).collect_schema()) for path in files.paths
        )
        for one, other in zip(files.names[1:], others, strict=True):
            files.check_alike(tree, name, one, first, other)
        files.check_keys(tree, name, first)
        native = pl.scan_parquet(
            list(files.paths),
            glob=False,
            hive_partitioning=bool(files.keys),
            hive_schema=dict.fromkeys(files.keys, pl.String) if files.keys else None,
        )
        names = list(native.collect_schema().names())
        return _of_polars(tree, name, native, names, files.origin)


# --- pandas


def _open_pandas(tree: ResolvedTree, name: str, native: Any, names: Sequence[str]) -> Table:
    """Return the table of a pandas frame, in Arrow's types: there NaN is not null, text is text."""
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
    except ImportError:
        raise missing("frames of pandas are read", "PyArrow", "pip install pyarrow") from None
    own = [f"c{position}" for position in range(len(names))]
    columns = []
    for place, column in enumerate(names):
        series = native.iloc[:, place]
        try:
            data = pa.Array.from_pandas(series)
        except (pa.ArrowException, OverflowError):
            kinds = sorted({type(value).__name__ for value in series.dropna().head(1_000)})
            raise refused(
                tree,
                name,
                "SRC116",
                f"the column '{shown(column)}' of the pandas frame given for '{shown(name)}' holds "
                f"objects of different types: {shown(', '.join(kinds[:5]))}",
                "convert it to one type, for example with .astype(str)",
            ) from None
        columns.append(data)
    data = pa.Table.from_arrays(columns, own)
    return _of_arrow(tree, name, data, names, list(map(str, native.dtypes)))


def _of_arrow(
    tree: ResolvedTree, name: str, data: Any, names: Sequence[str], types: Sequence[str]
) -> Table:
    """Return the table of a pandas frame that holds an Arrow table with our own names."""
    import pandas as pd  # type: ignore[import-untyped]
    import pyarrow as pa
    import pyarrow.compute as pc  # type: ignore[import-untyped]

    for place, field in enumerate(data.schema):
        column = data.column(place)
        if pa.types.is_dictionary(field.type):
            column = column.cast(field.type.value_type)
        elif pa.types.is_timestamp(field.type) and field.type.tz is not None:
            column = pc.cast(column, pa.timestamp(field.type.unit))  # of the moment in UTC
        elif pa.types.is_float16(field.type):  # little can be computed with them
            column = column.cast(pa.float32())
        else:
            continue
        data = data.set_column(place, field.name, column)
    native = data.to_pandas(types_mapper=pd.ArrowDtype)
    frame: nw.LazyFrame[Any] = nw.from_native(native).lazy()
    types = [
        "null" if pa.types.is_null(field.type) else one
        for field, one in zip(data.schema, types, strict=True)
    ]
    time = tree.spec.sources[name].time
    return table_of(frame, names, types, time=time, origin=_TITLES["pandas"])


# --- others


def _open_arrow(tree: ResolvedTree, name: str, native: Any, _: Sequence[str]) -> Table:
    return open_arrow(tree, name, native, _TITLES["pyarrow"])


def _open_duckdb(tree: ResolvedTree, name: str, native: Any, _: Sequence[str]) -> Table:
    time = tree.spec.sources[name].time
    return open_relation(native, time=time, origin=_TITLES["duckdb"])


def _open_spark(tree: ResolvedTree, name: str, native: Any, _: Sequence[str]) -> Table:
    from metrictree.measures.sources.spark import open_spark

    return open_spark(tree, name, native, _TITLES["pyspark"])


def _open_ibis(tree: ResolvedTree, name: str, native: Any, _: Sequence[str]) -> Table:
    from metrictree.measures.sources.ibis import open_ibis

    return open_ibis(tree, name, native, _TITLES["ibis"])


_OPENERS: Final = {
    "pandas": _open_pandas,
    "polars": _open_polars,
    "pyarrow": _open_arrow,
    "duckdb": _open_duckdb,
    "ibis": _open_ibis,
    "pyspark": _open_spark,
    "pyspark[connect]": _open_spark,
}


# --- what DuckDB has read


def handed_over(tree: ResolvedTree, name: str, table: Table, engine: str) -> Table:
    """Return the table of files that DuckDB reads, as a frame of another library.

    Raises:
        SourceError: the files cannot be read.
        MissingExtraError: the library is not installed.
    """
    relation = nw.to_native(table.frame)
    keep = table.keep
    with reading(tree, name, table.origin, table.file):
        if engine == "polars":
            _imported("polars", "Polars", 'pip install "metrictree[polars]"')
            frame: nw.LazyFrame[Any] = nw.from_native(relation.pl().lazy())
        elif engine == "pandas":
            _imported("pyarrow", "PyArrow", "pip install pyarrow")
            pandas = _imported("pandas", "pandas", "pip install pandas pyarrow")
            data = relation.to_arrow_table()
            frame = nw.from_native(data.to_pandas(types_mapper=pandas.ArrowDtype)).lazy()
        else:
            from metrictree.measures.sources.ibis import of_relation

            native, keep = of_relation(relation, table.keep)
            frame = nw.from_native(native)
        schema = frame.collect_schema()
    columns = {
        column: found._replace(dtype=schema[found.name]) for column, found in table.columns.items()
    }
    library = LIBRARIES[frame.implementation.value]
    return replace(table, frame=frame, columns=columns, library=library, keep=keep)


def _imported(module: str, title: str, command: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError:
        raise missing("files are read", title, command) from None
