"""Kinds of data: how a table is given to each engine, and how what comes back is read."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.strategies import Table


class Kind:
    """A kind of data; a column of its type is told by ``type_of``."""

    library = ""
    needs: tuple[str, ...] = ()
    in_memory = True
    """Whether rows keep their order, and -0.0 never comes out."""
    nan_is_null = False
    examples = 60

    def give(self, table: Table) -> Any:
        raise NotImplementedError

    def read(self, frame: Any) -> dict[str, list[Any]]:
        raise NotImplementedError

    def types(self, frame: Any) -> dict[str, str]:
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what it holds."""


def _type_of(column: str, table: Table) -> str:
    if column in ("at", "shop"):
        return {"at": "time", "shop": "text"}[column]
    types = {type(cell) for cell in table.columns[column]}
    names = {bool: "truth", str: "text", float: "float"}
    return next((name for python, name in names.items() if python in types), "whole")


class Arrays(Kind):
    """A mapping of NumPy arrays; it gives the targets and nothing else."""

    nan_is_null = True
    examples = 150

    def give(self, table: Table) -> Any:
        return {
            name: self._array(_type_of(name, table), cells)
            for name, cells in table.columns.items()
            if name != "row"
        }

    def _array(self, kind: str, cells: list[Any]) -> Any:
        dtypes = {"time": "datetime64[D]", "text": "object", "truth": "bool", "whole": "int64"}
        if kind in dtypes and (kind != "whole" or None not in cells):
            return np.array(cells, dtypes[kind])
        return np.array([math.nan if cell is None else cell for cell in cells], float)

    def read(self, frame: Any) -> dict[str, list[Any]]:
        return {name: array.tolist() for name, array in frame.items()}

    def types(self, frame: Any) -> dict[str, str]:
        return {name: str(array.dtype) for name, array in frame.items()}


class Pandas(Kind):
    library = "pandas"
    nan_is_null = True
    examples = 100

    def give(self, table: Table) -> Any:
        pd = pytest.importorskip("pandas")

        dtypes = {"time": "datetime64[s]", "text": "object", "truth": "bool"}
        dtypes |= {"float": "float64", "whole": "Int64"}
        frame = pd.DataFrame(
            {
                name: pd.Series(cells, dtype=dtypes[_type_of(name, table)])
                for name, cells in table.columns.items()
            }
        )
        frame.index = [3 * row % 7 for row in range(table.rows)]  # labels may repeat
        return frame

    def read(self, frame: Any) -> dict[str, list[Any]]:
        pd = pytest.importorskip("pandas")

        columns = {name: frame[name].tolist() for name in frame.columns}
        return {
            name: [None if pd.isna(cell) else cell for cell in cells]
            for name, cells in columns.items()
        }

    def types(self, frame: Any) -> dict[str, str]:
        return {name: str(dtype) for name, dtype in frame.dtypes.items()}


class Polars(Kind):
    library = "polars"
    examples = 100

    def give(self, table: Table) -> Any:
        import polars as pl

        dtypes: dict[str, Any] = {"time": pl.Date, "text": pl.String, "truth": pl.Boolean}
        dtypes |= {"float": pl.Float64, "whole": pl.Int64}
        return pl.DataFrame(
            [
                pl.Series(name, cells, dtypes[_type_of(name, table)], strict=True)
                for name, cells in table.columns.items()
            ]
        )

    def read(self, frame: Any) -> dict[str, list[Any]]:
        return dict(frame.lazy().collect().to_dict(as_series=False))

    def types(self, frame: Any) -> dict[str, str]:
        return {name: str(dtype) for name, dtype in frame.lazy().collect_schema().items()}


class PolarsLazy(Polars):
    in_memory = False
    examples = 80

    def give(self, table: Table) -> Any:
        return super().give(table).lazy()


class PyArrow(Kind):
    library = "pyarrow"
    examples = 80

    def give(self, table: Table) -> Any:
        pa = pytest.importorskip("pyarrow")

        types = {"time": pa.date32(), "text": pa.string(), "truth": pa.bool_()}
        types |= {"float": pa.float64(), "whole": pa.int64()}
        return pa.table(
            {
                name: pa.array(cells, types[_type_of(name, table)], from_pandas=False)
                for name, cells in table.columns.items()
            }
        )

    def read(self, frame: Any) -> dict[str, list[Any]]:
        return dict(frame.to_pydict())

    def types(self, frame: Any) -> dict[str, str]:
        return {field.name: str(field.type) for field in frame.schema}


class DuckDB(PyArrow):
    library = "duckdb"
    needs = ("pyarrow",)
    in_memory = False
    examples = 50

    @functools.cached_property
    def connection(self) -> Any:
        import duckdb

        return duckdb.connect()

    def give(self, table: Table) -> Any:
        return self.connection.from_arrow(super().give(table))

    def read(self, frame: Any) -> dict[str, list[Any]]:
        rows = frame.fetchall()
        return {name: [row[at] for row in rows] for at, name in enumerate(frame.columns)}

    def types(self, frame: Any) -> dict[str, str]:
        return dict(zip(frame.columns, map(str, frame.types), strict=True))

    def close(self) -> None:
        self.connection.close()
        del self.connection


class Ibis(PyArrow):
    library = "ibis"
    needs = ("pyarrow",)
    in_memory = False
    examples = 25

    def give(self, table: Table) -> Any:
        ibis = pytest.importorskip("ibis")

        return ibis.memtable(super().give(table))

    def read(self, frame: Any) -> dict[str, list[Any]]:
        return super().read(frame.to_pyarrow())

    def types(self, frame: Any) -> dict[str, str]:
        return {name: str(dtype) for name, dtype in frame.schema().items()}


KINDS = [Arrays(), Pandas(), Polars(), PolarsLazy(), PyArrow(), DuckDB(), Ibis()]


def opened(kind: Kind) -> Iterator[Kind]:
    """Yield a kind of data if its libraries are there, and let go of it afterwards."""
    for library in {kind.library, *kind.needs} - {""}:
        pytest.importorskip(library)
    yield kind
    kind.close()
