"""Past values of metrics from CSV, as `metrictree run` writes it: one row for each period."""

from __future__ import annotations

import csv
import math
import re
from typing import TYPE_CHECKING, Final

from metrictree.diagnostics import Diagnostic, Problems, Span, shown
from metrictree.errors import DefinitionError
from metrictree.periods import GRAINS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

__all__ = ["load_history"]

_NUMBER: Final = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")


def load_history(path: Path, metrics: Collection[str]) -> dict[str, list[float | None]]:
    """Return the values of ``metrics`` by period, oldest first; other columns are passed over.

    Those of a period that is not complete are missing: they would look like a fall.

    Raises:
        DefinitionError: the file cannot be read, or its rows are no periods in their order.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = csv.reader(stream, strict=True)
            reading = _Reading(str(path), metrics, next(lines, []))
            return reading.columns(lines, lambda: lines.line_num)
    except (OSError, ValueError, csv.Error) as error:
        why = getattr(error, "strerror", None) or str(error)
        message = f"cannot read {shown(path, 200)}: {shown(why, 200)}"
        fix = "give a CSV file in UTF-8, as `metrictree run --out` writes it"
        raise DefinitionError([Diagnostic("INC101", message, path=str(path), fix=fix)]) from None


class _Reading:
    def __init__(self, file: str, metrics: Collection[str], head: list[str]) -> None:
        self.file = file
        self.head = head
        self.places = {name: place for place, name in enumerate(head) if name in metrics}
        self.period = next(
            (place for place, name in enumerate(head) if name in GRAINS and name not in metrics),
            None,
        )
        self.problems = Problems()
        if not self.places:
            message = "no column of the history is an input or a measure of the tree"
            fix = "name each column by the id of its metric, such as " + ", ".join(
                [shown(metric) for metric in metrics][:3]
            )
            if len(head) == 1 and (";" in head[0] or "\t" in head[0]):
                fix = "separate the columns by commas, and write decimals with a point"
            self._add("VAL101", message, 1, fix)
        elif len(set(head)) < len(head):
            twice = next(name for name in head if head.count(name) > 1)
            message = f"the history has two columns '{shown(twice)}'"
            self._add("VAL113", message, 1, "keep one of them")
        if self.problems:
            raise DefinitionError(self.problems)

    def columns(
        self, lines: Iterator[list[str]], line_of: Callable[[], int]
    ) -> dict[str, list[float | None]]:
        found: dict[str, list[float | None]] = {metric: [] for metric in self.places}
        complete = self.head.index("complete") if "complete" in self.head else None
        before = ""
        for cells in lines:
            line = line_of()
            if not cells:
                continue
            if len(cells) != len(self.head):
                message = f"the row has {len(cells)} cells, and the head has {len(self.head)}"
                self._add("VAL116", message, line, "give each column a cell in every row")
                continue
            if self.period is not None:
                period = cells[self.period]
                if period <= before:
                    message = f"the period {shown(period)} comes after {shown(before)}"
                    fix = "give one row for each period, oldest first: run without --by or --totals"
                    self._add("VAL113", message, line, fix)
                before = period
            cut = complete is not None and cells[complete] == "false"
            for metric, place in self.places.items():
                number = None if cut else self._number(metric, cells[place].strip(), line)
                found[metric].append(number)
        if self.problems:
            raise DefinitionError(self.problems)
        return found

    def _number(self, metric: str, text: str, line: int) -> float | None:
        if not text:
            return None
        if _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
            return number
        message = f"the value '{shown(text)}' of '{shown(metric)}' is no number"
        self._add("VAL104", message, line, "write plain digits, and nothing for a missing value")
        return None

    def _add(self, code: str, message: str, line: int, fix: str) -> None:
        span = Span(self.file, line, 1, line, 1)
        self.problems.add(Diagnostic(code, message, span, fix=fix))
