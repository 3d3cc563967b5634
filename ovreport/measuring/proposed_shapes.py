"""Proposes a shape for a model with an open shape, after trying that the model accepts it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ovreport.measuring.worker_session import WorkerError, WorkerSession
from ovreport.planning.shapes import PartialShape, guesses, written
from ovreport.run import Port

# Enough to read a large model and reshape it a few times.
_LIMIT_S = 120.0


def propose(
    model: Path,
    inputs: Sequence[Port],
    partials: Sequence[PartialShape],
    extensions: Sequence[Path] = (),
    *,
    python: Path,
) -> str | None:
    """Return the likeliest shape that the model can be reshaped to; None if no guess fits.

    Args:
        model: path of the model.
        inputs: inputs in the model's file.
        partials: each input's shape with its open dimensions.
        extensions: libraries with the model's custom operations.
        python: the runtime whose OpenVINO tries the shapes.
    """
    shapes = list(dict.fromkeys(guesses(inputs, partials)))
    try:
        with WorkerSession(python) as worker:
            answer = worker.ask(
                "reshape",
                _LIMIT_S,
                "first_fitting",
                path=str(model),
                shapes=shapes,
                extensions=[str(path) for path in extensions],
            )
    except WorkerError:
        return None  # the model can be read, so the guesses failed
    place = answer["place"]
    return None if place is None else written(inputs, shapes[place])
