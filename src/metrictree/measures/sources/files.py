"""The files of a source: found by path or pattern, all of them inside of the tree's root."""

from __future__ import annotations

import csv
import glob
import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import unquote

from metrictree.diagnostics import shown
from metrictree.loader import is_relative
from metrictree.measures.cells import File, header_of
from metrictree.measures.sources.problems import refused
from metrictree.names import Suggester, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from metrictree.resolved import ResolvedTree

__all__ = ["DEFAULT", "KINDS", "Files", "Key", "find", "inside", "matches", "source_paths"]

KINDS: Final = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "csv",
    ".tsv.gz": "csv",
    ".jsonl": "json",
    ".jsonl.gz": "json",
    ".ndjson": "json",
    ".ndjson.gz": "json",
}
"""What files hold, by the ends of their names."""
_AS_CSV: Final = "save it as CSV UTF-8, with a name that ends in .csv"
_OTHERS: Final = {
    ".json": "write one object in each line, into a file whose name ends in .jsonl",
    ".xlsx": _AS_CSV,
    ".xls": _AS_CSV,
    ".txt": _AS_CSV,
    ".parq": "rename it: the names of Parquet files end in .parquet",
}
"""What to do about files of other kinds."""
MOST: Final = 100_000
"""Files that a pattern may match."""
_DELIMITERS: Final = ",;\t|"
DEFAULT: Final = "__HIVE_DEFAULT_PARTITION__"
"""What a folder is called that holds the rows without a value."""

Key = tuple[str, str | None]
"""A column and its value in all rows of a file, told by a folder such as `country=DE`."""


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a source."""

    kind: str
    paths: tuple[Path, ...]
    """Absolute, links not followed: the names of folders may tell columns."""
    names: tuple[str, ...]
    """What the tree calls them: relative to its folder."""
    keys: tuple[str, ...]
    """The columns that folders tell."""
    base: Path
    """The folder below which they tell them."""
    origin: str
    text: File | None
    """The same as text files, if they are some."""
    header: tuple[str, ...]
    """The names of the columns, of CSV files."""

    def check_alike(
        self,
        tree: ResolvedTree,
        name: str,
        other: str,
        first: Mapping[str, Any],
        found: Mapping[str, Any],
    ) -> None:
        """Refuse a file of which the columns and their types are not those of the first one.

        Raises:
            SourceError: they are not.
        """
        for column, kind in first.items():
            if column not in found:
                _differ(tree, name, self.names[0], other, f"the second has no '{shown(column)}'")
            if found[column] != kind:
                kinds = f"{shown(kind)} in the first, {shown(found[column])} in the second"
                _differ(tree, name, self.names[0], other, f"'{shown(column)}' is {kinds}")
        more = [column for column in found if column not in first]
        if more:
            _differ(tree, name, self.names[0], other, f"only the second has '{shown(more[0])}'")

    def check_keys(self, tree: ResolvedTree, name: str, own: Iterable[str]) -> None:
        """Refuse columns that files hold and their folders tell too: which of them is right?

        Raises:
            SourceError: there is one.
        """
        held = {column.lower() for column in own}
        for key in self.keys:
            if key.lower() in held:
                message = (
                    f"both the files of {shown(self.origin)} and their folders tell '{shown(key)}'"
                )
                advice = "leave the column out of the files, or rename the folders"
                raise refused(tree, name, "SRC105", message, advice, part="path")


def _differ(tree: ResolvedTree, name: str, first: str, other: str, what: str) -> NoReturn:
    raise refused(
        tree,
        name,
        "SRC120",
        f"{shown(first, 200)} and {shown(other, 200)} have different columns: {what}",
        "all files of a source have the same columns; export them again, or make them two sources",
        part="path",
    )


def source_paths(tree: ResolvedTree) -> Iterator[Path]:
    """Return the files of the sources, links followed, whether they are there or not."""
    folder = tree.folder or Path.cwd()
    for source in tree.spec.sources.values():
        if source.path is not None and is_relative(source.path):
            with suppress(OSError, RuntimeError):  # links in a circle lead to no file
                names = matches(folder, source.path) or [source.path]
                yield from ((folder / name).resolve() for name in names)


def matches(folder: Path, target: str) -> list[str]:
    """Return the files that a path or a pattern names, relative to a folder."""
    if os.path.lexists(folder / target):
        return [target]
    if not glob.has_magic(target):
        return []
    # `Path.glob` follows no links to folders.
    found = glob.iglob(target, root_dir=folder, recursive=True)  # noqa: PTH207
    return sorted(name for name in islice(found, MOST + 1) if (folder / name).is_file())


def inside(
    tree: ResolvedTree, name: str, target: str, found: Iterable[str], part: str
) -> list[Path]:
    """Return the paths of files, all of which lie in the tree's root, links followed.

    Raises:
        SourceError: one does not, or two of them are the same file.
    """
    folder = tree.folder or Path.cwd()
    root = (tree.root or folder).resolve()
    real: dict[Path, str] = {}
    paths = []
    for one in found:
        path = folder / one
        followed = path.resolve()
        if not followed.is_relative_to(root):  # what lies outside is not even looked for
            what = shown(one, 200)
            raise refused(
                tree,
                name,
                "SRC103",
                f"{what} is outside of the tree's folder"
                + (f", and {shown(target)} matches it" if one != target else ""),
                "move it inside, or allow more with --root or root=",
                part=part,
            )
        if followed in real:
            both = f"{shown(real[followed], 200)} and {shown(one, 200)}"
            raise refused(
                tree,
                name,
                "SRC104",
                f"{shown(target)} matches a file twice: {both} are the same",
                "remove the link, or write the pattern so that it matches one of them",
                part=part,
            )
        real[followed] = one
        paths.append(path.absolute())
    return paths


def find(tree: ResolvedTree, name: str) -> Files:
    """Return the files of a source.

    Raises:
        SourceError: there are none, one lies outside of the tree's root or cannot be read, or
            they have not the same columns.
    """
    return _Finding(tree, name).find()


class _Finding:
    def __init__(self, tree: ResolvedTree, name: str) -> None:
        self.tree = tree
        self.name = name
        target = tree.spec.sources[name].path
        assert target is not None
        self.target = target
        self.folder = tree.folder or Path.cwd()

    def find(self) -> Files:
        kind = self._kind()
        try:
            names = self._matches()
            paths = inside(self.tree, self.name, self.target, names, part="path")
            for path, one in zip(paths, names, strict=True):
                self._check(path, one, kind)
            header = self._header(paths, names) if kind == "csv" else None
        except (OSError, RuntimeError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error) or "the links go in a circle"
            self._refuse("SRC104", f"cannot read {shown(self.target)}: {shown(why)}", "check it")
        origin = self.target
        if names != [self.target]:
            origin += " (1 file)" if len(names) == 1 else f" ({len(names):,} files)"
        keys: tuple[str, ...] = ()
        text = None
        delimiter, columns = header or (None, ())
        if kind == "parquet":
            keys = self._keys(names)
        else:
            text = File(tuple(paths), tuple(shown(one, 200) for one in names), delimiter)
        base = self.folder.absolute()
        return Files(kind, tuple(paths), tuple(names), keys, base, origin, text, columns)

    def _refuse(self, code: str, message: str, advice: str) -> NoReturn:
        raise refused(self.tree, self.name, code, message, advice, part="path") from None

    def _kind(self) -> str:
        if not is_relative(self.target):
            self._refuse(
                "SRC103",
                f"{shown(self.target)} is no relative path",
                "write a path relative to the tree's file, with / between folders",
            )
        kind = next((kind for end, kind in KINDS.items() if self.target.endswith(end)), None)
        if kind is None:
            message = f"{shown(self.target)} is no file that this version reads"
            self._refuse("SRC102", message, self._other_kind())
        return kind

    def _other_kind(self) -> str:
        """Return what to do about a file of another kind, or a folder."""
        end = Path(self.target).suffix.lower()
        if end in _OTHERS:
            return _OTHERS[end]
        inside(self.tree, self.name, self.target, [self.target], part="path")
        folders = "/"
        with suppress(OSError):
            there = islice((self.folder / self.target).iterdir(), MOST)
            if any("=" in one.name and one.is_dir() for one in there):
                folders = "/**/"
        return (
            "the names of files end in .csv, .tsv, .parquet, .jsonl or .ndjson, those of text "
            "files also in .gz; for a folder of files write a pattern such as "
            f"{shown(self.target.rstrip('/'), 40)}{folders}*.parquet"
        )

    def _matches(self) -> list[str]:
        # What lies outside is not even looked for.
        fixed = "/".join(_fixed_part(self.target)) or "."
        start = fixed if glob.has_magic(self.target) else self.target
        inside(self.tree, self.name, self.target, [start], part="path")
        names = matches(self.folder, self.target)
        if len(names) > MOST:
            self._refuse(
                "SRC104",
                f"{shown(self.target)} matches more than {MOST:,} files",
                "write a narrower pattern",
            )
        if not names:
            self._not_found()
        return names

    def _not_found(self) -> NoReturn:
        if glob.has_magic(self.target):
            self._refuse(
                "SRC104",
                f"cannot read {shown(self.target)}: no file matches it",
                "check the pattern, it is relative to the tree's file; ** stands for any folders",
            )
        path = self.folder / self.target
        near: list[str] = []
        with suppress(OSError):
            there = [one.name for one in islice(path.parent.iterdir(), MOST)]
            prefix = self.target[: len(self.target) - len(path.name)]
            near = [
                shown(prefix + one)
                for one in Suggester(there).near(path.name)
                if one.endswith(tuple(KINDS))
            ]
        self._refuse(
            "SRC104",
            f"cannot read {shown(self.target)}: there is no such file",
            did_you_mean(near) or "check the path, it is relative to the tree's file",
        )

    def _check(self, path: Path, one: str, kind: str) -> None:
        """Refuse what is no file with something in it."""
        try:
            found = path.stat()  # tells why, where is_file() would only say no
        except FileNotFoundError:
            self._not_found()
        if not path.is_file():
            self._refuse(
                "SRC104",
                f"cannot read {shown(one, 200)}: it is no file",
                f"give one file, or a pattern such as {shown(one, 40)}/*.{kind}",
            )
        if not found.st_size:
            self._refuse(
                "SRC104",
                f"cannot read {shown(one, 200)}: it is empty",
                "a CSV file has at least a header; export it again",
            )
        with path.open("rb"):  # may be forbidden
            pass

    def _header(self, paths: list[Path], names: list[str]) -> tuple[str, tuple[str, ...]]:
        """Return the delimiter and the header of CSV files, the same in all of them."""
        found: tuple[str, tuple[str, ...]] | None = None
        for path, one in zip(paths, names, strict=True):
            why = None
            header: tuple[str, tuple[str, ...]] = ("", ())
            try:
                header = header_of(path, _DELIMITERS)
                counts = Counter(header[1])
                twice = [name for name, count in counts.items() if count > 1]
                why = f"names '{shown(twice[0])}' twice" if twice else None
            except csv.Error as error:
                why = f"cannot be read: {shown(error)}"
            if why is not None:
                self._refuse(
                    "SRC105",
                    f"the header of {shown(one, 200)} {why}",
                    "write the name of each column in the first line, no name twice",
                )
            if found is not None and header != found:
                _differ(self.tree, self.name, names[0], one, _difference(found[1], header[1]))
            found = found or header
        assert found is not None
        return found

    def _keys(self, names: list[str]) -> tuple[str, ...]:
        """Return the columns that the folders of Parquet files tell."""
        found = [tuple(name for name, _ in keys_of(one)) for one in names]
        for one, keys in zip(names, found, strict=True):
            if len(set(keys)) < len(keys):
                self._refuse(
                    "SRC104",
                    f"the folders of {shown(one, 200)} tell a column twice",
                    "give each column a folder of its own",
                )
            if keys != found[0]:
                _differ(self.tree, self.name, names[0], one, _difference(found[0], keys))
        if found[0] and "=" in str(self.folder.absolute()):
            self._refuse(
                "SRC104",
                f"the folders of {shown(self.target)} tell columns, and so would those above the "
                "tree, of which one has = in its name",
                "rename the folder that holds the tree",
            )
        return found[0]


def keys_of(name: str) -> Iterator[Key]:
    """Return the columns that the folders of a file tell, and their values.

    >>> list(keys_of("orders/year=2026/country=DE/part-0.parquet"))
    [('year', '2026'), ('country', 'DE')]
    """
    for folder in name.split("/")[:-1]:
        key, equals, value = folder.partition("=")
        if equals and key:
            yield unquote(key), None if value == DEFAULT else unquote(value)


def _fixed_part(target: str) -> Iterator[str]:
    """Return the folders of a path in front of the first pattern."""
    for part in target.split("/")[:-1]:
        if glob.has_magic(part):
            return
        yield part


def _difference(first: tuple[str, ...], other: tuple[str, ...]) -> str:
    """Say in what two lists of columns differ."""
    lost = [shown(name) for name in first if name not in other]
    more = [shown(name) for name in other if name not in first]
    if lost:
        return f"the second has no '{lost[0]}'"
    if more:
        return f"only the second has '{more[0]}'"
    return "their order, or what stands between them"
