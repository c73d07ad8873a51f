"""Plain data -> YAML text that the reader reads back to the same data."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final

import yaml

from metrictree.documents.scalars import REFUSED, read_scalar

__all__ = ["dump"]

_TAGS: Final = {type(None): "null", bool: "bool", int: "int", float: "float", date: "timestamp"}


def _tag_of(raw: str) -> str:
    return f"tag:yaml.org,2002:{_TAGS.get(type(read_scalar(raw)), 'str')}"


class _Dumper(yaml.SafeDumper):
    """Writes plain data so that `parse` reads the same data again."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        """Return the tag that `parse` gives an unquoted scalar, so that none has to be written."""
        if kind is yaml.ScalarNode and implicit[0]:
            return _tag_of(value)
        return super().resolve(kind, value, implicit)  # type: ignore[no-any-return,no-untyped-call]

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        super().increase_indent(flow, indentless=False)


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    odd = not isinstance(read_scalar(text), str) or _UNSAFE.search(text)
    style = '"' if odd else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_float(_: _Dumper, number: float) -> yaml.ScalarNode:
    text = str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)
    return yaml.ScalarNode(_tag_of(text), text)


_UNSAFE = re.compile(rf"{REFUSED.pattern}|[\t\r\n]|\A\s|\s\Z")
_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(float, _represent_float)


def dump(data: Any, *, inline: bool = False) -> str:
    r"""Return plain data as YAML text that `parse` reads back to the same data.

    With ``inline``, mappings and lists that hold no others stand on one line.

    >>> dump({"north_star": "orders", "name": "no"})
    'north_star: orders\nname: "no"\n'
    >>> dump({"given": {"visits": 0.0, "orders": 5.0}}, inline=True)
    'given: {visits: 0, orders: 5}\n'
    """
    text: str = yaml.dump(
        data,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=None if inline else False,
    )
    # What no document may hold stands inside of double quotes now; PyYAML escapes most of it.
    return REFUSED.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
