"""The section Bottlenecks."""
