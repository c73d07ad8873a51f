"""Results as files and as frames of libraries: every value as it is, a file in whole or not at all.

The types of columns go by what they hold, so that a column of nothing but missing values has the
same type as in another run.
"""

from __future__ import annotations

import io
import json
import os
import re
from contextlib import contextmanager, suppress
from datetime import date, datetime, time
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

from metrictree.diagnostics import Diagnostic, shown
from metrictree.errors import MissingExtraError, UsageError
from metrictree.formula.printer import number_text
from metrictree.names import Suggester, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from metrictree.measures.result import RunResult

__all__ = ["FORMATS", "to_frame", "whole_file", "write"]

FORMATS: Final = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet", ".md": "markdown"}
"""The formats by the ends of the names of files."""
_ACTIVE: Final = re.compile(r"\s*[=+\-@\t\r]")
"""The beginning of a text that a spreadsheet would compute."""
_DIVIDING: Final = re.compile(r'[",\r\n]')
_EMPTY: Final = '""'
"""The line of a row with one missing value: a blank line would be skipped."""
_DIGITS: Final = 38
"""Digits that decimals of DuckDB, Polars and Arrow have."""
_LONG: Final = 2**63


def write(result: RunResult, target: str | Path | IO[str], format_: str | None) -> None:
    """Write a result to a file, or as text to an open stream.

    Raises:
        UsageError: the file cannot be written, is protected, or its format is not known.
        MissingExtraError: Parquet is asked for, and DuckDB is not installed.
    """
    given: Any = target  # a caller may ignore the types
    if isinstance(target, (str, Path)):
        path = Path(target)
        name = _format(format_, FORMATS.get(path.suffix.lower()), target)
        _check_free(result, path, target)
        if name == "parquet":
            _require_duckdb()
        _write_file(result, path, target, name)
    elif not callable(getattr(given, "write", None)):
        raise _refused(
            f"cannot write to {shown(repr(given), 200)}, which is no file",
            "give a path or an open text stream",
        )
    else:
        name = _format(format_, None, "a stream")
        if name == "parquet" or isinstance(given, (io.RawIOBase, io.BufferedIOBase)):
            what = "Parquet" if name == "parquet" else "text"
            stream = "a stream" if name == "parquet" else "a stream of bytes"
            raise _refused(f"{what} cannot be written to {stream}", "give the path of a file")
        _TEXTS[name](result, target)


def _format(given: str | None, by_name: str | None, target: object) -> str:
    if given is not None and given in FORMATS.values():
        return given
    if given is not None:
        near = did_you_mean(Suggester(FORMATS.values()).near(str(given)))
        advice = near or f"the formats are {', '.join(FORMATS.values())}"
        raise _refused(f"'{shown(given)}' is no format", advice)
    if by_name is None:
        raise _refused(
            f"the format of {shown(target, 200)} is not known",
            f"let the file's name end in {', '.join(FORMATS)}, or name the format",
        )
    return by_name


def _refused(message: str, fix: str) -> UsageError:
    return UsageError([Diagnostic("VAL111", message, fix=fix)])


# --- files


def _check_free(result: RunResult, path: Path, target: object) -> None:
    """Refuse what the run was made from, by whatever name."""
    with _told(target):
        resolved = path.resolve()
        for other, what in result.protected.items():
            same = resolved == other
            with suppress(OSError):  # one of them is not there
                # Its name in other letters, or another link to it.
                same = same or path.samefile(other)
            if same:
                raise _refused(
                    f"{shown(target, 200)} is {what} of this tree", "choose another file"
                )


def _write_file(result: RunResult, path: Path, target: object, name: str) -> None:
    with _told(target), whole_file(path) as part:
        if name == "parquet":
            _write_parquet(result, part)
        else:
            with part.open("x", encoding="utf-8", newline="") as stream:
                _TEXTS[name](result, stream)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give another file to write; in the end, it is put in the place of the one that is meant.

    Whenever the program or the machine stops, the file is there as it was or as it shall be.

    Raises:
        OSError: the file cannot be written.
    """
    if path.exists() and not path.is_file():
        raise IsADirectoryError(0, "it is no file")
    part = path.with_name(f".metrictree-{uuid4().hex}.part")
    try:
        yield part
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(part, path)  # noqa: PTH105 - the only way that replaces on Windows too
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


@contextmanager
def _told(target: object) -> Iterator[None]:
    """Tell in our words why a file cannot be written."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise _refused(
            f"cannot write {shown(target, 200)}: {shown(why, 200)}",
            "choose a file in a folder that is there and can be written",
        ) from None


# --- text


def _write_csv(result: RunResult, stream: IO[str]) -> None:
    for row in (result.columns, *result.rows):
        # An empty text stands in quotes, and a missing value does not.
        line = ",".join(_EMPTY if value == "" else _quoted(_cell(value)) for value in row)
        stream.write(f"{line or _EMPTY}\n")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, (int, date, Decimal)):
        return str(value)
    text = str(value)
    return f"'{text}" if _ACTIVE.match(text) else text


def _quoted(cell: str) -> str:
    """Return a cell in quotes if it needs them; csv.writer leaves out those around a bare CR."""
    if not _DIVIDING.search(cell):
        return cell
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'


def _write_jsonl(result: RunResult, stream: IO[str]) -> None:
    for row in result.to_dicts():
        line = json.dumps(row, ensure_ascii=False, allow_nan=False, default=str)
        stream.write(f"{line}\n")


def _write_markdown(result: RunResult, stream: IO[str]) -> None:
    from metrictree.render.table import render_markdown

    stream.write(f"{render_markdown(result)}\n")


_TEXTS: Final[Mapping[str, Callable[[RunResult, IO[str]], None]]] = {
    "csv": _write_csv,
    "jsonl": _write_jsonl,
    "markdown": _write_markdown,
}


# --- columns with types


class _Column(NamedTuple):
    name: str
    kind: type
    """What it holds, but for missing values: text if there is nothing else."""
    values: list[Any]


def _columns(result: RunResult) -> Iterator[_Column]:
    known: dict[str, type] = {"total": str, "complete": bool, result.grain: date}
    known |= dict.fromkeys(("compared_from", "compared_to"), date)
    cells = list(zip(*result.rows, strict=True)) or [()] * len(result.columns)
    for position, (name, found) in enumerate(zip(result.columns, cells, strict=True)):
        if name in result.dimensions:
            yield _dimension(name, list(found))
        else:
            kind = known[name] if position < len(result.keys) else float
            yield _Column(name, kind, list(found))


_KINDS: Final = (bool, int, float, Decimal, datetime, date, time, str)
"""Each before those that it is a kind of."""


def _dimension(name: str, values: list[Any]) -> _Column:
    there = [value for value in values if value is not None]
    kind = next((one for one in _KINDS if there and isinstance(there[0], one)), str)
    if kind is int and not all(-_LONG <= value < _LONG for value in there):
        kind = Decimal
        values = [None if value is None else Decimal(value) for value in values]
        there = [value for value in values if value is not None]
    if kind is Decimal and _places(there)[0] > _DIGITS:
        kind = str
    if kind is str:
        values = [None if value is None else str(value) for value in values]
    return _Column(name, kind, values)


def _places(values: Sequence[Decimal]) -> tuple[int, int]:
    """Return how many digits decimals have at most, and how many of them behind the point."""
    behind = max((-int(value.as_tuple().exponent) for value in values), default=0)
    before = max((value.adjusted() + 1 for value in values), default=1)
    return max(before, 1) + max(behind, 0), max(behind, 0)


# --- Parquet


_SQL: Final = {
    bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", date: "DATE", time: "TIME", str: "VARCHAR",
}  # fmt: skip


def _sql_type(column: _Column) -> str:
    there = [value for value in column.values if value is not None]
    if column.kind is Decimal:
        digits, behind = _places(there)
        return f"DECIMAL({digits}, {behind})"
    if column.kind is datetime:
        return "TIMESTAMP" if there[0].tzinfo is None else "TIMESTAMPTZ"
    return _SQL[column.kind]


def _write_parquet(result: RunResult, part: Path) -> None:
    import duckdb

    folded: dict[str, str] = {}
    for name in result.columns:
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            raise _refused(
                f"Parquet cannot tell the columns '{shown(other)}' and '{shown(name)}' apart",
                "write CSV or JSON lines, or give one of them another name",
            )
    columns = list(_columns(result))
    selected = ", ".join(
        f"unnest(${number}::{_sql_type(column)}[]) as {_identifier(column.name)}"
        for number, column in enumerate(columns, 1)
    )
    units = ", ".join(
        f"{_literal(f'unit:{name}')}: {_literal(unit)}" for name, unit in _units(result)
    )
    metadata = f", KV_METADATA {{{units}}}" if units else ""
    where = _literal(str(part.absolute()))
    options = f"FORMAT parquet, USE_TMP_FILE false{metadata}"
    try:
        with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
            connection.execute(
                f"COPY (SELECT {selected}) TO {where} ({options})",
                [column.values for column in columns],
            )
    except duckdb.Error as error:
        raise OSError(0, str(error)) from None


def _units(result: RunResult) -> Iterator[tuple[str, str]]:
    """Yield the columns that have a unit; growth is a ratio."""
    ends = ("",) if result.compare is None else ("", "_before", "_change")
    for metric in result.metrics:
        unit = result.shown[metric].unit if metric in result.shown else None
        if unit is not None:
            yield from ((metric + end, unit) for end in ends)


def _identifier(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _literal(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _require_duckdb() -> None:
    try:
        import_module("duckdb")
    except ImportError:
        raise MissingExtraError(
            [
                Diagnostic(
                    "SRC101",
                    "Parquet is written with DuckDB, which is not installed",
                    fix='pip install "metrictree[duckdb]"',
                )
            ]
        ) from None


# --- frames


def _to_polars(polars: Any, columns: Sequence[_Column]) -> Any:
    types = {
        bool: polars.Boolean, int: polars.Int64, float: polars.Float64, date: polars.Date,
        str: polars.String,
    }  # fmt: skip
    return polars.DataFrame(
        [polars.Series(name, values, types.get(kind)) for name, kind, values in columns]
    )


def _to_pandas(pandas: Any, columns: Sequence[_Column]) -> Any:
    # A column of integers would lose digits beside a missing value, were it not of this type.
    types = {bool: "boolean", int: "Int64", float: "float64", date: "datetime64[us]"}
    return pandas.DataFrame(
        {name: pandas.Series(values, dtype=types.get(kind)) for name, kind, values in columns}
    )


def _to_pyarrow(pyarrow: Any, columns: Sequence[_Column]) -> Any:
    types = {
        bool: pyarrow.bool_(), int: pyarrow.int64(), float: pyarrow.float64(),
        date: pyarrow.date32(), str: pyarrow.string(),
    }  # fmt: skip
    return pyarrow.table(
        {name: pyarrow.array(values, types.get(kind)) for name, kind, values in columns}
    )


_FRAMES: Final[Mapping[str, Callable[[Any, Sequence[_Column]], Any]]] = {
    "polars": _to_polars,
    "pandas": _to_pandas,
    "pyarrow": _to_pyarrow,
}


def to_frame(result: RunResult, library: str) -> Any:
    """Return the rows of a result as a frame of a library.

    Raises:
        UsageError: the library is none of those that are known.
        MissingExtraError: it is not installed.
    """
    if library not in _FRAMES:
        near = did_you_mean(Suggester(_FRAMES).near(str(library)))
        advice = near or f"the libraries are {', '.join(_FRAMES)}"
        message = f"'{shown(library)}' is no library that a result is given in"
        raise UsageError([Diagnostic("VAL110", message, fix=advice)])
    try:
        module = import_module(library)
    except ImportError:
        message = f"a frame of {library} is asked for, which is not installed"
        advice = f"pip install {library}"
        raise MissingExtraError([Diagnostic("VAL119", message, fix=advice)]) from None
    return _FRAMES[library](module, list(_columns(result)))
