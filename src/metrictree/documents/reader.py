"""YAML text -> `Document`, from the parser's events in one loop.

No graph of nodes is kept, nothing recurses, and a document that is too deep or too large is left
as soon as that shows. Scalars are read by the rules of YAML 1.2; what YAML 1.1 would have read
differently (``no``, ``1_000``, ``12:30``, ``010``) becomes a `Surprise`, which no field accepts.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import yaml

from metrictree.diagnostics import Diagnostic, Problems, shown
from metrictree.documents.document import Document, Places, split_entry
from metrictree.documents.scalars import NUMERIC, REFUSED, WORDS, Surprise, read_scalar
from metrictree.documents.syntax import describe_syntax_error
from metrictree.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["parse", "read_bytes"]

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
                fix="it looks like UTF-16; save it as UTF-8"
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


def _refused_characters(text: str, file: str) -> Iterable[Diagnostic]:
    document = Document(file, text, None, 0)
    for found in islice(REFUSED.finditer(text), 10):  # a binary file has millions
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
            fix=f"remove it: {why}",
        )


def _named(character: str) -> str:
    name = unicodedata.name(character, "")
    return f" {name.lower()}" if name else ""


# --- the reader


_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+\Z")
_NO_KEY: Final = object()
_MERGE: Final = object()


class _Reader:
    """Builds the data of one document and the mirror of its positions, event by event."""

    def __init__(self, text: str, file: str, limits: Limits) -> None:
        self.blank = Document(file, text, None, 0)
        self.limits = limits
        self.problems = Problems()

    def problem(self, code: str, message: str, start: int, end: int, fix: str) -> None:
        """Note a problem at an offset."""
        self.problems.add(Diagnostic(code, message, self.blank.span_of(start, end), fix=fix))

    def finish(self, data: Any = None, places: Places = 0) -> Document:
        """Return the document with what was found."""
        blank = self.blank
        if data is None and not self.problems:
            self.problems.add(
                Diagnostic(
                    "DOC101",
                    "the document is empty",
                    blank.span_of(0, 0),
                    fix="start with `north_star:` and `metrics:`, or run `metrictree new`",
                )
            )
        return Document(blank.file, blank.text, data, places, self.problems)

    def read(self) -> Document:
        """Return the document; a syntax error ends the reading, other problems do not."""
        try:
            return self._read()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            began = (error.context_mark or mark).index if mark else None
            problem, context = str(error.problem or "not YAML"), str(error.context or "")
            self._syntax_error(problem, mark.index if mark else 0, context, began)
        except yaml.YAMLError as error:  # the reader of bytes; the text was checked before
            self._syntax_error(str(error), 0)
        except (ValueError, OverflowError):  # the pure Python scanner: "\UFFFFFFFF" and the like
            at = getattr(self.parser, "index", 0)
            self._syntax_error("an escape sequence names no character", at)
        return self.finish()

    def _syntax_error(
        self, problem: str, at: int, context: str = "", began: int | None = None
    ) -> None:
        self.problems.add(describe_syntax_error(self.blank, problem, at, context, began))

    def _read(self) -> Document:  # noqa: C901 - one loop, kept whole for speed
        self.parser = _Parser(self.blank.text)
        get_event: Callable[[], Any] = self.parser.get_event
        scalar_event, alias_event = yaml.ScalarEvent, yaml.AliasEvent
        mapping_start, sequence_start = yaml.MappingStartEvent, yaml.SequenceStartEvent
        limits, numeric, words, plain = self.limits, NUMERIC, WORDS, read_scalar
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
                isread_scalar = not event.style
                if event.tag is not None or (isread_scalar and not event.implicit[0]):
                    self._tag(event)
                is_merge = False
                if isread_scalar and (value[:1] in numeric or (len(value) < 6 and value in words)):
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
                    advice = (
                        "quote a text that starts with '{'; templates are not filled in"
                        if self.blank.text.startswith("{{", start - 1)
                        else "use a plain name as key"
                    )
                    self.problem("DOC108", "a key must be text", start, start + 1, advice)
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
                places[key] = key_at << 64 | place if type(place) is int else (key_at, place)
                key = _NO_KEY
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
        message = f"the key {shown(raw or '(nothing)')} is not text{why}"
        advice = f'write "{shown(raw)}" in quotes, or use a name' if raw else "write a name"
        digits = _THOUSANDS.search(self.blank.text, max(0, start - 20), end)
        if digits is not None:
            message = f"{digits.group()} reads like a thousands separator ','"
            start = digits.start()
            advice = f"write {digits.group().replace(',', '')}"
        self.problem("DOC108", message, start, end, advice)
        return f"{raw}"

    def _duplicate(self, key: str, at: int, places: Any) -> None:
        start = split_entry(places[key])[0] >> 32
        first = self.blank.span_of(start, start)
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
