"""Which cells are measured, with which shapes, and what an interrupted run still lacks."""
