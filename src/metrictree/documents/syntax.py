"""What is wrong with a text that is not YAML, and what to do about it.

The parser says where it gave up and what it was reading; the words are made here, from the lines
around, so that both of PyYAML's parsers give the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from metrictree.diagnostics import Diagnostic, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from metrictree.documents.document import Document

__all__ = ["describe_syntax_error"]


class _Words(NamedTuple):
    message: str
    fix: str
    at: int
    """Offset in the text."""


class _Scene(NamedTuple):
    """What the parser says, and the line in which it gave up."""

    text: str
    problem: str
    at: int
    context: str
    began: int
    """Where the part began that was being read; ``at`` if that is not known."""
    line: str
    start: int
    """Offset of the line."""

    @property
    def indent(self) -> int:
        return _indent(self.line)

    @property
    def character(self) -> str:
        return self.text[self.at : self.at + 1]

    def above(self) -> tuple[str, int]:
        """Return the nearest line above that holds something, and its offset."""
        stop = self.start - 1
        while stop > 0:
            begin = self.text.rfind("\n", 0, stop) + 1
            line = self.text[begin:stop]
            if line.strip() and not line.lstrip().startswith("#"):
                return line, begin
            stop = begin - 1
        return "", 0


def describe_syntax_error(
    document: Document, problem: str, at: int, context: str = "", began: int | None = None
) -> Diagnostic:
    """Return the diagnostic for what the parser could not read.

    ``at`` and ``began`` are offsets of where it gave up, and of where the part began that it was
    reading then; ``context`` names that part.
    """
    text = document.text
    at = min(at, len(text))
    start = text.rfind("\n", 0, at) + 1
    stop = text.find("\n", at)
    line = text[start : stop if stop >= 0 else len(text)]
    scene = _Scene(text, problem, at, context, at if began is None else began, line, start)
    words = next(found for check in _CHECKS for found in check(scene))
    span = document.span_of(words.at, words.at + 1)
    return Diagnostic("DOC104", f"not YAML: {words.message}", span, fix=words.fix)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


_CONFLICT = re.compile(r"^<{7} ", re.MULTILINE)
_GLUED = re.compile(r"[ ]*(?:- )*([A-Za-z0-9_.-]+):([^\s:/].*)")
_COLON = re.compile(r":(?:\s|$)")
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\"""")


def _conflict(scene: _Scene) -> Iterator[_Words]:
    if found := _CONFLICT.search(scene.text):
        yield _Words("a merge conflict was left in the file", "resolve it", found.start())


def _tab(scene: _Scene) -> Iterator[_Words]:
    if "\t" in scene.line[: len(scene.line) - len(scene.line.lstrip())]:
        yield _Words("a tab indents this line", "indent with spaces", scene.at)


def _page(scene: _Scene) -> Iterator[_Words]:
    if scene.line.lstrip().startswith("<"):
        yield _Words("this is a page of HTML or XML", "give a YAML file", scene.at)


def _first_character(scene: _Scene) -> Iterator[_Words]:
    if "found character" in scene.problem and scene.character in tuple("@`%"):
        message = f"a text cannot start with '{scene.character}' unless it is quoted"
        yield _Words(message, "put it in quotes", scene.at)
    if "block scalar" in scene.context:
        sign = scene.text[scene.began : scene.began + 1]
        message = f"a text cannot start with '{sign}' unless it is quoted"
        advice = f"put it in quotes; after '{sign}' alone, a text may follow in the next lines"
        yield _Words(message, advice, scene.began)
    if "sequence entries are not allowed" in scene.problem:
        message = "a list cannot start in the line of its key"
        yield _Words(message, "put each `- ` in a line of its own, or quote the text", scene.at)


def _quote(scene: _Scene) -> Iterator[_Words]:
    if "quoted scalar" in scene.context and "end of" in scene.problem:
        yield _Words("this quote is never closed", "close it", scene.began)
    before = scene.line[: scene.at - scene.start].rstrip(" *&!")
    if before[-1:] in ("'", '"') and "quoted scalar" not in scene.context:
        message = "something follows the closing quote"
        yield _Words(message, "put the whole text in quotes, or none of it", scene.at)


def _bracket(scene: _Scene) -> Iterator[_Words]:
    if "flow" in scene.context:
        opened = scene.text[scene.began : scene.began + 1]
        if scene.start <= scene.began:
            message = "a comma or the closing bracket is missing"
            advice = "put a comma between entries, and a text with ': ' or ', ' in quotes"
            yield _Words(message, advice, scene.at)
        else:
            message = f"the bracket '{opened}' is not closed"
            yield _Words(message, "close it, or quote a text that starts with it", scene.began)
    if scene.character in ("]", "}"):
        message = f"the bracket '{scene.character}' was never opened"
        yield _Words(message, "remove it, or quote the text", scene.at)


def _marks(scene: _Scene) -> Iterator[_Words]:
    if "alias" in scene.context or "anchor" in scene.context:
        message = "a text that starts with '*' or '&' has a meaning of its own"
        yield _Words(message, "quote a formula or text that starts with it", scene.began)
    if "tag" in scene.context:
        yield _Words("a tag starts here", "quote a text that starts with '!'", scene.began)
    if "escape" in scene.problem:
        message = "an escape sequence names no character"
        at = scene.text.rfind("\\", scene.start, scene.at + 1)
        advice = "write two backslashes for one, or use single quotes"
        yield _Words(message, advice, max(at, scene.start))
    if "directive" in scene.context or "incompatible" in scene.problem:
        message = "the directive is of no version of YAML that there is"
        yield _Words(message, "remove the line that starts with %", scene.at)


def _colon(scene: _Scene) -> Iterator[_Words]:
    """Find a line without a colon, or without the blank after it."""
    where = scene.began if "simple key" in scene.context else scene.at
    start = scene.text.rfind("\n", 0, where) + 1
    lines = [scene.above()]
    if "simple key" in scene.context:
        lines.insert(0, (scene.text[start:].partition("\n")[0], start))
    for line, offset in lines:
        if found := _GLUED.fullmatch(line):
            fixed = f"{found.group(1)}: {found.group(2)}"
            message = "a blank is missing after the colon"
            yield _Words(message, f"write `{shown(fixed)}`", offset + found.end(1))
        elif line.strip() and ":" not in line and not line.lstrip().startswith("-"):
            message = f"`{shown(line.strip())}` has no colon"
            yield _Words(message, "write `key: value`", offset + _indent(line))


def _second_colon(scene: _Scene) -> Iterator[_Words]:
    if "mapping values are not allowed" in scene.problem:
        bare = _QUOTED.sub("", scene.line.partition(" #")[0])
        if len(_COLON.findall(bare)) > 1:
            message = "a second ': ' stands in this line"
            yield _Words(message, "put a text with ': ' in quotes", scene.at)


def _indentation(scene: _Scene) -> Iterator[_Words]:
    above, _ = scene.above()
    if above and scene.indent != _indent(above):
        message = f"this line is indented by {scene.indent}, and the line above by {_indent(above)}"
        advice = "line up what belongs together, and indent by two what lies inside"
        yield _Words(message, advice, scene.start + scene.indent)


def _otherwise(scene: _Scene) -> Iterator[_Words]:
    advice = "check indentation, colons and quotes in this line and the one above"
    yield _Words(shown(scene.problem, 120), advice, scene.at)


_CHECKS: tuple[Callable[[_Scene], Iterator[_Words]], ...] = (
    _conflict,
    _tab,
    _page,
    _first_character,
    _quote,
    _bracket,
    _marks,
    _second_colon,
    _colon,
    _indentation,
    _otherwise,
)
