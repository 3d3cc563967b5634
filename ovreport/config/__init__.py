"""The config: read and validated once, at the door; everything after it is typed."""
