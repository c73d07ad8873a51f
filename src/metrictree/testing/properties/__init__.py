"""Property sentences are searched for an example against them: first at corners, then at random.

Hypothesis draws and shrinks; what is found is made as simple as it can be, and told in words.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Final

from metrictree.diagnostics import Diagnostic
from metrictree.errors import DefinitionError, MissingExtraError, UsageError
from metrictree.testing.case import Failure, Outcome, Status
from metrictree.testing.properties.claims import Claim, Example, Verdict
from metrictree.testing.properties.edges import HALVES, ends_together, steepest, ties, zeros
from metrictree.testing.properties.examples import Examples
from metrictree.testing.properties.sentences import Form, read_sentence, sentence_problems
from metrictree.testing.properties.words import failure_of, never_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hypothesis.strategies import SearchStrategy

    from metrictree.documents import Path
    from metrictree.resolved import ResolvedTree
    from metrictree.schema import TestCase
    from metrictree.testing.case import Case, TestValue
    from metrictree.testing.domains import Domain

__all__ = [
    "Examples",
    "check_property",
    "corner_rows",
    "replay",
    "run_property",
    "search",
    "simplest",
]

_DRAWN: Final = 60
"""Examples that Hypothesis draws."""
_CORNERS: Final = 500
"""Examples at ends of ranges that are tried at most."""
_KEPT: Final = 200
"""Examples that are looked at again in each changed tree: the first, and those that were drawn."""
_BATCH: Final = 50
"""Examples that are judged together."""
_STEEP: Final = 12
"""Rows of which a driver is followed to where the claim drops most."""
_INPUTS: Final = 3_000
"""Numbers that Hypothesis draws for all examples together: fewer examples of large trees."""
_EVALUATIONS: Final = 40_000
"""The same of formulas that are computed, at corners and of what is drawn."""
_SIMPLE: Final = (
    1.0, 2.0, 10.0, 100.0, 0.5, 0.1, 3.0, 5.0, 0.2, 0.0, -1.0, -2.0, 1000.0, -10.0, -100.0, -1000.0,
)  # fmt: skip
"""Numbers by how well they read; 0 is special, and comes late."""
_TIMES: Final = (2.0, 3.0, 1.5)
"""How many times as much a driver becomes; narrow ranges leave no room for twice as much."""
_MOVES: Final = (
    (1.0, 2.0), (10.0, 20.0), (0.1, 0.2), (0.2, 0.4), (0.5, 1.0), (2.0, 3.0), (0.2, 0.3),
    (3.0, 6.0), (0.0, 1.0), (100.0, 200.0), (1.0, 10.0), (1.0, 100.0), (0.0, 0.1),
    (-1.0, 0.0), (-1.0, 1.0),
)  # fmt: skip


def check_property(tree: ResolvedTree, test: TestCase, path: Path) -> Iterator[Diagnostic]:
    """Yield what is wrong with the sentence of a test, if it has one."""
    if test.property is None:
        return
    given = {*(test.given or ()), *(test.matrix or ())}
    for row in test.cases or ():
        given |= {*(row.given or ())}
    yield from sentence_problems(tree, test.property, (*path, "property"), given=given)


def run_property(tree: ResolvedTree, case: Case) -> Outcome:
    """Return whether the sentence of a case holds wherever its search looks."""
    return search(tree, case)[0]


def search(tree: ResolvedTree, case: Case) -> tuple[Outcome, Examples]:
    """Return how a case ends, and the examples that a search without a finding has looked at."""
    try:
        claim = _claim(tree, case)
        found, tried = _found(claim)
    except (DefinitionError, MissingExtraError, UsageError) as error:
        return Outcome(case, Status.BROKEN, problems=error.diagnostics), Examples()
    if found is not None:
        return Outcome(case, Status.FAILED, (failure_of(claim, found),)), Examples()
    never = never_of(claim, Counter(verdict for _, verdict in tried))
    if never is not None:
        place = tree.places.span((*case.path[:2], "property"))
        metric = claim.sentence.subject if claim.sentence.subject in tree.metrics else None
        failure = Failure(never[0], place, metric, fix=never[1])
        return Outcome(case, Status.FAILED, (failure,)), Examples()
    told = [example for example, verdict in tried if verdict is not Verdict.ELSEWHERE]
    kept = told if len(told) <= _KEPT else told[: _KEPT - _DRAWN] + told[-_DRAWN:]
    return Outcome(case, Status.PASSED), Examples(tuple(kept))


def replay(tree: ResolvedTree, case: Case, examples: Examples) -> bool:
    """Return whether a sentence that held for another tree holds at the same examples for this one.

    What only this tree needs has an ordinary value.
    """
    try:
        claim = _claim(tree, case)
    except DefinitionError:
        return False  # the sentence has no meaning any more
    tally: Counter[Verdict] = Counter()
    for verdict in examples.verdicts(claim):
        if verdict is Verdict.BROKEN:
            return False
        tally[verdict] += 1
    return never_of(claim, tally) is None


def _claim(tree: ResolvedTree, case: Case) -> Claim:
    text = case.test.property
    assert text is not None
    sentence, _ = read_sentence(text, tree, given=case.given)
    if sentence is None:
        path = (*case.path[:2], "property")
        raise DefinitionError(sentence_problems(tree, text, path, given=case.given))
    return Claim(tree, case, sentence)


# --- the search


def _found(claim: Claim) -> tuple[Example | None, list[tuple[Example, Verdict]]]:
    """Return an example at which the claim does not hold, if there is one, and all that were tried.

    Raises:
        MissingExtraError: Hypothesis is not installed.
        UsageError: it runs already.
    """
    tried: list[tuple[Example, Verdict]] = []
    if claim.sentence.form is Form.INDEPENDENT and not claim.reaches:
        return None, [(Example({}), Verdict.HOLDS)]
    size = len(claim.order) + len(claim.free)
    most = min(_CORNERS, max(_EVALUATIONS // max(size, 1), 30))
    tries = (itertools.islice(each, most) for each in (_corners(claim), _small_moves(claim)))
    rows = itertools.chain.from_iterable(tries)
    while batch := Examples(tuple(itertools.islice(rows, _BATCH))):
        for example, verdict in zip(batch.tried, batch.verdicts(claim), strict=True):
            if verdict is Verdict.BROKEN:
                return simplest(claim, example, claim.is_against), tried
            tried.append((example, verdict))
    found = _drawn(claim, tried) if 0 < len(claim.free) <= _INPUTS else None
    if found is not None:
        found = simplest(claim, found, claim.is_against)
    return found, tried


def _drawn(claim: Claim, tried: list[tuple[Example, Verdict]]) -> Example | None:
    from metrictree.testing.strategies import numbers, or_missing

    constants = claim.constants  # what stands above tells that Hypothesis is not there
    import hypothesis
    from hypothesis import errors, strategies as st

    def one(name: str, domain: Domain) -> SearchStrategy[TestValue]:
        number = numbers(domain, domain.corners(constants))
        drawn = or_missing(number) if name in claim.may_miss else number
        if not claim.periods:
            return drawn
        # A long window is filled with what repeats.
        length = min(claim.periods, 6)
        return st.lists(drawn, min_size=length, max_size=length).map(
            lambda values: tuple(itertools.islice(itertools.cycle(values), claim.periods))
        )

    most = min(_INPUTS // len(claim.free), _EVALUATIONS // max(len(claim.order), 1))
    values = st.fixed_dictionaries({name: one(name, domain) for name, domain in claim.free.items()})
    moved: SearchStrategy[float | None] = st.none()
    if claim.driver is not None:
        domain = claim.free[claim.driver]
        moved = numbers(domain, domain.corners(constants))
        if claim.sentence.form is Form.PROPORTIONAL:
            moved = st.sampled_from(_TIMES)

    def is_against(drawn: tuple[dict[str, TestValue], float | None]) -> bool:
        example = claim.example(*drawn)
        hypothesis.assume(example is not None)
        assert example is not None
        verdict = claim.judge(example)
        if verdict is Verdict.BROKEN:
            return True
        tried.append((example, verdict))
        hypothesis.assume(verdict is not Verdict.ELSEWHERE)  # another one is drawn in its place
        return False

    try:
        drawn = hypothesis.find(
            st.tuples(values, moved),
            is_against,
            settings=hypothesis.settings(
                max_examples=min(_DRAWN, max(most, 10)),
                derandomize=True,
                database=None,
                deadline=None,
            ),
        )
    except (errors.NoSuchExample, errors.Unsatisfiable):
        return None
    except errors.FailedHealthCheck as error:
        message = "a property cannot be searched inside of a test that Hypothesis runs itself"
        advice = "test it outside, or suppress `HealthCheck.nested_given` there"
        raise UsageError([Diagnostic("VAL110", message, fix=advice)]) from error
    return claim.example(*drawn)


def _corners(claim: Claim) -> Iterator[Example]:
    """Yield examples at the ends of ranges, at 0 and 1, and next to the numbers in formulas."""
    constants = claim.constants
    corners = {name: domain.corners(constants) for name, domain in claim.free.items()}
    rows = corner_rows(claim, corners)
    if claim.driver is None:
        yield from (Example(values) for values in rows)
        return
    domain = claim.free[claim.driver]
    ends = sorted(set(corners[claim.driver]) | {domain.typical(0), domain.typical(3)})
    moves = [*itertools.pairwise(ends), (ends[0], ends[-1])]
    if claim.sentence.form is Form.PROPORTIONAL:
        ends = [domain.typical(1), domain.typical(5), domain.uneven(0), *ends]
        moves = [(end, times) for times in (2.0, 1.5) for end in ends]
    typical = moves[len(moves) // 2]
    for number, values in enumerate(rows):
        for before, after in moves if number == 0 else (typical, moves[number % len(moves)]):
            example = claim.example({**values, claim.driver: claim.constant(before)}, after)
            if example is not None:
                yield example


def _small_moves(claim: Claim) -> Iterator[Example]:
    """Yield small moves of the driver: beside numbers and other inputs, and to where it drops."""
    if claim.driver is None or claim.sentence.form is Form.PROPORTIONAL:
        return
    driver, domain = claim.driver, claim.free[claim.driver]
    constants = claim.constants
    corners = {name: domain.corners(constants) for name, domain in claim.free.items()}
    steep = min(_STEEP, _EVALUATIONS // (HALVES * max(len(claim.order), 1)))
    if claim.periods or claim.sentence.form is Form.INDEPENDENT:
        steep = 0
    sign = -1.0 if claim.sentence.form is Form.DECREASES else 1.0
    for number, values in enumerate(itertools.islice(corner_rows(claim, corners), _STEEP)):
        others = {claim.last(value) for name, value in values.items() if name != driver}
        near = {one for one in others if one is not None}
        if number == 0:
            near |= {*corners[driver]}
        way = sorted({one for one in (*near, *domain.beside(near)) if one in domain})
        moves = [*itertools.pairwise(way)]
        if number < steep:
            moves += steepest(_moving(claim, values, sign), *domain.ends)
        for before, after in moves:
            example = claim.example({**values, driver: claim.constant(before)}, after)
            if example is not None:
                yield example


def _moving(
    claim: Claim, values: Mapping[str, TestValue], sign: float
) -> Callable[[float], float | None]:
    """Return what a claim speaks about as a function of its driver."""

    def function(number: float) -> float | None:
        value = claim.subject_value(claim.known({**values, claim.driver or "": number}))
        return None if value is None else value * sign

    return function


def corner_rows(
    claim: Claim, corners: Mapping[str, tuple[float, ...]]
) -> Iterator[dict[str, TestValue]]:
    """Yield values of what is free: ordinary ones, all at a corner, and one at each corner."""
    names = list(claim.free)
    typical = {name: claim.free[name].typical(number) for number, name in enumerate(names)}
    other = {name: claim.free[name].typical(number + 3) for number, name in enumerate(names)}
    yield _filled(claim, typical)
    yield _filled(claim, other)
    yield _filled(claim, {name: claim.free[name].uneven(at) for at, name in enumerate(names)})
    for number in range(max(map(len, corners.values()), default=0)):
        yield _filled(claim, {name: corners[name][number % len(corners[name])] for name in names})
    for together in (ends_together(claim), zeros(claim, typical)):
        yield from (_filled(claim, numbers) for numbers in together)
    for name in names:
        for corner in corners[name]:
            yield _filled(claim, {**typical, name: corner})
            if claim.periods:
                late = (*[typical[name]] * (claim.periods - 1), corner)
                yield {**_filled(claim, typical), name: late}
        if name in claim.may_miss:
            yield _filled(claim, {**typical, name: None})
    for name in names:
        for value in claim.free[name].beside(corners[name]):
            yield _filled(claim, {**typical, name: value})
    yield from (_filled(claim, numbers) for numbers in ties(claim, typical))


def _filled(claim: Claim, values: Mapping[str, float | None]) -> dict[str, TestValue]:
    return {name: claim.constant(value) for name, value in values.items()}


# --- the simplest example


def simplest(claim: Claim, example: Example, is_against: Callable[[Example], bool]) -> Example:
    """Return an example that is against a claim as the one given, with numbers that read well."""
    for _ in range(3):
        before = example
        for name, domain in claim.free.items():
            changes: Iterable[Example | None]
            if name == claim.driver:
                changes = _simpler_moves(claim, example)
            else:
                simple = [number for number in _SIMPLE if number in domain]
                known = example.values[name]
                if known in simple:
                    simple = simple[: simple.index(known)]
                changes = (
                    Example({**example.values, name: claim.constant(number)}, example.moved)
                    for number in simple
                )
            for change in changes:
                if change is not None and is_against(change):
                    example = change
                    break
        if example == before:
            break
    return example


def _simpler_moves(claim: Claim, example: Example) -> Iterator[Example | None]:
    assert claim.driver is not None
    present = (claim.last(example.values[claim.driver]), claim.last(example.moved))
    proportional = claim.sentence.form is Form.PROPORTIONAL
    for before, after in _MOVES:
        if (before, after) == present and not claim.periods:
            return
        how = 2.0 if proportional else after
        yield claim.example({**example.values, claim.driver: claim.constant(before)}, how)
