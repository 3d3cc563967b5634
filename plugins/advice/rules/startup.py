"""What a program waits for when it starts, and the memory it needs."""

from __future__ import annotations

from collections.abc import Callable

from ovreport.computed.figures import figures
from ovreport.computed.speed import batch_timeout_s, median_latency_s
from ovreport.run import CellResult, Memory
from ovreport.text.labels import count, label, toml_key
from ovreport.text.numbers import digits, show

from ..case import Case, Found, Rule

_SLOW_COMPILE_S = 1.0
# A cache that saves less than this is not worth its place on disk.
_CACHE_PAYS = 0.8
_SLOW_FIRST = 3.0
# A first inference that is slow in proportion only, of a model of microseconds, keeps nobody
# waiting.
_NOTICED_S = 0.02
# Beyond this the system starts to write memory to disk, and times say nothing any more.
_FULL = 0.8
_MUCH_BYTES = 256 << 20


def _worst(case: Case, cost: Callable[[CellResult], float]) -> tuple[CellResult, str]:
    """Return the version's cell with the highest cost.

    Words for the cell follow, which are empty if it is the focus cell.
    """
    result = max(case.cells or (case.result,), key=cost)
    if cost(result) == cost(case.result):
        return case.result, ""
    return result, f" with {label(result.cell, case.run.header.plan)}"


def _compile_s(result: CellResult) -> float:
    known = figures(result).compile_s
    return known.point if known is not None else 0.0


def _compile(case: Case) -> Found | str:
    result, where = _worst(case, _compile_s)
    known = figures(result)
    if known.compile_s is None:
        return "the device loaded what it had compiled before from its cache"
    compiling = known.compile_s.point
    said = f"compiling takes {show(compiling, 'duration')}{where}"
    if known.cached_compile_s is not None:
        loading = show(known.cached_compile_s.point, "duration")
        return f"{said}, and {loading} from the device's cache, which is in use"
    if compiling < _SLOW_COMPILE_S:
        return said
    if result.provenance is not None and "CACHE_DIR" in result.provenance.properties:
        return f"{said} with a cache in use"
    inferences = count(round(compiling / median_latency_s(result)), "inference")
    kept = result.model_cache
    if kept is None or kept.failure or not kept.size_bytes:
        why = kept.failure or "the device keeps nothing" if kept else "it was not tried here"
        return f"{said}, as long as {inferences}; what a cache would save is not known: {why}"
    cached = kept.compile_ns / 1e9
    again = f"{show(cached, 'duration')} from a cache of {show(kept.size_bytes, 'bytes')}"
    if cached > _CACHE_PAYS * compiling:
        return f"{said} and {again}: a cache does not pay"
    return Found(
        "info",
        f"{said}, as long as {inferences}, and {again}, as measured in this run.",
        'Let the device cache the compiled model: set the property CACHE_DIR = "cache" in your '
        "program. It saves the difference at every start but the first.",
        f'Set CACHE_DIR = "cache" under [properties.{toml_key(result.cell.device)}], and '
        "compare the launches that compiled with those that loaded from the cache.",
    )


def _first_over_later(result: CellResult) -> float:
    """The first inference over the median of the later ones, where it is felt at all."""
    first = figures(result).first_inference_s.point
    return first / median_latency_s(result) if first >= _NOTICED_S else 0.0


def _first(case: Case) -> Found | str:
    result, where = _worst(case, _first_over_later)
    first, latency = figures(result).first_inference_s.point, median_latency_s(result)
    said = f"the first inference takes {show(first, 'duration')}{where}"
    wait = batch_timeout_s(result)
    if wait and first >= wait:
        return (
            f"{said}, as it waits "
            f"{show(wait, 'duration')} for other requests to fill a batch (AUTO_BATCH_TIMEOUT)"
        )
    if first < _SLOW_FIRST * latency or first < _NOTICED_S:
        return said
    return Found(
        "info",
        f"{said}, {digits(first / latency)} times the median of the later ones.",
        "Run one inference at start-up, before the first request of a user.",
        "Time the first request of your program after that: it takes as long as the later ones.",
    )


def _memory(case: Case) -> Found | str:
    """Peaks of resident memory against the machine's, and of compiling against running."""
    machine = case.run.header.environment.memory_bytes
    peaks = [(launch.memory, result) for result in case.cells for launch in result.launches]
    if not peaks:
        return "no launch was recorded"

    def peak(memory: Memory) -> int:
        return max(memory.read_bytes, memory.compile_bytes, memory.inference_bytes)

    most, where = max(peaks, key=lambda item: peak(item[0]))
    text = f"the process needs up to {show(peak(most), 'bytes')} of the machine's " + show(
        machine, "bytes"
    )
    if peak(most) >= _FULL * machine:
        return Found(
            "problem",
            f"{text}: beyond that, the system writes memory to disk.",
            "Use fewer streams, a smaller batch, or a version with compressed weights.",
            "Compare the peak memory of the cells in the summary.",
        )
    extra = most.compile_bytes - most.inference_bytes
    if extra > max(_MUCH_BYTES, 0.25 * most.inference_bytes):
        return Found(
            "info",
            f"compiling needs {show(most.compile_bytes, 'bytes')} of memory at its peak, "
            f"{show(extra, 'bytes')} more than inference does later.",
            "A model from a cache (CACHE_DIR), or an IR with its .bin file, is not in memory "
            "twice.",
            "Compare the memory peaks of the phases in `ovreport export --json`.",
        )
    return f"{text}, with {where.cell.hint} hint"


RULES = (
    Rule("model-cache", "Is compiling worth a model cache?", _compile),
    Rule("first-inference", "Is the first inference slow?", _first),
    Rule("memory", "Does the model need much memory?", _memory),
)
