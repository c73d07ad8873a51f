"""The formulas of measures -> layers over the columns of one source, of any type.

Every operation becomes a column of its own, which is NULL where it is not finite; operations that
several formulas share are computed once. What each one is in narwhals is said in `layers`;
constants are computed by the scalar engine.
"""

from __future__ import annotations

import math
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import narwhals as nw

from metrictree.diagnostics import shown
from metrictree.engines.frames.layers import (
    EXACT,
    EXPRESSIONS,
    GUARDS,
    Engine,
    Layers,
    Term,
    finite,
    rounded,
    scaled,
    written,
)
from metrictree.engines.scalar import evaluate
from metrictree.formula import FUNCTIONS, Fault, Formula, Node
from metrictree.formula.meaning import COMPARISONS
from metrictree.names import Suggester, did_you_mean
from metrictree.plan import LOOK_AT_MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["MOST_WHOLE", "Cell", "Column", "Kind", "Lowering", "Operand", "kind_of"]

MOST_LEVELS: Final = 100
"""Operations on top of each other: databases plan by recursion, ever more slowly with depth."""
MOST_WHOLE: Final = 1e15
"""Whole numbers below are told apart by float64 with room to spare."""
MOST_OPERATIONS: Final = 2_000
"""Different operations of all formulas over one frame."""


class Kind(StrEnum):
    """What the values of a column are to a formula."""

    NUMBER = "a number"
    CONDITION = "true or false"
    TEXT = "text"
    TIME = "a date or time"
    OTHER = "of another kind"
    NULL = "missing"


class Column(NamedTuple):
    """A column of the frame: its name there, what it holds, and what people call its type."""

    name: str
    kind: Kind
    dtype: Any
    type_name: str
    text: str = ""
    """The one with the cells of a text file as they are written, if they are read as no texts."""
    label: str = ""
    """The same, null for NaN, if two texts may be the same number: what rows are told apart by."""
    lost: str = ""
    """The one that says whether a cell is an integer of which the number loses digits."""


class Cell(NamedTuple):
    """A cell of a text file."""

    text: str
    line: int
    rare: bool
    """Whether other cells of its column are what it is not."""
    file: str = ""
    """The file that it stands in, if there are several."""

    @property
    def place(self) -> str:
        """Where it stands: `line 3 of data/april.csv`."""
        return f"line {self.line}" + (f" of {self.file}" if self.file else "")


class Operand(NamedTuple):
    """A value that operations work on: a column of the frame, or a constant if it has no name."""

    kind: Kind
    name: str = ""
    value: Any = None
    level: int = 0

    @property
    def expr(self) -> nw.Expr:
        """The operand in an expression."""
        if self.name:
            return nw.col(self.name)
        if self.value is None:
            return nw.lit(None, dtype=_TYPES.get(self.kind, nw.Float64))
        return nw.lit(self.value)

    @property
    def plain(self) -> Any:
        """The same, with a number as it is."""
        if self.name or self.value is None or self.kind is not Kind.NUMBER:
            return self.expr
        return self.value


_TYPES: Final[Mapping[Kind, Any]] = {
    Kind.CONDITION: nw.Boolean,
    Kind.TEXT: nw.String,
    Kind.TIME: nw.Datetime,
}
_MISSING: Final = Operand(Kind.NULL)
_ZERO: Final = Operand(Kind.NUMBER, value=0.0)


def kind_of(dtype: Any) -> Kind:
    """Return what a narwhals data type is to a formula.

    >>> import narwhals as nw
    >>> kind_of(nw.Int64()).value
    'a number'
    """
    if dtype.is_numeric():
        return Kind.NUMBER
    if dtype == nw.Boolean:
        return Kind.CONDITION
    if dtype in (nw.String, nw.Categorical, nw.Enum):
        return Kind.TEXT
    if dtype == nw.Date or (dtype == nw.Datetime and dtype.time_zone is None):
        return Kind.TIME
    return Kind.OTHER


class Lowering:
    """Formulas over the columns of one frame; ``apply`` computes what they need.

    Mistakes that only the data can show (no such column, text where a number is needed) are
    gathered in ``faults``. ``no_number`` finds the first cell of a column of texts that is none,
    where that can be told.
    """

    def __init__(
        self,
        columns: Mapping[str, Column],
        engine: Engine = Engine(),  # noqa: B008 - a constant
        no_number: Callable[[str], Cell | None] = lambda _: None,
    ) -> None:
        self.faults: list[Fault] = []
        self.finite: dict[str, str] = {}
        """Float columns that must hold no infinity: the name in the frame, and the source's."""
        self.exact: dict[str, str] = {}
        """Integers and decimals that are read as float64 and must stay within 2**53, likewise."""
        self.lost: dict[str, str] = {}
        """Columns that say whether a number has lost digits, which none may have, likewise."""
        self.used: set[str] = set()
        """Names of the frame's own columns that are needed."""
        self.trusting = False
        """Whether floats are taken as they are. Their sums show infinity and NaN: see `trusted`."""
        self.trusted: dict[str, str] = {}
        """Float columns that were taken as they are, likewise."""
        self._columns = columns
        self._engine = engine
        self._no_number = no_number
        self._suggester = Suggester(columns)
        self._layers = Layers()
        self._known: dict[Any, Operand] = {}
        self._references: dict[str, str] = {}
        """Columns of numbers as they are in the frame, and the names that the source gives them."""

    def apply(self, frame: nw.LazyFrame[Any], wanted: Iterable[str]) -> nw.LazyFrame[Any]:
        """Return the frame with the wanted columns: its own, and those of operations."""
        # Constants alone would be one row, so one column always stays.
        for selection in self._layers.selections((frame.collect_schema().names()[0], *wanted)):
            if selection.made:  # one that only leaves columns out saves nothing, and costs planning
                frame = selection.of(frame)
        return frame

    def lower(self, formula: Formula, kind: Kind, *, root: int = -1) -> Operand:
        """Return the value of a formula, or of its node at ``root``; note what is wrong with it."""
        nodes = formula.nodes
        if root < 0:
            root += len(nodes)
        values: list[Operand] = []
        for node in nodes[: root + 1]:
            args = [
                values[index]
                if wanted is None
                else self._checked(values[index], wanted, nodes[index], formula)
                for index, wanted in zip(node.args, _wanted(node), strict=True)
            ]
            values.append(self._node(node, self._numbers(node, args), formula))
        return self._checked(self._computed(values[root]), kind, nodes[root], formula)

    def column(self, name: str, node: Node, *, trusting: bool | None = None) -> Operand:
        """Return a column as it is, with NaN as missing; note a fault if there is none."""
        column = self._columns.get(name)
        if column is None:
            near = did_you_mean(self._suggester.near(name))
            known = f"the columns are {shown(', '.join(self._columns), 200)}"
            self.faults.append(
                Fault(
                    "SRC106",
                    f"the source has no column '{shown(name)}'",
                    near or known,
                    node.start,
                    node.end,
                )
            )
            return _MISSING
        self.used.add(column.name)
        if column.kind is Kind.NULL:
            return _MISSING
        there = Operand(column.kind, column.name)
        if column.dtype.is_float():
            if self.trusting if trusting is None else trusting:
                self.trusted[column.name] = name
                return there
            return self._column("there", (there,), None, column.kind)
        return there

    def measured(self, name: str, node: Node) -> Operand:
        """Return a column of numbers in its own data type, so that its sum is exact."""
        operand = self.column(name, node)
        if operand.kind not in (Kind.NUMBER, Kind.NULL):
            self._mismatch(Kind.NUMBER, operand, node, name)
            return _MISSING
        if operand.kind is Kind.NUMBER:
            dtype = self._columns[name].dtype
            if dtype.is_float():
                self._check_floats(name)
                if dtype != nw.Float64:
                    return self._column("float64", (operand,), None, Kind.NUMBER)
            elif dtype.is_integer() and self._engine.wraps and dtype != nw.UInt64:
                return self._column("int64", (operand,), None, Kind.NUMBER)
        return operand

    def told_apart(self, name: str, node: Node) -> Operand:
        """Return a column by which rows are told apart: the texts of a file, not their numbers."""
        operand = self.column(name, node, trusting=False)
        column = self._columns.get(name)
        if column is None or operand.kind is not Kind.NUMBER:
            return operand
        if not column.label:  # -0.0 is 0.0, which pandas tells apart
            floats = column.dtype.is_float()
            return self._column("unsigned", (operand,), None, operand.kind) if floats else operand
        self.used.add(column.label)
        return Operand(Kind.TEXT, column.label)

    def whole(self, operand: Operand, digits: int) -> Operand:
        """Return the floats of a column as whole numbers of decimal places, if they are some.

        A float was written as a decimal of ``digits`` places if it reads as just that one again.
        """
        scale = 10.0**digits
        small = operand
        if self._engine.rounds_to_integers:
            small = self._column("below", (operand,), MOST_WHOLE / scale, Kind.NUMBER)
        rounded = self._column("nearest", (small,), scale, Kind.NUMBER)
        # An engine that multiplies by 1 / scale instead gets a column to divide by.
        divided = "divided" if self._engine.spread is None else "divided_by_column"
        read = self._column(divided, (rounded,), scale, Kind.NUMBER)
        return self._column("whole", (operand, read, rounded), None, Kind.NUMBER)

    def unless(self, operand: Operand, there: Operand) -> Operand:
        """Return the values of a column where another one has none."""
        return self._column("unless", (operand, there), None, Kind.NUMBER)

    def kept(self, operand: Operand) -> str:
        """Return the name of a column that holds the operand."""
        return operand.name or self._column("constant", (operand,), None, operand.kind).name

    # --- nodes

    def _node(self, node: Node, args: Sequence[Operand], formula: Formula) -> Operand:
        op, _, value, *_ = node
        if op == "ref":
            return self._reference(node)
        if op == "number":
            return Operand(Kind.NUMBER, value=float(value))
        if op == "text":
            return Operand(Kind.TEXT, value=value)
        if op == "null":
            return _MISSING
        if op == "compare":
            args = self._comparable(node, args, formula)
            return self._operation(op, args, value, Kind.CONDITION)
        if op in ("in", "not in"):
            return self._member(node, args[0], formula)
        if op in ("and", "or", "not"):
            return self._operation(op, args, None, Kind.CONDITION)
        if op == "call":
            return self._call(node, args, formula)
        return self._operation(op, args, None, Kind.NUMBER)

    def _reference(self, node: Node) -> Operand:
        operand = self.column(node.value, node)
        if operand.kind is Kind.NUMBER:
            self._references[operand.name] = node.value
        return operand

    def _numbers(self, node: Node, args: Sequence[Operand]) -> list[Operand]:
        """Return operands to compute with: numbers as float64, unless they need no rounding.

        Integers are compared with integers in their own type, which tells all of them apart.
        """
        if node.value == "is_missing":
            return list(args)
        listed = node.value if node.op in ("in", "not in") else ()
        if node.op == "compare" or listed:
            whole = [_whole(arg.value) for arg in args if not arg.name and arg.kind is Kind.NUMBER]
            columns = [arg for arg in args if arg.name]
            if (
                columns
                and all(self._is_whole(arg) for arg in columns)
                and len(whole) + len(columns) == len(args)
                and None not in [*whole, *map(_whole, listed)]
            ):
                return [arg if arg.name else arg._replace(value=int(arg.value)) for arg in args]
            if any(arg.kind is Kind.TEXT for arg in args) or isinstance(next(iter(listed), 0), str):
                return list(args)  # texts: no number is computed with
        return [self._computed(arg) for arg in args]

    def _is_whole(self, arg: Operand) -> bool:
        """Whether an operand is a column of integers, as they are."""
        if arg.name not in self._references:
            return False
        column = self._columns[self._references[arg.name]]
        return column.dtype.is_integer() or column.type_name.endswith(",0)")

    def _computed(self, arg: Operand) -> Operand:
        """Return an operand to compute with: a column of numbers as float64."""
        source = self._references.get(arg.name)
        if source is None:
            return arg
        column = self._columns[source]
        if column.dtype.is_float():
            self._check_floats(source)
        elif column.dtype in (nw.Int64, nw.UInt64, nw.Int128, nw.UInt128, nw.Decimal):
            self.exact[column.name] = source
        if column.dtype == nw.Float64:
            return arg
        exact = self._engine.strict_casts and column.dtype.is_integer()
        return self._column("float64_if_exact" if exact else "float64", (arg,), None, Kind.NUMBER)

    def _check_floats(self, name: str) -> None:
        column = self._columns[name]
        if not self.trusting:
            self.finite[column.name] = name
        if column.lost:
            self.used.add(column.lost)
            self.lost[column.lost] = name

    def _call(self, node: Node, args: Sequence[Operand], formula: Formula) -> Operand:
        name = node.value
        number = Kind.NUMBER
        if name == "is_missing":
            return self._operation(name, args, None, Kind.CONDITION)
        if name == "coalesce":
            return self._coalesce(node, args, formula)
        if name in ("min", "max", "sum", "mean"):
            result = args[0]
            step = name if name in ("min", "max") else "+"
            for arg in args[1:]:
                result = self._operation(step, (result, arg), None, number)
            if name == "mean":
                count = Operand(number, value=float(len(args)))
                result = self._operation("/", (result, count), None, number)
            return result
        if name == "clip":
            x, low, high = args
            ordered = self._operation("compare", (low, high), ("<=",), Kind.CONDITION)
            raised = self._operation("max", (x, low), None, number)
            clipped = self._operation("min", (raised, high), None, number)
            return self._operation("if", (ordered, clipped, _MISSING), None, number)
        if name == "round":
            return self._round(node, args)
        if name == "pow":
            name = "**"
        if name not in _EXPRESSIONS:
            self.faults.append(
                Fault(
                    "SRC113",
                    f"{name}() cannot be computed over the rows of a table",
                    "use it in the formula of a metric"
                    if FUNCTIONS[name].over_time
                    else "write it in other words",
                    node.start,
                    node.end,
                )
            )
            return _MISSING
        return self._operation(name, args, None, number)

    def _round(self, node: Node, args: Sequence[Operand]) -> Operand:
        x = args[0]
        digits = args[1].value if len(args) > 1 else 0.0
        if len(args) > 1 and args[1].name:
            self.faults.append(
                Fault(
                    "SRC113",
                    "the digits of round() must be written out over the rows of a table",
                    "write for example round(x, 2)",
                    node.start,
                    node.end,
                )
            )
            return _MISSING
        if not x.name or digits is None or not digits.is_integer():
            constants = (x if not x.name else _MISSING, *args[1:])
            return self._operation("round", constants, None, Kind.NUMBER)
        if digits > 308:
            return x
        if digits < -308:
            return self._operation("*", (x, _ZERO), None, Kind.NUMBER)
        scale = Operand(Kind.NUMBER, value=math.pow(10.0, digits))
        scaled = self._column("scaled", (x, scale), None, Kind.NUMBER)
        return self._column("rounded", (x, scaled, scale), None, Kind.NUMBER)

    def _coalesce(self, node: Node, args: Sequence[Operand], formula: Formula) -> Operand:
        there = [arg for arg in args if arg.kind is not Kind.NULL]
        if not there:
            return _MISSING
        kind = there[0].kind
        for index, arg in zip(node.args, args, strict=True):
            if arg.kind not in (kind, Kind.NULL):
                self._mismatch(kind, arg, formula.nodes[index], _text(formula, index))
                return _MISSING
        there = [arg for arg in there if arg.name or arg.value is not None]
        if not there:
            return Operand(kind)
        if not there[0].name:
            return there[0]
        return self._operation("coalesce", there, None, kind) if len(there) > 1 else there[0]

    def _comparable(
        self, node: Node, args: Sequence[Operand], formula: Formula
    ) -> tuple[Operand, ...]:
        """Return the operands of a comparison, all of one kind."""
        if set(node.value) <= {"==", "!="} and any(_is_text(arg) for arg in args):
            args = [
                self._as_text(arg, formula.nodes[index])
                for index, arg in zip(node.args, args, strict=True)
            ]
        kinds = {arg.kind for arg in args} - {Kind.NULL}
        if Kind.TIME in kinds:
            args = [
                self._moment(arg, formula.nodes[index])
                if arg.kind is Kind.TEXT and not arg.name
                else arg
                for index, arg in zip(node.args, args, strict=True)
            ]
            kinds = {arg.kind for arg in args} - {Kind.NULL}
            if self._engine.strict_times:
                args = [self._midnight(arg) for arg in args]
        if len(kinds) > 1 or Kind.OTHER in kinds:
            if Kind.NUMBER in kinds and any(
                self._told_cell(arg, formula.nodes[index], rare=True)
                for index, arg in zip(node.args, args, strict=True)
            ):
                return (_MISSING,) * len(args)
            parts = [
                f"{_quoted(_text(formula, index))} ({self._described(arg, formula.nodes[index])})"
                for index, arg in zip(node.args, args, strict=True)
            ]
            self.faults.append(
                Fault(
                    "SRC107",
                    f"these cannot be compared: {' and '.join(parts)}",
                    "compare values of one kind; text stands in quotes, numbers do not",
                    node.start,
                    node.end,
                )
            )
            return (_MISSING,) * len(args)
        kind = next(iter(kinds), Kind.NULL)
        return tuple(arg._replace(kind=kind) for arg in args)

    def _as_text(self, arg: Operand, node: Node) -> Operand:
        """Return a column of a text file as its texts."""
        column = self._columns.get(node.value) if node.op == "ref" else None
        if column is None or not column.text or arg.kind is Kind.TEXT:
            return arg
        self.used.add(column.text)
        return Operand(Kind.TEXT, column.text)

    def _moment(self, arg: Operand, node: Node) -> Operand:
        """Return the date or time that a text spells."""
        try:
            moment = datetime.fromisoformat(arg.value)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is not None:
            self.faults.append(
                Fault(
                    "SRC107",
                    f"the text '{shown(arg.value)}' is compared with a date, but is none",
                    "write '2026-01-31' or '2026-01-31 10:00:00'",
                    node.start,
                    node.end,
                )
            )
            return _MISSING
        return Operand(Kind.TIME, value=moment)

    def _midnight(self, arg: Operand) -> Operand:
        """Return a column of days as one of times."""
        days = {column.name for column in self._columns.values() if column.dtype == nw.Date}
        return self._column("time", (arg,), None, Kind.TIME) if arg.name in days else arg

    def _member(self, node: Node, arg: Operand, formula: Formula) -> Operand:
        kind = Kind.TEXT if isinstance(node.value[0], str) else Kind.NUMBER
        if kind is Kind.TEXT:
            arg = self._as_text(arg, formula.nodes[node.args[0]])
        if arg.kind is Kind.NULL:
            return Operand(Kind.CONDITION)
        if arg.kind is not kind:
            column = formula.nodes[node.args[0]]
            if kind is Kind.NUMBER and self._told_cell(arg, column, rare=True):
                return _MISSING
            self.faults.append(
                Fault(
                    "SRC107",
                    f"{_quoted(_text(formula, node.args[0]))} is {self._described(arg, column)}, "
                    f"and the list of `in` holds {'texts' if kind is Kind.TEXT else 'numbers'}",
                    "text stands in quotes, numbers do not; dates are compared with == and <",
                    node.start,
                    node.end,
                )
            )
            return _MISSING
        if not arg.name:
            return Operand(Kind.CONDITION, value=(arg.value in node.value) is (node.op == "in"))
        listed = tuple(map(int, node.value)) if self._is_whole(arg) else node.value
        return self._column(node.op, (arg,), listed, Kind.CONDITION)

    # --- kinds

    def _checked(self, operand: Operand, wanted: Kind, node: Node, formula: Formula) -> Operand:
        if operand.kind in (wanted, Kind.NULL):
            return operand._replace(kind=wanted)
        self._mismatch(wanted, operand, node, formula.text[node.start : node.end])
        return Operand(wanted)

    def _mismatch(self, wanted: Kind, operand: Operand, node: Node, text: str) -> None:
        if wanted is Kind.NUMBER and self._told_cell(operand, node, rare=False):
            return
        advice = "choose another column"
        if operand.kind is Kind.TEXT and wanted is Kind.NUMBER:
            advice = "store it as numbers, or choose another column"
        elif operand.kind is Kind.TEXT and wanted is Kind.CONDITION:
            advice = f"compare it: `{shown(text)} == 'text'`"
        elif operand.kind is Kind.CONDITION:
            advice = f"write `1 if {shown(text)} else 0`"
        elif wanted is Kind.CONDITION:
            advice = f"compare it: `{shown(text)} > 0`"
        self.faults.append(
            Fault(
                "SRC107",
                f"{_quoted(text)} is {self._described(operand, node)}, where "
                f"{'a condition' if wanted is Kind.CONDITION else wanted.value} is needed",
                advice,
                node.start,
                node.end,
            )
        )

    def _told_cell(self, operand: Operand, node: Node, *, rare: bool) -> bool:
        """Note the cell that makes a column one of texts, if it can be told."""
        if operand.kind is not Kind.TEXT or node.op != "ref":
            return False
        cell = self._no_number(node.value)
        if cell is None or (rare and not cell.rare):
            return False
        self.faults.append(
            Fault(
                "SRC107",
                f"'{shown(node.value)}' holds text: '{shown(cell.text)}' in {cell.place}, "
                "where a number is needed",
                "repair the cell, or leave it empty"
                if cell.rare
                else "store it as plain numbers, or choose another column",
                node.start,
                node.end,
            )
        )
        return True

    def _described(self, operand: Operand, node: Node) -> str:
        """Return what an operand is, a column with the type that the source gives it."""
        if node.op == "ref" and node.value in self._columns:
            column = self._columns[node.value]
            what = "a column" if operand.kind is Kind.OTHER else operand.kind.value
            return f"{what} of type {shown(column.type_name)}"
        return operand.kind.value

    # --- operations

    def _operation(self, op: str, args: Sequence[Operand], value: Any, kind: Kind) -> Operand:
        """Return an operation's result: computed now if its operands are constants."""
        if op == "if" and not args[0].name:
            return args[1] if args[0].value else args[2]
        constants = [arg.value for arg in args if not arg.name]
        if len(constants) == len(args):
            return _folded(op, args, value, kind)
        if None in constants and op not in LOOK_AT_MISSING:
            return Operand(kind)
        return self._column(op, args, value, kind)

    def _column(self, op: str, args: Sequence[Operand], value: Any, kind: Kind) -> Operand:
        """Return a new column of the frame, or the one that holds the same already."""
        key = (op, value, tuple((arg.name, arg.kind, arg.value) for arg in args))
        known = self._known.get(key)
        if known is not None:
            return known
        level = 1 + max(arg.level for arg in args)
        number = len(self._known)
        if level > MOST_LEVELS or number >= MOST_OPERATIONS:
            if not any(fault.code == "SRC114" for fault in self.faults):
                what = (
                    f"more than {MOST_LEVELS:,} operations on top of each other"
                    if level > MOST_LEVELS
                    else f"more than {MOST_OPERATIONS:,} different operations"
                )
                self.faults.append(Fault("SRC114", f"this is {what}", "write it more simply", 0, 1))
            return Operand(kind)
        inputs = tuple(arg.name for arg in args if arg.name)
        native = None
        exprs: Sequence[Any] = [
            self._engine.time(arg.value) if isinstance(arg.value, datetime) else arg.plain
            for arg in args
        ]
        if op == "%" and self._engine.remainder is not None:
            native = self._engine.remainder(*(arg.name or arg.value for arg in args))
            result: nw.Expr = nw.col(f"op{number}")
        else:
            if self._engine.guarded and op in GUARDS:
                exprs = GUARDS[op](*exprs)
            expression = _EXPRESSIONS[op]
            result = expression(*exprs) if value is None else expression(*exprs, value=value)
            if self._engine.decimals and op in ("if", "coalesce", "sign", "safe_div"):
                result = nw.coalesce(result, written(None)) if kind is Kind.NUMBER else result
        if op in _MAY_BE_INFINITE:
            result = finite(result)
        self._layers.add(f"op{number}", Term(result, inputs, level - 1), native)
        operand = Operand(kind, f"op{number}", None, level)
        self._known[key] = operand
        return operand


def _is_text(arg: Operand) -> bool:
    return arg.kind is Kind.TEXT and not arg.name


def _whole(value: Any) -> int | None:
    """Return a number as an integer of 64 bits, if it is one."""
    if isinstance(value, (int, float)) and abs(value) < 2**63 and value == int(value):
        return int(value)
    return None


def _text(formula: Formula, index: int) -> str:
    node = formula.nodes[index]
    return formula.text[node.start : node.end]


def _quoted(text: str) -> str:
    return shown(text) if text.startswith(("'", '"')) else f"'{shown(text)}'"


def _wanted(node: Node) -> tuple[Kind | None, ...]:
    """Return the kind that each operand of a node must have; ``None`` is any."""
    if node.op == "if":
        return (Kind.CONDITION, Kind.NUMBER, Kind.NUMBER)
    wanted: Kind | None = Kind.NUMBER
    if node.op in ("and", "or", "not"):
        wanted = Kind.CONDITION
    elif node.op in ("compare", "in", "not in") or node.value in ("coalesce", "is_missing"):
        wanted = None
    return (wanted,) * len(node.args)


def _folded(op: str, args: Sequence[Operand], value: Any, kind: Kind) -> Operand:
    """Return an operation on constants, computed by the scalar engine."""
    names = [f"arg{position}" for position in range(len(args))]
    nodes = [Node("ref", (), name, 0, 0) for name in names]
    call = op in FUNCTIONS
    nodes.append(Node("call" if call else op, tuple(range(len(args))), op if call else value, 0, 0))
    values = {name: arg.value for name, arg in zip(names, args, strict=True)}
    result = evaluate(Formula(tuple(nodes), ""), values)
    if result is not None and kind is Kind.CONDITION:
        return Operand(kind, value=bool(result))
    return Operand(kind, value=result)


# --- operations on columns of texts, times and truth values as well, and on numbers as they are


def _compare(*args: nw.Expr, value: Sequence[str]) -> nw.Expr:
    result: nw.Expr | None = None
    for symbol, left, right in zip(value, args, args[1:], strict=False):
        one: Any = COMPARISONS[symbol](left, right)
        result = one if result is None else result & one
    assert result is not None
    return result


def _in(x: nw.Expr, value: Sequence[Any]) -> nw.Expr:
    return nw.when(~x.is_null()).then(x.is_in(list(value)))


_EXPRESSIONS: Final[Mapping[str, Callable[..., nw.Expr]]] = {
    **EXPRESSIONS,
    "constant": written,
    "there": lambda x: nw.when(~x.is_nan()).then(x),
    "float64": lambda x: x.cast(nw.Float64),
    "float64_if_exact": lambda x: nw.when((x <= EXACT) & (x >= -EXACT)).then(x).cast(nw.Float64),
    "unsigned": lambda x: x + 0.0,
    "int64": lambda x: x.cast(nw.Int64),
    "time": lambda x: x.cast(nw.Datetime("us")),
    "below": lambda x, value: nw.when(x.abs() < value).then(x),
    "nearest": lambda x, value: (x * value).round(0),
    "divided": lambda x, value: x / value,
    "divided_by_column": lambda x, value: x / (x * 0.0 + value),
    "whole": lambda x, read, whole: (
        nw.when((read == x) & (whole.abs() < MOST_WHOLE)).then(whole).cast(nw.Int64)
    ),
    "unless": lambda x, there: nw.when(there.is_null()).then(x),
    "compare": _compare,
    "in": _in,
    "not in": lambda x, value: ~_in(x, value),
    "scaled": scaled,
    "rounded": rounded,
}
_MAY_BE_INFINITE: Final = frozenset(
    ("+", "-", "*", "/", "%", "**", "sqrt", "exp", "log", "log10", "safe_div", "rounded")
)
