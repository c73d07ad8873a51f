"""Metric trees as code: declare a North Star and its inputs once, then check and compute it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from metrictree._version import __version__

if TYPE_CHECKING:
    from metrictree.diagnostics import Confidence, Diagnostic, Evidence, Severity, Span
    from metrictree.engines.base import Reason, Values
    from metrictree.engines.diagnosis.reasons import Diagnosed, MissingRows, Reasons
    from metrictree.engines.series import SeriesValues
    from metrictree.errors import (
        ComputeError,
        DefinitionError,
        MetricTreeError,
        MissingExtraError,
        SourceError,
        UsageError,
    )
    from metrictree.formula import Formula, parse as parse_formula
    from metrictree.formula.meaning import Rule
    from metrictree.limits import Limits
    from metrictree.lint import LintReport, Scorecard
    from metrictree.measures import RunResult
    from metrictree.schema import (
        Attestation,
        Influence,
        Measure,
        Metric,
        NorthStar,
        Source,
        Target,
        TreeSpec,
        json_schema,
    )
    from metrictree.tree import MetricTree

__all__ = [
    "Attestation",
    "ComputeError",
    "Confidence",
    "DefinitionError",
    "Diagnosed",
    "Diagnostic",
    "Evidence",
    "Formula",
    "Influence",
    "Limits",
    "LintReport",
    "Measure",
    "Metric",
    "MetricTree",
    "MetricTreeError",
    "MissingExtraError",
    "MissingRows",
    "NorthStar",
    "Reason",
    "Reasons",
    "Rule",
    "RunResult",
    "Scorecard",
    "SeriesValues",
    "Severity",
    "Source",
    "SourceError",
    "Span",
    "Target",
    "TreeSpec",
    "UsageError",
    "Values",
    "__version__",
    "json_schema",
    "parse_formula",
]

_HOMES = {
    "Confidence": "diagnostics",
    "Diagnostic": "diagnostics",
    "Evidence": "diagnostics",
    "Severity": "diagnostics",
    "Span": "diagnostics",
    "Reason": "engines.base",
    "Rule": "formula.meaning",
    "Values": "engines.base",
    "Diagnosed": "engines.diagnosis.reasons",
    "MissingRows": "engines.diagnosis.reasons",
    "Reasons": "engines.diagnosis.reasons",
    "SeriesValues": "engines.series",
    "ComputeError": "errors",
    "DefinitionError": "errors",
    "MetricTreeError": "errors",
    "MissingExtraError": "errors",
    "SourceError": "errors",
    "UsageError": "errors",
    "Formula": "formula",
    "Limits": "limits",
    "LintReport": "lint",
    "Scorecard": "lint",
    "RunResult": "measures",
    "Attestation": "schema",
    "Influence": "schema",
    "Measure": "schema",
    "Metric": "schema",
    "NorthStar": "schema",
    "Source": "schema",
    "Target": "schema",
    "TreeSpec": "schema",
    "json_schema": "schema",
    "MetricTree": "tree",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use, so that the package imports at once."""
    if name == "parse_formula":
        value = import_module("metrictree.formula").parse
    elif name in _HOMES:
        value = getattr(import_module(f"metrictree.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module 'metrictree' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
