"""Results of runs: values, frames, and files that are there in whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import pickle
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings, strategies as st

from metrictree import MetricTree, MissingExtraError, Rule, RunResult, UsageError
from tests.made_results import APRIL, compared, of_groups, origins, result

if TYPE_CHECKING:
    from pathlib import Path

duckdb = pytest.importorskip("duckdb")

TREE = """\
north_star: orders
metrics:
  orders: {measure: {source: orders, aggregate: count()}}
sources:
  orders: {path: orders.csv, time: day}
"""


def text_of(made: RunResult, form: str) -> str:
    stream = io.StringIO()
    made.write(stream, form)
    return stream.getvalue()


# --- values


def test_columns_name_the_period_the_groups_and_what_is_compared() -> None:
    assert result().columns == ("month", "country", "complete", "orders", "rate")
    assert compared().keys == (
        "month", "country", "total", "complete", "compared_from", "compared_to",
    )  # fmt: skip
    assert compared().columns[6:] == ("orders", "orders_before", "orders_change", "orders_growth")
    assert of_groups(["DE"]).columns == ("country", "orders")


def test_rows_belong_to_periods_by_their_number() -> None:
    for made in (result(), compared()):
        assert len(made) == made.groups * len(made.periods)
        starts = [made.periods[number // made.groups].start for number in range(len(made))]
        assert starts == [row[0] for row in made.rows]
    assert of_groups(["DE", "FR", None]).groups == 3


def test_a_period_counts_its_days() -> None:
    *_, june = result().periods
    assert june.days == 20
    assert june._replace(last=date(1998, 5, 20)).days == 0


def test_rows_are_given_as_dictionaries() -> None:
    assert result().to_dicts()[0] == {
        "month": APRIL, "country": "DE", "complete": True, "orders": 6.0, "rate": 0.5,
    }  # fmt: skip


def test_a_missing_value_has_its_reason() -> None:
    made = result()
    assert made.why(0, "rate") is None
    assert str(made.why(2, "rate")) == (
        "rate = orders / visits is missing: division by zero (orders is 6, visits is 0)"
    )
    reason = made.why(-3, "rate")
    assert reason is not None
    assert (reason.metric, reason.rule) == ("visits", Rule.NO_VALUES)
    assert str(reason) == "visits = mean(n) is missing: there are no values to aggregate"
    with pytest.raises(KeyError):
        made.why(0, "visits")
    with pytest.raises(IndexError):
        made.why(6, "rate")


def test_a_result_is_a_value() -> None:
    made = result()
    assert made == result()
    assert hash(made) == hash(result())
    assert made != compared()
    restored = pickle.loads(pickle.dumps(made))
    assert restored == made
    assert restored.why(2, "rate") == made.why(2, "rate")
    assert repr(restored) == repr(made)
    with pytest.raises(AttributeError):
        made.grain = "day"  # type: ignore[misc]


# --- frames


@pytest.mark.parametrize("library", ["polars", "pandas", "pyarrow"])
def test_a_frame_holds_the_rows_with_their_types(library: str) -> None:
    pytest.importorskip(library)
    for made in (result(), compared()):
        frame = made.to_frame(library)
        assert frame_rows(frame, library) == [
            {name: as_held(value, library) for name, value in row.items()}
            for row in made.to_dicts()
        ]
        dates = [name for name in made.keys if name in ("month", "compared_from", "compared_to")]
        for names, there in (
            (dates, {"Date", "datetime64[us]", "date32[day]"}),
            (["complete"], {"Boolean", "boolean", "bool"}),
            (made.columns[len(made.keys) :], {"Float64", "float64", "double"}),
        ):
            assert {frame_type(frame, name) for name in names} <= there


@pytest.mark.parametrize("library", ["polars", "pandas", "pyarrow"])
def test_a_frame_without_rows_has_the_same_types(library: str) -> None:
    pytest.importorskip(library)
    made = result()
    empty = RunResult("month", ("country",), made.metrics, (), origins([])).to_frame(library)
    full = made.to_frame(library)
    for name in ("month", "complete", "orders", "rate"):
        assert frame_type(empty, name) == frame_type(full, name)


LONG = 2**53 + 1
DIMENSIONS: list[list[Any]] = [
    ["DE", None, ""],
    [LONG, None, -5],
    [2**64 - 1, None, 0],
    [True, None, False],
    [Decimal("1.50"), None, Decimal("-20.25")],
    [0.1, None, -1.5],
    [date(1, 1, 1), None, date(9999, 12, 31)],
    [datetime(2020, 1, 1, 5, 6, 7, 89), None, datetime(1, 1, 1)],  # noqa: DTZ001
    [None, None],
]


@pytest.mark.parametrize("values", DIMENSIONS, ids=repr)
@pytest.mark.parametrize("library", ["polars", "pandas", "pyarrow"])
def test_a_frame_keeps_the_values_of_a_dimension(library: str, values: list[Any]) -> None:
    pytest.importorskip(library)
    frame = of_groups(values).to_frame(library)
    held = [as_held(value, library) for value in values]
    assert [row["country"] for row in frame_rows(frame, library)] == held


def frame_rows(frame: Any, library: str) -> Any:
    if library == "polars":
        return frame.to_dicts()
    if library == "pyarrow":
        return frame.to_pylist()
    pd = pytest.importorskip("pandas")
    return [
        {name: None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def as_held(value: Any, library: str) -> Any:
    """Return a value as a library holds it: pandas has no days."""
    if library == "pandas" and type(value) is date:
        return datetime.combine(value, datetime.min.time())
    return value


def frame_type(frame: Any, name: str) -> str:
    columns = frame.schema if hasattr(frame, "schema") else frame.dtypes
    found = columns.field(name).type if hasattr(columns, "field") else columns[name]
    return str(found)


def test_an_unknown_library_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean polars"):
        result().to_frame("poolars")


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingExtraError) as caught:
        result().to_frame("polars")
    assert caught.value.diagnostics[0].fix == "pip install polars"


# --- CSV and JSON lines


def test_csv_holds_every_digit_and_an_empty_cell_for_missing() -> None:
    assert text_of(result(), "csv") == (
        "month,country,complete,orders,rate\n"
        "1998-04-01,DE,true,6,0.5\n"
        "1998-04-01,,true,6,0.25\n"
        "1998-05-01,DE,true,6,\n"
        "1998-05-01,,true,6,\n"
        "1998-06-01,DE,false,6,0.125\n"
        "1998-06-01,,false,6,0.1\n"
    )
    assert text_of(compared(), "csv").splitlines()[-1] == (
        "1998-06-01,,country,false,1998-05-01,1998-05-20,6,4,2,0.5"
    )


ACTIVE = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "  =1", "\n=1", "\u00a0=1"]
HARMLESS = ["a=1", "1-1", "", " x", "'=1", "\u00e9"]


def test_csv_neutralises_what_a_spreadsheet_would_compute() -> None:
    texts = [*ACTIVE, *HARMLESS]
    lines = text_of(of_groups(texts, [-1.5] * len(texts)), "csv")
    _, *cells = csv.reader(io.StringIO(lines, newline=""))
    assert [text for text, _ in cells] == [*(f"'{text}" for text in ACTIVE), *HARMLESS]
    assert {number for _, number in cells} == {"-1.5"}


def test_truth_values_and_decimals_are_written_plainly() -> None:
    made = of_groups([Decimal("-1.50"), Decimal("0.25")])
    assert text_of(made, "csv") == "country,orders\n-1.50,1\n0.25,1\n"
    assert text_of(of_groups([True]), "csv") == "country,orders\ntrue,1\n"


def test_a_row_of_one_missing_value_is_no_blank_line() -> None:
    made = RunResult("all", (), ("orders",), ((None,),), origins([None]))
    assert text_of(made, "csv") == 'orders\n""\n'


@given(st.lists(st.tuples(st.none() | st.text(), st.none() | st.floats(allow_nan=False))))
def test_csv_and_json_lines_give_every_value_back(rows: list[tuple[Any, Any]]) -> None:
    made = of_groups([text for text, _ in rows], [number for _, number in rows])
    assume_finite = [number is None or math.isfinite(number) for _, number in rows]
    _, *cells = csv.reader(io.StringIO(text_of(made, "csv"), newline=""))
    assert [float(number) if number else None for _, number in cells] == [n for _, n in rows]
    for (text, _), (cell, _) in zip(rows, cells, strict=True):
        assert cell.removeprefix("'") == (text or "").removeprefix("'")
    if all(assume_finite):
        lines = text_of(made, "jsonl").split("\n")
        assert lines.pop() == ""
        assert [tuple(json.loads(line).values()) for line in lines] == rows


def test_json_lines_are_a_row_each() -> None:
    first, *_, last = text_of(compared(), "jsonl").splitlines()
    assert json.loads(first) == {
        "month": "1998-05-01", "country": "DE", "total": None, "complete": True,
        "compared_from": "1998-04-01", "compared_to": "1998-04-30",
        "orders": 6.0, "orders_before": 4.0, "orders_change": 2.0, "orders_growth": 0.5,
    }  # fmt: skip
    assert json.loads(last)["total"] == "country"
    assert "K\u00f6ln" in text_of(of_groups(["K\u00f6ln"]), "jsonl")


# --- Parquet


def parquet(made: RunResult, folder: Path) -> Any:
    made.write(folder / "out.parquet")
    return duckdb.read_parquet(str(folder / "out.parquet"))


def test_parquet_holds_dates_truth_values_and_numbers(tmp_path: Path) -> None:
    for made in (result(), compared()):
        table = parquet(made, tmp_path)
        assert table.columns == list(made.columns)
        assert table.fetchall() == list(made.rows)
        types = dict(zip(table.columns, map(str, table.types), strict=True))
        assert types.pop("country") == "VARCHAR"
        assert types.pop("total", "VARCHAR") == "VARCHAR"
        assert types.pop("complete") == "BOOLEAN"
        dates = {types.pop(name) for name in made.keys if name in types}
        assert dates == {"DATE"}
        assert set(types.values()) == {"DOUBLE"}


def test_parquet_has_the_units_in_its_metadata(tmp_path: Path) -> None:
    result().write(tmp_path / "out.parquet")
    compared().write(tmp_path / "compared.parquet")
    assert metadata(tmp_path / "out.parquet") == {"unit:orders": "order", "unit:rate": "%"}
    assert metadata(tmp_path / "compared.parquet") == {
        "unit:orders": "order", "unit:orders_before": "order", "unit:orders_change": "order",
    }  # fmt: skip


def metadata(path: Path) -> dict[str, str]:
    query = "select key, value from parquet_kv_metadata(?)"
    found = duckdb.execute(query, [str(path)]).fetchall()
    return {key.decode(): value.decode() for key, value in found}


@pytest.mark.parametrize(
    ("values", "kind"),
    list(
        zip(
            DIMENSIONS,
        ["VARCHAR", "BIGINT", "DECIMAL(20,0)", "BOOLEAN", "DECIMAL(4,2)", "DOUBLE", "DATE",
         "TIMESTAMP", "VARCHAR"],
            strict=True,
        )
    ),
    ids=repr,
)  # fmt: skip
def test_parquet_keeps_the_values_of_a_dimension(
    tmp_path: Path, values: list[Any], kind: str
) -> None:
    table = parquet(of_groups(values), tmp_path)
    assert [row[0] for row in table.fetchall()] == values
    assert str(table.types[0]) == kind


def test_times_with_a_zone_stay_moments_in_parquet(tmp_path: Path) -> None:
    moment = datetime(2020, 1, 1, 5, tzinfo=UTC)
    table = parquet(of_groups([moment, None]), tmp_path)
    assert str(table.types[0]) == "TIMESTAMP WITH TIME ZONE"
    assert table.project("epoch_us(country)").fetchall() == [
        (int(moment.timestamp()) * 1_000_000,), (None,),
    ]  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.none() | st.text(st.characters(exclude_categories=["Cs"])),
            st.none() | st.floats(allow_nan=False),
        ),
        max_size=20,
    )
)
def test_parquet_gives_texts_and_numbers_back_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, Any]]
) -> None:
    made = of_groups([text for text, _ in rows], [number for _, number in rows])
    found = parquet(made, tmp_path_factory.getbasetemp()).fetchall()
    assert found == rows
    assert [str(number) for _, number in found] == [str(number) for _, number in rows]  # -0.0


def test_names_of_columns_and_folders_may_hold_any_character(tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s; a "folder" $1 {x}*'
    folder.mkdir()
    name = "a\"b'; drop -- \n$1"
    made = RunResult("all", (name,), ("orders",), (("DE", 1.0),), origins([1.0]))
    path = folder / "o'ut.parquet"
    made.write(path)
    found = duckdb.execute("select * from read_parquet(?)", [str(path)])
    assert [column[0] for column in found.description] == [name, "orders"]


def test_columns_that_differ_in_case_only_are_refused_in_parquet(tmp_path: Path) -> None:
    made = RunResult("all", ("Orders",), ("orders",), (("DE", 1.0),), origins([1.0]))
    with pytest.raises(UsageError, match="cannot tell the columns 'Orders' and 'orders' apart"):
        made.write(tmp_path / "out.parquet")
    assert list(tmp_path.iterdir()) == []
    made.write(tmp_path / "out.csv")


def test_parquet_needs_duckdb_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError) as caught:
        result().write(tmp_path / "out.parquet")
    assert caught.value.diagnostics[0].fix == 'pip install "metrictree[duckdb]"'
    assert list(tmp_path.iterdir()) == []


# --- files


@pytest.mark.parametrize("form", ["csv", "jsonl", "markdown"])
def test_a_file_holds_what_a_stream_gets_and_nothing_is_left_beside_it(
    tmp_path: Path, form: str
) -> None:
    path = tmp_path / {"csv": "o.csv", "jsonl": "o.JSONL", "markdown": "o.md"}[form]
    path.write_text("old", encoding="utf-8")
    result().write(path)
    assert path.read_bytes().decode() == text_of(result(), form)
    result().write(str(tmp_path / "any.name"), form)
    assert (tmp_path / "any.name").read_bytes() == path.read_bytes()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([path.name, "any.name"])


@pytest.mark.parametrize(
    ("target", "form", "sentence"),
    [
        ("out.txt", None, "the format of .* is not known: let the file's name end in .csv, .jsonl"),
        ("out", None, "the format of .* is not known"),
        ("out.csv", "parquett", "'parquett' is no format: did you mean parquet"),
        ("out.csv", "", "'' is no format: the formats are csv, jsonl, parquet, markdown"),
        ("out.csv", 5, "'5' is no format"),
    ],
)
def test_an_unknown_format_is_refused(
    tmp_path: Path, target: str, form: Any, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        result().write(tmp_path / target, form)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("target", "form", "sentence"),
    [
        (None, "csv", "cannot write to None, which is no file"),
        (5, None, "cannot write to 5, which is no file"),
        (b"out.csv", None, "which is no file"),
        (io.StringIO(), None, "the format of a stream is not known"),
        (io.StringIO(), "parquet", "Parquet cannot be written to a stream"),
        (io.BytesIO(), "csv", "text cannot be written to a stream of bytes"),
    ],
)
def test_what_cannot_be_written_to_is_refused(target: Any, form: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        result().write(target, form)
    assert caught.value.diagnostics[0].code == "VAL111"


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing(
    tmp_path: Path, name: str
) -> None:
    inner = tmp_path / f"inner-{name}"
    inner.mkdir()
    for path in (tmp_path / "lost" / name, inner, str(tmp_path / f"a\0b{name}")):
        with pytest.raises(UsageError) as caught:
            result().write(path)
        assert caught.value.diagnostics[0].code == "VAL111"
    assert list(tmp_path.iterdir()) == [inner]
    assert list(inner.iterdir()) == []


def test_text_that_has_no_code_is_told_and_leaves_the_old_file(tmp_path: Path) -> None:
    for name in ("out.csv", "out.jsonl", "out.parquet"):
        path = tmp_path / name
        path.write_text("old", encoding="utf-8")
        with pytest.raises(UsageError, match="cannot write"):
            of_groups(["\ud800"]).write(path)
        assert path.read_text(encoding="utf-8") == "old"
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("target", ["own.csv", "./a/../own.csv", "link.csv", "hard.csv"])
def test_what_a_run_was_made_from_is_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    own = tmp_path / "own.csv"
    own.write_text("mine", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to(own)
    (tmp_path / "hard.csv").hardlink_to(own)
    lost = tmp_path / "lost.csv"
    protected = {lost.resolve(): "a source", own.resolve(): "a file"}
    made = RunResult("all", (), ("orders",), ((1.0,),), origins([1.0]), protected=protected)
    with pytest.raises(UsageError) as caught:
        made.write(target)
    assert str(caught.value) == f"VAL111 {target} is a file of this tree: choose another file"
    with pytest.raises(UsageError, match=r"lost.csv is a source of this tree"):
        made.write("lost.csv")
    assert own.read_text(encoding="utf-8") == "mine"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a tree of two files and two sources, one of which is not there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "team.yml").write_text(
        "sources: {visits: {path: Visits.csv}}\n"
        "metrics: {visits: {measure: {source: visits, aggregate: count()}, role: health}}\n",
        encoding="utf-8",
    )
    (tmp_path / "tree.yml").write_text(f"include: [team/team.yml]\n{TREE}", encoding="utf-8")
    (tmp_path / "orders.csv").write_text("day\n2025-01-01\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("target", "what"),
    [("orders.csv", "a source"), ("team/team.yml", "a file"), ("team/Visits.csv", "a source"),
     ("tree.yml", "a file")],
)  # fmt: skip
def test_a_run_protects_all_files_of_its_tree(shop: Path, target: str, what: str) -> None:
    tree = MetricTree.load("tree.yml")
    again = pickle.loads(pickle.dumps(tree))
    before = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()}
    for one in (tree.run(["orders"]), again.run(["orders"])):
        with pytest.raises(UsageError, match=f"{target} is {what} of this tree"):
            one.write(target, "csv")
    assert {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()} == before


def test_a_source_is_known_by_another_case_where_the_disk_says_so(shop: Path) -> None:
    made = MetricTree.load(shop / "tree.yml").run(["orders"])
    other = shop / "ORDERS.csv"
    if other.exists():
        with pytest.raises(UsageError, match="is a source of this tree"):
            made.write(other)
    else:
        made.write(other)
    assert (shop / "orders.csv").read_text(encoding="utf-8") == "day\n2025-01-01\n"


def test_a_run_keeps_how_its_metrics_are_shown(shop: Path) -> None:
    tree = MetricTree.load(shop / "tree.yml")
    assert tree.run(["orders"]).shown["orders"] == tree.metrics["orders"]


# --- killed in the middle

WRITER = """
import sys
from metrictree.measures.result import Origins, RunResult

size = int(sys.argv[2])
rows = tuple((f"group {number}", number / 7) for number in range(size))
made = RunResult("all", ("country",), ("orders",), rows, Origins({}, {}, {}, {}, 1, size, False))
print("ready", flush=True)
while True:
    made.write(sys.argv[1])
"""


@pytest.mark.skipif(os.name == "nt", reason="kills with a signal")
@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.md", "out.parquet"])
def test_a_kill_in_the_middle_leaves_the_file_whole_or_absent(tmp_path: Path, name: str) -> None:
    path, size, in_the_middle = tmp_path / name, 20_000, 0
    for patience in (0.0, 0.05, 0.15, 0.35):
        path.unlink(missing_ok=True)
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(size)], stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            deadline = time.monotonic() + 30
            while not list(tmp_path.glob(".metrictree-*.part")) and time.monotonic() < deadline:
                time.sleep(0.001)  # until it writes
            time.sleep(patience)
            child.send_signal(signal.SIGKILL)
        parts = list(tmp_path.glob(".metrictree-*.part"))
        in_the_middle += len(parts)
        for part in parts:
            part.unlink()
        assert [entry for entry in tmp_path.iterdir() if entry != path] == []
        if path.exists():
            assert rows_of(path) == size
    assert in_the_middle > 0


def rows_of(path: Path) -> int:
    if path.suffix == ".parquet":
        found = duckdb.execute("select count(*), max(orders) from read_parquet(?)", [str(path)])
        count, largest = found.fetchone()
        assert largest == (count - 1) / 7
        return int(count)
    lines = path.read_text(encoding="utf-8").splitlines()
    return len(lines) - {".csv": 1, ".jsonl": 0, ".md": 2}[path.suffix]
