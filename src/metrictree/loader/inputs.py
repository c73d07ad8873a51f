"""A file of inputs -> its numbers, and where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metrictree.diagnostics import Diagnostic, shown
from metrictree.documents import Document, Surprise
from metrictree.errors import DefinitionError
from metrictree.limits import DEFAULT_LIMITS, Limits
from metrictree.loader.files import Files
from metrictree.schema_errors import kind_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load_inputs"]


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
