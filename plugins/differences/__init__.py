"""The section Differences."""
