"""Property sentences: each form that holds, that does not, that says nothing, and that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings, strategies as st

from metrictree import MetricTree
from metrictree.testing.case import Status
from metrictree.testing.collect import collect
from metrictree.testing.properties import replay, search
from metrictree.testing.properties.sentences import read_sentence

if TYPE_CHECKING:
    from metrictree.testing.case import Case, Outcome

METRICS: dict[str, Any] = {
    "jobs_done_well": {"formula": "jobs * done_well_rate", "unit": "job/week"},
    "jobs": {"unit": "job/week"},
    "done_well_rate": {"unit": "ratio", "range": [0, 1]},
    "jobs_per_customer": {"formula": "jobs / customers", "role": "health"},
    "customers": {"unit": "customer"},
    "capped": {"formula": "min(jobs, 50) if jobs < 80 else jobs - 70", "role": "health"},
    "balance": {"formula": "paid - owed", "role": "health"},
    "paid": {"unit": "EUR"},
    "owed": {"unit": "EUR"},
    "both": {"formula": "paid + owed", "role": "health"},
    "same": {"formula": "jobs - jobs + 3", "role": "health"},
    "bonus": {"formula": "fee * jobs", "role": "health"},
    "fee": 5,
    "trend": {"formula": "growth(jobs)", "role": "health"},
    "before": {"formula": "lag(jobs)", "role": "health"},
    "month": {"formula": "rolling_sum(jobs, 4)", "role": "health"},
    "default": {"formula": "coalesce(jobs_per_customer, 0)", "role": "health"},
    "net": {"range": [None, None], "role": "health"},
}


def tree_with(sentence: str, metrics: dict[str, Any] | None = None, **test: Any) -> MetricTree:
    return MetricTree(
        north_star="jobs_done_well",
        metrics=metrics or METRICS,
        tests=[{"name": "a claim", "property": sentence, **test}],
    )


def outcome_of(sentence: str, **test: Any) -> Outcome:
    (outcome,) = tree_with(sentence, **test).test()
    return outcome


HOLD = [
    "jobs_done_well increases with done_well_rate",
    "jobs_done_well increases with jobs",
    "jobs_per_customer decreases with customers",
    "jobs_per_customer decreases with customers when customers > 0 and jobs > 0",
    "jobs_done_well is proportional to jobs",
    "bonus is proportional to fee",
    "default increases with jobs_per_customer",
    "jobs_done_well does not depend on customers",
    "same does not depend on jobs",
    "done_well_rate is between 0 and 1",
    "balance is between -owed and paid",
    "jobs_done_well is at most jobs",
    "jobs is at least jobs_done_well",
    "both is at least max(paid, owed)",
    "balance is at least 0 when paid >= owed",
    "paid + owed adds up to both",
    "paid and owed add up to both",
    "paid, owed, and fee add up to both + 5",
    "default is never missing",
    "jobs_per_customer is never missing when customers != 0",
    "default is never missing when is_missing(customers)",
    "trend increases with jobs",
    "month is proportional to jobs",
    "month is at least jobs",
    "trend is never missing when lag(jobs) > 0",
    "growth(jobs) is at least -1",
]


@pytest.mark.parametrize("sentence", HOLD)
def test_what_holds_everywhere_passes(sentence):
    outcome = outcome_of(sentence)
    assert outcome.status is Status.PASSED, outcome


FAIL = [
    (
        "jobs_done_well decreases with done_well_rate",
        (
            "jobs_done_well rises from 0.1 to 0.2 when done_well_rate rises from 0.1 to 0.2 (jobs "
            "is 1)"
        ),
    ),
    ("capped increases with jobs", "capped falls from 50 to 10 when jobs rises from 79 to 80"),
    (
        "balance is proportional to paid",
        (
            "balance goes from 0 to 1 when paid doubles from 1 to 2: in proportion it would be 0 "
            "(owed is 1)"
        ),
    ),
    (
        "jobs_done_well does not depend on done_well_rate",
        "jobs_done_well goes from 0.1 to 0.2 when done_well_rate goes from 0.1 to 0.2 (jobs is 1)",
    ),
    (
        "jobs_per_customer does not depend on customers when jobs > 5",
        "jobs_per_customer goes from 10 to 5 when customers goes from 1 to 2 (jobs is 10)",
    ),
    (
        "jobs_per_customer is between 0 and 1",
        "jobs_per_customer is 2, more than 1 (jobs is 2, customers is 1)",
    ),
    ("balance is at least 0", "balance is -1, less than 0 (paid is 1, owed is 2)"),
    (
        "jobs_done_well is at least jobs",
        "jobs_done_well is 0.5, less than jobs, which is 1 (done_well_rate is 0.5)",
    ),
    (
        "paid and owed add up to balance",
        "paid + owed is 2, and balance is 0 (paid is 1, owed is 1)",
    ),
    ("paid and owed add up to 5", "paid + owed is 2, not 5 (paid is 1, owed is 1)"),
    (
        "jobs_per_customer is never missing",
        "jobs_per_customer is missing: division by zero (jobs is 1, customers is 0)",
    ),
    (
        "trend is never missing",
        "trend is missing: division by zero (jobs is 0, lag(jobs) is 0)",
    ),
    ("net is at least 0", "net is -1, less than 0"),
]


@pytest.mark.parametrize(("sentence", "told"), FAIL)
def test_what_does_not_hold_is_told_with_the_simplest_example(sentence, told):
    outcome = outcome_of(sentence)
    assert outcome.status is Status.FAILED
    assert [failure.message for failure in outcome.failures] == [told]


def test_an_example_against_a_sentence_is_a_test_that_fails_until_it_holds():
    for sentence, _ in FAIL:
        (failure,) = outcome_of(sentence).failures
        if failure.example is None:
            assert not outcome_of(sentence).case.given
            assert sentence == "capped increases with jobs"  # the driver alone: nothing to hold
            continue
        text = f"{tree_with(sentence).to_yaml().partition('tests:')[0]}tests:\n{failure.example}\n"
        (shown,) = MetricTree.from_yaml(text).test()
        assert shown.status is Status.FAILED, text
        (same,) = shown.failures
        assert failure.message.startswith(same.message), text


def test_a_failure_shows_the_values_below_and_where_the_sentence_stands():
    text = (
        "north_star: rate\nmetrics:\n  rate: orders / visits\n  orders:\n  visits:\n"
        "tests:\n  - name: a share\n    property: rate is at most 1\n"
    )
    ((failure,),) = (outcome.failures for outcome in MetricTree.from_yaml(text).test())
    assert failure.span is not None
    assert (failure.span.line, failure.span.column) == (8, 15)
    assert [step.metric for step in failure.steps] == ["rate", "orders", "visits"]
    assert failure.steps[0].numbers == "2 / 1"
    assert failure.fix is not None


def test_a_sum_that_is_not_right_shows_how_its_total_came_about():
    text = (
        "north_star: total\nmetrics:\n  total: a + 2 * b\n  a:\n  b:\n"
        "tests:\n  - name: all of it\n    property: a and b add up to total\n"
    )
    ((failure,),) = (outcome.failures for outcome in MetricTree.from_yaml(text).test())
    assert [step.metric for step in failure.steps] == ["total", "a", "b"]
    text = text.replace("total: a + 2 * b\n  a:", "total:\n  a: 2 * c\n  c:")
    ((failure,),) = (outcome.failures for outcome in MetricTree.from_yaml(text).test())
    assert [step.metric for step in failure.steps] == ["a", "c"]


def test_constants_that_a_failure_needs_are_named():
    metrics = {**METRICS, "net": {"formula": "paid - fee"}, "fee": 3}
    (failure,) = tree_with("net is at least 0", metrics).test()[0].failures
    assert "fee is 3" in failure.message


def test_given_holds_some_inputs_at_a_value():
    outcome = outcome_of("jobs_done_well is at most 5", given={"jobs": 5})
    assert outcome.status is Status.PASSED
    outcome = outcome_of("jobs_done_well is at most 5", given={"done_well_rate": 1})
    (failure,) = outcome.failures
    assert failure.message == "jobs_done_well is 10, more than 5 (jobs is 10, done_well_rate is 1)"


def test_a_computed_driver_moves_freely_and_its_formula_does_not_count():
    metrics = {**METRICS, "jobs_done_well": "jobs_per_customer * customers"}
    (outcome,) = tree_with("jobs_done_well increases with jobs_per_customer", metrics).test()
    assert outcome.status is Status.PASSED


def test_the_driver_stays_inside_of_its_range():
    metrics = {**METRICS, "jobs": {"range": [3, 5]}}
    (outcome,) = tree_with("jobs_done_well is proportional to jobs", metrics).test()
    assert outcome.status is Status.PASSED, "1.5 times as much is in proportion too"
    metrics = {**METRICS, "jobs": {"unit": "job/week", "range": [3, 5]}}
    (outcome,) = tree_with("jobs_done_well is proportional to jobs", metrics).test()
    (failure,) = outcome.failures
    assert failure.message == (
        "jobs cannot grow in proportion inside of its range, so nothing is tested"
    )


def test_a_tree_of_thousands_of_inputs_is_searched_at_a_few_examples():
    inputs = [f"m{number}" for number in range(4_000)]
    metrics = {"jobs_done_well": " + ".join(inputs), **dict.fromkeys(inputs)}
    tree = tree_with("jobs_done_well increases with m0", metrics)
    outcome, examples = search(tree.resolved, collect(tree.resolved).cases[0])
    assert outcome.status is Status.PASSED
    assert 10 <= len(examples) <= 100


def test_a_tolerance_is_kept():
    metrics = {**METRICS, "jobs_done_well": "jobs * 1.001 * done_well_rate"}
    sentence = "jobs_done_well is at most jobs"
    assert tree_with(sentence, metrics).test()[0].status is Status.FAILED
    assert tree_with(sentence, metrics, tolerance=0.01).test()[0].status is Status.PASSED


SAYS_NOTHING = [
    ("jobs_done_well is at least 0 when jobs < 0", "the condition of the sentence was never met"),
    ("same increases with jobs", "same never rises when jobs rises"),
    ("same decreases with jobs", "same never falls when jobs rises"),
    ("same - 3 is proportional to jobs", "same - 3 never moved with jobs"),
    ("before increases with jobs", "before never rises when jobs rises"),
    ("sqrt(-1 - jobs) is at least 0", "a value in the sentence was missing in"),
]


@pytest.mark.parametrize(("sentence", "told"), SAYS_NOTHING)
def test_a_sentence_that_nothing_speaks_for_fails(sentence, told):
    outcome = outcome_of(sentence)
    assert outcome.status is Status.FAILED
    (failure,) = outcome.failures
    assert failure.message.startswith(told)
    assert failure.fix


MISTAKES = [
    ("jobs_done_well grows with jobs", "TST121", "grows", "did you mean `increases with`?"),
    ("jobs_done_well incraeses with jobs", "TST121", None, "did you mean `increases with`?"),
    ("jobs_done_well is independent of jobs", "TST121", "independent", "`does not depend on`?"),
    ("jobs_done_well > 0", "TST121", ">", "did you mean `is at least`?"),
    ("quality helps", "TST121", None, "A increases with B"),
    ("increases with jobs", "TST121", "i", "A increases with B"),
    ("jobs_done_well increases with", "TST121", "h", "A increases with B"),
    ("jobs is between 0", "TST121", "0", "`A is between LOW and HIGH`"),
    ("jobs is never missing at all", "TST121", "at all", "A is never missing when CONDITION"),
    ("jobs is never missing if jobs > 0", "TST121", "if", "write `when` for `if`"),
    ("jobs is at least 0 when", "TST121", "n", "each may end in `when CONDITION`"),
    ("jobs is at least 0 and is at most 5", "TST121", "is at most", "write a test for each"),
    (
        "jobs is at least 0 and at most customers",
        "TST121",
        "at most",
        "write `jobs is between 0 and customers`, or write a test for each",
    ),
    (
        "jobs is at most 5 and at least 0 when owed > 0",
        "TST121",
        "at least",
        "write `jobs is between 0 and 5`, or",
    ),
    ("jobs is never negative", "TST121", "is never negative", "write `is at least 0`"),
    ("jobs is not negative", "TST121", "is not negative", "write `is at least 0`"),
    ("jobs is larger than 0", "TST121", "larger", "did you mean `is at least`?"),
    ("jobs is not above 5", "TST121", "not above", "did you mean `is at most`?"),
    ("jobs never falls below 0", "TST121", "never falls below", "did you mean `is at least`?"),
    ("jobs_done_well increases with 2 * jobs", "TST121", "2 * jobs", "name a metric"),
    ("jobs_done_wel increases with jobs", "GRA101", "jobs_done_wel", "jobs_done_well?"),
    ("jobs_done_well increases with job", "GRA101", "job", "did you mean jobs?"),
    ("jobs is at least 0 when jobz > 0", "GRA101", "jobz", "did you mean jobs?"),
    ("jobs is at most 1,000", "FML103", "1,000", "write 1000"),
    ("jobs is at least 0 when jobs = 3", "FML104", "=", "write =="),
    ("jobs is at least 0 when jobs", "FML110", "jobs", "compare it"),
    ("jobs_done_well increases with paid", "TST122", "paid", "jobs, done_well_rate"),
    (
        "jobs increases with jobs_done_well",
        "TST122",
        "jobs_done_well",
        "did you mean `jobs_done_well increases with jobs`?",
    ),
    ("jobs increases with jobs", "TST122", "jobs", "name a metric below it"),
]


@pytest.mark.parametrize(("sentence", "code", "at", "advice"), MISTAKES)
def test_a_mistake_in_a_sentence_is_told_with_its_place(sentence, code, at, advice):
    tree = tree_with("jobs is at least 0").to_yaml().partition("tests:")[0]
    loaded = MetricTree.from_yaml(f"{tree}tests:\n  - name: a claim\n    property: {sentence}\n")
    collected = collect(loaded.resolved)
    assert not collected.cases
    (found,) = collected.problems
    assert found.code == code
    assert advice in (found.fix or "")
    assert found.span is not None
    line = f"    property: {sentence}"
    assert found.span.text == line
    marked = line[found.span.column - 1 : found.span.end_column - 1]
    assert marked == (at if at is not None else sentence)
    assert found.path == "tests[0].property"


def test_a_driver_that_is_given_cannot_move():
    collected = collect(tree_with("jobs_done_well increases with jobs", given={"jobs": 3}).resolved)
    (found,) = collected.problems
    assert found.code == "TST122"
    assert "`given` holds it" in found.message


@pytest.mark.parametrize("sentence", [*HOLD, *(sentence for sentence, _ in FAIL)])
def test_a_sentence_that_is_printed_says_the_same(sentence):
    tree = tree_with(sentence).resolved
    first, _ = read_sentence(sentence, tree)
    again, faults = read_sentence(str(first), tree)
    assert first is not None
    assert not faults
    assert again == first


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text):
    tree = tree_with("jobs is at least 0").resolved
    sentence, faults = read_sentence(text, tree)
    assert (sentence is None) == bool(faults)
    assert all(0 <= fault.start < fault.end for fault in faults)


_WORDS = [
    "jobs", "fee", "paid", "and", "when", "if", "else", "is", "at", "least", "most", "between", ",",
    "increases", "with", "add", "up", "to", "adds", "is never missing", "(", ")", "0", "+",
    ">", "=",
]  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.sampled_from(_WORDS), max_size=12).map(" ".join))
def test_no_row_of_words_breaks_the_reader(text):
    tree = tree_with("jobs is at least 0").resolved
    sentence, faults = read_sentence(text, tree)
    assert (sentence is None) == bool(faults)
    assert all(0 <= fault.start < fault.end <= len(text) + 1 for fault in faults)
    if sentence is not None:
        assert read_sentence(str(sentence), tree)[0] == sentence


# --- what a search has looked at


def _case(tree: MetricTree) -> Case:
    (case,) = collect(tree.resolved).cases
    return case


@pytest.mark.parametrize("sentence", HOLD)
def test_a_search_that_finds_nothing_can_be_played_back(sentence):
    tree = tree_with(sentence)
    outcome, examples = search(tree.resolved, _case(tree))
    assert outcome.status is Status.PASSED
    assert len(examples) > 0
    assert replay(tree.resolved, _case(tree), examples)
    again = search(tree.resolved, _case(tree))[1]
    assert again.tried == examples.tried, "the same each time"


REPLACED = [
    ("jobs_done_well increases with done_well_rate", "jobs_done_well", "jobs / done_well_rate"),
    ("jobs_done_well increases with done_well_rate", "jobs_done_well", "jobs * 2"),
    ("jobs_done_well increases with done_well_rate", "jobs_done_well", "jobs - done_well_rate"),
    ("jobs_done_well is at most jobs", "jobs_done_well", "jobs * (1 + done_well_rate)"),
    ("jobs_done_well is at most jobs", "jobs_done_well", "paid * done_well_rate"),
    ("default is never missing", "default", "jobs_per_customer"),
    ("paid and owed add up to both", "both", "paid - owed"),
    ("trend increases with jobs", "trend", "lag(jobs) - jobs"),
]


@pytest.mark.parametrize(("sentence", "metric", "formula"), REPLACED)
def test_what_was_looked_at_shows_that_a_changed_formula_is_wrong(sentence, metric, formula):
    tree = tree_with(sentence)
    _, examples = search(tree.resolved, _case(tree))
    body = METRICS[metric]
    changed = tree_with(sentence, {**METRICS, metric: {**body, "formula": formula}})
    assert not replay(changed.resolved, _case(tree), examples)


ALSO_RIGHT = [
    ("trend increases with jobs", "trend", "growth(jobs, 3)"),
    ("trend increases with jobs", "trend", "jobs"),
    ("trend increases with jobs", "trend", "jobs + customers"),
    ("jobs_done_well increases with jobs", "jobs_done_well", "growth(jobs) * done_well_rate"),
    ("month is at least jobs", "month", "rolling_sum(jobs, 9)"),
    ("jobs_done_well is at most jobs", "jobs_done_well", "jobs * done_well_rate ** 2"),
]


@pytest.mark.parametrize(("sentence", "metric", "formula"), ALSO_RIGHT)
def test_what_was_looked_at_does_not_speak_against_a_formula_that_is_right_too(
    sentence, metric, formula
):
    tree = tree_with(sentence)
    _, examples = search(tree.resolved, _case(tree))
    changed = tree_with(sentence, {**METRICS, metric: {**METRICS[metric], "formula": formula}})
    assert changed.test()[0].status is Status.PASSED
    assert replay(changed.resolved, _case(tree), examples)


def test_inside_of_a_test_of_hypothesis_a_search_is_refused_or_runs():
    tree = tree_with("jobs_done_well increases with jobs")
    found = []

    @settings(max_examples=1, deadline=None)
    @given(st.none())
    def check(_: None) -> None:
        found.append(tree.test()[0])

    check()
    outcome = found[-1]
    if outcome.status is not Status.PASSED:  # versions of Hypothesis differ
        assert outcome.status is Status.BROKEN
        assert "Hypothesis" in outcome.problems[0].message


def test_a_mistake_in_an_included_test_is_told_where_it_is_written(tmp_path):
    (tmp_path / "tree.yml").write_text(
        "north_star: total\ninclude: {shop: shop.yml}\nmetrics: {total: shop.orders * 2}\n"
    )
    (tmp_path / "shop.yml").write_text(
        "metrics: {orders: visits * rate, visits: , rate: }\ntests:\n"
        "  - {name: more visits, property: orders increases with vists when visits > 0}\n"
        "  - {name: fewer, property: orders decreases with rate when rates > 0 }\n"
    )
    tree = MetricTree.load(tmp_path / "tree.yml")
    first, second = collect(tree.resolved).problems
    assert first.fix == "did you mean shop.visits?"
    for found, word in ((first, "vists"), (second, "rates")):
        assert found.span is not None
        assert found.span.text[found.span.column - 1 : found.span.end_column - 1] == word


LESS = {"range": [None, 0]}
PART = {"range": [0, 1]}
THOUSAND = {"range": [0, 1000]}
TEN = {"range": [-10, 10]}


@pytest.mark.parametrize(
    ("formula", "inputs", "sentence"),
    [
        ("a * b", {"a": TEN, "b": TEN}, "m is between -99.9 and 100"),
        (
            "a * (1 - b) * c * (1 - d)",
            {"a": PART, "b": PART, "c": PART, "d": PART},
            "m is at most 0.9",
        ),
        ("a - b", {"a": None, "b": None}, "m is at least 0 when a > b - 1"),
        ("1 - 2 * a", {"a": PART}, "m is at least 0 when a < 0.51"),
        ("clip(a, 10, 20)", {"a": THOUSAND}, "m does not depend on a when a > 19.5"),
        ("max(a, b)", {"a": None, "b": None}, "m does not depend on b when a > b - 1"),
        (
            "a if a * b > 90000 else a + 10",
            {"a": THOUSAND, "b": THOUSAND},
            "m increases with a",
        ),
        ("-a if a * a > 7 else -10 - a", {"a": None}, "m decreases with a"),
        ("10 / (2 * a - 7)", {"a": TEN}, "m is never missing"),
        ("10 / (3 * a - 1)", {"a": PART}, "m is never missing"),
        ("round(2 * a, 2)", {"a": PART}, "m is proportional to a"),
    ],
)
def test_corners_edges_jumps_and_zeros_that_no_formula_names_are_found(formula, inputs, sentence):
    tree = MetricTree(
        north_star="m",
        metrics={"m": formula, **inputs},
        tests=[{"name": "a claim", "property": sentence}],
    )
    assert tree.test()[0].status is Status.FAILED


@pytest.mark.parametrize("ends", [[None, 0], [-5, -1], [None, None]])
def test_what_is_negative_can_grow_in_proportion(ends):
    tree = MetricTree(
        north_star="m",
        metrics={"m": "2 * a", "a": {"range": ends}},
        tests=[{"name": "a claim", "property": "m is proportional to a"}],
    )
    assert tree.test()[0].status is Status.PASSED


def test_ordinary_values_lie_near_zero_where_a_range_has_no_end():
    tree = MetricTree(
        north_star="m",
        metrics={"m": "a", "a": LESS},
        tests=[{"name": "a claim", "property": "m is at most -100 when a < -1"}],
    )
    assert tree.test()[0].status is Status.FAILED


@pytest.mark.parametrize("sentence", ["m is proportional to a", "m does not depend on a"])
def test_an_example_is_made_simple_inside_of_the_range_of_what_moves(sentence):
    tree = MetricTree(
        north_star="m",
        metrics={"m": "a + 1", "a": {"range": [1, 3]}},
        tests=[{"name": "a claim", "property": sentence}],
    )
    assert "from 2 to 3 when a" in tree.test()[0].failures[0].message


def test_the_example_of_a_search_fails_when_it_is_pasted_although_it_holds_some_inputs():
    metrics = {"m": "a if b != a else 0", "a": {"range": [0, 1]}, "b": {"range": [0, 1]}}
    claim = {"property": "m increases with a"}
    for held in ({}, {"given": {"b": 0.25}}):
        tests = [{"name": "a claim", **claim, **held}]
        tree = MetricTree(north_star="m", metrics=metrics, tests=tests)
        assert tree.test()[0].status is Status.FAILED


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("1 is at least 0", "it names no metric"),
        ("jobs is at least jobs", "'jobs' stands on both sides"),
        ("jobs_done_well is between 0 and jobs_done_well", "'jobs_done_well' stands on both"),
        ("jobs adds up to jobs", "'jobs' stands on both sides"),
    ],
)
def test_a_sentence_that_nothing_could_break_is_a_mistake(sentence, told):
    (problem,) = collect(tree_with(sentence).resolved).problems
    assert problem.code == "TST121"
    assert problem.message.startswith(told)
    assert problem.fix
