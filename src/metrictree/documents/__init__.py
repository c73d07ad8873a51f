"""YAML text -> plain data and the position of every key and value: the only importer of yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metrictree.documents.document import Document, Path
from metrictree.documents.scalars import Surprise, read_scalar

if TYPE_CHECKING:
    from metrictree.documents.reader import parse, read_bytes
    from metrictree.documents.writer import dump

__all__ = ["Document", "Path", "Surprise", "dump", "parse", "read_bytes", "read_scalar"]

_HOMES = {"parse": "reader", "read_bytes": "reader", "dump": "writer"}


def __getattr__(name: str) -> Any:
    """Load what needs yaml on first use: a tree that is built in Python does without it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'metrictree.documents' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"metrictree.documents.{_HOMES[name]}"), name)
