"""What a terminal or a file can show: characters, how wide they are, and colours."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from metrictree.diagnostics import visible

__all__ = ["PLAIN", "Style", "character_width", "clip", "text_width", "wrapped"]

_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "cyan": 36}
_DRAWING = "├─└│┄"
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Style:
    r"""How text is written: with or without colours, in an encoding, up to a width.

    >>> Style(encoding="ascii").show("Büro" + chr(27) + "[2J")
    'B\\xfcro\\x1b[2J'
    >>> Style(color=True).paint("no", "red") == chr(27) + "[31mno" + chr(27) + "[0m"
    True
    """

    color: bool = False
    encoding: str = "utf-8"
    width: int | None = None
    """Cells of a line on a terminal; ``None`` where a line may be as long as it likes."""

    @property
    def draws(self) -> bool:
        """Whether the encoding has the characters that branches are drawn with."""
        return self._encodes(_DRAWING)

    def show(self, text: object) -> str:
        """Return text on one line: what cannot be seen, reorders text or has no code is escaped."""
        return visible(str(text), self._encodes)

    def paint(self, text: str, *names: str) -> str:
        """Return text with colours, where they are wanted."""
        if not self.color or not text:
            return text
        codes = ";".join(str(_CODES[name]) for name in names)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def cut(self, text: str, width: int) -> str:
        """Return text of at most ``width`` cells; what was cut off is marked with dots."""
        return text if text_width(text) <= width else clip(text, width - 3) + "..."

    def _encodes(self, text: str) -> bool:
        if text.isascii():
            return True
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            return False
        return True


PLAIN = Style()
"""UTF-8 without colours."""


def character_width(character: str) -> int:
    """Return the cells that a printable character takes: 2 if it is wide, 0 if it combines."""
    if character.isascii():
        return 1
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def text_width(text: str) -> int:
    """Return the cells that printable text takes.

    >>> text_width("orders"), text_width("注文"), text_width("e" + chr(0x301))
    (6, 4, 1)
    """
    return len(text) if text.isascii() else sum(map(character_width, text))


def clip(text: str, width: int) -> str:
    """Return the beginning of printable text that fits into ``width`` cells.

    >>> clip("orders", 3), clip("注文", 3)
    ('ord', '注')
    """
    if text.isascii():
        return text[: max(width, 0)]
    cells = 0
    for end, character in enumerate(text):
        cells += character_width(character)
        if cells > width:
            return text[:end]
    return text


def wrapped(text: str, width: int) -> list[str]:
    """Break printable text at its blanks into lines of at most ``width`` (4 or more) cells.

    A word that is longer than a line is broken too, so nothing is lost. Lines after the first are
    indented.

    >>> wrapped("= buyers * orders_per_buyer", 16)
    ['= buyers *', '  orders_per_buy', '  er']
    """
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line.strip() else line + word
        if text_width(joined) <= width:
            line = joined
            continue
        if line.strip():
            lines.append(line)
            line = _INDENT
        line += word
        while text_width(line) > width:
            part = clip(line, width)
            lines.append(part)
            line = _INDENT + line[len(part) :]
    return [*lines, line]
