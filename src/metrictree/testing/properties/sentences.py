"""A property sentence -> what it claims of which metrics; every mistake with its place in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from metrictree.diagnostics import Diagnostic, shown
from metrictree.formula import FUNCTIONS, Fault, Formula, read
from metrictree.names import Suggester, did_you_mean
from metrictree.schema_errors import dotted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from metrictree.documents import Path
    from metrictree.resolved import ResolvedTree

__all__ = ["DRIVEN", "FORMS", "Form", "Sentence", "below", "read_sentence", "sentence_problems"]


class Form(StrEnum):
    """What a sentence claims; the value is its verb."""

    INCREASES = "increases with"
    DECREASES = "decreases with"
    PROPORTIONAL = "is proportional to"
    INDEPENDENT = "does not depend on"
    BETWEEN = "is between"
    AT_LEAST = "is at least"
    AT_MOST = "is at most"
    SUM = "adds up to"
    THERE = "is never missing"


DRIVEN: Final = frozenset((Form.INCREASES, Form.DECREASES, Form.PROPORTIONAL, Form.INDEPENDENT))
"""What is said of a metric and of one that drives it, which moves while all others stay."""

FORMS: Final = (
    "A increases with B",
    "A decreases with B",
    "A is proportional to B",
    "A does not depend on B",
    "A is between LOW and HIGH",
    "A is at least B",
    "A is at most B",
    "A, B and C add up to D",
    "A is never missing",
)
"""How sentences are written; each may end in `when CONDITION`."""

_ALL_FORMS: Final = "write one of: " + "; ".join(FORMS) + "; each may end in `when CONDITION`"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A claim about metrics, with their full ids.

    >>> from metrictree import MetricTree
    >>> tree = MetricTree(
    ...     north_star="rate", metrics={"rate": "orders / visits", "orders": None, "visits": None}
    ... )
    >>> sentence, faults = read_sentence("rate decreases with visits when orders>0", tree.resolved)
    >>> print(sentence)
    rate decreases with visits when orders > 0
    >>> sentence.driver
    'visits'
    """

    form: Form
    subjects: tuple[Formula, ...]
    """What it speaks about: one, or the parts of a sum."""
    others: tuple[Formula, ...]
    """What it is set beside: the driver, the ends of a range, the total; or nothing."""
    condition: Formula | None = None
    """1 where it claims something."""

    @property
    def driver(self) -> str | None:
        """The metric that moves, if it speaks of one."""
        return str(self.others[0]) if self.form in DRIVEN else None

    @property
    def parts(self) -> tuple[Formula, ...]:
        """Every formula in it."""
        return (*self.subjects, *self.others, *((self.condition,) if self.condition else ()))

    @property
    def subject(self) -> str:
        """What it speaks about, as text."""
        return " + ".join(map(str, self.subjects))

    @property
    def over_time(self) -> bool:
        """Whether it looks at other periods itself."""
        return any(
            node.op == "call" and FUNCTIONS[node.value].over_time
            for part in self.parts
            for node in part.nodes
        )

    def __str__(self) -> str:
        verb = self.form.value
        subject = str(self.subjects[0])
        if len(self.subjects) > 1:
            *first, last = map(str, self.subjects)
            subject, verb = f"{', '.join(first)} and {last}", "add up to"
        text = " ".join([subject, verb, " and ".join(map(str, self.others))]).rstrip()
        if self.condition is not None:
            text += f" when {str(self.condition).removeprefix('1 if ').removesuffix(' else 0')}"
        return text


def sentence_problems(
    tree: ResolvedTree, text: str, path: Path, *, given: Collection[str] = ()
) -> Iterator[Diagnostic]:
    """Yield what is wrong with a sentence; ``path`` leads to it in the document."""
    for fault in read_sentence(text, tree, given=given)[1]:
        yield Diagnostic(
            fault.code,
            fault.message,
            tree.places.span_within(path, text, fault.start, fault.end),
            path=dotted(path),
            fix=fault.fix,
        )


def read_sentence(
    text: str, tree: ResolvedTree, *, given: Collection[str] = ()
) -> tuple[Sentence | None, list[Fault]]:
    """Return the sentence, or ``None`` and what is wrong with the text.

    Metrics that are ``given`` are not computed.
    """
    reader = _Reader(text, tree)
    sentence = reader.read()
    if sentence is not None and not reader.faults:
        reader.check_driver(sentence, given)
        reader.check_claim(sentence)
    return (None if reader.faults else sentence), reader.faults


_VERBS: Final = {
    form: re.compile(
        r"(?<![\w.])" + form.value.replace("adds", "adds?").replace(" ", r"\s+") + r"(?![\w.])"
    )
    for form in Form
}
_WHEN: Final = re.compile(r"(?<![\w.])when(?![\w.])")
_IF: Final = re.compile(r"(?<![\w.])if(?![\w.])")
_AND: Final = re.compile(r"(?<![\w.])and(?![\w.])")
_BOTH_ENDS: Final = re.compile(r"(?<![\w.])and\s+((?:is\s+)?at\s+(most|least))(?![\w.])")
_NEVER_NEGATIVE: Final = re.compile(r"((?:is |are )?(?:never|not) negative|non-?negative)\b")
_OTHER_WORDS: Final = (
    (
        re.compile(r"((?:not|never|no) (?:(?:falls? |drops? )?below|less|smaller|lower))"),
        Form.AT_LEAST,
    ),
    (
        re.compile(
            r"((?:not|never|no) (?:(?:rises? |grows? )?above|more|greater|larger|higher|bigger)"
            r"|never exceeds?)"
        ),
        Form.AT_MOST,
    ),
    (re.compile(r"(rises?|grows?|goes up|increases?|improves?)\b"), Form.INCREASES),
    (re.compile(r"(falls?|drops?|goes down|decreases?|shrinks?)\b"), Form.DECREASES),
    (re.compile(r"(proportional|scales?|doubles?)\b"), Form.PROPORTIONAL),
    (re.compile(r"(independent|doesn'?t depend|ignores?|not affected)\b"), Form.INDEPENDENT),
    (re.compile(r"(between|in|within|stays)\b"), Form.BETWEEN),
    (
        re.compile(r"(>=?|above|more than|greater|larger|bigger|higher|minimum|positive)"),
        Form.AT_LEAST,
    ),
    (re.compile(r"(<=?|below|less than|smaller|lower|maximum|negative)"), Form.AT_MOST),
    (re.compile(r"(==?|equals?|sums?|totals?|adds?)"), Form.SUM),
    (re.compile(r"(missing|null|defined|always there|exists?)\b"), Form.THERE),
)
"""Words for the same, and the verb that is meant."""


class _Reader:
    """Reads one sentence; ``faults`` holds what was wrong."""

    def __init__(self, text: str, tree: ResolvedTree) -> None:
        self.text = text
        self.tree = tree
        self.faults: list[Fault] = []
        self.suggester = Suggester(tree.metrics)
        self.behind = len(text.rstrip())

    def fault(self, message: str, fix: str, start: int, end: int, code: str = "TST121") -> None:
        self.faults.append(Fault(code, message, fix, start, max(end, start + 1)))

    def read(self) -> Sentence | None:
        text = self.text
        found = sorted(
            (match.start(), match.end(), form)
            for form, verb in _VERBS.items()
            for match in verb.finditer(text)
        )
        if not found:
            self._no_verb()
            return None
        start, end, form = found[0]
        if form in (Form.AT_LEAST, Form.AT_MOST) and self._both_ends(form, start, end):
            return None
        if len(found) > 1:
            again, last, _ = found[1]
            self.fault("a sentence claims one thing", "write a test for each", again, last)
            return None
        when = _WHEN.search(text, end)
        choice = _IF.search(text, end)
        if choice and not when and " else " not in text[choice.end() :]:
            self.fault("a condition begins with `when`", "write `when` for `if`", *choice.span())
            return None
        stop = when.start() if when else self.behind
        subjects = self._several(form, start)
        others = self._others(form, end, stop)
        condition = None
        if when:
            condition = self._formula(when.end(), self.behind, "behind `when`", condition=True)
        if self.faults or subjects is None or others is None:
            return None
        return Sentence(form, subjects, others, condition)

    def _both_ends(self, form: Form, start: int, end: int) -> bool:
        """Note that a sentence names a low and a high end in the words for one of them."""
        both = _BOTH_ENDS.search(self.text, end)
        if both is None or form.value.endswith(both[2]):
            return False
        when = _WHEN.search(self.text, both.end())
        stop = when.start() if when else self.behind
        ends = [self.text[end : both.start()].strip(), self.text[both.end() : stop].strip()]
        low, high = ends if form is Form.AT_LEAST else reversed(ends)
        advice = "write a test for each"
        if low and high:
            subject = self.text[:start].strip()
            advice = f"write `{shown(f'{subject} is between {low} and {high}', 200)}`, or {advice}"
        self.fault("a sentence claims one thing", advice, *both.span(1))
        return True

    def _no_verb(self) -> None:
        text = self.text
        never = _NEVER_NEGATIVE.search(text)
        if never:
            advice = "write `is at least 0`"
            self.fault("this is no sentence that can be tested", advice, *never.span())
            return
        words = text.replace("_", " ")
        form: Form | None = None
        match = None
        for pattern, meant in _OTHER_WORDS:
            match = re.search(r"(?<![\w.])" + pattern.pattern, text)
            if match:
                form = meant
                break
        else:
            verbs = {verb.value: verb for verb in Form}
            pairs = re.findall(r"(?=\b(\w+(?: \w+){1,2}))", words)
            near = [hit for pair in pairs for hit in get_close_matches(pair, verbs, 1, 0.75)]
            form = verbs[near[0]] if near else None
        start, end = match.span(1) if match else (0, self.behind)
        advice = f"did you mean `{form.value}`? {_capital(_ALL_FORMS)}" if form else _ALL_FORMS
        self.fault("this is no sentence that can be tested", advice, start, end)

    # --- the parts

    def _several(self, form: Form, stop: int) -> tuple[Formula, ...] | None:
        """Read what stands before the verb."""
        what = f"before `{form.value}`"
        ends = self._ends_of_parts(stop) if form is Form.SUM else []
        parts = []
        begin = 0
        for end, after in [*ends, (stop, stop)]:
            parts.append(self._formula(begin, end, what))
            begin = after
        return None if None in parts else tuple(part for part in parts if part is not None)

    def _ends_of_parts(self, stop: int) -> list[tuple[int, int]]:
        """Return where commas outside of brackets, and the last `and`, part the text."""
        depth = 0
        ends = []
        for at, character in enumerate(self.text[:stop]):
            depth += (character == "(") - (character == ")")
            if character == "," and not depth:
                ends.append((at, at + 1))
        last = list(_AND.finditer(self.text, 0, stop))[-1:]
        if last and " if " not in self.text[:stop]:
            start, end = last[0].span()
            if ends and not self.text[ends[-1][1] : start].strip():
                ends.pop()  # a, b, and c
                start -= len(self.text[:start]) - len(self.text[:start].rstrip()) + 1
            ends.append((start, end))
        return ends

    def _others(self, form: Form, start: int, stop: int) -> tuple[Formula, ...] | None:
        """Read what stands after the verb."""
        if form is Form.THERE:
            rest = self.text[start:stop]
            if rest.strip():
                begin = start + len(rest) - len(rest.lstrip())
                self.fault(
                    "the sentence ends before this, or goes on with `when`",
                    "write `A is never missing when CONDITION`",
                    begin,
                    stop,
                )
            return ()
        if form is Form.BETWEEN:
            parted = [match.span() for match in _AND.finditer(self.text, start, stop)]
            for end, begin in parted:  # a condition of an `if` may hold another `and`
                ends = (self.text[start:end], self.text[begin:stop])
                if len(parted) == 1 or all(read(one)[0] for one in ends):
                    break
            else:
                begin, end = self._trimmed(start, stop)
                self.fault(
                    "one of the two ends is missing",
                    "write `A is between LOW and HIGH`: numbers or metrics",
                    min(begin, self.behind - 1),
                    end,
                )
                return None
            low = self._formula(start, end, "behind `between`")
            high = self._formula(begin, stop, "behind `and`")
            return (low, high) if low and high else None
        other = self._formula(start, stop, f"behind `{form.value}`")
        if other is None:
            return None
        if form in DRIVEN and other.root.op != "ref":
            self.fault(
                f"`{form.value}` is said of one metric, not of `{shown(other)}`",
                "name a metric",
                *self._trimmed(start, stop),
            )
            return None
        return (other,)

    def _trimmed(self, start: int, stop: int) -> tuple[int, int]:
        piece = self.text[start:stop]
        return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())

    def _formula(
        self, start: int, stop: int, what: str, *, condition: bool = False
    ) -> Formula | None:
        start, stop = self._trimmed(start, stop)
        piece = self.text[start:stop]
        if not piece:
            wanted = "a condition" if condition else "a metric or a number"
            self.fault(f"{wanted} is missing {what}", _ALL_FORMS, max(start - 1, 0), start)
            return None
        before = "1 if " if condition else ""
        formula, faults = read(
            f"{before}{piece} else 0" if condition else piece, limits=self.tree.limits
        )
        if formula is None:
            for fault in faults:
                begin, end = (
                    min(max(at - len(before), 0), len(piece)) + start
                    for at in (fault.start, fault.end)
                )
                self.fault(fault.message, fault.fix, min(begin, stop - 1), end, fault.code)
            return None
        for node in formula.nodes:
            if node.op == "ref" and node.value not in self.tree.metrics:
                begin, end = (at - len(before) + start for at in (node.start, node.end))
                self._unknown(str(node.value), begin, end)
        return formula

    def _unknown(self, name: str, start: int, end: int) -> None:
        near = self.suggester.near(name)
        if not near:  # in a file that is included, ids are shorter
            short = {metric.rpartition(".")[2]: metric for metric in self.tree.metrics}
            near = [short[one] for one in Suggester(short).near(name)]
        advice = did_you_mean(near)
        self.fault(
            f"no metric has the id '{shown(name)}'",
            advice or "use ids from `metrics:`",
            start,
            end,
            "GRA101",
        )

    # --- what it is about

    def check_claim(self, sentence: Sentence) -> None:
        """Note why no definition could break the sentence."""
        sides = (*sentence.subjects, *sentence.others)
        if not any(side.references for side in sides):
            self.fault("it names no metric, so it tests none", "name one", 0, len(self.text))
        elif len(sentence.subjects) == 1 and sentence.subjects[0] in sentence.others:
            subject = shown(str(sentence.subjects[0]))
            if sentence.driver is None:
                told = f"'{subject}' stands on both sides, so it always holds"
                self.fault(told, "name something else on one side", 0, len(self.text))

    def check_driver(self, sentence: Sentence, given: Collection[str]) -> None:
        """Note why the driver cannot move what the sentence speaks about."""
        driver, subject = sentence.driver, sentence.subjects[0]
        if driver is None:
            return
        start, end = self._driver_place(sentence)
        if driver in given:
            self.fault(
                f"'{driver}' has to move, and `given` holds it at one value",
                "take it out of `given`",
                start,
                end,
                "TST122",
            )
            return
        if str(subject) == driver:
            self.fault(
                f"'{driver}' stands on both sides", "name a metric below it", start, end, "TST122"
            )
            return
        reached = below(self.tree, subject.references, given)
        if driver in reached or sentence.form is Form.INDEPENDENT:
            return
        inputs = [
            metric for metric in self.tree.metrics if metric in reached - {str(subject)} - {*given}
        ]
        advice = "it is made of no metric that can move"
        if inputs:
            advice = f"it is made of {shown(', '.join(inputs), 160)}"
        if str(subject) in below(self.tree, [driver], given):
            advice = f"did you mean `{driver} {sentence.form.value} {shown(subject)}`?"
        self.fault(
            f"'{shown(subject)}' is not made of '{driver}', so it cannot move with it",
            advice,
            start,
            end,
            "TST122",
        )

    def _driver_place(self, sentence: Sentence) -> tuple[int, int]:
        """Return where the driver stands: behind the verb."""
        verb = _VERBS[sentence.form].search(self.text)
        assert verb is not None
        when = _WHEN.search(self.text, verb.end())
        return self._trimmed(verb.end(), when.start() if when else self.behind)


def below(tree: ResolvedTree, metrics: Collection[str], given: Collection[str]) -> set[str]:
    """Return ``metrics`` and what they are made of, where those that are given are cut off."""
    found: set[str] = set()
    waiting = list(metrics)
    while waiting:
        metric = waiting.pop()
        if metric in found:
            continue
        found.add(metric)
        if metric not in given and metric in tree.formulas:
            waiting += tree.formulas[metric].references
    return found


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
