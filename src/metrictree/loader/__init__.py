"""Files and includes -> one `TreeSpec`, and where all stands: the only reader of tree files."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from metrictree.diagnostics import Diagnostic, shown
from metrictree.documents import Document, Surprise
from metrictree.errors import DefinitionError
from metrictree.limits import DEFAULT_LIMITS, Limits
from metrictree.loader.files import Files, check_size, is_relative, too_large
from metrictree.loader.history import load_history
from metrictree.loader.loading import Loaded, Loading
from metrictree.loader.places import Places
from metrictree.schema_errors import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = [
    "Loaded",
    "Places",
    "is_relative",
    "load_data",
    "load_file",
    "load_history",
    "load_inputs",
    "load_text",
    "quiet_collector",
]


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
        loading = Loading(Places(document), limits, document)
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
    document = Files(limits).read(path, str(path))
    data, problems = document.data, list(document.problems)
    if not isinstance(data, dict) and not problems:
        problems.append(
            Diagnostic(
                "SCH103",
                f"a file of inputs is a mapping, not {kind_of(data)}",
                document.span(()),
                fix="write one `metric: number` in each line",
            )
        )
    for metric, given in data.items() if isinstance(data, dict) else ():
        if given is not None and (isinstance(given, bool) or not isinstance(given, (int, float))):
            why = ", not a number"
            if isinstance(given, Surprise):
                why = f" without quotes: {given.meaning}"
            problems.append(
                Diagnostic(
                    "VAL104",
                    f"the input '{shown(metric)}' is {kind_of(given)}{why}",
                    document.span((metric,)),
                    metric=metric,
                    fix="give a number in plain digits, or null for missing",
                )
            )
    if problems:
        raise DefinitionError(problems)
    return document
