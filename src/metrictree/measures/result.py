"""What a run gives back: rows of plain values, each missing one with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from metrictree.engines.series import WhySeries, evaluate_series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path
    from typing import IO

    from metrictree.engines.base import Reason
    from metrictree.formula import Formula
    from metrictree.formula.meaning import Rule
    from metrictree.schema import Metric

__all__ = ["Origins", "Period", "RunResult"]


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
    skipped: int = 0
    """Rows before the first one of the result, of periods that only functions over time look at."""
    _found: dict[int, WhySeries] = field(default_factory=dict, repr=False)

    def why(self, row: int, metric: str) -> Reason:
        """Return why a metric is missing in a row of the result."""
        row += self.skipped
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


class Period(NamedTuple):
    """A period of a run: the days of it that count, and those that it is compared with.

    >>> from datetime import date
    >>> may, june = date(1998, 5, 1), date(1998, 6, 1)
    >>> before = (may, date(1998, 5, 20))
    >>> Period(june, june, date(1998, 6, 20), False, before, True).days
    20
    """

    start: date
    """The first day of the period, by which it is named."""
    first: date
    """The first day that counts: that of the period, or a later one of the span of the run."""
    last: date
    """The last day that counts: that of the period, of the span, or of the data. It lies before
    ``first`` where the data ends before the period."""
    complete: bool
    """Whether all days of the period count."""
    compared: tuple[date, date] | None = None
    """The first and the last day of what it is compared with; ``None`` if there is nothing."""
    like_for_like: bool = False
    """Whether the days that it is compared with were cut to be as many as its own."""
    lacks: bool = False
    """Whether the data has not all days of the period that it is compared with."""

    @property
    def days(self) -> int:
        """How many days count."""
        return max((self.last - self.first).days + 1, 0)


@dataclass(frozen=True, slots=True, repr=False)
class RunResult:
    """The values of a run: one row for each period and group.

    The rows go by period, and in each period by group: every period has the same groups in the
    same order, those of all values of a dimension (``totals``) last. So row number ``n`` belongs to
    ``periods[n // groups]``. At the grain `all` there are no periods, and a row for each group.

    A row holds what ``columns`` names: the first day of its period, its dimensions, what tells
    about the row, and the values of its metrics. ``None`` is a missing value, the group of rows
    whose dimension is null, or, in a row of totals, all values of the dimension.
    """

    grain: str
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    origins: Origins = field(compare=False)
    totals: bool = False
    """Whether there are rows for all values of dimensions, and the column that tells them."""
    compare: str | None = None
    """What each period is compared with: previous, year_ago or a period such as 1997-04."""
    periods: tuple[Period, ...] = ()
    """Oldest first; none at the grain `all`."""
    ends: Mapping[str, date] = field(default_factory=dict, hash=False)
    """The last day of each source, if they differ: rows after the first of these do not count.
    ``as_of`` says which day it is in truth."""
    idle: tuple[str, ...] = ()
    """Sources of which nothing counts, although days or conditions were chosen."""
    protected: Mapping[Path, str] = field(default_factory=dict, compare=False)
    """What the run was made from, and the tree's other sources: a file, and what it is."""
    shown: Mapping[str, Metric] = field(default_factory=dict, compare=False)
    """The metrics by id: how their values are shown."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of the columns that tell what a row is: those before the values of metrics.

        They are the grain, the dimensions, `total` (the dimensions over which a row of totals
        goes, null in others), `complete`, and the days it is compared with, `compared_from` and
        `compared_to`; each only if the run has it.
        """
        periods = self.grain != "all"
        return (
            *([self.grain] if periods else []),
            *self.dimensions,
            *(["total"] if self.totals else []),
            *(["complete"] if periods else []),
            *(["compared_from", "compared_to"] if self.compare is not None else []),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns; in comparisons each metric has four."""
        ends = ("",) if self.compare is None else ("", "_before", "_change", "_growth")
        return (*self.keys, *(metric + end for metric in self.metrics for end in ends))

    @property
    def groups(self) -> int:
        """How many groups each period has, rows of totals included."""
        return len(self.rows) // len(self.periods) if self.periods else len(self.rows)

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

    def to_frame(self, library: str = "polars") -> Any:
        """Return the rows as a frame of a library: polars, pandas or pyarrow.

        Raises:
            UsageError: the library is none of these.
            MissingExtraError: it is not installed.
        """
        from metrictree.measures.writing import to_frame

        return to_frame(self, library)

    def write(self, target: str | Path | IO[str], format: str | None = None) -> None:  # noqa: A002
        """Write the rows to a file, or as text to an open stream.

        The format is csv, jsonl, parquet or markdown, and goes by the end of the file's name
        (.csv, .jsonl, .parquet or .md) if it is not given. A file is there in whole or not at all,
        even if the program is killed.

        CSV, JSON lines and Parquet hold the values as they are: numbers to the last digit, a
        missing value as an empty cell or null. In CSV a text that a spreadsheet would take for a
        formula gets an apostrophe before it. Parquet has the metrics' units in its metadata and is
        written with DuckDB. Markdown is for reading, and rounds.

        Raises:
            UsageError: the file cannot be written, or is one of the tree's own or of its sources;
                or its format is not known.
            MissingExtraError: Parquet is asked for, and DuckDB is not installed.
        """
        from metrictree.measures.writing import write

        write(self, target, format)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        from metrictree.render.table import render_first

        return render_first(self)

    def _repr_html_(self) -> str:
        from metrictree.render.table import render_html

        return render_html(self)
