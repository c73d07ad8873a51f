"""Loading a tree with positions, against PyYAML's C loader alone, and how it grows."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from side_by_side import compare, print_machine, seconds

from metrictree import MetricTree

if not yaml.__with_libyaml__:
    sys.exit("PyYAML was built without libyaml: there is nothing to compare with")


def document(count: int) -> str:
    """Return a tree of ``count`` metrics of 280 bytes; four of five have formulas."""
    chance = random.Random(1)
    lines = ["north_star: m0\nmetrics:\n"]
    for i in range(count):
        below = (
            [f"m{chance.randint(i + 1, min(count - 1, i + 400))}" for _ in range(3)]
            if i < count * 0.8
            else []
        )
        value = f"formula: {below[0]} * {below[1]} + {below[2]} / 2" if below else "value: 12.5"
        lines.append(
            f"  m{i}:\n    label: Metric number {i} of the tree\n"
            "    description: The number of things that happened in the period, counted once for "
            f"each thing\n    {value}\n    unit: order/customer\n    owner: growth\n"
            "    improves: up\n    tags: [weekly, core]\n    range: [0, null]\n"
        )
    return "".join(lines)


def peak_mib(count: int) -> float:
    """Return the peak memory of a process that loads the tree, above one that does not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tree.yml"
        path.write_text(document(count), encoding="utf-8")
        peaks = []
        for work in ("pass", f"MetricTree.load({str(path)!r})"):
            code = (
                "import resource; from metrictree import MetricTree; "
                "MetricTree(north_star='a', metrics={'a': 1}); "
                f"{work}; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
            )
            found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
            peaks.append(int(found.stdout) / 1024)
    return peaks[1] - peaks[0]


# First, while this process is small: a child's peak begins with what its parent holds.
peak = peak_mib(100_000)
print_machine()
texts = {count: document(count) for count in (1_000, 10_000, 100_000)}
for count, text in texts.items():
    compare(
        f"load, validate, parse and resolve {count:,} metrics / CSafeLoader",
        lambda text=text: seconds(lambda: MetricTree.from_yaml(text)),
        lambda text=text: seconds(lambda: yaml.load(text, Loader=yaml.CSafeLoader)),
        1.25 if count == 10_000 else None,
        rounds=3 if count == 100_000 else 9,
    )
compare(
    "growth: 100,000 metrics / 10,000 metrics",
    lambda: seconds(lambda: MetricTree.from_yaml(texts[100_000])),
    lambda: seconds(lambda: MetricTree.from_yaml(texts[10_000])),
    12,
    rounds=3,
)
print(f"{'peak memory above start, 100,000 metrics of 280 bytes':58} {peak:7.0f} MiB")
