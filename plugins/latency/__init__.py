"""The section Latency."""
