"""What DuckDB reads: files, one SELECT over the files of the tree's folder, and its own relations.

Values, never text that is pasted into SQL; without `escape` the name of a file might be a pattern.
"""

from __future__ import annotations

import glob
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from metrictree.diagnostics import shown
from metrictree.errors import SourceError
from metrictree.loader import is_relative
from metrictree.measures.cells import Damage, File, look_at
from metrictree.measures.sources.files import DEFAULT, KINDS, inside, matches
from metrictree.measures.sources.making import cells_of, table_of
from metrictree.measures.sources.problems import missing, reading, refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from metrictree.measures.sources.files import Files
    from metrictree.measures.table import Table
    from metrictree.resolved import ResolvedTree

__all__ = [
    "CONFIG",
    "open_arrow",
    "open_files",
    "open_query",
    "open_relation",
    "quoted",
    "require_duckdb",
]

CONFIG: Final[dict[str, Any]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_CSV: Final = """
    from read_csv(
        getvariable('paths'), delim = getvariable('delimiter'), header = true, skip = 0,
        comment = '', quote = '"', escape = '"', ignore_errors = false, null_padding = false,
        hive_partitioning = false, {}
    )
"""
_GUESS: Final = (
    "sample_size = -1, auto_type_candidates = ['BOOLEAN', 'BIGINT', 'DOUBLE', 'VARCHAR']"
)
_LENIENT: Final = ", strict_mode = false"
_LINES: Final = """
    from read_ndjson_objects(getvariable('paths'), ignore_errors = false)
"""
_JSON: Final = """
    from read_json(getvariable('paths'), format = 'newline_delimited', ignore_errors = false,
        hive_partitioning = false, columns = {{{}}})
"""
_PARQUET: Final = """
    from read_parquet(getvariable('paths'), hive_partitioning = {0}, hive_types_autocast = false)
"""
_SCHEMAS: Final = """
    with columns as (
        select file_name, {name: name, type: type, length: type_length, number: num_children,
            was: converted_type, scale: scale, precision: precision, logical: logical_type} as one
        from parquet_schema(getvariable('paths'))
    ), files as (
        select file_name, list(one order by one) as own from columns group by file_name
    )
    select min(file_name) from files group by own order by 1
"""
_FIRST: Final = 1_000
"""Rows that are looked at first."""
_LITERAL: Final = re.compile(
    r"--[^\n]*|/\*.*?\*/|\$\$(?P<dollar>.*?)\$\$|'(?P<text>(?:[^']|'')*)'"
    r'|"(?P<name>(?:[^"]|"")*)"',
    re.DOTALL,
)
"""What may name a file in a query; comments are passed over."""
_WIDEST: Final = {"BOOLEAN": 0, "BIGINT": 0, "DOUBLE": 1, "VARCHAR": 2}


def require_duckdb() -> None:
    """Make sure that DuckDB is there.

    Raises:
        MissingExtraError: it is not; the message holds the command that installs it.
    """
    try:
        import duckdb  # noqa: F401
    except ImportError:
        command = 'pip install "metrictree[duckdb]"'
        raise missing("sources are read", "DuckDB", command) from None


def quoted(name: str) -> str:
    """Return a name as it stands in SQL."""
    return '"' + name.replace('"', '""') + '"'


# --- files


def open_files(tree: ResolvedTree, name: str, files: Files) -> Table:
    """Return the table of files.

    Raises:
        SourceError: they cannot be read, or have not the same columns.
    """
    require_duckdb()
    import duckdb

    time = tree.spec.sources[name].time
    with reading(tree, name, files.origin, files.text):
        connection = duckdb.connect(config=CONFIG)
        _set_paths(connection, files.paths)
        if files.kind == "parquet":
            _check_schemas(tree, name, files, connection)
            found = connection.sql(_PARQUET.format(str(bool(files.keys)).lower()))
            if files.keys:
                own = connection.sql(_PARQUET.format("false")).columns
                files.check_keys(tree, name, own)
            if any(DEFAULT in one for one in files.names):  # some versions keep it as a text
                nulls = (
                    f"nullif({quoted(key)}, '{DEFAULT}') as {quoted(key)}" for key in files.keys
                )
                found = found.project(f"* replace ({', '.join(nulls)})")
            return open_relation(found, time=time, origin=files.origin, keep=connection)
        opened = _open_csv if files.kind == "csv" else _open_json
        names, types, rows = opened(connection, files)
        frame: nw.LazyFrame[Any] = nw.from_native(rows)
        return table_of(
            frame,
            names,
            types,
            time=time,
            origin=files.origin,
            file=files.text,
            cells=files.kind,
            keep=connection,
        )


def _set_paths(connection: Any, paths: Iterable[Path]) -> None:
    connection.execute("set variable paths = ?", [[glob.escape(str(path)) for path in paths]])


def _check_schemas(tree: ResolvedTree, name: str, files: Files, connection: Any) -> None:
    """Refuse Parquet files with different columns; of those alike, one is looked at."""
    if not files.paths[1:]:
        return
    different = [Path(path) for (path,) in connection.sql(_SCHEMAS).fetchall()]
    known = dict(zip(files.paths, files.names, strict=True))
    own = [_own_columns(connection, path) for path in different]
    for path, columns in zip(different[1:], own[1:], strict=True):
        files.check_alike(tree, name, known[path], own[0], columns)
    _set_paths(connection, files.paths)


def _own_columns(connection: Any, path: Path) -> dict[str, str]:
    """Return the columns of a Parquet file and their types."""
    _set_paths(connection, [path])
    found = connection.sql(_PARQUET.format("false"))
    return dict(zip(found.columns, map(str, found.types), strict=True))


_Opened = tuple["Sequence[str]", "Sequence[str]", Any]
"""The names of the columns, their types, and the rows, in which a column is c and its position."""


def _open_csv(connection: Any, files: Files) -> _Opened:
    """Return the rows of CSV files: the cells as texts, r and a position, and what they tell."""
    assert files.text is not None
    connection.execute("set variable delimiter = ?", [files.text.delimiter])
    names, types, lenient = _sniffed(connection, files)
    texts = ", ".join(f"r{position}: 'VARCHAR'" for position in range(len(types)))
    cells = connection.sql(_CSV.format(f"auto_detect = false, columns = {{{texts}}}{lenient}"))
    if files.paths[1:]:
        types = _of_values(cells, types)
    for position in _no_guess(cells, types):
        types[position] = "VARCHAR"
    return names, types, _typed(cells, types, "csv")


def _sniffed(connection: Any, files: Files) -> tuple[list[str], list[str], str]:
    """Return what DuckDB takes CSV files for, and what it must allow if lines end in many ways."""
    import duckdb

    assert files.text is not None
    names: list[str] = []
    types: list[str] = []
    lenient = ""
    for path, one in zip(files.paths, files.names, strict=True):
        _set_paths(connection, [path])
        try:
            found = connection.sql(_CSV.format(_GUESS + lenient))
        except duckdb.Error:
            # What is lenient is safe here: each record was looked at, and has the header's cells.
            with suppress(OSError):
                ends = look_at(File((path,), (one,), files.text.delimiter))
                if isinstance(ends, Damage) or len(ends) < 2:
                    raise
            lenient = _LENIENT
            found = connection.sql(_CSV.format(_GUESS + lenient))
        names = names or list(found.columns)
        own = [str(dtype) for dtype in found.types]
        types = [_wider(a, b) for a, b in zip(types or own, own, strict=True)]
    _set_paths(connection, files.paths)
    return names, types, lenient


def _wider(one: str, other: str) -> str:
    """Return the type of cells of two types."""
    if one == other:
        return one
    return "VARCHAR" if "BOOLEAN" in (one, other) else max(one, other, key=_WIDEST.__getitem__)


def _of_values(cells: Any, types: Sequence[str]) -> list[str]:
    """Return the types of columns of several files: one without a cell in a file is text there."""
    asked = {n: _tells(n) for n, one in enumerate(types) if one == "VARCHAR"}
    if not asked:
        return list(types)
    (row,) = cells.aggregate(", ".join(sql for three in asked.values() for sql in three)).fetchall()
    told = dict(zip(asked, zip(*[iter(row)] * 3, strict=True), strict=True))
    return [
        next((kind for kind, yes in zip(_KINDS, told[n], strict=True) if yes), "VARCHAR")
        if n in told
        else one
        for n, one in enumerate(types)
    ]


_KINDS: Final = ("BOOLEAN", "BIGINT", "DOUBLE")
_NUMBER: Final = r"[ \t]*-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t]*"


def _tells(position: int) -> Iterator[str]:
    """Return SQL for whether all cells of a column are truth values, integers or numbers."""
    cell = f"r{position}"
    whole = f"regexp_full_match({cell}, '[ \\t]*-?(0|[1-9][0-9]*)[ \\t]*')"
    for fits in (
        f"lower({cell}) in ('true', 'false')",
        f"{whole} and try_cast({cell} as bigint) is not null",
        f"regexp_full_match({cell}, '{_NUMBER}')",
    ):
        yield f"coalesce(bool_and({fits}), false)"


def _no_guess(cells: Any, types: Sequence[str]) -> Iterator[int]:
    """Return the columns that DuckDB takes for truth values or numbers, and that are texts.

    Only true and false are truth values: t, yes or NO (Norway) might be anything. A column that
    holds nothing but Nan and Inf may be one of names, and one with 0x1A or 0b11 one of codes.
    """
    numbers = [position for position, one in enumerate(types) if one == "DOUBLE"]
    finite = {n: f"coalesce(bool_or(isfinite(try_cast(r{n} as double))), false)" for n in numbers}
    asked = {
        n: f"coalesce(bool_and(lower(r{n}) in ('true', 'false')), false)"
        for n, one in enumerate(types)
        if one == "BOOLEAN"
    }
    if numbers:  # mostly, the first rows tell
        seen = cells.limit(_FIRST).aggregate(", ".join(finite.values())).fetchall()[0]
        asked |= {n: finite[n] for n, one in zip(numbers, seen, strict=True) if not one}
    for n, one in enumerate(types):
        if one in ("BIGINT", "DOUBLE"):
            plain = f"not coalesce(bool_or(regexp_matches(r{n}, '[xXbBoO_]')), false)"
            asked[n] = f"{asked[n]} and {plain}" if n in asked else plain
    if asked:
        sure = cells.aggregate(", ".join(asked.values())).fetchall()[0]
        yield from (n for n, one in zip(asked, sure, strict=True) if not one)


def _typed(cells: Any, types: Sequence[str], kind: str) -> Any:
    """Return the rows of text files: what their cells tell, and the cells themselves."""
    made = []
    for position, type_name in enumerate(types):
        cell, value = f"r{position}", f"c{position}"
        made.append(f"cast({cell} as {type_name}) as {value}")
        kept, label, lost = cells_of(position, type_name, kind)
        if kept:
            made.append(f"{cell} as {kept}")
        if label:
            made.append(f"case when not isnan({value}) then {cell} end as {label}")
        if lost:
            # 2**53 + 1 is read as 2**53; what is no integer of 128 bits either is far past it.
            past = f"abs(coalesce(try_cast({cell} as hugeint), {2**54})) > {2**53}"
            whole = f"not regexp_matches({cell}, '[.eE]') and {past}"
            inexact = f"case when abs({value}) >= {2**53} and isfinite({value})"
            made.append(f"{inexact} then {whole} else false end as {lost}")
    return cells.project(", ".join(made))


def _open_json(connection: Any, files: Files) -> _Opened:
    """Return the rows of files with an object in each line: what each column holds in all of them.

    Texts stay texts, whatever they look like.
    """
    import duckdb

    names: dict[str, None] = {}
    for path in files.paths:
        _set_paths(connection, [path])
        lines = connection.sql(_LINES)
        if lines.filter("json_type(json) != 'OBJECT'").limit(1).fetchall():
            raise duckdb.InvalidInputException("a line is no object")
        found = lines.project("unnest(json_keys(json)) as key").distinct().fetchall()
        names |= dict.fromkeys(sorted(name for (name,) in found))
    _set_paths(connection, files.paths)
    if "" in names:
        raise duckdb.InvalidInputException("an object has a key without a name")
    folded: dict[str, str] = {}
    for one in names:
        other = folded.setdefault(one.lower(), one)
        if other != one:
            message = f"its objects have both {other} and {one}, which DuckDB takes for one column"
            raise duckdb.InvalidInputException(message)
    if not names and not connection.sql(_LINES).limit(1).fetchall():
        raise duckdb.InvalidInputException("it holds nothing but empty lines")
    listed = list(names) or ["json"]
    fields = ", ".join(f"{quoted(name)}: 'JSON'" for name in listed)
    cells = connection.sql(_JSON.format(fields))
    own = ", ".join(f"r{position}" for position in range(len(listed)))
    cells = cells.query("cells", f"select * from cells as cells({own})")  # noqa: S608 - names of our own
    types = _json_types(cells, len(listed))
    texts = ", ".join(
        f"r{position}" if one == "JSON" else f"r{position}->>'$' as r{position}"
        for position, one in enumerate(types)
    )
    return listed, types, _typed(cells.project(texts), types, "json")


def _json_types(cells: Any, count: int) -> list[str]:
    """Return what columns of JSON hold: the type of all values, or text if they are of several."""
    asked = []
    for position in range(count):
        cell = f"r{position}"
        kind = f"json_type({cell})"
        there = f"{cell} is null or {kind} = 'NULL'"
        asked += [
            f"coalesce(bool_and({there} or {kind} in {kinds}), true)"
            for kinds in (
                "('BOOLEAN')",
                "('UBIGINT', 'BIGINT')",
                "('UBIGINT', 'BIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE')",
                "('UBIGINT', 'BIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE', 'BOOLEAN', 'VARCHAR')",
            )
        ]
        asked.append(f"coalesce(bool_and({there} or try_cast({cell} as bigint) is not null), true)")
        asked.append(f"count({kind}) > 0")
    (row,) = cells.aggregate(", ".join(asked)).fetchall()
    types = []
    for truth, whole, number, plain, small, some in zip(*[iter(row)] * 6, strict=True):
        if not some:
            types.append("VARCHAR")
        elif truth:
            types.append("BOOLEAN")
        elif number:
            types.append("BIGINT" if whole and small else "DOUBLE")
        else:
            types.append("VARCHAR" if plain else "JSON")
    return types


# --- a query


def open_query(tree: ResolvedTree, name: str) -> Table:
    """Return the table of a query, which may read files of the tree's root and nothing else.

    Raises:
        SourceError: it is no single SELECT, cannot be read, or reads what it must not.
    """
    require_duckdb()
    import duckdb

    source = tree.spec.sources[name]
    assert source.query is not None
    folder = (tree.folder or Path.cwd()).absolute()
    with reading(tree, name, "query"):
        connection = duckdb.connect(config=CONFIG | {"python_enable_replacements": "false"})
        if "," in str(folder):
            message = f"the folder of the tree has a comma in its name: {shown(folder, 200)}"
            advice = "rename it: DuckDB takes it for several folders"
            raise refused(tree, name, "SRC104", message, advice, part="query")
        connection.execute(f"set file_search_path = {_text(str(folder))}")
        allowed, problems = _named(tree, name, source.query, folder)
        connection.execute(f"set allowed_paths = [{', '.join(map(_text, allowed))}]")
        connection.execute("set enable_external_access = false")
        statements = connection.extract_statements(source.query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            message = f"the query of the source '{shown(name)}' is not one SELECT"
            raise refused(tree, name, "SRC119", message, "write one SELECT", part="query")
        try:
            found = connection.sql(source.query)
        except duckdb.PermissionException:
            message = f"the query of '{shown(name)}' reads what is not in the tree's folder"
            advice = (
                "write the paths of files out, relative to the tree's file and in single quotes; "
                "what is outside of its folder is allowed with --root or root="
            )
            told = refused(tree, name, "SRC103", message, advice, part="query")
            raise next(iter(problems), told) from None
        return open_relation(found, time=source.time, origin="query", keep=connection)


def _text(text: str) -> str:
    """Return a text as it stands in SQL: settings take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def _named(
    tree: ResolvedTree, name: str, query: str, folder: Path
) -> tuple[list[str], list[SourceError]]:
    """Return the paths that a query may read: those it writes out, and the files they name.

    A text in it that looks like a path may be none, so what is wrong with one is told when DuckDB
    has asked for it.
    """
    allowed: list[str] = []
    problems: list[SourceError] = []
    here = Path.cwd().resolve()
    for found in _LITERAL.finditer(query):
        target = found["dollar"] or found["text"] or found["name"] or ""
        target = target.replace("''", "'").replace('""', '"')
        if not is_relative(target) or not target.endswith(tuple(KINDS)):
            continue
        names = matches(folder, target)
        if here != folder.resolve() and matches(here, target):  # DuckDB would read that one
            message = f"{shown(target)} is both in the tree's folder and in the current one"
            advice = "run from the tree's folder, or rename the other file"
            raise refused(tree, name, "SRC104", message, advice, part="query")
        if not names:
            message = f"cannot read {shown(target)}: there is no such file"
            advice = "check the path, it is relative to the tree's file"
            problems.append(refused(tree, name, "SRC104", message, advice, part="query"))
            continue
        try:
            paths = inside(tree, name, target, names, part="query")
        except SourceError as error:
            problems.append(error)
            continue
        allowed += [target, os.path.normpath(target)]
        allowed += [str(one) for path in paths for one in (path, path.resolve())]
    return allowed, problems


# --- relations


def open_relation(
    relation: Any,
    *,
    time: str | None,
    origin: str,
    names: Sequence[str] = (),
    keep: Any = None,
) -> Table:
    """Return the table of a relation, whichever connection it is of."""
    types = [str(dtype) for dtype in relation.types]
    # Names of our own, by places: two columns may have one name, and DuckDB folds case.
    made = ", ".join(f"{_plain(f'#{n}', one)} as c{n - 1}" for n, one in enumerate(types, 1))
    frame: nw.LazyFrame[Any] = nw.from_native(relation.project(made))
    names = names or relation.columns
    return table_of(frame, names, types, time=time, origin=origin, keep=(relation, keep))


def _plain(cell: str, type_name: str) -> str:
    """Return SQL for a column of a type that all libraries know."""
    if type_name.startswith("ENUM"):
        return f"cast({cell} as varchar)"
    if type_name in ("DOUBLE", "FLOAT"):
        # The least and largest values that Parquet files tell leave NaN out, and DuckDB concludes
        # from them that there is none. Nothing is known of what `try` returns.
        return f"try({cell})"
    if type_name != "TIMESTAMP WITH TIME ZONE":
        return cell
    # A time with a zone is a moment: its day is the one in UTC, wherever the program runs.
    past = f"when {cell} > epoch_ms(0)::timestamptz then timestamp 'infinity'"
    past += f" when {cell} is not null then timestamp '-infinity'"
    return f"case when isfinite({cell}) then make_timestamp(epoch_us({cell})) {past} end"


def open_arrow(tree: ResolvedTree, name: str, data: Any, origin: str) -> Table:
    """Return the table of a PyArrow table, with DuckDB looking at it."""
    require_duckdb()
    import duckdb

    connection = duckdb.connect(config=CONFIG)
    names = list(data.column_names)
    for place, field in enumerate(data.schema):
        if str(field.type) == "halffloat":  # DuckDB has none of 16 bits
            data = data.set_column(place, field.name, data.column(place).cast("float32"))
    found = connection.from_arrow(data.rename_columns([f"a{n}" for n in range(len(names))]))
    time = tree.spec.sources[name].time
    return open_relation(found, time=time, origin=origin, names=names, keep=(connection, data))
