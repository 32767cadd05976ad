"""Losses of scores, or of distances, that should differ by a margin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...autograd import EXPRESSIONS, OPS, Tensor, apply, as_tensor, examine
from .._arguments import positive
from .._initial import constant
from ._activation import logsigmoid
from ._distance import pairwise_distance
from ._loss_arguments import (
    class_indices,
    class_weight,
    operands,
    over_classes,
    reduce_loss,
    rescaled,
    same_shape,
    signs,
)

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "hinge_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


def multi_margin_loss(
    input: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean"
) -> Tensor:
    """Σ_{c≠t} weight_t · max(0, margin − x_t + x_c)^p / C, for scores x (N, C) or (C,)."""
    name, x = "multi_margin_loss", as_tensor(input)
    if p not in (1, 2):
        raise ValueError(f"{name}: p={p} must be 1 or 2")
    if x.ndim not in (1, 2):
        raise ValueError(f"{name}: the scores have shape {x.shape}, expected (N, C) or (C,)")
    labels, _ = class_indices(name, as_tensor(target), x)
    scores = x if x.ndim == 2 else x.unsqueeze(0)
    per_class = class_weight(name, weight, scores.shape[1], x.dtype)
    places = labels.reshape(scores.shape[:1])
    loss = apply(OPS[name], scores, places, per_class, p=p, margin=float(margin))
    return reduce_loss(name, loss if x.ndim == 2 else loss.reshape(()), reduction)


def hinge_loss(input: Any, target: Any, margin: float = 1.0, reduction: str = "mean", p: int = 1) -> Tensor:
    """max(0, margin − t · x)^p per element, t = ±1: target itself, or +1 at a class index and −1 elsewhere."""
    name, x, target = "hinge_loss", as_tensor(input), as_tensor(target)
    if p not in (1, 2, 3):
        raise ValueError(f"{name}: p={p} must be 1, 2 or 3")
    if target.shape == x.shape:
        gap = (margin - x * signs(name, target, x)).clamp_min(0.0)
    else:
        folded, _ = over_classes(name, x)
        labels, _ = class_indices(name, target, x)
        places = labels.reshape((folded.shape[0], folded.shape[2]))
        gap = apply(OPS[name], folded, places, margin=float(margin))
    loss = gap
    for _ in range(p - 1):
        loss = loss * gap
    return reduce_loss(name, loss if reduction != "none" else loss.reshape(x.shape), reduction)


def soft_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """log(1 + e^(−t · x)), t = ±1."""
    x, target = same_shape("soft_margin_loss", input, target)
    return reduce_loss("soft_margin_loss", -logsigmoid(x * target), reduction)


def multilabel_soft_margin_loss(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean"
) -> Tensor:
    """−Σ_c weight_c · (t_c · log σ(x_c) + (1 − t_c) · log σ(−x_c)) / C, for scores x (N, C) or (C,)."""
    name = "multilabel_soft_margin_loss"
    x, target = same_shape(name, input, target)
    if not x.ndim:
        raise ValueError(f"{name}: the scores are a single number, expected (N, C) or (C,)")
    loss = apply(EXPRESSIONS["binary_cross_entropy_with_logits"], x, target)
    if weight is not None:
        loss = loss * rescaled(name, "weight", weight, x)
    return reduce_loss(name, loss.sum(-1) * (1 / x.shape[-1]), reduction)


def multilabel_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """Σ_t Σ_{c no target} max(0, 1 − x_t + x_c) / C; target (N, C) lists classes t, up to the first −1."""
    name, x = "multilabel_margin_loss", as_tensor(input)
    if x.ndim not in (1, 2):
        raise ValueError(f"{name}: the scores have shape {x.shape}, expected (N, C) or (C,)")
    scores, classes = (x if x.ndim == 2 else x.unsqueeze(0)), x.shape[-1]
    lists = _class_lists(name, as_tensor(target), x).reshape(scores.shape)
    listed = apply(OPS["one_hot"], lists, constant(1, classes, x.dtype)).sum(2)  # how often a class is
    others = 1.0 - listed.minimum(1.0)
    gaps = (scores.unsqueeze(1) - scores.unsqueeze(2) + 1.0).clamp_min(0.0)  # [n, t, c]
    loss = (gaps * listed.unsqueeze(2) * others.unsqueeze(1)).sum((1, 2)) * (1 / classes)
    return reduce_loss(name, loss if x.ndim == 2 else loss.reshape(()), reduction)


def _class_lists(name: str, target: Tensor, x: Tensor) -> Tensor:
    """target as int64 lists of classes with nothing but negative numbers from the first −1 on."""
    labels, classes = target.data, x.shape[-1]
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{name}: target must be integer class indices, got {labels.dtype}")
    if labels.shape != x.shape:
        raise ValueError(f"{name}: target has shape {labels.shape}, expected that of the scores, {x.shape}")

    def ended(labels: np.ndarray) -> np.ndarray:
        return np.logical_or.accumulate(labels == -1, axis=-1)

    def all_clean(labels: np.ndarray) -> bool:
        over = ended(labels)
        wrong = ((labels < 0) | (labels >= classes)) & ~over
        if wrong.any():
            raise ValueError(
                f"{name}: target holds {labels[wrong].flat[0]}, expected classes from 0 to {classes - 1}, then -1"
            )
        return not (labels[over] >= 0).any()

    if not examine(labels, all_clean):
        return Tensor(np.where(ended(labels), -1, labels).astype(np.int64))
    return (
        target if labels.dtype == np.int64 and labels.flags.c_contiguous else Tensor(labels.astype(np.int64))
    )


# Of pairs and triplets


def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, reduction: str = "mean") -> Tensor:
    """x where t = +1, max(0, margin − x) where t = −1."""
    name = "hinge_embedding_loss"
    x, _ = operands(name, input, target)
    loss = _by_sign(signs(name, target, x), x, (margin - x).clamp_min(0.0))
    return reduce_loss(name, loss, reduction)


def _by_sign(target: Tensor, similar: Tensor, different: Tensor) -> Tensor:
    """The one where target is +1, the other where it is −1."""
    share = (target + 1.0) * 0.5
    return share * similar + (1.0 - share) * different


def margin_ranking_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """max(0, margin − t · (x1 − x2)): t = +1 where x1 should be the larger, −1 where x2 should."""
    name = "margin_ranking_loss"
    x1, x2, target = operands(name, input1, input2, target)
    if not x1.ndim == x2.ndim == target.ndim:
        raise ValueError(
            f"{name}: input1, input2 and target have shapes {x1.shape}, {x2.shape} and {target.shape}, expected "
            f"as many axes each"
        )
    return reduce_loss(name, (margin - target * (x1 - x2)).clamp_min(0.0), reduction)


def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """1 − cos(x1, x2) where t = +1, max(0, cos(x1, x2) − margin) where t = −1; vectors (N, D), or (D,)."""
    name = "cosine_embedding_loss"
    x1, x2 = operands(name, input1, input2)
    target = as_tensor(target, x1)
    if target.ndim > 1 or not x1.ndim == x2.ndim == target.ndim + 1:
        raise ValueError(
            f"{name}: input1, input2 and target have shapes {x1.shape}, {x2.shape} and {target.shape}, expected "
            f"(N, D), (N, D) and (N,), or (D,), (D,) and ()"
        )
    squares = ((x1 * x1).sum(-1) + 1e-12) * ((x2 * x2).sum(-1) + 1e-12)
    cosine = (x1 * x2).sum(-1) / squares.sqrt()
    loss = _by_sign(signs(name, target, x1), 1.0 - cosine, (cosine - margin).clamp_min(0.0))
    return reduce_loss(name, loss, reduction)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + d(anchor, positive) − d(anchor, negative)), d the p-norm of the difference."""

    def distance(x1: Tensor, x2: Tensor) -> Tensor:
        return pairwise_distance(x1, x2, p, eps)

    return _triplet("triplet_margin_loss", (anchor, positive, negative), distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """``triplet_margin_loss`` with any distance of two tensors, one per sample."""
    distance = pairwise_distance if distance_function is None else distance_function
    name = "triplet_margin_with_distance_loss"
    return _triplet(name, (anchor, positive, negative), distance, margin, swap, reduction)


def _triplet(
    name: str,
    vectors: tuple[Any, ...],
    distance: Callable[[Tensor, Tensor], Tensor],
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    positive(name, "margin", margin)
    anchor, same, other = operands(name, *vectors)
    if not anchor.ndim == same.ndim == other.ndim:
        raise ValueError(
            f"{name}: anchor, positive and negative have shapes {anchor.shape}, {same.shape} and {other.shape}, "
            f"expected as many axes each"
        )
    far = distance(anchor, other)
    if swap:
        far = far.minimum(distance(same, other))
    return reduce_loss(name, (distance(anchor, same) - far + margin).clamp_min(0.0), reduction)
