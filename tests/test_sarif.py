"""SARIF is what version 2.1.0 of the format asks for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from metrictree import Diagnostic, MetricTree, Severity, Span
from metrictree.diagnostics import Confidence, Evidence
from metrictree.lint.manual import pages
from metrictree.render.files import file_name, file_uri
from metrictree.render.sarif import findings_sarif

if TYPE_CHECKING:
    from pathlib import Path

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
NUMBER = {"type": "integer", "minimum": 1}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "tool": {"$ref": "#/$defs/tool"},
                    "invocations": {"type": "array", "items": {"$ref": "#/$defs/invocation"}},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
                },
            },
        },
    },
    "$defs": {
        "tool": {
            "type": "object",
            "required": ["driver"],
            "properties": {
                "driver": {
                    "type": "object",
                    "required": ["name"],
                    "additionalProperties": False,
                    "properties": {
                        "name": {"type": "string"},
                        "version": {"type": "string"},
                        "rules": {
                            "type": "array",
                            "uniqueItems": True,
                            "items": {"$ref": "#/$defs/rule"},
                        },
                    },
                }
            },
        },
        "invocation": {
            "type": "object",
            "required": ["executionSuccessful"],
            "properties": {"executionSuccessful": {"type": "boolean"}},
        },
        "rule": {
            "type": "object",
            "required": ["id"],
            "additionalProperties": False,
            "properties": {
                "id": {"type": "string"},
                "name": {"type": "string"},
                "shortDescription": TEXT,
                "fullDescription": TEXT,
                "help": TEXT,
                "defaultConfiguration": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"level": LEVEL},
                },
            },
        },
        "result": {
            "type": "object",
            "required": ["message"],
            "additionalProperties": False,
            "properties": {
                "ruleId": {"type": "string"},
                "ruleIndex": {"type": "integer", "minimum": 0},
                "level": LEVEL,
                "message": TEXT,
                "locations": {"type": "array", "items": {"$ref": "#/$defs/location"}},
                "suppressions": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["kind"],
                        "additionalProperties": False,
                        "properties": {
                            "kind": {"enum": ["inSource", "external"]},
                            "status": {"enum": ["accepted", "underReview", "rejected"]},
                            "justification": {"type": "string"},
                        },
                    },
                },
                "properties": {"type": "object"},
            },
        },
        "location": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "physicalLocation": {
                    "type": "object",
                    "required": ["artifactLocation"],
                    "properties": {
                        "artifactLocation": {
                            "type": "object",
                            "properties": {"uri": {"type": "string", "format": "uri-reference"}},
                        },
                        "region": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {
                                "startLine": NUMBER,
                                "startColumn": NUMBER,
                                "endLine": NUMBER,
                                "endColumn": NUMBER,
                            },
                        },
                    },
                },
                "logicalLocations": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"fullyQualifiedName": {"type": "string"}},
                    },
                },
            },
        },
    },
}
"""What the standard says of the parts that are written here."""

TREE = """\
north_star: mrr
metrics:
  mrr: {unit: USD/month, label: MRR, ignore: {NS110: The board knows}}
lint: {ignore: {NS11: Later}}
"""


def sarif(findings: list[Diagnostic], ignored: list[tuple[Diagnostic, str]] | None = None) -> Any:
    log = json.loads(findings_sarif(findings, ignored or [], pages()))
    jsonschema.validate(log, SCHEMA)
    (run,) = log["runs"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    return run


def of_tree(text: str) -> Any:
    report = MetricTree.from_yaml(text).lint()
    return sarif(list(report), [(entry.finding, entry.reason) for entry in report.suppressed])


def test_a_log_of_nothing_is_a_log() -> None:
    run = sarif([])
    assert run["results"] == []
    assert run["tool"]["driver"]["name"] == "metrictree"
    assert run["columnKind"] == "unicodeCodePoints"


def test_findings_of_rules_have_their_page_and_their_evidence() -> None:
    run = of_tree(TREE)
    revenue = next(one for one in run["results"] if one["ruleId"] == "NS101")
    assert revenue["level"] == "error"
    assert revenue["properties"]["confidence"] == "declared"
    assert revenue["properties"]["metric"] == "mrr"
    assert revenue["properties"]["evidence"][0]["metric"] == "mrr"
    assert revenue["locations"][0]["physicalLocation"]["region"]["startLine"] == 3
    rule = run["tool"]["driver"]["rules"][revenue["ruleIndex"]]
    assert rule["name"] == "BasedOnRevenue"
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert rule["help"]["markdown"].startswith("# NS101: Based on revenue\n")


def test_what_the_tree_ignores_is_suppressed_with_its_reason() -> None:
    reasons = {
        result["ruleId"]: result["suppressions"][0]["justification"]
        for result in of_tree(TREE)["results"]
        if "suppressions" in result
    }
    assert reasons["NS110"] == "Later" or reasons["NS110"] == "The board knows"
    assert reasons["NS114"] == "Later"
    assert "NS101" not in reasons


def test_every_page_of_the_manual_makes_a_rule() -> None:
    findings = [Diagnostic(code, "x", fix="y") for code in pages()]
    rules = sarif(findings)["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted(pages())
    assert all(rule["name"].isalnum() for rule in rules)


@pytest.mark.parametrize(
    ("severity", "level"),
    [(Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.ADVICE, "note")],
)
def test_a_severity_is_a_level(severity: Severity, level: str) -> None:
    (result,) = sarif([Diagnostic("NS101", "x", severity=severity)])["results"]
    assert result["level"] == level


def test_places_are_regions_counted_from_1() -> None:
    span = Span("teams/büro & co.yml", 3, 5, 4, 2)
    (result,) = sarif([Diagnostic("NS101", "x", span, path="metrics.mrr")])["results"]
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "teams/b%C3%BCro%20%26%20co.yml"},
                "region": {"startLine": 3, "startColumn": 5, "endLine": 4, "endColumn": 2},
            },
            "logicalLocations": [{"fullyQualifiedName": "metrics.mrr"}],
        }
    ]
    assert sarif([Diagnostic("NS101", "x")])["results"][0]["locations"] == []


def test_a_message_has_no_placeholders_and_no_links() -> None:
    evidence = (Evidence("see [this](http://x)"),)
    found = Diagnostic(
        "NS101", "write {unit: USD}", fix="or {0}", confidence=Confidence.NAMED, evidence=evidence
    )
    (result,) = sarif([found])["results"]
    assert result["message"]["text"] == (
        r"write {{unit: USD}}; because see \[this\](http://x). Fix: or {{0}}"
    )


def test_the_same_findings_give_the_same_text() -> None:
    findings = list(MetricTree.from_yaml(TREE).lint())
    assert findings_sarif(findings, [], pages()) == findings_sarif(findings, [], pages())


def test_files_are_named_from_the_current_folder_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert file_name(str(tmp_path / "a" / "b.yml")) == "a/b.yml"
    assert file_name("./a/../b.yml") == "b.yml"
    assert file_name("../b.yml") == "../b.yml"
    assert file_uri("a b/100%.yml") == "a%20b/100%25.yml"
    assert file_uri(str(tmp_path.parent / "x.yml")).startswith("file:///")
