"""The tests of every example tree pass, and would notice any mistake in its definitions."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from metrictree.testing.loading import load_whole
from metrictree.testing.mutation import mutate
from metrictree.testing.runner import run_tests

TODAY = date(2026, 11, 22)
EXAMPLES = Path(__file__).parents[1] / "examples"
TREES = [
    path
    for path in sorted(EXAMPLES.rglob("*.yml"))
    if path.parent.name != "inputs" and ".metrictest" not in path.name
]


def name_of(path: Path) -> str:
    return str(path.relative_to(EXAMPLES).with_suffix(""))


@pytest.mark.parametrize("path", TREES, ids=name_of)
def test_the_tests_of_an_example_pass(path: Path) -> None:
    report = run_tests(load_whole(path), today=TODAY)
    assert report.ok, f"\n{report}"
    assert len(report), "an example without tests"


@pytest.mark.parametrize("path", TREES, ids=name_of)
def test_the_tests_of_an_example_notice_every_mistake(path: Path) -> None:
    report = mutate(load_whole(path))
    assert report.score == 1, f"\n{report}"
