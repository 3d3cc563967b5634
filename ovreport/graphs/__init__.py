"""Graphs of layers: what they mean and how they are drawn."""
