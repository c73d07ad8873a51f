"""The tables of the manual say what is so, made from the code or written by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.hooks import (
    BLOCKS,
    TABLES,
    anchor_of,
    document_tables,
    functions_table,
    limits_table,
)
from metrictree import DefinitionError, MetricTree, json_schema, parse_formula
from metrictree.codes import CODES
from metrictree.formula import AGGREGATES, FUNCTIONS
from metrictree.formula.operators import PRECEDENCE

DOCS = Path(__file__).parent.parent / "docs"
FORMULAS = DOCS / "reference" / "formulas.md"
DOCUMENTS = DOCS / "reference" / "documents.md"
MARKER = re.compile(r"^<!-- ([a-z-]+) -->$", re.MULTILINE)


def rows(page: Path, *head: str) -> list[dict[str, str]]:
    """Return the rows of all tables of a page whose columns hold ``head``."""
    found: list[dict[str, str]] = []
    columns: list[str] = []
    for line in page.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            columns = []
            continue
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not columns:
            columns = cells
        elif set(head) <= set(columns) and not line.startswith("| ---"):
            found.append(dict(zip(columns, cells, strict=True)))
    return found


def spelled(cell: str) -> str:
    """Return the first text in back-quotes."""
    found = re.search(r"`([^`]+)`", cell)
    assert found is not None
    return found[1]


MEANINGS = rows(FORMULAS, "formula", "value")
FORMULA_REFUSALS = rows(FORMULAS, "written", "finding", "write")
DOCUMENT_REFUSALS = rows(DOCUMENTS, "written", "finding", "because")


def test_the_pages_hold_the_tables_that_are_tested_here() -> None:
    assert len(MEANINGS) > 30
    assert len(FORMULA_REFUSALS) > 20
    assert len(DOCUMENT_REFUSALS) > 10


@pytest.mark.parametrize("row", MEANINGS, ids=lambda row: str(row["formula"]))
def test_a_formula_of_the_manual_has_the_value_beside_it(row: dict[str, str]) -> None:
    tree = MetricTree(north_star="x", metrics={"x": {"formula": spelled(row["formula"])}})
    values = tree.compute({})
    if row["value"] == "missing":
        assert values["x"] is None
        assert values.why("x") is not None
    else:
        assert repr(values["x"]) == repr(float(row["value"]))


@pytest.mark.parametrize("row", FORMULA_REFUSALS, ids=lambda row: str(row["written"]))
def test_a_spelling_that_the_manual_refuses_has_its_code(row: dict[str, str]) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_formula(spelled(row["written"]))
    assert {found.code for found in caught.value.diagnostics} == {row["finding"][1:7]}


@pytest.mark.parametrize("row", FORMULA_REFUSALS, ids=lambda row: str(row["written"]))
def test_the_right_spelling_of_the_manual_is_a_formula(row: dict[str, str]) -> None:
    assert parse_formula(spelled(row["write"])).nodes


@pytest.mark.parametrize("row", DOCUMENT_REFUSALS, ids=lambda row: str(row["written"]))
def test_a_line_that_the_manual_refuses_has_its_code(row: dict[str, str]) -> None:
    head = "north_star: orders\nmetrics: {orders: visits * 2, visits: }\n"
    with pytest.raises(DefinitionError) as caught:
        MetricTree.from_yaml(f"{head}{spelled(row['written'])}\n")
    assert {(found.code, found.span and found.span.line) for found in caught.value.diagnostics} == {
        (row["finding"][1:7], 3)
    }


def test_every_marker_of_a_page_names_a_table_and_every_table_has_its_place() -> None:
    used = [name for page in DOCS.rglob("*.md") for name in MARKER.findall(page.read_text("utf-8"))]
    assert sorted(used) == sorted(TABLES)


def test_every_function_and_aggregate_has_its_row() -> None:
    text = "\n".join(
        [functions_table(), functions_table(over_time=True), TABLES["aggregates-table"]()]
    )
    for function in FUNCTIONS.values():
        assert f"| `{function.name}({function.parameters})` | {function.summary} |" in text
    for aggregate in AGGREGATES.values():
        assert f"| `{aggregate.name}({aggregate.parameters})` | {aggregate.summary} |" in text


def test_every_operator_stands_in_the_table_of_precedence() -> None:
    table = TABLES["precedence-table"]()
    for name in PRECEDENCE.keys() - {"neg", "if", "compare", "not"}:
        assert f"`{name}`" in table
    assert table.index("`**`") < table.index("`-x`") < table.index("`*`") < table.index("`and`")


def test_every_model_of_the_schema_has_its_block() -> None:
    assert BLOCKS.keys() == {"TreeSpec", "TestFile", *json_schema()["$defs"]}


def test_every_field_of_a_document_has_a_row_with_a_type_and_a_meaning() -> None:
    schema = json_schema()
    table = document_tables()
    for block in (schema, json_schema("tests"), *schema["$defs"].values()):
        for name, field in block.get("anyOf", [block])[-1]["properties"].items():
            row = rf"^\| `{name}` \| [^|]+ \| [^|]* \| {re.escape(field['description'])} \|$"
            assert re.search(row, table, re.MULTILINE), name


def test_links_between_the_blocks_of_a_document_lead_somewhere() -> None:
    table = document_tables()
    headings = {anchor_of(heading) for heading in re.findall(r"^### (.*)$", table, re.MULTILINE)}
    assert set(re.findall(r"\(#([^)]+)\)", table)) <= headings


def test_every_limit_has_its_row_with_its_default() -> None:
    assert "| `metrics` | 250,000 | Metrics of a tree. |" in limits_table()


def test_the_manual_names_only_codes_that_there_are() -> None:
    for page in DOCS.rglob("*.md"):
        named = re.findall(r"\b(?:DOC|SCH|INC|FML|GRA|VAL|SRC)[0-9]{3}\b", page.read_text("utf-8"))
        assert set(named) <= CODES.keys(), page.name
