"""The array engine and its columns: the scalar engine's values, whatever holds the data."""

from __future__ import annotations

import datetime as dt
import math
import subprocess
import sys
import tracemalloc
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from metrictree import ComputeError, MetricTree, UsageError, parse_formula
from metrictree.engines.arrays.memory import open_data
from metrictree.engines.arrays.program import evaluate as evaluate_columns
from metrictree.engines.arrays.steps import stages_of
from metrictree.engines.scalar import evaluate
from metrictree.plan import make_plan
from tests import strategies
from tests.hard_values import DIGITS, PAIRS, TEXTS, right_values

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

NAN = math.nan
RATE = MetricTree(
    north_star="rate",
    metrics={
        "rate": "orders / visits",
        "double": "orders * scale",
        "orders": {"range": [0, None]},
        "visits": None,
        "scale": 2,
    },
)


def plan_of(tree, targets=None):
    return make_plan(tree._tree, targets)


def of_array(values):
    return lambda low, high: values[low:high]


def same(found, expected):
    """Whether a float is the value of the scalar engine: the same bits but for the last digits."""
    if expected is None:
        return math.isnan(found)
    if found == expected:
        return math.copysign(1, found) == math.copysign(1, expected)
    return math.isclose(found, expected, rel_tol=1e-12, abs_tol=0)


# --- values


@settings(max_examples=150)
@given(
    st.lists(strategies.formulas, min_size=1, max_size=3),
    st.lists(strategies.inputs, max_size=9),
    st.integers(1, 10),
)
def test_a_formula_means_on_columns_what_it_means_on_single_numbers(drawn, rows, block):
    texts = {f"m{number}": strategies.text_of(one) for number, one in enumerate(drawn)}
    tree = MetricTree(north_star="m0", metrics={**texts, **dict.fromkeys(strategies.NAMES)})
    plan = plan_of(tree, texts)
    leaves = [
        of_array(np.array([row[name] for row in rows], dtype=np.float64)) for name in plan.leaves
    ]
    found = evaluate_columns(plan, leaves, len(rows), plan.targets, block=block)
    for metric, text in texts.items():
        formula = parse_formula(text)
        for row, value in zip(rows, found[metric].tolist(), strict=True):
            assert same(value, evaluate(formula, row)), (text, row, value)


@pytest.mark.parametrize("text", [*TEXTS, *DIGITS])
def test_every_operation_agrees_where_it_is_hard(text):
    tree = MetricTree(north_star="m", metrics={"m": text, "a": None, "b": None, "c": "a * b"})
    columns = {name: np.array([pair[name] for pair in PAIRS], dtype=float) for name in ("a", "b")}
    found = tree.compute(columns, ["m"])["m"].tolist()
    wrong = [
        (pair, value, right)
        for pair, value, right in zip(PAIRS, found, right_values(text), strict=True)
        if not same(value, right)
    ]
    assert wrong == []


@pytest.mark.parametrize("least", [-math.inf, 0.0])
def test_all_metrics_at_once_are_what_each_is_alone(least):
    chosen = [
        at
        for at, pair in enumerate(PAIRS)
        if all(x is None or (x >= least and math.copysign(1, x) >= least) for x in pair.values())
    ]
    metrics = {f"m{number}": text for number, text in enumerate([*TEXTS, *DIGITS])}
    tree = MetricTree(north_star="m0", metrics={**metrics, "a": None, "b": None})
    columns = {n: np.array([PAIRS[at][n] for at in chosen], dtype=float) for n in ("a", "b")}
    found = tree.compute(columns, metrics)
    for metric, text in metrics.items():
        right = right_values(text)
        for at, value in zip(chosen, found[metric].tolist(), strict=True):
            assert same(value, right[at]), (text, PAIRS[at], value)


_numbers = st.one_of(st.none(), st.sampled_from([0.0, 1.0, -2.5, 1e308]), st.integers(-9, 9))


@st.composite
def formulas_over_time(draw, names):
    metrics: dict[str, str] = {}
    for number in range(draw(st.integers(1, 6))):
        known = [*names, *metrics]
        x, y = draw(st.sampled_from(known)), draw(st.sampled_from(known))
        periods = draw(st.integers(1, 5))
        shape = draw(
            st.sampled_from(
                [
                    "lag({x}, {n})", "change({x}, {n})", "growth({x}, {n})",
                    "rolling_sum({x}, {n})",
                    "rolling_mean({x}, {n})", "rolling_min({x}, {n})", "rolling_max({x}, {n})",
                    "cumulative({x})", "{x} + lag({x} * {y}) if {y} > 1 else lag({y}, {n})",
                    "lag(3) + cumulative({x} + {y})", "{x} / {y}",
                    "{x} if {y} > 0 else lag({x} if {y} > 0 else 1)", "lag(cumulative(lag({x})))",
                ]
            )
        )  # fmt: skip
        metrics[f"m{number}"] = shape.format(x=x, y=y, n=periods)
    return metrics


@settings(max_examples=100)
@given(
    formulas_over_time(["a", "b", "c"]),
    st.lists(st.lists(st.tuples(_numbers, _numbers), max_size=8), min_size=1, max_size=3),
    st.randoms(use_true_random=False),
    st.integers(1, 7),
)
def test_functions_over_time_look_at_periods_in_each_group_in_whatever_order_rows_stand(
    metrics, groups, random, block
):
    tree = MetricTree(
        north_star="m0", metrics={**metrics, "a": None, "b": None, "c": {"value": 1.5}}
    )
    rows = [
        (group, period, *cells)
        for group, series in enumerate(groups)
        for period, cells in enumerate(series)
    ]
    random.shuffle(rows)
    data = {
        "group": np.array([row[0] for row in rows], dtype=np.int64),
        "period": np.array([row[1] for row in rows], dtype=np.int64),
        "a": np.array([row[2] for row in rows], dtype=np.float64),
        "b": np.array([row[3] for row in rows], dtype=np.float64),
    }
    found = tree.compute(data, metrics, time="period", by="group")
    for group, series in enumerate(groups):
        inputs = {"a": [a for a, _ in series], "b": [b for _, b in series]}
        expected = tree.compute_series(inputs, metrics)
        for metric in metrics:
            for at, row in enumerate(rows):
                if row[0] == group:
                    value = float(found[metric][at])
                    assert same(value, expected[metric][row[1]]), (metrics[metric], row, value)


def test_minus_zero_never_leaves():
    tree = MetricTree(
        north_star="a", metrics={"a": None, "b": "-a", "c": "a * -1", "d": "round(a - 0.4)"}
    )
    found = tree.compute({"a": np.array([0.0, -0.0, 0.2, 0.0])})
    for column in found.values():
        assert not np.signbit(column[column == 0]).any()


def test_targets_of_one_formula_are_columns_of_their_own():
    tree = MetricTree(north_star="a", metrics={"a": "x + 1", "b": "x + 1", "x": None, "y": "x"})
    given = np.array([1.0, 2.0])
    found = tree.compute({"x": given})
    for metric, column in found.items():
        column[:] = NAN
        others = [other for name, other in found.items() if name != metric]
        assert not any(np.shares_memory(column, other) for other in [*others, given])
    assert given.tolist() == [1.0, 2.0]


# --- what it costs


def chain(count):
    metrics = {f"m{number}": f"m{number + 1} * 2 - x" for number in range(count - 1)}
    return MetricTree(north_star="m0", metrics={**metrics, f"m{count - 1}": "x + 1", "x": None})


def test_a_chain_of_thousands_of_metrics_needs_two_buffers():
    (stage,) = stages_of(plan_of(chain(5_000), ["m0"]))
    assert len(stage.numbers) <= 2


def test_memory_is_bounded_by_the_results_and_a_block():
    tree = chain(500)
    columns = {"x": np.linspace(0, 1, 300_000)}
    tree.compute(columns, ["m0"])
    tracemalloc.start()
    try:
        tree.compute(columns, ["m0"])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < columns["x"].nbytes + 2**20


def test_a_column_of_floats_is_read_where_it_is():
    given = np.arange(1_000.0)
    frames = [pd.DataFrame({"a": given}), pl.DataFrame({"a": given}), pa.table({"a": given})]
    for frame in [{"a": given}, *frames]:
        cells = open_data(frame).cells("a")
        assert not isinstance(cells, str)
        first, second = cells(0, 999).values, cells(1, 1_000).values
        assert np.shares_memory(first, second)


def test_arrays_import_no_library_of_frames():
    code = (
        "import sys, numpy as np; from metrictree import MetricTree;"
        "tree = MetricTree(north_star='b', metrics={'a': None, 'b': 'a * 2'});"
        "assert tree.compute({'a': np.ones(3)})['b'].tolist() == [2, 2, 2];"
        "print(sorted({'pandas', 'polars', 'pyarrow', 'narwhals'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- columns of every kind

THREE = [3, None, 5]
KINDS = {
    "numpy float64": np.array([3, NAN, 5]),
    "numpy float32": np.array([3, NAN, 5], dtype=np.float32),
    "numpy float16": np.array([3, NAN, 5], dtype=np.float16),
    "numpy longdouble": np.array([3, NAN, 5], dtype=np.longdouble),
    "numpy big endian": np.array([3, NAN, 5], dtype=">f8"),
    "numpy every second": np.array([3, 0, NAN, 0, 5])[::2],
    "numpy object": np.array([3, None, 5.0], dtype=object),
    "numpy decimals": np.array([Decimal(3), None, Fraction(5)], dtype=object),
    "numpy null of pandas": np.array([3, pd.NA, pd.NaT], dtype=object),
    "numpy masked": np.ma.array([3.0, 4.0, 5.0], mask=[False, True, False]),
    "numpy masked integers": np.ma.array([3, 4, 5], mask=[False, True, False]),
    "numpy masked hidden": np.ma.array([3, 2**60 + 1, 5], mask=[False, True, False]),
    "numpy masked infinity": np.ma.array([3, math.inf, 5], mask=[False, True, False]),
    "numpy masked objects": np.ma.array([3, "x", 5], mask=[False, True, False], dtype=object),
    "pandas float64": pd.Series([3, NAN, 5]),
    "pandas Int64": pd.Series(THREE, dtype="Int64"),
    "pandas UInt8": pd.Series(THREE, dtype="UInt8"),
    "pandas Float64": pd.Series(THREE, dtype="Float64"),
    "pandas object": pd.Series([3, None, Decimal(5)], dtype=object),
    "pandas int64[pyarrow]": pd.Series(THREE, dtype="int64[pyarrow]"),
    "pandas double[pyarrow]": pd.Series(THREE, dtype="double[pyarrow]"),
    "pandas sparse": pd.Series(pd.arrays.SparseArray([3, NAN, 5])),
    "polars Float64": pl.Series([3.0, None, 5.0]),
    "polars NaN": pl.Series([3.0, NAN, 5.0]),
    "polars Float32": pl.Series([3.0, None, 5.0], dtype=pl.Float32),
    "polars Int64": pl.Series(THREE),
    "polars UInt8": pl.Series(THREE, dtype=pl.UInt8),
    "polars Int128": pl.Series(THREE, dtype=pl.Int128),
    "polars Decimal": pl.Series([Decimal("3.0"), None, Decimal("5.0")]),
    "polars chunks": pl.concat([pl.Series([3.0, None]), pl.Series([5.0])], rechunk=False),
    "pyarrow double": pa.chunked_array([[3.0, None, 5.0]]),
    "pyarrow chunks": pa.chunked_array([[3.0], [NAN, 5.0]]),
    "pyarrow float": pa.chunked_array([pa.array([3.0, None, 5.0], pa.float32())]),
    "pyarrow halffloat": pa.chunked_array(
        [pa.array([np.float16(3), None, np.float16(5)], pa.float16())]
    ),
    "pyarrow int64": pa.chunked_array([[3, None], [5]]),
    "pyarrow uint8": pa.chunked_array([pa.array(THREE, pa.uint8())]),
    "pyarrow decimal": pa.chunked_array([[Decimal("3.0"), None, Decimal("5.0")]]),
}
WHOLE = {
    "numpy int64": np.array([3, 4, 5]),
    "numpy uint8": np.array([3, 4, 5], dtype=np.uint8),
    "pandas int32": pd.Series([3, 4, 5], dtype=np.int32),
    "pandas Int64": pd.Series([3, 4, 5], dtype="Int64"),
    "polars Int8": pl.Series([3, 4, 5], dtype=pl.Int8),
    "pyarrow int64": pa.chunked_array([[3, 4, 5]]),
}


def framed(kind, column, **others):
    """Return a frame, or a mapping, that has the column as ``a``."""
    library = kind.partition(" ")[0]
    if library == "pandas":
        return pd.DataFrame({"a": column, **others})
    if library == "polars":
        return pl.DataFrame({"a": column, **others})
    if library == "pyarrow":
        return pa.table({"a": column, **others})
    return {"a": column, **others}


def listed(result, metric):
    """Return a column of a result with None for missing."""
    column = result[metric]
    values = getattr(
        column, {pa.Table: "to_pylist", pl.DataFrame: "to_list"}.get(type(result), "tolist")
    )()
    return [None if value is None or value != value else value for value in values]  # noqa: PLR0124


DOUBLE = MetricTree(north_star="b", metrics={"a": {"range": [0, 9]}, "b": "a * 2"})


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_any_kind_of_numbers_is_read(kind):
    found = DOUBLE.compute(framed(kind, KINDS[kind]), ["b"])
    expected = [6, None, None] if kind == "numpy null of pandas" else [6, None, 10]
    assert listed(found, "b") == expected


@pytest.mark.parametrize("kind", WHOLE)
def test_a_column_of_any_kind_of_integers_is_read(kind):
    assert listed(DOUBLE.compute(framed(kind, WHOLE[kind]), ["b"]), "b") == [6, 8, 10]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_column_of_nulls_only_is_missing(library):
    column = {
        "pandas": pd.Series([None, None], dtype=object),
        "polars": pl.Series([None, None]),
        "pyarrow": pa.nulls(2),
    }[library]
    assert listed(DOUBLE.compute(framed(library, column), ["b"]), "b") == [None, None]


TODAY = dt.date(2026, 1, 31)
REFUSED_TYPES = {
    "numpy bool": np.array([True]),
    "numpy str": np.array(["1"]),
    "numpy bytes": np.array([b"1"]),
    "numpy complex128": np.array([1j]),
    "numpy datetime64[D]": np.array([TODAY], dtype="datetime64[D]"),
    "numpy timedelta64[D]": np.array([1], dtype="timedelta64[D]"),
    "numpy record": np.array([(1,)], dtype=[("x", int)]),
    "pandas bool": pd.Series([True]),
    "pandas boolean": pd.Series([True], dtype="boolean"),
    "pandas string": pd.Series(["1"], dtype="string"),
    "pandas category": pd.Series([1], dtype="category"),
    "pandas datetime": pd.Series(pd.to_datetime(["2026-01-31"])),
    "pandas time zone": pd.Series(pd.to_datetime(["2026-01-31"]).tz_localize("UTC")),
    "pandas period": pd.Series(pd.period_range("2026-01", periods=1, freq="M")),
    "pandas bool[pyarrow]": pd.Series([True], dtype="bool[pyarrow]"),
    "polars Boolean": pl.Series([True]),
    "polars String": pl.Series(["1"]),
    "polars Date": pl.Series([TODAY]),
    "polars List": pl.Series([[1]]),
    "polars Categorical": pl.Series(["1"], dtype=pl.Categorical),
    "polars Duration": pl.Series([dt.timedelta(1)]),
    "pyarrow bool": pa.chunked_array([[True]]),
    "pyarrow string": pa.chunked_array([["1"]]),
    "pyarrow date32": pa.chunked_array([[TODAY]]),
    "pyarrow dictionary": pa.chunked_array([pa.array([1]).dictionary_encode()]),
}


def codes(error):
    return [found.code for found in error.value.diagnostics]


@pytest.mark.parametrize("kind", REFUSED_TYPES)
def test_a_column_of_another_type_is_refused_by_its_type(kind):
    with pytest.raises(ComputeError) as error:
        DOUBLE.compute(framed(kind, REFUSED_TYPES[kind]))
    assert codes(error) == ["VAL104"]
    assert str(error.value).startswith("VAL104 the column 'a' is of the type ")


@pytest.mark.parametrize(
    ("column", "code", "message"),
    [
        (np.array([1, np.inf, -np.inf]), "VAL105", "not finite in 2 rows, first in row 1 (inf)"),
        (np.array([1, 10.5]), "VAL106", "outside of its range [0, 9] in row 1 (10.5)"),
        (np.array([NAN, -1, -2]), "VAL106", "range [0, 9] in 2 rows, first in row 1 (-1)"),
        (np.array([2**53, 2**53 + 1]), "VAL105", "last digits in row 1 (9007199254740993)"),
        (np.array([-(2**53) - 1]), "VAL105", "last digits in row 0 (-9007199254740993)"),
        (np.array([2**64 - 1], np.uint64), "VAL105", "row 0 (18446744073709551615)"),
        (np.array([-(2**63), 2**63 - 1]), "VAL105", "last digits in row 1"),
        (np.array([2**53 + 1, None], object), "VAL105", "last digits in row 0"),
        (np.array([10**400, None], object), "VAL105", "is not finite in row 0"),
        (np.array([1, "2", None, "x"], object), "VAL104", "2 rows, first in row 1 (the text '2')"),
        (np.array([1, True], object), "VAL104", "holds no number in row 1 (True)"),
        (np.array([TODAY], object), "VAL104", "holds no number in row 0 (a date)"),
        (np.array([1j], object), "VAL104", "holds no number in row 0 (1j)"),
        (np.array([math.inf], object), "VAL105", "is not finite in row 0 (inf)"),
        (pd.Series([1, 2**60 + 1, None], dtype="Int64"), "VAL105", "last digits in row 1"),
        (pl.Series([1, 2**60 + 1, None]), "VAL105", "last digits in row 1"),
        (pl.Series([1, 2**60 + 1]), "VAL105", "last digits in row 1"),
        (pa.chunked_array([[1], [2**60 + 1, None]]), "VAL105", "last digits in row 1"),
        (pa.chunked_array([[1.0, math.inf, None]]), "VAL105", "finite in row 1 (inf)"),
    ],
)  # fmt: skip
def test_a_cell_that_is_no_number_of_the_metric_is_told_with_its_row(column, code, message):
    library = type(column).__module__.partition(".")[0]
    with pytest.raises(ComputeError) as error:
        DOUBLE.compute(framed(library, column), ["b"])
    assert code in codes(error)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("valid", "inside", "outside"),
    [
        ([1, 9], [1, 9, NAN], [0, -0.0, 10, -1]),
        ([0, 9], [0, -0.0, 9, NAN], [9.5, -5e-324, -1e300]),
        ([0, 0], [0, -0.0], [5e-324, -1]),
        ([-9, -1], [-9, -1], [0, -0.0, 1, -10]),
        ([-9, 0], [-9, -0.0, 0], [1, -10]),
        ([None, 5], [-1e308, 5], [5.5, 1e308]),
        ([-5, None], [-5, 1e308], [-5.5]),
    ],
)
def test_a_number_is_refused_exactly_if_it_is_outside_of_the_range(valid, inside, outside):
    tree = MetricTree(north_star="a", metrics={"a": {"range": valid}})
    for sound in (inside, inside[:1]):
        assert len(tree.compute({"a": np.array(sound, dtype=float)})["a"]) == len(sound)
    for wrong in [*outside, math.inf, -math.inf]:
        with pytest.raises(ComputeError, match="in row 1"):
            tree.compute({"a": np.array([inside[0], wrong], dtype=float)})
        with pytest.raises(ComputeError, match="in row 0"):
            tree.compute({"a": np.array([wrong])})


def test_integers_that_float64_holds_are_read_however_large():
    tree = MetricTree(north_star="a", metrics={"a": None, "b": "a / 1024"})
    given = np.array([2**53 + 2, -(2**63), 2**60, 2**62 + 1024, 0])
    assert tree.compute({"a": given})["a"].tolist() == [float(value) for value in given.tolist()]


def test_all_problems_of_all_columns_are_told_at_once():
    many = 70_000
    orders = np.ones(many)
    orders[[10, 69_000]] = -1
    orders[68_000] = np.inf
    visits = np.full(many, 2, object)
    visits[66_000:] = "x"
    with pytest.raises(ComputeError) as error:
        RATE.compute({"orders": orders, "visits": visits})
    assert str(error.value).splitlines() == [
        (
            "VAL106 the column 'orders' is outside of its range [0, any] in 2 rows, first in row "
            "10 (-1): check the numbers, or widen `range`"
        ),
        (
            "VAL105 the column 'orders' is not finite in row 68000 (inf): give finite numbers, "
            "or null for missing"
        ),
        (
            "VAL104 the column 'visits' holds no number in 4,000 rows, first in row 66000 (the "
            "text 'x'): give finite numbers, or null for missing"
        ),
    ]


# --- frames in, frames out


def frames(**columns):
    index = [f"row {row}" for row in range(len(next(iter(columns.values()))))]
    return [
        pd.DataFrame(columns, index=index),
        pl.DataFrame(columns, strict=False),
        pa.table(columns),
    ]


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["pandas", "polars", "pyarrow"])
class TestFrames:
    def test_a_frame_comes_back_with_its_columns_and_the_targets(self, kind):
        frame = frames(id=["x", "y", "z"], visits=[4, 0, 8], orders=[1.0, 2.0, None])[kind]
        found = RATE.compute(frame, ["rate", "visits", "scale"])
        assert type(found) is type(frame)
        names = found.column_names if kind == 2 else list(found.columns)
        assert names == ["id", "visits", "orders", "rate", "scale"]
        assert listed(found, "rate") == [0.25, None, None]
        assert listed(found, "scale") == [2, 2, 2]
        assert listed(found, "visits") == [4, 0, 8]
        if kind == 0:
            assert found.index.tolist() == ["row 0", "row 1", "row 2"]
            assert found.dtypes["rate"] == np.float64
            assert list(frame.columns) == ["id", "visits", "orders"]
        elif kind == 1:
            assert found["rate"].null_count() == 2
        else:
            assert found["rate"].null_count == 2

    def test_columns_may_have_other_names(self, kind):
        frame = frames(v=[4, 0], orders=[1.0, 2.0])[kind]
        found = RATE.compute(frame, ["rate", "visits"], columns={"visits": "v"})
        names = found.column_names if kind == 2 else list(found.columns)
        assert names == ["v", "orders", "rate", "visits"]
        assert listed(found, "rate") == [0.25, None]
        assert listed(found, "visits") == [4, 0]

    def test_a_column_overrides_a_constant(self, kind):
        frame = frames(orders=[1.0, 2.0], scale=[10, None])[kind]
        assert listed(RATE.compute(frame, ["double"]), "double") == [10, None]

    def test_a_frame_may_have_no_rows(self, kind):
        frame = frames(orders=[1.0], visits=[2.0])[kind][:0]
        found = RATE.compute(frame)
        assert len(found) == 0
        assert listed(found, "rate") == []

    def test_a_tree_may_have_no_inputs(self, kind):
        tree = MetricTree(north_star="a", metrics={"a": "1 + 2", "b": 7, "c": "a / 0"})
        found = tree.compute(frames(x=["p", "q"])[kind])
        assert [listed(found, name) for name in "abc"] == [[3, 3], [7, 7], [None, None]]

    def test_names_that_are_wrong_are_all_told(self, kind):
        frame = frames(vists=[1.0], rate=[2.0], v=[1.0])[kind]
        with pytest.raises(ComputeError) as error:
            RATE.compute(frame, ["rate"], columns={"oders": "v", "double": "v", "orders": "w"})
        assert str(error.value).splitlines() == [
            "VAL101 `columns` names 'oders', which is no metric of the tree: did you mean orders?",
            (
                "VAL102 the metric 'double' is computed by its formula, and `columns` gives it the "
                "column 'v': rename or drop the column, or choose targets that do not need "
                "the metric"
            ),
            (
                "VAL103 the frame has no column 'w', which `columns` gives to 'orders': name one "
                "of its columns"
            ),
            (
                "VAL103 the input 'visits' has no value: did you mean vists? then give "
                'columns={"visits": "vists"}'
            ),
            (
                "VAL102 the metric 'rate' is computed by its formula, and the frame has a column "
                "of that name: rename or drop the column, or choose targets that do not need "
                "the metric"
            ),
        ]

    def test_a_computed_metric_that_nothing_needs_may_be_a_column(self, kind):
        frame = frames(orders=[1.0], rate=["kept"])[kind]
        found = RATE.compute(frame, ["double"])
        assert listed(found, "rate") == ["kept"]

    def test_a_renamed_leaf_is_not_written_over_a_column(self, kind):
        frame = frames(orders=[1.0], visits=[1.0], v=[2.0])[kind]
        with pytest.raises(ComputeError, match=r"VAL102 .* cannot be written over"):
            RATE.compute(frame, ["visits"], columns={"visits": "v"})
        assert listed(RATE.compute(frame, ["rate"], columns={"visits": "v"}), "rate") == [0.5]

    def test_strict_names_the_first_row_and_the_reason(self, kind):
        frame = frames(orders=[1.0, 2.0, 3.0], visits=[1.0, 0.0, None])[kind]
        with pytest.raises(ComputeError) as error:
            RATE.compute(frame, ["rate", "visits"], strict=True)
        assert str(error.value).splitlines() == [
            (
                "VAL109 metric 'rate' is missing in 2 rows, first in row 1, because rate = "
                "orders / visits is missing: division by zero (orders is 2, visits is 0): give "
                "other inputs, handle the case in the formula, or compute without strict"
            ),
            (
                "VAL109 metric 'visits' is missing in row 2, because visits is missing: no value "
                "was given: give other inputs, handle the case in the formula, or compute "
                "without strict"
            ),
        ]
        assert listed(RATE.compute(frame[:1], ["rate", "visits"], strict=True), "rate") == [1]

    def test_fill_adds_rows_with_missing_inputs(self, kind):
        tree = MetricTree(
            north_star="g", metrics={"g": "lag(x, 2)", "n": "coalesce(x, 0)", "x": None}
        )
        frame = frames(
            day=[dt.date(2026, 1, day) for day in (4, 1)],
            country=["DE", "DE"],
            x=[5, 2],
            other=[True, False],
        )[kind]
        if kind == 0:
            frame = frame.reset_index(drop=True)
        found = tree.compute(frame, time="day", by="country", grain="day", fill=True)
        days = [str(value)[:10] for value in listed(found, "day")]
        assert days == ["2026-01-04", "2026-01-01", "2026-01-02", "2026-01-03"]
        assert listed(found, "country") == ["DE"] * 4
        assert listed(found, "n") == [5, 2, 0, 0]
        assert listed(found, "g") == [None, None, None, 2]
        if kind == 0:
            assert found.dtypes["x"] == "Int64"
            assert found.dtypes["other"] == "boolean"
            assert found.index.tolist() == [0, 1, 2, 3]
        with pytest.raises(ComputeError, match=r"VAL112 .* lacks 2 days of country 'DE'"):
            tree.compute(frame, time="day", by="country", grain="day")

    def test_a_time_that_is_no_column_is_refused(self, kind):
        tree = MetricTree(north_star="g", metrics={"g": "lag(x, 2)", "x": None})
        with pytest.raises(ComputeError) as error:
            tree.compute(frames(day=[1], x=[1])[kind], time="days", by=["country"])
        assert str(error.value).splitlines() == [
            "VAL110 the frame has no column 'days', which `time` names: did you mean day?",
            "VAL110 the frame has no column 'country', which `by` names: name one of its columns",
        ]


def test_the_index_of_pandas_grows_by_what_fill_adds():
    tree = MetricTree(north_star="g", metrics={"g": "lag(x)", "x": None})
    columns = {"t": [1, 3], "x": [1.0, 2.0]}
    found = tree.compute(pd.DataFrame(columns, index=[7, 3]), time="t", fill=True)
    assert found.index.tolist() == [7, 3, 8]
    with pytest.raises(UsageError, match="reset_index"):
        tree.compute(pd.DataFrame(columns, index=["p", "q"]), time="t", fill=True)
    with pytest.raises(UsageError, match="a mapping of arrays has no place"):
        tree.compute({"t": np.array([1, 3]), "x": np.ones(2)}, time="t", fill=True)


def test_two_columns_of_one_name_are_refused_only_if_they_are_needed():
    frame = pd.DataFrame([[1.0, 2.0, 3.0, 4.0]], columns=["orders", "visits", "x", "x"])
    assert RATE.compute(frame, ["rate"]).columns.tolist() == ["orders", "visits", "x", "x", "rate"]
    frame.columns = ["orders", "visits", "visits", "x"]
    with pytest.raises(ComputeError, match="VAL101 the frame has 2 columns named 'visits'"):
        RATE.compute(frame, ["rate"])


def test_names_that_are_no_text_are_kept():
    frame = pd.DataFrame({"orders": [1.0], 7: ["x"], None: [2], ("a", "b"): [3]})
    frame["visits"] = 4
    found = RATE.compute(frame, ["rate"])
    assert found.columns.tolist()[-1] == "rate"
    assert len(found.columns) == 6


def test_names_of_several_levels_are_refused():
    frame = pd.DataFrame([[1.0]], columns=pd.MultiIndex.from_tuples([("orders", "sum")]))
    with pytest.raises(UsageError, match="several levels"):
        RATE.compute(frame, ["double"])


def test_labels_of_pandas_may_stand_twice():
    frame = pd.DataFrame({"orders": [1.0, 2.0], "visits": [1.0, 1.0]}, index=[5, 5])
    assert RATE.compute(frame, ["rate"])["rate"].tolist() == [1, 2]


# --- mappings of arrays


def test_single_numbers_stand_for_every_row():
    given = {"orders": np.array([1, 2]), "visits": 4, "scale": np.array(3.0)}
    found = RATE.compute(given)
    columns = {name: np.asarray(values) for name, values in found.items()}
    assert list(columns) == ["rate", "double", "orders", "visits", "scale"]
    assert {name: values.tolist() for name, values in columns.items()} == {
        "rate": [0.25, 0.5], "double": [3, 6], "orders": [1, 2], "visits": [4, 4], "scale": [3, 3],
    }  # fmt: skip
    assert all(values.dtype == np.float64 for values in columns.values())
    hidden: list[np.ndarray] = [np.ma.masked, np.ma.array(3.0, mask=True)]
    for masked in hidden:
        found = RATE.compute({**given, "visits": masked}, ["rate", "visits"])
        assert np.isnan(np.array([*found.values()])).all()
    half_given = {"orders": np.array([1.0, 2.0]), "visits": None}
    missing = RATE.compute(half_given, ["rate"])
    assert np.isnan(np.asarray(missing["rate"])).all()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"visits": np.ones(3)}, ["VAL116"]),
        ({"visits": np.ones((2, 2))}, ["VAL116"]),
        ({"visits": "4"}, ["VAL104"]),
        ({"visits": True}, ["VAL104"]),
        ({"visits": [1.0, 2.0]}, ["VAL104"]),
        ({"visits": math.inf}, ["VAL105"]),
        ({"visits": 1, "vists": np.ones(2)}, ["VAL101"]),
        ({"visits": 1, None: np.ones(2)}, ["VAL101"]),
        ({"visits": 1, "rate": np.ones(2)}, ["VAL102"]),
        ({"visits": 1, "double": np.ones(2)}, ["VAL102"]),
        ({"visits": 1, "scale": np.array([1, np.inf])}, ["VAL105"]),
        ({}, ["VAL103"]),
    ],
)
def test_a_mapping_that_is_wrong_is_refused(given, expected):
    with pytest.raises(ComputeError) as error:
        RATE.compute({"orders": np.ones(2), **given}, ["rate"])
    assert codes(error) == expected


SERIES = [
    (pd.Series([1, 2]), "Series", "to_numpy"),
    (pd.Index([1, 2]), "Index", "to_numpy"),
    (pd.DataFrame({"visits": [1, 2]}), "DataFrame", "to_numpy"),
    (pl.Series([1, 2]), "Series", "to_numpy"),
    (pa.array([1, 2]), "Int64Array", "to_numpy"),
    (pa.chunked_array([[1, 2]]), "ChunkedArray", "to_numpy"),
    ([1, 2], "list", "np.array"),
    (range(2), "range", "np.array"),
]


@pytest.mark.parametrize(("visits", "kind", "advice"), SERIES, ids=[str(one[1]) for one in SERIES])
def test_what_is_no_array_in_a_mapping_is_told_what_to_write(visits, kind, advice):
    message = f"VAL104 'visits' is a {kind}, no NumPy array: give .*{advice}"
    with pytest.raises(ComputeError, match=message):
        RATE.compute({"orders": np.ones(2), "visits": visits}, ["rate"])
    if advice == "to_numpy":  # beside no array, too
        with pytest.raises(ComputeError, match=message):
            RATE.compute({"orders": 1, "visits": visits}, ["rate"])


def test_a_time_that_is_the_index_of_pandas_is_told_to_become_a_column():
    tree = MetricTree(north_star="g", metrics={"g": "lag(x)", "x": None})
    frame = pd.DataFrame({"shop": ["a"], "day": [1], "x": [1.0]})
    frames_ = [frame.set_index("day"), frame.set_index(["shop", "day"]), frame.set_index("x")]
    for one, said in zip(frames_, ("`time`", "`by`", "'x' has no value"), strict=True):
        with pytest.raises(ComputeError, match=f"{said}.*call `frame.reset_index\\(\\)` first"):
            tree.compute(one, time="day", by="shop")


def test_an_input_without_a_column_is_told_how_to_name_one():
    frame = pd.DataFrame({"Orders": [1.0], "visits": [1.0]})
    with pytest.raises(
        ComputeError, match=r'did you mean Orders\? then give columns={"orders": "O'
    ):
        RATE.compute(frame, ["rate"])
    with pytest.raises(ComputeError, match=r'which column it is, columns={"orders": "\.\.\."}, or'):
        RATE.compute(frame.drop(columns="Orders"), ["rate"])


def test_an_id_that_is_wrong_in_columns_is_told_once():
    frame = pd.DataFrame({"o": [1.0], "visits": [1.0]})
    with pytest.raises(ComputeError) as error:
        RATE.compute(frame, ["rate"], columns={"ordrs": "o"})
    assert codes(error) == ["VAL101"]


def test_arrays_may_have_no_rows_or_one():
    assert RATE.compute({"orders": np.ones(0), "visits": np.ones(0)}, ["rate"])["rate"].size == 0
    assert RATE.compute({"orders": np.ones(1), "visits": np.ones(1)}, ["rate"])["rate"] == [1]


def test_minus_zero_never_comes_out_of_a_plan_over_time():
    metrics = {"up": "ceil(ratio)", "ratio": "x / y", "sum": "up + lag(ratio)"}
    tree = MetricTree(north_star="sum", metrics=metrics | {"x": None, "y": None})
    columns = {"x": np.array([-2.5, 1]), "y": np.array([6.0, 1]), "t": np.array([1, 2])}
    found = tree.compute(columns, time="t")["up"]
    assert found.tolist() == [0, 1]
    assert not np.signbit(found).any()
