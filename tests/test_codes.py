"""The manual of the diagnostic codes tells the truth, and the whole of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import metrictree
from docs.hooks import FAMILIES, findings
from metrictree.codes import CODES, Code

PACKAGE = Path(metrictree.__file__).parent
REPORTED = re.compile(rf'"((?:{"|".join(FAMILIES)})[0-9]{{3}})"')


def named_in_the_source() -> set[str]:
    return {
        code
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "codes"
        for code in REPORTED.findall(path.read_text(encoding="utf-8"))
    }


def test_every_code_that_the_source_reports_has_its_entry() -> None:
    assert named_in_the_source() - CODES.keys() == set()


def test_every_entry_is_reported_somewhere() -> None:
    assert CODES.keys() - named_in_the_source() == set()


def test_entries_stand_in_the_order_of_families_and_numbers() -> None:
    families = list(FAMILIES)
    order = sorted(CODES, key=lambda code: (families.index(code[:3]), code))
    assert list(CODES) == order


def test_every_entry_is_found_by_its_own_code() -> None:
    assert {name: code.code for name, code in CODES.items()} == {name: name for name in CODES}


def test_no_two_codes_have_the_same_title() -> None:
    titles = [code.title for code in CODES.values()]
    assert sorted(titles) == sorted(set(titles))


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_the_bad_example_gives_the_finding_and_no_other(code: Code) -> None:
    found = findings(code, code.bad)
    expected = {code.code} if code.comes_with is None else {code.code, code.comes_with}
    assert {one.code for one in found} == expected
    (itself,) = [one for one in found if one.code == code.code]
    assert itself.severity == code.severity
    assert itself.fix


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_the_good_example_gives_no_finding(code: Code) -> None:
    assert findings(code, code.good) == []


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_an_entry_is_written_in_sentences(code: Code) -> None:
    for text in (code.why, code.fix):
        assert re.match(r"[A-Z`]", text)
        assert text.endswith(".")
    assert not code.title.endswith(".")
