"""What a program waits for when it starts, and the memory it needs."""

from __future__ import annotations

from collections.abc import Callable

from ovreport.computed.figures import figures
from ovreport.computed.speed import batch_timeout_s, median_latency_s
from ovreport.run import CellResult, Memory
from ovreport.text.labels import count, label, toml_key
from ovreport.text.numbers import digits, show

from ..case import AdviceRule, Case, Suggestion

_SLOW_COMPILE_S = 1.0
# A cache is worth its place on disk if loading takes at most this share of the compile time.
_CACHE_PAYS = 0.8
_SLOW_FIRST = 3.0
# Nobody notices a shorter first inference, however many times longer than the later ones it is.
_NOTICED_S = 0.02
# From this share on the system starts to write memory to disk, and times become meaningless.
_FULL = 0.8
_MUCH_BYTES = 256 << 20


def _worst(case: Case, cost: Callable[[CellResult], float]) -> tuple[CellResult, str]:
    """Return the version's cell with the highest cost, and words for it.

    The words are empty if it is the focus cell.
    """
    result = max(case.cells or (case.result,), key=cost)
    if cost(result) == cost(case.result):
        return case.result, ""
    return result, f" with {label(result.cell, case.run.header.plan)}"


def _compile_s(result: CellResult) -> float:
    estimate = figures(result).compile_s
    return estimate.point if estimate is not None else 0.0


def _compile(case: Case) -> Suggestion | str:
    result, where = _worst(case, _compile_s)
    estimates = figures(result)
    if estimates.compile_s is None:
        return "the device loaded the compiled model from its cache"
    compile_s = estimates.compile_s.point
    compile_time = f"compiling takes {show(compile_s, 'duration')}{where}"
    if estimates.cached_compile_s is not None:
        load_time = show(estimates.cached_compile_s.point, "duration")
        return f"{compile_time}, and {load_time} from the device's cache, which is in use"
    if compile_s < _SLOW_COMPILE_S:
        return compile_time
    if result.provenance is not None and "CACHE_DIR" in result.provenance.properties:
        return f"{compile_time} with a cache in use"
    inferences = count(round(compile_s / median_latency_s(result)), "inference")
    cache = result.model_cache
    if cache is None or cache.failure or not cache.size_bytes:
        reason = cache.failure or "the device keeps nothing" if cache else "no cache was tried"
        return (
            f"{compile_time}, as long as {inferences}; this run does not show what a cache would "
            f"save: {reason}"
        )
    cached_s = cache.compile_ns / 1e9
    from_cache = f"{show(cached_s, 'duration')} from a cache of {show(cache.size_bytes, 'bytes')}"
    if cached_s > _CACHE_PAYS * compile_s:
        return f"{compile_time} and {from_cache}: a cache does not pay"
    return Suggestion(
        "info",
        f"{compile_time}, as long as {inferences}, and {from_cache}, as measured in this run.",
        'Let the device cache the compiled model: set the property CACHE_DIR = "cache" in your '
        "program. It saves the difference at every start but the first.",
        f'Set CACHE_DIR = "cache" under [properties.{toml_key(result.cell.device)}], and '
        "compare the launches that compiled with those that loaded from the cache.",
    )


def _first_over_later(result: CellResult) -> float:
    """Return the first inference over the median of later ones; 0 if nobody notices the first."""
    first = figures(result).first_inference_s.point
    return first / median_latency_s(result) if first >= _NOTICED_S else 0.0


def _first(case: Case) -> Suggestion | str:
    result, where = _worst(case, _first_over_later)
    first, latency = figures(result).first_inference_s.point, median_latency_s(result)
    first_time = f"the first inference takes {show(first, 'duration')}{where}"
    wait = batch_timeout_s(result)
    if wait and first >= wait:
        return (
            f"{first_time}, as it waits {show(wait, 'duration')} for other requests to fill a "
            "batch (AUTO_BATCH_TIMEOUT)"
        )
    if first < _SLOW_FIRST * latency or first < _NOTICED_S:
        return first_time
    return Suggestion(
        "info",
        f"{first_time}, {digits(first / latency)} times the median of the later ones.",
        "Run one inference at start-up, before the first request of a user.",
        "Time the first request of your program after that: it should take as long as later ones.",
    )


def _memory(case: Case) -> Suggestion | str:
    """Compare the peak of resident memory with the machine's, and compiling with inference."""
    machine = case.run.header.environment.memory_bytes
    peaks = [(launch.memory, result) for result in case.cells for launch in result.launches]
    if not peaks:
        return "no launch was recorded"

    def peak(memory: Memory) -> int:
        return max(memory.read_bytes, memory.compile_bytes, memory.inference_bytes)

    highest, cell_result = max(peaks, key=lambda item: peak(item[0]))
    text = f"the process needs up to {show(peak(highest), 'bytes')} of the machine's " + show(
        machine, "bytes"
    )
    if peak(highest) >= _FULL * machine:
        return Suggestion(
            "problem",
            f"{text}: beyond that, the system writes memory to disk.",
            "Use fewer streams, a smaller batch, or a version with compressed weights.",
            "Compare the peak memory of the cells in the summary.",
        )
    extra = highest.compile_bytes - highest.inference_bytes
    if extra > max(_MUCH_BYTES, 0.25 * highest.inference_bytes):
        return Suggestion(
            "info",
            f"compiling needs {show(highest.compile_bytes, 'bytes')} of memory at its peak, "
            f"{show(extra, 'bytes')} more than inference does later.",
            "Load the model from a cache (CACHE_DIR), or from an IR with its .bin file: then it is "
            "not in memory twice.",
            "Compare the memory peaks of the phases in `ovreport export --json`.",
        )
    return f"{text}, with {cell_result.cell.hint} hint"


RULES = (
    AdviceRule("model-cache", "Is compiling worth a model cache?", _compile),
    AdviceRule("first-inference", "Is the first inference slow?", _first),
    AdviceRule("memory", "Does the model need much memory?", _memory),
)
