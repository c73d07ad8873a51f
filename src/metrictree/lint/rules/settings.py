"""Rules about what the tree itself says of rules: which run, what they ignore, their options."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from pydantic import ValidationError

from metrictree.codes import CODES
from metrictree.diagnostics import Diagnostic, Severity, shown
from metrictree.lint.rule import Rule
from metrictree.names import Suggester, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrictree.documents import Path
    from metrictree.lint.facts import Facts

__all__ = ["SETTINGS"]


class UnknownRule(Rule):
    """The tree names a rule that does not exist.

    ## Why

    A rule that is selected, ignored or set under a wrong code changes nothing, and nobody would
    notice. Mistakes of the document itself (codes such as `SCH101` or `GRA101`) are always told and
    cannot be ignored.

    ## Reported

    ```yaml
    north_star: weekly_orders
    metrics: {weekly_orders: buyers * orders_per_buyer, buyers: , orders_per_buyer: }
    lint: {ignore: {NS999: We know}}
    ```

    ## Accepted

    ```yaml
    north_star: weekly_orders
    metrics: {weekly_orders: buyers * orders_per_buyer, buyers: , orders_per_buyer: }
    lint: {ignore: {NS110: The vision is in the strategy paper}}
    ```

    ## What to do

    Correct the code; `metrictree rule` lists all of them.

    ## Source

    Ignoring needs a reason and an existing code, as in the linters of programming languages.
    """

    code: ClassVar[str] = "LNT101"
    title: ClassVar[str] = "An unknown rule"
    severity: ClassVar[Severity] = Severity.ERROR

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding for each code that names no rule."""
        suggester = Suggester(facts.rules)
        for code, path, metric in _named(facts):
            if any(known.startswith(code) for known in facts.rules):
                continue
            if code in CODES:
                advice = "it is a mistake of the document, which is always told: repair it"
            else:
                advice = did_you_mean(suggester.near(code)) or "`metrictree rule` lists all rules"
            message = f"there is no rule '{shown(code)}'"
            if code in CODES:
                message = f"'{code}' is no rule that can be set or ignored"
            yield self.found(facts, metric, message, at=path, key=True, fix=advice)


class WrongOption(Rule):
    """An option of a rule has a wrong name or a wrong value.

    ## Why

    A rule with a wrong option would run with its default, and its findings would mean something
    else than the author thinks.

    ## Reported

    ```yaml
    north_star: weekly_orders
    metrics: {weekly_orders: buyers * orders_per_buyer, buyers: , orders_per_buyer: }
    lint: {options: {NS107: {most_words: many}}}
    ```

    ## Accepted

    ```yaml
    north_star: weekly_orders
    metrics: {weekly_orders: buyers * orders_per_buyer, buyers: , orders_per_buyer: }
    lint: {options: {NS107: {most_words: 12}}}
    ```

    ## What to do

    Correct the option; `metrictree rule CODE` lists those of a rule with their defaults.

    ## Source

    Nothing that an author writes is silently dropped.
    """

    code: ClassVar[str] = "LNT102"
    title: ClassVar[str] = "A wrong option"
    severity: ClassVar[Severity] = Severity.ERROR

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding for each option that a rule does not take."""
        settings = facts.tree.spec.lint
        for code, options in settings.options.items() if settings else ():
            rule = facts.rules.get(code)
            if rule is None:
                continue  # told by another rule
            try:
                rule.model_validate(dict(options))
            except ValidationError as error:
                for detail in error.errors(include_url=False, include_context=False):
                    path: Path = ("lint", "options", code, *detail["loc"])
                    name = str(detail["loc"][0]) if detail["loc"] else ""
                    if detail["type"] == "extra_forbidden":
                        message = f"{code} has no option `{shown(name)}`"
                        names = list(rule.model_fields)
                        near = did_you_mean(Suggester(names).near(name))
                        known = f"its options are {', '.join(names)}" if names else "it has none"
                        yield self.found(facts, None, message, at=path, key=True, fix=near or known)
                        continue
                    field = rule.model_fields.get(name)
                    message = f"the option `{shown(name)}` of {code} is {shown(detail['input'])}"
                    default = f"; its default is {field.default!r}" if field else ""
                    advice = f"{detail['msg'][:1].lower()}{detail['msg'][1:]}{default}"
                    yield self.found(facts, None, message, at=path, fix=advice)


class UnusedIgnore(Rule):
    """A suppression sets nothing aside.

    ## Why

    A reason for ignoring a finding that is gone misleads the next reader, and would hide the
    finding when it comes back.

    ## Reported

    ```yaml
    north_star: weekly_orders
    metrics:
      weekly_orders: {formula: buyers * orders_per_buyer, ignore: {NS101: It counts orders}}
      buyers:
      orders_per_buyer:
    ```

    ## Accepted

    ```yaml
    north_star: weekly_orders
    metrics: {weekly_orders: buyers * orders_per_buyer, buyers: , orders_per_buyer: }
    ```

    ## What to do

    Remove it.

    ## Source

    Linters of programming languages report directives that suppress nothing.
    """

    code: ClassVar[str] = "LNT103"
    title: ClassVar[str] = "A suppression of nothing"
    severity: ClassVar[Severity] = Severity.WARNING

    def check(self, facts: Facts) -> Iterator[Diagnostic]:
        """Yield a finding for each suppression whose rules all ran, and that nothing needed."""
        for code, path, metric in _ignored(facts):
            rules = [known for known in facts.rules if known.startswith(code)]
            if rules and facts.ran.issuperset(rules) and (metric, code) not in facts.used:
                message = f"`ignore` of {code} sets nothing aside"
                yield self.found(facts, metric, message, at=path, key=True, fix="remove it")


def _ignored(facts: Facts) -> Iterator[tuple[str, Path, str | None]]:
    """Yield every code or beginning that is ignored, with its place and metric."""
    for metric, body in facts.metrics.items():
        for code in body.ignore:
            yield code, ("metrics", metric, "ignore", code), metric
    settings = facts.tree.spec.lint
    for code in settings.ignore if settings else ():
        yield code, ("lint", "ignore", code), None


def _named(facts: Facts) -> Iterator[tuple[str, Path, str | None]]:
    """Yield every code or beginning that the tree names, with its place and metric."""
    yield from _ignored(facts)
    settings = facts.tree.spec.lint
    if settings is None:
        return
    for position, code in enumerate(settings.select or ()):
        yield code, ("lint", "select", position), None
    for block, codes in (("severity", settings.severity), ("options", settings.options)):
        for code in codes:
            yield code, ("lint", block, code), None


SETTINGS: Final[tuple[type[Rule], ...]] = (UnknownRule, WrongOption, UnusedIgnore)
