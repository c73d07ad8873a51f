"""Tables of a shop for benchmarks of runs: the same rows whenever as many are asked for.

Every value is computed from the number of its row, so that neither threads nor random state count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from pathlib import Path

SEED = 7
COUNTRIES = ["DE", "FR", "GB", "IT", "ES", "NL", "PL", "AT"]
CHANNELS = ["web", "app", "store", "phone"]
STATUSES = ["paid", "open", "cancelled", "refunded"]
DAYS = 729
"""From the first day of 2024 on: late rows fill the last two of 24 months."""

CHANCES = (
    *("late", "no_country", "country", "channel", "no_status", "status", "customer"),
    *("amount", "no_price", "price", "no_seconds", "seconds", "quantity"),
)
"""What a row is decided on by a number from 0 to 1 that it has for this."""

# Rows lie in a table as they came in: by time, but up to two days late. Some countries, states and
# customers are common, others rare, and some cells are empty.
ROWS = """
select
    timestamp '2024-01-01' + to_microseconds(
        cast((n / {rows} * {days} + 2 * {late} ** 4) * 86_400_000_000 as bigint)
    ) as ordered_at,
    case when {no_country} >= 0.02 then {countries}[1 + cast(floor(8 * {country} ** 2) as int)] end
        as country,
    {channels}[1 + cast(floor(4 * {channel} ** 2) as int)] as channel,
    case when {no_status} >= 0.01 then {statuses}[1 + cast(floor(4 * {status} ** 3) as int)] end
        as status,
    cast(floor({customers} * {customer} ** 2) as bigint) as customer_id,
    cast(5 + 400 * {amount} ** 3 as decimal(12, 2)) as amount,
    case when {no_price} >= 0.01 then round(1 + 150 * {price} ** 2, 2) end as price,
    case when {no_seconds} >= 0.05 then 30 - 600 * ln(1 - {seconds}) end as seconds,
    1 + cast(floor(5 * {quantity} ** 3) as int) as quantity
from range({rows}) as numbers(n)
"""


def table(folder: Path, rows: int) -> Path:
    """Return a Parquet file of so many rows, written now if the folder has none."""
    path = folder / f"orders_{rows}.parquet"
    if path.exists():
        return path
    chances = {
        # The last 53 bits of a hash, as a part of 1. A hash of two values would not do: those of
        # one row with different seconds differ in the same bits.
        name: f"((hash(n * 100 + {SEED * 10**15 + place}) & {2**53 - 1}) / {2**53}::double)"
        for place, name in enumerate(CHANCES)
    }
    text = ROWS.format(
        rows=rows,
        days=DAYS,
        customers=max(rows // 20, 1),
        countries=COUNTRIES,
        channels=CHANNELS,
        statuses=STATUSES,
        **chances,
    )
    written = path.with_suffix(".part")  # what is stopped halfway is not taken for a table
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute(f"copy ({text}) to '{written}' (format parquet)")
    written.rename(path)
    return path
