"""Do the versions give the same answers?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from pydantic import Field

from ovreport.labels import count, difference
from ovreport.plugin import Analyzer, Options
from ovreport.rendering.format import digits, shorten, show
from ovreport.run import Answers, LayerDrift, OutputDrift, Run
from ovreport.section import (
    Axis,
    Block,
    Chart,
    Column,
    Finding,
    Group,
    Points,
    Role,
    Row,
    Section,
    Severity,
    Table,
    Tag,
    Text,
)

# An answer at a cosine similarity of c to another holds √(1 − c²) that the other does not: 14 % at
# 0.99, which rounding in INT8 may cost, and 44 % at 0.9, which is another answer.
_OTHER_COSINE = 0.9
# More samples than one in ten with another best class is beyond what a quantised classifier is
# allowed; a single one may be a tie.
_OTHER_TOP1 = 0.9

Standing: TypeAlias = Literal["same", "alike", "apart", "other", "shapes"]


class OutputOptions(Options):
    """Options of the section."""

    cosine: float = Field(
        default=0.99,
        ge=-1,
        le=1,
        description="outputs of a lower cosine similarity are pointed out",
    )
    top1: float = Field(
        default=0.99,
        ge=0,
        le=1,
        description="a lower share of samples with the same best class is pointed out",
    )
    layer_error: float = Field(
        default=0.1,
        gt=0,
        description="relative error from which on a layer counts as deviating",
    )


# From the best to the worst.
_SEVERITY: dict[Standing, Severity] = {
    "same": "good",
    "alike": "good",
    "apart": "warning",
    "other": "problem",
    "shapes": "warning",
}


class Outputs(Analyzer):
    """Versions were fed the same inputs: how far their answers are apart."""

    id = "outputs"
    title = "Same answers?"
    reading = (
        "Drift against the baseline over the inputs named, not accuracy on a data set: where "
        "answers differ, either may be the better one."
    )
    order = 260
    options_type = OutputOptions
    options: OutputOptions

    @classmethod
    def concerns(cls, run: Run) -> bool:
        return bool(run.answers)

    def analyze(self, run: Run) -> Section:
        groups, findings = [], []
        for answers in run.answers:
            groups.append(self._group(answers))
            findings += self._findings(answers, apart=run.header.made == "compare")
        said = "; ".join(_verdict(answers, self.options) for answers in run.answers[:3])
        return Section(groups, findings, f"{said}.")

    def _group(self, answers: Answers) -> Group:
        heading = f"{answers.base.model}: {_names(answers)[1]} against {_names(answers)[0]}"
        if answers.failure is not None:
            why = f"They could not be compared: {answers.failure.reason.rstrip('.')}."
            return Group(heading, [Text(f"answers-{_id(answers)}", why)])
        fed = f"Fed {count(answers.samples, 'sample')}: {answers.input_data}." + (
            f" Labels: {answers.labels}." if answers.labels else ""
        )
        blocks: list[Block] = [Text(f"answers-{_id(answers)}", fed), _table(answers)]
        blocks += self._layers(answers)
        return Group(heading, blocks)

    def _layers(self, answers: Answers) -> list[Block]:
        if answers.layers_failure is not None:
            reason = answers.layers_failure.reason
            return [Text(f"layers-{_id(answers)}", f"Layers could not be compared: {reason}")]
        if not answers.layers:
            return []
        layers = answers.layers
        if all(layer.max_abs == 0 for layer in layers):
            same = f"All {count(len(layers), 'layer')} compared put out the same to the bit."
            return [Text(f"layers-{_id(answers)}", same)]
        chart = Chart(
            f"layer-drift-{_id(answers)}",
            f"What {_worst(layers)[0].type} {shorten(_worst(layers)[0].name, 40)} puts out differs "
            f"most: {show(_worst(layers)[0].relative, 'share')} relative error",
            Axis("layer, in execution order", "count"),
            Axis("relative error", "share"),
            [
                Points(
                    list(range(1, len(layers) + 1)),
                    [layer.relative for layer in layers],
                    Role("version", answers.other.version),
                    joined=True,
                )
            ],
            "; ".join(f"{x.name} {show(x.relative, 'share')}" for x in _worst(layers)[:5]),
        )
        rows = [
            Row(
                {
                    "place": place,
                    "name": shorten(layer.name, 60),
                    "type": Tag(layer.type, Role("type", layer.type)),
                    "relative": layer.relative,
                    "cosine": _exact(layer.cosine),
                    "max": layer.max_abs,
                },
                emphasis=layer is self._first(layers) or layer is _worst(layers)[0],
            )
            for place, layer in enumerate(layers, start=1)
        ]
        columns = [
            Column("place", "Order", "count"),
            Column("name", "Layer", "code"),
            Column("type", "Type"),
            Column("relative", "Relative error", "share", help="‖B − A‖ / ‖A‖."),
            Column("cosine", "Cosine similarity"),
            Column("max", "Largest error", "number"),
        ]  # fmt: skip
        table = Table(
            f"layers-drift-{_id(answers)}",
            "Layer by layer, in execution order",
            columns,
            rows,
            f"Over {count(answers.samples, 'sample')}, with every layer's output kept, which keeps "
            "some from being fused. Emphasised: where the versions first deviate, and most.",
        )
        return [chart, table]

    def _first(self, layers: Sequence[LayerDrift]) -> LayerDrift | None:
        return next((x for x in layers if x.relative >= self.options.layer_error), None)

    # ------------------------------------------------------------------------ findings

    def _findings(self, answers: Answers, *, apart: bool) -> list[Finding]:
        """``apart``: of runs that need not have been fed the same."""
        name = f"{answers.base.model} ({_names(answers)[1]})"
        if answers.failure is not None:
            reason = answers.failure.reason.rstrip(".")
            text = f"{name}: answers could not be compared: {reason}."
            remedy = (
                "Measure both with the same inputs and seed, and with [outputs] compare on."
                if apart
                else ""
            )
            return [Finding("outputs.failed", "info" if apart else "warning", text, remedy)]
        found = [
            finding
            for output in answers.outputs
            if (finding := self._of_output(name, answers, output)) is not None
        ]
        if not found and all(output.same for output in answers.outputs):
            base = _names(answers)[0]
            found.append(Finding("outputs.same", "good", f"{name}: answers as {base} to the bit."))
        if any(layer.max_abs > 0 for layer in answers.layers):
            found.append(self._of_layers(name, answers.layers))
        return found

    def _of_output(self, name: str, answers: Answers, output: OutputDrift) -> Finding | None:
        stands = standing(output, answers.samples, self.options)
        if stands == "same":
            return None
        if stands == "shapes":
            return Finding(
                "outputs.shape",
                _SEVERITY[stands],
                f"{name}: output {shorten(output.name, 40)} is {output.shapes[1] or 'missing'} and "
                f"{output.shapes[0]} in {_names(answers)[0]}: they cannot be compared.",
            )
        parts = [f"cosine similarity {_exact(output.cosine)}"]
        if output.top1 is not None:
            parts.append(f"the same best class in {show(output.top1, 'share')} of the samples")
        if output.not_finite:
            parts.append(f"{count(output.not_finite, 'element')} infinite or not a number")
        if output.accuracy is not None:
            was, now = (show(value, "share") for value in output.accuracy)
            parts.append(f"accuracy {was} → {now}")
        return Finding(
            "outputs.close" if stands == "alike" else "outputs.drift",
            _SEVERITY[stands],
            f"{name}, output {shorten(output.name, 40)} over "
            f"{count(answers.samples, 'sample')}: {', '.join(parts)}.",
            "" if stands == "alike" else _remedy(answers),
        )

    def _of_layers(self, name: str, layers: Sequence[LayerDrift]) -> Finding:
        worst, first = _worst(layers)[0], self._first(layers)
        begins = (
            f"first beyond {show(self.options.layer_error, 'share')} at {shorten(first.name, 50)}"
            if first
            else f"no layer deviates by {show(self.options.layer_error, 'share')}"
        )
        return Finding(
            "outputs.layers",
            "info",
            f"{name}: of {count(len(layers), 'layer')} {shorten(worst.name, 50)} ({worst.type}) "
            f"deviates most, by {show(worst.relative, 'share')}; {begins}.",
        )


def standing(output: OutputDrift, samples: int, options: OutputOptions) -> Standing:
    """How far the outputs of two versions are apart."""
    if output.cosine is None:
        return "shapes"
    if output.not_finite:
        return "other"
    top1 = 1.0 if output.top1 is None else output.top1
    if output.cosine >= options.cosine and top1 >= options.top1:
        return "same" if output.same else "alike"
    flipped = round((1 - top1) * samples)
    if output.cosine < _OTHER_COSINE or (top1 < _OTHER_TOP1 and flipped > 1):
        return "other"
    return "apart"


def in_words(answers: Answers, options: OutputOptions) -> str:
    """For a sentence about both versions: ``answers alike (cosine similarity 0.9987)``."""
    if answers.failure is not None or not answers.outputs:
        return ""
    output, stands = _furthest(answers, options)
    if stands == "shapes":
        return "outputs of other shapes"
    if stands == "same":
        return "answers the same to the bit"
    return f"answers {'alike' if stands == 'alike' else 'differ'} ({_likeness(output)})"


def _furthest(answers: Answers, options: OutputOptions) -> tuple[OutputDrift, Standing]:
    """The output that differs most."""
    found = [(output, standing(output, answers.samples, options)) for output in answers.outputs]
    return max(found, key=lambda item: (list(_SEVERITY).index(item[1]), -(item[0].cosine or 0.0)))


def _likeness(output: OutputDrift) -> str:
    words = f"cosine similarity {_exact(output.cosine)}"
    if output.top1 is not None:
        words += f", same best class in {show(output.top1, 'share')}"
    if output.not_finite:
        words += f", {count(output.not_finite, 'element')} infinite or not a number"
    return words


def _table(answers: Answers) -> Table:
    base, other = _names(answers)
    rows = [
        Row(
            {
                "name": shorten(output.name, 60),
                "shape": output.shapes[0]
                if output.shapes[0] == output.shapes[1]
                else " and ".join(shape or "none" for shape in output.shapes),
                "cosine": _exact(output.cosine),
                "relative": output.relative,
                "max": output.max_abs,
                "mean": output.mean_abs,
                "top1": output.top1,
                "top5": output.top5,
                "a": output.accuracy[0] if output.accuracy else None,
                "b": output.accuracy[1] if output.accuracy else None,
            }
        )
        for output in answers.outputs
    ]
    columns = [
        Column("name", "Output", "code"),
        Column("shape", "Shape", "code"),
        Column("cosine", "Cosine similarity", help="The lowest of all input sets."),
        Column("relative", "Relative error", "share", help="‖B − A‖ / ‖A‖ over all elements."),
        Column("max", "Largest error", "number"),
        Column("mean", "Mean error", "number"),
        Column("top1", "Same best class", "share",
               help="Of the samples, if the output holds class scores."),
        Column("top5", "Same five best", "share", help="Of the five best classes, in any order."),
        Column("a", f"Accuracy, {base}", "share"),
        Column("b", f"Accuracy, {other}", "share"),
    ]  # fmt: skip
    kept = {c.key for c in columns} - {
        key for key in ("top1", "top5", "a", "b") if all(row.values[key] is None for row in rows)
    }
    return Table(
        f"outputs-{_id(answers)}",
        "Outputs",
        [c for c in columns if c.key in kept],
        [Row({k: v for k, v in row.values.items() if k in kept}) for row in rows],
        _sampled(answers),
    )


def _sampled(answers: Answers) -> str:
    """Of answers that a run file keeps in part."""
    parts = [
        f"{shorten(output.name, 40)}: {output.compared[0]:,} of {output.compared[1]:,}"
        for output in answers.outputs
        if output.compared is not None
    ]
    if not parts:
        return ""
    return (
        "Run files keep some elements of large outputs, evenly spread, and a digest of all: errors "
        f"are over these, what is the same to the bit is so as a whole. {'; '.join(parts[:5])}."
    )


def _remedy(answers: Answers) -> str:
    where = (
        "The table of layers shows where it begins"
        if answers.asked_layers
        else "Set layers = true under [outputs] to see where it begins"
    )
    return f"{where}; accuracy on a data set tells whether it matters."


def _verdict(answers: Answers, options: OutputOptions) -> str:
    name = f"{answers.base.model}, {_names(answers)[1]}"
    if answers.failure is not None or not answers.outputs:
        return f"{name}: not compared"
    output, stands = _furthest(answers, options)
    if stands == "shapes":
        return f"{name}: outputs of other shapes"
    return f"{name}: {'the same to the bit' if stands == 'same' else _likeness(output)}"


def _names(answers: Answers) -> tuple[str, str]:
    return difference(answers.base, answers.other)


def _id(answers: Answers) -> str:
    return f"{answers.base.id}-{answers.other.id}"


def _worst(layers: Sequence[LayerDrift]) -> list[LayerDrift]:
    return sorted(layers, key=lambda layer: -layer.relative)


def _exact(cosine: float | None) -> str:
    """As many nines as it has: 0.99997 is not 1."""
    if cosine is None:
        return ""
    if cosine == 1:
        return "1"
    return f"{cosine:.6f}" if cosine > 0.999 else digits(cosine, 4)
