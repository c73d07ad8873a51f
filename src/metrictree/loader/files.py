"""Reading files within the limits: what they cost is counted over all of them."""

from __future__ import annotations

import stat
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any

from metrictree.diagnostics import Diagnostic, shown
from metrictree.documents import Document
from metrictree.errors import DefinitionError

if TYPE_CHECKING:
    from metrictree.limits import Limits

__all__ = ["Files", "check_size", "is_relative", "too_large"]


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


def too_large(file: str, size: int, limits: Limits) -> Diagnostic:
    """Return the problem of a tree whose files are past the limit together."""
    return Diagnostic(
        "DOC112",
        f"{shown(file, 200)} brings the tree to {size:,} bytes, more than {limits.bytes:,}",
        path=file,
        fix="split the tree, or raise the limit `bytes`",
    )


def check_size(data: Any, limits: Limits) -> None:
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
            fix = f"split it, or raise the limit `{limit}`"
            raise DefinitionError([Diagnostic(code, message, fix=fix)])
        inner = item.values() if named else item
        waiting += [(each, depth + 1) for each in inner if isinstance(each, (dict, list, tuple))]


class Files:
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
                raise DefinitionError([too_large(name, self.bytes + status.st_size, self.limits)])
            with path.open("rb") as stream:
                raw = stream.read(self.limits.bytes - self.bytes + 1)
        except FileNotFoundError:
            raise self._unreadable(name, "there is no such file", advice) from None
        except (OSError, ValueError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise self._unreadable(name, shown(why).lower(), advice) from None
        self.bytes += len(raw)
        if self.bytes > self.limits.bytes:
            raise DefinitionError([too_large(name, self.bytes, self.limits)])
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
            fix = "split the tree, write less with aliases, or raise the limit `values`"
            raise DefinitionError([Diagnostic("DOC111", message, path=name, fix=fix)])
        return document

    @staticmethod
    def _unreadable(name: str, why: str, advice: str) -> DefinitionError:
        return DefinitionError(
            [
                Diagnostic(
                    "INC101",
                    f"cannot read {shown(name, 200)}: {why}",
                    path=name,
                    fix=advice,
                )
            ]
        )
