"""A file -> the tree whose tests it holds, and their cases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from metrictree.diagnostics import Diagnostic, Span, shown
from metrictree.errors import DefinitionError
from metrictree.limits import DEFAULT_LIMITS, Limits
from metrictree.loader import load_file, load_test_file, load_with_tests
from metrictree.resolved import ResolvedTree, resolve
from metrictree.testing.collect import collect
from metrictree.testing.discovery import is_misnamed, is_test_file

if TYPE_CHECKING:
    from pathlib import Path

    from metrictree.testing.case import Case

__all__ = ["load", "load_cases", "load_whole"]


def load(path: Path, *, root: Path | None = None, limits: Limits = DEFAULT_LIMITS) -> ResolvedTree:
    """Return the tree of a file; of a file of tests, its tree with these tests and no others.

    Raises:
        DefinitionError: a file cannot be read, or has problems.
    """
    read = load_test_file if is_test_file(path) else load_file
    try:
        return resolve(read(path, root=root, limits=limits))
    except DefinitionError as error:
        raise _of_name(path) or error from None


def load_whole(path: Path, *, root: Path | None = None) -> ResolvedTree:
    """Return the tree of a file with all tests that it and the files beside it hold.

    Of a file of tests, it is its tree with these tests and no others.

    Raises:
        DefinitionError: a file cannot be read, or has problems.
    """
    read = load_test_file if is_test_file(path) else load_with_tests
    try:
        return resolve(read(path, root=root))
    except DefinitionError as error:
        raise _of_name(path) or error from None


def _of_name(path: Path) -> DefinitionError | None:
    """Return what is wrong with a file of tests that was read as a tree for its name."""
    if not is_misnamed(path):
        return None
    stem = re.split(r"[._-]*metrictests?", path.stem, flags=re.IGNORECASE)[0] or "shop"
    return DefinitionError(
        [
            Diagnostic(
                "SCH102",
                "a file with `tests` and no `north_star` is one of tests, and its name must end "
                "in .metrictest.yml",
                Span(str(path), 1, 1, 1, 1),
                fix=f"rename it to {shown(stem)}.metrictest.yml",
            )
        ]
    )


def load_cases(path: Path, *, root: Path | None = None) -> tuple[ResolvedTree, tuple[Case, ...]]:
    """Return the tree of a file, and all cases of the tests that the file holds.

    Raises:
        DefinitionError: a file cannot be read, or has problems; its tests have mistakes.
    """
    tree = load(path, root=root)
    collected = collect(tree)
    if collected.problems:
        raise DefinitionError(collected.problems)
    return tree, collected.cases
