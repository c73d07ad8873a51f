"""Small tables and trees over them, for the tests of measures and of runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from metrictree import MetricTree, SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from metrictree import RunResult

ORDERS = """\
id,day,country,status,amount
1,2024-12-30,de,paid,10.5
2,2025-01-01,de,paid,4.5
3,2025-01-01,,open,
4,2025-01-06,fr,paid,20
5,2025-03-31,de,open,7
"""
TREE = """\
north_star: mean_amount
sources:
  orders: {path: orders.csv, time: day, dimensions: [country, status]}
metrics:
  mean_amount: revenue / orders
  revenue: {measure: {source: orders, aggregate: sum(amount)}}
  orders: {measure: {source: orders, aggregate: count()}}
  with_amount: {measure: {source: orders, aggregate: count(amount)}, role: health}
  countries: {measure: {source: orders, aggregate: count_distinct(country)}, role: health}
  paid: {measure: {source: orders, aggregate: count(), where: status == 'paid'}, role: health}
  paid_mean: {measure: {source: orders, aggregate: mean(amount), where: status == 'paid'},
              role: health}
  fee: {value: 0.25, role: health}
"""


def tree_in(folder: Path, text: str = TREE, **files: str | bytes) -> MetricTree:
    """Return the tree of a folder; file names have `__` for the point."""
    for name, content in {"orders__csv": ORDERS, **files}.items():
        raw = content.encode() if isinstance(content, str) else content
        folder.joinpath(name.replace("__", ".")).write_bytes(raw)
    folder.joinpath("tree.yml").write_text(text, encoding="utf-8")
    return MetricTree.load(folder / "tree.yml")


def one_measure(
    aggregate: str, where: str | None = None, path: str = "orders.csv", **source: Any
) -> str:
    """Return a tree with one measure over one source, which has a day and a country."""
    source = source or {"time": "day", "dimensions": ["country"]}
    measure = {"source": "orders", "aggregate": aggregate} | ({"where": where} if where else {})
    return json.dumps(
        {
            "north_star": "x",
            "sources": {"orders": {"path": path, **source}},
            "metrics": {"x": {"measure": measure}},
        }
    )


def parquet(folder: Path, query: str, name: str = "orders.parquet") -> None:
    """Write what a query of DuckDB gives."""
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        connection.sql(query).write_parquet(str(folder / name))


def found(folder: Path, aggregate: str, where: str | None = None, **files: str | bytes) -> Any:
    """Return the value of one measure over all time."""
    path = "orders.parquet" if (folder / "orders.parquet").exists() else "orders.csv"
    text = one_measure(aggregate, where, path, dimensions=[])
    ((value,),) = tree_in(folder, text, **files).run().rows
    return value


def refused(tree: MetricTree, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
    """Return the code and the text of each problem of a run."""
    with pytest.raises(SourceError) as caught:
        tree.run(*args, **kwargs)
    for problem in caught.value.diagnostics:
        assert problem.fix
        assert problem.message.isascii()
        assert problem.path or problem.code == "SRC115" or str(problem).startswith("where:")
    return [(problem.code, str(problem)) for problem in caught.value.diagnostics]


def plain(result: RunResult) -> tuple[tuple[Any, ...], ...]:
    """Return the rows of a result without whether their periods are complete."""
    place = result.columns.index("complete")
    return tuple(row[:place] + row[place + 1 :] for row in result.rows)


def column(result: RunResult, name: str) -> list[Any]:
    """Return the values of a column."""
    return [row[name] for row in result.to_dicts()]


SALES = """\
north_star: sales
metrics:
  sales: {formula: orders * price, unit: USD}
  orders: {formula: visits * rate, unit: order}
  visits: {unit: visit}
  rate: {unit: order/visit}
  price: {unit: USD/order}
"""
"""A product of a product, as YAML, to which tests are added."""
