"""Every kind of mistake in a tree gives a diagnostic at the right place, with what to do.

In each document the sign `>>` stands right before the place that is expected; it is taken out
before the document is read.
"""

from __future__ import annotations

import pytest

from metrictree import DefinitionError, MetricTree, Severity

HEAD = "north_star: a\nmetrics:\n"
SOURCE = "sources: {s: {path: x.csv}}\n"


def located(text: str) -> tuple[str, int, int]:
    before, sign, after = text.partition(">>")
    assert sign, "the document has no mark"
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return before + after, line, column


# code, words that the message or its help holds, document
MISTAKES = [
    # --- the document
    ("DOC101", "empty", ">>"),
    ("DOC101", "north_star", ">># only a comment\n"),
    ("DOC103", "U+202E", HEAD + "  a: 1 # x>>\u202ey\n"),
    ("DOC103", "line break", HEAD + "  a: {label: x>>\x85y, value: 1}\n"),
    ("DOC103", "cannot be seen", HEAD + "  a: {label: 'x>>\x00y', value: 1}\n"),
    ("DOC103", "joining two files", HEAD + ">>\ufeff  a: 1\n"),
    ("DOC104", "tab", "north_star: a\nmetrics:\n>>\ta: 1\n"),
    ("DOC104", "'@'", HEAD + "  a: {owner: >>@ana}\n"),
    ("DOC104", "quotes", HEAD + "  a: {value: 1}\n  b: one>>: two\n"),
    ("DOC104", "not closed", HEAD + "  a: >>[1, 2\n  b: 1\n"),
    ("DOC104", "merge conflict", "north_star: a\n>><<<<<<< HEAD\nmetrics: {a: 1}\n"),
    ("DOC105", "line 3", HEAD + "  a: 1\n  >>a: 2\n"),
    ("DOC105", "second time", HEAD + "  a: {value: 1, >>value: 2}\n"),
    ("DOC105", "second time", HEAD + '  a: 1\n  >>"a": 2\n'),
    ("DOC106", "include", HEAD + "  a: 1\n>>---\nnorth_star: b\n"),
    ("DOC107", "tag", HEAD + "  a: {value: >>!!float 1}\n"),
    ("DOC107", "include", HEAD + "  a: >>!include b.yml\n"),
    ("DOC107", "quote", HEAD + "  a: {label: >>!new x, value: 1}\n"),
    ("DOC108", "false", HEAD + "  a: 1\n  >>no: 2\n"),
    ("DOC108", "name", HEAD + "  a: 1\n  >>2: 2\n"),
    ("DOC108", "text", HEAD + "  a: 1\n  ? >>[b]\n  : 2\n"),
    ("DOC109", "quote", HEAD + "  a: >>*orders * 2\n".replace(" * 2", "")),
    ("DOC109", "itself", HEAD + "  a: &x {tags: [>>*x]}\n"),
    ("DOC109", "mappings", HEAD + "  a: {>><<: 5, value: 1}\n"),
    (
        "DOC110",
        "deeper than 100",
        "north_star: a\nmetrics: {a: {tags: " + "[" * 97 + ">>[x" + "]" * 98 + "}}\n",
    ),
    # --- the schema
    ("SCH101", "did you mean formula?", HEAD + "  a: {>>forumla: 1}\n"),
    ("SCH101", "did you mean formula?", HEAD + "  a: {>>Formula: '1'}\n"),
    ("SCH101", "did you mean north_star?", ">>north-star: a\nnorth_star: a\nmetrics: {a: 1}\n"),
    (
        "SCH101",
        "did you mean aggregate?",
        HEAD + "  a: {measure: {source: s, >>agregate: x, aggregate: count()}}\n" + SOURCE,
    ),
    ("SCH101", "the fields are", ">>qqq: 1\n" + HEAD + "  a: 1\n"),
    ("SCH102", "north_star", ">>metrics: {a: 1}\n"),
    ("SCH102", "metrics", ">>north_star: a\n"),
    ("SCH102", "source", HEAD + "  a: {>>measure: {aggregate: count()}}\n"),
    ("SCH102", "value", HEAD + "  a: {value: 1, >>target: {baseline: 2}}\n"),
    ("SCH103", "quotes", HEAD + "  a: {value: >>'5'}\n"),
    ("SCH103", "not true", HEAD + "  a: {value: >>true}\n"),
    ("SCH103", "in quotes", HEAD + "  a: {label: >>5, value: 1}\n"),
    ("SCH103", "in quotes", HEAD + "  a: {label: >>2026-01-01, value: 1}\n"),
    ("SCH103", "`value`", HEAD + "  a: {formula: >>5}\n"),
    ("SCH103", "a list", HEAD + "  a: {description: >>[x], value: 1}\n"),
    ("SCH103", "a mapping", HEAD + "  a: >>[1]\n"),
    ("SCH103", "a list", HEAD + "  a: {tags: >>x, value: 1}\n"),
    ("SCH103", "date", HEAD + "  a: {value: 1, target: {value: 2, by: >>soon}}\n"),
    ("SCH103", "whole number", HEAD + "  a: 1\ninfluences: [{from: a, to: a, lag: >>1.5}]\n"),
    ("SCH103", "mapping", ">>- north_star: a\n"),
    (
        "SCH104",
        "'direct', 'influenced' or 'external'",
        HEAD + "  a: {value: 1, controllability: >>indirect}\n",
    ),
    ("SCH104", "'early'", "north_star: {metric: a, stage: >>late}\nmetrics: {a: 1}\n"),
    ("SCH104", "format 1", "metrictree: >>2\n" + HEAD + "  a: 1\n"),
    ("SCH105", "finite", HEAD + "  a: {value: >>.inf}\n"),
    ("SCH105", "finite", HEAD + "  a: {value: >>.nan}\n"),
    ("SCH105", "digits", HEAD + "  a: {value: >>9007199254740993}\n"),
    ("SCH105", "greater", HEAD + "  a: 1\ninfluences: [{from: a, to: a, lag: >>-1}]\n"),
    ("SCH106", "a letter first", HEAD + "  a: 1\n  >>Orders: 2\n"),
    ("SCH106", "64", HEAD + "  a: 1\n  >>" + "x" * 65 + ": 2\n"),
    ("SCH106", "reserved", HEAD + "  a: 1\n  >>if: 2\n"),
    ("SCH106", "a letter first", "north_star: >>A b\nmetrics: {a: 1}\n"),
    ("SCH107", "formula and value", HEAD + "  >>a: {formula: b, value: 1}\n  b:\n"),
    ("SCH108", "empty", HEAD + "  a: {>>formula: , label: x}\n"),
    ("SCH108", "empty", HEAD + "  a: {label: >>' ', value: 1}\n"),
    ("SCH109", "reads it as false", HEAD + "  a: {value: >>no}\n"),
    ("SCH109", "underscores", HEAD + "  a: {value: >>1_000}\n"),
    ("SCH109", "base 60", HEAD + "  a: {value: >>12:30}\n"),
    ("SCH109", "octal", HEAD + "  a: {value: >>010}\n"),
    ("SCH109", "hexadecimal", HEAD + "  a: {value: >>0x1F}\n"),
    ("SCH109", "'on'", HEAD + "  a: {value: 1, owner: >>on}\n"),
    ("SCH109", "no such day", HEAD + "  a: {value: 1, target: {value: 2, by: >>2026-02-30}}\n"),
    ("SCH110", "unit", HEAD + "  a: {value: 1, unit: >>order per customer}\n"),
    ("SCH111", "range", HEAD + "  a: {range: >>[1]}\n"),
    ("SCH111", "above", HEAD + "  a: {range: >>[2, 1]}\n"),
    ("SCH111", "range", HEAD + "  a: {value: >>3, range: [0, 1]}\n"),
    (
        "SCH111",
        "sign",
        HEAD
        + "  a: 1\ninfluences:\n"
        + "  - >>{from: a, to: a, lag: 1, elasticity: -1, direction: positive}\n",
    ),
    ("SCH112", "path, query and table", HEAD + "  a: 1\nsources: {>>s: {time: at}}\n"),
    ("SCH112", "role", HEAD + "  >>a: {value: 1, team: growth}\n"),
    ("SCH113", "NS101", HEAD + "  a: {value: 1, ignore: {>>ns101: because}}\n"),
    ("SCH114", "later version", HEAD + "  a: 1\n>>scenarios: []\n"),
    ("SCH101", "indent it below `metrics:`", "north_star: a\nmetrics: {a: 1}\n>>buyers: 2\n"),
    ("SCH103", "a ratio: 0.28", HEAD + "  a: {value: >>28%}\n"),
    ("SCH103", "{value: 2000}", HEAD + "  a: {value: 1, target: >>2000}\n"),
    ("SCH103", "{source: orders", HEAD + "  a: {measure: >>orders}\n"),
    ("SCH106", "write new_buyers", HEAD + "  a: new_buyers * 2\n  >>New-Buyers: 2\n"),
    ("SCH111", "[0, null]", HEAD + "  a: {range: >>0-100}\n"),
    ("DOC108", "write 1000", HEAD + "  a: {value: >>1,000, unit: order}\n"),
    ("DOC108", "templates", HEAD + "  a: {>>{ metric('x') }}\n"),
    # --- formulas, at the exact character
    ("FML102", "write *", HEAD + "  a: b >>\u00d7 c\n  b:\n  c:\n"),
    ("FML103", "1000", HEAD + "  a: b + >>1,000\n  b:\n"),
    ("FML104", "**", HEAD + "  a: {label: x, formula: b >>^ 2}\n  b:\n"),
    ("FML105", "value is missing", HEAD + '  a: {formula: "b +>>* 2"}\n  b:\n'),
    ("FML105", "operator is missing", HEAD + "  a: 'b >>b'\n  b:\n"),
    ("FML106", "never closed", HEAD + "  a: |\n    b +\n    >>(b * 2\n  b:\n"),
    ("FML107", "without quotes", HEAD + "  a: {formula: \"2 * >>'b'\"}\n  b:\n"),
    ("FML108", "did you mean max(...)?", HEAD + "  a: >>mx(b, 1)\n  b:\n"),
    ("FML109", "at most 1", HEAD + "  a: 1 + >>sqrt(b, 1)\n  b:\n"),
    ("FML110", "1 if condition else 0", HEAD + "  a: >>b > 1\n  b:\n"),
    ("FML111", "whole number", HEAD + "  a: lag(b, >>b)\n  b:\n"),
    ("FML113", "attributes", HEAD + "  a: (b)>>.x\n  b:\n"),
    ("FML114", "0.05", HEAD + "  a: b * 5>>%\n  b:\n"),
    ("FML115", "not a number", HEAD + "  a: {formula: >>true + b}\n  b:\n"),
    ("FML116", "is_missing", HEAD + "  a: 1 if b == >>null else 2\n  b:\n"),
    (
        "FML117",
        "count(...)",
        HEAD + "  a: {measure: {source: s, aggregate: >>x}}\nsources: {s: {path: x.csv}}\n",
    ),
    ("FML104", "leave it out", HEAD + "  a: >>= b * 2\n  b:\n"),
    ("FML109", "rows of a source", HEAD + "  a: >>sum(b)\n  b:\n"),
    (
        "FML105",
        "count()",
        HEAD + "  a: {measure: {source: s, aggregate: count(>>*)}}\n" + SOURCE,
    ),
    (
        "FML105",
        "count_distinct(buyer)",
        HEAD + "  a: {measure: {source: s, aggregate: count(distinct >>buyer)}}\n" + SOURCE,
    ),
    # --- the graph
    (
        "GRA101",
        "a tested metric",
        HEAD + "  a: 1\ntests: [{name: x, given: {>>b: 1}}]\n",
    ),
    (
        "GRA107",
        "listed already",
        HEAD + "  a:\ninfluences: [{from: a, to: a, lag: 1}, >>{from: a, to: a, lag: 2}]\n",
    ),
    ("SCH116", "stands there twice", HEAD + "  a: {value: 1, tags: >>[x, x]}\n"),
    ("SCH109", "no number is that large", HEAD + "  a: {value: >>1e400}\n"),
    ("SCH103", "a formula, a number or a mapping", HEAD + "  a: >>2026-01-01\n"),
    (
        "FML103",
        "last digits",
        HEAD
        + "  a: {measure: {source: s, aggregate: count(), where: x == >>9007199254740993}}\n"
        + SOURCE,
    ),
    ("GRA101", "`owner` is a field", HEAD + "  a: b\n  b: 1\n  owner: >>growth\n"),
    ("GRA101", "did you mean visits?", HEAD + "  a: >>vists * 2\n  visits:\n"),
    (
        "GRA101",
        "label of buyers",
        HEAD + "  a: >>Weekly_customers * 2\n  buyers: {label: Weekly customers}\n",
    ),
    ("GRA101", "A hyphen is a minus", HEAD + "  a: >>weekly-buyers * 2\n  weekly_buyers:\n"),
    ("GRA101", "did you mean orders?", "north_star: >>order\nmetrics: {orders: 1}\n"),
    ("GRA101", "an outcome", "north_star: {metric: a, leads: [>>x]}\nmetrics: {a: 1}\n"),
    ("GRA101", "end of this influence", HEAD + "  a: 1\ninfluences: [{from: >>x, to: a}]\n"),
    ("GRA101", "write null", HEAD + "  a: coalesce(b, >>None)\n  b:\n"),
    ("GRA102", "a <- b <- c <- a", HEAD + "  a: 1 + >>b\n  b: c\n  c: a\n"),
    ("GRA102", "lag of at least 1", HEAD + "  >>a:\n  b: a\ninfluences: [{from: b, to: a}]\n"),
    ("GRA103", "own metric", HEAD + "  a: 2 * >>a\n"),
    (
        "GRA106",
        "did you mean orders?",
        HEAD
        + "  a: {measure: {source: >>order, aggregate: count()}}\n"
        + "sources: {orders: {path: x.csv}}\n",
    ),
]


@pytest.mark.parametrize(
    ("code", "words", "marked"), MISTAKES, ids=[f"{m[0]}-{n}" for n, m in enumerate(MISTAKES)]
)
def test_a_mistake_is_told_at_its_place_with_what_to_do(tmp_path, code, words, marked):
    text, line, column = located(marked)
    path = tmp_path / "tree.yml"
    path.write_bytes(text.encode())
    with pytest.raises(DefinitionError) as caught:
        MetricTree.load(path)
    found = caught.value.diagnostics
    assert [one.code for one in found] == [code], [str(one) for one in found]
    one = found[0]
    assert one.span is not None
    assert one.span.file == str(path)
    assert (one.span.line, one.span.column) == (line, column), str(one)
    assert (one.span.end_line, one.span.end_column) >= (line, column)
    assert one.fix
    sentence = f"{one.message}: {one.fix}"
    assert words in sentence
    assert sentence.isascii()
    assert sentence.isprintable()
    assert len(sentence) < 500
    assert one.severity is Severity.ERROR


def test_there_are_enough_kinds_of_mistakes():
    assert len(MISTAKES) >= 60
    assert len({code for code, *_ in MISTAKES}) >= 40


def test_all_mistakes_of_a_file_are_told_in_one_go_in_reading_order():
    text = """
north_star: {metric: weekly, stage: late}
metrics:
  weekly: {formula: buyrs * x +* 2, forumla: 3}
  buyers: {value: "5", tags: [1], unit: a per b}
  Bad: 1
  rate: vists / 2
  visits:
  a: b + 1
  b: a * 2
  c: c
  no: 5
  f: {value: 1_000}
  g: {value: no, label: 5}
  visits: 1
foo: 1
"""
    with pytest.raises(DefinitionError) as caught:
        MetricTree.from_yaml(text)
    told = [(one.span.line, one.code) for one in caught.value.diagnostics if one.span]
    assert told == [
        (2, "SCH104"),
        (4, "FML105"),
        (4, "SCH101"),
        (5, "SCH103"),
        (5, "SCH103"),
        (5, "SCH110"),
        (6, "SCH106"),
        (7, "GRA101"),
        (9, "GRA102"),
        (11, "GRA103"),
        (12, "DOC108"),
        (13, "SCH109"),
        (14, "SCH109"),
        (14, "SCH103"),
        (15, "DOC105"),
        (16, "SCH101"),
    ]


def test_a_tree_from_python_names_the_place_in_its_structure():
    with pytest.raises(DefinitionError) as caught:
        MetricTree(north_star="a", metrics={"a": "b + vists", "b": {"value": "5"}, "visits": None})
    told = {one.code: one.path for one in caught.value.diagnostics}
    assert told == {"GRA101": "metrics.a.formula", "SCH103": "metrics.b.value"}
    spans = {one.code: one.span for one in caught.value.diagnostics}
    assert str(spans["GRA101"]) == "metrics.a.formula:1:5"


def test_a_formula_that_a_comma_cuts_off_is_told_to_be_put_in_quotes():
    with pytest.raises(DefinitionError) as caught:
        MetricTree.from_yaml(HEAD + "  a: {formula: max(b, 0) * 2, unit: USD}\n  b:\n")
    first = caught.value.diagnostics[0]
    assert (first.code, first.fix) == (
        "FML106",
        "put all of it in quotes: inside of { } a comma ends a text",
    )
