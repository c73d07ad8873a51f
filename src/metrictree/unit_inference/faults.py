"""What is said of units that contradict each other: the sentences, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from metrictree.diagnostics import shown
from metrictree.units import CURRENCIES, Unit
from metrictree.units.names import PERIODS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from metrictree.unit_inference.walk import Clash

__all__ = ["UnitFault", "clash_fault", "clash_message", "declared_fault", "unit_text"]

_SAID: Final[Mapping[str, str]] = {
    "+": "{} and {} cannot be added",
    "-": "{} and {} cannot be subtracted",
    "%": "{} cannot be divided by {} with a remainder",
    "compare": "{} and {} cannot be compared",
    "if": "this `if` gives {} in one case and {} in the other",
    "sum": "sum() cannot add {} and {}",
    "mean": "mean() cannot add {} and {}",
    "clip": "clip() cannot compare {} and {}",
    "safe_div": "safe_div() gives {}, and {} otherwise",
}
_CHOSEN: Final = "{}() cannot choose between {{}} and {{}}"


@dataclass(frozen=True, slots=True)
class UnitFault:
    """A contradiction of units in one metric.

    | code | what |
    |---|---|
    | UNI101 | operands of different units are added, compared or chosen between |
    | UNI102 | the declared unit is not what the formula or the measure gives |
    | UNI105 | the same, and only the names of things differ, which a share has turned into others |
    | UNI106 | a percentage is multiplied by 100, which showing it does as well |
    """

    code: str
    metric: str
    message: str
    fix: str
    start: int | None = None
    """Where the fault stands in the formula's text; ``None`` if it is the field `unit`."""
    end: int | None = None
    expected: Unit | None = None
    """What is declared, or what stands before."""
    inferred: Unit | None = None
    """What the formula gives, or the operand at the place."""


def clash_fault(metric: str, clash: Clash) -> UnitFault:
    """Return the fault of operands that have no unit in common."""
    left, right = clash.left.unit, clash.right.unit
    return UnitFault(
        "UNI101",
        metric,
        clash_message(clash),
        _join_help(left, right),
        clash.start,
        clash.end,
        left,
        right,
    )


def clash_message(clash: Clash) -> str:
    """Return what is wrong with two operands."""
    said = _SAID.get(clash.op) or _CHOSEN.format(clash.op)
    return said.format(unit_text(clash.left.unit), unit_text(clash.right.unit))


def declared_fault(
    code: str, metric: str, text: str, declared: Unit, inferred: Unit | None
) -> UnitFault:
    """Return the fault of a declared unit that the formula contradicts; a count if it is none."""
    written = shown(text)
    if inferred is None:
        message = f"'{metric}' is declared as {written}, and its measure counts rows"
        fix = "add up a column with sum(), or declare the unit of what is counted"
    elif code == "UNI106":
        message = f"'{metric}' is declared as {written}, and its formula multiplies by 100"
        fix = "leave out the 100: a percentage is a ratio, 0.05 is shown as 5 %"
    else:
        message = (
            f"'{metric}' is declared as {written}, and its formula gives {unit_text(inferred)}"
        )
        fix = (
            _share_help(declared, inferred) if code == "UNI105" else _unit_help(declared, inferred)
        )
    return UnitFault(code, metric, message, fix, expected=declared, inferred=inferred)


def unit_text(unit: Unit) -> str:
    """Return a unit as a message may show it."""
    return shown(str(unit))


# --- what to do


def _join_help(left: Unit, right: Unit) -> str:
    special = _conversion(left, right, "the second one")
    if special is not None:
        return special
    if left.is_ratio or right.is_ratio:
        other = unit_text(right if left.is_ratio else left)
        return f"multiply the ratio by the {other} that it is a share of, or correct its `unit`"
    return "use only operands of one unit, or correct the `unit` of one of them"


def _unit_help(declared: Unit, inferred: Unit) -> str:
    given = unit_text(inferred)
    special = _conversion(declared, inferred, "the formula")
    if special is not None:
        return f"{special}; or declare `unit: {given}`"
    return f"declare `unit: {given}`, or correct the formula or the units that it uses"


def _share_help(declared: Unit, inferred: Unit) -> str:
    if declared.is_ratio:
        return (
            f"declare `unit: {unit_text(inferred)}`; with `display: percent` it is shown in percent"
        )
    change = unit_text(declared / inferred)
    return f"give the share in the formula `unit: {change}`, so that units can be followed"


def _conversion(wanted: Unit, given: Unit, what: str) -> str | None:
    """Return how ``given`` becomes ``wanted``, if a factor, a rate or a period is all it needs."""
    if wanted.base == given.base:
        factor = given.size / wanted.size
        one, other, verb = unit_text(given), unit_text(wanted), "multiply"
        if factor < 1:
            one, other, verb, factor = other, one, "divide", 1 / factor
        times = _number(factor)
        return f"1 {one} is {times} {other}: {verb} {what} by {times}"
    change = wanted / given
    names = {name for name, _ in change.powers}
    if names <= CURRENCIES and len(change.powers) == 2:
        return f"multiply {what} by an exchange rate, a metric with `unit: {unit_text(change)}`"
    if names <= set(PERIODS):
        if len(names) == 1:
            (period,) = names
            return f"one is counted per {period} and the other is not: give both the same period"
        if [power for _, power in change.powers] == [1, -1]:
            short, long = sorted(names, key=PERIODS.index)
            verb = "multiply" if change.powers[0][0] == short else "divide"
            return (
                f"{verb} {what} by the number of {short}s in a {long}, a metric with "
                f"`unit: {short}/{long}`"
            )
    return None


def _number(factor: Fraction) -> str:
    if factor.denominator == 1:
        return f"{factor.numerator:,}"
    return f"{float(factor):.6g}"
