"""What a run has to give, by SQL written by hand: the independent judge of ``tree.run``.

Knows nothing of metrictree and uses neither narwhals nor a frame library: one query for DuckDB,
with a calendar of its own, clocks by DuckDB's ICU, and totals from raw rows by CUBE.
"""

# ruff: noqa: S608 - SQL is what this module writes, of constants

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
GRAINS = ("day", "week", "month", "quarter", "year", "all")
ZERO, MISSING = "0", "null"
"""What a measure is where no row is."""


class Condition(NamedTuple):
    """Which rows count: in the language of trees, and by hand."""

    tree: str
    sql: str


class Measure(NamedTuple):
    """A measure in the language of trees, and by hand."""

    aggregate: str
    sql: str
    """With ``{only}`` behind each aggregate, for the rows that count."""
    on: Condition | None = None
    empty: str = MISSING
    exact: bool = False
    """Whether the value is given to the last bit; a list is a sum and what it is divided by."""


def added(aggregate: str, sql: str, on: Condition | None = None) -> Measure:
    """Return a measure that is exact, and 0 without rows."""
    return Measure(aggregate, sql, on, ZERO, exact=True)


def exact(aggregate: str, sql: str, on: Condition | None = None) -> Measure:
    """Return a measure that is exact, and missing without rows."""
    return Measure(aggregate, sql, on, MISSING, exact=True)


PAID = Condition("status == 'paid'", "status = 'paid'")
LARGE = Condition("quantity >= 2 and score > 0", "quantity >= 2 and score > 0")
EITHER = Condition(
    "not (channel == 'web') or country in ('de', 'NO')",
    "not (channel = 'web') or country in ('de', 'NO')",
)
UNSCORED = Condition("is_missing(score)", "score is null")
MEMBERS = Condition("member and status != 'open'", "member and status <> 'open'")

_MEAN = "[sum({0}) {{only}}, count({0}) {{only}}]"
_PRICE = "cast(price as double)"
_FEE = "cast(fee as decimal(18, 2))"

SHOP: Mapping[str, Measure] = {
    # counts
    "rows_all": added("count()", "count(*) {only}"),
    "rows_paid": added("count()", "count(*) {only}", PAID),
    "rows_either": added("count()", "count(*) {only}", EITHER),
    "rows_members": added("count()", "count(*) {only}", MEMBERS),
    "rows_unscored": added("count()", "count(*) {only}", UNSCORED),
    "with_status": added("count(status)", "count(status) {only}"),
    "with_score": added("count(score)", "count(score) {only}"),
    "with_score_paid": added("count(score)", "count(score) {only}", PAID),
    # distinct counts
    "customers": added("count_distinct(customer)", "count(distinct customer) {only}"),
    "customers_large": added("count_distinct(customer)", "count(distinct customer) {only}", LARGE),
    "channels": added("count_distinct(channel)", "count(distinct channel) {only}"),
    "scores": added("count_distinct(score)", "count(distinct score) {only}"),
    "prices": added("count_distinct(price)", "count(distinct price) {only}"),
    # money and pieces
    "revenue": added("sum(price)", "sum(price) {only}"),
    "revenue_paid": added("sum(price)", "sum(price) {only}", PAID),
    "price_mean": exact("mean(price)", _MEAN.format("price")),
    "price_mean_paid": exact("mean(price)", _MEAN.format("price"), PAID),
    "price_low": exact("min(price)", "min(price) {only}"),
    "price_high": exact("max(price)", "max(price) {only}", LARGE),
    "fees": added("sum(fee)", f"sum({_FEE}) {{only}}"),
    "fees_large": added("sum(fee)", f"sum({_FEE}) {{only}}", LARGE),
    "fee_mean": exact("mean(fee)", _MEAN.format(_FEE)),
    "pieces": added("sum(quantity)", "sum(quantity) {only}"),
    "pieces_mean": exact("mean(quantity)", _MEAN.format("quantity")),
    # floats
    "score_sum": Measure("sum(score)", "sum(score) {only}", empty=ZERO),
    "score_mean": Measure("mean(score)", "avg(score) {only}", PAID),
    "score_low": exact("min(score)", "min(score) {only}"),
    "score_high": exact("max(score)", "max(score) {only}", PAID),
    "score_median": Measure("median(score)", "quantile_cont(score, 0.5) {only}"),
    "score_median_paid": Measure("median(score)", "quantile_cont(score, 0.5) {only}", PAID),
    "score_tenth": Measure("quantile(score, 0.1)", "quantile_cont(score, 0.1) {only}"),
    "score_highest": exact("quantile(score, 1)", "max(score) {only}"),
    "score_std": Measure("std(score)", "stddev_samp(score) {only}"),
    "score_std_paid": Measure("std(score)", "stddev_samp(score) {only}", PAID),
    "price_median": Measure("median(price)", f"quantile_cont({_PRICE}, 0.5) {{only}}"),
    "price_most": Measure(
        "quantile(price, 0.95)", f"quantile_cont({_PRICE}, 0.95) {{only}}", LARGE
    ),
    "price_std": Measure("std(price)", f"stddev_samp({_PRICE}) {{only}}"),
    "quantity_median": Measure("median(quantity)", "quantile_cont(quantity, 0.5) {only}"),
    # expressions
    "value": Measure("sum(price * quantity)", f"sum({_PRICE} * quantity) {{only}}", empty=ZERO),
    "value_paid": Measure(
        "sum(price * quantity - fee)", f"sum({_PRICE} * quantity - fee) {{only}}", PAID, ZERO
    ),
    "score_each": Measure("mean(score / quantity)", "avg(score / nullif(quantity, 0)) {only}"),
    "signed": Measure(
        "sum(price if quantity > 1 else -fee)",
        f"sum(case when quantity > 1 then {_PRICE} else -fee end) {{only}}",
        empty=ZERO,
    ),
    "score_known": Measure("mean(coalesce(score, fee, 1))", "avg(coalesce(score, fee, 1)) {only}"),
    "roots": Measure("max(sqrt(score))", "max(case when score >= 0 then sqrt(score) end) {only}"),
    "rests": Measure("std(quantity % 3)", "stddev_samp(quantity % 3) {only}"),
    "spread": Measure(
        "quantile(abs(score - fee), 0.75)", "quantile_cont(abs(score - fee), 0.75) {only}"
    ),
}
"""Every aggregate over the shop, with and without ``where``, bare and over expressions."""

FORMULAS: Mapping[str, tuple[str, str]] = {
    "order_value": ("revenue / rows_all", "cast(revenue as double) / nullif(rows_all, 0)"),
    "paid_share": ("rows_paid / rows_all", "rows_paid / nullif(rows_all, 0)"),
    "per_customer": (
        "revenue_paid / customers + score_mean",
        "cast(revenue_paid as double) / nullif(customers, 0) + score_mean",
    ),
}
"""Formulas over the measures of the shop: in the language of trees, and by hand."""


@dataclass(frozen=True)
class Asked:
    """What a run is asked for, by names of its own: SQL where the run has the tree's language."""

    day: str
    """SQL of the day on which a row happened."""
    grain: str = "all"
    by: Sequence[str] = ()
    since: str | None = None
    until: str | None = None
    where: str = "true"
    totals: bool = False
    week_start: int = 0
    year_start: int = 1
    measures: Mapping[str, Measure] = field(default_factory=lambda: SHOP)
    formulas: Mapping[str, tuple[str, str]] = field(default_factory=lambda: FORMULAS)


def local_day(moment: str, zone: str) -> str:
    """Return SQL of the day that a clock shows at a naive moment of UTC."""
    return f"cast(timezone('{zone}', timezone('UTC', {moment})) as date)"


def written_day(text: str, zone: str) -> str:
    """Return SQL of the day of a text: its own if it tells a day only, else by the clock."""
    return (
        f"case when length({text}) = 10 then cast({text} as date) "
        f"else cast(timezone('{zone}', cast({text} as timestamptz)) as date) end"
    )


def expected(connection: Any, rows: str, asked: Asked) -> dict[tuple[Any, ...], list[Any]]:
    """Return the values by period, dimensions and what a total goes over, in the order of rows.

    ``rows`` is a query whose columns have the types of the table, NaN and all.
    """
    text = query(rows, asked)
    connection.execute("load icu; set timezone = 'UTC'")
    found = connection.execute(text).fetchall()
    keys = 2 + len(asked.by)
    values = {}
    for row in found:
        period, *group, total = row[:keys]
        key = (*(() if asked.grain == "all" else (period,)), *group, total)
        assert key not in values
        values[key] = [_number(value) for value in row[keys:]]
    return values


def _number(value: Any) -> float | None:
    if isinstance(value, list):
        return None if value[0] is None else float(Fraction(value[0]) / Fraction(value[1]))
    return None if value is None else float(value)


# --- one query


def query(rows: str, asked: Asked) -> str:
    """Return the query that gives every period and group of the kept rows, in their order."""
    calendar = _Calendar(asked)
    by = [f'"{name}"' for name in asked.by]
    cube = f", cube ({', '.join(by)})" if asked.totals else "".join(f", {one}" for one in by)
    over = [f"grouping({one})" if asked.totals else "0" for one in by]
    groups = "".join(f", {one} as g{n}, {all_} as a{n}" for n, (one, all_) in _numbered(by, over))
    columns = "".join(f", g{n}, a{n}" for n in range(len(by)))
    at = "".join(
        f" and found.g{n} is not distinct from groups.g{n} and found.a{n} = groups.a{n}"
        for n in range(len(by))
    )
    names = ", ".join(f"if(groups.a{n} = 1, '{name}', null)" for n, name in enumerate(asked.by))
    total = f"nullif(concat_ws(',', {names}), '')" if by else "null"
    values = "".join(
        f",\n    coalesce(found.{name}, {one.empty}) as {name}"
        if one.empty != MISSING
        else f",\n    found.{name} as {name}"
        for name, one in asked.measures.items()
    )
    formulas = "".join(f",\n    {sql} as {name}" for name, (_, sql) in asked.formulas.items())
    # Totals stand behind all groups; null is the last of them.
    order = f", {' + '.join(f'a{n}' for n in range(len(by)))}" if by else ""
    order += "".join(f", a{n}" for n in range(len(by)))
    order += "".join(f", g{n} is null, g{n}" for n in range(len(by)))
    aggregates = "".join(
        f",\n    {_aggregate(one)} as {name}" for name, one in asked.measures.items()
    )
    span = "".join(
        f" and at_day {sign} date '{day}'"
        for sign, day in ((">=", asked.since), ("<=", asked.until))
        if day is not None
    )
    return f"""
with raw as ({rows}),
known as (select *, {asked.day} as at_day from raw),
kept as (
    select *, {calendar.period("at_day")} as period from known where ({asked.where}){span}
),
found as (
    select period{groups}{aggregates}
    from kept group by period{cube}
),
ends as (
    select
        {calendar.end(asked.since, "min")} as first_period,
        {calendar.end(asked.until, "max")} as last_period
),
spine as (
    select cast(unnest(
        generate_series(first_period, last_period, interval {calendar.step})
    ) as date) as period
    from ends
),
groups as ({f"select distinct {columns[2:]} from found" if by else "select 1 as one"}),
everything as (
    select spine.period{columns.replace(", ", ", groups.")},
        {total} as total{values}
    from spine cross join groups
    left join found on found.period = spine.period{at}
)
select period{"".join(f", g{n}" for n in range(len(by)))}, total,
    everything.* exclude (period, total{columns}){formulas}
from everything order by period{order}
"""


def _numbered(by: Sequence[str], over: Iterable[str]) -> Any:
    return enumerate(zip(by, over, strict=True))


def _aggregate(measure: Measure) -> str:
    only = f"filter (where {measure.on.sql})" if measure.on else ""
    return measure.sql.format(only=only)


class _Calendar:
    """Periods by DuckDB's own truncation, shifted to where weeks and years begin."""

    def __init__(self, asked: Asked) -> None:
        self.grain = asked.grain
        days, months = asked.week_start, asked.year_start - 1
        self.shift = {"week": f"{days} days"}.get(self.grain, f"{months} months")
        self.step = {
            "week": "7 days",
            "quarter": "3 months",
            "all": "1 day",
        }.get(self.grain, f"1 {self.grain}")

    def period(self, day: str) -> str:
        if self.grain == "all":
            return "date '1970-01-01'"
        if self.grain in ("day", "month"):
            return f"cast(date_trunc('{self.grain}', {day}) as date)"
        back = f"{day} - interval {self.shift}"
        return f"cast(date_trunc('{self.grain}', {back}) + interval {self.shift} as date)"

    def end(self, given: str | None, function: str) -> str:
        if self.grain == "all":
            return self.period("")
        if given is not None:
            return self.period(f"date '{given}'")
        return f"(select {function}(period) from kept)"


# --- agreement


def disagreements(
    found: Mapping[tuple[Any, ...], Sequence[float | None]],
    right: Mapping[tuple[Any, ...], Sequence[float | None]],
    metrics: Sequence[str],
    surely: Iterable[str],
) -> list[str]:
    """Return what is wrong in the rows that were found: lines for people, at most twenty."""
    wrong = [f"no row {key}" for key in right if key not in found]
    wrong += [f"a row {key} that should not be" for key in found if key not in right]
    if not wrong and list(found) != list(right):
        first = next((mine, its) for mine, its in zip(found, right, strict=True) if mine != its)
        wrong.append(f"another order: {first[0]} where {first[1]} should be")
    exactly = frozenset(surely)
    for key in right:
        if key in found:
            for metric, mine, its in zip(metrics, found[key], right[key], strict=True):
                if not agree(mine, its, exact=metric in exactly):
                    wrong.append(f"{metric} at {key}: {mine!r}, by hand {its!r}")
    return wrong[:20]


def agree(mine: float | None, its: float | None, *, exact: bool) -> bool:
    """Whether a value is right: to the last bit, or to 1e-12 of it (of 1, if it is smaller)."""
    if mine is None or its is None or exact:
        return mine is its if mine is None or its is None else mine == its
    return math.isclose(mine, its, rel_tol=1e-12, abs_tol=1e-12)
