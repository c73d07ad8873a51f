"""The case studies: each tree gives exactly the findings of its story, and the values by hand."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from metrictree import MetricTree
from metrictree.cli.new import STARTER
from metrictree.diagnostics import Severity
from metrictree.loader import load_inputs

FOLDER = Path(__file__).parents[1] / "examples" / "case_studies"
TODAY = date(2026, 11, 22)
WEAKNESSES = ("NS101", "NS102", "NS103", "NS104", "NS108", "NS109")
"""What a good North Star has none of, not even as advice."""

# All errors and warnings of each tree: code, severity, confidence, metric.
FINDINGS: dict[str, list[tuple[str, str, str, str]]] = {
    "agency": [],
    "clv": [("NS101", "error", "declared", "customer_lifetime_value")],
    "consulting": [],
    "consulting_hours_billed": [("NS108", "warning", "named", "hours_billed")],
    "ecommerce": [],
    "linkedin": [("NS103", "warning", "named", "monthly_active_users")],
    "linkedin_endorsements": [("NS109", "warning", "named", "endorsements_given")],
    "media": [],
    "mrr": [("NS101", "error", "declared", "mrr")],
    "nps": [
        ("NS105", "warning", "derived", "net_promoter_score"),
        ("NS104", "warning", "declared", "net_promoter_score"),
    ],
    "recruiting": [],
    "recruiting_job_postings": [("NS109", "warning", "named", "job_postings_created")],
    "spotify": [],
    "tour_operator": [("NS102", "error", "derived", "five_star_share")],
    "tour_operator_promises": [],
}

GOOD = [name for name, found in FINDINGS.items() if not found]

# What the inputs of each tree come to, worked out by hand.
VALUES: dict[str, dict[str, float]] = {
    "agency": {"roi_tracked_per_campaign": 0.54},  # 0.8 x 0.75 x 0.9
    "clv": {"months_kept": 50, "customer_lifetime_value": 8_000},  # 1 / 0.02; 200 x 0.8 x 50
    "consulting": {
        "planned_share": 0.85,  # 4,250 of 5,000 hours
        "kept_share": 0.94,
        "resources_utilised": 0.799,
    },
    "consulting_hours_billed": {"hours_billed": 110_000},  # 40 x 25 x 110
    "linkedin": {
        "new_members": 800_000,  # 0.16 of 5 million
        "returning_members": 9_450_000,  # 0.875 of 10.8 million
        "monthly_active_users": 11_000_000,
    },
    "linkedin_endorsements": {"endorsers": 500_000, "endorsements_given": 3_000_000},
    "media": {"readers": 40_000, "total_reading_time": 6_000},  # 8,000 + 32,000; x 3 x 0.05
    "mrr": {"new_mrr": 10_000, "mrr": 111_000},  # 100,000 + 10,000 + 4,000 - 3,000
    "nps": {"answers": 200, "net_promoter_score": 40},  # 100 x (120 - 40) / 200
    "recruiting": {"placements_per_job": 0.4, "placements_per_customer": 2},  # 8 x 0.25 x 0.2; x 5
    "recruiting_job_postings": {"job_postings_created": 2_000},  # 400 x 2.5 x 2
    "spotify": {
        "new_listeners": 480_000,  # 2 million x 0.3 x 0.8
        "returning_listeners": 5_520_000,  # 0.92 of 6 million
        "active_listeners": 6_000_000,
        "time_spent_listening": 150_000_000,  # x 20 x 1.25
    },
    "tour_operator": {"spoiled_by_others": 0.4, "five_star_share": 0.55},
    "tour_operator_promises": {
        "promised_share": 0.684,  # 0.95 x 0.9 x 0.8
        "tour_days_as_promised": 820.8,
    },
}


def load(name: str) -> MetricTree:
    return MetricTree.load(FOLDER / f"{name}.yml")


def inputs_of(name: str) -> dict[str, float]:
    return dict(load_inputs(FOLDER / "inputs" / f"{name}.yml").data)


def test_every_tree_of_the_folder_is_in_the_table() -> None:
    names = {path.stem for path in FOLDER.glob("*.yml")}
    assert names == FINDINGS.keys()
    assert names - {"ecommerce"} == VALUES.keys()  # its values come from rows
    assert {path.stem for path in (FOLDER / "inputs").iterdir()} == VALUES.keys()


# --- findings


@pytest.mark.parametrize("name", FINDINGS)
def test_a_tree_gives_exactly_the_errors_and_warnings_of_its_story(name: str) -> None:
    report = load(name).lint(today=TODAY)
    told = [
        (found.code, found.severity.value, str(found.confidence), str(found.metric))
        for found in report
        if found.severity is not Severity.ADVICE
    ]
    assert told == FINDINGS[name], f"\n{report}"


@pytest.mark.parametrize("name", GOOD)
def test_a_good_north_star_is_not_even_suspected_with_its_values_or_without(name: str) -> None:
    tree = load(name)
    for values in (None, inputs_of(name) if name in VALUES else None):
        report = tree.lint(today=TODAY, values=values)
        assert [found.code for found in report if found.code.startswith(WEAKNESSES)] == []


def test_the_tour_operator_is_told_how_much_comes_from_outside_and_on_which_way() -> None:
    (found,) = load("tour_operator").lint(
        select=["NS102"], today=TODAY, values=inputs_of("tour_operator")
    )
    # Ten percent more of each: 1.8, 1.2, 1.0 and 0.5 points, 4.5 together.
    told = {reason.metric: reason.way for reason in found.evidence}
    assert told == {
        f"spoiled_by_{by}": ("five_star_share", "spoiled_by_others", f"spoiled_by_{by}")
        for by in ("weather", "flights", "hotels")
    }
    assert "89 %" in found.message
    assert all(f"({share} %)" in found.message for share in (40, 27, 22))


def test_a_guardrail_settles_that_endorsements_can_be_pushed() -> None:
    tree = load("linkedin_endorsements")
    data = tree.spec.to_data()
    data["metrics"]["endorsed_by_strangers"] = {
        "description": "The part of endorsements by members who never worked together",
        "unit": "%",
        "improves": "down",
        "role": "guardrail",
    }
    assert [found.code for found in tree.lint(select=["NS109"])] == ["NS109"]
    assert list(MetricTree(**data).lint(select=["NS109"])) == []


def test_the_starter_tree_has_no_errors_or_warnings_in_ten_years_either() -> None:
    tree = MetricTree.load(STARTER)
    for today in (TODAY, TODAY.replace(year=2036)):
        report = tree.lint(today=today)
        assert report.errors + report.warnings == (), f"\n{report}"


# --- values


@pytest.mark.parametrize("name", VALUES)
def test_values_are_those_worked_out_by_hand(name: str) -> None:
    values = load(name).compute(inputs_of(name), strict=True)
    assert {metric: values[metric] for metric in VALUES[name]} == pytest.approx(
        VALUES[name], rel=1e-12
    )


def test_first_orders_by_week_are_those_counted_in_the_rows() -> None:
    pytest.importorskip("duckdb", reason="DuckDB is not installed")
    with (FOLDER / "data" / "new_visitors.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    weeks: dict[date, list[dict[str, str]]] = {}
    for row in rows:
        weeks.setdefault(monday(date.fromisoformat(row["came_on"])), []).append(row)
    assert [len(found) for found in weeks.values()] == [20, 25, 24]

    computed = load("ecommerce").run(grain="week").to_dicts()

    assert [row["week"] for row in computed] == sorted(weeks)
    assert [row["first_order_customers"] for row in computed] == pytest.approx([4, 5, 6])
    for row in computed:
        visitors = weeks[row["week"]]
        baskets = [visitor for visitor in visitors if visitor["basket"] == "true"]
        ordered = [visitor for visitor in baskets if visitor["ordered"] == "true"]
        returned = [visitor for visitor in ordered if visitor["sent_back"] == "true"]
        assert row["new_visitors"] == len(visitors)
        assert row["basket_share"] == len(baskets) / len(visitors)
        assert row["checkout_share"] == len(ordered) / len(baskets)
        assert row["first_order_customers"] == pytest.approx(len(ordered))
        assert row["returned_share"] == len(returned) / len(ordered)


def monday(day: date) -> date:
    return date.fromordinal(day.toordinal() - day.weekday())
