'''The base class of analyzers, and how to write one.

An analyzer turns a :class:`~ovreport.run.Run` into a :class:`~ovreport.section.Section`. The
smallest useful one::

    from ovreport.plugin import Analyzer
    from ovreport.run import Run
    from ovreport.section import Column, Group, Row, Section, Table


    class CompileTime(Analyzer):
        """Shows how long each configuration took to compile."""

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
file under ``[report] plugins``. A template ``section.html`` in the folder of the class's module
arranges the section's blocks; without one they are shown one after another.

**Options.** Put the type of the options in brackets. ``self.options`` has that type, and the config
is checked against it before anything is measured::

    class CompileTimeOptions(Options):
        limit_s: float = 10.0
        """Longer compile times are a warning."""


    class CompileTime(Analyzer[CompileTimeOptions]):
        ...

        def analyze(self, run: Run) -> Section:
            limit = self.options.limit_s

An option of type :class:`ConfigFile` names a file, relative to the config; its value is an absolute
path, and None where a report is rendered from a run file alone::

    class AccuracyOptions(Options):
        table: ConfigFile = None
        """CSV file with the accuracy of each version."""

**Needs.** ``needs`` lists what a run must hold. Each is the name of a common need or a
:class:`Need` of your own. The report shows one sentence for a need that is not met::

    OUTPUTS = Need(lambda run: bool(run.answers), "The outputs of versions were not compared.")


    class WorstOutput(Analyzer):
        ...
        needs = frozenset({"two_versions", OUTPUTS})

If only the analysis shows that there is nothing to report, return
``Skipped("One sentence with the reason.")`` instead of a section.

**Links.** ``Link("the row", anchor)`` leads to a row, a section or a diagram of the report.
``Link("the documentation", url="https://…")`` leads to another site and shows an arrow; only
addresses of http and https are accepted.

**Files.** With ``exports_diagrams = True``, ``ovreport export --graph`` writes the section's
diagrams. ``ovreport export --json`` writes the tables and findings of every section.

**Findings.** A :class:`~ovreport.section.Finding` has a stable ``id``, by which a config suppresses
it, and optionally a ``topic``. A ``"verdict"`` answers the question of the run: the first screen
always shows one of each section. A ``"disturbance"`` says how the machine disturbed the run: the
first screen shows all of these as one. A ``"unit"`` says what the figures count, and comes first.
'''

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeAlias, cast, get_args

from ovreport.config.analyzer_options import ConfigFile, Options
from ovreport.run import Run
from ovreport.section import Section, Skipped

__all__ = ["Analyzer", "AnyNeed", "CommonNeed", "ConfigFile", "Need", "Options"]

if TYPE_CHECKING:  # type checkers know `default`; Python itself has it only since 3.13
    from typing_extensions import TypeVar

    OptionsT_co = TypeVar("OptionsT_co", bound=Options, default=Options, covariant=True)
else:
    from typing import TypeVar

    OptionsT_co = TypeVar("OptionsT_co", bound=Options, covariant=True)

CommonNeed = Literal[
    "measurements",
    "full_rate",  # at least one cell without a fixed rate of requests
    "layers",
    "model_graph",
    "runtime_graph",
    "two_versions",
    "roofs",
]


@dataclass(frozen=True)
class Need:
    """Something that a run must hold for an analyzer.

    Attributes:
        is_met: returns whether the run holds it. If it raises, only this section is lost.
        missing: one sentence for the report if the need is not met.
    """

    is_met: Callable[[Run], bool]
    missing: str

    def __post_init__(self) -> None:
        if not callable(self.is_met):
            raise TypeError(f"Need: is_met is {self.is_met!r:.80}, not a function of a run")
        if not (isinstance(self.missing, str) and self.missing.strip()):
            raise TypeError(f"Need: missing is {self.missing!r:.80}, not a sentence")


AnyNeed: TypeAlias = "CommonNeed | Need"


class Analyzer(ABC, Generic[OptionsT_co]):
    """The base class of analyzers: each answers one question with one section.

    Attributes:
        id: short and stable; the section's anchor and the name of its options in the config.
        title: heading of the section.
        reading: one sentence on how to read the section.
        needs: what a run must hold; if it does not, the report shows one sentence instead.
        order: place in the report, ascending.
        exports_diagrams: whether ``ovreport export --graph`` writes the section's diagrams.
        options_type: type of the options; ``class X(Analyzer[XOptions])`` sets it.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    reading: ClassVar[str] = ""
    needs: ClassVar[Set[AnyNeed]] = frozenset()
    order: ClassVar[int] = 500
    exports_diagrams: ClassVar[bool] = False
    options_type: ClassVar[type[Options]] = Options

    options: OptionsT_co

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "options_type" not in vars(cls):
            cls.options_type = _options_in_brackets(cls) or cls.options_type

    def __init__(self, options: OptionsT_co | None = None) -> None:
        self.options = options if options is not None else cast(OptionsT_co, self.options_type())

    @classmethod
    def concerns(cls, run: Run) -> bool:  # noqa: ARG003  # for subclasses to ask
        """Return whether the section is about runs of this kind; if not, it is left out."""
        return True

    @abstractmethod
    def analyze(self, run: Run) -> Section | Skipped:
        """Turn a run into a section; the same run gives the same section.

        If it raises, only this section is lost.
        """


def _options_in_brackets(kind: type[Analyzer]) -> type[Options] | None:
    """Return ``XOptions`` of ``class X(Analyzer[XOptions])``; None for a class without brackets.

    Raises:
        TypeError: the brackets hold no class of options.
    """
    for base in vars(kind).get("__orig_bases__", ()):
        origin = getattr(base, "__origin__", None)
        if not (isinstance(origin, type) and issubclass(origin, Analyzer)):
            continue
        for argument in get_args(base):
            if isinstance(argument, type) and issubclass(argument, Options):
                return argument
        if not any(isinstance(argument, TypeVar) for argument in get_args(base)):
            raise TypeError(f"{kind.__name__}: {base} holds no class that derives from Options")
    return None
