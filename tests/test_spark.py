"""Real Spark, in one process and in several, gives the values of the scalar engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from metrictree import ComputeError, MetricTree
from metrictree.testing.strategies import frames
from tests import fixed_cases, servers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

CLUSTER = "local-cluster[2,1,1024]"


@pytest.fixture(scope="module", params=["local[2]", CLUSTER])
def session(request: pytest.FixtureRequest) -> Iterator[Any]:
    with servers.spark(request.param) as started:
        yield started


def test_a_cluster_computes_in_processes_of_its_own(session: Any) -> None:
    context = session.sparkContext
    cluster = context.master == CLUSTER
    numbers = context.parallelize(range(8), 8)
    # Workers of Python are children of the process that computes.
    parents = {*numbers.map(lambda _: __import__("os").getppid()).collect()}
    assert len(parents) == (2 if cluster else 1)
    computing = context._jsc.sc().getExecutorMemoryStatus().size()
    assert computing == (3 if cluster else 1)  # two and the one that hands out work


@pytest.fixture(scope="module")
def cases(session: Any) -> Any:
    rows = [*zip(*fixed_cases.columns(fixed_cases.rows()).values(), strict=True)]
    schema = ", ".join(f"{name} double" for name in ("row", *fixed_cases.LEAVES))
    return session.createDataFrame(rows, schema).repartition(4).cache()


def test_drawn_frames_are_computed_on_the_session_that_runs(session: Any) -> None:
    tree = MetricTree(
        north_star="rate",
        metrics={"rate": "orders / visits", "orders": {"unit": "order"}, "visits": None},
    )

    @settings(max_examples=4, deadline=None)
    @given(frames(tree, "pyspark", missing=True))
    def drawn(frame: Any) -> None:
        assert frame.sparkSession is session
        for row in tree.compute(frame).collect():
            cells = row.asDict()
            expected = tree.compute({name: cells[name] for name in ("orders", "visits")})
            assert cells["rate"] == expected["rate"]

    drawn()


def check(found: Iterable[Mapping[str, Any]]) -> None:
    rows = fixed_cases.rows()
    seen = set()
    wrong = []
    for one in found:
        seen.add(int(one["row"]))
        row = rows[int(one["row"])]
        for formula, text in fixed_cases.FORMULAS.items():
            right = fixed_cases.expected(text, row)
            if not fixed_cases.agrees(one[formula], right):
                wrong.append((formula, row, one[formula], right))
    assert not wrong
    assert len(seen) == len(rows)
    assert len(rows) * len(fixed_cases.FORMULAS) >= 200


def test_a_frame_gives_the_values_of_the_scalar_engine(cases: Any) -> None:
    check(row.asDict() for row in fixed_cases.tree().compute(cases).collect())


def test_sql_text_gives_the_values_of_the_scalar_engine(session: Any, cases: Any) -> None:
    cases.createOrReplaceTempView("cases")
    text = fixed_cases.tree().to_sql(table="cases", by="row", dialect="spark")
    check(row.asDict() for row in session.sql(text).collect())


@pytest.fixture(scope="module")
def history(session: Any) -> Any:
    frame = session.createDataFrame(
        fixed_cases.series_rows(), "day date, shop string, a double, b double"
    )
    return frame.repartition(4).cache()


def test_functions_over_time_are_computed_for_each_group(history: Any) -> None:
    found = fixed_cases.time_tree().compute(history, [*fixed_cases.TIMES], time="day", by="shop")
    fixed_cases.check_series(row.asDict() for row in found.collect())


def test_sql_text_over_time_is_computed_for_each_group(session: Any, history: Any) -> None:
    history.createOrReplaceTempView("history")
    text = fixed_cases.time_tree().to_sql(
        [*fixed_cases.TIMES],
        table="history",
        time="day",
        by="shop",
        grain="month",
        dialect="spark",
    )
    fixed_cases.check_series(row.asDict() for row in session.sql(text).collect())


def test_a_missing_period_is_an_error_that_names_it(history: Any) -> None:
    gap = fixed_cases.MONTHS[7]
    frame = history.where(history["day"] != gap)
    with pytest.raises(ComputeError, match="2024-08"):
        fixed_cases.time_tree().compute(frame, ["before"], time="day", by="shop").collect()
