"""Clocks of zones: what they show is what Python's `zoneinfo` shows, to the microsecond."""

# ruff: noqa: DTZ001, DTZ901 - moments are in UTC here, and what clocks show has no zone

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

import narwhals as nw
import pytest

from metrictree.engines.frames.libraries import LIBRARIES
from metrictree.measures.zones import FIRST_YEAR, LAST_YEAR, Clock, is_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

polars = pytest.importorskip("polars")

ENGINE = LIBRARIES["polars"].engine
TICK = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def by_python(zone: str, moment: datetime) -> datetime:
    """Return what the clock of a zone shows, without any help of ours."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def shown(clock: Clock, moments: Sequence[datetime]) -> list[datetime]:
    frame = nw.from_native(polars.DataFrame({"at": moments}, schema={"at": polars.Datetime("us")}))
    found: list[datetime] = frame.select(clock.shown(nw.col("at"), ENGINE))["at"].to_list()
    return found


def check(zone: str, low: datetime, high: datetime, moments: Iterable[datetime] = ()) -> Clock:
    """Compare a clock with Python's at moments, at its ends, and around each of its changes."""
    clock = Clock(zone, low, high)
    asked = [low, high, *moments]
    for at, after in clock.changes:
        assert by_python(zone, at) == at + after
        assert by_python(zone, at - TICK) != at - TICK + after, "no change at all, or earlier"
        asked += [at - SECOND, at - TICK, at, at + TICK, at + SECOND]
    asked = [moment for moment in asked if low <= moment <= high]
    wrong = [
        (str(moment), str(mine), str(by_python(zone, moment)))
        for moment, mine in zip(asked, shown(clock, asked), strict=True)
        if mine != by_python(zone, moment)
    ]
    assert not wrong
    return clock


def moments_between(low: datetime, high: datetime, count: int, seed: object) -> list[datetime]:
    draw = random.Random(str(seed))  # noqa: S311 - no secret
    span = (high - low) // TICK
    return [low + TICK * draw.randint(0, span) for _ in range(count)]


ZONES = sorted(available_timezones() - {"localtime"})
SAMPLED = random.Random(4).sample(ZONES, min(len(ZONES), 120))  # noqa: S311 - no secret


@pytest.mark.parametrize("zone", SAMPLED)
def test_a_clock_shows_what_python_shows(zone: str) -> None:
    years = random.Random(zone).sample(range(1900, 2040), 2)  # noqa: S311 - no secret
    for year in sorted(years):
        low, high = datetime(year, 3, 7, 5, 41, 7, 999_999), datetime(year + 8, 1, 1)
        check(zone, low, high, moments_between(low, high, 40, zone))


WHOLE = [
    "Africa/Casablanca",  # behind in Ramadan: four changes a year, some of them weeks apart
    "Africa/Monrovia",  # ahead by -00:44:30 until 1972
    "America/Caracas",  # half an hour in 2007 and in 2016
    "America/Juneau",  # a day was there twice in 1867
    "America/St_Johns",  # half hours, changed at one minute past midnight
    "Antarctica/Troll",  # two hours
    "Asia/Kathmandu",  # a quarter of an hour
    "Asia/Manila",  # a day was left out in 1844
    "Australia/Lord_Howe",  # half an hour of summer time
    "Europe/Amsterdam",  # 20 minutes
    "Europe/Berlin",  # double summer time
    "Europe/Dublin",  # winter time is the exception: an hour less
    "Pacific/Apia",  # a day was left out in 2011
    "Pacific/Kwajalein",  # and in 1993
]


@pytest.mark.parametrize("zone", WHOLE)
def test_a_clock_shows_what_python_shows_from_the_first_year_to_the_last(zone: str) -> None:
    if zone not in ZONES:
        pytest.skip("the zone is not known here")
    low, high = datetime(FIRST_YEAR, 1, 1), datetime(LAST_YEAR, 12, 31, 23, 59, 59, 999_999)
    clock = check(zone, low, high, moments_between(low, high, 300, zone))
    assert len(clock.changes) > 1
    assert [at for at, _ in clock.changes] == sorted({at for at, _ in clock.changes})


def test_no_clock_was_ever_changed_twice_within_a_day() -> None:
    """Or a change would be passed over: looked for every half hour where clocks were changed."""
    for zone in SAMPLED[:40]:
        clock = Clock(zone, datetime(1910, 1, 1), datetime(1950, 1, 1))
        for at, _ in clock.changes:
            steps = [by_python(zone, at + n * DAY / 48) - at - n * DAY / 48 for n in range(-48, 49)]
            assert sum(a != b for a, b in pairwise(steps)) == 1, (zone, at)


@pytest.mark.parametrize(
    ("zone", "low", "high", "changes"),
    [
        # Summer time but for Ramadan.
        ("Africa/Cairo", "2014-05-01", "2014-10-01", 4),
        ("Africa/Casablanca", "2012-04-01", "2012-10-31", 4),
        ("Europe/Dublin", "2024-01-01", "2024-12-31", 2),
        ("Europe/Berlin", "2025-01-01", "2025-03-29", 0),
        ("Europe/Berlin", "2025-03-30", "2025-03-30 02:00", 1),
        ("Asia/Tokyo", "1960-01-01", "2200-01-01", 0),
        ("Etc/GMT+12", "1800-01-01", "2200-01-01", 0),
    ],
)
def test_every_change_of_a_span_is_found(zone: str, low: str, high: str, changes: int) -> None:
    clock = check(zone, datetime.fromisoformat(low), datetime.fromisoformat(high))
    last = datetime.fromisoformat(high)
    assert len([at for at, _ in clock.changes if at <= last]) == changes


def test_a_change_is_found_to_the_second_whenever_the_first_row_was() -> None:
    for low in ("2025-03-30", "2025-03-30 00:59:59.999999", "2025-03-29 13:17:31.500001"):
        clock = check("Europe/Berlin", datetime.fromisoformat(low), datetime(2025, 4, 1))
        assert clock.changes[0] == (datetime(2025, 3, 30, 1), timedelta(hours=2))


def test_before_the_first_year_clocks_show_the_mean_time_of_their_place() -> None:
    low = datetime(2, 1, 1)
    moments = moments_between(low, datetime(1850, 1, 1), 100, "mean time")
    for zone in ("Europe/Berlin", "America/New_York", "Asia/Manila"):
        clock = check(zone, low, datetime(1900, 1, 1), moments)
        assert all(at.year >= FIRST_YEAR for at, _ in clock.changes)


def test_nothing_stays_nothing() -> None:
    frame = polars.DataFrame({"at": [None, datetime(2025, 7, 1)]})
    clock = Clock("Europe/Berlin", datetime(2025, 1, 1), datetime(2025, 12, 31))
    found = nw.from_native(frame).select(clock.shown(nw.col("at"), ENGINE))["at"].to_list()
    assert found == [None, datetime(2025, 7, 1, 2)]


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("Asia/Tokyo", datetime(2025, 1, 31, 15), date(2025, 2, 1)),
        ("America/New_York", datetime(2025, 2, 1, 4, 59), date(2025, 1, 31)),
        ("Pacific/Apia", datetime(2011, 12, 30, 9, 59, 59), date(2011, 12, 29)),
        ("Pacific/Apia", datetime(2011, 12, 30, 10), date(2011, 12, 31)),
        # Where the clock would show a day that no calendar has.
        ("America/New_York", datetime.min, date.min),
        ("Asia/Tokyo", datetime.max, date.max),
    ],
)
def test_a_moment_is_on_a_day_of_the_clock(zone: str, moment: datetime, day: date) -> None:
    assert Clock(zone, datetime(2011, 1, 1), datetime(2011, 12, 31)).time(moment).date() == day


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Asia/Kolkata"])
def test_the_moment_in_which_a_day_begins_is_on_that_day(zone: str) -> None:
    clock = Clock(zone, datetime(2025, 1, 1), datetime(2025, 12, 31))
    for number in range(365):
        day = date(2025, 1, 1) + number * DAY
        begin = clock.moment(day)
        assert by_python(zone, begin) == datetime(day.year, day.month, day.day)
        assert clock.time(begin).date() == day
        assert clock.time(begin - TICK).date() == day - DAY


def test_utc_is_known_by_all_of_its_names() -> None:
    names = [zone for zone in ZONES if is_utc(zone)]
    assert {"UTC", "Etc/UTC"} <= set(names)
    assert is_utc(None)
    for zone in names:
        assert Clock(zone, datetime(FIRST_YEAR, 1, 1), datetime(1990, 1, 1)).changes == []
        assert by_python(zone, datetime(2025, 7, 1)) == datetime(2025, 7, 1)
    assert not is_utc("Europe/London")
