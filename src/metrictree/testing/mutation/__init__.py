"""Mutation testing of definitions: would the tests of a tree notice a mistake in it?"""

from __future__ import annotations

from metrictree.testing.mutation.mutants import Mutant
from metrictree.testing.mutation.report import Fate, MutationReport, Verdict
from metrictree.testing.mutation.run import mutate

__all__ = ["Fate", "Mutant", "MutationReport", "Verdict", "mutate"]
