"""Start-up: importing the package, the first tree, and the help of the command."""

from __future__ import annotations

import statistics

from side_by_side import compare, print_machine, process_seconds

BARE = statistics.median(process_seconds(["-c", "pass"]) for _ in range(15))
ONE_MODEL = """
from pydantic import BaseModel
class Metric(BaseModel):
    name: str
    value: float | None = None
Metric(name="a")
"""
FIRST_TREE = "from metrictree import MetricTree; MetricTree(north_star='a', metrics={'a': 1})"


def above_bare(*arguments: str) -> float:
    """Return what a process takes above a bare interpreter."""
    return process_seconds(arguments) - BARE


print_machine()
print(f"a bare interpreter takes {BARE * 1e3:.1f} ms, which is taken off where it says so")
compare(
    "import metrictree / pydantic and one model, above bare",
    lambda: above_bare("-c", "import metrictree"),
    lambda: above_bare("-c", ONE_MODEL),
    1.2,
    rounds=15,
)
compare(
    "from metrictree import MetricTree / the same",
    lambda: above_bare("-c", "from metrictree import MetricTree"),
    lambda: above_bare("-c", ONE_MODEL),
    None,
    rounds=15,
)
compare(
    "a first tree, built and resolved / the same",
    lambda: above_bare("-c", FIRST_TREE),
    lambda: above_bare("-c", ONE_MODEL),
    None,
    rounds=15,
)
compare(
    "metrictree --help in all / 200 ms",
    lambda: process_seconds(["-m", "metrictree", "--help"]),
    lambda: 0.2,
    1.0,
    rounds=15,
)
