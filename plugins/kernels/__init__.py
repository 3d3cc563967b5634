"""The section Kernels."""
