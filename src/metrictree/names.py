"""Words that are no names, the nearest names to one that is not known, and names of files.

Imports nothing from the package.
"""

from __future__ import annotations

from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["RESERVED", "TEST_FILE_ENDINGS", "Suggester", "did_you_mean"]

RESERVED: Final = frozenset(("and", "or", "not", "in", "if", "else", "true", "false", "null"))
"""Words of the formula language, which are not ids."""

TEST_FILE_ENDINGS: Final = (".metrictest.yml", ".metrictest.yaml")
"""How the names of files end that hold tests beside their tree."""

_SEARCHES = 20
_CANDIDATES = 2_000


class Suggester:
    """Finds the names that a wrong one may have meant; gives up after some searches.

    A document may hold thousands of wrong names against thousands of right ones: only the first
    searches are made, and each compares with the names that share a beginning or an end.

    >>> (
    ...     Suggester(["weekly_buyers", "NS101"]).near("weekly-buyer"),
    ...     Suggester(["NS101"]).near("ns11"),
    ... )
    (['weekly_buyers'], ['NS101'])
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._left = _SEARCHES

    def near(self, wrong: str) -> list[str]:
        """Return up to three names, the nearest first; none when none is near."""
        if self._left <= 0 or not 0 < len(wrong) <= 128:
            return []
        self._left -= 1
        wrong = wrong.lower().replace("-", "_").replace(" ", "_")
        names: Collection[str] = self._names
        if len(names) > _CANDIDATES:
            head, tail = wrong[:3], wrong[-3:]
            alike = (
                name
                for name in names
                if abs(len(name) - len(wrong)) <= 3
                and (name.lower().startswith(head) or name.lower().endswith(tail))
            )
            names = list(islice(alike, _CANDIDATES))
        lowered = {name.lower(): name for name in names}
        return [lowered[name] for name in get_close_matches(wrong, lowered, 3, 0.7)]


def did_you_mean(near: list[str]) -> str | None:
    """Return the question that offers ``near``, or ``None`` when nothing is near.

    >>> did_you_mean(["visits", "visitors"])
    'did you mean visits or visitors?'
    """
    return f"did you mean {' or '.join(near)}?" if near else None
