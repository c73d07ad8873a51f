"""``diagnose=True``: the counts are those of asking for the reason of every missing value."""

from __future__ import annotations

import datetime as dt
import json
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

from metrictree import MetricTree, Rule
from tests import strategies
from tests.judge import OPEN, judge
from tests.kinds import KINDS, opened

few = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: type(kind).__name__)
def kind(request):
    yield from opened(request.param)


def compare(kind, tree, found, expected, rows_by_key):
    """Compare the table with reasons by (metric, rule), each with the rows and where it broke."""
    counts = {(line.metric, line.rule): line.rows for line in found.reasons}
    assert counts == {key: len({row for row, _ in pairs}) for key, pairs in expected.items()}
    assert [line.rows for line in found.reasons] == sorted(counts.values(), reverse=True)
    for line in found.reasons:
        places = {at for _, at in expected[line.metric, line.rule]}
        if kind.in_memory:
            assert line.example.row == min(places)
        else:
            assert line.example.row is None
        formula = tree._tree.formulas.get(line.metric)
        assert line.formula == (str(formula) if formula else None)
        names = formula.references if formula else (line.metric,)
        inputs = [{name: rows_by_key[at][name] for name in names} for at in places]
        assert any(near(line.example.inputs, one) for one in inputs)


def near(found, expected):
    return found.keys() == expected.keys() and all(
        value is other or (None not in (value, other) and value == pytest.approx(other, rel=1e-9))
        for value, other in zip(found.values(), expected.values(), strict=True)
    )


def check_exact(case) -> None:
    """Keep to cases in which no last bit decides what is missing."""
    assume(not any(cell.bound == OPEN for cells in judge(case).values() for cell in cells))


def given_values(case) -> list[dict[str, float | None]]:
    columns = {leaf: case.table.columns[case.renamed.get(leaf, leaf)] for leaf in strategies.LEAVES}
    return [
        {
            name: None if cell is None or math.isnan(cell) else float(cell)
            for name, cell in row.items()
        }
        for row in (
            dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)
        )
    ]


def test_each_row_counts_where_a_target_of_it_broke_first(kind):
    @settings(few, max_examples=kind.examples // 4)
    @given(strategies.cases(metrics=6))
    def alike(case):
        check_exact(case)
        tree = MetricTree(north_star="m5", metrics=case.metrics)
        targets = ["m5", "m3", "p"]
        expected: dict[tuple[str, Rule], set[tuple[int, int]]] = {}
        rows = {}
        for row, known in enumerate(given_values(case)):
            values = tree.compute(known)
            rows[row] = values
            for target in targets:
                reason = values.why(target)
                if reason is not None:
                    expected.setdefault((reason.metric, reason.rule), set()).add((row, row))
        found = tree.compute(kind.give(case.table), targets, columns=case.renamed, diagnose=True)
        compare(kind, tree, found, expected, rows)

    alike()


def test_over_time_it_is_told_where_the_other_period_broke(kind):
    @settings(few, max_examples=kind.examples // 4)
    @given(strategies.time_cases(metrics=5))
    def alike(case):
        check_exact(case)
        tree = MetricTree(north_star="m4", metrics=case.metrics)
        targets = ["m4", "m2", "q"]
        expected: dict[tuple[str, Rule], set[tuple[int, int]]] = {}
        rows: dict[int, Any] = {}
        known = given_values(case)
        for group in case.groups:
            series = tree.compute_series(
                {leaf: [known[row][leaf] for row in group] for leaf in strategies.LEAVES}
            )
            for position, row in enumerate(group):
                rows[row] = {metric: series[metric][position] for metric in series}
                for target in targets:
                    reason = series.why(target, position)
                    if reason is not None:
                        key = reason.metric, reason.rule
                        at = group[position - reason.before]
                        expected.setdefault(key, set()).add((row, at))
        found = tree.compute(
            kind.give(case.table),
            targets,
            columns=case.renamed,
            time="at",
            by=["shop", "size"],
            grain=case.grain,
            diagnose=True,
        )
        compare(kind, tree, found, expected, rows)

    alike()


TREE = MetricTree(
    north_star="revenue",
    metrics={
        "revenue": "orders * order_value",
        "order_value": "paid / orders",
        "orders": None,
        "paid": None,
        "trend": "lag(orders)",
    },
)
ROWS = {"orders": np.array([4.0, 0.0, np.nan, 0.0]), "paid": np.array([90.0, 10.0, 20.0, 0.0])}


def test_the_reasons_read_as_a_table_most_rows_first():
    reasons = TREE.compute(ROWS, ["revenue"], diagnose=True).reasons
    assert repr(reasons).splitlines() == [
        "metric       rule                 rows  example",
        "order_value  division by zero        2  row 1: paid is 10, orders is 0",
        "orders       an input is missing     1  row 2: orders is missing",
    ]


def test_the_reasons_are_plain_data_and_survive_pickling():
    reasons = TREE.compute(ROWS, ["revenue"], diagnose=True).reasons
    assert json.loads(json.dumps(reasons.to_dicts()))[0] == {
        "metric": "order_value",
        "rule": "division by zero",
        "rows": 2,
        "example": {"row": 1, "at": {}, "inputs": {"paid": 10.0, "orders": 0.0}},
        "formula": "paid / orders",
    }
    assert pickle.loads(pickle.dumps(reasons)) == reasons
    assert reasons[1:] == reasons[-1:] != reasons
    assert list(reasons) == [reasons[0], reasons[1]]


def test_a_frame_without_missing_targets_has_no_reasons():
    frame, reasons = TREE.compute(ROWS, ["paid"], diagnose=True)
    assert list(frame) == ["paid"]
    assert len(reasons) == 0
    assert repr(reasons) == "no target is missing"


def test_an_example_names_its_time_and_its_dimensions():
    days = np.array(["2026-01-02", "2026-01-01"], "datetime64[D]")
    data = {"orders": np.array([1.0, 2.0]), "day": days, "shop": np.array(["x", None])}
    found = TREE.compute(data, "trend", time="day", by="shop", grain="day", diagnose=True)
    (line,) = found.reasons
    assert (line.metric, line.rule, line.rows) == ("trend", Rule.NO_HISTORY, 2)
    assert line.example.at == {"day": dt.date(2026, 1, 2), "shop": "x"}
    assert str(line.example) == "row 0, day 2026-01-02, shop x: orders is 1"


def test_examples_of_filled_rows_have_the_time_that_was_filled():
    pandas = pytest.importorskip("pandas")
    days = ["2026-01-01", "2026-01-03"]
    frame = pandas.DataFrame({"orders": [1, 2], "day": days})
    found = TREE.compute(frame, "trend", time="day", grain="day", fill=True, diagnose=True)
    lines = {line.rule: line for line in found.reasons}
    assert lines[Rule.INPUT_MISSING].example.at == {"day": "2026-01-02"}
    assert lines[Rule.INPUT_MISSING].example.inputs == {"orders": None}
    assert lines[Rule.NO_HISTORY].example.row == 0


def test_long_tables_and_long_formulas_are_cut():
    names = [f"m{number:02}" for number in range(25)]
    metrics = {"top": "sum(" + ", ".join(names) + ")", **dict.fromkeys(names)}
    tree = MetricTree(north_star="top", metrics=metrics)
    data = {name: np.full(3, np.nan) for name in names}
    reasons = tree.compute(data, diagnose=True).reasons
    assert len(reasons) == 25
    assert repr(reasons).endswith("\n... 5 more")
    data = {name: np.full(3, 1e308) for name in names}
    (line,) = tree.compute(data, ["top"], diagnose=True).reasons
    assert str(line.example) == ("row 0: m00 is 1e+308, m01 is 1e+308, m02 is 1e+308, 22 more")


def test_more_targets_than_an_expression_may_be_deep_are_asked_about():
    duckdb = pytest.importorskip("duckdb")
    targets = [f"m{number}" for number in range(1_100)]
    tree = MetricTree(north_star="m0", metrics={**dict.fromkeys(targets, "x"), "x": None})
    with duckdb.connect() as connection:
        relation = connection.sql("select unnest([1.0, null])::double as x")
        (line,) = tree.compute(relation, targets, diagnose=True).reasons
    assert (line.metric, line.rows) == ("x", 1)


def test_rows_are_counted_across_blocks(monkeypatch):
    monkeypatch.setattr("metrictree.engines.diagnosis.BATCH", 10)
    data = {"orders": np.arange(95.0) % 19, "paid": np.ones(95)}
    (line,) = TREE.compute(data, ["order_value"], diagnose=True).reasons
    assert (line.rows, line.example.row) == (5, 0)
    data["orders"][:30] = 7
    (line,) = TREE.compute(data, ["order_value"], diagnose=True).reasons
    assert (line.rows, line.example.row) == (3, 38)
