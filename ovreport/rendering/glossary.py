"""Terms of the field, explained once in the page and linked where they occur."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from markupsafe import Markup, escape

# Term → (explanation, further spellings). Explanations are for readers who run models but have
# never tuned one.
_TERMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "latency": ("The time of one inference request inside OpenVINO, from start to completion.", ()),
    "throughput": (
        "Samples finished in a second, over the wall time: batch × completed requests ÷ time.",
        ("FPS",),
    ),
    "median": ("Half of the values are below it, half above. One slow request hardly moves it.",
               ()),
    "percentile": (
        "p95 is the latency that 95 % of the requests stay below, p99 the one that 99 % stay "
        "below. A percentile is left out where fewer than ten requests lie beyond it, as it would "
        "be chance.",
        ("p90", "p95", "p99", "percentiles"),
    ),
    "±": (
        "Half the width of the 95 % confidence interval: 19 of 20 such intervals hold the true "
        "value. It is computed from how much launches differ (with one launch: its slices) and "
        "covers this run only. If the sides differ by much, both are shown: −1/+50 %.",
        ("interval", "intervals", "confidence interval", "confidence intervals"),
    ),
    "cell": ("One point of the matrix: a model version with a device, hint, streams, batch, …",
             ("cells",)),
    "hint": (
        "What OpenVINO is asked to optimise for. The latency hint runs one request at a time on "
        "all cores; the throughput hint runs several at the same time.",
        ("hints", "performance hint"),
    ),
    "stream": (
        "A group of threads that executes one request at a time. More streams mostly give more "
        "throughput, while each request takes longer.",
        ("streams",),
    ),
    "infer request": (
        "One inference with its inputs and outputs, which a stream executes. To keep all streams "
        "busy, at least as many requests as streams must be in flight.",
        ("infer requests", "requests", "request"),
    ),
    "batch": ("Samples that one request processes together.", ("batches",)),
    "sweet spot": (
        "The configuration with the highest throughput whose latency is within the threshold.",
        ("sweet spots",),
    ),
    "slice": (
        "One uninterrupted period of measuring, a tenth of a second by default. Cells that are "
        "compared take turns slice by slice, so that drift of the machine affects all of them "
        "alike.",
        ("slices", "in turns"),
    ),
    "launch": (
        "One worker process, from reading the model to its last request. Each cell has several, "
        "as memory layout alone changes a result by about one percent.",
        ("launches",),
    ),
    "warm-up": ("Slices before the figures are steady. They are measured but not counted.", ()),
    "layer": ("One step of the network as the device executes it, often several operators fused.",
              ("layers",)),
    "kernel": (
        "The implementation that executes a layer, also called primitive. For example, "
        "brgconv_avx2_f32 is a convolution by matrix kernels for AVX2 in FP32.",
        ("kernels", "primitive", "primitives"),
    ),
    "reorder": (
        "A layer that OpenVINO inserts to change layout or precision of a tensor. The model "
        "itself does not need this work.",
        ("reorders",),
    ),
    "fused": ("Executed inside another layer, in one pass over the data.", ("fuses", "fusion")),
    "runtime graph": ("The network as the device executes it, after all of OpenVINO's changes.",
                      ()),
    "executed precision": (
        "The number format that a layer computes in. Its weights may be kept in a narrower one.", ()
    ),
    "inference precision": (
        "The number format that the device was asked for or chose; single layers may differ.", ()
    ),
    "critical path": (
        "The longest chain of layers that wait for each other. A request cannot take less time, "
        "even if all other layers ran at the same time.",
        (),
    ),
    "counters": (
        "OpenVINO's own clock around each layer. It costs time, so layer times are measured "
        "separately, and latencies are measured without counters.",
        ("performance counters",),
    ),
    "Amdahl's law": (
        "The gain is limited by the share of the time that becomes faster: a layer with 10 % of "
        "the time saves at most 10 %.",
        (),
    ),
    "roofline": (
        "The most that a processor can do at a given arithmetic intensity: limited by memory "
        "bandwidth to the left, by arithmetic to the right.",
        (),
    ),
    "arithmetic intensity": ("Operations for each byte moved to or from memory.", ()),
    "GFLOP": ("10⁹ floating-point operations; one multiply-add counts as two.",
              ("GFLOPs", "FLOPs", "GFLOPS", "GFLOP/s")),
    "resident memory": ("The memory of the process that is really in RAM.", ()),
    "quantise": (
        "Turn a model's weights and activations into 8-bit integers (INT8).",
        ("quantised", "INT8"),
    ),
    "Pareto front": (
        "The configurations for which no other one has both more throughput and less "
        "latency.", ("front",)
    ),
}  # fmt: skip

_TERM_OF = {
    spelling.lower(): term for term, (_, others) in _TERMS.items() for spelling in (term, *others)
}


def _pattern_of(terms: Iterable[str], flags: int = 0) -> re.Pattern[str]:
    """Return a pattern of these words: the longest that fits, whole, and not in a file's name."""
    alternatives = "|".join(sorted(map(re.escape, terms), key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?<!\w[./])(?:{alternatives})(?![\w-]|[./]\w)", flags)


_ANY = _pattern_of(_TERM_OF, re.IGNORECASE)


class Glossary:
    """Links the first occurrence of each term in a section, and records the terms used.

    Args:
        names: names of models and versions; a term inside one of them is part of the name.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        # A version that is called int8 is explained by the term.
        kept = sorted({n for n in names if _ANY.search(n) and n.lower() not in _TERM_OF})
        self._names = _pattern_of(kept) if kept else None
        self._used: set[str] = set()
        self._seen: set[str] = set()

    def new_section(self) -> None:
        """Link every term again from here on."""
        self._seen.clear()

    def linked(self, text: str) -> Markup:
        """Return the text with links to the explanations of its terms."""
        names = [] if self._names is None else [m.span() for m in self._names.finditer(text)]
        parts, end = [], 0
        for match in _ANY.finditer(text):
            if any(begin <= match.start() < stop for begin, stop in names):
                continue
            term = _TERM_OF[match[0].lower()]
            if term not in self._seen:
                self._seen.add(term)
                self._used.add(term)
                link = Markup('<a class="term" href="#{}">{}</a>').format(anchor(term), match[0])
                parts += [escape(text[end : match.start()]), link]
                end = match.end()
        return Markup("").join([*parts, escape(text[end:])])

    def used(self) -> Iterator[tuple[str, str, str]]:
        """Yield anchor, term and explanation of all linked terms, in alphabetical order."""
        for term in sorted(self._used, key=str.lower):
            yield anchor(term), term, _TERMS[term][0]


def anchor(term: str) -> str:
    """Return the anchor of a term in the glossary: ``term-sweet-spot``."""
    slug = re.sub(r"[^a-z0-9]+", "-", term.lower()).strip("-")
    return f"term-{slug or 'interval'}"
