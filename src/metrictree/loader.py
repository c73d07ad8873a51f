"""Files and includes -> one `TreeSpec`, and where all stands: the only reader of tree files."""

from __future__ import annotations

import gc
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from metrictree.diagnostics import Diagnostic, Problems, Span, shown
from metrictree.documents import Document, Path as DataPath, Surprise
from metrictree.errors import DefinitionError
from metrictree.limits import DEFAULT_LIMITS, Limits
from metrictree.schema import INCLUDED_FIELDS, IncludedSpec, Metric, TreeSpec, check_metric_id
from metrictree.schema_errors import describe, dotted, kind_of, not_a_mapping, prune

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

    from metrictree.names import Suggester

__all__ = [
    "Loaded",
    "Places",
    "is_relative",
    "load_data",
    "load_file",
    "load_inputs",
    "load_text",
    "quiet_collector",
]

_RESERVED_BLOCKS: Final = ("scenarios", "initiatives", "objectives")
_FLOOD = 10_000
"""So many errors are not even listed to be counted."""


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
        return Span(
            dotted(path),
            line,
            column,
            line,
            end_column,
            text[begin:].split("\n", maxsplit=1)[0][:2_000],
        )


@dataclass
class Loaded:
    """What came out of the files of a tree, before references are resolved."""

    spec: TreeSpec
    places: Places
    problems: Problems = field(default_factory=Problems)
    scopes: dict[str, str] = field(default_factory=dict)
    """For a metric from a file that was included below a name: that name."""
    broken: set[str] = field(default_factory=set)
    """Ids that the files name, but whose metric could not be read."""
    complete: bool = True
    """Whether all included files could be read; else names may be unknown for that reason."""
    limits: Limits = DEFAULT_LIMITS
    folder: Path | None = None
    """The folder of the first file, from which sources are found; none for data and text."""
    root: Path | None = None
    """The folder that sources and includes must lie in."""
    files: tuple[Path, ...] = ()
    """All files of the tree, links followed."""


def load_data(data: Mapping[str, Any], *, limits: Limits = DEFAULT_LIMITS) -> Loaded:
    """Return the tree that plain data, or models of the schema, describe."""
    with quiet_collector():
        data = data if isinstance(data, dict) else dict(data)
        _check_size(data, limits)
        return _Loading(Places(), limits, None).first(data)


def _check_size(data: Any, limits: Limits) -> None:
    """Refuse data from Python that is past the limits of documents, or that contains itself."""
    count, waiting = 0, [(data, 1)]
    while waiting:
        item, depth = waiting.pop()
        count += len(item)
        named = isinstance(item, dict)
        problem = None
        if depth > limits.depth:
            problem = "DOC110", f"the data is nested deeper than {limits.depth:,} levels", "depth"
        elif len(item) > limits.entries:
            message = f"a list or mapping has {len(item):,} entries, more than {limits.entries:,}"
            problem = "DOC113", message, "entries"
        elif count > limits.values:
            message = f"the data has more than {limits.values:,} values"
            problem = "DOC111", message, "values"
        if problem is not None:
            code, message, limit = problem
            help_ = f"split it, or raise the limit `{limit}`"
            raise DefinitionError([Diagnostic(code, message, help=help_)])
        inner = item.values() if named else item
        waiting += [(each, depth + 1) for each in inner if isinstance(each, (dict, list, tuple))]


def load_text(text: str, *, file: str = "<text>", limits: Limits = DEFAULT_LIMITS) -> Loaded:
    """Return the tree of a YAML text, which cannot include files."""
    with quiet_collector():
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > limits.bytes:
            raise DefinitionError([_too_large(file, size, limits)])
        from metrictree.documents import parse  # yaml loads on first use

        document = parse(text, file, limits)
        return _Loading(Places(document), limits, document).first(document.data)


def load_file(path: Path, *, root: Path | None = None, limits: Limits = DEFAULT_LIMITS) -> Loaded:
    """Return the tree of a YAML file and all that it includes from inside ``root``."""
    with quiet_collector():
        reader = _Files(limits)
        document = reader.read(path, str(path), "check the path; `metrictree new` writes a tree")
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
        loading.folder = path.resolve().parent
        loading.root = (root or path.parent).resolve()
        loading.seen = {(path.resolve(), "")}
        return loading.first(document.data, path.resolve())


def load_inputs(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Document:
    """Return a YAML or JSON file of inputs, whose data maps metric ids to numbers or null.

    Raises:
        DefinitionError: the file cannot be read, or holds anything else.
    """
    document = _Files(limits).read(path, str(path))
    data, problems = document.data, list(document.problems)
    if not isinstance(data, dict) and not problems:
        problems.append(
            Diagnostic(
                "SCH103",
                f"a file of inputs is a mapping, not {kind_of(data)}",
                document.span(()),
                help="write one `metric: number` in each line",
            )
        )
    for metric, given in data.items() if isinstance(data, dict) else ():
        if given is not None and (isinstance(given, bool) or not isinstance(given, (int, float))):
            why = f" without quotes: {given.meaning}" if isinstance(given, Surprise) else ""
            problems.append(
                Diagnostic(
                    "VAL104",
                    f"the input '{shown(metric)}' is {kind_of(given)}{why}, not a number",
                    document.span((metric,)),
                    metric=metric,
                    help="give a number in plain digits, or null for missing",
                )
            )
    if problems:
        raise DefinitionError(problems)
    return document


def _too_large(file: str, size: int, limits: Limits) -> Diagnostic:
    return Diagnostic(
        "DOC112",
        f"{shown(file, 200)} brings the tree to {size:,} bytes, more than {limits.bytes:,}",
        path=file,
        help="split the tree, or raise the limit `bytes`",
    )


def is_relative(target: str) -> bool:
    r"""Return whether a path of a tree document is relative and written with / between folders.

    >>> is_relative("data/orders.csv"), is_relative("/etc/passwd"), is_relative("C:\\orders.csv")
    (True, False, False)
    """
    return not (
        "\0" in target
        or "\\" in target
        or "://" in target
        or target.startswith(("/", "~"))
        or PureWindowsPath(target).drive
    )


class _Files:
    """Reads files, and counts what they cost."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.bytes = 0
        self.count = 0
        self.values = 0

    def read(self, path: Path, name: str, advice: str = "check the path") -> Document:
        """Return the document of a regular file; ``advice`` is for one that cannot be read.

        Raises:
            DefinitionError: there is no such file, it is no regular file, or it is too large.
        """
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
                raise self._unreadable(name, f"it is {kind}", advice)
            if self.bytes + status.st_size > self.limits.bytes:
                raise DefinitionError([_too_large(name, self.bytes + status.st_size, self.limits)])
            with path.open("rb") as stream:
                raw = stream.read(self.limits.bytes - self.bytes + 1)
        except FileNotFoundError:
            raise self._unreadable(name, "there is no such file", advice) from None
        except (OSError, ValueError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise self._unreadable(name, shown(why).lower(), advice) from None
        self.bytes += len(raw)
        if self.bytes > self.limits.bytes:
            raise DefinitionError([_too_large(name, self.bytes, self.limits)])
        self.count += 1
        from metrictree.documents import parse, read_bytes

        text, problems = read_bytes(raw, name)
        del raw  # the text takes as much again
        if problems:
            return Document(name, text, None, 0, problems)
        document = parse(text, name, self.limits)
        self.values += document.size
        if self.values > self.limits.values:
            message = f"the files up to here have more than {self.limits.values:,} keys and values"
            help_ = "split the tree, write less with aliases, or raise the limit `values`"
            raise DefinitionError([Diagnostic("DOC111", message, path=name, help=help_)])
        return document

    @staticmethod
    def _unreadable(name: str, why: str, advice: str) -> DefinitionError:
        return DefinitionError(
            [
                Diagnostic(
                    "INC101",
                    f"cannot read {shown(name, 200)}: {why}",
                    path=name,
                    help=advice,
                )
            ]
        )


class _Loading:
    """Loads the first document and what it includes into one `Loaded`."""

    def __init__(self, places: Places, limits: Limits, document: Document | None) -> None:
        self.places = places
        self.limits = limits
        self.document = document
        self.problems = Problems()
        self.broken: set[str] = set()
        self.complete = True
        self.files: _Files | None = None
        self.folder: Path | None = None
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
            self.problems.add(*document.problems)
        if data is None or (document is not None and not isinstance(data, dict)):
            if data is not None:
                self.problems.add(not_a_mapping(document, data))
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
        return Loaded(
            spec,
            self.places,
            self.problems,
            self.scopes,
            self.broken,
            self.complete,
            self.limits,
            self.folder,
            self.root,
            tuple(dict.fromkeys(path for path, _ in sorted(self.seen))),
        )

    def _drop_reserved(self, data: dict[str, Any]) -> dict[str, Any]:
        for block in _RESERVED_BLOCKS:
            if block in data:
                span = self.document.span((block,), key=True) if self.document else None
                self.problems.add(
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
                if error.error_count() > _FLOOD:
                    details = _first_errors(model, data)
                    self._describe_all(details, model, document)
                    self.problems.leave_out()
                    return None
                details = error.errors(include_url=False)
                if attempt == 0:
                    self._describe_all(details, model, document)
                    data = _copied(data)
                if not prune(data, details, self.broken):
                    return None
        return None

    def _describe_all(
        self,
        details: list[ErrorDetails],
        model: type[Any],
        document: Document | None,
    ) -> None:
        suggesters: dict[type[Any], Suggester] = {}
        for detail in details:
            self.problems.add(describe(detail, model, document, suggesters))
            if self.problems.full:
                return

    # --- includes

    def _include(
        self,
        include: Any,
        document: Document | None,
        parent: Path | None,
        scope: str,
        chain: tuple[Path, ...],
    ) -> None:
        entries: list[tuple[str | int, str]] = [
            *(include.items() if isinstance(include, dict) else enumerate(include))
        ]
        if len(entries) > self.limits.files:
            where = document.span(("include",), key=True) if document else None
            message = f"the tree has more than {self.limits.files:,} files"
            self._refuse(where, "INC105", message, "join some of them")
            return
        for name, target in entries:
            where = document.span(("include", name)) if document else None
            if self.files is None or self.root is None or parent is None:
                self._refuse(
                    where, "INC102", "only a file can include files", "use MetricTree.load"
                )
                return
            inner_scope = scope
            if isinstance(name, str):
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
                self._refuse(
                    where, "INC104", f"{shown(target)} includes itself", "break the circle"
                )
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
        self.problems.add(*document.problems)
        if document.problems:
            self.complete = False
            self._refuse(where, "INC107", f"{shown(target)} has problems of its own", "see there")
        if not isinstance(document.data, dict):
            if document.data is not None:
                self.problems.add(not_a_mapping(document, document.data))
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
        self._merge(self._from_first_folder(spec, path), document, scope)
        if spec.include:
            self._include(spec.include, document, path, scope, chain)

    def _from_first_folder(self, spec: IncludedSpec, path: Path) -> IncludedSpec:
        """Return an included file whose sources are found from the first file's folder."""
        assert self.folder is not None
        way = Path(os.path.relpath(path.parent, self.folder)).as_posix()
        if way == "." or not spec.sources:
            return spec
        sources = {
            name: source.model_copy(update={"path": f"{way}/{source.path}"})
            if source.path is not None and is_relative(source.path)
            else source
            for name, source in spec.sources.items()
        }
        return spec.model_copy(update={"sources": sources})

    def _merge(self, spec: IncludedSpec, document: Document, scope: str) -> None:
        prefix = f"{scope}." if scope else ""
        blocks: tuple[tuple[str, Mapping[str, Any], dict[str, Any]], ...] = (
            ("metrics", spec.metrics, self.metrics),
            ("sources", spec.sources, self.sources),
        )
        for block, new, known in blocks:
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
                known[name] = item
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
        if not is_relative(target):
            self._refuse(
                where,
                "INC102",
                f"{shown(target)} is no relative path",
                "write a path relative to this file, with / between folders",
            )
            return None
        try:
            path = (parent.parent / target).resolve()
            if path.is_relative_to(self.root):  # what lies outside is not even looked for
                path = path.resolve(strict=True)
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
        self.problems.add(Diagnostic(code, message, span, path="include", help=help))


def _first_errors(model: type[Any], data: dict[str, Any]) -> list[ErrorDetails]:
    """Return the errors among the first entries of each block, as many as have some.

    All of them together may take a hundred times the memory of the document.
    """
    most = 100
    while True:
        first = {name: _beginning(block, most) for name, block in data.items()}
        try:
            model.model_validate(first)
        except ValidationError as error:
            return error.errors(include_url=False)
        most *= 4


def _beginning(block: Any, most: int) -> Any:
    if isinstance(block, dict):
        return dict(islice(block.items(), most))
    return block[:most] if isinstance(block, list) else block


def _copied(data: Any, depth: int = 6) -> Any:
    """Copy lists and mappings as deep as `prune` reaches."""
    if isinstance(data, dict) and depth:
        return {key: _copied(value, depth - 1) for key, value in data.items()}
    return (
        [_copied(value, depth - 1) for value in data] if isinstance(data, list) and depth else data
    )


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
