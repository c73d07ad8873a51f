"""The operators of the language, how tightly they bind, and the words that are not ids.

Imports nothing from the package.
"""

from __future__ import annotations

from typing import Final

__all__ = ["PRECEDENCE", "RESERVED"]

PRECEDENCE: Final = {
    "if": 1,
    "or": 2,
    "and": 3,
    "not": 4,
    "compare": 5,
    "in": 5,
    "not in": 5,
    "+": 6,
    "-": 6,
    "*": 7,
    "/": 7,
    "%": 7,
    "neg": 8,
    "**": 9,
}
"""How tightly an operator binds, as in Python."""

RESERVED: Final = frozenset(("and", "or", "not", "in", "if", "else", "true", "false", "null"))
"""Words that are not ids."""
