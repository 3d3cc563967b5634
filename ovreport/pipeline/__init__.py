r"""The use cases of ovreport as functions: the Python API.

Each function takes paths, a config and a display (silent by default), raises
:class:`~ovreport.errors.UserError` if the input is wrong, returns a frozen result, and prints
nothing. Messages name the option of the command line that an argument stands for::

    from pathlib import Path
    from ovreport.pipeline import Limits, compare

    result = compare(
        Path("before.jsonl"), Path("after.jsonl"), Path("compare.html"),
        limits=Limits(rules=("throughput<-5%",)),
    )
    print(result.is_broken, *result.gate.outcomes, sep="\n")

There is no ``from ovreport import run``: :mod:`ovreport.run` is the package of recorded data.
"""

from ovreport.pipeline.display import (
    SILENT,
    CellDone,
    ComparingOutputs,
    Display,
    Event,
    GateChecked,
    KeepingOutputs,
    MeasuringRoof,
    Planned,
    ReportWritten,
    RoofMeasured,
    Searched,
    Silent,
    Warned,
)
from ovreport.pipeline.from_config import plan, run
from ovreport.pipeline.from_runs import compare, export, render, trend
from ovreport.pipeline.limits import Limits
from ovreport.pipeline.optimise import optimise
from ovreport.pipeline.results import Compared, Exported, MeasuredRun, Optimised, Rendered

__all__ = [
    "SILENT",
    "CellDone",
    "Compared",
    "ComparingOutputs",
    "Display",
    "Event",
    "Exported",
    "GateChecked",
    "KeepingOutputs",
    "Limits",
    "MeasuredRun",
    "MeasuringRoof",
    "Optimised",
    "Planned",
    "Rendered",
    "ReportWritten",
    "RoofMeasured",
    "Searched",
    "Silent",
    "Warned",
    "compare",
    "export",
    "optimise",
    "plan",
    "render",
    "run",
    "trend",
]
