"""Losses between the probabilities given to the classes and those they should have."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd import Tensor, as_tensor
from ._activation import log_softmax, softmax
from ._loss_arguments import class_shares, over_classes, reduce_loss

__all__ = [
    "cauchy_schwarz_loss",
    "chebyshev_loss",
    "dice_loss",
    "expectation_loss",
    "regularized_expectation_loss",
    "squared_log_loss",
    "tanimoto_loss",
    "tversky_loss",
]


def _with_shares(name: str, x: Any, target: Any) -> tuple[Tensor, Tensor, int]:
    """Scores, the share that each class should get, and the axis of the classes."""
    x = as_tensor(x)
    over_classes(name, x)  # has classes
    return x, class_shares(name, x, target), 0 if x.ndim == 1 else 1


def expectation_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """Σ_c |softmax(x)_c − t_c|."""
    x, shares, axis = _with_shares("expectation_loss", input, target)
    return reduce_loss("expectation_loss", (softmax(x, axis) - shares).abs().sum(axis), reduction)


def regularized_expectation_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """Σ_c (softmax(x)_c − t_c)²."""
    x, shares, axis = _with_shares("regularized_expectation_loss", input, target)
    difference = softmax(x, axis) - shares
    return reduce_loss("regularized_expectation_loss", (difference * difference).sum(axis), reduction)


def chebyshev_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """max_c |softmax(x)_c − t_c|."""
    x, shares, axis = _with_shares("chebyshev_loss", input, target)
    size = _largest((softmax(x, axis) - shares).abs(), axis)
    return reduce_loss("chebyshev_loss", size, reduction)


def _largest(x: Tensor, axis: int) -> Tensor:
    """The largest along an axis, by halves that may overlap: maxima of two are what plans take."""
    before = (slice(None),) * axis
    while (size := x.shape[axis]) > 1:
        half = (size + 1) // 2
        x = x[(*before, slice(half))].maximum(x[(*before, slice(size - half, None))])
    return x.squeeze(axis)


def squared_log_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """Σ_c (t_c · log softmax(x)_c)²."""
    x, shares, axis = _with_shares("squared_log_loss", input, target)
    logs = shares * log_softmax(x, axis)
    return reduce_loss("squared_log_loss", (logs * logs).sum(axis), reduction)


def tanimoto_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """1 − Σ_c p_c t_c / (Σ_c p_c² + Σ_c t_c² − Σ_c p_c t_c),  p = softmax(x)."""
    x, shares, axis = _with_shares("tanimoto_loss", input, target)
    common, squares, own = _products(softmax(x, axis), shares, axis)
    return reduce_loss("tanimoto_loss", 1.0 - common / (squares + own - common), reduction)


def cauchy_schwarz_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """−log(Σ_c p_c t_c / (‖p‖ · ‖t‖)),  p = softmax(x)."""
    x, shares, axis = _with_shares("cauchy_schwarz_loss", input, target)
    tiny = float(np.finfo(x.dtype).tiny)  # what e^x cannot hold has no logarithm
    common, squares, own = (part.clamp_min(tiny).log() for part in _products(softmax(x, axis), shares, axis))
    return reduce_loss("cauchy_schwarz_loss", (squares + own) * 0.5 - common, reduction)


def _products(p: Tensor, t: Tensor, axis: int) -> tuple[Tensor, Tensor, Tensor]:
    """Σ p · t, Σ p² and Σ t² over the classes."""
    return (p * t).sum(axis), (p * p).sum(axis), (t * t).sum(axis)


def dice_loss(input: Any, target: Any, smooth: float = 1.0, reduction: str = "mean") -> Tensor:
    """1 − (2 Σ x · t + smooth) / (Σ x + Σ t + smooth), over all that a sample holds."""
    return _overlap("dice_loss", input, target, 0.5, 0.5, smooth / 2, reduction)


def tversky_loss(
    input: Any,
    target: Any,
    alpha: float = 0.5,
    beta: float = 0.5,
    smooth: float = 1.0,
    reduction: str = "mean",
) -> Tensor:
    """1 − (c + smooth) / (c + α Σ x · (1 − t) + β Σ (1 − x) · t + smooth),  c = Σ x · t."""
    return _overlap("tversky_loss", input, target, alpha, beta, smooth, reduction)


def _overlap(
    name: str, x: Any, target: Any, alpha: float, beta: float, smooth: float, reduction: str
) -> Tensor:
    x = as_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"{name}: the probabilities have shape {x.shape}, expected (N, ...)")
    for what, number in (("alpha", alpha), ("beta", beta), ("smooth", smooth)):
        if not number >= 0:
            raise ValueError(f"{name}: {what}={number} must be at least 0")
    shares, rest = class_shares(name, x, target), tuple(range(1, x.ndim))
    common, given, wanted = (part.sum(rest) for part in (x * shares, x, shares))
    union = common * (1.0 - alpha - beta) + given * alpha + wanted * beta
    return reduce_loss(name, 1.0 - (common + smooth) / (union + smooth), reduction)
