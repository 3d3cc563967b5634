"""Comparing what two versions of a model answer."""
