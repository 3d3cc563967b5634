"""Sentences about the comparison of outputs."""

from __future__ import annotations

from collections.abc import Iterator

from ovreport.outputs.agreement import AGREE, Agreement, JudgedOutput, is_systematic, outlying_part
from ovreport.run import OutputDrift
from ovreport.text.labels import count
from ovreport.text.numbers import digits, shorten, show

_NAME = 40


def in_words(agreement: Agreement) -> str:
    """Summarise the comparison: ``answers alike (cosine similarity 0.9987)``."""
    worst = agreement.worst
    if worst is None:
        return "answers not compared"
    several = len(agreement.outputs) - len(agreement.empty) > 1
    match agreement.outcome:
        case "identical" | "equal":
            text = f"answers {_equality(worst)}"
        case "alike":
            text = f"answers alike ({likeness(worst)})"
        case "deviating" | "different":
            text = f"answers differ ({likeness(worst)})"
        case _:
            named = f"output {shorten(worst.drift.name, _NAME)}"
            all_or_some = "not all compared" if agreement.agreeing else "not compared"
            text = f"answers {all_or_some}: {named} {obstacle(worst)}"
    if several and agreement.outcome not in AGREE:
        text += f"; {_share(agreement.agreeing, len(agreement.outputs))}"
    if agreement.empty and worst.outcome != "empty":
        text += f"; {empty_outputs(agreement)}"
    if agreement.answers.left_out:
        text += f", over {samples(agreement)}"
    return text


def empty_outputs(agreement: Agreement) -> str:
    """Say which outputs hold nothing to compare: ``output boxes is empty in both``."""
    first, *others = agreement.empty
    if others:
        return f"{count(1 + len(others), 'output')} are empty in both"
    return f"output {shorten(first.drift.name, _NAME)} is empty in both"


def samples(agreement: Agreement) -> str:
    """Return the number of samples that were compared: ``8 samples``, ``4 of 8 samples, …``."""
    compared, left_out = agreement.answers.samples, agreement.answers.left_out
    if not left_out:
        return count(compared, "sample")
    return f"{compared} of {count(compared + left_out, 'sample')}, which both versions were given"


def _share(agreeing: int, all: int) -> str:
    if not agreeing:
        return "no output is equal or alike"
    verb = "is" if agreeing == 1 else "are"
    return f"{agreeing} of {count(all, 'output')} {verb} equal or alike"


def _equality(judged: JudgedOutput) -> str:
    if judged.outcome == "identical":
        return "identical bit for bit"
    return f"equal in value{_types(judged.drift)}"


def _types(drift: OutputDrift) -> str:
    a, b = drift.types
    return f" ({a} and {b})" if a != b and a and b else ""


def equality(judged: JudgedOutput) -> str:
    """Return how an output is equal, with its infinite elements and its empty input sets."""
    drift = judged.drift
    text = _equality(judged)
    if drift.not_finite:
        elements = count(drift.not_finite, "element")
        text += f"; {elements} infinite or not a number, in the same places"
    if drift.empty_sets:
        text += f"; without elements in {count(drift.empty_sets, 'input set')}"
    return text


def obstacle(judged: JudgedOutput) -> str:
    """Return why an output could not be compared, as a predicate: ``is missing``."""
    drift = judged.drift
    if judged.outcome == "empty":
        return "is empty in both: there is nothing to compare"
    if judged.outcome == "random":
        return _randomness(judged)
    match drift.reason:
        case "missing":
            return "is missing"
        case "additional":
            return "has no counterpart in the base"
        case "type":
            return f"is text in one and numbers in the other{_types(drift)}"
        case "unreadable":
            return f"has an element type that cannot be read{_types(drift)}"
        case "shape":
            return _shapes(drift)
        case _ if drift.reason == "not_kept" or drift.differs_elsewhere:
            return _not_kept(drift)
        case _:
            return _shapes(drift)  # the only reason that earlier releases recorded


def _shapes(drift: OutputDrift) -> str:
    a, b = drift.shapes
    if a == b:
        return f"is {a}, and the run file does not hold its differences"
    text = f"{b or 'missing'} and {a or 'missing'} in the base"
    if drift.sets is not None and drift.sets[0]:
        return f"has another shape in {_other_shapes(drift)}, such as {text}"
    return f"is {text}"


def _not_kept(drift: OutputDrift) -> str:
    if drift.differs_elsewhere or drift.identical is False:
        return "is not identical, and the run files do not keep the elements that differ"
    return "was not kept in a run file"


def _randomness(judged: JudgedOutput) -> str:
    itself = judged.drift.itself
    text = "is random"
    if judged.random_types:
        text += f" (by {' and '.join(judged.random_types)})"
    if itself is not None:
        text += f": two inferences with the same input differ by {show(itself, 'share')}"
    return text


def likeness(judged: JudgedOutput) -> str:
    """Return the size of the difference: ``cosine similarity 0.9987, relative error 5.1 %``."""
    return ", ".join(_likeness(judged))


def _likeness(judged: JudgedOutput) -> Iterator[str]:
    drift = judged.drift
    if drift.cosine is not None:
        yield f"cosine similarity {exact(drift.cosine)}"
    if drift.relative is not None:
        yield f"relative error {show(drift.relative, 'share')}"
    elif drift.differing and drift.elements:
        equal = 1 - drift.differing / drift.elements
        yield f"{show(equal, 'share')} of the elements equal"
    if drift.top1 is not None:
        yield f"same best class in {show(drift.top1, 'share')}"
    if types := _types(drift):
        yield types.strip(" ()")
    if drift.unequal_not_finite or (drift.not_finite and drift.unequal_not_finite is None):
        elements = count(drift.unequal_not_finite or drift.not_finite, "element")
        yield f"{elements} infinite or not a number in one of them"
    yield from _kind_of_error(drift)
    if drift.other_itself and not drift.itself:
        distance = show(drift.other_itself, "share")
        yield f"random, unlike the base: two inferences with the same input differ by {distance}"


def _kind_of_error(drift: OutputDrift) -> Iterator[str]:
    """Yield where an error is, and what would explain it."""
    if drift.reordered:
        yield "the same values in another order"
    elif is_systematic(drift) and drift.factor is not None:
        yield f"as if multiplied by {digits(drift.factor)}"
    elif is_systematic(drift) and drift.offset is not None:
        yield f"as if {digits(drift.offset)} were added"
    elif part := outlying_part(drift):
        yield f"part {part.where} with an error of {show(part.relative, 'share')}"
    if drift.reason == "shape":
        yield f"another shape in {_other_shapes(drift)}"


def _other_shapes(drift: OutputDrift) -> str:
    done, all_sets = drift.sets or (0, 0)
    return f"{all_sets - done} of {count(all_sets, 'input set')}"


def exact(cosine: float | None) -> str:
    """Format a cosine similarity without rounding it to 1: ``0.999970``."""
    if cosine is None:
        return ""
    if cosine == 1:
        return "1"
    return f"{cosine:.6f}" if cosine > 0.999 else digits(cosine, 4)
