"""The worker: a process that reads, compiles and runs one model, one command on each line.

It needs only the standard library, numpy and openvino (2024.0 or newer), and is started by path,
``python …/worker``, so that it runs in any Python environment.
"""
