'''How to write an analyzer.

An analyzer turns a :class:`~ovreport.run.Run` into a :class:`~ovreport.section.Section`. The
smallest useful one::

    from ovreport.plugin import Analyzer
    from ovreport.run import Run
    from ovreport.section import Column, Group, Row, Section, Table


    class CompileTime(Analyzer):
        """How long each configuration took to compile."""

        id = "compile_time"
        title = "Compile time"
        reading = "Compiling happens once, when a program starts."

        def analyze(self, run: Run) -> Section:
            rows = [
                Row({"cell": r.cell.id, "time": min(x.compile_ns for x in r.launches) / 1e9})
                for r in run.done
            ]
            columns = [Column("cell", "Cell"), Column("time", "Compile", "duration")]
            return Section([Group("", [Table("compile", "Compile time", columns, rows)])])

A package offers it through the entry-point group ``ovreport.analyzers``; a config names a local
file under ``[report] plugins``. A template ``section.html`` beside the class's module, if there is
one, arranges the section's blocks; without it they are shown one after another.
'''

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar, Literal, TypeVar

from ovreport.config.options import Options
from ovreport.run import Run
from ovreport.section import Section

Need = Literal[
    "measurements",
    "full_rate",  # a cell that was not measured at a fixed rate of requests
    "layers",
    "model_graph",
    "runtime_graph",
    "two_versions",
    "roofs",
]


_O = TypeVar("_O", bound=Options)


class Analyzer(ABC):
    """One question, one section.

    Attributes:
        id: short and stable; the section's anchor and the name of its options in the config.
        title: heading of the section.
        reading: one sentence on how to read the section.
        needs: what a run must hold; where it does not, the report says so and goes on.
        order: place in the report, ascending.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    reading: ClassVar[str] = ""
    needs: ClassVar[frozenset[Need]] = frozenset()
    order: ClassVar[int] = 500
    options_type: ClassVar[type[Options]] = Options

    def __init__(self, options: Options | None = None, others: Iterable[Options] = ()) -> None:
        """``others`` are the options of all analyzers, for :meth:`options_of`."""
        self.options = options if options is not None else self.options_type()
        self._others = tuple(others)

    def options_of(self, kind: type[_O]) -> _O:
        """Another analyzer's options, for what two sections must judge alike."""
        return next((options for options in self._others if isinstance(options, kind)), kind())

    @classmethod
    def concerns(cls, run: Run) -> bool:  # noqa: ARG003  # for subclasses to ask
        """False leaves the section out without a word: it is about runs of another kind."""
        return True

    @abstractmethod
    def analyze(self, run: Run) -> Section:
        """Pure: the same run gives the same section. May raise; that costs this section only."""
