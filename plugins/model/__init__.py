"""The section Model."""
