"""The section Rates."""
