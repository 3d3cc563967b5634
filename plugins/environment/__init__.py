"""The section Environment."""
