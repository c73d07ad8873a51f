"""Layers -> the text of one statement: common table expressions, each on the one before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import ibis  # type: ignore[import-untyped]
import narwhals as nw
import sqlglot
from sqlglot import exp
from sqlglot.dialects import Dialect as Grammar
from sqlglot.errors import SqlglotError

from metrictree._version import __version__
from metrictree.diagnostics import Diagnostic, shown
from metrictree.engines.frames.layers import Engine, Periods, Term, lower
from metrictree.engines.sql import rewrites
from metrictree.engines.sql.dialects import is_written
from metrictree.errors import ComputeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from metrictree.engines.base import FrameRequest
    from metrictree.engines.frames.layers import Selection
    from metrictree.engines.sql.dialects import Dialect
    from metrictree.plan import Plan
    from metrictree.resolved import ResolvedTree

__all__ = ["Statement", "Table"]

_ANCHOR: Final = "0"
"""A column that each table gets for Ibis, since a table has one and constants stand in rows."""
_MERGED: Final = 1_000
"""Columns in an expression beyond which common table expressions must not be merged into one."""
_LONGEST: Final = 4_000
"""Characters of a table's name, templates included."""
_MOST_TOKENS: Final = 40
"""Tokens of a table's name; sqlglot reads what nests by calling itself."""
_OPENING: Final = ("L_PAREN", "L_BRACKET", "L_BRACE")


# --- the table


@dataclass(frozen=True, slots=True)
class Table:
    """The table to select from; templates stand in its name as words, and are put back at last."""

    name: exp.Table
    templates: Sequence[str]
    word: str
    """What a template's number and ``_`` stand behind, which no other name holds."""

    @classmethod
    def of(cls, table: object, dialect: Dialect, names: Iterable[str]) -> Table:
        """Return the table of a name as SQL writes it; ``names`` are all others in the statement.

        Raises:
            UsageError: it is no name of a table.
        """
        templates: list[str] = []
        word = "metrictree_template_"

        def hold(template: re.Match[str]) -> str:
            templates.append(template[0])
            return f"{word}{len(templates) - 1}_"

        name = None
        if isinstance(table, str) and len(table) <= _LONGEST and is_written(table):
            others = (table, *names)
            while any(word in other for other in others):
                word += "_"
            text = re.sub(r"\{\{[^\n]*?\}\}", hold, table)
            name = _table_name(text, dialect.grammar)
        if name is None:
            raise UsageError(
                [
                    Diagnostic(
                        "VAL110",
                        f"'{shown(table)}' is no name of a table in {dialect.name}",
                        fix="give a name such as orders or shop.orders, quoted as SQL needs it, "
                        "or a template such as {{ ref('orders') }}",
                    )
                ]
            )
        return cls(name, templates, word)

    def put_back(self, text: str) -> str:
        """Return the text with its templates as they were given."""
        return re.sub(f"{self.word}([0-9]+)_", lambda found: self.templates[int(found[1])], text)


def _table_name(text: str, grammar: str) -> exp.Table | None:
    """Return a text as the name of a table, if it is nothing else."""
    try:
        tokens = sqlglot.tokenize(text, read=grammar)
        if len(tokens) > _MOST_TOKENS or any(token.token_type.name in _OPENING for token in tokens):
            return None
        (statement,) = sqlglot.parse(f"SELECT * FROM {text}", read=grammar)  # noqa: S608 - only read
    except (SqlglotError, ValueError):
        return None
    if statement is None or any(node.comments for node in statement.walk()):
        return None
    parts = {name: part for name, part in statement.args.items() if part}
    source = parts.pop("from_", parts.pop("from", None))
    if [*parts] != ["expressions"] or not isinstance(source, exp.From):
        return None
    table = source.this
    if not isinstance(table, exp.Table):
        return None
    names = {name: part for name, part in table.args.items() if part}
    whole = all(isinstance(part, exp.Identifier) and part.name for part in names.values())
    return table if whole and [*names] == ["this", "db", "catalog"][: len(names)] else None


# --- the statement


class Statement:
    """Common table expressions, one on the other, of which each adds columns to the one before."""

    def __init__(
        self,
        tree: ResolvedTree,
        plan: Plan,
        dialect: Dialect,
        table: Table,
        request: FrameRequest,
    ) -> None:
        self.tree = tree
        self.plan = plan
        self.dialect = dialect
        self.table = table
        self.by = request.by
        self.time = request.time
        self.grain = request.grain
        self.columns = request.columns
        self.parts: list[tuple[str, exp.Select]] = []
        self.conditions: dict[str, exp.Expr] = {}
        """Conditions that several expressions look at: not every dialect has columns of them."""
        taken = {dialect.column(metric) for metric in (*plan.leaves, *plan.formulas)}
        self.taken = {name.lower() for name in taken | {*self.by, self.time or ""}}
        self.keys = (*self.by, *(() if self.time is None else (self.time,)))
        self.first = 0
        """The number of parts before the levels."""
        self.period = self._free("period")
        self.number = self._free("period_number")

    def _free(self, name: str) -> str:
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def text(self) -> str:
        """Return the statement."""
        inputs = self._inputs()
        given = {
            metric: Term(self.tree.metrics[metric].value)
            if name is None
            else Term(nw.col(name), (name,))
            for metric, name in inputs.items()
        }
        lowered = lower(
            self.plan,
            given,
            names=self.dialect.column,
            taken=(*filter(None, inputs.values()), *self.keys, self.period, self.number),
            engine=Engine(guarded=True, infinite=self.dialect.infinite, floored=True),
            periods=Periods(self.number, self.by) if self.plan.over_time else None,
        )
        types = {name: "float64" for name in inputs.values() if name is not None}
        types |= dict.fromkeys(self.by, "string") | {self.number: "int64"}
        *layers, last = lowered.selections((), self.plan.targets)
        for layer in layers:
            made = self._written(layer, types)
            if made:
                self._add(f"level_{len(self.parts) - self.first + 1}", made, star=True)
        outputs = self._written(last, types)
        keys = {name: self._column(name) for name in self.keys}
        names = map(self.dialect.column, self.plan.targets)
        return self._joined(keys | dict(zip(names, outputs.values(), strict=True)))

    # --- parts

    def _inputs(self) -> dict[str, str | None]:
        """Select what is needed of the table; return the column of each leaf, if it has one."""
        inputs = {
            metric: self.dialect.column(metric)
            if metric in self.columns or self.tree.metrics[metric].value is None
            else None
            for metric in self.plan.leaves
        }
        keys: dict[str, exp.Expr] = {name: self._column(name) for name in self.keys}
        numbers: dict[str, exp.Expr] = {
            name: exp.cast(self._column(self.columns.get(metric, metric)), exp.DType.DOUBLE)
            for metric, name in inputs.items()
            if name is not None
        }
        self._add("source", keys | numbers)
        checked = {name: rewrites.finite(self._column(name)) for name in numbers}
        if self.plan.over_time:
            assert self.time is not None
            assert self.grain is not None
            number = rewrites.period_number(self._column(self.time), self.grain, self.dialect.name)
            self._add("inputs", keys | checked | {self.number: number})
            self._add("periods", {self.period: self._series().once()}, star=True)
        else:
            self._add("inputs", keys | checked)
        self.first = len(self.parts)
        return inputs

    def _written(self, selection: Selection, types: dict[str, Any]) -> dict[str, exp.Expr]:
        """Return what a layer computes, by column; ``types`` learns of the new columns."""
        if not selection.made:
            return {}
        looked_at = {name for step in selection.made for name in step.inputs}
        looked_at |= {*self.by, self.number}
        schema = {name: kind for name, kind in types.items() if name in looked_at}
        table = ibis.table(schema | {_ANCHOR: "float64"}, name="t")
        frame = nw.from_native(table).select(
            nw.col(_ANCHOR), *(step.expr.alias(step.name) for step in selection.made)
        )
        native = frame.to_native()
        text = str(ibis.to_sql(native, dialect="duckdb", pretty=False))
        parsed = sqlglot.parse_one(text, read="duckdb")
        assert isinstance(parsed, exp.Select)
        made: dict[str, exp.Expr] = {}
        for step, projection in zip(selection.made, parsed.selects[1:], strict=True):
            expression = self._portable(projection.unalias())
            if native[step.name].type().is_boolean():
                self.conditions[step.name] = expression
            else:
                made[step.name] = expression
            types[step.name] = native[step.name].type()
        return made

    def _portable(self, expression: exp.Expr) -> exp.Expr:

        found = rewrites.portable(
            expression, self.conditions, self._series(), underflows=not self.dialect.infinite
        )
        if not self.dialect.remainder and found.find(exp.Mod):
            raise ComputeError(
                [
                    Diagnostic(
                        "VAL117",
                        f"{self.dialect.name} has no remainder of floats, which `%` needs",
                        fix="choose other targets, or write `a - b * floor(a / b)`, which rounds",
                    )
                ]
            )
        return rewrites.spelled(found, self._column, self.dialect.name)

    def _series(self) -> rewrites.Series:

        return rewrites.Series(
            self._column(self.period),
            self._column(self.number),
            tuple(map(self._column, self.by)),
            Grammar.get_or_raise(self.dialect.grammar).NULL_ORDERING == "nulls_are_small",
            self.dialect.ranges,
        )

    def _column(self, name: str) -> exp.Column:

        spelled, quoted = self.dialect.spelled(name)
        return exp.column(exp.to_identifier(spelled, quoted=quoted))

    def _add(self, name: str, made: Mapping[str, exp.Expr], *, star: bool = False) -> None:
        """Add a common table expression, that selects from the one before."""
        name = self._free_part(name)
        self.parts.append((name, self._select(made, star=star)))

    def _select(self, made: Mapping[str, exp.Expr], *, star: bool = False) -> exp.Select:

        source = exp.to_table(self.parts[-1][0]) if self.parts else self.table.name
        return exp.Select(
            expressions=[
                *([exp.Star()] if star or not made else []),
                *(
                    value
                    if isinstance(value, exp.Column) and value == self._column(name)
                    else exp.alias_(value, self._column(name).this)
                    for name, value in made.items()
                ),
            ]
        ).from_(source, copy=False)

    def _free_part(self, name: str) -> str:
        """Return a name for a common table expression that is not the name of the table."""
        while name == self.table.name.name.lower():
            name += "_"
        return name

    # --- text

    def _joined(self, outputs: Mapping[str, exp.Expr]) -> str:
        """Return the text of all parts, with what finally is selected."""
        fenced = True if self.dialect.fences and self._is_large() else None
        ctes = [
            exp.CTE(
                this=select, alias=exp.TableAlias(this=exp.to_identifier(name)), materialized=fenced
            )
            for name, select in self.parts
        ]
        statement = self._select(outputs)
        statement.set("with_", exp.With(expressions=ctes))
        star = shown(self.tree.spec.north_star.metric)
        text = statement.sql(dialect=self.dialect.grammar, pretty=True, normalize_functions="upper")
        header = f"-- metrictree {__version__}: the metric tree of {star}\n"
        return header + self.table.put_back(text)

    def _is_large(self) -> bool:
        """Whether expressions would grow too large if columns were replaced by what they are."""
        sizes: dict[str, int] = {}
        for _, select in self.parts:
            for projection in select.selects:
                names = [column.name for column in projection.find_all(exp.Column)]
                size = sum(sizes.get(name, 1) for name in names)
                if size > _MERGED:
                    return True
                if projection.alias:
                    sizes[projection.alias] = size
        return False
