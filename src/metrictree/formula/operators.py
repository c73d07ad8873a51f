"""The operators of the language, and how tightly they bind.

Imports nothing from the package.
"""

from __future__ import annotations

from typing import Final

__all__ = ["PRECEDENCE"]

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
