"""SCH: what a document may hold."""

from __future__ import annotations

from typing import Final

from metrictree.codes.entry import Code
from metrictree.codes.snippets import FIELDS, TREE, WITH_LIMITS
from metrictree.diagnostics import Severity

__all__ = ["SCHEMA"]

SCHEMA: Final = (
    Code(
        "SCH101",
        "Unknown field",
        Severity.ERROR,
        "A field that nobody reads is a typing error that changes the tree without a word.",
        FIELDS + "{value: 3, onwer: growth}\n",
        FIELDS + "{value: 3, owner: growth}\n",
        "Correct the name; the message offers the nearest field. Notes of your own go into "
        "`description`, `tags` or `links`.",
    ),
    Code(
        "SCH102",
        "A field is missing",
        Severity.ERROR,
        "A tree needs `north_star` and `metrics`, a measure its `source` and `aggregate`, an "
        "influence its two ends; nothing sensible can be assumed for them.",
        "metrics:\n  orders: visits * 0.04\n  visits:\n",
        "north_star: orders\nmetrics:\n  orders: visits * 0.04\n  visits:\n",
        "Add the field.",
    ),
    Code(
        "SCH103",
        "Wrong kind of value",
        Severity.ERROR,
        'Values are never converted: the text "3" is no number, and the number 3 is no text. A '
        "conversion would be right mostly and wrong silently.",
        FIELDS + '{value: "3"}\n',
        FIELDS + "{value: 3}\n",
        "Write the kind of value that the message names.",
    ),
    Code(
        "SCH104",
        "Not one of the choices",
        Severity.ERROR,
        "The field takes one of a few words, and reports and rules rely on them.",
        FIELDS + "{value: 3, improves: higher}\n",
        FIELDS + "{value: 3, improves: up}\n",
        "Use one of the words that the message lists.",
    ),
    Code(
        "SCH105",
        "A number out of bounds",
        Severity.ERROR,
        "Infinite numbers, integers whose last digits a float64 would lose, and counts below or "
        "above what makes sense give wrong values later on.",
        FIELDS + "{value: 3, display: {digits: 40}}\n",
        FIELDS + "{value: 3, display: {digits: 2}}\n",
        "Write a number within the bounds that the message gives.",
    ),
    Code(
        "SCH106",
        "Not a metric id",
        Severity.ERROR,
        "Ids become names of columns, and SQL engines fold case. So an id is made of a-z, 0-9 "
        "and _, starts with a letter, has at most 64 characters and is no reserved word.",
        "north_star: orders\nmetrics:\n  orders: 3\n  Avg-Price: 12\n",
        "north_star: orders\nmetrics:\n  orders: items / 2\n  items: {label: Items sold}\n",
        "Use a short name such as `avg_price`. What people read is the `label`.",
    ),
    Code(
        "SCH107",
        "Two kinds of value on one metric",
        Severity.ERROR,
        "A metric is a formula, a measure, a constant or an input. With two of them, one would "
        "have to be ignored.",
        TREE + "  visits: {value: 12000, formula: paid + free}\n  rate:\n  paid:\n  free:\n",
        TREE + "  visits: {formula: paid + free}\n  rate:\n  paid:\n  free:\n",
        "Keep one of `formula`, `measure` and `value`.",
    ),
    Code(
        "SCH108",
        "Empty text",
        Severity.ERROR,
        "An empty text says neither that something is unknown nor what it is.",
        FIELDS + '{value: 3, label: ""}\n',
        FIELDS + "{value: 3, label: Orders}\n",
        "Write the text, or remove the field.",
    ),
    Code(
        "SCH109",
        "A word or number that readers take differently",
        Severity.ERROR,
        "Without quotes, YAML 1.1 reads `no` as false, `12:30` as 750, `010` as 8 and `1_000` as "
        "1000; YAML 1.2 does not. Such a value is refused where it stands for text or a number.",
        FIELDS + "1_000\n",
        FIELDS + "1000\n",
        "Put a text in quotes, and write a number in plain digits.",
    ),
    Code(
        "SCH110",
        "Not a unit",
        Severity.ERROR,
        "Units are read and calculated with, so their spelling is fixed: names joined by `*` and "
        "`/`, with `^2` for powers.",
        FIELDS + "{value: 3, unit: orders per week}\n",
        FIELDS + "{value: 3, unit: order/week}\n",
        "Write for example `order`, `order/week`, `USD/order`, `ratio` or `%`.",
    ),
    Code(
        "SCH111",
        "Two values that contradict each other",
        Severity.ERROR,
        "A range whose low end is above its high end holds no number, and an influence cannot be "
        "positive with a negative elasticity.",
        FIELDS + "{value: 3, range: [10, 0]}\n",
        FIELDS + "{value: 3, range: [0, 10]}\n",
        "Correct the one that is wrong; an end of a range may be null.",
    ),
    Code(
        "SCH112",
        "Fields that do not go together",
        Severity.ERROR,
        "A source is exactly one of `path`, `query` and `table`; `team` and `until` mean something "
        "only on a metric with `role: focus`.",
        FIELDS + "{value: 3, team: growth}\n",
        FIELDS + "{value: 3, role: focus, team: growth}\n",
        "Remove the field that does not belong there, or set the other one that it needs.",
    ),
    Code(
        "SCH113",
        "Not a rule's code",
        Severity.ERROR,
        "Rules are named by their codes. A name that matches none would silently select nothing.",
        TREE + "  visits:\n  rate:\nlint: {select: [north-star]}\n",
        TREE + "  visits:\n  rate:\nlint: {select: [NS101]}\n",
        "Write the code of the rule, such as `NS101`.",
    ),
    Code(
        "SCH114",
        "A reserved block",
        Severity.ERROR,
        "`scenarios`, `initiatives` and `objectives` will mean something in a later version. Until "
        "then they would be ignored, so they are refused.",
        "north_star: orders\nmetrics: {orders: visits * 2, visits: 3}\nscenarios: {}\n",
        "north_star: orders\nmetrics: {orders: visits * 2, visits: 3}\n",
        "Remove the block.",
    ),
    Code(
        "SCH115",
        "Too many metrics",
        Severity.ERROR,
        "The number of metrics is limited, so that a tree from an unknown place cannot take the "
        "machine's memory.",
        WITH_LIMITS + 'text = "north_star: orders\\nmetrics: {orders: visits * 2, visits: 3}\\n"\n'
        "MetricTree.from_yaml(text, limits=Limits(metrics=1))\n",
        WITH_LIMITS + 'text = "north_star: orders\\nmetrics: {orders: visits * 2, visits: 3}\\n"\n'
        "MetricTree.from_yaml(text, limits=Limits(metrics=2))\n",
        "Split the tree, or raise the limit `metrics`.",
        shown_by="python",
    ),
    Code(
        "SCH116",
        "An entry that stands twice",
        Severity.ERROR,
        "A tag, dimension or outcome counts once; the second one is mostly meant to be another.",
        TREE + "  rate: 0.04\n  visits: { tags: [weekly, weekly] }\n",
        TREE + "  rate: 0.04\n  visits: { tags: [weekly, core] }\n",
        "Remove it, or write the one that was meant.",
    ),
    Code(
        "SCH117",
        "A connection that is no environment variable",
        Severity.ERROR,
        "Trees are shared and kept for ever, passwords are neither. So a tree names the "
        "environment variable in which the connection is found, and nothing else.",
        "north_star: orders\n"
        "metrics:\n"
        "  orders: { measure: { source: shop, aggregate: count() } }\n"
        "sources:\n"
        "  shop: { table: orders, connection: 'postgres://ana:secret@db/shop' }\n",
        "north_star: rate\n"
        "metrics:\n"
        "  rate: orders / 7\n"
        "  orders: { measure: { source: shop, aggregate: count() } }\n"
        "sources:\n"
        "  shop: { table: orders, connection: '${SHOP_DB}' }\n",
        "Put the connection into a variable of the environment, and write its name as "
        "`${SHOP_DB}`.",
    ),
    Code(
        "SCH118",
        "Unknown time zone",
        Severity.ERROR,
        "Time zones are those of the IANA database, in their own spelling. Abbreviations such as "
        "CEST mean different zones in different places.",
        TREE + "  rate: 0.04\n  visits:\ntimezone: Europe/Berln\n",
        TREE + "  rate: 0.04\n  visits:\ntimezone: Europe/Berlin\n",
        "Write a name such as `Europe/Berlin` or `UTC`; the nearest ones are offered.",
    ),
)
