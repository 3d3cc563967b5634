"""The section Advice."""
