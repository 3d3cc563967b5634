"""The section Configurations."""
