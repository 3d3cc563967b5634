"""Best classes of outputs that hold class scores, and how often two versions agree on them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Classes = NDArray[np.int64]
BEST = 5
# Rows of an output that sum to one as closely as INT8 and f16 softmaxes do are probabilities.
_SUM_TOLERANCE = 0.02
# Other two-dimensional outputs count as class scores if they have at least this many columns.
_MIN_CLASSES = 10
# Names of such outputs by exporters of sentence transformers, CLIP, speaker and face models:
# sentence_embedding, image_embeds, pooler_output, last_hidden_state, feature_vector, d_vector.
_EMBEDDING = re.compile(
    r"embed|pool|hidden|latent|feat(ure)?s?(?![a-z])|(?<![a-z])(vec|vector|emb|repr)(?![a-z])"
    r"|fingerprint|descriptor",
    re.IGNORECASE,
)
_SCORES = re.compile(r"logit|score|prob|class|softmax", re.IGNORECASE)
# Rows of length 1 that are rounded to f16 or INT8.
_LENGTH_TOLERANCE = 0.02


def class_fields(
    a: Classes, b: Classes, classes: int, labels: Classes | None = None
) -> dict[str, object]:
    """Return the fields of :class:`OutputDrift` about the best classes.

    Args:
        a: the best classes of A's samples, shape [samples, best].
        b: the same of B.
        classes: the number of classes.
        labels: the right class of each sample, shape [samples].
    """
    update: dict[str, object] = {"top1": same_best(a, b, 1)}
    several = classes > BEST
    if several:
        update["top5"] = same_best(a, b, BEST)
    if labels is not None and len(labels) == len(a):
        update["accuracy"] = (accuracy(a, labels, 1), accuracy(b, labels, 1))
        if several:
            update["accuracy5"] = (accuracy(a, labels, BEST), accuracy(b, labels, BEST))
    return update


def same_best(a: Classes, b: Classes, best: int) -> float:
    """Return the share of A's best classes that are among B's best, in any order."""
    pairs = zip(a[:, :best], b[:, :best], strict=True)
    return float(np.mean([len(set(x) & set(y)) / best for x, y in pairs]))


def accuracy(classes: Classes, labels: Classes, best: int) -> float:
    """Return the share of samples whose right class is among the best."""
    pairs = zip(labels, classes[:, :best], strict=True)
    return float(np.mean([label in row for label, row in pairs]))


def best_classes(scores: Array) -> Classes:
    """Return the five classes with the highest scores, shape [samples, 5], best first.

    Of equal scores, the lower class comes first. If there are fewer than five classes, all are
    returned.
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.asarray(order[:, :BEST], dtype=np.int64)


def as_scores(arrays: Sequence[Array], name: str = "") -> Array | None:
    """Return class scores, shape [samples, classes]; None if the output does not look like scores.

    Dimensions of extent 1 after the classes are ignored. The largest element of an embedding is
    no class: an output is one by its name, or if its rows all have the length 1.

    Args:
        name: the output's; empty if it has none.
    """
    if any(x.ndim < 2 or int(np.prod(x.shape[2:])) != 1 or x.dtype.kind != "f" for x in arrays):
        return None
    if len({x.shape[1] for x in arrays}) > 1 or not any(x.size for x in arrays):
        return None
    scores = np.concatenate([x.reshape(x.shape[0], x.shape[1]) for x in arrays])
    if scores.shape[1] > 1 and sum_to_one(scores, 1):
        return scores
    wide = scores.shape[1] >= _MIN_CLASSES
    named_so = _EMBEDDING.search(name) and not _SCORES.search(name)
    return scores if wide and not named_so and not _have_length_one(scores) else None


def _have_length_one(rows: Array) -> bool:
    """Return whether rows are normalised, as embeddings are that are compared by their angle."""
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
    return bool((np.abs(lengths - 1) <= _LENGTH_TOLERANCE).all())


def sum_to_one(scores: Array, axis: int) -> bool:
    """Return whether values are probabilities: not negative, and of sum 1 along an axis."""
    if not (scores >= 0).all():
        return False
    sums = scores.sum(axis=axis, dtype=np.float64)
    return bool((np.abs(sums - 1) <= _SUM_TOLERANCE).all())
