"""The immutable types of a run, which a run file stores and analyzers read.

Durations are integers in nanoseconds (``_ns``), sizes are in bytes. :mod:`ovreport.runfile` stores
and reads a :class:`Run`.
"""

from ovreport.run.answers import (
    Answers,
    LayerDrift,
    OutputDrift,
    Reason,
    RecordedOutput,
    Recording,
    WorstPart,
)
from ovreport.run.busy import BUSY_CORES, is_busy, was_busy_before
from ovreport.run.cell import Cell, Hint, Streams
from ovreport.run.environment import Device, Environment, RuntimeFacts, number_ranges
from ovreport.run.graph import Graph, Node, Port, counterparts
from ovreport.run.header import (
    MAX_CSS,
    MAX_LOGO,
    Appearance,
    Header,
    Making,
    ModelFile,
    Origin,
    SearchStep,
)
from ovreport.run.record import Record
from ovreport.run.result import (
    CellResult,
    Failure,
    Harness,
    Launch,
    Memory,
    ModelCache,
    PartialLaunches,
    Profile,
    ProfiledLayer,
    Provenance,
    Resolved,
    Slice,
    Stage,
    StopReason,
    TokenSequence,
)
from ovreport.run.roof import Conditions, Roof
from ovreport.run.run import Run

__all__ = [
    "BUSY_CORES",
    "MAX_CSS",
    "MAX_LOGO",
    "Answers",
    "Appearance",
    "Cell",
    "CellResult",
    "Conditions",
    "Device",
    "Environment",
    "Failure",
    "Graph",
    "Harness",
    "Header",
    "Hint",
    "Launch",
    "LayerDrift",
    "Making",
    "Memory",
    "ModelCache",
    "ModelFile",
    "Node",
    "Origin",
    "OutputDrift",
    "PartialLaunches",
    "Port",
    "Profile",
    "ProfiledLayer",
    "Provenance",
    "Reason",
    "Record",
    "RecordedOutput",
    "Recording",
    "Resolved",
    "Roof",
    "Run",
    "RuntimeFacts",
    "SearchStep",
    "Slice",
    "Stage",
    "StopReason",
    "Streams",
    "TokenSequence",
    "WorstPart",
    "counterparts",
    "is_busy",
    "number_ranges",
    "was_busy_before",
]
