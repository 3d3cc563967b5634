"""The section Summary."""
