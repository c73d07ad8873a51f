"""Make visits.parquet and orders.csv, the tables of this example: always the same ones.

Usage: python make_data.py [FOLDER]

The shop and its customers are invented. Only `Random.random` is asked for chance: Python promises
that its numbers stay the same in later versions.
"""

from __future__ import annotations

import csv
import random
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Choice = TypeVar("Choice")

SEED = 20260618
ZONE = ZoneInfo("Europe/Berlin")
FIRST = date(2026, 1, 1)
EXPORTED = datetime(2026, 6, 18, 11, 0, tzinfo=ZONE)
"""When the tables were written: what happened later is not in them."""
CAMPAIGN = date(2026, 4, 1)
"""From this day on the shop buys many more advertisements."""

VISITS = 290
"""Visits on an ordinary day."""
WEEKDAYS = (1.0, 0.95, 1.0, 1.05, 1.25, 0.95, 0.8)
OCCASIONS = {
    # Valentine's Day
    date(2026, 2, 11): 1.4,
    date(2026, 2, 12): 1.9,
    date(2026, 2, 13): 3.0,
    date(2026, 2, 14): 3.4,
    # Women's Day
    date(2026, 3, 7): 1.7,
    date(2026, 3, 8): 1.9,
    # Mother's Day
    date(2026, 5, 7): 1.6,
    date(2026, 5, 8): 2.2,
    date(2026, 5, 9): 3.4,
    date(2026, 5, 10): 3.2,
}
"""How many times more visits there are on some days; they also lead to more orders."""
HOURS = (2, 1, 1, 0.5, 0.5, 1, 2, 4, 6, 7, 7, 7, 8, 7, 6, 6, 6, 7, 8, 9, 9, 8, 6, 4)
"""How many of a day's visits begin in each hour, by the clock of the shop."""

CHANNELS = {"search": 0.45, "ads": 0.12, "email": 0.14, "social": 0.13, None: 0.16}
CAMPAIGN_CHANNELS = {"search": 0.34, "ads": 0.33, "email": 0.11, "social": 0.10, None: 0.12}
"""Where visits come from; `None` for people who do not want to be asked."""
DEVICES = {"phone": 0.61, "desktop": 0.32, "tablet": 0.07}
ORDER_RATES = {"search": 0.046, "ads": 0.017, "email": 0.071, "social": 0.013, None: 0.039}
"""How many visits of an ordinary day lead to an order."""
OCCASION_RATE = 1.8
BOUQUETS = {"19.90": 0.22, "24.90": 0.31, "29.90": 0.24, "39.90": 0.16, "59.00": 0.07}
EXTRAS = {"0.00": 0.7, "4.50": 0.2, "7.95": 0.1}


class Visit(NamedTuple):
    """A visit of the website."""

    visit_id: int
    started_at: datetime
    visitor_id: int
    channel: str | None
    device: str


class Order(NamedTuple):
    """An order of one bouquet."""

    order_id: int
    ordered_at: datetime
    customer_id: int
    channel: str | None
    amount_eur: str
    late: bool


class Chance:
    """Choices by chance, made of nothing but numbers between 0 and 1."""

    def __init__(self, seed: int) -> None:
        self.number = random.Random(seed).random  # noqa: S311 - data, no secret

    def happens(self, probability: float) -> bool:
        """Return whether something of this probability happens."""
        return self.number() < probability

    def below(self, count: int) -> int:
        """Return a whole number from 0 on."""
        return int(self.number() * count)

    def choose(self, weights: Mapping[Choice, float]) -> Choice:
        """Return one of the keys."""
        left = self.number() * sum(weights.values())
        for choice, weight in weights.items():
            left -= weight
            if left < 0:
                return choice
        return choice


def make() -> tuple[list[Visit], list[Order]]:
    """Return all visits and all orders, each in the order of time."""
    chance = Chance(SEED)
    visits = sorted(_visits(chance), key=lambda visit: visit.started_at)
    orders = sorted(_orders(chance, visits), key=lambda order: order.ordered_at)
    return (
        [visit._replace(visit_id=number) for number, visit in enumerate(visits, 1)],
        [order._replace(order_id=number) for number, order in enumerate(orders, 1)],
    )


def _visits(chance: Chance) -> Iterator[Visit]:
    known = 0
    hours = dict(enumerate(HOURS))
    for number in range((EXPORTED.date() - FIRST).days + 1):
        day = FIRST + timedelta(number)
        usual = VISITS * WEEKDAYS[day.weekday()] * OCCASIONS.get(day, 1.0)
        channels = CHANNELS if day < CAMPAIGN else CAMPAIGN_CHANNELS
        for _ in range(round(usual * (0.88 + 0.24 * chance.number()))):
            clock = datetime(day.year, day.month, day.day, chance.choose(hours), tzinfo=ZONE)
            # An hour that a change of the clock leaves out or repeats is read as its first one.
            at = clock.astimezone(UTC) + timedelta(seconds=chance.below(3600))
            if known > 50 and chance.happens(0.45):
                visitor = known - chance.below(min(known, 4_000))
            else:
                known += 1
                visitor = known
            visit = Visit(0, at, visitor, chance.choose(channels), chance.choose(DEVICES))
            if at < EXPORTED:
                yield visit


def _orders(chance: Chance, visits: list[Visit]) -> Iterator[Order]:
    for visit in visits:
        busy = visit.started_at.astimezone(ZONE).date() in OCCASIONS
        rate = ORDER_RATES[visit.channel] * (OCCASION_RATE if busy else 1.0)
        if not chance.happens(rate * (0.85 if visit.device == "phone" else 1.2)):
            continue
        if chance.happens(0.14) and not busy:  # some sleep on it
            delay = timedelta(days=1 + chance.below(6), seconds=chance.below(80_000))
        else:
            delay = timedelta(seconds=90 + chance.below(2_400))
        cents = sum(int(chance.choose(part).replace(".", "")) for part in (BOUQUETS, EXTRAS))
        amount = f"{cents // 100}.{cents % 100:02}"
        late = chance.happens(0.15 if busy else 0.05)
        at = visit.started_at + delay
        if at < EXPORTED:
            yield Order(0, at, visit.visitor_id, visit.channel, amount, late)


def write(folder: Path) -> None:
    """Write both tables."""
    import duckdb

    visits, orders = make()
    _write_csv(folder / "orders.csv", Order._fields, orders)
    with tempfile.TemporaryDirectory() as scratch:
        _write_csv(Path(scratch) / "visits.csv", Visit._fields, visits)
        columns = "bigint", "timestamptz", "bigint", "varchar", "varchar"
        typed = dict(zip(Visit._fields, columns, strict=True))
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            rows = connection.read_csv(f"{scratch}/visits.csv", header=True, columns=typed)
            rows.write_parquet(str(folder / "visits.parquet"), compression="zstd")


def _write_csv(path: Path, names: tuple[str, ...], rows: list[Visit] | list[Order]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value).lower() if isinstance(value, bool) else value


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
