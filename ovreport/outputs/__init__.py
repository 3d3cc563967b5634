"""Compares the outputs of two versions of a model."""
