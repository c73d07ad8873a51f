"""The first document of a tree and all that it includes -> one `Loaded`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from metrictree.diagnostics import Diagnostic, Problems, Span, shown
from metrictree.errors import DefinitionError
from metrictree.limits import DEFAULT_LIMITS, Limits
from metrictree.loader.files import Files, is_relative
from metrictree.schema import (
    ID_LENGTH,
    INCLUDED_FIELDS,
    FrozenDict,
    IncludedSpec,
    Metric,
    TestFile,
    TreeSpec,
    check_metric_id,
)
from metrictree.schema_errors import describe, kind_of, not_a_mapping, prune

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

    from metrictree.documents import Document
    from metrictree.loader.places import Places
    from metrictree.names import Suggester

__all__ = ["Loaded", "Loading"]

_RESERVED_BLOCKS: Final = ("scenarios", "initiatives", "objectives")
_FLOOD = 10_000
"""So many errors are not even listed to be counted."""


@dataclass
class Loaded:
    """What came out of the files of a tree, before references are resolved."""

    spec: TreeSpec
    places: Places
    problems: Problems = field(default_factory=Problems)
    scopes: dict[tuple[str, str | int], str] = field(default_factory=dict)
    """The name below which a part (its block, and its id or position) was included."""
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


class Loading:
    """Loads the first document and what it includes into one `Loaded`."""

    def __init__(self, places: Places, limits: Limits, document: Document | None) -> None:
        self.places = places
        self.limits = limits
        self.document = document
        self.problems = Problems()
        self.broken: set[str] = set()
        self.complete = True
        self.files: Files | None = None
        self.folder: Path | None = None
        self.root: Path | None = None
        self.seen: set[tuple[Path, str]] = set()
        self.metrics: dict[str, Metric] = {}
        self.sources: dict[str, Any] = {}
        self.influences: list[Any] = []
        self.tests: list[Any] = []
        self.scopes: dict[tuple[str, str | int], str] = {}

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
                    "metrics": FrozenDict(self.metrics),
                    "sources": FrozenDict(self.sources),
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
                        fix="split it, or raise the limit `metrics`",
                    )
                ]
            )
        if document is not None:
            document.data = None  # the models hold it now
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

    def test_file(self, data: Any) -> TestFile:
        """Return a file of tests; raise if it has problems."""
        document = self.document
        assert document is not None
        self.problems.add(*document.problems)
        found = None
        if isinstance(data, dict):
            found = self._validate(TestFile, data, document)
        elif not document.problems:
            message = f"a file of tests is a mapping, not {kind_of(data)}"
            fix = "start with `tree:` and `tests:`"
            self.problems.add(Diagnostic("SCH103", message, document.span(()), fix=fix))
        if self.problems or found is None:
            raise DefinitionError(self.problems)
        document.data = None  # the models hold it now
        assert isinstance(found, TestFile)
        return found

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
                        fix="remove it",
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
            self._refuse(where, found.code, found.message, found.fix or "")
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
        document.data = None  # the models hold it now
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
                if len(name) > ID_LENGTH and block == "metrics":
                    self._refuse(
                        document.span((block, original), key=True),
                        "SCH106",
                        f"the id '{shown(name)}' has {len(name)} characters, more than {ID_LENGTH}",
                        "shorten it, or the name that it is included below",
                    )
                    continue
                known[name] = item
                self.places.moved(block, name, document, original)
                if scope and block == "metrics":
                    self.scopes[block, name] = scope
        for block, items, merged in (
            ("influences", spec.influences, self.influences),
            ("tests", spec.tests, self.tests),
        ):
            for original_position, item in enumerate(items):
                self.places.moved(block, len(merged), document, original_position)
                if scope:
                    self.scopes[block, len(merged)] = scope
                merged.append(item)

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

    def _refuse(self, span: Span | None, code: str, message: str, fix: str) -> None:
        self.complete = False
        self.problems.add(Diagnostic(code, message, span, path="include", fix=fix))


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
