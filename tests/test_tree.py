"""Trees: from YAML, from Python and back; includes; the graph; errors and their texts."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import jsonschema
import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import metrictree
from metrictree import (
    ComputeError,
    DefinitionError,
    Diagnostic,
    Limits,
    Metric,
    MetricTree,
    MetricTreeError,
    NorthStar,
    Span,
    TreeSpec,
    UsageError,
    json_schema,
)
from metrictree.graph import Graph
from metrictree.names import Suggester
from metrictree.schema import TreeDocument
from metrictree.units import parse_unit
from tests import strategies

EXAMPLES = sorted(
    path
    for path in Path("examples").rglob("*.yml")
    if path.parent.name != "inputs" and ".metrictest" not in path.name
)


JUDGE = jsonschema.Draft202012Validator(json_schema())


# --- YAML and Python are the same


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(strategies.documents())
def test_yaml_to_tree_to_yaml_to_tree_is_the_identity(document):
    tree = MetricTree(**document)
    text = tree.to_yaml()
    again = MetricTree.from_yaml(text)
    assert again == tree
    assert again.to_yaml() == text
    assert pickle.loads(pickle.dumps(tree)) == tree


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
@given(strategies.documents())
def test_sound_documents_fit_the_json_schema(document):
    plain = json.loads(json.dumps(document, default=str))
    JUDGE.validate(plain)


@pytest.mark.parametrize("path", EXAMPLES, ids=str)
def test_every_example_fits_the_json_schema_and_is_sound(path):
    tree = MetricTree.load(path)
    assert MetricTree.from_yaml(tree.to_yaml()) == tree
    JUDGE.validate(json.loads(json.dumps(tree.spec.to_data(), default=str)))


def test_the_json_schema_is_valid_and_closed():
    JUDGE.check_schema(JUDGE.schema)
    for wrong in (
        {"north_star": "a"},
        {"north_star": "a", "metrics": {"a": {"forumla": "1"}}},
        {"north_star": "a", "metrics": {"A": 1}},
        {"north_star": "a", "metrics": {"a": {"improves": "sideways"}}},
        {"north_star": "a", "metrics": {"a": []}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            JUDGE.validate(wrong)


@pytest.mark.parametrize(
    ("name", "of"), [("metrictree.schema.json", "tree"), ("metrictest.schema.json", "tests")]
)
def test_the_shipped_json_schemas_are_those_of_the_models(name, of):
    shipped = Path(metrictree.__file__).with_name(name)
    assert json.loads(shipped.read_text("utf-8")) == json_schema(of)


def test_models_of_the_schema_build_a_tree():
    tree = MetricTree(
        north_star=NorthStar(metric="orders", rationale="It predicts renewal"),
        metrics={
            "orders": Metric(formula="buyers * 2", unit="order"),
            "buyers": Metric(value=3),
            "visits": None,
            "rate": "orders / visits",
        },
    )
    assert tree.compute({"visits": 12})["rate"] == 0.5
    assert tree.north_star.rationale == "It predicts renewal"
    assert tree.metrics["buyers"].kind == "value"
    assert {metric.kind for metric in tree.metrics.values()} == {"formula", "value", "input"}
    assert repr(tree) == "MetricTree(north_star='orders', metrics=4)"


def test_a_tree_cannot_be_changed():
    tests = [{"name": "x", "given": {"a": [1]}}]
    tree = MetricTree(north_star="a", metrics={"a": {"value": 1, "links": {"x": "y"}}}, tests=tests)
    with pytest.raises(TypeError):
        tree.metrics["b"] = Metric()  # type: ignore[index]
    for change in (
        lambda: tree.spec.metrics.update(b=Metric()),
        tree.metrics["a"].ignore.clear,
        lambda: tree.metrics["a"].links.pop("x", None),
        lambda: tree.spec.tests[0].given["a"].append(1),
    ):
        with pytest.raises((TypeError, AttributeError)):
            change()
    with pytest.raises(AttributeError):
        tree.north_star = None  # type: ignore[misc,assignment]
    with pytest.raises(ValueError, match="frozen"):
        tree.metrics["a"].value = 2  # type: ignore[misc]
    assert copy.deepcopy(tree) == tree
    assert tree != 1
    data = {"a": {"tags": ["x"]}}
    tree = MetricTree(north_star="a", metrics=data)
    data["a"]["tags"].append("y")
    assert tree.metrics["a"].tags == ("x",)


def test_the_shortest_form_is_written():
    text = "north_star: a\nmetrics:\n  a: b * c\n  b: 2.5\n  c: null\n  d:\n    unit: order\n"
    assert MetricTree.from_yaml(text).to_yaml() == text


def test_the_blocks_of_a_document_are_the_keywords_of_a_tree():
    assert set(TreeDocument.__annotations__) == set(TreeSpec.model_fields)
    assert TreeDocument.__required_keys__ == {"north_star", "metrics"}


def test_the_metrics_of_a_tree_build_another_one():
    tree = MetricTree(north_star="a", metrics={"a": "b * 2", "b": np.int64(4)})
    again = MetricTree(north_star=tree.north_star, metrics={**tree.metrics, "b": Decimal("0.5")})
    assert again.compute({})["a"] == 1.0
    assert repr(again.metrics["b"]) == "Metric(value=0.5)"
    assert repr(again.graph) == "Graph(metrics=2, edges=1)"


def test_the_version_of_the_format_is_kept_where_it_was_written():
    text = "metrictree: 1\nnorth_star: a\nmetrics:\n  a: 1\n"
    assert MetricTree.from_yaml(text).to_yaml() == text
    for wrong in (True, 1.0, 2, "1"):
        with pytest.raises(DefinitionError, match="SCH104"):
            MetricTree(metrictree=wrong, north_star="a", metrics={"a": 1})  # type: ignore[arg-type]


def test_what_is_no_text_is_refused_by_name():
    with pytest.raises(UsageError, match="VAL110 a text is expected, not bytes"):
        MetricTree.from_yaml(b"north_star: a")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="VAL110 a formula is text, not NoneType"):
        metrictree.parse_formula(None)  # type: ignore[arg-type]


# --- includes


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "tree.yml"


def test_a_list_joins_files_and_a_mapping_puts_them_below_a_name(tmp_path):
    path = write(
        tmp_path,
        tree="include: {growth: teams/growth.yml}\nnorth_star: orders\n"
        "metrics:\n  orders: growth.signups * rate\n  rate: 2\n",
        teams__growth="include: [more.yml]\n"
        "metrics:\n  signups: visits * (conversion) * rate\n  visits: 10\n  conversion: share\n"
        "  jobs: {measure: {source: jobs, aggregate: count()}, role: health}\n"
        "sources: {jobs: {path: jobs.csv}}\n"
        "influences: [{from: visits, to: signups, lag: 1}, {from: rate, to: signups, lag: 2}]\n"
        "tests: [{name: x, given: {visits: 3, rate: 2}, expect: {signups: 6}}]\n",
        teams__more="metrics: {share: 0.5}\n",
    )
    tree = MetricTree.load(path)
    assert list(tree.metrics) == [
        "orders", "rate", "growth.signups", "growth.visits", "growth.conversion", "growth.jobs",
        "growth.share",
    ]  # fmt: skip
    assert tree.compute({}, ["orders"])["orders"] == 20
    assert tree.metrics["growth.signups"].formula == "growth.visits * (growth.conversion) * rate"
    measure = tree.metrics["growth.jobs"].measure
    assert measure is not None
    assert measure.source == "growth.jobs"
    assert [(i.from_, i.to) for i in tree.spec.influences] == [
        ("growth.visits", "growth.signups"),
        ("rate", "growth.signups"),
    ]
    (case,) = tree.spec.tests
    assert case.given == {"growth.visits": 3, "rate": 2}
    assert case.expect == {"growth.signups": 6}
    again = MetricTree.from_yaml(tree.to_yaml())
    assert again == tree
    assert again.compute({}, ["orders"]) == tree.compute({}, ["orders"])


def test_a_name_inside_a_namespace_hides_the_outer_one(tmp_path):
    path = write(
        tmp_path,
        tree="include: {x: x.yml}\nnorth_star: top\nmetrics: {top: x.a + b, b: 1}\n",
        x="metrics: {a: b, b: 5}\n",
    )
    assert MetricTree.load(path).compute({})["top"] == 6


def test_a_file_that_two_others_include_is_read_once(tmp_path):
    path = write(
        tmp_path,
        tree="include: [l.yml, r.yml]\nnorth_star: top\nmetrics: {top: l + r}\n",
        l="include: [s.yml]\nmetrics: {l: s}\n",
        r="include: [./s.yml]\nmetrics: {r: s}\n",
        s="metrics: {s: 2}\n",
    )
    assert MetricTree.load(path).compute({})["top"] == 4


@pytest.mark.parametrize(
    ("code", "files", "words"),
    [
        ("INC101", {"tree": "include: [nope.yml]\n"}, "there is no such file"),
        ("INC101", {"tree": "include: [sub]\n", "sub__x": ""}, "folder"),
        ("INC102", {"tree": "include: [../out.yml]\n"}, "outside"),
        ("INC102", {"tree": "include: [/etc/passwd]\n"}, "relative"),
        ("INC102", {"tree": "include: ['C:/x.yml']\n"}, "relative"),
        ("INC102", {"tree": "include: ['\\\\\\\\host\\\\x.yml']\n"}, "relative"),
        ("INC102", {"tree": "include: ['http://127.0.0.1/x.yml']\n"}, "relative"),
        ("INC102", {"tree": "include: ['~/x.yml']\n"}, "relative"),
        ("INC104", {"tree": "include: [a.yml]\n", "a": "include: [tree.yml]\n"}, "itself"),
        ("INC104", {"tree": "include: [tree.yml]\n"}, "itself"),
        ("INC104", {"tree": "include: {x: a.yml}\n", "a": "include: {y: a.yml}\n"}, "itself"),
        ("INC106", {"tree": "include: {X Y: a.yml}\n", "a": "metrics: {}\n"}, "name"),
        ("INC107", {"tree": "include: [a.yml]\n", "a": "metrics: {b: !t 1}\n"}, "of its own"),
        ("INC108", {"tree": "include: [a.yml]\n", "a": "vision: x\n"}, "first file"),
        ("INC109", {"tree": "include: [a.yml]\n", "a": "metrics: {a: 1}\n"}, "tree.yml:3:11"),
        ("SCH101", {"tree": "include: [a.yml]\n", "a": "metrcs: {}\n"}, "did you mean metrics?"),
        ("SCH103", {"tree": "include: [a.yml]\n", "a": "- 1\n"}, "mapping"),
        (
            "GRA101",
            {"tree": "include: {x: a.yml}\n", "a": "metrics: {c: vsts, visits: 1}\n"},
            "vsts",
        ),
        ("FML105", {"tree": "include: {x: a.yml}\n", "a": "metrics: {c: 1 +}\n"}, "complete"),
        ("DOC104", {"tree": "include: [a.yml]\n", "a": "a: [\n"}, "not YAML"),
    ],
)
def test_a_bad_include_is_told_with_the_file_that_holds_the_mistake(tmp_path, code, files, words):
    (tmp_path / "out.yml").write_text("metrics: {}")
    folder = tmp_path / "in"
    folder.mkdir()
    texts = {**files, "tree": files["tree"] + "north_star: a\nmetrics: {a: 1}\n"}
    path = write(folder, **texts)
    with pytest.raises(DefinitionError) as caught:
        MetricTree.load(path)
    found = {one.code: one for one in caught.value.diagnostics}
    assert code in found
    assert words in str(found[code])
    assert found[code].span is not None


def test_a_root_allows_and_forbids(tmp_path):
    write(tmp_path, shared="metrics: {b: 1}\n")
    path = write(tmp_path / "in", tree="include: [../shared.yml]\nnorth_star: a\nmetrics: {a: b}\n")
    with pytest.raises(DefinitionError, match="outside"):
        MetricTree.load(path)
    assert MetricTree.load(path, root=tmp_path).compute({})["a"] == 1
    (tmp_path / "other").mkdir()
    with pytest.raises(DefinitionError, match="outside of the root"):
        MetricTree.load(path, root=tmp_path / "other")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no FIFOs")
def test_links_out_of_the_root_and_files_that_are_none_are_refused(tmp_path):
    (tmp_path / "secret.yml").write_text("metrics: {s: 1}")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.yml").symlink_to(tmp_path / "secret.yml")
    (folder / "loop.yml").symlink_to(folder / "loop.yml")
    os.mkfifo(folder / "pipe.yml")
    for target in ("link", "loop", "pipe"):
        path = write(folder, tree=f"include: [{target}.yml]\nnorth_star: a\nmetrics: {{a: 1}}\n")
        with pytest.raises(DefinitionError, match=r"INC10[12]"):
            MetricTree.load(path)
    with pytest.raises(DefinitionError, match="no regular file"):
        MetricTree.load(folder / "pipe.yml")


def test_includes_have_limits(tmp_path):
    for depth in range(12):
        nxt = f"include: [f{depth + 1}.yml]\n" if depth < 11 else ""
        write(tmp_path, **{f"f{depth}": f"{nxt}metrics: {{m{depth}: 1}}\n"})
    path = write(tmp_path, tree="include: [f0.yml]\nnorth_star: m0\nmetrics: {a: 1}\n")
    assert len(MetricTree.load(path).metrics) == 13
    assert len(MetricTree.load(path, limits=Limits(include_depth=13, files=13)).metrics) == 13
    for limits in (Limits(include_depth=12), Limits(files=12)):
        with pytest.raises(DefinitionError, match="INC105"):
            MetricTree.load(path, limits=limits)


def test_only_files_can_include():
    with pytest.raises(DefinitionError, match="only a file can include"):
        MetricTree.from_yaml("include: [x.yml]\nnorth_star: a\nmetrics: {a: 1}\n")
    with pytest.raises(DefinitionError, match="INC102"):
        MetricTree(include=["x.yml"], north_star="a", metrics={"a": 1})


def test_a_file_that_is_not_there_is_an_error_with_its_name(tmp_path):
    with pytest.raises(DefinitionError, match=r"INC101 cannot read .*nope.yml: there is no such"):
        MetricTree.load(tmp_path / "nope.yml")
    with pytest.raises(DefinitionError, match="it is a folder"):
        MetricTree.load(tmp_path)


# --- the graph


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 8))
    nodes = [f"m{i}" for i in range(count)]
    inputs = {
        node: draw(st.lists(st.sampled_from(nodes), max_size=3, unique=True)) for node in nodes
    }
    return nodes, inputs


@given(graphs())
def test_cycles_are_found_exactly_where_networkx_finds_them(drawn):
    nodes, inputs = drawn
    graph = Graph(nodes, inputs)
    judge = nx.DiGraph([(b, a) for a, below in inputs.items() for b in below])
    judge.add_nodes_from(nodes)
    assert bool(graph.cycles) == (not nx.is_directed_acyclic_graph(judge))
    for cycle in graph.cycles:
        for above, below in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            assert below in inputs[above]
    parts = [p for p in nx.strongly_connected_components(judge) if len(p) > 1]
    loops = [n for n in nodes if judge.has_edge(n, n)]
    assert len(graph.cycles) >= max(len(parts), bool(loops))
    if not graph.cycles:
        assert sorted(graph.order) == sorted(nodes)
        rank = {node: position for position, node in enumerate(graph.order)}
        assert all(rank[below] < rank[node] for node in nodes for below in inputs[node])
        for node in nodes:
            assert graph.below([node]) == nx.ancestors(judge, node) | {node}
            assert set(graph.inputs_of(node)) == set(inputs[node])
            assert set(graph.users_of(node)) == {n for n in nodes if node in inputs[n]}


def test_a_long_cycle_is_cut_short_and_every_cycle_is_told():
    metrics = {f"c{i}": f"c{(i + 1) % 500}" for i in range(500)} | {"x": "y", "y": "x"}
    with pytest.raises(DefinitionError) as caught:
        MetricTree(north_star="c0", metrics=metrics)
    first, second = caught.value.diagnostics
    assert "c0 <- c1 <- c2 <- c3 <- c4 <- ... 493 more ... <- c498 <- c499 <- c0" in first.message
    assert "x <- y <- x" in second.message


# --- errors


def test_errors_survive_pickling_and_print_a_few_of_many():
    with pytest.raises(DefinitionError) as caught:
        MetricTree(north_star="m0", metrics={f"m{i}": "nope * 2" for i in range(30)})
    error = caught.value
    assert len(error.diagnostics) == 30
    assert str(error).count("\n") == 5
    assert "... and 25 more" in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is DefinitionError
    assert again.diagnostics == error.diagnostics
    assert str(again) == str(error)
    assert issubclass(ComputeError, MetricTreeError)


def test_a_diagnostic_is_plain_data():
    span = Span("t.yml", 1, 2, 1, 3, "x: y")
    found = Diagnostic("GRA101", "unknown", span, metric="a", fix="spell it")
    assert json.loads(json.dumps(found.to_dict())) == {
        "code": "GRA101", "severity": "error", "message": "unknown", "fix": "spell it",
        "metric": "a", "path": None, "file": "t.yml", "line": 1, "column": 2, "end_line": 1,
        "end_column": 3, "confidence": None, "evidence": [],
    }  # fmt: skip
    assert str(found) == "t.yml:1:2: GRA101 unknown: spell it"


def test_near_names_are_bounded():
    names = [f"weekly_buyers_{i:06d}" for i in range(5_000)]
    suggester = Suggester(names)
    assert len(suggester.near("weekly_buyers_00042")) == 3
    assert suggester.near("x" * 1_000_000) == []
    assert [bool(suggester.near("weekly_buyer_000001")) for _ in range(30)].count(False) >= 10


@pytest.mark.parametrize(
    ("text", "powers"),
    [
        ("order", {"order": 1}), ("USD/order", {"USD": 1, "order": -1}), ("%", {}), ("ratio", {}),
        ("job/customer/week", {"job": 1, "customer": -1, "week": -1}), ("m^2", {"meter": 2}),
        ("m*m", {"meter": 2}), ("order/order", {}), ("1/hour", {"hour": -1}), ("kWh", {"kWh": 1}),
        ("m**2 / s ** 2", {"meter": 2, "second": -2}), ("caf\u00e9", {"caf\u00e9": 1}),
    ],
)  # fmt: skip
def test_units_are_read(text, powers):
    unit = parse_unit(text)
    assert dict(unit.powers) == powers
    assert parse_unit(str(unit)) == unit


@pytest.mark.parametrize(
    "text", ["", " ", "order per user", "/order", "a//b", "a*", "5", "a  b", "a^x"]
)
def test_what_is_no_unit_is_refused(text):
    with pytest.raises(ValueError, match="character"):
        parse_unit(text)


# --- the package


def test_public_names_are_sorted_typed_and_load_on_first_use():
    assert metrictree.__all__ == sorted(metrictree.__all__)
    for name in metrictree.__all__:
        assert getattr(metrictree, name) is not None
    assert dir(metrictree) == metrictree.__all__
    with pytest.raises(AttributeError, match="nope"):
        _ = metrictree.nope
    assert Path(metrictree.__file__).with_name("py.typed").exists()


TREE = "MetricTree.from_yaml('north_star: a\\nmetrics: {a: 1}').compute({})"


@pytest.mark.parametrize(
    ("work", "heavy"),
    [
        ("import metrictree", "numpy networkx narwhals yaml click pydantic duckdb"),
        ("from metrictree import MetricTree", "numpy networkx narwhals yaml click duckdb"),
        (f"from metrictree import MetricTree; {TREE}", "numpy narwhals click duckdb"),
    ],
)
def test_what_is_heavy_loads_on_first_use(work, heavy):
    code = f"import sys; {work}; print(sorted(set({heavy!r}.split()) & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


RATE = MetricTree(
    north_star="rate", metrics={"rate": "orders / visits", "orders": None, "visits": None}
)
COLUMNS = {"orders": np.array([5.0, 6.0]), "visits": np.array([20.0, 0.0])}


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"columns": ["orders"]}, r"columns is \['orders'\], no mapping"),
        ({"time": 3}, "time is 3, no name of a column"),
        ({"by": 3}, "by is 3, no names of dimensions"),
        ({"by": [3]}, r"by is \[3\], no names of dimensions"),
        ({"time": "day", "grain": "mnth"}, "'mnth' is no grain of periods: did you mean month"),
        ({"time": "day", "grain": "all"}, "'all' is no grain of periods: the grains are day"),
        ({"time": "day", "grain": ["day"]}, "is no grain of periods"),
        ({"time": "day", "grain": np.array([1.0, 2.0])}, "is no grain of periods"),
        ({"columns": {"orders": ["o"]}}, "columns is {'orders': .'o'.}, which holds what is no"),
        ({"columns": {"orders": 3}}, "which holds what is no text: give {metric id: column name}"),
        ({"columns": {"orders": None}}, "which holds what is no text"),
        ({"columns": {None: "orders"}}, "which holds what is no text"),
        ({"by": "country"}, "by, grain and fill need a column of periods: name it with time="),
        ({"fill": True}, "by, grain and fill need a column of periods"),
        ({"grain": "day"}, "by, grain and fill need a column of periods"),
    ],
)
def test_an_option_of_frames_without_a_meaning_is_refused(options, what):
    with pytest.raises(UsageError, match=f"VAL110 .*{what}"):
        RATE.compute(COLUMNS, **options)


@pytest.mark.parametrize("options", [{"columns": {"orders": "n"}}, {"time": "day"}])
def test_options_of_frames_are_refused_for_single_numbers(options):
    name = next(iter(options))
    with pytest.raises(UsageError, match=f"{name} cannot be used with single numbers"):
        RATE.compute({"orders": 1, "visits": 2}, **options)
    with pytest.raises(UsageError, match=f"{name} and diagnose cannot be used with single"):
        RATE.compute({"orders": 1, "visits": 2}, diagnose=True, **options)
