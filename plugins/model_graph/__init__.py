"""The section Model graph."""
