"""Runs on real Spark, in one process and in several, give the values of DuckDB.

Sums of integers, decimals and money are the same to the last digit, the rest to a part in 1e12.
"""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from metrictree import MetricTree, MetricTreeError
from tests import run_tables, servers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from metrictree import RunResult

duckdb = pytest.importorskip("duckdb")

# PySpark does not know the newest pandas yet.
pytestmark = pytest.mark.filterwarnings(
    "ignore:PySpark does not yet fully support:FutureWarning",
)

CLUSTER = "local-cluster[2,1,1024]"
EXAMPLES = Path(__file__).parent.parent / "examples"
COUNTED = {
    "rows": "count()",
    "rows_paid": ("count()", "status == 'paid'"),
    "scores": "count(score)",
    "customers": "count_distinct(customer)",
    "scores_apart": "count_distinct(score)",
    "revenue": "sum(price)",
    "revenue_paid": ("sum(price)", "status == 'paid' and quantity > 1"),
    "price_mean": "mean(price)",
    "fees": "sum(fee)",
    "fees_members": ("mean(fee)", "member"),
    "pieces": "sum(quantity)",
    "cheapest": "min(price)",
    "best": "max(score)",
}
"""Measures that are the same to the last digit."""
COMPUTED = {
    "gross": "sum(price * quantity - fee)",
    "score": "sum(score)",
    "score_mean": "mean(score)",
    "score_median": "median(score)",
    "price_tenth": "quantile(price, 0.1)",
    "score_std": "std(score)",
    "logs": "sum(log(fee) + sqrt(score) ** 2 % 7)",
}
DIMENSIONS = ("country", "channel", "size", "member", "day", "moment")
ROOM = "200k"
"""What all tasks of a query may send to the driver."""
ZONES = ("UTC", "America/New_York")


@pytest.fixture(scope="module", params=["local[2]", CLUSTER])
def session(request: pytest.FixtureRequest) -> Iterator[Any]:
    with servers.spark(request.param, **{"spark.driver.maxResultSize": ROOM}) as started:
        started.conf.set("spark.sql.session.timeZone", "America/New_York")
        yield started


@pytest.fixture
def settings(session: Any) -> Iterator[Any]:
    """Yield what sets a setting of the session; they are put back afterwards."""
    before: dict[str, str] = {}

    def set_(name: str, value: str) -> None:
        before.setdefault(name, session.conf.get(name))
        session.conf.set(name, value)

    yield set_
    for name, value in before.items():
        session.conf.set(name, value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the shop as files of all kinds."""
    folder = tmp_path_factory.mktemp("shop")
    run_tables.write_csv(folder / "shop.csv", run_tables.SHOP, run_tables.shop_rows())
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        run_tables.write_parquet(
            connection, folder / "shop.parquet", folder / "shop.csv", run_tables.SHOP
        )
        shop = connection.read_parquet(str(folder / "shop.parquet"))
        shop.create_view("shop")
        connection.execute(f"copy (from shop select * exclude zoned) to '{folder}/shop.jsonl'")
        connection.execute(
            f"copy (from shop select *, coalesce(channel, 'a/b c') as hall) to '{folder}/halls' "
            "(format parquet, partition_by (hall, status), write_partition_columns false)"
        )
    return folder


def tree_of(
    folder: Path, source: Mapping[str, Any], measures: Mapping[str, Any], **spec: Any
) -> MetricTree:
    pairs = {name: (one, None) if isinstance(one, str) else one for name, one in measures.items()}
    metrics = {
        name: {
            "role": "health",
            "measure": {"source": "s", "aggregate": aggregate}
            | ({} if where is None else {"where": where}),
        }
        for name, (aggregate, where) in pairs.items()
    }
    spec |= {"north_star": next(iter(metrics)), "metrics": metrics, "sources": {"s": source}}
    path = folder / "tree.yml"
    path.write_text(json.dumps(spec), encoding="utf-8")
    return MetricTree.load(path)


def shop_tree(folder: Path, path: str, time: str, **spec: Any) -> MetricTree:
    dimensions = [*DIMENSIONS, *(["hall"] if "halls" in path else [])]
    source = {"path": path, "time": time, "dimensions": dimensions}
    return tree_of(folder, source, {**COUNTED, **COMPUTED}, **spec)


def check(found: RunResult, right: RunResult, near: Collection[str] = tuple(COMPUTED)) -> None:
    """Compare two results, metrics that are near up to the order in which floats are added."""
    assert found.columns == right.columns
    assert len(found.rows) == len(right.rows) > 0
    wrong = []
    for row, other in zip(found.rows, right.rows, strict=True):
        for name, one, two in zip(found.columns, row, other, strict=True):
            may_differ = name in near and one is not None and two is not None
            if one != two and not (may_differ and math.isclose(one, two, rel_tol=1e-12)):
                wrong.append((row[:2], name, one, two))
    assert not wrong


def both(tree: MetricTree, session: Any, **asked: Any) -> None:
    check(tree.run(engine="spark", connection=session, **asked), tree.run(**asked))


# --- what is read


@pytest.mark.parametrize(
    ("path", "time", "by"),
    [
        ("shop.parquet", "moment", ("size", "member")),
        ("shop.parquet", "zoned", ("country",)),
        ("shop.parquet", "written", ("moment",)),
        ("shop.parquet", "day", ("day", "channel")),
        ("halls/*/*/*.parquet", "moment", ("hall",)),
        ("shop.csv", "written", ("country", "size")),
        ("shop.jsonl", "moment", ("country", "member")),
    ],
)
def test_files_give_what_they_give_in_duckdb(
    folder: Path, session: Any, path: str, time: str, by: tuple[str, ...]
) -> None:
    tree = shop_tree(folder, path, time, timezone="Europe/Berlin", week_start="sunday")
    both(tree, session, grain="quarter", by=by, since="2024-01-15", until="2024-09-30")


def test_totals_comparisons_and_conditions_give_what_they_give_in_duckdb(
    folder: Path, session: Any
) -> None:
    tree = shop_tree(folder, "shop.parquet", "moment", fiscal_year_start=4)
    both(tree, session, by=("country", "channel"), totals=True, where="quantity > 0")
    asked: dict[str, Any] = {"grain": "month", "compare": "previous", "until": "2024-10-12"}
    both(tree, session, targets=list(COUNTED), as_of="2024-10-10", **asked)


def test_cdnow_gives_what_it_gives_in_duckdb(session: Any) -> None:
    tree = MetricTree.load(EXAMPLES / "cdnow" / "tree.yml")
    every: list[dict[str, Any]] = [{"grain": "month", "by": ["cohort"]}, {"grain": "week"}]
    for asked in every:
        found = tree.run(engine="spark", connection=session, **asked)
        check(found, tree.run(**asked), near=found.metrics)


@pytest.fixture
def frame(folder: Path, session: Any) -> Any:
    return session.read.parquet(str(folder / "shop.parquet")).repartition(5)


def test_frames_and_tables_give_what_files_give(folder: Path, session: Any, frame: Any) -> None:
    asked: dict[str, Any] = {"grain": "month", "by": ("country",)}
    tree = shop_tree(folder, "shop.parquet", "zoned")
    right = tree.run(**asked)
    check(tree.run(sources={"s": frame}, **asked), right)
    frame.createOrReplaceTempView("shop_view")
    for table in ("shop_view", "global_temp.shop_view"):
        frame.createOrReplaceGlobalTempView("shop_view")
        source = {"table": table, "time": "zoned", "dimensions": list(DIMENSIONS)}
        of_table = tree_of(folder, source, {**COUNTED, **COMPUTED})
        check(of_table.run(connection=session, **asked), right)


# --- what must not matter


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("local", ZONES)
def test_no_zone_of_session_or_machine_moves_a_row(  # noqa: PLR0917
    folder: Path, settings: Any, session: Any, zone: str, local: str, monkeypatch: Any
) -> None:
    settings("spark.sql.session.timeZone", zone)
    with monkeypatch.context() as patched:
        patched.setenv("TZ", local)
        time.tzset()
        measures = {
            "rows": "count()",
            "late": ("count()", "moment >= '2024-03-10 02:30:00'"),
            "early": ("count()", "zoned < '2024-11-03 01:30:00'"),
            "days": ("count()", "day == '2024-02-29'"),
        }
        for at in ("moment", "zoned", "written"):
            source = {"path": "shop.parquet", "time": at, "dimensions": ["moment"]}
            for clock in ("UTC", "Australia/Lord_Howe"):
                tree = tree_of(folder, source, measures, timezone=clock)
                both(tree, session, grain="day", since="2024-03-31", until="2024-04-07")
                both(tree, session, until="2024-12-31", by=("moment",))
    time.tzset()


@pytest.mark.parametrize("ansi", ["true", "false"])
@pytest.mark.parametrize("case", ["true", "false"])
def test_no_setting_of_sql_changes_a_value(
    folder: Path, settings: Any, session: Any, ansi: str, case: str
) -> None:
    settings("spark.sql.ansi.enabled", ansi)
    settings("spark.sql.caseSensitive", case)
    for path in ("shop.parquet", "shop.csv"):
        both(shop_tree(folder, path, "written"), session, grain="month", by=("size",))


@pytest.mark.parametrize("partitions", [1, 17])
def test_money_is_exact_however_rows_are_spread(
    tmp_path: Path, session: Any, partitions: int
) -> None:
    drawn = random.Random(3)  # noqa: S311 - no secret
    rows = [
        (drawn.randrange(10**6) / 100, drawn.random(), Decimal(drawn.randrange(10**9)) / 100)
        for _ in range(5_000)
    ]
    frame = session.createDataFrame(rows, "cents double, any double, price decimal(20, 2)")
    measures = {"cents": "sum(cents)", "price": "sum(price)", "price_mean": "mean(price)"}
    tree = tree_of(tmp_path, {"path": "none.csv"}, measures)
    ((cents, price, mean),) = tree.run(sources={"s": frame.repartition(partitions)}).rows
    right = sum(Decimal(str(one)) for one, _, _ in rows)
    total = sum(one for _, _, one in rows)
    assert (cents, price, mean) == (float(right), float(total), float(total / len(rows)))


def test_columns_may_have_any_name(tmp_path: Path, session: Any, settings: Any) -> None:
    settings("spark.sql.caseSensitive", "true")
    odd = ["a.b", "`", "x y;--", "\u00e9'\"", "count(1)", "c1"]
    frame = session.createDataFrame([(1, 2, *odd), (3, 4, *odd)], ["a", "A", *odd])
    measures = {"small": "sum(a)", "large": "sum(A)"}
    tree = tree_of(tmp_path, {"path": "none.csv", "dimensions": odd}, measures)
    found = tree.run(by=odd, sources={"s": frame})
    assert found.columns == (*odd, "small", "large")
    assert found.rows == ((*odd, 4.0, 6.0),)


# --- numbers past what is there for them


@pytest.mark.parametrize("ansi", ["true", "false"])
@pytest.mark.parametrize(
    ("type_", "value", "right"),
    [
        ("bigint", 2**62, None),
        ("bigint", 2**53 + 1, None),
        ("bigint", 2**50, 4.0 * 2**50),
        ("decimal(38, 0)", Decimal(9 * 10**37), None),
        ("decimal(38, 2)", Decimal(10**35), None),
        ("decimal(38, 20)", Decimal("0.1"), 0.4),
        ("int", 2**31 - 1, 4.0 * (2**31 - 1)),
    ],
)
def test_a_sum_past_its_type_is_refused_or_exact(  # noqa: PLR0917
    tmp_path: Path, session: Any, settings: Any, ansi: str, type_: str, value: Any, right: Any
) -> None:
    settings("spark.sql.ansi.enabled", ansi)
    frame = session.createDataFrame([(value,)] * 4, f"x {type_}")
    tree = tree_of(tmp_path, {"path": "none.csv"}, {"sum": "sum(x)", "rows": "count()"})
    if right is None:
        with pytest.raises(MetricTreeError) as caught:
            tree.run(sources={"s": frame})
        assert {one.code for one in caught.value.diagnostics} == {"SRC112"}
    else:
        assert tree.run(sources={"s": frame}).rows == ((right, 4.0),)


# --- what is wrong


@pytest.mark.parametrize(
    ("source", "measures", "code"),
    [
        ({"path": "shop.parquet"}, {"x": "sum(prise)"}, "SRC106"),
        ({"path": "shop.csv"}, {"x": "sum(country)"}, "SRC107"),
        ({"path": "shop.parquet"}, {"x": "sum(country)"}, "SRC107"),
        ({"path": "shop.parquet", "time": "price"}, {"x": "count()"}, "SRC107"),
        ({"path": "shop.parquet", "time": "when"}, {"x": "count()"}, "SRC106"),
        ({"path": "broken.parquet"}, {"x": "count()"}, "SRC105"),
        ({"path": "empty.parquet", "time": "day"}, {"x": "count()"}, "SRC121"),
        ({"path": "nothing.csv"}, {"x": "count()"}, "SRC104"),
        ({"path": "days.csv", "time": "day"}, {"x": "count()"}, "SRC107"),
        ({"path": "short.csv"}, {"x": "count()"}, "SRC105"),
        ({"path": "short.jsonl"}, {"x": "count()"}, "SRC105"),
    ],
)
def test_what_is_wrong_is_told_as_with_duckdb(
    folder: Path, session: Any, source: dict[str, Any], measures: Any, code: str
) -> None:
    whole = (folder / "shop.parquet").read_bytes()
    (folder / "broken.parquet").write_bytes(whole[:2_000] + b"?" * 500 + whole[2_500:-200])
    (folder / "days.csv").write_text("day,x\n2024-01-01,1\n2024-02-30,2\n")
    (folder / "short.csv").write_text("a,b\n1,2\n3\n")
    (folder / "short.jsonl").write_text('{"a": 1}\n{"a": \n')
    shop = duckdb.read_parquet(str(folder / "shop.parquet"))
    shop.filter("false").write_parquet(str(folder / "empty.parquet"))
    asked: dict[str, Any] = {"grain": "month"} if "time" in source else {}
    tree = tree_of(folder, source, measures)
    told = []
    engines: list[dict[str, Any]] = [{}, {"engine": "spark", "connection": session}]
    for engine in engines:
        with pytest.raises(MetricTreeError) as caught:
            tree.run(**asked, **engine)
        told.append([(one.code, one.span, one.path) for one in caught.value.diagnostics])
    assert told[0] == told[1]
    assert {one for one, *_ in told[0]} == {code}


# --- what is collected


@pytest.fixture
def plans(session: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return the plans of all that is collected: what is computed, and how."""
    kind = type(session.range(1))
    collect = kind.collect
    found = []

    def spied(frame: Any) -> Any:
        execution = frame._jdf.queryExecution()
        found.append((execution.optimizedPlan().toString(), execution.executedPlan().toString()))
        return collect(frame)

    monkeypatch.setattr(kind, "collect", spied)
    return found


@pytest.mark.parametrize(("path", "time"), [("shop.parquet", "moment"), ("shop.csv", "written")])
def test_nothing_but_aggregates_is_collected(
    folder: Path, session: Any, plans: list[tuple[str, str]], path: str, time: str
) -> None:
    tree = shop_tree(folder, path, time)
    tree.run(grain="month", by=("country",), totals=True, engine="spark", connection=session)
    tree.run(engine="spark", connection=session)
    assert len(plans) >= 6
    for plan, _ in plans:
        steps = [line.strip("+- :").partition(" ")[0] for line in plan.splitlines()]
        first = next(one for one in steps if one not in ("Project", "GlobalLimit", "LocalLimit"))
        # Or whether there is any row at all: one value, true or false.
        assert first == "Aggregate" or plan.startswith("GlobalLimit 1\n"), plan
        assert first == "Aggregate" or "Project [isnull(" in plan, plan


def test_rows_are_aggregated_before_they_are_exchanged(
    folder: Path, session: Any, plans: list[tuple[str, str]]
) -> None:
    source = {"path": "shop.parquet", "time": "moment", "dimensions": ["country"]}
    measures = {"revenue": "sum(price)", "fees": "sum(fee)", "median": "median(score)"}
    tree = tree_of(folder, source, measures)
    tree.run(grain="month", by=["country"], engine="spark", connection=session)
    lines = plans[-1][1].splitlines()
    exchanges = [at for at, line in enumerate(lines) if "Exchange" in line]
    partial = [at for at, line in enumerate(lines) if "partial_sum" in line]
    assert len(exchanges) == len(partial) == 1
    assert exchanges[0] < partial[0]  # plans are written from the result down to the rows
    assert "partial_percentile" in lines[partial[0]]


def test_a_driver_with_room_for_the_result_only_is_enough(tmp_path: Path, session: Any) -> None:
    path = tmp_path / "many.parquet"
    duckdb.sql(
        "select i, i / 100 as fee, cast(i as decimal(12, 2)) as price, i % 3 as k, "
        "timestamp '2024-01-01' + interval (i) minute as at from range(300000) t(i)"
    ).write_parquet(str(path))
    measures = {"rows": "count()", "fees": "sum(fee)", "revenue": "sum(price)"}
    tree = tree_of(tmp_path, {"path": path.name, "time": "at", "dimensions": ["k"]}, measures)
    with pytest.raises(Exception, match="maxResultSize"):
        session.read.parquet(str(path)).collect()
    both(tree, session, grain="month", by=["k"], totals=True)


# --- Spark Connect

CONNECT = """
import json, sys
from metrictree import MetricTree
from pyspark.sql import SparkSession

session = SparkSession.builder.remote("local[1]").getOrCreate()
session.conf.set("spark.sql.session.timeZone", "America/New_York")
tree = MetricTree.load(sys.argv[1])
asked = json.loads(sys.argv[2])
frame = session.read.parquet(sys.argv[3])
frame.createOrReplaceTempView("shop")
found = []
for given in ({"engine": "spark", "connection": session}, {"sources": {"s": frame}}):
    found.append(tree.run(**asked, **given).rows)
print("rows:" + json.dumps(found, default=str))
session.stop()
"""
"""Runs in a process of its own: with a server, there are no other sessions."""


def test_spark_connect_gives_what_duckdb_gives(folder: Path) -> None:
    for needed in ("pyspark", "pandas", "pyarrow", "grpc", "grpc_status", "google.rpc"):
        pytest.importorskip(needed, reason=f'no {needed}: pip install "pyspark[connect]"')
    tree = shop_tree(folder, "shop.parquet", "zoned", timezone="Europe/Berlin")
    asked: dict[str, Any] = {"grain": "month", "by": ["country"], "since": "2024-02-10"}
    arguments = [f"{folder}/tree.yml", json.dumps(asked), f"{folder}/shop.parquet"]
    made = subprocess.run(
        [sys.executable, "-c", CONNECT, *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, **servers.spark_environment()},
        text=True,
        timeout=300,
    )
    assert made.returncode == 0, made.stderr
    (line,) = (line for line in made.stdout.splitlines() if line.startswith("rows:"))
    right = json.loads(json.dumps(tree.run(**asked).rows, default=str))
    for found in json.loads(line.removeprefix("rows:")):
        assert len(found) == len(right)
        for row, other in zip(found, right, strict=True):
            for one, two in zip(row, other, strict=True):
                assert one == (pytest.approx(two, rel=1e-12, abs=0) if type(two) is float else two)
