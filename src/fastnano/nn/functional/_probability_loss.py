"""Losses that are minus the log of a probability, or differ from it by a constant."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...autograd import EXPRESSIONS, OPS, Tensor, apply, as_tensor, examine
from ...functions.elementwise import where
from .._arguments import choice, probability
from ._activation import log_softmax, logsigmoid
from ._loss_arguments import (
    REDUCTIONS,
    at_least,
    check_weights,
    class_indices,
    class_weight,
    ignored_by_kernels,
    operands,
    over_classes,
    reduce_loss,
    rescaled,
    same_shape,
)

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "gaussian_nll_loss",
    "kl_div",
    "nll_loss",
    "poisson_nll_loss",
]


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """−log softmax(x)[target], fused; target holds class indices, or class probabilities of x's shape.

    Raises ValueError for targets that are no classes of x, or ``ignore_index`` beside probabilities.
    """
    x, name = as_tensor(input), "cross_entropy"
    choice(name, "reduction", reduction, REDUCTIONS)
    smoothing = probability(name, "label_smoothing", label_smoothing)
    target = as_tensor(target)
    if target.dtype.kind == "f":
        if ignore_index >= 0:
            raise ValueError(
                f"{name}: ignore_index={ignore_index} is for class indices; target holds probabilities"
            )
        return _cross_entropy_probabilities(x, target, weight, reduction, smoothing)
    return _from_indices(name, x, target, weight, ignore_index, reduction, label_smoothing=smoothing)


def nll_loss(
    input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """−weight_t · x_t for log-probabilities x (N, C, d...) and classes t."""
    choice("nll_loss", "reduction", reduction, REDUCTIONS)
    return _from_indices("nll_loss", as_tensor(input), target, weight, ignore_index, reduction)


def _from_indices(
    name: str, x: Tensor, target: Any, weight: Any, ignore_index: int, reduction: str, **numbers: float
) -> Tensor:
    folded, shape = over_classes(name, x)
    target = as_tensor(target)
    labels, ignored = class_indices(name, target, x, ignore_index)
    places = labels.reshape((folded.shape[0], folded.shape[2]))
    per_class = class_weight(name, weight, folded.shape[1], x.dtype)
    ignored_label = ignored_by_kernels(ignore_index)
    loss = apply(OPS[name], folded, places, per_class, ignore_index=ignored_label, **numbers)
    if reduction == "mean" and loss.numel() and (weight is not None or ignored):
        check_weights(name, target, per_class, ignore_index)
        return loss.sum() / apply(OPS["weight_of_targets"], places, per_class, ignore_index=ignored_label)
    return reduce_loss(name, loss if reduction != "none" else loss.reshape(shape), reduction)


def _cross_entropy_probabilities(
    x: Tensor, target: Tensor, weight: Any, reduction: str, label_smoothing: float
) -> Tensor:
    """−Σ_c weight_c · q_c · log softmax(x)_c,  q = (1 − ε) · target + ε/C."""
    name = "cross_entropy"
    if target.shape != x.shape:
        raise ValueError(
            f"{name}: target has shape {target.shape}, expected class probabilities of shape {x.shape} "
            f"(for class indices, convert it to integers)"
        )
    axis = 0 if x.ndim == 1 else 1
    classes = x.shape[axis]
    per_class = class_weight(name, weight, classes, x.dtype).reshape((classes,) + (1,) * (x.ndim - axis - 1))
    smooth = target * (1 - label_smoothing) + label_smoothing / classes
    loss = -(smooth * per_class * log_softmax(x, axis)).sum(axis)
    return reduce_loss(name, loss, reduction)  # the mean is over samples, not weights, as PyTorch has it


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Tensor:
    """−weight · (t · log x + (1 − t) · log(1 − x)), logarithms not below −100.

    Raises ValueError for values outside 0 to 1.
    """
    name = "binary_cross_entropy"
    given = as_tensor(target)
    x, target = same_shape(name, input, target)
    for what, inside in (
        ("the input", _are_probabilities(x.data)),
        ("target", examine(given.data, _are_probabilities)),
    ):
        if not inside:
            raise ValueError(
                f"{name}: {what} has values outside 0 to 1; for scores use binary_cross_entropy_with_logits"
            )
    loss = apply(EXPRESSIONS[name], x, target)
    if weight is not None:
        loss = loss * rescaled(name, "weight", weight, x)
    return reduce_loss(name, loss, reduction)


def _are_probabilities(values: np.ndarray) -> bool:
    return bool(((values >= 0) & (values <= 1)).all())


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Tensor:
    """−weight · (pos_weight · t · log σ(x) + (1 − t) · log(1 − σ(x)))."""
    name = "binary_cross_entropy_with_logits"
    x, target = same_shape(name, input, target)
    if pos_weight is None:
        loss = apply(EXPRESSIONS[name], x, target)
    else:
        positives = (rescaled(name, "pos_weight", pos_weight, x) - 1.0) * target + 1.0
        loss = (1.0 - target) * x - positives * logsigmoid(x)
    if weight is not None:
        loss = loss * rescaled(name, "weight", weight, x)
    return reduce_loss(name, loss, reduction)


def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """t · (log t − x) for log-probabilities x; target is t, or log t with ``log_target``."""
    x, target = operands("kl_div", input, target)
    choice("kl_div", "reduction", reduction, ("batchmean", *REDUCTIONS))
    log = target if log_target else where(target == 0, 1.0, target).log()  # 0 · log 0 is 0
    loss = (target.exp() if log_target else target) * (log - x)
    if reduction != "batchmean" or not x.ndim:
        return reduce_loss("kl_div", loss, "sum" if reduction == "batchmean" else reduction)
    return reduce_loss("kl_div", loss, "mean") * (loss.numel() / x.shape[0])  # a number no batch size changes


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    """e^x − t · x with ``log_input``, else x − t · log(x + eps); ``full`` adds Stirling's log t!."""
    x, t = operands("poisson_nll_loss", input, target)
    loss = x.exp() - t * x if log_input else x - t * (x + eps).log()
    if full:
        above = t.clamp_min(1.0)
        loss = loss + (t > 1) * (above * above.log() - above + (above * (2 * math.pi)).log() * 0.5)
    return reduce_loss("poisson_nll_loss", loss, reduction)


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """½ · (log v + (x − t)² / v), v = max(var, eps); ``full`` adds ½ log 2π."""
    name = "gaussian_nll_loss"
    x, target = operands(name, input, target)
    var = as_tensor(var, x)
    if (var.data < 0).any():
        raise ValueError(f"{name}: var holds {var.data.min()}; variances must be at least 0")
    if var.ndim and var.shape != x.shape:
        if var.shape == x.shape[:-1]:
            var = var.unsqueeze(-1)
        elif var.ndim != x.ndim or sum(v for n, v in zip(x.shape, var.shape, strict=True) if n != v) != 1:
            raise ValueError(
                f"{name}: var has shape {var.shape}, expected that of the input, {x.shape}, or that with its "
                f"last axis left out or one axis of size 1"
            )
    var = at_least(var, eps)
    difference = x - target
    loss = (var.log() + difference * difference / var) * 0.5
    return reduce_loss(name, loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)
