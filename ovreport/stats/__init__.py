"""Statistics: pure functions over arrays and measured cells."""
