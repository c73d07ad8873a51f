"""Every engine gives what the scalar engine gives: generated trees on generated tables."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

from metrictree import MetricTree, MetricTreeError
from metrictree.engines.scalar import evaluate
from metrictree.formula import parse
from tests import strategies
from tests.judge import OPEN, Cell, judge
from tests.kinds import KINDS, Arrays, opened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.kinds import Kind
    from tests.strategies import Case


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: type(kind).__name__)
def kind(request):
    yield from opened(request.param)


# --- one test body for every kind


def check(kind: Kind, case: Case, targets: list[str] | None, **options: Any) -> None:
    """Compute a case by one engine; compare every cell, and look at what must stay as it was."""
    expected = judge(case)
    cells = [cell for metric in case.formulas for cell in expected[metric]]
    assume(sum(cell.bound == OPEN for cell in cells) <= len(cells) / 4)
    tree = MetricTree(north_star=list(case.formulas)[-1], metrics=case.metrics)
    frame = kind.give(case.table)
    before, types = kind.read(frame), kind.types(frame)

    result = tree.compute(frame, targets, columns=case.renamed, **options)

    assert type(result) is type(frame)
    asked = list(case.metrics) if targets is None else targets
    kept = [] if isinstance(kind, Arrays) else list(before)
    found, found_types = kind.read(result), kind.types(result)
    assert list(found) == [*kept, *(metric for metric in asked if metric not in kept)]
    rows = found.get("row", list(range(case.table.rows)))
    order = sorted(range(len(rows)), key=rows.__getitem__)
    assert [rows[at] for at in order] == list(range(case.table.rows))
    assert not kind.in_memory or order == list(range(len(rows)))
    for name in kept:
        assert found_types[name] == types[name]
        assert repr([found[name][at] for at in order]) == repr(before[name])  # 1 is not 1.0
    for metric in asked:
        if metric not in kept:
            compare(kind, case, metric, [found[metric][at] for at in order], expected[metric])
    assert repr(kind.read(frame)) == repr(before)


def compare(kind: Kind, case: Case, metric: str, found: list[Any], expected: list[Cell]) -> None:
    """Compare the cells of a metric: the same ones are missing, the others as near as promised."""
    for row, (value, (wanted, bound)) in enumerate(zip(found, expected, strict=True)):
        if bound == OPEN:
            continue
        missing = value is None or (kind.nan_is_null and math.isnan(value))
        where = (metric, case.metrics[metric], row, value, wanted, bound)
        assert missing == (wanted is None), where
        if not missing:
            assert isinstance(value, float), where
            assert abs(value - wanted) <= bound, where
            assert not kind.in_memory or value or math.copysign(1, value) == 1, where


few = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def run(kind: Kind, test: Any, *drawn: Any, share: int = 1) -> None:
    """Run a test on as many examples as this kind of data is worth, or a share of them."""
    settings(few, max_examples=kind.examples // share)(given(*drawn)(test))()


def test_every_kind_of_data_gives_what_single_numbers_give(kind):
    def alike(case, data):
        metrics = st.lists(st.sampled_from(list(case.metrics)), min_size=1, unique=True)
        check(kind, case, data.draw(st.none() | metrics))

    run(kind, alike, strategies.cases(), st.data())


def test_functions_over_time_go_by_period_and_group_on_every_kind_of_data(kind):
    def alike(case, data):
        grain = data.draw(st.sampled_from([case.grain, None])) if case.grain_shows else case.grain
        check(kind, case, None, time="at", by=["shop", "size"], grain=grain)

    run(kind, alike, strategies.time_cases(), st.data())


# Libraries are known to differ here: one multiplies by the reciprocal of a constant, others take a
# remainder from a quotient that was rounded, or round half away from zero.
TRAPS = {
    "through_a_reciprocal": "floor(x / 49)",
    "guarded": "floor(safe_div(x, 49, 0) * 49)",
    "whole": "1 if x / 10 == 0.3 else 0",
    "remainder": "x % 0.1",
    "of_a_negative": "(-x) % 7",
    "by_a_negative": "x % (-7)",
    "of_a_huge": "(x * 1e300) % 3",
    "by_infinity_almost": "(-x) % 1e308",
    "half": "round(x / 2)",
    "cents": "round(x * 1.005, 2)",
    "fifths": "round(x / 8, 1)",
    "tens": "round(x * 5, -1)",
    "by_column": "round(x / 3, x % 4)",
    "order": "x + 1e16 - 1e16 + 0.1 + 0.2 + 0.3",
    "mean": "mean(x, 0.1, 0.2)",
    "past_float64": "x * 1e308 / 1e308",
    "almost": "x * 1e307 + x * 1e306",
    "tiny": "x * 5e-324 / 2",
    "by_infinity": "1 / (x * 1e308)",
    "by_infinity_safely": "safe_div(1, x * 1e308, 9)",
    "rest_of_infinity": "5 % (x * 1e308)",
    "to_infinity": "0.5 ** (x * 1e308)",
    "infinity_to_zero": "(x * 1e308) ** 0",
    "e_to_infinity": "exp(-x * 1e308)",
    "less_than_infinity": "min(x * 1e308, 5)",
    "first_after_infinity": "coalesce(x * 1e308, 5)",
    "compared_with_infinity": "1 if x * 1e308 > 5 else 2",
    "not_compared_with_infinity": "1 if not x * 1e308 > 5 else 2",
    "sign_of_infinity": "sign(x * 1e308)",
    "clipped_infinity": "clip(x * 1e308, 0, 1)",
    "clipped_between_infinities": "clip(x, 1, x * 1e308)",
    "rounded_infinity": "round(x * 1e308) - x * 1e308",
    "missing_infinity": "1 if is_missing(x * 1e308 / 1e308) else 2",
    "zero_times_infinity": "0 * (x * 1e308)",
    "a_literal": "0.7",
    "one_of_two_literals": "(0.1 if x > 0 else 0.2) * (0.7 if x < 5 else 0.3)",
    "large_literals": "(10000000000 if x > 0 else 2) * (10000000000 if x > 0 else 2)",
    "sign_of_literals": "sign(x) * 0.1 + sign(x) * 0.2",
    "literal_otherwise": "safe_div(x, 0, 0.1) * 0.7",
    "roots": "sqrt(x) * sqrt(x) - x",
    "halves": "x / 2 * 2 - 7",
}


def test_known_traps_give_the_same_bits(kind):
    numbers = [*range(-3, 200), 2**31, 2**53]
    tree = MetricTree(north_star="half", metrics={**TRAPS, "x": None})
    table = strategies.Table({"x": numbers, "row": list(range(len(numbers)))}, len(numbers))
    found = kind.read(tree.compute(kind.give(table), list(TRAPS)))
    rows = found.get("row", table.columns["row"])
    expected = [tree.compute({"x": numbers[row]}) for row in rows]
    for metric in TRAPS:
        cells = [None if cell is None or math.isnan(cell) else cell for cell in found[metric]]
        assert cells == [values[metric] for values in expected], metric


def test_known_traps_over_time_give_the_same_bits(kind):
    metrics = {
        **{f"sum_{n}": f"rolling_sum(x, {n})" for n in range(1, 12)},
        **{f"mean_{n}": f"rolling_mean(x * 0.1, {n})" for n in (3, 7)},
        **{f"max_{n}": f"rolling_max(x, {n}) - rolling_min(x, {n})" for n in (1, 2, 5, 6)},
        **{f"growth_{n}": f"growth(x, {n}) + change(x, {n}) + lag(x, {n})" for n in (1, 12, 50)},
        "twice": "lag(rolling_sum(lag(x), 2))",
        "first": "coalesce(lag(x), 0)",
        "known": "1 if lag(x, 2) > lag(x) else 2",
    }
    tree = MetricTree(north_star="twice", metrics={**metrics, "x": None})
    random = Random(7)  # noqa: S311 - it draws data
    lines = [(shop, number) for shop in ("x", None) for number in range(30)]
    random.shuffle(lines)
    cells: list[float | None]
    cells = [random.choice([random.random(), random.random() * 1e9]) for _ in lines]
    columns: dict[str, list[Any]] = {"row": list(range(len(lines))), "x": cells}
    cells[lines.index(("x", 14))] = None
    columns["shop"] = [shop for shop, _ in lines]
    columns["at"] = [strategies.period_start("month", number) for _, number in lines]
    frame = kind.give(strategies.Table(columns, len(lines)))
    found = kind.read(tree.compute(frame, list(metrics), time="at", by="shop"))
    rows = found.get("row", columns["row"])
    for shop in ("x", None):
        group = [lines.index((shop, number)) for number in range(30)]
        expected = tree.compute_series({"x": [cells[row] for row in group]})
        for metric in metrics:
            of_row = dict(zip(rows, found[metric], strict=True))
            series = [of_row[row] for row in group]
            there = [None if cell is None or math.isnan(cell) else cell for cell in series]
            assert there == list(expected[metric]), metric


# --- what is refused

ERRORS = MetricTree(
    north_star="rate",
    metrics={
        "rate": "a / b * k",
        "trend": "lag(a)",
        "a": None,
        "b": {"range": [0, 100]},
        "k": 2,
    },
)


class Wrong(NamedTuple):
    """Columns that are refused; ``lazily`` only where a query shows it: with ``strict``."""

    columns: dict[str, list[Any]]
    codes: list[str]
    options: Mapping[str, Any] = MappingProxyType({})
    lazily: bool = True


WRONG = {
    "absent": Wrong({"a": [1.0]}, ["VAL103"]),
    "computed": Wrong({"a": [1.0], "b": [1.0], "rate": [1.0]}, ["VAL102"]),
    "unknown_in_columns": Wrong({"a": [1.0], "b": [1.0]}, ["VAL101"], {"columns": {"c": "a"}}),
    "absent_by_columns": Wrong({"a": [1.0], "b": [1.0]}, ["VAL103"], {"columns": {"a": "other"}}),
    "text": Wrong({"a": ["x"], "b": [1.0]}, ["VAL104"]),
    "truth": Wrong({"a": [True], "b": [1.0]}, ["VAL104"]),
    "infinite": Wrong({"a": [1.0, -math.inf], "b": [1.0, 1.0]}, ["VAL105"], lazily=False),
    "lost_digits": Wrong({"a": [1, 2**53 + 1], "b": [1.0, 1.0]}, ["VAL105"], lazily=False),
    "out_of_range": Wrong({"a": [1.0], "b": [101.0]}, ["VAL106"], lazily=False),
    "several": Wrong({"a": [math.inf], "b": [-1.0]}, ["VAL105", "VAL106"], lazily=False),
    "missing": Wrong({"a": [1.0], "b": [None]}, ["VAL109"], {"strict": True}),
    "without_time": Wrong({"a": [1.0]}, ["VAL108"], {"targets": ["trend"]}),
    "unknown_time": Wrong({"a": [1.0]}, ["VAL110"], {"targets": ["trend"], "time": "when"}),
    "gap": Wrong(
        {"a": [1.0, 2.0], "at": [dt.date(2024, 1, 1), dt.date(2024, 1, 3)]},
        ["VAL112"],
        {"targets": ["trend"], "time": "at", "grain": "day"},
    ),
    "doubled": Wrong(
        {"a": [1.0, 2.0], "at": [dt.date(2024, 1, 1), dt.date(2024, 1, 1)]},
        ["VAL113"],
        {"targets": ["trend"], "time": "at", "grain": "day"},
    ),
    "no_time": Wrong(
        {"a": [1.0, 2.0], "at": [dt.date(2024, 1, 1), None]},
        ["VAL114"],
        {"targets": ["trend"], "time": "at", "grain": "day"},
    ),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=list(WRONG))
def test_every_kind_of_data_is_refused_for_the_same_reason(kind, case):
    table = strategies.Table(case.columns, len(next(iter(case.columns.values()))))
    options = {"targets": ["rate"], **case.options}
    if not kind.in_memory and not case.lazily:
        kind.read(ERRORS.compute(kind.give(table), **options))  # nobody has looked
        options["strict"] = True
    with pytest.raises(MetricTreeError) as caught:
        ERRORS.compute(kind.give(table), **options)
    assert [found.code for found in caught.value.diagnostics] == case.codes


def test_filled_periods_are_rows_without_values(kind):
    if isinstance(kind, Arrays):
        pytest.skip("a mapping of arrays has no place to tell which rows were added")

    def alike(case, data):
        inside = sorted(row for group in case.groups for row in group[1:-1])
        dropped = data.draw(st.sets(st.sampled_from(inside))) if inside else set()
        inputs = [case.renamed.get(leaf, leaf) for leaf in strategies.LEAVES]
        columns = {
            name: [
                None if row in dropped and name in inputs else cell
                for row, cell in enumerate(cells)
            ]
            for name, cells in case.table.columns.items()
        }
        whole = strategies.Table(columns, case.table.rows)
        expected = judge(replace(case, table=whole))
        kept = [row for row in range(whole.rows) if row not in dropped]
        given = {name: [cells[row] for row in kept] for name, cells in columns.items()}
        tree = MetricTree(north_star=list(case.formulas)[-1], metrics=case.metrics)
        frame = kind.give(strategies.Table(given, len(kept)))
        options = {"columns": case.renamed, "time": "at", "by": ["shop", "size"], "fill": True}
        found = kind.read(tree.compute(frame, list(case.formulas), grain=case.grain, **options))
        keys = list(zip(columns["shop"], columns["size"], columns["at"], strict=True))
        found_keys = zip(found["shop"], found["size"], map(day_of, found["at"]), strict=True)
        places = [keys.index(key) for key in found_keys]
        assert sorted(places) == list(range(whole.rows))
        assert not kind.in_memory or places[: len(kept)] == kept
        for metric in case.formulas:
            of_row = dict(zip(places, found[metric], strict=True))
            cells = [of_row[row] for row in range(whole.rows)]
            compare(kind, case, metric, cells, expected[metric])

    run(kind, alike, strategies.time_cases(), st.data(), share=4)


def day_of(time: dt.date) -> dt.date:
    return time.date() if isinstance(time, dt.datetime) else time


@given(strategies.cases())
@settings(few, max_examples=30)
def test_the_judge_of_parity_is_the_scalar_engine(case):
    expected = judge(case)
    for metric, drawn in case.formulas.items():
        formula = parse(strategies.text_of(drawn))
        for row in range(case.table.rows):
            known = {name: expected[name][row].value for name in formula.references}
            assert expected[metric][row].value == evaluate(formula, known)
