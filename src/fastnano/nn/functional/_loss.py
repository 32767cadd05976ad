"""Losses of numbers, under PyTorch's names and arguments."""

from __future__ import annotations

from typing import Any

from ...autograd import EXPRESSIONS, Tensor, apply
from .._arguments import choice, positive
from ._loss_arguments import REDUCTIONS, reduce_loss, rescaled, same_shape

__all__ = ["huber_loss", "l1_loss", "log_cosh_loss", "mse_loss", "smooth_l1_loss", "sse_loss"]


def mse_loss(input: Any, target: Any, reduction: str = "mean", weight: Any = None) -> Tensor:
    """(x − target)²; the mean of weighted ones is over Σ weight."""
    x, target = same_shape("mse_loss", input, target)
    difference = x - target
    return _weighted("mse_loss", difference * difference, reduction, weight)


def l1_loss(input: Any, target: Any, reduction: str = "mean", weight: Any = None) -> Tensor:
    """|x − target|; the mean of weighted ones is over Σ weight."""
    x, target = same_shape("l1_loss", input, target)
    return _weighted("l1_loss", (x - target).abs(), reduction, weight)


def _weighted(name: str, loss: Tensor, reduction: str, weight: Any) -> Tensor:
    choice(name, "reduction", reduction, REDUCTIONS)
    if weight is None:
        return reduce_loss(name, loss, reduction)
    weight = rescaled(name, "weight", weight, loss)
    if weight.shape != loss.shape:
        raise ValueError(f"{name}: weight has shape {weight.shape}, expected that of the input, {loss.shape}")
    if reduction == "mean":
        return reduce_loss(name, loss * weight, "sum") / weight.sum()
    return reduce_loss(name, loss * weight, reduction)


def sse_loss(input: Any, target: Any, reduction: str = "sum") -> Tensor:
    """Σ (x − target)², over all that a sample holds."""
    x, target = same_shape("sse_loss", input, target)
    difference = x - target
    loss = difference * difference
    axes = tuple(range(1, loss.ndim))
    return reduce_loss("sse_loss", loss.sum(axes) if axes and reduction != "sum" else loss, reduction)


def smooth_l1_loss(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """d² / 2β where d = |x − target| < β, else d − β/2."""
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta={beta} must be at least 0")
    if beta == 0:
        return l1_loss(input, target, reduction)
    x, target = same_shape("smooth_l1_loss", input, target)
    loss = apply(EXPRESSIONS["huber"], x - target, delta=float(beta)) / beta
    return reduce_loss("smooth_l1_loss", loss, reduction)


def huber_loss(
    input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None
) -> Tensor:
    """d² / 2 where d = |x − target| < δ, else δ · (d − δ/2)."""
    delta = positive("huber_loss", "delta", delta)
    x, target = same_shape("huber_loss", input, target)
    loss = apply(EXPRESSIONS["huber"], x - target, delta=delta)
    if weight is not None:
        loss = loss * rescaled("huber_loss", "weight", weight, loss)
    return reduce_loss("huber_loss", loss, reduction)


def log_cosh_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """log cosh(x − target), as d + log(1 + e^−2d) − log 2 of d = |x − target|, which cannot overflow."""
    x, target = same_shape("log_cosh_loss", input, target)
    return reduce_loss("log_cosh_loss", apply(EXPRESSIONS["log_cosh"], x - target), reduction)
