"""Whether the versions of a model give the same answers."""

from __future__ import annotations

from collections.abc import Sequence

from ovreport.computed.settings import settings
from ovreport.outputs.agreement import Agreement, JudgedOutput, Outcome, agreement
from ovreport.outputs.words import (
    empty_outputs,
    equality,
    exact,
    in_words,
    likeness,
    obstacle,
    samples,
)
from ovreport.plugin import Analyzer
from ovreport.run import Answers, LayerDrift, Run
from ovreport.section import (
    Axis,
    Block,
    Chart,
    Column,
    Finding,
    Group,
    Points,
    Row,
    Section,
    Severity,
    Table,
    Text,
)
from ovreport.text.labels import count, difference
from ovreport.text.numbers import shorten, show
from ovreport.text.values import Role, Tag, Value

_NAME = 40
_SEVERITY: dict[Outcome, Severity] = {
    "identical": "good",
    "equal": "good",
    "alike": "good",
    "empty": "info",
    "random": "info",
    "incomparable": "warning",
    "deviating": "warning",
    "different": "problem",
}


class Outputs(Analyzer):
    """Compare the answers that versions give for the same inputs."""

    id = "outputs"
    title = "Same answers?"
    reading = (
        "The difference of the answers from the baseline's, for the inputs named. It is not "
        "accuracy on a data set: if answers differ, either version may be the better one."
    )
    order = 260

    @classmethod
    def concerns(cls, run: Run) -> bool:
        return bool(run.answers)

    def analyze(self, run: Run) -> Section:
        limits = settings(run).outputs
        groups, findings, verdicts = [], [], []
        for answers in run.answers:
            compared = agreement(run, answers, limits)
            groups.append(self._group(compared, limits.layer_error))
            findings += self._findings(
                compared, limits.layer_error, two_runs=run.header.made == "compare"
            )
            name = f"{answers.base.model}, {_names(answers)[1]}"
            verdicts.append(f"{name}: {in_words(compared)}")
        return Section(groups, findings, f"{'; '.join(verdicts[:3])}.")

    def _group(self, compared: Agreement, layer_error: float) -> Group:
        answers = compared.answers
        heading = f"{answers.base.model}: {_names(answers)[1]} against {_names(answers)[0]}"
        if answers.failure is not None:
            reason = f"The answers could not be compared: {answers.failure.reason.rstrip('.')}."
            return Group(heading, [Text(f"answers-{_id(answers)}", reason)])
        inputs = f"Inputs: {samples(compared)}, {answers.input_data}." + (
            f" Labels: {answers.labels}." if answers.labels else ""
        )
        blocks: list[Block] = [Text(f"answers-{_id(answers)}", inputs)]
        if answers.outputs:
            blocks.append(_table(compared))
        blocks += self._layers(answers, layer_error)
        return Group(heading, blocks)

    def _layers(self, answers: Answers, layer_error: float) -> list[Block]:
        if answers.layers_failure is not None:
            reason = answers.layers_failure.reason
            return [Text(f"layers-{_id(answers)}", f"Layers could not be compared: {reason}")]
        if not answers.layers:
            return []
        layers = answers.layers
        if all(layer.max_abs == 0 for layer in layers):
            equality = (
                f"All {count(len(layers), 'layer')} compared have the same output to the bit."
            )
            return [Text(f"layers-{_id(answers)}", equality)]
        chart = Chart(
            f"layer-drift-{_id(answers)}",
            f"The output of {_worst(layers)[0].type} {shorten(_worst(layers)[0].name, 40)} differs "
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
            "; ".join(
                f"{layer.name} {show(layer.relative, 'share')}" for layer in _worst(layers)[:5]
            ),
        )
        rows = [
            Row(
                {
                    "place": number,
                    "name": shorten(layer.name, 60),
                    "type": Tag(layer.type, Role("type", layer.type)),
                    "relative": layer.relative,
                    "cosine": exact(layer.cosine),
                    "max": layer.max_abs,
                },
                emphasis=layer is _first(layers, layer_error) or layer is _worst(layers)[0],
            )
            for number, layer in enumerate(layers, start=1)
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
            f"Over {count(answers.samples, 'sample')}, with every layer's output kept, which "
            "prevents some fusions. Emphasised: the layers where versions first deviate, and "
            "deviate most.",
        )
        return [chart, table]

    # ------------------------------------------------------------------------ findings

    def _findings(
        self, compared: Agreement, layer_error: float, *, two_runs: bool
    ) -> list[Finding]:
        """Return the findings; versions of ``two_runs`` may have had different inputs."""
        answers = compared.answers
        name = f"{answers.base.model} ({_names(answers)[1]})"
        if answers.failure is not None:
            reason = answers.failure.reason.rstrip(".")
            return [
                _uncompared(f"{name}: answers could not be compared: {reason}.", two_runs=two_runs)
            ]
        if not compared.outputs:
            return [_uncompared(f"{name}: no output was compared.", two_runs=two_runs)]
        if compared.outcome in ("identical", "equal"):
            findings = [_equal_finding(name, compared)]
        else:
            findings = [
                self._output_finding(name, compared, output)
                for output in compared.outputs
                if output.outcome not in ("identical", "equal")
            ]
        if answers.repeat_failure is not None:
            reason = answers.repeat_failure.reason.rstrip(".")
            text = (
                f"{name}: it is unknown whether {_names(answers)[0]} repeats its answers: {reason}."
            )
            findings.append(Finding("outputs.control", "info", text))
        if any(layer.max_abs > 0 for layer in answers.layers):
            findings.append(self._layers_finding(name, answers.layers, layer_error))
        return findings

    def _output_finding(self, name: str, compared: Agreement, output: JudgedOutput) -> Finding:
        subject = f"{name}, output {shorten(output.drift.name, _NAME)}"
        match output.outcome:
            case "empty" | "random" | "incomparable":
                text = f"{subject} {obstacle(output)}."
            case _:
                text = (
                    f"{subject} over {samples(compared)}: {likeness(output)}{_accuracies(output)}."
                )
        return Finding(
            _finding_id(output), _severity(output), text, _remedy(compared, output), topic="verdict"
        )

    def _layers_finding(
        self, name: str, layers: Sequence[LayerDrift], layer_error: float
    ) -> Finding:
        worst, first_deviating = _worst(layers)[0], _first(layers, layer_error)
        start = (
            f"first beyond {show(layer_error, 'share')} at {shorten(first_deviating.name, 50)}"
            if first_deviating
            else f"no layer deviates by {show(layer_error, 'share')}"
        )
        return Finding(
            "outputs.layers",
            "info",
            f"{name}: of {count(len(layers), 'layer')} {shorten(worst.name, 50)} ({worst.type}) "
            f"deviates most, by {show(worst.relative, 'share')}; {start}.",
        )


def _first(layers: Sequence[LayerDrift], layer_error: float) -> LayerDrift | None:
    """Return the first layer, in execution order, that deviates by the limit or more."""
    return next((layer for layer in layers if layer.relative >= layer_error), None)


def _severity(output: JudgedOutput) -> Severity:
    """Return the severity of a finding; only ``info`` if the run file did not keep the output."""
    return "info" if output.drift.reason == "not_kept" else _SEVERITY[output.outcome]


def _finding_id(output: JudgedOutput) -> str:
    match output.outcome:
        case "empty":
            return "outputs.empty"
        case "incomparable":
            return "outputs.unkept" if _severity(output) == "info" else "outputs.shape"
        case "random":
            return "outputs.random"
        case "alike":
            return "outputs.close"
        case _:
            return "outputs.drift"


def _uncompared(text: str, *, two_runs: bool) -> Finding:
    if not two_runs:
        return Finding("outputs.failed", "warning", text, topic="verdict")
    remedy = "Measure both with the same inputs and seed, and with [outputs] compare on."
    return Finding("outputs.failed", "info", text, remedy, topic="verdict")


def _equal_finding(name: str, compared: Agreement) -> Finding:
    """Return the finding for equal outputs, which describes the output with the most exceptions."""
    worst = max(
        (output for output in compared.outputs if output not in compared.empty),
        key=lambda output: (output.outcome == "equal", output.drift.not_finite),
    )
    base = _names(compared.answers)[0]
    over = f", over {samples(compared)}" if compared.answers.left_out else ""
    empty = f"; {empty_outputs(compared)}" if compared.empty else ""
    text = f"{name}: answers as {base}, {equality(worst)}{over}{empty}."
    return Finding("outputs.same", "good", text, topic="verdict")


def _accuracies(output: JudgedOutput) -> str:
    if output.drift.accuracy is None:
        return ""
    was, now = (show(value, "share") for value in output.drift.accuracy)
    return f", accuracy {was} → {now}"


def _table(compared: Agreement) -> Table:
    answers = compared.answers
    base, other = _names(answers)
    rows = [Row(_values(output)) for output in compared.outputs]
    columns = [
        Column("name", "Output", "code"),
        Column("outcome", "Outcome"),
        Column("shape", "Shape", "code"),
        Column("type", "Type"),
        Column("cosine", "Cosine similarity", help="The lowest of all input sets."),
        Column("relative", "Relative error", "share", help="‖B − A‖ / ‖A‖ over all elements."),
        Column("part", "Worst part", "code",
               help="The index along one axis, such as a channel, with the largest error."),
        Column("part_error", "Error of that part", "share",
               help="Relative to the whole output; along an axis of channels, to that part of it."),
        Column("equal", "Equal elements", "share"),
        Column("max", "Largest error", "number"),
        Column("mean", "Mean error", "number"),
        Column("not_finite", "Not finite", "count",
               help="Elements that are infinite or not a number in either version."),
        Column("itself", "Base repeated", "share",
               help="Relative error of the base when it runs again with the same inputs."),
        Column("other_itself", "Other repeated", "share",
               help="The same of the other version, if it draws random numbers."),
        Column("top1", "Same best class", "share",
               help="Share of the samples, if the output holds class scores."),
        Column("top5", "Same five best", "share",
               help="Share of the five best classes, in any order."),
        Column("a", f"Accuracy, {base}", "share"),
        Column("b", f"Accuracy, {other}", "share"),
    ]  # fmt: skip
    shown_keys = {column.key for column in columns} - {
        key for key in _IF_KNOWN if all(row.values[key] in (None, "") for row in rows)
    }
    return Table(
        f"outputs-{_id(answers)}",
        "Outputs",
        [column for column in columns if column.key in shown_keys],
        [
            Row({key: value for key, value in row.values.items() if key in shown_keys})
            for row in rows
        ],
        _sampled(answers),
    )


# Columns that are left out if no output has a value.
_IF_KNOWN = frozenset(
    {
        "type", "cosine", "relative", "part", "part_error", "equal", "max", "mean", "not_finite",
        "itself", "other_itself", "top1", "top5", "a", "b",
    }
)  # fmt: skip
_SEED = "Give the random operators a seed to compare versions by their answers."
_OUTCOMES = {
    "identical": "identical",
    "equal": "equal",
    "alike": "alike",
    "empty": "empty",
    "random": "random",
    "incomparable": "not compared",
    "deviating": "differs",
    "different": "differs",
}


def _values(output: JudgedOutput) -> dict[str, Value]:
    drift = output.drift
    part = drift.worst_part
    equal = None
    if drift.differing is not None and drift.elements:
        equal = 1 - drift.differing / drift.elements
    return {
        "name": _pair(shorten(drift.name, 60), shorten(drift.other_name, 60) or drift.name),
        "outcome": _OUTCOMES[output.outcome],
        "shape": _pair(*(shape or "none" for shape in drift.shapes)),
        "type": _pair(*drift.types),
        "cosine": exact(drift.cosine),
        "relative": drift.relative,
        "part": part.where if part else "",
        "part_error": part.relative if part else None,
        "equal": equal,
        "max": drift.max_abs,
        "mean": drift.mean_abs,
        "not_finite": drift.not_finite or None,
        "itself": drift.itself,
        "other_itself": drift.other_itself,
        "top1": drift.top1,
        "top5": drift.top5,
        "a": drift.accuracy[0] if drift.accuracy else None,
        "b": drift.accuracy[1] if drift.accuracy else None,
    }


def _pair(first: str, second: str) -> str:
    """Join the values of both versions; an equal value is given once."""
    return first if first == second else f"{first} and {second}"


def _sampled(answers: Answers) -> str:
    """Say how many elements were compared, if a run file keeps only some."""
    parts = [
        f"{shorten(output.name, 40)}: {output.compared[0]:,} of {output.compared[1]:,}"
        for output in answers.outputs
        if output.compared is not None
    ]
    if not parts:
        return ""
    return (
        "Run files keep some elements of large outputs, evenly spread, and a digest of all. Errors "
        "are over the kept elements; the digest shows whether all are identical. "
        f"{'; '.join(parts[:5])}."
    )


def _remedy(compared: Agreement, output: JudgedOutput) -> str:
    match output.outcome:
        case "empty":
            return "Set `input` to data in which the model finds something."
        case "random":
            return _SEED
        case "incomparable" if output.drift.reason == "not_kept" or output.drift.differs_elsewhere:
            return "Measure both versions in one run to compare all elements."
        case "deviating" | "different" if output.drift.other_itself and not output.drift.itself:
            return _SEED
        case "deviating" | "different":
            where = (
                "The table of layers shows where the difference begins"
                if compared.answers.asked_layers
                else "Set layers = true under [outputs] to see where the difference begins"
            )
            return f"{where}; accuracy on a data set shows whether it matters."
        case _:
            return ""


def _names(answers: Answers) -> tuple[str, str]:
    return difference(answers.base, answers.other)


def _id(answers: Answers) -> str:
    return f"{answers.base.id}-{answers.other.id}"


def _worst(layers: Sequence[LayerDrift]) -> list[LayerDrift]:
    return sorted(layers, key=lambda layer: -layer.relative)
