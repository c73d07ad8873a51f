"""Shared Hypothesis strategies: formulas with a judge of their own, trees with data, documents."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAMES = ("a", "b", "c", "orders", "visits_2")

# --- formulas: a tree of tuples, its text, and its value by NumPy


@dataclass(frozen=True)
class Drawn:
    """A formula as it was drawn: an operator or function, and what it works on."""

    op: str
    args: tuple[Any, ...] = ()


_literals = st.one_of(
    st.sampled_from([0.0, 1.0, 2.0, 0.5, 10.0, 1e6, 1e300, 1e-300, 3.0]),
    st.floats(min_value=0, max_value=100).map(abs),
    st.floats(min_value=0, max_value=1e308).map(abs),
)
_digits = st.integers(-3, 6)
_binary = ("+", "-", "*", "/", "%", "**", "pow")
_unary = ("neg", "abs", "sqrt", "exp", "log", "log10", "floor", "ceil", "sign", "round")
_several = ("min", "max", "sum", "mean", "coalesce")
_once = [*_binary, *_binary, *_unary, *_several, "clip", "safe_div", "round to", "if", "if"]
_windows = ("rolling_sum", "rolling_mean", "rolling_min", "rolling_max")
_over_time = ("lag", "change", "growth", *_windows, "cumulative")
_LEAVES = (*["ref"] * 6, *["number"] * 3, "null")


class _Drawing:
    """Draws formulas over ``names``; with functions over time if ``over_time``."""

    def __init__(
        self, draw: st.DrawFn, names: Sequence[str] = NAMES, *, over_time: bool = False
    ) -> None:
        self.draw = draw
        self.names = st.sampled_from(names)
        times = [name for name in _over_time for _ in range(2)] if over_time else []
        self.operations = st.sampled_from([*_once, *times])

    def number(self, depth: int, *, null: bool = True) -> Drawn:
        draw = self.draw
        if depth == 0 or draw(st.integers(0, 4)) == 0:
            kind = draw(st.sampled_from(_LEAVES if null else _LEAVES[:-1]))
            if kind == "null":
                return Drawn("null")
            return Drawn(kind, (draw(self.names if kind == "ref" else _literals),))
        op = draw(self.operations)
        if op == "if":
            condition = self.condition(depth - 1)
            return Drawn(op, (condition, self.number(depth - 1), self.number(depth - 1)))
        if op == "round to":
            digits = draw(_digits)
            number = Drawn("number", (float(abs(digits)),))
            return Drawn(
                "round",
                (self.number(depth - 1), number if digits >= 0 else Drawn("neg", (number,))),
            )
        if op == "cumulative":
            return Drawn(op, (self.number(depth - 1),))
        if op in _over_time:
            periods = draw(st.sampled_from([1, 2, 3, 1, 2, 4, 5]))
            x = self.number(depth - 1)
            written = op in _windows or draw(st.booleans())
            return Drawn(op, (x, Drawn("number", (periods,))) if written else (x,))
        count = 1 if op in _unary else 2 if op in _binary else 3
        if op in _several:
            count = draw(st.integers(2, 4))
        return Drawn(op, tuple(self.number(depth - 1) for _ in range(count)))

    def condition(self, depth: int) -> Drawn:
        draw = self.draw
        kind = draw(st.sampled_from(["compare", "compare", "is_missing", "not", "and", "or"]))
        if depth <= 0 or kind == "compare":
            count = draw(st.integers(1, 2))
            operators = tuple(draw(st.sampled_from(list(_COMPARE))) for _ in range(count))
            operands = [self.number(max(depth - 1, 0), null=False) for _ in range(count + 1)]
            return Drawn("compare", (operators, *operands))
        if kind == "is_missing":
            return Drawn(kind, (self.number(depth - 1),))
        count = 1 if kind == "not" else 2
        return Drawn(kind, tuple(self.condition(depth - 1) for _ in range(count)))


@st.composite
def _formulas(draw: st.DrawFn) -> Drawn:
    return _Drawing(draw).number(draw(st.integers(0, 4)))


formulas = _formulas()
values = st.one_of(
    st.none(),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 1e308, -1e308, 5e-324, 1e16, -8.0, 3.0]),
    st.floats(allow_nan=False, allow_infinity=False),
)
inputs = st.fixed_dictionaries(dict.fromkeys(NAMES, values))


def text_of(drawn: Drawn) -> str:
    """Return the formula with brackets around everything."""
    op, args = drawn.op, drawn.args
    if op == "number":
        return repr(args[0])
    if op == "ref":
        return str(args[0])
    if op == "null":
        return "null"
    if op == "neg":
        return f"(-{text_of(args[0])})"
    if op == "not":
        return f"(not {text_of(args[0])})"
    if op == "compare":
        operators, first, *rest = args
        pairs = zip(operators, rest, strict=True)
        return "(" + text_of(first) + "".join(f" {o} {text_of(x)}" for o, x in pairs) + ")"
    if op == "if":
        condition, then, otherwise = map(text_of, args)
        return f"({then} if {condition} else {otherwise})"
    if op in ("+", "-", "*", "/", "%", "**", "and", "or"):
        return f"({text_of(args[0])} {op} {text_of(args[1])})"
    return f"{op}({', '.join(map(text_of, args))})"


_NUMPY: dict[str, Any] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.mod,
    "**": np.power,
    "pow": np.power,
    "neg": np.negative,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "log10": np.log10,
    "floor": np.floor,
    "ceil": np.ceil,
    "sign": np.sign,
    "min": lambda *xs: np.min(xs),
    "max": lambda *xs: np.max(xs),
    "sum": lambda *xs: np.add.accumulate(xs)[-1],
    "mean": lambda *xs: np.add.accumulate(xs)[-1] / np.float64(len(xs)),
}
_COMPARE = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def numpy_value(drawn: Drawn, known: Mapping[str, float | None], nudge: int = 0) -> float | None:
    """Return the value of a drawn formula by NumPy's float64, where not finite means missing.

    ``nudge`` moves each power, exponential and logarithm by so many units in its last place:
    libraries of mathematics differ by one.
    """
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = _numpy(drawn, known, nudge)
    return None if np.isnan(value) else float(value)


def is_steady(drawn: Drawn, known: Mapping[str, float | None]) -> bool:
    """Whether the last place of a power, exponential or logarithm does not decide the value."""
    value = numpy_value(drawn, known)
    return all(
        other == value
        or (other is not None and value is not None and math.isclose(other, value, rel_tol=1e-13))
        for other in (numpy_value(drawn, known, nudge) for nudge in (-2, 2))
    )


def _finite(value: Any) -> np.float64:
    return np.float64(value) if np.isfinite(value) else np.float64("nan")


def _numpy(drawn: Drawn, known: Mapping[str, float | None], nudge: int) -> np.float64:
    op, args = drawn.op, drawn.args
    if op == "number":
        return np.float64(args[0])
    if op == "null":
        return np.float64("nan")
    if op == "ref":
        given = known[args[0]]
        return np.float64("nan" if given is None else given)
    if op == "if":
        return _numpy(args[1] if _truth(args[0], known, nudge) == 1 else args[2], known, nudge)
    xs = [_numpy(arg, known, nudge) for arg in args]
    if op == "coalesce":
        return next((x for x in xs if not np.isnan(x)), np.float64("nan"))
    if any(np.isnan(x) for x in xs):
        return np.float64("nan")
    if op == "clip":
        return np.float64("nan") if xs[1] > xs[2] else min(max(xs[0], xs[1]), xs[2])
    if op == "safe_div":
        return xs[2] if xs[1] == 0 else _finite(xs[0] / xs[1])
    if op == "round":
        digits = xs[1] if len(xs) > 1 else np.float64(0)
        scale = np.float64(10.0) ** digits
        if digits != np.floor(digits):
            return np.float64("nan")
        scaled = xs[0] * scale
        return xs[0] if abs(scaled) >= 2**52 else _finite(np.rint(scaled) / scale)
    result = _finite(_NUMPY[op](*xs))
    if nudge and op in ("**", "pow", "exp", "log", "log10"):
        result += nudge * np.spacing(result)
    return _finite(result)


def _truth(drawn: Drawn, known: Mapping[str, float | None], nudge: int) -> float:
    """Return 1, 0, or 0.5 for unknown: Kleene's logic is min, max and 1 - x of these."""
    op, args = drawn.op, drawn.args
    if op == "not":
        return 1 - _truth(args[0], known, nudge)
    if op == "and":
        return min(_truth(arg, known, nudge) for arg in args)
    if op == "or":
        return max(_truth(arg, known, nudge) for arg in args)
    if op == "is_missing":
        return float(np.isnan(_numpy(args[0], known, nudge)))
    operators, *operands = args
    xs = [_numpy(operand, known, nudge) for operand in operands]
    return min(
        0.5 if np.isnan(left) or np.isnan(right) else float(_COMPARE[symbol](left, right))
        for symbol, left, right in zip(operators, xs, xs[1:], strict=False)
    )


# --- whole trees, and tables to compute them on

FLOATS = ("p", "q", "r")
"""Inputs of float64."""
INTEGERS = ("i", "j")
"""Inputs of whole numbers."""
LEAVES = (*FLOATS, *INTEGERS)

_ordinary = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 2.0, 3.0, 0.5, -8.0, 2.5, 10.0, 100.0]),
    st.floats(-100, 100, allow_subnormal=False),
)
_extreme = st.one_of(
    st.sampled_from([-0.0, 5e-324, 1e-300, -1e-300, 1e16, 2.0**53, 1e154, 1e308, -1e308]),
    st.floats(allow_nan=False, allow_infinity=False),
)
_floats = st.one_of(_ordinary, _ordinary, _ordinary, _extreme, st.none(), st.just(float("nan")))
_wholes = st.one_of(
    st.integers(-3, 12), st.integers(-3, 12), st.sampled_from([2**53, -(2**53), 10**9]), st.none()
)


@dataclass(frozen=True)
class Table:
    """Columns by name, a cell a row: ``None`` and NaN are missing."""

    columns: dict[str, list[Any]]
    rows: int


@dataclass(frozen=True)
class Case:
    """A tree, and a table with its inputs."""

    formulas: dict[str, Drawn]
    table: Table
    renamed: dict[str, str]
    """The columns of inputs that are not named by their id."""

    @property
    def metrics(self) -> dict[str, Any]:
        """The tree's metrics, as a document has them."""
        made = {metric: {"formula": text_of(drawn)} for metric, drawn in self.formulas.items()}
        return {**made, **dict.fromkeys(LEAVES), "k": 2.5}


def _draw_formulas(draw: st.DrawFn, count: int, *, over_time: bool) -> dict[str, Drawn]:
    """Draw metrics of which each may use all before it; the last one is the top."""
    names = [*LEAVES, "k"]
    drawn = {}
    for number in range(count):
        # Two inputs and two metrics: what is drawn from many is rarely shared.
        drawing = _Drawing(draw, [*names[:6], *names[-2:]], over_time=over_time)
        drawn[f"m{number}"] = drawing.number(draw(st.integers(1, 3)))
        names.append(f"m{number}")
    return drawn


def _draw_leaves(draw: st.DrawFn, rows: int) -> dict[str, list[Any]]:
    drawn: dict[str, list[Any]] = {"row": list(range(rows))}
    for name in LEAVES:
        cells = _floats if name in FLOATS else _wholes
        drawn[name] = draw(st.lists(cells, min_size=rows, max_size=rows))
    return drawn


def _renamed(draw: st.DrawFn, columns: dict[str, list[Any]]) -> dict[str, str]:
    names = {name: f"In {name}" for name in draw(st.sets(st.sampled_from(LEAVES), max_size=2))}
    for metric, column in names.items():
        columns[column] = columns.pop(metric)
    return names


@st.composite
def cases(draw: st.DrawFn, metrics: int = 14) -> Case:
    """Draw a tree without functions over time, and 0 to 8 rows for it."""
    rows = draw(st.sampled_from([8, 5, 3, 2, 1, 0]))
    columns = _draw_leaves(draw, rows)
    renamed = _renamed(draw, columns)
    return Case(_draw_formulas(draw, metrics, over_time=False), Table(columns, rows), renamed)


GRAINS = ("day", "week", "month", "quarter", "year")


@dataclass(frozen=True)
class TimeCase(Case):
    """A tree with functions over time; the table has the columns ``at``, ``shop`` and ``size``."""

    grain: str
    grain_shows: bool
    """Whether it can be found from the data."""
    groups: list[list[int]]
    """The rows of each group, oldest first."""


def period_start(grain: str, number: int) -> dt.date:
    """Return the first day of a period that is counted from some period on."""
    if grain == "day":
        return dt.date(2024, 2, 26) + dt.timedelta(days=number)
    if grain == "week":
        return dt.date(2024, 2, 26) + dt.timedelta(days=7 * number)
    months = {"month": 1, "quarter": 3, "year": 12}[grain] * number
    return dt.date(2023 + months // 12, months % 12 + 1, 1)


@st.composite
def time_cases(draw: st.DrawFn, metrics: int = 12) -> TimeCase:
    """Draw a tree with functions over time, and periods without gaps for up to three groups."""
    grain = draw(st.sampled_from(GRAINS))
    dimensions = draw(
        st.lists(
            st.tuples(st.sampled_from(["x", "y", None]), st.sampled_from([1, 2, None])),
            max_size=3,
            unique=True,
        )
    )
    lines = []
    for shop, size in dimensions:
        first, periods = draw(st.integers(-5, 5)), draw(st.sampled_from([5, 8, 3, 2, 1]))
        lines += [
            (shop, size, period_start(grain, number)) for number in range(first, first + periods)
        ]
    lines = draw(st.permutations(lines))
    columns = _draw_leaves(draw, len(lines))
    renamed = _renamed(draw, columns)
    columns["shop"] = [shop for shop, _, _ in lines]
    columns["size"] = [size for _, size, _ in lines]
    columns["at"] = [at for _, _, at in lines]
    groups = [
        sorted(
            (row for row, line in enumerate(lines) if line[:2] == group),
            key=lambda row: lines[row][2],
        )
        for group in dimensions
    ]
    drawn = _draw_formulas(draw, metrics, over_time=True)
    times = sorted({at for _, _, at in lines})
    shows = any(len(group) > 1 for group in groups) and (grain == "day" or len(times) > 2)
    if shows and grain in ("quarter", "year"):  # there may be no hole between groups
        gap = {"quarter": 92, "year": 366}[grain]
        shows = all((b - a).days <= gap for a, b in itertools.pairwise(times))
    return TimeCase(drawn, Table(columns, len(lines)), renamed, grain, shows, groups)


# --- documents

_characters = st.characters(exclude_categories=["Cs"])
texts = st.text(_characters, min_size=1, max_size=20).filter(str.strip)
_odd_texts = st.sampled_from(
    [
        "no",
        "on",
        "1e3",
        "1_000",
        "12:30",
        "010",
        "~",
        "null",
        "true",
        "=",
        "<<",
        "- a",
        "a: b",
        "# a",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a`",
        "'",
        '"',
        "{a",
        "[a",
        "2026-01-01",
        ".5",
        "0x1",
        " a",
        "a ",
        "a\n",
        "\u202eabc",
        "\ufeff",
        "a\x85b",
        "\x1b[2J",
        "?",
        "-",
        "1.",
        "+1",
        "\t",
    ]
).filter(str.strip)
any_text = st.one_of(texts, _odd_texts)
exact_numbers = st.one_of(
    st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False)
)
days = st.dates().filter(lambda day: day.year > 999)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


_plain = st.recursive(
    st.one_of(st.none(), st.booleans(), exact_numbers, any_text, days),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(any_text, inner, max_size=3)
    ),
    max_leaves=6,
)
_codes = st.sampled_from(["NS101", "NS118", "IM201"])
_rows = st.dictionaries(any_text, _plain, max_size=2)
_expected = st.one_of(
    exact_numbers,
    st.just("missing"),
    st.lists(st.one_of(exact_numbers, st.just("missing")), min_size=1, max_size=2),
)
_given = st.one_of(st.none(), _expected)
_metric_fields = {
    "label": any_text,
    "description": any_text,
    "unit": st.sampled_from(["order", "USD", "order/customer", "ratio", "%", "USD/order", "m^2"]),
    "owner": any_text,
    "tags": st.lists(any_text, max_size=3, unique=True),
    "links": st.one_of(
        st.lists(any_text, max_size=2), st.dictionaries(any_text, any_text, max_size=2)
    ),
    "improves": st.sampled_from(["up", "down"]),
    "range": st.tuples(
        st.one_of(st.none(), st.integers(-5, 0)), st.one_of(st.none(), st.integers(1, 5))
    ).map(list),
    "target": st.fixed_dictionaries(
        {"value": exact_numbers}, optional={"by": days, "baseline": exact_numbers}
    ),
    "controllability": st.sampled_from(["direct", "influenced", "external"]),
    "timing": st.sampled_from(["leading", "coincident", "lagging"]),
    "lifecycle": st.sampled_from(["awareness", "acquisition", "revenue"]),
    "role": st.sampled_from(["input", "outcome", "guardrail", "health", "focus"]),
    "display": st.one_of(
        st.sampled_from(["number", "percent", "currency", "duration"]),
        st.fixed_dictionaries({"digits": st.integers(0, 15)}),
    ),
    "ignore": st.dictionaries(_codes, any_text, max_size=2),
}


def _values_of(ids: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(ids), values, max_size=2)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the data of a sound document that uses every block."""
    ids = draw(
        st.lists(
            st.from_regex(r"[a-z][a-z0-9_]{0,6}(\.[a-z][a-z0-9_]{0,3})?", fullmatch=True).filter(
                lambda name: (
                    not {"and", "or", "not", "in", "if", "else", "null", "true", "false"}
                    & set(name.split("."))
                )
            ),
            min_size=1,
            max_size=6,
            unique=True,
        )
    )
    metrics: dict[str, Any] = {}
    for position, name in enumerate(ids):
        body = draw(optional(**_metric_fields))
        kind = draw(st.sampled_from(["formula", "value", "input", "measure", "short"]))
        below = ids[position + 1 :]
        if kind == "formula" and below:
            body["formula"] = " + ".join(
                draw(st.lists(st.sampled_from(below), min_size=1, max_size=3))
            )
        elif kind == "value":
            body.pop("range", None)
            body["value"] = draw(exact_numbers)
        elif kind == "measure":
            body["measure"] = {"source": "orders", "aggregate": "count()"}
            if draw(st.booleans()):
                body["measure"]["where"] = "status == 'a: b' and x > 1"
        elif kind == "short" and below:
            metrics[name] = f"{below[0]} * 2"
            continue
        metrics[name] = body or None
    north_star: Any = ids[0]
    if draw(st.booleans()):
        north_star = {
            "metric": ids[0],
            **draw(
                optional(
                    value_moment=any_text,
                    rationale=any_text,
                    stage=st.sampled_from(["early", "growth", "mature"]),
                    leads=st.just([ids[-1]]),
                    stakeholders=st.dictionaries(any_text, any_text, max_size=2),
                    review=st.fixed_dictionaries(
                        {}, optional={"every": st.just("year"), "last": days}
                    ),
                    history=st.lists(
                        st.fixed_dictionaries({"metric": any_text, "until": days, "why": any_text}),
                        max_size=2,
                    ),
                )
            ),
        }
    influences = [
        {"from": cause, "to": effect, "lag": draw(st.integers(1, 9)), **extra}
        for cause, effect, extra in draw(
            st.lists(
                st.tuples(
                    st.sampled_from(ids),
                    st.sampled_from(ids),
                    optional(
                        direction=st.just("positive"),
                        elasticity=st.floats(0.1, 9),
                        confidence=st.sampled_from(["hypothesis", "correlated", "experiment"]),
                        evidence=any_text,
                    ),
                ),
                max_size=2,
                unique_by=lambda drawn: drawn[:2],
            )
        )
    ]
    return {
        "north_star": north_star,
        "metrics": metrics,
        "sources": {"orders": {"path": "orders.csv", "time": "at"}},
        **({"influences": influences} if influences else {}),
        **draw(
            optional(
                metrictree=st.just(1),
                name=any_text,
                product=any_text,
                vision=any_text,
                timezone=st.just("Europe/Berlin"),
                week_start=st.just("sunday"),
                fiscal_year_start=st.integers(1, 12),
                lint=optional(
                    select=st.lists(_codes, max_size=2),
                    ignore=st.dictionaries(_codes, any_text, max_size=2),
                    severity=st.dictionaries(_codes, st.just("advice"), max_size=2),
                    options=st.dictionaries(
                        _codes, st.dictionaries(any_text, _plain, max_size=2), max_size=1
                    ),
                ),
                tests=st.lists(
                    st.fixed_dictionaries(
                        {"name": any_text},
                        optional={
                            "given": _values_of(ids, _given),
                            "expect": _values_of(ids, _expected),
                            "matrix": _values_of(ids, st.lists(_given, min_size=1, max_size=2)),
                            "cases": st.lists(
                                optional(
                                    name=any_text,
                                    given=_values_of(ids, _given),
                                    expect=_values_of(ids, _expected),
                                    error=_codes,
                                ),
                                min_size=1,
                                max_size=2,
                            ),
                            "given_rows": st.dictionaries(
                                any_text, st.lists(_rows, max_size=2), max_size=2
                            ),
                            "grain": st.sampled_from(GRAINS),
                            "expect_rows": st.lists(_rows, max_size=2),
                            "property": any_text,
                            "error": _codes,
                            "tolerance": st.one_of(
                                st.floats(0, 1, exclude_max=True),
                                optional(relative=st.floats(0, 0.5), absolute=st.integers(0, 5)),
                            ),
                            "tags": st.lists(any_text, max_size=2, unique=True),
                            "skip": any_text,
                        },
                    ),
                    max_size=2,
                ),
            )
        ),
    }
