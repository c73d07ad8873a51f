"""What Spark reads: frames, and files that its workers see under the same path.

Nothing is collected but what the columns of text files hold, one row; nothing global is set.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from metrictree.diagnostics import shown
from metrictree.measures.sources.making import cells_of, table_of
from metrictree.measures.sources.problems import reading, refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from metrictree.measures.cells import File
    from metrictree.measures.sources.files import Files
    from metrictree.measures.table import Table
    from metrictree.resolved import ResolvedTree

__all__ = ["open_spark", "open_spark_files"]

_MOMENT: Final = "timestamp_ntz'1970-01-01' + unix_micros({0}) * interval '0.000001' second"
"""The time in UTC of a moment, whatever the time zone of the session is."""
_PATTERN: Final = re.compile(r"([*?\[\]{}\\])")
_TYPES: Final = {"VARCHAR": "string", "BIGINT": "bigint", "DOUBLE": "double", "BOOLEAN": "boolean"}
_NUMBER: Final = r"^[ \\t]*-?((0|[1-9][0-9]*)(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+)?[ \\t]*$"
_NO_NUMBER: Final = r"^[ \\t]*-?(inf(inity)?|nan)[ \\t]*$"


def open_spark(tree: ResolvedTree, name: str, native: Any, origin: str) -> Table:
    """Return the table of a Spark frame."""
    names = list(native.columns)
    return _of_spark(tree, name, native, names, origin)


def _of_spark(
    tree: ResolvedTree, name: str, native: Any, names: Sequence[str], origin: str
) -> Table:
    types = [field.dataType.simpleString() for field in native.schema]
    native = native.toDF(*(f"c{position}" for position in range(len(names))))
    cells = [
        f"{_MOMENT.format(f'c{position}')} as c{position}" if one == "timestamp" else f"c{position}"
        for position, one in enumerate(types)
    ]
    frame: nw.LazyFrame[Any] = nw.from_native(native.selectExpr(*cells))
    time = tree.spec.sources[name].time
    return table_of(frame, names, types, time=time, origin=origin)


def open_spark_files(tree: ResolvedTree, name: str, files: Files, session: Any) -> Table:
    """Return the table of files that Spark reads.

    Raises:
        SourceError: they cannot be read, or have not the same columns.
    """
    hidden = [
        one for path, one in zip(files.paths, files.names, strict=True) if path.name[0] in "_."
    ]
    if hidden:
        message = f"Spark passes over {shown(hidden[0], 200)}, whose name begins with . or _"
        raise refused(tree, name, "SRC104", message, "rename the file", part="path")
    paths = [_escaped(path) for path in files.paths]
    with reading(tree, name, files.origin, files.text):
        if files.kind == "csv":
            return _open_csv(tree, name, files, session, paths)
        if files.kind == "json":
            native = session.read.json(paths, mode="FAILFAST", multiLine=False)
            table = open_spark(tree, name, native, files.origin)
            return table.with_file(files.text)
        return _open_parquet(tree, name, files, session, paths)


def _escaped(path: Path) -> str:
    """Return a path as Spark reads it: on the machine's own disk, no character a pattern."""
    return "file://" + _PATTERN.sub(r"\\\1", str(path))


def _open_parquet(
    tree: ResolvedTree, name: str, files: Files, session: Any, paths: list[str]
) -> Table:
    from pyspark.sql.types import StringType

    schema = session.read.parquet(paths[0]).schema
    first = {field.name: field.dataType.simpleString() for field in schema}
    for path, one in zip(paths[1:], files.names[1:], strict=True):
        other = session.read.parquet(path).schema
        found = {field.name: field.dataType.simpleString() for field in other}
        files.check_alike(tree, name, one, first, found)
    files.check_keys(tree, name, first)
    for key in files.keys:  # texts, where Spark would guess
        schema = schema.add(key, StringType())
    reader = session.read.schema(schema)
    if files.keys:
        reader = reader.option("basePath", _escaped(files.base))
    return open_spark(tree, name, reader.parquet(*paths), files.origin)


def _open_csv(tree: ResolvedTree, name: str, files: Files, session: Any, paths: list[str]) -> Table:
    """Return the rows of CSV files: the cells as texts, and what they tell."""
    assert files.text is not None
    count = len(files.header)
    cells = session.read.csv(
        paths,
        schema=", ".join(f"r{position} string" for position in range(count)),
        sep=files.text.delimiter,
        header=True,
        quote='"',
        escape='"',
        nullValue="",
        emptyValue="",
        mode="FAILFAST",
        multiLine=True,
        encoding="UTF-8",
    )
    types = _types(tree, name, files.text, cells, count)
    made = []
    for position, one in enumerate(types):
        cell, value = f"r{position}", f"c{position}"
        made.append(
            f"cast(trim({cell}) as {_TYPES[one]}) as {value}"
            if one != "VARCHAR"
            else f"{cell} as {value}"
        )
        kept, label, lost = cells_of(position, one, "csv")
        if kept:
            made.append(f"{cell} as {kept}")
        number = f"cast(trim({cell}) as double)"
        if label:
            made.append(f"case when not isnan({number}) then {cell} end as {label}")
        if lost:
            whole = f"try_cast(trim({cell}) as decimal(38, 0))"
            made.append(
                f"case when abs({number}) >= {2**53} and abs({number}) < double('infinity') then "
                f"not {cell} rlike '[.eE]' and abs(coalesce({whole}, {2**54})) > {2**53} "
                f"else false end as {lost}"
            )
    frame: nw.LazyFrame[Any] = nw.from_native(cells.selectExpr(*made))
    time = tree.spec.sources[name].time
    names = [column or f"column{position}" for position, column in enumerate(files.header)]
    return table_of(
        frame, names, types, time=time, origin=files.origin, file=files.text, cells="csv"
    )


def _types(tree: ResolvedTree, name: str, file: File, cells: Any, count: int) -> list[str]:
    """Return what the cells of CSV files tell, by the same rules as in DuckDB."""
    asked: list[str] = []
    for position in range(count):
        asked += _tells(f"r{position}")
    row = cells.selectExpr(*(f"{sql} as a{place}" for place, sql in enumerate(asked))).first()
    types = []
    for truth, whole, number, odd, finite, wrong in zip(*[iter(row)] * 6, strict=True):
        if wrong:
            message = "a file of the source is not UTF-8"
            if not file.names[1:]:
                message = f"{file.names[0]} is not UTF-8"
            advice = "save it as UTF-8; spreadsheets call it CSV UTF-8"
            raise refused(tree, name, "SRC105", message, advice, part="path")
        if truth:
            types.append("BOOLEAN")
        elif whole:
            types.append("BIGINT")
        else:
            types.append("DOUBLE" if number or (odd and finite) else "VARCHAR")
    return types


def _tells(cell: str) -> Iterator[str]:
    """Return SQL for what all cells of a column are; null or false if there are none."""
    number = f"{cell} rlike '{_NUMBER}'"
    whole = f"{cell} rlike '^[ \\\\t]*-?(0|[1-9][0-9]*)[ \\\\t]*$'"
    yield f"bool_and(lower({cell}) in ('true', 'false'))"
    fits = f"{whole} and try_cast(trim({cell}) as bigint) is not null"
    yield f"bool_and(if({cell} is null, null, {fits}))"  # `null and false` is false
    yield f"bool_and({number})"
    yield f"bool_and({number} or lower({cell}) rlike '{_NO_NUMBER}')"
    yield f"bool_or({number})"
    yield f"bool_or(contains({cell}, '\\ufffd'))"
