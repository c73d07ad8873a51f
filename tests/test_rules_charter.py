"""Rules about how a North Star was chosen, how it is kept, and where it stands."""

from __future__ import annotations

import pytest

from metrictree import MetricTree, Severity
from tests.lint_rows import DAY, agrees, found

METRICS = "metrics: {a: b * c, b: , c: }\n"


def star(fields: str) -> str:
    return f"north_star: {{metric: a, {fields}}}\n{METRICS}"


def target(fields: str, more: str = "") -> str:
    return f"north_star: a\nmetrics: {{a: {{formula: b * c{more}, target: {fields}}}, b: , c: }}\n"


# day, severity, words of the message or the fix, document with a mark at the place
REPORTED = [
    # --- NS110
    (
        "NS110",
        DAY,
        "advice",
        "lacks a vision, a value moment and a rationale",
        f">>north_star: a\n{METRICS}",
    ),
    ("NS110", DAY, "advice", "`value_moment` (what a customer does", f">>north_star: a\n{METRICS}"),
    (
        "NS110",
        DAY,
        "advice",
        "lacks a rationale",
        "vision: x\n>>north_star: {metric: a, value_moment: y}\n" + METRICS,
    ),
    (
        "NS110",
        DAY,
        "advice",
        "lacks a vision; write down `vision`",
        ">>" + star("value_moment: y, rationale: z"),
    ),
    (
        "NS110",
        DAY,
        "advice",
        "the North Star 'Orders' lacks a value moment",
        (
            "vision: x\n>>north_star: {metric: a, rationale: z}\n"
            "metrics: {a: {formula: b, label: Orders}, b: }\n"
        ),
    ),
    # --- NS111
    ("NS111", DAY, "advice", "has no target", "north_star: a\nmetrics: {>>a: b, b: }\n"),
    (
        "NS111",
        DAY,
        "advice",
        "no day by which",
        target("5").replace("target", ">>target").replace("5", "{value: 5}"),
    ),
    (
        "NS111",
        "2026-04-01",
        "warning",
        "by 2026-03-31, 1 day ago",
        target("{value: 5, by: >>2026-03-31}"),
    ),
    (
        "NS111",
        DAY,
        "error",
        "5, below the 6 from which it began, and more is better",
        target("{value: >>5, by: 2026-12-31, baseline: 6}", ", improves: up"),
    ),
    (
        "NS111",
        DAY,
        "error",
        "6, above the 5 from which it began, and less is better",
        target("{value: >>6, by: 2026-12-31, baseline: 5}", ", improves: down"),
    ),
    (
        "NS111",
        DAY,
        "advice",
        "say `improves: down` if less is better",
        target("{value: >>5, by: 2026-12-31, baseline: 6}"),
    ),
    (
        "NS111",
        DAY,
        "advice",
        "nothing has to change",
        target("{value: >>5, by: 2026-12-31, baseline: 5}", ", improves: up"),
    ),
    (
        "NS111",
        DAY,
        "error",
        "its range is 0 to 1: it can never be reached",
        target("{value: >>80, by: 2026-12-31, baseline: 0.5}", ", improves: up, range: [0, 1]"),
    ),
    (
        "NS111",
        DAY,
        "error",
        "its range is 0 to ...",
        target("{value: >>-0.5, by: 2026-12-31}", ", range: [0, null]"),
    ),
    # --- NS112
    (
        "NS112",
        DAY,
        "advice",
        "add `review: {every: quarter, last: ...}`",
        f">>north_star: a\n{METRICS}",
    ),
    (
        "NS112",
        DAY,
        "advice",
        "add `review: {every: year, last: ...}`",
        ">>" + star("review: {every: year}"),
    ),
    (
        "NS112",
        "2026-04-16",
        "warning",
        "a review every quarter was due by 2026-04-15, 1 day ago",
        star("review: {last: >>2026-01-15}"),
    ),
    (
        "NS112",
        "2026-03-01",
        "warning",
        "every month was due by 2026-02-28",
        star("review: {every: month, last: >>2026-01-31}"),
    ),
    (
        "NS112",
        "2026-08-01",
        "warning",
        "every half year was due by 2026-07-15",
        star("review: {every: half_year, last: >>2026-01-15}"),
    ),
    (
        "NS112",
        "2029-03-01",
        "warning",
        "every year was due by 2029-02-28",
        star("review: {every: year, last: >>2028-02-29}"),
    ),
    (
        "NS112",
        DAY,
        "warning",
        "is said to have been on 2026-04-01",
        star("review: {last: >>2026-04-01}"),
    ),
    (
        "NS112",
        DAY,
        "warning",
        "was last chosen on 2025-06-30",
        ">>" + star("history: [{metric: x, until: 2025-06-30, why: y}]"),
    ),
    (
        "NS112",
        DAY,
        "warning",
        "every month",
        star("review: {last: >>2026-02-15}") + "lint: {options: {NS112: {every: month}}}\n",
    ),
    # --- NS113
    (
        "NS113",
        DAY,
        "advice",
        "has changed 2 times within twelve months",
        star(
            ">>history: [{metric: x, until: 2025-04-01, why: y},"
            " {metric: z, until: 2026-03-31, why: y}]"
        ),
    ),
    (
        "NS113",
        DAY,
        "advice",
        "has been the North Star since 2024-03-30, for more than 2 years",
        star(">>history: [{metric: x, until: 2024-03-30, why: y}]"),
    ),
    (
        "NS113",
        DAY,
        "advice",
        "for more than a year",
        star(">>history: [{metric: x, until: 2025-03-30, why: y}]")
        + "lint: {options: {NS113: {years: 1}}}\n",
    ),
    (
        "NS113",
        DAY,
        "advice",
        "changed once",
        star(">>history: [{metric: x, until: 2026-01-30, why: y}]")
        + "lint: {options: {NS113: {most_changes: 0}}}\n",
    ),
    (
        "NS113",
        DAY,
        "advice",
        "until 2026-04-01, and today is 2026-03-31",
        star("history: [{metric: x, until: >>2026-04-01, why: y}]"),
    ),
    (
        "NS113",
        DAY,
        "advice",
        "for more than 2 years",
        star(
            ">>history: [{metric: x, until: 2022-01-01, why: y}],"
            " attestations: {strategy: {by: ana, since: 2025-03-30}}"
        ),
    ),
    # --- NS114
    ("NS114", DAY, "advice", "nothing says who agreed", f">>north_star: a\n{METRICS}"),
    (
        "NS114",
        DAY,
        "advice",
        "nobody is named for sales, marketing and customer success",
        star(">>stakeholders: {CEO: a, Product Manager: b}"),
    ),
    (
        "NS114",
        DAY,
        "advice",
        "nobody is named for leadership;",
        star(
            ">>stakeholders: {account executive: a, product owner: b, growth: c, support: d,"
            " sales: e}"
        ),
    ),
    (
        "NS114",
        DAY,
        "advice",
        "add `stakeholders: {sales: ...}`",
        star(">>stakeholders: {founder: a, product: b, marketing: c, customer-success: d}"),
    ),
    (
        "NS114",
        DAY,
        "advice",
        "nobody is named for legal",
        star(">>stakeholders: {product: b}")
        + "lint: {options: {NS114: {roles: [product, legal]}}}\n",
    ),
    # --- NS115
    (
        "NS115",
        DAY,
        "advice",
        "add a result such as the share of customers who stay",
        f">>north_star: a\n{METRICS}",
    ),
    (
        "NS115",
        DAY,
        "advice",
        "the tree has 'kept' and 'paid'",
        ">>north_star: a\nmetrics: {a: , kept: {lifecycle: retention}, paid: {role: outcome}}\n",
    ),
    (
        "NS115",
        DAY,
        "warning",
        "'year' is the North Star and constants: a * 52 + d",
        "north_star: {metric: a, >>leads: [year]}\nmetrics: {a: b, b: , year: a * 52 + d, d: 7}\n",
    ),
    (
        "NS115",
        DAY,
        "warning",
        "'b' is a part of the North Star",
        "north_star: {metric: a, >>leads: [b]}\nmetrics: {a: b, b: }\n",
    ),
    (
        "NS115",
        DAY,
        "warning",
        "it is the North Star itself",
        "north_star: {metric: a, >>leads: [a]}\nmetrics: {a: b, b: }\n",
    ),
    (
        "NS115",
        DAY,
        "warning",
        "'year'",
        ">>north_star: a\nmetrics: {a: b, b: , m: a * 4, year: {formula: m * 12, role: outcome}}\n",
    ),
    (
        "NS115",
        DAY,
        "warning",
        "'year'",
        ">>north_star: a\nmetrics: {a: b, b: , year: a * 52}\ninfluences: [{from: a, to: year}]\n",
    ),
    (
        "NS115",
        DAY,
        "advice",
        "nothing says which result",
        f">>north_star: a\n{METRICS}influences: [{{from: a, to: b, lag: 1}}]\n",
    ),
    # --- NS116
    (
        "NS116",
        DAY,
        "warning",
        "the label of 'd' calls it a North Star (\"Sales North Star\")",
        "north_star: a\nmetrics: {a: b, b: , d: {label: >>Sales North Star}}\n",
    ),
    (
        "NS116",
        DAY,
        "warning",
        "the id of 'eu_north_star'",
        "north_star: a\nmetrics: {a: b, b: , >>eu_north_star: }\n",
    ),
    (
        "NS116",
        DAY,
        "warning",
        "the tag of 'd'",
        "north_star: a\nmetrics: {a: b, b: , d: {tags: >>[north-star]}}\n",
    ),
    (
        "NS116",
        DAY,
        "warning",
        "the label of 'd'",
        "north_star: a\nmetrics: {a: b, b: , d: {label: >>Étoile polaire}}\n",
    ),
    (
        "NS116",
        DAY,
        "warning",
        "'d' has the same formula as the North Star",
        "north_star: a\nmetrics: {a: b * c, b: , c: , d: {formula: >>c * b}}\n",
    ),
    (
        "NS116",
        DAY,
        "warning",
        "'d' has the same measure as the North Star",
        (
            "north_star: a\nsources: {s: {path: s.csv}}\nmetrics:\n"
            "  a: {measure: {source: s, aggregate: count(), where: x == 1 and y > 2}}\n"
            "  d: {measure: >>{source: s, aggregate: count(), where: 2 < y and x == 1}}\n"
        ),
    ),
    (
        "NS116",
        DAY,
        "warning",
        "the team 'growth' has 'b' and 'c' as its focus",
        (
            "north_star: a\nmetrics:\n  a: b * c\n  b: {role: focus, team: Growth }\n"
            "  c: {role: >>focus, team: growth, until: 2026-03-31}\n"
        ),
    ),
    (
        "NS116",
        DAY,
        "advice",
        "'b' and 'c' both are a focus, and nothing says of whom",
        "north_star: a\nmetrics: {a: b * c, b: {role: focus}, c: {role: >>focus}}\n",
    ),
    # --- NS117
    (
        "NS117",
        DAY,
        "warning",
        "is about activation (customers who reach its value",
        (
            "north_star: {metric: a, stage: mature}\n"
            "metrics: {a: {formula: b, lifecycle: >>activation}, b: }\n"
        ),
    ),
    (
        "NS117",
        DAY,
        "warning",
        "a growing product looks at how much its customers use it",
        (
            "north_star: {metric: a, stage: growth}\n"
            "metrics: {a: {formula: b, lifecycle: >>acquisition}, b: }\n"
        ),
    ),
    (
        "NS117",
        DAY,
        "warning",
        "an early product first has to bring new customers to its value",
        (
            "north_star: {metric: a, stage: early}\n"
            "metrics: {a: {formula: b, lifecycle: >>revenue}, b: }\n"
        ),
    ),
    (
        "NS117",
        DAY,
        "warning",
        "is about acquisition (people who come to the product) and activation",
        (
            "north_star: {metric: a, stage: >>mature}\n"
            "metrics: {a: b * c, b: {lifecycle: acquisition}, c: {lifecycle: activation}}\n"
        ),
    ),
    (
        "NS117",
        DAY,
        "advice",
        "is about referral",
        (
            "north_star: {metric: a, stage: >>mature}\n"
            "metrics: {a: b * c, b: {lifecycle: referral}, c: }\n"
        ),
    ),
    (
        "NS117",
        DAY,
        "warning",
        "is about acquisition",
        (
            "north_star: {metric: a, stage: >>mature}\n"
            "metrics: {a: , b: {lifecycle: acquisition}}\ninfluences: [{from: b, to: a}]\n"
        ),
    ),
    (
        "NS117",
        DAY,
        "advice",
        "add `lifecycle: retention` to it",
        "north_star: {metric: a, stage: growth}\nmetrics: {>>a: b, b: }\n",
    ),
    (
        "NS117",
        DAY,
        "warning",
        "retention",
        (
            "north_star: {metric: a, stage: growth}\n"
            "metrics: {a: {formula: b, lifecycle: >>retention}, b: }\n"
            "lint: {options: {NS117: {growth: [activation]}}}\n"
        ),
    ),
]

ACCEPTED = [
    ("NS110", DAY, "vision: x\n" + star("value_moment: y, rationale: z")),
    ("NS111", "2026-03-31", target("{value: 5, by: 2026-03-31}")),
    ("NS111", DAY, target("{value: 6, by: 2026-12-31, baseline: 5}", ", improves: up")),
    ("NS111", DAY, target("{value: 5, by: 2026-12-31, baseline: 6}", ", improves: down")),
    ("NS111", DAY, target("{value: 6, by: 2026-12-31, baseline: 5}")),
    ("NS111", DAY, target("{value: 1, by: 2026-12-31}", ", range: [0, 1]")),
    ("NS112", "2026-04-15", star("review: {last: 2026-01-15}")),
    ("NS112", "2026-02-28", star("review: {every: month, last: 2026-01-31}")),
    ("NS112", "2026-01-15", star("review: {last: 2026-01-15}")),
    ("NS112", "2027-01-15", star("review: {every: year, last: 2026-01-15}")),
    ("NS112", DAY, star("history: [{metric: x, until: 2025-12-31, why: y}]")),
    (
        "NS112",
        DAY,
        star("review: {last: 2020-01-01}, history: [{metric: x, until: 2026-01-31, why: y}]"),
    ),
    (
        "NS112",
        DAY,
        star("review: {last: 2025-06-15}") + "lint: {options: {NS112: {every: year}}}\n",
    ),
    ("NS113", DAY, f"north_star: a\n{METRICS}"),
    ("NS113", DAY, star("history: [{metric: x, until: 2024-03-31, why: y}]")),
    (
        "NS113",
        DAY,
        star(
            "history: [{metric: x, until: 2025-03-31, why: y},"
            " {metric: z, until: 2026-03-31, why: y}]"
        ),
    ),
    (
        "NS113",
        DAY,
        star(
            "history: [{metric: x, until: 2022-01-01, why: y}],"
            " attestations: {strategy: {by: ana, since: 2025-03-31}}"
        ),
    ),
    (
        "NS114",
        DAY,
        star("stakeholders: {C-level: a, head_of_product: b, VP Sales: c, CMO: d, CS: e}"),
    ),
    (
        "NS114",
        DAY,
        star("stakeholders: {management: a, CPO: b, Sales & Marketing: c, Customer Experience: e}"),
    ),
    ("NS114", DAY, f"north_star: a\n{METRICS}lint: {{options: {{NS114: {{roles: []}}}}}}\n"),
    ("NS115", DAY, "north_star: {metric: a, leads: [kept]}\nmetrics: {a: b, b: , kept: }\n"),
    (
        "NS115",
        DAY,
        "north_star: {metric: a, leads: [y, kept]}\nmetrics: {a: b, b: , y: a * 52, kept: }\n",
    ),
    (
        "NS115",
        DAY,
        "north_star: a\nmetrics: {a: b, b: , sales: {formula: a * p, role: outcome}, p: }\n",
    ),
    ("NS115", DAY, "north_star: a\nmetrics: {a: b, b: , d: }\ninfluences: [{from: a, to: d}]\n"),
    (
        "NS116",
        DAY,
        "north_star: a\nmetrics: {a: b + c, b: {label: North Star b}, c: {label: North Star c}}\n",
    ),
    (
        "NS116",
        DAY,
        "north_star: a\nmetrics: {a: b, b: , d: {label: North Star d}, e: a + d}\n",
    ),
    (
        "NS116",
        DAY,
        (
            "north_star: a\nmetrics: {a: b, b: , d: {label: North Star d}}\n"
            "influences: [{from: d, to: b}]\n"
        ),
    ),
    ("NS116", DAY, "north_star: a\nmetrics: {a: b, b: , d: {label: North Star input}}\n"),
    ("NS116", DAY, "north_star: a\nmetrics: {a: b, b: , transmissions: }\n"),
    (
        "NS116",
        DAY,
        "north_star: a\nmetrics: {a: b, b: , d: {label: Our North Star, role: health}}\n",
    ),
    (
        "NS116",
        DAY,
        (
            "name: North Star Hotels\nnorth_star: a\n"
            "metrics: {a: b, b: , d: {label: North Star bookings}}\n"
        ),
    ),
    (
        "NS116",
        DAY,
        (
            "north_star: a\nmetrics:\n  a: b * c\n  b: {role: focus, team: x, until: 2026-03-30}\n"
            "  c: {role: focus, team: x}\n"
        ),
    ),
    (
        "NS116",
        DAY,
        (
            "north_star: a\n"
            "metrics: {a: b * c, b: {role: focus, team: x}, c: {role: focus, team: y}}\n"
        ),
    ),
    ("NS116", DAY, "north_star: a\nmetrics: {a: b - c, b: , c: , d: c - b}\n"),
    ("NS117", DAY, "north_star: a\nmetrics: {a: {formula: b, lifecycle: awareness}, b: }\n"),
    (
        "NS117",
        DAY,
        (
            "north_star: {metric: a, stage: early}\n"
            "metrics: {a: {formula: b, lifecycle: activation}, b: }\n"
        ),
    ),
    (
        "NS117",
        DAY,
        (
            "north_star: {metric: a, stage: growth}\n"
            "metrics: {a: {formula: b, lifecycle: retention}, b: }\n"
        ),
    ),
    (
        "NS117",
        DAY,
        (
            "north_star: {metric: a, stage: mature}\n"
            "metrics: {a: {formula: b, lifecycle: revenue}, b: }\n"
        ),
    ),
    (
        "NS117",
        DAY,
        (
            "north_star: {metric: a, stage: mature}\n"
            "metrics: {a: b * c, b: {lifecycle: acquisition}, c: {lifecycle: retention}}\n"
        ),
    ),
]


@pytest.mark.parametrize(("code", "day", "severity", "words", "marked"), REPORTED)
def test_a_weak_charter_is_told_at_its_place(code, day, severity, words, marked):
    finding = agrees(code, marked, day, severity, words)
    if code != "NS116":
        assert finding.metric == "a"


@pytest.mark.parametrize(("code", "day", "text"), ACCEPTED)
def test_a_sound_charter_is_left_alone(code, day, text):
    assert found(code, text, day) == []


def test_a_name_alone_is_less_certain_than_a_tag():
    text = "north_star: a\nmetrics: {a: b, b: , d: {label: North Star d}, e: {tags: [nsm]}}\n"
    assert [one.confidence for one in found("NS116", text)] == ["named", "declared"]


def test_every_focus_of_a_team_but_the_first_is_told():
    text = "north_star: a\nmetrics:\n  a: b * c * d\n" + "".join(
        f"  {metric}: {{role: focus, team: x}}\n" for metric in "bcd"
    )
    assert [one.metric for one in found("NS116", text)] == ["c", "d"]


def test_a_target_may_be_wrong_in_two_ways():
    text = target("{value: 5, by: 2020-01-01, baseline: 6}", ", improves: up")
    assert [one.severity for one in found("NS111", text)] == [Severity.ERROR, Severity.WARNING]


def test_days_at_the_end_of_the_calendar_are_no_error():
    text = star("review: {every: year, last: 9999-12-31}")
    assert found("NS112", text, "9999-12-31") == []
    text = star("history: [{metric: x, until: 9999-01-01, why: y}]")
    assert found("NS113", text, "9999-12-31") == []


def test_long_chains_of_metrics_need_no_stack():
    metrics: dict[str, object] = {f"m{at}": f"m{at + 1} * 2" for at in range(20_000)}
    metrics |= {"m20000": None, "sales": {"formula": "m0 * 3", "role": "outcome"}}
    tree = MetricTree(north_star={"metric": "m0", "stage": "early"}, metrics=metrics)
    codes = [one.code for one in tree.lint(select=["NS11"])]
    assert "NS115" in codes
