"""Units: what a number counts, and per what; imports only what stands below it."""

from __future__ import annotations

from metrictree.units.names import CURRENCIES
from metrictree.units.unit import RATIO, Unit, parse_unit

__all__ = ["CURRENCIES", "RATIO", "Unit", "parse_unit"]
