"""Raw rows for the tests of runs: drawn from a fixed seed, written as CSV and as Parquet.

Knows nothing of metrictree. Every cell is a text first, empty for null; DuckDB gives it its type.
"""

from __future__ import annotations

import csv
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

SHOP = {
    "moment": "timestamp",
    "day": "date",
    "zoned": "timestamptz",
    "written": "varchar",
    "country": "varchar",
    "channel": "varchar",
    "size": "integer",
    "member": "boolean",
    "customer": "bigint",
    "status": "varchar",
    "price": "decimal(12, 2)",
    "fee": "double",
    "score": "double",
    "quantity": "integer",
}
"""The columns of the shop and their types in Parquet.

The first four tell when a row happened: the same in UTC, but for ``written``, where a third of the
texts are days, a third times without a zone, and a third times with one.
"""

COUNTRIES = ("de", "de", "de", "fr", "fr", "NO", 'Curaçao, "W"', "", "")
CHANNELS = ("web", "web", "app", "shop", "")
STATUSES = ("paid", "paid", "paid", "open", "sent", "")
OFFSETS = (-600, -210, 0, 60, 120, 345, 660)
"""Minutes ahead of UTC."""
ENDS = (
    "2024-01-01 00:00:00",
    "2024-03-31 23:59:59.999999",
    "2024-04-01 00:00:00",
    "2024-12-31 23:30:00",
    "2024-02-29 12:00:00",
)
"""Where periods end, and the day does by clocks elsewhere."""


def shop_rows(rows: int = 700, seed: int = 4) -> list[tuple[str, ...]]:
    """Return the rows of the shop as texts.

    No row is in June and July of 2024 nor between Christmas and New Year; the country `xx` holds
    nothing that can be added up; `es` sells in one month only; some rows are there twice.
    """
    random_ = random.Random(seed)  # noqa: S311 - no secret
    begin = datetime.fromisoformat("2023-12-11 05:30")
    made: list[tuple[str, ...]] = []
    while len(made) < rows:
        moment = begin + timedelta(seconds=random_.randrange(430 * 86_400))
        if moment.month in (6, 7) or (moment.month == 12 and moment.day > 24):
            continue
        country = random_.choice(COUNTRIES)
        if moment.year == 2024 and moment.month == 9 and random_.random() < 0.5:
            country = "es"
        row = _shop_row(random_, moment, country)
        made.append(row)
        if random_.random() < 0.05:
            made.append(row)
        if random_.random() < 0.03:
            nothing = _shop_row(random_, moment, "xx")
            made.append((*nothing[:10], "", "", random_.choice(("", "nan")), ""))
    made += [_shop_row(random_, datetime.fromisoformat(end), "de") for end in ENDS]
    random_.shuffle(made)
    return made


def _shop_row(random_: random.Random, moment: datetime, country: str) -> tuple[str, ...]:
    draw = random_.random
    score = random_.choice(("nan", "", *[f"{random_.uniform(-5, 60)!r}"] * 8))
    return (
        str(moment),
        str(moment.date()),
        f"{moment}+00",
        _written(random_, moment),
        country,
        random_.choice(CHANNELS),
        random_.choice(("", "1", "2", "10")),
        random_.choice(("true", "false", "")),
        "" if draw() < 0.05 else str(random_.randrange(1, 90)),
        random_.choice(STATUSES),
        "" if draw() < 0.1 else f"{random_.randrange(-2_000, 60_000) / 100:.2f}",
        "" if draw() < 0.1 else str(random_.randrange(1, 9_000) / 100),
        score,
        "" if draw() < 0.1 else str(random_.randrange(5)),
    )


def _written(random_: random.Random, moment: datetime) -> str:
    kind = random_.randrange(3)
    if kind == 0:
        return str(moment.date())
    if kind == 1:
        return moment.isoformat(random_.choice(" T"))
    ahead = random_.choice(OFFSETS)
    there = moment + timedelta(minutes=ahead)
    if ahead == 0:
        return f"{there.isoformat()}Z"
    sign, minutes = "-" if ahead < 0 else "+", abs(ahead)
    return f"{there.isoformat('T')}{sign}{minutes // 60:02}:{minutes % 60:02}"


# --- money


def money_rows(rows: int = 6_000, seed: int = 7) -> list[tuple[str, ...]]:
    """Return amounts of which nearly all are whole, but for some of the last ones."""
    random_ = random.Random(seed)  # noqa: S311 - no secret
    made = []
    for row in range(rows):
        late = row > rows - 500 and random_.random() < 0.3
        cells = (
            str(random_.randrange(1_000_000) / (100 if late else 1)),
            str(random_.randrange(1_000_000) / (10_000 if late else 100)),
            str(random_.randrange(100_000) / (1e9 if late else 1)),
            f"{random_.randrange(10**12) / 10_000:.4f}",
            f"{random_.randrange(10**11)}.{random_.randrange(100):02}",
            str(random_.randrange(-1_000, 2**40)),
        )
        empty = random_.random() < 0.05
        made.append((random_.choice(("a", "b", "")), *("" if empty else cell for cell in cells)))
    return made


# --- clocks

ZONES = {
    "Europe/Berlin": (2024, 2025),
    "America/New_York": (2024, 2025),
    "Australia/Lord_Howe": (2024, 2025),  # half an hour
    "Asia/Kathmandu": (1985, 1986),  # once, by a quarter of an hour
    "Pacific/Apia": (2011, 2012),  # there was no 2011-12-30
    "America/Sao_Paulo": (2018, 2019),  # at midnight: a day began at 1 o'clock
    "Africa/Casablanca": (2024, 2025),  # ahead by an hour but for Ramadan
    "America/St_Johns": (2010, 2011),  # from one past midnight, into the day before
    "Asia/Kolkata": (2024, 2024),  # never
}
"""Zones, and the years in which their clocks are looked at."""

CLOCK = {"moment": "timestamp", "zoned": "timestamptz", "day": "date", "value": "integer"}


def clock_rows(zone: str, years: tuple[int, int], seed: int = 11) -> list[tuple[str, ...]]:
    """Return moments of UTC: all around the changes of a clock, and the ends of its days."""
    random_ = random.Random(seed)  # noqa: S311 - no secret
    first, last = (
        datetime.fromisoformat(f"{year}-{end}")
        for year, end in zip(years, ("01-01", "12-31"), strict=True)
    )
    moments = {
        change + timedelta(minutes=minutes)
        for change in _changes(zone, first, last)
        for minutes in range(-26 * 60, 26 * 60, 10)
    }
    day = first
    while day < last:
        offset = _ahead(zone, day)
        moments |= {day - offset + timedelta(microseconds=each) for each in (-1, 0)}
        day += timedelta(days=random_.randrange(1, 60))
    return [
        (str(moment), f"{moment}+00", str(moment.date()), str(random_.randrange(1, 100)))
        for moment in sorted(moments)
    ]


def _ahead(zone: str, moment: datetime) -> timedelta:
    ahead = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset()
    assert ahead is not None
    return ahead


def _changes(zone: str, first: datetime, last: datetime) -> Iterator[datetime]:
    """Return the hours after which a clock shows another offset."""
    at = first
    while at < last:
        after = at + timedelta(hours=1)
        if _ahead(zone, at) != _ahead(zone, after):
            yield after
        at = after


# --- files


def write_csv(path: Path, names: Iterable[str], rows: Iterable[Sequence[str]]) -> None:
    """Write rows with a header."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(names)
        writer.writerows(rows)


def write_parquet(connection: Any, path: Path, source: Path, types: Mapping[str, str]) -> None:
    """Write a CSV file as Parquet with the types of its columns."""
    columns = ", ".join(f"'{name}': '{dtype}'" for name, dtype in types.items())
    connection.execute(
        f"copy (from read_csv('{source}', header = true, columns = {{{columns}}})) to '{path}'"
    )
