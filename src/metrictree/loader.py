"""Files and their includes -> one `TreeSpec` and where everything stands: the only reader of tree files."""

from __future__ import annotations

import copy
import gc
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from metrictree.diagnostics import Diagnostic, Span, shown
from metrictree.documents import Document, Surprise, parse, read_bytes
from metrictree.documents import Path as DataPath
from metrictree.errors import DefinitionError
from metrictree.limits import DEFAULT_LIMITS, Limits
from metrictree.names import Suggester, did_you_mean
from metrictree.schema import INCLUDED_FIELDS, IncludedSpec, Metric, TreeSpec, check_metric_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic_core import ErrorDetails

__all__ = ["Loaded", "Places", "load_data", "load_file", "load_text", "quiet_collector"]

_RESERVED_BLOCKS: Final = ("scenarios", "initiatives", "objectives")
_PROBLEMS = 1_000


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Keep the garbage collector from walking a growing tree over and over (three times faster)."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Places:
    """Where each part of a tree stands; knows nothing of a tree that was built in Python."""

    def __init__(self, document: Document | None = None) -> None:
        self._document = document
        self._moved: dict[tuple[str, str | int], tuple[Document, str | int]] = {}
        """Parts that came from an included file, with the name that they have there."""

    def moved(self, block: str, name: str | int, document: Document, original: str | int) -> None:
        """Remember that ``block.name`` stands in another document under another name."""
        self._moved[block, name] = (document, original)

    def _find(self, path: DataPath) -> tuple[Document | None, DataPath]:
        if self._moved and len(path) > 1 and isinstance(path[0], str):
            found = self._moved.get((path[0], path[1]))
            if found is not None:
                return found[0], (path[0], found[1], *path[2:])
        return self._document, path

    def span(self, path: DataPath, *, key: bool = False) -> Span | None:
        """Return the span of the value, or the key, at a path of the merged tree."""
        document, path = self._find(path)
        return document.span(path, key=key) if document is not None else None

    def span_within(self, path: DataPath, text: str, start: int, end: int) -> Span:
        """Return the span of characters ``start`` to ``end`` of the text at ``path``."""
        document, path = self._find(path)
        if document is not None:
            here = document.data
            for step in path[:-1]:
                here = here[step]
            if not isinstance(here, dict):  # a shorthand: the metric itself is the formula
                path = path[:-1]
            return document.span_within(path, start, end)
        line = text.count("\n", 0, start) + 1
        begin = text.rfind("\n", 0, start) + 1
        column = start - begin + 1
        end_column = column + max(end - start, 1)
        return Span(dotted(path), line, column, line, end_column, text[begin:].split("\n")[0][:2_000])


def dotted(path: DataPath) -> str:
    """Return a path as text: ``metrics.orders.tags[0]``.

    >>> dotted(("metrics", "orders", "tags", 0))
    'metrics.orders.tags[0]'
    """
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


@dataclass
class Loaded:
    """What came out of the files of a tree, before references are resolved."""

    spec: TreeSpec
    places: Places
    problems: list[Diagnostic] = field(default_factory=list)
    scopes: dict[str, str] = field(default_factory=dict)
    """For a metric from a file that was included below a name: that name."""
    broken: set[str] = field(default_factory=set)
    """Ids that the files name, but whose metric could not be read."""
    complete: bool = True
    """Whether all of the files could be read; else only problems can be told."""
    limits: Limits = DEFAULT_LIMITS


def load_data(data: Mapping[str, Any], *, limits: Limits = DEFAULT_LIMITS) -> Loaded:
    """Return the tree that plain data, or models of the schema, describe."""
    with quiet_collector():
        return _Loading(Places(), limits, None).first(data if isinstance(data, dict) else dict(data))


def load_text(text: str, *, file: str = "<text>", limits: Limits = DEFAULT_LIMITS) -> Loaded:
    """Return the tree of a YAML text, which cannot include files."""
    with quiet_collector():
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > limits.bytes:
            raise DefinitionError([_too_large(file, size, limits)])
        document = parse(text, file, limits)
        return _Loading(Places(document), limits, document).first(document.data)


def load_file(path: Path, *, root: Path | None = None, limits: Limits = DEFAULT_LIMITS) -> Loaded:
    """Return the tree of a YAML file and all that it includes from inside ``root``."""
    with quiet_collector():
        reader = _Files(limits)
        document = reader.read(path, str(path))
        if root is not None and not path.resolve().is_relative_to(root.resolve()):
            raise DefinitionError(
                [
                    Diagnostic(
                        "INC102",
                        f"{shown(path, 200)} is outside of the root {shown(root, 200)}",
                        help="give a root that holds the file",
                    )
                ]
            )
        loading = _Loading(Places(document), limits, document)
        loading.files = reader
        loading.root = (root or path.parent).resolve()
        loading.seen = {(path.resolve(), "")}
        return loading.first(document.data, path.resolve())


def _too_large(file: str, size: int, limits: Limits) -> Diagnostic:
    return Diagnostic(
        "DOC112",
        f"{shown(file, 200)} brings the tree to {size:,} bytes, more than {limits.bytes:,}",
        path=file,
        help="split the tree, or raise the limit `bytes`",
    )


class _Files:
    """Reads files, and counts what they cost."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.bytes = 0
        self.count = 0

    def read(self, path: Path, name: str) -> Document:
        """Return the document of a regular file.

        Raises:
            DefinitionError: there is no such file, it is no regular file, or it is too large.
        """
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
                raise self._unreadable(name, f"it is {kind}")
            if self.bytes + status.st_size > self.limits.bytes:
                raise DefinitionError([_too_large(name, self.bytes + status.st_size, self.limits)])
            with path.open("rb") as stream:
                raw = stream.read(self.limits.bytes - self.bytes + 1)
        except FileNotFoundError:
            raise self._unreadable(name, "there is no such file") from None
        except (OSError, ValueError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise self._unreadable(name, shown(why).lower()) from None
        self.bytes += len(raw)
        if self.bytes > self.limits.bytes:
            raise DefinitionError([_too_large(name, self.bytes, self.limits)])
        self.count += 1
        text, problems = read_bytes(raw, name)
        if problems:
            return Document(name, text, None, 0, problems)
        return parse(text, name, self.limits)

    @staticmethod
    def _unreadable(name: str, why: str) -> DefinitionError:
        return DefinitionError(
            [
                Diagnostic(
                    "INC101",
                    f"cannot read {shown(name, 200)}: {why}",
                    path=name,
                    help="check the path; `metrictree new` writes a first tree",
                )
            ]
        )


class _Loading:
    """Loads the first document and what it includes into one `Loaded`."""

    def __init__(self, places: Places, limits: Limits, document: Document | None) -> None:
        self.places = places
        self.limits = limits
        self.document = document
        self.problems: list[Diagnostic] = []
        self.left_out = 0
        self.broken: set[str] = set()
        self.complete = True
        self.files: _Files | None = None
        self.root: Path | None = None
        self.seen: set[tuple[Path, str]] = set()
        self.metrics: dict[str, Metric] = {}
        self.sources: dict[str, Any] = {}
        self.influences: list[Any] = []
        self.tests: list[Any] = []
        self.scopes: dict[str, str] = {}

    def first(self, data: Any, path: Path | None = None) -> Loaded:
        """Load the first document; raise if nothing of it can be used."""
        document = self.document
        if document is not None:
            self.problems.extend(document.problems)
        if data is None or (document is not None and not isinstance(data, dict)):
            if data is not None:
                self.problems.append(_not_a_mapping(document, data))
            raise DefinitionError(self.problems)
        data = self._drop_reserved(data)
        spec = self._validate(TreeSpec, data, document)
        if spec is None:
            raise DefinitionError(self.problems)
        includes = bool(spec.include)
        if includes:
            self.metrics = dict(spec.metrics)
            self.sources = dict(spec.sources)
            self.influences = list(spec.influences)
            self.tests = list(spec.tests)
            self._include(spec.include, document, path, "", ())
            spec = spec.model_copy(
                update={
                    "include": None,
                    "metrics": self.metrics,
                    "sources": self.sources,
                    "influences": tuple(self.influences),
                    "tests": tuple(self.tests),
                }
            )
        if len(spec.metrics) > self.limits.metrics:
            count, most = len(spec.metrics), self.limits.metrics
            raise DefinitionError(
                [
                    Diagnostic(
                        "SCH115",
                        f"the tree has {count:,} metrics, more than {most:,}",
                        self.places.span(("metrics",), key=True),
                        path="metrics",
                        help="split it, or raise the limit `metrics`",
                    )
                ]
            )
        if self.left_out:
            self.problems.append(
                Diagnostic(
                    "SCH116",
                    f"{self.left_out:,} more problems of this kind are left out",
                    help="repair those that are told, and check again",
                )
            )
        return Loaded(
            spec, self.places, self.problems, self.scopes, self.broken, self.complete, self.limits
        )

    def _drop_reserved(self, data: dict[str, Any]) -> dict[str, Any]:
        for block in _RESERVED_BLOCKS:
            if block in data:
                span = self.document.span((block,), key=True) if self.document else None
                self.problems.append(
                    Diagnostic(
                        "SCH114",
                        f"`{block}` is reserved for a later version and means nothing yet",
                        span,
                        path=block,
                        help="remove it",
                    )
                )
                data = {key: value for key, value in data.items() if key != block}
        return data

    # --- schema

    def _validate(self, model: type[Any], data: dict[str, Any], document: Document | None) -> Any:
        """Return the model of a document; if it has errors, of what is left without them."""
        for attempt in range(3):
            try:
                return model.model_validate(data)
            except ValidationError as error:
                details = error.errors(include_url=False, include_context=True)
                self.complete = False
                if attempt == 0:
                    self._describe_all(details, model, data, document)
                    data = _copied(data)
                if not _prune(data, details, self.broken):
                    return None
        return None

    def _describe_all(
        self,
        details: list[ErrorDetails],
        model: type[Any],
        data: dict[str, Any],
        document: Document | None,
    ) -> None:
        suggesters: dict[type[Any], Suggester] = {}
        for number, detail in enumerate(details):
            if number >= _PROBLEMS:
                self.left_out += len(details) - number
                return
            self.problems.append(_describe(detail, model, document, suggesters))

    # --- includes

    def _include(
        self,
        include: Any,
        document: Document | None,
        parent: Path | None,
        scope: str,
        chain: tuple[Path, ...],
    ) -> None:
        named = isinstance(include, dict)
        entries = list(include.items()) if named else list(enumerate(include))
        for name, target in entries:
            where = document.span(("include", name)) if document else None
            if self.files is None or self.root is None or parent is None:
                self._refuse(where, "INC102", "only a file can include files", "use MetricTree.load")
                return
            inner_scope = scope
            if named:
                why = _bad_scope(name)
                if why:
                    self._refuse(where, "INC106", why, "use a short name of a-z, 0-9 and _")
                    continue
                inner_scope = f"{scope}.{name}" if scope else name
            path = self._resolve(target, parent, where)
            if path is None or (path, inner_scope) in self.seen:
                if path is not None and path in (*chain, parent):
                    self._refuse(
                        where,
                        "INC104",
                        f"{shown(target)} includes itself, by way of {len(chain)} other files"
                        if chain
                        else f"{shown(target)} includes itself",
                        "break the circle",
                    )
                continue
            if path in (*chain, parent):
                self._refuse(where, "INC104", f"{shown(target)} includes itself", "break the circle")
                continue
            self.seen.add((path, inner_scope))
            if len(chain) + 2 > self.limits.include_depth:
                limit = self.limits.include_depth
                message = f"files include each other more than {limit:,} deep"
                self._refuse(where, "INC105", message, "flatten the includes")
                continue
            if self.files.count >= self.limits.files:
                message = f"the tree has more than {self.limits.files:,} files"
                self._refuse(where, "INC105", message, "join some of them")
                return
            self._add(path, target, where, inner_scope, (*chain, parent))

    def _add(
        self, path: Path, target: str, where: Span | None, scope: str, chain: tuple[Path, ...]
    ) -> None:
        assert self.files is not None
        try:
            document = self.files.read(path, self._shown_path(path))
        except DefinitionError as error:
            found = error.diagnostics[0]
            self._refuse(where, found.code, found.message, found.help or "")
            return
        self.problems.extend(document.problems)
        if document.problems:
            self.complete = False
            self._refuse(where, "INC107", f"{shown(target)} has problems of its own", "see there")
        if not isinstance(document.data, dict):
            if document.data is not None:
                self.problems.append(_not_a_mapping(document, document.data))
            self.complete = False
            return
        data = {}
        for key, value in document.data.items():
            if key in TreeSpec.model_fields and key not in INCLUDED_FIELDS:
                self._refuse(
                    document.span((key,), key=True),
                    "INC108",
                    f"an included file may not hold `{key}`",
                    "it belongs into the first file of the tree",
                )
            else:
                data[key] = value
        spec = self._validate(IncludedSpec, data, document)
        if spec is None:
            return
        self._merge(spec, document, scope)
        if spec.include:
            self._include(spec.include, document, path, scope, chain)

    def _merge(self, spec: IncludedSpec, document: Document, scope: str) -> None:
        prefix = f"{scope}." if scope else ""
        for block, new, known in (
            ("metrics", spec.metrics, self.metrics),
            ("sources", spec.sources, self.sources),
        ):
            for original, item in new.items():
                name = prefix + original
                if name in known:
                    first = self.places.span((block, name), key=True)
                    self._refuse(
                        document.span((block, original), key=True),
                        "INC109",
                        f"{block[:-1]} '{shown(name)}' is defined in {first} already",
                        "keep one of them, or include the file below a name",
                    )
                    continue
                if len(name) > 64 and block == "metrics":
                    self._refuse(
                        document.span((block, original), key=True),
                        "SCH106",
                        f"the id '{shown(name)}' has {len(name)} characters, more than 64",
                        "shorten it, or the name that it is included below",
                    )
                    continue
                known[name] = item  # type: ignore[index]
                self.places.moved(block, name, document, original)
                if scope and block == "metrics":
                    self.scopes[name] = scope
        for block, items, merged in (
            ("influences", spec.influences, self.influences),
            ("tests", spec.tests, self.tests),
        ):
            for original_position, item in enumerate(items):
                self.places.moved(block, len(merged), document, original_position)
                merged.append(_scoped(item, scope))

    def _resolve(self, target: str, parent: Path, where: Span | None) -> Path | None:
        """Return the file that an include names, if it lies inside of the root."""
        assert self.root is not None
        odd = (
            "\0" in target
            or "\\" in target
            or "://" in target
            or target.startswith(("/", "~"))
            or PureWindowsPath(target).drive
        )
        if odd:
            self._refuse(
                where,
                "INC102",
                f"{shown(target)} is no relative path",
                "write a path relative to this file, with / between folders",
            )
            return None
        try:
            path = (parent.parent / target).resolve(strict=True)
        except FileNotFoundError:
            message = f"cannot read {shown(target)}: there is no such file"
            self._refuse(where, "INC101", message, "check the path, it is relative to this file")
            return None
        except (OSError, RuntimeError, ValueError) as error:
            why = getattr(error, "strerror", None) or "the links go in a circle"
            self._refuse(where, "INC101", f"cannot read {shown(target)}: {shown(why)}", "check it")
            return None
        if not path.is_relative_to(self.root):
            self._refuse(
                where,
                "INC102",
                f"{shown(target)} is outside of the tree's folder",
                "move it inside, or allow more with --root or root=",
            )
            return None
        return path

    def _shown_path(self, path: Path) -> str:
        assert self.document is not None and self.root is not None  # noqa: PT018
        base = Path(self.document.file)
        try:
            return str(base.parent / path.relative_to(base.parent.resolve()))
        except ValueError:
            return str(path)

    def _refuse(self, span: Span | None, code: str, message: str, help: str) -> None:  # noqa: A002
        self.complete = False
        self.problems.append(Diagnostic(code, message, span, path="include", help=help))


def _bad_scope(name: str) -> str | None:
    try:
        check_metric_id(name)
    except ValueError as error:
        return f"the name {shown(name)} cannot stand before ids: {error}"
    return None


def _scoped(item: Any, scope: str) -> Any:
    """Return an influence whose ends lie below a scope; they are looked up from there outwards."""
    if not scope or not hasattr(item, "from_"):
        return item
    return item.model_copy(update={"from_": f"{scope}:{item.from_}", "to": f"{scope}:{item.to}"})


def _not_a_mapping(document: Document | None, data: Any) -> Diagnostic:
    return Diagnostic(
        "SCH103",
        f"a tree document is a mapping, not {_kind_of(data)}",
        document.span(()) if document else None,
        help="start with `north_star:` and `metrics:`",
    )


# --- pydantic's errors in the words of the language


_EXPECTED: Final = {
    "string_type": "text",
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "date_type": "a date such as 2026-12-31",
    "date_from_datetime_inexact": "a date such as 2026-12-31",
    "date_parsing": "a date such as 2026-12-31",
}


def _kind_of(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Surprise):
        return shown(value.raw)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {shown(value)}"
    if isinstance(value, str):
        return f"the text '{shown(value)}'"
    if isinstance(value, date):
        return f"the date {value}"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    return f"a {shown(type(value).__name__)}"


def _describe(
    detail: ErrorDetails,
    model: type[Any],
    document: Document | None,
    suggesters: dict[type[Any], Suggester],
) -> Diagnostic:
    loc = [step for step in detail["loc"] if isinstance(step, (str, int))]
    kind = detail["type"]
    at_key = bool(loc) and loc[-1] == "[key]"
    if at_key:
        loc.pop()
    path: DataPath = tuple(loc)
    name = next((str(step) for step in reversed(loc) if isinstance(step, str)), "")
    value = detail["input"]
    context = detail.get("ctx") or {}
    metric = str(loc[1]) if len(loc) > 1 and loc[0] == "metrics" else None
    quoted = f"`{shown(name)}`" if name else "the document"
    help_: str | None = None
    on_key = at_key
    if kind == "extra_forbidden":
        on_key = True
        owner = _model_at(model, path[:-1])
        code, message = "SCH101", f"unknown field `{shown(name)}`"
        if owner is not None:
            fields = [info.alias or key for key, info in owner.model_fields.items()]
            if owner not in suggesters:
                suggesters[owner] = Suggester(fields)
            near = suggesters[owner].near(name)
            if not near and name.replace("-", "").replace("_", "").lower() in (
                squeezed := {field_.replace("_", ""): field_ for field_ in fields}
            ):
                near = [squeezed[name.replace("-", "").replace("_", "").lower()]]
            help_ = did_you_mean(near) or f"the fields are {', '.join(fields)}"
    elif kind == "missing":
        code, message = "SCH102", f"the field `{shown(name)}` is missing"
        path = path[:-1]
        on_key = bool(path)
        help_ = "add it"
        if name == "metrics":
            help_ = "list the metrics under `metrics:`"
        elif name == "north_star":
            help_ = "name the metric at the top, as `north_star: id`"
    elif isinstance(value, Surprise) and not at_key:
        code, message = "SCH109", f"{quoted} is {shown(value.raw)} without quotes: {value.meaning}"
        wants_number = kind.startswith(("float", "int"))
        help_ = "write the number in plain digits" if wants_number else f"write '{shown(value.raw)}'"
    elif kind == "metric_id":
        bad = value if isinstance(value, str) else name
        code, message = "SCH106", f"'{shown(bad)}' is no metric id: {detail['msg']}"
        help_ = "use a short name such as weekly_orders; the name to read is `label`"
    elif kind == "value_kinds":
        code, message = "SCH107", f"metric '{shown(metric)}': {detail['msg']}"
        on_key, help_ = True, "keep one of them"
    elif kind in ("blank", "empty_kind"):
        code, message = "SCH108", f"{quoted} is empty" if kind == "blank" else detail["msg"]
        help_ = "write it, or remove the field"
        if kind == "empty_kind":
            path = (*path, str(context.get("kind")))
            on_key = True
    elif kind == "literal_error":
        choices = str(context.get("expected", ""))
        code = "SCH104"
        message = f"{quoted} cannot be {_kind_of(value)}"
        help_ = f"it is one of {choices}"
        if len(path) == 1 and name == "metrictree":
            help_ = "this version reads format 1"
    elif kind in ("finite_number", "inexact_integer") or kind.startswith(
        ("greater_than", "less_than")
    ):
        code, message = "SCH105", f"{quoted} cannot be {_kind_of(value)}: {shown(detail['msg'], 120)}"
        help_ = "write a finite number" if kind == "finite_number" else "check the number"
        if kind == "inexact_integer":
            help_ = "write it in another unit, or as a decimal such as 1e18"
    elif kind == "unit":
        code, message = "SCH110", f"'{shown(value)}' is no unit: {detail['msg']}"
        help_ = "write units such as order, USD/order, ratio or %"
    elif kind in ("range", "influence_sign"):
        code, message = "SCH111", detail["msg"]
        help_ = "check the numbers"
    elif kind in ("source_kinds", "focus_only"):
        code, message = "SCH112", detail["msg"]
        on_key, help_ = True, "keep one" if kind == "source_kinds" else "set the role or remove it"
    elif kind in ("plain_data", "listed_or_named"):
        code, message = "SCH103", f"{quoted}: {detail['msg']}"
        help_ = "check what stands there"
    elif kind == "string_pattern_mismatch":
        code, message = "SCH113", f"'{shown(value)}' is no code of a rule"
        help_ = "write a code such as NS101"
    else:
        expected = _EXPECTED.get(kind)
        code = "SCH103"
        if expected is None:
            message = f"{quoted}: {shown(detail['msg'], 160)}"
        else:
            message = f"{quoted} must be {expected}, not {_kind_of(value)}"
        help_ = _type_help(expected, value, name)
    span = document.span(path, key=on_key) if document is not None else None
    return Diagnostic(code, message, span, metric=metric, path=dotted(path) or None, help=help_)


def _type_help(expected: str | None, value: Any, name: str) -> str:
    if expected == "text":
        if name == "formula" and isinstance(value, (int, float)):
            return "write a number as `value`"
        if value is None:
            return "write it, or remove the field"
        if isinstance(value, (list, dict)):
            return "write plain text, in quotes if it starts with a bracket"
        return "put it in quotes"
    if expected == "a number" and isinstance(value, str):
        return "write it in plain digits and without quotes"
    return f"write {expected}" if expected else "check what stands there"


def _model_at(model: type[Any], path: Iterable[str | int]) -> Any:
    """Return the model whose fields stand at a path, so that near names can be offered."""
    here: Any = model
    for step in path:
        if isinstance(here, type) and hasattr(here, "model_fields"):
            fields = here.model_fields
            info = fields.get(step) or next(
                (info for info in fields.values() if info.alias == step), None
            )
            here = info.annotation if info is not None else None
        here = _inner_model(here)
    return here if isinstance(here, type) and hasattr(here, "model_fields") else None


def _inner_model(annotation: Any) -> Any:
    """Return the model inside of ``dict[str, M]``, ``tuple[M, ...]``, ``M | None`` and the like."""
    waiting = [annotation]
    while waiting:
        here = waiting.pop(0)
        if isinstance(here, type) and hasattr(here, "model_fields"):
            return here
        waiting.extend(getattr(here, "__args__", ()))
    return annotation


# --- going on without what is wrong


def _copied(data: Any) -> Any:
    """Copy containers down to the depth that the schema has; shared parts become separate."""
    return copy.deepcopy(data)


def _prune(data: dict[str, Any], details: list[ErrorDetails], broken: set[str]) -> bool:
    """Remove what is wrong, so that the rest can be checked too; tell whether that makes sense."""
    for detail in details:
        loc = list(detail["loc"])
        if detail["type"] == "missing":
            if loc == ["metrics"]:
                return False
            if loc == ["north_star"]:
                data["north_star"] = {"metric": "north_star_is_missing"}
                broken.add("north_star_is_missing")
                continue
            loc = loc[:-1]
        if loc and loc[-1] == "[key]":
            loc.pop()
        if loc == ["metrics"] or not loc:
            return False
        if loc[0] == "metrics" and len(loc) > 1:
            broken.add(str(loc[1]))
        if detail["type"] == "value_kinds" and len(loc) == 2:
            for kind in ("measure", "value"):
                data["metrics"][loc[1]].pop(kind, None)
            continue
        if loc[0] == "north_star":
            data["north_star"] = {"metric": "north_star_is_missing"}
            broken.add("north_star_is_missing")
            continue
        _remove(data, loc)
    return True


def _remove(data: Any, loc: list[Any]) -> None:
    holder, here = None, data
    step: Any = None
    for step_ in loc:
        if isinstance(here, dict) and step_ in here:
            holder, step, here = here, step_, here[step_]
        elif isinstance(here, list):
            break  # a whole list goes: positions behind one would shift
        else:
            break
    if isinstance(holder, dict):
        if len(loc) == 2 and loc[0] == "metrics" and isinstance(step, str) and loc[1] == step:
            holder[step] = None
        holder.pop(step, None)
