"""Time zones: moments of UTC -> what a clock of a zone shows, on every engine the same.

The changes of a zone's clock come from Python's `zoneinfo` and become one expression of additions,
so no engine's own tables of zones take part.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import narwhals as nw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metrictree.engines.frames.layers import Engine

__all__ = ["FIRST_YEAR", "LAST_YEAR", "Clock", "is_utc"]

FIRST_YEAR: Final = 1800
LAST_YEAR: Final = 2200
"""Clocks are computed in these years; before the first, all show the mean time of their place."""
_UTC: Final = ("UTC", "Etc/UTC", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal")
_DAY: Final = timedelta(days=1)


def is_utc(zone: str | None) -> bool:
    """Whether a zone is the one of UTC; no zone at all is."""
    return zone is None or zone in _UTC


class Clock:
    """The clock of a zone between two moments.

    >>> clock = Clock("Europe/Berlin", datetime(2025, 1, 1), datetime(2025, 12, 31))
    >>> [str(moment) for moment, _ in clock.changes]
    ['2025-03-30 01:00:00', '2025-10-26 01:00:00']
    """

    def __init__(self, zone: str, low: datetime, high: datetime) -> None:
        self.zone = ZoneInfo(zone)
        # Clocks are changed at whole seconds.
        low = max(low.replace(microsecond=0), datetime(FIRST_YEAR, 1, 1))  # noqa: DTZ001 - of UTC
        self.first = self._offset(low)
        """What the clock is ahead of UTC at first."""
        self.changes: Sequence[tuple[datetime, timedelta]] = self._changes(low, high)
        """From which moment on it is ahead by how much."""

    def shown(self, moment: nw.Expr, engine: Engine) -> nw.Expr:
        """Return what the clock shows at moments of UTC."""
        return self._shown(moment, engine, self.first, self.changes)

    def time(self, moment: datetime) -> datetime:
        """Return what the clock shows at a moment of UTC.

        Where that is past the ends of the calendar, it is the first or the last time of UTC.
        """
        try:
            return moment + self._offset(moment)
        except OverflowError:
            return moment

    def moment(self, day: date) -> datetime:
        """Return the moment of UTC in which a day begins."""
        begin = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        return begin.astimezone(UTC).replace(tzinfo=None)

    def _shown(
        self,
        moment: nw.Expr,
        engine: Engine,
        before: timedelta,
        changes: Sequence[tuple[datetime, timedelta]],
    ) -> nw.Expr:
        """Return the expression as a tree, so that each row takes few comparisons."""
        if not changes:  # Ibis takes no negative spans
            return moment + before if before >= timedelta(0) else moment - -before
        half = len(changes) // 2
        at, after = changes[half]
        return (
            nw.when(moment < engine.time(at))
            .then(self._shown(moment, engine, before, changes[:half]))
            .otherwise(self._shown(moment, engine, after, changes[half + 1 :]))
        )

    def _offset(self, moment: datetime) -> timedelta:
        offset = moment.replace(tzinfo=UTC).astimezone(self.zone).utcoffset()
        assert offset is not None
        return offset

    def _changes(self, low: datetime, high: datetime) -> list[tuple[datetime, timedelta]]:
        """Return when the clock is changed: no zone has changed it twice within a day."""
        found = []
        at, offset = low, self.first
        while at <= high:
            end = at + _DAY
            after = self._offset(end)
            if after != offset:
                found.append((self._change(at, end, offset), after))
            at, offset = end, after
        return found

    def _change(self, low: datetime, high: datetime, before: timedelta) -> datetime:
        """Return the first moment, to the second, at which the clock is no longer as before."""
        seconds = int((high - low).total_seconds())
        first, last = 0, seconds
        while last - first > 1:
            middle = (first + last) // 2
            if self._offset(low + timedelta(seconds=middle)) == before:
                first = middle
            else:
                last = middle
        return low + timedelta(seconds=last)
