"""Every source is opened to the same table, and what is wrong with one is told in our words."""

from __future__ import annotations

import gzip
import shutil
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pytest

from metrictree import DefinitionError, MetricTree, SourceError
from metrictree.engines.frames.rows import Kind
from metrictree.measures.sources import open_table, reading
from metrictree.measures.times import is_day
from tests.servers import postgres, spark

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from metrictree.measures.table import Table

duckdb = pytest.importorskip("duckdb")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pl = pytest.importorskip("polars")
pd = pytest.importorskip("pandas")

# Ibis calls what DuckDB deprecates; PySpark does not know the newest pandas yet.
pytestmark = [
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support:FutureWarning"),
]

METRICS = {"orders": "buyers * 2", "buyers": {"measure": {"source": "s", "aggregate": "count()"}}}
ENGINES = ["duckdb", "polars", "pandas", "ibis", "spark"]
MORNING = datetime(2026, 3, 29, 1, 30)  # noqa: DTZ001 - what tables hold is in UTC
CELLS = [
    "2026-03-29",
    "2024-02-29",
    "2026-03-29T01:30:00",
    "2026-03-29 03:30+02",
    "2026-03-29 03:30:00.123456+0200",
    "2026-03-29 07:00:00 +05:30",
    "2026-03-28T20:30:00-05:00",
    "2026-03-29T01:30Z",
    "2026-03-29 01:30:00 UTC",
]
NO_DAYS = ["2026-02-30", "2026-03-29 24:00", "0000-01-01", "29.03.2026", "2026-3-29", "n/a"]


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    with spark("local[2]") as running:
        running.conf.set("spark.sql.session.timeZone", "America/New_York")
        yield running


@pytest.fixture
def use(request: pytest.FixtureRequest) -> Any:
    """Return the arguments by which an engine is used."""

    def arguments(engine: str) -> dict[str, Any]:
        if engine != "spark":
            return {"engine": engine}
        return {"engine": engine, "connection": request.getfixturevalue("session")}

    return arguments


def resolved(folder: Path, **source: Any) -> Any:
    tree = MetricTree(north_star="orders", metrics=METRICS, sources={"s": source})
    (folder / "tree.yml").write_text(tree.to_yaml())
    return MetricTree.load(folder / "tree.yml")._tree


def opened(folder: Path, source: dict[str, Any], **arguments: Any) -> Table:
    return open_table(resolved(folder, **source), "s", **arguments)


def values(table: Table, *names: str) -> list[tuple[Any, ...]]:
    """Return the values of columns, or of what tells the time, in some order of their own."""
    own = {"moment": table.moment, "day": table.day}
    columns = [own.get(name) or table.columns[name].name for name in names]
    native = nw.to_native(table.frame.select(*columns))
    return sorted(table.rows(native), key=str)


def told(folder: Path, source: dict[str, Any], **arguments: Any) -> tuple[str, str]:
    """Return the code of what is wrong, and what is said."""
    with pytest.raises(SourceError) as caught:
        opened(folder, source, **arguments)
    (found,) = caught.value.diagnostics
    assert found.fix
    return found.code, f"{found.message}: {found.fix}"


def arrow() -> Any:
    moments = [MORNING.replace(tzinfo=UTC), None]
    return pa.table(
        {
            "at": pa.array(moments, pa.timestamp("us", "Europe/Berlin")),
            "local": pa.array([MORNING, None], pa.timestamp("ms")),
            "day": pa.array([date(2026, 3, 29), None]),
            "price": pa.array([Decimal("0.10"), None], pa.decimal128(10, 2)),
            "n": pa.array([7, None], pa.int64()),
            "ratio": pa.array([0.5, None]),
            "paid": pa.array([True, None]),
            "of": pa.array(["web", None]).dictionary_encode(),
            "nothing": pa.array([None, None], pa.null()),
        }
    )


KINDS = {
    "at": Kind.TIME,
    "local": Kind.TIME,
    "day": Kind.TIME,
    "price": Kind.NUMBER,
    "n": Kind.NUMBER,
    "ratio": Kind.NUMBER,
    "paid": Kind.CONDITION,
    "of": Kind.TEXT,
}
ROWS = [
    (None,) * 8,
    (MORNING, MORNING, date(2026, 3, 29), Decimal("0.10"), 7, 0.5, True, "web"),
]


def check(table: Table) -> None:
    assert {name: table.columns[name].kind for name in KINDS} == KINDS
    assert sorted(values(table, *KINDS), key=str) == sorted(ROWS, key=str)


# --- files


@pytest.mark.parametrize("engine", ENGINES)
def test_parquet_holds_the_same_on_every_engine(tmp_path, engine, use) -> None:
    pq.write_table(arrow().drop_columns("nothing"), tmp_path / "a.parquet")
    for time in ("at", "local"):
        table = opened(tmp_path, {"path": "a.parquet", "time": time}, **use(engine))
        check(table)
        assert table.origin == "a.parquet"
        assert (table.day, values(table, "moment")) == (None, [(None,), (MORNING,)])
    table = opened(tmp_path, {"path": "a.parquet", "time": "day"}, **use(engine))
    assert (table.moment, values(table, "day")) == (None, [(None,), (date(2026, 3, 29),)])


@pytest.mark.parametrize("engine", ENGINES)
def test_folders_of_parquet_files_tell_texts(tmp_path, engine, use) -> None:
    for folder, n in (("year=2026/of=01", 1), ("year=2026/of=a%2Fb", 2)):
        (tmp_path / folder).mkdir(parents=True)
        pq.write_table(pa.table({"n": [n]}), tmp_path / folder / "part-0.parquet")
    empty = tmp_path / "year=2027" / "of=__HIVE_DEFAULT_PARTITION__"
    empty.mkdir(parents=True)
    pq.write_table(pa.table({"n": [3]}), empty / "part-0.parquet")
    table = opened(tmp_path, {"path": "**/*.parquet"}, **use(engine))
    assert table.origin == "**/*.parquet (3 files)"
    assert table.columns["year"].kind is Kind.TEXT
    assert values(table, "n", "year", "of") == [
        (1, "2026", "01"),
        (2, "2026", "a/b"),
        (3, "2027", None),
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_column_of_several_csv_files_has_one_type(tmp_path, engine, use) -> None:
    (tmp_path / "1.csv").write_text("n,x,of,later,yes\n1,1,007,,true\n")
    (tmp_path / "2.csv").write_text('n,x,of,later,yes\n2,1.5,"a\nb",7,false\n')
    table = opened(tmp_path, {"path": "*.csv"}, **use(engine))
    kinds = [column.kind.name for column in table.columns.values()]
    assert kinds == ["NUMBER", "NUMBER", "TEXT", "NUMBER", "CONDITION"]
    assert values(table, *table.columns) == [
        (1, 1.0, "007", None, True),
        (2, 1.5, "a\nb", 7, False),
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_cells_of_csv_files_are_read_alike(tmp_path, engine, use) -> None:
    cells = [" 1", "-2.5e3", "nan", "Inf", "9007199254740993", "", ".5", "1."]
    rows = "".join(f'{cell},{cell or 0},"{cell}",N{cell}\n' for cell in cells)
    (tmp_path / "a.csv").write_text("x,y,z,of\n" + rows)
    table = opened(tmp_path, {"path": "a.csv"}, **use(engine))
    kinds = [column.kind.name for column in table.columns.values()]
    assert kinds == ["NUMBER", "NUMBER", "NUMBER", "TEXT"]
    x = table.columns["x"]
    native = nw.to_native(table.frame.select(x.name, x.text, x.label, x.lost))
    found = {row[1]: row for row in table.rows(native)}
    assert found["-2.5e3"] == (-2500.0, "-2.5e3", "-2.5e3", False)
    assert found["nan"][2:] == (None, False)
    assert found["Inf"] == (float("inf"), "Inf", "Inf", False)
    assert found["9007199254740993"][3] is True
    assert found[None][:3] == (None, None, None)


@pytest.mark.parametrize("engine", ENGINES)
def test_compressed_text_files_are_read(tmp_path, engine, use) -> None:
    for name, text in (("a.csv.gz", "n\n1\n2\n"), ("a.jsonl.gz", '{"n": 1}\n{"n": 2}\n')):
        with gzip.open(tmp_path / name, "wt") as stream:
            stream.write(text)
        assert values(opened(tmp_path, {"path": name}, **use(engine)), "n") == [(1,), (2,)]


@pytest.mark.parametrize("engine", ENGINES)
def test_objects_in_lines_keep_their_texts(tmp_path, engine, use) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"at": "2026-03-29", "n": 1, "x": 1, "of": "007", "yes": true, "in": {"a": 1}}\n'
        '{"at": "2026-03-29T01:30:00Z", "n": 2, "x": 1.5, "later": 3}\n'
    )
    table = opened(tmp_path, {"path": "a.jsonl", "time": "at"}, **use(engine))
    assert table.columns["in"].kind is Kind.OTHER
    assert values(table, "n", "x", "of", "yes", "later") == [
        (1, 1.0, "007", True, None),
        (2, 1.5, None, None, 3),
    ]
    assert values(table, "day", "moment") == [(None, MORNING), (date(2026, 3, 29), None)]


@pytest.mark.parametrize("engine", ENGINES)
def test_texts_tell_days_and_moments_in_utc(tmp_path, engine, use) -> None:
    rows = [f"{n},{text}\n" for n, text in enumerate([*CELLS, *NO_DAYS])]
    (tmp_path / "a.csv").write_text("n,at\n" + "".join(rows))
    table = opened(tmp_path, {"path": "a.csv", "time": "at"}, **use(engine))
    found = {n: (day, moment) for n, day, moment in values(table, "n", "day", "moment")}
    assert found[0] == (date(2026, 3, 29), None)
    assert found[1] == (date(2024, 2, 29), None)
    assert [found[n] for n in range(2, 9)] == [(None, MORNING)] * 7
    assert [found[n] for n in range(9, len(rows))] == [(None, None)] * len(NO_DAYS)


def test_a_text_tells_a_day_to_people_as_to_libraries() -> None:
    assert [text for text in [*CELLS, *NO_DAYS] if is_day(text)] == CELLS


def test_duckdb_reads_no_more_of_a_file_than_it_must(tmp_path) -> None:
    first = MORNING.replace(year=2020)
    days = pl.datetime_range(first, MORNING, "1h", eager=True)
    pl.DataFrame({"at": days, "n": range(len(days))}).write_parquet(
        tmp_path / "a.parquet", row_group_size=5_000
    )
    table = opened(tmp_path, {"path": "a.parquet", "time": "at"})
    late = table.frame.filter(nw.col(table.moment or "") > MORNING.replace(year=2025))
    plan = nw.to_native(late.select(nw.col("c1").sum())).explain()
    assert "Filters" in plan
    assert "at>" in plan.replace(" ", "")


NAN = float("nan")


@pytest.mark.parametrize("width", ["float64", "float32"])
@pytest.mark.parametrize("read", [*ENGINES[:4], "relation", "ibis table", "query", "view"])
def test_nan_is_seen_although_parquet_does_not_tell_of_it(tmp_path, read, width) -> None:
    pq.write_table(
        pa.table({"x": pa.array([1.25, NAN, 2.5, NAN], width), "y": [10, 20, 30, 40]}),
        tmp_path / "a.parquet",
    )
    rows = f"select * from '{tmp_path / 'a.parquet'}'"  # noqa: S608 - a path of our own
    source: dict[str, Any] = {"path": "a.parquet"}
    arguments: dict[str, Any] = {"engine": read} if read in ENGINES else {}
    connection = duckdb.connect()
    if read == "query":
        source = {"query": "select * from 'a.parquet'"}
    elif read == "view":
        connection.execute(f"create view v as {rows}")
        source = {"table": "v"}
        arguments = {"connection": connection}
    elif read == "relation":
        arguments = {"sources": {"s": connection.sql(rows)}}
    elif read == "ibis table":
        ibis = pytest.importorskip("ibis")
        given = ibis.duckdb.connect().read_parquet(tmp_path / "a.parquet")
        arguments = {"sources": {"s": given}}
    expected = {
        ("count(x)", None): 2,
        ("count_distinct(x)", None): 2,
        ("count()", "x > 100"): 0,
        ("count()", "not (x <= 2)"): 1,
        ("count()", "is_missing(x)"): 2,
        ("max(x)", None): 2.5,
        ("sum(x)", None): 3.75,
    }
    metrics: dict[str, Any] = {
        f"m{n}": {
            "measure": {"source": "s", "aggregate": aggregate} | ({"where": where} if where else {})
        }
        for n, (aggregate, where) in enumerate(expected)
    }
    metrics["total"] = {"measure": {"source": "s", "aggregate": "sum(y)"}}
    metrics["all"] = {"formula": " + ".join(metrics)}
    source["dimensions"] = ["x"]
    tree = MetricTree(north_star="all", metrics=metrics, sources={"s": source})
    (tmp_path / "tree.yml").write_text(tree.to_yaml())
    tree = MetricTree.load(tmp_path / "tree.yml")
    names = [f"m{n}" for n in range(len(expected))]
    (found,) = tree.run(names, **arguments).rows
    assert dict(zip(expected, found, strict=True)) == expected
    assert tree.run(["total"], where="x > 100", **arguments).rows == ((0,),)
    groups = tree.run(["total"], by=["x"], **arguments).rows
    assert sorted(groups, key=str) == [(1.25, 10), (2.5, 30), (None, 60)]


@pytest.mark.parametrize("cell", ["0x1A", "0X1a", "0b11", "0o7"])
@pytest.mark.parametrize("other", ["5", "1.5", "nan", ""])
def test_cells_of_other_bases_are_texts(tmp_path, cell, other) -> None:
    (tmp_path / "a.csv").write_text(f"x,y\n{cell},1\n{other},2\n3,3\n")
    (tmp_path / "b.csv").write_text("x,y\n2,1\n")
    for path in ("a.csv", "*.csv"):
        table = opened(tmp_path, {"path": path})
        assert [column.kind for column in table.columns.values()] == [Kind.TEXT, Kind.NUMBER]
        assert (cell,) in values(table, "x")


@pytest.mark.parametrize("kind", ["pandas", "pandas of arrow", "pyarrow", "polars"])
def test_numbers_of_16_bits_are_added_up_as_wider_ones(tmp_path, kind) -> None:
    rows = pa.table({"x": pa.array([60_000.0, 60_000.0, None], pa.float32()).cast(pa.float16())})
    given = {
        "pandas": rows.to_pandas,
        "pandas of arrow": lambda: rows.to_pandas(types_mapper=pd.ArrowDtype),
        "pyarrow": lambda: rows,
        "polars": lambda: pl.from_arrow(rows),
    }[kind]()
    tree = MetricTree(
        north_star="orders",
        metrics=METRICS | {"buyers": {"measure": {"source": "s", "aggregate": "sum(x)"}}},
        sources={"s": {"path": "a.csv"}},
    )
    assert tree.run(["buyers"], sources={"s": given}).rows == ((120_000.0,),)


# --- what is wrong with files


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("order.csv", "SRC104", "no such file: did you mean orders.csv"),
        ("data/x.csv", "SRC104", "no such file: check the path"),
        ("*/x.csv", "SRC104", "no file matches it"),
        ("../*.csv", "SRC103", "outside of the tree's folder"),
        ("../x.csv", "SRC103", "outside of the tree's folder"),
        ("/x.csv", "SRC103", "no relative path"),
        ("folder.csv", "SRC104", "it is no file"),
        ("orders.xlsx", "SRC102", "no file that this version reads"),
        ("orders.xlsx", "SRC102", "save it as CSV UTF-8"),
        ("orders.json", "SRC102", "one object in each line"),
        ("orders.parq", "SRC102", "rename it"),
        ("folder", "SRC102", "folder/*.parquet"),
        (".", "SRC102", "./**/*.parquet"),
        ("empty.csv", "SRC104", "it is empty"),
        ("link.csv", "SRC103", "outside of the tree's folder"),
        ("link*.csv", "SRC103", "link*.csv matches it"),
        ("twice/*.csv", "SRC104", "twice/a.csv and twice/b.csv are the same"),
        ("apart/*.csv", "SRC120", "apart/1.csv and apart/2.csv have different columns"),
        ("twin.csv", "SRC105", "names 'n' twice"),
        ("odd.csv", "SRC105", "odd.csv: line 3 has 3 cells, the header 2"),
        ("both/*.csv", "SRC105", "cannot read both/2.csv: line 3 has 3 cells"),
        ("odd.jsonl", "SRC105", "line 2 is no object of JSON"),
        ("list.jsonl", "SRC105", "line 1 is no object of JSON"),
        ("key.jsonl", "SRC105", "a name stands twice"),
        ("case.jsonl", "SRC105", "both X and x"),
        ("noname.jsonl", "SRC105", "a key without a name"),
        ("blank.jsonl", "SRC105", "nothing but empty lines"),
        ("bom.jsonl", "SRC105", "bom.jsonl begins with a byte order mark"),
        ("plain.csv.gz", "SRC104", "plain.csv.gz"),
        ("latin.csv", "SRC105", "is not UTF-8, see line 2"),
        ("bad.parquet", "SRC105", "cannot be read"),
        ("mixed/*.parquet", "SRC120", "'n' is BIGINT in the first, VARCHAR in the second"),
        ("lost/*.parquet", "SRC120", "the second has no 'm'"),
        ("key=1/*.parquet", "SRC105", "their folders tell 'key'"),
    ],
)
def test_what_is_wrong_with_files_is_told(tmp_path, path, code, said) -> None:
    folder = tmp_path / "tree"
    for name in ("folder.csv", "folder", "twice", "apart", "both", "mixed", "lost", "key=1"):
        (folder / name).mkdir(parents=True)
    texts = {
        "orders.csv": "n\n1\n",
        "empty.csv": "",
        "../x.csv": "n\n1\n",
        "twice/a.csv": "n\n1\n",
        "apart/1.csv": "n,m\n1,2\n",
        "apart/2.csv": "n\n1\n",
        "both/1.csv": "n,m\n1,2\n",
        "both/2.csv": "n,m\n1,2\n1,2,3\n",
        "twin.csv": "n,n\n1,2\n",
        "odd.csv": "n,m\n1,2\n1,2,3\n",
        "odd.jsonl": '{"n": 1}\n{"n": \n',
        "list.jsonl": "[1]\n",
        "key.jsonl": '{"n": 1, "n": 2}\n',
        "case.jsonl": '{"x": 1}\n{"X": 2}\n',
        "noname.jsonl": '{"": 1}\n',
        "blank.jsonl": "\n \n",
        "bom.jsonl": '\ufeff{"n": 1}\n',
        "plain.csv.gz": "n\n1\n",
        "bad.parquet": "PAR1 and no more",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "latin.csv").write_bytes("of\nK\xf6ln\n".encode("latin-1"))
    (folder / "link.csv").symlink_to(tmp_path / "x.csv")
    (folder / "twice/b.csv").symlink_to(folder / "twice/a.csv")
    pq.write_table(pa.table({"n": [1]}), folder / "mixed/1.parquet")
    pq.write_table(pa.table({"n": ["x"]}), folder / "mixed/2.parquet")
    pq.write_table(pa.table({"n": [1], "m": [1]}), folder / "lost/1.parquet")
    pq.write_table(pa.table({"n": [1]}), folder / "lost/2.parquet")
    pq.write_table(pa.table({"key": ["1"]}), folder / "key=1/1.parquet")
    found, message = told(folder, {"path": path})
    assert (found, said in message) == (code, True), message
    assert "Traceback" not in message
    assert " Error:" not in message or path == "bad.parquet"
    assert str(tmp_path) not in message or path == "bad.parquet"


def test_a_panic_of_polars_is_an_error_of_the_source(tmp_path) -> None:
    def panic(frame: Any) -> Any:
        raise pl.exceptions.PanicException("the index is out of bounds")

    given = pl.LazyFrame({"x": [1]}).map_batches(panic)
    tree = resolved(tmp_path, path="a.csv")
    with (
        pytest.raises(SourceError, match="cannot be read: the index is out of bounds"),
        reading(tree, "s", "Polars frame"),
    ):
        given.collect()
    with pytest.raises(KeyboardInterrupt), reading(tree, "s", "Polars frame"):
        raise KeyboardInterrupt


@pytest.mark.parametrize("engine", ["polars", "spark"])
def test_other_engines_compare_the_columns_of_files_too(tmp_path, engine, use) -> None:
    pq.write_table(pa.table({"n": [1], "m": [1]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"n": [1]}), tmp_path / "2.parquet")
    code, message = told(tmp_path, {"path": "*.parquet"}, **use(engine))
    assert (code, "2.parquet have different columns" in message) == ("SRC120", True)
    (tmp_path / "3.parquet").write_text("PAR1 and no more")
    code, message = told(tmp_path, {"path": "3.parquet"}, **use(engine))
    assert (code, "cannot be read" in message) == ("SRC105", True)


def test_spark_refuses_what_it_would_pass_over_or_guess(tmp_path, use) -> None:
    (tmp_path / "_a.csv").write_text("n\n1\n")
    (tmp_path / "b.csv").write_text("n,m\n1,2\n1\n")
    (tmp_path / "c.csv").write_bytes("of\nK\xf6ln\n".encode("latin-1"))
    for path, said in (("_a.csv", "passes over _a.csv"), ("b.csv", "line 3"), ("c.csv", "UTF-8")):
        _, message = told(tmp_path, {"path": path}, **use("spark"))
        assert said in message


# --- queries


def test_a_query_reads_files_of_the_tree_wherever_it_runs(tmp_path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/1.csv").write_text("at,n\n2026-03-29,1\n")
    (tmp_path / "data/2.csv").write_text("at,n\n2026-03-30,2\n")
    query = "select *, n as N from read_csv('data/*.csv') where n > 0 -- it's all"
    table = opened(tmp_path, {"query": query, "time": "at"})
    assert table.origin == "query"
    assert values(table, "n", "N", "day") == [
        (1, 1, date(2026, 3, 29)),
        (2, 2, date(2026, 3, 30)),
    ]
    assert "select" in (table.sql(nw.to_native(table.frame)) or "").lower()


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ("select * from read_csv('../secret.csv')", "SRC103", "outside"),
        ("select * from '../secret.csv'", "SRC103", "outside"),
        ("select * from read_csv('link.csv')", "SRC103", "outside"),
        ("select * from read_csv('l*.csv')", "SRC103", "outside"),
        (
            "select * from read_csv('../secr' || 'et' || '.cs' || 'v')",
            "SRC103",
            "not in the tree's",
        ),
        ("select * from read_csv('a' || '.cs' || 'v')", "SRC103", "not in the tree's folder"),
        ("select * from read_text('/etc/hostname')", "SRC103", "not in the tree's folder"),
        ("select * from glob('/etc/*.csv')", "SRC103", "not in the tree's folder"),
        ("select * from read_csv('http://127.0.0.1:9/x.csv')", "SRC103", "not in the tree's"),
        ("select * from read_csv('b.csv')", "SRC104", "cannot read b.csv: there is no such file"),
        ("copy (select 1) to 'b.csv'", "SRC119", "is not one SELECT"),
        ("copy (select 1) to 'a.csv'", "SRC119", "is not one SELECT"),
        ("select 1; select 2", "SRC119", "is not one SELECT"),
        ("create table t as select 1", "SRC119", "is not one SELECT"),
        ("attach 'x.db'", "SRC119", "is not one SELECT"),
        ("install httpfs", "SRC119", "is not one SELECT"),
        ("set enable_external_access = true", "SRC119", "is not one SELECT"),
        ("selec 1", "SRC119", "syntax error"),
        ("select * from orders", "SRC119", "orders"),
        ("select * from secret", "SRC119", "secret"),
    ],
)
def test_a_query_does_nothing_but_read_the_tree(tmp_path, query, code, said) -> None:
    secret = pd.DataFrame({"n": [1]})  # which DuckDB would find by its name
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "a.csv").write_text("n\n1\n")
    (tmp_path / "secret.csv").write_text("n\n1\n")
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    before = sorted(tmp_path.rglob("*"))
    found, message = told(folder, {"query": query})
    assert (found, said in message) == (code, True), message
    assert len(secret) == 1
    assert [one for one in sorted(tmp_path.rglob("*")) if one.name != "tree.yml"] == before


def test_a_query_is_refused_where_another_file_would_be_read(tmp_path, monkeypatch) -> None:
    (tmp_path / "a.csv").write_text("n\n1\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.csv").write_text("n\n2\n")
    monkeypatch.chdir(tmp_path / "elsewhere")
    code, message = told(tmp_path, {"query": "select * from 'a.csv'"})
    assert (code, "in the current one" in message) == ("SRC104", True)


# --- frames


def frames(kind: str, request: pytest.FixtureRequest) -> Any:
    data = arrow().drop_columns("nothing")
    if kind == "pyarrow":
        return data
    if kind == "duckdb":
        return duckdb.from_arrow(data)
    if kind == "ibis":
        ibis = pytest.importorskip("ibis")
        return ibis.memtable(data)
    if kind == "spark":
        folder = request.getfixturevalue("tmp_path")
        pq.write_table(data, folder / "frame.parquet")
        return request.getfixturevalue("session").read.parquet(str(folder / "frame.parquet"))
    polars = pl.from_arrow(data)
    return {
        "polars": polars,
        "lazy polars": polars.lazy(),
        "narwhals": nw.from_native(polars),
        "lazy narwhals": nw.from_native(polars.lazy()),
        "pandas": data.to_pandas(date_as_object=True),
        "pandas in arrow": data.to_pandas(types_mapper=pd.ArrowDtype),
    }[kind]


@pytest.mark.parametrize(
    "kind",
    [
        "pyarrow",
        "duckdb",
        "ibis",
        "spark",
        "polars",
        "lazy polars",
        "narwhals",
        "lazy narwhals",
        "pandas in arrow",
    ],
)
def test_a_frame_takes_the_place_of_what_the_tree_declares(tmp_path, kind, request) -> None:
    given = frames(kind, request)
    table = opened(tmp_path, {"table": "shop.orders", "time": "local"}, given=given)
    check(table)
    assert values(table, "moment") == [(None,), (MORNING,)]


def test_a_pandas_frame_tells_null_from_text_and_numbers(tmp_path) -> None:
    given = pd.DataFrame(
        {
            "at": pd.to_datetime(["2026-03-29T01:30:00Z", None]),
            "x": [0.5, None],
            "of": ["web", None],
            "at ": ["2026-03-29", "2026-03-29 03:30+02"],
            "big": pd.array([2**60 + 1, None], dtype="Int64"),
        }
    )
    table = opened(tmp_path, {"path": "a.csv", "time": "at "}, given=given)
    assert table.origin == "pandas frame"
    found = values(table, "at", "x", "of", "big", "day", "moment")
    assert sorted(found, key=str) == sorted(
        [
            (MORNING, 0.5, "web", 2**60 + 1, date(2026, 3, 29), None),
            (None, None, None, None, None, MORNING),
        ],
        key=str,
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([1, 2], "no frame but a list"),
        ({"n": [1]}, "no frame but a dict"),
        (pl.Series([1]), "no frame but a polars"),
        (pd.DataFrame([[1, 2]], columns=["n", "n"]), "two columns 'n'"),
        (pd.DataFrame({"n": [1, "a", b"x"]}), "objects of different types: bytes, int, str"),
        (pl.DataFrame(), "has no columns"),
        (pl.LazyFrame({"n": [1]}).select("m"), "m"),
    ],
)
def test_what_is_no_usable_frame_is_told(tmp_path, given, said) -> None:
    _, message = told(tmp_path, {"path": "a.csv"}, given=given)
    assert said in message


def test_names_of_columns_may_hold_anything(tmp_path) -> None:
    names = ["*", "^a.*$", "a b", 'a"b', "A", "a", "\u00e4"]
    given = pl.DataFrame({name: [position] for position, name in enumerate(names)})
    expected = [tuple(range(len(names)))]
    for one in (given, given.lazy(), given.to_arrow(), given.to_pandas()):
        assert values(opened(tmp_path, {"path": "a.csv"}, given=one), *names) == expected


# --- connections


def database(folder: Path) -> Path:
    path = folder / "store.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("create schema shop")
        connection.execute(
            "create table shop.orders as select timestamptz '2026-03-29 01:30:00+00' as at, 7 as n"
        )
    return path


def test_a_table_is_found_in_a_duckdb_file_or_connection(tmp_path, monkeypatch) -> None:
    path = database(tmp_path)
    source = {"table": "shop.orders", "time": "at"}
    monkeypatch.setenv("SHOP", str(path))
    with duckdb.connect(path, read_only=True) as connection:
        table = opened(tmp_path, source, connection=connection)
        assert values(table, "moment", "n") == [(MORNING, 7)]
    monkeypatch.chdir(tmp_path)
    for given in (
        str(path),
        path,
        "${SHOP}",
        f"duckdb://{path}",
        "duckdb://store.duckdb",
        "duckdb://${SHOP}",
    ):
        table = opened(tmp_path, source, connection=given)
        assert (values(table, "moment", "n"), table.origin) == ([(MORNING, 7)], "table shop.orders")
        del table
    table = opened(tmp_path, source | {"connection": "${SHOP}"}, connection="nowhere.duckdb")
    assert values(table, "n") == [(7,)]


def test_what_is_wrong_with_connections_is_told(tmp_path, monkeypatch) -> None:
    path = database(tmp_path)
    source = {"table": "shop.order"}
    monkeypatch.setenv("SECRET", "hunter2-of-ana")
    for given, code, said in (
        (path, "SRC118", "no table 'shop.order': did you mean shop.orders?"),
        (None, "SRC117", "no connection is given"),
        (tmp_path / "none.duckdb", "SRC117", "there is no DuckDB file"),
        ("duckdb://none.duckdb", "SRC117", "there is no DuckDB file duckdb://none.duckdb"),
        ("${SECRET}", "SRC117", "there is no DuckDB file ${SECRET}: check the path"),
        (f"sqlite://{tmp_path}/none.db", "SRC117", "there is no SQLite file"),
        ("local[2]", "SRC117", "choose the engine spark"),
        (5, "SRC117", "a int is no connection"),
        ("${UNSET_NAME}", "SRC117", "UNSET_NAME is not set"),
        (tmp_path / "tree.yml", "SRC117", "cannot connect to the DuckDB file"),
        ("odd://ana:${SECRET}@nowhere/x", "SRC117", "cannot connect to the odd database"),
        ("postgres://ana:${SECRET}@127.0.0.1:9/x", "SRC117", "cannot connect to the postgres"),
    ):
        found, message = told(tmp_path, source, connection=given)
        assert (found, said in message) == (code, True), message
        assert "hunter2" not in message
    assert not (tmp_path / "none.db").exists()
    code, message = told(tmp_path, {"path": "a.csv"} | {"path": "tree.csv"}, engine="duckdb")
    assert code == "SRC104"


@pytest.mark.parametrize(
    "text", ["shop.duckdb", "postgres://ana:hunter2@db/x", "${A}${B}", "${A} ", "$A", "${}"]
)
def test_a_tree_names_a_connection_by_one_variable_and_nothing_else(text) -> None:
    with pytest.raises(DefinitionError, match="SCH117"):
        MetricTree(
            north_star="orders",
            metrics=METRICS,
            sources={"s": {"table": "orders", "connection": text}},
        )


def test_only_a_table_has_a_connection() -> None:
    with pytest.raises(DefinitionError, match="only a table has a connection"):
        MetricTree(
            north_star="orders",
            metrics=METRICS,
            sources={"s": {"path": "a.csv", "connection": "${SHOP}"}},
        )


def test_a_table_of_postgres_is_read_through_ibis(tmp_path, monkeypatch) -> None:
    ibis = pytest.importorskip("ibis")
    with postgres() as server:
        server.execute(
            """
            create schema shop;
            create table shop.orders (
                at timestamptz, local timestamp, day date, price numeric(12, 2), any_price numeric,
                n bigint, ratio double precision, paid boolean, label text, written text, id uuid
            );
            insert into shop.orders values
                ('2026-03-29 03:30+02', '2026-03-29 01:30', '2026-03-29', 0.10, 1.5, 7, 0.5, true,
                 'web', '2026-03-28T20:30:00-05:00', '00000000-0000-0000-0000-000000000001'),
                (null, null, null, null, null, null, null, null, null, '2026-02-30', null)
            """
        )
        backend = ibis.postgres.connect(
            host=server.info.host, user=server.info.user, database=server.info.dbname
        )
        table = opened(tmp_path, {"table": "shop.orders", "time": "at"}, connection=backend)
        names = ("moment", "local", "day", "price", "any_price", "n", "ratio", "paid", "label")
        assert values(table, *names)[1] == (
            MORNING,
            MORNING,
            date(2026, 3, 29),
            Decimal("0.10"),
            Decimal("1.5"),
            7,
            0.5,
            True,
            "web",
        )
        assert table.columns["at"].type_name == "timestamp('UTC', 6)"
        assert "SELECT" in (table.sql(nw.to_native(table.frame)) or "")
        table = opened(tmp_path, {"table": "shop.orders", "time": "written"}, connection=backend)
        found = values(table, "day", "moment")
        assert sorted(found, key=str) == sorted([(None, MORNING), (None, None)], key=str)
        code, message = told(tmp_path, {"table": "shop.order"}, connection=backend)
        assert (code, "shop.orders" in message) == ("SRC118", True)
        monkeypatch.setenv("FOLDER", server.info.host)
        address = "postgres://tester@/postgres?host=${FOLDER}"
        table = opened(tmp_path, {"table": "shop.orders"}, connection=address)
        assert values(table, "n") == [(7,), (None,)]
        del table
        backend.disconnect()


def test_a_table_of_spark_is_read_in_its_session(tmp_path, session) -> None:
    session.sql("select timestamp'2026-03-28 21:30:00' as at, 7L as n").createTempView("orders")
    table = opened(tmp_path, {"table": "orders", "time": "at"}, connection=session)
    assert values(table, "moment", "n") == [(MORNING, 7)]
    code, message = told(tmp_path, {"table": "order"}, connection=session)
    assert (code, "did you mean orders?" in message) == ("SRC118", True)
    code, message = told(tmp_path, {"table": "orders"}, connection="local[7]", engine="spark")
    assert (code, "runs on local[2] already" in message) == ("SRC117", True)
    table = opened(tmp_path, {"table": "orders"}, connection="local[2]", engine="spark")
    assert values(table, "n") == [(7,)]


def test_files_of_a_folder_with_odd_names_are_no_patterns(tmp_path, use) -> None:
    folder = tmp_path / "a[1] {b}"
    folder.mkdir()
    (folder / "n[0].csv").write_text("n\n1\n")
    pq.write_table(pa.table({"n": [1]}), folder / "n*.parquet")
    pq.write_table(pa.table({"n": [2]}), folder / "nn.parquet")
    for engine in ENGINES:
        for path in ("n[0].csv", "n*.parquet"):
            assert values(opened(folder, {"path": path}, **use(engine)), "n") == [(1,)]
    shutil.rmtree(folder)


def test_texts_of_a_query_that_look_like_paths_are_texts(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("n\n1\n")
    query = "select n, 'none.csv' as file from 'a.csv' where 'x.csv' like '%.csv'"
    assert values(opened(tmp_path, {"query": query}), "n", "file") == [(1, "none.csv")]
