"""INC: files and includes."""

from __future__ import annotations

from typing import Final

from metrictree.codes.entry import Code
from metrictree.codes.snippets import INCLUDING, WITH_LIMITS
from metrictree.diagnostics import Severity

__all__ = ["INCLUDES"]

INCLUDES: Final = (
    Code(
        "INC101",
        "A file cannot be read",
        Severity.ERROR,
        "The tree or a file that it includes is not there, is a folder, or may not be read. The "
        "rest of the tree cannot be judged without it.",
        INCLUDING + "include: [teams/growth.yml]\nmetrics: {orders: 3}\n",
        INCLUDING
        + "include: [teams/growth.yml]\nmetrics: {orders: visits * 2}\n\n"
        + "# file: teams/growth.yml\nmetrics: {visits: }\n",
        "Check the path. An include is relative to the file in which it stands.",
    ),
    Code(
        "INC102",
        "A file outside of the tree's folder",
        Severity.ERROR,
        "Loading a tree reads only inside one folder: that of the first file, or `root`. A tree "
        "from elsewhere cannot make you read your own files into it.",
        INCLUDING + "include: [../secrets.yml]\nmetrics: {orders: 3}\n",
        INCLUDING
        + "include: [growth.yml]\nmetrics: {orders: visits * 2}\n\n"
        + "# file: growth.yml\nmetrics: {visits: }\n",
        "Move the file inside, or name a wider folder with `--root` or `root=`. Write a relative "
        "path with `/` between folders. A tree that is given as text includes nothing.",
    ),
    Code(
        "INC104",
        "Files include each other in a circle",
        Severity.ERROR,
        "Such a tree has no end.",
        INCLUDING
        + "include: [growth.yml]\nmetrics: {orders: visits * 2}\n\n"
        + "# file: growth.yml\ninclude: [growth.yml]\nmetrics: {visits: }\n",
        INCLUDING
        + "include: [growth.yml]\nmetrics: {orders: visits * 2}\n\n"
        + "# file: growth.yml\nmetrics: {visits: }\n",
        "Take one of the includes out.",
    ),
    Code(
        "INC105",
        "Too many files",
        Severity.ERROR,
        "The number of files and how deep they include each other are limited, as is everything "
        "else that is read.",
        WITH_LIMITS + "from pathlib import Path\n\n" + 'Path("tree.yml").write_text(\n'
        '    "north_star: orders\\ninclude: [a.yml]\\nmetrics: {orders: 3}\\n"\n)\n'
        'Path("a.yml").write_text("metrics: {visits: }\\n")\n'
        'MetricTree.load("tree.yml", limits=Limits(files=1))\n',
        WITH_LIMITS + "from pathlib import Path\n\n" + 'Path("tree.yml").write_text(\n'
        '    "north_star: orders\\ninclude: [a.yml]\\nmetrics: {orders: 3}\\n"\n)\n'
        'Path("a.yml").write_text("metrics: {visits: }\\n")\n'
        'MetricTree.load("tree.yml", limits=Limits(files=2))\n',
        "Join files, include fewer levels, or raise the limits `files` and `include_depth`.",
        shown_by="python",
    ),
    Code(
        "INC106",
        "Not a name for included metrics",
        Severity.ERROR,
        "The name stands before the ids of the file, as in `growth.visits`, so it follows the rule "
        "of ids.",
        INCLUDING
        + "include: {Growth Team: growth.yml}\nmetrics: {orders: 3}\n\n"
        + "# file: growth.yml\nmetrics: {visits: }\n",
        INCLUDING
        + "include: {growth: growth.yml}\nmetrics: {orders: growth.visits * 2}\n\n"
        + "# file: growth.yml\nmetrics: {visits: }\n",
        "Use a short name of a-z, 0-9 and _.",
    ),
    Code(
        "INC107",
        "An included file has problems of its own",
        Severity.ERROR,
        "The problems are told where they are; this finding says which line brings the file in.",
        INCLUDING
        + "include: [growth.yml]\nmetrics: {orders: visits * 2}\n\n"
        + "# file: growth.yml\nmetrics:\n  visits: 3\n  visits: 4\n",
        INCLUDING
        + "include: [growth.yml]\nmetrics: {orders: visits * 2}\n\n"
        + "# file: growth.yml\nmetrics:\n  visits: 3\n",
        "Repair the included file.",
        comes_with="DOC105",
    ),
    Code(
        "INC108",
        "A block that an included file may not hold",
        Severity.ERROR,
        "A tree has one North Star, one name and one set of rules; they stand in its first file. "
        "Included files bring metrics, sources, influences, tests and further includes.",
        INCLUDING
        + "include: [growth.yml]\nmetrics: {orders: visits * 2}\n\n"
        + "# file: growth.yml\nname: Growth\nmetrics: {visits: }\n",
        INCLUDING
        + "include: [growth.yml]\nname: Growth\nmetrics: {orders: visits * 2}\n\n"
        + "# file: growth.yml\nmetrics: {visits: }\n",
        "Move the block to the first file, or remove it.",
    ),
    Code(
        "INC109",
        "Defined in two files",
        Severity.ERROR,
        "Two definitions of one metric or source differ sooner or later, and then one of them is "
        "wrong.",
        INCLUDING
        + "include: [growth.yml]\nmetrics: {orders: visits * 2, visits: }\n\n"
        + "# file: growth.yml\nmetrics: {visits: }\n",
        INCLUDING
        + "include: {growth: growth.yml}\nmetrics: {orders: visits + growth.visits, visits: }\n\n"
        + "# file: growth.yml\nmetrics: {visits: }\n",
        "Keep one of them, or include the file below a name.",
    ),
)
