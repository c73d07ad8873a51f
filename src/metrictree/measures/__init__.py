"""Sources and measures -> values of a tree for each period and group."""

from __future__ import annotations

from metrictree.measures.explain import RunPlan
from metrictree.measures.result import Period, RunResult
from metrictree.measures.runner import run, run_plan

__all__ = ["Period", "RunPlan", "RunResult", "run", "run_plan"]
