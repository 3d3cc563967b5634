"""Measures cells in worker processes."""
