"""A test -> YAML text to paste below ``tests:``, from which the same test is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from metrictree import documents
from metrictree.schema import TestCase

__all__ = ["yaml_case"]

_VALUES: Final = frozenset(("given", "expect", "matrix"))
"""Fields in which a missing value is written as such; a row of a source has ``null``."""
_ORDER: Final = tuple(TestCase.model_fields)


def yaml_case(test: Mapping[str, Any]) -> str:
    """Return a test as an item of ``tests:``, numbers and short mappings as people write them.

    >>> print(yaml_case({"name": "no visits", "given": {"visits": 0.0}, "expect": {"rate": None}}))
      - name: no visits
        given: {visits: 0}
        expect: {rate: missing}
    """
    lines: list[str] = []
    for field in sorted(test, key=_ORDER.index):
        value = _plain(test[field], missing=field in _VALUES)
        inline = isinstance(value, (dict, list))
        lines += documents.dump({field: value}, inline=inline).splitlines()
    return "\n".join(("    " if position else "  - ") + line for position, line in enumerate(lines))


def _plain(value: Any, *, missing: bool = False) -> Any:
    """Return ``value`` made of what YAML has, ``None`` as ``missing`` where that is meant."""
    if isinstance(value, Mapping):
        return {key: _plain(item, missing=missing or key in _VALUES) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item, missing=missing) for item in value]
    return "missing" if value is None and missing else value
