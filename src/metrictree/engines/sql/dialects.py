"""SQL dialects: how each one writes names, and what it cannot do; imports no SQL library itself."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from metrictree.diagnostics import Diagnostic, shown
from metrictree.errors import UsageError
from metrictree.names import Suggester, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DIALECTS", "Dialect", "find_dialect", "is_written"]


class Dialect(NamedTuple):
    """What has to be known of a dialect besides its grammar."""

    name: str
    grammar: str
    """What sqlglot calls it."""
    infinite: bool = True
    """A result past float64 is infinity; otherwise the database stops with an error."""
    remainder: bool = True
    """It has the remainder of two floats."""
    dots: bool = True
    """A name of a column may hold a dot."""
    longest: int | None = None
    """Bytes of a name, where a longer one would be cut without an error."""
    upper: bool = False
    """A bare name is one of capital letters."""
    fences: bool = False
    """Common table expressions are merged unless they are MATERIALIZED."""
    ranges: bool = True
    """A window may hold just the rows of a certain number; otherwise rows can only be counted."""

    def column(self, metric: str) -> str:
        """Return the name of a metric's column.

        >>> find_dialect("bigquery").column("growth.signups")
        'growth__signups'
        """
        return metric if self.dots else metric.replace(".", "__")

    def spelled(self, name: str) -> tuple[str, bool]:
        """Return a name as the dialect writes it, and whether it stands in quotes.

        A plain name of small letters is bare, as people write it, and every engine folds it as it
        does in the definition of a table.

        >>> find_dialect("snowflake").spelled("orders"), find_dialect("snowflake").spelled("order")
        (('orders', False), ('ORDER', True))
        """
        if _PLAIN.fullmatch(name) is None:
            return name, True
        if name not in _RESERVED:
            return name, False
        return (name.upper() if self.upper else name), True


DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        dialect.name: dialect
        for dialect in (
            Dialect("athena", "athena"),
            Dialect("bigquery", "bigquery", infinite=False, remainder=False, dots=False),
            Dialect("clickhouse", "clickhouse"),
            Dialect("databricks", "databricks"),
            Dialect("duckdb", "duckdb"),
            Dialect("mssql", "tsql", infinite=False, remainder=False, ranges=False),
            Dialect("mysql", "mysql", infinite=False),
            Dialect(
                "postgres", "postgres", infinite=False, remainder=False, longest=63, fences=True
            ),
            Dialect(
                "redshift", "redshift", infinite=False, remainder=False, longest=127, ranges=False
            ),
            Dialect("snowflake", "snowflake", upper=True),
            Dialect("spark", "spark"),
            Dialect("sqlite", "sqlite", remainder=False, fences=True),
            Dialect("trino", "trino"),
        )
    }
)


def find_dialect(name: object) -> Dialect:
    """Return a dialect by its name.

    Raises:
        UsageError: there is none of this name.
    """
    found = DIALECTS.get(name) if isinstance(name, str) else None
    if found is None:
        other = _OTHER_NAMES.get(str(name).lower())
        near = (
            f"did you mean {other}?"
            if other
            else did_you_mean(Suggester(DIALECTS).near(shown(name)))
        )
        raise UsageError(
            [
                Diagnostic(
                    "VAL110",
                    f"'{shown(name)}' is no dialect of SQL that is known here",
                    fix=near or f"the dialects are {', '.join(DIALECTS)}",
                )
            ]
        )
    return found


def is_written(name: str) -> bool:
    r"""Whether the text of a statement can hold a name: there is no NUL and no half a character.

    >>> is_written("größe"), is_written("a\0"), is_written("\ud800")
    (True, False, False)
    """
    return "\0" not in name and not any("\ud800" <= letter <= "\udfff" for letter in name)


_OTHER_NAMES: Final = {
    "postgresql": "postgres",
    "pyspark": "spark",
    "sqlserver": "mssql",
    "synapse": "mssql",
    "tsql": "mssql",
}
_PLAIN: Final = re.compile("[a-z_][a-z0-9_]*")
_RESERVED: Final = frozenset(
    """
    abort accessible account action add aes128 aes256 after all allowoverwrite alter analyse
    analyze and anti any array as asc asensitive asof assert_rows_modified asymmetric at
    attach authorization autoincrement az64 backup before begin between bigint binary bit
    blanksasnull blob boolean both break browse bulk by bytedict bzip2 call cascade case
    cast change char character check checkpoint close clustered coalesce collate collation
    column columns commit compute concurrently condition conflict connection constraint
    contains containstable continue convert create credentials cross cube cume_dist current
    current_catalog current_date current_role current_time current_timestamp current_user
    current_user_id cursor database databases day_hour day_microsecond day_minute day_second
    dbcc deallocate dec decimal declare default deferrable deferred define deflate defrag
    delayed delete delta delta32k dense_rank deny desc describe detach deterministic disable
    disk distinct distinctrow distributed div do double drop dual dump each else elseif
    empty emptyasnull enable enclosed encode encryption end enum errlvl escape escaped
    except exclude exclusive exec execute exists exit explain explicit external extract fail
    false fetch file fillfactor filter first first_value float float4 float8 following for
    force foreign freetext freetexttable freeze from full fulltext function generated get
    glob globaldict256 globaldict64k goto grant group grouping grouping_id groups gscluster
    gzip hash having high_priority holdlock hour_microsecond hour_minute hour_second
    identity identity_insert identitycol if ignore ilike immediate in increment index
    indexed infile initially inner inout insensitive insert instead int int1 int2 int3 int4
    int8 integer intersect interval into io_after_gtids io_before_gtids is isnull issue
    iterate join json_table key keys kill lag lambda last last_value lateral lead leading
    leave left like limit linear lineno lines load localtime localtimestamp lock long
    longblob longtext lookup loop low_priority lun luns lzo lzop map master_bind
    master_ssl_verify_server_cert match materialized maxvalue mediumblob mediumint
    mediumtext merge middleint minus minute_microsecond minute_second mod modifies mostly16
    mostly32 mostly8 national natural nchar new no no_write_to_binlog nocheck nonclustered
    none not nothing notnull nth_value ntile null nullif nulls numeric of off offline offset
    offsets oid old on only open opendatasource openquery openrowset openxml optimize
    optimizer_costs option optionally or order organization others out outer outfile over
    overlaps overlay parallel partition percent percent_rank permissions pivot pivot_longer
    pivot_wider placing plan position positional pragma preceding precision prepare primary
    print proc procedure proto public purge qualify query raise raiserror range rank raw
    read read_write readratio reads readtext real reconfigure recover recursive references
    regexp reindex rejectlog release rename repeat replace replication require resignal
    resort respect restore restrict return returning revert revoke right rlike rollback
    rollup row row_number rowcount rowguidcol rows rule sample save savepoint schema schemas
    second_microsecond securityaudit select semantickeyphrasetable
    semanticsimilaritydetailstable semanticsimilaritytable semi sensitive separator
    session_user set setof setuser show shutdown signal similar smallint snapshot some
    spatial specific sql sql_big_result sql_calc_found_rows sql_small_result sqlexception
    sqlstate sqlwarning ssl start starting statistics stored straight_join struct substring
    summarize symmetric sysdate system system_user table tablesample tablespan tag tdes temp
    temporary terminated text255 text32k textsize then ties timestamp tinyblob tinyint
    tinytext to top trailing tran transaction treat trigger trim true truncate
    truncatecolumns try_cast try_convert tsequal tuple type unbounded undo union unique
    unlock unnest unpack unpivot unsigned update updatetext usage use user using utc_date
    utc_time utc_timestamp vacuum values varbinary varchar varcharacter variadic varying
    verbose view virtual waitfor wallet when where while window with within without write
    writetext xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse
    xmlpi xmlroot xmlserialize xmltable xor year_month zerofill
    """.split()  # noqa: SIM905 - a list would be five hundred lines long
)
"""Words that are no bare name in at least one of the dialects."""
