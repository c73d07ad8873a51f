"""Text files as an editor shows them, line by line: looked at only to say what is wrong."""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

from metrictree.diagnostics import shown
from metrictree.engines.frames.rows import Cell
from metrictree.measures.times import is_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["Damage", "File", "first_cell", "header_of", "is_day", "is_number", "look_at"]

_NUMBER: Final = re.compile(
    r"[ \t]*-?(((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?|inf(inity)?|nan)",
    re.IGNORECASE,
)
"""What DuckDB's reader takes for a number."""
_UNREADABLE: Final = (OSError, EOFError, zlib.error)


class File(NamedTuple):
    """The text files of a source, which are read as one."""

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    """What the tree calls them."""
    delimiter: str | None
    """What stands between cells; ``None`` if each line is an object of JSON."""


class Damage(NamedTuple):
    """What is wrong with a CSV file; ``{}`` stands for its name."""

    message: str
    fix: str


class _Lines:
    """The lines of a file; remembers how many there were, and how the last one ended."""

    def __init__(self, stream: Iterator[str]) -> None:
        self.stream = stream
        self.count = 0
        self.end = ""
        self.begin = 1
        """The line in which the record begins that is being read."""

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self.stream)
        self.count += 1
        self.end = line[len(line.rstrip("\r\n")) :][-2:]
        line.encode()  # raises UnicodeEncodeError: a byte that is no UTF-8 was read as a surrogate
        return line


def _opened(path: Path, encoding: str = "utf-8-sig") -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding=encoding, errors="surrogateescape", newline="")
    return path.open(encoding=encoding, errors="surrogateescape", newline="")


def _records(lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Return each record with the line in which it begins."""
    for record in csv.reader(lines, delimiter=delimiter, strict=True):
        yield lines.begin, record
        lines.begin = lines.count + 1


def header_of(path: Path, delimiters: str) -> tuple[str, tuple[str, ...]]:
    """Return the delimiter of a CSV file, and the names in its header.

    Raises:
        OSError: the file cannot be read.
        csv.Error: it has no header.
    """
    try:
        with _opened(path) as stream:
            first = stream.readline(_HEADER).strip()
            delimiter = max(delimiters, key="".join(first.split('"')[::2]).count)
            stream.seek(0)
            names = next(csv.reader(stream, delimiter=delimiter), [])
    except (EOFError, zlib.error) as error:
        raise OSError(0, f"it is not compressed as its name says: {error}") from None
    return delimiter, tuple(names)


_HEADER: Final = 1_000_000
"""Characters of a header that are looked at."""


def look_at(file: File) -> Damage | set[str]:
    """Return what is wrong with a text file; if nothing is found, in which ways its records end.

    Raises:
        OSError: a file cannot be read.
    """
    ends: set[str] = set()
    for path, name in zip(file.paths, file.names, strict=True):
        try:
            found = (
                _look_at_json(path) if file.delimiter is None else _look_at(path, file.delimiter)
            )
        except (EOFError, zlib.error):
            return Damage(f"{name} is no whole gzip file", "compress it again")
        if isinstance(found, Damage):
            return found._replace(message=found.message.replace("{}", name))
        ends |= found
    return ends


def _look_at(path: Path, delimiter: str) -> Damage | set[str]:
    ends: set[str] = set()
    width = 0
    with _opened(path) as stream:
        lines = _Lines(stream)
        try:
            for begin, record in _records(lines, delimiter):
                ends.add(lines.end)
                if not width and not record:
                    return Damage(
                        "the first line of {} is empty", "write the names of the columns there"
                    )
                width = width or len(record)
                if record and len(record) != width and record[width:] != [""]:
                    return Damage(
                        f"cannot read {{}}: line {begin} has {_cells(len(record))}, "
                        f"the header {width}",
                        f"repair the line; a text with `{delimiter}` in it stands in quotes",
                    )
        except UnicodeEncodeError:
            return _no_utf8(lines)
        except csv.Error as error:
            if "field larger" in str(error):
                return set()  # no further can be looked
            return Damage(
                f"cannot read {{}}: the quotes do not match, see line {lines.begin}",
                "a text with a quote in it stands in quotes, its own quote is written twice",
            )
    return ends - {""}


def _look_at_json(path: Path) -> Damage | set[str]:
    def unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a name stands twice in it")
        return found

    with _opened(path, "utf-8") as stream:
        lines = _Lines(stream)
        try:
            for text in lines:
                if lines.count == 1 and text.startswith("\ufeff"):
                    return Damage(
                        "{} begins with a byte order mark", "save it as UTF-8 without one (no BOM)"
                    )
                if text.strip() and not isinstance(
                    json.loads(text, object_pairs_hook=unique), dict
                ):
                    raise ValueError("it is none")  # noqa: TRY301 - as json raises
        except UnicodeEncodeError:
            return _no_utf8(lines)
        except (ValueError, RecursionError) as error:
            return Damage(
                f"cannot read {{}}: line {lines.count} is no object of JSON ({shown(error, 120)})",
                'write one object in each line, such as {"day": "2026-01-31", "amount": 40}',
            )
    return set()


def _no_utf8(lines: _Lines) -> Damage:
    return Damage(
        f"{{}} is not UTF-8, see line {lines.count}",
        "save it as UTF-8; spreadsheets call it CSV UTF-8",
    )


def first_cell(file: File, column: str, fits: Callable[[str], bool]) -> Cell | None:
    """Return the first cell of a column that does not fit; ``None`` if all do, or none is found."""
    found: Cell | None = None
    fitting = False
    try:
        for path, name in zip(file.paths, file.names, strict=True):
            for line, text in _texts(path, file.delimiter, column):
                if not text:
                    continue
                if fits(text):
                    fitting = True
                elif found is None:
                    found = Cell(text, line, rare=False, file=name if file.names[1:] else "")
                if found is not None and fitting:
                    return found._replace(rare=True)
    except (*_UNREADABLE, csv.Error, ValueError):  # could be read: only the cell is not told
        return None
    return found


def _texts(path: Path, delimiter: str | None, column: str) -> Iterator[tuple[int, str]]:
    """Return the cells of a column as texts, with their lines."""
    with _opened(path) as stream:
        lines = _Lines(stream)
        if delimiter is None:
            for text in lines:
                cell = json.loads(text).get(column) if text.strip() else None
                if cell is not None:
                    yield lines.count, cell if isinstance(cell, str) else json.dumps(cell)
            return
        records = _records(lines, delimiter)
        position = next(records)[1].index(column)
        for line, record in records:
            if position < len(record):
                yield line, record[position]


def is_number(text: str) -> bool:
    """Return whether a cell of a CSV file is read as a number.

    >>> is_number("-1.5e3"), is_number("1,200.00"), is_number("007")
    (True, False, False)
    """
    return _NUMBER.fullmatch(text) is not None


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count:,} cells"
