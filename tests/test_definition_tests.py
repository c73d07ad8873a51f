"""Tests of definitions: what they give is computed and compared; their mistakes are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from metrictree import DefinitionError, Diagnostic, MetricTree
from metrictree.loader import load_test_file
from metrictree.resolved import resolve
from metrictree.testing.case import Status
from metrictree.testing.collect import collect
from metrictree.testing.evaluation import Evaluation, SeriesEvaluation
from metrictree.testing.runner import run_tests
from tests import strategies as ours

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOP = """\
north_star: sales
metrics:
  sales: {formula: orders * basket, unit: USD/week}
  orders: {formula: visits * rate, unit: order/week}
  rate: {range: [0, 1], unit: order/visit}
  visits: {unit: visit/week, range: [0, null]}
  basket: {unit: USD/order}
  trend: growth(orders)
  per_visit: sales / visits
  fee: 3
  with_fee: basket + fee
tests:
"""


def shop(tests: str) -> MetricTree:
    return MetricTree.from_yaml(SHOP + "".join(f"  {line}\n" for line in tests.splitlines()))


def outcomes(tests: str) -> list[tuple[str, str]]:
    return [(outcome.case.name, outcome.status.value) for outcome in shop(tests).test()]


def mistakes(tests: str) -> list[str]:
    problems: Sequence[Diagnostic]
    try:
        problems = collect(shop(tests).resolved).problems
    except DefinitionError as error:
        problems = error.diagnostics
    return [str(problem).removeprefix("<text>:") for problem in problems]


# --- what passes and what does not

PASSING = {
    "a value": "given: {visits: 100, rate: 0.5, basket: 4}, expect: {sales: 200}",
    "a computed metric that is given is not computed": "given: {orders: 7, basket: 4}, "
    "expect: {sales: 28}",
    "only what is needed": "given: {basket: 4}, expect: {with_fee: 7}",
    "a constant that is given": "given: {basket: 4, fee: 1}, expect: {with_fee: 5}",
    "a missing value": "given: {sales: 3, visits: 0}, expect: {per_visit: missing}",
    "what is given as missing": "given: {orders: missing, basket: 4}, expect: {sales: missing}",
    "null is missing": "given: {orders: null, basket: 4}, expect: {sales: missing}",
    "binary fractions": "given: {visits: 3, rate: 0.1}, expect: {orders: 0.3}",
    "zero": "given: {visits: 0, rate: 0.1}, expect: {orders: 0}",
    "a tolerance": "given: {visits: 100, rate: 0.5}, expect: {orders: 51}, tolerance: 0.02",
    "an absolute tolerance": "given: {visits: 100, rate: 0.5}, expect: {orders: 51}, "
    "tolerance: {absolute: 1}",
    "periods": "given: {orders: [4, 5, 0, 1]}, expect: {trend: [missing, 0.25, -1, missing]}",
    "one number for all periods": "given: {visits: [10, 20], rate: 0.5}, expect: {orders: [5, 10]}",
    "one expected number for all periods": "given: {visits: [10, 20], rate: [0.5, 0.25]}, "
    "expect: {orders: 5}",
    "a finding of a rule": "error: NS101",
    "a value out of its range": "given: {rate: 2}, error: VAL106",
    "something that is not given": "given: {rate: 1}, error: VAL103",
}


@pytest.mark.parametrize("test", PASSING.values(), ids=PASSING)
def test_it_passes(test: str) -> None:
    (outcome,) = shop(f"- {{name: it, {test}}}").test()
    assert (outcome.status, outcome.failures, outcome.problems) == (Status.PASSED, (), ())


FAILING = {
    "given: {visits: 100, rate: 0.5}, expect: {orders: 51}": "orders is 50 order/week, expected "
    "51 order/week: 1 less (-1.96 %)",
    "given: {visits: 0, rate: 0.5}, expect: {orders: 0.000001}": "orders is 0",
    "given: {visits: 0, rate: 0.5}, expect: {orders: missing}": "orders is 0 order/week, expected "
    "missing",
    "given: {sales: 1, visits: 0}, expect: {per_visit: 0}": "per_visit is missing (",
    "given: {orders: [4, 5, 6]}, expect: {trend: [missing, 0.25, 0.25]}": "trend in period 3 is "
    "0.2, expected 0.25",
    "error: NS116": "NS116 is expected: the rule (Competes with another metric) has no finding",
    "given: {rate: 0.5, visits: 1, basket: 2}, error: VAL106": "VAL106 is expected: what is given "
    "is computed without an error",
    "given: {rate: 0.5}, error: VAL106": "VAL106 is expected: what is told is VAL103",
}


@pytest.mark.parametrize(("test", "message"), FAILING.items())
def test_it_fails_and_says_why(test: str, message: str) -> None:
    (outcome,) = shop(f"- {{name: it, {test}}}").test()
    assert outcome.status is Status.FAILED
    assert outcome.failures[0].message.startswith(message)
    assert outcome.failures[0].span is not None
    assert outcome.failures[0].span.line == SHOP.count("\n") + 1


def test_the_value_nearest_to_the_inputs_is_told_first() -> None:
    (outcome,) = shop(
        "- name: it\n  given: {visits: 10, rate: 0.5, basket: 2}\n"
        "  expect: {per_visit: 9, sales: 8, orders: 7}"
    ).test()
    assert [failure.metric for failure in outcome.failures] == ["orders", "sales", "per_visit"]


BROKEN = {
    "given: {rate: 1}, expect: {sales: 1}": ["VAL103", "'sales' needs 'visits' and 'basket'"],
    "given: {visits: 1}, expect: {rate: 1}": ["VAL103", "'rate' needs a value"],
    "given: {orders: 4}, expect: {trend: 1}": ["VAL108", "'trend' looks at earlier periods"],
    "given: {visits: -1, rate: 1}, expect: {orders: -1}": ["VAL106", "outside of its range"],
    "given: {visits: [1, -1], rate: 1}, expect: {orders: 1}": ["VAL106", "in period 2"],
    "given: {visits: -1}, property: orders is at least 0": ["VAL106", "outside of its range"],
    "given: {rate: 1, basket: 1, visits: [1, 2]}, error: NS101": [
        "VAL104",
        "is a tuple, not a number",
    ],
}


@pytest.mark.parametrize(("test", "told"), BROKEN.items())
def test_it_cannot_run_and_says_what_is_lacking(test: str, told: list[str]) -> None:
    (outcome,) = shop(f"- {{name: it, {test}}}").test()
    assert outcome.status is Status.BROKEN
    (problem,) = outcome.problems
    assert problem.code == told[0]
    assert told[1] in problem.message
    assert problem.span is not None
    assert problem.span.line == SHOP.count("\n") + 1


def test_a_test_that_is_skipped_does_not_run() -> None:
    assert outcomes("- {name: it, skip: later, given: {}, expect: {sales: 1}}") == [
        ("it", "skipped")
    ]


def test_a_report_is_ok_if_nothing_failed_and_nothing_was_broken() -> None:
    passes = "{name: %s, given: {orders: 2, basket: 3}, expect: {sales: %s}}"
    fails, broken = passes % ("fails", 7), "{name: broken, given: {}, expect: {sales: 6}}"
    assert shop("- " + passes % ("passes", 6)).test().ok
    for other in (fails, broken):
        assert not shop(f"- {passes % ('passes', 6)}\n- {other}").test().ok


# --- tables and matrices


def test_each_line_of_a_table_is_a_case_of_its_own() -> None:
    assert outcomes(
        "- name: orders\n  given: {rate: 0.5}\n  cases:\n"
        "    - {given: {visits: 10}, expect: {orders: 5}}\n"
        "    - {name: nobody, given: {visits: 0}, expect: {orders: 1}}\n"
        "    - {name: everybody, given: {visits: 10, rate: 1}, expect: {orders: 10}}\n"
        "    - {name: too many, given: {visits: 10, rate: 2}, error: VAL106}\n"
    ) == [
        ("orders [1]", "passed"),
        ("orders [nobody]", "failed"),
        ("orders [everybody]", "passed"),
        ("orders [too many]", "passed"),
    ]


def test_a_matrix_gives_all_combinations() -> None:
    assert outcomes(
        "- name: none\n  matrix: {visits: [0, missing], sales: [1, null]}\n"
        "  expect: {per_visit: missing}"
    ) == [
        ("none [visits=0, sales=1]", "passed"),
        ("none [visits=0, sales=missing]", "passed"),
        ("none [visits=missing, sales=1]", "passed"),
        ("none [visits=missing, sales=missing]", "passed"),
    ]


def test_a_matrix_multiplies_a_table() -> None:
    names = [
        name
        for name, _ in outcomes(
            "- name: it\n  matrix: {rate: [0, 1]}\n  expect: {orders: 0}\n  cases:\n"
            "    - {given: {visits: 1}}\n    - {name: two, given: {visits: 2}}"
        )
    ]
    assert names == ["it [1, rate=0]", "it [1, rate=1]", "it [two, rate=0]", "it [two, rate=1]"]


def test_a_failing_line_of_a_table_is_told_at_its_own_place() -> None:
    (_, second) = shop(
        "- name: orders\n  given: {rate: 0.5}\n  cases:\n"
        "    - {given: {visits: 10}, expect: {orders: 5}}\n"
        "    - {given: {visits: 10}, expect: {orders: 6}}"
    ).test()
    first = SHOP.count("\n") + 1
    assert second.case.span is not None
    assert second.case.span.line == first + 4
    assert second.failures[0].span is not None
    assert (second.failures[0].span.line, second.failures[0].span.column) == (first + 4, 48)


def test_a_report_is_plain_data_too() -> None:
    data = (
        shop("- {name: it, given: {visits: 10, rate: 0.5}, expect: {orders: 6}}").test().to_dict()
    )
    assert data["counts"] == {"passed": 0, "failed": 1, "broken": 0, "skipped": 0}
    (outcome,) = json.loads(json.dumps(data))["tests"]
    assert (outcome["name"], outcome["status"], outcome["line"]) == ("it", "failed", 13)
    (failure,) = outcome["failures"]
    assert failure["metric"] == "orders"
    assert [(step["metric"], step["value"]) for step in failure["steps"]] == [
        ("orders", 5.0),
        ("visits", 10.0),
        ("rate", 0.5),
    ]


# --- mistakes, each with its place

MISTAKES = {
    "- {name: it, given: {rate: 1}}": "13:12: TST101 'it' checks nothing",
    "- {name: it, cases: [{given: {rate: 1}}, {expect: {fee: 3}}]}": "13:24: TST101 this case",
    "- {name: it, given: {rate: 1}, expect: {}}": "13:12: TST101 'it' checks nothing",
    "- {name: it, cases: [{expect: {}}, {expect: {fee: 3}}]}": "13:24: TST101 this case",
    "- {name: it, expect: {fee: 3}, error: NS101}": "13:41: TST102 `error` stands beside `expect`",
    "- {name: it, expect: {fee: 3}, property: fee is at least 0}": "13:44: TST102 `property`",
    "- {name: it, expect_rows: [{fee: 3}]}": "13:29: TST102 `expect_rows` stands without",
    "- {name: it, expect: {fee: 3}, cases: [{error: NS101}]}": "13:50: TST102 this case expects",
    "- {name: it, given: {fee: 2}, expect: {fee: 2}}": "13:47: TST103 'fee' is given",
    "- {name: it, expect: {fee: 3}}\n- {name: it, expect: {fee: 3}}": "14:12: TST104 there is a "
    "test 'it' already, in <text>:13:12",
    "- {name: it, cases: [{name: a, expect: {fee: 3}}, {name: a, expect: {fee: 3}}]}": "13:53: "
    "TST104 there is a case 'it [a]' already",
    "- {name: it, given: {visits: [1, 2], rate: [1]}, expect: {orders: 1}}": "13:46: TST105 "
    "'visits' has 2 periods and 'rate' has 1 period",
    "- {name: it, given: {visits: [1, 2], rate: 1}, expect: {orders: [1, 2, 3]}}": "13:67: TST105",
    "- {name: it, error: NS190}": "13:23: TST107 there is no code NS190",
    "- {name: it, error: DOC101}": "13:23: TST107 no test can find DOC101",
    "- {name: it, given: {vists: 1}, expect: {orders: 1}}": "13:24: GRA101 a tested metric is "
    "'vists', and no metric has this id: did you mean visits?",
    "- {name: it, expect: {order: 1}}": "13:25: GRA101 a tested metric is 'order'",
    "- {name: it, matrix: {vists: [1]}, expect: {fee: 3}}": "13:25: GRA101",
    "- {name: it, cases: [{expect: {order: 1}}]}": "13:34: GRA101",
    "- {name: it, givn: {visits: 1}}": "13:16: SCH101 unknown field `givn`: did you mean given?",
    "- {given: {visits: 1}, expect: {fee: 3}}": "13:5: SCH102 the field `name` is missing",
    "- {name: it, given: {visits: lots}, expect: {fee: 3}}": "13:32: SCH103 `visits`: the text",
    "- {name: it, given: {visits: yes}, expect: {fee: 3}}": "13:32: SCH109 `visits` is yes",
    "- {name: it, expect: {fee: }}": "13:25: SCH103 `fee` expects nothing: write a number, or",
    "- {name: it, expect: {fee: .nan}}": "13:30: SCH103",
    "- {name: it, expect: {fee: []}}": "13:30: SCH103 `fee`: the list of periods is empty",
    "- {name: it, cases: []}": "13:23: SCH108 `cases` is an empty list",
    "- {name: it, matrix: {fee: []}, expect: {with_fee: 1}}": "13:30: SCH108",
    "- {name: it, expect: {fee: 3}, tolerance: -1}": "13:45: SCH105",
    "- {name: it, expect: {fee: 3}, tolerance: 5}": "13:45: SCH105 `relative` cannot be the number "
    "5: it must be less than 1: write a share such as 0.01 for 1 %, or {absolute: 5} in",
    "- {name: it, given: {visits: [1, 9007199254740993]}, expect: {fee: 3}}": "13:32: SCH105 "
    "`visits`: an integer past 2**53",
    "- {name: it, expect: {fee: 3}, tolerance: {rel: 1}}": "13:46: SCH101",
    "- just a text": "13:5: SCH103 a test must be a mapping, not the text 'just a text': begin it "
    "with its name, as `- name: ",
    "  it: {expect: {fee: 3}}": "13:5: SCH103 `tests` must be a list, not a mapping: begin each "
    "test with its name, as `- name: ",
    "- {name: it, given: {visits = 50}}": "13:24: SCH106 'visits = 50' is no metric id: an id is "
    "made of a-z, 0-9 and _, a letter first: a colon stands between a metric and its value: "
    "`visits: 50`",
    "- {name: it, given: {visits: 1}, expect: {orders: 1}, tolerance: 1%}": "13:68: SCH103 "
    "`tolerance` must be a number or a mapping, not the text '1%': write a share such as 0.01",
    "- {name: it, expect: {fee: 3}, skip: true}": "13:40: SCH103 `skip` must be text, not true: "
    "write why it is skipped",
    "- {name: it, expect: {fee: 3}, skip: false}": "13:40: SCH103 `skip` must be text, not false: "
    "remove the field",
    "- {name: it, error: VAL16}": "13:23: SCH113 'VAL16' is no code: did you mean VAL1",
    "- {name: it, error: rate}": "13:23: SCH113 'rate' is no code: write a code such as VAL106",
    "- {name: it, given: {visits: mising}, expect: {fee: 3}}": "13:32: SCH103 `visits`: the text "
    "'mising' is no finite number and not `missing`: write `missing`",
    "- {name: it, given: {visits: [1, NaN]}, expect: {fee: 3}}": "13:32: SCH103 `visits`: the "
    "text 'NaN' is no finite number and not `missing`: write `missing`",
    "- {name: it, given: {rate: 10%}, expect: {fee: 3}}": "13:30: SCH103 `rate`: the text '10%' is "
    "no finite number and not `missing`: a percentage is written as a ratio: 0.1",
    "- {name: it, given: {rate: '1'}, expect: {fee: 3}}": "13:30: SCH103 `rate`: the text '1' is "
    "no finite number and not `missing`: write it without quotes",
    "- {name: it, grain: weekly, expect: {fee: 3}}": "13:23: SCH104 `grain` cannot be the text "
    "'weekly': did you mean week? It is one of 'day',",
    "- {name: it, given_rows: [], expect: {fee: 3}}": "13:28: SCH103 `given_rows` must be a "
    "mapping, not a list: write a mapping, such as {orders: [{",
    "- {name: it, given_rows: {orders: [{at: 2026-02-30}]}}": "13:43: SCH109 `at` is 2026-02-30: "
    "there is no such day: the month ends on 2026-02-28",
    "- {name: it, given_rows: {orders: [{at: 2026-13-01}]}}": "13:43: SCH109 `at` is 2026-13-01: "
    "there is no such day: write a day such as 2026-01-31",
}


@pytest.mark.parametrize(("tests", "told"), MISTAKES.items())
def test_a_mistake_is_told_with_its_place(tests: str, told: str) -> None:
    (problem,) = mistakes(tests)
    assert problem.startswith(told)
    assert ": " in problem.removeprefix(told.partition(" ")[0])


def test_all_mistakes_are_told_at_once() -> None:
    assert (
        len(mistakes("- {name: a}\n- {name: b, error: NS190}\n- {name: a, expect: {fee: 3}}")) == 3
    )


def test_a_test_of_too_many_cases_is_refused() -> None:
    values = ", ".join(map(str, range(101)))
    (problem,) = mistakes(
        f"- {{name: it, matrix: {{visits: [{values}], fee: [{values}]}}, expect: {{with_fee: 1}}}}"
    )
    assert "TST106 'it' has 10,201 cases, more than 10,000" in problem


def test_more_cases_than_have_a_readable_number_are_refused() -> None:
    metrics = {f"m{number}": None for number in range(20_000)}
    tree = MetricTree(
        north_star="m0",
        metrics=metrics,
        tests=[{"name": "it", "matrix": {key: [1, 2] for key in metrics}, "expect": {"m0": 1}}],
    )
    with pytest.raises(DefinitionError, match="'it' has very many cases, more than 10,000"):
        tree.test()


def test_tests_with_mistakes_are_not_run() -> None:
    with pytest.raises(DefinitionError, match="TST101"):
        shop("- {name: it}").test()


# --- files of tests, and tests of included files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("shop.yml").write_text(SHOP.removesuffix("tests:\n"), "utf-8")
    return tmp_path


def test_a_file_of_tests_belongs_to_the_tree_beside_it(folder: Path) -> None:
    Path("shop.metrictest.yml").write_text(
        "tests:\n  - {name: it, given: {orders: 1, basket: 2}, expect: {sales: 3}}\n", "utf-8"
    )
    (outcome,) = run_tests(resolve(load_test_file(Path("shop.metrictest.yml"))))
    assert outcome.status is Status.FAILED
    assert str(outcome.case.span) == "shop.metrictest.yml:2:12"
    assert str(outcome.failures[0].span) == "shop.metrictest.yml:2:63"
    assert str(outcome.failures[0].steps[0].span) == "shop.yml:3:20"


def test_a_file_of_tests_names_its_tree(folder: Path) -> None:
    Path("tests").mkdir()
    Path("tests/sales.metrictest.yml").write_text(
        "tree: ../shop.yml\ntests: [{name: it, expect: {fee: 3}}]\n", "utf-8"
    )
    assert run_tests(resolve(load_test_file(Path("tests/sales.metrictest.yml")))).ok


def test_the_tests_of_a_tree_are_not_those_of_its_file_of_tests(folder: Path) -> None:
    Path("other.yml").write_text(SHOP + "  - {name: own, expect: {fee: 4}}\n", "utf-8")
    Path("other.metrictest.yml").write_text("tests: [{name: it, expect: {fee: 3}}]\n", "utf-8")
    report = run_tests(resolve(load_test_file(Path("other.metrictest.yml"))))
    assert [outcome.case.name for outcome in report] == ["it"]


BAD_FILES = {
    "tests: [{name: it, expect: {feee: 3}}]\n": "shop.metrictest.yml:1:29: GRA101",
    "tree: shp.yml\ntests: []\n": "shop.metrictest.yml:1:7: INC101 cannot read shp.yml: there is "
    "no such file: did you mean shop.yml?",
    "tree: ./shp.yml\ntests: []\n": "shop.metrictest.yml:1:7: INC101 cannot read shp.yml: there is "
    "no such file: did you mean ./shop.yml?",
    "tree: nowhere/shop.yml\ntests: []\n": "shop.metrictest.yml:1:7: INC101 cannot read "
    "nowhere/shop.yml: there is no such file: name its tree in the field `tree`, relative",
    'tree: "a\\0b"\ntests: []\n': "shop.metrictest.yml:1:7: INC101 cannot read a\\x00b: ",
    "tree: circle.yml\ntests: []\n": "shop.metrictest.yml:1:7: INC101 cannot read circle.yml: ",
    "tests:\n  - name it\n": "shop.metrictest.yml:2:5: SCH103",
    "tests: 5\n": "shop.metrictest.yml:1:8: SCH103 `tests` must be a list",
    "- a\n": "shop.metrictest.yml:1:1: SCH103 a file of tests is a mapping, not a list",
    "": "shop.metrictest.yml:1:1: DOC101",
    "tests: []\nmetrics: {}\n": "shop.metrictest.yml:2:1: SCH101 unknown field `metrics`",
    "tests: [\n": "shop.metrictest.yml:",
    "tests: []\ntests: []\n": "shop.metrictest.yml:2:1: DOC105",
}


@pytest.mark.parametrize(("text", "told"), BAD_FILES.items())
def test_a_mistake_in_a_file_of_tests_is_told_with_its_place(
    folder: Path, text: str, told: str
) -> None:
    Path("circle.yml").symlink_to("circle.yml")
    Path("shop.metrictest.yml").write_text(text, "utf-8")
    with pytest.raises(DefinitionError) as raised:
        resolve(load_test_file(Path("shop.metrictest.yml")))
    assert str(raised.value.diagnostics[0]).startswith(told)


def test_a_finding_that_does_not_come_says_what_it_is_and_what_to_do() -> None:
    (outcome,) = shop("- {name: it, error: NS116}").test()
    assert outcome.failures[0].fix == (
        "it looks for this: The tree has a second North Star, or a team has several metrics that "
        "matter most. If the tree has been mended, take the test out; `metrictree rule NS116` "
        "tells more"
    )


def test_a_file_of_tests_whose_tree_is_misspelt_is_told_the_one_near_by(folder: Path) -> None:
    file = Path("shopp.metrictest.yml")
    file.write_text("tests: []\n", "utf-8")
    with pytest.raises(DefinitionError, match=r"`tree`, such as `tree: shop\.yml`"):
        load_test_file(file)


def test_a_file_of_tests_without_a_tree_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "alone.metrictest.yml"
    file.write_text("tests: []\n", "utf-8")
    with pytest.raises(DefinitionError, match="name its tree in the field `tree`"):
        load_test_file(file)


def test_included_tests_use_the_names_of_their_own_file(folder: Path) -> None:
    Path("growth.yml").write_text(
        "metrics: {signups: visits * rate, visits: , rate: }\n"
        "tests:\n"
        "  - {name: it, given: {visits: 10, rate: 0.5}, expect: {signups: 5}}\n"
        "  - {name: table, cases: [{given: {visits: 1, rate: 1}, expect: {signups: 2}}]}\n",
        "utf-8",
    )
    Path("all.yml").write_text(
        "north_star: total\ninclude: {growth: growth.yml}\n"
        "metrics: {total: growth.signups * 2}\n"
        "tests: [{name: top, given: {growth.signups: 2}, expect: {total: 4}}]\n",
        "utf-8",
    )
    tree = MetricTree.load("all.yml")
    report = tree.test()
    assert report.counts == {"passed": 2, "failed": 1, "broken": 0, "skipped": 0}
    assert [str(outcome.case.span) for outcome in report] == [
        "all.yml:4:16",
        "growth.yml:3:12",
        "growth.yml:4:27",
    ]
    assert MetricTree.from_yaml(tree.to_yaml()).test().counts == report.counts


# --- the values are those of the tree


@given(ours.formulas, ours.inputs)
def test_what_a_test_computes_is_what_the_tree_computes(drawn, known) -> None:
    inputs = dict.fromkeys(ours.NAMES)
    tree = MetricTree(north_star="top", metrics={"top": ours.text_of(drawn), **inputs})
    assert Evaluation(tree.resolved, known).value("top") == tree.compute(known)["top"]


@given(ours.time_cases(metrics=6), st.data())
def test_a_tree_that_is_cut_computes_the_same_from_there(case, data) -> None:
    tree = MetricTree(north_star=list(case.formulas)[-1], metrics=case.metrics)
    rows = case.groups[0] if case.groups else []
    given_values = {
        leaf: [
            None if value is None or value != value else value  # noqa: PLR0124 - NaN
            for value in (case.table.columns[case.renamed.get(leaf, leaf)][row] for row in rows)
        ]
        for leaf in ours.LEAVES
    }
    if not rows:
        return
    values = tree.compute_series(given_values)
    known = {leaf: tuple(values[leaf]) for leaf in ours.LEAVES}
    cut = data.draw(st.sampled_from(list(case.formulas)))
    evaluation = SeriesEvaluation(tree.resolved, {**known, cut: values[cut]}, len(rows))
    for metric in case.formulas:
        assert evaluation.value(metric) == values[metric]
    assert cut not in evaluation.computed
