"""Findings as SARIF 2.1.0, the format in which code hosts and editors take those of any tool.

The same findings give the same text: there is no time and no random id in it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from metrictree._version import __version__
from metrictree.diagnostics import Severity, visible
from metrictree.render.files import file_uri
from metrictree.render.manual import manual_markdown, manual_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metrictree.codes import Code
    from metrictree.diagnostics import Diagnostic, Span

__all__ = ["findings_sarif"]

_SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "note"}


def findings_sarif(
    findings: Sequence[Diagnostic],
    ignored: Sequence[tuple[Diagnostic, str]],
    manual: Mapping[str, Code],
) -> str:
    """Return findings as SARIF, in ASCII; ``ignored`` ones have the reason beside them.

    ``manual`` holds the page of every code that is found; pages of others are left out.
    """
    found = [*findings, *(one for one, _ in ignored)]
    codes = sorted({one.code for one in found})
    places = {code: place for place, code in enumerate(codes)}
    results = [_result(one, places) for one in findings]
    for one, reason in ignored:
        suppression = {"kind": "inSource", "status": "accepted", "justification": visible(reason)}
        results.append({**_result(one, places), "suppressions": [suppression]})
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "metrictree",
                        "version": __version__,
                        "rules": [_rule(manual[code]) for code in codes],
                    }
                },
                "invocations": [{"executionSuccessful": True}],
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }
    return json.dumps(log, indent=2)


def _rule(page: Code) -> dict[str, Any]:
    return {
        "id": page.code,
        "name": _camel(page.title),
        "shortDescription": {"text": page.title},
        "fullDescription": {"text": page.why.replace("`", "")},
        "help": {"text": manual_text(page), "markdown": manual_markdown(page)},
        "defaultConfiguration": {"level": _LEVELS[page.severity]},
    }


def _camel(title: str) -> str:
    """Return a title as one name.

    >>> _camel("A key stands twice")
    'AKeyStandsTwice'
    """
    words = "".join(character if character.isalnum() else " " for character in title).split()
    return "".join(word[0].upper() + word[1:] for word in words)


def _result(found: Diagnostic, places: Mapping[str, int]) -> dict[str, Any]:
    location: dict[str, Any] = {}
    if found.span is not None:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": file_uri(found.span.file)},
            "region": _region(found.span),
        }
    if found.path is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": visible(found.path)}]
    return {
        "ruleId": found.code,
        "ruleIndex": places[found.code],
        "level": _LEVELS[found.severity],
        "message": {"text": _message(found)},
        "locations": [location] if location else [],
        "properties": {
            "confidence": found.confidence.value if found.confidence else None,
            "metric": found.metric,
            "fix": found.fix,
            "evidence": [reason.to_dict() for reason in found.evidence],
        },
    }


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _message(found: Diagnostic) -> str:
    """Return the sentence, the reasons and the fix; by section 3.11 braces are written twice."""
    parts = [found.message, *(f"because {reason.text}" for reason in found.evidence)]
    text = "; ".join(parts)
    if found.fix is not None:
        text += f". Fix: {found.fix}"
    text = visible(text).replace("{", "{{").replace("}", "}}")
    if "](" in text:  # looks like a link
        text = text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return text
