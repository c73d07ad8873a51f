"""The models of a tree document: frozen, strict, and closed to unknown fields.

Everything here describes one document; what needs several parts of a tree at once (references,
formulas, the graph) is checked where it is resolved.
"""

from __future__ import annotations

import math
import numbers
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias, TypedDict

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    Strict,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from metrictree.diagnostics import shown
from metrictree.names import RESERVED
from metrictree.units import parse_unit

__all__ = [
    "ID_LENGTH",
    "INCLUDED_FIELDS",
    "Attestation",
    "Criterion",
    "Display",
    "FrozenDict",
    "HistoryEntry",
    "IncludedSpec",
    "Influence",
    "Lint",
    "Measure",
    "Metric",
    "NorthStar",
    "Review",
    "Source",
    "Target",
    "TestCase",
    "TestFile",
    "TestRow",
    "Tolerance",
    "TreeDocument",
    "TreeSpec",
    "check_metric_id",
    "json_schema",
]

ID_LENGTH: Final = 64
UNIT_LENGTH: Final = 200
_ID = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*\Z")


# --- the kinds of values


def _exact(value: Any) -> Any:
    """Refuse an integer that a float64 cannot hold to the last digit."""
    if type(value) is float or isinstance(value, bool):
        return value
    if isinstance(value, numbers.Integral):
        value = int(value)
        try:
            exact = abs(value) <= 2**53 or int(float(value)) == value
        except OverflowError:
            exact = False
        if not exact:
            raise PydanticCustomError(
                "inexact_integer", "an integer past 2**53 loses digits as a float64"
            )
    elif isinstance(value, (numbers.Real, Decimal)):  # of NumPy, or a fraction
        return float(value)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (numbers.Real, Decimal)) and not isinstance(value, bool)


class FrozenDict(dict[Any, Any]):
    """A dictionary that cannot be changed.

    >>> FrozenDict(a=1)["a"] = 2
    Traceback (most recent call last):
    TypeError: a tree cannot be changed; build another one
    """

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a tree cannot be changed; build another one")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


Frozen: Final = AfterValidator(FrozenDict)


def _version(value: Any) -> Any:
    if type(value) is not int or value != 1:
        raise PydanticCustomError("version", "this version reads format 1")
    return value


def _distinct(texts: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(texts)) < len(texts):
        counts = Counter(texts)
        twice = next(text for text in texts if counts[text] > 1)
        raise PydanticCustomError("twice", "'{text}' stands there twice", {"text": shown(twice)})
    return texts


def check_metric_id(text: str) -> str:
    """Return ``text`` if it is a metric id; raise a ValueError that says why it is none."""
    if len(text) > ID_LENGTH:
        raise PydanticCustomError("metric_id", f"an id has at most {ID_LENGTH} characters")
    if not _ID.match(text):
        raise PydanticCustomError("metric_id", "an id is made of a-z, 0-9 and _, a letter first")
    if not RESERVED.isdisjoint(text.split(".")):
        raise PydanticCustomError("metric_id", "this word is reserved in formulas")
    return text


def _unit(text: str) -> str:
    if len(text) > UNIT_LENGTH:
        raise PydanticCustomError("unit", "a unit has at most 200 characters")
    try:
        parse_unit(text)
    except ValueError as error:
        raise PydanticCustomError("unit", "{why}", {"why": str(error)}) from None
    return text


def _filled(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "the text is empty")
    return text


def _day(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return value
    return value


Text: TypeAlias = Annotated[str, AfterValidator(_filled)]
MetricId: TypeAlias = Annotated[
    str,
    AfterValidator(check_metric_id),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$",
            "maxLength": ID_LENGTH,
        }
    ),
]
Number: TypeAlias = Annotated[
    float, BeforeValidator(_exact, json_schema_input_type=float), Field(allow_inf_nan=False)
]
Day: TypeAlias = Annotated[date, BeforeValidator(_day, json_schema_input_type=date)]
UnitText: TypeAlias = Annotated[str, AfterValidator(_unit)]
Code: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,4}[0-9]{3}$")]
Selector: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,4}[0-9]{0,3}$")]
"""A code, or the beginning of several."""


def _variable(text: str) -> str:
    if re.fullmatch(_VARIABLE, text) is None:
        raise PydanticCustomError(
            "variable",
            "a connection is one environment variable such as ${SHOP_DB}, nothing else",
        )
    return text


_VARIABLE: Final = r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$"
Variable: TypeAlias = Annotated[
    str,
    AfterValidator(_variable),
    WithJsonSchema({"type": "string", "pattern": _VARIABLE}),
]
"""The name of an environment variable: what it holds never stands in a tree."""


def _plain(value: Any) -> Any:
    """Accept text, finite numbers, truth values, dates, null, and lists and mappings of these."""
    containers: list[Any] = []
    waiting = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        if depth > 100:
            raise PydanticCustomError("plain_data", "the data is nested deeper than 100 levels")
        if isinstance(item, (list, tuple)):
            containers.append(item)
            waiting.extend((inner, depth + 1) for inner in item)
        elif isinstance(item, dict):
            containers.append(item)
            waiting.extend((inner, depth + 1) for inner in item.values())
            for key in item:
                if not isinstance(key, str):
                    raise PydanticCustomError("plain_data", "a key is no text")
        elif isinstance(item, float) and not math.isfinite(item):
            raise PydanticCustomError("plain_data", "a number is not finite")
        elif item is not None and not isinstance(item, (str, int, float, bool, date)):
            raise PydanticCustomError(
                "plain_data", "{shown} is no plain text, number or date", {"shown": shown(item)}
            )
    frozen: dict[int, Any] = {}  # what is inside of a container comes behind it
    for item in reversed(containers):
        if isinstance(item, dict):
            inner = {key: frozen.get(id(each), each) for key, each in item.items()}
            frozen[id(item)] = FrozenDict(inner)
        else:
            frozen[id(item)] = tuple(frozen.get(id(each), each) for each in item)
    return frozen.get(id(value), value)


Plain: TypeAlias = Annotated[Any, BeforeValidator(_plain)]
"""Any data that a document can hold."""


def _listed_or_named(value: Any) -> Any:
    """Accept a list of texts, or a mapping of names to texts."""
    texts = value if isinstance(value, (list, tuple)) else None
    if isinstance(value, dict):
        texts = [*value, *value.values()]
    if texts is None or not all(isinstance(text, str) and text.strip() for text in texts):
        raise PydanticCustomError(
            "listed_or_named", "it must be a list of texts, or a mapping of names to texts"
        )
    return FrozenDict(value) if isinstance(value, dict) else tuple(value)


ListedOrNamed: TypeAlias = Annotated[
    Any,
    BeforeValidator(_listed_or_named),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "string"}},
                {"type": "object", "additionalProperties": {"type": "string"}},
            ]
        }
    ),
]


def _loose(kind: Any) -> Any:
    """Let YAML's lists become tuples; what they hold stays strict."""
    return Annotated[kind, Strict(strict=False)]


Texts: TypeAlias = Annotated[tuple[Text, ...], Strict(strict=False), AfterValidator(_distinct)]
MetricIds: TypeAlias = Annotated[
    tuple[MetricId, ...], Strict(strict=False), AfterValidator(_distinct)
]
Rows: TypeAlias = Annotated[tuple[Annotated[dict[str, Plain], Frozen], ...], Strict(strict=False)]
FormatVersion: TypeAlias = Annotated[Literal[1], BeforeValidator(_version)]


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        populate_by_name=True,
        use_attribute_docstrings=True,
        validate_default=False,
        defer_build=True,
    )

    shorthand: ClassVar[str | None] = None
    """The field that a bare text stands for."""

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        """Show the fields that say something."""
        for name, info in type(self).model_fields.items():
            value = getattr(self, name)
            if info.is_required() or value != info.get_default(call_default_factory=True):
                yield name, value

    @model_validator(mode="before")
    @classmethod
    def _before(cls, value: Any) -> Any:
        return cls._from_short(value)

    @classmethod
    def _from_short(cls, value: Any) -> Any:
        """Return the long form of a shorthand, and check what needs several fields."""
        if isinstance(value, str) and cls.shorthand is not None:
            return {cls.shorthand: value}
        return value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        schema = handler(core_schema)
        if cls.shorthand is None:
            return schema
        target = handler.resolve_ref_schema(schema)
        long_form = dict(target)
        target.clear()
        target["anyOf"] = [*cls._short_forms(), long_form]
        return schema

    @classmethod
    def _short_forms(cls) -> list[dict[str, Any]]:
        return [{"type": "string", "description": f"short for `{cls.shorthand}`"}]


# --- the North Star


class Review(_Model):
    """When the choice of the North Star is looked at again."""

    every: Literal["month", "quarter", "half_year", "year"] = "quarter"
    """How often."""
    last: Day | None = None
    """The day of the last review."""


class HistoryEntry(_Model):
    """A metric that was the North Star before."""

    metric: Text
    """Its id or name; it need not be in the tree any more."""
    until: Day
    """The day on which it was given up."""
    why: Text
    """The reason."""


class Attestation(_Model):
    """What a person vouches for, since no tool can know it."""

    by: Text
    """Who says so."""
    since: Day
    """The day on which it was said."""
    until: Day | None = None
    """The last day on which it counts; a year after `since` if absent."""
    note: Text | None = None
    """What it rests on."""


Criterion: TypeAlias = Literal[
    "customer_value",
    "strategy",
    "leading",
    "actionable",
    "understandable",
    "measurable",
    "not_vanity",
    "not_revenue",
    "not_external",
]
"""What a good North Star is, in the order of the scorecard."""


class NorthStar(_Model):
    """The one metric at the top, and why it was chosen."""

    shorthand = "metric"

    metric: MetricId
    """The id of the metric."""
    value_moment: Text | None = None
    """What a customer does or gets at the moment that counts."""
    rationale: Text | None = None
    """Why it predicts long-term success."""
    stage: Literal["early", "growth", "mature"] | None = None
    """The stage of the product."""
    leads: MetricIds = ()
    """The outcomes that it should predict, metrics of this tree."""
    stakeholders: Annotated[dict[Text, Text], Frozen] = Field(default_factory=FrozenDict)
    """Who agreed to it, by role, such as `product` or `sales`."""
    review: Review | None = None
    """When the choice is looked at again."""
    history: _loose(tuple[HistoryEntry, ...]) = ()  # type: ignore[valid-type]
    """What was the North Star before."""
    attestations: Annotated[dict[Criterion, Attestation], Frozen] = Field(
        default_factory=FrozenDict
    )
    """Criteria of the scorecard that a person vouches for."""


# --- metrics


class Target(_Model):
    """A value to reach."""

    value: Number
    """The value to reach."""
    by: Day | None = None
    """The day to reach it by."""
    baseline: Number | None = None
    """The value at the start."""


class Display(_Model):
    """How values of the metric are printed."""

    shorthand = "format"

    format: Literal["number", "percent", "currency", "duration"] = "number"
    """The form of the number."""
    digits: Annotated[int, Field(ge=0, le=15)] | None = None
    """Digits after the point."""


class Measure(_Model):
    """How the value comes out of a source."""

    source: Text
    """The name of one of the tree's sources."""
    aggregate: Text
    """An aggregate, such as `count()` or `sum(amount)`."""
    where: Text | None = None
    """A condition on rows; the others do not count."""


def _ends(value: Any) -> Any:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise PydanticCustomError("range", "a range is [low, high], either may be null")
    return tuple(value)


def _ordered(ends: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    low, high = ends
    if low is not None and high is not None and low > high:
        raise PydanticCustomError("range", "the low end of the range is above the high end")
    return ends


Range: TypeAlias = Annotated[
    tuple[Number | None, Number | None],
    BeforeValidator(_ends),
    AfterValidator(_ordered),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": ["number", "null"]},
            "minItems": 2,
            "maxItems": 2,
        }
    ),
]

VALUE_KINDS: Final = ("formula", "measure", "value")


class Metric(_Model):
    """One metric: a formula, a measure, a constant value, or an input that is given."""

    shorthand = "formula"

    label: Text | None = None
    """The name that people read."""
    description: Text | None = None
    """What it counts, in plain words."""
    formula: Text | None = None
    """Its value, made of other metrics."""
    measure: Measure | None = None
    """Its value, aggregated from a source."""
    value: Number | None = None
    """Its value, a constant or an assumption."""
    unit: UnitText | None = None
    """What it counts and per what: `order`, `USD/order`, `ratio`, `%`."""
    owner: Text | None = None
    """Who answers for it."""
    tags: Texts = ()
    """Words to find it by."""
    links: ListedOrNamed = ()
    """Addresses of more about it, in a list or by name."""
    improves: Literal["up", "down"] | None = None
    """The direction that is good."""
    range: Range | None = None
    """The least and the largest value that make sense; either may be null."""
    target: Target | None = None
    """The value to reach."""
    controllability: Literal["direct", "influenced", "external"] | None = None
    """How far the team can move it."""
    timing: Literal["leading", "coincident", "lagging"] | None = None
    """Whether it moves before, with or after success."""
    lifecycle: (
        Literal["awareness", "acquisition", "activation", "retention", "revenue", "referral"] | None
    ) = None
    """The part of the customer's journey that it belongs to."""
    role: Literal["input", "outcome", "guardrail", "health", "focus"] | None = None
    """The part that it plays; `focus` is the one metric that matters to a team for a time."""
    team: Text | None = None
    """The team whose focus it is."""
    until: Day | None = None
    """The day on which the focus ends."""
    display: Display | None = None
    """How its values are printed."""
    ignore: Annotated[dict[Code, Text], Frozen] = Field(default_factory=FrozenDict)
    """Rules that do not apply to it, each with the reason."""

    @property
    def kind(self) -> Literal["formula", "measure", "value", "input"]:
        """Where its value comes from."""
        if self.formula is not None:
            return "formula"
        if self.measure is not None:
            return "measure"
        return "input" if self.value is None else "value"

    @classmethod
    def _from_short(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"formula": value}
        if value is None:
            return {}
        if _is_number(value):
            return {"value": value}
        if isinstance(value, dict):
            kinds = [kind for kind in VALUE_KINDS if kind in value]
            if len(kinds) > 1:
                raise PydanticCustomError(
                    "value_kinds",
                    "it takes its value from one of formula, measure and value, not from {kinds}",
                    {"kinds": " and ".join(kinds)},
                )
            if kinds and value[kinds[0]] is None:
                raise PydanticCustomError("empty_kind", "the {kind} is empty", {"kind": kinds[0]})
            team_fields = [name for name in ("team", "until") if value.get(name) is not None]
            if team_fields and value.get("role") != "focus":
                raise PydanticCustomError(
                    "focus_only",
                    "`{field}` belongs to a metric with `role: focus`",
                    {"field": team_fields[0]},
                )
        return value

    @classmethod
    def _short_forms(cls) -> list[dict[str, Any]]:
        return [
            {"type": "string", "description": "short for `formula`"},
            {"type": "number", "description": "short for `value`"},
            {"type": "null", "description": "an input"},
        ]


# --- what stands beside the metrics


class Influence(_Model):
    """A believed or measured cause between two metrics; it is not arithmetic."""

    from_: Annotated[MetricId, Field(alias="from")]
    """The metric that moves first."""
    to: MetricId
    """The metric that follows."""
    direction: Literal["positive", "negative"] | None = None
    """Whether they move the same way."""
    elasticity: Number | None = None
    """Percent change of `to` for one percent of `from`."""
    lag: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Periods until the effect shows."""
    confidence: Literal["hypothesis", "correlated", "experiment"] = "hypothesis"
    """How well it is known."""
    evidence: Text | None = None
    """Where that is written down."""
    until: Day | None = None
    """The day by which it is to be tested again."""

    @model_validator(mode="after")
    def _one_sign(self) -> Influence:
        wrong = {"positive": -1, "negative": 1}.get(self.direction or "", 0)
        if (self.elasticity or 0) * wrong > 0:
            raise PydanticCustomError(
                "influence_sign", "the sign of `elasticity` contradicts `direction`"
            )
        return self


class Source(_Model):
    """A table of raw rows: a file, a query or a table."""

    path: Text | None = None
    """CSV, JSON lines or Parquet: a file, or a pattern for several, relative to the tree's file."""
    query: Text | None = None
    """A query for DuckDB; its paths are relative to the tree's file."""
    table: Text | None = None
    """A table of a connection, such as `shop.orders`."""
    connection: Variable | None = None
    """The environment variable that holds the connection of the `table`, such as `${SHOP_DB}`."""
    time: Text | None = None
    """The column that says when a row happened."""
    dimensions: Texts = ()
    """Columns to group by."""
    timezone: Text | None = None
    """The time zone in which days begin, such as `Europe/Berlin`."""

    @classmethod
    def _from_short(cls, value: Any) -> Any:
        if isinstance(value, dict):
            given = [name for name in ("path", "query", "table") if value.get(name) is not None]
            if len(given) != 1:
                raise PydanticCustomError(
                    "source_kinds",
                    "a source is one of path, query and table, not {given}",
                    {"given": " and ".join(given) or "none of them"},
                )
            if value.get("connection") is not None and given != ["table"]:
                raise PydanticCustomError(
                    "source_kinds",
                    "only a table has a connection, a {given} has none",
                    {"given": given[0]},
                )
        return value


class Lint(_Model):
    """Which rules run, and how strictly."""

    select: _loose(tuple[Selector, ...]) | None = None  # type: ignore[valid-type]
    """Only these rules; `NS` stands for all whose codes begin so."""
    ignore: Annotated[dict[Selector, Text], Frozen] = Field(default_factory=FrozenDict)
    """Rules whose findings are left out, each with the reason."""
    severity: Annotated[dict[Code, Literal["error", "warning", "advice"]], Frozen] = Field(
        default_factory=FrozenDict
    )
    """Severities other than a rule's own."""
    options: Annotated[dict[Code, Annotated[dict[str, Plain], Frozen]], Frozen] = Field(
        default_factory=FrozenDict
    )
    """Options of rules."""


def _test_value(value: Any, *, expected: bool) -> Any:
    """Accept a number, `missing`, or a list of these, one for each period."""
    items = value if isinstance(value, (list, tuple)) else (value,)
    checked: list[float | str] = []
    for item in items:
        if isinstance(item, str) and item == "missing":
            checked.append(item)
            continue
        if item is None and not expected:
            checked.append("missing")
            continue
        if item is None:
            raise PydanticCustomError("expected_null", "it expects nothing")
        if not _is_number(item) or (isinstance(item, float) and not math.isfinite(item)):
            told = "a mapping" if isinstance(item, Mapping) else "a list"  # however deep it is
            if not isinstance(item, (list, tuple, Mapping)):
                told = shown(getattr(item, "raw", item))
            if isinstance(item, str):
                told = f"the text '{told}'"
            raise PydanticCustomError(
                "test_value",
                "{shown} is no finite number and not `missing`",
                {"shown": told},
            )
        checked.append(float(_exact(item)))
    if isinstance(value, (list, tuple)):
        if not checked:
            raise PydanticCustomError("test_value", "the list of periods is empty")
        return tuple(checked)
    return checked[0]


def _given_value(value: Any) -> Any:
    return _test_value(value, expected=False)


def _expected_value(value: Any) -> Any:
    return _test_value(value, expected=True)


def _test_values_schema(*, null: bool) -> WithJsonSchema:
    one: list[dict[str, Any]] = [{"type": "number"}, {"const": "missing"}]
    if null:
        one.append({"type": "null"})
    periods = {"type": "array", "items": {"anyOf": one}, "minItems": 1}
    return WithJsonSchema({"anyOf": [*one, periods]})


GivenValue: TypeAlias = Annotated[
    Any, BeforeValidator(_given_value), _test_values_schema(null=True)
]
ExpectedValue: TypeAlias = Annotated[
    Any, BeforeValidator(_expected_value), _test_values_schema(null=False)
]
Given: TypeAlias = Annotated[dict[MetricId, GivenValue], Frozen]
Expected: TypeAlias = Annotated[dict[MetricId, ExpectedValue], Frozen]


class Tolerance(_Model):
    """How far a value may be from what is expected."""

    relative: Annotated[Number, Field(ge=0, lt=1)] | None = None
    """As a share of what is expected: 0.01 is 1 %. From 1 on, 0 would do for everything."""
    absolute: Annotated[Number, Field(ge=0)] | None = None
    """In the unit of the metric."""

    shorthand: ClassVar[str | None] = "relative"

    @classmethod
    def _from_short(cls, value: Any) -> Any:
        return {cls.shorthand: value} if _is_number(value) else value

    @classmethod
    def _short_forms(cls) -> list[dict[str, Any]]:
        return [
            {
                "type": "number",
                "minimum": 0,
                "exclusiveMaximum": 1,
                "description": "short for `relative`",
            }
        ]


class TestRow(_Model):
    """One case of a table: what it gives and expects besides what the whole test does."""

    __test__: ClassVar[bool] = False  # pytest: this is no test class

    name: Text | None = None
    """What is special about it."""
    given: Given | None = None
    """Values of metrics, besides those of the test."""
    expect: Expected | None = None
    """Expected values, besides those of the test."""
    error: Code | None = None
    """A diagnostic that is expected."""
    tolerance: Tolerance | None = None
    """How far a value may be from what is expected."""


class TestCase(_Model):
    """A test of definitions: given inputs or rows, expected values or a property."""

    __test__: ClassVar[bool] = False  # pytest: this is no test class

    name: Text
    """What is tested, as a sentence."""
    given: Given | None = None
    """Values of metrics, inputs or computed ones, or `missing`; a list has one for each period."""
    given_rows: Annotated[dict[Text, Rows], Frozen] | None = None
    """Rows of sources."""
    grain: Literal["day", "week", "month", "quarter", "year", "all"] | None = None
    """The length of a period of `expect_rows`; `all` if absent."""
    by: Texts = ()
    """The dimensions of `expect_rows`."""
    expect: Expected | None = None
    """Expected values of metrics, or `missing`; a list has one for each period."""
    expect_rows: Rows | None = None
    """The rows that come out, each with its period and dimensions, and with values of metrics."""
    property: Text | None = None
    """A sentence that holds for all inputs inside of their ranges."""
    matrix: (
        Annotated[
            dict[
                MetricId,
                Annotated[tuple[GivenValue, ...], Strict(strict=False), Field(min_length=1)],
            ],
            Frozen,
        ]
        | None
    ) = None
    """Values to give in all combinations, by metric."""
    cases: Annotated[tuple[TestRow, ...], Strict(strict=False), Field(min_length=1)] | None = None
    """A table of cases, each run on its own."""
    error: Code | None = None
    """A diagnostic that is expected: of a rule, or of what is given."""
    tolerance: Tolerance | None = None
    """How far a value may be from what is expected; 1e-9 of it if absent."""
    tags: Texts = ()
    """Words to select it by."""
    skip: Text | None = None
    """Why it does not run."""


class TestFile(_Model):
    """A file of tests beside its tree: `*.metrictest.yml`."""

    __test__: ClassVar[bool] = False  # pytest: this is no test class

    metrictree: FormatVersion = 1
    """Version of the format."""
    tree: Text | None = None
    """The file of the tree, from this folder; if absent, `shop.yml` of `shop.metrictest.yml`."""
    tests: Annotated[tuple[TestCase, ...], Strict(strict=False)]
    """Tests of the tree's definitions."""


# --- the document


class TreeSpec(_Model):
    """A whole tree document."""

    metrictree: FormatVersion = 1
    """Version of the format."""
    name: Text | None = None
    """The name of the tree, mostly the company or product."""
    product: Text | None = None
    """What is sold, in a sentence; rules read it."""
    vision: Text | None = None
    """What the North Star leads to in the end."""
    north_star: NorthStar
    """The metric at the top."""
    include: ListedOrNamed | None = None
    """Other files: a list joins them, a mapping puts their metrics below a name."""
    timezone: Text | None = None
    """The time zone in which days begin, unless a source has its own."""
    week_start: (
        Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] | None
    ) = None
    """The first day of a week; Monday if absent."""
    fiscal_year_start: Annotated[int, Field(ge=1, le=12)] | None = None
    """The month in which years and quarters begin; 1 if absent."""
    sources: Annotated[dict[Text, Source], Frozen] = Field(default_factory=FrozenDict)
    """Tables of raw rows, by name."""
    metrics: Annotated[dict[MetricId, Metric], Frozen]
    """The metrics, by id."""
    influences: _loose(tuple[Influence, ...]) = ()  # type: ignore[valid-type]
    """Causes between metrics that are no arithmetic."""
    lint: Lint | None = None
    """Which rules run."""
    tests: _loose(tuple[TestCase, ...]) = ()  # type: ignore[valid-type]
    """Tests of the definitions."""

    def to_data(self) -> dict[str, Any]:
        """Return the document as plain data in its shortest form: what `documents.dump` takes."""
        data: dict[str, Any] = _listed(self.model_dump(by_alias=True, exclude_defaults=True))
        if data["north_star"].keys() == {"metric"}:
            data["north_star"] = data["north_star"]["metric"]
        if "metrictree" in self.model_fields_set:
            data = {"metrictree": self.metrictree, **data}
        data["metrics"] = {name: _shortest(metric) for name, metric in data["metrics"].items()}
        return data


class _NeededBlocks(TypedDict):
    north_star: str | NorthStar | Mapping[str, Any]
    metrics: Mapping[str, Any]  # type checkers take a dictionary of mixed values for objects


class TreeDocument(_NeededBlocks, total=False):
    """The blocks of a document as keyword arguments; each may be a model or plain data."""

    metrictree: Literal[1]
    name: str | None
    product: str | None
    vision: str | None
    include: Sequence[str] | Mapping[str, str] | None
    timezone: str | None
    week_start: str | None
    fiscal_year_start: int | None
    sources: Mapping[str, Source | Mapping[str, Any]]
    influences: Sequence[Influence | Mapping[str, Any]]
    lint: Lint | Mapping[str, Any] | None
    tests: Sequence[TestCase | Mapping[str, Any]]


INCLUDED_FIELDS: Final = ("metrictree", "include", "sources", "metrics", "influences", "tests")
"""What an included file may hold; the rest belongs to the whole tree."""


class IncludedSpec(_Model):
    """A file that another one includes."""

    metrictree: FormatVersion = 1
    include: ListedOrNamed | None = None
    sources: Annotated[dict[Text, Source], Frozen] = Field(default_factory=FrozenDict)
    metrics: Annotated[dict[MetricId, Metric], Frozen] = Field(default_factory=FrozenDict)
    influences: _loose(tuple[Influence, ...]) = ()  # type: ignore[valid-type]
    tests: _loose(tuple[TestCase, ...]) = ()  # type: ignore[valid-type]


def _shortest(metric: dict[str, Any]) -> Any:
    if not metric:
        return None
    if metric.keys() <= {"formula"} or metric.keys() <= {"value"}:
        return next(iter(metric.values()))
    return metric


def _listed(value: Any) -> Any:
    """Return ``value`` with lists in place of tuples."""
    if isinstance(value, (tuple, list)):
        return [_listed(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _listed(item) for key, item in value.items()}
    return value


def json_schema(of: Literal["tree", "tests"] = "tree") -> dict[str, Any]:
    """Return the JSON Schema of tree documents, or of files of tests, draft 2020-12, for editors.

    >>> json_schema()["required"]
    ['north_star', 'metrics']
    >>> json_schema("tests")["required"]
    ['tests']
    """
    model, title = (TreeSpec, "document") if of == "tree" else (TestFile, "file of tests")
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"metrictree {title}",
        **_tidied(schema),
    }


def _tidied(schema: Any) -> Any:
    """Close mappings to keys that fit no pattern, and leave out what repeats a field's name."""
    if isinstance(schema, list):
        return [_tidied(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {
        key: _tidied(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str)) and (key, value) != ("default", None)
    }
    if "patternProperties" in tidy:
        tidy["additionalProperties"] = False
    return tidy
