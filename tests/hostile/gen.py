"""The hostile cases: loads the stored ones, makes the big ones, and lays them out in a folder."""
from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

# --------------------------------------------------------------------- formulas


def _junk(n: int) -> str:
    r = random.Random(20240229)
    alphabet = "abcxyz019 ()+-*/.,_'\"[]{}<>=!&|^%~@#$;:?\\"
    return "".join(r.choice(alphabet) for _ in range(n))


def _latin(n: int) -> str:
    return ("".join(map(chr, range(256))) * (n // 256 + 1))[:n]


FORMULA_KINDS: dict[str, Callable[[int], str]] = {
    "parens": lambda n: "(" * n + "1" + ")" * n,
    "openparens": lambda n: "(" * n,
    "uminus": lambda n: "-" * n + "1",
    "altneg": lambda n: "-(" * n + "1" + ")" * n,
    "not": lambda n: "not " * n + "1",
    "sum": lambda n: "+".join(["1"] * n),
    "powers": lambda n: "**".join(["1"] * n),
    "calls": lambda n: "abs(" * n + "1" + ")" * n,
    "args": lambda n: "max(" + ",".join(["x"] * n) + ")",
    "ternary": lambda n: "1 if 1 < 2 else " * n + "1",
    "cmp": lambda n: "<".join(["1"] * n),
    "bool": lambda n: " and ".join(["1"] * n),
    "attrs": lambda n: "x" + ".a" * n,
    "subs": lambda n: "x" + "[0]" * n,
    "brackets": lambda n: "[" * n + "]" * n,
    "lambdas": lambda n: "lambda: " * n + "1",
    "name": lambda n: "a" * n,
    "string": lambda n: "'" + "a" * n + "'",
    "digits": lambda n: "9" * n,
    "hexdigits": lambda n: "0x" + "f" * n,
    "floatdigits": lambda n: "1." + "1" * n,
    "underscores": lambda n: "1" + "_1" * n,
    "spaces": lambda n: " " * (n // 2) + "x" + " " * (n - n // 2),
    "newlines": lambda n: "\n" * n,
    "junk": _junk,
    "latin": _latin,
    "fstrings": lambda n: "f'{" * n + "1" + "}'" * n,
}


def formula_big(spec: str) -> str:
    kind, _, n = spec.partition(":")
    return FORMULA_KINDS[kind](int(n))


def _decode_inputs(v: Any) -> Any:
    """{"$float": "nan"} -> float('nan'), so that the file stays strict JSON."""
    if isinstance(v, dict):
        if set(v) == {"$float"}:
            return float(v["$float"])
        return {k: _decode_inputs(w) for k, w in v.items()}
    if isinstance(v, list):
        return [_decode_inputs(w) for w in v]
    return v


def load_formulas(expand: bool = True) -> Iterator[dict[str, Any]]:
    with open(HERE / "formulas.jsonl", encoding="ascii") as f:
        for line in f:
            r = json.loads(line)
            if expand and "gen" in r:
                r["formula"] = formula_big(r["gen"])
            r["inputs"] = _decode_inputs(r["inputs"])
            yield r


def load_yaml_index() -> list[dict[str, Any]]:
    with open(HERE / "yaml" / "index.jsonl", encoding="ascii") as f:
        return [json.loads(line) for line in f]


# --------------------------------------------------------------------- big YAML
# Each maker returns bytes. Shape: north_star + metrics{id: {formula | value}}.


def _doc(north: str, items: Iterator[tuple[str, str]], head: str = "") -> bytes:
    out = [head, f"north_star: {north}\nmetrics:\n"]
    out.extend(f"  {k}: {{{v}}}\n" for k, v in items)
    return "".join(out).encode()


def chain(n: int) -> bytes:
    """m0 <- m1 <- ... : depth n. Value of the north star is n."""
    def it() -> Iterator[tuple[str, str]]:
        for i in range(n, 0, -1):
            yield f"m{i}", f"formula: m{i - 1} + 1"
        yield "m0", "value: 0"
    return _doc(f"m{n}", it())


def chain_forward(n: int) -> bytes:
    """Same chain, leaves first: order in the file must not matter."""
    def it() -> Iterator[tuple[str, str]]:
        yield "m0", "value: 0"
        for i in range(1, n + 1):
            yield f"m{i}", f"formula: m{i - 1} + 1"
    return _doc(f"m{n}", it())


def wide(n: int) -> bytes:
    """n leaves, summed in groups of 100 over as many levels as needed. Value n."""
    def it() -> Iterator[tuple[str, str]]:
        level = [f"w{i}" for i in range(n)]
        for k in level:
            yield k, "value: 1"
        d = 0
        while len(level) > 1:
            d += 1
            groups = [level[i:i + 100] for i in range(0, len(level), 100)]
            nxt = []
            for g, members in enumerate(groups):
                name = "total" if len(groups) == 1 else f"g{d}_{g}"
                yield name, "formula: " + " + ".join(members)
                nxt.append(name)
            level = nxt
    return _doc("total" if n > 1 else "w0", it())


def wide_flat(n: int) -> bytes:
    """One formula with n terms over n leaves: compute or reject, never overflow."""
    def it() -> Iterator[tuple[str, str]]:
        yield "total", "formula: " + " + ".join(f"w{i}" for i in range(n))
        for i in range(n):
            yield f"w{i}", "value: 1"
    return _doc("total", it())


def diamond(n: int) -> bytes:
    """n diamonds in a row: 3n+1 metrics but 2**n paths. Any path enumeration hangs.
    d_i = a_i + b_i, a_i = d_(i-1) / 2, b_i = d_(i-1) / 2: value 1."""
    def it() -> Iterator[tuple[str, str]]:
        for i in range(n, 0, -1):
            yield f"d{i}", f"formula: a{i} + b{i}"
            yield f"a{i}", f"formula: d{i - 1} / 2"
            yield f"b{i}", f"formula: d{i - 1} / 2"
        yield "d0", "value: 1"
    return _doc(f"d{n}", it())


def layered(n: int) -> bytes:
    """n layers of 20 metrics, each the mean of all 20 below: 20**n paths, 400n edges. Value 1."""
    w = 20
    def it() -> Iterator[tuple[str, str]]:
        yield "top", "formula: (" + " + ".join(f"l{n}_{j}" for j in range(w)) + f") / {w}"
        for i in range(n, 0, -1):
            below = " + ".join(f"l{i - 1}_{j}" for j in range(w))
            for j in range(w):
                yield f"l{i}_{j}", f"formula: ({below}) / {w}"
        for j in range(w):
            yield f"l0_{j}", "value: 1"
    return _doc("top", it())


def repeated_use(n: int) -> bytes:
    """One metric used n times inside one formula: one edge, not n."""
    def it() -> Iterator[tuple[str, str]]:
        yield "top", "formula: " + " + ".join(["leaf"] * n)
        yield "leaf", "value: 1"
    return _doc("top", it())


def cycle(n: int) -> bytes:
    """A cycle of n metrics: the message must be cut short, e.g. first 5 ... last 2."""
    return _doc("c0", ((f"c{i}", f"formula: c{(i + 1) % n} + 1") for i in range(n)))


def cycle_many(n: int) -> bytes:
    """Complete digraph on n metrics: simple_cycles() would list about n! cycles; report one."""
    return _doc("k0", ((f"k{i}", "formula: " + " + ".join(f"k{j}" for j in range(n) if j != i)) for i in range(n)))


def squares(n: int) -> bytes:
    """Every metric is the square of the one below, n times; exact integers would need 2**n digits.
    No single formula is suspicious: a limit per operator or per formula does not see it."""
    def it() -> Iterator[tuple[str, str]]:
        for i in range(n, 0, -1):
            yield f"s{i}", f"formula: s{i - 1} * s{i - 1}"
        yield "s0", "value: 10"
    return _doc(f"s{n}", it())


def unknown_names(n: int) -> bytes:
    """n formulas, each with a misspelt name, against n known names: difflib for each pair is n*n."""
    def it() -> Iterator[tuple[str, str]]:
        for i in range(n):
            yield f"weekly_active_buyers_region_{i:06d}", f"formula: weekly_active_buyer_region_{i:06d} * 2"
    return _doc("weekly_active_buyers_region_000000", it())


def unknown_fields(n: int) -> bytes:
    """n misspelt fields: the error list must be capped and say how many were left out."""
    body = "".join(f"    forumla{i}: x\n" for i in range(n))
    return ("north_star: revenue\nmetrics:\n  revenue:\n    value: 1\n" + body).encode()


def many_fields_dup(n: int) -> bytes:
    """n copies of the same metric id: one clear error, in linear time."""
    return _doc("revenue", (("revenue", f"value: {i}") for i in range(n)))


def deep_block(n: int) -> bytes:
    """n levels of block mappings (n*n/2 bytes)."""
    return ("north_star: revenue\nmetrics:\n" + "".join(" " * (i + 1) + "a:\n" for i in range(n)) + " " * (n + 1) + "value: 1\n").encode()


def deep_flow(n: int) -> bytes:
    """n nested flow sequences: RecursionError in the Python loader, SIGSEGV in the C loader at 100,000."""
    return ("north_star: revenue\nmetrics:\n  revenue:\n    value: 1\n    tags: " + "[" * n + "]" * n + "\n").encode()


def deep_flow_open(n: int) -> bytes:
    """The same, never closed."""
    return ("north_star: revenue\nmetrics: " + "[" * n + "\n").encode()


def deep_flow_map(n: int) -> bytes:
    return ("north_star: revenue\nmetrics: " + "{a: " * n + "1" + "}" * n + "\n").encode()


def deep_dashes(n: int) -> bytes:
    """n nested block sequences on a single line."""
    return ("north_star: revenue\nmetrics:\n  " + "- " * n + "a\n").encode()


def alias_bomb(n: int) -> bytes:
    """n levels of nine aliases each: 9**n leaves when walked, nothing when only loaded."""
    rows = ["x0: &x0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    rows += [f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 9)}]" for i in range(1, n)]
    return ("\n".join(rows) + f"\nnorth_star: revenue\nmetrics:\n  revenue:\n    value: 1\n    tags: *x{n - 1}\n").encode()


def merge_bomb(n: int) -> bytes:
    """n levels of nine-fold merge keys. PyYAML expands while LOADING: 430 bytes cost 20 s at n=9,
    each further level nine times more. safe_load does not help."""
    rows = ["x0: &x0 {value: 1}"]
    rows += [f"x{i}: &x{i} {{<<: [{', '.join([f'*x{i - 1}'] * 9)}]}}" for i in range(1, n)]
    return ("\n".join(rows) + f"\nnorth_star: revenue\nmetrics:\n  revenue: *x{n - 1}\n").encode()


def alias_string_bomb(n: int) -> bytes:
    """One n-byte description shared by 1,000 metrics: rendering multiplies it."""
    rows = [f"  m{i}: {{value: 1, description: *d}}\n" for i in range(1, 1000)]
    return ("north_star: m0\nmetrics:\n  m0: {value: 1, description: &d '" + "x" * n + "'}\n" + "".join(rows)).encode()


def many_anchors(n: int) -> bytes:
    rows = [f"  m{i}: &a{i} {{value: 1}}\n" for i in range(n)]
    return ("north_star: m0\nmetrics:\n" + "".join(rows)).encode()


def huge_formula(n: int) -> bytes:
    """One formula of about n bytes."""
    return ("north_star: revenue\nmetrics:\n  revenue:\n    formula: " + "+".join(["1"] * (n // 2)) + "\n").encode()


def huge_description(n: int) -> bytes:
    return ("north_star: revenue\nmetrics:\n  revenue:\n    value: 1\n    description: '" + "x" * n + "'\n").encode()


def huge_comment(n: int) -> bytes:
    return ("#" + "x" * n + "\nnorth_star: revenue\nmetrics:\n  revenue:\n    value: 1\n").encode()


def huge_id(n: int) -> bytes:
    """A metric id of n characters (explicit key, because simple keys end at 1,024)."""
    return (f"north_star: {'a' * n}\nmetrics:\n  ? {'a' * n}\n  : {{value: 1}}\n").encode()


def huge_name(n: int) -> bytes:
    return ("north_star: revenue\nmetrics:\n  revenue:\n    value: 1\n    name: '" + "W" * n + "'\n").encode()


def blank_lines(n: int) -> bytes:
    return ("north_star: revenue\n" + "\n" * n + "metrics:\n  revenue:\n    value: 1\n").encode()


def many_documents(n: int) -> bytes:
    return ("---\nnorth_star: revenue\nmetrics: {revenue: {value: 1}}\n" * n).encode()


def nul_file(n: int) -> bytes:
    return b"\x00" * n


def random_bytes(n: int) -> bytes:
    return random.Random(7).randbytes(n)


YAML_BIG: dict[str, dict[str, Any]] = {
    # name: maker, default n, expect, value of the north star when accepted, seconds allowed, why
    "chain": dict(f=chain, n=100_000, expect="accept", value=100_000, max_seconds=120, why="depth 100k: every recursive graph walk, evaluator, renderer and __repr__ overflows"),
    "chain_1k": dict(f=chain, n=1_000, expect="accept", value=1_000, max_seconds=10, why="just past the default recursion limit: must compute"),
    "chain_forward": dict(f=chain_forward, n=100_000, expect="accept", value=100_000, max_seconds=120, why="same with leaves first"),
    "wide": dict(f=wide, n=100_000, expect="accept", value=100_000, max_seconds=120, why="100k leaves in groups of 100"),
    "wide_flat": dict(f=wide_flat, n=100_000, expect="reject", also_ok=["accept"], value=100_000, max_seconds=60, why="one formula of 100k names"),
    "wide_flat_300": dict(f=wide_flat, n=300, expect="accept", value=300, max_seconds=5, why="honest roll-up over 300 leaves must compute"),
    "diamond": dict(f=diamond, n=1_000, expect="accept", value=1, max_seconds=20, why="2**1000 paths: memoise, never enumerate paths"),
    "diamond_big": dict(f=diamond, n=30_000, expect="accept", value=1, max_seconds=120, why="90k metrics, deep and shared"),
    "layered": dict(f=layered, n=50, expect="accept", value=1, max_seconds=20, why="20**50 paths over 20k edges"),
    "repeated_use": dict(f=repeated_use, n=300, expect="accept", value=300, max_seconds=5, why="multi-edges collapse to one"),
    "cycle": dict(f=cycle, n=100_000, expect="reject", max_seconds=60, why="found in linear time, message cut short"),
    "cycle_many": dict(f=cycle_many, n=60, expect="reject", max_seconds=10, why="simple_cycles() is factorial; find_cycle() is enough"),
    "squares": dict(f=squares, n=60, expect="value-error", also_ok=["reject"], max_seconds=5, why="10**(2**60) through harmless formulas"),
    "unknown_names": dict(f=unknown_names, n=3_000, expect="reject", max_seconds=20, why="near-miss search for 3k errors against 3k names: cap the number of errors and the search"),
    "unknown_names_big": dict(f=unknown_names, n=30_000, expect="reject", max_seconds=60, why="the same, where quadratic search would take an hour"),
    "unknown_fields": dict(f=unknown_fields, n=100_000, expect="reject", max_seconds=60, why="error flood"),
    "many_duplicates": dict(f=many_fields_dup, n=50_000, expect="reject", max_seconds=60, why="duplicate ids"),
    "deep_block": dict(f=deep_block, n=3_000, expect="reject", max_seconds=20, why="block nesting 3k (4.5 MB); 10k needs 50 MB, ask for it with --n 10000"),
    "deep_block_1k": dict(f=deep_block, n=1_000, expect="reject", max_seconds=10, why="RecursionError from the Python loader, not a YAMLError"),
    "deep_flow": dict(f=deep_flow, n=10_000, expect="reject", max_seconds=10, why="RecursionError from the Python loader, accepted by the C loader"),
    "deep_flow_segv": dict(f=deep_flow, n=100_000, expect="reject", max_seconds=10, why="kills the process in CSafeLoader (PyYAML 6.0.3, 8 MB stack)"),
    "deep_flow_open": dict(f=deep_flow_open, n=100_000, expect="reject", max_seconds=10, why="unclosed; same crash"),
    "deep_flow_map": dict(f=deep_flow_map, n=10_000, expect="reject", max_seconds=10, why="nested mappings"),
    "deep_dashes": dict(f=deep_dashes, n=10_000, expect="reject", max_seconds=10, why="nesting without indentation growth"),
    "alias_bomb": dict(f=alias_bomb, n=12, expect="reject", max_seconds=5, why="282 billion leaves in under 1 kB"),
    "merge_bomb": dict(f=merge_bomb, n=12, expect="reject", max_seconds=5, why="hours inside safe_load for 600 bytes"),
    "merge_bomb_small": dict(f=merge_bomb, n=7, expect="reject", also_ok=["accept"], value=1, max_seconds=5, why="0.3 s: the safe way to see the effect"),
    "alias_string_bomb": dict(f=alias_string_bomb, n=1_000_000, expect="reject", also_ok=["accept"], max_seconds=30, why="1 GB of HTML from 1 MB"),
    "many_anchors": dict(f=many_anchors, n=20_000, expect="accept", also_ok=["reject"], value=1, max_seconds=60, why="anchors without aliases are harmless"),
    "huge_formula": dict(f=huge_formula, n=10_000_000, expect="reject", max_seconds=30, why="10 MB formula"),
    "huge_description": dict(f=huge_description, n=10_000_000, expect="reject", also_ok=["accept"], value=1, max_seconds=60, why="10 MB text"),
    "huge_comment": dict(f=huge_comment, n=10_000_000, expect="reject", also_ok=["accept"], value=1, max_seconds=60, why="10 MB comment"),
    "huge_id": dict(f=huge_id, n=100_000, expect="reject", max_seconds=10, why="id length limit"),
    "huge_name": dict(f=huge_name, n=100_000, expect="accept", also_ok=["reject"], value=1, max_seconds=20, why="tables, SVG and terminal must cut it"),
    "blank_lines": dict(f=blank_lines, n=1_000_000, expect="accept", also_ok=["reject"], value=1, max_seconds=60, why="1 MB of newlines"),
    "many_documents": dict(f=many_documents, n=10_000, expect="reject", max_seconds=30, why="refuse at the second document, do not read on"),
    "nul_file": dict(f=nul_file, n=10_000_000, expect="reject", max_seconds=10, why="sparse or damaged file"),
    "random_bytes": dict(f=random_bytes, n=1_000_000, expect="reject", max_seconds=10, why="binary file given by mistake"),
}


def yaml_big(name: str, n: int | None = None) -> bytes:
    spec = YAML_BIG[name]
    data: bytes = spec["f"](spec["n"] if n is None else n)
    return data


def include_chain(root: Path, n: int) -> Path:
    """n files, each including the next: returns the first. Expect: reject by a depth limit."""
    root.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        nxt = f"include: [inc_{i + 1}.yaml]\n" if i + 1 < n else ""
        head = "north_star: m0\n" if i == 0 else ""
        (root / f"inc_{i}.yaml").write_text(f"{head}{nxt}metrics:\n  m{i}: {{value: 1}}\n")
    return root / "inc_0.yaml"


# --------------------------------------------------------------------- in a folder

SYMLINK_CASES = [
    # (file name, link target or None for FIFO, index line)
    ("link_to_etc.yaml", "/etc/hostname", "symlink that leaves the project"),
    ("link_loop_a.yaml", "link_loop_b.yaml", "symlink loop"),
    ("link_loop_b.yaml", "link_loop_a.yaml", "symlink loop, other half"),
    ("link_inside.yaml", "_support/base.yaml", "symlink that stays inside: fine"),
    ("pipe.yaml", None, "FIFO: open() blocks for ever"),
]


FIELDS = {"name": "label"}
"""Fields of the stored documents that the language calls something else."""


def renamed(data: bytes) -> bytes:
    """Put the language's own fields into a document; lines stay."""
    for old, new in FIELDS.items():
        at_key = rf"""((?:^|[{{,])[ \t]*["']?){old}(["']?[ \t]*:)""".encode()
        data = re.sub(at_key, rf"\1{new}\2".encode(), data, flags=re.MULTILINE)
    return data


def lay_out(dest: Path) -> list[dict[str, Any]]:
    """Write every stored document below ``dest``; return the lines of the index."""
    shutil.copytree(HERE / "yaml", dest)
    for path in dest.rglob("*.yaml"):
        data = path.read_bytes()
        path.write_bytes(renamed(data))
    rows = load_yaml_index()
    for row in rows:
        row["error_should_mention"] = [FIELDS.get(word, word) for word in row["error_should_mention"]]
    return rows


def lay_links(dest: Path) -> list[dict[str, Any]]:
    """Add links, a FIFO and a chain of includes, which no repository should hold."""
    extra: list[dict[str, Any]] = []
    for name, target, why in SYMLINK_CASES:
        path = dest / name
        if target is None:
            os.mkfifo(path)
        else:
            path.symlink_to(target)
        main = dest / f"gen_include_{name}"
        ok = name == "link_inside.yaml"
        metric = "extra" if ok else "revenue"  # _support/base.yaml defines revenue itself
        main.write_text(f"include: [{name}]\nnorth_star: revenue\nmetrics:\n  {metric}: {{value: 1}}\n")
        extra.append({"file": main.name, "expect": "accept" if ok else "reject",
                      "error_should_mention": [] if ok else [name], "line": None if ok else 1, "why": why})
        if ok:
            extra[-1].update(values={"revenue": 250})
    first = include_chain(dest / "include_chain", 1000)
    extra.append({"file": first.relative_to(dest).as_posix(), "expect": "reject", "error_should_mention": [],
                  "line": None, "max_seconds": 20, "why": "1,000 files deep"})
    return extra


def changed_files() -> list[str]:
    """Return the stored documents whose bytes an editor, a formatter or git has changed."""
    return [
        row["file"]
        for row in load_yaml_index()
        if hashlib.sha256((HERE / "yaml" / row["file"]).read_bytes()).hexdigest()[:16] != row["sha256_16"]
    ]
