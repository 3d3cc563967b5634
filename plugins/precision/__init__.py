"""The section Precision."""
