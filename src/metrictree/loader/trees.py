"""Files, texts and data -> the tree that they describe."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from metrictree.diagnostics import Diagnostic, shown
from metrictree.errors import DefinitionError
from metrictree.limits import DEFAULT_LIMITS, Limits
from metrictree.loader.files import Files, check_size, too_large
from metrictree.loader.loading import Loaded, Loading
from metrictree.loader.places import Places

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from metrictree.documents import Document

__all__ = ["load_data", "load_file", "load_text", "load_tree", "quiet_collector"]


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


def load_data(data: Mapping[str, Any], *, limits: Limits = DEFAULT_LIMITS) -> Loaded:
    """Return the tree that plain data, or models of the schema, describe."""
    with quiet_collector():
        data = data if isinstance(data, dict) else dict(data)
        check_size(data, limits)
        return Loading(Places(), limits, None).first(data)


def load_text(text: str, *, file: str = "<text>", limits: Limits = DEFAULT_LIMITS) -> Loaded:
    """Return the tree of a YAML text, which cannot include files."""
    with quiet_collector():
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > limits.bytes:
            raise DefinitionError([too_large(file, size, limits)])
        from metrictree.documents import parse  # yaml loads on first use

        document = parse(text, file, limits)
        return Loading(Places(document), limits, document).first(document.data)


def load_file(path: Path, *, root: Path | None = None, limits: Limits = DEFAULT_LIMITS) -> Loaded:
    """Return the tree of a YAML file and all that it includes from inside ``root``."""
    with quiet_collector():
        reader = Files(limits)
        document = reader.read(path, str(path), "check the path; `metrictree new` writes a tree")
        return load_tree(path, document, reader, root)


def load_tree(path: Path, document: Document, reader: Files, root: Path | None) -> Loaded:
    """Return the tree of a document that was read from a file."""
    if root is not None and not path.resolve().is_relative_to(root.resolve()):
        raise DefinitionError(
            [
                Diagnostic(
                    "INC102",
                    f"{shown(path, 200)} is outside of the root {shown(root, 200)}",
                    fix="give a root that holds the file",
                )
            ]
        )
    loading = Loading(Places(document), reader.limits, document)
    loading.files = reader
    loading.folder = path.resolve().parent
    loading.root = (root or path.parent).resolve()
    loading.seen = {(path.resolve(), "")}
    return loading.first(document.data, path.resolve())
