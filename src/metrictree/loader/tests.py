"""Files of tests, `*.metrictest.yml`, and the trees that they are about."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from metrictree.diagnostics import Diagnostic, shown
from metrictree.errors import DefinitionError
from metrictree.limits import DEFAULT_LIMITS, Limits
from metrictree.loader.files import Files
from metrictree.loader.loading import Loaded, Loading
from metrictree.loader.places import Places
from metrictree.loader.trees import load_file, load_tree, quiet_collector
from metrictree.names import TEST_FILE_ENDINGS, Suggester, did_you_mean

if TYPE_CHECKING:
    from metrictree.documents import Document
    from metrictree.schema import TestFile

__all__ = ["files_of_tests", "load_test_file", "load_with_tests"]


def load_test_file(
    path: Path, *, root: Path | None = None, limits: Limits = DEFAULT_LIMITS
) -> Loaded:
    """Return the tree that a file of tests names, with the tests of that file in place of its own.

    Raises:
        DefinitionError: the file or its tree cannot be read, or has problems.
    """
    with quiet_collector():
        reader = Files(limits)
        document = reader.read(path, str(path))
        found = Loading(Places(document), limits, document).test_file(document.data)
        tree_path, span = _tree_of(path, found.tree), document.span(("tree",))
        try:
            tree = reader.read(tree_path, str(tree_path))
        except DefinitionError as error:
            if error.diagnostics[0].code != "INC101":
                raise
            why = error.diagnostics[0].message
            fix = _tree_meant(tree_path, found.tree)
            raise DefinitionError([Diagnostic("INC101", why, span, path="tree", fix=fix)]) from None
        loaded = load_tree(tree_path, tree, reader, root)
    loaded.spec = loaded.spec.model_copy(update={"tests": ()})
    for part in [part for part in loaded.scopes if part[0] == "tests"]:
        del loaded.scopes[part]
    _add_tests(loaded, found, document, path)
    return loaded


def load_with_tests(
    path: Path, *, root: Path | None = None, limits: Limits = DEFAULT_LIMITS
) -> Loaded:
    """Return a tree with its own tests and those of the files beside it that are about it.

    Raises:
        DefinitionError: one of the files cannot be read, or has problems.
    """
    with quiet_collector():
        loaded = load_file(path, root=root, limits=limits)
        for file in files_of_tests(path, limits=limits):
            document = Files(limits).read(file, str(file))
            found = Loading(Places(document), limits, document).test_file(document.data)
            _add_tests(loaded, found, document, file)
    return loaded


def files_of_tests(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> list[Path]:
    """Return the files of tests beside a tree that are about it.

    Raises:
        DefinitionError: one of those beside it cannot be read.
    """
    found = []
    for file in sorted(path.parent.iterdir()):
        # Hidden ones are not meant: an editor locks a file by a link to nowhere beside it.
        if not file.name.endswith(TEST_FILE_ENDINGS) or file.name[0] == "." or file.is_dir():
            continue
        data = Files(limits).read(file, str(file)).data
        named = data.get("tree") if isinstance(data, dict) else None
        tree = _tree_of(file, named if isinstance(named, str) else None)
        if _is_same(tree, path):
            found.append(file)
    return found


def _tree_meant(path: Path, named: str | None) -> str:
    """Return what to do about a tree that is not there: the file near by may be meant."""
    advice = "name its tree in the field `tree`, relative to this file"
    try:
        names = [
            file.name
            for file in sorted(path.parent.iterdir())
            if file.suffix in (".yml", ".yaml") and not file.name.endswith(TEST_FILE_ENDINGS)
        ]
    except (OSError, ValueError):
        return advice
    near = Suggester(names).near(path.name)
    if named is None:
        return f"name its tree in the field `tree`, such as `tree: {near[0]}`" if near else advice
    folder = named[: len(named) - len(Path(named).name)]
    return did_you_mean([shown(folder + one) for one in near]) or advice


def _is_same(one: Path, other: Path) -> bool:
    """Return whether two paths lead to one file; those that lead nowhere do not."""
    try:
        return one.resolve() == other.resolve()
    except (OSError, RuntimeError, ValueError):  # links in a circle; reading them tells it
        return False


def _add_tests(loaded: Loaded, found: TestFile, document: Document, path: Path) -> None:
    """Add the tests of a file to those of a tree."""
    known = loaded.spec.tests
    loaded.spec = loaded.spec.model_copy(update={"tests": (*known, *found.tests)})
    for position in range(len(found.tests)):
        loaded.places.moved("tests", len(known) + position, document, position)
    loaded.files = (*loaded.files, path.resolve())


def _tree_of(path: Path, named: str | None) -> Path:
    """Return the file of the tree that a file of tests belongs to."""
    if named is not None:
        tree = path.parent / named
        short = Path(os.path.normpath(tree))
        return short if _is_same(short, tree) else tree  # `..` may lead through a link
    stem = path.name
    for ending in TEST_FILE_ENDINGS:
        stem = stem.removesuffix(ending)
    beside = [path.with_name(stem + ending) for ending in (".yml", ".yaml")]
    return next((file for file in beside if file.is_file()), beside[0])
