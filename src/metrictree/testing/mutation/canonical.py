"""One text for all formulas that are the same by algebra, missing values and all.

Two formulas with the same text have the same value for all inputs; those with different texts may
be the same nevertheless. Sums of products are multiplied out, and what is added or multiplied has
no order. A value that cancels out is still needed, and a divisor still may not be zero: so with
each sum stands what has to be there, and what must not be zero, for it to have a value. Rounding
and overflow of float64 are left out of account.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from metrictree.formula import FUNCTIONS, Mode
from metrictree.formula.meaning import ARITHMETIC, apply
from metrictree.formula.printer import number_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from metrictree.testing.mutation.code import Code, Token

__all__ = ["canonical"]

_LARGEST: Final = 64
"""Products of a sum that are multiplied out."""
_LONGEST: Final = 200
"""Characters of a text that is kept as it is."""
_POWER: Final = 4
"""The largest power that is multiplied out."""

Product = tuple[tuple[str, int], ...]
"""What is multiplied, each with its power, in order; the empty product is 1."""


@dataclass(frozen=True, slots=True)
class _Sum:
    """A number: products with a factor each, added up."""

    terms: Mapping[Product, float]
    needs: frozenset[str] = frozenset()
    """What is missing makes the whole missing."""
    divides: frozenset[str] = frozenset()
    """What is zero makes the whole missing."""
    parts: tuple[Any, ...] = ()
    """What a call of `min`, `max`, `coalesce` or `lag` that it is was made of."""
    never: bool = False
    """Whether it is missing for all inputs."""

    @property
    def text(self) -> str:
        if self.never:
            return "null"
        told = " + ".join(
            "*".join([_digits(factor), *(f"{part}^{power}" for part, power in product)])
            for product, factor in sorted(self.terms.items())
        )
        return _short(f"[{told or '0'} | {_listed(self.needs)} | {_listed(self.divides)}]")

    @property
    def constant(self) -> float | None:
        """The number that it is without any input."""
        if self.never or self.needs or self.divides or self.terms.keys() - {()}:
            return None
        return self.terms.get((), 0.0)


@dataclass(frozen=True, slots=True)
class _Truth:
    """A condition, as parts that are joined by ``and`` or ``or``, and as what denies each."""

    joined: str
    parts: frozenset[str]
    denied: frozenset[str]

    @property
    def text(self) -> str:
        if len(self.parts) == 1:
            return min(self.parts)
        return _short(f"{self.joined}({_listed(self.parts)})")

    def no(self) -> _Truth:
        return _Truth("or" if self.joined == "and" else "and", self.denied, self.parts)


_NEVER: Final = _Sum({}, never=True)


def canonical(code: Code, mode: Mode = Mode.FORMULA) -> str:
    """Return the text that formulas have in common which are the same by algebra.

    >>> from metrictree.formula import parse
    >>> from metrictree.testing.mutation.code import code_of
    >>> def same(one, other):
    ...     return canonical(code_of(parse(one))) == canonical(code_of(parse(other)))
    >>> same("a * (b + c) / 1", "c * a - -(a * b)"), same("a / b * b", "a")
    (True, False)
    """
    if mode is Mode.AGGREGATE:  # its arguments are of rows, and `sum(x)` of rows is not x
        *arguments, (_, _, name) = code
        return f"{name} of {_texts(arguments)}"
    return _texts(code)


def _texts(code: Sequence[Token]) -> str:
    """Return the texts of what stands side by side."""
    waiting: list[Any] = []
    for op, count, value in code:
        args = waiting[len(waiting) - count :]
        del waiting[len(waiting) - count :]
        waiting.append(_made(op, args, value))
    return "; ".join(one.text for one in waiting)


def _short(text: str) -> str:
    """Return a text, or what stands for a long one: in a deep formula, each holds those below."""
    if len(text) <= _LONGEST:
        return text
    return blake2b(text.encode(), digest_size=20).hexdigest()


def _digits(factor: float) -> str:
    """Return a factor as far as rounding leaves it alone."""
    return number_text(float(f"{factor:.12g}"))


def _listed(texts: Collection[str]) -> str:
    return ", ".join(sorted(texts))


def _made(op: str, args: list[Any], value: Any) -> _Sum | _Truth:
    if op == "number":
        return _number(value)
    if op == "ref":
        return _atom(value)
    if op == "text":
        return _Sum({(((repr(value)), 1),): 1.0})
    if op == "null":
        return _NEVER
    if op == "compare":
        return _compared(args, value)
    if op in ("and", "or"):
        return _joined(op, [_truth(arg) for arg in args])
    if op == "not":
        return _truth(args[0]).no()
    if op in ("in", "not in"):
        items = _listed({repr(item) for item in value})
        truth = _one(f"in({args[0].text}; {items})", f"not in({args[0].text}; {items})")
        return truth if op == "in" else truth.no()
    if op == "if":
        return _chosen(*args)
    name = value if op == "call" else op
    if name == "is_missing":
        return _one(f"is_missing({args[0].text})", f"there({args[0].text})")
    if name == "coalesce":
        return _first_there(args)
    return _computed(name, args)


def _computed(name: str, args: list[_Sum]) -> _Sum:  # noqa: C901 - one case after the other
    """Return arithmetic, of which all operands must be there, and what looks at other periods."""
    if any(arg.never for arg in args):
        return _NEVER
    constants = [arg.constant for arg in args]
    if name in ARITHMETIC and None not in constants:
        found = apply(name, constants)
        return _NEVER if found is None else _number(found)
    made: _Sum | None = None
    if name == "+":
        made = _added(args)
    elif name == "-":
        made = _added([args[0], _minus(args[1])])
    elif name == "neg":
        made = _minus(args[0])
    elif name == "*":
        made = _multiplied(*args)
    elif name == "/":
        made = _divided(*args)
    elif name in ("**", "pow"):
        made = _power(*args)
    elif name == "sum":
        made = _added(args)
    elif name == "mean":
        made = _times(_added(args), 1 / len(args))
    elif name == "abs":
        made = _call("abs", [_turned(args[0])])
    elif name in ("min", "max"):
        made = _limit(name, args)
    elif name == "clip":
        x, low, high = args
        if low.constant is not None and high.constant is not None:
            if low.constant > high.constant:
                return _NEVER
            made = _limit("min", [_limit("max", [x, low]), high])
    elif name == "round" and len(args) == 1:
        made = _call("round", [args[0], _number(0.0)])
    elif (function := FUNCTIONS.get(name)) is not None and function.over_time:
        made = _over_time(name, args)
    return made or _call(name, args)


# --- sums of products


def _sum(
    terms: Mapping[Product, float], needs: frozenset[str], divides: frozenset[str]
) -> _Sum | None:
    """Return a sum without its zeros; nothing if a factor is past float64."""
    if not all(map(math.isfinite, terms.values())):
        return None
    return _Sum({product: factor for product, factor in terms.items() if factor}, needs, divides)


def _number(value: float) -> _Sum:
    return _Sum({(): value} if value else {})


def _atom(text: str) -> _Sum:
    return _Sum({((text, 1),): 1.0}, frozenset({text}))


def _call(name: str, args: Sequence[_Sum], parts: tuple[Any, ...] = ()) -> _Sum:
    """Return what no rule is known for, or what a rule has put in order."""
    text = _short(f"{name}({', '.join(arg.text for arg in args)})")
    return _Sum({((text, 1),): 1.0}, frozenset({text}), parts=parts)


def _of_all(args: Sequence[_Sum]) -> tuple[frozenset[str], frozenset[str]]:
    """Return what all of them need, and by what they are divided."""
    empty: frozenset[str] = frozenset()
    return (
        empty.union(*(arg.needs for arg in args)),
        empty.union(*(arg.divides for arg in args)),
    )


def _added(args: Sequence[_Sum]) -> _Sum | None:
    terms: dict[Product, float] = {}
    for arg in args:
        for product, factor in arg.terms.items():
            terms[product] = terms.get(product, 0.0) + factor
    return _sum(terms, *_of_all(args))


def _minus(arg: _Sum) -> _Sum:
    return _times(arg, -1.0) or arg  # what is finite stays so


def _times(arg: _Sum | None, factor: float) -> _Sum | None:
    if arg is None:
        return None
    return _sum({one: factor * by for one, by in arg.terms.items()}, arg.needs, arg.divides)


def _multiplied(left: _Sum, right: _Sum) -> _Sum | None:
    if len(left.terms) * len(right.terms) > _LARGEST:
        return None
    terms: dict[Product, float] = {}
    for one, factor in left.terms.items():
        for other, by in right.terms.items():
            powers = dict(one)
            for part, power in other:
                powers[part] = powers.get(part, 0) + power
            product = tuple(sorted((part, power) for part, power in powers.items() if power))
            terms[product] = terms.get(product, 0.0) + factor * by
    return _sum(terms, *_of_all([left, right]))


def _divided(left: _Sum, right: _Sum) -> _Sum | None:
    if not right.terms:
        return _NEVER  # zero, or what cancels out to it
    if len(right.terms) == 1:
        ((product, factor),) = right.terms.items()
        inverse = tuple((part, -power) for part, power in product)
        by = frozenset(part for part, _ in product)
    else:
        factor = _leading(right)
        scaled = _times(right, 1 / factor)
        if scaled is None:
            return None
        inverse = ((scaled.text, -1),)
        by = frozenset({scaled.text})
    return _multiplied(left, _Sum({inverse: 1 / factor}, right.needs, right.divides | by))


def _power(base: _Sum, exponent: _Sum) -> _Sum | None:
    power = exponent.constant
    if power == 0.5:
        return _call("sqrt", [base])
    if power == -1:
        return _divided(_number(1.0), base)
    if power is not None and 1 <= power <= _POWER and power.is_integer():
        made: _Sum | None = base
        for _ in range(int(power) - 1):
            made = made and _multiplied(made, base)
        return made
    return _call("**", [base, exponent])


def _leading(number: _Sum) -> float:
    """Return the factor of the first product that is no constant."""
    return number.terms[max(number.terms)]


def _turned(number: _Sum) -> _Sum:
    """Return a number or its negative, the same one for both."""
    if number.terms and _leading(number) < 0:
        return _minus(number)
    return number


# --- the rest


def _limit(name: str, args: Sequence[_Sum]) -> _Sum:
    """Return the smallest or largest of several values, which have no order."""
    found: dict[str, _Sum] = {}
    constant: float | None = None
    for arg in args:
        for part in arg.parts[1:] if arg.parts[:1] == (name,) else (arg,):
            value = part.constant
            if value is None:
                found[part.text] = part
            else:
                constant = value if constant is None else ARITHMETIC[name](constant, value)
    if constant is not None:
        found["constant"] = _number(constant)
    parts = tuple(part for _, part in sorted(found.items()))
    return parts[0] if len(parts) == 1 else _call(name, parts, (name, *parts))


def _first_there(args: Sequence[_Sum]) -> _Sum:
    found: dict[str, _Sum] = {}
    for arg in args:
        for part in arg.parts[1:] if arg.parts[:1] == ("coalesce",) else (arg,):
            if not part.never:
                found.setdefault(part.text, part)
            if part.constant is not None:
                break
        else:
            continue
        break  # nothing after it is ever looked at
    parts = tuple(found.values())
    if len(parts) < 2:
        return parts[0] if parts else _NEVER
    return _call("coalesce", parts, ("coalesce", *parts))


def _over_time(name: str, args: Sequence[_Sum]) -> _Sum | None:
    x, periods = args[0], args[1] if len(args) > 1 else _number(1.0)
    if name == "cumulative":
        return None
    if name in ("change", "growth"):
        before = _over_time("lag", [x, periods])
        assert before is not None
        if name == "change":
            return _added([x, _minus(before)])
        quotient = _divided(x, before)
        return quotient and _added([quotient, _number(-1.0)])
    if name == "lag":
        if x.parts[:1] == ("lag",):
            x, periods = x.parts[1], _number((periods.constant or 1) + (x.parts[2].constant or 1))
        return _call("lag", [x, periods], ("lag", x, periods))
    if periods.constant == 1:
        return x
    if name == "rolling_mean":
        return _times(_call("rolling_sum", [x, periods]), 1 / (periods.constant or 1))
    return _call(name, [x, periods])


def _one(text: str, denied: str) -> _Truth:
    return _Truth("and", frozenset({text}), frozenset({denied}))


def _truth(value: _Sum | _Truth) -> _Truth:
    """Return a condition; a column of true and false is one by itself."""
    return value if isinstance(value, _Truth) else _one(value.text, f"not {value.text}")


def _joined(op: str, args: Sequence[_Truth]) -> _Truth:
    parts: set[str] = set()
    denied: set[str] = set()
    for arg in args:
        if arg.joined == op or len(arg.parts) == 1:
            parts |= arg.parts
            denied |= arg.denied
        else:
            parts.add(arg.text)
            denied.add(arg.no().text)
    return _Truth(op, frozenset(parts), frozenset(denied))


def _compared(args: Sequence[_Sum], symbols: Sequence[str]) -> _Truth:
    found = []
    for symbol, one, other in zip(symbols, args, args[1:], strict=False):
        left, right = (other, one) if symbol in (">", ">=") else (one, other)
        if left.never or right.never:
            found.append(_one("unknown", "unknown"))
            continue
        difference = _added([left, _minus(right)])
        if difference is None:  # past float64
            found.append(_one(f"{left.text} {symbol} {right.text}", f"not {left.text} {symbol}"))
            continue
        if difference.terms:
            by = abs(_leading(difference))
            difference = _times(difference, 1 / by) or difference
        if symbol in ("==", "!="):
            text = _turned(difference).text
            truth = _one(f"{text} == 0", f"{text} != 0")
            found.append(truth if symbol == "==" else truth.no())
        else:
            text, turned = difference.text, _minus(difference).text
            if symbol in ("<", ">"):
                found.append(_one(f"{text} < 0", f"{turned} <= 0"))
            else:
                found.append(_one(f"{text} <= 0", f"{turned} < 0"))
    return _joined("and", found)


def _chosen(condition: _Truth, then: _Sum, otherwise: _Sum) -> _Sum:
    if then.text == otherwise.text:
        return then  # also where the condition is missing
    text = _short(f"if({condition.text}; {then.text}; {otherwise.text})")
    return _Sum({((text, 1),): 1.0}, frozenset({text}))
