"""Hypothesis strategies: inputs of a tree, frames to compute it on, and whole trees."""

from __future__ import annotations

import datetime as dt
import math
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from metrictree.diagnostics import Diagnostic, shown
from metrictree.errors import MissingExtraError, UsageError
from metrictree.names import Suggester, did_you_mean
from metrictree.plan import make_plan
from metrictree.resolved import ResolvedTree
from metrictree.testing.domains import domain_of

try:
    from hypothesis import strategies as st
except ImportError:
    raise MissingExtraError(
        [
            Diagnostic(
                "VAL119",
                "values are drawn with Hypothesis, which is not installed",
                fix='pip install "metrictree[test]"',
            )
        ]
    ) from None

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from metrictree.testing.domains import Domain

    class _HasResolved(Protocol):
        """A `MetricTree`."""

        @property
        def resolved(self) -> ResolvedTree: ...

    AnyTree = _HasResolved | ResolvedTree

__all__ = ["frames", "inputs", "trees"]

_FIRST_DAY: Final = dt.date(2026, 1, 5)


def numbers(domain: Domain, likely: Sequence[float] = ()) -> st.SearchStrategy[float]:
    """Draw numbers of a domain that people can read, often one of those that are ``likely``."""
    low, high = domain.low, domain.high
    drawn: list[st.SearchStrategy[float]] = []
    if math.ceil(low) <= math.floor(high):
        drawn.append(st.integers(math.ceil(low), math.floor(high)).map(float))
    if likely:
        drawn.append(st.sampled_from(list(likely)))
    if not domain.whole:
        first, last = low * 100, high * 100
        decimals = math.isfinite(first) and math.isfinite(last)
        if decimals and math.floor(last) - math.ceil(first) >= 4:
            # A division gives the float nearest to the decimal number; a product may not.
            hundredths = st.integers(math.ceil(first), math.floor(last))
            drawn.append(hundredths.map(lambda count: count / 100))
        else:
            drawn.append(
                st.floats(low, high, allow_nan=False).map(
                    lambda value: min(max(float(f"{value:.3g}"), low), high) + 0.0
                )
            )
    return st.one_of(drawn)


def or_missing(drawn: st.SearchStrategy[float]) -> st.SearchStrategy[float | None]:
    """Draw what is drawn or ``None``; examples shrink to what is there."""
    # Of two alternatives the shorter one counts as simpler, so a number is drawn in any case.
    both = st.tuples(drawn, st.sampled_from([False, False, True]))
    return both.map(lambda pair: None if pair[1] else pair[0])


def inputs(
    tree: AnyTree, targets: Iterable[str] | None = None, *, missing: bool = False
) -> st.SearchStrategy[dict[str, float | None]]:
    """Draw values of all inputs and measures that the targets (every metric) need.

    They lie inside of declared ranges. Without a range, what is counted is a whole number from 0
    on, a ratio lies between 0 and 1, and all else is 0 or more with two decimals. Examples shrink
    to small whole numbers. With ``missing``, each may be missing. Constants stand.

    Raises:
        UsageError: a target is no metric of the tree.

    >>> from hypothesis import find
    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="rate",
    ...     metrics={"rate": "orders / visits", "orders": {"unit": "order"}, "visits": None},
    ... )
    >>> find(inputs(tree), lambda values: values["orders"] > values["visits"])
    {'orders': 1.0, 'visits': 0.0}
    """
    resolved = _of(tree)
    return st.fixed_dictionaries(
        {leaf: _values(resolved, leaf, missing=missing) for leaf in _needed(resolved, targets)}
    )


def frames(
    tree: AnyTree,
    library: str = "polars",
    targets: Iterable[str] | None = None,
    *,
    missing: bool = False,
    time: str | None = None,
    by: Iterable[str] = (),
) -> st.SearchStrategy[Any]:
    """Draw frames with a column for each input that the targets (every metric) need.

    ``library`` is ``pandas``, ``polars``, ``polars-lazy``, ``pyarrow``, ``duckdb``, ``ibis`` or
    ``pyspark``, which takes the session that runs, or else starts one. ``time`` adds a column of
    days, none of which is left out; ``by`` adds columns of dimensions. Frames without ``time`` have
    up to 8 rows, and those with it up to 8 days for each group.

    Raises:
        UsageError: the library is not known, a target is no metric of the tree, or the targets
            need no input, or look at earlier periods and there is no ``time``.
        MissingExtraError: the library is not installed.

    >>> from hypothesis import find
    >>> from metrictree import MetricTree
    >>> tree = MetricTree(north_star="double", metrics={"double": "2 * x", "x": None})
    >>> find(frames(tree, "pyarrow"), lambda frame: len(frame) > 1).to_pydict()
    {'x': [0.0, 0.0]}
    """
    resolved = _of(tree)
    make = _maker(library)
    plan = make_plan(resolved, targets)
    late = [metric for metric in plan.formulas if metric in resolved.overtime]
    if late and time is None:
        message = f"'{late[0]}' looks at earlier periods, so its frames need a column of times"
        raise UsageError([Diagnostic("VAL110", message, fix='give its name, as `time="day"`')])
    leaves = {leaf: _values(resolved, leaf, missing=missing) for leaf in _needed(resolved, targets)}
    if not leaves and time is None:
        message = "the targets need no input, so a frame for them would have no column"
        raise UsageError([Diagnostic("VAL110", message, fix="compute them without a frame")])
    whole = {leaf for leaf in leaves if domain_of(resolved.metrics[leaf]).whole}
    dimensions = tuple(by)

    @st.composite
    def drawn(draw: st.DrawFn) -> Any:
        columns: dict[str, tuple[type, list[Any]]] = {}
        groups: list[tuple[Any, ...]] = [()]
        if dimensions:
            names = st.tuples(*[st.sampled_from(["a", "b", None]) for _ in dimensions])
            groups = draw(st.lists(names, min_size=1, max_size=3, unique=True))
        lengths = [draw(st.integers(0 if time is None else 1, 8)) for _ in groups]
        for position, name in enumerate(dimensions):
            cells = [
                group[position]
                for group, length in zip(groups, lengths, strict=True)
                for _ in range(length)
            ]
            columns[name] = str, cells
        if time is not None:
            days = [dt.timedelta(days=day) for length in lengths for day in range(length)]
            columns[time] = dt.date, [_FIRST_DAY + day for day in days]
        count = sum(lengths)
        for leaf, values in leaves.items():
            cells = draw(st.lists(values, min_size=count, max_size=count))
            if leaf in whole:
                columns[leaf] = int, [None if cell is None else int(cell) for cell in cells]
            else:
                columns[leaf] = float, cells
        return make(columns)

    return drawn()


def _of(tree: AnyTree) -> ResolvedTree:
    return tree if isinstance(tree, ResolvedTree) else tree.resolved


def _needed(tree: ResolvedTree, targets: Iterable[str] | None) -> list[str]:
    leaves = make_plan(tree, targets).leaves
    return [leaf for leaf in leaves if tree.metrics[leaf].value is None]


def _values(tree: ResolvedTree, leaf: str, *, missing: bool) -> st.SearchStrategy[float | None]:
    drawn = numbers(domain_of(tree.metrics[leaf]))
    return or_missing(drawn) if missing else drawn


# --- frames


def _polars(polars: Any, columns: Mapping[str, tuple[type, list[Any]]]) -> Any:
    types = {int: polars.Int64, float: polars.Float64, dt.date: polars.Date, str: polars.String}
    return polars.DataFrame(
        [polars.Series(name, cells, types[kind]) for name, (kind, cells) in columns.items()]
    )


def _lazy(polars: Any, columns: Mapping[str, tuple[type, list[Any]]]) -> Any:
    return _polars(polars, columns).lazy()


def _pyspark(sql: Any, columns: Mapping[str, tuple[type, list[Any]]]) -> Any:
    types = {int: "bigint", float: "double", dt.date: "date", str: "string"}
    schema = ", ".join(f"`{name}` {types[kind]}" for name, (kind, _) in columns.items())
    rows = [*zip(*(cells for _, cells in columns.values()), strict=True)]
    return sql.SparkSession.builder.getOrCreate().createDataFrame(rows, schema)


def _pandas(pandas: Any, columns: Mapping[str, tuple[type, list[Any]]]) -> Any:
    types = {int: "Int64", float: "float64", dt.date: "datetime64[s]", str: "object"}
    return pandas.DataFrame(
        {name: pandas.Series(cells, dtype=types[kind]) for name, (kind, cells) in columns.items()}
    )


def _pyarrow(pyarrow: Any, columns: Mapping[str, tuple[type, list[Any]]]) -> Any:
    types = {
        int: pyarrow.int64(), float: pyarrow.float64(),
        dt.date: pyarrow.date32(), str: pyarrow.string(),
    }  # fmt: skip
    return pyarrow.table(
        {name: pyarrow.array(cells, types[kind]) for name, (kind, cells) in columns.items()}
    )


_LIBRARIES: Final[Mapping[str, tuple[str, Callable[[Any, Any], Any]]]] = {
    "pandas": ("pandas", _pandas),
    "polars": ("polars", _polars),
    "polars-lazy": ("polars", _lazy),
    "pyarrow": ("pyarrow", _pyarrow),
    "duckdb": ("pyarrow", _pyarrow),
    "ibis": ("pyarrow", _pyarrow),
    "pyspark": ("pyspark.sql", _pyspark),
}
_TAKES_ARROW: Final = {"duckdb": "from_arrow", "ibis": "memtable"}


def _maker(library: str) -> Callable[[Mapping[str, tuple[type, list[Any]]]], Any]:
    """Return what makes a frame of columns."""
    if library not in _LIBRARIES:
        near = did_you_mean(Suggester(_LIBRARIES).near(str(library)))
        advice = near or f"the libraries are {', '.join(_LIBRARIES)}"
        message = f"'{shown(library)}' is no library that frames are drawn for"
        raise UsageError([Diagnostic("VAL110", message, fix=advice)])
    home, make = _LIBRARIES[library]
    module = _imported(home, library)
    if library not in _TAKES_ARROW:
        return lambda columns: make(module, columns)
    take = getattr(_imported(library, library), _TAKES_ARROW[library])
    return lambda columns: take(make(module, columns))


def _imported(name: str, library: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        name = name.partition(".")[0]
        message = f"frames of {library} need {name}, which is not installed"
        advice = f"pip install {'ibis-framework' if name == 'ibis' else name}"
        raise MissingExtraError([Diagnostic("VAL119", message, fix=advice)]) from None


# --- trees

_INPUTS: Final[Mapping[str, Any]] = {
    "visits": {"unit": "visit/week", "range": [0, None]},
    "orders": {"unit": "order/week", "range": [0, None]},
    "price": {"unit": "EUR/order"},
    "share": {"unit": "ratio", "range": [0, 1]},
    "cost": {"unit": "EUR/week"},
    "hours": None,
    "target": 250,
    "jobs": {"measure": {"source": "jobs", "aggregate": "count()"}, "unit": "job/week"},
}
_CALLS: Final = ("min({}, {})", "max({}, {})", "mean({}, {})", "coalesce({}, {})", "sum({}, {})")
_ONE: Final = ("abs({})", "round({}, 2)", "floor({})", "sqrt({})", "-({})")
_TIMES: Final = ("lag({})", "change({}, 2)", "growth({})", "rolling_mean({}, 3)", "cumulative({})")
_LITERALS: Final = ("0", "1", "2", "0.5", "100")


@st.composite
def trees(draw: st.DrawFn, *, max_formulas: int = 6, over_time: bool = False) -> dict[str, Any]:
    """Draw sound trees as documents: ``MetricTree(**document)`` makes one of it.

    They have inputs with and without units and ranges, constants, a measure, shared drivers, and
    formulas of all kinds; with functions over time if ``over_time``.

    >>> from hypothesis import find
    >>> from metrictree import MetricTree
    >>> document = find(trees(), lambda document: True)
    >>> MetricTree(**document)
    MetricTree(north_star='metric_1', metrics=3)
    """
    names = draw(st.lists(st.sampled_from(sorted(_INPUTS)), min_size=2, max_size=5, unique=True))
    metrics: dict[str, Any] = {name: _INPUTS[name] for name in names}
    known = list(names)
    count = draw(st.integers(1, max_formulas))
    for number in range(1, count + 1):
        formula = draw(_formulas(known, over_time=over_time))
        if number == count and len(known) > len(names) and known[-1] not in formula:
            formula = f"{formula} + {known[-1]}"  # the top stands on more than one level
        body: Any = formula
        if draw(st.booleans()):
            body = {"formula": formula, "improves": draw(st.sampled_from(["up", "down"]))}
        metrics[f"metric_{number}"] = body
        known.append(f"metric_{number}")
    document: dict[str, Any] = {"north_star": known[-1], "metrics": metrics}
    if "jobs" in metrics:
        document["sources"] = {"jobs": {"path": "jobs.csv", "time": "day"}}
    return document


@st.composite
def _formulas(draw: st.DrawFn, names: Sequence[str], *, over_time: bool) -> str:
    """Draw a formula over names, the last ones more often: their metrics stand further up."""
    name = st.one_of(st.sampled_from(names), st.sampled_from(names[-2:]))
    first, second, third = draw(name), draw(name), draw(name)
    shapes = [
        f"{first} {draw(st.sampled_from('+-*/'))} {second}",
        f"({first} {draw(st.sampled_from('+-'))} {second}) {draw(st.sampled_from('*/'))} {third}",
        f"{first} * {draw(st.sampled_from(_LITERALS))}",
        draw(st.sampled_from(_CALLS)).format(first, second),
        draw(st.sampled_from(_ONE)).format(first),
        f"{first} if {second} > {draw(st.sampled_from(_LITERALS))} else {third}",
        f"safe_div({first}, {second}, 0)",
    ]
    if over_time:
        shapes.append(draw(st.sampled_from(_TIMES)).format(first))
    return draw(st.sampled_from(shapes))
