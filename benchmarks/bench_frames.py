"""Frames in and out: metrictree against the same formulas written by hand, in layers.

`bench_frames.py [--metrics 100,1000] [--rows 10000,1000000] [--rounds 7] [--kinds ...]`

By hand means: what the library computes fastest, without a thought about missing values.
"""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import polars as pl
from bench_arrays import Case, case
from side_by_side import compare, print_machine, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_NAME = re.compile(r"[a-z]\w*")


def layers_of(case: Case, targets: Sequence[str]) -> list[tuple[list[str], dict[str, str]]]:
    """Return for each layer the columns that later ones need, and the formulas."""
    needed = set(targets)
    found = []
    for level in reversed(case.levels):
        made = {metric: formula for metric, formula in level.items() if metric in needed}
        needed -= made.keys()
        found.append((sorted(needed - set(case.inputs)), made))
        needed |= {name for formula in made.values() for name in _NAME.findall(formula)}
    return found[::-1]


def exprs_by_hand(case: Case, targets: Sequence[str]) -> list[list[pl.Expr]]:
    return [
        [
            eval(_NAME.sub(r"pl.col('\g<0>')", formula), {"pl": pl}).alias(metric)  # noqa: S307
            for metric, formula in made.items()
        ]
        for _, made in layers_of(case, targets)
    ]


def texts_by_hand(case: Case, targets: Sequence[str]) -> list[str]:
    inputs = ", ".join(case.inputs)
    layers = [
        ", ".join([inputs, *kept, *(f"{formula} as {metric}" for metric, formula in made.items())])
        for kept, made in layers_of(case, targets)
    ]
    return [*layers, f"{inputs}, {', '.join(targets)}"]


def compete(title: str, ours: Callable[[], Any], other: Callable[[], Any], rounds: int) -> None:
    compare(title, lambda: seconds(ours), lambda: seconds(other), 1.1, rounds=rounds)


def polars(case: Case, frame: pl.DataFrame, what: str, kinds: str, rounds: int) -> None:
    for name, targets in (("wanted", case.wanted), ("all", list(case.formulas))):
        layers = exprs_by_hand(case, targets)

        def by_hand(layers: list[list[pl.Expr]] = layers, targets: Sequence[str] = targets) -> Any:
            found = frame.lazy()
            for exprs in layers:
                found = found.with_columns(exprs)
            return found.select(*case.inputs, *targets).collect()

        def eager(targets: Sequence[str] = targets) -> Any:
            return case.tree.compute(frame, targets)

        def lazy(targets: Sequence[str] = targets) -> Any:
            return case.tree.compute(frame.lazy(), targets).collect()

        ours: Callable[[], Any]
        for kind, ours in (("DataFrame", eager), ("LazyFrame", lazy)):
            if kind not in kinds:
                continue
            same = ours().select(targets).fill_null(float("nan"))
            other = by_hand().select(targets)
            for metric in targets:
                np.testing.assert_allclose(same[metric], other[metric], rtol=1e-9)
            compete(f"polars.{kind}, {what}, {name}", ours, by_hand, rounds)


def relation(case: Case, frame: pl.DataFrame, what: str, rounds: int) -> None:
    connection = duckdb.connect()
    connection.register("given", frame)
    connection.execute("create table t as select * from given")
    table = connection.table("t")
    for name, targets in (("wanted", case.wanted), ("all", list(case.formulas))):
        sums = ", ".join(f"sum({metric})" for metric in targets)
        layers = texts_by_hand(case, targets)

        def by_hand(layers: Sequence[str] = layers, sums: str = sums) -> Any:
            found = table
            for layer in layers:
                found = found.project(layer)
            return found.aggregate(sums).fetchall()

        def ours(targets: Sequence[str] = targets, sums: str = sums) -> Any:
            return case.tree.compute(table, targets).aggregate(sums).fetchall()

        np.testing.assert_allclose(ours()[0], by_hand()[0], rtol=1e-9)
        compete(f"DuckDB relation, {what}, {name}", ours, by_hand, rounds)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--metrics", default="100,1000")
    parser.add_argument("--rows", default="10000,1000000")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--kinds", default="DataFrame,LazyFrame,DuckDB")
    chosen = parser.parse_args()
    print_machine()
    random = np.random.default_rng(7)
    for metrics in map(int, chosen.metrics.split(",")):
        tree = case(metrics)
        for rows in map(int, chosen.rows.split(",")):
            frame = pl.DataFrame({name: random.uniform(1, 2, rows) for name in tree.inputs})
            what = f"{metrics:,} metrics x {rows:,} rows"
            polars(tree, frame, what, chosen.kinds, chosen.rounds)
            if "DuckDB" in chosen.kinds:
                relation(tree, frame, what, chosen.rounds)


if __name__ == "__main__":
    main()
