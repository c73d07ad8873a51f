from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from metrictree import MetricTree, Severity
from metrictree.lint.facts import Facts
from metrictree.lint.provenance import percent, told_way
from tests.words import few_words

LINEAGE = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "trees_lineage.jsonl").read_text().splitlines()
]
NAMES = {"NS101": "revenue", "NS102": "external"}


@pytest.fixture
def _few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few words in place of the linter's own: what is tested is what rules make of them."""

    def assess(self: Facts, metric: str) -> Any:
        body = self.metrics[metric]
        return few_words(self.name(metric), body.description, body.unit, self.tree.spec.product)

    monkeypatch.setattr(Facts, "assess", assess)


few = pytest.mark.usefixtures("_few_words")


def tree_of(star: str, metrics: dict[str, Any], **more: Any) -> MetricTree:
    return MetricTree(north_star=star, metrics=metrics, **more)


def findings(star: str, metrics: dict[str, Any], **more: Any) -> dict[str, Any]:
    given = {name: more.pop(name) for name in ("values", "history") if name in more}
    report = tree_of(star, metrics, **more).lint(select=["NS101", "NS102"], **given)
    assert len({found.code for found in report}) == len(report)
    return {NAMES[found.code]: found for found in report}


# --- the trees with labels


def lineage(case: dict[str, Any]) -> dict[str, Any]:
    metrics = {
        name: {field: value for field, value in body.items() if value != "north_star"}
        for name, body in case["tree"]["metrics"].items()
    }
    return findings(case["tree"]["north_star"], metrics)


@pytest.mark.parametrize("case", LINEAGE, ids=lambda case: str(case["id"]))
def test_each_labelled_tree_gets_its_labels_and_the_path(case: dict[str, Any]) -> None:
    found = lineage(case)
    assert sorted(found) == sorted(case["labels"])
    for finding in found.values():
        for evidence in finding.evidence:
            assert evidence.way[0] == case["tree"]["north_star"]
            assert evidence.way[-1] == evidence.metric
            assert evidence.text.startswith(evidence.way[0])


# --- more trees: what they are made of decides, not what they are called

INDEX, RATIO = {"unit": "index"}, {"unit": "ratio"}
EXTERNAL = {"controllability": "external"}
DIRECT = {"controllability": "direct"}


def money(unit: str = "USD", **more: Any) -> dict[str, Any]:
    return {"unit": unit, **more}


TREES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "conversion cost over revenue": (
        {"y": "conversion_cost / shop_sales", "conversion_cost": money(), "shop_sales": money()},
        {"revenue"},
    ),
    "cost per conversion": (
        {"y": "ad_spend / conversions", "ad_spend": money(), "conversions": {"unit": "order"}},
        set(),
    ),
    "gross margin through three levels": (
        {
            "y": "step",
            "step": "profit / takings",
            "profit": "takings - goods_cost",
            "takings": "baskets * size",
            "baskets": {"unit": "basket"},
            "size": money("EUR/basket"),
            "goods_cost": money("EUR"),
        },
        {"revenue"},
    ),
    "lifetime value over acquisition cost": (
        {
            "y": "value / cac",
            "value": "arpu * years",
            "arpu": money("USD/customer/year"),
            "years": {"unit": "year"},
            "cac": money("USD/customer", description="cost of winning a customer"),
        },
        {"revenue"},
    ),
    "take rate times merchandise value": (
        {"y": "take_rate * gmv", "take_rate": RATIO, "gmv": money("USD/month")},
        {"revenue"},
    ),
    "gifts per donor": (
        {"y": "gifts / donors", "gifts": money("GBP"), "donors": {"unit": "donor"}},
        {"revenue"},
    ),
    "the customers' bills at an accounting product": (
        {"y": "processed / firms", "processed": money("EUR", description="bills of their buyers"),
         "firms": {"unit": "firm"}},
        set(),
    ),
    "what customers save, two levels down": (
        {"y": "total / homes", "total": "cut * price", "cut": {"unit": "kWh"},
         "price": money("EUR/kWh", description="what a household pays"), "homes": {"unit": "home"}},
        set(),
    ),
    "savings said above the money": (
        {"y": "savings / homes", "savings": {"formula": "before - after", "label": "Savings"},
         "before": money("EUR"), "after": money("EUR"), "homes": {"unit": "home"}},
        set(),
    ),
    "sales translated at an exchange rate": (
        {"y": "local_sales * rate", "local_sales": money("EUR"), "rate": {"unit": "USD/EUR"}},
        {"revenue"},
    ),
    "mostly an exchange rate": (
        {"y": "rate ** 3 * orders", "rate": {"unit": "USD/EUR"}, "orders": {"unit": "order"}},
        {"external"},
    ),
    "an exchange rate that a team hedges": (
        {"y": "rate ** 3 * orders", "rate": {"unit": "USD/EUR", "controllability": "influenced"},
         "orders": {"unit": "order"}},
        set(),
    ),
    "a market price": (
        {"y": "oil_price * 3", "oil_price": money("USD/barrel", **EXTERNAL)},
        {"external"},
    ),
    "a yield against what the weather allowed": (
        {"y": "made / allowed", "made": "allowed * skill", "allowed": {"unit": "kWh", **EXTERNAL},
         "skill": {"unit": "ratio", **DIRECT}},
        set(),
    ),
    "an outcome above": (
        {"y": "jobs * rate", "jobs": {"unit": "job"}, "rate": RATIO,
         "income": {"formula": "y * fee", "unit": "USD", "role": "outcome"},
         "fee": money("USD/job")},
        set(),
    ),
    "a guardrail without a path": (
        {"y": "jobs * rate", "jobs": {"unit": "job"}, "rate": RATIO,
         "mrr": money(role="guardrail"), "rain": {"role": "guardrail", **EXTERNAL}},
        set(),
    ),
    "a guardrail inside of the formula": (
        {"y": "jobs * mrr", "jobs": {"unit": "job"}, "mrr": money(role="guardrail")},
        {"revenue"},
    ),
    "influences only, of revenue": (
        {"y": INDEX, "fees": money()},
        {"revenue"},
    ),
    "a price that influences a count": (
        {"y": {"unit": "order"}, "price": money("USD/order", **DIRECT)},
        set(),
    ),
    "a price that influences a count below": (
        {"y": "visits * orders", "visits": {"unit": "visit"}, "orders": {"unit": "order/visit"},
         "price": money("USD/order", **DIRECT)},
        set(),
    ),
    "influences only, from outside": (
        {"y": INDEX, "storms": EXTERNAL, "calls": DIRECT},
        {"external"},
    ),
    "the smaller of two": (
        {"y": "min(jobs, budget)", "jobs": {"unit": "job"}, "budget": money()},
        {"revenue"},
    ),
    "a cap that is never near": (
        {"y": "min(jobs, budget)", "jobs": {"range": [0, 10]}, "budget": money(range=[1e6, 2e6])},
        set(),
    ),
    "money in a condition": (
        {"y": "jobs if fees > 5 else 0", "jobs": {"unit": "job"}, "fees": money()},
        {"revenue"},
    ),
    "a condition from outside": (
        {"y": "1 if storms > 5 else 0", "storms": {"unit": "storm", **EXTERNAL}},
        {"external"},
    ),
    "clipped income": (
        {"y": "clip(fees, 0, 1)", "fees": money()},
        {"revenue"},
    ),
    "growth of income": (
        {"y": "growth(income, 12)", "income": "seats * fee", "seats": {"unit": "seat"},
         "fee": money("USD/seat")},
        {"revenue"},
    ),
    "a running total of income": (
        {"y": "change(cumulative(income))", "income": money()},
        {"revenue"},
    ),
    "last year's storms": (
        {"y": "lag(storms, 12) + 0.1 * visits", "storms": {"unit": "storm", **EXTERNAL},
         "visits": {"unit": "storm", **DIRECT}},
        {"external"},
    ),
    "money that cancels over time": (
        {"y": "growth(jobs * price / price)", "jobs": {"unit": "job"}, "price": money()},
        set(),
    ),
    "income of hardly any weight": (
        {"y": "jobs + 0.001 * fees", "jobs": INDEX, "fees": money()},
        set(),
    ),
    "income that stands still": (
        {"y": "a + fees", "a": {"range": [0, 100]}, "fees": money(range=[0, 1])},
        set(),
    ),
    "an index of receipts, by a word": (
        {"y": "points", "points": {"label": "Sales index", **INDEX}},
        {"revenue"},
    ),
    "a count that is called revenue": (
        {"y": "sales / shops", "sales": {"unit": "order"}, "shops": {"unit": "shop"}},
        set(),
    ),
    "declared as revenue": (
        {"y": "renewals * 2", "renewals": {"unit": "contract", "lifecycle": "revenue"}},
        {"revenue"},
    ),
    "an assumption in money": (
        {"y": "seats * price", "seats": {"unit": "seat"}, "price": money("USD/seat", value=49)},
        {"revenue"},
    ),
    "a formula whose own unit tells": (
        {"y": "0.01 * income", "income": {"formula": "members * plan", "unit": "JPY"},
         "members": None, "plan": None},
        {"revenue"},
    ),
    "a formula that is declared as external": (
        {"y": "demand * skill", "demand": {"formula": "heat ** 2 * days", **EXTERNAL},
         "heat": None, "days": None, "skill": DIRECT},
        {"external"},
    ),
    "many products": (
        {"y": " + ".join(f"a{at} * b{at}" for at in range(40)),
         **{f"a{at}": {"unit": "item"} for at in range(40)},
         **{f"b{at}": money("EUR/item") for at in range(40)}},
        {"revenue"},
    ),
    "a formula declared as revenue": (
        {"y": "won / 12", "won": {"formula": "p * q", "lifecycle": "revenue"},
         "p": None, "q": None},
        {"revenue"},
    ),
    "a formula of many parts whose own unit tells": (
        {"y": "0.01 * income", "income": {"formula": " + ".join(f"a{at}" for at in range(40)),
         "unit": "EUR"}, **{f"a{at}": None for at in range(40)}},
        {"revenue"},
    ),
    "a price of no unit that cancels": (
        {"y": "taken / price", "taken": {"formula": "orders * price", "unit": "EUR"},
         "orders": {"unit": "order"}, "price": None},
        set(),
    ),
    "a market price that the team sets": (
        {"y": "fee * 3", "fee": money(label="Market price", **DIRECT)},
        {"revenue"},
    ),
    "a market price by its words": (
        {"y": "oil * 3", "oil": money("USD/barrel")},
        {"external"},
    ),
    "a price of which the words are not sure": (
        {"y": "tag * 3", "tag": money("USD/item")},
        {"revenue"},
    ),
    "a constant that nobody steers": (
        {"y": "storms / days", "storms": EXTERNAL, "days": {"value": 30, "unit": "day"}},
        {"external"},
    ),
    "a constant that a team sets": (
        {"y": "storms * effort", "storms": EXTERNAL, "effort": {"value": 30, **DIRECT}},
        set(),
    ),
    "assumptions only": (
        {"y": "storms * effort", "storms": {"value": 3, **EXTERNAL}, "effort": {"value": 30}},
        set(),
    ),
    "the share of a count, by words that are not sure": (
        {"y": "calls * share", "calls": {"unit": "call"}, "share": {"label": "Fare", **RATIO}},
        set(),
    ),
    "the share of a count, by sure words": (
        {"y": "calls * share", "calls": {"unit": "call"}, "share": {"label": "Income", **RATIO}},
        {"revenue"},
    ),
    "a ratio by words that are not sure": (
        {"y": "2 * share", "share": {"label": "Fare", **RATIO}},
        {"revenue"},
    ),
    "half from outside": (
        {"y": "storms + crews", "storms": EXTERNAL, "crews": DIRECT},
        set(),
    ),
    "words that a declaration outweighs": (
        {"y": "rain * 2", "rain": {"controllability": "influenced", "label": "Artificial rain"}},
        set(),
    ),
    "two outside forces by words, one declared": (
        {"y": "storms * rain * crews", "storms": EXTERNAL, "rain": None, "crews": None},
        {"external"},
    ),
}  # fmt: skip
INFLUENCES = {
    "influences only, of revenue": [{"from": "fees", "to": "y"}],
    "a price that influences a count": [{"from": "price", "to": "y", "direction": "negative"}],
    "a price that influences a count below": [{"from": "price", "to": "orders"}],
    "influences only, from outside": [
        {"from": "storms", "to": "y", "elasticity": 0.9},
        {"from": "calls", "to": "y", "elasticity": 0.1},
    ],
}


@few
@pytest.mark.parametrize("name", TREES)
def test_what_a_tree_is_made_of_decides(name: str) -> None:
    metrics, labels = TREES[name]
    assert set(findings("y", metrics, influences=INFLUENCES.get(name, []))) == labels


# --- what a finding says


@few
def test_revenue_is_told_with_its_way_and_share() -> None:
    metrics = {
        "growth_index": {"formula": "customers * arpu", "label": "Growth index"},
        "customers": {"unit": "customer"},
        "arpu": {"unit": "USD/customer"},
    }
    finding = findings("growth_index", metrics)["revenue"]
    assert finding.message == (
        "the North Star 'Growth index' is made of your organisation's own money: 50 % of its "
        "movement comes from 'arpu'"
    )
    (evidence,) = finding.evidence
    assert evidence.text == "growth_index <- customers * arpu [USD/customer]"
    assert (evidence.metric, evidence.fact, evidence.value) == ("arpu", "unit", "USD/customer")
    assert finding.severity is Severity.ERROR
    assert (finding.confidence.value, finding.path) == ("derived", "metrics.arpu.unit")
    assert "finished jobs" in finding.fix
    assert "`ignore: {NS101: the reason}`" in finding.fix


@few
def test_the_own_unit_of_a_north_star_is_declared_evidence() -> None:
    finding = findings("y", {"y": money("USD/month")})["revenue"]
    assert (finding.confidence.value, finding.path) == ("declared", "metrics.y.unit")
    assert finding.message.endswith("is money of your organisation: it is in USD/month")
    finding = findings("y", {"y": {"lifecycle": "revenue"}})["revenue"]
    assert (finding.confidence.value, finding.path) == ("declared", "metrics.y.lifecycle")


@few
def test_a_name_alone_is_a_warning() -> None:
    finding = findings("y", {"y": {"label": "MRR"}})["revenue"]
    assert finding.severity is Severity.WARNING
    assert finding.confidence.value == "named"
    assert finding.message == "the North Star 'MRR' sounds like revenue, by 'mrr'"
    assert "declare the `unit` of 'MRR'" in finding.fix
    finding = findings("y", {"y": "points * 2", "points": {"label": "Sales"}})["revenue"]
    assert finding.severity is Severity.WARNING
    assert finding.message.endswith(
        "of what sounds like revenue: 100 % of its movement comes from 'Sales'"
    )


@few
@pytest.mark.parametrize(
    "body",
    [
        {"unit": "seat"},
        {"lifecycle": "activation"},
        {"formula": "tables - lost"},
        {"formula": "tables / lost"},
        {"formula": "2 * share"},
    ],
)
def test_what_is_declared_silences_the_name(body: dict[str, Any]) -> None:
    metrics = {
        "y": {"label": "Sales", **body},
        "tables": {"unit": "table"},
        "lost": {"unit": "table"},
        "share": {"unit": "ratio"},
    }
    assert findings("y", metrics) == {}


@few
def test_outside_forces_are_told_with_their_shares() -> None:
    metrics = {
        "readiness": "0.8 * snow_depth + 0.2 * lift_uptime",
        "snow_depth": {"controllability": "external", "range": [0, 100]},
        "lift_uptime": {"range": [0, 100]},
    }
    at = {"snow_depth": 50, "lift_uptime": 50}
    finding = findings("readiness", metrics, values=at)["external"]
    assert finding.message == (
        "80 % of the movement of the North Star 'readiness' at the values given comes from metrics "
        "marked external: 'snow depth'"
    )
    assert finding.path == "metrics.snow_depth.controllability"
    assert finding.evidence[0].text == (
        "readiness <- 0.8 * snow_depth [external] + 0.2 * lift_uptime"
    )


@few
def test_a_history_replaces_the_structure() -> None:
    metrics = {"y": "storms * calls", "storms": EXTERNAL, "calls": DIRECT}
    calm = {"storms": [10, 10, 11], "calls": [10, 20, 30]}
    assert findings("y", metrics, history=calm) == {}
    pl = pytest.importorskip("polars")
    wild = pl.DataFrame(
        {"month": ["2025-01-01", "2025-12-01"], "storms": [10, 28], "calls": [10, 14]}
    )
    wild = wild.with_columns(pl.col("month").str.to_date())
    message = findings("y", metrics, history=wild)["external"].message  # 18 * 12 and 4 * 19
    assert message == (
        "74 % of the movement of the North Star 'y' from 2025-01-01 to 2025-12-01 came from "
        "metrics marked external: 'storms'"
    )
    lists = {"storms": [10, 28], "calls": [10, 14]}
    message = findings("y", metrics, history=lists)["external"].message
    assert "in the history given came from" in message


@few
def test_a_declared_north_star_is_external() -> None:
    finding = findings("y", {"y": EXTERNAL})["external"]
    assert (finding.confidence.value, finding.path) == ("declared", "metrics.y.controllability")
    named = findings("y", {"y": {"label": "Weather"}})["external"]
    assert (named.severity, named.confidence.value) == (Severity.WARNING, "named")
    assert findings("y", {"y": {"label": "Weather", "controllability": "direct"}}) == {}
    steered = {"y": {"formula": "a * b", "label": "Weather"}, "a": DIRECT, "b": DIRECT}
    assert findings("y", steered) == {}


@few
def test_outside_by_words_names_the_words() -> None:
    finding = findings("y", {"y": "sun / 4", "sun": {"unit": "hour"}})["external"]
    assert finding.severity is Severity.WARNING
    assert finding.message.endswith("comes from metrics that sound like outside forces: 'sun'")
    assert "`controllability: influenced` or `direct`" in finding.fix


# --- suppression and options


@few
def test_an_exempt_leaf_is_no_evidence_and_the_reason_counts_as_used() -> None:
    reason = {"ignore": {"NS101": "It is the members' pot"}}
    tree = tree_of("y", {"y": "pot * 2", "pot": money("EUR", **reason)})
    assert list(tree.lint(select=["NS101", "LNT103"])) == []
    storms = {"ignore": {"NS102": "We sell to storm chasers"}, **EXTERNAL}
    tree = tree_of("y", {"y": "storms * 2", "storms": storms})
    assert list(tree.lint(select=["NS102", "LNT103"])) == []


@few
def test_options_set_the_shares() -> None:
    metrics = {"y": "jobs + 0.3 * fees", "jobs": INDEX, "fees": money()}
    assert findings("y", metrics).keys() == {"revenue"}
    options = {"options": {"NS101": {"least_share": 0.9}}}
    assert findings("y", metrics, lint=options) == {}
    metrics = {"y": "storms * crews", "storms": EXTERNAL, "crews": DIRECT}
    options = {"options": {"NS102": {"most_share": 0.3}}}
    assert findings("y", metrics, lint=options).keys() == {"external"}


# --- large trees


@few
def test_a_long_way_is_told_in_short_and_kept_whole() -> None:
    count = 3_000
    metrics: dict[str, Any] = {f"a{at}": f"a{at + 1}" for at in range(count)}
    metrics[f"a{count}"] = money()
    (evidence,) = findings("a0", metrics)["revenue"].evidence
    assert evidence.text == "a0 <- a1 <- a2 <- ... 2,997 more ... <- a3000 [USD]"
    assert len(evidence.way) == count + 1


def test_words_are_asked_only_where_they_can_change_the_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def assess(self: Facts, metric: str) -> Any:
        asked.append(metric)
        return few_words(self.name(metric))

    monkeypatch.setattr(Facts, "assess", assess)
    leaves: dict[str, Any] = {f"x{at}": None for at in range(400)}
    metrics = {
        "y": " + ".join(leaves) + " + 1000 * z",
        **leaves,
        "z": {"controllability": "direct"},
    }
    assert findings("y", metrics) == {}
    assert len(asked) <= 5
    asked.clear()
    assert findings("y", {**metrics, "z": EXTERNAL}).keys() == {"external"}
    assert len(asked) <= 5


def test_of_very_many_metrics_the_words_of_some_are_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def assess(self: Facts, metric: str) -> Any:
        asked.append(metric)
        return few_words(self.name(metric))

    monkeypatch.setattr(Facts, "assess", assess)
    leaves = [f"x{at}" for at in range(1_000)]
    total = " + ".join(leaves)
    assert findings("y", {"y": total, **{leaf: money() for leaf in leaves}}).keys() == {"revenue"}
    savings = {leaf: money(label=f"Savings {leaf}") for leaf in leaves}
    assert findings("y", {"y": total, **savings}) == {}
    assert findings("y", {"y": total, **dict.fromkeys(leaves)}) == {}
    assert len(asked) < 3_000


@pytest.mark.parametrize(
    ("share", "text"), [(1, "100 %"), (0.0051, "1 %"), (0.004, "less than 1 %"), (0.5, "50 %")]
)
def test_shares_are_told_as_percentages(share: float, text: str) -> None:
    assert percent(share) == text


def test_a_long_formula_is_left_out_of_a_way() -> None:
    terms = " + ".join(f"word_{at}" for at in range(30))
    metrics = {"y": terms, **{f"word_{at}": None for at in range(30)}}
    tree = tree_of("y", metrics)._tree
    from datetime import date

    assert (
        told_way(Facts(tree, date(2026, 1, 1), {}), ("y", "word_3"), "USD") == "y <- word_3 [USD]"
    )
