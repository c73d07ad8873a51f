"""SRC: sources and measures, when they are run."""

from __future__ import annotations

from typing import Final

from metrictree.codes.entry import Code
from metrictree.diagnostics import Severity

__all__ = ["SOURCES"]

_IMPORT = """\
from metrictree import MetricTree

"""


def _run(
    *,
    rows: str = "day,amount\\n2026-01-05,40\\n",
    aggregate: str = "sum(amount)",
    source: str = '"time": "day"',
    settings: str = "",
    arguments: str = 'grain="month"',
) -> str:
    """Return Python that computes one measure from a CSV file."""
    measure = f'{{"source": "orders", "aggregate": "{aggregate}"}}'
    lines = [
        "from pathlib import Path",
        "",
        "from metrictree import Limits, MetricTree" if "Limits" in settings else _IMPORT.strip(),
        "",
        f'Path("orders.csv").write_text("{rows}")',
        "tree = MetricTree(",
        '    north_star="revenue",',
        f'    metrics={{\n        "revenue": {{"measure": {measure}}},\n    }},',
        f'    sources={{"orders": {{"path": "orders.csv", {source}}}}},',
        *([f"    {settings},"] if settings else []),
        ")",
        f"tree.run({arguments})",
    ]
    return "\n".join(lines) + "\n"


SOURCES: Final = (
    Code(
        "SRC101",
        "DuckDB is not installed",
        Severity.ERROR,
        "CSV and Parquet files are read with DuckDB, which the core does not bring.",
        "import sys\nfrom unittest.mock import patch\n\n"
        + _run().replace(
            "tree.run(",
            'with patch.dict(sys.modules, {"duckdb": None}):  # as if not installed\n    tree.run(',
        ),
        _run(),
        'Install it: `pip install "metrictree[duckdb]"`.',
        shown_by="python",
    ),
    Code(
        "SRC102",
        "A source that this version does not read",
        Severity.ERROR,
        "This version reads one CSV or Parquet file for each source. `query` and `table` are part "
        "of the format already, so that trees need no change later.",
        _run().replace('"path": "orders.csv"', '"table": "shop.orders"'),
        _run(),
        "Write the rows to a file whose name ends in .csv, .tsv or .parquet, and give its `path`.",
        shown_by="python",
    ),
    Code(
        "SRC103",
        "A source outside of the tree's folder",
        Severity.ERROR,
        "A tree from elsewhere must not make you read your own files into its results.",
        _run().replace('"path": "orders.csv"', '"path": "../orders.csv"'),
        _run(),
        "Move the file inside, or name a wider folder with `--root` or `root=`. Write a relative "
        "path with `/` between folders.",
        shown_by="python",
    ),
    Code(
        "SRC104",
        "The file of a source cannot be read",
        Severity.ERROR,
        "It is not there, is empty, is a folder, or may not be read.",
        _run().replace('"path": "orders.csv"', '"path": "order.csv"'),
        _run(),
        "Check the path, which is relative to the tree's file.",
        shown_by="python",
    ),
    Code(
        "SRC105",
        "The file of a source is damaged",
        Severity.ERROR,
        "A line with more or fewer columns than the header, or a name that stands twice in the "
        "header: whatever was made of it would be a guess.",
        _run(rows="day,amount,amount\\n2026-01-05,40,45\\n"),
        _run(rows="day,amount,tax\\n2026-01-05,40,5\\n"),
        "Repair the file or export it again. Give each column a name of its own.",
        shown_by="python",
    ),
    Code(
        "SRC106",
        "Unknown column",
        Severity.ERROR,
        "The aggregate, the `where`, the time or a dimension names a column that the source does "
        "not have. Upper and lower case differ.",
        _run(aggregate="sum(amout)"),
        _run(aggregate="sum(amount)"),
        "Correct the name; the nearest ones are offered.",
        shown_by="python",
    ),
    Code(
        "SRC107",
        "A column of the wrong kind",
        Severity.ERROR,
        "Text is not converted to numbers, nor numbers to dates. A sum over a column of texts "
        "mostly means that one cell holds a currency sign or a decimal comma.",
        _run(rows="day,amount\\n2026-01-05,40 USD\\n"),
        _run(rows="day,amount\\n2026-01-05,40\\n"),
        "Store numbers as plain numbers and days as 2026-01-31, or choose another column.",
        shown_by="python",
    ),
    Code(
        "SRC108",
        "Unknown dimension",
        Severity.ERROR,
        "A source lists the columns by which its measures may be grouped. Measures of one run are "
        "grouped alike, so all of its sources need the dimension.",
        _run(
            arguments='grain="month", by=["country"]',
            rows="day,country,amount\\n2026-01-05,DE,40\\n",
        ),
        _run(
            arguments='grain="month", by=["country"]',
            rows="day,country,amount\\n2026-01-05,DE,40\\n",
            source='"time": "day", "dimensions": ["country"]',
        ),
        "List the column under `dimensions` of the source, or leave it out of the run.",
        shown_by="python",
    ),
    Code(
        "SRC109",
        "A source without a time column",
        Severity.ERROR,
        "Without a time nobody can tell in which period a row lies.",
        _run(source='"dimensions": []'),
        _run(source='"time": "day"'),
        "Name the column as `time` of the source, or ask for all time.",
        shown_by="python",
    ),
    Code(
        "SRC110",
        "Rows without a time",
        Severity.ERROR,
        "A row that counts but lies in no period would be in no row of the result, and the periods "
        "would add up to less than the whole.",
        _run(rows="day,amount\\n2026-01-05,40\\n,25\\n"),
        _run(rows="day,amount\\n2026-01-05,40\\n2026-01-06,25\\n"),
        "Leave them out with `where: not is_missing(day)`, repair the data, or ask for all time.",
        shown_by="python",
    ),
    Code(
        "SRC111",
        "A setting that this version does not follow",
        Severity.ERROR,
        "Time zones, weeks that begin on another day and fiscal years would move rows to other "
        "periods. Until they do, a run that they matter to is refused.",
        _run(settings='week_start="sunday"', arguments='grain="week"'),
        _run(settings='week_start="monday"', arguments='grain="week"'),
        "Remove the setting, or choose a grain for which it does not matter.",
        shown_by="python",
    ),
    Code(
        "SRC112",
        "A number that cannot be computed with",
        Severity.ERROR,
        "Infinite numbers, integers past 2**53 and days outside of the years 1 to 9999 would make "
        "a result wrong without a sign of it.",
        _run(rows="day,amount\\n2026-01-05,inf\\n2026-01-06,1.5\\n"),
        _run(rows="day,amount\\n2026-01-05,\\n2026-01-06,1.5\\n"),
        "Leave such cells empty, or store large integers as text or in a larger unit.",
        shown_by="python",
    ),
    Code(
        "SRC113",
        "A function that does not work on rows",
        Severity.ERROR,
        "A few functions need their arguments written out, or need periods, when they are computed "
        "over the rows of a table.",
        _run(
            rows="day,amount,digits\\n2026-01-05,40.55,1\\n",
            aggregate="sum(round(amount, digits))",
        ),
        _run(
            rows="day,amount,digits\\n2026-01-05,40.55,1\\n",
            aggregate="sum(round(amount, 1))",
        ),
        "Write the argument out, or use the function in the formula of a metric.",
        shown_by="python",
    ),
    Code(
        "SRC114",
        "A measure that is too large",
        Severity.ERROR,
        "The time that a database needs to plan a query grows much faster than the expression.",
        _run(aggregate="LONG").replace('"LONG"', '"sum(" + " + ".join(["amount"] * 102) + ")"'),
        _run(aggregate="sum(102 * amount)"),
        "Write it more simply, or compute a column beforehand.",
        shown_by="python",
    ),
    Code(
        "SRC115",
        "Too many rows in a result",
        Severity.ERROR,
        "Every period is there for every group, so one wrong year in the data asks for millions of "
        "rows.",
        _run(
            rows="day,amount\\n1926-01-05,40\\n2026-01-05,40\\n",
            settings="limits=Limits(rows=1_000)",
        ),
        _run(
            rows="day,amount\\n2025-01-05,40\\n2026-01-05,40\\n",
            settings="limits=Limits(rows=1_000)",
        ),
        "Check the first and the last day, choose a larger grain or fewer dimensions, or raise the "
        "limit `rows`.",
        shown_by="python",
    ),
)
