"""Reading YAML: data, positions, and writing it back."""

from __future__ import annotations

import sys
from datetime import date
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from metrictree.documents import Surprise, dump, parse, read_bytes, reader
from metrictree.limits import Limits
from tests import strategies

plain = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        strategies.exact_numbers,
        strategies.days,
        st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
        strategies.any_text,
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(strategies.any_text, inner, max_size=4)
    ),
    max_leaves=15,
)


@settings(max_examples=250)
@given(st.dictionaries(strategies.any_text, plain, min_size=1, max_size=5))
def test_what_is_written_is_read_back_to_the_same_data(data):
    document = parse(dump(data), "x.yml")
    assert document.problems == ()
    assert document.data == data


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None),
        ("true", True), ("True", True), ("false", False),
        ("5", 5), ("-5", -5), ("+5", 5), ("0", 0), ("1.5", 1.5), (".5", 0.5), ("1.", 1.0),
        ("1e3", 1000.0), ("1.5E-3", 0.0015), (".inf", float("inf")), ("-.INF", float("-inf")),
        ("2026-01-31", date(2026, 1, 31)),
        ("orders", "orders"), ("nothing", "nothing"), ("yesterday", "yesterday"), ("1a", "1a"),
        ("a b", "a b"), ("-", None), ("1.2.3", "1.2.3"), ("n", "n"), ("y", "y"), ("=", "="),
        ("a#b", "a#b"), ("1 + 2", "1 + 2"), ("'5'", "5"), ('"no"', "no"), ("nullable", "nullable"),
        ("2026-01", "2026-01"), ("- 5", [5]),
    ],
)  # fmt: skip
def test_unquoted_scalars_are_read_by_the_rules_of_yaml_1_2(raw, value):
    found = parse(f"key:\n  {raw}\n", "x.yml").data["key"]
    if raw == "-":
        value = [None]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "raw",
    [
        "yes",
        "No",
        "ON",
        "off",
        "1_000",
        "010",
        "0o17",
        "0x1F",
        "0b101",
        "12:30",
        "1:2:3.5",
        "00.5",
        "2026-13-01",
        "2026-02-30",
        "2026-1-1",
        "2026-01-01T10:00:00Z",
        "9" * 401,
        "-0777",
        "08",
    ],
)
def test_what_yaml_1_1_would_take_for_something_else_is_a_surprise(raw):
    found = parse(f"key: {raw}\n", "x.yml").data["key"]
    assert isinstance(found, Surprise)
    assert found.raw == str(found) == raw
    assert found.meaning


def test_spans_point_at_keys_and_values():
    text = "a: 1\nlist:\n  - x\n  - {b: 'two'}\nmap:\n  c: |\n    long\n    text\n"
    document = parse(text, "x.yml")

    def place(*path, key=False):
        span = document.span(path, key=key)
        return span.line, span.column, span.end_line, span.end_column

    assert place("a") == (1, 4, 1, 5)
    assert place("a", key=True) == (1, 1, 1, 2)
    assert place("list", 0) == (3, 5, 3, 6)
    assert place("list", 1, "b") == (4, 9, 4, 14)
    assert place("list", 1, "b", key=True) == (4, 6, 4, 7)
    assert place("map", "c")[:2] == (6, 6)
    assert place("map", "nope") == place("map", key=True)
    assert place("list", 9) == place("list", key=True)
    assert place("a", "below") == place("a")
    assert place()[:2] == (1, 1)


STYLES = {
    "plain": lambda text: text,
    "single": lambda text: "'" + text.replace("'", "''") + "'",
    "double": lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"',
    "literal": lambda text: "|\n    " + text.replace("\n", "\n    ") + "\n",
    "folded": lambda text: ">\n    " + text + "\n",
    "literal-strip": lambda text: "|-\n    " + text.replace("\n", "\n    ") + "\n",
    "plain-next-line": lambda text: "\n    " + text,
    "plain-over-lines": lambda text: text.replace(" + ", " +\n    "),
    "double-over-lines": lambda text: '"' + text.replace(" + ", " +\n    ") + '"',
}


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("style", STYLES)
def test_every_character_of_a_text_is_found_in_the_file(style, line_end):
    formula = "alpha + beta * (gamma - 'it') + \"d\" + omega"
    if style.startswith("plain") or style == "double-over-lines":
        formula = "alpha + beta * (gamma - delta) + omega"
    text = f"metrics:\n  a: {STYLES[style](formula)}\n  b: 1\n".replace("\n", line_end)
    document = parse(text, "x.yml")
    assert document.problems == ()
    value = document.data["metrics"]["a"]
    lines = text.split(line_end)
    for word in ("alpha", "beta", "gamma", "omega"):
        start = value.index(word)
        span = document.span_within(("metrics", "a"), start, start + len(word))
        assert lines[span.line - 1][span.column - 1 : span.end_column - 1] == word


def test_escapes_keep_their_place():
    document = parse('a: "x\\u00e9\\ty + \\x41bc \\\n   def"\n', "x.yml")
    value = document.data["a"]
    assert value == "x\u00e9\ty + Abc def"
    for word, written in (("y", "y"), ("Abc", "\\x41bc"), ("def", "def")):
        start = value.index(word)
        span = document.span_within(("a",), start, start + len(word))
        assert document.text.splitlines()[span.line - 1][span.column - 1 :].startswith(written)


def test_the_end_of_a_text_has_a_place_too():
    document = parse("a: 'b +'\n", "x.yml")
    span = document.span_within(("a",), 3, 4)
    assert (span.column, span.end_column) == (8, 9)


def test_aliases_and_merge_keys_are_read():
    text = "d: &d {owner: ana, unit: order}\na: {<<: *d, unit: USD}\nb: {<<: [*d, {x: 1}]}\nc: *d\n"
    document = parse(text, "x.yml")
    assert document.problems == ()
    assert document.data["a"] == {"unit": "USD", "owner": "ana"}
    assert document.data["b"] == {"owner": "ana", "unit": "order", "x": 1}
    assert document.data["c"] == {"owner": "ana", "unit": "order"}
    assert document.span(("a", "owner")).line == 1


def test_aliases_are_counted_each_time_they_are_used():
    text = "a: &a [1, 1, 1, 1]\nb: &b [*a, *a, *a, *a]\nc: [*b, *b, *b, *b]\n"
    assert parse(text, "x.yml", Limits(values=200)).problems == ()
    (problem,) = parse(text, "x.yml", Limits(values=80)).problems
    assert problem.code == "DOC111"


@pytest.mark.parametrize(
    "text", ["a: 1\n", "\ufeffa: 1\n", "a: 1", "a: 1\r\n", "# c\n---\na: 1\n...\n"]
)
def test_marks_and_line_ends_make_no_difference(text):
    assert parse(text, "x.yml").data == {"a": 1}


def test_bytes_that_are_no_utf_8_are_told_with_their_place():
    _, (problem,) = read_bytes("a: 1\nb: caf\u00e9\n".encode("latin-1"), "x.yml")
    assert problem.code == "DOC102"
    assert problem.span is not None
    assert (problem.span.line, problem.span.column) == (2, 7)
    _, (problem,) = read_bytes("a: 1".encode("utf-16"), "x.yml")
    assert "UTF-16" in str(problem)
    text, problems = read_bytes(b"\xef\xbb\xbfa: 1", "x.yml")
    assert parse(text, "x.yml").data == {"a": 1}
    assert problems == []


# what is written, the line and column of the finding, and words of it
NOT_YAML = [
    (
        "metrics:\n  a: {value: 1}\n   b: {value: 2}\n",
        3,
        4,
        "indented by 3, and the line above by 2",
    ),
    ("metrics:\n  a: b * c\n   b: 2\n", 3, 4, "indented by 3, and the line above by 2"),
    ("metrics:\n  a: {value: 1}\n b: {value: 2}\n", 3, 2, "indented by 1, and the line above by 2"),
    ("metrics:\n  a:\n    owner: x\n     unit: y\n", 4, 6, "indented by 5, and the line above"),
    ("metrics:\n  a:\n    u: x\n  role: y\n    owner: f\n", 5, 5, "indented by 4, and the line"),
    ("metrics:\n  a:\n    owner:growth\n    unit: x\n", 3, 10, "write `owner: growth`"),
    ("metrics:\n  a:\n    unit: x\n    owner:growth\n", 4, 10, "write `owner: growth`"),
    ("metrics:\n  a\n  b: 1\n", 2, 3, "`a` has no colon"),
    ("metrics:\n  a: {value: 1\n  b: 2\n  c: {x: 1}\n", 2, 6, "'{' is not closed"),
    ("metrics:\n  a:\n    tags: [x, y\n    unit: z\n", 3, 11, "'[' is not closed"),
    ("metrics:\n  a: [1]]\n", 2, 9, "']' was never opened"),
    ("a: {b: c d: e}\n", 1, 11, "comma or the closing bracket"),
    ("metrics:\n  a: 'b * c\n  b: 2\n", 2, 6, "quote is never closed"),
    ("metrics:\n  a: 'b' * c\n  b: 2\n", 2, 11, "follows the closing quote"),
    ("metrics:\n  a: 'b' c\n  b: 2\n", 2, 10, "follows the closing quote"),
    ("metrics:\n  a:\n    description: x: y\n", 3, 19, "second ': '"),
    ("a: @ana\n", 1, 4, "cannot start with '@'"),
    ("a: |x\n  b\n", 1, 4, "cannot start with '|'"),
    ("a: > b\n", 1, 4, "cannot start with '>'"),
    ("a: - b\n", 1, 4, "list cannot start in the line of its key"),
    ("a: * b\n", 1, 4, "starts with '*'"),
    ("a: !<x\n", 1, 4, "a tag starts here"),
    ('a: "\\q"\n', 1, 5, "escape sequence"),
    ("%YAML 3.0\n--- a\n", 1, 1, "no version of YAML"),
    ("a:\n\tb: 1\n", 2, 1, "a tab indents this line"),
    ("<html>\n<p>a: b: c</p>\n", 2, 5, "HTML"),
    ("a: 1\n<<<<<<< HEAD\nb: 2\n", 2, 1, "merge conflict"),
]


@pytest.mark.parametrize(("text", "line", "column", "words"), NOT_YAML)
def test_what_is_not_yaml_is_told_where_it_is_wrong(text, line, column, words):
    (found,) = parse(text, "x.yml").problems
    assert found.code == "DOC104"
    assert words in str(found)
    assert found.span is not None
    assert (found.span.line, found.span.column) == (line, column), str(found)


def test_the_pure_python_parser_reads_the_same(monkeypatch):
    texts = [path.read_text("utf-8") for path in sorted(Path("examples").rglob("*.yml"))]
    texts += [text for text, *_ in NOT_YAML]
    texts += ["a: [1, {b: c}]\n", "a: &x 1\nb: *x\n", "a: !t 1\n", "a: \tb\n", "a: 'b\n", "a: @b\n",
              'a: "\\UFFFFFFFF"\n', "%YAML 3.0\n--- 1\n", "a: 1\n---\nb: 2\n",
              "[" * 200]  # fmt: skip
    fast = [parse(text, "x.yml") for text in texts]
    monkeypatch.setitem(sys.modules, "yaml.cyaml", None)
    spec = spec_from_file_location("reader_without_libyaml", reader.__file__)
    assert spec is not None
    assert spec.loader is not None
    slow = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, slow)
    spec.loader.exec_module(slow)
    assert slow._Parser.__module__ == spec.name
    for text, expected in zip(texts, fast, strict=True):
        found = slow.parse(text, "x.yml")
        assert found.data == expected.data
        assert [str(p) for p in found.problems] == [str(p) for p in expected.problems], text
