"""How well words alone tell a weak North Star, on cases from which nothing was learned.

Of each case the linter is given name, description, unit and product. The two files are by other
authors than the training cases; one was set aside before the first of these was written.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from metrictree import MetricTree

ROOT = Path(__file__).parent
TODAY = date(2026, 11, 22)
CODES = {"NS101": "revenue", "NS102": "external"}


def judged(case):
    """Return the findings about a North Star of which nothing but words is known."""
    body = {key: case[key] for key in ("description", "unit") if case[key] is not None}
    tree = MetricTree(
        north_star="star",
        metrics={"star": {"label": case["name"], **body}},
        product=case["product"],
    )
    report = tree.lint(today=TODAY)
    return [*report.errors, *report.warnings]


@pytest.fixture(scope="module", params=["north_stars_unseen.jsonl", "north_stars_blind.jsonl"])
def outcomes(request):
    lines = (ROOT / "data" / request.param).read_text("utf-8").splitlines()
    return [(case, judged(case)) for case in map(json.loads, lines)]


@pytest.mark.parametrize(("code", "least_recall"), [("NS101", 0.95), ("NS102", 0.8)])
def test_what_is_flagged_is_right_and_little_is_missed(outcomes, code, least_recall):
    counts = Counter(
        (CODES[code] in case["labels"], any(one.code == code for one in found))
        for case, found in outcomes
    )
    right, missed, wrong = counts[True, True], counts[True, False], counts[False, True]
    assert right >= 14
    assert right / (right + wrong) >= 0.95
    assert right / (right + missed) >= least_recall


def test_a_good_north_star_gets_hardly_ever_an_error_or_a_warning(outcomes):
    good = [found for case, found in outcomes if not case["labels"]]
    assert len(good) >= 60
    assert sum(map(bool, good)) <= 0.03 * len(good)


def test_no_case_is_one_that_was_learned_from(outcomes):
    lines = (ROOT.parent / "training" / "north_stars.jsonl").read_text("utf-8").splitlines()
    learned = {(case["name"], case["description"]) for case in map(json.loads, lines)}
    assert not [
        case["name"] for case, _ in outcomes if (case["name"], case["description"]) in learned
    ]
