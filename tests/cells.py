"""Measured cells made by hand."""

from dataclasses import replace

import numpy as np

from ovreport.run import Cell, CellResult, Launch, Memory, Resolved, Run, Slice

MEMORY = Memory(start_bytes=1, read_bytes=2, compile_bytes=3, inference_bytes=1 << 20)


def quiet(run: Run, factor: float = 1.0) -> Run:
    """The run as if nothing else had used the machine, with roofs so many times as high."""
    roofs = tuple(
        roof.model_copy(
            update={
                "other_load": 0.0,
                "operations": {name: rate * factor for name, rate in roof.operations.items()},
                "memory_bandwidth": roof.memory_bandwidth * factor,
                "cache_bandwidth": roof.cache_bandwidth and roof.cache_bandwidth * factor,
            }
        )
        for roof in run.roofs
    )
    results = tuple(
        one.model_copy(update={"profile": one.profile.model_copy(update={"other_load": 0.0})})
        if one.profile
        else one
        for one in run.results
    )
    return replace(run, roofs=roofs, results=results)


def result(
    cell: Cell,
    latency_ms: float,
    *,
    streams: int = 1,
    batch: int = 1,
    slices: int = 10,
    arrived: int | None = None,
    other_load: float | None = None,
) -> CellResult:
    """Slices of ten requests each, with one request in flight for each stream."""
    latency_ns = round(latency_ms * 1e6)
    taken = tuple(
        Slice(
            start_ns=number * 10 * latency_ns,
            wall_ns=10 * latency_ns // streams,
            cpu_ns=1,
            latencies_ns=np.full(10, latency_ns, dtype=np.int64),
            arrived=arrived,
            other_load=other_load,
        )
        for number in range(slices)
    )
    launch = Launch(
        read_ns=10**6, compile_ns=2 * 10**6, first_inference_ns=10**6, memory=MEMORY, slices=taken
    )
    resolved = Resolved(
        batch=batch, streams=streams, requests=streams, threads=2, precision="f32",
        execution_devices=("CPU",), inputs=(), outputs=(), properties={}, input_data="random",
    )  # fmt: skip
    return CellResult(cell=cell, launches=(launch,), resolved=resolved, stopped="target")
