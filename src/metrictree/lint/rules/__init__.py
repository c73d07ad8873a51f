"""The table of all rules: what `metrictree rule` lists, in the order in which they run."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from metrictree.lint.rules.charter import CHARTER
from metrictree.lint.rules.inputs import INPUTS
from metrictree.lint.rules.meaning import MEANING
from metrictree.lint.rules.provenance import PROVENANCE
from metrictree.lint.rules.settings import SETTINGS
from metrictree.lint.rules.shape import SHAPE
from metrictree.lint.rules.units import UNITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metrictree.lint.rule import Rule

__all__ = ["RULES"]

_ALL: Final[tuple[type[Rule], ...]] = (
    *UNITS,
    *sorted((*PROVENANCE, *MEANING, *SHAPE, *CHARTER), key=lambda rule: rule.code),
    *INPUTS,
    *SETTINGS,
)
RULES: Final[Mapping[str, type[Rule]]] = MappingProxyType({rule.code: rule for rule in _ALL})
"""Every rule by its code; those about settings come last, for they look at what the others used."""
