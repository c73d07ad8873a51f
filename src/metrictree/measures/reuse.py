"""What was aggregated of files, kept by day and all dimensions, to be read in place of them.

Kept is only what can be put together again without loss: counts, smallest and largest values, and
sums that are exact, which are those of integers, of decimals, and of floats that are short
decimals. Distinct counts, quantiles, deviations and sums of other floats are read from the files.

A folder has two files for each source and choice of measures: rows as Parquet, and a manifest that
says of which definitions and files they were made. They are taken for what they say only if all of
that is still the same and the rows are those that were written; else they are made anew.
"""

from __future__ import annotations

import glob
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date, datetime, time
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from metrictree.diagnostics import shown
from metrictree.engines.frames.libraries import LIBRARIES
from metrictree.engines.frames.rows import Column, kind_of
from metrictree.errors import SourceError
from metrictree.measures.grouping import grouped
from metrictree.measures.manifest import Manifest, content_of, definition_of, fingerprints
from metrictree.measures.parts import MERGED, Output, Part, parts_of
from metrictree.measures.prepare import Preparation
from metrictree.measures.query import PERIOD, Query
from metrictree.measures.request import usage
from metrictree.measures.scan import Scan
from metrictree.measures.sources import reading, require_duckdb
from metrictree.measures.sources.duckdb import CONFIG, quoted
from metrictree.measures.sources.files import source_paths
from metrictree.measures.survey import Extent, survey
from metrictree.measures.table import Table
from metrictree.measures.writing import whole_file
from metrictree.measures.zones import Clock, is_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from metrictree.errors import UsageError
    from metrictree.measures.request import Request
    from metrictree.resolved import ResolvedTree

__all__ = ["Kept", "Shelf"]

_DUCKDB: Final = LIBRARIES["duckdb"]
_WIDE: Final = ("HUGEINT", "INT128")
"""Integers of DuckDB that Parquet has not."""
_ADDED: Final = ("sum", "mean")
_TABLE: Final = "kept"
_NOTHING: Final = "select null::date as day where false"


class _Query(Query):
    """Puts groups of days together."""

    @property
    def main(self) -> nw.LazyFrame[Any]:
        """A row for each group."""
        merged = [Part(MERGED[one.op], one.name) for one in self.parts]
        return grouped(self.rows, self.keys, merged, self.flags)


class _Preparation(Preparation):
    """What is read of kept rows: all of it was computed before."""

    def rows(self, frame: nw.LazyFrame[Any], wanted: Iterable[str]) -> nw.LazyFrame[Any]:  # noqa: ARG002
        """Return the rows as they are."""
        return frame


class Kept(Scan):
    """Reads what was kept of a source, and makes the values that a scan of the source would."""

    def _query(self, kept: Sequence[int], since: date | None, until: date | None) -> Query:
        return _Query(self.prepared, self.extent, kept, since, until, may_roll=False)


class Shelf:
    """A folder in which aggregated values are kept."""

    def __init__(
        self,
        folder: Path,
        tree: ResolvedTree,
        request: Request,
        given: Collection[str],
        *,
        writes: bool,
    ) -> None:
        self.folder = folder
        self.tree = tree
        self.request = request
        self.given = given
        """Sources of which a frame is given."""
        self.writes = writes
        """Whether what is not there is made."""

    def kept(
        self, name: str, metrics: Sequence[str], prepare: Callable[[Request], Preparation]
    ) -> Kept | None:
        """Return what is kept of a source for all or some of the measures; ``None`` if nothing.

        What is not there, or no longer right, is made of the source.

        Raises:
            SourceError: the files of the source cannot be read.
            UsageError: the folder cannot be written.
        """
        if not self._may_keep(name):
            return None
        place = self.folder / definition_of(self.tree, name, metrics)
        found = self._found(name, place)
        if found is None and self.writes:
            self._make(name, place, prepare)
            found = self._found(name, place)
        return found if found is not None and found.prepared.outputs else None

    def _may_keep(self, name: str) -> bool:
        """Whether a source is one of files, of which all rows that have a day count."""
        source, request = self.tree.spec.sources[name], self.request
        return (
            source.path is not None
            and name not in self.given
            and source.time is not None
            and request.where is None
            and set(request.by) <= set(source.dimensions)
        )

    # --- what is there

    def _found(self, name: str, place: Path) -> Kept | None:
        """Return what is kept; ``None`` if it is not there, damaged, or no longer right."""
        manifest = Manifest.read(_manifest_of(place))
        if manifest is None or manifest.files != fingerprints(self.tree, name):
            return None
        first, last = map(date.fromisoformat, manifest.days) if manifest.days else (None, None)
        extent = Extent(first, last, unplaced=False, clock=None, cut=manifest.cut)
        if manifest.clock != self._clock(name, extent):
            return None
        connection = _loaded(_rows_of(place), manifest)
        if connection is None:
            return None
        relation = connection.table(_TABLE)
        frame: nw.LazyFrame[Any] = nw.from_native(relation)
        schema = frame.collect_schema()
        columns = {
            dimension: Column(f"by{at}", kind_of(schema[f"by{at}"]), schema[f"by{at}"], "")
            for at, dimension in enumerate(manifest.dimensions)
        }
        origin = f"{shown(_rows_of(place), 200)}, kept of {self.tree.spec.sources[name].path}"
        table = Table(frame, columns, None, "day", _DUCKDB, origin, keep=connection)
        prepared = _Preparation(self.tree, name, table, self.request)
        prepared.lowering.used.update(relation.columns)
        prepared.outputs = manifest.outputs
        prepared.metrics = [one.metric for one in prepared.outputs]
        prepared.dimensions = [columns[one].name for one in self.request.by if columns]
        return Kept(prepared, extent if self.request.needs_time else None)

    def _clock(self, name: str, extent: Extent) -> str:
        """Return when the clock of a source is changed in the days of its rows."""
        zone = self.tree.spec.sources[name].timezone or self.tree.spec.timezone
        if is_utc(zone) or zone is None or extent.first is None or extent.last is None:
            return ""
        low, high = (datetime.combine(day, time.min) for day in (extent.first, extent.last))
        clock = Clock(zone, low, high)
        return str([clock.first, *clock.changes])

    # --- what is made

    def _make(self, name: str, place: Path, prepare: Callable[[Request], Preparation]) -> None:
        """Aggregate a source by day and all its dimensions, and keep that."""
        before = fingerprints(self.tree, name)
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=self.folder):  # told before anything is aggregated
                pass
        try:
            prepared = prepare(self._finest(name))
            extent = survey(prepared)
            outputs, relation = self._aggregated(prepared, extent)
        except SourceError:
            return  # whether that matters to the run, the run itself finds out and tells
        manifest = Manifest(
            source=name,
            files=before or [],
            clock=self._clock(name, extent) if outputs else "",
            days=[str(extent.first), str(extent.last)] if outputs else [],
            cut=extent.cut,
            dimensions=list(prepared.request.by) if outputs else [],
            wide=_wide(relation),
            measures=[asdict(one) for one in outputs],
            rows="",
        )
        with self._writing():
            with whole_file(_rows_of(place)) as part:
                _write(relation, part)
                manifest = manifest._replace(rows=content_of(part))
            if fingerprints(self.tree, name) == before:  # else it was changed meanwhile
                with whole_file(_manifest_of(place)) as part:
                    manifest.write(part)
        self._check_apart(_rows_of(place))

    def _finest(self, name: str) -> Request:
        """Return the request of what is kept."""
        dimensions = self.tree.spec.sources[name].dimensions
        return replace(
            self.request,
            grain="day",
            by=dimensions,
            since=None,
            until=None,
            totals=False,
            as_of=None,
        )

    def _aggregated(self, prepared: Preparation, extent: Extent) -> tuple[list[Output], Any]:
        """Return the measures that can be kept, and their rows; nothing if something is wrong.

        Raises:
            SourceError: the source cannot be read.
        """
        prepared.outputs = [one for one in prepared.outputs if _can_be_kept(one)]
        table = prepared.table
        connection = table.keep[-1] if isinstance(table.keep, tuple) else table.keep
        if extent.unplaced or extent.first is None or not prepared.outputs:
            return [], connection.sql(_NOTHING)
        places = range(len(prepared.dimensions))
        most = self.tree.limits.rows
        query = Query(prepared, extent, places, None, None, may_roll=False)
        asked = [f"{MERGED[one.op]}({quoted(one.name)})" for one in query.parts]
        asked += [f"bool_or({flag})" for flag in query.flags]
        with reading(self.tree, prepared.name, table.origin, table.file):
            connection.execute(f"drop table if exists {_TABLE}")
            query.main.head(most + 1).to_native().create(_TABLE)
            rows = connection.table(_TABLE)
            together = rows.aggregate(", ".join(asked)).fetchall()[0]
        found = dict(zip(query.parts, together, strict=False))
        if not query.is_as_supposed([found]):
            return self._aggregated(prepared.again(), extent)
        outputs = [one for one in prepared.outputs if _is_exact(one, found)]
        if any(together[len(query.parts) :]) or len(rows) > most or not outputs:
            return [], connection.sql(_NOTHING)
        columns = [f"cast(date '0001-01-01' + cast({PERIOD} - 1 as integer) as date) as day"]
        columns += [f"k{place} as by{place}" for place in places]
        columns += [quoted(one.name) for one in _parts(outputs)]
        return outputs, rows.project(", ".join(columns))

    # --- the folder

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Tell in our words why the folder cannot be written."""
        try:
            yield
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise self._refused(shown(why, 200), "choose a folder that can be written") from None

    def _check_apart(self, rows: Path) -> None:
        """Refuse a folder in which a source would take what is kept for its own."""
        if rows.resolve() in source_paths(self.tree):
            rows.unlink()
            raise self._refused("a source reads it, too", "give a folder of its own")

    def _refused(self, why: str, advice: str) -> UsageError:
        return usage(f"cannot keep values in {shown(self.folder, 200)}: {why}", advice)


def _rows_of(place: Path) -> Path:
    return place.with_suffix(".parquet")


def _manifest_of(place: Path) -> Path:
    return place.with_suffix(".json")


def _parts(outputs: Sequence[Output]) -> list[Part]:
    return list(dict.fromkeys(p for one in outputs for p in parts_of(one, _DUCKDB.engine)))


def _can_be_kept(output: Output) -> bool:
    """Whether the parts of a measure can be put together, and without loss as far as is known."""
    if any(part.op not in MERGED for part in _parts([output])):
        return False
    return output.aggregate not in _ADDED or output.whole or bool(output.wholes)


def _is_exact(output: Output, together: Mapping[Part, Any]) -> bool:
    """Whether that is without loss, by the parts of all rows together."""
    if output.aggregate not in _ADDED or output.certain:
        return True
    if output.whole:  # of the widest integers, DuckDB adds up floats
        return not isinstance(together[output.part("sum")], float)
    fit = sum(together[output.part("count", whole)] for _, whole in output.wholes)
    return bool(fit == together[output.count])


def _wide(relation: Any) -> list[str]:
    """Return the columns of integers that Parquet has not."""
    columns = zip(relation.columns, map(str, relation.types), strict=True)
    return [name for name, kind in columns if kind in _WIDE]


def _write(relation: Any, path: Path) -> None:
    """Write rows as Parquet.

    Raises:
        OSError: it cannot be written.
    """
    import duckdb

    try:
        _cast(relation, _wide(relation), "decimal(38, 0)").write_parquet(str(path))
    except duckdb.Error as error:
        raise OSError(0, str(error)) from None


def _loaded(path: Path, manifest: Manifest) -> Any:
    """Return a connection with the rows; ``None`` if they are not what the manifest speaks of."""
    require_duckdb()
    import duckdb

    connection = duckdb.connect(config=CONFIG)
    try:
        found = connection.read_parquet(glob.escape(str(path)), hive_partitioning=False)
        _cast(found, manifest.wide, "hugeint").create(_TABLE)
        # Looked at last, so that nobody can put others in their place in between.
        if content_of(path) != manifest.rows:
            return None
    except (OSError, duckdb.Error):
        return None
    return connection


def _cast(relation: Any, columns: Sequence[str], kind: str) -> Any:
    """Return the relation with some columns as another type."""
    cells = (
        f"cast({quoted(name)} as {kind}) as {quoted(name)}" if name in columns else quoted(name)
        for name in relation.columns
    )
    return relation.project(", ".join(cells))
