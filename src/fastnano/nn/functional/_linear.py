"""Dense layers as functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd import OPS, Tensor, apply, as_tensor
from .._initial import constant

__all__ = ["linear"]


def linear(x: Any, weight: Any, bias: Any = None) -> Tensor:
    """y = x weightᵀ + bias; x (*, in), weight (out, in)."""
    x, weight = as_tensor(x), as_tensor(weight)
    if weight.ndim != 2:
        raise ValueError(f"linear: weight has shape {weight.shape}, expected (out_features, in_features)")
    if not weight.shape[1]:
        raise ValueError(f"linear: weight has shape {weight.shape}; in_features must be at least 1")
    bias = constant(0, weight.shape[0], x.dtype) if bias is None else as_tensor(bias)
    if x.ndim == 2:
        return apply(OPS["linear"], x, weight, bias)
    if x.ndim == 0:
        raise ValueError("linear: x is a single number, expected shape (*, in_features)")
    y = apply(OPS["linear"], x.reshape(_rows(x.shape)), weight, bias)
    return y.reshape((*x.shape[:-1], weight.shape[0]))


def _rows(shape: tuple[int, ...]) -> tuple[int, int]:
    return int(np.prod(shape[:-1])), shape[-1]
