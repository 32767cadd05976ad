"""Losses as functions, under PyTorch's names and arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd import EXPRESSIONS, OPS, Tensor, apply, as_tensor, examine, tensor
from .._arguments import choice, probability
from .._initial import constant

__all__ = ["cross_entropy", "hinge_loss", "l1_loss", "mse_loss", "multi_margin_loss", "nll_loss"]

REDUCTIONS = ("mean", "sum", "none")
_IGNORED = -100  # the label that kernels ignore where the caller's does not fit their 32 bits


def reduce_loss(name: str, loss: Tensor, reduction: str) -> Tensor:
    """Mean, sum, or each value; the mean of nothing is refused."""
    if choice(name, "reduction", reduction, REDUCTIONS) == "none":
        return loss
    if not loss.numel():
        raise ValueError(
            f"{name}: the batch is empty (shape {loss.shape}); a mean or sum needs at least one sample"
        )
    return loss.mean() if reduction == "mean" else loss.sum()


def _class_weight(name: str, weight: Any, classes: int, dtype: np.dtype) -> Tensor:
    if weight is None:
        return constant(1, classes, dtype)
    weight = as_tensor(weight) if isinstance(weight, (Tensor, np.ndarray)) else tensor(weight, dtype)
    if weight.shape != (classes,):
        raise ValueError(
            f"{name}: weight has shape {weight.shape}, expected one weight per class, ({classes},)"
        )
    if not np.isfinite(weight.data).all():
        raise ValueError(
            f"{name}: weight={weight.tolist()} holds NaN or infinity; class weights must be finite"
        )
    return weight


def _class_indices(
    name: str, target: Tensor, x: Tensor, ignore_index: int | None = None
) -> tuple[Tensor, bool]:
    """target as int64 labels of x's classes, itself where it is that already, and whether any is ignored.

    Each must be a class, or ignore_index, which becomes what ``_ignored_by_kernels`` says.
    """
    labels = target.data
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{name}: target must be integer class indices, got {labels.dtype}")
    expected = (*x.shape[:1], *x.shape[2:]) if x.ndim > 1 else ()
    if labels.shape != expected:
        raise ValueError(
            f"{name}: target has shape {labels.shape}, expected {expected} for scores of shape {x.shape}"
        )
    classes = x.shape[1] if x.ndim > 1 else x.shape[0]

    def any_ignored(labels: np.ndarray) -> bool:
        ignored = labels == ignore_index
        wrong = ((labels < 0) | (labels >= classes)) & ~ignored
        if wrong.any():
            raise ValueError(
                f"{name}: target holds {labels[wrong].flat[0]}, expected classes from 0 to {classes - 1}"
            )
        return bool(ignored.any())

    found = examine(labels, any_ignored)
    indices = np.asarray(labels, np.int64, order="C")
    if found and ignore_index is not None and _ignored_by_kernels(ignore_index) != ignore_index:
        indices = np.where(labels == ignore_index, _IGNORED, indices)
    return target if indices is labels else Tensor(indices), found


def _over_classes(name: str, x: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """Scores (N, C, d...) or (C,) as [n, c, s], and the shape of one loss per place."""
    if x.ndim == 0:
        raise ValueError(f"{name}: the scores are a single number, expected (N, C, ...) or (C,)")
    if x.ndim == 1:
        return x.reshape((1, x.shape[0], 1)), ()
    return x.reshape((x.shape[0], x.shape[1], int(np.prod(x.shape[2:])))), (x.shape[0], *x.shape[2:])


def _ignored_by_kernels(ignore_index: int) -> int:
    return ignore_index if -(2**31) <= ignore_index < 2**31 else _IGNORED


def _check_weights(name: str, target: Tensor, weight: Tensor, ignore_index: int) -> None:
    """Refuse to divide by the weights of the targets where these add up to 0."""

    def total(labels: np.ndarray) -> float:
        return weight.data[labels[labels != ignore_index]].sum(dtype=np.float64)

    if examine(target.data, total) == 0:
        raise ValueError(
            f"{name}: the weights of all targets add up to 0 (all ignored?), so there is no mean"
        )


def cross_entropy(
    x: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """−log softmax(x)[target], fused; target holds class indices, or class probabilities of x's shape."""
    x, name = as_tensor(x), "cross_entropy"
    choice(name, "reduction", reduction, REDUCTIONS)
    smoothing = probability(name, "label_smoothing", label_smoothing)
    target = as_tensor(target)
    if target.dtype.kind == "f":
        return _cross_entropy_probabilities(x, target, weight, reduction, smoothing)
    return _from_indices(name, x, target, weight, ignore_index, reduction, label_smoothing=smoothing)


def nll_loss(
    x: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """−weight_t · x_t for log-probabilities x (N, C, d...) and classes t."""
    choice("nll_loss", "reduction", reduction, REDUCTIONS)
    return _from_indices("nll_loss", as_tensor(x), target, weight, ignore_index, reduction)


def _from_indices(
    name: str, x: Tensor, target: Any, weight: Any, ignore_index: int, reduction: str, **numbers: float
) -> Tensor:
    folded, shape = _over_classes(name, x)
    target = as_tensor(target)
    labels, ignored = _class_indices(name, target, x, ignore_index)
    places = labels.reshape((folded.shape[0], folded.shape[2]))
    class_weight = _class_weight(name, weight, folded.shape[1], x.dtype)
    ignored_label = _ignored_by_kernels(ignore_index)
    loss = apply(OPS[name], folded, places, class_weight, ignore_index=ignored_label, **numbers)
    if reduction == "mean" and loss.numel() and (weight is not None or ignored):
        _check_weights(name, target, class_weight, ignore_index)
        return loss.sum() / apply(OPS["weight_of_targets"], places, class_weight, ignore_index=ignored_label)
    return reduce_loss(name, loss if reduction != "none" else loss.reshape(shape), reduction)


def _cross_entropy_probabilities(
    x: Tensor, target: Tensor, weight: Any, reduction: str, label_smoothing: float
) -> Tensor:
    """−Σ_c weight_c · q_c · log softmax(x)_c,  q = (1 − ε) · target + ε/C."""
    from ._activation import log_softmax

    name = "cross_entropy"
    if target.shape != x.shape:
        raise ValueError(
            f"{name}: target has shape {target.shape}, expected class probabilities of shape {x.shape} "
            f"(for class indices, convert it to integers)"
        )
    axis = 0 if x.ndim == 1 else 1
    classes = x.shape[axis]
    per_class = _class_weight(name, weight, classes, x.dtype).reshape((classes,) + (1,) * (x.ndim - axis - 1))
    smooth = target * (1 - label_smoothing) + label_smoothing / classes
    loss = -(smooth * per_class * log_softmax(x, axis)).sum(axis)
    return reduce_loss(name, loss, reduction)  # the mean is over samples, not weights, as PyTorch has it


def _same_shape(name: str, x: Any, target: Any) -> tuple[Tensor, Tensor]:
    x = as_tensor(x)
    target = as_tensor(target, x)
    if x.shape != target.shape:
        raise ValueError(f"{name}: target has shape {target.shape}, expected that of the input, {x.shape}")
    whole = target.dtype.kind != "f" and x.dtype.kind == "f"
    return x, _cast(target, x.dtype) if whole else target


def _cast(x: Tensor, dtype: np.dtype) -> Tensor:
    """x in another dtype, by an op that a plan can take over, where ``Tensor.to`` of a constant is none."""
    return x if x.dtype == dtype else apply(EXPRESSIONS["cast"], x, dtype=dtype)


def mse_loss(x: Any, target: Any, reduction: str = "mean") -> Tensor:
    """(x − target)²."""
    x, target = _same_shape("mse_loss", x, target)
    difference = x - target
    return reduce_loss("mse_loss", difference * difference, reduction)


def l1_loss(x: Any, target: Any, reduction: str = "mean") -> Tensor:
    """|x − target|."""
    x, target = _same_shape("l1_loss", x, target)
    return reduce_loss("l1_loss", (x - target).abs(), reduction)


def multi_margin_loss(
    x: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean"
) -> Tensor:
    """Σ_{c≠t} weight_t · max(0, margin − x_t + x_c)^p / C, for scores x (N, C) or (C,)."""
    name, x = "multi_margin_loss", as_tensor(x)
    if p not in (1, 2):
        raise ValueError(f"{name}: p={p} must be 1 or 2")
    if x.ndim not in (1, 2):
        raise ValueError(f"{name}: the scores have shape {x.shape}, expected (N, C) or (C,)")
    labels, _ = _class_indices(name, as_tensor(target), x)
    scores = x if x.ndim == 2 else x.unsqueeze(0)
    class_weight = _class_weight(name, weight, scores.shape[1], x.dtype)
    places = labels.reshape(scores.shape[:1])
    loss = apply(OPS[name], scores, places, class_weight, p=p, margin=float(margin))
    return reduce_loss(name, loss if x.ndim == 2 else loss.reshape(()), reduction)


def hinge_loss(x: Any, target: Any, margin: float = 1.0, reduction: str = "mean") -> Tensor:
    """max(0, margin − t · x) per element, t = ±1: target itself, or +1 at a class index and −1 elsewhere."""
    name, x, target = "hinge_loss", as_tensor(x), as_tensor(target)
    if target.shape == x.shape:
        if not examine(target.data, lambda signs: np.isin(signs, (-1, 1)).all()):
            raise ValueError(f"{name}: target of the input's shape {x.shape} must hold -1 and +1 only")
        signs = _cast(target.detach(), x.dtype)
        return reduce_loss(name, (margin - x * signs).clamp_min(0.0), reduction)
    folded, _ = _over_classes(name, x)
    labels, _ = _class_indices(name, target, x)
    places = labels.reshape((folded.shape[0], folded.shape[2]))
    loss = apply(OPS[name], folded, places, margin=float(margin))
    return reduce_loss(name, loss if reduction != "none" else loss.reshape(x.shape), reduction)
