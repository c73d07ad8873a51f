"""Connections to databases and clusters: given from Python, or as text with ${VARIABLES}.

What the variables hold never stands in a message.
"""

from __future__ import annotations

import os
import re
import weakref
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from metrictree.diagnostics import shown
from metrictree.errors import MetricTreeError, SourceError
from metrictree.measures.sources.duckdb import CONFIG, open_relation, require_duckdb
from metrictree.measures.sources.problems import missing, reading, refused
from metrictree.names import Suggester, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrictree.measures.table import Table
    from metrictree.resolved import ResolvedTree

__all__ = ["open_database", "spark_session"]

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_MASTER: Final = re.compile(r"local(\[.*\]|-cluster\[.*\])?|yarn|(spark|k8s|mesos)://.*")
_KINDS: Final = (
    "give a DuckDB connection, an Ibis backend or a SparkSession; or as text a DuckDB file, an "
    "address such as postgres://..., or with the engine spark a master such as local[4]"
)
_CHECK: Final = "check the path, which is relative to the current folder"
_SPARK: Final = 'pip install "metrictree[spark]"'


def open_database(tree: ResolvedTree, name: str, given: Any, engine: str) -> Table:
    """Return a table of a database.

    Raises:
        SourceError: there is no connection, it cannot be opened, or has no such table.
        MissingExtraError: the package that opens it is not installed.
    """
    source = tree.spec.sources[name]
    target = source.table
    assert target is not None
    opened = _connection(tree, name, source.connection or given, engine)
    origin = f"table {target}"
    with _secret(opened.secrets), reading(tree, name, origin):
        return _OPENERS[opened.library](tree, name, opened.native, target, origin)


def spark_session(tree: ResolvedTree, name: str, given: Any) -> Any:
    """Return the session of Spark that a connection is, or makes.

    Raises:
        SourceError: it is none, or cannot be made.
        MissingExtraError: Spark is not installed.
    """
    if given is None:  # as `spark-submit` says it, or on this machine
        with _opening(tree, name, "a session of Spark", ()):
            return _builder().getOrCreate()
    opened = _connection(tree, name, given, "spark")
    if opened.library != "spark":
        message = "the engine spark needs a session of Spark as its connection"
        raise refused(tree, name, "SRC117", message, _KINDS)
    return opened.native


class _Opened(NamedTuple):
    library: str
    native: Any
    secrets: tuple[str, ...]
    """What must not stand in a message."""


def _connection(tree: ResolvedTree, name: str, given: Any, engine: str) -> _Opened:
    if given is None:
        message = f"the source '{shown(name)}' is a table, and no connection is given"
        raise refused(
            tree,
            name,
            "SRC117",
            message,
            "give one with --connection or connection=, or name an environment variable as its "
            "`connection`",
        )
    if isinstance(given, (str, os.PathLike)):
        return _of_text(tree, name, os.fspath(given), engine)
    package = type(given).__module__.partition(".")[0].strip("_")
    if package == "duckdb" and hasattr(given, "sql"):
        return _Opened("duckdb", given, ())
    if package == "ibis" and hasattr(given, "list_tables"):
        return _Opened("ibis", given, ())
    if package == "pyspark" and hasattr(given, "table"):
        return _Opened("spark", given, ())
    kind = type(given)
    what = f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}".removeprefix("builtins.")
    message = f"a {shown(what)} is no connection that is known"
    raise refused(tree, name, "SRC117", message, _KINDS)


def _of_text(tree: ResolvedTree, name: str, text: str, engine: str) -> _Opened:
    found = {variable: os.environ.get(variable, "") for variable in _VARIABLE.findall(text)}
    unset = [variable for variable, value in found.items() if not value]
    if unset:
        message = f"the environment variable {shown(unset[0])} is not set, which a connection names"
        advice = f"set it: export {shown(unset[0])}=..."
        raise refused(tree, name, "SRC117", message, advice, part="connection")
    full = _VARIABLE.sub(lambda match: found[match[1]], text)
    secrets = (*found.values(), *_password(full), *([full] if "://" in full else []))
    if full.startswith("sc://"):
        with _opening(tree, name, "Spark", secrets):
            return _Opened("spark", _builder().remote(full).getOrCreate(), secrets)
    if engine == "spark":
        if not _MASTER.fullmatch(full):
            message = "the engine spark needs a master or the address of a Spark Connect server"
            advice = "give for example local[4], spark://host:7077, yarn or sc://host"
            raise refused(tree, name, "SRC117", message, advice)
        return _Opened("spark", _spark_of(tree, name, full, secrets), secrets)
    if full.startswith("duckdb://") and not full.startswith("duckdb://md:"):
        full = full.removeprefix("duckdb://")
    elif "://" in full:
        address = urlsplit(full)
        if address.scheme == "sqlite" and not Path(address.netloc + address.path).is_file():
            message = f"there is no SQLite file {shown(text, 200)}"  # it would be made
            raise refused(tree, name, "SRC117", message, _CHECK)
        return _Opened("ibis", _ibis_of(tree, name, full, secrets), secrets)
    require_duckdb()
    import duckdb

    if not Path(full).is_file():
        message = f"there is no DuckDB file {shown(text, 200)}"
        advice = _CHECK
        if _MASTER.fullmatch(full):
            advice = f"for Spark, choose the engine spark; {advice}"
        raise refused(tree, name, "SRC117", message, advice)
    with _opening(tree, name, f"the DuckDB file {shown(text, 200)}", secrets):
        return _Opened("duckdb", duckdb.connect(full, read_only=True, config=CONFIG), secrets)


def _builder() -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise missing("tables are read", "Spark", _SPARK) from None
    return SparkSession.builder.appName("metrictree")


def _spark_of(tree: ResolvedTree, name: str, master: str, secrets: tuple[str, ...]) -> Any:
    builder = _builder()
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    running = active.sparkContext.master if active is not None else master
    if running != master:
        message = f"a session of Spark runs on {shown(running)} already, not on {shown(master)}"
        raise refused(tree, name, "SRC117", message, "stop it, or give it as the connection")
    with _opening(tree, name, f"Spark on {shown(master)}", secrets):
        return builder.master(master).getOrCreate()


def _ibis_of(tree: ResolvedTree, name: str, address: str, secrets: tuple[str, ...]) -> Any:
    try:
        import ibis  # type: ignore[import-untyped]
    except ImportError:
        raise missing("tables are read", "Ibis", 'pip install "metrictree[sql]"') from None
    with _opening(tree, name, f"the {shown(address.partition(':')[0])} database", secrets):
        backend = ibis.connect(address)
    inner = getattr(backend, "con", None)
    if inner is not None and hasattr(inner, "close"):  # when nothing needs the backend any more
        weakref.finalize(backend, inner.close)
    return backend


def _password(address: str) -> Iterator[str]:
    with suppress(ValueError):
        password = urlsplit(address).password
        if password:
            yield password
            yield unquote(password)


@contextmanager
def _opening(tree: ResolvedTree, name: str, what: str, secrets: tuple[str, ...]) -> Iterator[None]:
    """Turn whatever the opening of a connection ends in into our words.

    Drivers raise errors of all kinds, for what is wrong with an address or a server.
    """
    try:
        yield
    except MetricTreeError:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        why = _hidden(next(iter(lines), type(error).__name__), secrets)
        message = f"cannot connect to {what}: {shown(why, 300)}"
        advice = "check the address, and that the server runs"
        raise refused(tree, name, "SRC117", message, advice) from None


@contextmanager
def _secret(secrets: tuple[str, ...]) -> Iterator[None]:
    """Take what must not be seen out of messages."""
    try:
        yield
    except SourceError as error:
        raise SourceError(
            [replace(one, message=_hidden(one.message, secrets)) for one in error.diagnostics]
        ) from None


def _hidden(text: str, secrets: tuple[str, ...]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "...")
    return text


# --- tables


def _open_duckdb(tree: ResolvedTree, name: str, native: Any, target: str, origin: str) -> Table:
    import duckdb

    try:
        relation = native.table(target)
    except duckdb.CatalogException:
        listed = native.sql(
            "select table_schema, table_name from information_schema.tables order by 1, 2"
        ).fetchall()
        tables = [one if schema == "main" else f"{schema}.{one}" for schema, one in listed]
        raise _unknown(tree, name, target, tables) from None
    return open_relation(relation, time=tree.spec.sources[name].time, origin=origin, keep=native)


def _open_ibis(tree: ResolvedTree, name: str, native: Any, target: str, origin: str) -> Table:
    from metrictree.measures.sources.ibis import open_ibis

    *path, table = target.split(".")
    place = {"database": path[0] if len(path) == 1 else tuple(path)} if path else {}
    listed = list(native.list_tables(**place))
    if table not in listed:
        prefix = ".".join([*path, ""]) if path else ""
        raise _unknown(tree, name, target, [prefix + one for one in listed])
    return open_ibis(tree, name, native.table(table, **place), origin, native)


def _open_spark(tree: ResolvedTree, name: str, native: Any, target: str, origin: str) -> Table:
    from metrictree.measures.sources.spark import open_spark

    if not native.catalog.tableExists(target):
        path = target.rpartition(".")[0]
        tables = []
        with suppress(Exception):
            tables = [
                f"{path}.{one.name}" if path else one.name
                for one in (
                    native.catalog.listTables(path) if path else native.catalog.listTables()
                )
            ]
        raise _unknown(tree, name, target, tables)
    return open_spark(tree, name, native.table(target), origin)


_OPENERS: Final = {"duckdb": _open_duckdb, "ibis": _open_ibis, "spark": _open_spark}


def _unknown(tree: ResolvedTree, name: str, target: str, tables: list[str]) -> SourceError:
    message = f"the connection has no table '{shown(target)}'"
    near = did_you_mean([shown(one) for one in Suggester(tables).near(target)])
    there = f"its tables are {shown(', '.join(tables), 200)}" if tables else "it has no tables"
    return refused(tree, name, "SRC118", message, near or there, part="table")
