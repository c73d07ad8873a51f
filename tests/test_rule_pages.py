"""The manual pages of rules: what `metrictree rule` and the manual say is so."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from docs.hooks import RULE_FAMILIES, rule_findings, rule_page, rules_table
from metrictree import MetricTree
from metrictree.cli.program import program
from metrictree.codes import CODES
from metrictree.lint.manual import manual, pages
from metrictree.lint.rules import RULES
from metrictree.render.manual import manual_data, manual_markdown, manual_text
from metrictree.render.style import Style

if TYPE_CHECKING:
    from click.testing import Result

PAGES = {code: manual(rule) for code, rule in RULES.items()}


def rule(*arguments: str) -> Result:
    return CliRunner().invoke(
        program, ["rule", *arguments], prog_name="metrictree", catch_exceptions=False
    )


@pytest.mark.parametrize("code", PAGES)
def test_the_reported_example_of_a_rule_gives_its_finding(code: str) -> None:
    found = rule_findings(PAGES[code], PAGES[code].bad)
    assert found
    assert PAGES[code].severity in {one.severity for one in found}
    assert all(one.fix for one in found)


@pytest.mark.parametrize("code", PAGES)
def test_the_accepted_example_of_a_rule_does_not(code: str) -> None:
    assert rule_findings(PAGES[code], PAGES[code].good) == []


@pytest.mark.parametrize("code", PAGES)
def test_the_page_of_the_manual_shows_what_is_said_about_the_example(code: str) -> None:
    page = rule_page(PAGES[code])
    sections = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert [name for name in sections if name != "Options"] == [
        "Reported",
        "Accepted",
        "What to do",
        "Source",
    ]
    assert re.search(rf"^tree\.yml:\d+:\d+: \w+ {code}: ", page, re.MULTILINE)


@pytest.mark.parametrize("code", [code for code, page in PAGES.items() if page.options])
def test_the_options_of_a_page_can_be_set_as_it_says(code: str) -> None:
    page = manual_markdown(PAGES[code])
    (example,) = re.findall(r"```yaml\n(lint:\n.*?)```", page, re.DOTALL)
    tree = MetricTree.from_yaml(f"north_star: a\nmetrics: {{a: b * 2, b: }}\n{example}")
    assert [found.code for found in tree.lint(select=["LNT102"])] == []
    for name, default, meaning in PAGES[code].options:
        assert f"| `{name}` | `{default}` | {' '.join(meaning.split())} |" in page
        assert f"- {name} (default {default}): " in " ".join(manual_text(PAGES[code]).split())


@pytest.mark.parametrize("code", pages())
def test_a_page_fits_a_narrow_terminal_but_for_examples(code: str) -> None:
    page = pages()[code]
    text = manual_text(page, Style(width=60))
    examples = {f"  {line}".rstrip() for line in (page.bad + page.good).splitlines()}
    for line in text.splitlines():
        assert len(line) <= 60 or line in examples or " " not in line.strip()


def test_every_rule_belongs_to_a_family_and_stands_in_the_table() -> None:
    table = rules_table()
    for code in RULES:
        assert re.match("[A-Z]+", code)[0] in RULE_FAMILIES  # type: ignore[index]
        assert f"| [{code}]({code}.md) | {PAGES[code].severity} | {PAGES[code].title} |" in table


def test_no_code_has_two_pages() -> None:
    assert RULES.keys().isdisjoint(CODES)
    assert pages().keys() == RULES.keys() | CODES.keys()


# --- the verb


def test_without_a_code_all_rules_are_listed() -> None:
    result = rule()
    assert result.exit_code == 0
    listed = [line.split()[0] for line in result.stdout.splitlines() if line[:1].isupper()]
    assert listed == list(RULES)


def test_a_rule_and_a_mistake_are_explained() -> None:
    result = rule("NS101", "gra101")
    assert result.exit_code == 0
    assert result.stdout.startswith("NS101: Based on revenue (error)\n")
    assert "\n\n\nGRA101: Unknown metric (error)\n" in result.stdout


def test_a_page_is_data_and_markdown_too() -> None:
    (page,) = json.loads(rule("NS101", "--format", "json").stdout)
    assert page == json.loads(json.dumps(manual_data(PAGES["NS101"])))
    assert page["reported"] == PAGES["NS101"].bad
    assert rule("NS101", "--format", "markdown").stdout == manual_markdown(PAGES["NS101"])
    assert len(json.loads(rule("--format", "json").stdout)) == len(RULES)


def test_an_unknown_code_is_told_with_the_nearest() -> None:
    result = rule("NS11O")
    assert result.exit_code == 2
    assert "There is no rule 'NS11O': did you mean NS11" in result.stderr
    assert "`metrictree rule` lists all." in rule("weather").stderr
