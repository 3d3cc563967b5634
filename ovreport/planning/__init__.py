"""Plans a run: which cells it measures, with which shapes, and what an interrupted run lacks."""
