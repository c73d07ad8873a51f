"""The verb `test`."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

from metrictree.cli.common import format_option, path, root_option, style_of
from metrictree.cli.selection import matcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from metrictree.diagnostics import Diagnostic
    from metrictree.resolved import ResolvedTree
    from metrictree.testing.case import Case, Outcome
    from metrictree.testing.coverage import CoverageRecorder
    from metrictree.testing.generated import Generated


@click.command("test")
@click.argument("paths", metavar="[FILE or FOLDER]...", nargs=-1, type=path)
@click.option(
    "-k",
    "keyword",
    metavar="EXPR",
    help='Only tests whose names, files or tags hold these words: "rate and not slow".',
)
@click.option(
    "--tag", "tags", multiple=True, metavar="TAG", help="Only tests with this tag; may be repeated."
)
@click.option("-x", "--exitfirst", is_flag=True, help="Stop after the first one that fails.")
@click.option("--coverage", is_flag=True, help="Show what of the definitions the tests touch.")
@click.option(
    "--generate",
    is_flag=True,
    help="Run no tests: look for what contradicts the tree's own words, and print it as tests.",
)
@root_option
@format_option("text", "json", "junit", "github")
@click.pass_context
def command(  # noqa: PLR0917 - click passes them by name
    ctx: click.Context,
    paths: tuple[Path, ...],
    keyword: str | None,
    tags: tuple[str, ...],
    exitfirst: bool,  # noqa: FBT001 - a flag
    coverage: bool,  # noqa: FBT001 - a flag
    generate: bool,  # noqa: FBT001 - a flag
    root: Path | None,
    form: str,
) -> None:
    """Run the tests of definitions.

    They stand in the tree below `tests:`, or beside it in a file such as shop.metrictest.yml, which
    runs with its tree. Without arguments all tests below the current folder run. pytest runs the
    same tests.

    Exits with 1 if a test fails or cannot run, or if --generate finds something; with 2 if there is
    nothing to run.

    \b
    Examples:
      metrictree test
      metrictree test shop.yml -x
      metrictree test trees -k "rate and not slow" --format junit > tests.xml
      metrictree test shop.yml --generate
    """  # noqa: D301 - click takes \b for text that is not wrapped
    if generate and (keyword is not None or tags or exitfirst or coverage):
        raise click.UsageError("--generate runs no tests: leave -k, --tag, -x and --coverage out.")
    if (generate or coverage) and form not in {"text", "json"}:
        what = "--generate" if generate else "--coverage"
        raise click.UsageError(f"{what} is written as text or as --format json.")
    fits = matcher(keyword) if keyword is not None else None
    if generate:
        ctx.exit(_generate(_found(paths, trees=True), root, form))
    run = _Run(fits, frozenset(tags), exitfirst, coverage)
    for file in _found(paths, trees=False):
        if not run.stopped:
            run.add(file, root, named=file in paths)
    if not run.outcomes:
        raise click.UsageError(run.nothing())
    click.echo(run.written(form), nl=form != "junit")
    ctx.exit(run.failed)


def _found(paths: Sequence[Path], *, trees: bool) -> list[Path]:
    """Return the files that are named, those of tests beside them, and those in folders."""
    from metrictree.loader import files_of_tests
    from metrictree.testing.discovery import (
        find_files,
        is_test_file,
        may_hold_tests,
        may_hold_tree,
    )

    wanted = may_hold_tree if trees else may_hold_tests
    files: list[Path] = []
    for each in paths or (Path(),):
        if each.is_dir():
            files += filter(wanted, find_files(each))
            continue
        beside = files_of_tests(each) if each.is_file() and not is_test_file(each) else []
        files += sorted([each, *beside])  # as in a folder
    if not files:
        where = ", ".join(map(str, paths)) or "the current folder"
        what = "tree" if trees else "test"
        advice = (
            "write one with `metrictree new`"
            if trees
            else "write `tests:` into a tree, or into a file such as shop.metrictest.yml beside it"
        )
        raise click.UsageError(f"There is no {what} in {where}: {advice}.")
    return list(dict.fromkeys(files))


@dataclass
class _Run:
    """The tests of several files."""

    fits: Callable[[str], bool] | None
    tags: frozenset[str]
    exitfirst: bool
    covers: bool
    files: dict[Path, list[Outcome]] = field(default_factory=dict)
    left_out: int = 0
    stopped: bool = False
    recorders: dict[frozenset[Path], CoverageRecorder] = field(default_factory=dict)
    """By the files of a tree: what all tests of it touch counts together."""
    started: float = field(default_factory=perf_counter)

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for outcomes in self.files.values() for outcome in outcomes]

    @property
    def failed(self) -> bool:
        return any(outcome.status in {"failed", "broken"} for outcome in self.outcomes)

    def add(self, file: Path, root: Path | None, *, named: bool) -> None:
        """Run the tests of a file; of one that was only found, nobody expects any."""
        from metrictree.errors import DefinitionError
        from metrictree.testing.loading import load_cases
        from metrictree.testing.repair import Repairs
        from metrictree.testing.runner import run_case

        try:
            tree, cases = load_cases(file, root=root)
        except DefinitionError as error:
            self.files[file] = [_unsound(file, error.diagnostics)]
            self.stopped = self.exitfirst
            return
        chosen = [case for case in cases if self._selects(case)]
        self.left_out += len(cases) - len(chosen)
        if not chosen and (cases or not named):
            return
        outcomes = self.files[file] = []
        repairs = Repairs(tree, cases)
        for case in chosen:
            outcomes.append(repairs.of(run_case(tree, case)))
            if self.covers:
                self._cover(tree, case)
            if self.exitfirst and outcomes[-1].status in {"failed", "broken"}:
                self.stopped = True
                return

    def _selects(self, case: Case) -> bool:
        if self.tags and self.tags.isdisjoint(case.tags):
            return False
        file = case.span.file if case.span is not None else ""
        return self.fits is None or self.fits("\n".join((file, case.name, *case.tags)))

    def _cover(self, tree: ResolvedTree, case: Case) -> None:
        """Note what a case touches."""
        from metrictree.errors import MetricTreeError
        from metrictree.testing.coverage import CoverageRecorder

        key = _files_of(tree)
        recorder = self.recorders.get(key)
        if recorder is None:
            recorder = self.recorders[key] = CoverageRecorder(tree)
        if case.skip is None:
            try:
                recorder.see(case)
            except MetricTreeError:
                return  # a broken case, which its outcome tells of

    def nothing(self) -> str:
        """Return why there is nothing to tell."""
        if self.left_out:
            return f"None of {self.left_out:,} tests is chosen by -k or --tag."
        files = ", ".join(str(file) for file in self.files) or "the files found"
        return (
            f"There is no test in {files}: write `tests:` into a tree, or into a file such as "
            "shop.metrictest.yml beside it."
        )

    def written(self, form: str) -> str:
        from metrictree.render.outcomes import (
            outcomes_github,
            outcomes_json,
            outcomes_junit,
        )

        seconds = perf_counter() - self.started
        if form == "junit":
            return outcomes_junit(self.outcomes, seconds)
        if form == "github":
            return outcomes_github(self.outcomes, seconds)
        if form == "text":
            return self._text(seconds)
        if not self.covers:
            return outcomes_json(self.outcomes)
        told = {
            "tests": [outcome.to_dict() for outcome in self.outcomes],
            "coverage": {
                _tree_file(recorder.tree): recorder.coverage().to_dict()
                for recorder in self.recorders.values()
            },
        }
        return json.dumps(told, indent=2)

    def _text(self, seconds: float) -> str:
        from metrictree.render.outcomes import outcome_summary, render_outcomes

        style = style_of(sys.stdout)
        names = {file: style.show(file) for file in self.files}
        width = max(map(len, names.values()))
        lines = [
            f"{names[file]:<{width}}  {outcome_summary(outcomes, style=style)}"
            for file, outcomes in self.files.items()
        ]
        if self.left_out:
            lines.append(f"{self.left_out:,} more not chosen")
        blocks = ["\n".join(lines), render_outcomes(_told_once(self.outcomes), seconds, style)]
        if self.covers:
            from metrictree.render.coverage import render_coverage
        for recorder in self.recorders.values():
            name = style.show(_tree_file(recorder.tree))
            title = [style.paint(name, "bold")] if len(self.recorders) > 1 else []
            blocks.append("\n".join([*title, render_coverage(recorder.coverage(), style)]))
        if self.stopped:
            blocks.append("Stopped after the first one that failed (-x).")
        return "\n\n".join(blocks)


def _files_of(tree: ResolvedTree) -> frozenset[Path]:
    """Return the files of a tree itself, without files of tests beside it."""
    from metrictree.testing.discovery import is_test_file

    return frozenset(file for file in tree.files if not is_test_file(file))


def _tree_file(tree: ResolvedTree) -> str:
    """Return the name of the first file of a tree."""
    from metrictree.render.files import file_name

    span = tree.places.span(("north_star",))
    assert span is not None  # it came from a file
    return file_name(span.file)


def _unsound(file: Path, problems: Iterable[Diagnostic]) -> Outcome:
    """Return what is told of a file with mistakes: a broken test, so that no format lacks it."""
    from metrictree.schema import TestCase
    from metrictree.testing.case import Case, Kind, Outcome, Status

    problems = tuple(problems)
    name = f"the tests of {file}{_not_run(file, problems)}"
    case = Case(name, Kind.VALUES, TestCase(name=name), (), problems[0].span)
    return Outcome(case, Status.BROKEN, problems=problems)


def _not_run(file: Path, problems: Sequence[Diagnostic]) -> str:
    """Return how many tests of a file do not run for the mistakes of others, in brackets."""
    from metrictree.errors import DefinitionError
    from metrictree.limits import DEFAULT_LIMITS
    from metrictree.loader.files import Files

    try:
        data = Files(DEFAULT_LIMITS).read(file, str(file)).data
    except DefinitionError:
        return ""
    tests = data.get("tests") if isinstance(data, dict) else None
    here = [one for one in problems if one.span is not None and one.span.file == str(file)]
    wrong = {found[0] for one in here if (found := re.match(r"tests\[[0-9]+\]", one.path or ""))}
    count = len(tests) - len(wrong) if isinstance(tests, list) else 0
    if count <= 0:
        return ""
    other = "other " if wrong else ""
    return (
        f" (its {other}test does not run)"
        if count == 1
        else (f" (its {count:,} {other}tests do not run)")
    )


def _told_once(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return outcomes for readers: the mistakes of a tree in full where they stand first."""
    found, told = [], set()
    for outcome in outcomes:
        new = tuple(one for one in outcome.problems if str(one) not in told)
        if outcome.problems and not new and not outcome.case.path:
            first = outcome.problems[0]
            message = "the mistakes that are told above stand in its tree"
            new = (replace(first, message=message, span=None, path=None, fix=None),)
            outcome = replace(outcome, problems=new)  # noqa: PLW2901 - the same, in short
        if not outcome.case.path:
            told |= {str(one) for one in outcome.problems}
        found.append(outcome)
    return found


def _generate(files: Sequence[Path], root: Path | None, form: str) -> bool:
    """Print what contradicts the trees, each with a test that shows it; return whether any does.

    What the tests of one file speak about is left out, in whichever file of a tree they stand.
    """
    from metrictree.render.generated import generated_json, render_generated
    from metrictree.testing.generated import generate
    from metrictree.testing.loading import load_whole

    found: dict[frozenset[Path], tuple[Generated, ...]] = {}
    metrics: dict[frozenset[Path], int] = {}
    for file in files:
        tree = load_whole(file, root=root)
        key = _files_of(tree)
        checks = generate(tree)
        if key in found:
            told = {(one.metric, one.message) for one in checks}
            checks = tuple(one for one in found[key] if (one.metric, one.message) in told)
        found[key], metrics[key] = checks, len(tree.metrics)
    listed = [one for checks in found.values() for one in checks]
    if form == "json":
        click.echo(generated_json(listed))
    else:
        click.echo(render_generated(listed, sum(metrics.values()), style_of(sys.stdout)))
    return bool(listed)
