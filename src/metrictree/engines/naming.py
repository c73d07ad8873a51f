"""Which column of a frame is which metric: by its id, or as the caller maps it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.compute import absent_value, needs_time
from metrictree.errors import UsageError
from metrictree.names import Suggester, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from metrictree.engines.base import FrameRequest
    from metrictree.plan import Plan
    from metrictree.resolved import ResolvedTree

__all__ = ["find_columns", "no_numbers"]


def find_columns(
    tree: ResolvedTree,
    plan: Plan,
    names: Collection[Any],
    request: FrameRequest,
    *,
    index: Collection[Any] = (),
) -> tuple[dict[str, str], list[Diagnostic]]:
    """Return the column of each leaf that has one, and what is wrong with the names.

    ``names`` are all columns of the frame; those that are no metrics are left alone. A leaf with a
    constant value needs no column. ``index`` are names in an index, which are no columns.

    Raises:
        UsageError: a dimension is a column of times or of an input, too.
    """
    return _Finding(tree, plan, names, request, index).find()


def no_numbers(tree: ResolvedTree, metric: str, name: str, type_name: str) -> Diagnostic:
    """Return what is said of a column of an input whose type is none of numbers."""
    return Diagnostic(
        "VAL104",
        f"the column '{shown(name)}' is of the type {shown(type_name)}, not of numbers",
        tree.places.span(("metrics", metric), key=True),
        metric=metric,
        fix="convert it to numbers, or name another column",
    )


class _Finding:
    def __init__(
        self,
        tree: ResolvedTree,
        plan: Plan,
        names: Collection[Any],
        request: FrameRequest,
        index: Collection[Any],
    ) -> None:
        self.tree = tree
        self.plan = plan
        self.request = request
        self.index = index
        self.misnamed: set[str] = set()
        """Metrics that wrong ids in `columns` may have meant."""
        self.known = set(names)
        self.counts = Counter(names) if len(self.known) < len(names) else {}
        """Only if a name stands twice."""
        self.near = Suggester([name for name in dict.fromkeys(names) if isinstance(name, str)])

    def find(self) -> tuple[dict[str, str], list[Diagnostic]]:
        tree, request = self.tree, self.request
        problems = [*self._check_request()]
        found: dict[str, str] = {}
        for metric in self.plan.leaves:
            name = request.columns.get(metric, metric)
            if name in self.known:
                found[metric] = name
            elif (
                metric not in request.columns
                and metric not in self.misnamed
                and tree.metrics[metric].value is None
            ):
                problems.append(absent_value(tree, metric, self._absent(metric)))
        self._check_dimensions(found)
        problems += self._doubled(found)
        for metric in self.plan.formulas:
            if metric in self.known:
                problems.append(self._computed(metric, "the frame has a column of that name"))
            if request.time is None and metric in tree.overtime:
                problems.append(needs_time(tree, metric))
        problems += self._written_over(found)
        return found, problems

    def _absent(self, metric: str) -> str:
        """Return what to do about an input that has no column."""
        if metric in self.index:
            return _RESET
        near = self.near.near(shown(metric, 100))
        if near:
            return f"{did_you_mean(near)} then give {_mapped(metric, near[0])}"
        mapped = _mapped(metric, "...")
        return f"say which column it is, {mapped}, or add one, null where it is missing"

    def _check_dimensions(self, found: dict[str, str]) -> None:
        taken = {name: f"the input '{metric}'" for metric, name in found.items()}
        if self.request.time is not None:
            taken[self.request.time] = "the time"
        clashes = [
            Diagnostic(
                "VAL110",
                f"`by` names the column '{shown(name)}', which is {taken[name]}",
                fix="name columns that tell the series apart, such as a country or a product",
            )
            for name in self.request.by
            if name in taken
        ]
        if clashes:
            raise UsageError(clashes)

    def _meant(self, name: Any, otherwise: str) -> str:
        if name in self.index:
            return _RESET
        return did_you_mean(self.near.near(shown(name, 100))) or otherwise

    def _doubled(self, found: dict[str, str]) -> Iterator[Diagnostic]:
        for metric, name in found.items() if self.counts else ():
            if self.counts[name] > 1:
                message = f"the frame has {self.counts[name]} columns named '{shown(name)}'"
                yield Diagnostic("VAL101", message, metric=metric, fix=_ONE)

    def _written_over(self, found: dict[str, str]) -> Iterator[Diagnostic]:
        for metric in self.request.columns:
            name = found.get(metric, metric)
            if name != metric and metric in self.known and metric in self.plan.targets:
                message = f"the metric '{metric}' is read from the column '{shown(name)}'"
                yield Diagnostic(
                    "VAL102",
                    f"{message} and cannot be written over the column '{metric}'",
                    metric=metric,
                    fix="rename that column, or choose targets without the metric",
                )

    def _check_request(self) -> Iterator[Diagnostic]:
        tree, request = self.tree, self.request
        given: Any = request.columns  # a caller may ignore the types
        for metric, name in given.items():
            if metric not in tree.metrics:
                near = Suggester(tree.metrics).near(shown(metric, 100))
                self.misnamed.update(near[:1])
                yield Diagnostic(
                    "VAL101",
                    f"`columns` names '{shown(metric)}', which is no metric of the tree",
                    metric=metric if isinstance(metric, str) else None,
                    fix=did_you_mean(near) or "it maps metric ids to names of columns",
                )
            elif metric in tree.formulas:
                yield self._computed(metric, f"`columns` gives it the column '{shown(name)}'")
            elif name not in self.known:
                yield Diagnostic(
                    "VAL103",
                    f"the frame has no column '{shown(name)}', which `columns` gives to '{metric}'",
                    tree.places.span(("metrics", metric), key=True),
                    metric=metric,
                    fix=self._meant(name, "name one of its columns"),
                )
        dimensions = [("by", dimension) for dimension in request.by]
        for argument, column in [("time", request.time), *dimensions]:
            if column is None or (column in self.known and not self.counts.get(column, 1) > 1):
                continue
            if column in self.known:
                columns, advice = f"{self.counts[column]} columns", _ONE
            else:
                columns, advice = "no column", self._meant(column, "name one of its columns")
            yield Diagnostic(
                "VAL110",
                f"the frame has {columns} '{shown(column)}', which `{argument}` names",
                fix=advice,
            )

    def _computed(self, metric: str, but: str) -> Diagnostic:
        return Diagnostic(
            "VAL102",
            f"the metric '{metric}' is computed by its formula, and {but}",
            self.tree.places.span(("metrics", metric), key=True),
            metric=metric,
            fix="rename or drop the column, or choose targets that do not need the metric",
        )


_RESET: Final = "it is in the index of the frame: call `frame.reset_index()` first"

_ONE: Final = "rename or drop all but one"


def _mapped(metric: str, name: str) -> str:
    return f'columns={{"{metric}": "{shown(name, 100)}"}}'
