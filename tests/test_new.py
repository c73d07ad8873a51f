"""`metrictree new --from`: a first tree drafted from the columns of a file of one's own."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings, strategies as st

from metrictree import MetricTree
from metrictree.cli.program import program
from metrictree.engines.frames.rows import Kind
from metrictree.measures.draft import Seen, draft

pytest.importorskip("duckdb", reason="DuckDB is not installed")

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from click.testing import Result

ORDERS = """\
order_id,customer,ordered_at,country,amount
1,ada,2026-01-05,DE,40
2,ada,2026-01-19,DE,25.5
3,bob,2026-01-20,FR,60
4,cyd,2026-02-02,,30
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


def write(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8", newline="\n")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(program, arguments, prog_name="metrictree", catch_exceptions=False)


def drafted(text: str, name: str = "orders.csv") -> MetricTree:
    """Return the tree that is drafted from a file; no metric of it leads nowhere."""
    write(name, text)
    result = run("new", "--from", name, "--force")
    assert (result.exit_code, result.stderr) == (0, "")
    tree = MetricTree.load("tree.yml")
    assert tree.lint(select=["IM205"]).findings == ()
    return tree


def measures(tree: MetricTree) -> dict[str, str]:
    return {
        name: metric.measure.aggregate
        for name, metric in tree.metrics.items()
        if metric.measure is not None
    }


# --- what a user does


def test_the_commands_that_it_names_check_draw_and_run_the_tree() -> None:
    write("orders.csv", ORDERS)
    result = run("new", "--from", "orders.csv")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "Wrote tree.yml. Next:\n"
        "  metrictree check tree.yml\n"
        "  metrictree show tree.yml\n"
        "  metrictree run tree.yml --grain month\n"
    )
    check, show, computed = (
        run(*line.split()[1:]) for line in result.stdout.splitlines() if line.startswith("  ")
    )
    assert check.exit_code == show.exit_code == computed.exit_code == 0
    assert run("check", "tree.yml", "--fail-on", "warning").exit_code == 0
    assert [line.split()[:2] for line in computed.stdout.splitlines()[1:3]] == [
        ["2026-01-01", "3"],
        ["2026-02-01*", "1"],
    ]


def test_every_column_has_a_use_or_a_reason_why_not() -> None:
    tree = drafted(ORDERS)
    assert measures(tree) == {
        "orders": "count()",
        "customers": "count_distinct(customer)",
        "amount": "sum(amount)",
    }
    source = tree.spec.sources["orders"]
    assert (source.path, source.time, source.dimensions) == (
        "orders.csv",
        "ordered_at",
        ("country",),
    )
    assert tree.north_star.metric == "orders"
    assert tree.north_star.leads == ("amount",)
    assert "#   order_id: each row has its own\n" in Path("tree.yml").read_text(encoding="utf-8")


def test_its_values_are_those_of_the_file() -> None:
    (row,) = drafted(ORDERS).run().to_dicts()
    assert row == {
        "orders": 4,
        "customers": 3,
        "orders_per_customer": pytest.approx(4 / 3, rel=1e-15),
        "amount": 155.5,
        "amount_per_order": 155.5 / 4,
    }


def test_parquet_files_are_looked_at_too() -> None:
    import duckdb

    write("orders.csv", ORDERS)
    with duckdb.connect() as connection:
        connection.read_csv("orders.csv").write_parquet("orders.parquet")
    assert run("new", "--from", "orders.parquet").exit_code == 0
    tree = MetricTree.load("tree.yml")
    assert tree.spec.sources["orders"].time == "ordered_at"
    assert [row["orders"] for row in tree.run(grain="month").to_dicts()] == [3, 1]


def test_a_file_further_down_is_named_from_the_folder_of_the_tree() -> None:
    write("shop/data/orders.csv", ORDERS)
    assert run("new", "shop/tree.yml", "--from", "shop/data/orders.csv").exit_code == 0
    tree = MetricTree.load("shop/tree.yml")
    assert tree.spec.sources["orders"].path == "data/orders.csv"
    assert tree.run(["orders"]).rows == ((4,),)


def test_a_file_outside_of_the_folder_is_told_with_the_command_that_works() -> None:
    write("data/orders.csv", ORDERS)
    write("shop/other", "")
    result = run("new", "shop/tree.yml", "--from", "data/orders.csv")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "data/orders.csv lies outside of the folder of shop/tree.yml" in result.stderr
    command = result.stderr.splitlines()[-1].split()
    assert command[0] == "metrictree"
    assert not Path("shop/tree.yml").exists()
    assert run(*command[1:]).exit_code == 0
    assert MetricTree.load("data/tree.yml").run(["orders"]).rows == ((4,),)


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("orders.csv", None, "SRC104"),
        ("orders.csv", "", "SRC104"),
        ("orders.csv", "a,a\n1,2\n", "SRC105"),
        ("orders.csv", "a,b\n1,2\n1,2,3\n", "SRC105"),
        ("orders.xlsx", "PK", "SRC102"),
        ("orders.parquet", "PAR1", "SRC105"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_and_no_tree_is_written(
    name: str, text: str | None, code: str
) -> None:
    if text is not None:
        write(name, text)
    result = run("new", "--from", name)
    assert (result.exit_code, result.stdout) == (1, "")
    assert code in result.stderr
    assert not Path("tree.yml").exists()


def test_a_tree_that_is_there_is_kept_unless_forced() -> None:
    write("orders.csv", ORDERS)
    write("tree.yml", "mine")
    assert run("new", "--from", "orders.csv").exit_code == 1
    assert Path("tree.yml").read_text(encoding="utf-8") == "mine"


def test_only_a_tree_is_written_and_never_over_the_data() -> None:
    write("orders.csv", ORDERS)
    write("same.yml", ORDERS)
    Path("link.yml").symlink_to("orders.csv")
    for arguments, said in (
        (["orders.csv"], "did you mean --from orders.csv?"),
        (["tree.json"], "FILE has to end in .yml or .yaml, and tree.json does not."),
        (["orders.csv", "--from", "orders.csv"], "the same file: orders.csv"),
        (["same.yml", "--from", "same.yml"], "the same file: same.yml"),
        (["link.yml", "--from", "orders.csv"], "the same file: link.yml"),
    ):
        for force in ([], ["--force"]):
            result = run("new", *arguments, *force)
            assert (result.exit_code, result.stdout) == (2, "")
            assert said in result.stderr
    for name in ("orders.csv", "same.yml", "link.yml"):
        assert Path(name).read_text(encoding="utf-8") == ORDERS
    assert not Path("tree.json").exists()


# --- what is guessed


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"user_id": [1, 2, 1]}, {"users": "count_distinct(user_id)"}),
        ({"userId": ["a", "b", "a"]}, {"users": "count_distinct(userId)"}),
        ({"email": ["a@x", "b@x", "a@x"]}, {"emails": "count_distinct(email)"}),
        ({"company": ["a", "b", "a"]}, {"companies": "count_distinct(company)"}),
        ({"product_id": [7, 7, 8]}, {"products": "count_distinct(product_id)"}),
        ({"order_id": [1, 2, 3]}, {}),
        ({"quantity": [1, 2, 2]}, {"quantity": "sum(quantity)"}),
        ({"rating": [4, 5, 3]}, {"mean_rating": "mean(rating)"}),
        ({"year": [2025, 2026, 2026]}, {}),
        ({"zip": [10115, 10117, 10119]}, {}),
        ({"in": [1, 2, 3]}, {}),
        ({"Amount (EUR)": [1.5, 2.5, 3.0]}, {}),
        ({"null_": [1, 2, 3], "Null": [3, 4, 4]}, {"null_": "sum(null_)", "null__2": "sum(Null)"}),
        ({"rows": [1, 2, 3]}, {"rows_2": "sum(rows)"}),
        ({"is_user": [True, False, True]}, {}),
        ({"note": [None, None, None]}, {}),
    ],
)
def test_a_column_is_measured_by_its_name_and_values(
    columns: Mapping[str, Sequence[Any]], expected: dict[str, str]
) -> None:
    found = measures(MetricTree.from_yaml(draft("rows", "rows.csv", seen(columns))))
    assert found.pop("rows") == "count()"
    assert found == expected


def test_money_is_an_outcome_and_has_its_currency() -> None:
    text = draft("sales", "sales.csv", seen({"cost": [1, 2], "net_eur": [1.5, 2.5]}))
    tree = MetricTree.from_yaml(text)
    metrics = tree.metrics
    assert (metrics["net_eur"].role, str(metrics["net_eur"].unit)) == ("outcome", "EUR")
    assert metrics["cost"].role == "health"
    assert metrics["net_eur_per_sale"].formula == "net_eur / sales"


def test_the_time_is_the_first_one_without_gaps_that_is_no_end() -> None:
    days = ["2026-01-05", "2026-01-06"]
    names: dict[str, Sequence[Any]] = {
        "birthday": days,
        "shipped_at": days,
        "seen_at": [None, days[0]],
        "made_at": days,
    }
    columns = [Seen(name, Kind.TEXT, values, time=True) for name, values in names.items()]
    tree = MetricTree.from_yaml(draft("rows", "rows.csv", columns))
    assert tree.spec.sources["rows"].time == "made_at"


def test_without_a_time_the_tree_runs_over_all_rows() -> None:
    write("rows.csv", "country,amount\nDE,1\nFR,2\n")
    result = run("new", "--from", "rows.csv")
    assert result.stdout.endswith("\n  metrictree run tree.yml\n")
    tree = MetricTree.load("tree.yml")
    assert tree.spec.sources["rows"].time is None
    assert tree.run(["rows", "amount"]).rows == ((2, 3),)


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (["05.01.2026", "31.12.2026"], "days; write them as 2026-01-31"),
        (["1/31/26 10:00", "2/1/26 09:30"], "days; write them as 2026-01-31"),
        (["40", "1.000,50"], "numbers; write them as 1000.50"),
        (["40 USD", "25 USD"], "numbers; write them as 1000.50"),
    ],
)
def test_texts_that_look_like_days_or_numbers_are_told(texts: list[str], why: str) -> None:
    text = draft("rows", "rows.csv", seen({"x": texts}))
    assert f"#   x: its texts look like {why}\n" in text
    assert MetricTree.from_yaml(text).spec.sources["rows"].dimensions == ()


def test_codes_of_digits_are_dimensions() -> None:
    tree = MetricTree.from_yaml(draft("rows", "rows.csv", seen({"branch": ["007", "012"]})))
    assert tree.spec.sources["rows"].dimensions == ("branch",)


def test_texts_of_many_values_are_no_dimensions() -> None:
    columns = {"country": ["DE", "FR"] * 20, "comment": [f"text {n}" for n in range(40)]}
    tree = MetricTree.from_yaml(draft("rows", "rows.csv", seen(columns)))
    assert tree.spec.sources["rows"].dimensions == ("country",)


def seen(columns: Mapping[str, Sequence[Any]]) -> list[Seen]:
    return [Seen(name, kind_of(values), values, time=False) for name, values in columns.items()]


def kind_of(values: Sequence[Any]) -> Kind:
    first = next((value for value in values if value is not None), None)
    if isinstance(first, bool):
        return Kind.CONDITION
    return Kind.NUMBER if isinstance(first, (int, float)) else Kind.TEXT


NAMES = st.text(min_size=1, max_size=70) | st.sampled_from(
    [
        "no",
        "on",
        "null",
        "in",
        "order date",
        "a: b",
        "- x",
        "#1",
        '"',
        "'",
        "{x}",
        "*",
        "1",
        "é",
        "%",
    ]
)
CELLS = st.sampled_from(["", "1", "2.5", "a", "true", "no", "2026-01-05", "2026-01-05T10:00:00Z"])


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_any_header_gives_a_tree_without_problems_that_runs(data: st.DataObject) -> None:
    plain = NAMES.filter(lambda name: name.isprintable() and name.strip() == name)
    header = data.draw(st.lists(plain, min_size=1, max_size=5, unique_by=str.lower))
    stem = data.draw(st.sampled_from(["orders", "2026 export", "no", "b\u00fcro", "a'b"]))
    column = st.one_of(*(st.lists(st.just(cell) | CELLS, min_size=3, max_size=3) for cell in "1a"))
    cells = [data.draw(column) for _ in header]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([header, *zip(*cells, strict=True)])
    tree = drafted(stream.getvalue(), f"{stem}.csv")
    (name,) = tree.spec.sources
    assert tree.run().to_dicts()[0][name] == 3
