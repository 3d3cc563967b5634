"""Everything derived from a run: figures, pairs and verdicts, layers, graphs and their work."""
