"""The pytest plugin: what it collects, how tests are chosen and reported, and its fixtures."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import metrictree
from metrictree import MetricTree
from tests.small_trees import SALES as TREE

if TYPE_CHECKING:
    from collections.abc import Callable

INSTALLED = any(one.value == "metrictree.pytest_plugin" for one in entry_points(group="pytest11"))
# Where the package is not installed, its plugin is named; a plugin may be registered only once.
PLUGIN = () if INSTALLED else ("-p", "metrictree.pytest_plugin")

TESTS = """\
tests:
  - name: twice the visits, twice the sales
    given: {visits: 200, rate: 0.05, price: 30}
    expect: {sales: 300}
    tags: [slow, needs review]
  - name: no visits
    given: {visits: 0, rate: 0.05}
    expect: {orders: 0}
    tags: [edge]
"""
WRONG = """\
  - name: a wrong one
    given: {visits: 100, rate: 0.05, price: 30}
    expect: {sales: 300}
"""


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Load what tests need: what a run inside of this process loads is forgotten at its end."""
    sentence = "  - {name: a sentence, property: sales increases with price when visits > 1}\n"
    str(MetricTree.from_yaml(TREE + TESTS + WRONG + sentence).test())


@pytest.fixture
def run(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Return what runs pytest in an empty folder, in this process."""

    def start(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess(*PLUGIN, "-p", "no:cacheprovider", *arguments)

    return start


def spawn(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a process of its own, whose coverage nobody but itself takes."""
    inherited = {name: text for name, text in os.environ.items() if "COVERAGE" not in name}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGIN, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=inherited | environment,
        timeout=120,
        check=False,
    )


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def collected(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line]


# --- what is collected


def test_tests_of_a_tree_are_collected_under_their_names(run: Any) -> None:
    write("shop.yml", TREE + TESTS)
    assert collected(run("--collect-only", "-q")) == [
        "shop.yml::twice the visits, twice the sales",
        "shop.yml::no visits",
    ]
    result = run()
    result.assert_outcomes(passed=2)
    assert result.ret == 0


def test_a_file_of_tests_finds_its_tree_by_name_or_as_it_says(run: Any) -> None:
    write("shop.yml", TREE)
    write("shop.metrictest.yml", TESTS)
    write("tests/other.metrictest.yaml", "tree: ../shop.yml\n" + TESTS)
    assert collected(run("--collect-only", "-q")) == [
        "shop.metrictest.yml::twice the visits, twice the sales",
        "shop.metrictest.yml::no visits",
        "tests/other.metrictest.yaml::twice the visits, twice the sales",
        "tests/other.metrictest.yaml::no visits",
    ]
    run().assert_outcomes(passed=4)


def test_tables_and_matrices_are_a_test_for_each_case(run: Any) -> None:
    write(
        "shop.yml",
        TREE
        + """\
tests:
  - name: orders
    given: {rate: 0.5}
    cases:
      - {name: none, given: {visits: 0}, expect: {orders: 0}}
      - {given: {visits: 2}, expect: {orders: 1}}
  - name: nothing
    given: {rate: 0}
    matrix: {visits: [0, 1]}
    expect: {orders: 0}
""",
    )
    assert collected(run("--collect-only", "-q")) == [
        "shop.yml::orders [none]",
        "shop.yml::orders [2]",
        "shop.yml::nothing [visits=0]",
        "shop.yml::nothing [visits=1]",
    ]
    run().assert_outcomes(passed=4)
    run("shop.yml::orders [2]").assert_outcomes(passed=1)


def test_a_test_knows_its_own_file_and_line(run: Any, pytester: pytest.Pytester) -> None:
    write("shop.yml", TREE.replace("north_star", "include: [more.yml]\nnorth_star"))
    write("more.yml", TESTS)
    items, recorder = pytester.inline_genitems(*PLUGIN)
    assert recorder.ret == 0
    assert [item.location for item in items] == [
        ("more.yml", 1, "twice the visits, twice the sales"),
        ("more.yml", 5, "no visits"),
    ]
    assert [item.nodeid for item in items] == [
        "shop.yml::twice the visits, twice the sales",
        "shop.yml::no visits",
    ]
    run("-vv").stdout.fnmatch_lines(["shop.yml::no visits <- more.yml PASSED*"])


def test_two_colons_in_a_name_do_not_break_an_id(run: Any) -> None:
    write("shop.yml", TREE + TESTS.replace("no visits", '"shop::none"'))
    assert collected(run("--collect-only", "-q"))[1] == "shop.yml::shop:none"
    run("shop.yml::shop:none").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "text",
    [
        TREE,  # a tree without tests
        "metrics: {a: 1}\n" + TESTS,  # no tree
        "north_star_list: [a]\nmetrics: {a: 1}\n" + TESTS,
        "jobs:\n  north_star: a\n  tests: []\n",  # not at the top
        "# north_star: tests:\n",
        "north_star: {broken\n",
        "key: [unclosed\n\ttabs",
        "",
    ],
)
@pytest.mark.parametrize("ending", ["yml", "yaml"])
def test_no_other_yaml_file_is_touched(text: str, ending: str, run: Any) -> None:
    write(f"other.{ending}", text)
    write("test_own.py", "def test_own(): pass\n")
    result = run()
    result.assert_outcomes(passed=1)
    assert result.ret == 0


def test_a_file_of_tests_whose_name_is_nearly_right_is_told(run: Any) -> None:
    write("shop.yml", TREE)
    write("shop_metrictest.yml", TESTS)
    write("other_metrictest.yml", "on: push\n")
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*its name must end in .metrictest.yml*"])


@pytest.mark.parametrize("ending", ["json", "txt", "yml.bak", "metrictest"])
def test_other_endings_are_no_documents(ending: str, run: Any) -> None:
    write(f"shop.{ending}", TREE + TESTS)
    assert run().ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_binary_unreadable_and_large_files_are_passed_by(run: Any) -> None:
    Path("binary.yml").write_bytes(bytes(range(256)) * 10)
    Path("hanging.yml").symlink_to("nowhere.yml")
    write("large.yml", "entries:\n" + "- {north: star, tests: none}\n" * 200_000)
    write("test_own.py", "def test_own(): pass\n")
    run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + TREE + TESTS,
        (TREE + TESTS).replace("\n", "\r\n"),
        (TREE + TESTS).replace("north_star:", '"north_star" :').replace("tests:", "'tests':"),
        "---\n" + TESTS + TREE,
    ],
)
def test_keys_may_be_written_in_every_way_that_stands_on_its_own_line(text: str, run: Any) -> None:
    Path("shop.yml").write_bytes(text.encode())
    run().assert_outcomes(passed=2)


# --- which are chosen


@pytest.mark.parametrize(
    ("options", "passed", "deselected"),
    [
        (("-k", "twice"), 1, 1),
        (("-k", "VISITS and not sales"), 1, 1),
        (("-k", "review"), 1, 1),
        (("-k", "shop"), 2, 1),
        (("-m", "metrictree"), 2, 1),
        (("-m", "not metrictree"), 1, 2),
        (("-m", "edge"), 1, 2),
        (("-m", "slow and metrictree"), 1, 2),
        (("--strict-markers", "-m", "slow or edge"), 2, 1),
        (("shop.yml::no visits",), 1, 0),
        (("--deselect", "shop.yml::no visits"), 2, 1),
    ],
)
def test_tests_are_chosen_as_any_other(
    options: tuple[str, ...], passed: int, deselected: int, run: Any
) -> None:
    write("shop.yml", TREE + TESTS)
    write("test_other.py", "def test_other(): pass\n")
    if options == ("-k", "shop"):
        write("test_other.py", "def test_shopping(): pass\n")
        passed, deselected = 3, 0
    if options[0] == "-k" and options[1] != "shop":
        deselected += 1
    run("-W", "error", *options).assert_outcomes(passed=passed, deselected=deselected)


@pytest.mark.parametrize(
    "tag", ["skip", "xfail", "parametrize", "usefixtures", "_own", "a:b", "and"]
)
def test_a_tag_that_cannot_be_a_marker_is_only_a_word_to_look_for(tag: str, run: Any) -> None:
    write("shop.yml", TREE + TESTS.replace("edge", f'"{tag}"') + WRONG)
    result = run("--strict-markers", "-W", "error")
    result.assert_outcomes(passed=2, failed=1)
    if tag != "and":
        run("-k", tag).assert_outcomes(passed=1, deselected=2)


def test_the_markers_are_declared(run: Any) -> None:
    run("--markers").stdout.fnmatch_lines(
        ["@pytest.mark.metrictree: *", "@pytest.mark.metric_tree(path): *"]
    )


def test_failed_lines_of_a_table_run_again_alone(pytester: pytest.Pytester) -> None:
    table = "    cases: [{given: {price: 30}}, {name: 'a[b', given: {price: 40}}]\n"
    wrong = WRONG.replace(", price: 30", "") + table
    write("shop.yml", TREE + TESTS + wrong)
    pytester.runpytest_inprocess(*PLUGIN).assert_outcomes(passed=2, failed=2)
    again = pytester.runpytest_inprocess(*PLUGIN, "--lf", "-v", "--junitxml=tests.xml")
    again.assert_outcomes(failed=2)
    again.stdout.fnmatch_lines(["shop.yml::a wrong one [[]1] FAILED*"])
    found = [case.get("name") for case in ET.parse("tests.xml").iter("testcase")]  # noqa: S314
    assert found == ["a wrong one [1]", "a wrong one [a[b]"]


def test_a_test_is_skipped_where_pytest_has_no_marker_for_it(run: Any) -> None:
    write("shop.yml", TREE + TESTS + WRONG + "    skip: prices are settled in May\n")
    run("-p", "no:skipping").assert_outcomes(passed=2, skipped=1)


def test_failed_ones_run_again_first_and_alone(pytester: pytest.Pytester) -> None:
    write("shop.yml", TREE + TESTS + WRONG)
    pytester.runpytest_inprocess(*PLUGIN).assert_outcomes(passed=2, failed=1)
    again = pytester.runpytest_inprocess(*PLUGIN, "--lf", "-v")
    again.assert_outcomes(failed=1)
    write("shop.yml", TREE + TESTS + WRONG.replace("sales: 300", "sales: 150"))
    pytester.runpytest_inprocess(*PLUGIN, "--lf").assert_outcomes(passed=1)
    pytester.runpytest_inprocess(*PLUGIN, "--lf").assert_outcomes(passed=3)


# --- what is told


def test_a_failure_is_told_in_the_words_of_the_tree_without_a_traceback(run: Any) -> None:
    write("shop.yml", TREE + TESTS + WRONG)
    result = run()
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*sales is 150 USD, expected 300 USD*",
            "*= orders [*] price*",
            "*= 5 [*] 30*",
            "FAILED shop.yml::a wrong one - sales is 150 USD*",
        ]
    )
    for word in ("Traceback", "pytest_plugin.py", "_UnexpectedError"):
        result.stdout.no_fnmatch_line(f"*{word}*")


def test_one_line_for_each_failure_names_the_place_of_its_test(run: Any) -> None:
    path = write("shop.yml", TREE + TESTS + WRONG)
    run("--tb=line").stdout.fnmatch_lines([f"{path.absolute()}:17: sales is 150 USD*"])


def test_whoever_asks_for_the_full_trace_gets_it(run: Any) -> None:
    write("shop.yml", TREE + TESTS + WRONG)
    run("--full-trace").stdout.fnmatch_lines(["*run_case*", "*sales is 150 USD*"])


def test_an_error_of_the_package_itself_has_its_traceback(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("of the package")

    monkeypatch.setattr("metrictree.testing.runner.run_case", fail)
    write("shop.yml", TREE + TESTS)
    run().stdout.fnmatch_lines(["*pytest_plugin.py:*", "E * RuntimeError: of the package"])


def test_a_test_that_lacks_an_input_names_it(run: Any) -> None:
    write("shop.yml", TREE + TESTS.replace("given: {visits: 0, ", "given: {"))
    result = run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*error VAL103: *'visits'*", "FAILED shop.yml::no visits - 'orders' needs 'visits'*"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_skipped_test_has_its_reason_and_place(run: Any) -> None:
    write("shop.yml", TREE + TESTS + WRONG + "    skip: prices are settled in May\n")
    result = run("-rs")
    result.assert_outcomes(passed=2, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * shop.yml: prices are settled in May"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TREE + TESTS.replace("expect: {sal", "expct: {sal"), "shop.yml:11:5: error SCH101: *"),
        (
            TREE + TESTS.replace("{orders: 0}", "{oders: 0}"),
            "shop.yml:15:*: error GRA101: *'oders'*",
        ),
        (TREE.replace("visits *", "vists *") + TESTS, "shop.yml:4:21: error GRA101: *"),
        (TREE + "tests:\n  - [", "shop.yml:*: error DOC1*"),
        (TREE + "tests:\n\t- a\n", "shop.yml:*: error DOC1*"),
    ],
)
def test_mistakes_are_errors_of_the_file_with_their_places(text: str, told: str, run: Any) -> None:
    write("shop.yml", text)
    write("test_other.py", "def test_other(): pass\n")
    result = run("--continue-on-collection-errors")
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["*ERROR collecting shop.yml*", told, "*  = fix: *"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_a_file_of_tests_without_a_tree_says_how_to_name_one(run: Any) -> None:
    write("shop.metrictest.yml", TESTS)
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*shop.metrictest.yml*", "*tree*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_every_mistake_of_a_file_is_told_at_once(run: Any) -> None:
    write("shop.yml", TREE + TESTS.replace("expect:", "expct:"))
    run().stdout.fnmatch_lines(["*shop.yml:11:5: *", "*shop.yml:15:5: *", "2 errors*"])


def test_junit_has_name_place_time_and_the_text(run: Any) -> None:
    write("shop.yml", TREE + TESTS + WRONG + WRONG.replace("wrong", "later") + "    skip: later\n")
    run("--junit-xml=out.xml", "-o", "junit_family=xunit1")
    root = ET.parse("out.xml")  # noqa: S314 - pytest wrote it
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert list(cases) == [
        "twice the visits, twice the sales", "no visits", "a wrong one", "a later one",
    ]  # fmt: skip
    wrong = cases["a wrong one"]
    assert (wrong.get("classname"), wrong.get("file"), wrong.get("line")) == (
        "shop.yml", "shop.yml", "16",
    )  # fmt: skip
    assert float(wrong.get("time", "nan")) >= 0
    failure = wrong.find("failure")
    assert failure is not None
    assert failure.get("message", "").startswith("sales is 150 USD, expected 300 USD")
    assert "orders * price" in (failure.text or "")
    skipped = cases["a later one"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "later"


def test_names_that_a_terminal_would_obey_are_escaped(run: Any) -> None:
    write("shop.yml", TREE + TESTS.replace("no visits", '"no \\e[2Jvisits"'))
    result = run("-v")
    assert "\x1b[2J" not in result.stdout.str()


# --- together with others


def test_tests_run_in_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in "abc":
        write(f"{name}.yml", TREE + TESTS + (WRONG if name == "a" else ""))
    done = spawn("-n", "2", "-p", "no:cacheprovider", "-m", "edge or metrictree")
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"1 failed, 6 passed", done.stdout)
    assert "FAILED a.yml::a wrong one - sales is 150 USD, expected 300 USD" in done.stdout
    assert "orders * price" in done.stdout
    assert "Traceback" not in done.stdout


def test_coverage_of_the_package_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write("shop.yml", TREE + TESTS)
    done = spawn(
        "-p", "no:cacheprovider", "-W", "error", "--cov=metrictree", "--cov-report=json:cov.json",
        COVERAGE_CORE="ctrace",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    files = json.loads(Path("cov.json").read_text(encoding="utf-8"))["files"]
    home = Path(metrictree.__file__).parent

    def first_line_runs(name: str) -> bool:
        (covered,) = [file for path, file in files.items() if Path(path).samefile(home / name)]
        return 3 in covered["executed_lines"]  # `from __future__ import annotations`

    assert first_line_runs("testing/collect.py")
    assert first_line_runs("loader/__init__.py")
    assert first_line_runs("resolved.py")
    # The plugin was there before coverage began; what it does later counts.
    (plugin,) = [file for path, file in files.items() if Path(path).name == "pytest_plugin.py"]
    assert "MetricFile.collect" in plugin["functions"]
    assert plugin["functions"]["MetricFile.collect"]["executed_lines"]


def test_a_run_without_metric_tests_loads_nothing_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write("other.yml", "a: 1\n")
    write(
        "test_loaded.py",
        """\
import sys
def test_loaded():
    loaded = sorted(name for name in sys.modules if name.partition('.')[0] == 'metrictree')
    assert loaded == ['metrictree', 'metrictree._version', 'metrictree.names',
                      'metrictree.pytest_plugin', 'metrictree.testing',
                      'metrictree.testing.discovery']
    assert not {'pydantic', 'yaml', 'networkx', 'numpy', 'narwhals'} & set(sys.modules)
""",
    )
    done = spawn("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    assert done.returncode == 0, done.stdout


def test_without_the_plugin_nothing_is_collected(run: Any) -> None:
    write("shop.yml", TREE + TESTS)
    name = "metrictree" if INSTALLED else "metrictree.pytest_plugin"
    assert run("-p", f"no:{name}").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_assertions_of_python_tests_are_still_explained(run: Any) -> None:
    write("shop.yml", TREE + TESTS)
    write("test_own.py", "def test_own():\n    found = 3\n    assert found == 4\n")
    run().stdout.fnmatch_lines(["E * assert 3 == 4"])


# --- fixtures


def test_the_fixture_gives_the_tree_that_a_marker_names(run: Any) -> None:
    write("shop.yml", TREE)
    write("tests/shop.yml", TREE.replace("price", "worth"))
    write(
        "tests/test_shop.py",
        """\
import pytest
def ids(tree): return list(tree.metrics)
@pytest.mark.metric_tree("shop.yml")
def test_beside(metric_tree):
    assert "worth" in metric_tree.metrics
class TestAbove:
    pytestmark = pytest.mark.metric_tree("../shop.yml")
    first = []
    @pytest.mark.parametrize("number", [1, 2])
    def test_above(self, metric_tree, number):
        assert "price" in metric_tree.metrics
        self.first.append(metric_tree)
        assert metric_tree is self.first[0]
def test_the_setting(metric_tree):
    assert "price" in metric_tree.metrics
""",
    )
    run("--strict-markers", "-o", "metric_tree=shop.yml").assert_outcomes(passed=4)


def test_a_marker_may_name_a_file_from_the_root_on(run: Any) -> None:
    write("trees/shop.yml", TREE)
    write(
        "tests/test_shop.py",
        'import pytest\n@pytest.mark.metric_tree("trees/shop.yml")\n'
        "def test_root(metric_tree): assert metric_tree.north_star.metric == 'sales'\n",
    )
    run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ("", "*needs a file: mark the test with*metric_tree*or set the ini option*"),
        ("@pytest.mark.metric_tree", "*write the marker as @pytest.mark.metric_tree*"),
        (
            "@pytest.mark.metric_tree('absent.yml')",
            "*there is no tests?absent.yml and no absent.yml",
        ),
        ("@pytest.mark.metric_tree('bad.yml')", "*tests?bad.yml:4:21: error GRA101: *'vists'*"),
    ],
)
def test_a_tree_that_the_fixture_cannot_give_is_told(marker: str, told: str, run: Any) -> None:
    write("tests/bad.yml", TREE.replace("visits *", "vists *"))
    write("tests/test_it.py", f"import pytest\n{marker}\ndef test_it(metric_tree): pass\n")
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([told])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_a_metric_is_asserted_in_python(run: Any) -> None:
    write("shop.yml", TREE)
    write(
        "test_shop.py",
        """\
import pytest
from metrictree.testing import assert_metric
pytestmark = pytest.mark.metric_tree("shop.yml")
def test_good(metric_tree):
    assert_metric(metric_tree, "sales", given={"orders": 5, "price": 30}, expect=150)
def test_wrong(metric_tree):
    assert_metric(metric_tree, "sales", given={"orders": 5, "price": 30}, expect=300)
""",
    )
    result = run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*sales is 150 USD, expected 300 USD*", "test_shop.py:7: *"])
    result.stdout.no_fnmatch_line("*asserting.py*")
