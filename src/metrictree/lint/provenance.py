"""Where the movement of a North Star comes from: the organisation's own money, outside forces.

Declared facts come first, units that follow through formulas second, words last and only of metrics
of which nothing is declared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from metrictree.diagnostics import Confidence, Evidence, legible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from metrictree.documents import Path
    from metrictree.lint.facts import Facts
    from metrictree.schema import Metric

__all__ = [
    "Found",
    "Outside",
    "is_rate",
    "moving_shares",
    "outside_of",
    "percent",
    "period_of",
    "revenue_of",
]

_LUCK: Final = 0.01
"""By how much shares at random points may be off: half and half is not more than half."""
_STEPS: Final = 4
"""Formulas of a way that a text shows."""
_FORMULA: Final = 100
"""Characters of a formula that a text shows."""
_MANY: Final = 0.25
"""The share that leaves must have together which have little each."""
_ASKED: Final = 200
"""Leaves of hardly any share each whose words are looked at."""
_SURE: Final = 0.9
"""The score from which words outweigh what the unit makes likely."""
_LARGE: Final = 0.02
"""The words of a leaf with at least this share are looked at even if the verdict is clear."""


class Found(NamedTuple):
    """One metric that speaks against the North Star, and how well that is known."""

    metric: str
    share: float
    confidence: Confidence
    evidence: Evidence
    at: Path
    key: bool
    """Whether the place is the field's or the metric's name, not its value."""


class Outside(NamedTuple):
    """How much of the movement comes from outside."""

    share: float
    confidence: Confidence
    found: tuple[Found, ...]
    """The largest first."""


# --- revenue


def revenue_of(facts: Facts, least_share: float) -> Iterator[Found]:
    """Yield what makes the North Star one of revenue, the strongest reason first."""
    star = facts.star
    body = facts.metrics[star]
    whose = _Money(facts)
    if body.lifecycle == "revenue":
        text = f"{star} is declared as `lifecycle: revenue`"
        yield _declared(star, "lifecycle", "revenue", text)
    unit = facts.units.units[star] if body.unit is not None else None
    if unit is not None and unit.is_money and whose.of(star) == "own":
        yield _declared(star, "unit", body.unit, f"{star} is counted in {legible(body.unit)}")
    below = list(_own_money_below(facts, whose, least_share))
    yield from below
    if not below and not _is_other_count(facts, star) and not _is_cleared(facts, least_share):
        suspicion = facts.assess(star).suspicions.get("revenue")
        if suspicion is not None:
            yield _named(star, 1.0, suspicion.terms, (star,), "revenue")


def _own_money_below(facts: Facts, whose: _Money, least_share: float) -> Iterator[Found]:
    """Yield the metrics below the North Star that are the organisation's money, and move it."""
    effects, units = facts.effects, facts.units.units
    large = _by_share(effects.shares, least_share)
    found = _own_money_of(facts, whose, large)
    if not found:
        # Of many products none brings much: together they do.
        shares = {
            leaf: share
            for leaf, share in effects.shares.items()
            if (unit := units[leaf]) is not None and unit.is_money
        }
        asked = _by_share(shares, 0.0)[:_ASKED]
        found = _own_money_of(facts, whose, asked)
        # Those that are not asked are taken to be like those that are.
        own = sum(one.share for one in found) / (sum(shares[leaf] for leaf in asked) or 1.0)
        if own * sum(shares.values()) < max(_MANY, least_share):
            found = []
    yield from found
    # Leaves that say nothing themselves may stand below a formula that does.
    above = _Nearest(facts, lambda body: body.unit is not None or body.lifecycle == "revenue")
    silent: dict[str, float] = {}
    for leaf, share in effects.shares.items():
        by = above.of(leaf) if share and units[leaf] is None else None
        if by is not None:
            silent[by] = silent.get(by, 0.0) + share
    yield from _own_money_of(facts, whose, _by_share(silent, least_share))


def _own_money_of(facts: Facts, whose: _Money, metrics: list[str]) -> list[Found]:
    found = [
        _own_money(facts, whose, metric, facts.effects.through[metric])
        for metric in metrics
        if metric != facts.star and not facts.is_exempt(metric, "NS101")
    ]
    return [one for one in found if one is not None]


def _own_money(facts: Facts, whose: _Money, metric: str, share: float) -> Found | None:
    body = facts.metrics[metric]
    way = facts.effects.way(metric)
    if facts.tree.spec.influences and any(_is_counted(facts, above) for above in way[:-1]):
        return None
    unit = facts.units.units[metric]
    if body.lifecycle == "revenue":
        text = told_way(facts, way, "lifecycle: revenue")
        evidence = Evidence(text, metric, "lifecycle", "revenue", way)
        at: Path = ("metrics", metric, "lifecycle")
        return Found(metric, share, Confidence.DERIVED, evidence, at, key=False)
    if unit is not None and unit.is_money:
        if whose.of(metric) != "own":
            return None
        written = body.unit or str(unit)
        evidence = Evidence(told_way(facts, way, written), metric, "unit", written, way)
        at = ("metrics", metric, "unit") if body.unit is not None else ("metrics", metric)
        return Found(metric, share, Confidence.DERIVED, evidence, at, key=body.unit is None)
    if metric not in facts.effects.shares or _is_other_count(facts, metric):
        return None
    if body.lifecycle is not None or is_rate(facts, metric):
        return None
    suspicion = facts.assess(metric).suspicions.get("revenue")
    if suspicion is None:
        return None
    if unit is not None and suspicion.score < _SURE and _is_other_count(facts, facts.star):
        return None  # the share of a count is mostly a count again
    return _named(metric, share, suspicion.terms, way, "revenue", facts=facts)


class _Money:
    """Whose the money of a metric is."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def of(self, metric: str) -> str:
        """Return whose money it is: as its words say, else as those of a metric above it do.

        Money of which no words speak is the organisation's own.
        """
        facts = self.facts
        if facts.metrics[metric].controllability == "external":
            return "outside"  # a market price, the effect of an exchange rate
        words = facts.assess(metric)
        revenue = words.suspicions.get("revenue")
        if revenue is not None and (words.money != "customer" or revenue.score >= _SURE):
            return "own"
        if words.money == "outside":
            # A bare price is mostly one that the organisation sets, unless the words are sure.
            suspicion = words.suspicions.get("external")
            bare = facts.metrics[metric].description is None
            unsure = bare and suspicion is not None and suspicion.score < _SURE
            steered = facts.metrics[metric].controllability is not None
            return "own" if unsure or steered else "outside"
        if words.money is not None:
            return words.money
        way = facts.effects.way(metric)
        above = [*way[-2:0:-1][:2], *way[:1]] if len(way) > 1 else []
        for one in above:
            # What is made of money may be of any kind; only the customers' money stays theirs.
            if facts.assess(one).money == "customer":
                return "customer"
        return "own"


def _is_other_count(facts: Facts, metric: str) -> bool:
    """Whether its unit tells for certain that it counts something else than money."""
    unit = facts.units.units[metric]
    if unit is None or unit.is_ratio or unit.is_score:
        return False
    return not unit.currencies


def _is_counted(facts: Facts, metric: str) -> bool:
    """Whether it counts something else by itself: what influences it, a price say, is no part."""
    return metric not in facts.tree.formulas and _is_other_count(facts, metric)


def is_rate(facts: Facts, metric: str) -> bool:
    """Whether it is an exchange rate: one currency in another."""
    unit = facts.units.units[metric]
    return unit is not None and len(unit.currencies) > 1


def _is_cleared(facts: Facts, least_share: float) -> bool:
    """Whether the units of what it is made of are declared, and are no money of its own."""
    body = facts.metrics[facts.star]
    if body.lifecycle not in (None, "revenue"):
        return True
    if facts.star not in facts.tree.formulas:
        return False
    leaves = _by_share(facts.effects.shares, least_share)
    return bool(leaves) and all(
        facts.is_exempt(leaf, "NS101") or facts.units.units[leaf] is not None for leaf in leaves
    )


# --- outside forces


def outside_of(facts: Facts, most_share: float) -> Outside | None:
    """Return what makes the North Star one that is driven from outside, if that is so."""
    star = facts.star
    if facts.metrics[star].controllability == "external":
        text = f"{star} is declared as `controllability: external`"
        found = _declared(star, "controllability", "external", text)
        return Outside(1.0, Confidence.DECLARED, (found,))
    shares = moving_shares(facts)
    most_share += _LUCK if facts.effects.basis == "structure" else 1e-9
    control = _Nearest(facts, lambda body: body.controllability is not None)
    outside: list[Found] = []
    open_leaves: list[str] = []
    for leaf in _by_share(shares, 0.0):
        by = control.of(leaf)
        if leaf == star or facts.is_exempt(leaf, "NS102"):
            continue
        if by is not None and facts.metrics[by].controllability == "external":
            way = facts.effects.way(leaf)
            text = told_way(facts, way, "external")
            evidence = Evidence(text, leaf, "controllability", "external", way)
            at: Path = ("metrics", by, "controllability")
            found = Found(leaf, shares[leaf], Confidence.DERIVED, evidence, at, key=False)
            outside.append(found)
        elif by is None and is_rate(facts, leaf):
            way = facts.effects.way(leaf)
            written = str(facts.units.units[leaf])
            evidence = Evidence(told_way(facts, way, written), leaf, "unit", written, way)
            at = ("metrics", leaf, "unit")
            outside.append(Found(leaf, shares[leaf], Confidence.DERIVED, evidence, at, key=False))
        elif by is None:
            open_leaves.append(leaf)
    derived = sum(found.share for found in outside)
    if derived > most_share:
        return _outside(derived, Confidence.DERIVED, outside)
    named = _named_outside(facts, open_leaves, shares, derived, most_share)
    whole = derived + sum(found.share for found in named)
    if whole > most_share:
        return _outside(whole, Confidence.NAMED, [*outside, *named])
    if facts.metrics[star].controllability is None and not _is_steered(control, shares):
        suspicion = facts.assess(star).suspicions.get("external")
        sure = _SURE if star in facts.tree.formulas else 0.0  # what it is made of says more
        if suspicion is not None and suspicion.score >= sure:
            by_name = _named(star, 1.0, suspicion.terms, (star,), "an outside force")
            return Outside(1.0, Confidence.NAMED, (by_name,))
    return None


def moving_shares(facts: Facts) -> Mapping[str, float]:
    """Return the shares of what moves; a constant does not, unless it says who steers it.

    So it makes no difference whether a formula names a number or holds it. Where all leaves are
    constants, they are assumptions, and stand for what moves.
    """
    shares, metrics = facts.effects.shares, facts.metrics
    if not any(share and metrics[leaf].value is None for leaf, share in shares.items()):
        return shares
    moving = {
        leaf: share
        for leaf, share in shares.items()
        if metrics[leaf].value is None or metrics[leaf].controllability is not None
    }
    whole = sum(moving.values())
    return {leaf: share / whole for leaf, share in moving.items()}


def _named_outside(
    facts: Facts, leaves: list[str], shares: Mapping[str, float], known: float, most_share: float
) -> list[Found]:
    """Return the leaves of which words say that they lie outside, as long as it can matter."""
    left = sum(shares[leaf] for leaf in leaves)
    named: list[Found] = []
    whose = _Money(facts)
    for leaf in leaves[:_ASKED]:
        if known + left <= most_share:
            break
        share = shares[leaf]
        if known > most_share and share < _LARGE:
            break
        left -= share
        words = facts.assess(leaf)
        suspicion = words.suspicions.get("external")
        unit = facts.units.units[leaf]
        if unit is not None and unit.is_money and whose.of(leaf) == "own":
            continue
        if suspicion is not None or words.money == "outside":
            known += share
            terms = suspicion.terms if suspicion is not None else ()
            way = facts.effects.way(leaf)
            named.append(_named(leaf, share, terms, way, "an outside force", facts=facts))
    return named


def _outside(share: float, confidence: Confidence, found: list[Found]) -> Outside:
    found.sort(key=lambda one: -one.share)
    return Outside(share, confidence, tuple(found))


class _Nearest:
    """Finds the metric that speaks for a leaf: itself, or the next one on the way up that does."""

    def __init__(self, facts: Facts, speaks: Callable[[Metric], bool]) -> None:
        self.facts = facts
        self.speaks = speaks
        self.known: dict[str, str | None] = {facts.star: None}

    def of(self, leaf: str) -> str | None:
        """Return the metric that speaks for a leaf; the North Star speaks for none."""
        passed: list[str] = []
        at: str | None = leaf
        while at is not None and at not in self.known:
            passed.append(at)
            if self.speaks(self.facts.metrics[at]):
                self.known[at] = at
                break
            at = self.facts.effects.parents.get(at)
        by = None if at is None else self.known[at]
        self.known.update(dict.fromkeys(passed, by))
        return by


def _is_steered(control: _Nearest, shares: Mapping[str, float]) -> bool:
    """Whether most of the movement is declared, and not as external."""
    declared = sum(
        share
        for leaf, share in shares.items()
        if leaf != control.facts.star and control.of(leaf) is not None
    )
    return declared > 0.5


# --- texts


def told_way(facts: Facts, way: tuple[str, ...], says: str) -> str:
    """Return the formulas from the North Star down to a metric, and what is known of it.

    The formulas in the middle of a long way are left out; the way itself is in the evidence.
    """
    metric = way[-1] if way else ""
    mark = f"[{legible(says)}]"
    if len(way) < 2:
        return f"{metric} {mark}"
    steps = [way[0]]
    marked = False
    above = way[:-1]
    for position, (user, used) in enumerate(zip(above, way[1:], strict=True)):
        if len(above) > _STEPS and _STEPS - 2 <= position < len(above) - 1:
            if position == _STEPS - 2:
                steps.append(f"... {len(above) - _STEPS + 1:,} more ...")
            continue
        formula = facts.tree.formulas.get(user)
        if formula is None or len(formula.text) > _FORMULA:
            steps.append(used)
            continue
        text = formula.text
        node = formula.reference(metric)
        if used == metric and node is not None:
            end = node.start + len(text[node.start : node.end].rstrip(" )"))
            text = f"{text[:end]} {mark}{text[end:]}"
            marked = True
        steps.append(legible(text, 200))
    return " <- ".join(steps) + ("" if marked else f" {mark}")


def percent(share: float) -> str:
    """Return a share as a text.

    >>> percent(0.7249), percent(0.003), percent(0.9999)
    ('72 %', 'less than 1 %', '100 %')
    """
    return f"{share:.0%}".replace("%", " %") if share >= 0.005 else "less than 1 %"


def period_of(facts: Facts) -> str:
    """Return in which time the movement was, as a sentence goes on; empty without a history."""
    effects = facts.effects
    if effects.basis == "history":
        if effects.since is not None and effects.until is not None:
            return f" from {legible(effects.since)} to {legible(effects.until)}"
        return " in the history given"
    return " at the values given" if effects.basis == "values" else ""


def _by_share(shares: Mapping[str, float], least: float) -> list[str]:
    """Return the metrics that have at least a share, the largest first, none without effect."""
    large = [metric for metric, share in shares.items() if share >= least and share > 0]
    return sorted(large, key=lambda metric: -shares[metric])


def _declared(metric: str, field: str, value: str | None, text: str) -> Found:
    evidence = Evidence(text, metric, field, value, (metric,))
    return Found(metric, 1.0, Confidence.DECLARED, evidence, ("metrics", metric, field), key=False)


def _named(
    metric: str,
    share: float,
    terms: tuple[str, ...],
    way: tuple[str, ...],
    what: str,
    *,
    facts: Facts | None = None,
) -> Found:
    words = ", ".join(legible(term) for term in terms)
    text = f"{metric} sounds like {what}" + (f": {words}" if words else "")
    if facts is not None and len(way) > 1:
        text = f"{told_way(facts, way, words or what)}: sounds like {what}"
    evidence = Evidence(text, metric, "words", words or None, way)
    return Found(metric, share, Confidence.NAMED, evidence, ("metrics", metric), key=True)
