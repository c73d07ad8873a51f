"""The formula language: parsed to the package's own nodes, printed back, never run as code."""

from __future__ import annotations

from metrictree.formula.functions import AGGREGATES, FUNCTIONS, Aggregate, Function
from metrictree.formula.nodes import Formula, Node
from metrictree.formula.parser import Fault, Mode, parse, read
from metrictree.formula.printer import to_text

__all__ = [
    "AGGREGATES",
    "FUNCTIONS",
    "Aggregate",
    "Fault",
    "Formula",
    "Function",
    "Mode",
    "Node",
    "parse",
    "read",
    "to_text",
]
