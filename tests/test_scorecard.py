"""The scorecard: what passes by a fact, what fails by a finding, and what people vouch for."""

from __future__ import annotations

import json
import pickle
from datetime import date
from typing import TYPE_CHECKING, Any, get_args

import pytest
import yaml
from click.testing import CliRunner

from metrictree import MetricTree, UsageError
from metrictree.cli.program import program
from metrictree.lint.scorecard import _AGAINST, Scorecard, Verdict
from metrictree.render.scorecard import render_scorecard, scorecard_html, scorecard_markdown
from metrictree.render.style import Style, text_width
from metrictree.schema import Criterion

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 3, 31)
PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN

BARE: dict[str, Any] = {
    "north_star": {"metric": "jobs_done"},
    "metrics": {"jobs_done": {"formula": "jobs * done_rate"}, "jobs": {}, "done_rate": {}},
}
FULL: dict[str, Any] = {
    "vision": "Every home is repaired",
    "north_star": {
        "metric": "jobs_done",
        "value_moment": "A household rates a finished job",
        "rationale": "They come back",
        "leads": ["kept"],
    },
    "metrics": {
        "jobs_done": {
            "formula": "jobs * done_rate",
            "description": "Finished jobs that were rated well",
            "unit": "job/week",
        },
        "jobs": {
            "measure": {"source": "jobs", "aggregate": "count()"},
            "unit": "job/week",
            "controllability": "influenced",
        },
        "done_rate": {
            "measure": {"source": "jobs", "aggregate": "mean(done)"},
            "unit": "ratio",
            "range": [0, 1],
            "controllability": "direct",
            "owner": "quality",
        },
        "kept": {"unit": "ratio", "role": "outcome", "timing": "lagging"},
    },
    "sources": {"jobs": {"path": "jobs.csv", "time": "day"}},
    "influences": [{"from": "jobs_done", "to": "kept", "lag": 4, "confidence": "correlated"}],
}
JUDGED_BY_PEOPLE = {"customer_value", "strategy"}


def changed(base: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a tree in which dotted places (with `__`) have other values; ``None`` takes away."""
    tree: dict[str, Any] = json.loads(json.dumps(base))
    for place, value in changes.items():
        *ways, last = place.split("__")
        inner = tree
        for way in ways:
            inner = inner[way]
        if value is None:
            inner.pop(last)
        else:
            inner[last] = value
    return tree


def card_of(base: dict[str, Any], **changes: Any) -> Scorecard:
    return MetricTree(**changed(base, **changes)).scorecard(today=DAY)


def vouched(criterion: str, **fields: Any) -> dict[str, Any]:
    return {criterion: {"by": "ana", "since": "2026-01-15", **fields}}


# --- what is known of a tree


def test_a_bare_tree_passes_nothing_and_fails_nothing() -> None:
    card = card_of(BARE)
    assert {judgement.verdict for judgement in card} == {UNKNOWN}
    assert all(judgement.settle and judgement.declare for judgement in card)


def test_a_tree_that_declares_all_passes_but_for_what_people_judge() -> None:
    card = card_of(FULL)
    unknown = {one.criterion for one in card if one.verdict is UNKNOWN}
    assert unknown == JUDGED_BY_PEOPLE
    assert card.count(PASS) == 7
    assert all(judgement.evidence for judgement in card)


def test_criteria_stand_in_the_order_of_the_schema_and_are_found_by_name() -> None:
    card = card_of(BARE)
    assert [judgement.criterion for judgement in card] == list(get_args(Criterion))
    assert list(_AGAINST) == list(get_args(Criterion))
    assert card["leading"].criterion == "leading"
    with pytest.raises(KeyError):
        card["lagging"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("criterion", "changes", "verdict", "told"),
    [
        ("customer_value", {}, UNKNOWN, "the value moment is declared: A household rates"),
        ("strategy", {}, UNKNOWN, "the vision is declared: Every home"),
        ("leading", {}, PASS, "past data shows that 'kept' follows 'jobs_done', 4 periods later"),
        (
            "leading",
            {"influences": [{"from": "jobs_done", "to": "kept"}]},
            UNKNOWN,
            "it is believed, and not tested, that 'kept'",
        ),
        (
            "leading",
            {"influences": [{"from": "jobs_done", "to": "kept", "confidence": "correlated"}]},
            UNKNOWN,
            "past data shows that 'kept' moves together with 'jobs_done'",
        ),
        (
            "leading",
            {"influences": [{"from": "jobs_done", "to": "kept", "confidence": "experiment"}]},
            PASS,
            "an experiment shows that 'kept' follows 'jobs_done'",
        ),
        (
            "leading",
            {
                "influences": [
                    {
                        "from": "jobs_done",
                        "to": "kept",
                        "confidence": "experiment",
                        "until": "2026-01-01",
                    }
                ]
            },
            UNKNOWN,
            "that was to be tested again by 2026-01-01",
        ),
        ("leading", {"metrics__jobs_done__timing": "leading", "influences": []}, UNKNOWN, "timing"),
        ("leading", {"metrics__jobs_done__timing": "lagging"}, FAIL, "(NS104)"),
        ("actionable", {}, PASS, "'done_rate' is under direct control of quality and brings"),
        ("actionable", {"metrics__done_rate__controllability": None}, UNKNOWN, "who can move"),
        (
            "actionable",
            {
                "metrics__done_rate__controllability": "external",
                "metrics__jobs__controllability": "external",
            },
            FAIL,
            "(NS105)",
        ),
        ("understandable", {}, PASS, "it says what it counts: Finished jobs"),
        ("understandable", {"metrics__jobs_done__description": None}, UNKNOWN, ""),
        (
            "understandable",
            {"metrics__jobs_done__formula": "jobs * done_rate" + " + jobs - jobs" * 5},
            FAIL,
            "operations",
        ),
        ("measurable", {}, PASS, "'jobs' is measured: count() of jobs"),
        ("measurable", {"metrics__jobs__measure": None}, UNKNOWN, "'done_rate' is measured"),
        ("not_vanity", {}, PASS, "it can fall: it is no running total"),
        ("not_vanity", {"north_star__value_moment": None}, UNKNOWN, ""),
        (
            "not_vanity",
            {"metrics__jobs_done__formula": "cumulative(jobs)"},
            FAIL,
            "(NS103)",
        ),
        ("not_revenue", {}, PASS, "it is in job/week, which is no money"),
        ("not_revenue", {"metrics__jobs_done__unit": None}, PASS, ""),
        ("not_external", {}, PASS, "of its movement comes from what teams control"),
        ("not_external", {"metrics__jobs__controllability": None}, UNKNOWN, "50 %"),
        (
            "not_external",
            {
                "metrics__jobs__controllability": "external",
                "metrics__done_rate__controllability": "external",
            },
            FAIL,
            "(NS102)",
        ),
    ],
)
def test_a_verdict_rests_on_what_the_tree_declares(
    criterion: Criterion, changes: dict[str, Any], verdict: Verdict, told: str
) -> None:
    judgement = card_of(FULL, **changes)[criterion]
    assert judgement.verdict is verdict
    assert told in "; ".join(reason.text for reason in judgement.evidence)
    assert (judgement.settle is None) is (verdict is PASS)
    assert (judgement.declare is None) is (verdict is not UNKNOWN)


def test_units_that_are_not_declared_are_asked_for() -> None:
    judgement = card_of(BARE)["not_revenue"]
    assert judgement.verdict is UNKNOWN
    assert judgement.settle == "declare the `unit` of 'jobs' and 'done_rate'"
    assert judgement.declare == "metrics:\n  jobs: {unit: UNIT}\n  done_rate: {unit: UNIT}\n"


MONEY: dict[str, Any] = {
    "north_star": {"metric": "index"},
    "metrics": {
        "index": "customers * arpu",
        "customers": {"unit": "customer"},
        "arpu": {"unit": "USD/customer"},
    },
}


def test_money_in_the_graph_fails_with_its_way() -> None:
    judgement = card_of(MONEY)["not_revenue"]
    assert judgement.verdict is FAIL
    assert any("index <- customers * arpu" in reason.text for reason in judgement.evidence)
    assert judgement.settle


def test_values_settle_whether_it_can_be_measured() -> None:
    tree = MetricTree(**BARE)
    assert tree.scorecard(today=DAY)["measurable"].verdict is UNKNOWN
    values = {"jobs": 40, "done_rate": 0.9}
    assert tree.scorecard(today=DAY, values=values)["measurable"].verdict is PASS
    history = {"jobs": [40, 50, 45], "done_rate": [0.9, 0.8, 0.9]}
    assert tree.scorecard(today=DAY, history=history)["measurable"].verdict is PASS
    with pytest.raises(UsageError):
        tree.scorecard(values={"jbos": 40})
    nothing = {"jobs": [None, None], "done_rate": [None, None]}
    assert tree.scorecard(today=DAY, history=nothing)["measurable"].verdict is UNKNOWN


def test_values_of_a_north_star_without_formula_settle_whether_it_can_be_measured() -> None:
    tree = MetricTree(north_star="jobs", metrics={"jobs": {"unit": "job"}})
    assert tree.scorecard(today=DAY, values={"jobs": 40})["measurable"].verdict is PASS
    assert tree.scorecard(today=DAY, history={"jobs": [40, 50]})["measurable"].verdict is PASS
    assert tree.scorecard(today=DAY, values={"jobs": None})["measurable"].verdict is UNKNOWN


# --- people


@pytest.mark.parametrize("criterion", get_args(Criterion))
def test_a_person_settles_what_is_unknown(criterion: Criterion) -> None:
    card = card_of(BARE, north_star__attestations=vouched(criterion, note="seen it"))
    assert card[criterion].verdict is PASS
    assert card.count(PASS) == 1
    (told, *_) = card[criterion].evidence
    assert told.text == "ana vouches for it since 2026-01-15, until 2027-01-15: seen it"
    assert told.fact == "attestation"


@pytest.mark.parametrize(
    ("fields", "verdict", "told"),
    [
        ({"since": "2025-03-31"}, PASS, "until 2026-03-31"),
        ({"since": "2025-03-30"}, UNKNOWN, "the attestation of ana of 2025-03-30 ended"),
        ({"since": "2024-02-29"}, UNKNOWN, "ended on 2025-02-28"),
        ({"until": "2026-03-31"}, PASS, "until 2026-03-31"),
        ({"until": "2026-03-30"}, UNKNOWN, "ended on 2026-03-30"),
        ({"since": "2026-04-01"}, UNKNOWN, "which is still to come"),
        ({"since": "2020-01-01", "until": "2030-01-01"}, PASS, "until 2030-01-01"),
    ],
)
def test_an_attestation_ends(fields: dict[str, str], verdict: Verdict, told: str) -> None:
    judgement = card_of(BARE, north_star__attestations=vouched("strategy", **fields))["strategy"]
    assert judgement.verdict is verdict
    assert told in judgement.evidence[-1].text


def test_a_fact_outweighs_an_attestation() -> None:
    judgement = card_of(MONEY, north_star__attestations=vouched("not_revenue"))["not_revenue"]
    assert judgement.verdict is FAIL
    assert judgement.evidence[-1].text == "a fact outweighs an attestation"
    assert "ana vouches for it" in judgement.evidence[-2].text


NAMED: dict[str, Any] = {
    "north_star": {"metric": "star"},
    "metrics": {"star": {"label": "Monthly recurring revenue"}},
}


def test_an_attestation_outweighs_words() -> None:
    judgement = card_of(NAMED)["not_revenue"]
    assert judgement.verdict is FAIL
    assert "if the words mislead, let somebody vouch for it" in str(judgement.settle)
    vouching = card_of(NAMED, north_star__attestations=vouched("not_revenue"))["not_revenue"]
    assert vouching.verdict is PASS
    assert any("(NS101)" in reason.text for reason in vouching.evidence)


def test_words_that_are_set_aside_do_not_fail_and_facts_do() -> None:
    silenced = changed(NAMED, metrics__star__ignore={"NS101": "it is an index"})
    assert MetricTree(**silenced).scorecard(today=DAY)["not_revenue"].verdict is UNKNOWN
    everywhere = changed(NAMED, lint={"ignore": {"NS": "later"}})
    assert MetricTree(**everywhere).scorecard(today=DAY)["not_revenue"].verdict is UNKNOWN
    kept = changed(MONEY, lint={"ignore": {"NS101": "the board wants it"}})
    assert MetricTree(**kept).scorecard(today=DAY)["not_revenue"].verdict is FAIL


def test_milder_severities_of_the_tree_change_no_verdict() -> None:
    card = card_of(MONEY, lint={"severity": {"NS101": "advice"}, "select": ["IM"]})
    assert card["not_revenue"].verdict is FAIL


def test_what_settles_an_unknown_is_yaml_that_a_tree_takes() -> None:
    for judgement in card_of(BARE):
        assert judgement.declare is not None
        block = yaml.safe_load(judgement.declare)
        assert set(block) <= {"north_star", "metrics", "influences"}
        if "attestations" in judgement.declare:
            tree = {**BARE, "north_star": block["north_star"]}
            assert MetricTree(**tree).scorecard(today=DAY)[judgement.criterion].verdict is PASS


# --- what is done with it


def test_a_scorecard_is_data() -> None:
    card = card_of(FULL)
    data = json.loads(json.dumps(card.to_dict()))
    assert data["metric"] == "jobs_done"
    assert data["today"] == "2026-03-31"
    assert data["counts"] == {"pass": 7, "fail": 0, "unknown": 2}
    assert [one["criterion"] for one in data["criteria"]] == list(get_args(Criterion))
    assert repr(card) == "Scorecard('jobs_done', pass=7, fail=0, unknown=2)"
    assert str(card) == render_scorecard(card)
    assert card._repr_html_() == scorecard_html(card)
    assert pickle.loads(pickle.dumps(card)) == card
    assert len(card) == 9


HOSTILE = 'x\n::error::y <script> | @all \x1b[2J \u202e `code` {0} "q"'


def test_texts_of_a_tree_stay_in_their_place() -> None:
    card = card_of(
        FULL,
        metrics__jobs_done__label=HOSTILE,
        metrics__jobs_done__description=HOSTILE,
        north_star__value_moment=HOSTILE,
        north_star__attestations=vouched("strategy", by=HOSTILE, note=HOSTILE),
        metrics__done_rate__owner=HOSTILE,
    )
    text = render_scorecard(card, Style(width=80))
    assert max(map(text_width, text.splitlines())) <= 80
    for shown in (text, scorecard_markdown(card), scorecard_html(card)):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert not any(line.startswith("::") for line in shown.splitlines())
    assert "<script>" not in scorecard_html(card)
    table = [line for line in scorecard_markdown(card).splitlines() if line.startswith("|")]
    assert len(table) == 11
    assert "@all" not in "".join(table)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(program, ["score", *arguments], prog_name="metrictree")


@pytest.fixture
def full(tmp_path: Path) -> str:
    path = tmp_path / "tree.yml"
    path.write_text(json.dumps(FULL), encoding="utf-8")
    return str(path)


def test_the_verb_prints_a_block_for_each_criterion(full: str) -> None:
    result = run(full, "--today", "2026-03-31")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "North Star: jobs done (jobs_done), on 2026-03-31"
    verdicts = [line.split()[0] for line in lines if line.startswith(("pass", "fail", "unknown"))]
    assert sorted(verdicts) == ["pass"] * 7 + ["unknown"] * 2
    assert "7 of 9 criteria pass, 0 fail, 2 are unknown" in lines
    assert "      strategy: {by: NAME, since: 2026-03-31, note: WHAT IT RESTS ON}" in lines
    data = json.loads(run(full, "--today", "2026-03-31", "--format", "json").stdout)
    assert data == MetricTree(**FULL).scorecard(today=DAY).to_dict()
    assert run(full, "--format", "markdown").stdout.startswith("### North Star: jobs done")


@pytest.mark.parametrize(("fail_on", "exit_code"), [("never", 0), ("fail", 0), ("unknown", 1)])
def test_the_verb_fails_only_when_asked_to(full: str, fail_on: str, exit_code: int) -> None:
    assert run(full, "--fail-on", fail_on).exit_code == exit_code


def test_a_criterion_that_fails_can_fail_the_verb(tmp_path: Path) -> None:
    path = tmp_path / "money.yml"
    path.write_text(json.dumps(MONEY), encoding="utf-8")
    assert run(str(path)).exit_code == 0
    assert run(str(path), "--fail-on", "fail").exit_code == 1


def test_a_value_moment_alone_does_not_say_that_a_bare_name_is_no_vanity():
    tree = MetricTree(
        north_star={"metric": "people", "value_moment": "A user opens the app"},
        metrics={
            "people": {"label": "Active people of the month", "formula": "newcomers + known"},
            "newcomers": None,
            "known": None,
        },
    )
    judged = tree.scorecard(today=DAY)["not_vanity"]
    assert judged.verdict is UNKNOWN
    assert "description" in str(judged.settle)
