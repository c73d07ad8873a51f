"""What a run asks for, checked; and what comes back from one source."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from metrictree.diagnostics import Diagnostic, shown
from metrictree.errors import DefinitionError, UsageError
from metrictree.formula import Formula, Mode, parse
from metrictree.formula.meaning import Rule
from metrictree.names import Suggester, did_you_mean
from metrictree.periods import GRAINS, WEEKDAYS, Calendar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from metrictree.resolved import ResolvedTree

__all__ = ["ALL", "Aggregated", "Key", "Request", "Result", "sets_of", "too_many_rows", "usage"]

Key = tuple[Any, ...]
"""A period (``None`` for all time), then the values of the dimensions."""
_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
Result = float | Rule
"""A value, or why there is none."""


class All(Enum):
    """The place of a dimension's value in a row for all its values."""

    ALL = "all"


ALL: Final = All.ALL


@dataclass(frozen=True, slots=True)
class Request:
    """What a run asks for."""

    grain: str
    by: tuple[str, ...]
    since: date | None
    until: date | None
    where: Formula | None
    """Rows that do not fulfil it do not count, whatever the measure."""
    totals: bool
    as_of: date | None
    """The last day for which the sources are complete; ``None`` if they themselves tell."""
    calendar: Calendar

    @classmethod
    def of(
        cls,
        tree: ResolvedTree,
        *,
        grain: str,
        by: Iterable[str],
        since: date | str | None,
        until: date | str | None,
        where: str | None,
        as_of: date | str | None,
        totals: bool,
    ) -> Request:
        """Return the request that arguments make.

        Raises:
            UsageError: an argument has no meaning here.
        """
        if grain not in GRAINS:
            near = did_you_mean(Suggester(GRAINS).near(str(grain)))
            advice = near or f"the grains are {', '.join(GRAINS)}"
            raise usage(f"'{shown(grain)}' is no grain", advice)
        first, last, known = _day("since", since), _day("until", until), _day("as_of", as_of)
        if known is not None:  # what is later is not complete, and does not count
            last = known if last is None else min(last, known)
        if first is not None and last is not None and first > last:
            name, advice = (
                ("as_of", "choose an earlier day") if last == known else ("until", "exchange them")
            )
            raise usage(f"since {first} is after {name} {last}", advice)
        names = _names(by)
        if totals and not names:
            raise usage("totals go over dimensions, and there are none", "name some with `by`")
        spec = tree.spec
        return cls(
            grain,
            names,
            first,
            last,
            _condition(tree, where),
            totals,
            known,
            Calendar(WEEKDAYS.index(spec.week_start or "monday"), spec.fiscal_year_start or 1),
        )

    @property
    def needs_time(self) -> bool:
        """Whether rows have to be placed in time."""
        return (
            self.grain != "all"
            or self.since is not None
            or self.until is not None
            or self.as_of is not None
        )


@dataclass(frozen=True, slots=True)
class Aggregated:
    """The measures of one source in one span of time."""

    values: Mapping[Key, Mapping[str, Result]]
    kinds: tuple[str, ...]
    """What each dimension holds, in words."""


def sets_of(request: Request) -> Iterator[Sequence[int]]:
    """Yield the places of the dimensions to group by: for totals, each set of them."""
    places = range(len(request.by))
    yield tuple(places)
    if request.totals:
        for chosen in range(2 ** len(places) - 1):
            yield [place for place in places if chosen >> place & 1]


def usage(message: str, fix: str) -> UsageError:
    """Return the error of an argument that has no meaning here."""
    return UsageError([Diagnostic("VAL110", message, fix=fix)])


def too_many_rows(message: str) -> Diagnostic:
    """Return what is said of a result that is too large."""
    return Diagnostic(
        "SRC115",
        message,
        fix="check the first and the last day, choose a larger grain or fewer dimensions, or "
        "raise the limit `rows`",
    )


def _names(by: Iterable[str]) -> tuple[str, ...]:
    given: Any = by  # a caller may ignore the types
    if not isinstance(given, Iterable):
        raise usage(f"by is {shown(repr(given))}, no names of dimensions", "give a list of texts")
    names = tuple([by] if isinstance(by, str) else by)
    for name in names:
        if not isinstance(name, str):
            raise usage(f"{shown(repr(name))} is no name of a dimension", "give texts")
    return tuple(dict.fromkeys(names))


def _day(name: str, given: date | str | None) -> date | None:
    if given is None or (isinstance(given, date) and not isinstance(given, datetime)):
        return given
    if isinstance(given, str) and _DAY.fullmatch(given):
        try:
            return date.fromisoformat(given)
        except ValueError:
            pass
    raise usage(f"{name} is {shown(repr(given))}, which is no day", "give one such as 2026-01-31")


def _condition(tree: ResolvedTree, text: str | None) -> Formula | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise usage(
            f"where is {shown(repr(text))}, no text",
            "write a condition such as country == 'de'",
        )
    try:
        return parse(text, Mode.WHERE, limits=tree.limits, name="where")
    except DefinitionError as error:
        raise UsageError(error.diagnostics) from None
