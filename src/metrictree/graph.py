"""The graph of metrics: order, cycles, what is made of what: the only importer of networkx."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from networkx import DiGraph

__all__ = ["Graph"]


class Graph:
    """Metrics and what they are made of; a shared driver is one node with several users.

    >>> graph = Graph(["orders", "visits", "rate"], {"orders": ["visits", "rate"]})
    >>> graph.order
    ('visits', 'rate', 'orders')
    >>> graph.inputs_of("orders")
    ('visits', 'rate')
    >>> graph.users_of("rate")
    ('orders',)
    """

    __slots__ = ("_graph", "cycles", "order")

    def __init__(self, metrics: Iterable[str], inputs: Mapping[str, Sequence[str]]) -> None:
        import networkx as nx  # on first use: importing it costs more than the rest together

        self._graph: DiGraph[str] = nx.DiGraph()
        self._graph.add_nodes_from(metrics)
        self._graph.add_edges_from(
            (source, target) for target, sources in inputs.items() for source in sources
        )
        order: list[str] = []
        try:
            order.extend(nx.topological_sort(self._graph))
        except nx.NetworkXUnfeasible:
            self.cycles: tuple[tuple[str, ...], ...] = tuple(self._find_cycles())
        else:
            self.cycles = ()
        self.order: tuple[str, ...] = tuple(order)
        """Every metric after all that it is made of; without those on or above a cycle."""

    def _find_cycles(self) -> Iterable[tuple[str, ...]]:
        """Find one cycle in each strongly connected part.

        A part may hold more cycles than can be counted (n metrics up to n! of them); walking along
        first edges until a metric comes again finds one in linear time.
        """
        import networkx as nx

        rank = {metric: position for position, metric in enumerate(self._graph)}
        found = []
        for part in nx.strongly_connected_components(self._graph):
            start = min(part, key=rank.__getitem__)
            if len(part) == 1 and not self._graph.has_edge(start, start):
                continue
            seen: dict[str, int] = {}
            walk: list[str] = []
            here = start
            while here not in seen:
                seen[here] = len(walk)
                walk.append(here)
                here = next(metric for metric in self._graph.pred[here] if metric in part)
            cycle = walk[seen[here] :]
            first = min(range(len(cycle)), key=lambda at: rank[cycle[at]])
            found.append((*cycle[first:], *cycle[:first]))
        return sorted(found, key=lambda cycle: rank[cycle[0]])

    def __repr__(self) -> str:
        count = self._graph.number_of_edges()
        return f"Graph(metrics={len(self._graph)}, edges={count})"

    def inputs_of(self, metric: str) -> tuple[str, ...]:
        """Return what a metric is directly made of, in the order of its formula."""
        return tuple(self._graph.pred[metric])

    def users_of(self, metric: str) -> tuple[str, ...]:
        """Return the metrics that a metric is directly used in."""
        return tuple(self._graph.succ[metric])

    def below(self, metrics: Iterable[str]) -> set[str]:
        """Return ``metrics`` and everything that they are made of."""
        seen = set(metrics)
        waiting = list(seen)
        pred = self._graph.pred
        while waiting:
            for metric in pred[waiting.pop()]:
                if metric not in seen:
                    seen.add(metric)
                    waiting.append(metric)
        return seen
