"""What was found in a tree without a test, each with a test to paste, as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from metrictree.render.findings import counted, headed, note, place, quoted
from metrictree.render.style import PLAIN, Style

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metrictree.testing.generated import Generated

__all__ = ["generated_json", "render_generated"]


def render_generated(found: Sequence[Generated], metrics: int, style: Style = PLAIN) -> str:
    """Return findings with their tests, and a last line with their number.

    >>> from metrictree import MetricTree
    >>> from metrictree.testing.generated import generate
    >>> tree = MetricTree(
    ...     north_star="rate",
    ...     metrics={"rate": "orders / visits", "orders": None, "visits": {"range": [1, None]}},
    ... )
    >>> print(render_generated(generate(tree.resolved), 3))
    nothing found in 3 metrics
    """
    blocks = ["\n".join(_lines(one, style)) for one in found]
    many = counted(len(found), "finding") if found else "nothing found"
    return "\n\n".join([*blocks, f"{many} in {counted(metrics, 'metric')}"])


def _lines(one: Generated, style: Style) -> Iterator[str]:
    yield headed(place(one.span, style), "found:", one.message, "yellow", style)
    gutter, lines = quoted(one.span, style, "yellow")
    yield from lines
    indent = f"{gutter} " if gutter else " "
    yield from note("fix", one.fix, indent, style)
    yield indent + style.paint("= as a test:", "bold")
    # In full lines and as far in as below `tests:`, to be pasted.
    yield from map(style.show, one.test.rstrip().split("\n"))


def generated_json(found: Sequence[Generated]) -> str:
    """Return findings as a JSON list, in ASCII."""
    told = [
        {
            "metric": one.metric,
            "message": one.message,
            "fix": one.fix,
            "test": one.test,
            "file": one.span.file if one.span else None,
            "line": one.span.line if one.span else None,
            "column": one.span.column if one.span else None,
        }
        for one in found
    ]
    return json.dumps(told, indent=2)
