"""Columns in memory: the array engine against what an expert writes by hand for other engines.

`bench_arrays.py [--metrics 100,1000] [--rows 10000,1000000] [--parts speed,memory,growth,limit]`
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from side_by_side import compare, print_machine, seconds

from metrictree import MetricTree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Columns = dict[str, np.ndarray]

WINDOW = 48
"""Each metric is an operand of one of so many before it: 1,000 metrics are about 42 levels deep."""
SHAPES = ("({} + {} + {}) / 3", "({} * {} + {} * {}) / ({} + {})", "{} * {} / ({} + {})", "{} + {}")


class Case(NamedTuple):
    """A tree in which the first three metrics need all others."""

    tree: MetricTree
    inputs: list[str]
    formulas: dict[str, str]
    """Operands before those that use them."""
    levels: list[dict[str, str]]
    """The same, by depth."""
    wanted: list[str]


def case(count: int) -> Case:
    """Return a tree of ``count`` formulas over 20 inputs, 3.5 operands each on average."""
    chance = random.Random(count)
    inputs = [f"x{number}" for number in range(20)]
    operands: list[list[str]] = [[] for _ in range(count)]
    shapes = [chance.choice(SHAPES[:3]) for _ in range(count)]
    room = [3 if shape != SHAPES[1] else 4 for shape in shapes]
    for number in range(3, count):
        users = [user for user in range(max(number - WINDOW, 0), number) if room[user] > 0]
        user = chance.choice(users)
        operands[user].append(f"m{number}")
        room[user] -= 1
    formulas = {}
    for number in reversed(range(count)):
        names = operands[number]
        for _ in range(room[number]):
            below = [f"m{later}" for later in range(number + 1, min(number + 400, count))]
            names.append(chance.choice(chance.choice([below, below, inputs]) or inputs))
        chance.shuffle(names)
        a, b, c, d = (*names, names[0])[:4]
        given = {SHAPES[0]: (a, b, c), SHAPES[1]: (a, b, c, d, b, d), SHAPES[2]: (a, b, b, c)}
        formulas[f"m{number}"] = shapes[number].format(*given[shapes[number]])
    metrics: dict[str, Any] = {**dict.fromkeys(inputs), **formulas}
    tree = MetricTree(north_star="m0", metrics=metrics)
    depth = dict.fromkeys(inputs, 0)
    levels: list[dict[str, str]] = []
    for metric, formula in formulas.items():
        depth[metric] = 1 + max(depth[name] for name in tree.graph.inputs_of(metric))
        while len(levels) < depth[metric]:
            levels.append({})
        levels[depth[metric] - 1][metric] = formula
    return Case(tree, inputs, formulas, levels, ["m0", "m1", "m2"])


def data(inputs: Sequence[str], rows: int) -> Columns:
    random_numbers = np.random.default_rng(rows)
    return {name: random_numbers.uniform(0.5, 2.0, rows) for name in inputs}


# --- by hand


def by_numpy(one: Case, columns: Columns, targets: Sequence[str]) -> Callable[[], object]:
    lines = [f"    {metric} = {formula}" for metric, formula in one.formulas.items()]
    results = ", ".join(f"{target!r}: {target}" for target in targets)
    text = f"def straight({', '.join(one.inputs)}):\n" + "\n".join(lines)
    made: dict[str, Any] = {}
    exec(f"{text}\n    return {{{results}}}", made)  # noqa: S102 - made above
    straight = made["straight"]
    return lambda: straight(**columns)


def by_polars(one: Case, columns: Columns, targets: Sequence[str]) -> Callable[[], object]:
    import polars as pl

    frame = pl.DataFrame(columns)

    def run() -> object:
        lazy = frame.lazy()
        for level in one.levels:
            lazy = lazy.with_columns(
                **{
                    metric: eval(formula, {}, _PolarsNames(pl.col))  # noqa: S307 - made above
                    for metric, formula in level.items()
                }
            )
        return lazy.select(targets).collect()

    return run


class _PolarsNames(dict[str, Any]):
    def __init__(self, column: Callable[[str], Any]) -> None:
        self.column = column

    def __missing__(self, name: str) -> Any:
        return self.column(name)


def by_duckdb(one: Case, columns: Columns, targets: Sequence[str]) -> Callable[[], object]:
    import duckdb
    import pyarrow as pa

    connection = duckdb.connect()
    connection.register("l0", pa.table(columns))
    layers = [
        f"l{depth} AS (SELECT *, "
        + ", ".join(f"{formula} AS {metric}" for metric, formula in level.items())
        + f" FROM l{depth - 1})"
        for depth, level in enumerate(one.levels, 1)
    ]
    # ruff: noqa: S608 - the names are our own
    query = f"WITH {', '.join(layers)} SELECT {', '.join(targets)} FROM l{len(layers)}"
    return lambda: connection.sql(query).to_arrow_table()


def by_numexpr(one: Case, columns: Columns, targets: Sequence[str]) -> Callable[[], object]:
    import numexpr

    def run() -> object:
        known = dict(columns)
        for metric, formula in one.formulas.items():
            known[metric] = numexpr.evaluate(formula, known, {})
        return {target: known[target] for target in targets}

    return run


def by_pandas(one: Case, columns: Columns, targets: Sequence[str]) -> Callable[[], object]:
    import pandas as pd

    def run() -> object:
        known = {name: pd.Series(values, copy=False) for name, values in columns.items()}
        for metric, formula in one.formulas.items():
            known[metric] = pd.eval(formula, local_dict=known)
        return {target: known[target] for target in targets}

    return run


OTHERS: Mapping[str, Callable[[Case, Columns, Sequence[str]], Callable[[], object]]] = {
    "NumPy by hand": by_numpy,
    "Polars in layers": by_polars,
    "DuckDB in layers": by_duckdb,
    "numexpr": by_numexpr,
    "pandas.eval": by_pandas,
}


def speed(counts: Sequence[int], rows: Sequence[int], kinds: Sequence[str]) -> None:
    for count, length, kind in itertools.product(counts, rows, kinds):
        one = case(count)
        columns = data(one.inputs, length)
        targets = one.wanted if kind == "wanted" else list(one.formulas)
        rounds = 5 if count * length > 1e8 else 9

        def ours(
            one: Case = one, columns: Columns = columns, targets: Sequence[str] = targets
        ) -> float:
            return seconds(lambda: one.tree.compute(columns, targets))

        ours()
        cells = count * length
        others = {}
        for name, make in OTHERS.items():
            run = make(one, columns, targets)
            first = seconds(run)
            again = [seconds(run) for _ in range(2 if first < 5 else 0)]
            others[name] = min([first, *again])
            print(
                f"    {name:54} {others[name] * 1e3:7.1f} ms {others[name] / cells * 1e9:6.2f} ns"
            )
        what = f"{count:,} metrics, {length:,} rows, {kind}"
        straight = by_numpy(one, columns, targets)
        compare(
            f"{what} / NumPy by hand",
            ours,
            lambda run=straight: seconds(run),
            0.6 if kind == "wanted" else None,
            rounds=rounds,
        )
        best = min(others, key=others.__getitem__)
        run = OTHERS[best](one, columns, targets)
        compare(f"{what} / {best}", ours, lambda run=run: seconds(run), 1.0, rounds=rounds)


# --- memory


def peak(count: int, length: int) -> float:
    """Return the peak of a process above its inputs, in MiB, for three results."""
    one = case(count)
    columns = data(one.inputs, length)
    small = {name: values[:10] for name, values in columns.items()}
    one.tree.compute(small, one.wanted)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    one.tree.compute(columns, one.wanted)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def memory(counts: Sequence[int], rows: Sequence[int]) -> None:
    for count, length in itertools.product(counts, rows):
        code = f"from bench_arrays import peak; print(peak({count}, {length}))"
        done = subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            cwd=Path(__file__).parent,
            text=True,
        )
        found = float(done.stdout)
        results = 3 * 8 * length / 2**20
        missed = "  MISSED" if found > 50 else ""
        what = f"peak above the inputs, {count:,} metrics, {length:,} rows"
        print(f"{what:58} {found:7.1f} MiB, {results:.1f} of it are results, at most 50{missed}")


# --- growth


def growth() -> None:
    def first(count: int, length: int) -> Callable[[], float]:
        one = case(count)
        columns = data(one.inputs, length)
        tree = one.tree

        def run() -> float:
            tree._tree.plans.clear()  # noqa: SLF001 - a first run makes its plan
            return seconds(lambda: tree.compute(columns, one.wanted))

        return run

    def again(count: int, length: int) -> Callable[[], float]:
        one = case(count)
        columns = data(one.inputs, length)
        one.tree.compute(columns, one.wanted)
        return lambda: seconds(lambda: one.tree.compute(columns, one.wanted))

    for kind, make in (("first run", first), ("repeated", again)):
        for small, large in (
            ((100, 10_000), (100, 100_000)),
            ((100, 100_000), (100, 1_000_000)),
            ((1_000, 10_000), (1_000, 100_000)),
            ((1_000, 1_000), (10_000, 1_000)),
            ((10_000, 1_000), (100_000, 1_000)),
            ((1_000, 10_000), (10_000, 10_000)),
        ):
            what = "{:,} x {:,} / {:,} x {:,}, {}".format(*large, *small, kind)
            compare(what, make(*large), make(*small), 12, rounds=3)


# --- the limit


def limit(counts: Sequence[int], rows: Sequence[int], most: int = 300) -> None:
    """Compile all formulas into one loop over rows, and report ours against it."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        print("no C compiler is here: the limit is not measured")
        return
    for count in counts:
        one = case(count)
        lines = [f"double {metric} = {formula};" for metric, formula in one.formulas.items()]
        inputs = [f"double {name} = inputs[{at}][row];" for at, name in enumerate(one.inputs)]
        results = [f"results[{at}][row] = {name};" for at, name in enumerate(one.wanted)]
        text = (
            "void run(long low, long high, double *restrict *restrict inputs, "
            "double *restrict *restrict results) { for (long row = low; row < high; row++) {\n"
            + "\n".join([*inputs, *lines, *results])
            + "\n} }\n"
        )
        with tempfile.TemporaryDirectory() as folder:
            source, library = Path(folder) / "all.c", Path(folder) / "all.so"
            source.write_text(text.replace("/ 3;", "/ 3.0;"), encoding="utf-8")
            start = time.perf_counter()
            options = ["-O3", "-march=native", "-ffp-contract=off", "-shared", "-fPIC"]
            try:
                subprocess.run(
                    [compiler, *options, str(source), "-o", str(library)], check=True, timeout=most
                )
            except subprocess.TimeoutExpired:
                print(f"the limit, {count:,} metrics: not compiled within {most} s")
                continue
            taken = time.perf_counter() - start
            run = ctypes.CDLL(str(library)).run
            run.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        print(f"the limit, {count:,} metrics: compiled in {taken:.1f} s")
        for length in rows:
            _compare_limit(one, run, length)


def _compare_limit(one: Case, run: Any, length: int) -> None:
    columns = data(one.inputs, length)
    pointers = (ctypes.c_void_p * len(columns))(
        *[values.ctypes.data for values in columns.values()]
    )

    def fused(threads: int) -> float:
        def work() -> None:
            results = [np.empty(length) for _ in one.wanted]
            outs = (ctypes.c_void_p * len(results))(*[values.ctypes.data for values in results])
            cuts = [length * part // threads for part in range(threads + 1)]
            if threads == 1:
                run(0, length, pointers, outs)
            else:
                list(pool.map(lambda ends: run(*ends, pointers, outs), itertools.pairwise(cuts)))

        return seconds(work)

    with ThreadPoolExecutor(2) as pool:
        for threads in (1, 2):
            compare(
                f"{len(one.formulas):,} metrics, {length:,} rows / fused C, {threads} threads",
                lambda: seconds(lambda: one.tree.compute(columns, one.wanted)),
                lambda threads=threads: fused(threads),
                None,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", default="100,1000")
    parser.add_argument("--rows", default="10000,1000000")
    parser.add_argument("--parts", default="speed,memory,growth,limit")
    parser.add_argument("--kinds", default="wanted,all")
    options = parser.parse_args()
    counts = [int(count) for count in options.metrics.split(",")]
    rows = [int(count) for count in options.rows.split(",")]
    parts = options.parts.split(",")
    if "memory" in parts:  # first, while this process is small
        memory(counts, rows)
    print_machine()
    if "speed" in parts:
        speed(counts, rows, options.kinds.split(","))
    if "growth" in parts:
        growth()
    if "limit" in parts:
        limit(counts, rows)


if __name__ == "__main__":
    main()
