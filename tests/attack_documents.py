"""Attacks that are documents, made here because each is short, long, or not a text at all."""

from __future__ import annotations

from typing import NamedTuple

HEAD = "north_star: a\nmetrics:\n"
TREE = HEAD + "  a: 1\n"


class Attack(NamedTuple):
    """Files of which the first is loaded, and the code of a problem; ``None`` for none."""

    files: dict[str, bytes]
    code: str | None


def one(text: str | bytes, code: str | None) -> Attack:
    """Return an attack with one file."""
    return Attack({"tree.yml": text if isinstance(text, bytes) else text.encode()}, code)


def by_test(data: str, code: str | None, before: str = "") -> Attack:
    """Return an attack by the free data of a test."""
    return one(f"{before}{TREE}tests:\n- {{name: t, given: {{a: {data}}}}}\n", code)


def including(include: str, code: str | None, **files: str) -> Attack:
    """Return an attack by an include; two underscores in a name stand for a slash."""
    return Attack(
        {"tree.yml": f"include: {include}\n{TREE}".encode()}
        | {name.replace("__", "/") + ".yml": text.encode() for name, text in files.items()},
        code,
    )


def aliases(levels: int, width: int = 9) -> str:
    """Return anchors of which each stands for ``width`` times the one before."""
    rows = ["x: &x0 [y]"]
    rows += [f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * width)}]" for i in range(1, levels)]
    return "\n".join(rows) + "\n"


def merges(levels: int, width: int = 9) -> str:
    """Return mappings of which each merges ``width`` times the one before."""
    rows = ["x0: &x0 {k: v}"]
    rows += [f"x{i}: &x{i} {{<<: [{', '.join([f'*x{i - 1}'] * width)}]}}" for i in range(1, levels)]
    return "\n".join(rows) + "\n"


IN = "metrics:\n  b: 2\n"
MEGA = 1_000_000

DOCUMENTS: dict[str, Attack] = {
    # aliases, merges and anchors
    "aliases explode in the data of a test": by_test("*x9", "DOC111", aliases(10)),
    "aliases explode in options of rules": one(
        aliases(10) + TREE + "lint: {options: {NS101: {a: *x9}}}\n", "DOC111"
    ),
    "merges explode in the data of a test": by_test("*x9", "DOC111", merges(10)),
    "an alias makes data deep": by_test("[" * 50 + "*x60" + "]" * 50, "SCH103", aliases(61, 1)),
    "aliases make data very deep": by_test("*x99999", "DOC111", aliases(100_000, 1)),
    "an anchor stands on a key": one("north_star: a\nmetrics:\n  &k a: b\n  b: *k\n", "GRA102"),
    "an alias is a key": one("north_star: &k a\nmetrics:\n  *k : 1\n", None),
    "an alias of a list is a key": one("x: &k [a]\n" + HEAD + "  *k : 1\n", "DOC108"),
    "an anchor is used before it stands": one(HEAD + "  a: *b\n  b: &b 1\n", "DOC109"),
    "an anchor is given twice": one(HEAD + "  a: &b 1\n  c: &b 2\n  d: *b\n", None),
    "a list contains itself": by_test("&l [*l]", "DOC109"),
    "a mapping merges itself": one(HEAD + "  a: &l {<<: *l, value: 1}\n", "DOC109"),
    "a merge of a list in a list": one(
        "x: &x [{value: 1}]\n" + HEAD + "  a: {<<: [*x]}\n", "DOC109"
    ),
    "a merge of nothing": one(HEAD + "  a: {<<: }\n", "DOC109"),
    "a merge of metrics": one(HEAD + "  <<: {a: 1}\n", None),
    "two merges": one(HEAD + "  a: {<<: {value: 1}, <<: {unit: order}}\n", None),
    "a merge brings a second value": one(HEAD + "  a: {<<: {value: 1}, formula: 1}\n", "SCH107"),
    "a wrong id and two values": one(TREE + "  B: {value: 1, formula: 2}\n", "SCH107"),
    "a quoted merge is a field": one(HEAD + '  a: {"<<": {value: 1}}\n', "SCH101"),
    "a merge at the top": one("<<: {north_star: a}\nmetrics: {a: 1}\n", None),
    "a merged key stands again": one(
        HEAD + "  a: {<<: {value: 1}, value: 2, value: 3}\n", "DOC105"
    ),
    # numbers in every field that takes one
    **{
        f"{field} is {number}": one(HEAD + f"  a: {{{text.format(number)}}}\n", code)
        for number, code in (
            ("1" + "0" * 399, "SCH105"),
            ("1e999", "SCH109"),
            (".inf", "SCH105"),
            (".nan", "SCH105"),
            ("9007199254740993", "SCH105"),
            ("1_0", "SCH109"),
            ("0x10", "SCH109"),
            ("1:30", "SCH109"),
            ("010", "SCH109"),
            ("true", "SCH103"),
            ("'1'", "SCH103"),
        )
        for field, text in (
            ("value", "value: {}"),
            ("range", "range: [0, {}]"),
            ("target", "target: {{value: {}}}"),
            ("baseline", "target: {{value: 1, baseline: {}}}"),
        )
    },
    "digits are many": one(HEAD + "  a: {display: {digits: 99999999999999999999}}\n", "SCH105"),
    "a lag is many digits": one(
        TREE + f"influences: [{{from: a, to: a, lag: {'9' * 400}}}]\n", "SCH105"
    ),
    "an integer has a million digits": one(HEAD + "  a: " + "1" * MEGA + "\n", "SCH109"),
    "a fraction has a million digits": one(HEAD + "  a: 0." + "1" * MEGA + "\n", None),
    "an exponent has a million digits": one(HEAD + "  a: 1e" + "1" * MEGA + "\n", "SCH109"),
    "base 60 goes on": one(HEAD + "  a: 1" + ":1" * MEGA + "\n", "SCH109"),
    "underscores go on": one(HEAD + "  a: 1" + "_1" * MEGA + "\n", "SCH109"),
    "a moment goes on": one(HEAD + "  a: {label: 2026-01-01T" + "1" * MEGA + "}\n", "SCH109"),
    "the last day of all": one(
        HEAD + "  a: {value: 1, target: {value: 1, by: 9999-12-31}}\n", None
    ),
    "the day before the first": one(HEAD + "  a: {target: {value: 1, by: 0000-01-01}}\n", "SCH109"),
    # depth
    "test data at the depth": by_test("[" * 96 + "]" * 96, "SCH103"),
    "test data below the depth": by_test("[" * 97 + "]" * 97, "DOC110"),
    "test data of mappings at the depth": by_test("{a: " * 96 + "1" + "}" * 96, "SCH103"),
    "brackets never close": one("[" * MEGA, "DOC110"),
    "braces never close": one("{" * MEGA, "DOC108"),
    "dashes in a line": one("- " * MEGA, "DOC110"),
    "questions in a line": one("? " * MEGA, "DOC108"),
    # text
    "carriage returns alone": one(TREE.replace("\n", "\r"), None),
    "carriage returns and a mistake": one("north_star: a\rmetrics:\r  a: 1 +\r", "FML105"),
    "mixed line ends": one("north_star: a\r\nmetrics:\r\r\n  a: 1\n\r", None),
    "a byte order mark": one(b"\xef\xbb\xbf" + TREE.encode(), None),
    "two byte order marks": one(b"\xef\xbb\xbf" * 2 + TREE.encode(), "DOC103"),
    "UTF-16": one(TREE.encode("utf-16"), "DOC102"),
    "UTF-16, the other end first": one(b"\xfe\xff" + TREE.encode("utf-16-be"), "DOC102"),
    "UTF-16 without a mark": one(TREE.encode("utf-16-le"), "DOC103"),
    "UTF-32": one(TREE.encode("utf-32"), "DOC102"),
    "UTF-7": one("+AG4-orth_star: a\nmetrics: {a: 1}\n", "SCH101"),
    "a surrogate in UTF-8": one(TREE.encode() + b"# \xed\xa0\x80\n", "DOC102"),
    "a character cut in two": one(TREE.encode() + b"# \xe2\x82", "DOC102"),
    "a zero byte at the end": one(TREE + "\0", "DOC103"),
    "a file separator": one(TREE + "\x1c", "DOC103"),
    "a next line": one("north_star: a\x85metrics: {a: 1}\n", "DOC103"),
    "an escaped next line in a formula": one(HEAD + '  a: "1 +\\N 1"\n', "FML102"),
    "an escaped zero in a label": one(HEAD + '  a: {label: "\\0", value: 1}\n', None),
    "an escaped zero in a key": one(HEAD + '  a: 1\n  "a\\0": 1\n', "SCH106"),
    "a key is half a character": one(HEAD + '  a: 1\n  "\\uD800": 1\n', "DOC104"),
    "a character that is none": one(TREE + "# \uffff\n", "DOC103"),
    "a line of a megabyte": one(TREE + "# " + "x" * MEGA + "\n", None),
    "a mistake behind a megabyte": one(
        HEAD + "  a: {value: 1, tags: [" + "a," * MEGA + "], x: 1}\n", "DOC113"
    ),
    "a megabyte of open quotes": one(HEAD + "  a: '" + "x" * MEGA, "DOC104"),
    "a megabyte of blanks": one(HEAD + "  a:" + " " * MEGA + "1\n", None),
    "a megabyte of blanks in a formula": one(HEAD + "  a: '1" + " " * MEGA + "+'\n", "FML112"),
    "blanks before a mistake in quotes": one(HEAD + "  a: '1" + " " * 99_000 + "$'\n", "FML113"),
    "tabs before a mistake in quotes": one(HEAD + "  a: '1" + "\t" * 99_000 + "$'\n", "FML113"),
    "quotes before a mistake": one(HEAD + "  a: '1" + "''" * 50_000 + "'\n", "FML105"),
    "escapes before a mistake": one(HEAD + '  a: "1' + "\\x20" * 90_000 + '$"\n', "FML113"),
    "a block before a mistake": one(HEAD + "  a: |\n" + "    1 +\n" * 20_000 + "    $\n", "FML113"),
    "a folded block before a mistake": one(
        HEAD + "  a: >\n" + "    1 +\n" * 9_000 + "    $\n", "FML113"
    ),
    "a folded text of many lines": one(
        HEAD + "  a: 1 +\n" + "    1 +\n" * 9_000 + "    $\n", "FML113"
    ),
    # formulas
    "very many wrong names": one(
        HEAD
        + "".join(f"  m{i}: '{'+'.join(f'x{i}y{j}' for j in range(1_000))}'\n" for i in range(100)),
        "DOC114",
    ),
    "many wrong functions": one(
        HEAD + "".join(f"  m{i}: '{'+'.join(['mxa(1)'] * 500)}'\n" for i in range(2_000)), "DOC114"
    ),
    "many nodes": one(
        "#" * 200_000
        + "\n"
        + HEAD
        + f"  a: &f {'1+' * 40_000}1\n"
        + "".join(f"  m{i}: *f\n" for i in range(15)),
        "FML118",
    ),
    "a thousand mistakes at the end of a text": one(
        HEAD + "  a: '" + "1 + " * 20_000 + "+".join(f"b{i}" for i in range(1_000)) + "'\n",
        "GRA101",
    ),
    "names joined by hyphens": one(
        HEAD + "  a: " + "-".join(f"b{i}" for i in range(14_000)) + "\n", "GRA101"
    ),
    "percent signs": one(HEAD + "  a: " + "2 % 3 * " * 12_000 + "1\n", None),
    "two references and no operator, many times": one(
        HEAD + "  a: " + "a " * 50_000 + "\n", "FML105"
    ),
    "text in a where": one(
        HEAD
        + "  a: {measure: {source: s, aggregate: count(), where: \"x in ('"
        + "', '".join(["a"] * 19_000)
        + "')\"}}\nsources: {s: {path: s.csv}}\n",
        "VAL103",
    ),
    "a source outside is not read when loading": one(
        HEAD + "  a: {measure: {source: s, aggregate: count()}}\n"
        "sources: {s: {path: ../../../../etc/passwd}}\n",
        "VAL103",
    ),
    "a query is not run when loading": one(
        HEAD + "  a: {measure: {source: s, aggregate: count()}}\n"
        "sources: {s: {query: \"copy (select 1) to 'METRICTREE_CANARY'\"}}\n",
        "VAL103",
    ),
    # many of something
    "many documents": one("---\n" * 100_000 + TREE, "DOC106"),
    "many tags": one(
        HEAD + "  a: {value: 1, tags: [" + ",".join(f"a{i}" for i in range(249_999)) + "]}\n", None
    ),
    "one tag often": one(HEAD + "  a: {tags: [" + "a," * 249_999 + "a]}\n", "SCH116"),
    "many wrong tags": one(HEAD + "  a: {value: 1, tags: [" + "1," * 249_999 + "1]}\n", "DOC114"),
    "many unknown fields": one(
        HEAD + "  a: {value: 1, " + "".join(f"f{i}: 1, " for i in range(200_000)) + "}\n", "DOC114"
    ),
    "many wrong metrics": one(
        HEAD + "".join(f"  m{i}: {{x: 1}}\n" for i in range(100_000)), "DOC114"
    ),
    "many wrong metrics at the end": one(
        TREE
        + "".join(f"  m{i}: 1\n" for i in range(50_000))
        + "".join(f"  n{i}: {{x: 1}}\n" for i in range(20_000)),
        "DOC114",
    ),
    "many wrong formulas": one(HEAD + "".join(f"  m{i}: 1 +\n" for i in range(100_000)), "DOC114"),
    "many influences on one metric": one(
        TREE
        + "".join(f"  m{i}: 1\n" for i in range(60_000))
        + "influences:\n"
        + "".join(f"- {{from: m{i}, to: a}}\n" for i in range(60_000)),
        None,
    ),
    "one influence often": one(
        TREE + "  b: 1\ninfluences:\n" + "- {from: b, to: a}\n" * 60_000, "DOC114"
    ),
    "many influences in a circle": one(
        TREE
        + "".join(f"  m{i}: 1\n" for i in range(20_000))
        + "influences:\n"
        + "".join(f"- {{from: m{i}, to: m{(i + 1) % 20_000}}}\n" for i in range(20_000)),
        "GRA102",
    ),
    "many metrics in one line that lead nowhere": one(
        "north_star: a\nmetrics: {a: 1, " + "".join(f"m{i}: 1, " for i in range(100_000)) + "}\n",
        None,
    ),
    "many wrong formulas in one line": one(
        "north_star: a\nmetrics: {" + "".join(f"m{i}: 1+, " for i in range(100_000)) + "}\n",
        "DOC114",
    ),
    "many unknown ends": one(
        TREE + "influences:\n" + "".join(f"- {{from: x{i}, to: y{i}}}\n" for i in range(50_000)),
        "DOC114",
    ),
    "many unknown outcomes": one(
        "north_star: {metric: a, leads: ["
        + ",".join(f"x{i}" for i in range(50_000))
        + "]}\nmetrics: {a: 1}\n",
        "DOC114",
    ),
    "many includes of one file": including(
        "[" + "in.yml, " * 100_000 + "]", "INC105", **{"in": IN}
    ),
    "many cycles": one(
        HEAD + "".join(f"  m{i}: n{i}\n  n{i}: m{i}\n" for i in range(20_000)), "DOC114"
    ),
    "many of the same cycle": one(
        HEAD + "".join(f"  m{i}: {'+'.join(f'm{j}' for j in range(200))}\n" for i in range(200)),
        "GRA102",
    ),
    # ids
    **{
        f"the id {name!r}": one(f"north_star: a\nmetrics: {{a: 1, ? {name} : 1}}\n", code)
        for name, code in (
            ("__class__", "SCH106"),
            ("constructor", None),
            ("a..b", "SCH106"),
            ("a.b", None),
            (".a", "SCH106"),
            ("a.", "SCH106"),
            ("'a '", "SCH106"),
            ('"a\\n"', "SCH106"),
            ("con", None),
            ("a-b", "SCH106"),
            ("$ref", "SCH106"),
            ("null", "DOC108"),
            ("'null'", "SCH106"),
            ("else", "SCH106"),
            ("max", None),
            ("no", "DOC108"),
            ("12", "DOC108"),
            ("2026-01-01", "DOC108"),
            (".inf", "DOC108"),
            ("a" * 64, None),
            ("a" * 65, "SCH106"),
        )
    },
    # includes
    "an include climbs out and comes back": including("[../tree/in.yml]", None, **{"in": IN}),
    "an include of itself": including("[tree.yml]", "INC104"),
    "an include of itself, written otherwise": including("[./tree.yml]", "INC104"),
    "an include by two names of a path": including("[in.yml, ./in.yml]", None, **{"in": IN}),
    "an include by a detour": including("[in.yml, b/../in.yml]", None, **{"in": IN}, b__x=IN),
    "an include in two namespaces": including("{x: in.yml, y: in.yml}", None, **{"in": IN}),
    "an include of a folder": including("[b]", "INC101", b__x=IN),
    "an include of this folder": including("[.]", "INC101"),
    "an include of the folder above": including("[..]", "INC102"),
    "an include of nothing": including("['']", "SCH103"),
    "an include of a blank": including("[' ']", "SCH103"),
    "an include of null": including("[~]", "SCH103"),
    "an include of a number": including("[1]", "SCH103"),
    "an include of itself in a list": including("&l [*l]", "DOC109"),
    "an include that is text": including("in.yml", "SCH103", **{"in": IN}),
    "an include of a drive": including("['c:/x.yml']", "INC102"),
    "an include of a drive without a slash": including("['c:x.yml']", "INC102"),
    "an include of a share": including("['//host/share/x.yml']", "INC102"),
    "an include of a share, backwards": including("['\\\\host\\share\\x.yml']", "INC102"),
    "an include with backslashes": including("['..\\in.yml']", "INC102"),
    "an include with a stream": including("['in.yml:x']", "INC101", **{"in": IN}),
    "an include with a very long name": including("[" + "a" * 100_000 + "]", "INC101"),
    "an include with a very long path": including("[" + "a/" * 50_000 + "x.yml]", "INC101"),
    "an include with many steps up": including("[" + "../" * 50 + "]", "INC102"),
    "an include with a newline": including('["in\\n.yml"]', "INC101"),
    "an include with half a character": including('["\\uDC80.yml"]', "DOC104"),
    "an include with an escape": including('["\\e[2Jin.yml"]', "INC101"),
    "an include of the process": including("[/proc/self/environ]", "INC102"),
    "an include of the first input": including("[/dev/stdin]", "INC102"),
    "an include by a URL": including("['https://127.0.0.1:9/x.yml']", "INC102"),
    "an include under a bad name": including("{_x: in.yml}", "INC106", **{"in": IN}),
    "an include under a dotted name": including("{x.y: in.yml}", None, **{"in": IN}),
    "an include under a name with a break": including('{"x\\n": in.yml}', "INC106", **{"in": IN}),
    "an include under a long name": including("{" + "x" * 64 + ": in.yml}", "SCH106", **{"in": IN}),
    "an include has a north star": including(
        "[in.yml]", "INC108", **{"in": TREE.replace(" a", " b")}
    ),
    "an include is empty": including("[in.yml]", "INC107", **{"in": ""}),
    "an include is a list": including("[in.yml]", "SCH103", **{"in": "[1]"}),
    "an include has a tag": including("[in.yml]", "DOC107", **{"in": "metrics: {b: !x 1}\n"}),
    "an include includes by name": including(
        "{x: b/in.yml}", None, b__in="include: {y: in2.yml}\nmetrics: {c: y.b * 2}\n", b__in2=IN
    ),
    "an include doubles and doubles": including(
        "{x: f0.yml, y: f0.yml}",
        "INC105",
        **{f"f{i}": f"include: {{x: f{i + 1}.yml, y: f{i + 1}.yml}}\n" for i in range(18)},
        f18=IN,
    ),
    "an include goes down and up": including(
        "[b/in.yml]", None, b__in="include: [../in.yml]\n", **{"in": IN}
    ),
    "an include goes round": including(
        "[b/in.yml]", "INC104", b__in="include: [../c/in.yml]\n", c__in="include: [../b/in.yml]\n"
    ),
    "an include goes round by names": including(
        "{x: b/in.yml}", "INC104", b__in="include: {y: ../b/in.yml}\n"
    ),
    "an include by a tag": one("x: !include ../../etc/passwd\n" + TREE, "DOC107"),
    # the reader
    "a directive of tomorrow": one("%YAML 9.9\n---\n" + TREE, "DOC104"),
    "a directive of a tag": one("%TAG ! tag:yaml.org,2002:python/\n---\n" + TREE, None),
    "a tag by a directive": one(
        "%TAG ! tag:yaml.org,2002:python/\n---\n" + HEAD + "  a: !object/apply:os.getcwd []\n",
        "DOC107",
    ),
    "a tag on a key": one("!x north_star: a\nmetrics: {a: 1}\n", "DOC107"),
    "a tag on all": one("!x\n" + TREE, "DOC107"),
    "a tag of nothing": one(HEAD + "  a: ! 1\n", "DOC107"),
    "a tag of text": one(HEAD + "  a: {label: !!str no}\n", "DOC107"),
    "a template": one("{% for i in range(10**9) %}" + TREE, "DOC104"),
    "a text after a document": one(TREE + "...\nx\n", "DOC104"),
    "a list": one("- north_star\n", "SCH103"),
    "text": one("north_star", "SCH103"),
    "a moment": one("2026-01-01", "SCH103"),
}
