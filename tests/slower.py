"""A version and itself with one layer twice as expensive, and nothing else changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ovreport.run import Cell, CellResult, Launch, ProfiledLayer, Run, Slice

SLOWER = "block1/expand/conv"


def twice_as_expensive(run: Run) -> Run:
    """The run of ``data/versions.jsonl`` with the parent, and a copy as the version "again"."""
    (parent,) = run.of_version("mobilenet", "parent")
    (again,) = run.of_version("mobilenet", "again")
    pair = with_layer(parent, parent.cell, 400_000), with_layer(parent, again.cell, 800_000)
    return replace(run, results=pair)


def with_layer(result: CellResult, cell: Cell, layer_ns: int) -> CellResult:
    """A copy whose layer ``SLOWER`` takes so long in every inference, and latencies with it."""
    assert result.profile is not None

    def layer(item: ProfiledLayer) -> ProfiledLayer:
        times = np.full(len(item.times_ns), layer_ns, np.int64)
        return item.model_copy(update={"times_ns": times}) if item.name == SLOWER else item

    def slice(item: Slice) -> Slice:
        latencies, wall_ns = item.latencies_ns + layer_ns, item.wall_ns + item.requests * layer_ns
        return item.model_copy(update={"latencies_ns": latencies, "wall_ns": wall_ns})

    def launch(item: Launch) -> Launch:
        return item.model_copy(update={"slices": tuple(map(slice, item.slices))})

    layers = tuple(map(layer, result.profile.layers))
    return result.model_copy(
        update={
            "cell": cell,
            "profile": result.profile.model_copy(update={"layers": layers}),
            "launches": tuple(map(launch, result.launches)),
        }
    )
