"""The manual page of a rule, read from its docstring and its options."""

from __future__ import annotations

import inspect
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Final

from metrictree.codes import CODES, Code

if TYPE_CHECKING:
    from metrictree.lint.rule import Rule

__all__ = ["manual", "pages"]

_SECTIONS: Final = ("Why", "Reported", "Accepted", "What to do", "Source")
_FENCE: Final = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


@cache
def manual(rule: type[Rule]) -> Code:
    """Return the manual page of a rule.

    >>> from metrictree.lint.rules import RULES
    >>> manual(RULES["NS101"]).title
    'Based on revenue'
    """
    text = inspect.getdoc(rule) or ""
    summary, *parts = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
    sections = dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))
    if tuple(sections) != _SECTIONS:
        raise TypeError(f"{rule.__name__}: its docstring must have the sections {_SECTIONS}")
    defaults = rule().model_dump(mode="json")
    return Code(
        rule.code,
        rule.title,
        rule.severity,
        f"{summary.strip()}\n\n{sections['Why']}",
        _example(sections["Reported"]),
        _example(sections["Accepted"]),
        sections["What to do"],
        source=sections["Source"],
        options=tuple(
            (name, json.dumps(defaults[name]), field.description or "")
            for name, field in rule.model_fields.items()
        ),
    )


def pages() -> dict[str, Code]:
    """Return the page of every code: of rules, and of mistakes of a document.

    >>> pages()["NS101"].title, pages()["GRA101"].title
    ('Based on revenue', 'Unknown metric')
    """
    from metrictree.lint.rules import RULES

    return {**{code: manual(rule) for code, rule in RULES.items()}, **CODES}


def _example(section: str) -> str:
    found = _FENCE.search(section)
    if found is None:
        raise TypeError("an example stands in a fence of yaml")
    return found.group(1)
