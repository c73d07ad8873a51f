"""Results of runs as tables for reading: on a terminal, in Markdown and in HTML.

Numbers are rounded as their metrics ask for. What a table cannot show stands in notes below it:
which periods are not complete, what is compared with what, and why values are missing.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from metrictree.diagnostics import visible
from metrictree.render.findings import counted
from metrictree.render.markdown import escaped
from metrictree.render.numbers import format_column, unit_beside
from metrictree.render.style import PLAIN, Style, text_width, wrapped
from metrictree.schema import Metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from metrictree.engines.base import Reason
    from metrictree.formula.meaning import Rule

__all__ = ["render_first", "render_html", "render_markdown", "render_run"]

_FIRST: Final = 20
"""Rows that are shown where a result is only looked at."""
_REASONS: Final = 10
_WIDEST: Final = 40
_NARROWEST: Final = 10
_GROWTH: Final = Metric(unit="%")
_COMPARED: Final = {
    "previous": "each {grain} is compared with the {grain} before",
    "year_ago": "each {grain} is compared with that of the year before",
}


class Period(Protocol):
    """A period of a run."""

    @property
    def start(self) -> date: ...
    @property
    def first(self) -> date: ...
    @property
    def last(self) -> date: ...
    @property
    def complete(self) -> bool: ...
    @property
    def compared(self) -> tuple[date, date] | None: ...
    @property
    def like_for_like(self) -> bool: ...
    @property
    def lacks(self) -> bool: ...
    @property
    def days(self) -> int: ...


class Result(Protocol):
    """What a run gives, as `RunResult` describes it."""

    @property
    def grain(self) -> str: ...
    @property
    def dimensions(self) -> Sequence[str]: ...
    @property
    def metrics(self) -> Sequence[str]: ...
    @property
    def keys(self) -> Sequence[str]: ...
    @property
    def columns(self) -> Sequence[str]: ...
    @property
    def rows(self) -> Sequence[Sequence[Any]]: ...
    @property
    def compare(self) -> str | None: ...
    @property
    def periods(self) -> Sequence[Period]: ...
    @property
    def ends(self) -> Mapping[str, date]: ...
    @property
    def idle(self) -> Sequence[str]: ...
    @property
    def shown(self) -> Mapping[str, Metric]: ...
    def why(self, row: int, metric: str) -> Reason | None: ...


def render_run(result: Result, style: Style = PLAIN) -> str:
    """Return the table of a run, and the notes below it."""
    notes = [line for note in _notes(result) for line in _lines(f"note: {note}", style)]
    notes += [
        style.paint(line, "yellow") for cause in _causes(result) for line in _lines(cause, style)
    ]
    return "\n".join([*_text(result, None, style), *_apart(notes)])


def render_first(result: Result) -> str:
    """Return the first rows of a run as a table, how many more there are, and notes."""
    notes = [visible(f"note: {note}") for note in _notes(result)]
    return "\n".join([*_text(result, _FIRST, PLAIN), *_apart(notes)])


def render_markdown(result: Result) -> str:
    """Return the table of a run in Markdown, with units, and the notes below it as a list."""
    grid = _grid(result, None)
    cells = [
        [_markdown(cell) for cell in (head, *column)]
        for head, column in zip(grid.titles(), grid.columns, strict=True)
    ]
    widths = [max(3, *map(text_width, column)) for column in cells]
    numeric = [at >= grid.keys for at in range(len(cells))]
    rule = [
        "-" * (width - 1) + ":" if right else "-" * width
        for width, right in zip(widths, numeric, strict=True)
    ]
    head, *body = zip(*cells, strict=True)
    lines = [f"| {' | '.join(_padded(row, widths, numeric))} |" for row in (head, rule, *body)]
    notes = [*_emptiness(result), *_notes(result), *_causes(result)]
    lines += _apart([f"- {_beginning(_markdown(note))}" for note in notes])
    return "\n".join(lines)


def render_html(result: Result) -> str:
    """Return the first rows of a run as a table in HTML, with units, and the notes below it."""
    grid = _grid(result, _FIRST)

    def line(tag: str, cells: Iterable[str]) -> str:
        sides = ("left" if at < grid.keys else "right" for at in range(len(grid.columns)))
        return "".join(
            f'<{tag} style="text-align: {side}">{_html(cell)}</{tag}>'
            for side, cell in zip(sides, cells, strict=True)
        )

    body = [f"<tr>{line('td', row)}</tr>" for row in zip(*grid.columns, strict=True)]
    return "\n".join(
        [
            '<table class="dataframe">',
            f"<thead><tr>{line('th', grid.titles())}</tr></thead>",
            *["<tbody>", *body, "</tbody>"],
            "</table>",
            *(f"<p>{_html(note)}</p>" for note in (*_emptiness(result, _FIRST), *_notes(result))),
        ]
    )


# --- the cells


@dataclass(frozen=True, slots=True)
class _Grid:
    """What a table shows: texts as they are, not made safe for where they are shown."""

    heads: Sequence[str]
    units: Sequence[str | None]
    """Units that the values of a column do not show themselves."""
    columns: Sequence[Sequence[str]]
    keys: int
    """How many columns tell what a row is; the others hold numbers."""

    def titles(self) -> list[str]:
        """Return the heads with the units."""
        return [
            head if unit is None else f"{head} ({unit})"
            for head, unit in zip(self.heads, self.units, strict=True)
        ]


def _grid(result: Result, most: int | None) -> _Grid:
    """Return the cells of the first rows, of all if ``most`` is ``None``."""
    rows = result.rows[:most]
    keys = [_key_cells(result, row) for row in rows]
    shown = 0 if result.grain == "all" else 1
    heads = [*([result.grain] if shown else []), *result.dimensions]
    columns: list[Sequence[str]] = [
        [cells[position] for cells in keys] for position in range(len(heads))
    ]
    units: list[str | None] = [None] * len(heads)
    width = 1 if result.compare is None else 4
    for number, name in enumerate(result.metrics):
        metric = result.shown.get(name, Metric())
        at = len(result.keys) + number * width
        heads += result.columns[at : at + width]
        now, *others = ([row[at + step] for row in rows] for step in range(width))
        units += [unit_beside(metric)] * min(width, 3) + [None] * (width > 3)
        if not others:
            columns.append(format_column(metric, now))
            continue
        before, change, growth = others
        both = format_column(metric, [*now, *before])
        columns += [both[: len(rows)], both[len(rows) :]]
        columns.append(_signed(change, [_points(text) for text in format_column(metric, change)]))
        columns.append(_signed(growth, format_column(_GROWTH, growth)))
    return _Grid(heads, units, columns, keys=len(result.dimensions) + shown)


def _key_cells(result: Result, row: Sequence[Any], star: str = "*") -> list[str]:
    """Return the period and the dimensions of a row; a period that is not complete has a star."""
    told = dict(zip(result.keys, row, strict=False))
    names = result.dimensions
    over = f",{told['total']}," if told.get("total") is not None and "total" not in names else ""
    cells = [
        ("(all)" if f",{name}," in over else "(none)") if told[name] is None else str(told[name])
        for name in names
    ]
    if result.grain == "all":
        return cells
    return [f"{told[result.grain]}{'' if told['complete'] else star}", *cells]


def _points(text: str) -> str:
    """Return the difference of two percentages as what it is: percentage points."""
    return text.replace("%", "pp")


def _signed(values: Sequence[float | None], texts: Sequence[str]) -> list[str]:
    return [
        f"+{text}" if value is not None and value > 0 else text
        for value, text in zip(values, texts, strict=True)
    ]


# --- notes


def _apart(notes: list[str]) -> list[str]:
    """Return notes with an empty line before them, if there are any."""
    return ["", *notes] if notes else []


def _emptiness(result: Result, most: int | None = None) -> list[str]:
    """Return that there are no rows, or how many more than are shown."""
    if not result.rows:
        return ["no rows"]
    more = 0 if most is None else len(result.rows) - most
    return [f"... {counted(more, 'more row')}"] if more > 0 else []


def _notes(result: Result) -> Iterator[str]:
    """Yield which periods are not complete, and what is compared with what."""
    if result.compare is not None:
        yield from _comparisons(result)
    for source in result.idle:
        yield f"nothing of the source {source} counts: look at --where, --since and --until"
    if result.ends:
        first = min(result.ends, key=result.ends.__getitem__)
        yield (
            f"the source {first} ends on {result.ends[first]}, before others: later days do not "
            "count; --as-of says up to which day it is complete"
        )
    ahead = [period.start for period in result.periods if not period.complete and not period.days]
    for period in result.periods:
        if not period.complete and period.days:
            days = "the day may not be over" if result.grain == "day" else _days(period)
            yield f"{period.start} is not complete ({days}){_compared(period)}"
    if ahead:
        yield f"{_span(ahead)} no complete days yet"


def _comparisons(result: Result) -> Iterator[str]:
    """Yield what is compared with what."""
    if not result.periods:
        place = result.columns.index("compared_from")
        for first, last in {(row[place], row[place + 1]) for row in result.rows}:
            yield (
                "there is nothing to compare with"
                if first is None
                else (f"compared with {first} to {last}")
            )
        return
    said = _COMPARED.get(result.compare or "")
    if said is None:
        said = f"each {{grain}} is compared with {result.compare}"
        whole = (one.compared for one in result.periods if one.compared and not one.like_for_like)
        first, last = next(whole, (None, None))
        said += f" ({first} to {last})" if first is not None else ""
    yield said.format(grain=result.grain)
    alone = [period.start for period in result.periods if period.compared is None]
    if alone:
        yield f"{_span(alone)} nothing to compare with"
    for period in result.periods:
        if period.lacks and period.complete and period.compared is not None:
            first, last = period.compared
            yield (
                f"{period.start} is compared with {first} to {last}, of which the data has not all "
                "days"
            )


def _span(starts: Sequence[date]) -> str:
    """Return which periods have something in common."""
    if len(starts) == 1:
        return f"{starts[0]} has"
    return f"{starts[0]} to {starts[-1]} ({len(starts):,} periods) have"


def _days(period: Period) -> str:
    """Return the days that count."""
    if period.first == period.last:
        return f"only the day {period.first}"
    begin = "days" if period.first == period.start else f"days from {period.first}"
    return f"{begin} to {period.last}"


def _compared(period: Period) -> str:
    """Return what a period that is not complete is compared with."""
    if period.compared is None:
        return ""
    first, last = period.compared
    days = (last - first).days + 1
    if not period.like_for_like:
        how = f"which is whole: {period.days:,} with {counted(days, 'day')}"
    elif days == period.days:
        how = "the same number of days" if days > 1 else "one day too"
    else:
        how = f"which has no more days: {period.days:,} with {counted(days, 'day')}"
    return f", compared with {first}{'' if first == last else f' to {last}'}, {how}"


def _causes(result: Result) -> Iterator[str]:
    """Yield why values are missing: a line for each cause."""
    places = {name: result.columns.index(name) for name in result.metrics}
    causes: dict[tuple[str, Rule], _Cause] = {}
    for number, row in enumerate(result.rows):
        empty = [name for name, place in places.items() if row[place] is None]
        reasons = [reason for name in empty if (reason := result.why(number, name)) is not None]
        # One cause may empty several columns.
        for kind, reason in {(reason.metric, reason.rule): reason for reason in reasons}.items():
            causes.setdefault(kind, _Cause(number, reason)).rows += 1
    for cause in islice(causes.values(), _REASONS):
        where = " ".join(_key_cells(result, result.rows[cause.first], star=""))
        if cause.rows > 1:
            where += f" and {counted(cause.rows - 1, 'more row')}"
        yield f"{where}: {cause.reason}" if where else str(cause.reason)
    if len(causes) > _REASONS:
        yield f"... and {counted(len(causes) - _REASONS, 'more cause')}"


@dataclass
class _Cause:
    """Why values are missing, in all rows in which a metric broke by the same rule."""

    first: int
    reason: Reason
    """In the first row."""
    rows: int = 0


# --- text


def _text(result: Result, most: int | None, style: Style) -> list[str]:
    """Return the lines of a table.

    Where it is too wide, long names are broken over several lines; what is too wide for a terminal
    even so is split into several tables, each with the columns that come first.
    """
    grid = _grid(result, most)
    texts = [
        [style.cut(style.show(cell), _WIDEST) for cell in column] if at < grid.keys else column
        for at, column in enumerate(grid.columns)
    ]
    widths = [max(map(text_width, column), default=0) for column in texts]
    names = [[style.show(head)] for head in grid.heads]
    room = style.width or 100
    if sum(max(width, len(name[0])) + 2 for width, name in zip(widths, names, strict=True)) > room:
        names = [
            _broken(name[0], max(width, _NARROWEST))
            for width, name in zip(widths, names, strict=True)
        ]
    widths = [max(width, *map(len, name)) for width, name in zip(widths, names, strict=True)]
    height = max(map(len, names), default=0)
    heads = [[""] * (height - len(name)) + name for name in names]
    lines: list[str] = []
    for block in _blocks(widths, grid.keys, style.width):
        right, wide = [at >= grid.keys for at in block], [widths[at] for at in block]
        head = zip(*(heads[at] for at in block), strict=True)
        body = zip(*(texts[at] for at in block), strict=True)
        lines += [""] if lines else []
        lines += [style.paint(_line(row, wide, right), "bold") for row in head]
        lines += [_line(row, wide, right) for row in body]
    return [*lines, *_emptiness(result, most)]


def _lines(note: str, style: Style) -> list[str]:
    """Return a note in lines that a terminal has room for."""
    text = style.show(note)
    return [text] if style.width is None else wrapped(text, max(style.width, 4))


def _blocks(widths: Sequence[int], keys: int, room: int | None) -> Iterator[list[int]]:
    """Yield the columns that stand beside each other: the keys, and metrics while there is room."""
    block = list(range(keys))
    for at in range(keys, len(widths)):
        fits = room is None or sum(widths[one] + 2 for one in [*block, at]) - 2 <= room
        if not fits and len(block) > keys:
            yield block
            block = list(range(keys))
        block.append(at)
    yield block


def _broken(name: str, width: int) -> list[str]:
    """Break a name behind underscores and points into lines of at most ``width``, if it can be."""
    lines = [""]
    for piece in name.replace("_", "_\n").replace(".", ".\n").split("\n"):
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("")
        lines[-1] += piece
    return lines


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    return "  ".join(_padded(cells, widths, numeric)).rstrip()


def _padded(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> list[str]:
    padded = []
    for cell, width, right in zip(cells, widths, numeric, strict=True):
        blank = " " * (width - text_width(cell))
        padded.append(blank + cell if right else cell + blank)
    return padded


# --- Markdown and HTML

_OPENING: Final = re.compile(r"([-+]|\d+[.)])(?=\s|$)")
"""What begins a list."""


def _markdown(text: str) -> str:
    return escaped(text).replace("|", r"\|")


def _beginning(text: str) -> str:
    """Return the text of an item that shall not begin with another list."""
    found = _OPENING.match(text)
    return text if found is None else f"{text[: found.end() - 1]}\\{text[found.end() - 1 :]}"


def _html(text: str) -> str:
    return html.escape(visible(text))
