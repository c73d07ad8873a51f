"""A formula as a flat row of tokens in postfix order, so that a part is a slice and can be swapped.

What walks it is one loop; nothing recurses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from metrictree.formula import Formula, Mode, Node, parse, to_text
from metrictree.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "Code",
    "Parts",
    "Token",
    "call",
    "code_of",
    "formula_of",
    "number",
    "numeric",
    "ref",
    "text_of",
    "without_text",
]


_LIMITS: Final = Limits(formula_length=10**9, formula_depth=10**4)
"""What is changed was inside of the limits, and grows by little."""


class Token(NamedTuple):
    """One operation: how many values it takes from those before it, and what it is."""

    op: str
    takes: int
    value: Any


Code = tuple[Token, ...]
"""An expression: its last token is the result."""


def number(value: float) -> Code:
    """Return the code of a number, which may be negative."""
    if value < 0:
        return Token("number", 0, -value), Token("neg", 1, None)
    return (Token("number", 0, value + 0.0),)


def ref(name: str) -> Code:
    """Return the code of a reference."""
    return (Token("ref", 0, name),)


def call(function: str, *args: Code) -> Code:
    """Return the code of a call."""
    return (*sum(args, ()), Token("call", len(args), function))


def code_of(formula: Formula) -> Code:
    """Return the tokens of a formula.

    >>> [token.op for token in code_of(parse("a / (b + 1)"))]
    ['ref', 'ref', 'number', '+', '/']
    """
    return Parts(formula).code


def without_text(code: Code) -> Formula:
    """Return an expression as a formula to compute with, which stands in no text."""
    waiting: list[int] = []
    nodes = []
    for at, (op, count, value) in enumerate(code):
        args = tuple(waiting[len(waiting) - count :])
        del waiting[len(waiting) - count :]
        waiting.append(at)
        nodes.append(Node(op, args, value, 0, 0))
    return Formula(tuple(nodes), "")


def text_of(code: Code) -> str:
    """Return an expression in the usual layout.

    >>> text_of((*ref("a"), *ref("b"), Token("/", 2, None)))
    'a / b'
    """
    return to_text(without_text(code))


def formula_of(code: Code, mode: Mode = Mode.FORMULA) -> Formula:
    """Return the formula that an expression is, as if it had been written so."""
    return parse(text_of(code), mode, limits=_LIMITS)


def numeric(formula: Formula) -> Iterator[str]:
    """Yield what a formula computes with, which is a number; some names more than once.

    >>> list(numeric(parse("sum(price if country == 'DE' else 0)", Mode.AGGREGATE)))
    ['price']
    """
    nodes = formula.nodes
    for node in nodes:
        if node.op in ("ref", "compare", "and", "or", "not", "in", "not in"):
            continue
        if node.op == "call" and node.value in ("count", "count_distinct", "is_missing"):
            continue
        for arg in node.args:
            if nodes[arg].op == "ref":
                yield nodes[arg].value


class Parts:
    """The code of a formula, with the slice that each of its nodes is."""

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        nodes = formula.nodes
        order: list[int] = []
        waiting = [len(nodes) - 1]
        while waiting:  # the result first, then its operands from the last to the first
            order.append(waiting.pop())
            waiting += nodes[order[-1]].args
        order.reverse()
        self.code: Code = tuple(
            Token(nodes[at].op, len(nodes[at].args), nodes[at].value) for at in order
        )
        self.ends = [0] * len(nodes)
        self.starts = [0] * len(nodes)
        for position, at in enumerate(order):
            args = nodes[at].args
            self.ends[at] = position + 1
            self.starts[at] = self.starts[args[0]] if args else position

    def of(self, at: int) -> Code:
        """Return the code of a node with all below it."""
        return self.code[self.starts[at] : self.ends[at]]

    def args(self, at: int) -> list[Code]:
        """Return the code of each operand of a node."""
        return [self.of(arg) for arg in self.formula.nodes[at].args]

    def with_other(self, at: int, other: Sequence[Token]) -> Code:
        """Return the whole code with ``other`` in place of a node and all below it."""
        return (*self.code[: self.starts[at]], *other, *self.code[self.ends[at] :])

    def text(self, at: int) -> str:
        """Return what the author wrote for a node, on one line."""
        node = self.formula.nodes[at]
        return " ".join(self.formula.text[node.start : node.end].split())
