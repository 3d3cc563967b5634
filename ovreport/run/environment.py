"""The machine and the software of a run."""

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
    """One OpenVINO release of a run, a value of the matrix's ``runtime``."""

    name: str
    openvino: str
    python: str
    devices: Many[Device] = ()


class Environment(Record):
    """The machine and the software that a run was measured with.

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
    """Frequency policy of the CPUs, if the system shows it."""
    max_mhz: Amount | None = None
    isa: Many[str] = ()
    """Instruction sets that decide about inference speed: avx2, avx512_vnni, amx_int8, …"""
    load: Cores | None = None
    """Busy cores just before the run."""
    container: str | None = None
    cpu_quota: Cores | None = None
    """Cores that a container may use, if it is limited."""
    cpu_affinity: Many[Whole] = ()
    """Numbers of the logical cores that the process may use (``taskset``); empty: all."""
    devices: Many[Device] = ()
    runtimes: Many[RuntimeFacts] = ()
    """All runtimes, in the order of the config."""

    @property
    def release(self) -> str:
        """OpenVINO's release without its build: ``2026.4.1``."""
        return self.openvino.split("-")[0]

    @property
    def usable_cores(self) -> float:
        """Logical cores that the process may use: the allowed CPUs, but at most its quota."""
        cpus = len(set(self.cpu_affinity)) or self.logical_cores
        return cpus if self.cpu_quota is None else min(cpus, self.cpu_quota)

    @property
    def id(self) -> str:
        """A digest that is equal for environments whose figures can be compared.

        It leaves out what varies from day to day.
        """
        return digest(self._facts)

    def changes(self, now: Environment) -> tuple[str, ...]:
        """Return the differences in words: ``governor was powersave, now performance``."""
        then, here = ({_CPUS: "all", **e._facts} for e in (self, now))
        return tuple(
            f"{name} was {then[name] or 'unknown'}, now {value or 'unknown'}"
            for name, value in here.items()
            if value != then[name]
        )

    @property
    def _facts(self) -> dict[str, Any]:
        # If all CPUs are allowed, the id is that of releases that did not record affinity.
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
    """Format numbers in ascending order, neighbours as ranges: ``0–3, 8``."""
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1][1:] = [number]
        else:
            ranges.append([number])
    return ", ".join("–".join(map(str, ends)) for ends in ranges)
