"""What an unquoted scalar means, and the characters that no document may hold."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

__all__ = ["NUMERIC", "REFUSED", "WORDS", "Surprise", "read_scalar"]


@dataclass(frozen=True, slots=True)
class Surprise:
    """An unquoted word or number that YAML 1.1 and a reader would take for different things."""

    raw: str
    meaning: str
    """What YAML 1.1 makes of it, or why it is no value."""

    def __str__(self) -> str:
        return self.raw


REFUSED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufeff\ufffe\uffff]"
)

WORDS: Final[dict[str, Any]] = {"": None, "~": None}
for _word in ("null", "true", "false", "yes", "no", "on", "off", "y", "n"):
    for _form in (_word, _word.capitalize(), _word.upper()):
        if _word == "null":
            WORDS[_form] = None
        elif _word in ("true", "false"):
            WORDS[_form] = _word == "true"
        elif len(_word) > 1:
            _reading = "true" if _word in ("yes", "on") else "false"
            WORDS[_form] = Surprise(_form, f"YAML reads it as {_reading}")
for _word, _number in (("inf", float("inf")), ("nan", float("nan"))):
    for _form in (f".{_word}", f".{_word.capitalize()}", f".{_word.upper()}", ".NaN"):
        if _word in _form.lower():
            for _sign in ("", "+", "-"):
                WORDS[_sign + _form] = -_number if _sign == "-" else _number
WORDS["<<"] = Surprise("<<", "YAML uses it to merge mappings")

NUMERIC = frozenset("0123456789+-.")
"""First characters of everything that may be a number or a date; `WORDS` holds the rest."""

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})\Z")
_ODD_NUMBERS: Final = (
    (re.compile(r"[-+]?0[xX][0-9a-fA-F_]*\Z"), "it is a hexadecimal number"),
    (re.compile(r"[-+]?0[oO][0-7_]*\Z"), "it is an octal number"),
    (re.compile(r"[-+]?0[bB][01_]*\Z"), "it is a binary number"),
    (re.compile(r"[-+]?0[0-9_]+\Z"), "a number that starts with 0 is octal for some programs"),
    (re.compile(r"[-+]?0[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?\Z"), "it starts with 0"),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])++(?:\.[0-9_]*)?\Z"),
        "YAML reads it in base 60",
    ),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?\Z"),
        "underscores may not stand in numbers",
    ),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?\Z"), "it looks like a time"),
)
_MAX_DIGITS = 400
"""More digits than any finite float64 has before its decimal point."""


def read_scalar(raw: str) -> Any:
    """Return what text means where a document holds it without quotes.

    >>> read_scalar("1e3"), read_scalar(""), read_scalar("orders")
    (1000.0, None, 'orders')
    >>> read_scalar("1_000").meaning
    'underscores may not stand in numbers'
    """
    if raw in WORDS:
        return WORDS[raw]
    if raw[0] not in NUMERIC:
        return raw
    if _INTEGER.match(raw):
        return int(raw) if len(raw) <= _MAX_DIGITS else Surprise(raw, "no number is that large")
    if _FLOAT.match(raw):
        number = float(raw)
        return number if math.isfinite(number) else Surprise(raw, "no number is that large")
    if found := _DATE.match(raw):
        try:
            return date(*map(int, found.groups()))
        except ValueError:
            return Surprise(raw, "there is no such day")
    for pattern, meaning in _ODD_NUMBERS:
        if pattern.match(raw):
            return Surprise(raw, meaning)
    return raw
