"""Sources -> tables that DuckDB reads: the only importer of duckdb.

A file is read from inside the tree's folder only, without a network, without extensions that are
not there, and without guessing: DuckDB's reader would otherwise skip lines that it cannot place,
take lines that begin with ``#`` for comments, and choose between day and month by looks.
"""

from __future__ import annotations

import csv
import glob
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.frame import Column, kind_of
from metrictree.errors import MissingExtraError, SourceError
from metrictree.loader import is_relative

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrictree.resolved import ResolvedTree
    from metrictree.schema import Source

__all__ = ["Table", "open_table", "reading", "require_duckdb"]

_CSV: Final = """
    from read_csv(
        getvariable('path'), delim = getvariable('delimiter'), header = true, skip = 0,
        comment = '', quote = '"', escape = '"', sample_size = -1, ignore_errors = false,
        null_padding = false, hive_partitioning = false,
        auto_type_candidates = ['BOOLEAN', 'BIGINT', 'DOUBLE', 'VARCHAR']
    )
"""
_PARQUET: Final = "from read_parquet(getvariable('path'), hive_partitioning = false)"
_DELIMITERS: Final = ",;\t|"
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
    columns: dict[str, Column]
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


@contextmanager
def reading(tree: ResolvedTree, name: str) -> Iterator[None]:
    """Turn what DuckDB has to say about a source into a SourceError."""
    import duckdb

    try:
        yield
    except (duckdb.Error, nw.exceptions.NarwhalsError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        why = "; ".join(lines[:2]) or type(error).__name__
        path = tree.spec.sources[name].path
        raise SourceError(
            [
                _problem(
                    tree,
                    name,
                    "SRC105",
                    f"the source '{shown(name)}' cannot be read: {shown(why, 300)}",
                    f"check {shown(path)}; a CSV file has a header, and the same columns in "
                    "every line",
                )
            ]
        ) from None


def open_table(tree: ResolvedTree, name: str) -> Table:
    """Return the table of a source.

    Raises:
        SourceError: there is no such file, it lies outside of the tree's folder, or cannot be read.
    """
    import duckdb

    source = tree.spec.sources[name]
    path, header = _file(tree, name, source)
    with reading(tree, name):
        connection = duckdb.connect(config=_CONFIG)
        # Values, never text that is pasted into SQL; without `escape` a name might be a pattern.
        connection.execute("set variable path = ?", [glob.escape(str(path))])
        if str(source.path).endswith(".parquet"):
            relation = connection.sql(_PARQUET)
        else:
            connection.execute("set variable delimiter = ?", [_delimiter(tree, name, header)])
            relation = connection.sql(_CSV)
        names = relation.columns
        types = [str(dtype) for dtype in relation.types]
        # Names of our own: one from the file may hold anything, and DuckDB folds case.
        columns = ", ".join(f"c{position}" for position in range(len(names)))
        renamed: Any = relation.query("rows", f"select * from rows as rows({columns})")  # noqa: S608 - names of our own
        frame: nw.LazyFrame[Any] = nw.from_native(renamed)
        dtypes = frame.collect_schema().dtypes()
    return Table(
        frame,
        {
            name: Column(f"c{position}", kind_of(dtype), dtype, type_name)
            for position, (name, dtype, type_name) in enumerate(
                zip(names, dtypes, types, strict=True)
            )
        },
        connection,
    )


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
