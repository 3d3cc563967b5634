"""The position of an input's batch, and the number of samples in a request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from conftest import ovreport
from openvino import opset13 as op

from ovreport.errors import UserError
from ovreport.planning.batches import Batch, batch_of_layout, letters_of
from ovreport.planning.shapes import ResolvedShapes, resolve
from ovreport.run import Port, Resolved, Run
from ovreport.runfile import read_run


def resolved(
    shapes: str | dict[str, str],
    *,
    shape: str | None = None,
    layout: str | None = None,
    batch: int | None = None,
    own: Sequence[str] = (),
) -> ResolvedShapes:
    named = {"x": shapes} if isinstance(shapes, str) else shapes
    inputs = [Port(names=(n,), shape=text, precision="f32") for n, text in named.items()]
    return resolve(inputs, shape, layout, batch, own)


@pytest.mark.parametrize(
    ("layout", "letters", "rank", "place"),
    [
        ("[NCHW]", "N C H W", 4, 0),
        ("[C,H,W,N]", "C H W N", 4, 3),
        ("[N...]", "N ...", 3, 0),
        ("[N,...,C]", "N ... C", 3, 0),
        ("[...,N]", "... N", 3, 2),
        ("[...NC]", "... N C", 4, 2),
        ("[?,n]", "? N", 2, 1),
        ("[HWC]", "H W C", 3, None),
    ],
)
def test_a_layout_names_the_dimension_of_the_batch(
    layout: str, letters: str, rank: int, place: int | None
) -> None:
    assert letters_of(layout) == tuple(letters.split())
    assert batch_of_layout(letters_of(layout), rank) == Batch(place, "layout")
    openvino = ov.Layout(layout if "," in layout else layout.strip("[]"))
    known = openvino.get_index_by_name("N") if openvino.has_name("N") else None
    assert place == (known if known is None or known >= 0 else rank + known)


def test_a_layout_that_leaves_dimensions_unnamed_says_nothing_of_a_batch() -> None:
    assert batch_of_layout(letters_of("[?,C,H,W]"), 4) is None
    assert batch_of_layout(letters_of("[...,C]"), 4) is None
    assert resolved("[?,3,8,8]", own=["[?,C,H,W]"], batch=2).shapes == ((2, 3, 8, 8),)


def test_the_layout_in_the_file_gives_place_and_size_of_the_batch() -> None:
    assert resolved("[3,32,32,1]", own=["[C,H,W,N]"]).count.samples == 1
    four = resolved("[3,32,32,1]", own=["[C,H,W,N]"], batch=4)
    assert (four.shapes, four.count.samples) == (((3, 32, 32, 4),), 4)
    assert resolved("[8,16]", own=["[N,...]"]).count.samples == 8
    assert resolved("[8,16]", own=["[H,W]"]).count.samples == 1


def test_the_layout_in_the_config_overrides_that_in_the_file() -> None:
    resolution = resolved("[3,32,32,1]", own=["[C,H,W,N]"], layout="[NHWC]")
    assert resolution.count.samples == 3
    both = {"x": "[1,16]", "h": "[2,1,8]"}
    resolution = resolved(both, own=["[N,C]", "[N,...]"], layout="h[?N?]", batch=4)
    assert resolution.shapes == ((4, 16), (2, 4, 8))
    assert resolution.count.samples == 4


@pytest.mark.parametrize(
    ("shape", "samples"),
    [("[8,3,64,64]", 8), ("[8,64,64,3]", 8), ("[8,1,28,28]", 8), ("[3,64,64]", 1)],
)
def test_pictures_are_recognised_by_their_channels(shape: str, samples: int) -> None:
    count = resolved(shape).count
    assert (count.samples, count.doubt) == (samples, "")


@pytest.mark.parametrize("shape", ["[384,128]", "[16,1,80]", "[8,64,16,16]", "[2,3,4,64,64]"])
def test_an_unexplained_first_dimension_counts_as_one_sample(shape: str) -> None:
    count = resolved(shape).count
    assert count.samples == 1
    assert count.doubt == f"nothing says that the first dimension is a batch (x {shape})"


def test_a_first_dimension_of_the_requested_size_is_the_batch() -> None:
    count = resolved("[8,128]", batch=8).count
    assert (count.samples, count.doubt) == (8, "")
    assert count.confirmed([port("[8,10]")], ["[8,10]"]) == count


def test_inputs_without_a_batch_do_not_count() -> None:
    state = {"x": "[?,512]", "state": "[2,1,128]", "rate": "[]"}
    assert resolved(state).shapes == ((1, 512), (2, 1, 128), ())
    assert resolved(state).count.doubt == ""
    assert resolved(state, batch=4).shapes == ((4, 512), (2, 1, 128), ())
    boxes = {"image": "[8,3,64,64]", "boxes": "[300,5]"}
    assert resolved(boxes).count.samples == 8


def test_a_request_without_samples_counts_as_one() -> None:
    assert resolved("[0,16]").count.samples == 1


def test_first_dimensions_that_differ_count_as_one() -> None:
    graph = {"x": "[?,16]", "edges": "[2,?]"}
    count = resolved(graph, shape="x[100,16],edges[2,300]").count
    assert count.samples == 1
    assert count.doubt.endswith("is a batch (x [100,16], edges [2,300])")
    pair = {"a": "[?,16]", "b": "[?,16]"}
    count = resolved(pair, shape="a[8,16],b[1,16]").count
    assert count.samples == 1
    assert count.doubt == "the batches of its inputs differ (a [8,16], b [1,16])"


@pytest.mark.parametrize(
    ("shapes", "layout", "why"),
    [
        ("[384,128]", None, "nothing says that the first dimension is a batch (x [384,128])"),
        ("[64,64,3]", "[HWC]", "no input has a batch (x [64,64,3])"),
        ("[]", None, "no input has a batch (x [])"),
        ({}, None, "the model has no inputs"),
    ],
)
def test_a_batch_without_a_known_dimension_is_refused(
    shapes: str | dict[str, str], layout: str | None, why: str
) -> None:
    with pytest.raises(UserError) as error:
        resolved(shapes, layout=layout, batch=4)
    assert str(error.value).startswith(f"batch 4: {why}. Name the batch dimension with `layout`")
    assert resolved(shapes, layout=layout, batch=1).count.samples == 1


@pytest.mark.parametrize("layout", ["[NCH]", "[N...C...]", "[NC...H]"])
def test_a_layout_that_does_not_fit_its_input_is_refused(layout: str) -> None:
    with pytest.raises(UserError, match=r"layout .* letters, input 'x' is \[1,8\]"):
        resolved("[1,8]", layout=layout)


def port(shape: str) -> Port:
    return Port(names=("y",), shape=shape, precision="f32")


@pytest.mark.parametrize(
    ("before", "after", "samples"),
    [
        ("[?,10]", "[4,10]", 4),
        ("[1,10]", "[4,10]", 4),
        ("[1,1,200,7]", "[1,1,800,7]", 4),
        ("[?,?]", "[?,7]", 4),
        ("[1,1000]", "[1,1000]", 1),
        ("[4,10]", "[4,10]", 1),
        ("[]", "[]", 1),
    ],
)
def test_a_batch_that_does_not_change_the_outputs_counts_as_one(
    before: str, after: str, samples: int
) -> None:
    count = resolved("[?,128]", batch=4).count.confirmed([port(before)], [after])
    assert count.samples == samples
    assert bool(count.doubt) == (samples == 1)


# ---------------------------------------------------------------------------- measured


def measured(folder: Path, *options: str) -> tuple[Run, Resolved]:
    arguments = ("--hint", "latency", "--iterations", "20", "--no-roofs")
    done = ovreport("run", folder / "m.xml", *arguments, *options, "-o", folder / "r.html")
    assert done.exit_code == 0, done.output
    run = read_run(folder / "r.jsonl")
    (result,) = run.results
    assert result.resolved is not None
    doubt = result.resolved.batch_doubt
    assert (" ".join(done.output.split()).count(f"counts as one sample, because {doubt}")) == bool(
        doubt
    )
    return run, result.resolved


@pytest.mark.measures
def test_the_layout_in_a_file_is_read_and_shown(tmp_path: Path) -> None:
    image = op.parameter([3, 32, 32, 1], np.float32, name="image")
    image.set_layout(ov.Layout("CHWN"))
    flow = op.transpose(image, op.constant(np.array([3, 0, 1, 2])))
    ov.save_model(ov.Model([op.result(op.relu(flow))], [image], "chwn"), tmp_path / "m.xml")
    run, resolution = measured(tmp_path, "--batch", "4")
    assert [one.shape for one in resolution.inputs] == ["[3,32,32,4]"]
    assert (resolution.batch, resolution.batch_doubt) == (4, "")
    assert run.header.models[0].layouts == ("[C,H,W,N]",)
    assert "[3,32,32,1] f32 [C,H,W,N]" in (tmp_path / "r.html").read_text()


@pytest.mark.measures
def test_a_batch_that_the_model_reduces_away_is_not_counted(tmp_path: Path) -> None:
    rows = op.parameter([-1, 16], np.float32, name="rows")
    mean = op.reduce_mean(rows, op.constant(np.array([0])), keep_dims=True)
    ov.save_model(ov.Model([op.result(mean)], [rows], "mean"), tmp_path / "m.xml")
    _, resolution = measured(tmp_path, "--shape", "[384,16]")
    assert resolution.batch == 1
    assert resolution.batch_doubt == "no output grows with the batch of 384 ([1,16])"
    page = (tmp_path / "r.html").read_text()
    assert "m: throughput counts each request as one sample, because no output grows" in page
