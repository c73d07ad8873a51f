"""VAL: inputs, targets and values."""

from __future__ import annotations

from typing import Final

from metrictree.codes.entry import Code
from metrictree.codes.snippets import IMPORT, PYTHON_TREE, run_of
from metrictree.diagnostics import Severity

__all__ = ["VALUES"]

VALUES: Final = (
    Code(
        "VAL101",
        "An input that is no metric",
        Severity.ERROR,
        "A value for an unknown name would be ignored, and the tree would be computed without it.",
        PYTHON_TREE + 'tree.compute({"orders": 5, "visits": 20, "vists": 25})\n',
        PYTHON_TREE + 'tree.compute({"orders": 5, "visits": 25})\n',
        "Correct the id, or leave the value out.",
        shown_by="python",
    ),
    Code(
        "VAL102",
        "A value for a formula",
        Severity.ERROR,
        "The formula says what the value is. If both were taken, one of them would be wrong.",
        PYTHON_TREE + 'tree.compute({"orders": 5, "visits": 20, "rate": 0.3})\n',
        PYTHON_TREE + 'tree.compute({"orders": 5, "visits": 20})\n',
        "Give the inputs of the formula. Only inputs, measures and constants can be given.",
        shown_by="python",
    ),
    Code(
        "VAL103",
        "An input has no value",
        Severity.ERROR,
        "Nothing is assumed for what was forgotten, neither zero nor missing.",
        PYTHON_TREE + 'tree.compute({"orders": 5})\n',
        PYTHON_TREE + 'tree.compute({"orders": 5, "visits": None})\n',
        "Give it a number, or `None` if it is missing indeed; or ask only for targets that do not "
        "need it.",
        shown_by="python",
    ),
    Code(
        "VAL104",
        "An input is not a number",
        Severity.ERROR,
        "Text, true and false are not converted to numbers.",
        PYTHON_TREE + 'tree.compute({"orders": "5", "visits": 20})\n',
        PYTHON_TREE + 'tree.compute({"orders": 5, "visits": 20})\n',
        "Give a number, or `None` for missing.",
        shown_by="python",
    ),
    Code(
        "VAL105",
        "An input that float64 cannot hold",
        Severity.ERROR,
        "Infinity and NaN are no values, and an integer past 2**53 may lose its last digits.",
        PYTHON_TREE + 'tree.compute({"orders": float("nan"), "visits": 20})\n',
        PYTHON_TREE + 'tree.compute({"orders": None, "visits": 20})\n',
        "Give a finite number, or `None` for missing.",
        shown_by="python",
    ),
    Code(
        "VAL106",
        "An input outside of its range",
        Severity.ERROR,
        "The metric declares which values make sense, and this is none of them: mostly a wrong "
        "column or a percentage in place of a ratio.",
        PYTHON_TREE + 'tree.compute({"orders": -5, "visits": 20})\n',
        PYTHON_TREE + 'tree.compute({"orders": 5, "visits": 20})\n',
        "Check the number. If it is right, widen `range`.",
        shown_by="python",
    ),
    Code(
        "VAL107",
        "A target that is no metric",
        Severity.ERROR,
        "Targets are metric ids of the tree.",
        PYTHON_TREE + 'tree.compute({"orders": 5, "visits": 20}, targets=["rates"])\n',
        PYTHON_TREE + 'tree.compute({"orders": 5, "visits": 20}, targets=["rate"])\n',
        "Correct the id; the nearest ones are offered.",
        shown_by="python",
    ),
    Code(
        "VAL108",
        "A formula over time",
        Severity.ERROR,
        "`lag`, `growth`, `rolling_sum` and their like look at earlier periods. Single numbers "
        "have none, and a run does not compute them yet.",
        IMPORT + 'tree = MetricTree(north_star="trend", metrics={"trend": "growth(orders)", '
        '"orders": None})\n'
        'tree.compute({"orders": 5})\n',
        IMPORT + 'tree = MetricTree(north_star="trend", metrics={"trend": "growth(orders)", '
        '"orders": None})\n'
        'tree.compute({"orders": 5}, targets=["orders"])\n',
        "Ask for targets that do not need periods.",
        shown_by="python",
    ),
    Code(
        "VAL109",
        "A value is missing",
        Severity.ERROR,
        "With `strict=True` a missing value is an error, and the message says which metric broke "
        "first, and by which rule.",
        PYTHON_TREE + 'tree.compute({"orders": 5, "visits": 0}, strict=True)\n',
        PYTHON_TREE + 'tree.compute({"orders": 5, "visits": 20}, strict=True)\n',
        "Give other inputs, handle the case in the formula with `safe_div` or `coalesce`, or "
        "compute without `strict` and ask `values.why(metric)`.",
        shown_by="python",
    ),
    Code(
        "VAL110",
        "An argument of a run has no meaning",
        Severity.ERROR,
        "A grain, a day or a dimension that is not understood would silently give another table.",
        run_of(arguments='grain="monthly"'),
        run_of(arguments='grain="month"'),
        "Use one of day, week, month, quarter, year and all as grain, days such as 2026-01-31, and "
        "names that differ from each other.",
        shown_by="python",
    ),
    Code(
        "VAL111",
        "The result cannot be written",
        Severity.ERROR,
        "A result is written in whole or not at all, and never over what its own tree is made of: "
        "a source, the tree's file, or one that it includes.",
        run_of().replace("tree.run(", "result = tree.run(") + 'result.write_csv("orders.csv")\n',
        run_of().replace("tree.run(", "result = tree.run(") + 'result.write_csv("months.csv")\n',
        "Choose another file, in a folder that is there and can be written.",
        shown_by="python",
    ),
)
