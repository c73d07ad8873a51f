"""Rules about what the North Star rests on: can it be acted on, is it simple, is it one-sided."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from metrictree import Diagnostic, MetricTree


def found(code: str, metrics: dict[str, Any], **blocks: Any) -> list[Diagnostic]:
    """Return what a rule finds in a tree whose North Star is `star`; `a`, `b`, `c` are inputs."""
    tree = MetricTree(
        north_star=blocks.pop("north_star", "star"),
        metrics={"a": None, "b": None, "c": None, **metrics},
        **blocks,
    )
    findings = list(tree.lint(select=[code]))
    for finding in findings:
        assert finding.code == code
        assert finding.metric == "star"
        assert finding.confidence == "derived"
        assert finding.fix
        assert finding.message.isprintable()
    return findings


# --- NS105


DIRECT = {"controllability": "direct"}
OWNED = {"controllability": "direct", "owner": "crm"}
INFLUENCED = {"controllability": "influenced"}
EXTERNAL = {"controllability": "external"}


def chain(length: int, end: Any) -> dict[str, Any]:
    """Return metrics from `star` down over `length` steps to `end`."""
    names = ["star", *(f"step_{number}" for number in range(1, length)), "end"]
    metrics: dict[str, Any] = {name: f"{below} * 2" for name, below in itertools.pairwise(names)}
    return {**metrics, "end": end}


def caused(*pairs: tuple[str, str], **more: Any) -> list[dict[str, Any]]:
    return [{"from": cause, "to": effect, **more} for cause, effect in pairs]


@pytest.mark.parametrize(
    ("metrics", "influences"),
    [
        ({"star": "a * b", "a": OWNED}, []),
        ({"star": "a * b", "a": EXTERNAL, "b": OWNED}, []),
        (chain(3, OWNED), []),
        ({"star": None, "a": OWNED}, caused(("a", "star"))),
        ({"star": "b * c", "a": OWNED}, caused(("a", "b"))),
        ({"star": {"formula": "b"}, "b": {"formula": "c * 2", **OWNED}}, []),
        ({"star": "a", "b": OWNED}, caused(("star", "a"), ("b", "a"), lag=1)),
    ],
)
def test_an_owned_input_under_direct_control_makes_it_actionable(metrics, influences):
    assert found("NS105", metrics, influences=influences) == []


@pytest.mark.parametrize(
    ("metrics", "severity", "part"),
    [
        ({"star": None}, "advice", "nothing leads to"),
        ({"star": OWNED}, "advice", "nothing leads to"),
        ({"star": "a * b"}, "advice", "nothing says who can move"),
        ({"star": "a * b", "a": EXTERNAL}, "advice", "nothing says who can move"),
        ({"star": "a * b", "a": DIRECT}, "advice", "'a' is under direct control"),
        ({"star": "a * b", "a": DIRECT, "b": DIRECT}, "advice", "'a' and 'b' are under direct"),
        (
            {"star": "a * b", "a": EXTERNAL, "b": INFLUENCED},
            "warning",
            "'a' is external and 'b' is influenced",
        ),
        ({"star": "a * 4", "a": EXTERNAL}, "warning", "'a' is external"),
        ({"star": "a * b", "a": EXTERNAL, "b": 4}, "warning", "'a' is external"),
        ({"star": "a + 0 * b", "a": EXTERNAL, "b": OWNED}, "warning", "'a' is external"),
        ({"star": "a + b - b", "a": EXTERNAL, "b": OWNED}, "warning", "'a' is external"),
        (chain(4, OWNED), "warning", "'end', is 4 steps away"),
        ({**chain(4, OWNED), "step_3": "end * a"}, "advice", "'end', is 4 steps away"),
    ],
)
def test_what_no_team_moves_cannot_be_acted_on(metrics, severity, part):
    (finding,) = found("NS105", metrics)
    assert finding.severity == severity
    assert part in finding.message


def test_influences_lead_to_what_cannot_be_moved_too():
    metrics = {"star": None, "a": EXTERNAL, "b": INFLUENCED}
    (finding,) = found("NS105", metrics, influences=caused(("a", "star"), ("b", "a")))
    assert finding.severity == "warning"
    assert "'b' is influenced" in finding.message


@pytest.mark.parametrize("metrics", [{"star": 4}, {"star": "2 * 3"}, {"star": "a", "a": 4}])
def test_a_constant_is_left_to_the_rule_about_measuring(metrics):
    assert found("NS105", metrics) == []
    assert len(found("NS106", metrics)) == 1


def test_many_inputs_are_named_in_part():
    parts = {f"part_{number}": EXTERNAL for number in range(40)}
    (finding,) = found("NS105", {"star": " + ".join(parts), **parts})
    assert "'part_4' is external and 35 more" in finding.message
    assert len(finding.evidence) == 5


def test_how_far_away_an_input_may_be_is_an_option():
    for steps, count in ((4, 0), (2, 1)):
        lint = {"options": {"NS105": {"steps": steps}}}
        assert len(found("NS105", chain(4 if steps == 4 else 3, OWNED), lint=lint)) == count


def test_what_has_no_owner_is_found_where_its_control_is_declared():
    (finding,) = found("NS105", {"star": "a * b", "b": DIRECT})
    assert finding.path == "metrics.b.controllability"


# --- NS107


TOLD = {"description": "Jobs that customers rated well, per week"}
LONG = "Share of all of the customers who finish their first order within a week"
MANY = " + ".join("abcdefg")
DEEP = chain(7, None)
SHALLOW = {**chain(7, None), "step_3": "step_4", "step_5": "step_6"}


def inputs(names: str) -> dict[str, Any]:
    return dict.fromkeys(names)


@pytest.mark.parametrize(
    ("star", "others", "facts"),
    [
        ({"formula": "a * b"}, {}, ["description"]),
        (None, {}, ["description"]),
        ({"formula": "a * 2", **TOLD}, {}, ["inputs"]),
        ({"formula": MANY, **TOLD}, inputs("abcdefg"), ["inputs"]),
        ({"formula": "x", **TOLD}, {"x": MANY, **inputs("defg")}, ["inputs"]),
        ({"formula": "x / 7", **TOLD}, {"x": MANY, **inputs("defg")}, ["inputs"]),
        ({"formula": "(a + 1) * (b + 2) / (a + 3) - (b + 4) / 5 + 1", **TOLD}, {}, ["operations"]),
        ({"formula": "x", **TOLD}, {"x": "a + b + a + b + a + b + a + b + a + b"}, ["operations"]),
        ({"formula": "step_1 + a", **TOLD}, DEEP, ["depth"]),
        ({"formula": "a * b", "label": LONG, **TOLD}, {}, ["words"]),
        ({"formula": f"{MANY} + 1 + 2 + 3", "label": LONG}, inputs("abcdefg"),
         ["operations", "inputs", "words", "description"]),
    ],
)  # fmt: skip
def test_all_that_is_not_simple_is_one_piece_of_advice(star, others, facts):
    (finding,) = found("NS107", {**others, "star": star})
    assert finding.severity == "advice"
    assert [reason.fact for reason in finding.evidence] == facts
    for reason in finding.evidence:
        assert reason.text in finding.message
    assert str(finding.fix).count(";") == len(facts) - 1


@pytest.mark.parametrize(
    ("star", "others", "influences"),
    [
        ({"formula": "a * b", **TOLD}, {}, []),
        ({"formula": "a * b * c + a / b - 2 * c", **TOLD}, {}, []),
        ({"formula": " + ".join("abcdef"), **TOLD}, inputs("abcdef"), []),
        ({"formula": "x", **TOLD}, {"x": "y", "y": "a * b"}, []),
        ({"formula": "step_1 + a", **TOLD}, SHALLOW, []),
        ({"formula": "rolling_mean(x, 4)", **TOLD}, {"x": "a * b"}, []),
        (TOLD, {}, []),
        (TOLD, {}, caused(("a", "star"), ("b", "star"))),
        ({"formula": "a * 2", **TOLD}, {}, caused(("b", "star"))),
        ({"formula": "x", **TOLD}, {}, caused(("a", "x"), ("b", "x"))),
        ({"formula": "a * b", "label": "Jobs that customers rated well, per week", **TOLD}, {}, []),
    ],
)
def test_a_metric_of_a_few_named_parts_is_simple(star, others, influences):
    assert found("NS107", {"x": None, **others, "star": star}, influences=influences) == []


@pytest.mark.parametrize(
    ("option", "star"),
    [
        ({"most_operations": 1}, {"formula": "a * b + c", **TOLD}),
        ({"most_depth": 1}, {"formula": "x * y", **TOLD}),
        ({"most_words": 2}, {"formula": "a * b", "label": "Jobs done well", **TOLD}),
        ({"most_inputs": 2}, {"formula": "a * b * c", **TOLD}),
        ({"least_inputs": 3}, {"formula": "a * b", **TOLD}),
    ],
)
def test_what_is_simple_is_a_matter_of_options(option, star):
    metrics = {"star": star, "x": "a * b", "y": "b * c"}
    assert found("NS107", metrics) == []
    assert len(found("NS107", metrics, lint={"options": {"NS107": option}})) == 1


def test_a_long_formula_is_found_where_it_stands():
    metrics = {"star": {"formula": "x", **TOLD}, "x": "a + b + a + b + a + b + a + b + a + b"}
    (finding,) = found("NS107", metrics)
    assert finding.path == "metrics.x.formula"


# --- NS118


JOURNEY = ["awareness", "acquisition", "activation", "retention", "revenue", "referral"]


def served(*parts: str) -> dict[str, Any]:
    """Return a North Star with an input for each part of the journey."""
    metrics: dict[str, Any] = {f"on_{part}": {"lifecycle": part} for part in parts}
    return {**metrics, "star": " + ".join(["a", *metrics])}


INCOME = {"income": {"role": "outcome", "lifecycle": "revenue"}}


@pytest.mark.parametrize(
    ("metrics", "missing"),
    [
        (served("acquisition", "retention"), ["awareness", "activation", "referral"]),
        (served(*JOURNEY[:4]), ["referral"]),
        ({**served(*JOURNEY[:4], "referral"), "kept": {"role": "outcome"}}, ["revenue"]),
        ({**served(*JOURNEY[1:4], "referral"), **INCOME}, ["awareness"]),
        (
            {**served(*JOURNEY[1:]), "seen": {"lifecycle": "awareness", "role": "health"}},
            ["awareness"],
        ),
        ({**served(*JOURNEY[1:]), "star": f"{served(*JOURNEY[1:])['star']} + 0 * seen",
          "seen": {"lifecycle": "awareness"}}, ["awareness"]),
    ],
)  # fmt: skip
def test_the_parts_of_the_journey_without_an_input_are_told_together(metrics, missing):
    (finding,) = found("NS118", metrics)
    assert finding.severity == "advice"
    assert [reason.value for reason in finding.evidence] == missing


def test_revenue_is_asked_of_outcomes_and_the_rest_of_inputs():
    kept = {"kept": {"role": "outcome"}}
    (finding,) = found("NS118", {**served(*JOURNEY[:4]), **kept})
    assert "serves referral, and no outcome shows revenue" in finding.message
    assert "`lifecycle: referral` on the input" in str(finding.fix)
    (finding,) = found("NS118", {**served(*JOURNEY[:4], "referral"), **kept})
    assert "`lifecycle: revenue` on the outcome" in str(finding.fix)


@pytest.mark.parametrize(
    "metrics",
    [
        served(),
        served(*JOURNEY),
        {**served(*JOURNEY[:4], "referral"), **INCOME},
        served(*JOURNEY[:4], "referral"),
        {"star": {"formula": "a * b", "lifecycle": "retention"}},
        {"star": "a * b", **INCOME},
    ],
)
def test_a_journey_that_is_served_or_not_declared_is_left_alone(metrics):
    assert found("NS118", metrics) == []


def test_an_influence_serves_a_part_of_the_journey_too():
    metrics = {**served(*JOURNEY[1:]), "seen": {"lifecycle": "awareness"}}
    assert found("NS118", metrics, influences=caused(("seen", "a"))) == []


@pytest.mark.parametrize(
    ("metrics", "ruler"),
    [
        ({"star": "0.99 * a + 0.001 * b", "a": {"range": [1, 2]}, "b": {"range": [1, 2]}}, "a"),
        ({"star": "a + 0 * b"}, "a"),
        ({"star": "x", "x": "a + 0.0001 * b"}, "a"),
        ({"star": "x + 0.0001 * b", "x": "a * c"}, "x"),
    ],
)
def test_one_input_that_brings_nearly_all_movement_is_told_with_its_way(metrics, ruler):
    (finding,) = found("NS118", metrics)
    (reason,) = finding.evidence
    assert reason.metric == ruler
    assert reason.way[0] == "star"
    assert reason.way[-1] == ruler
    assert isinstance(reason.value, float)
    assert 0.9 < reason.value <= 1


@pytest.mark.parametrize(
    "metrics",
    [
        {"star": None},
        {"star": "a"},
        {"star": "a * 7"},
        {"star": "a * b"},
        {"star": "a + b + c"},
        {"star": "a * x", "x": "b / a"},
        {"star": "a + 0 * b", "a": {"ignore": {"NS118": "The rest is to come next year"}}},
        {
            "star": "a * b * c",
            "a": None,
            "b": "baskets / a",
            "c": "orders / baskets",
            "baskets": None,
            "orders": None,
        },
        {"star": "0 * a + 0 * b"},
    ],
)
def test_inputs_of_one_weight_and_single_inputs_are_left_alone(metrics):
    assert found("NS118", metrics) == []


def test_history_outweighs_the_structure():
    tree = MetricTree(north_star="star", metrics={"star": "a + b", "a": None, "b": None})
    assert list(tree.lint(select=["NS118"])) == []
    (finding,) = tree.lint(select=["NS118"], history={"a": [1, 9, 2, 8], "b": [5, 5, 5, 5]})
    assert "100 %" in finding.message


# --- all together


RULES = ["NS103", "NS104", "NS105", "NS106", "NS107", "NS108", "NS109", "NS118"]


def test_a_bare_good_tree_gets_advice_at_most():
    tree = MetricTree.from_yaml("""
north_star: jobs_done_well
product: A marketplace where households book local home-repair pros
metrics:
  jobs_done_well:
    label: Jobs done well per week
    description: Finished jobs that the customer rated 4 or 5, per week
    formula: jobs * done_well_rate
    unit: job/week
  jobs:
  done_well_rate:
""")
    report = tree.lint(select=RULES)
    assert [finding.code for finding in report.advice] == ["NS105"]
    assert len(report) == 1


@pytest.mark.parametrize("shape", ["chain", "comb", "wide"])
def test_large_trees_of_every_shape_are_judged(shape):
    count = 20_000
    metrics: dict[str, Any] = {"star": {"formula": "m0 + a", **TOLD}, "a": {"timing": "lagging"}}
    if shape == "chain":
        metrics |= {f"m{number}": f"m{number + 1}" for number in range(count)}
        metrics[f"m{count}"] = {"timing": "lagging"}
    elif shape == "comb":
        metrics |= {f"m{number}": f"m{number + 1} + tooth{number}" for number in range(count)}
        metrics |= {f"tooth{number}": None for number in range(count)}
        metrics[f"m{count}"] = None
        metrics["m0"] = {"formula": metrics["m0"], "timing": "lagging"}
    else:
        metrics["m0"] = " + ".join(f"group{number}" for number in range(100))
        for number in range(100):
            leaves = [f"leaf{number}_{leaf}" for leaf in range(count // 100)]
            metrics[f"group{number}"] = " + ".join(leaves)
            metrics |= {leaf: {"timing": "lagging"} for leaf in leaves}
    report = MetricTree(north_star="star", metrics=metrics).lint(select=RULES)
    assert {"NS104", "NS105"} <= {finding.code for finding in report}
    for finding in report:
        assert len(finding.message) < 400
        assert len(finding.evidence) <= 6
