"""The tests of a tree against each of its mutants: only those that can see what is changed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from metrictree.diagnostics import Diagnostic, legible, shown
from metrictree.errors import DefinitionError, UsageError
from metrictree.formula.printer import number_text
from metrictree.names import Suggester, did_you_mean
from metrictree.render.findings import counted
from metrictree.schema_errors import dotted
from metrictree.testing.case import Kind, Status
from metrictree.testing.collect import collect
from metrictree.testing.coverage import Coverage, CoverageRecorder
from metrictree.testing.mutation.mutants import mutants_of, tree_with
from metrictree.testing.mutation.report import Fate, MutationReport, Verdict
from metrictree.testing.mutation.row_samples import RowSample, rows_differ, tell_rows_apart
from metrictree.testing.mutation.samples import Sample, can_compare, differs, tell_apart
from metrictree.testing.properties import replay, search
from metrictree.testing.properties.sentences import below, read_sentence
from metrictree.testing.runner import run_case
from metrictree.testing.yaml_case import yaml_case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from metrictree.resolved import ResolvedTree
    from metrictree.testing.case import Case, Outcome, TestValue
    from metrictree.testing.evaluation import Evaluation
    from metrictree.testing.mutation.mutants import Mutant
    from metrictree.testing.properties import Examples

__all__ = ["mutate"]

_SLOW: Final = (Kind.ROWS, Kind.PROPERTY)
"""Cases that wait until quicker ones have had a look."""
_LONGEST: Final = 80
"""Characters of the name of a test."""
_ALGEBRA: Final = "the same by algebra"
_SAMPLES: Final = "the same for all values inside of the ranges that were tried"
_ROWS: Final = "the same for all rows that were tried"


def mutate(
    tree: ResolvedTree,
    *,
    metrics: Iterable[str] | None = None,
    progress: Callable[[str, float | None], None] | None = None,
) -> MutationReport:
    """Return whether the tests of a tree notice small mistakes in its definitions.

    ``metrics`` are those whose definitions are changed; all of them if absent. ``progress`` is told
    the metric at hand, and the share of the work that is done.

    Raises:
        UsageError: a metric is unknown, or has no formula and no measure.
        DefinitionError: a test has mistakes, or does not pass as the tree is.
    """
    return _Mutating(tree, progress).report(_chosen(tree, metrics))


def _chosen(tree: ResolvedTree, metrics: Iterable[str] | None) -> list[str]:
    defined = [one for one in tree.metrics if one in tree.formulas or one in tree.measures]
    if metrics is None:
        return defined
    chosen = [metrics] if isinstance(metrics, str) else list(metrics)
    for metric in chosen:
        if metric not in tree.metrics:
            near = did_you_mean(Suggester(tree.metrics).near(str(metric)))
            message = f"the tree has no metric '{shown(metric)}'"
            raise UsageError([Diagnostic("VAL110", message, fix=near or "give ids of metrics")])
        if metric not in defined:
            message = f"'{metric}' has no formula and no measure that could be changed"
            advice = "choose metrics that are computed"
            raise UsageError([Diagnostic("VAL110", message, metric=metric, fix=advice)])
    return [metric for metric in defined if metric in chosen]


class _Mutating:
    def __init__(
        self, tree: ResolvedTree, progress: Callable[[str, float | None], None] | None
    ) -> None:
        self.tree = tree
        self.tell = progress or (lambda _metric, _share: None)
        self.seers: defaultdict[str, list[Case]] = defaultdict(list)
        """The cases that compute a metric, the quickest first."""
        self.judges: list[Case] = []
        """The cases that look at the tree as a whole."""
        self.killers: defaultdict[str, list[tuple[Sample, str]]] = defaultdict(list)
        """Values for which a metric differs from a mutant that survived, and a test of them."""
        self.row_killers: defaultdict[str, list[tuple[RowSample, str]]] = defaultdict(list)
        self.names = {test.name: 1 for test in tree.spec.tests}
        self.examples: dict[str, Examples] = {}
        """What the searches of properties have looked at."""
        self.recorder = CoverageRecorder(tree)
        self.tests = 0

    def report(self, metrics: Sequence[str]) -> MutationReport:
        started = perf_counter()
        self._run_tests()
        verdicts: list[Verdict] = []
        for number, metric in enumerate(metrics):
            self.tell(metric, number / len(metrics))
            verdicts += self._verdicts(metric)
        coverage = Coverage(
            tuple(one for one in self.recorder.coverage().metrics if one.metric in metrics)
        )
        seconds = perf_counter() - started
        return MutationReport(tuple(verdicts), len(metrics), self.tests, coverage, seconds)

    # --- the tree as it is

    def _run_tests(self) -> None:
        """Run all tests, and see what each one computes.

        Raises:
            DefinitionError: a test has mistakes, or does not pass.
        """
        tree = self.tree
        collected = collect(tree)
        if collected.problems:
            raise DefinitionError(collected.problems)
        seen: dict[str, list[str]] = {}

        def watch(case: Case, evaluation: Evaluation) -> None:
            seen[case.name] = evaluation.computed

        problems = []
        for case in collected.cases:
            if case.skip is not None:
                continue
            self.tests += 1
            if case.kind is Kind.PROPERTY:
                outcome, self.examples[case.name] = search(tree, case)
            else:
                outcome = run_case(tree, case, watch=watch)
            if outcome.status is not Status.PASSED:
                problems.append(_not_passed(outcome))
                continue
            self.recorder.see(case, self.examples.get(case.name))
            if case.name in seen:
                computed: Iterable[str] = seen[case.name]
            elif case.kind is Kind.ERROR and case.test.given_rows is None:
                self.judges.append(case)
                continue
            else:
                computed = _below(tree, case)
            for metric in computed:
                self.seers[metric].append(case)
        if problems:
            raise DefinitionError(problems)
        for cases in self.seers.values():
            cases.sort(key=lambda case: case.kind in _SLOW)

    # --- one mutant

    def _verdicts(self, metric: str) -> list[Verdict]:
        """Return what becomes of the mutants of a metric, with tests for those that survive.

        Those that refer to more than the metric does come last: a test of the others does not give
        that, and notices them.
        """
        verdicts = [self._verdict(mutant) for mutant in mutants_of(self.tree, metric)]
        survivors = [at for at, one in enumerate(verdicts) if one.fate is Fate.SURVIVED]
        survivors.sort(key=lambda at: bool(self._more(verdicts[at].mutant)))
        for number, at in enumerate(survivors):
            others = [verdicts[one].mutant for one in survivors[number + 1 :]]
            look = self._values if verdicts[at].mutant.part == "formula" else self._rows
            verdicts[at] = look(verdicts[at], others)
        return verdicts

    def _verdict(self, mutant: Mutant) -> Verdict:
        if mutant.same:
            return Verdict(mutant, Fate.EQUIVALENT, why=_ALGEBRA)
        changed = tree_with(self.tree, mutant)
        cases = self.seers[mutant.metric]
        for case in (*cases, *self.judges):
            if not self._passes(changed, case):
                return Verdict(mutant, Fate.KILLED, killed_by=case.name)
        return Verdict(mutant, Fate.SURVIVED, seen_by=tuple(case.name for case in cases))

    def _values(self, verdict: Verdict, others: Sequence[Mutant]) -> Verdict:
        """Return a survivor with a test of values, if there are any that tell it apart."""
        mutant = verdict.mutant
        metric, formula = mutant.metric, mutant.formula
        assert formula is not None, "only a `where` can be gone"
        original = self.tree.formulas[metric]
        killers = self.killers[metric]
        more = self._more(mutant)
        for sample, test in killers:
            if more - sample.given.keys() or differs(sample, formula):
                return replace(verdict, case=test)
        if not can_compare(original, formula):
            return verdict
        metrics = self.tree.metrics
        rivals = [one.formula for one in others if one.formula is not None]
        found = tell_apart(original, formula, metrics, others=rivals, metric=metrics[metric])
        if found is None:
            return Verdict(mutant, Fate.EQUIVALENT, why=_SAMPLES)
        given = {name: value for name, value in found.given.items() if name not in more}
        sample = found._replace(given=given)
        written = sample._replace(given=self._given(sample))
        test = self._suggested(_name(metric, written), metric, written)
        killers.append((sample, test))
        return replace(verdict, case=test)

    def _given(self, sample: Sample) -> dict[str, TestValue]:
        """Return what a test has to give: constants stand without it, and a test shows theirs."""
        given = {}
        for name, value in sample.given.items():
            values = set(value) if isinstance(value, tuple) else {value}
            if values != {self.tree.metrics[name].value} or None in values:
                given[name] = value
        return given or sample.given

    def _more(self, mutant: Mutant) -> set[str]:
        """Return what only a mutant refers to, and a test has to give: without it, it breaks."""
        if mutant.part != "formula" or mutant.formula is None:
            return set()
        tree = self.tree
        used = tree.formulas[mutant.metric].references
        return {
            name
            for name in set(mutant.formula.references) - set(used)
            if any(
                one not in tree.formulas and tree.metrics[one].value is None
                for one in below(tree, {name}, dict.fromkeys(used))
            )
        }

    def _passes(self, changed: ResolvedTree, case: Case) -> bool:
        """Return whether a case does not notice; of a property, what was looked at before is."""
        examples = self.examples.get(case.name)
        if examples is not None:
            return replay(changed, case, examples)
        return run_case(changed, case).status is Status.PASSED

    def _rows(self, verdict: Verdict, others: Sequence[Mutant]) -> Verdict:
        """Return a survivor with a test of rows, if there are any that tell it apart."""
        metric, changed = verdict.mutant.metric, tree_with(self.tree, verdict.mutant)
        killers = self.row_killers[metric]
        case = next((text for one, text in killers if rows_differ(one, changed, metric)), None)
        if case is None:
            trees = [tree_with(self.tree, other) for other in others]
            sample, compared = tell_rows_apart(self.tree, changed, metric, trees)
            if sample is not None:
                case = self._suggested(_name_of_rows(metric, sample), metric, sample)
                killers.append((sample, case))
            elif compared:
                return Verdict(verdict.mutant, Fate.EQUIVALENT, why=_ROWS)
        return replace(verdict, case=case)

    def _suggested(self, name: str, metric: str, sample: Sample | RowSample) -> str:
        """Return a test in YAML, with a name that no other one has."""
        number = self.names[name] = self.names.get(name, 0) + 1
        test: dict[str, Any] = {"name": name if number == 1 else f"{name} ({number})"}
        if isinstance(sample, RowSample):
            test["given_rows"] = {sample.source: sample.rows}
        else:
            test["given"] = sample.given
        return yaml_case({**test, "expect": {metric: _readable(sample.expect)}})


def _readable(value: TestValue) -> TestValue:
    """Return what is expected without the digits that only rounding has made."""
    if isinstance(value, tuple):
        return tuple(map(_rounded, value))
    return _rounded(value)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.12g}")


def _not_passed(outcome: Outcome) -> Diagnostic:
    """Return why mutants cannot be judged by a test."""
    case = outcome.case
    told = [failure.message for failure in outcome.failures]
    told += [f"{found.code} {found.message}" for found in outcome.problems]
    return Diagnostic(
        "TST151",
        f"the test '{legible(case.name)}' does not pass as the tree is: {told[0]}",
        case.span,
        path=dotted(case.path),
        fix="let it pass first, as `metrictree test` shows; or skip it with a reason",
    )


def _below(tree: ResolvedTree, case: Case) -> set[str]:
    """Return what a case computes that has rows or a property."""
    asked = set(case.expect)
    if case.test.property is not None:
        sentence, _ = read_sentence(case.test.property, tree, given=case.given)
        assert sentence is not None, "it passed"
        asked |= {name for part in sentence.parts for name in part.references}
    for row in case.test.expect_rows or ():
        asked |= tree.metrics.keys() & row.keys()
    if case.kind is Kind.ERROR:
        asked |= set(tree.metrics)
    return below(tree, asked, case.given) - set(case.given)


def _name(metric: str, sample: Sample) -> str:
    """Return what is special about a test of values."""
    expect, given = sample.expect, sample.given
    series = isinstance(expect, tuple)
    values = {
        name: value if isinstance(value, tuple) else (value,) for name, value in given.items()
    }
    gaps = [name for name, one in values.items() if None in one]
    if gaps:
        where = " in a period" if series else ""
        return _short(f"{metric} without {' and '.join(gaps)}{where}", f"{metric} with gaps")
    if isinstance(expect, tuple):
        there = [at for at, value in enumerate(expect, 1) if value is not None]
        if not there:
            return f"{metric} needs more than {counted(len(expect), 'period')}"
        return f"{metric} from period {there[0]} on" if there[0] > 1 else f"{metric} by period"
    zeros = [name for name, one in values.items() if set(one) == {0.0}]
    if zeros and len(values) > 1:
        return _short(f"{metric} with no {' and no '.join(zeros)}", f"{metric} with zeros")
    return _told(f"{metric} for", given)


def _short(name: str, instead: str) -> str:
    return name if len(name) <= _LONGEST else instead


def _name_of_rows(metric: str, sample: RowSample) -> str:
    """Return what is special about a test of rows."""
    rows = len(sample.rows)
    if sample.counted is not None and sample.counted < rows:
        return f"{metric} counts {sample.counted:,} of {counted(rows, 'row')}"
    if rows > 1:
        return f"{metric} of {counted(rows, 'row')}"
    return _told(f"{metric} of a row with", sample.rows[0])


def _word(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return str(value).lower()
    return number_text(float(value)) if isinstance(value, (int, float)) else str(value)


def _told(begin: str, values: Mapping[str, Any]) -> str:
    told = [f"{name}={_word(value)}" for name, value in values.items()]
    name = f"{begin} {', '.join(told)}"
    return name if len(name) <= _LONGEST else f"{begin} {told[0]} and others"
