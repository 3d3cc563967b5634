"""Limits that a run must keep, for continuous integration."""
