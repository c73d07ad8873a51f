"""The manual: one entry for every diagnostic code, from which its page in the docs is made.

Imports only `diagnostics`, and nothing in the package needs it to report a code.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from metrictree.codes.documents import DOCUMENTS
from metrictree.codes.entry import Code
from metrictree.codes.formulas import FORMULAS
from metrictree.codes.graph import GRAPH
from metrictree.codes.includes import INCLUDES
from metrictree.codes.schema import SCHEMA
from metrictree.codes.sources import SOURCES
from metrictree.codes.tests import TESTS
from metrictree.codes.values import VALUES

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CODES", "Code"]

CODES: Final[Mapping[str, Code]] = MappingProxyType(
    {
        entry.code: entry
        for entry in (
            *DOCUMENTS,
            *SCHEMA,
            *INCLUDES,
            *FORMULAS,
            *GRAPH,
            *VALUES,
            *SOURCES,
            *TESTS,
        )
    }
)
"""Every code that can be reported, by family and number."""
