"""A plan says what a run would read and compute, and reads no more than it has to for that."""

# ruff: noqa: S608 - SQL is of constants

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from metrictree import ComputeError, MetricTree, SourceError, UsageError
from tests import servers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

duckdb = pytest.importorskip("duckdb")

# Ibis calls what DuckDB deprecates; PySpark does not know the newest pandas yet.
pytestmark = [
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support:FutureWarning"),
]

METRICS: dict[str, Any] = {
    "rate": {"formula": "orders / visits"},
    "orders": {"measure": {"source": "orders", "aggregate": "count()"}},
    "visits": {"measure": {"source": "visits", "aggregate": "sum(pages)"}},
    "customers": {
        "role": "health",
        "measure": {"source": "orders", "aggregate": "count_distinct(customer)", "where": "n > 1"},
    },
    "before": {"role": "health", "formula": "lag(orders, 1)"},
}
SOURCES: dict[str, Any] = {
    "orders": {"path": "orders.parquet", "time": "at", "dimensions": ["country"]},
    "visits": {"path": "visits.csv", "time": "day", "dimensions": ["country"]},
}


def write_orders(folder: Path) -> None:
    duckdb.execute(
        f"""copy (
            select timestamp '2026-01-01' + to_hours(cast(range as int)) as at,
                chr(cast(97 + range % 3 as int)) as country, cast(range % 70 as int) as customer,
                range % 3 as n, 'x' as unused
            from range(3000)
        ) to '{folder / "orders.parquet"}'"""
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two sources."""
    write_orders(tmp_path)
    tmp_path.joinpath("visits.csv").write_text("day,country,pages\n2026-01-02,a,3\n")
    return tmp_path


def tree_of(folder: Path, **given: Any) -> MetricTree:
    spec = {"north_star": "rate", "sources": SOURCES, "metrics": METRICS, **given}
    folder.joinpath("tree.yml").write_text(json.dumps(spec), encoding="utf-8")
    return MetricTree.load(folder / "tree.yml")


def broken(folder: Path) -> None:
    """Let the rows of the Parquet file be unreadable, and what it says of columns be as ever."""
    path = folder / "orders.parquet"
    content = bytearray(path.read_bytes())
    length = int.from_bytes(content[-8:-4], "little")
    end = len(content) - 8 - length
    content[4:end] = b"\xff" * (end - 4)
    path.write_bytes(content)


ENGINES = ["duckdb", "polars", "ibis"]
"""What opens files without a server and computes nothing before it has to."""


@pytest.mark.parametrize("engine", ENGINES)
def test_no_row_is_needed_for_a_plan(folder: Path, engine: str) -> None:
    if engine != "duckdb":
        pytest.importorskip(engine)
    broken(folder)
    tree = tree_of(folder, timezone="Europe/Berlin")
    asked: dict[str, Any] = {"grain": "week", "since": "2026-01-07", "engine": engine}
    with pytest.raises(SourceError):
        tree.run(["orders"], **asked)
    plan = tree.run_plan(["orders"], **asked)
    assert [(one.source, one.measures) for one in plan.sources] == [("orders", ("orders",))]


def test_no_lazy_frame_is_computed_for_a_plan(folder: Path) -> None:
    pl = pytest.importorskip("polars")

    def refuse(_: Any) -> Any:
        raise AssertionError("the frame is computed")

    frame = pl.scan_parquet(folder / "orders.parquet")
    frame = frame.map_batches(refuse, schema=frame.collect_schema(), validate_output_schema=False)
    plan = tree_of(folder).run_plan(
        ["orders"], grain="month", by="country", sources={"orders": frame}
    )
    assert plan.sources[0].library == "Polars"


def test_an_eager_frame_is_not_aggregated_for_a_plan(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pd = pytest.importorskip("pandas")
    frame = duckdb.sql(f"from '{folder / 'orders.parquet'}'").df()
    seen: list[int] = []
    real = pd.DataFrame.groupby

    def groupby(self: Any, *args: Any, **given: Any) -> Any:
        seen.append(len(self))
        return real(self, *args, **given)

    monkeypatch.setattr(pd.DataFrame, "groupby", groupby)
    tree = tree_of(folder)
    asked: dict[str, Any] = {"grain": "month", "by": "country", "sources": {"orders": frame}}
    plan = tree.run_plan(["orders", "customers"], **asked)
    assert plan.sources[0].library == "pandas"
    assert not any(seen)
    tree.run(["orders", "customers"], **asked)
    assert any(seen)


@pytest.mark.parametrize("engine", [*ENGINES, "pandas"])
def test_a_plan_tells_sources_columns_measures_and_scans(folder: Path, engine: str) -> None:
    if engine != "duckdb":
        pytest.importorskip(engine)
    plan = tree_of(folder).run_plan(
        ["rate", "customers"], grain="month", by="country", totals=True, engine=engine
    )
    orders, visits = plan.sources
    assert list(orders.columns) == ["at", "country", "customer", "n"]
    assert orders.measures == ("orders", "customers")
    assert list(visits.columns) == ["day", "country", "pages"]
    assert {"by month, country", "by month"} <= {query.finds for query in orders.queries}
    assert [query.finds for query in visits.queries] == ["by month, country", "by month"]
    speaks = engine in ("duckdb", "ibis")
    assert all((query.sql is not None) == speaks for one in plan.sources for query in one.queries)
    assert plan.formulas == ("rate",)
    assert json.loads(json.dumps(plan.to_dict()))["sources"][0]["measures"] == list(orders.measures)


def test_a_plan_is_for_reading(folder: Path) -> None:
    plan = tree_of(folder).run_plan(["rate"], grain="month", by="country", totals=True)
    lines = str(plan).splitlines()
    assert lines[0] == "source orders: orders.parquet, with DuckDB"
    assert lines[1] == "  reads     at as c0, country as c1"
    assert lines[2] == "  measures  orders"
    assert lines[3] == "  scan 1    by month, country"
    assert lines[-1] == "then computes rate for each month, country"
    assert "source visits: visits.csv, with DuckDB" in lines
    assert lines.count("  scan 2    by month") == 2
    if not duckdb.__version__.startswith("1."):  # which writes one expression
        assert lines.count("    -- as above, and then") == 2
        assert "unnamed_relation" not in str(plan)
        assert "__duckdb" not in str(plan)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_the_sql_of_a_plan_finds_what_the_run_does(folder: Path, zone: str) -> None:
    tree = tree_of(folder, timezone=zone)
    plan = tree.run_plan(["orders"], grain="month", since="2026-01-20", until="2026-04-30")
    (query,) = plan.sources[0].queries
    with duckdb.connect() as connection:
        connection.execute("set variable paths = ?", [[str(folder / "orders.parquet")]])
        found = connection.sql(query.sql)
        place = found.columns.index("rows_")
        counts = [row[place] for row in sorted(found.fetchall())]
    result = tree.run(["orders"], grain="month", since="2026-01-20", until="2026-04-30")
    assert counts == [row[-1] for row in result.rows]


def test_all_time_is_one_scan_without_a_time(folder: Path) -> None:
    plan = tree_of(folder).run_plan(["orders"])
    assert [query.finds for query in plan.sources[0].queries] == ["all rows"]
    assert "at" not in plan.sources[0].columns
    assert str(plan).endswith("then computes no formula")


def test_a_condition_and_its_columns_are_part_of_the_plan(folder: Path) -> None:
    plan = tree_of(folder).run_plan(["orders"], where="n > 1 and unused != 'y'")
    assert list(plan.sources[0].columns) == ["n", "unused"]


def test_other_days_that_are_read_are_told(folder: Path) -> None:
    tree = tree_of(folder)
    assert not tree.run_plan(["before"], grain="month").also
    told = str(tree.run_plan(["before"], grain="month", since="2026-02-01", compare="previous"))
    assert "the same of periods before 2026-02-01, for functions over time" in told
    assert "the same of the periods that values are compared with" in told


def test_a_plan_tells_what_is_read_of_kept_values_and_keeps_none(folder: Path) -> None:
    tree, kept = tree_of(folder), folder / "kept"
    names = ["rate", "customers"]
    before = tree.run_plan(names, grain="month", by="country", reuse=kept)
    assert not kept.exists()
    assert [one.origin for one in before.sources] == ["orders.parquet", "visits.csv"]
    tree.run(names, reuse=kept)
    there = sorted(kept.iterdir())
    after = tree.run_plan(names, grain="month", by="country", reuse=kept)
    assert sorted(kept.iterdir()) == there
    found = [(one.origin.rpartition(", ")[2], one.measures) for one in after.sources]
    assert found == [
        ("kept of orders.parquet", ("orders",)),
        ("orders.parquet", ("customers",)),
        ("kept of visits.csv", ("visits",)),
    ]
    assert list(after.sources[0].columns) == ["country", "at"]
    assert str(kept) in str(after)


def test_what_is_no_text_for_a_terminal_is_escaped(folder: Path) -> None:
    name = "a\x1b[2J\nb"
    folder.joinpath("odd.csv").write_text(f'day,"{name}"\n2026-01-01,x\n')
    tree = tree_of(
        folder,
        north_star="m",
        sources={"s": {"path": "odd.csv", "time": "day", "dimensions": [name]}},
        metrics={
            "m": {"measure": {"source": "s", "aggregate": "count()", "where": "day != '\x1b[1m'"}}
        },
    )
    told = str(tree.run_plan(by=[name]))
    assert "\x1b" not in told
    assert "reads     day as c0, a\\x1b[2J\\nb as c1" in told


def _without(folder: Path) -> dict[str, Any]:
    folder.joinpath("visits.csv").unlink()
    return {}


@pytest.mark.parametrize(
    ("asked", "error", "sentence"),
    [
        (lambda _: {"grain": "moth"}, UsageError, "did you mean month"),
        (lambda _: {"engine": "duck"}, UsageError, "is no engine"),
        (lambda _: {"by": ["contry"]}, SourceError, "did you mean country"),
        (lambda _: {"where": "nope > 1"}, SourceError, "nope"),
        (lambda _: {"compare": "next", "grain": "day"}, UsageError, "next"),
        (lambda _: {"reuse": "x", "engine": "polars"}, UsageError, "not polars"),
        (lambda _: {"totals": True}, UsageError, "totals go over dimensions"),
        (lambda _: {"sources": {"vsits": 1}}, UsageError, "did you mean visits"),
        (lambda _: {}, ComputeError, "before"),
        (_without, SourceError, "no such file"),
    ],
)
def test_a_plan_fails_as_the_run_does(
    folder: Path, asked: Callable[[Path], dict[str, Any]], error: type[Exception], sentence: str
) -> None:
    tree = tree_of(folder)
    targets = None if error is ComputeError else ["rate"]
    given = asked(folder)
    with pytest.raises(error, match=sentence) as run:
        tree.run(targets, **given)
    with pytest.raises(error) as plan:
        tree.run_plan(targets, **given)
    assert str(plan.value) == str(run.value)


def test_spark_runs_nothing_for_a_plan(folder: Path) -> None:
    with servers.spark("local[1]") as session:
        tree = tree_of(folder, timezone="Europe/Berlin")
        jobs = session.sparkContext.statusTracker()
        frame = session.read.parquet(str(folder / "orders.parquet"))
        before = jobs.getJobIdsForGroup(None)
        asked: dict[str, Any] = {"grain": "month", "by": "country", "sources": {"orders": frame}}
        plan = tree.run_plan(["orders"], **asked)
        assert jobs.getJobIdsForGroup(None) == before
        assert plan.sources[0].library == "Spark"
        assert [query.finds for query in plan.sources[0].queries] == ["by month, country"]
        tree.run(["orders"], **asked)
        assert jobs.getJobIdsForGroup(None) != before
