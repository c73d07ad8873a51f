"""The frame engine agrees with the scalar engine, on DuckDB."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings, strategies as st

from metrictree import parse_formula
from metrictree.engines.frames.rows import Column, Kind, Lowering, kind_of
from metrictree.engines.scalar import evaluate
from metrictree.formula import FUNCTIONS, Formula
from tests import strategies
from tests.hard_values import PAIRS, TEXTS, right_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

duckdb = pytest.importorskip("duckdb")
nw = pytest.importorskip("narwhals")

Row = dict[str, Any]


@pytest.fixture(scope="module")
def connection() -> Any:
    return duckdb.connect()


def opened(connection: Any, rows: Sequence[Row], types: dict[str, str] | None = None) -> Any:
    """Return a lazy frame of the rows; numbers are DOUBLE unless the types say something else."""
    names = list(rows[0])
    types = types or {}
    fields = ", ".join(f'"{name}" {types.get(name, "DOUBLE")}' for name in names)
    connection.execute(f"create or replace temp table rows (number integer, {fields})")
    marks = ", ".join("?" * (len(names) + 1))
    connection.executemany(
        f"insert into rows values ({marks})",  # noqa: S608 - names of our own
        [[number, *(row[name] for name in names)] for number, row in enumerate(rows)],
    )
    return nw.from_native(connection.table("rows"))


def columns_of(frame: Any) -> dict[str, Column]:
    schema = frame.collect_schema()
    return {name: Column(name, kind_of(dtype), dtype, str(dtype)) for name, dtype in schema.items()}


def lowered(frame: Any, formula: Formula, kind: Kind = Kind.NUMBER) -> list[Any]:
    """Return the values of a formula over a frame, in the order of its rows."""
    lowering = Lowering(columns_of(frame))
    operand = lowering.lower(formula, kind)
    assert lowering.faults == []
    column = lowering.kept(operand)
    found = lowering.apply(frame, ["number", column]).select("number", column)
    return [value for _, value in sorted(nw.to_native(found).fetchall())]


def faults_of(frame: Any, text: str, kind: Kind = Kind.CONDITION) -> list[tuple[str, str, str]]:
    lowering = Lowering(columns_of(frame))
    mode = "where" if kind is Kind.CONDITION else "formula"
    lowering.lower(parse_formula(text, mode), kind)
    return [(fault.code, fault.message, fault.fix) for fault in lowering.faults]


def agrees(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return found == expected or math.isclose(found, expected, rel_tol=1e-12, abs_tol=0)


# Engines round these differently in the last digit, which floor() or a comparison may blow up:
# they are compared alone, below.
LAST_DIGIT = {"log", "log10", "exp", "**", "pow", "%"}


def operations(drawn: strategies.Drawn) -> set[str]:
    found = {drawn.op}
    for arg in drawn.args:
        if isinstance(arg, strategies.Drawn):
            found |= operations(arg)
    return found


@settings(max_examples=80, deadline=None)
@given(
    strategies.formulas.filter(lambda drawn: not operations(drawn) & LAST_DIGIT),
    st.lists(strategies.inputs, min_size=1, max_size=6),
)
def test_a_formula_means_on_duckdb_what_it_means_on_single_numbers(
    drawn: strategies.Drawn, rows: list[Row]
) -> None:
    formula = parse_formula(strategies.text_of(drawn))
    connection = duckdb.connect()  # a frame does not keep it
    found = lowered(opened(connection, rows), formula)
    expected = [evaluate(formula, row) for row in rows]
    assert all(map(agrees, found, expected)), (found, expected)


@pytest.fixture(scope="module")
def hard() -> Any:
    connection = duckdb.connect()  # a frame does not keep it
    yield opened(connection, PAIRS)  # noqa: PT022 - the connection lives until the end


@pytest.mark.parametrize("text", TEXTS)
def test_every_operation_agrees_on_every_pair_of_hard_values(hard: Any, text: str) -> None:
    found = lowered(hard, parse_formula(text))
    wrong = []
    for row, one, expected in zip(PAIRS, found, right_values(text), strict=True):
        # A remainder is exact: floor() or a comparison may blow up its last digit.
        if one != expected if "%" in text else not agrees(one, expected):
            wrong.append((row, one, expected))
    assert wrong == []


def test_every_function_is_compared_above() -> None:
    used = {node.value for text in TEXTS for node in parse_formula(text).nodes if node.op == "call"}
    assert {name for name, function in FUNCTIONS.items() if not function.over_time} - used == set()


def test_nan_in_a_column_is_missing(connection: Any) -> None:
    frame = opened(connection, [{"a": math.nan, "b": 1.0}])
    assert lowered(frame, parse_formula("coalesce(a, 5)")) == [5.0]
    assert lowered(frame, parse_formula("a + b")) == [None]
    assert lowered(frame, parse_formula("1 if a > b or b > 0 else 2")) == [1.0]


@pytest.mark.parametrize(
    "dtype", ["TINYINT", "UINTEGER", "BIGINT", "UBIGINT", "HUGEINT", "FLOAT", "DECIMAL(10, 2)"]
)
def test_numbers_of_every_type_are_computed_as_float64(connection: Any, dtype: str) -> None:
    frame = opened(connection, [{"a": 7, "b": 2}], {"a": dtype, "b": dtype})
    assert lowered(frame, parse_formula("a / b")) == [3.5]
    assert lowered(frame, parse_formula("1 if a == 7 else 0")) == [1.0]


@pytest.mark.parametrize(
    ("text", "exact"),
    [("a == 5", False), ("a in (1, 5)", False), ("a < a", False), ("is_missing(a)", False),
     ("a == 5.5", True), ("a + 1 == 5", True), ("-a < 5", True), ("a in (1, 5.5)", True),
     ("(a if a > 3 else 0) == 5", True), ("a == b", True)],
)  # fmt: skip
def test_only_integers_that_are_computed_with_must_stay_within_float64(
    text: str, exact: bool
) -> None:
    columns = {
        "a": Column("c0", Kind.NUMBER, nw.Int64(), "BIGINT"),
        "b": Column("c1", Kind.NUMBER, nw.Float64(), "DOUBLE"),
    }
    lowering = Lowering(columns)
    lowering.lower(parse_formula(text, "where"), Kind.CONDITION)
    assert lowering.faults == []
    assert lowering.exact == ({"c0": "a"} if exact else {})


def test_integers_do_not_overflow_in_their_own_type(connection: Any) -> None:
    frame = opened(connection, [{"a": 127, "b": 127}], {"a": "TINYINT", "b": "TINYINT"})
    assert lowered(frame, parse_formula("a * b + b")) == [127 * 127 + 127]


CONDITIONS = [
    ("s == 'paid'", [True, False, None]),
    ("s != 'paid'", [False, True, None]),
    ("s in ('paid', 'x')", [True, False, None]),
    ("s not in ('paid', 'x')", [False, True, None]),
    ("s >= 'open'", [True, True, None]),
    ("x in (1, 2)", [True, False, None]),
    ("x not in (1, -2)", [False, True, None]),
    ("1 in (1, 2)", [True, True, True]),
    ("'a' == 'b'", [False, False, False]),
    ("'a' in ('b', 'c')", [False, False, False]),
    ("null in (1, 2)", [None, None, None]),
    ("is_missing(s)", [False, False, True]),
    ("is_missing(d) or is_missing(i)", [False, True, True]),
    ("coalesce(s, 'none') == 'none'", [False, False, True]),
    ("f", [True, False, None]),
    ("not f", [False, True, None]),
    ("f and x > 0", [True, False, None]),
    ("f or s == 'paid'", [True, False, None]),
    ("f or 1 < 2", [True, True, True]),
    ("d >= '2026-01-15'", [True, None, None]),
    ("d == '2026-01-31'", [True, None, None]),
    ("t < '2026-01-31 12:00:00'", [True, False, None]),
    ("t >= '2026-02-01'", [False, True, None]),
    ("'2026-01-01' < d <= '2026-01-31'", [True, None, None]),
    ("d <= t", [True, None, None]),
    ("coalesce(null, null) == s", [None, None, None]),
    ("x > coalesce(null, null)", [None, None, None]),
    ("coalesce(f, x > 0)", [True, False, None]),
]


@pytest.fixture(scope="module")
def mixed() -> Iterator[Any]:
    types = {
        "s": "VARCHAR", "f": "BOOLEAN", "d": "DATE", "t": "TIMESTAMP", "i": "UUID",
        "z": "TIMESTAMPTZ",
    }  # fmt: skip
    uuid = "6f1b7a5e-0000-4000-8000-000000000001"
    rows: list[Row] = [
        {"s": "paid", "x": 1.0, "f": True, "d": "2026-01-31", "t": "2026-01-31 10:00:00",
         "i": uuid, "z": None},
        {"s": "open", "x": -3.0, "f": False, "d": None, "t": "2026-02-01", "i": uuid, "z": None},
        {"s": None, "x": None, "f": None, "d": None, "t": None, "i": None, "z": None},
    ]  # fmt: skip
    connection = duckdb.connect()
    yield opened(connection, rows, types)
    connection.close()


@pytest.mark.parametrize(("text", "expected"), CONDITIONS)
def test_a_condition_on_text_numbers_dates_and_truth_values(
    mixed: Any, text: str, expected: Any
) -> None:
    assert lowered(mixed, parse_formula(text, "where"), Kind.CONDITION) == expected


FAULTS = [
    ("sx == 1", "SRC106", "the source has no column 'sx'", "columns are"),
    ("stat == 1 or amuont > 2", "SRC106", "the source has no column 'stat'", "columns are"),
    ("s == 1", "SRC107", "'s' (text of type String) and '1' (a number)", "quotes"),
    ("x == '1'", "SRC107", "'x' (a number of type Float64) and '1' (text)", "quotes"),
    ('x == "1"', "SRC107", 'and "1" (text)', "quotes"),
    ("f == 1", "SRC107", "'f' (true or false of type Boolean) and '1' (a number)", "one kind"),
    ("i == 'a'", "SRC107", "'i' (a column of type Unknown) and 'a' (text)", "one kind"),
    ("z > '2026-01-01'", "SRC107", "'z' (a column of type Datetime", "one kind"),
    ("d > 'yesterday'", "SRC107", "'yesterday' is compared with a date, but is none", "2026-01-31"),
    ("t > '2026-01-31T00:00:00Z'", "SRC107", "is compared with a date, but is none", "2026"),
    ("s in (1, 2)", "SRC107", "'s' is text of type String, and the list", "quotes"),
    ("d in ('2026-01-31', 'x')", "SRC107", "'d' is a date or time of type Date", "== and <"),
    ("s", "SRC107", "'s' is text of type String, where a condition is needed", "== 'text'"),
    ("x", "SRC107", "'x' is a number of type Float64, where a condition is needed", "x > 0"),
    ("s + 1 > 2", "SRC107", "'s' is text of type String, where a number is needed", "numbers"),
    ("f * 2 > 1", "SRC107", "'f' is true or false of type Boolean", "1 if f else 0"),
    ("sqrt(d) > 1", "SRC107", "'d' is a date or time of type Date", "another column"),
    ("coalesce(s, 1) == 'a'", "SRC107", "'1' is a number, where text is needed", "another"),
    ("round(x, x) > 1", "SRC113", "the digits of round() must be written out", "round(x, 2)"),
]


@pytest.mark.parametrize(("text", "code", "message", "advice"), FAULTS)
def test_a_mistake_that_only_the_data_show_is_told(
    mixed: Any, text: str, code: str, message: str, advice: str
) -> None:
    found_code, found_message, found_help = faults_of(mixed, text)[0]
    assert (found_code, message in found_message, advice in found_help) == (code, True, True)


def test_all_mistakes_of_a_condition_are_told_and_none_twice(mixed: Any) -> None:
    found = faults_of(mixed, "statu == 'a' and s > 1 and x == 'y'")
    assert [code for code, *_ in found] == ["SRC106", "SRC107", "SRC107"]


def test_a_near_column_is_offered(connection: Any) -> None:
    frame = opened(connection, [{"amount_usd": 1.0}])
    ((_, _, advice),) = faults_of(frame, "amuont_usd > 1")
    assert advice == "did you mean amount_usd?"


@pytest.mark.parametrize("text", ["lag(a)", "rolling_sum(a, 2)", "cumulative(a)"])
def test_a_function_over_time_is_refused(connection: Any, text: str) -> None:
    frame = opened(connection, [{"a": 1.0}])
    ((code, message, _),) = faults_of(frame, text, Kind.NUMBER)
    assert code == "SRC113"
    assert message.endswith("cannot be computed over the rows of a table")


def test_shared_operations_are_computed_once(connection: Any) -> None:
    frame = opened(connection, [{"a": 3.0, "b": 2.0}])
    lowering = Lowering(columns_of(frame))
    first = lowering.lower(parse_formula("(a + b) * 2"), Kind.NUMBER)
    again = lowering.lower(parse_formula("(a + b) * 2"), Kind.NUMBER)
    other = lowering.lower(parse_formula("(a + b) / 2"), Kind.NUMBER)
    assert again == first != other
    assert (first.name, other.name) == ("op3", "op4")  # after reading a and b, and +
    applied = lowering.apply(frame, [first.name, other.name])
    assert applied.columns == ["number", "op3", "op4"]


def test_a_formula_of_100_operations_on_top_of_each_other_is_computed(connection: Any) -> None:
    frame = opened(connection, [{"a": 1.0}])
    # reading the column is one of them
    assert lowered(frame, parse_formula(" + ".join(["a"] * 100))) == [100.0]


def test_a_formula_of_101_operations_on_top_of_each_other_is_refused(connection: Any) -> None:
    frame = opened(connection, [{"a": 1.0}])
    ((code, message, _),) = faults_of(frame, " + ".join(["a"] * 101), Kind.NUMBER)
    assert (code, message) == ("SRC114", "this is more than 100 operations on top of each other")


def test_a_formula_of_2001_different_operations_is_refused(connection: Any) -> None:
    frame = opened(connection, [{"a": 1.0}])
    text = f"coalesce({', '.join(f'a * {n}' for n in range(2_001))})"
    ((code, message, _),) = faults_of(frame, text, Kind.NUMBER)
    assert (code, message) == ("SRC114", "this is more than 2,000 different operations")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(-1e6, 1e6) | st.integers(-10_000, 10_000).map(lambda n: n / 100),
            st.floats(-1e3, 1e3) | st.integers(-1_000, 1_000).map(lambda n: n / 10),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_a_remainder_is_that_of_python_to_the_last_digit(pairs: list[tuple[float, float]]) -> None:
    formula = parse_formula("a % b")
    rows: list[Row] = [{"a": a, "b": b} for a, b in pairs]
    connection = duckdb.connect()  # a frame does not keep it
    assert lowered(opened(connection, rows), formula) == [evaluate(formula, row) for row in rows]


def test_the_logarithms_of_powers_of_ten_are_whole(connection: Any) -> None:
    rows: list[Row] = [{"a": float(f"1e{n}")} for n in range(-300, 309)]
    found = lowered(opened(connection, rows), parse_formula("log10(a)"))
    assert found == [float(n) for n in range(-300, 309)]


@pytest.mark.parametrize(
    "text", ["coalesce(null + a, a)", "coalesce(1/0, a)", "coalesce(1/0, 0/0)"]
)
def test_what_is_missing_whatever_the_row_is_passed_over(text: str) -> None:
    formula = parse_formula(text)
    rows: list[Row] = [dict.fromkeys(strategies.NAMES, value) for value in (0.0, 2.0, None)]
    connection = duckdb.connect()
    expected = [evaluate(formula, row) for row in rows]
    assert lowered(opened(connection, rows), formula) == expected
