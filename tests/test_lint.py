"""The linter: which rules run, what is set aside, in which order; and every rule's manual page."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from metrictree import MetricTree, Severity, UsageError
from metrictree.codes import CODES
from metrictree.lint.manual import manual
from metrictree.lint.rules import RULES
from tests.lint_rows import DAY, places

if TYPE_CHECKING:
    from metrictree.lint import LintReport
    from metrictree.lint.rule import Rule

TODAY = date.fromisoformat(DAY)
HEAD = "north_star: a\nmetrics: {a: b * c, b: , c: , d: , e: }\n"
"""Gives IM205 at `d` and `e`, IM201 to IM203 at `b` and `c`, and NS110 to NS115."""


def linted(text: str, **arguments: Any) -> LintReport:
    return MetricTree.from_yaml(text.replace(">>", "")).lint(today=TODAY, **arguments)


def told(text: str, **arguments: Any) -> list[tuple[str, str | None]]:
    return [(found.code, found.metric) for found in linted(text, **arguments)]


# --- which rules run


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        ({"select": ["IM205"]}, {"IM205"}),
        ({"select": "IM205"}, {"IM205"}),
        ({"select": ["IM2"]}, {"IM201", "IM202", "IM203", "IM205"}),
        ({"select": ["IM", "NS112"]}, {"IM201", "IM202", "IM203", "IM205", "NS112"}),
        ({"select": ["IM"], "ignore": ["IM20"]}, set()),
        ({"select": ["IM"], "ignore": "IM205"}, {"IM201", "IM202", "IM203"}),
        ({"select": []}, set()),
        ({"select": iter(["IM205", "IM205"])}, {"IM205"}),
    ],
)
def test_rules_are_selected_and_left_out_by_code_or_beginning(arguments, codes):
    assert {found.code for found in linted(HEAD, **arguments)} == codes


def test_the_tree_selects_where_no_argument_does():
    text = HEAD + "lint: {select: [IM205, NS110]}\n"
    assert {found.code for found in linted(text)} == {"IM205", "NS110"}
    assert {found.code for found in linted(text, ignore=["NS"])} == {"IM205"}
    assert {found.code for found in linted(text, select=["IM201"])} == {"IM201"}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("IM2O5", "there is no rule 'IM2O5': did you mean IM205"),
        ("im205", "did you mean IM205"),
        ("", "there is no rule ''"),
        ("XX", "`metrictree rule` lists them"),
        ("GRA101", "it is a mistake of the document, which is always told"),
        ("NS\x1b[2J", r"NS\x1b[2J"),
    ],
)
@pytest.mark.parametrize("argument", ["select", "ignore"])
def test_an_argument_that_names_no_rule_is_refused(argument, asked, words):
    with pytest.raises(UsageError, match="VAL110") as caught:
        linted(HEAD, **{argument: [asked]})
    assert words in str(caught.value)


@pytest.mark.parametrize("asked", [5, [5], [None], [b"NS"], ["NS", 1.5]])
@pytest.mark.parametrize("argument", ["select", "ignore"])
def test_an_argument_that_is_no_text_is_refused(argument, asked):
    with pytest.raises(UsageError, match="is no code of a rule"):
        linted(HEAD, **{argument: asked})


@pytest.mark.parametrize("day", ["2026-01-31", datetime(2026, 1, 31), 20260131])  # noqa: DTZ001
def test_what_is_no_day_is_refused(day):
    tree = MetricTree.from_yaml(HEAD)
    with pytest.raises(UsageError, match="which is no day"):
        tree.lint(today=day)
    with pytest.raises(UsageError, match="which is no day"):
        tree.scorecard(today=day)


@pytest.mark.parametrize("star", ["b * c", None])
@pytest.mark.parametrize(
    "given",
    [
        {"values": {"typo": 1}},
        {"values": 3},
        {"history": {"typo": [1, 2]}},
        {"history": {"b": "12", "c": "34"}},
        {"history": 3},
        {"values": {"b": 1, "c": 2}, "history": {"b": [1, 2], "c": [3, 4]}},
    ],
)
def test_what_is_given_is_checked_whatever_rules_run(star, given):
    tree = MetricTree(north_star="a", metrics={"a": star, "b": None, "c": None})
    for select in (None, [], ["IM201"]):
        with pytest.raises(UsageError):
            tree.lint(select=select, **given)


@pytest.mark.parametrize(
    "given",
    [
        {"history": {"fees": [1, 2, 3, 4, 5, 6]}},  # too short for the formula
        {"history": {"fees": [5] * 40}},
        {"history": {"fees": [None] * 40}},
        {"values": {"fees": None}},
        {"values": {"fees": 0}},
    ],
)
def test_what_is_given_and_moves_nothing_hides_no_finding(given):
    star = {"formula": "rolling_sum(fees, 12)", "label": "Index"}
    tree = MetricTree(north_star="a", metrics={"a": star, "fees": {"unit": "USD/month"}})
    (finding,) = tree.lint(select=["NS101"], **given)
    assert finding.severity is Severity.ERROR
    assert "100 % of its movement comes from 'fees'" in finding.message


# --- what is set aside


def test_a_metric_sets_a_finding_aside_with_its_reason():
    text = HEAD.replace("d: ", "d: {ignore: {IM205: kept for the board}}")
    report = linted(text, select=["IM205"])
    assert [found.metric for found in report] == ["e"]
    (aside,) = report.suppressed
    assert (aside.finding.code, aside.finding.metric) == ("IM205", "d")
    assert aside.reason == "kept for the board"
    assert report.to_dict()["suppressed"] == [
        {**aside.finding.to_dict(), "reason": "kept for the board"}
    ]


@pytest.mark.parametrize("beginning", ["IM205", "IM20", "IM"])
def test_the_tree_sets_findings_aside_by_code_or_beginning(beginning):
    report = linted(HEAD + f"lint: {{ignore: {{{beginning}: not now}}}}\n", select=["IM205"])
    assert report.findings == ()
    assert [(aside.finding.metric, aside.reason) for aside in report.suppressed] == [
        ("d", "not now"),
        ("e", "not now"),
    ]


def test_the_reason_at_the_metric_comes_first():
    text = HEAD.replace("d: ", "d: {ignore: {IM205: mine}}") + "lint: {ignore: {IM: ours}}\n"
    report = linted(text, select=["IM205"])
    assert [aside.reason for aside in report.suppressed] == ["mine", "ours"]


@pytest.mark.parametrize(
    "marked",
    [
        HEAD.replace("d: ", "d: {role: health, ignore: {>>IM205: old}}"),
        "north_star: a\nmetrics: {a: b, b: }\nlint: {ignore: {>>IM205: old}}\n",
        HEAD + "lint: {ignore: {>>IM204: old}}\n",
        HEAD + "lint: {ignore: {IM205: now, >>IM206: old}}\n",
        HEAD + "lint: {ignore: {IM20: first, >>IM2: comes too late}}\n",
    ],
)
def test_a_suppression_of_nothing_is_told_at_its_place(marked):
    (found,) = [one for one in linted(marked, select=["IM2", "LNT103"]) if one.code == "LNT103"]
    assert found.severity is Severity.WARNING
    assert found.span is not None
    assert [(found.span.line, found.span.column)] == places(marked)
    assert found.fix == "remove it"


def test_a_suppression_of_rules_that_did_not_run_is_left_alone():
    text = HEAD + "lint: {ignore: {IM206: old, NS: old}}\n"
    assert told(text, select=["IM205", "LNT"]) == [("IM205", "d"), ("IM205", "e")]
    assert told(text, select=["IM", "LNT"], ignore=["IM206"])[-1][0] != "LNT103"


def test_a_suppression_is_told_once_whatever_it_begins():
    text = HEAD.replace("e: ", "e: {ignore: {IM205: x, IM206: y}}")
    findings = linted(text, select=["IM", "LNT"])
    assert [found.path for found in findings if found.code == "LNT103"] == [
        "metrics.e.ignore.IM206"
    ]


# --- severities


def test_the_tree_gives_other_severities():
    text = HEAD + "lint: {severity: {IM205: error, IM201: warning, NS110: advice}}\n"
    report = linted(text, select=["IM205", "IM201", "IM203"])
    assert {(found.code, found.severity.value) for found in report} == {
        ("IM205", "error"),
        ("IM201", "warning"),
        ("IM203", "advice"),
    }
    assert (len(report.errors), len(report.warnings), len(report.advice)) == (2, 2, 2)


# --- settings that mean nothing


@pytest.mark.parametrize(
    ("words", "marked"),
    [
        ("there is no rule 'NS999'", "lint: {ignore: {>>NS999: x}}\n"),
        ("there is no rule 'XY'", "lint: {ignore: {>>XY: x}}\n"),
        ("there is no rule 'XY'", "lint: {select: [>>XY]}\n"),
        ("there is no rule 'NS999'", "lint: {select: [NS110, >>NS999]}\n"),
        ("there is no rule 'NS999'", "lint: {severity: {>>NS999: error}}\n"),
        ("there is no rule 'NS999'", "lint: {options: {>>NS999: {a: 1}}}\n"),
        ("'GRA101' is no rule that can be set", "lint: {severity: {>>GRA101: advice}}\n"),
        ("did you mean IM205", "lint: {severity: {>>IM255: error}}\n"),
    ],
)
def test_settings_of_unknown_rules_are_told(words, marked):
    (found,) = linted(HEAD + marked, select=["LNT"])
    assert (found.code, found.severity) == ("LNT101", Severity.ERROR)
    assert words in f"{found.message}: {found.fix}"
    assert found.span is not None
    assert [(found.span.line, found.span.column)] == places(HEAD + marked)


def test_settings_are_looked_at_whatever_the_tree_selects():
    assert told(HEAD + "lint: {select: [XY]}\n") == [("LNT101", None)]
    wrong = HEAD + "lint: {select: [IM205], options: {NS112: {evry: month}}}\n"
    assert told(wrong) == [("LNT102", None), ("IM205", "d"), ("IM205", "e")]
    assert told(wrong, select=["IM205"]) == [("IM205", "d"), ("IM205", "e")]


def test_an_unknown_rule_at_a_metric_is_told_there():
    text = HEAD.replace("d: ", "d: {ignore: {NS999: x}}")
    assert told(text, select=["LNT"]) == [("LNT101", "d")]


@pytest.mark.parametrize(
    ("words", "marked"),
    [
        ("NS112 has no option `evry`: did you mean every?", "NS112: {>>evry: month}"),
        ("NS110 has no option `x`: it has none", "NS110: {>>x: 1}"),
        ("the option `every` of NS112 is day: input should be", "NS112: {every: >>day}"),
        ("default is 'quarter'", "NS112: {every: >>day}"),
        ("the option `years` of NS113 is 2.5", "NS113: {years: >>2.5}"),
        ("the option `years` of NS113 is 0", "NS113: {years: >>0}"),
        ("the option `least_correlation` of IM208 is 2", "IM208: {least_correlation: >>2}"),
        ("is many", "NS107: {most_words: >>many}"),
    ],
)
def test_wrong_options_are_told_and_the_default_is_taken(words, marked):
    text = HEAD + f"lint: {{options: {{{marked}}}}}\n"
    (found,) = linted(text, select=["LNT"])
    assert (found.code, found.severity) == ("LNT102", Severity.ERROR)
    assert words in f"{found.message}: {found.fix}"
    assert found.span is not None
    assert [(found.span.line, found.span.column)] == places(text)
    code = marked[:5]
    without = MetricTree.from_yaml(HEAD).lint(select=[code], today=TODAY)
    assert [one.message for one in linted(text, select=[code])] == [one.message for one in without]


# --- the report


def test_findings_stand_worst_first_then_by_place():
    text = (
        "north_star: {metric: a, review: {last: 2020-01-01}}\n"
        "metrics:\n  z: \n  a: {formula: b + c, unit: hour}\n  b: {unit: USD}\n  c: {unit: EUR}\n"
    )
    report = linted(text, select=["IM", "UNI", "NS112"])
    ranks = [list(Severity).index(found.severity) for found in report]
    assert ranks == sorted(ranks)
    keys = [
        (rank, found.span.line, found.span.column, found.code)
        for rank, found in zip(ranks, report, strict=True)
        if found.span
    ]
    assert keys == sorted(keys)
    assert len(keys) == len(report)
    assert {*ranks} == {0, 1, 2}


def test_a_report_is_a_sequence_and_plain_data():
    report = linted(HEAD, select=["IM205", "IM201"])
    assert repr(report) == "LintReport(errors=0, warnings=2, advice=2)"
    assert [found.code for found in report[1:3]] == ["IM205", "IM201"]
    assert report.statistics() == {"IM205": 2, "IM201": 2}
    data = json.loads(json.dumps(report.to_dict()))
    assert data["metrics"] == 5
    assert [found["code"] for found in data["findings"]] == [found.code for found in report]


def test_a_tree_made_in_python_is_judged_by_paths():
    made = MetricTree(north_star="a", metrics={"a": "b", "b": None, "c": None})
    (found,) = made.lint(select=["IM205"])
    assert (found.path, found.span) == ("metrics.c", None)


def test_two_runs_in_different_processes_say_the_same():
    lines = [
        f"  m{at}: {{formula: m{at * 2 + 1} * m{at * 2 + 2}, tags: [north-star], role: focus}}"
        if at < 20
        else f"  m{at}: {{role: guardrail}}"
        for at in range(41)
    ]
    text = "north_star: m0\nmetrics:\n" + "\n".join(lines).replace(", role: focus", "") + "\n"
    code = (
        "import sys, json, datetime, metrictree\n"
        "tree = metrictree.MetricTree.from_yaml(sys.stdin.read())\n"
        "print(json.dumps(tree.lint(today=datetime.date(2026, 3, 31)).to_dict()))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1
    assert json.loads(answers.pop())["findings"]


# --- a tree that says little


BARE = [
    (
        "Weekly active learners who finish three lessons",
        "Learners who finished at least three lessons in the last seven days",
        "learner/week",
        "An app for learning languages",
    ),
    (
        "Meals cooked per week",
        "Meals that households cooked from the recipes that they planned, per week",
        "meal/week",
        "An app to plan meals",
    ),
    (
        "Patients seen within a day",
        "Patients who asked for an appointment and saw a doctor within one day, per week",
        "patient/week",
        "Software with which clinics plan their appointments",
    ),
]


@pytest.mark.parametrize(("label", "description", "unit", "product"), BARE)
def test_a_good_tree_that_says_little_gets_advice_at_most(label, description, unit, product):
    body = {"label": label, "description": description, "unit": unit}
    report = MetricTree(product=product, north_star="star", metrics={"star": body}).lint(
        today=TODAY
    )
    assert [str(found) for found in (*report.errors, *report.warnings)] == []
    assert report.advice


# --- the manual


def findings_of(example: str, code: str) -> LintReport:
    return MetricTree.from_yaml(example).lint(select=[code], today=TODAY)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_reported_example_gives_the_finding_at_its_own_severity(rule: type[Rule]) -> None:
    page = manual(rule)
    needs_all = rule.code.startswith("LNT")  # what was set aside is known when all have run
    report = linted(page.bad) if needs_all else findings_of(page.bad, rule.code)
    found = [one for one in report if one.code == rule.code]
    assert rule.severity in {one.severity for one in found}
    for one in found:
        assert one.fix
        assert one.span is not None
        assert one.message.isprintable()
        assert not one.message.endswith(".")


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_accepted_example_gives_no_finding(rule: type[Rule]) -> None:
    page = manual(rule)
    report = linted(page.good) if rule.code.startswith("LNT") else findings_of(page.good, rule.code)
    assert [str(one) for one in report if one.code == rule.code] == []


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_manual_page_is_whole(rule: type[Rule]) -> None:
    page = manual(rule)
    for text in (page.why, page.fix, page.source):
        assert re.match(r"[A-Z`\"]", text)
        assert text.endswith((".", "```", "|"))
    assert not page.title.endswith(".")
    assert [name for name, _, _ in page.options] == list(rule.model_fields)
    for name, default, meaning in page.options:
        assert meaning.endswith("."), name
        assert default != "PydanticUndefined", name


def test_codes_are_given_once_and_stand_in_order():
    assert {code: rule.code for code, rule in RULES.items()} == {code: code for code in RULES}
    assert RULES.keys().isdisjoint(CODES)
    families = ["UNI", "NS1", "IM2", "LNT"]
    assert list(RULES) == sorted(RULES, key=lambda code: (families.index(code[:3]), code))
    titles = [rule.title for rule in RULES.values()]
    assert sorted(titles) == sorted(set(titles))


@pytest.mark.parametrize(("today", "kept"), [(date(2026, 3, 1), 0), (date(2027, 6, 1), 1)])
def test_who_vouches_for_a_criterion_outweighs_words_until_the_day_on_which_it_ends(today, kept):
    tree = MetricTree(
        north_star={
            "metric": "star",
            "attestations": {"not_vanity": {"by": "Ana", "since": date(2026, 1, 1)}},
        },
        metrics={"star": {"label": "Page views", "unit": "view", "description": "Pages loaded"}},
    )
    report = tree.lint(select=["NS103"], today=today)
    assert len(report) == kept
    assert [entry.reason for entry in report.suppressed] == [
        "Ana vouches for `not_vanity` since 2026-01-01"
    ][kept:]
