"""Running cells in worker processes."""
