"""Expressions as Ibis writes them for DuckDB -> the same, shorter, in words of every dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Series", "finite", "period_number", "portable", "spelled"]

LARGEST: Final = "1.7976931348623157e308"
LEAST_EXPONENT: Final = "-745.1332191019411"
"""Below it, e to the power is zero in float64, which is an error where overflow is one."""
_DAYS_TO_MONDAY: Final = 3
"""From the Monday before it to 1970-01-01."""


class Series(NamedTuple):
    """The columns by which functions over time find other periods."""

    period: exp.Column
    """The number of the period, NULL where its series has it more than once."""
    number: exp.Column
    """The same, also where there are several."""
    by: tuple[exp.Column, ...]
    nulls_first: bool
    """What the dialect does by itself; where no period is given, no function over time has one."""
    ranges: bool
    """Another row may be found by the number of its period, and not only by counting rows."""

    def over(self, function: exp.Expr) -> exp.Expr:
        """Return a function over the rows of each series up to this one, oldest first."""
        oldest = exp.Ordered(this=self.period.copy(), nulls_first=self.nulls_first)
        return exp.Window(
            this=function, partition_by=self._groups(), order=exp.Order(expressions=[oldest])
        )

    def first(self) -> exp.Expr:
        """Return the number of the first period of the series."""
        return exp.Window(this=exp.Min(this=self.number.copy()), partition_by=self._groups())

    def once(self) -> exp.Expr:
        """Return the number of the period, NULL where its series has it more than once."""
        count = exp.Window(
            this=exp.Count(this=exp.Star()), partition_by=[*self._groups(), self.number.copy()]
        )
        return exp.Case().when(exp.EQ(this=count, expression=_number(1)), self.number.copy())

    def lag(self, x: exp.Expr, periods: exp.Expr) -> exp.Expr:
        """Return what stands so many periods before, NULL if there is not just one such row."""
        expected = exp.Sub(this=self.period.copy(), expression=periods.copy())
        period, row = (self._before(column, periods) for column in (self.period.copy(), x))
        return exp.Case().when(exp.EQ(this=period, expression=expected), row)

    def _before(self, x: exp.Expr, periods: exp.Expr) -> exp.Expr:
        """Return what stands so many periods before, or else so many rows, which a gap shifts."""
        if not self.ranges:
            return self.over(exp.Lag(this=x, offset=periods.copy()))
        found = self.over(exp.Max(this=x))  # of one row, or of none
        frame = exp.WindowSpec(
            kind="RANGE",
            start=periods.copy(),
            start_side="PRECEDING",
            end=periods.copy(),
            end_side="PRECEDING",
        )
        found.set("spec", frame)
        return found

    def cumulative(self, x: exp.Expr) -> exp.Expr:
        """Return the sum so far, NULL if not each period so far has just one number."""
        there = exp.Case().when(_is_there(self.period), x)
        count, total = (self.over(function(this=there.copy())) for function in (exp.Count, exp.Sum))
        total.set(
            "spec",
            exp.WindowSpec(
                kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW"
            ),
        )
        count.set("spec", total.args["spec"].copy())
        before = exp.Sub(this=self.period.copy(), expression=self.first())
        wanted = exp.Add(this=before, expression=_number(1))
        return exp.Case().when(exp.EQ(this=count, expression=wanted), total)

    def _groups(self) -> list[exp.Expr]:
        return [column.copy() for column in self.by]


def finite(x: exp.Expr) -> exp.Expr:
    """Return a number, NULL where it is not finite: NaN is above all numbers, or not comparable."""
    return exp.Case().when(_is_finite(x), x.copy())


def _is_finite(x: exp.Expr) -> exp.Expr:
    return exp.LTE(this=exp.Abs(this=x.copy()), expression=_number(LARGEST))


def period_number(time: exp.Expr, grain: str, dialect: str) -> exp.Expr:
    """Return the number of the period that holds a date or a time, as in `periods`."""
    day = exp.cast(time, exp.DType.DATE)
    if grain in ("day", "week"):
        start = exp.cast(exp.Literal.string("1970-01-01"), exp.DType.DATE)
        days: exp.Expr = exp.DateDiff(this=day, expression=start, unit=exp.var("DAY"))
        if dialect == "postgres":  # where dates are subtracted
            days = exp.Paren(this=exp.Sub(this=day, expression=start))
        if grain == "day":
            return days
        since = exp.Paren(this=exp.Add(this=days, expression=_number(_DAYS_TO_MONDAY)))
        return exp.Floor(this=exp.Div(this=since, expression=exp.Literal.number("7.0")))
    year, month = (_part(day, part, dialect) for part in ("year", "month"))
    if grain == "year":
        return year
    months = exp.Add(this=exp.Mul(this=year, expression=_number(12)), expression=month)
    if grain == "month":
        return months
    from_zero = exp.Paren(this=exp.Sub(this=months, expression=_number(1)))
    return exp.Floor(this=exp.Div(this=from_zero, expression=exp.Literal.number("3.0")))


def _part(day: exp.Expr, part: str, dialect: str) -> exp.Expr:
    """Return the year or the month of a day."""
    if dialect == "sqlite":
        written = exp.Literal.string({"year": "%Y", "month": "%m"}[part])
        text = exp.Anonymous(this="STRFTIME", expressions=[written, day.this.copy()])
        return exp.cast(text, exp.DType.INT)
    return exp.Extract(this=exp.var(part.upper()), expression=day.copy())


# --- one expression


def portable(
    expression: exp.Expr,
    conditions: Mapping[str, exp.Expr],
    series: Series,
    *,
    underflows: bool,
) -> exp.Expr:
    """Return an expression in words of every dialect; conditions stand in place of their names.

    ``underflows`` says that zero as a result of `exp` is an error.
    """
    root = exp.Paren(this=expression)  # so that the expression itself can be replaced
    for node in list(root.find_all(exp.Column)):
        condition = conditions.get(node.name)
        node.replace(
            exp.column(exp.to_identifier(node.name, quoted=True))
            if condition is None
            else exp.Paren(this=condition.copy())
        )
    if root.find(exp.Window):
        _over_time(root, series)
    _rewrite(root, _PORTABLE)
    _rewrite(root, _SHORTER)
    if underflows:
        for power in list(root.find_all(exp.Exp)):
            least = _number(LEAST_EXPONENT)
            above = exp.GT(this=power.this.copy(), expression=least)
            below = exp.LTE(this=power.this.copy(), expression=least.copy())
            power.replace(exp.Case().when(above, power.copy()).when(below, _number("0.0")))
    _rewrite(root, {exp.Paren: _bare})
    for value in list(root.find_all(exp.Case, exp.Literal, exp.Neg)):
        if not isinstance(value.parent, (exp.If, exp.Case, exp.Coalesce)) and _is_decimal(value):
            computed = not isinstance(value, exp.Case) and value.parent is not root
            if not computed:
                value.replace(exp.cast(value.copy(), exp.DType.DOUBLE))
    found = root.this.pop()
    assert isinstance(found, exp.Expr)
    return found


def spelled(expression: exp.Expr, column: Callable[[str], exp.Expr], dialect: str) -> exp.Expr:
    """Return an expression with columns and functions spelled as a dialect needs it."""

    def spell(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            return column(node.name)
        if isinstance(node, exp.Log) and dialect != "snowflake":
            name = "LOG" if dialect == "redshift" else "LOG10"
            return exp.Anonymous(this=name, expressions=[node.expression.copy()])
        if isinstance(node, exp.Round) and dialect != "mssql":
            return exp.Round(this=node.this.copy())
        if isinstance(node, (exp.Floor, exp.Ceil)) and dialect in _WHOLE_ARE_INTEGERS:
            x = node.this.copy()
            small = exp.LT(this=exp.Abs(this=x), expression=_number("4503599627370496.0"))
            return exp.Case().when(small, type(node)(this=x.copy())).else_(x.copy())
        return node

    root = exp.Paren(this=expression)
    for node in reversed(list(root.find_all(exp.Column, exp.Log, exp.Floor, exp.Ceil, exp.Round))):
        node.replace(spell(node))
    found = root.this.pop()
    assert isinstance(found, exp.Expr)
    return found


_WHOLE_ARE_INTEGERS: Final = ("spark", "databricks")
"""FLOOR and CEIL give integers there; from 2**52 on all float64 are whole."""


def _rewrite(root: exp.Expr, rules: Mapping[type[exp.Expr], Callable[[Any], exp.Expr]]) -> None:
    """Apply rules from the innermost expression outwards."""
    for node in reversed(list(root.bfs())):
        rule = rules.get(type(node))
        if rule is not None and node.parent is not None:
            found = rule(node)
            if found is not node:
                node.replace(found)


def _number(value: object) -> exp.Expr:
    return exp.Literal(this=str(value), is_string=False)


def _is_there(x: exp.Expr) -> exp.Expr:
    return exp.Is(this=x.copy(), expression=exp.Not(this=exp.Null()))


def _over_time(root: exp.Expr, series: Series) -> None:
    """Guard what looks at other rows; a running sum comes with a count of what is missing."""
    for node in list(root.find_all(exp.Case)):
        test = node.args["ifs"][0].this
        if isinstance(test, exp.EQ) and _counts_missing(test.this.unnest()):
            total = node.args["ifs"][0].args["true"].find(exp.Sum)
            assert total is not None
            node.replace(series.cumulative(total.this.copy()))
    for window in list(root.find_all(exp.Window)):
        lag = window.this
        if isinstance(lag, exp.Lag) and window.args.get("spec"):  # Ibis writes one; ours has none
            window.replace(series.lag(lag.this.copy(), lag.args["offset"]))


def _counts_missing(x: exp.Expr) -> bool:
    """Whether it is the running count of what is missing that comes with a running sum."""
    if isinstance(x, exp.Case):
        x = x.args["ifs"][0].args["true"]
    if not (isinstance(x, exp.Window) and isinstance(x.this, exp.Sum)):
        return False
    return isinstance(x.this.this, exp.Cast)  # of a truth; what is summed is a column


# --- rules for what only DuckDB understands, and for detours of narwhals and Ibis


def _case(node: exp.Case) -> exp.Expr:
    """Drop NaN and infinity, whose operands are NULL already; tell what floor and ceil are."""
    ifs, default = node.args["ifs"], node.args.get("default")
    if default is not None and all(_not_finite(one.args["true"]) for one in ifs):
        return _copy(default)
    test = ifs[0].this
    if isinstance(default, exp.Round) and type(test) in (exp.GT, exp.LT) and test.this == default:
        return (exp.Floor if isinstance(test, exp.GT) else exp.Ceil)(this=default.this.copy())
    return node


def _copy(node: Any) -> exp.Expr:
    found = node.copy()
    assert isinstance(found, exp.Expr)
    return found


def _not_finite(value: exp.Expr) -> bool:
    return isinstance(value, exp.Cast) and value.this.name in ("nan", "inf", "-inf")


def _cast(node: exp.Cast) -> exp.Expr:
    """Let ROUND give a float, which Ibis takes for an integer."""
    return _copy(node.this) if isinstance(node.this, exp.Round) else node


def _not(node: exp.Not) -> exp.Expr:
    denied = node.this.unnest()
    if isinstance(denied, exp.Or) and isinstance(denied.this, exp.IsInf):
        return _is_finite(denied.this.this)
    opposite = _OPPOSITES.get(type(denied))
    if opposite is not None:
        return opposite(this=denied.this.copy(), expression=denied.expression.copy())
    return _is_there(denied.this) if isinstance(denied, exp.Is) else node


_OPPOSITES: Final[Mapping[type[exp.Expr], type[exp.Binary]]] = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.LT: exp.GTE,
    exp.LTE: exp.GT,
    exp.GT: exp.LTE,
    exp.GTE: exp.LT,
}
"""Without NaN, and with NULL for unknown, they are."""


def _divide(node: exp.Div) -> exp.Expr:
    a, b = node.this, node.expression
    if isinstance(a, exp.Ln) and isinstance(b, exp.Ln) and isinstance(b.this, exp.Literal):
        return _copy(a)  # by the logarithm of e
    if _is_one(b):
        return _copy(a)
    return exp.Div(this=a.copy(), expression=b.copy(), typed=True, safe=False)


def _or(node: exp.Or) -> exp.Expr:
    """Tell what ``ABS(x) >= 2**52 OR ROUND(CASE WHEN ABS(x) < 2**52 THEN x END) = x`` is."""
    large, whole = node.this.unnest(), node.expression.unnest()
    if not (isinstance(large, exp.GTE) and isinstance(whole, exp.EQ)):
        return node
    near, x = whole.this, whole.expression
    if not (isinstance(near, exp.Round) and large.this == exp.Abs(this=x.copy())):
        return node
    return exp.EQ(this=exp.Floor(this=x.copy()), expression=x.copy())


def _remainder(node: exp.Mod) -> exp.Expr:
    """Return Python's remainder in place of that of SQL, which has the sign of ``a``.

    narwhals writes ``((a % b) + b) % b``, of which ``+ b`` may round; before 2.28 it wrote SQL's.
    """
    added = node.this.unnest()
    if isinstance(added, exp.Add):
        inner = added.this.unnest()  # rewritten already
        rest = inner.args.get("default")
        if isinstance(rest, exp.Mod) and rest.expression == node.expression == added.expression:
            return _copy(inner)
    b, zero = node.expression, _number(0)
    differ = [
        exp.paren(
            exp.And(
                this=one(this=node.copy(), expression=zero),
                expression=other(this=b.copy(), expression=zero),
            )
        )
        for one, other in ((exp.LT, exp.GT), (exp.GT, exp.LT))
    ]
    raised = exp.Add(this=node.copy(), expression=b.copy())
    return exp.Case().when(exp.Or(this=differ[0], expression=differ[1]), raised).else_(node.copy())


_PORTABLE: Final[Mapping[type[exp.Expr], Callable[[Any], exp.Expr]]] = {
    exp.Case: _case,
    exp.Cast: _cast,
    exp.Div: _divide,
    exp.Mod: _remainder,
    exp.Not: _not,
    exp.Or: _or,
}


# --- rules that make it shorter


def _short_case(node: exp.Case) -> exp.Expr:
    ifs, default = node.args["ifs"], node.args.get("default")
    if _is_null(default):
        default = None
    elif isinstance(default, exp.Case):
        ifs, default = [*ifs, *default.args["ifs"]], default.args.get("default")
    test, value = ifs[0].this, ifs[0].args["true"]
    if len(ifs) == 1 and default is None and isinstance(test, exp.NEQ) and test.this == value:
        zero = test.expression
        if isinstance(zero, exp.Literal) and float(zero.this) == 0:
            return exp.Nullif(this=value.copy(), expression=_number(0))
    return exp.Case(
        ifs=[_copy(one) for one in ifs], default=None if default is None else _copy(default)
    )


def _is_null(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Null) or (
        isinstance(node, exp.Cast) and isinstance(node.this, exp.Null)
    )


def _guarded(node: exp.Expr) -> exp.Expr:
    """Write ``CASE WHEN x > 0 THEN LN(x) END`` for ``LN(CASE WHEN x > 0 THEN x END)``."""
    place = "expression" if isinstance(node, exp.Log) else "this"
    case = node.args[place]
    if not isinstance(case, exp.Case) or len(case.args["ifs"]) > 1 or case.args.get("default"):
        return node
    one = case.args["ifs"][0]
    function = node.copy()
    function.set(place, one.args["true"].copy())
    return exp.Case().when(one.this.copy(), function)


def _coalesce(node: exp.Coalesce) -> exp.Expr:
    values = [node.this, *node.expressions]
    last = values[-1]
    if isinstance(last, exp.Coalesce):
        values[-1:] = [last.this, *last.expressions]
    first, *others = [value.copy() for value in values]
    return exp.Coalesce(this=first, expressions=others)


def _times(node: exp.Mul) -> exp.Expr:
    a, b = node.this, node.expression
    if _is_one(b):
        return _copy(a)
    if isinstance(b, exp.Neg) and _is_one(b.this):
        return exp.Neg(this=a.copy() if isinstance(a, _ATOMS) else exp.Paren(this=a.copy()))
    return _in_order(node)


def _is_one(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and float(node.this) == 1


def _in_order(node: exp.Binary) -> exp.Expr:
    """Let ``a + (b + c)`` be ``(b + c) + a``, the same float, of which brackets can go."""
    a, b = node.this, node.expression
    if (
        isinstance(b, exp.Paren)
        and type(b.this) is type(node)
        and type(a.unnest()) is not type(node)
    ):
        return type(node)(this=b.copy(), expression=a.copy())
    return node


_SHORTER: Final[Mapping[type[exp.Expr], Callable[[Any], exp.Expr]]] = {
    exp.Add: _in_order,
    exp.Case: _short_case,
    exp.Coalesce: _coalesce,
    exp.Exp: _guarded,
    exp.Ln: _guarded,
    exp.Log: _guarded,
    exp.Mul: _times,
    exp.Sqrt: _guarded,
}
_ATOMS: Final = (exp.Column, exp.Func, exp.Literal, exp.Paren)
_BINDS: Final[Mapping[type[exp.Expr], int]] = {
    **dict.fromkeys((exp.Or,), 1),
    **dict.fromkeys((exp.And,), 2),
    **dict.fromkeys((exp.Not,), 3),
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is), 4),
    **dict.fromkeys((exp.Add, exp.Sub), 5),
    **dict.fromkeys((exp.Mul, exp.Div, exp.Mod), 6),
}


def _bare(node: exp.Paren) -> exp.Expr:
    """Drop brackets that do not matter; `and` in `or` keeps them, for people."""
    inside, around = node.this, node.parent
    binds = _BINDS.get(type(inside))
    assert around is not None
    outer = _BINDS.get(type(around))
    if binds is None:
        free = isinstance(inside, _ATOMS)
    elif outer is None:
        free = not isinstance(around, exp.Neg)
    elif outer <= 3:
        free = binds > 3 or (type(inside) is type(around) and outer < 3)
    elif outer == 4:
        free = binds > 4
    else:
        free = binds > outer or (binds == outer and node.arg_key == "this")
    return _copy(inside) if free else node


def _is_decimal(node: exp.Expr | None) -> bool:
    """Whether a value is made of literals only, which many dialects take for exact decimals."""
    if isinstance(node, exp.Case):
        values = [one.args["true"] for one in node.args["ifs"]]
        values += [node.args["default"]] if node.args.get("default") else []
        return all(map(_is_decimal, values))
    if isinstance(node, (exp.Neg, exp.Paren)):
        return _is_decimal(node.this)
    return isinstance(node, (exp.Literal, exp.Null))
