"""Text for reading: numbers, excerpts with carets, drawn trees and tables."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, strategies as st

from metrictree import Diagnostic, Metric, MetricTree, RunResult, Severity, Span
from metrictree.documents import parse
from metrictree.formula import parse as formula
from metrictree.measures.result import Origins, Period
from metrictree.render.findings import (
    diagnostics_json,
    excerpt,
    render_diagnostic,
    render_diagnostics,
    summary,
)
from metrictree.render.numbers import format_column, format_number, format_value
from metrictree.render.style import PLAIN, Style, text_width, wrapped
from metrictree.render.table import render_html, render_markdown, render_run
from metrictree.render.tree import draw_tree, draw_values
from tests.made_results import compared, of_groups, origins, result

ASCII = Style(encoding="ascii")

# --- numbers


@pytest.mark.parametrize(
    ("value", "options", "text"),
    [
        (None, {}, "missing"),
        (0.0, {}, "0"),
        (-0.0, {}, "0"),
        (-0.001, {"digits": 2}, "0.00"),
        (-0.0001, {"form": "percent", "digits": 1}, "0.0 %"),
        (11598.0, {}, "11,598"),
        (-1234567.0, {}, "-1,234,567"),
        (1.5, {}, "1.5"),
        (1.2177656, {}, "1.218"),
        (0.3750646, {}, "0.3751"),
        (11598.126, {}, "11,598.13"),
        (999999.999, {}, "1,000,000"),
        (0.00001234, {}, "0.00001234"),
        (1e-9, {}, "1.000e-09"),
        (1e-9, {"digits": 2}, "0.00"),
        (1e300, {"digits": 2}, "1.000e+300"),
        (1e15, {}, "1.000e+15"),
        (5e-324, {}, "4.941e-324"),
        (1.7e308, {"form": "percent"}, "1.700e+308"),
        (0.05, {"unit": "%"}, "5 %"),
        (0.05, {"unit": "percent"}, "5 %"),
        (0.05, {"unit": "ratio"}, "0.05"),
        (0.375065, {"form": "percent", "digits": 2}, "37.51 %"),
        (0.0004, {"unit": "%"}, "0.04 %"),
        (0.05, {"unit": "%", "form": "number"}, "0.05"),
        (393155.27, {"unit": "USD/month"}, "393,155.27"),
        (40.0, {"unit": "USD/order"}, "40.00"),
        (40.0, {"unit": "order/USD"}, "40"),
        (40.0, {"unit": "JPY"}, "40"),
        (40.5, {"unit": "EUR", "digits": 0}, "40"),
        (40.0, {"form": "currency"}, "40.00"),
        (2.5, {"unit": "hour", "form": "duration"}, "2 h 30 min"),
        (2.5, {"unit": "hour"}, "2.5"),
        (59.6, {"unit": "second", "form": "duration", "digits": 0}, "1 min"),
        (95.0, {"unit": "second", "form": "duration"}, "1 min 35 s"),
        (86399.0, {"unit": "s", "form": "duration"}, "1 d"),
        (-36.0, {"unit": "hour", "form": "duration"}, "-1 d 12 h"),
        (0.25, {"unit": "s", "form": "duration"}, "0.25 s"),
        (0.0, {"unit": "day", "form": "duration"}, "0 s"),
        (-0.0, {"unit": "day", "form": "duration"}, "0 s"),
        (7.0, {"unit": "order", "form": "duration"}, "7"),
        (7.0, {"unit": "hour^2", "form": "duration"}, "7"),
        (7.0, {"unit": "job/hour", "form": "duration"}, "7"),
        (2.5, {"unit": "hour/job", "form": "duration"}, "2 h 30 min"),
        (2.5, {"unit": "hour", "form": "duration", "digits": 1}, "2.5 h"),
        (2.5, {"unit": "hour", "form": "duration", "digits": 0}, "2 h"),
        (-36.0, {"unit": "hour", "form": "duration", "digits": 2}, "-1.50 d"),
        (59.96, {"unit": "s", "form": "duration", "digits": 1}, "1.0 min"),
        (59.94, {"unit": "s", "form": "duration", "digits": 1}, "59.9 s"),
        (-0.04, {"unit": "s", "form": "duration", "digits": 1}, "0.0 s"),
        (1e13, {"unit": "s", "form": "duration", "digits": 1}, "10,000,000,000,000.0"),
        (1e15, {"unit": "USD", "digits": 2}, "1.000e+15"),
        (1e15, {"unit": "USD", "form": "currency"}, "1.000e+15"),
        (40.0, {"unit": "USD^2"}, "40"),
        (40.0, {"unit": "credit", "form": "currency"}, "40.00"),
        (1e14, {"unit": "%", "digits": 1}, "1.00e+16 %"),
    ],
)
def test_a_number_is_shown_in_the_form_that_its_metric_asks_for(
    value: float, options: dict[str, Any], text: str
) -> None:
    assert format_number(value, **options) == text


def test_the_display_of_a_metric_goes_before_its_unit() -> None:
    metric = Metric.model_validate({"unit": "%", "display": {"format": "number", "digits": 3}})
    assert format_value(metric, 0.25) == "0.250"


@pytest.mark.parametrize(
    ("metric", "values", "texts"),
    [
        ({}, [1.0, 1.8333333], ["1.000", "1.833"]),
        ({}, [1.0, 2.0], ["1", "2"]),
        ({}, [1.5, 0.0, -0.0, None], ["1.5", "0.0", "0.0", "missing"]),
        ({}, [-11598.0, 0.375065], ["-11,598.00", "0.38"]),
        ({}, [1e6, 0.001234], ["1,000,000.0000", "0.0012"]),
        ({}, [1.5, 1e-9, 1e15], ["1.5", "1.000e-09", "1.000e+15"]),
        ({"unit": "%"}, [0.5, 0.41234], ["50.0 %", "41.2 %"]),
        ({"unit": "%"}, [0.5, 1.0], ["50 %", "100 %"]),
        ({"unit": "%"}, [0.5, 0.0001], ["50.00 %", "0.01 %"]),
        ({"unit": "%", "display": {"format": "percent", "digits": 2}}, [0.5], ["50.00 %"]),
        ({"unit": "USD"}, [1.0, 0.001], ["1.00", "0.00"]),
        ({"unit": "hour", "display": "duration"}, [1.5, 2.0], ["1 h 30 min", "2 h"]),
        ({"unit": "order", "display": "duration"}, [1.5, 2.0], ["1.5", "2.0"]),
        ({}, [], []),
    ],
)
def test_numbers_below_each_other_have_the_same_digits(
    metric: dict[str, Any], values: list[float | None], texts: list[str]
) -> None:
    assert format_column(Metric.model_validate(metric), values) == texts


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=6),
    st.sampled_from([None, "%", "order"]),
)
def test_in_a_column_no_value_looks_like_zero_unless_it_is(
    values: list[float], unit: str | None
) -> None:
    for value, text in zip(values, format_column(Metric(unit=unit), values), strict=True):
        assert (float(text.removesuffix(" %").replace(",", "")) == 0) == (value == 0)


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([None, "number", "percent", "currency", "duration"]),
    st.sampled_from([None, "USD", "%", "hour", "order/customer"]),
    st.none() | st.integers(0, 15),
)
def test_every_number_is_shown_short_and_never_as_minus_zero(
    value: float, form: str | None, unit: str | None, digits: int | None
) -> None:
    text = format_number(value, form=form, unit=unit, digits=digits)
    assert len(text) <= 48
    assert "inf" not in text
    assert "nan" not in text
    assert not text.startswith("-") or any(digit in text for digit in "123456789")


@given(st.floats(-1e14, 1e14, allow_nan=False))
def test_a_number_for_reading_is_close_to_the_exact_one(value: float) -> None:
    shown = float(format_number(value).replace(",", ""))
    assert shown == pytest.approx(value, rel=1e-3, abs=1e-300)


# --- what a terminal can show


@pytest.mark.parametrize(
    ("style", "text", "shown"),
    [
        (PLAIN, "Büro 注文", "Büro 注文"),
        (ASCII, "Büro", r"B\xfcro"),
        (Style(encoding="cp1252"), "Büro 注", r"Büro \u6ce8"),
        (PLAIN, "red\x1b[31m", r"red\x1b[31m"),
        (PLAIN, "a\u202eb", r"a\u202eb"),
        (PLAIN, "a\nb\tc", r"a\nb\tc"),
        (PLAIN, "a\udcffb", r"a\udcffb"),
    ],
)
def test_what_cannot_be_seen_or_encoded_is_escaped(style: Style, text: str, shown: str) -> None:
    assert style.show(text) == shown


@given(st.text(), st.sampled_from(["ascii", "cp1252", "utf-8", "latin-1", "cp437"]))
def test_shown_text_is_printable_and_encodes(text: str, encoding: str) -> None:
    shown = Style(encoding=encoding).show(text)
    assert shown.isprintable()
    shown.encode(encoding)


@given(st.text(st.characters(exclude_categories=("C", "Z"))), st.integers(3, 30))
def test_cut_text_fits(text: str, width: int) -> None:
    assert text_width(PLAIN.cut(text, width)) <= width


# --- excerpts


def found(text: str, line: int, column: int, width: int = 1, **other: Any) -> Diagnostic:
    lines = text.split("\n")
    span = Span("tree.yml", line, column, line, column + width, lines[line - 1])
    return Diagnostic("GRA101", "unknown metric 'vists'", span, **other)


def test_a_finding_shows_its_line_with_carets_below() -> None:
    text = "north_star: a\nmetrics:\n  a: vists * 2"
    shown = render_diagnostic(found(text, 3, 6, 5, fix="did you mean visits?"))
    assert shown.splitlines() == [
        "tree.yml:3:6: error GRA101: unknown metric 'vists'",
        "  |",
        "3 |   a: vists * 2",
        "  |      ^^^^^",
        "  = fix: did you mean visits?",
    ]


def test_the_bar_moves_with_the_digits_of_the_line_number() -> None:
    shown = render_diagnostic(
        Diagnostic("GRA101", "no", Span("t.yml", 1234, 1, 1234, 2, "ab"), Severity.WARNING)
    )
    assert shown.splitlines() == [
        "t.yml:1234:1: warning GRA101: no",
        "     |",
        "1234 | ab",
        "     | ^",
    ]


@pytest.mark.parametrize(
    ("finding", "shown"),
    [
        (Diagnostic("VAL101", "no"), "error VAL101: no"),
        (Diagnostic("SCH102", "no", path="metrics.a"), "metrics.a: error SCH102: no"),
        (
            Diagnostic("INC101", "no", path="b\x1b.yml", fix="look"),
            "b\\x1b.yml: error INC101: no\n = fix: look",
        ),
        (
            Diagnostic("GRA101", "no", Span("a.yml", 1, 9000, 1, 9001, "cut off")),
            "a.yml:1:9000: error GRA101: no",
        ),
    ],
)
def test_a_finding_without_a_line_is_told_without_one(finding: Diagnostic, shown: str) -> None:
    assert render_diagnostic(finding) == shown


@pytest.mark.parametrize(
    ("text", "column", "width", "line", "carets"),
    [
        ("a: bad", 4, 3, "a: bad", "   ^^^"),
        ("\ta: bad", 5, 3, "    a: bad", "       ^^^"),
        ("\ta: bad", 1, 1, r"\ta: bad", "^^"),
        ("a\t\tb\tc", 2, 2, r"a\t    b    c", " ^^^^^^"),
        ("注文: bad", 5, 3, "注文: bad", "      ^^^"),
        ("注文: bad", 1, 2, "注文: bad", "^^^^"),
        ("e\u0301: bad", 5, 3, "e\u0301: bad", "   ^^^"),
        ("a\x1b: bad", 5, 3, r"a\x1b: bad", "       ^^^"),
        ("a\u202e: bad", 5, 3, r"a\u202e: bad", "         ^^^"),
        ("a:", 3, 1, "a:", "  ^"),
        ("", 1, 1, "", "^"),
    ],
)
def test_carets_stay_below_what_they_mean(
    text: str, column: int, width: int, line: str, carets: str
) -> None:
    span = Span("t.yml", 1, column, 1, column + width, text)
    assert excerpt(span, PLAIN, 80) == (line, carets)


def test_escapes_of_an_ascii_terminal_move_the_carets_too() -> None:
    span = Span("t.yml", 1, 7, 1, 10, "Büro: bad")
    assert excerpt(span, ASCII, 80) == (r"B\xfcro: bad", "         ^^^")


def test_a_stretch_over_several_lines_is_marked_to_the_end_of_the_first() -> None:
    assert excerpt(Span("t.yml", 1, 3, 4, 2, "a [b, c"), PLAIN, 80)[1] == "  ^^^^^"


@pytest.mark.parametrize(
    ("column", "before", "after"),
    [
        (1, False, True),
        (15, False, True),
        (500, True, True),
        (1980, True, False),
        (2000, True, False),
    ],
)
def test_of_a_long_line_the_part_around_the_caret_is_left(
    column: int, before: bool, after: bool
) -> None:
    text = "".join(chr(97 + position % 26) for position in range(2000))
    line, carets = excerpt(Span("t.yml", 1, column, 1, column + 1, text), PLAIN, 60)
    assert len(line) <= 60
    assert line[len(carets) - 1] == text[column - 1]
    assert line.startswith("...") == before
    assert line.endswith("...") == after


def test_a_caret_far_out_in_a_line_of_a_file_is_shown() -> None:
    text = "a: " + "x" * 50_000 + " bad " + "y" * 50_000
    at = text.index("bad")
    line, carets = excerpt(parse(text, "t.yml").span_of(at, at + 3), PLAIN, 60)
    assert line[len(carets) - 3 : len(carets)] == "bad"
    assert carets.count("^") == 3
    assert line.startswith("...xxx")
    assert line.endswith("yyy...")


@given(st.text(st.characters(exclude_characters="\r\n"), max_size=300), st.data())
def test_an_excerpt_fits_and_its_carets_are_in_it(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(1, len(text) + 1))
    stop = data.draw(st.integers(start, len(text) + 2))
    line, carets = excerpt(Span("t.yml", 1, start, 1, stop, text), PLAIN, 60)
    assert text_width(line) <= 60
    assert "^" in carets
    assert len(carets) <= max(text_width(line), 0) + 1
    assert carets.strip() == "^" * carets.count("^")


def test_colors_change_nothing_but_colors() -> None:
    finding = found("a: vists", 1, 4, 5, fix="look")
    colored = render_diagnostic(finding, Style(color=True))
    plain = render_diagnostic(finding)
    assert colored != plain
    for code in ("1", "2", "31", "1;31", "0"):
        colored = colored.replace(f"\x1b[{code}m", "")
    assert colored == plain


def test_findings_are_parted_by_an_empty_line_and_counted() -> None:
    findings = [Diagnostic("A1", "x"), Diagnostic("A2", "y", severity=Severity.WARNING)]
    assert render_diagnostics(findings) == "error A1: x\n\nwarning A2: y"
    assert summary(findings, 3) == "1 error, 1 warning in 3 metrics"
    assert summary([findings[0]] * 2, 0) == "2 errors"
    assert summary([], 1) == "no problems in 1 metric"


def test_findings_as_json_are_their_dictionaries_in_ascii() -> None:
    finding = found("ü: vists", 1, 4, 5)
    text = diagnostics_json([finding])
    assert text.isascii()
    assert json.loads(text) == [finding.to_dict()]


# --- trees


def tree_of(metrics: dict[str, Any], star: str = "a", **other: Any) -> MetricTree:
    return MetricTree(north_star=star, metrics=metrics, **other)


HOMEFIX: dict[str, Any] = {
    "name": "Homefix",
    "product": "A marketplace",
    "metrics": {
        "a": {"formula": "b * c * d", "label": "Jobs", "unit": "job/week", "owner": "ana"},
        "b": {"unit": "customer"},
        "c": "jobs / b",
        "jobs": {"measure": {"source": "s", "aggregate": "count()", "where": "x == 1"}},
        "d": {"unit": "ratio", "value": 0.5},
        "revenue": {"unit": "USD", "role": "outcome"},
        "complaints": {"formula": "bad / jobs", "role": "guardrail"},
        "bad": None,
        "lone": {"role": "health"},
        "rest": None,
    },
    "influences": [
        {"from": "d", "to": "revenue", "lag": 8, "elasticity": 0.4, "confidence": "experiment"},
        {"from": "a", "to": "revenue", "direction": "positive"},
    ],
    "sources": {"s": {"path": "s.csv"}},
}


def test_a_tree_is_drawn_from_its_north_star_and_the_rest_in_sections() -> None:
    assert draw_tree(tree_of(**HOMEFIX)).splitlines() == [
        "Homefix: A marketplace",
        "",
        "North Star               label  unit      owner  definition",
        "a                        Jobs   job/week  ana    = b * c * d",
        "├── b                           customer         input",
        "├── c                                            = jobs / b",
        "│   ├── jobs                                     count() of s where x == 1",
        "│   └── b (shown above)",
        "└── d                           ratio            constant 0.5",
        "",
        "Outcomes",
        "revenue                         USD              input",
        "├┄┄ d (shown above)                              influence +0.4 with lag 8 (experiment)",
        "└┄┄ a (shown above)                              influence positive (hypothesis)",
        "",
        "Guardrails",
        "complaints                                       = bad / jobs",
        "├── bad                                          input",
        "└── jobs (shown above)",
        "",
        "Health metrics",
        "lone                                             input",
        "",
        "Other metrics",
        "rest                                             input",
    ]


def test_branches_are_ascii_where_nothing_else_can_be_written() -> None:
    drawn = draw_tree(tree_of(**HOMEFIX), ASCII)
    assert drawn.isascii()
    for line in ("|-- b ", "|   `-- b (shown above)", "`-- d ", "|.. d (shown above)"):
        assert f"\n{line}" in drawn
    assert "\n`.. a (shown above)" in drawn


def test_depth_leaves_out_what_is_below_and_says_how_much() -> None:
    drawn = draw_tree(tree_of(**HOMEFIX), depth=1)
    assert "├── c (and 2 more inputs)" in drawn
    assert "└── jobs\n" not in drawn.split("Guardrails")[0]
    assert "a (and 3 more inputs)" in draw_tree(tree_of(**HOMEFIX), depth=0)


def test_a_metric_cut_off_by_depth_is_drawn_in_full_where_it_stands_higher() -> None:
    drawn = draw_tree(tree_of({"a": "b + x", "b": "x * 2", "x": "y", "y": None}), depth=2)
    assert drawn.splitlines()[1:] == [
        "a                             = b + x",
        "├── b                         = x * 2",
        "│   └── x (and 1 more input)  = y",
        "└── x",
        "    └── y                     input",
    ]


def test_a_growth_loop_ends_where_it_closes() -> None:
    loop = [{"from": "a", "to": "b", "lag": 1}]
    drawn = draw_tree(tree_of({"a": "b * 2", "b": None}, influences=loop))
    assert "    └┄┄ a (shown above)  influence with lag 1 (hypothesis)" in drawn


def test_a_loop_apart_from_the_north_star_is_drawn_too() -> None:
    loop = [{"from": "b", "to": "c", "lag": 1}, {"from": "c", "to": "b", "lag": 1}]
    drawn = draw_tree(tree_of({"a": 1, "b": None, "c": None}, influences=loop))
    assert "Other metrics\nb " in drawn


def test_text_of_users_cannot_steer_the_terminal() -> None:
    tree = tree_of(
        {"a": {"label": "x\x1b[2J\u202e", "owner": "o\n"}}, name="n\x07", product="p\x9b"
    )
    drawn = draw_tree(tree, Style(width=200))
    assert all(line.isprintable() for line in drawn.splitlines())
    assert r"x\x1b[2J\u202e" in drawn


LONG = "= first_of_them * second_of_them + third_of_them * fourth_of_them - fifth_of_them"
SUMS: dict[str, Any] = {
    "a": {"formula": LONG[2:], "label": "All", "unit": "USD/customer", "owner": "ana"},
    "first_of_them": "b * c",
    **dict.fromkeys(("second_of_them", "third_of_them", "fourth_of_them", "fifth_of_them")),
    "b": None,
    "c": None,
}


def test_a_definition_that_a_terminal_has_no_room_for_goes_on_in_its_column() -> None:
    assert draw_tree(tree_of(SUMS), Style(width=80)).splitlines()[:8] == [
        "North Star          unit          owner  definition",
        "a                   USD/customer  ana    = first_of_them * second_of_them +",
        "│                                          third_of_them * fourth_of_them -",
        "│                                          fifth_of_them",
        "├── first_of_them                        = b * c",
        "│   ├── b                                input",
        "│   └── c                                input",
        "├── second_of_them                       input",
    ]


def test_a_definition_stands_below_its_metric_where_the_column_would_be_narrow() -> None:
    assert draw_tree(tree_of(SUMS), Style(width=60)).splitlines()[:10] == [
        "North Star          unit          owner",
        "a                   USD/customer  ana",
        "│   = first_of_them * second_of_them + third_of_them *",
        "│     fourth_of_them - fifth_of_them",
        "├── first_of_them",
        "│   │   = b * c",
        "│   ├── b",
        "│   │       input",
        "│   └── c",
        "│           input",
    ]


def test_labels_are_there_only_where_everything_fits_beside_them() -> None:
    whole = draw_tree(tree_of(SUMS))
    widest = max(map(text_width, whole.splitlines()))
    assert draw_tree(tree_of(SUMS), Style(width=widest)) == whole
    assert "label" in whole
    assert "label" not in draw_tree(tree_of(SUMS), Style(width=widest - 1))


@given(st.integers(20, 160), st.booleans())
def test_a_drawing_fits_a_terminal_and_no_definition_is_cut(width: int, ascii_only: bool) -> None:
    style = Style(width=width, encoding="ascii" if ascii_only else "utf-8")
    drawn = draw_tree(tree_of(SUMS), style)
    assert max(map(text_width, drawn.splitlines())) <= width
    letters = "".join(character for character in drawn if character not in " \n│|")
    assert LONG.replace(" ", "") in letters
    values = tree_of(SUMS).compute(dict.fromkeys(SUMS.keys() - {"a", "first_of_them"}))
    drawn = draw_values(tree_of(SUMS), values, values.why, style)
    assert max(map(text_width, drawn.splitlines())) <= width


@given(st.text(st.characters(exclude_categories=("C", "Z"))), st.integers(4, 30))
def test_wrapped_text_fits_and_is_all_there(text: str, width: int) -> None:
    text = text.replace("x", " ").strip()
    lines = wrapped(text, width)
    assert max(map(text_width, lines)) <= width
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_of_a_deep_tree_every_id_is_on_the_terminal() -> None:
    metrics = {f"metric_number_{n}": f"metric_number_{n + 1} / 2" for n in range(40)}
    tree = tree_of(metrics | {"metric_number_40": None}, star="metric_number_0")
    drawn = draw_tree(tree, Style(width=80))
    assert max(map(text_width, drawn.splitlines())) <= 80
    assert {name_of(line) for line in drawn.splitlines()} >= set(tree.metrics)


def test_columns_stay_in_line_behind_wide_characters() -> None:
    drawn = draw_tree(tree_of({"a": {"label": "注文", "owner": "ana"}})).splitlines()
    at = drawn[0].index("owner")
    assert text_width(drawn[1].partition("ana")[0]) == at


def test_values_are_drawn_with_the_reason_of_a_missing_one() -> None:
    tree = tree_of(
        {
            "a": {"formula": "b / c", "unit": "%"},
            "b": {"label": "Buyers"},
            "c": "d + e",
            "d": None,
            "e": None,
        }
    )
    values = tree.compute({"b": 1200, "d": 0, "e": 0})
    assert draw_values(tree, values, values.why).splitlines() == [
        "North Star    value  label   note",
        "a           missing          division by zero (b is 1200, c is 0)",
        "├── b         1,200  Buyers",
        "└── c             0",
        "    ├── d         0",
        "    └── e         0",
    ]
    values = tree.compute({"b": 1200, "d": None, "e": 0})
    drawn = draw_values(tree, values, values.why)
    assert "because d is missing" in drawn
    assert "no value was given" in drawn


def test_values_of_targets_are_a_list() -> None:
    tree = tree_of({"a": "b * 2", "b": None})
    values = tree.compute({"b": 2}, ["a"])
    assert draw_values(tree, values, values.why).splitlines() == [
        "Targets  value",
        "a            4",
    ]


def test_a_shared_driver_shows_its_value_each_time() -> None:
    tree = tree_of({"a": "b + c", "b": "x", "c": "x", "x": 7})
    values = tree.compute({})
    drawn = draw_values(tree, values, values.why)
    assert [line.split()[-1] for line in drawn.splitlines() if " x" in line] == ["7", "7"]


def name_of(line: str) -> str:
    return line.lstrip("│├└─┄ ").split(" ")[0]


@st.composite
def dags(draw: st.DrawFn) -> MetricTree:
    """Metrics m0, m1, ...: each is made of some later ones, and influenced by any."""
    size = draw(st.integers(1, 25))
    metrics: dict[str, Any] = {}
    for number in range(size):
        below = draw(st.lists(st.integers(number + 1, max(size - 1, number + 1)), max_size=4))
        names = [f"m{name}" for name in below if name < size]
        metrics[f"m{number}"] = " + ".join(names) or None
    ends = st.integers(0, size - 1)
    pairs = draw(st.lists(st.tuples(ends, ends), max_size=6, unique=True))
    influences = [{"from": f"m{a}", "to": f"m{b}", "lag": 1} for a, b in pairs if a != b]
    return tree_of(metrics, star=f"m{draw(ends)}", influences=influences)


@given(dags())
def test_every_metric_is_drawn_and_every_edge_just_once(tree: MetricTree) -> None:
    drawn = draw_tree(tree)
    lines = drawn.splitlines()
    assert {name_of(line) for line in lines} >= set(tree.metrics)
    edges = sum(len(tree.graph.inputs_of(metric)) for metric in tree.metrics)
    edges += len(tree.spec.influences)
    branches = sum(("├" in line) or ("└" in line) for line in lines)
    assert branches == edges


@given(dags(), st.integers(0, 3))
def test_a_drawing_of_any_depth_holds_the_north_star(tree: MetricTree, depth: int) -> None:
    assert tree.north_star.metric in draw_tree(tree, ASCII, depth=depth)


@pytest.mark.parametrize("size", [500, 4_000])
def test_a_tree_of_diamonds_is_drawn_in_one_line_for_each_edge(size: int) -> None:
    metrics: dict[str, Any] = {}
    for level in range(size):
        metrics[f"a{level}"] = f"b{level} + c{level}"
        metrics[f"b{level}"] = metrics[f"c{level}"] = f"a{level + 1} * 2"
    metrics[f"a{size}"] = None
    lines = draw_tree(tree_of(metrics, star="a0")).splitlines()
    continued = sum("(continued)" in line for line in lines)
    assert len(lines) == 2 + 4 * size + continued
    assert continued <= size
    assert max(map(len, lines)) < 200


def test_a_chain_deeper_than_the_stack_is_drawn_and_stays_narrow() -> None:
    depth = 5 * sys.getrecursionlimit()
    metrics = {f"m{number}": f"m{number + 1} / 2" for number in range(depth)} | {f"m{depth}": None}
    lines = draw_tree(tree_of(metrics, star="m0")).splitlines()
    assert max(map(len, lines)) < 200
    assert "(continued below)" in lines[25]
    assert lines[26].startswith("m24 (continued)")
    assert f"m{depth} " in lines[-1]


# --- tables


def of_months(
    columns: list[list[float | None]], metrics: dict[str, Metric], *, country: bool = True
) -> RunResult:
    """Return a result whose metrics have these values, two groups or one in each month."""
    groups = ["DE", None] if country else [None]
    count = len(columns[0]) // len(groups)
    periods = [Period(day := date(1997, at, 1), day, day, True) for at in range(1, count + 1)]
    keys = [
        (period.start, *([group] if country else []), True)
        for period in periods
        for group in groups
    ]
    rows = tuple(
        (*key, *values) for key, values in zip(keys, zip(*columns, strict=True), strict=True)
    )
    # Each metric is its own half, divided by nothing where it is missing.
    leaves = {f"half_{name}": [1.0] * len(rows) for name in metrics}
    formulas = {name: formula(f"half_{name} / 0") for name in metrics}
    known = Origins(formulas, {}, leaves, {}, count, len(groups), False)
    dimensions = ("country",) if country else ()
    return RunResult(
        "month", dimensions, tuple(metrics), rows, known, periods=tuple(periods), shown=metrics
    )


RATES = {"orders": Metric(), "rate": Metric(unit="%")}


def table_of(result: RunResult, style: Style = PLAIN) -> list[str]:
    """Return the lines of a table without the notes below."""
    return render_run(result, style).partition("\n\n1997")[0].splitlines()


def test_a_table_has_keys_on_the_left_and_numbers_on_the_right() -> None:
    assert table_of(of_months([[1200.0, None], [0.5, -0.0]], RATES)) == [
        "month       country   orders  rate",
        "1997-01-01  DE         1,200  50 %",
        "1997-01-01  (none)   missing   0 %",
    ]


def test_a_period_that_is_not_complete_has_a_star_and_a_note() -> None:
    lines = render_run(result()).splitlines()
    assert lines[0] == "month        country  orders     rate"
    assert lines[4].startswith("1998-05-01   (none) ")
    assert lines[5].startswith("1998-06-01*  DE     ")
    assert lines[7:10] == [
        "",
        "note: 1998-06-01 is not complete (days to 1998-06-20)",
        (
            "1998-05-01 DE: rate = orders / visits is missing: division by zero (orders is 6, "
            "visits is 0)"
        ),
    ]


def test_a_comparison_says_with_what_and_shows_changes_with_their_sign() -> None:
    assert render_run(compared()).splitlines() == [
        "month        country  orders  orders_before  orders_change  orders_growth",
        "1998-05-01   DE            6              4             +2          +50 %",
        "1998-05-01   (none)        6              4             +2          +50 %",
        "1998-05-01   (all)         6              4             +2          +50 %",
        "1998-06-01*  DE            6              4             +2          +50 %",
        "1998-06-01*  (none)        6              4             +2          +50 %",
        "1998-06-01*  (all)         6              4             +2          +50 %",
        "",
        "note: each month is compared with the month before",
        (
            "note: 1998-06-01 is not complete (days to 1998-06-20), compared with 1998-05-01 to "
            "1998-05-20, the same number of days"
        ),
    ]


def test_the_change_of_a_percentage_is_in_points_and_a_fall_has_its_sign() -> None:
    rows = ((date(1998, 5, 1), True, None, None, 0.5, 0.52, -0.02, -0.02 / 0.52),)
    period = Period(date(1998, 5, 1), date(1998, 5, 1), date(1998, 5, 31), True)
    made = RunResult(
        "month", (), ("rate",), rows, origins([]), compare="1997-04", periods=(period,),
        shown=RATES,
    )  # fmt: skip
    assert render_run(made).splitlines() == [
        "month       rate  rate_before  rate_change  rate_growth",
        "1998-05-01  50 %         52 %        -2 pp      -3.85 %",
        "",
        "note: each month is compared with 1997-04",
        "note: 1998-05-01 has nothing to compare with",
    ]


JUNE = Period(date(1998, 6, 1), date(1998, 6, 1), date(1998, 6, 20), False)
MARCH = JUNE._replace(start=date(1999, 3, 1), first=date(1999, 3, 1), last=date(1999, 3, 30))
FEBRUARY = (date(1999, 2, 1), date(1999, 2, 28))


@pytest.mark.parametrize(
    ("period", "note"),
    [
        (JUNE, "1998-06-01 is not complete (days to 1998-06-20)"),
        (
            JUNE._replace(first=date(1998, 6, 5)),
            "1998-06-01 is not complete (days from 1998-06-05 to 1998-06-20)",
        ),
        (
            JUNE._replace(last=date(1998, 6, 1)),
            "1998-06-01 is not complete (only the day 1998-06-01)",
        ),
        (
            JUNE._replace(
                last=date(1998, 6, 1),
                compared=(date(1998, 5, 1), date(1998, 5, 1)),
                like_for_like=True,
            ),
            (
                "1998-06-01 is not complete (only the day 1998-06-01), compared with 1998-05-01, "
                "one day too"
            ),
        ),
        (
            MARCH._replace(compared=FEBRUARY, like_for_like=True),
            (
                "1999-03-01 is not complete (days to 1999-03-30), compared with 1999-02-01 to "
                "1999-02-28, which has no more days: 30 with 28 days"
            ),
        ),
        (
            MARCH._replace(compared=FEBRUARY),
            (
                "1999-03-01 is not complete (days to 1999-03-30), compared with 1999-02-01 to "
                "1999-02-28, which is whole: 30 with 28 days"
            ),
        ),
        (JUNE._replace(last=date(1998, 5, 31)), "1998-06-01 has no complete days yet"),
    ],
)
def test_what_is_not_complete_is_told_with_its_days(period: Period, note: str) -> None:
    rows = ((period.start, False, 1.0),)
    made = RunResult("month", (), ("orders",), rows, origins([]), periods=(period,))
    assert render_run(made).partition("\n\n")[2] == f"note: {note}"
    assert repr(made).endswith(f"\n\nnote: {note}")


def test_notes_are_wrapped_on_a_terminal_and_nowhere_else() -> None:
    told = render_run(compared(), Style(width=60)).rpartition("\n\n")[2].splitlines()
    assert told == [
        "note: each month is compared with the month before",
        "note: 1998-06-01 is not complete (days to 1998-06-20),",
        "  compared with 1998-05-01 to 1998-05-20, the same number of",
        "  days",
    ]


def test_periods_without_a_day_are_told_in_one_line() -> None:
    starts = [date(1998, month, 1) for month in (7, 8, 9)]
    periods = tuple(Period(day, day, date(1998, 6, 20), False) for day in starts)
    rows = tuple((day, False, 0.0) for day in starts)
    made = RunResult("month", (), ("orders",), rows, origins([]), periods=periods)
    assert render_run(made).splitlines()[-2:] == [
        "",
        "note: 1998-07-01 to 1998-09-01 (3 periods) have no complete days yet",
    ]


def test_all_values_of_a_dimension_are_told_apart_from_none() -> None:
    names = ("country", "channel", "try")
    rows = (
        ("DE", "web", "a", None, 1.0), (None, "web", None, "country", 2.0),
        (None, None, None, "country,try", 3.0), (None, None, None, None, 4.0),
    )  # fmt: skip
    made = RunResult("all", names, ("orders",), rows, origins([1.0] * 4), totals=True)
    assert [line.split() for line in render_run(made).splitlines()[1:]] == [
        ["DE", "web", "a", "1"], ["(all)", "web", "(none)", "2"],
        ["(all)", "(none)", "(all)", "3"], ["(none)", "(none)", "(none)", "4"],
    ]  # fmt: skip


def test_long_names_are_broken_where_the_table_is_too_wide() -> None:
    made = of_months([[1.5]], {"revenue_per_active_customer": Metric()}, country=False)
    assert table_of(made, Style(width=30)) == [
        "            revenue_",
        "                per_",
        "             active_",
        "month       customer",
        "1997-01-01       1.5",
    ]


def test_a_table_wider_than_the_terminal_is_split_between_columns() -> None:
    metrics = {"orders": Metric(), "buyers": Metric(), "visits": Metric()}
    made = of_months([[1200.0, 7.0], [30.0, 3.0], [4.0, 1.0]], metrics)
    assert table_of(made, Style(width=36)) == [
        "month       country  orders  buyers",
        "1997-01-01  DE        1,200      30",
        "1997-01-01  (none)        7       3",
        "",
        "month       country  visits",
        "1997-01-01  DE            4",
        "1997-01-01  (none)        1",
    ]
    assert render_run(made, Style(width=10)).count("month") == 3
    assert render_run(made).count("month") == 1


def test_a_result_without_rows_says_so() -> None:
    empty = RunResult("month", ("country",), ("orders",), (), origins([]))
    assert render_run(empty) == repr(empty) == "month  country  orders\nno rows"
    assert render_markdown(empty) == (
        "| month | country | orders |\n| ----- | ------- | -----: |\n\n- no rows"
    )
    assert "<p>no rows</p>" in render_html(empty)


def test_below_the_table_of_a_run_stands_why_values_are_missing() -> None:
    why = "rate = half_rate / 0 is missing: division by zero (half_rate is 1)"
    text = render_run(of_months([[1.0, 2.0], [None, 1.0]], RATES))
    assert text.splitlines()[-2:] == ["", f"1997-01-01 DE: {why}"]
    text = render_run(of_months([[1.0] * 8, [None] * 8], RATES, country=False))
    assert text.splitlines()[-2:] == ["", f"1997-01-01 and 7 more rows: {why}"]


def test_each_cause_of_missing_values_has_a_line_up_to_ten() -> None:
    metrics = {f"m{number}": Metric() for number in range(13)}
    made = of_months([[None, None]] * 13, metrics, country=False)
    lines = render_run(made).rpartition("\n\n")[2].splitlines()
    assert len(lines) == 11
    assert lines[0].startswith("1997-01-01 and 1 more row: m0 = ")
    assert lines[9].startswith("1997-01-01 and 1 more row: m9 = ")
    assert lines[10] == "... and 3 more causes"


def test_where_a_result_is_looked_at_its_first_rows_are_shown() -> None:
    made = of_groups(["DE"] * 92)
    lines = repr(made).split("\n")
    assert len(lines) == 22
    assert lines[-1] == "... 72 more rows"
    assert render_html(made).count("<tr>") == 21
    assert "<p>... 72 more rows</p>" in render_html(made)
    assert len(render_run(made).split("\n")) == len(render_markdown(made).split("\n")) - 1 == 93


def test_a_result_shows_text_as_it_is_and_escapes_what_cannot_be_seen() -> None:
    made = of_groups(["K\u00f6ln", "\u6771\u4eac", "a\u202eb\x1b[2J", None])
    assert [line.split() for line in repr(made).split("\n")] == [
        ["country", "orders"], ["K\u00f6ln", "1"], ["\u6771\u4eac", "1"],
        ["a\\u202eb\\x1b[2J", "1"], ["(none)", "1"],
    ]  # fmt: skip
    for rendered in (render_markdown(made), render_html(made)):
        assert rendered.replace("\n", "").isprintable()


def test_a_result_in_markdown_has_units_and_notes() -> None:
    made = compared()
    lines = render_markdown(made).splitlines()
    assert [cell.strip() for cell in lines[0].split("|")][1:6] == [
        "month", "country", "orders (order)", "orders_before (order)", "orders_change (order)",
    ]  # fmt: skip
    assert lines[0].split("|")[6].strip() == "orders_growth"
    assert {len(line) for line in lines[:8]} == {len(lines[0])}
    assert [cell.strip() for cell in lines[1].split("|")][1:4] == [
        "-" * 12,
        "-" * 7,
        "-" * 13 + ":",
    ]
    assert lines[5].startswith(r"| 1998-06-01\* | DE      | ")
    assert lines[8:] == [
        "",
        "- each month is compared with the month before",
        (
            "- 1998-06-01 is not complete (days to 1998-06-20), compared with 1998-05-01 to "
            "1998-05-20, the same number of days"
        ),
    ]


HOSTILE = [
    "a|b",
    "<b>",
    "*x*",
    "_x_",
    "x_y",
    "`c`",
    "[a](b)",
    "$1$",
    "&amp;",
    "~~x~~",
    "# x",
    "a\\",
]


def test_markdown_keeps_text_from_meaning_anything() -> None:
    lines = render_markdown(of_groups([*HOSTILE, "line\nline"])).splitlines()[2:]
    cells = [line.removeprefix("| ").rpartition(" | ")[0].strip() for line in lines]
    assert cells == [
        r"a\|b", r"\<b\>", r"\*x\*", r"\_x\_", "x_y", r"\`c\`", r"\[a\](b)", r"\$1\$", r"\&amp;",
        r"\~\~x\~\~", r"\# x", "a\\\\", r"line\\nline",
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["- x", "+ x", "1. x", "12) x"])
def test_a_note_in_markdown_begins_no_list_of_its_own(value: str) -> None:
    rows = ((value, None),)
    known = Origins({"rate": formula("a / b")}, {}, {"a": [1.0], "b": [0.0]}, {}, 1, 1, False)
    note = render_markdown(RunResult("all", ("x",), ("rate",), rows, known)).splitlines()[-1]
    assert note.startswith("- ")
    assert "\\" in note.split(":")[0]
    assert note.split(":")[0].replace("\\", "") == f"- {value}"


def test_a_result_in_html_is_escaped_and_has_units_and_notes() -> None:
    made = of_groups(["<script>", "a&b"])
    text = made._repr_html_()
    assert text == render_html(made)
    assert "&lt;script&gt;" in text
    assert "a&amp;b" in text
    assert "<script" not in text
    text = render_html(compared())
    assert '<th style="text-align: right">orders (order)</th>' in text
    assert '<td style="text-align: left">1998-06-01*</td>' in text
    assert "<p>each month is compared with the month before</p>" in text


def test_a_dimension_may_hold_a_star() -> None:
    made = of_months([[None]], {"orders": Metric()}, country=False)
    made = replace(
        made, dimensions=("x",), rows=((date(1997, 1, 1), "5*", False, None),),
        periods=(made.periods[0]._replace(complete=False),),
    )  # fmt: skip
    lines = render_run(made).splitlines()
    assert lines[1].split() == ["1997-01-01*", "5*", "missing"]
    assert lines[-1].startswith("1997-01-01 5*: orders = ")
