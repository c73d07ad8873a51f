"""The time to lint a tree beside the time to load it: 1,000, 10,000 and 100,000 metrics with units.

Half of the metrics are inputs, and the North Star moves with all of them. Every round loads and
lints each tree in turn, since the machine may be busy; what is printed are medians and their ratio.
"""

from __future__ import annotations

from side_by_side import compare, print_machine, seconds

from metrictree import MetricTree

SIZES = (1_000, 10_000, 100_000)
UNITS = ("order", "order/customer", "USD/order", "job/week", "ratio")


def document(size: int) -> str:
    """Return a tree of ``size`` metrics: sums of products of inputs, and a sum of sums above."""
    inputs = size // 2
    lines = ["north_star: star", "product: a marketplace for repairs", "metrics:"]
    for number in range(inputs):
        unit = UNITS[number % len(UNITS)]
        lines.append(
            f"  input_{number}: {{unit: {unit}, owner: growth, description: Jobs done well}}"
        )
    level = [f"input_{number}" for number in range(inputs)]
    made = 0
    left = size - inputs - 1
    while left > 0 and len(level) > 20:
        above = []
        for at in range(0, len(level), 2):
            if left == 0:
                above += level[at:]
                break
            pair = level[at : at + 2]
            lines.append(f"  made_{made}: {' * '.join(pair)}")
            above.append(f"made_{made}")
            made += 1
            left -= 1
        level = above
    lines.append(
        f"  star: {' + '.join(f'({one}) / {number + 1}' for number, one in enumerate(level))}"
    )
    return "\n".join(lines)


def main() -> None:
    """Print the ratios."""
    print_machine()
    for size in SIZES:
        text = document(size)
        tree = MetricTree.from_yaml(text)
        tree.lint()  # what is loaded once

        def load(text: str = text) -> float:
            return seconds(lambda: MetricTree.from_yaml(text))

        def lint(tree: MetricTree = tree) -> float:
            return seconds(tree.lint)

        rounds = 3 if size > 10_000 else 7
        compare(f"lint {size:,} metrics / load them", lint, load, None, rounds=rounds)


if __name__ == "__main__":
    main()
