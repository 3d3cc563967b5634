"""Making versions of models that are optimised, in worker processes, and keeping them."""
