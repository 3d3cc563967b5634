"""The section Versions."""
