"""Sources -> tables that DuckDB reads: the only importer of duckdb.

A file is read from inside the tree's folder only, without a network, without extensions that are
not there, and without guessing: DuckDB's reader would otherwise skip lines that it cannot place,
take lines that begin with ``#`` for comments, and choose between day and month by looks.
"""

from __future__ import annotations

import csv
import glob
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.frames.rows import Column, Kind, kind_of
from metrictree.errors import MissingExtraError, SourceError
from metrictree.loader import is_relative
from metrictree.measures.cells import DAY, Damage, File, look_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metrictree.resolved import ResolvedTree
    from metrictree.schema import Source

__all__ = ["Table", "open_table", "reading", "require_duckdb", "source_paths"]

_CSV: Final = """
    from read_csv(
        getvariable('path'), delim = getvariable('delimiter'), header = true, skip = 0,
        comment = '', quote = '"', escape = '"', sample_size = -1, ignore_errors = false,
        null_padding = false, hive_partitioning = false, {}
    )
"""
_TYPES: Final = "auto_type_candidates = ['BOOLEAN', 'BIGINT', 'DOUBLE', 'VARCHAR']"
_LENIENT: Final = ", strict_mode = false"
_PARQUET: Final = "from read_parquet(getvariable('path'), hive_partitioning = false)"
_DECIMALS: Final = ((2, "1e13"), (4, "1e11"), (9, "1e6"))
"""Digits behind the point, and the sizes up to which a float64 tells one such decimal only."""
_DELIMITERS: Final = ",;\t|"
_FIRST: Final = 1_000
"""Rows that are looked at first."""
_HEADER: Final = 1_000_000
"""Bytes of a header that are looked at."""
_CONFIG: Final[dict[str, Any]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


@dataclass(frozen=True, slots=True)
class Table:
    """An open source: its rows, not read yet, and its columns by name."""

    frame: nw.LazyFrame[Any]
    """The columns of the file; then ``day``, if its time column can tell days, and the decimals."""
    columns: dict[str, Column]
    file: File
    connection: Any
    """Kept, since its frame may outlive it and cannot do without."""


def require_duckdb() -> None:
    """Make sure that DuckDB is there.

    Raises:
        MissingExtraError: it is not; the message holds the command that installs it.
    """
    try:
        import duckdb  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            [
                Diagnostic(
                    "SRC101",
                    "sources are read with DuckDB, which is not installed",
                    help='pip install "metrictree[duckdb]"',
                )
            ]
        ) from None


def source_paths(tree: ResolvedTree) -> Iterator[Path]:
    """Return the file of each source, links followed, whether it is there or not."""
    folder = tree.folder or Path.cwd()
    for source in tree.spec.sources.values():
        if source.path is not None and is_relative(source.path):
            with suppress(OSError, RuntimeError):  # links in a circle lead to no file
                yield (folder / source.path).resolve()


@contextmanager
def reading(tree: ResolvedTree, name: str, file: File) -> Iterator[None]:
    """Turn what DuckDB has to say about a source into a SourceError that says it in our words."""
    import duckdb

    try:
        yield
    except (duckdb.Error, nw.exceptions.NarwhalsError) as error:
        path = shown(tree.spec.sources[name].path)
        if isinstance(error, duckdb.OutOfRangeException):
            message = f"a number of the source '{shown(name)}' is past what DuckDB can hold"
            advice = "aggregate in a larger unit, for example sum(x / 1000)"
            raise SourceError([_problem(tree, name, "SRC112", message, advice)]) from None
        damage: Damage | set[str] = set()
        if file.delimiter is not None:
            with suppress(OSError):  # then DuckDB says why
                damage = look_at(file)
        if isinstance(damage, Damage):
            message, advice = damage.message.format(path), damage.help
        else:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            why = next(iter(lines), type(error).__name__)
            message = f"the source '{shown(name)}' cannot be read: {shown(why, 300)}"
            advice = f"check {path}, or export it again"
        raise SourceError([_problem(tree, name, "SRC105", message, advice)]) from None


def open_table(tree: ResolvedTree, name: str) -> Table:
    """Return the table of a source.

    Raises:
        SourceError: there is no such file, it lies outside of the tree's folder, or cannot be read.
    """
    import duckdb

    source = tree.spec.sources[name]
    path, header = _file(tree, name, source)
    csv_file = not str(source.path).endswith(".parquet")
    file = File(path, _delimiter(tree, name, header) if csv_file else None)
    with reading(tree, name, file):
        connection = duckdb.connect(config=_CONFIG)
        # Values, never text that is pasted into SQL; without `escape` a name might be a pattern.
        connection.execute("set variable path = ?", [glob.escape(str(path))])
        names, types, rows = (_open_csv if csv_file else _open_parquet)(connection, file)
        dtypes = nw.from_native(rows).collect_schema().dtypes()[: len(names)]
        columns = {
            name: _column(position, dtype, type_name, csv_file=csv_file)
            for position, (name, dtype, type_name) in enumerate(
                zip(names, dtypes, types, strict=True)
            )
        }
        added = ["*", *(sql for one in columns.values() for sql in _added(one))]
        if source.time in columns and (day := _day(columns[source.time])):
            added.append(day)
        frame: nw.LazyFrame[Any] = nw.from_native(rows.project(", ".join(added)))
    return Table(frame, columns, file, connection)


_Opened = tuple["Sequence[str]", "Sequence[str]", Any]
"""The names of the columns, their types, and the rows, in which a column is c and its position."""


def _open_parquet(connection: Any, _: File) -> _Opened:
    relation = connection.sql(_PARQUET)
    types = [str(dtype) for dtype in relation.types]
    # Names of our own: one from the file may hold anything, and DuckDB folds case.
    own = ", ".join(f"r{position}" for position in range(len(types)))
    renamed = relation.query("rows", f"select * from rows as rows({own})")  # noqa: S608 - names of our own
    # A time with a zone is a moment: its day is the one in UTC, wherever the program runs.
    moment = "case when isfinite({0}) then make_timestamp(epoch_us({0})) {1} end"
    rest = "when {0} > epoch_ms(0)::timestamptz then timestamp 'infinity'"
    rest += " when {0} is not null then timestamp '-infinity'"
    made = [
        (
            moment.format(f"r{position}", rest.format(f"r{position}"))
            if type_name == "TIMESTAMP WITH TIME ZONE"
            else f"r{position}"
        )
        + f" as c{position}"
        for position, type_name in enumerate(types)
    ]
    return relation.columns, types, renamed.project(", ".join(made))


def _open_csv(connection: Any, file: File) -> _Opened:
    """Return the rows of a CSV file: the cells as texts, r and a position, and what they tell."""
    connection.execute("set variable delimiter = ?", [file.delimiter])
    guessed, lenient = _sniffed(connection, file)
    types = [str(dtype) for dtype in guessed.types]
    texts = ", ".join(f"r{position}: 'VARCHAR'" for position in range(len(types)))
    options = f"auto_detect = false, columns = {{{texts}}}{lenient}"
    cells = connection.sql(_CSV.replace("sample_size = -1, ", "").format(options))
    for position in _no_guess(cells, types):
        types[position] = "VARCHAR"
    made = [
        f"cast(r{position} as {type_name}) as c{position}"
        for position, type_name in enumerate(types)
    ]
    return guessed.columns, types, cells.project(", ".join([*made, "*"]))


def _sniffed(connection: Any, file: File) -> tuple[Any, str]:
    """Return what DuckDB takes a CSV file for, and what it must allow if lines end in many ways."""
    import duckdb

    try:
        return connection.sql(_CSV.format(_TYPES)), ""
    except duckdb.Error:
        # What is lenient is safe here: each record was looked at, and has the cells of the header.
        with suppress(OSError, duckdb.Error):
            ends = look_at(file)
            if not isinstance(ends, Damage) and len(ends) > 1:
                return connection.sql(_CSV.format(_TYPES + _LENIENT)), _LENIENT
        raise


def _no_guess(cells: Any, types: Sequence[str]) -> Iterator[int]:
    """Return the columns that DuckDB takes for truth values or numbers, and that are texts.

    Only true and false are truth values: t, yes or NO (Norway) might be anything. A column that
    holds nothing but Nan and Inf may be one of names.
    """
    numbers = [position for position, one in enumerate(types) if one == "DOUBLE"]
    finite = {n: f"coalesce(bool_or(isfinite(cast(r{n} as double))), false)" for n in numbers}
    asked = {
        n: f"coalesce(bool_and(lower(r{n}) in ('true', 'false')), false)"
        for n, one in enumerate(types)
        if one == "BOOLEAN"
    }
    if numbers:  # mostly, the first rows tell
        seen = cells.limit(_FIRST).aggregate(", ".join(finite.values())).fetchall()[0]
        asked |= {n: finite[n] for n, one in zip(numbers, seen, strict=True) if not one}
    if asked:
        sure = cells.aggregate(", ".join(asked.values())).fetchall()[0]
        yield from (n for n, one in zip(asked, sure, strict=True) if not one)


def _column(position: int, dtype: Any, type_name: str, *, csv_file: bool) -> Column:
    number = type_name == "DOUBLE"
    return Column(
        f"c{position}",
        kind_of(dtype),
        dtype,
        type_name,
        decimals=f"d{position}" if number else "",
        text=f"r{position}" if csv_file and type_name != "VARCHAR" else "",
        label=f"t{position}" if csv_file and number else "",
        lost=f"l{position}" if csv_file and number else "",
    )


def _added(column: Column) -> Iterator[str]:
    """Return SQL for what is known of a column besides its values."""
    if column.decimals:
        yield _decimals(column)
    if column.label:
        yield f"case when not isnan({column.name}) then {column.text} end as {column.label}"
    if column.lost:
        whole = f"not regexp_matches({column.text}, '[.eE]')"
        inexact = f"case when abs({column.name}) > {2**53} and isfinite({column.name})"
        yield f"{inexact} then {whole} else false end as {column.lost}"


def _day(column: Column) -> str | None:
    """Return SQL for the days that a time column tells; NULL for a text that tells none."""
    name = column.name
    if column.kind is Kind.TEXT:
        text = f"case when regexp_full_match({name}, '{DAY}') then {name}[1:10] end"
        return f"try_cast({text} as date) as day"
    return f"cast({name} as date) as day" if column.kind is Kind.TIME else None


def _decimals(column: Column) -> str:
    """Return SQL for the decimals that floats were written as, such as money; NULL for others.

    They are those that read as just that float. Sums of them are exact, where floats add up their
    roundings: 0.1 + 0.2 is 0.30000000000000004.
    """
    name = column.name
    cases = "".join(
        f" when abs({name}) < {most}"
        f" and cast(try_cast({name} as decimal(18, {digits})) as double) = {name}"
        f" then cast(try_cast({name} as decimal(18, {digits})) as decimal(38, 9))"
        for digits, most in _DECIMALS
    )
    return f"case{cases} end as {column.decimals}"


def _file(tree: ResolvedTree, name: str, source: Source) -> tuple[Path, bytes]:
    """Return the file of a source, which lies inside of the tree's root, and its first line."""

    def refused(code: str, message: str, help: str) -> SourceError:  # noqa: A002
        return SourceError([_problem(tree, name, code, message, help)])

    target = source.path
    if target is None:
        kind = "query" if source.query is not None else "table"
        raise refused(
            "SRC102",
            f"the source '{shown(name)}' is a {kind}, which a later version reads",
            "write the rows to a CSV or Parquet file and give its `path`",
        )
    if not is_relative(target):
        raise refused(
            "SRC103",
            f"{shown(target)} is no relative path",
            "write a path relative to the tree's file, with / between folders",
        )
    if not target.endswith((".csv", ".tsv", ".parquet")):
        raise refused(
            "SRC102",
            f"{shown(target)} is no file that this version reads",
            "a source is one file whose name ends in .csv, .tsv or .parquet",
        )
    folder = tree.folder or Path.cwd()
    root = (tree.root or folder).resolve()
    try:
        path = (folder / target).resolve()
        if not path.is_relative_to(root):  # what lies outside is not even looked for
            raise refused(
                "SRC103",
                f"{shown(target)} is outside of the tree's folder",
                "move it inside, or allow more with --root or root=",
            )
        path.stat()  # tells why, where is_file() would only say no
        if not path.is_file():
            raise refused("SRC104", f"cannot read {shown(target)}: it is no file", "give one file")
        with path.open("rb") as stream:
            header = stream.readline(_HEADER)
    except FileNotFoundError:
        advice = "check the path, it is relative to the tree's file"
        if set("*?[") & set(target):
            advice = "a later version reads several files at once; give one"
        raise refused(
            "SRC104", f"cannot read {shown(target)}: there is no such file", advice
        ) from None
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or "the links go in a circle"
        raise refused("SRC104", f"cannot read {shown(target)}: {shown(why)}", "check it") from None
    if not header:
        raise refused(
            "SRC104",
            f"cannot read {shown(target)}: it is empty",
            "a CSV file has at least a header; export it again",
        )
    return path, header


def _delimiter(tree: ResolvedTree, name: str, header: bytes) -> str:
    """Return what stands between the names in the header of a CSV file."""
    line = header.decode("utf-8-sig", "replace").strip()
    delimiter = max(_DELIMITERS, key="".join(line.split('"')[::2]).count)
    try:
        names = Counter(next(csv.reader([line], delimiter=delimiter), []))
        twice = [one for one, count in names.items() if count > 1]
        why = f"names '{shown(twice[0])}' twice" if twice else None
    except csv.Error as error:
        why = f"cannot be read: {shown(error)}"
    if why is not None:
        message = f"the header of {shown(tree.spec.sources[name].path)} {why}"
        advice = "write the name of each column in the first line, no name twice"
        raise SourceError([_problem(tree, name, "SRC105", message, advice)])
    return delimiter


def _problem(tree: ResolvedTree, name: str, code: str, message: str, help: str) -> Diagnostic:  # noqa: A002
    return Diagnostic(
        code,
        message,
        tree.places.span(("sources", name, "path"))
        or tree.places.span(("sources", name), key=True),
        path=f"sources.{name}",
        help=help,
    )
