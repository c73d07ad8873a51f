"""What a run would read and compute, before it does."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from metrictree.diagnostics import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from metrictree.measures.runner import Run
    from metrictree.measures.scan import Scan

__all__ = ["Query", "RunPlan", "SourcePlan", "explain"]

_NOISE: Final = (
    (re.compile(r' AS "unnamed_relation_[0-9a-f]+"'), ""),
    (re.compile(r'"__duckdb_s([0-9]+)"'), r"s\1"),
    (re.compile(r'("(?:[^"]|"")+") AS \1(?=[,\s])'), r"\1"),
    (re.compile(r"\n\s*(?=\n|$)"), ""),
)
"""Names that DuckDB makes up and nothing refers to, a name for what has it, and empty lines."""


@dataclass(frozen=True, slots=True)
class Query:
    """One pass over the rows of a source."""

    finds: str
    sql: str | None
    """The statement, if the library speaks SQL."""


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """What is read of a source."""

    source: str
    origin: str
    """What is read, for people: `data/orders/*.parquet (3 files)`."""
    library: str
    columns: dict[str, str]
    """Those of the source that are looked at, and what they are called in the statements."""
    measures: tuple[str, ...]
    queries: tuple[Query, ...]
    """Each finds values of all measures, or of some; rows of totals take queries of their own."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run would read and compute; ``str`` of it is for reading."""

    grain: str
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    formulas: tuple[str, ...]
    """The metrics that are computed from aggregated values, each after all that it uses."""
    sources: tuple[SourcePlan, ...]
    also: tuple[str, ...]
    """Other spans of days for which all of that is read as well."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for one in self.sources:
            yield f"source {visible(one.source)}: {visible(one.origin)}, with {one.library}"
            has_sql = any(query.sql is not None for query in one.queries)
            columns = [
                f"{name} as {inner}" if has_sql and inner else name
                for name, inner in one.columns.items()
            ]
            yield f"  reads     {_listed(columns)}"
            yield f"  measures  {_listed(one.measures)}"
            above: list[str] = []
            for number, query in enumerate(one.queries, 1):
                yield f"  scan {number}    {visible(query.finds)}"
                lines = [] if query.sql is None else query.sql.splitlines()
                both = zip(above, lines, strict=False)
                alike = len(list(takewhile(lambda pair: pair[0] == pair[1], both)))
                if alike:
                    yield "    -- as above, and then"
                yield from (f"    {visible(line)}" for line in lines[alike:])
                above = lines
            yield ""
        for days in self.also:
            yield f"the same of {days}"
        groups = " for each " + _listed((self.grain, *self.dimensions)) if self._grouped else ""
        yield f"then computes {_listed(self.formulas) if self.formulas else 'no formula'}{groups}"

    @property
    def _grouped(self) -> bool:
        return self.grain != "all" or bool(self.dimensions)


def explain(run: Run, *, compares: bool) -> RunPlan:
    """Return what a run would do that was made without looking at times."""
    sources = [_source(name, scan) for name, scans in run.sources.parts.items() for scan in scans]
    request, plan = run.request, run.plan
    also = []
    if plan.over_time and request.since is not None:
        also.append(f"periods before {request.since}, for functions over time")
    if compares:
        also.append("the periods that values are compared with")
    return RunPlan(
        request.grain, request.by, plan.targets, plan.formulas, tuple(sources), tuple(also)
    )


def _source(name: str, scan: Scan) -> SourcePlan:
    prepared, request = scan.prepared, scan.prepared.request
    table = prepared.table
    if table.library.title == "pandas":  # which computes at once
        prepared.table = replace(table, frame=table.frame.head(0))
    looked = {*prepared.lowering.used, *(table.columns[one].name for one in request.by)}
    if request.needs_time:
        looked |= {name for name in (table.moment, table.day) if name is not None}
    columns = {
        one: column.name
        for one, column in table.columns.items()
        if looked & {column.name, column.text}
    }
    if request.needs_time and prepared.source.time is not None:
        columns.setdefault(prepared.source.time, table.moment or table.day or "")
    queries = [
        Query(finds, _sql(table.sql(frame.to_native())))
        for finds, frame in scan.queries(request.since, request.until)
    ]
    return SourcePlan(
        name,
        table.origin,
        table.library.title,
        columns,
        tuple(prepared.metrics),
        tuple(queries),
    )


def _sql(text: str | None) -> str | None:
    """Return a statement as people read it."""
    if text is None:
        return None
    for noise, less in _NOISE:
        text = noise.sub(less, text)
    return text.strip()


def _listed(names: Iterable[str]) -> str:
    return visible(", ".join(names) or "no column")
