"""The machine and the software."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from ovreport.run.record import Amount, Cores, Many, Record, Whole, digest

_CPUS = "CPUs allowed"


class Device(Record):
    """A device of a runtime, as OpenVINO describes it."""

    name: str
    full_name: str
    properties: dict[str, str] = Field(default_factory=dict)


class RuntimeFacts(Record):
    """One OpenVINO release that measured: a value of the matrix's ``runtime``."""

    name: str
    openvino: str
    python: str
    devices: Many[Device] = ()


class Environment(Record):
    """The machine and the software that a run was made with.

    ``openvino`` and ``devices`` are the first runtime's.
    """

    host: str
    user: str
    os: str
    cpu: str
    physical_cores: Whole | None
    logical_cores: Whole
    memory_bytes: Whole
    python: str
    openvino: str
    packages: dict[str, str] = Field(default_factory=dict)
    governor: str | None = None
    """Frequency policy of the CPUs, where the system shows it."""
    max_mhz: Amount | None = None
    isa: Many[str] = ()
    """Instruction sets that decide about inference speed: avx2, avx512_vnni, amx_int8, …"""
    load: Cores | None = None
    """Busy cores just before the run."""
    container: str | None = None
    cpu_quota: Cores | None = None
    """Cores that a container may use, where it is limited."""
    cpu_affinity: Many[Whole] = ()
    """Numbers of the logical cores that the process may use (``taskset``); empty: all."""
    devices: Many[Device] = ()
    runtimes: Many[RuntimeFacts] = ()
    """All runtimes, in the order of the config."""

    @property
    def release(self) -> str:
        """OpenVINO's, without its build: ``2026.4.1``."""
        return self.openvino.split("-")[0]

    @property
    def usable_cores(self) -> float:
        """What the process may use of the logical cores: its CPUs, and no more than its quota."""
        cpus = len(set(self.cpu_affinity)) or self.logical_cores
        return cpus if self.cpu_quota is None else min(cpus, self.cpu_quota)

    @property
    def id(self) -> str:
        """Equal where figures may be compared: what varies from day to day is left out."""
        return digest(self._facts)

    def changes(self, now: Environment) -> tuple[str, ...]:
        """What differs, in words: ``governor was powersave, now performance``."""
        then, here = ({_CPUS: "all", **e._facts} for e in (self, now))
        return tuple(
            f"{name} was {then[name] or 'unknown'}, now {value or 'unknown'}"
            for name, value in here.items()
            if value != then[name]
        )

    @property
    def _facts(self) -> dict[str, Any]:
        # Where all CPUs may be used the id is as it was before affinity was recorded.
        affinity = {_CPUS: number_ranges(self.cpu_affinity)} if self.cpu_affinity else {}
        return {
            "host": self.host,
            "operating system": self.os,
            "CPU": self.cpu,
            "cores": self.logical_cores,
            "cores allowed": self.cpu_quota,
            "governor": self.governor,
            "container": self.container,
            "OpenVINO": self.openvino,
            **affinity,
        }


def number_ranges(numbers: Sequence[int]) -> str:
    """``0–3, 8``: numbers in ascending order, neighbours as ranges."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][-1] + 1:
            found[-1][1:] = [number]
        else:
            found.append([number])
    return ", ".join("–".join(map(str, ends)) for ends in found)
