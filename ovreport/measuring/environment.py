"""Describes the machine and the software of a run; Linux gives the most details."""

from __future__ import annotations

import getpass
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from ovreport.cores import allowed_cpus, busy_share, quota
from ovreport.run import Environment, RuntimeFacts

_PACKAGES = ("openvino", "numpy", "nncf", "onnx", "ovreport")

# Instruction sets that decide which kernels OpenVINO can choose, as /proc/cpuinfo spells them.
_ISA = (
    "sse4_2", "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16",
    "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "amx_fp16", "asimd", "asimddp", "i8mm",
    "bf16", "sve",
)  # fmt: skip

_LOAD_SAMPLE_S = 0.3


def capture(runtimes: Sequence[RuntimeFacts]) -> Environment:
    """Describe the environment; this samples the load for 0.3 s.

    Args:
        runtimes: the OpenVINO releases that measure, as their workers report them; at least one.
    """
    cpuinfo = _read(Path("/proc/cpuinfo"))
    frequency = psutil.cpu_freq()
    return Environment(
        host=platform.node(),
        user=_user(),
        os=_os(),
        cpu=_field(cpuinfo, "model name") or platform.processor() or platform.machine(),
        physical_cores=psutil.cpu_count(logical=False),
        logical_cores=psutil.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        python=platform.python_version(),
        openvino=runtimes[0].openvino,
        packages={name: installed for name in _PACKAGES if (installed := _version(name))},
        governor=_read(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")) or None,
        max_mhz=frequency.max or None if frequency else None,
        isa=_isa(cpuinfo),
        load=round(busy_share(_LOAD_SAMPLE_S), 2),
        container=_container(),
        cpu_quota=quota(),
        cpu_affinity=allowed_cpus(),
        devices=runtimes[0].devices,
        runtimes=tuple(runtimes),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in many containers
        return "unknown"


def _os() -> str:
    if platform.system() == "Linux":
        try:
            name = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
        except OSError:
            name = "Linux"
        return f"{name}, kernel {platform.release()}"
    return platform.platform()


def _isa(cpuinfo: str) -> tuple[str, ...]:
    flags = set((_field(cpuinfo, "flags") or _field(cpuinfo, "Features") or "").split())
    return tuple(name for name in _ISA if name in flags)


def _field(cpuinfo: str, name: str) -> str | None:
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def _container() -> str | None:
    if Path("/.dockerenv").exists():
        return "docker"
    if Path("/run/.containerenv").exists():
        return "podman"
    return "kubernetes" if "kubepods" in _read(Path("/proc/1/cgroup")) else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _read(path: Path) -> str:
    """Read a small system file; empty if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
