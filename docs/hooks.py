"""Fill the manual with what the code itself knows; MkDocs calls the `on_...` functions.

A page asks for a table with a marker on a line of its own, such as ``<!-- limits-table -->``. The
pages of the diagnostic codes are made here and have no file; what they print, their examples have
just printed. Tests import this module too, where MkDocs may not be installed.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import itertools
import re
import tempfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

    from metrictree.codes import Code
    from metrictree.diagnostics import Diagnostic

DIAGNOSTICS = "reference/diagnostics"
DIAGNOSTICS_INDEX = f"{DIAGNOSTICS}/index.md"
RULES_INDEX = "rules/index.md"
DAY = date(2026, 3, 31)
"""The day by which the examples of rules are judged."""

FAMILIES = {
    "DOC": "the text of a document",
    "SCH": "what a document may hold",
    "INC": "files and includes",
    "FML": "formulas, aggregates and `where`",
    "GRA": "references and the graph",
    "VAL": "inputs, targets and values",
    "SRC": "sources and measures",
    "TST": "tests of definitions",
}
"""What the codes of each family are about."""

RULE_FAMILIES = {
    "NS": "the North Star",
    "IM": "input metrics",
    "UNI": "units",
    "LNT": "what the tree says of rules",
}
"""What the rules of each family are about."""

# --- what MkDocs calls --------------------------------------------------------------------------


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the page of every code below the index of the diagnostics, and that of every rule."""
    for index, pages in (
        (DIAGNOSTICS_INDEX, [f"{DIAGNOSTICS}/{code}.md" for code in _codes()]),
        (RULES_INDEX, [f"rules/{code}.md" for code in _rules()]),
    ):
        if not _extend(config.nav, index, pages):
            from mkdocs.exceptions import PluginError

            raise PluginError(f"mkdocs.yml: nav does not name {index}")
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for every code and for every rule."""
    from mkdocs.structure.files import File

    for name, code in _codes().items():
        path = f"{DIAGNOSTICS}/{name}.md"
        files.append(File.generated(config, path, content=diagnostic_page(code)))
    for name, code in _rules().items():
        files.append(File.generated(config, f"rules/{name}.md", content=rule_page(code)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Put every table in the place of its marker."""
    for marker, table in TABLES.items():
        comment = f"<!-- {marker} -->"
        if comment in markdown:
            markdown = markdown.replace(comment, table())
    if "-table -->" in markdown:
        from mkdocs.exceptions import PluginError

        raise PluginError(f"{page.file.src_uri}: there is a marker of an unknown table")
    return markdown


# --- pages and tables ---------------------------------------------------------------------------


def diagnostic_page(code: Code) -> str:
    """Return the manual page of one code."""
    from metrictree.render.findings import render_diagnostics
    from metrictree.render.manual import manual_markdown

    told = [found for found in findings(code, code.bad) if found.code == code.code]
    return manual_markdown(code, render_diagnostics(told))


def rule_page(code: Code) -> str:
    """Return the manual page of one rule; what it says is broken as on a terminal."""
    from metrictree.render.findings import render_diagnostics
    from metrictree.render.manual import manual_markdown
    from metrictree.render.style import Style

    told = render_diagnostics(rule_findings(code, code.bad), Style(width=80))
    return manual_markdown(code, told)


def rule_findings(code: Code, example: str) -> list[Diagnostic]:
    """Return what one rule says about an example, on the day of the examples."""
    from metrictree import MetricTree

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("tree.yml").write_text(example, encoding="utf-8")
        report = MetricTree.load("tree.yml").lint(today=DAY)
        return [found for found in report if found.code == code.code]


def findings(code: Code, example: str) -> list[Diagnostic]:
    """Return what is said about an example of a code, in an empty folder."""
    from metrictree import MetricTree, MetricTreeError, parse_formula
    from metrictree.testing.collect import collect

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        try:
            if code.shown_by == "formula":
                parse_formula(example)
                return []
            if code.shown_by == "python":
                exec(compile(example, code.code, "exec"), {})  # noqa: S102 - our own manual
                return []
            for name, text in _files(example).items():
                Path(name).parent.mkdir(exist_ok=True)
                Path(name).write_text(text, encoding="utf-8")
            tree = MetricTree.load("tree.yml")
            return list(collect(tree.resolved).problems)
        except MetricTreeError as error:
            return list(error.diagnostics)


def _files(example: str) -> dict[str, str]:
    """Return the files of an example by name; without names there is one."""
    pieces = re.split(r"^# file: (.*)\n", example, flags=re.MULTILINE)
    names, texts = pieces[1::2], pieces[2::2]
    return dict(zip(names, texts, strict=True)) or {"tree.yml": example}


def codes_table() -> str:
    """Return the diagnostic codes, a heading and a table for each family."""
    parts = []
    for family, about in FAMILIES.items():
        rows = [
            (f"[{name}]({name}.md)", code.severity, code.title)
            for name, code in sorted(_codes().items())
            if name.startswith(family)
        ]
        parts.append(f"## {family}: {about}\n\n" + _table(("code", "severity", "finding"), rows))
    return "\n\n".join(parts)


def rules_table() -> str:
    """Return the rules, a heading and a table for each family."""
    parts = []
    for family, about in RULE_FAMILIES.items():
        rows = [
            (f"[{name}]({name}.md)", code.severity, code.title)
            for name, code in sorted(_rules().items())
            if name.startswith(family)
        ]
        parts.append(f"### {family}: {about}\n\n" + _table(("code", "severity", "finding"), rows))
    return "\n\n".join(parts)


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


def functions_table(*, over_time: bool = False) -> str:
    """Return one row for every function of formulas: those on one period, or those over time."""
    from metrictree.formula import FUNCTIONS

    return _table(
        ("function", "value", "also missing where"),
        (
            (f"`{known.name}({known.parameters})`", known.summary, known.missing)
            for known in FUNCTIONS.values()
            if known.over_time is over_time
        ),
    )


def aggregates_table() -> str:
    """Return one row for every aggregate of a measure."""
    from metrictree.formula import AGGREGATES

    return _table(
        ("aggregate", "value", "of a period without rows"),
        (
            (f"`{known.name}({known.parameters})`", known.summary, known.empty)
            for known in AGGREGATES.values()
        ),
    )


def precedence_table() -> str:
    """Return the operators, those that bind tightest first."""
    from metrictree.formula.operators import PRECEDENCE

    written = {
        "neg": "`-x`",
        "not": "`not x`",
        "if": "`a if condition else b`",
        "compare": "`==` `!=` `<` `<=` `>` `>=`",
    }
    several = {"**": "from the right", "compare": "as a chain", "if": "from the right"}
    levels: dict[int, list[str]] = {}
    for name, level in sorted(PRECEDENCE.items(), key=lambda item: -item[1]):
        levels.setdefault(level, []).append(name)
    return _table(
        ("operators", "several of them are read"),
        (
            (
                " ".join(written.get(name, f"`{name}`") for name in names),
                next(
                    (several[name] for name in names if name in several),
                    "" if names[0] in ("neg", "not") else "from the left",
                ),
            )
            for names in levels.values()
        ),
    )


def document_tables() -> str:
    """Return a table of fields for every block of a tree document."""
    from metrictree import json_schema

    schema = json_schema()
    blocks = {"TreeSpec": schema, "TestFile": json_schema("tests"), **schema["$defs"]}
    parts = []
    for model, heading in BLOCKS.items():
        forms = blocks[model].get("anyOf", [blocks[model]])
        block = forms[-1]
        parts += [f"### {heading}", block["description"]]
        if short := [form["description"] for form in forms[:-1]]:
            kinds = (_kind(form) for form in forms[:-1])
            parts.append(
                "In place of the fields: "
                + "; ".join(f"{kind}, {text}" for kind, text in zip(kinds, short, strict=True))
                + "."
            )
        required = block.get("required", ())
        parts.append(
            _table(
                ("field", "holds", "if absent", "meaning"),
                (
                    (
                        f"`{name}`",
                        _kind(field),
                        "**required**" if name in required else _default(field),
                        field["description"],
                    )
                    for name, field in block["properties"].items()
                ),
            )
        )
    return "\n\n".join(parts)


def dialects_table() -> str:
    """Return what each dialect of SQL cannot do."""
    from metrictree.engines.sql.dialects import DIALECTS

    return _table(
        ("dialect", "past float64", "`%`", "dots in names"),
        (
            (
                f"`{dialect.name}`",
                "NULL" if dialect.infinite else "an error of the database",
                "yes" if dialect.remainder else "no",
                "yes" if dialect.dots else "written `__`",
            )
            for dialect in DIALECTS.values()
        ),
    )


BLOCKS = {
    "TreeSpec": "The document",
    "NorthStar": "`north_star`",
    "Attestation": "An entry of `north_star.attestations`",
    "Review": "`north_star.review`",
    "HistoryEntry": "An entry of `north_star.history`",
    "Metric": "A metric",
    "Target": "`target` of a metric",
    "Display": "`display` of a metric",
    "Measure": "`measure` of a metric",
    "Source": "A source",
    "Influence": "An influence",
    "Lint": "`lint`",
    "TestCase": "A test",
    "TestRow": "An entry of `cases` of a test",
    "Tolerance": "`tolerance` of a test",
    "TestFile": "A file of tests",
}
"""The models of the schema in the order of the manual, with their headings."""

TABLES: dict[str, Callable[[], str]] = {
    "aggregates-table": aggregates_table,
    "diagnostics-table": codes_table,
    "dialects-table": dialects_table,
    "document-tables": document_tables,
    "functions-table": functions_table,
    "limits-table": limits_table,
    "over-time-table": functools.partial(functions_table, over_time=True),
    "precedence-table": precedence_table,
    "rules-table": rules_table,
}

# --- helpers ------------------------------------------------------------------------------------


def _codes() -> dict[str, Code]:
    from metrictree.codes import CODES

    return dict(CODES)


def _rules() -> dict[str, Code]:
    from metrictree.lint.manual import manual
    from metrictree.lint.rules import RULES

    return {code: manual(rule) for code, rule in RULES.items()}


def _extend(nav: object, index: str, pages: list[str]) -> bool:
    """Append ``pages`` to the list that holds the index; tell whether it was found."""
    if isinstance(nav, dict):
        return any(_extend(entry, index, pages) for entry in nav.values())
    if not isinstance(nav, list):
        return False
    if index in nav:
        nav.extend(pages)
        return True
    return any(_extend(entry, index, pages) for entry in nav)


def _kind(field: dict[str, Any]) -> str:
    """Return in words what a part of the JSON Schema accepts."""
    if "anyOf" in field:
        kinds = [_kind(form) for form in field["anyOf"] if form.get("type") != "null"]
        return " or ".join(kinds)
    if "$ref" in field:
        heading = BLOCKS[field["$ref"].rpartition("/")[2]]
        name = heading.partition(" of ")[0].replace("`", "").rpartition(".")[2].lower()
        return f"[{name}](#{anchor_of(heading)})"
    if "const" in field or "enum" in field:
        return ", ".join(f"`{choice}`" for choice in field.get("enum") or [field["const"]])
    match field.get("type"):
        case "array":
            return "`[low, high]`" if "maxItems" in field else f"list of {_several(field['items'])}"
        case "object":
            patterns = field.get("patternProperties", {})
            inner = next(iter(patterns.values()), field.get("additionalProperties"))
            keys = {"": "names", "^[A-Z]": "codes of rules", "^[a-z]": "metric ids"}[
                next(iter(patterns), "")[:6]
            ]
            if "enum" in field.get("propertyNames", {}):
                keys = "criteria"
            return f"mapping of {keys} to {_several(inner if isinstance(inner, dict) else {})}"
        case "string" if field.get("format") == "date":
            return "date"
        case "string" if "pattern" in field:
            return "metric id" if "maxLength" in field else "code of a rule"
        case "integer":
            return f"whole number from {field['minimum']:,} to {field['maximum']:,}"
        case kind:
            return {"string": "text", "number": "number", "null": "nothing", None: "anything"}[kind]


def _several(field: dict[str, Any]) -> str:
    one = _kind(field)
    one = re.sub(r"^\[an? (\w+)", lambda found: f"[{found[1]}s", one).replace("entrys", "entries")
    words = {"text": "texts", "metric id": "metric ids", "code of a rule": "codes of rules"}
    return words.get(one, one.replace("mapping of", "mappings of", 1))


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    return "" if default in (None, [], {}) else f"`{default}`"


def anchor_of(heading: str) -> str:
    """Return the anchor that MkDocs gives a heading."""
    words = re.sub(r"[^\w\s-]", "", heading.lower())
    return re.sub(r"[-\s]+", "-", words.strip())


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
