"""Columns in memory: a plan computed with NumPy, block by block."""
