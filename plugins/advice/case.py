"""The types of advice: the measurements that a rule reads, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ovreport.computed.execution import abilities, execution_devices, on_cpu
from ovreport.computed.layers import ExecutedLayer, executed_layers
from ovreport.computed.quantisation import Quantisation, quantisation
from ovreport.computed.speed import gain
from ovreport.run import CellResult, Node, Run, is_busy
from ovreport.section import Severity
from ovreport.text.values import Link

from ..layer_sections import evidence

# A smaller share is within the spread of the layers' times, and a smaller change is within the
# noise between two processes that run the same model.
NOTABLE = 0.02


@dataclass(frozen=True)
class Suggestion:
    """A rule's suggestion; the section makes a finding of it and adds the id and the version."""

    severity: Severity
    text: str
    """One sentence with this run's figures."""
    remedy: str
    check: str
    """How a reader sees whether the remedy helped."""
    evidence: Sequence[Link] = ()
    gain: float | None = None
    towards: Mapping[str, str] = field(default_factory=dict)
    """The settings that it would change, and their values: ``{"int8": "more"}``,
    ``{"precision": "f32"}``. Two suggestions for one version never contradict each other here."""


@dataclass(frozen=True)
class AdviceRule:
    """A question about a version; ``look`` returns a suggestion or the reason for none."""

    id: str
    question: str
    look: Callable[[Case], Suggestion | str]
    needs_layers: bool = False


@dataclass(frozen=True, eq=False)
class Case:
    """One version of a model: all its measured cells, and the cell whose layers are shown."""

    run: Run
    cells: tuple[CellResult, ...]
    result: CellResult

    @cached_property
    def layers(self) -> tuple[ExecutedLayer, ...]:
        """The executed layers of the cell."""
        return executed_layers(self.run, self.result)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes of the runtime graph."""
        graph = self.result.runtime_graph
        return self.run.graphs[graph].nodes if graph else ()

    @cached_property
    def model(self) -> tuple[Node, ...]:
        """The nodes of the model's own graph."""
        graph = self.result.model_graph
        return self.run.graphs[graph].nodes if graph else ()

    @cached_property
    def siblings(self) -> tuple[CellResult, ...]:
        """Cells of the model's other versions in the same configuration."""
        return tuple(
            other
            for other in self.run.done
            if other.cell.configuration == self.result.cell.configuration
            and other.cell.version != self.result.cell.version
        )

    @cached_property
    def quantisation(self) -> Quantisation:
        """The quantised layers of the cell, and their scheme."""
        return quantisation(self.run, self.result)

    @cached_property
    def rates(self) -> Mapping[str, float]:
        """Operations per second by precision; empty if none were measured on a quiet machine."""
        roof = self.run.roof(self.result)
        return roof.operations if roof and not is_busy(roof.other_load) else {}

    @property
    def on_cpu(self) -> bool:
        """Whether only a CPU executed the cell."""
        return on_cpu(self.result)

    @property
    def on_gpu(self) -> bool:
        """Whether only GPUs executed the cell."""
        return all(device.startswith("GPU") for device in execution_devices(self.result))

    @property
    def has_integer_units(self) -> bool:
        """Whether the device has instructions that multiply INT8 faster than floating point."""
        return abilities(self.run, self.result).dot_products

    def evidence(self, layers: Sequence[ExecutedLayer]) -> tuple[Link, ...]:
        """Return links to the layers' rows in the layer table."""
        return evidence(self.result, layers)

    def gain(self, layers: Sequence[ExecutedLayer]) -> float:
        """Return the largest share of the latency that these layers could save."""
        return gain(self.run, self.result, layers)


def share(layers: Sequence[ExecutedLayer]) -> float:
    """Return the share of the time of all layers that these take."""
    return sum(layer.share for layer in layers)


def types(layers: Sequence[ExecutedLayer], at_most: int = 5) -> str:
    """Return the types of some layers, most time first: ``Convolution, Pooling``."""
    times: dict[str, float] = {}
    for layer in layers:
        times[layer.type] = times.get(layer.type, 0.0) + layer.median_s
    names = sorted(times, key=lambda name: -times[name])
    return ", ".join(names[:at_most]) + (", …" if len(names) > at_most else "")
