"""Rules about what the North Star counts: vanity, late, without a number, inward, easily pushed."""

from __future__ import annotations

from typing import Any

import pytest

from metrictree import Diagnostic, MetricTree


def found(code: str, metrics: dict[str, Any], **blocks: Any) -> list[Diagnostic]:
    """Return what a rule finds in a tree whose North Star is `star`; `a`, `b`, `c` are inputs."""
    tree = MetricTree(
        north_star="star", metrics={"a": None, "b": None, "c": None, **metrics}, **blocks
    )
    findings = list(tree.lint(select=[code]))
    for finding in findings:
        assert finding.code == code
        assert finding.metric == "star"
        assert finding.fix
        assert finding.message.isprintable()
    return findings


def one(code: str, metrics: dict[str, Any], **blocks: Any) -> tuple[str, str, str | None]:
    """Return severity, confidence and path of the only finding of a rule."""
    (finding,) = found(code, metrics, **blocks)
    assert finding.confidence is not None
    return finding.severity.value, finding.confidence.value, finding.path


# --- NS103


COUNT = {"range": [0, None]}
SHARE = {"range": [0, 1]}


@pytest.mark.parametrize(
    ("metrics", "severity"),
    [
        ({"star": "cumulative(a)", "a": COUNT}, "warning"),
        ({"star": "cumulative(a) * 2 + 1", "a": {"range": [3, 9]}}, "warning"),
        ({"star": "cumulative(a * b)", "a": COUNT, "b": SHARE}, "warning"),
        ({"star": "log(cumulative(a)) / 7", "a": COUNT}, "warning"),
        ({"star": "max(cumulative(a), lag(cumulative(a)))", "a": COUNT}, "warning"),
        ({"star": "coalesce(cumulative(a), 0)", "a": COUNT}, "warning"),
        ({"star": "sqrt(cumulative(a)) ** 3", "a": COUNT}, "warning"),
        ({"star": "rolling_mean(cumulative(a), 4)", "a": COUNT}, "warning"),
        ({"star": "cumulative(abs(a))"}, "warning"),
        ({"star": "cumulative(1)"}, "warning"),
        ({"star": "cumulative(exp(a))"}, "warning"),
        ({"star": "cumulative(a + b)", "a": COUNT, "b": 4}, "warning"),
        ({"star": "cumulative(a) + 0 * b", "a": COUNT}, "warning"),
        ({"star": "cumulative(a) + b - b", "a": COUNT}, "warning"),
        ({"star": "b", "b": "c", "c": "cumulative(a)", "a": COUNT}, "warning"),
        ({"star": "cumulative(a)"}, "advice"),
        ({"star": "cumulative(a)", "a": {"range": [None, 5]}}, "advice"),
        ({"star": "cumulative(a * (1 - b))", "a": COUNT, "b": SHARE}, "advice"),
    ],
)
def test_a_running_total_of_what_is_never_negative_can_only_rise(metrics, severity):
    found_at = "c" if metrics.get("star") == "b" else "star"
    assert one("NS103", metrics) == (severity, "derived", f"metrics.{found_at}.formula")


@pytest.mark.parametrize(
    "metrics",
    [
        {"star": "cumulative(a - b)", "a": COUNT, "b": COUNT},
        {"star": "cumulative(a)", "a": {"range": [-5, None]}},
        {"star": "cumulative(a * b)", "a": COUNT, "b": -1},
        {"star": "cumulative(change(a))", "a": COUNT},
        {"star": "cumulative(a) / b", "a": COUNT, "b": {"range": [1, None]}},
        {"star": "cumulative(a) / cumulative(b)", "a": COUNT, "b": COUNT},
        {"star": "cumulative(a) * b", "a": COUNT, "b": SHARE},
        {"star": "cumulative(a) - cumulative(b)", "a": COUNT, "b": COUNT},
        {"star": "change(cumulative(a))", "a": COUNT},
        {"star": "-cumulative(a)", "a": COUNT},
        {"star": "cumulative(a) * -2", "a": COUNT},
        {"star": "cumulative(a) % 10", "a": COUNT},
        {"star": "rolling_sum(a, 4)", "a": COUNT},
        {"star": "a + 0 * cumulative(b)", "a": COUNT, "b": COUNT},
        {"star": "cumulative(a) if b > 3 else 0", "a": COUNT},
        {"star": "a * b", "a": COUNT, "b": COUNT},
        {"star": "a", "a": COUNT, "total": {"formula": "cumulative(a)", "role": "health"}},
    ],
)
def test_what_can_fall_is_no_running_total(metrics):
    assert found("NS103", metrics) == []


@pytest.mark.parametrize(("aggregate", "severity"), [("count()", "warning"), ("sum(x)", "advice")])
def test_a_count_from_a_table_is_never_negative(aggregate, severity):
    tree = MetricTree.from_yaml(
        "north_star: star\n"
        "sources: {accounts: {path: accounts.csv, time: day}}\n"
        "metrics:\n"
        "  star: everybody\n"
        "  everybody: so_far\n"
        "  so_far: cumulative(new)\n"
        f"  new: {{measure: {{source: accounts, aggregate: {aggregate}}}}}\n"
    )
    (finding,) = tree.lint(select=["NS103"])
    assert finding.severity == severity
    assert finding.path == "metrics.so_far.formula"
    assert finding.span is not None
    assert (finding.span.line, finding.span.column) == (6, 11)
    (reason,) = finding.evidence
    assert reason.way == ("star", "everybody", "so_far")
    assert reason.value == "new"
    assert reason.text == "star <- everybody <- so_far [cumulative(new)]"


def test_a_total_that_the_author_sets_aside_is_no_evidence():
    metrics: dict[str, Any] = {
        "star": "so_far * 2",
        "so_far": {"formula": "cumulative(new)", "ignore": {"NS103": "Reset every season"}},
        "new": COUNT,
    }
    tree = MetricTree(north_star="star", metrics=metrics)
    assert list(tree.lint(select=["NS103", "LNT"])) == []


# --- words


REGISTERED = {"label": "Registered users", "description": "Accounts ever created", "unit": "user"}
CLICKS = {"label": "Clicks", "description": "Clicks on links and buttons", "unit": "click"}
SHIPPED = {"label": "Features shipped", "description": "Features that our engineers release"}
DELIGHT = {"label": "Delight our customers", "description": "Make every customer smile"}
CHURN = {"label": "Churn rate", "description": "Customers lost in the year", "unit": "%"}


@pytest.mark.parametrize(
    ("code", "star"),
    [
        ("NS103", REGISTERED),
        ("NS103", {"label": "Social followers", "unit": "follower"}),
        ("NS103", {"label": "Total app downloads", "unit": "download"}),
        ("NS104", CHURN),
        ("NS106", DELIGHT),
        ("NS108", SHIPPED),
        ("NS108", {"label": "Hours billed", "description": "Consulting hours on invoices"}),
        ("NS109", CLICKS),
    ],
)
def test_words_alone_are_a_warning_at_the_field_where_they_stand(code, star):
    (finding,) = found(code, {"star": star})
    assert (finding.severity, finding.confidence) == ("warning", "named")
    assert finding.path in ("metrics.star.label", "metrics.star.description")
    (reason,) = finding.evidence
    assert reason.fact == "words"
    words = f"{star['label']} {star.get('description')}".casefold()
    assert str(reason.value).split(", ")[0].casefold() in words


def test_words_of_any_script_are_quoted_as_they_are_but_for_what_cannot_be_printed():
    (finding,) = found("NS103", {"star": {"label": "P\u00e1ginas vistas\x1b", "unit": "page"}})
    assert "P\u00e1ginas vistas\\x1b" in finding.message
    assert all(reason.text.isprintable() for reason in finding.evidence)


def test_words_in_an_id_are_found_at_the_id():
    tree = MetricTree(north_star="page_views", metrics={"page_views": {"unit": "view"}})
    (finding,) = tree.lint(select=["NS103"])
    assert finding.path == "metrics.page_views"


GOOD = [
    ("Jobs done well per week", "Finished jobs that the customer rated 4 or 5", "job/week"),
    ("Time spent listening to music", "Hours that people listen in a week", "hour/week"),
    ("Customers with a first finished order", "New customers whose order came", "customer"),
    ("Placements per customer per month", "Posts that were filled", "placement/customer"),
    ("Answers accepted by the asker", "Answers that solved a problem", "answer"),
]


@pytest.mark.parametrize("code", ["NS103", "NS104", "NS106", "NS108", "NS109"])
@pytest.mark.parametrize(("label", "description", "unit"), GOOD)
def test_a_good_metric_is_accepted(code, label, description, unit):
    star = {"label": label, "description": description, "unit": unit}
    assert found(code, {"star": star}) == []
    assert found(code, {"star": {**star, "formula": "a * b"}}) == []


@pytest.mark.parametrize(
    ("code", "star"),
    [
        ("NS104", {**CHURN, "timing": "leading"}),
        ("NS104", {**CHURN, "timing": "coincident"}),
        ("NS106", {**DELIGHT, "measure": {"source": "s", "aggregate": "count()"}}),
        ("NS106", {**DELIGHT, "formula": "a / b"}),
        ("NS108", {**SHIPPED, "lifecycle": "activation"}),
    ],
)
def test_what_is_declared_outweighs_the_words(code, star):
    assert found(code, {"star": star}, sources={"s": {"path": "s.csv"}}) == []


def test_a_name_alone_may_leave_out_what_is_counted():
    (finding,) = found("NS106", {"star": {"label": DELIGHT["label"]}})
    assert (finding.severity, finding.confidence) == ("advice", "named")


def test_a_running_total_with_words_of_vanity_is_one_finding():
    star = {**REGISTERED, "formula": "cumulative(a)"}
    (finding,) = found("NS103", {"star": star})
    assert (finding.severity, finding.confidence) == ("warning", "derived")
    assert [reason.fact for reason in finding.evidence] == ["formula", "words"]


# --- NS104


LATE = {"timing": "lagging"}
EARLY = {"timing": "leading"}


def renewals(learners=None, rate=None, renewed=None, asked=None) -> dict[str, Any]:
    return {
        "star": "learners * renewal_rate + 0 * old",
        "learners": learners,
        "renewal_rate": {"formula": "renewed / asked", **(rate or {})},
        "renewed": renewed,
        "asked": asked,
        "old": LATE,
    }


@pytest.mark.parametrize(
    ("metrics", "late"),
    [
        (renewals(rate=LATE), ["renewal_rate"]),
        (renewals(renewed=LATE, asked=LATE), ["asked", "renewed"]),
        (renewals(learners=LATE, renewed=LATE), ["learners", "renewed"]),
        ({"star": "a", "a": "b", "b": LATE}, ["b"]),
        ({"star": "a", "a": {"formula": "b * c", **LATE}}, ["a"]),
    ],
)
def test_it_lags_when_most_of_its_movement_comes_from_what_lags(metrics, late):
    (finding,) = found("NS104", metrics)
    assert (finding.severity, finding.confidence) == ("warning", "derived")
    assert sorted(str(reason.metric) for reason in finding.evidence) == late
    for reason in finding.evidence:
        assert reason.way[0] == "star"
        assert reason.way[-1] == reason.metric


@pytest.mark.parametrize(
    "metrics",
    [
        renewals(),
        renewals(learners=LATE),
        renewals(renewed=LATE),
        renewals(rate=LATE, renewed=EARLY, asked=EARLY),
        renewals(rate={**LATE, "ignore": {"NS104": "Known within a day"}}),
        {"star": "a", "outcome": {**LATE, "role": "outcome"}},
        {"star": "a * b / b", "b": LATE},
    ],
)
def test_it_does_not_lag_for_metrics_that_hardly_move_it(metrics):
    assert found("NS104", metrics) == []


def test_what_was_observed_decides_which_share_lags():
    metrics = {"star": "a + b", "a": LATE, "b": EARLY}
    tree = MetricTree(north_star="star", metrics=metrics)
    history = {"a": [1, 2, 3], "b": [5, 9, 1]}
    assert list(tree.lint(select=["NS104"], history=history)) == []
    history = {"a": [5, 9, 1], "b": [1, 2, 3]}
    (finding,) = tree.lint(select=["NS104"], history=history)
    assert finding.confidence == "derived"


def test_declared_lagging_is_found_at_its_field_and_no_words_are_needed():
    star = {"unit": "order", **LATE}
    assert one("NS104", {"star": star}) == ("warning", "declared", "metrics.star.timing")


def test_the_share_that_may_lag_is_an_option():
    metrics = renewals(learners=LATE)
    assert len(found("NS104", metrics, lint={"options": {"NS104": {"most_share": 0.3}}})) == 1


@pytest.mark.parametrize(
    ("label", "unit"), [("Monthly recurring revenue", "USD/month"), ("Yearly turnover", "EUR")]
)
def test_that_money_lags_is_left_to_the_rule_about_revenue(label, unit):
    assert found("NS104", {"star": {"label": label, "unit": unit}}) == []
    assert len(found("NS104", {"star": {"label": label, "unit": unit, **LATE}})) == 1


# --- NS106


@pytest.mark.parametrize(
    ("metrics", "severity", "part"),
    [
        ({"star": "2 * 3"}, "error", "its formula holds numbers only"),
        ({"star": 40}, "error", "it is a fixed number"),
        ({"star": "a", "a": "2 * 3"}, "error", "its formula holds numbers only"),
        ({"star": "0 * a + 3"}, "error", "in its formula 'a' has no effect"),
        ({"star": "a - a + 3"}, "error", "in its formula 'a' has no effect"),
        ({"star": "b / b * 3 + 0 * a"}, "error", "in its formula 'a' and 'b' have no effect"),
        ({"star": "0 * a + b", "b": 4}, "error", "in its formula 'a' has no effect"),
        ({"star": "a * b", "a": 3, "b": 4}, "advice", "all of it is assumed"),
        ({"star": "log(a - 100)"}, "advice", "missing at all the numbers that were tried for 'a'"),
        ({"star": "a / (b - b)"}, "advice", "tried for 'a' and 'b'"),
    ],
)
def test_what_can_never_change_is_not_measured(metrics, severity, part):
    (finding,) = found("NS106", metrics)
    assert (finding.severity, finding.confidence) == (severity, "derived")
    assert part in finding.message


@pytest.mark.parametrize(
    "star",
    [
        {"unit": "order"},
        "a",
        "a * b",
        "round(a / 1000)",
        "floor(a)",
        "1 if a > 3 else 0",
        "sign(a)",
        "clip(a, 0, 1)",
        "safe_div(a, b, 0)",
        "change(a)",
        "a % 7",
        "a * 1e-9 + 1e9",
        "coalesce(a, 3)",
        "a * cumulative(1)",
        "log(a - 5)",
    ],
)
def test_what_moves_with_a_given_metric_is_measured(star):
    assert found("NS106", {"star": star}) == []


def test_values_at_which_nothing_moves_do_not_make_it_unmeasured():
    tree = MetricTree(north_star="star", metrics={"star": "a * b", "a": None, "b": None})
    assert list(tree.lint(select=["NS106"], values={"a": 0, "b": 0})) == []
    assert list(tree.lint(select=["NS106"], history={"a": [3, 3], "b": [4, 4]})) == []


# --- NS109


@pytest.mark.parametrize(
    "metrics",
    [
        {"star": CLICKS, "bots": {"role": "guardrail", "improves": "down"}},
        {"star": CLICKS, "bots": {"role": "guardrail", "range": [0, 0.1]}},
        {"star": CLICKS, "bots": {"role": "guardrail", "target": {"value": 0.1}}},
        {"star": {**CLICKS, "formula": "a * b"}, "b": {"unit": "ratio"}},
        {"star": {**CLICKS, "formula": "a * b"}, "b": SHARE},
        {"star": {**CLICKS, "formula": "c"}, "c": "a * b", "b": {"unit": "%"}},
        {"star": {**CLICKS, "formula": "a * b"}, "b": {"formula": "c / a", "unit": "ratio"}},
    ],
)
def test_a_raw_count_is_accepted_beside_what_shows_that_it_is_only_pushed(metrics):
    assert found("NS109", metrics) == []


@pytest.mark.parametrize(
    ("metrics", "part"),
    [
        ({"star": CLICKS}, "nothing beside it"),
        ({"star": CLICKS, "bots": {"role": "health", "improves": "down"}}, "nothing beside"),
        (
            {"star": {**CLICKS, "formula": "a * b"}, "b": {"unit": "click/visit"}},
            "nothing beside it",
        ),
        ({"star": CLICKS, "bots": {"role": "guardrail"}}, "'bots' does not say when"),
    ],
)
def test_a_raw_count_needs_something_that_shows_that_it_is_only_pushed(metrics, part):
    (finding,) = found("NS109", metrics)
    assert (finding.severity, finding.confidence) == ("warning", "named")
    assert part in finding.message
