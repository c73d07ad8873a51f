"""What rules look at: a resolved tree, a day, and what follows from them, each worked out once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from metrictree.diagnostics import Diagnostic, shown
from metrictree.errors import UsageError
from metrictree.lint.dates import months_after
from metrictree.unit_inference import InferredUnits, infer_units

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metrictree.lint.effects import Effects
    from metrictree.lint.rule import Rule
    from metrictree.lint.wording import Assessment
    from metrictree.resolved import ResolvedTree
    from metrictree.schema import Attestation, Criterion, Metric, NorthStar

__all__ = ["Facts", "last_day"]


def last_day(word: Attestation) -> date:
    """Return the last day on which an attestation holds."""
    return word.until or months_after(word.since, 12)


class Facts:
    """The facts of one tree, on one day, with the values or the history that were given.

    Raises:
        UsageError: the day is none.
    """

    def __init__(
        self,
        tree: ResolvedTree,
        today: date | None,
        rules: Mapping[str, type[Rule]],
        *,
        values: Mapping[str, float | None] | None = None,
        history: Mapping[str, Sequence[float | None]] | None = None,
    ) -> None:
        self.tree = tree
        self.today = _day(today)
        self.rules = rules
        """Every rule that there is, by code."""
        self.values = values
        self.history = history
        self.ran: set[str] = set()
        """The codes of the rules that ran so far."""
        self.used: set[tuple[str | None, str]] = set()
        """Suppressions that set something aside so far: metric (none for the tree's) and code."""
        self._assessed: dict[str, Assessment] = {}

    @property
    def star(self) -> str:
        """The id of the North Star."""
        return self.tree.north_star

    @property
    def north_star(self) -> NorthStar:
        """The North Star as declared."""
        return self.tree.spec.north_star

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics by id."""
        return self.tree.metrics

    def name(self, metric: str) -> str:
        """Return what people call a metric."""
        return self.metrics[metric].label or metric.rpartition(".")[2].replace("_", " ")

    @cached_property
    def units(self) -> InferredUnits:
        """The unit of every metric, declared or inferred, and what is wrong with them."""
        return infer_units(self.tree)

    @cached_property
    def effects(self) -> Effects:
        """What moves the North Star, and how much of its movement each metric brings.

        Where nothing moves by what was given (the history is too short for the formulas, or stands
        still), the structure tells.
        """
        return self.given if self.given is not None and self.given.shares else self.structure

    @cached_property
    def given(self) -> Effects | None:
        """What moves it by the values or the history that were given, if any were.

        Raises:
            UsageError: they do not fit the tree.
        """
        if self.values is None and self.history is None:
            return None
        if self.values is not None and self.history is not None:
            message = "values and a history are given, and each tells what moves the North Star"
            raise UsageError([Diagnostic("VAL110", message, fix="give one of them")])
        from metrictree.lint.effects import effects_on

        return effects_on(self.tree, self.star, values=self.values, history=self.history)

    @property
    def has_values(self) -> bool:
        """Whether the North Star has a value by what was given."""
        return self.given is not None and self.given.signs[self.star] is not None

    @cached_property
    def structure(self) -> Effects:
        """What can move the North Star by its formulas, whatever the values are that were given."""
        from metrictree.lint.effects import effects_on

        return effects_on(self.tree, self.star)

    def assess(self, metric: str) -> Assessment:
        """Return what the words of a metric suggest: its name, description, unit and product."""
        if metric not in self._assessed:
            from metrictree.lint.wording import assess

            body = self.metrics[metric]
            unit = body.unit
            if unit is None and (inferred := self.units.units[metric]) is not None:
                unit = str(inferred)
            self._assessed[metric] = assess(
                self.name(metric), body.description, unit, self.tree.spec.product
            )
        return self._assessed[metric]

    def vouched(self, criterion: Criterion) -> Attestation | None:
        """Return the attestation of a criterion of the scorecard that holds today, if one does."""
        word = self.north_star.attestations.get(criterion)
        if word is None or not word.since <= self.today <= last_day(word):
            return None
        return word

    def is_exempt(self, metric: str, code: str) -> bool:
        """Whether the author keeps a metric from being evidence for a rule, with a reason."""
        if code not in self.metrics[metric].ignore:
            return False
        self.used.add((metric, code))
        return True

    @cached_property
    def causes(self) -> Mapping[str, tuple[str, ...]]:
        """What each metric hangs on directly: what its formula uses, then what influences it."""
        causes = {
            metric: dict.fromkeys(self.tree.graph.inputs_of(metric)) for metric in self.metrics
        }
        for influence in self.tree.spec.influences:
            causes[influence.to][influence.from_] = None
        return {metric: tuple(found) for metric, found in causes.items()}


def _day(given: date | None) -> date:
    if given is None:
        return datetime.now(UTC).astimezone().date()
    if type(given) is not date:  # a moment cannot be compared with days
        message = f"today is {shown(repr(given))}, which is no day"
        fix = "give a date, such as datetime.date(2026, 1, 31)"
        raise UsageError([Diagnostic("VAL110", message, fix=fix)])
    return given
