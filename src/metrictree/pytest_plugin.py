"""Tests of definitions as pytest items; loads nothing of the package until one is collected."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _pytest._code.code import TerminalRepr

    from metrictree.diagnostics import Diagnostic
    from metrictree.resolved import ResolvedTree
    from metrictree.testing.case import Case, Outcome
    from metrictree.testing.repair import Repairs
    from metrictree.tree import MetricTree

__all__ = ["metric_tree"]

_MARKER: Final = "metrictree"
"""What every test of a definition is marked with."""
_WORD: Final = re.compile(r"[^\W_][\w.+-]*")
"""What the option -m of pytest can name."""
_TAKEN: Final = frozenset(
    (
        *("and", "or", "not", "True", "False", "None"),  # words of the option -m
        *("filterwarnings", "parametrize", "skip", "skipif", "usefixtures", "xfail"),
        *("parameterise", "parameterize", "parametrise"),  # refused by pytest
    )
)
"""What means something to pytest already: a tag with such a name is looked for with -k only."""
_TREES: Final = pytest.StashKey[dict[Path, "MetricTree"]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare where the fixture `metric_tree` finds its tree."""
    parser.addini("metric_tree", "The file of the tree of the fixture metric_tree.", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    for line in (
        f"{_MARKER}: a test of a metric definition, from a YAML file.",
        "metric_tree(path): the tree of the fixture metric_tree, from this file's folder.",
    ):
        config.addinivalue_line("markers", line)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> MetricFile | None:
    """Collect the files of tests, and the trees that hold some."""
    if file_path.suffix not in {".yml", ".yaml"}:
        return None
    from metrictree.testing.discovery import may_hold_tests

    if not may_hold_tests(file_path):
        return None
    file: MetricFile = MetricFile.from_parent(parent, path=file_path)
    return file


class MetricFile(pytest.File):
    """A file that holds tests of definitions."""

    def collect(self) -> Iterator[MetricTest]:
        """Yield the tests; mistakes are told with their places, and no traceback."""
        from metrictree.diagnostics import visible
        from metrictree.errors import MetricTreeError
        from metrictree.testing.loading import load_cases
        from metrictree.testing.repair import Repairs

        try:
            tree, cases = load_cases(_near(self.path), root=_root(self.config, self.path))
        except MetricTreeError as error:
            raise self.CollectError(_told(error.diagnostics)) from None
        marks = _Marks(self.config)
        repairs = Repairs(tree, cases)
        for case in cases:
            name = visible(case.name).replace("::", ":")  # two colons separate parts of an id
            # As text, since what --lf keeps is text: a bracket begins what pytest compares apart.
            nodeid = f"{self.nodeid}::{name}" if "[" in name else None
            yield MetricTest.from_parent(
                self, name=name, nodeid=nodeid, tree=tree, case=case, marks=marks, repairs=repairs
            )


class _Marks:
    """What tests are marked with, each marker made and declared once."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.known: dict[str, pytest.MarkDecorator | None] = {}

    def of(self, tag: str) -> pytest.MarkDecorator | None:
        """Return the marker of a tag, if it can be one."""
        if tag not in self.known:
            self.known[tag] = None
            if _WORD.fullmatch(tag) and tag not in _TAKEN:
                self.config.addinivalue_line("markers", f"{tag}: a tag of metric tests.")
                self.known[tag] = getattr(pytest.mark, tag)
        return self.known[tag]


class MetricTest(pytest.Item):
    """A case of a test of definitions."""

    def __init__(
        self, *, tree: ResolvedTree, case: Case, marks: _Marks, repairs: Repairs, **node: Any
    ) -> None:
        super().__init__(**node)
        self.tree = tree
        self.case = case
        self.repairs = repairs
        assert case.span is not None  # it came from a file
        self.place = Path(case.span.file).absolute(), case.span.line - 1
        for tag in (_MARKER, *case.tags):
            mark = marks.of(tag)
            if mark is None:
                self.extra_keyword_matches.add(tag)
            else:
                self.add_marker(mark)
        if case.skip is not None:
            self.add_marker(pytest.mark.skip(reason=case.skip))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the file and line of the test, which may be an included file."""
        return *self.place, self.name

    def runtest(self) -> None:
        """Run the case."""
        from metrictree.testing.case import Status
        from metrictree.testing.runner import run_case

        if self.case.skip is not None:  # and pytest was told not to look at markers for it
            pytest.skip(self.case.skip)
        outcome = run_case(self.tree, self.case)
        if outcome.status is not Status.PASSED:
            raise _UnexpectedError(self.repairs.of(outcome))

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> str | TerminalRepr:
        """Return the values down to the one that surprises, in place of a traceback."""
        error = excinfo.value
        if not isinstance(error, _UnexpectedError):
            return super().repr_failure(excinfo, style)
        told = super().repr_failure(excinfo, "value")
        crash = getattr(told, "reprcrash", None)
        if crash is not None:  # what the summary, --tb=line and JUnit's `message` tell
            crash.path, crash.lineno = str(self.place[0]), self.place[1] + 1
            crash.message = error.summary
        return told


class _UnexpectedError(Exception):
    """A case did not end as it should."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome

    def __str__(self) -> str:
        from metrictree.render.outcomes import render_outcome

        return render_outcome(self.outcome)

    @property
    def summary(self) -> str:
        """What went wrong first, on one line."""
        told = [found.message for found in self.outcome.failures or self.outcome.problems]
        return told[0]


@pytest.fixture
def metric_tree(request: pytest.FixtureRequest) -> MetricTree:
    """Return the MetricTree of the file that the marker or the ini option `metric_tree` names."""
    from metrictree.errors import DefinitionError
    from metrictree.tree import MetricTree

    path = _tree_file(request)
    trees = request.config.stash.setdefault(_TREES, {})
    if path not in trees:
        try:
            trees[path] = MetricTree.load(_near(path), root=_root(request.config, path))
        except DefinitionError as error:
            pytest.fail(_told(error.diagnostics), pytrace=False)
    return trees[path]


def _tree_file(request: pytest.FixtureRequest) -> Path:
    """Return the file of the tree that a test asks for."""
    folders = [request.path.parent, request.config.rootpath]
    mark = request.node.get_closest_marker("metric_tree")
    if mark is not None:
        if len(mark.args) != 1 or mark.kwargs or not isinstance(mark.args[0], (str, Path)):
            pytest.fail('write the marker as @pytest.mark.metric_tree("tree.yml")', pytrace=False)
        name = mark.args[0]
    else:
        name = request.config.getini("metric_tree")
        del folders[0]
        if not name:
            pytest.fail(
                "the fixture metric_tree needs a file: mark the test with "
                '@pytest.mark.metric_tree("tree.yml"), or set the ini option `metric_tree`',
                pytrace=False,
            )
    paths = list(dict.fromkeys(folder / name for folder in folders))
    for path in paths:
        if path.is_file():
            return path.resolve()
    tried = " and no ".join(str(_near(path)) for path in paths)
    pytest.fail(f"the tree of the fixture metric_tree: there is no {tried}", pytrace=False)


def _near(path: Path) -> Path:
    """Return a path as messages show it: from the current folder on, if it lies inside."""
    folder = Path.cwd()
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _root(config: pytest.Config, path: Path) -> Path | None:
    """Return the folder that includes and sources must lie in: the project, or the file's own."""
    return config.rootpath if path.is_relative_to(config.rootpath) else None


def _told(problems: Iterable[Diagnostic]) -> str:
    from metrictree.render.findings import render_diagnostics, summary

    problems = tuple(problems)
    told = [render_diagnostics(problems)]
    if len(problems) > 1:
        told.append(summary(problems, 0))
    return "\n\n".join(told)
