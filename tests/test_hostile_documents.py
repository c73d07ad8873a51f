"""Hostile documents: each one is refused with its place, or loads as it reads; none does harm."""

from __future__ import annotations

import math
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest

from metrictree import DefinitionError, MetricTree, MetricTreeError
from tests.attack_documents import DOCUMENTS
from tests.children import ALL_WAYS, Child
from tests.hostile import gen
from tests.test_hostile_formulas import RESERVED, mentions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = {row["file"]: row for row in gen.load_yaml_index()}

DIFFERENT: dict[str, tuple[str, str]] = {
    "056_merge_defaults.yaml": ("reject", "unknown fields [...] are errors"),
    "262_metric_null.yaml": ("value-error", "`visits:` (nothing is an input)"),
    "284_id_keyword.yaml": ("accept", RESERVED),
    # The path is fine; what the file defines stands twice.
    "324_include_dot_dot_inside.yaml": ("reject", "inside the first file's folder or --root"),
    "353_html_attribute_double.yaml": ("reject", "| unit | unit expression"),
}
"""Where the language decides otherwise than a line: outcome, and the sentence that decides."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    there = tmp_path_factory.mktemp("documents") / "yaml"
    gen.lay_out(there)
    return there


@pytest.fixture(scope="module")
def child(folder: Path) -> Iterator[Child]:
    one = Child(folder)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def pure_child(folder: Path) -> Iterator[Child]:
    """With PyYAML's own parser in place of libyaml, and another order of sets."""
    one = Child(folder, pure=True, seed=12345)
    yield one
    one.stop()


def check(row: dict[str, Any], outcome: dict[str, Any]) -> None:
    """Compare what came of a document with its line."""
    name, kind = row["file"], outcome["kind"]
    if name in DIFFERENT:
        assert kind == DIFFERENT[name][0], outcome
        return
    assert kind in {row["expect"], *row.get("also_ok", ())}, (row["why"], outcome)
    if kind == "accept":
        for metric, value in row.get("values", {}).items():
            assert math.isclose(outcome["values"][metric], value, rel_tol=1e-9), outcome
        for metric, value in row.get("must_not_values", {}).items():
            assert outcome["values"].get(metric) != value
        text = outcome["findings"]
        assert [w for w in row.get("warning_should_mention", ()) if not mentions(text, w)] == []
        return
    text = outcome["text"]
    words = [FIELDS.get(word, word) for word in row["error_should_mention"]]
    assert [w for w in words if not mentions(text, w)] == [], text
    if row["line"] is not None:
        assert row["line"] in outcome["lines"], outcome


FIELDS = gen.FIELDS


def test_the_stored_documents_are_as_they_were_written() -> None:
    assert gen.changed_files() == []


@pytest.mark.parametrize("name", ROWS)
def test_a_hostile_document_does_what_its_line_says(
    name: str, child: Child, pure_child: Child
) -> None:
    row = ROWS[name]
    seconds = row.get("max_seconds", 2) * len(ALL_WAYS)
    answer = child.ask({"file": name, "ways": ALL_WAYS}, seconds)
    assert not answer.complaints
    check(row, answer.outcome)
    pure = pure_child.ask({"file": name}, seconds)
    assert not pure.complaints
    assert pure.outcome["kind"] == answer.outcome["kind"]
    check(row, pure.outcome)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there, and no FIFO exists")
def test_a_link_a_pipe_or_a_long_chain_of_includes_does_no_harm(
    tmp_path: Path,
) -> None:
    there = tmp_path / "yaml"
    gen.lay_out(there)
    rows = gen.lay_links(there)
    child = Child(there)
    try:
        for row in rows:
            answer = child.ask({"file": row["file"]}, row.get("max_seconds", 5))
            assert not answer.complaints
            check(row, answer.outcome)
    finally:
        child.stop()


@pytest.mark.parametrize("name", gen.YAML_BIG)
def test_a_big_document_is_read_or_refused_in_time(
    name: str, folder: Path, child: Child, request: pytest.FixtureRequest
) -> None:
    row = {"file": f"big_{name}.yaml", "error_should_mention": [], "line": None} | gen.YAML_BIG[
        name
    ]
    big = folder / row["file"]
    big.write_bytes(gen.yaml_big(name))
    try:
        answer = child.ask({"file": row["file"]}, row["max_seconds"])
    finally:
        big.unlink()
    assert not answer.complaints
    check(row, answer.outcome)
    if answer.outcome["kind"] == "accept" and "value" in row:
        assert next(iter(answer.outcome["values"].values())) == row["value"]


@pytest.mark.parametrize("name", gen.YAML_BIG)
def test_a_smaller_one_of_its_kind_does_the_same_however_it_is_called(
    name: str, folder: Path, child: Child, pure_child: Child
) -> None:
    small = folder / f"small_{name}.yaml"
    small.write_bytes(gen.yaml_big(name, min(gen.YAML_BIG[name]["n"], 250)))
    answer = child.ask({"file": small.name, "ways": ALL_WAYS}, 30)
    pure = pure_child.ask({"file": small.name}, 30)
    assert answer.complaints == pure.complaints == []
    assert answer.outcome["kind"] == pure.outcome["kind"]


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_document_does_harm(name: str, folder: Path, child: Child, pure_child: Child) -> None:
    files, code = DOCUMENTS[name]
    write(folder / "tree", files)
    case = {"file": "tree/tree.yml"}
    try:
        # PyYAML's own parser reads about 200 kB a second, and two threads take twice the memory.
        short = sum(map(len, files.values())) < 200_000
        ways = ALL_WAYS if short else ALL_WAYS[:1]
        answer = child.ask(case | {"ways": ways, "again": short}, 60)
        pure = pure_child.ask(case, 60) if short else answer
    finally:
        shutil.rmtree(folder / "tree")
    assert answer.complaints == pure.complaints == []
    for outcome in (answer.outcome, pure.outcome):
        if code is None:
            assert outcome["kind"] == "accept", outcome
        else:
            assert code in outcome["codes"], outcome


def test_most_documents_do_the_same_in_this_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for name, row in ROWS.items():
        try:
            tree = MetricTree.load(name)
            values = tree.compute({})
        except MetricTreeError as error:
            kind = "reject" if isinstance(error, DefinitionError) else "value-error"
        else:
            kind = "value-error" if values.missing else "accept"
        expected = (
            DIFFERENT[name][:1] if name in DIFFERENT else (row["expect"], *row.get("also_ok", ()))
        )
        assert kind in expected, name
