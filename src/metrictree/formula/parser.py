"""Formula text -> nodes, by operator precedence with an explicit stack.

A parser of our own, and not Python's ``ast`` with an allow-list: the language is what stands here
and nothing else on every version of Python (no Unicode folding, no keywords that come and go, no
warnings), a mistake is met where it is made and can be named, and nothing recurses, so that neither
a deep formula nor a deep caller can overflow a stack.
"""

from __future__ import annotations

import math
import re
import unicodedata
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Final, NamedTuple

from metrictree.diagnostics import Diagnostic, Span, shown
from metrictree.errors import DefinitionError, UsageError
from metrictree.formula.functions import AGGREGATES, FUNCTIONS
from metrictree.formula.nodes import Formula, Node
from metrictree.formula.operators import PRECEDENCE
from metrictree.limits import DEFAULT_LIMITS, Limits
from metrictree.names import RESERVED

__all__ = ["Fault", "Mode", "parse", "read", "span_in"]


class Mode(StrEnum):
    """What a text is: its rules differ a little."""

    FORMULA = "formula"
    """A number made of metrics."""
    WHERE = "where"
    """A condition on a row of a source; text and ``in`` are allowed, names are columns."""
    AGGREGATE = "aggregate"
    """One aggregate call around an expression over the columns of a row."""


_WHAT: Final = {Mode.FORMULA: "formula", Mode.WHERE: "condition", Mode.AGGREGATE: "aggregate"}


_ARTICLE: Final = {Mode.FORMULA: "a", Mode.WHERE: "a", Mode.AGGREGATE: "an"}
_NAMES: Final = {
    Mode.FORMULA: "metric ids are a-z, 0-9 and _",
    Mode.WHERE: "columns are named by A-Z, a-z, 0-9 and _ here; rename others in the export",
    Mode.AGGREGATE: "columns are named by A-Z, a-z, 0-9 and _ here; rename others in the export",
}


class Fault(NamedTuple):
    """A mistake in a formula, by offsets in its text."""

    code: str
    message: str
    fix: str
    start: int
    end: int


class _Stop(Exception):  # noqa: N818 - not an error: ends the reading of one formula
    """The text cannot be read any further."""


def parse(
    text: str,
    mode: Mode | str = Mode.FORMULA,
    *,
    limits: Limits = DEFAULT_LIMITS,
    name: str = "<formula>",
) -> Formula:
    """Return the formula that ``text`` spells; errors call it by its ``name``.

    Raises:
        DefinitionError: all mistakes in the text, with columns in the text itself.

    >>> str(parse("a*(b+ c)"))
    'a * (b + c)'
    >>> parse("a +* b")
    Traceback (most recent call last):
    metrictree.errors.DefinitionError: <formula>:1:4: FML105 a value is missing before '*': ...
    """
    if not isinstance(text, str):
        found = f"a formula is text, not {shown(type(text).__name__)}"  # type: ignore[unreachable]
        raise UsageError([Diagnostic("VAL110", found, fix="write it in quotes")])
    formula, faults = read(text, Mode(mode), limits=limits)
    if formula is None:
        raise DefinitionError(
            Diagnostic(
                fault.code,
                fault.message,
                span_in(text, fault.start, fault.end, name),
                fix=fault.fix,
            )
            for fault in faults
        )
    return formula


def span_in(text: str, start: int, end: int, name: str) -> Span:
    """Return the place of some characters of a text that stands in no file, but has a name."""
    line = text.count("\n", 0, start) + 1
    begin = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", start)
    shown_line = text[begin : stop if stop >= 0 else len(text)][:2_000]
    column = start - begin + 1
    return Span(name, line, column, line, column + max(end - start, 1), shown_line)


_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
      ([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)          # 1 name
    | ((?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)          # 2 number
    | (\*\*|==|!=|<=|>=|[-+*/%<>(),])                                 # 3 operator
    | ('[^'\r\n]*'|"[^"\r\n]*")                                       # 4 text
    | (.)                                                             # 5 anything else
    )""",
    re.VERBOSE | re.DOTALL,
)
_WORD_PART = re.compile(r"[A-Za-z0-9_.]")
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9.])")
_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
_DIGITS = frozenset("0123456789.")

# What stands on the stack: (precedence, kind, payload, start). A barrier has precedence -1, so that
# nothing is finished across it: "(", "call" (payload: name and number of operands below) and "if"
# (between ``if`` and its ``else``).
_BARRIER = -1
_FAULTS = 20
"""Mistakes of one formula that are told."""


def read(
    text: str, mode: Mode = Mode.FORMULA, *, limits: Limits = DEFAULT_LIMITS
) -> tuple[Formula | None, list[Fault]]:
    """Return the formula, or ``None`` and what is wrong with the text."""
    if len(text) > limits.formula_length:
        message = (
            f"the {_WHAT[mode]} has {len(text):,} characters, more than {limits.formula_length:,}"
        )
        return None, [Fault("FML112", message, "split it into several metrics", 0, 1)]
    reader = _Reader(text, mode, limits)
    try:
        nodes = reader.read()
    except _Stop:
        return None, reader.faults
    if reader.faults:
        return None, reader.faults
    return Formula(tuple(nodes), text), []


class _Reader:
    """Reads one text; ``faults`` holds what was wrong."""

    def __init__(self, text: str, mode: Mode, limits: Limits) -> None:
        self.text = text
        self.mode = mode
        self.what = _WHAT[mode]
        self.depth_limit = limits.formula_depth
        self.faults: list[Fault] = []
        self.nodes: list[Node] = []
        self.sorts: list[str] = []  # of each node: number, condition, text, or any (a column)
        self.operands: list[int] = []
        self.stack: list[tuple[int, str, Any, int]] = []

    def fault(self, code: str, message: str, fix: str, start: int, end: int) -> None:
        """Note a mistake and go on, unless there are many."""
        self.faults.append(Fault(code, message, fix, start, end))
        if len(self.faults) >= _FAULTS:
            raise _Stop

    def stop(self, code: str, message: str, fix: str, start: int, end: int) -> _Stop:
        """Note a mistake after which nothing more can be read."""
        self.faults.append(Fault(code, message, fix, start, end))
        return _Stop()

    # --- the two states: a value is expected, or an operator is

    def read(self) -> list[Node]:  # noqa: C901 - one loop, kept whole for speed
        text, nodes, operands, stack = self.text, self.nodes, self.operands, self.stack
        sorts, match = self.sorts, _TOKEN.match
        column_sort = "number" if self.mode is Mode.FORMULA else "any"
        end = len(text.rstrip(" \t\r\n"))
        if not end:
            raise self.stop("FML101", f"the {self.what} is empty", "write one", 0, 1)
        at = 0
        expect_value = True
        named = -1  # the index of a name that was read just now: a bracket makes it a call
        while at < end:
            token = match(text, at)
            assert token is not None  # the last alternative matches every character
            kind = token.lastindex
            start = token.start(kind)  # type: ignore[arg-type]
            at = token.end()
            word = text[start:at]
            if expect_value:
                if kind == 1:
                    if word in RESERVED:
                        if word == "not":
                            self._push(PRECEDENCE["not"], "not", None, start)
                            continue
                        if word != "null":
                            raise self._reserved(word, start, at)
                        nodes.append(Node("null", (), None, start, at))
                        sorts.append("any")
                        named = -1
                    else:
                        named = len(nodes)
                        nodes.append(Node("ref", (), word, start, at))
                        sorts.append(column_sort)
                    operands.append(len(nodes) - 1)
                    expect_value = False
                elif kind == 2:
                    nodes.append(Node("number", (), self._number(word, start, at), start, at))
                    sorts.append("number")
                    operands.append(len(nodes) - 1)
                    named = -1
                    expect_value = False
                elif word == "-":
                    self._push(PRECEDENCE["neg"], "neg", None, start)
                elif word == "(":
                    self._push(_BARRIER, "(", None, start)
                elif word == ")" and stack and stack[-1][1] == "call" and self._no_argument():
                    self._close(start, at)
                    expect_value = False
                elif kind == 4:
                    if self.mode is Mode.FORMULA:
                        self.fault(
                            "FML107",
                            f"text {shown(word)} may not stand in a formula",
                            "a metric's id is written without quotes; text belongs into `where`",
                            start,
                            at,
                        )
                    nodes.append(Node("text", (), word[1:-1], start, at))
                    sorts.append("text")
                    operands.append(len(nodes) - 1)
                    named = -1
                    expect_value = False
                else:
                    raise self._no_value(word, start, at)
                continue
            # an operator is expected
            if kind == 3:
                if word in PRECEDENCE:
                    level = PRECEDENCE[word]
                    if word == "%":
                        self._percent(start, at, end)
                    if word == "**":
                        self._push(level, word, None, start)
                    else:
                        if stack and stack[-1][0] >= level:
                            self._reduce(level)
                        self._push(level, word, None, start)
                    expect_value = True
                elif word in _COMPARISONS:
                    self._reduce(6)
                    if stack and stack[-1][0] == 5:
                        stack[-1][2].append(word)
                    else:
                        self._push(5, "compare", [word], start)
                    expect_value = True
                elif word == ")":
                    self._close(start, at)
                    named = -1
                elif word == "(":
                    if named < 0:
                        raise self.stop(
                            "FML105",
                            "an operator is missing before '('",
                            "write `*` for a product",
                            start,
                            at,
                        )
                    self._call()
                    expect_value = True
                elif word == ",":
                    self._comma(start, at)
                    expect_value = True
                else:  # pragma: no cover - the token pattern knows no other operator
                    raise AssertionError(word)
            elif kind == 1 and word in ("and", "or"):
                self._reduce(PRECEDENCE[word])
                self._push(PRECEDENCE[word], word, None, start)
                expect_value = True
            elif word == "if" and kind == 1:
                self._reduce(2)
                if any(entry[1] == "if" for entry in self._since_bracket()):
                    raise self.stop(
                        "FML105",
                        "a choice stands inside the condition of another",
                        "put the inner `... if ... else ...` in brackets",
                        start,
                        at,
                    )
                self._push(_BARRIER, "if", None, start)
                expect_value = True
            elif word == "else" and kind == 1:
                self._reduce(0)
                if not stack or stack[-1][1] != "if":
                    raise self.stop(
                        "FML105",
                        "`else` stands without its `if`",
                        "a choice is written `a if condition else b`",
                        start,
                        at,
                    )
                began = stack.pop()[3]
                self._push(PRECEDENCE["if"], "else", None, began)
                expect_value = True
            elif kind == 1 and word in ("in", "not"):
                at = self._member(word, start, at)
                named = -1
            else:
                raise self._no_operator(word, kind, start, at)
        if expect_value:
            raise self.stop(
                "FML105",
                f"the {self.what} ends where a value is expected",
                "complete it",
                end - 1,
                end,
            )
        self._reduce(0)
        if stack:
            _, kind_left, _, start = stack[-1]
            if kind_left == "if":
                raise self.stop(
                    "FML105",
                    "`if` stands without its `else`",
                    "a choice is written `a if condition else b`",
                    start,
                    start + 2,
                )
            raise self.stop("FML106", "this bracket is never closed", "add `)`", start, start + 1)
        self._check_result()
        return nodes

    def _push(self, level: int, kind: str, payload: Any, start: int) -> None:
        stack = self.stack
        stack.append((level, kind, payload, start))
        if len(stack) > self.depth_limit:
            raise self.stop(
                "FML112",
                f"the {self.what} is nested deeper than {self.depth_limit:,} levels",
                "split it into several metrics",
                start,
                start + 1,
            )

    def _since_bracket(self) -> list[tuple[int, str, Any, int]]:
        found = []
        for entry in reversed(self.stack):
            if entry[1] in ("(", "call"):
                break
            found.append(entry)
        return found

    # --- finishing operators

    def _reduce(self, level: int) -> None:
        """Finish every waiting operator that binds at least as tightly as ``level``."""
        stack, operands, nodes, sorts = self.stack, self.operands, self.nodes, self.sorts
        while stack and stack[-1][0] >= level:
            _, op, payload, start = stack.pop()
            right = operands.pop()
            sort = "number"
            if op in ("neg", "not"):
                wanted = "condition" if op == "not" else "number"
                sort = wanted
                self._want(wanted, right)
                nodes.append(Node(op, (right,), None, start, nodes[right].end))
            elif op == "compare":
                args = [right]
                args.extend(operands.pop() for _ in payload)
                args.reverse()
                sort = "condition"
                self._comparable(args)
                first, last = nodes[args[0]].start, nodes[right].end
                nodes.append(Node(op, tuple(args), tuple(payload), first, last))
            elif op == "else":
                condition, value = operands.pop(), operands.pop()
                self._want("number", value)
                self._want("condition", condition)
                self._want("number", right)
                first, last = nodes[value].start, nodes[right].end
                nodes.append(Node("if", (condition, value, right), None, first, last))
            else:
                left = operands.pop()
                if op in ("and", "or"):
                    sort = "condition"
                if sorts[left] != sort:
                    self._want(sort, left)
                if sorts[right] != sort:
                    self._want(sort, right)
                nodes.append(Node(op, (left, right), None, nodes[left].start, nodes[right].end))
            operands.append(len(nodes) - 1)
            sorts.append(sort)

    def _want(self, sort: str, index: int) -> None:
        """Note a fault if a node is not of the sort that its place needs."""
        found = self.sorts[index]
        if found in (sort, "any"):
            return
        node = self.nodes[index]
        if found == "text":
            if self.mode is not Mode.FORMULA:  # where told already
                self.fault(
                    "FML110",
                    "text stands where a number or condition is needed",
                    "compare it: `column == 'text'`",
                    node.start,
                    node.end,
                )
        elif sort == "number":
            self.fault(
                "FML110",
                "a condition is not a number",
                "write `1 if condition else 0`",
                node.start,
                node.end,
            )
        else:
            self.fault(
                "FML110",
                "a number is not a condition",
                "compare it, for example `x > 0`",
                node.start,
                node.end,
            )

    def _comparable(self, args: list[int]) -> None:
        nodes, sorts = self.nodes, self.sorts
        for index in args:
            if nodes[index].op == "null":
                self.fault(
                    "FML116",
                    "a comparison with null is always missing",
                    "write `is_missing(x)` or `not is_missing(x)`",
                    nodes[index].start,
                    nodes[index].end,
                )
            elif sorts[index] == "condition":
                self._want("number", index)
        known = {sorts[index] for index in args} - {"any", "condition"}
        if len(known) > 1 and self.mode is not Mode.FORMULA:
            self.fault(
                "FML110",
                "text is compared with a number",
                "put both in quotes, or none",
                nodes[args[0]].start,
                nodes[args[-1]].end,
            )

    def _check_result(self) -> None:
        last = len(self.nodes) - 1
        if self.mode is Mode.FORMULA:
            self._want("number", last)
        elif self.mode is Mode.WHERE:
            self._want("condition", last)
        else:
            node = self.nodes[last]
            if node.op != "call" and not self.faults:
                self.fault(
                    "FML117",
                    "an aggregate is expected",
                    f"write one of {', '.join(f'{name}(...)' for name in AGGREGATES)}",
                    0,
                    len(self.text),
                )

    # --- brackets and calls

    def _no_argument(self) -> bool:
        return bool(self.stack[-1][2][1] == len(self.operands))

    def _call(self) -> None:
        """Turn the name that was just read into a call."""
        index = self.operands.pop()
        node = self.nodes.pop()
        self.sorts.pop()
        assert index == len(self.nodes)
        self._push(_BARRIER, "call", (node.value, len(self.operands)), node.start)

    def _comma(self, start: int, at: int) -> None:
        self._reduce(0)
        if not self.stack or self.stack[-1][1] != "call":
            before, after = self.text[start - 1 : start], self.text[at : at + 1]
            if before.isdigit() and after.isdigit():
                raise self.stop(
                    "FML103",
                    "a comma ',' may not stand in a number",
                    "write 1000 for 1,000 and 1.5 for 1,5",
                    start,
                    at,
                )
            raise self.stop(
                "FML105",
                "a comma ',' stands outside of a function call",
                "a formula gives one number",
                start,
                at,
            )

    def _close(self, start: int, at: int) -> None:
        self._reduce(0)
        stack, nodes = self.stack, self.nodes
        if not stack:
            raise self.stop("FML106", "this bracket was never opened", "remove it", start, at)
        _, kind, payload, began = stack.pop()
        if kind == "if":
            raise self.stop(
                "FML105",
                "`if` stands without its `else`",
                "a choice is written `a if condition else b`",
                began,
                began + 2,
            )
        if kind == "(":
            index = self.operands[-1]
            nodes[index] = nodes[index]._replace(start=began, end=at)
            return
        name, below = payload
        args = tuple(self.operands[below:])
        del self.operands[below:]
        outermost = self.mode is Mode.AGGREGATE and not stack and not below
        sort = self._check_call(name, args, began, at, aggregate=outermost)
        nodes.append(Node("call", args, name, began, at))
        self.sorts.append(sort)
        self.operands.append(len(nodes) - 1)

    def _check_call(
        self, name: str, args: tuple[int, ...], start: int, end: int, *, aggregate: bool
    ) -> str:
        """Note what is wrong with a call; return the sort of its result."""
        table: Any = AGGREGATES if aggregate else FUNCTIONS
        known = table.get(name)
        if known is None:
            elsewhere = _ELSEWHERE.get(name.lower())
            near = (
                [elsewhere]
                if elsewhere in table
                else get_close_matches(name.lower()[:64], table, 1)
            )
            what = "aggregate" if aggregate else "function"
            advice = (
                f"did you mean {near[0]}(...)?"
                if near
                else f"the {what}s are " + (", ".join(table))
            )
            if not aggregate and name in AGGREGATES:
                advice = "an aggregate stands outermost in `measure: {aggregate: ...}`"
            self.fault(
                "FML108", f"there is no {what} '{shown(name)}'", advice, start, start + len(name)
            )
            return "any"
        too_few = len(args) < known.at_least
        if too_few or (known.at_most is not None and len(args) > known.at_most):
            bound = known.at_least if too_few or known.at_most is None else known.at_most
            self.fault(
                "FML109",
                f"{name}() takes {'at least' if too_few else 'at most'} {bound} "
                f"argument{'' if bound == 1 else 's'}, not {len(args)}",
                "a metric is one number; the rows of a source are added up by a `measure`"
                if self.mode is Mode.FORMULA and len(args) == 1 and name in AGGREGATES
                else f"write {name}({known.parameters})",
                start,
                end,
            )
            return "any"
        if aggregate:
            self._check_aggregate(name, args)
            return "number"
        for position, index in enumerate(args):
            if name in ("is_missing", "coalesce") and self.mode is not Mode.FORMULA:
                continue
            self._want("number", index)
            if position == known.counts:
                self._check_count(name, index)
        if name in ("is_missing", "coalesce") and self.mode is not Mode.FORMULA:
            return "condition" if known.condition else "any"
        if known.over_time and self.mode is not Mode.FORMULA:
            self.fault(
                "FML108",
                f"{name}() works on periods, not on the rows of a source",
                "use it in the formula of a metric",
                start,
                end,
            )
        return "condition" if known.condition else "number"

    def _check_aggregate(self, name: str, args: tuple[int, ...]) -> None:
        nodes = self.nodes
        if name in ("count", "count_distinct"):
            if args and nodes[args[0]].op != "ref":
                node = nodes[args[0]]
                self.fault(
                    "FML117",
                    f"{name}() takes the name of a column",
                    "use `where` to count some of the rows",
                    node.start,
                    node.end,
                )
            return
        self._want("number", args[0])
        if name == "quantile":
            node = nodes[args[1]]
            if node.op != "number" or not 0 <= node.value <= 1:
                self.fault(
                    "FML111",
                    "the second argument of quantile() is a number from 0 to 1",
                    "for the 95th percentile write quantile(x, 0.95)",
                    node.start,
                    node.end,
                )

    def _check_count(self, name: str, index: int) -> None:
        node = self.nodes[index]
        if node.op != "number" or not node.value.is_integer() or not 1 <= node.value <= 100_000:
            self.fault(
                "FML111",
                f"the number of periods of {name}() is a whole number of at least 1, written out",
                f"for example {name}(x, 4)",
                node.start,
                node.end,
            )

    def _member(self, word: str, start: int, at: int) -> int:
        """Read the list behind ``in`` or ``not in``; return where it ends."""
        text = self.text
        op = "in"
        if word == "not":
            token = _TOKEN.match(text, at)
            if token is None or token.group(1) != "in":
                raise self.stop(
                    "FML105",
                    "an operator is missing before `not`",
                    "join conditions with `and` or `or`",
                    start,
                    at,
                )
            op, at = "not in", token.end()
        if self.mode is not Mode.WHERE:
            raise self.stop(
                "FML104", "`in` may stand in `where` only", "compare with ==", start, at
            )
        self._reduce(PRECEDENCE["in"] + 1)
        items: list[Any] = []
        token = _TOKEN.match(text, at)
        if token is None or token.group(3) != "(":
            raise self.stop("FML105", "`in` needs a list", "write x in ('a', 'b')", start, at)
        while True:
            at = token.end()
            token = _TOKEN.match(text, at)
            sign = 1.0
            if token is not None and token.group(3) == "-":
                sign = -1.0
                token = _TOKEN.match(text, token.end())
            if token is None or token.lastindex not in (2, 4):
                raise self.stop(
                    "FML105",
                    "the list of `in` holds texts and numbers only",
                    "write x in ('a', 'b')",
                    start,
                    at,
                )
            item = token.group(token.lastindex)
            begin = token.start(token.lastindex)
            if token.lastindex == 4:
                items.append(item[1:-1])
            else:
                items.append(sign * self._number(item, begin, token.end()))
            token = _TOKEN.match(text, token.end())
            if token is None or token.group(3) not in (",", ")"):
                raise self.stop("FML106", "the list of `in` is never closed", "add `)`", start, at)
            if token.group(3) == ")":
                break
        index = self.operands.pop()
        end = token.end()
        if len({type(item) for item in items}) > 1:
            self.fault(
                "FML110", "the list of `in` mixes texts and numbers", "use one kind", start, end
            )
        self.nodes.append(Node(op, (index,), tuple(items), self.nodes[index].start, end))
        self.sorts.append("condition")
        self.operands.append(len(self.nodes) - 1)
        return end

    # --- numbers

    def _number(self, word: str, start: int, end: int) -> float:
        text = self.text
        if (after := text[end : end + 1]) and _WORD_PART.match(after):
            raise self._bad_number(start)
        if word[0] == "0" and word[1:2].isdigit():
            raise self.stop(
                "FML103",
                f"the number {shown(word)} starts with 0",
                "write it without the zero; a thousands separator is not written either",
                start,
                end,
            )
        if after == "," and (found := _THOUSANDS.match(text, start)) and found.end() > end:
            raise self.stop(
                "FML103",
                f"{shown(found.group())} reads like a thousands separator ','",
                f"write {found.group().replace(',', '')[:40]}, or a blank after the comma between "
                "arguments",
                start,
                found.end(),
            )
        if len(word) > 1_000:
            raise self.stop("FML103", "a number has over 1,000 characters", "round it", start, end)
        number = float(word)
        if self.mode is not Mode.FORMULA and word.isdigit() and int(word) != number:
            raise self.stop(
                "FML103",
                f"the number {shown(word)} loses its last digits as a float64",
                "compare text, or count in a larger unit",
                start,
                end,
            )
        if math.isinf(number):
            raise self.stop(
                "FML103",
                f"the number {shown(word)} is not finite: it is past float64",
                "write a number below 1.8e308",
                start,
                end,
            )
        if number == 0.0 and any(digit in "123456789" for digit in word.lower().partition("e")[0]):
            raise self.stop(
                "FML103",
                f"the number {shown(word)} is too small for float64",
                "write 0, or a number above 5e-324",
                start,
                end,
            )
        return number

    def _bad_number(self, start: int) -> _Stop:
        found = re.compile(r"[A-Za-z0-9_.]*").match(self.text, start)
        assert found is not None
        word = found.group()
        if "_" in word and word.replace("_", "").replace(".", "").isdigit():
            why, advice = "underscores may not stand in numbers", f"write {word.replace('_', '')}"
        elif re.match(r"0[xXoObB]", word):
            why, advice = "hexadecimal, octal and binary numbers are refused", "write it in digits"
        elif re.match(r"[0-9.]+(?:if|else|and|or|in|not)", word):
            why, advice = "a blank is missing behind a number", "put a blank before the word"
        elif re.match(r"[0-9.]+[A-Za-z]", word):
            why, advice = (
                "letters may not stand behind a number",
                "write 1e6 for 1M, * for a product",
            )
        else:
            why, advice = "this is no number", "write for example 1.5 or 1e6"
        return self.stop("FML103", f"{shown(word)}: {why}", shown(advice, 80), start, found.end())

    def _percent(self, start: int, at: int, end: int) -> None:
        """Refuse ``5%`` and ``5% - x``, where a percent sign is meant and not the operator."""
        if self.nodes[self.operands[-1]].op != "number":
            return
        rest = self.text[at:end].lstrip()
        if not rest or rest[0] in "-+*/%),<>=!" or re.match(r"(?:if|else|and|or)\b", rest):
            raise self.stop(
                "FML114",
                "a percent sign % may not follow a number",
                "write 0.05 for 5%; `%` between two values is the remainder",
                start,
                at,
            )

    # --- what cannot stand here

    def _reserved(self, word: str, start: int, end: int) -> _Stop:
        if word in ("true", "false"):
            return self.stop(
                "FML115",
                f"{word} is not a number",
                "write `column` or `not column` for a column of truth values"
                if self.mode is not Mode.FORMULA
                else "write 1 or 0, or a comparison as the condition of `if`",
                start,
                end,
            )
        return self.stop(
            "FML105",
            f"a value is missing before '{word}'",
            f"'{word}' is a reserved word and no metric can have this id",
            start,
            end,
        )

    def _no_value(self, word: str, start: int, end: int) -> _Stop:
        """Name a token that stands where a value is expected."""
        if word == "*" and self.stack and self.stack[-1][1] == "call":
            return self.stop(
                "FML105",
                "the sign '*' stands for nothing here",
                "write count() to count rows",
                start,
                end,
            )
        if word == "/" and self.text[start - 1 : start] == "/":
            return self.stop(
                "FML104",
                "'//' is not an operator of the language",
                "write floor(a / b)",
                start - 1,
                end,
            )
        if word == "+":
            return self.stop(
                "FML105", "a value is missing before '+'", "a plus sign is not written", start, end
            )
        if word in PRECEDENCE or word in _COMPARISONS or word in (",", ")"):
            return self.stop(
                "FML105",
                f"a value is missing before '{word}'",
                "put a metric, a number or a bracket there"
                if self.mode is Mode.FORMULA
                else "put a column, a value or a bracket there",
                start,
                end,
            )
        return self._odd_character(word, start, end)

    def _no_operator(self, word: str, kind: int | None, start: int, end: int) -> _Stop:
        """Name a token that stands where an operator is expected."""
        if kind == 5:
            return self._odd_character(word, start, end)
        if kind == 2 and word.startswith("."):
            return self._odd_character(".", start, start + 1)
        previous = self.nodes[self.operands[-1]]
        of_metrics = self.mode is Mode.FORMULA
        advice = "write `*` for a product; a metric's id has underscores, not blanks"
        if not of_metrics:
            advice = "write `*` for a product; a column's name with blanks cannot be used"
        if kind == 4 and previous.end == start and previous.op == "ref":
            advice = "prefixed texts do not exist"
        elif previous.op == "ref" and previous.value.lower() == "distinct":
            advice = f"write count_distinct({shown(word, 40)})"
        elif word.lower() in ("between", "like"):
            advice = f"'{word}' is not a word of the language; write x >= a and x <= b, or x == 'a'"
        elif word.lower() == "is":
            advice = "write `is_missing(x)` or `not is_missing(x)`"
        elif word.lower() in ("for", "as", "when", "then", "end", "from", "where", "over"):
            advice = f"'{word}' is not a word of the language"
        return self.stop(
            "FML105",
            f"an operator is missing before '{shown(word, 40)}'",
            advice,
            start,
            end,
        )

    def _odd_character(self, word: str, start: int, end: int) -> _Stop:
        """Name a character that the language does not have, and what to write instead."""
        text = self.text
        for spelling, advice in _FOREIGN_OPERATORS.items():
            if text.startswith(spelling, start):
                if spelling == "=" and not text[:start].strip():
                    advice = "leave it out: the text is the formula"  # noqa: PLW2901
                return self.stop(
                    "FML104",
                    f"'{spelling}' is not an operator of the language",
                    advice,
                    start,
                    start + len(spelling),
                )
        if word in _CONSTRUCTS:
            message, advice = _CONSTRUCTS[word]
            return self.stop("FML113", message, advice, start, end)
        name = unicodedata.name(word, "").lower()
        lookalike = _LOOKALIKES.get(word)
        if lookalike is None and word.isspace():
            lookalike = "an ordinary blank"
        called = f"U+{ord(word):04X}" + (f" {name}" if name else "")
        if word.isascii() and word.isprintable():
            called = f"'{word}'"
        return self.stop(
            "FML102",
            f"the character {called} may not stand in {_ARTICLE[self.mode]} {self.what}",
            f"write {lookalike}" if lookalike else _NAMES[self.mode],
            start,
            end,
        )


_ELSEWHERE: Final = {
    "average": "mean",
    "avg": "mean",
    "ceiling": "ceil",
    "countd": "count_distinct",
    "greatest": "max",
    "ifnull": "coalesce",
    "isna": "is_missing",
    "isnull": "is_missing",
    "least": "min",
    "ln": "log",
    "nunique": "count_distinct",
    "nvl": "coalesce",
    "percentile": "quantile",
    "power": "pow",
    "safe_divide": "safe_div",
    "stddev": "std",
}
"""Names that SQL, spreadsheets and dataframes have for our functions."""
_FOREIGN_OPERATORS: Final = {
    "^": "write ** for a power",
    "=>": "write >=",
    "=": "write == to compare; a formula has no assignment",
    "&&": "write and",
    "||": "write or",
    "&": "write and",
    "|": "write or",
    "!": "write not",
    "??": "write coalesce(a, b)",
    "?": "write `a if condition else b`",
    "~": "write not",
}
_CONSTRUCTS: Final = {
    "[": ("lists and subscripts do not exist", "ids are written without brackets"),
    "]": ("lists and subscripts do not exist", "remove the bracket"),
    "{": ("curly brackets do not exist", "ids are written plainly, templates are not filled in"),
    "}": ("curly brackets do not exist", "remove the bracket"),
    "#": ("a comment may not stand in a formula", "use `description`, or a YAML comment before it"),
    ".": (
        "attributes do not exist",
        "a number starts with a digit, an id holds dots without blanks",
    ),
    ";": ("a semicolon ends nothing here", "a formula is one expression; arguments take commas"),
    ":": ("a colon does not exist", "a choice is written `a if condition else b`"),
    "@": ("the sign @ does not exist", "ids are written plainly"),
    "`": ("back-quotes do not exist", "ids are written plainly"),
    "$": ("a currency sign $ may not stand in a formula", "say it in `unit`"),
    "'": ("this quote is never closed", "ids are written without quotes"),
    '"': ("this quote is never closed", "ids are written without quotes"),
    "\\": ("a backslash does not exist", "a formula may go over several lines as it is"),
}
_LOOKALIKES: Final = {
    "\u00d7": "* for a product",
    "\u22c5": "* for a product",
    "\u00b7": "* for a product",
    "\u2217": "* for a product",
    "\uff0a": "* for a product",
    "\u00f7": "/ for a quotient",
    "\u2215": "/ for a quotient",
    "\u2044": "/ for a quotient",
    "\u2212": "- for minus",
    "\u2013": "- for minus",
    "\u2014": "- for minus",
    "\ufe63": "- for minus",
    "\uff0d": "- for minus",
    "\uff0b": "+ for plus",
    "\u2264": "<=",
    "\u2265": ">=",
    "\u2260": "!=",
    "\u2211": "sum(a, b)",
    "\u221a": "sqrt(x)",
    "\uff08": "(",
    "\uff09": ")",
    "\uff0c": ",",
    "\u00b2": "** 2",
    "\u00b3": "** 3",
    "\u201c": "plain ids, without quotes",
    "\u201d": "plain ids, without quotes",
    "\u2018": "plain ids, without quotes",
    "\u2019": "plain ids, without quotes",
    "\u20ac": "a plain number, and the currency in `unit`",
    "\u00a3": "a plain number, and the currency in `unit`",
}
