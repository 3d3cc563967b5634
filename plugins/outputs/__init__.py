"""The section Outputs."""
