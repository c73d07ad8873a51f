"""Run the examples of the manual, of README files and of docstrings as tests.

In Markdown, the blocks of one page run in order, in one empty folder that holds a copy of
``examples/``, and share their names:

- ``python`` runs; ``pycon``, or ``python`` that starts with ``>>>``, is compared as a doctest;
- ``yaml`` or ``csv`` with a ``title`` is written to the file of that name;
- ``yaml`` that holds ``north_star:`` at its top is a tree and must load without errors, unless its
  title is ``mistakes.yml``;
- a comment ``<!--- skip: start if(absent("polars"), reason="...") --->`` skips all blocks up to
  ``<!--- skip: end --->`` where that library is not installed;
- ``console`` runs each line that starts with ``$ metrictree`` and compares what it prints, ``...``
  standing for any text; other commands are for the reader only.
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

ROOT = Path(__file__).parent
# The command `metrictree` of this interpreter, whatever PATH says.
PROGRAM = (sys.executable, "-m", "metrictree")
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
    """Write the file that a block is titled with."""
    arguments, text = example.parsed
    title = re.search(r'title="([^"]+)"', arguments)
    if title is None:
        return None
    path = Path(title[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def check_csv(example: Example) -> None:
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
        if words[0] != "metrictree":
            continue
        done = subprocess.run(  # noqa: S603 - the command stands in our own documents
            [*PROGRAM, *words[1:]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            env=os.environ | {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONUTF8": "1"},
            timeout=60,
            check=False,
        )
        if expected.strip() and not doctest.OutputChecker().check_output(
            expected.strip() + "\n", done.stdout.strip() + "\n", doctest.ELLIPSIS
        ):
            return (
                f"$ {command}\nexpected:\n{expected}\ngot (exit {done.returncode}):\n{done.stdout}"
            )
        if not expected.strip() and done.returncode:
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
        FencedBlocks("csv", check_csv),
        FencedBlocks("yaml", check_yaml),
        FencedBlocks("console", check_console),
    ],
    pattern="*.md",
    setup=enter_folder,
    teardown=leave_folder,
)
docstrings = Sybil(parsers=[DocTestParser(optionflags=FLAGS)], path="src", pattern="*.py")

pytest_collect_file = (markdown + docstrings).pytest()
