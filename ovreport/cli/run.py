"""``ovreport run``: plan, measure, analyse, render."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ovreport.cli.gate import EXIT_CODE, gate_options, limits
from ovreport.cli.option_types import (
    RECIPES,
    CommaList,
    Ranges,
    absolute_path,
    extensions_option,
    flatten,
)

_HINTS = ("latency", "throughput", "cumulative_throughput", "none")


@click.command()
@click.argument("target", metavar="CONFIG|MODEL")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="Report to write; the run file is written next to it, with the same name and .jsonl.",
)
@click.option(
    "-d",
    "--device",
    multiple=True,
    metavar="DEVICE",
    help="OpenVINO device: CPU, GPU.1, AUTO, MULTI:GPU,CPU. Repeat for several.  [default: CPU]",
)
@click.option(
    "--hint",
    multiple=True,
    type=CommaList("HINTS", choices=_HINTS, numbers=False),
    help="Performance hints, separated by commas: latency runs one request at a time, the others "
    "(throughput, cumulative_throughput, none) several.  [default: latency,throughput]",
)
@click.option(
    "--streams",
    multiple=True,
    type=CommaList("STREAMS", choices=("auto",)),
    help="Numbers of streams, such as 1,2,auto.  [default: auto, the hint's choice]",
)
@click.option(
    "--batch",
    multiple=True,
    type=CommaList("BATCHES"),
    help="Batch sizes, such as 1,2,4.  [default: the model's own]",
)
@click.option(
    "--precision",
    multiple=True,
    type=CommaList("PRECISIONS", numbers=False),
    help="Inference precisions, such as f32,bf16.  [default: the device's choice]",
)
@click.option(
    "--threads",
    multiple=True,
    type=CommaList("THREADS"),
    help="Numbers of inference threads.  [default: the device's choice]",
)
@click.option(
    "--requests",
    multiple=True,
    type=CommaList("REQUESTS"),
    help="Infer requests in flight.  [default: 1 for latency, the device's optimum otherwise]",
)
@click.option(
    "--rate",
    multiple=True,
    type=CommaList("RATES", fractions=True),
    help="Requests a second that arrive at a fixed pace; latency then counts from arrival.  "
    "[default: a new request starts when one ends]",
)
@click.option(
    "--prompt",
    multiple=True,
    type=CommaList("TOKENS"),
    help="For language models with a growing state: lengths of the prompt, such as 128,1024.  "
    "[default: 128]",
)
@click.option(
    "--new-tokens",
    multiple=True,
    type=CommaList("TOKENS"),
    help="For the same models: numbers of tokens to produce.  [default: 64]",
)
@click.option(
    "--shape",
    metavar="SHAPE",
    help="Shapes of inputs the model leaves open: '[1,3,224,224]' or 'x[1,8],y[1]'.",
)
@extensions_option
@click.option(
    "--layout",
    metavar="LAYOUT",
    help="Where the batch is: '[HWCN]', '[N...]' or 'x[NC],y[CN]'.  [default: as the model's file "
    "says, else a first dimension that is open or 1]",
)
@click.option(
    "--input",
    "input_",
    metavar="PATH",
    help="Real input: .npy, .npz, an image or a folder of images.  [default: random, seeded]",
)
@click.option(
    "--range",
    "range_",
    type=Ranges(),
    help="Random input lies between these numbers, below the upper one: '[0,255]' or "
    "'ids[0,30000],mask[0,2]'.  [default: [0,1) for floats, [0,256) for u8, [0,2) for other "
    "integers]",
)
@click.option(
    "--optimise",
    multiple=True,
    type=CommaList("RECIPES", choices=tuple(RECIPES), numbers=False),
    help="Also make and measure optimised versions: int8, f16, int8-weights, int4-weights. All but "
    "f16 need nncf (extra quantize).",
)
@click.option(
    "--calibration",
    metavar="PATH",
    help="Typical input to calibrate --optimise int8 with, as in --input.  [default: random]",
)
@click.option(
    "--duration",
    type=float,
    metavar="S",
    help="Measure each cell exactly S seconds.  [default: until the interval is ±1 %, 2 to 20 s]",
)
@click.option(
    "--iterations", type=int, metavar="N", help="Measure each cell exactly N requests instead."
)
@click.option(
    "--max-time",
    type=float,
    metavar="S",
    help="Measure each cell for at most S seconds.  [default: 20]",
)
@click.option(
    "--no-roofs",
    is_flag=True,
    help="Do not measure what the device can reach: saves some seconds, leaves out the roofline.",
)
@click.option(
    "--run-file",
    type=click.Path(path_type=Path),
    help="File for the measurements.  [default: next to the report, .jsonl]",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    help="Continue this run file: the results in it are not measured again.",
)
@click.option(
    "--search",
    is_flag=True,
    help="Look for the best throughput over streams and batches instead of measuring every "
    "combination.",
)
@click.option(
    "--latency-threshold",
    type=float,
    metavar="MS",
    help="Longest median latency of the best configuration, for --search and the report.",
)
@gate_options
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
@click.option("-v", "--verbose", is_flag=True, help="Show more about failures.")
def run(
    target: str,
    output: Path,
    run_file: Path | None,
    resume: Path | None,
    dry_run: bool,
    verbose: bool,
    **options: Any,
) -> None:
    """Measure the cells of CONFIG.toml, or of a MODEL, and write a report.

    MODEL is an ONNX, IR (.xml), TFLite, Paddle or TensorFlow file or folder, or
    package:NAME/FILE for a file of an installed Python package. Options override the config.

    \b
    ovreport run model.onnx
    ovreport run model.onnx --hint latency,throughput --batch 1,2,4 --streams 1,2 -o report.html
    ovreport run CONFIG.toml --dry-run
    """
    from ovreport import pipeline
    from ovreport.cli.progress import RunDisplay

    # -v has the same effect before and after the command, for errors and for failures.
    program = click.get_current_context().find_root()
    verbose = program.params["verbose"] = verbose or program.params["verbose"]
    use_case = pipeline.plan if dry_run else pipeline.run
    result = use_case(
        target,
        output,
        settings=_settings(options),
        run_file=run_file,
        resume=resume,
        limits=limits(options),
        display=RunDisplay(target, verbose=verbose),
    )
    if isinstance(result, pipeline.MeasuredRun):
        sys.exit(EXIT_CODE if result.is_broken else 0 if result.is_complete else 1)


def _settings(options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the given options set in a config; those not given change nothing."""
    lists = (
        "hint", "streams", "batch", "precision", "threads", "requests", "rate", "prompt",
        "new_tokens",
    )  # fmt: skip
    matrix: dict[str, Any] = {key: flatten(options[key]) for key in lists if options[key]}
    if options["search"]:
        matrix["search"] = True
    if options["device"]:
        matrix["device"] = list(options["device"])
    model = {
        **{key: options[key] for key in ("shape", "layout")},
        "extensions": [absolute_path(path) for path in options["extensions"]] or None,
        "input": absolute_path(options["input_"]),
        "range": options["range_"],
        "optimise": flatten(options["optimise"]) or None,
        "calibration": absolute_path(options["calibration"]),
    }
    report = {"latency_threshold_ms": options["latency_threshold"]}
    measure = {key: options[key] for key in ("duration", "iterations", "max_time")}
    measure["roofs"] = False if options["no_roofs"] else None
    return {
        "model": {key: value for key, value in model.items() if value is not None},
        "matrix": matrix,
        "measure": {key: value for key, value in measure.items() if value is not None},
        "report": {key: value for key, value in report.items() if value is not None},
    }
