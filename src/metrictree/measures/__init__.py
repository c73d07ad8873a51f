"""Sources and measures -> values of a tree for each period and group."""

from __future__ import annotations

from metrictree.measures.result import RunResult
from metrictree.measures.runner import run

__all__ = ["RunResult", "run"]
