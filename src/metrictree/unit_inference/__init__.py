"""Units through formulas: what each metric is in, and where a formula contradicts itself."""

from __future__ import annotations

from metrictree.unit_inference.faults import UnitFault
from metrictree.unit_inference.inference import InferredUnits, infer_units

__all__ = ["InferredUnits", "UnitFault", "infer_units"]
