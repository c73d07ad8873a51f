"""Time two pieces of work side by side in one run, and print their ratio with its bound.

Machines are shared and drift: the two are run in turns, and only the ratio of the medians counts.
"""

from __future__ import annotations

import gc
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PACKAGES = ("pydantic", "networkx", "PyYAML", "numpy", "narwhals")


def print_machine() -> None:
    """Print what the figures were taken on."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    print(f"{platform.machine()}, {platform.system()}, CPython {platform.python_version()}")
    print(versions)
    print(f"{'work':58} {'ours':>10} {'against':>10} {'ratio':>7} {'at most':>8}")


def seconds(work: Callable[[], object]) -> float:
    """Return how long ``work`` takes; the garbage collector runs before it and not in it."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start
    finally:
        gc.enable()


def process_seconds(arguments: Sequence[str]) -> float:
    """Return how long an interpreter with ``arguments`` takes from start to end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


def compare(
    what: str,
    ours: Callable[[], float],
    against: Callable[[], float],
    at_most: float | None,
    *,
    rounds: int = 7,
) -> float:
    """Run the two in turns, print and return the ratio of their medians."""
    ours_taken, against_taken = [], []
    for _ in range(rounds):
        ours_taken.append(ours())
        against_taken.append(against())
    mine, other = statistics.median(ours_taken), statistics.median(against_taken)
    ratio = mine / other
    digits = 2 if at_most is None or at_most >= 0.1 else 4
    bound = "" if at_most is None else f"{at_most:8.{digits}f}"
    missed = "  MISSED" if at_most is not None and ratio > at_most else ""
    print(f"{what:58} {_time(mine)} {_time(other)} {ratio:7.{digits}f} {bound}{missed}")
    return ratio


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:7.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:7.1f} us"
