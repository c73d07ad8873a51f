"""pydantic's errors in the words of the language, and what is left of the data without them."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    NamedTuple,
    Union,
    get_args,
    get_origin,
)

from metrictree.diagnostics import Diagnostic, shown
from metrictree.documents import Document, Path, Surprise
from metrictree.names import Suggester, did_you_mean
from metrictree.schema import check_metric_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pydantic_core import ErrorDetails

__all__ = ["describe", "dotted", "instead_of_text", "not_a_mapping", "prune"]


def dotted(path: Path) -> str:
    """Return a path as text: ``metrics.orders.tags[0]``.

    >>> dotted(("metrics", "orders", "tags", 0))
    'metrics.orders.tags[0]'
    """
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def not_a_mapping(document: Document | None, data: Any) -> Diagnostic:
    """Return the problem of a document that is no mapping at all."""
    return Diagnostic(
        "SCH103",
        f"a tree document is a mapping, not {kind_of(data)}",
        document.span(()) if document else None,
        fix="start with `north_star:` and `metrics:`",
    )


_EXPECTED: Final = {
    "string_type": "text",
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "dict_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "date_type": "a date such as 2026-12-31",
    "date_from_datetime_inexact": "a date such as 2026-12-31",
    "date_parsing": "a date such as 2026-12-31",
}


def kind_of(value: Any) -> str:
    """Return what a value is, as a message says it: ``the number 5``, ``a list``."""
    if value is None:
        return "nothing"
    if isinstance(value, Surprise):
        return shown(value.raw)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {shown(value)}"
    if isinstance(value, str):
        return f"the text '{shown(value)}'"
    if isinstance(value, date):
        return f"the date {value}"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    return f"a {shown(type(value).__name__)}"


_EXAMPLES: Final = {
    "measure": "{source: orders, aggregate: count()}",
    "metrics": "{orders: visits * rate}",
    "sources": "{orders: {path: orders.csv, time: ordered_at}}",
    "influences": "[{from: visits, to: orders}]",
    "leads": "[revenue]",
    "tags": "[weekly]",
    "target": "{value: 2000}",
}
"""What a field looks like whose form is mistaken often."""
_EXAMPLES_OF_TESTS: Final = {
    "given": "{visits: 100}",
    "expect": "{rate: 0.05}",
    "given_rows": "{orders: [{ordered_at: 2026-01-05, price: 20}]}",
    "expect_rows": "[{week: 2026-01-05, orders: 2}]",
    "matrix": "{visits: [0, 100]}",
    "cases": "[{given: {visits: 0}, expect: {rate: missing}}]",
}
_PERCENT: Final = re.compile(r"\s*([+-]?\d{1,6}(?:\.\d+)?)\s*%\s*")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_EQUATION: Final = re.compile(r"\s*([a-z][a-z0-9_.]*)\s*={1,2}\s*([^\s=]+)\s*")
_NO_VALUE: Final = ("none", "null", "nan", "na", "n/a", "nil", "empty", "absent", "")
"""What people write for `missing`."""


def id_like(text: str) -> str | None:
    """Return the metric id that a text comes close to, if it does.

    >>> id_like("New-Buyers")
    'new_buyers'
    """
    if len(text) > 128:
        return None
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    try:
        return check_metric_id(name)
    except ValueError:
        return None


class _Facts(NamedTuple):
    """What pydantic says about one error, and where it is."""

    kind: str
    path: Path
    name: str
    """The field, or the key of a mapping."""
    value: Any
    sentence: str
    context: Mapping[str, Any]
    model: type[Any]
    suggesters: dict[Any, Suggester]

    @property
    def in_test(self) -> bool:
        """Whether it stands in a test."""
        return self.path[:1] == ("tests",)

    @property
    def quoted(self) -> str:
        return f"`{shown(self.name)}`" if self.name else "the document"


class _Words(NamedTuple):
    """What is said about it, and where."""

    code: str
    message: str
    fix: str
    on_key: bool = False
    path: Path | None = None
    """Another place than that of the error."""


def describe(
    detail: ErrorDetails,
    model: type[Any],
    document: Document | None,
    suggesters: dict[Any, Suggester],
) -> Diagnostic:
    """Return the diagnostic for one error of pydantic's."""
    path: Path = tuple(detail["loc"])
    at_key = path[-1:] == ("[key]",)
    if at_key:
        path = path[:-1]
    value = detail["input"]
    kind = detail["type"]
    name = next((step for step in reversed(path) if isinstance(step, str)), "")
    context = detail.get("ctx") or {}
    facts = _Facts(kind, path, name, value, detail["msg"], context, model, suggesters)
    if isinstance(value, Surprise) and not at_key and kind != "extra_forbidden":
        words = _surprise(facts)
    else:
        family = kind.partition("_than")[0]
        words = (_WORDING.get(kind) or _WORDING.get(family) or _wrong_type)(facts)
    place = path if words.path is None else words.path
    span = document.span(place, key=words.on_key or at_key) if document is not None else None
    metric = str(path[1]) if len(path) > 1 and path[0] == "metrics" else None
    return Diagnostic(
        words.code, words.message, span, metric=metric, path=dotted(path) or None, fix=words.fix
    )


def _surprise(facts: _Facts) -> _Words:
    raw = shown(facts.value.raw)
    if day := re.fullmatch("([0-9]{4})-([0-9]{2})-([0-9]{2})", raw):
        return _Words("SCH109", f"{facts.quoted} is {raw}: {facts.value.meaning}", _last_day(day))
    if facts.kind == "test_value":
        message = f"{facts.quoted} is {raw} without quotes: {facts.value.meaning}"
        return _Words("SCH109", message, "write a number in plain digits, or `missing`")
    shorthand = facts.kind.startswith("model")  # of a metric: text or a number
    wants_number = facts.kind.startswith(("float", "int")) or (
        shorthand and raw[0] in "+-.0123456789"
    )
    advice = "write the number in plain digits" if wants_number else f"write '{raw}'"
    message = f"{facts.quoted} is {raw} without quotes: {facts.value.meaning}"
    return _Words("SCH109", message, advice)


def _last_day(day: re.Match[str]) -> str:
    """Return what to write for a day that is in no calendar."""
    year, month = int(day[1]), int(day[2])
    if not (year and 1 <= month <= 12):
        return "write a day such as 2026-01-31"
    return f"the month ends on {day[1]}-{day[2]}-{monthrange(year, month)[1]}"


def _unknown_field(facts: _Facts) -> _Words:
    owner = _model_at(facts.model, facts.path[:-1])
    fields = [info.alias or key for key, info in owner.model_fields.items()] if owner else []
    suggester = facts.suggesters.setdefault(owner, Suggester(fields))
    squeezed = {field.replace("_", ""): field for field in fields}
    alike = squeezed.get(facts.name.replace("-", "").replace("_", "").lower())
    near = [alike] if alike else suggester.near(facts.name)
    advice = did_you_mean(near) or f"the fields are {', '.join(fields)}"
    if not near and len(facts.path) == 1:
        advice = f"indent it below `metrics:` if it is a metric; {advice}"
    return _Words("SCH101", f"unknown field {facts.quoted}", advice, on_key=True)


def _missing_field(facts: _Facts) -> _Words:
    advice = {
        "metrics": "list the metrics under `metrics:`",
        "north_star": "name the metric at the top, as `north_star: id`",
    }.get(facts.name, "add it")
    place = facts.path[:-1]
    message = f"the field {facts.quoted} is missing"
    return _Words("SCH102", message, advice, on_key=bool(place), path=place)


def _bad_id(facts: _Facts) -> _Words:
    bad = facts.value if isinstance(facts.value, str) else facts.name
    message = f"'{shown(bad)}' is no metric id: {facts.sentence}"
    advice = "use a short name such as weekly_orders; the name to read is `label`"
    if facts.in_test:
        equation = _EQUATION.fullmatch(bad)
        near = f", such as {nearest}" if (nearest := id_like(bad)) else ""
        advice = f"write the id of a metric{near}"
        if equation:
            advice = (
                f"a colon stands between a metric and its value: `{': '.join(equation.groups())}`"
            )
    elif nearest := id_like(bad):
        advice = f"write {nearest}; the name to read is `label`"
    return _Words("SCH106", message, advice)


def _two_kinds(facts: _Facts) -> _Words:
    message = f"metric '{shown(facts.path[-1])}': {facts.sentence}"
    return _Words("SCH107", message, "keep one of them", on_key=True)


def _blank(facts: _Facts) -> _Words:
    return _Words("SCH108", f"{facts.quoted} is empty", "write it, or remove the field")


def _empty_kind(facts: _Facts) -> _Words:
    place = (*facts.path, str(facts.context["kind"]))
    return _Words(
        "SCH108", facts.sentence, "write it, or remove the field", on_key=True, path=place
    )


def _choice(facts: _Facts) -> _Words:
    advice = f"it is one of {facts.context.get('expected', '')}"
    if isinstance(facts.value, str):
        words = re.findall(r"'([^']*)'", str(facts.context.get("expected", "")))
        if meant := did_you_mean(Suggester(words).near(facts.value)):
            advice = f"{meant} It{advice[2:]}"
    if facts.kind == "version":
        advice = "this version reads format 1"
    return _Words("SCH104", f"{facts.quoted} cannot be {kind_of(facts.value)}", advice)


def _twice(facts: _Facts) -> _Words:
    return _Words("SCH116", f"{facts.quoted}: {facts.sentence}", "keep one of them")


def _bad_number(facts: _Facts) -> _Words:
    advice = {
        "finite_number": "write a finite number",
        "inexact_integer": "write it in another unit, or as a decimal such as 1e18",
        "less_than": f"write a share such as 0.01 for 1 %, or {{absolute: {shown(facts.value)}}} "
        "in the unit of the metric",
    }.get(facts.kind, "check the number")
    sentence = facts.sentence.replace("Input should", "it must", 1)
    message = f"{facts.quoted} cannot be {kind_of(facts.value)}: {sentence}"
    if isinstance(facts.value, (list, tuple)):  # one of its values
        message = f"{facts.quoted}: {sentence}"
    return _Words("SCH105", message, advice)


def _bad_unit(facts: _Facts) -> _Words:
    message = f"'{shown(facts.value)}' is no unit: {facts.sentence}"
    return _Words("SCH110", message, "write units such as order, USD/order, ratio or %")


def _contradiction(facts: _Facts) -> _Words:
    advice = "check the numbers"
    if facts.kind == "range" and not isinstance(facts.value, (list, tuple)):
        advice = "write for example [0, 1], or [0, null] for no upper end"
    return _Words("SCH111", facts.sentence, advice)


def _bad_fields(facts: _Facts) -> _Words:
    advice = "keep one" if facts.kind == "source_kinds" else "set the role or remove it"
    return _Words("SCH112", facts.sentence, advice, on_key=True)


def _bad_code(facts: _Facts) -> _Words:
    if facts.in_test:
        advice = "write a code such as VAL106, or that of a rule such as NS101"
        from metrictree.codes import CODES  # heavy

        known = [code for code in CODES if code[:3] in ("VAL", "SRC")]
        near = Suggester(known).near(facts.value) if isinstance(facts.value, str) else []
        return _Words("SCH113", f"'{shown(facts.value)}' is no code", did_you_mean(near) or advice)
    message = f"'{shown(facts.value)}' is no code of a rule"
    return _Words("SCH113", message, "write a code such as NS101")


def _bad_variable(facts: _Facts) -> _Words:
    advice = "keep passwords and addresses out of the tree: put them into the variable"
    return _Words("SCH117", facts.sentence, advice)


def _odd_data(facts: _Facts) -> _Words:
    return _Words("SCH103", f"{facts.quoted}: {facts.sentence}", "check what stands there")


def _expects_nothing(facts: _Facts) -> _Words:
    message = f"{facts.quoted} expects nothing"
    return _Words("SCH103", message, "write a number, or `missing`", on_key=True)


def _bad_test_value(facts: _Facts) -> _Words:
    advice = "write a number in plain digits, `missing`, or a list of these for periods"
    several = facts.value if isinstance(facts.value, (list, tuple)) else (facts.value,)
    text = next((one for one in several if isinstance(one, str) and one != "missing"), None)
    if text is not None:
        advice = instead_of_text(text) or advice
    return _Words("SCH103", f"{facts.quoted}: {facts.sentence}", advice)


def instead_of_text(text: str) -> str | None:
    """Return what to write for a text that stands for a number, if that shows.

    >>> instead_of_text("10 %"), instead_of_text("mising"), instead_of_text("5 km")
    ('a percentage is written as a ratio: 0.1', 'write `missing`', None)
    """
    if percent := _PERCENT.fullmatch(text):
        return f"a percentage is written as a ratio: {float(percent[1]) / 100:g}"
    if text.strip().lower() in _NO_VALUE or Suggester(["missing"]).near(text):
        return "write `missing`"
    return "write it without quotes" if _NUMBER.fullmatch(text) else None


def _empty_list(facts: _Facts) -> _Words:
    return _Words("SCH108", f"{facts.quoted} is an empty list", "fill it, or remove the field")


def _wrong_type(facts: _Facts) -> _Words:
    expected = _EXPECTED.get(facts.kind)
    if expected is None:  # a kind that pydantic may add: its own sentence is better than none
        return _Words("SCH103", f"{facts.quoted}: {shown(facts.sentence, 160)}", "check it")
    value = facts.value
    if len(facts.path) == 2 and facts.path[0] == "metrics":  # a metric has short forms
        expected = "a formula, a number or a mapping"
    if facts.in_test:
        words = _wrong_type_in_test(facts, expected)
        if words is not None:
            return words
    advice = f"write {expected}"
    if expected == "text":
        advice = "put it in quotes"
        if facts.name == "formula" and isinstance(value, (int, float)):
            advice = "write a number as `value`"
        elif value is None:
            advice = "write it, or remove the field"
        elif isinstance(value, (list, dict)):
            advice = "write plain text, in quotes if it starts with a bracket"
    elif expected == "a number" and isinstance(value, str):
        advice = "write it in plain digits and without quotes"
        if percent := _PERCENT.fullmatch(value):
            advice = f"a percentage is written as a ratio: {float(percent[1]) / 100:g}"
    elif facts.name in _EXAMPLES and expected in ("a mapping", "a list"):
        advice += f", such as {_EXAMPLES[facts.name]}"
    return _Words("SCH103", f"{facts.quoted} must be {expected}, not {kind_of(value)}", advice)


def _wrong_type_in_test(facts: _Facts, expected: str) -> _Words | None:
    """Return what is said of a part of a test whose form is mistaken often."""
    value, what = facts.value, facts.quoted
    if facts.path[1:] == ():
        advice = "begin each test with its name, as `- name: one order in ten comes back`"
    elif len(facts.path) == 2:
        what, advice = "a test", "begin it with its name, as `- name: one order in ten comes back`"
    elif facts.name == "tolerance":
        expected = "a number or a mapping"
        advice = "write a share such as 0.01 for 1 %, or {absolute: 0.5} in the unit of the metric"
    elif facts.name == "skip" and isinstance(value, bool):
        advice = "write why it is skipped, such as `skip: the table has no such column yet`"
        if not value:
            advice = "remove the field, and the test runs"
    elif facts.path[-1] in _EXAMPLES_OF_TESTS and expected in ("a mapping", "a list"):
        advice = f"write {expected}, such as {_EXAMPLES_OF_TESTS[facts.name]}"
    else:
        return None
    return _Words("SCH103", f"{what} must be {expected}, not {kind_of(value)}", advice)


_WORDING: Final[Mapping[str, Callable[[_Facts], _Words]]] = {
    "extra_forbidden": _unknown_field,
    "missing": _missing_field,
    "metric_id": _bad_id,
    "value_kinds": _two_kinds,
    "blank": _blank,
    "empty_kind": _empty_kind,
    "literal_error": _choice,
    "version": _choice,
    "twice": _twice,
    "finite_number": _bad_number,
    "inexact_integer": _bad_number,
    "greater": _bad_number,  # greater_than_equal and its like
    "less": _bad_number,
    "unit": _bad_unit,
    "range": _contradiction,
    "influence_sign": _contradiction,
    "source_kinds": _bad_fields,
    "focus_only": _bad_fields,
    "string_pattern_mismatch": _bad_code,
    "variable": _bad_variable,
    "plain_data": _odd_data,
    "expected_null": _expects_nothing,
    "test_value": _bad_test_value,
    "too_short": _empty_list,
    "listed_or_named": _odd_data,
}


def _model_at(model: type[Any], path: Iterable[str | int]) -> Any:
    """Return the model whose fields stand at a path, so that near names can be offered."""
    here: Any = model
    for step in path:
        if isinstance(here, type) and hasattr(here, "model_fields"):
            fields = {info.alias or key: info for key, info in here.model_fields.items()}
            here = fields[step].annotation if step in fields else None
        else:  # the value of a mapping, or the item of a list
            items = [inner for inner in get_args(here) if inner is not Ellipsis]
            here = items[-1] if items else None
        while get_origin(here) in (Annotated, Union, UnionType):
            here = get_args(here)[0]
    return here if hasattr(here, "model_fields") else None


# --- going on without what is wrong


def prune(data: dict[str, Any], details: list[ErrorDetails], broken: set[str]) -> bool:
    """Remove what is wrong, so that the rest can be checked too; tell whether that makes sense."""
    for detail in details:
        loc = list(detail["loc"])
        if detail["type"] == "missing":
            if loc == ["metrics"]:
                return False
            if loc == ["north_star"]:
                data["north_star"] = {"metric": "north_star_is_missing"}
                broken.add("north_star_is_missing")
                continue
            loc = loc[:-1]
        if loc and loc[-1] == "[key]":
            loc.pop()
        if loc == ["metrics"] or not loc:
            return False
        if loc[0] == "metrics" and len(loc) > 1:
            broken.add(str(loc[1]))
            broken.add(id_like(str(loc[1])) or "")
        if detail["type"] == "value_kinds" and len(loc) == 2:
            body = data["metrics"].get(loc[1], {})  # absent when its id is wrong too
            for kind in ("measure", "value"):
                body.pop(kind, None)
            continue
        if loc[0] == "north_star":
            data["north_star"] = {"metric": "north_star_is_missing"}
            broken.add("north_star_is_missing")
            continue
        _remove(data, loc)
    return True


def _remove(data: Any, loc: list[Any]) -> None:
    holder, here = None, data
    step: Any = None
    for step_ in loc:
        if isinstance(here, dict) and step_ in here:
            holder, step, here = here, step_, here[step_]
        elif isinstance(here, list):
            break  # a whole list goes: positions behind one would shift
        else:
            break
    if isinstance(holder, dict):
        if len(loc) == 2 and loc[0] == "metrics" and isinstance(step, str) and loc[1] == step:
            holder[step] = None
        holder.pop(step, None)
