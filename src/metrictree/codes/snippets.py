"""What the examples of several codes have in common."""

from __future__ import annotations

__all__ = [
    "FIELDS",
    "IMPORT",
    "INCLUDING",
    "PYTHON_TREE",
    "TREE",
    "TREND",
    "WITH_LIMITS",
    "over_time",
    "run_of",
]

TREE = """\
north_star: orders
metrics:
  orders: visits * rate
"""

FIELDS = """\
north_star: orders
metrics:
  orders: visits * 0.04
  visits: """
"""A tree with the fields of one metric left open."""

IMPORT = """\
from metrictree import MetricTree

"""

PYTHON_TREE = (
    IMPORT
    + """\
tree = MetricTree(
    north_star="rate",
    metrics={"rate": "orders / visits", "orders": {"range": [0, None]}, "visits": None},
)
"""
)

TREND = (
    IMPORT
    + """\
tree = MetricTree(
    north_star="trend",
    metrics={"trend": "growth(orders)", "orders": None},
)
"""
)

WITH_LIMITS = """\
from metrictree import Limits, MetricTree

"""

INCLUDING = """\
# file: tree.yml
north_star: orders
"""


def over_time(times: str, arguments: str = "", *, dtype: str = "datetime64[M]") -> str:
    """Return Python that computes the growth between three times."""
    return "".join(
        [
            "import numpy as np\n\n",
            TREND,
            f'times = np.array([{times}], dtype="{dtype}")\n',
            'orders = {"orders": np.array([5, 6, 7]), "at": times}\n',
            f'tree.compute(orders, time="at"{arguments})\n',
        ]
    )


def run_of(
    *,
    rows: str = "day,amount\\n2026-01-05,40\\n",
    aggregate: str = "sum(amount)",
    source: str = '"time": "day"',
    settings: str = "",
    arguments: str = 'grain="month"',
) -> str:
    """Return Python that computes one measure from a CSV file."""
    measure = f'{{"source": "orders", "aggregate": "{aggregate}"}}'
    lines = [
        "from pathlib import Path",
        "",
        "from metrictree import Limits, MetricTree" if "Limits" in settings else IMPORT.strip(),
        "",
        f'Path("orders.csv").write_text("{rows}")',
        "tree = MetricTree(",
        '    north_star="revenue",',
        f'    metrics={{\n        "revenue": {{"measure": {measure}}},\n    }},',
        f'    sources={{"orders": {{"path": "orders.csv", {source}}}}},',
        *([f"    {settings},"] if settings else []),
        ")",
        f"tree.run({arguments})",
    ]
    return "\n".join(lines) + "\n"
