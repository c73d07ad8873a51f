"""What is told of a claim that does not hold, or that nothing speaks for: in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from metrictree.engines.compute import Why
from metrictree.engines.series import WhySeries
from metrictree.formula.printer import number_text
from metrictree.testing.case import Failure
from metrictree.testing.explain import steps_below, steps_below_series
from metrictree.testing.properties.claims import Verdict
from metrictree.testing.properties.sentences import DRIVEN, Form
from metrictree.testing.yaml_case import yaml_case

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metrictree.testing.case import Step, TestValue
    from metrictree.testing.properties.claims import Claim, Example

__all__ = ["failure_of", "never_of", "shortest", "told", "told_periods"]

_SHOWN: Final = 6
"""Inputs that a sentence about an example names."""


def failure_of(claim: Claim, example: Example) -> Failure:
    """Return what is told of an example at which the claim does not hold."""
    known = claim.known(example.values)
    known_after = known if claim.driver is None else claim.known(claim.moved(example))
    metric = _to_explain(claim)
    place = claim.tree.places.span((*claim.case.path[:2], "property"))
    shown_in = known_after
    if claim.sentence.form is Form.INDEPENDENT and claim.subject_value(known) is None:
        shown_in = known
    message = _message(claim, example, known, known_after)
    return Failure(
        message + _circumstances(claim, example, message),
        place,
        metric,
        _steps(claim, metric, shown_in),
        "correct the formula or the sentence; where such inputs cannot be, say so with "
        "`range:` or `when`",
        _example(claim, example),
    )


def _to_explain(claim: Claim) -> str | None:
    """Return the metric whose formula a reader looks at first: one that is computed, if any is."""
    sentence = claim.sentence
    several = (*sentence.subjects, *sentence.others)
    if sentence.form is Form.SUM:  # the total is what parts are looked for in
        several = (*sentence.others, *sentence.subjects)
    if claim.driver is not None:
        several = sentence.subjects
    names = [str(one) for one in several if one.root.op == "ref"]
    subject = sentence.subjects[0]
    alone = str(subject) if subject.root.op == "ref" else None
    return next((name for name in names if name in claim.order), alone)


def _message(
    claim: Claim, example: Example, known: Mapping[str, Any], after: Mapping[str, Any]
) -> str:
    sentence = claim.sentence
    form, name = sentence.form, sentence.subject
    first = claim.subject_value(known)
    if claim.driver is not None:
        second = claim.subject_value(after)
        before = claim.last(example.values[claim.driver])
        behind = claim.last(example.moved)
        driver = f"{claim.driver} {{}} from {told(before)} to {told(behind)}"
        move = f"{name} {{}} from {told(first)} to {told(second)}"
        if form is Form.INDEPENDENT:
            return f"{move.format('goes')} when {driver.format('goes')}"
        if form is Form.PROPORTIONAL:
            assert before
            assert behind is not None
            assert first is not None
            times = behind / before
            grows = "doubles" if times == 2 else f"becomes {told(times)} times as much,"
            expected = f"in proportion it would be {told(first * times)}"
            return f"{move.format('goes')} when {driver.format(grows)}: {expected}"
        verb = "falls" if form is Form.INCREASES else "rises"
        return f"{move.format(verb)} when {driver.format('rises')}"
    if form is Form.THERE:
        return f"{name} is missing{_because(claim, known)}"
    others = [(str(other), claim.value_of(other, known)) for other in sentence.others]
    if form is Form.SUM:
        total = _with_value(*others[0])
        joint = "not" if total == others[0][0] else "and"
        return f"{name} is {told(first)}, {joint} {total}"
    assert first is not None
    low = others[0] if form is not Form.AT_MOST else None
    if low is not None and low[1] is not None and claim.is_less(first, low[1]):
        return f"{name} is {told(first)}, less than {_with_value(*low, which=True)}"
    return f"{name} is {told(first)}, more than {_with_value(*others[-1], which=True)}"


def _because(claim: Claim, known: Mapping[str, Any]) -> str:
    subject = claim.sentence.subjects[0]
    if subject.root.op != "ref" or subject.root.value not in claim.order:
        return ""
    formulas = {metric: claim.tree.formulas[metric] for metric in claim.order}
    metric = subject.root.value
    why: Any = (
        WhySeries(formulas, known, claim.periods)(metric, claim.periods - 1)
        if claim.periods
        else Why(formulas, known)(metric)
    )
    text = str(why)
    own = f"{metric} = {claim.tree.formulas[metric]} is missing: "
    return f": {text.removeprefix(own)}" if text.startswith(own) else f" because {text}"


def _circumstances(claim: Claim, example: Example, message: str) -> str:
    """Return the other inputs of an example and what does not move, in brackets."""
    told_already = {claim.driver}
    if claim.sentence.form not in DRIVEN:
        told_already |= {str(other) for other in claim.sentence.others}
        told_already |= {claim.sentence.subject}
    if claim.sentence.form is Form.THERE:
        told_already |= {name for name in claim.tree.metrics if f"{name} is " in message}
    values = {**claim.fixed, **example.values}
    names = [name for name in claim.tree.metrics if name in values and name not in told_already]
    parts = [f"{name} is {told_periods(values[name])}" for name in names[:_SHOWN]]
    if len(names) > _SHOWN:
        parts.append(f"{len(names) - _SHOWN} more in the example")
    return f" ({', '.join(parts)})" if parts else ""


def _steps(claim: Claim, metric: str | None, known: Mapping[str, Any]) -> tuple[Step, ...]:
    if metric is None:
        return ()
    given = {*claim.case.given, *claim.free}
    if claim.periods:
        return steps_below_series(claim.tree, metric, known, given, claim.periods - 1)
    return steps_below(claim.tree, metric, known, given)


def _example(claim: Claim, example: Example) -> str | None:
    """Return a test that fails as long as the claim does not hold at an example.

    Of a driver that is the only one there is none: it would say what the sentence says.
    """
    if example.values.keys() == {claim.driver}:
        return None
    given = {**claim.case.given, **example.values}
    if claim.driver is not None:
        del given[claim.driver]  # what moves cannot be held
    test: dict[str, Any] = {"name": f"counterexample: {claim.sentence}"}
    if given:
        test["given"] = {name: shortest(value) for name, value in given.items()}
    return yaml_case({**test, "property": str(claim.sentence)})


def never_of(claim: Claim, tally: Mapping[Verdict, int]) -> tuple[str, str] | None:
    """Return what is told, and advised, if the examples say nothing for the claim."""
    sentence = claim.sentence
    count = f"{sum(tally.values()):,} examples"
    name = sentence.subject
    if tally[Verdict.HOLDS]:
        return None
    if not tally:  # no value of the driver has another one to move to
        moves = "grow in proportion" if sentence.form is Form.PROPORTIONAL else "move"
        message = f"{claim.driver} cannot {moves} inside of its range, so nothing is tested"
        return message, f"widen the `range` of {claim.driver}, or take the test out"
    if tally[Verdict.STILL]:
        if sentence.form is Form.PROPORTIONAL:
            message = f"{name} never moved with {claim.driver} in {count}"
        else:
            verb = "rises" if sentence.form is Form.INCREASES else "falls"
            message = f"{name} never {verb} when {claim.driver} rises, in {count}"
        late = ", which moves in the last period only" if claim.periods else ""
        advice = f"write `{name} does not depend on {claim.driver}` if that is meant"
        return message + late, f"{advice}, or correct the formula"
    if tally[Verdict.SILENT]:
        message = f"a value in the sentence was missing in {count}, so it says nothing"
        return message, "widen the ranges, correct the formula, or test `is never missing`"
    message = f"the condition of the sentence was never met in {count}, so it says nothing"
    return message, "correct the condition or the ranges, or hold some inputs with `given:`"


def told(value: float | None) -> str:
    """Return a number as sentences have it, without digits that only rounding made.

    >>> told(0.1 + 0.2), told(None), told(12000.0)
    ('0.3', 'missing', '12000')
    """
    return "missing" if value is None else number_text(float(f"{value:.12g}") + 0.0)


def told_periods(value: TestValue) -> str:
    """Return a value as sentences have it, once if it is the same in all periods."""
    if not isinstance(value, tuple):
        return told(value)
    if len(set(value)) == 1:
        return told(value[0])
    return f"[{', '.join(told(one) for one in value)}]"


def shortest(value: TestValue) -> TestValue:
    """Return one number for periods that have the same; what is expected tells how many."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def _with_value(text: str, value: float | None, *, which: bool = False) -> str:
    """Return a part of a sentence with its value, unless it is a number."""
    if text.lstrip("-").replace(".", "", 1).isdigit():
        return text
    return f"{text}, which is {told(value)}" if which else f"{text} is {told(value)}"
