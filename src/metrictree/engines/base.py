"""What all engines share: values as they come out, and why one is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from metrictree.diagnostics import Diagnostic, shown
from metrictree.errors import UsageError
from metrictree.formula.printer import number_text
from metrictree.names import Suggester, did_you_mean
from metrictree.periods import GRAINS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metrictree.formula.meaning import Rule

__all__ = ["FrameRequest", "Reason", "Values"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a value is missing: the metric in which it broke, the rule, and the operands there.

    >>> from metrictree.formula.meaning import Rule
    >>> print(Reason("rate", Rule.ZERO_DIVISION, "orders / visits", {"visits": 0.0}))
    rate = orders / visits is missing: division by zero (visits is 0)
    """

    metric: str
    rule: Rule
    formula: str | None
    operands: Mapping[str, float | None]
    before: int = 0
    """How many periods before the one asked for it broke."""

    def __str__(self) -> str:
        missing = "is missing"
        if self.before:
            missing += f" {self.before:,} period{'s' if self.before > 1 else ''} before"
        if self.formula is None:
            return f"{self.metric} {missing}: no value was given"
        facts = ", ".join(
            f"{shown(name, 40)} is {'missing' if value is None else number_text(value + 0.0)}"
            for name, value in self.operands.items()
        )
        because = f"{self.rule.value} ({facts})" if facts else self.rule.value
        return f"{self.metric} = {shown(self.formula)} {missing}: {because}"


class Values(Mapping[str, float | None]):
    """Values of metrics by id, in document order; ``None`` is missing, and ``why`` says why.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="rate", metrics={"rate": "orders / visits", "orders": None, "visits": None}
    ... )
    >>> values = tree.compute({"orders": 5, "visits": 0})
    >>> values
    Values(rate=missing, orders=5, visits=0)
    >>> print(values.why("rate"))
    rate = orders / visits is missing: division by zero (orders is 5, visits is 0)
    """

    __slots__ = ("_reason", "_row", "_slots")

    def __init__(
        self,
        slots: Mapping[str, int],
        row: Sequence[float | None],
        reason: Callable[[str], Reason],
    ) -> None:
        self._slots = slots
        """Where the row holds each metric."""
        self._row = row
        """Values as they were computed: -0.0 becomes 0.0 when it is asked for."""
        self._reason = reason

    def __getitem__(self, metric: str) -> float | None:
        value = self._row[self._slots[metric]]
        return None if value is None else value + 0.0

    def __iter__(self) -> Iterator[str]:
        return iter(self._slots)

    def __len__(self) -> int:
        return len(self._slots)

    def __repr__(self) -> str:
        shown_values = [
            f"{metric}={'missing' if value is None else number_text(value)}"
            for metric, value in islice(self.items(), 20)
        ]
        if len(self) > 20:
            shown_values.append(f"... {len(self) - 20:,} more")
        return f"Values({', '.join(shown_values)})"

    def __reduce__(self) -> tuple[Any, ...]:
        reasons = {metric: self._reason(metric) for metric in self.missing}
        slots = {metric: slot for slot, metric in enumerate(self)}
        return Values, (slots, tuple(self.values()), reasons.__getitem__)

    @property
    def missing(self) -> tuple[str, ...]:
        """The metrics without a value."""
        row = self._row
        return tuple([metric for metric, slot in self._slots.items() if row[slot] is None])

    def why(self, metric: str) -> Reason | None:
        """Return why a metric is missing, from where it broke first; ``None`` if it is there.

        Raises:
            KeyError: the metric was not computed.
        """
        return self._reason(metric) if self[metric] is None else None

    def to_dict(self) -> dict[str, float | None]:
        """Return the values as a plain dictionary."""
        row = self._row
        return {
            metric: None if (value := row[slot]) is None else value + 0.0
            for metric, slot in self._slots.items()
        }


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """How a frame is to be computed."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Columns of the frame by metric, where they are not named by its id."""
    time: str | None = None
    """The column of periods."""
    by: tuple[str, ...] = ()
    """The columns of dimensions: each of their groups is a series of its own."""
    grain: str | None = None
    """The length of a period; ``None`` is found from the data."""
    fill: bool = False
    """Whether missing periods get a row."""
    strict: bool = False
    """Whether a missing value is an error."""

    @classmethod
    def of(
        cls,
        columns: Any = None,
        time: Any = None,
        by: Any = (),
        grain: Any = None,
        *,
        fill: bool = False,
        strict: bool = False,
        keeps: bool = False,
    ) -> FrameRequest:
        """Return the request that a caller's arguments make.

        ``keeps`` says that dimensions matter without periods too, as columns to keep.

        Raises:
            UsageError: an argument has no meaning.
        """
        columns = {} if columns is None else columns
        if not isinstance(columns, Mapping):
            raise _usage(
                f"columns is {shown(repr(columns))}, no mapping", "give {metric id: column name}"
            )
        if not all(isinstance(name, str) for pair in columns.items() for name in pair):
            raise _usage(
                f"columns is {shown(repr(columns))}, which holds what is no text",
                "give {metric id: column name}",
            )
        if time is not None and not isinstance(time, str):
            raise _usage(f"time is {shown(repr(time))}, no name of a column", "give a text")
        names = (by,) if isinstance(by, str) else tuple(by) if isinstance(by, Iterable) else None
        if names is None or not all(isinstance(name, str) for name in names):
            raise _usage(f"by is {shown(repr(by))}, no names of dimensions", "give a list of texts")
        if grain is not None and not (isinstance(grain, str) and grain in GRAINS[:-1]):
            near = did_you_mean(Suggester(GRAINS[:-1]).near(str(grain)))
            raise _usage(
                f"'{shown(grain)}' is no grain of periods",
                near or f"the grains are {', '.join(GRAINS[:-1])}",
            )
        if time is None and ((names and not keeps) or grain is not None or fill):
            given = "grain needs" if keeps else "by, grain and fill need"
            raise _usage(f"{given} a column of periods", "name it with time=")
        return cls(columns, time, tuple(dict.fromkeys(names)), grain, fill, strict)

    def refuse_for_numbers(self, *, diagnose: bool) -> None:
        """Refuse what has no meaning for single numbers.

        Raises:
            UsageError: an option is for frames.
        """
        given = {"columns": self.columns, "time": self.time, "diagnose": diagnose}
        names = [name for name, value in given.items() if value]
        if names:
            raise _usage(
                f"{' and '.join(names)} cannot be used with single numbers",
                "give a frame, or a mapping of NumPy arrays; `Values.why` gives reasons",
            )


def _usage(message: str, fix: str) -> UsageError:
    return UsageError([Diagnostic("VAL110", message, fix=fix)])
