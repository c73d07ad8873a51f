"""Mutation testing: weak tests leave exactly the mutants that they should, strong ones none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner

from metrictree import DefinitionError, MetricTree, UsageError, parse_formula
from metrictree.cli.program import program
from metrictree.loader import load_data
from metrictree.render.mutation import mutation_github, mutation_json, render_mutation
from metrictree.render.style import Style, text_width
from metrictree.resolved import resolve
from metrictree.testing.mutation import Fate, MutationReport, mutate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from click.testing import Result

pytest.importorskip("polars")
pytest.importorskip("duckdb")
pytest.importorskip("hypothesis")

DATA = Path(__file__).parent / "data" / "mutation_trees.yml"
CHECKED = yaml.safe_load(DATA.read_text(encoding="utf-8"))


def tree_of(
    metrics: Mapping[str, Any], tests: Sequence[Mapping[str, Any]] = (), **rest: Any
) -> Any:
    named = [{"name": f"test {number}", **test} for number, test in enumerate(tests, 1)]
    star = next(iter(metrics))
    return MetricTree(north_star=star, metrics=dict(metrics), tests=named, **rest).resolved


def survivors(report: MutationReport) -> list[str]:
    return [f"{one.metric}: {one.after or 'no where'}" for one in report.survivors]


# --- definitions that were checked by hand


def checked_tree(checked: Mapping[str, Any]) -> Any:
    inputs = checked.get("inputs", {})
    if "measure" in checked:
        tests = [
            {"given_rows": {"jobs": test["rows"]}, "expect": {"y": test["expect"]}}
            for test in checked["tests"]
        ]
        return tree_of(
            {"y": {"measure": checked["measure"]}}, tests, sources={"jobs": {"path": "j"}}
        )
    names = parse_formula(checked["formula"]).references
    tests = [{"given": test["given"], "expect": {"y": test["expect"]}} for test in checked["tests"]]
    return tree_of({"y": checked["formula"], **{one: inputs.get(one) for one in names}}, tests)


@pytest.mark.parametrize("checked", CHECKED, ids=[one["name"] for one in CHECKED])
def test_no_equivalent_mutant_of_a_checked_definition_is_blamed(checked: Mapping[str, Any]) -> None:
    report = mutate(checked_tree(checked))
    assert survivors(report) == []
    found = [verdict.mutant.words for verdict in report.of(Fate.EQUIVALENT)]
    assert sorted(found) == sorted(checked.get("equivalent", {}))
    assert all(checked.get("equivalent", {}).values())


def test_fifty_definitions_were_checked_and_are_all_different() -> None:
    assert len({one["name"] for one in CHECKED}) == len(CHECKED) >= 50
    bodies = {str((one.get("formula"), one.get("measure"), one.get("inputs"))) for one in CHECKED}
    assert len(bodies) == len(CHECKED)


# --- weak tests, planted

PLANTED: dict[str, tuple[Any, Any, list[str]]] = {
    "one hides what it is multiplied with and divided by": (
        {"rate": "orders / visits", "orders": None, "visits": None},
        [{"given": {"orders": 3, "visits": 1}, "expect": {"rate": 3}}],
        ["rate: orders * visits", "rate: orders"],
    ),
    "equal values hide which one is meant": (
        {"total": "paid + organic", "paid": None, "organic": None},
        [{"given": {"paid": 4, "organic": 4}, "expect": {"total": 8}}],
        ["total: organic + organic", "total: paid + paid"],
    ),
    "zero hides a term": (
        {"net": "sales - refunds", "sales": None, "refunds": None},
        [{"given": {"sales": 9, "refunds": 0}, "expect": {"net": 9}}],
        ["net: sales", "net: sales + refunds"],
    ),
    "the limit itself is never tried": (
        {"bonus": "100 if sales > 50 else 0", "sales": None},
        [
            {"given": {"sales": 60}, "expect": {"bonus": 100}},
            {"given": {"sales": 40}, "expect": {"bonus": 0}},
        ],
        [
            "bonus: 100 if sales >= 50 else 0",
            "bonus: 100 if sales > 55 else 0",
            "bonus: 100 if sales > 45 else 0",
        ],
    ),
    "the other branch is never taken": (
        {"fee": "high if volume > 5 else low", "high": None, "low": None, "volume": None},
        [{"given": {"high": 7, "low": 2, "volume": 6}, "expect": {"fee": 7}}],
        [
            "fee: high",
            "fee: high if volume >= 5 else low",
            "fee: high if volume > 4 else low",
            "fee: high if high > 5 else low",
        ],
    ),
    "a value is always there": (
        {"cost": "coalesce(spend, 0) + fees", "spend": None, "fees": None},
        [{"given": {"spend": 5, "fees": 2}, "expect": {"cost": 7}}],
        ["cost: coalesce(spend, 1) + fees", "cost: spend + fees"],
    ),
    "too few periods to see how far it looks back": (
        {"moving": "rolling_sum(visits, 2)", "visits": None},
        [{"given": {"visits": 3}, "expect": {"moving": ["missing"]}}],
        ["moving: rolling_mean(visits, 2)", "moving: rolling_sum(visits, 3)"],
    ),
    "a constant series hides what is compared": (
        {"more": "sales - lag(sales, 2)", "sales": None},
        [{"given": {"sales": [5, 5, 5]}, "expect": {"more": ["missing", "missing", 0]}}],
        ["more: lag(sales, 2) - sales"],
    ),
    "nothing is clipped": (
        {"share": "clip(part, 0, 1)", "part": None},
        [{"given": {"part": 0.5}, "expect": {"share": 0.5}}],
        [
            "share: clip(part, -1, 1)",
            "share: min(part, 1)",
            "share: clip(part, 0, 2)",
            "share: max(part, 0)",
        ],
    ),
    "a shared driver is seen through one of its users only": (
        {
            "profit": "revenue - cost",
            "revenue": "orders * price",
            "cost": "orders * unit_cost",
            "orders": "visits * rate",
            "visits": None,
            "rate": None,
            "price": None,
            "unit_cost": None,
        },
        [
            {"given": {"visits": 10, "rate": 0.5, "price": 3}, "expect": {"revenue": 15}},
            {"given": {"revenue": 9, "cost": 4}, "expect": {"profit": 5}},
        ],
        [
            "cost: unit_cost * unit_cost",
            "cost: unit_cost",
            "cost: orders / unit_cost",
            "cost: orders",
            "cost: orders * orders",
        ],
    ),
    "a property holds for more than one formula": (
        {
            "rate": "orders / visits",
            "orders": {"range": [0, None]},
            "visits": {"range": [1, None]},
        },
        [{"property": "rate increases with orders"}],
        ["rate: orders * visits", "rate: orders"],
    ),
    "a tolerance hides small mistakes": (
        {"taxed": "price * 1.2", "price": None},
        [{"given": {"price": 10}, "expect": {"taxed": 12}, "tolerance": 0.2}],
        ["taxed: price * 1.32"],
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_survivors_are_exactly_the_planted_ones(name: str) -> None:
    metrics, tests, expected = PLANTED[name]
    report = mutate(tree_of(metrics, tests))
    assert sorted(survivors(report)) == sorted(expected)
    assert not report.of(Fate.EQUIVALENT)


def measured(where: str | None, aggregate: str = "count()") -> dict[str, Any]:
    body = {"source": "jobs", "aggregate": aggregate, **({"where": where} if where else {})}
    return {"jobs": {"measure": body}}


ROWS: dict[str, tuple[Any, Any, int, list[str]]] = {
    "no row is left out": (
        measured("status == 'done'"),
        [{"status": "done"}, {"status": "done"}],
        2,
        ["jobs: no where"],
    ),
    "no row with the second word": (
        measured("status in ('done', 'paid')"),
        [{"status": "done"}, {"status": "done"}, {"status": "open"}],
        2,
        ["jobs: status in ('done')"],
    ),
    "one condition would be enough": (
        measured("status == 'done' and minutes > 5"),
        [{"status": "done", "minutes": 9}, {"status": "open", "minutes": 1}],
        1,
        [
            "jobs: minutes > 5",
            "jobs: status == 'done'",
            "jobs: status == 'done' and minutes > 4",
            "jobs: status == 'done' and minutes > 6",
            "jobs: status == 'done' and minutes >= 5",
            "jobs: status == 'done' or minutes > 5",
        ],
    ),
    "one row has the same sum and mean": (
        measured(None, "sum(price - fee)"),
        [{"price": 7, "fee": 2}],
        5,
        ["jobs: mean(price - fee)"],
    ),
    "nobody comes twice": (
        measured(None, "count_distinct(customer)"),
        [{"customer": "a"}, {"customer": "b"}],
        2,
        ["jobs: count(customer)"],
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_survivors_of_a_measure_are_exactly_the_planted_ones(name: str) -> None:
    metrics, rows, value, expected = ROWS[name]
    tests = [{"given_rows": {"jobs": rows}, "expect": {"jobs": value}}]
    report = mutate(tree_of(metrics, tests, sources={"jobs": {"path": "jobs.csv"}}))
    assert sorted(survivors(report)) == sorted(expected)


def test_rows_by_period_and_errors_of_rows_judge_what_they_compute() -> None:
    metrics = {
        **measured("status == 'done'"),
        "double": "jobs * 2",
        "lone": "x + 1",
        "x": None,
    }
    rows = [{"at": "2026-01-05", "status": "done"}, {"at": "2026-01-13", "status": "open"}]
    expected = [{"week": "2026-01-05", "double": 2}, {"week": "2026-01-12", "double": 0}]
    tests: list[dict[str, Any]] = [
        {"given_rows": {"jobs": rows}, "grain": "week", "expect_rows": expected},
        {"given_rows": {"jobs": [{"status": 5}]}, "error": "SRC107"},
    ]
    tree = tree_of(metrics, tests, sources={"jobs": {"path": "jobs.csv", "time": "at"}})
    report = mutate(tree, metrics=["double", "jobs"])
    assert survivors(report) == []


def test_a_share_of_one_half_does_not_tell_the_rest_from_the_share() -> None:
    metrics = {"kept": "orders * (1 - returned)", "orders": None, "returned": {"range": [0, 1]}}
    half = {"given": {"orders": 200, "returned": 0.5}, "expect": {"kept": 100}}
    report = mutate(tree_of(metrics, [half]))
    assert survivors(report) == ["kept: orders * returned"]
    tenth = {"given": {"orders": 200, "returned": 0.1}, "expect": {"kept": 180}}
    assert survivors(mutate(tree_of(metrics, [tenth]))) == []


def test_a_formula_that_can_only_be_written_in_brackets_is_changed_like_others() -> None:
    report = mutate(tree_of({"rest": "max(7 % (-a), 2) % (-b)", "a": None, "b": None}))
    assert {verdict.fate for verdict in report} == {Fate.SURVIVED}
    assert all(verdict.case for verdict in report)


# --- the tests that are suggested


def with_suggestions(tree: Any) -> MutationReport:
    """Return what is left after all suggested tests have been pasted."""
    report = mutate(tree)
    assert all(verdict.case for verdict in report.of(Fate.SURVIVED))
    data = tree.spec.to_data()
    cases = dict.fromkeys(verdict.case for verdict in report.of(Fate.SURVIVED))
    data["tests"] = [*data.get("tests", []), *yaml.safe_load("\n".join(map(str, cases)))]
    return mutate(resolve(load_data(data)))


@pytest.mark.parametrize("name", PLANTED)
def test_the_suggested_tests_pass_and_notice_every_survivor(name: str) -> None:
    metrics, tests, _ = PLANTED[name]
    report = with_suggestions(tree_of(metrics, tests))
    assert (survivors(report), report.score) == ([], 1)


@pytest.mark.parametrize("name", ROWS)
def test_the_suggested_rows_pass_and_notice_every_survivor(name: str) -> None:
    metrics, rows, value, _ = ROWS[name]
    tests = [{"given_rows": {"jobs": rows}, "expect": {"jobs": value}}]
    tree = tree_of(metrics, tests, sources={"jobs": {"path": "jobs.csv", "time": "at"}})
    assert survivors(with_suggestions(tree)) == []


@pytest.mark.parametrize(
    ("aggregate", "where", "equivalent"),
    [
        ("count()", "day >= '2026-01-01'", []),
        ("count()", "not bot", []),
        ("sum(price)", "bot and price > 5", []),
        ("count(customer)", "not is_missing(price)", []),
        ("mean(price / items)", "items > 0", ["`>` becomes `>=`"]),  # at 0 there is no quotient
        ("sum(price if country == 'DE' else 0)", None, []),
        ("count_distinct(customer)", "day >= '2026-01-01' and day < '2026-02-01'", []),
    ],
)
def test_rows_are_found_for_columns_of_each_kind(
    aggregate: str, where: str | None, equivalent: list[str]
) -> None:
    tree = tree_of(measured(where, aggregate), sources={"jobs": {"path": "jobs.csv"}})
    report = mutate(tree)
    assert [one.mutant.words for one in report.of(Fate.EQUIVALENT)] == equivalent
    assert survivors(with_suggestions(tree)) == []


@pytest.mark.parametrize("checked", CHECKED, ids=[one["name"] for one in CHECKED])
def test_the_suggestions_are_enough_for_a_definition_without_tests(checked: Any) -> None:
    tree = checked_tree({**checked, "tests": []})
    if mutate(tree).survivors:
        assert survivors(with_suggestions(tree)) == []


def suggested(tree: Any) -> list[dict[str, Any]]:
    """Return the tests that are suggested, each once."""
    cases = dict.fromkeys(str(verdict.case) for verdict in mutate(tree).of(Fate.SURVIVED))
    return [test for case in cases for test in yaml.safe_load(case)]


def test_suggested_rows_count_in_part_and_tell_aggregates_apart() -> None:
    metrics = {
        **measured("status == 'done'", "sum(km)"),
        "prices": {"measure": {"source": "jobs", "aggregate": "sum(price)"}},
    }
    tree = tree_of(metrics, sources={"jobs": {"path": "jobs.csv"}})
    (test, _) = suggested(tree)
    rows = test["given_rows"]["jobs"]
    counting = [row["km"] for row in rows if row["status"] == "done"]
    assert len(rows) > len(counting) > 1
    assert len({*counting}) == len(counting)
    assert test["expect"] == {"jobs": sum(counting)}
    assert test["name"] == f"jobs counts {len(counting)} of {len(rows)} rows"


def test_suggested_series_are_neither_equal_nor_in_order() -> None:
    (test,) = suggested(tree_of({"moving": "rolling_mean(visits, 3)", "visits": None}))
    visits, moving = test["given"]["visits"], test["expect"]["moving"]
    assert len({*visits}) == len(visits) == 4
    assert sorted(visits) not in (visits, visits[::-1])
    assert moving[:2] == ["missing"] * 2
    assert not {*moving[2:]} & {*visits, max(visits[:3]), max(visits[1:])}
    assert test["name"] == "moving from period 3 on"


def test_suggested_values_keep_the_range_of_the_metric_and_differ_from_what_is_given() -> None:
    metrics = {
        "rate": {"formula": "matched / posted", "unit": "ratio", "range": [0, 1]},
        "matched": None,
        "posted": None,
    }
    (test,) = suggested(tree_of(metrics))
    assert 0 < test["expect"]["rate"] < 1
    (test,) = suggested(tree_of({"rest": "a - b", "a": None, "b": None}))
    assert test["expect"]["rest"] not in {0, 1, *test["given"].values()}


def test_a_suggested_test_gives_nothing_that_only_a_mutant_needs() -> None:
    metrics = {
        "rate": {"formula": "orders / visits"},
        "orders": {"unit": "order"},
        "visits": {"unit": "visit"},
        "all_orders": "orders + gifts",
        "gifts": {"unit": "order"},
    }
    (test, _) = suggested(tree_of(metrics))
    assert {*test["given"]} == {"orders", "visits"}
    assert survivors(with_suggestions(tree_of(metrics))) == []


def test_a_suggested_test_leaves_constants_as_they_are() -> None:
    tree = tree_of({"cost": "loads * insurance", "loads": None, "insurance": 15})
    (test,) = suggested(tree)
    assert {*test["given"]} == {"loads"}
    assert test["expect"]["cost"] == 15 * test["given"]["loads"]


def test_names_of_suggested_tests_say_what_is_missing_or_zero() -> None:
    metrics = {"cost": "coalesce(spend, 0) + fees", "spend": None, "fees": None}
    names = [test["name"] for test in suggested(tree_of(metrics))]
    assert "cost without spend" in names
    metrics = {"rate": "safe_div(a, b, c)", "a": None, "b": None, "c": None}
    assert "rate with no b" in [test["name"] for test in suggested(tree_of(metrics))]


# --- the report

WEAK = """\
north_star: rate
metrics:
  rate: {formula: orders / visits, unit: order/visit}
  orders: {unit: order}
  visits: {unit: visit, range: [0, null]}
  bonus: 100 if rate > target else 0   # no test computes it
  target: 0.5
  size: abs(visits)
tests:
  - name: one visit
    given: {orders: 3, visits: 1}
    expect: {rate: 3}
  - name: later
    skip: nobody knows the value yet
    given: {orders: 3, visits: 2}
    expect: {rate: 1.5}
"""


@pytest.fixture
def weak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MutationReport:
    monkeypatch.chdir(tmp_path)
    Path("weak.yml").write_text(WEAK, encoding="utf-8")
    return mutate(MetricTree.load("weak.yml").resolved)


def test_a_report_counts_and_scores(weak: MutationReport) -> None:
    assert repr(weak).startswith("MutationReport(killed=3, survived=")
    assert weak.score == 3 / (3 + len(weak.survivors))
    assert (weak.metrics, weak.tests) == (3, 1)
    assert [one.computed for one in weak.coverage.metrics] == [True, False, False]
    assert weak[0] in list(weak)
    assert len(weak[:2]) == 2


def test_each_verdict_tells_who_killed_it_or_who_did_not(weak: MutationReport) -> None:
    assert {one.killed_by for one in weak.of(Fate.KILLED)} == {"one visit"}
    of_rate = [one for one in weak.of(Fate.SURVIVED) if one.mutant.metric == "rate"]
    assert {one.seen_by for one in of_rate} == {("one visit",)}
    of_bonus = [one for one in weak.of(Fate.SURVIVED) if one.mutant.metric == "bonus"]
    assert {one.seen_by for one in of_bonus} == {()}
    assert [one.why for one in weak.of(Fate.EQUIVALENT)] == [
        "the same for all values inside of the ranges that were tried"
    ]


def test_the_text_shows_the_line_the_change_and_a_test(weak: MutationReport) -> None:
    text = render_mutation(weak)
    assert str(weak) == text
    assert text.startswith(
        "rate: 2 of 5 changes go unnoticed; 'one visit' computes it and still passes\n"
        "weak.yml:3:26\n"
        "  |\n"
        "3 |   rate: {formula: orders / visits, unit: order/visit}\n"
        "  |                          ^ becomes `*`\n"
        "  |                          ^^^^^^^^ is dropped\n"
        "  = test: add this below `tests:` to notice both\n"
        "  - name: rate for orders=8, visits=4\n"
        "    given: {orders: 8, visits: 4}\n"
        "    expect: {rate: 2}\n"
    )
    assert "bonus: none of" in text
    assert "no test computes it" in text
    assert text.endswith("; 1 more means the same as the original and cannot be noticed")


def test_the_text_tells_what_the_tests_touch(weak: MutationReport) -> None:
    touched = "the tests touch 8 % of definitions, branches and ways to be missing (1 of 12)"
    assert touched in str(weak)
    assert weak.to_dict()["coverage"] == {"items": 12, "touched": 1}


def test_the_text_fits_a_narrow_terminal_and_shows_colours(weak: MutationReport) -> None:
    text = render_mutation(weak, Style(width=50))
    changed = [line for line in text.splitlines() if "|" in line]
    assert all(text_width(line) <= 60 for line in changed)
    assert "\x1b[" in render_mutation(weak, Style(color=True))


def test_all_killed_is_said_in_one_line() -> None:
    tree = tree_of(
        {"rate": "orders / visits", "orders": None, "visits": None},
        [{"given": {"orders": 6, "visits": 3}, "expect": {"rate": 2}}],
    )
    report = mutate(tree)
    expected = "every change is noticed: 1 test kills all 5 mutants of 1 metric, score 100 %"
    touched, last = str(report).splitlines()
    assert last == expected
    assert touched.startswith("the tests touch 33 % of definitions")


def test_nothing_to_change_has_no_score() -> None:
    report = mutate(tree_of({"visits": None}))
    assert (report.score, len(report)) == (None, 0)
    assert str(report).startswith("there is nothing to change")
    assert repr(report).endswith("score=None)")


def test_json_has_every_mutant(weak: MutationReport) -> None:
    data = json.loads(mutation_json(weak))
    assert data == json.loads(json.dumps(weak.to_dict()))
    assert data["counts"]["survived"] == len(weak.survivors)
    first = next(one for one in data["mutants"] if one["status"] == "survived")
    assert (first["file"], first["line"], first["column"]) == ("weak.yml", 3, 26)
    assert first["after"] == "orders * visits"


def test_github_shows_a_warning_beside_each_survivor(weak: MutationReport) -> None:
    lines = mutation_github(weak).splitlines()
    assert len(lines) == len(weak.survivors) + 1
    assert lines[0].startswith("::warning file=weak.yml,line=3,endLine=3,col=26,endColumn=27,")
    assert "given: {orders: 8, visits: 4}" in lines[0]


def test_a_definition_of_an_included_file_is_shown_in_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("growth.yml").write_text("metrics:\n  signups: visits * rate\n  visits:\n  rate:\n")
    Path("tree.yml").write_text(
        "north_star: growth.signups\ninclude: {growth: growth.yml}\nmetrics: {}\ntests:\n"
        "  - {name: one, given: {growth.visits: 5, growth.rate: 1}, expect: {growth.signups: 5}}\n"
    )
    report = mutate(MetricTree.load("tree.yml").resolved)
    assert survivors(report) == [
        "growth.signups: growth.visits / growth.rate",
        "growth.signups: growth.visits",
    ]
    assert [one.span and one.span.file for one in report.survivors] == ["growth.yml"] * 2
    assert "growth.visits" in str(report.of(Fate.SURVIVED)[0].case)


def test_a_window_of_thousands_of_periods_has_no_test_to_paste() -> None:
    report = mutate(tree_of({"long": "rolling_sum(visits, 5000)", "visits": None}))
    assert {verdict.case for verdict in report.of(Fate.SURVIVED)} == {None}
    assert "none was found that would notice" in str(report)


def test_a_year_of_weeks_is_told_by_few_different_values() -> None:
    report = mutate(tree_of({"yoy": "growth(visits, 52)", "visits": None}))
    (case,) = {verdict.case for verdict in report.of(Fate.SURVIVED)}
    (test,) = yaml.safe_load(str(case))
    assert len(set(test["given"]["visits"])) <= 3


# --- what cannot be mutated


def test_tests_have_to_pass_first() -> None:
    tree = tree_of(
        {"rate": "orders / visits", "orders": None, "visits": None},
        [{"given": {"orders": 6, "visits": 3}, "expect": {"rate": 3}}],
    )
    with pytest.raises(DefinitionError, match="TST151 the test 'test 1' does not pass") as caught:
        mutate(tree)
    assert "rate is 2, expected 3" in str(caught.value)


def test_a_test_with_a_mistake_is_told_as_such() -> None:
    with pytest.raises(DefinitionError, match="TST101"):
        mutate(tree_of({"rate": "a / b", "a": None, "b": None}, [{"given": {"a": 1}}]))


@pytest.mark.parametrize(
    ("metrics", "message"),
    [(["rat"], "did you mean rate"), (["a"], "'a' has no formula and no measure")],
)
def test_only_definitions_can_be_chosen(metrics: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        mutate(tree_of({"rate": "a / b", "a": None, "b": None}), metrics=metrics)


def test_only_the_chosen_metrics_are_changed_and_progress_is_told() -> None:
    told: list[tuple[str, float | None]] = []
    tree = tree_of({"top": "a * b", "a": "c + d", "b": None, "c": None, "d": None})
    report = mutate(tree, metrics=["a"], progress=lambda *what: told.append(what))
    assert {verdict.mutant.metric for verdict in report} == {"a"}
    assert told == [("a", 0)]


def test_a_test_of_a_rule_kills_what_its_finding_goes_away_with() -> None:
    tree = tree_of(
        {
            "growth_index": "customers * arpu",
            "customers": {"unit": "customer"},
            "arpu": {"unit": "USD/customer"},
        },
        [{"error": "NS101"}],
    )
    killed = [verdict.mutant.after for verdict in mutate(tree).of(Fate.KILLED)]
    assert "customers * customers" in killed


# --- the command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("weak.yml").write_text(WEAK, encoding="utf-8")
    Path("weak.metrictest.yml").write_text(
        "tests:\n  - {name: two, given: {orders: 4, visits: 2}, expect: {rate: 2}}\n"
    )


def run(*arguments: str) -> Result:
    return CliRunner().invoke(
        program, ["mutate", *arguments], prog_name="metrictree", catch_exceptions=False
    )


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["weak.yml"], 0),
        (["weak.yml", "--fail-under", "90"], 1),
        (["weak.yml", "--fail-under", "10"], 0),
        (["weak.metrictest.yml", "--metric", "rate", "--fail-under", "100"], 0),
        (["weak.yml", "--metric", "rats"], 2),
        (["weak.yml", "weak.metrictest.yml", "--metric", "rate"], 2),
        (["weak.yml", "weak.metrictest.yml", "--format", "json"], 2),
        ([".", "--metric", "rate", "--fail-under", "100"], 0),
        (["empty"], 2),
        (["weak.yml", "--fail-under", "101"], 2),
        (["weak.yml", "--fail-under", "nan"], 2),
        (["absent.yml"], 1),
        ([], 2),
    ],
)
def test_the_exit_code_tells_whether_the_score_is_high_enough(
    arguments: list[str], code: int
) -> None:
    assert run(*arguments).exit_code == code


@pytest.mark.usefixtures("folder")
def test_the_command_writes_each_format() -> None:
    assert "add this below `tests:`" in run("weak.yml").stdout
    assert json.loads(run("weak.metrictest.yml", "--format", "json").stdout)["tests"] == 1
    assert run("weak.yml", "--format", "github").stdout.startswith("::warning ")
    assert run("weak.yml", "weak.metrictest.yml").stdout.count("score") == 2


@pytest.mark.usefixtures("folder")
def test_the_tests_of_a_tree_are_its_own_and_those_in_the_files_beside_it() -> None:
    test = "given: {orders: 4, visits: 2}, expect: {rate: 2}"
    for name, tree in (("more", "weak.yml"), ("other", "else.yml")):
        Path(f"{name}.metrictest.yml").write_text(
            f"tree: {tree}\ntests:\n  - {{name: {name}, {test}}}\n", encoding="utf-8"
        )
    assert json.loads(run("weak.yml", "--format", "json").stdout)["tests"] == 3


@pytest.mark.usefixtures("folder")
def test_of_a_folder_all_trees_are_meant_and_files_keep_their_order() -> None:
    Path("deep").mkdir()
    Path("deep", "other.yml").write_text("north_star: a\nmetrics: {a: b + 1, b: 2}\n")
    Path("deep", "notes.yml").write_text("title: no tree\n")

    def told(*paths: str) -> list[str]:
        return [line for line in run(*paths).stdout.splitlines() if line.startswith("--- ")]

    deep, weak = (f"--- {Path(*parts)}" for parts in (("deep", "other.yml"), ("weak.yml",)))
    assert told(".") == [weak, deep]
    assert told("deep", "weak.yml", "deep") == [deep, weak]


@pytest.mark.usefixtures("folder")
def test_the_command_says_that_the_score_is_too_low() -> None:
    assert run("weak.yml", "--fail-under", "90").stderr == "Error: the score is below 90 %.\n"
