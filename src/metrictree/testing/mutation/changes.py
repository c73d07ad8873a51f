"""Small changes of a formula, an aggregate or a `where`, as an author may get them wrong.

Each is there for a mistake that is made in earnest, and no more than one or two for each place: a
change that any test would notice by which another one is noticed says nothing of the tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from metrictree.formula import FUNCTIONS, Mode
from metrictree.formula.printer import number_text
from metrictree.testing.mutation.code import Code, Parts, Token, call, number, ref, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from metrictree.formula import Formula, Node

__all__ = ["Change", "changes"]


class Change(NamedTuple):
    """One change: what it does, in words and as code, and where, by offsets in the text."""

    kind: str
    words: str
    """In a few words: ``"`/` becomes `*`"``."""
    code: Code
    start: int
    end: int


_OPERATORS: Final = {
    "+": "-", "-": "+", "*": "/", "/": "*", "%": "/", "**": "*", "and": "or", "or": "and",
}  # fmt: skip
_FUNCTIONS: Final = {
    "min": ("max",), "max": ("min",), "floor": ("ceil",), "ceil": ("floor",),
    "sum": ("mean",), "mean": ("sum",),
    "rolling_sum": ("rolling_mean",), "rolling_mean": ("rolling_sum", "rolling_max"),
    "rolling_min": ("rolling_max",), "rolling_max": ("rolling_min", "rolling_mean"),
    "change": ("growth",), "growth": ("change",), "log": ("log10",), "log10": ("log",),
}  # fmt: skip
_AGGREGATES: Final = {
    "sum": ("mean",), "mean": ("sum", "median"), "median": ("mean",), "min": ("max",),
    "max": ("min",), "std": ("mean",), "quantile": ("median",), "count_distinct": ("count",),
    "count": ("count_distinct",),
}  # fmt: skip
_UNWRAPPED: Final = frozenset(
    {"abs", "sqrt", "exp", "log", "log10", "floor", "ceil", "round", "sign", "cumulative"}
    | {name for name, function in FUNCTIONS.items() if function.counts is not None}
)
"""Functions that are dropped around their first argument."""
_ORDERED: Final = frozenset({"-", "/", "%", "**"})
_SEVERAL: Final = frozenset({"min", "max", "sum", "mean"})
_EDGES: Final = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
"""A comparison that differs only where both sides are the same, or everywhere."""
_OPPOSITES: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_DECIDES: Final = frozenset({"min", "max", "clip", "compare"})
"""Where a number is a limit: it matters from which side it is met."""


def changes(
    formula: Formula,
    mode: Mode = Mode.FORMULA,
    siblings: Mapping[str, str] | None = None,
    counting: Code = (),
) -> Iterator[Change]:
    """Yield the changes of a formula, in the order of its parts; some may change nothing.

    ``siblings`` has another reference for each one that may be mistaken for it; ``counting`` is an
    aggregate that may be meant where all rows are counted.

    >>> from metrictree.formula import parse
    >>> [change.words for change in changes(parse("a / b"))]
    ['`/` becomes `*`', '`a / b` becomes `b / a`', '`/ b` is dropped']
    """
    return _Changes(formula, mode, siblings or {}, counting).all()


class _Changes:
    def __init__(
        self, formula: Formula, mode: Mode, siblings: Mapping[str, str], counting: Code
    ) -> None:
        self.formula = formula
        self.counting = counting
        self.parts = Parts(formula)
        self.mode = mode
        self.siblings = siblings
        self.users = {arg: at for at, node in enumerate(formula.nodes) for arg in node.args}

    def all(self) -> Iterator[Change]:
        for at, node in enumerate(self.formula.nodes):
            if self.mode is Mode.AGGREGATE and at == len(self.formula.nodes) - 1:
                yield from self._aggregate(at, node)
            elif node.op == "ref":
                yield from self._reference(at, node)
            elif node.op == "number":
                yield from self._number(at, node)
            elif node.op in _OPERATORS:
                yield from self._binary(at, node)
            elif node.op in ("neg", "not"):
                yield from self._sign(at, node)
            elif node.op == "compare":
                yield from self._comparison(at, node)
            elif node.op == "if":
                yield from self._branches(at, node)
            elif node.op in ("in", "not in"):
                yield from self._membership(at, node)
            elif node.op == "call":
                yield from self._call(at, node)

    # --- making

    def _made(
        self, kind: str, words: str, at: int, other: Sequence[Token], span: tuple[int, int]
    ) -> Change:
        return Change(kind, words, self.parts.with_other(at, other), *span)

    def _becomes(self, kind: str, at: int, other: Sequence[Token]) -> Change:
        """Return the change of a node as a whole."""
        node = self.formula.nodes[at]
        words = f"`{text_of(self.parts.of(at))}` becomes `{text_of(tuple(other))}`"
        return self._made(kind, words, at, other, (node.start, node.end))

    def _between(self, left: int, right: int, symbol: str) -> tuple[int, int]:
        """Return where an operator stands between two operands."""
        nodes = self.formula.nodes
        start = self.formula.text.index(symbol, nodes[left].end, nodes[right].start)
        return start, start + len(symbol)

    # --- leaves

    def _reference(self, at: int, node: Node) -> Iterator[Change]:
        sibling = self.siblings.get(node.value)
        if sibling is not None:
            yield self._becomes("reference", at, ref(sibling))

    def _number(self, at: int, node: Node) -> Iterator[Change]:
        user = self.users.get(at)
        limit = False
        if user is not None:
            above = self.formula.nodes[user]
            if above.op == "neg" and user in self.users:
                above = self.formula.nodes[self.users[user]]
            function = FUNCTIONS.get(above.value) if above.op == "call" else None
            if function is not None and function.counts is not None and above.args[-1] == at:
                return  # a number of periods, see `_call`
            if self.mode is Mode.AGGREGATE and user == len(self.formula.nodes) - 1:  # a quantile
                yield self._becomes("constant", at, number(float(f"{node.value * 0.9:.12g}")))
                return
            limit = (above.value if above.op == "call" else above.op) in _DECIDES
        for other in _nearby(node.value, both=limit):
            yield self._becomes("constant", at, number(other))

    # --- operators

    def _binary(self, at: int, node: Node) -> Iterator[Change]:
        left, right = self.parts.args(at)
        one, two = node.args
        span = self._between(one, two, node.op)
        other = _OPERATORS[node.op]
        words = f"`{node.op}` becomes `{other}`"
        yield self._made("operator", words, at, (*left, *right, Token(other, 2, None)), span)
        if node.op in _ORDERED:
            yield self._becomes("operands", at, (*right, *left, Token(node.op, 2, None)))
        nodes = self.formula.nodes
        literals = [nodes[arg].op == "number" for arg in node.args]
        # A number is changed on its own, and one that is left alone would tell nothing more.
        # `1 - share` is: a test with a share of one half does not tell it from the share.
        rest = node.op == "-" and literals == [True, False]
        if rest or (node.op not in _ORDERED and not any(literals)):
            words = f"`{self.parts.text(one)} {node.op}` is dropped"
            yield self._made("dropped", words, at, right, (nodes[one].start, span[1]))
        elif node.op == "-" and not any(literals):
            words = f"`{self.parts.text(one)}` is dropped"
            negative = (*right, Token("neg", 1, None))
            yield self._made("dropped", words, at, negative, (nodes[one].start, nodes[one].end))
        if not any(literals) if node.op in "*/" else not literals[1]:
            words = f"`{node.op} {self.parts.text(two)}` is dropped"
            yield self._made("dropped", words, at, left, (span[0], nodes[two].end))

    def _sign(self, at: int, node: Node) -> Iterator[Change]:
        user = self.users.get(at)
        if node.op == "not" and user is not None and self.formula.nodes[user].op == "if":
            return  # as the branches swapped
        symbol = "-" if node.op == "neg" else "not"
        start = self.formula.text.index(symbol, node.start, node.end)
        span = (start, start + len(symbol))
        (operand,) = self.parts.args(at)
        yield self._made("dropped", f"`{symbol}` is dropped", at, operand, span)

    # --- conditions

    def _comparison(self, at: int, node: Node) -> Iterator[Change]:
        operands = sum(self.parts.args(at), ())
        user = self.users.get(at)
        alone = user is not None and self.formula.nodes[user].op in ("if", "not")
        for position, symbol in enumerate(node.value):
            span = self._between(node.args[position], node.args[position + 1], symbol)
            others = [_EDGES[symbol]]
            if not alone and symbol in _OPPOSITES:  # as the branches swapped, otherwise
                others.append(_OPPOSITES[symbol])
            for other in others:
                symbols = (*node.value[:position], other, *node.value[position + 1 :])
                words = f"`{symbol}` becomes `{other}`"
                token = Token("compare", len(node.args), symbols)
                yield self._made("comparison", words, at, (*operands, token), span)

    def _branches(self, at: int, node: Node) -> Iterator[Change]:
        condition, then, otherwise = self.parts.args(at)
        _, first, second = (self.parts.text(arg) for arg in node.args)
        where = self.formula.nodes[node.args[0]]
        span = (where.start, where.end)
        words = f"`{first}` and `{second}` are swapped"
        swapped = (*condition, *otherwise, *then, Token("if", 3, None))
        yield self._made("branches", words, at, swapped, (node.start, node.end))
        for branch, text in ((then, first), (otherwise, second)):
            words = f"it is always `{text}`, whatever the condition"
            yield self._made("branches", words, at, branch, span)

    def _membership(self, at: int, node: Node) -> Iterator[Change]:
        (operand,) = self.parts.args(at)
        text = self.formula.text
        start = text.index(node.op[:3].strip(), self.formula.nodes[node.args[0]].end)
        listed = text.index("(", start)
        words = f"`{node.op}` becomes `{'not in' if node.op == 'in' else 'in'}`"
        token = Token("not in" if node.op == "in" else "in", 1, node.value)
        span = (start, len(text[:listed].rstrip()))
        yield self._made("condition", words, at, (*operand, token), span)
        for position, item in enumerate(node.value if len(node.value) > 1 else ()):
            rest = (*node.value[:position], *node.value[position + 1 :])
            told = f"'{item}'" if isinstance(item, str) else number_text(item)
            found = max(text.find(told, listed, node.end), text.find(f'"{item}"', listed, node.end))
            span = (found, found + len(told)) if found >= 0 else (listed, node.end)
            words = f"`{told}` is dropped from the list"
            token = Token(node.op, 1, rest)
            yield self._made("dropped", words, at, (*operand, token), span)

    # --- calls

    def _call(self, at: int, node: Node) -> Iterator[Change]:
        name, args = node.value, self.parts.args(at)
        start = self.formula.text.index(name, node.start, node.end)
        named = (start, start + len(name))
        for other in _FUNCTIONS.get(name, ()):
            words = f"`{name}` becomes `{other}`"
            yield self._made("function", words, at, call(other, *args), named)
        if name in _UNWRAPPED:
            words = f"`{name}` is dropped around `{self.parts.text(node.args[0])}`"
            yield self._made("dropped", words, at, args[0], named)
        function = FUNCTIONS[name]
        if function.counts is not None:
            periods = int(args[1][0].value) if len(args) > 1 else 1
            for count in (periods + 1, periods - 1):
                if count >= 1:
                    yield self._becomes("periods", at, call(name, args[0], number(float(count))))
        if name in _SEVERAL or name == "coalesce":
            for position in range(len(args)):
                rest = [*args[:position], *args[position + 1 :]]
                code = call(name, *rest) if len(rest) > 1 else rest[0]
                yield self._dropped(at, node, position, code)
        elif name == "clip":
            x, low, high = args
            yield self._dropped(at, node, 1, call("min", x, high))
            yield self._dropped(at, node, 2, call("max", x, low))
        elif name == "safe_div":
            a, b, otherwise = args
            yield self._becomes("operands", at, call(name, b, a, otherwise))
            yield self._dropped(at, node, 2, (*a, *b, Token("/", 2, None)))
        elif name == "pow":
            yield self._becomes("operands", at, call(name, args[1], args[0]))
        elif name == "is_missing":
            user = self.users.get(at)
            if user is None or self.formula.nodes[user].op not in ("if", "not"):
                yield self._becomes("condition", at, (*self.parts.of(at), Token("not", 1, None)))

    def _dropped(self, at: int, node: Node, position: int, code: Code) -> Change:
        """Return the change that leaves out an argument."""
        arg = self.formula.nodes[node.args[position]]
        what = self.parts.text(node.args[position])
        words = f"`{what}` is dropped from `{node.value}`"
        return self._made("dropped", words, at, code, (arg.start, arg.end))

    def _aggregate(self, at: int, node: Node) -> Iterator[Change]:
        name, args = node.value, self.parts.args(at)
        start = self.formula.text.index(name, node.start, node.end)
        span = (start, start + len(name))
        for other in _AGGREGATES[name] if args else ():
            words = f"`{name}` becomes `{other}`"
            yield self._made("aggregate", words, at, call(other, args[0]), span)
        if name in ("count", "sum") and args:  # rows instead of values
            yield self._becomes("aggregate", at, call("count"))
        elif not args and self.counting:
            yield self._becomes("aggregate", at, self.counting)


def _nearby(value: float, *, both: bool) -> list[float]:
    """Return a number or two that may be meant instead: a step away, which a test should notice.

    >>> _nearby(0.0, both=False), _nearby(1.0, both=False), _nearby(100.0, both=True)
    ([1.0], [2.0], [110.0, 90.0])
    """
    step = abs(value) / 10
    if value.is_integer():
        step = 1.0 if abs(value) <= 10 else float(round(step))
    found = [value + step, value - step] if both else [value + step]
    return [float(f"{one:.12g}") for one in found]
