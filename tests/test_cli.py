"""The command `metrictree`: what it prints, where, and the code it exits with."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

import metrictree
from metrictree import MetricTree
from metrictree.cli import demo
from metrictree.cli.common import style_of
from metrictree.cli.program import VERBS, program
from metrictree.cli.progress import progress_bar
from metrictree.cli.run import command
from metrictree.measures.writing import FORMATS
from metrictree.periods import GRAINS
from metrictree.render.style import Style

if TYPE_CHECKING:
    from click.testing import Result

EXAMPLES = Path(__file__).parents[1] / "examples"

SHOP = """\
north_star: weekly_orders
metrics:
  weekly_orders: {formula: buyers * orders_per_buyer, unit: order/week, owner: product}
  buyers: {formula: visitors * conversion, unit: customer/week}
  visitors: {unit: customer/week}
  conversion: {unit: "%", range: [0, 1]}
  orders_per_buyer: {unit: order/customer}
"""
INPUTS = ("visitors=30000", "conversion=0.04", "orders_per_buyer=1.5")

DATA = """\
customer,ordered_at,country,amount
ada,2026-01-05,DE,40
ada,2026-01-19,DE,25.5
bob,2026-01-20,FR,60
cyd,2026-03-02,,30
"""
ORDERS = """\
north_star: order_value
metrics:
  order_value: {formula: revenue / orders, unit: USD/order}
  orders: {measure: {source: orders, aggregate: count()}, unit: order}
  revenue: {measure: {source: orders, aggregate: sum(amount)}, unit: USD}
sources:
  orders: {path: orders.csv, time: ordered_at, dimensions: [country]}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder that holds a tree, and one with a mistake."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "COLUMNS", "PYTHONIOENCODING"):
        monkeypatch.delenv(name, raising=False)
    write("shop.yml", SHOP)
    write("bad.yml", SHOP.replace("visitors *", "vistors *").replace("owner:", "onwer:"))
    write("odd.yml", SHOP + "  lone:\n")
    write("orders.csv", DATA)
    write("orders.yml", ORDERS)


def write(name: str, text: str) -> None:
    Path(name).write_text(text, encoding="utf-8", newline="\n")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(program, arguments, prog_name="metrictree", catch_exceptions=False)


def spawn(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "metrictree", *arguments],
        capture_output=True,
        env=os.environ | environment,
        timeout=60,
        check=False,
    )


# --- the program


def test_help_lists_every_verb_with_a_sentence() -> None:
    result = run("--help")
    assert result.exit_code == 0
    listed = [line.split() for line in result.stdout.partition("Commands:")[2].splitlines()]
    assert [words[0] for words in listed if words and words[0] in VERBS] == list(VERBS)
    assert "..." not in result.stdout.partition("Commands:")[2]


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_has_an_example(verb: str) -> None:
    result = run(verb, "-h")
    assert result.exit_code == 0
    assert f"Usage: metrictree {verb}" in result.stdout
    if verb != "demo":
        assert f"\n    metrictree {verb}" in result.stdout


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from metrictree.cli.program import VERBS, program\n"
        "for verb in ('--help', *VERBS):\n"
        "    program([verb, '--help'], standalone_mode=False)\n"
        "heavy = {'pydantic', 'yaml', 'networkx', 'numpy', 'narwhals', 'duckdb'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_version_is_the_package_s() -> None:
    assert run("--version").stdout == f"metrictree, version {metrictree.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Usage: metrictree"),
        (["chek"], "did you mean check?"),
        (["zzzz"], "No such command 'zzzz'"),
        (["check"], "Missing argument 'FILE...'"),
        (["check", "shop.yml", "--format", "xml"], "'xml' is not one of"),
        (["show", "shop.yml", "--depth", "-1"], "-1 is not in the range"),
        (["show", "shop.yml", "--colour"], "No such option"),
        (["compute", "shop.yml", "visitors"], "'visitors' is no input: write METRIC=NUMBER"),
        (["compute", "shop.yml", "=3"], "'=3' is no input: write METRIC=NUMBER"),
        (["compute", "shop.yml", "visitors=1", "visitors=2"], "'visitors' is given twice"),
        (["compute", "shop.yml", "visitors=many"], "'visitors=many': many is no number"),
        (["compute", "shop.yml", "visitors=1_000"], "1_000 is no number (underscores may not"),
        (["compute", "shop.yml", "visitors=0x10"], "0x10 is no number (it is a hexadecimal"),
        (["compute", "shop.yml", "visitors=1,000"], "1,000 is no number"),
        (["compute", "shop.yml", "visitors=5%"], "5% is no number"),
        (["compute", "shop.yml", "visitors=true"], "true is no number"),
        (["compute", "shop.yml", "visitors=2026-01-01"], "2026-01-01 is no number"),
        (
            ["compute", "shop.yml", "--target", "wekly_orders", *INPUTS],
            "did you mean weekly_orders?",
        ),
        (["run", "orders.yml", "--grain", "decade"], "'decade' is not one of"),
        (["run", "orders.yml", "--grain", "monthly"], "'all': did you mean month?"),
        (["run", "orders.yml", "--format", "jsn"], "did you mean json"),
        (["completion", "tcsh"], "'tcsh' is not one of"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_is_meant(
    arguments: list[str], sentence: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert sentence in " ".join(result.stderr.split())


def test_the_module_is_the_command() -> None:
    done = spawn("--version")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().split() == ["metrictree,", "version", metrictree.__version__]


def test_without_click_one_line_says_what_to_install() -> None:
    code = "import sys; sys.modules['click'] = None; from metrictree.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert done.returncode == 2
    assert done.stderr == 'The command needs one more package: pip install "metrictree[cli]"\n'


def test_another_missing_module_is_not_taken_for_click() -> None:
    code = (
        "import sys; sys.modules['metrictree.errors'] = None\n"
        "from metrictree.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert "ModuleNotFoundError" in done.stderr
    assert "pip install" not in done.stderr


def test_an_interrupt_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(MetricTree, "load", interrupt)
    result = run("show", "shop.yml")
    assert (result.exit_code, result.output) == (130, "")


@pytest.mark.skipif(os.name == "nt", reason="pipes break differently on Windows")
def test_a_reader_that_goes_away_is_quiet() -> None:
    write("wide.yml", "north_star: m0\nmetrics:\n" + "".join(f"  m{n}:\n" for n in range(20_000)))
    command = f"{sys.executable} -m metrictree show wide.yml | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, check=False)  # noqa: S602
    assert done.stdout.startswith(b"North Star")
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_output_that_cannot_be_written_is_an_error_without_a_traceback() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "metrictree", "show", "shop.yml"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr == f"Error: {os.strerror(errno.ENOSPC)}\n"


@pytest.mark.skipif(os.name == "nt", reason="shells close streams differently on Windows")
@pytest.mark.parametrize(
    "arguments", ["check shop.yml", "show shop.yml", "score shop.yml", "rule", "rule NS101"]
)
def test_an_output_that_is_closed_is_no_traceback(arguments: str) -> None:
    command = f"{sys.executable} -m metrictree {arguments} >&-"
    done = subprocess.run(command, shell=True, capture_output=True, check=False)  # noqa: S602
    assert (done.returncode, done.stderr) == (0, b"")


# --- what a terminal can show


class Stream(io.StringIO):
    """A stream that says that it is a terminal, or not."""

    encoding = "utf-8"

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(
    ("terminal", "environment", "color"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
    ],
)
def test_colors_are_for_terminals_without_no_color(
    terminal: bool, environment: dict[str, str], color: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert style_of(Stream(terminal)).color is color


def test_lines_are_cut_on_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    assert style_of(Stream(True)).width == 72
    assert style_of(Stream(False)).width is None


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "utf-8"])
@pytest.mark.parametrize(
    "arguments",
    [("check", "büro.yml"), ("show", "shop.yml"), ("compute", "shop.yml", "x=1"), ("new", "ü.yml")],
)
def test_output_survives_every_encoding(encoding: str, arguments: tuple[str, ...]) -> None:
    write("shop.yml", SHOP.replace("owner: product", "label: Büro 注文, owner: '\u0416'"))
    write("büro.yml", "north_star: a\nmetrics:\n  a: 注文 * é\n")
    done = spawn(*arguments, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert b"Traceback" not in done.stderr
    done.stdout.decode(encoding)
    if arguments[0] == "show":
        shown = "Büro 注文" if encoding == "utf-8" else r"\u6ce8\u6587"
        assert shown in done.stdout.decode(encoding)
        assert ("├" in done.stdout.decode(encoding)) == (encoding == "utf-8")
    if arguments[0] == "check":
        assert done.returncode == 1
        assert b"FML" in done.stdout


# --- check


def test_check_of_a_sound_tree_says_so() -> None:
    result = run("check", "shop.yml", "--select", "UNI")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "no problems in 5 metrics\n"


def test_check_shows_every_problem_with_its_line() -> None:
    result = run("check", "bad.yml")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout == (
        """\
bad.yml:3:73: error SCH101: unknown field `onwer`
  |
3 |   weekly_orders: {formula: buyers * orders_per_buyer, unit: order/week, onwer: product}
  |                                                                         ^^^^^
  = fix: did you mean owner?

bad.yml:4:21: error GRA101: unknown metric 'vistors'
  |
4 |   buyers: {formula: vistors * conversion, unit: customer/week}
  |                     ^^^^^^^
  = fix: did you mean visitors?

2 errors
"""
    )


def test_warnings_are_shown_and_do_not_fail() -> None:
    result = run("check", "odd.yml", "--select", "IM205")
    assert result.exit_code == 0
    assert "odd.yml:8:3: warning IM205: metric 'lone' leads neither" in result.stdout
    assert result.stdout.endswith("\n1 warning in 6 metrics\n")


def test_check_of_several_files_counts_them_together() -> None:
    result = run("check", "shop.yml", "orders.yml", "--select", "UNI")
    assert result.stdout == "no problems in 8 metrics\n"
    result = run("check", "bad.yml", "shop.yml", "absent.yml", "odd.yml", "--select", "IM205")
    assert result.exit_code == 1
    assert "error INC101: cannot read absent.yml: there is no such file" in result.stdout
    assert result.stdout.endswith("\n3 errors, 1 warning\n")


def test_problems_that_are_left_out_are_counted_as_more() -> None:
    metrics = "".join(f"  a{number}: b{number}\n" for number in range(1001))
    write("many.yml", f"north_star: a0\nmetrics:\n{metrics}")
    assert run("check", "many.yml").stdout.endswith("\nmore than 1,000 errors\n")


def test_check_as_json_is_the_findings() -> None:
    result = run("check", "bad.yml", "odd.yml", "--format", "json", "--select", "IM205")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert [(one["code"], one["severity"], one["line"]) for one in found] == [
        ("SCH101", "error", 3),
        ("GRA101", "error", 4),
        ("IM205", "warning", 8),
    ]
    clean = run("check", "shop.yml", "--format", "json", "--select", "UNI")
    assert json.loads(clean.stdout) == []


def test_check_opens_no_sources() -> None:
    Path("orders.csv").unlink()
    assert run("check", "orders.yml", "--select", "UNI").stdout == "no problems in 3 metrics\n"


def test_the_root_lets_includes_come_from_above() -> None:
    Path("teams").mkdir()
    write("shared.yml", "metrics: {visits: 3}\n")
    write("teams/a.yml", "include: [../shared.yml]\nnorth_star: a\nmetrics: {a: visits * 2}\n")
    assert "INC102" in run("check", "teams/a.yml").stdout
    assert run("check", "teams/a.yml", "--root", ".").exit_code == 0
    assert run("show", "teams/a.yml", "--root", ".").exit_code == 0
    assert run("compute", "teams/a.yml", "--root", ".").exit_code == 0


# --- show


def test_show_draws_the_tree() -> None:
    result = run("show", "shop.yml")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        """\
North Star            unit            owner    definition
weekly_orders         order/week      product  = buyers * orders_per_buyer
├── buyers            customer/week            = visitors * conversion
│   ├── visitors      customer/week            input
│   └── conversion    %                        input
└── orders_per_buyer  order/customer           input
"""
    )
    assert "├── buyers (and 2 more inputs)" in run("show", "shop.yml", "--depth", "1").stdout


def test_show_keeps_every_formula_in_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metrictree.cli.show.style_of", lambda _: Style(width=80))
    lines = run("show", str(EXAMPLES / "cdnow" / "tree.yml")).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "│   = active_customers * orders_per_customer * repeat_share" in lines


@pytest.mark.parametrize("verb", ["show", "compute", "run"])
def test_a_tree_with_errors_is_told_on_standard_error(verb: str) -> None:
    result = run(verb, "bad.yml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error SCH101: unknown field `onwer`" in result.stderr
    assert "error GRA101: unknown metric 'vistors'" in result.stderr


# --- compute


def test_compute_draws_the_tree_with_its_values() -> None:
    result = run("compute", "shop.yml", *INPUTS)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        """\
North Star             value  unit
weekly_orders          1,800  order/week
├── buyers             1,200  customer/week
│   ├── visitors      30,000  customer/week
│   └── conversion       4 %
└── orders_per_buyer     1.5  order/customer
"""
    )


@pytest.mark.parametrize("argument", ["conversion=", "conversion=null", "conversion=~"])
def test_an_input_can_be_missing_and_strict_makes_that_an_error(argument: str) -> None:
    inputs = ("compute", "shop.yml", "visitors=1", argument, "orders_per_buyer=1.5")
    result = run(*inputs)
    assert result.exit_code == 0
    assert "because conversion is missing" in result.stdout
    result = run(*inputs, "--strict")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error VAL109" in result.stderr


@pytest.mark.parametrize("argument", ["visitors=3e4", "visitors = 30000.0", "visitors=+30000"])
def test_numbers_are_written_as_in_documents(argument: str) -> None:
    result = run("compute", "shop.yml", argument, *INPUTS[1:], "--format", "json")
    assert json.loads(result.stdout)["values"]["weekly_orders"] == 1800


def test_compute_as_json_has_exact_values_and_the_reasons_of_missing_ones() -> None:
    result = run(
        "compute", "shop.yml", "visitors=7", "conversion=", *INPUTS[2:], "--format", "json"
    )
    told = json.loads(result.stdout)
    assert told["values"]["visitors"] == 7
    assert told["values"]["weekly_orders"] is None
    assert told["missing"]["weekly_orders"] == "conversion is missing: no value was given"
    result = run(
        "compute", "shop.yml", "visitors=1", "conversion=0.1", *INPUTS[2:], "--format=json"
    )
    assert json.loads(result.stdout)["values"]["buyers"] == 0.1


def test_targets_are_computed_without_the_rest() -> None:
    result = run("compute", "shop.yml", *INPUTS[:2], "--target", "buyers")
    assert result.stdout.splitlines() == [
        "Targets  value  unit",
        "buyers   1,200  customer/week",
    ]


def test_wrong_inputs_are_all_told_with_the_place_of_their_metric() -> None:
    result = run("compute", "shop.yml", "visitors=1", "conversion=4", "orders_per_byer=2")
    assert (result.exit_code, result.stdout) == (1, "")
    for code in ("VAL101", "VAL103", "VAL106"):
        assert f"error {code}" in result.stderr
    assert "shop.yml:6:3:" in result.stderr
    assert "\n3 errors\n" in result.stderr
    result = run("compute", "shop.yml", "visitors=.inf", *INPUTS[1:])
    assert "VAL105" in result.stderr
    assert result.stderr.endswith("= fix: give a number, or null for missing\n")  # not None


def test_absent_inputs_end_with_a_command_to_copy() -> None:
    write("in put.yml", "visitors: 3\n")
    result = run(
        "compute", "shop.yml", "conversion=", "orders_per_byer=2", "--inputs", "in put.yml",
        "--target", "weekly_orders", "--format", "json", "--strict",
    )  # fmt: skip
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith(
        """
2 errors

Give each input a number, or null for a missing one:
  metrictree compute shop.yml conversion= orders_per_buyer=NUMBER --inputs 'in put.yml' \
--target weekly_orders --strict --format json
"""
    )
    assert "NUMBER" not in run("compute", "shop.yml", "conversion=4", *INPUTS[::2]).stderr


def test_an_unknown_metric_in_a_file_of_inputs_is_told_with_its_line() -> None:
    write("in.yml", "visitors: 30000\nconversoin: 0.04\n")
    result = run("compute", "shop.yml", *INPUTS, "--inputs", "in.yml")
    assert result.exit_code == 1
    assert "in.yml:2:1: error VAL101: the input 'conversoin' is no metric" in result.stderr
    assert "2 | conversoin: 0.04\n  | ^^^^^^^^^^\n" in result.stderr
    result = run("compute", "shop.yml", *INPUTS, "conversoin=1", "--inputs", "in.yml")
    assert result.stderr.startswith("error VAL101: the input 'conversoin' is no metric")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("week.yml", "visitors: 30000\nconversion: 0.04\norders_per_buyer: 1.5\n"),
        ("week.json", '{\n\t"visitors": 3e4,\n\t"conversion": 0.04, "orders_per_buyer": 1.5\n}\n'),
        ("over.yml", "visitors: 99\nconversion: 0.04\norders_per_buyer: 1.5\n"),
    ],
)
def test_inputs_come_from_a_file_and_arguments_win_over_it(name: Any, text: str) -> None:
    write(name, text)
    more = ["visitors=30000"] if name == "over.yml" else []
    result = run("compute", "shop.yml", *more, "--inputs", name, "--format", "json")
    assert json.loads(result.stdout)["values"]["weekly_orders"] == 1800


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("visitors: 1_000\n", "in.yml:1:11: error VAL104: the input 'visitors' is 1_000 without"),
        ("a: 1\nb: true\n", "in.yml:2:4: error VAL104: the input 'b' is true, not a number"),
        ("a: [1]\n", "in.yml:1:4: error VAL104: the input 'a' is a list, not a number"),
        ("a: 1\na: 2\n", "in.yml:2:1: error DOC105"),
        ("- 1\n", "in.yml:1:1: error SCH103: a file of inputs is a mapping, not a list"),
        ("", "error DOC101"),
        ("a: [", "error DOC104"),
    ],
)
def test_a_bad_file_of_inputs_is_told_with_its_place(text: str, sentence: str) -> None:
    write("in.yml", text)
    result = run("compute", "shop.yml", "--inputs", "in.yml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert sentence in result.stderr


def test_an_absent_file_of_inputs_is_an_error() -> None:
    result = run("compute", "shop.yml", "--inputs", "none.json")
    assert result.exit_code == 1
    assert "cannot read none.json" in result.stderr
    assert "metrictree new" not in result.stderr
    assert "metrictree new" in run("compute", "none.yml").stderr


# --- run


def test_run_prints_a_table_of_periods() -> None:
    result = run("run", "orders.yml", "--grain", "month")
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[0][1:] == ["order_value", "orders", "revenue"]
    assert rows[1][1:] == ["41.83", "3", "125.50"]
    assert rows[2][1:] == ["missing", "0", "0.00"]
    assert rows[3][1:] == ["30.00", "1", "30.00"]
    assert "order_value = revenue / orders is missing: division by zero" in result.stdout


def test_run_groups_by_dimensions_and_keeps_those_without_a_value() -> None:
    result = run("run", "orders.yml", "--by", "country", "--target", "orders")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert sorted(row[-2:] for row in rows[1:]) == [["(none)", "1"], ["DE", "2"], ["FR", "1"]]


def test_run_takes_a_span_and_targets() -> None:
    result = run(
        "run", "orders.yml", "--grain=month", "--since=2026-01-01", "--until=2026-01-31",
        "--target=revenue", "--format=json",
    )  # fmt: skip
    [row] = json.loads(result.stdout)
    assert row["revenue"] == 125.5
    assert "orders" not in row


@pytest.mark.parametrize(
    ("span", "notes"),
    [
        (["--since=2026-01-01", "--until=2026-03-31", "--as-of=2026-03-31"], []),
        (
            ["--since=2026-01-15", "--as-of=2026-03-31"],
            ["2026-01-01 is not complete (days from 2026-01-15 to 2026-01-31)"],
        ),
        (
            ["--until=2026-03-30", "--as-of=2026-03-31"],
            ["2026-03-01 is not complete (days to 2026-03-30)"],
        ),
        (
            ["--since=2026-01-02", "--until=2026-03-01"],
            [
                "2026-01-01 is not complete (days from 2026-01-02 to 2026-01-31)",
                "2026-03-01 is not complete (only the day 2026-03-01)",
            ],
        ),
        ([], ["2026-03-01 is not complete (days to 2026-03-02)"]),
    ],
)
def test_a_period_that_is_not_complete_is_noted_below_the_table(
    span: list[str], notes: list[str]
) -> None:
    result = run("run", "orders.yml", "--grain=month", "--target=orders", *span)
    lines = result.stdout.splitlines()
    assert [line for line in lines if line.startswith("note: ")] == [f"note: {n}" for n in notes]
    assert "note" not in run("run", "orders.yml", "--target=orders", *span).stdout
    csv_text = run("run", "orders.yml", "--grain=month", *span, "--format=csv").stdout
    assert csv_text.count("false") == len(notes)


def test_run_compares_with_as_many_days_unless_told_otherwise() -> None:
    write("orders.csv", DATA.replace("2026-03-02", "2026-02-10"))
    arguments = ("run", "orders.yml", "--grain=month", "--target=orders", "--compare=previous")
    note = "note: 2026-02-01 is not complete (days to 2026-02-10), compared with 2026-01-01 to "
    result = run(*arguments)
    assert result.stdout.splitlines()[-1] == f"{note}2026-01-10, the same number of days"
    assert result.stdout.splitlines()[2].split() == ["2026-02-01*", "1", "1", "0", "0", "%"]
    result = run(*arguments, "--whole-periods")
    assert result.stdout.splitlines()[-1] == f"{note}2026-01-31, which is whole: 10 with 31 days"
    assert result.stdout.splitlines()[2].split() == ["2026-02-01*", "1", "3", "-2", "-66.7", "%"]


def test_run_adds_rows_for_all_values_of_a_dimension() -> None:
    result = run("run", "orders.yml", "--by=country", "--target=orders", "--totals")
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    assert rows == [["DE", "2"], ["FR", "1"], ["(none)", "1"], ["(all)", "4"]]


def test_run_counts_the_rows_that_a_condition_leaves() -> None:
    condition = "country == 'DE' and amount > 30"
    result = run("run", "orders.yml", "--target=orders", "--where", condition, "--format=json")
    assert json.loads(result.stdout) == [{"orders": 1.0}]


@pytest.mark.parametrize("engine", ["duckdb", "polars", "pandas"])
def test_run_gives_the_same_on_every_engine(engine: str) -> None:
    result = run("run", "orders.yml", "--grain=month", "--format=csv", "--engine", engine)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[1] == f"2026-01-01,true,{125.5 / 3!r},3,125.5"


def test_run_explains_its_plan_and_reads_nothing() -> None:
    arguments = ("run", "orders.yml", "--grain=month", "--by=country", "--explain-plan")
    told = run(*arguments)
    assert told.exit_code == 0
    assert "orders.csv" in told.stdout
    assert "30.00" not in told.stdout
    assert isinstance(json.loads(run(*arguments, "--format=json").stdout), dict)


NOTHING_COUNTS = "note: nothing of the source orders counts: look at --where, --since and --until\n"


def test_the_last_day_that_there_is_ends_its_period() -> None:
    span = ("--since=9999-12-01", "--until=9999-12-31", "--as-of=9999-12-31")
    result = run("run", "orders.yml", "--grain=month", "--target=orders", *span)
    assert result.stdout == f"month       orders\n9999-12-01       0\n\n{NOTHING_COUNTS}"


def test_a_dimension_or_the_grain_may_be_named_like_a_metric() -> None:
    write(
        "orders.yml",
        "north_star: orders\n"
        "metrics:\n"
        "  orders: {measure: {source: orders, aggregate: count()}}\n"
        "  month: 1\n"
        "  country: 2\n"
        "sources:\n"
        "  orders: {path: orders.csv, time: ordered_at, dimensions: [country]}\n",
    )
    result = run("run", "orders.yml", "--target=orders", "--grain=month", "--by=country")
    assert result.stdout.splitlines()[0].split() == ["month", "country", "orders"]


def test_the_grains_of_the_option_are_those_of_runs() -> None:
    assert f"--grain [{'|'.join(GRAINS)}]" in run("run", "--help").stdout


def test_a_run_without_rows_says_so() -> None:
    result = run("run", "orders.yml", "--by=country", "--target=orders", "--where=amount < 0")
    assert result.stdout == f"country  orders\nno rows\n\n{NOTHING_COUNTS}"


def test_a_source_without_rows_is_refused() -> None:
    write("orders.csv", DATA.partition("\n")[0] + "\n")
    result = run("run", "orders.yml", "--target=orders", "--out=out.csv")
    assert result.exit_code == 1
    assert "SRC121" in result.stderr
    assert not Path("out.csv").exists()


@pytest.mark.parametrize(
    ("name", "form"), [("out.csv", "csv"), ("out.jsonl", "jsonl"), ("out.MD", "markdown")]
)
def test_run_writes_a_file_and_the_same_to_standard_output(name: str, form: str) -> None:
    result = run("run", "orders.yml", "--grain", "month", "--out", name)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"wrote 3 rows to {name}\n"
    written = Path(name).read_bytes()
    assert "41.83" in written.decode()
    assert spawn("run", "orders.yml", "--grain", "month", "--format", form).stdout == written
    assert run("run", "orders.yml", "--grain=month", "--out=a", "--format", form).exit_code == 0
    assert Path("a").read_bytes() == written


def test_run_writes_parquet() -> None:
    import duckdb

    assert run("run", "orders.yml", "--grain=month", "--out=out.parquet").exit_code == 0
    found = duckdb.read_parquet("out.parquet")
    rows = found.project("month, complete, orders, order_value").fetchall()
    assert rows == [
        (date(2026, 1, 1), True, 3.0, 125.5 / 3),
        (date(2026, 2, 1), True, 0.0, None),
        (date(2026, 3, 1), False, 1.0, 30.0),
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--out=out.json"], "name ends in .csv, .jsonl, .parquet, .md"),
        (["--out=out"], "name ends in .csv, .jsonl, .parquet, .md"),
        (["--out=out.csv", "--format=json"], "send json to a file with `--format json > FILE`"),
        (["--out=out.csv", "--format=text"], "--out writes csv, jsonl, parquet, markdown"),
        (["--out=nowhere/out.csv"], "the folder nowhere is not there"),
        (["--format=parquet"], "name it with --out"),
        (["--explain-plan", "--out=out.csv"], "--explain-plan writes text or --format json"),
        (["--explain-plan", "--format=csv"], "--explain-plan writes text or --format json"),
        (["--whole-periods"], "name what with --compare"),
        (["--engine=duckbd"], "did you mean duckdb?"),
    ],
)
def test_run_refuses_what_it_cannot_write_before_it_reads(
    arguments: list[str], sentence: str
) -> None:
    Path("orders.csv").unlink()
    result = run("run", "orders.yml", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in " ".join(result.stderr.split())


def test_the_formats_of_the_option_are_those_of_results() -> None:
    (option,) = [one for one in command.params if one.name == "form"]
    assert isinstance(option.type, click.Choice)
    assert set(option.type.choices) == {"text", "json", *FORMATS.values()}


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
@pytest.mark.parametrize(("patience", "drawn"), [("0", True), ("60", False)])
def test_a_bar_is_drawn_on_a_terminal_after_a_while(patience: str, drawn: bool) -> None:
    import pty

    ours, theirs = pty.openpty()
    code = (
        "import sys, time\n"
        "from metrictree.cli import progress\n"
        f"progress._PATIENCE = {patience}\n"
        "with progress.progress_bar() as bar:\n"
        "    bar('orders', 0.25)\n"
        "    time.sleep(0.5)\n"
        "print('done', file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stderr=theirs, timeout=60, check=True)
    os.close(theirs)
    told = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.returncode == 0
    assert ("reading orders" in told and "25%" in told) is drawn
    assert told.endswith("done\r\n")


def test_without_a_terminal_there_is_no_bar() -> None:
    with progress_bar() as bar:
        assert bar is None


def test_csv_on_standard_output_is_utf_8_whatever_the_terminal_writes() -> None:
    write("orders.csv", DATA.replace("FR", "Österreich"))
    done = spawn("run", "orders.yml", "--by=country", "--format=csv", PYTHONIOENCODING="ascii")
    assert "Österreich,60,1,60\n" in done.stdout.decode()
    done = spawn("run", "orders.yml", "--by=country", PYTHONIOENCODING="cp1252")
    assert "Österreich " in done.stdout.decode("cp1252")


def test_run_tells_what_is_wrong_with_the_data() -> None:
    write("orders.csv", DATA.replace("amount", "paid"))
    result = run("run", "orders.yml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error SRC" in result.stderr
    assert "amount" in result.stderr


def test_run_never_replaces_what_its_tree_is_made_of() -> None:
    result = run("run", "orders.yml", "--out", "orders.csv")
    assert result.exit_code == 2
    assert "orders.csv is a source of this tree" in result.stderr
    assert Path("orders.csv").read_text(encoding="utf-8") == DATA


# --- schema, new, demo, completion


def test_schema_is_the_json_schema() -> None:
    assert json.loads(run("schema").stdout) == metrictree.json_schema()
    assert json.loads(run("schema", "--tests").stdout) == metrictree.json_schema("tests")


def test_new_writes_a_tree_that_checks_clean_and_computes_as_it_says() -> None:
    result = run("new")
    assert (result.exit_code, result.stderr) == (0, "")
    commands = [line.split()[1:] for line in result.stdout.splitlines()[1:]]
    assert [command[:2] for command in commands] == [
        [verb, "tree.yml"] for verb in ("check", "show", "compute")
    ]
    assert run(*commands[0], "--fail-on", "warning").exit_code == 0
    assert run(*commands[1]).exit_code == 0
    computed = run(*commands[2])
    assert computed.exit_code == 0
    assert "missing" not in computed.stdout
    assert [path.name for path in Path.cwd().iterdir() if path.name.startswith(".")] == []


def test_new_overwrites_nothing_unless_forced() -> None:
    write("mine.yml", "mine")
    result = run("new", "mine.yml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: mine.yml exists already; --force overwrites it.\n"
    assert Path("mine.yml").read_text(encoding="utf-8") == "mine"
    assert run("new", "mine.yml", "--force").exit_code == 0
    assert MetricTree.load("mine.yml").metrics


def test_new_makes_the_folder_of_the_file() -> None:
    result = run("new", "teams/eu/growth.yml")
    assert (result.exit_code, result.stderr) == (0, "")
    assert MetricTree.load("teams/eu/growth.yml").metrics


def test_new_below_a_file_is_an_error_without_a_traceback() -> None:
    result = run("new", "shop.yml/tree.yml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: shop.yml: ")


def test_a_first_tree_that_cannot_be_finished_leaves_no_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(self: Path, data: bytes) -> int:
        self.open("wb").close()
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", fail)
    before = sorted(Path.cwd().iterdir())
    result = run("new", "--force", "shop.yml")
    assert result.exit_code == 1
    assert result.stderr == "Error: shop.yml: No space left on device\n"
    assert sorted(Path.cwd().iterdir()) == before
    assert Path("shop.yml").read_text(encoding="utf-8") == SHOP


def test_demo_computes_and_checks_the_orders_of_a_shop() -> None:
    result = run("demo")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "no problems in 8 metrics" in result.stdout
    assert "│   ├── orders" in result.stdout
    march = next(line for line in result.stdout.splitlines() if line.startswith("1997-03"))
    assert "11,598" in march
    assert "4,350" in march
    assert "393,155.27" in march


def test_demo_finds_its_data_in_an_installed_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(demo, "FOLDERS", (tmp_path / "no", EXAMPLES / "cdnow"))
    assert run("demo").exit_code == 0
    monkeypatch.setattr(demo, "FOLDERS", (tmp_path / "no", tmp_path / "neither"))
    result = run("demo")
    assert result.exit_code == 1
    assert "INC101" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_METRICTREE_COMPLETE" in result.stdout


def test_verbs_and_options_are_completed() -> None:
    complete = {"_METRICTREE_COMPLETE": "bash_complete"}
    code = "from metrictree.cli import main; main()"

    def completed(words: str, position: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | complete | {"COMP_WORDS": words, "COMP_CWORD": position},
            capture_output=True,
            check=False,
            text=True,
        )
        return done.stdout.split()

    assert completed("metrictree c", "1") == ["plain,check", "plain,compute", "plain,completion"]
    assert "plain,--grain" in completed("metrictree run --", "2")


# --- the examples


SOUND = [
    path
    for path in sorted(EXAMPLES.glob("**/*.yml"))
    if "case_studies" not in path.parts and ".metrictest" not in path.name
]


@pytest.mark.parametrize("example", SOUND, ids=lambda path: path.name)
def test_an_example_has_no_errors_or_warnings_and_can_be_drawn(example: Path) -> None:
    today = "2026-11-22"  # later, a target and a review are overdue
    check = run("check", str(example), "--fail-on", "warning", "--today", today)
    assert check.exit_code == 0, check.stdout
    assert run("show", str(example)).exit_code == 0


def test_the_orders_of_the_example_are_what_a_hand_count_says() -> None:
    with (EXAMPLES / "cdnow" / "orders.csv").open(encoding="utf-8", newline="") as stream:
        orders = list(csv.DictReader(stream))
    assert len(orders) == 69_659
    assert len({order["customer_id"] for order in orders}) == 23_570
    months: dict[str, list[dict[str, str]]] = {}
    for order in orders:
        months.setdefault(order["ordered_at"][:7], []).append(order)
    assert len(months["1997-03"]) == 11_598
    result = MetricTree.load(EXAMPLES / "cdnow" / "tree.yml").run(grain="month")
    assert len(result.rows) == len(months) == 18
    for row, month in zip(result.to_dicts(), sorted(months), strict=True):
        by_hand = months[month]
        customers = len({order["customer_id"] for order in by_hand})
        repeats = sum(order["order_number"] != "1" for order in by_hand)
        cents = sum(round(float(order["amount_usd"]) * 100) for order in by_hand)
        near: dict[str, Any] = {"rel": 1e-12}
        assert row["orders"] == len(by_hand)
        assert row["active_customers"] == customers
        assert row["repeat_orders"] == pytest.approx(repeats, **near)
        assert row["orders_per_customer"] == pytest.approx(len(by_hand) / customers, **near)
        assert row["repeat_share"] == pytest.approx(repeats / len(by_hand), **near)
        assert round(row["revenue"] * 100) == cents
        assert row["average_order_value"] == pytest.approx(cents / 100 / len(by_hand), **near)
