"""What units become in formulas, and where they contradict each other."""

from __future__ import annotations

import pytest

from metrictree import MetricTree
from metrictree.unit_inference import InferredUnits, UnitFault, infer_units
from metrictree.units import parse_unit


def units_of(metrics: dict[str, object]) -> InferredUnits:
    return infer_units(MetricTree(north_star=next(iter(metrics)), metrics=metrics)._tree)


def inferred(formula: str, units: str, declared: str | None = None) -> InferredUnits:
    """Return the units of a tree of one formula; `?` declares nothing."""
    pairs = dict(pair.split("=") for pair in units.split())
    inputs = {name: {} if unit == "?" else {"unit": unit} for name, unit in pairs.items()}
    return units_of(
        {"north": {"formula": formula} | ({"unit": declared} if declared else {}), **inputs}
    )


def only_fault(found: InferredUnits) -> UnitFault:
    (fault,) = found.faults
    return fault


# Formula, units of its metrics, the unit it has; `?` is unknown.
GIVES = [
    # products and quotients
    ("a * b", "a=customer b=order/customer", "order"),
    ("a * b", "a=order/customer b=customer", "order"),
    ("a / b", "a=USD b=order", "USD/order"),
    ("a / b", "a=USD b=USD", "ratio"),
    ("a / b / c", "a=USD b=order c=customer", "USD/order/customer"),
    ("a / (b / c)", "a=USD b=order c=customer", "USD*customer/order"),
    ("a * b / a", "a=order b=USD/order", "USD/order"),
    ("(a * b) / b", "a=order b=USD/order", "order"),
    ("1 / a", "a=hour", "1/hour"),
    ("a * b * c", "a=customer b=job/customer/week c=ratio", "job/week"),
    ("a * b", "a=EUR b=USD/EUR", "USD"),
    ("a * b", "a=order/day b=day", "order"),
    ("a * b", "a=m b=meter", "m^2"),
    ("a / b", "a=order/week b=customer/week", "order/customer"),
    ("a / b", "a=order/week b=customer/month", "order*month/customer/week"),
    ("a * b", "a=kW b=hour", "kW*hour"),
    # a literal has no unit for * and /
    ("2 * a", "a=order", "order"),
    ("a / 2", "a=USD", "USD"),
    ("100 * a / b", "a=order b=order", "ratio"),
    ("-a", "a=USD", "USD"),
    ("0.7 * a + 0.3 * b", "a=EUR b=EUR", "EUR"),
    ("1 * a", "a=USD", "USD"),
    # and it takes that of the other operand elsewhere
    ("1 - a", "a=%", "ratio"),
    ("100 - a", "a=rank", "rank"),
    ("a + 1", "a=order", "order"),
    ("max(a, 0)", "a=USD", "USD"),
    ("min(100, a, 5)", "a=minute", "minute"),
    ("clip(a, 0, 10)", "a=order", "order"),
    ("a if a > 3 else 0", "a=USD", "USD"),
    ("1 if a > 3 else 0", "a=USD", "?"),
    ("2 * 3", "", "?"),
    ("a * (1 + 0.05)", "a=USD", "USD"),
    ("a % 7", "a=day", "day"),
    # zero and null fit to everything
    ("a + 0 * b", "a=order b=USD", "order"),
    ("0 * b + a", "a=order b=USD", "order"),
    ("a / (1 + 0 * b)", "a=user b=USD", "user"),
    ("a / b + 0 * c", "a=drop b=drop c=index", "ratio"),
    ("a if b > 2 else null", "a=USD b=order", "USD"),
    ("0 * a", "a=USD", "?"),
    ("coalesce(null, a)", "a=USD", "USD"),
    # sums and choices keep the unit
    ("a + b - c", "a=USD b=USD c=USD", "USD"),
    ("(a - b) / a", "a=USD b=USD", "ratio"),
    ("sum(a, b)", "a=orders b=order", "order"),
    ("mean(a, b, c)", "a=h b=hr c=hours", "hour"),
    ("min(a, b)", "a=job/week b=jobs/week", "job/week"),
    ("coalesce(a, b)", "a=% b=ratio", "ratio"),
    ("a if c > 1 else b", "a=USD b=USD c=order", "USD"),
    ("safe_div(a, b, 0)", "a=USD b=order", "USD/order"),
    ("safe_div(a, b, c)", "a=USD b=order c=USD/order", "USD/order"),
    ("abs(a - b)", "a=USD b=USD", "USD"),
    ("round(a, 2)", "a=USD", "USD"),
    ("floor(a) + ceil(b)", "a=order b=order", "order"),
    # what is unknown stays unknown
    ("a", "a=?", "?"),
    ("a * b", "a=USD b=?", "?"),
    ("a / b", "a=? b=?", "?"),
    ("a / a", "a=?", "?"),
    ("2 * a + 1", "a=?", "?"),
    ("a + b", "a=USD b=?", "USD"),
    ("a + b", "a=? b=USD", "USD"),
    ("a + b", "a=ratio b=?", "?"),
    ("a + b", "a=score b=?", "?"),
    ("a + b", "a=index b=?", "index"),
    ("(a + b) * c", "a=ratio b=? c=USD", "?"),
    ("(a + b) * c", "a=USD/order b=? c=order", "USD"),
    ("max(a, b, 0)", "a=? b=order", "order"),
    ("a if b > 1 else c", "a=USD b=? c=?", "USD"),
    # powers and roots
    ("a ** 2", "a=m", "m^2"),
    ("pow(a, 3)", "a=m", "m^3"),
    ("a ** -1", "a=hour", "1/hour"),
    ("a ** 0", "a=USD", "?"),
    ("sqrt(a)", "a=m^2", "m"),
    ("a ** 0.5", "a=USD^2", "USD"),
    ("sqrt(a)", "a=USD", "?"),
    ("a ** 1.5", "a=USD", "?"),
    ("a ** b", "a=% b=year", "ratio"),
    ("a ** b", "a=USD b=ratio", "?"),
    ("(1 + a) ** 12", "a=%", "ratio"),
    ("1.05 ** a", "a=year", "ratio"),
    ("1.05 ** a", "a=?", "?"),
    ("sqrt(a * b)", "a=USD b=USD", "USD"),
    # logarithms and signs
    ("exp(a)", "a=ratio", "ratio"),
    ("log(a)", "a=USD", "?"),
    ("log10(a / b)", "a=USD b=USD", "ratio"),
    ("sign(a)", "a=USD", "ratio"),
    ("sign(a)", "a=?", "ratio"),
    # over time
    ("lag(a)", "a=USD", "USD"),
    ("change(a, 12)", "a=order/month", "order/month"),
    ("growth(a)", "a=USD", "ratio"),
    ("growth(a)", "a=?", "ratio"),
    ("rolling_mean(a, 4)", "a=order/week", "order/week"),
    ("rolling_max(a, 4)", "a=user", "user"),
    ("rolling_sum(a, 4)", "a=order", "order"),
    ("rolling_sum(a, 4)", "a=order/week", "?"),
    ("cumulative(a)", "a=USD", "USD"),
    ("cumulative(a)", "a=USD/month", "?"),
    # a literal may be a conversion, or not: nobody can tell
    ("a / 60", "a=minute", "?"),
    ("a / 50", "a=minute", "minute"),
    ("a * 12", "a=USD/month", "?"),
    ("a / 1000", "a=USD", "?"),
    ("a / 60 + b", "a=minute b=hour", "hour"),
    ("b + a / 60", "a=minute b=hour", "hour"),
    ("a / 60 + b / 3600", "a=minute b=second", "hour"),
    ("b * 60 + a", "a=minute b=hour", "minute"),
    ("2 * a / 60 + b", "a=minute b=hour", "hour"),
    ("a * (1 / 60) + b", "a=minute b=hour", "hour"),
    ("a / 1000 + b", "a=g b=kg", "kg"),
    ("a * 12 + b", "a=USD/month b=USD/year", "USD/year"),
    ("a * 7 + b", "a=job/day b=job/week", "job/week"),
    ("a * b / 1000 + c", "a=W b=hour c=kWh", "kWh"),
    ("a / 1000 + b", "a=USD b=kUSD", "kUSD"),
    # scores
    ("0.6 * a + 0.2 * b", "a=index b=index", "index"),
    ("0.5 * a + 0.5 * b", "a=score b=%", "index"),
    ("a + b", "a=score b=score", "score"),
    ("a / b", "a=USD b=point", "USD/point"),
]


@pytest.mark.parametrize(("formula", "units", "expected"), GIVES)
def test_a_formula_gives_a_unit(formula: str, units: str, expected: str) -> None:
    found = inferred(formula, units)
    assert found.faults == ()
    assert found.inferred["north"] == (None if expected == "?" else parse_unit(expected))


# The place is marked with [[ ]]; then the units, and what the message says.
CLASHES = [
    ("a + [[b]]", "a=USD b=EUR", "USD and EUR cannot be added"),
    ("a + [[b]]", "a=USD b=user", "USD and user cannot be added"),
    ("a + [[b]]", "a=% b=order", "ratio and order cannot be added"),
    ("a - [[b]]", "a=order b=order/week", "order and order/week cannot be subtracted"),
    ("a + [[b]]", "a=job/week b=job/month", "job/week and job/month cannot be added"),
    ("a + [[b]]", "a=minute b=hour", "minute and hour cannot be added"),
    ("a / 100 + [[b]]", "a=minute b=hour", "minute and hour cannot be added"),
    ("a + [[b]] - b", "a=team b=USD", "team and USD cannot be added"),
    ("a + [[b * c]]", "a=USD b=order c=EUR/order", "USD and EUR cannot be added"),
    ("a + b + [[c]] + d", "a=USD b=USD c=EUR d=USD", "USD and EUR cannot be added"),
    ("a * b + [[(a - a)]]", "a=USD b=order", "USD*order and USD cannot be added"),
    ("a % [[b]]", "a=USD b=day", "USD cannot be divided by day with a remainder"),
    ("min(a, 0, [[b]])", "a=USD b=EUR", "min() cannot choose between USD and EUR"),
    ("max(a, [[b]], c)", "a=order b=visit c=order", "max() cannot choose between order and visit"),
    ("sum(a, a, [[b]])", "a=order b=visit", "sum() cannot add order and visit"),
    ("mean(a, [[b]])", "a=order b=visit", "mean() cannot add order and visit"),
    ("coalesce(a, [[b]])", "a=g b=kg", "coalesce() cannot choose between gram and kilogram"),
    ("clip(a, 0, [[b]])", "a=% b=order", "clip() cannot compare ratio and order"),
    ("safe_div(a, b, [[a]])", "a=USD b=order", "safe_div() gives USD/order, and USD otherwise"),
    (
        "a if a > 1 else [[b]]",
        "a=USD b=EUR",
        "this `if` gives USD in one case and EUR in the other",
    ),
    ("1 if a > [[b]] else 0", "a=USD b=EUR", "USD and EUR cannot be compared"),
    ("1 if 0 < a <= [[b]] else 0", "a=USD b=EUR", "USD and EUR cannot be compared"),
    ("a + c + [[b]]", "a=USD b=EUR c=?", "USD and EUR cannot be added"),
    ("c + a + [[b]]", "a=USD b=EUR c=?", "USD and EUR cannot be added"),
    ("a + [[(c + b)]]", "a=USD b=EUR c=?", "USD and EUR cannot be added"),
    ("a + [[b]]", "a=score b=USD", "score and USD cannot be added"),
    ("(a + c) + [[b]]", "a=ratio b=USD c=?", "ratio and USD cannot be added"),
    ("a + [[b]]", "a=kWh b=kW", "kWh and kW cannot be added"),
    ("a + [[b]]", "a=TRY b=try", "TRY and try cannot be added"),
    ("2 ** a + [[b]]", "a=year b=USD", "ratio and USD cannot be added"),
    ("lag(a) - [[b]]", "a=USD b=EUR", "USD and EUR cannot be subtracted"),
]


@pytest.mark.parametrize(("marked", "units", "message"), CLASHES)
def test_operands_of_different_units_are_a_fault_at_the_second_one(
    marked: str, units: str, message: str
) -> None:
    formula = marked.replace("[[", "").replace("]]", "")
    fault = only_fault(found := inferred(formula, units))
    start = marked.index("[[")
    end = marked.index("]]") - 2
    assert (fault.code, fault.metric, fault.message) == ("UNI101", "north", message)
    assert (fault.start, fault.end) == (start, end)
    assert fault.expected is not None
    assert fault.inferred is not None
    assert found.inferred["north"] is None


# Declared unit, formula, units; then the code and what the message or help says, if there is one.
DECLARED = [
    ("order", "a * b", "a=customer b=order/customer", None, ""),
    ("orders", "a * b", "a=customers b=order/customer", None, ""),
    ("hour", "a / 60", "a=minute", None, ""),
    ("minute", "a / 60", "a=minute", None, ""),
    ("hour", "2 * a / 60", "a=minute", None, ""),
    ("hour", "a * (2 / 60)", "a=minute", None, ""),
    ("hour", "a / 60 / 60", "a=s", None, ""),
    ("hour", "(a + b) / 60", "a=minute b=minute", None, ""),
    ("hour", "a / 60 + b / 60", "a=minute b=minute", None, ""),
    ("hour/job", "a / b / 60", "a=minute b=job", None, ""),
    ("USD/year", "a * 12", "a=USD/month", None, ""),
    ("order/month", "a * b", "a=order/day b=day/month", None, ""),
    ("order/month", "a * 30", "a=order/day", "UNI102", "the number of days in a month"),
    ("kUSD", "a / 1e3", "a=USD", None, ""),
    ("kWh", "a * b", "a=kW b=h", None, ""),
    ("hour", "a", "a=minute", "UNI102", "1 hour is 60 minute: divide the formula by 60"),
    ("hour", "a / 100", "a=minute", "UNI102", "1 hour is 60 minute: divide the formula by 60"),
    ("minute", "a", "a=hour", "UNI102", "1 hour is 60 minute: multiply the formula by 60"),
    ("hour", "a / 60 + b / 100", "a=minute b=minute", "UNI102", "gives minute"),
    ("kg", "a", "a=g", "UNI102", "1 kilogram is 1,000 gram: divide the formula by 1,000"),
    ("EUR", "a", "a=USD", "UNI102", "an exchange rate, a metric with `unit: EUR/USD`"),
    ("EUR", "a * b", "a=USD b=USD/EUR", "UNI102", "declare `unit: USD^2/EUR`"),
    ("USD", "a * b", "a=order b=USD/customer", "UNI102", "gives USD*order/customer"),
    ("user/order", "a / b", "a=order b=user", "UNI102", "declare `unit: order/user`"),
    ("order", "a", "a=order/week", "UNI102", "one is counted per week and the other is not"),
    ("order/month", "a", "a=order/week", "UNI102", "number of weeks in a month, a metric with"),
    ("USD", "a / b", "a=USD b=USD", "UNI102", "declare `unit: ratio`"),
    ("ratio", "a / b", "a=USD b=order", "UNI102", "gives USD/order"),
    ("%", "a / b", "a=hour b=minute", "UNI102", "1 hour/minute is 60 ratio"),
    ("user", "a + b", "a=USD b=?", "UNI102", "gives USD"),
    ("order", "a * b", "a=visit b=order/customer", "UNI102", "gives order*visit/customer"),
    # a share makes one thing of another
    ("%", "a / b", "a=order b=visit", "UNI105", "with `display: percent` it is shown in percent"),
    (
        "order",
        "a * b",
        "a=visit b=%",
        "UNI105",
        "give the share in the formula `unit: order/visit`",
    ),
    ("order/week", "a * b", "a=visit/week b=%", "UNI105", "gives visit/week"),
    ("order", "a", "a=visit", "UNI102", "gives visit"),
    ("order", "a * b", "a=USD b=%", "UNI102", "gives USD"),
    # a percentage is a ratio
    ("%", "100 * a / b", "a=order b=order", "UNI106", "leave out the 100"),
    ("percent", "a / b * 100", "a=order b=visit", "UNI106", "leave out the 100"),
    ("%", "100 * (a / 100)", "a=ratio", None, ""),
    ("%", "a / b", "a=order b=order", None, ""),
    ("point", "100 * a", "a=ratio", None, ""),
    # unknown contradicts nothing, and an index is what its formula makes
    ("USD", "a", "a=?", None, ""),
    ("USD", "a * b", "a=order b=?", None, ""),
    ("USD", "0 * a", "a=order", None, ""),
    ("USD", "2 + 3", "", None, ""),
    ("index", "a / 100000", "a=JPY", None, ""),
    ("score", "a * b", "a=USD b=order", None, ""),
    ("index", "a + b", "a=score b=%", None, ""),
    ("ratio", "a / 100", "a=score", None, ""),
    ("USD", "a + b", "a=ratio b=?", "UNI102", "gives ratio"),
    ("USD/year", "rolling_sum(a, 12)", "a=USD/month", None, ""),
]


@pytest.mark.parametrize(("declared", "formula", "units", "code", "said"), DECLARED)
def test_a_declared_unit_is_compared_with_what_the_formula_gives(
    declared: str, formula: str, units: str, code: str | None, said: str
) -> None:
    found = inferred(formula, units, declared)
    assert found.units["north"] == parse_unit(declared)
    if code is None:
        assert found.faults == ()
        return
    fault = only_fault(found)
    assert (fault.code, fault.start, fault.end) == (code, None, None)
    assert said in f"{fault.message}: {fault.fix}"
    assert fault.expected == parse_unit(declared)
    assert str(fault.inferred) in fault.message or code == "UNI106"


HELP = [
    ("a + b", "a=USD b=EUR", "an exchange rate, a metric with `unit: USD/EUR`"),
    ("a + b", "a=USD/order b=EUR/order", "an exchange rate, a metric with `unit: USD/EUR`"),
    ("a + b", "a=minute b=hour", "1 hour is 60 minute: multiply the second one by 60"),
    ("a + b", "a=kg b=g", "1 kilogram is 1,000 gram: divide the second one by 1,000"),
    ("a + b", "a=USD/year b=USD/month", "1 USD/month is 12 USD/year"),
    (
        "a + b",
        "a=job/month b=job/week",
        "multiply the second one by the number of weeks in a month",
    ),
    ("a + b", "a=job/week b=job/month", "divide the second one by the number of weeks in a month"),
    ("a + b", "a=job/week b=job/month", "a metric with `unit: week/month`"),
    ("a + b", "a=order b=order/month", "one is counted per month and the other is not"),
    ("a + b", "a=% b=order", "multiply the ratio by the order that it is a share of"),
    ("a + b", "a=USD b=user", "correct the `unit` of one of them"),
]


@pytest.mark.parametrize(("formula", "units", "said"), HELP)
def test_a_clash_says_what_to_do(formula: str, units: str, said: str) -> None:
    assert said in only_fault(inferred(formula, units)).fix


def test_every_clash_of_a_formula_is_told_once() -> None:
    found = inferred("(a + b) / (c - a) + (a + b) * a", "a=USD b=EUR c=order")
    assert [fault.message for fault in found.faults] == [
        "USD and EUR cannot be added",
        "order and USD cannot be subtracted",
        "USD and EUR cannot be added",
    ]


def test_a_fault_is_not_told_again_by_what_is_made_of_it() -> None:
    found = units_of(
        {
            "total": {"formula": "net + fee", "unit": "USD"},
            "net": {"formula": "revenue - visits"},
            "revenue": {"unit": "USD"},
            "visits": {"unit": "visit"},
            "fee": {"unit": "EUR"},
        }
    )
    assert [(fault.code, fault.metric) for fault in found.faults] == [("UNI101", "net")]


def test_faults_stand_in_the_order_of_the_document() -> None:
    found = units_of(
        {
            "top": {"formula": "low + a"},
            "low": {"formula": "a * 1", "unit": "EUR"},
            "a": {"unit": "USD"},
        }
    )
    assert [(fault.metric, fault.code) for fault in found.faults] == [
        ("top", "UNI101"),
        ("low", "UNI102"),
    ]


def test_units_go_through_metrics_without_a_declared_one() -> None:
    found = units_of(
        {
            "profit_per_order": "(revenue - cost) / orders",
            "revenue": "orders * price",
            "cost": {"formula": "orders * cost_per_order", "unit": "USD"},
            "orders": {"unit": "order"},
            "price": {"unit": "USD/order"},
            "cost_per_order": {},
        }
    )
    assert found.faults == ()
    assert {name: str(unit) for name, unit in found.units.items()} == {
        "profit_per_order": "USD/order",
        "revenue": "USD",
        "cost": "USD",
        "orders": "order",
        "price": "USD/order",
        "cost_per_order": "None",
    }
    assert found.inferred["cost"] is None
    assert "orders" not in found.inferred


def test_a_declared_unit_goes_on_even_where_its_formula_contradicts_it() -> None:
    found = units_of(
        {
            "top": "middle * 2",
            "middle": {"formula": "low", "unit": "EUR"},
            "low": {"unit": "USD"},
        }
    )
    assert (str(found.units["top"]), str(found.inferred["middle"])) == ("EUR", "USD")


def test_a_conversion_may_be_made_in_one_metric_and_used_in_another() -> None:
    found = units_of(
        {
            "total": {"formula": "in_hours + hours", "unit": "hour"},
            "in_hours": "minutes / 60",
            "minutes": {"unit": "minute"},
            "hours": {"unit": "hour"},
        }
    )
    assert found.faults == ()
    assert found.units["in_hours"] is None


def test_a_constant_without_a_unit_is_unknown_and_one_with_a_unit_has_it() -> None:
    found = units_of(
        {
            "cost": "hours * wage + bonus * hours",
            "wage": {"value": 30, "unit": "USD/hour"},
            "bonus": 3,
            "hours": {"unit": "hour"},
        }
    )
    assert found.faults == ()
    assert str(found.units["cost"]) == "USD"
    assert found.units["bonus"] is None


@pytest.mark.parametrize(
    ("aggregate", "unit", "is_fault"),
    [
        ("count()", "USD", True),
        ("count_distinct(customer)", "kEUR/month", True),
        ("count(amount)", "USD/order", True),
        ("count()", "order/month", False),
        ("count()", "order/USD", False),
        ("sum(amount)", "USD", False),
        ("max(amount)", "USD", False),
    ],
)
def test_a_number_of_rows_is_no_money(aggregate: str, unit: str, is_fault: bool) -> None:
    tree = MetricTree(
        north_star="a",
        metrics={"a": {"measure": {"source": "rows", "aggregate": aggregate}, "unit": unit}},
        sources={"rows": {"path": "rows.csv"}},
    )
    found = infer_units(tree._tree)
    assert [fault.code for fault in found.faults] == ["UNI102"] * is_fault
    assert all("counts rows" in fault.message for fault in found.faults)


def test_a_message_shows_user_text_as_ascii() -> None:
    fault = only_fault(inferred("a + b", "a=caf\u00e9 b=USD"))
    assert fault.message == r"caf\xe9 and USD cannot be added"


def test_a_unit_that_grows_without_end_is_given_up() -> None:
    inputs = {f"i{n}": {"unit": f"thing{n}"} for n in range(60)}
    chain = {f"p{n}": f"p{n + 1} * i{n}" for n in range(59)}
    found = units_of({**chain, "p59": "i59", **inputs})
    assert found.faults == ()
    assert found.units["p0"] is None
    assert str(found.units["p57"]) == "thing57*thing58*thing59"


def test_many_factors_are_given_up_without_a_fault() -> None:
    factors = " * ".join(f"1.{n:02}" for n in range(1, 40))
    assert inferred(f"a * {factors}", "a=minute", "hour").faults == ()


def test_no_case_stands_there_twice() -> None:
    cases = [str(case) for case in (*GIVES, *CLASHES, *DECLARED)]
    assert len(set(cases)) == len(cases)
