"""Trees that were labelled before the linter saw them, by definition and by finite differences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from metrictree import MetricTree

JUDGED = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "trees_judged.jsonl").read_text().splitlines()
]
NAMES = {"NS101": "revenue", "NS102": "external"}


@pytest.mark.parametrize("case", JUDGED, ids=lambda case: str(case["id"]))
def test_each_judged_tree_gets_its_labels(case: dict[str, Any]) -> None:
    report = MetricTree(**case["tree"]).lint(select=list(NAMES))
    assert sorted(NAMES[found.code] for found in report) == case["labels"], case["why"]
