"""The libraries of lazy frames: what is particular to each of them, and nothing else."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from metrictree.engines.frames.layers import Engine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    import narwhals as nw
    import polars as pl

__all__ = ["LIBRARIES", "NULL_TYPES", "Library", "rows_of"]

NULL_TYPES: Final = ("Null", '"NULL"', "NULL", "null", "void")
"""What libraries call the type of a column that holds nothing but null."""
_ZONED: Final = "TIMESTAMP WITH TIME ZONE"
"""What DuckDB calls the type of times with a time zone."""


class Library(NamedTuple):
    """What is particular to a library of lazy frames."""

    title: str
    engine: Engine
    rows: Callable[[Any], list[tuple[Any, ...]]]
    """Runs the query of a native frame."""
    types: Callable[[Any], list[str]]
    """The types of a native frame's columns, as its users call them."""
    names: Callable[[Any], list[str]] = lambda frame: list(frame.columns)
    """All names of a native frame, of which narwhals tells those that stand twice once."""
    rename: Callable[[Any, Sequence[str]], Any] | None = None
    """Gives a native frame new names, in order; ``None`` if any name is taken as it is."""
    plain: re.Pattern[str] = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
    """Names that are taken as they are; if there are others, columns are renamed meanwhile."""
    exprs: Callable[[Any, Sequence[nw.Expr]], Sequence[Any]] | None = None
    """Makes native expressions once for all frames, where that can be: narwhals takes its time."""
    folds: bool = True
    """Whether names that differ by case only are the same."""
    most_layers: int = 100_000
    """On top of each other: planners walk them by recursion, and end in errors of their own."""
    stays: bool = False
    """Whether rows stay where they are: nothing but aggregates is fetched."""
    sql: Callable[[Any], str | None] = lambda _: None
    """The SQL of a native frame; ``None`` if there is none."""
    distinct: Callable[[Any, Sequence[str], Mapping[str, tuple[int, int]]], Any] | None = None
    """Groups by columns and counts the different values of others, integers between two ends; if
    that takes much less time than any set of values does."""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _rename_duckdb(relation: Any, names: Sequence[str]) -> Any:
    """Rename by places: two columns may have one name."""
    places = enumerate(names, 1)
    return relation.project(", ".join(f"#{place} AS {_quoted(name)}" for place, name in places))


def _rename_polars(frame: Any, names: Sequence[str]) -> Any:
    import polars as pl

    pairs = dict(zip(frame.collect_schema().names(), names, strict=True))
    frame = frame.rename({old: new for old, new in pairs.items() if old})
    if "" not in pairs:  # which `rename` does not take, and `col` does
        return frame
    return frame.select(pl.col(new if old else old).alias(new) for old, new in pairs.items())


def _rows_duckdb(relation: Any) -> list[tuple[Any, ...]]:
    """Return the rows, times with a zone as its clock shows them: Python's would need pytz."""
    types = list(map(str, relation.types))
    if _ZONED in types:
        names = map(_quoted, relation.columns)
        cells = [
            f"{name}::TIMESTAMP" if of == _ZONED else name
            for name, of in zip(names, types, strict=True)
        ]
        relation = relation.project(", ".join(cells))
    return list(relation.fetchall())


def _rows_pandas(frame: Any) -> list[tuple[Any, ...]]:
    """Return the rows as Python's own values, what is missing as ``None``."""
    import pyarrow as pa  # type: ignore[import-untyped]

    columns = [pa.array(frame.iloc[:, place], from_pandas=True) for place in range(frame.shape[1])]
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


def _distinct_duckdb(
    relation: Any, keys: Sequence[str], columns: Mapping[str, tuple[int, int]]
) -> Any:
    """Count in bitmaps, with a bit for each value that there may be; null is none."""
    counts = (
        f"coalesce(bit_count(bitstring_agg({name}::bigint, {low}::bigint, {high}::bigint)), 0)"
        for name, (low, high) in zip(map(_quoted, columns), columns.values(), strict=True)
    )
    names = list(map(_quoted, keys))
    return relation.aggregate(", ".join([*names, *counts]), ", ".join(names))


def _sql_ibis(table: Any) -> str:
    import ibis  # type: ignore[import-untyped]

    return str(ibis.to_sql(table))


def _polars_remainder(a: str | float, b: str | float) -> pl.Expr:
    """Return remainders by NumPy; Polars computes ``a - floor(a / b) * b``, as rounded."""
    import numpy as np
    import polars as pl

    def remainder(pairs: pl.Series) -> pl.Series:
        left, right = (
            pairs.struct.field(operand).to_numpy() if isinstance(operand, str) else operand
            for operand in (a, b)
        )
        with np.errstate(all="ignore"):
            return pl.Series(np.mod(left, right))

    columns = [operand for operand in dict.fromkeys((a, b)) if isinstance(operand, str)]
    return pl.struct(columns).map_batches(remainder, pl.Float64, is_elementwise=True)


def _pandas_remainder(a: str | float, b: str | float) -> Callable[[Any], Any]:
    """Return what makes remainders by NumPy; frames on Arrow have none."""

    def remainder(frame: Any) -> Any:
        from importlib import import_module

        import numpy as np
        import pyarrow as pa

        pandas = import_module("pandas")
        left, right = (
            frame[operand].to_numpy(np.float64, na_value=np.nan)
            if isinstance(operand, str)
            else operand
            for operand in (a, b)
        )
        with np.errstate(all="ignore"):
            found = pa.array(np.mod(left, right), from_pandas=True)
        return pandas.Series(found, index=frame.index, dtype=pandas.ArrowDtype(pa.float64()))

    return remainder


def _polars_spread(of: str | float, beside: Sequence[str]) -> pl.Expr:
    """Return a field of a struct, in which Polars gives all of them the same length."""
    import polars as pl

    field = pl.col(of) if isinstance(of, str) else pl.lit(of)
    name = "".join(beside) + "_"  # of none of them
    return pl.struct(field.alias(name), *beside).struct.field(name)


def _recorded(frame: Any, exprs: Sequence[nw.Expr]) -> Sequence[Any]:
    """Return what narwhals makes of expressions for a native frame to select."""
    import narwhals as nw

    seen: list[Any] = []

    def select(recorder: Any, *native: Any) -> Any:
        seen.extend(native)
        return recorder

    kind = type(frame)
    recorder: Any = type("Recorder", (kind,), {"select": select, "columns": ()})
    nw.from_native(recorder.__new__(recorder)).select(*exprs)
    return seen


def _duckdb_exprs(relation: Any, exprs: Sequence[nw.Expr]) -> Sequence[Any]:
    """Return native expressions; as one text, if DuckDB would write the text of each one again."""
    found = _recorded(relation, exprs)
    if not all(hasattr(expr, "as_select") for expr in found):
        return found
    return [", ".join(str(expr.as_select()) for expr in found)]


def _spark_time(at: date) -> nw.Expr:
    """Return a time as its text: PySpark takes one without a zone for one of Python's own zone."""
    import narwhals as nw

    return nw.lit(str(at)).cast(nw.Datetime("us") if isinstance(at, datetime) else nw.Date())


_SPARK: Final = Library(
    "Spark",
    Engine(guarded=True, repeats=frozenset("/"), wraps=True, time=_spark_time),
    rows=lambda frame: [tuple(row) for row in frame.collect()],
    types=lambda frame: [field.dataType.simpleString() for field in frame.schema],
    rename=lambda frame, names: frame.toDF(*names),
    most_layers=150,
    stays=True,
)
LIBRARIES: Final[Mapping[str, Library]] = {
    "polars": Library(
        "Polars",
        Engine(spread=_polars_spread, remainder=_polars_remainder, wraps=True),
        rows=lambda frame: list(frame.collect().rows()),
        types=lambda frame: list(map(str, frame.collect_schema().dtypes())),
        names=lambda frame: list(frame.collect_schema().names()),
        rename=_rename_polars,
        plain=re.compile(r"(?!(\*|\^.*\$)\Z).*", re.DOTALL),  # `col` takes others for patterns
        exprs=_recorded,
        folds=False,
    ),
    "duckdb": Library(
        "DuckDB",
        Engine(),
        rows=_rows_duckdb,
        types=lambda relation: list(map(str, relation.types)),
        rename=_rename_duckdb,
        exprs=_duckdb_exprs,
        most_layers=900,
        sql=lambda relation: str(relation.sql_query()),
        distinct=_distinct_duckdb,
    ),
    "pandas": Library(
        "pandas",
        Engine(remainder=_pandas_remainder, wraps=True, strict_casts=True, strict_times=True),
        rows=_rows_pandas,
        types=lambda frame: list(map(str, frame.dtypes)),
        folds=False,
    ),
    "ibis": Library(
        "Ibis",
        Engine(guarded=True, rounds_to_integers=True, decimals=True),
        rows=lambda table: [tuple(row.values()) for row in table.to_pyarrow().to_pylist()],
        types=lambda table: list(map(str, table.schema().types)),
        most_layers=70,
        sql=_sql_ibis,
    ),
    "pyspark": _SPARK,
    "pyspark[connect]": _SPARK,
}
"""By the name that narwhals gives them."""


def rows_of(frame: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
    """Run the query of a frame, and return its rows."""
    return LIBRARIES[frame.implementation.value].rows(frame.to_native())
