"""Tests of definitions: what the plugin adds to pytest, a thousand cases, and mutation."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import entry_points
from pathlib import Path

from side_by_side import compare, print_machine, process_seconds, seconds

# Where the package is not installed, its plugin is named.
INSTALLED = any(one.value == "metrictree.pytest_plugin" for one in entry_points(group="pytest11"))
WITH = () if INSTALLED else ("-p", "metrictree.pytest_plugin")
WITHOUT = ("-p", "no:metrictree") if INSTALLED else ()
QUIET = ("-q", "-p", "no:cacheprovider")

TREE = """\
north_star: sales
metrics:
  sales: {formula: orders * value, unit: USD}
  orders: {formula: visits * rate, unit: order}
  value: {formula: price * items / orders, unit: USD/order}
  visits: {unit: visit}
  rate: {unit: order/visit}
  price: {unit: USD/item}
  items: {unit: item}
tests:
"""
CASE = """\
  - name: case {number}
    given: {{visits: {visits}, rate: 0.05, price: 10, items: 3}}
    expect: {{orders: {orders}, sales: 30}}
"""
FORMULAS = (
    "{0} * {1}",
    "{0} / {1}",
    "{0} + {1} - {2}",
    "{0} * (1 - {1} / 100)",
    "{0} / {1} if {1} > 0 else 0",
    "coalesce({0}, 0) + {1}",
    "0.5 * {0} + 0.3 * {1} + 0.2 * {2}",
    "max({0} - {1}, 0)",
    "clip({0} / {1}, 0, 1)",
    "round({0} * 100) / 100",
)
PYTHON = """\
def test_case_{}():
    visits, rate, price = 200, 0.05, 30
    assert visits * rate * price == 300
"""


def start_up() -> None:
    """Time pytest on one test of Python and twenty YAML files of others, with the plugin or not."""
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "test_one.py", "def test_one():\n    pass\n")
        for number in range(20):
            write(folder, f"file_{number}.yml", "jobs:\n" + "  - {name: a, steps: [b]}\n" * 200)
        more: list[float] = []

        def with_plugin() -> float:
            return process_seconds(["-m", "pytest", *QUIET, *WITH, folder])

        def without() -> float:
            return process_seconds(["-m", "pytest", *QUIET, *WITHOUT, folder])

        for first, second in ((with_plugin, without), (without, with_plugin)) * 30:
            taken = {first: first(), second: second()}
            more.append(taken[with_plugin] - taken[without])
        middle, *_ = statistics.quantiles(more, n=2)
        print(f"pytest without metric tests, more with the plugin: {middle * 1e3:.1f} ms (15 ms)")
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "importtime",
            "-c",
            "import pytest; import metrictree.pytest_plugin",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    for line in done.stderr.splitlines():
        if "metrictree" in line:
            print(line)


def thousand_cases() -> None:
    """Time a thousand cases: the whole process, and what is done with the cases in it."""
    with tempfile.TemporaryDirectory() as folder:
        text = TREE + "".join(
            CASE.format(number=number, visits=20 * number, orders=number)
            for number in range(1, 1001)
        )
        path = write(folder, "shop.yml", text)

        def in_process() -> float:
            from metrictree import MetricTree

            return seconds(lambda: MetricTree.load(path).test())

        whole = "a thousand cases in YAML"
        compare(
            f"{whole}: `metrictree test` / 2 s",
            lambda: process_seconds(["-m", "metrictree", "test", str(path)]),
            lambda: 2.0,
            1.0,
        )
        compare(
            f"{whole}: pytest / 2 s",
            lambda: process_seconds(["-m", "pytest", *QUIET, *WITH, str(path)]),
            lambda: 2.0,
            1.0,
        )
        python = write(folder, "test_shop.py", "".join(map(PYTHON.format, range(1000))))
        compare(
            f"{whole}: pytest / a thousand tests in Python",
            lambda: process_seconds(["-m", "pytest", *QUIET, *WITH, str(path)]),
            lambda: process_seconds(["-m", "pytest", *QUIET, *WITHOUT, str(python)]),
            None,
        )
        compare(f"{whole}: load and run them / 2 s", in_process, lambda: 2.0, 1.0)


def mutation() -> None:
    """Time the mutation of 30 formulas over 20 inputs, by a hundred cases of the whole tree."""
    from metrictree import MetricTree
    from metrictree.testing.mutation import mutate

    chance = random.Random(1)
    inputs = [f"input_{number}" for number in range(20)]
    metrics: dict[str, str | None] = dict.fromkeys(inputs)
    for number in range(30):
        below = chance.sample(list(metrics)[-12:], 3)
        metrics[f"metric_{number}"] = FORMULAS[number % len(FORMULAS)].format(*below)
    formulas = list(metrics)[20:]
    tests = []
    for number in range(100):
        given = {one: float(chance.randint(2, 50)) for one in inputs}
        target = formulas[number % 30]
        value = MetricTree(north_star=target, metrics=metrics).compute(given)[target]
        expect = {target: "missing" if value is None else value}
        tests.append({"name": f"case {number}", "given": given, "expect": expect})
    tree = MetricTree(north_star=formulas[-1], metrics=metrics, tests=tests).resolved
    report = mutate(tree)
    print(repr(report))
    what = f"mutation of 50 metrics by 100 cases ({len(report)} mutants) / 20 s"
    compare(what, lambda: seconds(lambda: mutate(tree)), lambda: 20.0, 1.0)


def write(folder: str, name: str, text: str) -> Path:
    path = Path(folder, name)
    path.write_text(text, encoding="utf-8")
    return path


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # modules are compiled once, as usual
    print_machine()
    start_up()
    thousand_cases()
    mutation()
