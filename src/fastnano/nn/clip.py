"""Gradient clipping."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..autograd import Tensor


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[np.ndarray]:
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad.data for p in parameters if p.grad is not None]


def _norm(gradient: np.ndarray, kind: float) -> float:
    """The norm of all values, summed in float64."""
    if not gradient.size:
        return 0.0
    if kind == math.inf:
        return float(np.abs(gradient).max())
    if kind == 2:  # einsum converts a small buffer at a time
        flat = gradient.reshape(-1)
        return math.sqrt(np.einsum("i,i->", flat, flat, dtype=np.float64))
    return float(np.sum(np.abs(gradient) ** float(kind), dtype=np.float64)) ** (1 / kind)


def clip_grad_norm_(parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0) -> float:
    """Scale all gradients, in place, by min(1, max_norm / (norm + 1e-6)); returns the norm of all together.

    Source: R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks",
    2013.
    """
    if not max_norm >= 0:
        raise ValueError(f"clip_grad_norm_: max_norm={max_norm} must be at least 0")
    if not norm_type > 0:
        raise ValueError(
            f"clip_grad_norm_: norm_type={norm_type} must be above 0 (math.inf: the largest value)"
        )
    gradients = _gradients(parameters)
    norms = [_norm(g, norm_type) for g in gradients]
    norm = float(np.linalg.norm(norms, norm_type)) if norms else 0.0
    if not math.isfinite(norm):
        raise ValueError(f"clip_grad_norm_: the gradients have norm {norm}; they cannot be scaled")
    scale = max_norm / (norm + 1e-6)
    if scale < 1:
        for gradient in gradients:
            gradient *= gradient.dtype.type(scale)
    return norm


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Limit every element of the gradients, in place, to ±clip_value."""
    if not clip_value >= 0:
        raise ValueError(f"clip_grad_value_: clip_value={clip_value} must be at least 0")
    for gradient in _gradients(parameters):
        np.clip(gradient, -clip_value, clip_value, out=gradient)
