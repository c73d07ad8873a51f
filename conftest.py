"""Run the examples of the manual, of README files and of docstrings as tests.

In Markdown, the blocks of one page run in order, in one empty folder that holds a copy of
``examples/``, and share their names:

- ``python`` runs; ``pycon``, or ``python`` that starts with ``>>>``, is compared as a doctest;
- ``yaml``, ``csv`` or ``python`` with a ``title`` is written to the file of that name; a title such
  as ``shop.yml, further down`` adds to the end of the file;
- ``yaml`` that holds ``north_star:`` at its top is a tree and must load without errors, unless its
  title is ``mistakes.yml``;
- a comment ``<!--- skip: start if(absent("polars"), reason="...") --->`` skips all blocks up to
  ``<!--- skip: end --->`` where that library is not installed;
- ``console`` runs each line that starts with ``$ metrictree`` or ``$ pytest`` and compares what it
  prints, ``...`` standing for any text, and ``in 0.02 s`` for any time; other commands are for the
  reader only.
"""

from __future__ import annotations

import doctest
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sybil import Sybil
from sybil.evaluators.doctest import DocTestEvaluator
from sybil.parsers.abstract.doctest import DocTestStringParser
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer
from sybil.parsers.rest import DocTestParser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sybil import Document, Example
    from sybil.region import Region

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent
PLUGIN = "metrictree.pytest_plugin"
# Commands of this interpreter, whatever PATH says; a plugin of pytest may be named only once.
INSTALLED = any(one.value == PLUGIN for one in entry_points(group="pytest11"))
PROGRAMS = {
    "metrictree": (sys.executable, "-m", "metrictree"),
    "pytest": (
        *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
        *(() if INSTALLED else ("-p", PLUGIN)),
    ),
}
SECONDS = re.compile(r"\bin [0-9.,]+ ?s\b")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class FencedBlocks:
    """Find the blocks of one language, whatever else stands on their first line."""

    def __init__(
        self, language: str, evaluate: Callable[[Example], str | None] | None = None
    ) -> None:
        info = re.compile(rf"{language}(?P<arguments>|[ ][^\n]*)$\n", re.MULTILINE)
        self.lexer = RawFencedCodeBlockLexer(info)
        self.evaluate = evaluate

    def __call__(self, document: Document) -> Iterator[Region]:
        """Yield the blocks of ``document``."""
        for region in self.lexer(document):
            region.parsed = region.lexemes["arguments"], str(region.lexemes["source"])
            region.evaluator = self.evaluate
            yield region


def find_sessions(document: Document) -> Iterator[Region]:
    """Yield the prompts of ``pycon`` blocks."""
    find_prompts = DocTestStringParser(DocTestEvaluator(FLAGS))
    for block in FencedBlocks("pycon")(document):
        source = block.lexemes["source"]
        for prompt in find_prompts(source, document.path):
            prompt.adjust(block, source)
            yield prompt


def write_file(example: Example) -> Path | None:
    """Write the file that a block is titled with, or add to it."""
    arguments, text = example.parsed
    title = re.search(r'title="([^",]+)(, further down)?"', arguments)
    if title is None:
        return None
    path = Path(title[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    if title[2]:  # as far to the right as it stands there
        _, _, block = example.document.text[example.start : example.end].partition("\n")
        text = path.read_text(encoding="utf-8") + "\n" + block.rpartition("\n")[0] + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def check_file(example: Example) -> None:
    """Write the file that a block is titled with."""
    write_file(example)


def check_yaml(example: Example) -> None:
    """Write the file that a block is titled with, and load the block where it is a tree."""
    path = write_file(example)
    text = example.parsed[1]
    mistaken = path is not None and path.name == "mistakes.yml"
    if re.search(r"^north_star:", text, re.MULTILINE) and not mistaken:
        from metrictree import MetricTree

        tree = MetricTree.load(path) if path else MetricTree.from_yaml(text)
        example.namespace["tree"] = tree


def check_console(example: Example) -> str | None:
    """Run the commands of a block and compare what they print with what is written."""
    _, text = example.parsed
    for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n?)*)", text, re.MULTILINE):
        words = shlex.split(command, comments=True)
        if words[0] not in PROGRAMS:
            continue
        done = subprocess.run(  # noqa: S603 - the command stands in our own documents
            [*PROGRAMS[words[0]], *words[1:]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            env={name: value for name, value in os.environ.items() if "PYTEST" not in name}
            | {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONUTF8": "1"},
            timeout=60,
            check=False,
        )
        right, found = (SECONDS.sub("in ... s", one).strip() for one in (expected, done.stdout))
        if right and not doctest.OutputChecker().check_output(
            right + "\n", found + "\n", doctest.ELLIPSIS
        ):
            return (
                f"$ {command}\nexpected:\n{expected}\ngot (exit {done.returncode}):\n{done.stdout}"
            )
        if not right and done.returncode:
            return f"$ {command}\nexit {done.returncode}:\n{done.stdout}"
    return None


def enter_folder(namespace: dict[str, Any]) -> None:
    """Make the folder in which the examples of one page run."""
    namespace["absent"] = lambda library: importlib.util.find_spec(library) is None
    namespace["_home"] = Path.cwd()
    namespace["_folder"] = tempfile.mkdtemp()
    shutil.copytree(ROOT / "examples", Path(namespace["_folder"]) / "examples")
    os.chdir(namespace["_folder"])


def leave_folder(namespace: dict[str, Any]) -> None:
    """Go back and remove the folder."""
    os.chdir(namespace["_home"])
    shutil.rmtree(namespace["_folder"], ignore_errors=True)


markdown = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=FLAGS),
        SkipParser(),
        find_sessions,
        FencedBlocks("csv", check_file),
        FencedBlocks("python(?= title=)", check_file),
        FencedBlocks("yaml", check_yaml),
        FencedBlocks("console", check_console),
    ],
    pattern="*.md",
    setup=enter_folder,
    teardown=leave_folder,
)
docstrings = Sybil(parsers=[DocTestParser(optionflags=FLAGS)], path="src", pattern="*.py")

pytest_collect_file = (markdown + docstrings).pytest()
