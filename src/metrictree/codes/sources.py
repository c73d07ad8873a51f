"""SRC: sources and measures, when they are run."""

from __future__ import annotations

from typing import Final

from metrictree.codes.entry import Code
from metrictree.codes.snippets import run_of
from metrictree.diagnostics import Severity

__all__ = ["SOURCES"]

_TABLE: Final = """\
import duckdb

from metrictree import MetricTree

shop = duckdb.connect()
shop.execute("create table orders as select 40 as amount")
tree = MetricTree(
    north_star="revenue",
    metrics={
        "revenue": {"measure": {"source": "orders", "aggregate": "sum(amount)"}},
    },
    sources={"orders": {"table": "orders"}},
)
RUN
"""

_PLAN: Final = """\
from pathlib import Path

from metrictree import MetricTree

Path("orders.csv").write_text("day,amount\\n2026-01-05,40\\n")
tree = MetricTree(
    north_star="gap",
    metrics={{
        "gap": "orders - planned",
        "orders": {{
            "measure": {{"source": "orders", "aggregate": "count()"}},
            "unit": "order/month",
        }},
        "planned": {{"value": 3, "unit": "order/month"}},
    }},
    sources={{"orders": {{"path": "orders.csv", "time": "day"}}}},
)
tree.run(grain="{grain}")
"""

SOURCES: Final = (
    Code(
        "SRC101",
        "What reads a source is not installed",
        Severity.ERROR,
        "Files and queries are read with DuckDB, frames and tables with the library that they are "
        "of; the core brings none of them.",
        "import sys\nfrom unittest.mock import patch\n\n"
        + run_of().replace(
            "tree.run(",
            'with patch.dict(sys.modules, {"duckdb": None}):  # as if not installed\n    tree.run(',
        ),
        run_of(),
        'Install it, as the message says: for DuckDB, `pip install "metrictree[duckdb]"`.',
        shown_by="python",
    ),
    Code(
        "SRC102",
        "A file of another format",
        Severity.ERROR,
        "Files are CSV, Parquet or JSON lines, told by the ends of their names. A folder is read "
        "by a pattern of the files in it.",
        run_of().replace('"path": "orders.csv"', '"path": "orders.xlsx"'),
        run_of(),
        "Write the rows to a file whose name ends in .csv, .tsv, .parquet, .jsonl or .ndjson; text "
        "files may be compressed, as .csv.gz. For several files write a pattern such as "
        "`orders/**/*.parquet`.",
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
        "path with `/` between folders. A `query` names its files in single quotes.",
        shown_by="python",
    ),
    Code(
        "SRC104",
        "The file of a source cannot be read",
        Severity.ERROR,
        "It is not there, is empty, is a folder, or may not be read; or a pattern matches no file, "
        "or one twice.",
        run_of().replace('"path": "orders.csv"', '"path": "order.csv"'),
        run_of(),
        "Check the path, which is relative to the tree's file.",
        shown_by="python",
    ),
    Code(
        "SRC105",
        "The file of a source is damaged",
        Severity.ERROR,
        "A line with more or fewer cells than the header, quotes that do not match, a line that is "
        "no object of JSON, another encoding than UTF-8, a name that stands twice in the header, "
        "or bytes that are no Parquet: whatever was made of it would be a guess. Lines are counted "
        "as an editor counts them.",
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
        "time may end in `Z`, `UTC` or an offset such as `+02:00`; without one it is in UTC.",
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
    Code(
        "SRC116",
        "A frame that cannot be used",
        Severity.ERROR,
        "What is given for a source is a frame of pandas, Polars, PyArrow, Spark or narwhals, a "
        "DuckDB relation or an Ibis table, with a name of its own and one type for each column.",
        run_of(arguments='sources={"orders": [40, 45]}'),
        "import polars as pl\n\n"
        + run_of(arguments='sources={"orders": pl.DataFrame({"amount": [40, 45]})}').replace(
            '"time": "day"', '"dimensions": []'
        ),
        "Give the frame itself; make one of lists or arrays first.",
        shown_by="python",
    ),
    Code(
        "SRC117",
        "A connection that cannot be used",
        Severity.ERROR,
        "A `table` is found in a connection: one that is given, or the one in the environment "
        "variable that the source names. What the variables hold is in no message.",
        _TABLE.replace("RUN", "tree.run()"),
        _TABLE.replace("RUN", "tree.run(connection=shop)"),
        "Give a DuckDB connection, an Ibis backend or a SparkSession; or as text a DuckDB file, an "
        "address such as `postgres://...`, or with the engine spark a master such as `local[4]`. "
        "Set the variables that it names.",
        shown_by="python",
    ),
    Code(
        "SRC118",
        "Unknown table",
        Severity.ERROR,
        "The connection has no table of this name. A table of another schema is written with it, "
        "as `shop.orders`.",
        _TABLE.replace("RUN", "tree.run(connection=shop)").replace('"orders"}', '"order"}'),
        _TABLE.replace("RUN", "tree.run(connection=shop)"),
        "Correct the name; the nearest ones are offered.",
        shown_by="python",
    ),
    Code(
        "SRC119",
        "A query or table that cannot be read",
        Severity.ERROR,
        "A `query` is one SELECT: a tree from elsewhere reads its own folder, and changes nothing. "
        "What else the database says about a query, table or frame is told in its words.",
        run_of().replace('"path": "orders.csv"', '"query": "drop table orders"'),
        run_of().replace('"path": "orders.csv"', '"query": "from read_csv(\'orders.csv\')"'),
        "Write one SELECT that DuckDB understands, or make the table readable.",
        shown_by="python",
    ),
    Code(
        "SRC120",
        "Files with different columns",
        Severity.ERROR,
        "The files that a pattern matches are read as one table, so all of them have the same "
        "columns. A column that one of them lacks would be missing in a part of the rows.",
        run_of()
        .replace("tree =", 'Path("orders2.csv").write_text("day,price\\n2026-01-06,45\\n")\ntree =')
        .replace('"path": "orders.csv"', '"path": "orders*.csv"'),
        run_of()
        .replace(
            "tree =", 'Path("orders2.csv").write_text("day,amount\\n2026-01-06,45\\n")\ntree ='
        )
        .replace('"path": "orders.csv"', '"path": "orders*.csv"'),
        "Export the file that differs again, write a narrower pattern, or make them two sources.",
        shown_by="python",
    ),
    Code(
        "SRC121",
        "A source without rows",
        Severity.ERROR,
        "A table without a single row is mostly one that was not loaded. The zeros that its counts "
        "and sums would give are no facts.",
        run_of(rows="day,amount\\n"),
        run_of(),
        "Load the table, or name another file. To leave rows out, use `where`, `since`, `until`.",
        shown_by="python",
    ),
    Code(
        "SRC122",
        "A run at a grain that a formula is not made for",
        Severity.ERROR,
        "A measure counts per period of the run. A formula that mixes it with something that is "
        "given per another period would give a wrong number without a word.",
        _PLAN.format(grain="quarter"),
        _PLAN.format(grain="month"),
        "Run at the grain for which the formula is made, or convert with a metric of a unit such "
        "as `month/quarter`.",
        shown_by="python",
    ),
)
