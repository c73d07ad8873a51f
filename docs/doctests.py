"""Show the examples of docstrings as code; mkdocstrings loads this extension.

A docstring has its example as plain prompts, which Markdown would take for a quotation.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\n).*)*", re.MULTILINE)


class FencedExamples(griffe.Extension):
    """Put a fence around the prompts of every docstring."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of ``obj``."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(docstring: str) -> str:
    """Return ``docstring`` with a fence around every block of prompts."""
    return EXAMPLE.sub(lambda found: f"```pycon\n{found[0]}\n```", docstring)
