"""MetricTree: what users hold; each method is one call into a layer below."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack

from metrictree import documents, loader
from metrictree.diagnostics import Diagnostic, shown
from metrictree.errors import UsageError
from metrictree.limits import DEFAULT_LIMITS, Limits
from metrictree.plan import make_plan
from metrictree.resolved import ResolvedTree, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from metrictree.engines.base import Values
    from metrictree.graph import Graph
    from metrictree.measures import RunResult
    from metrictree.schema import Metric, NorthStar, TreeDocument, TreeSpec

__all__ = ["MetricTree"]


class MetricTree:
    """A checked, immutable metric tree: one North Star, its input metrics and their formulas.

    Build it from keyword arguments that follow the document format, from a file, or from text.

    Raises:
        DefinitionError: every problem of the tree, each with its place.

    >>> tree = MetricTree(
    ...     north_star="weekly_orders",
    ...     metrics={
    ...         "weekly_orders": "buyers * orders_per_buyer",
    ...         "buyers": None,
    ...         "orders_per_buyer": {"unit": "order/customer"},
    ...     },
    ... )
    >>> tree
    MetricTree(north_star='weekly_orders', metrics=3)
    >>> tree.compute({"buyers": 200, "orders_per_buyer": 1.5})["weekly_orders"]
    300.0
    """

    __slots__ = ("_tree",)

    def __init__(
        self, *, limits: Limits = DEFAULT_LIMITS, **document: Unpack[TreeDocument]
    ) -> None:
        self._tree = resolve(loader.load_data(document, limits=limits))

    @classmethod
    def _of(cls, tree: ResolvedTree) -> Self:
        self = cls.__new__(cls)
        self._tree = tree
        return self

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        root: str | Path | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Self:
        """Return the tree of a YAML file; includes and sources stay inside ``root`` (its folder).

        Raises:
            DefinitionError: the file cannot be read, or its tree is not sound.
        """
        chosen_root = None if root is None else Path(root)
        return cls._of(resolve(loader.load_file(Path(path), root=chosen_root, limits=limits)))

    @classmethod
    def from_yaml(cls, text: str, *, limits: Limits = DEFAULT_LIMITS) -> Self:
        r"""Return the tree of a YAML text; a text cannot include files.

        Raises:
            DefinitionError: the tree is not sound.
            UsageError: what is given is no text.

        >>> MetricTree.from_yaml("north_star: orders\nmetrics: {orders: 3}").north_star.metric
        'orders'
        """
        if not isinstance(text, str):
            found = f"a text is expected, not {shown(type(text).__name__)}"  # type: ignore[unreachable]
            advice = "decode bytes first; `MetricTree.load` takes the path of a file"
            raise UsageError([Diagnostic("VAL110", found, help=advice)])
        return cls._of(resolve(loader.load_text(text, limits=limits)))

    def to_yaml(self) -> str:
        r"""Return the tree as one YAML document, from which the same tree can be loaded.

        >>> MetricTree(north_star="orders", metrics={"orders": 3}).to_yaml()
        'north_star: orders\nmetrics:\n  orders: 3\n'
        """
        return documents.dump(self._tree.spec.to_data())

    @property
    def spec(self) -> TreeSpec:
        """The document as frozen models, includes merged."""
        return self._tree.spec

    @property
    def north_star(self) -> NorthStar:
        """The North Star as declared."""
        return self._tree.spec.north_star

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics by id, in document order."""
        return self._tree.metrics

    @property
    def graph(self) -> Graph:
        """What is made of what."""
        return self._tree.graph

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What is odd about the tree but no error."""
        return self._tree.warnings

    def compute(
        self,
        inputs: Mapping[str, Any],
        targets: Iterable[str] | None = None,
        *,
        strict: bool = False,
    ) -> Values:
        """Return the values of ``targets`` (every metric) for single numbers.

        ``inputs`` gives a number, or ``None`` for missing, by metric id: every input and measure
        that the targets need; a metric with a constant ``value`` may be given to override it.

        Raises:
            ComputeError: an input is unknown, absent, no finite number or outside of its range;
                or, if ``strict``, a value is missing.
            UsageError: a target is no metric of the tree.

        >>> tree = MetricTree(
        ...     north_star="rate",
        ...     metrics={"rate": "orders / visits", "orders": None, "visits": None},
        ... )
        >>> tree.compute({"orders": 5, "visits": 20}, targets=["rate"])
        Values(rate=0.25)
        """
        from metrictree.engines.compute import compute

        return compute(self._tree, make_plan(self._tree, targets), inputs, strict=strict)

    def run(
        self,
        targets: Iterable[str] | None = None,
        *,
        grain: str = "all",
        by: Iterable[str] = (),
        since: date | str | None = None,
        until: date | str | None = None,
    ) -> RunResult:
        """Return the values of ``targets`` from the sources, a row for each period and group.

        ``grain`` is day, week, month, quarter, year or all; ``by`` names dimensions; ``since`` and
        ``until`` are the first and the last day that count.

        Raises:
            ComputeError: a target needs an input, or a function over time.
            SourceError: a source cannot be read or lacks a column; nothing is half computed.
            MissingExtraError: DuckDB is not installed.
            UsageError: an argument has no meaning here.
        """
        from metrictree.measures import run

        return run(self._tree, targets, grain=grain, by=by, since=since, until=until)

    def __repr__(self) -> str:
        star = self.north_star.metric
        return f"{type(self).__name__}(north_star={star!r}, metrics={len(self.metrics)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MetricTree):
            return NotImplemented
        return self.spec == other.spec

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        tree = self._tree
        return _from_data, (
            type(self),
            tree.spec.to_data(),
            tree.limits,
            (tree.folder, tree.root, tree.files),
        )


def _from_data(
    cls: type[MetricTree],
    data: dict[str, Any],
    limits: Limits,
    places: tuple[Path | None, Path | None, tuple[Path, ...]],
) -> MetricTree:
    loaded = loader.load_data(data, limits=limits)
    loaded.folder, loaded.root, loaded.files = places  # sources stay where they were
    return cls._of(resolve(loaded))
