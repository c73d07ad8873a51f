"""Formula -> text, with no bracket more than needed: ``parse(to_text(f)) == f``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from metrictree.formula.operators import PRECEDENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from metrictree.formula.nodes import Formula

__all__ = ["number_text", "to_text"]

_ATOM = 100


def to_text(formula: Formula) -> str:
    """Return the formula as text in the usual layout.

    >>> from metrictree.formula import parse
    >>> to_text(parse("a-(b -c)*2"))
    'a - (b - c) * 2'
    """
    pieces: list[list[str]] = []  # the text of each node; whoever uses a node takes its list over
    levels: list[int] = []  # how tightly it holds together

    def take(index: int, level: int) -> list[str]:
        return pieces[index] if levels[index] >= level else ["(", *pieces[index], ")"]

    for op, args, value, *_ in formula.nodes:
        level = PRECEDENCE.get(op, _ATOM)
        if op in _LEAVES:
            text = [_LEAVES[op](value)]
            if text[0][0] == "-":
                level = PRECEDENCE["neg"]
        elif op == "call":
            text = [f"{value}("]
            for position, index in enumerate(args):
                text += [", ", *pieces[index]] if position else pieces[index]
            text.append(")")
        elif op == "neg":
            text = ["-", *take(args[0], level)]
        elif op == "not":
            text = ["not ", *take(args[0], level)]
        elif op == "**":  # groups to the right, and a sign may follow it
            text = [*take(args[0], level + 1), " ** ", *take(args[1], PRECEDENCE["neg"])]
        elif op == "compare":
            text = take(args[0], level + 1)
            for operator, index in zip(value, args[1:], strict=True):
                text += [f" {operator} ", *take(index, level + 1)]
        elif op == "if":
            condition, then, otherwise = args
            text = take(then, level + 1)
            text += [" if ", *take(condition, level + 1), " else ", *take(otherwise, level)]
        elif op in ("in", "not in"):
            items = ", ".join(_quoted(v) if isinstance(v, str) else number_text(v) for v in value)
            text = take(args[0], level + 1)
            text.append(f" {op} ({items})")
        else:  # the binary operators that group to the left
            text = take(args[0], level)
            text += [f" {op} ", *take(args[1], level + 1)]
        pieces.append(text)
        levels.append(level)
    return "".join(pieces[-1])


def number_text(number: float) -> str:
    """Return a number as formulas write it.

    >>> number_text(1000.0), number_text(0.1), number_text(1e300)
    ('1000', '0.1', '1e+300')
    """
    if number.is_integer() and abs(number) < 1e16:
        return str(int(number))
    return repr(number)


def _quoted(text: str) -> str:
    return f'"{text}"' if "'" in text else f"'{text}'"


_LEAVES: Final[dict[str, Callable[[Any], str]]] = {
    "number": number_text,
    "ref": str,
    "text": _quoted,
    "null": lambda _: "null",
}
