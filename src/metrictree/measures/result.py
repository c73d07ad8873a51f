"""What a run gives back: rows of plain values, each missing one with its reason."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

from metrictree.diagnostics import Diagnostic, shown, visible
from metrictree.engines.series import WhySeries, evaluate_series
from metrictree.errors import UsageError
from metrictree.formula.printer import number_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

    from metrictree.engines.base import Reason
    from metrictree.formula import Formula
    from metrictree.formula.meaning import Rule

__all__ = ["Origins", "Partial", "RunResult"]

_ROWS_SHOWN: Final = 20
_WIDEST: Final = 40
_ACTIVE: Final = re.compile(r"\s*[=+\-@\t\r]")
"""The beginning of a text that a spreadsheet would compute."""
_DIVIDING: Final = re.compile(r'[",\r\n]')
_EMPTY: Final = '""'
"""The line of a row with one missing value: a blank line would be skipped."""


@dataclass(frozen=True, slots=True)
class Origins:
    """What is needed to say why a value is missing."""

    formulas: Mapping[str, Formula]
    """Each after all that it uses."""
    aggregates: Mapping[str, str]
    """The aggregate of each measure."""
    leaves: Mapping[str, Sequence[float | None]]
    """The values of measures and constants, by row."""
    rules: Mapping[tuple[int, str], Rule]
    """By row and measure: why there is no value."""
    periods: int
    groups: int
    """Of each period; they stand in the same order in each."""
    over_time: bool
    """Whether a value depends on the periods before."""
    _found: dict[int, WhySeries] = field(default_factory=dict, repr=False)

    def why(self, row: int, metric: str) -> Reason:
        """Return why a metric is missing in a row."""
        if self.over_time:
            position, group = divmod(row, self.groups)
            if group not in self._found:
                rows = slice(group, None, self.groups)
                self._found[group] = self._of(rows, self.periods)
            reason = self._found[group](metric, position)
        else:
            if row not in self._found:
                self._found.clear()  # unlike groups, rows may be very many
                self._found[row] = self._of(slice(row, row + 1), 1)
            reason = self._found[row](metric, 0)
        rule = self.rules.get((row - reason.before * self.groups, reason.metric))
        if rule is None:
            return reason
        return replace(reason, rule=rule, formula=self.aggregates[reason.metric])

    def _of(self, rows: slice, periods: int) -> WhySeries:
        known: dict[str, Sequence[float | None]] = {
            leaf: column[rows] for leaf, column in self.leaves.items()
        }
        for metric, formula in self.formulas.items():
            known[metric] = evaluate_series(formula, known, periods)
        return WhySeries(self.formulas, known, periods)


class Partial(NamedTuple):
    """A period that the time span cuts: the days that count, where they are not all of them."""

    period: date
    first: date | None
    """The first day that counts; ``None`` if it is that of the period."""
    last: date | None
    """The last day that counts, likewise."""


@dataclass(frozen=True, slots=True, repr=False)
class RunResult:
    """The values of a run: one row for each period and group.

    A row holds the first day of its period (unless the grain is all time), its dimensions and its
    metrics, as ``columns`` names them. ``None`` is a missing value, or the group of rows whose
    dimension is null.
    """

    grain: str
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    origins: Origins = field(compare=False)
    partial: tuple[Partial, ...] = ()
    """The periods that the first or the last day of the time span cuts."""
    protected: Mapping[Path, str] = field(default_factory=dict, compare=False)
    """What the run was made from, and the tree's other sources: a file, and what it is."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns: the grain, the dimensions, the metrics."""
        period = () if self.grain == "all" else (self.grain,)
        return (*period, *self.dimensions, *self.metrics)

    def why(self, row: int, metric: str) -> Reason | None:
        """Return why a metric is missing in a row, from where it broke; ``None`` if it is there.

        Raises:
            IndexError: there is no such row.
            KeyError: the metric is not in the result.
        """
        row = range(len(self.rows))[row]
        if metric not in self.metrics:
            raise KeyError(metric)
        if self.rows[row][self.columns.index(metric)] is not None:
            return None
        return self.origins.why(row, metric)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return each row as a dictionary by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def write_csv(self, target: str | Path | TextIO) -> None:
        """Write the rows as CSV, to a file or to an open text stream.

        A file is there in whole or not at all. Numbers are written to the last digit, a missing
        value is an empty cell, and a text that a spreadsheet would take for a formula gets an
        apostrophe before it.

        Raises:
            UsageError: the file cannot be written, or is one of the tree's own or of its sources.
        """
        given: Any = target  # a caller may ignore the types
        if not isinstance(target, (str, Path)):
            if not callable(getattr(given, "write", None)):
                raise UsageError(
                    [
                        Diagnostic(
                            "VAL111",
                            f"cannot write to {shown(repr(given), 200)}, which is no file",
                            help="give a path or an open text stream",
                        )
                    ]
                )
            self._write(target)
            return
        path = Path(target)
        try:
            what = self._what_is(path)
            if what is not None:
                raise UsageError(
                    [
                        Diagnostic(
                            "VAL111",
                            f"{shown(target, 200)} is {what} of this tree",
                            help="choose another file",
                        )
                    ]
                )
            part = path.with_name(f".{path.name}.{uuid4().hex}.part")
            if path.exists() and not path.is_file():
                raise IsADirectoryError(0, "it is no file")
            try:
                with part.open("x", encoding="utf-8", newline="") as stream:
                    self._write(stream)
                os.replace(part, path)  # noqa: PTH105 - the only way that replaces on Windows too
            finally:
                with suppress(FileNotFoundError):
                    part.unlink()
        except (OSError, ValueError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise UsageError(
                [
                    Diagnostic(
                        "VAL111",
                        f"cannot write {shown(target, 200)}: {shown(why)}",
                        help="choose a file in a folder that is there and can be written",
                    )
                ]
            ) from None

    def _what_is(self, path: Path) -> str | None:
        """Return what a file is to the tree; ``None`` if it is none of its files."""
        resolved = path.resolve()
        for other, what in self.protected.items():
            if resolved == other:
                return what
            with suppress(OSError):  # one of them is not there
                if path.samefile(other):  # its name in other letters, or another link to it
                    return what
        return None

    def _write(self, stream: TextIO) -> None:
        for row in (self.columns, *self.rows):
            line = ",".join(_quoted(_cell(value)) for value in row)
            stream.write(f"{line or _EMPTY}\n")

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        lines = [list(map(visible, self.columns))]
        lines += [
            [_shown(value, metric=name in self.metrics) for name, value in self._named(row)]
            for row in self.rows[:_ROWS_SHOWN]
        ]
        widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
        first_metric = len(self.columns) - len(self.metrics)
        text = [
            "  ".join(
                cell.ljust(width) if position < first_metric else cell.rjust(width)
                for position, (cell, width) in enumerate(zip(cells, widths, strict=True))
            ).rstrip()
            for cells in lines
        ]
        if len(self) > _ROWS_SHOWN:
            text.append(f"... {len(self) - _ROWS_SHOWN:,} more rows")
        elif not self.rows:
            text.append("no rows")
        return "\n".join(text)

    def _named(self, row: tuple[Any, ...]) -> zip[tuple[str, Any]]:
        return zip(self.columns, row, strict=True)


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


def _shown(value: Any, *, metric: bool) -> str:
    if value is None:
        return "missing" if metric else "(none)"
    if isinstance(value, float):
        return number_text(value) if value.is_integer() else f"{value:.10g}"
    text = visible(_cell(value) if isinstance(value, bool) else str(value))
    return text if len(text) <= _WIDEST else text[: _WIDEST - 3] + "..."
