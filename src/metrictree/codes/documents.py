"""DOC: the text of a document."""

from __future__ import annotations

from typing import Final

from metrictree.codes.entry import Code
from metrictree.codes.snippets import FIELDS, IMPORT, TREE, WITH_LIMITS
from metrictree.diagnostics import Severity

__all__ = ["DOCUMENTS"]

DOCUMENTS: Final = (
    Code(
        "DOC101",
        "The document is empty",
        Severity.ERROR,
        "A file that holds nothing, or comments only, is mostly a wrong path or a failed copy.",
        "# the tree comes here\n",
        "north_star: orders\nmetrics: {orders: visits * rate, visits: , rate: }\n",
        "Start with `north_star:` and `metrics:`, or let `metrictree new` write a first tree.",
    ),
    Code(
        "DOC102",
        "The file is not UTF-8",
        Severity.ERROR,
        "A guessed encoding changes names without a word. Documents are UTF-8 everywhere; a byte "
        "order mark at the start is fine.",
        "from pathlib import Path\n"
        + IMPORT
        + 'text = "name: Caf\\u00e9\\nnorth_star: orders\\nmetrics: {orders: 3}\\n"\n'
        'Path("tree.yml").write_text(text, encoding="latin-1")\n'
        'MetricTree.load("tree.yml")\n',
        "from pathlib import Path\n"
        + IMPORT
        + 'text = "name: Caf\\u00e9\\nnorth_star: orders\\nmetrics: {orders: 3}\\n"\n'
        'Path("tree.yml").write_text(text, encoding="utf-8")\n'
        'MetricTree.load("tree.yml")\n',
        "Save the file as UTF-8. Spreadsheets and old editors on Windows often write UTF-16 or "
        "Latin-1.",
        shown_by="python",
    ),
    Code(
        "DOC103",
        "A character that cannot be seen",
        Severity.ERROR,
        "Control characters and those that turn the direction of text make a reader see something "
        "else than the program reads.",
        IMPORT + 'text = "name: shop \\u202e 2026\\nnorth_star: orders\\nmetrics: {orders: 3}\\n"\n'
        "MetricTree.from_yaml(text)\n",
        IMPORT + 'text = "name: shop 2026\\nnorth_star: orders\\nmetrics: {orders: 3}\\n"\n'
        "MetricTree.from_yaml(text)\n",
        "Delete the character at the column given; it mostly comes with text that was pasted.",
        shown_by="python",
    ),
    Code(
        "DOC104",
        "Not YAML",
        Severity.ERROR,
        "The text cannot be read as YAML from this place on, so nothing below it can be checked.",
        FIELDS + "{label: Visits: all of them}\n",
        FIELDS + '{label: "Visits: all of them"}\n',
        "Look at the line given and at the one above: indentation with spaces, a blank after each "
        "colon, closed quotes and brackets. A text that holds `: ` or starts with one of "
        "``@ ` % * & ! | >`` needs quotes.",
    ),
    Code(
        "DOC105",
        "A key stands twice",
        Severity.ERROR,
        "Most YAML readers keep the last of two equal keys without a word, and the first "
        "definition is lost.",
        TREE + "  visits:\n  rate: 0.04\n  visits: 12000\n",
        TREE + "  visits: 12000\n  rate: 0.04\n",
        "Keep one of the two. The message says in which line the other one stands.",
    ),
    Code(
        "DOC106",
        "A second document in the file",
        Severity.ERROR,
        "A line of three dashes starts another YAML document, which other programs ignore.",
        "north_star: orders\nmetrics: {orders: visits * 2, visits: 3}\n---\nnorth_star: visits\n",
        "north_star: orders\nmetrics: {orders: visits * 2, visits: 3}\n",
        "Keep one document in a file. To spread a tree over files, use `include`.",
    ),
    Code(
        "DOC107",
        "A YAML tag",
        Severity.ERROR,
        "Tags such as `!!python/object` or `!include` ask the reader to build objects or open "
        "files. A tree holds plain text, numbers, lists and mappings only.",
        FIELDS + "!!float 3\n",
        FIELDS + "3\n",
        "Remove the tag. Other files come in through the top-level `include`. A text that starts "
        "with `!` needs quotes.",
    ),
    Code(
        "DOC108",
        "A key is not text",
        Severity.ERROR,
        "YAML 1.1 reads the keys `no`, `on` and `12` as truth values and numbers. A name that "
        "changes with its reader is no name.",
        TREE.replace("visits", "no") + "  no: 12000\n  rate: 0.04\n",
        TREE + "  visits: 12000\n  rate: 0.04\n",
        "Use a name that starts with a letter and is no truth value, or put the key in quotes "
        "where it is free text.",
    ),
    Code(
        "DOC109",
        "An alias without its anchor",
        Severity.ERROR,
        "`*name` repeats what `&name` has marked above. Often no alias is meant at all, but a text "
        "that starts with an asterisk.",
        "north_star: orders\nmetrics:\n  orders: *visits\n",
        "north_star: orders\nmetrics:\n  orders: visits * 0.04\n  visits:\n",
        "Mark the value with `&name` above, or put a text that starts with `*` in quotes. A value "
        "cannot contain itself, and `<<` takes mappings only.",
    ),
    Code(
        "DOC110",
        "Nested too deep",
        Severity.ERROR,
        "Documents nest lists and mappings a few levels deep. Thousands of levels come from a "
        "generator gone wrong or from an attack.",
        WITH_LIMITS + 'text = "north_star: orders\\nmetrics: {orders: {tags: [daily]}}\\n"\n'
        "MetricTree.from_yaml(text, limits=Limits(depth=3))\n",
        WITH_LIMITS + 'text = "north_star: orders\\nmetrics: {orders: {value: 3}}\\n"\n'
        "MetricTree.from_yaml(text, limits=Limits(depth=3))\n",
        "Flatten the document, or raise the limit `depth` if you trust where it comes from.",
        shown_by="python",
    ),
    Code(
        "DOC111",
        "Too many keys and values",
        Severity.ERROR,
        "A few aliases of aliases can stand for billions of values. All of them are counted, and "
        "the reading ends before they cost memory.",
        WITH_LIMITS + 'text = "north_star: orders\\nmetrics: {orders: visits * 2, visits: 3}\\n"\n'
        "MetricTree.from_yaml(text, limits=Limits(values=8))\n",
        WITH_LIMITS + 'text = "north_star: orders\\nmetrics: {orders: visits * 2, visits: 3}\\n"\n'
        "MetricTree.from_yaml(text, limits=Limits(values=10))\n",
        "Split the document, use fewer aliases, or raise the limit `values`.",
        shown_by="python",
    ),
    Code(
        "DOC112",
        "Too many bytes",
        Severity.ERROR,
        "The size is checked before a file is read, so that a wrong path cannot fill the memory.",
        WITH_LIMITS + 'text = "north_star: orders\\nmetrics: {orders: 3}\\n"\n'
        "MetricTree.from_yaml(text, limits=Limits(bytes=20))\n",
        WITH_LIMITS + 'text = "north_star: orders\\nmetrics: {orders: 3}\\n"\n'
        "MetricTree.from_yaml(text, limits=Limits(bytes=2_000))\n",
        "Check that the path names a tree. If it does, split it or raise the limit `bytes`.",
        shown_by="python",
    ),
    Code(
        "DOC113",
        "Too many entries in one list or mapping",
        Severity.ERROR,
        "A mapping of millions of keys costs memory long before the other limits are reached.",
        WITH_LIMITS
        + 'text = "north_star: orders\\nmetrics: {orders: visits * 2, visits: 3, a: 1}\\n"\n'
        "MetricTree.from_yaml(text, limits=Limits(entries=2))\n",
        WITH_LIMITS + 'text = "north_star: orders\\nmetrics: {orders: visits * 2, visits: 3}\\n"\n'
        "MetricTree.from_yaml(text, limits=Limits(entries=2))\n",
        "Split it over several files, or raise the limit `entries`.",
        shown_by="python",
    ),
    Code(
        "DOC114",
        "More problems are left out",
        Severity.ERROR,
        "The first thousand problems are told, and then the reading ends: they mostly have one "
        "cause.",
        IMPORT + 'metrics = {f"m{i}": "vists * 2" for i in range(1_001)}\n'
        'MetricTree(north_star="m0", metrics=metrics)\n',
        IMPORT + 'metrics = {f"m{i}": "visits * 2" for i in range(1_001)}\n'
        'metrics["visits"] = 12_000\n'
        'MetricTree(north_star="m0", metrics=metrics)\n',
        "Repair those that are told, and check again.",
        shown_by="python",
        comes_with="GRA101",
    ),
)
