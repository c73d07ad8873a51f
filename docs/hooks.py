"""Fill the manual with what the code itself knows; MkDocs calls the `on_...` functions.

A page asks for a table with a marker on a line of its own, such as ``<!-- limits-table -->``. The
pages of the diagnostic codes are made here and have no file.
"""

from __future__ import annotations

import ast
import inspect
import itertools
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

    from metrictree.codes import Code

DIAGNOSTICS = "reference/diagnostics"
DIAGNOSTICS_INDEX = f"{DIAGNOSTICS}/index.md"

# --- what MkDocs calls --------------------------------------------------------------------------


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the page of every code below the index of the diagnostics."""
    if not _extend(config.nav, [f"{DIAGNOSTICS}/{code}.md" for code in sorted(_codes())]):
        raise PluginError(f"mkdocs.yml: nav does not name {DIAGNOSTICS_INDEX}")
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for every code, and their index where docs/ has none."""
    pages = {f"{DIAGNOSTICS}/{name}.md": diagnostic_page(code) for name, code in _codes().items()}
    if files.get_file_from_path(DIAGNOSTICS_INDEX) is None:
        pages[DIAGNOSTICS_INDEX] = "# Diagnostics\n\n<!-- codes-table -->\n"
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Put every table in the place of its marker."""
    for marker, table in TABLES.items():
        comment = f"<!-- {marker} -->"
        if comment in markdown:
            markdown = markdown.replace(comment, table())
    if "-table -->" in markdown:
        raise PluginError(f"{page.file.src_uri}: there is a marker of an unknown table")
    return markdown


# --- pages and tables ---------------------------------------------------------------------------


def diagnostic_page(code: Code) -> str:
    """Return the manual page of one code."""
    return "\n\n".join(
        [
            f"# {code.code}: {code.title}",
            f"Severity: **{code.severity}**",
            code.why,
            "## Reported",
            _fence("yaml", code.bad),
            "## Accepted",
            _fence("yaml", code.good),
            "## What to do",
            code.fix + "\n",
        ]
    )


def codes_table() -> str:
    """Return one row for every diagnostic code."""
    return _table(
        ("code", "severity", "finding"),
        (
            (f"[{name}]({name}.md)", code.severity, code.title)
            for name, code in sorted(_codes().items())
        ),
    )


def limits_table() -> str:
    """Return one row for every published limit, with the words of its docstring."""
    from metrictree import limits

    documented = _attribute_docstrings(inspect.getsource(limits.Limits))
    return _table(
        ("limit", "default", "of what"),
        (
            (f"`{name}`", f"{getattr(limits.DEFAULT_LIMITS, name):,}", text)
            for name, text in documented
        ),
    )


def functions_table() -> str:
    """Return one row for every function of the formula language."""
    raise NotImplementedError  # made from the table in metrictree.formula.functions


def document_tables() -> str:
    """Return a table of fields for every block of a tree document."""
    raise NotImplementedError  # made from the models in metrictree.schema


TABLES: dict[str, Callable[[], str]] = {
    "codes-table": codes_table,
    "document-tables": document_tables,
    "functions-table": functions_table,
    "limits-table": limits_table,
}

# --- helpers ------------------------------------------------------------------------------------


def _codes() -> dict[str, Code]:
    from metrictree.codes import CODES

    return dict(CODES)


def _extend(nav: object, pages: list[str]) -> bool:
    """Append ``pages`` to the list that holds the index; tell whether it was found."""
    if isinstance(nav, dict):
        return any(_extend(entry, pages) for entry in nav.values())
    if not isinstance(nav, list):
        return False
    if DIAGNOSTICS_INDEX in nav:
        nav.extend(pages)
        return True
    return any(_extend(entry, pages) for entry in nav)


def _attribute_docstrings(source: str) -> Iterator[tuple[str, str]]:
    """Yield each annotated name of a class with the string that follows it."""
    (definition,) = ast.parse(inspect.cleandoc(source)).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for name, text in itertools.pairwise(body):
        match name, text:
            case (
                ast.AnnAssign(target=ast.Name(id=attribute)),
                ast.Expr(value=ast.Constant(value=str(docstring))),
            ):
                yield attribute, inspect.cleandoc(docstring)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _fence(language: str, text: str) -> str:
    # Longer than any fence inside.
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.strip(chr(10))}\n{fence}"
