"""Every published limit: at the limit a tree loads, one past it it is refused; work is linear."""

from __future__ import annotations

import dataclasses
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from metrictree import DefinitionError, Limits, MetricTree, parse_formula
from metrictree.limits import DEFAULT_LIMITS
from metrictree.schema import ID_LENGTH, UNIT_LENGTH
from tests.children import Child
from tests.hostile import gen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = "north_star: a\nmetrics:\n"


class Case(NamedTuple):
    """A limit, and a document that is ``n`` large by its measure."""

    limit: str
    code: str
    document: Callable[[int], str]
    small: int


def nested(levels: int) -> str:
    """Return a document that nests so many levels: six around a cell of a test, and its own."""
    cell = "[" * (levels - 6) + "]" * (levels - 6)
    return f"{HEAD}  a: 1\ntests:\n- {{name: t, given_rows: {{s: [{{a: {cell}}}]}}}}\n"


def sized(count: int) -> str:
    text = f"{HEAD}  a: 1\n#"
    return text + "x" * (count - len(text))


def listed(count: int) -> str:
    return f"{HEAD}  a: {{value: 1, tags: [{', '.join(f'x{i}' for i in range(count))}]}}\n"


def counted(count: int) -> str:
    """Return a document with so many keys and values: eleven of them are not tags."""
    tags = count - 11
    return f"{HEAD}  a: {{value: 1, tags: [{', '.join(f'x{i}' for i in range(tags))}]}}\n"


def metrics(count: int) -> str:
    return HEAD + "  a: 1\n" + "".join(f"  m{i}: 1\n" for i in range(count - 1))


def long_formula(length: int) -> str:
    return f"{HEAD}  a: {'1' + '+1' * ((length - 1) // 2)}{'.' * (1 - length % 2)}\n"


def many_nodes(count: int) -> str:
    """Return formulas of so many nodes, an odd number."""
    return f"{HEAD}  a: 1{'+1' * ((count - 1) // 2)}\n"


CASES = [
    Case("bytes", "DOC112", sized, 100),
    Case("values", "DOC111", counted, 20),
    Case("metrics", "SCH115", metrics, 10),
    Case("entries", "DOC113", listed, 10),
    Case("depth", "DOC110", nested, 8),
    Case("formula_length", "FML112", long_formula, 11),
    Case("formula_depth", "FML112", lambda n: f"{HEAD}  a: {'(' * n}1{')' * n}\n", 5),
    Case("formula_nodes", "FML118", many_nodes, 11),
]
BY_NAME = {case.limit: case for case in CASES}


def codes_of(text: str, limits: Limits) -> set[str]:
    """Return the codes of the problems of a text."""
    try:
        MetricTree.from_yaml(text, limits=limits)
    except DefinitionError as error:
        return {found.code for found in error.diagnostics}
    return set()


def test_every_limit_is_tested() -> None:
    names = {field.name for field in dataclasses.fields(Limits)}
    of_files = {"files", "include_depth"}
    of_runs = {"rows"}  # see the tests of measures
    assert names == BY_NAME.keys() | of_files | of_runs


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.limit)
def test_a_small_limit_holds_to_the_last_one(case: Case) -> None:
    limits = Limits(**{case.limit: case.small})
    past = case.small + (2 if case.limit == "formula_nodes" else 1)
    assert codes_of(case.document(case.small), limits) == set()
    assert codes_of(case.document(past), limits) == {case.code}


@pytest.mark.parametrize("name", ["depth", "formula_length", "formula_depth"])
def test_a_default_limit_holds_to_the_last_one(name: str) -> None:
    case = BY_NAME[name]
    most = getattr(DEFAULT_LIMITS, name)
    assert codes_of(case.document(most), DEFAULT_LIMITS) == set()
    assert codes_of(case.document(most + 1), DEFAULT_LIMITS) == {case.code}


@pytest.mark.parametrize("name", ["bytes", "values", "entries", "metrics", "formula_nodes"])
def test_one_past_a_large_default_limit_is_refused_and_not_read_on(
    name: str, tmp_path: Path
) -> None:
    case = BY_NAME[name]
    most = getattr(DEFAULT_LIMITS, name)
    text = case.document(most + 2)
    if name in ("values", "formula_nodes"):  # in several lists and formulas, as other limits ask
        pieces = 20
        part = case.document(most // pieces).removeprefix(HEAD).strip().removeprefix("a: ")
        text = HEAD + f"  a: &a {part}\n" + "".join(f"  m{i}: *a\n" for i in range(pieces))
    if name == "formula_nodes":
        text = HEAD + "".join(f"  m{i}: &f{i} {'1+' * 40_000}1\n" for i in range(13))
    (tmp_path / "tree.yml").write_text(text, encoding="ascii")
    child = Child(tmp_path)
    try:
        answer = child.ask({"file": "tree.yml"}, 60)
    finally:
        child.stop()
    assert answer.complaints == []
    code = "DOC113" if name == "metrics" else case.code  # one mapping holds them all
    assert answer.outcome["codes"] == [code]


def test_a_tree_at_the_default_number_of_metrics_is_computed(tmp_path: Path) -> None:
    (tmp_path / "tree.yml").write_text(metrics(DEFAULT_LIMITS.metrics), encoding="ascii")
    child = Child(tmp_path)
    try:
        answer = child.ask({"file": "tree.yml"}, 60)
    finally:
        child.stop()
    # Every metric of a tree takes two to three kilobytes, whatever it was read from.
    assert [text for text in answer.complaints if "MB in use" not in text] == []
    assert answer.outcome["kind"] == "accept"


# --- files


def chain(folder: Path, count: int) -> Path:
    gen.include_chain(folder, count)
    return folder / "inc_0.yaml"


def star(folder: Path, count: int) -> Path:
    """Write a file that includes all of the others."""
    names = [f"m{i}.yml" for i in range(1, count)]
    for name in names:
        (folder / name).write_text(f"metrics: {{{name[:-4]}: 1}}\n", encoding="ascii")
    first = folder / "tree.yml"
    first.write_text(f"include: [{', '.join(names)}]\n{HEAD}  a: 1\n", encoding="ascii")
    return first


def codes_of_file(path: Path, limits: Limits = DEFAULT_LIMITS) -> set[str]:
    try:
        MetricTree.load(path, limits=limits)
    except DefinitionError as error:
        return {found.code for found in error.diagnostics}
    return set()


def test_files_may_include_each_other_as_deep_as_the_limit(tmp_path: Path) -> None:
    most = DEFAULT_LIMITS.include_depth
    assert codes_of_file(chain(tmp_path / "at", most)) == set()
    assert codes_of_file(chain(tmp_path / "past", most + 1)) == {"INC105"}
    assert codes_of_file(chain(tmp_path / "at", most), Limits(include_depth=most - 1)) == {"INC105"}


def test_a_tree_may_have_as_many_files_as_the_limit(tmp_path: Path) -> None:
    first = star(tmp_path, 12)
    assert codes_of_file(first, Limits(files=12)) == set()
    assert codes_of_file(first, Limits(files=11)) == {"INC105"}


def test_the_default_number_of_files_is_reached(tmp_path: Path) -> None:
    most = DEFAULT_LIMITS.files
    assert codes_of_file(star(tmp_path, most)) == set()
    assert codes_of_file(star(tmp_path, most + 1)) == {"INC105"}


def test_all_files_of_a_tree_count_against_its_bytes(tmp_path: Path) -> None:
    first = star(tmp_path, 5)
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert codes_of_file(first, Limits(bytes=size)) == set()
    assert codes_of_file(first, Limits(bytes=size - 1)) == {"DOC112"}


def test_all_files_of_a_tree_count_against_its_values(tmp_path: Path) -> None:
    first = star(tmp_path, 5)
    # Thirteen in the first file, five in each of the others.
    assert codes_of_file(first, Limits(values=33)) == set()
    assert codes_of_file(first, Limits(values=32)) == {"DOC111"}


# --- limits of one value, which the JSON Schema tells too


def test_an_id_has_at_most_64_characters() -> None:
    assert (
        codes_of(f"north_star: a\nmetrics: {{a: 1, {'b' * ID_LENGTH}: 1}}\n", DEFAULT_LIMITS)
        == set()
    )
    text = f"north_star: a\nmetrics: {{a: 1, {'b' * (ID_LENGTH + 1)}: 1}}\n"
    assert codes_of(text, DEFAULT_LIMITS) == {"SCH106"}


def test_a_unit_has_at_most_200_characters() -> None:
    assert (
        codes_of(f"{HEAD}  a: {{value: 1, unit: {'u' * UNIT_LENGTH}}}\n", DEFAULT_LIMITS) == set()
    )
    text = f"{HEAD}  a: {{value: 1, unit: {'u' * (UNIT_LENGTH + 1)}}}\n"
    assert codes_of(text, DEFAULT_LIMITS) == {"SCH110"}


# --- the same for data from Python


@pytest.mark.parametrize(
    ("limit", "code", "given"),
    [
        ("depth", "DOC110", [[[[[]]]]]),
        ("entries", "DOC113", list(range(9))),
        ("values", "DOC111", [[1] * 8] * 8),
    ],
)
def test_data_from_python_has_the_limits_of_documents(limit: str, code: str, given: Any) -> None:
    document: dict[str, Any] = {
        "north_star": "a",
        "metrics": {"a": 1},
        "tests": [{"name": "t", "given_rows": {"s": [{"a": given}]}}],
    }
    least = {"depth": 11, "entries": 9, "values": 82}[limit]
    MetricTree(**document, limits=Limits(**{limit: least}))
    with pytest.raises(DefinitionError) as caught:
        MetricTree(**document, limits=Limits(**{limit: least - 1}))
    assert {found.code for found in caught.value.diagnostics} == {code}


def test_the_deepest_data_is_written_and_read_again() -> None:
    tree = MetricTree.from_yaml(nested(DEFAULT_LIMITS.depth))
    assert MetricTree.from_yaml(tree.to_yaml()) == tree


# --- linear


def lines_run(work: Callable[[], object]) -> int:
    """Return how many lines of the package run in ``work``."""
    count = 0

    def count_lines(_: Any, event: str, __: Any) -> Any:
        nonlocal count
        count += event == "line"
        return count_lines

    def trace(frame: Any, _: str, __: Any) -> Any:
        return count_lines if "metrictree" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def refused(text: str) -> None:
    with pytest.raises(DefinitionError):
        MetricTree.from_yaml(text)


def computed(text: str) -> None:
    MetricTree.from_yaml(text).compute({})


def parsed(text: str) -> None:
    parse_formula(text)


def chained(count: int) -> str:
    return gen.chain(count).decode()


def star_of_influences(count: int) -> str:
    return (
        metrics(count)
        + "influences:\n"
        + "".join(f"- {{from: m{i}, to: a}}\n" for i in range(count - 1))
    )


LINEAR: dict[str, Callable[[int], None]] = {
    "a chain": lambda n: computed(chained(n)),
    "a layered tree": lambda n: computed(gen.layered(n // 50).decode()),
    "diamonds": lambda n: computed(gen.diamond(n).decode()),
    "one wide formula": lambda n: computed(gen.wide_flat(n).decode()),
    "metrics that lead nowhere": lambda n: computed(metrics(n)),
    "influences on one metric": lambda n: computed(star_of_influences(n)),
    "a cycle": lambda n: refused(gen.cycle(n).decode()),
    "wrong names": lambda n: refused(gen.unknown_names(n).decode()),
    "wrong fields": lambda n: refused(gen.unknown_fields(n).decode()),
    "wrong formulas": lambda n: refused(HEAD + "".join(f"  m{i}: 1 +\n" for i in range(n))),
    "keys that stand twice": lambda n: refused(gen.many_fields_dup(n).decode()),
    "lists that hold each other": lambda n: refused(gen.alias_bomb(min(n, 900) // 30).decode()),
    "brackets": lambda n: refused(f"{HEAD}  a: {'(' * n}\n"),
    "a long formula": lambda n: parsed("+".join(["x * 2"] * n)),
    "wrong names in one formula": lambda n: refused(
        HEAD + "  a: " + "+".join(f"b{i}" for i in range(n))
    ),
    "names joined by hyphens": lambda n: refused(
        HEAD + "  a: " + "-".join(f"b{i}" for i in range(n))
    ),
    "a mistake behind blanks": lambda n: refused(f"{HEAD}  a: '1{' ' * n}$'\n"),
    "mistakes behind a long text": lambda n: refused(
        f"{HEAD}  a: '{'1 + ' * n}{'+'.join(f'b{i}' for i in range(50))}'\n"
    ),
}


@pytest.mark.parametrize("name", LINEAR)
def test_work_grows_with_the_input_and_not_faster(name: str) -> None:
    work = LINEAR[name]
    work(50)  # what runs once only, runs here
    one, two = (lines_run(partial(work, size)) for size in (400, 800))
    assert two < 2.4 * one
