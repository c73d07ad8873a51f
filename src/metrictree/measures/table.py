"""An open source: a lazy frame of any library, and what is known of its columns before it is read.

Every opener in ``sources`` makes one of these; whoever aggregates looks at nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import narwhals as nw

    from metrictree.engines.frames.libraries import Library
    from metrictree.engines.frames.rows import Column
    from metrictree.measures.cells import File

__all__ = ["Table"]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a source, not read yet, and its columns by the names that people know."""

    frame: nw.LazyFrame[Any]
    """Its own columns are called c and their position: names from outside may hold anything."""
    columns: Mapping[str, Column]
    moment: str | None
    """The column of the frame that tells when a row happened: a time in UTC, without a zone.

    It is null where only a day is told, or nothing; ``None`` if no row tells a moment."""
    day: str | None
    """The column that tells a row's day where it tells no moment; ``None`` if no row does."""
    library: Library
    origin: str
    """What is read, for people: `data/orders/*.parquet (3 files)`, `table shop.orders`."""
    file: File | None = None
    """The text file that is read, in which a wrong line can be looked for."""
    keep: Any = None
    """What the frame cannot do without, such as its connection."""

    def rows(self, native: Any) -> list[tuple[Any, ...]]:
        """Run the query of a native frame made of this one, and return its rows."""
        return self.library.rows(native)

    def sql(self, native: Any) -> str | None:
        """Return the SQL of a native frame made of this one, if its library speaks it."""
        return self.library.sql(native)

    def with_file(self, file: File | None) -> Table:
        """Return the same table, of a text file."""
        return replace(self, file=file)
