"""The section Roofline."""
