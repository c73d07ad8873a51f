"""The columns and first rows of a table -> the text of a first tree, a guess with comments."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from metrictree.diagnostics import shown
from metrictree.documents.scalars import REFUSED, read_scalar
from metrictree.engines.frames.rows import Kind
from metrictree.errors import DefinitionError
from metrictree.formula import Mode, parse
from metrictree.loader import load_data
from metrictree.measures.sources import open_table, reading
from metrictree.measures.times import is_day
from metrictree.names import RESERVED
from metrictree.resolved import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Seen", "draft", "look"]

_FIRST_ROWS: Final = 1_000
_MOST_GROUPS: Final = 20
_LENGTH: Final = 40


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_PEOPLE: Final = _set(
    "account buyer client company customer donor guest household learner member patient player "
    "seller student subscriber user visitor"
)
_KEYS: Final = _set("email guid id key uuid")
_LABELS: Final = _set(
    "code day hour index lat latitude lon longitude month nr no num number phone plz position "
    "postcode quarter rank sku version week year zip"
)
"""Words of columns whose numbers are names: neither their sum nor their mean says anything."""
_MEANS: Final = _set(
    "age pct percent percentage price probability rate rating ratio score share stars temperature"
)
_MONEY: Final = _set("amount gmv gross income net paid revenue sales total turnover value")
_CURRENCIES: Final = _set(
    "aud brl cad chf cny czk dkk eur gbp inr jpy krw mxn nok nzd pln sek sgd try usd zar"
)
_LATER: Final = _set(
    "birth birthday born cancelled changed closed deleted delivered due end ended expires modified "
    "paid returned shipped until updated"
)
"""Words of times that are seldom the one at which a row happened."""
_DAY: Final = re.compile(r"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}(?:[ T].*)?")
_NUMBER: Final = re.compile("[-+$\u00a3\u20ac]? ?[0-9][0-9.,']* ?(?:[%$\u00a3\u20ac]|[A-Z]{3})?")
_DIGITS: Final = re.compile("[0-9]+")
_NAME: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[./-][A-Za-z0-9_]+)*")


class Seen(NamedTuple):
    """A column: what it holds, and its first values."""

    name: str
    kind: Kind
    values: Sequence[Any]
    time: bool
    """Whether a source may have it as its time."""

    @property
    def words(self) -> list[str]:
        """The words of the name, in lower case: `orderId` is order and id."""
        return re.findall(r"[a-z]+|[0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name).lower())

    @property
    def stem(self) -> str:
        """The name without the word that says it is a key: `customer` of `customer_id`."""
        return "_".join([word for word in self.words if word not in _KEYS] or self.words)

    @property
    def of_people(self) -> bool:
        """Whether it tells one customer, user or the like from another."""
        return self.stem.rpartition("_")[2] in _PEOPLE

    def all_like(self, pattern: re.Pattern[str]) -> bool:
        """Whether all texts that are there match a pattern."""
        return all(pattern.fullmatch(value) for value in self.values if value is not None)

    @property
    def distinct(self) -> int:
        """How many different values there are."""
        return len({value for value in self.values if value is not None})


def look(path: str, folder: Path) -> list[Seen]:
    """Return the columns of a file in a folder, and their values in its first rows.

    Raises:
        SourceError: the file is not there, lies outside of the folder or cannot be read.
        MissingExtraError: DuckDB is not installed.
    """
    name = "rows"
    data = {"north_star": name, "metrics": {name: None}, "sources": {name: {"path": path}}}
    tree = replace(resolve(load_data(data)), folder=folder.resolve())
    table = open_table(tree, name)
    names = [column.name for column in table.columns.values()]
    with reading(tree, name, table.origin, table.file):
        rows = table.rows(table.frame.select(*names).head(_FIRST_ROWS).to_native())
    values = zip(*rows, strict=True) if rows else [()] * len(names)
    return [
        Seen(name, column.kind, cells, time=_tells_days(column.kind, cells))
        for (name, column), cells in zip(table.columns.items(), values, strict=True)
    ]


def draft(stem: str, path: str, columns: Sequence[Seen]) -> str:
    """Return the text of a tree over one source, the file of this path.

    >>> values = ["ada", "bob", "ada"]
    >>> text = draft("orders", "orders.csv", [Seen("customer", Kind.TEXT, values, time=False)])
    >>> print(text[text.index("metrics:") :])
    metrics:
      orders: { measure: { source: orders, aggregate: count() } }
      customers: { measure: { source: orders, aggregate: count_distinct(customer) } }
      orders_per_customer: { formula: orders / customers, role: health }
    <BLANKLINE>
    # Causes that are no arithmetic; so far a guess.
    influences:
      - { from: customers, to: orders, confidence: hypothesis }
    <BLANKLINE>
    """
    return "\n".join(_Draft(stem, path, columns).lines()) + "\n"


class _Draft:
    """One use of each column, or the reason why it has none."""

    def __init__(self, stem: str, path: str, columns: Sequence[Seen]) -> None:
        self.path = path
        self.metrics: dict[str, str] = {}
        """The fields of each metric, as text."""
        self.left_out: list[str] = []
        self.people: list[str] = []
        """The metrics that count people."""
        self.money: str | None = None
        """The one that adds up money."""
        self.rows = self.new_id(stem, "rows")
        """The source, and the metric that counts its rows."""
        self.metrics[self.rows] = f"measure: {{ source: {self.rows}, aggregate: count() }}"
        self.time = _time_of(columns)
        self.dimensions: list[str] = []
        for column in columns:
            if column is not self.time:
                self.place(column)

    def place(self, column: Seen) -> None:
        """Find a use for a column."""
        words = {*column.words}
        numbers = column.kind is Kind.NUMBER
        filled = sum(value is not None for value in column.values)
        if not filled:
            self.leave(column, "it is empty")
        elif column.kind is Kind.CONDITION:
            self.dimensions.append(column.name)
        elif column.kind not in (Kind.NUMBER, Kind.TEXT):
            why = (
                "it holds times" if column.kind is Kind.TIME else "it holds no numbers and no texts"
            )
            self.leave(column, why)
        elif column.of_people:
            self.count(column)
        elif words & _KEYS:
            if column.distinct == filled:
                self.leave(column, "each row has its own")
            else:
                self.measure(column, _plural(column.stem), "count_distinct", ", role: health")
        elif numbers and words & _LABELS:
            self.leave(column, "its numbers are names rather than amounts")
        elif numbers and words & _MEANS:
            self.measure(column, f"mean_{column.name}", "mean", ", role: health")
        elif numbers:
            self.sum(column)
        elif column.all_like(_DAY):
            self.leave(column, "its texts look like days; write them as 2026-01-31")
        elif column.all_like(_NUMBER) and not column.all_like(_DIGITS):
            self.leave(column, "its texts look like numbers; write them as 1000.50")
        elif column.distinct > _MOST_GROUPS:
            self.leave(column, f"it has more than {_MOST_GROUPS} different texts")
        else:
            self.dimensions.append(column.name)

    def count(self, column: Seen) -> None:
        """Count the different people of a column."""
        name = self.measure(column, _plural(column.stem), "count_distinct")
        if name is None:
            return
        if not self.people:
            each = self.new_id(f"{self.rows}_per_{column.stem}", "rows_per_one")
            self.metrics[each] = f"formula: {self.rows} / {name}, role: health"
        self.people.append(name)

    def sum(self, column: Seen) -> None:
        """Add up a column; the first one of money is an outcome."""
        words = {*column.words}
        money = self.money is None and bool(words & (_MONEY | _CURRENCIES))
        unit = "".join(f", unit: {word.upper()}" for word in sorted(words & _CURRENCIES)[:1])
        rest = f"{unit}, role: {'outcome' if money else 'health'}"
        name = self.measure(column, column.name, "sum", rest)
        if money and name is not None:
            self.money = name
            each = self.new_id(f"{name}_per_{_singular(self.rows)}", "amount_per_row")
            self.metrics[each] = f"formula: {name} / {self.rows}{unit}, role: health"

    def measure(self, column: Seen, wish: str, function: str, rest: str = "") -> str | None:
        """Add a measure of a column, if a formula can name that; return the id."""
        aggregate = f"{function}({column.name})"
        if not _is_name(column.name):
            self.leave(column, "rename it, with letters from a to z, digits and _ only")
            return None
        name = self.new_id(wish, "amount")
        self.metrics[name] = f"measure: {{ source: {self.rows}, aggregate: {aggregate} }}{rest}"
        return name

    def new_id(self, wish: str, otherwise: str) -> str:
        """Return an id that no metric has yet."""
        slug = re.sub(r"[^a-z0-9]+", "_", wish.lower()).strip("_")[:_LENGTH].strip("_")
        if not re.match(r"[a-z]", slug):
            slug = f"{otherwise}_{slug}".strip("_")
        if slug in RESERVED or not isinstance(read_scalar(slug), str):
            slug += "_"
        name, number = slug, 2
        while name in self.metrics:
            name, number = f"{slug}_{number}", number + 1
        return name

    def leave(self, column: Seen, why: str) -> None:
        """Leave a column out."""
        self.left_out.append(f"{shown(column.name)}: {why}")

    def lines(self) -> Iterator[str]:
        """Return the lines of the document."""
        yield f"# A draft from the columns of {shown(self.path)} and its first rows. What they"
        yield "# mean, only you know: look over every line, and choose the North Star."
        yield ""
        yield "north_star:"
        yield f"  metric: {self.rows} # better: what tells that people got what they came for"
        if self.money:
            yield f"  leads: [{self.money}] # the outcomes that should follow"
        yield ""
        yield "sources:"
        yield f"  {self.rows}:"
        yield f"    path: {_text(self.path)}"
        if self.time is None:
            yield "    # time: COLUMN # no column tells the day of a row, so there are no months"
        else:
            yield f"    time: {_text(self.time.name)} # when a row happened"
            yield "    # timezone: Europe/Berlin # where days begin, if that is not UTC"
        if self.dimensions:
            names = ", ".join(map(_text, self.dimensions))
            yield f"    dimensions: [{names}] # what values can be grouped by"
        if self.left_out:
            yield "    # Left out:"
            yield from (f"    #   {why}" for why in self.left_out)
        yield ""
        yield "metrics:"
        yield from (f"  {name}: {{ {fields} }}" for name, fields in self.metrics.items())
        if self.people:
            yield ""
            yield "# Causes that are no arithmetic; so far a guess."
            yield "influences:"
        for name in self.people:
            yield f"  - {{ from: {name}, to: {self.rows}, confidence: hypothesis }}"


def _is_name(text: str) -> bool:
    """Return whether a formula can name a column so."""
    try:
        parse(f"count({text})", Mode.AGGREGATE)
    except DefinitionError:
        return False
    return _NAME.fullmatch(text) is not None  # `-a` is no error, and no name


def _tells_days(kind: Kind, cells: Sequence[Any]) -> bool:
    known = [cell for cell in cells if cell is not None]
    return kind is Kind.TIME or (kind is Kind.TEXT and bool(known) and all(map(is_day, known)))


def _time_of(columns: Sequence[Seen]) -> Seen | None:
    """Return the column that tells best when a row happened: one without gaps, not of an end."""
    return min(
        (column for column in columns if column.time),
        key=lambda column: (None in column.values, bool(_LATER & {*column.words})),
        default=None,
    )


def _plural(word: str) -> str:
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return word if word.endswith("s") else f"{word}s"


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _text(text: str) -> str:
    """Return a text as YAML, in quotes where it may be read as anything else."""
    if _PLAIN.fullmatch(text) and isinstance(read_scalar(text), str):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return REFUSED.sub(lambda found: f"\\u{ord(found.group()):04x}", quoted)
