"""FML: the text of a formula, an aggregate or a `where`."""

from __future__ import annotations

from typing import Final

from metrictree.codes.entry import Code
from metrictree.codes.snippets import WITH_LIMITS
from metrictree.diagnostics import Severity

__all__ = ["FORMULAS"]

FORMULAS: Final = (
    Code(
        "FML101",
        "An empty formula",
        Severity.ERROR,
        "A metric without a formula is an input. An empty formula is more likely a forgotten one.",
        "  ",
        "visits * rate",
        "Write the formula, or remove the field to make the metric an input.",
        shown_by="formula",
    ),
    Code(
        "FML102",
        "A character that formulas do not have",
        Severity.ERROR,
        "Signs copied from documents look like operators and are none: a multiplication sign, a "
        "long dash, a no-break space.",
        "visits \u00d7 rate",
        "visits * rate",
        "Type the character that the message names. Ids hold a-z, 0-9 and _ only.",
        shown_by="formula",
    ),
    Code(
        "FML103",
        "A number in a form that is not read",
        Severity.ERROR,
        "`1,000`, `1_000`, `010`, `0x10` and `1M` mean different things in different programs, and "
        "a number past float64 means nothing.",
        "visits * 1,000",
        "visits * 1000",
        "Write plain digits with a point for decimals: `1000`, `0.5`, `1e6`.",
        shown_by="formula",
    ),
    Code(
        "FML104",
        "An operator of another language",
        Severity.ERROR,
        "`^` is a power in spreadsheets and a bit operation in Python, `=` assigns or compares. "
        "Every operation has one spelling here.",
        "visits ^ 2",
        "visits ** 2",
        "Use the spelling that the message gives: `**`, `==`, `and`, `or`, `not`. `in` may stand "
        "in `where` only.",
        shown_by="formula",
    ),
    Code(
        "FML105",
        "A value or an operator is missing",
        Severity.ERROR,
        "Between two values stands an operator, and around an operator stand values; nothing is "
        "filled in.",
        "visits rate",
        "visits * rate",
        "Complete the formula at the place given. A product is written with `*`, a choice as "
        "`a if condition else b`, and an id has underscores, not blanks.",
        shown_by="formula",
    ),
    Code(
        "FML106",
        "A bracket without its other half",
        Severity.ERROR,
        "Where a bracket was meant to close decides what the formula means.",
        "orders / (visits - bots",
        "orders / (visits - bots)",
        "Add the bracket that is missing, or remove the one that is left over.",
        shown_by="formula",
    ),
    Code(
        "FML107",
        "Text in a formula",
        Severity.ERROR,
        "A formula is made of metrics and numbers. Text is compared with the rows of a source, in "
        "`where`.",
        "visits * 'rate'",
        "visits * rate",
        "Write an id without quotes. To choose rows by a text, use `where` in a measure.",
        shown_by="formula",
    ),
    Code(
        "FML108",
        "Unknown function",
        Severity.ERROR,
        "Only the functions of the language can be called; nothing of Python or SQL is within "
        "reach of a formula.",
        "average(visits, orders)",
        "mean(visits, orders)",
        "Use a function of the list in the reference of formulas. Aggregates over rows stand "
        "outermost in a measure.",
        shown_by="formula",
    ),
    Code(
        "FML109",
        "Wrong number of arguments",
        Severity.ERROR,
        "Too few or too many arguments mean that another function was in mind. `sum(x)` of one "
        "value, for one, is a total over rows, and that is an aggregate of a measure.",
        "round(rate, 2, 1)",
        "round(rate, 2)",
        "Write the call as the message shows it.",
        shown_by="formula",
    ),
    Code(
        "FML110",
        "A condition for a number, or a number for a condition",
        Severity.ERROR,
        "A comparison is true or false, not 1 or 0. Text and numbers do not compare.",
        "visits * (rate > 0.5)",
        "visits if rate > 0.5 else 0",
        "Choose with `a if condition else b`, and compare a number to make it a condition.",
        shown_by="formula",
    ),
    Code(
        "FML111",
        "An argument that must be written out",
        Severity.ERROR,
        "The number of periods and the quantile shape the calculation itself, so they are numbers "
        "in the formula and not metrics.",
        "lag(orders, 0)",
        "lag(orders, 4)",
        "Write a whole number of periods of at least 1, and a quantile from 0 to 1.",
        shown_by="formula",
    ),
    Code(
        "FML112",
        "Too long or nested too deep",
        Severity.ERROR,
        "No person writes such a formula. The limits keep one from a generator from taking the "
        "machine.",
        WITH_LIMITS + 'metrics = {"orders": "((visits))", "visits": None}\n'
        'MetricTree(north_star="orders", metrics=metrics, limits=Limits(formula_depth=1))\n',
        WITH_LIMITS + 'metrics = {"orders": "(visits)", "visits": None}\n'
        'MetricTree(north_star="orders", metrics=metrics, limits=Limits(formula_depth=1))\n',
        "Split the formula into several metrics, or raise the limits `formula_length` and "
        "`formula_depth`.",
        shown_by="python",
    ),
    Code(
        "FML113",
        "A construct that formulas do not have",
        Severity.ERROR,
        "Subscripts, attributes, templates, comments and the like belong to programming languages. "
        "What is not in the reference of formulas is refused.",
        "metrics['visits'] * rate",
        "visits * rate",
        "Write ids plainly. A remark goes into `description` or a YAML comment.",
        shown_by="formula",
    ),
    Code(
        "FML114",
        "A percent sign behind a number",
        Severity.ERROR,
        "`%` is the remainder, as in Python. `5% - x` would be read as 5 modulo -x.",
        "revenue * 5%",
        "revenue * 0.05",
        "Write a percentage as a ratio, `0.05` for 5 %.",
        shown_by="formula",
    ),
    Code(
        "FML115",
        "true or false in a formula",
        Severity.ERROR,
        "Truth values are not numbers: true counts as 1 in some languages, as -1 in others.",
        "visits * true",
        "visits * 1",
        "Write 1 or 0, or a comparison as the condition of `if`.",
        shown_by="formula",
    ),
    Code(
        "FML116",
        "A comparison with null",
        Severity.ERROR,
        "As in SQL, `x == null` is missing and never true, so the condition would always fail.",
        "0 if visits == null else visits",
        "0 if is_missing(visits) else visits",
        "Write `is_missing(x)`, or `coalesce(x, 0)` to replace a missing value.",
        shown_by="formula",
    ),
    Code(
        "FML117",
        "Not an aggregate",
        Severity.ERROR,
        "A measure makes one value of many rows, and only an aggregate around the expression says "
        "how.",
        "north_star: average_order\n"
        "metrics:\n"
        "  average_order: revenue / orders\n"
        "  orders: {measure: {source: orders, aggregate: count()}}\n"
        "  revenue: {measure: {source: orders, aggregate: price * quantity}}\n"
        "sources:\n"
        "  orders: {path: orders.csv}\n",
        "north_star: average_order\n"
        "metrics:\n"
        "  average_order: revenue / orders\n"
        "  orders: {measure: {source: orders, aggregate: count()}}\n"
        "  revenue: {measure: {source: orders, aggregate: sum(price * quantity)}}\n"
        "sources:\n"
        "  orders: {path: orders.csv}\n",
        "Put the aggregate outermost. `count` and `count_distinct` take the name of a column; "
        "which rows count is said in `where`.",
    ),
    Code(
        "FML118",
        "Formulas that are too large together",
        Severity.ERROR,
        "Each formula may be short enough while all of them fill the memory: aliases repeat a long "
        "one at no cost.",
        WITH_LIMITS + 'metrics = {"orders": "visits * rate", "visits": 12_000, "rate": 0.04}\n'
        'MetricTree(north_star="orders", metrics=metrics, limits=Limits(formula_nodes=2))\n',
        WITH_LIMITS + 'metrics = {"orders": "visits * rate", "visits": 12_000, "rate": 0.04}\n'
        'MetricTree(north_star="orders", metrics=metrics, limits=Limits(formula_nodes=3))\n',
        "Split the tree, or raise the limit `formula_nodes` if you trust where it comes from.",
        shown_by="python",
    ),
)
