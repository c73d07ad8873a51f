"""What was kept of files is read in place of them: only where that gives the very same values."""

# ruff: noqa: S608 - SQL is of constants

from __future__ import annotations

import json
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from metrictree import Limits, MetricTree, SourceError, UsageError
from metrictree.measures import manifest, runner
from tests import run_tables, sql_by_hand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from metrictree import RunResult

duckdb = pytest.importorskip("duckdb")

ORDERS = Path(__file__).parent.parent / "examples" / "cdnow" / "orders.csv"
DIMENSIONS = ("country", "channel", "size", "member")
SHOP = {
    name: {"aggregate": one.aggregate} | ({"where": one.on.tree} if one.on else {})
    for name, one in sql_by_hand.SHOP.items()
}
KEPT = frozenset((
    "rows_all", "rows_paid", "rows_either", "rows_members", "rows_unscored", "with_status",
    "with_score", "with_score_paid", "revenue", "revenue_paid", "price_mean", "price_mean_paid",
    "price_low", "price_high", "fees", "fees_large", "fee_mean", "pieces", "pieces_mean",
    "score_low", "score_high", "roots",
))  # fmt: skip
"""Measures of the shop that are kept."""
FORMULAS = {
    "paid_share": "rows_paid / rows_all",
    "per_customer": "revenue / customers",
    "before": "lag(revenue, 1)",
    "sofar": "cumulative(rows_paid)",
}
EXACT = KEPT | {"customers", "customers_large", "channels", *FORMULAS}
"""What is given to the last digit whatever is read, and in which order."""


def tree_of(
    folder: Path,
    source: Mapping[str, Any],
    measures: Mapping[str, Mapping[str, Any]],
    formulas: Mapping[str, str] | None = None,
    **given: Any,
) -> MetricTree:
    """Return a tree of measures of one source."""
    metrics: dict[str, Any] = {
        name: {"role": "health", "measure": {"source": "rows", **one}}
        for name, one in measures.items()
    }
    metrics |= {name: {"formula": one, "role": "health"} for name, one in (formulas or {}).items()}
    spec = {"north_star": next(iter(metrics)), "sources": {"rows": source}, "metrics": metrics}
    path = folder / "tree.yml"
    path.write_text(json.dumps(spec | given), encoding="utf-8")
    return MetricTree.load(path)


def near(one: float | None, other: float | None) -> bool:
    """Whether two values differ in the last digits at most, which the order of rows decides."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


def same(one: RunResult, other: RunResult, exact: Iterable[str] = EXACT) -> None:
    """Make sure that two results are the same; what is not exact may differ in the last digits."""
    assert one.columns == other.columns
    assert one.periods == other.periods
    assert len(one.rows) == len(other.rows)
    sure = set(exact)
    for left, right in zip(one.to_dicts(), other.to_dicts(), strict=True):
        for name, value in left.items():
            is_value = name in one.metrics or name.endswith(("_before", "_change", "_growth"))
            if is_value and name.removesuffix("_before") not in sure:
                assert near(value, right[name]), name
            else:
                assert (value, type(value)) == (right[name], type(right[name])), name


def files_in(folder: Path, end: str) -> list[Path]:
    return sorted(folder.glob(f"*{end}")) if folder.is_dir() else []


def the_file(folder: Path, end: str) -> Path:
    (found,) = files_in(folder, end)
    return found


def told(folder: Path) -> Any:
    """Return what the only manifest of a folder tells."""
    return json.loads(the_file(folder, ".json").read_text("utf-8"))


def sign(folder: Path, **changes: Any) -> None:
    """Write the manifest of a folder as if it were right."""
    path = the_file(folder, ".json")
    known = {**told(folder), **changes}
    del known["checksum"]
    known["checksum"] = manifest._checksum(known)
    path.write_text(json.dumps(known), encoding="utf-8")


def tamper(folder: Path) -> None:
    """Let all that is kept be larger by 1,000, and the manifest speak of it."""
    path = the_file(folder, ".parquet")
    with duckdb.connect() as connection:
        rows = connection.read_parquet(str(path))
        cells = [
            f'"{name}"' if name.startswith(("day", "by")) else f'"{name}" + 1000 as "{name}"'
            for name in rows.columns
        ]
        connection.execute(f"create table more as select {', '.join(cells)} from rows")
        connection.table("more").write_parquet(str(path))
    sign(folder, rows=manifest.content_of(path))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: Any) -> Path:
    """Return a folder with the shop, as CSV and as Parquet."""
    folder: Path = tmp_path_factory.mktemp("shop")
    run_tables.write_csv(folder / "shop.csv", run_tables.SHOP, run_tables.shop_rows())
    with duckdb.connect() as connection:
        run_tables.write_parquet(
            connection, folder / "shop.parquet", folder / "shop.csv", run_tables.SHOP
        )
    return folder


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what makes each source unreadable from then on."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a source is opened")

    return lambda: monkeypatch.setattr(runner, "open_table", refuse)


SMALL = {
    "orders": {"aggregate": "count()"},
    "revenue": {"aggregate": "sum(amount)"},
    "customers": {"aggregate": "count_distinct(customer)"},
}
ONLY_KEPT = {name: SMALL[name] for name in ("orders", "revenue")}
ROWS = """\
day,country,customer,amount
2026-01-05,de,1,10.50
2026-01-05,de,2,20.25
2026-01-06,fr,1,5
2026-02-01,,3,7.75
"""
SOURCE = {"path": "rows.csv", "time": "day", "dimensions": ["country"]}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a folder with a file of four rows."""
    tmp_path.joinpath("rows.csv").write_text(ROWS, encoding="utf-8")
    return tmp_path


# --- the same values


requests = st.fixed_dictionaries(
    {
        "grain": st.sampled_from(["day", "week", "month", "month", "quarter", "year", "all"]),
        "by": st.lists(st.sampled_from(DIMENSIONS), unique=True, max_size=3),
        "totals": st.booleans(),
        "since": st.none() | st.dates(date(2023, 10, 1), date(2025, 4, 1)),
        "until": st.none() | st.dates(date(2023, 10, 1), date(2025, 4, 1)),
        "as_of": st.none() | st.dates(date(2024, 1, 1), date(2025, 4, 1)),
        "compare": st.sampled_from([None, None, "previous", "year_ago"]),
        "like_for_like": st.booleans(),
    }
)
sources = st.fixed_dictionaries(
    {
        "path": st.sampled_from(["shop.csv", "shop.parquet"]),
        "time": st.sampled_from(["day", "moment", "zoned", "written"]),
    }
)
trees = st.fixed_dictionaries(
    {},
    optional={
        "timezone": st.sampled_from(["Europe/Berlin", "America/St_Johns", "Pacific/Apia"]),
        "week_start": st.sampled_from(["sunday", "wednesday"]),
        "fiscal_year_start": st.sampled_from([2, 7, 12]),
    },
)


def outcome(tree: MetricTree, targets: list[str], **given: Any) -> RunResult | str:
    try:
        return tree.run(targets, **given)
    except (SourceError, UsageError) as error:
        return str(error)


@settings(
    deadline=None,
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    request=requests,
    source=sources,
    given=trees,
    targets=st.lists(st.sampled_from([*SHOP, *FORMULAS]), min_size=1, max_size=6, unique=True),
)
def test_values_are_the_same_with_reuse(  # noqa: PLR0917 - they are drawn
    shop: Path,
    tmp_path_factory: Any,
    request: dict[str, Any],
    source: dict[str, Any],
    given: dict[str, Any],
    targets: list[str],
) -> None:
    request["totals"] = request["totals"] and bool(request["by"])
    if request["grain"] == "all":
        targets = [name for name in targets if name not in ("before", "sofar")] or ["fees"]
    elif request["grain"] in ("day", "week"):
        request["by"] = request["by"][:1]
    tree = tree_of(shop, {**source, "dimensions": list(DIMENSIONS)}, SHOP, FORMULAS, **given)
    right = outcome(tree, targets, **request)
    folder = tmp_path_factory.mktemp("kept")
    for _ in ("made", "read"):
        found = outcome(tree, targets, **request, reuse=folder)
        if isinstance(right, str) or isinstance(found, str):
            assert found == right
        else:
            same(found, right)


@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter", "year", "all"])
def test_one_file_of_values_serves_every_request(
    shop: Path, tmp_path: Path, grain: str, unreadable: Callable[[], None]
) -> None:
    tree = tree_of(shop, {"path": "shop.csv", "time": "moment", "dimensions": DIMENSIONS}, SHOP)
    names = sorted(KEPT)
    tree.run(names, reuse=tmp_path)
    requests: list[dict[str, Any]] = [
        {"grain": grain},
        {"grain": grain, "by": ["country", "size"], "totals": True, "since": "2024-09-03"},
        {"grain": grain, "by": ["member"], "since": "2024-01-15", "until": "2024-12-31"},
        {"grain": grain, "by": ["channel"], "totals": True, "since": "2024-06-05",
         "until": "2024-06-20"},
    ]  # fmt: skip
    right = [tree.run(names, **request) for request in requests]
    unreadable()
    for request, one in zip(requests, right, strict=True):
        same(tree.run(names, **request, reuse=tmp_path), one, KEPT)


def test_the_example_is_the_same(tmp_path: Path) -> None:
    tree = MetricTree.load(ORDERS.with_name("tree.yml"))
    for request in (
        {"grain": "month", "by": "cohort", "totals": True, "compare": "previous"},
        {"grain": "week", "since": "1998-01-14"},
        {"grain": "quarter", "as_of": "1998-05-10", "compare": "year_ago"},
    ):
        right = tree.run(**request)
        for _ in ("made", "read"):
            assert tree.run(**request, reuse=tmp_path).rows == right.rows
    assert len(files_in(tmp_path, ".parquet")) == 1


def test_two_sources_are_kept_apart_and_join_again(small: Path) -> None:
    small.joinpath("visits.csv").write_text("at,country,n\n2026-01-20,de,3\n2026-03-02,it,4\n")
    spec = {
        "north_star": "rate",
        "sources": {
            "rows": SOURCE,
            "visits": {"path": "visits.csv", "time": "at", "dimensions": ["country"]},
        },
        "metrics": {
            "rate": {"formula": "orders / visits"},
            "orders": {"measure": {"source": "rows", "aggregate": "count()"}},
            "visits": {"measure": {"source": "visits", "aggregate": "sum(n)"}},
        },
    }
    small.joinpath("tree.yml").write_text(json.dumps(spec))
    tree = MetricTree.load(small / "tree.yml")
    for grain, since in (("month", None), ("all", None), ("all", "2026-01-06")):
        asked: dict[str, Any] = {"grain": grain, "by": "country", "totals": True, "since": since}
        right = tree.run(**asked)
        for _ in ("made", "read"):
            found = tree.run(**asked, reuse=small / "kept")
            assert (found.rows, found.periods) == (right.rows, right.periods)
    assert len(files_in(small / "kept", ".json")) == 2


@pytest.mark.parametrize(
    "column",
    [
        "cast(range % 3 as utinyint)", "cast(range % 3 as decimal(20, 3)) / 8", "range % 3 = 1",
        "cast(range % 3 as float) / 7", "case range % 3 when 0 then 'nan'::double else -0.0 end",
        "date '2024-02-28' + cast(range % 3 as int)", "cast(range % 3 as ubigint) + 1<<62",
        "timestamp '2024-02-28 10:00:00.000001' + to_hours(range % 3)",
        "cast(timestamp '2024-02-28 10:00' + to_hours(range % 3) as timestamp_s)",
        "case range % 3 when 0 then '' when 1 then 'a,b' end",
        "case range % 3 when 0 then chr(0) when 1 then 'Ä\U0001f600' end",
        "(['x', 'y', null]::enum('x', 'y')[])[1 + range % 3]",
    ],
)  # fmt: skip
def test_dimensions_of_any_type_stay_what_they_are(tmp_path: Path, column: str) -> None:
    duckdb.execute(
        f"copy (select date '2024-02-28' + cast(range % 4 as int) as day, {column} as by0, "
        f"range as n from range(40)) to '{tmp_path / 'rows.parquet'}'"
    )
    source = {"path": "rows.parquet", "time": "day", "dimensions": ["by0"]}
    measures = {name: {"aggregate": f"{name}(n)"} for name in ("sum", "mean", "min", "max")}
    tree = tree_of(tmp_path, source, measures)
    right = tree.run(grain="day", by="by0", totals=True)
    for _ in ("made", "read"):
        same(tree.run(grain="day", by="by0", totals=True, reuse=tmp_path / "kept"), right, measures)
    assert told(tmp_path / "kept")["measures"]


@pytest.mark.parametrize(
    "column",
    ["bigint", "hugeint", "ubigint", "decimal(38, 0)", "decimal(30, 20)", "tinyint", "double"],
)
def test_numbers_of_any_type_add_up_to_the_same(tmp_path: Path, column: str) -> None:
    duckdb.execute(
        f"copy (select date '2024-02-28' + cast(range % 4 as int) as day, "
        f"cast(range + 0.25 as {column}) as n from range(100)) to '{tmp_path / 'rows.parquet'}'"
    )
    measures = {name: {"aggregate": f"{name}(n)"} for name in ("sum", "mean", "min", "max")}
    tree = tree_of(tmp_path, {"path": "rows.parquet", "time": "day"}, measures)
    right = tree.run(grain="week")
    for _ in ("made", "read"):
        same(tree.run(grain="week", reuse=tmp_path / "kept"), right, measures)


# --- what is kept, and what is not


def test_only_what_can_be_put_together_without_loss_is_kept(shop: Path, tmp_path: Path) -> None:
    source = {"path": "shop.parquet", "time": "day", "dimensions": ["country"]}
    tree = tree_of(shop, source, SHOP)
    right = tree.run(grain="month", by="country", totals=True)
    tree.run(reuse=tmp_path)
    assert {one["metric"] for one in told(tmp_path)["measures"]} == KEPT
    tamper(tmp_path)
    found = tree.run(grain="month", by="country", totals=True, reuse=tmp_path)
    for left, one in zip(right.to_dicts(), found.to_dicts(), strict=True):
        for name in tree.metrics:
            if name not in KEPT:
                assert near(one[name], left[name]), name
        assert one["rows_all"] >= left["rows_all"] + 1000 or left["rows_all"] == 0
        assert one["revenue"] >= left["revenue"] + 10 or left["rows_all"] == 0


def test_sums_of_floats_that_are_no_short_decimals_are_not_kept(tmp_path: Path) -> None:
    cells = ["0.5"] * 3_000 + [repr(1 / 3)] * 3 + [repr(0.1 + 0.2)] * 3
    lines = [f"2026-01-{1 + n % 28:02},{cell},{n}" for n, cell in enumerate(cells)]
    tmp_path.joinpath("rows.csv").write_text("\n".join(["day,x,n", *lines]))
    measures = {"sum": {"aggregate": "sum(x)"}, "least": {"aggregate": "min(x)"}}
    tree = tree_of(tmp_path, {"path": "rows.csv", "time": "day"}, measures)
    right = tree.run(grain="month")
    for _ in ("made", "read"):
        same(tree.run(grain="month", reuse=tmp_path / "kept"), right, ["least"])
    assert [one["metric"] for one in told(tmp_path / "kept")["measures"]] == ["least"]


def test_nothing_is_read_that_is_kept(small: Path, unreadable: Callable[[], None]) -> None:
    tree = tree_of(small, SOURCE, ONLY_KEPT)
    right = tree.run(grain="month", reuse=small / "kept")
    unreadable()
    assert tree.run(grain="month", reuse=small / "kept").rows == right.rows


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_a_source_of_which_nothing_can_be_kept_is_not_tried_again(
    small: Path, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    small.joinpath("rows.csv").write_text(f"{ROWS}2026-07-01 10:00:00,it,9,1\n,it,9,1\n")
    tree = tree_of(small, SOURCE, ONLY_KEPT, timezone=zone)
    right = tree.run()
    assert tree.run(reuse=small / "kept").rows == right.rows
    assert told(small / "kept")["measures"] == []
    monkeypatch.setattr("metrictree.measures.reuse.Shelf._make", None)
    assert tree.run(reuse=small / "kept").rows == right.rows
    with pytest.raises(SourceError, match="rows that count have no 'day'"):
        tree.run(grain="month", reuse=small / "kept")


def test_a_condition_of_a_run_is_applied_to_rows(small: Path) -> None:
    tree = tree_of(small, SOURCE, ONLY_KEPT)
    tree.run(reuse=small / "kept")
    tamper(small / "kept")
    german: dict[str, Any] = {"where": "country == 'de'", "reuse": small / "kept"}
    assert tree.run(**german).rows == ((2.0, 30.75),)
    assert len(files_in(small / "kept", ".json")) == 1


def test_frames_that_are_given_are_read_themselves(small: Path) -> None:
    pl = pytest.importorskip("polars")
    tree = tree_of(small, SOURCE, ONLY_KEPT)
    tree.run(reuse=small / "kept")
    frame = pl.read_csv(small / "rows.csv", try_parse_dates=True).head(1)
    found = tree.run(sources={"rows": frame}, reuse=small / "kept")
    assert found.rows == ((1.0, 10.5),)


@pytest.mark.parametrize(
    "source",
    [
        {"path": "rows.csv", "dimensions": ["country"]},
        {"query": "select * from 'rows.csv'", "time": "day", "dimensions": ["country"]},
    ],
)
def test_a_source_without_times_or_files_is_not_kept(small: Path, source: dict[str, Any]) -> None:
    tree = tree_of(small, source, ONLY_KEPT)
    assert tree.run(by="country", reuse=small / "kept").rows == tree.run(by="country").rows
    assert not files_in(small / "kept", "")


# --- what a run says without reuse, it says with it


def test_what_is_wrong_with_a_column_that_nobody_asks_for_does_not_matter(tmp_path: Path) -> None:
    duckdb.execute(
        f"copy (select timestamp 'infinity' as at, [1] as list, 1 as n "
        f"union all select timestamp '2026-01-02', [2], 2) to '{tmp_path / 'rows.parquet'}'"
    )
    source = {"path": "rows.parquet", "time": "at", "dimensions": ["list"]}
    tree = tree_of(tmp_path, source, {"n": {"aggregate": "sum(n)"}})
    span: dict[str, Any] = {"since": "2026-01-01", "until": "2026-01-31"}
    for _ in ("made", "read"):
        assert tree.run(reuse=tmp_path / "kept").rows == ((3.0,),)
        assert tree.run(grain="month", **span, reuse=tmp_path / "kept").rows[0][-1] == 2
    with pytest.raises(SourceError, match="outside of the years"):
        tree.run(grain="month", reuse=tmp_path / "kept")


def test_what_is_lost_is_told(tmp_path: Path) -> None:
    duckdb.execute(
        f"copy (select date '2026-01-01' + cast(range as int) as day, 2**53 - 1 + range as n, "
        f"from range(4)) to '{tmp_path / 'rows.parquet'}'"
    )
    duckdb.execute(
        f"copy (select day, cast(n as bigint) as n from '{tmp_path / 'rows.parquet'}') "
        f"to '{tmp_path / 'whole.parquet'}'"
    )
    tree = tree_of(
        tmp_path, {"path": "whole.parquet", "time": "day"}, {"n": {"aggregate": "sum(n)"}}
    )
    with pytest.raises(SourceError) as right:
        tree.run(grain="month")
    for _ in ("made", "read"):
        with pytest.raises(SourceError) as found:
            tree.run(grain="month", reuse=tmp_path / "kept")
        assert str(found.value) == str(right.value)


def test_what_no_row_may_be_is_told_of_the_days_that_hold_it(tmp_path: Path) -> None:
    duckdb.execute(
        f"copy (select date '2026-01-01' + cast(32 * range as int) as day, "
        f"if(range = 1, 2**60, 1)::bigint as n from range(3)) to '{tmp_path / 'rows.parquet'}'"
    )
    tree = tree_of(
        tmp_path, {"path": "rows.parquet", "time": "day"}, {"n": {"aggregate": "max(n + 1)"}}
    )
    for _ in ("made", "read"):
        assert tree.run(until="2026-01-31", reuse=tmp_path / "kept").rows == ((2.0,),)
        with pytest.raises(SourceError, match=r"past 2\*\*53"):
            tree.run(grain="month", reuse=tmp_path / "kept")


def test_nothing_is_kept_of_too_many_groups(small: Path) -> None:
    tree_of(small, SOURCE, ONLY_KEPT)
    tree = MetricTree.load(small / "tree.yml", limits=Limits(rows=2))
    right = tree.run(grain="month").rows
    for _ in ("made", "read"):
        assert tree.run(grain="month", reuse=small / "kept").rows == right
    assert told(small / "kept")["measures"] == []


def test_days_of_the_first_week_are_refused_in_the_same_words(tmp_path: Path) -> None:
    tmp_path.joinpath("rows.csv").write_text("day,n\n0001-01-02,1\n")
    tree = tree_of(
        tmp_path,
        {"path": "rows.csv", "time": "day"},
        {"n": {"aggregate": "sum(n)"}},
        week_start="sunday",
    )
    assert tree.run(grain="day", reuse=tmp_path / "kept").rows == tree.run(grain="day").rows
    for reuse in (None, tmp_path / "kept"):
        with pytest.raises(SourceError, match="before the year 1"):
            tree.run(grain="week", reuse=reuse)


@pytest.mark.parametrize("text", ["", "day,country,customer,amount\n", f"{ROWS}2026-01-05,de\n"])
def test_damage_of_a_source_is_told_as_ever(small: Path, text: str) -> None:
    tree = tree_of(small, SOURCE, ONLY_KEPT)
    tree.run(reuse=small / "kept")
    small.joinpath("rows.csv").write_text(text)
    with pytest.raises(SourceError) as right:
        tree.run()
    with pytest.raises(SourceError) as found:
        tree.run(reuse=small / "kept")
    assert str(found.value) == str(right.value)


# --- what is no longer right


def test_a_file_that_was_changed_is_read_again(small: Path) -> None:
    tree = tree_of(small, SOURCE, ONLY_KEPT)
    path, kept = small / "rows.csv", small / "kept"
    assert tree.run(reuse=kept).rows == ((4.0, 43.5),)
    before = path.stat()
    path.write_text(ROWS.replace("7.75", "9.75"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert tree.run(reuse=kept).rows == ((4.0, 45.5),)
    path.write_text(ROWS)
    assert tree.run(reuse=kept).rows == ((4.0, 43.5),)
    path.unlink()
    with pytest.raises(SourceError, match="no such file"):
        tree.run(reuse=kept)


def test_a_change_in_the_middle_of_a_large_file_is_seen(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "_WHOLE", 10)
    monkeypatch.setattr(manifest, "_ENDS", 30)
    tree = tree_of(small, SOURCE, ONLY_KEPT)
    path, kept = small / "rows.csv", small / "kept"
    assert tree.run(reuse=kept).rows == ((4.0, 43.5),)
    before = path.stat()
    for old, new, total in (("20.25", "30.25", 53.5), ("7.75", "9.75", 45.5)):
        time.sleep(0.05)  # clocks of file systems are coarse
        path.write_text(ROWS.replace(old, new))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert tree.run(reuse=kept).rows == ((4.0, total),)


def test_a_copy_of_a_file_is_the_same_file(small: Path, unreadable: Callable[[], None]) -> None:
    tree = tree_of(small, SOURCE, ONLY_KEPT)
    right = tree.run(reuse=small / "kept")
    small.joinpath("rows.csv").rename(small / "old.csv")
    small.joinpath("rows.csv").write_text(ROWS)
    unreadable()
    assert tree.run(reuse=small / "kept").rows == right.rows


def test_a_file_more_is_read_too(small: Path) -> None:
    tree = tree_of(small, {**SOURCE, "path": "r*.csv"}, ONLY_KEPT)
    kept = small / "kept"
    assert tree.run(reuse=kept).rows == ((4.0, 43.5),)
    small.joinpath("r2.csv").write_text("day,country,customer,amount\n2026-01-07,de,9,1.5\n")
    assert tree.run(reuse=kept).rows == ((5.0, 45.0),)
    small.joinpath("r2.csv").rename(small / "r3.csv")
    assert tree.run(reuse=kept).rows == ((5.0, 45.0),)
    small.joinpath("r3.csv").unlink()
    assert tree.run(reuse=kept).rows == ((4.0, 43.5),)


def test_a_definition_that_was_changed_is_computed_anew(small: Path) -> None:
    small.joinpath("rows.csv").write_text(
        "at,country,amount\n2026-01-31 23:30:00,de,1\n2026-02-01 10:00:00,fr,2\n"
    )
    source = {"path": "rows.csv", "time": "at", "dimensions": ["country"]}
    measures = {"m": {"aggregate": "sum(amount)"}}
    for changed, made, more in (
        (source, measures, {}),
        (source, {"m": {"aggregate": "sum(amount)", "where": "country == 'de'"}}, {}),
        (source, {"m": {"aggregate": "max(amount)"}}, {}),
        (source, measures, {"timezone": "Europe/Berlin"}),
        ({**source, "timezone": "Asia/Tokyo"}, measures, {"timezone": "America/New_York"}),
        (source, measures, {"week_start": "sunday", "fiscal_year_start": 2}),
        ({**source, "dimensions": ["country", "amount"]}, measures, {}),
    ):
        tree = tree_of(small, changed, made, **more)
        for grain in ("month", "week", "year"):
            right = tree.run(grain=grain, by="country")
            for _ in ("made", "read"):
                found = tree.run(grain=grain, by="country", reuse=small / "kept")
                assert found.rows == right.rows


def test_another_version_makes_its_own(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tree_of(small, SOURCE, ONLY_KEPT)
    tree.run(reuse=small / "kept")
    tamper(small / "kept")
    assert tree.run(reuse=small / "kept").rows != ((4.0, 43.5),)
    monkeypatch.setattr(manifest, "__version__", "99")
    assert tree.run(reuse=small / "kept").rows == ((4.0, 43.5),)


def test_clocks_that_were_mended_place_rows_anew(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from metrictree.measures.zones import Clock

    small.joinpath("rows.csv").write_text("at,n\n2026-01-31 23:30:00,1\n2026-02-02 10:00:00,2\n")
    tree = tree_of(
        small,
        {"path": "rows.csv", "time": "at"},
        {"n": {"aggregate": "sum(n)"}},
        timezone="Europe/Berlin",
    )
    assert [row[-1] for row in tree.run(grain="month", reuse=small / "kept").rows] == [3]
    offset = Clock._offset
    monkeypatch.setattr(Clock, "_offset", lambda clock, at: offset(clock, at) / 4)
    assert [row[-1] for row in tree.run(grain="month", reuse=small / "kept").rows] == [1, 2]


# --- damage


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def _fill(path: Path) -> None:
    path.write_text("[" * 100_000)


@pytest.mark.parametrize("end", [".json", ".parquet"])
@pytest.mark.parametrize(
    "harm", [_cut, _flip, _fill, Path.unlink, Path.touch, lambda path: path.write_bytes(b"")]
)
def test_what_is_damaged_is_made_anew(small: Path, end: str, harm: Callable[[Path], Any]) -> None:
    tree = tree_of(small, SOURCE, SMALL)
    right = tree.run(grain="month", by="country", reuse=small / "kept").rows
    path = the_file(small / "kept", end)
    harm(path)
    assert tree.run(grain="month", by="country", reuse=small / "kept").rows == right
    tamper(small / "kept")  # what was made anew is read
    assert tree.run(grain="month", by="country", reuse=small / "kept").rows != right


@pytest.mark.parametrize("text", ["null", "[]", "{}", '"x"', "1e999", '{"checksum": null}'])
def test_a_manifest_of_anything_else_is_none(small: Path, text: str) -> None:
    tree = tree_of(small, SOURCE, ONLY_KEPT)
    right = tree.run(reuse=small / "kept").rows
    the_file(small / "kept", ".json").write_text(text)
    assert tree.run(reuse=small / "kept").rows == right


def test_rows_of_another_manifest_are_not_read(small: Path) -> None:
    tree = tree_of(small, SOURCE, ONLY_KEPT)
    right = tree.run(reuse=small / "kept").rows
    path = the_file(small / "kept", ".json")
    before = path.read_bytes()
    tamper(small / "kept")
    path.write_bytes(before)
    assert tree.run(reuse=small / "kept").rows == right


def test_a_manifest_of_which_a_word_was_changed_is_none(small: Path) -> None:
    tree = tree_of(small, SOURCE, ONLY_KEPT)
    right = tree.run(grain="month", reuse=small / "kept").rows
    path = the_file(small / "kept", ".json")
    text = path.read_text("utf-8")
    assert "2026-02-01" in text
    path.write_text(text.replace("2026-02-01", "2026-03-01"), encoding="utf-8")
    assert tree.run(grain="month", reuse=small / "kept").rows == right


# --- the folder


@pytest.mark.parametrize("name", ["kept", "[a]*?", "day=2020-01-01", "by0=x", "Ä 'q' \"", "a/b/c"])
def test_a_folder_may_have_any_name(
    small: Path, name: str, monkeypatch: pytest.MonkeyPatch, unreadable: Callable[[], None]
) -> None:
    monkeypatch.chdir(small)
    tree = tree_of(small, SOURCE, ONLY_KEPT)
    right = tree.run(grain="month", by="country").rows
    assert tree.run(grain="month", by="country", reuse=name).rows == right
    unreadable()
    assert tree.run(grain="month", by="country", reuse=small / name).rows == right


def test_a_folder_that_cannot_be_written_is_told(small: Path) -> None:
    tree = tree_of(small, SOURCE, ONLY_KEPT)
    for folder in (small / "rows.csv", small / "rows.csv" / "kept", "a\0b"):
        with pytest.raises(UsageError, match=r"cannot keep values in .*") as found:
            tree.run(reuse=folder)
        assert [one.code for one in found.value.diagnostics] == ["VAL110"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no such folder")
def test_a_folder_in_which_no_file_can_be_made_is_told(small: Path) -> None:
    tree = tree_of(small, SOURCE, ONLY_KEPT)
    with pytest.raises(UsageError, match=r"cannot keep values in /proc/self: [A-Z][a-z ]+: choose"):
        tree.run(reuse="/proc/self")


def test_a_folder_in_place_of_a_file_is_told(small: Path) -> None:
    tree = tree_of(small, SOURCE, ONLY_KEPT)
    tree.run(reuse=small / "kept")
    for end in (".json", ".parquet"):
        path = the_file(small / "kept", end)
        path.unlink()
        path.mkdir()
        with pytest.raises(UsageError, match=r"cannot keep values in .*it is no file"):
            tree.run(reuse=small / "kept")
        path.rmdir()


def test_values_are_not_kept_where_a_source_would_read_them(tmp_path: Path) -> None:
    duckdb.execute(
        f"copy (select date '2026-01-01' as day, 1 as n) to '{tmp_path / 'rows.parquet'}'"
    )
    tree = tree_of(
        tmp_path, {"path": "**/*.parquet", "time": "day"}, {"n": {"aggregate": "sum(n)"}}
    )
    for folder in (tmp_path, tmp_path / "kept"):
        with pytest.raises(UsageError, match="a source reads it, too"):
            tree.run(reuse=folder)
        assert tree.run().rows == ((1.0,),)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"reuse": 3}, "reuse is 3, no folder"),
        ({"reuse": "kept", "engine": "polars"}, "reuse keeps what DuckDB reads, not polars"),
    ],
)
def test_what_makes_no_sense_is_refused(
    small: Path, given: dict[str, Any], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(small)
    with pytest.raises(UsageError, match=sentence):
        tree_of(small, SOURCE, ONLY_KEPT).run(**given)
    assert not (small / "kept").exists()


# --- at the same time


def test_a_source_that_changes_while_it_is_read_is_not_kept(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from metrictree.measures import reuse
    from metrictree.measures.survey import survey

    tree = tree_of(small, SOURCE, ONLY_KEPT)

    def changed(prepared: Any) -> Any:
        found = survey(prepared)
        small.joinpath("rows.csv").write_text(f"{ROWS}2026-03-01,it,1,100\n")
        return found

    monkeypatch.setattr(reuse, "survey", changed)
    tree.run(reuse=small / "kept")
    monkeypatch.undo()
    assert not files_in(small / "kept", ".json")
    assert tree.run(grain="month", reuse=small / "kept").rows == tree.run(grain="month").rows


def test_a_folder_that_is_deleted_after_it_was_looked_at_is_not_missed(small: Path) -> None:
    import shutil

    tree = tree_of(small, SOURCE, SMALL)
    right = tree.run(grain="month")
    tree.run(reuse=small / "kept")
    found = tree.run(
        grain="month",
        reuse=small / "kept",
        progress=lambda *_: shutil.rmtree(small / "kept", ignore_errors=True),
    )
    assert not (small / "kept").exists()
    assert found.rows == right.rows


def _runs(path: str, folder: str, times: int) -> None:
    tree = MetricTree.load(path)
    for _ in range(times):
        assert tree.run(reuse=folder).rows == ((4.0, 43.5),)
        for each in Path(folder).glob("*.json"):
            each.unlink(missing_ok=True)


def test_processes_may_write_at_the_same_time(small: Path) -> None:
    tree = tree_of(small, SOURCE, ONLY_KEPT)
    context = multiprocessing.get_context("spawn")
    arguments = (str(small / "tree.yml"), str(small / "kept"), 15)
    both = [context.Process(target=_runs, args=arguments) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [one.exitcode for one in both] == [0, 0]
    assert tree.run(reuse=small / "kept").rows == ((4.0, 43.5),)


KILLED = """
import os, signal, sys
from metrictree import MetricTree

at, tree, folder = sys.argv[1:]

def replace(source, target, real=os.replace):
    if at == f"before {target.suffix}":
        os.kill(os.getpid(), signal.SIGKILL)
    real(source, target)
    if at == f"after {target.suffix}":
        os.kill(os.getpid(), signal.SIGKILL)

os.replace = replace
MetricTree.load(tree).run(reuse=folder)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("at", ["before .parquet", "after .parquet", "before .json", "after .json"])
def test_a_kill_leaves_values_that_are_whole_or_absent(small: Path, at: str) -> None:
    tree = tree_of(small, SOURCE, ONLY_KEPT)
    arguments = [sys.executable, "-c", KILLED, at, str(small / "tree.yml"), str(small / "kept")]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert bool(files_in(small / "kept", ".json")) == (at == "after .json")
    for _ in ("made", "read"):
        assert tree.run(reuse=small / "kept").rows == ((4.0, 43.5),)
