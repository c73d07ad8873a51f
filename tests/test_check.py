"""`metrictree check`: its formats, its exit codes, what it selects, and texts that mean harm."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from metrictree import Diagnostic, MetricTree, Severity, Span
from metrictree.cli.program import program
from metrictree.diagnostics import Confidence, Evidence
from metrictree.render.findings import findings_html, render_diagnostic, render_findings
from metrictree.render.github import findings_github
from metrictree.render.markdown import findings_markdown
from metrictree.render.sarif import findings_sarif
from metrictree.render.style import Style, text_width

if TYPE_CHECKING:
    from click.testing import Result

    from metrictree.codes import Code

GOOD = """\
north_star: jobs_done
metrics:
  jobs_done: {formula: jobs * done_rate, unit: job/week}
  jobs: {unit: job/week}
  done_rate: {unit: ratio}
  lone: {unit: visit}
"""
MONEY = "north_star: mrr\nmetrics:\n  mrr: {unit: USD/month, label: MRR}\n"
BAD = GOOD.replace("jobs *", "jbos *")
FORMATS = ("text", "json", "sarif", "github", "markdown")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {"good.yml": GOOD, "money.yml": MONEY, "bad.yml": BAD}.items():
        write(name, text)


def write(name: str, text: str) -> None:
    Path(name).write_text(text, encoding="utf-8", newline="\n")


def check(*arguments: str) -> Result:
    return CliRunner().invoke(
        program, ["check", *arguments], prog_name="metrictree", catch_exceptions=False
    )


def codes_of(*arguments: str) -> list[str]:
    return [one["code"] for one in json.loads(check(*arguments, "--format", "json").stdout)]


# --- exit codes


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["good.yml", "--select", "UNI"], 0),
        (["good.yml", "--select", "IM205"], 0),
        (["good.yml", "--select", "IM205", "--fail-on", "warning"], 1),
        (["good.yml", "--select", "IM201"], 0),
        (["good.yml", "--select", "IM201", "--fail-on", "warning"], 0),
        (["good.yml", "--select", "IM201", "--fail-on", "advice"], 1),
        (["money.yml"], 1),
        (["money.yml", "--fail-on", "never"], 0),
        (["money.yml", "--ignore", "NS101", "--fail-on", "warning"], 0),
        (["bad.yml"], 1),
        (["bad.yml", "--select", "IM205"], 1),
        (["bad.yml", "--fail-on", "never"], 0),
        (["absent.yml"], 1),
        (["good.yml", "bad.yml", "--select", "UNI"], 1),
    ],
    ids=str,
)
@pytest.mark.parametrize("form", FORMATS)
def test_the_exit_code_goes_by_the_worst_finding(
    arguments: list[str], exit_code: int, form: str
) -> None:
    assert check(*arguments, "--format", form).exit_code == exit_code


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["good.yml", "--select", "NS1O1"], "there is no rule 'NS1O1'"),
        (["bad.yml", "--select", "NS999"], "there is no rule 'NS999'"),
        (["good.yml", "--ignore", "NS101,"], "there is no rule ''"),
        (["good.yml", "--ignore", "GRA101"], "it is a mistake of the document"),
        (["good.yml", "--fail-on", "warnings"], "did you mean warning?"),
        (["good.yml", "--today", "tomorrow"], "'tomorrow' does not match"),
        (["good.yml", "--statistics", "--format", "sarif"], "--statistics are written as text"),
        (["good.yml", "money.yml", "--values", "v.json"], "check one FILE"),
        (["good.yml", "--format", "xml"], "'xml' is not one of"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_why(arguments: list[str], sentence: str) -> None:
    result = check(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert sentence in result.stderr


# --- what is selected


def test_codes_are_selected_and_ignored_by_lists_and_beginnings() -> None:
    assert set(codes_of("good.yml", "--select", "IM205,NS110")) == {"IM205", "NS110"}
    assert set(codes_of("good.yml", "--select", "IM205", "--select", "NS110")) == {
        "IM205",
        "NS110",
    }
    assert {code[:2] for code in codes_of("good.yml", "--ignore", "NS1, UNI")} == {"IM"}


def test_the_command_line_selects_in_place_of_the_tree() -> None:
    write("good.yml", GOOD + "lint: {select: [NS110]}\n")
    assert codes_of("good.yml") == ["NS110"]
    assert codes_of("good.yml", "--select", "IM205") == ["IM205"]


def test_mistakes_of_a_document_are_told_whatever_is_selected() -> None:
    assert codes_of("bad.yml", "--select", "UNI", "--ignore", "NS") == ["GRA101"]


def test_a_broken_file_hides_nothing_of_the_others() -> None:
    result = check("bad.yml", "money.yml", "--select", "NS101")
    assert "bad.yml:3:24: error GRA101" in result.stdout
    assert "money.yml:3:15: error NS101" in result.stdout
    assert result.stdout.endswith("\n2 errors\n")  # nobody knows of how many metrics


def test_what_is_ignored_with_a_reason_is_counted() -> None:
    write("good.yml", GOOD + "lint: {ignore: {IM: soon}}\n")
    result = check("good.yml", "--select", "IM205,UNI")
    assert result.stdout == "no problems in 4 metrics; 1 finding is ignored with a reason\n"


def test_statistics_count_each_code() -> None:
    result = check("good.yml", "--select", "IM205,IM201", "--statistics")
    assert result.stdout.splitlines() == [
        "2  IM201  An input without owner",
        "1  IM205  A metric that leads nowhere",
        "",
        "1 warning, 2 pieces of advice in 4 metrics",
    ]
    as_json = check("good.yml", "--select", "IM205", "--statistics", "--format", "json")
    assert json.loads(as_json.stdout) == [
        {"code": "IM205", "count": 1, "title": "A metric that leads nowhere"}
    ]


def test_dates_are_judged_by_the_day_that_is_given() -> None:
    star = "north_star: {metric: jobs_done, review: {last: 2026-01-10}}"
    write("good.yml", GOOD.replace("north_star: jobs_done", star))
    assert codes_of("good.yml", "--select", "NS112", "--today", "2026-02-01") == []
    assert codes_of("good.yml", "--select", "NS112", "--today", "2026-09-01") == ["NS112"]


# --- values and history


OUTSIDE = """\
north_star: sold
metrics:
  sold: {formula: 100 * rain + teams, unit: umbrella/week}
  rain: {unit: mm, controllability: external, range: [0, 1]}
  teams: {unit: umbrella/week, controllability: direct, owner: shop, range: [0, 1000]}
"""
HISTORY = """\
month,complete,sold,rain,teams
2026-01-01,true,,{0},{1}
2026-02-01,true,,{2},{3}
2026-03-01,true,,{4},{5}
2026-04-01,false,,9,900
"""


def test_a_history_says_what_really_moved_the_north_star() -> None:
    write("outside.yml", OUTSIDE)
    write("rain.csv", HISTORY.format(0.1, 100, 0.9, 100, 0.2, 101))
    write("teams.csv", HISTORY.format(0.5, 100, 0.5, 300, 0.51, 200))
    assert codes_of("outside.yml", "--select", "NS102", "--history", "rain.csv") == ["NS102"]
    assert codes_of("outside.yml", "--select", "NS102", "--history", "teams.csv") == []


def test_values_say_at_which_point_to_look() -> None:
    write("outside.yml", OUTSIDE)
    write("wet.json", '{"rain": 1, "teams": 1}')
    write("dry.json", '{"rain": 0.001, "teams": 1000}')
    assert codes_of("outside.yml", "--select", "NS102", "--values", "wet.json") == ["NS102"]
    assert codes_of("outside.yml", "--select", "NS102", "--values", "dry.json") == []


def test_what_a_run_writes_is_a_history() -> None:
    pytest.importorskip("duckdb")
    write("orders.csv", "day,amount\n2026-01-03,1\n2026-01-04,2\n2026-02-01,5\n2026-03-31,9\n")
    write(
        "run.yml",
        "north_star: mean_amount\n"
        "metrics:\n"
        "  mean_amount: amount / orders\n"
        "  amount: {measure: {source: orders, aggregate: sum(amount)}, unit: point}\n"
        "  orders: {measure: {source: orders, aggregate: count()}, unit: order}\n"
        "sources: {orders: {path: orders.csv, time: day}}\n",
    )
    MetricTree.load("run.yml").run(grain="month").write("months.csv")
    assert check("run.yml", "--history", "months.csv", "--select", "NS102").exit_code == 0


@pytest.mark.parametrize(
    ("text", "code", "sentence"),
    [
        ("month,rian\n2026-01-01,1\n", "VAL101", "no column of the history is an input"),
        ("", "VAL101", "no column of the history is an input"),
        ("rain,rain\n1,2\n", "VAL113", "the history has two columns 'rain'"),
        ("rain,teams\n1\n", "VAL116", "the row has 1 cells, and the head has 2"),
        ("rain,teams\n1,many\n", "VAL104", "the value 'many' of 'teams' is no number"),
        ("rain,teams\n1,nan\n", "VAL104", "is no number"),
        ("rain,teams\n1,1e999\n", "VAL104", "is no number"),
        ("rain,teams\n1,1_000\n", "VAL104", "is no number"),
        (
            "month,rain,teams\n2026-01-01,1,1\n2026-01-01,1,1\n",
            "VAL113",
            "the period 2026-01-01 comes after 2026-01-01",
        ),
        ('rain,teams\n1,"2\n', "INC101", "cannot read h.csv"),
        ("rain\n1\n2\n", "VAL103", "teams"),
    ],
)
def test_a_history_that_is_none_is_refused_with_its_place(
    text: str, code: str, sentence: str
) -> None:
    write("outside.yml", OUTSIDE)
    write("h.csv", text)
    result = check("outside.yml", "--history", "h.csv", "--select", "NS102")
    assert result.exit_code in (1, 2)
    assert f"error {code}: " in result.stderr
    assert sentence in " ".join(result.stderr.split())


def test_a_history_that_is_not_there_or_no_text_is_refused() -> None:
    write("outside.yml", OUTSIDE)
    Path("h.csv").write_bytes(b"rain,teams\n\xff,1\n")
    assert "INC101" in check("outside.yml", "--history", "h.csv").stderr
    assert "No such file" in check("outside.yml", "--history", "absent.csv").stderr


# --- how findings are told


def finding(severity: Severity = Severity.WARNING, **facts: Any) -> Diagnostic:
    return Diagnostic("NS101", "it is money", severity=severity, fix="count orders", **facts)


def test_evidence_and_confidence_stand_below_the_caret() -> None:
    span = Span("tree.yml", 3, 3, 3, 6, "  mrr: {unit: USD}")
    evidence = (Evidence("mrr is in USD"), Evidence("mrr sounds like revenue"))
    found = finding(span=span, confidence=Confidence.DERIVED, evidence=evidence)
    assert render_diagnostic(found).splitlines() == [
        "tree.yml:3:3: warning NS101: it is money",
        "  |",
        "3 |   mrr: {unit: USD}",
        "  |   ^^^",
        "  = because: mrr is in USD",
        "  = because: mrr sounds like revenue",
        "  = confidence: derived: it follows from what the tree says",
        "  = fix: count orders",
    ]


def test_many_reasons_are_cut_in_text_and_whole_in_data() -> None:
    found = finding(evidence=tuple(Evidence(f"reason {number}") for number in range(9)))
    text = render_diagnostic(found)
    assert "reason 4" in text
    assert "reason 5" not in text
    assert "and 4 more reasons" in text
    assert len(found.to_dict()["evidence"]) == 9  # type: ignore[arg-type]


def test_a_finding_is_known_in_words_only_where_that_says_something() -> None:
    declared = finding(confidence=Confidence.DECLARED)
    assert "confidence" not in render_diagnostic(declared)
    reasoned = finding(confidence=Confidence.DECLARED, evidence=(Evidence("it is in USD"),))
    assert "= confidence: declared: the tree says so" in render_diagnostic(reasoned)
    assert "= confidence: named: only the words" in render_diagnostic(
        finding(confidence=Confidence.NAMED)
    )


def test_advice_for_many_metrics_is_told_once() -> None:
    advice = [
        Diagnostic(
            "IM201",
            f"the input 'm{number}' has no owner",
            Span("tree.yml", number + 3, 3, number + 3, 5, f"  m{number}:"),
            Severity.ADVICE,
            f"m{number}",
            fix="name one",
        )
        for number in range(12)
    ]
    other = Diagnostic("IM201", "the input 'x' is odd", None, Severity.ADVICE, "x", fix="else")
    lines = render_findings([*advice, other], 20).splitlines()
    assert lines[:3] == [
        "tree.yml:3:3: advice IM201: the input 'm0' has no owner",
        " = also: " + ", ".join(f"m{n} (line {n + 3})" for n in range(1, 9)) + ", 3 more",
        " = fix: name one",
    ]
    assert lines[3:] == [
        "advice IM201: the input 'x' is odd",
        " = fix: else",
        "",
        "13 pieces of advice in 20 metrics",
    ]


def test_on_a_terminal_no_line_is_wider_than_it() -> None:
    found = finding(
        span=Span("tree.yml", 3, 3, 3, 6, "  mrr: " + "x" * 200),
        evidence=(Evidence("word " * 60),),
        confidence=Confidence.NAMED,
    )
    for one in (found, finding(Severity.ADVICE, path="metrics.mrr")):
        text = render_findings([one] * 3, 5, Style(width=50))
        assert max(map(text_width, text.splitlines())) <= 50


def test_a_small_tree_stays_readable() -> None:
    write("small.yml", "north_star: a\nmetrics: {a: b * c, b: , c: }\n")
    assert len(check("small.yml").stdout.splitlines()) <= 40


# --- texts that mean harm

HOSTILE = (
    "a\n::error::forged",
    "\r\n::stop-commands::x",
    "\x1b[2J\x1b]8;;http://evil\x07link",
    "\u202egnirts",
    "| a | b |",
    "<script>alert(1)</script>",
    "</details><img src=x onerror=alert(1)>",
    "@everyone [x](javascript:alert(1)) ![y](z)",
    "`code` ``` ~~~ * _ # - 1.",
    "{0} {1} {{2}}",
    "%0A%25::warning file=x::y",
    "a,b:c=d",
    "\udcff",
    "-" * 5_000,
    "'; drop table --",
)


def hostile(text: str) -> Diagnostic:
    return Diagnostic(
        "NS101",
        f"before {text} after",
        Span(f"dir/{text}.yml", 2, 1, 2, 3, text, 1),
        Severity.ERROR,
        metric=text,
        path=f"metrics.{text}",
        fix=f"do {text} now",
        confidence=Confidence.NAMED,
        evidence=(Evidence(f"because {text}", text, "words", text, (text,)),),
    )


@pytest.fixture
def page() -> Code:
    from metrictree.lint.manual import pages

    return pages()["NS101"]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("severity", Severity)
def test_text_shows_no_control_characters_and_no_new_lines(text: str, severity: Severity) -> None:
    from dataclasses import replace

    shown = render_findings([replace(hostile(text), severity=severity)], 3)
    plain = render_findings([replace(hostile("x"), severity=severity)], 3)
    assert len(shown.splitlines()) == len(plain.splitlines())
    assert all(line.isprintable() for line in shown.split("\n"))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_finding_is_one_command_of_github(text: str) -> None:
    lines = findings_github([hostile(text)], 3).split("\n")
    assert len(lines) == 2
    assert lines[0].isprintable()
    found = re.fullmatch(r"::error ((?:\w+=[^:,]*,?)+)::(.*)", lines[0])
    assert found is not None
    names = [item.partition("=")[0] for item in found[1].split(",")]
    assert names == ["file", "line", "endLine", "col", "endColumn", "title"]
    assert re.search(r"%(?!25|0A)", found[2]) is None


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("severity", Severity)
def test_markdown_keeps_its_shape(text: str, severity: Severity) -> None:
    from dataclasses import replace

    titles = {"NS101": "Based on revenue"}
    shown = findings_markdown([replace(hostile(text), severity=severity)], 3, titles)
    plain = findings_markdown([replace(hostile("x"), severity=severity)], 3, titles)
    assert shown.count("\n") == plain.count("\n")
    assert all(line.isprintable() for line in shown.split("\n"))
    without_code = re.sub(r"(`+) ?.*? ?\1", "", shown)
    assert re.search(r"(?<!\\)<(?!br>|/?details>|/?summary>)", without_code) is None
    assert re.search(r"@(?!&#8203;)", without_code) is None
    bars = [len(re.findall(r"(?<!\\)\|", line)) for line in shown.splitlines() if line[:1] == "|"]
    assert set(bars) <= {5}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_html_holds_no_tag_of_a_user(text: str) -> None:
    shown = findings_html([hostile(text)], 3)
    tags = set(re.findall(r"</?(\w+)", shown))
    assert tags <= {"p", "table", "thead", "tbody", "tr", "th", "td"}
    assert html.unescape(shown).isascii() or "\u202e" not in shown


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_json_and_sarif_are_ascii_and_whole(text: str, page: Code) -> None:
    log = findings_sarif([hostile(text)], [(hostile(text), text)], {"NS101": page})
    assert log.isascii()
    read = json.loads(log)
    (uri,) = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in read["runs"][0]["results"]
    }
    assert re.fullmatch(r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+", uri)
    message = read["runs"][0]["results"][0]["message"]["text"]
    assert message.isprintable()
    assert re.search(r"(?<!\{)(?:\{\{)*\{(?!\{)", message) is None


def test_hostile_names_of_a_tree_stay_in_their_place_in_every_format() -> None:
    write(
        "evil.yml",
        'north_star: {metric: mrr, rationale: "x\\n::error::y"}\n'
        "metrics:\n"
        '  mrr: {unit: USD/month, label: "MRR\\n::error::forged <script> \\e[2J \\u202e |"}\n',
    )
    for form in FORMATS:
        result = check("evil.yml", "--format", form)
        assert result.exit_code == 1
        assert not any(line.startswith("::error::") for line in result.stdout.splitlines())
        assert "\x1b" not in result.stdout
        assert "\u202e" not in result.stdout


def test_a_history_with_other_separators_is_told_what_to_write(tmp_path):
    (tmp_path / "tree.yml").write_text("north_star: a\nmetrics: {a: b * c, b: , c: }\n")
    (tmp_path / "months.csv").write_text("month;b;c\n2026-01;1;2\n2026-02;2;3\n")
    result = CliRunner().invoke(
        program,
        ["check", str(tmp_path / "tree.yml"), "--history", str(tmp_path / "months.csv")],
    )
    assert result.exit_code == 1
    assert "separate the columns by commas" in result.stderr
