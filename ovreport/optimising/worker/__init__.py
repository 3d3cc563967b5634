"""The worker that makes one version of a model: ``python …/worker``, started by its path."""
