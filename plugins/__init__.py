"""The built-in analyzers, each a section of the report."""
