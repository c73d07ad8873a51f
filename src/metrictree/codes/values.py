"""VAL: inputs, targets and values."""

from __future__ import annotations

from typing import Final

from metrictree.codes.entry import Code
from metrictree.codes.snippets import IMPORT, PYTHON_TREE, TREND, over_time, run_of
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
        "Infinity and NaN are no values, and an integer past 2**53 may lose its last digits. In "
        "arrays and columns NaN is missing.",
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
        "`lag`, `growth`, `rolling_sum` and their like look at earlier periods, and single numbers "
        "or a total of all time have none.",
        TREND + 'tree.compute({"orders": 5})\n',
        TREND + 'tree.compute_series({"orders": [5, 6]})\n',
        "Give a series to `compute_series`, or a frame and the name of its column of times "
        "(`time=`), or let a run have a grain; or ask for targets that do not need periods.",
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
        "compute without `strict` and ask `values.why(metric)`. The first periods of `lag` and its "
        "like are missing by definition: write `coalesce(lag(orders), 0)`, or choose other "
        "targets.",
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
        run_of().replace("tree.run(", "result = tree.run(") + 'result.write("orders.csv")\n',
        run_of().replace("tree.run(", "result = tree.run(") + 'result.write("months.csv")\n',
        "Choose another file, in a folder that is there and can be written.",
        shown_by="python",
    ),
    Code(
        "VAL112",
        "A period is missing",
        Severity.ERROR,
        "Functions over time look at the period before, not at the row before. If rows were taken "
        "as they come, a value would be compared with the wrong period.",
        over_time('"2026-01", "2026-03", "2026-04"'),
        over_time('"2026-01", "2026-02", "2026-03"'),
        "Add rows for the periods, with missing inputs if nothing is known, or let `fill=True` do "
        "it. Each group may begin and end when it likes. If no row is missing, the `grain` is "
        "longer than the one found.",
        shown_by="python",
    ),
    Code(
        "VAL113",
        "A period stands twice",
        Severity.ERROR,
        "With two rows for one period there is no one value before the next.",
        over_time('"2026-01", "2026-02", "2026-02"'),
        over_time('"2026-01", "2026-02", "2026-03"'),
        "Aggregate to one row for each period; or name in `by` the dimensions that tell the rows "
        "apart, so that each of their groups is a series of its own.",
        shown_by="python",
    ),
    Code(
        "VAL114",
        "A time that is none",
        Severity.ERROR,
        "A row without a time has no place in a series, and a text in another way of writing might "
        "mean several days. Whole numbers count periods; those that write months or days, such as "
        "202512 before 202601, do not.",
        over_time('"01/02/2026", "01/03/2026", "01/04/2026"', dtype="str"),
        over_time('"2026-01-02", "2026-01-03", "2026-01-04"', dtype="str"),
        "Give dates, timestamps, texts such as 2026-01-31, 2026-01 or 2026-01-31 12:00, or whole "
        "numbers that count periods, all of one kind; leave rows without a time out. A week, "
        "quarter or year goes by its first day. A dimension may hold anything that can be "
        "compared.",
        shown_by="python",
    ),
    Code(
        "VAL115",
        "The grain is not clear",
        Severity.ERROR,
        "Without `grain` it is found from the times, where they leave no doubt: 2026-01-01 and "
        "2026-04-01 may be two quarters, or months of which two are missing. Nothing is guessed, "
        "since a wrong grain would compare the wrong periods.",
        over_time('"2026-01-01", "2026-01-03", "2026-02-20"', dtype="datetime64[D]"),
        over_time('"2026-01-01", "2026-01-02", "2026-01-03"', dtype="datetime64[D]"),
        "Name the `grain`. Whole numbers have none: each is a period by itself.",
        shown_by="python",
    ),
    Code(
        "VAL116",
        "Columns of several lengths",
        Severity.ERROR,
        "Values belong together by their place. If one column is shorter, it is not known which "
        "values it lacks.",
        PYTHON_TREE + 'tree.compute_series({"orders": [5, 6], "visits": [20, 25, 30]})\n',
        PYTHON_TREE + 'tree.compute_series({"orders": [5, 6, 7], "visits": [20, 25, 30]})\n',
        "Give all of them as many values, `None` where one is missing. A plain number stands for "
        "every period.",
        shown_by="python",
    ),
    Code(
        "VAL117",
        "An engine cannot do it",
        Severity.ERROR,
        "Some engines lack an operation, or take no more than so many on top of each other. A "
        "detour that rounds would give another value than all the others.",
        IMPORT + 'tree = MetricTree(north_star="rest", metrics={"rest": "orders % 7", '
        '"orders": None})\n'
        'tree.to_sql(table="days", dialect="postgres")\n',
        IMPORT + 'tree = MetricTree(north_star="rest", metrics={"rest": "orders % 7", '
        '"orders": None})\n'
        'tree.to_sql(table="days", dialect="duckdb")\n',
        "Do what the message says: choose another engine, or targets that need less.",
        shown_by="python",
    ),
    Code(
        "VAL118",
        "SQL needs more packages",
        Severity.ERROR,
        "SQL text is written with Ibis and sqlglot, which the core does not bring.",
        "import sys\nfrom unittest.mock import patch\n\n"
        + PYTHON_TREE
        + 'with patch.dict(sys.modules, {"ibis": None}):  # as if not installed\n'
        '    tree.to_sql(table="days")\n',
        PYTHON_TREE + 'tree.to_sql(table="days")\n',
        'Install them: `pip install "metrictree[sql]"`.',
        shown_by="python",
    ),
    Code(
        "VAL119",
        "A library of frames is not installed",
        Severity.ERROR,
        "The result of a run is given as a frame of Polars, pandas or PyArrow, none of which the "
        "core brings.",
        "import sys\nfrom unittest.mock import patch\n\n"
        + run_of().replace("tree.run(", "result = tree.run(")
        + 'with patch.dict(sys.modules, {"polars": None}):  # as if not installed\n'
        '    result.to_frame("polars")\n',
        run_of().replace("tree.run(", "result = tree.run(") + 'result.to_frame("polars")\n',
        "Install it, such as `pip install polars`, or take `to_dicts()`, which needs no library.",
        shown_by="python",
    ),
)
