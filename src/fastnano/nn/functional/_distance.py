"""Distances and angles of vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..._errors import called
from ...autograd import EXPRESSIONS, Tensor, apply
from ...functions.reduction import norm
from ._loss_arguments import at_least, operands

__all__ = ["cosine_similarity", "pairwise_distance"]


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Σ x1 · x2 / (max(‖x1‖, eps) · max(‖x2‖, eps)) along ``dim``."""
    x1, x2 = operands("cosine_similarity", x1, x2)
    if x1.shape != x2.shape:  # lengths are those of vectors as they are after it
        shape = np.broadcast_shapes(x1.shape, x2.shape)
        x1, x2 = x1.expand(shape), x2.expand(shape)
    u1, u2 = (x / at_least(_length(x, dim, True), eps) for x in (x1, x2))
    return (u1 * u2).sum(dim)


def _length(x: Tensor, dim: int, keepdim: bool) -> Tensor:
    """√Σ x²; roots have no slope at 0, so nothing comes back from there."""
    return (x * x).sum(dim, keepdim).clamp_min(_tiny(x)).sqrt()


def _tiny(x: Tensor) -> float:
    if x.dtype.kind != "f":
        raise TypeError(
            f"{called('distance')}: the operands are {x.dtype}, expected floats; convert with .float()"
        )
    return float(np.finfo(x.dtype).tiny)


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """‖x1 − x2 + eps‖_p over the last axis, as ``norm`` has it."""
    x1, x2 = operands("pairwise_distance", x1, x2)
    difference = x1 - x2 + eps
    if not p > 0:
        return norm(difference, p, -1, keepdim)
    if p == 2:
        return _length(difference, -1, keepdim)
    size, tiny = difference.abs(), _tiny(difference)
    if p == 1:
        return size.sum(-1, keepdim)
    if math.isinf(p):
        return apply(EXPRESSIONS["amax"], size, axis=-1, keepdims=keepdim)
    return (size.clamp_min(tiny) ** p).sum(-1, keepdim).clamp_min(tiny) ** (1 / p)
