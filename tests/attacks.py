"""Attacks that need Python objects: what a notebook or a web service may hand to the library."""

from __future__ import annotations

import datetime as dt
import math
import os
import socket
from collections import ChainMap, OrderedDict, UserDict
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from metrictree import Limits, Metric, MetricTree, parse_formula

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Attack:
    """A call, and the kind of error that it must end with; ``None`` for none."""

    run: Callable[[], Any]
    error: str | None


# --- trees


def tree(metrics: Any, north_star: Any = "a", **more: Any) -> MetricTree:
    return MetricTree(north_star=north_star, metrics=metrics, **more)


def tested(row: Any) -> MetricTree:
    return tree({"a": 1}, tests=[{"name": "t", "given_rows": {"s": [row]}}])


class Name(str):
    """Text of another class."""

    __slots__ = ()


class Evil(str):
    """Text that lies."""

    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("str")


class Number(float):
    """A number of another class."""


class Count(int):
    """A whole number of another class."""


def generated(*items: object) -> Iterator[object]:
    yield from items


def loop_list() -> list[Any]:
    loop: list[Any] = []
    loop.append(loop)
    return loop


def loop_dict() -> dict[str, Any]:
    loop: dict[str, Any] = {}
    loop["a"] = loop
    return loop


DEEP = 5_000
"""Levels; on a small stack Python 3.13 itself dies of freeing 100,000, whoever made them."""


def nested(levels: int) -> list[Any]:
    item: list[Any] = []
    for _ in range(levels):
        item = [item]
    return item


def bomb(levels: int) -> list[Any]:
    """Return nine times nine times ... of the same lists."""
    item: list[Any] = ["x"] * 9
    for _ in range(levels):
        item = [item] * 9
    return item


FEWER = Limits(values=100_000)

TREES: dict[str, Callable[[], Any]] = {
    "no arguments": lambda: MetricTree(),  # type: ignore[call-arg]  # noqa: PLW0108
    "an unknown argument": lambda: tree({"a": 1}, colour="red"),
    "metrics is None": lambda: tree(None),
    "metrics is a list": lambda: tree(["a"]),
    "metrics is text": lambda: tree("a"),
    "metrics is a generator": lambda: tree(generated()),
    "metrics is bytes": lambda: tree(b"a"),
    "metrics is an open file": lambda: tree({"a": 1, "b": open}),
    "metrics is empty": lambda: tree({}),
    "a metric is a generator": lambda: tree({"a": generated()}),
    "a metric is a lambda": lambda: tree({"a": lambda: 1}),
    "a metric is a class": lambda: tree({"a": MetricTree}),
    "a metric is a module": lambda: tree({"a": math}),
    "a metric is bytes": lambda: tree({"a": b"1"}),
    "a metric is a list": lambda: tree({"a": [1]}),
    "a metric is a set": lambda: tree({"a": {1}}),
    "a metric is true": lambda: tree({"a": True}),
    "a metric is complex": lambda: tree({"a": 1j}),
    "a metric is not a number": lambda: tree({"a": math.nan}),
    "a metric is infinite": lambda: tree({"a": -math.inf}),
    "a metric is a huge integer": lambda: tree({"a": 10**5000}),
    "a metric is an integer that loses digits": lambda: tree({"a": 2**53 + 1}),
    "a metric is a date": lambda: tree({"a": dt.date(2026, 1, 1)}),
    "a metric contains itself": lambda: tree({"a": loop_dict()}),
    "metrics contains itself": lambda: tree(loop_dict()),
    "tags contains itself": lambda: tree({"a": {"value": 1, "tags": loop_list()}}),
    "free data contains itself": lambda: tested({"a": loop_list()}),
    "free data contains itself in a mapping": lambda: tested({"a": loop_dict()}),
    "free data is a bomb": lambda: tested({"a": bomb(50)}),
    "a name is a bomb": lambda: tree({"a": 1}, name=bomb(50), limits=FEWER),
    "a stranger below an error is a bomb": lambda: tree(
        {"a": {"x": bomb(50), "y": 1}}, limits=FEWER
    ),
    "free data is deep": lambda: tested({"a": nested(99)}),
    "free data is very deep": lambda: tested({"a": nested(DEEP)}),
    "an unknown field is very deep": lambda: tree({"a": {"x": nested(DEEP)}}),
    "an error stands beside deep data": lambda: tree({"a": {"tags": [1]}, "b": nested(90)}),
    "free data holds an object": lambda: tested({"a": object()}),
    "free data holds a set": lambda: tested({"a": {1}}),
    "free data holds bytes": lambda: tested({"a": b"\xff"}),
    "free data is not finite": lambda: tested({"a": [math.inf]}),
    "free data has keys that are no text": lambda: tested({"a": {1: 2}}),
    "free data has a tuple as key": lambda: tested({"a": {(1, 2): 2}}),
    "an id is a number": lambda: tree({1: 1}, 1),
    "an id is None": lambda: tree({None: 1}, None),
    "an id is bytes": lambda: tree({b"a": 1}),
    "an id is a tuple": lambda: tree({("a",): 1, "a": 1}),
    "an id is true": lambda: tree({True: 1, "a": 1}),
    "an id is not a number": lambda: tree({math.nan: 1, "a": 1}),
    "an id is empty": lambda: tree({"": 1, "a": 1}),
    "an id is a dunder": lambda: tree({"__class__": 1}, "__class__"),
    "an id is a lone surrogate": lambda: tree({"\ud800": 1, "a": 1}),
    "an id has a newline at its end": lambda: tree({"a\n": 1}, "a\n"),
    "an id is a dotted dunder": lambda: tree({"a.__init__": 1}, "a.__init__"),
    "an id is a reserved word": lambda: tree({"a": 1, "null": 1}),
    "an id hides a reserved word": lambda: tree({"a": 1, "x.if": 1}),
    "an id is very long": lambda: tree({"a" * 1_000_000: 1}),
    "an id lies about itself": lambda: tree({"a": 1, Evil("B\x1b"): 1}),
    "a formula is a lone surrogate": lambda: tree({"a": "\ud800"}),
    "a formula is a surrogate pair": lambda: tree({"a": "b + \ud83d\ude00", "b": 1}),
    "a formula is blank": lambda: tree({"a": " \u3000\t"}),
    "a formula is a zero byte": lambda: tree({"a": "\0"}),
    "a formula lies about itself": lambda: tree({"a": Evil("b +")}),
    "a label is a lone surrogate and another error": lambda: tree(
        {"a": {"label": "\ud800", "x": 1}}
    ),
    "a label is true": lambda: tree({"a": {"label": True}}),
    "a unit goes on for ever": lambda: tree({"a": {"unit": "a*" * 5_000_000}}),
    "a unit is all powers": lambda: tree({"a": {"unit": "a^99^99^99"}}),
    "a unit is of letters beyond ASCII and an open end": lambda: tree({"a": {"unit": "\u20ac/"}}),
    "a range is a generator": lambda: tree({"a": {"range": generated(1, 2)}}),
    "a range is text": lambda: tree({"a": {"range": "12"}}),
    "a range is huge": lambda: tree({"a": {"range": [0, 10**400]}}),
    "a range is upside down": lambda: tree({"a": {"range": [2, 1]}}),
    "a range is not finite": lambda: tree({"a": {"range": [-math.inf, math.nan]}}),
    "a target is huge": lambda: tree({"a": {"target": {"value": 10**400}}}),
    "a target is text": lambda: tree({"a": {"target": {"value": "12"}}}),
    "a day is a moment": lambda: tree({"a": {"target": {"value": 1, "by": "2026-01-01T00:00"}}}),
    "a day is in another script": lambda: tree(
        {"a": {"target": {"value": 1, "by": "\u0662\u0660\u0662\u0666-01-01"}}}
    ),
    "a day does not exist": lambda: tree({"a": {"target": {"value": 1, "by": "2026-02-30"}}}),
    "digits are many": lambda: tree({"a": {"display": {"digits": 10**30}}}),
    "digits are true": lambda: tree({"a": {"display": {"digits": True}}}),
    "a lag is huge": lambda: tree({"a": 1}, influences=[{"from": "a", "to": "a", "lag": 10**400}]),
    "a lag is a fraction": lambda: tree(
        {"a": 1}, influences=[{"from": "a", "to": "a", "lag": 0.5}]
    ),
    "an elasticity is infinite": lambda: tree(
        {"a": 1}, influences=[{"from": "a", "to": "a", "elasticity": math.inf}]
    ),
    "an influence goes nowhere": lambda: tree({"a": 1}, influences=[{"from": "b", "to": "c"}]),
    "an influence is its own cause": lambda: tree({"a": 1}, influences=[{"from": "a", "to": "a"}]),
    "a scope is made up": lambda: tree({"a": 1}, influences=[{"from": "x:a", "to": "a"}]),
    "a month is the zeroth": lambda: tree({"a": 1}, fiscal_year_start=0),
    "the version is of tomorrow": lambda: tree({"a": 1}, metrictree=10**5000),
    "the version is text": lambda: tree({"a": 1}, metrictree="1"),
    "an include cannot be from Python": lambda: tree({"a": 1}, include=["/etc/passwd"]),
    "an include is a generator": lambda: tree({"a": 1}, include=generated("a")),
    "a code is no code": lambda: tree({"a": {"ignore": {"NS101\n": "why"}}}),
    "a code is in another script": lambda: tree({"a": {"ignore": {"NS\u0661\u0662\u0663": "why"}}}),
    "a wrong name is tried a million times": lambda: tree({"a": " + ".join(["nope"] * 10_000)}),
    "wrong names are many": lambda: tree({"a": "+".join(f"b{i}" for i in range(14_000))}),
    "wrong names are joined by hyphens": lambda: tree(
        {"a": "-".join(f"b{i}" for i in range(14_000))}
    ),
    "a function is wrong many times": lambda: tree({"a": "+".join(["mxa(1)"] * 14_000)}),
    "a word is long": lambda: tree({"a": "x" * 100_000}),
    "a wrong function is long": lambda: tree({"a": "x" * 99_000 + "(1)"}),
    "blanks stand before a mistake": lambda: tree({"a": "1" + " " * 99_000 + "$"}),
    "dots go on": lambda: tree({"a": "a" + ".a" * 49_999}),
    "zeros go on": lambda: tree({"a": "1." + "0" * 99_000 + "1"}),
    "an exponent goes on": lambda: tree({"a": "1e" + "9" * 99_000}),
    "brackets open only": lambda: tree({"a": "(" * 99_999}),
    "choices open only": lambda: tree({"a": "1 if " * 19_999}),
    "text is compared": lambda: tree({"a": "1 if 'x' == 'y' else 2"}),
    "a free formula is too deep": lambda: parse_formula("-" * 300 + "1"),
    "a limit is exceeded": lambda: tree({"a": 1, "b": 2}, limits=Limits(metrics=1)),
    "a text includes a file": lambda: MetricTree.from_yaml(
        "include: [x]\nnorth_star: a\nmetrics: {a: 1}"
    ),
    "a text has a lone surrogate": lambda: MetricTree.from_yaml(
        "north_star: a\nmetrics: {a: 1} #\ud800"
    ),
    "a text is a zero byte": lambda: MetricTree.from_yaml("\0"),
    "a text is empty": lambda: MetricTree.from_yaml(""),
    "a text is a byte order mark": lambda: MetricTree.from_yaml("\ufeff"),
    "a file is not there": lambda: MetricTree.load("nowhere.yml"),
    "a file is a folder": lambda: MetricTree.load("."),
    "a file has a zero byte": lambda: MetricTree.load("a\0b"),
    "a file has a very long name": lambda: MetricTree.load("a" * 100_000),
    "a file is a device": lambda: MetricTree.load("/dev/zero"),
    "a file has no name": lambda: MetricTree.load(""),
    "a root is elsewhere": lambda: MetricTree.load("tree.yml", root="/nowhere/at/all"),
}

GOOD: dict[str, Callable[[], Any]] = {
    "ids of another class": lambda: tree({Name("a"): Name("b + 1"), Name("b"): Count(1)}),
    "numbers of another class": lambda: tree({"a": Number(1.5), "b": Count(3)}),
    "a number of NumPy that is a float": lambda: tree({"a": np.float64(1.5)}),
    "an ordered dictionary": lambda: tree(OrderedDict(a=1)),
    "models": lambda: tree({"a": Metric(value=1)}),
    "an id is like an attribute": lambda: tree({"spec": "compute + 1", "compute": 1}, "spec"),
    "a metric is a decimal": lambda: tree({"a": Decimal(1)}),
    "shared data": lambda: tree(
        {"a": (same := {"value": 1, "tags": [f"x{i}" for i in range(1_000)]}), "b": same}
    ),
    "free data at the limit": lambda: tested({"a": nested(90)}),
}

# --- what a child must notice: no attack, but what one could do


def _folder() -> None:
    Path("made").mkdir()
    Path("made").rmdir()


def _crash() -> None:
    os.abort()


def _hang() -> None:
    while True:
        pass


def _environment() -> None:
    os.environ["METRICTREE"] = "1"
    del os.environ["METRICTREE"]


HARM: dict[str, Callable[[], Any]] = {
    "harm: a file": lambda: Path(os.devnull).read_bytes(),
    "harm: a folder": _folder,
    "harm: a socket": lambda: socket.socket().close(),
    "harm: the environment": _environment,
    "harm: code": lambda: compile("1", "<formula>", "eval"),
    "harm: another error": lambda: {"a": 1}["x"],
    "harm: memory": lambda: len(bytearray(600 * 2**20)),
    "harm: far too much memory": lambda: len(bytearray(2**32)),
    "harm: a crash": _crash,
    "harm: for ever": _hang,
}

# --- inputs


class Broken:
    """Raises whatever it is asked."""

    def __float__(self) -> float:
        raise KeyError("float")

    def __repr__(self) -> str:
        raise KeyError("repr")


class BrokenFloat(float):
    """A float that raises."""

    def __float__(self) -> float:
        raise KeyError("float")


class BrokenReal(Fraction):
    """A real number that raises."""

    def __float__(self) -> float:
        raise ZeroDivisionError("float")


class NotANumber(float):
    """A float that becomes another one."""

    def __float__(self) -> float:
        return math.nan


RATE: Any = MetricTree(
    north_star="rate", metrics={"rate": "a / b", "a": {"range": [0, None]}, "b": 2}
)

BAD_INPUTS: dict[str, Any] = {
    "true": True,
    "text": "1",
    "bytes": b"1",
    "a complex number": 1 + 0j,
    "not a number": math.nan,
    "infinity": math.inf,
    "minus infinity": -math.inf,
    "a huge integer": 10**5000,
    "an integer that loses digits": 2**53 + 1,
    "a negative number outside of its range": -1,
    "a decimal that is no number": Decimal("NaN"),
    "a decimal that signals": Decimal("sNaN"),
    "an infinite decimal": Decimal("Infinity"),
    "a decimal past float64": Decimal("1e400"),
    "a fraction past float64": Fraction(10**400),
    "a list": [1],
    "a mapping": {"a": 1},
    "a loop": loop_list(),
    "a generator": generated(),
    "an object": object(),
    "an object that raises": Broken(),
    "a float that raises": BrokenFloat(1),
    "a fraction that raises": BrokenReal(1, 2),
    "a float that becomes no number": NotANumber(1),
    "a long text": "9" * 10_000_000,
    "an odd text": "\ud800\x1b[2J",
    "a text that lies": Evil("1"),
    "a date": dt.date(2026, 1, 1),
    "a class": float,
    "NumPy's true": np.bool_(True),
    "NumPy's not a number": np.float64("nan"),
    "NumPy's complex number": np.complex128(1),
    "NumPy's text": np.str_("1"),
    "NumPy's list of texts": np.array(["1"]),
    "NumPy's list without dimensions": np.array(1.0),
    "NumPy's moment": np.datetime64("2026-01-01"),
    "NumPy's span of time": np.timedelta64(1, "D"),
    "NumPy's large integer": np.int64(2**62 + 1),
}

GOOD_INPUTS: dict[str, Any] = {
    "nothing": None,
    "an integer": 3,
    "a fraction": Fraction(1, 3),
    "a decimal": Decimal("0.1"),
    "a large power of two": 2**1000,
    "minus zero": -0.0,
    "a denormal number": 5e-324,
    "NumPy's integer": np.int32(4),
    "NumPy's half float": np.float16(0.5),
    "NumPy's float": np.float64(0.5),
    "NumPy's long float": np.longdouble(0.5),
    "a number of another class": Number(1),
}


def computing(given: Any) -> Callable[[], Any]:
    return lambda: RATE.compute({"a": given})


CALLS: dict[str, Attack] = {
    "an unknown input": Attack(lambda: RATE.compute({"x": 1, "a": 1}), "ComputeError"),
    "inputs with keys that are no text": Attack(
        lambda: RATE.compute({1: 1, "a": 1}), "ComputeError"
    ),
    "inputs with a lone surrogate": Attack(
        lambda: RATE.compute({"\ud800": 1, "a": 1}), "ComputeError"
    ),
    "inputs with a loop as key": Attack(lambda: RATE.compute({(1, 2): 1, "a": 1}), "ComputeError"),
    "inputs with a text that lies": Attack(
        lambda: RATE.compute({Evil("zz"): 1, "a": 1}), "ComputeError"
    ),
    "a formula's metric is given": Attack(
        lambda: RATE.compute({"rate": 1, "a": 1}), "ComputeError"
    ),
    "many unknown inputs": Attack(
        lambda: RATE.compute({f"x{i}": 1 for i in range(20_000)} | {"a": 1}), "ComputeError"
    ),
    "no inputs": Attack(lambda: RATE.compute({}), "ComputeError"),
    "inputs of another mapping": Attack(lambda: RATE.compute(UserDict(a=1)), None),
    "inputs that cannot change": Attack(lambda: RATE.compute(MappingProxyType({"a": 1})), None),
    "inputs in a chain": Attack(lambda: RATE.compute(ChainMap({"a": 1}, {"b": 4})), None),
    "inputs are a list": Attack(lambda: RATE.compute(["a"]), "UsageError"),
    "inputs are None": Attack(lambda: RATE.compute(None), "UsageError"),
    "inputs are text": Attack(lambda: RATE.compute("a"), "UsageError"),
    "a target is unknown": Attack(lambda: RATE.compute({"a": 1}, ["x"]), "UsageError"),
    "a target is no text": Attack(lambda: RATE.compute({"a": 1}, [1]), "UsageError"),
    "a target is None": Attack(lambda: RATE.compute({"a": 1}, [None]), "UsageError"),
    "a target is a list": Attack(lambda: RATE.compute({"a": 1}, [["a"]]), "UsageError"),
    "a target is a lone surrogate": Attack(
        lambda: RATE.compute({"a": 1}, ["\ud800"]), "UsageError"
    ),
    "a target lies": Attack(lambda: RATE.compute({"a": 1}, [Evil("zz")]), "UsageError"),
    "targets are a number": Attack(lambda: RATE.compute({"a": 1}, 5), "UsageError"),
    "targets are text": Attack(lambda: RATE.compute({"a": 1}, "rate"), None),
    "targets are a generator": Attack(lambda: RATE.compute({"a": 1}, generated("rate")), None),
    "targets are none": Attack(lambda: RATE.compute({"a": 1}, []), None),
    "targets are many": Attack(lambda: RATE.compute({"a": 1}, ["rate"] * 1_000_000), None),
    "a strict missing value": Attack(
        lambda: RATE.compute({"a": 1, "b": 0}, strict=True), "ComputeError"
    ),
}

PYTHON: dict[str, Attack] = (
    {name: Attack(run, "DefinitionError") for name, run in TREES.items()}
    | {name: Attack(run, None) for name, run in GOOD.items()}
    | CALLS
    | {
        f"the input is {name}": Attack(computing(given), "ComputeError")
        for name, given in BAD_INPUTS.items()
    }
    | {
        f"the input may be {name}": Attack(computing(given), None)
        for name, given in GOOD_INPUTS.items()
    }
)
