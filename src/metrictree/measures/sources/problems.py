"""What is wrong with a source, in our words: what libraries say never reaches people as it is."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from metrictree.diagnostics import Diagnostic, shown
from metrictree.errors import MetricTreeError, MissingExtraError, SourceError
from metrictree.measures.cells import Damage, look_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrictree.measures.cells import File
    from metrictree.resolved import ResolvedTree

__all__ = ["missing", "reading", "refused"]

_PAST: Final = ("OutOfRangeException", "ArithmeticException", "NumericValueOutOfRange")
"""What libraries raise where a number is past what they can hold."""
_NO_WORDS: Final = re.compile(r"An error occurred while calling|JVM stacktrace|\s*at |\.\.\. ")
"""Lines of Spark's errors that say nothing."""
_PREFIX: Final = re.compile(r"^(?:Caused by: )?(?:[a-z]+\.)+[A-Za-z]+(?:Exception|Error): |^: ")
_PARTS: Final = ("path", "query", "table")


def refused(
    tree: ResolvedTree,
    name: str,
    code: str,
    message: str,
    fix: str,
    *,
    part: str = "",
) -> SourceError:
    """Return the error of a source, placed where the tree says what it reads."""
    spans = (tree.places.span(("sources", name, one)) for one in ([part] if part else _PARTS))
    span = next((span for span in spans if span is not None), None)
    span = span or tree.places.span(("sources", name), key=True)
    return SourceError([Diagnostic(code, message, span, path=f"sources.{name}", fix=fix)])


def missing(what: str, package: str, command: str) -> MissingExtraError:
    """Return the error of a package that is not installed."""
    message = f"{what} with {package}, which is not installed"
    return MissingExtraError([Diagnostic("SRC101", message, fix=command)])


@contextmanager
def reading(tree: ResolvedTree, name: str, origin: str, file: File | None = None) -> Iterator[None]:
    """Turn what a library has to say about a source into a SourceError.

    What Python itself raises is a mistake of ours, and passes.
    """
    try:
        yield
    except MetricTreeError:
        raise
    except BaseException as error:
        kind = type(error)
        if not isinstance(error, Exception) and kind.__name__ != "PanicException":
            raise  # Polars panics with no Exception
        if kind.__module__ == "builtins" and not isinstance(error, OSError):
            raise
        if any(one.__name__ in _PAST for one in kind.__mro__):
            message = (
                f"a number of the source '{shown(name)}' is past what {_library(kind)} can hold"
            )
            advice = "aggregate in a larger unit, for example sum(x / 1000)"
            raise refused(tree, name, "SRC112", message, advice) from None
        damage: Damage | set[str] = set()
        if file is not None:
            with suppress(OSError):  # then the library says why
                damage = look_at(file)
        if isinstance(damage, Damage):
            raise refused(tree, name, "SRC105", shown(damage.message, 300), damage.fix) from None
        message = f"the source '{shown(name)}' cannot be read: {shown(_sentence(error), 300)}"
        source = tree.spec.sources[name]
        if source.path is not None:
            advice = f"check {shown(origin)}, or export it again"
            raise refused(tree, name, "SRC105", message, advice) from None
        advice = f"check the {shown(origin)}"
        raise refused(tree, name, "SRC119", message, advice) from None


def _library(kind: type[BaseException]) -> str:
    package = kind.__module__.partition(".")[0].strip("_")
    known = {"duckdb": "DuckDB", "pyspark": "Spark", "polars": "Polars"}
    return known.get(package, "the database")


def _sentence(error: BaseException) -> str:
    """Return the line of an error that says most: of Spark's, that of its innermost cause."""
    lines = [line.strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line and not _NO_WORDS.match(line)]
    causes = [line for line in lines if line.startswith("Caused by: ")]
    line = next(iter([*causes[-1:], *lines]), type(error).__name__)
    return _PREFIX.sub("", line)
