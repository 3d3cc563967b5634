"""The config: read and validated once; what follows works with typed values."""
