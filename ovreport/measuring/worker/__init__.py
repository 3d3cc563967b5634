"""The worker: a process that reads, compiles and runs one model, told what to do line by line.

It needs only the standard library, numpy and openvino (2024.0 or newer), and is started by path,
``python …/worker``, so that it runs in any Python environment.
"""
