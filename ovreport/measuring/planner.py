"""Turns cells into planned cells: inspects models, resolves shapes and writes inputs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ovreport.config.load import Source
from ovreport.config.schema import Scalar, Version
from ovreport.errors import UserError
from ovreport.measuring.devices import problem
from ovreport.measuring.inputs import (
    ComputedInput,
    Range,
    decoder_inputs,
    file_digest,
    prepare_inputs,
)
from ovreport.measuring.inspection import Inspection, ModelInfo, closed_indices, inspect
from ovreport.measuring.proposed_shapes import propose
from ovreport.planning.batches import Count
from ovreport.planning.decoders import Decoder, as_decoder, check_positions, sequence_of
from ovreport.planning.planned_cell import PlannedCell
from ovreport.planning.shapes import OpenShapeError, ResolvedShapes, partial_shapes, resolve
from ovreport.run import Cell, Environment, ModelFile, Provenance, RuntimeFacts, TokenSequence


@dataclass(frozen=True)
class Runtimes:
    """What the OpenVINO of each runtime reports about the models and the machine."""

    pythons: Mapping[str, Path]
    inspections: Mapping[str, Inspection]

    @property
    def default(self) -> Inspection:
        """The inspection of the first runtime."""
        return next(iter(self.inspections.values()))

    @property
    def facts(self) -> tuple[RuntimeFacts, ...]:
        """What each runtime reports about itself."""
        return tuple(
            RuntimeFacts(name=name, openvino=i.openvino, python=i.python, devices=i.devices)
            for name, i in self.inspections.items()
        )


def inspect_runtimes(source: Source) -> Runtimes:
    """Read every model with every runtime, each in a separate process.

    Raises:
        UserError: a runtime cannot be started, a model cannot be read, a device does not exist.
    """
    config = source.config
    pythons = {runtime.name: source.python(runtime) for runtime in config.runtime}
    pythons = pythons or {"default": Path(sys.executable)}
    extensions = [source.extensions(version) for version in config.model]
    inspections = {
        name: inspect(source.models, extensions, python=python) for name, python in pythons.items()
    }
    devices = {*config.matrix.device, *(e.device for e in config.matrix.include if e.device)}
    for device in sorted(devices):
        for name, inspection in inspections.items():
            _check_device(device, [d.name for d in inspection.devices], source.name, name)
    return Runtimes(pythons, inspections)


def _check_device(device: str, available: list[str], source: str, runtime: str) -> None:
    if reason := problem(device, available):
        raise UserError(
            f"{source}: device {device!r}: {reason}"
            + ("" if runtime == "default" else f" (runtime {runtime!r})"),
            f"Available: {', '.join(available)}; `ovreport devices` lists them.",
        )


# nncf's own default.
_GIVEN_SETS = 300
# More random input shows no more of the ranges of values.
_RANDOM_SETS = 8


@dataclass(frozen=True)
class Calibration:
    """The data that calibrates a version: a file of arrays, as for inputs, and its description."""

    path: Path
    description: str
    sha256: str
    is_random: bool


@dataclass(frozen=True)
class _InputFile:
    path: Path
    description: str
    sha256: str


@dataclass
class Planner:
    """Resolves cells against inspected models; input files go to ``folder`` and are shared."""

    source: Source
    runtimes: Runtimes
    environment: Environment
    folder: Path
    _inputs: dict[str, _InputFile] = field(default_factory=dict)
    _known_indices: dict[tuple[object, ...], dict[int, Range]] = field(default_factory=dict)

    def plan(self, cell: Cell) -> PlannedCell:
        """Prepare everything that a worker needs to run the cell.

        Raises:
            UserError: shapes or inputs do not fit the model; it names the model and the input.
        """
        place = self._place(cell.model, cell.version)
        version = self.source.config.model[place]
        inspection = self.runtimes.inspections[cell.runtime]
        info = inspection.models[place]
        resolved = self._shapes(version, info, cell)
        input_file = self._input_file(version, info, resolved, self._indices(cell, resolved.shapes))
        properties = _properties(cell, self.source.config.properties)
        return PlannedCell(
            cell=cell,
            model=self.source.file(version),
            extensions=self.source.extensions(version),
            python=self.runtimes.pythons[cell.runtime],
            ports=info.inputs,
            outputs=info.outputs,
            shapes=resolved.shapes,
            count=resolved.count,
            inputs=input_file.path,
            input_data=input_file.description,
            is_random=_is_random(version.input, info),
            stateful=info.stateful,
            properties=properties,
            python_because=_python_because(info),
            decoder=_decoder(info),
            sequence=self._sequence(version, info, cell),
            provenance=Provenance(
                model=info.sha256,
                inputs=input_file.sha256,
                properties=properties,
                openvino=inspection.openvino,
                measure=self.source.config.measure.model_dump(mode="json"),
                environment=self.environment.id,
            ),
        )

    def takes_batch(self, cell: Cell) -> bool:
        """Return whether the model's inputs, and an input file, can have the cell's batch."""
        place = self._place(cell.model, cell.version)
        version = self.source.config.model[place]
        try:
            if version.input is not None:
                self.plan(cell)
            else:
                self._shapes(version, self.runtimes.inspections[cell.runtime].models[place], cell)
        except UserError:
            return False
        return True

    def samples(self, planned: PlannedCell, count: int) -> list[Path]:
        """Return input files to compare outputs with: the given input, or several random ones.

        Raises:
            UserError: they cannot be written.
        """
        place = self._place(planned.cell.model, planned.cell.version)
        version = self.source.config.model[place]
        if version.input is not None or not planned.is_random:
            return [planned.inputs]
        info = self.runtimes.inspections[planned.cell.runtime].models[place]
        paths = [self.folder / f"samples-{planned.cell.id}-{n}.npz" for n in range(count)]
        for number, path in enumerate(paths):
            seed = self.source.config.measure.seed + number
            indices = self._indices(planned.cell, planned.shapes)
            prepare_inputs(
                path,
                info.inputs,
                planned.shapes,
                None,
                version.range,
                seed,
                indices,
                None,
                _computed(info, planned.shapes),
            )
        return paths

    def model_files(self) -> tuple[ModelFile, ...]:
        """Describe the file of each version for the run's header."""
        return tuple(
            ModelFile(
                model=version.name,
                version=version.version,
                path=version.path or _below_run(self.source.file(version)),
                format=info.format,
                size_bytes=info.size_bytes,
                sha256=info.sha256,
                inputs=info.inputs,
                outputs=info.outputs,
                layouts=info.layouts,
                made=made.making
                if (made := self.source.made.get((version.name, version.version)))
                else None,
            )
            for version, info in zip(
                self.source.config.model, self.runtimes.default.models, strict=True
            )
        )

    def _place(self, model: str, version: str) -> int:
        return next(
            place
            for place, entry in enumerate(self.source.config.model)
            if (entry.name, entry.version) == (model, version)
        )

    def _shapes(self, version: Version, info: ModelInfo, cell: Cell) -> ResolvedShapes:
        sequence = self._sequence(version, info, cell)
        try:
            if (decoder := _decoder(info)) is not None and sequence is not None:
                return _prompt_shapes(decoder, sequence, version, cell)
            return resolve(info.inputs, version.shape, version.layout, cell.batch, info.layouts)
        except OpenShapeError as error:
            partials = partial_shapes(
                info.inputs, version.shape, version.layout, cell.batch, info.layouts
            )
            example = propose(
                self.source.file(version),
                info.inputs,
                partials,
                self.source.extensions(version),
                python=self.runtimes.pythons[cell.runtime],
            )
            raise self._located(version, error.with_example(example)) from error
        except UserError as error:
            raise self._located(version, error) from error

    def _sequence(self, version: Version, info: ModelInfo, cell: Cell) -> TokenSequence | None:
        """Return the sequence that a request is; None if a request is a single inference."""
        decoder = _decoder(info)
        try:
            sequence = sequence_of(decoder, cell.prompt, cell.new_tokens, stateful=info.stateful)
            if decoder is not None and sequence is not None:
                check_positions(sequence, _positions(decoder, info))
                if cell.rate is not None:
                    raise UserError(
                        f"rate {cell.rate:g}: sequences of tokens cannot arrive at a fixed rate",
                        "Leave out `rate` (--rate).",
                    )
        except UserError as error:
            raise self._located(version, error) from error
        return sequence

    def _indices(self, cell: Cell, shapes: tuple[tuple[int, ...], ...]) -> dict[int, Range]:
        """Return the valid values of those inputs that are indices, by input."""
        place = self._place(cell.model, cell.version)
        key = (cell.runtime, place, shapes)
        if key not in self._known_indices:
            version = self.source.config.model[place]
            indices = closed_indices(
                self.source.file(version),
                shapes,
                self.source.extensions(version),
                self.runtimes.inspections[cell.runtime].models[place],
                python=self.runtimes.pythons[cell.runtime],
            )
            self._known_indices[key] = {
                place: (index.low, index.high)
                for place, index in enumerate(indices)
                if index is not None
            }
        return self._known_indices[key]

    def calibration(self, planned: PlannedCell) -> Calibration:
        """Prepare what a planned version is calibrated with, as its ``calibration`` says.

        Raises:
            UserError: a file cannot be read or does not fit its input.
        """
        place = self._place(planned.cell.model, planned.cell.version)
        version = self.source.config.model[place]
        info = self.runtimes.inspections[planned.cell.runtime].models[place]
        path = self.folder / f"calibration-{place}.npz"
        try:
            description = prepare_inputs(
                path,
                info.inputs,
                planned.shapes,
                self._given_files(version.calibration),
                version.range,
                self.source.config.measure.seed,
                self._indices(planned.cell, planned.shapes),
                version.subset or (_GIVEN_SETS if version.calibration else _RANDOM_SETS),
                _computed(info, planned.shapes),
            )
        except UserError as error:
            located = UserError(f"calibration: {error.found}", error.remedy, detail=error.detail)
            raise self._located(version, located) from error
        digest = file_digest([path], repr(planned.shapes).encode())
        return Calibration(path, description, digest, _is_random(version.calibration, info))

    def _input_file(
        self,
        version: Version,
        info: ModelInfo,
        resolved: ResolvedShapes,
        indices: Mapping[int, Range],
    ) -> _InputFile:
        """Return the input file; versions and configurations with equal inputs share one."""
        computed = _computed(info, resolved.shapes)
        key = repr(
            (info.inputs, resolved.shapes, version.input, version.range, indices, bool(computed))
        )
        if key not in self._inputs:
            path = self.folder / f"inputs-{len(self._inputs)}.npz"
            try:
                description = prepare_inputs(
                    path,
                    info.inputs,
                    resolved.shapes,
                    self._given_files(version.input),
                    version.range,
                    self.source.config.measure.seed,
                    indices,
                    None,
                    computed,
                )
            except UserError as error:
                raise self._located(version, error) from error
            digest = file_digest([path], repr(resolved.shapes).encode())
            self._inputs[key] = _InputFile(path, description, digest)
        return self._inputs[key]

    def _given_files(self, given: str | dict[str, str] | None) -> Path | dict[str, Path] | None:
        if isinstance(given, dict):
            return {name: self.source.resolve(path) for name, path in given.items()}
        return None if given is None else self.source.resolve(given)

    def _located(self, version: Version, error: UserError) -> UserError:
        where = f"{self.source.name}: model {version.name!r}"
        if version.version != "parent":
            where += f", version {version.version!r}"
        return UserError(f"{where}: {error.found}", error.remedy, detail=error.detail)


def _decoder(info: ModelInfo) -> Decoder | None:
    return as_decoder(info.inputs, info.states)


def _positions(decoder: Decoder, info: ModelInfo) -> int | None:
    """Return the number of positions that a decoder has; None if the graph does not show it."""
    if "positions" not in decoder.roles:
        return None
    index = info.indices[decoder.roles.index("positions")]
    return None if index is None or index.is_open else index.high


def _computed(
    info: ModelInfo, shapes: Sequence[tuple[int, ...]]
) -> dict[int, ComputedInput] | None:
    """Return the inputs of a decoder that follow from its prompt; None for other models."""
    decoder = _decoder(info)
    return None if decoder is None else decoder_inputs(decoder, shapes)


def _prompt_shapes(
    decoder: Decoder, sequence: TokenSequence, version: Version, cell: Cell
) -> ResolvedShapes:
    """Return the shapes with which a decoder reads the prompt.

    Raises:
        UserError: another shape is given, or the model fixes another batch.
    """
    if version.shape is not None:
        raise UserError(
            f"shape {version.shape!r}: the lengths of a decoder's inputs follow from its prompt",
            "Set `prompt` (--prompt) and `batch` (--batch) instead of `shape` (--shape).",
        )
    shapes = decoder.prompt_shapes(sequence.prompt, cell.batch)
    batch = shapes[decoder.roles.index("tokens")][0]
    return ResolvedShapes(shapes, Count(batch, is_assumed=False))


def _is_random(given: str | dict[str, str] | None, info: ModelInfo) -> bool:
    """Return whether an input has no file."""
    return not isinstance(given, str) and len(given or {}) < len(info.inputs)


def _below_run(made: Path) -> str:
    """Return the path of a made version from the folder of the run file."""
    return made.relative_to(made.parents[2]).as_posix()


def _python_because(info: ModelInfo) -> str:
    """Return why only the Python API can run a model; empty if the faster C API can."""
    if info.stateful:
        return "the C API cannot reset the states of a model"
    if any(port.precision == "string" for port in info.inputs):
        return "ovreport can pass strings to a model only through the Python API"
    return ""


def _properties(
    cell: Cell, raw: Mapping[str, Mapping[str, Scalar]]
) -> dict[str, str | int | float | bool]:
    """Return the properties to compile with; raw properties of the config come last."""
    properties: dict[str, str | int | float | bool] = {}
    if cell.hint != "none":
        properties["PERFORMANCE_HINT"] = cell.hint.upper()
    if cell.streams != "auto":
        properties["NUM_STREAMS"] = cell.streams
    if cell.precision is not None:
        properties["INFERENCE_PRECISION_HINT"] = cell.precision
    if cell.threads is not None:
        properties["INFERENCE_NUM_THREADS"] = cell.threads
    return {**properties, **raw.get(cell.device, {})}
