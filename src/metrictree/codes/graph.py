"""GRA: what needs several parts of a tree."""

from __future__ import annotations

from typing import Final

from metrictree.codes.entry import Code
from metrictree.codes.snippets import TREE
from metrictree.diagnostics import Severity

__all__ = ["GRAPH"]

GRAPH: Final = (
    Code(
        "GRA101",
        "Unknown metric",
        Severity.ERROR,
        "The name is no id of the tree. Formulas use ids, never labels.",
        "north_star: orders\nmetrics:\n  orders: vists * 0.04\n  visits: {role: health}\n",
        "north_star: orders\nmetrics:\n  orders: visits * 0.04\n  visits: {role: health}\n",
        "Correct the name, the nearest ones are offered; or add the metric under `metrics:`.",
    ),
    Code(
        "GRA102",
        "A cycle",
        Severity.ERROR,
        "Metrics that are made of each other have no first value to start from. The message prints "
        "the whole cycle.",
        "north_star: orders\nmetrics:\n  orders: visits * 0.04\n  visits: orders * 25\n",
        "north_star: orders\nmetrics:\n  orders: visits * 0.04\n  visits:\n",
        "Take one of the metrics out of a formula. A growth loop, in which today's result brings "
        "tomorrow's visits, is an influence with a lag of at least 1.",
    ),
    Code(
        "GRA103",
        "A metric made of itself",
        Severity.ERROR,
        "Its value would be needed to compute its value.",
        "north_star: orders\nmetrics:\n  orders: orders * 1.1\n",
        "north_star: orders\nmetrics:\n  orders: last_orders * 1.1\n  last_orders:\n",
        "Use another metric, or give this one a value of its own.",
    ),
    Code(
        "GRA106",
        "Unknown source",
        Severity.ERROR,
        "A measure names the table that it aggregates, one of the tree's `sources`.",
        "north_star: orders_per_visit\n"
        "metrics:\n"
        "  orders_per_visit: orders / visits\n  visits:\n"
        "  orders: {measure: {source: order, aggregate: count()}}\n"
        "sources:\n"
        "  orders: {path: orders.csv}\n",
        "north_star: orders_per_visit\n"
        "metrics:\n"
        "  orders_per_visit: orders / visits\n  visits:\n"
        "  orders: {measure: {source: orders, aggregate: count()}}\n"
        "sources:\n"
        "  orders: {path: orders.csv}\n",
        "Correct the name, or list the source under `sources:`.",
    ),
    Code(
        "GRA107",
        "The same influence twice",
        Severity.ERROR,
        "Two entries between the same metrics would count the effect twice, or contradict each "
        "other.",
        TREE + "  rate: 0.04\n  visits:\ninfluences:\n"
        "  - { from: visits, to: rate, lag: 1 }\n  - { from: visits, to: rate, lag: 2 }\n",
        TREE + "  rate: 0.04\n  visits:\ninfluences:\n  - { from: visits, to: rate, lag: 1 }\n",
        "Keep the one that is better known.",
    ),
)
