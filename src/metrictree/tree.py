"""MetricTree: what users hold; each method is one call into a layer below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, Unpack, overload

from metrictree import documents, loader
from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.base import FrameRequest
from metrictree.errors import UsageError
from metrictree.limits import DEFAULT_LIMITS, Limits
from metrictree.plan import make_plan
from metrictree.resolved import ResolvedTree, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from decimal import Decimal

    import numpy as np
    from numpy.typing import NDArray

    from metrictree.engines.base import Values
    from metrictree.engines.diagnosis import Diagnosed
    from metrictree.engines.series import SeriesValues
    from metrictree.graph import Graph
    from metrictree.lint import LintReport
    from metrictree.lint.scorecard import Scorecard
    from metrictree.measures import RunPlan, RunResult
    from metrictree.measures.runner import RunOptions
    from metrictree.measures.views import Progress
    from metrictree.schema import Metric, NorthStar, TreeDocument, TreeSpec
    from metrictree.testing.mutation import MutationReport
    from metrictree.testing.runner import TestReport

__all__ = ["MetricTree"]

_NUMBERS = {float, int, type(None)}
FrameT = TypeVar("FrameT")


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
            raise UsageError([Diagnostic("VAL110", found, fix=advice)])
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
    def resolved(self) -> ResolvedTree:
        """The checked tree beneath: parsed formulas, graph and places."""
        return self._tree

    @property
    def graph(self) -> Graph:
        """What is made of what."""
        return self._tree.graph

    @overload
    def compute(
        self,
        inputs: Mapping[str, float | Decimal | None],
        targets: Iterable[str] | None = None,
        *,
        strict: bool = False,
    ) -> Values: ...

    @overload
    def compute(
        self,
        inputs: Mapping[str, NDArray[Any]],
        targets: Iterable[str] | None = None,
        *,
        strict: bool = False,
        columns: Mapping[str, str] | None = None,
        time: str | None = None,
        by: Iterable[str] = (),
        grain: str | None = None,
        diagnose: Literal[False] = False,
    ) -> dict[str, NDArray[np.float64]]: ...

    @overload
    def compute(
        self,
        inputs: FrameT,
        targets: Iterable[str] | None = None,
        *,
        strict: bool = False,
        columns: Mapping[str, str] | None = None,
        time: str | None = None,
        by: Iterable[str] = (),
        grain: str | None = None,
        fill: bool = False,
        diagnose: Literal[False] = False,
    ) -> FrameT: ...

    @overload
    def compute(
        self,
        inputs: FrameT,
        targets: Iterable[str] | None = None,
        *,
        strict: bool = False,
        columns: Mapping[str, str] | None = None,
        time: str | None = None,
        by: Iterable[str] = (),
        grain: str | None = None,
        fill: bool = False,
        diagnose: Literal[True],
    ) -> Diagnosed[FrameT]: ...

    def compute(
        self,
        inputs: Any,
        targets: Iterable[str] | None = None,
        *,
        strict: bool = False,
        columns: Mapping[str, str] | None = None,
        time: str | None = None,
        by: Iterable[str] = (),
        grain: str | None = None,
        fill: bool = False,
        diagnose: bool = False,
    ) -> Any:
        """Return the values of ``targets`` (every metric), in the kind of data that was given.

        ``inputs`` is one of:

        - a mapping of numbers, or ``None`` for missing, by metric id: gives `Values`;
        - a mapping of NumPy arrays of one length: gives arrays of float64 in which NaN is missing;
        - a frame of pandas, Polars (lazy ones too), PyArrow, DuckDB, PySpark or Ibis with a column
          for each input, named by its id or as ``columns`` maps metric ids to names: gives the
          frame with a column for each target; a missing value is null.

        Every input and measure that the targets need has to be there; a metric with a constant
        ``value`` may be given to override it. Functions over time need the column ``time``, in
        which each group of the dimensions ``by`` has every period of the ``grain`` (found from the
        data if it is not given) once; ``fill`` adds rows for periods that are not there.

        Raises:
            ComputeError: an input is unknown, absent, no finite number or outside of its range;
                periods are missing or doubled; or, if ``strict``, a value is missing.
            UsageError: a target is no metric of the tree, or an argument has no meaning here.

        >>> tree = MetricTree(
        ...     north_star="rate",
        ...     metrics={"rate": "orders / visits", "orders": None, "visits": None},
        ... )
        >>> tree.compute({"orders": 5, "visits": 20}, targets=["rate"])
        Values(rate=0.25)
        >>> import numpy as np
        >>> tree.compute({"orders": np.array([5, 6]), "visits": np.array([20, 0])}, "rate")
        {'rate': array([0.25,  nan])}
        """
        tree = self._tree
        plan = make_plan(tree, targets)
        if isinstance(inputs, Mapping) and not _has_columns(inputs):
            if columns or time or by or grain or fill or diagnose:
                request = FrameRequest.of(columns, time, by, grain, fill=fill)
                request.refuse_for_numbers(diagnose=diagnose)
            from metrictree.engines.compute import compute

            return compute(tree, plan, inputs, strict=strict)
        from metrictree.engines.frames import compute_frame

        request = FrameRequest.of(columns, time, by, grain, fill=fill, strict=strict)
        result = compute_frame(tree, plan, inputs, request)
        if not diagnose:
            return result
        from metrictree.engines.diagnosis import diagnose as find_reasons

        return find_reasons(tree, plan, inputs, request, result)

    def compute_series(
        self,
        inputs: Mapping[str, Any],
        targets: Iterable[str] | None = None,
        *,
        strict: bool = False,
    ) -> SeriesValues:
        """Return the values of ``targets`` (every metric) for each of a row of periods.

        ``inputs`` gives a list of numbers, or ``None`` for missing, by metric id: one for each
        period, oldest first, none left out. A plain number stands for every period.

        Raises:
            ComputeError: an input is unknown, absent, no finite number or outside of its range, or
                has another length; or, if ``strict``, a value is missing.
            UsageError: a target is no metric of the tree.

        >>> tree = MetricTree(
        ...     north_star="trend", metrics={"trend": "growth(orders)", "orders": None}
        ... )
        >>> tree.compute_series({"orders": [100, 110, 121]}, "trend")["trend"]
        (None, 0.10000000000000009, 0.10000000000000009)
        """
        from metrictree.engines.series import compute_series

        return compute_series(self._tree, make_plan(self._tree, targets), inputs, strict=strict)

    def to_sql(
        self,
        targets: Iterable[str] | None = None,
        *,
        table: str,
        dialect: str = "duckdb",
        columns: Mapping[str, str] | None = None,
        time: str | None = None,
        by: Iterable[str] = (),
        grain: str | None = None,
    ) -> str:
        """Return one SELECT statement of ``targets`` (every metric) over the rows of a table.

        ``table`` is its name as SQL writes it, or a template such as ``{{ ref('orders') }}``. It
        has a column for each input, named as for `compute`. The result has the columns ``by`` and
        ``time``, as they are, and those of the targets. Functions over time need ``time``, a
        column of dates or timestamps, and ``grain``. Needs the extra `sql`.

        Raises:
            ComputeError: the dialect lacks something that the targets need.
            MissingExtraError: Ibis or sqlglot is not installed.
            UsageError: a target is no metric of the tree, or an argument has no meaning here.

        >>> tree = MetricTree(
        ...     north_star="rate", metrics={"rate": "orders / visits", "orders": None, "visits": 4}
        ... )
        >>> print(tree.to_sql(["rate"], table="shop.days", dialect="postgres", by="day"))
        -- metrictree ...: the metric tree of rate
        WITH source AS (
          SELECT
            day,
            CAST(orders AS DOUBLE PRECISION) AS orders
          FROM shop.days
        ), inputs AS (
          SELECT
            day,
            CASE WHEN ABS(orders) <= 1.7976931348623157e308 THEN orders END AS orders
          FROM source
        ), level_1 AS (
          SELECT
            *,
            orders / 4.0 AS rate
          FROM inputs
        )
        SELECT
          day,
          rate
        FROM level_1
        """
        from metrictree.engines.sql import to_sql

        plan = make_plan(self._tree, targets)
        request = FrameRequest.of(columns, time, by, grain, keeps=True)
        return to_sql(self._tree, plan, dialect=dialect, table=table, request=request)

    def run(
        self,
        targets: Iterable[str] | None = None,
        *,
        grain: str = "all",
        by: Iterable[str] = (),
        since: date | str | None = None,
        until: date | str | None = None,
        where: str | None = None,
        totals: bool = False,
        as_of: date | str | None = None,
        compare: str | None = None,
        like_for_like: bool = True,
        sources: Mapping[str, Any] | None = None,
        connection: Any = None,
        engine: str = "duckdb",
        reuse: str | Path | None = None,
        progress: Progress | None = None,
    ) -> RunResult:
        """Return the values of ``targets`` from the sources, a row for each period and group.

        What is computed:

        - ``grain`` is day, week, month, quarter, year or all; ``by`` names dimensions; ``totals``
          adds the rows for all values of each dimension, from raw rows.
        - ``since`` and ``until`` are the first and the last day that count, ``where`` is a
          condition on rows. ``as_of`` is the last day for which the data is complete, and the last
          one that counts; without it, where sources differ, that of the source that ends first.
        - ``compare`` is ``previous``, ``year_ago`` or a period such as ``1997-04``, ``1997-Q2`` or
          ``1997-04-07``. A period that is not complete is compared with as many days, unless
          ``like_for_like`` is false.

        Where it is computed:

        - ``engine`` reads files: ``duckdb``, ``polars``, ``pandas``, ``spark`` or ``ibis``.
        - ``sources`` gives frames by source, in place of what the tree declares; each is computed
          with its own library.
        - ``connection`` is where tables are found, or a Spark session: a DuckDB connection, an Ibis
          backend, or text such as ``shop.duckdb``, ``postgres://${USER}@host/shop`` or
          ``local[4]``, in which ``${NAME}`` is an environment variable.
        - ``reuse`` is a folder that keeps what DuckDB has aggregated from files, by day and all
          dimensions. It is read in place of the files while they and the definitions are the same,
          for measures of which that gives the same value to the last digit.
        - ``progress`` is called with the source that is read next, and the share that is done.

        Raises:
            ComputeError: a target needs an input, or, at the grain `all`, periods.
            SourceError: a source cannot be read or lacks a column; nothing is half computed.
            MissingExtraError: a library that is needed is not installed.
            UsageError: an argument has no meaning here.
        """
        from metrictree.measures import run

        return run(
            self._tree,
            targets,
            grain=grain,
            by=by,
            since=since,
            until=until,
            where=where,
            totals=totals,
            as_of=as_of,
            compare=compare,
            like_for_like=like_for_like,
            sources=sources,
            connection=connection,
            engine=engine,
            reuse=reuse,
            progress=progress,
        )

    def lint(
        self,
        *,
        select: Iterable[str] | None = None,
        ignore: Iterable[str] = (),
        today: date | None = None,
        values: Mapping[str, float | None] | None = None,
        history: Any = None,
    ) -> LintReport:
        """Return what the rules find: whether the North Star is a good one, and why not.

        ``select`` and ``ignore`` hold codes of rules, or their beginnings such as ``NS``; without
        ``select`` those run that the tree selects. ``today`` is the day by which dates are judged.

        What moves the North Star is found from its formulas, at values inside of the declared
        ranges. With ``values`` of inputs, by metric id, it is found at these; with ``history`` from
        what moved: a list for each input, oldest first, as `compute_series` takes them, a frame
        with a column for each, or the result of a `run` by period.

        Raises:
            UsageError: a code names no rule, or the history does not fit the tree.

        >>> tree = MetricTree(
        ...     north_star="growth_index",
        ...     metrics={
        ...         "growth_index": "customers * arpu",
        ...         "customers": {"unit": "customer"},
        ...         "arpu": {"unit": "USD/customer"},
        ...     },
        ... )
        >>> (finding,) = tree.lint(select=["NS101"])
        >>> print(finding.evidence[0])
        growth_index <- customers * arpu [USD/customer]
        """
        from metrictree.lint import lint

        return lint(
            self._tree, select=select, ignore=ignore, today=today, values=values, history=history
        )

    def scorecard(
        self,
        *,
        today: date | None = None,
        values: Mapping[str, float | None] | None = None,
        history: Any = None,
    ) -> Scorecard:
        """Return what speaks for and against the North Star: pass, fail or unknown by criterion.

        A criterion fails by what a rule finds and passes by a fact that the tree holds; an unknown
        says what would settle it. Where no fact can tell, an attestation in the tree does, until it
        ends: it outweighs words, and never a fact. The arguments are those of `lint`.

        Raises:
            UsageError: the values or the history do not fit the tree.

        >>> tree = MetricTree(
        ...     north_star="jobs_done",
        ...     metrics={
        ...         "jobs_done": {"formula": "jobs * done_rate", "unit": "job/week"},
        ...         "jobs": {"unit": "job/week", "controllability": "external"},
        ...         "done_rate": {"unit": "ratio", "controllability": "direct", "owner": "ops"},
        ...     },
        ... )
        >>> card = tree.scorecard()
        >>> print(card["not_revenue"].evidence[0])
        it is in job/week, which is no money
        >>> print(card["strategy"].settle)
        declare `vision` and `rationale`; then let a leader vouch for it
        """
        from metrictree.lint.scorecard import scorecard

        return scorecard(self._tree, today=today, values=values, history=history)

    def test(self, *, today: date | None = None) -> TestReport:
        """Return how the tests that the tree declares end; ``str`` of it tells the failures.

        ``today`` is the day by which expected findings of rules are judged.

        Raises:
            DefinitionError: a test has mistakes.

        >>> tree = MetricTree(
        ...     north_star="rate",
        ...     metrics={"rate": "orders / visits", "orders": None, "visits": None},
        ...     tests=[
        ...         {
        ...             "name": "a rate",
        ...             "given": {"orders": 5, "visits": 20},
        ...             "expect": {"rate": 0.2},
        ...         },
        ...     ],
        ... )
        >>> print(tree.test()[0].failures[0].message)
        rate is 0.25, expected 0.2: 0.05 more (+25 %)
        """
        from metrictree.testing.repair import with_repairs
        from metrictree.testing.runner import run_tests

        report = run_tests(self._tree, today=today)
        return replace(report, outcomes=with_repairs(self._tree, report.outcomes))

    def mutate(
        self, metrics: Iterable[str] | None = None, *, progress: Progress | None = None
    ) -> MutationReport:
        """Return whether the tests of the tree notice small mistakes in its definitions.

        Each formula and measure, or those of ``metrics``, is changed in small ways; the tests that
        compute it have to notice. ``str`` of the report tells what they did not notice, each with
        a test that would. ``progress`` is called with the metric at hand, and the share that is
        done.

        Raises:
            DefinitionError: a test has mistakes, or does not pass as the tree is.
            UsageError: a metric is unknown, or has no formula and no measure.

        >>> tree = MetricTree(
        ...     north_star="rate",
        ...     metrics={"rate": "orders / visits", "orders": None, "visits": None},
        ...     tests=[
        ...         {
        ...             "name": "a rate",
        ...             "given": {"orders": 5, "visits": 20},
        ...             "expect": {"rate": 0.25},
        ...         },
        ...     ],
        ... )
        >>> tree.mutate()
        MutationReport(killed=5, survived=0, equivalent=0, score=1)
        """
        from metrictree.testing.mutation import mutate

        return mutate(self._tree, metrics=metrics, progress=progress)

    def run_plan(
        self, targets: Iterable[str] | None = None, **options: Unpack[RunOptions]
    ) -> RunPlan:
        """Return what `run` would read and compute with the same arguments; ``str`` of it tells.

        Sources are opened, and not looked through.

        Raises:
            MetricTreeError: what `run` raises of arguments, targets, sources and columns.
        """
        from metrictree.measures import run_plan

        return run_plan(self._tree, targets, **options)

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


def _has_columns(inputs: Mapping[Any, Any]) -> bool:
    """Whether a mapping gives arrays and not single numbers."""
    if set(map(type, inputs.values())) <= _NUMBERS:  # as quick as can be for the usual case
        return False
    return any(
        getattr(value, "ndim", 0) or (hasattr(value, "to_numpy") and hasattr(value, "__len__"))
        for value in inputs.values()
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
