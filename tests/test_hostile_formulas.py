"""Hostile formulas: each one is refused, has no value, or has the right one, and harms nothing."""

from __future__ import annotations

import math
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from metrictree import DefinitionError, MetricTree, MetricTreeError
from tests.children import ALL_WAYS, Child
from tests.hostile import gen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = {row["id"]: row for row in gen.load_formulas()}

FEATURES = {"op:**", "op:%", "ternary", "compare", "include", "merge-keys"} | {
    f"fn:{name}" for name in ("max", "min", "abs", "sqrt", "exp", "log", "floor", "ceil", "round")
}

IDS = "Metric ids: `[a-z][a-z0-9_]*` (SQL engines fold case)"
RESERVED = "no reserved word (`and or not in if else true false null`)"
ROUND = "`round(x, d)` rounds x*10^d in float64 half to even"

DIFFERENT: dict[str, tuple[str, float | None, str]] = {
    "baseline-028": ("accept", 2.68, ROUND),
    "baseline-041": ("reject", None, IDS),
    "baseline-042": ("reject", None, IDS),
    "names-012": ("accept", 6, RESERVED),
    "names-023": ("accept", 6, RESERVED),
}
"""Where the language decides otherwise than a line: outcome, value, the sentence that decides."""


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    one = Child(tmp_path_factory.mktemp("formulas"))
    yield one
    one.stop()


def tree_of(row: dict[str, Any]) -> dict[str, Any]:
    metrics = {"result": {"formula": row["formula"]}} | dict.fromkeys(row["inputs"])
    return {"north_star": "result", "metrics": metrics}


def expected(row: dict[str, Any]) -> tuple[set[str], float | None]:
    """Return the outcomes that will do, and the value where it is accepted."""
    if row["id"] in DIFFERENT:
        outcome, value, _ = DIFFERENT[row["id"]]
        return {outcome}, value
    outcome = row["expect"] if FEATURES.issuperset(row.get("needs", ())) else "reject"
    return {outcome, *row.get("also_ok", ())}, row.get("value")


def mentions(text: str, word: str) -> bool:
    """Whether a text has a word as a whole, in any case; signs have no word around them."""
    found = re.escape(word)
    if word[0].isalnum():
        found = rf"(?<![A-Za-z0-9_]){found}"
    if word[-1].isalnum():
        found = rf"{found}(?![A-Za-z0-9_])"
    return re.search(found, text, re.IGNORECASE) is not None


@pytest.mark.parametrize("name", ROWS)
def test_a_hostile_formula_does_what_its_line_says(name: str, child: Child) -> None:
    row = ROWS[name]
    case = {"tree": tree_of(row), "inputs": row["inputs"], "ways": ALL_WAYS}
    answer = child.ask(case, row.get("max_seconds", 2) * len(ALL_WAYS))
    outcome = answer.outcome
    assert not answer.complaints
    kinds, value = expected(row)
    assert outcome["kind"] in kinds, (row["why"], outcome)
    if outcome["kind"] == "accept":
        found = outcome["values"]["result"]
        assert isinstance(found, float)
        assert found not in row.get("must_not_value", ())
        tolerance = row.get("tolerance", 1e-9)
        assert math.isclose(found, value or 0.0, rel_tol=tolerance, abs_tol=tolerance)
    elif name not in DIFFERENT:
        text = outcome["text"]
        assert [w for w in row.get("error_should_mention", ()) if not mentions(text, w)] == [], text


def test_every_formula_does_the_same_in_this_process() -> None:
    for name, row in ROWS.items():
        try:
            values = MetricTree(**tree_of(row)).compute(row["inputs"])
        except MetricTreeError as error:
            kind = "reject" if isinstance(error, DefinitionError) else "value-error"
        else:
            kind = "value-error" if values.missing else "accept"
        assert kind in expected(row)[0], name


@pytest.mark.parametrize(
    ("attack", "complaint"),
    [
        ("harm: a file", "touched: open"),
        ("harm: a folder", "touched: os.mkdir"),
        ("harm: a socket", "touched: socket"),
        ("harm: the environment", "touched: os"),
        ("harm: code", "touched: compile"),
        ("harm: another error", "KeyError"),
        ("harm: memory", "MB in use"),
        ("harm: far too much memory", "MemoryError"),
        ("harm: a crash", "the child died"),
        ("harm: for ever", "no answer"),
    ],
)
def test_harm_is_seen(attack: str, complaint: str, tmp_path: Path) -> None:
    if "memory" in attack and sys.platform != "linux":
        pytest.skip("memory is measured on Linux only")
    child = Child(tmp_path)
    try:
        assert any(complaint in text for text in child.ask({"attack": attack}, 5).complaints)
        assert child.ask({"attack": "numbers of another class"}, 60).complaints == []
    finally:
        child.stop()
