"""Tests of definitions: cases, properties, generated checks, mutants and what tests cover."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metrictree.testing.asserting import assert_metric
    from metrictree.testing.loading import load

__all__ = ["assert_metric", "load"]

_HOMES = {"assert_metric": "asserting", "load": "loading"}


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use: a run of pytest may not need any."""
    if name not in _HOMES:
        raise AttributeError(f"module 'metrictree.testing' has no attribute {name!r}")
    value = getattr(import_module(f"metrictree.testing.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
