"""What kept rows were made of, written beside them: it tells whether they are still right."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from metrictree._version import __version__
from metrictree.measures.parts import Output
from metrictree.measures.sources.files import find

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from metrictree.resolved import ResolvedTree

__all__ = ["Manifest", "content_of", "definition_of", "fingerprints"]

_WHOLE: Final = 64 * 2**20
"""Files of a source that have so many bytes together are told by their content."""
_ENDS: Final = 2**16
"""Bytes at the beginning and at the end of larger ones that are looked at."""


class Manifest(NamedTuple):
    """What is said of kept rows."""

    source: str
    files: list[list[Any]]
    """What the files of the source were; see `fingerprints`."""
    clock: str
    """When the clock of its zone was changed: time zones are made by law, and mended."""
    days: list[str]
    """That of the first row and that of the last one, if there are rows that have days."""
    cut: bool
    """Whether the last row has a time of its day, so that the day may not be over."""
    dimensions: list[str]
    wide: list[str]
    """The columns that hold integers which Parquet has not: they are decimals there."""
    measures: list[dict[str, Any]]
    """The outputs that are kept; none if there is nothing in the source that can be."""
    rows: str
    """The content of the file of rows."""

    @property
    def outputs(self) -> list[Output]:
        """The measures that are kept."""
        return [
            Output(
                **{**one, "where": tuple(one["where"]), "wholes": tuple(map(tuple, one["wholes"]))}
            )
            for one in self.measures
        ]

    def write(self, path: Path) -> None:
        """Write the manifest to a file."""
        told = json.loads(json.dumps({**self._asdict(), "metrictree": __version__}, default=asdict))
        path.write_text(json.dumps({**told, "checksum": _checksum(told)}, indent=2), "utf-8")

    @classmethod
    def read(cls, path: Path) -> Manifest | None:
        """Return the manifest in a file; ``None`` if there is none, or a damaged one."""
        try:
            told = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(told, dict) or told.pop("checksum", None) != _checksum(told):
            return None
        del told["metrictree"]
        return cls(**told)


def _checksum(told: dict[str, Any]) -> str:
    return _digest(json.dumps(told, sort_keys=True).encode())


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def definition_of(tree: ResolvedTree, name: str, metrics: Iterable[str]) -> str:
    """Return what tells how a source and some measures are defined from any other way."""
    measures = {metric: tree.measures[metric] for metric in sorted(metrics)}
    definition = {
        "metrictree": __version__,
        "source": [name, tree.spec.sources[name].model_dump(mode="json")],
        "timezone": tree.spec.timezone,
        "limit": tree.limits.rows,
        "measures": {
            metric: [str(one.aggregate), str(one.where)] for metric, one in measures.items()
        },
    }
    return _digest(json.dumps(definition, sort_keys=True).encode())


def fingerprints(tree: ResolvedTree, name: str) -> list[list[Any]] | None:
    """Return what tells the files of a source from any others; ``None`` if one goes meanwhile.

    That is the content of files that are not large, and of others the size, the times of the last
    change of content and of anything, and what stands at both ends. The last time is set by the
    system alone, so that a change in the middle is seen even if the file's own time is set back.

    Raises:
        SourceError: there are no files, or they cannot be read.
    """
    files = find(tree, name)
    try:
        stats = [path.stat() for path in files.paths]
        if sum(one.st_size for one in stats) <= _WHOLE:
            told: Iterable[list[Any]] = ([content_of(path)] for path in files.paths)
        else:
            told = (
                [one.st_size, one.st_mtime_ns, one.st_ctime_ns, _ends_of(path, one.st_size)]
                for path, one in zip(files.paths, stats, strict=True)
            )
        return [[called, *one] for called, one in zip(files.names, told, strict=True)]
    except OSError:
        return None


def content_of(path: Path) -> str:
    """Return what tells the content of a file from any other.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _ends_of(path: Path, size: int) -> str:
    with path.open("rb") as stream:
        first = stream.read(_ENDS)
        stream.seek(max(size - _ENDS, 0))
        return _digest(first + stream.read(_ENDS))
