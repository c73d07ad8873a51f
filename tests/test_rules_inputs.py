"""Rules about inputs, guardrails, duplicates and influences."""

from __future__ import annotations

import pytest

from metrictree import MetricTree, UsageError
from tests.lint_rows import DAY, agrees, found, places

SOURCES = "north_star: a\nsources: {s: {path: s.csv}, t: {path: t.csv}}\n"
PAIR = "north_star: a\nmetrics: {a: b * c, b: , c: , d: , e: }\ninfluences:\n"


def influence(fields: str) -> str:
    return f"{PAIR}  - {{from: d, to: b, {fields}}}\n"


# code, day, severity, words of the message, the fix or the evidence, document with marked places
REPORTED = [
    # --- IM201
    ("IM201", "advice", "has no owner", "north_star: a\nmetrics: {a: b, >>b: }\n"),
    (
        "IM201",
        "advice",
        "the input 'b'",
        f"{SOURCES}metrics:\n  a: b\n  >>b: {{measure: {{source: s, aggregate: count()}}}}\n",
    ),
    (
        "IM201",
        "advice",
        "the input 'd'",
        "north_star: a\nmetrics: {a: {owner: x}, >>d: }\ninfluences: [{from: d, to: a}]\n",
    ),
    (
        "IM201",
        "advice",
        "the input 'b'",
        "north_star: a\nmetrics: {a: b, >>b: {formula: c * 2, role: input}, c: {owner: x}}\n",
    ),
    (
        "IM201",
        "advice",
        "the input 'c'",
        "north_star: a\nmetrics:\n  a: b + 0 * d\n  b: c\n  >>c: {role: focus}\n  d: \n",
    ),
    # --- IM202
    ("IM202", "advice", "add `unit:`", "north_star: a\nmetrics: {a: b, >>b: {owner: x}}\n"),
    (
        "IM202",
        "advice",
        "counts",
        "north_star: a\nmetrics: {a: b * c, b: {unit: x}, >>c: {role: input}}\n",
    ),
    (
        "IM202",
        "advice",
        "the input 'd'",
        "north_star: a\nmetrics: {a: , >>d: }\ninfluences: [{from: d, to: a}]\n",
    ),
    (
        "IM202",
        "advice",
        "the input 'c'",
        "north_star: a\nmetrics: {a: b, b: {formula: c / 2, unit: x}, >>c: }\n",
    ),
    (
        "IM202",
        "advice",
        "the input 'b'",
        f"{SOURCES}metrics:\n  a: b\n  >>b: {{measure: {{source: s, aggregate: sum(x)}}}}\n",
    ),
    # --- IM203
    ("IM203", "advice", "add `controllability:", "north_star: a\nmetrics: {a: b, >>b: }\n"),
    (
        "IM203",
        "advice",
        "how far a team can move the input 'b'",
        f"{SOURCES}metrics:\n  a: b\n  >>b: {{measure: {{source: s, aggregate: count()}}}}\n",
    ),
    (
        "IM203",
        "advice",
        "the input 'c'",
        "north_star: a\nmetrics: {a: b * c, b: {controllability: external}, >>c: }\n",
    ),
    (
        "IM203",
        "advice",
        "the input 'd'",
        "north_star: a\nmetrics: {a: , >>d: }\ninfluences: [{from: d, to: a, lag: 1}]\n",
    ),
    (
        "IM203",
        "advice",
        "the input 'b'",
        "north_star: a\nmetrics: {a: b, >>b: {unit: x, owner: y, role: focus}}\n",
    ),
    # --- IM204
    (
        "IM204",
        "warning",
        "'d' has the same formula as 'c': y / x",
        "north_star: a\nmetrics: {a: c + d, c: y / x, d: {formula: >>y / x}, x: , y: }\n",
    ),
    (
        "IM204",
        "warning",
        "has the same formula as 'c'",
        ("north_star: a\nmetrics: {a: c * d, c: x * y / 2, d: {formula: >>y / 2 * x}, x: , y: }\n"),
    ),
    (
        "IM204",
        "warning",
        "has the same formula as 'c'",
        (
            "north_star: a\n"
            "metrics: {a: c * d, c: x - 1 + (y + 3), d: {formula: >>3 + x + y - 1}, x: , y: }\n"
        ),
    ),
    (
        "IM204",
        "warning",
        "has the same formula as 'c'",
        (
            "north_star: a\nmetrics:\n  a: c * d\n"
            "  c: max(x, y) if x > 0 and y != 2 else 0\n"
            "  d: >>max(y, x) if 2 != y and 0 < x else 0\n  x:\n  y:\n"
        ),
    ),
    (
        "IM204",
        "warning",
        "'c' has the same measure as 'b': sum(x * y)",
        (
            f"{SOURCES}metrics:\n  a: b * c\n"
            "  b: {measure: {source: s, aggregate: sum(y * x), where: \"x in ('p', 'q')\"}}\n"
            "  c: {measure: >>{source: s, aggregate: sum(x * y), where: \"x in ('q', 'p')\"}}\n"
        ),
    ),
    # --- IM205
    (
        "IM205",
        "warning",
        "metric 'c' leads neither to the North Star 'a' nor to an outcome or guardrail",
        "north_star: a\nmetrics: {a: b, b: 1, >>c: 2}\n",
    ),
    ("IM205", "warning", "metric 'a'", "north_star: b\nmetrics: {>>a: b, b: c, c: 1}\n"),
    (
        "IM205",
        "warning",
        "`value` is a field of a metric: indent it",
        "north_star: a\nmetrics: {a: b, b: , >>value: 27.5}\n",
    ),
    (
        "IM205",
        "warning",
        "metric 'd'",
        "north_star: a\nmetrics: {a: b, b: , >>d: }\ninfluences: [{from: a, to: d}]\n",
    ),
    (
        "IM205",
        "warning",
        "metric 'd'",
        (
            "north_star: a\nmetrics: {a: b, b: , c: {formula: e, role: health}, e: {role: health},"
            " >>d: {role: input}}\n"
        ),
    ),
    # --- IM206
    (
        "IM206",
        "advice",
        "has no owner and no limit: nobody would notice if it broke",
        "north_star: a\nmetrics: {a: , >>g: {role: guardrail}}\n",
    ),
    (
        "IM206",
        "advice",
        "has no owner:",
        "north_star: a\nmetrics: {a: , >>g: {role: guardrail, range: [0, 0.1]}}\n",
    ),
    (
        "IM206",
        "advice",
        "has no limit:",
        "north_star: a\nmetrics: {a: , >>g: {role: guardrail, owner: x}}\n",
    ),
    (
        "IM206",
        "advice",
        "add a `range` or a `target`",
        "north_star: a\nmetrics: {a: , >>g: {role: guardrail, owner: x, range: [null, null]}}\n",
    ),
    (
        "IM206",
        "advice",
        "has no owner:",
        "north_star: a\nmetrics: {a: , >>g: {role: guardrail, formula: a, target: {value: 1}}}\n",
    ),
    # --- IM207
    (
        "IM207",
        "warning",
        "is a hypothesis that was to be tested again by 2026-03-30, 1 day ago",
        influence("until: >>2026-03-30"),
    ),
    (
        "IM207",
        "warning",
        "is one that was to be tested again by 2025-03-31, 365 days ago",
        influence("confidence: experiment, until: >>2025-03-31"),
    ),
    ("IM207", "warning", "'d' on 'b'", influence("confidence: correlated, until: >>2020-01-01")),
    ("IM207", "warning", "or remove it", influence("lag: 3, until: >>2026-02-28")),
    (
        "IM207",
        "warning",
        "'e' on 'c'",
        f"{influence('until: 2026-03-31')}  - {{from: e, to: c, until: >>2026-01-01}}\n",
    ),
    # --- IM208
    (
        "IM208",
        "warning",
        "said to be negative, and by the formulas more 'b' means more 'a'",
        f"{PAIR}  - {{from: b, to: a, direction: >>negative}}\n",
    ),
    (
        "IM208",
        "warning",
        "said to be positive, and by the formulas more 'c' means less 'r'",
        (
            "north_star: a\nmetrics: {a: r * d, r: b / c, b: , c: , d: }\n"
            "influences: [{from: c, to: r, elasticity: >>0.5}]\n"
        ),
    ),
    (
        "IM208",
        "warning",
        "a <- r <- c",
        (
            "north_star: a\nmetrics: {a: r * d, r: b / c, b: , c: , d: }\n"
            "influences: [{from: c, to: a, elasticity: >>0.5}]\n"
        ),
    ),
    (
        "IM208",
        "warning",
        "more 'd' is said to be better, and its influence on 'b' is said to be negative",
        (
            "north_star: a\nmetrics: {a: b, b: {improves: up}, d: {improves: up}}\n"
            "influences: [{from: d, to: b, direction: >>negative}]\n"
        ),
    ),
    (
        "IM208",
        "warning",
        "less 'd' is said to be better, and its influence on 'b' is said to be positive",
        (
            "north_star: a\nmetrics: {a: {formula: b / c, improves: up}, b: , c: ,"
            " d: {improves: down}}\ninfluences: [{from: d, to: b, direction: >>positive}]\n"
        ),
    ),
    (
        "IM208",
        "warning",
        "where less is better",
        (
            "north_star: a\nmetrics: {a: {improves: up}, m: , d: {improves: up}}\n"
            "influences:\n  - {from: d, to: m, elasticity: >>0.2}\n"
            "  - {from: m, to: a, direction: negative}\n"
        ),
    ),
]

ACCEPTED = [
    ("IM201", "north_star: a\nmetrics: {a: b, b: {owner: x}}\n"),
    ("IM201", "north_star: a\nmetrics: {a: }\n"),
    ("IM201", "north_star: a\nmetrics: {a: b, b: 4}\n"),
    ("IM201", "north_star: a\nmetrics: {a: b - b * c, b: {owner: x}, c: {role: guardrail}, d: }\n"),
    ("IM202", "north_star: a\nmetrics: {a: b * c, b: {unit: x}, c: 4}\n"),
    ("IM203", "north_star: a\nmetrics: {a: b, b: {controllability: external}}\n"),
    ("IM204", "north_star: a\nmetrics: {a: c + d, c: x - y, d: y - x, x: , y: }\n"),
    ("IM204", "north_star: a\nmetrics: {a: c + d, c: x / y, d: y / x, x: , y: }\n"),
    ("IM204", "north_star: a\nmetrics: {a: c + d, c: x ** y, d: y ** x, x: , y: }\n"),
    ("IM204", "north_star: a\nmetrics: {a: c + d, c: x * 2, d: x * 3, x: }\n"),
    ("IM204", "north_star: a\nmetrics: {a: c + d, c: 1 + 2, d: 2 + 1}\n"),
    ("IM204", "north_star: a\nmetrics: {a: c + d, c: 7, d: 7}\n"),
    ("IM204", "north_star: a\nmetrics: {a: b, b: c, c: }\n"),
    (
        "IM204",
        (
            f"{SOURCES}metrics:\n  a: b + c + d + e\n"
            "  b: {measure: {source: s, aggregate: count()}}\n"
            "  c: {measure: {source: t, aggregate: count()}}\n"
            "  d: {measure: {source: s, aggregate: count(x)}}\n"
            "  e: {measure: {source: s, aggregate: count(), where: x > 1}}\n"
        ),
    ),
    ("IM204", "north_star: a\nmetrics: {a: b * c, d: c * b, b: , c: }\n"),
    ("IM205", "north_star: a\nmetrics: {a: b, b: 1, c: {value: 1, role: outcome}}\n"),
    ("IM205", "north_star: a\nmetrics: {a: b, b: 1, c: {value: 1, role: guardrail}}\n"),
    ("IM205", "north_star: a\nmetrics: {a: b, b: 1, c: {value: 1, role: health}}\n"),
    ("IM205", "north_star: a\nmetrics: {a: , c: d, d: }\ninfluences: [{from: c, to: a}]\n"),
    (
        "IM205",
        (
            "north_star: a\nmetrics: {a: , b: {role: outcome}, c: }\n"
            "influences: [{from: a, to: b}, {from: c, to: b}, {from: b, to: a, lag: 1}]\n"
        ),
    ),
    ("IM205", "north_star: {metric: a, leads: [k]}\nmetrics: {a: , k: s / t, s: , t: }\n"),
    (
        "IM206",
        "north_star: a\nmetrics: {a: , g: {role: guardrail, owner: x, range: [null, 0.1]}}\n",
    ),
    (
        "IM206",
        "north_star: a\nmetrics: {a: , g: {role: guardrail, owner: x, target: {value: 0.1}}}\n",
    ),
    ("IM207", influence("until: 2026-03-31")),
    ("IM207", influence("confidence: hypothesis")),
    ("IM208", f"{PAIR}  - {{from: b, to: a, direction: positive}}\n"),
    ("IM208", f"{PAIR}  - {{from: b, to: a}}\n"),
    ("IM208", f"{PAIR}  - {{from: b, to: a, elasticity: 0}}\n"),
    (
        "IM208",  # both ways
        (
            "north_star: a\nmetrics: {a: b * c - b, b: {range: [1, 2]}, c: {range: [0, 2]}}\n"
            "influences: [{from: b, to: a, direction: negative}]\n"
        ),
    ),
    (
        "IM208",  # a trade-off
        (
            "north_star: a\n"
            "metrics: {a: {formula: b + c, improves: up}, b: , c: , d: {improves: up}}\n"
            "influences: [{from: d, to: b, direction: negative}, {from: d, to: c, elasticity: 2}]\n"
        ),
    ),
    (
        "IM208",  # what it harms, it also is a part of
        (
            "north_star: a\nmetrics: {a: {formula: b + d, improves: up}, b: , d: {improves: up}}\n"
            "influences: [{from: d, to: b, direction: negative}]\n"
        ),
    ),
    (
        "IM208",
        (
            "north_star: a\nmetrics: {a: b, b: , d: {improves: up},"
            " g: {role: guardrail, improves: down}}\n"
            "influences: [{from: d, to: g, direction: positive}]\n"
        ),
    ),
    (
        "IM208",  # one more way asks for the opposite
        (
            "north_star: a\nmetrics: {a: {formula: b + c, improves: up}, b: , c: , m: ,"
            " d: {improves: up}}\n"
            "influences: [{from: m, to: b, direction: negative}, {from: m, to: c, elasticity: 2},"
            " {from: d, to: m, direction: positive}]\n"
        ),
    ),
    (
        "IM208",  # one more way asks for the opposite
        (
            "north_star: a\nmetrics: {a: {formula: b + c, improves: up}, b: , c: , m: ,"
            " d: {improves: down}}\n"
            "influences: [{from: m, to: b, direction: negative}, {from: m, to: c, elasticity: 2},"
            " {from: d, to: m, direction: positive}]\n"
        ),
    ),
]


@pytest.mark.parametrize(("code", "severity", "words", "marked"), REPORTED)
def test_what_is_weak_below_the_north_star_is_told_at_its_place(code, severity, words, marked):
    agrees(code, marked, DAY, severity, words)


@pytest.mark.parametrize(("code", "text"), ACCEPTED)
def test_what_is_sound_below_the_north_star_is_left_alone(code, text):
    assert found(code, text) == []


def test_each_input_is_told_by_itself():
    marked = "north_star: a\nmetrics: {a: b * c * d, >>b: , >>c: , d: {owner: x}}\n"
    spans = [one.span for one in found("IM201", marked)]
    assert [(span.line, span.column) for span in spans if span] == places(marked)


def test_a_formula_of_an_included_file_is_compared_by_full_names(tmp_path):
    tmp_path.joinpath("x.yml").write_text("metrics: {r: p / q, p: , q: }\n")
    tmp_path.joinpath("tree.yml").write_text(
        "include: {x: x.yml}\nnorth_star: a\nmetrics: {a: x.r * s, s: x.p / x.q}\n"
    )
    (finding,) = MetricTree.load(tmp_path / "tree.yml").lint(select="IM204")
    assert finding.metric == "x.r"
    assert str(finding.span).startswith(str(tmp_path / "x.yml"))


# --- influences against a history


def moved(fields: str, before: list[float | None], after: list[float | None]) -> list[str]:
    head = "north_star: a\nmetrics: {a: b, b: c * 2, c: , d: }\n"
    text = f"{head}influences: [{{from: d, to: b, {fields}}}]\n"
    return [one.message for one in found("IM208", text, history={"d": before, "c": after})]


RISES: list[float | None] = [float(number + number % 3) for number in range(12)]
FALLS: list[float | None] = [100 - number for number in RISES if number is not None]
NEXT: list[float | None] = [7.0, *FALLS[:-1]]


def test_a_history_that_moves_the_other_way_contradicts():
    (message,) = moved("direction: positive", RISES, FALLS)
    assert message.endswith(
        "in 12 periods of the history more 'd' went with less 'b' (correlation -1.00)"
    )
    assert moved("direction: negative", RISES, RISES) != []
    assert moved("direction: negative", RISES, FALLS) == []
    assert moved("direction: positive", RISES, RISES) == []


def test_a_straight_line_up_contradicts_a_straight_line_down():
    line: list[float | None] = [float(number) for number in range(12)]
    assert moved("direction: positive", line, line[::-1]) != []


def test_a_history_is_compared_at_the_lag():
    longer, later = [*RISES, None], [None, *FALLS]
    (message,) = moved("direction: positive, lag: 1", longer, later)
    assert "more 'd' went with less 'b', 1 period later" in message
    assert moved("direction: positive, lag: 99", longer, later) == []


def test_a_short_or_broken_history_contradicts_nothing():
    assert moved("direction: positive", RISES[:11], FALLS[:11]) == []
    assert moved("direction: positive", RISES, [*FALLS[:5], None, *FALLS[6:]]) == []
    assert moved("direction: positive", RISES, [5.0] * 12) == []
    assert moved("direction: positive", RISES, [0.1 + 0.2, 0.3] * 6) == []


def test_a_loose_history_contradicts_nothing():
    loose: list[float | None] = [1, -1, 1, -1, 1, -1, 1, -1, -1, 1, -1, -1]
    assert moved("direction: positive", RISES, loose) == []


def test_levels_that_drift_apart_while_changes_agree_contradict_nothing():
    saw = [3.0 * (number % 2) for number in range(12)]
    up: list[float | None] = [number + jump for number, jump in enumerate(saw)]
    down: list[float | None] = [-number + jump for number, jump in enumerate(saw)]
    assert moved("direction: positive", up, down) == []


def test_an_experiment_outweighs_a_history():
    assert moved("direction: positive, confidence: experiment", RISES, FALLS) == []


def test_how_much_history_contradicts_is_an_option():
    text = (
        "north_star: a\nmetrics: {a: b, b: , d: }\n"
        "influences: [{from: d, to: b, direction: positive}]\n"
        "lint: {options: {IM208: {least_periods: 4, least_correlation: 1}}}\n"
    )
    assert found("IM208", text, history={"d": [1, 2, 3, 5], "b": [5, 4, 3, 1]}) != []
    assert found("IM208", text, history={"d": [1, 2, 3, 5], "b": [5, 4, 3, 2]}) == []
    assert found("IM208", text, history={"d": [1, 2, 3], "b": [3, 2, 1]}) == []


def test_a_history_without_the_ends_of_an_influence_says_nothing_of_it():
    text = (
        "north_star: a\nmetrics: {a: b, b: , d: , e: {formula: f, role: outcome}, f: }\n"
        "influences: [{from: d, to: b, direction: positive}, {from: a, to: e, elasticity: 1}]\n"
    )
    assert found("IM208", text, history={"b": FALLS}) == []


def test_a_history_that_does_not_fit_the_tree_is_refused():
    with pytest.raises(UsageError):
        moved("direction: positive", RISES, FALLS[:-1])


def test_huge_values_are_compared_without_overflow():
    huge: list[float | None] = [number * 1e307 for number in RISES if number is not None]
    assert moved("direction: positive", huge, FALLS) != []


def test_many_influences_on_one_deep_tree_are_judged_at_once():
    metrics: dict[str, object] = {f"m{at}": f"m{at + 1} + 1" for at in range(3_000)}
    metrics["m3000"] = None
    influences = [
        {"from": f"m{at + 1}", "to": f"m{at}", "direction": "negative"} for at in range(3_000)
    ]
    tree = MetricTree(north_star="m0", metrics=metrics, influences=influences)
    findings = tree.lint(select="IM208")
    assert findings[0].path == "influences[0].direction"
