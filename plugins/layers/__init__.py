"""The section Layers."""
