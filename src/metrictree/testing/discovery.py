"""Which files hold tests of definitions, told from a look at their bytes; nothing is parsed."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metrictree.names import TEST_FILE_ENDINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["find_files", "is_misnamed", "is_test_file", "may_hold_tests", "may_hold_tree"]

ENDINGS: Final = (".yml", ".yaml")
"""How the names of documents end."""
_MEANT: Final = "metrictest"
"""What the name of a file holds that is meant for tests."""
_MOST: Final = 64 * 2**20
"""Bytes that are looked at: more are refused in a tree."""
_KEYS: Final = re.compile(
    rb"""(?:\A(?:\xef\xbb\xbf)?|[\r\n])(["']?)(north_star|tests|include)\1[ \t]*:(?=\s|\Z)"""
)
# As pytest leaves them out, so that both find the same files.
_LEFT_OUT: Final = ("*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv")


def is_test_file(path: Path) -> bool:
    """Return whether a file holds tests beside their tree, by its name.

    >>> is_test_file(Path("shop.metrictest.yml")), is_test_file(Path("shop.yml"))
    (True, False)
    """
    return path.name.endswith(TEST_FILE_ENDINGS)


def may_hold_tree(path: Path) -> bool:
    """Return whether a file looks like the first one of a tree, or like tests beside one."""
    return is_test_file(path) or b"north_star" in _keys(path)


def may_hold_tests(path: Path) -> bool:
    """Return whether to look for tests in a file: in one of tests, or in a tree.

    Of a tree, the tests may stand in a file that it includes. Nothing is parsed, so that a YAML
    file of other people costs no more than reading its bytes. A file of tests whose name is nearly
    right is one too, so that it does not go unseen: see `is_misnamed`.
    """
    if is_test_file(path):
        return True
    keys = _keys(path)
    if b"north_star" not in keys:
        return _MEANT in path.name.lower() and b"tests" in keys
    return b"tests" in keys or b"include" in keys


def is_misnamed(path: Path) -> bool:
    """Return whether a file holds tests and no tree, and its name does not end as it should."""
    keys = _keys(path, every=True)
    return not is_test_file(path) and b"tests" in keys and b"north_star" not in keys


def _keys(path: Path, *, every: bool = False) -> set[bytes]:
    """Return those keys of a document, out of three, that begin a line of a file.

    There are none in a file that seems to be nobody's of ours, unless in ``every`` file.
    """
    if not path.name.endswith(ENDINGS):
        return set()
    try:
        if not path.is_file():  # a pipe would be waited for
            return set()
        with path.open("rb") as stream:
            raw = stream.read(_MOST)
    except OSError:  # it may be anybody's: whoever means this file gives its name, and is told
        return set()
    if not (every or b"north_star" in raw or _MEANT in path.name.lower()):
        return set()
    return {found[2] for found in _KEYS.finditer(raw)}


def find_files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder whose names end like those of documents, in order.

    Folders that are hidden, hold packages or what was built are left out, as by pytest, and so are
    hidden files: an editor locks a file by a link to nowhere beside it.
    """
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not any(fnmatch(name, pattern) for pattern in _LEFT_OUT)
            and not _is_environment(Path(parent, name))
        )
        for name in sorted(files):
            if name.endswith(ENDINGS) and name[0] != ".":
                yield Path(parent, name)


def _is_environment(folder: Path) -> bool:
    """Return whether a folder holds installed packages; nobody looks into one that is closed."""
    try:
        return (folder / "pyvenv.cfg").exists()
    except OSError:
        return True
