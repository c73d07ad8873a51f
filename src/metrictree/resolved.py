"""The resolved tree: spec, formulas and graph, checked together and immutable."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from metrictree.diagnostics import Diagnostic, Span, shown
from metrictree.errors import DefinitionError
from metrictree.formula import FUNCTIONS, Formula, Mode, read
from metrictree.graph import Graph
from metrictree.loader import Loaded, Places, quiet_collector
from metrictree.names import Suggester, did_you_mean
from metrictree.schema import FrozenDict, Metric
from metrictree.schema_errors import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from metrictree.formula import Fault
    from metrictree.limits import Limits
    from metrictree.plan import Plan
    from metrictree.schema import TestCase, TreeSpec

__all__ = ["ResolvedMeasure", "ResolvedTree", "resolve"]

_CYCLE_SHOWN = 12
_WORD = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*")
_HYPHENATED = re.compile(r"[a-z0-9_]+(?:-[a-z0-9_]+){1,9}")


@dataclass(frozen=True, slots=True)
class ResolvedMeasure:
    """A measure with its parsed parts."""

    source: str
    aggregate: Formula
    where: Formula | None


@dataclass(frozen=True, slots=True)
class ResolvedTree:
    """A tree without errors: every reference names a metric, and formulas form no cycle."""

    spec: TreeSpec
    formulas: Mapping[str, Formula]
    """The parsed formula of each metric that has one, with full ids."""
    measures: Mapping[str, ResolvedMeasure]
    """The parsed measure of each metric that has one."""
    overtime: Mapping[str, str]
    """For each formula that needs periods: the first function that does."""
    metrics: Mapping[str, Metric]
    """The metrics by id, in document order."""
    graph: Graph
    places: Places
    limits: Limits
    folder: Path | None = None
    """The folder from which sources are found; the current one for trees made in Python."""
    root: Path | None = None
    """The folder that sources must lie in; ``folder`` if it is not given."""
    files: tuple[Path, ...] = ()
    """The tree's own files, links followed."""
    plans: dict[tuple[str, ...] | None, Plan] = field(default_factory=dict, compare=False)
    """The last plans made of it, by their targets."""

    @property
    def north_star(self) -> str:
        """The id of the North Star."""
        return self.spec.north_star.metric


def resolve(loaded: Loaded) -> ResolvedTree:
    """Parse and check everything that needs several parts of a tree.

    Raises:
        DefinitionError: every problem of the tree, those of its documents included.
    """
    with quiet_collector():
        return _Resolving(loaded).resolve()


class _Resolving:
    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.spec = loaded.spec
        self.places = loaded.places
        self.problems = loaded.problems
        self.nodes = 0
        self.metrics = loaded.spec.metrics
        self.suggester = Suggester(self.metrics)
        self.labels: dict[str, str] | None = None
        self.formulas: dict[str, Formula] = {}
        self.measures: dict[str, ResolvedMeasure] = {}

    def resolve(self) -> ResolvedTree:
        self._read_formulas()
        self._read_measures()
        self._check_ranges()
        self._check_zones()
        self._resolve_references()
        graph = Graph(self.metrics, self._instant_inputs())
        for cycle in graph.cycles:
            self.problems.add(self._cycle(cycle))
        if self.problems:
            raise DefinitionError(self._in_reading_order())
        if any(not influence.lag for influence in self.spec.influences):
            inputs = {metric: formula.references for metric, formula in self.formulas.items()}
            graph = Graph(self.metrics, inputs)  # influences were in it for their cycles only
        spec = self._qualified_spec()
        return ResolvedTree(
            spec,
            MappingProxyType(self.formulas),
            MappingProxyType(self.measures),
            MappingProxyType(dict(self._overtime())),
            spec.metrics,
            graph,
            self.places,
            self.loaded.limits,
            self.loaded.folder,
            self.loaded.root,
            self.loaded.files,
        )

    def _in_reading_order(self) -> list[Diagnostic]:
        """Sort by place within each file, files in the order in which they were met.

        What a document's own problem makes of the same place is left out: a refused tag is no
        text, and a key that is no text is no id either.
        """
        files: dict[str, int] = {}
        told: dict[tuple[str, int], list[Span]] = {}
        for found in self.problems:
            if found.span is not None:
                files.setdefault(found.span.file, len(files))
                if found.code.startswith("DOC"):
                    told.setdefault((found.span.file, found.span.line), []).append(found.span)

        def is_told(found: Diagnostic) -> bool:
            span = found.span
            return span is not None and any(
                other.column <= span.column < max(other.end_column, other.column + 1)
                for other in told.get((span.file, span.line), ())
            )

        return sorted(
            (
                found
                for found in self.problems
                if found.code.startswith("DOC") or not is_told(found)
            ),
            key=lambda found: (
                (files[found.span.file], found.span.line, found.span.column)
                if found.span is not None
                else (len(files), 0, 0)
            ),
        )

    # --- formulas and measures

    def _read_formulas(self) -> None:
        limits = self.loaded.limits
        for metric, body in self.metrics.items():
            if self.problems.full:  # enough: a million mistakes would take their time
                return
            if body.formula is not None:
                formula, faults = read(body.formula, limits=limits)
                if formula is not None:
                    self.formulas[metric] = formula
                    self._count_nodes(metric, formula)
                else:
                    self._faults(metric, ("metrics", metric, "formula"), body.formula, faults)

    def _read_measures(self) -> None:
        limits = self.loaded.limits
        sources = Suggester(self.spec.sources)
        for metric, body in self.metrics.items():
            measure = body.measure
            if self.problems.full:
                return
            if measure is None:
                continue
            path = ("metrics", metric, "measure")
            source = self._full_name("metrics", metric, measure.source, self.spec.sources)
            if source is None:
                self.problems.add(
                    Diagnostic(
                        "GRA106",
                        f"unknown source '{shown(measure.source)}'",
                        self.places.span((*path, "source")),
                        metric=metric,
                        path=f"metrics.{metric}.measure.source",
                        fix=did_you_mean(sources.near(measure.source))
                        or "list it under `sources:`",
                    )
                )
            aggregate, faults = read(measure.aggregate, Mode.AGGREGATE, limits=limits)
            self._faults(metric, (*path, "aggregate"), measure.aggregate, faults)
            where = None
            if measure.where is not None:
                where, faults = read(measure.where, Mode.WHERE, limits=limits)
                self._faults(metric, (*path, "where"), measure.where, faults)
            for part in (aggregate, where):
                if part is not None:
                    self._count_nodes(metric, part)
            if aggregate is not None:
                self.measures[metric] = ResolvedMeasure(source or measure.source, aggregate, where)

    def _count_nodes(self, metric: str, formula: Formula) -> None:
        """End the reading where the formulas together become too large."""
        self.nodes += len(formula.nodes)
        most = self.loaded.limits.formula_nodes
        if self.nodes > most:
            span = self.places.span(("metrics", metric), key=True)
            message = (
                f"the formulas up to here have more than {most:,} numbers, names and operators"
            )
            fix = "split the tree, or raise the limit `formula_nodes`"
            raise DefinitionError([Diagnostic("FML118", message, span, metric=metric, fix=fix)])

    def _faults(self, metric: str, path: tuple[str, ...], text: str, faults: list[Fault]) -> None:
        for fault in faults:
            fix = fault.fix
            if fault.code == "FML106" and self.places.ends_at_comma(path):
                fix = "put all of it in quotes: inside of { } a comma ends a text"
            self.problems.add(
                Diagnostic(
                    fault.code,
                    fault.message,
                    self.places.span_within(path, text, fault.start, fault.end),
                    metric=metric,
                    path=".".join(path),
                    fix=fix,
                )
            )

    def _check_ranges(self) -> None:
        for metric, body in self.metrics.items():
            if body.value is not None and body.range is not None:
                low, high = body.range
                if (low is not None and body.value < low) or (
                    high is not None and body.value > high
                ):
                    self.problems.add(
                        Diagnostic(
                            "SCH111",
                            f"the value of '{metric}' is outside of its range",
                            self.places.span(("metrics", metric, "value")),
                            metric=metric,
                            path=f"metrics.{metric}.value",
                            fix="check the numbers",
                        )
                    )

    def _check_zones(self) -> None:
        asked: list[tuple[tuple[str, ...], str]] = [
            (("sources", name, "timezone"), source.timezone)
            for name, source in self.spec.sources.items()
            if source.timezone is not None
        ]
        if self.spec.timezone is not None:
            asked.append((("timezone",), self.spec.timezone))
        # A machine without a database of zones cannot tell.
        if not asked or not (zones := available_timezones()):
            return
        suggester = Suggester(zones)
        for path, zone in asked:
            if zone not in zones:
                self.problems.add(
                    Diagnostic(
                        "SCH118",
                        f"there is no time zone '{shown(zone)}'",
                        self.places.span(path),
                        path=".".join(path),
                        fix=did_you_mean(suggester.near(zone))
                        or "write one such as Europe/Berlin or UTC",
                    )
                )

    # --- references

    def _full_name(
        self, block: str, part: str | int, name: str, known: Mapping[str, object]
    ) -> str | None:
        """Return the full name that ``name`` has in a part: from its namespace outwards."""
        scope = self.loaded.scopes.get((block, part), "")
        while scope:
            if f"{scope}.{name}" in known:
                return f"{scope}.{name}"
            scope = scope.rpartition(".")[0]
        return name if name in known else None

    def _resolve_references(self) -> None:
        metrics, scopes = self.metrics, self.loaded.scopes
        known = metrics.keys()
        for metric, formula in self.formulas.items():
            references = formula.references
            if ("metrics", metric) in scopes:
                names = {
                    name: self._full_name("metrics", metric, name, metrics) or name
                    for name in references
                }
                self.formulas[metric] = formula.renamed(names.__getitem__)
                references = self.formulas[metric].references
            if self.problems.full:
                break
            if not known >= set(references) or metric in references:
                self._bad_references(metric, self.formulas[metric])
        north_star = self.spec.north_star
        self._must_exist(north_star.metric, ("north_star", "metric"), "the North Star")
        for position, outcome in enumerate(north_star.leads):
            self._must_exist(outcome, ("north_star", "leads", position), "an outcome")
        self._resolve_influences()
        self._resolve_tests()

    def _resolve_influences(self) -> None:
        influences = []
        pairs = set()
        for position, influence in enumerate(self.spec.influences):
            ends = {}
            for end, name in (("from_", influence.from_), ("to", influence.to)):
                full = self._full_name("influences", position, name, self.metrics)
                path = ("influences", position, end.rstrip("_"))
                if full is None:
                    self._must_exist(name, path, "an end of this influence")
                ends[end] = full or name
            pair = ends["from_"], ends["to"]
            if pair in pairs:
                self.problems.add(
                    Diagnostic(
                        "GRA107",
                        f"an influence from '{shown(pair[0])}' to '{shown(pair[1])}' is listed "
                        "already",
                        self.places.span(("influences", position)),
                        path=f"influences[{position}]",
                        fix="keep one of them",
                    )
                )
            pairs.add(pair)
            influences.append(influence.model_copy(update=ends))
        if influences:
            self.spec = self.spec.model_copy(update={"influences": tuple(influences)})

    def _resolve_tests(self) -> None:
        if self.spec.tests:
            tests = tuple(
                self._with_known_metrics(position, test)
                for position, test in enumerate(self.spec.tests)
            )
            self.spec = self.spec.model_copy(update={"tests": tests})

    def _with_known_metrics(self, position: int, test: TestCase) -> TestCase:
        """Return a test that names metrics and sources by their full ids; tell unknown metrics."""

        def known(values: Mapping[str, Any] | None, *path: str | int) -> FrozenDict | None:
            """Return values by full id."""
            if values is None:
                return None
            named = {}
            for name, value in values.items():
                full = self._full_name("tests", position, name, self.metrics)
                if full is None:
                    where = ("tests", position, *path, name)
                    self._must_exist(name, where, "a tested metric", key=True)
                named[full or name] = value
            return FrozenDict(named)

        update: dict[str, Any] = {
            part: known(getattr(test, part), part) for part in ("given", "expect", "matrix")
        }
        if test.cases is not None:
            update["cases"] = tuple(
                row.model_copy(
                    update={
                        part: known(getattr(row, part), "cases", number, part)
                        for part in ("given", "expect")
                    }
                )
                for number, row in enumerate(test.cases)
            )
        if ("tests", position) in self.loaded.scopes:
            update |= self._in_scope(position, test)
        return test.model_copy(update=update)

    def _in_scope(self, position: int, test: TestCase) -> dict[str, Any]:
        """Return the other parts of an included test, with full ids where short ones stand."""

        def full(name: str, known: Mapping[str, object]) -> str:
            return self._full_name("tests", position, name, known) or name

        update: dict[str, Any] = {}
        if test.property is not None:
            update["property"] = _WORD.sub(lambda word: full(word[0], self.metrics), test.property)
        if test.given_rows is not None:
            sources = self.spec.sources
            rows = {full(name, sources): rows for name, rows in test.given_rows.items()}
            update["given_rows"] = FrozenDict(rows)
        if test.expect_rows is not None:
            update["expect_rows"] = tuple(
                FrozenDict({full(name, self.metrics): value for name, value in row.items()})
                for row in test.expect_rows
            )
        return update

    def _must_exist(
        self, name: str, path: tuple[str | int, ...], what: str, *, key: bool = False
    ) -> None:
        if name in self.metrics or self._excused(name):
            return
        self.problems.add(
            Diagnostic(
                "GRA101",
                f"{what} is '{shown(name)}', and no metric has this id",
                self.places.span(path, key=key),
                path=dotted(path),
                fix=self._suggestion(name),
            )
        )

    def _excused(self, name: str) -> bool:
        """Whether a name may be unknown because of a problem that is told already."""
        return name in self.loaded.broken or not self.loaded.complete

    def _suggestion(self, name: str) -> str:
        near = self.suggester.near(name)
        if not near:
            if self.labels is None:
                self.labels = {
                    body.label.casefold(): metric
                    for metric, body in self.metrics.items()
                    if body.label
                }
            labelled = self.labels.get(name.replace("_", " ").casefold())
            if labelled:
                return f"formulas use ids: '{shown(name)}' is the label of {labelled}"
            word = {"None": "null", "NaN": "null", "nan": "null", "True": "1", "False": "0"}
            if name in word:
                return f"write {word[name]}"
        return did_you_mean(near) or "add it under `metrics:`, or check the spelling"

    def _bad_references(self, metric: str, formula: Formula) -> None:
        path = ("metrics", metric, "formula")
        told = set()
        behind = 0
        for op, _, name, start, end in formula.nodes:
            if op != "ref" or name in told or start < behind or self.problems.full:
                continue
            if name == metric:
                code, message = "GRA103", f"metric '{metric}' is made of itself"
                advice = "a formula cannot use its own metric"
            elif name not in self.metrics and not self._excused(name):
                code, message = "GRA101", f"unknown metric '{shown(name)}'"
                advice = _misplaced(metric) or self._suggestion(name)
                hyphenated = _HYPHENATED.match(formula.text, start)
                meant = hyphenated.group().replace("-", "_") if hyphenated else ""
                if hyphenated and meant in self.metrics:
                    advice = f"did you mean {meant}? A hyphen is a minus"
                    behind = hyphenated.end()
            else:
                continue
            told.add(name)
            self.problems.add(
                Diagnostic(
                    code,
                    message,
                    self.places.span_within(path, formula.text, start, max(end, behind)),
                    metric=metric,
                    path=f"metrics.{metric}.formula",
                    fix=advice,
                )
            )

    def _overtime(self) -> Iterator[tuple[str, str]]:
        for metric, formula in self.formulas.items():
            for node in formula.nodes:
                if node[0] == "call" and FUNCTIONS[node[2]].over_time:
                    yield metric, node[2]
                    break

    # --- the graph

    def _instant_inputs(self) -> dict[str, tuple[str, ...]]:
        """Return what each metric depends on within one period: no cycle may run through these."""
        inputs = {
            metric: tuple(
                name for name in formula.references if name != metric and name in self.metrics
            )
            for metric, formula in self.formulas.items()
        }
        causes: dict[str, list[str]] = {}
        for influence in self.spec.influences:
            ends_known = influence.from_ in self.metrics and influence.to in self.metrics
            if influence.lag == 0 and ends_known:
                causes.setdefault(influence.to, []).append(influence.from_)
        for metric, more in causes.items():
            inputs[metric] = (*inputs.get(metric, ()), *more)
        return inputs

    def _cycle(self, cycle: tuple[str, ...]) -> Diagnostic:
        names = [*cycle, cycle[0]]
        if len(cycle) > _CYCLE_SHOWN:
            left = len(cycle) - 7
            names = [*cycle[:5], f"... {left:,} more ...", *cycle[-2:], cycle[0]]
        metric, below = cycle[0], cycle[1 % len(cycle)]
        formula = self.formulas.get(metric)
        span = self.places.span(("metrics", metric), key=True)
        path = f"metrics.{metric}"
        advice = "take one of these metrics out of a formula of the others"
        node = formula.reference(below) if formula is not None else None
        if formula is not None and node is not None:
            where = ("metrics", metric, "formula")
            span = self.places.span_within(where, formula.text, node.start, node.end)
            path += ".formula"
        else:
            advice = "give an influence in it a lag of at least 1, as a growth loop has"
        return Diagnostic(
            "GRA102",
            f"these metrics form a cycle: {' <- '.join(names)}",
            span,
            metric=metric,
            path=path,
            fix=advice,
        )

    # --- the spec with full names

    def _qualified_spec(self) -> TreeSpec:
        """Return the spec in which included metrics name each other by their full ids."""
        if not self.loaded.scopes:
            return self.spec
        metrics = dict(self.metrics)
        for block, metric in self.loaded.scopes:
            if block != "metrics" or not isinstance(metric, str):
                continue
            body = metrics[metric]
            if body.formula is not None:
                text = _with_full_names(self.formulas[metric])
                metrics[metric] = body.model_copy(update={"formula": text})
            elif body.measure is not None:
                measure = body.measure.model_copy(update={"source": self.measures[metric].source})
                metrics[metric] = body.model_copy(update={"measure": measure})
        return self.spec.model_copy(update={"metrics": FrozenDict(metrics)})


def _misplaced(metric: str) -> str | None:
    """Return what to do about a metric with the name of a field, if it has one."""
    if metric not in Metric.model_fields:
        return None
    return f"`{metric}` is a field of a metric: indent it below the metric that it belongs to"


def _with_full_names(formula: Formula) -> str:
    """Return the formula's own text with full ids in place of the short ones."""
    pieces: list[str] = []
    at = 0
    references = sorted(
        (node.start, node.end, node.value) for node in formula.nodes if node.op == "ref"
    )
    for start, end, name in references:
        # The span of a reference in brackets includes them.
        written = formula.text[start:end]
        inner = written.strip("( )\t\r\n")
        pieces += [formula.text[at:start], written.replace(inner, name, 1)]
        at = end
    return "".join([*pieces, formula.text[at:]])
