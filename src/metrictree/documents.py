"""YAML text -> plain data and the position of every key and value: the only importer of yaml.

The parser's events are read one at a time and turned into data at once, in a loop: no graph of
nodes is kept, nothing recurses, and a document that is too deep or too large is left as soon as
that shows. Scalars are read by the rules of YAML 1.2; what YAML 1.1 would have read differently
(``no``, ``1_000``, ``12:30``, ``010``) becomes a `Surprise`, which no field accepts.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import yaml

from metrictree.diagnostics import Diagnostic, Span, shown
from metrictree.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")

try:
    from yaml.cyaml import CParser as _Parser  # type: ignore[attr-defined]
except ImportError:  # PyYAML was built without libyaml: the same events, eight times slower

    class _Parser(  # type: ignore[no-redef]
        yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser
    ):
        """PyYAML's own parser behind the interface of the C one."""

        def __init__(self, stream: str) -> None:
            yaml.reader.Reader.__init__(self, stream)
            yaml.scanner.Scanner.__init__(self)
            yaml.parser.Parser.__init__(self)

        def scan_to_next_token(self) -> None:
            """Skip blanks, and tabs where libyaml does."""
            super().scan_to_next_token()
            while self.peek() == "\t" and (self.flow_level or not self.allow_simple_key):
                self.forward()
                super().scan_to_next_token()

        def scan_flow_scalar(self, style: str) -> Any:
            """Refuse half characters, as libyaml does."""
            token = super().scan_flow_scalar(style)
            if not token.value.isascii() and _HALF_CHARACTER.search(token.value):
                problem = "an escape sequence names no character"
                raise yaml.scanner.ScannerError(None, None, problem, token.start_mark)
            return token


__all__ = ["Document", "Path", "Surprise", "dump", "parse", "read_bytes", "read_scalar"]

Path: TypeAlias = "tuple[str | int, ...]"
"""Keys and list positions that lead from the top of a document to a value."""

_PROBLEMS = 1_000
"""Problems of one document that are told; what comes after them is counted."""


@dataclass(frozen=True, slots=True)
class Surprise:
    """An unquoted word or number that YAML 1.1 and a reader would take for different things."""

    raw: str
    meaning: str
    """What YAML 1.1 makes of it, or why it is no value."""

    def __str__(self) -> str:
        return self.raw


# A position is one integer, (start << 32 | end), of offsets in the text. Positions mirror the
# data: a scalar has its integer; a list has [own position, item positions...]; a mapping has
# {None: own position, key: (position of the key, positions of the value)}.
_Places: TypeAlias = "int | list[Any] | dict[str | None, Any]"

_STRIDE = 4_096
"""Characters between two entries of the index of lines: it stays small whatever the text is."""


class Document:
    r"""A parsed document: ``data``, and where each part of it stands.

    >>> document = parse("north_star: orders\nmetrics: {orders: }\n", "tree.yml")
    >>> document.data
    {'north_star': 'orders', 'metrics': {'orders': None}}
    >>> str(document.span(("metrics", "orders"), key=True))
    'tree.yml:2:11'
    """

    __slots__ = ("_lines", "_places", "_scalar", "data", "file", "problems", "size", "text")

    def __init__(
        self,
        file: str,
        text: str,
        data: Any,
        places: _Places,
        problems: Sequence[Diagnostic] = (),
    ) -> None:
        self.file = file
        self.text = text
        self.data = data
        self.problems: tuple[Diagnostic, ...] = tuple(problems)
        self.size = 0
        """Keys and values, aliases counted each time they are used."""
        self._places = places
        self._lines: list[tuple[int, int]] = []
        self._scalar: tuple[int, list[int]] = -1, []

    def span(self, path: Path, *, key: bool = False) -> Span:
        """Return where the value at ``path`` stands, or its key; the nearest parent if absent."""
        here = key_place = self._places
        for step in path:
            if isinstance(here, dict) and step in here and isinstance(step, str):
                key_place, here = here[step]
            elif isinstance(here, list) and isinstance(step, int) and 0 <= step < len(here) - 1:
                key_place = here = here[step + 1]
            else:
                if not isinstance(here, int):  # absent: point at what would hold it
                    here = key_place
                break  # a shorthand is a scalar that stands for the mapping around it
        chosen = key_place if key else here
        if isinstance(chosen, dict):
            chosen = chosen[None]
        elif isinstance(chosen, list):
            chosen = chosen[0]
        return self.span_of(chosen >> 32, chosen & 0xFFFFFFFF)

    def span_within(self, path: Path, start: int, end: int) -> Span:
        """Return where characters ``start`` to ``end`` of the text value at ``path`` stand."""
        here: Any = self._places
        for step in path:
            here = here[step][1] if isinstance(step, str) else here[step + 1]
        known, offsets = self._scalar
        most = max(end, start + 1)
        if known != here or len(offsets) <= most:  # a text may hold a thousand mistakes
            offsets = _offsets(self.text[here >> 32 : here & 0xFFFFFFFF], 2 * most)
            self._scalar = here, offsets
        first = offsets[min(start, len(offsets) - 1)]
        last = offsets[min(max(end - 1, start), len(offsets) - 1)] + 1
        return self.span_of((here >> 32) + first, (here >> 32) + max(last, first + 1))

    def span_of(self, start: int, end: int) -> Span:
        """Return the span of the characters from ``start`` to ``end`` of the whole text."""
        end = max(end, start)
        line, begin = self._line_of(start)
        end_line, end_begin = self._line_of(end)
        stop = self.text.find("\n", start)
        stop = len(self.text) if stop < 0 else stop
        first = begin if start - begin < 1_500 else start - 500  # of a long line, what is near
        text = self.text[first : min(stop, first + 2_000)]
        column, end_column = start - begin + 1, end - end_begin + 1
        return Span(self.file, line, column, end_line, end_column, text, first - begin + 1)

    def _line_of(self, offset: int) -> tuple[int, int]:
        """Return the number of the line that holds an offset, and where that line begins."""
        text = self.text
        if not self._lines:
            lines = []
            line, begin = 1, 0
            for at in range(0, len(text) + 1, _STRIDE):
                lines.append((line, begin))
                line += text.count("\n", at, at + _STRIDE)
                begin = max(begin, text.rfind("\n", at, at + _STRIDE) + 1)
            self._lines = lines  # whole, for another thread may look for it
        at = min(offset // _STRIDE, len(self._lines) - 1)
        line, begin = self._lines[at]
        line += text.count("\n", at * _STRIDE, offset)
        return line, max(begin, text.rfind("\n", at * _STRIDE, offset) + 1)


def read_bytes(raw: bytes, file: str) -> tuple[str, list[Diagnostic]]:
    """Decode the bytes of a file, which must be UTF-8; a byte order mark at its start is fine."""
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        return raw.decode("utf-8"), []  # the byte order mark is left to `parse`
    except UnicodeDecodeError as error:
        start = error.start
        before = raw[:start].decode("utf-8-sig", "replace")
        text = before + raw[start : start + 80].decode("latin-1")
        span = Document(file, text, None, 0).span_of(len(before), len(before) + 1)
        utf16 = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
        return "", [
            Diagnostic(
                "DOC102",
                f"the file is not UTF-8 text (byte 0x{raw[start]:02x})",
                span,
                help="it looks like UTF-16; save it as UTF-8"
                if utf16
                else "save it as UTF-8; it may be binary, compressed, or in an older encoding",
            )
        ]


def parse(text: str, file: str, limits: Limits = DEFAULT_LIMITS) -> Document:
    """Read one YAML document; every problem that it has is in ``.problems``, none is raised."""
    text = text.removeprefix("\ufeff")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    refused = list(_refused_characters(text, file))
    if refused:
        return Document(file, text, None, 0, refused)
    return _Reader(text, file, limits).read()


# --- characters that no document may hold


_REFUSED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufeff\ufffe\uffff]"
)


def _refused_characters(text: str, file: str) -> Iterable[Diagnostic]:
    document = Document(file, text, None, 0)
    for found in islice(_REFUSED.finditer(text), 10):  # a binary file has millions
        span = document.span_of(found.start(), found.end())
        code = ord(found.group())
        if code in range(0x202A, 0x202F) or code in range(0x2066, 0x206A):
            why = "it reorders what a reader sees"
        elif code in (0x85, 0x2028, 0x2029):
            why = "some programs take it for a line break and others do not"
        elif code == 0xFEFF:
            why = "a byte order mark inside a file comes from joining two files"
        else:
            why = "it cannot be seen"
        yield Diagnostic(
            "DOC103",
            f"the character U+{code:04X}{_named(found.group())} may not stand in a document",
            span,
            help=f"remove it: {why}",
        )


def _named(character: str) -> str:
    name = unicodedata.name(character, "")
    return f" {name.lower()}" if name else ""


# --- scalars


_WORDS: Final[dict[str, Any]] = {"": None, "~": None}
for _word in ("null", "true", "false", "yes", "no", "on", "off", "y", "n"):
    for _form in (_word, _word.capitalize(), _word.upper()):
        if _word == "null":
            _WORDS[_form] = None
        elif _word in ("true", "false"):
            _WORDS[_form] = _word == "true"
        elif len(_word) > 1:
            _reading = "true" if _word in ("yes", "on") else "false"
            _WORDS[_form] = Surprise(_form, f"YAML reads it as {_reading}")
for _word, _number in (("inf", float("inf")), ("nan", float("nan"))):
    for _form in (f".{_word}", f".{_word.capitalize()}", f".{_word.upper()}", ".NaN"):
        if _word in _form.lower():
            for _sign in ("", "+", "-"):
                _WORDS[_sign + _form] = -_number if _sign == "-" else _number
_WORDS["<<"] = Surprise("<<", "YAML uses it to merge mappings")

_NUMERIC = frozenset("0123456789+-.")
"""First characters of everything that may be a number or a date; `_WORDS` holds the rest."""

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})\Z")
_ODD_NUMBERS: Final = (
    (re.compile(r"[-+]?0[xX][0-9a-fA-F_]*\Z"), "it is a hexadecimal number"),
    (re.compile(r"[-+]?0[oO][0-7_]*\Z"), "it is an octal number"),
    (re.compile(r"[-+]?0[bB][01_]*\Z"), "it is a binary number"),
    (re.compile(r"[-+]?0[0-9_]+\Z"), "a number that starts with 0 is octal for some programs"),
    (re.compile(r"[-+]?0[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?\Z"), "it starts with 0"),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])++(?:\.[0-9_]*)?\Z"),
        "YAML reads it in base 60",
    ),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?\Z"),
        "underscores may not stand in numbers",
    ),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?\Z"), "it looks like a time"),
)
_MAX_DIGITS = 400
"""More digits than any finite float64 has before its decimal point."""


def _plain(raw: str) -> Any:
    """Return what an unquoted scalar means."""
    if raw in _WORDS:
        return _WORDS[raw]
    if raw[0] not in _NUMERIC:
        return raw
    if _INTEGER.match(raw):
        return int(raw) if len(raw) <= _MAX_DIGITS else Surprise(raw, "no number is that large")
    if _FLOAT.match(raw):
        return float(raw)
    if found := _DATE.match(raw):
        try:
            return date(*map(int, found.groups()))
        except ValueError:
            return Surprise(raw, "there is no such day")
    for pattern, meaning in _ODD_NUMBERS:
        if pattern.match(raw):
            return Surprise(raw, meaning)
    return raw


def read_scalar(text: str) -> Any:
    """Return what text means where a document holds it without quotes.

    >>> read_scalar("1e3"), read_scalar(""), read_scalar("orders")
    (1000.0, None, 'orders')
    >>> read_scalar("1_000").meaning
    'underscores may not stand in numbers'
    """
    return _plain(text)


# --- the reader


_NO_KEY: Final = object()
_MERGE: Final = object()


class _Reader:
    """Builds the data of one document and the mirror of its positions, event by event."""

    def __init__(self, text: str, file: str, limits: Limits) -> None:
        self.blank = Document(file, text, None, 0)
        self.limits = limits
        self.problems: list[Diagnostic] = []

    def problem(self, code: str, message: str, start: int, end: int, help: str) -> None:  # noqa: A002
        """Note a problem at an offset."""
        if len(self.problems) < _PROBLEMS:
            span = self.blank.span_of(start, end)
            self.problems.append(Diagnostic(code, message, span, help=help))

    def finish(self, data: Any = None, places: _Places = 0) -> Document:
        """Return the document with what was found."""
        blank = self.blank
        if data is None and not self.problems:
            self.problems.append(
                Diagnostic(
                    "DOC101",
                    "the document is empty",
                    blank.span_of(0, 0),
                    help="start with `north_star:` and `metrics:`, or run `metrictree new`",
                )
            )
        return Document(blank.file, blank.text, data, places, self.problems)

    def read(self) -> Document:
        """Return the document; a syntax error ends the reading, other problems do not."""
        try:
            return self._read()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            at = mark.index if mark else 0
            self._syntax_error(str(error.problem or error.context or "not YAML"), at)
        except yaml.YAMLError as error:  # the reader of bytes; the text was checked before
            self._syntax_error(str(error), 0)
        except (ValueError, OverflowError):  # the pure Python scanner: "\UFFFFFFFF" and the like
            self._syntax_error("an escape sequence names no character", self._last_mark)
        return self.finish()

    _last_mark = 0

    def _read(self) -> Document:  # noqa: C901 - one loop, kept whole for speed
        parser = _Parser(self.blank.text)
        get_event: Callable[[], Any] = parser.get_event
        scalar_event, alias_event = yaml.ScalarEvent, yaml.AliasEvent
        mapping_start, sequence_start = yaml.MappingStartEvent, yaml.SequenceStartEvent
        limits, numeric, words, plain = self.limits, _NUMERIC, _WORDS, _plain
        intern_key = {}.setdefault  # type: ignore[var-annotated]  # equal keys share their text

        anchors: dict[str, tuple[Any, Any, int] | None] = {}
        stack: list[tuple[Any, Any, Any, Any, str | None, int]] = []
        # The container being filled, and its positions; (None, None) above the root.
        data: Any = None
        places: Any = None
        key: Any = _NO_KEY
        key_at = 0
        anchor: str | None = None
        began = 0
        merges: list[tuple[int, Any, Any, int]] = []
        count = 0
        root: Any = None
        root_places: Any = 0
        documents = 0

        while (event := get_event()) is not None:
            kind = type(event)
            if kind is scalar_event:
                count += 1
                value = event.value
                start = event.start_mark.index
                at = start << 32 | event.end_mark.index
                is_plain = not event.style
                if event.tag is not None or (is_plain and not event.implicit[0]):
                    self._tag(event)
                is_merge = False
                if is_plain and (value[:1] in numeric or (len(value) < 6 and value in words)):
                    if value == "<<" and key is _NO_KEY and type(data) is dict:
                        is_merge = True
                    else:
                        value = plain(value)
                if event.anchor is not None:
                    anchors[event.anchor] = (value, at, 1 + len(event.value) // 64)
                place: Any = at
            elif kind is mapping_start or kind is sequence_start:
                count += 1
                start = event.start_mark.index
                if event.tag is not None or not event.implicit:
                    self._tag(event)
                if type(data) is dict and key is _NO_KEY:
                    self.problem(
                        "DOC108", "a key must be text", start, start + 1, "use a plain name as key"
                    )
                    return self.finish()
                if len(stack) >= limits.depth:
                    self.problem(
                        "DOC110",
                        f"the document is nested deeper than {limits.depth:,} levels",
                        start,
                        start + 1,
                        "flatten it",
                    )
                    return self.finish()
                stack.append((data, places, key, key_at, anchor, began))
                anchor, began = event.anchor, count
                if anchor is not None:
                    anchors[anchor] = None  # not finished: an alias inside would be endless
                at = start << 32 | event.end_mark.index
                if kind is mapping_start:
                    data, places = {}, {None: at}
                else:
                    data, places = [], [at]
                key = _NO_KEY
                continue
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                value, place = data, places
                if len(data) > limits.entries:
                    self._too_many(data, places)
                    return self.finish()
                if merges and merges[-1][0] == len(stack):
                    self._merge(merges, len(stack), data, places)
                if anchor is not None:
                    anchors[anchor] = (value, place, count - began + 1)
                data, places, key, key_at, anchor, began = stack.pop()
                is_merge = False
            elif kind is alias_event:
                start = event.start_mark.index
                end = event.end_mark.index
                target = anchors.get(event.anchor)
                if target is None:
                    self._bad_alias(event.anchor, start, end, endless=event.anchor in anchors)
                    is_key = key is _NO_KEY and type(data) is dict
                    target = ("" if is_key else None, start << 32 | end, 1)
                value, place, size = target
                count += size
                is_merge = False
                if not isinstance(place, int) and key is _NO_KEY and type(data) is dict:
                    self.problem("DOC108", "a key must be text", start, end, "use a plain name")
                    return self.finish()
                at = start << 32 | end
                if isinstance(place, int):
                    place = at
            else:
                if kind is yaml.DocumentStartEvent:
                    documents += 1
                    if documents > 1:
                        start = event.start_mark.index
                        self.problem(
                            "DOC106",
                            "a second document starts here",
                            start,
                            start + 3,
                            "keep one document in a file; use `include` to join files",
                        )
                        return self.finish()
                continue

            if count > limits.values:
                self.problem(
                    "DOC111",
                    f"the document has more than {limits.values:,} keys and values",
                    start,
                    start + 1,
                    "split it, write less with aliases, or raise the limit `values`",
                )
                return self.finish()

            # A value, or a key, is complete: put it where it belongs.
            if data is None:
                root, root_places = value, place
            elif type(data) is list:
                data.append(value)
                places.append(place)
            elif key is _NO_KEY:
                key_at = at
                if is_merge:
                    key = _MERGE
                else:
                    if type(value) is not str:
                        value = self._key(event, value)
                    if value in data:
                        self._duplicate(value, at, places)
                    key = intern_key(value, value)
            elif key is _MERGE:
                merges.append((len(stack), value, place, key_at))
                key = _NO_KEY
            else:
                data[key] = value
                places[key] = (key_at, place)
                key = _NO_KEY
            self._last_mark = start
        document = self.finish(root, root_places)
        document.size = count
        return document

    def _too_many(self, data: Any, places: Any) -> None:
        start = (places[0] if type(data) is list else places[None]) >> 32
        self.problem(
            "DOC113",
            f"the {'list' if type(data) is list else 'mapping'} that begins here has "
            f"{len(data):,} entries, more than {self.limits.entries:,}",
            start,
            start + 1,
            "split it, or raise the limit `entries`",
        )

    def _tag(self, event: Any) -> None:
        start = event.start_mark.index
        tag = event.tag or "!"
        self.problem(
            "DOC107",
            f"the tag {shown(tag)} is refused",
            start,
            start + 1,
            "remove it: documents hold plain text, numbers, lists and mappings only"
            + (" (use the top-level `include` for other files)" if "include" in tag else "")
            + (" (environment variables are not read)" if "env" in tag.lower() else "")
            + (", and quote a text that starts with '!'" if tag.startswith("!") else ""),
        )

    def _key(self, event: Any, value: Any) -> str:
        """Refuse a key that is not text, and go on with the text as written."""
        start, end = event.start_mark.index, event.end_mark.index
        raw = getattr(event, "value", "")
        why = f" ({value.meaning})" if isinstance(value, Surprise) else ""
        self.problem(
            "DOC108",
            f"the key {shown(raw or '(nothing)')} is not text{why}",
            start,
            end,
            f'write "{shown(raw)}" in quotes, or use a name' if raw else "write a name",
        )
        return f"{raw}"

    def _duplicate(self, key: str, at: int, places: Any) -> None:
        first = self.blank.span_of(places[key][0] >> 32, places[key][0] >> 32)
        self.problem(
            "DOC105",
            f"the key '{shown(key)}' stands here for the second time",
            at >> 32,
            at & 0xFFFFFFFF,
            f"it is in line {first.line} already; keep one of them",
        )

    def _bad_alias(self, name: str, start: int, end: int, *, endless: bool) -> None:
        if endless:
            self.problem(
                "DOC109",
                f"the alias *{shown(name)} stands inside of what it names",
                start,
                end,
                "a value cannot contain itself",
            )
        else:
            self.problem(
                "DOC109",
                f"nothing above is marked with the anchor &{shown(name)}",
                start,
                end,
                "quote a formula or text that starts with '*'",
            )

    def _merge(self, merges: list[Any], depth: int, data: Any, places: Any) -> None:
        """Put the values of ``<<`` where the mapping has none of its own, nearest first."""
        waiting = []
        while merges and merges[-1][0] == depth:
            waiting.append(merges.pop())
        for _, value, place, key_at in reversed(waiting):
            several = type(value) is list
            sources = list(zip(value, place[1:], strict=True)) if several else [(value, place)]
            for source, source_places in sources:
                if type(source) is not dict:
                    self.problem(
                        "DOC109",
                        "`<<` merges mappings only",
                        key_at >> 32,
                        key_at & 0xFFFFFFFF,
                        "give it an alias of a mapping",
                    )
                    return
                for name, inner in source.items():
                    if name not in data:
                        data[name] = inner
                        places[name] = source_places[name]

    def _syntax_error(self, problem: str, at: int) -> None:
        text = self.blank.text
        conflict = _CONFLICT.search(text)
        at = conflict.start() if conflict else min(at, len(text))
        span = self.blank.span_of(at, at + 1)
        line = span.text
        before = line[: span.column - 1]
        rest = line[span.column - 1 :]
        indent = line[: len(line) - len(line.lstrip())]
        value = line.partition(":")[2].strip()
        if "\t" in indent:
            problem, advice = "a tab indents this line", "indent with spaces"
        elif conflict:
            problem, advice = "a merge conflict was left in the file", "resolve it"
        elif line.lstrip().startswith("<"):
            problem, advice = "this is a page of HTML or XML, not YAML", "give a YAML file"
        elif rest[:1] in tuple("@`%|>") and rest[:1]:
            problem = f"a text cannot start with '{rest[0]}' unless it is quoted"
            advice = "put it in quotes"
        elif "mapping values are not allowed" in problem:
            problem = "a second ': ' stands in this line, or the line is indented too far"
            advice = "put a text with ': ' in quotes"
        elif "undefined alias" in problem or value.startswith("*"):
            advice = "quote a formula or text that starts with '*'"
        elif "tag" in problem and "!" in line:
            problem, advice = "a tag starts here", "quote a text that starts with '!'"
        elif value[:1] in ('"', "'") or '"' in before:
            advice = "close the quote, and let nothing follow it"
        elif value[:1] in ("[", "{"):
            advice = "close the bracket, or quote a text that starts with it"
        else:
            advice = "check indentation, colons and quotes in this line and the one above"
        self.problems.append(
            Diagnostic("DOC104", f"not YAML: {shown(problem, 120)}", span, help=advice)
        )


_CONFLICT = re.compile(r"^<{7} ", re.MULTILINE)


# --- from the characters of a value back to the characters of the file


_ESCAPE = re.compile(r"\\(?:x..|u.{4}|U.{8}|\n[ \t]*|.)", re.DOTALL)
_BLANKS = re.compile(r"[ \t\n]+")


def _offsets(raw: str, most: int) -> list[int]:
    """Return, for the first characters of a scalar's value, their offsets in the scalar as written.

    One more entry stands for the end. Folding and chomping follow YAML closely enough for a
    caret: a folded line break counts as one character.
    """
    style = raw[:1]
    if style in ("|", ">"):
        return _block_offsets(raw, most)
    quoted = style in ('"', "'")
    at, stop = (1, len(raw) - 1) if quoted else (0, len(raw))
    offsets: list[int] = []
    while at < stop and len(offsets) < most:
        character = raw[at]
        if style == "'" and raw.startswith("''", at):
            offsets.append(at)
            at += 2
        elif style == '"' and character == "\\":
            found = _ESCAPE.match(raw, at)
            width = found.end() - at if found else 1
            if raw[at + 1 : at + 2] != "\n":
                offsets.append(at)
            at += width
        elif (found := _BLANKS.match(raw, at)) is not None:
            breaks = found.group().count("\n")
            offsets.extend([at] * max(1, breaks - 1) if breaks else range(at, found.end()))
            at = found.end()
        else:
            offsets.append(at)
            at += 1
    offsets.append(at)
    return offsets


def _block_offsets(raw: str, most: int) -> list[int]:
    at = raw.find("\n") + 1
    lines = raw[at:].split("\n")
    indent = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
    offsets: list[int] = []
    for line in lines:
        offsets.extend(range(at + min(indent, len(line)), at + len(line)))
        offsets.append(at + len(line))  # the line break, or the blank that it folds to
        at += len(line) + 1
        if len(offsets) > most:
            break
    return offsets


# --- writing


_TAGS: Final = {type(None): "null", bool: "bool", int: "int", float: "float", date: "timestamp"}


def _tag_of(raw: str) -> str:
    return f"tag:yaml.org,2002:{_TAGS.get(type(_plain(raw)), 'str')}"


class _Dumper(yaml.SafeDumper):
    """Writes plain data so that `parse` reads the same data again."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        """Return the tag that `parse` gives an unquoted scalar, so that none has to be written."""
        if kind is yaml.ScalarNode and implicit[0]:
            return _tag_of(value)
        return super().resolve(kind, value, implicit)  # type: ignore[no-any-return,no-untyped-call]

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        super().increase_indent(flow, indentless=False)


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    odd = not isinstance(_plain(text), str) or _UNSAFE.search(text)
    style = '"' if odd else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_float(_: _Dumper, number: float) -> yaml.ScalarNode:
    text = str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)
    return yaml.ScalarNode(_tag_of(text), text)


_UNSAFE = re.compile(rf"{_REFUSED.pattern}|[\t\r\n]|\A\s|\s\Z")
_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(float, _represent_float)


def dump(data: Any) -> str:
    r"""Return plain data as YAML text that `parse` reads back to the same data.

    >>> dump({"north_star": "orders", "name": "no"})
    'north_star: orders\nname: "no"\n'
    """
    text: str = yaml.dump(
        data,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=False,
    )
    # What no document may hold stands inside of double quotes now; PyYAML escapes most of it.
    return _REFUSED.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
