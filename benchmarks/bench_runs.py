"""Runs over raw rows: a tree of 20 measures and 10 formulas against the best SQL for its answer.

`bench_runs.py [--rows 1000000,10000000] [--parts time,memory,growth,engines] [--folder F]`

The answer is all metrics by month and country: null groups kept, sums of money exact, where it is
stored as decimals and where as floats with two digits. SQL has it in several ways; each is checked
to give it before anything is timed, and ours is held against the fastest one. Either side opens a
connection, reads the file and hands over rows of Python values.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from run_tables import table
from side_by_side import compare, print_machine, seconds

from metrictree import MetricTree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PAID, REFUNDED, APP = "status == 'paid'", "status == 'refunded'", "channel == 'app'"
MEASURES: Mapping[str, tuple[str, str | None]] = {
    "orders": ("count()", None),
    "paid_orders": ("count()", PAID),
    "refunded_orders": ("count()", REFUNDED),
    "app_orders": ("count()", f"{APP} and {PAID}"),
    "timed_orders": ("count(seconds)", None),
    "revenue": ("sum(amount)", None),
    "paid_revenue": ("sum(amount)", PAID),
    "refunds": ("sum(amount)", REFUNDED),
    "list_value": ("sum(price)", None),
    "paid_list_value": ("sum(price)", PAID),
    "units": ("sum(quantity)", None),
    "paid_units": ("sum(quantity)", PAID),
    "paid_gross": ("sum(price * quantity)", PAID),
    "handling": ("sum(seconds)", None),
    "app_handling": ("mean(seconds)", APP),
    "paid_amount": ("mean(amount)", PAID),
    "largest": ("max(amount)", None),
    "cheapest": ("min(price)", None),
    "customers": ("count_distinct(customer_id)", None),
    "spread": ("std(seconds)", None),
}
FORMULAS: Mapping[str, str] = {
    "net_revenue_per_customer": "net_revenue / customers",
    "net_revenue": "paid_revenue - refunds",
    "paid_share": "paid_orders / orders",
    "refund_share": "refunded_orders / paid_orders",
    "app_share": "app_orders / paid_orders",
    "order_value": "paid_revenue / paid_orders",
    "orders_per_customer": "orders / customers",
    "price_level": "paid_revenue / paid_list_value",
    "units_per_order": "units / orders",
    "handling_per_order": "handling / timed_orders",
}
METRICS = [*FORMULAS, *MEASURES]
EXACT = ("revenue", "paid_revenue", "refunds", "list_value", "paid_list_value", "net_revenue")
"""Money: equal to the last digit; the rest may differ by what the order of additions does."""


# --- ours


def tree(path: Path) -> MetricTree:
    measures = {
        metric: {
            "measure": {
                "source": "orders",
                "aggregate": aggregate,
                **({} if where is None else {"where": where}),
            }
        }
        for metric, (aggregate, where) in MEASURES.items()
    }
    text = {
        "north_star": next(iter(FORMULAS)),
        "sources": {"orders": {"path": path.name, "time": "ordered_at", "dimensions": ["country"]}},
        "metrics": {**FORMULAS, **measures},
    }
    document = path.with_suffix(".yml")
    document.write_text(json.dumps(text), encoding="utf-8")
    return MetricTree.load(document)


def ours(one: MetricTree, **options: Any) -> list[tuple[Any, ...]]:
    result = one.run(METRICS, grain="month", by="country", **options)
    places = [result.columns.index(name) for name in ("month", "country", *METRICS)]
    return [tuple(row[place] for place in places) for row in result.rows]


# --- by hand

MONTHS = {
    "month by date_trunc": ("date_trunc('month', ordered_at)", "cast(m as date)"),
    "month by number": (
        "year(ordered_at) * 12 + month(ordered_at)",
        "make_date((m - 1) // 12, (m - 1) % 12 + 1, 1)",
    ),
}
CONDITIONS = {
    "FILTER": "{function}({value}) filter (where {condition})",
    "CASE": "{function}(case when {condition} then {value} end)",
}
CENTS = {
    "decimals": ("cast(price as decimal(18, 2))", ""),
    "cents": ("round(price * 100)", " / 100"),
}
DISTINCT = {
    "count(distinct)": ("count(distinct customer_id)", "customers"),
    "bitmap": ("bitstring_agg(customer_id)", "bit_count(customers)"),
}
PLAIN = """
select {month} as m, country,
    count(*) as orders, {paid_orders} as paid_orders, {refunded_orders} as refunded_orders,
    {app_orders} as app_orders, count(seconds) as timed_orders,
    sum(amount) as revenue, {paid_revenue} as paid_revenue, {refunds} as refunds,
    sum({price}) as list_value, {paid_list_value} as paid_list_value,
    sum(quantity) as units, {paid_units} as paid_units, {paid_gross} as paid_gross,
    sum(seconds) as handling, {app_handling} as app_handling, {paid_amount} as paid_amount,
    max(amount) as largest, min(price) as cheapest, {customers} as customers,
    stddev_samp(seconds) as spread
from {table} group by all
"""
# The conditions become a key of four bits: no row is asked for them more than once, and what is
# counted and added up with different conditions is added up once, in small groups.
ROLLED = """
select m, country,
    sum(n) as orders, sum(n) filter (where k & 1 > 0) as paid_orders,
    sum(n) filter (where k & 2 > 0) as refunded_orders,
    sum(n) filter (where k & 5 = 5) as app_orders, sum(timed) as timed_orders,
    sum(a) as revenue, sum(a) filter (where k & 1 > 0) as paid_revenue,
    sum(a) filter (where k & 2 > 0) as refunds,
    sum(p) as list_value, sum(p) filter (where k & 1 > 0) as paid_list_value,
    sum(q) as units, sum(q) filter (where k & 1 > 0) as paid_units,
    sum(g) filter (where k & 1 > 0) as paid_gross,
    sum(s) as handling,
    sum(s) filter (where k & 4 > 0) / sum(timed) filter (where k & 4 > 0) as app_handling,
    sum(a) filter (where k & 1 > 0) / sum(amounts) filter (where k & 1 > 0) as paid_amount,
    max(largest) as largest, min(cheapest) as cheapest, {customers}
    sqrt(
        (sum(timed * v) + sum(s * s / timed) - sum(s) * sum(s) / sum(timed))
        / nullif(sum(timed) - 1, 0)
    ) as spread
from (
    select {month} as m, country,
        case when status = 'paid' then 1 else 0 end
            + case when status = 'refunded' then 2 else 0 end
            + case when channel = 'app' then 4 else 0 end as k,
        count(*) as n, count(seconds) as timed, sum(amount) as a, count(amount) as amounts,
        sum({price}) as p, sum(quantity) as q, sum(price * quantity) as g, sum(seconds) as s,
        var_pop(seconds) as v, max(amount) as largest, min(price) as cheapest{inner_customers}
    from {table} group by all
) group by all
"""
APART = """
select measured.*, customers
from ({measured}) as measured
join (
    select {month} as m, country, {distinct} as customers from {table} group by all
) as counted
on measured.m = counted.m and measured.country is not distinct from counted.country
"""
TOP = """
select {date} as month, country, {metrics}
from (select m, country, {values} from ({measured})) order by month, country
"""


def by_hand(path: Path) -> Iterator[tuple[str, str]]:
    """Return the SQL that has our answer, in each way."""
    source = f"read_parquet('{path}')"

    def top(measured: str, date: str, unit: str, customers: str) -> str:
        values = {
            # Counts and sums are 0 without rows, and no others are.
            metric: f"coalesce({metric}, 0)"
            if aggregate[0].startswith(("count", "sum"))
            else metric
            for metric, aggregate in MEASURES.items()
        }
        values["list_value"] += unit
        values["paid_list_value"] += unit
        values["customers"] = customers
        net = FORMULAS["net_revenue"]
        formulas = {
            metric: formula.replace("net_revenue", f"({net})").replace(" / ", " / nullif(") + ", 0)"
            if "/" in formula
            else formula
            for metric, formula in FORMULAS.items()
        }
        return TOP.format(
            date=date,
            measured=measured,
            values=", ".join(f"cast({text} as double) as {m}" for m, text in values.items()),
            metrics=", ".join([*(f"{text} as {m}" for m, text in formulas.items()), *MEASURES]),
        )

    for months, (month, date) in MONTHS.items():
        for style, template in CONDITIONS.items():
            for cents, (price, unit) in CENTS.items():
                for counted, (distinct, customers) in DISTINCT.items():
                    paid, refunded, app = (
                        condition.replace("==", "=") for condition in (PAID, REFUNDED, APP)
                    )
                    parts = {
                        metric: template.format(function=function, value=value, condition=condition)
                        for metric, function, value, condition in (
                            ("paid_orders", "count", "1", paid),
                            ("refunded_orders", "count", "1", refunded),
                            ("app_orders", "count", "1", f"{app} and {paid}"),
                            ("paid_revenue", "sum", "amount", paid),
                            ("refunds", "sum", "amount", refunded),
                            ("paid_list_value", "sum", price, paid),
                            ("paid_units", "sum", "quantity", paid),
                            ("paid_gross", "sum", "price * quantity", paid),
                            ("app_handling", "avg", "seconds", app),
                            ("paid_amount", "avg", "amount", paid),
                        )
                    }
                    text = PLAIN.format(
                        month=month, price=price, customers=distinct, table=source, **parts
                    )
                    name = f"{months}, {style}, {cents}, {counted}"
                    yield name, top(text, date, unit, customers)
    month, date = MONTHS["month by number"]
    price, unit = CENTS["cents"]
    inside = ROLLED.format(
        month=month,
        price=price,
        table=source,
        customers="bit_count(bit_or(c)) as customers,",
        inner_customers=", bitstring_agg(customer_id) as c",
    )
    yield "rolled up from conditions, bitmap", top(inside, date, unit, "customers")
    rest = ROLLED.format(month=month, price=price, table=source, customers="", inner_customers="")
    for counted, (distinct, customers) in DISTINCT.items():
        text = APART.format(measured=rest, month=month, table=source, distinct=distinct)
        yield f"rolled up from conditions, {counted} apart", top(text, date, unit, customers)


def answer(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        return connection.execute(sql).fetchall()


def check(what: str, found: Sequence[tuple[Any, ...]], expected: Sequence[tuple[Any, ...]]) -> None:
    """Stop if two answers are not the same."""
    assert len(found) == len(expected), what
    for row, other in zip(found, expected, strict=True):
        assert row[:2] == other[:2], (what, row[:2], other[:2])
        for metric, value, wanted in zip(METRICS, row[2:], other[2:], strict=True):
            same = value == wanted
            if metric not in EXACT and None not in (value, wanted):
                same = math.isclose(value, wanted, rel_tol=1e-12)
            assert same, (what, row[:2], metric, value, wanted)


def fastest(path: Path, rounds: int) -> tuple[str, str]:
    """Check every way of SQL, print what each takes, and return the one that takes least."""
    expected = ours(tree(path))
    ways = dict(by_hand(path))
    taken = {}
    for name, sql in ways.items():
        check(name, answer(sql), expected)
        taken[name] = seconds(partial(answer, sql))
    near = [name for name in ways if taken[name] < 1.5 * min(taken.values())]
    for name in near * rounds:
        taken[name] = min(taken[name], seconds(partial(answer, ways[name])))
    for name in sorted(taken, key=taken.__getitem__):
        print(f"    {name:60} {taken[name] * 1e3:9.1f} ms")
    best = min(taken, key=taken.__getitem__)
    return best, ways[best]


def speed(folder: Path, counts: Sequence[int], rounds: int) -> None:
    for rows in counts:
        path = table(folder, rows)
        run = partial(ours, tree(path))
        best, sql = fastest(path, 3)
        plain, text = next(by_hand(path))
        for name, query, at_most in ((best, sql, 1.1), (plain, text, None)):
            print(f"    against: {name}")
            compare(
                f"{len(METRICS)} metrics, {rows:,} rows / SQL",
                partial(seconds, run),
                partial(seconds, partial(answer, query)),
                at_most,
                rounds=rounds,
            )


# --- memory and engines, each in a process of its own

SMALL = 10_000


def peak() -> float:
    """Return the most memory that this process held until now, in MiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def alone(work: str, folder: str, rows: int) -> None:
    """Do one piece of work, first on a small table, and print what it takes above that."""

    def run(count: int) -> object:
        path = table(Path(folder), count)
        if kind == "engine":
            return ours(tree(path), **({} if name == "duckdb" else {"engine": name}))
        return answer(dict(by_hand(path))[name])

    kind, _, name = work.partition(" ")
    run(SMALL)
    start_up = peak()
    start = time.perf_counter()
    run(rows)
    print(json.dumps({"seconds": time.perf_counter() - start, "start": start_up, "peak": peak()}))


def in_process(work: str, folder: Path, rows: int, most: float = 1800) -> dict[str, float] | str:
    """Return what ``alone`` says, or why it does not."""
    code = f"from bench_runs import alone; alone({work!r}, {str(folder)!r}, {rows})"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=False,
            cwd=Path(__file__).parent,
            text=True,
            timeout=most,
        )
    except subprocess.TimeoutExpired:
        return f"not within {most:,.0f} s"
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def memory(folder: Path, counts: Sequence[int], rounds: int) -> None:
    table(folder, SMALL)
    for rows in counts:
        path = table(folder, rows)
        name, _ = fastest(path, 1)
        plain, _ = next(by_hand(path))
        peaks: dict[str, tuple[float, float]] = {}
        for work in ("engine duckdb", f"sql {name}", f"sql {plain}"):
            found = [in_process(work, folder, rows) for _ in range(rounds)]
            told = [one for one in found if isinstance(one, dict)]
            if len(told) < len(found):
                print(f"    {work}: {next(one for one in found if isinstance(one, str))}")
                continue
            start = statistics.median(one["start"] for one in told)
            peaks[work] = start, statistics.median(one["peak"] for one in told)
            print(
                f"    {work:60} {start:6.0f} MiB at start, {peaks[work][1] - start:6.0f} MiB above"
            )
        for against in list(peaks)[1:]:
            (start, most), (other_start, other) = peaks["engine duckdb"], peaks[against]
            ratio = most / other
            missed = "  MISSED" if ratio > 1.2 and against.endswith(name) else ""
            print(
                f"peak of {rows:,} rows / {against[:40]:40} in all {ratio:5.2f}, "
                f"above the start {(most - start) / (other - other_start):5.2f}{missed}"
            )


def growth(folder: Path, counts: Sequence[int]) -> None:
    for small, large in itertools.pairwise(counts):
        runs = [partial(ours, tree(table(folder, rows))) for rows in (large, small)]
        compare(
            f"ours, {large:,} / {small:,} rows",
            partial(seconds, runs[0]),
            partial(seconds, runs[1]),
            1.2 * large / small,
            rounds=3,
        )


def engines(folder: Path, counts: Sequence[int]) -> None:
    table(folder, SMALL)
    for rows in counts:
        table(folder, rows)
        for name in ("duckdb", "polars", "pandas", "ibis", "spark"):
            found = in_process(f"engine {name}", folder, rows)
            told = (
                found
                if isinstance(found, str)
                else f"{found['seconds']:8.2f} s {found['peak'] - found['start']:8.0f} MiB above "
                f"{found['start']:.0f}"
            )
            print(f"    {name:10} {rows:>13,} rows {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="1000000,10000000")
    parser.add_argument("--parts", default="time,memory,growth,engines")
    parser.add_argument("--folder", type=Path, help="where the tables are kept; else a new one")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    counts = [int(count) for count in options.rows.split(",")]
    parts = options.parts.split(",")
    print_machine()
    print(f"duckdb {version('duckdb')}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        if "time" in parts:
            speed(folder, counts, options.rounds)
        if "memory" in parts:
            memory(folder, counts, 3)
        if "growth" in parts:
            growth(folder, counts)
        if "engines" in parts:
            engines(folder, counts)


if __name__ == "__main__":
    main()
