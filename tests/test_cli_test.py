"""The verb `test`: which files and tests it runs, what it prints, and the code it exits with."""

from __future__ import annotations

import json
import os
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click import BadParameter
from click.testing import CliRunner

from metrictree.cli.program import program
from metrictree.cli.selection import matcher
from metrictree.testing.discovery import find_files
from tests.small_trees import SALES as TREE

if TYPE_CHECKING:
    from click.testing import Result

TESTS = """\
tests:
  - name: twice the visits, twice the sales
    given: {visits: 200, rate: 0.05, price: 30}
    expect: {sales: 300}
    tags: [slow]
  - name: no visits
    given: {visits: 0, rate: 0.05}
    expect: {orders: 0}
"""
WRONG = """\
  - name: a wrong one
    given: {visits: 100, rate: 0.05, price: 30}
    expect: {sales: 300}
"""
LATER = """\
  - name: a later one
    expect: {sales: 300}
    skip: prices are settled in May
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


def write(name: str, text: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(
        program, ["test", *arguments], prog_name="metrictree", catch_exceptions=False
    )


def names(result: Result) -> list[str]:
    return [one["name"] for one in json.loads(result.stdout)]


# --- which files


def test_without_arguments_all_tests_below_the_current_folder_run() -> None:
    write("shop.yml", TREE + TESTS)
    write("teams/shop.yaml", TREE)
    write("teams/shop.metrictest.yaml", TESTS)
    write("plain.yml", TREE)
    write("other.yml", "tests: [1]\n")
    Path("hanging.yml").symlink_to("nowhere.yml")
    Path(".#shop.metrictest.yml").symlink_to("me@here.1:2")  # as Emacs locks a file
    if sys.platform != "win32":
        os.mkfifo("pipe.yml")
    for left_out in (".hidden", "node_modules", "build", "env"):
        write(f"{left_out}/shop.yml", TREE + TESTS + WRONG)
    write("env/pyvenv.cfg", "")
    result = run()
    assert (result.exit_code, result.stderr) == (0, "")
    first, second, _, last = result.stdout.splitlines()
    assert first == "shop.yml                    2 passed"
    assert second == "teams/shop.metrictest.yaml  2 passed"
    assert last.startswith("4 passed in ")


@pytest.mark.skipif(sys.platform == "win32", reason="folders are closed in other ways there")
def test_a_folder_that_is_closed_is_left_out() -> None:
    write("shop.yml", TREE + TESTS)
    write("database/shop.yml", TREE + TESTS + WRONG)
    Path("database").chmod(0o600)
    nobody = os.geteuid() == 0  # nothing is closed to root
    if nobody:
        Path().chmod(0o755)
        os.seteuid(65534)
    try:
        found = list(find_files(Path()))
    finally:
        if nobody:
            os.seteuid(0)
        Path("database").chmod(0o700)
    assert found == [Path("shop.yml")]


def test_of_the_files_beside_a_tree_only_those_that_are_meant_are_looked_at() -> None:
    write("shop.yml", TREE)
    write("shop.metrictest.yml", TESTS)
    write("other.metrictest.yml", "tree: circle.yml\n" + WRONG)
    Path("circle.yml").symlink_to("circle.yml")
    Path(".#shop.metrictest.yml").symlink_to("me@here.1:2")
    Path("old.metrictest.yml").mkdir()
    result = run("shop.yml")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0] == "shop.metrictest.yml  2 passed"


def test_files_and_folders_are_chosen_by_name_and_each_once() -> None:
    write("shop.yml", TREE + TESTS)
    write("teams/shop.yml", TREE + TESTS)
    result = run("teams", "teams/shop.yml", "--format", "json")
    assert [one["file"] for one in json.loads(result.stdout)] == ["teams/shop.yml"] * 2


def test_the_tests_beside_a_named_tree_run_with_it() -> None:
    write("shop.yml", TREE)
    write("shop.metrictest.yml", TESTS)
    write("shop_2.metrictest.yml", "tree: shop.yml\n" + TESTS)
    write("other.yml", TREE)
    write("other.metrictest.yml", TESTS + WRONG)
    write("broken.metrictest.yml", "tree: [no, tree")
    lines = run("shop.yml").stdout.splitlines()
    assert lines[:3] == [
        "shop.metrictest.yml    2 passed",
        "shop.yml               no tests",
        "shop_2.metrictest.yml  2 passed",
    ]
    assert len(names(run("shop.yml", "shop.metrictest.yml", "--format", "json"))) == 4


def test_a_named_file_is_a_tree_whatever_it_looks_like() -> None:
    write("shop.txt", TREE + TESTS)
    assert run("shop.txt").stdout.startswith("shop.txt  2 passed\n")


def test_tests_of_included_files_are_run_with_their_own_places() -> None:
    write("shop.yml", "include: [more.yml]\n" + TREE)
    write("more.yml", TESTS)
    write("lone.yml", "include: [less.yml]\n" + TREE)
    write("less.yml", "metrics: {more: 1}\n")
    result = run("--format", "json")
    assert [(one["file"], one["line"]) for one in json.loads(result.stdout)] == [
        ("more.yml", 2),
        ("more.yml", 6),
    ]


def test_includes_from_above_need_a_root() -> None:
    write("more.yml", TESTS)
    write("teams/shop.yml", "include: [../more.yml]\n" + TREE)
    refused = run("teams")
    assert refused.exit_code == 1
    assert "INC102" in refused.stdout
    assert run("teams", "--root", ".").exit_code == 0


# --- which tests


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        (("-k", "twice"), ["twice the visits, twice the sales"]),
        (("-k", "VISITS and not sales"), ["no visits"]),
        (("-k", "shop"), ["twice the visits, twice the sales", "no visits"]),
        (("--tag", "slow"), ["twice the visits, twice the sales"]),
        (("--tag", "slow", "--tag", "none"), ["twice the visits, twice the sales"]),
        (("-k", "(no or twice) and not slow"), ["no visits"]),
    ],
)
def test_tests_are_chosen_by_words_and_tags(options: tuple[str, ...], chosen: list[str]) -> None:
    write("shop.yml", TREE + TESTS)
    assert names(run(*options, "--format", "json")) == chosen


def test_how_many_were_not_chosen_is_told() -> None:
    write("shop.yml", TREE + TESTS)
    write("other.yml", TREE + TESTS.replace("visits", "sights", 1))
    assert run("-k", "sights").stdout.startswith("other.yml  1 passed\n3 more not chosen\n\n1")


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("a", True),
        ("x", False),
        ("not x", True),
        ("not not a", True),
        ("a and x", False),
        ("a or x and x", True),
        ("(a or x) and x", False),
        ("not (a and x)", True),
        ("B", True),
        ("a-b", True),
        ("nota", False),
        ("(" * 90 + "a" + ")" * 90, True),
    ],
)
def test_words_are_joined_with_and_or_not(expression: str, holds: bool) -> None:
    assert matcher(expression)("A-b c") is holds


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "a word is absent before its end"),
        ("a and", "a word is absent before its end"),
        ("and a", "a word is absent before and"),
        ("a or ) b", r"a word is absent before \)"),
        ("(a", "a bracket is not closed"),
        ("a b", "write `and` or `or` before 'b'"),
        ("a )", r"write `and` or `or` before '\)'"),
        ("(" * 1000, "the brackets go too deep"),
        ("not " * 1000 + "a", "the brackets go too deep"),
    ],
)
def test_an_expression_without_meaning_is_refused(expression: str, why: str) -> None:
    with pytest.raises(BadParameter, match=why):
        matcher(expression)


# --- how it ends


def test_a_failure_exits_with_1_and_is_told_in_full() -> None:
    write("shop.yml", TREE + TESTS + WRONG + LATER)
    result = run()
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.startswith(
        "shop.yml  2 passed, 1 failed, 1 skipped\n\nshop.yml:16:11: fai"
    )
    assert "sales is 150 USD, expected 300 USD" in result.stdout
    assert "skipped: a later one (prices are settled in May)" in result.stdout
    assert "= 5 * 30" in result.stdout


def test_only_skipped_tests_exit_with_0() -> None:
    write("shop.yml", TREE + "tests:\n" + LATER)
    assert run().exit_code == 0


def test_mistakes_of_a_file_are_told_and_other_files_run() -> None:
    write("bad.yml", TREE + TESTS.replace("expect:", "expct:"))
    write("shop.yml", TREE + TESTS)
    result = run()
    assert result.exit_code == 1
    assert result.stdout.startswith("bad.yml   1 broken\nshop.yml  2 passed\n")
    assert "bad.yml:11:5: error SCH101: unknown field `expct`" in result.stdout
    assert "bad.yml:15:5: error SCH101: unknown field `expct`" in result.stdout
    for form in ("json", "junit", "github"):
        told = run("--format", form)
        assert told.exit_code == 1
        assert "unknown field `expct`" in told.stdout


def test_how_many_other_tests_do_not_run_for_a_mistake_is_told() -> None:
    write("bad.yml", TREE + TESTS.replace("expect:", "expct:", 1))
    assert "broken: the tests of bad.yml (its other test does not run)\n" in run().stdout
    write("bad.yml", TREE.replace("metrics:", "metrcs:") + TESTS)
    assert "broken: the tests of bad.yml (its 2 tests do not run)\n" in run().stdout
    write("bad.yml", TREE + "tests: [{name: a}]\n")
    assert "broken: the tests of bad.yml\n" in run().stdout


def test_the_mistakes_of_a_tree_are_told_once() -> None:
    write("shop.yml", TREE.replace("orders * price", "orders * prise"))
    write("shop.metrictest.yml", TESTS)
    write("more.metrictest.yml", "tree: shop.yml\n" + TESTS)
    result = run()
    assert result.stdout.count("prise'") == 1
    assert result.stdout.count("error GRA101: the mistakes that are told above stand in") == 1
    assert result.stdout.endswith("2 broken in " + result.stdout.rpartition("2 broken in ")[2])
    assert run("--format", "json").stdout.count("'prise'") == 2


def test_a_tree_and_its_folder_list_the_same_files_in_the_same_order() -> None:
    write("shop.yml", TREE + TESTS)
    write("shop.metrictest.yml", TESTS)
    write("z.metrictest.yml", "tree: shop.yml\n" + TESTS)
    files = [
        [line.split()[0] for line in run(where).stdout.splitlines()[:3]]
        for where in ("shop.yml", ".")
    ]
    assert files[0] == files[1] == ["shop.metrictest.yml", "shop.yml", "z.metrictest.yml"]


@pytest.mark.parametrize(
    "name", ["shop_metrictest.yml", "shop.metrictests.yaml", "shop-MetricTest.yml"]
)
def test_a_file_of_tests_whose_name_is_nearly_right_is_told(name: str) -> None:
    write("shop.yml", TREE)
    write(name, TESTS)
    for arguments in ((), (name,)):
        result = run(*arguments)
        assert result.exit_code == 1
        assert "its name must end in .metrictest.yml" in result.stdout
        assert "= fix: rename it to shop.metrictest.yml" in result.stdout


def test_other_files_with_tests_are_told_of_their_name_only_if_they_are_named() -> None:
    write("shop.yml", TREE + TESTS)
    write("models.yml", TESTS)
    write("metrictest.yml", "on: push\njobs: {tests: {}}\n")
    assert run().exit_code == 0
    result = run("models.yml")
    assert "its name must end in .metrictest.yml" in result.stdout
    assert "rename it to models.metrictest.yml" in result.stdout


def test_a_file_that_is_not_there_is_told() -> None:
    result = run("absent.yml")
    assert result.exit_code == 1
    assert "error INC101: cannot read absent.yml: there is no such file" in result.stdout


def test_x_stops_after_the_first_that_fails() -> None:
    write("a.yml", TREE + "tests:\n" + WRONG + WRONG.replace("wrong", "later"))
    write("b.yml", TREE + TESTS)
    result = run("-x")
    assert result.exit_code == 1
    assert result.stdout.startswith("a.yml  1 failed\n\n")
    assert result.stdout.endswith("\n\nStopped after the first one that failed (-x).\n")
    write("a.yml", TREE + "tests: [a]\n")
    assert run("-x").stdout.startswith("a.yml  1 broken\n\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "There is no test in the current folder: write `tests:` into a tree"),
        (("plain.yml",), "There is no test in plain.yml: write `tests:` into a tree"),
        (("teams",), "There is no test in teams: write"),
        (("shop.yml", "-k", "absent"), "None of 2 tests is chosen by -k or --tag"),
        (("shop.yml", "--tag", "quick"), "None of 2 tests is chosen by -k or --tag"),
        (("shop.yml", "-k", "(a"), "Invalid value for '-k': '(a': a bracket is not closed"),
        (("shop.yml", "--format", "junt"), "did you mean junit?"),
        (("--generate", "-x"), "--generate runs no tests: leave -k, --tag, -x and --coverage out"),
        (("--generate", "--format", "github"), "--generate is written as text or as --format json"),
        (("--coverage", "--format", "junit"), "--coverage is written as text or as --format json"),
    ],
)
def test_nothing_to_run_exits_with_2_and_says_what_to_do(
    arguments: tuple[str, ...], sentence: str
) -> None:
    Path("teams").mkdir()
    if arguments:
        write("plain.yml", TREE)
        write("shop.yml", TREE + TESTS)
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in " ".join(result.stderr.split())


# --- formats


def test_junit_has_a_case_for_each_test() -> None:
    write("shop.yml", TREE + TESTS + WRONG)
    write("other.yml", TREE + TESTS)
    result = run("--format", "junit")
    assert result.exit_code == 1
    root = ET.fromstring(result.stdout)  # noqa: S314 - made one line above
    assert root.get("tests") == "5"
    assert root.get("failures") == "1"
    assert {case.get("file") for case in root.iter("testcase")} == {"shop.yml", "other.yml"}


def test_github_has_a_command_for_each_failure() -> None:
    write("shop.yml", TREE + TESTS + WRONG)
    first, *_ = run("--format", "github").stdout.splitlines()
    assert first.startswith("::error file=shop.yml,line=18,")


def test_coverage_counts_the_tests_of_a_tree_together() -> None:
    half, other = TESTS.split("  - name: no visits")
    write("shop.yml", TREE + half)
    write("shop.metrictest.yml", "tests:\n  - name: no visits" + other)
    write("lone.yml", TREE.replace("price", "worth") + TESTS.replace("price", "worth"))
    result = run("--coverage")
    assert result.exit_code == 0
    told = json.loads(run("--coverage", "--format", "json").stdout)
    assert len(told["tests"]) == 4
    assert set(told["coverage"]) == {"lone.yml", "shop.yml"}
    shares = [one["percent"] for one in told["coverage"].values()]
    assert shares[0] == shares[1] > 0
    alone = json.loads(run("shop.metrictest.yml", "--coverage", "--format", "json").stdout)
    assert alone["coverage"]["shop.yml"]["percent"] < shares[0]


def test_what_cannot_run_and_what_is_skipped_covers_nothing() -> None:
    lacking = "  - name: no price\n    given: {visits: 1, rate: 1}\n    expect: {sales: 1}\n"
    write("shop.yml", TREE + "tests:\n" + LATER + lacking)
    result = run("--coverage", "--format", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["coverage"]["shop.yml"]["touched"] == 0


# --- checks that nobody wrote


def test_generated_checks_come_with_tests_to_paste() -> None:
    write("shop.yml", TREE)
    result = run("--generate")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.startswith("shop.yml:5:3: found: visits counts things")
    assert result.stdout.endswith("\n\n1 finding in 5 metrics\n")
    (found,) = json.loads(run("shop.yml", "--generate", "--format", "json").stdout)
    assert (found["metric"], found["file"], found["line"]) == ("visits", "shop.yml", 5)
    write("shop.yml", TREE.replace("visits: {unit", "visits: {range: [0, null], unit"))
    write("shop.metrictest.yml", "tests:\n" + found["test"])
    repaired = run("--generate")
    assert (repaired.exit_code, repaired.stdout) == (0, "nothing found in 5 metrics\n")
    assert run().exit_code == 0


def test_what_tests_speak_about_is_left_out_whichever_file_they_stand_in() -> None:
    tree = """\
north_star: rate
metrics:
  rate: orders / visits
  orders: {range: [0, null]}
  visits: {range: [0, null]}
"""
    write("shop.yml", tree)
    (found,) = json.loads(run("--generate", "--format", "json").stdout)
    assert found["metric"] == "rate"
    write("teams/shop.metrictest.yml", "tree: ../shop.yml\ntests:\n" + found["test"])
    assert run("--generate").stdout == "nothing found in 3 metrics\n"
    assert run("shop.yml", "--generate").exit_code == 1  # nobody looks for tests elsewhere
    write("shop.metrictest.yml", "tests:\n" + found["test"])
    assert run("shop.yml", "--generate").exit_code == 0


def test_without_a_tree_nothing_can_be_generated() -> None:
    result = run("--generate")
    assert result.exit_code == 2
    assert "There is no tree in the current folder" in result.stderr
