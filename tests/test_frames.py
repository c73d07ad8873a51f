"""Lazy frames: values, names, periods and the layout of layers, on each library that is there."""

from __future__ import annotations

import datetime as dt
import math
import sys
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pytest

from metrictree import ComputeError, Limits, MetricTree, UsageError
from metrictree.engines.frames.layers import MOST_INLINE, Engine, Periods, Term, lower, number
from metrictree.plan import make_plan
from tests.hard_values import CONSTANTS, DIGITS, PAIRS, PASSED_ON, TEXTS, right_values
from tests.servers import spark

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

pl = pytest.importorskip("polars")


class Library:
    """Makes lazy frames of columns, and reads them."""

    def give(self, columns: Mapping[str, Sequence[Any]], **types: Any) -> Any:
        raise NotImplementedError

    def read(self, frame: Any) -> dict[str, list[Any]]:
        raise NotImplementedError


def table(columns: Mapping[str, Sequence[Any]], types: Mapping[str, Any]) -> Any:
    """Return the columns as a Polars frame; what is not told to be something else is Float64."""
    floats = {name: pl.Float64 for name, cells in columns.items() if set(map(type, cells)) <= REAL}
    return pl.DataFrame(columns, schema_overrides={**floats, **types})


REAL = {float, type(None)}
SQL_TYPES = {
    "Float64": "double", "Float32": "float", "Int64": "bigint", "UInt64": "ubigint",
    "Int8": "tinyint", "UInt16": "usmallint", "String": "string", "Date": "date",
    "Boolean": "boolean", "Decimal(precision=10, scale=2)": "decimal(10, 2)",
}  # fmt: skip


class Polars(Library):
    def give(self, columns: Mapping[str, Sequence[Any]], **types: Any) -> Any:
        return table(columns, types).lazy()

    def read(self, frame: Any) -> dict[str, list[Any]]:
        return dict(frame.collect().to_dict(as_series=False))


class DuckDB(Library):
    def __init__(self) -> None:
        self.connection = pytest.importorskip("duckdb").connect()

    def give(self, columns: Mapping[str, Sequence[Any]], **types: Any) -> Any:
        frame = table(columns, types)
        names = [name.replace('"', '""') for name in columns]
        kinds = [SQL_TYPES.get(str(dtype), str(dtype)) for dtype in frame.dtypes]
        fields = ", ".join(f'"{name}" {kind}' for name, kind in zip(names, kinds, strict=True))
        self.connection.execute(f"create or replace table t ({fields})")
        marks = ", ".join("?" * len(names))
        if len(frame):
            self.connection.executemany(f"insert into t values ({marks})", frame.rows())  # noqa: S608
        return self.connection.table("t")

    def read(self, frame: Any) -> dict[str, list[Any]]:
        rows = frame.fetchall()
        return {name: [row[at] for row in rows] for at, name in enumerate(frame.columns)}


class Ibis(Library):
    def __init__(self) -> None:
        self.memtable = pytest.importorskip("ibis").memtable

    def give(self, columns: Mapping[str, Sequence[Any]], **types: Any) -> Any:
        return self.memtable(table(columns, types).to_arrow())

    def read(self, frame: Any) -> dict[str, list[Any]]:
        return dict(frame.to_pyarrow().to_pydict())


class Spark(Library):
    def __init__(self, session: Any) -> None:
        self.session = session

    def give(self, columns: Mapping[str, Sequence[Any]], **types: Any) -> Any:
        frame = table(columns, types)
        schema = ", ".join(f"`{name}` {SQL_TYPES[str(of)]}" for name, of in frame.schema.items())
        return self.session.createDataFrame(frame.rows(), schema)

    def read(self, frame: Any) -> dict[str, list[Any]]:
        rows = frame.collect()
        return {name: [row[at] for row in rows] for at, name in enumerate(frame.columns)}


@pytest.fixture(scope="module", params=[Polars, DuckDB, Ibis], ids=lambda kind: kind.__name__)
def library(request: pytest.FixtureRequest) -> Any:
    return request.param()


@pytest.fixture(scope="module", params=[Polars, DuckDB, Ibis, Spark], ids=lambda one: one.__name__)
def any_library(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param is not Spark:
        yield request.param()
        return
    with spark("local[1]") as session:
        yield Spark(session)


def agrees(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return found == expected or math.isclose(found, expected, rel_tol=1e-12, abs_tol=0)


# --- values


def test_every_operation_gives_on_hard_values_what_it_gives_on_single_numbers(library: Any) -> None:
    texts = [*TEXTS, *DIGITS, *PASSED_ON, *CONSTANTS]
    formulas = {f"m{at}": text for at, text in enumerate(texts)}
    metrics: dict[str, Any] = {**formulas, "a": None, "b": None, "k": 3}
    tree = MetricTree(north_star="m0", metrics=metrics)
    frame = library.give(
        {"row": list(range(len(PAIRS))), **{n: [pair[n] for pair in PAIRS] for n in "ab"}}
    )
    found = library.read(tree.compute(frame))
    order = np.argsort(found["row"])
    wrong = []
    for metric, text in formulas.items():
        for pair, at, right in zip(PAIRS, order, right_values(text), strict=True):
            if not agrees(found[metric][at], right):
                wrong.append((text, pair, found[metric][at], right))
    assert wrong == []


TREE = MetricTree(
    north_star="growth.rate",
    metrics={
        "growth.rate": "growth.orders / visits",
        "growth__rate": "growth.rate + part_1",
        "part_1": "visits * 2 * visits",
        "growth.orders": None,
        "visits": {"range": [0, 1000]},
        "k": 3,
    },
)
ORDERS = {"growth.orders": [1.0, 2.0], "visits": [2.0, 0.0]}
FOUND = {
    "growth.rate": [0.5, None], "growth__rate": [8.5, None], "part_1": [8.0, 0.0], "k": [3.0, 3.0]
}  # fmt: skip


def test_a_number_that_is_not_finite_is_missing_in_a_lazy_frame(library: Any) -> None:
    frame = library.give({"growth.orders": [1.0, math.inf, 4.0], "visits": [math.inf, 4.0, 2.0]})
    assert library.read(TREE.compute(frame, "growth.rate"))["growth.rate"] == [None, None, 2.0]


def test_an_integer_past_2_to_the_53_is_missing_in_a_lazy_frame(library: Any) -> None:
    frame = library.give({"growth.orders": [2**53, 2**53 + 1, -(2**53) - 1], "visits": [1.0] * 3})
    found = library.read(TREE.compute(frame, "growth.rate"))
    assert found["growth.rate"] == [2.0**53, None, None]
    assert found["growth.orders"] == [2**53, 2**53 + 1, -(2**53) - 1]


@pytest.mark.parametrize("dtype", ["Int8", "UInt16", "Int64", "UInt64", "Float32", "Decimal"])
def test_numbers_of_every_type_are_computed_as_float64(library: Any, dtype: str) -> None:
    kind = pl.Decimal(10, 2) if dtype == "Decimal" else getattr(pl, dtype)
    frame = library.give({"growth.orders": [7, 2], "visits": [2, 4]}, visits=kind)
    assert library.read(TREE.compute(frame, "growth.rate"))["growth.rate"] == [3.5, 0.5]


def test_a_column_of_nulls_is_missing() -> None:
    frame = pl.LazyFrame({"growth.orders": [None, None], "visits": [2.0, 4.0]})
    found = TREE.compute(frame).collect()
    assert found["growth.rate"].to_list() == [None, None]
    assert found["part_1"].to_list() == [8.0, 32.0]


def test_a_frame_without_rows_gives_one_without_rows(library: Any) -> None:
    frame = library.give({"growth.orders": [], "visits": []}, **dict.fromkeys(ORDERS, pl.Float64))
    found = library.read(TREE.compute(frame, strict=True))
    assert found == {name: [] for name in [*ORDERS, *FOUND]}


# --- the last bit

ONE_NUMBER = [
    *("x / y", "x / abs(y)", "x / (y + 0)", "x * x / y", "safe_div(x, y, 5)", "x / (k + z)"),
    *("x / coalesce(n, 49)", "x / (49 if z < 0 else 7)", "x / 49", "safe_div(x, 49, 1)"),
    *("round(x / 7, k)", "round(x / y, 1)", "lag(x) / y", "rolling_mean(x, 3) / y"),
    *("x / 5e-324", "safe_div(x, 5e-324, 1)", "x / 2", "1 / y", "y / x", "y / y", "x / y / z"),
]
"""Of x that has many cells; y, k and n are one number that Polars does not write out."""


@pytest.mark.parametrize("formula", ONE_NUMBER)
@pytest.mark.parametrize("rows", [1, 4])
def test_a_division_by_one_number_for_all_rows_is_exact(formula: str, rows: int) -> None:
    leaves = dict.fromkeys(["x", "y", "z", "k", "n"])
    tree = MetricTree(north_star="m", metrics={"m": formula, **leaves})
    cells = [49.0, -5e-324, 1e-320, 0.1][:rows]
    lazy = pl.LazyFrame({"t": range(rows), "x": cells, "z": [1.0] * rows})
    lazy = lazy.with_columns(y=pl.lit(49.0), k=pl.lit(6.0), n=pl.lit(None, pl.Float64))
    time = "t" if "lag" in formula or "rolling" in formula else None
    exact = tree.compute(lazy.collect(), "m", time=time)["m"].to_list()
    for engine in ("in-memory", "streaming"):
        found: Any = tree.compute(lazy, "m", time=time)
        assert found.collect(engine=engine)["m"].to_list() == exact


@pytest.mark.parametrize("formula", ["rolling_mean(5, 3)", "lag(5) / 3", "round(lag(5), 2)"])
def test_functions_over_time_of_nothing_but_constants_are_computed(formula: str) -> None:
    tree = MetricTree(north_star="m", metrics={"m": formula})
    frame = pl.DataFrame({"t": [1, 2, 3, 4]})
    found = tree.compute(frame.lazy(), "m", time="t").collect()["m"].to_list()
    assert found == tree.compute(frame, "m", time="t")["m"].to_list()
    assert found[-1] is not None


# --- names


def test_dots_and_odd_signs_stand_in_names(any_library: Any) -> None:
    odd = {'a b"c.d': ["x", "y"], **ORDERS}
    assert any_library.read(TREE.compute(any_library.give(odd))) == {**odd, **FOUND}


@pytest.mark.parametrize("odd", ["^v.*$", "*", "^$", "^v.*\n$", "", "^v", "v$"])
def test_polars_takes_no_name_for_a_pattern(odd: str) -> None:
    tree = MetricTree(north_star="m", metrics={"m": "a / 3", "a": {"range": [0, 9]}})
    given: dict[str, list[Any]] = {"": [9.0], odd: [1.0], "vw": [2.0], "m.x": [3.0]}
    for name, value in ((odd, 1.0), ("vw", 2.0)):
        frame, names = pl.LazyFrame(given), {"a": name}
        for found in (
            tree.compute(frame, "m", columns=names, strict=True),
            tree.compute(frame, "m", columns=names, diagnose=True).frame,
        ):
            assert found.collect().to_dict(as_series=False) == {**given, "m": [value / 3]}
    tree = MetricTree(north_star="m", metrics={"m": "change(a)", "a": None})
    given = {odd: [1, 2], "vw": ["x", "x"], "^.*$": ["y", "z"], "a": [1.0, 4.0]}
    lost = tree.compute(pl.LazyFrame(given), "m", time=odd, by=["^.*$"]).collect()
    assert lost.to_dict(as_series=False) == {**given, "m": [None, None]}
    found = tree.compute(pl.LazyFrame(given), "m", time=odd, by=["vw"]).collect()
    assert found.to_dict(as_series=False) == {**given, "m": [None, 3.0]}


def test_two_columns_of_one_name_are_refused_only_if_they_are_needed() -> None:
    connection = pytest.importorskip("duckdb").connect()
    tree = MetricTree(north_star="m", metrics={"m": "a / b", "a": None, "b": None})
    join = "from (select 1 as id, 2.0 as a) l join (select 1 as id, 4.0 as b, 0 as c) r"
    found: Any = tree.compute(connection.sql(f"{join} on l.id = r.id"), "m")
    assert found.columns == ["id", "a", "id", "b", "c", "m"]
    assert [*map(float, found.fetchall()[0])] == [1, 2, 1, 4, 0, 0.5]
    zero: Any = tree.compute(
        connection.sql(f"{join} on l.id = r.id"), "m", columns={"b": "c"}, diagnose=True
    )
    assert [reason.rule.name for reason in zero.reasons] == ["ZERO_DIVISION"]
    with pytest.raises(ComputeError, match="VAL101 the frame has 2 columns named 'id'"):
        tree.compute(connection.sql(f"{join} on l.id = r.id"), "m", columns={"a": "id"})


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("id", "the frame has 2 columns 'id', which `time` names: rename or drop all but one"),
        ("idd", "the frame has no column 'idd', which `time` names: did you mean id?"),
    ],
)
def test_a_time_column_that_stands_twice_is_told_apart_from_one_that_is_not_there(
    name: str, told: str
) -> None:
    tree = MetricTree(north_star="m", metrics={"m": "lag(a)", "a": None})
    columns = "select 1 as id, 2 as id, 3.0 as a"
    for frame in (
        pytest.importorskip("duckdb").sql(columns),
        pytest.importorskip("pyarrow").table([[1], [2], [3.0]], names=["id", "id", "a"]),
    ):
        with pytest.raises(ComputeError) as caught:
            tree.compute(frame, "m", time=name, grain="month")
        assert [str(found) for found in caught.value.diagnostics] == [f"VAL110 {told}"]


def test_columns_may_be_renamed_by_a_mapping(any_library: Any) -> None:
    frame = any_library.give({"o": [1.0, 2.0], "V": [2.0, 0.0]})
    found = TREE.compute(frame, columns={"growth.orders": "o", "visits": "V"})
    rest = {**ORDERS, **FOUND}
    order = ["o", "V", *TREE.metrics]
    assert list(any_library.read(found)) == order
    assert any_library.read(found) == {"o": [1.0, 2.0], "V": [2.0, 0.0], **rest}


def test_sql_finds_a_column_whatever_its_case(any_library: Any) -> None:
    given = {"Growth.Orders": [1.0, 2.0], "VISITS": [2.0, 0.0]}
    frame = any_library.give(given)
    if isinstance(any_library, Polars):
        with pytest.raises(ComputeError, match=r"did you mean Growth\.Orders"):
            TREE.compute(frame)
    else:
        assert any_library.read(TREE.compute(frame)) == {**given, **FOUND}


def test_a_column_that_sql_takes_for_a_metric_is_refused(any_library: Any) -> None:
    frame = any_library.give({**ORDERS, "Part_1": [1.0, 2.0]})
    if isinstance(any_library, Polars):
        assert TREE.compute(frame).collect()["Part_1"].to_list() == [1.0, 2.0]
    else:
        with pytest.raises(ComputeError, match=r"VAL102.* 'part_1' is computed by its formula"):
            TREE.compute(frame)
    assert "Part_1" in any_library.read(TREE.compute(frame, "growth.rate"))


def test_columns_named_as_parts_are_kept(any_library: Any) -> None:
    more = {"part_2": [5.0, 6.0], "column_1": [7.0, 8.0], "target_0": [9.0, 10.0]}
    tree = MetricTree(
        north_star="column_0",
        metrics={"column_0": "min(a / b, b) + max(a / b, a)", "a": None, "b": None},
    )
    given = {"a": [1.0, 2.0], "b": [2.0, 4.0], **more}
    expected = {**given, "column_0": [1.5, 2.5]}
    assert any_library.read(tree.compute(any_library.give(given))) == expected
    odd = {**given, "a b": [0.0, 0.0]}  # all columns get other names meanwhile
    assert any_library.read(tree.compute(any_library.give(odd))) == {**odd, "column_0": [1.5, 2.5]}


REFUSED = [
    ({"visits": [1.0]}, {}, "VAL103", "'growth.orders' has no value"),
    ({**ORDERS, "growth.rate": [1.0, 2.0]}, {}, "VAL102", "'growth.rate' is computed"),
    (ORDERS, {"columns": {"vists": "visits"}}, "VAL101", "did you mean visits?"),
    (ORDERS, {"columns": {"visits": "vists"}}, "VAL103", "no column 'vists'"),
    ({**ORDERS, "visits": ["1", "2"]}, {}, "VAL104", "not of numbers: convert it to numbers, or"),
    ({**ORDERS, "visits": [True, False]}, {}, "VAL104", "'visits' is of the type bool"),
    ({**ORDERS, "visits": [dt.date(2025, 1, 1)] * 2}, {}, "VAL104", "is of the type date"),
    (ORDERS, {"time": "day"}, "VAL110", "no column 'day'"),
]


@pytest.mark.parametrize(("columns", "options", "code", "message"), REFUSED)
def test_a_mistake_in_the_columns_is_told(
    library: Any, columns: Any, options: Any, code: str, message: str
) -> None:
    with pytest.raises(ComputeError) as caught:
        TREE.compute(library.give(columns), **options)
    told = caught.value.diagnostics
    (found,) = [one for one in told if message.lower() in str(one).lower()]
    assert found.code == code


# --- strict


STRICT = [
    (ORDERS, "VAL109", "the metric 'growth.rate' is missing in 1 row"),
    ({**ORDERS, "growth.orders": [math.inf, -math.inf]}, "VAL105", "not finite in 2 rows"),
    ({**ORDERS, "growth.orders": [1, -(2**53) - 1]}, "VAL105", "past 2**53 in 1 row"),
    ({**ORDERS, "visits": [1.0, -1.0]}, "VAL106", "outside of its range [0, 1000] in 1 row"),
    ({**ORDERS, "visits": [1001, 1]}, "VAL106", "outside of its range [0, 1000] in 1 row"),
    ({**ORDERS, "visits": [math.nan, 1.0]}, "VAL109", "'growth.rate' is missing in 1 row"),
]


@pytest.mark.parametrize(("columns", "code", "message"), STRICT)
def test_strict_refuses_missing_values_and_inputs_out_of_bounds(
    any_library: Any, columns: Any, code: str, message: str
) -> None:
    frame = any_library.give(columns)
    with pytest.raises(ComputeError) as caught:
        TREE.compute(frame, strict=True)
    found = caught.value.diagnostics[0]
    assert found.code == code
    assert message in found.message


def test_strict_lets_pass_what_is_whole(any_library: Any) -> None:
    frame = any_library.give({"growth.orders": [1.0, 2.0], "visits": [2.0, 4.0]})
    found = any_library.read(TREE.compute(frame, "growth.rate", strict=True))
    assert found["growth.rate"] == [0.5, 0.5]


# --- periods


TREND = MetricTree(
    north_star="trend",
    metrics={
        "trend": "growth(x)", "two": "rolling_sum(x, 2)", "so_far": "cumulative(x)",
        "least": "rolling_min(x / 2, 3)", "before": "lag(5)", "x": None,
    },
)  # fmt: skip


def days(*texts: str) -> list[dt.date]:
    return [dt.date.fromisoformat(text) for text in texts]


MONTHS = days("2025-01-01", "2025-03-01", "2025-02-01", "2025-01-01", "2025-02-01")
SERIES: dict[str, list[Any]] = {
    "at": MONTHS, "shop": ["a", "a", "a", None, None], "x": [1.0, 3.0, 2.0, None, 5.0]
}  # fmt: skip
TRENDS = {
    ("a", 1.0): (None, None, 1.0, None, None),
    ("a", 2.0): (1.0, 3.0, 3.0, None, 5.0),
    ("a", 3.0): (0.5, 5.0, 6.0, 0.5, 5.0),
    (None, None): (None, None, None, None, None),
    (None, 5.0): (None, None, None, None, 5.0),
}


def by_cell(found: Mapping[str, list[Any]]) -> dict[Any, Any]:
    keys = zip(found["shop"], found["x"], strict=True)
    names = ("trend", "two", "so_far", "least", "before")
    return dict(zip(keys, zip(*(found[name] for name in names), strict=True), strict=True))


TIMES = {
    "days": MONTHS,
    "days of a month that differ": days(
        "2025-01-05", "2025-03-05", "2025-02-05", "2025-01-20", "2025-02-20"
    ),
    "months as text": ["2025-01", "2025-03", "2025-02", "2025-01", "2025-02"],
    "numbers": [-1, 1, 0, 7, 8],
}


@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES)
def test_functions_over_time_go_by_group_and_period(any_library: Any, times: list[Any]) -> None:
    frame = any_library.give({**SERIES, "at": times})
    grain = None if isinstance(times[0], int) else "month"
    found = TREND.compute(frame, time="at", by="shop", grain=grain)
    assert by_cell(any_library.read(found)) == TRENDS


def test_missing_periods_are_filled_when_asked(any_library: Any) -> None:
    times = days("2025-01-31", "2025-04-30", "2025-02-28", "2025-01-31", "2025-03-31")
    frame = any_library.give({**SERIES, "at": times})
    found = any_library.read(TREND.compute(frame, ["two"], time="at", by="shop", fill=True))
    rows = zip(found["shop"], found["at"], found["x"], found["two"], strict=True)
    assert sorted(rows, key=lambda row: (row[0] or "", row[1])) == [
        (None, dt.date(2025, 1, 31), None, None),
        (None, dt.date(2025, 2, 28), None, None),
        (None, dt.date(2025, 3, 31), 5.0, None),
        ("a", dt.date(2025, 1, 31), 1.0, None),
        ("a", dt.date(2025, 2, 28), 2.0, 3.0),
        ("a", dt.date(2025, 3, 31), None, None),
        ("a", dt.date(2025, 4, 30), 3.0, None),
    ]


def test_there_is_nothing_to_fill_where_no_period_is_missing(library: Any) -> None:
    found = TREND.compute(library.give(SERIES), time="at", by="shop", fill=True)
    assert by_cell(library.read(found)) == TRENDS


def test_strict_looks_at_functions_over_time(any_library: Any) -> None:
    times = days("2025-01-01", "2025-03-01", "2025-01-01", "2025-02-01")
    columns: dict[str, list[Any]] = {"at": times, "shop": [*"aabb"], "x": [1.0, 3.0, 5.0, 6.0]}
    frame = any_library.give(columns)
    options: Any = {"time": "at", "by": "shop", "fill": True, "strict": True}
    found = any_library.read(WHOLE.compute(frame, "whole", **options))
    rows = zip(found["shop"], found["at"], found["whole"], strict=True)
    assert sorted((shop, at.month, value) for shop, at, value in rows) == [
        ("a", 1, 0.0), ("a", 2, 1.0), ("a", 3, 0.0), ("b", 1, 0.0), ("b", 2, 5.0)
    ]  # fmt: skip
    with pytest.raises(ComputeError, match="VAL109 the metric 'before' is missing in 3 rows"):
        WHOLE.compute(frame, "before", **options)
    with pytest.raises(ComputeError, match="VAL109 the metric 'before' is missing in 3 rows"):
        WHOLE.compute(frame, "before", **options, diagnose=True)


WHOLE = MetricTree(
    north_star="whole", metrics={"whole": "coalesce(before, 0)", "before": "lag(x)", "x": None}
)
FLOATS: dict[str, list[Any]] = {
    "at": [1, 2, 3, 1, 3],
    "group_of_1": [None, math.nan, None, 2.5, 2.5],
    "x": [1.0, 2.0, 3.0, 4.0, 5.0],
}


def test_nan_and_null_are_one_group(any_library: Any) -> None:
    check_groups_of_floats(any_library.give(FLOATS), any_library.read)


def test_nan_and_null_are_one_group_in_memory() -> None:
    frame = table(FLOATS, {})
    check_groups_of_floats(frame, lambda found: dict(found.to_dict(as_series=False)))
    arrow = frame.to_arrow()
    check_groups_of_floats(arrow, lambda found: dict(found.to_pydict()))
    pandas = pytest.importorskip("pandas").DataFrame(FLOATS)
    check_groups_of_floats(pandas, lambda found: dict(found.to_dict("list")))


def check_groups_of_floats(frame: Any, read: Any) -> None:
    options: Any = {"time": "at", "by": "group_of_1"}
    found = read(WHOLE.compute(frame, "whole", **options, fill=True))
    assert list(found) == [*FLOATS, "whole"]
    cells = zip(found["group_of_1"], found["at"], found["whole"], strict=True)
    rows = [(value if value == 2.5 else None, at, whole) for value, at, whole in cells]
    assert sorted(rows, key=lambda row: (row[0] or 0, row[1])) == [
        (None, 1, 0.0), (None, 2, 1.0), (None, 3, 2.0), (2.5, 1, 0.0), (2.5, 2, 4.0), (2.5, 3, 0.0)
    ]  # fmt: skip
    with pytest.raises(ComputeError) as caught:
        WHOLE.compute(frame, "whole", **options)
    (told,) = caught.value.diagnostics
    assert told.message == "the column 'at' lacks 1 period of group_of_1 '2.5': 2"


def test_the_column_of_a_dimension_stays_as_it_is() -> None:
    found = WHOLE.compute(Polars().give(FLOATS), "whole", time="at", by="group_of_1", fill=True)
    cells = [str(cell) for cell in found.collect()["group_of_1"]]
    assert sorted(cells) == ["2.5", "2.5", "2.5", "None", "None", "nan"]


@pytest.mark.parametrize(("by", "what"), [("at", "the time"), ("x", "the input 'x'")])
def test_a_dimension_is_neither_the_time_nor_an_input(library: Any, by: str, what: str) -> None:
    columns: dict[str, list[Any]] = {"at": [1, 2], "shop": ["a", "a"], "x": [1.0, 2.0]}
    arrays = {name: np.array(cells) for name, cells in columns.items()}
    for frame in (library.give(columns), table(columns, {}), arrays):
        with pytest.raises(UsageError, match=f"VAL110 `by` names the column '{by}', .* {what}"):
            TREND.compute(frame, time="at", by=["shop", by])


def test_problems_of_groups_are_told_in_the_order_of_the_groups(library: Any) -> None:
    shops = [None, *"kcagbf"]
    frame = library.give(
        {"at": [1, 3] * 7, "shop": [shop for shop in shops for _ in "12"], "x": [1.0] * 14}
    )
    with pytest.raises(ComputeError) as caught:
        TREND.compute(frame, time="at", by="shop")
    told = [one.message.partition("shop ")[2][:3] for one in caught.value.diagnostics]
    assert told == ["'a'", "'b'", "'c'", "'f'", "'g'", "'k'", "nul"]


ZONED = "select clock::timestamptz as clock, x from (values {}) as t(clock, x)"


def test_times_with_a_zone_need_no_other_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytz", None)  # with which DuckDB makes Python's times
    connection = pytest.importorskip("duckdb").connect()
    connection.execute("set timezone = 'Europe/Berlin'")
    query = ZONED.format("('2026-01-01 00:30:00+01', 1), ('2026-01-03 00:30:00+01', 3)")
    frame = connection.sql(query)
    with pytest.raises(ComputeError, match="VAL112 the column 'clock' lacks 1 day: 2026-01-02"):
        WHOLE.compute(frame, "whole", time="clock", grain="day")
    options: Any = {"time": "clock", "grain": "day", "fill": True}
    found, reasons = WHOLE.compute(frame, ["whole", "before"], **options, diagnose=True)
    assert found.project("clock::text as clock, whole").order("clock").fetchall() == [
        ("2026-01-01 00:30:00+01", 0.0),
        ("2026-01-02 00:30:00+01", 1.0),
        ("2026-01-03 00:30:00+01", 0.0),
    ]
    assert [reason.rows for reason in reasons] == [1, 1]


def test_two_moments_of_one_time_on_the_clock_are_two_rows_of_a_day() -> None:
    connection = pytest.importorskip("duckdb").connect()
    connection.execute("set timezone = 'Europe/Berlin'")
    moments = ("2026-10-25 00:30:00+00", "2026-10-25 01:30:00+00", "2026-10-27 01:30:00+00")
    frame = connection.sql(ZONED.format(", ".join(f"('{at}', 1)" for at in moments)))
    with pytest.raises(ComputeError, match="VAL113 the column 'clock' holds 2026-10-25 more than"):
        WHOLE.compute(frame, "whole", time="clock", grain="day")


NOT_GAPLESS: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"at": days("2025-01-01", "2025-04-01", "2025-02-01", "2025-01-01", "2025-02-01")}, {},
     "VAL112", "lacks 1 month of shop 'a': 2025-03"),
    ({"at": days("2025-01-01", "2025-03-01", "2025-02-01", "2025-01-01", "2025-04-01")}, {},
     "VAL112", "lacks 2 months of shop null: 2025-02, 2025-03"),
    ({"at": days("2025-01-01", "2025-02-01", "2025-02-01", "2025-01-01", "2025-02-01")},
     {"grain": "month"}, "VAL113", "holds 2025-02 more than once for shop 'a'"),
    ({}, {"by": ()}, "VAL113", "holds 2025-01 more than once, and so 1 other month"),
    ({"at": days("2025-01-05", "2025-03-01", "2025-03-02", "2025-01-06", "2025-02-01")},
     {"grain": "month"}, "VAL113", "holds 2025-03 more than once for shop 'a'"),
    ({"at": [None, *MONTHS[1:]]}, {}, "VAL114", "has no time in 1 row"),
    ({"at": ["2025-01", "x", "2025-02", "2025-01", "2025-02"]}, {}, "VAL114", "holds the text 'x'"),
    ({"at": [1.5, 2.5, 3.5, 1.5, 2.5]}, {}, "VAL114", "which is no time"),
    ({"at": days("2025-01-01", "2025-01-03", "2025-02-20", "2025-01-01", "2025-02-20")}, {},
     "VAL115", "do not tell whether they are days, weeks, months, quarters or years"),
    ({"at": [1, 2, 3, 1, 2]}, {"grain": "month"}, "VAL115", "they have no month"),
    ({"at": days("2025-01-05", "2025-03-01", "2025-04-02", "2025-01-06", "2025-02-01")},
     {"grain": "month", "fill": True}, "VAL117", "several times of one period"),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "options", "code", "message"), NOT_GAPLESS)
def test_what_is_no_series_of_periods_is_told(
    library: Any, columns: Any, options: Any, code: str, message: str
) -> None:
    frame = library.give({**SERIES, **columns})
    with pytest.raises(ComputeError) as caught:
        TREND.compute(frame, **{"time": "at", "by": "shop", **options})
    found = caught.value.diagnostics[0]
    assert found.code == code
    assert message in found.message


def test_more_rows_than_the_limit_are_not_added() -> None:
    frame = Polars().give({**SERIES, "at": days("0001-01-01", *["2025-01-01"] * 4)})
    frame = frame.with_columns(shop=pl.Series(["a", "a", "b", "c", "d"]))
    with pytest.raises(ComputeError, match=r"no more than 1,000 .* or give a frame in memory"):
        TREND.compute(frame, time="at", by="shop", grain="day", fill=True)


def test_the_limit_of_rows_is_that_of_rows_to_fill() -> None:
    metrics = {"two": "rolling_sum(x, 2)", "x": None}
    tree = MetricTree(north_star="two", metrics=metrics, limits=Limits(rows=7))
    shops = [*"aaaabbccddee"]
    frame = Polars().give({"at": [1, 2, 3, 4, *[1, 4] * 4], "shop": shops, "x": [1.0] * 12})
    with pytest.raises(ComputeError, match=r"no more than 7 rows are added: .* the limit `rows`"):
        tree.compute(frame, time="at", by="shop", fill=True)
    assert len(TREND.compute(frame, time="at", by="shop", fill=True).collect()) == 20


# --- kinds


class Path:
    def __fspath__(self) -> str:
        return "orders.csv"


NO_FRAMES = [
    ([{"growth.orders": 1, "visits": 2}], "builtins.list|'?list", "give columns, not rows"),
    (np.zeros((2, 2)), "numpy.ndarray", "no names of columns"),
    (pl.Series([1]), "polars.Series", "to_frame()"),
    (pl.DataFrame({"a": [1]}).group_by("a"), "GroupBy", "aggregate the groups first"),
    ("orders.csv", "str", "read the file first"),
    (Path(), "Path", "read the file first"),
    (nw.from_native(pl.LazyFrame()), "narwhals.LazyFrame", "to_native()"),
    (3, "int", "polars.LazyFrame"),
]


@pytest.mark.parametrize(("given", "kind", "advice"), NO_FRAMES)
def test_what_is_no_frame_is_refused_with_advice(given: Any, kind: str, advice: str) -> None:
    with pytest.raises(UsageError, match=kind) as caught:
        TREE.compute(given)
    assert advice in str(caught.value)


# --- layers


def chain(length: int, formula: str = "m{0} + m{0} / a") -> MetricTree:
    """Return a tree of metrics on top of each other, each of which looks at the last one twice."""
    metrics = {f"m{at + 1}": formula.format(at) for at in range(length)}
    return MetricTree(north_star=f"m{length}", metrics={**metrics, "m0": "a + 1", "a": None})


def layers_of(tree: MetricTree, targets: Any = None, **options: Any) -> list[Any]:
    plan = make_plan(tree._tree, targets)
    given = {leaf: number(leaf, nw.Float64()) for leaf in plan.leaves}
    return lower(plan, given, **options).selections((), plan.targets)


@pytest.mark.parametrize("engine", [Engine(), Engine(guarded=True)])
def test_the_layers_of_a_deep_tree_grow_with_its_depth(engine: Engine) -> None:
    north_star = "m400"
    selections = layers_of(chain(400), north_star, engine=engine)
    columns = [step.name for selection in selections for step in selection.made]
    assert len(selections) < 3 * 400
    assert len(columns) < 5 * 400
    assert all(len(selection.kept) <= 3 for selection in selections)


def test_no_column_is_computed_twice_or_is_two_things() -> None:
    tree = chain(30, "min(m{0}, a) / m{0} + max(m{0} / a, 2)")
    *layers, _ = layers_of(tree)
    names = [step.name for selection in layers for step in selection.made]
    assert sorted(names) == sorted(set(names))
    assert {f"m{at}" for at in range(31)} <= set(names)


def test_each_column_looks_only_at_columns_of_the_layer_before() -> None:
    before: set[str] = {"a"}
    for selection in layers_of(chain(30)):
        assert before >= {name for step in selection.made for name in step.inputs}
        assert before >= set(selection.kept)
        before = {*selection.kept, *(step.name for step in selection.made)}


def test_a_long_formula_is_cut_into_parts() -> None:
    text = " + ".join(f"a * {at}" for at in range(2, 500))
    tree = MetricTree(north_star="total", metrics={"total": text, "a": None})
    parts = [step for selection in layers_of(tree) for step in selection.made]
    assert 998 / (2 * MOST_INLINE + 2) < len(parts) < 998 / MOST_INLINE + 10
    found = tree.compute(pl.LazyFrame({"a": [1.0]})).collect()
    assert found["total"].to_list() == [sum(range(2, 500))]


def test_a_metric_that_is_looked_at_once_need_not_be_a_column() -> None:
    tree = MetricTree(
        north_star="c", metrics={"c": "b + 1", "b": "a * 2", "a": None, "d": "b - 1 + a"}
    )

    def names(targets: Any, *, inline: bool) -> list[str]:
        selections = layers_of(tree, targets, inline=inline)
        return [step.name for selection in selections for step in selection.made]

    assert names("c", inline=False) == ["b", "c", "c"]
    assert names("c", inline=True) == ["c", "c"]
    assert names(["c", "d"], inline=True)[0] == "b"


def test_a_wide_tree_of_1000_metrics_is_lowered_without_repetition() -> None:
    metrics: dict[str, Any] = {f"m{at}": f"x{at % 7} * {at} + x{at % 5}" for at in range(1, 1_000)}
    metrics["total"] = " + ".join(f"m{at}" for at in range(1, 1_000))
    leaves = dict.fromkeys(f"x{at}" for at in range(7))
    tree = MetricTree(north_star="total", metrics={**metrics, **leaves})
    selections = layers_of(tree, "total")
    assert sum(len(selection.made) for selection in selections) < 1_200
    frame = pl.LazyFrame({name: [1.0] for name in leaves})
    expected = sum(at + 1 for at in range(1, 1_000))
    assert tree.compute(frame, "total").collect()["total"].to_list() == [expected]


def test_layers_are_made_once_for_frames_of_the_same_columns() -> None:
    tree = chain(3)
    plan = make_plan(tree._tree)
    for number_ in range(20):
        tree.compute(pl.LazyFrame({"a": [1.0]}))
        tree.compute(pl.LazyFrame({"a": [1.0], f"b{number_}": [1.0]}))
    (known,) = (kept for key, kept in plan.engines.items() if key[0] == "lazy")
    assert 2 <= len(known) <= 8


@pytest.mark.parametrize(("kind", "depth"), [(Polars, 1_000), (DuckDB, 400), (Ibis, 60)])
def test_a_deep_tree_is_computed(kind: Any, depth: int) -> None:
    library = kind()
    tree = chain(depth, "m{0} - m{0} / a")
    found = library.read(tree.compute(library.give({"a": [2.0]}), tree.north_star.metric))
    assert found[tree.north_star.metric] == [math.ldexp(3.0, -depth)]


@pytest.mark.parametrize(("kind", "depth"), [(DuckDB, 1_000), (Ibis, 100)])
def test_a_tree_too_deep_for_a_planner_is_refused(kind: Any, depth: int) -> None:
    library = kind()
    with pytest.raises(ComputeError, match=r"VAL117 these targets are .* on top of each other"):
        chain(depth).compute(library.give({"a": [1.0]}))


def test_constants_have_a_history() -> None:
    tree = MetricTree(north_star="m", metrics={"m": "lag(k) + x", "k": 2, "x": None})
    plan = make_plan(tree._tree)
    given = {"k": Term(2.0), "x": number("x", nw.Float64())}
    lowered = lower(plan, given, periods=Periods("at"))
    frame = nw.from_native(pl.LazyFrame({"at": [2, 1], "x": [1.0, 1.0]}))
    for selection in lowered.selections(["at"], ["m"]):
        frame = selection.of(frame)
    assert nw.to_native(frame).collect()["m"].to_list() == [3.0, None]
