"""SRC: sources and measures, when they are run."""

from __future__ import annotations

from typing import Final

from metrictree.codes.entry import Code
from metrictree.codes.snippets import run_of
from metrictree.diagnostics import Severity

__all__ = ["SOURCES"]

SOURCES: Final = (
    Code(
        "SRC101",
        "DuckDB is not installed",
        Severity.ERROR,
        "CSV and Parquet files are read with DuckDB, which the core does not bring.",
        "import sys\nfrom unittest.mock import patch\n\n"
        + run_of().replace(
            "tree.run(",
            'with patch.dict(sys.modules, {"duckdb": None}):  # as if not installed\n    tree.run(',
        ),
        run_of(),
        'Install it: `pip install "metrictree[duckdb]"`.',
        shown_by="python",
    ),
    Code(
        "SRC102",
        "A source that this version does not read",
        Severity.ERROR,
        "This version reads one CSV or Parquet file for each source. `query` and `table` are part "
        "of the format already, so that trees need no change later.",
        run_of().replace('"path": "orders.csv"', '"table": "shop.orders"'),
        run_of(),
        "Write the rows to a file whose name ends in .csv, .tsv or .parquet, and give its `path`.",
        shown_by="python",
    ),
    Code(
        "SRC103",
        "A source outside of the tree's folder",
        Severity.ERROR,
        "A tree from elsewhere must not make you read your own files into its results.",
        run_of().replace('"path": "orders.csv"', '"path": "../orders.csv"'),
        run_of(),
        "Move the file inside, or name a wider folder with `--root` or `root=`. Write a relative "
        "path with `/` between folders.",
        shown_by="python",
    ),
    Code(
        "SRC104",
        "The file of a source cannot be read",
        Severity.ERROR,
        "It is not there, is empty, is a folder, or may not be read.",
        run_of().replace('"path": "orders.csv"', '"path": "order.csv"'),
        run_of(),
        "Check the path, which is relative to the tree's file.",
        shown_by="python",
    ),
    Code(
        "SRC105",
        "The file of a source is damaged",
        Severity.ERROR,
        "A line with more or fewer cells than the header, quotes that do not match, another "
        "encoding than UTF-8, or a name that stands twice in the header: whatever was made of it "
        "would be a guess. Lines are counted as an editor counts them.",
        run_of(rows="day,amount,amount\\n2026-01-05,40,45\\n"),
        run_of(rows="day,amount,tax\\n2026-01-05,40,5\\n"),
        "Repair the line that is told, or export the file again, as UTF-8. Give each column a name "
        "of its own.",
        shown_by="python",
    ),
    Code(
        "SRC106",
        "Unknown column",
        Severity.ERROR,
        "The aggregate, the `where`, the time or a dimension names a column that the source does "
        "not have. All dimensions that a source lists are looked for, asked for or not. Upper and "
        "lower case differ.",
        run_of(aggregate="sum(amout)"),
        run_of(aggregate="sum(amount)"),
        "Correct the name; the nearest ones are offered.",
        shown_by="python",
    ),
    Code(
        "SRC107",
        "A column of the wrong kind",
        Severity.ERROR,
        "Text is not converted to numbers, nor numbers to dates. A sum over a column of texts "
        "mostly means that one cell holds `n/a`, a currency sign or a comma: the first such cell "
        "of a CSV file is told with its line. Only `true` and `false` are truth values in one. A "
        "time may end in `Z`, `UTC` or `+00:00` and then lies on its day in UTC; texts with other "
        "time zones are not converted yet.",
        run_of(rows="day,amount\\n2026-01-05,40 USD\\n"),
        run_of(rows="day,amount\\n2026-01-05,40\\n"),
        "Store numbers as plain numbers such as 1200.5 and days as 2026-01-31, leave a cell "
        "without a value empty, or choose another column.",
        shown_by="python",
    ),
    Code(
        "SRC108",
        "Unknown dimension",
        Severity.ERROR,
        "A source lists the columns by which its measures may be grouped. Measures of one run are "
        "grouped alike, so all of its sources need the dimension.",
        run_of(
            arguments='grain="month", by=["country"]',
            rows="day,country,amount\\n2026-01-05,DE,40\\n",
        ),
        run_of(
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
        run_of(source='"dimensions": []'),
        run_of(source='"time": "day"'),
        "Name the column as `time` of the source, or ask for all time.",
        shown_by="python",
    ),
    Code(
        "SRC110",
        "Rows without a time",
        Severity.ERROR,
        "A row that counts but lies in no period would be in no row of the result, and the periods "
        "would add up to less than the whole.",
        run_of(rows="day,amount\\n2026-01-05,40\\n,25\\n"),
        run_of(rows="day,amount\\n2026-01-05,40\\n2026-01-06,25\\n"),
        "Leave them out with `where: not is_missing(day)`, repair the data, or ask for all time.",
        shown_by="python",
    ),
    Code(
        "SRC111",
        "A setting that this version does not follow",
        Severity.ERROR,
        "Time zones other than UTC, weeks that begin on another day and fiscal years would move "
        "rows to other periods. Until they do, a run that they matter to is refused.",
        run_of(settings='week_start="sunday"', arguments='grain="week"'),
        run_of(settings='week_start="monday"', arguments='grain="week"'),
        "Remove the setting, or choose a grain for which it does not matter.",
        shown_by="python",
    ),
    Code(
        "SRC112",
        "A number that cannot be computed with",
        Severity.ERROR,
        "Infinite numbers, computing with integers and decimals past 2**53, times finer than "
        "microseconds and days outside of the years 1 to 9999 would make a result wrong without a "
        "sign of it. Integers of any size can be counted, grouped by, and compared with integers.",
        run_of(rows="day,amount\\n2026-01-05,inf\\n2026-01-06,1.5\\n"),
        run_of(rows="day,amount\\n2026-01-05,\\n2026-01-06,1.5\\n"),
        "Leave such cells empty, or store large numbers as text or in a larger unit.",
        shown_by="python",
    ),
    Code(
        "SRC113",
        "A function that does not work on rows",
        Severity.ERROR,
        "A few functions need their arguments written out, or need periods, when they are computed "
        "over the rows of a table.",
        run_of(
            rows="day,amount,digits\\n2026-01-05,40.55,1\\n",
            aggregate="sum(round(amount, digits))",
        ),
        run_of(
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
        run_of(aggregate="LONG").replace('"LONG"', '"sum(" + " + ".join(["amount"] * 102) + ")"'),
        run_of(aggregate="sum(102 * amount)"),
        "Write it more simply, or compute a column beforehand.",
        shown_by="python",
    ),
    Code(
        "SRC115",
        "Too many rows in a result",
        Severity.ERROR,
        "Every period is there for every group, so one wrong year in the data asks for millions of "
        "rows.",
        run_of(
            rows="day,amount\\n1926-01-05,40\\n2026-01-05,40\\n",
            settings="limits=Limits(rows=1_000)",
        ),
        run_of(
            rows="day,amount\\n2025-01-05,40\\n2026-01-05,40\\n",
            settings="limits=Limits(rows=1_000)",
        ),
        "Check the first and the last day, choose a larger grain or fewer dimensions, or raise the "
        "limit `rows`.",
        shown_by="python",
    ),
)
