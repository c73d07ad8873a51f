"""Ways of a scan that are there for speed give what the plain way gives."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from metrictree import MetricTree, SourceError
from metrictree.measures import query
from metrictree.measures.grouping import Rolling

if TYPE_CHECKING:
    from pathlib import Path

duckdb = pytest.importorskip("duckdb")

pytestmark = pytest.mark.filterwarnings("ignore:Found complex group-by", "ignore:fetch_arrow_table")

MEASURES = {
    "rows": ("count()", None),
    "some": ("count()", "kind == 'a'"),
    "both": ("count(size)", "kind == 'a' and flag"),
    "known": ("count(size)", "not (kind == 'a')"),
    "money": ("sum(price)", "kind == 'a'"),
    "all_money": ("sum(price)", None),
    "exact": ("sum(amount)", "flag"),
    "whole": ("sum(user)", "kind in ('a', 'b') and flag"),
    "mean_size": ("mean(size)", "flag"),
    "deviation": ("std(far)", "kind == 'a'"),
    "all_deviation": ("std(far)", None),
    "low": ("min(size)", "kind == 'a'"),
    "high": ("max(amount)", "flag"),
    "middle": ("median(size)", "flag"),
    "users": ("count_distinct(user)", None),
    "some_users": ("count_distinct(user)", "kind == 'a' and flag"),
    "none": ("sum(size)", "kind == 'nowhere'"),
    "none_low": ("min(size)", "kind == 'nowhere'"),
    "none_deviation": ("std(size)", "kind == 'nowhere'"),
}
ROWS = """
select date '2024-01-01' + cast(n % 400 as int) as day,
    case when n % 11 > 0 then 'shop ' || n % 3 end as shop,
    case when n % 7 > 0 then chr(97 + cast(n % 3 as int)) end as kind,
    case when n % 5 > 0 then n % 4 = 1 end as flag,
    case when n % 13 > 0 then round((n * 7919 % 10007) / 100.0, 2) end::double as price,
    case when n % 6 > 0 then sqrt(n) end as size,
    1e3 + n % 17 / 8.0 as far,
    ((n * 31 % 997) / 100)::decimal(12, 2) as amount,
    case when n % 9 > 0 then -50 + n * n % 170 end::bigint as user
from range(4000) as numbers(n)
"""


Found = dict[tuple[Any, Any], dict[str, Any]]


def run(folder: Path, engine: str = "duckdb", rows: str = ROWS) -> Found:
    path = folder / "rows.parquet"
    duckdb.sql(f"copy ({rows}) to '{path}' (format parquet)")
    metrics = {
        name: {
            "measure": {
                "source": "s",
                "aggregate": aggregate,
                **({} if where is None else {"where": where}),
            }
        }
        for name, (aggregate, where) in MEASURES.items()
    }
    source = {"path": path.name, "time": "day", "dimensions": ["shop"]}
    document = folder / "tree.yml"
    document.write_text(
        json.dumps({"north_star": "rows", "sources": {"s": source}, "metrics": metrics}), "utf-8"
    )
    tree = MetricTree.load(document)
    result = tree.run(list(MEASURES), grain="month", by="shop", engine=engine)
    return {(row["month"], row["shop"]): row for row in result.to_dicts()}


def check(found: Found, expected: Found) -> None:
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        for name, value in row.items():
            other = found[key][name]
            same = other == value
            if isinstance(value, float) and isinstance(other, float):
                same = math.isclose(other, value, rel_tol=1e-12)
            assert same, (key, name, other, value)


@pytest.fixture
def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Found:
    with monkeypatch.context() as patched:
        patched.setattr(query, "MOST_SMALLER", 0)
        patched.setattr(query, "_MOST_BITMAPS", 0)
        return run(tmp_path)


@pytest.fixture
def rolled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let small tables be rolled up, and count the groups that are."""
    counted: list[int] = []
    together = Rolling.together

    def counting(rolling: Rolling, groups: Any) -> Any:
        counted.append(len(groups))
        return together(rolling, groups)

    monkeypatch.setattr(query, "_ROWS_EACH", 1)
    monkeypatch.setattr(Rolling, "together", counting)
    return counted


@pytest.mark.parametrize("engine", ["duckdb", "polars", "pandas", "ibis"])
def test_parts_of_smaller_groups_give_what_those_of_all_rows_give(
    tmp_path: Path, plain: Found, rolled: list[int], engine: str
) -> None:
    if engine != "duckdb":
        pytest.importorskip(engine)
    check(run(tmp_path, engine), plain)
    assert len(rolled) == len(plain)
    assert max(rolled) > 4


def test_distinct_values_in_bitmaps_are_as_many_as_in_sets(tmp_path: Path, plain: Found) -> None:
    check(run(tmp_path), plain)


def test_groups_that_are_more_than_the_first_rows_tell_are_not_put_together(
    tmp_path: Path, plain: Found, rolled: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "MOST_SMALLER", 150)
    assert len(plain) * 3 > 150
    check(run(tmp_path, rows=ROWS + " order by shop"), plain)
    assert not rolled


@pytest.mark.parametrize("engine", ["duckdb", "polars", "pandas", "ibis"])
@pytest.mark.parametrize("column", ["size", "price", "far"])
def test_what_is_no_number_is_missing_wherever_it_is(
    tmp_path: Path, rolled: list[int], engine: str, column: str
) -> None:
    if engine != "duckdb":
        pytest.importorskip(engine)
    cell = f"if(kind = 'a' and shop is null, {{}}, {column}) as {column}"
    rows = f"from ({ROWS}) select * replace ({cell})"
    expected = run(tmp_path, rows=rows.format("null"))
    assert rolled
    check(run(tmp_path, engine, rows.format("'nan'")), expected)


@pytest.mark.parametrize("column", ["size", "price", "far"])
@pytest.mark.parametrize("value", ["infinity", "-infinity"])
def test_what_is_infinite_is_refused_wherever_it_is(
    tmp_path: Path, rolled: list[int], column: str, value: str
) -> None:
    del rolled
    rows = (
        f"from ({ROWS}) select * replace (if(day = '2024-06-01', '{value}', {column}) as {column})"
    )
    told = f"the column '{column}' holds infinite numbers"
    if duckdb.__version__.startswith("1."):  # it ends itself where a deviation is infinite
        told += "|is past what DuckDB can hold"
    with pytest.raises(SourceError, match=told):
        run(tmp_path, rows=rows)
