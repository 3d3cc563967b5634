"""The section Trend."""
