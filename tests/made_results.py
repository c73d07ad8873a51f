"""Results of runs made by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

from metrictree import Metric, Rule, RunResult
from metrictree.formula import parse
from metrictree.measures.result import Origins, Period

__all__ = ["APRIL", "JUNE", "MAY", "compared", "of_groups", "origins", "result"]

APRIL, MAY, JUNE = date(1998, 4, 1), date(1998, 5, 1), date(1998, 6, 1)
SHOWN = {"orders": Metric(unit="order"), "rate": Metric(unit="%")}


def origins(visits: list[float | None], *, periods: int = 1) -> Origins:
    leaves: dict[str, list[float | None]] = {"orders": [6.0] * len(visits), "visits": visits}
    formulas = {"rate": parse("orders / visits")}
    rules = {(row, "visits"): Rule.NO_VALUES for row, value in enumerate(visits) if value is None}
    return Origins(
        formulas, {"visits": "mean(n)"}, leaves, rules, periods, len(visits) // periods, False
    )


def result() -> RunResult:
    """Return a result of three months and two groups, the last month not complete."""
    visits = [12.0, 24.0, 0.0, None, 48.0, 60.0]
    periods = (
        Period(APRIL, APRIL, date(1998, 4, 30), complete=True),
        Period(MAY, MAY, date(1998, 5, 31), complete=True),
        Period(JUNE, JUNE, date(1998, 6, 20), complete=False),
    )
    rows = tuple(
        (period.start, country, period.complete, 6.0, 6.0 / value if value else None)
        for (period, country), value in zip(
            [(period, country) for period in periods for country in ("DE", None)],
            visits,
            strict=True,
        )
    )
    known = origins(visits, periods=3)
    return RunResult(
        "month", ("country",), ("orders", "rate"), rows, known, periods=periods, shown=SHOWN
    )


def compared() -> RunResult:
    """Return a result with totals, compared with the month before."""
    periods = (
        Period(MAY, MAY, date(1998, 5, 31), True, (APRIL, date(1998, 4, 30))),
        Period(JUNE, JUNE, date(1998, 6, 20), False, (MAY, date(1998, 5, 20)), True),
    )
    rows = tuple(
        (period.start, country, total, period.complete, *period.compared, 6.0, 4.0, 2.0, 0.5)
        for period in periods
        if period.compared is not None
        for country, total in (("DE", None), (None, None), (None, "country"))
    )
    return RunResult(
        "month", ("country",), ("orders",), rows, origins([]), True, "previous", periods,
        shown=SHOWN,
    )  # fmt: skip


def of_groups(values: list[Any], numbers: list[float | None] | None = None) -> RunResult:
    """Return a result of all time with one dimension."""
    numbers = [1.0] * len(values) if numbers is None else numbers
    rows = tuple(zip(values, numbers, strict=True))
    return RunResult("all", ("country",), ("orders",), rows, origins([1.0] * len(values)))
