"""CSV files as an editor shows them, line by line: looked at only to say what is wrong with one."""

from __future__ import annotations

import csv
import re
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from metrictree.engines.frames.rows import Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["DAY", "Damage", "File", "first_cell", "is_day", "is_number", "look_at"]

DAY: Final = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?( ?(Z|UTC|\+00(:?00)?))?)?"
)
"""The text of a day, or of a time without a time zone or in UTC."""
_DAY: Final = re.compile(DAY)
_NUMBER: Final = re.compile(
    r"[ \t]*-?(((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?|inf(inity)?|nan)",
    re.IGNORECASE,
)
"""What DuckDB's reader takes for a number."""


class File(NamedTuple):
    """A file of rows: Parquet if it has no delimiter."""

    path: Path
    delimiter: str | None


class Damage(NamedTuple):
    """What is wrong with a CSV file; ``{}`` stands for its name."""

    message: str
    help: str


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


def _records(file: File, lines: _Lines) -> Iterator[tuple[int, list[str]]]:
    """Return each record with the line in which it begins."""
    for record in csv.reader(lines, delimiter=file.delimiter or ",", strict=True):
        yield lines.begin, record
        lines.begin = lines.count + 1


def look_at(file: File) -> Damage | set[str]:
    """Return what is wrong with a CSV file; if nothing is found, in which ways its records end.

    Raises:
        OSError: the file cannot be read.
    """
    ends: set[str] = set()
    width = 0
    with file.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        lines = _Lines(stream)
        try:
            for begin, record in _records(file, lines):
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
                        f"repair the line; a text with `{file.delimiter}` in it stands in quotes",
                    )
        except UnicodeEncodeError:
            return Damage(
                f"{{}} is not UTF-8, see line {lines.count}",
                "save it as UTF-8; spreadsheets call it CSV UTF-8",
            )
        except csv.Error as error:
            if "field larger" in str(error):
                return set()  # no further can be looked
            return Damage(
                f"cannot read {{}}: the quotes do not match, see line {lines.begin}",
                "a text with a quote in it stands in quotes, its own quote is written twice",
            )
    return ends - {""}


def first_cell(file: File, position: int, fits: Callable[[str], bool]) -> Cell | None:
    """Return the first cell of a column that does not fit; ``None`` if all do, or none is found."""
    found: Cell | None = None
    fitting = False
    try:
        with file.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            records = _records(file, _Lines(stream))
            next(records, None)
            for line, record in records:
                text = record[position] if position < len(record) else ""
                if not text:
                    continue
                if fits(text):
                    fitting = True
                elif found is None:
                    found = Cell(text, line, rare=False)
                if found is not None and fitting:
                    break
    except (
        OSError,
        csv.Error,
        UnicodeEncodeError,
    ):  # DuckDB could read it: only the cell is not told
        return None
    return found and found._replace(rare=fitting)


def is_number(text: str) -> bool:
    """Return whether a cell of a CSV file is read as a number.

    >>> is_number("-1.5e3"), is_number("1,200.00"), is_number("007")
    (True, False, False)
    """
    return _NUMBER.fullmatch(text) is not None


def is_day(text: str) -> bool:
    """Return whether a text tells a day: its own, or the one in UTC.

    >>> is_day("2026-01-31"), is_day("2026-01-31T10:00:00Z"), is_day("2026-02-30")
    (True, True, False)
    """
    if _DAY.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count:,} cells"
