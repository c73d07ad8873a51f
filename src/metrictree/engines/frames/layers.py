"""Operations as columns of a lazy frame, layer on layer: the one lowering to narwhals.

Written as an expert would write it by hand. Each metric is a column; an operation that is looked at
once stands in the expression of its metric, and one that is looked at more often is a column of its
own, since an expression nested in an expression is written out again at each look, exponentially
often. A column is computed in the first layer in which all that it looks at is there, and each
layer keeps only what is still needed.

Missing is NULL. Most operations let infinity and NaN pass (`plan.LETS_THROUGH`), so what is not
finite is taken for missing only where an operation looks at it, and in what is asked for. This
needs IEEE arithmetic, in which an operation without a result gives infinity or NaN; for an engine
that raises an error instead, operands are made NULL where the operation has no result.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import narwhals as nw

from metrictree.formula.meaning import COMPARISONS
from metrictree.plan import LETS_THROUGH, Builder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import date

    from metrictree.plan import Instruction, Plan

__all__ = [
    "EXPRESSIONS",
    "GUARDS",
    "REPEATED",
    "Engine",
    "Layers",
    "Lowered",
    "Periods",
    "Selection",
    "Step",
    "Term",
    "finite",
    "lower",
    "number",
    "rounded",
    "scaled",
    "written",
]

MOST_INLINE: Final = 24
"""Operations in one operand: engines walk expressions by recursion."""
MOST_REPEATED: Final = 3
"""Operations in an operand that is written out more than once; engines find out that it is."""
MOST_DIGITS: Final = 308.0
"""No float64 has a digit farther from its point."""
EXACT: Final = 2**53
"""Up to here float64 tells all integers apart."""

Operand = nw.Expr | float
"""What an operation works on: an expression, or a constant number."""


class Engine(NamedTuple):
    """What a lazy engine does with operations that have no result."""

    guarded: bool = False
    """It raises an error outside of an operation's domain, where IEEE has infinity or NaN."""
    infinite: bool = True
    """A result past float64 is infinity, and no error."""
    repeats: frozenset[str] = frozenset()
    """Operations in which narwhals writes operands out more than once, besides `REPEATED`."""
    rounds_to_integers: bool = False
    """What it rounds is an integer of 64 bits."""
    decimals: bool = False
    """It takes literals for exact decimals, and what is made of nothing else too."""
    spread: Callable[[str | float, Sequence[str]], Any] | None = None
    """A native expression of a column or number that has as many cells as one of other columns: the
    engine multiplies by 1 / b if it holds b as one number for all rows."""
    remainder: Callable[[str | float, str | float], Any] | None = None
    """A native expression of remainders of columns or numbers, if its own ones are rounded."""
    wraps: bool = False
    """Sums of integers wrap around past 64 bits, or are an error there."""
    time: Callable[[date], nw.Expr] = nw.lit
    """A day, or a time without a zone, as it stands in a query."""
    strict_casts: bool = False
    """An integer that float64 has not is an error where it is made one."""
    strict_times: bool = False
    """A day and a time cannot be compared."""
    floored: bool = False
    """`%` stays what narwhals makes of it, for whom reads that and knows an exact way."""


class Periods(NamedTuple):
    """The series that functions over time work on."""

    time: str
    by: tuple[str, ...] = ()

    def over(self, expr: nw.Expr) -> nw.Expr:
        """Return an expression over the rows of each series, oldest first."""
        return expr.over(*self.by, order_by=self.time)


class Term(NamedTuple):
    """A value in an expression: of a column, of operations on columns, or a constant."""

    expr: nw.Expr | float | None
    inputs: tuple[str, ...] = ()
    """The columns that it looks at."""
    level: int = 0
    """The layer after which all of them are there."""
    size: int = 0
    """The operations in it; none in a column and in a constant."""
    finite: bool = True
    """Whether it is never infinity or NaN."""

    @property
    def constant(self) -> bool:
        """Whether it is the same in each row."""
        return not self.inputs

    @property
    def operand(self) -> Any:
        """What an operation works on: an expression, or a plain number."""
        return written(None) if self.expr is None else self.expr


class Step(NamedTuple):
    """A column to compute, and those that it looks at."""

    name: str
    expr: nw.Expr
    inputs: tuple[str, ...]
    native: Any = None
    """What makes the column, if narwhals has no expression for it."""


class Selection(NamedTuple):
    """A layer: columns that stay, and columns that are computed from the layer before."""

    kept: Sequence[str]
    made: Sequence[Step]

    def exprs(self) -> list[nw.Expr]:
        """Return all columns as expressions."""
        made = [step.expr.alias(step.name) for step in self.made]
        return [nw.col(*self.kept), *made] if self.kept else made

    def prepared(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Return the layer before with the columns that narwhals cannot make."""
        made = [step for step in self.made if step.native is not None]
        if not made:
            return frame
        native: Any = frame.to_native()
        if hasattr(native, "with_columns"):  # Polars
            native = native.with_columns(step.native.alias(step.name) for step in made)
        else:  # pandas, which takes functions of the frame
            native = native.assign(**{step.name: step.native for step in made})
        prepared: nw.LazyFrame[Any] = nw.from_native(native).lazy()
        return prepared

    def of(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Return the frame of this layer, from that of the layer before."""
        return self.prepared(frame).select(*self.exprs())


class Layers:
    """Columns that are computed over a frame, each in the first layer where it can be."""

    def __init__(self) -> None:
        self._layers: list[list[Step]] = []
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._layers)

    def add(self, name: str, term: Term, native: Any = None) -> Term:
        """Compute a term as a column, and return that."""
        if term.level == len(self._layers):
            self._layers.append([])
        self._layers[term.level].append(Step(name, written(term.expr), term.inputs, native))
        self._places[name] = len(self._places)
        return Term(nw.col(name), (name,), term.level + 1, 0, term.finite)

    def selections(
        self, keep: Iterable[str], outputs: Mapping[str, Term] | None = None
    ) -> list[Selection]:
        """Return the layers in order, of which the last one has what is kept and the outputs.

        A layer keeps what later ones need and nothing else: time goes by columns times layers.
        """
        needed = dict.fromkeys(keep)
        found: list[Selection] = []
        if outputs is not None:
            last = [Step(name, written(term.expr), term.inputs) for name, term in outputs.items()]
            found.append(Selection(tuple(needed), last))
            needed |= dict.fromkeys(name for step in last for name in step.inputs)
        for layer in reversed(self._layers):
            made = [step for step in layer if step.name in needed]
            for step in made:
                del needed[step.name]
            found.append(Selection(self._ordered(needed), made))
            needed |= dict.fromkeys(name for step in made for name in step.inputs)
        found.append(Selection(self._ordered(needed), ()))
        return found[::-1]

    def _ordered(self, names: Iterable[str]) -> list[str]:
        """Return columns in the order in which they were made, the frame's own first."""
        return sorted(names, key=lambda name: self._places.get(name, -1))


class Lowered(NamedTuple):
    """A plan in layers."""

    layers: Layers
    outputs: Mapping[str, Term]
    """What each target is after the last layer: a number or NULL."""

    def selections(self, keep: Iterable[str], targets: Collection[str]) -> list[Selection]:
        """Return the layers that compute targets; all other columns to keep are given."""
        return self.layers.selections(keep, {name: self.outputs[name] for name in targets})


def lower(
    plan: Plan,
    given: Mapping[str, Term],
    *,
    names: Callable[[str], str] = str,
    taken: Iterable[str] = (),
    engine: Engine = Engine(),  # noqa: B008 - a constant
    periods: Periods | None = None,
    inline: bool = False,
) -> Lowered:
    """Return the layers that compute a plan.

    ``given`` says what each leaf is; ``names`` gives the column of a metric with a formula, and
    ``taken`` are names that no other column may have, in any case. Functions over time need
    ``periods``. With ``inline`` a metric that is looked at once, and is no target, is no column.
    """
    lowering = _Lowering(plan, given, engine, periods)
    lowering.name(names, taken)
    return lowering.lowered(inline=inline)


class _Lowering:
    """Walks the instructions of a plan once."""

    def __init__(
        self, plan: Plan, given: Mapping[str, Term], engine: Engine, periods: Periods | None
    ) -> None:
        self.plan = plan
        self.given = given
        self.engine = engine
        self.periods = periods
        self.layers = Layers()
        self.names: dict[int, str] = {}
        """The columns of metrics by what makes them."""
        self.prefix = "part_"
        self.parts = 0
        self.terms: list[Term] = []
        """What each instruction makes."""
        self.spread: dict[str | float, Term] = {}
        """Columns to divide by, of other columns and constants."""
        self.beside: Term | None = None
        """A column that has a cell in each row if any column has."""
        self.finite: dict[int, Term] = {}
        """The same, NULL where it is not finite, for those that may be."""
        self.instructions, self.positions = _with_constants(plan, given)
        self.uses = [0] * len(self.instructions)
        for instruction in self.instructions:
            for arg in instruction.args:
                self.uses[arg] += 1

    def name(self, names: Callable[[str], str], taken: Iterable[str]) -> None:
        """Name the columns of metrics, and find names for others."""
        used = {name.lower() for name in taken}
        for metric in self.plan.formulas:
            position = self.positions.get(metric)
            if position is not None and position not in self.names:
                name = names(metric)
                while name.lower() in used:
                    name += "_"
                used.add(name.lower())
                self.names[position] = name
        while any(name.startswith(self.prefix) for name in used):
            self.prefix = f"_{self.prefix}"

    def lowered(self, *, inline: bool) -> Lowered:
        """Return the layers; metrics that are looked at once may stand in place of a column."""
        targets = {self.positions[target] for target in self.plan.targets}
        named = {
            position
            for position in self.names
            if not inline or self.uses[position] > 1 or position in targets
        }
        for position, instruction in enumerate(self.instructions):
            term = self._term(instruction)
            self.terms.append(term)
            if term.constant or instruction.op == "input":
                if self.uses[position] > 1 and term.size:
                    self._column(position)
            elif position in named:
                self.terms[position] = self.layers.add(self.names[position], term)
            elif self.uses[position] > 1:
                self._column(position)
        return Lowered(
            self.layers,
            {
                target: self._as_float(self._finite(self.positions[target]))
                for target in self.plan.targets
            },
        )

    # --- instructions

    def _term(self, instruction: Instruction) -> Term:
        op, args, value = instruction
        if op == "input":
            return self.given[value]
        if op == "constant":
            return Term(value)
        if op == "round":
            return self._round(*args)
        guard = GUARDS.get(op) if self.engine.guarded else None
        if op == "/" and guard is None:
            terms = [self._inline(args[0]), self._divisor(args[1])]
        else:
            repeats = guard is not None or op in REPEATED or op in self.engine.repeats
            shape = self._column if repeats else self._inline
            passes = (*LETS_THROUGH.get(op, ()), *_CHOSEN.get(op, ()))
            terms = [shape(arg, finite=place not in passes) for place, arg in enumerate(args)]
            if op == "safe_div":
                terms[1] = self._in_each_row(terms[1])
        if op in _OVER_TIME:
            assert self.periods is not None, op
            series = self._part(terms[0]) if terms[0].constant else terms[0]
            expr = _OVER_TIME[op](self.periods.over, series.operand, value)
            term = _joined([series], expr, finite=self._is_finite(op, terms))
            keys = (*self.periods.by, self.periods.time)
            return term._replace(inputs=tuple(dict.fromkeys((*term.inputs, *keys))))
        operands = [_truth(term) if op in _LOGIC else term.operand for term in terms]
        if guard is not None:
            operands = [*guard(*operands)]
        if op == "%" and self.engine.remainder is not None:
            return self._native(terms, self.engine.remainder(*map(_name, terms)))
        if self.engine.rounds_to_integers and op in ("floor", "ceil"):
            (x,) = operands
            # From 2**52 on no float64 has a digit after its point.
            result = EXPRESSIONS[op](nw.when(x.abs() < 2.0**52).then(x))
            return _joined(terms, nw.coalesce(result, x), finite=terms[0].finite)
        expression: Callable[..., Any] = EXPRESSIONS.get(op) or COMPARISONS[value[0]]
        if op == "%" and self.engine.floored:
            expression = operator.mod
        expr = expression(*operands)
        if self.engine.decimals and op in _MAY_BE_LITERALS:
            expr = _as_float(expr)
        return _joined(terms, expr, finite=self._is_finite(op, terms))

    def _is_finite(self, op: str, terms: Sequence[Term]) -> bool:
        """Whether the result of an operation is finite or NULL."""
        if op in _FINITE:
            return True
        if self.engine.infinite and op not in _KEEP_FINITE:
            return False
        return all(term.finite for term in terms)

    def _round(self, position: int, digits: int) -> Term:
        """Return ``x * 10 ** digits`` rounded half to even, divided by the same."""
        x = self._column(position, finite=True)
        places = self._column(digits, finite=True)
        if not places.constant:
            near = _is_whole(places.operand) & (places.operand.abs() <= MOST_DIGITS)
            power = nw.when(near).then(places.operand)
            scale = self._part(_joined([places], 10.0**power, finite=True))
        elif not places.operand.is_integer():
            return _joined([x], written(None), finite=True)
        elif places.operand > MOST_DIGITS:
            return x
        elif places.operand < -MOST_DIGITS:
            return _joined([x], x.operand * 0.0, finite=True)
        else:
            scale = Term(math.pow(10.0, places.operand))
        finite = not self.engine.infinite
        scaled_x = _joined([x, scale], scaled(x.operand, scale.operand), finite=finite)
        part = self._part(scaled_x)
        scale = self._in_each_row(scale)
        result = rounded(x.operand, part.operand, scale.operand)
        if places.constant:
            return _joined([x, scale, part], result, finite=finite)
        below = nw.when(places.operand < -MOST_DIGITS).then(x.operand * 0.0).otherwise(result)
        chosen = nw.when(places.operand > MOST_DIGITS).then(x.operand).otherwise(below)
        whole = nw.when(_is_whole(places.operand)).then(chosen)
        return _joined([x, places, scale, part], whole, finite=finite)

    def _in_each_row(self, term: Term) -> Term:
        """Return a column or a constant so that the engine divides by it exactly."""
        if self.engine.spread is None or _has_reciprocal(term.operand):
            return term
        named = _name(term)
        if named not in self.spread:
            if self.beside is None:
                keys = () if self.periods is None else (*self.periods.by, self.periods.time)
                given = [*self.given.values(), *(Term(nw.col(key), (key,)) for key in keys)]
                columns = list(dict.fromkeys(name for one in given for name in one.inputs))
                native = self.engine.spread(columns[0], columns[1:])
                self.beside = self._native(given, native)
            native = self.engine.spread(named, self.beside.inputs)
            found = self._native([term, self.beside], native)
            self.spread[named] = found._replace(finite=term.finite)
        return self.spread[named]

    def _native(self, terms: Sequence[Term], native: Any) -> Term:
        """Return a column of what a native expression makes of columns and constants."""
        name = self._part_name()
        return self.layers.add(name, _joined(terms, nw.col(name), finite=False), native)

    # --- terms

    def _inline(self, position: int, *, finite: bool = False) -> Term:
        """Return what an instruction makes, to stand in an expression."""
        term = self._finite(position) if finite else self.terms[position]
        return self._part(term) if term.size > MOST_INLINE else term

    def _column(self, position: int, *, finite: bool = False) -> Term:
        """Return what an instruction makes as a column, unless it is a constant."""
        if finite and not self.terms[position].finite:
            term = self.finite[position] = self._as_column(self._finite(position))
        else:
            term = self.terms[position] = self._as_column(self.terms[position])
        return term

    def _finite(self, position: int) -> Term:
        """Return what an instruction makes, NULL where it is not finite."""
        if self.terms[position].finite:
            return self.terms[position]
        found = self.finite.get(position)
        if found is None:
            term = self._column(position)
            checked = finite if self.engine.guarded else _smaller_than_infinity
            found = _joined([term], checked(term.operand), finite=True)
            self.finite[position] = found
        return found

    def _divisor(self, position: int) -> Term:
        """Return what an instruction makes, NaN or NULL where it is not finite, for IEEE engines.

        To divide by infinity gives 0. Arithmetic costs less than to choose: infinity - infinity
        is NaN.
        """
        term = self.finite.get(position, self.terms[position])
        if self.engine.spread is not None:
            term = self._in_each_row(self._column(position, finite=term.finite))
        if term.finite:
            return term
        if term.size > MOST_REPEATED:
            term = self._column(position)
        return _joined([term] * 3, term.operand + (term.operand - term.operand), finite=False)

    def _as_column(self, term: Term) -> Term:
        return self._part(term) if term.size else term

    def _part(self, term: Term) -> Term:
        """Compute a term as a column of its own."""
        return self.layers.add(self._part_name(), self._as_float(term))

    def _as_float(self, term: Term) -> Term:
        """Return a constant as a float64, where a literal would be a decimal."""
        if self.engine.decimals and isinstance(term.expr, float):
            return term._replace(expr=_as_float(nw.lit(term.expr)))
        return term

    def _part_name(self) -> str:
        self.parts += 1
        return f"{self.prefix}{self.parts}"


def _with_constants(
    plan: Plan, given: Mapping[str, Term]
) -> tuple[Sequence[Instruction], Mapping[str, int]]:
    """Return instructions and positions in which leaves that are constants are computed with."""
    if not any(term.constant for term in given.values()):
        return plan.instructions, plan.positions
    builder = Builder()
    moved: list[int] = []
    for op, old, value in plan.instructions:
        args = [moved[arg] for arg in old]
        if op == "input" and given[value].constant:
            moved.append(builder.add("constant", (), given[value].expr))
        elif op in ("lag", "cumulative"):  # of a constant, there is none before the first period
            missing = builder.instructions[args[0]] == ("constant", (), None)
            moved.append(args[0] if missing else builder.add(op, tuple(args), value))
        elif op in ("input", "constant"):
            moved.append(builder.add(op, (), value))
        else:
            moved.append(builder.of(op, *args, value=value))
    return builder.instructions, {name: moved[at] for name, at in plan.positions.items()}


def _joined(terms: Sequence[Term], expr: nw.Expr, *, finite: bool) -> Term:
    """Return an operation on terms."""
    return Term(
        expr,
        tuple(dict.fromkeys(name for term in terms for name in term.inputs)),
        max(term.level for term in terms),
        1 + sum(term.size for term in terms),
        finite,
    )


def written(value: Operand | None) -> nw.Expr:
    """Return a value as an expression."""
    if value is None:
        return nw.lit(None, dtype=nw.Float64)
    return value if isinstance(value, nw.Expr) else nw.lit(value)


def _as_float(expr: nw.Expr) -> nw.Expr:
    """Return an expression with a typed NULL beside it, which makes a float64 of a decimal."""
    return nw.coalesce(expr, written(None))


def _has_reciprocal(divisor: Operand) -> bool:
    """Whether to multiply by the reciprocal of a divisor is as exact as to divide by it."""
    if isinstance(divisor, nw.Expr):
        return False
    fraction, exponent = math.frexp(divisor)
    return divisor == 0 or (abs(fraction) == 0.5 and abs(exponent) < 1022)


def _name(term: Term) -> Any:
    """Return the name of a column, or a constant number."""
    return term.operand if term.constant else term.inputs[0]


def _truth(term: Term) -> nw.Expr:
    return nw.lit(None, dtype=nw.Boolean) if term.expr is None else written(term.expr)


def number(name: str, dtype: Any) -> Term:
    """Return a column of numbers as float64.

    NaN, infinity, and integers of which float64 may lose digits are missing.
    """
    column = nw.col(name)
    if dtype == nw.Float64:
        return Term(column, (name,), finite=False)
    as_float = column.cast(nw.Float64)
    if dtype.is_float():
        return Term(as_float, (name,), size=1, finite=False)
    if dtype in (nw.Int64, nw.Int128):
        as_float = nw.when((column <= EXACT) & (column >= -EXACT)).then(as_float)
    elif dtype in (nw.UInt64, nw.UInt128):
        as_float = nw.when(column <= EXACT).then(as_float)
    return Term(as_float, (name,), size=1)


# --- what each operation is in narwhals, on operands that are finite or NULL. NULL takes part in
# arithmetic, comparisons, `&` and `|` as in SQL, and a missing condition of `when` takes
# `otherwise`, which is NULL if it is not given. Constants may be plain numbers, but not all of them


def finite(x: nw.Expr) -> nw.Expr:
    """Return a number, NULL where it is not finite."""
    return nw.when(x.is_finite()).then(x)


def _smaller_than_infinity(x: nw.Expr) -> nw.Expr:
    """Return the same where NaN is no smaller, which is faster there than to ask for it."""
    return nw.when(x.abs() < math.inf).then(x)


def _floor(x: nw.Expr) -> nw.Expr:
    near = x.round(0)  # not every engine has floor()
    return nw.when(near > x).then(near - 1.0).otherwise(near)


def _ceil(x: nw.Expr) -> nw.Expr:
    near = x.round(0)
    return nw.when(near < x).then(near + 1.0).otherwise(near)


def _modulo(a: Operand, b: Operand) -> nw.Expr:
    """Return the remainder of the sizes, exactly, with the sign of the divisor.

    narwhals computes ``(a % b + b) % b``, of which ``+ b`` is exact only below zero; its older
    versions keep the sign of ``a``.
    """
    size, divisor = _size(a), _size(b)
    below = (size * -1.0) % divisor
    rest = nw.when(below > 0.0).then(divisor - below).otherwise(below.abs())
    rest = nw.when(size < divisor).then(size).otherwise(rest)
    signed = nw.when(_if_negative(a) == _if_negative(b)).then(rest).otherwise(divisor - rest)
    signed = nw.when(rest == 0.0).then(nw.lit(0.0)).otherwise(signed)
    if isinstance(b, nw.Expr):
        return nw.when(b < 0.0).then(signed * -1.0).otherwise(signed)
    return signed * -1.0 if b < 0 else signed


def _sign(x: nw.Expr) -> nw.Expr:
    negative = nw.when(x < 0.0).then(nw.lit(-1.0)).otherwise(nw.when(x == 0.0).then(nw.lit(0.0)))
    return nw.when(x > 0.0).then(nw.lit(1.0)).otherwise(negative)


def _half_even(x: nw.Expr) -> nw.Expr:
    """Round numbers below 2**52, by adding what leaves no room for digits after the point."""
    room = 2.0**52
    return nw.when(x < 0.0).then((x - room) + room).otherwise((x + room) - room)


def scaled(x: Operand, scale: Operand) -> nw.Expr:
    """Return ``x * scale``, NULL from 2**52 on: no float64 of this size has a digit there."""
    end = 2.0**52 / scale
    if isinstance(x, nw.Expr) and isinstance(end, float) and math.isinf(end):
        return x * scale  # infinity has no literal that all dialects understand
    return nw.when(_size(x) < end).then(x * scale)


def rounded(x: Operand, scaled: nw.Expr, scale: Operand) -> nw.Expr:
    """Return what is scaled rounded half to even, and scaled back."""
    return nw.coalesce(_half_even(scaled) / scale, written(x))


def _safe_div(a: Operand, b: Operand, otherwise: Operand) -> nw.Expr:
    quotient: nw.Expr
    if isinstance(b, nw.Expr):
        quotient = nw.when(b == 0.0).then(otherwise).otherwise(a / _unless_zero(b))
    else:
        quotient = written(otherwise if b == 0 else a / b)
    for needed in (a, otherwise):
        if isinstance(needed, nw.Expr):
            quotient = nw.when(~needed.is_null()).then(quotient)
    return quotient


def _size(x: Operand) -> Any:
    return x.abs() if isinstance(x, nw.Expr) else abs(x)


def _if_negative(x: Operand) -> Any:
    return x < 0.0


def _is_whole(x: nw.Expr) -> nw.Expr:
    size = x.abs()
    return (size >= 2.0**52) | (nw.when(size < 2.0**52).then(x).round(0) == x)


EXPRESSIONS: Final[Mapping[str, Callable[..., nw.Expr]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": _modulo,
    "**": lambda a, b: a**b,
    "neg": lambda x: x * -1.0,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "not": lambda x: ~x,
    "if": lambda condition, then, otherwise: nw.when(condition).then(then).otherwise(otherwise),
    "coalesce": lambda *args: nw.coalesce(*map(written, args)),
    "is_missing": lambda x: x.is_null(),
    "min": lambda a, b: nw.when(a <= b).then(a).otherwise(nw.when(b < a).then(b)),
    "max": lambda a, b: nw.when(a >= b).then(a).otherwise(nw.when(b > a).then(b)),
    "abs": lambda x: x.abs(),
    "sqrt": lambda x: x.sqrt(),
    "exp": lambda x: x.exp(),
    "log": lambda x: x.log(),
    "log10": lambda x: x.log(10),
    "floor": _floor,
    "ceil": _ceil,
    "sign": _sign,
    "safe_div": _safe_div,
}
"""Operations by name; `formula.meaning` has the comparisons."""

REPEATED: Final = frozenset(
    {
        *("%", "min", "max", "sqrt", "log", "log10", "floor", "ceil", "sign", "safe_div"),
        *("lag", "cumulative"),
    }
)
"""Operations of which operands are written out more than once: they must be columns."""
_CHOSEN: Final[Mapping[str, tuple[int, ...]]] = {
    "if": (1, 2),
    "coalesce": (1,),
    "lag": (0,),
    "cumulative": (),
}
"""Operands of which the value is taken as it is."""
_LOGIC: Final = ("and", "or", "not")
_MAY_BE_LITERALS: Final = frozenset(("if", "coalesce", "sign", "safe_div"))
"""Operations whose result may be one of several literals."""
_FINITE: Final = frozenset(("compare", "is_missing", "min", "max", "sign", *_LOGIC))
"""Operations whose result is finite or NULL, on operands that are."""
_KEEP_FINITE: Final = frozenset(("neg", "abs", "floor", "ceil", "if", "coalesce", "lag"))
"""Operations whose result is one of the operands, or no larger."""


# --- operands where an operation has a result and NULL elsewhere, for engines that raise errors


def _unless_zero(x: Operand) -> nw.Expr | float:
    if isinstance(x, nw.Expr):
        return nw.when(x != 0.0).then(x)
    return x if x != 0 else written(None)


def _power_guard(a: Any, b: Any) -> tuple[Operand, Operand]:
    if not isinstance(b, nw.Expr):
        if b >= 0 and b.is_integer():
            return a, b
        there = a >= 0.0 if b > 0 else a > 0.0
        return nw.when(a != 0.0 if b.is_integer() else there).then(a), b
    if not isinstance(a, nw.Expr):
        if a > 0:
            return a, b
        return a, nw.when(b >= 0.0 if a == 0 else _is_whole(b)).then(b)
    there = (a > 0.0) | ((a == 0.0) & (b >= 0.0)) | ((a < 0.0) & _is_whole(b))
    return a, nw.when(there).then(b)


def _exp_guard(x: nw.Expr) -> tuple[nw.Expr]:
    """Leave out what is past float64."""
    return (nw.when(x <= 709.782712893384).then(x),)


GUARDS: Final[Mapping[str, Callable[..., tuple[Operand, ...]]]] = {
    "/": lambda a, b: (a, _unless_zero(b)),
    "%": lambda a, b: (a, _unless_zero(b)),
    "**": _power_guard,
    "sqrt": lambda x: (nw.when(x >= 0.0).then(x),),
    "log": lambda x: (nw.when(x > 0.0).then(x),),
    "log10": lambda x: (nw.when(x > 0.0).then(x),),
    "exp": _exp_guard,
}


# --- functions over time, on the rows of each series; ``over`` puts them into their order


def _lag(over: Callable[[nw.Expr], nw.Expr], x: nw.Expr, periods: int) -> nw.Expr:
    return over(x.shift(periods))


def _cumulative(over: Callable[[nw.Expr], nw.Expr], x: nw.Expr, _: None) -> nw.Expr:
    broken = over(x.is_null().cast(nw.Int64).cum_sum())
    return nw.when(broken == 0).then(over(x.cum_sum()))


_OVER_TIME: Final[Mapping[str, Callable[..., nw.Expr]]] = {"lag": _lag, "cumulative": _cumulative}
