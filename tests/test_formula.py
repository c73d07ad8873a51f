"""The formula language: what is read, what is refused and where, and printing back."""

from __future__ import annotations

import pickle
import string

import pytest
from hypothesis import example, given, settings, strategies as st

from metrictree import DefinitionError, parse_formula
from metrictree.formula import AGGREGATES, FUNCTIONS, Formula, Mode, Node, read, to_text
from metrictree.limits import Limits
from tests import strategies


@given(strategies.formulas)
def test_printing_a_formula_and_parsing_it_again_gives_the_same_formula(drawn):
    formula = parse_formula(strategies.text_of(drawn))
    assert parse_formula(to_text(formula)) == formula


@given(strategies.formulas)
def test_printing_leaves_no_bracket_that_could_go(drawn):
    text = to_text(parse_formula(strategies.text_of(drawn)))
    formula = parse_formula(text)
    depth_at = [at for at, character in enumerate(text) if character == "("]
    for start in depth_at:
        if start and (text[start - 1].isalnum() or text[start - 1] == "_"):
            continue  # of a call
        level, end = 0, start
        for end in range(start, len(text)):
            level += (text[end] == "(") - (text[end] == ")")
            if not level:
                break
        without = text[:start] + " " + text[start + 1 : end] + " " + text[end + 1 :]
        other, _ = read(without)
        assert other is None or other != formula, (text, without)


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=30), st.text(string.printable, max_size=30)))
@example("a ** - ( b % 2")
@example("\x00")
@example("\ud800")
@example("if else")
@example("a in (1")
@example("not")
@example("a not b")
@pytest.mark.parametrize("mode", list(Mode))
def test_any_text_is_either_a_formula_or_refused_inside_its_own_bounds(mode, text):
    formula, faults = read(text, mode)
    assert (formula is None) == bool(faults)
    for fault in faults:
        assert 0 <= fault.start < max(fault.end, 1) <= max(len(text), 1)
        told = fault.message + fault.fix
        assert told.isascii()
        assert told.isprintable()
    if formula is not None:
        assert read(to_text(formula), mode)[0] == formula


@given(strategies.formulas)
def test_every_node_stands_behind_what_it_uses_and_has_its_place_in_the_text(drawn):
    text = strategies.text_of(drawn)
    formula = parse_formula(text)
    for position, node in enumerate(formula.nodes):
        assert all(arg < position for arg in node.args)
        assert 0 <= node.start < node.end <= len(text)
        if node.op == "ref":
            assert text[node.start : node.end].strip("() ") == node.value
    used = sorted(arg for node in formula.nodes for arg in node.args)
    assert used == list(range(len(formula.nodes) - 1))  # a tree: each node is used once


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("a", "a"),
        ("growth.signups * 2", "growth.signups * 2"),
        ("-2 ** 2", "-2 ** 2"),
        ("(-2) ** 2", "(-2) ** 2"),
        ("2 ** -1", "2 ** -1"),
        ("2 ** 3 ** 2", "2 ** 3 ** 2"),
        ("(2 ** 3) ** 2", "(2 ** 3) ** 2"),
        ("a - b - c", "a - b - c"),
        ("a - (b - c)", "a - (b - c)"),
        ("a / (b * c)", "a / (b * c)"),
        ("a / b * c", "a / b * c"),
        ("- - a", "--a"),
        ("a--b", "a - -b"),
        ("((((a))))", "a"),
        ("1e6 + .5 + 2.", "1000000 + 0.5 + 2"),
        ("a if b > 0 else c if d > 0 else e", "a if b > 0 else c if d > 0 else e"),
        ("(a if b > 0 else c) if d > 0 else e", "(a if b > 0 else c) if d > 0 else e"),
        ("1 if not a > b else 0", "1 if not a > b else 0"),
        ("1 if a<b<=c else 0", "1 if a < b <= c else 0"),
        ("1 if (a<b and b<c) or d==e else 0", "1 if a < b and b < c or d == e else 0"),
        ("1 if a<b and (b<c or d==e) else 0", "1 if a < b and (b < c or d == e) else 0"),
        ("coalesce( a ,null, 0 )", "coalesce(a, null, 0)"),
        ("max\n(a,\r\n b)", "max(a, b)"),
        ("lag(x)", "lag(x)"),
        ("max * 2", "max * 2"),
    ],
)
def test_formulas_are_printed_in_the_usual_layout(text, printed):
    assert str(parse_formula(text)) == printed


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("status == 'paid'", "status == 'paid'"),
        ('name == "it\'s"', 'name == "it\'s"'),
        ("status in ('a','b') and not is_test", "status in ('a', 'b') and not is_test"),
        ("x not in (1, -2)", "x not in (1, -2)"),
        ("is_paid", "is_paid"),
        ("coalesce(status, 'x') != 'y'", "coalesce(status, 'x') != 'y'"),
        ("is_missing(Status)", "is_missing(Status)"),
        ("ordered_at >= '2026-01-01'", "ordered_at >= '2026-01-01'"),
    ],
)
def test_where_knows_text_and_membership(text, printed):
    formula = parse_formula(text, "where")
    assert str(formula) == printed
    assert parse_formula(printed, "where") == formula


@pytest.mark.parametrize(
    "text",
    [
        "count()",
        "count(x)",
        "count_distinct(customer_id)",
        "sum(amount * (1 - discount))",
        "mean(x)",
        "min(x)",
        "max(abs(x))",
        "median(x)",
        "quantile(x, 0.95)",
        "std(sum(a, b))",
    ],
)
def test_aggregates_stand_outermost(text):
    assert str(parse_formula(text, "aggregate")) == text


# code, start and end of each fault, in order
REFUSED = [
    ("", "FML101", 0, 1),
    ("  \n ", "FML101", 0, 1),
    ("a \u00d7 b", "FML102", 2, 3),
    ("a \u2212 b", "FML102", 2, 3),
    ("a\u00a0+ b", "FML102", 1, 2),
    ("caf\u00e9", "FML102", 3, 4),
    ("a \x1b b", "FML102", 2, 3),
    ("1_000", "FML103", 0, 5),
    ("1,000", "FML103", 0, 5),
    ("1,5", "FML103", 1, 2),
    ("max(1,500)", "FML103", 4, 9),
    ("max(x, 1,000)", "FML103", 7, 12),
    ("007", "FML103", 0, 3),
    ("0x10", "FML103", 0, 4),
    ("1M", "FML103", 0, 2),
    ("1if a > 0 else 2", "FML103", 0, 3),
    ("1e999", "FML103", 0, 5),
    ("1e-999", "FML103", 0, 6),
    ("9" * 1001, "FML103", 0, 1001),
    ("a ^ b", "FML104", 2, 3),
    ("a = b", "FML104", 2, 3),
    ("= a", "FML104", 0, 1),
    ("a && b", "FML104", 2, 4),
    ("a // b", "FML104", 2, 4),
    ("a ?? b", "FML104", 2, 4),
    ("1 if a in b else 0", "FML104", 7, 9),
    ("a +* b", "FML105", 3, 4),
    ("a b", "FML105", 2, 3),
    ("2(a)", "FML105", 1, 2),
    ("a +", "FML105", 2, 3),
    ("+a", "FML105", 0, 1),
    ("a, b", "FML105", 1, 2),
    ("a if b > 0", "FML105", 2, 4),
    ("a else b", "FML105", 2, 6),
    ("(a if b > 0)", "FML105", 3, 5),
    ("a if b if c > 0 else d else e", "FML105", 7, 9),
    ("and", "FML105", 0, 3),
    ("(a", "FML106", 0, 1),
    ("max(a, b", "FML106", 0, 1),
    ("a)", "FML106", 1, 2),
    ("'a'", "FML107", 0, 3),
    ("mx(1, 2)", "FML108", 0, 2),
    ("sqrt(1, 2)", "FML109", 0, 10),
    ("min()", "FML109", 0, 5),
    ("max(1)", "FML109", 0, 6),
    ("a > b", "FML110", 0, 5),
    ("(a > b) * 100", "FML110", 0, 7),
    ("1 if a else 0", "FML110", 5, 6),
    ("1 if not a else 0", "FML110", 9, 10),
    ("lag(x, y)", "FML111", 7, 8),
    ("lag(x, 0)", "FML111", 7, 8),
    ("rolling_sum(x, 2.5)", "FML111", 15, 18),
    ("x[0]", "FML113", 1, 2),
    ("a # b", "FML113", 2, 3),
    ("$5", "FML113", 0, 1),
    ("5%", "FML114", 1, 2),
    ("x * 5% - 2", "FML114", 5, 6),
    ("true", "FML115", 0, 4),
    ("1 if a == null else 0", "FML116", 10, 14),
]


@pytest.mark.parametrize(("text", "code", "start", "end"), REFUSED)
def test_a_mistake_is_named_where_it_is_made(text, code, start, end):
    formula, faults = read(text)
    assert formula is None
    assert (faults[0].code, faults[0].start, faults[0].end) == (code, start, end)


@pytest.mark.parametrize(
    ("text", "mode", "code"),
    [
        ("status", "aggregate", "FML117"),
        ("sum(a) + 1", "aggregate", "FML117"),
        ("count_distinct(a + b)", "aggregate", "FML117"),
        ("avg(a)", "aggregate", "FML108"),
        ("quantile(a, 95)", "aggregate", "FML111"),
        ("quantile(a, b)", "aggregate", "FML111"),
        ("sum(lag(a))", "aggregate", "FML108"),
        ("sum(median(a))", "aggregate", "FML108"),
        ("sum()", "aggregate", "FML109"),
        ("status in 'a'", "where", "FML105"),
        ("status in ('a', b)", "where", "FML105"),
        ("status in ('a', 1)", "where", "FML110"),
        ("status in ('a'", "where", "FML106"),
        ("a not b", "where", "FML105"),
        ("'a' + 1 > 2", "where", "FML110"),
        ("1 == 'a'", "where", "FML110"),
        ("a or 'b'", "where", "FML110"),
        ("a + 1", "where", "FML110"),
        ("status == 'a", "where", "FML113"),
        ("is_paid == true", "where", "FML115"),
    ],
)
def test_where_and_aggregates_refuse_what_they_cannot_mean(text, mode, code):
    formula, faults = read(text, Mode(mode))
    assert formula is None
    assert faults[0].code == code


def test_all_wrong_calls_of_a_formula_are_told_at_once():
    _, faults = read("mx(a) + sqrt() + lag(b, c)")
    assert [fault.code for fault in faults] == ["FML108", "FML109", "FML111"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("mx(1, 2)", "max"),
        ("Max(1, 2)", "max"),
        ("squrt(4)", "sqrt"),
        ("sum(a) / 2", "measure"),
        ("min() / 2", "min(a, b"),
        ("avg(a, b)", "mean"),
        ("a ^ 2", "**"),
        ("a \u00d7 b", "*"),
        ("5%", "0.05"),
        ("a = b", "=="),
        ("a // b", "floor"),
    ],
)
def test_the_right_spelling_is_offered(text, word):
    _, faults = read(text)
    assert word in faults[0].fix


def test_limits_hold_at_the_limit_and_one_past_it():
    limits = Limits(formula_length=10, formula_depth=4)
    assert read("a" * 10, limits=limits)[0] is not None
    assert read("a" * 11, limits=limits)[1][0].code == "FML112"
    assert read("((((a))))", limits=limits)[0] is not None
    assert read("(((((a)))))", limits=Limits(formula_depth=4))[1][0].code == "FML112"


def test_long_and_deep_formulas_need_no_stack():
    terms = parse_formula("+".join(["a"] * 20_000))
    assert len(terms.nodes) == 39_999
    assert parse_formula(str(terms)) == terms
    deep = parse_formula("(" * 250 + "a" + ")" * 250)
    assert pickle.loads(pickle.dumps(deep)) == deep
    assert hash(deep) == hash(parse_formula("a"))


def test_a_formula_that_code_built_prints_its_negative_numbers_in_brackets():
    nodes = (
        Node("number", (), -2.0, 0, 0),
        Node("number", (), 2.0, 0, 0),
        Node("**", (0, 1), None, 0, 0),
    )
    assert to_text(Formula(nodes, "")) == "(-2) ** 2"


def test_the_error_of_parse_shows_line_column_and_code():
    with pytest.raises(DefinitionError, match=r"<formula>:2:5: FML105 a value is missing"):
        parse_formula("a +\nb + * c")


def test_formulas_are_values():
    formula = parse_formula("a + b")
    assert repr(formula) == "Formula('a + b')"
    assert formula != "a + b"
    assert {formula: 1}[parse_formula("a+b")] == 1
    assert formula.root.op == "+"


def test_every_function_and_aggregate_parses_as_its_manual_shows_it():
    for name, function in FUNCTIONS.items():
        arguments = ["x"] * max(function.at_least, 1)
        if function.counts is not None and function.at_least > 1:
            arguments[function.counts] = "3"
        text = f"{name}({', '.join(arguments)})"
        parse_formula(f"1 if {text} else 0" if function.condition else text)
    for name, aggregate in AGGREGATES.items():
        arguments = ["x", "0.5"][: max(aggregate.at_least, 1)]
        parse_formula(f"{name}({', '.join(arguments)})", "aggregate")
